"""A mark between prompt and output, where the prompt does not end with one.

>>> from theory.tasks import Instance, Step, Task
>>> class Backwards(Task):
...     name, alphabet, sparsity = "backwards", ("a", "b"), 1
...     def choices(self, length):
...         return [(0, 1)] * length
...     def solve(self, prompt):
...         n = len(prompt)
...         return Instance((*prompt, *prompt[::-1]), tuple(range(2 * n)), tuple(Step(n + j, (n - 1 - j,)) for j in range(n)))
...     def rule(self, read):
...         return read[0]
>>> task = with_mark(Backwards())
>>> print(task.show(task.solve((0, 1, 1, 2))))
token a  b  b  >  b  b  a
ID    0  1  2  3  4  5  6
read              2  1  0
>>> with_mark(task) is task
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from theory.tasks import Instance, Step, Task
from theory.tasks.faults import checked, running
from theory.tasks.wrapped import Wrapped

MARKS = (">", "|", "#", "=", "<end>")
"""What may mark the end of a prompt: the first that is no token yet."""

TRIED = 3
"""So many lengths tell whether prompts end with a mark."""


@dataclass(frozen=True)
class Marked(Wrapped):
    """A task whose prompts end with a mark: what the first prediction is made from then has an ID of its own.

    Examples
    --------
    >>> from theory.tasks import FullParity
    >>> Marked(FullParity()).alphabet
    ('0', '1', '=0', '=1', '>')
    """

    @property
    def mark(self) -> int:
        """The number of the mark."""
        return len(self.task.alphabet)

    @property
    def alphabet(self) -> tuple[str, ...]:
        known = self.task.alphabet
        return (*known, next(mark for mark in (*MARKS, f"<{len(known)}>") if mark not in known))

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [*self.task.choices(length), (self.mark,)]

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        return self.changed(self.task.solve(prompt[:-1]))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.changed(self.task.draw(length, rng))

    def made(self, pair: Any) -> Instance:
        """The instance of a prompt and its output, where the task within makes some of pairs."""
        made: Instance = self.task.made(pair)  # type: ignore[attr-defined]
        return self.changed(made)

    def changed(self, instance: Instance) -> Instance:
        n, tokens = instance.n_prompt, instance.tokens
        steps = tuple(Step(p + 1, tuple(source + (source >= n) for source in sources)) for p, sources in instance.steps)
        given = tuple(position + 1 for position in instance.given)
        parts = (*instance.parts[:n], self.alphabet[self.mark], *instance.parts[n:]) if instance.parts else ()
        return Instance((*tokens[:n], self.mark, *tokens[n:]), tuple(range(len(tokens) + 1)), steps, given, parts)


def with_mark(task: Task) -> Task:
    """The task with a mark, unless its prompts of a length all end with one and the same token, or a head needs none."""
    if task.anchor != "last" or _ends_alike(task):
        return task
    return Marked(task)


def _ends_alike(task: Task) -> bool:
    rng = np.random.default_rng(0)
    with running(task, "advise"):
        few = (n for n in range(task.min_length, task.min_length + 8) if task.n_instances(n))
        lengths = list(islice(few, TRIED))  # of longer ones prompts would have to be listed
        drawn = [checked(task.sample(n, rng), task, "advise") for n in lengths for _ in range(16)]
    ends = {instance.tokens[instance.n_prompt - 1] for instance in drawn}
    within = {token for instance in drawn for token in instance.tokens[: instance.n_prompt - 1]}
    return len(ends) == 1 and not ends & within
