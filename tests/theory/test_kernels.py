"""T11: the retention factor by hand, by a formula and on every head; the certificates of the linear programs."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb, inf
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from idealized_model import HeadSpace, SparseAttentionHead, loss
from tests import strategies
from tests.cases import ENSEMBLES, LAWS, TRANSFERS, named, parity
from tests.strategies import Transfer
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Factor,
    HeadClass,
    InvalidArgument,
    Law,
    PlantedEnsemble,
    coverage,
    kernels,
    mixture,
    positions,
    retention,
    support,
)
from theory.kernels import most_candidates

cases = pytest.mark.parametrize(("heads", "train", "test"), TRANSFERS.values(), ids=TRANSFERS)


def check_retention(heads: HeadClass, train: Law, test: Law) -> Factor:
    """The factor holds for every hard head and for some soft ones, and is no less than what κ0 must be."""
    found = retention(heads, train=train, test=test)
    assert found.lower <= found.value
    assert found.optimal == (found.lower == found.value)
    assert (found.value == inf) == (found.lower == inf)
    # Whoever keeps every candidate keeps a sub-example: the retaining kernels are some of the abstaining ones.
    assert found.value >= coverage(heads, train=train, test=test).kappa0_lower
    if found.value != inf:
        check_hard_heads(heads, train, test, found.value)
        check_soft_heads(heads, train, test, found.value)
    return found


def check_hard_heads(heads: HeadClass, train: Law, test: Law, factor: Any) -> None:
    space = HeadSpace.of(heads, train, test)
    if space.size <= 20_000:
        on_train, _, train_denominator = space.losses(train)
        on_test, _, test_denominator = space.losses(test)
        for a, b in set(zip(on_train.tolist(), on_test.tolist(), strict=True)):
            assert Fraction(b, test_denominator) <= factor * Fraction(a, train_denominator)


def check_soft_heads(heads: HeadClass, train: Law, test: Law, factor: Any) -> None:
    rng = np.random.default_rng(0)
    views = sorted({view for law in (train, test) for e in law.support() for view in heads.views(e)})
    labels = train.labels
    for _ in range(3):
        score = {view: Fraction(int(rng.integers(0, 4)) ** 3, 5) for view in views}  # also above 1, also 0
        share = {view: Fraction(int(rng.integers(0, 4)), 3) for view in views}
        value = {view: {labels[0]: share[view], labels[-1]: 1 - share[view]} for view in views}
        if len(labels) == 1:
            value = {view: {labels[0]: Fraction(1)} for view in views}
        head = SparseAttentionHead(heads, score=score, value=value)
        assert loss(head, test) <= factor * loss(head, train)


@cases
def test_retention_of_the_cases(heads: HeadClass, train: Law, test: Law) -> None:
    check_retention(heads, train, test)


@given(question=strategies.transfers())
def test_retention_of_random_laws(question: Transfer) -> None:
    assume(HeadSpace.of(*question).size <= 20_000)
    check_retention(*question)


def test_the_random_laws_are_of_every_kind() -> None:
    """Against an empty comparison: factors are infinite, 1, and others."""
    met: Counter[Any] = Counter()

    @given(question=strategies.transfers())
    def meet(question: Transfer) -> None:
        met[retention(question.heads, train=question.train, test=question.test).value] += 1

    meet()
    assert {1, inf} < set(met)


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_one_training_length_has_a_formula(arity: int) -> None:
    for train in (2 * arity, 2 * arity + 1):
        for test in (train, train + 1, train + 4):
            found = retention(HeadClass(arity), train=parity(arity).at(train), test=parity(arity).at(test))
            assert found == Factor(*[Fraction(comb(test - arity, arity), comb(train - arity, arity))] * 2)
    short = retention(HeadClass(arity), train=parity(arity).at(2 * arity - 1), test=parity(arity).at(2 * arity))
    assert short == Factor(inf, inf)


def test_a_short_test_length_asks_for_less_noise() -> None:
    # At length 3 a pair has at most one noise coordinate: C(1,1) of C(1,1) from length 3, all from length 3 itself.
    assert retention(HeadClass(2), train=parity(2).at(3), test=parity(2).at(3)) == Factor(Fraction(1), Fraction(1))
    assert retention(HeadClass(2), train=parity(2).at(2), test=parity(2).at(3)).value == inf
    assert retention(HeadClass(2), train=parity(2).at(4), test=parity(2).at(3)).value == inf


@pytest.mark.parametrize(("train", "test"), [(2, 3), (3, 4), (4, 4), (4, 5)])
@pytest.mark.parametrize("name", ["one", "parity"])
def test_the_linear_program_finds_the_closed_form(name: str, train: int, test: int) -> None:
    """The uniform law written as another class takes the generic route, and gets the same number."""
    closed = ENSEMBLES[name]
    generic = PlantedEnsemble(
        closed.vocabulary, closed.background, closed.planted, closed.target, lambda length: support.local(length - 1)
    )
    heads = HeadClass(closed.arity)
    by_program = retention(heads, train=generic.at(train), test=generic.at(test))
    assert by_program == retention(heads, train=closed.at(train), test=closed.at(test))
    assert by_program.optimal


def test_a_mixture_by_hand() -> None:
    """From lengths 2 and 4 to 5, one marked token: the pairs that survive are 1/4 and 3/4 of all."""
    one = ENSEMBLES["one"]
    train = mixture([(one.at(2), "1/2"), (one.at(4), "1/2")])
    # Weights x on length 2 and y on length 4 need x/4 + 3y/4 >= 1 and cost max(2x, 2y): x = y = 1.
    assert retention(HeadClass(1), train=train, test=one.at(5)) == Factor(Fraction(2), Fraction(2))
    check_retention(HeadClass(1), train, one.at(4))


def test_a_local_law_by_hand() -> None:
    heads, train, test = TRANSFERS["local, relative"]
    # From 4 to 6 positions, S* = (0, 1) at test: only the run 0..3 keeps S* and is in training: (4, 5) is lost.
    assert retention(heads, train=train, test=test) == Factor(inf, inf)
    # From a window that always holds everything, nothing is lost.
    assert retention(heads, train=train, test=train) == Factor(Fraction(1), Fraction(1))


def test_no_candidates_at_test_ask_for_a_sub_example_alone() -> None:
    """Then every head abstains, at test and on each sub-example."""
    train, test = parity(2).at(2), parity(2).at(2)
    assert retention(HeadClass(2, 0), train=train, test=test) == Factor(Fraction(1), Fraction(1))
    assert retention(HeadClass(3, key="order"), train=train, test=test) == Factor(Fraction(1), Fraction(1))


def test_runs_serve_where_subsets_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, train, test = HeadClass(1, 1), parity(2, support.local(1)).at(3), parity(2, support.local(1)).at(4)
    by_subsets = check_retention(heads, train, test)
    monkeypatch.setattr(kernels, "KERNEL_SUBSETS", 0)
    by_runs = check_retention(heads, train, test)
    assert by_subsets.value <= by_runs.value


class Solved:
    """What a solver returns."""

    def __init__(self, x: Any, marginals: Any) -> None:
        self.x = x
        self.ineqlin = type("", (), {"marginals": marginals})()


@pytest.mark.parametrize("solver", ["fails", "zeros", "random", "negative", "huge"])
def test_nothing_that_the_solver_says_is_trusted(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def linprog(cost: Any, *, A_ub: Any, b_ub: Any, method: str) -> Solved:
        n, m = len(cost), len(b_ub)
        return {
            "fails": lambda: Solved(None, None),
            "zeros": lambda: Solved(np.zeros(n), np.zeros(m)),
            "random": lambda: Solved(rng.random(n), -rng.random(m)),
            "negative": lambda: Solved(-np.ones(n), np.ones(m)),
            "huge": lambda: Solved(np.full(n, 1e12), np.full(m, -1e12)),
        }[solver]()

    names = ("exchangeable, mixture", "paired, coupled", "smaller arity")
    right = {name: retention(TRANSFERS[name][0], train=TRANSFERS[name][1], test=TRANSFERS[name][2]) for name in names}
    assert all(factor.optimal for factor in right.values())
    monkeypatch.setattr("scipy.optimize.linprog", linprog)
    for name in names:
        found = check_retention(*TRANSFERS[name])
        assert found.lower <= right[name].value <= found.value


@pytest.mark.parametrize("window", [None, 0, 1, 2])
def test_the_most_candidates_are_those_of_some_assignment(window: int | None) -> None:
    law = ENSEMBLES["parity"].at(4, positions=positions.random_ordered(0, 6))
    heads = HeadClass(2, window)
    assert most_candidates(heads, law) == max(len(list(heads.candidates(ids))) for ids in law.positions.ids(4))


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_question_is_refused() -> None:
    law = ENSEMBLES["parity"].at(4)
    with pytest.raises(InvalidArgument, match=r"^retention: argument heads: got the int 2; expected a HeadClass"):
        retention(2, train=law, test=law)  # type: ignore[arg-type]
    with pytest.raises(
        AssumptionViolated, match=r"^retention: argument train: got a law of type FiniteLaw; expected a"
    ):
        retention(HeadClass(2), train=LAWS["finite"], test=law)
    with pytest.raises(AssumptionViolated, match=r"^retention: argument test: got a law of type NoneType"):
        retention(HeadClass(2), train=law, test=None)  # type: ignore[arg-type]
    with pytest.raises(
        AssumptionViolated, match=r"^retention: argument test: got laws that differ in their background"
    ):
        retention(HeadClass(2), train=law, test=ENSEMBLES["noisy"].at(4))


@pytest.mark.parametrize("budget", [None, 1e9, "many"], ids=named)
def test_a_budget_is_an_integer(budget: Any) -> None:
    heads, train, test = TRANSFERS["local, relative"]
    with pytest.raises(InvalidArgument, match=r"^retention .*: argument budget: got .*; expected an integer"):
        retention(heads, train=train, test=test, budget=budget)


def test_a_program_above_the_budget_is_refused() -> None:
    heads, law = HeadClass(2, 1, "relative"), parity(2, support.local(1)).at(6)
    train = parity(2, support.local(1)).at(4)
    # 5 support sets, C(4, 2) ways to keep two more positions, 5 candidates.
    assert retention(heads, train=train, test=law, budget=150) == Factor(inf, inf)
    with pytest.raises(
        BudgetExceeded, match=r"^retention \(kernel\): .* a budget of 149 for an enumeration of 150 items"
    ):
        retention(heads, train=train, test=law, budget=149)
    with pytest.raises(
        BudgetExceeded, match=r"^retention \(kernel\): .* a budget of 29 for an enumeration of 30 items"
    ):
        retention(heads, train=train, test=law, budget=29)
    huge = parity(2, support.local(3)).at(60, positions=positions.random_ordered(0, 10**4))
    with pytest.raises(BudgetExceeded, match=r"for an enumeration of about 10\^\d{2,} items"):
        retention(heads, train=train, test=huge)


# ── Probabilities that no float can hold ─────────────────────────────────────────────────────────────────────────────

TINY = [Fraction(1, 10**n) for n in (30, 400, 3000)]


def close(value: Any, expected: int | Fraction, tiny: Fraction) -> bool:
    return bool(abs(value / expected - 1) <= 1000 * tiny)


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_a_rare_length_changes_nothing(tiny: Fraction) -> None:
    """Weights 1 - tiny and tiny on two lengths give what the first alone gives, up to the tiny weight."""
    law, heads = parity(2).at, HeadClass(2)
    for often, seldom in ((4, 5), (5, 4)):
        mixed = mixture([(law(often), 1 - tiny), (law(seldom), tiny)])
        alone = retention(heads, train=law(often), test=law(7))
        for found, expected in (
            (retention(heads, train=mixed, test=law(7)), alone.value),
            (coverage_factor(heads, mixed, law(7)), 1),
        ):
            assert found.lower <= found.value
            assert close(found.value, expected, tiny)
            assert close(found.lower, expected, Fraction(1, 10**6))


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_what_is_rare_in_training_has_a_large_factor(tiny: Fraction) -> None:
    """Length 4 is seen with a tiny probability, and is all that a test at length 4 can be reduced to."""
    law, heads = parity(2).at, HeadClass(2)
    rare = mixture([(law(4), tiny), (law(5), 1 - tiny)])
    assert retention(heads, train=rare, test=law(4)) == Factor(1 / tiny, 1 / tiny)
    assert coverage_factor(heads, rare, law(4)) == Factor(1 / tiny, 1 / tiny)


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_what_is_rare_in_training_and_at_test_is_no_matter(tiny: Fraction) -> None:
    rule = support.fixed({(0, 1): 1 - tiny, (1, 2): tiny})
    heads, law = HeadClass(2, window=1), parity(2, rule).at(4)
    assert retention(heads, train=law, test=law) == coverage_factor(heads, law, law) == Factor(Fraction(1), Fraction(1))
    even = parity(2, support.fixed({(0, 1): "1/2", (1, 2): "1/2"})).at(4)
    expected = Factor(2 * (1 - tiny), 2 * (1 - tiny))
    assert retention(heads, train=even, test=law) == coverage_factor(heads, even, law) == expected
    expected = Factor(1 / (2 * tiny), 1 / (2 * tiny))
    assert retention(heads, train=law, test=even) == coverage_factor(heads, law, even) == expected


def coverage_factor(heads: HeadClass, train: Law, test: Law) -> Factor:
    found = coverage(heads, train=train, test=test)
    return Factor(found.kappa0, found.kappa0_lower)
