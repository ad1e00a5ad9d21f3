"""The views of many examples at once, as numbers: what `decide` works on where examples are many.

The code of a view has its tokens and its key as digits, the most significant first, so codes are ordered as views are.
Examples of one length are the columns of a table; a block of candidate sets times a block of examples is one array
operation, and no array grows with the candidate sets of all examples together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice, pairwise
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.coordinates import Ids, coordinates, joined
from theory.examples import Example, Label
from theory.heads import HeadClass, View, cliques
from theory.set_families import MEMBER, Ints, distinct

Tick: TypeAlias = Callable[[int, int], None]
"""Called with how many examples are done, and how many there are."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and how much there is to do."""

PLAIN_CELLS = 1000
"""Up to about so many candidate sets of all examples together, laws are worked on as Python sets, beyond as arrays."""

CELLS = 2**18
"""(candidate set, example) pairs in one array."""

MOST_SETS = 4096
"""Candidate sets in one array."""

UNSEEN, CONFLICTING = -1, -2
"""Of a view that does not occur, and of a view that occurs with several labels."""

DIRECT = 2**24
"""Up to so many codes, the number of a view is its code; beyond, the codes that occur are numbered."""

LARGEST = 2**61
"""Codes and IDs stay below, so that no 64-bit arithmetic overflows."""


@dataclass(frozen=True)
class Group:
    """Examples of one length.

    Attributes
    ----------
    rows : (n,) their places in the law.
    tokens : (length, n) the ranks of their tokens among all tokens that occur.
    ids : (d, length, m) the m distinct assignments of IDs, each coordinate by itself.
    which : (n,) the assignment that an example has.
    near : (length, length) whether two positions are within the window under some of the IDs; None for no window.
    """

    rows: Ints
    tokens: Ints
    ids: Ints
    which: Ints
    near: NDArray[np.bool_] | None

    def sets(self, heads: HeadClass) -> Iterator[Ints]:
        """Every set that is a candidate under some of the IDs, (sets, k) at a time, k in increasing order."""
        everywhere, near = tuple(range(len(self.tokens))), [] if self.near is None else self.near.tolist()
        for part in heads.parts(len(self.tokens)):
            found = part.candidates(everywhere) if self.near is None else cliques(part, near)
            while sets := list(islice(found, MOST_SETS)):
                yield np.array(sets, dtype=np.int64)


class Digits:
    """One coordinate of the keys of a class of one arity, as digits: `bases` and `places`, of which position each is."""

    def __init__(self, heads: HeadClass, id_values: Ints, spread: int) -> None:
        k = heads.arity
        self._key, self._window, self._id_values = heads.key, heads.window, id_values
        self._reach = min(spread, heads.window) if isinstance(heads.window, int) else spread  # from the first one
        base, self.places = {
            "none": (0, range(0)),
            "order": (k, range(k)),
            "relative": (2 * self._reach + 1, range(1, k)),
            "absolute": (len(id_values), range(k)),
        }[str(heads.key)]
        self.bases = [base] * len(self.places)

    def of(self, ids: Sequence[Ints]) -> list[Ints]:
        """The digits, given the IDs of the first, second, ... position of every set."""
        if self._key == "order":  # the rank of an ID: how many values of the set are smaller
            first = [np.all([a != b for b in ids[:j]], axis=0) for j, a in enumerate(ids)]
            return [np.sum([(b < a) & new for b, new in zip(ids, first, strict=True)], axis=0) for a in ids]
        if self._key == "relative":
            return [a - ids[0] + self._reach for a in ids[1:]]
        return [np.searchsorted(self._id_values, a) for a in ids] if self._key == "absolute" else []

    def outside(self, ids: Sequence[Ints]) -> NDArray[np.bool_] | None:
        """Which sets are wider than the window."""
        if self._window is None:
            return None
        return np.asarray(np.maximum.reduce(ids) - np.minimum.reduce(ids) > self._window)

    def keys(self, digits: list[Ints], size: int) -> list[Ints]:
        """The first, second, ... entries of the `size` keys that have these digits; none where no key is seen."""
        if self._key == "relative":
            return [np.zeros(size, dtype=np.int64), *(digit - self._reach for digit in digits)]
        return [self._id_values[digit] for digit in digits] if self._key == "absolute" else digits


