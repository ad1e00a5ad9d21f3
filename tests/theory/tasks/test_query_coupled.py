"""Query coupling: the IDs of the queries are those of the tokens that they predict, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check import check_task
from theory.errors import InvalidArgument
from theory.tasks import TASKS, Copy, FullParity, QueryCoupled, find_task, sparse_parity

TOKEN_COUPLED = [name for name in TASKS if TASKS[name].anchor == "last" and TASKS[name].offsets not in
                 (frozenset({(0,)}), frozenset({(0, 0)})) and not TASKS[name].takes_key]  # fmt: skip


@pytest.mark.parametrize("name", TOKEN_COUPLED)
def test_each_query_carries_the_id_of_the_token_that_it_predicts(name: str, rng: np.random.Generator) -> None:
    task = find_task(f"{name}, query-coupled")
    assert task.name == f"{name}, query-coupled"
    length = task.min_length + 3
    base, moved = TASKS[name].sample(length, np.random.default_rng(0)), task.sample(length, np.random.default_rng(0))
    assert moved.tokens == base.tokens
    assert moved.steps == base.steps
    assert moved.ids[: base.n_prompt - 1] == base.ids[: base.n_prompt - 1]
    for position, _ in base.steps:
        assert moved.ids[position - 1] == base.ids[position]


def test_what_is_copied_has_the_id_of_the_query() -> None:
    instance = QueryCoupled(Copy(2)).solve((0, 1, 1, 2))
    for position, (source,) in instance.steps:
        assert instance.ids[source] == instance.ids[position - 1]


@pytest.mark.parametrize(
    "task",
    [Copy(2), pytest.param(TASKS["addition, reversed, carry shown"], marks=pytest.mark.slow)],
    ids=lambda task: task.name,
)
def test_it_keeps_the_promises_of_a_task(task: Copy) -> None:
    check_task(QueryCoupled(task), lengths=(1, 2)).require()


@pytest.mark.parametrize("task", [sparse_parity(2), FullParity(), TASKS["pointer chasing"], QueryCoupled(Copy(2)),
                                  TASKS["parity with scratchpad, query-coupled"]])  # fmt: skip
def test_a_task_that_has_no_such_coupling_is_refused(task: Copy) -> None:
    with pytest.raises(InvalidArgument, match="a token-coupled task"):
        QueryCoupled(task)
