"""Advice as one self-contained page: what was found, the dependency graph by position and by ID, verdicts, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from proofs_check.advice.found import Found
from proofs_check.evidence import version
from proofs_check.pages.html_report import BAD, GOOD, UNSURE, document, section, table, text
from theory.tasks import Instance, Task

OUTCOMES = {"generalizes": GOOD, "not refuted": UNSURE, "fails": BAD, "unrealizable": UNSURE}
STEP, TOP, ROW = 44, 120, 34
"""Pixels between the tokens of a drawing, above them, and between the rows of its columns."""


def page(advice: Found) -> str:
    """The page.

    Cost: linear in the advice.
    """
    sections = [
        section("found", "What it depends on", _found(advice)),
        section("graph", "Dependency graph", _graphs(advice)),
        section("verdicts", "Verdicts", _verdicts(advice)),
        section("advice", "What to do", _lines(advice)),
        section("evidence", "Evidence", _evidence(advice)),
    ]
    names = ("found", "graph", "verdicts", "advice", "evidence")
    contents = "".join(f'<li><a href="#{name}">{name.capitalize()}</a></li>' for name in names)
    footer = f"Written by lengthgen {text(version('lengthgen'))}."
    return document(text(f"{advice.name}: advice"), f"<ul>{contents}</ul>", sections, footer)


def _found(advice: Found) -> str:
    ids = advice.ids
    bound = (
        "" if ids["lower_bound"] is None else f"; no IDs that as many tokens share have less than {ids['lower_bound']}"
    )
    facts = {
        "Sparsity": "none: no rule of bounded size" if advice.sparsity is None else str(advice.sparsity),
        "Growth": advice.growth or "not found",
        "Steps": "; ".join(step["words"] for step in advice.steps) or "none",
        "IDs": ids["kind"] + ("" if ids["convention"] is None else f", {ids['convention']}-coupled"),
        "Spread": "none" if ids["spread"] is None else f"{ids['spread']}{bound}",
        "Why": ids["why"],
    }
    if advice.scratchpad is not None:
        facts["Scratchpad"] = f"running states, {advice.scratchpad.states} of them"
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{text(value)}</dd>' for name, value in facts.items())}</dl>"


def _graphs(advice: Found) -> str:
    pad = advice.scratchpad
    coupling = pad.coupling if pad is not None else advice.coupling
    if coupling is None:
        return "<p>No rule says what a step reads, so that there is nothing to draw.</p>"
    instance, task = coupling.example(), coupling.task
    rows = [f"{task.text((instance.tokens[p],))} reads {_names(task, instance, s)}" for p, s in instance.steps]
    words = text("; ".join(rows))
    return "".join(
        f"<figure><figcaption>{title}</figcaption>{drawn}<details><summary>In words</summary><p>{words}</p></details></figure>"
        for title, drawn in (("By position", by_position(task, instance)), ("By ID", by_id(task, instance)))
    )


def _names(task: Task, instance: Instance, positions: Sequence[int]) -> str:
    return ", ".join(f"{task.text((instance.tokens[i],))} at {i}" for i in positions) or "nothing"


def by_position(task: Task, instance: Instance) -> str:
    """The tokens on a line, and an arc from what a step reads to what it predicts; as SVG."""
    width, arcs = STEP * len(instance.tokens), []
    for position, sources in instance.steps:
        for source in sources:
            x, y = STEP * source + STEP // 2, STEP * position + STEP // 2
            height = min(TOP - 20, 14 + 6 * (position - source))
            arcs.append(f'<path d="M{x},{TOP - 14} Q{(x + y) // 2},{TOP - 14 - 2 * height} {y},{TOP - 14}"/>')
    places = [(STEP * i + STEP // 2, TOP) for i in range(len(instance.tokens))]
    return _svg(width, TOP + 30, arcs, task, instance, places)


def by_id(task: Task, instance: Instance) -> str:
    """The tokens in columns by their IDs, and a line from what a step reads to what it predicts; as SVG."""
    columns = {value: column for column, value in enumerate(sorted(set(instance.ids)))}
    filled: dict[int, int] = {}
    places = []
    for value in instance.ids:
        row = filled[value] = filled.get(value, -1) + 1
        places.append((STEP * columns[value] + STEP // 2, 20 + ROW * row))
    height = 20 + ROW * (max(filled.values()) + 1)
    lines = [
        f'<path d="M{places[source][0]},{places[source][1]} L{places[position][0]},{places[position][1]}"/>'
        for position, sources in instance.steps
        for source in sources
    ]
    labels = "".join(
        f'<text class="muted" x="{STEP * column + STEP // 2}" y="{height + 14}">{value}</text>'
        for value, column in columns.items()
    )
    return _svg(STEP * len(columns), height + 24, lines, task, instance, places, labels)


def _svg(
    width: int,
    height: int,
    lines: Sequence[str],
    task: Task,
    instance: Instance,
    places: Sequence[tuple[int, int]],
    labels: str = "",
) -> str:
    predicted = {step.position for step in instance.steps}
    tokens = "".join(
        f'<circle cx="{x}" cy="{y}" r="13" fill="var(--{"good-tint" if i in predicted else "card"})" '
        f'stroke="var(--muted)"/><text x="{x}" y="{y + 5}">{text(task.text((instance.tokens[i],)))}</text>'
        for i, (x, y) in enumerate(places)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" font-size="13" '
        'text-anchor="middle" fill="currentColor" aria-label="which tokens each predicted token reads">'
        f'<g fill="none" stroke="var(--link)" stroke-width="1.5">{"".join(lines)}</g>{tokens}{labels}</svg>'
    )


def _verdicts(advice: Found) -> str:
    if not advice.verdicts:
        return "<p>None: see the evidence.</p>"
    rows = []
    for name, verdict in advice.verdicts.items():
        data = verdict.to_data()
        window = "" if data["window"] is None else str(data["window"])
        mark = f'<span class="{OUTCOMES.get(verdict.outcome, UNSURE)}">{text(verdict.text)}</span>'
        rows.append([text(name), mark, window, text(verdict.scope), verdict.evidence, text(data["witness"] or "")])
    columns = ["scheme", "verdict", " window", "scope", "evidence", "witness"]
    return table("Verdicts by position scheme", columns, rows)


def _lines(advice: Found) -> str:
    items = "".join(
        f"<li>{text(line.text)}<br><span class='muted'>{text(line.evidence)}</span>"
        + (f"<br><code>{text(line.command)}</code>" if line.command else "")
        + "</li>"
        for line in advice.advice
    )
    return f"<ol>{items}</ol>"


def _evidence(advice: Found) -> str:
    return table(
        "What this rests on",
        ["found", "kind", "scope"],
        [[text(f.what), f.kind, text(f.scope)] for f in advice.evidence],
    )
