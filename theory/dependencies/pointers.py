"""Where a step reads: positions by the ends of the prompt and the step, or pointed to by the tokens read before.

>>> rows = np.array([[3, 1, 4, 1, 5, 1]])  # one sequence, and the next token is that of step 0
>>> At(1, 0, -1).where(View(rows, 6, 0), ())
array([5])
>>> Occurrence(slot=0, last=True, shift=1).where(View(rows, 6, 0), (np.array([5]),))  # after the last 1 before it
array([4])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Positions: TypeAlias = NDArray[np.int64]

NOWHERE, UNKNOWN = -1, -2
"""Of a row: there is no such position, and a token was read of which nothing is known."""


class View(NamedTuple):
    """What the pointers of a step see: sequences, the tokens of a prompt, and the number of the step.

    Examples
    --------
    >>> View(np.array([[0, 1, 1]]), n=2, step=1).seen
    3
    """

    rows: NDArray[Any]
    n: int
    step: int

    @property
    def seen(self) -> int:
        """Tokens before the predicted one."""
        return self.n + self.step

    def token(self, positions: Positions) -> NDArray[Any]:
        """The token of each row at its position; NOWHERE where there is none."""
        inside = (positions >= 0) & (positions < self.seen)
        read = self.rows[np.arange(len(self.rows)), np.where(inside, positions, 0)]
        return np.where(inside, read, NOWHERE)


@dataclass(frozen=True)
class At:
    """The position (a·n + b·j + c) / over, with n the tokens of the prompt and j = 0, 1, ... the step.

    With `side` the side of a square grid is added so many times: the root of n, rounded down.

    Examples
    --------
    >>> print(At(1, 1, -1), At(0, 1, 0), At(1, -2, -4, over=2), At(0, 1, 0, side=1), sep="; ")
    n + j - 1; j; n/2 - j - 2; j + √n
    >>> At(1, 0, 0, over=2).at(6, 0), At(1, 0, 0, over=2).at(5, 0)
    (3, None)
    """

    a: int
    b: int
    c: int
    over: int = 1
    side: int = 0

    def at(self, n: int, step: int) -> int | None:
        """The position; None where that is no integer."""
        value, rest = divmod(self.a * n + self.b * step + self.c, self.over)
        return None if rest else value + self.side * isqrt(n)

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        value = self.at(view.n, view.step)
        return np.full(len(view.rows), NOWHERE if value is None or not 0 <= value < view.seen else value)

    @property
    def cost(self) -> tuple[int, int]:
        """How complicated it is: what is relative to one end or to the step comes first."""
        uneven = sum(factor % self.over != 0 for factor in (self.a, self.b, self.c)) * self.over
        far = abs(self.c // self.over + (self.a == self.over)) + (self.a == self.over and self.b not in (0, self.over))
        return uneven + (abs(self.b) > self.over) + (self.a not in range(self.over + 1)) + abs(self.side), far

    def __str__(self) -> str:
        text = ""
        for factor, name in ((self.a, "n"), (self.b, "j"), (self.c, "")):
            if factor:
                size = abs(Fraction(factor, self.over))
                top = (name or "1") if size.numerator == 1 else f"{size.numerator}{name}"
                sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
                text += sign + top + (f"/{size.denominator}" if size.denominator > 1 else "")
        if self.side:
            sign = ("-" if self.side < 0 else "") if not text else " - " if self.side < 0 else " + "
            text += sign + (f"{abs(self.side)} " if abs(self.side) > 1 else "") + "√n"
        return text or "0"

    @property
    def data(self) -> dict[str, object]:
        """As plain data: factors as fractions."""
        n, step, offset = (str(Fraction(factor, self.over)) for factor in (self.a, self.b, self.c))
        return {"kind": "at", "n": n, "step": step, "offset": offset} | ({"side": self.side} if self.side else {})


@dataclass(frozen=True)
class Occurrence:
    """Where the token that a slot reads occurs before that slot, and so many positions on.

    Attributes
    ----------
    slot : the slot that is read first.
    last : the last occurrence before it; otherwise the first.
    shift : how many positions on; 0 is the occurrence itself.
    mark : the token that has to stand behind the occurrence, such as "=" behind a name that is assigned; None for any.

    Examples
    --------
    >>> print(Occurrence(slot=0, last=True, shift=1))
    1 after the last earlier place of the token of slot 0
    """

    slot: int
    last: bool
    shift: int
    mark: int | None = None

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        at = before[self.slot]
        wanted, columns = view.token(at), np.arange(view.seen)
        same = (view.rows[:, : view.seen] == wanted[:, None]) & (columns[None, :] < at[:, None])
        if self.mark is not None:
            same[:, :-1] &= view.rows[:, 1 : view.seen] == self.mark
            same[:, -1] = False
        place = view.seen - 1 - same[:, ::-1].argmax(axis=1) if self.last else same.argmax(axis=1)
        moved = place + self.shift
        return np.where(same.any(axis=1) & (moved >= 0) & (moved < view.seen), moved, NOWHERE)

    def __str__(self) -> str:
        place = f"the {'last' if self.last else 'first'} earlier place of the token of slot {self.slot}"
        place += "" if self.mark is None else " before the mark"
        if not self.shift:
            return place
        return f"{abs(self.shift)} {'after' if self.shift > 0 else 'before'} {place}"

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "occurrence", "slot": self.slot, "last": self.last, "shift": self.shift,
                "mark": self.mark}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A position that the token of a slot names: so many on from a base, by the token.

    Examples
    --------
    >>> print(Named(slot=0, base=At(0, 0, 0), steps=((7, 0), (8, 1))))
    0 + what the token of slot 0 names
    """

    slot: int
    base: At
    steps: tuple[tuple[int, int], ...]
    """(token, positions on)."""

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        moved = np.full(len(view.rows), self.base.at(view.n, view.step) or 0)
        jump = looked_up(dict(self.steps), view.token(before[self.slot]))
        place = moved + jump
        inside = np.where((place >= 0) & (place < view.seen), place, NOWHERE)
        return np.where(jump == MISSING, UNKNOWN, inside)

    def __str__(self) -> str:
        return f"{self.base} + what the token of slot {self.slot} names"

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "named", "slot": self.slot, "base": self.base.data, "steps": dict(self.steps)}


