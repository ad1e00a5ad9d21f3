"""Weights on kept sets that prove κ0 or T11's t, found on placements as they are: the judge checks them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple, TypeAlias

from theory.heads import HeadClass
from theory.planted import PlantedLaw
from theory.positions import Ids
from theory.programs import Choice, least_weights
from theory.support import PositionSet

Seen: TypeAlias = tuple[tuple[bool, ...], tuple[tuple[PositionSet, Ids], ...]]
"""What a class sees of a placement: the planted positions, and the candidate sets with their keys."""


class Kept(NamedTuple):
    """The least t of such weights, and these: the number of a test placement, a weight and the kept positions."""

    t: Fraction
    weights: tuple[tuple[int, Fraction, PositionSet], ...]


def placements(law: PlantedLaw) -> dict[tuple[PositionSet, Ids], Fraction]:
    """{(S*, IDs): probability}, in the order of the law; a scheme may list the same IDs twice."""
    found: dict[tuple[PositionSet, Ids], Fraction] = {}
    for planted, ids, weight in law.placements():
        own = Fraction(weight, law.placement_denominator)
        found[planted, ids] = found.get((planted, ids), Fraction(0)) + own
    return found


def seen(heads: HeadClass, planted: PositionSet, ids: Ids) -> Seen:
    """What the class sees of a placement."""
    sets = ((chosen, heads.key_of(tuple(ids[i] for i in chosen))) for chosen in heads.candidates(ids))
    return tuple(i in planted for i in range(len(ids))), tuple(sets)


def least(heads: HeadClass, train: PlantedLaw, test: PlantedLaw, *, survive: bool) -> Kept | None:
    """The weights with the least t, where every candidate set has to `survive` (T11) or not (κ0); None without any.

    Every set of positions that holds S*, and with the anchor the last one, may be kept.
    """
    trained: defaultdict[Seen, Fraction] = defaultdict(Fraction)
    for (planted, ids), p in placements(train).items():
        trained[seen(heads, planted, ids)] += p
    choices: list[Choice] = []
    sets: list[tuple[int, PositionSet]] = []
    for number, ((planted, ids), p) in enumerate(placements(test).items()):
        demands = [(), *heads.candidates(ids)] if survive else [()]
        served: set[PositionSet] = set()
        for chosen in _keepable(heads, planted, len(ids)):
            place = seen(heads, tuple(chosen.index(i) for i in planted), tuple(ids[i] for i in chosen))
            if place in trained:
                own = [demand for demand in demands if set(demand) <= set(chosen)]
                served.update(own)
                choices.append(Choice({place: p}, {(number, demand): Fraction(1) for demand in own}))
                sets.append((number, chosen))
        if len(served) < len(demands):
            return None
    found = least_weights(trained, choices)
    return Kept(found.upper, tuple((sets[u][0], weight, sets[u][1]) for u, weight in found.weights.items()))


def _keepable(heads: HeadClass, planted: Sequence[int], length: int) -> Iterator[PositionSet]:
    must = {*planted, length - 1} if heads.anchor == "last" else {*planted}
    rest = [i for i in range(length) if i not in must]
    for size in range(len(rest) + 1):
        for more in combinations(rest, size):
            yield tuple(sorted({*must, *more}))
