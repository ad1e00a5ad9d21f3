"""The engines, on a toy claim: each must be able to refute, to hold and to be inconclusive."""

from __future__ import annotations

import dataclasses
import json
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from proofs_check import Evidence
from proofs_check.claims import engines, t1
from proofs_check.claims.recorded import make_witness
from proofs_check.claims.registered import Measured, Measurement, Profile, Proof, Sampler
from proofs_check.problem import Problem
from proofs_check.replay import replay
from proofs_check.work.draws import generator
from tests.proofs_check.toys import CLAIM, Ticks, draw_lengths, length_of, measure, problem, toy
from theory import InvalidArgument

NEVER = False

# ── Evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["proved", "exhausted", "supported", "refuted", "inconclusive"])
def test_evidence_has_no_truth_value(kind: str) -> None:
    evidence = Evidence(kind, "sampled", "a scope", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=rf"evidence is not true or false; look at its kind \('{kind}'\) and its scope"):
        bool(evidence)
    with pytest.raises(TypeError, match="not true or false"):
        assert evidence  # the mistake that this guards against


def test_evidence_survives_pickling() -> None:
    evidence = Evidence("refuted", "search", "a scope", 3, 2, 0.5, {"claim": "T1", "facts": {"x": [1, "1/2"]}})
    assert pickle.loads(pickle.dumps(evidence)) == evidence


def test_evidence_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Evidence("proved", "symbolic", "a scope", 1).kind = "refuted"  # type: ignore[misc]


# ── Exhaustion ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_exhaust_decides_every_problem_of_the_profile() -> None:
    claim = toy(longest=5, full=8)
    for profile, number in (("quick", 5), ("full", 8)):
        ticks = Ticks()
        evidence = engines.exhaust(claim, claim.families[0], profile, ticks)  # type: ignore[arg-type]
        assert (evidence.kind, evidence.engine, evidence.witness) == ("exhausted", "exhaustive", None)
        assert evidence.instances == ticks.total == 2 * number  # two cases a problem
        assert len(ticks.calls) == number
        assert evidence.scope == (
            f"lengths in a row [{profile}]: {number} problems, {number} of them under the hypotheses"
        )


def test_exhaust_refutes_a_false_statement_with_the_first_problem() -> None:
    claim, ticks = toy(bound=4, longest=9), Ticks()
    evidence = engines.exhaust(claim, claim.families[0], "quick", ticks)
    assert evidence.kind == "refuted"
    assert evidence.instances == ticks.total == 8  # lengths 1..4; nothing is decided after the refutation
    assert evidence.witness == make_witness(
        claim,
        "stated",
        problem(4),
        {"length": 4, "bound": "4"},
        {"family": "lengths in a row", "profile": "quick", "index": 3},
    )


def test_exhaust_counts_what_is_under_the_hypotheses() -> None:
    claim = toy(nonvacuous=lambda of: length_of(of) % 2 == 0)
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert evidence.kind == "exhausted"
    assert evidence.scope.endswith("5 problems, 2 of them under the hypotheses")
    assert evidence.instances == 4  # a problem outside is no case decided


def test_exhaust_is_inconclusive_without_a_problem_under_the_hypotheses() -> None:
    claim = toy(nonvacuous=lambda of: False)
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert (evidence.kind, evidence.instances) == ("inconclusive", 0)
    assert evidence.scope.endswith(
        "5 problems, 0 of them under the hypotheses. Vacuous: the hypotheses hold on none. Yield problems on which they do, "
        "or mend what nonvacuous says"
    )


def test_exhaust_is_inconclusive_on_an_empty_family() -> None:
    claim = toy(longest=0)
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert evidence.kind == "inconclusive"
    assert evidence.scope.endswith(". Vacuous: there is none to decide. Yield some problems")


