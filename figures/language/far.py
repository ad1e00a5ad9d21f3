"""What far context is worth: what models lose of copies and names by a short context, and regain with the whole window."""

from __future__ import annotations

import numpy as np

from figures.language.measured import (
    Measured,
    bars_of,
    each_in_words,
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
from figures.store import COPIES, NAMES
from figures.style import INK, PALETTE, SHADE, Style, legend_below
from idealized_model.language.damage import DRAWS, EVERY_K
from idealized_model.language.experiment import far_of
from idealized_model.language.protocol import slug
from theory.errors import InvalidArgument

from matplotlib.figure import Figure
from matplotlib.patches import Patch

PARTS = ("lost", "regained")

GROUPS = {"far": "tokens told from far", "other": "other tokens"}
"""{tokens: what they are called}."""

BARS = {"lost": (SHADE, "lost by the short context"), "regained": (PALETTE[0], "regained with the whole window")}
"""{part: colour of its bars, what it is called}: light and dark."""

LINE, AROUND = 0.28, 0.75
"""Inches: the height of a model, and what a panel has beside them."""


def numbers(measured: Measured, rng: np.random.Generator, *, draws: int = DRAWS) -> list[Row]:
    """A row a model, of tokens that are told from far and of others: what is lost, and regained, with intervals over blocks.

    Raises
    ------
    InvalidArgument : without a corpus with copies or names.
    """
    rows: list[Row] = []
    seed = seed_of(rng)
    for corpus, model, length, own in of_models(measured):
        for group, found in far_of(measured, corpus, model, length).items():
            try:
                means = [one.means(EVERY_K, adjusted=False, draws=draws, seed=seed)[0] for one in found]
            except InvalidArgument:  # too few tokens, or all of one block
                continue
            row = {
                "corpus": slug(corpus), "model": model, "length": length, "seeds": len(own), "group": group,
                "tokens": means[0].n,
            }  # fmt: skip
            for part, mean in zip(PARTS, means, strict=True):
                names = (part, f"{part}_low", f"{part}_high")
                row |= dict(zip(names, rounded(mean.value, mean.low, mean.high), strict=True))
            rows.append(row)
    expected = "models of a corpus with copies or names, such as shakespeare+names"
    return some(rows, "far", expected)


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a corpus and kind of tokens, a pair of bars a model."""
    there = {(row["corpus"], row["group"]) for row in rows}
    corpora = plain_first(corpus for corpus, _ in there)
    at = [(corpus, group) for corpus in corpora for group in GROUPS if (corpus, group) in there]
    titles = [f"{corpus},\n{GROUPS[group]}" for corpus, group in at]
    across = style.across(len(at), 2)
    lines = lines_of(rows, [corpus for corpus, _ in at], across)
    heights = [AROUND + LINE * len(own) for own in lines]
    figure, panels = panels_of(
        titles, style, across=2, height=sum(heights) / len(heights), x="nats a token", y="model", sharey="row",
        height_ratios=[len(own) for own in lines],
    )  # fmt: skip
    for number, (axes, (corpus, group)) in enumerate(zip(panels, at, strict=True)):
        models = lines[number // across]
        own = [row for row in rows if (row["corpus"], row["group"]) == (corpus, group)]
        for part, side in zip(PARTS, (-1, 1), strict=True):
            values, ends = bars_of(own, (part, f"{part}_low", f"{part}_high"))
            places = [models.index((row["model"], row["length"])) + 0.19 * side for row in own]
            axes.barh(places, values, 0.36, color=BARS[part][0], edgecolor=INK, linewidth=0.6)
            axes.errorbar(
                values, places, xerr=ends, linestyle="", color=INK, elinewidth=0.8, capsize=1.5, capthick=0.8, gid=part
            )
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.set_yticks(range(len(models)), [f"{name_of(model)}, {length}" for model, length in models])
        axes.set_ylim(len(models) - 0.5, -0.5)
    handles = [Patch(facecolor=colour, edgecolor=INK, linewidth=0.6, label=label) for colour, label in BARS.values()]
    legend_below(figure, handles, columns=2)
    return figure


def alt(rows: Rows) -> str:
    """Of every model what is lost and regained, of tokens told from far and of others."""

    def both(own: Rows) -> str:
        (row,) = own
        return " and ".join(
            f"{row[part]:+.2f} [{row[f'{part}_low']:+.2f}, {row[f'{part}_high']:+.2f}]" for part in PARTS
        )

    said = []
    for group, name in GROUPS.items():
        own = [row for row in rows if row["group"] == group]
        if own:
            tokens = sorted({row["tokens"] for row in own})
            counted = " to ".join(f"{n:,}" for n in dict.fromkeys((tokens[0], tokens[-1])))
            said.append(f"Of {name} ({counted}), {each_in_words(own, both)}")
    return (
        "What far context is worth: pairs of bars a model, for tokens that are told by what lies further back than the "
        "training length, copies and names, and for all others. Lost is the loss with a context of that length minus that of a "
        "model trained at the window, or, where there is none, of the best of all, with all of it, so that it holds how good "
        "that one is at all, too: of other tokens it says so; regained how much less the model itself loses with the whole "
        f"window. In nats a token, the mean of {seeds_in_words(rows)}, with 95% intervals over blocks of text, lost and "
        f"regained. {'. '.join(said)}."
    )


PLOT = plot_of(
    "far", "What far context is worth, of text with copies or names", draw, alt, numbers, runs=(COPIES, NAMES)
)
