"""A list of problems is gone through in turns, by any number of workers, with the outcome of one that goes through it alone.

The list is cut into *blocks*, and a turn takes every n-th of them until its time is up; two turns, each with every 2n-th,
go on where it stopped. What counts is the end with the smallest number, and the tallies of the blocks up to its own:
neither depends on how many turns there were. Each turn makes the problems of the others too, and passes them over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, repeat
from math import inf
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

End = TypeVar("End")

BLOCKS = 4096
"""The first blocks hold one problem each; later ones hold more, so that the tallies of a long list stay few."""


class Pace(NamedTuple):
    """How long a turn lasts before it hands on.

    Attributes
    ----------
    seconds : for each n of "every n-th block", so that turns get longer as they get more.
    making : a list that takes a larger share of a turn to make is split no further: each turn makes it again.
    """

    seconds: float = 2.0
    making: float = 0.1


ALONE = Pace(inf)
"""One turn does it all."""


@dataclass
class Tally:
    """What was decided so far, problem by problem."""

    problems: int = 0
    sound: int = 0
    undecided: int = 0
    cases: int = 0
    decisive: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self


@dataclass(frozen=True)
class Turn:
    """The blocks first, first + every, first + 2 · every, ... of a list, and none after `stop`, if there is one."""

    first: int = 0
    every: int = 1
    stop: int | None = None


WHOLE = Turn()


@dataclass
class Walked(Generic[End]):
    """What a turn found.

    Attributes
    ----------
    tallies : {block: what was decided of it}.
    number, block : of the problem that it is at, from 0.
    end : what ended it there, if something did.
    rest : the block that it leaves to others.
    """

    tallies: dict[int, Tally] = field(default_factory=dict)
    number: int = 0
    block: int = 0
    end: End | None = None
    rest: int | None = None
    seconds: float = 0.0


class Listed(NamedTuple, Generic[End]):
    """A list of problems, and what is done with each.

    Attributes
    ----------
    decide : called with a problem and the tally of its block, to which it adds; what it returns ends the list.
    """

    problems: Iterator[Any]
    decide: Callable[[Any, Tally], End | None]


def walk(
    listed: Listed[End], walked: Walked[End] | None = None, *, turn: Turn = WHOLE, pace: Pace = ALONE
) -> Walked[End]:
    """Decide the problems of a turn, until one ends it; `walked` is filled in as it goes, also when something is raised.

    Examples
    --------
    >>> def decide(number, tally):
    ...     tally.cases += 1
    ...     return f"{number} is odd" if number % 2 else None
    >>> whole = walk(Listed(iter([2, 4, 6, 7, 8]), decide))
    >>> whole.end, whole.number, sum(tally.cases for tally in whole.tallies.values())
    ('7 is odd', 3, 4)
    >>> first = walk(Listed(iter([2, 4, 6, 7, 8]), decide), pace=Pace(0, inf))
    >>> [(turn.first, turn.every) for turn in after(WHOLE, first)]
    [(1, 2), (2, 2)]
    """
    walked = Walked() if walked is None else walked
    start, making = perf_counter(), 0.0
    try:
        for walked.number, walked.block in enumerate(_blocks()):
            if turn.stop is not None and walked.block > turn.stop:
                break
            called = perf_counter()
            try:
                problem = next(listed.problems)
            except StopIteration:
                break
            now = perf_counter()
            making += now - called
            if walked.block < turn.first or (walked.block - turn.first) % turn.every:
                continue
            if walked.block not in walked.tallies:
                spent = now - start
                if walked.tallies and spent > pace.seconds * turn.every and making <= pace.making * spent:
                    walked.rest = walked.block
                    break
                walked.tallies[walked.block] = Tally()
            walked.end = listed.decide(problem, walked.tallies[walked.block])
            if walked.end is not None:
                break
    finally:
        walked.seconds = perf_counter() - start
    return walked


def after(turn: Turn, walked: Walked[Any], stop: int | None = None) -> list[Turn]:
    """The turns that go on with what a turn left, as far as the block in which the list is known to end.

    That block too: where the list itself broke off in it, its own turn has yet to decide what stands there before.
    """
    if walked.rest is None or (stop is not None and walked.rest > stop):
        return []
    return [Turn(walked.rest + shift, 2 * turn.every, stop) for shift in (0, turn.every)]


def together(found: Iterable[Walked[End]]) -> tuple[Tally, Walked[End] | None]:
    """What turns come to: the tally up to the first end, and the turn that met it, if one did."""
    turns = list(found)
    ended = [walked for walked in turns if walked.end is not None]
    first = min(ended, key=lambda walked: walked.number) if ended else None
    tally = Tally()
    for walked in turns:
        for block, own in walked.tallies.items():
            if first is None or block <= first.block:
                tally += own
    return tally, first


def _blocks() -> Iterator[int]:
    """The block of every number: a block holds one problem more for every `BLOCKS` before it."""
    first = 0
    for block in count():
        size = 1 + first // BLOCKS
        yield from repeat(block, size)
        first += size
