"""Data, training, checkpoints and evaluation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise, product
from math import comb
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from idealized_model.transformer import training
from idealized_model.transformer.config import Encoding, ModelConfig, Parameters
from idealized_model.transformer.data import POSITIONS, Positions, batch_of, ids_of, increments_of, packed
from idealized_model.transformer.encodings import alibi_slopes
from idealized_model.transformer.evaluation import evaluate
from idealized_model.transformer.optimizer import Diverged
from idealized_model.transformer.results import LATER
from idealized_model.transformer.training import TrainConfig, Trainer
from tests.idealized_model.transformer import plain
from theory import InvalidArgument
from theory.tasks import TASKS, Addition, Copy, Instance, PointerChasing, ScratchpadParity, Step

SMALL: dict[str, Any] = {"longest": 4, "n_ids": 32, "steps": 6, "batch": 4, "width": 8, "layers": 1, "heads": 2}
PARITY = "parity with scratchpad, query-coupled"


def config(task: str = "copy", positions: str = "coupled", **changes: Any) -> TrainConfig:
    return TrainConfig(task, positions, **{**SMALL, **changes})


# ── IDs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("positions", POSITIONS)
def test_ids_are_in_range_and_as_the_scheme_says(positions: str, training: bool) -> None:
    how, rng, n_ids = POSITIONS[positions], np.random.default_rng(0), 40
    for _ in range(50):
        instance = Addition(carry=True).sample(4, rng)
        ids = ids_of(instance, how, n_ids, rng, training=training)
        assert all(0 <= i < n_ids for i in ids)
        if how.coupled:  # equal where the task's are, and in their order
            assert [a < b for a in ids for b in ids] == [a < b for a in instance.ids for b in instance.ids]
        else:
            assert list(ids) == sorted(set(ids))
        if how.relabel == "fixed":
            assert min(ids) == 0
        if how.relabel in ("fixed", "shift") or (how.relabel == "chunks" and not training):
            assert max(ids) - min(ids) == (max(instance.ids) - min(instance.ids) if how.coupled else len(ids) - 1)


@pytest.mark.parametrize("positions", ["random-shift", "pose", "random-ordered", "coupled", "coupled-ordered"])
def test_ids_of_training_reach_the_whole_range(positions: str) -> None:
    rng, reached = np.random.default_rng(0), set()
    for _ in range(400):
        reached |= set(ids_of(Copy().sample(2, rng), POSITIONS[positions], 12, rng, training=True))
    assert reached == set(range(12))


@pytest.mark.parametrize(("positions", "pieces"), [("random-shift", {1}), ("pose", {1, 2}), ("coupled", {1})])
def test_shifts_keep_a_sequence_in_one_piece_and_pose_cuts_it_in_two(positions: str, pieces: set[int]) -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        ids = sorted(set(ids_of(Copy().sample(3, rng), POSITIONS[positions], 40, rng, training=True)))
        seen.add(1 + sum(b - a > 1 for a, b in pairwise(ids)))
    assert seen == pieces


@pytest.mark.parametrize("positions", ["random-ordered", "coupled-ordered"])
def test_random_ordered_ids_reach_the_whole_range_at_test_too(positions: str) -> None:
    rng = np.random.default_rng(0)
    how, instance = POSITIONS[positions], Copy().sample(2, rng)
    drawn = {ids_of(instance, how, 12, rng, training=False) for _ in range(200)}
    assert len(drawn) > 100
    assert set().union(*drawn) == set(range(12))


def test_a_range_that_a_sequence_fills_leaves_one_choice_of_ids() -> None:
    rng = np.random.default_rng(0)
    for positions, how in POSITIONS.items():
        instance = Copy().sample(3, rng)
        n_values = len(set(instance.ids)) if how.coupled else len(instance.tokens)
        ids = {ids_of(instance, how, n_values, rng, training=True) for _ in range(20)}
        least = min(instance.ids)
        assert ids == {tuple(i - least for i in instance.ids) if how.coupled else tuple(range(n_values))}, positions


def test_chunks_of_a_single_id_are_one_shift() -> None:
    rng, one = np.random.default_rng(0), Instance((0, 0), (3, 3), (Step(1, (0,)),))
    how = Positions("two chunks of coupled IDs", "learned", coupled=True, relabel="chunks")
    assert {ids_of(one, how, 4, rng, training=True) for _ in range(60)} == {(i, i) for i in range(4)}


def test_a_range_of_ids_that_is_too_small_is_refused() -> None:
    rng = np.random.default_rng(0)
    message = r"transformer: argument n_ids: got 6 IDs for a sequence that needs 7; expected n_ids >= 7\. Raise it with"
    with pytest.raises(InvalidArgument, match=message):
        ids_of(Copy().sample(3, rng), POSITIONS["random-shift"], 6, rng, training=True)


# ── Batches ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_supervises_every_step_from_the_token_before_it() -> None:
    short, long = PointerChasing().encode("a+2 b+1"), PointerChasing().encode("b+1 b+1 a+2")
    batch = batch_of([short, long], [short.ids, long.ids], increments=(1, 2))
    assert batch.tokens.shape == (2, 6)
    assert batch.queries.tolist() == [[2, 2, 2], [3, 4, 5]]
    assert batch.weights.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch.targets[1].tolist() == list(long.tokens[4:])
    assert batch.increments is not None
    assert [(1, 2)[c] for c in batch.increments[1]] == [1, 1, 2]
    assert batch.tokens[0, :3].tolist() == list(short.tokens[:3])


def test_rows_are_filled_with_their_last_query() -> None:
    """Queries increase in each row, on which the engine relies when it leaves keys out."""
    rng, task = np.random.default_rng(0), PointerChasing()
    instances = [task.sample(6, rng) for _ in range(30)]
    batch = batch_of(instances, [one.ids for one in instances])
    assert len({len(one.steps) for one in instances}) > 2
    for row, one in enumerate(instances):
        own = [step.position - 1 for step in one.steps]
        assert batch.queries[row].tolist() == own + [own[-1]] * (batch.queries.shape[1] - len(own))
        assert batch.weights[row].tolist() == [1] * len(own) + [0] * (batch.queries.shape[1] - len(own))


def test_an_increment_that_the_model_does_not_know_is_refused() -> None:
    instance = PointerChasing(jumps=(1, 3)).encode("a+3 b+1 a+1")
    with pytest.raises(InvalidArgument, match=r"increments: got the ID increment 3; expected one of \[1, 2\]"):
        batch_of([instance], [instance.ids], increments=(1, 2))


def test_the_increments_of_a_task() -> None:
    rng = np.random.default_rng(0)
    assert increments_of(PointerChasing(jumps=(1, 2, 5)), 9, rng) == (1, 2, 5)
    assert increments_of(Addition(), 3, rng) == (-1,)


@pytest.mark.parametrize(
    ("n_heads", "slopes"),
    [
        (8, [2.0**-h for h in range(1, 9)]),
        (6, [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3]),
        (12, [*(2.0**-h for h in range(1, 9)), 2.0**-0.5, 2.0**-1.5, 2.0**-2.5, 2.0**-3.5]),
    ],
)
def test_alibi_slopes(n_heads: int, slopes: list[float]) -> None:
    assert alibi_slopes(n_heads).tolist() == slopes


# ── Configurations ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_configuration_survives_toml_and_has_a_digest_of_its_own() -> None:
    one = config(rate=3e-4, log_scale=True)
    assert TrainConfig.from_toml(one.toml()) == one
    assert one.digest == config(rate=3e-4, log_scale=True).digest
    assert one.digest != config(rate=3e-4).digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "no such task"}, r"argument task: got 'no such task'; expected one of .*copy"),
        ({"positions": "nowhere"}, r"argument positions: got 'nowhere'; expected one of none, absolute"),
        ({"longest": 0}, "argument longest: got 0; expected an integer >= 1"),
        ({"longest": 10**9}, "argument longest: got 1000000000; expected 1 to 10,000"),
        ({"shortest": 5}, "argument longest: got 4; expected 5 to 10,000"),
        ({"seed": -1}, "argument seed: got -1"),
        ({"task": 3}, r"TrainConfig: argument task: got 3; expected the name of a task"),
        ({"engine": "torch"}, "argument engine: got 'torch'; expected one of numpy, jax"),
        ({"log_scale": 1}, "argument log_scale: got 1; expected true or false"),
        ({"beta2": 1.5}, r"argument beta2: got 1\.5; expected a number >= 0 and < 1"),
        ({"decay": -0.5}, r"argument decay: got -0\.5; expected a number >= 0"),
        ({"beta1": 1}, "argument beta1: got 1; expected a number >= 0 and < 1"),
        ({"floor": 2}, "argument floor: got 2; expected a number from 0 to 1"),
        ({"shortest": "a"}, "argument shortest: got 'a'; expected an integer >= 1"),
        ({"rate": 10**400}, "argument rate: got 1000000"),
        ({"rate": float("inf")}, "argument rate: got inf; expected a number > 0"),
        ({"rate": 0.0}, r"argument rate: got 0\.0; expected a number > 0"),
        ({"rate": float("nan")}, "argument rate: got nan"),
    ],
)
def test_a_bad_configuration_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        config(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('task = "copy', r"argument text: got malformed TOML"),
        (
            'task = "copy"\nlearning = 1',
            r"argument learning: got an unknown name; expected names among activation, batch, ",
        ),
    ],
)
def test_a_bad_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        TrainConfig.from_toml(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 6, "n_heads": 4}, "argument width: got 6; expected a multiple of 4"),
        ({"width": 12, "n_heads": 4, "encoding": "rope"}, "expected a multiple of 8"),
        ({"encoding": "learned"}, "argument n_ids: got 0; expected an integer >= 1"),
        ({"encoding": "rotary"}, "argument encoding: got 'rotary'; expected one of none, learned"),
        ({"n_layers": 0}, "argument n_layers: got 0"),
        ({"log_scale": 0.0}, "argument log_scale: got 0.0"),
    ],
)
def test_a_bad_model_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        ModelConfig(n_tokens=3, **changes)


def test_parameters_of_another_configuration_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="argument flat: got 3 numbers; expected "):
        Parameters(ModelConfig(n_tokens=3), np.zeros(3))


# ── Training ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_losses_and_accuracies_leave_out_what_only_fills_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pointers take as many steps as their jumps say: against the definition, query by query in float64."""
    monkeypatch.setattr(training, "EVERY", 5)
    trainer = Trainer(config("pointer chasing", "predicted", longest=6, steps=33, batch=6, rate=1e-2, warmup=0))
    losses: list[float] = []
    accuracies: list[float] = []
    n_filled = 0
    for step in range(33):
        batch, before = trainer.batch(step), plain.exact(trainer.parameters)
        losses.append(plain.loss(trainer.model, before, batch))
        n_filled += np.count_nonzero(batch.weights == 0)
        trainer.run(until=step + 1)
        if trainer.step % 5 == 0 or trainer.step == 33:
            accuracies.append(plain.accuracy(trainer.model, plain.exact(trainer.parameters), batch))
    assert n_filled > 33
    assert [entry.step for entry in trainer.history] == [5, 10, 15, 20, 25, 30, 33]
    assert [entry.accuracy for entry in trainer.history] == pytest.approx(accuracies)
    assert min(accuracies) > 0
    expected = [np.mean(losses[max(0, entry.step - 5) : entry.step]) for entry in trainer.history]
    assert [entry.loss for entry in trainer.history] == pytest.approx(expected, rel=1e-4)
    assert [entry.rate for entry in trainer.history] == [
        trainer.optimizer.rate_of(entry.step - 1) for entry in trainer.history
    ]
    assert trainer.n_tokens == sum(trainer.batch(step).tokens.size for step in range(33))


