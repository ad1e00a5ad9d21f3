"""Every claim: mutants and dropped hypotheses are refuted with witnesses that replay, proofs go through.

The exhaustive families themselves are what `python -m proofs_check` runs; here the machinery around them is put to the
test, for every claim in `theory.claims`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import hypothesis
import pytest

from proofs_check.claims import drawn, engines, find
from proofs_check.claims import t1 as claim_t1
from proofs_check.claims.claim import Claim
from proofs_check.claims.families import marked_parity
from proofs_check.claims.registered import Family
from proofs_check.problem import ENUMERATED_HEADS, Problem
from proofs_check.problem_files import problem_from_dict, problem_to_dict
from proofs_check.replay import replay
from tests.proofs_check.toys import Ticks
from theory import FiniteLaw, HeadClass, InvalidArgument, claims
from theory.claims import CLAIMS

IDS = [claim.id for claim in CLAIMS]
LATE = {
    ("T3", "without κ0"),
    ("T3", "half of the bound"),
    ("T4", "(ii) a window of l - 1 hides nothing"),
    ("T5", "coupled: three offsets are needed"),
    ("T8", "the largest step loss for the sum"),
    ("T8", "factor 1 for 2"),
    ("T8", "tokens without ID increments"),
}
"""What a family refutes only after seconds."""
MUTANTS = [
    pytest.param(claim_id, name, marks=pytest.mark.slow if (claim_id, name) in LATE else ())
    for claim_id in IDS
    for name in find(claim_id).mutants
]
HYPOTHESES = [(claim_id, name) for claim_id in IDS for name in find(claim_id).necessity]
FAMILIES = [(claim_id, family) for claim_id in IDS for family in find(claim_id).families]
GRANTED = {
    "T2": ("full support", "key none", "no window"),
    "T7": ("uniform bits", "parity", "IDs independent of tokens"),
    "T12": ("uniform bits", "parity", "IDs independent of tokens"),
}
"""Hypotheses that `refute` does not look at: families and draws keep to them."""


def named(value: object) -> str:
    return value.scope if isinstance(value, Family) else str(value)


def reproduced(witness: dict[str, object] | None) -> bool:
    """Whether a witness says the same after it went through a file."""
    assert witness is not None
    outcome = replay(json.loads(json.dumps(witness)))
    assert outcome.reproduced, outcome.summary
    return outcome.reproduced


def engine_of_each_check(plan: Claim) -> list[tuple[str, str]]:
    return [
        *(("exhaustive", family.scope) for family in plan.families),
        *(("symbolic", proof.scope) for proof in plan.proofs),
        *(("sampled", sampler.scope) for sampler in plan.samplers),
        *((measurement.engine, measurement.scope) for measurement in plan.measurements),
        *(("coq", theorems.scope) for theorems in plan.compiled),
    ]


@pytest.mark.parametrize("claim_id", IDS)
def test_a_claim_has_enough_of_everything(claim_id: str) -> None:
    plan = find(claim_id)
    assert plan.id == plan.address == claim_id
    assert {**vars(claims.get(claim_id))}.items() <= vars(plan).items()
    checks = engine_of_each_check(plan)
    assert len(set(checks)) == len(checks) >= 4
    assert len({engine for engine, _ in checks}) >= 3
    assert plan.families, "no exhaustive family"
    assert plan.proofs, "no proof"
    assert len(plan.mutants) >= 3
    assert all(changed[name] != plan.parts[name] for changed in plan.mutants.values() for name in changed)
    assert len(set(map(repr, plan.mutants.values()))) == len(plan.mutants)


@pytest.mark.parametrize("claim_id", IDS)
def test_checks_have_names_of_their_own(claim_id: str) -> None:
    """The runner finds a check by its engine and name."""
    plan = find(claim_id)
    for scopes in (plan.families, plan.samplers, plan.measurements, plan.proofs):
        assert len({part.scope for part in scopes}) == len(scopes)  # type: ignore[attr-defined]


@pytest.mark.parametrize("claim_id", IDS)
def test_every_hypothesis_has_a_necessity_entry_and_the_reverse(claim_id: str) -> None:
    assert set(find(claim_id).necessity) == set(claims.get(claim_id).hypotheses)


@pytest.mark.parametrize("claim_id", IDS)
def test_a_dropped_hypothesis_is_not_a_mutant_once_more(claim_id: str) -> None:
    plan = find(claim_id)
    dropped = {name: hypothesis.parts for name, hypothesis in plan.necessity.items()}
    assert [name for name, parts in dropped.items() if parts in plan.mutants.values()] == []


@pytest.mark.parametrize("claim_id", IDS)
def test_every_draw_measurement_and_proof_notices_some_mutant(claim_id: str) -> None:
    plan = find(claim_id)
    for check in (*plan.samplers, *plan.measurements, *plan.proofs):
        assert check.notices, check.scope
        assert set(check.notices) <= set(plan.mutants)


@pytest.mark.parametrize("claim_id", [*(claim_id.lower() for claim_id in IDS), "T0", "", "T1 "])
def test_an_unknown_claim_is_refused_with_the_known_ones(claim_id: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"find: argument claim: got .*expected one of {', '.join(IDS)}"):
        find(claim_id)


# ── Mutants and necessity ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("claim_id", "name"), MUTANTS, ids=named)
def test_every_mutant_is_refuted_with_a_witness_that_replays(claim_id: str, name: str) -> None:
    plan = find(claim_id)
    witness = engines.refute_mutant(plan, name, "quick", Ticks())
    assert reproduced(witness)
    assert witness is not None
    assert plan.facts(problem_from_dict(witness["problem"])) is None  # the claim itself stands there


@pytest.mark.parametrize(("claim_id", "hypothesis"), HYPOTHESES, ids=named)
def test_every_hypothesis_is_necessary_with_a_witness_that_replays(claim_id: str, hypothesis: str) -> None:
    plan = find(claim_id)
    witness = engines.drop(plan, hypothesis, Ticks())
    assert reproduced(witness)
    assert witness is not None
    refuted = plan.facts(problem_from_dict(witness["problem"])) is not None
    assert refuted == (hypothesis in GRANTED.get(claim_id, ()))  # elsewhere only the statement without it is


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def spread(problems: Iterator[Problem], number: int = 8, step: int = 13) -> list[Problem]:
    """Some problems from the beginning on, not all alike."""
    return list(islice(problems, 0, number * step, step))


@pytest.mark.parametrize(("claim_id", "family"), FAMILIES, ids=named)
@pytest.mark.parametrize("profile", ["quick", pytest.param("full", marks=pytest.mark.slow)])
def test_problems_of_the_families_survive_the_file_format(claim_id: str, family: Family, profile: str) -> None:
    chosen = spread(family.problems(profile))  # type: ignore[arg-type]
    assert chosen
    for problem in chosen:
        assert problem_from_dict(json.loads(json.dumps(problem_to_dict(problem)))) == problem


@pytest.mark.parametrize("claim_id", IDS)
def test_random_problems_survive_the_file_format(claim_id: str) -> None:
    plan = find(claim_id)
    assert plan.samplers
    for sampler in plan.samplers:

        @hypothesis.settings(max_examples=6)
        @hypothesis.given(sampler.strategy())
        def roundtrip(problem: Problem) -> None:
            assert problem_from_dict(json.loads(json.dumps(problem_to_dict(problem)))) == problem

        roundtrip()


@pytest.mark.parametrize(("claim_id", "family"), FAMILIES, ids=named)
def test_every_family_has_cases_under_the_hypotheses(claim_id: str, family: Family) -> None:
    plan = find(claim_id)
    assert any(
        plan.holds_on(problem) and plan.n_decisive(problem, plan.n_cases(problem)) > 0
        for problem in family.problems("quick")
    )


@pytest.mark.parametrize(("claim_id", "family"), FAMILIES, ids=named)
def test_decisive_cases_are_among_the_cases(claim_id: str, family: Family) -> None:
    plan = find(claim_id)
    for problem in spread(family.problems("quick"), number=4, step=29):
        if plan.holds_on(problem):
            cases = plan.n_cases(problem)
            assert 0 <= plan.n_decisive(problem, cases) <= cases


# ── What single claims promise ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("claim_id", ["T3", "T11"])
def test_heads_that_are_not_enumerated_are_no_cases(claim_id: str) -> None:
    many = Problem(HeadClass(3), marked_parity(3).at(6), marked_parity(3).at(7))
    assert many.space().size > ENUMERATED_HEADS
    assert find(claim_id).n_cases(many) == 0


def test_t1_says_nothing_about_one_label_but_still_tests_decide() -> None:
    (problem,) = claim_t1._one_label()
    assert isinstance(problem.train, FiniteLaw)
    assert len(problem.labels) == 1
    assert claim_t1.refute(problem) is None
    assert not claim_t1.nonvacuous(problem)


@hypothesis.settings(max_examples=15)
@hypothesis.given(drawn.problems(max_heads=3**5).filter(lambda problem: len(problem.labels) == 1))
def test_t1_is_not_refuted_by_random_problems_of_one_label(problem: Problem) -> None:
    """Random plantings may have one label only, which is outside T1; `decide` still agrees with brute force there."""
    assert claim_t1.refute(problem) is None


def test_t1_without_its_second_label_is_refuted_by_one_label() -> None:
    (problem,) = claim_t1._one_label()
    facts = find("T1").facts(problem, find("T1").parts_without("two labels"))
    assert facts == {"statement": "fails", "brute_force": "generalizes", "heads": 4}
