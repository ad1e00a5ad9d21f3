"""Worker processes: they end with the process that started them, whatever ended it, and leave Ctrl-C to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import resource_tracker

PAUSE = 0.25
"""Seconds between two looks at the parent."""


@cache
def end_with(parent: int) -> None:
    """In a worker: end with the process that started it, and ignore Ctrl-C, which a terminal sends to both.

    Not by Linux's death signal: it comes with the end of the *thread* that started the worker.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    once_orphaned(parent, partial(os._exit, 1))


def once_orphaned(parent: int, then: Callable[[], None]) -> None:
    """Do something, in a thread, as soon as this process has another parent: the system gives orphans one."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PAUSE)
        then()

    if os.name == "posix":  # elsewhere an orphan keeps the number of its parent
        threading.Thread(target=watch, name="orphaned", daemon=True).start()


@contextmanager
def deaf_to_interrupts(*trackers: Callable[[], None]) -> Iterator[None]:
    """Processes started here do not hear Ctrl-C from their first instruction on: it is the parent's business, which gets
    one that comes meanwhile at the end.

    `trackers` start what keeps account of semaphores beside Python's own: these unblock the signal, so they come first.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not main or before in (signal.SIG_IGN, None):  # None: not set from Python
        yield
        return
    can_block = hasattr(signal, "pthread_sigmask")  # not on Windows, which has no such trackers either
    if can_block:
        for ensure_running in (resource_tracker.ensure_running, *trackers):
            ensure_running()
    missed: list[int] = []
    # A new process inherits what is blocked, but no handler; another thread of this one may still take the signal.
    signal.signal(signal.SIGINT, lambda number, frame: missed.append(number))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if can_block else ()
    try:
        yield
    finally:
        if can_block:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, before)
        if missed:
            signal.raise_signal(signal.SIGINT)


def why_none() -> Exception | None:
    """Why there can be no worker processes: they need semaphores, and those /dev/shm; None where there can."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"  # fork: its name is gone at once
    try:
        multiprocessing.get_context(method).Lock()
    except (OSError, ImportError) as error:
        return error
    return None


def one_process(error: Exception) -> str:
    """What is said where the work goes on in one process, since no other can be started."""
    what = getattr(error, "strerror", None) or " ".join(str(error).split())
    return f"no worker processes ({what}; is there room in /dev/shm?): the work goes on in one process"