@pytest.mark.parametrize(
    ("task", "shortest", "lengths"),
    [("copy", 1, {1, 2, 3, 4}), ("copy", 3, {3, 4}), ("sparse parity, k = 3", 1, {3, 4})],
)
def test_batches_have_one_length_each_and_every_length_of_training(task: str, shortest: int, lengths: set[int]) -> None:
    trainer, found = Trainer(config(task, "none", shortest=shortest)), []
    for step in range(60):
        batch = trainer.batch(step)
        assert len(batch) == trainer.config.batch
        (length,) = set(batch.queries[:, 0].tolist())  # the answer is asked for by the token after the input
        found.append(length)
    assert set(found) == lengths


def test_ids_of_training_batches_are_those_of_training() -> None:
    trainer = Trainer(config("copy", "random-shift"))
    assert len({int(trainer.batch(step).ids.min()) for step in range(20)}) > 5


def test_every_seed_purpose_and_number_has_a_stream_of_its_own() -> None:
    keys = list(product((0, 1, 2), ("parameters", "batch", "test copy", "test reverse"), (0, 1, 2)))
    first, again = (
        [tuple(Trainer(config(seed=seed)).rng(what, number).integers(2**62, size=2)) for seed, what, number in keys]
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == len(keys)


@pytest.mark.parametrize("positions", ["rope", "pose", "coupled", "predicted"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_by_bit(positions: str, tmp_path: Path) -> None:
    of = config("copy", positions)
    whole = Trainer(of)
    whole.run()
    part = Trainer(of)
    part.run(until=2)
    part.save(tmp_path / "checkpoint.npz")
    part.run(until=3)  # lost
    again = Trainer.load(tmp_path / "checkpoint.npz", of)
    assert again.step == 2
    again.run()
    assert np.array_equal(again.parameters.flat, whole.parameters.flat)
    assert np.array_equal(again.optimizer.second, whole.optimizer.second)
    assert again.history == whole.history


def test_a_run_depends_on_its_seed() -> None:
    flats = []
    for seed in (0, 0, 1):
        trainer = Trainer(config(seed=seed))
        trainer.run(until=2)
        flats.append(trainer.parameters.flat)
    assert np.array_equal(flats[0], flats[1])
    assert not np.array_equal(flats[0], flats[2])


@pytest.mark.parametrize("clip", [1e9, 0.25])
def test_adamw_is_that_of_the_formula(clip: float) -> None:
    trainer = Trainer(
        config(warmup=0, steps=4, clip=clip, decay=10)
    )  # without decay the parameters would differ by 1e-2
    parameters = trainer.parameters.flat.astype(np.float64)
    gains_and_biases = ("gain", "bias")
    decayed = np.concatenate(
        [np.full(view.size, not name.endswith(gains_and_biases)) for name, view in trainer.parameters.items()]
    )
    first = second = np.zeros_like(parameters)
    for step in range(3):
        _, gradient = trainer.engine.loss_and_gradient(trainer.parameters, trainer.batch(step))
        g = gradient.flat.astype(np.float64)
        norm = float(np.linalg.norm(g))
        assert norm > 0.25
        g *= min(1, clip / norm)
        trainer.run(until=step + 1)
        first, second = 0.9 * first + 0.1 * g, 0.98 * second + 0.02 * g**2
        mean, variance = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.98 ** (step + 1))
        parameters[decayed] *= 1 - trainer.optimizer.rate_of(step) * 10
        parameters -= trainer.optimizer.rate_of(step) * mean / (np.sqrt(variance) + 1e-8)
    assert trainer.parameters.flat == pytest.approx(parameters, abs=3e-5)


def test_the_learning_rate_rises_and_falls() -> None:
    trainer = Trainer(config(warmup=2, steps=6, rate=1.0))
    assert [round(trainer.optimizer.rate_of(step), 3) for step in range(6)] == [0.5, 1.0, 1.0, 0.861, 0.525, 0.189]
    assert trainer.optimizer.rate_of(6) == pytest.approx(0.05)
    assert [trainer.optimizer.rate_of(step) for step in (7, 10, 99)] == pytest.approx([0.05] * 3)  # it rises no more


@pytest.mark.parametrize(("warmup", "steps"), [(0, 1), (0, 6), (1, 2), (3, 4), (3, 9), (4, 4)])
def test_the_learning_rate_at_its_ends(warmup: int, steps: int) -> None:
    trainer = Trainer(config(warmup=warmup, steps=steps, rate=0.3, floor=0.1))
    rates = [trainer.optimizer.rate_of(step) for step in range(steps + 1)]
    assert rates[:warmup] == pytest.approx([0.3 * (step + 1) / warmup for step in range(warmup)])
    assert rates[warmup] == pytest.approx(0.3)
    assert rates[steps] == pytest.approx(0.03 if steps > warmup else 0.3)
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    falling = [a + b for a, b in zip(rates[warmup:], [*rates[:warmup:-1], rates[warmup]], strict=True)]
    assert falling == pytest.approx([rates[warmup] + rates[steps]] * len(falling))  # a cosine is odd about its middle


def test_a_warm_up_may_be_longer_than_the_run() -> None:
    trainer = Trainer(config(warmup=9, steps=5, rate=0.3))
    assert [trainer.optimizer.rate_of(step) for step in range(5)] == pytest.approx(
        [0.3 * (step + 1) / 9 for step in range(5)]
    )


def test_a_loss_that_is_not_finite_stops_the_run_before_it_spoils_anything() -> None:
    trainer = Trainer(config())
    trainer.run(until=1)
    trainer.parameters["tokens"][...] = np.nan
    before = trainer.parameters.flat.copy()
    with pytest.raises(Diverged, match=r"a loss of nan at step 1; expected a finite loss\. Lower the learning rate"):
        trainer.run()
    assert trainer.step == 1
    assert np.array_equal(trainer.parameters.flat, before, equal_nan=True)


@pytest.mark.slow
def test_training_learns_parity_and_goes_on_beyond_its_lengths() -> None:
    changes = {"heads": 1, "width": 64, "layers": 2, "longest": 8, "steps": 400, "batch": 64, "rate": 2e-3, "n_ids": 64}
    trainer = Trainer(config(PARITY, "coupled-ordered", log_scale=True, warmup=20, seed=1, **changes))
    seen: list[tuple[int, float]] = []
    trainer.run(watch=lambda trainer: seen.append((trainer.step, trainer.loss)))
    assert seen[-1][0] == 400
    assert seen[-1][1] < 0.02 < seen[0][1]
    assert evaluate(trainer, PARITY, 15, size=64).free_running >= 60


# ── Checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    Trainer(config()).save(tmp_path / "c.npz")
    message = r"argument config: got another positions, seed than the run's"
    with pytest.raises(InvalidArgument, match=message):
        Trainer.load(tmp_path / "c.npz", config("copy", "rope", seed=3))


def test_broken_checkpoints_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    Trainer(config()).save(good)
    content = good.read_bytes()
    (tmp_path / "truncated.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "foreign.npz").write_text("not a checkpoint")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "newer.npz", format=99)
    with np.load(good) as file:
        data = {name: file[name] for name in file.files}
    np.savez(tmp_path / "shape.npz", **{**data, "first": np.zeros(3, np.float32)})
    for name in ("parameters", "first", "second"):
        np.savez(tmp_path / f"{name}-wide.npz", **{**data, name: data[name].astype(np.float64)})
        np.savez(tmp_path / f"{name}-one.npz", **{**data, name: data[name][:1]})  # could be broadcast
    np.savez(tmp_path / "array.npz", **{**data, "format": np.zeros(3)})
    np.savez(tmp_path / "beyond.npz", **{**data, "step": config().steps + 1})
    np.savez(tmp_path / "below.npz", **{**data, "step": -1})
    np.savez(tmp_path / "history.npz", **{**data, "history": np.zeros((2, 2))})
    np.savez(tmp_path / "losses.npz", **{**data, "losses": 3})
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    method = content.rindex(b"PK\x01\x02") + 10  # of the last member, in the directory
    (tmp_path / "packed.npz").write_bytes(content[:method] + b"\x63" + content[method + 1 :])  # that nothing knows
    broken = [path for path in tmp_path.glob("*.npz") if path != good]
    assert len(broken) == 19
    for path in broken:
        with pytest.raises(
            InvalidArgument, match=r"Trainer\.load: argument path: got .*; expected a checkpoint of this"
        ):
            Trainer.load(path)
    with pytest.raises(InvalidArgument, match="expected an existing checkpoint"):
        Trainer.load(tmp_path / "missing.npz")


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config())
    trainer.save(tmp_path / "c.npz")
    before = (tmp_path / "c.npz").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InvalidArgument, match=r"No space left on device\); expected a file that can be written"):
        trainer.save(tmp_path / "c.npz")
    assert (tmp_path / "c.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_a_checkpoint_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match=r"Not a directory\); expected a file that can be written"):
        Trainer(config()).save(tmp_path / "file" / "c.npz")


# ── Others ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_log_scale_is_a_factor_of_the_logits() -> None:
    assert Trainer(config(log_scale=True)).model.log_scale == 1
    assert Trainer(config()).model.log_scale is None


@pytest.mark.parametrize(
    ("positions", "encoding"), [*product(["coupled", "coupled-ordered", "absolute"], get_args(Encoding))]
)
def test_any_encoding_reads_the_ids_of_a_scheme(positions: str, encoding: str) -> None:
    plain = Trainer(config(positions=positions))
    trainer = Trainer(config(positions=positions, encoding=encoding))
    assert trainer.model.encoding == encoding
    assert trainer.model.n_ids == (32 if encoding == "learned" else 0)
    for step in range(3):
        assert np.array_equal(trainer.batch(step).ids, plain.batch(step).ids)
    assert trainer.config.digest != plain.config.digest


@pytest.mark.parametrize(
    ("task", "window", "expected"),
    [
        ("copy", "none", None), ("copy", "task", 1), ("copy, query-coupled", "task", 0), ("copy", 5, 5),
        ("addition of 3 numbers", "task", 2), ("majority", 0, 0),
    ],
)  # fmt: skip
def test_the_window_of_a_run_is_that_of_its_model(task: str, window: int | str, expected: int | None) -> None:
    assert Trainer(config(task, window=window)).model.window == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": "tusk"}, r'argument window: got .tusk.; expected an integer >= 0, "task" or "none"\.'),
        ({"window": -1}, "argument window: got -1; expected an integer >= 0"),
        ({"window": True}, "argument window: got True; expected an integer >= 0"),
        ({"window": 1.0}, r"argument window: got 1\.0; expected an integer >= 0"),
        ({"positions": "none", "window": 3},
         r"argument window: got 3 with the scheme 'none', which has no IDs; expected 'none', or a scheme with IDs\. For a"),
        ({"positions": "none", "encoding": "rope"}, "argument encoding: got 'rope' with the scheme 'none', which has no IDs"),
        ({"positions": "rope", "window": "task"},
         "argument window: got 'task' with the scheme 'rope', the IDs of which are no coupled ones .* Use coupled IDs, or"),
        ({"task": "addition, plain", "window": "task"}, "got 'task' with 'addition, plain', which claims no offsets"),
        ({"task": "addition of 3 numbers, query-coupled", "window": "task"}, "query-coupled', which claims no offsets"),
        ({"encoding": "ropes"}, "argument encoding: got 'ropes'; expected one of .* Did you mean 'rope'"),
        ({"packing": 1.5}, r"argument packing: got 1\.5; expected a number from 0 to 1"),
        ({"packing": 0.5, "positions": "rope"},
         r"argument packing: got 0\.5 with the scheme 'rope', the IDs of which are not shifted or reordered; expected 0"),
        ({"packing": 0.5, "positions": "pose"}, "argument packing: got 0.5 with the scheme 'pose'"),
        ({"mlp": 1}, "argument mlp: got 1; expected true or false"),
        ({"norm": "no"}, "argument norm: got 'no'; expected true or false"),
    ],
)  # fmt: skip
def test_what_a_scheme_or_a_task_does_not_have_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        config(**changes)


