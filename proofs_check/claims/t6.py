"""T6, softmax dilution: the exact loss of a head with a margin, its worst case, the critical length, log-length scaling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import SparseAttentionHead, loss
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import ensemble
from proofs_check.problem import Problem
from theory import HeadClass, bounds, support
from theory.examples import Label
from theory.heads import View

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SCORES = (Fraction(1, 2), Fraction(1, 7), Fraction(1, 1000))
"""exp(-Δ) for three margins Δ: rationals, so that losses are exact."""


@dataclass(frozen=True)
class Statement:
    """loss = (n-1)s / (1 + (n-1)s), n = C(L, k), worst over heads of that margin; the defaults are the claim."""

    n_shift: int = -1
    arity_shift: int = 0
    normalised: bool = True
    planted_score: Fraction = Fraction(1)
    within_margin: bool = True

    def value(self, length: int, arity: int, score: Fraction) -> Fraction:
        """The claimed loss."""
        wrong = (comb(length, arity + self.arity_shift) + self.n_shift) * score
        return wrong / (1 + wrong) if self.normalised else wrong


STATED = Statement()
MUTANTS = {
    "n for n - 1": replace(STATED, n_shift=0),
    "C(L, k - 1) for C(L, k)": replace(STATED, arity_shift=-1),
    "without the normaliser": replace(STATED, normalised=False),
    "n + 1 for n - 1": replace(STATED, n_shift=1),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """The formula against the exact loss of the all-wrong head, and no head of that margin above it.

    The problem plants one word of marks that never occur as noise, so that only S* has a planted view.
    """
    law, _ = problem.planted
    (word, label), *_ = law.ensemble.target.items()
    wrong_label = next(other for other in law.labels if other != label)
    views = sorted({view for example in law.support() for view in problem.heads.views(example)})
    for score in SCORES:
        claimed = statement.value(law.length, problem.heads.arity, score)

        def head_with(levels: list[Fraction], answers: list[Label]) -> SparseAttentionHead:
            scores, values = dict(zip(views, levels, strict=True)), dict(zip(views, answers, strict=True))
            scores[View(word, ())] = statement.planted_score
            values[View(word, ())] = label
            return SparseAttentionHead(problem.heads, score=scores, value=values)

        diluted = loss(head_with([score] * len(views), [wrong_label] * len(views)), law)
        if diluted != claimed:
            return {"score": str(score), "exact": str(diluted), "claimed": str(claimed)}
        top = 2 * score if not statement.within_margin else score
        for pattern, flip in product(range(3), range(2)):
            levels = [(top, score / 2, Fraction(0))[(i + pattern) % 3] for i in range(len(views))]
            answers = [(wrong_label, label)[flip * i % 2] for i in range(len(views))]
            other = loss(head_with(levels, answers), law)
            if other > claimed:
                return {"score": str(score), "head": [pattern, flip], "exact": str(other), "claimed": str(claimed)}
    return None


def cases(problem: Problem) -> int:
    """Seven heads for each of three margins."""
    return 7 * len(SCORES)


def one_word(arity: int, length: int) -> Problem:
    """A problem that plants one word of marks 1, 2, ..., k among noise 0."""
    word = tuple(range(1, arity + 1))
    ens = ensemble(arity + 1, (0,), {word: 0}, support.uniform())
    at = ens.at(length)
    return Problem(HeadClass(arity), at, at)


def _lengths(profile: Profile) -> Iterator[Problem]:
    longest = 8 if profile == "quick" else 13
    for arity in (1, 2, 3, 4):
        for length in range(arity, longest + 1):
            yield one_word(arity, length)


def prove_half() -> int:
    """Symbolic n, s: the loss is 1/2 exactly where (n - 1)s = 1, increases in n and in s, and never reaches 1."""
    import sympy

    n, s = sympy.symbols("n s", positive=True)
    value = bounds.dilution(n + 1, s)  # n = candidates but the planted one
    require(sympy.solve(sympy.Eq(value, sympy.Rational(1, 2)), n) == [1 / s], "the half")
    for symbol in (n, s):
        require(sympy.factor(sympy.diff(value, symbol)).is_positive is True, f"increasing in {symbol}")
    require(sympy.factor(1 - value).is_positive is True, "below 1")
    # The worst case over heads: W/(1 + W + R) with W + R <= (n-1)s is largest at W = (n-1)s, R = 0.
    w, r = sympy.symbols("w r", nonnegative=True)
    require(sympy.factor((w + r) / (1 + w + r) - w / (1 + w + r)).is_nonnegative is True, "right ones only help")
    return 5


def prove_log_scaling() -> int:
    """s = L^(-e): C(L, k) L^(-k) → 1/k!, and L^(k-e) → 0, 1, ∞ for e above, at, below k; so the loss → 0, 1/(1+k!), 1."""
    import sympy

    length, gap = sympy.symbols("L g", positive=True)
    steps = 0
    require(sympy.limit(length ** (-gap), length, sympy.oo) == 0, "L^(-g) → 0 for g > 0")
    for k in range(1, 7):
        n = sympy.expand(sympy.expand_func(bounds.binomial(length, k)))
        require(sympy.limit(n / length**k, length, sympy.oo) == sympy.Rational(1, sympy.factorial(k)), f"k = {k}")
        at = sympy.limit(sympy.cancel(bounds.dilution(n, 1 / length**k)), length, sympy.oo)
        require(at == sympy.Rational(1, 1 + sympy.factorial(k)), f"k = {k}, s = k: {at}")
        above = sympy.limit(sympy.cancel(bounds.dilution(n, 1 / length ** (k + 1))), length, sympy.oo)
        below = sympy.limit(sympy.cancel(bounds.dilution(n, 1 / length ** (k - 1))), length, sympy.oo)
        require((above, below) == (0, 1), f"k = {k}: {above} above, {below} below")
        steps += 4
    return steps + 1


def _random_problems() -> SearchStrategy[Problem]:
    from hypothesis import strategies as st

    return st.tuples(st.integers(1, 4), st.integers(0, 4)).map(lambda pair: one_word(pair[0], pair[0] + pair[1]))


def _critical_lengths(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Critical lengths by interval arithmetic against a scan with rational bounds of e: reachable length against k."""
    margins = [Fraction(n, 2) for n in range(1, 21)] if profile == "quick" else [Fraction(n, 4) for n in range(1, 81)]
    table: dict[int, list[int]] = {}
    instances = 0
    for k in (1, 2, 3, 4):
        for margin in margins:
            found = bounds.critical_length(k, margin)
            below, above = comb(found, k) - 1, comb(found + 1, k) - 1
            low, high = _exp_bounds(margin)
            instances += 1
            tick(1)
            if not (below <= low and above > high):
                problem = one_word(k, k + 1)
                return Measured(
                    instances, f"k = {k}, Δ = {margin}", (problem, {"critical": found, "margin": str(margin)})
                )
            table.setdefault(k, []).append(found)
    if any(table[k][-1] <= table[k + 1][-1] for k in (1, 2, 3)):
        return Measured(instances, "not falling in k", (one_word(1, 2), {str(k): v[-1] for k, v in table.items()}))
    reached = ", ".join(f"k = {k}: {values[-1]}" for k, values in table.items())
    return Measured(instances, f"critical lengths at Δ = {margins[-1]}: {reached}")


