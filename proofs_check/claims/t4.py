"""T4, what fails and with what witness: absolute IDs, relative offsets without a window, and the certificate lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from idealized_model import loss
from proofs_check.claims import t1
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensembles, marked_parity
from proofs_check.claims.herbrand import Formula, atom, same
from proofs_check.problem import Problem
from theory import HardHead, HeadClass, PlantedEnsemble, certificate_length, claims, positions, support
from theory.criterion import Outcome
from theory.heads import Key
from theory.planted import PlantedLaw
from theory.positions import RandomShift
from theory.support import Local, Uniform

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T4")))


Hides = Literal["test", "train"]
"""Which length a window must reach, less one, to hide no offset."""


@claim.refute
def refute(
    problem: Problem,
    *,
    absolute: Outcome = "fails",
    relative: Outcome = "fails",
    hides: Hides = "test",
    local_certificate: int = 4,
    free_certificate: int = 4,
    without: str = "",
) -> Facts | None:
    """(i), (ii): what the statement says against T1's verdict, and against the counterexample's exact losses; (iii): the
    certificate lengths."""
    train, test = problem.planted
    certificate = _certificate(problem.heads, train, test, local_certificate, free_certificate)
    if certificate is not None:
        found = list(certificate_lengths(problem))
        if found == list(range(certificate, train.length + 1)):
            return None
        return {"certificate": certificate, "certificate_lengths": found}
    says = _says(problem, absolute, relative, hides, without)
    if says is None:
        return None
    verdict = problem.verdict()
    facts: Facts = {"statement": says, "verdict": verdict.outcome, "reason": verdict.reason}
    if verdict.outcome != says:
        return facts
    if verdict.outcome == "fails":
        head = verdict.counterexample
        if not isinstance(head, HardHead):
            return {**facts, "head": None}
        trained, tested = loss(head, train), loss(head, test)
        if trained != 0 or tested == 0:
            return {**facts, "train_loss": str(trained), "test_loss": str(tested)}
    return None


claim.mutant("(i) absolute IDs generalize", absolute="generalizes")
claim.mutant("(ii) unbounded relative offsets generalize", relative="generalizes")
claim.mutant("(ii) a window of l - 1 hides nothing", hides="train")
claim.mutant("(iii) local certificate 3", local_certificate=3)
claim.mutant("(iii) local certificate 5", local_certificate=5)
claim.mutant("(iii) certificate 2k - 1 without key", free_certificate=3)


def certificate_lengths(problem: Problem) -> tuple[int, ...]:
    """Every training length, up to that of the problem, from which T1 generalizes to all test lengths 4.. of the problem.

    The training law, and the test law, of another length are those of the problem at that length.
    """
    train, test = problem.planted
    found: list[int] = []
    shortest = train.ensemble.arity
    while shortest <= train.length:
        smallest = certificate_length(
            problem.heads,
            lambda length: replace(train, length=length),
            lengths=range(shortest, train.length + 1),
            test_lengths=range(4, test.length + 1),
            test_law_at=lambda length: replace(test, length=length),
        ).length
        if smallest is None:
            break
        found.append(smallest)
        shortest = smallest + 1
    return tuple(found)


def _certificate(
    heads: HeadClass, train: PlantedLaw, test: PlantedLaw, local_certificate: int = 4, free_certificate: int = 4
) -> int | None:
    """The certificate length, where the problem is one of (iii)."""
    scheme, law = train.positions, train.support_law
    if train.ensemble != marked_parity(2, law) or train.length != test.length or not isinstance(scheme, RandomShift):
        return None
    if heads.key == "absolute" and isinstance(law, Local) and heads.window == law.width:
        covers = scheme.lo <= 0 and scheme.hi + heads.arity >= test.length
        return local_certificate if covers else None
    free = (heads.key, heads.window, law) == ("none", None, Uniform("none"))
    return free_certificate if free else None


def _says(
    problem: Problem,
    absolute: Outcome = "fails",
    relative: Outcome = "fails",
    hides: Hides = "test",
    without: str = "",
) -> Outcome | None:
    """What (i) and (ii) say of the problem, if anything.

    (ii) speaks of heads without a window; one of L - 1 or more hides nothing either, and counts as none.
    """
    heads, (train, test) = problem.heads, problem.planted
    scheme = train.positions
    if (
        not isinstance(scheme, RandomShift)
        or (test.length <= train.length and without != "longer test")
        or (len(problem.labels) < 2 and without != "two labels")
        or (without != "realizable" and problem.verdict().outcome == "unrealizable")
    ):
        return None
    if heads.key == "absolute" and (scheme.lo == scheme.hi or without == "IDs that do not cover"):
        wide = not isinstance(heads.window, int) or heads.window >= heads.arity - 1
        return absolute if wide else None
    longest = (test if hides == "test" else train).length
    open_ended = not isinstance(heads.window, int) or heads.window >= longest - 1 or without == "no window"
    if heads.key == "relative" and open_ended and (heads.arity > 1 or without == "two tokens"):
        return relative
    return None


@claim.cases
def cases(problem: Problem) -> int:
    """One case a problem; for (iii) one a pair of lengths."""
    train, test = problem.planted
    if _certificate(problem.heads, train, test) is None:
        return 1
    return sum(longer - train.ensemble.arity + 1 for longer in range(4, test.length + 1))


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the claim says something about the problem."""
    return _certificate(problem.heads, *problem.planted) is not None or _says(problem) is not None


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family(
    "(i), (ii): k = 1..3, l = k..k+2, every L in a range; windows on local parity; all plantings of up to two words"
)
def _fixed_ids(profile: Profile) -> Iterator[Problem]:
    """(i) absolute key and scheme, (ii) relative key without a window, k = 1..3, every L in a range."""
    extra = 3 if profile == "quick" else 5
    for k in (1, 2, 3):
        ens = marked_parity(k)
        for train in range(k, k + 3):
            for test in range(train + 1, train + extra + 1):
                yield Problem(HeadClass(k, None, "absolute"), ens.at(train), ens.at(test))
                if k >= 2:
                    yield Problem(HeadClass(k, None, "relative"), ens.at(train), ens.at(test))
    near = marked_parity(2, support.local(1))
    for train in range(2, 7):
        for window in (1, train - 1, train):
            yield Problem(HeadClass(2, window, "absolute"), near.at(train), near.at(train + 1))
            yield Problem(HeadClass(2, window, "relative"), near.at(train), near.at(train + 1))
    for ens in ensembles(2, 2, max_words=2):
        yield Problem(HeadClass(2, None, "absolute"), ens.at(3), ens.at(4))
        yield Problem(HeadClass(2, None, "relative"), ens.at(3), ens.at(4))


