"""A small model trains on every sequence task of the registry, with the IDs that it couples, and predicted ones."""

from __future__ import annotations

import numpy as np
import pytest

from idealized_model.transformer.data import increments_of
from idealized_model.transformer.evaluation import evaluate
from idealized_model.transformer.training import TrainConfig, Trainer
from theory.tasks import TASKS

NAMES = [name for name, task in TASKS.items() if task.anchor == "last"]


@pytest.mark.parametrize("name", NAMES)
def test_its_loss_falls(name: str) -> None:
    task = TASKS[name]
    predicted = task.predict_increment(*_first_step(name)) is not None
    for positions in ("coupled", "predicted") if predicted else ("coupled",):
        trainer = Trainer(
            TrainConfig(
                name, positions, longest=task.min_length + 2, n_ids=64, steps=20, batch=8, width=16, layers=2, heads=2,
                rate=1e-2, warmup=2,
            )
        )  # fmt: skip
        trainer.run(until=2)
        first = trainer.loss
        trainer.run()
        assert trainer.loss < first  # the mean of all steps
        if positions == "predicted":
            assert trainer.increments == increments_of(task, task.min_length + 2, np.random.default_rng(0))
        score = evaluate(trainer, name, task.min_length + 3, size=8)
        assert 0 <= score.free_running <= score.teacher_forced <= score.size == 8


def _first_step(name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the first step of an instance reads, and its key."""
    instance = TASKS[name].sample(TASKS[name].min_length + 2, np.random.default_rng(0))
    return instance.read(instance.steps[0]), instance.key(instance.steps[0])
