"""Tasks against position schemes: T1's verdict, and how often a trained transformer is right at four times the length.

Both are of training on all lengths up to the longest together, so that the numbers stand beside the verdict that is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.position_schemes import SCHEMES
from figures.runs import COUPLED, family, points, pooled
from figures.style import Style, wrapped
from proofs_check.spelling import digits
from proofs_check.verdicts.comparison import HIGH, skill
from proofs_check.verdicts.table import decide_all, questions
from theory.exact import as_float

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

MORE = ("fitted", "skill", "also")
"""What is known of the models beside a verdict, and follows from their runs."""

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
    """The accuracy at `FACTOR` times the longest training length, over all seeds, where there are runs.

    Of the schemes of training that are a scheme's like, the first with runs counts, with log-length scaling if there is one.
    "skill" is the accuracy beyond guessing; "also" names the task in whose row the same runs stand already: models that do not
    see coupled IDs are the same under every convention of coupling.
    """
    before, after = _found(runs, 1), _found(runs, FACTOR)
    names = ("positions", "log_scale", "length", "runs", "right", "size", "lowest", "highest")
    rows: list[Row] = []
    seen: dict[tuple[str, tuple[str, str, bool]], str] = {}
    for row in stored:
        trained = [own for own, scheme in COLUMN_OF.items() if scheme == row["scheme"]]
        like = ((_seen(row["task"], own), own, scaled) for own in trained for scaled in (True, False))
        key = next((key for key in like if key in before and key in after), None)
        point: dict[str, Any] = dict.fromkeys((*names, *MORE))
        if key is not None:
            share = Fraction(after[key]["right"], after[key]["size"])
            point = {**after[key], "fitted": _fitted(before[key]), "skill": str(skill(share, row["task"]))}
            first = seen.setdefault((row["scheme"], key), row["task"])
            point["also"] = None if first == row["task"] else first
        rows.append({**row, **{name: point[name] for name in (*names, *MORE)}})
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
    """The symbol, with the skill where there are models: in brackets for those that do not fit, `DITTO` for those above."""
    symbol: str = OUTCOMES[row["outcome"]][1] + "~" * row["sampled"]
    if row["size"] is None:
        return symbol
    if row["also"]:
        return f"{symbol} {DITTO}"
    number = signed(Fraction(row["skill"]))
    if not wide and number.startswith("−"):
        number = BELOW
    elif not wide:
        number = {"1.00": "1.0", "0.00": "0"}.get(number, number.replace("0.", ".", 1))
    return f"{symbol}{' ' if wide else chr(10)}{number if row['fitted'] else f'({number})'}"


DITTO, BELOW = "″", "−"
"""The models of the cell above; in a column, those that are worse than guessing."""


def signed(skill: Fraction) -> str:
    """Two digits, towards 0; below it the models are worse than guessing.

    Examples
    --------
    >>> signed(Fraction(-7, 100)), signed(Fraction(999, 1000)), signed(Fraction(-1, 1000))
    ('−0.07', '0.99', '0.00')
    """
    number = digits(abs(skill))
    return "−" * (skill < 0 and number != "0.00") + number


def trained_as(rows: Rows, scheme: str) -> str:
    """The position schemes of the models beside a column of verdicts."""
    names = dict.fromkeys(row["positions"] for row in rows if row["scheme"] == scheme and row["size"] is not None)
    return ", ".join(SCHEMES[name].removeprefix("predicted ").strip("()") for name in names)


def draw(rows: Rows, style: Style) -> Figure:
    """A row a task, a column a scheme."""
    tasks, schemes = (list(dict.fromkeys(row[name] for row in rows)) for name in ("task", "scheme"))
    wide = style.columns == 2
    said = _notes(rows, style)
    tall, keys = (0.155, 0.1) if wide else (0.24, 0.4)
    extra = keys + 0.13 * len(said.splitlines())
    figure, (axes,) = style.panels(1, across=1, height=tall * len(tasks) + (0.62 if wide else 1.0), extra=extra)
    for row in rows:
        x, y = schemes.index(row["scheme"]), tasks.index(row["task"])
        colour = OUTCOMES[row["outcome"]][0]
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
        axes.text(x, y, text_of(row, wide=wide), ha="center", va="center", linespacing=0.95)
    axes.set(xlim=(-0.5, len(schemes) - 0.5), ylim=(len(tasks) - 0.5, -0.5))
    axes.set_xticks(range(len(schemes)), [_head(rows, scheme, wide) for scheme in schemes])
    axes.set_yticks(range(len(tasks)), [task if wide else _short(task) for task in tasks], linespacing=0.9)
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
    legend.get_title().set_multialignment("center")
    return figure


def _head(rows: Rows, scheme: str, wide: bool) -> str:
    """The scheme of a column, and in brackets what its models were trained with, where that has another name."""
    models = trained_as(rows, scheme)
    if not wide:
        return scheme + f" ({models})" * (models not in ("", scheme))
    return scheme.replace(" ", "\n") + "\n" + f"({models})".replace(", ", ",\n") * (models not in ("", scheme))


def _notes(rows: Rows, style: Style) -> str:
    """What the numbers and marks are, wrapped."""
    notes = ["heads and models trained on all lengths up to the longest"]
    if any(row["sampled"] for row in rows):
        notes.append("~: of the instances drawn")
    if any(row["size"] is not None for row in rows):
        notes.append(
            f"numbers: exact match of models at {FACTOR} times the training length, 0 for guessing and 1 for all"
        )
        notes.append("in brackets: of models that do not fit")
    if style.columns == 1 and any(row["size"] is not None and Fraction(row["skill"]) < 0 for row in rows):
        notes.append(f"{BELOW}: below guessing")
    if any(row["also"] for row in rows):
        notes.append(f"{DITTO}: the same models as under the other coupling")
    if any(trained_as(rows, row["scheme"]) not in ("", row["scheme"]) for row in rows):
        notes.append("below a scheme: what models were trained with")
    return wrapped("; ".join(notes), style.width)


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
    known = [row for row in rows if row["size"] is not None and not row["also"]]
    if not known:
        return text + " Trained accuracies are not drawn: there are no runs yet."
    means = []
    for outcome in OUTCOMES:
        own = [as_float(Fraction(row["skill"])) for row in known if row["outcome"] == outcome and row["fitted"]]
        if own:
            spread = f"{min(own):.2f} to {max(own):.2f}, mean {sum(own) / len(own):.2f}"
            means.append(f"{spread}, over {len(own)} cells where {_SAID[outcome]}")
    again = sum(row["also"] is not None for row in rows)
    unfitted = sum(not row["fitted"] for row in known)
    return (
        f"{text} Exact match at {FACTOR} times the training length, 0 for guessing and 1 for all, of trained models that fit: "
        f"{'; '.join(means) or 'there are none'}. In {unfitted} more cells, in brackets, they do not fit."
        + f" {again} cells say of models that they stand in another one already."
        * bool(again)
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
