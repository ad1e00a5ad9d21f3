"""`lengthgen train` and `lengthgen sweep`: exit statuses, messages, folders, interrupts."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from idealized_model.transformer import as_head, runs, sweeps
from idealized_model.transformer.results import read_rows
from idealized_model.transformer.runs import Evaluation, run
from idealized_model.transformer.sweeps import jobs
from idealized_model.transformer.training import TrainConfig, Trainer
from proofs_check.commands import train as train_command
from tests.processes import LENGTHGEN, MARK, all_end, environment, in_proc, marked, new_mark, started
from tests.proofs_check.test_cli import Out, shell, status_of
from theory import InvalidArgument

SMALL: dict[str, Any] = {"longest": 3, "n_ids": 32, "steps": 12, "batch": 4, "width": 8, "layers": 1, "heads": 2}
OPTIONS = [
    "--train-lengths", "1..3", "--ids", "32", "--steps", "12", "--batch", "4", "--width", "8", "--layers", "1", "--heads", "2",
]  # fmt: skip
COPY = ["train", "copy", "--positions", "coupled", *OPTIONS, "--test-lengths", "3,6", "--test-size", "10"]
GRID = """
seeds = 2
test_lengths = [2, 4]
test_size = 8
[defaults]
task = "copy"
longest = 2
n_ids = 16
steps = 6
batch = 4
width = 8
layers = 1
heads = 2
[grid]
positions = ["none", "coupled"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(GRID)
    return tmp_path


def interrupted_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Trainer._train

    def at(self: Trainer, number: int) -> None:
        if number == step:
            raise KeyboardInterrupt
        train(self, number)

    monkeypatch.setattr(Trainer, "_train", at)


# ── train ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_train_reports_every_seed_with_exact_intervals(capsys: Out) -> None:
    assert status_of(*COPY, "--seeds", "2") == 0
    out, err = capsys.readouterr()
    rows = read_rows("runs/copy-coupled/results.jsonl")
    assert [row["config"]["seed"] for row in rows] == [0, 1]
    for seed, row in enumerate(rows):
        own = run(TrainConfig("copy", "coupled", seed=seed, **SMALL), Evaluation((3, 6), size=10))
        assert {**row, "seconds": 0} == {**own, "seconds": 0}
        assert Path(f"runs/copy-coupled/seed-{seed}/checkpoint.npz").is_file()
        assert f"seed {seed} [12/12] loss {row['loss']:.4f}, accuracy " in err
    lines = [re.findall(r"[^│┃]+", line) for line in out.splitlines() if " of 10" in line]
    assert len(lines) == 4
    for cells, test in zip(lines, [test for row in rows for test in row["tests"]], strict=True):
        _, length, free, interval, forced, _, tokens = (cell.strip() for cell in cells)
        right = test["free_running"]
        assert (length, free, forced) == (str(test["length"]), f"{right} of 10", f"{test['teacher_forced']} of 10")
        low = beta.ppf(0.025, right, 11 - right) if right else 0  # Clopper and Pearson's quantiles
        high = beta.ppf(0.975, right + 1, 10 - right) if right < 10 else 1
        assert interval == f"[{low:.3f}, {high:.3f}]"
        assert float(tokens) == pytest.approx(test["steps_right"] / test["steps"], abs=5e-5)


def test_train_goes_on_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    assert status_of(*COPY, "--seeds", "2", "--out", "whole") == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(runs, "SAVE_EVERY", 0)
    with monkeypatch.context() as patch:
        interrupted_at(7, patch)
        assert status_of(*COPY, "--seeds", "2", "--out", "part") == 2
    assert "lengthgen: interrupted; the same command goes on from part." in capsys.readouterr().err
    assert Trainer.load("part/seed-0/checkpoint.npz").step == 7
    assert status_of(*COPY, "--seeds", "2", "--out", "part") == 0
    assert capsys.readouterr().out == whole
    with monkeypatch.context() as patch:
        interrupted_at(0, patch)  # nothing is trained again
        assert status_of(*COPY, "--seeds", "2", "--out", "part") == 0
    assert capsys.readouterr().out == whole


def test_further_tests_and_seeds_use_what_was_trained(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    assert status_of(*COPY, "--seed", "4", "--out", "here") == 0
    with monkeypatch.context() as patch:
        interrupted_at(0, patch)
        assert status_of(*COPY, "--seed", "4", "--out", "here", "--test-lengths", "5") == 0
    assert status_of(*COPY, "--seed", "4", "--seeds", "2", "--out", "here") == 0
    found = [
        (row["config"]["seed"], [test["length"] for test in row["tests"]]) for row in read_rows("here/results.jsonl")
    ]
    assert found == [(4, [3, 6]), (4, [5]), (5, [3, 6])]


def test_a_run_that_diverges_exits_2_and_is_reported(capsys: Out) -> None:
    Path("wild.toml").write_text('task = "copy"\nwarmup = 0\nrate = 1e30\n')
    assert status_of("train", "--config", "wild.toml", *OPTIONS, "--test-lengths", "3", "--seeds", "2") == 2
    out, err = capsys.readouterr()
    assert "lengthgen: seed 1: Trainer.run: argument rate: got a " in err
    assert "at step 1; expected a finite loss. Lower the learning rate" in err
    assert "0, diverged" in out
    assert "1, diverged" in out
    assert [row["status"] for row in read_rows("runs/copy-none/results.jsonl")] == ["diverged"] * 2
    assert np.isfinite(Trainer.load("runs/copy-none/seed-0/checkpoint.npz").parameters.flat).all()


def test_options_override_a_configuration() -> None:
    config = TrainConfig("reverse", "rope", log_scale=True, **{**SMALL, "steps": 500})
    Path("config.toml").write_text(config.toml(), encoding="utf-8-sig")  # as an editor on Windows writes it
    arguments = ["--steps", "5", "--train-lengths", "2", "--rate", "2e-3", "--seed", "3"]
    assert status_of("train", "--config", "config.toml", *arguments, "--test-lengths", "3", "--out", "here") == 0
    [row] = read_rows("here/results.jsonl")
    expected = {**SMALL, "steps": 5, "longest": 2, "rate": 2e-3, "seed": 3, "log_scale": True}
    assert TrainConfig(**row["config"]) == TrainConfig("reverse", "rope", **expected)


def test_what_the_model_is_and_sees_is_an_option() -> None:
    arguments = ["--encoding", "none", "--window", "task", "--packing", "0.5", "--no-mlp", "--no-norm", "--heads", "1"]
    assert status_of(*COPY, *arguments, "--out", "here") == 0
    [row] = read_rows("here/results.jsonl")
    expected = {"encoding": "none", "window": "task", "packing": 0.5, "mlp": False, "norm": False, "heads": 1}
    assert TrainConfig(**row["config"]) == TrainConfig("copy", "coupled", **{**SMALL, **expected})
    assert row["test_offsets"] == "random"
    trainer = Trainer.load("here/seed-0/checkpoint.npz")
    assert as_head(trainer.parameters).heads.window == trainer.model.window == 1
    assert status_of(*COPY, "--window", "3", "--out", "there") == 0
    assert read_rows("there/results.jsonl")[0]["config"]["window"] == 3


def test_no_task_is_called_text(capsys: Out) -> None:
    assert status_of("train", "text", "--encoding", "rope") == 3
    said = capsys.readouterr().err
    assert "got 'text', which stands for the batches of a source; expected the name of a task" in said
    assert not Path("runs").exists()


def test_a_grid_has_windows_and_offsets_of_tests() -> None:
    grid = {"test_lengths": [2], "test_offsets": "fixed", "positions": "coupled", "task": "copy"}
    planned = jobs({**grid, "grid": {"window": ["none", "task", 4], "encoding": ["scheme", "rope"]}})
    assert [(job.config.window, job.config.encoding) for job in planned] == [
        (window, encoding) for window in ("none", "task", 4) for encoding in ("scheme", "rope")
    ]
    assert {job.evaluation.offsets for job in planned} == {"fixed"}
    with pytest.raises(InvalidArgument, match=r"argument offsets: got 'fix'; expected one of .* Did you mean 'fixed'"):
        jobs({**grid, "test_offsets": "fix"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["copy", "--window", "-1"], "argument --window: got '-1'; expected a whole number >= 0, task or none"),
        (["copy", "--window", "wide"], "argument --window: got 'wide'; expected a whole number >= 0, task or none"),
        (["copy", "--window", "2"], "argument window: got 2 with the scheme 'none', which has no IDs"),
        (
            ["copy", "--packing", "2", "--positions", "coupled"],
            r"argument packing: got 2\.0; expected a number from 0 to 1",
        ),
        ([], "argument TASK: got nothing; expected the name of a task"),
        (["copy", "--positions", "absolute", "--train-lengths", "70"], "got 256 IDs for a sequence that needs 701"),
        (["copi", "--test-lengths", "3"], "argument task: got 'copi'; .* Did you mean 'copy'"),
        (["copy", "--positions", "copled", "--test-lengths", "3"], "got 'copled'; .* Did you mean 'coupled'"),
        (["copy", "--positions", "coupled", "--test-lengths", "300"], r"needs 301; .* Raise it with --ids 301"),
        (
            ["copy", "--engine", "torch", "--test-lengths", "3"],
            "argument engine: got 'torch'; expected one of numpy, jax",
        ),
        (
            ["copy", "--train-lengths", "5..2"],
            r"argument --train-lengths: got '5\.\.2'; expected A\.\.B with A <= B: 2\.\.5",
        ),
        (["copy", "--train-lengths", "0..2"], "argument --train-lengths: got '0'; expected a whole number >= 1"),
        (["copy", "--train-lengths", "a..b"], "argument --train-lengths: got 'a'"),
        (["copy", "--test-lengths", "3,0"], "argument --test-lengths: got '3,0'"),
        (["copy", "--seeds", "0"], "argument --seeds: got '0'"),
        (["copy", "--steps", "-1"], "argument --steps: got '-1'"),
        (["copy", "--rate", "0"], "argument --rate: got '0'; expected a number > 0"),
        (["copy", "--rate", "nan"], "argument --rate: got 'nan'"),
        (["copy", "--rate", "fast"], "argument --rate: got 'fast'"),
        (["copy", "--ids", "0"], "argument --ids: got '0'"),
        (["copy", "--heads", "3", "--test-lengths", "3"], "argument width: got 64; expected a multiple of 3"),
        (["copy", "--config", "none.toml", "--test-lengths", "3"], "argument --config: got 'none.toml': No such file"),
        (
            ["--config", "grid.toml", "--test-lengths", "3"],
            "argument seeds: got an unknown name; .* Did you mean 'seed'",
        ),
        (["copy", "--demo"], "argument --demo: got task beside it; expected no option but --out and --workers"),
        (["--demo", "--steps", "5", "--seeds", "2"], "argument --demo: got steps, seeds beside it"),
        (["copy", "--test-lengths", "3", "--out", "grid.toml"], "argument --out: got 'grid.toml': File exists"),
        (["copy", "--test-lengths", "3", "--out", "grid.toml/x"], "argument --out: got 'grid.toml/x': Not a directory"),
    ],
)
def test_bad_usage_exits_3(arguments: list[str], message: str, capsys: Out) -> None:
    assert status_of("train", *arguments) == 3
    assert re.search(message, capsys.readouterr().err)
    assert not Path("runs").exists()


def test_another_configuration_than_that_of_the_folder_exits_3(capsys: Out) -> None:
    assert status_of(*COPY) == 0
    assert status_of(*COPY, "--steps", "13") == 3
    assert (
        "argument config: got another steps than the run's; expected the same configuration" in capsys.readouterr().err
    )
    Path("runs/copy-coupled/seed-1").mkdir()
    Path("runs/copy-coupled/seed-1/checkpoint.npz").write_bytes(b"not a checkpoint")
    assert status_of(*COPY, "--seeds", "2") == 3
    assert re.search(r"seed-1/checkpoint\.npz .*expected a checkpoint of this version", capsys.readouterr().err)


def test_jax_that_is_missing_exits_3_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    assert status_of(*COPY, "--engine", "jax") == 3
    assert re.search(r"pip install .*lengthgen\[jax\]", capsys.readouterr().err)


# ── sweep ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sweep_reports_every_seed(capsys: Out) -> None:
    assert status_of("sweep", "grid.toml", "--results", "results.jsonl", "--workers", "1") == 0
    out, err = capsys.readouterr()
    rows = read_rows("results.jsonl")
    assert len(rows) == 4
    assert [line.split("]")[0] for line in err.splitlines()] == ["[1/4", "[2/4", "[3/4", "[4/4"]
    for positions in ("none", "coupled"):
        of = [row for row in rows if row["config"]["positions"] == positions]
        for i, length in enumerate((2, 4)):
            counts = " ".join(str(row["tests"][i]["free_running"]) for row in of)
            named = rf"copy: {positions}\s*" if i == 0 else r"\s*"
            assert re.search(rf"│ {named}│\s*{length} │\s*8 │ {counts}\s*│", out)
    assert status_of("sweep", "grid.toml", "--results", "results.jsonl") == 0
    assert capsys.readouterr() == (out, ""), "nothing is done again"


def test_a_table_says_which_task_was_tested(capsys: Out) -> None:
    Path("grid.toml").write_text(GRID.replace("seeds = 2", 'seeds = [3]\ntest_tasks = ["copy", "reverse"]'))
    assert status_of("sweep", "grid.toml", "--results", "results.jsonl", "--workers", "1") == 0
    out = capsys.readouterr().out
    assert re.search(r"trained on +┃ tested on ┃ length ┃ of ┃ right, seed by seed", out)
    for task in ("copy", "reverse"):
        assert re.search(rf"│ copy: none +│ {task} +│ +2 │  8 │ \d +│", out)


def test_a_sweep_that_is_interrupted_exits_2_and_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    calls: list[int] = []

    def stopping(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(*arguments, **options)

    monkeypatch.setattr(sweeps, "run", stopping)
    command = ["sweep", "grid.toml", "--results", "results.jsonl", "--workers", "1"]
    assert status_of(*command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == "lengthgen: 2 of 4 runs done; the same command goes on."
    assert status_of(*command) == 0
    assert len(read_rows("results.jsonl")) == 4


def workers_of(mark: str) -> list[int]:
    """The worker processes of a sweep, as soon as there are two."""
    for _ in range(3000):
        found = [number for number, command in marked(mark).items() if "popen_loky" in command]
        if len(found) == 2:
            return found
        time.sleep(0.01)
    raise AssertionError("no workers")


@in_proc
@pytest.mark.parametrize(
    ("to", "status", "said"),
    [
        ("the process", 2, ""), ("the group", 2, ""), ("a worker", 4, "a worker was killed (was there memory for it?); "),
    ],
)  # fmt: skip
def test_a_sweep_stops_with_its_workers(to: str, status: int, said: str, folder: Path) -> None:
    """Ctrl-C, to the sweep or to its workers too, and a worker that the system killed."""
    Path("grid.toml").write_text(GRID.replace("steps = 6", "steps = 10000000").replace("seeds = 2", "seeds = [0]"))
    mark = new_mark()
    command = [*LENGTHGEN, "sweep", "grid.toml", "--results", "results.jsonl", "--workers", "2"]
    with started(command, env=environment(**{MARK: mark}), start_new_session=True) as process:
        workers = workers_of(mark)
        time.sleep(0.1)
        if to == "a worker":
            os.kill(workers[0], signal.SIGKILL)
        else:
            (os.kill if to == "the process" else os.killpg)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")
    assert err == f"lengthgen: {said}0 of 2 runs done; the same command goes on.\n"
    assert all_end(mark)


def test_a_row_that_was_cut_off_is_said_in_a_line(folder: Path) -> None:
    command = ["sweep", "grid.toml", "--results", "results.jsonl", "--workers", "1"]
    assert status_of(*command) == 0
    Path("results.jsonl").write_bytes(Path("results.jsonl").read_bytes()[:-7])
    again = shell(*command, folder=folder)
    assert again.returncode == 0
    lines = again.stderr.splitlines()
    assert lines[0] == "lengthgen: results.jsonl: the last row was cut off; its run is done again"
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.toml", "--results", "r.jsonl"], "argument grid: got 'none.toml': No such file or directory"),
        (
            ["bad.toml", "--results", "r.jsonl"],
            r"bad\.toml: argument heds: got an unknown key; .* Did you mean 'heads'",
        ),
        (["grid.toml", "--results", "notes.txt"], r"got 'notes\.txt': line 1 is no row of schema 1"),
        (["grid.toml", "--results", "no/r.jsonl"], r"got 'no/r\.jsonl': No such file or directory"),
        (["grid.toml", "--results", "r.jsonl", "--workers", "0"], "argument --workers: got '0'"),
        (["grid.toml"], "the following arguments are required: --results"),
    ],
)
def test_bad_usage_of_sweep_exits_3(arguments: list[str], message: str, capsys: Out) -> None:
    Path("bad.toml").write_text("heds = 3")
    Path("notes.txt").write_text("notes\n")
    assert status_of("sweep", *arguments) == 3
    assert re.search(message, capsys.readouterr().err)
    assert Path("notes.txt").read_text() == "notes\n"


def test_the_demo_is_a_sweep_of_the_grid_that_comes_along(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    seen: list[str] = []

    def small(path: Path) -> Any:
        seen.append(Path(path).name)
        return jobs({"task": "copy", "test_lengths": [4], "test_size": 6, **SMALL})

    monkeypatch.setattr(train_command, "read_grid", small)
    assert status_of("train", "--demo", "--workers", "1") == 0
    assert seen == ["demo.toml"]
    assert "copy: none" in capsys.readouterr().out
    assert len(read_rows("runs/demo/results.jsonl")) == 1


# ── Progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", [[*COPY], ["sweep", "grid.toml", "--results", "r.jsonl", "--workers", "1"]])
def test_a_bar_in_a_terminal(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    from proofs_check.work.bars import Bars

    shown: list[dict[str, Any]] = []
    update = Bars.update

    def watched(self: Bars, task: Any, **fields: Any) -> None:
        shown.append({**fields, "description": self.message})
        update(self, task, **fields)

    monkeypatch.setattr(Bars, "update", watched)
    monkeypatch.setenv("COLUMNS", "²")  # no number, though a digit
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert status_of(*command) == 0
    steps = 12 if command[0] == "train" else 4
    assert [fields["completed"] for fields in shown] == list(range(1, steps + 1))
    pattern = (
        r"loss \d\.\d+, accuracy [01]\.\d+, [\d,]+ tokens/s"
        if steps == 12
        else r"copy, coupled, seed 1: \d+ of 8 at 2, "
    )
    assert re.match(pattern, shown[-1]["description"])


def test_rows_are_json_that_others_read() -> None:
    assert status_of(*COPY) == 0
    [line] = Path("runs/copy-coupled/results.jsonl").read_text().splitlines()
    assert json.loads(line)["schema"] == 1
