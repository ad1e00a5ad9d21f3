"""What single claims say, by hand and by plain enumeration: routes that share nothing with the attacks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement, islice, product

import numpy as np
import pytest

from idealized_model import HeadSpace, abstention, loss
from proofs_check.claims import t1, t2, t3, t3a, t3b, t4, t7, t10
from proofs_check.claims.families import ensemble, ensembles, marked_parity, subsets
from proofs_check.claims.soft import soft_heads, soft_loss
from proofs_check.problem import Problem, labelled_counts, view_cases
from tests import routes
from theory import Example, FiniteLaw, HardHead, HeadClass, Law, PlantedEnsemble, View, bounds, positions, support
from theory.planted import PlantedLaw

HALF = Fraction(1, 2)
NEAR = marked_parity(2, support.local(1)).at(14)

# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ensembles_are_all_there_once() -> None:
    assert list(subsets((0, 1, 2))) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    found = list(ensembles(2, 2))
    assert len(found) == len({repr(ens) for ens in found}) == (3**4 - 1) * 3
    assert len(list(ensembles(2, 2, max_words=1))) == 4 * 2 * 3
    assert all(len(ens.planted) <= 2 for ens in ensembles(2, 2, max_words=2))
    assert all(ens.support == support.local(1) for ens in ensembles(1, 2, law=support.local(1)))


def test_an_ensemble_is_uniform_and_knows_both_labels() -> None:
    ens = ensemble(3, (0, 2), {(1,): 1})
    assert ens.background == (HALF, 0, HALF)
    assert ens.labels == (0, 1)
    assert marked_parity(2).target == {(1, 1): 0, (1, 2): 1, (2, 1): 1, (2, 2): 0}


# ── T1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_t1_brute_force_is_definition_5() -> None:
    outcomes = set()
    for problem in islice(t1._pairs("quick"), 0, 4000, 53):
        if problem.space().size > 27 or problem.test.size > 100:
            continue
        perfect = [head for head in problem.space() if routes.expected_loss(head, problem.train) == 0]
        fails = any(routes.expected_loss(head, problem.test) != 0 for head in perfect)
        truth = "unrealizable" if not perfect else "fails" if fails else "generalizes"
        assert problem.brute_force() == truth
        outcomes.add(truth)
    assert outcomes == {"unrealizable", "fails", "generalizes"}


def test_t1_without_its_guard_says_generalizes_of_unrealizable_problems_alone() -> None:
    found = {}
    for problem in islice(t1._pairs("quick"), 0, 4000, 53):
        unguarded = t1.refute(problem, statement=replace(t1.STATED, realizable="unguarded"))
        found.setdefault(problem.brute_force(), set()).add(unguarded is None)
    assert found["fails"] == {True}
    assert found["generalizes"] == {True}


def test_t1_decides_by_the_heads_that_are_perfect_in_training() -> None:
    # Token 1 must be answered 0; token 0 is free: not selected, 0 or 1.
    train, test = (
        FiniteLaw.uniform([Example(tokens, tuple(range(len(tokens))), 0)], labels=(0, 1)) for tokens in ((1,), (0, 1))
    )
    problem = Problem(HeadClass(1), train, test)
    assert (t1.cases(problem), t1.decisive(problem)) == (9, 3)


def test_t1_adversary_answers_a_new_view_wrongly_where_it_cannot_abstain() -> None:
    one, two = Example((1,), (0,), 0), Example((1, 0), (0, 1), 0)
    train, test = (FiniteLaw.uniform([example], labels=(0, 1)) for example in (one, two))
    problem = Problem(HeadClass(1), train, test)
    ((target, label),) = view_cases(problem.heads, test)
    head = t1._spiteful_head(np.random.default_rng(0), problem, view_cases(problem.heads, train), target, label)
    assert head.answers == {View((1,), ()): 0, View((0,), ()): 1}
    assert [routes.expected_loss(head, law) for law in (train, test)] == [0, HALF]


# ── T2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tight_loss(arity: int, length: int, anchor: str = "none") -> Fraction:
    problem = t2.tight_problem(arity, anchor)  # type: ignore[arg-type]
    assert problem.head is not None
    law = marked_parity(arity, support.uniform(anchor)).at(length)  # type: ignore[arg-type]
    assert loss(problem.head, law) == routes.expected_loss(problem.head, law)
    return loss(problem.head, law)


def test_t2_decides_by_the_heads_that_are_perfect_in_training() -> None:
    # Both marks answered rightly, noise not selected: one head of 27. Nothing is decided at equal lengths.
    at = marked_parity(1).at
    assert [t2.decisive(Problem(HeadClass(1), at(2), at(length))) for length in (2, 3)] == [0, 1]
    assert t2.cases(Problem(HeadClass(1), at(2), at(3))) == 27
    assert [t2.decisive(t2.tight_problem(arity)) for arity in (1, 3)] == [3, 4]  # noise is free at 1; lengths 3..6


def test_t2_tight_head_of_arity_1_by_hand() -> None:
    # A mark, answered rightly, and l - 1 noise tokens, answered 0, which is wrong for half of the labels.
    assert [tight_loss(1, length) for length in (1, 2, 3, 4)] == [0, Fraction(1, 4), Fraction(1, 3), Fraction(3, 8)]


def test_t2_tight_head_of_arity_2_by_hand() -> None:
    # One right pair; C(l - 2, 2) pairs of noise tokens, wrong for half of the labels; mixed pairs are not selected.
    assert [tight_loss(2, length) for length in (2, 3, 4, 5)] == [0, 0, Fraction(1, 4), Fraction(3, 8)]


def test_t2_tight_anchored_head_by_hand() -> None:
    # Pairs with the last token: one right pair, and l - 2 with noise, wrong for half of the labels.
    assert [tight_loss(2, length, "last") for length in (2, 3, 4)] == [0, Fraction(1, 4), Fraction(1, 3)]


def test_t2_tightness_is_about_some_head() -> None:
    """Every head by plain evaluation: some are perfect at length 1 and err at 2, none is perfect at 1, 2 and errs at 3."""
    problem = t2.tight_problem(1)
    laws = [marked_parity(1).at(length) for length in (1, 2, 3)]
    perfect = [[routes.expected_loss(head, law) == 0 for law in laws] for head in problem.space()]
    assert [True, False] in [row[:2] for row in perfect]
    assert [True, True] in [row[:2] for row in perfect]
    assert [True, True, False] not in perfect
    assert t2.refute(problem) is None
    facts = t2.refute(problem, **t2.claim.mutants["2k + 1 is tight"])
    assert facts == {"certificate": 3, "heads": len(perfect), "perfect_below": 1, "that_err": 0}


@pytest.mark.parametrize(("arity", "anchor", "mutant"), [(2, "none", "2k + 1"), (2, "last", "anchored: 2k")])
def test_t2_one_more_is_refuted_by_all_heads(arity: int, anchor: str, mutant: str) -> None:
    problem = t2.tight_problem(arity, anchor)  # type: ignore[arg-type]
    facts = t2.refute(problem, **t2.claim.mutants[f"{mutant} is tight"])
    assert facts is not None
    assert facts["heads"] == problem.space().size
    assert facts["perfect_below"] > 0


def test_t2_the_head_of_the_proof_speaks_of_the_claim_alone() -> None:
    problem = t2.tight_problem(3)
    assert problem.n_enumerated == 0
    assert problem.head is not None
    assert all(t2.refute(problem, **parts) is None for parts in ({}, *t2.claim.mutants.values()))
    blunt = HardHead(problem.heads, {v: label for v, label in problem.head.answers.items() if v.tokens != (0, 0, 0)})
    facts = t2.refute(replace(problem, head=blunt))
    assert facts == {"certificate": 6, "head": "of the proof", "length": 6, "loss": "0"}


# ── T3, T3a and T3b ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_t3_states_the_bound_of_coverage() -> None:
    compared = 0
    for problem in islice(t3.exchangeable_problems("quick"), 0, 642, 29):
        cov = t3._coverage(problem.heads, problem.train, problem.test)
        for train_loss, abstains in ((HALF, Fraction(0)), (HALF, Fraction(1, 3)), (Fraction(1), Fraction(1))):
            assert t3.STATED.hard_bound(cov, train_loss, abstains) == cov.bound(train_loss, abstains)
            compared += cov.bound(train_loss, abstains) < 10**9
    assert compared > 20


@pytest.mark.parametrize("kind", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_t3_losses_in_integers_are_those_of_plain_evaluation(kind: int) -> None:
    """Of every hard head that the search may come to, and of the grid of soft ones."""
    problem = t3._searched_problem(np.random.default_rng(1), kind)
    space = problem.space()
    for law in (problem.train, problem.test):
        by_digits = t3._by_digits(space, law)
        for number, digits in enumerate(product(range(3), repeat=len(space.views))):
            head = space.head(sum(digit * 3**place for place, digit in enumerate(digits)))
            assert by_digits(digits) == (loss(head, law), abstention(head, law)), number
        for head in soft_heads(problem, normalised=True):
            assert soft_loss(head, law) == loss(head, law)


@pytest.mark.parametrize("name", t3.claim.mutants)
def test_t3_a_bound_in_integers_is_that_of_the_statement(name: str) -> None:
    problem = t3._searched_problem(np.random.default_rng(1), 3)
    cov = t3._coverage(problem.heads, problem.train, problem.test)
    statement = t3.claim.mutants[name]["statement"]
    slopes = t3._slopes(statement, cov)
    assert slopes is not None
    for lost, abstains in ((Fraction(1, 2), Fraction(1, 3)), (Fraction(1), Fraction(0)), (Fraction(1), Fraction(1))):
        bound = slopes.wrong * (lost - abstains) + slopes.abstaining * abstains
        assert bound / slopes.scale == statement.hard_bound(cov, lost, abstains)


def test_t3_decides_by_the_heads_whose_bound_is_below_1() -> None:
    # κ0 = 1, κ = 2 and N_T = 2: the bound is a + 4 (L_T - a), and 4 L_T for a soft head.
    problem = Problem(HeadClass(1), marked_parity(1).at(2), marked_parity(1).at(3))
    hard = 0
    for head in problem.space():
        lost = routes.expected_loss(head, problem.train)
        silent = sum(
            (
                p
                for example, p in problem.train.items()
                if not any(v in head.answers for v in head.heads.views(example))
            ),
            Fraction(0),
        )
        hard += silent + 4 * (lost - silent) < 1
    soft = [4 * loss(head, problem.train) < 1 for head in soft_heads(problem, normalised=True)]
    assert 0 < hard < 27
    assert 0 < sum(soft) < len(soft) == 6
    assert t3.cases(problem) == 27 + 6
    assert t3.decisive(problem) == hard + sum(soft)


def test_t3a_decides_nothing_at_equal_lengths() -> None:
    at = marked_parity(1).at
    assert [t3a.decisive(Problem(HeadClass(1), at(3), at(length))) for length in (3, 4)] == [0, 1]


@pytest.mark.parametrize(
    ("problem", "speaks"),
    [
        (Problem(HeadClass(2, 1, "relative"), marked_parity(2, support.local(1)).at(12), NEAR), True),
        (Problem(HeadClass(2, 1, "relative"), marked_parity(2, support.local(1)).at(11), NEAR), False),
        (Problem(HeadClass(2, 2, "relative"), marked_parity(2, support.local(1)).at(12), NEAR), False),
        (Problem(HeadClass(2, None, "relative"), marked_parity(2, support.local(1)).at(12), NEAR), False),
        (Problem(HeadClass(2, 1, "absolute"), marked_parity(2, support.local(1)).at(12), NEAR), False),
        (Problem(HeadClass(2, 1, "relative"), marked_parity(2).at(12), NEAR), False),
    ],
)
def test_t3b_speaks_of_local_pairs_from_4w_plus_2k_squared_on(problem: Problem, speaks: bool) -> None:
    assert t3b.nonvacuous(problem) is speaks
    assert t3b.refute(problem) is None
    assert (t3b.refute(problem, **t3b.claim.mutants["κ >= 2 L/l"]) is not None) is speaks


def test_t4_counts_a_window_of_the_test_length_as_none() -> None:
    near = marked_parity(2, support.local(1))
    says = [t4.nonvacuous(Problem(HeadClass(2, w, "relative"), near.at(5), near.at(6))) for w in (1, 4, 5, None)]
    assert says == [False, False, True, True]


@pytest.mark.parametrize(("k", "length"), [(1, 1), (1, 2), (1, 4), (2, 3), (2, 4), (2, 5)])
@pytest.mark.parametrize("x", [Fraction(0), Fraction(1, 3), Fraction(1)])
def test_t3a_rare_noise_loss_by_enumeration(k: int, length: int, x: Fraction) -> None:
    problem = t3a.rare_noise_problem(k, x, length, length)
    assert problem.head is not None
    assert t3a.rare_noise_loss(k, length, x, HALF) == routes.expected_loss(problem.head, problem.test)


def test_t3a_ratio_of_rare_noise_losses_approaches_kappa_from_below() -> None:
    kappa = bounds.exchangeable_kappa(2, train=4, test=5)
    ratios = [
        t3a.rare_noise_loss(2, 5, x, 1) / t3a.rare_noise_loss(2, 4, x, 1) for x in map(Fraction, (0.5, 0.1, 0.01))
    ]
    assert ratios[0] < ratios[1] < ratios[2] < kappa == 3
    assert kappa - ratios[2] < Fraction(1, 20)


def test_t3a_below_2k_only_nought_by_nought_is_wrong() -> None:
    """Short training lengths: κ0, N_T and an infinite closed form hold; 0/0 stands for κ = ∞ and for κ = 1."""
    anything = t3a.Statement(least_length=0)
    refuted = {}
    for k, (train, test) in product((1, 2, 3), combinations_with_replacement(range(1, 8), 2)):
        if train < k:
            continue
        facts = t3a.refute(
            Problem(HeadClass(k), marked_parity(k).at(train), marked_parity(k).at(test)), statement=anything
        )
        assert (facts is None) == (test >= 2 * k)
        if facts is not None:
            enumerated, closed = facts["enumerated"], facts["closed_form"]
            assert enumerated == {**closed, "kappa": "1" if train == test else "inf"}
            refuted[k, train, test] = closed["kappa"]
    assert set(refuted.values()) == {"0"}
    assert {(2, 2, 3), (2, 3, 3)} < set(refuted)


def test_t3a_below_2k_no_finite_kappa_serves() -> None:
    short, long = t3a._short_training()
    head = HardHead(HeadClass(2), {View(w, ()): y for w, y in {**marked_parity(2).target, (0, 1): 0}.items()})
    assert [loss(head, law) for law in (short.train, short.test)] == [0, Fraction(1, 8)]
    assert long.train == long.test


# ── T7 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def selected_and_wrong(head: HardHead, law: Law) -> tuple[Fraction, Fraction]:
    """Expected numbers of selected and of wrong candidate sets, candidate by candidate."""
    selected = wrong = Fraction(0)
    for example, p in law.items():
        answers = [head.answers[v] for v in routes.views(head.heads, example) if v in head.answers]  # type: ignore[index]
        selected += p * len(answers)
        wrong += p * sum(answer != example.label for answer in answers)
    return selected, wrong


PARITIES = [
    (HeadClass(1), t7.parity(2, (2,), support.uniform()).at(4)),
    (HeadClass(1, key="absolute"), t7.parity(2, (0, 1), support.uniform()).at(3)),
    (HeadClass(2), t7.parity(3, (0, 1), support.local(2)).at(4)),
    (HeadClass(2, 1, "relative", "last"), t7.parity(3, (1,), support.uniform()).at(4)),
    (HeadClass(1, key="order"), t7.parity(2, (0, 1), support.paired()).at(4, positions=positions.random_ordered(0, 4))),
]


@pytest.mark.parametrize(("heads", "law"), PARITIES)
def test_t7_every_head_is_wrong_on_half_of_what_it_selects(heads: HeadClass, law: PlantedLaw) -> None:
    n_heads, most = 0, Problem(heads, law, law).candidates_in(law)
    for head in HeadSpace.of(heads, law):
        selected, wrong = selected_and_wrong(head, law)
        assert wrong == selected / 2
        if head.answers:
            assert routes.expected_loss(head, law) >= Fraction(1, most + 1) >= bounds.half_wrong_floor(most)
        n_heads += 1
    assert n_heads == 3 ** len(HeadSpace.of(heads, law).views) > 1


def test_t7_fails_at_the_arity_of_the_parity() -> None:
    law = t7.parity(2, (0, 1), support.uniform()).at(3)
    shares = {wrong / selected for selected, wrong in (
        selected_and_wrong(head, law) for head in HeadSpace.of(HeadClass(2), law) if head.answers
    )}  # fmt: skip
    assert len(shares) > 1
    assert any(share != HALF for share in shares)


def test_labelled_counts_are_expected_numbers_of_candidates() -> None:
    for heads, law in PARITIES:
        plain = routes.view_label_law(heads, law)
        counts = labelled_counts(heads, law)
        counted = {
            (tuple(view), label): Fraction(weight, law.denominator)
            for view, labels in counts.items()
            for label, weight in labels.items()
        }
        assert counted == {case: p for case, p in plain.items() if p}


# ── T10 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_t10_backgrounds_by_hand() -> None:
    law = ensemble(3, (0, 1), {(1, 2): 0, (1, 1): 1}).at(4)
    assert t10.backgrounds(law) == {(0, 0), (0, 1), (1, 1)}
    assert t10.backgrounds(ensemble(3, (0, 1, 2), {(2,): 0}).at(1)) == {()}


def test_t10_histogram_loss_by_hand_and_by_enumeration() -> None:
    # A 1 is planted, the other token is 0 with probability 2/3 and 1 with 1/3; 0 is answered "b", wrongly.
    ens = PlantedEnsemble(2, ["2/3", "1/3"], {(1,): 1}, {(1,): "a"}, support.uniform(), ["a", "b"])
    head = HardHead(HeadClass(1), {View((0,), ()): "b", View((1,), ()): "a"})
    assert t10.histogram_loss(head, ens.at(2)) == Fraction(2, 3) * HALF
    # Two more: 00 loses 2/3 with probability 4/9, 01 and 10 lose 1/3 with probability 4/9.
    assert t10.histogram_loss(head, ens.at(3)) == Fraction(4, 9) * Fraction(2, 3) + Fraction(4, 9) * Fraction(1, 3)
    assert t10.histogram_loss(head, ens.at(3), multinomial=False) == Fraction(1, 3)
    for length in range(1, 6):
        assert t10.histogram_loss(head, ens.at(length)) == routes.expected_loss(head, ens.at(length))


# ── What reports say of cases and of faults ──────────────────────────────────────────────────────────────────────────


def test_the_decisive_heads_of_t2_are_those_without_training_loss() -> None:
    problem = Problem(HeadClass(1), marked_parity(1).at(1), marked_parity(1).at(3))
    trained, tested = problem.perfect()
    assert t2.decisive(problem) == trained.sum() > tested.sum() > 0
    assert t2.decisive(Problem(HeadClass(1), problem.test, problem.train)) == 0


def test_t3_says_the_bound_that_coverage_should_have_said(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = next(problem for problem in t3._local_problems("quick") if t3.claim.holds_on(problem))
    right = t3.coverage(problem.heads, train=problem.train, test=problem.test)
    whole = type(right).bound
    monkeypatch.setattr(type(right), "bound", lambda *losses: (found := whole(*losses)) + (found > 0))
    facts = t3.refute(problem)
    assert facts is not None
    assert Fraction(str(facts["bound"])) == Fraction(str(facts["coverage"])) - 1
