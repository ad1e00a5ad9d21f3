"""The smallest sets of positions that decide a column: two rows that agree on a set and differ in the column refute it.

>>> rows = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
>>> found = smallest_sets(rows, rows[:, 0] ^ rows[:, 2])
>>> found.size, found.sets, found.exact
(2, ((0, 2),), True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[Any]

KEPT = 100
"""Of the smallest sets so many are kept."""

NODES = 20_000
"""Nodes that one search for hitting sets may visit."""

REPEATED = 30
"""So many rows must repeat a reading before a sample supports that it decides."""


@dataclass(frozen=True)
class Smallest:
    """The smallest sets that decide a column of the rows seen.

    Attributes
    ----------
    size : no smaller set decides it: every one misses one of the `conflicts`.
    sets : those of this size that decide it, as far as `KEPT` goes; none where the search was cut.
    conflicts : sets of positions in which two rows that differ in the column differ; at least one is in every set.
    exact : whether `sets` are all that there are.
    repeats : rows whose reading another row has too, for the first of the sets; with none of them a sample says nothing.
    pasts : how many different rows there are.
    random : two rows that agree everywhere and differ in the column: then no set decides.

    Examples
    --------
    >>> rows = np.array([[0, 0], [1, 0], [1, 1]])
    >>> smallest_sets(rows, np.array([0, 1, 0])).conflicts
    ((0,), (1,))
    >>> smallest_sets(rows[:, :1], np.array([0, 1, 0])).random
    (1, 2)
    """

    size: int
    sets: tuple[tuple[int, ...], ...]
    conflicts: tuple[tuple[int, ...], ...]
    exact: bool
    repeats: int
    pasts: int
    random: tuple[int, int] | None = None


def keys_of(rows: Rows) -> NDArray[np.int64]:
    """A number for each row, the same for equal rows alone."""
    keys = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        _, codes = np.unique(column, return_inverse=True)
        _, keys = np.unique(keys * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)
    return keys.astype(np.int64)


def disagreeing(keys: NDArray[np.int64], labels: Rows) -> NDArray[np.intp]:
    """The rows of keys that have several labels, sorted by key."""
    order = np.lexsort((labels, keys))
    key, label = keys[order], labels[order]
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    several = np.maximum.reduceat(label, starts) != np.minimum.reduceat(label, starts)
    counts = np.diff(np.append(starts, len(key)))
    return np.asarray(order[np.repeat(several, counts)])


def decides(rows: Rows, labels: Rows) -> bool:
    """Whether the rows decide the labels: equal rows have one label.

    Examples
    --------
    >>> decides(np.array([[0], [1], [1]]), np.array([5, 6, 6])), decides(np.array([[1], [1]]), np.array([5, 6]))
    (True, False)
    """
    if not len(rows):
        return True
    if not rows.shape[1]:
        return bool((labels == labels[0]).all())
    return not len(disagreeing(keys_of(rows), labels))


def smallest_sets(rows: Rows, labels: Rows, *, most: int | None = None, nodes: int = NODES) -> Smallest:
    """The smallest sets of columns that decide the labels of the rows, by implicit hitting sets.

    A set decides the labels if and only if it meets every conflict. The smallest sets that meet the conflicts found so
    far are put to the rows; where one does not decide, the rows show a further conflict.

    Parameters
    ----------
    most : sets of more columns are not looked for.
    nodes : of the branch and bound, in each round.

    Examples
    --------
    >>> rows = np.array([[a, b] for a in (0, 1) for b in (0, 1)])
    >>> smallest_sets(rows, rows.max(axis=1)).conflicts
    ((0,), (1,))

    Cost: rounds · rows · size, rounds at most the number of minimal conflicts. Source: hitting sets of conflicts, as
    in diagnosis from first principles (Reiter 1987).
    """
    keys = keys_of(rows) if rows.shape[1] else np.zeros(len(rows), dtype=np.int64)
    odd = disagreeing(keys, labels) if len(rows) else np.array([], dtype=np.intp)
    pasts = int(keys.max(initial=-1)) + 1
    if len(odd):
        first = odd[keys[odd] == keys[odd[0]]]
        other = first[labels[first] != labels[first[0]]][0]
        return Smallest(0, (), (), False, 0, pasts, (min(int(first[0]), int(other)), max(int(first[0]), int(other))))
    conflicts = _single_conflicts(rows, labels)
    good: dict[int, bool] = {}
    size, most = 0, rows.shape[1] if most is None else most
    while size <= most:
        wrong = False
        listed, cut = _hitting(conflicts, size, nodes)
        for mask in listed:
            if mask in good:
                continue
            found = _conflicts(rows, labels, _columns(mask))
            good[mask] = not found
            if found:
                conflicts, wrong = _minimal([*conflicts, *found]), True
                break
        if wrong:
            continue
        decided = [mask for mask in listed if good[mask]]
        if decided or cut:
            sets = tuple(sorted(map(_columns, decided)))
            repeats = _repeats(rows, sets[0]) if sets else 0
            return Smallest(size, sets, tuple(map(_columns, conflicts)), not cut, repeats, pasts)
        size += 1
    return Smallest(size, (), tuple(map(_columns, conflicts)), False, 0, pasts)


def _repeats(rows: Rows, columns: Sequence[int]) -> int:
    """Rows that have the reading of another one, and are not that row again."""
    whole = np.unique(keys_of(rows), return_index=True)[1]
    distinct = rows[whole][:, list(columns)]
    return len(distinct) - len(np.unique(keys_of(distinct))) if len(distinct) else 0


def _single_conflicts(rows: Rows, labels: Rows) -> list[int]:
    """The positions at which two rows with different labels differ, and nowhere else."""
    weights: NDArray[np.int64] = np.random.default_rng(0).integers(2**62, size=(rows.shape[1],), dtype=np.int64)
    with np.errstate(over="ignore"):
        whole = rows.astype(np.int64)
        total = np.asarray(whole @ weights)
        found = []
        for column, weight in enumerate(weights.tolist()):
            keys = total - whole[:, column] * weight
            odd = disagreeing(keys, labels)
            for a, b in pairwise(odd.tolist()):
                if labels[a] != labels[b] and keys[a] == keys[b] and [column] == _differing(rows, a, b):
                    found.append(1 << column)
                    break
    return found


def _differing(rows: Rows, a: int, b: int) -> list[int]:
    return np.flatnonzero(rows[a] != rows[b]).tolist()


def _conflicts(rows: Rows, labels: Rows, columns: Sequence[int]) -> list[int]:
    """Conflicts that a set misses, as bits: of several readings that it leaves open, the two closest rows."""
    keys = keys_of(rows[:, list(columns)]) if columns else np.zeros(len(rows), dtype=np.int64)
    odd = disagreeing(keys, labels)
    found = []
    starts = np.flatnonzero(np.diff(keys[odd], prepend=-1)) if len(odd) else ()
    for start in starts[:12]:
        group = odd[start:][keys[odd[start:]] == keys[odd[start]]]
        if len(group) > 64:  # of each label some
            step = len(group) / 64
            group = np.unique(np.concatenate([group[[0, -1]], group[(np.arange(64) * step).astype(int)]]))
        differ = (rows[group][:, None, :] != rows[group][None, :, :]).sum(axis=2)
        differ[labels[group][:, None] == labels[group][None, :]] = rows.shape[1] + 1
        a, b = np.unravel_index(int(differ.argmin()), differ.shape)
        found.append(sum(1 << column for column in _differing(rows, group[a], group[b])))
    return found


def _columns(mask: int) -> tuple[int, ...]:
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def _minimal(masks: Sequence[int]) -> list[int]:
    """Those that contain no other one, the smallest first."""
    kept: list[int] = []
    for mask in sorted(set(masks), key=lambda one: (one.bit_count(), one)):
        if not any(other & mask == other for other in kept):
            kept.append(mask)
    return kept


def _hitting(conflicts: Sequence[int], size: int, nodes: int) -> tuple[list[int], bool]:
    """The sets of so many positions that meet every conflict and need each of theirs, and whether the search was cut."""
    found: list[int] = []
    left = nodes

    def search(chosen: int, barred: int, open_: list[int], room: int) -> bool:
        nonlocal left
        left -= 1
        if left < 0 or len(found) >= KEPT:
            return True
        if not open_:  # with no room left, since no smaller set meets the conflicts
            found.append(chosen)
            return False
        if _disjoint(open_) > room:
            return False
        smallest = min(open_, key=lambda mask: (mask & ~barred).bit_count())
        cut = False
        for position in _columns(smallest & ~barred):
            bit = 1 << position
            cut |= search(chosen | bit, barred, [mask for mask in open_ if not mask & bit], room - 1)
            barred |= bit
        return cut

    cut = search(0, 0, list(conflicts), size)
    return found, cut


def _disjoint(masks: Sequence[int]) -> int:
    """How many of the masks, taken in turn, meet none taken before: so many positions at least meet them all."""
    count = taken = 0
    for mask in masks:
        if not mask & taken:
            count, taken = count + 1, taken | mask
    return count
