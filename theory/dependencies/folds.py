"""Running states: an output that is read off a state which takes in the prompt token by token.

>>> found = fold(lambda prompt: (sum(prompt) % 3,), alphabet=(0, 1, 2))
>>> found.n_states, found.answer((2, 2, 1))
(3, (2,))
>>> task = found.task("running sum")
>>> print(task.show(task.solve((2, 2, 1, 3))))
token 2  2  1  s0 s2  s1  s2
ID    1  2  3  0  1   2   3
read              3,0 4,1 5,2
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from theory.dependencies.growth import LISTED
from theory.dependencies.infer import SAMPLED, unseen_bound
from theory.dependencies.sources import CALL_SECONDS, Pair, Source, Token
from theory.errors import AssumptionViolated, InvalidArgument, check, check_integer, check_integers, check_type
from theory.tasks.base import Instance, Step, Task, Tokens

WHERE = "dependencies.fold"

MOST_STATES = 64
"""Folds of more states are not looked for, unless `most_states` says otherwise."""

MOST_LENGTH = 8
"""Words are listed up to this length, as far as the budget goes."""

Word: TypeAlias = tuple[Token, ...]


class Checked(NamedTuple):
    """Words of a longer length that the fold answers as the source does, all of them.

    Attributes
    ----------
    bound : with confidence 99 %, the chance that it does not is at most that.

    Examples
    --------
    >>> Checked(length=16, words=500, bound=Fraction(1, 100)).words
    500
    """

    length: int
    words: int
    bound: Fraction


@dataclass(frozen=True)
class Fold:
    """A running state: state_t = transition(state_(t-1), x_t), and the output is a function of the last state.

    No fold of the source has fewer states: every two of these are told apart by tokens that may follow.

    Attributes
    ----------
    alphabet : the tokens that are taken in.
    start : the state before the first token.
    transition : by state and place of the token in the alphabet, the next state.
    output : by state; None for a state that no word ends in.
    ending : tokens that every prompt has behind its word, such as a separator.
    exact_lengths : of words that the fold answers as the source does, every one of these lengths.
    checked : what was sampled of longer ones.

    Examples
    --------
    >>> found = fold(lambda prompt: (int("11" in "".join(prompt)),), alphabet="01")
    >>> print(found)
    3 states, the start is s0; by the tokens 0, 1
    s0 -> s0, s1; output 0
    s1 -> s0, s2; output 0
    s2 -> s2, s2; output 1
    """

    alphabet: tuple[Token, ...]
    start: int
    transition: tuple[tuple[int, ...], ...]
    output: tuple[Word | None, ...]
    ending: Word
    exact_lengths: tuple[int, ...]
    checked: tuple[Checked, ...]

    @property
    def n_states(self) -> int:
        """How many states there are."""
        return len(self.transition)

    def states(self, word: Sequence[Token]) -> list[int]:
        """The states from the start on, one more than there are tokens.

        Raises
        ------
        InvalidArgument : for a token that is not taken in.
        """
        places = {token: place for place, token in enumerate(self.alphabet)}
        path = [self.start]
        for j, token in enumerate(word):
            known = ", ".join(map(str, self.alphabet))
            check(token in places, "Fold.states", f"word[{j}]", token, expected=f"one of {known}", fix="Leave it out.")
            path.append(self.transition[path[-1]][places[token]])
        return path

    def answer(self, word: Sequence[Token]) -> Word | None:
        """The output for a word, without its ending."""
        return self.output[self.states(word)[-1]]

    def __str__(self) -> str:
        lines = [
            f"{self.n_states} states, the start is s{self.start}; by the tokens {', '.join(map(str, self.alphabet))}"
        ]
        for state, (nexts, output) in enumerate(zip(self.transition, self.output, strict=True)):
            ends = "" if output is None else f"; output {' '.join(map(str, output))}"
            lines.append(f"s{state} -> {', '.join(f's{one}' for one in nexts)}{ends}")
        return "\n".join(lines)

    def task(self, name: str) -> FoldTask:
        """The task with a scratchpad: the state after every token. Each state is a function of two tokens.

        Raises
        ------
        AssumptionViolated : for a fold of one state, which reads nothing.
        """
        check_type(name, str, "Fold.task", "name", "a string", "For instance 'running parity'.")
        if self.n_states == 1:
            fix = "It needs no scratchpad: every prompt has the same output."
            raise AssumptionViolated("Fold.task", "fold", got="one state", expected="at least two states", fix=fix)
        return FoldTask(self, name)


@dataclass(frozen=True)
class FoldTask(Task):
    """x_1 ... x_n s_0 s_1 ... s_n with s_t = transition(s_(t-1), x_t); tokens and states are different tokens.

    Token-coupled: x_t and s_t share the ID t, so x_t is one ID beyond the query s_(t-1). The last state tells the output.

    Examples
    --------
    >>> task = fold(lambda prompt: (max(prompt),), alphabet=range(3)).task("running maximum")
    >>> task.text(task.solve((0, 2, 1, 3)).tokens)
    '021s0s0s2s2'
    """

    fold: Fold = field(repr=False)
    name: str = "running states"

    sparsity = 2
    offsets = frozenset({(0, 1)})

    @property
    def alphabet(self) -> tuple[str, ...]:
        texts = [str(token) for token in self.fold.alphabet]
        states = [f"s{state}" for state in range(self.fold.n_states)]
        plain = all(texts) and len({*texts, *states}) == len(texts) + len(states)
        return (*(texts if plain else map(repr, self.fold.alphabet)), *states)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        n_tokens = len(self.fold.alphabet)
        return [range(n_tokens)] * length + [(n_tokens + self.fold.start,)]

    def solve(self, prompt: Tokens) -> Instance:
        n, states = len(prompt) - 1, [prompt[-1]]
        for token in prompt[:n]:
            states.append(self.rule((states[-1], token)))
        return Instance(
            tokens=(*prompt[:n], *states),
            ids=(*range(1, n + 1), *range(n + 1)),
            steps=tuple(Step(n + 1 + t, (n + t, t)) for t in range(n)),
            parts=("word",) * n + ("states",) * (n + 1),
        )

    def rule(self, read: Tokens) -> int:
        state, token = read
        n_tokens = len(self.fold.alphabet)
        return n_tokens + self.fold.transition[state - n_tokens][token]


def fold(
    source: object,
    alphabet: Sequence[Token] | None = None,
    *,
    prompts: Callable[[int], Any] | None = None,
    lengths: Sequence[int] | None = None,
    most_states: int = MOST_STATES,
    budget: int = LISTED,
    samples: int = SAMPLED,
    seconds: float = 60,
    seed: int = 0,
) -> Fold | None:
    """The running state of a source, with the fewest states; None where there is none of so many states, or none was found.

    Beginnings of prompts are put together which no continuation tells apart, of those for which every word was seen
    (Myhill and Nerode); if the classes close, they are the states. They have to answer every word that was listed, and
    sampled longer ones.

    Parameters
    ----------
    source, alphabet, prompts : as for `infer`; every word over some tokens must be a prompt, perhaps with a fixed ending.
    lengths : of prompts, to be listed; default: from 1 on.
    most_states : folds of more are not looked for.
    budget : prompts of one length that are listed.
    samples : instances that are drawn of a length that cannot be listed; a quarter of that, of a longer one.
    seconds, seed : as for `infer`.

    Raises
    ------
    InvalidArgument : for a source that goes wrong, as for `infer`.

    Examples
    --------
    >>> fold(lambda prompt: (int(2 * sum(prompt) > len(prompt)),), alphabet=(0, 1)) is None  # the majority
    True

    Cost: words · continuations. Source: Myhill and Nerode's theorem.
    """
    for name, value, least in (("most_states", most_states, 1), ("budget", budget, 1), ("samples", samples, 4)):
        check_integer(value, WHERE, name, least=least)
    check_integer(seed, WHERE, "seed", least=0)
    timely = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    check(timely, WHERE, "seconds", seconds, expected="a number > 0", fix="For instance 60.")
    if lengths is not None:
        check_integers(lengths, WHERE, "lengths", least=1)
    asked = Source.of(source, alphabet, prompts, seconds=min(CALL_SECONDS, float(seconds)))
    ends, rng = time.monotonic() + seconds, np.random.default_rng(seed)
    return _FoldSearch(asked, lengths, most_states, budget, samples, ends, rng).run()


class _FoldSearch:
    """The search behind `fold`."""

    def __init__(
        self,
        source: Source,
        lengths: Sequence[int] | None,
        most: int,
        budget: int,
        samples: int,
        ends: float,
        rng: np.random.Generator,
    ) -> None:
        self.source, self.lengths, self.most, self.budget = source, lengths, most, budget
        self.samples, self.ends, self.rng = samples, ends, rng
        self.asked: list[int] = []

    def run(self) -> Fold | None:
        """The fold."""
        pairs = self._pairs()
        if pairs is None or not pairs:
            return None
        ending = _ending([prompt for prompt, _ in pairs])
        table = {prompt[: len(prompt) - len(ending)]: output for prompt, output in pairs}
        if len(table) < len({prompt for prompt, _ in pairs}):
            return None
        tokens = tuple(sorted({token for word in table for token in word}, key=lambda one: (isinstance(one, str), one)))
        if self.source.alphabet:
            tokens = tuple(token for token in self.source.alphabet if token in tokens)
        listed = {len(word) for word in table}
        longest = 0
        while longest + 1 in listed and sum(len(w) == longest + 1 for w in table) == len(tokens) ** (longest + 1):
            longest += 1
        exact = {word: output for word, output in table.items() if len(word) <= longest}
        for horizon in range(1, longest - 1):
            if time.monotonic() > self.ends:
                return None
            found = self._classes(exact, tokens, longest, horizon, ending)
            if found is not None and all(found.answer(word) == output for word, output in table.items()):
                return self._checked(found)
        return None

    def _pairs(self) -> list[Pair] | None:
        """What there is of the short lengths; None where one prompt has two outputs."""
        pairs: list[Pair] = []
        for length in self.lengths or range(1, 2 * MOST_LENGTH):
            size = self.source.n_prompts(length)
            if self.source.kind != "pairs" and size is not None and size > self.budget:
                break
            if time.monotonic() > self.ends or (self.lengths is None and len(self.asked) >= MOST_LENGTH):
                break
            if size == 0:
                continue
            some = (
                self.source.all_pairs(length) if size is not None else self.source.draw(length, self.samples, self.rng)
            )
            pairs += some
            self.asked.append(length)
        outputs: dict[Word, Word] = {}
        return pairs if all(outputs.setdefault(prompt, output) == output for prompt, output in pairs) else None

    def _classes(
        self, table: dict[Word, Word], tokens: tuple[Token, ...], longest: int, horizon: int, ending: Word
    ) -> Fold | None:
        """The fold whose states are the beginnings that no continuation of the horizon tells apart, if it closes."""
        after = [w for length in range(horizon + 1) for w in product(tokens, repeat=length)]
        depth = longest - horizon

        def signature(word: Word) -> tuple[Word, ...]:
            return tuple(table[(*word, *more)] for more in after)

        states: dict[tuple[Word, ...], int] = {}
        nexts: dict[tuple[int, Token], int] = {}
        for length in range(1, depth + 1):
            before = len(states)
            for word in product(tokens, repeat=length):
                states.setdefault(signature(word), len(states))
                if len(states) > self.most:
                    return None
            if length == depth and len(states) > before:
                return None  # they have not closed
        number = {word: states[signature(word)] for n in range(1, depth + 1) for word in product(tokens, repeat=n)}
        for word, state in number.items():
            if len(word) < depth:
                for token in tokens:
                    reached = number[(*word, token)]
                    if nexts.setdefault((state, token), reached) != reached:
                        return None
        if any((state, token) not in nexts for state in range(len(states)) for token in tokens):
            return None
        rows = [[nexts[state, token] for token in tokens] for state in range(len(states))]
        first = [number[(token,)] for token in tokens]
        outputs: list[Word | None] = [one[0] for one in states]
        # A state from which every token leads where it leads from the start is the start; else that is a state more.
        start = next((state for state, row in enumerate(rows) if row == first), len(rows))
        if start == len(rows):
            rows.append(first)
            outputs.append(None)
        return _renumbered(tokens, start, rows, outputs, ending, tuple(range(1, longest + 1)))

    def _checked(self, found: Fold) -> Fold | None:
        """The fold, if longer words bear it out."""
        checked = []
        if self.source.kind == "pairs":
            return found
        for length in (max(self.asked) + 1, 2 * max(self.asked), 4 * max(self.asked)):
            try:
                if self.source.listed is not None and not self.source.n_prompts(length):
                    break
                drawn = list(self.source.draw(length, self.samples // 4, self.rng))
            except InvalidArgument:  # nobody asked for this length
                break
            for prompt, output in drawn:
                word = prompt[: len(prompt) - len(found.ending)]
                same = prompt[len(word) :] == found.ending and set(word) <= set(found.alphabet)
                if not same or found.answer(word) != output:
                    return None
            checked.append(Checked(length, len(drawn), unseen_bound(0, len(drawn))))
        return replace(found, checked=tuple(checked))


def _ending(prompts: Sequence[Word]) -> Word:
    """The tokens at the end of every prompt that stand nowhere else."""
    ending: Word = ()
    while all(len(prompt) > len(ending) + 1 for prompt in prompts):
        tokens = {prompt[-1 - len(ending)] for prompt in prompts}
        (token,) = tokens if len(tokens) == 1 else (None,)
        if token is None or any(token in prompt[: -1 - len(ending)] for prompt in prompts):
            break
        ending = (token, *ending)
    return ending


def _renumbered(
    tokens: tuple[Token, ...],
    start: int,
    rows: list[list[int]],
    outputs: list[Word | None],
    ending: Word,
    lengths: tuple[int, ...],
) -> Fold:
    """The fold with its states numbered as they are reached from the start, which is 0."""
    order = [start]
    for state in order:
        order += [one for one in dict.fromkeys(rows[state]) if one not in order]
    new = {state: number for number, state in enumerate(order)}
    return Fold(
        alphabet=tokens,
        start=0,
        transition=tuple(tuple(new[one] for one in rows[state]) for state in order),
        output=tuple(outputs[state] for state in order),
        ending=ending,
        exact_lengths=lengths,
        checked=(),
    )
