"""Copy and reverse: every output token repeats one token of the prompt.

>>> task = Copy(2)
>>> print(task.show(task.solve((0, 1, 1, 2))))
token a  b  b  >  a  b  b
ID    0  1  2  -1 0  1  2
read              0  1  2
>>> task = Reverse(2)
>>> print(task.show(task.solve((0, 1, 1, 2))))
token a  b  b  >  b  b  a
ID    0  1  2  3  2  1  0
read              2  1  0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.errors import check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, letters
from theory.tasks.drawing import by_rule


@dataclass(frozen=True)
class Copy(Task):
    """Repeat a word: x_1 ... x_n > x_1 ... x_n.

    Token-coupled: an output token shares the ID of the token that it repeats, one beyond the ID of its query.

    Parameters
    ----------
    n_symbols : how many symbols words are made of.

    Examples
    --------
    >>> task = Copy(2)
    >>> task.text(task.solve((0, 1, 1, 2)).tokens)
    'abb>abb'
    """

    n_symbols: int = 2

    name = "copy"
    sparsity = 1
    draw_many = by_rule
    offsets = frozenset({(1,)})

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, type(self).__name__, "n_symbols", least=1)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*letters(self.n_symbols), ">")

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [range(self.n_symbols)] * length + [(self.n_symbols,)]

    def path(self, length: int) -> Sequence[int]:
        """The ID of the separator, one step before the first source, and then the positions that the output repeats."""
        return range(-1, length)

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) - 1
        separator, *sources = self.path(n)
        return Instance(
            tokens=(*prompt, *(prompt[source] for source in sources)),
            ids=(*range(n), separator, *sources),
            steps=tuple(Step(n + 1 + i, (source,)) for i, source in enumerate(sources)),
            parts=("word",) * n + (">",) + ("output",) * n,
        )

    def rule(self, read: Tokens) -> int:
        return read[0]


@dataclass(frozen=True)
class Reverse(Copy):
    """Repeat a word backwards: x_1 ... x_n > x_n ... x_1, token-coupled.

    Examples
    --------
    >>> task = Reverse(2)
    >>> task.text(task.solve((0, 1, 1, 2)).tokens)
    'abb>bba'
    """

    name = "reverse"
    offsets = frozenset({(-1,)})

    def path(self, length: int) -> Sequence[int]:
        return range(length, -1, -1)
