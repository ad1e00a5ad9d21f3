"""What does the work in place of this machine's processes: anything that is an executor, by its name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import read_rows
from idealized_model.transformer.sweeps import jobs, sweep
from proofs_check.claims import t1
from proofs_check.claims.checks import run, tasks_of
from proofs_check.commands.main import main
from proofs_check.report import build
from proofs_check.verdicts.table import decide_all, questions
from proofs_check.work.executors import executor
from proofs_check.work.pool import Report, Reporting, Unfinished, collect
from tests.proofs_check.toys import CLAIM, toy
from theory.errors import BackendUnavailable, InvalidArgument

THREADS = "concurrent.futures:ThreadPoolExecutor"
Out = pytest.CaptureFixture[str]


class Alone(Executor):
    """Does everything at once, where it stands."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


class Dying(Alone, Reporting):
    """The first worker dies in the middle of everything that it does, and another one does it again."""

    def __init__(self) -> None:
        self.redone: list[str] = []
        self._reports: list[tuple[int, int]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        self.redone.append(str(arguments[0]))
        return super().submit(function, *arguments, **options)

    def reporter(self, number: int) -> Report:
        self._reports += [(number, 5), (number, 1)]
        return lambda cases: self._reports.append((number, cases))

    def reports(self) -> Iterator[tuple[int, int]]:
        while self._reports:
            yield self._reports.pop(0)


# ── Work ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def halves(number: int, tick: Callable[[int], None]) -> int:
    tick(number)
    return number // 2


def more(number: int, half: int) -> list[int]:
    return [half, number - half + 100] if 0 < half < 50 else []


@pytest.mark.parametrize("on", [None, Alone(), ThreadPoolExecutor(2)])
def test_what_is_found_may_lead_to_more(on: Executor | None) -> None:
    cases: dict[int, int] = {}
    done: list[int] = []

    def watch(item: int, new: int, finished: bool) -> None:
        cases[item] = cases.get(item, 0) + new
        done.extend([item] * finished)

    found, interrupted = collect([6, 0], halves, watch=watch, executor=on, then=more)
    assert not interrupted
    assert found == {6: 3, 0: 0, 3: 1, 103: 51, 1: 0, 102: 51}
    assert sorted(done) == sorted(found)
    assert on is not None or done == [6, 3, 1, 102, 103, 0]  # each at once, so that a check ends before the next begins
    assert cases == {item: item for item in found}


def test_what_died_and_was_done_again_is_counted_once() -> None:
    steps: dict[int, list[int]] = {2: [], 7: []}
    found, _ = collect([2, 7], halves, watch=lambda item, new, done: steps[item].append(new), executor=Dying())
    assert found == {2: 1, 7: 3}
    assert steps == {2: [5, -4, 1, 0], 7: [5, -4, 6, 0]}


def test_a_report_says_how_much_was_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t1, "claim", toy())
    again, tasks = Dying(), tasks_of([CLAIM])

    def report(on: Executor | None) -> dict[str, Any]:
        built = build(run(tasks, profile="quick", seed=0, jobs=1, executor=on, watch=lambda *_: None))
        for evidence in built["claims"][0]["evidence"]:
            del evidence["seconds"]
        return {**built, "seconds": 0}

    found, alone = report(again), report(None)
    assert "redone" not in alone
    assert found.pop("redone") == len(again.redone) == len(tasks)
    assert json.dumps(found) == json.dumps(alone)
    assert again.redone[0] == f"{CLAIM} exhaustive: lengths in a row"


