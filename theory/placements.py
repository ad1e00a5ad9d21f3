"""Planted laws as a head class sees them: of which kind, and the placements (S*, IDs) where these have to be listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from theory.coordinates import width
from theory.errors import bulk, within_budget
from theory.heads import HeadClass
from theory.planted import PlantedLaw
from theory.positions import ChunkedShift, Ids, RandomOrdered, RandomShift
from theory.support import PositionSet, Uniform

Kind: TypeAlias = Literal["exchangeable", "uniform", "listed"]
"""Whether every permutation of positions leaves the law of (S*, candidates, keys) as it is, every permutation that
leaves an anchor in its place does, or the placements have to be listed."""

Part: TypeAlias = tuple[Fraction, int, int]
"""(p, free, planted): with probability p, S* has `planted` positions among the first `free`, all such sets alike."""


class SeenLaw(NamedTuple):
    """A planted law, and what a head class sees of it.

    Attributes
    ----------
    heads : the class without the words that say nothing under this law.
    law, p : the law, and its weight in a mixture.
    kind : whether its placements have to be listed.
    candidates : the largest number of candidate sets, up to `HUGE`.
    parts : of a law that need not be listed: all positions as one part, or, where the last one stands apart, the
        others, given whether it is planted. Their p sum to that of the law.
    """

    heads: HeadClass
    law: PlantedLaw
    p: Fraction
    kind: Kind
    candidates: int
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, heads: HeadClass, law: PlantedLaw, p: Fraction, where: str, budget: int) -> SeenLaw:
        """Candidates stay as they are without the words that are dropped, and keys tell as much as before.

        Raises
        ------
        InvalidArgument : for a class with windows or keys of another number of coordinates than the IDs.
        BudgetExceeded : when the IDs have to be listed, and are too many.
        """
        seen = _telling(heads, law, where, budget)
        kind: Kind = "listed"
        parts: list[Part] = []
        k, length = law.ensemble.arity, law.length
        if isinstance(law.support_law, Uniform) and not seen.sees_ids:
            if heads.anchor == law.support_law.anchor == "none":
                kind, parts = "exchangeable", [(p, length, k)]
            elif heads.anchor == "none" or heads.arity > 1:  # a single anchored position is a candidate by itself
                last = Fraction(1) if law.support_law.anchor == "last" else Fraction(k, length)
                kind, parts = "uniform", [(p * last, length - 1, k - 1), (p * (1 - last), length - 1, k)]
        # Without a window the IDs play no part, and there may be too many assignments to list.
        ids_seen = [range(law.length)] if seen.window is None else law.positions.ids(law.length)
        most = max(map(seen.n_candidates, ids_seen))
        return cls(seen, law, p, kind, most, tuple(part for part in parts if part[0]))


def _telling(heads: HeadClass, law: PlantedLaw, where: str, budget: int) -> HeadClass:
    """The class without the words that say nothing; of several coordinates all are kept.

    One ID has no spread, no order and no offset but 0; a window as wide as all IDs excludes nothing; IDs that rise with
    the position have one order. All of it stays so on a part of the positions.
    """
    (key, window), d = (heads.key, heads.window), law.positions.n_coordinates(law.length)
    heads.along(d)  # which refuses other numbers of windows and keys
    if d == heads.arity == 1:
        key, window = "absolute" if key == "absolute" else "none", None
    rises = isinstance(law.positions, RandomShift | RandomOrdered | ChunkedShift)
    if window is not None or (key == "order" and not rises):
        within_budget(where, size=law.positions.count(law.length) * bulk(law.length), budget=budget)
    if d > 1:
        return heads
    assert not isinstance(window, tuple)
    if window is not None and all(width(ids) <= window for ids in law.positions.ids(law.length)):
        window = None
    if key == "order" and (rises or all(a < b for ids in law.positions.ids(law.length) for a, b in pairwise(ids))):
        key = "none"
    return replace(heads, key=key, window=window)


def n_listed(heads: HeadClass, law: PlantedLaw) -> int:
    """How much `listed` lists, in items of a budget."""
    n_sets = law.support_law.count(law.length, law.ensemble.arity)
    return n_sets * (law.positions.count(law.length) if heads.sees_ids else 1) * bulk(law.length)


def listed(heads: HeadClass, law: PlantedLaw) -> tuple[Iterator[tuple[PositionSet, Ids, int]], int]:
    """The placements with integer weights, and their sum; where no IDs are seen, one assignment stands for all."""
    if heads.sees_ids:
        return law.placements(), law.placement_denominator
    sets = law.support_law.sets(law.length, law.ensemble.arity)
    total = law.support_law.total(law.length, law.ensemble.arity)
    return ((planted, (0,) * law.length, weight) for planted, weight in sets), total
