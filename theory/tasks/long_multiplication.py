"""Long multiplication: two numbers, row by row as at school, each row added to the sum of those before.

Least significant digits first, so 3 x 3 = 9 in base 2 is 11 x 11 = 1001. A cell s(c,b,a) is a digit s of the sum so far, with
the carry c that it hands on, the digit b of its row, and the digit of a that it hands down, or the x behind these:

>>> task = LongMultiplication()
>>> instance = task.encode(3, 3, length=2)
>>> print(task.text(instance.tokens))
11x11;1:1(0,1,1)1(0,1,1)0(0,1,x);1:0(1,1,1)0(1,1,1)1(0,1,x)=1001
>>> print(task.show(instance, step=instance.steps[5], width=112))
token 1       1      x      1      1     ;      1:     1(0,1,1) 1(0,1,1) 0(0,1,x) ;      1:    0(1,1,1) ...
ID    (-1,-1) (-1,0) (-1,1) (0,-1) (1,0) (0,-2) (0,-1) (0,0)    (0,1)    (0,2)    (1,-1) (1,0) (1,1)    ...
read                                            3      6,0      7,1      8,2             4     11,7,8   ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theory.coordinates import Ids
from theory.errors import check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names, digits_of
from theory.tasks.drawing import by_rule


@dataclass(frozen=True)
class LongMultiplication(Task):
    """a x b = p for a number a of `length` digits, and b of as many, or of `rows`, with all partial sums written down.

    Row j starts with a copy of b_j, and has a cell for each of the columns that a b_j B^j adds to the sum of the rows before:
    c = j, ..., j + n, for n digits and a carry. Cell (j, c) reads three tokens: the one before it, which hands on the carry
    and b_j; cell (j - 1, c - 1), which hands down the digit of a; and the digit of the sum in cell (j - 1, c), which the last
    cell of a row does not have, where x comes down. In row 0 the digits of a are read themselves. Then p is read off:
    column c from row c, the last to change it, or from the last row.

    An ID is (row, column). The digits of a stand above row 0, a_i at (-1, i - 1); b_j has the ID of its copy, (j, j - 1), and
    ";" the one before it. So all that a step reads is within 1 of its query in both coordinates, however many rows and
    columns there are; with one coordinate, a cell would be as far from the one above it as a row is long. Separators are
    given, and take the jump back from the end of a row. A digit of p that is final in row c < m - 1 of m has the ID of its
    cell, and the next digit is read one row and one column on; those from the last row stand two columns on from their
    cell, and the next digit is read one column back. (If they had the ID of their cell, the next digit would be one column
    on; but there every row has a cell, and by what is near a head cannot tell whether a row is the last.)

    Parameters
    ----------
    base : B, of the digits.
    rows : how many digits b has, at least two; None for as many as a.

    Examples
    --------
    >>> task = LongMultiplication(base=10, rows=2)
    >>> task.text(task.encode(7, 12, length=1).tokens)
    '7x21;2:4(1,2,7)1(0,2,x);1:8(0,1,7)0(0,1,x)=480'
    >>> task.sparsity, task.window
    (3, (1, 1))
    """

    base: int = 2
    rows: int | None = None

    name = "long multiplication"
    sparsity = 3
    offsets = frozenset[Ids](
        {((0, 1),), ((0, 0), (-1, 0)), ((0, 0), (-1, 0), (-1, 1)), ((1, 1),), ((0, -1),)},
    )
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.base, "LongMultiplication", "base", least=2)
        if self.rows is not None:
            fix = "Multiplication has a multiplier of one digit."
            check_integer(self.rows, "LongMultiplication", "rows", least=2, fix=fix)

    @property
    def alphabet(self) -> tuple[str, ...]:
        digits = digit_names(self.base)
        starts = (f"{b}:" for b in digits)
        cells = (f"{s}({c},{b},{a})" for a in (*digits, "x") for b in digits for c in digits for s in digits)
        return (*digits, "x", ";", "=", *starts, *cells)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        digit = range(self.base)
        return [*[digit] * length, (self.base,), *[digit] * self._n_rows(length), (self.base + 1,)]

    def encode(self, a: int, b: int, *, length: int) -> Instance:
        """The instance for a number of at most `length` digits, and one of at most as many as there are rows.

        Examples
        --------
        >>> task = LongMultiplication()
        >>> task.text(task.encode(1, 1, length=1).tokens)
        '1x1;1:1(0,1,1)0(0,1,x)=10'
        """
        where = "LongMultiplication.encode"
        a_digits = digits_of(a, self.base, length, where, "a")
        b_digits = digits_of(b, self.base, self._n_rows(length), where, "b")
        return self.solve((*a_digits[::-1], self.base, *b_digits[::-1], self.base + 1))

    def solve(self, prompt: Tokens) -> Instance:
        n = prompt.index(self.base)
        m, width = len(prompt) - n - 2, n + 3  # of b; of a row with the separator before it
        tokens, steps = [*prompt[:-1]], list[Step]()

        def predict(*sources: int) -> None:
            steps.append(Step(len(tokens), sources))
            tokens.append(self.rule(tuple(tokens[source] for source in sources)))

        above = range(n + 1)  # positions: of a and x, then of the cells of a row
        product = []
        for j in range(m):
            tokens.append(self.base + 1)
            predict(n + 1 + j)
            for i in range(n + 1):
                predict(len(tokens) - 1, *above[i : i + 1 + (j > 0)])
            above = range(len(tokens) - n - 1, len(tokens))
            product += [*above] if j == m - 1 else [above[0]]
        tokens.append(self.base + 2)
        for cell in product:
            predict(cell)
        return Instance(
            tokens=tuple(tokens),
            ids=(
                *((-1, i - 1) for i in range(n + 1)),
                *((j, j - 1) for j in range(m)),
                *((j, c) for j in range(m) for c in range(j - 2, j + n + 1)),
                (-1, -1),
                *((c, c) if c < m - 1 else (m - 1, c + 2) for c in range(m + n)),
            ),
            steps=tuple(steps),
            given=tuple(len(prompt) - 1 + j * width for j in range(1, m + 1)),
            parts=(
                *("a",) * n, "x", *("b",) * m,
                *(part for j in range(m) for part in (";", "start", *(f"row {j}" if j < m - 1 else "last row",) * (n + 1))),
                "=", *("low digits",) * (m - 1), *("high digits",) * (n + 1),
            ),
        )  # fmt: skip

    def rule(self, read: Tokens) -> int:
        before = self._held(read[0])
        if len(read) == 1:
            of_b = read[0] < self.base
            first: int = of_b * (self.base + 3 + read[0]) + (1 - of_b) * before[3]
            return first
        a, (_, b, carry, _) = self._held(read[1])[0], before
        total = a % self.base * b + carry  # x adds nothing
        if len(read) == 3:
            total = total + self._held(read[2])[3]
        carry, digit = divmod(total, self.base)
        cell: int = 2 * self.base + 3 + self.base * (self.base * (self.base * a + b) + carry) + digit
        return cell

    def _held(self, token: Any) -> tuple[Any, Any, Any, Any]:
        """(a, b, carry, digit) of a cell; the first alone of a digit of a or x, the second of the start of a row."""
        start = token - self.base - 3
        of_a, of_cell = token <= self.base, start >= self.base
        rest, digit = divmod(of_cell * (start - self.base), self.base)
        rest, carry = divmod(rest, self.base)
        a, b = divmod(rest, self.base)
        return a + of_a * token, b + (1 - of_a) * (1 - of_cell) * start, carry, digit

    def _n_rows(self, length: int) -> int:
        return length if self.rows is None else self.rows
