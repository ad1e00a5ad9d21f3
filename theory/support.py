"""Support laws Q_pos,l: where the planted tokens sit (Definition 1 in docs/theory.md).

A support law is exact: integer weights over one total. It knows how many sets it has before it lists any.

>>> local = local(1)
>>> [set_ for set_, weight in local.sets(4, 2)]
[(0, 1), (1, 2), (2, 3)]
>>> local.count(4, 2), local.total(4, 2)
(3, 3)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Literal, TypeAlias

import numpy as np

from theory.errors import InvalidArgument, check, check_integer, check_mapping, check_one_of, is_tuple, shown
from theory.exact import (
    Rational,
    check_generator,
    choose,
    draw_indices,
    exact_choose,
    integer_below,
    over_common_denominator,
    probabilities,
    subsets,
)

PositionSet: TypeAlias = tuple[int, ...]
"""k positions, 0-based, strictly increasing."""


class SupportLaw(ABC):
    """A law over k-subsets of {0..length-1}, for every length at which it is defined.

    Examples
    --------
    >>> law = uniform()
    >>> list(law.sets(length=3, arity=2)), law.count(100, 2)
    ([((0, 1), 1), ((0, 2), 1), ((1, 2), 1)], 4950)
    """

    @abstractmethod
    def sets(self, length: int, arity: int) -> Iterator[tuple[PositionSet, int]]:
        """Every set of positive probability, once, with its integer weight; Pr = weight / total."""

    @abstractmethod
    def count(self, length: int, arity: int) -> int:
        """The number of sets that `sets` yields, up to `HUGE`, without listing them."""

    @abstractmethod
    def total(self, length: int, arity: int) -> int:
        """The sum of the weights, exactly."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, length: int, arity: int) -> PositionSet:
        """One set, exactly by the law, without listing the sets."""

    def draw_many(self, rng: np.random.Generator, length: int, arity: int, size: int) -> np.ndarray:
        """`size` independent sets, a row each."""
        return np.array([self.draw(rng, length, arity) for _ in range(size)], dtype=np.int64).reshape(size, arity)

    def _check_draw(self, rng: np.random.Generator, length: int, arity: int) -> None:
        where = "SupportLaw.draw"
        check_generator(rng, where)
        if self.count(length, arity) == 0:
            got = f"length {length}, at which {self} has no set of {arity} positions"
            fix = "Use a longer length or a wider support law."
            raise InvalidArgument(where, "length", got=got, expected="a length with at least one set", fix=fix)


@dataclass(frozen=True)
class Uniform(SupportLaw):
    """Uniform on all k-subsets; with anchor "last", on those that contain the last position.

    Examples
    --------
    >>> Uniform().count(4, 2), Uniform("last").count(4, 2)
    (6, 3)
    """

    anchor: Literal["none", "last"] = "none"

    def __post_init__(self) -> None:
        check_one_of(self.anchor, ("none", "last"), "support.uniform", "anchor")

    def sets(self, length: int, arity: int) -> Iterator[tuple[PositionSet, int]]:
        if self.anchor == "none":
            return ((set_, 1) for set_ in combinations(range(length), arity))
        return (((*rest, length - 1), 1) for rest in combinations(range(length - 1), arity - 1))

    def count(self, length: int, arity: int) -> int:
        return choose(length, arity) if self.anchor == "none" else choose(length - 1, arity - 1)

    def total(self, length: int, arity: int) -> int:
        last = self.anchor == "last"
        return exact_choose(length - last, arity - last, "SupportLaw.total")

    def draw(self, rng: np.random.Generator, length: int, arity: int) -> PositionSet:
        self._check_draw(rng, length, arity)
        if self.anchor == "none":
            return tuple(sorted(rng.choice(length, size=arity, replace=False).tolist()))
        return (*sorted(rng.choice(length - 1, size=arity - 1, replace=False).tolist()), length - 1)

    def draw_many(self, rng: np.random.Generator, length: int, arity: int, size: int) -> np.ndarray:
        if type(self) is not Uniform:  # it may draw otherwise
            return super().draw_many(rng, length, arity, size)
        self._check_draw(rng, length, arity)
        if self.anchor == "none":
            return subsets(rng, length, arity, size)
        rest = subsets(rng, length - 1, arity - 1, size)
        return np.concatenate([rest, np.full((size, 1), length - 1)], axis=1)


