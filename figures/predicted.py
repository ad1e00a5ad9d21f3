"""What trained attention-only models get right at lengths up to 100,000, read off their weights (T14a).

They are trained on the majority of up to so many bits. Without positions an answer follows from the number of ones, so that
all shares are exact sums over counts: of the head that the weights are, of the model, where it is run on a sequence for
every count, and of what T14 guarantees of every head that is perfect in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from figures.majority import counted
from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, Style, entry, legend_below, series
from idealized_model.transformer import TrainConfig, Trainer, predicted_accuracy
from idealized_model.transformer.data import Queried
from idealized_model.transformer.evaluation import wrong_steps
from theory.exact import as_float
from theory.soft import soft_guarantees
from theory.tasks import Majority

from matplotlib.figure import Figure

TRAINED: tuple[tuple[int, bool], ...] = ((10, False), (30, False), (30, True))
"""The longest training length, and whether logits grow with the logarithm of the length."""

LENGTHS = (5, 10, 20, 30, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
MOST = 500
"""The longest sequences that the models are run on."""

STEPS = 3000


def compute(rng: np.random.Generator) -> list[Row]:
    """Three models, each with the head that it is and with the guarantee, at every length."""
    return [row for longest, log_scale in TRAINED for row in of_model(longest, log_scale, rng)]


def of_model(longest: int, log_scale: bool, rng: np.random.Generator) -> Iterator[Row]:
    """Train a model; its share of right answers at every length."""
    config = TrainConfig(
        "majority", longest=longest, steps=STEPS, rate=3e-3, decay=0.0, layers=1, heads=1, mlp=False, norm=False,
        log_scale=log_scale,
    )  # fmt: skip
    trainer = Trainer(config, threads=1)
    trainer.run()
    for length in LENGTHS:
        model = right_of_model(trainer, length, rng) if length <= MOST else None
        guaranteed = None if log_scale or length > MOST else certain(longest, length)
        yield {
            "longest": longest, "log_scale": log_scale, "length": length,
            "predicted": as_float(predicted_accuracy(trainer, length).right),
            "model": None if model is None else as_float(model),
            "guaranteed": None if guaranteed is None else as_float(guaranteed),
        }  # fmt: skip


def right_of_model(trainer: Trainer, length: int, rng: np.random.Generator) -> Fraction:
    """The share that the model gets right, by running it on one sequence for every number of ones, in random order."""
    majority = Majority()
    bits = [tuple((rng.permutation(length) < ones).astype(int).tolist()) for ones in range(length + 1)]
    instances = [Queried(majority).changed(majority.solve(word)) for word in bits]
    _, wrong = wrong_steps(trainer, ((instance, instance.ids) for instance in instances))
    return 1 - share({ones for ones, _ in wrong}, length)


def certain(longest: int, length: int) -> Fraction:
    """The share that T14 guarantees of heads that are perfect on all lengths 1, ..., longest, with two answers.

    Views are a zero with the query, a one with it, and the query alone, which is there once.
    """
    found = soft_guarantees(*counted(range(1, longest + 1), asked=True), *counted([length], asked=True), 2)
    return share({ones for ones, holds in enumerate(found.guaranteed.tolist()) if holds}, length)


def share(numbers: Iterable[int], length: int) -> Fraction:
    """Of all words of so many bits those with one of these numbers of ones."""
    return Fraction(sum(comb(length, ones) for ones in numbers), 2**length)


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a model: the curve of the head, the model as points, the guarantee below."""
    models = list(dict.fromkeys((row["longest"], row["log_scale"]) for row in rows))
    figure, panels = style.panels(len(models), across=3, height=1.9, extra=0.25, sharey=True)
    head, model, sure = _styles()
    for axes, (longest, log_scale) in zip(panels, models, strict=True):
        own = [row for row in rows if (row["longest"], row["log_scale"]) == (longest, log_scale)]
        axes.axvline(longest, color=GREY, linewidth=0.8)
        for name, how in (("guaranteed", sure), ("predicted", head), ("model", model)):
            points = [(row["length"], row[name]) for row in own if row[name] is not None]
            axes.plot(*zip(*points, strict=True), clip_on=False, **how) if points else None
        axes.set_xscale("log")
        axes.set(xlabel="length", ylim=(0, 1.02), title=_title(longest, log_scale).replace(", ", ",\n"))
    for axes in panels if style.columns == 1 else panels[:1]:
        axes.set_ylabel("share right")
    handles = [
        entry("the head that the weights are", **head), entry("the model, run", **model),
        entry("guaranteed of all perfect heads (T14)", **sure), entry("longest in training", color=GREY, linewidth=0.8),
    ]  # fmt: skip
    legend_below(figure, handles, columns=4 if style.columns == 2 else 1)
    return figure


def _styles() -> tuple[dict[str, Any], ...]:
    first = series(0)
    line = {**first.line(), "marker": ""}
    return (
        line,
        {"linestyle": "", "marker": "o", "markersize": 3.5, "markerfacecolor": "none", "color": INK, "zorder": 4},
        {"color": INK, "linestyle": (0, (1.2, 1.2))},
    )


def _title(longest: int, log_scale: bool) -> str:
    return f"trained on 1 to {longest} bits" + (", scaled logits" if log_scale else "")


def alt(rows: Rows) -> str:
    """Where the head and the model differ, and what is right at the greatest length."""
    last = max(row["length"] for row in rows)
    run = [row for row in rows if row["model"] is not None]
    gap = max(abs(row["model"] - row["predicted"]) for row in run)
    ends = ", ".join(
        f"{row['predicted']:.3f} ({_title(row['longest'], row['log_scale'])})" for row in rows if row["length"] == last
    )
    return (
        f"Share of right answers against the length, from {rows[0]['length']} to {last:,}, of transformers with attention "
        f"alone that were trained on the majority of bits: read off the weights as a head, and by running the model at "
        f"lengths up to {max(row['length'] for row in run)}, where the two differ by at most {gap:.2g}. At {last:,} bits the "
        f"shares are {ends}. What T14 guarantees of every head that is perfect in training lies below."
    )


PLOT = Plot("predicted", "What a trained model does at lengths where it cannot be run (T14a)", draw, alt, compute)
