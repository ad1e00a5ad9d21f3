"""Tasks: what users ask about. One module a task, and one registry of the tasks that the toolkit knows.

>>> from theory.tasks import TASKS
>>> task = TASKS["copy"]
>>> task.text(next(task.support(3)).tokens)
'aaa>aaa'
"""

import re
from collections.abc import Callable
from difflib import get_close_matches

from lengthgen_entry import drawable
from theory.errors import InvalidArgument, shown
from theory.tasks.addition import Addition
from theory.tasks.base import Instance, Step, Task, step_examples
from theory.tasks.copy import Copy, Reverse
from theory.tasks.dense import CountOnes, FullParity, Majority, SumModulo
from theory.tasks.multi_addition import MultiAddition
from theory.tasks.multiplication import Multiplication
from theory.tasks.parity import ScratchpadParity
from theory.tasks.planted import Planted, PlantedMixture, sparse_parity, sparse_parity_up_to
from theory.tasks.pointers import PointerChasing
from theory.tasks.query_coupled import QueryCoupled
from theory.tasks.sorting import Sorting

drawable({Instance: "instances", Task: "tasks"})

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        sparse_parity(2),
        ScratchpadParity(),
        ScratchpadParity("query"),
        Copy(),
        Reverse(),
        Sorting(),
        Addition(),
        Addition(carry=True),
        Addition(order="plain"),
        Addition(order="plain", carry=True),
        MultiAddition(),
        Multiplication(),
        Multiplication(carried=False),
        PointerChasing(),
        FullParity(),
        Majority(),
        SumModulo(),
        CountOnes(),
    )
}
"""Every task by its name, with its usual parameters."""

FAMILIES: dict[str, tuple[Callable[[int], Task], int]] = {
    "sparse parity, k = N": (sparse_parity, 16),
    "sparse parity, k <= N": (sparse_parity_up_to, 16),
    "addition of N numbers": (MultiAddition, 1000),
    "sum modulo N": (SumModulo, 1000),
}
"""Tasks with a number in their name, by the name with N for it, and the largest number: k bits have 2^k words."""


def find_task(name: str, where: str = "find_task") -> Task:
    """The task of a name: one of `TASKS`, one of a family with any number, or "NAME, query-coupled".

    Raises
    ------
    InvalidArgument : for an unknown name, with the closest known one.

    Examples
    --------
    >>> find_task("sparse parity, k = 6").sparsity, find_task("sum modulo 5").name
    (6, 'sum modulo 5')
    >>> find_task("copy, query-coupled").solve((0, 1, 2)).ids
    (0, 1, 0, 1, 2)
    """
    if name in TASKS:
        return TASKS[name]
    if (base := str(name).removesuffix(", query-coupled")) != name:
        return QueryCoupled(find_task(base, where))
    pattern, number = re.sub(r"\d+", "N", str(name)), re.search(r"\d+", str(name))
    if pattern in FAMILIES and number is not None:
        family, largest = FAMILIES[pattern]
        if len(number[0]) > 9 or int(number[0]) > largest:
            raise InvalidArgument(
                where, "task", shown(name), f"{pattern!r} with N at most {largest}", "Use a smaller number."
            )
        return family(int(number[0]))
    known = [*TASKS, *FAMILIES]
    close = get_close_matches(str(name), TASKS, n=1)
    raise InvalidArgument(
        where, "task", shown(name), f"one of {'; '.join(known)}",
        f"Did you mean {close[0]!r}?" if close else "Use one of these names; N stands for a number.",
    )  # fmt: skip


__all__ = [
    "FAMILIES",
    "TASKS",
    "Addition",
    "Copy",
    "CountOnes",
    "FullParity",
    "Instance",
    "Majority",
    "MultiAddition",
    "Multiplication",
    "Planted",
    "PlantedMixture",
    "PointerChasing",
    "QueryCoupled",
    "Reverse",
    "ScratchpadParity",
    "Sorting",
    "Step",
    "SumModulo",
    "Task",
    "find_task",
    "sparse_parity",
    "sparse_parity_up_to",
    "step_examples",
]
