"""Checks: every one once, the same results whatever the workers and the shards, nothing lost to an interrupt."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from idealized_model.workers import deaf_to_interrupts
from proofs_check import Claim, Evidence
from proofs_check.claims import checks, engines, find, t1
from proofs_check.claims.checks import ENGINES, Check, Result, Run, Shard, Task, perform, run, tasks_of
from proofs_check.claims.functions import Facts
from proofs_check.claims.registered import Profile, Sampler
from proofs_check.claims.turns import ALONE, WHOLE, Pace, Tally, Turn, Walked, walk
from proofs_check.problem import Problem
from proofs_check.replay import replay
from proofs_check.report import build
from proofs_check.work import pool
from proofs_check.work.progress import watching
from tests.proofs_check.toys import CLAIM, Ticks, bare, draw_lengths, length_of, problem, toy
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
        ) + len(plan.compiled)
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
            assert task.engine in ("symbolic", "coq") or watcher.cases[task] == result.evidence.instances


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
    """Quick checks of a real claim, one of every engine."""
    tasks = tasks_of(["T6"])
    chosen = [task for engine in ENGINES for task in [task for task in tasks if task.engine == engine][:1]]
    assert {task.engine for task in chosen} == set(ENGINES)
    return chosen


def test_results_do_not_depend_on_workers_order_or_repetition() -> None:
    tasks, watcher = cheap_tasks(), Watcher()
    here = timeless(run(tasks, profile="quick", seed=7, jobs=1, watch=Watcher()))
    apart = run(tasks[::-1], profile="quick", seed=7, jobs=2, watch=watcher, pace=Pace(0.05))
    assert here == timeless(apart)
    assert list(apart.results) == tasks[::-1]
    assert sorted(map(str, watcher.finished)) == sorted(map(str, tasks))
    sampled = next(task for task in tasks if task.engine == "sampled")
    other = run([sampled], profile="quick", seed=8, jobs=1, watch=Watcher())
    assert timeless(other)[sampled] != here[sampled]  # the seed matters


SPLIT = Pace(-1, inf)
"""As many turns as there are problems."""


def nothing(task: Task, cases: int, done: bool) -> None:
    """Nobody watches."""


def report_of(addresses: Sequence[str], **how: Any) -> str:
    """The report as it is written, but for its seconds."""
    report = build(run(tasks_of(addresses), profile="quick", seed=3, watch=nothing, **{"jobs": 1, **how}))
    report["seconds"] = 0
    for claim in report["claims"]:
        for evidence in claim["evidence"]:
            evidence["seconds"] = 0
    return json.dumps(report)


OWN = [f"tests.proofs_check.own_claims:{name}" for name in ("mean", "low", "sparse", "growing", "negative", "broken")]


@pytest.mark.parametrize(
    ("pace", "threads"),
    [
        (Pace(0.0005), 4),
        (SPLIT, 1),
        *(
            pytest.param(pace, threads, marks=pytest.mark.slow)
            for pace, threads in product((ALONE, SPLIT, Pace(0.0005), Pace(0.002, inf)), (1, 4))
            if (pace, threads) not in ((Pace(0.0005), 4), (SPLIT, 1))
        ),
    ],
    ids=str,
)
def test_a_report_depends_on_no_shards_and_no_workers(pace: Pace, threads: int) -> None:
    """Of claims that hold, are refuted by a family and by draws, raise in the middle, and have mutants that survive."""
    alone = report_of(OWN)
    with ThreadPoolExecutor(threads) as executor:
        assert report_of(OWN, executor=executor, pace=pace) == alone
    kinds = {evidence["kind"] for claim in json.loads(alone)["claims"] for evidence in claim["evidence"]}
    assert {"refuted", "inconclusive", "exhausted", "supported"} <= kinds
    assert "at problem" in alone


def test_so_it_is_with_processes() -> None:
    assert report_of(OWN[:2], jobs=2, pace=SPLIT) == report_of(OWN[:2])


def test_a_witness_that_a_shard_found_survives_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were to look before it had not ended."""
    claim = toy(bound=4, longest=9)
    claim.families[1:], claim.samplers[:], claim.measurements[:], claim.proofs[:] = [], [], [], []
    claim.mutants.clear()
    claim.necessity.clear()
    monkeypatch.setattr(t1, "claim", claim)
    (task,) = (one for one in tasks_of([CLAIM]) if one.engine != "coq")
    check = Check(task, "quick")
    assert list(check.missing) == [Shard(task, WHOLE)]
    first = walk(engines.listed_by(claim, claim.families[0], "quick", Ticks()), pace=SPLIT)
    before, behind = check.add(Shard(task, WHOLE), first)
    assert check.result(7).evidence == Evidence(
        "inconclusive", "exhaustive", "lengths in a row: interrupted after 7 cases, none of which refuted the claim", 7
    )
    listed = engines.listed_by(claim, claim.families[0], "quick", Ticks())
    assert isinstance(behind.part, Turn)
    assert check.add(behind, walk(listed, turn=behind.part)) == []
    assert not check.finished
    found = check.result(7)
    assert found.evidence is not None
    assert found.evidence.kind == "refuted"
    assert found.evidence.witness is not None
    assert found.evidence.witness["facts"] == {"length": 5, "bound": "4"}
    assert isinstance(before.part, Turn)
    listed = engines.listed_by(claim, claim.families[0], "quick", Ticks())
    check.add(before, walk(listed, turn=before.part))
    assert check.finished
    whole = perform(task, "quick", 0, Ticks()).evidence
    assert whole is not None
    assert timeless(Run("quick", 0, {task: check.result()})) == timeless(Run("quick", 0, {task: Result(whole)}))
    assert whole.witness is not None
    assert whole.witness["facts"] == {"length": 4, "bound": "4"}


