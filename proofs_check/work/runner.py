"""Run the checks of many claims in parallel, with progress, so that an interrupt loses nothing that was finished."""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
import time
import warnings
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from idealized_model.workers import deaf_to_interrupts, end_with, one_process
from lengthgen_entry import CORE, hidden
from proofs_check.claims import engines, find
from proofs_check.claims.claim import Profile
from proofs_check.claims.finding import said
from proofs_check.evidence import Evidence
from theory.errors import of_the_machine

Engine: TypeAlias = Literal["exhaustive", "sampled", "measured", "symbolic", "mutant", "necessity"]
ENGINES: tuple[Engine, ...] = ("exhaustive", "sampled", "measured", "symbolic", "mutant", "necessity")


@dataclass(frozen=True)
class Task:
    """One check: an engine, the address of a claim, and which of its families, proofs, mutants, ... (by name)."""

    engine: Engine
    claim: str
    name: str

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.claim

    def __str__(self) -> str:
        return f"{self.claim} {self.engine}: {self.name}"


@dataclass
class Result:
    """What a task found: evidence, or for mutants and necessity a witness (None: survived, or none found).

    What could not be finished has evidence that says so, and no witness.
    """

    evidence: Evidence | None = None
    witness: dict[str, Any] | None = None
    finished: bool = True


@dataclass
class Run:
    """The results of a run, in the order of its tasks.

    Attributes
    ----------
    results : {task: result}, with what was covered of the tasks that an interrupt cut off.
    interrupted : whether Ctrl-C, or an error, ended the run.
    error : what ended it, where that was not Ctrl-C.
    """

    profile: Profile
    seed: int
    results: dict[Task, Result] = field(default_factory=dict)
    interrupted: bool = False
    seconds: float = 0.0
    error: BaseException | None = None

    def reraise(self) -> None:
        """Raise the error that ended the run, if one did, when its results are safe."""
        if self.error is not None:
            raise self.error


class Unfinished(Exception):
    """An error, which is its cause, ended some work early.

    Attributes
    ----------
    done : {item: what was found}, of what was finished before.
    """

    def __init__(self, done: dict[Any, Any]) -> None:
        super().__init__(f"an error ended the work after {len(done)} items")
        self.done = done


Watch: TypeAlias = Callable[[Task, int, bool], None]
"""Called with (task, cases since the last call, whether it has just finished)."""

Item = TypeVar("Item", bound=Hashable)
Found = TypeVar("Found")


def tasks_of(addresses: Sequence[str]) -> list[Task]:
    """Every check of the claims, the long ones first.

    Raises
    ------
    InvalidArgument : for an address of no claim.
    """
    tasks = []
    for address in addresses:
        claim = find(address)
        named: dict[Engine, Sequence[str]] = {
            "exhaustive": [family.scope for family in claim.families],
            "sampled": [sampler.scope for sampler in claim.samplers],
            "measured": [measurement.scope for measurement in claim.measurements],
            "symbolic": [proof.scope for proof in claim.proofs],
            "mutant": list(claim.mutants),
            "necessity": list(claim.necessity),
        }
        tasks += [Task(engine, address, name) for engine in ENGINES for name in named[engine]]
    return sorted(tasks, key=lambda task: ENGINES.index(task.engine))


def perform(task: Task, profile: Profile, seed: int, tick: engines.Tick) -> Result:
    """Carry out one task; the result depends on the task, the profile and the seed alone.

    What it cannot do, for want of a budget or by an error in the claim's own code, is no reason to lose what the others
    find: that one is inconclusive.
    """
    covered = 0

    def counted(cases: int) -> None:
        nonlocal covered
        covered += cases
        tick(cases)

    try:
        return _perform(task, profile, seed, counted)
    except BaseException as error:  # pytest.skip raises one that is no Exception
        if of_the_machine(error) or isinstance(error, KeyboardInterrupt):
            raise
        scope = f"{task.name}: it could not be done: {said(error)}"
        evidence = Evidence("inconclusive", _engine(task), scope, covered)
        return Result(evidence, finished=task.engine not in ("mutant", "necessity"))


def _perform(task: Task, profile: Profile, seed: int, tick: engines.Tick) -> Result:
    claim = find(task.claim)
    if task.engine == "mutant":
        return Result(witness=engines.refute_mutant(claim, task.name, profile, tick))
    if task.engine == "necessity":
        return Result(witness=engines.drop(claim, task.name, tick))
    if task.engine == "exhaustive":
        family = next(family for family in claim.families if family.scope == task.name)
        return Result(engines.exhaust(claim, family, profile, tick))
    if task.engine == "sampled":
        sampler = next(sampler for sampler in claim.samplers if sampler.scope == task.name)
        return Result(engines.sample(claim, sampler, profile, seed, tick))
    if task.engine == "measured":
        measurement = next(m for m in claim.measurements if m.scope == task.name)
        return Result(engines.measure(claim, measurement, profile, seed, tick))
    proof = next(proof for proof in claim.proofs if proof.scope == task.name)
    return Result(engines.prove(claim, proof))