class Codes:
    """Codes 0..n_codes-1 of the views of a class of one arity, in the order of the views; -1 for no candidate."""

    def __init__(self, heads: HeadClass, vocabulary: Ints, id_values: Sequence[Ints], spreads: Sequence[int]) -> None:
        self.heads = heads
        self._vocabulary = vocabulary
        self._token_bases = [len(vocabulary)] * heads.arity
        self._coordinates = [
            Digits(own, values, spread)
            for own, values, spread in zip(heads.along(len(id_values)), id_values, spreads, strict=True)
        ]
        # As keys are compared: an entry after the other, in each a coordinate after the other.
        self._order = sorted(
            (place, c, j) for c, own in enumerate(self._coordinates) for j, place in enumerate(own.places)
        )
        self._key_bases = [self._coordinates[c].bases[j] for _, c, j in self._order]
        self._n_keys = prod(self._key_bases)
        self.n_codes = prod(self._token_bases) * self._n_keys

    def of(self, sets: Ints, tokens: Ints, ids: Ints, which: Ints) -> Ints:
        """(sets, examples) codes; tokens has shape (length, examples), ids (d, length, m), which (examples,)."""
        codes = tokens[sets[:, 0]]
        for j in range(1, self.heads.arity):
            codes *= len(self._vocabulary)
            codes += tokens[sets[:, j]]
        if self.heads.sees_ids:
            if 4 * ids.shape[2] <= len(which):
                keys = self._keys([[own[column] for column in sets.T] for own in ids])[:, which]
            else:
                keys = self._keys([[own[np.ix_(column, which)] for column in sets.T] for own in ids])
            codes *= self._n_keys
            codes += keys
            codes[keys < 0] = -1
        return codes

    def _keys(self, ids: Sequence[Sequence[Ints]]) -> Ints:
        """Codes of keys, by coordinate the IDs of the first, second, ... position of every set; -1 outside a window."""
        digits = [own.of(columns) for own, columns in zip(self._coordinates, ids, strict=True)]
        codes = np.zeros(ids[0][0].shape, dtype=np.int64)
        for base, (_, c, j) in zip(self._key_bases, self._order, strict=True):
            codes = codes * base + digits[c][j]
        for own, columns in zip(self._coordinates, ids, strict=True):
            if (outside := own.outside(columns)) is not None:
                codes[outside] = -1
        return codes

    def views(self, codes: Ints) -> list[View]:
        """The views that have these codes."""
        codes, keys = np.divmod(codes, self._n_keys)
        words = [self._vocabulary[digit] for digit in _digits(codes, self._token_bases)]
        digits: list[list[Ints]] = [[] for _ in self._coordinates]
        for (_, c, _), digit in zip(self._order, _digits(keys, self._key_bases), strict=True):
            digits[c].append(digit)
        parts = [own.keys(part, len(codes)) for own, part in zip(self._coordinates, digits, strict=True)]
        rows = [zip(*(column.tolist() for column in part), strict=True) for part in parts if part]
        suffixes = map(joined, zip(*rows, strict=True)) if rows else [()] * len(codes)
        return [
            View(word, suffix)
            for word, suffix in zip(zip(*(word.tolist() for word in words), strict=True), suffixes, strict=True)
        ]


class Numbering:
    """Numbers 0..size-1 for views, by their size and then in the order of the views.

    `size` itself stands for a set that is no candidate.
    """

    def __init__(
        self, heads: HeadClass, longest: int, vocabulary: Ints, id_values: Sequence[Ints], spreads: Sequence[int]
    ) -> None:
        self.heads = heads
        parts = [Codes(part, vocabulary, id_values, spreads) for part in heads.parts(longest)]
        *starts, self.n_codes = accumulate((part.n_codes for part in parts), initial=0)
        self._parts = {part.heads.arity: (part, start) for part, start in zip(parts, starts, strict=True)}
        self._known: Ints | None = None
        self.size = self.n_codes

    def restrict(self, codes: Ints) -> None:
        """Number these codes, distinct and sorted, and no others."""
        self._known, self.size = codes, len(codes)

    def numbers(self, sets: Ints, tokens: Ints, ids: Ints, which: Ints) -> Ints:
        """(sets, examples) numbers; tokens has shape (length, examples), ids (d, length, m), which (examples,)."""
        part, start = self._parts[sets.shape[1]]
        codes = part.of(sets, tokens, ids, which)
        if self.heads.window is not None:
            codes[codes < 0] = self.n_codes - start
        if start:
            codes += start
        return codes if self._known is None else np.searchsorted(self._known, codes)

    def views(self, numbers: Ints) -> list[View]:
        """The views that have these numbers."""
        codes = numbers if self._known is None else self._known[numbers]
        found: dict[int, View] = {}
        for part, start in self._parts.values():
            own = codes[(start <= codes) & (codes < start + part.n_codes)]
            found |= zip(own.tolist(), part.views(own - start), strict=True)
        return [found[code] for code in codes.tolist()]