# ── Draws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def drawing(monkeypatch: pytest.MonkeyPatch, *, longest: int, n: int, bound: int = 10**10, draws: int = 20) -> Any:
    """What a run finds of so many lengths, drawn in blocks of `draws`."""
    monkeypatch.setattr(engines, "DRAWS", draws)
    claim = bare(bound=bound)
    claim.sampler("lengths", quick=n, full=n)(draw_lengths(longest))
    monkeypatch.setattr(t1, "claim", claim)
    (task,) = (task for task in tasks_of([CLAIM]) if task.engine == "sampled")
    with ThreadPoolExecutor(2) as executor:
        results = run([task], profile="quick", seed=1, jobs=1, watch=nothing, executor=executor).results
    alone = perform(task, "quick", 1, Ticks())
    assert timeless(Run("quick", 1, {task: alone})) == timeless(Run("quick", 1, results))
    return alone.evidence


def test_many_problems_are_drawn_in_blocks_and_each_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    few = drawing(monkeypatch, longest=6, n=50)
    assert few.scope.startswith("lengths: 6 distinct ones drawn by Hypothesis, 6 of them in no family, 6 under")
    assert (few.instances, few.decisive) == (6, 6)
    many = drawing(monkeypatch, longest=10**9, n=50)
    assert many.kind == "supported"
    assert 40 <= many.instances <= 50  # small ones come again
    assert many.scope.startswith(f"lengths: {many.instances} distinct ones")


