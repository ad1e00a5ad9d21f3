"""Rules of IDs with two coordinates: rows and columns at every length, against brute force and by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from theory import AssumptionViolated, BudgetExceeded, FiniteLaw, HeadClass, InvalidArgument, decide
from theory.dependencies import PlaneRule, Side, lower_bound, spread, synthesize_rule
from theory.dependencies.planes import _placed, _sides
from theory.tasks import Addition, Instance, MultiAddition, Step, Task, step_examples


class Grid(Task):
    """A square of bits row by row, and every cell with the one below it, modulo 2."""

    name, alphabet, sparsity, min_length = "grid", ("0", "1", ">"), 2, 2

    def choices(self, length: int) -> list[tuple[int, ...]]:
        return [(0, 1)] * length**2 + [(2,)]

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        size = len(prompt) - 1
        n = round(size**0.5)
        steps = tuple(Step(size + 1 + k, (k, k + n)) for k in range(size - n))
        output = tuple(prompt[k] ^ prompt[k + n] for k in range(size - n))
        parts = ("cell",) * size + (">",) + ("sum",) * len(steps)
        return Instance((*prompt, *output), tuple(range(len(parts))), steps, parts=parts)

    def rule(self, read: tuple[int, ...]) -> int:
        return read[0] ^ read[1]


GRIDS = [next(Grid().instances(n)) for n in (2, 3, 4)]
SUMS = [next(MultiAddition(3, 2).instances(n)) for n in (1, 2, 3)]


def tokens_an_id(ids: Any) -> int:
    return max(Counter(ids).values())


def test_a_query_has_the_cell_of_what_it_predicts() -> None:
    rule = synthesize_rule(GRIDS, cap=2, convention="query", coordinates=2)
    assert (rule.side, rule.spread) == (Side("cell", root=True), 1)
    large = next(Grid().instances(6))
    ids = rule(large)
    assert ids[:36] == tuple((i // 6, i % 6) for i in range(36))
    assert ids[36:] == tuple((i // 6, i % 6) for i in range(31))  # ">" has the ID of the first cell
    assert (spread(large, "query", ids=ids), tokens_an_id(ids)) == (1, 2)
    assert str(rule).split("\n") == [
        "ID of the i-th of the tokens of a part, i = 0, 1, ..., in rows of m: (row, column); m = √(tokens of cell)",
        "cell: row = i // m, column = i % m",
        "sum: row = i // m, column = i % m",
    ]


@pytest.mark.slow
def test_heads_with_these_ids_generalize_and_with_one_number_they_do_not() -> None:
    rule = synthesize_rule(GRIDS, cap=2, convention="query", coordinates=2)

    def law(length: int, *, flat: bool) -> FiniteLaw:
        given = list(Grid().instances(length))[:: 1 if length < 4 else 4001]
        named = [replace(one, ids=rule(one)) for one in given]
        if flat:
            named = [replace(one, ids=tuple(10 * row + column for row, column in one.ids)) for one in named]
        return FiniteLaw.uniform([example for one in named for example in step_examples(one, one.ids)])

    two = decide(HeadClass(3, (1, 0), key="relative", anchor="last"), train=law(3, flat=False), test=law(4, flat=False))
    one = decide(HeadClass(3, 10, key="relative", anchor="last"), train=law(3, flat=True), test=law(4, flat=True))
    assert (two.outcome, one.outcome, one.reason) == ("generalizes", "fails", "unseen")


@pytest.mark.parametrize("convention", ["token", "query"])
def test_sums_have_a_row_each(convention: Any) -> None:
    """No narrower IDs of two coordinates are possible, and none of one coordinate that are as narrow."""
    plane = synthesize_rule(SUMS, cap=2, convention=convention, coordinates=2)
    plain = synthesize_rule(SUMS, cap=2, convention=convention)
    least = max(lower_bound(one, cap=2, convention=convention, coordinates=2) for one in SUMS)
    assert isinstance(plane, PlaneRule)
    assert least <= plane.spread == 1 < plain.spread
    for length in (2, 5):
        instance = next(MultiAddition(3, 2).instances(length))
        ids = plane(instance)
        assert spread(instance, convention, ids=ids) == 1
        assert tokens_an_id(ids) <= 2


def test_the_spread_is_that_of_the_instances() -> None:
    for cap in (1, 3):
        rule = synthesize_rule(SUMS[:2], cap=cap, coordinates=2)
        assert rule.spread == max(spread(one, "token", ids=rule(one)) for one in SUMS[:2])
        assert max(tokens_an_id(rule(one)) for one in SUMS[:2]) <= cap


def test_rows_that_are_no_squares_are_not_rooted() -> None:
    sums = [next(Addition(2).instances(n)) for n in (9, 10)]
    sides = _sides(sums, "token")
    assert not [side for side in sides if side.root]
    assert Side() in sides
    assert len({tuple(side.of(Counter(one.parts)) for one in sums) for side in sides}) == len(sides) > 1


def test_the_last_row_may_be_shorter() -> None:
    placed = _placed(GRIDS[1], Side("cell", root=True), "query")
    assert placed[8:11] == [("cell", 2, 3, 2, 3), ("sum", 0, 3, 0, 3), ("sum", 0, 3, 1, 3)]
    assert placed[-1] == ("sum", 2, 3, 0, 3)  # the seventh: after the last sum


def test_sides_in_words() -> None:
    assert (str(Side("a", 1)), str(Side("a", -1, root=True))) == ("tokens of a + 1", "√(tokens of a - 1)")


def test_what_is_refused() -> None:
    rule = synthesize_rule(GRIDS, cap=2, coordinates=2)
    with pytest.raises(InvalidArgument, match="the parts"):
        rule(SUMS[0])
    with pytest.raises(InvalidArgument, match="coordinates: got 3"):
        synthesize_rule(GRIDS, cap=2, coordinates=3)  # type: ignore[call-overload]
    with pytest.raises(BudgetExceeded):
        synthesize_rule(SUMS, cap=2, coordinates=2, budget=20)
    wide = [
        Instance((0,) * n, tuple(range(n)), (Step(n - 1, tuple(range(n - 1))),), parts=("a",) * n) for n in (40, 50)
    ]
    with pytest.raises(AssumptionViolated, match="has a spread of at most 4"):
        synthesize_rule(wide, cap=1, coordinates=2)
