"""Tasks whose prompts are made from free choices, where what a choice means depends on those before.

>>> from theory.tasks.base import Step
>>> class Twins(Chosen):
...     '''Two different letters, and the first of them.'''
...     name, alphabet, sparsity = "twins", ("a", "b", "c", ">"), 1
...     def ways(self, length):
...         return (3, 2)
...     def prompt(self, chosen):
...         first, other = chosen
...         return first, [letter for letter in range(3) if letter != first][other], 3
...     def solve(self, prompt):
...         return Instance((*prompt, prompt[0]), (0, 1, -1, 0), (Step(3, (0,)),))
...     def rule(self, read):
...         return read[0]
>>> [Twins().text(instance.tokens) for instance in Twins().instances(2)]
['ab>a', 'ac>a', 'ba>b', 'bc>b', 'ca>c', 'cb>c']
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

from theory.tasks.base import Instance, Task, Tokens


class Chosen(Task):
    """A task whose prompts are made from choices, one prompt for each combination; all of them are equally likely."""

    @abstractmethod
    def ways(self, length: int) -> Sequence[int]:
        """How many ways there are to make each choice."""

    @abstractmethod
    def prompt(self, chosen: Tokens) -> Tokens:
        """The prompt of these choices, each counted from 0; other choices make other prompts."""

    @abstractmethod
    def solve(self, prompt: Tokens) -> Instance:
        """The reference sequence of a prompt, with IDs and dependency sets."""

    def instances(self, length: int) -> Iterator[Instance]:
        return (self.solve(self.prompt(chosen)) for chosen in product(*map(range, self.ways(length))))

    def n_instances(self, length: int) -> int:
        return prod(self.ways(length))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve(self.prompt(tuple(rng.integers(0, self.ways(length)).tolist())))
