"""Addition of several numbers by running sums.

27 + 48 + 36 = 75 ; 111, the running sums reversed (5' is the digit 5 with a carry):

>>> task = MultiAddition(3)
>>> print(task.show(task.encode(27, 48, 36, length=2)))
token 0  2  7  +  0  4  8  +  0  3  6  =  5'  7      0      ;  1'    1'      1
ID    7  4  1  -2 7  4  1  -2 8  5  2  -1 2   5      8      0  3     6       9
read                                      2,6 12,1,5 13,0,4    12,10 16,13,9 17,14,8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.errors import InvalidArgument, check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names, digits_of
from theory.tasks.drawing import by_rule


@dataclass(frozen=True)
class MultiAddition(Task):
    """a_1 + ... + a_m = r_2 ; ... ; r_m with r_1 = a_1 and r_j = r_(j-1) + a_j, for m numbers of `length` digits.

    Every running sum is written least significant digit first, its digits show the carry that they hand on, and the
    separators between are given. Numbers have leading zeros, so that every running sum has as many digits as they.

    Digit i of r_j reads three tokens: digit i - 1 of r_j, digit i of r_(j-1), digit i of a_j. The IDs go column by
    column, m to a column, and the two digits that are added share one: those of significance i of r_(j-1) and a_j have
    the ID im + j - 1, hence those of the last sum im + m. The symbols beside the digits count as column -1 of their
    number: "+" of the number before it, "=" and ";" of the running sum after them, whose first digit they emit. So at
    every length both digits added are m - 1 IDs beyond the query, and no other token has their ID.

    (It would not do to give the digits of a_j and r_j one ID, im + j: digit i of a_(j-1) and of a_j would then stand to
    the query as those of a_1 and a_2 do for r_2, and heads that see relative IDs could not tell which pair to add.)

    Parameters
    ----------
    operands : m, how many numbers are added.
    base : of the digits.

    Examples
    --------
    >>> task = MultiAddition(operands=3, base=2)
    >>> [task.text(instance.tokens) for instance in task.instances(1)][-1]
    "001+001+001=0'10;110"
    """

    operands: int = 3
    base: int = 10

    sparsity = 3
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.operands, "MultiAddition", "operands", least=2)
        check_integer(self.base, "MultiAddition", "base", least=2)

    @property
    def name(self) -> str:
        return f"addition of {self.operands} numbers"

    @property
    def offsets(self) -> frozenset[tuple[int, ...]]:
        beyond = self.operands - 1
        return frozenset({(beyond, beyond), (0, beyond, beyond)})

    @property
    def alphabet(self) -> tuple[str, ...]:
        digits = digit_names(self.base)
        return (*digits, "+", "=", ";", *(f"{digit}'" for digit in digits))

    @property
    def padding(self) -> int:
        """How many leading zeros the numbers have: the least z >= 1 with base^z >= operands."""
        return next(z for z in range(1, self.operands) if self.base**z >= self.operands)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        number = [(0,)] * self.padding + [range(self.base)] * length
        return [*[*number, (self.base,)] * (self.operands - 1), *number, (self.base + 1,)]

    def encode(self, *numbers: int, length: int) -> Instance:
        """The instance for numbers of at most `length` digits.

        Examples
        --------
        >>> task = MultiAddition(3)
        >>> task.text(task.encode(27, 48, 36, length=2).tokens)
        "027+048+036=5'70;1'1'1"
        """
        where = "MultiAddition.encode"
        n = len(numbers)
        if n != self.operands:
            fix = f"Use MultiAddition({n}) to add {n}." if n > 1 else "Give them all."
            got, expected = f"{n} numbers", f"{self.operands}, one an operand"
            raise InvalidArgument(where, "numbers", got=got, expected=expected, fix=fix)
        prompt: list[int] = []
        for number in numbers:
            prompt += [0] * self.padding + [*digits_of(number, self.base, length, where, "numbers"), self.base]
        return self.solve((*prompt[:-1], self.base + 1))

    def solve(self, prompt: Tokens) -> Instance:
        m, width = self.operands, len(prompt) // self.operands  # a number with the symbol beside it
        n = width - 1
        numbers = [range(j * width + n - 1, j * width - 1, -1) for j in range(m)]  # positions, by significance
        tokens, steps, given = list(prompt), [], []
        running = numbers[0]
        for j, number in enumerate(numbers[1:], 2):
            if j > 2:
                given.append(len(tokens))
                tokens.append(self.base + 2)
            start, total = len(tokens), 0
            for i, (r, a) in enumerate(zip(running, number, strict=True)):
                steps.append(Step(start + i, (start + i - 1, r, a) if i else (r, a)))
                total = self._digit(tokens[r]) + tokens[a] + total // self.base
                tokens.append(self._token(total))
            running = range(start, start + n)
        return Instance(
            tokens=tuple(tokens),
            ids=(
                *[i * m + max(j - 1, 1) for j in range(1, m + 1) for i in range(n - 1, -2, -1)][:-1],
                *(i * m + j for j in range(2, m + 1) for i in range(-1, n)),
            ),
            steps=tuple(steps),
            given=tuple(given),
            parts=(
                *[part for j in range(1, m + 1) for part in (*[f"a{j}"] * n, "+")][:-1],
                *[part for j in range(2, m + 1) for part in (";" if j > 2 else "=", *[f"r{j}"] * n)],
            ),
        )

    def rule(self, read: Tokens) -> int:
        *before, r, a = read
        return self._token(self._digit(r) + a + sum(token >= self.base for token in before))

    def _digit(self, token: int) -> int:
        return token - (self.base + 3) * (token >= self.base)

    def _token(self, total: int) -> int:
        """The digit of a column that comes to `total`, with the carry shown."""
        return total % self.base + (self.base + 3) * (total >= self.base)
