"""T2, the 2k certificate: sound for all heads of small classes, tight for k = 1..4; two k-sets fit in 2k positions.

That c is tight says that there is a head, so a single head can show it, and only all of them can refute it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, product
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import loss
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import ensembles, marked_parity, random_pairs
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, Law, PlantedEnsemble, bounds, mixture, positions, support
from theory.examples import Label
from theory.heads import Anchor, View
from theory.planted import PlantedLaw

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """Certificate length slope·k + shift (anchored heads: slope·k + anchored_shift); the defaults are the claim."""

    slope: int = 2
    shift: int = 0
    anchored_shift: int = -1

    def certificate(self, arity: int, anchor: Anchor) -> int:
        """The length at which zero loss is claimed to certify zero loss at every greater one."""
        return self.slope * arity + (self.shift if anchor == "none" else self.anchored_shift)


STATED = Statement()
MUTANTS = {
    "2k - 1 for 2k": replace(STATED, shift=-1),
    "2k + 1 is tight": replace(STATED, shift=1),
    "k + 1 for 2k": replace(STATED, slope=1, shift=1),
    "anchored: 2k - 2 for 2k - 1": replace(STATED, anchored_shift=-2),
    "anchored: 2k is tight": replace(STATED, anchored_shift=0),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """Soundness over all heads of the problem; or, for a problem with a head, that some head shows tightness."""
    train, test = problem.planted
    certificate = statement.certificate(problem.heads.arity, problem.heads.anchor)
    if problem.head is not None:
        return _refute_tightness(problem, problem.head, train, certificate)
    if train.length < certificate or test.length < train.length:
        return None  # the statement says nothing
    trained, tested = problem.perfect()
    broken = trained & ~tested
    if not broken.any():
        return None
    return {"certificate": certificate, "heads_perfect_in_training": int(trained.sum()), "that_fail": int(broken.sum())}


def _refute_tightness(problem: Problem, head: HardHead, law: PlantedLaw, certificate: int) -> Facts | None:
    """Tight means: *some* head on this ensemble is perfect at every length k..certificate-1, and errs at the certificate.

    Where the heads are few, all are tried. Where they are many, the one of T2's proof is: it can show that the claim's
    certificate is tight, and cannot show that another one is not.
    """
    arity, anchor = problem.heads.arity, problem.heads.anchor
    lengths = range(arity, certificate)
    if problem.n_enumerated and lengths:
        shorter = mixture([(replace(law, length=n), Fraction(1, len(lengths))) for n in lengths])
        trained, tested = Problem(problem.heads, shorter, replace(law, length=certificate)).perfect()
        if (trained & ~tested).any():
            return None
        return {"certificate": certificate, "heads": trained.size, "perfect_below": int(trained.sum()), "that_err": 0}
    for length in (*lengths, certificate) if certificate == STATED.certificate(arity, anchor) else ():
        at = loss(head, replace(law, length=length))
        if (at == 0) != (length < certificate):
            return {"certificate": certificate, "head": "of the proof", "length": length, "loss": str(at)}
    return None


def cases(problem: Problem) -> int:
    """One case a hard head, or one a length where only the head of the proof is tried."""
    if problem.head is not None and not problem.n_enumerated:
        certificate: int = bounds.certificate(problem.heads.arity, problem.heads.anchor)
        return certificate - problem.heads.arity + 1
    return problem.space().size


def nonvacuous(problem: Problem) -> bool:
    """Whether T2 says something about this problem."""
    train, _ = problem.planted
    arity, anchor = problem.heads.arity, problem.heads.anchor
    return problem.head is not None or train.length >= bounds.certificate(arity, anchor)


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _from_certificate(heads: HeadClass, ens: PlantedEnsemble, extra: int) -> Iterator[Problem]:
    """Training lengths around the certificate, test lengths up to `extra` above it."""
    certificate = bounds.certificate(heads.arity, heads.anchor)
    laws = {n: ens.at(n) for n in range(max(heads.arity, certificate - 2), certificate + extra + 1)}
    for train, test in product(laws, laws):
        if train <= test:
            yield Problem(heads, laws[train], laws[test])


def _small(profile: Profile) -> Iterator[Problem]:
    extra = 1 if profile == "quick" else 3
    for ens in chain(ensembles(1, 2), ensembles(1, 3)):
        yield from _from_certificate(HeadClass(1), ens, extra + 2)
    for ens in ensembles(2, 2):
        yield from _from_certificate(HeadClass(2), ens, extra)
    if profile == "full":
        for ens in ensembles(2, 3, max_words=2):
            yield from _from_certificate(HeadClass(2), ens, 1)
        for ens in ensembles(3, 2, max_words=2):
            yield from _from_certificate(HeadClass(3), ens, 1)


def _small_anchored(profile: Profile) -> Iterator[Problem]:
    extra = 1 if profile == "quick" else 3
    heads = HeadClass(2, anchor="last")
    for ens in ensembles(2, 2, law=support.uniform("last")):
        yield from _from_certificate(heads, ens, extra)
    if profile == "full":
        for ens in ensembles(2, 3, law=support.uniform("last"), max_words=2):
            yield from _from_certificate(heads, ens, 1)


def tight_problem(arity: int, anchor: Anchor = "none") -> Problem:
    """Marked parity, the ensemble of T2's proof, with the head of the proof: it selects every planted view rightly, and
    the all-noise view with answer 0.

    Anchored, the planted last token is in every view, so it selects (n, ..., n, z) for every mark z. The wrong view
    needs k (anchored k - 1) noise tokens, which exist only from length 2k (anchored 2k - 1) on.
    """
    ens = marked_parity(arity, support.uniform(anchor))
    answers: dict[View, Label] = {View(word, ()): label for word, label in ens.target.items()}
    wrong = [(0,) * arity] if anchor == "none" else [(*(0,) * (arity - 1), mark) for mark in (1, 2)]
    answers |= {View(tokens, ()): 0 for tokens in wrong}
    heads = HeadClass(arity, anchor=anchor)
    certificate = bounds.certificate(arity, anchor)
    return Problem(heads, ens.at(arity), ens.at(certificate), HardHead(heads, answers))


def _tight(profile: Profile) -> Iterator[Problem]:
    for arity in (1, 2, 3, 4):
        yield tight_problem(arity)
    for arity in (2, 3, 4):
        yield tight_problem(arity, "last")


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def prove_patterns_fit() -> int:
    """Every pair (S, S*) at every length L has one of D(k, k) overlap patterns, each on at most 2k positions.

    Polynomial identity in L, for each k: Σ_j interleavings(k, k, j) · C(L, 2k - j) = C(L, k)². The largest binomial
    index is 2k, so a length of 2k already shows every pattern, and one of 2k - 1 misses the disjoint ones.
    """
    import sympy

    length = sympy.Symbol("L", integer=True, positive=True)
    steps = 0
    for k in range(1, 9):
        terms = [(2 * k - j, bounds.interleavings(k, k, j)) for j in range(k + 1)]
        total = sum(ways * bounds.binomial(length, union) for union, ways in terms)
        difference = sympy.expand(sympy.expand_func(total - bounds.binomial(length, k) ** 2))
        require(difference == 0, f"k = {k}: {difference}")
        require(max(union for union, _ in terms) == bounds.certificate(k), f"k = {k}: the largest pattern")
        at_certificate = [comb(2 * k, union) > 0 for union, _ in terms]
        below = [comb(2 * k - 1, union) > 0 for union, _ in terms]
        require(all(at_certificate) and not all(below), f"k = {k}: patterns at 2k and at 2k - 1")
        steps += 3
    return steps


def prove_sizes() -> int:
    """|S ∪ S*| = 2k - j <= certificate, for symbolic k and overlap j >= 0 (anchored j >= 1).

    The tight head's wrong view needs k (anchored k - 1) noise tokens among l - k, so l >= certificate exactly.
    """
    import sympy

    k, j, length = sympy.symbols("k j l", integer=True, positive=True)
    overlap = j - 1  # any integer >= 0
    require((bounds.certificate(k) - (2 * k - overlap)).is_nonnegative is True, "union of two k-sets")
    require((bounds.certificate(k, "last") - (2 * k - j)).is_nonnegative is True, "union of two anchored k-sets")
    for anchor, noise in (("none", k), ("last", k - 1)):
        first = sympy.solve(sympy.Eq(length - k, noise), length)
        require(first == [bounds.certificate(k, anchor)], f"tightness, anchor {anchor}: {first}")  # type: ignore[arg-type]
    return 4


# ── Random problems and the adversary ────────────────────────────────────────────────────────────────────────────────


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import certificate_problems

    return certificate_problems()


def _adversary(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Hill climbing over heads for the largest ratio of losses L(2k + 1) / L(2k); dividing by 0 refutes."""
    from proofs_check.engines import climb

    restarts, steps = (3, 60) if profile == "quick" else (8, 250)
    words = list(product(range(3), repeat=2))
    heads = HeadClass(2)
    tried = 0
    best = Fraction(0)
    for _ in range(restarts):
        ens = random_pairs(rng, 3)
        short, long = ens.at(4), ens.at(5)

        def objective(state: tuple[int, ...], short: Law = short, long: Law = long) -> tuple[Fraction, Fraction]:
            answers: dict[View, Label] = {View(w, ()): a - 1 for w, a in zip(words, state, strict=True) if a}
            head = HardHead(heads, answers)
            return loss(head, long), loss(head, short)

        def ratio(state: tuple[int, ...], objective=objective) -> Fraction:  # type: ignore[no-untyped-def]
            at_long, at_short = objective(state)
            if at_short == 0:
                return Fraction(10**9) if at_long else Fraction(0)
            return Fraction(at_long / at_short)

        start = tuple(int(ens.target.get(word, -1)) + 1 for word in words)  # type: ignore[call-overload]
        state, value, n = climb(rng, start, ratio, n_choices=3, steps=steps, tick=tick)
        tried, best = tried + n, max(best, value)
        if value >= 10**9:
            answers: dict[View, Label] = {View(w, ()): a - 1 for w, a in zip(words, state, strict=True) if a}
            problem = Problem(heads, short, long, HardHead(heads, answers))
            return Measured(tried, "a perfect head at 2k that fails at 2k + 1", (problem, {"state": list(state)}))
    return Measured(tried, f"{tried:,} heads; the largest ratio L(5) / L(4) reached is {best} ≈ {float(best):.3f}")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _partial_support() -> Iterator[Problem]:
    """S* at the front in training, anywhere at test: noise before a planted token is first met at test."""
    for ens in ensembles(2, 2):
        front = PlantedEnsemble(2, ens.background, ens.planted, ens.target, support.fixed({(0, 1): 1}), ens.labels)
        yield Problem(HeadClass(2), front.at(4), ens.at(5))


