"""T9, learning: consistent learners against their bound, with the law of the learned head computed exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from itertools import chain, combinations, product
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from idealized_model import HeadSpace, loss
from idealized_model.learning import eliminate, minimal
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, ensembles, marked_parity
from proofs_check.problem import Problem
from theory import Example, FiniteLaw, HardHead, HeadClass, claims, coverage, decide, support
from theory.errors import BudgetExceeded
from theory.exact import as_float

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T9")))

Item = TypeVar("Item")

SIZES = (1, 2, 3, 5, 8, 13, 21, 34, 55)
LEVELS = (Fraction(1, 2), Fraction(1, 10), Fraction(1, 100))
MOST_SEEN = 13
"""Examples of a law whose subsets are listed, to find the exact law of a learned head."""


def _epsilon(
    n_views: Any, n: Any, log_labels: Any, log_level: Any, *, per_view: Fraction, level: bool, power: int
) -> Any:
    """(M ln(|Y|+1) + ln(1/δ)) / n, of numbers or symbols."""
    return (per_view * n_views * log_labels + (log_level if level else 0)) / n**power


def bound(
    n_views: int,
    n_labels: int,
    n: int,
    delta: Fraction,
    *,
    per_view: Fraction = Fraction(1),
    level: bool = True,
    power: int = 1,
) -> Fraction:
    """The claimed bound on the error, rounded up by less than 1e-28 of itself: exact from logarithms within intervals."""
    log_labels, log_level = _log(Fraction(n_labels + 1)), _log(1 / delta)
    above: Fraction = _epsilon(n_views, n, log_labels, log_level, per_view=per_view, level=level, power=power)
    return above


@cache
def _log(value: Fraction) -> Fraction:
    """A rational upper bound of ln(value), within 1e-30."""
    from mpmath import libmp
    from mpmath.ctx_iv import MPIntervalContext

    context = MPIntervalContext()
    context.prec = 160
    interval = context.log(context.mpf(value.numerator) / value.denominator)
    return Fraction(*libmp.to_rational(interval._mpi_[1]))


LEARNERS = ("eliminate", "minimal", "worst")
"""The two learners of the theory, and the worst of all consistent ones: T9 holds for every head with zero loss at once."""

ENUMERATED_HEADS = 3**7
"""Up to so many heads the worst consistent one is found, among all."""

Errors = Mapping[frozenset[Example], Fraction]
"""{the examples that were seen: the mass on which the learned head is not perfectly right}."""


@lru_cache(maxsize=2048)
def n_views(problem: Problem) -> int:
    """M, the number of views that occur in training."""
    return len({view for example in problem.train.support() for view in problem.heads.views(example)})


@lru_cache(maxsize=2048)
def is_realizable(problem: Problem) -> bool:
    """Whether some hard head has zero loss in training."""
    return decide(problem.heads, train=problem.train, test=problem.train).outcome != "unrealizable"


@lru_cache(maxsize=4096)
def errors(problem: Problem, learner: str) -> Errors:
    """The error of the learned head for every set of examples that a sample may consist of.

    What a learner returns depends only on that set, so its law is exact: the probability that a sample of n stays
    within a set U is P(U)^n.
    """
    table = listed(problem)
    if learner == "worst":
        return _worst(problem, table)
    found = {}
    for seen in subsets_of(list(table)):
        head = learn(problem.heads, list(seen), learner)
        wrong = sum(weight for example, weight in table.items() if head.loss(example) > 0)
        found[frozenset(seen)] = Fraction(wrong, problem.train.denominator)
    return found


def listed(problem: Problem) -> Mapping[Example, int]:
    """The training law, of which every set of examples is tried.

    Raises
    ------
    BudgetExceeded : for more than `MOST_SEEN` examples.
    """
    table = problem.train.table()
    if len(table) > MOST_SEEN:
        raise BudgetExceeded(
            "T9 (examples of the law)", size=len(table), budget=MOST_SEEN, fix="Use a law with fewer examples."
        )
    return table


def _worst(problem: Problem, table: Mapping[Example, int]) -> Errors:
    """The largest error of the hard heads with zero loss on what was seen: all of them are tried."""
    space, examples = HeadSpace.of(problem.heads, problem.train), list(table)
    right = np.stack([space.zero_loss([example]) for example in examples])  # (examples, heads)
    wrong = np.array([table[example] for example in examples]) @ ~right
    found = {}
    for seen in subsets_of(range(len(examples))):
        consistent = right[list(seen)].all(axis=0)
        if consistent.any():
            largest = Fraction(int(wrong[consistent].max()), problem.train.denominator)
            found[frozenset(examples[i] for i in seen)] = largest
    return found


def subsets_of(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """Every non-empty subset."""
    return chain.from_iterable(combinations(items, size) for size in range(1, len(items) + 1))


def learn(heads: HeadClass, sample: list[Example], learner: str) -> HardHead:
    """The named learner: "eliminate", "minimal" (elimination where nothing fits), or "forgetful", which drops a view."""
    full = eliminate(heads, sample)
    if learner == "eliminate" or any(full.loss(example) > 0 for example in sample):
        return full
    small = minimal(heads, sample)
    return small if learner == "minimal" else HardHead(heads, dict(list(small.answers.items())[1:]))


def learners(problem: Problem, without: str = "") -> tuple[str, ...]:
    """Whom the statement is about; the worst head only where heads can be enumerated."""
    if without == "consistent learner":
        return ("forgetful",)
    return LEARNERS if HeadSpace.of(problem.heads, problem.train).size <= ENUMERATED_HEADS else LEARNERS[:2]


@claim.refute
def refute(
    problem: Problem, *, per_view: Fraction = Fraction(1), level: bool = True, power: int = 1, without: str = ""
) -> Facts | None:
    """Pr[error > bound] against δ, exactly, for every sample size, level and learner; and both learners are consistent."""
    if without != "realizable" and not is_realizable(problem):
        return None
    table = listed(problem)
    if not without:
        for seen, learner in product(subsets_of(list(table)), LEARNERS[:2]):
            head = learn(problem.heads, list(seen), learner)
            if any(head.loss(example) > 0 for example in seen):
                return {"learner": learner, "seen": len(seen), "consistent": False}
    weights = {example: Fraction(weight, problem.train.denominator) for example, weight in table.items()}
    for learner, n in product(learners(problem, without), SIZES):
        chance, error = _seen_exactly(weights, n), errors(problem, learner)
        for delta in LEVELS:
            above = bound(
                n_views(problem), len(problem.train.labels), n, delta, per_view=per_view, level=level, power=power
            )
            exceeds = sum((chance[seen] for seen, wrong in error.items() if wrong > above), Fraction(0))
            if exceeds > delta:
                return {
                    "learner": learner, "samples": n, "delta": str(delta),
                    "bound": f"{as_float(above):.6f}", "probability": str(exceeds),
                }  # fmt: skip
    return None


claim.mutant("without the number of views", per_view=Fraction(0))
claim.mutant("n² for n", power=2)
claim.mutant("a tenth of the views", per_view=Fraction(1, 10))
claim.mutant("without ln(1/δ), n² for n", level=False, power=2)


@lru_cache(maxsize=256)
def _speaks(problem: Problem) -> int:
    """How many (sample size, level) have a bound below 1."""
    views, labels = n_views(problem), len(problem.train.labels)
    return sum(bound(views, labels, n, delta) < 1 for n, delta in product(SIZES, LEVELS))


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


@claim.cases
def cases(problem: Problem) -> int:
    """One case a (learner, sample size, level)."""
    return len(learners(problem)) * len(SIZES) * len(LEVELS)


@claim.decisive
def decisive(problem: Problem) -> int:
    """None where the bound is 1 or more, or all consistent learners are right on all of the law whatever they saw."""
    perfect = not any(any(errors(problem, learner).values()) for learner in learners(problem))
    return 0 if perfect else len(learners(problem)) * _speaks(problem)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the law is realizable."""
    return is_realizable(problem)


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family(
    "plantings with at most 5 (full: 9) examples, n <= 55, δ >= 1/100: the exact law of both learners and, where there "
    "are at most 3^7 heads, of the worst consistent one"
)
def _problems(profile: Profile) -> Iterator[Problem]:
    """Every law with at most 5 (full: 9) distinct examples among the small plantings, of lengths up to 3."""
    most = 5 if profile == "quick" else 9
    for ens in [*ensembles(1, 2), *ensembles(1, 3, max_words=2), *ensembles(2, 2, max_words=2)]:
        for length in range(ens.arity, 4):
            law = ens.at(length)
            if len(law.table()) <= most:
                yield Problem(HeadClass(ens.arity), law, law)


