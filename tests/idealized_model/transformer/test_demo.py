"""What `lengthgen train --demo` shows: these runs, on two processes."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from idealized_model.transformer.results import read_rows
from idealized_model.transformer.sweeps import read_grid, sweep

GRID = Path(str(files("idealized_model.transformer").joinpath("demo.toml")))


def test_the_demo_has_five_seeds_of_everything() -> None:
    seeds: dict[tuple[str, str, bool], list[int]] = {}
    for job in read_grid(GRID):
        seeds.setdefault((job.config.task, job.config.positions, job.config.log_scale), []).append(job.config.seed)
    assert set(map(tuple, seeds.values())) == {(0, 1, 2, 3, 4)}
    assert {positions for _, positions, _ in seeds} == {"coupled-ordered", "random-shift", "predicted", "none"}


@pytest.mark.slow
def test_the_demo_shows_what_it_is_for(tmp_path: Path) -> None:
    sweep(read_grid(GRID), tmp_path / "demo.jsonl", workers=2)

    def good(task: str, positions: str, length: int, log_scale: bool = True) -> int:
        """How many seeds get at least 99 % of the sequences of a length right."""
        runs = (
            row["tests"]
            for row in read_rows(tmp_path / "demo.jsonl")
            if (row["config"]["task"], row["config"]["positions"], row["config"]["log_scale"])
            == (task, positions, log_scale)
        )
        tests = [test for run in runs for test in run if test["length"] == length]
        assert len(tests) == 5
        return sum(test["free_running"] >= 0.99 * test["size"] for test in tests)

    parity = "parity with scratchpad, query-coupled"
    assert good(parity, "coupled-ordered", 100) >= 4
    assert good(parity, "random-shift", 100) == 0
    assert good("pointer chasing", "predicted", 50) >= 4
    assert good("sparse parity, k = 4", "none", 512) >= 4
    assert good("sparse parity, k = 4", "none", 512, log_scale=False) <= 3
