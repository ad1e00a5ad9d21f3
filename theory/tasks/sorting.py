"""Sorting: the symbols of a word in alphabetical order.

>>> task = Sorting(3)
>>> print(task.show(task.solve((2, 0, 1, 0, 3))))
token c  a  b  a  >  a  a  b  c
ID    3  0  2  1  -1 0  1  2  3
read                 1  3  2  0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.errors import check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, letters
from theory.tasks.drawing import Drawn, alike, prompts_of


@dataclass(frozen=True)
class Sorting(Task):
    """x_1 ... x_n > the same symbols, sorted.

    Token-coupled by rank: a token's ID is its place in the sorted word (equal symbols keep their order), and the output
    token at that place shares it. Given these IDs the task is 1-sparse, and as local as `Copy`. But the IDs depend on
    the whole prompt: they carry the work, and whoever computes them has sorted the word. Without them the task is
    dense, as every output token depends on all tokens of the word.

    Parameters
    ----------
    n_symbols : how many symbols words are made of.

    Examples
    --------
    >>> task = Sorting(3)
    >>> task.text(task.solve((2, 0, 1, 0, 3)).tokens)
    'caba>aabc'
    """

    n_symbols: int = 2

    name = "sorting"
    sparsity = 1
    offsets = frozenset({(1,)})

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, "Sorting", "n_symbols", least=1)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*letters(self.n_symbols), ">")

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [range(self.n_symbols)] * length + [(self.n_symbols,)]

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) - 1
        order = sorted(range(n), key=lambda i: prompt[i])  # stable
        rank = {source: i for i, source in enumerate(order)}
        return Instance(
            tokens=(*prompt, *(prompt[source] for source in order)),
            ids=(*(rank[i] for i in range(n)), -1, *range(n)),
            steps=tuple(Step(n + 1 + i, (source,)) for i, source in enumerate(order)),
            parts=("word",) * n + (">",) + ("output",) * n,
        )

    def rule(self, read: Tokens) -> int:
        return read[0]

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        prompts = prompts_of(self, length, size, rng)
        order = np.argsort(prompts[:, :length], axis=1, kind="stable")
        ranks = np.argsort(order, axis=1)
        output = np.take_along_axis(prompts, order, axis=1)
        return Drawn(
            tokens=np.concatenate([prompts, output], axis=1),
            ids=np.concatenate([ranks, alike(range(-1, length), size)], axis=1),
            steps=alike(range(length + 1, 2 * length + 1), size),
            n_prompt=length + 1,
            sources=order[..., None],
        )

    def increment(self, read: Tokens) -> int:
        """1: the output walks through the ranks."""
        return 1
