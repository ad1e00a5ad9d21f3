"""Checks, verdicts and sweeps on a dask cluster of two workers: the same results, also where workers die."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import read_rows
from proofs_check.claims.checks import run, tasks_of
from proofs_check.claims.turns import Pace
from proofs_check.work.executors import Cluster, executor
from proofs_check.work.pool import collect
from tests.processes import LENGTHGEN, environment, launched, started
from theory.errors import InvalidArgument

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]  # dask and what is below it warn of their own doings

CLUSTER = """
import sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    workers = LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None, local_directory=sys.argv[2], silence_logs=50
    )
    print(workers.scheduler_address, flush=True)
    time.sleep(600)
"""

CLAIMS = """
import os, signal, sys, time
from pathlib import Path
from proofs_check import Claim

pairs = Claim("pairs", statement="ab <= ((a + b)/2)²", hypotheses={"free": "b is not chosen from a"})

@pairs.refute
def _(pair, *, share=4, without=""):
    a, b = pair
    return {"product": a * b} if share * a * b > (a + b) ** 2 - bool(without) else None

pairs.mutant("a fifth", share=5)

@pairs.family("small pairs")
def _(profile):
    yield from ((a, b) for a in range(20) for b in range(20))

@pairs.without("free")
def _():
    yield 1, 1

small = Claim("small", statement="Numbers are below 37.")

@small.refute
def _(number, *, bound=37):
    return {"number": number} if number >= bound else None

small.mutant("below 5", bound=5)

@small.family("numbers")
def _(profile):
    yield from range(100)

@small.sampler("any numbers")
def _():
    from hypothesis import strategies
    return strategies.integers(0, 10**6)

empty = Claim("empty", statement="There is none.")

@empty.refute
def _(number):
    return None

@empty.nonvacuous
def _(number):
    return False

@empty.family("numbers")
def _(profile):
    yield from range(3)

dying = Claim("dying", statement="Nothing happens to those who decide it.")

@dying.refute
def _(number):
    gone = Path(os.environ["LENGTHGEN_TEST_DIED"])
    if number == 7 and (os.environ.get("LENGTHGEN_TEST_ALWAYS") or not gone.exists()):
        gone.touch()
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

@dying.family("numbers")
def _(profile):
    yield from range(20)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the claims are; the workers are started somewhere else."""
    home = tmp_path_factory.mktemp("claims")
    (home / "afar.py").write_text(CLAIMS, encoding="utf-8")
    return home


def cluster(folder: Path, workers: int, **changes: str) -> Any:
    """A cluster in a program of its own."""
    there = folder / "cluster"
    there.mkdir(exist_ok=True)
    command = [sys.executable, "-c", CLUSTER, workers, there]
    changes = {"LENGTHGEN_TEST_DIED": str(folder / "died"), **changes}
    return started(command, cwd=there, env=environment(**changes), stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """A scheduler with two workers."""
    with cluster(folder, 2) as process:
        yield process.stdout.readline().strip()


def lengthgen(folder: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Status, output, and what standard error says beside progress."""
    done = subprocess.run(
        launched([*LENGTHGEN, *arguments]), cwd=folder, env=environment(LENGTHGEN_TEST_DIED=str(folder / "died")),
        capture_output=True, text=True, encoding="utf-8", timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if not line.startswith("[")]


