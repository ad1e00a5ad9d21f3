"""What a claim's module provides: its statement, how one problem can refute it, and where to look.

A *statement* is a small frozen dataclass whose fields are the parts of the claim that could be otherwise (an exponent,
a factor, a condition). The claim itself is one value of it, every mutant another; all are put to the same test by the
same function, so a check that cannot fail shows up as a mutant that survives.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from proofs_check.problem import Problem

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Facts: TypeAlias = dict[str, Any]
"""What refutes a statement on a problem, as JSON: for instance {"test_loss": "1/2", "bound": "1/3"}."""

Profile: TypeAlias = Literal["quick", "full"]


@dataclass(frozen=True)
class Family:
    """A finite family of problems, with its scope in words; the full profile covers more than the quick one."""

    scope: str
    problems: Callable[[Profile], Iterator[Problem]]


@dataclass(frozen=True)
class Sampler:
    """Random problems: a Hypothesis strategy, with its scope in words and how many to draw.

    notices : mutants, by name, that as many draws as in the full profile must refute.
    key : what the claim sees of a problem: of those with one key only one is decided.
    """

    scope: str
    strategy: Callable[[], SearchStrategy[Problem]]
    quick: int
    full: int
    notices: tuple[str, ...] = ()
    key: Callable[[Problem], Hashable] = lambda problem: problem


@dataclass(frozen=True)
class Proof:
    """A machine check of a derivation or of identities: `check()` raises AssertionError, naming the step, when it does not
    go through, and returns how many steps it made.

    kind : "proved" where the scope is all that the step is about (a tautology, an identity in symbols), "exhausted" where
        finitely many instances of it are checked, which the scope names.
    notices : mutants, by name; `check(mutant)` must not go through.
    """

    scope: str
    check: Callable[..., int]
    kind: Literal["proved", "exhausted"] = "proved"
    notices: tuple[str, ...] = ()


def require(condition: bool, step: str) -> None:
    """Let a proof go no further, naming the step, unless the condition holds."""
    if not condition:
        raise AssertionError(step)


@dataclass(frozen=True)
class Measurement:
    """A check of its own kind (Monte Carlo against exact values, an adversarial search): it reports what it saw.

    run : `run(rng, profile, tick)`, where `rng` is a generator of its own and `tick(cases)` reports progress.
    notices : mutants, by name; a full `run(rng, profile, tick, mutant)` must refute each.
    """

    engine: Literal["sampled", "search"]
    scope: str
    run: Callable[..., Measured]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a measurement saw: how many cases, a sentence, a problem with the facts that refute the claim, and how many
    of the cases could have (None: each)."""

    instances: int
    summary: str
    refutation: tuple[Problem, Facts] | None = None
    decisive: int | None = None


@dataclass(frozen=True)
class Dropped:
    """A hypothesis dropped: problems outside it, among which the rest of the statement fails."""

    problems: Callable[[], Iterator[Problem]]
    statement: Any = None
    """The statement without the hypothesis, where dropping it changes the statement; the claim's own otherwise."""


@dataclass(frozen=True)
class Attack:
    """Everything that `proofs_check` does to one claim.

    Attributes
    ----------
    claim_id : the id in `theory.claims`.
    stated : the claim, as a value of its statement type.
    mutants : {name: a false variant}; every one must be refuted.
    refute : facts that refute a statement on a problem, or None; the one place where claim and mutants are tested.
    cases : how many cases `refute` decides on a problem (for instance one a head); counted under the hypotheses only.
    nonvacuous : whether the hypotheses of the claim hold on a problem.
    decisive : how many of the cases could have refuted the claim: a head of positive loss under a bound below 1, not one
        that loses nothing or is allowed everything; None: each. A family must hold at least one.
    """

    claim_id: str
    stated: Any
    mutants: Mapping[str, Any]
    refute: Callable[[Problem, Any], Facts | None]
    cases: Callable[[Problem], int]
    families: tuple[Family, ...]
    proofs: tuple[Proof, ...]
    samplers: tuple[Sampler, ...]
    measurements: tuple[Measurement, ...]
    necessity: Mapping[str, Dropped]
    nonvacuous: Callable[[Problem], bool]
    decisive: Callable[[Problem], int] | None = None
