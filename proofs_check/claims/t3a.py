"""T3a, exchangeable ensembles: the closed forms of κ, κ0 and N_T, and the tight exponent k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import comb, inf
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import sampled_loss
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import marked_parity
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, PlantedEnsemble, bounds, coverage, support
from theory.exact import as_float
from theory.examples import Label
from theory.heads import View
from theory.kernels import is_exchangeable
from theory.transfer import enumerated_pattern_masses

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """κ = C(L-k, n) / C(l-k, n) with n = k + shift, κ0 and N_T; the defaults are the claim."""

    exponent_shift: int = 0
    kappa0: Fraction = Fraction(1)
    candidates_arity_shift: int = 0
    least_length: int = 2
    """The claim speaks of training lengths >= least_length · k."""


STATED = Statement()
MUTANTS = {
    "exponent k - 1 for k": replace(STATED, exponent_shift=-1),
    "exponent k + 1 for k": replace(STATED, exponent_shift=1),
    "κ0 = 2": replace(STATED, kappa0=Fraction(2)),
    "N_T = C(l, k + 1)": replace(STATED, candidates_arity_shift=1),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """The closed forms against enumerated pattern masses, the verified κ0 and counted candidates."""
    (train, test), k = problem.planted, problem.heads.arity
    if train.length < statement.least_length * k or test.length < train.length:
        return None
    n_noise = k + statement.exponent_shift
    above, below = comb(test.length - k, n_noise), comb(train.length - k, n_noise)
    claimed = Fraction(above, below) if below else (inf if above else Fraction(0))
    trained = enumerated_pattern_masses(problem.heads, train)
    tested = enumerated_pattern_masses(problem.heads, test)
    kappa = max(mass / trained[p] if p in trained else inf for p, mass in tested.items())
    cov = coverage(problem.heads, train=train, test=test)
    n_candidates = sum(1 for _ in problem.heads.candidates(tuple(range(train.length))))
    seen = {"kappa": str(kappa), "kappa0": str(cov.kappa0), "candidates": n_candidates}
    says = {
        "kappa": str(claimed),
        "kappa0": str(statement.kappa0),
        "candidates": comb(train.length, k + statement.candidates_arity_shift),
    }
    if statement == STATED and (cov.kappa, cov.candidates) != (kappa, n_candidates):
        return {"coverage": str(cov.kappa), "enumerated": seen}
    return None if seen == says else {"enumerated": seen, "closed_form": says}


def cases(problem: Problem) -> int:
    """One case a pair of lengths."""
    return 1


def nonvacuous(problem: Problem) -> bool:
    """Whether the ensemble is exchangeable and the training length at least 2k."""
    train, _ = problem.planted
    return is_exchangeable(problem.heads, train) and train.length >= 2 * problem.heads.arity


def _closed_forms(profile: Profile) -> Iterator[Problem]:
    top = 8 if profile == "quick" else 10
    for k in (1, 2, 3) if profile == "quick" else (1, 2, 3, 4):
        ens = marked_parity(k)
        for train in range(top, 2 * k - 1, -1):  # first where the closed forms of the mutants are numbers, not 0/0
            for test in range(train, top + 2):
                yield Problem(HeadClass(k), ens.at(train), ens.at(test))


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def prove_ratio() -> int:
    """The ratio of the masses is C(L-k, n) / C(l-k, n), for symbolic k, l, L and n noise coordinates.

    C(L, k+n) C(l, k) / (C(L, k) C(l, k+n)) = C(L-k, n) / C(l-k, n), as C(L, k+n) · C(k+n, n) = C(L, k) · C(L-k, n).
    """
    import sympy

    k, n, short, long = sympy.symbols("k n l L", integer=True, positive=True)
    mass_ratio = (
        sympy.binomial(long, k + n)
        * sympy.binomial(short, k)
        / (sympy.binomial(long, k) * sympy.binomial(short, k + n))
    )
    quotient = sympy.gammasimp(
        (mass_ratio / bounds.exchangeable_kappa(k, train=short, test=long, n_noise=n)).rewrite(sympy.gamma)
    )
    require(sympy.simplify(quotient) == 1, f"the ratio of masses: {quotient}")
    # It can fail: with the exponent off by one the quotient is not 1.
    wrong = sympy.gammasimp(
        (mass_ratio / bounds.exchangeable_kappa(k, train=short, test=long, n_noise=n + 1)).rewrite(sympy.gamma)
    )
    require(sympy.simplify(wrong) != 1, "the exponent off by one")
    return 2


def prove_monotone() -> int:
    """κ_(n+1) / κ_n = (L-k-n) / (l-k-n) >= 1 for L >= l > k + n: κ grows with the noise coordinates n.

    So with 2k <= l the maximum is at n = k; in the overlap size k - n it is non-increasing.
    """
    import sympy

    k, n, short, long = sympy.symbols("k n l L", integer=True, positive=True)
    step = bounds.exchangeable_kappa(k, train=short, test=long, n_noise=n + 1) / bounds.exchangeable_kappa(
        k, train=short, test=long, n_noise=n
    )
    step = sympy.simplify(sympy.gammasimp(step.rewrite(sympy.gamma)))
    require(sympy.simplify(step - (long - k - n) / (short - k - n)) == 0, f"the step {step}")
    spare, extra = sympy.symbols("d e", integer=True, nonnegative=True)  # l = k + n + 1 + d, L = l + e
    excess = sympy.simplify(
        ((long - k - n) / (short - k - n)).subs(long, short + extra).subs(short, k + n + 1 + spare) - 1
    )
    require(excess.is_nonnegative is True, f"the step minus 1: {excess}")
    return 2


def prove_exponent() -> int:
    """The exponent k in L is reached: for the rare-noise head the ratio of the losses tends to κ as the noise vanishes.

    Noise token n has probability x; the head selects the planted views rightly and (n, ..., n) with an answer that is
    wrong for a share of the labels. Its loss is share · Σ_b C(l-k, b) x^b (1-x)^(l-k-b) C(b, k) / (1 + C(b, k)); the
    lowest power of x is x^k with coefficient share · C(l-k, k) / 2, so the ratio tends to C(L-k, k) / C(l-k, k) = κ.
    And κ / L^k tends to 1 / (k! C(l-k, k)) for every k in 1..6: the exponent is k.
    """
    import sympy

    x, long = sympy.symbols("x L", positive=True)
    steps = 0
    for k in (1, 2, 3):
        for length in range(2 * k, 2 * k + 5):
            series = sympy.Poly(sympy.expand(rare_noise_loss(k, length, x, sympy.Rational(1, 2))), x)
            powers = {power: c for (power,), c in series.terms()}
            require(min(powers) == k, f"k = {k}, l = {length}: lowest power {min(powers)}")
            require(
                powers[k] == sympy.Rational(comb(length - k, k), 4), f"k = {k}, l = {length}: coefficient {powers[k]}"
            )
            steps += 2
    for k in range(1, 7):
        kappa = bounds.exchangeable_kappa(k, train=sympy.Integer(2 * k + 1), test=long)
        limit = sympy.limit(sympy.expand(sympy.expand_func(kappa)) / long**k, long, sympy.oo)
        require(limit == sympy.Rational(1, sympy.factorial(k) * comb(k + 1, k)), f"k = {k}: {limit}")
        steps += 1
    return steps


def rare_noise_loss(k: int, length: int, x, share):  # type: ignore[no-untyped-def]  # numbers or sympy symbols
    """The exact loss of the rare-noise head at noise probability x (see `prove_exponent`)."""
    free = length - k
    return share * sum(
        comb(free, b) * x**b * (1 - x) ** (free - b) * Fraction(comb(b, k), 1 + comb(b, k)) for b in range(k, free + 1)
    )


# ── Random problems, Monte Carlo, the tight instance ─────────────────────────────────────────────────────────────────


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import exchangeable_problems

    return exchangeable_problems()


def rare_noise_problem(k: int, x: Fraction, train: int, test: int) -> Problem:
    """Marked parity, noise 0 with probability 1 - x and 3 with probability x; the head also selects (3, ..., 3)."""
    words = list(product((1, 2), repeat=k))
    ens = PlantedEnsemble(
        4,
        [1 - x, 0, 0, x],
        {w: Fraction(1, len(words)) for w in words},
        {w: w.count(1) % 2 for w in words},
        support.uniform(),
    )
    answers: dict[View, Label] = {View(w, ()): label for w, label in ens.target.items()}
    answers[View((3,) * k, ())] = 0
    heads = HeadClass(k)
    return Problem(heads, ens.at(train), ens.at(test), HardHead(heads, answers))


def _monte_carlo(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Sampled losses at lengths up to 200 against the exact closed sum, family-wise level 0.001."""
    settings = [(1, 50), (1, 200), (2, 40)] if profile == "quick" else [(1, 50), (1, 200), (2, 60), (2, 120), (2, 200)]
    size = 400 if profile == "quick" else 3000
    level = 1 - Fraction(1, 1000 * len(settings))
    seen = []
    for k, length in settings:
        x = Fraction(1, length)
        problem = rare_noise_problem(k, x, 2 * k, length)
        assert problem.head is not None
        exact = rare_noise_loss(k, length, x, Fraction(1, 2))
        sampled = sampled_loss(problem.head, problem.test, rng, size, level=level)
        tick(size)
        seen.append(f"{as_float(sampled.estimate):.3f} for {as_float(exact):.3f}")
        if not sampled.low <= exact <= sampled.high:
            facts = {"exact": str(exact), "sampled": [sampled.low, sampled.high]}
            return Measured(size * len(seen), f"k = {k}, length {length}: {facts}", (problem, facts))
    return Measured(size * len(settings), f"sampled losses {', '.join(seen)}; every exact interval covers")


