"""The checks of T5 to T14 can fail, comparison by comparison: one fault of the machine below for each, grouped by claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy

from idealized_model import HeadOutput, HeadSpace, SparseAttentionHead
from proofs_check.claims import engines, find, soft, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14
from proofs_check.claims.families import ensemble, marked_parity
from proofs_check.problem import Problem
from tests.proofs_check.test_breaking import (
    Break,
    abstention_for_free,
    blocks_uncoupled,
    change,
    no_loss_at_all,
    refuted_and_replayed,
    retention_halved,
)
from tests.proofs_check.toys import Ticks
from theory import FiniteLaw, HardHead, HeadClass, PlantedEnsemble, View, bounds, positions, support
from theory.guarantees import Guarantees
from theory.planted import PlantedLaw
from theory.soft import SoftGuarantees, SoftHead, Term

pytestmark = pytest.mark.usefixtures("fresh_caches")

HALF = Fraction(1, 2)


# ── Ways to break the code ───────────────────────────────────────────────────────────────────────────────────────────


def verdicts_say(outcome: str) -> Break:
    return lambda patch: change(patch, Problem, "verdict", lambda verdict: replace(verdict, outcome=outcome))


def heads_say(outcome: str) -> Break:
    return lambda patch: change(patch, Problem, "brute_force", lambda found: outcome)


def unrealizable_at_the_spread(patch: pytest.MonkeyPatch) -> None:
    whole = t5.decide

    def wrong(heads: HeadClass, *, train: Any, test: Any) -> Any:
        verdict = whole(heads, train=train, test=test)
        return replace(verdict, outcome="unrealizable") if heads.window == train.length // 2 else verdict

    patch.setattr(t5, "decide", wrong)


def longer_laws_lose_all(patch: pytest.MonkeyPatch) -> None:
    """Every hard head loses 1 at test, where that is longer than training."""
    whole = HeadSpace.losses

    def wrong(self: HeadSpace, law: Any, **options: Any) -> Any:
        losses, abstained, denominator = whole(self, law, **options)
        long = max(example.length for example in law.support()) > 2 * self.heads.arity
        return (np.full_like(losses, denominator) if long else losses), abstained, denominator

    patch.setattr(HeadSpace, "losses", wrong)


def soft_heads_of_longer_laws_lose_all(module: Any, name: str) -> Break:
    def wrong(head: Any, law: PlantedLaw) -> Fraction:
        return Fraction(law.length > 2 * head.heads.arity)

    return lambda patch: patch.setattr(module, name, wrong)


def together(*breaks: Break) -> Break:
    def broken(patch: pytest.MonkeyPatch) -> None:
        for own in breaks:
            own(patch)

    return broken


def machine_says(name: str, value: Any) -> Break:
    """An attribute of what the machine says of ranked heads."""
    return lambda patch: patch.setattr(Guarantees, name, property(lambda self: value))


def no_ranked_head_is_perfect(patch: pytest.MonkeyPatch) -> None:
    change(patch, t13.AllRankings, "perfect", lambda perfect: perfect & False)


def nothing_is_placed_by_what_is_left(patch: pytest.MonkeyPatch) -> None:
    """The closure of ranked heads stays where it begins, that of hard ones does not."""
    whole = t13.Statement.rest_of

    def wrong(self: t13.Statement, train: Any, without: Any) -> Any:
        return train if self.counts == "left" else whole(self, train, without)

    patch.setattr(t13.Statement, "rest_of", wrong)


def hard_heads_guarantee_nothing(patch: pytest.MonkeyPatch) -> None:
    whole = t13.Statement.guarantees

    def wrong(self: t13.Statement, *arguments: Any, two_labels: bool) -> bool:
        return self.counts == "left" and whole(self, *arguments, two_labels=two_labels)

    patch.setattr(t13.Statement, "guarantees", wrong)


def ranked_heads_lose(value: int, *, train: bool) -> Break:
    """The heads that are to err at test, evaluated on what training shows, or on what it does not."""

    def broken(patch: pytest.MonkeyPatch) -> None:
        def wrong(self: Guarantees, example: Any) -> Any:
            found = self.why(example)
            losses = {"loss": lambda e: Fraction(value if (e in self.train.table) == train else (e == example))}
            return None if found is None else SimpleNamespace(**losses)

        patch.setattr(Guarantees, "head", wrong)

    return broken


def found(**changes: Any) -> Break:
    """What the machine says of soft heads, changed."""

    def broken(patch: pytest.MonkeyPatch) -> None:
        def changed(own: SoftGuarantees) -> SoftGuarantees:
            for name, value in changes.items():
                setattr(own, name, value(getattr(own, name)))
            return own

        change(patch, t14, "soft_guarantees", changed)

    return broken


def certificates(terms: Callable[[tuple[Term, ...]], tuple[Term, ...]]) -> Break:
    return lambda patch: change(
        patch, SoftGuarantees, "certificate", lambda of: {other: terms(own) for other, own in of.items()}
    )


def nobody_eliminates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(t14, "UNKNOWNS", 0)


everything_is_guaranteed = together(
    nobody_eliminates,
    found(guaranteed=np.ones_like),
    lambda patch: patch.setattr(SoftGuarantees, "certificate", lambda self, row: {}),
)


def scaled(module: Any, name: str, factor: Fraction) -> Break:
    """A function of a module that returns a multiple of what it should."""
    return lambda patch: change(patch, module, name, lambda value: factor * value)


def outputs(changed: Callable[[HeadOutput], HeadOutput]) -> Break:
    return lambda patch: change(patch, SparseAttentionHead, "from_counts", changed)


def half_of_the_right(out: HeadOutput) -> HeadOutput:
    return replace(out, law={label: p / 2 for label, p in out.law.items()})


def never_wrong(out: HeadOutput) -> HeadOutput:
    return replace(out, law=dict.fromkeys((0, 1), Fraction(1)))


def a_view_lost(module: Any, name: str) -> Break:
    """A learner that forgets the first view that it selects."""
    return lambda patch: change(
        patch, module, name, lambda head: HardHead(head.heads, dict(list(head.answers.items())[1:]))
    )


def nothing_learned(patch: pytest.MonkeyPatch) -> None:
    change(patch, t9, "learn", lambda head: HardHead(head.heads, {}))


def worst_head_always_wrong(patch: pytest.MonkeyPatch) -> None:
    change(patch, t9, "_worst", lambda found: dict.fromkeys(found, Fraction(1)))


def kappa_is(value: Fraction | float) -> Break:
    return lambda patch: change(patch, t9, "coverage", lambda cov: replace(cov, kappa=value, kappa0=value))


def critical_length_moved(by: int) -> Break:
    return lambda patch: change(patch, bounds, "critical_length", lambda length: length + by)


def one_view_more(counts: Counter[View]) -> Counter[View]:
    return counts + Counter(islice(counts, 1))


def patterns_with(fault: Callable[[np.ndarray[Any, Any], Any], None]) -> Break:
    """Counts of patterns with a fault that may depend on the tokens."""

    def break_counts(patch: pytest.MonkeyPatch) -> None:
        whole = t10.pattern_counts

        def wrong(tokens: Any, **options: Any) -> Any:
            counts = whole(tokens, **options).copy()
            fault(counts, tokens)
            return counts

        patch.setattr(t10, "pattern_counts", wrong)

    return break_counts


def doubled(counts: np.ndarray[Any, Any], tokens: Any) -> None:
    counts *= 2


def twice_as_many_tuples(patch: pytest.MonkeyPatch) -> None:
    """Every count doubled, and so is the product of the counts on both sides of a cut: only their total is wrong."""
    calls = iter(range(10**6))
    whole = t10.signature
    patch.setattr(t10, "signature", lambda *part, **options: [
        level * 2 if first else level for first in [next(calls) % 2 == 0] for level in whole(*part, **options)
    ])  # fmt: skip
    patterns_with(doubled)(patch)


def first_pair_swapped(counts: np.ndarray[Any, Any], tokens: Any) -> None:
    """The same under every renaming of the tokens, and of the same total; not the reverse of a reversal."""
    if counts.ndim == 2 and tokens[0] != tokens[1]:
        counts[tokens[0], tokens[1]] += 1
        counts[tokens[1], tokens[0]] -= 1


def first_token_favoured(counts: np.ndarray[Any, Any], tokens: Any) -> None:
    """Symmetric and of the same total, but not the same when tokens are renamed."""
    counts[(0,) * counts.ndim] += 1
    counts[(1,) * counts.ndim] -= 1


# ── Families, draws and measurements, each with the facts that must come of it ───────────────────────────────────────

FAMILIES: list[tuple[str, str, Break, dict[str, Any]]] = [
    ("T5", "parity of two", verdicts_say("unrealizable"), {"verdict": "unrealizable"}),
    ("T5", "parity of two", heads_say("unrealizable"), {"brute_force": "unrealizable"}),
    ("T5", "(i)", verdicts_say("fails"), {"part": "(i)", "verdict": "fails"}),
    ("T5", "(i)", heads_say("fails"), {"part": "(i)", "brute_force": "fails"}),
    ("T5", "(ii)", verdicts_say("generalizes"), {"part": "(ii)", "verdict": "generalizes"}),
    ("T5", "(ii)", heads_say("fails"), {"part": "(ii)", "brute_force": "fails"}),
    ("T6", "one marked word", outputs(half_of_the_right), {"claimed": "0", "exact": "1/2"}),
    ("T6", "one marked word", outputs(never_wrong), {"exact": "0"}),
    ("T6", "every planting", outputs(half_of_the_right), {}),
    ("T7", "parity of 2 and 3", lambda patch: change(patch, t7, "labelled_counts", lambda found: {
        view: Counter(label for label in counts if label) for view, counts in found.items()}), {"wrong_share": "1"}),
    ("T8", "both couplings", verdicts_say("generalizes"), {"perfect_in_training": True}),
    ("T8", "both couplings", lambda patch: change(patch, t8, "rollout", lambda right: False), {"bound": "0"}),
    ("T8", "disturbed", scaled(t8, "_step_loss", HALF), {}),
    ("T9", "plantings with", a_view_lost(t9, "eliminate"), {"learner": "eliminate", "consistent": False}),
    ("T9", "plantings with", a_view_lost(t9, "minimal"), {"learner": "minimal", "consistent": False}),
    ("T9", "plantings with", worst_head_always_wrong, {"learner": "worst"}),
    ("T9", "look-up", scaled(t9, "_log", Fraction(1, 20)), {}),
    ("T10", "Chen at every cut", lambda patch: change(patch, t10, "view_counts", one_view_more), {"view_counts": "differ"}),
    ("T10", "every key and anchor", lambda patch: change(patch, t10, "view_counts", one_view_more),
     {"view_counts": "differ"}),
    ("T10", "Chen at every cut", lambda patch: change(patch, t10, "chen_product", lambda c: [2 * n for n in c]),
     {"chen_product": "differs"}),
    ("T10", "Chen at every cut", lambda patch: (
        change(patch, t10, "chen_product", lambda c: [2 * n for n in c]), patterns_with(doubled)(patch)),
     {"pattern_counts": "differ"}),
    ("T10", "Chen at every cut", lambda patch: change(patch, t10, "loss", lambda value: value / 2), {}),
    ("T11", "uniform supports", longer_laws_lose_all, {"test_loss": "1"}),
    ("T11", "rare noise", longer_laws_lose_all, {"test_loss": "1"}),
    ("T11", "linear program", longer_laws_lose_all, {"test_loss": "1"}),
    ("T11", "uniform supports", soft_heads_of_longer_laws_lose_all(soft, "soft_loss"), {"soft_head": 0, "train_loss": "0"}),
    ("T12", "constant noise", abstention_for_free, {}),
    ("T12", "full parity", abstention_for_free, {}),
    ("T13", "over 3 views, every", no_ranked_head_is_perfect, {"statement": True, "brute_force": False}),
    ("T13", "over 3 views, every", machine_says("realizable", False), {"machine": False, "brute_force": True}),
    ("T13", "over 3 views, every", together(
        no_ranked_head_is_perfect, nothing_is_placed_by_what_is_left, machine_says("realizable", False)),
     {"hard": "realizable", "ranked": "not realizable"}),
    ("T13", "over 3 views, every", lambda patch: patch.setattr(t13.Statement, "guarantees", lambda *_, **__: True),
     {"statement": True, "brute_force": False}),
    ("T13", "over 3 views, every", hard_heads_guarantee_nothing, {"statement": True, "hard": False}),
    ("T13", "three labels", lambda patch: patch.setattr(Guarantees, "why", lambda *_: None),
     {"machine": True, "brute_force": False}),
    ("T13", "one label", lambda patch: patch.setattr(Guarantees, "head", lambda *_: None),
     {"machine": "no head, or one that is no counterexample"}),
    ("T13", "over 4 views", ranked_heads_lose(1, train=True), {"machine": "no head, or one that is no counterexample"}),
    ("T13", "over 4 views", ranked_heads_lose(0, train=False), {"machine": "no head, or one that is no counterexample"}),
    ("T13", "arity 2", lambda patch: change(patch, t13, "guarantees", lambda own: replace(own, test=own.test._replace(
        denominator=2 * own.test.denominator))) or machine_says("share", Fraction(1, 3))(patch), {"machine": "1/3"}),
    ("T13", "absolute key", machine_says("share", None), {"machine": "None"}),
    ("T14", "counts of 2 views up to 3", lambda patch: patch.setattr(t14, "feasible", lambda inequalities: True),
     {"machine": "realizable, guaranteed: [0, 4, 10]"}),
    ("T14", "counts of 2 views up to 3", found(guaranteed=np.zeros_like), {"machine": "realizable, guaranteed: []"}),
    ("T14", "3 labels", found(combination=lambda terms: terms[1:]), {"machine": "unrealizable"}),
    ("T14", "3 labels", found(combination=lambda terms: [*terms, *terms[:1]]), {"machine": "unrealizable"}),
    ("T14", "3 labels", certificates(lambda terms: (*terms, terms[0])), {"machine": "guaranteed"}),
    ("T14", "majority", certificates(lambda terms: ()), {"machine": "guaranteed"}),
    ("T14", "3 labels", certificates(lambda terms: (*terms, terms[0], terms[0]._replace(coefficient=-terms[0].coefficient))),
     {"machine": "guaranteed"}),
    ("T14", "counts of 3 views", lambda patch: patch.setattr(SoftHead, "loss", lambda *_: Fraction(0)),
     {"machine": "not guaranteed"}),
    ("T14", "counts of 3 views", lambda patch: patch.setattr(SoftHead, "loss", lambda *_: Fraction(1)),
     {"machine": "not guaranteed"}),
    ("T14", "counts of 2 views up to 3", everything_is_guaranteed, {}),
    ("T14", "counts of 2 views up to 3", together(
        nobody_eliminates, found(realizable=lambda _: False), lambda patch: patch.setattr(t14, "_sums_to", lambda *_: True)),
     {"machine": "unrealizable"}),
]  # fmt: skip

SAMPLERS: list[tuple[str, str, Break]] = [
    ("T5", "(i)", verdicts_say("fails")),
    ("T5", "(ii)", heads_say("generalizes")),
    ("T5", "(iii)", verdicts_say("unrealizable")),
    ("T6", "random plantings", outputs(half_of_the_right)),
    ("T7", "random backgrounds", abstention_for_free),
    ("T8", "random and disturbed", scaled(t8, "_step_loss", HALF)),
    ("T9", "random small laws", a_view_lost(t9, "minimal")),
    ("T10", "random laws", lambda patch: change(patch, t10, "view_counts", one_view_more)),
    ("T11", "random mixtures", retention_halved),
    ("T12", "random backgrounds", abstention_for_free),
    ("T13", "random laws", hard_heads_guarantee_nothing),
    ("T14", "random counts", lambda patch: patch.setattr(t14, "feasible", lambda inequalities: True)),
    ("T14", "random counts", everything_is_guaranteed),
]

MEASURED: list[Any] = [
    ("T5", "smallest realizable", blocks_uncoupled),
    ("T5", "smallest realizable", lambda patch: change(patch, t5, "decide", lambda v: replace(v, outcome="fails"))),
    ("T5", "smallest realizable", unrealizable_at_the_spread),
    ("T6", "hill climbing", outputs(half_of_the_right)),
    ("T6", "hill climbing", outputs(never_wrong)),
    ("T6", "critical lengths", critical_length_moved(1)),
    ("T6", "critical lengths", critical_length_moved(-1)),
    ("T7", "hill climbing", no_loss_at_all),
    ("T8", "long rollouts", lambda patch: change(patch, t8, "rollout", lambda right: False)),
    pytest.param("T9", "learning curves", nothing_learned, marks=pytest.mark.slow),
    ("T9", "learning curves", kappa_is(Fraction(1, 100))),
    pytest.param("T9", "learning curves", kappa_is(float("inf")), marks=pytest.mark.slow),
    ("T10", "long sequences", patterns_with(doubled)),
    ("T10", "long sequences", twice_as_many_tuples),
    ("T10", "long sequences", patterns_with(first_pair_swapped)),
    ("T10", "long sequences", patterns_with(first_token_favoured)),
    ("T11", "hill climbing", soft_heads_of_longer_laws_lose_all(t11, "loss")),
    ("T12", "all heads on full parity", lambda patch: change(
        patch, HeadSpace, "losses", lambda found: (found[0] * 0, *found[1:]))),
    ("T12", "all heads on full parity", lambda patch: change(
        patch, HeadSpace, "losses", lambda found: (found[0] * 2, *found[1:]))),
    ("T12", "Hamming codes", scaled(t12, "loss", HALF)),
    ("T12", "Hamming codes", scaled(t12, "loss", Fraction(2))),
    pytest.param("T14", "perceptrons", everything_is_guaranteed, marks=pytest.mark.slow),
]  # fmt: skip


def one(parts: Any, name: str) -> Any:
    (found,) = [part for part in parts if name in part.scope]
    return found


@pytest.mark.parametrize(("claim_id", "name", "broken", "facts"), FAMILIES)
def test_a_family_notices(
    claim_id: str, name: str, broken: Break, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = find(claim_id)
    broken(monkeypatch)
    evidence = engines.exhaust(plan, one(plan.families, name), "quick", Ticks())
    assert evidence.witness is not None, evidence
    assert {**evidence.witness["facts"], **facts} == evidence.witness["facts"]
    refuted_and_replayed(evidence, monkeypatch)


@pytest.mark.parametrize(("claim_id", "name", "broken"), SAMPLERS)
def test_draws_notice(claim_id: str, name: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    broken(monkeypatch)
    refuted_and_replayed(engines.sample(plan, one(plan.samplers, name), "quick", 0, Ticks()), monkeypatch)


@pytest.mark.parametrize(("claim_id", "name", "broken"), MEASURED)
def test_a_measurement_notices(claim_id: str, name: str, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find(claim_id)
    broken(monkeypatch)
    refuted_and_replayed(engines.measure(plan, one(plan.measurements, name), "quick", 0, Ticks()), monkeypatch)


def test_the_tight_instance_notices_a_ratio_above_and_one_below(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = find("T11")
    whole = t11.rare_noise_loss
    for factor in (Fraction(101, 100), Fraction(99, 100)):

        def wrong(k: int, length: int, x: Fraction, q: Any, factor: Fraction = factor) -> Fraction:
            return whole(k, length, x, q) * (factor if length > 12 else 1)

        monkeypatch.setattr(t11, "rare_noise_loss", wrong)
        evidence = engines.measure(plan, one(plan.measurements, "tight instance"), "quick", 0, Ticks())
        assert evidence.kind == "refuted"
        assert evidence.instances == 1


@pytest.mark.parametrize(("power", "kind"), [(18, "supported"), (19, "refuted")])
def test_the_tight_instance_loses_no_more_than_its_noise(
    power: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of k = 1 at length 20 the ratio of losses is at least (1 - x)^(20 - 2) times κ."""
    whole = t11.rare_noise_loss
    kappa = bounds.exchangeable_kappa(1, train=2, test=20, n_noise=1)

    def wrong(k: int, length: int, x: Fraction, q: Any) -> Fraction:
        return whole(k, 2, x, q) * kappa * (1 - x) ** power if length == 20 else whole(k, length, x, q)

    monkeypatch.setattr(t11, "rare_noise_loss", wrong)
    evidence = engines.measure(find("T11"), one(find("T11").measurements, "tight instance"), "quick", 0, Ticks())
    assert (evidence.kind, evidence.instances) == (kind, 4 if kind == "supported" else 1)


