"""T4, what fails and with what witness: absolute IDs, relative offsets without a window, and the certificate lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from idealized_model import loss
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import ensembles, marked_parity
from proofs_check.problem import Problem
from theory import HeadClass, decide, positions, support
from theory.planted import PlantedLaw
from theory.positions import RandomShift
from theory.support import Local, Uniform

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """(i) and (ii) fail with an unseen view; (iii) the certificate lengths of marked parity; the defaults are the claim."""

    absolute_fails: bool = True
    relative_fails: bool = True
    local_certificate: int = 4
    free_certificate: int = 4
    needs_longer: bool = True
    needs_absolute_scheme: bool = True
    needs_unbounded: bool = True


STATED = Statement()
MUTANTS = {
    "(i) absolute IDs generalize": replace(STATED, absolute_fails=False),
    "(ii) unbounded relative offsets generalize": replace(STATED, relative_fails=False),
    "(iii) local certificate 3": replace(STATED, local_certificate=3),
    "(iii) local certificate 5": replace(STATED, local_certificate=5),
    "(iii) certificate 2k - 1 without key": replace(STATED, free_certificate=3),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """What the statement says about this problem against T1's verdict, and against the counterexample's exact losses."""
    train, test, heads = problem.train, problem.test, problem.heads
    assert isinstance(train, PlantedLaw)
    assert isinstance(test, PlantedLaw)
    says = _says(heads, train, test, statement)
    if says is None:
        return None
    verdict = problem.verdict()
    seen = "generalizes" if verdict.outcome == "generalizes" else "fails"
    if verdict.outcome == "unrealizable" and says == "fails":
        seen = says
    facts: Facts = {"statement": says, "verdict": verdict.outcome, "reason": verdict.reason}
    if seen != says:
        return facts
    if verdict.counterexample is not None:
        trained, tested = loss(verdict.counterexample, train), loss(verdict.counterexample, test)
        if trained != 0 or tested == 0:
            return {**facts, "train_loss": str(trained), "test_loss": str(tested)}
    return None


def _says(heads: HeadClass, train: PlantedLaw, test: PlantedLaw, statement: Statement) -> str | None:
    longer = test.length > train.length or not statement.needs_longer
    scheme = train.positions
    if not isinstance(scheme, RandomShift):
        return None
    if heads.key == "absolute" and (scheme.lo == scheme.hi or not statement.needs_absolute_scheme):
        return ("fails" if statement.absolute_fails else "generalizes") if longer else None
    if heads.key == "relative" and (heads.window is None or not statement.needs_unbounded):
        return ("fails" if statement.relative_fails else "generalizes") if longer else None
    if train.ensemble != marked_parity(2, train.support_law) or test.length < 4:
        return None
    if heads.key == "absolute" and isinstance(train.support_law, Local) and heads.window == train.support_law.width:
        covers = scheme.lo <= 0 and scheme.hi + train.length >= test.length
        return ("generalizes" if train.length >= statement.local_certificate else "fails") if covers else None
    if (heads.key, heads.window, train.support_law) == ("none", None, Uniform("none")):
        return "generalizes" if train.length >= statement.free_certificate else "fails"
    return None


def cases(problem: Problem) -> int:
    """One case a problem."""
    return 1


def nonvacuous(problem: Problem) -> bool:
    """Whether the claim says something about the problem."""
    assert isinstance(problem.train, PlantedLaw)
    assert isinstance(problem.test, PlantedLaw)
    says = _says(problem.heads, problem.train, problem.test, STATED)
    return says is not None and problem.verdict().outcome != "unrealizable"


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    for ens in ensembles(2, 2, max_words=2):
        yield Problem(HeadClass(2, None, "absolute"), ens.at(3), ens.at(4))
        yield Problem(HeadClass(2, None, "relative"), ens.at(3), ens.at(4))


def _certificates(profile: Profile) -> Iterator[Problem]:
    """(iii) marked parity of two tokens: w-local with a covering shift, and key none."""
    longest = 7 if profile == "quick" else 9
    for width in (1, 2):
        ens = marked_parity(2, support.local(width))
        heads = HeadClass(2, width, "absolute")
        for test in range(4, longest + 1):
            for train in range(2, test + 1):
                shifted = ens.at(train, positions=positions.random_shift(0, longest))
                yield Problem(heads, shifted, ens.at(test))
    free = marked_parity(2)
    for test in range(4, longest + 1):
        for train in range(2, test + 1):
            yield Problem(HeadClass(2), free.at(train), free.at(test))


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def prove_unseen() -> int:
    """(i) training IDs end at l - 1, and every test length L > l has a candidate with ID L - 1; (ii) training offsets end
    at l - 1, and the candidate with first and last position of a longer test example has offset L - 1. Symbolic in
    l and L = l + 1 + d."""
    import sympy

    length = sympy.Symbol("l", integer=True, positive=True)
    extra = sympy.Symbol("d", integer=True, nonnegative=True)
    longer = length + 1 + extra
    largest_trained, largest_tested = length - 1, longer - 1
    require((largest_tested - largest_trained).is_positive is True, "the largest test ID or offset is unseen")
    require((largest_trained - largest_trained).is_positive is not True, "at equal lengths it is not")
    return 2


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.strategies import fixed_id_problems

    return fixed_id_problems()


def _certificate_search(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """The smallest certifying training length over (k, w, key): a table, with the failing verdict at each shorter one."""
    found, instances = [], 0
    for k, width, key in (
        (2, 1, "absolute"),
        (2, 2, "absolute"),
        (2, 1, "relative"),
        (2, 2, "relative"),
        (1, 0, "absolute"),
    ):
        ens = marked_parity(k, support.local(width))
        heads = HeadClass(k, width, key)  # type: ignore[arg-type]
        scheme = positions.random_shift(0, 8) if key == "absolute" else positions.absolute()
        smallest = None
        for train in range(k, 8):
            verdict = decide(heads, train=ens.at(train, positions=scheme), test=ens.at(8))
            instances += 1
            tick(1)
            if verdict.outcome == "generalizes" and smallest is None:
                smallest = train
            if smallest is not None and verdict.outcome != "generalizes":
                problem = Problem(heads, ens.at(train, positions=scheme), ens.at(8))
                return Measured(instances, "not monotone", (problem, {"smallest": smallest, "fails_at": train}))
        found.append(f"(k={k}, w={width}, {key}): {smallest}")
    return Measured(instances, f"smallest training lengths for L = 8: {'; '.join(found)}")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _equal_lengths() -> Iterator[Problem]:
    """At equal lengths nothing is unseen."""
    for length in (4, 5):
        at = marked_parity(2).at(length)
        yield Problem(HeadClass(2, None, "absolute"), at, at)


def _shifted() -> Iterator[Problem]:
    """A random shift shows every test ID."""
    ens = marked_parity(2, support.local(1))
    yield Problem(HeadClass(2, 1, "absolute"), ens.at(4, positions=positions.random_shift(0, 6)), ens.at(6))


def _windowed() -> Iterator[Problem]:
    """A window hides the new offsets."""
    ens = marked_parity(2, support.local(1))
    yield Problem(HeadClass(2, 1, "relative"), ens.at(4), ens.at(6))


ATTACK = Attack(
    claim_id="T4",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family("(i), (ii): k = 1..3, l = k..k+2, every L in a range, and all plantings of up to two words", _fixed_ids),
        Family("(iii): marked parity of two tokens, every l <= L <= 7 (full: 9)", _certificates),
    ),
    proofs=(Proof("the unseen ID and the unseen offset, symbolic in l and L", prove_unseen),),
    samplers=(Sampler("random plantings under fixed IDs", _random_problems, 40, 500),),
    measurements=(Measurement("search", "certificate lengths", _certificate_search),),
    necessity={
        "longer test": Dropped(_equal_lengths, replace(STATED, needs_longer=False)),
        "IDs that do not cover": Dropped(_shifted, replace(STATED, needs_absolute_scheme=False)),
        "no window": Dropped(_windowed, replace(STATED, needs_unbounded=False)),
    },
    nonvacuous=nonvacuous,
)
