"""An example to look at: a text, the tokens in it that the prediction of the next one needs, and what is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from idealized_model.language.meter import Integers, Measurement, measure
from idealized_model.language.tokenizer import Tokenizer
from idealized_model.transformer.config import Parameters
from idealized_model.transformer.engine import Engine
from theory.errors import check

GUESSES = 5
"""How many of the likeliest next tokens are told."""


@dataclass(frozen=True)
class Example:
    """A text with some of its tokens marked.

    Attributes
    ----------
    parts : (text, whether it is needed), which put together are the whole.
    k : how many tokens are needed.
    last : how many of the last tokens would be.
    guesses : (text, probability) of the likeliest next tokens, given the whole.
    truth : the token that did come next; "" where nobody knows.

    Examples
    --------
    >>> found = Example((("To be or ", False), ("not", True), (" to", True)), 2, 2, ((" be", 0.9),), " be")
    >>> print(found)
    To be or [not][ to]
    >>> print(found.html())
    <p class="needed">To be or <mark>not</mark><mark> to</mark></p>
    >>> print(Example((("Enter", False), ("\\n", True)), 1, 1, ()))
    Enter[¶]
    <BLANKLINE>
    """

    parts: tuple[tuple[str, bool], ...]
    k: int
    last: int
    guesses: tuple[tuple[str, float], ...]
    truth: str = ""

    @property
    def shown(self) -> tuple[tuple[str, bool], ...]:
        """The parts, with a line end that is needed as "¶", and the end of the line behind it."""
        shown: list[tuple[str, bool]] = []
        for text, needed in self.parts:
            shown += [("¶", True), ("\n", False)] if needed and text == "\n" else [(text, needed)]
        return tuple(shown)

    def __str__(self) -> str:
        return "".join(f"[{text}]" if needed else text for text, needed in self.shown)

    def html(self) -> str:
        """The text as a paragraph of HTML, what is needed in <mark>; line breaks are kept."""
        parts = (f"<mark>{escape(text)}</mark>" if needed else escape(text) for text, needed in self.shown)
        return f'<p class="needed">{"".join(parts)}</p>'.replace("\n", "<br>\n")


def example_of(
    engine: Engine, parameters: Parameters, tokenizer: Tokenizer, context: Integers, *, epsilon: float, truth: str = ""
) -> Example:
    """The tokens of a context that the prediction of the next one needs.

    Parameters
    ----------
    engine, parameters : a meter.
    tokenizer : that of the text that it was trained on.
    context : its last token is the one from which the prediction is made.
    epsilon : the tolerance, nats.

    Raises
    ------
    InvalidArgument : as `measure` does, and for a tolerance that is not > 0, or a tokenizer of other tokens.

    Examples
    --------
    >>> from idealized_model.transformer import ModelConfig
    >>> config = ModelConfig(n_tokens=256, width=8, n_layers=1, n_heads=2, encoding="rope")
    >>> parameters, tokenizer = Parameters.drawn(config, np.random.default_rng(0)), Tokenizer((), "")
    >>> print(example_of(Engine(config), parameters, tokenizer, tokenizer.encode("three"), epsilon=0.1))
    thre[e]
    """
    own, n = engine.config.n_tokens, tokenizer.n_tokens
    fix = "Use the tokenizer of the text that the meter was trained on."
    check(own == n, "example_of", "tokenizer", got=f"one of {n} tokens", expected=f"one of {own}", fix=fix)
    found = measure(engine, parameters, context)
    law = np.exp(found.log_probabilities)
    likeliest = np.argsort(-law, kind="stable")[:GUESSES]
    return Example(
        tuple(_parts(tokenizer, context, found, epsilon)),
        found.k(epsilon),
        found.k_of("recency", epsilon),
        tuple((tokenizer.decode([token]), float(law[token])) for token in likeliest),
        truth,
    )


def _parts(tokenizer: Tokenizer, context: Integers, found: Measurement, epsilon: float) -> list[tuple[str, bool]]:
    """Each needed token by itself, and what stands between them."""
    parts, start = [], 0
    for at in found.kept(epsilon):
        if start < at:
            parts.append((tokenizer.decode(context[start:at]), False))
        parts.append((tokenizer.decode(context[[at]]), True))
        start = at + 1
    return parts
