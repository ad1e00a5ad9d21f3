"""What was found about a source: all that advice, its table, its page and its module are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proofs_check.advice.coupling import Coupling
from proofs_check.advice.facts import Fact, Facts
from proofs_check.advice.lines import Line, Scratchpad, Verdict
from proofs_check.advice.samples import Noise


@dataclass(frozen=True)
class Found:
    """What was found about a source, and what to do.

    Attributes
    ----------
    name : what it is called.
    kind : of the source: "task", "solve", "generate" or "pairs".
    sparsity : the size of the largest dependency set; None where it is dense, random, or no rule was found.
    growth : of the sets with the length: "bounded", "logarithmic" or "linear"; None where it was not found.
    steps : what each kind of step reads, in words and as data.
    ids : {"kind": "positions", "coupled", "predicted" or "none", "convention", "coordinates", "spread", "lower_bound", ...}.
    verdicts : by scheme.
    advice : what to do, what buys most first.
    scratchpad : a running state, where the source is dense and a small one was found.
    evidence : what was found on the way.
    coupling : the IDs, with the task that has them; None where there is no rule.
    noise : with --noise, how far hard heads are from fitting the sample, by scheme.
    """

    name: str
    kind: str
    sparsity: int | None
    growth: str | None
    steps: tuple[dict[str, Any], ...]
    ids: dict[str, Any]
    verdicts: dict[str, Verdict]
    advice: tuple[Line, ...]
    scratchpad: Scratchpad | None
    evidence: tuple[Fact, ...]
    coupling: Coupling | None = field(default=None, repr=False)
    noise: tuple[Noise, ...] = ()
    facts: Facts | None = field(default=None, repr=False)
    seconds: float = field(default=0.0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The advice as JSON data."""
        return {
            "schema": 1,
            "name": self.name,
            "source": self.kind,
            "sparsity": self.sparsity,
            "growth": self.growth,
            "steps": list(self.steps),
            "ids": self.ids,
            "verdicts": {name: verdict.to_data() for name, verdict in self.verdicts.items()},
            "advice": [line.to_data() for line in self.advice],
            "scratchpad": None if self.scratchpad is None else self.scratchpad.to_data(),
            "noise": [one.to_data() for one in self.noise],
            "evidence": [fact.to_data() for fact in self.evidence],
            "seconds": round(self.seconds, 3),
        }
