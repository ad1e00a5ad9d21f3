"""Families of sets of numbers, and which sets contain which: what condition (c) of T1 asks of many examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

MEMBER = np.dtype(np.uint32)
"""How the members of a set are written."""

PAIRS = 2**20
"""(row, set) pairs that `contains_some` tests at once."""

WORDS = 2**23
"""64-bit words that the rows of `contains_some` may take at once."""

WORTHWHILE, SAMPLE = 2**24, 64
"""Beyond so many pairs of sets, `minimal` compares all only where most sets of a sample are not minimal."""


@dataclass(frozen=True)
class Family:
    """Sets of numbers: set i has the members members[starts[i]:starts[i + 1]]."""

    starts: Ints
    members: Ints

    @classmethod
    def of(cls, sets: Sequence[bytes]) -> Family:
        """The sets that `LawViews.sets` gives."""
        sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets)) // MEMBER.itemsize
        return cls(starts_of(sizes), np.frombuffer(b"".join(sets), dtype=MEMBER).astype(np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Ints:
        """How many members each set has."""
        return np.diff(self.starts)

    @property
    def owners(self) -> Ints:
        """The set that every member is in."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, chosen: Ints) -> Family:
        """Some of the sets."""
        sizes = self.sizes[chosen]
        return Family(starts_of(sizes), self.members[ranges(self.starts[chosen], sizes)])

    def rarest_first(self, frequency: Ints) -> Family:
        """The same sets, their members in the order of increasing frequency."""
        rank = np.empty(len(frequency), dtype=np.int64)
        by_rank = np.argsort(frequency, kind="stable")
        rank[by_rank] = np.arange(len(frequency))
        ordered = np.empty_like(self.members)
        done = 0
        while done < len(self):
            until = _reach(self.starts, done, PAIRS)
            at = slice(self.starts[done], self.starts[until])
            owners = np.repeat(np.arange(done, until), self.sizes[done:until]) * len(rank)
            ordered[at] = by_rank[np.sort(owners + rank[self.members[at]]) - owners]  # (set, rank) as one number
            done = until
        return Family(self.starts, ordered)


def minimal(family: Family, width: int) -> Family:
    """The inclusion-minimal sets of a family without repeats, by size; more of them, where finding out would not pay.

    Members are below `width`; afterwards the rarest in the family come first.
    """
    family = family.take(np.argsort(family.sizes, kind="stable"))
    family = family.rarest_first(np.bincount(family.members, minlength=width))
    kept = np.ones(len(family), dtype=bool)
    bounds = np.searchsorted(family.sizes, distinct(family.sizes))
    for a, b in pairwise((*bounds.tolist(), len(family))):  # sets of one size: none contains another
        smaller, level = family.take(np.flatnonzero(kept[:a])), np.arange(a, b)
        if len(smaller) * len(level) > WORTHWHILE:
            sample = family.take(level[:: 1 + len(level) // SAMPLE])
            if contains_some(sample, smaller, width).mean() < 0.75:
                break
        kept[level] = ~contains_some(family.take(level), smaller, width)
    return family if kept.all() else family.take(np.flatnonzero(kept))


def contains_some(rows: Family, sets: Family, width: int) -> NDArray[np.bool_]:
    """For every row, whether it contains some of the sets; none of these is empty, and all members are below `width`.

    A set is compared only with the rows that hold its first member, and a row that contains some set with no other.
    """
    step = max(1, WORDS * 64 // max(1, width))
    parts = [
        _contains_some(rows.take(np.arange(start, min(start + step, len(rows)))), sets, width)
        for start in range(0, len(rows), step)
    ]
    return np.concatenate([*parts, np.zeros(0, dtype=bool)])


def _contains_some(rows: Family, sets: Family, width: int) -> NDArray[np.bool_]:
    covered = np.zeros(len(rows), dtype=bool)
    held = np.bincount(rows.members, minlength=width)
    holders, first_holder = rows.owners[np.argsort(rows.members, kind="stable")], starts_of(held)
    bits = np.zeros((len(rows), (width + 63) // 64), dtype=np.uint64)
    np.bitwise_or.at(bits, (rows.owners, rows.members // 64), bit(rows.members))
    leader, sizes = sets.members[sets.starts[:-1]], sets.sizes
    n_pairs = starts_of(held[leader])
    done, at_once = 0, PAIRS // 64
    while done < len(sets) and not covered.all():
        if 2 * np.count_nonzero(covered) > len(rows):
            left = np.flatnonzero(~covered)
            covered[left] = _contains_some(rows.take(left), sets.take(np.arange(done, len(sets))), width)
            break
        until = _reach(n_pairs, done, at_once)
        own = leader[done:until]
        which = np.repeat(np.arange(done, until), held[own])
        row = holders[ranges(first_holder[own], held[own])]
        n_held = 1  # members of the set that the row is known to hold
        while len(row):
            covered[row[sizes[which] == n_held]] = True
            open_ = ~covered[row]
            which, row = which[open_], row[open_]
            member = sets.members[sets.starts[which] + n_held]
            holds = (bits[row, member // 64] & bit(member)) != 0
            which, row = which[holds], row[holds]
            n_held += 1
        done, at_once = until, min(2 * at_once, PAIRS)
    return covered


def bit(members: Ints) -> NDArray[np.uint64]:
    """The bit of each member in its word."""
    bit: NDArray[np.uint64] = np.left_shift(np.uint64(1), (members % 64).astype(np.uint64))
    return bit


def starts_of(sizes: Ints) -> Ints:
    """Where each of some parts begins, and where the last one ends, given their sizes."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])


def _reach(starts: Ints, done: int, most: int) -> int:
    """How far one may go from `done`: at least one step, and no more than `most` beyond starts[done]."""
    return max(done + 1, int(np.searchsorted(starts, starts[done] + most, side="right")) - 1)


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """starts[0], starts[0] + 1, ..., (sizes[0] of them), starts[1], ..."""
    ranges: Ints = np.arange(int(sizes.sum())) + np.repeat(starts - starts_of(sizes)[:-1], sizes)
    return ranges


def distinct(values: Ints) -> Ints:
    """The distinct values, sorted."""
    values = np.sort(values)
    first: Ints = values[changes(values)]
    return first


def changes(values: Ints) -> Ints:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
