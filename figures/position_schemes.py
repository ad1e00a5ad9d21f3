"""Exact match against the length for every position scheme, on parity with a scratchpad, addition and pointer chasing."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from figures.plot import Plot, Row, Rows
from figures.runs import COUPLED, draw_curve, drawn_as, family, one_curve_each, points, pooled
from figures.style import GREY, SHADE, Series, Style, entry, legend_below, series
from proofs_check.spelling import digits
from theory.errors import InvalidArgument

from matplotlib.figure import Figure

RUNS = "schemes"
TASKS = ("parity with scratchpad", "addition, reversed", "addition, reversed, carry shown", "pointer chasing")
"""Those of them that were trained are drawn, under both conventions of coupling together."""

SCHEMES = {
    "none": "none",
    "absolute": "learned",
    "sinusoidal": "sinusoidal",
    "rope": "RoPE",
    "alibi": "ALiBi",
    "random-shift": "random shift",
    "pose": "PoSE",
    "random-ordered": "random ordered",
    "coupled": "coupled",
    "coupled-ordered": "coupled, ordered",
    "predicted": "predicted (PPC)",
}
"""{position scheme of a trained model: its name in the legend}."""


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """The exact match for every task, scheme and length, pooled and by seed.

    "convention" says whether a predicted token shares its ID with what it reads ("token") or the token before it does
    ("query"), where the model sees coupled IDs.

    Raises
    ------
    InvalidArgument : when no run is of one of the tasks.
    """
    tested: list[Row] = []
    for point in points(runs[RUNS]):
        name = point["task"]
        if family(name) in TASKS and point["tested_on"] == name and point["positions"] in SCHEMES:
            query = name.endswith("query-coupled") or name == "pointer chasing"
            convention = ("query" if query else "token") if point["positions"] in COUPLED else None
            tested.append({**point, "task": family(name), "convention": convention})
    if not tested:
        raise InvalidArgument(
            "join",
            RUNS,
            got=f"{len(runs[RUNS])} runs, none of them of these tasks",
            expected=f"runs of {'; '.join(TASKS)}",
            fix=f"See figures/sweeps/{RUNS}.toml.",
        )
    tested.sort(key=lambda p: (TASKS.index(p["task"]), _rank(p), p["length"], p["seed"]))
    names = ("task", "positions", "convention", "log_scale", "longest", "length")
    rows: list[Row] = [{"kind": "pooled", **row} for row in pooled(tested, names)]
    one_curve_each(rows, names, RUNS)
    return rows + [{"kind": "seed", **{name: p[name] for name in (*names, "seed", "right", "size")}} for p in tested]


KIND = ("positions", "convention", "log_scale")
"""What tells curves apart."""


FLAT = 0.05
"""A scheme whose seeds all stay below this beyond the training lengths is drawn with its likes."""

CURVES = 5
"""Schemes that are drawn apart, at most: the legend has two entries more."""

OTHERS = Series(GREY, "-", "")
"""How the others are drawn."""


def _rank(row: Row) -> tuple[int, bool, bool]:
    return list(SCHEMES).index(row["positions"]), row["convention"] == "query", row["log_scale"]


def _kinds(rows: Rows) -> dict[tuple[object, ...], tuple[str, Series]]:
    """{values of `KIND`: (label, style)}; convention and scaling are said where a scheme was trained in two ways.

    Layers × heads are said of all. `OTHERS` is the style of what stays at 0 beyond training.
    """
    found = dict.fromkeys(tuple(row[name] for name in KIND) for row in sorted(rows, key=_rank))
    labels: dict[tuple[object, ...], str] = {}
    for positions, convention, scaled in found:
        like = [kind for kind in found if kind[0] == positions]
        label = SCHEMES[str(positions)]
        if len({kind[1] for kind in like}) > 1:
            label = label.replace("coupled", f"{convention}-coupled")
        if len({kind[2] for kind in like}) > 1:
            label += ", scaled" if scaled else ", not scaled"
        labels[positions, convention, scaled] = label
    shapes = {
        kind: sorted({(row["layers"], row["heads"]) for row in rows if row["kind"] == "pooled" and _kind(row) == kind})
        for kind in labels
    }
    labels = {kind: f"{label} ({', '.join(f'{a}×{b}' for a, b in shapes[kind])})" for kind, label in labels.items()}
    best = {kind: max((row["highest"] for row in beyond(rows) if _kind(row) == kind), default=1.0) for kind in labels}
    apart = sorted((kind for kind in labels if best[kind] >= FLAT), key=lambda kind: -best[kind])[:CURVES]
    drawn = [kind for kind in labels if kind in apart]
    return {kind: (label, series(drawn.index(kind)) if kind in drawn else OTHERS) for kind, label in labels.items()}


def _kind(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in KIND)


def beyond(rows: Rows) -> list[Row]:
    """All seeds together, at lengths above those of training."""
    return [row for row in rows if row["kind"] == "pooled" and row["length"] > row["longest"]]


def _others(rows: Rows) -> str:
    """What the legend says of the curves that are drawn alike."""
    kinds = _kinds(rows)
    names = [label for label, how in kinds.values() if how is OTHERS]
    if not names:
        return ""
    most = max(row["highest"] for row in beyond(rows) if kinds[_kind(row)][1] is OTHERS)
    return f"others, at most {ceil(100 * most) / 100:.2f} beyond the training lengths: {', '.join(names)}"


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a task; the training lengths are shaded."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    kinds = _kinds(rows)
    wide = style.columns == 2
    across = min(3 if wide else 1, len(tasks))
    in_legend = 4 if wide else 2
    handles = [entry(label, **how.line()) for label, how in kinds.values() if how is not OTHERS]
    handles += [entry("others", **OTHERS.line())] if len(handles) < len(kinds) else []
    handles.append(entry("training lengths", color=SHADE, linewidth=5))
    lines = -(-len(handles) // in_legend)
    figure, panels = style.panels(len(tasks), across=across, height=1.75, extra=0.15 + 0.15 * lines, sharey=True)
    for number, (axes, task) in enumerate(zip(panels, tasks, strict=True)):
        mine = [row for row in rows if row["task"] == task]
        for kind, (_, how) in kinds.items():
            own = [row for row in mine if _kind(row) == kind]
            seeds = dict.fromkeys(row["seed"] for row in own if row["kind"] == "seed")
            draw_curve(
                axes,
                [row for row in own if row["kind"] == "pooled"],
                [[row for row in own if row["kind"] == "seed" and row["seed"] == seed] for seed in seeds],
                how,
            )
        longest, lengths = max(row["longest"] for row in mine), sorted({row["length"] for row in mine})
        axes.set_xscale("log")
        axes.set_xlim(min(longest, *lengths) * 0.8, lengths[-1] * 1.15)
        axes.axvspan(axes.get_xlim()[0], longest, color=SHADE, zorder=0)
        axes.set_xticks(_spaced(lengths), [str(n) for n in _spaced(lengths)])
        axes.set_xticks([], minor=True)
        axes.set(xlabel="length", ylim=(-0.03, 1.03), title=task)
        if number % across == 0:
            axes.set_ylabel("exact match")
    note = "; ".join(filter(None, ("in brackets: layers × heads", _others(rows))))
    legend_below(figure, handles, columns=in_legend, note=note)
    return figure


def _spaced(lengths: list[int]) -> list[int]:
    """Lengths whose numbers do not touch on a logarithmic axis."""
    kept = lengths[:1]
    for length in lengths:
        if length >= 1.5 * kept[-1]:
            kept.append(length)
    return kept


def alt(rows: Rows) -> str:
    """The exact match of every scheme at the greatest length of each task."""
    kinds, said = _kinds(rows), []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task and row["kind"] == "pooled"]
        longest = max(row["length"] for row in mine)
        shares = "; ".join(
            f"{kinds[_kind(row)][0]} {digits(row['median'])}" for row in mine if row["length"] == longest
        )
        said.append(f"{task} at length {longest} (trained up to {max(row['longest'] for row in mine)}): {shares}")
    drawn = drawn_as([row for row in rows if row["kind"] == "pooled"])
    return (
        "Exact match of small transformers (layers × heads in brackets) against the length, one panel a task and one curve a "
        f"position scheme, {drawn}. The median seed: {'. '.join(said)}."
    )


PLOT = Plot(
    "schemes", "Exact match against length, by position scheme", draw, alt, runs=(RUNS,), join=join, needs_runs=True
)
