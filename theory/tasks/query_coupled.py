"""The other convention of coupling: the token that a prediction is made from carries the ID of the predicted token.

>>> from theory.tasks import Copy
>>> task = QueryCoupled(Copy(2))
>>> print(task.show(task.solve((0, 1, 1, 2))))
token a  b  b  >  a  b  b
ID    0  1  2  0  1  2  3
read              0  1  2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from theory.coordinates import minus, plus
from theory.errors import InvalidArgument
from theory.tasks.base import Instance, Tokens
from theory.tasks.drawing import Drawn
from theory.tasks.wrapped import Wrapped

SUFFIX = ", query-coupled"
"""What the name of a task has when it is query-coupled."""

LENGTHS, DRAWS = 4, 32
"""From how many lengths, and instances of each, the offsets are read off."""


@dataclass(frozen=True)
class QueryCoupled(Wrapped):
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
    >>> QueryCoupled(Copy(2)).offsets, QueryCoupled(Copy(2)).window
    (frozenset({(0,)}), 0)

    Source: section 4 of docs/theory.md.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
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

    @property
    def name(self) -> str:
        return f"{self.task.name}{SUFFIX}"

    @cached_property
    def offsets(self) -> frozenset[tuple[int, ...]] | None:
        """Those that some short instances show, where the task claims its own, and the longest of them show all."""
        if self.task.offsets is None:
            return None
        rng = np.random.default_rng(0)
        found: list[set[tuple[int, ...]]] = []
        for length in range(self.min_length, self.min_length + LENGTHS):
            shown = [self.sample(length, rng) for _ in range(DRAWS)]
            found.append({instance.key(step) for instance in shown for step in instance.steps})
        return frozenset(found[-1]) if found[-1] == set().union(*found[1:]) else None

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return self.task.choices(length)

    def solve(self, prompt: Tokens) -> Instance:
        return self.changed(self.task.solve(prompt))

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn | None:
        drawn = self.task.sample_many(length, size, rng)
        if drawn is None or drawn.lengths is not None:  # the last ID, which grows on, would be that of a filled row
            return None
        start, ids = drawn.n_prompt - 1, drawn.ids
        last = 2 * ids[:, -1:] - ids[:, -2:-1]
        return replace(drawn, ids=np.concatenate([ids[:, :start], ids[:, start + 1 :], last], axis=1))

    def changed(self, instance: Instance) -> Instance:
        ids, start = instance.ids, instance.n_prompt - 1
        moved = (*ids[:start], *ids[start + 1 :], plus(ids[-1], minus(ids[-1], ids[-2])))
        return replace(instance, ids=moved)
