"""boxes:chased: what lengthgen advise found, as a task.

Written by: lengthgen advise boxes:chased --alphabet a+1,a+2,b+1,b+2 --write chased_task.py
"""

from __future__ import annotations

from collections.abc import Sequence

from theory.tasks import Instance, Step, Task

TABLE: dict[tuple[int, ...], int] = {
    (0,): 4,
    (1,): 4,
    (2,): 5,
    (3,): 5,
}
"""The token for every reading that was seen."""

JUMPS = {
    0: 1,
    1: 2,
    2: 1,
    3: 2,
}
"""By token, how far it points."""


class Chased(Task):
    """1-sparse; where to read next follows from what is read: each step predicts by how much its ID grows.

    steps j = 0, 1, ...: read the cell of a walk from 0, where the token of a cell says how far the next one is

    >>> task = Chased()
    >>> print(task.show(task.solve((3, 2, 0, 6))))
    token b+2 b+1 a+1 >  b  a
    ID    0   1   2   0  2  3
    read                 0  2
    """

    name = 'boxes:chased'
    alphabet = ('a+1', 'a+2', 'b+1', 'b+2', 'a', 'b', '>')
    sparsity = 1
    offsets = frozenset({(0,)})

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        """For each position of a prompt the tokens that it may hold."""
        return [(0, 1, 2, 3)] * length + [(6,)]

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        """The sequence of a prompt: each output token by the rule, from the tokens that its step reads."""
        n = len(prompt) - 1  # the last token is the mark
        row, steps = [*prompt[:n]], list[Step]()
        for j in range(n):
            read = self.sources(row, n, j)
            if read[0] >= n:
                break
            steps.append(Step(n + 1 + j, tuple(i + (i >= n) for i in read)))
            row.append(self.rule(tuple(row[i] for i in read)))
        tokens = (*prompt, *row[len(row) - len(steps) :])
        return Instance(tokens, ids_of(len(prompt), tuple(steps), tokens), tuple(steps))

    def sources(self, row: Sequence[int], n: int, j: int) -> tuple[int, ...]:
        """What step j = 0, 1, ... reads of row: a prompt of n tokens, and the output so far."""
        at0 = 0
        for _ in range(j):
            at0 += JUMPS[row[at0]] if at0 < n else 0
        return (at0,)

    def rule(self, read: tuple[int, ...]) -> int:
        """The predicted token, by the tokens read."""
        return TABLE[read]

    def increment(self, read: tuple[int, ...]) -> int:
        """By how much the ID of the predicted token exceeds the last one."""
        return INCREMENTS.get(read, 1)


INCREMENTS = {
    (0,): 1,
    (1,): 2,
    (2,): 1,
    (3,): 2,
}
"""By how much the ID grows, by reading."""


def ids_of(n: int, steps: tuple[Step, ...], tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Of the prompt its positions; the token that a step predicts from has the ID of what the step reads."""
    queries = [step.sources[0] for step in steps]
    last = tuple(tokens[i] for i in steps[-1].sources)
    return (*range(n - 1), *queries, queries[-1] + INCREMENTS.get(last, 1))
