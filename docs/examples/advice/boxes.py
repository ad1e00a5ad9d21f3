"""Black boxes to ask `lengthgen advise` about: functions of a prompt that say nothing of what they read.

>>> running_parity((1, 0, 1, 1)), Addition().solve((0, 1, 1, "+", 0, 0, 1, "="))  # 3 + 1 = 4
((1, 1, 0, 1), (0, 0, 1))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, product
from operator import xor

Tokens = tuple[int | str, ...]


def copied(prompt: Sequence[str]) -> Sequence[str]:
    """The prompt once more."""
    return prompt


def turned(prompt: Sequence[str]) -> Sequence[str]:
    """The prompt backwards."""
    return prompt[::-1]


def maxima(prompt: Sequence[int]) -> tuple[int, ...]:
    """The largest token so far, after each token."""
    return tuple(accumulate(prompt, max))


def running_parity(prompt: Sequence[int]) -> tuple[int, ...]:
    """Whether the ones so far are odd in number, after each bit."""
    return tuple(accumulate(prompt, xor))


def parity(prompt: Sequence[int]) -> tuple[int]:
    """Whether the ones are odd in number."""
    return (sum(prompt) % 2,)


def majority(prompt: Sequence[int]) -> tuple[int]:
    """Whether more than half of the bits are ones."""
    return (int(2 * sum(prompt) > len(prompt)),)


def sum_modulo_3(prompt: Sequence[int]) -> tuple[int]:
    """The sum modulo 3."""
    return (sum(prompt) % 3,)


def chased(prompt: Sequence[str]) -> tuple[str, ...]:
    """Along a tape of cells such as a+2, a symbol and how far to jump: the symbols that are visited."""
    visited, cell = list[str](), 0
    while cell < len(prompt):
        symbol, _, jump = prompt[cell].partition("+")
        visited.append(symbol)
        cell += int(jump)
    return tuple(visited)


class Addition:
    """Two numbers of bits and their sum, least bit first."""

    def prompts(self, length: int) -> Iterator[Tokens]:
        """Numbers of so many bits, each with a leading zero, so that the sum has no more."""
        for bits in product((0, 1), repeat=2 * length):
            yield (0, *bits[:length], "+", 0, *bits[length:], "=")

    def solve(self, prompt: Tokens) -> Tokens:
        """The bits of the sum."""
        return tuple(total % 2 for total in self.totals(prompt))

    def totals(self, prompt: Tokens) -> list[int]:
        """By column from the right, the sum of its bits and of what is carried into it."""
        n, totals = len(prompt) // 2 - 1, list[int]()
        for a, b in zip(reversed(prompt[:n]), reversed(prompt[n + 1 : -1]), strict=True):
            totals.append(int(a) + int(b) + (totals[-1] // 2 if totals else 0))
        return totals


class AdditionCarried(Addition):
    """The same, where 0' and 1' stand for bits that hand on a one."""

    def solve(self, prompt: Tokens) -> Tokens:
        """The bits of the sum, with what they hand on."""
        return tuple(f"{total % 2}'" if total > 1 else total for total in self.totals(prompt))


class Multiplication:
    """A number in base 3 times a digit, least digit first."""

    def prompts(self, length: int) -> Iterator[Tokens]:
        """A number of so many digits with a leading zero, so that the product has no more, and the digit."""
        for *number, digit in product(range(3), repeat=length + 1):
            yield (0, *number, "x", digit)

    def solve(self, prompt: Tokens) -> Tokens:
        """The digits of the product."""
        return tuple(total % 3 for total in self.totals(prompt))

    def totals(self, prompt: Tokens) -> list[int]:
        """By column from the right, its digit times the factor and what is carried into it."""
        *number, _, factor = prompt
        return [*accumulate(number[::-1], lambda before, digit: before // 3 + int(digit) * int(factor), initial=0)][1:]


class MultiplicationCarried(Multiplication):
    """The same, where every digit tells what it hands on, and the factor: 2(1,2) is a 2 that hands on 1, of times 2."""

    def solve(self, prompt: Tokens) -> Tokens:
        """The digits of the product, with what they hand on."""
        return tuple(f"{total % 3}({total // 3},{prompt[-1]})" for total in self.totals(prompt))


class Assignment:
    """Statements such as a = 1 or b = a, a question for a name, and the chain from there to its value.

    The first two statements assign values, each later one a name that one of the last two has assigned; two in a row assign
    different names.
    """

    def prompts(self, length: int) -> Iterator[Tokens]:
        """Every program of so many statements over three names and two values, with each question."""
        for statements in self.programs(length):
            for name in {name: None for name, _ in statements[-2:]}:
                yield (*(token for name, value in statements for token in (name, "=", value, ";")), "?", name)

    def programs(self, length: int) -> Iterator[list[tuple[str, str]]]:
        """Every list of so many statements."""
        if length == 0:
            yield []
            return
        for before in self.programs(length - 1):
            recent = [name for name, _ in before[-2:]]
            for name in "abc":
                if name not in recent[-1:]:
                    yield from ([*before, (name, value)] for value in ("01" if len(before) < 2 else recent))

    def solve(self, prompt: Tokens) -> Tokens:
        """What the name was assigned last, what that name was before, and so on."""
        chain, at = [prompt[-1]], len(prompt) - 2
        while chain[-1] in ("a", "b", "c"):
            at = max(i for i in range(0, at, 4) if prompt[i] == chain[-1])
            chain.append(prompt[at + 2])
        return tuple(chain[1:])
