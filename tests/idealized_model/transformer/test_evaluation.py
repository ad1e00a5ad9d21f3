"""Scores of trained models, and where their attention goes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import evaluation
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.data import batch_of
from idealized_model.transformer.evaluation import attention_mass, drawn_sequences, evaluate, rollout, wrong_steps
from idealized_model.transformer.laws import sequences_of_training
from idealized_model.transformer.runs import Evaluation, run
from idealized_model.transformer.training import TrainConfig, Trainer
from theory import InvalidArgument
from theory.tasks import TASKS, FullParity, PointerChasing, ScratchpadParity

SMALL: dict[str, Any] = {"longest": 2, "n_ids": 32, "steps": 60, "batch": 16, "width": 16, "layers": 1, "heads": 2}
PARITY = "parity with scratchpad, query-coupled"


def trained(task: str, positions: str, *, until: int | None = None, **changes: Any) -> Trainer:
    trainer = Trainer(TrainConfig(task, positions, **{**SMALL, "rate": 1e-2, "warmup": 5, **changes}))
    trainer.run(until=until)
    return trainer


@pytest.fixture(scope="module")
def follower() -> Trainer:
    """A model that follows pointers two steps, IDs included."""
    return trained("pointer chasing", "predicted", steps=300, batch=32, width=32, rate=5e-3, warmup=20)


# ── Scores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("task", "positions"),
    [
        ("copy", "alibi"),
        (PARITY, "coupled-ordered"),
        ("pointer chasing", "predicted"),
        ("addition of 3 numbers", "coupled"),
    ],
)
def test_one_pass_decides_what_running_freely_does(task: str, positions: str) -> None:
    trainer = Trainer(TrainConfig(task, positions, **{**SMALL, "rate": 1e-2, "warmup": 5}))
    for steps in (10, 60):
        trainer.run(until=steps)
        for length in (1, 2):
            assert evaluate(trainer, task, length, size=24).free_running == rollout(trainer, task, length, size=24)
    assert trainer.increments == ((1, 2) if positions == "predicted" else ())


@pytest.mark.parametrize(("task", "positions"), [(PARITY, "coupled"), ("pointer chasing", "predicted")])
def test_counts_are_those_of_one_sequence_and_step_after_the_other(task: str, positions: str) -> None:
    trainer = trained(task, positions, until=40)
    score = evaluate(trainer, task, 3, size=20)
    steps = right = teacher_forced = 0
    for instances, ids in evaluation.drawn_tests(trainer, TASKS[task], 3, 20):
        for instance, own in zip(instances, ids, strict=True):
            logits, _ = trainer.engine.logits(trainer.parameters, batch_of([instance], [own], trainer.increments))
            hits = [logits[0, j].argmax() == instance.tokens[t] for j, (t, _) in enumerate(instance.steps)]
            steps, right, teacher_forced = steps + len(hits), right + sum(hits), teacher_forced + all(hits)
    assert (score.steps, score.steps_right, score.teacher_forced) == (steps, right, teacher_forced)
    assert 0 < right < steps
    assert (score.task, score.length, score.size) == (task, 3, 20)


def test_what_fills_a_row_is_neither_right_nor_wrong() -> None:
    """Rows are filled with the first token, which pointers never end on; this model predicts nothing else."""
    trainer = Trainer(TrainConfig("pointer chasing", "coupled", **{**SMALL, "longest": 6}))
    trainer.parameters["head.weight"][...] = 0
    score, batch = evaluate(trainer, "pointer chasing", 6, size=20), trainer.batch(1)
    assert (batch.weights == 0).any()
    assert trainer.accuracy(batch) == 0
    assert (score.steps_right, score.teacher_forced) == (0, 0)
    assert score.steps == sum(
        len(one.steps) for part, _ in evaluation.drawn_tests(trainer, trainer.task, 6, 20) for one in part
    )


def test_predicted_ids_count(follower: Trainer) -> None:
    """A model whose tokens are right and whose IDs are wrong is right when it is forced, and not when it runs freely."""
    assert evaluate(follower, "pointer chasing", 2, size=32).free_running == 32
    weight = follower.parameters["increments.weight"]
    before = weight.copy()
    weight[...] = before[:, ::-1]
    score = evaluate(follower, "pointer chasing", 2, size=32)
    free = rollout(follower, "pointer chasing", 2, size=32)
    weight[...] = before
    assert score.teacher_forced == 32
    assert score.free_running < 8
    assert free < 8


def test_what_is_measured_without_a_size(follower: Trainer) -> None:
    """As many instances as the documents say: 128 are scored and run freely."""
    assert evaluate(follower, "pointer chasing", 1).size == 128
    assert rollout(follower, "pointer chasing", 1) == 128


def test_predicted_ids_stay_within_the_table() -> None:
    """A model that always jumps by 2 would soon read a row that the table of IDs does not have."""
    trainer = Trainer(TrainConfig("pointer chasing", "predicted", **{**SMALL, "longest": 6, "n_ids": 8}))
    assert trainer.increments == (1, 2)
    trainer.parameters["norm.gain"][...], trainer.parameters["norm.bias"][...] = 0, 1
    trainer.parameters["increments.weight"][...] = [[0, 1]]
    jumps = [len(one.steps) for part, _ in evaluation.drawn_tests(trainer, trainer.task, 6, 20) for one in part]
    assert 2 * max(jumps) > 8
    assert rollout(trainer, "pointer chasing", 6, size=20) == 0


def test_logits_that_are_not_numbers_are_never_right() -> None:
    """Otherwise they would stand for the first token, which half of the copies of length 1 ask for."""
    trainer = Trainer(TrainConfig("copy", "none", **SMALL))
    trainer.parameters["head.weight"][...] = np.nan
    score = evaluate(trainer, "copy", 1, size=40)
    assert (score.steps_right, score.teacher_forced, score.free_running) == (0, 0, 0)
    assert rollout(trainer, "copy", 1, size=40) == 0


def test_scores_do_not_depend_on_how_the_sequences_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained(PARITY, "coupled-ordered", until=40)
    whole = evaluate(trainer, PARITY, 4, size=30)
    n = len(ScratchpadParity("query").sample(4, np.random.default_rng(0)).tokens)
    for name, limit, most in (("CELLS", 3 * n, 3), ("PAIRS", 4 * n * n, 4), ("CELLS", 1, 1)):
        with monkeypatch.context() as patch:
            patch.setattr(evaluation, name, limit)
            sizes = [len(ids) for _, ids in evaluation.drawn_tests(trainer, TASKS[PARITY], 4, 30)]
            assert max(sizes) == most
            assert sum(sizes) == 30
            assert evaluate(trainer, PARITY, 4, size=30) == whole


def test_drawn_tests_depend_on_the_seed_and_the_length_alone() -> None:
    def sequences(seed: int, steps: int, length: int) -> list[Any]:
        trainer = Trainer(TrainConfig("copy", "random-ordered", **{**SMALL, "seed": seed}))
        trainer.run(until=steps)
        return list(evaluation.drawn_tests(trainer, TASKS["copy"], length, 5))

    assert sequences(0, 0, 2) == sequences(0, 3, 2)
    assert sequences(0, 0, 2) != sequences(1, 0, 2)
    assert sequences(0, 0, 2)[0][0][0].tokens != sequences(0, 0, 3)[0][0][0].tokens[:5]


def test_drawn_tests_come_from_streams_that_training_does_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every generator that a run makes, by what it would draw first."""
    made: list[int] = []
    default_rng = np.random.default_rng

    def recorded(*arguments: Any) -> np.random.Generator:
        made.append(int(default_rng(*arguments).integers(2**62)))
        return default_rng(*arguments)

    monkeypatch.setattr(np.random, "default_rng", recorded)
    trainer = trained("copy", "random-ordered", steps=20)
    in_training = set(made)
    assert len(in_training) >= 21  # the parameters, and every step
    made.clear()
    for task, length in product(("copy", "reverse"), range(1, 7)):
        evaluate(trainer, task, length, size=2)
    assert len(set(made)) == len(made) == 12
    assert not in_training & set(made)