def test_exhaust_counts_the_decisive_cases_of_what_is_under_the_hypotheses() -> None:
    claim = toy(nonvacuous=lambda of: length_of(of) < 5, decisive=lambda of: int(length_of(of) > 2))
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert (evidence.kind, evidence.instances, evidence.decisive) == ("exhausted", 8, 2)  # of lengths 1..4: 3 and 4
    plain = engines.exhaust(toy(), toy().families[0], "quick", Ticks())
    assert plain.decisive == plain.instances == 10


def test_exhaust_is_no_exhaustion_where_a_problem_is_too_large_to_decide() -> None:
    claim = toy(nonvacuous=lambda of: length_of(of) < 5, cases=lambda of: 2 * (length_of(of) != 3))
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert (evidence.kind, evidence.instances) == ("supported", 6)
    assert evidence.scope.endswith("5 problems, 4 of them under the hypotheses, 1 of these too large to decide")
    outside = toy(nonvacuous=lambda of: length_of(of) < 5, cases=lambda of: 2 * (length_of(of) < 5))
    assert engines.exhaust(outside, outside.families[0], "quick", Ticks()).kind == "exhausted"  # 5 is outside


def test_exhaust_is_inconclusive_without_a_decisive_case() -> None:
    claim = toy(decisive=lambda of: 0)
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert (evidence.kind, evidence.instances, evidence.decisive) == ("inconclusive", 10, 0)
    assert evidence.scope.endswith(
        "5 of them under the hypotheses. Vacuous: none of them could have refuted the claim. Yield problems of which some could"
    )
    assert engines.sample(claim, claim.samplers[0], "quick", 0, Ticks()).kind == "inconclusive"


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_prove_reports_the_steps() -> None:
    claim = toy(proof=lambda: 7)
    evidence = engines.prove(claim, claim.proofs[0])
    assert (evidence.kind, evidence.engine, evidence.scope, evidence.instances) == ("proved", "symbolic", "a proof", 7)


def test_a_proof_without_a_step_is_vacuous() -> None:
    claim = toy(proof=lambda: 0)
    evidence = engines.prove(claim, claim.proofs[0])
    assert (evidence.kind, evidence.instances, evidence.decisive) == ("inconclusive", 0, 0)
    assert evidence.scope.startswith("a proof. Vacuous: it made no step. ")


def test_a_proof_that_fails_is_inconclusive_and_says_where() -> None:
    def fails() -> int:
        raise AssertionError("step 3: x - y != 0")

    claim = toy(proof=fails)
    evidence = engines.prove(claim, claim.proofs[0])
    assert (evidence.kind, evidence.instances) == ("inconclusive", 0)
    assert evidence.scope == "a proof: the proof does not go through: step 3: x - y != 0"


def test_a_proof_that_is_broken_is_no_evidence() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engines.prove(toy(), dataclasses.replace(toy().proofs[0], check=broken))


def test_a_check_of_instances_says_that_it_is_one() -> None:
    instances = dataclasses.replace(toy().proofs[0], kind="exhausted")
    assert engines.prove(toy(), instances).kind == "exhausted"


def below(*, bound: int = 10) -> int:
    """A proof of the toy claim for lengths up to 4."""
    if bound <= 4:
        raise AssertionError(f"length 4 is not below {bound}")
    return 1


@pytest.mark.parametrize(
    ("notices", "kind"), [((), "proved"), (("below 3",), "proved"), (("below 5",), "inconclusive")]
)
def test_a_proof_must_not_go_through_for_the_mutants_that_it_notices(notices: tuple[str, ...], kind: str) -> None:
    evidence = engines.prove(toy(), Proof("a proof", below, notices=notices))
    assert evidence.kind == kind
    assert evidence.noticed == (notices if kind == "proved" else ())
    if kind == "inconclusive":
        assert evidence.scope == "a proof: the check does not notice the mutant below 5"