@dataclass(frozen=True)
class Walk:
    """The cell of a walk: it starts at a position, and the token of a cell says how far the next one is.

    Examples
    --------
    >>> walk = Walk(At(0, 0, 0), ((5, 1), (6, 2)))
    >>> [walk.where(View(np.array([[6, 5, 5, 6]]), 4, step), ()).tolist() for step in range(3)]
    [[0], [2], [3]]
    >>> print(walk)
    the cell of a walk from 0, where the token of a cell says how far the next one is
    """

    start: At
    steps: tuple[tuple[int, int], ...]
    """(token, how far on)."""

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        prompt = View(view.rows, view.n, 0)
        cell = self.start.where(prompt, ())
        for _ in range(view.step):
            jump = looked_up(dict(self.steps), prompt.token(cell))
            moved = np.where(jump == MISSING, UNKNOWN, cell + jump)
            moved = np.where((moved >= 0) & (moved < view.n) | (moved == UNKNOWN) & (jump == MISSING), moved, NOWHERE)
            cell = np.where(cell < 0, cell, moved)
        return cell

    def __str__(self) -> str:
        return f"the cell of a walk from {self.start}, where the token of a cell says how far the next one is"

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "walk", "start": self.start.data, "steps": dict(self.steps)}


@dataclass(frozen=True)
class Chain:
    """Where a chain of names has come to: each leads to its last place before the one where it was read.

    The first name is the last token of the prompt; the next one stands `far` positions beyond a place.

    Attributes
    ----------
    far : how far from a place the next name is.
    shift : how many positions on from the place; 0 is the place itself.
    mark : the token that has to stand behind a place; None for any.

    Examples
    --------
    a = 0; b = a; a = b; and what is a? It is b, that is the a of before, which is 0.

    >>> rows = np.array([[7, 9, 0, 8, 9, 7, 7, 9, 8, 7]])  # 9 stands for "="
    >>> [Chain(far=2, shift=0, mark=9).where(View(rows, 10, step), ()).tolist() for step in range(3)]
    [[6], [3], [0]]
    >>> print(Chain(far=2, shift=2, mark=9))
    2 after the place of a chain, from the last token of the prompt to its last earlier place before the mark, where the \
next name is 2 beyond
    """

    far: int
    shift: int
    mark: int | None = None

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        prompt, columns = View(view.rows, view.n, 0), np.arange(view.n)
        at = np.full(len(view.rows), view.n - 1)
        wanted = prompt.token(at)
        for _ in range(view.step + 1):
            same = (view.rows[:, : view.n] == wanted[:, None]) & (columns[None, :] < at[:, None])
            if self.mark is not None:
                same[:, :-1] &= view.rows[:, 1 : view.n] == self.mark
            at = np.where(same.any(axis=1), view.n - 1 - same[:, ::-1].argmax(axis=1), NOWHERE)
            wanted = prompt.token(at + self.far)
        moved = at + self.shift
        return np.where((at >= 0) & (moved >= 0) & (moved < view.n), moved, NOWHERE)

    def __str__(self) -> str:
        place = "the place of a chain, from the last token of the prompt to its last earlier place"
        place += "" if self.mark is None else " before the mark"
        beyond = f"{abs(self.far)} {'beyond' if self.far > 0 else 'before'}"
        shift = f"{abs(self.shift)} {'after' if self.shift > 0 else 'before'} " if self.shift else ""
        return f"{shift}{place}, where the next name is {beyond}"

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "chain", "far": self.far, "shift": self.shift, "mark": self.mark}