def test_blocks_come_to_the_first_that_ends_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an interrupt left others undone."""
    monkeypatch.setattr(engines, "DRAWS", 2)
    claim = bare()
    claim.sampler("numbers", quick=6)(lambda: st.integers())
    monkeypatch.setattr(t1, "claim", claim)
    (task,) = (task for task in tasks_of([CLAIM]) if task.engine == "sampled")
    one, witness = Tally(1, 1, 0, 1, 1), {"facts": {}}
    plain = engines.Drawn(Tally(2, 2, 0, 2, 2), {"a": (one, True), "b": (one, False)})
    refuted = engines.Drawn(Tally(7, 7, 0, 7, 7), refuted=witness)

    def found(*pieces: Any) -> tuple[Any, ...]:
        check = Check(task, "quick")
        assert [shard.part for shard in check.missing] == [0, 1, 2]
        for block, piece in enumerate(pieces):
            if piece is not None:
                check.add(Shard(task, block), piece)
                check.add(Shard(task, block), checks.Raised("a second time"))
        evidence = check.result(11).evidence
        assert evidence is not None
        return evidence.kind, evidence.scope.partition(": ")[2].partition(",")[0], evidence.instances, evidence.witness

    three = Tally(1, 1, 0, 3, 3)
    raised = checks.Raised("boom", 7, {"b": Tally(4, 4, 0, 4, 4), "c": three})
    undone = "it could not be done: boom. Mend that"
    assert found(plain, raised, refuted) == ("inconclusive", undone, 5, None)  # "b" counts once
    assert found(raised, plain, plain) == ("inconclusive", undone, 7, None)
    assert found(plain, refuted, raised) == ("refuted", "", 9, witness)
    assert found(None, refuted, None) == ("refuted", "", 7, witness)
    assert found(plain, None, None)[:3] == ("inconclusive", "interrupted after 11 cases", 11)
    assert found(plain, plain, plain)[:3] == ("supported", "2 distinct ones drawn by Hypothesis", 2)


def test_a_block_has_at_most_so_many_draws_and_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(engines, "DRAWS", 20)
    claim = toy(bound=10**10, cases=lambda of: seen.append(length_of(of)) or 1)  # type: ignore[func-returns-value]
    sampler = Sampler("many", draw_lengths(10**9), 50, 50)
    assert engines.n_blocks(sampler, "quick") == 3
    blocks = []
    for block in range(3):
        seen.clear()
        engines.draw(claim, sampler, "quick", 0, block, Ticks())
        blocks.append([*seen])
    assert [len(block) for block in blocks] == [20, 20, 10]
    assert blocks[0] != blocks[1]
    assert blocks[2] != blocks[1][:10]


def test_the_first_block_that_refutes_counts_and_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shrunk problem is the smallest one; those behind it may have found another."""
    found = drawing(monkeypatch, longest=10**6, n=100, bound=10**6 - 40_000)
    assert found.kind == "refuted"
    assert found.witness["facts"]["length"] == 960_000
    claim, sampler = t1.claim, t1.claim.samplers[0]
    blocks = [engines.draw(claim, sampler, "quick", 1, block, Ticks()) for block in range(5)]
    first = next(number for number, block in enumerate(blocks) if block.refuted is not None)
    assert first > 0, "choose another bound: the first block refutes it"
    before = {key for block in blocks[:first] for key in block.keys}
    assert found.instances == len(before) + blocks[first].tally.cases
    assert blocks[first].tally.cases > 0
    again = engines.redraw(claim, sampler, "quick", 1, first)
    assert length_of(again) == 960_000
    assert engines.redraw(claim, sampler, "quick", 1) is None


def test_a_witness_of_a_later_block_is_replayed_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "DRAWS", 20)
    claim = Claim(CLAIM, statement="A function of nothing is small.", hypotheses=t1.claim.hypotheses)
    claim.refute(lambda of: {"value": of()} if of() >= 960_000 else None)
    claim.sampler("functions", quick=100)(lambda: st.integers(0, 10**6).map(lambda n: lambda: n))
    monkeypatch.setattr(t1, "claim", claim)
    (task,) = (one for one in tasks_of([CLAIM]) if one.engine != "coq")
    found = [perform(task, "quick", seed, Ticks()).evidence for seed in range(4)]
    witnesses = [evidence.witness for evidence in found if evidence is not None and evidence.witness is not None]
    late = [witness for witness in witnesses if "block" in witness["problem"]["address"]]
    assert late
    for witness in witnesses:
        assert replay(witness).reproduced
    for block, message in (("1", "address: block: got '1'; expected a whole number >= 0"), (-1, "got -1; expected")):
        late[0]["problem"]["address"]["block"] = block
        with pytest.raises(InvalidArgument, match=message):
            replay(late[0])


