"""What does the work in place of this machine's processes: a dask cluster, or whatever a module makes an executor of."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from logging import CRITICAL, getLogger
from typing import Any
from uuid import uuid4

from proofs_check.work.pool import Report, Reporting
from theory.errors import BackendUnavailable, InvalidArgument, did_you_mean, shown
from theory.modules import Asked, imported, is_dotted, look_first, member

FORM = "the address of a dask scheduler, such as tcp://host:8786, or module:object that makes an Executor"

PROTOCOLS = ("tcp", "tls", "ws", "wss", "ucx")
"""Of dask's addresses."""

SOON = 5
"""Seconds in which a scheduler must answer."""


@contextmanager
def executor(spec: str | None, where: str) -> Iterator[Executor | None]:
    """The executor that is meant, while it is needed; None for no spec. What it did again is said on standard error.

    Parameters
    ----------
    spec : an address with "://", or module:object, which is called.
    where : the command that asks, for messages.

    Raises
    ------
    InvalidArgument : when no scheduler answers, or nothing makes an executor.
    BackendUnavailable : when the package distributed is missing.

    Examples
    --------
    >>> with executor("concurrent.futures:ThreadPoolExecutor", "check") as threads:
    ...     threads.submit(sum, [1, 2]).result()
    3
    """
    if spec is None:
        yield None
        return
    with Cluster(spec, where) if "://" in spec else _made(spec, where) as found:
        try:
            yield found
        finally:
            for work in found.redone if isinstance(found, Reporting) else ():
                print(f"lengthgen: done again, as its worker died: {work}", file=sys.stderr)


def _made(spec: str, where: str) -> Executor:
    """What an object of a module makes, or is."""
    asked = Asked(where, "--scheduler", FORM, "object")
    module, colon, path = spec.partition(":")
    if not colon or not is_dotted(module) or not is_dotted(path):
        raise asked.refused(shown(spec), "Start one with: dask scheduler.")
    home = imported(module, spec, asked, look_first(None))
    fix = f"Try: python -c 'from {module} import {path.partition('.')[0]}'."
    found = member(
        home, path, spec, asked, lambda found, part: did_you_mean(part, dir(found), "Check the spelling."), fix, FORM
    )
    if callable(found):
        try:
            found = found()
        except Exception as error:
            got = f"{spec!r}, which raises {type(error).__name__}: {error}"
            raise asked.refused(got, "Give one that can be called without arguments.") from error
    if not isinstance(found, Executor):
        got = f"{spec!r}, which makes the {type(found).__name__} {shown(found)}"
        raise asked.refused(got, "For instance mpi4py.futures:MPIPoolExecutor.")
    return found


class Cluster(Reporting):
    """The workers of a dask cluster. Work whose worker dies is done again, by dask, unless four died of it.

    The first argument of what is submitted names it.
    """

    def __init__(self, address: str, where: str) -> None:
        if address.partition("://")[0] not in PROTOCOLS:  # dask says it too, ten seconds later
            fix = f"The address of a scheduler begins with one of {', '.join(f'{name}://' for name in PROTOCOLS)}."
            raise InvalidArgument(where, "--scheduler", got=shown(address), expected=FORM, fix=fix)
        try:
            self._dask: Any = import_module("distributed")
        except ImportError:
            raise BackendUnavailable(
                where, "--scheduler", got=f"{address!r}, but the package distributed is missing", expected="it",
                fix='Install it: pip install "lengthgen[dask]".',
            ) from None  # fmt: skip
        getLogger("distributed.client").setLevel(CRITICAL)  # what is news of it is said here
        try:
            self._client = self._dask.Client(address, timeout=SOON, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            got = f"{address!r}, where no scheduler answers ({' '.join(str(error).split())})"
            fix = "Start one with: dask scheduler; it says its address."
            raise InvalidArgument(where, "--scheduler", got=got, expected=FORM, fix=fix) from None
        self._address = address
        self._topic = f"lengthgen-{uuid4()}"
        self._names: list[str] = []
        self._started: set[int] = set()
        self._reports: deque[tuple[int, int]] = deque()
        self.redone: list[str] = []
        self._client.subscribe_topic(self._topic, self._hear)
        if not self._client.scheduler_info()["workers"]:
            print(f"lengthgen: {address} has no workers yet; the work waits for them", file=sys.stderr)

    def _hear(self, event: tuple[float, dict[str, int]]) -> None:
        """In a thread of dask's: what a worker says."""
        match event[1]:
            case {"cases": cases, "of": number}:
                self._reports.append((number, cases))
            case {"starts": number} if number in self._started:
                self.redone.append(self._names[number])
            case {"starts": number}:
                self._started.add(number)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """As every executor."""
        number = len(self._names)
        self._names.append(str(arguments[0]) if arguments else "")
        ours: Future[Any] = Future()
        theirs = self._client.submit(_begin, self._topic, number, function, arguments, options, pure=False)
        theirs.add_done_callback(partial(self._settle, ours))
        ours.add_done_callback(lambda ours: theirs.cancel() if ours.cancelled() else None)
        return ours

    def _settle(self, ours: Future[Any], theirs: Any) -> None:
        """In a thread of dask's. Its own executor leaves results where they are: with the worker they would be lost again."""
        if not ours.set_running_or_notify_cancel():
            return
        try:
            ours.set_result(theirs.result())
        except self._dask.KilledWorker as error:
            ours.set_exception(BrokenExecutor(str(error)))
        except CancelledError:
            ours.set_exception(ConnectionError(f"the scheduler {self._address} is gone"))
        except BaseException as error:
            ours.set_exception(error)
        finally:
            theirs.release()

    def reporter(self, number: int) -> Report:
        """By the events of dask."""
        return partial(_report, self._topic, number)

    def reports(self) -> Iterator[tuple[int, int]]:
        """What was heard."""
        while self._reports:
            yield self._reports.popleft()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on without this client."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=SOON)


def _begin(
    topic: str, number: int, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """On a worker, which keeps what Hypothesis writes to itself."""
    worker = _worker()
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(worker.local_directory, "hypothesis"))
    worker.log_event(topic, {"starts": number})
    return function(*arguments, **options)


def _report(topic: str, number: int, cases: int) -> None:
    """On a worker."""
    _worker().log_event(topic, {"cases": cases, "of": number})


def _worker() -> Any:
    return import_module("distributed").get_worker()