# ── Random problems ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_sample_supports_a_true_statement() -> None:
    claim, ticks = toy(bound=10**6), Ticks()
    sampler = Sampler("many lengths", draw_lengths(10**4), 20, 40)
    evidence = engines.sample(claim, sampler, "quick", 0, ticks)
    assert (evidence.kind, evidence.engine, evidence.witness) == ("supported", "sampled", None)
    assert evidence.instances == ticks.total == 40
    assert evidence.scope == (
        "many lengths: 20 distinct ones drawn by Hypothesis, 19 of them in no family, 20 under the hypotheses"
    )
    assert engines.sample(claim, sampler, "full", 0, Ticks()).scope.startswith("many lengths: 40 distinct ones drawn")


@pytest.mark.parametrize("seed", range(5))
def test_sample_shrinks_a_refutation_to_the_smallest(seed: int) -> None:
    claim = toy(bound=37)
    sampler = Sampler("many lengths", draw_lengths(1000), 50, 50)
    evidence = engines.sample(claim, sampler, "quick", seed, Ticks())
    assert evidence.kind == "refuted"
    assert evidence.witness is not None
    assert evidence.witness["facts"] == {"length": 37, "bound": "37"}
    assert evidence.witness["problem"]["train"][0]["length"] == 37


def test_sample_is_inconclusive_without_a_problem_under_the_hypotheses() -> None:
    claim = toy(nonvacuous=lambda of: False)
    evidence = engines.sample(claim, claim.samplers[0], "quick", 0, Ticks())
    assert (evidence.kind, evidence.instances) == ("inconclusive", 0)
    assert ", 0 under the hypotheses. Vacuous: the hypotheses hold on none. " in evidence.scope


def test_sample_is_inconclusive_when_nothing_can_be_drawn() -> None:
    sampler = Sampler("none at all", lambda: st.integers(1, 9).filter(lambda n: NEVER).map(problem), 10, 10)
    evidence = engines.sample(toy(), sampler, "quick", 0, Ticks())
    assert (evidence.kind, evidence.instances) == ("inconclusive", 0)
    assert evidence.scope == (
        "none at all: 0 distinct ones drawn by Hypothesis, 0 of them in no family, 0 under the hypotheses. Vacuous: there is "
        "none to decide. Yield some problems"
    )


def test_sample_decides_a_problem_once() -> None:
    seen: list[int] = []

    def note(of: Problem) -> int:
        seen.append(length_of(of))
        return 1

    def draw_often() -> st.SearchStrategy[Problem]:
        return st.tuples(st.integers(1, 6), st.integers(0, 99)).map(lambda drawn: problem(drawn[0]))

    claim = toy(cases=note)
    evidence = engines.sample(claim, Sampler("few lengths", draw_often, 60, 60), "quick", 0, Ticks())
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]
    assert evidence.scope == (
        "few lengths: 6 distinct ones drawn by Hypothesis, 1 of them in no family, 6 under the hypotheses"
    )


def test_sample_decides_one_problem_a_key() -> None:
    sampler = Sampler("lengths by parity", draw_lengths(9), 40, 40, key=lambda of: length_of(of) % 2)
    evidence = engines.sample(toy(), sampler, "quick", 0, Ticks())
    assert evidence.scope.startswith("lengths by parity: 2 distinct ones drawn by Hypothesis, 0 of them in no family")


@pytest.mark.parametrize(("longest", "kind"), [(9, "supported"), (2, "inconclusive")])
def test_draws_must_refute_the_mutants_that_they_notice(longest: int, kind: str) -> None:
    sampler = Sampler("some lengths", draw_lengths(longest), 1, 60, ("below 3", "below 5"))
    ticks = Ticks()
    evidence = engines.sample(toy(), sampler, "quick", 0, ticks)
    assert evidence.kind == kind
    assert evidence.noticed == (("below 3", "below 5") if kind == "supported" else ())
    assert ticks.total == evidence.instances  # what mutants meet is no case of the claim
    if kind == "inconclusive":
        assert evidence.scope.endswith(": the check does not notice the mutant below 3, below 5")


