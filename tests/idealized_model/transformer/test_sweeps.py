"""Sweeps: what a grid expands to, and that nothing stops one from ending with the same rows."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import sweeps
from idealized_model.transformer.results import Row, read_rows
from idealized_model.transformer.runs import Evaluation, run
from idealized_model.transformer.sweeps import Job, jobs, read_grid, sweep
from idealized_model.transformer.training import TrainConfig
from tests.processes import LENGTHGEN, ROOT, started
from theory import InvalidArgument

TINY = """
seeds = 3
test_lengths = [2, 4]
test_size = 8

[defaults]
task = "copy"
longest = 2
n_ids = 16
steps = 12
batch = 4
width = 8
layers = 1
heads = 2
warmup = 2

[grid]
positions = ["none", "rope", "coupled"]
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def expected(tiny: Path) -> list[Row]:
    """The rows of the grid, without any of what sweeps do."""
    return kept([run(job.config, job.evaluation) for job in read_grid(tiny)])


def kept(rows: Sequence[Row]) -> list[Row]:
    """What rows say apart from the time and the machine, in one order."""
    return sorted(
        ({key: value for key, value in row.items() if key not in ("seconds", "versions")} for row in rows),
        key=lambda row: str(row["digest"]),
    )


# ── Grids ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_seeds_vary_slowest_then_variants_then_the_grid() -> None:
    found = jobs(
        {
            "seeds": [3, 1],
            "test_factors": [1, 2.5],
            "test_size": 64,
            "defaults": {"steps": 7},
            "grid": {"positions": ["none", "rope"], "layers": [1, 2]},
            "variants": [
                {"task": "copy", "longest": 10},
                {"task": "sorting", "positions": "alibi", "test_lengths": [5]},
            ],
        }
    )
    shown = [
        (job.config.seed, job.config.task, job.config.positions, job.config.layers, job.evaluation.lengths)
        for job in found
    ]
    copies = [("copy", positions, layers, (10, 25)) for positions in ("none", "rope") for layers in (1, 2)]
    sorts = [("sorting", "alibi", layers, (5, 20, 50)) for layers in (1, 2)]
    assert shown == [(seed, *rest) for seed in (3, 1) for rest in copies + sorts]
    assert {(job.config.steps, job.evaluation.size) for job in found} == {(7, 64)}


def test_a_variant_may_list_values_and_tests_of_its_own() -> None:
    found = jobs(
        {
            "task": "copy",
            "test_lengths": [3],
            "variants": [
                {"positions": ["rope", "none"], "log_scale": [False, True], "attention_factors": [1]},
                {"test_tasks": ["copy", "reverse"], "test_size": 5},
            ],
        }
    )
    assert [(job.config.positions, job.config.log_scale, job.evaluation.attention_lengths) for job in found] == [
        ("rope", False, (20,)), ("rope", True, (20,)), ("none", False, (20,)), ("none", True, (20,)), ("none", False, ()),
    ]  # fmt: skip
    assert (found[-1].evaluation.tasks, found[-1].evaluation.size) == (("copy", "reverse"), 5)


def test_equal_runs_are_done_once() -> None:
    grid = {"task": "copy", "test_lengths": [3], "variants": [{"rate": [1e-3, 0.001, 1]}, {"rate": 1.0}]}
    assert [job.config.rate for job in jobs(grid)] == [1e-3, 1.0]


def test_the_example_is_a_grid() -> None:
    found = read_grid(ROOT / "docs/examples/sweep.toml")
    assert len(found) == 10
    assert {job.config.seed for job in found} == {0, 1}


def test_the_demo_is_a_grid_of_five_seeds() -> None:
    found = read_grid(Path(sweeps.__file__).with_name("demo.toml"))
    assert {job.config.seed for job in found} == set(range(5))


