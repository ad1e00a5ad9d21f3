"""Samples that no hard head fits: the least loss that one has, and the fewest examples to blame.

>>> from theory import Example, HeadClass
>>> sample = [Example((1,), (0,), "a")] * 3 + [Example((1,), (0,), "b"), Example((2,), (0,), "b")]
>>> found = least_loss(HeadClass(arity=1), sample)
>>> str(found.low), str(found.high), found.exact
('1/5', '1/5', True)
>>> to_blame(HeadClass(arity=1), sample).places
(3,)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from idealized_model.learning import given_sample
from theory.errors import check_integer
from theory.examples import Example, Label
from theory.heads import HardHead, HeadClass, View, by_size

NODES = 20_000
"""Nodes that a search visits unless its `budget` says otherwise."""

Case: TypeAlias = tuple[Counter[View], Label]


@dataclass(frozen=True)
class LeastLoss:
    """Between what the least loss of a hard head on a sample lies, and a head that has the upper end.

    Attributes
    ----------
    low : no hard head of the class has less.
    high : the exact loss of `head`.
    n_nodes : how many nodes the search visited.

    Examples
    --------
    >>> from theory import HeadClass
    >>> LeastLoss(Fraction(0), Fraction(1, 4), HardHead(HeadClass(arity=1), {}), n_nodes=3).exact
    False
    """

    low: Fraction
    high: Fraction
    head: HardHead = field(repr=False)
    n_nodes: int

    @property
    def exact(self) -> bool:
        """Whether the two meet."""
        return self.low == self.high


@dataclass(frozen=True)
class Blame:
    """Examples of a sample without which some hard head is perfect on the rest.

    Attributes
    ----------
    places : where they stand in the sample.
    at_least : no fewer will do; equal to their number where the search came to its end.
    n_nodes : how many nodes the search visited.

    Examples
    --------
    >>> Blame(places=(3, 7), at_least=2, n_nodes=5).smallest
    True
    """

    places: tuple[int, ...]
    at_least: int
    n_nodes: int

    @property
    def smallest(self) -> bool:
        """Whether fewer are proved not to do."""
        return len(self.places) == self.at_least


def least_loss(heads: HeadClass, sample: Iterable[Example], *, budget: int = NODES) -> LeastLoss:
    """The least mean loss of any hard head on a sample: exact, or between bounds where the budget ends the search.

    Best first over the views, those in most examples first: each is left out or answers one of its labels. A node is
    bounded from below as if in every example the views that are still open answered right; the first leaf that comes up
    is the best.

    Parameters
    ----------
    sample : examples, each as often as it counts.
    budget : nodes that the search may visit.

    Raises
    ------
    InvalidArgument : for an empty sample.

    Examples
    --------
    >>> sample = [Example((1, 2), (0, 1), "a"), Example((1, 3), (0, 1), "b"), Example((2, 3), (0, 1), "a")]
    >>> least_loss(HeadClass(arity=1), sample).high  # 1 and 3 left out, and the second loses all; or 2 and 3: 1/6
    Fraction(1, 6)

    Cost: exponential in the worst case, within the budget: nodes · examples. Source: Definition 4 in docs/theory.md.
    """
    check_integer(budget, "noise.least_loss", "budget", least=1)
    cases = _cases(heads, sample)
    weights = Counter((frozenset(views.items()), label) for views, label in cases)
    grouped = [(Counter(dict(views)), label, weight) for (views, label), weight in weights.items()]
    options = _options(cases)
    views = sorted(options, key=lambda view: (-sum(view in own for own, _ in cases), by_size(view)))
    total = sum(weights.values())

    def bound(chosen: tuple[Label | None, ...]) -> Fraction:
        answers = dict(zip(views, chosen, strict=False))
        loss = Fraction(0)
        for own, label, weight in grouped:
            right = wrong = 0
            for view, number in own.items():
                answer = answers.get(view, _OPEN)
                right += number * (answer is _OPEN or answer == label)
                wrong += number * (answer is not _OPEN and answer is not None and answer != label)
            loss += weight * (Fraction(wrong, right + wrong) if right + wrong else 1)
        return loss / total

    best = _majority(heads, cases, options)
    high = _mean_loss(best, grouped, total)
    ties = count()
    heap: list[tuple[Fraction, int, tuple[Label | None, ...]]] = [(bound(()), next(ties), ())]
    n_nodes = 0
    while heap:
        low, _, chosen = heap[0]
        if low >= high:
            return LeastLoss(high, high, best, n_nodes)
        if n_nodes >= budget:
            return LeastLoss(low, high, best, n_nodes)
        heappop(heap)
        n_nodes += 1
        if len(chosen) == len(views):
            answers = {view: label for view, label in zip(views, chosen, strict=True) if label is not None}
            return LeastLoss(low, low, HardHead(heads, answers), n_nodes)
        for label in (*options[views[len(chosen)]], None):
            longer = (*chosen, label)
            if (value := bound(longer)) < high:
                heappush(heap, (value, -next(ties), longer))
    return LeastLoss(high, high, best, n_nodes)


def to_blame(heads: HeadClass, sample: Iterable[Example], *, budget: int = NODES) -> Blame:
    """The fewest examples without which some hard head is perfect on the rest of a sample.

    A head is perfect on a set of examples if every one has a view that is consistent in the set. An example without one
    has to go, or, for one of its views, all examples that have that view with another label: best first, by how many are
    gone.

    Parameters
    ----------
    sample : examples, each as often as it counts.
    budget : nodes that the search may visit; beyond it, examples go one by one.

    Raises
    ------
    InvalidArgument : for an empty sample.

    Examples
    --------
    >>> sample = [Example((1, 2), (0, 1), "a"), Example((1, 3), (0, 1), "b"), Example((1,), (0,), "a")]
    >>> to_blame(HeadClass(arity=1), sample)  # of the last one 1 is the only view, and the second contradicts it
    Blame(places=(2,), at_least=1, n_nodes=2)

    Cost: exponential in the worst case, within the budget: nodes · examples · views.
    """
    check_integer(budget, "noise.to_blame", "budget", least=1)
    cases = _cases(heads, sample)
    having: dict[View, list[int]] = {}
    for place, (views, _) in enumerate(cases):
        for view in views:
            having.setdefault(view, []).append(place)

    def stuck(gone: frozenset[int]) -> int | None:
        """The first example without a consistent view."""
        mixed = {
            view: len({cases[place][1] for place in places if place not in gone}) > 1 for view, places in having.items()
        }
        left = (place for place in range(len(cases)) if place not in gone)
        return next((place for place in left if all(mixed[view] for view in cases[place][0])), None)

    def ways(place: int, gone: frozenset[int]) -> Iterable[frozenset[int]]:
        views, label = cases[place]
        yield gone | {place}
        for view in sorted(views, key=by_size):
            yield gone | {other for other in having[view] if cases[other][1] != label}

    ties = count()
    heap: list[tuple[int, int, frozenset[int]]] = [(0, next(ties), frozenset())]
    seen: set[frozenset[int]] = {frozenset()}
    n_nodes = 0
    while n_nodes < budget:
        size, _, gone = heappop(heap)
        n_nodes += 1
        first = stuck(gone)
        if first is None:
            return Blame(tuple(sorted(gone)), size, n_nodes)
        for more in ways(first, gone):
            if more not in seen:
                seen.add(more)
                heappush(heap, (len(more), next(ties), more))
    at_least, _, gone = heap[0]
    while (first := stuck(gone)) is not None:
        gone = min(ways(first, gone), key=len)
    return Blame(tuple(sorted(gone)), at_least, n_nodes)


_OPEN = object()
"""Of a view about which nothing is decided yet."""


def _cases(heads: HeadClass, sample: Iterable[Example]) -> list[Case]:
    return [(heads.view_counts(example), example.label) for example in given_sample(heads, sample)]


def _options(cases: Sequence[Case]) -> dict[View, list[Label]]:
    """The labels that every view occurs with, the most frequent first."""
    labels: dict[View, Counter[Label]] = {}
    for views, label in cases:
        for view in views:
            labels.setdefault(view, Counter())[label] += 1
    return {view: [label for label, _ in found.most_common()] for view, found in labels.items()}


def _majority(heads: HeadClass, cases: Sequence[Case], options: dict[View, list[Label]]) -> HardHead:
    """The views that are consistent, each with its label; and for examples that have none, theirs by majority."""
    consistent = {view for view, labels in options.items() if len(labels) == 1}
    rest = {view for views, _ in cases if not consistent & views.keys() for view in views}
    return HardHead(heads, {view: options[view][0] for view in sorted(consistent | rest, key=by_size)})


def _mean_loss(head: HardHead, grouped: Sequence[tuple[Counter[View], Label, int]], total: int) -> Fraction:
    loss = Fraction(0)
    for views, label, weight in grouped:
        selected = sum(number for view, number in views.items() if view in head.answers)
        wrong = sum(number for view, number in views.items() if head.answers.get(view, label) != label)
        loss += weight * (Fraction(wrong, selected) if selected else 1)
    return loss / total