def drawn_lengths(seed: int, *, scope: str = "many lengths") -> list[int]:
    seen: list[int] = []

    def cases(of: object) -> int:
        seen.append(length_of(of))  # type: ignore[arg-type]
        return 1

    claim = toy(bound=10**9, cases=cases)
    engines.sample(claim, Sampler(scope, draw_lengths(10**4), 20, 20), "quick", seed, Ticks())
    return seen


def test_sample_depends_on_the_seed_and_the_scope_alone() -> None:
    first = drawn_lengths(0)
    engines.measure(toy(), toy().measurements[0], "quick", 5, Ticks())  # something else in between
    np.random.default_rng(1).integers(10)
    assert drawn_lengths(0) == first
    assert drawn_lengths(1) != first
    assert drawn_lengths(0, scope="other lengths") != first


# ── Measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_measure_reports_what_was_seen() -> None:
    claim, ticks = toy(), Ticks()
    evidence = engines.measure(claim, claim.measurements[0], "quick", 0, ticks)
    assert (evidence.kind, evidence.engine, evidence.instances) == ("supported", "search", 10)
    assert ticks.total == 10
    assert evidence.scope.startswith("ten lengths: drew [")
    assert engines.measure(claim, claim.measurements[0], "quick", 0, Ticks()).scope == evidence.scope
    assert engines.measure(claim, claim.measurements[0], "quick", 1, Ticks()).scope != evidence.scope


def test_measure_refutes_with_a_witness_that_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = toy(measured_bound=4)
    evidence = engines.measure(claim, claim.measurements[0], "quick", 3, Ticks())
    assert evidence.kind == "refuted"
    witness = json.loads(json.dumps(evidence.witness))
    assert (witness["variant"], witness["seed"], witness["profile"]) == ("measured: ten lengths", 3, "quick")
    monkeypatch.setattr(t1, "claim", claim)
    assert replay(witness).reproduced
    assert not replay({**witness, "facts": {"drawn": 1}}).reproduced
    monkeypatch.setattr(t1, "claim", toy())  # once mended, the measurement refutes nothing
    assert not replay(witness).reproduced
    for seed, profile in ((None, "quick"), (-1, "quick"), ("3", "quick"), (3, "slow"), (3, None)):
        with pytest.raises(InvalidArgument, match=r"seed, profile: got .*expected the seed and the profile of the run"):
            replay({**witness, "seed": seed, "profile": profile})


@pytest.mark.parametrize(("names", "kind"), [(("below 3", "below 5"), "supported"), (("below 10",), "inconclusive")])
def test_a_measurement_must_refute_the_mutants_that_it_notices(names: tuple[str, ...], kind: str) -> None:
    def run(rng: np.random.Generator, profile: Profile, tick: Any, *, bound: int = 11) -> Measured:
        assert (bound == 11) == (profile == "quick")  # mutants get a full run
        return measure(rng, profile, tick, bound=bound)

    claim = toy(mutants={"below 3": 3, "below 5": 5, "below 10": 10})
    ticks = Ticks()
    evidence = engines.measure(claim, Measurement("search", "ten lengths", run, names), "quick", 0, ticks)
    assert evidence.kind == kind
    assert evidence.noticed == (names if kind == "supported" else ())
    assert ticks.total == evidence.instances == evidence.decisive == 10


def test_a_measurement_without_a_decisive_case_is_inconclusive() -> None:
    def run(rng: np.random.Generator, profile: Profile, tick: Any) -> Measured:
        return Measured(7, "seven heads, none perfect", decisive=0)

    evidence = engines.measure(toy(), Measurement("search", "heads", run), "quick", 0, Ticks())
    assert (evidence.kind, evidence.instances, evidence.decisive) == ("inconclusive", 7, 0)
    assert evidence.scope == (
        "heads: seven heads, none perfect. Vacuous: none of these cases could have refuted the claim"
    )


