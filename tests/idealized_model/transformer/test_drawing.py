"""Batches drawn as arrays have the law of those that are made one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from idealized_model.transformer import training
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.data import POSITIONS, Positions, Queried, batch_of, ids_of, packed, sequence_task
from idealized_model.transformer.drawing import drawn_alone, drawn_packed, supervised
from idealized_model.transformer.training import TrainConfig, Trainer
from theory.errors import InvalidArgument
from theory.tasks import (
    Addition,
    Copy,
    FullParity,
    Instance,
    MultiAddition,
    PointerChasing,
    QueryCoupled,
    Sorting,
    Task,
    sparse_parity,
)
from theory.tasks.drawing import Drawn
from theory.tasks.wrapped import Wrapped

TASKS = [
    PointerChasing(1, (1, 2)), Sorting(2), QueryCoupled(Copy(1)), MultiAddition(2, base=2), Queried(FullParity()),
    Queried(sparse_parity(1)),
]  # fmt: skip
ODD = {
    "chunks of coupled IDs": Positions("", "learned", True, "chunks"),
    "coupled IDs, rotated": Positions("", "rope", True, "ordered"),
}


def seen(batch: Batch) -> Iterator[tuple[object, ...]]:
    """Of every row what a model is given, and what it has to predict."""
    for r in range(len(batch)):
        scored = batch.weights[r] > 0
        end = int(batch.queries[r, -1]) + 1
        classes = () if batch.increments is None else tuple(batch.increments[r, scored].tolist())
        queries, targets = batch.queries[r, scored], batch.targets[r, scored]
        parts = batch.tokens[r, :end], batch.ids[r, :end], queries, targets
        yield (*(tuple(part.tolist()) for part in parts), classes)


def drawn_batch(
    task: Task, length: int, size: int, how: Positions, n_ids: int, seed: int, increments: tuple[int, ...] = ()
) -> Batch:
    """What training makes of one length where it draws arrays."""
    found = drawn_alone(task, length, size, how, n_ids, np.random.default_rng(seed))
    assert found is not None
    return supervised(*found, increments)


def one_by_one(task: Task, length: int, size: int, how: Positions, n_ids: int, increments: tuple[int, ...]) -> Batch:
    rng = np.random.default_rng(1)
    instances = [task.sample(length, rng) for _ in range(size)]
    return batch_of(instances, [ids_of(one, how, n_ids, rng, training=True) for one in instances], increments)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(
    "positions", ["none", "absolute", "pose", "random-ordered", "coupled", "coupled-ordered", "predicted", *ODD]
)
def test_batches_have_the_law_of_those_made_one_by_one(task: Task, positions: str) -> None:
    how, size, length = {**POSITIONS, **ODD}[positions], 800, 1 if "addition" in task.name else 2
    n_ids = len(task.sample(length, np.random.default_rng(0)).tokens) + 1
    increments = tuple(range(2, -9, -1)) if how.predicted else ()
    fast = drawn_batch(task, length, size, how, n_ids, 0, increments)
    assert fast.weights.dtype == np.float32
    assert fast.ids.max() < n_ids or how.encoding == "none"
    agree(fast, one_by_one(task, length, size, how, n_ids, increments))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("positions", ["random-shift", "random-ordered", "coupled", "coupled-ordered", "predicted"])
def test_packed_batches_have_the_law_of_those_made_one_by_one(task: Task, positions: str) -> None:
    """With few IDs, so that rows repeat; at the least length, behind a longer one where that is not too long."""
    how, size = POSITIONS[positions], 800
    lengths = (task.min_length, task.min_length)
    n_ids = 2 * len(task.sample(lengths[0], np.random.default_rng(0)).tokens) + 1
    increments = tuple(range(9, -19, -1)) if how.predicted else ()
    found = drawn_packed(task, lengths, size, how, n_ids, np.random.default_rng(0))
    if task.sample_many(lengths[0], 4, np.random.default_rng(0)).lengths is not None:  # type: ignore[union-attr]
        assert found is None
        return
    assert found is not None
    fast = supervised(*found, increments)
    rng = np.random.default_rng(1)
    both = [packed(*(task.sample(n, rng) for n in lengths), how, n_ids, rng) for _ in range(size)]
    agree(fast, batch_of([one for one, _ in both], [ids for _, ids in both], increments))


def test_a_packed_batch_may_have_two_lengths() -> None:
    found = drawn_packed(Copy(2), (1, 3), 50, POSITIONS["coupled"], 9, np.random.default_rng(0))
    assert found is not None
    batch = supervised(*found)
    assert batch.tokens.shape == (50, 3 + 7 - 1)
    assert (batch.tokens[:, [1, 6]] == 2).all()
    first, second = batch.ids[:, :3], batch.ids[:, 3:]
    assert ((first.max(axis=1) < second.min(axis=1)) | (second.max(axis=1) < first.min(axis=1))).all()
    assert (first - first[:, 1:2] == [1, 0, 1]).all()
    assert (second - second[:, 3:4] == [1, 2, 3, 0, 1, 2]).all()


def agree(fast: Batch, slow: Batch) -> None:
    """That two batches may be of one law."""
    size, found, expected = len(fast), Counter(seen(fast)), Counter(seen(slow))
    # Rare rows may be missing on one side; those that are not are on both.
    assert all(found[row] for row in expected if expected[row] > 15)
    assert all(expected[row] for row in found if found[row] > 15)
    common = [row for row in found | expected if found[row] + expected[row] >= 10]
    rest = [size - sum(counts[row] for row in common) for counts in (found, expected)]
    table = [
        [counts[row] for row in common] + [left] * any(rest)
        for counts, left in zip((found, expected), rest, strict=True)
    ]
    assert len(table[0]) == 1 or chi2_contingency(table).pvalue > 1e-5


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_sequence_that_needs_more_ids_is_refused_or_has_room_made(positions: str) -> None:
    how = POSITIONS[positions]
    if how.encoding != "learned":
        batch = drawn_batch(Copy(2), 5, 8, how, 3, 0)
        assert batch.ids.tolist() == [list(range(10))] * 8
    else:
        with pytest.raises(InvalidArgument, match="argument n_ids: got 3 IDs for a sequence that needs"):
            drawn_batch(Copy(2), 5, 8, how, 3, 0)


def test_an_increment_that_a_model_cannot_predict_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="got the ID increment 2; expected one of"):
        drawn_batch(PointerChasing(), 9, 8, POSITIONS["predicted"], 32, 0, (1,))


class Wrong(Copy):
    """A task that draws what it is asked to."""

    def __init__(self, made: object) -> None:
        super().__init__(2)
        object.__setattr__(self, "made", made)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        if isinstance(self.made, Exception):  # type: ignore[attr-defined]
            raise self.made  # type: ignore[attr-defined]
        return self.made  # type: ignore[attr-defined,no-any-return]


def tokens(*values: int, size: int = 4) -> Drawn:
    made, ids, steps = (np.array([row] * size) for row in (values, [0] * len(values), [len(values) - 1]))
    return Drawn(made, ids, steps, n_prompt=1)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([[0, 1]], "the draw_many of which makes the list"),
        (tokens(0, 2, 0, size=3), "makes 3 rows for a size of 4"),
        (tokens(0, 2, 3), r"with tokens 0\.\.3 and an alphabet of 3"),
        (tokens(-1, 2, 0), r"with tokens -1\.\.2 and an alphabet of 3"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError"),
    ],
)
def test_what_a_task_of_ones_own_draws_is_checked(made: object, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        drawn_batch(Wrong(made), 1, 4, POSITIONS["none"], 8, 0)
    assert len(drawn_batch(Wrong(tokens(2, 2, 0)), 1, 4, POSITIONS["none"], 8, 0)) == 4


class Same(Wrapped):
    """The task within, drawn one by one."""

    def changed(self, instance: Instance) -> Instance:
        return instance


def test_training_draws_arrays_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig("addition, reversed", "coupled", longest=3, n_ids=16, batch=4, width=8, layers=1, heads=1)
    trainer = Trainer(config)
    slow = Trainer(config)
    slow.task = Same(sequence_task(Addition()))
    assert len(slow.batch(0)) == 4
    monkeypatch.setattr(training, "sampled", None)
    assert len(trainer.batch(0)) == 4
    with pytest.raises(TypeError):
        slow.batch(0)
