"""The planted control: is the meter right where k is known, and does damage rise with k where nothing else differs?

A meter is trained on planted text (`PlantedText`), and asked on fresh draws how many tokens each of the seven questions
needs. Judged models are trained on a few tokens of the text, all planted ones among them, and asked with the whole of it the
four questions that differ in their k alone.

Rows have `planted`, "meter" or "judged"; `questions` and their `wanted` k; of the meter `found` and `recency_k`, a list an
epsilon of `epsilons` of a list a question of a number an example; of a judged model `before` and `after`, a list a question of
the loss of every example with the tokens that were kept, and with all.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from idealized_model.language.experiment import Tick, watching_steps
from idealized_model.language.meter import measure_all
from idealized_model.language.planted import FOUR_BITS, SEVEN, PlantedText
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.results import SCHEMA, Row
from idealized_model.transformer.runs import run_in, versions
from idealized_model.transformer.training import NUMERICS, TEXT, TrainConfig, Trainer, alone

CONFIG = TrainConfig(TEXT, encoding="rope", seed=100, steps=4000, rate=3e-3, warmup=100)
"""Of the meter; judged models have other seeds, and half of the steps."""

EPSILONS = (0.05, 0.02, 0.1)


@dataclass(frozen=True)
class Planted:
    """A run of the control, and what it is asked.

    Attributes
    ----------
    config : how it is trained.
    kept : how many tokens of the body a judged model is trained on; None: the meter.
    examples : of every question.
    """

    config: TrainConfig
    kept: int | None
    examples: int

    @property
    def text(self) -> PlantedText:
        """What it is trained on."""
        return PlantedText(SEVEN) if self.kept is None else PlantedText(FOUR_BITS, kept=self.kept)

    @property
    def group(self) -> str:
        """What shares a bar of progress."""
        return "planted"

    @property
    def key(self) -> tuple[str, str]:
        """What its row is found by."""
        what = [self.config.identity, self.text.digest, self.examples, EPSILONS]
        return hashlib.sha256(repr(what).encode()).hexdigest()[:16], str(NUMERICS)

    def __str__(self) -> str:
        return f"planted/{'meter' if self.kept is None else f'kept-{self.kept}/{self.config.seed}'}"


def control(
    seeds: int = 3, *, config: TrainConfig = CONFIG, kept: tuple[int, ...] = (12, 24), examples: int = 200
) -> list[Planted]:
    """The runs of the control: the meter, then judged models, the first seeds first.

    Examples
    --------
    >>> [str(cell) for cell in control(1)]
    ['planted/meter', 'planted/kept-12/0', 'planted/kept-24/0']
    """
    judged = replace(config, steps=max(1, config.steps // 2))
    cells = [Planted(replace(judged, seed=seed), n, examples) for seed in range(seeds) for n in kept]
    return [Planted(config, None, examples), *cells]


def train_planted(
    cell: Planted, runs: str | os.PathLike[str], *, threads: int = 1, tick: Tick = lambda steps: None
) -> Trainer:
    """Train a model of the control in its folder, or go on where it was interrupted; one that is finished is loaded.

    Raises
    ------
    InvalidArgument : as `run_in` does.
    Diverged : when the loss is not finite.
    """
    return run_in(Path(runs, str(cell)), cell.config, threads=threads, watch=watching_steps(tick), source=cell.text)


def planted_row(
    cell: Planted, runs: str | os.PathLike[str], *, threads: int = 1, tick: Tick = lambda steps: None
) -> Row:
    """Train, if it is not trained, ask fresh draws, and write it down.

    Raises
    ------
    InvalidArgument : as `run_in` does.
    Diverged : when the loss is not finite.
    """
    trainer = train_planted(cell, runs, threads=threads, tick=tick)
    begun, text = process_time(), cell.text
    engine = Engine(trainer.model, threads=threads)
    with alone():
        found = _asked(cell, engine, trainer) if cell.kept is None else _judged(cell, engine, trainer)
    return {
        "schema": SCHEMA,
        "digest": cell.key[0],
        "code": cell.key[1],
        "planted": "meter" if cell.kept is None else "judged",
        "text": text.digest,
        "body": text.body,
        "kept": cell.kept,
        "seed": cell.config.seed,
        "steps": cell.config.steps,
        "loss": round(trainer.loss, 4),
        "questions": [question.name for question in text.questions],
        "wanted": [question.k for question in text.questions],
        **found,
        "training_seconds": round(trainer.seconds, 1),
        "seconds": round(process_time() - begun, 1),
        "versions": versions(cell.config.engine),
    }


def _drawn(cell: Planted, text: PlantedText) -> list[Batch]:
    """Fresh examples of every question; those of the whole body and of a part of it are the same ones."""
    return [
        text.examples(question, cell.examples, np.random.default_rng([999, question]))[0]
        for question in range(len(text.questions))
    ]


def _asked(cell: Planted, engine: Engine, trainer: Trainer) -> dict[str, Any]:
    found = [list(measure_all(engine, trainer.parameters, batch.tokens)) for batch in _drawn(cell, cell.text)]
    return {
        "epsilons": list(EPSILONS),
        "found": [[[one.k(epsilon) for one in own] for own in found] for epsilon in EPSILONS],
        "recency_k": [[[one.k_of("recency", epsilon) for one in own] for own in found] for epsilon in EPSILONS],
    }


def _judged(cell: Planted, engine: Engine, trainer: Trainer) -> dict[str, Any]:
    def losses(text: PlantedText) -> list[list[float]]:
        return [
            [round(float(loss), 4) for loss in engine.losses(trainer.parameters, batch)[:, 0]]
            for batch in _drawn(cell, text)
        ]

    return {"before": losses(cell.text), "after": losses(replace(cell.text, kept=None))}
