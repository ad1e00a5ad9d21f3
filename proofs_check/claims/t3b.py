"""T3b, locality: the masses of local ensembles are linear in the length, so κ = Θ(L / l), where T3a has the exponent k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from math import comb, factorial, inf, log
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import marked_parity
from proofs_check.problem import Problem
from theory import HeadClass, bounds, claims, coverage, positions, support
from theory.exact import as_float
from theory.planted import PlantedLaw
from theory.positions import RandomShift
from theory.support import Local
from theory.transfer import Pattern, enumerated_pattern_masses

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T3b")))

KAPPA0_LENGTH = 24
"""κ0 is found by a linear program; up to this test length that is quick."""


LOW, HIGH, KAPPA0 = Fraction(1, 2), Fraction(3), Fraction(16, 9)
"""What the claim says: LOW · L/l <= κ <= HIGH · L/l, and κ0 is at most KAPPA0, from l >= 4w + 2k² to L >= l."""


def _speaks_of(problem: Problem, without: str = "") -> bool:
    """Whether the hypotheses are met, but for one that is dropped."""
    heads, laws = problem.heads, problem.planted
    widths = {law.support_law.width if isinstance(law.support_law, Local) else None for law in laws}
    met = {
        "window": heads.window is not None,
        "relative key": heads.key == "relative",
        "local support": widths == {heads.window} or heads.window is None,
        "IDs = positions": all(isinstance(law.positions, RandomShift) for law in laws),
    }
    return all(holds for name, holds in met.items() if name != without)


@claim.refute
def refute(
    problem: Problem,
    *,
    disjoint: int = 1,
    touching: int = 0,
    low: Fraction = LOW,
    high: Fraction = HIGH,
    kappa0: Fraction = KAPPA0,
    without: str = "",
) -> Facts | None:
    """For one law the growth of its masses; for two, the bounds of κ and κ0 between them.

    The mass of a candidate times the number n ~ C(w, k - 1) L of local sets is a polynomial in the length L: for a
    disjoint candidate of degree `disjoint` + 1, with the leading coefficient C(w, k - 1); for a touching one of degree at
    most `touching` + 1, and exactly that unless `touching` is 0. Without locality the exponent is k.
    """
    train, test = problem.planted
    if not _speaks_of(problem, without):
        return None
    if train == test:
        return _refute_growth(problem.heads, train, disjoint, touching)
    return _refute_kappa(problem, low, high, kappa0)


claim.mutant("exponent 2 for 1", disjoint=2)
claim.mutant("exponent 0 for 1", disjoint=0)
claim.mutant("touching candidates grow too", touching=1)
claim.mutant("exponent 2 for touching candidates", touching=2)
claim.mutant("κ <= L/l", high=Fraction(1))
claim.mutant("κ >= 2 L/l", low=Fraction(2))
claim.mutant("κ0 <= 1", kappa0=Fraction(1))


def _refute_growth(heads: HeadClass, law: PlantedLaw, disjoint: int, touching: int) -> Facts | None:
    """Finite differences of mass · (number of local sets) in the length, exactly: degree and leading coefficient.

    For relative keys with a window w, k planted tokens within w and IDs = positions: from length 4w on, every such
    product is a polynomial in the length, since boundary effects reach no further than 2w from the ends.
    """
    assert isinstance(law.support_law, Local)
    k, width = law.ensemble.arity, law.support_law.width
    n_values = max(disjoint, touching) + 5  # three differences more than the degree
    lengths = range(law.length, law.length + n_values)
    masses = {length: enumerated_pattern_masses(heads, replace(law, length=length)) for length in lengths}
    sets = {length: law.support_law.count(length, k) for length in lengths}
    patterns: set[Pattern] = set().union(*masses.values())
    for pattern in sorted(patterns, key=repr):
        values = [masses[n].get(pattern, Fraction(0)) * sets[n] for n in lengths]
        is_disjoint = pattern.n_noise == heads.arity
        growth = disjoint if is_disjoint else touching
        degree = growth + 1  # the number of sets is linear itself
        leading = _difference(values, degree)[0] / factorial(degree)
        if any(_difference(values, degree + 1)):
            return {"pattern": repr(pattern), "degree_above": degree}
        if growth and leading == 0:
            return {"pattern": repr(pattern), "degree_below": degree}
        if is_disjoint and leading != comb(width, k - 1):
            return {"pattern": repr(pattern), "leading_coefficient": str(leading), "degree": degree}
    return None


def _refute_kappa(problem: Problem, low: Fraction, high: Fraction, kappa0: Fraction) -> Facts | None:
    train, test = problem.planted
    if train.length < _least_length(problem) or test.length < train.length:
        return None
    trained, tested = (enumerated_pattern_masses(problem.heads, law) for law in (train, test))
    kappa = max(mass / trained[p] if p in trained else inf for p, mass in tested.items())
    low, high = (factor * Fraction(test.length, train.length) for factor in (low, high))
    if not low <= kappa <= high:
        return {"kappa": str(kappa), "at_least": str(low), "at_most": str(high)}
    if test.length <= KAPPA0_LENGTH:
        cov = coverage(problem.heads, train=train, test=test)
        if cov.kappa0 > kappa0 or cov.kappa != kappa:
            return {"kappa0": str(cov.kappa0), "at_most": str(kappa0), "kappa": [str(cov.kappa), str(kappa)]}
    return None


def _least_length(problem: Problem) -> int:
    """4w + 2k², with the width of the support where there is no window."""
    width = max(law.support_law.width for law in problem.planted if isinstance(law.support_law, Local))
    return 4 * width + 2 * problem.heads.arity**2


def _difference(values: list[Fraction], order: int) -> list[Fraction]:
    for _ in range(order):
        values = [b - a for a, b in pairwise(values)]
    return values


@claim.cases
def cases(problem: Problem) -> int:
    """One case a pattern, about (the number of overlap patterns times that of keys); or a pair of lengths."""
    train, test = problem.planted
    return len(enumerated_pattern_masses(problem.heads, train)) if train == test else 1


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the claim speaks of the problem."""
    train, test = problem.planted
    return _speaks_of(problem) and (train == test or train.length >= _least_length(problem))


