"""Errors in the code of a task of one's own: they are said as such, with the lines that they come from."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lengthgen_entry import HOME, PACKAGES
from theory.errors import InvalidArgument, TheoryError, of_the_machine, shown
from theory.tasks.base import Instance, Task

HOLDS, ASK = "a task whose contracts hold", "Check them with lengthgen task."


def sampled(task: Task, length: int, rng: np.random.Generator, where: str) -> Instance:
    """`task.sample`, with what goes wrong in the code of the task said as such.

    Raises
    ------
    InvalidArgument
    """
    with running(task, where):
        return checked(task.sample(length, rng), task, where)


@contextmanager
def running(task: Task, where: str) -> Iterator[None]:
    """Where the code of a task runs: an error in one of one's own is said as such, with the lines that it comes from.

    Raises
    ------
    InvalidArgument
    """
    try:
        yield
    except TheoryError:
        raise
    except Exception as error:
        if not _lines(error):  # it is ours
            raise
        raise fault(error, where, f"{task.name!r}, which", HOLDS, ASK) from error


def checked(instance: object, task: Task, where: str) -> Instance:
    """What the code of a task made, if it is an instance, and its tokens are of the alphabet.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> checked(Copy(3).solve((2, 3)), Copy(2), "example")
    Traceback (most recent call last):
    ...
    theory.errors.InvalidArgument: example: argument task: got 'copy', with the tokens (2, 3, 2) and an alphabet of 3; \
expected a task whose contracts hold. Check them with lengthgen task.
    """
    if not isinstance(instance, Instance):
        wrong = f"which makes the {type(instance).__name__} {shown(instance)}"
    elif not 0 <= min(instance.tokens) <= max(instance.tokens) < len(task.alphabet):
        wrong = f"with the tokens {shown(instance.tokens)} and an alphabet of {len(task.alphabet)}"
    else:
        return instance
    raise InvalidArgument(where, "task", f"{task.name!r}, {wrong}", HOLDS, ASK)


def fault(error: BaseException, where: str, what: str, expected: str, fix: str) -> BaseException:
    """What to raise for an error in the code of a user: the error itself where it says nothing of that code."""
    if of_the_machine(error):
        return error
    return InvalidArgument(
        where, "task", f"{what} raises {type(error).__name__}: {error}", expected, fix + _lines(error)
    )


_INSTALLED = tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
_OURS = tuple(HOME / package for package in PACKAGES)


def is_users(file: str) -> bool:
    """Whether a file is neither ours, nor Python's, nor of an installed package."""
    if not file or file.startswith("<"):
        return False
    path = Path(file).resolve()
    return not any(path.is_relative_to(folder) for folder in (*_INSTALLED, *_OURS))


def _lines(error: BaseException) -> str:
    """Where in files of the user an error comes from, as in a traceback: the last lines alone."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_users(frame.filename)]
    text = "".join(traceback.format_list(frames[-3:]))
    if isinstance(error, SyntaxError):  # in no frame: the line is not run
        text += "".join(traceback.format_exception_only(error)[:-1])
    return f"\n{text.rstrip()}" if text else ""
