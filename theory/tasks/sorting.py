"""Sorting: the symbols of a word in alphabetical order; all at once, or one bucket after the other.

>>> task = Sorting(3)
>>> print(task.show(task.solve((2, 0, 1, 0, 3))))
token c  a  b  a  >  a  a  b  c
ID    3  0  2  1  -1 0  1  2  3
read                 1  3  2  0
>>> task = BucketSort(2)
>>> print(task.show(task.solve(task.tokens("b a b | A:"))))
token b  a  b  |  A: -A  A   -A  B:  B   -B  B    .
ID    0  1  2  3  0  1   2   3   0   1   2   3    0
read                 4,0 5,1 6,2 7,3 8,0 9,1 10,2 11,3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.errors import check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, letters
from theory.tasks.drawing import Drawn, alike, by_rule, prompts_of


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


@dataclass(frozen=True)
class BucketSort(Task):
    """x_1 ... x_n | A: the word once more for every symbol, each time with that symbol alone, and "." at the end.

    Sorted without IDs that have done the work: pass A says of every symbol whether it is an "a" (A) or not (-A), then
    comes pass B, and so on; the capitals are the sorted word. So n_symbols (n + 1) tokens are written, and each is a
    function of two, its query, which says whose pass it is, and the symbol that is due, or "|", where the pass is over.
    Query-coupled: a query has the ID of what it reads.

    Parameters
    ----------
    n_symbols : how many symbols words are made of, at least two.

    Examples
    --------
    >>> task = BucketSort(2)
    >>> task.text(task.solve(task.tokens("b a | A:")).tokens)
    'ba|A:-AAB:B-B.'
    """

    n_symbols: int = 3

    name = "bucket sort"
    sparsity = 2
    offsets = frozenset({(0, 0)})
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, "BucketSort", "n_symbols", least=2)

    @property
    def alphabet(self) -> tuple[str, ...]:
        names = letters(self.n_symbols)
        capitals = tuple(map(str.upper, names))
        return (*names, *capitals, *(f"-{name}" for name in capitals), *(f"{name}:" for name in capitals), ".", "|")

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        m = self.n_symbols
        return [range(m)] * length + [(4 * m + 1,), (3 * m,)]

    def solve(self, prompt: Tokens) -> Instance:
        n, tokens = len(prompt) - 2, list(prompt)
        steps = [Step(len(prompt) + i, (len(prompt) + i - 1, i % (n + 1))) for i in range(self.n_symbols * (n + 1))]
        for step in steps:
            tokens.append(self.rule(tuple(tokens[i] for i in step.sources)))
        passes = (*range(1, n + 1), 0) * self.n_symbols
        return Instance(
            tokens=tuple(tokens),
            ids=(*range(n + 1), 0, *passes),
            steps=tuple(steps),
            parts=("word",) * n + ("|", "start") + (*("pass",) * n, "start") * self.n_symbols,
        )

    def rule(self, read: Tokens) -> int:
        query, symbol = read
        m = self.n_symbols
        bucket, ends, hit = query % m, symbol == 4 * m + 1, symbol == query % m
        # The start of a pass is 3m + its bucket, so the last one is followed by 4m, the end.
        return ends * (3 * m + bucket + 1) + (1 - ends) * (bucket + m * (2 - hit))
