"""boxes:maxima: what lengthgen advise found, as a task.

Written by: lengthgen advise boxes:maxima --alphabet 0,1 --write maxima_task.py
"""

from __future__ import annotations

from collections.abc import Sequence

from theory.tasks import Instance, Step, Task

TABLE: dict[tuple[int, ...], int] = {
    (0, 0): 0,
    (0, 1): 1,
    (1, 0): 1,
    (1, 1): 1,
}
"""The token for every reading that was seen."""


class Maxima(Task):
    """2-sparse; the t-th step has the ID t, and so has what it reads (token-coupled).

    step j = 0: read position 0, and repeat it
    steps j = 1, 2, ...: read position j and position n + j - 1

    >>> task = Maxima()
    >>> print(task.show(task.solve((1, 1, 0, 2))))
    token 1  1  0  >  1  1   1
    ID    1  2  3  0  1  2   3
    read              0  1,4 2,5
    """

    name = 'boxes:maxima'
    alphabet = ('0', '1', '>')
    sparsity = 2
    offsets = frozenset({(1,), (1, 0)})

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
        if j == 0:
            at0 = 0
            return (at0,)
        if j >= 1:
            at0 = j
            at1 = n + j - 1
            return (at0, at1)
        raise ValueError(f"no rule says what step {j} of a prompt of {n} tokens reads")

    def rule(self, read: tuple[int, ...]) -> int:
        """The predicted token, by the tokens read."""
        if len(read) == 1:
            return read[0]
        return TABLE[read]


def ids_of(n: int, steps: tuple[Step, ...], tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Step t = 1, 2, ... has the ID t: the token that it predicts, and what it reads first of the prompt."""
    ids = [0] * (n - 1)
    for step in reversed(steps):
        for source in step.sources:
            if source < n - 1:
                ids[source] = step.position - n + 1
    return (*ids, *range(0, len(tokens) - n + 1))