def test_the_proof_about_coupled_parity_is_of_two_and_three_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[int] = set()
    whole = t5.bags
    monkeypatch.setattr(t5, "bags", lambda k, n_offsets: made.add(k) or whole(k, n_offsets))  # type: ignore[func-returns-value]
    assert t5.prove_two_offsets() == 40
    assert made == {2, 3}


def test_monte_carlo_divides_its_level_by_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of four tests at a level of 0.001 altogether: a p of 0.0003 is no refutation, one of 0.0002 is."""
    draw = PlantedLaw.sample
    monkeypatch.setattr(PlantedLaw, "sample", lambda law, rng, size: draw(law, rng, 1))
    for p, kind in ((0.0003, "supported"), (0.0002, "refuted")):
        monkeypatch.setattr("scipy.stats.binomtest", lambda *_, p=p: SimpleNamespace(pvalue=p))
        measured = t7._monte_carlo(np.random.default_rng(0), "quick", Ticks())
        assert ("supported" if measured.refutation is None else "refuted") == kind


# ── Proofs: statements that pass every step but one ──────────────────────────────────────────────────────────────────


def never_through(check: Callable[..., int], step: str, **parts: Any) -> None:
    with pytest.raises(AssertionError, match=step):
        check(**parts)


def through_dilution(patch: pytest.MonkeyPatch, value: Callable[[Any, Any], Any]) -> None:
    """T6 states this loss at n + 1 candidates, and `bounds.dilution` shares it."""
    patch.setattr(bounds, "dilution", lambda n, s: value(n - 1, s))
    patch.setattr(t6, "_value", lambda n, s, **parts: value(n - 1, s))


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (lambda n, s: (n + 1) * s / (1 + (n + 1) * s), "the half"),
        (lambda n, s: 1 - n * s / (1 + n * s), "increasing in n"),
        (lambda n, s: sympy.Rational(1, 2) + (n - 1 / s) / s**3, "increasing in s"),
        (lambda n, s: n * s / 2, "below 1"),
        (lambda n, s: (n * s) ** 2 / (1 + (n * s) ** 2), "no head of the margin loses more"),
    ],
)
def test_t6_each_step_of_the_half(value: Callable[[Any, Any], Any], step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    through_dilution(monkeypatch, value)
    never_through(t6.prove_half, step)


def test_t6_the_half_is_about_the_public_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "dilution", lambda n, s: n * s / (1 + n * s))
    never_through(t6.prove_half, "bounds.dilution")


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (lambda n, s: 0 * n, "s = k"),
        (lambda n, s: n * s / (1 + n * s) + (1 - s * n) ** 2 * s, "above"),
    ],
)
def test_t6_each_limit(value: Callable[[Any, Any], Any], step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t6, "_value", lambda n, s, **parts: value(n, s))
    never_through(t6.prove_log_scaling, step)


def test_t6_the_leading_term_of_the_binomials(monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, bounds, "binomial", lambda value: 2 * value)
    with pytest.raises(AssertionError, match=r"^k = 1$"):
        t6.prove_log_scaling()


def test_t7_the_involution_is_no_tautology_of_another_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sympy.logic.boolalg.Xor", sympy.And)
    with pytest.raises(AssertionError, match="one of the pair is wrong"):
        t7.prove_involution()


def test_t7_the_involution_needs_a_solver_that_finds_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sympy.logic.inference.satisfiable", lambda formula: False)
    with pytest.raises(AssertionError, match="a label that need not flip"):
        t7.prove_involution()


@pytest.mark.parametrize(("value", "step"), [(1, "k = 2, 0 bits seen"), (0, "k = 2: all bits do suffice")])
def test_t7_the_fourier_form_compares_with_0(value: int, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy, "expand", lambda total: value)
    with pytest.raises(AssertionError, match=step):
        t7.prove_fourier()


@pytest.mark.parametrize(
    ("floor", "step"),
    [
        (lambda n: 1 / n, "the slack"),  # above the loss where no head abstains
        (lambda n: 1 / (3 * n), "the slack"),  # below it, and not tight without abstentions
    ],
)
def test_t7_the_floor_is_neither_above_nor_below(floor: Callable[[Any], Any], step: str) -> None:
    never_through(t7.prove_floor, step, floor=floor)


def test_t10_vandermonde_notices_a_wrong_binomial(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bounds.binomial
    monkeypatch.setattr(bounds, "binomial", lambda n, k: whole(n, k) + int(k == 2))
    with pytest.raises(AssertionError, match="j = 2"):
        t10.prove_vandermonde()


def test_t12_the_balanced_mixture_is_the_public_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "below_arity_floor", lambda n: 1 / (n + 2))
    never_through(t12.prove_pointwise, "the balanced mixture")


# ── What the checks are about ────────────────────────────────────────────────────────────────────────────────────────


def test_t5_what_determines_a_label_by_hand() -> None:
    parity, first = marked_parity(2), ensemble(3, (0,), {(1, 1): 0, (1, 2): 0, (2, 1): 1, (2, 2): 1})
    assert t5.is_undetermined(parity)
    assert t5.is_parity(parity)
    assert not t5.is_undetermined(first)
    assert not t5.is_undetermined(ensemble(3, (0,), {(1, 1): 0, (1, 2): 1}))  # the second token does
    three = ensemble(3, (0,), {(a, b): (a + b) % 3 for a in range(3) for b in range(3)})
    assert t5.is_undetermined(three)
    assert not t5.is_parity(three)
    assert t5.has_marks(parity)
    assert not t5.has_marks(three)
    assert not t5.has_marks(ensemble(3, (0, 2), dict(parity.target)))


def test_t5_where_the_planted_set_is_a_candidate() -> None:
    paired = marked_parity(2, support.paired()).at(6)  # at a distance of three
    assert t5.is_outside(HeadClass(2, 2, "relative"), paired)
    assert not t5.is_outside(HeadClass(2, 3, "relative"), paired)
    assert not t5.is_outside(HeadClass(3, 3), paired)
    assert t5.is_outside(HeadClass(1), paired)
    assert not t5.is_outside(HeadClass(2, anchor="last"), paired)


def test_t5_says_nothing_beyond_its_parts() -> None:
    ens, other = marked_parity(2, support.paired()), ensemble(3, (0,), {(1, 2): 0, (2, 1): 1}, support.paired())
    coupled = positions.coupled(positions.blocks(2))
    heads = HeadClass(2, 0, "relative")

    def said(heads: HeadClass, train: Any, test: Any) -> set[str]:
        return set(t5._says(Problem(heads, train, test)))

    at = {n: ens.at(n, positions=coupled) for n in (2, 4, 6)}
    assert said(heads, at[4], at[4]) == said(heads, at[4], at[6]) == {"(i)"}
    assert said(heads, at[2], at[4]) == {"(i), below 2k"}
    assert said(heads, at[2], at[2]) == set()
    assert said(heads, at[6], at[4]) == set()
    assert said(HeadClass(1, 0, "relative"), at[4], at[6]) == {"(ii)"}
    assert said(HeadClass(2, 0, "relative", "last"), at[4], at[6]) == set()
    assert said(heads, at[4], other.at(6, positions=coupled)) == set()
    free = HeadClass(2, None, "relative")
    assert said(free, ens.at(4), ens.at(6)) == said(HeadClass(2, 2, "relative"), ens.at(4), ens.at(6)) == {"(iii)"}
    assert said(HeadClass(2, 1, "relative"), ens.at(4), ens.at(6)) == {"(ii)"}
    assert said(HeadClass(3, None, "relative"), ens.at(4), ens.at(6)) == set()
    uniform = marked_parity(2)
    assert said(free, uniform.at(4), uniform.at(6)) == set()


def test_t5_counts_no_case_of_an_unrealizable_class_for_i() -> None:
    """Both labels at one planted word's views: (i) allows it, and could not have been refuted."""
    scheme = positions.coupled(positions.blocks(2))
    ens = ensemble(2, (0, 1), {(0, 0): 0, (0, 1): 1}, support.paired())
    void = Problem(HeadClass(2, 0), ens.at(4, positions=scheme), ens.at(6, positions=scheme))
    assert void.verdict().outcome == "unrealizable"
    assert (t5.cases(void) > 0, t5.decisive(void)) == (True, 0)


