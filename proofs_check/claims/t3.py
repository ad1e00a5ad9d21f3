"""T3, the transfer bound: exact losses of every head at test against κ0·a + κ·N_T·(L_T - a)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain, product
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from idealized_model import HeadSpace, loss
from idealized_model import abstention as abstention_of
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, ensembles, marked_parity, random_pairs
from proofs_check.claims.soft import refute_soft, soft_heads, soft_loss
from proofs_check.problem import Problem, view_table
from theory import (
    AssumptionViolated,
    Coverage,
    HeadClass,
    Law,
    PlantedEnsemble,
    claims,
    coverage,
    mixture,
    positions,
    support,
)
from theory.exact import as_float, over_common_denominator
from theory.examples import Label
from theory.planted import planted_components

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T3")))

Evaluator: TypeAlias = Callable[[tuple[int, ...]], tuple[Fraction, Fraction]]
"""(loss, abstention) of the head with these digits."""

SOFT_OUTCOMES = 150
"""Soft heads are evaluated on laws of at most this many outcomes, training and test together."""


@dataclass(frozen=True)
class Statement:
    """T3 with its parts as switches; the defaults are the claim."""

    kappa: bool = True
    kappa0: bool = True
    candidates: bool = True
    factor: Fraction = Fraction(1)
    flipped: bool = False
    kappa_of: Callable[[list[Fraction]], Fraction] = max

    def hard_bound(
        self, cov: Coverage, train_loss: Fraction, abstention: Fraction, without: str = ""
    ) -> Fraction | float:
        """What the statement claims about the test loss of a hard head; infinite where it claims nothing."""
        if cov.kappa0 == inf and without != "abstention":
            return inf
        kappa0 = cov.kappa0 if self.kappa0 and cov.kappa0 != inf else 1
        return kappa0 * abstention + self.soft_bound(cov, train_loss - abstention, without)

    def soft_bound(self, cov: Coverage, train_loss: Fraction, without: str = "") -> Fraction | float:
        """What the statement claims about the test loss of a normalised soft head."""
        if cov.kappa == inf and without != "coverage":
            return inf
        ratios = [m_test / m_train for m_train, m_test in cov.masses.values() if m_train]
        kappa = self.kappa_of(ratios) if ratios and self.kappa else Fraction(1 if ratios else 0)
        return self.factor * kappa * (cov.candidates if self.candidates else 1) * train_loss


STATED = Statement()


@lru_cache(maxsize=4096)
def _coverage(heads: HeadClass, train: Law, test: Law) -> Coverage:
    return coverage(heads, train=train, test=test)


def _covered(problem: Problem, without: str = "") -> Coverage | None:
    try:
        return _coverage(problem.heads, problem.train, problem.test)
    except AssumptionViolated:
        if without != "same planting":
            return None
        # Without the hypothesis: the training law's planting is taken for both.
        (first, _), *_ = planted_components(problem.train, "T3", "train")
        (other, _), *_ = planted_components(problem.test, "T3", "test")
        moved = replace(other, ensemble=PlantedEnsemble(
            first.ensemble.vocabulary, first.ensemble.background, first.ensemble.planted, first.ensemble.target,
            other.ensemble.support, first.ensemble.labels,
        ))  # fmt: skip
        return _coverage(problem.heads, problem.train, moved)


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED, without: str = "") -> Facts | None:
    """The bound for every hard head and for a grid of soft heads."""
    cov = _covered(problem, without)
    if cov is None:
        return None
    return _refute_hard(problem, cov, statement, without) or _refute_soft(problem, cov, statement, without)


claim.mutant("without N_T", statement=Statement(candidates=False))
claim.mutant("without κ", statement=Statement(kappa=False))
claim.mutant("without κ0", statement=Statement(kappa0=False))
claim.mutant("the smallest mass ratio for κ", statement=Statement(kappa_of=min))
claim.mutant("half of the bound", statement=Statement(factor=Fraction(1, 2)))
claim.mutant("the inequality flipped", statement=Statement(flipped=True))


def _refute_hard(problem: Problem, cov: Coverage, statement: Statement, without: str) -> Facts | None:
    """In integers: of a head lost / trained and lost_at_test / tested against bound / (trained · scale)."""
    slopes, stated = _slopes(statement, cov, without), statement == STATED and not without
    losses, trained, tested = _hard_losses(problem)
    for lost, abstained, least, greatest, _ in losses:
        bound = inf if slopes is None else slopes.wrong * (lost - abstained) + slopes.abstaining * abstained
        scale = trained * (1 if slopes is None else slopes.scale)
        lost_at_test = (least if statement.flipped else greatest) * scale
        if (lost_at_test < bound * tested and bound < inf) if statement.flipped else lost_at_test > bound * tested:
            return {
                "train_loss": str(Fraction(lost, trained)),
                "test_loss": str(Fraction(lost_at_test, tested * scale)),
                "bound": str(Fraction(bound) / scale),
            }
        if stated:
            of_coverage = cov.bound(Fraction(lost, trained), Fraction(abstained, trained))
            if of_coverage * scale != bound:
                return {
                    "train_loss": str(Fraction(lost, trained)),
                    "bound": str(bound if bound == inf else Fraction(bound) / scale),
                    "coverage": str(of_coverage),
                }
    return None


class _Slopes(NamedTuple):
    """`Statement.hard_bound` is linear: wrong · (loss - abstention) + abstaining · abstention, over `scale`."""

    abstaining: int
    wrong: int
    scale: int


def _slopes(statement: Statement, cov: Coverage, without: str = "") -> _Slopes | None:
    """Of a statement's bound; None where it is infinite."""
    one = Fraction(1)
    abstaining, wrong = statement.hard_bound(cov, one, one, without), statement.soft_bound(cov, one, without)
    if inf in (abstaining, wrong):
        return None
    (per_abstention, per_error), scale = over_common_denominator([Fraction(abstaining), Fraction(wrong)])
    return _Slopes(per_abstention, per_error, scale)


