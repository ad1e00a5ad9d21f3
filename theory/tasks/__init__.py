"""Tasks: what users ask about. One module a task, and one registry of the tasks that the toolkit knows.

>>> from theory.tasks import TASKS
>>> task = TASKS["copy"]
>>> task.text(next(task.support(3)).tokens)
'aaa>aaa'
"""

from theory.tasks.addition import Addition
from theory.tasks.base import Instance, Step, Task, step_examples
from theory.tasks.copy import Copy, Reverse
from theory.tasks.parity import ScratchpadParity

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        ScratchpadParity(),
        ScratchpadParity("query"),
        Copy(),
        Reverse(),
        Addition(),
        Addition(carry=True),
        Addition(order="plain"),
        Addition(order="plain", carry=True),
    )
}
"""Every task by its name, with its usual parameters."""

__all__ = ["TASKS", "Addition", "Copy", "Instance", "Reverse", "ScratchpadParity", "Step", "Task", "step_examples"]
