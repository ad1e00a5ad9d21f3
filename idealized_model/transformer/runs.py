"""Runs: train one configuration, test it, and write down one row of data."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import metadata
from itertools import pairwise, product
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from idealized_model.text import read_text, replacing
from idealized_model.transformer.data import batch_of, ids_of, increments_of, packed
from idealized_model.transformer.evaluation import attention_mass, drawn_sequences, evaluate, same_alphabet, wrong_steps
from idealized_model.transformer.laws import sequences_of_training
from idealized_model.transformer.optimizer import Diverged
from idealized_model.transformer.results import CHANGED, SCHEMA, Row
from idealized_model.transformer.source import Source
from idealized_model.transformer.training import LONGEST, NUMERICS, Entry, TrainConfig, Trainer, task_of
from theory.errors import InvalidArgument, check_integer, check_one_of, check_type, unwritable
from theory.tasks import Task, find_task
from theory.tasks.faults import sampled
from theory.tasks.finding import sources_of

SAVE_EVERY = 10.0
"""Seconds between two checkpoints of a run in a folder."""

OFFSETS = ("random", "fixed")
"""Of the IDs of test sequences, where training shifts them."""

DRAWS = 16
"""Instances of a length that are tried out before a run: how many IDs one needs may depend on its tokens."""


@dataclass(frozen=True)
class Evaluation:
    """What a trained model is tested on.

    Parameters
    ----------
    lengths : of the task, at least one.
    tasks : names of tasks with the tokens of the training task; empty: the training task itself.
    size : sequences a length.
    attention_lengths : where the attention on dependency sets is measured.
    offsets : where training shifts the IDs, those of tests are shifted at "random" too, or "fixed": counted from 0.
    every_step : try every sequence that training may draw, which must be few, and note which steps are wrong, of these and
        of the tests: what a theorem about such a model is checked on.

    Raises
    ------
    InvalidArgument
    """

    lengths: tuple[int, ...]
    tasks: tuple[str, ...] = ()
    size: int = 128
    attention_lengths: tuple[int, ...] = ()
    offsets: str = "random"
    every_step: bool = False

    def __post_init__(self) -> None:
        where, most = "Evaluation", f"at most {LONGEST:,}"
        check_integer(self.size, where, "size", least=1)
        check_one_of(self.offsets, OFFSETS, where, "offsets")
        check_type(self.every_step, bool, where, "every_step", "true or false", "Leave it out for true tests alone.")
        for name, lengths in (("lengths", self.lengths), ("attention_lengths", self.attention_lengths)):
            for length in lengths:
                check_integer(length, where, name, least=1)
                check_integer(length, where, name, most=LONGEST, expected=most, fix="Test on shorter instances.")
        if not self.lengths:
            fix = "For instance (20, 100)."
            raise InvalidArgument(where, "lengths", got="none", expected="at least one length", fix=fix)
        for task in self.tasks:
            find_task(task, "Evaluation")


def digest(config: TrainConfig, evaluation: Evaluation) -> str:
    """A name of a run: equal for equal configurations and evaluations, different otherwise."""
    tests = asdict(evaluation)
    if evaluation.offsets == "fixed":  # as all tests were before there was a choice
        del tests["offsets"]
    if not evaluation.every_step:
        del tests["every_step"]
    text = config.identity + json.dumps(tests, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(config: TrainConfig, evaluation: Evaluation) -> None:
    """Refuse before the training what would fail after it.

    Raises
    ------
    InvalidArgument : for test tasks with other tokens, lengths below a task's least, or too few IDs for a length; with
        predicted IDs also for increments that depend on the length.

    Cost: `DRAWS` instances of the least and the largest length of training and tests, once for all seeds.
    """
    _check(replace(config, seed=0), evaluation)


@lru_cache
def _check(config: TrainConfig, evaluation: Evaluation) -> None:
    own, rng = task_of(config, "TrainConfig"), np.random.default_rng(0)
    increments = increments_of(own, config.longest, rng) if config.how.predicted else ()

    def try_out(task: Task, lengths: tuple[int, ...], *, training: bool) -> None:
        for length in {min(lengths), max(lengths)}:
            instances = [sampled(task, length, rng, "TrainConfig") for _ in range(DRAWS)]
            ids = [ids_of(one, config.how, config.n_ids, rng, training=training) for one in instances]
            batch_of(instances, ids, increments)
            if training and config.packing:
                for one, other in pairwise(instances):
                    packed(one, other, config.how, config.n_ids, rng)

    try_out(own, (max(config.shortest, own.min_length), config.longest), training=True)
    for name in evaluation.tasks or (config.task,):
        task = same_alphabet(find_task(name), own, name, "Evaluation", "tasks")
        try_out(task, evaluation.lengths + evaluation.attention_lengths, training=False)


def run(
    config: TrainConfig, evaluation: Evaluation, *, threads: int = 1, watch: Callable[[Trainer], None] | None = None
) -> Row:
    """Train and test one configuration; a run that diverges is tested as it was before that, and the row says so.

    Examples
    --------
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> row = run(config, Evaluation((3, 6), size=10))
    >>> row["status"], [(test["length"], test["size"]) for test in row["tests"]]
    ('finished', [(3, 10), (6, 10)])
    """
    trainer = Trainer(config, threads=threads)
    try:
        trainer.run(watch=watch)
    except Diverged:
        return row_of(trainer, evaluation, status="diverged")
    return row_of(trainer, evaluation)


def run_in(
    folder: str | os.PathLike[str],
    config: TrainConfig,
    *,
    threads: int = 2,
    watch: Callable[[Trainer], None] | None = None,
    source: Source | None = None,
) -> Trainer:
    """Train in a folder, from its checkpoint if it has one: a killed run goes on, and ends as if it had not been killed.

    The folder holds config.toml, versions.json, and, written every few seconds and at the end, checkpoint.npz and
    history.csv.

    Raises
    ------
    InvalidArgument : when the folder holds another run, or one on another source, its checkpoint is broken, or it cannot
        be written.
    Diverged : when the loss is not finite; the checkpoint is the last one that was written before.
    """
    folder = Path(folder)
    checkpoint, known = folder / "checkpoint.npz", folder / "config.toml"
    if known.exists():
        TrainConfig.from_toml(_read(known)).require(config, f"run_in {str(folder)!r}")
    trainer = (
        Trainer.load(checkpoint, config, threads=threads, source=source)
        if checkpoint.exists()
        else Trainer(config, threads=threads, source=source)
    )
    written = perf_counter()

    def save() -> None:
        nonlocal written
        trainer.save(checkpoint)
        lines = (",".join(map(str, entry)) for entry in trainer.history)
        _write(folder / "history.csv", "\n".join([",".join(Entry._fields), *lines, ""]))
        written = perf_counter()

    def at_step(trainer: Trainer) -> None:
        if perf_counter() - written > SAVE_EVERY:
            save()
        if watch is not None:
            watch(trainer)

    _write(known, config.toml())
    _write(folder / "versions.json", json.dumps(versions(config.engine), indent=1) + "\n")
    if not checkpoint.exists():
        save()  # so that a run that diverges at once leaves one too
    trainer.run(watch=at_step)
    save()
    return trainer


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeError) as error:
        raise InvalidArgument(
            "run_in",
            "folder",
            got=f"{str(path)!r}: {getattr(error, 'strerror', None) or error}",
            expected="a configuration",
            fix="Remove it, or choose another folder.",
        ) from None


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(error)(
            "run_in",
            "folder",
            got=f"{str(path)!r}: {error.strerror}",
            expected="a folder that can be written",
            fix="Choose another folder, or free some space.",
        ) from None


def row_of(trainer: Trainer, evaluation: Evaluation, *, status: str = "finished") -> Row:
    """Test a trained model, and write everything about it as a row of data; docs/training.md says what it holds.

    Raises
    ------
    InvalidArgument : where the source of a task of one's own has changed since the training.
    """
    start, config = perf_counter(), trainer.config
    task_of(config, "row_of")
    source = sources_of(config.task, *evaluation.tasks)
    if trainer.origin != sources_of(config.task):
        got = f"a model that was trained on {config.task!r} before its source was changed"
        raise InvalidArgument("row_of", "trainer", got=got, expected="one trained on the task as it is", fix=CHANGED)
    shifted = evaluation.offsets == "random"
    fit = evaluate(trainer, trainer.task, config.longest, size=evaluation.size, shifted=shifted)
    tasks = evaluation.tasks or (config.task,)
    tests = [
        asdict(evaluate(trainer, task, length, size=evaluation.size, shifted=shifted))
        for task in tasks
        for length in evaluation.lengths
    ]
    attention = [
        {"task": task, "length": length, "layers": _finite(attention_mass(trainer, task, length, shifted=shifted))}
        for task in tasks
        for length in evaluation.attention_lengths
    ]
    noted = {"every_step": _noted(trainer, evaluation, tasks)} if evaluation.every_step else {}
    return {
        "schema": SCHEMA,
        "digest": digest(config, evaluation),
        "code": str(NUMERICS),
        "config": asdict(config),
        "source": source,
        "status": status,
        "step": trainer.step,
        "loss": trainer.loss if trainer.step else None,
        "fit": {"length": config.longest, "size": fit.size, "right": fit.free_running},
        "tests": tests,
        "attention": attention,
        "test_offsets": evaluation.offsets,
        **noted,
        "seconds": round(trainer.seconds + perf_counter() - start, 2),
        "versions": versions(config.engine),
    }


def _noted(trainer: Trainer, evaluation: Evaluation, tasks: Sequence[str]) -> dict[str, Any]:
    """The wrong steps, as [sequence, step], of all that training may draw and of the tests, in their order."""
    config, shifted = trainer.config, evaluation.offsets == "random"
    steps, wrong = wrong_steps(trainer, sequences_of_training(config))
    found: dict[str, Any] = {"training": {"steps": steps, "wrong": wrong}, "tests": []}
    for name, length in product(tasks, evaluation.lengths):
        task = same_alphabet(find_task(name), trainer.task, name, "row_of", "tasks")
        steps, wrong = wrong_steps(
            trainer, drawn_sequences(config, task, length, size=evaluation.size, shifted=shifted)
        )
        found["tests"].append({"task": name, "length": length, "steps": steps, "wrong": wrong})
    return found


def _finite(layers: list[list[float]]) -> list[list[float | None]]:
    """JSON has no NaN."""
    return [[mass if isfinite(mass) else None for mass in layer] for layer in layers]


def versions(engine: str = "numpy") -> dict[str, str]:
    """What a run is made with."""
    found = {"python": platform.python_version()}
    for name in ("lengthgen", "numpy", engine):
        with suppress(metadata.PackageNotFoundError):  # an engine that is missing says so itself
            found[name] = metadata.version(name)
    return found
