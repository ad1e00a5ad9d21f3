"""boxes:turned: what lengthgen advise found, as a task.

Written by: lengthgen advise boxes:turned --alphabet a,b --write turned_task.py
"""

from __future__ import annotations

from collections.abc import Sequence

from theory.tasks import Instance, Step, Task


class Turned(Task):
    """1-sparse; the t-th step has the ID t, and so has what it reads (token-coupled).

    steps j = 0, 1, ...: read position n - j - 1, and repeat it

    >>> task = Turned()
    >>> print(task.show(task.solve((1, 1, 0, 2))))
    token b  b  a  >  a  b  b
    ID    3  2  1  0  1  2  3
    read              2  1  0
    """

    name = 'boxes:turned'
    alphabet = ('a', 'b', '>')
    sparsity = 1
    offsets = frozenset({(1,)})

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        """For each position of a prompt the tokens that it may hold."""
        return [(0, 1)] * length + [(2,)]

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        """The sequence of a prompt: each output token by the rule, from the tokens that its step reads."""
        n = len(prompt) - 1  # the last token is the mark
        row, steps = [*prompt[:n]], list[Step]()
        for j in range(n):
            read = self.sources(row, n, j)
            steps.append(Step(n + 1 + j, tuple(i + (i >= n) for i in read)))
            row.append(self.rule(tuple(row[i] for i in read)))
        tokens = (*prompt, *row[len(row) - len(steps) :])
        return Instance(tokens, ids_of(len(prompt), tuple(steps), tokens), tuple(steps))

    def sources(self, row: Sequence[int], n: int, j: int) -> tuple[int, ...]:
        """What step j = 0, 1, ... reads of row: a prompt of n tokens, and the output so far."""
        at0 = n - j - 1
        return (at0,)

    def rule(self, read: tuple[int, ...]) -> int:
        """The predicted token, by the tokens read."""
        return read[0]


def ids_of(n: int, steps: tuple[Step, ...], tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Step t = 1, 2, ... has the ID t: the token that it predicts, and what it reads first of the prompt."""
    ids = [0] * (n - 1)
    for step in reversed(steps):
        for source in step.sources:
            if source < n - 1:
                ids[source] = step.position - n + 1
    return (*ids, *range(0, len(tokens) - n + 1))
