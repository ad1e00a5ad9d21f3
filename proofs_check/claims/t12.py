"""T12, the sharper floor: below the arity of the parity, every hard head loses at least 1 / (max |C| + 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import reduce
from itertools import product
from operator import xor
from typing import TYPE_CHECKING, Any

import numpy as np

from idealized_model import loss
from proofs_check.claims import t7
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, PlantedEnsemble, View, bounds, claims, support
from theory.examples import Label

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T12")))


def _scaled(numerator: int, shift: int) -> Callable[[Any], Any]:
    return lambda n: bounds.ratio(numerator, n + shift)


def _stated_floor(n: Any) -> Any:
    return bounds.below_arity_floor(n)


@claim.refute
def refute(problem: Problem, *, floor: Callable[[Any], Any] = _stated_floor, without: str = "") -> Facts | None:
    """T7's search for a head below the floor, with a greater one."""
    if without != "arity below k" and not t7.nonvacuous(problem):
        return None
    return t7.refute_floor(problem, floor)


claim.mutant("1 / N", floor=_scaled(1, 0))
claim.mutant("2 / (N + 1)", floor=_scaled(2, 1))
claim.mutant("3 / (N + 2)", floor=_scaled(3, 2))
claim.mutant("no head beats chance", floor=t7._floor_of_one_half)


claim.nonvacuous(t7.nonvacuous)


@claim.cases
def cases(problem: Problem) -> int:
    """One case a head where heads are enumerated; none elsewhere, as the floor is about the least of all losses."""
    heads = problem.space().size
    return heads if heads <= t7.ENUMERATED_HEADS else 0


@claim.decisive
def decisive(problem: Problem) -> int:
    """None where every head abstains."""
    return cases(problem) if problem.space().views else 0


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


claim.family("parity of 2 marked bits in constant noise, arity 1")(t7._beats_chance)


@claim.family(
    "full parity: k = length up to 5 (full: 7), every smaller arity, windows 0, 1 and none, every key, where there are "
    "at most 3^8 heads"
)
def _dense(profile: Profile) -> Iterator[Problem]:
    """Those of T7 whose heads are enumerated."""
    return filter(cases, t7._dense(profile))


# ── Proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "the pointwise inequality and its equality cases, symbolic in W, R, N",
    notices=("1 / N", "2 / (N + 1)", "3 / (N + 2)"),
)
def prove_pointwise(*, floor: Callable[[Any], Any] = _stated_floor) -> int:
    """loss >= (W - R + 1)/(N + 1), where W + R of N sets are selected and W of them wrong, symbolic.

    Nothing selected: the loss is 1. R = 0: 1 - (W + 1)/(N + 1) = (N - W)/(N + 1) >= 0. R >= 1: clearing denominators
    leaves a polynomial in R - 1, W and N - W - R with non-negative coefficients. As E[W] = E[R] (T7), the mean of the
    right-hand side is 1/(N + 1). W = N and R = 1 are equalities, and in the balanced mixture of the two they lose it.
    """
    import sympy

    def below(wrong: Any, right: Any, n: Any) -> Any:
        return (wrong - right + 1) / (n + 1)

    wrong, spare, right = sympy.symbols("W s r", integer=True, nonnegative=True)
    none_selected = sympy.factor(1 - below(0, 0, spare))
    require(none_selected.is_nonnegative is True, f"W = R = 0: {none_selected}")
    none_right = sympy.factor(1 - below(wrong, 0, wrong + spare))
    require(none_right.is_nonnegative is True, f"R = 0: {none_right}")
    rights, n = right + 1, wrong + right + 1 + spare
    gap = sympy.together(wrong / (wrong + rights) - below(wrong, rights, n))
    numerator, denominator = sympy.fraction(gap)
    require(sympy.simplify(denominator - (wrong + rights) * (n + 1)) == 0, f"the denominator {denominator}")
    coefficients = sympy.Poly(sympy.expand(numerator), wrong, right, spare).coeffs()
    require(all(c >= 0 for c in coefficients), f"R >= 1: {numerator}")
    size, p = sympy.symbols("N p", positive=True)
    require(sympy.simplify(below(size, 0, size) - 1) == 0, "equality at W = N, where the loss is 1")
    require(below(0, 1, size) == 0, "equality at W = 0, R = 1, where it is 0")
    (share,) = sympy.solve(sympy.Eq(p * size, 1 - p), p)  # of W = N; E[W] = E[R]
    require(sympy.simplify(share - floor(size)) == 0, f"the balanced mixture loses {share}")
    return 7


