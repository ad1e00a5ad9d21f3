"""T3a, exchangeable ensembles: the closed forms of κ, κ0 and N_T, and the tight exponent k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, inf
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import sampled_loss
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import marked_parity
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, PlantedEnsemble, bounds, claims, coverage, support
from theory.exact import as_float
from theory.examples import Label
from theory.heads import View
from theory.transfer import enumerated_pattern_masses

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T3a")))


@dataclass(frozen=True)
class Statement:
    """κ = C(L-k, n) / C(l-k, n) with n = slope·k + shift, κ0 and N_T; the defaults are the claim."""

    exponent_slope: int = 1
    exponent_shift: int = 0
    kappa0: Fraction = Fraction(1)
    candidates_arity_shift: int = 0
    least_length: int = 2
    """The claim speaks of training lengths >= least_length · k."""

    def n_noise(self, arity: bounds.Number) -> bounds.Number:
        """Noise coordinates of the patterns whose masses grow most."""
        return self.exponent_slope * arity + self.exponent_shift

    def kappa(self, arity: int, train: int, test: int) -> Fraction | float:
        """The closed form, where T3's convention makes 0/0 = 0."""
        n_noise = self.n_noise(arity)
        above, below = comb(test - arity, n_noise), comb(train - arity, n_noise)
        return Fraction(above, below) if below else (inf if above else Fraction(0))

    def candidates(self, arity: int, train: int) -> int:
        """N_T."""
        return comb(train, arity + self.candidates_arity_shift)


STATED = Statement()


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED) -> Facts | None:
    """The closed forms against enumerated pattern masses, counted candidates, and what κ0 must be at least and at most.

    A head that selects nothing abstains always, which no κ0 < 1 allows; the kernel behind `coverage` shows that 1 serves.
    """
    (train, test), k = problem.planted, problem.heads.arity
    if train.length < statement.least_length * k or test.length < train.length:
        return None
    trained = enumerated_pattern_masses(problem.heads, train)
    tested = enumerated_pattern_masses(problem.heads, test)
    kappa = max(mass / trained[p] if p in trained else inf for p, mass in tested.items())
    n_candidates = sum(1 for _ in problem.heads.candidates(tuple(range(train.length))))
    seen = {"kappa": str(kappa), "candidates": n_candidates}
    says = {
        "kappa": str(statement.kappa(k, train.length, test.length)),
        "candidates": statement.candidates(k, train.length),
    }
    if seen != says:
        return {"enumerated": seen, "closed_form": says}
    if statement.kappa0 < 1:
        return {"kappa0": str(statement.kappa0), "abstention": "1 in training and at test"}
    if statement == STATED:
        cov = coverage(problem.heads, train=train, test=test)
        if (cov.kappa, cov.candidates, cov.kappa0) != (kappa, n_candidates, statement.kappa0):
            return {"coverage": [str(cov.kappa), cov.candidates, str(cov.kappa0)], "enumerated": seen}
    return None


claim.mutant("exponent k - 1 for k", statement=Statement(exponent_shift=-1))
claim.mutant("exponent k + 1 for k", statement=Statement(exponent_shift=1))
claim.mutant("κ of the patterns without noise", statement=Statement(exponent_slope=0))
claim.mutant("κ0 = 1/2", statement=Statement(kappa0=Fraction(1, 2)))
claim.mutant("N_T = C(l, k + 1)", statement=Statement(candidates_arity_shift=1))


@claim.decisive
def decisive(problem: Problem) -> int:
    """None at equal lengths, where κ is 1 whatever the exponent."""
    train, test = problem.planted
    return int(test.length > train.length)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the ensemble is exchangeable and the training length at least 2k."""
    train, _ = problem.planted
    exchangeable = problem.heads == HeadClass(problem.heads.arity) and train.support_law == support.uniform()
    return exchangeable and train.length >= 2 * problem.heads.arity


@claim.family("κ, κ0 and N_T for k = 1..3 (full: 4) against enumeration")
def _closed_forms(profile: Profile) -> Iterator[Problem]:
    top = 8 if profile == "quick" else 10
    for k in (1, 2, 3) if profile == "quick" else (1, 2, 3, 4):
        ens = marked_parity(k)
        for train in range(top, 2 * k - 1, -1):  # first where the closed forms of the mutants are numbers, not 0/0
            for test in range(train, top + 2):
                yield Problem(HeadClass(k), ens.at(train), ens.at(test))


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "the mass ratio, symbolic in k, l, L and the noise coordinates",
    notices=("exponent k - 1 for k", "exponent k + 1 for k"),
)
def prove_ratio(*, statement: Statement = STATED) -> int:
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
    claimed = bounds.exchangeable_kappa(k, train=short, test=long, n_noise=n + statement.exponent_shift)
    quotient = sympy.gammasimp((mass_ratio / claimed).rewrite(sympy.gamma))
    require(sympy.simplify(quotient) == 1, f"the ratio of masses: {quotient}")
    return 1


@claim.proof(
    "κ grows with the noise coordinates of a pattern, symbolic in k, l, L",
    notices=("exponent k - 1 for k", "exponent k + 1 for k", "κ of the patterns without noise"),
)
def prove_monotone(*, statement: Statement = STATED) -> int:
    """κ_(n+1) / κ_n = (L-k-n) / (l-k-n) >= 1 for L >= l > k + n: κ grows with the noise coordinates n.

    A pattern has at most k, so with 2k <= l the maximum is at n = k; in the overlap size k - n it is non-increasing.
    """
    import sympy

    k, n, short, long = sympy.symbols("k n l L", integer=True, positive=True)
    step = bounds.exchangeable_kappa(k, train=short, test=long, n_noise=n + 1) / bounds.exchangeable_kappa(
        k, train=short, test=long, n_noise=n
    )
    step = sympy.simplify(sympy.gammasimp(step.rewrite(sympy.gamma)))
    require(sympy.simplify(step - (long - k - n) / (short - k - n)) == 0, f"the step {step}")
    spare, extra = sympy.symbols("d e", integer=True, nonnegative=True)  # l = k + n + 1 + d, L = l + e
    excess = sympy.simplify(step.subs(long, short + extra).subs(short, k + n + 1 + spare) - 1)
    require(excess.is_nonnegative is True, f"the step minus 1: {excess}")
    largest = statement.n_noise(k)
    require(largest == k, f"the maximum is at k noise coordinates, not at {largest}")
    return 3


@claim.proof(
    "the exponent k is tight: lowest power of the rare-noise loss for k = 1..3 and five lengths, limit of κ / L^k "
    "for k = 1..6",
    kind="exhausted",
    notices=("exponent k - 1 for k", "exponent k + 1 for k", "κ of the patterns without noise"),
)
def prove_exponent(*, statement: Statement = STATED) -> int:
    """The exponent k in L is reached: for the rare-noise head the ratio of the losses tends to κ as the noise vanishes.

    Noise token n has probability x; the head selects the planted views rightly and (n, ..., n) with an answer that is
    wrong for a share of the labels. Its loss is share · Σ_b C(l-k, b) x^b (1-x)^(l-k-b) C(b, k) / (1 + C(b, k)); the
    lowest power of x is x^k with coefficient share · C(l-k, k) / 2 (k <= 3, five lengths each), so the ratio tends to
    C(L-k, k) / C(l-k, k) = κ. And κ / L^k tends to 1 / (k! C(l-k, k)), at l = 2k + 1 for k = 1..6: the exponent is k.
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
        n_noise = statement.n_noise(k)
        kappa = bounds.exchangeable_kappa(k, train=sympy.Integer(2 * k + 1), test=long, n_noise=n_noise)
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