@lru_cache(maxsize=1)  # for what is asked of one problem: these tables are long
def _hard_losses(problem: Problem) -> tuple[list[tuple[int, int, int, int, int]], int, int]:
    """(training loss, abstention, least and greatest test loss, how many) of the hard heads that share the first two, and so
    a bound; the denominators in training and at test. No rows where the heads are too many to enumerate."""
    if not problem.n_enumerated:
        return [], 1, 1
    space = problem.space()
    train_losses, abstentions, train_denominator = space.losses(problem.train)
    test_losses, _, test_denominator = space.losses(problem.test)
    pairs, which, numbers = np.unique(
        np.stack([train_losses, abstentions]), axis=1, return_inverse=True, return_counts=True
    )
    least, greatest = np.full(pairs.shape[1], 2**62), np.full(pairs.shape[1], -1)
    np.minimum.at(least, which.reshape(-1), test_losses)
    np.maximum.at(greatest, which.reshape(-1), test_losses)
    columns = (*pairs, least, greatest, numbers)
    return list(zip(*(column.tolist() for column in columns), strict=True)), train_denominator, test_denominator


def _refute_soft(problem: Problem, cov: Coverage, statement: Statement, without: str) -> Facts | None:
    if statement.flipped or not _soft_in_scope(problem, cov, without):
        return None
    heads = soft_heads(problem, normalised=without != "normalised")
    return refute_soft(problem, heads, lambda train_loss: statement.soft_bound(cov, train_loss, without))


def _soft_in_scope(problem: Problem, cov: Coverage, without: str = "") -> bool:
    return (
        problem.heads.arity == _arity(problem.train)
        and (cov.planted_is_candidate or without == "planted set is a candidate")
        and problem.train.size + problem.test.size <= SOFT_OUTCOMES
    )


def _arity(law: Law) -> int:
    return planted_components(law, "T3", "law")[0][0].ensemble.arity


@claim.cases
def cases(problem: Problem) -> int:
    """One case a head: the hard ones, unless they are too many to enumerate, and the soft ones of the grid."""
    cov = _covered(problem)
    soft = cov is not None and _soft_in_scope(problem, cov)
    return problem.n_enumerated + (sum(1 for _ in soft_heads(problem, normalised=True)) if soft else 0)