def timeless(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    report["seconds"] = 0
    for claim in report["claims"]:
        for evidence in claim["evidence"]:
            evidence["seconds"] = 0
    return report


@pytest.mark.parametrize(("name", "status"), [("pairs", 0), ("small", 1), ("empty", 2)])
def test_a_claim_of_ones_own_is_checked_there_as_here(name: str, status: int, folder: Path, address: str) -> None:
    """Its module is found by its path; nothing is left in the folder of the workers."""
    claim = ["check", "--claim", f"afar:{name}", "--json"]
    assert lengthgen(folder, *claim, "here.json", "--jobs", "1")[0] == status
    found, out, err = lengthgen(folder, *claim, "there.json", "--scheduler", address)
    assert (found, err) == (status, [])
    assert timeless(folder / "there.json") == timeless(folder / "here.json")
    assert not (folder / "cluster" / ".hypothesis").exists()
    if name == "small":
        assert "fails on\n    37\nnumber 37" in out
        assert lengthgen(folder, "replay", "there.json")[0] == 0


def test_checks_of_the_theory_do_not_depend_on_where_they_are_done(address: str) -> None:
    tasks = [task for task in tasks_of(["T12"]) if task.engine in ("exhaustive", "mutant", "necessity")]
    cases: dict[str, int] = {}

    def watch(task: Any, new: int, done: bool) -> None:
        cases[str(task)] = cases.get(str(task), 0) + new

    with executor(address, "check") as there:
        split = run(tasks, profile="quick", seed=0, jobs=1, executor=there, pace=Pace(0.01), watch=watch)
    alone = run(tasks, profile="quick", seed=0, jobs=1, watch=lambda *_: None)
    assert split.error is None
    for task, result in alone.results.items():
        found = split.results[task]
        assert found.witness == result.witness
        if result.evidence is not None:
            assert found.evidence is not None
            assert (found.evidence.scope, found.evidence.kind) == (result.evidence.scope, result.evidence.kind)
            assert cases[str(task)] == found.evidence.instances == result.evidence.instances


def test_what_a_worker_did_that_was_killed_is_done_again(folder: Path, address: str) -> None:
    (folder / "died").unlink(missing_ok=True)
    check = ["check", "--claim", "afar:dying", "--json", "died.json", "--scheduler", address]
    status, out, err = lengthgen(folder, *check)
    assert (status, err) == (0, ["lengthgen: done again, as its worker died: afar:dying exhaustive: numbers"])
    assert "dying holds: 20 cases" in out
    report = timeless(folder / "died.json")
    assert report.pop("redone") == 1
    assert lengthgen(folder, *check)[0] == 0
    assert timeless(folder / "died.json") == report


def test_work_of_which_every_worker_dies_is_given_up(folder: Path) -> None:
    with cluster(folder, 2, LENGTHGEN_TEST_ALWAYS="1") as process:
        address = process.stdout.readline().strip()
        check = ["check", "--claim", "afar:dying", "--claim", "afar:pairs", "--json", "d.json", "--scheduler", address]
        status, out, err = lengthgen(folder, *check)
    assert status == 4
    assert err[-1] == "lengthgen: a worker was killed (was there memory for it?)"
    assert "interrupted: the report holds what was covered." in out
    kinds = {c["id"]: [e["kind"] for e in c["evidence"]] for c in timeless(folder / "d.json")["claims"]}
    assert kinds == {"dying": ["inconclusive"], "pairs": ["exhausted"]}


def test_a_scheduler_that_goes_away_is_one_line(folder: Path) -> None:
    with cluster(folder, 1) as process:
        address = process.stdout.readline().strip()
        slow = ["check", "--claim", "T9", "--json", "gone.json", "--scheduler", address]
        with started([*LENGTHGEN, *slow], cwd=folder) as check:
            assert check.stderr is not None
            assert check.stderr.readline().startswith("[1/")
            process.kill()
            out, err = check.communicate(timeout=60)
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    assert lines == [f"lengthgen: ConnectionError: the scheduler {address} is gone (--debug shows where)"]
    assert check.returncode == 4
    assert out.splitlines()[-1].endswith("interrupted: the report holds what was covered.")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp://nowhere.invalid:8786"])
def test_a_scheduler_that_does_not_answer_is_bad_usage(address: str) -> None:
    with (
        pytest.raises(InvalidArgument, match=r"check: argument --scheduler: got .*, where no scheduler answers \("),
        executor(address, "check"),
    ):
        pass


def test_a_cluster_without_workers_is_waited_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with cluster(folder, 0) as process:
        address = process.stdout.readline().strip()
        with executor(address, "check") as there:
            assert isinstance(there, Cluster)
            future = there.submit(len, "abc")
            assert not future.done()
            assert capsys.readouterr().err == f"lengthgen: {address} has no workers yet; the work waits for them\n"
            command = [
                sys.executable,
                "-m",
                "distributed.cli.dask_worker",
                address,
                "--nthreads",
                "1",
                "--no-dashboard",
            ]
            options = {"cwd": folder / "cluster", "stderr": subprocess.DEVNULL}
            with started(command, **options):
                assert future.result(60) == 3


def square(number: int, tick: Any) -> int:
    tick(1)
    return number * number


def test_an_interrupt_leaves_the_cluster_as_it_was(address: str) -> None:
    def interrupt(item: int, new: int, done: bool) -> None:
        if done:
            raise KeyboardInterrupt

    with executor(address, "check") as there:
        found, interrupted = collect([*range(50)], square, executor=there, watch=interrupt)
        assert interrupted
        assert len(found) == 1
        assert there is not None
        assert there.submit(len, "abc").result(60) == 3


def test_verdicts_and_sweeps_are_the_same_there(folder: Path, address: str) -> None:
    asked = ["verdicts", "copy", "--scheme", "none", "--scheme", "coupled", "--json"]
    (folder / "grid.toml").write_text(
        textwrap.dedent(
            """
            seeds = 2
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
            """
        )
    )
    cells, rows = [], []
    for name in ("here", "there"):
        there = ["--scheduler", address]
        jobs, workers = (there, there) if name == "there" else (["--jobs", "1"], ["--workers", "1"])
        assert lengthgen(folder, *asked, f"{name}-cells.json", *jobs)[0] == 0
        assert lengthgen(folder, "sweep", "grid.toml", "--results", f"{name}.jsonl", *workers)[0] == 0
        data = json.loads((folder / f"{name}-cells.json").read_text(encoding="utf-8"))
        cells.append([{**cell, "seconds": 0} for cell in data["cells"]])
        found = sorted(read_rows(folder / f"{name}.jsonl"), key=lambda row: int(row["config"]["seed"]))
        rows.append([{**row, "seconds": 0} for row in found])
    assert cells[0] == cells[1]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2
