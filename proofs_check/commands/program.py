"""A command as a program: its streams, its exit status, and its end.

Only the standard library is imported at first, so that an interrupt and a broken installation are said in a line too.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, TextIO

HOLDS, REFUTED, INCONCLUSIVE, BAD_USAGE, FAILED = range(5)

GRACE = 10.0
"""Seconds that an orphaned command has to write down what it found."""


class Ended(SystemExit):
    """The parser of a command has said all that there is to say."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def run(command: Callable[[], int], *, name: str = "lengthgen") -> int:
    """Run a command as the program of this process; returns its exit status.

    A reader that goes away (head, less) has seen enough: the work goes on, and so does the status. Standard output that
    is closed or full loses the answer: the files that were asked for are written, and the status is 4. Standard error
    is a courtesy: what cannot be written there is dropped.
    """
    stdout, output = _guarded_streams()
    warnings.formatwarning = lambda message, *_, **__: f"{name}: {message}\n"
    try:
        status = answered(command, name=name, debug=debugging(sys.argv))
    except Ended as ended:
        status = ended.status
    with suppress(ValueError):  # code of a task closed it, after what was printed before
        stdout.flush()
    if output.error is not None and not isinstance(output.error, ConnectionError):
        _tell(name, f"standard output cannot be written: {output.error.strerror}")
        return FAILED
    if (sys.stdout is None or stdout.closed) and status != FAILED:
        _tell(name, "standard output cannot be written: the command closed it")
        return FAILED
    return status


def answered(work: Callable[[], int], *, name: str = "lengthgen", debug: bool = False) -> int:
    """The exit status of some work; what it raises is said in one line, and after a traceback when debugging."""
    try:
        return work()
    except Ended:
        raise
    except KeyboardInterrupt:
        _tell(name, "interrupted")
        return INCONCLUSIVE
    except BaseException as error:  # of a user's own code, too: SystemExit, GeneratorExit; its status would mislead
        if debug:
            _print_error(traceback.format_exc())
        status, line = _said(error)
        _tell(name, line)
        return status


def debugging(arguments: Sequence[str]) -> bool:
    """Whether tracebacks are wanted."""
    return "--debug" in arguments


def _said(error: BaseException) -> tuple[int, str]:
    from concurrent.futures import BrokenExecutor

    if isinstance(error, MemoryError):
        return FAILED, "out of memory. Ask for a smaller instance, or for fewer processes."
    if isinstance(error, BrokenExecutor):
        return FAILED, "a worker was killed (was there memory for it?)"
    if isinstance(error, ImportError):
        return FAILED, f"{error}. {_cure()}"
    from theory.errors import NotConverged, NotWritten, TheoryError

    if isinstance(error, NotConverged):
        return INCONCLUSIVE, str(error)
    if isinstance(error, TheoryError):
        return FAILED if isinstance(error, NotWritten) else BAD_USAGE, str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return FAILED, f"{what}{'' if isinstance(error, OSError) else ', which is a bug'} (--debug shows where)"


DOCTOR = ("proofs_check.commands.doctor", "proofs_check.commands.installation", "proofs_check.spelling")
"""What the doctor needs, beside the standard library; it is looked for, not imported, as it is a program of its own."""


def _cure() -> str:
    if all(map(find_spec, DOCTOR)):
        return f"See what is missing: python -m {DOCTOR[0]}"
    return "Install it again."


def _tell(name: str, line: str) -> None:
    _print_error(f"{name}: {line}\n")


def _print_error(text: str) -> None:
    if sys.stderr is not None:  # which print would take for standard output
        with suppress(ValueError):  # closed
            print(text, end="", file=sys.stderr, flush=True)


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Guarded(io.RawIOBase):
    """A stream that takes everything: what it cannot write is dropped, and so is all after it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        if self.error is None:
            try:
                while (written := self._raw.write(data)) is None:  # a terminal or a pipe that does not block
                    select.select([], [self._raw], [])
            except OSError as error:
                self.error = error
            else:
                return int(written)
        return len(data)


def _guarded_streams() -> tuple[TextIO, _Guarded]:
    """Guard standard output, which is returned, and standard error; a character that it lacks is shown as "?".

    A stream that was closed before the start still cannot be written, but its number is no longer free: the next file
    that is opened would get it, and with it what was meant for the stream.
    """
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    stdout, output = _guarded(sys.stdout, 1, "replace")
    sys.stdout, (sys.stderr, _) = stdout, _guarded(sys.stderr, 2, "backslashreplace")
    return stdout, output


def _guarded(stream: TextIO | None, number: int, errors: str) -> tuple[TextIO, _Guarded]:
    if stream is None:
        raw, encoding = _Guarded(io.FileIO(number, "w", closefd=False)), "utf-8"
    elif hasattr(stream, "buffer"):
        raw, encoding = _Guarded(getattr(stream.buffer, "raw", stream.buffer)), stream.encoding
    else:  # a notebook's
        return stream, _Guarded(stream)
    lines = number == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=lines), raw


# ── The program that started this one ────────────────────────────────────────────────────────────────────────────────


def end_with_caller() -> None:
    """End as at Ctrl-C when the program that started this one is killed, unless this one runs in the background.

    In the background are: what ignores hangups or interrupts (nohup, & in a script), and what leads a process group
    (setsid, or a shell with job control).
    """
    if os.name != "posix" or os.getpgrp() == os.getpid():
        return
    if signal.SIG_IGN in (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)):
        return
    from idealized_model.workers import once_orphaned

    signal.signal(signal.SIGINT, _interrupt)
    once_orphaned(os.getppid(), _end)


_INTERRUPTED = threading.Event()


def _interrupt(number: int, frame: object) -> None:
    _INTERRUPTED.set()
    raise KeyboardInterrupt


def _end() -> None:
    if not _INTERRUPTED.is_set():  # a second interrupt would cut off what the first one leads to
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    time.sleep(GRACE)
    os._exit(INCONCLUSIVE)
