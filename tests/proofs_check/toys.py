"""A toy claim, "every training length is below a bound": small enough to refute, prove and exhaust at will."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import Claim, Measured, Problem
from proofs_check.claims.claim import Facts, Profile
from theory import HeadClass, PlantedEnsemble, claims, support
from theory.planted import PlantedLaw

CLAIM = "T1"
"""The toy poses as this claim, so that the runner, the report and `replay` find it."""

ENSEMBLE = PlantedEnsemble(2, [1, 0], {(1,): 1}, {(1,): 0}, support.uniform(), [0, 1])


def problem(length: int) -> Problem:
    """One marked token among noise, at one length."""
    return Problem(HeadClass(1), ENSEMBLE.at(length), ENSEMBLE.at(length))


def length_of(of: Problem) -> int:
    """Its training length."""
    assert isinstance(of.train, PlantedLaw)
    return of.train.length


def lengths(quick: int, full: int, profile: Profile) -> Iterator[Problem]:
    """Every length from 1 on."""
    return map(problem, range(1, (quick if profile == "quick" else full) + 1))


def draw_lengths(longest: int) -> Callable[[], SearchStrategy[Problem]]:
    """A strategy for problems of length 1..longest."""
    return lambda: st.integers(1, longest).map(problem)


def measure(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, bound: int = 10) -> Measured:
    """Ten random lengths below 10."""
    drawn = [int(n) for n in rng.integers(1, 10, size=10)]
    tick(len(drawn))
    for n in drawn:
        if n >= bound:
            return Measured(len(drawn), f"length {n}", (problem(n), {"drawn": n}))
    return Measured(len(drawn), f"drew {drawn}")


def bare(*, bound: int = 10, claim_id: str = CLAIM) -> Claim:
    """The toy claim, its hypothesis and two mutants, without a check."""
    posed = claims.get(claim_id)
    hypotheses = {"short": "nothing long is tried"}
    claim = Claim(claim_id, title=posed.title, statement=posed.statement, hypotheses=hypotheses)

    def refute(of: Problem, *, bound: int = bound) -> Facts | None:
        """A training length at or above the bound."""
        return {"length": length_of(of), "bound": str(bound)} if length_of(of) >= bound else None

    claim.refute(refute)
    claim.mutant("below 3", bound=3)
    claim.mutant("below 5", bound=5)
    return claim


def toy(
    *,
    bound: int = 10,
    claim_id: str = CLAIM,
    longest: int = 5,
    full: int = 8,
    drawn: int = 5,
    measured_bound: int = 10,
    families: Mapping[str, Callable[[Profile], Iterable[Any]]] | None = None,
    mutants: Mapping[str, int] | None = None,
    without: Callable[[], Iterable[Problem]] = lambda: iter([problem(4), problem(12)]),
    dropped: Mapping[str, int] | None = None,
    cases: Callable[[Problem], int] = lambda of: 2,
    nonvacuous: Callable[[Problem], bool] = lambda of: True,
    decisive: Callable[[Problem], int] | None = None,
    proof: Callable[..., int] = lambda: 3,
) -> Claim:
    """The toy claim with every kind of check; by default everything holds.

    families : more families, by scope, before its own.
    mutants : {name: bound}, in place of its own.
    without, dropped : the problems without the hypothesis, and what the statement then changes.
    """
    claim = bare(bound=bound, claim_id=claim_id)
    if mutants is not None:
        claim.mutants.clear()
        for name, changed in mutants.items():
            claim.mutant(name, bound=changed)
    claim.cases(cases)
    claim.nonvacuous(nonvacuous)
    if decisive is not None:
        claim.decisive(decisive)
    for scope, problems in (families or {}).items():
        claim.family(scope)(problems)
    claim.family("lengths in a row")(partial(lengths, longest, full))
    claim.family("short lengths")(partial(lengths, 2, 3))
    claim.proof("a proof")(proof)
    claim.sampler("random lengths", quick=20, full=40)(draw_lengths(drawn))
    claim.measurement("search", "ten lengths")(partial(measure, bound=measured_bound))
    claim.without("short", **(dropped or {}))(without)
    return claim


class Ticks:
    """Counts the cases that an engine reports."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, cases: int) -> None:
        self.calls.append(cases)

    @property
    def total(self) -> int:
        """All cases so far."""
        return sum(self.calls)


def clear_caches() -> None:
    """Forget every memoised result of the packages, for tests that break the code below them."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("theory", "idealized_model", "proofs_check"):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