@dataclass(frozen=True)
class Marked:
    """The i-th token of the prompt, i = 0, 1, ..., that is none of the background.

    Examples
    --------
    >>> Marked(background=0, index=1).where(View(np.array([[0, 5, 0, 6]]), 4, 0), ()).tolist()
    [3]
    """

    background: int
    index: int

    def where(self, view: View, before: tuple[Positions, ...]) -> Positions:
        """The position in each row."""
        marked = view.rows[:, : view.n] != self.background
        here = marked & (np.cumsum(marked, axis=1) == self.index + 1)
        return np.where(here.any(axis=1), here.argmax(axis=1), NOWHERE)

    def __str__(self) -> str:
        return f"place {self.index} of those that do not hold the background"

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "marked", "background": self.background, "index": self.index}


Pointer: TypeAlias = At | Occurrence | Named | Walk | Chain | Marked
Program: TypeAlias = tuple[Pointer, ...]

MISSING = np.iinfo(np.int64).min


def looked_up(table: Mapping[int, int], tokens: NDArray[Any]) -> NDArray[np.int64]:
    """What a table says of each token; MISSING where it says nothing."""
    full = np.full(max([-1, *table, int(tokens.max(initial=-1))]) + 2, MISSING)
    for token, value in table.items():
        full[token] = value
    return np.asarray(full[tokens])


def places(program: Program, view: View) -> NDArray[np.int64]:
    """The position of every slot in every row, NOWHERE where there is none.

    Examples
    --------
    >>> places((At(1, 0, -1), Occurrence(0, True, 1)), View(np.array([[4, 7, 9, 4]]), 4, 0)).tolist()
    [[3, 1]]
    """
    found: tuple[Positions, ...] = ()
    for pointer in program:
        found = (*found, pointer.where(view, found))
    return np.stack(found, axis=1) if found else np.zeros((len(view.rows), 0), dtype=np.int64)


def readings(program: Program, view: View) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """The tokens that every row reads; whether all its slots are somewhere, no two at one place; and whether it is open.

    A row is open where a pointer does not know a token that it follows.

    Examples
    --------
    >>> read, somewhere, open_ = readings((At(1, 0, -1), At(0, 0, 1)), View(np.array([[4, 7, 9]]), 3, 0))
    >>> read.tolist(), somewhere.tolist(), open_.tolist()
    ([[9, 7]], [True], [False])
    """
    at = places(program, view)
    rows = np.arange(len(view.rows))[:, None]
    somewhere = np.all(at >= 0, axis=1)
    for slot in range(len(program)):
        for other in range(slot):
            somewhere &= at[:, slot] != at[:, other]
    read = np.asarray(view.rows[rows, at] if program else at)
    return read, np.asarray(somewhere), np.any(at == UNKNOWN, axis=1)
