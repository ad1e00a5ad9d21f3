"""The second routes can tell right from wrong: a check that cannot fail is none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tests import routes
from theory import HeadClass

HALF = Fraction(1, 2)


def test_the_chi_square_test_accepts_the_law_and_rejects_others() -> None:
    drawn = np.random.default_rng(0).integers(0, 4, size=2000).tolist()
    quarter = dict.fromkeys(range(4), Fraction(1, 4))
    assert routes.p_value(drawn, quarter) > 1e-3
    wrong = {0: Fraction(3, 10), 1: Fraction(1, 5), 2: Fraction(1, 4), 3: Fraction(1, 4)}
    assert routes.p_value(drawn, wrong) < 1e-6
    assert routes.p_value(drawn, dict.fromkeys(range(5), Fraction(1, 5))) < 1e-6
    assert routes.p_value(drawn, dict.fromkeys(range(3), Fraction(1, 3))) == 0.0  # 3 is outside the law
    assert routes.p_value([0, 0, 1], {0: Fraction(1), 1: Fraction(0)}) == 0.0


def test_the_chi_square_test_joins_small_cells() -> None:
    law = {0: HALF, 1: Fraction(498, 1000), 2: Fraction(1, 1000), 3: Fraction(1, 1000)}
    assert routes.p_value([0] * 500 + [1] * 498 + [2] * 2, law) > 0.5
    assert routes.p_value([0] * 400 + [1] * 398 + [2] * 202, law) < 1e-6


def test_the_plain_candidates_are_what_a_person_lists() -> None:
    ids = (3, 1, 1, 2)
    assert routes.candidates(HeadClass(2), ids) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert routes.candidates(HeadClass(2, 0), ids) == [(1, 2)]
    assert routes.candidates(HeadClass(2, 1, anchor="last"), ids) == [(0, 3), (1, 3), (2, 3)]
    assert routes.candidates(HeadClass(1, 0, anchor="last"), ids) == [(3,)]


def test_the_plain_keys_are_what_a_person_writes() -> None:
    ids = (5, 2, 5)
    assert routes.key(HeadClass(3), ids) == ()
    assert routes.key(HeadClass(3, key="order"), ids) == (1, 0, 1)
    assert routes.key(HeadClass(3, key="relative"), ids) == (0, -3, 0)
    assert routes.key(HeadClass(3, key="absolute"), ids) == (5, 2, 5)