def _shorter() -> Iterator[Problem]:
    for ens in ensembles(2, 2):
        yield Problem(HeadClass(2), ens.at(3), ens.at(5))


def _with_keys() -> Iterator[Problem]:
    """A relative key: an offset of 4 exists from length 5 on."""
    for ens in ensembles(2, 2, max_words=1):
        yield Problem(HeadClass(2, key="relative"), ens.at(4), ens.at(5))


def _with_window() -> Iterator[Problem]:
    """A window of 3 holds every pair at length 4; at length 5 the planted pair may lie outside it."""
    for ens in ensembles(2, 2):
        yield Problem(HeadClass(2, window=3), ens.at(4, positions=positions.absolute()), ens.at(5))


ATTACK = Attack(
    claim_id="T2",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family(
            "every hard head, arity 1 and 2: all planted words, labels, noise supports, lengths from 2k - 2", _small
        ),
        Family("every anchored hard head, arity 2, V = 2, lengths from 2k - 3", _small_anchored),
        Family(
            "tightness on marked parity at every length k..2k: every hard head for k = 1, 2 and anchored 2, that of the "
            "proof for 3 and 4",
            _tight,
        ),
    ),
    proofs=(
        Proof("overlap patterns of (S, S*) fit in 2k positions: identity in L for k = 1..8", prove_patterns_fit),
        Proof("sizes of the proof and of the tight head, symbolic in k", prove_sizes),
    ),
    samplers=(
        Sampler("random ensembles with full, non-uniform support laws, up to 3 labels", _random_problems, 60, 800),
    ),
    measurements=(Measurement("search", "hill climbing for the largest ratio of losses, k = 2, V = 3", _adversary),),
    necessity={
        "full support": Dropped(_partial_support),
        "length 2k": Dropped(_shorter, replace(STATED, shift=-1)),
        "key none": Dropped(_with_keys),
        "no window": Dropped(_with_window),
    },
    nonvacuous=nonvacuous,
)
