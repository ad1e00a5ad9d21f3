"""T11, the retention bound: exact test losses of every head against t · L_T, without N_T or normalisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from idealized_model import SparseAttentionHead, loss
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, ensembles, marked_parity, random_pairs
from proofs_check.claims.soft import refute_soft
from proofs_check.claims.t3 import SOFT_OUTCOMES, exchangeable_problems
from proofs_check.claims.t3a import rare_noise_loss
from proofs_check.problem import Problem
from theory import HeadClass, Law, PlantedEnsemble, bounds, claims, coverage, mixture, positions, retention, support
from theory.exact import as_float
from theory.examples import Label
from theory.heads import View
from theory.planted import PlantedLaw, planted_components
from theory.retention_factor import ExactOrInfinite

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T11")))


@lru_cache(maxsize=4096)
def _factors(heads: HeadClass, train: Law, test: Law) -> tuple[ExactOrInfinite, ExactOrInfinite]:
    return retention(heads, train=train, test=test).value, coverage(heads, train=train, test=test).kappa0


def _factor(
    problem: Problem, *, scale: Fraction = Fraction(1), survive: bool = True, without: str = ""
) -> ExactOrInfinite:
    """t, times the scale; where candidates need not survive in the kept sub-example, t is only κ0."""
    retained, kappa0 = _factors(problem.heads, problem.train, problem.test)
    value = retained if survive else kappa0
    if value == inf:
        return scale * max(kappa0, Fraction(1)) if without == "candidates survive" else inf
    return scale * value


@claim.refute
def refute(
    problem: Problem,
    *,
    scale: Fraction = Fraction(1),
    survive: bool = True,
    noise_shift: int = 0,
    without: str = "",
) -> Facts | None:
    """T11a's closed form where it applies, then the bound for every hard head and a grid of arbitrary soft heads."""
    if not _same_planting(problem):
        if without != "same planting":
            return None
        factor: ExactOrInfinite = Fraction(1)  # without the hypothesis: equal lengths and placements, another target
    else:
        factor = _factor(problem, scale=scale, survive=survive, without=without)
        closed = _closed_form(problem, noise_shift)
        if closed is not None and factor != closed * scale and survive:
            return {"program": str(factor), "closed_form": str(closed)}
    if factor == inf:
        return None
    if (facts := _refute_hard(problem, factor)) or problem.train.size + problem.test.size > SOFT_OUTCOMES:
        return facts
    return refute_soft(problem, soft_heads(problem), lambda train_loss: factor * train_loss)


claim.mutant("only S* need survive", survive=False)
claim.mutant("half of the factor", scale=Fraction(1, 2))
claim.mutant("nine tenths of the factor", scale=Fraction(9, 10))
claim.mutant("T11a: exponent k - 1 for k", noise_shift=-1)


def _same_planting(problem: Problem) -> bool:
    parts = [part for law in (problem.train, problem.test) for part, _ in planted_components(law, "T11", "law")]
    return (
        len(
            {
                (e.background, frozenset(e.planted.items()), frozenset(e.target.items()))
                for e in (part.ensemble for part in parts)
            }
        )
        == 1
    )


def _closed_form(problem: Problem, noise_shift: int) -> Fraction | None:
    """T11a: t = C(L-k, k + shift) / C(l-k, k + shift)."""
    train, test, k = problem.train, problem.test, problem.heads.arity
    if not (isinstance(train, PlantedLaw) and isinstance(test, PlantedLaw)):
        return None
    free = problem.heads == HeadClass(k) and train.support_law == test.support_law == support.uniform()
    if not free or k != train.ensemble.arity or not 2 * k <= train.length <= test.length:
        return None
    noise = k + noise_shift
    kappa: Fraction = bounds.exchangeable_kappa(k, train=train.length, test=test.length, n_noise=noise)
    return kappa


def _refute_hard(problem: Problem, factor: ExactOrInfinite) -> Facts | None:
    for train_loss, test_loss in _losses(problem):
        if test_loss > factor * train_loss:
            return {"train_loss": str(train_loss), "test_loss": str(test_loss), "factor": str(factor)}
    return None


def _losses(problem: Problem) -> Counter[tuple[Fraction, Fraction]]:
    """How many hard heads have each pair of losses, in training and at test; none where they are too many."""
    if not problem.n_enumerated:
        return Counter()
    space = problem.space()
    (train, _, train_total), (test, _, test_total) = space.losses(problem.train), space.losses(problem.test)
    pairs, numbers = np.unique(np.stack([train, test]), axis=1, return_counts=True)
    exact = [(Fraction(a, train_total), Fraction(b, test_total)) for a, b in pairs.T.tolist()]
    return Counter(dict(zip(exact, numbers.tolist(), strict=True)))