def test_t6_equal_views_and_one_label_are_outside() -> None:
    """(0, 0), one of them planted: no head of margin 0 is wrong, where the formula says 1/2."""
    (problem,) = t6._planted_token_is_noise()
    example = problem.train.support()[0]
    assert HardHead(problem.heads, {View((0,), ()): 0}).loss(example) == 0
    assert t6._value(2, 1) == HALF
    (single,) = t6._one_label()
    for outside in (problem, single):
        assert not t6.nonvacuous(outside)
        assert t6.cases(outside) == 0
        assert t6.refute(outside) is None


def test_t6_only_a_margin_of_0_can_lack_a_view_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under two equal views no head has a margin above 0, so that only the score 1 counts."""
    (problem,) = t6._planted_token_is_noise()
    facts = t6.refute(problem, without="planted view is unique")
    assert facts is not None
    assert facts["score"] == "1"
    monkeypatch.setattr(t6, "SCORES", (HALF,))
    assert t6.refute(problem, without="planted view is unique") is None


def test_t6_extreme_heads_by_number() -> None:
    assert [len(list(t6.choices(n, HALF))) for n in (0, 1, 2, 3, 4, 5)] == [1, 3, 9, 27, 9, 11]
    assert next(t6.choices(5, HALF)) == ((HALF, False),) * 5
    assert len(set(t6.choices(5, HALF))) == 11


def test_t6_other_heads_than_the_worst_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that takes heads which are right everywhere for wrong: the worst head is as it should be."""

    def wrong(out: HeadOutput) -> HeadOutput:
        return out if len(out.law) > 1 else replace(out, law={1: Fraction(1)})

    change(monkeypatch, SparseAttentionHead, "from_counts", wrong)
    facts = t6.refute(t6.one_word(1, 3))
    assert facts is not None
    assert facts["head"] in ([["1", True]], [["0", False]])
    assert facts["exact"] == "1"