BASE = {"task": "copy", "test_lengths": [3]}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"sedes": 3}, r"grid\.toml: argument sedes: got an unknown key; .* Did you mean 'seeds'\?"),
        ({"grid": {"position": ["rope"]}}, r"grid\.toml: \[grid\]: argument position: .* Did you mean 'positions'"),
        ({"defaults": {"depth": 3}}, r"\[defaults\]: argument depth: got an unknown key"),
        ({"defaults": 3}, r"argument defaults: got 3; expected a table\. Write \[defaults\]"),
        ({"variants": [{}, {"dept": 3}]}, r"\[\[variants\]\] 2: argument dept: got an unknown key"),
        ({"variants": [{"seed": 3}]}, r"\[\[variants\]\] 1: argument seed: got an unknown key"),
        ({"variants": []}, r"argument variants: got \[\]; expected at least one table"),
        ({"variants": {"heads": 1}}, r"argument variants: .* expected at least one table"),
        ({"grid": {"positions": "rope"}}, r"\[grid\]: argument positions: got 'rope'; expected a list of values"),
        ({"grid": {"positions": []}}, r"got \[\]; expected a list of values"),
        ({"grid": {"positions": ["rope", "ropes"]}}, r"argument positions: got 'ropes'; .* Did you mean 'rope'"),
        ({"seeds": 0}, "argument seeds: got 0; expected a number >= 1, or a list"),
        ({"seeds": [1, -1]}, r"argument seeds: got \[1, -1\]"),
        ({"seeds": True}, "argument seeds: got True"),
        ({"test_lengths": 3}, r"argument test_lengths: got 3; expected a list\. Write test_lengths = \[\.\.\.\]"),
        ({"test_lengths": []}, "argument lengths: got none"),
        ({"test_lengths": [0]}, "argument lengths: got 0"),
        ({"test_lengths": [], "test_factors": [-1]}, "argument test_factors: got -1; expected numbers > 0"),
        ({"test_factors": ["2"]}, "argument test_factors: got '2'"),
        ({"test_size": 0}, "argument size: got 0"),
        ({"positions": "coupled", "test_factors": [100]}, r"argument n_ids: got 256 IDs for a .* needs 2001"),
        ({"task": "copies"}, "argument task: got 'copies'; .* Did you mean 'copy'"),
        ({"task": {"name": "copy"}}, "argument task: got "),
        ({"variants": [{"width": 30}]}, r"\[\[variants\]\] 1: argument width: got 30; expected a multiple of 4"),
        ({"rate": "fast"}, "argument rate: got 'fast'; expected a number > 0"),
        ({"test_factors": [float("inf")]}, "argument test_factors: got inf; expected numbers > 0"),
        ({"test_factors": [1e308]}, "argument test_factors: got 1e.308; expected numbers > 0, at most 10,000"),
        ({"test_lengths": [[3]]}, r"argument test_lengths: got \[3\]; expected whole numbers"),
        ({"attention_lengths": ["a"]}, "argument attention_lengths: got 'a'; expected whole numbers"),
        ({"test_tasks": [["copy"]]}, r"argument test_tasks: got \['copy'\]; expected names of tasks"),
        ({"variants": [{"positions": []}]}, r"\[\[variants\]\] 1: argument positions: got \[\]; expected a value"),
        ({"longest": 2.0}, r"argument longest: got 2\.0; expected an integer >= 1"),
    ],
)
def test_a_bad_grid_is_refused(grid: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        jobs({**BASE, **grid}, "grid.toml")


def test_a_grid_needs_a_task() -> None:
    with pytest.raises(InvalidArgument, match="argument task: got nothing; expected the name of a task"):
        jobs({"test_lengths": [3]})


def test_a_grid_with_a_byte_order_mark_is_read(tiny: Path, tmp_path: Path) -> None:
    marked = tmp_path / "grid.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + tiny.read_bytes())
    assert read_grid(marked) == read_grid(tiny)
    marked.write_bytes(tiny.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(
        InvalidArgument, match=r"sweep: argument grid: got .*: UTF-16 text; save it as UTF-8; expected a TOML"
    ):
        read_grid(marked)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"seeds = [", "expected a TOML file"), (b"\xff", "expected a TOML file"), (None, "No such file")],
)
def test_a_bad_grid_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "grid.toml").write_bytes(content)
    with pytest.raises(InvalidArgument, match=message):
        read_grid(tmp_path / "grid.toml")


# ── Sweeps ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_do_not_depend_on_the_workers(workers: int, tiny: Path, expected: list[Row], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    work, results = read_grid(tiny), tmp_path / "results.jsonl"
    done = sweep(work, results, workers=workers, watch=lambda row, number, total: seen.append((number, total)))
    assert done == 9
    assert seen == [(number, 9) for number in range(1, 10)]
    assert kept(read_rows(results)) == expected
    before = results.read_bytes()
    assert sweep(work, results, workers=workers) == 0
    assert results.read_bytes() == before


def test_another_backend_is_taken_from_joblib(tiny: Path, expected: list[Row], tmp_path: Path) -> None:
    from joblib import parallel_config

    with parallel_config("threading"):
        sweep(read_grid(tiny), tmp_path / "results.jsonl", workers=2)
    assert kept(read_rows(tmp_path / "results.jsonl")) == expected


