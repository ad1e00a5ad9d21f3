"""Planted laws as a head class sees them: the words that are dropped, the kind, and what is listed."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import permutations
from math import comb, inf

import pytest

from tests.cases import ENSEMBLES, named, parity
from theory import BudgetExceeded, Factor, HeadClass, PlantedLaw, mixture, positions, retention, support
from theory.placements import Kind, SeenLaw, listed, n_listed
from theory.positions import PositionScheme
from theory.support import SupportLaw

HALF = Fraction(1, 2)


def seen(heads: HeadClass, law: PlantedLaw) -> SeenLaw:
    return SeenLaw.of(heads, law, HALF, "test", 10**6)


def pairs(rule: SupportLaw) -> PlantedLaw:
    return parity(2, rule).at(4)


@pytest.mark.parametrize(
    ("heads", "same"),
    [
        (HeadClass(1, 0, "relative"), HeadClass(1)),
        (HeadClass(1, 3, "order"), HeadClass(1)),
        (HeadClass(1, 0, "absolute"), HeadClass(1, key="absolute")),
        (HeadClass(2, 4), HeadClass(2)),
        (HeadClass(2, 3), HeadClass(2, 3)),  # 0 and 4 are apart
        (HeadClass(2, 4, "relative", "last"), HeadClass(2, None, "relative", "last")),
        (HeadClass(2, 3, "order"), HeadClass(2, 3)),
        (HeadClass(2, 9, "order"), HeadClass(2)),
        (HeadClass(2, 0, "relative"), HeadClass(2, 0, "relative")),
    ],
    ids=str,
)
def test_words_that_say_nothing_are_dropped(heads: HeadClass, same: HeadClass) -> None:
    law = ENSEMBLES["parity"].at(5, positions=positions.random_shift(0, 3))
    assert seen(heads, law)[:3] == (same, law, HALF)


@pytest.mark.parametrize(
    ("scheme", "key"),
    [
        (positions.random_ordered(0, 4), "none"),
        (positions.chunked_shift(0, 5), "none"),
        (positions.coupled(range, positions.random_shift(0, 1)), "none"),
        (positions.coupled(lambda length: range(length)[::-1]), "order"),
        (positions.coupled(positions.blocks(2)), "order"),
        (positions.coupled(lambda length: (0, 0, 1, 2)), "order"),
    ],
    ids=named,
)
def test_ids_that_rise_have_one_order(scheme: PositionScheme, key: str) -> None:
    assert seen(HeadClass(2, key="order"), ENSEMBLES["parity"].at(4, positions=scheme)).heads.key == key


def test_a_window_that_excludes_something_stays() -> None:
    wide = ENSEMBLES["parity"].at(3, positions=positions.random_ordered(0, 9))
    assert seen(HeadClass(2, 8), wide).heads == HeadClass(2, 8)
    assert seen(HeadClass(2, 9), wide).heads == HeadClass(2)


def test_ids_that_have_to_be_listed_are_within_the_budget() -> None:
    wide = ENSEMBLES["parity"].at(3, positions=positions.random_ordered(0, 9))
    back = ENSEMBLES["parity"].at(
        4, positions=positions.coupled(lambda n: range(n)[::-1], positions.random_shift(0, 9))
    )
    for heads, law, size in ((HeadClass(2, 9), wide, 120), (HeadClass(2, key="order"), back, 10)):
        SeenLaw.of(heads, law, HALF, "test", size)
        with pytest.raises(
            BudgetExceeded, match=rf"^test: argument budget: got a budget of {size - 1} .* of {size} items"
        ):
            SeenLaw.of(heads, law, HALF, "test", size - 1)
    for heads in (HeadClass(2), HeadClass(2, key="order"), HeadClass(2, key="relative"), HeadClass(1, 9, "order")):
        SeenLaw.of(heads, wide, HALF, "test", 0)  # nothing is listed


KINDS: list[tuple[HeadClass, PlantedLaw, Kind]] = [
    (HeadClass(2), pairs(support.uniform()), "exchangeable"),
    (HeadClass(1), pairs(support.uniform()), "exchangeable"),
    (HeadClass(2, 3, "order"), pairs(support.uniform()), "exchangeable"),
    (HeadClass(2), pairs(support.uniform("last")), "uniform"),
    (HeadClass(1), pairs(support.uniform("last")), "uniform"),
    (HeadClass(2, anchor="last"), pairs(support.uniform()), "uniform"),
    (HeadClass(2, anchor="last"), pairs(support.uniform("last")), "uniform"),
    (HeadClass(1, anchor="last"), pairs(support.uniform()), "listed"),
    (HeadClass(2, 2), pairs(support.uniform()), "listed"),
    (HeadClass(2, key="relative"), pairs(support.uniform()), "listed"),
    (HeadClass(2), pairs(support.local(9)), "listed"),
    (HeadClass(2), pairs(support.paired()), "listed"),
]


@pytest.mark.parametrize(("heads", "law", "kind"), KINDS, ids=named)
def test_a_law_is_exchangeable_uniform_or_listed(heads: HeadClass, law: PlantedLaw, kind: Kind) -> None:
    assert seen(heads, law).kind == kind


def _placements(heads: HeadClass, law: PlantedLaw) -> Counter[tuple[object, ...]]:
    """The law of S* and the candidate sets, with their keys."""
    found: Counter[tuple[object, ...]] = Counter()
    for planted, ids, weight in law.placements():
        keys = frozenset((s, heads.key_of(tuple(ids[i] for i in s))) for s in heads.candidates(ids))
        found[frozenset(planted), keys] += weight
    return found


@pytest.mark.parametrize(("heads", "law", "kind"), KINDS, ids=named)
def test_a_kind_has_the_symmetries_that_it_says(heads: HeadClass, law: PlantedLaw, kind: Kind) -> None:
    plain, fixed = _placements(heads, law), law.length - (kind == "uniform")
    for shuffled in permutations(range(fixed)) if kind != "listed" else ():
        moved = (*shuffled, *range(fixed, law.length))
        image: Counter[tuple[object, ...]] = Counter()
        for (planted, keys), weight in plain.items():
            assert isinstance(planted, frozenset)
            assert isinstance(keys, frozenset)
            sets = frozenset((tuple(sorted(moved[i] for i in s)), key) for s, key in keys)
            image[frozenset(moved[i] for i in planted), sets] += weight
        assert image == plain


@pytest.mark.parametrize("window", [None, 0, 1, 2, 9])
def test_the_most_candidates_are_those_of_some_assignment(window: int | None) -> None:
    law = ENSEMBLES["parity"].at(4, positions=positions.random_ordered(0, 6))
    heads = HeadClass(2, window)
    assert seen(heads, law).candidates == max(len(list(heads.candidates(ids))) for ids in law.positions.ids(4))
    apart = ENSEMBLES["parity"].at(4, positions=positions.coupled(lambda length: range(0, 2 * length, 2)))
    assert seen(heads, apart).candidates == {None: 6, 0: 0, 1: 0, 2: 3, 9: 6}[window]


@pytest.mark.parametrize(("heads", "law", "kind"), KINDS, ids=named)
def test_what_is_listed_is_counted_before_it_is(heads: HeadClass, law: PlantedLaw, kind: Kind) -> None:
    placements, total = listed(heads, law)
    rows = list(placements)
    assert n_listed(heads, law) == len(rows)
    assert total == sum(weight for _, _, weight in rows)
    assert n_listed(heads, law) == law.n_placements if heads.sees_ids else {ids for _, ids, _ in rows} == {(0,) * 4}


def test_ids_that_are_not_seen_are_not_listed() -> None:
    law = parity(2).at(4, positions=positions.random_shift(0, 4))
    for heads, size in ((HeadClass(2), 6), (HeadClass(2, key="relative"), 30)):
        placements, total = listed(heads, law)
        assert n_listed(heads, law) == len(list(placements)) == total == size
    assert n_listed(HeadClass(2), parity(2).at(65)) == 2 * comb(65, 2)  # long ones count as two


def test_a_word_that_tells_two_laws_apart_is_kept_for_both() -> None:
    law = parity(2).at
    back = positions.coupled(lambda length: range(length)[::-1])
    # Under the order of IDs half of the training law shows nothing of the test law: twice C(3, 2) / C(2, 2).
    train, test = mixture([(law(4), HALF), (law(4, positions=back), HALF)]), law(5)
    assert retention(HeadClass(2), train=train, test=test) == Factor(Fraction(3), Fraction(3))
    assert retention(HeadClass(2, key="order"), train=train, test=test) == Factor(Fraction(6), Fraction(6))
    # A window of 3 excludes nothing at length 4, and the first with the last position at length 5.
    assert seen(HeadClass(2, 3), law(4)).heads == HeadClass(2)
    assert retention(HeadClass(2), train=law(4), test=law(5)) == Factor(Fraction(3), Fraction(3))
    assert retention(HeadClass(2, 3), train=law(4), test=law(5)) == Factor(inf, inf)
