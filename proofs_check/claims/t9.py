"""T9, learning: consistent learners against their bound, with the law of the learned head computed exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import loss
from idealized_model.learning import eliminate, minimal
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import ensemble, ensembles, marked_parity
from proofs_check.problem import Problem
from theory import Example, FiniteLaw, HardHead, HeadClass, coverage, support
from theory.errors import BudgetExceeded
from theory.exact import as_float

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SIZES = (1, 2, 3, 5, 8, 13, 21, 34, 55)
LEVELS = (Fraction(1, 2), Fraction(1, 10), Fraction(1, 100))
MOST_SEEN = 13
"""Examples of a law whose subsets are listed, to find the exact law of a learned head."""


@dataclass(frozen=True)
class Statement:
    """Pr[error > (views · ln(|Y|+1) + ln(1/δ)) / n^power] <= δ; the defaults are the claim."""

    per_view: Fraction = Fraction(1)
    level: bool = True
    power: int = 1
    needs_realizable: bool = True
    consistent: bool = True
    """Whether the learner is consistent; the other one forgets a view that it needs."""

    def bound(self, n_views: int, n_labels: int, n: int, delta: Fraction) -> tuple[Fraction, Fraction]:
        """Rational bounds (below, above) of the claimed error bound, by interval arithmetic."""
        low_labels, high_labels = _log(Fraction(n_labels + 1))
        low_level, high_level = _log(1 / delta) if self.level else (Fraction(0), Fraction(0))
        scale = self.per_view * n_views
        return (scale * low_labels + low_level) / n**self.power, (scale * high_labels + high_level) / n**self.power


STATED = Statement()
MUTANTS = {
    "without the number of views": replace(STATED, per_view=Fraction(0)),
    "n² for n": replace(STATED, power=2),
    "a tenth of the views": replace(STATED, per_view=Fraction(1, 10)),
    "without ln(1/δ), n² for n": replace(STATED, level=False, power=2),
}


@cache
def _log(value: Fraction) -> tuple[Fraction, Fraction]:
    """Rational bounds of ln(value) that differ by less than 1e-30."""
    from mpmath import libmp
    from mpmath.ctx_iv import MPIntervalContext

    context = MPIntervalContext()
    context.prec = 160
    interval = context.log(context.mpf(value.numerator) / value.denominator)
    low, high = (Fraction(*libmp.to_rational(end)) for end in interval._mpi_)
    return low, high


@lru_cache(maxsize=2048)
def error_laws(problem: Problem, learner: str) -> tuple[tuple[tuple[frozenset[Example], Fraction], ...], int, bool]:
    """For every set of seen examples the error of the learned head: ((seen, error), ...), views, whether realizable.

    What a learner returns depends only on the set of distinct examples in the sample, so its law is exact: the
    probability that a sample of n stays within a set U is P(U)^n.
    """
    table = problem.train.table()
    examples = list(table)
    if len(examples) > MOST_SEEN:  # 2^examples sets can be seen
        raise BudgetExceeded(
            "T9 (examples of the law)", size=len(examples), budget=MOST_SEEN, fix="Use a law with fewer examples."
        )
    total = problem.train.denominator
    n_views = len({view for example in examples for view in problem.heads.views(example)})
    best = eliminate(problem.heads, examples)
    realizable = all(best.loss(example) == 0 for example in examples)
    out = []
    for size in range(1, len(examples) + 1):
        for seen in combinations(examples, size):
            head = learn(problem.heads, list(seen), learner)
            wrong = sum(weight for example, weight in table.items() if head.loss(example) > 0)
            out.append((frozenset(seen), Fraction(wrong, total)))
    return tuple(out), n_views, realizable


def learn(heads: HeadClass, sample: list[Example], learner: str) -> HardHead:
    """The named learner: "eliminate", "minimal" (elimination where nothing fits), or "forgetful", which drops a view."""
    full = eliminate(heads, sample)
    if learner == "eliminate" or any(full.loss(example) > 0 for example in sample):
        return full
    if learner == "minimal":
        return minimal(heads, sample)
    small = minimal(heads, sample)
    return HardHead(heads, dict(list(small.answers.items())[1:]))


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """Pr[error > bound] against δ, exactly, for every sample size, level and learner."""
    table = problem.train.table()
    weights = {example: Fraction(weight, problem.train.denominator) for example, weight in table.items()}
    n_labels = len(problem.train.labels)
    for learner in ("eliminate", "minimal") if statement.consistent else ("forgetful",):
        errors, n_views, realizable = error_laws(problem, learner)
        if statement.needs_realizable and not realizable:
            return None
        for n in SIZES:
            chance = _seen_exactly(weights, n)
            for delta in LEVELS:
                _, above = statement.bound(n_views, n_labels, n, delta)
                exceeds = sum((chance[seen] for seen, error in errors if error > above), Fraction(0))
                if exceeds > delta:
                    return {
                        "learner": learner, "samples": n, "delta": str(delta),
                        "bound": f"{as_float(above):.6f}", "probability": str(exceeds),
                    }  # fmt: skip
    return None


def _seen_exactly(weights: dict[Example, Fraction], n: int) -> dict[frozenset[Example], Fraction]:
    """{U: Pr[the distinct examples of a sample of n are exactly U]}, by Möbius inversion of P(U)^n."""
    examples = list(weights)
    m = len(examples)
    within = [Fraction(0)] * (1 << m)
    for code in range(1, 1 << m):
        lowest = (code & -code).bit_length() - 1
        within[code] = within[code & (code - 1)] + weights[examples[lowest]]
    exact = [mass**n for mass in within]
    for bit in range(m):
        for code in range(1 << m):
            if code >> bit & 1:
                exact[code] -= exact[code ^ (1 << bit)]
    return {frozenset(examples[i] for i in range(m) if code >> i & 1): exact[code] for code in range(1, 1 << m)}


def cases(problem: Problem) -> int:
    """One case a (learner, sample size, level)."""
    return 2 * len(SIZES) * len(LEVELS)


def nonvacuous(problem: Problem) -> bool:
    """Whether the law is realizable."""
    return error_laws(problem, "eliminate")[2]


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _problems(profile: Profile) -> Iterator[Problem]:
    """Every law with at most 8 (full: 10) examples among the small plantings."""
    most = 6 if profile == "quick" else 9
    for ens in [*ensembles(1, 2), *ensembles(1, 3, max_words=2), *ensembles(2, 2, max_words=2)]:
        for length in range(ens.arity, 4):
            law = ens.at(length)
            if law.size <= 40 and len(law.table()) <= most:
                yield Problem(HeadClass(ens.arity), law, law)


def _lookup(profile: Profile) -> Iterator[Problem]:
    """m equally likely tokens, each its own view: one sample shows one of m, so the error stays near 1 for long."""
    for m in (4, 8) if profile == "quick" else (4, 8, 10):
        law = FiniteLaw.uniform((Example((token,), (0,), token % 2) for token in range(m)), labels=(0, 1))
        yield Problem(HeadClass(1), law, law)


# ── Proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def prove_union_bound() -> int:
    """(|Y|+1)^M heads, each of error above ε consistent with n samples with probability <= (1-ε)^n <= exp(-εn); at
    ε = (M ln(|Y|+1) + ln(1/δ))/n the product is δ exactly. Symbolic; and 1 - ε <= exp(-ε) from its minimum."""
    import sympy

    views, labels, n, delta = sympy.symbols("M y n delta", positive=True)
    epsilon = (views * sympy.log(labels + 1) + sympy.log(1 / delta)) / n
    union = (labels + 1) ** views * sympy.exp(-epsilon * n)
    require(sympy.simplify(union / delta) == 1, f"the union bound {sympy.simplify(union)}")
    e = sympy.Symbol("e", real=True)
    gap = sympy.exp(-e) - (1 - e)
    require(sympy.solve(sympy.diff(gap, e), e) == [0], "one stationary point")
    require(gap.subs(e, 0) == 0 and sympy.diff(gap, e, 2).is_positive is True, "it is a minimum of value 0")
    return 3


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import small_problems

    return small_problems()


def _learning_curves(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Sampled learning curves of both learners, at training and at test length, against T9 and against T3 after it."""
    ens = ensemble(4, (0, 3), {(1, 1): 0, (1, 2): 1, (2, 1): 1, (2, 2): 0})
    train, test, heads = ens.at(4), ens.at(5), HeadClass(2)
    cov = coverage(heads, train=train, test=test)
    repeats = 4 if profile == "quick" else 40
    delta = Fraction(1, 1000)
    n_views = len({view for example in train.support() for view in heads.views(example)})
    summary, instances = [], 0
    for n in (8, 32, 128):
        for name in ("eliminate", "minimal"):
            worst = Fraction(0)
            for _ in range(repeats):
                sample = train.sample(rng, n)
                head = learn(heads, sample, name)
                wrong = Fraction(
                    sum(w for example, w in train.table().items() if head.loss(example) > 0), train.denominator
                )
                train_loss, test_loss = loss(head, train), loss(head, test)
                instances += 1
                tick(1)
                worst = max(worst, test_loss)
                above = STATED.bound(n_views, 2, n, delta)[1]
                if wrong > above or test_loss > cov.factor * train_loss or cov.factor == inf:
                    facts = {"learner": name, "samples": n, "error": str(wrong), "test_loss": str(test_loss)}
                    return Measured(instances, str(facts), (Problem(heads, train, test), facts))
            summary.append(f"{name} {n}: {as_float(worst):.3f}")
    return Measured(instances, f"worst test loss by samples: {', '.join(summary)}; δ = {delta} each")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _unrealizable() -> Iterator[Problem]:
    """Parity seen one token at a time: no head fits, so the error does not fall with the samples."""
    at = marked_parity(2, support.uniform()).at(2)
    yield Problem(HeadClass(1), at, at)


def _forgetful() -> Iterator[Problem]:
    return _lookup("quick")


ATTACK = Attack(
    claim_id="T9",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family("small plantings, both learners, n <= 55, δ >= 1/100: the exact law of the learned head", _problems),
        Family("a look-up table of equally likely tokens", _lookup),
    ),
    proofs=(Proof("the union bound over heads, symbolic in M, |Y|, n, δ", prove_union_bound),),
    samplers=(Sampler("random small laws", _random_problems, 25, 400),),
    measurements=(Measurement("sampled", "learning curves", _learning_curves),),
    necessity={
        "realizable": Dropped(_unrealizable, replace(STATED, needs_realizable=False)),
        "consistent learner": Dropped(_forgetful, replace(STATED, consistent=False)),
    },
    nonvacuous=nonvacuous,
)