def test_t6_one_candidate_decides_nothing() -> None:
    assert (t6.cases(t6.one_word(2, 2)), t6.decisive(t6.one_word(2, 2))) == (3, 0)
    assert t6.cases(t6.one_word(1, 2)) == t6.decisive(t6.one_word(1, 2)) == 3 * 3


def test_t5_every_part_of_the_statement_is_put_to_the_test() -> None:
    shared = t5._shared(t5.WINDOW_0, 4, 6)
    raw = t5._raw(2, HeadClass(2, None, "relative"), 2, 3)
    assert t5.refute(shared) is None
    assert t5.refute(raw) is None
    for problem, parts in (
        (shared, {"certificate": 3}), (shared, {"coupled": t5.OUTSIDE}), (raw, {"raw": t5.COUPLED}),
        (Problem(HeadClass(1), raw.train, raw.train), {"outside": t5.RAW}),
    ):  # fmt: skip
        assert t5.refute(problem, **parts) is not None


def test_t8_steps_weigh_bits_and_steps() -> None:
    law = t8.steps(2, "query", ones=Fraction(1, 4))
    weights = {example.tokens: p for example, p in law.items()}
    assert weights[0, 0, 2] == Fraction(9, 32)
    assert weights[1, 1, 2] == Fraction(1, 32)
    assert weights[1, 0, 2, 3] == Fraction(3, 32)