@claim.family("k <= 3 (full: 4), w <= 2 (full: 4), positions and shifts: exact differences in L")
def _local(profile: Profile) -> Iterator[Problem]:
    pairs = ((2, 1), (2, 2), (3, 2)) if profile == "quick" else ((2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (4, 3))
    for k, width in pairs:
        for shift in (0, 1):
            at = marked_parity(k, support.local(width)).at(4 * width + k, positions=positions.random_shift(0, shift))
            yield Problem(HeadClass(k, width, "relative"), at, at)


@claim.family("κ and κ0 for k = 2 (full: 3), w <= 2 (full: 3), from l = 4w + 2k² to 3l + 1 (full: 6l + 1)")
def _length_pairs(profile: Profile) -> Iterator[Problem]:
    """κ and κ0 from the least training length, 4w + 2k², and a greater one."""
    for k, width in ((2, 1), (2, 2)) if profile == "quick" else ((2, 1), (2, 2), (2, 3), (3, 2)):
        ens = marked_parity(k, support.local(width))
        least = 4 * width + 2 * k * k
        for train, test in product((least, least + 3), (1, 2, 3) if profile == "quick" else (1, 2, 3, 6)):
            shorter, longer = ens.at(train), ens.at(test * train + 1)
            yield Problem(HeadClass(k, width, "relative"), shorter, longer)
        yield Problem(HeadClass(k, width, "relative"), ens.at(least), ens.at(least + 4))


@claim.proof(
    "the bounds on κ and κ0 from the counts of candidates and of sets, symbolic in k, w, l, L; the counts are on paper",
    notices=("κ <= L/l", "κ >= 2 L/l", "κ0 <= 1"),
)
def prove_constants(*, low: Fraction = LOW, high: Fraction = HIGH, kappa0: Fraction = KAPPA0) -> int:
    """The bounds on κ and κ0 from the counts of the proof, for symbolic k, w, l = 4w + 2k² + d and L = l + e.

    The counts: disjoint candidates have masses between l - w - k² and l, joint shapes of a touching one (l - d_c) / N_l
    with d_c <= 2w, and N_l, the number of local sets, is between (l - w) and l times C(w, k-1).
    """
    import sympy

    k, width = sympy.symbols("k w", integer=True, positive=True)
    spare, extra = sympy.symbols("d e", integer=True, nonnegative=True)
    short = 4 * width + 2 * k**2 + spare
    long = short + extra
    ratio = long / short
    least = width + k**2
    signs = {
        "disjoint, above": high * ratio - long / (short - least),
        "disjoint, below": (long - least) / short - low * ratio,
        "touching, above": high * ratio - long / (short - 2 * width) * short / (long - width),
        "κ0": kappa0 - long / (short - width) * short / (long - width),
    }
    for step, sign in signs.items():
        above, below = sympy.fraction(sympy.together(sign))
        require(sympy.expand(below).is_positive is True, f"{step}: the denominator {below}")
        require(sympy.expand(above).is_nonnegative is True, f"{step}: {sympy.expand(above)}")
    return 2 * len(signs)


@claim.proof(
    "pairs, w = 1..4: touching ones counted, for l = 2w..2w+5 by listing, so disjoint ones have mass L + O(1)",
    kind="exhausted",
    notices=("exponent 2 for 1", "exponent 0 for 1", "touching candidates grow too"),
)
def prove_degrees(*, disjoint: int = 1, touching: int = 0) -> int:
    """The masses of pairs, symbolic in L: (L - d) n(L) - touching(L) over n(L) = wL - w(w+1)/2, with every part linear.

    So the mass of a disjoint pair of offset d is L + O(1) and that of the touching ones O(1), for w = 1..4 and every d.
    Up to 2w, where the linear function ends, and beyond it is compared with listing.
    """
    import sympy

    length = sympy.Symbol("L", positive=True)
    steps = 0
    for width in range(1, 5):
        n_sets = sum(length - d for d in range(1, width + 1))
        for d in range(1, width + 1):
            n_touching = touching_pairs(width, d, length)
            growth = sympy.limit(n_touching / n_sets / length**touching, length, sympy.oo)
            require(
                growth.is_positive is True, f"w = {width}, d = {d}: touching candidates have a mass of order {growth}"
            )
            for n in range(2 * width, 2 * width + 6):
                require(
                    n_touching.subs(length, n) == listed_pairs(width, d, n), f"w = {width}, d = {d}: touching at {n}"
                )
            mass = ((length - d) * n_sets - n_touching) / n_sets
            leading = sympy.limit(mass / length**disjoint, length, sympy.oo)
            require(leading == 1, f"w = {width}, d = {d}: the mass is {leading} L^{disjoint}")
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


@claim.sampler(
    "random arities, widths, lengths and shifts",
    quick=15,
    full=100,
    notices=("exponent 2 for 1", "exponent 0 for 1", "touching candidates grow too", "κ <= L/l"),
    key=lambda problem: (problem.heads, *((law.length, law.positions) for law in problem.planted)),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import local_problems

    return local_problems()


@claim.measurement("search", "log-log slopes", notices=("exponent 2 for 1", "exponent 0 for 1"))
def _slopes(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, disjoint: int = 1) -> Measured:
    """Measured log-log slopes of κ in L: towards 1 with locality, towards k without, over doublings of the length."""
    summary, instances = [], 0
    doublings = (64, 256, 1024) if profile == "quick" else (64, 256, 1024, 4096, 16384)
    for rate in bounds.rates():
        exponent = disjoint if "T3b" in rate.name else rate.exponent
        slopes = [log(as_float(rate.value(2 * n) / rate.value(n))) / log(2) for n in doublings]
        instances += len(doublings)
        tick(len(doublings))
        gaps = [abs(slope - exponent) for slope in slopes]
        # The exponent is reached with an error O(1 / length): four times the length, about a quarter of the gap.
        if any(b > a / 3 for a, b in pairwise(gaps)) or gaps[-1] > 10 * exponent / doublings[-1]:
            at = marked_parity(2, support.local(1)).at(6)
            facts = {"rate": rate.name, "slopes": slopes}
            return Measured(instances, f"{rate.name}: {slopes}", (Problem(HeadClass(2, 1, "relative"), at, at), facts))
        summary.append(f"{slopes[-1]:.4f} for {exponent}")
    return Measured(instances, f"slopes at length {doublings[-1]}: {', '.join(summary)}")


# ── Necessity: from training length 12 to test length 24, k = 2, w = 1 ────────────────────────────────────────────────


def _pair(
    heads: HeadClass, *, front: bool = False, scheme: positions.PositionScheme | None = None
) -> Iterator[Problem]:
    ens = marked_parity(2, support.local(1))
    at_front = marked_parity(2, support.fixed({(0, 1): 1}))
    scheme = positions.absolute() if scheme is None else scheme
    yield Problem(heads, (at_front if front else ens).at(12), ens.at(24, positions=scheme))


@claim.without("window")
def _no_window() -> Iterator[Problem]:
    """Offsets that training lacks."""
    return _pair(HeadClass(2, None, "relative"))


@claim.without("relative key")
def _absolute_key() -> Iterator[Problem]:
    """IDs that training lacks."""
    return _pair(HeadClass(2, 1, "absolute"))


@claim.without("local support")
def _front() -> Iterator[Problem]:
    """S* at the front in training: no candidate ends where S* begins."""
    return _pair(HeadClass(2, 1, "relative"), front=True)


@claim.without("IDs = positions")
def _coupled() -> Iterator[Problem]:
    """Two tokens an ID at test: pairs of offset 0, which training lacks."""
    return _pair(HeadClass(2, 1, "relative"), scheme=positions.coupled(positions.blocks(2)))
