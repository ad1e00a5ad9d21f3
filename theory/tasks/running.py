"""Running states: what a finite automaton computes, with a scratchpad that shows its state after every symbol.

Moves along a cycle of five places, pushes onto a stack and pops from it, and brackets with the one that may be closed next:

>>> task = CycleNavigation(5)
>>> print(task.show(task.solve(task.tokens("+ + + 0 - + p0"))))
token +  +  +  0  -  +  p0 p1  p2  p3  p3  p2   p3
ID    1  2  3  4  5  6  0  1   2   3   4   5    6
read                       6,0 7,1 8,2 9,3 10,4 11,5
>>> task = StackManipulation(2, depth=3)
>>> print(task.show(task.solve(task.tokens("+b +a - - - _a"))))
token +b +a -  -  -  _a _ab _aba _ab _a  _
ID    1  2  3  4  5  0  1   2    3   4   5
read                    5,0 6,1  7,2 8,3 9,4
>>> task = Dyck(2, depth=3)
>>> print(task.show(task.solve(task.tokens("( [ ] ( _ ."))))
token (  [  ]  (  _  .  _(  )  _([ ]  _(  )  _((  )
ID    1  2  3  4  0  0  1   1  2   2  3   3  4    4
read                    4,0 6  6,1 8  8,2 10 10,3 12
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import numpy as np

from theory.errors import InvalidArgument, check_integer, shown
from theory.tasks.base import Instance, Step, Task, Tokens, letters
from theory.tasks.drawing import Drawn, Integers, alike, by_rule, padded


class RunningState(Task):
    """x_1 ... x_n s_0 s_1 ... s_n, where each state s_t is a function of the state before it and of x_t.

    The last state alone is dense in general; with the states before it written down every one is 2-sparse. Token-coupled:
    x_t and s_t share an ID, one beyond that of the query s_(t-1).

    Attributes
    ----------
    symbols : how the symbols of a word print; they are the tokens 0, 1, 2, ...
    states : how the states print, unlike any symbol; they are the tokens after the symbols.
    first_id : the ID of s_0, where x_t has the ID t.
    part : what the positions of a word hold.

    Examples
    --------
    >>> class Doors(RunningState):
    ...     '''Open (o) and close (c) a door, which is shut at first.'''
    ...     name, symbols, states = "doors", ("o", "c"), ("shut", "open")
    ...     def choices(self, length):
    ...         return [(0, 1)] * length + [(2,)]
    ...     def next_state(self, state, symbol):
    ...         return 1 - symbol
    >>> Doors().text(Doors().solve(Doors().tokens("o o c shut")).tokens)
    'oocshutopenopenshut'
    """

    sparsity = 2
    part = "word"

    @property
    @abstractmethod
    def symbols(self) -> tuple[str, ...]:
        """How the symbols of a word print."""

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """How the states print."""

    @abstractmethod
    def next_state(self, state: int, symbol: int) -> int:
        """The state after a symbol, states and symbols counted from 0."""

    @property
    def first_id(self) -> int:
        """The ID of s_0; 0 where the task is token-coupled, 1 where it is query-coupled."""
        return 0

    @property
    def offsets(self) -> frozenset[tuple[int, ...]]:
        return frozenset({(0, 1 - self.first_id)})

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*self.symbols, *self.states)

    def solve(self, prompt: Tokens) -> Instance:
        n, states = len(prompt) - 1, [prompt[-1]]
        for symbol in prompt[:n]:
            states.append(self.rule((states[-1], symbol)))
        return Instance(
            tokens=(*prompt[:n], *states),
            ids=(*range(1, n + 1), *range(self.first_id, self.first_id + n + 1)),
            steps=tuple(Step(n + 1 + t, (n + t, t)) for t in range(n)),
            parts=(self.part,) * n + ("states",) * (n + 1),
        )

    def rule(self, read: Tokens) -> int:
        state, symbol = read
        return len(self.symbols) + self.next_state(state - len(self.symbols), symbol)


@dataclass(frozen=True)
class CycleNavigation(RunningState):
    """Moves along a cycle, back (-), none (0) or ahead (+), and the place after each of them, from place 0 on.

    Parameters
    ----------
    n_places : how many places the cycle has.

    Examples
    --------
    >>> task = CycleNavigation(5)
    >>> task.text(task.solve(task.tokens("- - + p0")).tokens)
    '--+p0p4p3p4'
    """

    n_places: int = 5

    name = "cycle navigation"
    symbols = ("-", "0", "+")
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.n_places, "CycleNavigation", "n_places", least=2)

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(f"p{place}" for place in range(self.n_places))

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [range(3)] * length + [(3,)]

    def next_state(self, state: int, symbol: int) -> int:
        return (state + symbol - 1) % self.n_places


@dataclass(frozen=True)
class StackManipulation(RunningState):
    """Pushes (+a, +b, ...) and pops (-), then a stack, and what becomes of it with each of them.

    A state is a whole stack, from the bottom "_" up; so stacks are bounded. A push onto a full stack is lost, and so is a
    pop from the empty one.

    Parameters
    ----------
    n_symbols : how many symbols may be pushed.
    depth : how many of them a stack holds, at least two.

    Examples
    --------
    >>> task = StackManipulation(2, depth=2)
    >>> task.text(task.solve(task.tokens("+a +b +a - _")).tokens)
    '+a+b+a-__a_ab_ab_a'
    """

    n_symbols: int = 2
    depth: int = 3

    name = "stack manipulation"
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, "StackManipulation", "n_symbols", least=1, most=99)
        _check_depth(self.depth, self.n_symbols, "StackManipulation")

    @property
    def symbols(self) -> tuple[str, ...]:
        return (*(f"+{name}" for name in letters(self.n_symbols)), "-")

    @property
    def states(self) -> tuple[str, ...]:
        return _stacks(letters(self.n_symbols), self.depth)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        n_actions = self.n_symbols + 1
        return [range(n_actions)] * length + [range(n_actions, n_actions + _n_stacks(self.n_symbols, self.depth))]

    def next_state(self, state: int, symbol: int) -> int:
        pushes, pushed = symbol < self.n_symbols, _push(state, symbol, self.n_symbols)
        fits = pushed < _n_stacks(self.n_symbols, self.depth)
        popped = _pop(state, self.n_symbols) * (state > 0)
        after: int = pushes * (fits * pushed + (1 - fits) * state) + (1 - pushes) * popped
        return after


BRACKETS = ("()", "[]", "{}", "<>")


@dataclass(frozen=True)
class Dyck(RunningState):
    """Brackets and those that are open before them, and after each which are, and the one that may be closed next.

    The brackets go on in a well-nested word, each uniform among those that fit, with at most `depth` open. A state is all
    that are open, from the bottom "_" up; what is next is a function of the state alone: ")", "]", ..., or "." if none is open.
    Words start from any state: from "_" on, all words of one length would end with an even number open, or all with an odd one.

    Parameters
    ----------
    n_types : how many types of brackets there are, at most four.
    depth : how many may be open at a time, at least two.

    Raises
    ------
    InvalidArgument : by `solve`, for brackets that do not match, or are too deep.

    Examples
    --------
    >>> task = Dyck(2, depth=2)
    >>> task.text(task.solve(task.tokens("[ ( _ .")).tokens)
    '[(_._[]_[()'
    >>> task.n_instances(1)  # ( and [ onto _, _( or _[, and what closes each of these
    12
    """

    n_types: int = 2
    depth: int = 3

    name = "Dyck words"

    def __post_init__(self) -> None:
        check_integer(self.n_types, "Dyck", "n_types", least=1, most=len(BRACKETS))
        _check_depth(self.depth, self.n_types, "Dyck")

    @property
    def offsets(self) -> frozenset[tuple[int, ...]]:
        return frozenset({(0,), (0, 1)})

    @property
    def symbols(self) -> tuple[str, ...]:
        opening, closing = zip(*BRACKETS[: self.n_types], strict=True)
        return (*opening, *closing)

    @property
    def states(self) -> tuple[str, ...]:
        return _stacks(self.symbols[: self.n_types], self.depth)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*super().alphabet, ".")

    def next_state(self, state: int, symbol: int) -> int:
        opens, m = symbol < self.n_types, self.n_types
        after: int = _push(state, symbol, m) if opens else _pop(state, m)
        return after

    def rule(self, read: Tokens) -> int:
        if len(read) == 2:
            return super().rule(read)
        stack = read[0] - len(self.symbols)
        return self.n_types + _top(stack, self.n_types) if stack else len(self.alphabet) - 1

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) - 2
        if n < 1 or not self._fits(prompt[n], prompt[n + 1], prompt[:n]):
            expected = f"brackets that match, at most {self.depth} open, then those open before and the next to close"
            fix = "Write for instance solve(tokens('( ) ( _ .')), or solve(tokens(') _( )'))."
            raise InvalidArgument("Dyck.solve", "prompt", got=shown(prompt), expected=expected, fix=fix)
        tokens, steps = [*prompt], list[Step]()
        for t, bracket in enumerate(prompt[:n]):
            state = n + 2 * t
            tokens.append(self.rule((tokens[state], bracket)))
            tokens.append(self.rule((tokens[-1],)))
            steps += [Step(state + 2 + i, read) for i, read in enumerate(self._read(state, t))]
        return Instance(
            tokens=tuple(tokens),
            ids=(*range(1, n + 1), *(t for t in range(n + 1) for _ in range(2))),
            steps=tuple(steps),
            parts=("brackets",) * n + ("states", "next") * (n + 1),
        )

    def _read(self, state: int, bracket: int) -> tuple[Tokens, Tokens]:
        """What the next state and its bracket read, from the positions of a state and of what comes after it."""
        return (state, bracket), (state + 2,)

    def _fits(self, state: int, following: int, word: Tokens) -> bool:
        """Whether a state has this next token, and each bracket may follow those before it."""
        stack = state - len(self.symbols)
        if not 0 <= stack < len(self.states) or self.rule((state,)) != following:
            return False
        for bracket in word:
            if bracket not in self._fitting(stack):
                return False
            stack = self.next_state(stack, bracket)
        return True

    def _fitting(self, stack: int) -> Tokens:
        """The brackets that may follow while these are open."""
        closing = (self.n_types + _top(stack, self.n_types),) * (stack > 0)
        full = stack >= _n_stacks(self.n_types, self.depth - 1)
        return closing if full else (*range(self.n_types), *closing)

    def _started(self, stack: int, word: Sequence[int]) -> Instance:
        state = len(self.symbols) + stack
        return self.solve((*word, state, self.rule((state,))))

    def _words(self, length: int, stack: int) -> Iterator[Tokens]:
        """Every way to go on by so many brackets."""
        if length == 0:
            yield ()
        for bracket in self._fitting(stack) if length else ():
            yield from ((bracket, *rest) for rest in self._words(length - 1, self.next_state(stack, bracket)))

    def instances(self, length: int) -> Iterator[Instance]:
        for stack in range(len(self.states)):
            yield from (self._started(stack, word) for word in self._words(length, stack))

    def n_instances(self, length: int) -> int:
        depth, kinds = self.depth, self.n_types
        ways = [1] * (depth + 1)  # to go on, by how many are open
        for _ in range(length):
            ways = [(d > 0 and ways[d - 1]) + (d < depth and kinds * ways[d + 1]) for d in range(depth + 1)]
        return sum(kinds**d * ways[d] for d in range(depth + 1))

    def weight(self, instance: Instance) -> int:
        """Each bracket is uniform among those that fit."""
        n = instance.n_prompt - 2
        stack, weight = instance.tokens[n] - len(self.symbols), 1
        for bracket in instance.tokens[:n]:
            weight *= self.n_types * (self.n_types + 1) // len(self._fitting(stack))
            stack = self.next_state(stack, bracket)
        return weight

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        word, start = list[int](), int(rng.integers(len(self.states)))
        stack = start
        for _ in range(length):
            fitting = self._fitting(stack)
            word.append(fitting[int(rng.integers(len(fitting)))])
            stack = self.next_state(stack, word[-1])
        return self._started(start, word)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        m, full = self.n_types, _n_stacks(self.n_types, self.depth - 1)
        states = [rng.integers(len(self.states), size=size)]
        word = list[Integers]()
        for _ in range(length):
            stack = states[-1]
            opens = m * (stack < full)
            which = rng.integers(0, opens + (stack > 0))
            word.append(np.where(which < opens, which, m + _top(stack, m)))
            states.append(np.where(which < opens, _push(stack, which, m), _pop(stack, m)))
        stacks = np.stack(states, axis=1)
        following = np.where(stacks > 0, m + _top(stacks, m), len(self.alphabet) - 1)
        written = np.stack([len(self.symbols) + stacks, following], axis=2).reshape(size, -1)
        return Drawn(
            tokens=np.concatenate([np.stack(word, axis=1), written], axis=1),
            ids=alike([*range(1, length + 1), *(t for t in range(length + 1) for _ in range(2))], size),
            steps=alike(range(length + 2, 3 * length + 2), size),
            n_prompt=length + 2,
            sources=alike(padded([read for t in range(length) for read in self._read(length + 2 * t, t)]), size),
        )


# ── Stacks by number ─────────────────────────────────────────────────────────────────────────────────────────────────

# The empty stack is 0, and x on top of the stack s of symbols 0..kinds-1 is s * kinds + x + 1: the numbers of a tree in
# which every node has `kinds` children, level by level. So stacks up to a depth are 0, 1, 2, ... without a gap.


def _push(stack: Any, symbol: Any, kinds: int) -> Any:
    return stack * kinds + symbol + 1


def _top(stack: Any, kinds: int) -> Any:
    return (stack - 1) % kinds


def _pop(stack: Any, kinds: int) -> Any:
    return (stack - 1) // kinds


def _n_stacks(kinds: int, depth: int) -> int:
    """How many stacks hold at most so many symbols."""
    return depth + 1 if kinds == 1 else (kinds ** (depth + 1) - 1) // (kinds - 1)


def _stacks(names: Sequence[str], depth: int) -> tuple[str, ...]:
    """How these stacks print, by number: the bottom, "_", and what stands on it."""
    held = (symbols for height in range(depth + 1) for symbols in product(names, repeat=height))
    return tuple("".join(("_", *symbols)) for symbols in held)


MOST_STACKS = 10_000
"""Every stack is a token; so many are enough."""


def _check_depth(depth: object, kinds: int, where: str) -> None:
    """Refuse a depth with too many stacks, or one at which the symbols alone say what is open."""
    most = next(deep for deep in count(2) if _n_stacks(kinds, deep + 1) > MOST_STACKS)
    fix = f"Of {kinds} kinds of symbols there are more than {MOST_STACKS:,} stacks deeper than {most}."
    check_integer(depth, where, "depth", least=2, most=most, fix=fix)