def test_t8_bounds_of_1_decide_nothing() -> None:
    """A head that errs at s = 1, b = 1 alone: frequent, the bound is 1 or more; rare, it is not."""
    heads = t8.classes("query")
    for ones, decisive in ((HALF, 0), (Fraction(1, 10), 4)):
        law = t8.steps(2, "query", ones=ones)
        right = t8.eliminate(heads, law.support()).answers
        problem = Problem(heads, law, law, HardHead(heads, {**right, View((1, 3), ()): (3, 1)}))
        losses = [Fraction(0), ones**2]
        assert t8._bound(losses) == 2 * ones**2
        assert t8.refute(problem) is None
        assert t8.decisive(problem) == (4 if 2 * ones**2 < 1 else 0)
        half = Problem(heads, law, law, HardHead(heads, {v: y for v, y in right.items() if v.tokens[0] == 0}))
        assert t8.decisive(half) == decisive


def test_t9_the_worst_consistent_head_by_hand() -> None:
    """Three tokens, each of its own label: whoever saw one of them may be wrong on the other two."""
    law = FiniteLaw({t9.Example((token,), (0,), token % 2): Fraction(1, 3) for token in range(3)})
    problem = Problem(HeadClass(1), law, law)
    for learner in ("eliminate", "minimal", "worst"):
        assert {len(seen): wrong for seen, wrong in t9.errors(problem, learner).items()} == {
            1: Fraction(2, 3), 2: Fraction(1, 3), 3: 0
        }  # fmt: skip


