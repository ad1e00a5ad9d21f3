"""Tasks against position schemes: T1's verdict, and how often a trained transformer is right at four times the length.

Both are of training on all lengths up to the longest together, so that the numbers stand beside the verdict that is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.runs import COUPLED, family, points, pooled, share
from figures.style import Style
from proofs_check.verdicts.comparison import HIGH, skill
from proofs_check.verdicts.table import decide_all, questions

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

FACTOR = 4
"""Times the longest training length."""

COLUMN_OF = {
    "none": "none",
    "absolute": "absolute",
    "sinusoidal": "absolute",
    "rope": "relative window",
    "alibi": "relative window",
    "random-shift": "random shift",
    "pose": "random shift",
    "coupled": "coupled",
    "coupled-ordered": "random ordered",
    "predicted": "predictive",
}
"""The column, a scheme of `verdicts`, beside which models of a position scheme stand; those have no window of their own."""

OUTCOMES = {
    "generalizes": ("#8fb5fd", "✓"),
    "mixed": ("#a784a1", "±"),
    "fails": ("#fbc67c", "✗"),
    "unrealizable": ("#efeff2", "∅"),
}
"""{outcome: colour, symbol}; their lightness differs as well."""


def compute(rng: np.random.Generator) -> list[Row]:
    """The verdict for every task and scheme on the finite scopes of docs/verdicts.md, as `lengthgen verdicts --mixed`.

    "sampled" is what holds of the drawn instances alone: a ✓ where a test length is too large to list.
    """
    cells, _ = decide_all(questions(), jobs=1, watch=lambda *_: None, mixed=True)
    return [
        {
            "task": question.task, "scheme": question.scheme, "outcome": cell.outcome,
            "certificate": cell.decisions[0].certificate if cell.outcome == "generalizes" else None,
            "sampled": bool(cell.drawn) and cell.outcome not in ("fails", "unrealizable"),
        }
        for question, cell in cells.items()
    ]  # fmt: skip


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """The accuracy at `FACTOR` times the longest training length, pooled over seeds, where there are runs.

    Of the schemes of training that are a scheme's like, the first with runs counts, with log-length scaling if there is one.
    """
    before, after = _found(runs, 1), _found(runs, FACTOR)
    names = ("positions", "log_scale", "length", "runs", "right", "size", "lowest", "highest")
    rows: list[Row] = []
    for row in stored:
        trained = [own for own, scheme in COLUMN_OF.items() if scheme == row["scheme"]]
        like = ((_seen(row["task"], own), own, scaled) for own in trained for scaled in (True, False))
        key = next((key for key in like if key in before and key in after), None)
        point = dict.fromkeys((*names, "fitted")) if key is None else {**after[key], "fitted": _fitted(before[key])}
        rows.append({**row, **{name: point[name] for name in (*names, "fitted")}})
    return rows


def _found(runs: Mapping[str, Rows], factor: int) -> dict[tuple[str, str, bool], Row]:
    """{(task as it is seen, positions, scaling): accuracy at a factor of the longest training length}."""
    tested = (
        point
        for name in runs
        for point in points(runs[name])
        if point["length"] == factor * point["longest"] and point["tested_on"] == point["task"]
    )
    found: dict[tuple[str, str, bool], Row] = {}
    for point in pooled(tested, ("task", "positions", "log_scale", "length")):
        found.setdefault((_seen(point["task"], point["positions"]), point["positions"], point["log_scale"]), point)
    return found


def _fitted(point: Row) -> bool:
    """Whether models with this accuracy at the training length do the task, as in docs/comparison.md."""
    return skill(Fraction(point["right"], point["size"]), point["task"]) >= HIGH


def _seen(task: str, positions: str) -> str:
    """The task as a model sees it: without its coupling, where its IDs are not seen."""
    return task if positions in COUPLED else family(task)


def text_of(row: Row, *, wide: bool = True) -> str:
    """The symbol, with the accuracy where there is one: in brackets for models that do not fit."""
    symbol: str = OUTCOMES[row["outcome"]][1] + "~" * row["sampled"]
    if row["size"] is None:
        return symbol
    number = share(row["right"], row["size"])
    if not wide:
        number = "1.0" if number == "1.00" else number.removeprefix("0")
    return f"{symbol}{' ' if wide else chr(10)}{number if row['fitted'] else f'({number})'}"


def draw(rows: Rows, style: Style) -> Figure:
    """A row a task, a column a scheme."""
    tasks, schemes = (list(dict.fromkeys(row[name] for row in rows)) for name in ("task", "scheme"))
    wide = style.columns == 2
    said = _notes(rows, wide)
    tall, keys = (0.155, 0.1) if wide else (0.27, 0.4)
    extra = keys + 0.13 * len(said.splitlines())
    figure, (axes,) = style.panels(1, across=1, height=tall * len(tasks) + 0.5, extra=extra)
    for row in rows:
        x, y = schemes.index(row["scheme"]), tasks.index(row["task"])
        colour = OUTCOMES[row["outcome"]][0]
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
        axes.text(x, y, text_of(row, wide=wide), ha="center", va="center", linespacing=0.95)
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
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles) if wide else 1, handlelength=1.4, title=said
    )
    if wide:
        legend.get_title().set_multialignment("center")
    return figure


def _notes(rows: Rows, wide: bool) -> str:
    """What the numbers and marks are, in two lines, or in as many as a column needs."""
    break_, then = (" ", "; ") if wide else ("\n", "\n")
    notes = [f"heads and models trained on{break_}all lengths up to the longest"]
    if any(row["sampled"] for row in rows):
        notes[0] += f"{then}~: of the instances drawn"
    if any(row["size"] is not None for row in rows):
        numbers = f"numbers: exact match of models{break_}at {FACTOR} times the training length"
        notes.append(f"{numbers}{then}in brackets: of models that do not fit")
    return "\n".join(notes)


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
    sampled = sum(row["sampled"] for row in rows)
    exactly = "decided exactly" + f" but for {sampled}, marked ~, that speak of the instances drawn" * bool(sampled)
    text = (
        f"A matrix of {len(tasks)} tasks, in small versions, and {len(schemes)} position schemes with the verdict of T1 on "
        f"training on all lengths up to the longest together: {', '.join(said)} of {len(rows)} cells, {exactly}. "
        f"There is a task for which every perfect head stays perfect under {', '.join(solved)}."
    )
    known = [row for row in rows if row["size"] is not None]
    if not known:
        return text + " Trained accuracies are not drawn: there are no runs yet."
    means = []
    for outcome in OUTCOMES:
        own = [row["right"] / row["size"] for row in known if row["outcome"] == outcome and row["fitted"]]
        if own:
            spread = f"{min(own):.2f} to {max(own):.2f}, mean {sum(own) / len(own):.2f}"
            means.append(f"{spread}, over {len(own)} cells where {_SAID[outcome]}")
    unfitted = sum(not row["fitted"] for row in known)
    return (
        f"{text} Exact match at {FACTOR} times the training length of trained models that fit: "
        f"{'; '.join(means) or 'there are none'}. In {unfitted} more cells, in brackets, they do not fit."
    )


PLOT = Plot(
    "verdicts",
    "Verdicts of T1 beside trained transformers",
    draw,
    alt,
    compute,
    runs=("schemes", "dense", "sparse-parity"),
    join=join,
)