@claim.family("(iii): `certificate_length` of marked parity of two tokens, every l <= L <= 7 (full: 9)")
def _certificates(profile: Profile) -> Iterator[Problem]:
    """(iii) marked parity of two tokens: w-local with a covering shift, and key none."""
    longest = 7 if profile == "quick" else 9
    for width in (1, 2):
        ens = marked_parity(2, support.local(width))
        shifted = ens.at(longest, positions=positions.random_shift(0, longest))
        yield Problem(HeadClass(2, width, "absolute"), shifted, ens.at(longest))
    free = marked_parity(2).at(longest)
    yield Problem(HeadClass(2), free, free)


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "(i), (ii) for every l < L, k and w: an ID, an offset that training lacks, symbolically; T1's head is then "
    "perfect in training and errs at test, by SAT at Herbrand constants",
    notices=("(ii) a window of l - 1 hides nothing",),
)
def prove_unseen(*, hides: Hides = "test") -> int:
    """(i), (ii) for every training length l, every L > l, every k and w: some view at test never occurs in training.

    l = k + a, L = l + 1 + b and w = k - 1 + c. (i) The last k positions are a candidate with the ID L - 1, training IDs
    end at l - 1. (ii) With k + 1 >= 2 tokens, l and L one greater too, the first position and the last k are a candidate
    with the offset L - 1 whatever the shift o, within any window of L - 1 + c, and training offsets end at l - 1. Then
    T1's head for an unseen view is perfect in training, and errs at test.
    """
    import sympy

    k = sympy.Symbol("k", integer=True, positive=True)
    a, b, c, o = sympy.symbols("a b c o", integer=True, nonnegative=True)

    def last(length: Formula, shift: Formula = 0) -> Formula:
        return length - 1 + shift

    short, width = k + a, k - 1 + c
    long = short + 1 + b
    signs = {
        "(i): the last k positions are positions": long - k,
        "(i): they lie within the window": width - (last(long) - (long - k)),
        "(i): the ID L - 1 is beyond those of training": last(long) - last(short) - 1,
        "(ii): the last k positions are not the first": (long + 1 - k) - 1,
        "(ii): they lie within the window": (long if hides == "test" else short) + c - (last(long + 1, o) - o),
        "(ii): the offset L - 1 is beyond those of training": last(long + 1, o) - o - last(short + 1) - 1,
    }
    for step, sign in signs.items():
        require(sign.is_nonnegative is True, step)
    # It can fail: at equal lengths the number is one of training, and so is the only offset, 0, of one token.
    for number in (last(short), sympy.Integer(0)):
        require((number - last(short) - 1).is_negative is True, f"{number} is beyond the numbers of training")

    beyond = [
        atom("beyond", "u"),
        (same("u", "v") & atom("beyond", "u")) >> atom("beyond", "v"),
        (t1.train("e1") & t1.inside("e1", "v")) >> ~atom("beyond", "v"),
    ]
    return len(signs) + 2 + t1.prove_unseen_view(beyond)


