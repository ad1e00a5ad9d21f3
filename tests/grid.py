"""A task whose tokens lie on a grid: every one has two IDs, its row and its column."""

from __future__ import annotations

from theory.coordinates import Id, Ids
from theory.tasks import Instance, Step, Task
from theory.tasks.base import Tokens
from theory.tasks.drawing import by_rule


class Grid(Task):
    """A board of bits row by row, then for every cell but those of the last row whether the cell below differs."""

    name, alphabet, sparsity, min_length = "grid", ("0", "1", ">"), 2, 2
    draw_many = by_rule

    def place(self, row: int, column: int) -> Id:
        return row, column

    @property
    def offsets(self) -> frozenset[Ids] | None:
        return frozenset({((0, 0), (1, 0))})

    def choices(self, length: int) -> list[tuple[int, ...]]:
        return [(0, 1)] * length**2 + [(2,)]

    def solve(self, prompt: Tokens) -> Instance:
        n = round((len(prompt) - 1) ** 0.5)
        cells = [self.place(row, column) for row in range(n) for column in range(n)]
        above = range(n * (n - 1))
        return Instance(
            tokens=(*prompt, *(prompt[k] ^ prompt[k + n] for k in above)),
            ids=(*cells, *cells[: len(above) + 1]),  # what emits the answer of a cell has its ID
            steps=tuple(Step(n * n + 1 + k, (k, k + n)) for k in above),
            parts=(*["cell"] * n**2, ">", *["differs"] * len(above)),
        )

    def rule(self, read: Tokens) -> int:
        return read[0] ^ read[1]


class FlatGrid(Grid):
    """The same with one ID a cell, ten for each row."""

    def place(self, row: int, column: int) -> Id:
        return 10 * row + column

    @property
    def offsets(self) -> frozenset[Ids] | None:
        return frozenset({(0, 10)})
