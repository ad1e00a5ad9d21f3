"""What the figures of natural language have in common: the measured rows, their corpora and models, and panels of them.

All is computed from the rows that `lengthgen language measure` wrote, of the protocols `store.TEXT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.store import DATA, TEXT
from figures.style import Series, Style, series
from idealized_model.language.corpora import VARIANTS
from idealized_model.language.experiment import judged
from idealized_model.transformer.results import read_rows
from theory.errors import check

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Measured: TypeAlias = Sequence[dict[str, Any]]
"""Rows of `lengthgen language measure`."""

Numbers: TypeAlias = Callable[[Measured, np.random.Generator], list[Row]]
"""(measured rows, generator of intervals) -> the rows that are drawn."""

FAMILIES = {"pose": "PoSE", "rope": "RoPE", "alibi": "ALiBi", "none": "no positions", "long": "RoPE"}
"""{model of the protocol: what it is called}, of those that have another name there."""


def measured_rows(names: Iterable[str] = TEXT, folder: Path = DATA) -> list[dict[str, Any]]:
    """The rows of some protocols, as far as they are stored.

    Raises
    ------
    InvalidArgument : where none are.
    """
    files = [path for name in names if (path := folder / f"{name}.jsonl").exists()]
    got, expected, fix = f"none in {str(folder)!r}", "rows of language", "lengthgen language measure makes them."
    check(files, "figures", "data", got=got, expected=expected, fix=fix)
    return [row for file in files for row in read_rows(file)]


def plot_of(
    name: str,
    title: str,
    draw: Callable[[Rows, Style], Figure],
    alt: Callable[[Rows], str],
    numbers: Numbers,
    runs: tuple[str, ...] = TEXT,
) -> Plot:
    """The figure of the gallery, whose data are the numbers of stored rows: of all protocols, or of some."""
    compute = partial(_computed, numbers, runs)
    return Plot(f"language-{name}", title, draw, alt, compute, runs=runs, needs_runs=True)


def _computed(numbers: Numbers, runs: tuple[str, ...], rng: np.random.Generator) -> list[Row]:
    return numbers(measured_rows(runs), rng)


def some(rows: list[Row], figure: str, expected: str) -> list[Row]:
    """The rows of a figure.

    Raises
    ------
    InvalidArgument : where there are none, naming what would have to be measured.
    """
    fix = "Measure them, lengthgen language measure, or draw another --figure."
    check(rows, f"language {figure}", "rows", got="none of what it draws", expected=expected, fix=fix)
    return rows


def seed_of(rng: np.random.Generator) -> int:
    """A seed of intervals."""
    return int(rng.integers(2**31))


def rounded(*values: float) -> list[float]:
    """Nats as they are stored."""
    return [round(float(value), 4) for value in values]


def of_models(rows: Rows) -> Iterator[tuple[str, str, int, list[dict[str, Any]]]]:
    """(corpus, model, training length, rows of its seeds) of what was judged at more than its training length."""
    for (corpus, model, length), own in judged([dict(row) for row in rows]).items():
        if length < own[0]["window"]:
            yield corpus, model, length, own


# ── Corpora and models ───────────────────────────────────────────────────────────────────────────────────────────────


def varied(corpus: str) -> tuple[str, str]:
    """Its name without the variant, and the variant, "" where it is none: a file's name may have a "+" of its own."""
    base, _, variant = corpus.rpartition("+")
    return (base, variant) if variant in VARIANTS else (corpus, "")


def plain_first(corpora: Iterable[str]) -> list[str]:
    """Each once, and variants behind those that are none."""
    return sorted(set(corpora), key=lambda one: (varied(one)[1] != "", one))


def plain(corpora: Iterable[str]) -> list[str]:
    """Corpora that are no variants, if there are some: each once."""
    known = plain_first(corpora)
    return [one for one in known if not varied(one)[1]] or known


def by_family(models: Iterable[str]) -> list[str]:
    """Each once, in the order of the protocol."""
    return sorted(dict.fromkeys(models), key=lambda model: [*FAMILIES, model].index(model))


def models_of(rows: Rows) -> list[tuple[str, int]]:
    """Every model with a training length, each once."""
    found = sorted({(row["model"], row["length"]) for row in rows})
    families = by_family(model for model, _ in found)
    return sorted(found, key=lambda one: families.index(one[0]))


