"""How much attention trained models put on the dependency set as the length grows, beside T6's dilution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import log
from statistics import fmean
from typing import Any

from figures.plot import Plot, Row, Rows
from figures.runs import fitted
from figures.style import INK, SHADE, Style, entry, legend_below, series, thin
from theory.errors import InvalidArgument

from matplotlib.figure import Figure

RUNS = "sparse-parity"
NAME = re.compile(r"sparse parity, k = (\d+)")


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """The mass of every run with a fixed number k of marked bits, the mean over its heads; T6's from there; their means.

    Raises
    ------
    InvalidArgument : when no run says where its attention goes.
    """
    seeds: list[Row] = []
    for run in runs[RUNS]:
        config, named = run["config"], NAME.fullmatch(run["config"]["task"])
        heads = {entry["length"]: [mass for layer in entry["layers"] for mass in layer] for entry in run["attention"]}
        train = config["longest"]
        if named is None or train not in heads or config["positions"] != "none":
            continue
        own = {"k": int(named[1]), "log_scale": config["log_scale"], "longest": train}
        for length, masses in sorted(heads.items()):
            ideal = fmean(diluted(mass, length=length, **own) for mass in heads[train])
            more = {"seed": config["seed"], "fitted": fitted(run)}  # a head that found nothing shows no dilution
            seeds.append({"kind": "seed", **own, "length": length, "mass": fmean(masses), "ideal": ideal, **more})
    if not any(row["fitted"] for row in seeds):
        raise InvalidArgument(
            "join",
            RUNS,
            got=f"{len(runs[RUNS])} runs, none that fitted a sparse parity and says where its attention goes",
            expected='runs with task = "sparse parity, k = N" and attention_lengths',
            fix=f"See figures/sweeps/{RUNS}.toml.",
        )
    names = ("log_scale", "k", "longest", "length")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(seeds, key=lambda row: (*(row[name] for name in names), row["seed"])):
        if row["fitted"]:
            groups.setdefault(tuple(row[name] for name in names), []).append(row)
    means: list[Row] = [
        {
            "kind": "mean", **dict(zip(names, key, strict=True)), "mass": fmean(row["mass"] for row in own),
            "ideal": fmean(row["ideal"] for row in own), "runs": len(own),
        }
        for key, own in groups.items()
    ]  # fmt: skip
    return [*means, *seeds]


def diluted(mass: float, *, k: int, log_scale: bool, longest: int, length: int) -> float:
    """What T6 says of the mass at a length, from that at the longest training length: all wrong keys score the same.

    With s the score of a wrong key beside 1 for a right one, the mass is k / (k + w s) among w wrong keys (the "?" is one
    of them); s stays the same, or with log-length scaling its logarithm grows like that of the visible keys + 1.

    Examples
    --------
    >>> [round(diluted(0.9, k=2, log_scale=scaled, longest=32, length=512), 3) for scaled in (False, True)]
    [0.353, 0.961]
    """
    if not mass:
        return 0.0
    score = k * max(1 - mass, 0.0) / (mass * (longest + 1 - k))
    if log_scale and score:
        score **= log(length + 2) / log(longest + 2)
    return k / (k + (length + 1 - k) * score)


def draw(rows: Rows, style: Style) -> Figure:
    """Two panels: without and with log-length scaling."""
    arities = sorted({row["k"] for row in rows if row["kind"] == "mean"})
    across = len(arities) + 2 if style.columns == 2 else 3
    lines = -(-(len(arities) + 2) // across)
    figure, panels = style.panels(2, across=2, height=1.9, extra=0.1 + 0.15 * lines, sharey=True)
    longest = max(row["longest"] for row in rows)
    lengths = sorted({row["length"] for row in rows})
    for axes, scaled in zip(panels, (False, True), strict=True):
        for i, k in enumerate(arities):
            own = [row for row in rows if (row["k"], row["log_scale"]) == (k, scaled)]
            for seed in dict.fromkeys(row["seed"] for row in own if row["kind"] == "seed" and row["fitted"]):
                line = [row for row in own if row["kind"] == "seed" and row["seed"] == seed]
                axes.plot(
                    [row["length"] for row in line], [row["mass"] for row in line], color=thin(series(i).colour),
                    linewidth=0.45, gid="seed",
                )  # fmt: skip
            line = [row for row in own if row["kind"] == "mean"]
            for what, how in (("ideal", _ideal(i)), ("mass", series(i).line())):
                axes.plot([row["length"] for row in line], [row[what] for row in line], gid=what, **how)
        axes.set_xscale("log", base=2)
        axes.axvspan(longest / 2**0.4, longest, color=SHADE, zorder=0)
        axes.set_xticks(lengths, [str(n) for n in lengths])
        axes.set_xticks([], minor=True)
        axes.set(xlabel="length", ylim=(-0.03, 1.03), xlim=(longest / 2**0.4, lengths[-1] * 2**0.15))
        axes.set_title("with log-length scaling" if scaled else "without scaling")
        if not scaled or style.columns == 1:
            axes.set_ylabel("attention on\nthe dependency set")
    handles = [entry(f"k = {k}", **series(i).line()) for i, k in enumerate(arities)]
    handles.append(entry("T6 from there", **{**_ideal(0), "color": INK, "marker": "o"}))
    handles.append(entry("training lengths", color=SHADE, linewidth=5))
    legend_below(figure, handles, columns=across)
    return figure


def _ideal(i: int) -> dict[str, Any]:
    """What T6 says: small filled markers on a thin line, whatever the dashes of what is trained."""
    return {"color": series(i).colour, "linewidth": 0.6, "marker": series(i).marker, "markersize": 2.0}


def alt(rows: Rows) -> str:
    """The mass at the training length and at the greatest one, for every k."""
    longest = max(row["length"] for row in rows)
    said = []
    for scaled in (False, True):
        of = {(r["k"], r["length"]): r for r in rows if r["kind"] == "mean" and r["log_scale"] == scaled}
        parts = [
            f"k = {k}: {row['mass']:.2f} at {n}, {of[k, longest]['mass']:.2f} at {longest} "
            f"(T6: {of[k, longest]['ideal']:.2f}; {row['runs']} fitted runs)"
            for (k, n), row in of.items()
            if n == row["longest"]
        ]
        said.append(f"{'With' if scaled else 'Without'} log-length scaling, {'; '.join(parts) or 'no run fitted'}.")
    return (
        "The share of attention that the heads of small transformers trained on sparse parity put on the marked bits, "
        "against the length: the mean over heads and over the runs that fitted, a thin line a run, and with small filled "
        "markers what T6 says "
        f"of heads with the margins that these have at the training length. {' '.join(said)}"
    )


PLOT = Plot(
    "attention", "Attention on the dependency set: trained models beside T6's dilution", draw, alt, runs=(RUNS,),
    join=join, needs_runs=True,
)  # fmt: skip