@pytest.mark.parametrize("positions", ["random-shift", "pose", "coupled"])
def test_drawn_tests_are_in_one_piece_at_a_random_offset_or_counted_from_the_first_id(positions: str) -> None:
    trainer, n_values = Trainer(TrainConfig("copy", positions, **SMALL)), 5 if positions == "coupled" else 9
    assert _runs(trainer, 20, shifted=False) == {tuple(range(n_values))}
    offsets = range(trainer.config.n_ids - n_values + 1)
    assert _runs(trainer, 400) == {tuple(range(offset, offset + n_values)) for offset in offsets}


@pytest.mark.parametrize("positions", ["none", "absolute", "rope"])
def test_ids_that_training_counts_from_0_are_counted_so_in_tests(positions: str) -> None:
    assert _runs(Trainer(TrainConfig("copy", positions, **SMALL)), 20) == {tuple(range(9))}


def _runs(trainer: Trainer, size: int, **options: bool) -> set[tuple[int, ...]]:
    """The IDs of test sequences of copy at length 4, without repeats."""
    batches = evaluation.drawn_tests(trainer, TASKS["copy"], 4, size, **options)
    return {tuple(sorted(set(own))) for _, ids in batches for own in ids}


def test_every_score_speaks_of_the_same_ids() -> None:
    """A model that predicts something only where the IDs are counted from 0."""
    trainer = trained("full parity", "random-shift", mlp=False, norm=False)
    trainer.parameters["ids"][6:] = np.nan  # those of four bits and the question are below
    assert np.isfinite(attention_mass(trainer, "full parity", 4, size=8, shifted=False)).all()
    assert np.isnan(attention_mass(trainer, "full parity", 4, size=8)).all()
    right = [evaluate(trainer, "full parity", 4, size=40, shifted=shifted).free_running for shifted in (False, True)]
    assert right[0] > 10 > right[1]
    assert right == [rollout(trainer, "full parity", 4, size=40, shifted=shifted) for shifted in (False, True)]


