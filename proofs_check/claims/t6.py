"""T6, softmax dilution: the exact loss of a head with a margin, its worst case, the critical length, log-length scaling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from idealized_model import SparseAttentionHead
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, ensembles, random_pairs
from proofs_check.problem import Problem
from theory import Example, HeadClass, PlantedEnsemble, bounds, claims, positions, support
from theory.exact import as_float
from theory.examples import Label
from theory.heads import View

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T6")))

SCORES = (Fraction(1), Fraction(1, 2), Fraction(1, 1000))
"""exp(-Δ) for three margins Δ >= 0: rationals, so that losses are exact."""

EXTREMES = 3**3
"""Up to so many extreme heads of a margin all are tried; beyond, those that differ from the worst in one view."""


def _value(n_candidates: Any, score: Any, *, n_shift: int = -1, normalised: bool = True) -> Any:
    """The claimed loss (n-1)s / (1 + (n-1)s), of numbers or symbols: the worst over heads of that margin."""
    wrong = (n_candidates + n_shift) * score
    return wrong / (1 + wrong) if normalised else wrong


@dataclass(frozen=True)
class Situation:
    """An example, how many of its candidates have each view, and a view that may be that of S*."""

    example: Example
    counts: Counter[View]
    planted: View

    @property
    def others(self) -> tuple[View, ...]:
        """The views of candidates that look otherwise than S*."""
        return tuple(sorted(self.counts.keys() - {self.planted}))

    @property
    def is_unique(self) -> bool:
        """Whether S* alone has its view."""
        return self.counts[self.planted] == 1


@lru_cache(maxsize=1024)
def situations(problem: Problem) -> tuple[Situation, ...]:
    """Of examples with the same views, so often, and the same label only one."""
    law, _ = problem.planted
    found: dict[tuple[frozenset[tuple[View, int]], Label, View], Situation] = {}
    for example in law.support():
        counts: Counter[View] = problem.heads.view_counts(example)
        for view in counts:
            if law.ensemble.target.get(view.tokens) == example.label:
                key = frozenset(counts.items()), example.label, view
                found.setdefault(key, Situation(example, counts, view))
    return tuple(found.values())


def _spoken(problem: Problem, without: str = "") -> tuple[Situation, ...]:
    """The situations under the hypotheses, but for one that is dropped."""
    if len(problem.labels) < 2 and without != "two labels":
        return ()
    return tuple(s for s in situations(problem) if s.is_unique or without == "planted view is unique")


@claim.refute
def refute(
    problem: Problem, *, n_shift: int = -1, arity_shift: int = 0, normalised: bool = True, without: str = ""
) -> Facts | None:
    """The formula against the exact loss of the all-wrong head, and no head of that margin above it."""
    heads = problem.heads
    for situation, score in product(_spoken(problem, without), SCORES):
        if not situation.is_unique and score < 1:
            continue  # another candidate with the view of S* scores 1: no head has this margin
        example, n = situation.example, situation.counts.total()
        if heads.window is None and heads.anchor == "none":
            n = comb(example.length, heads.arity + arity_shift)
        claimed = _value(n, score, n_shift=n_shift, normalised=normalised)
        top = 2 * score if without == "margin" else score
        own = Fraction(1, 2) if without == "planted view scores 1" else Fraction(1)
        for i, choice in enumerate(choices(len(situation.others), top)):
            exact = loss_of(problem, situation, choice, own)
            if exact > claimed or (i == 0 and exact != claimed):
                return {
                    "tokens": list(example.tokens), "ids": list(example.ids), "score": str(score),
                    "head": [[str(level), right] for level, right in choice],
                    "exact": str(exact), "claimed": str(claimed),
                }  # fmt: skip
    return None


claim.mutant("n for n - 1", n_shift=0)
claim.mutant("C(L, k - 1) for C(L, k)", arity_shift=-1)
claim.mutant("without the normaliser", normalised=False)
claim.mutant("n + 1 for n - 1", n_shift=1)


Choice = tuple[tuple[Fraction, bool], ...]
"""Of each other view its score, and whether its answer is right."""


def choices(n_others: int, top: Fraction) -> Iterator[Choice]:
    """Score and answer of the other views, the worst first: all extremes, or changes in one view.

    A loss W/D is monotone in the score of each view, so that scores between 0 and `top` lose no more than these two.
    """
    options = ((top, False), (top, True), (Fraction(0), False))
    if len(options) ** n_others <= EXTREMES:
        yield from product(options, repeat=n_others)
        return
    worst = (options[0],) * n_others
    yield worst
    for i, option in product(range(n_others), options[1:]):
        yield (*worst[:i], option, *worst[i + 1 :])


def loss_of(problem: Problem, situation: Situation, choice: Choice, own: Fraction = Fraction(1)) -> Fraction:
    """The loss of the head that scores and answers the other views as chosen, and that of S* with `own`, rightly."""
    right = situation.example.label
    wrong = next((label for label in problem.labels if label != right), right)
    chosen = dict(zip(situation.others, choice, strict=True)) | {situation.planted: (own, True)}
    head = SparseAttentionHead(
        problem.heads,
        score=lambda view: chosen[view][0],
        value=lambda view: right if chosen[view][1] else wrong,
    )
    return head.from_counts(situation.counts).loss(right)


@claim.cases
def cases(problem: Problem) -> int:
    """One case a head, with a margin, on an example."""
    return len(SCORES) * sum(_n_heads(s) for s in _spoken(problem))


@claim.decisive
def decisive(problem: Problem) -> int:
    """None where S* is the only candidate: then every loss is 0."""
    return len(SCORES) * sum(_n_heads(s) for s in _spoken(problem) if s.others)


def _n_heads(situation: Situation) -> int:
    return sum(1 for _ in choices(len(situation.others), Fraction(1)))


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether there are two labels, and an example in which S* may be the only candidate with its view."""
    return bool(_spoken(problem))


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def one_word(arity: int, length: int) -> Problem:
    """A problem that plants one word of marks 1, 2, ..., k among noise 0."""
    word = tuple(range(1, arity + 1))
    at = ensemble(arity + 1, (0,), {word: 0}, support.uniform()).at(length)
    return Problem(HeadClass(arity), at, at)