def test_t9_a_lucky_learner_is_better_than_the_worst() -> None:
    """The noise has the label of both marks: who selects it is right on the mark that was not seen."""
    law = ensemble(3, (0,), {(1,): 0, (2,): 0}).at(2)
    problem = Problem(HeadClass(1), law, law)
    eliminated, worst = t9.errors(problem, "eliminate"), t9.errors(problem, "worst")
    assert all(worst[seen] >= wrong for seen, wrong in eliminated.items())
    assert worst != eliminated


def test_t9_minimal_is_the_smallest_hitting_set() -> None:
    sample = ensemble(3, (0,), {(1, 1): 0, (2, 2): 1}).at(3).support()
    small, full = (t9.learn(HeadClass(1), sample, learner) for learner in ("minimal", "eliminate"))
    assert [view.tokens for view in small.answers] == [(1,), (2,)] == [view.tokens for view in full.answers]
    pairs = t9.learn(HeadClass(2), sample, "minimal")
    assert len(pairs.answers) < len(t9.learn(HeadClass(2), sample, "eliminate").answers)
    assert all(pairs.loss(example) == 0 for example in sample)
    assert len(t9.learn(HeadClass(2), sample, "forgetful").answers) == len(pairs.answers) - 1


def test_t9_the_level_is_exceeded_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one token of four the learned head errs for sure: more than the level 1/2, not more than the level 1."""
    (four, _) = t9._lookup("quick")
    facts = t9.refute(four, per_view=Fraction(0), level=False)
    assert facts is not None
    assert (facts["samples"], facts["delta"], facts["probability"]) == (1, "1/2", "1")
    monkeypatch.setattr(t9, "SIZES", (1,))
    monkeypatch.setattr(t9, "LEVELS", (Fraction(1),))
    assert t9.refute(four, per_view=Fraction(0), level=False) is None


def test_t9_a_bound_of_1_decides_nothing() -> None:
    (four, _) = t9._lookup("quick")
    decided = [(n, level) for n in t9.SIZES for level in t9.LEVELS if t9.bound(4, 2, n, level) < 1]
    assert 0 < len(decided) < len(t9.SIZES) * len(t9.LEVELS)
    assert t9.decisive(four) == 3 * len(decided) < t9.cases(four)
    single = ensemble(2, (0,), {(1,): 0}).at(1)
    assert t9.decisive(Problem(HeadClass(1), single, single)) == 0  # one example: no consistent head errs


def test_t10_every_example_is_put_to_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault at a single example of a law of 144 is found, wherever it is."""
    law = ensemble(3, (0, 1), {(1, 1): 0, (2, 2): 1}).at(5)
    problem = Problem(HeadClass(2), law, law)
    examples = law.support()
    assert len(examples) == t10.cases(problem) > 100
    whole = t10.view_counts
    for example in examples[::9]:

        def wrong(heads: Any, tokens: Any, ids: Any, bad: Any = example.tokens) -> Any:
            return whole(heads, tokens, ids) + (Counter({View((9, 9), ()): 1}) if tuple(tokens) == bad else Counter())

        monkeypatch.setattr(t10, "view_counts", wrong)
        facts = t10.refute(problem)
        assert facts == {"tokens": list(example.tokens), "ids": list(example.ids), "view_counts": "differ"}


