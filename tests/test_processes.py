"""Processes: none outlives the one that it works for, and where there can be no other one does the work."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from idealized_model import workers
from idealized_model.transformer import sweeps
from idealized_model.transformer.results import read_rows
from idealized_model.transformer.sweeps import read_grid, sweep
from proofs_check.commands import program
from proofs_check.work import pool
from proofs_check.work.pool import Unfinished, collect
from tests.idealized_model.transformer.test_sweeps import TINY
from tests.processes import LENGTHGEN, MARK, all_end, environment, in_proc, launched, marked, new_mark, started

LONG = TINY.replace("seeds = 3", "seeds = 1").replace("steps = 12", "steps = 10000000")
CHECK = [
    *LENGTHGEN,
    "check",
    "--claim",
    "T12",
    "--claim",
    "T7",
    "--profile",
    "full",
    "--jobs",
    "2",
    "--json",
    "report.json",
]
SWEEP = [*LENGTHGEN, "sweep", "grid.toml", "--results", "results.jsonl", "--workers", "2"]
WORKER = {"check": "spawn_main", "sweep": "popen_loky"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a grid of runs of an hour."""
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(LONG)
    return tmp_path


@pytest.fixture
def mark() -> Iterator[str]:
    """Of the processes of a test; nothing is left of them."""
    own = new_mark()
    yield own
    assert all_end(own)


def until(found: Callable[[], Any], within: float = 60) -> Any:
    """What is found, as soon as it is something."""
    deadline = time.monotonic() + within
    while not (value := found()):
        assert time.monotonic() < deadline, "that takes too long"
        time.sleep(0.02)
    return value


def at_work(mark: str, name: str) -> list[int]:
    """The two workers of a command, as soon as they have eaten some processor time: they are past their start."""

    def found() -> list[int]:
        own = [number for number, command in marked(mark).items() if WORKER[name] in command]
        return own if len(own) == 2 and all(seconds(number) > 1 for number in own) else []

    own: list[int] = until(found)
    return own


