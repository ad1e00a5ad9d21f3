"""The laws of a run, listed, against what training and tests draw."""

from __future__ import annotations

import numpy as np
import pytest

from idealized_model.transformer.data import POSITIONS, batch_of, ids_of, packed
from idealized_model.transformer.laws import examples_of, sequences_of_tests, sequences_of_training
from idealized_model.transformer.training import TrainConfig, Trainer
from theory import BudgetExceeded
from theory.positions import Ids
from theory.tasks import Instance, step_examples

BASE = {"longest": 2, "n_ids": 8, "width": 8, "layers": 1, "heads": 1, "batch": 40}


def drawn(config: TrainConfig, steps: int) -> set[tuple[tuple[int, ...], ...]]:
    """(tokens, IDs) of the rows of training batches, the last token left out as a batch does."""
    trainer, found = Trainer(config), set()
    for step in range(steps):
        batch = trainer.batch(step)
        for tokens, ids, queries in zip(batch.tokens, batch.ids, batch.queries, strict=True):
            n = int(queries.max()) + 1
            found.add((tuple(tokens[:n].tolist()), tuple(ids[:n].tolist())))
    return found


def listed(sequences: list[tuple[Instance, Ids]]) -> set[tuple[tuple[int, ...], ...]]:
    return {(instance.tokens[:-1], ids[:-1]) for instance, ids in sequences}


@pytest.mark.parametrize(
    ("positions", "packing", "task"),
    [
        *(
            (positions, 0, "parity with scratchpad, token-coupled")
            for positions in POSITIONS
            if positions != "predicted"
        ),
        ("coupled", 0.5, "parity with scratchpad, token-coupled"),
        ("coupled", 1, "parity with scratchpad, query-coupled"),
        ("coupled-ordered", 0.5, "parity with scratchpad, query-coupled"),
        ("random-shift", 0, "full parity"),
    ],
)
def test_training_draws_what_is_listed_and_all_of_it(positions: str, packing: float, task: str) -> None:
    config = TrainConfig(task, positions, packing=packing, shortest=1, **{**BASE, "n_ids": 7})  # type: ignore[arg-type]
    if packing:
        config = TrainConfig(task, positions, packing=packing, **{**BASE, "longest": 1, "n_ids": 7})  # type: ignore[arg-type]
    sequences = list(sequences_of_training(config))
    assert len(sequences) == len(set(sequences))  # each once
    assert drawn(config, 100) == listed(sequences)


def test_tests_draw_what_is_listed() -> None:
    config = TrainConfig("parity with scratchpad, query-coupled", "coupled-ordered", **BASE)  # type: ignore[arg-type]
    sequences = list(sequences_of_tests(config, 3))
    rng = np.random.default_rng(0)
    instance = sequences[0][0]
    found = {ids_of(instance, config.how, config.n_ids, rng, training=False) for _ in range(2000)}
    assert found == {ids for own, ids in sequences if own == instance}
    assert {own.tokens for own, _ in sequences} == {own.tokens for own in Trainer(config).task.support(3)}


def test_examples_are_the_steps_and_with_predicted_ids_the_increments_too() -> None:
    for positions in ("coupled", "predicted"):
        config = TrainConfig("pointer chasing", positions, **BASE)  # type: ignore[arg-type]
        instance, ids = next(sequences_of_training(config))
        expected = list(step_examples(instance, ids, increments=positions == "predicted"))
        assert list(examples_of(instance, ids, config)) == expected


def test_a_packed_sequence_is_supervised_as_a_batch_of_it() -> None:
    config = TrainConfig("parity with scratchpad, token-coupled", "coupled", packing=1, **BASE)  # type: ignore[arg-type]
    rng, task = np.random.default_rng(0), Trainer(config).task
    both, ids = packed(task.sample(1, rng), task.sample(2, rng), config.how, 8, rng)
    examples, batch = list(examples_of(both, ids, config)), batch_of([both], [ids])
    assert [example.label for example in examples] == batch.targets[0].tolist()
    assert [len(example.tokens) - 1 for example in examples] == batch.queries[0].tolist()


def test_laws_that_are_too_large_are_refused_while_they_are_listed() -> None:
    config = TrainConfig("copy", "coupled-ordered", longest=2, n_ids=30)
    with pytest.raises(BudgetExceeded, match=r"sequences_of_training: .*Train on shorter lengths"):
        list(sequences_of_training(config, budget=1000))
    with pytest.raises(BudgetExceeded, match="sequences_of_tests"):
        list(sequences_of_tests(config, 2, budget=1000))


def test_training_begins_at_its_shortest_length() -> None:
    config = TrainConfig("parity with scratchpad, token-coupled", "coupled", shortest=2, **BASE)  # type: ignore[arg-type]
    assert {len(instance.tokens) for instance, _ in sequences_of_training(config)} == {5}
