"""Tasks as a transformer sees them: a token to predict the answer from, where a task has none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from idealized_model.transformer.data import POSITIONS, Queried, batch_of, ids_of, sequence_task
from theory.errors import InvalidArgument
from theory.tasks import TASKS, CountOnes, FullParity, Task, sparse_parity, sparse_parity_up_to


@pytest.mark.parametrize("task", [sparse_parity(2), sparse_parity_up_to(2), FullParity()], ids=lambda task: task.name)
def test_a_question_stands_before_the_answer_and_nothing_else_changes(task: Task) -> None:
    queried = sequence_task(task)
    assert isinstance(queried, Queried)
    assert (queried.name, queried.sparsity, queried.min_length) == (task.name, task.sparsity, task.min_length)
    assert queried.n_instances(3) == task.n_instances(3)
    for old, new in zip(task.support(3), queried.support(3), strict=True):
        assert queried.alphabet[new.tokens[-2]] == "?"
        assert (*new.tokens[:-2], new.tokens[-1]) == old.tokens
        assert new.ids[:-1] == old.ids
        assert new.steps[0].sources == old.steps[0].sources
        assert queried.rule(new.read(new.steps[0])) == new.tokens[-1]
        assert queried.weight(new) == task.weight(old)


def test_questions_are_drawn_by_the_weights_of_the_task() -> None:
    rng = np.random.default_rng(0)
    queried = sequence_task(sparse_parity_up_to(2))
    listed = list(queried.support(2))
    total, n = sum(map(queried.weight, listed)), 3000
    counts = Counter(queried.sample(2, rng) for _ in range(n))
    for instance in listed:
        p = queried.weight(instance) / total
        assert abs(counts[instance] / n - p) < 5 * (p * (1 - p) / n) ** 0.5


def test_the_answer_is_predicted_from_the_question() -> None:
    rng = np.random.default_rng(0)
    task = sequence_task(FullParity())
    instances = [task.sample(n, rng) for n in (3, 5)]
    batch = batch_of(instances, [one.ids for one in instances])
    assert [batch.tokens[row, batch.queries[row, 0]] for row in range(2)] == [len(FullParity().alphabet)] * 2
    assert batch.targets[:, 0].tolist() == [one.tokens[-1] for one in instances]


@pytest.mark.parametrize("name", [name for name in TASKS if TASKS[name].anchor == "last"])
def test_a_sequence_task_stays_as_it_is(name: str) -> None:
    assert sequence_task(TASKS[name]) is TASKS[name]


def test_lengths_are_those_of_the_task() -> None:
    with pytest.raises(InvalidArgument, match="at most 4"):
        sequence_task(CountOnes(4)).sample(5, np.random.default_rng(0))


def test_ids_that_nothing_reads_are_not_drawn() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    instance = FullParity().sample(4, np.random.default_rng(1))
    assert ids_of(instance, POSITIONS["none"], 2, rng, training=True) == tuple(range(5))
    assert rng.bit_generator.state == before
