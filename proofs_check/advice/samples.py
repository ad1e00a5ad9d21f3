"""Verdicts about samples: what heads that are perfect on some examples are sure of on others, and how much may be left.

>>> from theory.tasks import Copy
>>> rng = np.random.default_rng(0)
>>> few, more = ([Copy(2).sample(n, rng) for n in (3, 4, 5) for _ in range(size)] for size in (3, 60))
>>> for given in (few, more):
...     train, test, _ = halves(given, size=lambda instance: instance.n_prompt)
...     found = judge_sample("coupled", train, test, HeadClass(2, window=1, key="relative", anchor="last"))
...     print(found.outcome, found.not_guaranteed, found.size, round(found.at_most, 3))
fails 3 3 1.0
not refuted 0 60 0.049
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from idealized_model.noise import Blame, LeastLoss, least_loss, to_blame
from proofs_check.advice.judging import LEVEL, percent, upper_bound
from proofs_check.evidence import Kind
from theory import BudgetExceeded, Example, HeadClass
from theory.guarantees import guarantees
from theory.positions import Ids
from theory.tasks import Instance, step_examples

T = TypeVar("T")

SampleOutcome: TypeAlias = Literal["not refuted", "fails", "unrealizable"]

NODES = 400_000
"""Candidate sets of a sample that the search for the least loss looks at, all its nodes together."""

CELLS = 2_000_000
"""Candidate sets of a part of a sample at most, times the arity."""


@dataclass(frozen=True)
class SampleVerdict:
    """What a sample says of heads that are perfect on one part of it, on the other part.

    Attributes
    ----------
    name : of the scheme.
    heads : the class of heads.
    outcome : "unrealizable" (no head is perfect on the training part), "fails" (some such head errs on a sequence of the
        other part), or "not refuted" (none does, on the sequences at hand).
    size : the sequences of the other part.
    not_guaranteed : those on which some head that is perfect on the training part errs.
    at_most : with the confidence `level`, at most this mass of the law of these sequences is not guaranteed.
    scope : what the parts are, in words.
    witness : what shows a failure.
    """

    name: str
    heads: HeadClass
    outcome: SampleOutcome
    size: int
    not_guaranteed: int
    at_most: float
    level: Fraction
    scope: str
    witness: str | None = None

    certificate: None = None

    @property
    def evidence(self) -> Kind:
        """A sample supports, or is a witness against."""
        return "refuted" if self.outcome != "not refuted" else "supported"

    @property
    def text(self) -> str:
        """The verdict in a line."""
        if self.outcome == "unrealizable":
            return "∅ no head is perfect on the training part"
        sure = f"{self.size - self.not_guaranteed:,} of {self.size:,} guaranteed"
        return f"{sure}; at most {percent(self.at_most)} of the law is not ({percent(float(self.level))} sure)"

    def to_data(self) -> dict[str, Any]:
        """The verdict as JSON data."""
        return {
            "outcome": self.outcome,
            "reason": None,
            "certificate": None,
            "scores": "hard",
            "arity": self.heads.arity,
            "window": self.heads.window,
            "key": self.heads.key,
            "scope": self.scope,
            "evidence": self.evidence,
            "confidence": {
                "level": str(self.level),
                "at_most": self.at_most,
                "of": "the law that the sequences of the other part are from",
                "sequences": self.size,
                "not_guaranteed": self.not_guaranteed,
            },
            "witness": self.witness,
        }


def halves(given: Sequence[T], *, size: Callable[[T], int], seed: int = 0) -> tuple[list[T], list[T], str]:
    """A sample in two parts, by the tokens of the prompts: the shorter half to train on, the longer one; in words.

    The split goes by lengths alone, so that given these the longer sequences are still drawn by their law. Where all
    lengths are one, it is at random.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> halves([Copy(2).solve((0,) * n + (2,)) for n in (1, 2, 3)], size=lambda instance: instance.n_prompt)[2]
    '2 sequences with prompts of 2..3 tokens to train on, 1 with 4 to test'
    """
    sizes = sorted(map(size, given))
    if sizes[0] == sizes[-1]:
        order = np.random.default_rng(seed).permutation(len(given)).tolist()
        half = (len(given) + 1) // 2
        train, test = ([given[i] for i in part] for part in (order[:half], order[half:]))
        words = f"{len(train)} sequences to train on and {len(test)} to test, all with prompts of {sizes[0]} tokens"
        return train, test, f"{words}: they say nothing of longer ones"
    middle = min(sizes[(len(sizes) - 1) // 2], max(n for n in sizes if n < sizes[-1]))
    train = [one for one in given if size(one) <= middle]
    test = [one for one in given if size(one) > middle]
    spans = [_span(list(map(size, part))) for part in (train, test)]
    return (
        train,
        test,
        f"{len(train)} sequences with prompts of {spans[0]} tokens to train on, {len(test)} with {spans[1]} to test",
    )


def _span(sizes: Sequence[int]) -> str:
    low, high = min(sizes), max(sizes)
    return str(low) if low == high else f"{low}..{high}"


def judge_sample(
    name: str,
    train: Sequence[Instance],
    test: Sequence[Instance],
    heads: HeadClass,
    *,
    ids: Callable[[Instance], Ids] = lambda instance: instance.ids,
    misfits: int = 0,
    level: Fraction = LEVEL,
    scope: str = "",
) -> SampleVerdict:
    """On which sequences of one part every head is right, at every step, that is perfect on the other part.

    The number of those that are not is binomial under the law of the sequences, so that Clopper and Pearson bound their
    mass, whatever the law.

    Parameters
    ----------
    heads : chosen without looking at `test`.
    ids : the position IDs of an instance.
    misfits : how many more sequences there are of the part, which fit no rule that the training part has; they count as
        not guaranteed.

    Raises
    ------
    BudgetExceeded : for too many candidate sets.

    Cost: that of `guarantees`. Source: T1 in docs/theory.md, example by example.
    """
    own = [[*step_examples(instance, ids(instance))] for instance in test]
    trained = [example for instance in train for example in step_examples(instance, ids(instance))]
    size = len(test) + misfits
    for part in (trained, [example for examples in own for example in examples]):
        cells = sum(heads.arity * heads.n_candidates(example.ids) for example in part)
        if cells > CELLS:
            raise BudgetExceeded("advise (candidate sets)", size=cells, budget=CELLS, fix="Give fewer examples.")
    asked = [example for examples in own for example in examples] or trained[:1]
    found = guarantees(heads, train=trained, test=asked)
    if not found.realizable:
        return SampleVerdict(name, heads, "unrealizable", size, size, 1.0, level, scope)
    doubts = {example: found.why(example) for example in dict.fromkeys(asked)}
    doubtful = [examples for examples in own if any(doubts[example] is not None for example in examples)]
    count = len(doubtful) + misfits
    witness = None
    if doubtful:
        example = next(example for example in doubtful[0] if doubts[example] is not None)
        why = doubts[example]
        view = "" if why is None or why.view is None else f", view {why.view.tokens} with key {why.view.key}"
        witness = f"{'' if why is None else why.reason}{view}, at the tokens {example.tokens}"
    elif misfits:
        witness = "sequences that do not fit the rule of the training part"
    at_most = upper_bound(count, size, level) if size else 1.0
    return SampleVerdict(name, heads, "fails" if count else "not refuted", size, count, at_most, level, scope, witness)


# ── Noise ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Noise:
    """How far hard heads are from fitting a sample, and which sequences are to blame.

    Attributes
    ----------
    heads : the class of heads, under `scheme`.
    loss : the least mean loss over all predictions, exact or between bounds.
    blame : the fewest predictions without which some head fits the rest.
    examples : where the sequences of these stand in the sample, from 0 on.
    """

    scheme: str
    heads: HeadClass
    loss: LeastLoss
    blame: Blame
    examples: tuple[int, ...]

    def __str__(self) -> str:
        loss = f"exactly {self.loss.high}" if self.loss.exact else f"between {self.loss.low} and {self.loss.high}"
        few = "the fewest" if self.blame.smallest else f"at least {self.blame.at_least} are needed"
        places = ", ".join(map(str, self.examples[:20])) + ", ..." * (len(self.examples) > 20)
        who = f"to blame: {len(self.blame.places)} predictions ({few}), in the examples {places or '(none)'}"
        return f"{self.scheme}, {self.heads}: the least loss of a hard head is {loss}; {who}"

    def to_data(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "scheme": self.scheme,
            "arity": self.heads.arity,
            "window": self.heads.window,
            "key": self.heads.key,
            "least_loss": {"low": str(self.loss.low), "high": str(self.loss.high), "exact": self.loss.exact},
            "to_blame": {
                "predictions": len(self.blame.places),
                "at_least": self.blame.at_least,
                "smallest": self.blame.smallest,
                "examples": list(self.examples),
            },
        }


def noise_of(
    scheme: str,
    instances: Sequence[Instance],
    heads: HeadClass,
    *,
    ids: Callable[[Instance], Ids] = lambda instance: instance.ids,
) -> Noise:
    """The least loss of a hard head on all predictions of a sample, and the examples to blame.

    Cost: that of `least_loss` and `to_blame`.
    """
    examples, owner = list[Example](), list[int]()
    for place, instance in enumerate(instances):
        for example in step_examples(instance, ids(instance)):
            examples.append(example)
            owner.append(place)
    cells = sum(heads.n_candidates(example.ids) for example in examples)
    budget = max(20, NODES // cells)
    blame = to_blame(heads, examples, budget=budget)
    blamed = tuple(dict.fromkeys(owner[place] for place in blame.places))
    return Noise(scheme, heads, least_loss(heads, examples, budget=budget), blame, blamed)