@claim.sampler(
    "random backgrounds, supports, schemes, windows, keys, anchors; heads enumerated",
    quick=40,
    full=400,
    notices=("2 / (N + 1)", "no head beats chance"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import parity_problems

    return parity_problems().filter(lambda problem: decisive(problem) > 0)


# ── Measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.measurement("search", "the least loss of all heads on full parity", notices=tuple(claim.mutants))
def _attained(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    floor: Callable[[Any], Any] = _stated_floor,
) -> Measured:
    """The least loss of all heads over the floor, on full parity: 1 for 3 bits and pairs, and nowhere below."""
    shares, instances = [], 0
    for problem in t7._dense(profile):
        space = problem.space()
        if space.size > t7.ENUMERATED_HEADS or (problem.heads.key, problem.heads.window) != ("none", None):
            continue
        losses, _, denominator = space.losses(problem.train)
        n = problem.candidates_in(problem.train)
        share = Fraction(int(losses.min()), denominator) / floor(n)
        shares.append(share)
        instances += space.size
        tick(space.size)
        attained = problem.planted[0].length == 3 and problem.heads.arity == 2
        if share < 1 or (attained and share != 1):
            return Measured(instances, "another least loss", (problem, {"least_loss_over_floor": str(share)}))
    return Measured(instances, f"the least loss / floor is {', '.join(map(str, shares))}")


def code_head(m: int) -> Problem:
    """Full parity of k = 2^m - 1 bits, and the head that selects the edges of the hypercube at a Hamming code.

    Its k candidates are all bits but one; it answers what is wrong at the end in the code.
    """
    k = 2**m - 1
    at = t7.parity(k, (0, 1), support.fixed({tuple(range(k)): 1})).at(k)
    heads = HeadClass(k - 1, key="absolute")
    answers: dict[View, Label] = {}
    for word in product((0, 1), repeat=k):
        if reduce(xor, (i for i, bit in enumerate(word, 1) if bit), 0) == 0:
            for left_out in range(k):
                seen = tuple(i for i in range(k) if i != left_out)
                answers[View(tuple(word[i] for i in seen), seen)] = 1 - sum(word) % 2
    return Problem(heads, at, at, HardHead(heads, answers))


@claim.measurement("search", "the heads of Hamming codes", notices=("1 / N", "2 / (N + 1)", "3 / (N + 2)"))
def _codes(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    floor: Callable[[Any], Any] = _stated_floor,
) -> Measured:
    """The heads of perfect codes lose exactly the floor."""
    found = []
    for m in (2, 3) if profile == "quick" else (2, 3, 4):
        problem = code_head(m)
        assert problem.head is not None
        lost, least = loss(problem.head, problem.train), floor(problem.heads.arity + 1)
        tick(1)
        found.append(f"{lost} for {problem.heads.arity + 1} bits")
        if lost != least:
            return Measured(len(found), "another loss", (problem, {"loss": str(lost), "floor": str(least)}))
    return Measured(len(found), ", ".join(found))


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


claim.without("arity below k")(t7._full_arity)


@claim.without("uniform bits")
def _biased_bits() -> Iterator[Problem]:
    """(0, 0) nearly always: answering 0 at both tokens is nearly always right."""
    words = list(product((0, 1), repeat=2))
    weights = dict(zip(words, ("7/10", "1/10", "1/10", "1/10"), strict=True))
    ens = PlantedEnsemble(3, [0, 0, 1], weights, {w: sum(w) % 2 for w in words}, support.uniform())
    yield Problem(HeadClass(1), ens.at(2), ens.at(2))


claim.without("parity")(t7._conjunction)
claim.without("IDs independent of tokens")(t7._ids_that_tell)
