"""Tasks: what users ask about. One module a task, and one way to name any of them, those of one's own too.

>>> from theory.tasks import TASKS
>>> task = TASKS["copy"]
>>> task.text(next(task.support(3)).tokens)
'aaa>aaa'
"""

from lengthgen_entry import drawable
from theory.tasks.addition import Addition
from theory.tasks.assignment import VariableAssignment
from theory.tasks.base import Instance, Step, Task, step_examples
from theory.tasks.brackets import ModularArithmetic
from theory.tasks.copy import Copy, Reverse
from theory.tasks.dense import CountOnes, FullParity, Majority, SumModulo
from theory.tasks.even_pairs import EvenPairs
from theory.tasks.finding import FAMILIES, TASKS, VARIANTS, find_task
from theory.tasks.long_multiplication import LongMultiplication
from theory.tasks.multi_addition import MultiAddition
from theory.tasks.multiplication import Multiplication
from theory.tasks.parity import ScratchpadParity
from theory.tasks.planted import Planted, PlantedMixture, sparse_parity, sparse_parity_up_to
from theory.tasks.pointers import PointerChasing
from theory.tasks.query_coupled import QueryCoupled
from theory.tasks.recall import AssociativeRecall, Induction
from theory.tasks.running import CycleNavigation, Dyck, RunningState, StackManipulation
from theory.tasks.sorting import BucketSort, Sorting

drawable({Instance: "instances", Task: "tasks"})

__all__ = [
    "FAMILIES",
    "TASKS",
    "VARIANTS",
    "Addition",
    "AssociativeRecall",
    "BucketSort",
    "Copy",
    "CountOnes",
    "CycleNavigation",
    "Dyck",
    "EvenPairs",
    "FullParity",
    "Induction",
    "Instance",
    "LongMultiplication",
    "Majority",
    "ModularArithmetic",
    "MultiAddition",
    "Multiplication",
    "Planted",
    "PlantedMixture",
    "PointerChasing",
    "QueryCoupled",
    "Reverse",
    "RunningState",
    "ScratchpadParity",
    "Sorting",
    "StackManipulation",
    "Step",
    "SumModulo",
    "Task",
    "VariableAssignment",
    "find_task",
    "sparse_parity",
    "sparse_parity_up_to",
    "step_examples",
]
