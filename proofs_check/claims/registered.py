"""What is registered with a claim: families, samplers, measurements and proofs, hypotheses dropped."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from proofs_check.claims.functions import Facts, Parts, as_count, at_most, refused
from proofs_check.theorems.table import Theorem
from theory.errors import shown

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Profile: TypeAlias = Literal["quick", "full"]

Problems: TypeAlias = Callable[[Profile], Iterable[Any]]
Searched: TypeAlias = Literal["sampled", "search"]
Shown: TypeAlias = Literal["proved", "exhausted"]


def itself(problem: Any) -> Hashable:
    """A problem itself, or its pickle where it is mutable, or equal to itself alone."""
    try:
        own: object = type(problem).__hash__
        if own is object.__hash__:  # of the object, not of what it says
            with suppress(Exception):
                return pickle.dumps(problem)
        hash(problem)
    except TypeError:
        try:
            return pickle.dumps(problem)
        except Exception as error:
            raise refused(
                "Claim.sampler", "key", f"the {type(problem).__name__} {shown(problem)}, which does not pickle ({error})",
                "problems that hash or pickle", "Give the sampler a key: key=lambda problem: ...",
            ) from None  # fmt: skip
    found: Hashable = problem
    return found


@dataclass(frozen=True)
class Family:
    """A finite family of problems, with its scope in words."""

    scope: str
    problems: Problems


@dataclass(frozen=True)
class Sampler:
    """Random problems: a Hypothesis strategy, with its scope in words and how many to draw."""

    scope: str
    strategy: Callable[[], SearchStrategy[Any]]
    quick: int
    full: int
    notices: tuple[str, ...] = ()
    key: Callable[[Any], Hashable] = itself


@dataclass(frozen=True)
class Proof:
    """A machine check of a derivation or of identities."""

    scope: str
    check: Callable[..., int]
    kind: Shown = "proved"
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """A check of its own kind (Monte Carlo against exact values, an adversarial search)."""

    engine: Searched
    scope: str
    run: Callable[..., Measured]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a measurement saw.

    Attributes
    ----------
    instances : how many cases.
    summary : a sentence.
    refutation : a problem with the facts that refute the claim there, if there is one.
    decisive : how many of the cases could have refuted it (None: each).

    Raises
    ------
    InvalidArgument : for what is none of these, and more decisive cases than cases.

    Examples
    --------
    >>> Measured(1000, "none of a thousand is above the bound").refutation is None
    True
    """

    instances: int
    summary: str
    refutation: tuple[Any, Facts] | None = None
    decisive: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.summary, str):
            raise refused("Measured", "summary", shown(self.summary), "a text", "Say in words what was seen.")
        object.__setattr__(self, "instances", as_count(self.instances, "instances", "Measured"))
        if self.decisive is not None:
            decisive = at_most(as_count(self.decisive, "decisive", "Measured"), self.instances, "decisive", "Measured")
            object.__setattr__(self, "decisive", decisive)
        match self.refutation:
            case None | (_, Mapping()):
                return
        raise refused(
            "Measured", "refutation", shown(self.refutation), "a pair (problem, {name: value}), or None",
            "Give the problem with the facts that refute the claim there.",
        )  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """A hypothesis dropped: problems outside it, and what the statement without it is said to change."""

    problems: Callable[[], Iterable[Any]]
    parts: Parts


@dataclass(frozen=True)
class Compiled:
    """The theorems in Coq that a claim of the theory rests on."""

    scope: str
    theorems: tuple[Theorem, ...]
    notices: tuple[str, ...] = ()


Check: TypeAlias = Family | Sampler | Measurement | Proof | Compiled
