"""A toy claim, "every training length is below a bound": small enough to refute, prove and exhaust at will."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler
from proofs_check.problem import Problem
from theory import HeadClass, PlantedEnsemble, support
from theory.planted import PlantedLaw

CLAIM = "T1"
"""The toy poses as this claim, so that the runner, the report and `replay` find it."""

ENSEMBLE = PlantedEnsemble(2, [1, 0], {(1,): 1}, {(1,): 0}, support.uniform(), [0, 1])


@dataclass(frozen=True)
class Below:
    """The toy statement."""

    bound: int


def problem(length: int) -> Problem:
    """One marked token among noise, at one length."""
    return Problem(HeadClass(1), ENSEMBLE.at(length), ENSEMBLE.at(length))


def length_of(of: Problem) -> int:
    """Its training length."""
    assert isinstance(of.train, PlantedLaw)
    return of.train.length


def refute(of: Problem, statement: Below) -> Facts | None:
    """A training length at or above the bound."""
    return {"length": length_of(of), "bound": str(statement.bound)} if length_of(of) >= statement.bound else None


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


def toy(
    *,
    bound: int = 10,
    longest: int = 5,
    full: int = 8,
    drawn: int = 5,
    measured_bound: int = 10,
    mutants: Mapping[str, Below] | None = None,
    necessity: Mapping[str, Dropped] | None = None,
    nonvacuous: Callable[[Problem], bool] = lambda of: True,
    decisive: Callable[[Problem], int] | None = None,
    proof: Callable[[], int] = lambda: 3,
) -> Attack:
    """An attack on the toy claim; by default everything holds."""
    return Attack(
        claim_id=CLAIM,
        stated=Below(bound),
        mutants={"below 3": Below(3), "below 5": Below(5)} if mutants is None else mutants,
        refute=refute,
        cases=lambda of: 2,
        families=(
            Family("lengths in a row", partial(lengths, longest, full)),
            Family("short lengths", partial(lengths, 2, 3)),
        ),
        proofs=(Proof("a proof", proof),),
        samplers=(Sampler("random lengths", draw_lengths(drawn), 20, 40),),
        measurements=(Measurement("search", "ten lengths", partial(measure, bound=measured_bound)),),
        necessity={"short": Dropped(lambda: iter([problem(4), problem(12)]))} if necessity is None else necessity,
        nonvacuous=nonvacuous,
        decisive=decisive,
    )


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
