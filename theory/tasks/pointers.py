"""Pointer chasing: a walk along a tape whose cells say how far to jump.

>>> task = PointerChasing()
>>> print(task.show(task.encode("a+2 b+1 b+1 a+2 b+1")))
token a+2 b+1 b+1 a+2 b+1 >  a  b  a
ID    0   1   2   3   4   0  2  3  5
read                         0  2  3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.errors import check, check_integer, check_type
from theory.tasks.base import Instance, Step, Task, Tokens, letters
from theory.tasks.drawing import Drawn, alike, prompts_of


@dataclass(frozen=True)
class PointerChasing(Task):
    """Cells of a symbol and a jump, ">", and the symbols visited from cell 0 until a jump leads past the end.

    Query-coupled: the token that a prediction is made from carries the ID of the cell to read, so ">" has that of cell
    0, and an output token that of the next cell (past the end for the last one). The path, hence the IDs, depend on
    the input; but the cell just read says by how much the ID grows, so the increments come from a finite set and can be
    predicted with the tokens: predictive position coupling. Symbols of the output are tokens of their own.

    Parameters
    ----------
    n_symbols : how many symbols there are.
    jumps : how far a cell may point ahead.

    Examples
    --------
    >>> task = PointerChasing()
    >>> task.encode("a+2 b+1 b+1 a+2").ids
    (0, 1, 2, 3, 0, 2, 3, 5)
    """

    n_symbols: int = 2
    jumps: tuple[int, ...] = (1, 2)

    name = "pointer chasing"
    sparsity = 1
    offsets = frozenset({(0,)})

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, "PointerChasing", "n_symbols", least=1)
        check_type(self.jumps, tuple, "PointerChasing", "jumps", "a tuple of distinct integers >= 1", "Use (1, 2).")
        for jump in self.jumps:
            check_integer(jump, "PointerChasing", "jumps", least=1)
        once, expected = len(set(self.jumps)) == len(self.jumps) > 0, "at least one jump, each once"
        check(once, "PointerChasing", "jumps", self.jumps, expected=expected, fix="Use (1, 2).")

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """(symbol, jump) of every token of the tape."""
        return tuple((symbol, jump) for symbol in range(self.n_symbols) for jump in self.jumps)

    @property
    def alphabet(self) -> tuple[str, ...]:
        names = letters(self.n_symbols)
        return (*(f"{names[symbol]}+{jump}" for symbol, jump in self.cells), ">", *names)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        n_cells = len(self.cells)
        return [range(n_cells)] * length + [(n_cells,)]

    def encode(self, tape: str) -> Instance:
        """The instance for a tape written as in the example above.

        Raises
        ------
        InvalidArgument : for something else than cells of the alphabet, with spaces between.
        """
        cells = self.alphabet[: len(self.cells)]
        known = isinstance(tape, str) and tape.split() and set(tape.split()) <= set(cells)
        expected, fix = f"cells of {', '.join(cells)}, with spaces between", "Write for instance 'a+1 a+1'."
        check(known, "PointerChasing.encode", "tape", tape, expected=expected, fix=fix)
        return self.solve((*(cells.index(cell) for cell in tape.split()), len(cells)))

    def solve(self, prompt: Tokens) -> Instance:
        n, path = len(prompt) - 1, [0]
        while path[-1] < n:
            path.append(path[-1] + self.increment(prompt[path[-1] : path[-1] + 1]))
        visited = path[:-1]
        return Instance(
            tokens=(*prompt, *(self.rule((prompt[cell],)) for cell in visited)),
            ids=(*range(n), *path),
            steps=tuple(Step(n + 1 + i, (cell,)) for i, cell in enumerate(visited)),
            parts=("tape",) * n + (">",) + ("output",) * len(visited),
        )

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        prompts, jumps = prompts_of(self, length, size, rng), np.array([jump for _, jump in self.cells])
        cell, rows = np.zeros(size, dtype=np.int64), np.arange(size)
        path, output, steps = [cell], [], []
        while (inside := cell < length).any():  # a row that has left the tape stays where it is
            read: Any = (prompts[rows, np.minimum(cell, length - 1)],)
            output.append(self.rule(read))
            steps.append(inside)
            cell = cell + jumps[read[0]] * inside
            path.append(cell)
        made, cells = np.stack(steps, axis=1), np.stack(path, axis=1)
        visited = np.minimum(made.cumsum(axis=1), made.sum(axis=1, keepdims=True)) - 1  # a filled step is the last one
        return Drawn(
            tokens=np.concatenate([prompts, np.stack(output, axis=1)], axis=1),
            ids=np.concatenate([alike(range(length), size), cells], axis=1),
            steps=length + np.cumsum(made, axis=1),
            n_prompt=length + 1,
            lengths=length + 1 + made.sum(axis=1),
            sources=np.take_along_axis(cells, visited, axis=1)[..., None],
        )

    def rule(self, read: Tokens) -> int:
        return len(self.cells) + 1 + read[0] // len(self.jumps)

    def increment(self, read: Tokens) -> int:
        """The jump of the cell read."""
        return self.cells[read[0]][1]
