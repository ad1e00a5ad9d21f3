"""Runs: train one configuration, test it, and write down one row of data."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from time import perf_counter

import numpy as np

from idealized_model.transformer.data import ids_of
from idealized_model.transformer.evaluation import attention_mass, evaluate
from idealized_model.transformer.results import SCHEMA, Row
from idealized_model.transformer.training import NUMERICS, Diverged, TrainConfig, Trainer, Watch, find_task
from theory.errors import InvalidArgument, shown


@dataclass(frozen=True)
class Evaluation:
    """What a trained model is tested on.

    Parameters
    ----------
    lengths : of the task, at least one.
    tasks : names of tasks with the tokens of the training task; empty: the training task itself.
    size : sequences a length.
    attention_lengths : where the attention on dependency sets is measured.

    Raises
    ------
    InvalidArgument
    """

    lengths: tuple[int, ...]
    tasks: tuple[str, ...] = ()
    size: int = 128
    attention_lengths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, values in (
            ("lengths", self.lengths), ("size", (self.size,)), ("attention_lengths", self.attention_lengths),
        ):  # fmt: skip
            for value in values:
                if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                    raise InvalidArgument("Evaluation", name, shown(value), "an integer >= 1", "See the docstring.")
        if not self.lengths:
            raise InvalidArgument("Evaluation", "lengths", "none", "at least one length", "For instance (20, 100).")
        for task in self.tasks:
            find_task(task)


def digest(config: TrainConfig, evaluation: Evaluation) -> str:
    """A name of a run: equal for equal configurations and evaluations, different otherwise."""
    text = config.toml() + json.dumps(asdict(evaluation), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(config: TrainConfig, evaluation: Evaluation) -> None:
    """Refuse before the training what would fail after it.

    Raises
    ------
    InvalidArgument : for test tasks with other tokens, lengths below a task's least, or too few IDs for a length.
    """
    own = find_task(config.task)
    for name in evaluation.tasks or (config.task,):
        task = find_task(name)
        if task.alphabet != own.alphabet:
            raise InvalidArgument(
                "Evaluation", "tasks", f"{name!r}, the tokens of which are {shown(task.alphabet)}",
                f"a task with the tokens {shown(own.alphabet)}, as in training", "Test on a task of the same tokens.",
            )  # fmt: skip
        rng = np.random.default_rng(0)
        for length in (min(evaluation.lengths), max(evaluation.lengths + evaluation.attention_lengths)):
            ids_of(task.sample(length, rng), config.how, config.n_ids, rng, training=False)
    ids_of(own.sample(config.longest, rng), config.how, config.n_ids, rng, training=True)


def run(config: TrainConfig, evaluation: Evaluation, *, threads: int = 1, watch: Watch | None = None) -> Row:
    """Train and test one configuration; a run that diverges is tested as it was before that, and the row says so.

    Examples
    --------
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> row = run(config, Evaluation((3, 6), size=10))
    >>> row["status"], [(test["length"], test["size"]) for test in row["tests"]]
    ('finished', [(3, 10), (6, 10)])
    """
    start = perf_counter()
    trainer = Trainer(config, threads=threads)
    status = "finished"
    try:
        trainer.run(watch=watch)
    except Diverged:
        status = "diverged"
    return row(trainer, evaluation, status=status, seconds=perf_counter() - start)


def row(trainer: Trainer, evaluation: Evaluation, *, status: str, seconds: float) -> Row:
    """The row of data of a trained model; `seconds` is what its training took, and the tests are added to it."""
    start, config = perf_counter(), trainer.config
    fit = evaluate(trainer, trainer.task, config.longest, size=evaluation.size)
    tasks = evaluation.tasks or (config.task,)
    tests = [
        asdict(evaluate(trainer, task, length, size=evaluation.size)) for task in tasks for length in evaluation.lengths
    ]
    attention = [
        {"task": task, "length": length, "layers": attention_mass(trainer, task, length)}
        for task in tasks
        for length in evaluation.attention_lengths
    ]
    return {
        "schema": SCHEMA,
        "digest": digest(config, evaluation),
        "code": str(NUMERICS),
        "config": asdict(config),
        "status": status,
        "step": trainer.step,
        "loss": trainer.loss if trainer.step else None,
        "fit": {"length": config.longest, "size": fit.size, "right": fit.free_running},
        "tests": tests,
        "attention": attention,
        "seconds": round(seconds + perf_counter() - start, 2),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "lengthgen": metadata.version("lengthgen"), "python": platform.python_version(), "numpy": np.__version__,
    }  # fmt: skip