def test_t10_speaks_of_every_set_or_of_a_window() -> None:
    law = marked_parity(1).at(4)
    for heads, speaks, decides in (
        (HeadClass(2), True, True),
        (HeadClass(5), True, False),
        (HeadClass(2, 1, "relative"), True, True),
        (HeadClass(2, 3, "relative"), True, False),  # every pair fits: the bound exceeds their number
        (HeadClass(2, key="relative"), False, True),
        (HeadClass(2, anchor="last"), False, True),
        (HeadClass(2, 1, "none", "last"), False, True),
    ):
        problem = Problem(heads, law, law)
        assert t10.nonvacuous(problem) == speaks
        assert not speaks or (t10.decisive(problem) > 0) == decides


def test_t10_bound_in_a_window_by_hand() -> None:
    assert t10.most_in_window(HeadClass(2, 1), (0, 1, 2, 3), t10.STATED) == 4 * 1
    assert t10.most_in_window(HeadClass(2, 1), (0, 1, 0, 1), t10.STATED) == 4 * 3
    assert t10.most_in_window(HeadClass(3, 1), (0, 1, 0, 1), t10.STATED) == 4 * 3


@pytest.mark.parametrize("part", ["background", "planted", "target"])
def test_t11_asks_for_one_planting(part: str) -> None:
    def planted(background: list[Any], first: Any, target: int) -> PlantedLaw:
        words: dict[tuple[int, ...], Any] = {(1,): first, (2,): 1 - Fraction(first)}
        return PlantedEnsemble(3, background, words, {(1,): 0, (2,): target}, support.uniform(), [0, 1]).at(2)

    one_law = planted([1, 0, 0], "1/2", 1)
    others = {
        "background": planted(["1/2", "1/2", 0], "1/2", 1),
        "planted": planted([1, 0, 0], "1/3", 1),
        "target": planted([1, 0, 0], "1/2", 0),
    }
    assert t11.nonvacuous(Problem(HeadClass(1), one_law, one_law))
    assert not t11.nonvacuous(Problem(HeadClass(1), one_law, others[part]))


