"""Exact match against the length for every position scheme, on tasks with a scratchpad, an addition and pointers."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from figures.plot import Plot, Row, Rows
from figures.runs import draw_curve, points, pooled, share
from figures.style import SHADE, Series, Style, entry, legend_below, series
from theory.errors import InvalidArgument

RUNS = "schemes"
TASKS = (
    "parity with scratchpad, token-coupled", "parity with scratchpad, query-coupled", "addition, reversed",
    "addition, reversed, carry shown", "pointer chasing",
)  # fmt: skip
"""Those of them that were trained are drawn."""

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

    Raises
    ------
    InvalidArgument : when no run is of one of the tasks.
    """
    tested = [p for p in points(runs[RUNS]) if p["task"] in TASKS and p["tested_on"] == p["task"]]
    if not tested:
        raise InvalidArgument(
            "figures", RUNS, f"{len(runs[RUNS])} runs, none of them of these tasks", f"runs of {'; '.join(TASKS)}",
            f"See figures/sweeps/{RUNS}.toml.",
        )  # fmt: skip
    order = list(SCHEMES)
    tested.sort(
        key=lambda p: (TASKS.index(p["task"]), order.index(p["positions"]), p["log_scale"], p["length"], p["seed"])
    )
    names = ("task", "positions", "log_scale", "longest", "length")
    rows: list[Row] = [{"kind": "pooled", **row} for row in pooled(tested, names)]
    return rows + [{"kind": "seed", **{name: p[name] for name in (*names, "seed", "right", "size")}} for p in tested]


def _kinds(rows: Rows) -> dict[tuple[str, bool], tuple[str, Series]]:
    """{(scheme, scaling): (label, style)}; the scaling is said where a scheme was trained with and without it."""
    order = list(SCHEMES)
    found = sorted(
        {(row["positions"], row["log_scale"]) for row in rows}, key=lambda kind: (order.index(kind[0]), kind[1])
    )
    both = {name for name, scaled in found if (name, not scaled) in found}
    return {
        (name, scaled): (SCHEMES[name] + (", scaled" if name in both and scaled else ""), series(i))
        for i, (name, scaled) in enumerate(found)
    }


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a task; the training lengths are shaded."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    kinds = _kinds(rows)
    wide = style.columns == 2
    across = min(3 if wide else 1, len(tasks))
    in_legend = 5 if wide else 2
    figure, panels = style.panels(
        len(tasks), across=across, height=1.75, extra=0.15 + 0.15 * -(-(len(kinds) + 1) // in_legend), sharey=True
    )
    for number, (axes, task) in enumerate(zip(panels, tasks, strict=True)):
        mine = [row for row in rows if row["task"] == task]
        for kind, (_, how) in kinds.items():
            own = [row for row in mine if (row["positions"], row["log_scale"]) == kind]
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
        axes.set(
            xlabel="length", ylim=(-0.03, 1.03), title=task.replace("scratchpad, ", "scratchpad,\n") if wide else task
        )
        if number % across == 0:
            axes.set_ylabel("exact match")
    handles = [entry(label, **how.line()) for label, how in kinds.values()]
    handles.append(entry("trained", color=SHADE, linewidth=5))
    legend_below(figure, handles, columns=in_legend)
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
        shares = ", ".join(
            f"{kinds[row['positions'], row['log_scale']][0]} {share(row['right'], row['size'])}"
            for row in mine
            if row["length"] == longest
        )
        said.append(f"{task}, at length {longest} (trained up to {max(row['longest'] for row in mine)}): {shares}")
    return (
        "Exact match of small transformers against the length, one panel a task and one curve a position scheme, pooled over "
        f"seeds with exact 95 % intervals and a thin line a seed. {'. '.join(said)}."
    )


PLOT = Plot(
    "schemes", "Exact match against length, by position scheme", draw, alt, runs=(RUNS,), join=join, needs_runs=True
)