@dataclass(frozen=True)
class Local(SupportLaw):
    """Uniform on the k-subsets with last - first <= width.

    Examples
    --------
    >>> Local(width=1).count(100, 2)
    99
    """

    width: int

    def __post_init__(self) -> None:
        check_integer(self.width, "support.local", "width", least=0, fix="For no limit use support.uniform().")

    def sets(self, length: int, arity: int) -> Iterator[tuple[PositionSet, int]]:
        for first in range(length - arity + 1):
            later = range(first + 1, min(first + self.width + 1, length))
            for rest in combinations(later, arity - 1):
                yield (first, *rest), 1

    def count(self, length: int, arity: int) -> int:
        # Sets by their first position: the full windows, then those within the last `reach` positions.
        reach = min(self.width, length - 1)
        return (length - reach) * choose(reach, arity - 1) + choose(reach, arity)

    def total(self, length: int, arity: int) -> int:
        reach = min(self.width, length - 1)
        where = "SupportLaw.total"
        return (length - reach) * exact_choose(reach, arity - 1, where) + exact_choose(reach, arity, where)

    def draw(self, rng: np.random.Generator, length: int, arity: int) -> PositionSet:
        self._check_draw(rng, length, arity)
        # As in `count`; the two summands are as (length - reach) * arity to reach - arity + 1.
        reach = min(self.width, length - 1)
        if draw_indices(rng, ((length - reach) * arity, reach - arity + 1), 1)[0]:
            return tuple(sorted((rng.choice(reach, size=arity, replace=False) + length - reach).tolist()))
        first = integer_below(rng, length - reach)
        rest = rng.choice(reach, size=arity - 1, replace=False) + first + 1
        return (first, *sorted(rest.tolist()))


@dataclass(frozen=True)
class Paired(SupportLaw):
    """k equal blocks, one position in each at the same offset: (i, i + l/k, ..., i + (k-1)l/k), i uniform.

    With k = 2 these are the pairs (i, i + l/2). Defined where k divides the length.

    Examples
    --------
    >>> Paired().count(100, 2)
    50
    """

    def _stride(self, length: int, arity: int) -> int:
        if length % arity:
            shorter, longer = length - length % arity, length - length % arity + arity
            fix = f"Use length {f'{shorter} or ' if shorter else ''}{longer}."
            expected = f"a multiple of the arity {arity}"
            raise InvalidArgument("support.paired", "length", got=f"{length}", expected=expected, fix=fix)
        return length // arity

    def sets(self, length: int, arity: int) -> Iterator[tuple[PositionSet, int]]:
        stride = self._stride(length, arity)
        return ((tuple(range(i, length, stride)), 1) for i in range(stride))

    def count(self, length: int, arity: int) -> int:
        return self._stride(length, arity)

    def total(self, length: int, arity: int) -> int:
        return self.count(length, arity)

    def draw(self, rng: np.random.Generator, length: int, arity: int) -> PositionSet:
        self._check_draw(rng, length, arity)
        stride = self._stride(length, arity)
        return tuple(range(integer_below(rng, stride), length, stride))


