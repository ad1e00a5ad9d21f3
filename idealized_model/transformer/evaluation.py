"""Evaluation: how many sequences of a length a trained model gets right, and where its attention goes.

Greedy free running reproduces a reference exactly when every step is right on the reference's own prefix (T8's proof:
the first error lies on that prefix). So one teacher-forced pass decides both; `rollout` is the slow route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Array, Parameters
from idealized_model.transformer.data import batch_of, ids_of, sequence_task
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.training import TrainConfig, Trainer, alone, generator
from theory.coordinates import Ids, coordinates, joined, plus
from theory.errors import check, shown
from theory.tasks import Instance, Task, find_task
from theory.tasks.faults import sampled

CELLS = 2**14
"""Tokens of a batch at most, so that long sequences take no more memory than short ones."""

PAIRS = 2**24
"""Pairs of tokens of a batch at most: what attention holds."""


@dataclass(frozen=True)
class Score:
    """What a model gets right on random sequences of one length.

    Attributes
    ----------
    task, length, size : of the sequences, and how many; a task that was given by a name has that name.
    steps, steps_right : predicted tokens in all, and those right after the reference's prefix.
    teacher_forced : sequences whose every token is right after the reference's prefix, with the reference's IDs.
    free_running : sequences that greedy free running reproduces; where the model predicts IDs, these too.

    Examples
    --------
    >>> score = Score("copy", length=6, size=10, steps=60, steps_right=57, teacher_forced=8, free_running=8)
    >>> score.free_running / score.size
    0.8
    """

    task: str
    length: int
    size: int
    steps: int
    steps_right: int
    teacher_forced: int
    free_running: int


def evaluate(trainer: Trainer, task: str | Task, length: int, *, size: int = 128, shifted: bool = True) -> Score:
    """Score a model on `size` random sequences of a length; they depend on the seed, the task and the length alone.

    Parameters
    ----------
    shifted : as in `ids_of`: IDs that training shifts have a random offset here too.

    Raises
    ------
    InvalidArgument : when a learned encoding has too few IDs for the length, or the task has other tokens.

    Examples
    --------
    >>> from idealized_model.transformer.training import TrainConfig
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> trainer = Trainer(config)
    >>> trainer.run()
    >>> score = evaluate(trainer, "copy", 4, size=10)
    >>> score.steps, 0 <= score.steps_right <= 40
    (40, True)

    Cost: one forward pass over the sequences.
    """
    name, task = task if isinstance(task, str) else task.name, asked(trainer, task)
    counts = np.zeros(4, dtype=np.int64)
    with alone():
        for instances, ids in drawn_tests(trainer, task, length, size, shifted):
            batch = batch_of(instances, ids, trainer.increments)
            logits, increments = trainer.engine.logits(trainer.parameters, batch)
            filled = batch.weights == 0
            right = (logits.argmax(axis=2) == batch.targets) & ~np.isnan(logits).any(axis=2)  # NaN predicts nothing
            both = right if increments is None else right & (increments.argmax(axis=2) == batch.increments)
            counts += [
                (~filled).sum(),
                (right & ~filled).sum(),
                (right | filled).all(axis=1).sum(),
                (both | filled).all(axis=1).sum(),
            ]
    return Score(name, length, size, *map(int, counts))


def rollout(trainer: Trainer, task: str | Task, length: int, *, size: int = 128, shifted: bool = True) -> int:
    """`Score.free_running`, by running freely: each token, and with predicted IDs each ID, is the model's own.

    Examples
    --------
    >>> from idealized_model.transformer.training import TrainConfig
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> trainer = Trainer(config)
    >>> trainer.run()
    >>> rollout(trainer, "copy", 3, size=8) == evaluate(trainer, "copy", 3, size=8).free_running  # T8
    True
    """
    right = 0
    for instances, ids in drawn_tests(trainer, asked(trainer, task), length, size, shifted):
        right += sum(_reproduces(trainer, instance, own) for instance, own in zip(instances, ids, strict=True))
    return right


def attention_mass(
    trainer: Trainer, task: str | Task, length: int, *, size: int = 32, shifted: bool = True
) -> list[list[float]]:
    """How much attention goes to the dependency set: for every layer and head the mean over the supervised queries.

    A query is the token before a predicted one; its dependency set is `Step.sources`.

    Examples
    --------
    >>> from idealized_model.transformer.training import TrainConfig
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> trainer = Trainer(config)
    >>> trainer.run()
    >>> mass = attention_mass(trainer, "copy", 3, size=4)
    >>> len(mass), len(mass[0]), 0 < mass[0][0] < 1  # layers, heads
    (1, 2, True)

    Cost: one forward pass over `size` sequences.
    """
    task = asked(trainer, task)
    mass = np.zeros((trainer.model.n_layers, trainer.model.n_heads))
    n_queries = 0
    with alone():
        for instances, ids in drawn_tests(trainer, task, length, size, shifted):
            batch = batch_of(instances, ids, trainer.increments)
            wanted = np.zeros((*batch.queries.shape, batch.tokens.shape[1]), dtype=bool)  # (B, S, T)
            for row, instance in enumerate(instances):
                for j, step in enumerate(instance.steps):
                    wanted[row, j, list(step.sources)] = True
            n_queries += sum(len(instance.steps) for instance in instances)
            rows = np.arange(len(batch))[:, None]
            for i, weights in enumerate(trainer.engine.attention(trainer.parameters, batch)):  # (B, H, S or T, T)
                if i < trainer.model.n_layers - 1:
                    weights = weights.swapaxes(1, 2)[rows, batch.queries].swapaxes(1, 2)
                mass[i] += np.einsum("bhst,bst->h", weights, wanted, dtype=np.float64)
    return [[float(value) for value in layer] for layer in mass / n_queries]


def asked(trainer: Trainer, task: str | Task) -> Task:
    task = find_task(task, "evaluate") if isinstance(task, str) else task
    return same_alphabet(task, trainer.task, task.name, "evaluate", "task")


def same_alphabet(task: Task, own: Task, name: str, where: str, argument: str) -> Task:
    """The task, as sequences; refuses one with other tokens than the task of the training."""
    task = sequence_task(task)
    got = f"{name!r}, the tokens of which are {shown(task.alphabet)}"
    expected = f"a task with the tokens {shown(own.alphabet)}, as in training"
    fix = "Test on a task of the same tokens."
    check(task.alphabet == own.alphabet, where, argument, got=got, expected=expected, fix=fix)
    return task


def drawn_sequences(
    config: TrainConfig, task: Task, length: int, *, size: int, shifted: bool = True
) -> Iterator[tuple[Instance, Ids]]:
    """The random test sequences of a length, and their IDs: a function of the seed, the task and the length."""
    rng = generator(config, f"test {task.name}", length)
    for _ in range(size):
        instance = sampled(task, length, rng, "evaluate")
        yield instance, ids_of(instance, config.how, config.n_ids, rng, training=False, shifted=shifted)


def wrong_steps(trainer: Trainer, sequences: Iterable[tuple[Instance, Ids]]) -> tuple[int, list[tuple[int, int]]]:
    """The steps that a model gets wrong after the reference's prefix, in float64.

    Right is a step whose token, and increment where it is predicted, has the strictly largest logit.

    Returns
    -------
    (steps in all, the places (sequence, step) of the wrong ones)

    Examples
    --------
    >>> from idealized_model.transformer.laws import sequences_of_training
    >>> config = TrainConfig("copy", "coupled", longest=1, n_ids=4, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> steps, wrong = wrong_steps(Trainer(config), sequences_of_training(config))
    >>> steps, 0 < len(wrong) < steps  # 2 symbols at 3 places each
    (6, True)

    Cost: one forward pass over the sequences.
    """
    n_sequences, n_steps, wrong = 0, 0, list[tuple[int, int]]()
    for found in answers(trainer, sequences):
        n_steps += int((found.batch.weights > 0).sum())
        wrong += zip((n_sequences + found.wrong[0]).tolist(), found.wrong[1].tolist(), strict=True)
        n_sequences += len(found.instances)
    return n_steps, wrong


class Answers(NamedTuple):
    """What a model predicts of a batch of sequences after the reference's prefix, in float64.

    Attributes
    ----------
    instances, ids, batch : the sequences.
    tokens : (batch, S) the token with the strictly largest logit at each query, -1 where there is none.
    increments : (batch, S) the class of the ID increment, likewise; None for a model that predicts none.
    """

    instances: list[Instance]
    ids: list[Ids]
    batch: Batch
    tokens: NDArray[np.int64]
    increments: NDArray[np.int64] | None

    @property
    def wrong(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows and the numbers of the wrong steps, in order."""
        right = self.tokens == self.batch.targets
        if self.increments is not None and self.batch.increments is not None:
            right &= self.increments == self.batch.increments
        rows, steps = np.nonzero(~right & (self.batch.weights > 0))
        return rows, steps


def answers(trainer: Trainer, sequences: Iterable[tuple[Instance, Ids]]) -> Iterator[Answers]:
    """What a model predicts of sequences, in batches of about one memory, in their order.

    Examples
    --------
    >>> config = TrainConfig("copy", "coupled", longest=1, n_ids=4, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> trainer, instance = Trainer(config), find_task("copy").solve((0, 2))
    >>> [found.tokens.shape for found in answers(trainer, [(instance, (1, 0, 1))])]
    [(1, 1)]
    """
    parameters = Parameters(trainer.model, trainer.parameters.flat.astype(np.float64))
    engine = Engine(trainer.model, dtype=np.float64, threads=trainer.threads)
    for instances, ids in _in_batches(sequences):
        batch = batch_of(instances, ids, trainer.increments)
        with alone():
            logits, increments = engine.logits(parameters, batch)
        yield Answers(instances, ids, batch, _decided(logits), None if increments is None else _decided(increments))


def _decided(logits: Array) -> NDArray[np.int64]:
    """The class with the strictly largest logit; -1 where there is none."""
    top = logits.argmax(axis=-1)
    return np.where(strictly_largest(logits, top), top, -1)


def strictly_largest(logits: Array, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the class has a larger logit than every other; logits (..., classes), one class for each row of them."""
    own = np.take_along_axis(logits, classes[..., None], axis=-1)
    return np.asarray((logits < own).sum(axis=-1) == logits.shape[-1] - 1)


def drawn_tests(
    trainer: Trainer, task: Task, length: int, size: int, shifted: bool = True
) -> Iterator[tuple[list[Instance], list[Ids]]]:
    """The test sequences of a length, and their IDs, in batches of about one memory."""
    return _in_batches(drawn_sequences(trainer.config, task, length, size=size, shifted=shifted))


def _in_batches(sequences: Iterable[tuple[Instance, Ids]]) -> Iterator[tuple[list[Instance], list[Ids]]]:
    instances: list[Instance] = []
    ids: list[Ids] = []
    for instance, own in sequences:
        instances.append(instance)
        ids.append(own)
        n = max(len(instance.tokens) for instance in instances)
        if (len(instances) + 1) * n > CELLS or (len(instances) + 1) * n * n > PAIRS:
            yield instances, ids
            instances, ids = [], []
    if instances:
        yield instances, ids


def _reproduces(trainer: Trainer, instance: Instance, ids: Ids) -> bool:
    tokens, made = list(instance.tokens[: instance.n_prompt]), list(ids[: instance.n_prompt])
    predicted = {step.position for step in instance.steps}
    tops = [max(trainer.config.n_ids, max(column) + 1) - 1 for column in coordinates(ids)]
    for t in range(instance.n_prompt, len(instance.tokens)):
        if t not in predicted:
            tokens.append(instance.tokens[t])
            made.append(ids[t])
            continue
        queries, one = np.array([[t - 1]]), np.ones((1, 1), dtype=np.float32)
        prefix = Batch(np.array([tokens]), np.array([made]), queries, np.zeros_like(queries), one)
        logits, increments = trainer.engine.logits(trainer.parameters, prefix)
        if np.isnan(logits).any():
            return False
        tokens.append(int(logits.argmax()))
        step = None if increments is None else trainer.increments[int(increments.argmax())]
        if step is None:
            made.append(ids[t])
        else:
            grown = zip(coordinates([plus(made[-1], step)]), tops, strict=True)
            made += joined([(min(max(i, 0), top),) for (i,), top in grown])
    return tuple(tokens) == instance.tokens and (not trainer.increments or tuple(made) == ids)