@claim.family("a look-up table of 4 and 8 (full: 10) equally likely tokens, the same learners")
def _lookup(profile: Profile) -> Iterator[Problem]:
    """m equally likely tokens, each its own view: one sample shows one of m, so the error stays near 1 for long."""
    for m in (4, 8) if profile == "quick" else (4, 8, 10):
        law = FiniteLaw.uniform((Example((token,), (0,), token % 2) for token in range(m)), labels=(0, 1))
        yield Problem(HeadClass(1), law, law)


# ── Proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "the arithmetic of the union bound, symbolic in M, |Y|, n, δ; that there are (|Y| + 1)^M behaviours is on paper",
    notices=tuple(claim.mutants),
)
def prove_union_bound(*, per_view: Fraction = Fraction(1), level: bool = True, power: int = 1) -> int:
    """(|Y|+1)^M heads, each of error above ε consistent with n samples with probability <= (1-ε)^n <= exp(-εn); at
    ε = (M ln(|Y|+1) + ln(1/δ))/n the product is δ exactly. Symbolic; and 1 - ε <= exp(-ε) from its minimum."""
    import sympy

    views, labels, n, delta = sympy.symbols("M y n delta", positive=True)
    log_labels, log_level = sympy.log(labels + 1), sympy.log(1 / delta)
    epsilon = _epsilon(views, n, log_labels, log_level, per_view=per_view, level=level, power=power)
    union = (labels + 1) ** views * sympy.exp(-epsilon * n)
    require(sympy.simplify(union / delta) == 1, f"the union bound {sympy.simplify(union)}")
    e = sympy.Symbol("e", real=True)
    gap = sympy.exp(-e) - (1 - e)
    require(sympy.solve(sympy.diff(gap, e), e) == [0], "one stationary point")
    require(gap.subs(e, 0) == 0 and sympy.diff(gap, e, 2).is_positive is True, "it is a minimum of value 0")
    return 3


