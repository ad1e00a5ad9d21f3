"""Modular arithmetic with brackets: from the innermost bracket out.

(1-((2)*4))+2 in brackets of its own, modulo 5: 2; 2*4 = 3; 1-3 = 3; 3+2 = 0.

>>> task = ModularArithmetic(5)
>>> print(task.show(task.solve(task.tokens("( ( 1 - ( ( 2 ) * 4 ) ) + 2 ) ="))))
token (  (  1  -  (  (  2  )  *  4  )  )  +  2  )  =  2  3      3      0
ID    1  2  2  2  3  4  4  4  3  3  3  2  1  1  1  5  4  3      2      1
read                                                  6  8,9,16 2,3,17 12,13,18
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.errors import InvalidArgument, check_integer, shown
from theory.tasks.base import Instance, Step, Tokens, digit_names
from theory.tasks.choosing import Chosen
from theory.tasks.drawing import Drawn, Integers, alike

OPERATORS = "+-*"


@dataclass(frozen=True)
class ModularArithmetic(Chosen):
    """`length` brackets, one within the other, "=", and the value of each from the innermost one out, modulo `modulus`.

    The innermost bracket holds a digit, each other one a digit, `+`, `-` or `*`, and a bracket, the digit on either side. So a
    value is a function of three tokens: the value within, the operator, and the digit beside it, which stands before the
    operator or behind it. The ID of a token of the prompt is its depth in brackets, and a value has that of its bracket.

    Parameters
    ----------
    modulus : of the values, and how many digits there are.

    Raises
    ------
    InvalidArgument : by `solve`, for anything but such brackets.

    Examples
    --------
    >>> task = ModularArithmetic(3)
    >>> task.text(task.solve(task.tokens("( 1 - ( 2 ) ) =")).tokens)
    '(1-(2))=22'
    """

    modulus: int = 5

    name = "modular arithmetic"
    sparsity = 3
    offsets = frozenset({(-1,), (-1, -1, 0)})

    def __post_init__(self) -> None:
        check_integer(self.modulus, "ModularArithmetic", "modulus", least=2)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*digit_names(self.modulus), *OPERATORS, "(", ")", "=")

    def ways(self, length: int) -> Sequence[int]:
        return [self.modulus, *[self.modulus, len(OPERATORS), 2] * (length - 1)]

    def prompts(self, chosen: Integers) -> Integers:
        return self._written(chosen)[0]

    def _written(self, chosen: Integers) -> tuple[Integers, Integers, Integers]:
        """Prompts, their IDs, and the values of their brackets, from the innermost one out."""
        opening, closing, equals = (np.full_like(chosen[:, :1], sign) for sign in self._signs)
        value, n = chosen[:, :1], 1 + chosen.shape[1] // 3
        made, ids, values = np.concatenate([opening, value, closing], axis=1), np.full((len(chosen), 3), n), [value]
        for level in range(1, n):
            digit, operator, behind = np.split(chosen[:, 3 * level - 2 : 3 * level + 1], 3, axis=1)
            operator = operator + self.modulus
            before, after = [opening, digit, operator, made, closing], [opening, made, operator, digit, closing]
            made = np.where(behind, np.concatenate(after, axis=1), np.concatenate(before, axis=1))
            own = np.full_like(opening, n - level)
            before, after = [own, own, own, ids, own], [own, ids, own, own, own]
            ids = np.where(behind, np.concatenate(after, axis=1), np.concatenate(before, axis=1))
            value = self._value(np.where(behind, value, digit), operator, np.where(behind, digit, value))
            values.append(value)
        ids = np.concatenate([ids, alike(range(n + 1, 0, -1), len(chosen))], axis=1)
        return np.concatenate([made, equals], axis=1), ids, np.concatenate(values, axis=1)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        chosen = self.choose(length, size, rng)
        prompts, ids, values = self._written(chosen)
        n = prompts.shape[1]
        return Drawn(
            tokens=np.concatenate([prompts, values], axis=1),
            ids=ids,
            steps=alike(range(n, n + length), size),
            n_prompt=n,
            sources=self._sources(chosen, n),
        )

    def _sources(self, chosen: Integers, n_prompt: int) -> Integers:
        """What every step reads, from the innermost bracket out: what stands beside it, and the value before."""
        n = 1 + chosen.shape[1] // 3
        sources = np.full((len(chosen), n, 3), -1)
        at, end = np.zeros_like(chosen[:, 0]), np.full_like(chosen[:, 0], n_prompt - 2)
        for level in range(n - 1, 0, -1):
            behind = chosen[:, 3 * level]
            first = np.where(behind, end - 2, at + 1)
            sources[:, level] = np.stack([first, first + 1, np.full_like(first, n_prompt + level - 1)], axis=1)
            at, end = np.where(behind, at + 1, at + 3), np.where(behind, end - 3, end - 1)
        sources[:, 0, 0] = at + 1
        return sources

    def solve(self, prompt: Tokens) -> Instance:
        levels = self._levels(prompt)
        n, start = len(levels), len(prompt)
        tokens, ids, steps = [*prompt], [n + 1] * start, list[Step]()
        for depth, level in enumerate(levels, 1):
            for i in level:
                ids[i] = depth
        for depth, (_, *beside, _) in zip(range(n, 0, -1), reversed(levels), strict=True):
            steps.append(Step(len(tokens), (*beside, len(tokens) - 1) if steps else (*beside,)))
            tokens.append(self.rule(tuple(tokens[i] for i in steps[-1].sources)))
            ids.append(depth)
        return Instance(
            tokens=tuple(tokens),
            ids=tuple(ids),
            steps=tuple(steps),
            parts=("expression",) * (start - 1) + ("=",) + ("values",) * n,
        )

    def _levels(self, prompt: Tokens) -> list[Tokens]:
        """The positions of each depth, from the outermost bracket in: "(", what stands beside the next bracket, ")"."""
        opening, closing, equals = self._signs
        operators, levels = range(self.modulus, opening), list[Tokens]()
        at, end = 0, len(prompt) - 2
        while at + 2 <= end and (prompt[at], prompt[end]) == (opening, closing):
            if end == at + 2 and prompt[at + 1] < self.modulus and prompt[-1] == equals:
                return [*levels, (at, at + 1, end)]
            if prompt[at + 1] < self.modulus and prompt[at + 2] in operators:
                levels.append((at, at + 1, at + 2, end))
                at, end = at + 3, end - 1
            elif prompt[end - 1] < self.modulus and prompt[end - 2] in operators:
                levels.append((at, end - 2, end - 1, end))
                at, end = at + 1, end - 3
            else:
                break
        expected = "brackets one within the other, each but the innermost with a digit and an operator, and '='"
        fix = "Write for instance solve(tokens('( 1 - ( 0 ) ) ='))."
        raise InvalidArgument("ModularArithmetic.solve", "prompt", got=shown(prompt), expected=expected, fix=fix)

    @property
    def _signs(self) -> tuple[int, int, int]:
        """The tokens "(", ")" and "="."""
        first = self.modulus + len(OPERATORS)
        return first, first + 1, first + 2

    def rule(self, read: Tokens) -> int:
        if len(read) == 1:
            return read[0]
        one, other, value = read
        return int(self._value(*((one, other, value) if one < self.modulus else (value, one, other))))

    def _value(self, left: Any, operator: Any, right: Any) -> Any:
        """What an operator makes of its operands, numbers or arrays."""
        sums, differences, products = (left + right) % self.modulus, (left - right) % self.modulus, left * right
        times, minus = operator == self.modulus + OPERATORS.index("*"), operator == self.modulus + OPERATORS.index("-")
        return np.where(times, products % self.modulus, np.where(minus, differences, sums))

    def increment(self, read: Tokens) -> int:
        """-1: from the innermost bracket out."""
        return -1
