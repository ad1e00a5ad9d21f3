"""`lengthgen export`: what is written, what is said of it, and what an interrupt leaves."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from idealized_model.transformer import TrainConfig, export
from idealized_model.transformer import exporting as exports
from proofs_check.commands.program import FAILED
from tests.processes import LENGTHGEN, started
from tests.proofs_check.test_cli import Out, status_of

COPY = ["export", "copy", "--positions", "coupled", "--lengths", "2..5", "--size", "50", "--output", "data"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_the_options_are_those_of_the_function(capsys: Out) -> None:
    arguments = [
        "--ids",
        "32",
        "--seed",
        "7",
        "--batch",
        "16",
        "--packing",
        "0.5",
        "--test-lengths",
        "6,9",
        "--test-size",
        "3",
    ]
    assert status_of(*COPY, *arguments) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "train: 50 sequences in train.jsonl, train-00000.npz", "test: 6 sequences in test.jsonl, test-00000.npz",
        "data/metadata.json says what they are.",
    ]  # fmt: skip
    assert err.splitlines() == ["[56/56] sequences"]
    config = TrainConfig("copy", "coupled", shortest=2, longest=5, n_ids=32, seed=7, batch=16, packing=0.5)
    export(config, "same", size=50, test_lengths=(6, 9), test_size=3)
    assert contents("data") == contents("same")


def test_what_is_left_out_has_defaults(capsys: Out) -> None:
    assert status_of(*COPY, "--format", "npz") == 0
    assert capsys.readouterr().out.splitlines()[0] == "train: 50 sequences in train-00000.npz"
    metadata = json.loads(Path("data/metadata.json").read_text(encoding="utf-8"))
    assert {name: metadata[name] for name in ("n_ids", "seed", "batch", "packing", "test_lengths")} == {
        "n_ids": 256, "seed": 0, "batch": 1024, "packing": 0.0, "test_lengths": [],
    }  # fmt: skip
    assert "test" not in metadata["splits"]


def test_many_files_are_not_all_named(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "SHARD", 10)
    assert status_of(*COPY, "--batch", "10", "--format", "npz") == 0
    assert capsys.readouterr().out.startswith("train: 50 sequences in train-00000.npz, ..., train-00004.npz\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "copy"], "the following arguments are required: --lengths, --size, --output"),
        ([*COPY, "--size", "0"], "argument --size: got '0'; expected a whole number >= 1"),
        ([*COPY, "--lengths", "5..2"], "expected A..B with A <= B: 2..5"),
        ([*COPY, "--positions", "copled"], "Did you mean 'coupled'"),
        ([*COPY, "--ids", "4"], "got 4 IDs for a sequence that needs 6"),
        ([*COPY, "--format", "csv"], "argument --format: invalid choice: 'csv'"),
        ([*COPY, "--output", "."], "which is there; expected a new folder, or an empty one"),
        ([*COPY, "--positions", "none", "--packing", "0.5"], "Packed sequences have random IDs of their own"),
    ],
)
def test_bad_usage_is_status_3(arguments: list[str], message: str, capsys: Out) -> None:
    Path("mine.txt").write_text("mine")
    assert status_of(*arguments) == 3
    assert message in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["mine.txt"]


def test_a_full_disk_is_status_4(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "lines_of", full)
    assert status_of(*COPY) == FAILED
    assert "No space left on device; expected a folder that can be written" in capsys.readouterr().err
    assert [*Path().iterdir()] == []


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_leaves_nothing(folder: Path) -> None:
    with started([*LENGTHGEN, *COPY, "--size", "1000000000"], cwd=folder) as process:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in folder.glob(".data.*/*")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "lengthgen: interrupted"
    assert [*folder.iterdir()] == []
