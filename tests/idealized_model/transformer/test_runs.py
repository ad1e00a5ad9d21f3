"""Runs: rows of data, folders that a kill leaves whole."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import runs
from idealized_model.transformer.evaluation import evaluate, rollout
from idealized_model.transformer.optimizer import Diverged
from idealized_model.transformer.runs import Evaluation, check, digest, row_of, run, run_in
from idealized_model.transformer.training import NUMERICS, Entry, TrainConfig, Trainer
from tests.processes import started
from theory import InvalidArgument

SMALL: dict[str, Any] = {"longest": 3, "n_ids": 32, "steps": 12, "batch": 4, "width": 8, "layers": 1, "heads": 2}
DIVERGES: dict[str, Any] = {"rate": 1e30, "warmup": 0}


def config(task: str = "copy", positions: str = "coupled", **changes: Any) -> TrainConfig:
    return TrainConfig(task, positions, **{**SMALL, **changes})


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_holds_the_run() -> None:
    evaluation = Evaluation((3, 6), size=10, attention_lengths=(4,))
    row = json.loads(json.dumps(run(config(layers=2, seed=3), evaluation), allow_nan=False))
    assert row["schema"] == 1
    assert row["digest"] == digest(config(layers=2, seed=3), evaluation)
    assert row["code"] == str(NUMERICS)
    assert TrainConfig(**row["config"]) == config(layers=2, seed=3)
    assert (row["status"], row["step"]) == ("finished", 12)
    trainer = Trainer(config(layers=2, seed=3))
    losses: list[float] = []
    trainer.run(watch=lambda trainer: losses.append(trainer._losses[-1]))
    assert row["loss"] == pytest.approx(np.mean(losses))
    assert row["fit"] == {"length": 3, "size": 10, "right": evaluate(trainer, "copy", 3, size=10).free_running}
    assert [(test["task"], test["length"], test["size"]) for test in row["tests"]] == [("copy", 3, 10), ("copy", 6, 10)]
    for test in row["tests"]:
        score = evaluate(trainer, "copy", test["length"], size=10)
        names = ("steps", "steps_right", "teacher_forced", "free_running")
        assert {name: test[name] for name in names} == {name: getattr(score, name) for name in names}
        assert set(test) == {"task", "length", "size", *names}
    [attention] = row["attention"]
    assert (attention["task"], attention["length"], np.shape(attention["layers"])) == ("copy", 4, (2, 2))
    assert row["seconds"] > 0
    assert {"lengthgen", "python", "numpy"} <= set(row["versions"])


def test_the_fit_is_that_of_the_longest_training_length() -> None:
    trainer = Trainer(config("copy", "coupled", longest=6, steps=150, batch=16, width=16, rate=1e-2, warmup=5))
    trainer.run()
    right = [rollout(trainer, "copy", length, size=24) for length in range(1, 8)]
    assert row_of(trainer, Evaluation((2,), size=24))["fit"] == {"length": 6, "size": 24, "right": right[5]}
    assert right.count(right[5]) == 1  # no other length would give that


def test_the_fit_counts_what_free_running_reproduces() -> None:
    """A model whose tokens are right and whose predicted IDs are wrong does not fit."""
    trainer = Trainer(config("pointer chasing", "predicted", longest=1, steps=60, rate=1e-2, warmup=0))
    trainer.run()
    weight = trainer.parameters["increments.weight"]
    weight[...] = weight[:, ::-1].copy()
    score = evaluate(trainer, "pointer chasing", 1, size=24)
    assert score.free_running < score.teacher_forced
    assert row_of(trainer, Evaluation((1,), size=24))["fit"]["right"] == score.free_running
    assert rollout(trainer, "pointer chasing", 1, size=24) == score.free_running


def test_before_the_first_step_there_is_no_loss() -> None:
    row = row_of(Trainer(config()), Evaluation((3,), size=4), status="diverged")
    assert (row["step"], row["loss"]) == (0, None)
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize(
    ("task", "positions", "loss"),
    [
        ("addition, reversed", "rope", 2.2107),
        ("parity with scratchpad, query-coupled", "coupled-ordered", 0.7831),
        ("pointer chasing", "predicted", 1.5565),
        ("sparse parity, k = 2", "none", 0.9008),
    ],
)
def test_the_numbers_of_a_run_are_those_of_this_version(task: str, positions: str, loss: float) -> None:
    """When this fails because the code computes something else now, raise NUMERICS, and store the new losses here."""
    trainer = Trainer(config(task, positions, steps=40, width=16, rate=1e-2, warmup=5, log_scale=True))
    trainer.run()
    assert trainer.loss == pytest.approx(loss, abs=2e-4)
    assert NUMERICS == 4


def test_a_run_that_diverges_is_a_row() -> None:
    row = run(config(**DIVERGES), Evaluation((3,), size=6, attention_lengths=(3,)))
    assert (row["status"], row["step"]) == ("diverged", 1)
    assert np.isfinite(row["loss"])
    assert len(row["tests"]) == 1
    json.dumps(row, allow_nan=False)


def test_the_digest_tells_runs_apart() -> None:
    evaluation = Evaluation((3, 6))
    assert digest(config(), evaluation) == digest(config(rate=0.001), Evaluation((3, 6)))
    others = [
        digest(config(seed=1), evaluation), digest(config(rate=1), evaluation), digest(config(), Evaluation((3,))),
        digest(config(), replace(evaluation, size=64)), digest(config(), replace(evaluation, attention_lengths=(3,))),
        digest(config(), replace(evaluation, tasks=("copy",))),
    ]  # fmt: skip
    assert len({digest(config(), evaluation), *others}) == 7


def test_the_digest_of_a_run_with_tests_at_fixed_offsets_is_that_of_runs_before_there_were_others() -> None:
    evaluation = Evaluation((3, 6), size=10, offsets="fixed")
    before = {"lengths": [3, 6], "tasks": [], "size": 10, "attention_lengths": []}
    text = config().identity + json.dumps(before, sort_keys=True)
    assert digest(config(), evaluation) == sha256(text.encode()).hexdigest()[:16]
    assert digest(config(), replace(evaluation, offsets="random")) != digest(config(), evaluation)


@pytest.mark.parametrize("offsets", ["random", "fixed"])
def test_all_of_a_row_is_of_sequences_with_the_offsets_that_it_says(offsets: str) -> None:
    trainer = Trainer(config("full parity", "random-shift", mlp=False, norm=False, rate=1e-2, warmup=1))
    trainer.run()
    trainer.parameters["ids"][8:] = np.nan  # a sequence that is not counted from 0 has no answer
    row = row_of(trainer, Evaluation((4,), size=20, attention_lengths=(4,), offsets=offsets))
    assert row["test_offsets"] == offsets
    right = [row["fit"]["right"], row["tests"][0]["free_running"]]
    assert right == [
        evaluate(trainer, "full parity", n, size=20, shifted=offsets == "random").free_running for n in (3, 4)
    ]
    assert all(count > 6 for count in right) == (offsets == "fixed")
    assert (row["attention"][0]["layers"][0][0] is None) == (offsets == "random")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lengths": ()}, "argument lengths: got none; expected at least one length"),
        ({"lengths": (3, 0)}, "argument lengths: got 0; expected an integer >= 1"),
        ({"lengths": (3, 10**9)}, "argument lengths: got 1000000000; expected at most 10,000"),
        ({"size": 2.5}, r"argument size: got 2\.5; expected an integer >= 1"),
        ({"attention_lengths": (True,)}, "argument attention_lengths: got True"),
        ({"tasks": ("copi",)}, "argument task: got 'copi'; .* Did you mean 'copy'"),
    ],
)
def test_a_bad_evaluation_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Evaluation(**{"lengths": (3,), **changes})


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        (Evaluation((3, 40)), r"got 32 IDs for a sequence that needs 41; .* --ids 41"),
        (Evaluation((3,), attention_lengths=(50,)), "needs 51"),
        (Evaluation((3,), tasks=("reverse", "majority")), "argument tasks: got 'majority', the tokens of which are"),
    ],
)
def test_what_would_fail_after_the_training_is_refused_before_it(evaluation: Evaluation, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        check(config(), evaluation)


def test_seeds_are_checked_once() -> None:
    runs._check.cache_clear()
    for seed in range(4):
        check(config(seed=seed), Evaluation((3, 6)))
    assert runs._check.cache_info().misses == 1


def test_lengths_of_attention_below_the_least_are_refused_before_the_training() -> None:
    with pytest.raises(InvalidArgument, match="got 1; expected an integer >= 4"):
        check(config("sparse parity, k = 4", "none", longest=5), Evaluation((5,), attention_lengths=(1, 5)))


def test_too_few_ids_for_some_instances_are_refused_before_the_training() -> None:
    """Pointers that end on a jump of 2 need an ID more than others."""
    check(config("pointer chasing", n_ids=12), Evaluation((10,)))
    with pytest.raises(InvalidArgument, match="got 11 IDs for a sequence that needs 12"):
        check(config("pointer chasing", n_ids=11), Evaluation((10,)))


def test_increments_that_depend_on_the_length_are_refused_before_the_training() -> None:
    check(config("addition, reversed", "predicted"), Evaluation((6,)))
    for longest, length in ((3, 6), (6, 3)):
        with pytest.raises(InvalidArgument, match=r"argument increments: got the ID increment -\d; expected one of "):
            check(config("addition, plain", "predicted", longest=longest, shortest=longest), Evaluation((length,)))


def test_too_few_ids_for_the_training_are_refused_before_it() -> None:
    with pytest.raises(InvalidArgument, match="got 32 IDs for a sequence that needs 41"):
        check(config(longest=40), Evaluation((3,)))


# ── Folders ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_holds_the_run(tmp_path: Path) -> None:
    of = config(steps=120)
    trainer = run_in(tmp_path / "a" / "b", of)
    folder = tmp_path / "a" / "b"
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.npz", "config.toml", "history.csv", "versions.json",
    ]  # fmt: skip
    assert TrainConfig.from_toml((folder / "config.toml").read_text()) == of
    assert "numpy" in json.loads((folder / "versions.json").read_text())
    lines = (folder / "history.csv").read_text().splitlines()
    assert lines[0] == "step,loss,accuracy,rate"
    read = [Entry(int(step), *map(float, rest)) for step, *rest in (line.split(",") for line in lines[1:])]
    assert read == trainer.history
    assert [entry.step for entry in read] == [50, 100, 120]
    assert all(0 <= entry.accuracy <= 1 for entry in read)
    again = run_in(folder, of)  # nothing is left to do
    assert np.array_equal(again.parameters.flat, trainer.parameters.flat)
    assert (again.seconds, again.n_tokens) == (trainer.seconds, trainer.n_tokens)


def test_a_run_in_a_folder_is_the_run(tmp_path: Path) -> None:
    evaluation = Evaluation((3, 6), size=10)
    rows = [run(config(), evaluation), row_of(run_in(tmp_path, config()), evaluation)]
    for row in rows:
        del row["seconds"]
    assert rows[0] == rows[1]


class Stop(Exception):
    pass


def stop_at(step: int) -> Any:
    def watch(trainer: Trainer) -> None:
        if trainer.step == step:
            raise Stop

    return watch


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SAVE_EVERY", 0)
    whole = run_in(tmp_path / "whole", config())
    seen: list[int] = []
    for step in (3, 8):
        with pytest.raises(Stop):
            run_in(tmp_path / "part", config(), watch=stop_at(step))
        assert Trainer.load(tmp_path / "part" / "checkpoint.npz").step == step
    again = run_in(tmp_path / "part", config(), watch=lambda trainer: seen.append(trainer.step))
    assert seen == [9, 10, 11, 12]
    for name in ("parameters", "first", "second"):
        with np.load(tmp_path / "whole/checkpoint.npz") as one, np.load(tmp_path / "part/checkpoint.npz") as other:
            assert np.array_equal(one[name], other[name])
    assert (again.history, again.loss, again.n_tokens) == (whole.history, whole.loss, whole.n_tokens)


KILLED = """
import sys
from idealized_model.transformer import runs
from tests.idealized_model.transformer.test_runs import config
runs.SAVE_EVERY = 0
runs.run_in(sys.argv[1], config(steps=150), watch=lambda trainer: print(trainer.step, flush=True))
"""


def killed(folder: Path, rng: np.random.Generator) -> int:
    """Start a run in a folder, and kill it after some steps and moments; returns the steps that it said."""
    with started([sys.executable, "-c", KILLED, folder], cwd=Path(__file__).parents[3], stderr=None) as process:
        assert process.stdout is not None
        steps = 0
        for line in process.stdout:
            steps = int(line)
            if rng.random() < 0.05:
                time.sleep(rng.random() * 0.004)
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    return steps


def test_a_run_that_is_killed_at_any_moment_goes_on_bit_by_bit(tmp_path: Path) -> None:
    rng, last = np.random.default_rng(0), 0
    for _ in range(3):
        step = killed(tmp_path / "part", rng)
        assert step > last, "no step that was written is done again"
        last = step
    assert 0 < last < 150
    whole, part = Trainer(config(steps=150)), run_in(tmp_path / "part", config(steps=150))
    whole.run()
    for name in ("first", "second"):
        assert np.array_equal(getattr(whole.optimizer, name), getattr(part.optimizer, name))
    assert np.array_equal(whole.parameters.flat, part.parameters.flat)
    assert whole.history == part.history


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    run_in(tmp_path, config())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    message = "argument config: got another positions, steps than the run's; expected the same configuration"
    with pytest.raises(InvalidArgument, match=message):
        run_in(tmp_path, config("copy", "rope", steps=3))
    (tmp_path / "config.toml").unlink()
    with pytest.raises(InvalidArgument, match=message):  # by the checkpoint alone
        run_in(tmp_path, config("copy", "rope", steps=3))
    (tmp_path / "checkpoint.npz").unlink()
    (tmp_path / "config.toml").write_bytes(before[tmp_path / "config.toml"])
    with pytest.raises(InvalidArgument, match=message):  # by the configuration alone
        run_in(tmp_path, config("copy", "rope", steps=3))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"steps = 3"])
def test_a_folder_with_a_broken_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(InvalidArgument):
        run_in(tmp_path, config())
    assert (tmp_path / "config.toml").read_bytes() == content


def test_a_broken_checkpoint_is_refused_and_kept(tmp_path: Path) -> None:
    run_in(tmp_path, config())
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(
        InvalidArgument, match=r"Trainer\.load: argument path: got .*It is truncated, or something else"
    ):
        run_in(tmp_path, config())
    assert (tmp_path / "checkpoint.npz").read_bytes() == b"PK\x03\x04"


def test_a_run_that_diverges_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="at step 1; expected a finite loss"):
        run_in(tmp_path, config(**DIVERGES))
    kept = Trainer.load(tmp_path / "checkpoint.npz", config(**DIVERGES))
    assert kept.step == 0  # the parameters after step 1 have no finite loss, and were not written
    kept.run(until=1)
    assert np.isfinite(kept.loss)


@pytest.mark.parametrize("name", ["config.toml", "versions.json", "history.csv"])
def test_a_full_disk_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(self: Path, text: str, **options: Any) -> int:
        if name in self.name:
            write(self, text[: len(text) // 2])
            raise OSError(28, os.strerror(28))
        return write(self, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InvalidArgument, match=rf"run_in: argument folder: got .*{name}.*No space left on device"):
        run_in(tmp_path, config())
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp" or path.name == name]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match=r"run_in: argument folder: .*Not a directory"):
        run_in(tmp_path / "file" / "run", config())
