"""Tasks that are made from another one: its instances, changed one by one.

>>> from dataclasses import replace
>>> from theory.tasks import Copy
>>> class Shifted(Wrapped):
...     '''IDs that start at 100.'''
...     def changed(self, instance):
...         return replace(instance, ids=tuple(100 + i for i in instance.ids))
>>> task = Shifted(Copy(2))
>>> task.name, task.n_instances(3), next(task.support(1)).ids
('copy', 8, (100, 99, 100))
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.errors import check_type
from theory.tasks.base import Instance, Task, Tokens


@dataclass(frozen=True)
class Wrapped(Task):
    """The task within, with its instances `changed`; what they are weighted by and how many there are stays the same.

    Parameters
    ----------
    task : the task within.

    Raises
    ------
    InvalidArgument : for anything but a task.
    """

    task: Task

    def __post_init__(self) -> None:
        check_type(self.task, Task, type(self).__name__, "task", "a Task", "For instance theory.tasks.Copy(2).")
        object.__setattr__(self, "min_length", self.task.min_length)

    @abstractmethod
    def changed(self, instance: Instance) -> Instance:
        """An instance of this task, from one of the task within."""

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def alphabet(self) -> tuple[str, ...]:
        return self.task.alphabet

    @property
    def sparsity(self) -> int | None:
        return self.task.sparsity

    def rule(self, read: Tokens) -> int:
        return self.task.rule(read)

    def instances(self, length: int) -> Iterator[Instance]:
        return map(self.changed, self.task.instances(length))

    def n_instances(self, length: int) -> int:
        return self.task.n_instances(length)

    def weight(self, instance: Instance) -> int:
        return self.task.weight(instance)

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.changed(self.task.draw(length, rng))

    def check_length(self, length: object, method: str) -> None:
        self.task.check_length(length, method)