def test_t11_heads_with_a_bound_of_1_decide_nothing() -> None:
    ens = ensemble(3, (0,), {(1,): 0, (2,): 1})
    problem = Problem(HeadClass(1), ens.at(2), ens.at(4))
    assert t11._factor(problem) == 3
    below = sum(n for (train_loss, _), n in t11._losses(problem).items() if train_loss < Fraction(1, 3))
    assert 0 < t11.decisive(problem) == below < t11.cases(problem) == 27


def test_t12_only_enumerated_heads_are_cases() -> None:
    at = t7.parity(3, (0, 1), support.uniform()).at(5)
    many = Problem(HeadClass(2, key="absolute"), at, at)
    assert many.space().size > t7.ENUMERATED_HEADS
    assert t12.cases(many) == 0
    assert t7.cases(many) > 0
    none = Problem(HeadClass(1, anchor="last"), at, at)
    assert t12.cases(none) == t12.decisive(none) == none.space().size


def test_t12_a_class_without_candidates_decides_nothing() -> None:
    at = t7.parity(3, (0, 1), support.uniform()).at(3)
    apart = Problem(HeadClass(2, 0, "relative"), at, at)
    assert (t12.decisive(apart), t7.decisive(apart)) == (0, 0)


def test_t12_the_heads_of_codes() -> None:
    problem = t12.code_head(2)
    assert problem.head is not None
    assert len(problem.head.answers) == 2 * 3
    assert {problem.head.loss(example) for example in problem.train.support()} == {0, 1}
    assert sum(problem.head.loss(example) for example in problem.train.support()) == 2
