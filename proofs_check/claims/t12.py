"""T12, the sharper floor: below the arity of the parity, every hard head loses at least 1 / (max |C| + 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, product

import numpy as np

from proofs_check.attack import Attack, Dropped, Family, Measured, Measurement, Profile, Proof, require
from proofs_check.claims import t7
from proofs_check.problem import Problem
from theory import HeadClass, PlantedEnsemble, bounds, support


def _scaled(numerator: int, shift: int) -> Callable[[int], Fraction]:
    return lambda n: Fraction(numerator, n + shift)


STATED = replace(t7.STATED, identity=False, floor=bounds.below_arity_floor)
MUTANTS = {
    "1 / N": replace(STATED, floor=_scaled(1, 0)),
    "2 / (N + 1)": replace(STATED, floor=_scaled(2, 1)),
    "3 / (N + 2)": replace(STATED, floor=_scaled(3, 2)),
    "no head beats chance": replace(t7.MUTANTS["no head beats chance"], identity=False),
}


def prove_pointwise() -> int:
    """W/(W+R) >= (W - R + 1)/(N + 1) for integers W, R >= 0 with 1 <= W + R <= N, symbolic.

    R = 0: 1 - (W + 1)/(N + 1) = (N - W)/(N + 1) >= 0. R >= 1: clearing denominators leaves a polynomial in R - 1, W and
    N - W - R with non-negative coefficients. With E[W] = E[R] the mean of the right-hand side is 1/(N + 1).
    """
    import sympy

    wrong, spare, right = sympy.symbols("W s r", integer=True, nonnegative=True)
    none_right = sympy.factor(1 - (wrong + 1) / (wrong + spare + 1))  # N = W + s
    require(none_right.is_nonnegative is True, f"R = 0: {none_right}")
    rights = right + 1
    n = wrong + rights + spare
    numerator = sympy.expand(wrong * (n + 1) - (wrong - rights + 1) * (wrong + rights))
    coefficients = sympy.Poly(numerator, wrong, right, spare).coeffs()
    require(all(c >= 0 for c in coefficients), f"R >= 1: {numerator}")
    # Sharp: W = N, R = 0 and W = 0, R = 1 are equalities, and they balance E[W] = E[R].
    size = sympy.Symbol("N", positive=True)
    require(sympy.simplify(1 - (size + 1) / (size + 1)) == 0, "equality at W = N")
    p = sympy.Symbol("p")
    balance = sympy.solve(sympy.Eq(p * size, 1 - p), p)[0]
    require(sympy.simplify(balance - 1 / (size + 1)) == 0, f"the balanced mixture loses {balance}")
    return 4


def _closest(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """The smallest loss over the floor among all heads of small classes: 1 where the floor is reached."""
    best, instances = Fraction(10**6), 0
    for problem in chain(t7._beats_chance(profile), t7._dense(profile)):
        space = problem.space()
        if space.size > t7.ENUMERATED_HEADS or problem.heads.key != "none" or problem.heads.window is not None:
            continue
        losses, _, denominator = space.losses(problem.train)
        smallest = Fraction(int(losses.min()), denominator)
        floor = bounds.below_arity_floor(problem.candidates_in(problem.train))
        instances += space.size
        tick(space.size)
        best = min(best, smallest / floor)
        if smallest < floor:
            return Measured(instances, "a loss below the floor", (problem, {"smallest_loss": str(smallest)}))
    return Measured(instances, f"the smallest loss / floor is {best}")


def _biased_bits() -> Iterator[Problem]:
    """(0, 0) nearly always: answering 0 at both tokens is nearly always right."""
    words = list(product((0, 1), repeat=2))
    weights = dict(zip(words, ("7/10", "1/10", "1/10", "1/10"), strict=True))
    ens = PlantedEnsemble(3, [0, 0, 1], weights, {w: sum(w) % 2 for w in words}, support.uniform())
    yield Problem(HeadClass(1), ens.at(2), ens.at(2))


ATTACK = Attack(
    claim_id="T12",
    stated=STATED,
    mutants=MUTANTS,
    refute=t7.refute,
    cases=t7.cases,
    families=(
        Family("parity of 2 marked bits in constant noise, arity 1", t7._beats_chance),
        Family("full parity: k = length, every smaller arity", t7._dense),
    ),
    proofs=(Proof("the pointwise inequality and its equality cases, symbolic in W, R, N", prove_pointwise),),
    samplers=(replace(t7.ATTACK.samplers[0], quick=40),),
    measurements=(Measurement("search", "all heads of small classes", _closest),),
    necessity={
        "arity below k": Dropped(t7._full_arity, replace(STATED, slack=1)),
        "uniform bits": Dropped(_biased_bits),
    },
    nonvacuous=t7.nonvacuous,
)