@claim.sampler(
    "random plantings under fixed IDs",
    quick=40,
    full=500,
    notices=("(i) absolute IDs generalize", "(ii) unbounded relative offsets generalize"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import fixed_id_problems

    return fixed_id_problems()


@claim.measurement("search", "certificate lengths", notices=("(iii) local certificate 3", "(iii) local certificate 5"))
def _certificate_search(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, local_certificate: int = 4
) -> Measured:
    """The certificate lengths over (k, w, shift range, key), test lengths up to 8: from some length on all, at the latest
    from the max(2w + 1, w + k + 1) of T4's proof or, under the absolute key, where the shifts cover the test IDs; for two
    tokens under a covering shift from that of (iii) on."""
    settings: tuple[tuple[Key, int], ...] = (("relative", 0), ("absolute", 3), ("absolute", 8))
    longest, found, instances = 8, [], 0
    for (k, width), (key, shift) in product(((1, 0), (2, 1), (2, 2), (3, 2)), settings):
        ens = marked_parity(k, support.local(width))
        shifted = ens.at(longest, positions=positions.random_shift(0, shift))
        problem = Problem(HeadClass(k, width, key), shifted, ens.at(longest))
        lengths = certificate_lengths(problem)
        instances += longest - k + 1
        tick(longest - k + 1)
        latest = max(2 * width + 1, width + k + 1, longest - shift if key == "absolute" else 0)
        certificate = _certificate(problem.heads, shifted, ens.at(longest), local_certificate)
        first = min(lengths, default=longest + 1)
        if (
            lengths != tuple(range(first, longest + 1))
            or latest not in lengths
            or (certificate is not None and first != certificate)
        ):
            facts: Facts = {"certificate_lengths": list(lengths), "latest": latest, "certificate": certificate}
            return Measured(instances, f"{list(lengths)}", (problem, facts))
        found.append(f"(k={k}, w={width}, {key}, shift <= {shift}): {first} <= {latest}")
    return Measured(instances, f"smallest training lengths for L <= {longest}: {'; '.join(found)}")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("longer test")
def _equal_lengths() -> Iterator[Problem]:
    """At equal lengths nothing is unseen."""
    for length in (4, 5):
        at = marked_parity(2).at(length)
        yield Problem(HeadClass(2, None, "absolute"), at, at)


@claim.without("IDs that do not cover")
def _shifted() -> Iterator[Problem]:
    """A random shift shows every test ID."""
    ens = marked_parity(2, support.local(1))
    yield Problem(HeadClass(2, 1, "absolute"), ens.at(4, positions=positions.random_shift(0, 6)), ens.at(6))


@claim.without("no window")
def _windowed() -> Iterator[Problem]:
    """A window hides the new offsets."""
    ens = marked_parity(2, support.local(1))
    yield Problem(HeadClass(2, 1, "relative"), ens.at(4), ens.at(6))


@claim.without("two tokens")
def _single() -> Iterator[Problem]:
    """One token has no offsets."""
    ens = marked_parity(1)
    yield Problem(HeadClass(1, None, "relative"), ens.at(2), ens.at(3))


@claim.without("realizable")
def _blind() -> Iterator[Problem]:
    """One token does not tell the parity of two: no head is perfect in training, so none fails."""
    ens = marked_parity(2)
    yield Problem(HeadClass(1, None, "absolute"), ens.at(2), ens.at(3))


@claim.without("two labels")
def _one_label() -> Iterator[Problem]:
    """With one label and one token an unseen ID cannot be answered wrongly."""
    ens = PlantedEnsemble(1, [1], {(0,): 1}, {(0,): 0}, support.uniform(), (0,))
    yield Problem(HeadClass(1, None, "absolute"), ens.at(1), ens.at(2))
