"""The runner: every check once, the same results whatever the number of workers, nothing lost to an interrupt."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idealized_model.workers import deaf_to_interrupts
from proofs_check.claims import find, t1
from proofs_check.claims.checks import ENGINES, Result, Run, Task, run, tasks_of
from proofs_check.claims.claim import Profile
from proofs_check.problem import Problem
from proofs_check.work import pool
from proofs_check.work.progress import watching
from tests.proofs_check.toys import CLAIM, problem, toy
from theory import BudgetExceeded, InvalidArgument
from theory.claims import CLAIMS

IDS = [claim.id for claim in CLAIMS]


class Watcher:
    """Records what the runner says while it runs."""

    def __init__(self) -> None:
        self.cases: dict[Task, int] = {}
        self.finished: list[Task] = []

    def __call__(self, task: Task, cases: int, done: bool) -> None:
        self.cases[task] = self.cases.get(task, 0) + cases
        if done:
            self.finished.append(task)


def timeless(outcome: Run) -> dict[Task, Result]:
    """The results with every time set to 0."""
    return {
        task: result
        if result.evidence is None
        else dataclasses.replace(result, evidence=dataclasses.replace(result.evidence, seconds=0))
        for task, result in outcome.results.items()
    }


# ── Tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_check_of_a_claim_is_a_task_of_its_own() -> None:
    tasks = tasks_of(IDS)
    assert len(tasks) == len(set(tasks))
    for claim_id in IDS:
        plan = find(claim_id)
        own = [(task.engine, task.name) for task in tasks if task.claim == claim_id]
        assert len(own) == sum(
            map(len, (plan.families, plan.samplers, plan.measurements, plan.proofs, plan.mutants, plan.necessity))
        )
        assert ("symbolic", plan.proofs[0].scope) in own
        assert {("mutant", name) for name in plan.mutants} | {("necessity", name) for name in plan.necessity} <= set(
            own
        )
    order = [ENGINES.index(task.engine) for task in tasks]
    assert order == sorted(order)  # the long ones first


def test_an_unknown_claim_has_no_tasks() -> None:
    with pytest.raises(InvalidArgument, match="find: argument claim: got 'T99'"):
        tasks_of(["T1", "T99"])


# ── One process ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_performs_every_task_and_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t1, "claim", toy())
    tasks, watcher = tasks_of([CLAIM]), Watcher()
    outcome = run(tasks, profile="quick", seed=0, jobs=1, watch=watcher)
    assert list(outcome.results) == tasks == watcher.finished
    assert not outcome.interrupted
    assert all(result.finished for result in outcome.results.values())
    for task, result in outcome.results.items():
        if task.engine in ("mutant", "necessity"):
            assert result.evidence is None
            assert result.witness is not None
        else:
            assert result.evidence is not None
            assert result.evidence.kind in ("exhausted", "supported", "proved")
            assert task.engine == "symbolic" or watcher.cases[task] == result.evidence.instances


def test_a_check_that_cannot_be_done_is_inconclusive_and_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_long(profile: Profile) -> Iterator[Problem]:
        yield problem(3)
        raise BudgetExceeded("a family", size=12, budget=10)

    monkeypatch.setattr(t1, "claim", toy(families={"too long": too_long}))
    chosen = [task for task in tasks_of([CLAIM]) if task.engine in ("exhaustive", "measured", "symbolic")]
    outcome = run(chosen, profile="quick", seed=0, jobs=1, watch=Watcher())
    kinds = {task.name: result.evidence.kind for task, result in outcome.results.items() if result.evidence is not None}
    assert kinds.pop("too long") == "inconclusive"
    assert "inconclusive" not in kinds.values()
    (found,) = [result.evidence for task, result in outcome.results.items() if task.name == "too long"]
    assert found is not None
    assert found.engine == "exhaustive"
    assert found.scope.startswith("too long: it could not be done: a family: ")


def test_the_profile_and_the_seed_reach_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t1, "claim", toy())
    tasks = tasks_of([CLAIM])

    def scopes(profile: Profile, seed: int) -> dict[str, str]:
        found = run(tasks, profile=profile, seed=seed, jobs=1, watch=Watcher()).results
        return {task.engine: result.evidence.scope for task, result in found.items() if result.evidence is not None}

    first, other_seed, other_profile = scopes("quick", 0), scopes("quick", 1), scopes("full", 0)
    assert first["measured"] != other_seed["measured"]
    assert first["exhaustive"] == other_seed["exhaustive"]
    assert "[full]" in other_profile["exhaustive"]
    assert scopes("quick", 0) == first


def test_an_interrupt_keeps_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(profile: Profile) -> Iterator[Problem]:
        yield problem(1)
        yield problem(2)
        raise KeyboardInterrupt

    claim = toy()
    claim.family("cut off")(interrupted)
    monkeypatch.setattr(t1, "claim", claim)
    tasks = tasks_of([CLAIM])
    outcome = run(tasks, profile="quick", seed=0, jobs=1, watch=Watcher())
    assert outcome.interrupted
    assert list(outcome.results) == tasks
    evidence = {task.name: result.evidence for task, result in outcome.results.items() if result.evidence is not None}
    assert evidence["lengths in a row"].kind == evidence["short lengths"].kind == "exhausted"
    assert (evidence["cut off"].kind, evidence["cut off"].instances) == ("inconclusive", 4)
    assert evidence["cut off"].scope == "cut off: interrupted after 4 cases, none of which refuted the claim"
    assert evidence["ten lengths"].scope == "ten lengths: interrupted after 0 cases, none of which refuted the claim"
    assert [evidence[name].engine for name in ("cut off", "random lengths", "ten lengths", "a proof")] == [
        "exhaustive", "sampled", "search", "symbolic",
    ]  # fmt: skip
    unfinished = [task.engine for task, result in outcome.results.items() if not result.finished]
    assert {"mutant", "necessity", "sampled", "measured", "symbolic"} <= set(unfinished)
    assert all(result.witness is None for result in outcome.results.values())


# ── Several processes ────────────────────────────────────────────────────────────────────────────────────────────────


def cheap_tasks() -> list[Task]:
    """Quick checks of real claims, of every engine."""
    chosen = tasks_of(["T12"])
    assert {task.engine for task in chosen} == set(ENGINES)
    return chosen


def test_results_do_not_depend_on_workers_order_or_repetition() -> None:
    tasks, watcher = cheap_tasks(), Watcher()
    here = timeless(run(tasks, profile="quick", seed=7, jobs=1, watch=Watcher()))
    backwards = timeless(run(tasks[::-1], profile="quick", seed=7, jobs=1, watch=Watcher()))
    apart = run(tasks, profile="quick", seed=7, jobs=2, watch=watcher)
    assert here == backwards == timeless(apart)
    assert list(apart.results) == tasks
    assert sorted(map(str, watcher.finished)) == sorted(map(str, tasks))
    sampled = next(task for task in tasks if task.engine == "sampled")
    other = run([sampled], profile="quick", seed=8, jobs=1, watch=Watcher())
    assert timeless(other)[sampled] != here[sampled]  # the seed matters


def test_an_interrupt_ends_the_workers_and_keeps_what_is_finished(interruptible: None) -> None:
    tasks = [task for task in tasks_of(["T12", "T7"]) if task.engine in ("exhaustive", "necessity")]

    class Interrupt(Watcher):
        def __call__(self, task: Task, cases: int, done: bool) -> None:
            super().__call__(task, cases, done)
            if done:
                os.kill(os.getpid(), signal.SIGINT)

    watcher, others = Interrupt(), set(multiprocessing.active_children())  # joblib keeps those of other tests
    # Workers that went on would take minutes at the full profile: the test would fail, and must not wait for them.
    too_late = threading.Timer(30, lambda: [worker.kill() for worker in {*multiprocessing.active_children()} - others])
    too_late.start()
    outcome = run(tasks, profile="full", seed=0, jobs=2, watch=watcher)
    too_late.cancel()
    assert outcome.interrupted
    finished = [task for task, result in outcome.results.items() if result.finished]
    assert set(watcher.finished) <= set(finished)
    assert 1 <= len(finished) < len(tasks)
    assert outcome.seconds < 30
    assert set(multiprocessing.active_children()) <= others
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def ignored_signals(pid: int) -> int:
    """The bit mask of the signals that a process ignores; bit n - 1 is signal n."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["SigIgn"], 16)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at signal masks in /proc")