def test_configurations_from_before_a_parameter_came_are_what_they_were() -> None:
    """Their text, and so their digest, is that of a configuration without it."""
    now = config(seed=3)
    lines = now.toml().splitlines(keepends=True)
    before = "".join(line for line in lines if line.partition(" ")[0] not in LATER)
    assert len(lines) == before.count("\n") + len(LATER)
    assert TrainConfig.from_toml(before) == now
    assert now.digest == sha256(before.encode()).hexdigest()[:16]
    for name, other in {"encoding": "rope", "window": 1, "packing": 0.5, "mlp": False, "norm": False}.items():
        assert name in LATER
        changed = config(seed=3, **{name: other})
        assert changed.digest != now.digest
        assert TrainConfig.from_toml(changed.toml()) == changed


# ── Packing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("positions", ["coupled", "coupled-ordered", "random-shift", "random-ordered"])
def test_packed_sequences_share_no_id_and_lie_as_the_law_of_the_scheme_says(positions: str) -> None:
    """Every place is equally likely: two runs of IDs one above the other, or a sorted subset for both."""
    how, rng, n_ids = POSITIONS[positions], np.random.default_rng(0), 9
    first, second = Copy().solve((0, 2)), Copy().solve((1, 2))
    width = 2 if how.coupled else 3
    seen = Counter(packed(first, second, how, n_ids, rng)[1] for _ in range(6000))
    for ids in seen:
        own, other = ids[:3], ids[3:]
        assert 0 <= min(ids) <= max(ids) < n_ids
        assert max(own) < min(other) or max(other) < min(own)
        for part, instance in ((own, first), (other, second)):
            base = instance.ids if how.coupled else range(3)
            assert [a < b for a in part for b in part] == [a < b for a in base for b in base]
            assert how.relabel == "ordered" or max(part) - min(part) == width - 1
    expected = 2 * (comb(n_ids, 2 * width) if how.relabel == "ordered" else comb(n_ids - 2 * width + 2, 2))
    assert len(seen) == expected
    assert all(abs(count - 6000 / expected) < 6 * (6000 / expected) ** 0.5 for count in seen.values())


