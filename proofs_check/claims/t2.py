"""T2, the 2k certificate: sound for all heads of small classes, tight for k = 1..4; two k-sets fit in 2k positions.

That c is tight says that there is a head, so a single head can show it, and only all of them can refute it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, product
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from idealized_model import loss
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensembles, marked_parity, random_pairs
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, Law, PlantedEnsemble, bounds, claims, mixture, positions, support
from theory.examples import Label
from theory.heads import Anchor, View
from theory.planted import PlantedLaw, planted_components

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T2")))


def _certificate(arity: int, anchor: Anchor, *, slope: int = 2, shift: int = 0, anchored_shift: int = -1) -> int:
    """The length at which zero loss is claimed to certify zero loss at every greater one."""
    return slope * arity + (shift if anchor == "none" else anchored_shift)


@claim.refute
def refute(
    problem: Problem, *, slope: int = 2, shift: int = 0, anchored_shift: int = -1, without: str = ""
) -> Facts | None:
    """Soundness over all heads of the problem; or, for a problem with a head, that some head shows tightness."""
    parts = {"slope": slope, "shift": shift, "anchored_shift": anchored_shift}
    certificate = _certificate(problem.heads.arity, problem.heads.anchor, **parts)
    if problem.head is not None:
        return _refute_tightness(problem, problem.head, problem.planted[0], certificate)
    if (_longest(problem.train) < certificate and without != "length 2k") or _longest(problem.test) < _longest(
        problem.train
    ):
        return None  # the statement says nothing
    trained, tested = problem.perfect()
    broken = trained & ~tested
    if not broken.any():
        return None
    return {"certificate": certificate, "heads_perfect_in_training": int(trained.sum()), "that_fail": int(broken.sum())}


claim.mutant("2k - 1 for 2k", shift=-1)
claim.mutant("2k + 1 is tight", shift=1)
claim.mutant("k + 1 for 2k", slope=1, shift=1)
claim.mutant("anchored: 2k - 2 for 2k - 1", anchored_shift=-2)
claim.mutant("anchored: 2k is tight", anchored_shift=0)


def _longest(law: Law) -> int:
    return max(part.length for part, _ in planted_components(law, "T2", "law"))


def _refute_tightness(problem: Problem, head: HardHead, law: PlantedLaw, certificate: int) -> Facts | None:
    """Tight means: *some* head on this ensemble is perfect at every length k..certificate-1, and errs at the certificate.

    Where the heads are few, all are tried. Where they are many, the one of T2's proof is: it can show that the claim's
    certificate is tight, and cannot show that another one is not.
    """
    arity, anchor = problem.heads.arity, problem.heads.anchor
    lengths = range(arity, certificate)
    if problem.n_enumerated and lengths:
        trained, tested = _below(problem.heads, law, certificate).perfect()
        if (trained & ~tested).any():
            return None
        return {"certificate": certificate, "heads": trained.size, "perfect_below": int(trained.sum()), "that_err": 0}
    for length in (*lengths, certificate) if certificate == _certificate(arity, anchor) else ():
        at = loss(head, replace(law, length=length))
        if (at == 0) != (length < certificate):
            return {"certificate": certificate, "head": "of the proof", "length": length, "loss": str(at)}
    return None


def _below(heads: HeadClass, law: PlantedLaw, certificate: int) -> Problem:
    """Training at every length k..certificate-1, test at the certificate."""
    lengths = range(heads.arity, certificate)
    shorter = mixture([(replace(law, length=n), Fraction(1, len(lengths))) for n in lengths])
    return Problem(heads, shorter, replace(law, length=certificate))


@claim.cases
def cases(problem: Problem) -> int:
    """One case a hard head, or one a length where only the head of the proof is tried."""
    if problem.head is not None and not problem.n_enumerated:
        return _stated_certificate(problem) - problem.heads.arity + 1
    return problem.space().size


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether T2 says something about this problem."""
    return problem.head is not None or _longest(problem.train) >= _stated_certificate(problem)


@claim.decisive
def decisive(problem: Problem) -> int:
    """The heads that are perfect in training, where the test is longer; for tightness those that are perfect below."""
    if problem.head is None:
        return int(problem.perfect()[0].sum()) if _longest(problem.test) > _longest(problem.train) else 0
    if not problem.n_enumerated:
        return cases(problem)
    return int(_below(problem.heads, problem.planted[0], _stated_certificate(problem)).perfect()[0].sum())


def _stated_certificate(problem: Problem) -> int:
    return _certificate(problem.heads.arity, problem.heads.anchor)


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _from_certificate(heads: HeadClass, ens: PlantedEnsemble, extra: int) -> Iterator[Problem]:
    """Training lengths around the certificate, test lengths up to `extra` above it."""
    certificate = bounds.certificate(heads.arity, heads.anchor)
    laws = {n: ens.at(n) for n in range(max(heads.arity, certificate - 2), certificate + extra + 1)}
    for train, test in product(laws, laws):
        if train <= test:
            yield Problem(heads, laws[train], laws[test])


@claim.family("every hard head, arity 1 and 2: all planted words, labels, noise supports, lengths from 2k - 2")
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


@claim.family("every anchored hard head, arity 2, V = 2, lengths from 2k - 3")
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


