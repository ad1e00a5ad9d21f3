"""Tasks whose prompts are made from free choices, where what a choice means depends on those before.

>>> from theory.tasks.base import Step
>>> class Twins(Chosen):
...     '''Two different letters, and the first of them.'''
...     name, alphabet, sparsity = "twins", ("a", "b", "c", ">"), 1
...     def ways(self, length):
...         return 3, 2
...     def prompts(self, chosen):
...         first, other = chosen.T
...         return np.stack([first, other + (other >= first), 0 * first + 3], axis=1)
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
from itertools import islice, product
from math import prod

import numpy as np

from theory.tasks.base import Instance, Task, Tokens
from theory.tasks.drawing import Integers

AT_ONCE = 1024
"""How many prompts are made at once to list them."""


class Chosen(Task):
    """A task whose prompts are made from choices, one prompt for each combination; all of them are equally likely."""

    @abstractmethod
    def ways(self, length: int) -> Sequence[int]:
        """How many ways there are to make each choice."""

    @abstractmethod
    def prompts(self, chosen: Integers) -> Integers:
        """The prompts of choices counted from 0, a row each; other choices make other prompts."""

    @abstractmethod
    def solve(self, prompt: Tokens) -> Instance:
        """The reference sequence of a prompt, with IDs and dependency sets."""

    def instances(self, length: int) -> Iterator[Instance]:
        choices = product(*map(range, self.ways(length)))
        while chosen := [*islice(choices, AT_ONCE)]:
            yield from map(self.solve, map(tuple, self.prompts(np.array(chosen)).tolist()))

    def n_instances(self, length: int) -> int:
        return prod(self.ways(length))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve(tuple(self.prompts(self.choose(length, 1, rng))[0].tolist()))

    def choose(self, length: int, size: int, rng: np.random.Generator) -> Integers:
        """Random choices, a row each."""
        ways = self.ways(length)
        return rng.integers(0, ways, size=(size, len(ways)))
