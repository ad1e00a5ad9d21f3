"""Programs that tests start: Ctrl-C works in them whatever started the tests, and none outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import proofs_check

ROOT = Path(proofs_check.__file__).parent.parent
LENGTHGEN = [sys.executable, "-m", "proofs_check"]

LAUNCHER = """
import os, signal, sys
for ignored in ("SIGINT", "SIGHUP"):  # by nohup, or & in a script
    if hasattr(signal, ignored):
        signal.signal(getattr(signal, ignored), signal.SIG_DFL)
parent = int(sys.argv[1])
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, which the new program keeps
    if os.getppid() != parent:
        os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes another program, in which interrupts and hangups are not ignored, and which is killed with the one that
started it."""

MARK = "LENGTHGEN_TEST_MARK"

in_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a program that must find the packages."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **changes}


def launched(command: list[Any]) -> list[str]:
    """A command that starts another one by way of the launcher."""
    return [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *map(str, command)]


@contextmanager
def started(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program while it runs, with its streams as text in pipes; it is killed at the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen(launched(command), **{**pipes, "env": environment(), **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(command: list[Any], *, folder: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """A program that has ended, with what it wrote."""
    return subprocess.run(
        launched(command), cwd=folder, env=environment(**changes), capture_output=True, text=True, timeout=120,
        check=False, encoding="utf-8",
    )  # fmt: skip


def new_mark() -> str:
    """What marks a program and all that it starts, as an entry of the environment."""
    return uuid4().hex


def marked(mark: str) -> dict[int, str]:
    """{number: command} of the processes that carry a mark and still run."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended in the meantime, or is another user's
                continue
    return found


def all_end(mark: str, within: float = 5) -> bool:
    """Whether all processes with a mark end in time; those that do not are killed."""
    deadline = time.monotonic() + within
    while marked(mark):
        if time.monotonic() > deadline:
            for number in marked(mark):
                os.kill(number, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True
