"""Sparse parity: how accuracy falls with the length, for every number k of bits; what is guaranteed, and T6's dilution."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import comb, exp, log
from typing import Any

from figures.plot import Plot, Row, Rows
from figures.runs import FITTED, counted, draw_curve, drawn_as, one_curve_each, points, pooled
from figures.style import GREY, INK, SHADE, SMALLEST, Style, entry, legend_below, series
from proofs_check.spelling import digits
from theory import bounds
from theory.errors import InvalidArgument
from theory.exact import as_float

from matplotlib.figure import Figure

RUNS = "sparse-parity"
NAME = re.compile(r"sparse parity, k (=|<=) (\d+)")
CHANCE = 0.5
"""What guessing gets right of a parity."""

LOST = Fraction(1, 100)
"""What the idealised head loses at the training length."""


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """The accuracy for every k, pooled and by seed, without position encoding and tested as trained; T13, T14 and T6.

    Raises
    ------
    InvalidArgument : when no run is of that kind.
    """
    tested = []
    for point in points(runs[RUNS]):
        named = NAME.fullmatch(point["task"])
        if named and point["positions"] == "none" and point["tested_on"] == point["task"]:
            tested.append({**point, "training": "fixed k" if named[1] == "=" else "up to k", "k": int(named[2])})
    if not tested:
        raise InvalidArgument(
            "join",
            RUNS,
            got=f"{len(runs[RUNS])} runs, none of them of a sparse parity without positions",
            expected='runs with task = "sparse parity, k = N" and positions = "none"',
            fix=f"See figures/sweeps/{RUNS}.toml.",
        )
    tested.sort(key=lambda point: (point["training"], point["log_scale"], point["k"], point["length"], point["seed"]))
    names = ("training", "log_scale", "k", "longest", "length")
    rows: list[Row] = [{"kind": "pooled", **row} for row in pooled(tested, names)]
    one_curve_each(rows, names, RUNS)
    rows += [{"kind": "seed", **{name: p[name] for name in (*names, "seed", "right", "size")}} for p in tested]
    lengths = sorted({row["length"] for row in rows})
    train = max(row["longest"] for row in rows)
    arities = sorted({row["k"] for row in rows})
    return [*rows, *guaranteed(max(arities), train, lengths), *ideal(arities, train, max(lengths))]


def guaranteed(most: int, train: int, lengths: list[int]) -> Iterator[Row]:
    """What all heads of at most k tokens guarantee that are perfect in training: the same for every k up to `most`.

    Soft heads (T14) have the same scores at every length; with log-length scaling these grow, and the limit is ranked (T13).
    """
    for scaled in (False, True):
        if scaled and train < 2 * most:
            continue
        for length in sorted({train, train + 1, *(n for n in lengths if n > train)}):
            share = bounds.parity_share(most, "ranked" if scaled else "soft", train=train, test=length)
            yield {"kind": "guaranteed", "log_scale": scaled, "longest": train, "length": length, "share": share}


def ideal(arities: list[int], train: int, longest: int) -> Iterator[Row]:
    """The share of the mass that T6's head keeps: it loses `LOST` at the training length, whatever k.

    Its margin stays the same, or grows like the logarithm of the length.
    """
    for scaled in (False, True):
        for k in arities:
            score = LOST / (1 - LOST) / (comb(train, k) - 1)
            for i in range(17):
                length = round(train * (longest / train) ** (i / 16))
                grown = Fraction(exp(log(score) * log(length) / log(train))) if scaled else score
                kept = as_float(1 - bounds.dilution(comb(length, k), grown))
                yield {"kind": "ideal", "log_scale": scaled, "k": k, "longest": train, "length": length, "kept": kept}


def draw(rows: Rows, style: Style) -> Figure:
    """A row of panels for every kind of training, without and with log-length scaling; T6 below."""
    trainings = list(dict.fromkeys(row["training"] for row in rows if row["kind"] == "pooled"))
    arities = sorted({row["k"] for row in rows if row["kind"] == "pooled"})
    kinds = [(training, scaled) for training in (*trainings, "ideal") for scaled in (False, True)]
    n_entries = len(arities) + 3
    across = min(n_entries, 7) if style.columns == 2 else 2
    figure, panels = style.panels(
        len(kinds),
        across=2,
        narrow=2,
        height=1.7 if style.columns == 2 else 1.9,
        extra=0.1 + 0.15 * -(-n_entries // across),
        sharex=True,
        sharey="row",
    )
    longest = max(row["longest"] for row in rows)
    for number, (axes, (training, scaled)) in enumerate(zip(panels, kinds, strict=True)):
        for i, k in enumerate(arities):
            own = [row for row in rows if (row.get("k"), row["log_scale"]) == (k, scaled)]
            if training == "ideal":
                curve = [row for row in own if row["kind"] == "ideal"]
                how = {**series(i).line(), "markevery": (i % 4, 4)}
                axes.plot([row["length"] for row in curve], [row["kept"] for row in curve], **how)
                continue
            own = [row for row in own if row.get("training") == training]
            seeds = dict.fromkeys(row["seed"] for row in own if row["kind"] == "seed")
            draw_curve(
                axes,
                [row for row in own if row["kind"] == "pooled"],
                [[row for row in own if row["kind"] == "seed" and row["seed"] == seed] for seed in seeds],
                series(i),
            )
        if training != "ideal":
            sure = [row for row in rows if row["kind"] == "guaranteed" and row["log_scale"] == scaled]
            axes.plot([row["length"] for row in sure], [row["share"] for row in sure], gid="guaranteed", **_GUARANTEED)
            axes.axhline(CHANCE, gid="chance", zorder=1, **_CHANCE)
            own = [row for row in rows if (row.get("training"), row["log_scale"]) == (training, scaled)]
            axes.set_title(_fitted(own, wide=style.columns == 2), fontsize=SMALLEST)
        axes.set_xscale("log", base=2)
        axes.axvspan(longest / 2**0.4, longest, color=SHADE, zorder=0)
        axes.set(ylim=(-0.03, 1.03))
        if number < 2:
            scaling = "log-length scaling" if scaled else "no scaling"
            axes.set_title(f"{scaling}\n{axes.get_title()}")
        if not scaled:
            axes.set_ylabel(_SAID[training])
        if number >= len(kinds) - 2:
            axes.set_xlabel("length")
    ticks = [longest * 2**i for i in range(12) if longest * 2**i <= max(row["length"] for row in rows)]
    ticks = ticks if style.columns == 2 else ticks[::2]
    panels[0].set_xlim(longest / 2**0.4, max(row["length"] for row in rows) * 2**0.15)
    for axes in panels:
        axes.set_xticks(ticks, [str(n) for n in ticks])
        axes.set_xticks([], minor=True)
    handles = [entry(f"k = {k}", **series(i).line()) for i, k in enumerate(arities)]
    handles.append(entry("training lengths", color=SHADE, linewidth=5))
    handles.append(entry("guaranteed (T14; scaled: T13)", **_GUARANTEED))
    handles.append(entry("guessing", **_CHANCE))
    in_turn = ", ".join(map(str, arities))
    note = (
        f"fitted: seeds with {digits(FITTED)} or more at the training length, of all seeds, for k = {in_turn} in turn"
    )
    legend_below(figure, handles, columns=across, note=note)
    return figure


def _fitted(rows: Rows, *, wide: bool) -> str:
    """How many seeds fitted, of how many, for every k in turn."""
    shares = [
        f"{row['fitted']}/{row['runs']}" for row in rows if row["kind"] == "pooled" and row["length"] == row["longest"]
    ]
    across = len(shares) if wide else 2
    return "fitted: " + ",\n".join(", ".join(shares[i : i + across]) for i in range(0, len(shares), max(across, 1)))


_CHANCE: dict[str, Any] = {"color": GREY, "linewidth": 0.7, "linestyle": (0, (6, 2))}
_GUARANTEED: dict[str, Any] = {"color": INK, "linewidth": 0.9, "linestyle": (0, (1, 1.5)), "zorder": 4}

_SAID = {
    "fixed k": "accuracy,\ntrained on k bits",
    "up to k": "accuracy, trained\non up to k bits",
    "ideal": "mass kept by the\nhead of T6",
}


def alt(rows: Rows) -> str:
    """The accuracy at the greatest length."""
    longest = max(row["length"] for row in rows if row["kind"] == "pooled")
    said = []
    for training in dict.fromkeys(row["training"] for row in rows if row["kind"] == "pooled"):
        for scaled in (False, True):
            own = [
                row for row in rows
                if row["kind"] == "pooled" and (row["training"], row["log_scale"]) == (training, scaled)
                and row["length"] == longest
            ]  # fmt: skip
            if own:
                shares = ", ".join(
                    f"{digits(row['median'])} for k = {row['k']} ({row['fitted']} of {row['runs']} fitted)"
                    for row in own
                )
                scaling = "with" if scaled else "without"
                said.append(f"{training}, {scaling} log-length scaling: {shares}")
    sure = {row["log_scale"]: row["share"] for row in rows if row["kind"] == "guaranteed" and row["length"] == longest}
    ranked = f"{sure[True]} of ranked heads (T13; log-length scaling)" if True in sure else "not known of ranked heads"
    own = [row for row in rows if row["kind"] == "pooled"]
    return (
        f"Accuracy of small transformers on sparse parity against the length, one curve for each number k of bits, "
        f"{drawn_as(own)}; guessing is right in {CHANCE:g}. Below, the mass that a head of T6 keeps that loses {LOST} at the "
        f"training length. The median seed at length {longest}: {'; '.join(said)}. {_trained(own)}Dotted, the same for every "
        "k, what all heads of at most k tokens guarantee that are perfect in training: at that length "
        f"{sure[False]} of soft heads (T14), {ranked}."
    )


def _trained(rows: Rows) -> str:
    """For how many steps, and how many seeds, which is not the same in all cells."""
    steps = {n: sorted({row["k"] for row in rows if row["steps"] == n}) for n in sorted({row["steps"] for row in rows})}
    said = [f"{n:,} steps for k = {', '.join(map(str, ks))}" for n, ks in steps.items()]
    return f"Trained for {'; '.join(said)}; {counted(rows)}. "


PLOT = Plot(
    "sparsity", "Sparsity and length: sparse parity, trained and idealised (T6)", draw, alt, runs=(RUNS,), join=join,
    needs_runs=True,
)  # fmt: skip