def test_what_was_finished_as_the_interrupt_came_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of a shard and what it leads to."""
    monkeypatch.setattr(t1, "claim", toy())
    task = next(task for task in tasks_of([CLAIM]) if task.engine == "exhaustive")

    def interrupt(task: Task, cases: int, done: bool) -> None:
        if not cases:
            raise KeyboardInterrupt

    outcome = run([task], profile="quick", seed=0, jobs=1, watch=interrupt)
    assert outcome.interrupted
    assert outcome.results[task].evidence.kind == "exhausted"  # type: ignore[union-attr]


def test_a_problem_that_goes_wrong_in_a_later_block_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "DRAWS", 20)

    def cases(of: Problem) -> int:
        if length_of(of) > 10**6 - 40_000:
            raise LookupError("too long")
        return 1

    claim = toy(bound=10**7, cases=cases)
    sampler = Sampler("lengths", draw_lengths(10**6), 100, 100)
    numbers = {}
    for block in range(5):
        try:
            engines.draw(claim, sampler, "quick", 1, block, Ticks())
        except LookupError as error:
            numbers[block] = int(error.__notes__[0].split()[2].rstrip(","))
    assert max(numbers) > 0
    assert all(20 * block < number <= 20 * block + 20 for block, number in numbers.items())


def test_a_worker_without_the_module_of_a_claim_says_so() -> None:
    """As on a machine that does not see the folder: the check is inconclusive, and the others go on."""
    for engine, part in (("exhaustive", WHOLE), ("sampled", 0), ("symbolic", None)):
        shard = Shard(Task(engine, "not_there:claim", "a scope"), part)  # type: ignore[arg-type]
        piece = checks._found("quick", 0, ALONE, shard, Ticks())
        raised = piece.end if isinstance(piece, Walked) else piece
        assert isinstance(raised, checks.Raised)
        assert "got 'not_there:claim', but there is no module not_there" in raised.said


class Here:
    """Equal to itself alone, or to nothing that comes from another process."""


def test_keys_that_do_not_travel_are_told_apart() -> None:
    assert engines._portable((1, "a"), 2, 3) == (1, "a")
    for key in (Here(), lambda: 1):
        assert engines._portable(key, 2, 3) == (2, 3)


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


def unheard_signals(pid: int) -> int:
    """The bit mask of the signals that a process ignores or blocks; bit n - 1 is signal n."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["SigIgn"], 16) | int(status["SigBlk"], 16)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at signal masks in /proc")
def test_workers_ignore_ctrl_c_from_their_start(interruptible: None) -> None:
    """A terminal sends Ctrl-C to the workers too, even while they start: they must not print tracebacks."""
    ignoring: list[bool] = []

    def watch(task: Task, cases: int, done: bool) -> None:
        ignoring.extend(
            bool(unheard_signals(worker.pid) & 1 << (signal.SIGINT - 1))
            for worker in multiprocessing.active_children()
            if worker.pid is not None
        )

    tasks = [task for task in tasks_of(["T12"]) if task.engine in ("necessity", "mutant")]
    run(tasks, profile="quick", seed=0, jobs=2, watch=watch)
    assert ignoring
    assert all(ignoring)
    assert not unheard_signals(os.getpid()) & 1 << (signal.SIGINT - 1)


