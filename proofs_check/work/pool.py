"""Work for many items, on anything that is a `concurrent.futures.Executor`, so that an interrupt or an error loses nothing
that was finished."""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
import time
import warnings
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from idealized_model.workers import deaf_to_interrupts, end_with, one_process
from lengthgen_entry import CORE, hidden
from theory.errors import number_of

Tick: TypeAlias = Callable[[int], None]
"""Called with the number of cases decided since the last call, so that progress and partial reports are honest."""

Report: TypeAlias = Callable[[int], None]
"""Called in a worker with the number of cases that its item has come to so far."""

Item = TypeVar("Item", bound=Hashable)
Found = TypeVar("Found")

Watch: TypeAlias = Callable[[Item, int, bool], None]
"""Called with (item, cases since the last call, whether it has just finished)."""


class Unfinished(Exception):
    """An error, which is its cause, ended some work early.

    Attributes
    ----------
    done : {item: what was found}, of what was finished before.
    """

    def __init__(self, done: dict[Any, Any]) -> None:
        super().__init__(f"an error ended the work after {number_of(len(done), 'item')}")
        self.done = done


class Reporting(Executor):
    """An executor whose workers say how far they are, and that knows of work which it did again.

    Attributes
    ----------
    redone : what was done again, as its worker died, in words.
    """

    redone: Sequence[str] = ()

    @abstractmethod
    def reporter(self, number: int) -> Report:
        """What the worker of an item of this number calls; it travels there."""

    @abstractmethod
    def reports(self) -> Iterator[tuple[int, int]]:
        """(number, cases) of what was reported since the last call."""


def collect(
    items: Sequence[Item],
    work: Callable[[Item, Tick], Found],
    *,
    watch: Watch[Item],
    jobs: int = 1,
    executor: Executor | None = None,
    then: Callable[[Item, Found], Sequence[Item]] = lambda item, found: (),
) -> tuple[dict[Item, Found], bool]:
    """Do some work for all items; returns what is finished, and whether an interrupt ended the rest.

    Parameters
    ----------
    jobs : processes of this machine (1: this one alone). Where none can be started, a warning says so, and the work is
        done in this one.
    executor : what does the work instead. Items, work and what it finds travel there and back, so all of it must pickle,
        unless the executor keeps it in this process. Modules are looked for where this process does.
    then : what is found may lead to more items.

    Raises
    ------
    Unfinished : when some work fails, or a worker is killed.
    """
    done: dict[Item, Found] = {}
    todo = deque(items)
    if executor is not None:
        produce = _on(executor, todo, work, watch)
    else:
        produce = _here(todo, work, watch) if jobs == 1 else _in_processes(jobs, todo, work, watch)
    try:
        with closing(produce):  # an interrupt ends the workers before the results are put together
            for item, found in produce:
                done[item] = found
                watch(item, 0, True)
                todo.extendleft(reversed(then(item, found)))
    except KeyboardInterrupt:
        return done, True
    except Exception as error:
        raise Unfinished(done) from error
    return done, False


def _here(todo: deque[Item], work: Callable[[Item, Tick], Found], watch: Watch[Item]) -> Generator[tuple[Item, Found]]:
    while todo:
        item = todo.popleft()
        yield item, work(item, lambda cases, item=item: watch(item, cases, False))  # type: ignore[misc]


