"""Tasks: what users ask about. One module a task, and one registry of the tasks that the toolkit knows.

>>> from theory.tasks import TASKS
>>> task = TASKS["copy"]
>>> task.text(next(task.support(3)).tokens)
'aaa>aaa'
"""

from theory.tasks.addition import Addition
from theory.tasks.base import Instance, Step, Task, step_examples
from theory.tasks.copy import Copy, Reverse
from theory.tasks.dense import CountOnes, FullParity, Majority, SumModulo
from theory.tasks.multi_addition import MultiAddition
from theory.tasks.multiplication import Multiplication
from theory.tasks.parity import ScratchpadParity
from theory.tasks.planted import Planted, sparse_parity
from theory.tasks.pointers import PointerChasing
from theory.tasks.sorting import Sorting

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

__all__ = [
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
    "PointerChasing",
    "Reverse",
    "ScratchpadParity",
    "Sorting",
    "Step",
    "SumModulo",
    "Task",
    "sparse_parity",
    "step_examples",
]