def test_packed_sequences_keep_their_steps() -> None:
    first, second = Addition(carry=True).encode(7, 5, length=1), Addition(carry=True).encode(30, 12, length=2)
    both, ids = packed(first, second, POSITIONS["coupled"], 40, np.random.default_rng(1))
    n = len(first.tokens)
    assert both.tokens == first.tokens + second.tokens
    assert both.ids == ids
    reads = [(both.tokens[step.position], both.read(step), both.key(step)) for step in both.steps]
    assert reads == [(one.tokens[s.position], one.read(s), one.key(s)) for one in (first, second) for s in one.steps]
    assert [step.position >= n for step in both.steps] == [False] * len(first.steps) + [True] * len(second.steps)


def test_ids_that_do_not_hold_two_sequences_are_refused() -> None:
    one = Copy().sample(3, np.random.default_rng(0))
    packed(one, one, POSITIONS["coupled"], 8, np.random.default_rng(0))
    with pytest.raises(InvalidArgument, match="got 7 IDs for a sequence that needs 8; expected n_ids >= 8"):
        packed(one, one, POSITIONS["coupled"], 7, np.random.default_rng(0))
    longer, _ = packed(one, one, replace(POSITIONS["coupled"], encoding="rope"), 7, np.random.default_rng(0))
    assert set(longer.ids) == set(range(8))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_batches_is_packed(share: float) -> None:
    trainer = Trainer(config(packing=share, batch=2))
    batches = [trainer.batch(step) for step in range(200)]
    lengths = [[instance.shape[0] for instance in batch.queries[:, None]] for batch in batches]
    assert all(len(set(one)) == 1 for one in lengths)
    n_packed = sum(batch.tokens.shape[1] != 2 * batch.queries.shape[1] for batch in batches)
    assert abs(n_packed - 200 * share) < 30 * (0 < share < 1) + 0.5
    for batch in batches:
        starts = (batch.tokens == 2).sum(axis=1)  # separators: of one sequence or of two
        packs = batch.tokens.shape[1] != 2 * batch.queries.shape[1]
        assert set(starts.tolist()) == {2 if packs else 1}
        assert batch.queries.shape[1] <= (8 if packs else 4)
        assert batch.weights.all()
    assert share == 0 or {batch.queries.shape[1] for batch in batches} >= {2, 8}


ENCODINGS = {
    "none": "none", "absolute": "learned", "sinusoidal": "sinusoidal", "rope": "rope", "alibi": "alibi",
    "random-shift": "learned", "pose": "learned", "random-ordered": "learned",
    "coupled": "learned", "coupled-ordered": "learned", "predicted": "learned",
}  # fmt: skip


def test_the_positions_say_what_they_are() -> None:
    assert all(isinstance(how, Positions) and how.what for how in POSITIONS.values())
    assert {name: how.encoding for name, how in POSITIONS.items()} == ENCODINGS
    assert {name for name, how in POSITIONS.items() if how.coupled} == {"coupled", "coupled-ordered", "predicted"}
    assert {name for name, how in POSITIONS.items() if how.predicted} == {"predicted"}
    assert ScratchpadParity().name in TASKS
