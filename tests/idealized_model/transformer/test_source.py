"""Runs whose batches come from a source, not from a task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Encoding
from idealized_model.transformer.evaluation import evaluate
from idealized_model.transformer.exporting import export
from idealized_model.transformer.laws import sequences_of_tests, sequences_of_training
from idealized_model.transformer.results import LATER
from idealized_model.transformer.runs import Evaluation, check, row_of, run, run_in
from idealized_model.transformer.source import Source, Unknown
from idealized_model.transformer.training import OF_TASKS, TrainConfig, Trainer
from theory import InvalidArgument

SMALL: dict[str, Any] = {"steps": 6, "width": 8, "layers": 1, "heads": 2, "n_ids": 32, "warmup": 2, "rate": 0.01}


@dataclass(frozen=True)
class Walk:
    """Sequences of tokens that go up by one, round a ring of `n_tokens`, from a random start; IDs with a random gap."""

    n_tokens: int = 7
    length: int = 5
    size: int = 3

    @property
    def digest(self) -> str:
        return f"walk {self.n_tokens} {self.length} {self.size}"

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        tokens = (rng.integers(0, self.n_tokens, (self.size, 1)) + np.arange(self.length + 1)) % self.n_tokens
        at = np.broadcast_to(np.arange(self.length), (self.size, self.length))
        ids = at + np.where(at > step % 3, rng.integers(0, 9, (self.size, 1)), 0)
        return Batch(tokens[:, :-1], ids, at, tokens[:, 1:], np.ones(at.shape, dtype=np.float32))


def config(**changes: Any) -> TrainConfig:
    return TrainConfig("text", **{**SMALL, "encoding": "rope", **changes})


def trainer(source: Source | None = None, **changes: Any) -> Trainer:
    return Trainer(config(**changes), source=Walk() if source is None else source)


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_a_run_trains_on_the_batches_of_its_source(encoding: str) -> None:
    one = trainer(encoding=encoding, tied=True)
    assert (one.model.n_tokens, one.model.encoding, one.model.tied) == (7, encoding, True)
    assert "head.weight" not in one.parameters
    before = one.parameters.flat.copy()
    losses: list[float] = []
    one.run(watch=lambda one: losses.append(one.loss))
    assert one.step == len(set(losses)) == 6
    assert one.n_tokens == 6 * 3 * 5
    assert (one.parameters.flat != before).mean() > 0.9
    expected = Walk().batch(4, one.rng("batch", 4))
    for name in ("tokens", "ids", "queries", "targets", "weights"):
        assert np.array_equal(getattr(one.batch(4), name), getattr(expected, name))


def test_a_run_learns_its_source() -> None:
    one = trainer(steps=60, rate=0.03)
    one.run()
    assert one.loss < 0.7 < np.log(7)
    assert one.history[-1].accuracy > 0.9


def test_batches_depend_on_the_seed_and_the_step() -> None:
    drawn = {
        (seed, step): trainer(Walk(n_tokens=10**6), seed=seed).batch(step).tokens[:, 0]
        for seed in (0, 1)
        for step in range(4)
    }
    assert len({tuple(tokens.tolist()) for tokens in drawn.values()}) == 8


def test_a_resumed_run_is_the_uninterrupted_one_bit_by_bit(tmp_path: Path) -> None:
    whole, part = trainer(steps=9), trainer(steps=9)
    whole.run()
    part.run(until=4)
    part.save(tmp_path / "checkpoint.npz")
    again = Trainer.load(tmp_path / "checkpoint.npz", config(steps=9), source=Walk())
    assert again.step == 4
    again.run()
    for found, expected in (
        (again.parameters.flat, whole.parameters.flat), (again.optimizer.first, whole.optimizer.first),
        (again.optimizer.second, whole.optimizer.second),
    ):  # fmt: skip
        assert np.array_equal(found, expected)
    assert (again.history, again.n_tokens, again.origin) == (whole.history, whole.n_tokens, whole.origin)


def test_a_run_in_a_folder_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idealized_model.transformer.runs.SAVE_EVERY", 0.0)

    def stop(one: Trainer) -> None:
        if one.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path / "run", config(), source=Walk(), watch=stop)
    steps: list[int] = []
    again = run_in(tmp_path / "run", config(), source=Walk(), watch=lambda one: steps.append(one.step))
    whole = trainer()
    whole.run()
    assert steps == [4, 5, 6]
    assert np.array_equal(again.parameters.flat, whole.parameters.flat)
    with pytest.raises(InvalidArgument, match=r"^Trainer\.load: argument source: got one of the digest 'walk 7 5 4'"):
        run_in(tmp_path / "run", config(), source=Walk(size=4))


# ── Whose source it is ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_checkpoint_is_of_its_source_and_of_no_other(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    trainer().save(path)
    message = (
        r"argument source: got one of the digest '{}'; expected that of the checkpoint, of the digest 'walk 7 5 3'\. "
        r"Resume with the source of the run, or use another folder\."
    )
    for other in (Walk(length=6), Walk(n_tokens=8)):  # another vocabulary too
        for given in (config(), None):
            with pytest.raises(InvalidArgument, match=message.format(other.digest)):
                Trainer.load(path, given, source=other)
    with pytest.raises(InvalidArgument, match=r"argument config: got another steps, tied than the run's"):
        Trainer.load(path, config(steps=7, tied=True), source=Walk(length=6))
    assert Trainer.load(path, source=Walk()).origin == {"text": "walk 7 5 3"}


def test_a_model_is_loaded_without_its_source_but_does_not_go_on(tmp_path: Path) -> None:
    path, one = tmp_path / "checkpoint.npz", trainer()
    one.run(until=2)
    one.save(path)
    again = Trainer.load(path)
    assert again.source == Unknown(7, "walk 7 5 3")
    assert (again.step, again.model, again.digest) == (2, one.model, one.digest)
    part = one.batch(0)
    assert np.array_equal(again.engine.logits(again.parameters, part)[0], one.engine.logits(one.parameters, part)[0])
    message = r"got the batch 2 of a run that was loaded without its source; expected .*Trainer\.load\(path, source"
    with pytest.raises(InvalidArgument, match=message):
        again.run()
    again.save(tmp_path / "again.npz")
    assert Trainer.load(tmp_path / "again.npz", source=Walk()).step == 2


def test_a_checkpoint_that_names_no_source_is_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    trainer().save(good)
    with np.load(good) as file:
        data = {name: file[name] for name in file.files}
    changes: dict[str, Any] = {"source": '{"text": 3}', "vocabulary": 0}
    for name, value in changes.items():
        np.savez(tmp_path / "broken.npz", **{**data, name: value})
        with pytest.raises(
            InvalidArgument, match=r"^Trainer\.load: argument path: got .*; expected a checkpoint of this"
        ):
            Trainer.load(tmp_path / "broken.npz", source=Walk())
    np.savez(tmp_path / "broken.npz", **{**data, "source": "{}"})
    with pytest.raises(
        InvalidArgument, match=r"^Trainer\.load: argument path: got .*KeyError.*; expected a checkpoint"
    ):
        Trainer.load(tmp_path / "broken.npz")
    del data["vocabulary"]
    np.savez(tmp_path / "broken.npz", **data)
    with pytest.raises(InvalidArgument, match=r"^Trainer\.load: argument path: got .*; expected a checkpoint of this"):
        Trainer.load(tmp_path / "broken.npz")


class Counted(Walk):
    """A walk that says how many of its sequences were read: none yet."""

    def __len__(self) -> int:
        return 0


def test_a_source_is_one_whatever_its_truth(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    one = trainer(Counted())
    one.run(until=1)
    one.save(path)
    again = Trainer.load(path, source=Counted())
    again.run()
    assert again.step == 6


def test_the_checkpoint_of_a_task_has_no_source(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    Trainer(TrainConfig("copy", "rope", **SMALL)).save(path)
    with pytest.raises(InvalidArgument, match=r"^Trainer: argument source: got one, with the task 'copy'"):
        Trainer.load(path, source=Walk())


def test_a_run_is_named_by_its_configuration_and_its_source() -> None:
    names = [trainer().digest, trainer(Walk(length=6)).digest, trainer(tied=True).digest, trainer(seed=1).digest]
    assert len(set(names)) == 4
    assert trainer().digest == names[0] != config().digest
    task = Trainer(TrainConfig("copy", "rope", **SMALL))
    assert task.digest == task.config.digest


def test_another_window_at_test_keeps_the_source() -> None:
    one = trainer()
    masked = one.windowed(2)
    assert (masked.source, masked.model.window, masked.origin) == (one.source, 2, one.origin)
    assert np.array_equal(masked.parameters.flat, one.parameters.flat)


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_text_needs_a_source_and_a_task_has_none() -> None:
    message = (
        r"^Trainer: argument source: got none, with the task 'text'; expected a Source\. Write Trainer\(config, source"
    )
    with pytest.raises(InvalidArgument, match=message):
        Trainer(config())
    message = (
        r"^Trainer: argument source: got one, with the task 'copy'; expected the task 'text' with it\. Leave it out, or"
    )
    with pytest.raises(InvalidArgument, match=message):
        Trainer(TrainConfig("copy", "rope", **SMALL), source=Walk())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Walk, "argument source: got <class .*Walk'>; expected a Source. Write a class with n_tokens, digest and"),
        ("shakespeare", "argument source: got 'shakespeare'; expected a Source"),
        (Walk(n_tokens=0), r"argument source\.n_tokens: got 0; expected an integer >= 1"),
        (Unknown(3, 5), r"argument source\.digest: got the int 5; expected a string"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_source_is_refused(source: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Trainer: {message}"):
        Trainer(config(), source=source)


@dataclass(frozen=True)
class Given(Walk):
    """A walk, the batches of which are changed."""

    changes: Any = None

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        found = super().batch(step, rng)
        return self.changes if self.changes is None else replace(found, **self.changes)


def test_a_batch_that_is_none_or_does_not_fit_is_refused() -> None:
    message = r"^Trainer: argument source: got the NoneType None; expected a Source whose batch\(step, rng\) is a Batch"
    with pytest.raises(InvalidArgument, match=message):
        trainer(Given()).run()
    cases: dict[str, Any] = {"tokens": np.full((3, 5), 7), "weights": np.zeros((3, 5)), "ids": np.full((3, 5), 32)}
    for name, value in cases.items():
        one = trainer(Given(changes={name: value}), encoding="learned")
        with pytest.raises(InvalidArgument, match=rf"^Engine: argument batch\.{name}: got "):
            one.run()
        assert one.step == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"positions": "rope"},
            r"argument positions: got 'rope' with 'text', the batches of which are those of a source; exp",
        ),
        ({"shortest": 2}, "argument shortest: got 2 with 'text', .*; expected 1, as it is where it is left out"),
        (
            {"longest": 32},
            r"argument longest: got 32 with 'text', .* expected 20, .*\. Give it to the source instead\.",
        ),
        ({"batch": 32}, "argument batch: got 32 with 'text'"),
        ({"packing": 0.5}, r"argument packing: got 0\.5 with 'text'"),
        ({"window": "task"}, "argument window: got 'task' with 'text', .*; expected a number, or 'none'"),
        ({"window": -1}, "argument window: got -1"),
        ({"encoding": "rotary"}, "argument encoding: got 'rotary'"),
        ({"tied": 1}, "argument tied: got 1; expected true or false"),
        ({"tied": "no"}, "argument tied: got 'no'; expected true or false"),
    ],
)
def test_what_a_source_says_is_not_said_twice(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^TrainConfig: {message}"):
        config(**changes)


def test_parameters_of_tasks_are_those_of_configurations() -> None:
    assert {name: getattr(config(), name) for name in OF_TASKS} == {
        "positions": "none", "shortest": 1, "longest": 20, "batch": 128, "packing": 0.0,
    }  # fmt: skip
    assert TrainConfig.from_toml(config(window=3, encoding="alibi").toml()) == config(window=3, encoding="alibi")


def test_the_output_is_tied_where_it_is_said_and_old_runs_keep_their_names() -> None:
    assert LATER["tied"] is False
    assert not trainer().model.tied
    task = TrainConfig("copy", "rope", **SMALL)
    assert "tied" not in task.identity
    assert "tied = true" in replace(task, tied=True).identity
    assert Trainer(replace(task, tied=True)).model.tied


def test_what_needs_a_task_says_that_there_is_none(tmp_path: Path) -> None:
    message = (
        r"argument task: got 'text', which stands for the batches of a source; expected the name of a task\. "
        r"Such runs are Trainer\(config, source=\.\.\.\)\."
    )
    one, tests = trainer(), Evaluation((3,))
    for ask in (
        lambda: one.task,
        lambda: evaluate(one, "copy", 3),
        lambda: row_of(one, tests),
        lambda: check(config(), tests),
        lambda: export(config(), tmp_path / "data", size=3),
        lambda: next(sequences_of_training(config())),
        lambda: next(sequences_of_tests(config(), 3)),
    ):
        with pytest.raises(InvalidArgument, match=message):
            ask()
    with pytest.raises(InvalidArgument, match="argument source: got none, with the task 'text'"):
        run(config(), tests)
