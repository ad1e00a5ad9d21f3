"""The loss of language models on text against the context at test."""

from __future__ import annotations

import numpy as np

from figures.language.measured import (
    Measured,
    doublings,
    each_in_words,
    model_panels,
    models_of,
    name_of,
    plain,
    plot_of,
    rounded,
    seeds_in_words,
    some,
    with_bars,
)
from figures.plot import Row, Rows
from figures.store import PLAIN_TEXT
from figures.style import GREY, Style, entry, legend_below
from idealized_model.language.experiment import judged
from idealized_model.language.protocol import slug

from matplotlib.figure import Figure


def numbers(measured: Measured, rng: np.random.Generator) -> list[Row]:
    """A row a model and context, of the corpora that are no variants: the mean over seeds, the lowest and the highest one.

    Raises
    ------
    InvalidArgument : without judged models.
    """
    rows: list[Row] = []
    shown = plain(row["corpus"] for row in measured)
    for (corpus, model, length), own in judged(measured).items():
        for i, context in enumerate(own[0]["contexts"] if corpus in shown else ()):
            seeds = [row["by_context"][i] for row in own]
            loss, lowest, highest = rounded(float(np.mean(seeds)), min(seeds), max(seeds))
            rows.append({
                "corpus": slug(corpus), "model": model, "length": length, "context": context, "seeds": len(seeds),
                "loss": loss, "lowest": lowest, "highest": highest,
            })  # fmt: skip
    return some(rows, "losses", "rows of judged models")


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a corpus and kind of model, a curve a training length, with bars from the lowest to the highest seed; grey is
    what was trained at the longest context, in all panels of its corpus."""
    longest = max(row["context"] for row in rows)
    short = [row for row in rows if row["length"] < longest] or rows
    long = [row for row in rows if row["length"] == longest] if short is not rows else []
    names = [model for model, _ in models_of(long)]
    figure, panels, styles = model_panels(short, style, height=1.6, x="context", y="loss, nats")
    for (corpus, model), axes in panels.items():
        for name in names:
            own = [row for row in long if (row["corpus"], row["model"]) == (corpus, name)]
            axes.plot(
                [row["context"] for row in own], [row["loss"] for row in own], color=GREY, linewidth=0.8, gid="long"
            )
        for length, how in styles.items():
            own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == (corpus, model, length)]
            if own:
                with_bars(axes, [row["context"] for row in own], own, ("loss", "lowest", "highest"), how)
        doublings(axes, [row["context"] for row in rows])
    handles = [entry(f"trained at {length}", **how.line()) for length, how in styles.items()]
    if names:
        label = f"{', '.join(dict.fromkeys(map(name_of, names)))}, trained at {longest}"
        handles.append(entry(label, color=GREY, linewidth=0.8))
    legend_below(figure, handles, columns=5 if style.columns == 2 else 2)
    return figure


def alt(rows: Rows) -> str:
    """Of every model the loss at its training length and at the longest context."""
    longest = max(row["context"] for row in rows)

    def ends(curve: Rows) -> str:
        at = {row["context"]: f"{row['loss']:.2f}" for row in curve}
        return f"{at[curve[0]['length']]} and {at[max(at)]}"

    return (
        "Mean loss of language models on held-out tokens against the context at test, a panel a corpus and kind of model, a "
        f"curve a training length, of {seeds_in_words(rows)}. In nats with the context of the training length and with the "
        f"longest one, of {longest} at most: {each_in_words(rows, ends)}."
    )


PLOT = plot_of("losses", "Loss on text against the context at test", draw, alt, numbers, runs=(PLAIN_TEXT,))
