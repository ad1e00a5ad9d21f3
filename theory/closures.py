"""The closure of T13 on numbers: which views may be placed and when, and what is left of the training without some.

A *case* is what a training example is here: its set of views, by number, and its label. A view may be *placed* when all
remaining cases that have it share one label, and placing it removes them. The closure places views while it can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.set_families import Family, Ints, bit, changes, distinct, ranges, starts_of

Bits: TypeAlias = NDArray[np.uint64]
Mask: TypeAlias = NDArray[np.bool_]

WORDS = 2**21
"""64-bit words that the bits of all entries may take at once, and `MOST` that those of one entry may."""

MOST = 16

NONE = -1
"""Of a view that is not placed: its level and its answer."""


@dataclass(frozen=True)
class Placed:
    """What a closure did.

    Attributes
    ----------
    levels : by view, the round in which it was placed, or NONE.
    answers : by view, the label that its cases had then, or NONE.
    left : by case, whether it remains.
    """

    levels: Ints
    answers: Ints
    left: Mask

    @property
    def order(self) -> Ints:
        """The placed views, in an order in which they may be placed."""
        placed = np.flatnonzero(self.levels >= 0)
        order: Ints = placed[np.argsort(self.levels[placed], kind="stable")]
        return order


@dataclass(frozen=True)
class Rests:
    """What the closures leave, each of which places no view of one set U of a family.

    Attributes
    ----------
    some : by set, whether any case is left.
    kinds : by member u of a set, how many labels the cases left with the view u have.
    labels : by member, one of these labels, or NONE.
    """

    some: Mask
    kinds: Ints
    labels: Ints


class Cases:
    """The distinct cases of a training law, by case and by view.

    Parameters
    ----------
    views : the views of every case, in increasing order.
    labels : the label of every case, by number.
    n_views : views are numbered below it.
    """

    def __init__(self, views: Family, labels: Ints, n_views: int) -> None:
        self.views, self.labels, self.n_views = views, labels, n_views
        owners = views.owners
        own = labels[owners]
        n_labels = int(labels.max(initial=0)) + 1
        codes = views.members * n_labels + own
        by_code = np.argsort(codes, kind="stable")
        first = changes(codes[by_code])
        # A *kind* is a view and a label that some case with it has; kinds of one view stand side by side.
        self.cases_of_kind = Family(np.append(first, len(codes)), owners[by_code])
        self.view_of_kind, self.label_of_kind = np.divmod(codes[by_code[first]], n_labels)
        self.kinds_of_view = np.searchsorted(self.view_of_kind, np.arange(n_views + 1))
        self._kinds = np.empty(len(codes), dtype=np.int64)  # of every entry (case, view)
        self._kinds[by_code] = np.repeat(np.arange(len(first)), self.cases_of_kind.sizes)

    @property
    def n_kinds(self) -> Ints:
        """By view, how many labels its cases have."""
        return np.diff(self.kinds_of_view)

    def closure(self, without: Ints | None = None, *, rounds: int | None = None) -> Placed:
        """Place views, those of `without` excepted, while there are any that may be.

        Each round places at once all views that may be: cases that two of them share have one label, so neither stands in
        the way of the other. Counters of the remaining cases of every kind keep the cost at O(entries) up to sorting.
        """
        remaining, n_kinds = self.cases_of_kind.sizes, self.n_kinds
        free, left = np.ones(self.n_views, dtype=bool), np.ones(len(self.views), dtype=bool)
        free[[] if without is None else without] = False
        levels, answers = np.full((2, self.n_views), NONE)
        ready, level = np.flatnonzero((n_kinds == 1) & free), 0
        while len(ready) and level != rounds:
            kinds = self._kinds_of(ready)
            kinds = kinds[remaining[kinds] > 0]  # one of each view
            levels[ready], answers[ready], free[ready] = level, self.label_of_kind[kinds], False
            cases = distinct(self.cases_of_kind.take(kinds).members)
            cases = cases[left[cases]]
            left[cases] = False
            touched, times = np.unique(self._kinds_in(cases), return_counts=True)
            remaining[touched] -= times
            views, lost = np.unique(self.view_of_kind[touched[remaining[touched] == 0]], return_counts=True)
            n_kinds[views] -= lost
            ready, level = views[(n_kinds[views] == 1) & free[views]], level + 1
        return Placed(levels, answers, left)

    def _kinds_of(self, views: Ints) -> Ints:
        return ranges(self.kinds_of_view[views], self.n_kinds[views])

    def _kinds_in(self, cases: Ints) -> Ints:
        kinds: Ints = self._kinds[ranges(self.views.starts[cases], self.views.sizes[cases])]
        return kinds

    def stuck(self, sets: Family) -> Mask:
        """By set U, whether some case has no consistent view but those of U: whether one round without U leaves any."""
        first = self.closure(rounds=1)
        return np.concatenate([left.some() for left in self._left(first, sets)])

    def rests(self, placed: Placed, sets: Family) -> Rests:
        """What the closure leaves without the views of each set U.

        Views are tried in the order of `placed`, the closure with all views, so that few have to be tried again.
        """
        parts = []
        for left in self._left(placed, sets):
            left.place_all()
            parts.append((left.some(), *left.kinds()))
        return Rests(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _left(self, placed: Placed, sets: Family) -> Iterator[_Left]:
        """After the first round, for some sets at a time."""
        # Views that the closure with all views did not need come last.
        level = np.where(placed.levels >= 0, placed.levels, 1 + placed.levels.max(initial=0))
        cases, views = self.views.owners, self.views.members
        consistent = level[views] == 0
        n_sets = np.bincount(sets.members, minlength=self.n_views)
        # That a case is not left shows soonest at the views that few sets have.
        at_once = Family(starts_of(np.bincount(cases[consistent], minlength=len(self.views))), views[consistent])
        at_once = at_once.rarest_first(n_sets)
        entries = (
            Sorted.by(np.lexsort((self._kinds, level[views])), level[views], cases, self._kinds),
            Sorted.by(np.argsort(level[views], kind="stable"), level[views], cases, views),
        )
        step = 64 * max(1, min(MOST, WORDS // max(1, len(cases))))
        for start in range(0, len(sets), step):
            chosen = np.arange(start, min(start + step, len(sets)))
            yield _Left(self, sets.take(chosen), at_once, *entries)


class Entries(NamedTuple):
    """Cases and one of their views, or of their kinds, by the level of the view, then by what is read together."""

    levels: Ints
    cases: Ints
    items: Ints

    def of(self, cases: Mask) -> Entries:
        """Those of some cases."""
        chosen = cases[self.cases]
        return Entries(*(part[chosen] for part in self))

    def since(self, level: int) -> Entries:
        """Those from a level on."""
        first = int(np.searchsorted(self.levels, level))
        return Entries(*(part[first:] for part in self))

    def at(self, levels: Ints) -> list[Entries]:
        """Those of each level."""
        ends = np.searchsorted(self.levels, levels, side="right").tolist()
        return [Entries(*(part[a:b] for part in self)) for a, b in pairwise((0, *ends))]


class Sorted(NamedTuple):
    """Entries in their order, and where in it each entry (case, view) has come."""

    entries: Entries
    places: Ints

    @classmethod
    def by(cls, order: Ints, *parts: Ints) -> Sorted:
        """The entries with these levels, cases and items, in an order."""
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return cls(Entries(*(part[order] for part in parts)), places)

    def take(self, chosen: Ints) -> Entries:
        """Some of the entries, in this order; cost that of sorting as many numbers."""
        places = np.sort(self.places[chosen])
        return Entries(*(part[places] for part in self.entries))


class _Left:
    """The cases that are left without the views of each of some sets; a set is a bit."""

    def __init__(self, cases: Cases, sets: Family, at_once: Family, by_kind: Sorted, by_case: Sorted) -> None:
        self._of, self._sets, self._sorted = cases, sets, (by_kind, by_case)
        words = (len(sets) + 63) // 64
        # (word, view): the sets without the view; (word, case): those under which it is left
        self._may = np.full((words, cases.n_views), ~np.uint64(0))
        np.bitwise_and.at(self._may, (sets.owners // 64, sets.members), ~bit(sets.owners))
        self._placed = np.zeros_like(self._may)
        self._left = np.full((words, len(cases.views)), ~np.uint64(0))
        self._left[-1] >>= np.uint64(-len(sets) % 64)  # the bits of no set
        rows, place = np.arange(len(cases.views)), 0
        while len(rows := rows[at_once.sizes[rows] > place]):
            self._left[:, rows] &= ~self._may[:, at_once.members[at_once.starts[rows] + place]]
            rows, place = rows[np.bitwise_or.reduce(self._left[:, rows], axis=0) != 0], place + 1

    def place_all(self) -> None:
        """Place views, level by level, as long as any can be placed under some set."""
        views, rows = self._of.views, np.flatnonzero(self._alive())
        chosen = ranges(views.starts[rows], views.sizes[rows])
        self._by_kind, cases = (entries.take(chosen) for entries in self._sorted)
        later, cases, changed = self._by_kind.since(1), cases.since(1), True
        while changed:
            left, changed = self._alive(), False
            later, cases = later.of(left), cases.of(left)
            levels = distinct(later.levels)
            for by_kind, by_case in zip(later.at(levels), cases.at(levels), strict=True):
                changed |= self._place(*self._placeable(by_kind), by_case)

    def _placeable(self, entries: Entries) -> tuple[Ints, Bits]:
        """Views, and the sets under which they may be placed: not in it, and no two labels among the cases left."""
        kinds, present = self._present(entries)
        views, labels = self._of.view_of_kind[kinds], self._of.label_of_kind[kinds]
        first = changes(views)
        several = np.zeros((len(present), len(first)), dtype=np.uint64)
        for digit in range(int(labels.max(initial=0)).bit_length()):  # two labels differ in some binary digit
            odd = labels >> digit & 1 == 1
            ones, zeros = (
                np.bitwise_or.reduceat(np.where(odd == one, present, 0), first, axis=1) for one in (True, False)
            )
            several |= ones & zeros
        return views[first], self._may[:, views[first]] & ~several

    def _present(self, entries: Entries) -> tuple[Ints, Bits]:
        """Kinds, and the sets under which some case of the kind is left."""
        first = changes(entries.items)
        return entries.items[first], np.bitwise_or.reduceat(np.take(self._left, entries.cases, axis=1), first, axis=1)

    def _place(self, views: Ints, sets: Bits, entries: Entries) -> bool:
        """Place views under these sets; whether that removes any of the cases of these entries."""
        self._placed[:, views] = sets
        first = changes(entries.cases)
        cases = entries.cases[first]
        before = self._left[:, cases]
        removed = np.bitwise_or.reduceat(np.take(self._placed, entries.items, axis=1), first, axis=1)
        self._left[:, cases] = after = before & ~removed
        return bool((after != before).any())

    def _alive(self) -> Mask:
        """By case, whether it is left under some set."""
        alive: Mask = np.bitwise_or.reduce(self._left, axis=0) != 0
        return alive

    def some(self) -> Mask:
        """By set, whether any case is left."""
        every, place = np.bitwise_or.reduce(self._left, axis=1), np.arange(len(self._sets))
        some: Mask = (every[place // 64] & bit(place)) != 0
        return some

    def kinds(self) -> tuple[Ints, Ints]:
        """By member of a set, how many labels the cases left with this view have, and one of these, or NONE."""
        sets = self._sets
        number, label = np.zeros(len(sets.members), dtype=np.int64), np.full(len(sets.members), NONE)
        entries = self._by_kind.of(self._alive())
        if len(entries.cases):
            order = np.argsort(entries.items, kind="stable")
            found, present = self._present(Entries(*(part[order] for part in entries)))
            row = np.full(len(self._of.view_of_kind), NONE)
            row[found] = np.arange(len(found))
            sizes = self._of.n_kinds[sets.members]
            member = np.repeat(np.arange(len(sets.members)), sizes)
            kinds = ranges(self._of.kinds_of_view[sets.members], sizes)
            place = sets.owners[member]
            known = row[kinds] >= 0
            member, kinds, place = member[known], kinds[known], place[known]
            holds = (present[place // 64, row[kinds]] & bit(place)) != 0
            np.add.at(number, member[holds], 1)
            label[member[holds]] = self._of.label_of_kind[kinds[holds]]
        return number, label
