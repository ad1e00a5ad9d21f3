"""Position schemes (Definition 2 in docs/theory.md): rules that give every position an ID.

Every scheme is one idea: a *relabelling*, uniform over a finite list, of the distinct IDs in use. A plain scheme
relabels the positions 0..length-1 themselves; a coupled scheme relabels the IDs that its coupling assigns, so that
coupled positions stay coupled. Of IDs with several coordinates each is relabelled by itself, independently.

>>> list(random_shift(0, 2).ids(3))
[(0, 1, 2), (1, 2, 3), (2, 3, 4)]
>>> list(coupled(blocks(2), random_shift(5, 6)).ids(4))
[(5, 6, 5, 6), (6, 7, 6, 7)]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations, combinations_with_replacement, product

import numpy as np

from theory.coordinates import Column, Id, are_ids, coordinates, joined, n_coordinates
from theory.coordinates import Ids as Ids
from theory.errors import HUGE, InvalidArgument, check, check_integer, check_type, is_integer, number_of, shown
from theory.exact import check_generator, choose, subsets

LONGEST = 2**62
"""Lengths and ends of ID ranges stay below, so that the number of IDs in a range is an int64 and draws are exact."""


WIDEST = 2**16
"""Ranges of IDs that are permuted to draw from them; in a wider one each subset is drawn by itself."""


def renamed(ids: Ids, values: Ids, new: Ids) -> Ids:
    """The IDs with each of these values by its new one.

    Examples
    --------
    >>> renamed((3, 5, 3), values=(3, 5), new=(0, 7))
    (0, 7, 0)
    """
    names = dict(zip(values, new, strict=True))
    return tuple(names[i] for i in ids)


def values_of(ids: Ids) -> Column:
    """The distinct IDs in use, in order.

    Examples
    --------
    >>> values_of((3, 5, 3))
    (3, 5)
    """
    return tuple(sorted(set(ids)))


class PositionScheme(ABC):
    """A law over the IDs of a sequence, for every length; independent of the tokens.

    Examples
    --------
    >>> scheme = random_shift(0, 2)
    >>> list(scheme.ids(2)), scheme.count(2)
    ([(0, 1), (1, 2), (2, 3)], 3)
    """

    @abstractmethod
    def relabellings(self, values: Ids) -> Iterator[Ids]:
        """New values for the strictly increasing `values`; uniform over what is yielded, repeats counted."""

    @abstractmethod
    def n_relabellings(self, n_values: int) -> int:
        """How many `relabellings` yields for `n_values` values, up to `HUGE`."""

    @abstractmethod
    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        """One relabelling, by the law."""

    def draw_relabellings(self, rng: np.random.Generator, values: Ids, size: int) -> np.ndarray:
        """`size` independent relabellings, a row each."""
        drawn = [self.draw_relabelling(rng, values) for _ in range(size)]
        return np.array(drawn, dtype=np.int64).reshape(size, len(values))

    def base(self, length: int) -> Ids:
        """The IDs before relabelling."""
        return tuple(range(length))

    def n_values(self, length: int) -> int:
        """How many distinct IDs `base` has, without listing them."""
        return length

    def n_coordinates(self, length: int) -> int:
        """How many coordinates its IDs have."""
        return 1

    def ids(self, length: int) -> Iterator[Ids]:
        """Every ID assignment of the law, uniform over what is yielded, repeats counted."""
        _check_length(length)
        yield from self.relabelled(self.base(length))

    def count(self, length: int) -> int:
        """How many assignments `ids` yields, up to `HUGE`, without listing any."""
        _check_length(length)
        return self.n_relabellings(self.n_values(length))

    def draw(self, rng: np.random.Generator, length: int) -> Ids:
        """One ID assignment, by the law."""
        check_generator(rng, "PositionScheme.draw")
        _check_length(length)
        return self.draw_relabelled(rng, self.base(length))

    # ── On given IDs, of one coordinate or several ───────────────────────────────────────────────────────────────────

    def along(self, d: int) -> tuple[PositionScheme, ...]:
        """For every coordinate the scheme that relabels it: this one, unless it has one for each."""
        return (self,) * d

    def relabelled(self, ids: Ids) -> Iterator[Ids]:
        """Every relabelling of these IDs, uniform over what is yielded, repeats counted.

        Examples
        --------
        >>> list(random_shift(0, 1).relabelled(((0, 5), (0, 6))))
        [((0, 5), (0, 6)), ((0, 6), (0, 7)), ((1, 5), (1, 6)), ((1, 6), (1, 7))]
        """
        columns = coordinates(ids)
        if len(columns) == 1:
            values = values_of(ids)
            return (renamed(ids, values, new) for new in self.relabellings(values))
        parts = zip(self.along(len(columns)), columns, strict=True)
        return map(joined, product(*(scheme.relabelled(column) for scheme, column in parts)))

    def n_relabelled(self, ids: Ids) -> int:
        """How many relabellings of these IDs there are, up to `HUGE`."""
        columns = coordinates(ids)
        if len(columns) == 1:
            return self.n_relabellings(len(set(ids)))
        parts = zip(self.along(len(columns)), columns, strict=True)
        return reduce(lambda n, part: min(n * part[0].n_relabelled(part[1]), HUGE), parts, 1)

    def draw_relabelled(self, rng: np.random.Generator, ids: Ids) -> Ids:
        """One relabelling of these IDs, by the law."""
        columns = coordinates(ids)
        if len(columns) == 1:
            values = values_of(ids)
            return renamed(ids, values, self.draw_relabelling(rng, values))
        parts = zip(self.along(len(columns)), columns, strict=True)
        return joined([scheme.draw_relabelled(rng, column) for scheme, column in parts])


@dataclass(frozen=True)
class RandomShift(PositionScheme):
    """p_i = i + o with o uniform on lo..hi; the absolute scheme is lo = hi = 0.

    Examples
    --------
    >>> list(RandomShift(5, 6).relabellings((0, 1, 2)))
    [(5, 6, 7), (6, 7, 8)]
    """

    lo: int
    hi: int

    def __post_init__(self) -> None:
        _check_range("positions.random_shift", self.lo, self.hi)

    def relabellings(self, values: Ids) -> Iterator[Ids]:
        return (tuple(value + offset for value in values) for offset in range(self.lo, self.hi + 1))

    def n_relabellings(self, n_values: int) -> int:
        return self.hi - self.lo + 1

    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        offset = int(rng.integers(self.lo, self.hi + 1))
        return tuple(value + offset for value in values)

    def draw_relabellings(self, rng: np.random.Generator, values: Ids, size: int) -> np.ndarray:
        if type(self) is not RandomShift:  # it may draw otherwise
            return super().draw_relabellings(rng, values, size)
        return np.array(values) + rng.integers(self.lo, self.hi + 1, size=(size, 1))


@dataclass(frozen=True)
class RandomOrdered(PositionScheme):
    """A uniform sorted subset of lo..hi, at training and at test time (randomised positional encodings).

    Examples
    --------
    >>> list(RandomOrdered(0, 2).relabellings((0, 1)))
    [(0, 1), (0, 2), (1, 2)]
    """

    lo: int
    hi: int

    def __post_init__(self) -> None:
        _check_range("positions.random_ordered", self.lo, self.hi)

    def _check(self, n_values: int) -> None:
        _enough_ids("positions.random_ordered", self.lo, self.hi, n_values)

    def relabellings(self, values: Ids) -> Iterator[Ids]:
        self._check(len(values))
        return combinations(range(self.lo, self.hi + 1), len(values))

    def n_relabellings(self, n_values: int) -> int:
        self._check(n_values)
        return choose(self.hi - self.lo + 1, n_values)

    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        self._check(len(values))
        chosen = rng.choice(self.hi - self.lo + 1, size=len(values), replace=False) + self.lo
        return tuple(sorted(chosen.tolist()))

    def draw_relabellings(self, rng: np.random.Generator, values: Ids, size: int) -> np.ndarray:
        if type(self) is not RandomOrdered or self.hi - self.lo >= WIDEST:
            return super().draw_relabellings(rng, values, size)
        self._check(len(values))
        return self.lo + subsets(rng, self.hi - self.lo + 1, len(values), size)


@dataclass(frozen=True)
class ChunkedShift(PositionScheme):
    """PoSE: uniform cuts into `chunks` non-empty chunks, then uniform non-decreasing offsets, IDs within lo..hi.

    Examples
    --------
    >>> sorted(set(ChunkedShift(0, 3, chunks=2).relabellings((0, 1, 2))))
    [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    """

    lo: int
    hi: int
    chunks: int

    def __post_init__(self) -> None:
        where = "positions.chunked_shift"
        _check_range(where, self.lo, self.hi)
        check_integer(self.chunks, where, "chunks", least=1, fix="Two chunks are usual.")

    def _slack(self, n_values: int) -> int:
        _enough_ids("positions.chunked_shift", self.lo, self.hi, n_values)
        if n_values < self.chunks:
            got, expected = f"{self.chunks} chunks for {n_values} distinct IDs", f"chunks <= {n_values}"
            fix = "Use fewer chunks or a longer sequence."
            raise InvalidArgument("positions.chunked_shift", "chunks", got=got, expected=expected, fix=fix)
        return self.hi - self.lo + 1 - n_values

    def _assemble(self, n_values: int, cuts: Sequence[int], offsets: Sequence[int]) -> Ids:
        bounds = (0, *cuts, n_values)
        return tuple(
            self.lo + rank + offsets[j] for j in range(self.chunks) for rank in range(bounds[j], bounds[j + 1])
        )

    def relabellings(self, values: Ids) -> Iterator[Ids]:
        slack = self._slack(len(values))
        for cuts in combinations(range(1, len(values)), self.chunks - 1):
            for offsets in combinations_with_replacement(range(slack + 1), self.chunks):
                yield self._assemble(len(values), cuts, offsets)

    def n_relabellings(self, n_values: int) -> int:
        slack = self._slack(n_values)
        return choose(n_values - 1, self.chunks - 1) * choose(slack + self.chunks, self.chunks)

    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        n_values, slack = len(values), self._slack(len(values))
        cuts = sorted((rng.choice(n_values - 1, size=self.chunks - 1, replace=False) + 1).tolist())
        # Stars and bars: a sorted subset of slack + chunks cells, minus 0, 1, 2, ..., is a uniform multiset.
        cells = sorted(rng.choice(slack + self.chunks, size=self.chunks, replace=False).tolist())
        return self._assemble(n_values, cuts, [cell - j for j, cell in enumerate(cells)])

    def draw_relabellings(self, rng: np.random.Generator, values: Ids, size: int) -> np.ndarray:
        n_values, slack = len(values), self._slack(len(values))
        if type(self) is not ChunkedShift or slack + self.chunks > WIDEST:
            return super().draw_relabellings(rng, values, size)
        starts = subsets(rng, n_values - 1, self.chunks - 1, size) + 1
        offsets = subsets(rng, slack + self.chunks, self.chunks, size) - np.arange(self.chunks)
        chunk = (np.arange(n_values)[None, :, None] >= starts[:, None, :]).sum(axis=2)  # (size, values)
        return self.lo + np.arange(n_values) + np.take_along_axis(offsets, chunk, axis=1)


@dataclass(frozen=True)
class Coupled(PositionScheme):
    """p_i = r(c(i)): a coupling c that may give several positions one ID, then a relabelling r of the IDs in use.

    Examples
    --------
    >>> list(coupled(blocks(2), then=random_shift(0, 1)).ids(4))
    [(0, 1, 0, 1), (1, 2, 1, 2)]
    """

    coupling: Callable[[int], Sequence[Id]]
    then: PositionScheme

    def __post_init__(self) -> None:
        where = "positions.coupled"
        fix = "For instance blocks(2)."
        check(callable(self.coupling), where, "coupling", self.coupling, expected="a function length -> IDs", fix=fix)
        expected = "a position scheme without a coupling"
        check_type(self.then, PositionScheme, where, "then", expected, "For instance random_shift(0, 9).")
        # Its coupling would be ignored: `then` relabels IDs, not positions.
        plain, fix = not isinstance(self.then, Coupled), "Compose the two couplings in one function."
        check(plain, where, "then", got="a coupled scheme", expected=expected, fix=fix)

    def base(self, length: int) -> Ids:
        ids = self.coupling(length)
        if not (isinstance(ids, Sequence) and len(ids) == length and are_ids(tuple(ids))):
            got = f"{shown(ids)} for length {length}"
            expected = f"a function of the length that returns {length} integers"
            fix = "Return a tuple of one int a position, or of one tuple of ints; from a numpy array tuple(array.tolist())."
            raise InvalidArgument("positions.coupled", "coupling", got=got, expected=expected, fix=fix)
        return tuple(ids)

    def n_coordinates(self, length: int) -> int:
        return 1 if isinstance(self.coupling, Blocks) else n_coordinates(self.base(length))

    def count(self, length: int) -> int:
        if isinstance(self.coupling, Blocks):
            return super().count(length)
        _check_length(length)
        return self.n_relabelled(self.base(length))

    def along(self, d: int) -> tuple[PositionScheme, ...]:
        return self.then.along(d)

    def n_values(self, length: int) -> int:
        if isinstance(self.coupling, Blocks):
            return self.coupling.stride(length)
        return len(set(self.base(length)))  # a function may do anything, so it is asked

    def relabellings(self, values: Ids) -> Iterator[Ids]:
        return self.then.relabellings(values)

    def n_relabellings(self, n_values: int) -> int:
        return self.then.n_relabellings(n_values)

    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        return self.then.draw_relabelling(rng, values)


@dataclass(frozen=True)
class ByCoordinate(PositionScheme):
    """IDs of several coordinates, each relabelled by a scheme of its own, independently of the others.

    Examples
    --------
    >>> grid = coupled(lambda length: tuple((i, 0) for i in range(length)), by_coordinate(absolute(), random_shift(3, 4)))
    >>> list(grid.ids(2))
    [((0, 3), (1, 3)), ((0, 4), (1, 4))]
    """

    schemes: tuple[PositionScheme, ...]

    def __post_init__(self) -> None:
        where, expected = "positions.by_coordinate", "a position scheme of one coordinate, without a coupling"
        fix = "For instance by_coordinate(absolute(), random_shift(0, 9))."
        several = f"{len(self.schemes)} schemes"
        check(len(self.schemes) > 1, where, "schemes", got=several, expected="one a coordinate, two or more", fix=fix)
        for i, scheme in enumerate(self.schemes):
            check_type(scheme, PositionScheme, where, f"schemes[{i}]", expected, fix)
            plain = not isinstance(scheme, Coupled | ByCoordinate)
            check(plain, where, f"schemes[{i}]", scheme, expected=expected, fix=fix)

    def along(self, d: int) -> tuple[PositionScheme, ...]:
        if d != len(self.schemes):
            raise self._mismatch(f"IDs of {number_of(d, 'coordinate')}")
        return self.schemes

    def _mismatch(self, got: str) -> InvalidArgument:
        expected = f"IDs of {len(self.schemes)} coordinates, as there are schemes"
        fix = "Give vector IDs by a coupling, or by a task, and one scheme a coordinate."
        return InvalidArgument("positions.by_coordinate", "schemes", got=got, expected=expected, fix=fix)

    def relabellings(self, values: Ids) -> Iterator[Ids]:
        raise self._mismatch("IDs of 1 coordinate")

    def n_relabellings(self, n_values: int) -> int:
        raise self._mismatch("IDs of 1 coordinate")

    def draw_relabelling(self, rng: np.random.Generator, values: Ids) -> Ids:
        raise self._mismatch("IDs of 1 coordinate")


@dataclass(frozen=True)
class Blocks:
    """The coupling c(i) = i mod (length / number): positions at one offset of `number` equal blocks share an ID.

    Examples
    --------
    >>> list(Blocks(2)(6))
    [0, 1, 2, 0, 1, 2]
    """

    number: int = field(default=2)

    def __post_init__(self) -> None:
        check_integer(self.number, "positions.blocks", "number", least=1, fix="Use 2 for pairs.")

    def stride(self, length: int) -> int:
        """The length of a block."""
        if length % self.number:
            expected, fix = f"a multiple of the {self.number} blocks", "Use a length that the number of blocks divides."
            raise InvalidArgument("positions.blocks", "length", got=f"{length}", expected=expected, fix=fix)
        return length // self.number

    def __call__(self, length: int) -> Ids:
        stride = self.stride(length)
        return tuple(i % stride for i in range(length))


def absolute() -> RandomShift:
    """p_i = i (0-based).

    Examples
    --------
    >>> list(absolute().ids(3))
    [(0, 1, 2)]
    """
    return RandomShift(0, 0)


def random_shift(lo: int, hi: int) -> RandomShift:
    """p_i = i + o, o uniform on the integers lo..hi.

    Examples
    --------
    >>> list(random_shift(0, 1).ids(3))
    [(0, 1, 2), (1, 2, 3)]
    """
    return RandomShift(lo, hi)


def random_ordered(lo: int, hi: int) -> RandomOrdered:
    """A uniform sorted subset of the IDs lo..hi (randomised positional encodings).

    Examples
    --------
    >>> list(random_ordered(0, 3).ids(3))
    [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    """
    return RandomOrdered(lo, hi)


def chunked_shift(lo: int, hi: int, chunks: int = 2) -> ChunkedShift:
    """PoSE: the sequence in `chunks` chunks at uniform cuts, each chunk with its own non-decreasing offset,
    every ID within lo..hi and strictly increasing.

    Examples
    --------
    >>> sorted(set(chunked_shift(0, 3).ids(3)))
    [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    """
    return ChunkedShift(lo, hi, chunks)


def coupled(coupling: Callable[[int], Sequence[Id]], then: PositionScheme | None = None) -> Coupled:
    """IDs by a coupling (a function length -> one ID a position), then relabelled by another scheme.

    The coupling may give tuples of several coordinates; then `then` relabels each of them by itself.

    Examples
    --------
    >>> list(coupled(blocks(2), random_ordered(0, 3)).ids(4))[:2]
    [(0, 1, 0, 1), (0, 2, 0, 2)]
    """
    return Coupled(coupling, absolute() if then is None else then)


def by_coordinate(*schemes: PositionScheme) -> ByCoordinate:
    """A scheme of its own for each coordinate of IDs that have several.

    Examples
    --------
    >>> by_coordinate(absolute(), random_ordered(0, 2)).n_relabelled(((0, 0), (0, 1)))
    3
    """
    return ByCoordinate(schemes)


def blocks(number: int = 2) -> Blocks:
    """The coupling under which the paired support law has spread 0: c(i) = i mod (length / number).

    Examples
    --------
    >>> list(blocks(2)(4))
    [0, 1, 0, 1]
    """
    return Blocks(number)


def _check_length(length: object) -> None:
    if not is_integer(length, 1, LONGEST - 1):
        where, argument, most = "PositionScheme", "length", "a length below 2**62"
        check_integer(length, where, argument, least=1, fix="Give the number of positions.")
        raise InvalidArgument(where, argument, got=shown(length), expected=most, fix="Use a shorter one.")


def _check_range(where: str, lo: int, hi: int) -> None:
    size, fix = "an integer below 2**62 in size", "IDs are integers."
    for name, value in (("lo", lo), ("hi", hi)):
        if not is_integer(value, 1 - LONGEST, LONGEST - 1):
            raise InvalidArgument(where, name, got=shown(value), expected=size, fix=fix)
    if lo > hi:
        raise InvalidArgument(where, "hi", got=f"{hi} with lo={lo}", expected=f"hi >= {lo}", fix="Swap the two ends.")


def _enough_ids(where: str, lo: int, hi: int, n_values: int) -> None:
    if hi - lo + 1 < n_values:
        got = f"{hi - lo + 1} IDs ({lo}..{hi}) for {n_values} distinct positions"
        fix = "Widen the ID range or shorten the sequence."
        raise InvalidArgument(where, "hi", got=got, expected=f"hi >= {lo + n_values - 1}", fix=fix)
