"""Tasks: what users ask about. One module a task, and one way to name any of them, those of one's own too.

>>> from theory.tasks import TASKS
>>> task = TASKS["copy"]
>>> task.text(next(task.support(3)).tokens)
'aaa>aaa'
"""

from lengthgen_entry import drawable
from theory.tasks.addition import Addition
from theory.tasks.base import Instance, Step, Task, step_examples
from theory.tasks.copy import Copy, Reverse
from theory.tasks.dense import CountOnes, FullParity, Majority, SumModulo
from theory.tasks.finding import FAMILIES, TASKS, VARIANTS, find_task
from theory.tasks.multi_addition import MultiAddition
from theory.tasks.multiplication import Multiplication
from theory.tasks.parity import ScratchpadParity
from theory.tasks.planted import Planted, PlantedMixture, sparse_parity, sparse_parity_up_to
from theory.tasks.pointers import PointerChasing
from theory.tasks.query_coupled import QueryCoupled
from theory.tasks.sorting import Sorting

drawable({Instance: "instances", Task: "tasks"})

__all__ = [
    "FAMILIES",
    "TASKS",
    "VARIANTS",
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
