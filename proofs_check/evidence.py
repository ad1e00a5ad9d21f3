"""Evidence: what a check found, never a bare "true"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal, NoReturn, TypeAlias

Kind: TypeAlias = Literal["proved", "exhausted", "supported", "refuted", "inconclusive"]


@dataclass(frozen=True)
class Evidence:
    """What one check found about one claim.

    Attributes
    ----------
    kind : "proved" (a machine-checked proof of what the scope states, in general), "exhausted" (every instance of a
        stated finite scope), "supported" (random instances or samples), "refuted" (with a replayable witness) or
        "inconclusive" (the scope says why).
    engine : which engine found it: exhaustive, symbolic, sampled, search, coq.
    scope : in words, what was covered.
    instances : how many cases were decided.
    decisive : how many of these could have refuted the claim; None where that was not counted.
    seconds : wall time.
    witness : for "refuted", a problem that `replay` reproduces.
    noticed : the mutants of the claim that the same check refutes as well, by name.
    statements : for theorems, by name, the statement that the proof checker printed.

    Examples
    --------
    >>> bool(Evidence("supported", "sampled", "100 random ensembles", 100, decisive=60))
    Traceback (most recent call last):
    ...
    TypeError: evidence is not true or false; look at its kind ('supported') and its scope
    """

    kind: Kind
    engine: str
    scope: str
    instances: int
    decisive: int | None = None
    seconds: float = 0.0
    witness: dict[str, Any] | None = field(default=None)
    noticed: tuple[str, ...] = ()
    statements: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"evidence is not true or false; look at its kind ({self.kind!r}) and its scope")


def version(distribution: str) -> str:
    """The installed version of a distribution, or "not installed"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