def soft_heads(problem: Problem) -> Iterator[SparseAttentionHead]:
    """A fixed grid of soft heads with scores 1/10, 7, 0, 1 dealt out to all views in turn, planted ones included."""
    space = problem.space()
    levels = (Fraction(1, 10), Fraction(7), Fraction(0), Fraction(1))
    for pattern, flip in product(range(2), range(2)):
        score = {view: levels[(i + pattern) % 4] for i, view in enumerate(space.views)}
        value: dict[View, Label] = {
            view: space.labels[(i + flip) % len(space.labels)] for i, view in enumerate(space.views)
        }
        yield SparseAttentionHead(problem.heads, score=score, value=value)


@claim.cases
def cases(problem: Problem) -> int:
    """One case a hard head; none where they are too many to enumerate."""
    return problem.n_enumerated


@claim.decisive
def decisive(problem: Problem) -> int:
    """The heads for which the bound is below 1."""
    factor = _factor(problem)
    return sum(number for (train_loss, _), number in _losses(problem).items() if factor * train_loss < 1)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the factor is finite."""
    return _same_planting(problem) and _factor(problem) < inf


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


claim.family("every hard head, a grid of soft heads, uniform supports, arity 1 and 2; T11a")(exchangeable_problems)


@claim.family("every hard head, one rare noise token")
def _rare_noise(profile: Profile) -> Iterator[Problem]:
    """Ensembles in which the bound is nearly reached: one rare noise token."""
    for k, rarity in ((1, 100), (1, 1000), (2, 100)):
        x, word = Fraction(1, rarity), (1,) * k
        ens = PlantedEnsemble(3, [1 - x, 0, x], {word: 1}, {word: 0}, support.uniform(), (0, 1))
        yield Problem(HeadClass(k), ens.at(2 * k), ens.at(2 * k + 1))


@claim.family("every hard head, mixtures, partial and anchored supports, couplings: the linear program")
def _program_problems(profile: Profile) -> Iterator[Problem]:
    """Mixtures, partial supports, anchors, couplings and random ordered IDs, where t needs the linear program."""
    targets: tuple[dict[tuple[int, ...], Label], ...] = ({(1, 1): 0, (1, 2): 1}, {(1, 2): 0, (2, 1): 1})
    coupled = positions.coupled(positions.blocks(2))
    for noise, target in product(((0,), (0, 1)), targets):
        uniform = ensemble(3, noise, target)
        mixed = mixture([(uniform.at(4), "2/3"), (uniform.at(3), "1/3")])
        yield Problem(HeadClass(2), mixed, uniform.at(5))
        yield Problem(HeadClass(1), mixed, uniform.at(5))
        local = ensemble(3, noise, target, support.local(2))
        yield Problem(HeadClass(2), uniform.at(4), local.at(5))
        yield Problem(HeadClass(2), local.at(4), local.at(5))
        anchored = ensemble(3, noise, target, support.uniform("last"))
        yield Problem(HeadClass(2, anchor="last"), anchored.at(3), anchored.at(5))
        paired = ensemble(3, noise, target, support.paired())
        yield Problem(HeadClass(2, 0, "relative"), paired.at(4, positions=coupled), paired.at(6, positions=coupled))
        if profile == "full":
            ordered = positions.random_ordered(0, 5)
            yield Problem(
                HeadClass(2, None, "order"), uniform.at(4, positions=ordered), uniform.at(5, positions=ordered)
            )


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof("the survival probability of T11a, symbolic in k, l, L", notices=("T11a: exponent k - 1 for k",))
def prove_survival(*, noise_shift: int = 0) -> int:
    """T11a's survival probability: C(L-2k, l-2k) / C(L-k, l-k) = C(l-k, k) / C(L-k, k), symbolic; so t = κ."""
    import sympy

    k, short, long = sympy.symbols("k l L", integer=True, positive=True)
    survival = sympy.binomial(long - 2 * k, short - 2 * k) / sympy.binomial(long - k, short - k)
    kappa = bounds.exchangeable_kappa(k, train=short, test=long, n_noise=k + noise_shift)
    product_ = sympy.gammasimp((survival * kappa).rewrite(sympy.gamma))
    require(sympy.simplify(product_) == 1, f"survival · κ = {product_}")
    return 1


