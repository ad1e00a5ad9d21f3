"""What is too large to list is refused at once, with its size; what is only large still works."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count
from math import comb, e
from typing import Any

import numpy as np
import pytest

from tests.cases import named, parity
from theory import (
    BudgetExceeded,
    Example,
    FiniteLaw,
    HeadClass,
    InvalidArgument,
    PlantedEnsemble,
    TheoryError,
    bounds,
    certificate_length,
    coverage,
    decide,
    mixture,
    positions,
    retention,
    support,
)
from theory.errors import HUGE, amount, bulk, counted, shown, within_budget
from theory.exact import choose, exact_choose, exact_power, power, probabilities, rational
from theory.positions import PositionScheme
from theory.support import SupportLaw, SupportRule

G = 10**9
FIXED = support.fixed({(0, 1): 1})
RNG = np.random.default_rng(0)
IDS = positions.random_shift(0, 10**12)


def long_words(arity: int) -> PlantedEnsemble:
    word = (1,) * arity
    return PlantedEnsemble(2, [1, 0], {word: 1}, {word: 0}, support.uniform())


def noisy(rule: SupportRule | None = None) -> PlantedEnsemble:
    return PlantedEnsemble(3, ["1/2", "1/4", "1/4"], {(1, 2): 1}, {(1, 2): 0}, rule or support.uniform())


def transfer(call: Callable[..., Any], heads: HeadClass, train: Any, test: Any) -> Callable[[], Any]:
    return lambda: call(heads, train=train, test=test)


ALIKE = FiniteLaw({Example((0, 1, *(i,) * 61), tuple(range(63)), 0): Fraction(1, 15) for i in range(15)})
TWO, WINDOW = HeadClass(2), HeadClass(2, window=1)

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a table of long noise": (noisy().at(G).table, r"PlantedLaw\.table: .* 10\^1000 or more .* No budget is enough"),
    "a support of long noise": (noisy().at(G).support, r"PlantedLaw\.table: .* 10\^1000 or more"),
    "one example of 10^9 tokens": (parity(2, FIXED).at(G).table, r"of 62,500,000 items .* budget=62500000"),
    "millions of long examples": (parity(1, support.local(0)).at(4 * 10**6).table, r"of 500,000,000,000 items"),
    "a range of IDs": (parity(2).at(6, positions=IDS).table, r"of 60,000,000,000,060 items"),
    "long words": (long_words(10**6).at(2 * 10**6).table, r"10\^1000 or more"),
    "a mixture": (mixture([(parity(2).at(n), Fraction(1, 999)) for n in range(2, 1001)]).table, r"Mixture\.table: "),
    "a denominator": (lambda: noisy().at(G).denominator, r"PlantedLaw\.denominator \(bits\): .* Ask for a smaller"),
    "a denominator of sets": (lambda: long_words(10**6).at(2 * 10**6).denominator, r"SupportLaw\.total \(bits\): "),
    "a probability": (
        lambda: noisy().at(7, positions=IDS).probability(Example((0,) * 7, tuple(range(7)), 0)),
        r"PlantedLaw\.probability: .* of 21,000,000,000,021 items",
    ),
    "a long sample": (lambda: parity(2).at(G).sample(RNG, 1), r"PlantedLaw\.sample \(tokens\): argument size"),
    "a large sample": (lambda: parity(2).at(5).sample(RNG, 10**12), r"Draw at most 20,000,000 examples of length 5"),
    "decide: examples": (transfer(decide, TWO, parity(2).at(G), parity(2).at(G)), r"PlantedLaw\.table"),
    "decide: candidate sets": (
        transfer(decide, HeadClass(10), parity(2, FIXED).at(60), parity(2, FIXED).at(60)),
        rf"decide \(candidate sets\): .* of {comb(60, 10):,} items",
    ),
    "decide: candidate sets in a window": (
        transfer(decide, HeadClass(2, window=G), parity(2, FIXED).at(10**5), parity(2, FIXED).at(10**5)),
        r"decide \(candidate sets\): .* of 4,999,950,000 items",
    ),
    "decide: views that are no 64-bit codes": (
        lambda: decide(HeadClass(60), train=ALIKE, test=ALIKE, budget=100_000),
        r"decide \(views\): .* of 595,665 items",
    ),
    "coverage: long IDs": (transfer(coverage, WINDOW, *[parity(2, FIXED).at(G)] * 2), r"^coverage: .*15,625,000"),
    "coverage: candidate sets": (transfer(coverage, TWO, *[parity(2, FIXED).at(10**6)] * 2), r"499,999,500,000 items"),
    "coverage: N_T": (transfer(coverage, HeadClass(10**6), *[parity(2).at(G)] * 2), r"coverage \(candidate sets\): "),
    "coverage: patterns": (transfer(coverage, HeadClass(10**6), *[parity(2).at(9)] * 2), r"of 7,813,023,439,015,626"),
    "coverage: a mixture": (
        transfer(coverage, TWO, *[mixture([(parity(2).at(n), Fraction(1, 2998)) for n in range(2, 3000)])] * 2),
        r"coverage \(kernel\): .* of 8,988,004 items",
    ),
    "retention: long IDs": (transfer(retention, WINDOW, *[parity(2, FIXED).at(G)] * 2), r"^retention: "),
    "retention: shares": (
        transfer(retention, HeadClass(10**6), parity(2).at(10**7), parity(2).at(G)),
        r"retention \(kernel\) \(bits\): ",
    ),
    "lengths": (
        lambda: certificate_length(TWO, parity(2).at, lengths=range(2, G), test_lengths=[9]),
        r"certificate_length \(lengths\): .* Give fewer lengths",
    ),
    "lengths without end": (
        lambda: certificate_length(TWO, parity(2).at, lengths=[4], test_lengths=count(4)),
        r"certificate_length \(test_lengths\): ",
    ),
    "a binomial": (lambda: bounds.binomial(G, G // 2), r"bounds\.binomial \(bits\)"),
    "κ of long words": (lambda: bounds.exchangeable_kappa(10**6, train=3 * 10**6, test=G), r"bounds\.binomial"),
    "overlaps": (lambda: bounds.n_overlaps(10**5), r"bounds\.n_overlaps: argument arity: .* Use a smaller arity"),
    "interleavings": (lambda: bounds.interleavings(10**6, 10**6, 5), r"bounds\.interleavings \(bits\)"),
    "a wide pattern": (lambda: bounds.local_pair_kappa(10**8, G, G), r"argument width: .* Use a smaller width"),
    "a total": (lambda: support.local(G).total(G, 10**8), r"SupportLaw\.total \(bits\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_too_large_is_refused_at_once(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(BudgetExceeded, match=message):
        call()


def test_a_size_needs_no_listing() -> None:
    assert parity(2).at(G).size == 4 * comb(G, 2)
    assert noisy().at(G).size == HUGE
    assert long_words(10**6).at(G).size == HUGE
    assert parity(2).at(G, positions=positions.coupled(positions.blocks(2))).size == 4 * comb(G, 2)
    assert noisy().at(5).listing == noisy().at(5).size
    assert parity(2, FIXED).at(65).listing == 2 * parity(2, FIXED).at(65).size


@pytest.mark.parametrize(
    "scheme",
    [positions.random_ordered(0, 10**12), positions.chunked_shift(0, 10**12, 10**5)],
    ids=named,
)
def test_id_assignments_are_counted_up_to_huge(scheme: PositionScheme) -> None:
    assert scheme.count(10**6) >= HUGE
    assert len(scheme.draw(RNG, 10**5)) == 10**5


@pytest.mark.parametrize("rule", [support.uniform(), support.uniform("last"), support.local(10**6)], ids=named)
def test_long_examples_are_drawn(rule: SupportLaw) -> None:
    assert [drawn.length for drawn in noisy(rule).at(10**5).sample(RNG, 2)] == [10**5] * 2
    assert len(rule.draw(RNG, 10**9, 1000)) == 1000


@pytest.mark.slow
def test_long_examples_are_listed_where_they_are_few() -> None:
    drawn = parity(1, support.fixed({(0,): 1})).at(10**6).table()
    assert [example.length for example in drawn] == [10**6] * 2
    assert len(long_words(10**6).at(10**6).table()) == 1
    law = parity(2, FIXED).at(10**5)
    for heads in (HeadClass(2, window=1), HeadClass(2, window=G, anchor="last"), HeadClass(10**30), HeadClass(10**5)):
        assert decide(heads, train=law, test=law).n_views <= 9
    law = parity(2, FIXED).at(10**4)
    assert coverage(WINDOW, train=law, test=law).kappa == 1
    assert coverage(HeadClass(10**30, window=1), train=law, test=law).candidates == 0


def test_closed_forms_serve_every_length() -> None:
    cov = coverage(TWO, train=parity(2).at(10**6), test=parity(2).at(G))
    assert cov.candidates == comb(10**6, 2)
    assert cov.kappa == Fraction(comb(G - 2, 2), comb(10**6 - 2, 2))
    assert bounds.local_pair_kappa(2, G, 2 * G) > 1
    assert bounds.critical_length(10**6, 20) > 10**6


@pytest.mark.parametrize("width", [1, 2, 5])
def test_local_pair_kappa_counts_disjoint_pairs(width: int) -> None:
    def mass(offset: int, length: int) -> Fraction:
        pairs = [(i, i + d) for d in range(1, width + 1) for i in range(length - d)]
        disjoint = sum(not {i, i + offset} & set(pair) for i in range(length - offset) for pair in pairs)
        return Fraction(disjoint, len(pairs))

    train, test = max(3 * width, 4), 3 * width + 7
    expected = max(mass(d, test) / mass(d, train) for d in range(1, width + 1))
    assert bounds.local_pair_kappa(width, train, test) == expected


@pytest.mark.slow
def test_a_margin_beyond_every_length_is_refused() -> None:
    with pytest.raises(
        InvalidArgument, match=r"bounds\.critical_length: argument margin: got 10000; expected a margin"
    ):
        bounds.critical_length(1, 10_000)
    assert bounds.critical_length(1, 2302) > e**700


@pytest.mark.parametrize("n", range(9))
@pytest.mark.parametrize("k", range(-1, 10))
def test_capped_and_exact_binomials(n: int, k: int) -> None:
    assert choose(n, k) == exact_choose(n, k, "f") == (comb(n, k) if k >= 0 else 0)


def test_counts_stop_at_huge() -> None:
    assert choose(10**9, 10**6) == choose(10**9, 10**9 - 10**6) == power(2, 10**12) == HUGE
    assert choose(3000, 100) == comb(3000, 100)
    assert power(3, 20) == exact_power(3, 20, "f") == 3**20
    assert power(1, 10**12) == exact_power(1, 10**12, "f") == power(0, 0) == exact_power(0, 0, "f") == 1
    assert power(0, 5) == exact_power(0, 5, "f") == 0
    assert counted("f", HUGE - 1) == HUGE - 1
    for refused in (lambda: counted("f", HUGE), lambda: within_budget("f", size=HUGE, budget=10**2000)):
        with pytest.raises(BudgetExceeded, match=r"10\^1000 or more items"):
            refused()
    assert bulk(10**2000) == HUGE
    assert (amount(1234), amount(10**60), amount(10**5000)) == ("1,234", "about 10^60", "10^1000 or more")


@pytest.mark.parametrize("anchor", ["none", "last"])
@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize("window", [0, 1, 3, 9])
@pytest.mark.parametrize("ids", [(0, 1, 2, 3, 4), (4, 0, 2, 2, 3), (5, 5, 5), (0, 3, 1, 9, 1, 2)], ids=named)
def test_candidates_in_a_window_are_counted_as_listed(ids: Any, window: int, arity: int, anchor: Any) -> None:
    heads = HeadClass(arity, window=window, anchor=anchor)
    listed = list(heads.candidates(ids))
    free = [
        s for s in HeadClass(arity, anchor=anchor).candidates(ids) if max(p := [ids[i] for i in s]) - min(p) <= window
    ]
    assert sorted(listed) == sorted(free)
    assert heads.n_candidates(ids) == len(listed)


@pytest.mark.parametrize("width", [0, 1, 2, 4, 9])
@pytest.mark.parametrize("arity", [1, 2, 3])
def test_local_sets_are_drawn_evenly(width: int, arity: int) -> None:
    law, length = support.local(width), 6
    if law.count(length, arity) == 0:
        return
    rng = np.random.default_rng(3)
    sets = [set_ for set_, _ in law.sets(length, arity)]
    drawn = [law.draw(rng, length, arity) for _ in range(400 * len(sets))]
    assert all(300 < drawn.count(set_) < 500 for set_ in sets)


def test_numbers_of_any_length_are_shown() -> None:
    assert shown(10**5000) == "<an integer of 16610 bits>"
    assert shown(Fraction(1, 10**5000)) == "<a fraction of 16610 bits>"
    calls: list[Callable[[], Any]] = [
        lambda: parity(2).at(10**5000),
        lambda: support.fixed({(0, 10**5000): 1}).count(5, 2),
        lambda: probabilities([Fraction(1, 10**5000)], "f", "p"),
        lambda: probabilities([-Fraction(1, 10**5000)], "f", "p"),
        lambda: PlantedEnsemble(3, [1, 0, 0], {(10**5000,): 1}, {}, support.uniform()),
        lambda: PlantedEnsemble(10**5000, [1], {(1,): 1}, {}, support.uniform()),
    ]
    for call in calls:
        with pytest.raises(TheoryError, match=r"of 166\d\d bits"):
            call()


@pytest.mark.parametrize("text", ["1e-999999999", "1e999999999", "1e-4301", "1e", "e5", "1e5e5"])
def test_an_exponent_that_nobody_can_write_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="expected an exact rational"):
        rational(text, "f", "p")
    assert rational("1e-400", "f", "p") == Fraction(1, 10**400)
