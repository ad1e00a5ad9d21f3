"""Tasks against position schemes: T1's verdict, and how often a trained transformer is right at four times the length."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.runs import COUPLED, family, points, pooled, share
from figures.style import Style

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

FACTOR = 4
"""Times the longest training length."""

TRAINED = {
    "none": ("none",),
    "absolute": ("absolute",),
    "random shift": ("random-shift",),
    "relative window": ("rope", "alibi"),
    "coupled": ("coupled",),
    "predictive": ("predicted",),
    "random ordered": ("coupled-ordered",),
}
"""{scheme of T1: the schemes of trained models that are its like; the first with runs counts, with log-length scaling
if there is one}."""

OUTCOMES = {
    "generalizes": ("#8fb5fd", "✓"),
    "mixed": ("#a784a1", "±"),
    "fails": ("#fbc67c", "✗"),
    "unrealizable": ("#efeff2", "∅"),
}
"""{outcome: colour, symbol}; their lightness differs as well."""


def compute(rng: np.random.Generator) -> list[Row]:
    """The verdict for every task and scheme; exact on the finite scopes of docs/verdicts.md."""
    from proofs_check.verdicts import decide_all, questions

    cells, _ = decide_all(questions(), jobs=1, watch=lambda *_: None)
    return [
        {
            "task": question.task, "scheme": question.scheme, "outcome": cell.outcome,
            "certificate": cell.decisions[0].certificate if cell.outcome == "generalizes" else None,
            "sampled": bool(cell.drawn),
        }
        for question, cell in cells.items()
    ]  # fmt: skip


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """The accuracy at `FACTOR` times the longest training length, pooled over seeds, where there are runs."""
    tested = (
        point
        for name in runs
        for point in points(runs[name])
        if point["length"] == FACTOR * point["longest"] and point["tested_on"] == point["task"]
    )
    found: dict[tuple[str, str, bool], Row] = {}
    for point in pooled(tested, ("task", "positions", "log_scale", "length")):
        found.setdefault((_seen(point["task"], point["positions"]), point["positions"], point["log_scale"]), point)
    names = ("positions", "log_scale", "length", "runs", "right", "size", "low", "high")
    rows: list[Row] = []
    for row in stored:
        like = ((_seen(row["task"], own), own, scaled) for own in TRAINED[row["scheme"]] for scaled in (True, False))
        point = next((found[key] for key in like if key in found), dict.fromkeys(names))
        rows.append({**row, **{name: point[name] for name in names}})
    return rows


def _seen(task: str, positions: str) -> str:
    """The task as a model sees it: without its coupling, where its IDs are not seen."""
    return task if positions in COUPLED else family(task)


def text_of(row: Row) -> str:
    """The symbol, with the accuracy where there is one."""
    symbol = OUTCOMES[row["outcome"]][1]
    return symbol if row["size"] is None else f"{symbol} {share(row['right'], row['size'])}"


def draw(rows: Rows, style: Style) -> Figure:
    """A row a task, a column a scheme."""
    tasks, schemes = (list(dict.fromkeys(row[name] for row in rows)) for name in ("task", "scheme"))
    tall = 0.155 if style.columns == 2 else 0.27
    trained = any(row["size"] is not None for row in rows)
    figure, (axes,) = style.panels(
        1, across=1, height=tall * len(tasks) + 0.5, extra=0.25 if style.columns == 2 else 0.5
    )
    for row in rows:
        x, y = schemes.index(row["scheme"]), tasks.index(row["task"])
        colour = OUTCOMES[row["outcome"]][0]
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
        text = text_of(row) if style.columns == 2 else text_of(row).replace(" 0", "\n").replace(" 1.00", "\n1.0")
        axes.text(x, y, text, ha="center", va="center", linespacing=0.95)
    wide = style.columns == 2
    axes.set(xlim=(-0.5, len(schemes) - 0.5), ylim=(len(tasks) - 0.5, -0.5))
    axes.set_xticks(range(len(schemes)), [scheme.replace(" ", "\n") if wide else scheme for scheme in schemes])
    axes.set_yticks(range(len(tasks)), [task if wide else _short(task) for task in tasks])
    axes.xaxis.tick_top()
    if not wide:
        axes.tick_params(axis="x", rotation=90)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    used = [outcome for outcome in OUTCOMES if any(row["outcome"] == outcome for row in rows)]
    handles = [Patch(facecolor=OUTCOMES[name][0], label=f"{OUTCOMES[name][1]} {_SAID[name]}") for name in used]
    said = f"numbers: exact match of trained models{' ' if wide else chr(10)}at {FACTOR} times the training length"
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles) if wide else 1, handlelength=1.4,
        title=said if trained else None,
    )  # fmt: skip
    return figure


_SAID = {
    "generalizes": "every perfect head stays perfect",
    "mixed": "depends on the arity",
    "fails": "some perfect head fails",
    "unrealizable": "no perfect head",
}


def _short(task: str) -> str:
    """In two lines at most."""
    if len(task) <= 17:
        return task
    head, comma, tail = task.partition(", ")
    return f"{head},\n{tail}" if comma else task.replace(" ", "\n", 1)


def alt(rows: Rows) -> str:
    """The counts of the verdicts, and of the accuracies where there are some."""
    tasks, schemes = (list(dict.fromkeys(row[name] for row in rows)) for name in ("task", "scheme"))
    count = {name: sum(row["outcome"] == name for row in rows) for name in OUTCOMES}
    said = [f"{_SAID[name]} in {n}" for name, n in count.items() if n]
    solved = [
        scheme for scheme in schemes
        if any(row["outcome"] == "generalizes" and row["scheme"] == scheme for row in rows)
    ]  # fmt: skip
    text = (
        f"A matrix of {len(tasks)} tasks and {len(schemes)} position schemes with the verdict of T1, decided exactly: "
        f"{', '.join(said)} of {len(rows)} cells. There is a task for which every perfect head stays perfect under "
        f"{', '.join(solved)}."
    )
    known = [row for row in rows if row["size"] is not None]
    if not known:
        return text + " Trained accuracies are not drawn: there are no runs yet."
    means = []
    for outcome in ("generalizes", "fails", "unrealizable"):
        own = [row["right"] / row["size"] for row in known if row["outcome"] == outcome]
        if own:
            means.append(f"{sum(own) / len(own):.2f} over {len(own)} cells where {_SAID[outcome]}")
    return text + f" Mean exact match of trained models at {FACTOR} times the training length: {'; '.join(means)}."


PLOT = Plot(
    "verdicts",
    "Verdicts of T1 beside trained transformers",
    draw,
    alt,
    compute,
    runs=("schemes", "dense", "sparse-parity"),
    join=join,
)
