"""Whether the damage by long context rises with the number of tokens that a prediction needs."""

from __future__ import annotations

import numpy as np

from figures.language.measured import (
    Measured,
    lines_of,
    name_of,
    of_models,
    panels_of,
    plain_first,
    plot_of,
    rounded,
    seed_of,
    seeds_in_words,
    some,
)
from figures.plot import Row, Rows
from figures.style import GREY, INK, SHADE, Style, entry, legend_below, series
from idealized_model.language.damage import DRAWS
from idealized_model.language.experiment import damage_of
from idealized_model.language.protocol import slug
from theory.errors import InvalidArgument

from matplotlib.figure import Figure

ALIKE = 0.95
"""Where so large a share of tokens has one k, as in shuffled text, a slope says nothing: none is drawn."""

RAW, SEEDS = series(1), series(2)

LINE, AROUND = 0.125, 0.5
"""Inches: the height of a model, and what a panel has beside them."""


def numbers(measured: Measured, rng: np.random.Generator, *, draws: int = DRAWS) -> list[Row]:
    """A row a model of any corpus, raw and adjusted; none where k does not vary, or hardly.

    Raises
    ------
    InvalidArgument : without models that were judged at more than their training length, on text where k varies.
    """
    rows: list[Row] = []
    seed = seed_of(rng)
    for corpus, model, length, own in of_models(measured):
        found = damage_of(measured, corpus, model, length)
        if np.bincount(found.k).max() >= ALIKE * found.k.size:
            continue
        try:
            slope, raw = found.slope(draws=draws, seed=seed), found.slope(adjusted=False, draws=1)
            spread = found.permuted(draws=draws, seed=seed).spread
        except InvalidArgument:  # k does not vary beside what is adjusted for: no slope is there
            continue
        names = ("slope", "low", "high", "lowest", "highest", "raw", "spread")
        values = rounded(slope.value, slope.low, slope.high, min(slope.seeds), max(slope.seeds), raw.value, spread)
        rows.append({
            "corpus": slug(corpus), "model": model, "length": length, "seeds": len(own), "tokens": int(found.k.size),
            **dict(zip(names, values, strict=True)),
        })  # fmt: skip
    return some(rows, "slopes", "models judged at more than their training length, on text where k varies")


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a corpus, a line a model: the interval, single seeds, and what permuted k give."""
    corpora = plain_first(row["corpus"] for row in rows)
    across = style.across(len(corpora), 2)
    models = lines_of(rows, corpora, across)
    heights = [AROUND + LINE * len(own) for own in models]
    figure, panels = panels_of(
        corpora, style, across=across, height=sum(heights) / len(heights), x="damage per doubling of k, nats", y="model",
        sharey="row", height_ratios=[len(own) for own in models],
    )  # fmt: skip
    for number, (axes, corpus) in enumerate(zip(panels, corpora, strict=True)):
        lines = models[number // across]
        axes.axvline(0, color=GREY, linewidth=0.6)
        for row in rows:
            if row["corpus"] == corpus:
                y, width = lines.index((row["model"], row["length"])), 2 * row["spread"]
                axes.plot([-width, width], [y, y], color=SHADE, linewidth=5, zorder=1, gid="permuted")
                axes.plot([row["raw"]], [y], gid="raw", **{**RAW.line(), "linestyle": ""})
                axes.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=0.8, gid="interval")
                axes.plot([row["lowest"], row["highest"]], [y, y], "|", color=SEEDS.colour, markersize=5, gid="seeds")
                axes.plot([row["slope"]], [y], "o", color=INK, markersize=3, gid="slope")
        axes.set_yticks(range(len(lines)), [f"{name_of(model)}, {length}" for model, length in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
    handles = [
        entry("adjusted, 95%", color=INK, marker="o", markersize=3, linewidth=0.8),
        entry("lowest and highest seed", color=SEEDS.colour, marker="|", markersize=5, linestyle=""),
        entry("not adjusted", **{**RAW.line(), "linestyle": ""}),
        entry("permuted k, two deviations", color=SHADE, linewidth=5),
    ]
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


def alt(rows: Rows) -> str:
    """How many slopes are above 0, and the range, for every corpus."""
    said = []
    for corpus in plain_first(row["corpus"] for row in rows):
        own = [row for row in rows if row["corpus"] == corpus]
        above, below = sum(row["low"] > 0 for row in own), sum(row["high"] < 0 for row in own)
        low, high = (pick(own, key=lambda row: row["slope"]) for pick in (min, max))
        said.append(
            f"{corpus} ({own[0]['tokens']:,} tokens): from {low['slope']:+.3f} ({name_of(low['model'])} at {low['length']}) to "
            f"{high['slope']:+.3f} ({name_of(high['model'])} at {high['length']}); the interval is above 0 for {above} and "
            f"below 0 for {below} of {len(own)} models"
        )
    return (
        "By how many nats the damage by long context rises when the number k of tokens that a prediction needs doubles, "
        "adjusted for entropy, last k and the divergence at k = 1, with 95% intervals over blocks of text, the lowest and the "
        f"highest of {seeds_in_words(rows)}, and the slope without adjustment. Shaded are two standard deviations of slopes of "
        "permuted k, around 0; as a permuted k no longer goes with last k, to lie beyond them is no evidence. "
        f"{'. '.join(said)}."
    )


PLOT = plot_of("slopes", "Whether damage rises with tokens needed", draw, alt, numbers)
