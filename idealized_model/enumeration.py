"""All hard heads of a class at once.

A hard head gives each of M views nothing or one of |Y| labels, so there are (|Y| + 1)^M. Head number n writes its
choices as digits in base |Y| + 1: digit 0 leaves a view unselected, digit j + 1 answers labels[j]; the first view is
the lowest digit. The vectorised routes split the views in two halves, so that every quantity of a head is combined
from one entry of a low table and one of a high table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from theory.errors import BudgetExceeded, check, check_integer, check_type, within_budget
from theory.examples import Example, Label, Law, check_label, label_set
from theory.heads import HardHead, HeadClass, View, by_size, check_heads

HEAD_BUDGET = 50_000_000
"""Heads that an enumeration may hold at once unless its `budget` argument says otherwise."""

CASES_AT_ONCE = 256
"""Distinct (view counts, label) whose tables `HeadSpace.losses` holds at a time."""

BLOCK = 2**14
"""Heads that `HeadSpace.losses` works on at a time."""


@dataclass(frozen=True)
class HeadSpace:
    """Every hard head on given views and labels.

    Parameters
    ----------
    heads : the head class.
    views : the views that heads may select; all others they ignore.
    labels : the labels that heads may answer.

    Raises
    ------
    InvalidArgument : for no labels, a view that the class does not have, or a view or label that comes twice.

    Examples
    --------
    >>> space = HeadSpace(HeadClass(arity=1), (View((0,), ()), View((1,), ())), ("a", "b"))
    >>> space.size, [len(head.answers) for head in space]
    (9, [0, 1, 1, 1, 2, 2, 1, 2, 2])
    """

    heads: HeadClass
    views: tuple[View, ...]
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        where = "HeadSpace"
        check_heads(self.heads, where)
        known = label_set(self.labels, where)
        check(known, where, "labels", got="no labels", expected="at least one label", fix="Give the label set.")
        check_type(self.views, (list, tuple), where, "views", "a tuple of views", "Take views from HeadClass.views.")
        for view in self.views:
            self.heads.check_view(view, where, "views")
        for name, values in (("views", self.views), ("labels", self.labels)):
            fix = f"Use tuple(dict.fromkeys({name}))."
            check(len(set(values)) == len(values), where, name, values, expected=f"each of the {name} once", fix=fix)
            object.__setattr__(self, name, tuple(values))

    @classmethod
    def of(cls, heads: HeadClass, *laws: Law) -> HeadSpace:
        """The heads on all views and labels that occur under the laws."""
        check_heads(heads, "HeadSpace.of")
        for law in laws:
            check_type(law, Law, "HeadSpace.of", "laws", "laws", "Wrap examples: FiniteLaw.uniform(examples).")
        views = {
            view: None
            for law in laws
            for example in law.support()
            for view in sorted(heads.views(example), key=by_size)
        }
        return cls(heads, tuple(views), tuple(dict.fromkeys(label for law in laws for label in law.labels)))

    @property
    def size(self) -> int:
        """(|Y| + 1)^M."""
        return int((len(self.labels) + 1) ** len(self.views))

    def head(self, number: int) -> HardHead:
        """The head with this number.

        Raises
        ------
        InvalidArgument : for a number outside 0..size-1.
        """
        where, most = "HeadSpace.head", self.size - 1
        check_integer(number, where, "number", least=0, most=most, kind=Integral, fix="Numbers start at 0.")
        number = int(number)
        answers: dict[View, Label] = {}
        for view in self.views:
            number, digit = divmod(number, len(self.labels) + 1)
            if digit:
                answers[view] = self.labels[digit - 1]
        return HardHead(self.heads, answers)

    def __iter__(self) -> Iterator[HardHead]:
        """Every head, by number: the plain route; cost O(M) a head."""
        return (self.head(number) for number in range(self.size))

    def zero_loss(
        self,
        examples: Iterable[Example] | Iterable[tuple[frozenset[View], Label]],
        *,
        budget: int = HEAD_BUDGET,
    ) -> NDArray[np.bool_]:
        """For every head, whether it has zero loss on all examples; (size,) booleans by head number.

        Zero loss on an example: some selected view has the right label and none a wrong one. Per head two words of 64
        bits hold, for 64 examples at once, "hit rightly" and "hit wrongly"; the word of a head is the OR of the words
        of its low and its high half, so a head costs two ORs and two comparisons per 64 examples.

        Parameters
        ----------
        examples : examples, or pairs (view set, label); only distinct pairs count.
        budget : heads that may be held at once (one byte each, and about 20 in passing).

        Raises
        ------
        BudgetExceeded : when `size` is above the budget.

        Examples
        --------
        >>> space = HeadSpace(HeadClass(arity=1), (View((0,), ()), View((1,), ())), ("a", "b"))
        >>> space.zero_loss([Example((1,), (0,), "b")]).nonzero()[0].tolist()
        [6, 7, 8]

        Cost: O(size · ceil(examples / 64)).
        """
        within_budget("HeadSpace.zero_loss", size=self.size, budget=budget)
        check_type(
            examples, Iterable, "HeadSpace.zero_loss", "examples", "an iterable of examples", "Of a law take support()."
        )
        cases = list(dict.fromkeys(self._case(entry) for entry in examples))
        low, high = self._halves()
        perfect = np.ones(self.size, dtype=bool).reshape(high.n_heads, low.n_heads)
        for start in range(0, len(cases), 64):
            chunk = cases[start : start + 64]
            right_low, wrong_low = low.words(chunk)
            right_high, wrong_high = high.words(chunk)
            everything = np.uint64((1 << len(chunk)) - 1)
            for j in range(high.n_heads):  # one row of low halves at a time keeps the working set in cache
                if wrong_high[j]:
                    perfect[j] = False
                    continue
                perfect[j] &= ((right_low | right_high[j]) == everything) & (wrong_low == 0)
        return perfect.reshape(-1)

    def losses(self, law: Law, *, budget: int = HEAD_BUDGET) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """For every head, its exact loss and its probability to abstain, as integers over one denominator.

        Returns
        -------
        (loss, abstention, denominator) : int64 arrays of shape (size,), by head number.

        Raises
        ------
        BudgetExceeded : when `size` is above the budget, or the denominator does not fit 62 bits.

        Examples
        --------
        >>> from theory import FiniteLaw
        >>> space = HeadSpace(HeadClass(arity=1), (View((0,), ()), View((1,), ())), ("a", "b"))
        >>> law = FiniteLaw({Example((0, 1), (0, 1), "a"): 1})
        >>> loss, abstention, denominator = space.losses(law)
        >>> [f"{n}/{denominator}" for n in loss]
        ['2/2', '0/2', '2/2', '0/2', '0/2', '1/2', '2/2', '1/2', '2/2']

        Cost: O(size · distinct (view counts, label)): one table entry per head and case; 16 bytes a head in memory.
        """
        within_budget("HeadSpace.losses", size=self.size, budget=budget)
        check_type(law, Law, "HeadSpace.losses", "law", "a law", "Wrap examples: FiniteLaw.uniform(examples).")
        cases: dict[tuple[tuple[tuple[View, int], ...], Label], int] = {}
        for example, weight in law.table().items():
            case = (tuple(sorted(self.heads.view_counts(example).items())), example.label)
            cases[case] = cases.get(case, 0) + weight
        scale = lcm(*(n for counts, _ in cases for n in range(1, sum(c for _, c in counts) + 1)))
        denominator = law.denominator * scale
        if denominator >= 2**62:
            where = "HeadSpace.losses (denominator)"
            fix = "Use loss_of for single heads, or ask for a smaller instance."
            raise BudgetExceeded(where, size=denominator, budget=2**62, option="law", fix=fix)
        low, high = self._halves()
        shape = (high.n_heads, low.n_heads)
        total, abstaining = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        rows = max(1, BLOCK // low.n_heads)
        known = [(counts, label, weight) for (counts, label), weight in cases.items()]
        for start in range(0, len(known), CASES_AT_ONCE):
            tables = [
                (low.codes(counts, label), high.codes(counts, label), _outcomes(counts, weight * scale))
                for counts, label, weight in known[start : start + CASES_AT_ONCE]
            ]
            for j in range(0, high.n_heads, rows):  # a block of heads at a time keeps the working set in cache
                block = slice(j, j + rows)
                for on_low, on_high, outcome in tables:
                    total[block] += outcome[on_high[block, None] + on_low]  # (rows, low heads)
                    if not on_high[block].all():
                        abstaining[block] += outcome[0] * ((on_high[block, None] == 0) & (on_low == 0))
        return total.reshape(-1), abstaining.reshape(-1), denominator

    def loss_of(self, number: int, law: Law) -> Fraction:
        """The exact loss of one head by plain evaluation: the slow route for `losses`."""
        check_type(law, Law, "HeadSpace.loss_of", "law", "a law", "Wrap examples: FiniteLaw.uniform(examples).")
        head = self.head(number)
        weighted = (weight * head.loss(example) for example, weight in law.table().items())
        return sum(weighted, Fraction(0)) / law.denominator

    def _case(self, entry: Example | tuple[frozenset[View], Label]) -> tuple[frozenset[View], Label]:
        if isinstance(entry, Example):
            return self.heads.views(entry), entry.label
        pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], frozenset)
        expected, fix = "examples, or pairs (frozenset of views, label)", "Pass Example(tokens, ids, label)."
        check(pair, "HeadSpace.zero_loss", "examples", entry, expected=expected, fix=fix)
        check_label(entry[1], "HeadSpace.zero_loss", "examples")
        return entry

    def _halves(self) -> tuple[_Half, _Half]:
        middle = (len(self.views) + 1) // 2
        return _Half(self.views[:middle], self.labels), _Half(self.views[middle:], self.labels)


def _outcomes(counts: Sequence[tuple[View, int]], weight: int) -> NDArray[np.int64]:
    """weight · W/D by `_Half.codes`; an abstention has the code 0 and loses 1. Every D <= N divides the weight."""
    n = 1 + sum(number for _, number in counts)
    outcome = [[w * (weight // d) if 0 < w <= d else 0 for d in range(n)] for w in range(n)]
    outcome[0][0] = weight
    return np.array(outcome, dtype=np.int64).reshape(-1)


@dataclass(frozen=True)
class _Half:
    """Every way to answer some of the views: a table that is combined with the table of the other views."""

    views: Sequence[View]
    labels: Sequence[Label]

    @property
    def n_heads(self) -> int:
        return int((len(self.labels) + 1) ** len(self.views))

    def _digit(self, place: int) -> NDArray[np.int64]:
        base = len(self.labels) + 1
        digits: NDArray[np.int64] = np.arange(self.n_heads) // base**place % base
        return digits

    def words(self, cases: Sequence[tuple[frozenset[View], Label]]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Per head, the cases (one bit each) that it hits rightly, and those that it hits wrongly."""
        right, wrong = np.zeros(self.n_heads, dtype=np.uint64), np.zeros(self.n_heads, dtype=np.uint64)
        for place, view in enumerate(self.views):
            by_digit = np.zeros((2, len(self.labels) + 1), dtype=np.uint64)
            for bit, (views, label) in enumerate(cases):
                if view in views:
                    for j, answer in enumerate(self.labels):
                        by_digit[int(answer != label), j + 1] |= np.uint64(1 << bit)
            digit = self._digit(place)
            right |= by_digit[0][digit]
            wrong |= by_digit[1][digit]
        return right, wrong

    def counts(self, counts: Sequence[tuple[View, int]], label: Label) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Per head, how many candidate sets it selects, and how many of them wrongly."""
        selected, wrong = np.zeros(self.n_heads, dtype=np.int64), np.zeros(self.n_heads, dtype=np.int64)
        number_of = dict(counts)
        errs = np.array([False, *(answer != label for answer in self.labels)])
        for place, view in enumerate(self.views):
            if number := number_of.get(view, 0):
                digit = self._digit(place)
                selected += number * (digit > 0)
                wrong += number * errs[digit]
        return selected, wrong

    def codes(self, counts: Sequence[tuple[View, int]], label: Label) -> NDArray[np.int64]:
        """Per head, W·(N + 1) + D: of N sets it selects D, W of them wrongly; the code of two halves is the sum."""
        selected, wrong = self.counts(counts, label)
        return wrong * (1 + sum(number for _, number in counts)) + selected
