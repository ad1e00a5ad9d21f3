"""T3b, locality: the masses of local ensembles are linear in the length, so κ = Θ(L / l), where T3a has the exponent k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import comb, factorial, log
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import marked_parity
from proofs_check.problem import Problem
from theory import HeadClass, bounds, positions, support
from theory.exact import as_float
from theory.support import Local
from theory.transfer import Pattern, enumerated_pattern_masses

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """The mass of a candidate times the number n ~ C(w, k - 1) L of local sets is a polynomial in the length L: for a
    disjoint candidate of degree `disjoint` + 1, with the leading coefficient C(w, k - 1); for a touching one of degree at
    most `touching` + 1, and exactly that unless `touching` is 0. Without locality the exponent is k."""

    disjoint: int = 1
    touching: int = 0
    needs_window: bool = True


STATED = Statement()
MUTANTS = {
    "exponent 2 for 1": replace(STATED, disjoint=2),
    "exponent 0 for 1": replace(STATED, disjoint=0),
    "touching candidates grow too": replace(STATED, touching=1),
    "exponent 2 for touching candidates": replace(STATED, touching=2),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """Finite differences of mass · (number of local sets) in the length, exactly: degree and leading coefficient.

    For relative keys with a window w, k planted tokens within w and IDs = positions: from length 4w on, every such
    product is a polynomial in the length, since boundary effects reach no further than 2w from the ends.
    """
    (law, _), heads = problem.planted, problem.heads
    if not isinstance(law.support_law, Local) or (statement.needs_window and heads.window is None):
        return None
    k, width = law.ensemble.arity, law.support_law.width
    n_values = max(statement.disjoint, statement.touching) + 5  # three differences more than the degree
    lengths = range(law.length, law.length + n_values)
    masses = {length: enumerated_pattern_masses(heads, replace(law, length=length)) for length in lengths}
    sets = {length: law.support_law.count(length, k) for length in lengths}
    patterns: set[Pattern] = set().union(*masses.values())
    for pattern in sorted(patterns, key=repr):
        values = [masses[n].get(pattern, Fraction(0)) * sets[n] for n in lengths]
        disjoint = pattern.n_noise == heads.arity
        growth = statement.disjoint if disjoint else statement.touching
        degree = growth + 1  # the number of sets is linear itself
        leading = _difference(values, degree)[0] / factorial(degree)
        if any(_difference(values, degree + 1)):
            return {"pattern": repr(pattern), "degree_above": degree}
        if growth and leading == 0:
            return {"pattern": repr(pattern), "degree_below": degree}
        if disjoint and leading != comb(width, k - 1):
            return {"pattern": repr(pattern), "leading_coefficient": str(leading), "degree": degree}
    return None


def _difference(values: list[Fraction], order: int) -> list[Fraction]:
    for _ in range(order):
        values = [b - a for a, b in pairwise(values)]
    return values


def cases(problem: Problem) -> int:
    """One case a pattern, about: the number of overlap patterns times that of keys."""
    return len(enumerated_pattern_masses(problem.heads, problem.planted[0]))


def nonvacuous(problem: Problem) -> bool:
    """Whether support and window are local."""
    return isinstance(problem.planted[0].support_law, Local) and problem.heads.window is not None


def _local(profile: Profile) -> Iterator[Problem]:
    pairs = ((2, 1), (2, 2), (3, 2)) if profile == "quick" else ((2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (4, 3))
    for k, width in pairs:
        for shift in (0, 1):
            at = marked_parity(k, support.local(width)).at(4 * width + k, positions=positions.random_shift(0, shift))
            yield Problem(HeadClass(k, width, "relative"), at, at)


def prove_degrees() -> int:
    """The masses of pairs, symbolic in L: (L - d) n(L) - touching(L) over n(L) = wL - w(w+1)/2, with every part linear.

    So the mass of a disjoint pair of offset d is L + O(1), for w = 1..4 and every d. Up to 2w, where the linear function
    ends, and beyond it is compared with listing.
    """
    import sympy

    length = sympy.Symbol("L", positive=True)
    steps = 0
    for width in range(1, 5):
        n_sets = sum(length - d for d in range(1, width + 1))
        for d in range(1, width + 1):
            touching = touching_pairs(width, d, length)
            require(sympy.degree(touching, length) == 1, f"w = {width}, d = {d}: touching is linear")
            for n in range(2 * width, 2 * width + 6):
                require(touching.subs(length, n) == listed_pairs(width, d, n), f"w = {width}, d = {d}: touching at {n}")
            mass = ((length - d) * n_sets - touching) / n_sets
            rest = sympy.limit(mass - length, length, sympy.oo)
            require(rest.is_finite is True, f"w = {width}, d = {d}: the mass is L + {rest}")
            check = Fraction(str(mass.subs(length, 6 * width + 5)))
            require(check == bounds._disjoint_mass(width, d, 6 * width + 5), f"w = {width}, d = {d}: closed form")
            steps += 9
        # It can fail: below 2w the ends are too near.
        short = 2 * width - 1
        require(touching_pairs(width, width, short) != listed_pairs(width, width, short), f"w = {width}: from 2w on")
        steps += 1
    return steps


def touching_pairs(width: int, offset: int, length: bounds.Number) -> bounds.Number:
    """How many candidates (i, i + d) share a position with how many local pairs (j, j + e), for a length L >= 2w.

    i = j and i + d = j + e each have L - max(d, e) solutions, i = j + e and i + d = j each L - d - e; no pair meets two
    of the four conditions, but where e = d the first two are one.
    """
    return sum(
        (1 if e == offset else 2) * (length - max(offset, e)) + 2 * (length - offset - e) for e in range(1, width + 1)
    )


def listed_pairs(width: int, offset: int, length: int) -> int:
    """`touching_pairs` by listing."""
    planted = [(i, i + d) for i in range(length) for d in range(1, width + 1) if i + d < length]
    return sum(bool({i, i + offset} & set(pair)) for i in range(length - offset) for pair in planted)


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import local_problems

    return local_problems()


def _slopes(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Measured log-log slopes of κ in L: towards 1 with locality, towards k without, over doublings of the length."""
    summary, instances = [], 0
    doublings = (64, 256, 1024) if profile == "quick" else (64, 256, 1024, 4096, 16384)
    for rate in bounds.rates():
        slopes = [log(as_float(rate.value(2 * n) / rate.value(n))) / log(2) for n in doublings]
        instances += len(doublings)
        tick(len(doublings))
        gaps = [abs(slope - rate.exponent) for slope in slopes]
        # The exponent is reached with an error O(1 / length): four times the length, about a quarter of the gap.
        if any(b > a / 3 for a, b in pairwise(gaps)) or gaps[-1] > 10 * rate.exponent / doublings[-1]:
            at = marked_parity(2, support.local(1)).at(6)
            facts = {"rate": rate.name, "slopes": slopes}
            return Measured(instances, f"{rate.name}: {slopes}", (Problem(HeadClass(2, 1, "relative"), at, at), facts))
        summary.append(f"{slopes[-1]:.4f} for {rate.exponent}")
    return Measured(instances, f"slopes at length {doublings[-1]}: {', '.join(summary)}")


def _no_window() -> Iterator[Problem]:
    """No window and no key: touching candidates lie anywhere, so their mass grows with the length."""
    at = marked_parity(2, support.local(2)).at(10)
    yield Problem(HeadClass(2, None, "none"), at, at)


ATTACK = Attack(
    claim_id="T3b",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(Family("k <= 3 (full: 4), w <= 2 (full: 4), positions and shifts: exact differences in L", _local),),
    proofs=(
        Proof(
            "pairs: touching ones counted symbolically, so disjoint ones have mass L + O(1), w = 1..4", prove_degrees
        ),
    ),
    samplers=(Sampler("random local plantings, windows and shifts", _random_problems, 15, 100),),
    measurements=(Measurement("search", "log-log slopes", _slopes),),
    necessity={
        "window and key": Dropped(_no_window, replace(STATED, needs_window=False)),
    },
    nonvacuous=nonvacuous,
)