@claim.family("one marked word of k = 1..4 tokens, every length up to 6 (full: 8), three margins")
def _lengths(profile: Profile) -> Iterator[Problem]:
    longest = 6 if profile == "quick" else 8
    for arity in (1, 2, 3, 4):
        for length in range(arity, longest + 1):
            yield one_word(arity, length)


@claim.family("every planting of one word (full: of two), one token of three or two of two; windows, keys, anchors")
def _plantings(profile: Profile) -> Iterator[Problem]:
    """Small plantings under windows, keys and anchors; S* need not be marked, and words may stand in the noise."""
    quick = profile == "quick"
    words = 1 if quick else 2
    for ens in ensembles(1, 3, max_words=words):
        for length in (2, 3) if quick else (2, 3, 4):
            at = ens.at(length)
            yield Problem(HeadClass(1), at, at)
            yield Problem(HeadClass(1, key="absolute"), at, at)
    for ens in ensembles(2, 2, max_words=words):
        at = ens.at(3, positions=positions.random_shift(0, 1))
        for heads in (HeadClass(2), HeadClass(2, 1, "relative"), HeadClass(2, None, "order", "last")):
            yield Problem(heads, at, at)


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "the half at (n - 1) exp(-Δ) = 1, monotone, worst case; symbolic in n and the score",
    notices=("n for n - 1", "without the normaliser", "n + 1 for n - 1"),
)
def prove_half(*, n_shift: int = -1, normalised: bool = True) -> int:
    """Symbolic n, s: the loss is 1/2 exactly where (n - 1)s = 1, increases in n and in s, and never reaches 1."""
    import sympy

    n, s = sympy.symbols("n s", positive=True)
    value = _value(n + 1, s, n_shift=n_shift, normalised=normalised)  # n = candidates but the planted one
    require(sympy.simplify(value - bounds.dilution(n + 1, s)) == 0, "bounds.dilution")
    require(sympy.solve(sympy.Eq(value, sympy.Rational(1, 2)), n) == [1 / s], "the half")
    for symbol in (n, s):
        require(sympy.factor(sympy.diff(value, symbol)).is_positive is True, f"increasing in {symbol}")
    require(sympy.factor(1 - value).is_positive is True, "below 1")
    # The worst case over heads: W/(1 + W + R) where W + R <= (n - 1)s, with W + R + t = (n - 1)s.
    w, r, t = sympy.symbols("w r t", nonnegative=True)
    numerator, denominator = sympy.fraction(sympy.together(value.subs(n, (w + r + t) / s) - w / (1 + w + r)))
    coefficients = [c for part in (numerator, denominator) for c in sympy.Poly(sympy.expand(part), w, r, t).coeffs()]
    require(all(c.is_nonnegative for c in coefficients), "no head of the margin loses more")
    return 6


@claim.proof(
    "log-length scaling: limits 0, 1/(1 + k!), 1; k = 1..6, symbolic in L",
    kind="exhausted",
    notices=("C(L, k - 1) for C(L, k)", "without the normaliser"),
)
def prove_log_scaling(*, arity_shift: int = 0, normalised: bool = True) -> int:
    """s = L^(-e): C(L, k) L^(-k) → 1/k!, and L^(k-e) → 0, 1, ∞ for e above, at, below k; so the loss → 0, 1/(1+k!), 1."""
    import sympy

    length, gap = sympy.symbols("L g", positive=True)
    steps = 0
    require(sympy.limit(length ** (-gap), length, sympy.oo) == 0, "L^(-g) → 0 for g > 0")
    for k in range(1, 7):
        n = sympy.expand(sympy.expand_func(bounds.binomial(length, k + arity_shift)))
        require(sympy.limit(n / length**k, length, sympy.oo) == sympy.Rational(1, sympy.factorial(k)), f"k = {k}")
        at, above, below = (
            sympy.limit(sympy.cancel(_value(n, 1 / length**power, normalised=normalised)), length, sympy.oo)
            for power in (k, k + 1, k - 1)
        )
        require(at == sympy.Rational(1, 1 + sympy.factorial(k)), f"k = {k}, s = k: {at}")
        require((above, below) == (0, 1), f"k = {k}: {above} above, {below} below")
        steps += 4
    return steps + 1