@claim.decisive
def decisive(problem: Problem) -> int:
    """The heads with a bound below 1: a loss may be above it."""
    cov = _covered(problem)
    if cov is None:
        return 0
    slopes, (losses, trained, _) = _slopes(STATED, cov), _hard_losses(problem)
    hard = sum(
        n
        for lost, abstained, _, _, n in losses
        if slopes and slopes.wrong * (lost - abstained) + slopes.abstaining * abstained < slopes.scale * trained
    )
    if not _soft_in_scope(problem, cov):
        return hard
    heads = soft_heads(problem, normalised=True)
    return hard + sum(STATED.soft_bound(cov, soft_loss(head, problem.train)) < 1 for head in heads)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the bound is finite."""
    cov = _covered(problem)
    return cov is not None and cov.factor < inf


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family("every hard head, uniform supports, arity 1 and 2, and a grid of soft heads")
def exchangeable_problems(profile: Profile) -> Iterator[Problem]:
    """All hard heads, uniform supports, key none: every label assignment for arity 1 and 2."""
    longest = 5 if profile == "quick" else 7
    for ens in chain(ensembles(1, 2), ensembles(1, 3, max_words=2)):
        for train, test in ((2, 3), (2, longest)) if profile == "quick" else ((2, 3), (2, longest), (3, longest)):
            yield Problem(HeadClass(1), ens.at(train), ens.at(test))
    for ens in ensembles(2, 2, max_words=None if profile == "full" else 1):
        for train, test in ((4, 5), (3, 5)) if profile == "quick" else ((4, 5), (3, 5), (4, 6), (5, 6)):
            yield Problem(HeadClass(2), ens.at(train), ens.at(test))


@claim.family("every hard head, training on two lengths mixed, test between them")
def _diluted_problems(profile: Profile) -> Iterator[Problem]:
    """Training on lengths 1 and n mixed, test at length 2: the wrong candidates of length n are diluted in training.

    Here the factor N_T is needed: with noise tokens answered rightly and wrongly, the test loss exceeds κ·L_T.
    """
    for longer in (3, 4) if profile == "quick" else (3, 4, 5, 6):
        for ens in ensembles(1, 3, max_words=1):
            train = mixture([(ens.at(1), "1/2"), (ens.at(longer), "1/2")])
            yield Problem(HeadClass(1), train, ens.at(2))


@claim.family(
    "local and paired supports, windows, keys, shifts, couplings: every hard head where there are at most 3^9, and a "
    "grid of soft ones"
)
def _local_problems(profile: Profile) -> Iterator[Problem]:
    """Local and paired supports, windows and relative keys, shifts and couplings, where κ0 needs the linear program, and
    hard heads can be listed."""
    return (problem for problem in _local_listed(profile) if problem.n_enumerated)


def _local_listed(profile: Profile) -> Iterator[Problem]:
    longest = 5 if profile == "quick" else 6
    marked = ((0,), (0, 1))
    targets: tuple[dict[tuple[int, ...], Label], ...] = (
        {(1, 1): 0, (1, 2): 1},
        {(1, 2): 0, (2, 1): 1},
        {(1, 1): 0, (2, 2): 0, (1, 2): 1},
    )
    for noise in marked:
        for target in targets:
            for width in (1, 2):
                ens = ensemble(3, noise, target, support.local(width))
                for train, test in ((3, longest), (4, longest)):
                    yield Problem(HeadClass(2, width, "relative"), ens.at(train), ens.at(test))
                    yield Problem(HeadClass(2, width, "none"), ens.at(train), ens.at(test))
            paired = ensemble(3, noise, target, support.paired())
            coupled = positions.coupled(positions.blocks(2))
            yield Problem(HeadClass(2, 0, "relative"), paired.at(4, positions=coupled), paired.at(6, positions=coupled))
            yield Problem(HeadClass(2), paired.at(4), paired.at(6))
    singles: tuple[dict[tuple[int, ...], Label], ...] = ({(1,): 0}, {(0,): 1, (1,): 0})
    for single, (train, test) in product(singles, ((2, 2), (2, 3))):
        ens, seen, shift = (
            ensemble(2, (0,), single),
            positions.random_shift(0, test - train + 1),
            positions.random_shift(0, 1),
        )
        yield Problem(HeadClass(1, key="absolute"), ens.at(train, positions=seen), ens.at(test, positions=shift))


@claim.family("every hard head, local supports with a rare noise token")
def _faint_problems(profile: Profile) -> Iterator[Problem]:
    """Local supports with a rare noise token: heads that err on it alone lose so little that their bound is below 1."""
    target: dict[tuple[int, ...], Label] = {(1, 1): 0, (1, 2): 1}
    classes = HeadClass(2, 1, "relative"), HeadClass(2, 2, "none")
    for rare in (Fraction(1, 20), Fraction(1, 200)):
        for width, heads in zip((1, 2), classes, strict=True):
            ens = PlantedEnsemble(
                3, [1 - rare, 0, rare], dict.fromkeys(target, Fraction(1, 2)), target, support.local(width)
            )
            for train, test in (
                ((3, 3), (3, 4), (4, 5)) if profile == "quick" else ((3, 3), (3, 4), (4, 5), (5, 6), (5, 7))
            ):
                yield Problem(heads, ens.at(train), ens.at(test))


# ── Proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "the chain of inequalities for one example, symbolic in W, D and N_T; the sum over patterns is on paper",
    notices=("without N_T", "half of the bound"),
)
def prove_chain(*, statement: Statement = STATED) -> int:
    """W/D <= W at test where D >= 1, and W <= N_T · W/D in training where D <= N_T, for symbolic W >= 0, 1 <= D <= N_T.

    With E_P[W] <= κ E_T[W] these give L_P - Pr_P[abstain] <= κ N_T (L_T - a). The sizes are written as sums of
    non-negative symbols, so that sympy decides the signs.
    """
    import sympy

    wrong, above, spare = sympy.symbols("W d s", nonnegative=True)
    total = 1 + above  # D >= 1
    largest = total + spare if statement.candidates else sympy.Integer(1)  # N_T >= D
    at_test = sympy.factor(wrong - wrong / total)
    in_training = sympy.factor(statement.factor * largest * wrong / total - wrong)
    require(at_test.is_nonnegative is True, f"W - W/D = {at_test}")
    require(in_training.is_nonnegative is True, f"N_T · W/D - W = {in_training}")
    return 2


# ── Random problems, the adversary ──────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random mixtures, supports, schemes, windows, keys, anchors",
    quick=50,
    full=1000,
    notices=("without κ0", "the smallest mass ratio for κ", "half of the bound"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import problems

    return problems(max_heads=3**7)


@claim.measurement(
    "search", "hill climbing for the largest test loss over its bound", notices=("without N_T", "without κ")
)
def _adversary(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """Hill climbing over heads for the largest (test loss - κ0·a) / (bound - κ0·a), over random plantings."""
    from proofs_check.claims.engines import climb

    rounds, steps = (4, 50) if profile == "quick" else (16, 250)
    tried, best, decisive = 0, Fraction(0), 0
    for i in range(rounds):
        problem = _searched_problem(rng, (i + 2) % 4)  # the small ones first
        cov = _coverage(problem.heads, problem.train, problem.test)
        if cov.factor == inf:
            continue
        space = problem.space()
        in_training, at_test = (_by_digits(space, law) for law in (problem.train, problem.test))
        small: set[tuple[int, ...]] = set()

        def gain(
            state: tuple[int, ...],
            cov: Coverage = cov,
            in_training: Evaluator = in_training,
            at_test: Evaluator = at_test,
            small: set[tuple[int, ...]] = small,
        ) -> Fraction:
            train_loss, abstains = in_training(state)
            if statement.hard_bound(cov, train_loss, abstains) < 1:
                small.add(state)
            return _share_of_bound(statement, cov, train_loss, abstains, at_test(state)[0])

        ((law, _),) = planted_components(problem.test, "T3", "test")
        answers = law.ensemble.target
        start = tuple(1 + space.labels.index(answers[v.tokens]) if v.tokens in answers else 0 for v in space.views)
        state, _, n = climb(rng, start, gain, n_choices=3, steps=steps, tick=tick)
        head = space.head(sum(digit * 3**place for place, digit in enumerate(state)))
        plain = loss(head, problem.train), abstention_of(head, problem.train), loss(head, problem.test)
        value = _share_of_bound(statement, cov, *plain)  # what is reported is by plain evaluation
        tried, best, decisive = tried + n, max(best, value), decisive + len(small)
        if value > 1:
            refutation = problem, {"test_loss_over_bound": str(value)}
            return Measured(tried, f"a ratio of {value}", refutation, decisive)
    summary = (
        f"{tried:,} heads; the largest share of the bound reached, abstention apart, is {best} ≈ {as_float(best):.3f}"
    )
    return Measured(tried, summary, None, decisive)


def _share_of_bound(
    statement: Statement, cov: Coverage, train_loss: Fraction, abstains: Fraction, test_loss: Fraction
) -> Fraction:
    """(test loss - κ0·a) / (bound - κ0·a), where κ and κ0 are finite."""
    bound = Fraction(statement.hard_bound(cov, train_loss, abstains))
    abstaining = Fraction(statement.hard_bound(cov, abstains, abstains))
    # Without the abstaining part, which a head that always abstains makes an equality.
    excess = max(test_loss - abstaining, Fraction(0))
    return Fraction(excess / (bound - abstaining)) if bound > abstaining else excess and Fraction(10**9)


def _by_digits(space: HeadSpace, law: Law) -> Evaluator:
    """Loss and abstention of a head by its digits: those of the distinct cases of the law, in integers."""
    table = view_table(space.heads, law)
    counts = np.array([[dict(seen).get(view, 0) for view in space.views] for seen, _ in table])
    right = np.array([[1 + space.labels.index(label)] for _, label in table])
    weights = list(table.values())

    def evaluated(state: tuple[int, ...]) -> tuple[Fraction, Fraction]:
        digits = np.array(state)
        selected = counts @ (digits > 0)
        wrong = selected - (counts * (digits == right)).sum(axis=1)
        by_selected: Counter[int] = Counter()
        abstaining = 0
        for weight, n, n_wrong in zip(weights, selected.tolist(), wrong.tolist(), strict=True):
            if n:
                by_selected[n] += weight * n_wrong
            else:
                abstaining += weight
        lost = sum((Fraction(lost, n) for n, lost in by_selected.items()), Fraction(abstaining))
        return lost / law.denominator, Fraction(abstaining, law.denominator)

    return evaluated


def _searched_problem(rng: np.random.Generator, kind: int) -> Problem:
    """Random pairs under uniform (0) or local (1) supports; one planted token among rare noise, on one length (2), or on
    two as in `_diluted_problems` (3), where heads come nearer to their bound."""
    if kind < 2:
        width = int(rng.integers(1, 3))
        ens = random_pairs(rng, int(rng.integers(2, 5)), support.local(width) if kind else support.uniform())
        return Problem(HeadClass(2, width, "relative") if kind else HeadClass(2), ens.at(4), ens.at(5))
    rare = Fraction(1, int(rng.integers(2, 100)))
    target: dict[tuple[int, ...], Label] = {(1,): 0, (2,): 1}
    weights = dict.fromkeys(target, Fraction(1, 2))
    ens = PlantedEnsemble(4, [1 - rare, 0, 0, rare], weights, target, support.uniform())
    if kind == 2:
        return Problem(HeadClass(1), ens.at(2), ens.at(int(rng.integers(3, 7))))
    longer = int(rng.integers(3, 6))
    return Problem(HeadClass(1), mixture([(ens.at(1), Fraction(1, 2)), (ens.at(longer), Fraction(1, 2))]), ens.at(2))


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("same planting")
def _other_target() -> Iterator[Problem]:
    train: dict[tuple[int, ...], Label] = {(1,): 0, (2,): 1}
    test: dict[tuple[int, ...], Label] = {(1,): 1, (2,): 0}
    yield Problem(HeadClass(1), ensemble(3, (0,), train).at(2), ensemble(3, (0,), test).at(3))


@claim.without("coverage")
def _uncovered() -> Iterator[Problem]:
    """Training length k: no noise, so candidates with noise are first met at test."""
    for ens in ensembles(1, 2):
        yield Problem(HeadClass(1), ens.at(1), ens.at(2))


@claim.without("abstention")
def _abstaining() -> Iterator[Problem]:
    """Coupled IDs in training, raw IDs at test: no set is a candidate there, so κ = 0 and κ0 is infinite."""
    ens = marked_parity(2, support.paired())
    coupled = positions.coupled(positions.blocks(2))
    yield Problem(HeadClass(2, 0), ens.at(4, positions=coupled), ens.at(4))


@claim.without("normalised")
def _faint_scores() -> Iterator[Problem]:
    return _diluted_problems("quick")


@claim.without("planted set is a candidate")
def _planted_outside() -> Iterator[Problem]:
    """S* wider than the window at test: a soft head that is perfect in training abstains there."""
    ens = ensemble(2, (0,), {(1, 1): 0})
    wide = PlantedEnsemble(2, ens.background, ens.planted, ens.target, support.fixed({(0, 2): 1}), (0,))
    near = PlantedEnsemble(2, ens.background, ens.planted, ens.target, support.fixed({(0, 1): 1}), (0,))
    yield Problem(HeadClass(2, 0), near.at(2), wide.at(3))
    yield Problem(HeadClass(2, 1), near.at(3), wide.at(3))
