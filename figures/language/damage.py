"""What a long context costs a model, by how many tokens a prediction needs."""

from __future__ import annotations

import numpy as np

from figures.language.measured import (
    Measured,
    each_in_words,
    model_panels,
    of_models,
    plain,
    plot_of,
    rounded,
    seed_of,
    seeds_in_words,
    some,
    with_bars,
)
from figures.plot import Row, Rows
from figures.store import PLAIN_TEXT
from figures.style import GREY, Style, entry, legend_below, thin
from idealized_model.language.damage import BINS, DRAWS
from idealized_model.language.experiment import damage_of
from idealized_model.language.protocol import slug

from matplotlib.figure import Figure


def numbers(measured: Measured, rng: np.random.Generator, *, draws: int = DRAWS) -> list[Row]:
    """A row a bin of k, adjusted, and the raw mean beside it, of the corpora that are no variants.

    Raises
    ------
    InvalidArgument : without models that were judged at more than their training length.
    """
    rows: list[Row] = []
    shown, seed = plain(row["corpus"] for row in measured), seed_of(rng)
    for corpus, model, length, own in of_models(measured):
        if corpus in shown:
            found = damage_of(measured, corpus, model, length)
            adjusted = found.means(draws=draws, seed=seed)
            for mean, raw in zip(adjusted, found.means(adjusted=False, draws=1), strict=True):
                value, low, high, unadjusted = rounded(mean.value, mean.low, mean.high, raw.value)
                rows.append({
                    "corpus": slug(corpus), "model": model, "length": length, "seeds": len(own), "least": mean.least,
                    "most": mean.most, "tokens": mean.n, "value": value, "low": low, "high": high, "raw": unadjusted,
                })  # fmt: skip
    return some(rows, "damage", "models judged at more than their training length")


def bin_name(least: int, most: int) -> str:
    """What a bin of k is called."""
    return str(least) if least == most else f">{least - 1}" if most >= BINS[-1][1] else f"{least}–{most}"


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a corpus and kind of model; adjusted means with bars, the raw ones as thin lines."""
    figure, panels, styles = model_panels(rows, style, height=1.7, x="tokens needed, k", y="damage, nats")
    bins = sorted({(row["least"], row["most"]) for row in rows})
    for (corpus, model), axes in panels.items():
        axes.axhline(0, color=GREY, linewidth=0.6)
        for i, (length, how) in enumerate(styles.items()):
            own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == (corpus, model, length)]
            at = [bins.index((row["least"], row["most"])) + 0.14 * (i - (len(styles) - 1) / 2) for row in own]
            if own:
                axes.plot(at, [row["raw"] for row in own], color=thin(how.colour), linewidth=0.6, gid="raw")
                with_bars(axes, at, own, ("value", "low", "high"), how)
        axes.set_xticks(range(len(bins)), [bin_name(*one) for one in bins])
    handles = [entry(f"trained at {length}", **how.line()) for length, how in styles.items()]
    handles.append(entry("not adjusted", color=GREY, linewidth=0.6))
    legend_below(figure, handles, columns=5 if style.columns == 2 else 2)
    return figure


def alt(rows: Rows) -> str:
    """Of every model the adjusted damage in the first and the last bin."""

    def ends(own: Rows) -> str:
        return f"{own[0]['value']:+.2f} and {own[-1]['value']:+.2f}"

    def bins(own: Rows) -> str:
        there = sorted((row["least"], row["most"]) for row in own)
        return f" ({bin_name(*there[0])} and {bin_name(*there[-1])})"

    return (
        "The loss with a long context minus that with one of the training length, against the number k of tokens that a "
        "prediction needs, adjusted for entropy, last k and the divergence at k = 1, with 95% intervals over blocks of text, "
        f"the mean of {seeds_in_words(rows)}; beside it as thin lines the means that are not adjusted. In nats for the least k "
        f"and for the greatest (in brackets), of models by their training length: {each_in_words(rows, ends, bins)}."
    )


PLOT = plot_of("damage", "Damage by long context, by tokens needed", draw, alt, numbers, runs=(PLAIN_TEXT,))