# ── Draws and measurements ───────────────────────────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random plantings, weights, schemes, windows, keys and anchors", quick=20, full=400, notices=tuple(claim.mutants)
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import dilution_problems

    return dilution_problems(nonvacuous)


@claim.measurement("search", "hill climbing for the largest loss at random margins", notices=tuple(claim.mutants))
def _climb(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    n_shift: int = -1,
    arity_shift: int = 0,
    normalised: bool = True,
) -> Measured:
    """At random margins: hill climbing over heads for the largest loss, which the all-wrong head must attain."""
    from proofs_check.claims.engines import climb

    rounds, steps = (6, 60) if profile == "quick" else (30, 400)
    tried, reached, best = 0, 0, Fraction(0)
    for _ in range(rounds):
        at = random_pairs(rng, 3).at(int(rng.integers(3, 6)))
        problem = Problem(HeadClass(2), at, at)
        spoken = [s for s in _spoken(problem) if s.others]
        if not spoken:
            continue
        situation = spoken[int(rng.integers(len(spoken)))]
        score = Fraction(int(rng.integers(1, 50)), 50)
        claimed = _value(comb(at.length, 2 + arity_shift), score, n_shift=n_shift, normalised=normalised)
        levels = [(score * i / 4, is_right) for i in range(5) for is_right in (True, False)]

        def exact(
            state: tuple[int, ...], problem: Problem = problem, situation: Situation = situation, levels: Any = levels
        ) -> Fraction:
            return loss_of(problem, situation, tuple(levels[i] for i in state))

        n_others = len(situation.others)
        start = tuple(int(i) for i in rng.integers(0, len(levels), size=n_others))
        _, found, n = climb(rng, start, exact, n_choices=len(levels), steps=steps, tick=tick)
        worst = exact((len(levels) - 1,) * n_others)
        tried, reached, best = tried + n + 1, reached + (found == claimed), max(best, found / claimed)
        if found > claimed or worst != claimed:
            facts = {"score": str(score), "found": str(found), "all_wrong": str(worst), "claimed": str(claimed)}
            return Measured(tried, "another largest loss", (problem, facts))
    return Measured(
        tried, f"{tried:,} heads; the all-wrong head is the worst, and reached in {reached} climbs", decisive=tried
    )


@claim.measurement("search", "critical lengths", notices=tuple(claim.mutants))
def _critical_lengths(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    n_shift: int = -1,
    arity_shift: int = 0,
    normalised: bool = True,
) -> Measured:
    """Critical lengths by interval arithmetic against the loss there, with rational bounds of e."""
    margins = [Fraction(n, 2) for n in range(1, 21)] if profile == "quick" else [Fraction(n, 4) for n in range(1, 81)]
    reached: dict[int, int] = {}
    instances = 0
    for k in (1, 2, 3, 4):
        for margin in margins:
            found = bounds.critical_length(k, margin)
            low, high = _exp_bounds(margin)
            up_to, beyond = (
                _value(comb(length, k + arity_shift), 1 / bound, n_shift=n_shift, normalised=normalised)
                for length, bound in ((found, low), (found + 1, high))
            )
            instances += 1
            tick(1)
            if not up_to <= Fraction(1, 2) < beyond:
                facts = {"critical": found, "margin": str(margin), "loss": as_float(up_to), "beyond": as_float(beyond)}
                return Measured(instances, f"k = {k}, Δ = {margin}", (one_word(k, k + 1), facts))
            reached[k] = found
    at_last = ", ".join(f"k = {k}: {length}" for k, length in reached.items())
    return Measured(instances, f"critical lengths at Δ = {margins[-1]}: {at_last}")


def _exp_bounds(power: Fraction) -> tuple[Fraction, Fraction]:
    """Rational bounds of exp(power), from the Taylor series with its remainder: a second route beside intervals."""
    terms = int(power) * 4 + 60
    term = total = Fraction(1)
    for n in range(1, terms):
        term *= power / n
        total += term
    # The tail is below the next term times 1 / (1 - power / terms), which is at most 2 here.
    return total, total + 2 * term * power / terms


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("margin")
@claim.without("planted view scores 1")
def _marked_pair() -> Iterator[Problem]:
    yield one_word(2, 4)


@claim.without("planted view is unique")
def _planted_token_is_noise() -> Iterator[Problem]:
    """The tokens (0, 0), one of them planted: what scores one scores the other, and is right there too."""
    at = ensemble(1, (0,), {(0,): 0}).at(2)
    yield Problem(HeadClass(1), at, at)


@claim.without("two labels")
def _one_label() -> Iterator[Problem]:
    """No answer can be wrong."""
    at = PlantedEnsemble(2, [1, 0], {(1,): 1}, {(1,): 0}, support.uniform()).at(3)
    yield Problem(HeadClass(1), at, at)