def _tight_instance(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """The rare-noise head: the ratio of its losses approaches κ from below as the noise gets rarer."""
    reached, instances = [], 0
    for k, train, test in ((1, 2, 50), (2, 4, 50), (3, 6, 50)):
        kappa = bounds.exchangeable_kappa(k, train=train, test=test)
        previous = Fraction(0)
        for power in (2, 4, 6):
            x = Fraction(1, 10**power)
            ratio = rare_noise_loss(k, test, x, 1) / rare_noise_loss(k, train, x, 1) / kappa
            instances += 1
            tick(1)
            if not previous < ratio <= 1:
                problem = rare_noise_problem(k, x, train, 2 * k + 2)
                return Measured(instances, f"k = {k}, x = {x}", (problem, {"ratio_over_kappa": str(ratio)}))
            previous = ratio
        reached.append(f"k = {k}: {as_float(previous):.6f}")
    return Measured(instances, f"loss ratio / κ at noise 1e-6, L = 50: {', '.join(reached)}")


def _short_training() -> Iterator[Problem]:
    """k = 2, l = 2 and 3, L = 3: the closed form is C(1, 2) / C(l - 2, 2) = 0/0 at both, and κ is ∞ from 2, 1 from 3.

    From l = 2 a head that answers the pair (noise, mark) wrongly loses 0 in training and more at test, so a finite κ
    would be a false bound there. T3 reads 0/0 as 0; as κ differs, no other reading would serve both problems. Nothing
    but 0/0 fails: for l < 2k <= L closed form and κ are both ∞, and κ0 and N_T are right at every l >= k.
    """
    for length in (2, 3):
        yield Problem(HeadClass(2), marked_parity(2).at(length), marked_parity(2).at(3))


ATTACK = Attack(
    claim_id="T3a",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(Family("κ, κ0 and N_T for k = 1..3 (full: 4) against enumeration", _closed_forms),),
    proofs=(
        Proof("the mass ratio, symbolic in k, l, L and the noise coordinates", prove_ratio),
        Proof("κ grows with the noise coordinates of a pattern", prove_monotone),
        Proof(
            "the exponent k is tight: lowest power of the rare-noise loss, limit of κ / L^k",
            prove_exponent,
        ),
    ),
    samplers=(Sampler("random plantings of arity 1 to 3, random length pairs", _random_problems, 40, 300),),
    measurements=(
        Measurement("sampled", "Monte Carlo at lengths up to 200 against the exact loss", _monte_carlo),
        Measurement("search", "the tight instance", _tight_instance),
    ),
    necessity={"train length 2k": Dropped(_short_training, replace(STATED, least_length=1))},
    nonvacuous=nonvacuous,
)
