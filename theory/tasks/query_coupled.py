"""The other convention of coupling: the token that a prediction is made from carries the ID of the predicted token.

>>> from theory.tasks import Copy
>>> task = QueryCoupled(Copy(2))
>>> print(task.show(task.solve((0, 1, 1, 2))))
token a  b  b  >  a  b  b
ID    0  1  2  0  1  2  3
read              0  1  2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from theory.errors import InvalidArgument, check_type
from theory.tasks.base import Instance, Task, Tokens

SUFFIX = ", query-coupled"
"""What the name of a task has when it is query-coupled."""


@dataclass(frozen=True)
class QueryCoupled(Task):
    """A token-coupled task with its IDs moved: from the last token of the prompt on, each is that of the next token.

    What a head looks for then has the query's own ID, or one at a fixed distance from it, also where the IDs of a task
    step by different amounts. The last token is no query; its ID goes on by the last step.

    Parameters
    ----------
    task : a sequence task in which a predicted token shares its ID with what it reads.

    Raises
    ------
    InvalidArgument : for a task whose answer is read off without a query, for one that is query-coupled already, and for
        one whose rule takes the key of a step, which would be another under the moved IDs.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> Copy(2).solve((0, 1, 2)).ids, QueryCoupled(Copy(2)).solve((0, 1, 2)).ids
    ((0, 1, -1, 0, 1), (0, 1, 0, 1, 2))

    Source: section 4 of docs/theory.md.
    """

    task: Task

    def __post_init__(self) -> None:
        check_type(self.task, Task, "QueryCoupled", "task", "a Task", "For instance theory.tasks.Copy(2).")
        already = self.task.offsets is not None and all(set(offsets) <= {0} for offsets in self.task.offsets)
        if self.task.anchor != "last" or already or isinstance(self.task, QueryCoupled):
            raise InvalidArgument(
                "QueryCoupled",
                "task",
                got=f"{self.task.name!r}",
                expected="a token-coupled task, that predicts from the last token",
                fix="A planted or dense task has no coupling of this kind; a query-coupled one is so already.",
            )
        if self.task.takes_key:
            raise InvalidArgument(
                "QueryCoupled",
                "task",
                got=f"{self.task.name!r}, whose rule takes a key",
                expected="a rule of the tokens read alone",
                fix="The key is that of the task's own IDs: write the query-coupled task by hand.",
            )
        object.__setattr__(self, "min_length", self.task.min_length)

    @property
    def name(self) -> str:
        return f"{self.task.name}{SUFFIX}"

    @property
    def alphabet(self) -> tuple[str, ...]:
        return self.task.alphabet

    @property
    def sparsity(self) -> int | None:
        return self.task.sparsity

    def rule(self, read: Tokens) -> int:
        return self.task.rule(read)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return self.task.choices(length)

    def solve(self, prompt: Tokens) -> Instance:
        return self._moved(self.task.solve(prompt))

    def instances(self, length: int) -> Iterator[Instance]:
        return map(self._moved, self.task.instances(length))

    def n_instances(self, length: int) -> int:
        return self.task.n_instances(length)

    def weight(self, instance: Instance) -> int:
        return self.task.weight(instance)

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self._moved(self.task.draw(length, rng))

    def check_length(self, length: object, method: str) -> None:
        self.task.check_length(length, method)

    def _moved(self, instance: Instance) -> Instance:
        ids, start = instance.ids, instance.n_prompt - 1
        moved = (*ids[:start], *ids[start + 1 :], 2 * ids[-1] - ids[-2])
        return replace(instance, ids=moved)
