"""How far the checks scale: the longest shard, and how long 1, 2, 8, 32 and 128 workers would take.

    python benchmarks/scaling.py                                  the quick profile
    python benchmarks/scaling.py --profile full --json report.json   the full one, and its report as `check` writes it
    python benchmarks/scaling.py --claim T5 --claim T7            these claims

Every shard is timed in its worker, by its own CPU time. From these times follow, side by side: what one shard a check
would take, and what the shards take, on any number of workers that take the next shard when they are free.
"""

from __future__ import annotations

import argparse
import heapq
import multiprocessing
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from idealized_model.workers import end_with
from proofs_check.claims.checks import Run, Shard, Task, run, tasks_of
from proofs_check.claims.finding import IDS
from proofs_check.claims.turns import Pace, Turn, Walked, after
from proofs_check.problem_files import write_json
from proofs_check.report import build, verdict

WORKERS = (1, 2, 8, 32, 128)


class Timed(NamedTuple):
    """A shard, its CPU time, and the shards that it led to."""

    shard: Shard
    seconds: float
    led_to: tuple[Shard, ...] = ()


class Clock(ProcessPoolExecutor):
    """Processes that time what they do."""

    def __init__(self, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")
        super().__init__(jobs, mp_context=context, initializer=end_with, initargs=(os.getpid(),))
        self.timed: list[Timed] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """The first argument is the shard."""
        inner, outer = super().submit(_timed, function, *arguments, **options), Future[Any]()
        inner.add_done_callback(partial(self._note, arguments[0], outer))
        return outer

    def _note(self, shard: Shard, outer: Future[Any], inner: Future[Any]) -> None:
        if not outer.set_running_or_notify_cancel():
            return
        try:
            result, seconds = inner.result()
        except Exception as error:
            outer.set_exception(error)
            return
        turns = after(shard.part, result[0]) if isinstance(shard.part, Turn) and isinstance(result[0], Walked) else []
        self.timed.append(Timed(shard, seconds, tuple(Shard(shard.task, turn) for turn in turns)))
        outer.set_result(result)


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.process_time()
    result = function(*arguments)
    return result, time.process_time() - start


def makespan(timed: Sequence[Timed], workers: int) -> float:
    """Seconds until all is done, where a free worker takes the next shard and shards come as they did."""
    by_shard = {one.shard: one for one in timed}
    later = {shard for one in timed for shard in one.led_to}
    waiting = deque(one for one in timed if one.shard not in later)
    running: list[tuple[float, int, Timed]] = []
    now, number = 0.0, 0
    while waiting or running:
        while waiting and len(running) < workers:
            one, number = waiting.popleft(), number + 1
            heapq.heappush(running, (now + one.seconds, number, one))
        now, _, done = heapq.heappop(running)
        waiting.extend(by_shard[shard] for shard in done.led_to if shard in by_shard)
    return now


def unsplit(timed: Iterable[Timed]) -> list[Timed]:
    """One shard a check."""
    seconds: dict[Task, float] = {}
    for one in timed:
        seconds[one.shard.task] = seconds.get(one.shard.task, 0) + one.seconds
    return [Timed(Shard(task, None), total) for task, total in seconds.items()]


def table(timed: Sequence[Timed]) -> list[str]:
    """What was measured, in lines."""
    checks, total = unsplit(timed), sum(one.seconds for one in timed)
    lines = [f"{total:,.0f} s of CPU time; {len(checks):,} checks, {len(timed):,} shards"]
    for what, ones in (("check", checks), ("shard", timed)):
        longest = max(ones, key=lambda one: one.seconds)
        lines.append(f"longest {what}  {longest.seconds:8.1f} s  {longest.seconds / total:6.1%}  {longest.shard.task}")
    lines.append("workers   one shard a check   split")
    for workers in WORKERS:
        spans = [makespan(ones, workers) for ones in (checks, timed)]
        lines.append(f"{workers:7}" + "".join(f"  {span:8.1f} s {total / workers / span:6.0%}" for span in spans))
    return lines


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=("quick", "full"), default="quick")
    parser.add_argument("--claim", action="append", help="only this one (repeatable)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument("--json", metavar="FILE", help="write the report of the run")
    options = parser.parse_args()
    tasks = tasks_of(options.claim or IDS)
    with Clock(options.jobs) as clock:
        outcome: Run = run(
            tasks, profile=options.profile, seed=0, jobs=1, executor=clock, pace=Pace(), watch=lambda *_: None
        )
    outcome.reraise()
    report = build(outcome)
    if options.json:
        write_json(options.json, report, "scaling --json")
    print(f"{options.profile} profile; Python {platform.python_version()}; {os.cpu_count()} cores")
    print(*table(clock.timed), verdict(report), sep="\n")


if __name__ == "__main__":
    main()
