"""Natural language: how many tokens predictions need, and what models lose of text in longer contexts than in training.

All is computed from the rows that `lengthgen language measure` wrote, figures/data/language*.jsonl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.store import DATA
from figures.style import GREY, INK, SHADE, Series, Style, entry, legend_below, series, thin
from idealized_model.language.damage import BINS
from idealized_model.language.experiment import damage_of, judged, meter_of
from idealized_model.language.protocol import METER, slug
from idealized_model.transformer.results import read_rows
from theory.errors import InvalidArgument, check

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def measured_rows(folder: Path = DATA) -> list[dict[str, Any]]:
    """The rows of all protocols.

    Raises
    ------
    InvalidArgument : where there are none.
    """
    files = sorted(folder.glob("language*.jsonl"))
    got, expected, fix = f"none in {str(folder)!r}", "rows of language", "lengthgen language measure makes them."
    check(files, "figures", "data", got=got, expected=expected, fix=fix)
    return [row for file in files for row in read_rows(file)]


PATHS = {"forward": "forward greedy", "removal": "by removal", "recency": "the last tokens"}
"""{path of the meter: what it is called}."""

FAMILIES = {"pose": "RoPE, two chunks (PoSE)", "rope": "RoPE", "alibi": "ALiBi", "none": "no positions", "long": "RoPE"}
"""{model of the protocol: what it is called}, of those that have another name there."""


def plain(corpora: Iterable[str]) -> list[str]:
    """Corpora that are no variants, if there are some: each once."""
    known = list(dict.fromkeys(corpora))
    return [one for one in known if "+" not in one] or known


def of_models(rows: Rows) -> Iterator[tuple[str, str, int, list[dict[str, Any]]]]:
    """(corpus, model, training length, rows of its seeds) of what was judged at more than its training length."""
    for (corpus, model, length), own in judged([dict(row) for row in rows]).items():
        if length < own[0]["window"]:
            yield corpus, model, length, own


def _named(row: Row) -> str:
    return _name(row["model"])


def _name(model: str) -> str:
    return FAMILIES.get(model, model)


# ── Sparsity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def compute_sparsity(rng: np.random.Generator) -> list[Row]:
    """The mean divergence along the paths, and the shares of tokens by what they need."""
    return sparsity(measured_rows())


def sparsity(measured: Sequence[dict[str, Any]]) -> list[Row]:
    """A row a size and path; and a row a number of tokens, with the share of predictions that need at most so many."""
    rows: list[Row] = []
    for corpus in dict.fromkeys(row["corpus"] for row in measured if row["model"] == METER):
        own = [row for row in measured if row["corpus"] == corpus and row["model"] == METER]
        weights = np.array([len(row["block"]) for row in own]) / sum(len(row["block"]) for row in own)
        meter, name = meter_of(own, corpus), slug(corpus)
        for path in PATHS:
            mean = weights @ np.array([row["mean_kl"][path] for row in own])
            rows += [
                {"kind": "divergence", "corpus": name, "what": path, "size": size, "value": round(float(value), 6)}
                for size, value in zip(own[0]["sizes"], mean, strict=True)
            ]
        for what in ("k", "recency_k"):
            sizes, counts = np.unique(meter[what][0], return_counts=True)
            rows += [
                {"kind": "share", "corpus": name, "what": what, "size": size, "value": round(share, 4)}
                for size, share in zip(sizes.tolist(), (counts.cumsum() / counts.sum()).tolist(), strict=True)
            ]
        rows.append({
            "kind": "epsilon", "corpus": name, "what": "tokens", "size": int(meter["k"][0].size),
            "value": own[0]["epsilons"][0],
        })  # fmt: skip
    return rows


def _own(rows: Rows, kind: str, corpus: str, what: str) -> tuple[list[int], list[float]]:
    """The sizes and the values of a curve."""
    own = [row for row in rows if (row["kind"], row["corpus"], row["what"]) == (kind, corpus, what)]
    return [row["size"] for row in own], [row["value"] for row in own]


def draw_sparsity(rows: Rows, style: Style) -> Figure:
    """Two panels a corpus: the divergence, and the shares; those of its variants are thin."""
    corpora = plain(row["corpus"] for row in rows)
    figure, panels = style.panels(2 * len(corpora), across=2, height=1.9, extra=0.55)
    styles = {path: series(i) for i, path in enumerate(PATHS)}
    variants: dict[str, Series] = {}
    for number, corpus in enumerate(corpora):
        left, right = panels[2 * number : 2 * number + 2]
        for path, how in styles.items():
            sizes, values = _own(rows, "divergence", corpus, path)
            left.plot(sizes, [max(value, LEAST) for value in values], gid=path, **how.line())
        (_, (epsilon,)) = _own(rows, "epsilon", corpus, "tokens")
        left.axhline(epsilon, color=GREY, linewidth=0.6)
        left.set(yscale="log", xlabel="tokens kept", ylabel="mean divergence, nats", title=corpus)
        for what, how in (("k", styles["forward"]), ("recency_k", styles["recency"])):
            _steps(right, *_own(rows, "share", corpus, what), color=how.colour, linestyle=how.dash, gid=what)
        for other in dict.fromkeys(row["corpus"] for row in rows):
            base, _, variant = other.partition("+")
            if variant and base == corpus:
                how = variants.setdefault(variant, series(len(styles) + len(variants)))
                _steps(
                    right,
                    *_own(rows, "share", other, "k"),
                    color=how.colour,
                    linestyle=how.dash,
                    linewidth=0.8,
                    gid=other,
                )
        for axes in (left, right):
            _doublings(axes, [row["size"] for row in rows if row["kind"] == "divergence"])
        right.set(xlabel="tokens needed", ylabel="share of tokens", ylim=(-0.03, 1.03), title=corpus)
    handles = [entry(PATHS[path], **how.line()) for path, how in styles.items()]
    handles += [entry("tolerance", color=GREY, linewidth=0.6)]
    handles += [
        entry(f"{variant}, any tokens", color=how.colour, linestyle=how.dash) for variant, how in variants.items()
    ]
    note = "right: any tokens (solid, the best of the three), and the last ones"
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2, note=note)
    return figure


LEAST = 1e-4
"""Divergences below are drawn here: that of the whole context is 0."""


def _steps(axes: Axes, sizes: list[int], values: list[float], **how: Any) -> None:
    axes.step([sizes[0], *sizes], [0.0, *values], where="post", **how)


def alt_sparsity(rows: Rows) -> str:
    """Medians, and what the divergence is at four tokens."""
    said = []
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        ((tokens,), (epsilon,)) = _own(rows, "epsilon", corpus, "tokens")
        medians = [_median(*_own(rows, "share", corpus, what)) for what in ("k", "recency_k")]
        at_four = [dict(zip(*_own(rows, "divergence", corpus, path), strict=True)).get(4, 0.0) for path in PATHS]
        best, last = min(at_four[:2]), at_four[2]
        said.append(
            f"{corpus} ({tokens:,} tokens): median {medians[0]} within {epsilon:g} nats, of the last ones {medians[1]}; "
            f"the mean divergence with four tokens is {best:.3f}, with the last four {last:.3f}"
        )
    return (
        "How many tokens of a context bring the prediction of the next one within a tolerance of that from the whole context: "
        "plots of the mean divergence against the number of tokens kept, chosen in three ways, and of the share of tokens "
        f"against the number they need. {'. '.join(said)}."
    )


def _median(sizes: list[int], shares: list[float]) -> int:
    return next(size for size, share in zip(sizes, shares, strict=True) if share >= 0.5)


# ── Loss by context ──────────────────────────────────────────────────────────────────────────────────────────────────


def compute_losses(rng: np.random.Generator) -> list[Row]:
    """The mean loss of every model at every context."""
    return losses(measured_rows())


def losses(measured: Sequence[dict[str, Any]]) -> list[Row]:
    """A row a model and context: the mean over seeds, the lowest and the highest one."""
    rows: list[Row] = []
    for (corpus, model, length), own in judged(measured).items():
        for i, context in enumerate(own[0]["contexts"]):
            seeds = [row["by_context"][i] for row in own]
            rows.append({
                "corpus": slug(corpus), "model": model, "length": length, "context": context, "seeds": len(seeds),
                "loss": round(float(np.mean(seeds)), 4), "lowest": min(seeds), "highest": max(seeds),
            })  # fmt: skip
    return rows


def _panels(rows: Rows, style: Style, height: float) -> tuple[Figure, dict[tuple[str, str], Axes], dict[int, Series]]:
    """A panel a corpus and model, and a style a training length."""
    corpora, models = plain(row["corpus"] for row in rows), list(dict.fromkeys(row["model"] for row in rows))
    models.sort(key=lambda model: [*FAMILIES, model].index(model))
    at = [(corpus, model) for corpus in corpora for model in models]
    figure, panels = style.panels(
        len(at), across=min(4, len(models)), narrow=2, height=height, extra=0.35, sharex=True, sharey=True
    )
    across = min(len(models), 4) if style.columns == 2 else 2
    for number, (axes, (corpus, model)) in enumerate(zip(panels, at, strict=True)):
        axes.set_title(f"{corpus},\n{_name(model)}")
        axes.tick_params(labelleft=number % across == 0, labelbottom=number + across >= len(at))
    lengths = sorted({row["length"] for row in rows})
    return figure, dict(zip(at, panels, strict=True)), {length: series(i) for i, length in enumerate(lengths)}


def _labelled(panels: dict[tuple[str, str], Axes], style: Style, x: str, y: str) -> None:
    """Labels at the left and below."""
    axes = list(panels.values())
    across = min(len({model for _, model in panels}), 4) if style.columns == 2 else 2
    for number, own in enumerate(axes):
        if number % across == 0:
            own.set_ylabel(y)
        if number + across >= len(axes):
            own.set_xlabel(x)


def draw_losses(rows: Rows, style: Style) -> Figure:
    """A panel a corpus and kind of model, a curve a training length, with bars from the lowest to the highest seed; grey is
    what was trained at the longest context."""
    longest = max(row["context"] for row in rows)
    long = [row for row in rows if row["length"] == longest]
    figure, panels, styles = _panels([row for row in rows if row["length"] < longest] or rows, style, 1.6)
    for (corpus, model), axes in panels.items():
        own = [row for row in long if row["corpus"] == corpus and row["model"] != model]
        axes.plot([row["context"] for row in own], [row["loss"] for row in own], color=GREY, linewidth=0.8, gid="long")
        for length, how in styles.items():
            own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == (corpus, model, length)]
            if own:
                _with_bars(axes, [row["context"] for row in own], own, ("loss", "lowest", "highest"), how)
        _doublings(axes, [row["context"] for row in rows])
    _labelled(panels, style, "context", "loss, nats")
    handles = [entry(f"trained at {length}", **how.line()) for length, how in styles.items()]
    handles += [entry(f"RoPE, trained at {longest}", color=GREY, linewidth=0.8)] if long else []
    legend_below(figure, handles, columns=5 if style.columns == 2 else 2)
    return figure


def _doublings(axes: Axes, sizes: Sequence[int]) -> None:
    """A logarithmic axis with the powers of 4 among the sizes."""
    ticks = [4**i for i in range(max(sizes).bit_length()) if min(sizes) <= 4**i <= max(sizes)]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)


def _with_bars(axes: Axes, xs: Sequence[float], rows: Rows, names: tuple[str, str, str], how: Series) -> None:
    """A curve with bars between two numbers."""
    middle, low, high = ([row[name] for row in rows] for name in names)
    below = [max(m - one, 0.0) for m, one in zip(middle, low, strict=True)]
    above = [max(one - m, 0.0) for m, one in zip(middle, high, strict=True)]
    axes.errorbar(xs, middle, yerr=[below, above], elinewidth=0.7, capsize=1.5, capthick=0.7, **how.line())


def alt_losses(rows: Rows) -> str:
    """Of every model the loss at its training length and at the longest context."""
    longest = max(row["context"] for row in rows)

    def ends(curve: Rows) -> tuple[str, str]:
        at = {row["context"]: f"{row['loss']:.2f}" for row in curve}
        return at[curve[0]["length"]], at[longest]

    return (
        "Mean loss of language models on held-out tokens against the context at test, a panel a corpus and kind of model, a "
        f"curve a training length. In nats at the training length and at {longest}: "
        f"{_each(rows, plain(row['corpus'] for row in rows), ends)}."
    )


def _each(rows: Rows, corpora: Iterable[str], ends: Callable[[Rows], tuple[str, str]]) -> str:
    """Two numbers of every model, in words."""
    said = []
    for corpus in corpora:
        models: dict[str, dict[int, list[Row]]] = {}
        for row in rows:
            if row["corpus"] == corpus:
                models.setdefault(_named(row), {}).setdefault(row["length"], []).append(row)
        kinds = []
        for name, lengths in models.items():
            each = [f"trained at {length} {' and '.join(ends(own))}" for length, own in lengths.items()]
            kinds.append(f"{name}, {', '.join(each)}")
        said.append(f"{corpus}: {'; '.join(kinds)}")
    return ". ".join(said)


# ── Damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def compute_damage(rng: np.random.Generator) -> list[Row]:
    """The mean damage in bins of k, of the corpora that are no variants."""
    return damage(measured_rows(), seed=int(rng.integers(2**31)))


def damage(measured: Sequence[dict[str, Any]], *, seed: int, draws: int = 1000) -> list[Row]:
    """A row a bin, raw and adjusted."""
    rows: list[Row] = []
    shown = plain(row["corpus"] for row in measured)
    for corpus, model, length, own in of_models(measured):
        if corpus in shown:
            found = damage_of(measured, corpus, model, length)
            for adjusted in (False, True):
                rows += [
                    {
                        "corpus": slug(corpus), "model": model, "length": length, "seeds": len(own), "adjusted": adjusted,
                        "least": mean.least, "most": mean.most, "tokens": mean.n, "value": round(mean.value, 4),
                        "low": round(mean.low, 4), "high": round(mean.high, 4),
                    }
                    for mean in found.means(adjusted=adjusted, draws=draws, seed=seed)
                ]  # fmt: skip
    return rows


def bin_name(least: int, most: int) -> str:
    """What a bin of k is called."""
    return str(least) if least == most else f">{least - 1}" if most >= BINS[-1][1] else f"{least}–{most}"


def draw_damage(rows: Rows, style: Style) -> Figure:
    """A panel a corpus and kind of model; adjusted means with bars, the raw ones as thin lines."""
    figure, panels, styles = _panels(rows, style, 1.7)
    bins = sorted({(row["least"], row["most"]) for row in rows})
    for (corpus, model), axes in panels.items():
        axes.axhline(0, color=GREY, linewidth=0.6)
        for i, (length, how) in enumerate(styles.items()):
            for adjusted in (False, True):
                own = [
                    row for row in rows
                    if (row["corpus"], row["model"], row["length"], row["adjusted"]) == (corpus, model, length, adjusted)
                ]  # fmt: skip
                at = [bins.index((row["least"], row["most"])) + 0.1 * (i - (len(styles) - 1) / 2) for row in own]
                if own and adjusted:
                    _with_bars(axes, at, own, ("value", "low", "high"), how)
                elif own:
                    axes.plot(at, [row["value"] for row in own], color=thin(how.colour), linewidth=0.6, gid="raw")
        axes.set_xticks(range(len(bins)), [bin_name(*one) for one in bins])
    _labelled(panels, style, "tokens needed, k", "damage, nats")
    handles = [entry(f"trained at {length}", **how.line()) for length, how in styles.items()]
    handles.append(entry("not adjusted", color=GREY, linewidth=0.6))
    legend_below(figure, handles, columns=5 if style.columns == 2 else 2)
    return figure


def alt_damage(rows: Rows) -> str:
    """Of every model the adjusted damage in the first and the last bin."""

    def ends(own: Rows) -> tuple[str, str]:
        first, last = own[0], own[-1]
        return f"{first['value']:+.2f}", f"{last['value']:+.2f} for {bin_name(last['least'], last['most'])}"

    adjusted = [row for row in rows if row["adjusted"]]
    bins = len({(row["least"], row["most"]) for row in adjusted})
    corpora = dict.fromkeys(row["corpus"] for row in rows)
    return (
        "The loss with a long context minus that with one of the training length, against the number k of tokens that a "
        "prediction needs, adjusted for entropy, last k and the divergence at k = 1, with 95% intervals over blocks of text; "
        f"beside it as thin lines the means that are not adjusted. There are {bins} bins. In nats for the least k and for the "
        f"greatest: {_each(adjusted, corpora, ends)}."
    )


# ── Slopes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def compute_slopes(rng: np.random.Generator) -> list[Row]:
    """The slope of the damage per doubling of k, of all corpora."""
    return slopes(measured_rows(), seed=int(rng.integers(2**31)))


def slopes(measured: Sequence[dict[str, Any]], *, seed: int, draws: int = 1000) -> list[Row]:
    """A row a model, raw and adjusted; none where k does not vary."""
    rows: list[Row] = []
    for corpus, model, length, own in of_models(measured):
        found = damage_of(measured, corpus, model, length)
        try:
            slope, raw = (found.slope(adjusted=adjusted, draws=draws, seed=seed) for adjusted in (True, False))
            permuted = found.permuted(draws=draws, seed=seed)
        except InvalidArgument:  # k does not vary beside what is adjusted for: no slope is there
            continue
        rows.append({
            "corpus": slug(corpus), "model": model, "length": length, "seeds": len(own), "tokens": int(found.k.size),
            "damage": round(float(found.values.mean()), 4), "raw": round(raw.value, 4), "slope": round(slope.value, 4),
            "low": round(slope.low, 4), "high": round(slope.high, 4), "lowest": round(min(slope.seeds), 4),
            "highest": round(max(slope.seeds), 4), "spread": round(permuted.spread, 4), "share": round(permuted.share, 4),
        })  # fmt: skip
    return rows


def draw_slopes(rows: Rows, style: Style) -> Figure:
    """A panel a corpus, a line a model: the interval, single seeds, and what permuted k give."""
    corpora = list(dict.fromkeys(row["corpus"] for row in rows))
    models = list(dict.fromkeys((row["model"], row["length"]) for row in rows))
    models.sort(key=lambda one: ([*FAMILIES, one[0]].index(one[0]), one[1]))
    figure, panels = style.panels(
        len(corpora), across=2, height=0.65 + 0.14 * len(models), extra=0.35, sharex=True, sharey=True
    )
    across = 2 if style.columns == 2 else 1
    for number, (axes, corpus) in enumerate(zip(panels, corpora, strict=True)):
        axes.axvline(0, color=GREY, linewidth=0.6)
        for row in rows:
            if row["corpus"] == corpus:
                y = models.index((row["model"], row["length"]))
                axes.plot(
                    [-2 * row["spread"], 2 * row["spread"]], [y, y], color=SHADE, linewidth=5, zorder=1, gid="permuted"
                )
                axes.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=0.8, gid="interval")
                axes.plot([row["lowest"], row["highest"]], [y, y], "|", color=SEEDS.colour, markersize=5, gid="seeds")
                axes.plot([row["slope"]], [y], "o", color=INK, markersize=3, gid="slope")
                axes.plot(
                    [row["raw"]],
                    [y],
                    color=RAW.colour,
                    linestyle="",
                    marker=RAW.marker,
                    markerfacecolor="white",
                    gid="raw",
                )
        axes.set_yticks(range(len(models)), [f"{_name(model)}, {length}" for model, length in models])
        axes.set(ylim=(len(models) - 0.5, -0.5), title=corpus)
        if number + across >= len(corpora):
            axes.set_xlabel("damage per doubling of k, nats")
        axes.tick_params(labelleft=number % across == 0, labelbottom=number + across >= len(corpora))
    panels[0].set_ylabel("model")
    handles = [
        entry("adjusted, 95%", color=INK, marker="o", markersize=3, linewidth=0.8),
        entry("lowest and highest seed", color=SEEDS.colour, marker="|", markersize=5, linestyle=""),
        entry("not adjusted", **{**RAW.line(), "linestyle": ""}),
        entry("permuted k, two deviations", color=SHADE, linewidth=5),
    ]
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


RAW, SEEDS = series(1), series(2)


def alt_slopes(rows: Rows) -> str:
    """How many slopes are above 0, and the range, for every corpus."""
    said = []
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        own = [row for row in rows if row["corpus"] == corpus]
        above, below = sum(row["low"] > 0 for row in own), sum(row["high"] < 0 for row in own)
        low, high = (pick(own, key=lambda row: row["slope"]) for pick in (min, max))
        rare = sum(row["share"] < 0.05 for row in own)
        said.append(
            f"{corpus}: from {low['slope']:+.3f} ({_named(low)} at {low['length']}) to {high['slope']:+.3f} ({_named(high)} at "
            f"{high['length']}); the interval is above 0 for {above} and below 0 for {below} of {len(own)} models, and fewer "
            f"than 5% of permuted k do as much for {rare}"
        )
    seeds = sorted({row["seeds"] for row in rows})
    return (
        "By how many nats the damage by long context rises when the number k of tokens that a prediction needs doubles, "
        "adjusted for entropy, last k and the divergence at k = 1, with 95% intervals over blocks of text, the lowest and the "
        f"highest seed of {' or '.join(map(str, seeds))}, and the slope without adjustment. {'. '.join(said)}."
    )


PLOTS = (
    Plot(
        "language-sparsity", "How many tokens of a text predictions need", draw_sparsity, alt_sparsity, compute_sparsity
    ),
    Plot("language-losses", "Loss on text against the context at test", draw_losses, alt_losses, compute_losses),
    Plot("language-damage", "Damage by long context, by tokens needed", draw_damage, alt_damage, compute_damage),
    Plot("language-slopes", "Whether damage rises with tokens needed", draw_slopes, alt_slopes, compute_slopes),
)
