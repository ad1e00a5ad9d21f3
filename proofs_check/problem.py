"""A problem: what `decide` and `coverage` are asked, what a claim is tested on, and what a witness holds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from idealized_model import HeadSpace
from theory import HardHead, HeadClass, Law, Verdict, decide
from theory.criterion import Outcome
from theory.examples import Label, Mixture
from theory.guarantees import Scores
from theory.heads import View
from theory.planted import PlantedLaw
from theory.ranked import RankedHead

ENUMERATED_HEADS = 3**9
"""Hard heads are enumerated up to this many, where a check can do without."""

WORDS = 1000
"""Characters of a problem that are printed."""

ViewCase = tuple[frozenset[View], Label]
"""All that a zero-loss question needs of an example: its views and its label."""


@dataclass(frozen=True)
class Problem:
    """A head class, a training law and a test law, and for some checks one hard head.

    Attributes
    ----------
    heads, train, test : what T1 decides about; claims about one law use the same law for both.
    head : the hard head in question, where a check is about one head rather than all.
    scores : what kind of heads is decided about, as for `decide`.
    ranked : for ranked scores, the ranked head in question.

    Examples
    --------
    >>> from theory import Example, FiniteLaw
    >>> law = FiniteLaw({Example((1, 0), (0, 1), "one"): 1})
    >>> Problem(HeadClass(arity=1), train=law, test=law).head is None
    True
    """

    heads: HeadClass
    train: Law
    test: Law
    head: HardHead | None = None
    scores: Scores = "hard"
    ranked: RankedHead | None = None

    def __str__(self) -> str:
        same = self.train == self.test
        test = "" if same else f"\ntest: {_law_in_words(self.test)}"
        own = self.head or self.ranked
        head = "" if own is None else f"\nhead: {own}"
        scores = "" if self.scores == "hard" else f", {self.scores}"
        return f"{self.heads}{scores}\n{'both laws' if same else 'training'}: {_law_in_words(self.train)}{test}{head}"

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of both laws."""
        return tuple(dict.fromkeys((*self.train.labels, *self.test.labels)))

    @property
    def planted(self) -> tuple[PlantedLaw, PlantedLaw]:
        """Both laws, for the claims about planted laws of one length."""
        assert isinstance(self.train, PlantedLaw)
        assert isinstance(self.test, PlantedLaw)
        return self.train, self.test

    def space(self) -> HeadSpace:
        """All hard heads on the views that occur in training or at test."""
        cases = (*view_cases(self.heads, self.train), *view_cases(self.heads, self.test))
        return HeadSpace(self.heads, tuple(sorted({view for views, _ in cases for view in views})), self.labels)

    @property
    def n_enumerated(self) -> int:
        """How many hard heads there are to enumerate: 0 where they are too many."""
        size = self.space().size
        return size if size <= ENUMERATED_HEADS else 0

    def perfect(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For every hard head, by number: whether it has zero loss in training, and whether it has at test."""
        return _perfect(self.heads, self.train, self.test)

    def brute_force(self) -> Outcome:
        """What Definition 5 says, from all hard heads."""
        trained, tested = self.perfect()
        if not trained.any():
            return "unrealizable"
        return "fails" if (trained & ~tested).any() else "generalizes"

    def verdict(self) -> Verdict:
        """What T1 says, or T13 or T14 of ranked and soft heads."""
        return _verdict(self.heads, self.train, self.test, self.scores)

    def candidates_in(self, law: Law) -> int:
        """The largest number of candidate sets of an example of the law."""
        return max(sum(number for _, number in views) for views, _ in view_table(self.heads, law))


@lru_cache(maxsize=1)  # for what is asked of one problem: these tables are large
def _perfect(heads: HeadClass, train: Law, test: Law) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    space = Problem(heads, train, test).space()
    trained, tested = (space.zero_loss(view_cases(heads, law)) for law in (train, test))
    return trained, tested


@lru_cache(maxsize=4096)
def _verdict(heads: HeadClass, train: Law, test: Law, scores: Scores) -> Verdict:
    return decide(heads, train=train, test=test, scores=scores)


@lru_cache(maxsize=2048)
def view_table(heads: HeadClass, law: Law) -> dict[tuple[frozenset[tuple[View, int]], Label], int]:
    """{(view counts, label): weight}: all that an exact loss needs of a law, each distinct case once."""
    table: dict[tuple[frozenset[tuple[View, int]], Label], int] = {}
    for example, weight in law.table().items():
        case = (frozenset(heads.view_counts(example).items()), example.label)
        table[case] = table.get(case, 0) + weight
    return table


@lru_cache(maxsize=20_000)
def view_cases(heads: HeadClass, law: Law) -> tuple[ViewCase, ...]:
    """The distinct (views, label) pairs of a law: all that a zero-loss question needs of it."""
    return tuple(dict.fromkeys((heads.views(example), example.label) for example in law.support()))


def labelled_counts(heads: HeadClass, law: Law) -> dict[View, Counter[Label]]:
    """{view: {label: weight}}: the expected number of candidates with each view and label, times the denominator."""
    counts: dict[View, Counter[Label]] = {}
    for (views, label), weight in view_table(heads, law).items():
        for view, number in views:
            counts.setdefault(view, Counter())[label] += weight * number
    return counts


def in_words(problem: object) -> str:
    """Any problem for people to read, cut off where it is long; where it lies in memory is another place each time.

    Examples
    --------
    >>> in_words((3, "a")), in_words(in_words)
    ("(3, 'a')", '<function in_words>')
    """
    try:
        text = re.sub(r" at 0x[0-9A-Fa-f]+", "", str(problem))
    except Exception:  # of the user's own type, or a number of thousands of digits
        return f"a value of {type(problem).__name__} that does not print"
    return text if len(text) <= WORDS else f"{text[:WORDS]}..."


def _law_in_words(law: Law) -> str:
    if isinstance(law, Mixture):
        return "; ".join(f"{p} of {_law_in_words(part)}" for part, p in law.components)
    if not isinstance(law, PlantedLaw):
        examples = (
            f"{p} of {example.tokens} with IDs {example.ids} -> {example.label!r}" for example, p in law.items()
        )
        return "; ".join(examples) if law.size <= 8 else f"{law.size:,} examples"
    ensemble = law.ensemble
    planted = (f"{p} of {word} -> {ensemble.target[word]!r}" for word, p in ensemble.planted.items())
    return (
        f"length {law.length}, {', '.join(planted)} planted by {law.support_law}, background "
        f"{', '.join(map(str, ensemble.background))}, IDs by {law.positions}"
    )
