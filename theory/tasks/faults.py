"""Errors in the code of a task of one's own: they are said as such, with the lines that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from theory.errors import InvalidArgument, TheoryError, shown
from theory.modules import Asked, fault, lines
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
        if not lines(error):  # it is ours
            raise
        raise fault(error, Asked(where, "task", HOLDS, "MyTask"), f"{task.name!r}, which", ASK) from error


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
    raise InvalidArgument(where, "task", got=f"{task.name!r}, {wrong}", expected=HOLDS, fix=ASK)
