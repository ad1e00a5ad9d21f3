"""Addition of two numbers, digit by digit.

The IDs follow the convention of position coupling (Cho et al. 2024, arXiv:2405.20671): digits of one significance share
an ID in both operands and in the sum, IDs grow from the most to the least significant digit, and "+" and "=" carry the ID
after the least significant digit; in training a random offset is added to all of them (`positions.random_shift`).

653 + 49, the sum reversed; a step without the carry shown reads five tokens:

>>> task = Addition()
>>> print(task.show(task.encode(653, 49, length=3)))
token 0  6  5  3  +  0  0  4  9  =  2   0          7          0
ID    1  2  3  4  5  1  2  3  4  5  4   3          2          1
read                                3,8 10,3,8,2,7 11,2,7,1,6 12,1,6,0,5

With the carry shown (2' is the digit 2 with a carry) three are enough:

>>> task = Addition(carry=True)
>>> print(task.show(task.encode(653, 49, length=3)))
token 0  6  5  3  +  0  0  4  9  =  2'  0'     7      0
ID    1  2  3  4  5  1  2  3  4  5  4   3      2      1
read                                3,8 10,2,7 11,1,6 12,0,5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from theory.errors import check_integer, check_one_of
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names, digits_of
from theory.tasks.drawing import by_rule

Order: TypeAlias = Literal["reversed", "plain"]


@dataclass(frozen=True)
class Addition(Task):
    """a + b = s for two numbers of `length` digits, written with a leading zero so that the sum has no more digits.

    Parameters
    ----------
    base : of the digits.
    order : the sum "reversed", least significant digit first, or "plain".
    carry : whether a digit of the sum shows the carry that it hands on.

    Dependency sets, with a_i, b_i, s_i the digits of significance i: reversed with the carry shown {s_(i-1), a_i, b_i},
    without it {s_(i-1), a_(i-1), b_(i-1), a_i, b_i}, since s_(i-1) - a_(i-1) - b_(i-1) says what came in there. Plain
    order is dense: s_i comes before every less significant digit, and depends on all of them.

    Examples
    --------
    >>> task = Addition(carry=True)
    >>> task.text(task.encode(653, 49, length=3).tokens)
    "0653+0049=2'0'70"
    """

    base: int = 10
    order: Order = "reversed"
    carry: bool = False

    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.base, "Addition", "base", least=2)
        check_one_of(self.order, get_args(Order), "Addition", "order")

    @property
    def name(self) -> str:
        return f"addition, {self.order}{', carry shown' if self.carry else ''}"

    @property
    def sparsity(self) -> int | None:
        return None if self.order == "plain" else 3 if self.carry else 5

    @property
    def offsets(self) -> frozenset[tuple[int, ...]] | None:
        if self.order == "plain":
            return None
        return frozenset({(-1, -1), (0, -1, -1) if self.carry else (0, 0, 0, -1, -1)})

    @property
    def alphabet(self) -> tuple[str, ...]:
        digits = digit_names(self.base)
        return (*digits, "+", "=", *(f"{digit}'" for digit in digits if self.carry))

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        number = [(0,)] + [range(self.base)] * length
        return [*number, (self.base,), *number, (self.base + 1,)]

    def encode(self, a: int, b: int, *, length: int) -> Instance:
        """The instance for two numbers of at most `length` digits.

        Examples
        --------
        >>> task = Addition()
        >>> task.text(task.encode(653, 49, length=3).tokens)
        '0653+0049=2070'
        """
        a_digits, b_digits = (
            digits_of(x, self.base, length, "Addition.encode", name) for name, x in (("a", a), ("b", b))
        )
        return self.solve((0, *a_digits, self.base, 0, *b_digits, self.base + 1))

    def solve(self, prompt: Tokens) -> Instance:
        n = (len(prompt) - 2) // 2  # columns
        a, b = [n - 1 - i for i in range(n)], [2 * n - i for i in range(n)]  # positions by significance
        order = range(n) if self.order == "reversed" else range(n)[::-1]
        at = {i: 2 * n + 2 + j for j, i in enumerate(order)}
        total, sums = 0, []
        for i in range(n):
            total = prompt[a[i]] + prompt[b[i]] + total // self.base
            sums.append(total % self.base + (self.base + 2 if self.carry and total >= self.base else 0))
        column = range(n, 0, -1)  # the ID by significance
        return Instance(
            tokens=(*prompt, *(sums[i] for i in order)),
            ids=(*range(1, n + 2), *range(1, n + 2), *(column[i] for i in order)),
            steps=tuple(Step(at[i], self._sources(i, a, b, at)) for i in order),
            parts=("a",) * n + ("+",) + ("b",) * n + ("=",) + ("sum",) * n,
        )

    def _sources(self, i: int, a: list[int], b: list[int], at: dict[int, int]) -> tuple[int, ...]:
        if self.order == "plain":
            return tuple(position for j in range(i + 1) for position in (a[j], b[j]))
        if i == 0:
            return a[0], b[0]
        before = (at[i - 1],) if self.carry else (at[i - 1], a[i - 1], b[i - 1])
        return (*before, a[i], b[i])

    def rule(self, read: Tokens) -> int:
        total = 0
        if self.order == "plain":
            for a, b in zip(read[::2], read[1::2], strict=True):
                total = a + b + total // self.base
        else:
            total = read[-2] + read[-1] + self._carried(read[:-2])
        return total % self.base + (self.base + 2) * (self.carry and total >= self.base)

    def _carried(self, before: Tokens) -> int:
        """The carry into a column: shown by the digit before it, or recovered from that column."""
        if len(before) < 2:
            return sum(token >= self.base for token in before)
        digit, a, b = before
        return (a + b + (digit - a - b) % self.base) // self.base