def test_work_that_fails_on_an_executor_keeps_what_is_done() -> None:
    def three_fails(number: int, tick: Callable[[int], None]) -> int:
        return halves(number // (number != 3), tick)

    with pytest.raises(Unfinished) as caught:
        collect([8, 3, 4], three_fails, watch=lambda *_: None, executor=Alone())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.done.get(8, 4) == 4


def test_an_interrupt_leaves_what_waits_undone() -> None:
    waiting: list[Future[Any]] = []

    class Later(Executor):
        """Does the first piece of work, and never the others."""

        def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
            waiting.append(Alone().submit(function, *arguments) if not waiting else Future())
            return waiting[-1]

    def interrupt(item: int, new: int, done: bool) -> None:
        if done:
            raise KeyboardInterrupt

    assert collect([8, 3, 4], halves, watch=interrupt, executor=Later()) == ({8: 4}, True)
    assert [future.cancelled() for future in waiting] == [False, True, True]


def test_verdicts_do_not_depend_on_who_decides_them() -> None:
    asked = questions(["copy"], ["none", "absolute"])
    alone, there = (decide_all(asked, jobs=1, executor=on, watch=lambda *_: None) for on in (None, Alone()))
    assert alone == there
    assert len(there[0]) == 2


GRID = {
    "seeds": 2, "test_lengths": [2], "test_size": 4,
    "defaults": {"task": "copy", "longest": 2, "n_ids": 16, "steps": 3, "batch": 2, "width": 8, "layers": 1, "heads": 2},
}  # fmt: skip


@pytest.mark.parametrize("on", [Alone(), ThreadPoolExecutor(2)])
def test_rows_of_a_sweep_do_not_depend_on_who_makes_them(on: Executor, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    watch = {"watch": lambda row, number, total: seen.append((number, total))}
    assert sweep(jobs(GRID), tmp_path / "there.jsonl", executor=on, **watch) == 2  # type: ignore[arg-type]
    assert seen == [(1, 2), (2, 2)]
    assert sweep(jobs(GRID), tmp_path / "there.jsonl", executor=on) == 0
    assert sweep(jobs(GRID), tmp_path / "here.jsonl") == 2
    here, there = (
        sorted(
            ({**row, "seconds": 0} for row in read_rows(tmp_path / name)), key=lambda row: int(row["config"]["seed"])
        )
        for name in ("here.jsonl", "there.jsonl")
    )
    assert here == there


def test_runs_that_wait_are_given_up_with_the_sweep(tmp_path: Path) -> None:
    submitted: list[str] = []

    class Second(Alone):
        """The first run is done, the second one never."""

        def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
            submitted.append(str(arguments[0]))
            self.last = super().submit(function, *arguments) if len(submitted) == 1 else Future()
            return self.last

    def interrupt(*seen: object) -> None:
        raise KeyboardInterrupt

    second = Second()
    with pytest.raises(KeyboardInterrupt):
        sweep(jobs(GRID), tmp_path / "rows.jsonl", executor=second, watch=interrupt)
    assert submitted == ["copy, none, seed 0", "copy, none, seed 1"]
    assert second.last.cancelled()
    assert len(read_rows(tmp_path / "rows.jsonl")) == 1


# ── By name ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_command_takes_whatever_makes_an_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(t1, "claim", toy())
    assert main(["check", "--claim", CLAIM, "--scheduler", THREADS]) == 0
    assert f"{CLAIM} holds" in capsys.readouterr().out
    assert main(["verdicts", "copy", "--scheme", "none", "--scheduler", THREADS]) == 0
    assert "copy" in capsys.readouterr().out
    grid = "seeds = 1\ntest_lengths = [2]\ntest_size = 2\n[defaults]\n"
    grid += "\n".join(f"{name} = {json.dumps(value)}" for name, value in GRID["defaults"].items())  # type: ignore[attr-defined]
    Path("grid.toml").write_text(grid)
    assert main(["sweep", "grid.toml", "--results", "rows.jsonl", "--scheduler", THREADS]) == 0
    assert len(read_rows("rows.jsonl")) == 1


def test_what_was_done_again_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Out, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(t1, "claim", toy())
    there = f"{__name__}:Dying"
    assert main(["check", "--claim", CLAIM, "--scheduler", there, "--json", "r.json"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert lines[0] == f"lengthgen: done again, as its worker died: {CLAIM} exhaustive: lengths in a row"
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["redone"] == len(lines)


def raising() -> None:
    raise OSError("no route")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("8786", r"got '8786'; expected the address of a dask scheduler, such as tcp://host:8786, or module:object"),
        ("host:8786", r"got 'host:8786'; .*Start one with: dask scheduler"),
        ("http://host:8786", r"got 'http://host:8786'; .*begins with one of tcp://, tls://, ws://, wss://, ucx://\."),
        ("no_such_module:x", "there is no module no_such_module"),
        ("concurrent.futures:ThreadPool", r"has no ThreadPool; .*Did you mean 'ThreadPoolExecutor'"),
        ("math:pi", r"got 'math:pi', which makes the float 3\.14.*; .*For instance mpi4py\.futures:MPIPoolExecutor"),
        (f"{__name__}:raising", r"raising', which raises OSError: no route; .*called without arguments"),
        ("concurrent.futures:Executor.submit", r"submit', which raises TypeError"),
    ],
)
@pytest.mark.parametrize("command", ["check", "verdicts", "sweep"])
def test_what_is_no_executor_is_bad_usage(
    command: str, spec: str, message: str, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(InvalidArgument, match=rf"{command}: argument --scheduler: .*{message}"),
        executor(spec, command),
    ):
        pass
    if command == "check":
        assert main(["check", "--claim", "T12", "--scheduler", spec]) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("lengthgen: check: argument --scheduler: got ")


def test_without_the_package_dask_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(
            BackendUnavailable, match=r'the package distributed is missing; .*pip install "lengthgen\[dask\]"'
        ),
        executor("tcp://host:8786", "check"),
    ):
        pass


def test_an_executor_is_shut_down_and_no_spec_is_none() -> None:
    with executor(THREADS, "check") as found:
        assert isinstance(found, ThreadPoolExecutor)
    with pytest.raises(RuntimeError, match="after shutdown"):
        found.submit(halves, 2, print)
    with executor(None, "check") as found:
        assert found is None
