"""Turns: whoever takes them, and in whatever order they end, they come to what one alone finds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from math import inf
from typing import Any

import numpy as np
import pytest

from proofs_check.claims import turns
from proofs_check.claims.turns import ALONE, WHOLE, Listed, Pace, Tally, Turn, Walked, after, together, walk

SPLIT = Pace(-1, inf)
"""Every turn decides one block."""


def numbers(length: int, broken: int | None = None) -> Iterator[int]:
    """0, 1, 2, ..., until it breaks."""
    for number in range(length):
        if number == broken:
            raise LookupError("broken")
        yield number


def deciding(false: tuple[int, ...], bad: tuple[int, ...]) -> Any:
    """Some numbers are false, and some cannot be decided."""

    def decide(number: int, tally: Tally) -> str | None:
        if number in bad:
            raise LookupError(f"{number} is bad")
        tally += Tally(1, number % 2, number % 3 == 0, number, number // 2)
        return f"{number} is false" if number in false else None

    return decide


def gone_through(
    length: int,
    *,
    false: tuple[int, ...] = (),
    bad: tuple[int, ...] = (),
    broken: int | None = None,
    pace: Pace,
    seed: int = 0,
) -> tuple[Tally, Any, int]:
    """The tally, the end with its number, and how many turns there were, where these end in a random order."""
    rng, waiting, found = np.random.default_rng(seed), [WHOLE], list[Walked[str]]()
    while waiting:
        turn = waiting.pop(int(rng.integers(len(waiting))))
        walked = Walked[str]()
        try:
            walk(Listed(numbers(length, broken), deciding(false, bad)), walked, turn=turn, pace=pace)
        except LookupError as error:
            walked.end = str(error)
        found.append(walked)
        ends = [one.block for one in found if one.end is not None]
        waiting += after(turn, walked, min(ends, default=None))
    tally, end = together(found)
    return tally, None if end is None else (end.number, end.end), len(found)


@pytest.mark.parametrize("blocks", [1, 2, 5, 4096])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "found",
    [
        {}, {"false": (0,)}, {"false": (11,)}, {"false": (19, 7, 8, 29)}, {"bad": (0,)}, {"bad": (9,), "false": (10, 12)},
        {"bad": (10,), "false": (9,)}, {"bad": (3, 4)}, {"broken": 0}, {"broken": 17}, {"broken": 17, "false": (16,)},
        {"broken": 16, "false": (17,)}, {"broken": 20, "bad": (18,), "false": (19,)},
    ],
    ids=str,
)  # fmt: skip
def test_turns_come_to_what_one_alone_finds(
    found: dict[str, Any], seed: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end with the smallest number, and all that stands before it, also where blocks hold several problems."""
    monkeypatch.setattr(turns, "BLOCKS", blocks)
    tally, end, one = gone_through(30, **found, pace=ALONE)
    assert one == 1
    assert gone_through(30, **found, pace=SPLIT, seed=seed)[:2] == (tally, end)
    first = min([30, *found.get("false", ()), *found.get("bad", ()), found.get("broken", 30)])
    assert (end is None) == (first == 30)
    assert tally.problems == first + (first in found.get("false", ()))
    assert tally.cases == sum(range(tally.problems))


def test_a_list_that_takes_long_is_split_and_split_again() -> None:
    whole, split = gone_through(30, pace=ALONE), gone_through(30, pace=SPLIT)
    assert (whole[2], split[2]) == (1, 31)  # a turn a problem, and the last one leaves an empty one
    assert split[0] == whole[0]
    assert split[0].problems == 30
    assert gone_through(30, pace=Pace(60))[2] == 1


def test_after_an_end_nobody_takes_what_comes_behind_it() -> None:
    behind = gone_through(1000, false=(2,), pace=SPLIT)
    assert behind[2] <= 8


def test_a_turn_takes_every_nth_block_and_stops_after_one() -> None:
    assert [*walk(Listed(numbers(20), deciding((), ())), turn=Turn(2, 4, 13)).tallies] == [2, 6, 10]
    assert [*walk(Listed(numbers(20), deciding((), ())), turn=Turn(2, 4, 14)).tallies] == [2, 6, 10, 14]


def test_a_turn_is_left_only_where_it_may_come_before_the_end() -> None:
    left = Walked[str](rest=5)
    assert after(Turn(1, 2), left) == [Turn(5, 4), Turn(7, 4)]
    assert after(Turn(1, 2), left, 5) == [Turn(5, 4, 5), Turn(7, 4, 5)]
    assert after(Turn(1, 2), left, 4) == after(Turn(1, 2), Walked[str]()) == []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the time is; it passes where it is added to."""
    now = [0.0]
    monkeypatch.setattr(turns, "perf_counter", lambda: now[0])
    return now


def test_turns_last_longer_as_there_are_more_of_them(clock: list[float]) -> None:
    def slow(number: int, tally: Tally) -> None:
        clock[0] += 1

    for every, length in ((1, 4), (4, 13)):  # as long as it takes to be over, not to reach it
        walked = walk(Listed(count(), slow), turn=Turn(every=every), pace=Pace(3))
        assert len(walked.tallies) == length == walked.seconds
        assert walked.rest == length * every


@pytest.mark.parametrize(("making", "splits"), [(0.05, False), (0.69, False), (0.8, True)])
def test_a_list_that_takes_long_to_make_is_not_split(making: float, splits: bool, clock: list[float]) -> None:
    """Each turn makes it again."""

    def made_slowly() -> Iterator[int]:
        for number in range(8):
            clock[0] += 2
            yield number

    def slow(number: int, tally: Tally) -> None:
        clock[0] += 1  # 4 of 5 seconds are for making when there are two problems and one is decided, then less

    walked = walk(Listed(made_slowly(), slow), pace=Pace(1, making))
    assert (walked.rest is not None) == splits
    assert walked.seconds == (5 if splits else 24)


def test_the_tallies_of_a_long_list_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "BLOCKS", 4)
    assert [*islice(turns._blocks(), 16)] == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8]
    monkeypatch.undo()
    assert max(islice(turns._blocks(), 10**6)) < 30_000