def test_what_starts_deaf_stays_deaf(interruptible: None) -> None:
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    with deaf_to_interrupts():
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.parametrize("by", ["the main thread", "another thread"])
def test_ctrl_c_while_processes_start_is_not_lost(by: str, interruptible: None) -> None:
    """Whichever thread the system gives it to."""
    waiting = threading.Event()
    other = threading.Thread(target=waiting.wait)  # its signals are not blocked
    if by == "another thread":
        other.start()
    done = []

    def start() -> None:
        with deaf_to_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            done.append("all that had been begun")

    try:
        with pytest.raises(KeyboardInterrupt):
            start()
    finally:
        waiting.set()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_is_deaf_already_stays_so(interruptible: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deaf_to_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


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
    own, every = seen[::2], seen[1::2]
    assert [(entry["advance"], entry["cases"]) for entry in own] == [(0, 5), (1, 8), (1, 0)]
    assert [(entry["advance"], entry["cases"]) for entry in every] == [(0, 5), (1, 8), (1, 8)]
    assert own[0]["bar"] == own[1]["bar"] != own[2]["bar"]
    assert len({entry["bar"] for entry in every}) == 1
    assert every[0]["bar"] not in {entry["bar"] for entry in own}


def test_a_mutant_is_met_block_by_block_until_one_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard a block, so that none is long; the evidence is that of all blocks in one go."""
    monkeypatch.setattr(engines, "DRAWS", 5)
    claim = toy(bound=10**10)
    claim.sampler("lengths", quick=5, full=20, notices=[*claim.mutants])(draw_lengths(10**9))
    monkeypatch.setattr(t1, "claim", claim)
    task = next(task for task in tasks_of([CLAIM]) if task.name == "lengths")
    late, never = claim.mutants
    check = Check(task, "quick")
    tally = Tally(1, 1, 0, 1, 1)
    assert check.add(Shard(task, 0), engines.Drawn(tally, {1: (tally, False)})) == [
        Shard(task, checks.Meeting(name)) for name in (late, never)
    ]
    for block in range(2):
        asked = check.add(Shard(task, checks.Meeting(late, block)), engines.Noticed(late, False, 1))
        assert asked == [Shard(task, checks.Meeting(late, block + 1))]
    assert check.add(Shard(task, checks.Meeting(late, 2)), engines.Noticed(late, True, 1)) == []
    for block in range(4):
        assert not check.finished
        asked = check.add(Shard(task, checks.Meeting(never, block)), engines.Noticed(never, False, 1))
        assert asked == [Shard(task, checks.Meeting(never, block + 1))] * (block < 3)
    evidence = check.result().evidence
    assert evidence is not None
    assert (evidence.kind, evidence.noticed, evidence.seconds) == ("inconclusive", (late,), 7)
    assert evidence.scope.endswith(f": the check does not notice the mutant {never}")


def test_a_mutant_may_be_met_in_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block draws problems of its own, in shards as in one go."""
    monkeypatch.setattr(engines, "DRAWS", 5)
    claim = Claim(CLAIM, statement="A number is at most 10^7.", hypotheses=t1.claim.hypotheses)

    @claim.refute
    def refute(number: int, *, most: int = 10**7) -> Facts | None:
        return {"number": number} if number > most else None

    claim.mutant("at most 900,000", most=900_000)
    claim.sampler("numbers", quick=5, full=50, notices=["at most 900,000"])(lambda: st.integers(0, 10**6))
    monkeypatch.setattr(t1, "claim", claim)
    sampler, (task,) = claim.samplers[0], [one for one in tasks_of([CLAIM]) if one.engine == "sampled"]
    assert engines.n_meetings(sampler) == 10

    def met(seed: int) -> list[bool]:
        return [engines.notices(claim, sampler, "at most 900,000", seed, block).by_it for block in range(10)]

    late = next(seed for seed in range(20) if not met(seed)[0] and any(met(seed)))
    for evidence in (
        engines.sample(claim, sampler, "quick", late, Ticks()),
        perform(task, "quick", late, Ticks()).evidence,
    ):
        assert evidence is not None
        assert (evidence.kind, evidence.noticed) == ("supported", ("at most 900,000",))


def test_draws_that_raise_say_what_they_decided_before(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Claim(CLAIM, statement="A number is small.", hypotheses=t1.claim.hypotheses)

    @claim.refute
    def refute(number: int) -> None:
        if number > 900_000:
            raise LookupError

    claim.sampler("numbers", quick=50)(lambda: st.integers(0, 10**6))
    monkeypatch.setattr(t1, "claim", claim)
    (task,) = (task for task in tasks_of([CLAIM]) if task.engine == "sampled")
    piece = checks._found("quick", 0, ALONE, Shard(task, 0), Ticks())
    assert isinstance(piece, checks.Raised)
    assert len(piece.keys) == sum(one.cases for one in piece.keys.values()) == piece.covered > 0
    evidence = perform(task, "quick", 0, Ticks()).evidence
    assert evidence is not None
    assert (evidence.kind, evidence.instances) == ("inconclusive", piece.covered)