@dataclass(frozen=True)
class Fixed(SupportLaw):
    """An explicit law {set: probability}; a point mass is {set: 1}.

    Examples
    --------
    >>> law = fixed({(0, 2): "1/3", (1, 2): "2/3"})
    >>> [(set_, str(Fraction(weight, law.total(3, 2)))) for set_, weight in law.sets(3, 2)]
    [((0, 2), '1/3'), ((1, 2), '2/3')]
    """

    items: tuple[tuple[PositionSet, Fraction], ...]

    def __post_init__(self) -> None:
        fix = "Build it with support.fixed({(0, 2): 1})."
        check(
            self.items, "support.Fixed", "items", self.items, expected="at least one pair (set, probability)", fix=fix
        )

    def _weights(self) -> tuple[tuple[int, ...], int]:
        return over_common_denominator([probability for _, probability in self.items])

    def _check(self, length: int, arity: int) -> None:
        where = "support.fixed"
        for set_, _ in self.items:
            if len(set_) != arity:
                got = f"the set {shown(set_)} of {len(set_)} positions"
                expected = f"sets of {arity} positions, the arity of the ensemble"
                fix = "Give every set as many positions as the planted words have tokens."
                raise InvalidArgument(where, "sets", got=got, expected=expected, fix=fix)
            if set_[-1] >= length:
                got, expected = f"the set {shown(set_)} at length {length}", f"positions 0..{length - 1} (0-based)"
                fix = f"Use a length of at least {shown(set_[-1] + 1)}, or give support as a function of the length."
                raise InvalidArgument(where, "sets", got=got, expected=expected, fix=fix)

    def sets(self, length: int, arity: int) -> Iterator[tuple[PositionSet, int]]:
        self._check(length, arity)
        weights, _ = self._weights()
        return ((set_, weight) for (set_, _), weight in zip(self.items, weights, strict=True))

    def count(self, length: int, arity: int) -> int:
        self._check(length, arity)
        return len(self.items)

    def total(self, length: int, arity: int) -> int:
        self._check(length, arity)
        return self._weights()[1]

    def draw(self, rng: np.random.Generator, length: int, arity: int) -> PositionSet:
        self._check_draw(rng, length, arity)
        return self.items[int(draw_indices(rng, self._weights()[0], 1)[0])][0]


def uniform(anchor: Literal["none", "last"] = "none") -> Uniform:
    """Uniform on all k-subsets, or (anchor "last") on those that contain the last position.

    Examples
    --------
    >>> [set_ for set_, _ in uniform().sets(3, 2)]
    [(0, 1), (0, 2), (1, 2)]
    """
    return Uniform(anchor)


def local(width: int) -> Local:
    """Uniform on the k-subsets whose last and first positions differ by at most `width`.

    Examples
    --------
    >>> [set_ for set_, _ in local(1).sets(4, 2)]
    [(0, 1), (1, 2), (2, 3)]
    """
    return Local(width)


def paired() -> Paired:
    """One position at the same offset in each of k equal blocks; with k = 2 the pairs (i, i + length/2).

    Examples
    --------
    >>> [set_ for set_, _ in paired().sets(6, 2)]
    [(0, 3), (1, 4), (2, 5)]
    """
    return Paired()


def fixed(sets: Mapping[PositionSet, Rational]) -> Fixed:
    """An explicit law over position sets.

    Raises
    ------
    InvalidArgument : for a set that is unsorted, repeats or has a negative position, or weights that do not sum to 1.

    Examples
    --------
    >>> fixed({(0, 2): "1/2", (1, 2): "1/2"}).count(3, 2)
    2
    """
    where = "support.fixed"
    weigh = "One set alone is {(0, 2): 1}; two alike are {(0, 2): '1/2', (1, 2): '1/2'}."
    check_mapping(sets, where, "sets", "{(0, 2): probability}", weigh)
    expected = "tuples of positions >= 0 in strictly increasing order (0-based)"
    fix = "Sort the positions and list each once; one position is (0,)."
    for set_ in sets:
        increasing = is_tuple(set_) and all(a < b for a, b in pairwise((-1, *set_)))
        check(increasing, where, "sets", set_, expected=expected, fix=fix)
    exact = probabilities(list(sets.values()), where, "sets")
    return Fixed(tuple((set_, p) for set_, p in zip(sets, exact, strict=True) if p > 0))


SupportRule: TypeAlias = SupportLaw | Callable[[int], SupportLaw | Mapping[PositionSet, Rational]]
"""A support law, or a function of the length that returns one (or a mapping for `fixed`)."""


def at_length(rule: SupportRule, length: int) -> SupportLaw:
    """The support law that `rule` gives at `length`.

    Examples
    --------
    >>> at_length(lambda length: {(0, length - 1): 1}, 5).items[0][0]
    (0, 4)
    """
    if isinstance(rule, SupportLaw):
        return rule
    law = rule(length)
    if isinstance(law, SupportLaw):
        return law
    return fixed(law)