def test_workers_that_are_threads_find_blas_with_one_thread(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more threads BLAS sums in another order; and the setting is one for all workers of a process."""
    from joblib import parallel_config
    from threadpoolctl import threadpool_info, threadpool_limits

    seen = []

    def row_of_no_run(job: Job, parent: int, path: Sequence[str]) -> Row:
        seen.append({info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"})
        return {"schema": 1, "digest": job.key[0], "code": job.key[1]}

    monkeypatch.setattr(sweeps, "_work", row_of_no_run)
    with threadpool_limits(2, user_api="blas"), parallel_config("threading"):
        sweep(read_grid(tiny), tmp_path / "results.jsonl", workers=2)
    assert seen == [{1}] * 9


def test_a_sweep_goes_on_where_it_was_stopped(tiny: Path, expected: list[Row], tmp_path: Path) -> None:
    results, ran = tmp_path / "results.jsonl", []

    def stop(row: Row, number: int, total: int) -> None:
        ran.append(row["digest"])
        if len(ran) in (2, 5):
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(read_grid(tiny), results, watch=stop)
    assert sweep(read_grid(tiny), results, watch=stop) == 4
    assert len(ran) == len(set(ran)) == 9
    assert kept(read_rows(results)) == expected


def test_rows_of_another_version_are_kept_and_done_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, results = read_grid(tiny)[:2], tmp_path / "results.jsonl"
    sweep(work, results)
    before = results.read_bytes()
    monkeypatch.setattr(sweeps, "NUMERICS", 99)
    assert sweep(work, results) == 2
    assert results.read_bytes().startswith(before)


def test_a_sweep_without_room_keeps_what_it_has(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, results, calls = read_grid(tiny), tmp_path / "results.jsonl", []

    def full(number: int) -> None:
        calls.append(number)
        if len(calls) == 3:
            raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InvalidArgument, match="No space left on device"):
            sweep(work, results)
    assert [row["digest"] for row in read_rows(results)] == [job.key[0] for job in work[:2]]
    assert sweep(work, results) == 7


def test_a_bad_run_says_so_through_the_workers(tmp_path: Path) -> None:
    """A job that no grid makes: increments that the model does not know."""
    size: dict[str, Any] = {"steps": 1, "batch": 1, "width": 8, "heads": 1, "layers": 1}
    config = TrainConfig("copy", "predicted", longest=2, n_ids=16, **size)
    with pytest.raises(InvalidArgument, match="argument increments: got the ID increment"):
        sweep([Job(config, Evaluation((2,), tasks=("reverse",), size=2))], tmp_path / "results.jsonl", workers=2)


# ── Kills ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def swept_until_killed(grid: Path, results: Path, workers: int, rng: np.random.Generator, mean: float) -> bool:
    """Sweep in a process of its own, and kill it some time after it began to write; returns whether it was done before."""
    before = results.stat().st_size if results.exists() else 0
    command = [*LENGTHGEN, "sweep", grid, "--results", results, "--workers", workers]
    with started(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and (results.stat().st_size if results.exists() else 0) == before:
            time.sleep(0.002)
        time.sleep(rng.exponential(mean))
        if process.poll() is not None:
            return True
        process.send_signal(signal.SIGKILL)
        process.wait()
    return False


def survive(kills: int, grid: Path, results: Path, *, workers: Sequence[int], mean: float) -> int:
    """Kill sweeps until the grid is done; every row that was once whole must stay. Returns the kills."""
    rng, kept_bytes = np.random.default_rng(kills), b""
    for number in range(kills):
        if swept_until_killed(grid, results, workers[number % len(workers)], rng, mean):
            return number
        content = results.read_bytes()
        assert content.startswith(kept_bytes)
        kept_bytes = content[: content.rfind(b"\n") + 1]
    return kills


def test_killed_sweeps_lose_no_row(tiny: Path, expected: list[Row], tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    kills = survive(3, tiny, results, workers=(1, 2), mean=0.005)
    before = results.read_bytes()
    assert 1 <= kills <= before.count(b"\n") <= 9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # the last row may be cut off or not
        sweep(read_grid(tiny), results)
    assert results.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert kept(read_rows(results)) == expected


@pytest.mark.slow
def test_twenty_sweeps_that_are_killed_lose_no_row(tmp_path: Path) -> None:
    """Each killed at random moments, again and again until it is done."""
    grid = tmp_path / "grid.toml"
    grid.write_text(TINY.replace("seeds = 3", "seeds = 7"))
    wanted = kept([run(job.config, job.evaluation) for job in read_grid(grid)])
    kills = 0
    for number in range(20):
        results = tmp_path / f"{number}.jsonl"
        while (killed := survive(20, grid, results, workers=(2, 1), mean=0.3)) == 20:
            kills += 20
        kills += killed
        assert kept(read_rows(results)) == wanted
    assert kills >= 20


def test_a_job_has_one_key() -> None:
    [one], [other] = jobs(BASE), jobs({**BASE, "test_size": 64})
    assert one.key == Job(one.config, one.evaluation).key != other.key
