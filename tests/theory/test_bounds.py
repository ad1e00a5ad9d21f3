"""The closed forms: against listing, against each other, in integers and in symbols."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from math import comb, exp
from typing import Any, Literal

import numpy as np
import pytest
import sympy

from idealized_model import SparseAttentionHead, loss
from tests.cases import named, parity
from theory import FiniteLaw, HeadClass, InvalidArgument, pattern_masses, support
from theory.bounds import (
    Rate,
    below_arity_floor,
    binomial,
    certificate,
    critical_length,
    dilution,
    exchangeable_kappa,
    exchangeable_pattern_mass,
    half_wrong_floor,
    interleavings,
    local_pair_kappa,
    n_overlaps,
    parity_share,
    rates,
    ratio,
)
from theory.guarantees import guarantees
from theory.tasks import sparse_parity, sparse_parity_up_to, step_examples
from theory.transfer import overlaps

SCORES: tuple[Literal["ranked", "soft"], ...] = ("ranked", "soft")

pattern_mass = exchangeable_pattern_mass
N, M = sympy.symbols("n m", integer=True, nonnegative=True)


@pytest.mark.parametrize("k", range(5))
def test_the_binomial_counts_subsets(k: int) -> None:
    for n in range(8):
        assert binomial(n, k) == len(list(combinations(range(n), k)))
        assert type(binomial(n, k)) is int
        assert binomial(N, k).subs(N, n) == binomial(n, k)
        assert binomial(n, M).subs(M, k) == binomial(n, k)
        assert binomial(N, M).subs({N: n, M: k}) == binomial(n, k)


def test_the_binomial_is_zero_outside_its_range() -> None:
    assert binomial(3, 4) == binomial(3, -1) == binomial(-1, 0) == binomial(-2, 1) == 0
    assert binomial(N, -1) == 0


def test_a_ratio_is_exact() -> None:
    assert ratio(1, 3) == Fraction(1, 3)
    assert type(ratio(4, 2)) is Fraction
    assert ratio(N, 2).subs(N, 3) == sympy.Rational(3, 2)
    assert ratio(3, N).subs(N, 2) == sympy.Rational(3, 2)


def parities(k: int, up_to: bool, lengths: range) -> FiniteLaw:
    task = sparse_parity_up_to(k) if up_to else sparse_parity(k)
    return FiniteLaw.uniform(
        example for n in lengths for instance in task.support(n) for example in step_examples(instance, instance.ids)
    )


@pytest.mark.parametrize("up_to", [False, True])
@pytest.mark.parametrize(
    ("k", "train", "test"),
    [(1, 2, 4), (1, 3, 4), (2, 4, 5), (2, 4, 7), (2, 5, 6), (3, 6, 7), pytest.param(3, 6, 9, marks=pytest.mark.slow)],
)
def test_the_share_of_sparse_parity_is_what_is_guaranteed(k: int, train: int, test: int, up_to: bool) -> None:
    heads, seen = HeadClass(k, at_most=True), parities(k, up_to, range(k, train + 1))
    for scores in SCORES:
        for length in (train, test):
            found = guarantees(heads, train=seen, test=parities(k, up_to, range(length, length + 1)), scores=scores)
            assert found.share == parity_share(k, scores, train=train, test=length), scores


def test_shorter_training_is_not_enough_for_sparse_parity() -> None:
    """The closed form speaks of training up to 2k: at 2k - 1 ranked heads guarantee less."""
    found = guarantees(
        HeadClass(2, at_most=True), train=parities(2, True, range(2, 4)), test=parities(2, True, range(4, 5)),
        scores="ranked",
    )  # fmt: skip
    assert found.share == Fraction(13, 16)
    with pytest.raises(InvalidArgument, match="parity_share: argument train: got 3; expected an integer >= 4"):
        parity_share(2, "ranked", train=3, test=9)
    assert parity_share(2, "soft", train=3, test=9) == 0
    with pytest.raises(InvalidArgument, match="argument scores: got 'hard'; expected one of"):
        parity_share(2, "hard", train=4, test=9)  # type: ignore[arg-type]
    for argument, lengths in (("train", (1, 9)), ("test", (4, 1))):
        with pytest.raises(InvalidArgument, match=f"argument {argument}: got 1; expected an integer >= 2"):
            parity_share(2, "soft", train=lengths[0], test=lengths[1])
    with pytest.raises(InvalidArgument, match="argument arity: got 0"):
        parity_share(0, "soft", train=4, test=9)


@pytest.mark.parametrize(("anchor", "shared"), [("none", 0), ("last", 1)])
@pytest.mark.parametrize("arity", [1, 2, 3, 4])
def test_the_certificate_is_the_largest_union_of_two_sets(arity: int, anchor: Any, shared: int) -> None:
    """2k positions hold any two k-sets, and no fewer do; with a shared position 2k - 1."""
    sets = [{*rest, *range(-shared, 0)} for rest in combinations(range(2 * arity), arity - shared)]
    largest = max(len(a | b) for a, b in product(sets, repeat=2))
    assert certificate(arity, anchor) == largest
    assert certificate(N, anchor).subs(N, arity) == largest


@pytest.mark.parametrize(("arity", "planted"), [(1, 1), (1, 3), (2, 2), (3, 2), (3, 3)])
def test_interleavings_are_the_ways_to_merge_two_sets(arity: int, planted: int) -> None:
    """On as many points as the two sets have together: every point is in one of them or in both."""
    counted: Counter[int] = Counter()
    for n in range(max(arity, planted), arity + planted + 1):
        for a, b in product(combinations(range(n), arity), combinations(range(n), planted)):
            if len({*a, *b}) == n:
                counted[len({*a} & {*b})] += 1
    assert {j: interleavings(arity, planted, j) for j in range(min(arity, planted) + 1)} == counted
    if arity == planted:
        assert n_overlaps(arity) == counted.total()


def test_the_number_of_overlaps_is_a_delannoy_number() -> None:
    assert [n_overlaps(k) for k in range(6)] == [1, 3, 13, 63, 321, 1683]


@pytest.mark.parametrize("planted", [1, 2, 3])
@pytest.mark.parametrize("arity", [1, 2, 3])
def test_a_pattern_mass_is_a_mean_over_planted_sets(arity: int, planted: int) -> None:
    for length in range(planted, 7):
        counted: Counter[Any] = Counter()
        for chosen, own in product(combinations(range(length), arity), combinations(range(length), planted)):
            counted[tuple(own.index(i) if i in own else None for i in chosen)] += 1
        for overlap in overlaps(arity, planted):
            mass = pattern_mass(overlap, planted, length)
            assert mass == Fraction(counted[overlap], comb(length, planted))
            assert pattern_mass(overlap, planted, N).subs(N, length) == mass


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_kappa_is_the_largest_ratio_of_masses(arity: int) -> None:
    for train in range(2 * arity, 2 * arity + 3):
        for test in range(train, train + 4):
            ratios = {
                overlap: pattern_mass(overlap, arity, test) / pattern_mass(overlap, arity, train)
                for overlap in overlaps(arity, arity)
            }
            assert exchangeable_kappa(arity, train=train, test=test) == max(ratios.values())
            for overlap, value in ratios.items():
                noise = overlap.count(None)
                assert exchangeable_kappa(arity, train=train, test=test, n_noise=noise) == value
                symbolic = exchangeable_kappa(arity, train=N, test=M, n_noise=noise)
                assert symbolic.subs({N: train, M: test}) == value
            assert exchangeable_kappa(N, train=train, test=test).subs(N, arity) == max(ratios.values())


def test_kappa_grows_with_the_noise_and_with_exponent_k() -> None:
    for arity in (1, 2, 3):
        values = [exchangeable_kappa(arity, train=2 * arity, test=50, n_noise=n) for n in range(arity + 1)]
        assert values == sorted(values)
        assert values[0] == 1
        polynomial = sympy.Poly(exchangeable_kappa(arity, train=2 * arity, test=N), N)
        assert polynomial.degree() == arity


def test_the_floor_of_t7() -> None:
    assert half_wrong_floor(6) == Fraction(1, 12)
    assert half_wrong_floor(1) == Fraction(1, 2)
    assert half_wrong_floor(N).subs(N, 6) == sympy.Rational(1, 12)


@pytest.mark.parametrize("anchor", ["first", None, 1, ["last"]], ids=named)
def test_an_anchor_is_one_of_two(anchor: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"argument anchor: got .*; expected one of none, last\. (Use one|Did)"):
        certificate(2, anchor)


@pytest.mark.parametrize("overlap", [None, [0], "a", ("a",), (0.5,), 3], ids=named)
def test_an_overlap_is_a_tuple_of_coordinates(overlap: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"argument overlap: got .*; expected increasing coordinates in 0\.\.1, or"
    ):
        pattern_mass(overlap, 2, 4)


BAD_NUMBERS = [1.0, "2", None, True, Fraction(1, 2), np.int64(2), [2], float("nan")]


@pytest.mark.parametrize("bad", BAD_NUMBERS, ids=named)
@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("binomial: argument n", lambda bad: binomial(bad, 2)),
        ("binomial: argument k", lambda bad: binomial(4, bad)),
        ("ratio: argument numerator", lambda bad: ratio(bad, 2)),
        ("ratio: argument denominator", lambda bad: ratio(1, bad)),
        ("certificate: argument arity", certificate),
        ("n_overlaps: argument arity", n_overlaps),
        ("interleavings: argument arity", lambda bad: interleavings(bad, 2, 1)),
        ("interleavings: argument planted", lambda bad: interleavings(2, bad, 1)),
        ("interleavings: argument overlap", lambda bad: interleavings(2, 2, bad)),
        ("exchangeable_pattern_mass: argument planted", lambda bad: pattern_mass((None,), bad, 3)),
        ("exchangeable_pattern_mass: argument length", lambda bad: pattern_mass((None,), 1, bad)),
        ("exchangeable_kappa: argument arity", lambda bad: exchangeable_kappa(bad, train=4, test=7)),
        ("exchangeable_kappa: argument train", lambda bad: exchangeable_kappa(2, train=bad, test=7)),
        ("exchangeable_kappa: argument test", lambda bad: exchangeable_kappa(2, train=4, test=bad)),
        ("half_wrong_floor: argument n_candidates", half_wrong_floor),
    ],
    ids=named,
)
def test_numbers_are_integers_or_symbols(where: str, call: Any, bad: Any) -> None:
    message = rf"^bounds\.{where}: got .*; expected an integer.*\. (Closed forms are exact|Give a whole number)"
    with pytest.raises(InvalidArgument, match=message):
        call(bad)


def test_a_noise_count_is_a_natural_number() -> None:
    with pytest.raises(InvalidArgument, match=r"argument n_noise: got -1; expected an integer >= 0"):
        exchangeable_kappa(2, train=4, test=7, n_noise=-1)
    with pytest.raises(InvalidArgument, match=r"argument n_noise: got '1'; expected an integer >= 0"):
        exchangeable_kappa(2, train=4, test=7, n_noise="1")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ratio(1, 0), r"ratio: argument denominator: got 0; expected a denominator other than 0\. The"),
        (lambda: ratio(N, 0), r"ratio: argument denominator: got 0"),
        (lambda: ratio(1, sympy.Integer(0)), r"ratio: argument denominator: got 0"),
        (lambda: certificate(0), r"certificate: argument arity: got 0; expected an integer >= 1, or a"),
        (lambda: n_overlaps(-1), r"n_overlaps: argument arity: got -1; expected an integer >= 0\. Give"),
        (lambda: n_overlaps(N), r"n_overlaps: argument arity: got n; expected an integer >= 0\."),
        (
            lambda: interleavings(2, 3, 3),
            r"interleavings: argument overlap: got 3; expected an integer in 0\.\.2\. Two",
        ),
        (lambda: interleavings(4, 2, 3), r"interleavings: argument overlap: got 3; expected an integer in 0\.\.2"),
        (lambda: interleavings(2, 3, -1), r"interleavings: argument overlap: got -1; expected an integer >= 0"),
        (lambda: pattern_mass((0,), 2, 1), r"argument length: got 1; expected an integer >= 2, or"),
        (lambda: pattern_mass((0,), -1, 3), r"argument planted: got -1; expected an integer >= 0"),
        (lambda: pattern_mass((1, 0), 2, 4), r"argument overlap: got \(1, 0\); expected increasing coordinates"),
        (lambda: pattern_mass((0, 0), 2, 4), r"argument overlap: got \(0, 0\); .* in 0\.\.1, or None for noise"),
        (lambda: pattern_mass((2,), 2, 4), r"argument overlap: got \(2,\); .* Take patterns from theory\."),
        (lambda: pattern_mass((-1,), 2, 4), r"argument overlap: got \(-1,\); expected increasing"),
        (lambda: exchangeable_kappa(2, train=3, test=7), r"argument train: got 3; expected an integer >= 4"),
        (lambda: exchangeable_kappa(2, train=2, test=7, n_noise=1), r"argument train: got 2; .* >= 3"),
        (lambda: exchangeable_kappa(2, train=4, test=1), r"argument test: got 1; expected an integer >= 2"),
        (lambda: exchangeable_kappa(0, train=4, test=7), r"argument arity: got 0; expected an integer >= 1"),
        (lambda: half_wrong_floor(0), r"floor: argument n_candidates: got 0; expected an integer >= 1"),
    ],
    ids=named,
)
def test_formulas_are_refused_where_they_do_not_apply(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_the_least_lengths_are_allowed() -> None:
    assert exchangeable_kappa(2, train=4, test=2) == 0
    assert exchangeable_kappa(2, train=3, test=7, n_noise=1) == 5
    assert exchangeable_kappa(2, train=2, test=7, n_noise=0) == 1
    assert pattern_mass((0, 1), 2, 2) == 1
    assert pattern_mass((), 0, 0) == 1


# ── T6, T12 and the rates ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_floor_of_t12_is_sharper() -> None:
    for n in range(1, 20):
        assert below_arity_floor(n) == Fraction(1, n + 1) >= half_wrong_floor(n)
    assert below_arity_floor(N).subs(N, 6) == sympy.Rational(1, 7)
    with pytest.raises(InvalidArgument, match=r"below_arity_floor: argument n_candidates: got 0; expected an int"):
        below_arity_floor(0)


@pytest.mark.parametrize(
    ("length", "arity", "score"), [(4, 2, "1/9"), (5, 2, "1/2"), (4, 1, 1), (4, 2, 0), (3, 3, "1/2")]
)
def test_dilution_is_the_loss_of_the_head_that_it_is_about(length: int, arity: int, score: Any) -> None:
    law = parity(arity).at(length)
    head = SparseAttentionHead(
        HeadClass(arity),
        score=lambda view: score if 0 in view.tokens else 1,
        value=lambda view: "wrong" if 0 in view.tokens else view.tokens.count(2) % 2,
    )
    assert loss(head, law) == dilution(comb(length, arity), score)


def test_dilution_in_symbols() -> None:
    assert dilution(N, M).subs({N: 11, M: sympy.Rational(1, 10)}) == sympy.Rational(1, 2)
    assert dilution(11, M).subs(M, sympy.Rational(1, 10)) == sympy.Rational(1, 2)


@pytest.mark.parametrize(
    ("n", "score", "message"),
    [
        (0, 1, r"argument n_candidates: got 0; expected an integer >= 1"),
        (2.0, 1, r"argument n_candidates: got 2\.0"),
        (2, 0.1, r"argument score: got the float 0\.1; expected an exact rational .* '1/10'"),
        (2, -1, r"argument score: got -1; expected a score >= 0\. Scores are exp"),
        (2, None, r"argument score: got the NoneType None"),
    ],
)
def test_dilution_is_of_exact_scores(n: Any, score: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^bounds\.dilution: {message}"):
        dilution(n, score)


@pytest.mark.parametrize("margin", [0, "1/2", 1, "7/3", 5, 10, 20])
@pytest.mark.parametrize("arity", [1, 2, 3, 4])
def test_the_critical_length_is_where_the_loss_passes_one_half(arity: int, margin: Any) -> None:
    """Against exp(Δ) in floats, whose error is far below the distance to the nearest integer."""
    length = critical_length(arity, margin)
    reach = exp(Fraction(margin))
    assert abs(reach - round(reach)) > 1e-6 or margin == 0
    assert comb(length, arity) - 1 <= reach < comb(length + 1, arity) - 1


def test_the_critical_length_is_decided_where_floats_fail() -> None:
    """exp(100) has 44 digits; a float knows 16 of them."""
    exact = int(sympy.floor(sympy.exp(100)))
    assert critical_length(1, 100) == exact + 1
    assert critical_length(1, "1000/10") == exact + 1


@pytest.mark.parametrize(
    ("arity", "margin", "message"),
    [
        (0, 1, r"argument arity: got 0; expected an integer >= 1"),
        (2, -1, r"argument margin: got -1; expected a margin >= 0\. Wrong candidates score at most exp"),
        (2, 0.5, r"argument margin: got the float 0\.5; expected an exact rational .* '1/2'"),
        (2, None, r"argument margin: got the NoneType None"),
        (2, float("inf"), r"argument margin: got the float inf"),
    ],
)
def test_the_critical_length_is_of_exact_margins(arity: Any, margin: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^bounds\.critical_length: {message}"):
        critical_length(arity, margin)


@pytest.mark.parametrize("rate", rates(), ids=[rate.name for rate in rates()])
def test_what_claims_an_exponent_grows_with_it(rate: Rate) -> None:
    lengths = [2**n for n in range(9, 13)]
    slope = np.polyfit(np.log(lengths), np.log([float(rate.value(length)) for length in lengths]), 1)[0]
    assert slope == pytest.approx(rate.exponent, abs=0.02)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_local_kappa_is_that_of_the_listing(width: int) -> None:
    heads, ensemble = HeadClass(2, width, "relative"), parity(2, support.local(width))
    least = max(3 * width, 4)
    for train in (least, least + 2):
        in_training = pattern_masses(heads, ensemble.at(train))
        for test in (train, train + 1, train + 4):
            at_test = pattern_masses(heads, ensemble.at(test))
            assert at_test.keys() == in_training.keys()
            ratios = [mass / in_training[pattern] for pattern, mass in at_test.items()]
            assert local_pair_kappa(width, train, test) == max(ratios)


@pytest.mark.parametrize(
    ("width", "train", "test", "message"),
    [
        (0, 5, 9, r"argument width: got 0; expected an integer >= 1\. Give a whole number"),
        (1, 3, 9, r"argument train: got 3; expected an integer >= 4"),
        (2, 5, 9, r"argument train: got 5; expected an integer >= 6"),
        (2, 6, 5, r"argument test: got 5; expected an integer >= 6"),
        (1.0, 5, 9, r"argument width: got 1\.0"),
        (1, "5", 9, r"argument train: got '5'"),
        (1, 5, None, r"argument test: got None"),
    ],
)
def test_the_local_kappa_is_of_long_enough_lengths(width: Any, train: Any, test: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^bounds\.local_pair_kappa: {message}"):
        local_pair_kappa(width, train, test)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_rate_is_that_of_what_it_names(k: int) -> None:
    of, length = {rate.name: rate.value for rate in rates()}, 20
    exchangeable = Fraction(comb(length - k, k), comb(k + 1, k))
    assert of[f"κ of T3a, k = {k}, training length {2 * k + 1}"](length) == exchangeable
    assert of[f"N_T, k = {k}"](length) == comb(length, k)
    local = local_pair_kappa(k, 4 * k, length)
    assert of[f"κ of T3b, w = {k}, k = 2, training length {4 * k}"](length) == local