def _on(
    executor: Executor, todo: deque[Item], work: Callable[[Item, Tick], Found], watch: Watch[Item]
) -> Generator[tuple[Item, Found]]:
    reporting = executor if isinstance(executor, Reporting) else None
    items: list[Item] = []
    totals: list[int] = []
    running: dict[Future[tuple[Found, int]], int] = {}

    def heard(number: int, total: int) -> None:
        """Less than before, where the worker died and another one began again."""
        new, totals[number] = total - totals[number], total
        if new:
            watch(items[number], new, False)

    def listen() -> None:
        for number, total in () if reporting is None else reporting.reports():
            if number in running.values():  # else a report that is late: the result was there before
                heard(number, total)

    try:
        while todo or running:
            while todo:
                number, item = len(items), todo[0]
                report = None if reporting is None else reporting.reporter(number)
                running[executor.submit(_work, item, work, report, sys.path)] = number
                items.append(todo.popleft())
                totals.append(0)
            finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            listen()
            for future in finished:
                number = running.pop(future)
                found, total = future.result()
                heard(number, total)
                yield items[number], found
    except NoProcess:  # they are left to this process, from their beginning
        for number in running.values():
            heard(number, 0)
        todo.extendleft(items[number] for number in reversed(running.values()))
        raise
    finally:
        listen()
        for future in running:
            future.cancel()


def _in_processes(
    jobs: int, todo: deque[Item], work: Callable[[Item, Tick], Found], watch: Watch[Item]
) -> Generator[tuple[Item, Found]]:
    if problems := [one for path in sys.path[:1] for one in hidden(*CORE, by=Path(path))]:  # workers would import these
        warnings.warn(
            f"no worker processes ({problems[0]}): the work goes on in one process", RuntimeWarning, stacklevel=3
        )
        yield from _here(todo, work, watch)
        return
    with _one_thread_each():
        pool, finished = None, False
        try:
            pool = Processes(min(jobs, len(todo)))
            yield from _on(pool, todo, work, watch)
            finished = True
        except NoProcess as error:
            if pool is not None:
                pool.end()
            warnings.warn(one_process(error.why), RuntimeWarning, stacklevel=3)
            yield from _here(todo, work, watch)
        finally:
            if pool is not None:
                pool.shutdown() if finished else pool.end()


class NoProcess(Exception):
    """A worker process could not be started."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


class Processes(Reporting):
    """Processes of this machine, which end with this one and leave Ctrl-C to it."""

    def __init__(self, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")  # the display of progress has threads, which survive no fork
        with _starting():
            self._ticks: multiprocessing.Queue[tuple[int, int]] = context.Queue()
            self._pool = ProcessPoolExecutor(
                jobs, mp_context=context, initializer=_start, initargs=(self._ticks, os.getpid())
            )

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """As every executor; it may start a process."""
        with _starting():
            return self._pool.submit(function, *arguments, **options)

    def reporter(self, number: int) -> Report:
        """Through the queue with which the process was started."""
        return partial(_send, number)

    def reports(self) -> Iterator[tuple[int, int]]:
        """What the queue holds."""
        while True:
            try:
                yield self._ticks.get_nowait()
            except queue.Empty:
                return

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """When there is no more work."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def end(self) -> None:
        """End the processes, whatever they do."""
        for process in list((self._pool._processes or {}).values()):
            process.terminate()
        self.shutdown(cancel_futures=True)


@contextmanager
def _starting() -> Iterator[None]:
    """What starts here is deaf to Ctrl-C."""
    try:
        with deaf_to_interrupts():
            yield
    except (OSError, ImportError, NotImplementedError) as error:
        raise NoProcess(error) from error


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


_TICKS: multiprocessing.Queue[tuple[int, int]] | None = None


def _start(ticks: multiprocessing.Queue[tuple[int, int]], parent: int) -> None:
    """In a worker: where to send progress, and what to end with."""
    global _TICKS
    _TICKS = ticks
    end_with(parent)


def _send(number: int, total: int) -> None:
    if _TICKS is not None:
        _TICKS.put((number, total))


def _work(
    item: Item, work: Callable[[Item, Tick], Found], report: Report | None, path: Sequence[str]
) -> tuple[Found, int]:
    """In a worker: what the work finds, and its cases, which it reports at most five times a second."""
    sys.path[:0] = [folder for folder in path if folder not in sys.path]
    total, last = 0, time.monotonic()

    def tick(cases: int) -> None:
        nonlocal total, last
        total += cases
        if report is not None and time.monotonic() - last > 0.2:
            report(total)
            last = time.monotonic()

    return work(item, tick), total