def test_workers_ignore_ctrl_c_from_their_start(interruptible: None) -> None:
    """A terminal sends Ctrl-C to the workers too, even while they start: they must not print tracebacks."""
    ignoring: list[bool] = []

    def watch(task: Task, cases: int, done: bool) -> None:
        ignoring.extend(
            bool(ignored_signals(worker.pid) & 1 << (signal.SIGINT - 1))
            for worker in multiprocessing.active_children()
            if worker.pid is not None
        )

    tasks = [task for task in tasks_of(["T12"]) if task.engine in ("necessity", "mutant")]
    run(tasks, profile="quick", seed=0, jobs=2, watch=watch)
    assert ignoring
    assert all(ignoring)
    assert not ignored_signals(os.getpid()) & 1 << (signal.SIGINT - 1)


def test_what_starts_deaf_stays_deaf(interruptible: None) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    with deaf_to_interrupts():
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_a_run_may_be_started_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the main thread may set signal handlers; the runner must not need to."""
    task = next(task for task in tasks_of(["T12"]) if task.engine == "necessity")
    found: list[Run] = []
    thread = threading.Thread(
        target=lambda: found.append(run([task], profile="quick", seed=0, jobs=2, watch=Watcher()))
    )
    thread.start()
    thread.join(60)
    (outcome,) = found
    assert outcome.results[task].witness is not None


def test_the_environment_is_as_before_after_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with pool._one_thread_each():
        assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "1")
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


# ── Progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_progress_is_a_line_a_finished_check_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [Task("symbolic", "T1", "a"), Task("mutant", "T2", "b")]
    with watching(tasks) as watch:
        watch(tasks[1], 5, False)
        watch(tasks[1], 0, True)
        watch(tasks[0], 0, True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[1/2] T2 mutant: b\n[2/2] T1 symbolic: a\n"


@pytest.mark.parametrize("columns", ["80", "²"])
def test_progress_in_a_terminal_counts_cases_and_checks(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.progress import Progress

    monkeypatch.setenv("COLUMNS", columns)
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(Progress, "update", lambda self, bar, **fields: seen.append({"bar": bar, **fields}))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    tasks = [Task("symbolic", "T1", "a"), Task("mutant", "T1", "b"), Task("mutant", "T2", "b")]
    with watching(tasks) as watch:
        watch(tasks[0], 5, False)
        watch(tasks[1], 3, True)
        watch(tasks[2], 0, True)
    assert [(entry["advance"], entry["cases"]) for entry in seen] == [(0, 5), (1, 8), (1, 0)]
    assert seen[0]["bar"] == seen[1]["bar"] != seen[2]["bar"]