def test_a_window_at_test_alone_is_that_of_a_model_with_these_parameters() -> None:
    trainer = trained("copy", "coupled")
    masked = trainer.windowed(1)
    assert (masked.config.window, masked.model.window, trainer.model.window) == (1, 1, None)
    assert np.array_equal(masked.parameters.flat, trainer.parameters.flat)
    everything = trainer.windowed(100)  # hides nothing, and no score depends on anything else
    assert evaluate(everything, "copy", 6, size=16) == evaluate(trainer, "copy", 6, size=16)
    (one, *_), (other, *_) = attention_mass(masked, "copy", 6), attention_mass(trainer, "copy", 6)
    assert min(one) > max(other)  # nothing goes to what is farther away
    masked.parameters.flat[...] = 0
    assert trainer.parameters.flat.any()


def test_another_task_of_the_same_tokens() -> None:
    trainer = trained("addition, reversed", "none", until=3)
    other = next(task for task in TASKS.values() if task.alphabet == trainer.task.alphabet and task != trainer.task)
    assert evaluate(trainer, other, 2, size=4).task == other.name
    with pytest.raises(InvalidArgument, match=r"evaluate: argument task: got 'copy', the tokens of which are \('a'"):
        evaluate(trainer, "copy", 2)


def test_a_length_beyond_the_ids_names_the_option() -> None:
    trainer = trained("copy", "coupled", until=1)
    with pytest.raises(InvalidArgument, match=r"got 32 IDs for a sequence that needs 41; .* Raise it with --ids 41"):
        evaluate(trainer, "copy", 40, size=2)


# ── Attention ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_uniform_attention_spreads_over_what_a_query_sees() -> None:
    """Equal logits: a query at position t gives 1/(t + 1) to every key, so a dependency set of k keys has k/(t + 1)."""
    trainer = Trainer(TrainConfig("copy", "none", **{**SMALL, "layers": 2}))
    for i in range(2):
        trainer.parameters[f"{i}.qkv.weight"][...] = 0
    n = 5
    expected = np.mean([1 / (t + 1) for t in range(n, 2 * n)])  # copying reads one token; its queries are n..2n-1
    assert np.array(attention_mass(trainer, "copy", n, size=3)) == pytest.approx(np.full((2, 2), expected), rel=1e-6)


