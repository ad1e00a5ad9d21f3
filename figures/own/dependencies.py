"""The dependency sets of any instance: as arrows where they can be read, else as two matrices, by position and by ID."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from figures import dependency_graphs
from figures.dependency_graphs import rows_of
from figures.own.places import Places, laid_out
from figures.plot import Rows
from figures.style import GREY, PAGE, SHADE, SMALLEST, Style, entry, series
from theory.coordinates import Id, written
from theory.dependencies import spread
from theory.errors import InvalidArgument, check_one_of, check_type
from theory.tasks import Instance, Task

from matplotlib.axes import Axes
from matplotlib.figure import Figure

WHERE = "dependencies"
Form = Literal["auto", "arrows", "matrix"]


def draw_dependencies(
    task: Task,
    instance: Instance,
    *,
    ids: Sequence[Id] | None = None,
    form: Form = "auto",
    axes: Axes | Iterable[Axes] | None = None,
    style: Style | None = None,
) -> Figure:
    """Draw what every predicted token of an instance reads, by position and by ID.

    As arrows between tokens; or, where these could not be read or would take more than a page, as two matrices of one
    layout: a row a predicted token, a column a token that is read, a mark where it is. What lies near the diagonal is near.

    Parameters
    ----------
    task : prints the tokens.
    instance : what is drawn.
    ids : one ID a position; default: the instance's own.
    form : "auto", "arrows" or "matrix".
    axes : two Axes for the matrices, or one for that by ID alone; default: a new figure.
    style : its size.

    Raises
    ------
    InvalidArgument : for IDs that are not one a position, arrows that could not be read, another number of Axes.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> figure = draw_dependencies(Copy(2), Copy(2).solve((0, 1) * 40 + (2,)))
    >>> [axes.get_title() for axes in figure.axes]
    ['by position: sets span up to 81', 'by ID: sets span up to 0']

    Cost: tokens + edges. Source: sections 1 and 4 of docs/theory.md.
    """
    where = "draw_dependencies"
    check_type(task, Task, where, "task", "a Task", "For instance TASKS['copy'].")
    check_type(instance, Instance, where, "instance", "an Instance", "For instance next(task.instances(3)).")
    check_one_of(form, get_args(Form), where, "form", "Leave it out.")
    own = tuple(instance.ids if ids is None else ids)
    spans = (spread(instance, "token", ids=range(len(own))), spread(instance, "token", ids=own))
    style = style or Style()
    if form != "matrix" and axes is None:
        try:
            figure = dependency_graphs.draw(task, instance, ids=own, style=style)
        except InvalidArgument:
            if form == "arrows":
                raise
        else:
            if form == "arrows" or figure.get_figheight() <= PAGE:
                figure.set_label(TITLE)
                return figure
    return matrices(rows_of(task, instance, own), spans, style, axes)


TITLE = "What each predicted token reads, by position and by ID"


# ── Matrices ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def matrices(rows: Rows, spans: tuple[int, int], style: Style, axes: Axes | Iterable[Axes] | None = None) -> Figure:
    """By position and by ID, of one layout."""
    side = style.width if style.columns == 1 else style.width / 2
    names = ["by ID"] if isinstance(axes, Axes) else ["by position", "by ID"]
    parts = list(dict.fromkeys(rows[i]["part"] for i, _ in pairs(rows)))
    with laid_out(TITLE) as made:
        places = Places(axes, names, "draw_dependencies", style, across=2, height=min(side, 3.4), extra=0.3)
        for own, name in zip(places.axes, names, strict=True):
            by_id = name == "by ID"
            _matrix(own, rows, parts, f"{name}: sets span up to {spans[by_id]}", by_id=by_id, side=min(side, 3.4))
        hollow = any(_is_hollow(_cell(rows, by_id=name == "by ID", side=min(side, 3.4))) for name in names)
        handles = [
            entry(
                f"read from {part or 'before'}",
                color=series(i).colour,
                marker=series(i).marker,
                linestyle="none",
                **({"markerfacecolor": "none"} if hollow else {}),
            )
            for i, part in enumerate(parts)
        ]
        diagonal = entry("diagonal", color=GREY, linewidth=0.5)
        places.legend([*handles, diagonal], columns=4 if style.columns == 2 else 2)
        made.append(places.figure)
    return places.figure


def pairs(rows: Rows) -> list[tuple[int, int]]:
    """(token that is read, predicted token), by positions."""
    return [(int(source), row["position"]) for row in rows for source in row["reads"].split()]


def places_of(rows: Rows, *, by_id: bool) -> tuple[list[int], list[str]]:
    """Where every token stands on an axis, and what is written at each place."""
    if not by_id:
        return list(range(len(rows))), [str(row["position"]) for row in rows]
    values: list[Id] = sorted({row["id"] for row in rows})
    at = {value: i for i, value in enumerate(values)}
    return [at[row["id"]] for row in rows], [written(value) for value in values]


def _cell(rows: Rows, *, by_id: bool, side: float) -> float:
    """Points of a place on an axis."""
    return 72 * (side - 0.7) / len(places_of(rows, by_id=by_id)[1])


def _is_hollow(cell: float) -> bool:
    """Whether marks are large enough for what lies below each other to be seen."""
    return cell > 3


def _matrix(axes: Axes, rows: Rows, parts: list[str], title: str, *, by_id: bool, side: float) -> None:
    at, names = places_of(rows, by_id=by_id)
    n, cell = len(names), _cell(rows, by_id=by_id, side=side)
    axes.plot([-0.5, n - 0.5], [-0.5, n - 0.5], color=GREY, linewidth=0.5, zorder=1, gid="diagonal")
    for i, part in enumerate(parts):
        own = [(at[source], at[target]) for source, target in pairs(rows) if rows[source]["part"] == part]
        axes.plot(
            [x for x, _ in own], [y for _, y in own], linestyle="none", marker=series(i).marker, color=series(i).colour,
            markersize=min(max(cell * 0.7, 1.2), 5.0), markerfacecolor="none" if _is_hollow(cell) else series(i).colour,
            markeredgewidth=min(0.8, cell / 5), zorder=3, gid="read",
        )  # fmt: skip
    # Sources, and what is predicted, are marked along the edges, as far as their symbols can be read.
    if not by_id and cell >= SMALLEST:
        names = [row["text"] for row in rows]
    step = next(k for k in range(1, n + 2) if k * cell >= (SMALLEST * 0.65) * max(map(len, names)) + 3)
    shown = list(range(0, n, step))
    axes.set_xticks(shown, [names[i].replace("$", r"\$") for i in shown])
    axes.set_yticks(shown, [names[i].replace("$", r"\$") for i in shown])
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), title=title)
    axes.set(xlabel=f"read, {title.split(':')[0]}", ylabel="predicted")
    axes.set_aspect("equal", adjustable="box")
    axes.grid(color=SHADE, linewidth=0.3)


def alt(rows: Rows, spans: tuple[int, int]) -> str:
    """The largest spreads, and how much is read."""
    read, predicted = len(pairs(rows)), sum(bool(row["reads"]) for row in rows)
    text = "".join(row["text"] for row in rows)
    text = text if len(text) <= 80 else f"{text[:60]}… ({len(rows)} tokens)"
    unit = "ID" if spans[1] == 1 else "IDs"
    return (
        f"What each predicted token of {rows[0]['task']}, {text}, reads, by position and by ID side by side: {predicted} "
        f"tokens are predicted from {read} in all; those of a set lie up to {spans[0]} positions and up to {spans[1]} {unit} "
        "apart."
    )