def name_of(model: str) -> str:
    """What a model is called."""
    return FAMILIES.get(model, model)


def each_in_words(rows: Rows, numbers: Callable[[Rows], str], kind: Callable[[Rows], str] = lambda own: "") -> str:
    """What is said of every model of every corpus, and beside the name of the corpus what kind of numbers that are."""
    said = []
    for corpus in plain_first(row["corpus"] for row in rows):
        own = [row for row in rows if row["corpus"] == corpus]
        models: dict[str, list[str]] = {}
        for model, length in models_of(own):
            mine = [row for row in own if (row["model"], row["length"]) == (model, length)]
            models.setdefault(name_of(model), []).append(f"at {length} {numbers(mine)}")
        each = "; ".join(f"{name} {', '.join(lengths)}" for name, lengths in models.items())
        said.append(f"{corpus}{kind(own)}: {each}")
    return ". ".join(said)


def seeds_in_words(rows: Rows) -> str:
    """How many seeds a number is of."""
    seeds = sorted({row["seeds"] for row in rows})
    return f"{' or '.join(map(str, seeds))} seed{'s' * (seeds != [1])}"


# ── Panels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def panels_of(
    titles: Sequence[str],
    style: Style,
    *,
    across: int,
    narrow: int = 1,
    height: float,
    x: str,
    y: str = "",
    **shared: Any,
) -> tuple[Figure, list[Axes]]:
    """Panels with axes of one kind, which are named and numbered at the left and below alone."""
    shared = {"sharex": True, "sharey": True} | shared
    figure, panels = style.panels(len(titles), across=across, narrow=narrow, height=height, extra=0.35, **shared)
    columns = style.across(len(titles), across, narrow)
    for number, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        left, below = number % columns == 0, number + columns >= len(panels)
        axes.set(title=title, xlabel=x if below else "", ylabel=y if left else "")
        axes.tick_params(labelleft=left, labelbottom=below)
    return figure, panels


def lines_of(rows: Rows, corpora: Sequence[str], across: int) -> list[list[tuple[str, int]]]:
    """The models of the panels of every row of panels: those side by side have the same lines, of the models of any of them."""
    return [
        models_of([row for row in rows if row["corpus"] in corpora[start : start + across]])
        for start in range(0, len(corpora), across)
    ]


def model_panels(
    rows: Rows, style: Style, *, height: float, x: str, y: str
) -> tuple[Figure, dict[tuple[str, str], Axes], dict[int, Series]]:
    """A panel a corpus and model, and a style a training length."""
    models = by_family(row["model"] for row in rows)
    at = [(corpus, model) for corpus in plain_first(row["corpus"] for row in rows) for model in models]
    titles = [f"{corpus},\n{name_of(model)}" for corpus, model in at]
    figure, panels = panels_of(titles, style, across=min(4, len(models)), narrow=2, height=height, x=x, y=y)
    lengths = sorted({row["length"] for row in rows})
    return figure, dict(zip(at, panels, strict=True)), {length: series(i) for i, length in enumerate(lengths)}


def doublings(axes: Axes, sizes: Sequence[int]) -> None:
    """A logarithmic axis with the powers of 4 among the sizes."""
    ticks = [4**i for i in range(max(sizes).bit_length()) if min(sizes) <= 4**i <= max(sizes)]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)


def bars_of(rows: Rows, names: tuple[str, str, str]) -> tuple[list[float], list[list[float]]]:
    """Values, and how far bars reach below and above them."""
    middle, low, high = ([row[name] for row in rows] for name in names)
    below = [max(m - one, 0.0) for m, one in zip(middle, low, strict=True)]
    above = [max(one - m, 0.0) for m, one in zip(middle, high, strict=True)]
    return middle, [below, above]


def with_bars(axes: Axes, xs: Sequence[float], rows: Rows, names: tuple[str, str, str], how: Series) -> None:
    """A curve with bars between two numbers."""
    middle, ends = bars_of(rows, names)
    axes.errorbar(xs, middle, yerr=ends, elinewidth=0.7, capsize=1.5, capthick=0.7, **how.line())