def test_attention_mass_is_the_mean_over_queries_of_sequences_of_different_lengths() -> None:
    """Dense layers, padded rows: against one sequence and query after the other."""
    trainer = trained("pointer chasing", "coupled", until=30, layers=2)
    task, ragged = TASKS["pointer chasing"], set()
    sums, queries = np.zeros((2, 2)), 0
    for instances, ids in evaluation.drawn_tests(trainer, task, 6, 12):
        for instance, own in zip(instances, ids, strict=True):
            ragged.add(len(instance.steps))
            layers = trainer.engine.attention(trainer.parameters, batch_of([instance], [own]))
            for j, (t, sources) in enumerate(instance.steps):
                for i, row in enumerate((t - 1, j)):  # every position in the first layer, the queries in the last
                    sums[i] += [sum(layers[i][0, head, row, source] for source in sources) for head in range(2)]
                queries += 1
    assert len(ragged) > 1
    assert np.array(attention_mass(trainer, task, 6, size=12)) == pytest.approx(sums / queries, rel=1e-5)


def test_a_model_that_follows_pointers_looks_at_them(follower: Trainer) -> None:
    untrained = Trainer(follower.config)
    assert isinstance(follower.task, PointerChasing)
    before, after = (np.max(attention_mass(one, follower.task, 2)) for one in (untrained, follower))
    assert after > before + 0.2


def test_a_task_may_be_none_of_the_registry() -> None:
    trainer = trained("full parity", "none", until=2)
    assert evaluate(trainer, FullParity(), 3, size=4) == evaluate(trainer, "full parity", 3, size=4)


# ── Every step ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_steps_are_those_of_running_after_the_reference_one_step_at_a_time() -> None:
    config = TrainConfig(
        "addition, reversed", "predicted", longest=2, n_ids=12, steps=40, batch=16, width=8, layers=1, heads=1
    )
    trainer = Trainer(config)
    trainer.run()
    sequences = list(drawn_sequences(config, trainer.task, 3, size=20))
    steps, wrong = wrong_steps(trainer, sequences)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "CELLS", 100)  # in several batches
        assert wrong_steps(trainer, sequences) == (steps, wrong)
    expected = []
    for i, (instance, ids) in enumerate(sequences):
        for j, step in enumerate(instance.steps):
            t = step.position
            one = np.ones((1, 1), dtype=np.float32)
            prefix = Batch(
                np.array([instance.tokens[:t]]), np.array([ids[:t]]), np.array([[t - 1]]), np.zeros((1, 1), int), one
            )
            logits, increments = trainer.engine.logits(trainer.parameters, prefix)
            assert increments is not None
            grown = trainer.increments[int(increments.argmax())]
            if int(logits.argmax()) != instance.tokens[t] or grown != ids[t] - ids[t - 1]:
                expected.append((i, j))
    assert steps == sum(len(instance.steps) for instance, _ in sequences)
    assert 0 < len(wrong) < steps
    assert wrong == expected
    score = evaluate(trainer, trainer.task, 3, size=20)  # of the very sequences
    assert score.free_running == 20 - len({i for i, _ in wrong})


def test_a_tie_is_no_right_step() -> None:
    config = TrainConfig("copy", "coupled", longest=1, n_ids=4, width=8, layers=1, heads=1)
    trainer = Trainer(config)
    trainer.parameters.flat[...] = 0
    sequences = list(drawn_sequences(config, trainer.task, 1, size=5))
    assert wrong_steps(trainer, sequences) == (5, [(i, 0) for i in range(5)])


def test_a_row_notes_every_wrong_step_of_training_and_tests_where_that_is_asked() -> None:
    config = TrainConfig("copy", "coupled", longest=1, n_ids=5, steps=3, batch=4, width=8, layers=1, heads=2)
    plain, noted = (run(config, Evaluation((1, 2), size=6, every_step=asked)) for asked in (False, True))
    assert "every_step" not in plain
    assert plain["digest"] != noted["digest"]
    found = noted["every_step"]
    assert found["training"]["steps"] == len(list(sequences_of_training(config)))
    for test, own in zip(noted["tests"], found["tests"], strict=True):
        assert (own["task"], own["length"], own["steps"]) == (test["task"], test["length"], test["steps"])
        assert len({i for i, _ in own["wrong"]}) == test["size"] - test["teacher_forced"]
    with pytest.raises(InvalidArgument, match="argument every_step: got the str 'yes'; expected true or false"):
        Evaluation((1,), every_step="yes")  # type: ignore[arg-type]
