"""Even pairs: a word, and whether its neighbours differ an even number of times.

>>> task = EvenPairs()
>>> print(task.show(task.solve(task.tokens("a b b a b >"))))
token a  b  b  a  b  >  odd
ID    0  2  3  4  0  0  1
read                    0,4
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.tasks.base import Instance, Step, Task, Tokens
from theory.tasks.drawing import by_rule


@dataclass(frozen=True)
class EvenPairs(Task):
    """x_1 ... x_n > "even" or "odd", as the pairs ab and ba are together even or odd in number.

    It looks dense, and is 2-sparse: the word changes an even number of times just if its ends are the same. Both ends and
    the query share the ID 0, the letters between have IDs of their own.

    Examples
    --------
    >>> task = EvenPairs()
    >>> [task.text(instance.tokens) for instance in task.instances(2)]
    ['aa>even', 'ab>odd', 'ba>odd', 'bb>even']
    """

    name = "even pairs"
    alphabet = ("a", "b", ">", "even", "odd")
    sparsity = 2
    offsets = frozenset({(0, 0)})
    min_length = 2
    draw_many = by_rule

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * length + [(2,)]

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) - 1
        self.check_length(n, "solve")
        return Instance(
            tokens=(*prompt, self.rule((prompt[0], prompt[n - 1]))),
            ids=(0, *range(2, n), 0, 0, 1),
            steps=(Step(n + 1, (0, n - 1)),),
            parts=("first", *("between",) * (n - 2), "last", ">", "answer"),
        )

    def rule(self, read: Tokens) -> int:
        first, last = read
        return 3 + (first ^ last)