def run(tasks: Sequence[Task], *, profile: Profile, seed: int, jobs: int, watch: Watch) -> Run:
    """Perform all tasks on `jobs` processes (1: in this one); an interrupt or an error keeps what is finished."""
    outcome = Run(profile, seed)
    covered = dict.fromkeys(tasks, 0)
    start = time.perf_counter()

    def note(task: Task, cases: int, done: bool) -> None:
        covered[task] += cases
        watch(task, cases, done)

    try:
        done, outcome.interrupted = collect(tasks, partial(_performed, profile, seed), jobs=jobs, watch=note)
    except Unfinished as unfinished:
        done, outcome.interrupted, outcome.error = unfinished.done, True, unfinished.__cause__
    for task in tasks:
        outcome.results[task] = done[task] if task in done else _cut_off(task, covered[task])
    outcome.seconds = time.perf_counter() - start
    return outcome


def _performed(profile: Profile, seed: int, task: Task, tick: engines.Tick) -> Result:
    return perform(task, profile, seed, tick)


def collect(
    items: Sequence[Item],
    work: Callable[[Item, engines.Tick], Found],
    *,
    jobs: int,
    watch: Callable[[Item, int, bool], None],
) -> tuple[dict[Item, Found], bool]:
    """Do some work for all items on `jobs` processes (1: in this one).

    Returns what is finished, and whether an interrupt ended the rest. With several processes items, work and what it
    finds travel between them, so all of it must pickle. Where no process can be started, a warning says so, and the
    work is done in this one.

    Raises
    ------
    Unfinished : when some work fails, or a worker is killed.
    """
    done: dict[Item, Found] = {}
    produce = _here(items, work, watch) if jobs == 1 else _in_parallel(items, work, jobs, watch)
    try:
        with closing(produce):  # an interrupt ends the workers before the results are put together
            for item, found in produce:
                done[item] = found
                watch(item, 0, True)
    except KeyboardInterrupt:
        return done, True
    except Exception as error:
        raise Unfinished(done) from error
    return done, False


def _cut_off(task: Task, covered: int) -> Result:
    if task.engine in ("mutant", "necessity"):
        return Result(finished=False)
    scope = f"{task.name}: interrupted after {covered:,} cases, none of which refuted the claim"
    return Result(Evidence("inconclusive", _engine(task), scope, covered), finished=False)


def _engine(task: Task) -> str:
    """As evidence names it."""
    if task.engine == "measured":
        return next(m.engine for m in find(task.claim).measurements if m.scope == task.name)
    return task.engine


def _here(
    items: Sequence[Item], work: Callable[[Item, engines.Tick], Found], watch: Callable[[Item, int, bool], None]
) -> Generator[tuple[Item, Found]]:
    for item in items:
        yield item, work(item, lambda cases, item=item: watch(item, cases, False))  # type: ignore[misc]


def _in_parallel(
    items: Sequence[Item],
    work: Callable[[Item, engines.Tick], Found],
    jobs: int,
    watch: Callable[[Item, int, bool], None],
) -> Generator[tuple[Item, Found]]:
    if problems := [one for path in sys.path[:1] for one in hidden(*CORE, by=Path(path))]:  # workers would import these
        warnings.warn(
            f"no worker processes ({problems[0]}): the work goes on in one process", RuntimeWarning, stacklevel=3
        )
        yield from _here(items, work, watch)
        return
    # spawn, because the progress display holds threads, which do not survive a fork
    context = multiprocessing.get_context("spawn")
    waiting: dict[Future[Found], Item] = {}
    pool: ProcessPoolExecutor | None = None
    with _one_thread_each():
        try:
            with deaf_to_interrupts():
                ticks: multiprocessing.Queue[tuple[Item, int]] = context.Queue()
                pool = ProcessPoolExecutor(
                    min(jobs, len(items)), mp_context=context, initializer=_start, initargs=(ticks, os.getpid())
                )
                waiting |= {pool.submit(_work, work, item): item for item in items}
        except (OSError, ImportError, NotImplementedError) as error:
            _end(pool)
            warnings.warn(one_process(error), RuntimeWarning, stacklevel=3)
            yield from _here(items, work, watch)
            return
        try:
            while waiting:
                finished, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                _drain(ticks, watch)
                for future in finished:
                    yield waiting.pop(future), future.result()
        finally:
            _drain(ticks, watch)  # before any worker is ended: that may leave half a message behind
            if all(future.done() for future in waiting):
                pool.shutdown()
            else:
                _end(pool)


def _end(pool: ProcessPoolExecutor | None) -> None:
    """End the workers of a pool, whatever they do."""
    if pool is not None:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _drain(ticks: multiprocessing.Queue[tuple[Item, int]], watch: Callable[[Item, int, bool], None]) -> None:
    while True:
        try:
            watch(*ticks.get_nowait(), False)
        except queue.Empty:
            return


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers start with one BLAS thread: the processes already fill the cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: value if (value := before[name]) is not None else "1" for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


_TICKS: multiprocessing.Queue[tuple[Any, int]] | None = None


def _start(ticks: multiprocessing.Queue[tuple[Any, int]], parent: int) -> None:
    """In a worker: where to send progress, and what to end with."""
    global _TICKS
    _TICKS = ticks
    end_with(parent)


def _work(work: Callable[[Item, engines.Tick], Found], item: Item) -> Found:
    """In a worker: work on the item, sending at most five progress messages a second."""
    pending, last = 0, time.monotonic()

    def tick(cases: int) -> None:
        nonlocal pending, last
        pending += cases
        if time.monotonic() - last > 0.2 and _TICKS is not None:
            _TICKS.put((item, pending))
            pending, last = 0, time.monotonic()

    return work(item, tick)
