"""Softmax dilution (T6): the loss of a head with a margin, as candidates multiply; with a fixed margin and a growing one.

The two margins agree at the training length, and both make every loss rational: exp(-Δ) is TRAIN^-3, and length^-3.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, Style, entry, legend_below, series
from theory import bounds
from theory.exact import as_float

from matplotlib.figure import Figure

ARITIES = (1, 2, 3, 4)
TRAIN = 32
RATE = 3
"""The growing margin is RATE · log(length)."""

LONGEST = 100_000
LENGTHS = tuple(sorted({round(10 ** (i / 8)) for i in range(41)}))


def score(scaled: bool, length: int) -> Fraction:
    """exp(-Δ): what a wrong candidate scores, where the planted set scores 1."""
    return Fraction(1, (length if scaled else TRAIN) ** RATE)


def compute(rng: np.random.Generator) -> list[Row]:
    """The largest loss with that margin, exactly."""
    return [
        {
            "scaled": scaled, "arity": k, "length": length,
            "loss": str(bounds.dilution(comb(length, k), score(scaled, length))),
        }
        for scaled in (False, True)
        for k in ARITIES
        for length in LENGTHS
        if length >= k
    ]  # fmt: skip


def draw(rows: Rows, style: Style) -> Figure:
    """Two panels: the fixed margin, and the one that grows with the logarithm of the length."""
    figure, panels = style.panels(2, across=2, height=2.0, extra=0.25 if style.columns == 2 else 0.4, sharey=True)
    arities = list(dict.fromkeys(row["arity"] for row in rows))
    for axes, scaled in zip(panels, (False, True), strict=True):
        for i, k in enumerate(arities):
            own = [row for row in rows if (row["scaled"], row["arity"]) == (scaled, k)]
            losses = [as_float(Fraction(row["loss"])) for row in own]
            axes.plot([row["length"] for row in own], losses, markevery=(2 * i % 5, 5), **series(i).line())
        axes.axvline(TRAIN, color=GREY, linewidth=0.6)
        axes.set(xscale="log", xlabel="length", title=_TITLES[scaled])
        if not scaled or style.columns == 1:
            axes.set_ylabel("largest loss with this margin")
    limit = as_float(Fraction(1, 1 + factorial(RATE)))
    panels[1].axhline(limit, color=INK, linewidth=0.6, linestyle=(0, (1.2, 1.2)))
    panels[1].text(LONGEST, limit + 0.02, f"limit for k = {RATE}", ha="right", va="bottom")
    handles = [entry(f"k = {k}", **series(i).line()) for i, k in enumerate(arities)]
    handles.append(entry("training length", color=GREY, linewidth=0.6))
    legend_below(figure, handles, columns=len(handles) if style.columns == 2 else 3)
    return figure


_TITLES = {
    False: f"fixed margin, {RATE} · log {TRAIN}",
    True: f"growing margin, {RATE} · log(length)",
}


def reached(k: int) -> int:
    """The greatest length at which the fixed margin keeps the loss at most 1/2."""
    length = k
    while comb(length + 1, k) - 1 <= TRAIN**RATE:
        length += 1
    return length


def alt(rows: Rows) -> str:
    """Where half is lost, and the limits."""
    arities = list(dict.fromkeys(row["arity"] for row in rows))
    lost = ", ".join(f"{reached(k):,} for k = {k}" for k in arities)
    ends = {row["arity"]: as_float(Fraction(row["loss"])) for row in rows if row["scaled"] and row["length"] == LONGEST}
    scaled = ", ".join(f"{value:.3f} for k = {k}" for k, value in ends.items())
    return (
        f"Two plots of the largest loss of a head with a margin against the length, one curve for each number k of tokens. "
        f"With a fixed margin every curve rises towards 1; the loss is at most 1/2 up to length {lost}. With a margin of "
        f"{RATE} times the logarithm of the length the loss at length {LONGEST:,} is {scaled}."
    )


PLOT = Plot("dilution", "Softmax dilution with a fixed and with a growing margin (T6)", draw, alt, compute)
