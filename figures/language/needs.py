"""How many tokens of a text predictions need: the mean divergence by tokens kept, and the shares that need so many."""

from __future__ import annotations

from typing import Any

import numpy as np

from figures.language.measured import Measured, doublings, plain, plain_first, plot_of, some, varied
from figures.plot import Row, Rows
from figures.style import GREY, Series, Style, entry, legend_below, series
from idealized_model.language.experiment import meter_of
from idealized_model.language.protocol import METER, slug

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PATHS = {"forward": "forward greedy", "removal": "by removal", "recency": "the last tokens"}
"""{path of the meter: what it is called}."""

THIN = {"linewidth": 0.8, "markersize": 2.5, "markerfacecolor": "white"}
"""How variants are drawn."""

LEAST = 1e-4
"""Divergences below are drawn here: that of the whole context is 0."""


def numbers(measured: Measured, rng: np.random.Generator) -> list[Row]:
    """A row a corpus and size: the mean divergence on every path, and the shares of tokens that need at most so many.

    Raises
    ------
    InvalidArgument : without rows of a meter.
    """
    rows: list[Row] = []
    for corpus in plain_first(row["corpus"] for row in measured if row["model"] == METER):
        own = [row for row in measured if row["corpus"] == corpus and row["model"] == METER]
        weights = np.array([len(row["block"]) for row in own]) / sum(len(row["block"]) for row in own)
        meter = meter_of(own, corpus)
        means = {path: weights @ np.array([row["mean_kl"][path] for row in own]) for path in PATHS}
        for i, size in enumerate(own[0]["sizes"]):
            rows.append({
                "corpus": slug(corpus), "tokens": int(meter["k"][0].size), "epsilon": own[0]["epsilons"][0], "size": size,
                **{path: round(float(mean[i]), 6) for path, mean in means.items()},
                **{what: round(float((meter[what][0] <= size).mean()), 4) for what in ("k", "recency_k")},
            })  # fmt: skip
    return some(rows, "sparsity", "rows of a meter")


def draw(rows: Rows, style: Style) -> Figure:
    """Two panels a corpus: the divergence, and the shares; those of its variants are thin."""
    corpora = plain(row["corpus"] for row in rows)
    figure, panels = style.panels(2 * len(corpora), across=2, height=1.8, extra=0.55)
    styles = {path: series(i) for i, path in enumerate(PATHS)}
    variants: dict[str, Series] = {}
    for corpus, left, right in zip(corpora, panels[::2], panels[1::2], strict=True):
        own = _of(rows, corpus)
        sizes = [row["size"] for row in own]
        for path, how in styles.items():
            left.plot(sizes, [max(row[path], LEAST) for row in own], gid=path, **how.line())
        left.axhline(own[0]["epsilon"], color=GREY, linewidth=0.6)
        left.set(yscale="log", xlabel="tokens kept", ylabel="mean divergence, nats", title=corpus)
        for what, how in (("k", styles["forward"]), ("recency_k", styles["recency"])):
            _steps(right, own, what, how, gid=what)
        for other in plain_first(row["corpus"] for row in rows):
            base, variant = varied(other)
            if variant and base == corpus:
                how = variants.setdefault(variant, series(len(styles) + len(variants)))
                _steps(right, _of(rows, other), "k", how, gid=other, **THIN, marker=how.marker, markevery=(1, 3))
        for axes in (left, right):
            doublings(axes, sizes)
        right.set(xlabel="tokens needed", ylabel="share of tokens", ylim=(-0.03, 1.03), title=corpus)
    handles = [entry(PATHS[path], **how.line()) for path, how in styles.items()]
    handles += [entry("tolerance", color=GREY, linewidth=0.6)]
    handles += [entry(f"{variant}, any tokens", **{**how.line(), **THIN}) for variant, how in variants.items()]
    note = "shares: any tokens (solid, the best of the three), and the last ones"
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2, note=note)
    return figure


def _of(rows: Rows, corpus: str) -> list[Row]:
    return [row for row in rows if row["corpus"] == corpus]


def _steps(axes: Axes, own: Rows, what: str, how: Series, **more: Any) -> None:
    sizes, shares = [row["size"] for row in own], [row[what] for row in own]
    axes.step([sizes[0], *sizes], [0.0, *shares], where="post", color=how.colour, linestyle=how.dash, **more)


def alt(rows: Rows) -> str:
    """Medians, and what the divergence is at four tokens."""
    said = []
    for corpus in plain_first(row["corpus"] for row in rows):
        own = _of(rows, corpus)
        median, last = (next(row["size"] for row in own if row[what] >= 0.5) for what in ("k", "recency_k"))
        four = [row for row in own if row["size"] <= 4][-1]
        said.append(
            f"{corpus} ({own[0]['tokens']:,} tokens): median {median} within {own[0]['epsilon']:g} nats, of the last ones "
            f"{last}; with {four['size']} tokens the mean divergence is {min(four['forward'], four['removal']):.3f}, with the "
            f"last {four['size']} {four['recency']:.3f}"
        )
    return (
        "How many tokens of a context bring the prediction of the next one within a tolerance of that from the whole context: "
        "plots of the mean divergence against the number of tokens kept, chosen in three ways, and of the share of tokens "
        f"against the number they need. {'. '.join(said)}."
    )


PLOT = plot_of("sparsity", "How many tokens of a text predictions need", draw, alt, numbers)