@claim.sampler(
    "random plantings of arity 1, 2, 3 at lengths up to 60, 18, 10; one a pair of lengths",
    quick=40,
    full=300,
    notices=tuple(claim.mutants),
    key=lambda problem: (problem.heads.arity, *(law.length for law in problem.planted)),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import exchangeable_problems

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


@claim.measurement(
    "sampled",
    "Monte Carlo at lengths up to 200 against the exact loss and T3's bound",
    notices=("exponent k - 1 for k", "κ of the patterns without noise"),
)
def _monte_carlo(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """Sampled losses at lengths up to 200, family-wise level 0.001, against the exact closed sum, and against what T3
    allows with the κ and N_T of the statement."""
    settings = [(1, 50), (1, 200), (2, 40)] + ([(2, 120), (2, 200)] if profile == "full" else [])
    size = 400 if profile == "quick" else 3000
    level = 1 - Fraction(1, 1000 * len(settings))
    seen = []
    for k, length in settings:
        x = Fraction(1, length)
        problem = rare_noise_problem(k, x, 2 * k, length)
        assert problem.head is not None
        exact, trained = (rare_noise_loss(k, n, x, Fraction(1, 2)) for n in (length, 2 * k))
        bound = statement.kappa(k, 2 * k, length) * statement.candidates(k, 2 * k) * trained
        sampled = sampled_loss(problem.head, problem.test, rng, size, level=level)
        tick(size)
        seen.append(f"{as_float(sampled.estimate):.3f} for {as_float(exact):.3f}")
        if not sampled.low <= exact <= sampled.high or sampled.low > bound:
            facts = {"exact": str(exact), "bound": str(bound), "sampled": [sampled.low, sampled.high]}
            return Measured(size * len(seen), f"k = {k}, length {length}: {facts}", (problem, facts))
    return Measured(size * len(settings), f"sampled losses {', '.join(seen)}; every exact interval covers")


@claim.measurement(
    "search",
    "the tight instance",
    notices=("exponent k - 1 for k", "exponent k + 1 for k", "κ of the patterns without noise"),
)
def _tight_instance(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """The rare-noise head: the ratio of its losses approaches κ from below as the noise gets rarer, by O(noise)."""
    reached, instances = [], 0
    for k, train, test in ((1, 2, 50), (2, 4, 50), (3, 6, 50)):
        kappa = statement.kappa(k, train, test)
        for power in (2, 4, 6):
            x = Fraction(1, 10**power)
            ratio = rare_noise_loss(k, test, x, 1) / rare_noise_loss(k, train, x, 1) / kappa
            instances += 1
            tick(1)
            if not 1 - 2 * test * x < ratio <= 1:
                problem = rare_noise_problem(k, x, train, 2 * k + 2)
                return Measured(instances, f"k = {k}, x = {x}", (problem, {"ratio_over_kappa": str(ratio)}))
        reached.append(f"k = {k}: {as_float(ratio):.6f}")
    return Measured(instances, f"loss ratio / κ at noise 1e-6, L = 50: {', '.join(reached)}")


@claim.without("train length 2k", statement=Statement(least_length=1))
def _short_training() -> Iterator[Problem]:
    """k = 2, l = 2 and 3, L = 3: the closed form is C(1, 2) / C(l - 2, 2) = 0/0 at both, and κ is ∞ from 2, 1 from 3.

    From l = 2 a head that answers the pair (noise, mark) wrongly loses 0 in training and more at test, so a finite κ
    would be a false bound there. T3 reads 0/0 as 0; as κ differs, no other reading would serve both problems. Nothing
    but 0/0 fails: for l < 2k <= L closed form and κ are both ∞, and κ0 and N_T are right at every l >= k.
    """
    for length in (2, 3):
        yield Problem(HeadClass(2), marked_parity(2).at(length), marked_parity(2).at(3))