@claim.proof(
    "the inequality for one kept set, symbolic; the sum over sets is on paper",
    notices=("half of the factor", "nine tenths of the factor"),
)
def prove_pointwise(*, scale: Fraction = Fraction(1)) -> int:
    """For one kept set: loss' >= W'/D where D' > 0, for every D' <= D and W' >= 0, symbolic.

    Where D' > 0: W'/D' - W'/D = W'(D - D')/(D D') >= 0; where D' = 0 the kept loss is 1 >= W'/D = 0. Summed with
    weights g and Σ g W' >= W this gives loss >= ... >= W/D. The signs are decided by sympy on sums of symbols >= 0.
    """
    import sympy

    kept_wrong, lost = sympy.symbols("w s", nonnegative=True)
    kept = sympy.Symbol("D", positive=True)
    gap = sympy.factor(scale * kept_wrong / kept - kept_wrong / (kept + lost))
    require(gap.is_nonnegative is True, f"W'/D' - W'/D = {gap}")
    require(sympy.factor(-gap).is_nonnegative is not True, "the reverse inequality")
    return 2


# ── Random problems and the adversary ────────────────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random mixtures, supports, schemes, windows, keys, anchors", quick=60, full=600, notices=("half of the factor",)
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import problems

    return problems(max_heads=3**7)


@claim.measurement("search", "the tight instance", notices=("half of the factor", "T11a: exponent k - 1 for k"))
def _tight(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    scale: Fraction = Fraction(1),
    noise_shift: int = 0,
) -> Measured:
    """The rare-noise head reaches the bound as the noise vanishes: T11a is sharp; T3's bound is N_T times larger.

    With noise of probability x and B of n tokens noise, E[C(B, k) / (1 + C(B, k))] is at most C(n, k) x^k / 2 (as c/(1 + c)
    <= c/2), and at least that times (1 - x)^(n - k) (from B = k alone). So the ratio of losses is between (1 - x)^(L - 2k)
    times κ and κ.
    """
    reached = []
    for instances, (k, train, test) in enumerate(((1, 2, 20), (2, 4, 30), (3, 6, 40), (3, 8, 80)), start=1):
        kappa = bounds.exchangeable_kappa(k, train=train, test=test, n_noise=k + noise_shift)
        x = Fraction(1, 10**7)
        share = rare_noise_loss(k, test, x, 1) / rare_noise_loss(k, train, x, 1) / (scale * kappa)
        tick(1)
        if not (1 - x) ** (test - 2 * k) <= share <= 1:
            law = marked_parity(k)
            return Measured(
                instances, f"k = {k}", (Problem(HeadClass(k), law.at(train), law.at(test)), {"share": str(share)})
            )
        reached.append(f"1 - {as_float(1 - share):.1e} for {k}, {train}, {test}")
    return Measured(instances, f"loss ratio / t at noise 1e-7 for k, l, L: {'; '.join(reached)}")


@claim.measurement("search", "hill climbing over soft heads with any scores", notices=("only S* need survive",))
def _adversary(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, survive: bool = True
) -> Measured:
    """Hill climbing over soft heads with any scores for the largest L_test / (t · L_train)."""
    from proofs_check.claims.engines import climb

    rounds, steps = (3, 40) if profile == "quick" else (10, 200)
    levels = [Fraction(n) for n in ("0", "1/50", "1/3", "1", "9")]
    tried, best = 0, Fraction(0)
    for _ in range(rounds):
        ens = random_pairs(rng, 2)
        problem = Problem(HeadClass(2), ens.at(4), ens.at(5))
        views = problem.space().views
        factor = _factor(problem, survive=survive)

        def gain(
            state: tuple[int, ...], problem: Problem = problem, views: Any = views, factor: Any = factor
        ) -> Fraction:
            score = {view: levels[state[2 * i]] for i, view in enumerate(views)}
            value: dict[View, Label] = {view: state[2 * i + 1] % 2 for i, view in enumerate(views)}
            head = SparseAttentionHead(problem.heads, score=score, value=value)
            train_loss = loss(head, problem.train)
            test_loss = loss(head, problem.test)
            return Fraction(test_loss / (factor * train_loss)) if train_loss else Fraction(10**9 if test_loss else 0)

        start = tuple(int(d) for d in rng.integers(0, 5, size=2 * len(views)))
        _, value, n = climb(rng, start, gain, n_choices=5, steps=steps, tick=tick)
        tried, best = tried + n, max(best, value)
        if value > 1:
            return Measured(tried, f"a ratio of {value}", (problem, {"share": str(value)}))
    return Measured(tried, f"{tried:,} soft heads; the largest share of the bound reached is {as_float(best):.3f}")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("candidates survive")
def _no_kernel() -> Iterator[Problem]:
    """Training length 1: a candidate with noise survives in no training example."""
    for ens in ensembles(1, 2):
        yield Problem(HeadClass(1), ens.at(1), ens.at(2))


@claim.without("same planting")
def _other_target() -> Iterator[Problem]:
    train: dict[tuple[int, ...], Label] = {(1,): 0, (2,): 1}
    test: dict[tuple[int, ...], Label] = {(1,): 1, (2,): 0}
    yield Problem(HeadClass(1), ensemble(3, (0,), train).at(2), ensemble(3, (0,), test).at(2))