@claim.sampler("random small laws", quick=25, full=400, notices=("n² for n",))
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import small_problems

    return small_problems()


@claim.measurement("sampled", "learning curves", notices=("n² for n",))
def _learning_curves(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, power: int = 1
) -> Measured:
    """Sampled learning curves of both learners, at training and at test length, against T9 and against T3 after it."""
    ens = ensemble(4, (0, 3), {(1, 1): 0, (1, 2): 1, (2, 1): 1, (2, 2): 0})
    train, test, heads = ens.at(4), ens.at(5), HeadClass(2)
    cov = coverage(heads, train=train, test=test)
    repeats = 4 if profile == "quick" else 40
    delta = Fraction(1, 1000)
    views = n_views(Problem(heads, train, train))
    summary, instances, decisive = [], 0, 0
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
                above = bound(views, 2, n, delta, power=power)
                instances, decisive = instances + 1, decisive + (above < 1)
                tick(1)
                worst = max(worst, test_loss)
                if wrong > above or test_loss > cov.factor * train_loss or cov.factor == inf:
                    facts = {"learner": name, "samples": n, "error": str(wrong), "test_loss": str(test_loss)}
                    return Measured(instances, str(facts), (Problem(heads, train, test), facts))
            summary.append(f"{name} {n}: {as_float(worst):.3f}")
    return Measured(instances, f"worst test loss by samples: {', '.join(summary)}; δ = {delta} each", decisive=decisive)


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("realizable")
def _unrealizable() -> Iterator[Problem]:
    """Parity seen one token at a time: no head fits, so the error does not fall with the samples."""
    at = marked_parity(2, support.uniform()).at(2)
    yield Problem(HeadClass(1), at, at)


@claim.without("consistent learner")
def _forgetful() -> Iterator[Problem]:
    return _lookup("quick")
