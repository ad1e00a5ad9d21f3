"""The checks can fail: break the code below them, and they must refute, or the proof must not go through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from math import comb
from typing import Any

import pytest

from idealized_model import HeadSpace, SampledLoss, unlisted
from proofs_check import Evidence
from proofs_check.claims import engines, find, soft, t1, t2, t3, t3a, t3b, t4, t11
from proofs_check.claims.herbrand import atom
from proofs_check.problem import Problem
from proofs_check.replay import replay
from tests.proofs_check.toys import Ticks, clear_caches
from theory import Coverage, HardHead, HeadClass, PlantedLaw, Verdict, bounds, criterion
from theory.criterion import Outcome
from theory.positions import Blocks, RandomShift

pytestmark = pytest.mark.usefixtures("fresh_caches")

Break = Callable[[pytest.MonkeyPatch], None]


# ── Ways to break the code ───────────────────────────────────────────────────────────────────────────────────────────


def change(patch: pytest.MonkeyPatch, owner: Any, name: str, result: Callable[[Any], Any]) -> None:
    """Let a function or method return something else than it does."""
    whole = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments, **options: result(whole(*arguments, **options)))


def certificate_one_short(patch: pytest.MonkeyPatch) -> None:
    change(patch, bounds, "certificate", lambda length: length - 1)


def certificate_one_long(patch: pytest.MonkeyPatch) -> None:
    change(patch, bounds, "certificate", lambda length: length + 1)


def interleavings_without_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bounds, "interleavings", lambda arity, planted, overlap: comb(arity + planted, overlap))


def kappa_with_one_noise_more(patch: pytest.MonkeyPatch) -> None:
    whole = bounds.exchangeable_kappa

    def wrong(arity: Any, *, train: Any, test: Any, n_noise: Any = None) -> Any:
        return whole(arity, train=train, test=test, n_noise=(arity if n_noise is None else n_noise) - 1)

    patch.setattr(bounds, "exchangeable_kappa", wrong)


def floor_without_the_two(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bounds, "half_wrong_floor", lambda n: bounds.ratio(1, n))


def domination_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(criterion, "_minimal", lambda sets: [frozenset()])


def reason_forgotten(reason: str) -> Break:
    def forget(patch: pytest.MonkeyPatch) -> None:
        change(
            patch, criterion, "_first_failure", lambda failure: None if failure and failure[0] == reason else failure
        )

    return forget


def every_view_consistent(patch: pytest.MonkeyPatch) -> None:
    """A head that also answers views of two labels: realizability is overestimated."""
    whole = HeadSpace.zero_loss

    def wrong(self: HeadSpace, examples: Iterable[Any]) -> Any:
        return whole(self, list(examples)[:-1])

    patch.setattr(HeadSpace, "zero_loss", wrong)


def no_head_perfect_at_test(patch: pytest.MonkeyPatch) -> None:
    change(patch, Problem, "perfect", lambda found: (found[0], found[1] & False))


def every_head_perfect_at_test(patch: pytest.MonkeyPatch) -> None:
    change(patch, Problem, "perfect", lambda found: (found[0], found[1] | True))


def abstention_for_free(patch: pytest.MonkeyPatch) -> None:
    change(patch, HeadSpace, "losses", lambda found: (found[0] - found[1], *found[1:]))


def no_loss_at_all(patch: pytest.MonkeyPatch) -> None:
    change(patch, HardHead, "loss", lambda loss: Fraction(0))


def one_candidate_in_training(patch: pytest.MonkeyPatch) -> None:
    change(patch, t3, "coverage", lambda cov: replace(cov, candidates=1))


def masses_at_test_too_small(patch: pytest.MonkeyPatch) -> None:
    def smaller(cov: Coverage) -> Coverage:
        return replace(cov, masses={pattern: (m, n / 20) for pattern, (m, n) in cov.masses.items()})

    change(patch, t3, "coverage", smaller)


def kappa0_halved(patch: pytest.MonkeyPatch) -> None:
    change(patch, t3, "coverage", lambda cov: replace(cov, kappa0=cov.kappa0 / 2))


def first_candidate_lost(patch: pytest.MonkeyPatch) -> None:
    change(patch, HeadClass, "candidates", lambda sets: islice(sets, 1, None))


def retention_halved(patch: pytest.MonkeyPatch) -> None:
    change(patch, t11, "retention", lambda found: replace(found, value=found.value / 2))


def rare_noise_doubled(patch: pytest.MonkeyPatch) -> None:
    change(patch, t3a, "rare_noise_loss", lambda loss: 2 * loss)


def answers_unbound(patch: pytest.MonkeyPatch) -> None:
    change(patch, t1, "right", lambda formula: atom("anything"))


# ── … T1 and T4: verdicts whose head is none ─────────────────────────────────────────────────────────────────────────


def head_replaced(by: Callable[[Problem, Verdict], HardHead | None]) -> Break:
    """A verdict "fails" with another head than its counterexample."""

    def replace_head(patch: pytest.MonkeyPatch) -> None:
        whole = Problem.verdict

        def wrong(problem: Problem) -> Verdict:
            verdict = whole(problem)
            return replace(verdict, counterexample=by(problem, verdict)) if verdict.outcome == "fails" else verdict

        patch.setattr(Problem, "verdict", wrong)

    return replace_head


def outcome_turned(before: Outcome, after: Outcome) -> Break:
    """Verdicts of one outcome have another."""
    return lambda patch: change(
        patch,
        Problem,
        "verdict",
        lambda verdict: replace(verdict, outcome=after) if verdict.outcome == before else verdict,
    )


def no_head(problem: Problem, verdict: Verdict) -> None:
    return None


def silent_head(problem: Problem, verdict: Verdict) -> HardHead:
    """It is not perfect in training."""
    return HardHead(problem.heads, {})


def perfect_head(problem: Problem, verdict: Verdict) -> HardHead | None:
    """One that does not lose at test either, where there is one."""
    trained, tested = problem.perfect()
    numbers = (trained & tested).nonzero()[0]
    return problem.space().head(int(numbers[0])) if numbers.size else verdict.counterexample


# ── … losses at one length, masses and closed forms between two ──────────────────────────────────────────────────────


def loss_at(module: Any, length: int, value: Fraction) -> Break:
    """Every head loses so much at one length."""

    def break_loss(patch: pytest.MonkeyPatch) -> None:
        whole = module.loss
        patch.setattr(module, "loss", lambda head, law: value if law.length == length else whole(head, law))

    return break_loss


def loss_of_soft_heads_at_test(patch: pytest.MonkeyPatch) -> None:
    whole = soft.soft_loss

    def wrong(head: Any, law: Any) -> Fraction:
        return Fraction(1) if getattr(law, "length", 0) == 5 else whole(head, law)

    patch.setattr(soft, "soft_loss", wrong)


def bound_halved(patch: pytest.MonkeyPatch) -> None:
    change(patch, Coverage, "bound", lambda bound: bound / 2)


def covered(module: Any, field: str, wrong: Callable[[Any], Any]) -> Break:
    """One field of what `coverage` finds is another."""
    return lambda patch: change(
        patch, module, "coverage", lambda cov: replace(cov, **{field: wrong(getattr(cov, field))})
    )


def no_loss_in_training(patch: pytest.MonkeyPatch) -> None:
    whole = t3a.rare_noise_loss
    patch.setattr(
        t3a, "rare_noise_loss", lambda k, length, x, share: 0 if length == 2 * k else whole(k, length, x, share)
    )


def rare_noise_at(shift: int) -> Break:
    """The loss of the rare-noise head at a length slightly off, where that is great."""

    def break_loss(patch: pytest.MonkeyPatch) -> None:
        whole = t3a.rare_noise_loss
        patch.setattr(
            t3a, "rare_noise_loss",
            lambda k, length, x, share: whole(k, length + shift * (length > 20), x, share),
        )  # fmt: skip

    return break_loss


def rate_of(value: Callable[[int], Fraction]) -> Break:
    """A closed form that claims the exponent 1."""
    return lambda patch: patch.setattr(bounds, "rates", lambda: (bounds.Rate("a rate", 1, value),))


def certificates_without(place: int, only: Callable[[HeadClass], bool] = lambda heads: True) -> Break:
    """One of the lengths that suffice is forgotten."""

    def forget(patch: pytest.MonkeyPatch) -> None:
        whole = t4.certificate_lengths

        def wrong(problem: Problem) -> tuple[int, ...]:
            found = whole(problem)
            covers = problem.planted[0].positions != RandomShift(0, 3)
            return found[:place] + found[place + 1 :] if covers and only(problem.heads) else found

        patch.setattr(t4, "certificate_lengths", wrong)

    return forget


def masses_of(touching: bool, scale: Callable[[Fraction, int], Fraction]) -> Break:
    """Masses of touching (or of disjoint) candidates that depend on the length in another way."""

    def break_masses(patch: pytest.MonkeyPatch) -> None:
        whole = t3b.enumerated_pattern_masses

        def wrong(heads: HeadClass, law: PlantedLaw) -> Any:
            masses = whole(heads, law).items()
            return {p: scale(m, law.length) if (p.n_noise < heads.arity) == touching else m for p, m in masses}

        patch.setattr(t3b, "enumerated_pattern_masses", wrong)

    return break_masses


def touching_pairs_of_twice_the_width(patch: pytest.MonkeyPatch) -> None:
    whole = t3b.touching_pairs
    patch.setattr(t3b, "touching_pairs", lambda width, offset, length: whole(2 * width, offset, length))


def interval_of_no_width(patch: pytest.MonkeyPatch) -> None:
    def wrong(head: Any, law: Any, rng: Any, size: int, *, level: Fraction) -> SampledLoss:
        return SampledLoss(Fraction(0), 0.0, 0.0, level, size)

    patch.setattr(t3a, "sampled_loss", wrong)


def one_label_drawn(patch: pytest.MonkeyPatch) -> None:
    change(patch, PlantedLaw, "sample", lambda drawn: [replace(example, label=0) for example in drawn])


def blocks_uncoupled(patch: pytest.MonkeyPatch) -> None:
    change(patch, Blocks, "__call__", lambda ids: tuple(range(len(ids))))


def one_shift_only(patch: pytest.MonkeyPatch) -> None:
    change(patch, RandomShift, "relabellings", lambda relabellings: islice(relabellings, 1))


def histograms_without_multinomials(patch: pytest.MonkeyPatch) -> None:
    change(patch, unlisted, "_histograms", lambda found: ((counts, 1) for counts, _ in found))


def one_example_listed(patch: pytest.MonkeyPatch) -> None:
    change(patch, PlantedLaw, "support", lambda examples: examples[:1])


# ── Proofs that then do not go through ───────────────────────────────────────────────────────────────────────────────

PROOFS: list[tuple[str, str, Break]] = [
    ("T1", "T1's proof", answers_unbound),
    ("T2", "overlap patterns", certificate_one_short),
    ("T2", "overlap patterns", certificate_one_long),
    ("T2", "overlap patterns", interleavings_without_order),
    ("T2", "sizes of the proof", certificate_one_short),
    ("T2", "sizes of the proof", certificate_one_long),
    ("T3a", "the mass ratio", kappa_with_one_noise_more),
    ("T3a", "κ grows", kappa_with_one_noise_more),
    ("T3a", "the exponent k is tight", kappa_with_one_noise_more),
    ("T3a", "the exponent k is tight", rare_noise_doubled),
    ("T3b", "pairs, w = 1..4", touching_pairs_of_twice_the_width),
    ("T4", "for every l < L", answers_unbound),
    ("T5", "coupled parity", blocks_uncoupled),
    ("T5", "coupled parity", reason_forgotten("unseen")),
    ("T5", "coupled parity", first_candidate_lost),
    ("T7", "the floor", floor_without_the_two),
    ("T11", "survival probability", kappa_with_one_noise_more),
]


@pytest.mark.parametrize(("claim_id", "name", "broken"), PROOFS)
def test_a_proof_notices(claim_id: str, name: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    (proof,) = [proof for proof in plan.proofs if name in proof.scope]
    broken(monkeypatch)
    evidence = engines.prove(plan, proof)
    assert evidence.kind == "inconclusive"
    assert "the proof does not go through: " in evidence.scope


# ── Families and measurements that then refute ───────────────────────────────────────────────────────────────────────

EXHAUSTIVE: list[tuple[str, str, Break]] = [
    ("T1", "arity 2, V = 2, key none", domination_forgotten),
    ("T1", "arity 2, V = 2, key none", reason_forgotten("flip")),
    ("T1", "arity 1, V = 2, absolute key", reason_forgotten("unseen")),
    ("T1", "arity 2, V = 2, key none", every_view_consistent),
    ("T1", "arity 2, V = 2, key none", outcome_turned("generalizes", "fails")),
    ("T1", "arity 2, V = 2, key none", outcome_turned("unrealizable", "generalizes")),
    ("T1", "arity 2, V = 2, key none", head_replaced(no_head)),
    ("T1", "arity 2, V = 2, key none", head_replaced(silent_head)),
    ("T1", "arity 1, V = 2, absolute key", head_replaced(perfect_head)),
    ("T2", "every hard head, arity 1 and 2", every_view_consistent),
    ("T2", "every anchored hard head", no_head_perfect_at_test),
    ("T2", "tightness on marked parity", first_candidate_lost),
    ("T2", "tightness on marked parity", every_head_perfect_at_test),
    ("T2", "tightness on marked parity", loss_at(t2, 5, Fraction(1, 2))),
    ("T2", "tightness on marked parity", loss_at(t2, 6, Fraction(0))),
    ("T3", "mixed", one_candidate_in_training),
    ("T3", "uniform supports", masses_at_test_too_small),
    ("T3", "uniform supports", kappa0_halved),
    ("T3", "uniform supports", bound_halved),
    ("T3", "uniform supports", loss_of_soft_heads_at_test),
    ("T3", "local and paired", masses_at_test_too_small),
    ("T3", "local and paired", kappa0_halved),
    ("T3", "rare noise token", masses_at_test_too_small),
    ("T3", "rare noise token", kappa0_halved),
    ("T3a", "against enumeration", first_candidate_lost),
    ("T3a", "against enumeration", covered(t3a, "kappa", lambda kappa: kappa + 1)),
    ("T3a", "against enumeration", covered(t3a, "kappa0", lambda kappa0: 2 * kappa0)),
    ("T3a", "against enumeration", covered(t3a, "candidates", lambda number: number + 1)),
    ("T3b", "κ and κ0", masses_of(touching=False, scale=lambda mass, length: mass * 9 if length > 24 else mass)),
    ("T3b", "κ and κ0", masses_of(touching=False, scale=lambda mass, length: mass / 9 if length > 24 else mass)),
    ("T3b", "κ and κ0", covered(t3b, "kappa0", lambda kappa0: 2 * kappa0)),
    ("T3b", "κ and κ0", covered(t3b, "kappa", lambda kappa: 2 * kappa)),
    ("T3b", "exact differences", masses_of(touching=True, scale=lambda mass, length: mass * length)),
    ("T3b", "exact differences", masses_of(touching=False, scale=lambda mass, length: mass / length)),
    ("T3b", "exact differences", masses_of(touching=False, scale=lambda mass, length: mass * length)),
    ("T3b", "exact differences", masses_of(touching=False, scale=lambda mass, length: 2 * mass)),
    ("T4", "(i), (ii)", reason_forgotten("unseen")),
    ("T4", "(i), (ii)", outcome_turned("fails", "generalizes")),
    ("T4", "(i), (ii)", head_replaced(no_head)),
    ("T4", "(i), (ii)", head_replaced(silent_head)),
    ("T4", "(i), (ii)", head_replaced(perfect_head)),
    ("T4", "(iii)", reason_forgotten("unseen")),
    ("T4", "(iii)", certificates_without(0)),
    ("T5", "two and three blocks", blocks_uncoupled),
    ("T7", "constant noise", abstention_for_free),
    ("T10", "losses by histograms", histograms_without_multinomials),
    ("T10", "losses by histograms", one_example_listed),
    ("T11", "uniform supports", retention_halved),
]

MEASURED: list[Any] = [
    ("T1", "greedy adversary", reason_forgotten("unseen")),
    ("T1", "greedy adversary", reason_forgotten("flip")),
    ("T2", "hill climbing", loss_at(t2, 5, Fraction(1, 2))),
    pytest.param("T3", "hill climbing", masses_at_test_too_small, marks=pytest.mark.slow),
    ("T3a", "Monte Carlo", interval_of_no_width),
    ("T3a", "Monte Carlo", no_loss_in_training),
    ("T3a", "the tight instance", rare_noise_at(1)),
    ("T3a", "the tight instance", rare_noise_at(-1)),
    ("T3b", "log-log slopes", rate_of(lambda n: Fraction(n + 40))),
    ("T3b", "log-log slopes", rate_of(lambda n: Fraction(n**1.001))),
    ("T4", "certificate lengths", one_shift_only),
    pytest.param("T4", "certificate lengths", certificates_without(2), marks=pytest.mark.slow),
    ("T4", "certificate lengths", certificates_without(0, lambda heads: heads.arity == 1)),
    pytest.param(
        "T4",
        "certificate lengths",
        certificates_without(0, lambda heads: (heads.arity, heads.window, heads.key) == (2, 2, "absolute")),
        marks=pytest.mark.slow,
    ),
    pytest.param("T7", "Monte Carlo", one_label_drawn, marks=pytest.mark.slow),
    ("T7", "hill climbing", no_loss_at_all),
]


def refuted_and_replayed(evidence: Evidence, patch: pytest.MonkeyPatch) -> None:
    """The evidence refutes with a witness that replays as long as the code is broken, and no longer.

    So what refuted came from the breaking: the same check on the code as it is refutes nothing.
    """
    assert evidence.kind == "refuted", evidence
    witness = json.loads(json.dumps(evidence.witness))
    assert replay(witness).reproduced
    patch.undo()
    clear_caches()
    mended = replay(witness)
    assert not mended.reproduced
    assert mended.summary.endswith("now None")


@pytest.mark.parametrize(("claim_id", "name", "broken"), EXHAUSTIVE)
def test_a_family_notices(claim_id: str, name: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    (family,) = [family for family in plan.families if name in family.scope]
    broken(monkeypatch)
    refuted_and_replayed(engines.exhaust(plan, family, "quick", Ticks()), monkeypatch)


@pytest.mark.parametrize(("claim_id", "name", "broken"), MEASURED)
def test_a_measurement_notices(claim_id: str, name: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    (measurement,) = [measurement for measurement in plan.measurements if name in measurement.scope]
    broken(monkeypatch)
    refuted_and_replayed(engines.measure(plan, measurement, "quick", 0, Ticks()), monkeypatch)


SAMPLED: list[Any] = [
    pytest.param("T1", reason_forgotten("unseen"), marks=pytest.mark.slow),
    ("T2", no_head_perfect_at_test),
    ("T3", kappa0_halved),
    ("T3a", covered(t3a, "kappa", lambda kappa: kappa + 1)),
    ("T3b", masses_of(touching=False, scale=lambda mass, length: mass * length)),
    ("T4", head_replaced(silent_head)),
]


@pytest.mark.parametrize(("claim_id", "broken"), SAMPLED)
def test_a_sampler_notices(claim_id: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    broken(monkeypatch)
    refuted_and_replayed(engines.sample(plan, plan.samplers[0], "quick", 0, Ticks()), monkeypatch)


def test_the_greedy_adversary_finds_failures_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it found again it evaluated: where no head loses anything, it found nothing, whatever T1 says."""
    plan = find("T1")
    monkeypatch.setattr(t1, "loss", lambda head, law: Fraction(0))
    evidence = engines.measure(plan, replace(plan.measurements[0], notices=()), "quick", 0, Ticks())
    assert evidence.kind == "supported"
    assert re.search(r"in 0 of [1-9]\d* problems where it says fails one does", evidence.scope)


def test_decide_does_not_pass_off_a_head_that_is_no_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find("T1")
    no_loss_at_all(monkeypatch)
    with pytest.raises(AssertionError, match="the counterexample head has train loss 0 and test loss 0; this is a bug"):
        engines.exhaust(plan, plan.families[0], "quick", Ticks())
