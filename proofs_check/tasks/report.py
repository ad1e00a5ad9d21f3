"""What checking a task found: a finding for every contract, as data and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from textwrap import fill, indent
from typing import Any, NoReturn

from proofs_check.evidence import Kind

SETTLED: tuple[Kind, ...] = ("exhausted", "supported")
"""The kinds of evidence on which a contract holds."""


@dataclass(frozen=True)
class Finding:
    """What was found about one contract.

    Attributes
    ----------
    contract : its name.
    kind : "exhausted" (every instance of every length tried), "supported" (drawn ones too), "refuted" or
        "inconclusive" (the scope says why).
    scope : in words, what was decided at the lengths of the report; or why nothing was.
    instances : how many cases were decided.
    where, seen, wanted : for "refuted", the smallest input found, what was seen there, and what would satisfy the
        contract.
    table : for "refuted", the instance at fault, where there is one.

    Examples
    --------
    >>> Finding("IDs", "exhausted", "6 instances", 6).holds
    True
    """

    contract: str
    kind: Kind
    scope: str
    instances: int
    where: str = ""
    seen: str = ""
    wanted: str = ""
    table: str = ""

    @property
    def holds(self) -> bool:
        """Whether the contract was put to the test and stood it."""
        return self.kind in SETTLED

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a finding is not true or false; look at its kind ({self.kind!r}), or at `holds`")

    def explain(self) -> str:
        """One line; and for a refutation what was seen and what would satisfy the contract."""
        line = f"{self.contract:<41} {self.kind:<13} {self.scope}".rstrip()
        if self.kind != "refuted":
            return line
        facts = (("at", self.where), ("seen", self.seen), ("wanted", self.wanted))
        lines = [line, *(_aligned(label, text) for label, text in facts), indent(self.table, " " * 10)]
        return "\n".join(filter(None, lines))


def _aligned(label: str, text: str) -> str:
    lead, rest = f"  {label:<8}", " " * 10
    return "\n".join(
        fill(line, 120, initial_indent=rest if i else lead, subsequent_indent=rest, break_on_hyphens=False)
        for i, line in enumerate(text.splitlines() or ["nothing"])
    )


@dataclass(frozen=True)
class TaskReport:
    """What `check_task` found: a frozen list of findings, one a contract.

    Attributes
    ----------
    task : the task's name.
    lengths : the lengths tried.
    scope : in words, which of them were listed and which drawn from.
    seed : of everything random.
    findings : one a contract, in their order.

    Examples
    --------
    >>> report = TaskReport("copy", (1, 2), "all of lengths 1, 2", 0, (Finding("mask", "exhausted", "6 instances", 6),))
    >>> print(report.explain())
    copy: all of lengths 1, 2
    <BLANKLINE>
    mask                                      exhausted     6 instances
    <BLANKLINE>
    1 of 1 contracts holds.
    """

    task: str
    lengths: tuple[int, ...]
    scope: str
    seed: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every contract holds: none is refuted, and none is inconclusive."""
        return all(finding.holds for finding in self.findings)

    @property
    def refuted(self) -> tuple[str, ...]:
        """The names of the contracts that are refuted."""
        return tuple(finding.contract for finding in self.findings if finding.kind == "refuted")

    def __getitem__(self, contract: str) -> Finding:
        """The finding of a contract, by its name."""
        return {finding.contract: finding for finding in self.findings}[contract]

    def explain(self) -> str:
        """The report as text: a line a contract, and what refuted it."""
        holding = sum(finding.holds for finding in self.findings)
        last = f"{holding} of {len(self.findings)} contracts {'holds' if holding == 1 else 'hold'}."
        for kind in ("refuted", "inconclusive"):
            names = [finding.contract for finding in self.findings if finding.kind == kind]
            last += f" {kind.capitalize()}: {'; '.join(names)}." if names else ""
        return "\n".join(
            [f"{self.task}: {self.scope}", "", *(finding.explain() for finding in self.findings), "", last]
        )

    def require(self) -> None:
        """For use in a test.

        Raises
        ------
        AssertionError : with the whole text, when not every contract holds.
        """
        if not self.holds:
            raise AssertionError(self.explain())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "schema": 1,
            "task": self.task,
            "lengths": list(self.lengths),
            "scope": self.scope,
            "seed": self.seed,
            "holds": self.holds,
            "findings": [asdict(finding) for finding in self.findings],
        }
