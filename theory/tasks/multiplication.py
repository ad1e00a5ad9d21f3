"""Multiplication of a number by one digit, least significant digit of the product first.

653 x 4, where 2(1,4) is the digit 2 with the carry 1, which hands on the multiplier 4:

>>> task = Multiplication()
>>> print(task.show(task.encode(653, 4, length=3)))
token 0  6  5  3  x  4  2(1,4) 1(2,4) 6(2,4) 2(0,4)
ID    1  2  3  4  5  5  4      3      2      1
read                    5,3    6,2    7,1    8,0

With plain digits every step goes back to the multiplier itself:

>>> task = Multiplication(carried=False)
>>> print(task.show(task.encode(653, 4, length=3)))
token 0  6  5  3  x  4  2   1       6       2
ID    1  2  3  4  5  5  4   3       2       1
read                    3,5 6,3,2,5 7,2,1,5 8,1,0,5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.errors import check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names, digits_of
from theory.tasks.drawing import by_rule


@dataclass(frozen=True)
class Multiplication(Task):
    """a x d = p for a number a of `length` digits, written with a leading zero, and one digit d.

    The IDs are those of `Addition`: digits of one significance share an ID in a and in the product, IDs grow from the
    most to the least significant digit, and "x" and d carry the ID after the least significant digit.

    Parameters
    ----------
    base : of the digits.
    carried : whether a digit of the product shows the carry that it hands on, and the multiplier.

    Dependency sets, with a_i, p_i the digits of significance i: carried {p_(i-1), a_i}, where d stands for p_(-1); all
    IDs within 1 of each other. Plain {p_(i-1), a_(i-1), a_i, d}, since (p_(i-1) - a_(i-1) d) mod base says what came in
    there. So plain digits are 4-sparse, but not local under any coupling that tells the columns apart: every step reads
    the one d, and the more columns there are, the farther from d the IDs of most of them must be.

    Examples
    --------
    >>> task = Multiplication(carried=False)
    >>> task.text(task.encode(653, 4, length=3).tokens)
    '0653x42162'
    """

    base: int = 10
    carried: bool = True

    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.base, "Multiplication", "base", least=2)

    @property
    def name(self) -> str:
        return f"multiplication, {'carried' if self.carried else 'plain'}"

    @property
    def sparsity(self) -> int:
        return 2 if self.carried else 4

    @property
    def offsets(self) -> frozenset[tuple[int, ...]] | None:
        return frozenset({(0, -1)}) if self.carried else None

    @property
    def alphabet(self) -> tuple[str, ...]:
        digits = digit_names(self.base)
        triples = (f"{p}({carry},{d})" for d in digits for carry in digits for p in digits if self.carried)
        return (*digits, "x", *triples)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0,)] + [range(self.base)] * length + [(self.base,), range(self.base)]

    def encode(self, a: int, d: int, *, length: int) -> Instance:
        """The instance for a number of at most `length` digits and one digit.

        Examples
        --------
        >>> task = Multiplication(carried=False)
        >>> task.text(task.encode(653, 4, length=3).tokens)
        '0653x42162'
        """
        where = "Multiplication.encode"
        a_digits, (digit,) = digits_of(a, self.base, length, where, "a"), digits_of(d, self.base, 1, where, "d")
        return self.solve((0, *a_digits, self.base, digit))

    def solve(self, prompt: Tokens) -> Instance:
        *number, _, d = prompt
        n, total, product = len(number), 0, []
        for digit in reversed(number):
            total = digit * d + total // self.base
            product.append(self._token(total, d))
        return Instance(
            tokens=(*prompt, *product),
            ids=(*range(1, n + 1), n + 1, n + 1, *range(n, 0, -1)),
            steps=tuple(Step(n + 2 + i, self._sources(i, n)) for i in range(n)),
            parts=("a",) * n + ("x", "d") + ("product",) * n,
        )

    def _sources(self, i: int, n: int) -> tuple[int, ...]:
        a, d, before = n - 1 - i, n + 1, n + 1 + i  # a_i, d, and the token before p_i, which is d for i = 0
        if self.carried:
            return before, a
        return (a, d) if i == 0 else (before, a + 1, a, d)

    def rule(self, read: Tokens) -> int:
        if self.carried:
            before, a = read
            of_product = before > self.base
            d, carry = divmod((before - self.base - 1) // self.base, self.base)
            d = of_product * d + (1 - of_product) * before
            return self._token(a * d + of_product * carry, d)
        *column, a, d = read
        carry = 0
        if column:
            p, previous = column
            carry = (previous * d + (p - previous * d) % self.base) // self.base
        return self._token(a * d + carry, d)

    def _token(self, total: int, d: int) -> int:
        """The token of a column that comes to `total`."""
        carry, digit = divmod(total, self.base)
        return self.base + 1 + digit + self.base * (carry + self.base * d) if self.carried else digit
