"""What advice says, as plain words and as a table."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proofs_check.advice.found import Found
from proofs_check.terminal import show

COLOURS = {"generalizes": "green", "fails": "red", "unrealizable": "yellow"}


def print_advice(advice: Found, console: Console) -> None:
    """What was found, the verdicts as a table, and what to do."""
    for line in _head(advice):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if advice.verdicts:
        table = Table(box=box.SQUARE, padding=0, pad_edge=False)
        for column in ("scheme", "verdict", "w", "scope", "evidence"):
            table.add_column(column, no_wrap=column in ("w", "evidence"))
        for name, verdict in advice.verdicts.items():
            data = verdict.to_data()
            window = "" if data["window"] is None else f"{data['window']}{'↑' * bool(data.get('growing'))}"
            colour = COLOURS.get(verdict.outcome)
            said = f"[{colour}]{escape(verdict.text)}[/]" if colour else escape(verdict.text)
            table.add_row(name, said, window, escape(verdict.scope), verdict.evidence)
        show(table, console)
    for line in _foot(advice):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def words(advice: Found) -> str:
    """All of it in lines."""
    verdicts = [
        f"  {name}: {verdict.text} [{verdict.evidence}: {verdict.scope}]" for name, verdict in advice.verdicts.items()
    ]
    return "\n".join([*_head(advice), *(["verdicts"] if verdicts else []), *verdicts, *_foot(advice)])


def _head(advice: Found) -> list[str]:
    """What it depends on, and the IDs."""
    k = "no rule of bounded size" if advice.sparsity is None else f"{advice.sparsity}-sparse"
    growth = "" if advice.growth in (None, "bounded") else f"; the smallest sets grow, {advice.growth} in the length"
    lines = [f"{advice.name}: {k}{growth}", *(f"  {step['words']}" for step in advice.steps)]
    ids = advice.ids
    if ids["kind"] == "none":
        return [*lines, f"IDs: none ({ids['why']})"]
    convention = "" if ids["convention"] is None else f", {ids['convention']}-coupled"
    bound = "" if ids["lower_bound"] is None else f", proved to be at least {ids['lower_bound']}"
    lines.append(f"IDs: {ids['kind']}{convention}; spread {ids['spread']}{bound}")
    return [*lines, *(f"  {line}" for line in ids["example"]["table"].split("\n"))]


def _foot(advice: Found) -> list[str]:
    """What to do, a scratchpad where there is one, and the evidence."""
    lines = ["what to do"]
    for number, line in enumerate(advice.advice, 1):
        lines.append(f"  {number}. {line.text}")
        lines.append(f"     {line.evidence}")
        if line.command:
            lines.append(f"     $ {line.command}")
    if advice.scratchpad is not None:
        lines.append("scratchpad")
        lines += [f"  {line}" for line in advice.scratchpad.coupling.shown().split("\n")]
    return [*lines, "evidence", *(f"  {fact}" for fact in advice.evidence)]
