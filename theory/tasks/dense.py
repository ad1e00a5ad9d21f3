"""Dense tasks: one answer that depends on every token, so that no dependency set of bounded size will do.

>>> task = FullParity()
>>> print(task.show(task.solve((1, 0, 1, 1))))
token 1  0  1  1  =1
ID    0  1  2  3  4
read              0,1,2,3
>>> [task.text(task.solve((1, 0, 1, 1)).tokens) for task in (Majority(), SumModulo(3), CountOnes())]
['1011=1', '1011=0', '1011=3']
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from theory.errors import InvalidArgument, check_integer
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names
from theory.tasks.drawing import by_rule


class Dense(Task):
    """x_1 ... x_n, then one answer token that depends on all of them; IDs are positions.

    Attributes
    ----------
    n_digits : the tokens of a prompt are the digits 0..n_digits-1.
    n_answers : the answers are 0..n_answers-1, tokens of their own.
    """

    anchor = "none"
    sparsity = None
    n_digits: int = 2
    n_answers: int = 2
    draw_many = by_rule

    @abstractmethod
    def answer(self, digits: Tokens) -> int:
        """The answer for all digits."""

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*digit_names(self.n_digits), *(f"={answer}" for answer in range(self.n_answers)))

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [range(self.n_digits)] * length

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt)
        self.check_length(n, "solve")
        return Instance(
            tokens=(*prompt, self.rule(prompt)),
            ids=tuple(range(n + 1)),
            steps=(Step(n, tuple(range(n))),),
            parts=("digits",) * n + ("answer",),
        )

    def rule(self, read: Tokens) -> int:
        return self.n_digits + self.answer(read)


@dataclass(frozen=True)
class FullParity(Dense):
    """The parity of all bits.

    Examples
    --------
    >>> task = FullParity()
    >>> [task.text(instance.tokens) for instance in task.instances(2)]
    ['00=0', '01=1', '10=1', '11=0']
    """

    name = "full parity"

    def answer(self, digits: Tokens) -> int:
        return sum(digits) % 2


@dataclass(frozen=True)
class Majority(Dense):
    """Whether more than half of the bits are 1; the answer to a tie is 0.

    Examples
    --------
    >>> task = Majority()
    >>> [task.text(instance.tokens) for instance in task.instances(2)]
    ['00=0', '01=0', '10=0', '11=1']
    """

    name = "majority"

    def answer(self, digits: Tokens) -> int:
        return 1 * (2 * sum(digits) > len(digits))


@dataclass(frozen=True)
class SumModulo(Dense):
    """The sum of digits 0..modulus-1, modulo `modulus`.

    Examples
    --------
    >>> task = SumModulo(3)
    >>> [task.text(instance.tokens) for instance in task.instances(2)]
    ['00=0', '01=1', '02=2', '10=1', '11=2', '12=0', '20=2', '21=0', '22=1']
    """

    modulus: int = 3

    def __post_init__(self) -> None:
        check_integer(self.modulus, "SumModulo", "modulus", least=2)
        object.__setattr__(self, "n_digits", self.modulus)
        object.__setattr__(self, "n_answers", self.modulus)

    @property
    def name(self) -> str:
        return f"sum modulo {self.modulus}"

    def answer(self, digits: Tokens) -> int:
        return sum(digits) % self.modulus


@dataclass(frozen=True)
class CountOnes(Dense):
    """How many of the bits are 1.

    Parameters
    ----------
    most : the greatest length, since a vocabulary has finitely many answers.

    Examples
    --------
    >>> task = CountOnes()
    >>> [task.text(instance.tokens) for instance in task.instances(2)]
    ['00=0', '01=1', '10=1', '11=2']
    """

    most: int = 64

    name = "count ones"

    def __post_init__(self) -> None:
        check_integer(self.most, "CountOnes", "most", least=1)
        object.__setattr__(self, "n_answers", self.most + 1)

    def answer(self, digits: Tokens) -> int:
        return sum(digits)

    def check_length(self, length: object, method: str) -> None:
        super().check_length(length, method)
        if isinstance(length, int) and length > self.most:
            expected, fix = f"at most {self.most}, the greatest count with a token", f"Use CountOnes(most={length})."
            raise InvalidArgument(f"CountOnes.{method}", "length", got=f"{length}", expected=expected, fix=fix)