def _exp_bounds(power: Fraction) -> tuple[Fraction, Fraction]:
    """Rational bounds of exp(power), from the Taylor series with its remainder: a second route beside intervals."""
    terms = int(power) * 4 + 60
    term = total = Fraction(1)
    for n in range(1, terms):
        term *= power / n
        total += term
    # The tail is below the next term times 1 / (1 - power / terms), which is at most 2 here.
    return total, total + 2 * term * power / terms


def _faint_planted() -> Iterator[Problem]:
    yield one_word(2, 4)


ATTACK = Attack(
    claim_id="T6",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family("k = 1..4, every length up to 8 (full: 13), three margins: exact losses by enumeration", _lengths),
    ),
    proofs=(
        Proof("the half at (n - 1) exp(-Δ) = 1, monotone, worst case; symbolic in n and the score", prove_half),
        Proof("log-length scaling: limits 0, 1/(1 + k!), 1; k = 1..6, symbolic in L", prove_log_scaling),
    ),
    samplers=(Sampler("random arities and lengths", _random_problems, 15, 100),),
    measurements=(Measurement("search", "critical lengths", _critical_lengths),),
    necessity={
        "planted view scores 1": Dropped(_faint_planted, replace(STATED, planted_score=Fraction(1, 2))),
        "margin": Dropped(_faint_planted, replace(STATED, within_margin=False)),
    },
    nonvacuous=lambda problem: True,
)