class LawViews:
    """The views of the examples of a law, by number.

    Attributes
    ----------
    n_examples : how many examples the law has.
    labels : (n_examples,) their labels, by place in the label set.
    """

    def __init__(self, numbering: Numbering, groups: Sequence[Group], labels: Ints) -> None:
        self.numbering, self._groups, self.labels, self.n_examples = numbering, groups, labels, len(labels)

    def blocks(self, tick: Tick | None = None) -> Iterator[tuple[Ints, Iterator[Ints]]]:
        """Some examples (their places), and the numbers of their views, (sets, examples) at a time."""
        done = 0
        heads = self.numbering.heads
        for group in self._groups:
            most = len(heads.parts(len(group.tokens)))
            few = list(islice(group.sets(heads), most + 1))  # listed once, where an array an arity holds all sets
            step = max(1, CELLS // max(map(len, few), default=1))
            for start in range(0, len(group.rows), step):
                at = slice(start, start + step)
                sets = iter(few) if len(few) <= most else group.sets(heads)
                yield group.rows[at], self._numbers(sets, group, at)
                done += len(group.rows[at])
                if tick is not None:
                    tick(done, self.n_examples)

    def _numbers(self, sets: Iterator[Ints], group: Group, at: slice) -> Iterator[Ints]:
        tokens, which = group.tokens[:, at], group.which[at]
        return (self.numbering.numbers(part, tokens, group.ids, which) for part in sets)

    def of(self, row: int) -> Ints:
        """The numbers of the views of one example."""
        for group in self._groups:
            for i in np.flatnonzero(group.rows == row).tolist():
                found = [part[:, 0] for part in self._numbers(group.sets(self.numbering.heads), group, slice(i, i + 1))]
                return np.setdiff1d(np.concatenate([*found, np.zeros(0, dtype=np.int64)]), [self.numbering.size])
        raise IndexError(row)

    def learn(self, tick: Tick | None = None) -> Ints:
        """By number, the label that all examples with the view have, CONFLICTING, or UNSEEN."""
        answers = np.full(self.numbering.size + 1, UNSEEN)
        conflicting = np.zeros(self.numbering.size + 1, dtype=bool)
        for rows, blocks in self.blocks(tick):
            labels = self.labels[rows]
            for numbers in blocks:
                before = answers[numbers]
                answers[numbers] = labels  # where a view comes with several labels, one of them
                conflicting[numbers[(answers[numbers] != labels) | ((before != UNSEEN) & (before != labels))]] = True
        answers[conflicting] = CONFLICTING
        answers[-1] = CONFLICTING  # no candidate: it has been seen, and is not to be selected
        return answers

    def first_misfits(self, answers: Ints, tick: Tick | None = None) -> tuple[int | None, int | None]:
        """The first example with a view that is UNSEEN, and the first with one that has another label."""
        unseen, flipped = [], []
        for rows, blocks in self.blocks(tick):
            for numbers in blocks:
                known = answers[numbers]
                unseen.append(rows[(known == UNSEEN).any(axis=0)].min(initial=self.n_examples))
                flips = (known >= 0) & (known != self.labels[rows])
                flipped.append(rows[flips.any(axis=0)].min(initial=self.n_examples))
        first, second = (min(found, default=self.n_examples) for found in (unseen, flipped))
        return (None if first == self.n_examples else int(first)), (None if second == self.n_examples else int(second))

    def outcomes(self, answers: Ints, tick: Tick | None = None) -> tuple[Ints, Ints]:
        """For every example, how many candidate sets the head with these answers selects, and how many wrongly."""
        selected, wrong = np.zeros((2, self.n_examples), dtype=np.int64)
        for rows, blocks in self.blocks(tick):
            for numbers in blocks:
                given = answers[numbers]
                selected[rows] += (given >= 0).sum(axis=0)
                wrong[rows] += ((given >= 0) & (given != self.labels[rows])).sum(axis=0)
        return selected, wrong

    def sets(self, index: Ints, tick: Tick | None = None) -> dict[bytes, int]:
        """{the set of index[v] over the views v of an example, where it is >= 0: the first example that has it}.

        A set is the bytes of its members as `MEMBER`, in increasing order.
        """
        width = int(index.max(initial=0)) + 1
        first: dict[bytes, int] = {}
        for rows, numbers in self.blocks(tick):
            found = [np.zeros(0, dtype=np.int64)]
            for block in numbers:
                members = index[block]
                at = np.nonzero(members >= 0)
                found.append(distinct(at[1] * width + members[at]))  # (example, member) as one number
            which, members = np.divmod(distinct(np.concatenate(found)), width)
            ends = np.searchsorted(which, np.arange(len(rows) + 1)) * MEMBER.itemsize
            data = members.astype(MEMBER).tobytes()
            for row, (a, b) in zip(rows.tolist(), pairwise(ends.tolist()), strict=True):
                if first.setdefault(data[a:b], row) > row:
                    first[data[a:b]] = row
        return first


def number_views(
    heads: HeadClass, laws: Sequence[Collection[Example]], labels: Sequence[Label]
) -> tuple[LawViews, ...] | None:
    """The views of the examples of each law under one numbering; None where they do not fit 64-bit codes."""
    place = {label: j for j, label in enumerate(labels)}
    try:
        tables = [_by_length(law) for law in laws]
    except OverflowError:
        return None
    parts = [part for table in tables for part in table]
    if heads.arity >= LARGEST.bit_length():
        return None
    longest = max(len(tokens) for _, tokens, _, _ in parts)
    if heads.window is not None and longest**2 > DIRECT:
        return None  # `near` has an entry for every two positions
    by_coordinate = [[own[c] for _, _, own, _ in parts] for c in range(len(parts[0][2]))]
    id_values = [_values(iter(columns)) for columns in by_coordinate]
    if any(values[0] <= -LARGEST or values[-1] >= LARGEST for values in id_values):
        return None
    vocabulary = _values(tokens for _, tokens, _, _ in parts)
    spreads = [max(int((own.max(axis=0) - own.min(axis=0)).max()) for own in columns) for columns in by_coordinate]
    numbering = Numbering(heads, longest, vocabulary, id_values, spreads)
    if numbering.n_codes >= LARGEST:
        return None
    found = tuple(
        LawViews(
            numbering,
            [
                Group(rows, np.searchsorted(vocabulary, tokens), ids, which, _near(heads, ids))
                for rows, tokens, ids, which in table
            ],
            np.fromiter((place[example.label] for example in law), dtype=np.int64, count=len(law)),
        )
        for law, table in zip(laws, tables, strict=True)
    )
    if numbering.n_codes > DIRECT:
        known, new = np.zeros(0, dtype=np.int64), [np.zeros(0, dtype=np.int64)]
        for block in chain.from_iterable(blocks for law in found for _, blocks in law.blocks()):
            new.append(distinct(block.reshape(-1)))
            if sum(map(len, new)) > max(len(known), CELLS):  # so that few codes are sorted often
                known, new = distinct(np.concatenate([known, *new])), []
        known = distinct(np.concatenate([known, *new]))
        numbering.restrict(known[known < numbering.n_codes])
    return found


def n_cells(heads: HeadClass, examples: Collection[Example], *, at_once: int = 1) -> int:
    """How many candidate sets the examples have together, up to `HUGE`, where so many examples share a listing."""
    if heads.window is None:
        counts = Counter(len(example.tokens) for example in examples)
        return sum(-(-number // at_once) * heads.n_candidates(range(n)) for n, number in counts.items())
    return sum(
        -(-number // at_once) * heads.n_candidates(ids) for ids, number in Counter(e.ids for e in examples).items()
    )


def _by_length(law: Collection[Example]) -> list[tuple[Ints, Ints, Ints, Ints]]:
    """(places, tokens, distinct IDs by coordinate, which of them) of the examples of every length."""
    places: dict[int, list[int]] = {}
    for i, example in enumerate(law):
        places.setdefault(len(example.tokens), []).append(i)
    examples = list(law)
    table = []
    for length, rows in places.items():
        known: dict[Ids, int] = {}
        which = np.fromiter((known.setdefault(examples[i].ids, len(known)) for i in rows), np.int64, len(rows))
        flat = chain.from_iterable([examples[i].tokens for i in rows])
        tokens = np.fromiter(flat, dtype=np.int64, count=length * len(rows)).reshape(-1, length)
        ids = np.array([coordinates(own) for own in known], dtype=np.int64)  # (m, d, length)
        table.append((np.array(rows, dtype=np.int64), np.ascontiguousarray(tokens.T), ids.transpose(1, 2, 0), which))
    return table


def _near(heads: HeadClass, ids: Ints) -> NDArray[np.bool_] | None:
    if heads.window is None:
        return None
    limits = [
        (own, part.window) for part, own in zip(heads.along(len(ids)), ids, strict=True) if part.window is not None
    ]
    every = range(ids.shape[1])
    return np.array([np.all([abs(own - own[i]) <= w for own, w in limits], axis=0).any(axis=1) for i in every])


def _values(arrays: Iterator[Ints]) -> Ints:
    return distinct(np.concatenate([distinct(array.reshape(-1)) for array in arrays]))


def _digits(codes: Ints, bases: Sequence[int]) -> list[Ints]:
    """The digits of codes, the most significant first."""
    digits = []
    for base in reversed(bases):
        codes, digit = np.divmod(codes, base)
        digits.append(digit)
    return digits[::-1]