@claim.family(
    "tightness on marked parity at every length k..2k: every hard head for k = 1, 2 and anchored 2, that of the "
    "proof for 3 and 4"
)
def _tight(profile: Profile) -> Iterator[Problem]:
    for arity in (1, 2, 3, 4):
        yield tight_problem(arity)
    for arity in (2, 3, 4):
        yield tight_problem(arity, "last")


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "overlap patterns of (S, S*) fit in 2k positions: for k = 1..8 an identity in L",
    kind="exhausted",
    notices=("2k - 1 for 2k", "2k + 1 is tight", "k + 1 for 2k"),
)
def prove_patterns_fit(*, slope: int = 2, shift: int = 0) -> int:
    """Every pair (S, S*) at every length L has one of D(k, k) overlap patterns, each on at most 2k positions.

    Polynomial identity in L, for each k <= 8: Σ_j interleavings(k, k, j) · C(L, 2k - j) = C(L, k)². The largest binomial
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
        certificate = _certificate(k, "none", slope=slope, shift=shift)
        require(certificate == bounds.certificate(k), f"k = {k}: the closed form")
        at_certificate = [comb(certificate, union) > 0 for union, _ in terms]
        below = [comb(certificate - 1, union) > 0 for union, _ in terms]
        require(all(at_certificate) and not all(below), f"k = {k}: patterns at the certificate and below")
        steps += 3
    return steps


@claim.proof("sizes of the proof and of the tight head, symbolic in k", notices=tuple(claim.mutants))
def prove_sizes(*, slope: int = 2, shift: int = 0, anchored_shift: int = -1) -> int:
    """|S ∪ S*| = 2k - j <= certificate, for symbolic k and overlap j >= 0 (anchored j >= 1).

    The tight head's wrong view needs k (anchored k - 1) noise tokens among l - k, so l >= certificate exactly.
    """
    import sympy

    k, j, length = sympy.symbols("k j l", integer=True, positive=True)
    overlap = j - 1  # any integer >= 0
    anchors: tuple[tuple[Anchor, Any, Any], ...] = (("none", 2 * k - overlap, k), ("last", 2 * k - j, k - 1))
    for anchor, union, noise in anchors:
        certificate = _certificate(k, anchor, slope=slope, shift=shift, anchored_shift=anchored_shift)
        require((certificate - union).is_nonnegative is True, f"union of two k-sets, anchor {anchor}")
        first = sympy.solve(sympy.Eq(length - k, noise), length)
        require(first == [certificate] == [bounds.certificate(k, anchor)], f"tightness, anchor {anchor}: {first}")
    return 4


# ── Random problems and the adversary ────────────────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random ensembles with full, non-uniform support laws, up to 3 labels",
    quick=60,
    full=800,
    notices=("2k - 1 for 2k", "anchored: 2k - 2 for 2k - 1"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import certificate_problems

    return certificate_problems()


@claim.measurement(
    "search", "hill climbing over heads that are perfect at 2k, k = 2, V = 3", notices=("2k - 1 for 2k",)
)
def _adversary(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, slope: int = 2, shift: int = 0
) -> Measured:
    """Hill climbing over heads of arity 2: for a smaller loss at the certificate c, and among the heads that lose nothing
    there for a greater one at c + 1, which refutes."""
    from proofs_check.claims.engines import climb

    restarts, steps = (4, 60) if profile == "quick" else (12, 250)
    words = list(product(range(3), repeat=2))
    heads = HeadClass(2)
    certificate = _certificate(2, "none", slope=slope, shift=shift)
    tried = decisive = 0
    for _ in range(restarts):
        ens = random_pairs(rng, int(rng.integers(1, 4)))
        short, long = ens.at(certificate), ens.at(certificate + 1)

        def head_of(state: tuple[int, ...]) -> HardHead:
            answers: dict[View, Label] = {View(w, ()): a - 1 for w, a in zip(words, state, strict=True) if a}
            return HardHead(heads, answers)

        perfect: set[tuple[int, ...]] = set()

        def excess(
            state: tuple[int, ...], short: Law = short, long: Law = long, perfect: set[tuple[int, ...]] = perfect
        ) -> Fraction:
            head = head_of(state)
            at_certificate = loss(head, short)
            if at_certificate > 0:
                return -at_certificate
            perfect.add(state)
            return loss(head, long)

        start = tuple(int(ens.target.get(word, -1)) + 1 for word in words)  # type: ignore[call-overload]
        state, value, n = climb(rng, start, excess, n_choices=3, steps=steps, tick=tick)
        tried += n
        decisive += len(perfect)
        if value > 0:
            facts = {"certificate": certificate, "state": list(state)}
            refutation = Problem(heads, short, long, head_of(state)), facts
            return Measured(tried, "a perfect head at the certificate that fails beyond", refutation, decisive)
    summary = f"{tried:,} heads, {decisive:,} of them perfect at length {certificate}: none of these fails at {certificate + 1}"
    return Measured(tried, summary, None, decisive)


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("full support")
def _partial_support() -> Iterator[Problem]:
    """S* at the front in training, anywhere at test: noise before a planted token is first met at test."""
    for ens in ensembles(2, 2):
        front = PlantedEnsemble(2, ens.background, ens.planted, ens.target, support.fixed({(0, 1): 1}), ens.labels)
        yield Problem(HeadClass(2), front.at(4), ens.at(5))


@claim.without("length 2k")
def _shorter() -> Iterator[Problem]:
    """Zero loss at every length k..2k-1 together."""
    for ens in ensembles(2, 2):
        yield _below(HeadClass(2), ens.at(2), 4)


@claim.without("key none")
def _with_keys() -> Iterator[Problem]:
    """A relative key: an offset of 4 exists from length 5 on."""
    for ens in ensembles(2, 2, max_words=1):
        yield Problem(HeadClass(2, key="relative"), ens.at(4), ens.at(5))


@claim.without("no window")
def _with_window() -> Iterator[Problem]:
    """A window of 3 holds every pair at length 4; at length 5 the planted pair may lie outside it."""
    for ens in ensembles(2, 2):
        yield Problem(HeadClass(2, window=3), ens.at(4, positions=positions.absolute()), ens.at(5))