def seconds(number: int) -> float:
    """The processor time of a process."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── Every generation ─────────────────────────────────────────────────────────────────────────────────────────────────


@in_proc
@pytest.mark.parametrize("name", ["check", "sweep"])
@pytest.mark.parametrize("early", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_workers_end_with_a_command_that_is_killed(name: str, early: bool, mark: str) -> None:
    """At work, and as soon as they are started: one that has had no work yet waits for some."""
    with started(CHECK if name == "check" else SWEEP, env=environment(**{MARK: mark})) as process:
        if early:
            until(lambda: any(WORKER[name] in command for command in marked(mark).values()))
        else:
            at_work(mark, name)
        process.kill()
    assert all_end(mark, within=30 if early else 5)


@in_proc
def test_a_check_whose_worker_is_killed_keeps_what_is_finished(mark: str) -> None:
    with started(CHECK, env=environment(**{MARK: mark})) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[1/")
        os.kill(at_work(mark, "check")[0], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert process.returncode == program.FAILED
    assert err.splitlines()[-1] == "lengthgen: a worker was killed (was there memory for it?)"
    assert "Traceback" not in err
    assert out.splitlines()[-1].endswith("interrupted: the report holds what was covered.")
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    kinds = [item["kind"] for claim in report["claims"] for item in claim["evidence"]]
    assert "exhausted" in kinds
    assert "inconclusive" in kinds


@in_proc
@pytest.mark.parametrize("name", ["check", pytest.param("sweep", marks=pytest.mark.slow)])
def test_a_command_ends_with_the_script_that_waits_for_it(name: str, mark: str) -> None:
    """As at Ctrl-C: what a check has found so far is in its report."""
    command = CHECK if name == "check" else SWEEP
    script = ["/usr/bin/env", "sh", "-c", '"$@"; true', "sh", *command]
    with started(script, env=environment(**{MARK: mark}), start_new_session=True) as shell:
        at_work(mark, name)
        shell.kill()
        out, err = shell.communicate(timeout=30)
    assert all_end(mark)
    if name == "check":
        assert out.splitlines()[-1].endswith("interrupted: the report holds what was covered.")
        assert json.loads(Path("report.json").read_text(encoding="utf-8"))["interrupted"]
    else:
        assert err == "lengthgen: 0 of 3 runs done; the same command goes on.\n"


@in_proc
def test_a_command_in_the_background_goes_on_without_its_script(mark: str) -> None:
    """`nohup lengthgen check &`: neither the end of the script nor Ctrl-C nor a hangup ends it."""
    command = [*LENGTHGEN, "check", "--claim", "T12", "--jobs", "2", "--json", "report.json"]
    script = ["/usr/bin/env", "sh", "-c", 'nohup "$@" >out 2>err & echo $!; wait', "sh", *command]
    with started(script, env=environment(**{MARK: mark}), start_new_session=True) as shell:
        assert shell.stdout is not None
        number = int(shell.stdout.readline())
        until(lambda: Path("err").exists() and "[1/" in Path("err").read_text())
        shell.kill()
        for interrupt in (signal.SIGINT, signal.SIGHUP):
            os.kill(number, interrupt)
        until(lambda: not marked(mark))
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert (report["interrupted"], report["claims"][0]["holds"]) == (False, True)
    assert Path("out").read_text(encoding="utf-8").splitlines()[-1].startswith("T12 holds: ")


@pytest.mark.parametrize("background", ["", "SIGINT", "SIGHUP", "group"])
def test_in_the_background_are_what_ignores_signals_and_what_leads_a_group(
    background: str, interruptible: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[int] = []
    monkeypatch.setattr(workers, "once_orphaned", lambda parent, then: followed.append(parent))
    monkeypatch.setattr(os, "getpgrp", lambda: os.getpid() if background == "group" else 1)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it
    try:
        if background.startswith("SIG"):
            signal.signal(getattr(signal, background), signal.SIG_IGN)
        program.end_with_caller()
        listens = signal.getsignal(signal.SIGINT) is program._interrupt
    finally:
        signal.signal(signal.SIGHUP, before)
    assert followed == ([] if background else [os.getppid()])
    assert listens == bool(followed)


def test_an_orphan_is_interrupted_and_then_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(signal, "pthread_kill", lambda thread, number: said.append((thread, number)))
    monkeypatch.setattr(time, "sleep", said.append)
    monkeypatch.setattr(os, "_exit", said.append)
    monkeypatch.setattr(program, "_INTERRUPTED", threading.Event())
    program._end()
    assert said == [(threading.main_thread().ident, signal.SIGINT), program.GRACE, program.INCONCLUSIVE]
    with pytest.raises(KeyboardInterrupt):
        program._interrupt(signal.SIGINT, None)
    program._end()  # Ctrl-C ended the script and reached the command: it is at work on its report
    assert said[3:] == [program.GRACE, program.INCONCLUSIVE]


@in_proc
def test_a_program_of_a_test_ends_with_the_tests(mark: str) -> None:
    """And Ctrl-C works in it, also where the tests ignore it."""
    code = (
        "import signal, sys\nfrom tests.processes import started\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "waits = [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(600)']\n"
        "with started(waits) as process:\n    process.stdout.readline()\n    process.send_signal(signal.SIGINT)\n"
        "    print(process.wait(), flush=True)\n"
        "with started(waits) as process:\n    print(process.stdout.readline(), flush=True)\n    process.wait()"
    )
    with started([sys.executable, "-c", code], env=environment(**{MARK: mark}), cwd=Path(__file__).parents[1]) as tests:
        assert tests.stdout is not None
        assert int(tests.stdout.readline()) == -signal.SIGINT
        assert tests.stdout.readline() == "1\n"
        assert len(marked(mark)) == 2
        tests.kill()
    assert all_end(mark)


# ── Without semaphores ───────────────────────────────────────────────────────────────────────────────────────────────


READ_ONLY = OSError(30, "Read-only file system")
ONE = "no worker processes (Read-only file system; is there room in /dev/shm?): the work goes on in one process"


def squares(number: int, tick: Callable[[int], None]) -> int:
    tick(1)
    return number * number


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (READ_ONLY, "Read-only file system"), (OSError(28, "No space left on device"), "No space left on device"),
        (ImportError("no\nsem_open"), "no sem_open"), (NotImplementedError("too few"), "too few"),
    ],
)  # fmt: skip
def test_where_no_process_can_be_started_one_does_the_work(
    error: Exception, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(pool, "ProcessPoolExecutor", none)
    seen: list[tuple[int, int, bool]] = []
    with pytest.warns(RuntimeWarning, match="the work goes on in one process") as said:
        found = collect([2, 3], squares, jobs=2, watch=lambda *what: seen.append(what))
    assert found == ({2: 4, 3: 9}, False)
    assert seen == [(2, 1, False), (2, 0, True), (3, 1, False), (3, 0, True)]
    assert [str(one.message) for one in said] == [ONE.replace("Read-only file system", what)]


@pytest.mark.parametrize("start", ["check", "sweep"])
def test_workers_are_deaf_to_ctrl_c_before_their_first_instruction(
    start: str, interruptible: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal sends it to them too, and they have no handler yet: they would end with a traceback."""
    heard: list[Any] = []

    def starts(*arguments: Any, **options: Any) -> Any:
        heard.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "ProcessPoolExecutor", starts)
    monkeypatch.setattr("joblib.externals.loky.process_executor.ProcessPoolExecutor.submit", starts)
    if start == "check":
        assert collect([2, 3], squares, jobs=2, watch=lambda *_: None) == ({}, True)
    else:
        with pytest.raises(KeyboardInterrupt):
            sweep(read_grid("grid.toml"), "results.jsonl", workers=2)
    assert heard == [True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_worker_leaves_ctrl_c_to_its_parent(interruptible: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that was started later, in place of another."""
    followed: list[Any] = []
    monkeypatch.setattr(workers, "once_orphaned", lambda parent, then: followed.append((parent, then.func, then.args)))
    workers.end_with.__wrapped__(17)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert followed == [(17, os._exit, (1,))]


def test_workers_of_a_sweep_end_with_it_also_before_they_have_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """joblib starts all of them at once; one may wait for minutes until it has a run."""
    given: dict[str, Any] = {}

    def configure(self: object, **options: Any) -> None:
        given.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("joblib.parallel.LokyBackend.configure", configure)
    with pytest.raises(KeyboardInterrupt):
        sweep(read_grid("grid.toml"), "results.jsonl", workers=64)
    followed: list[int] = []
    monkeypatch.setattr("idealized_model.transformer.sweeps.end_with", followed.append)
    given["initializer"](*given["initargs"])
    assert followed == [os.getpid()]
    assert given["n_jobs"] == 3  # as many as there are runs


def test_where_a_second_process_cannot_be_started_the_first_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a user may have only so many."""
    submit, calls = ProcessPoolExecutor.submit, []

    def second_fails(self: ProcessPoolExecutor, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return submit(self, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", second_fails)
    with pytest.warns(RuntimeWarning, match="Resource temporarily unavailable"):
        assert collect([2, 3], squares, jobs=2, watch=lambda *_: None) == ({2: 4, 3: 9}, False)
    assert multiprocessing.active_children() == []


def test_work_that_fails_keeps_what_is_done() -> None:
    def third_fails(number: int, tick: Callable[[int], None]) -> int:
        return squares(number // (number != 4), tick)

    with pytest.raises(Unfinished) as caught:
        collect([2, 3, 4, 5], third_fails, jobs=1, watch=lambda *_: None)
    assert caught.value.done == {2: 4, 3: 9}
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert str(caught.value) == "an error ended the work after 2 items"


NO_SEMAPHORES = """
import _multiprocessing, multiprocessing.synchronize, sys
def none(*arguments, **options):
    raise OSError(30, "Read-only file system")
_multiprocessing.SemLock = none
from proofs_check.commands.main import main
from proofs_check.commands.program import run
sys.exit(run(lambda: max(main(command.split()) for command in sys.argv[1:])))
"""
COMMANDS = (
    "check --claim T12 --jobs 2", "verdicts --task copy --scheme none --scheme absolute --jobs 2",
    "sweep grid.toml --results results.jsonl --workers 2", "doctor",
)  # fmt: skip


def said_once_a_command(err: str) -> None:
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    assert lines == [f"lengthgen: {ONE}"] * 3


def test_every_command_says_that_it_goes_on_in_one_process() -> None:
    Path("grid.toml").write_text(TINY.replace("seeds = 3", "seeds = 1"))
    done = subprocess.run(
        launched([sys.executable, "-W", "always", "-c", NO_SEMAPHORES, *COMMANDS]), capture_output=True, text=True, check=False,
        env=environment(), encoding="utf-8", timeout=120,
    )  # fmt: skip
    said_once_a_command(done.stderr)
    assert done.returncode == 0
    assert "T12 holds: " in done.stdout
    assert f"worker processes:     {ONE}" in done.stdout
    assert len(read_rows("results.jsonl")) == 3


@pytest.mark.slow
def test_a_read_only_dev_shm() -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("another view of the file system takes root, and Linux")
    Path("grid.toml").write_text(TINY.replace("seeds = 3", "seeds = 1"))
    script = "mount --bind /dev/shm /dev/shm && mount -o remount,ro,bind /dev/shm || exit 99\n"
    script += "\n".join(f'"$@" {command} || exit' for command in COMMANDS)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *LENGTHGEN], capture_output=True, text=True, check=False,
        env=environment(), encoding="utf-8", timeout=120,
    )  # fmt: skip
    said_once_a_command(done.stderr)
    assert done.returncode == 0
    assert f"worker processes:     {ONE}" in done.stdout


def test_threads_need_no_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    from joblib import parallel_config

    Path("grid.toml").write_text(TINY.replace("seeds = 3", "seeds = 1"))
    monkeypatch.setattr(sweeps, "why_none", lambda: READ_ONLY)
    with parallel_config("threading"):
        assert sweep(read_grid("grid.toml"), "results.jsonl", workers=2) == 3


def test_semaphores_are_found_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers.why_none() is None

    def none(*arguments: Any, **options: Any) -> Any:
        raise READ_ONLY

    monkeypatch.setattr("multiprocessing.synchronize.Lock.__init__", none)
    assert workers.why_none() is READ_ONLY
    assert workers.one_process(READ_ONLY) == ONE