# ── Mutants and necessity ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mutant_is_refuted_with_a_witness_or_survives() -> None:
    claim = toy(mutants={"below 3": 3, "below 100": 100})
    ticks = Ticks()
    witness = engines.refute_mutant(claim, "below 3", "quick", ticks)
    assert witness is not None
    assert (witness["variant"], witness["facts"]) == ("mutant: below 3", {"length": 3, "bound": "3"})
    assert ticks.total == 5  # the families take turns: 1, 1, 2, 2, 3
    assert engines.refute_mutant(claim, "below 100", "quick", Ticks()) is None
    assert engines.refute_mutant(toy(mutants={"below 8": 8}), "below 8", "full", Ticks()) is not None
    assert engines.refute_mutant(toy(mutants={"below 8": 8}), "below 8", "quick", Ticks()) is None


def test_a_dropped_hypothesis_needs_a_witness() -> None:
    claim, ticks = toy(), Ticks()
    witness = engines.drop(claim, "short", ticks)
    assert witness is not None
    assert (witness["variant"], witness["facts"]) == ("without: short", {"length": 12, "bound": "10"})
    assert ticks.total == 2
    assert engines.drop(toy(bound=20), "short", Ticks()) is None


def test_a_dropped_hypothesis_may_have_a_statement_of_its_own() -> None:
    claim = toy(without=lambda: iter([problem(4)]), dropped={"bound": 4})
    witness = engines.drop(claim, "short", Ticks())
    assert witness is not None
    assert witness["facts"] == {"length": 4, "bound": "4"}


# ── Witnesses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variant", ["stated", "mutant: below 3", "without: short"])
def test_a_witness_replays_after_a_json_roundtrip(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = toy(bound=4)
    monkeypatch.setattr(t1, "claim", claim)
    found = {
        "stated": engines.exhaust(claim, claim.families[0], "quick", Ticks()).witness,
        "mutant: below 3": engines.refute_mutant(claim, "below 3", "quick", Ticks()),
        "without: short": engines.drop(claim, "short", Ticks()),
    }[variant]
    assert found is not None
    assert (found["schema"], found["claim"], found["variant"]) == (1, CLAIM, variant)
    outcome = replay(json.loads(json.dumps(found)))
    assert outcome.reproduced
    assert outcome.summary.startswith(f"{CLAIM}, {variant}: length ")
    monkeypatch.setattr(t1, "claim", toy(bound=100, mutants={"below 3": 100}))
    changed = replay(json.loads(json.dumps(found)))  # the statement is another one now
    assert not changed.reproduced
    assert "recorded {'length': " in changed.summary
    assert changed.summary.endswith("now None")


# ── Generators and climbing ──────────────────────────────────────────────────────────────────────────────────────────


def test_generators_are_keyed_by_seed_and_names() -> None:
    def first(seed: int, *names: str) -> int:
        return int(generator(seed, *names).integers(2**62))

    assert first(0, "T1", "a") == first(0, "T1", "a")
    assert (
        len({first(0, "T1", "a"), first(1, "T1", "a"), first(0, "T1", "b"), first(0, "T2", "a"), first(0, "T1")}) == 5
    )


def planted_objective(state: tuple[int, ...]) -> Fraction:
    """How many entries agree with a hidden state."""
    return Fraction(sum(a == b for a, b in zip(state, (2, 0, 1, 1, 2, 0), strict=True)))


def test_climb_finds_a_planted_maximum() -> None:
    ticks = Ticks()
    rng = np.random.default_rng(0)
    state, value, tried = engines.climb(rng, (0,) * 6, planted_objective, n_choices=3, steps=400, tick=ticks)
    assert (state, value, tried) == ((2, 0, 1, 1, 2, 0), 6, 401)
    assert ticks.total == 400


def test_climb_never_goes_down_and_reports_the_value_of_its_state() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        state, value, _ = engines.climb(rng, (2, 0, 1, 0, 0, 1), planted_objective, n_choices=3, steps=3, tick=Ticks())
        assert value == planted_objective(state) >= 3


def test_climb_without_steps_stays() -> None:
    rng = np.random.default_rng(0)
    assert engines.climb(rng, (1,) * 6, planted_objective, n_choices=3, steps=0, tick=Ticks()) == ((1,) * 6, 2, 1)
