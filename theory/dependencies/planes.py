"""Coupling a task in two coordinates: one rule that gives IDs (row, column) at every length.

A grid of side n, row by row, and each cell below the first row added to the one above:

>>> from theory.tasks import Instance, Step
>>> def grid(n):
...     steps = tuple(Step(n * n + 1 + k, (k, k + n)) for k in range(n * n - n))
...     parts = ("cell",) * n * n + (">",) + ("sum",) * (n * n - n)
...     return Instance((0,) * len(parts), tuple(range(len(parts))), steps, parts=parts)
>>> rule = plane_rule([grid(2), grid(3), grid(4)], cap=2)
>>> print(rule)
ID of the i-th of the tokens of a part, i = 0, 1, ..., in rows of m: (row, column); m = √(tokens of cell)
cell: row = i // m, column = i % m
>: row = 0, column = -1
sum: row = i // m, column = i % m
>>> rule.spread, rule(grid(2))
(1, ((0, 0), (0, 1), (1, 0), (1, 1), (0, -1), (0, 0), (0, 1)))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import isqrt
from typing import TypeAlias

from theory.coordinates import Ids
from theory.dependencies.coupling import lower_bound, verified
from theory.dependencies.rules import PartRule, RuleSearch
from theory.dependencies.sets import Convention, check_parts
from theory.errors import AssumptionViolated, BudgetExceeded, InvalidArgument, shown
from theory.tasks.base import Instance

Rules: TypeAlias = dict[str, PartRule]

SOLUTIONS = 200
"""Of the rules of a spread so many are compared."""

WIDEST = 4
"""Larger spreads are not looked for."""


@dataclass(frozen=True)
class Side:
    """How many tokens a row has: those of a part and `more`, or with `root` the root of that; a part in one row without one.

    Examples
    --------
    >>> Side("cell", root=True).of({"cell": 9}), Side("a", more=1).of({"a": 3}), Side().of({"a": 3, "b": 5})
    (3, 4, 5)
    """

    part: str | None = None
    more: int = 0
    root: bool = False

    def of(self, sizes: dict[str, int]) -> int:
        """The tokens of a row, by the sizes of the parts."""
        if self.part is None:
            return max(sizes.values())
        size = sizes.get(self.part, 0) + self.more
        return isqrt(max(size, 0)) if self.root else size

    def __str__(self) -> str:
        more = f" {'+' if self.more > 0 else '-'} {abs(self.more)}" if self.more else ""
        size = f"tokens of {self.part}{more}"
        return f"√({size})" if self.root else size


@dataclass(frozen=True)
class PlaneRule:
    """IDs of two coordinates for instances of any length: for every part an affine rule of its rows, and of its columns.

    Examples
    --------
    >>> from theory.tasks import MultiAddition
    >>> rule = plane_rule([next(MultiAddition(3, 2).instances(n)) for n in (1, 2)], cap=2)
    >>> rule.spread, str(rule.rows[0]), str(rule.columns[0])
    (1, 'a1: ID = 0', 'a1: ID = i')
    """

    rows: tuple[PartRule, ...]
    columns: tuple[PartRule, ...]
    side: Side
    cap: int
    convention: Convention
    spread: int
    """The largest spread over the instances that it was made from, in the wider coordinate."""

    def __call__(self, instance: Instance) -> Ids:
        """One ID a position.

        Raises
        ------
        InvalidArgument : for an instance without parts, with a part that the rule does not know, or too small for its rows.
        """
        check_parts(instance, "PlaneRule", "instance")
        sizes = Counter(_parts(instance, self.convention))
        unknown = sorted(set(sizes) - {rule.part for rule in self.rows})
        if unknown or self.side.of(sizes) < 1:
            got = f"the parts {shown(unknown)}" if unknown else f"rows of {self.side.of(sizes)} tokens"
            expected, fix = "parts and rows as those of the rule", "Make the rule from instances of this task."
            raise InvalidArgument("PlaneRule", "instance", got=got, expected=expected, fix=fix)
        rows, columns = ({rule.part: rule for rule in rules} for rules in (self.rows, self.columns))
        return tuple(
            (rows[part].id(row, n_rows), columns[part].id(column, n_columns))
            for part, row, n_rows, column, n_columns in _placed(instance, self.side, self.convention)
        )

    def __str__(self) -> str:
        whole = self.side.part is None
        index, place = ("0", "i") if whole else ("i // m", "i % m")
        rows_of = "one row a part" if whole else f"in rows of m: (row, column); m = {self.side}"
        lines = [f"ID of the i-th of the tokens of a part, i = 0, 1, ..., {rows_of}"]
        for row, column in zip(self.rows, self.columns, strict=True):
            told = [
                str(rule).split("ID = ")[1].replace("i", name)
                for rule, name in ((row._replace(slope=0) if whole else row, index), (column, place))
            ]
            lines.append(f"{row.part}: row = {told[0]}, column = {told[1]}")
        return "\n".join(lines)


def plane_rule(
    given: Sequence[Instance], *, cap: int, convention: Convention = "token", offsets: int = 2, budget: int = 100_000
) -> PlaneRule:
    """`synthesize_rule` in two coordinates.

    A row is a whole part, or as many of its tokens as some part has (or one more, or one less), or the root of that: the
    simplest form that brings the sets closest together. Its rows, and the columns within one, have
    affine rules as in one coordinate.

    Raises
    ------
    AssumptionViolated : when no rule of this form keeps the cap with a spread of at most `WIDEST`.
    BudgetExceeded : when the search finds no rule within the budget.
    """
    lowest = max(lower_bound(one, cap=cap, convention=convention, coordinates=2) for one in given)
    cut = False
    for width, side in product(range(lowest, WIDEST + 1), _sides(given, convention)):
        search = _PlaneSearch(given, side, cap, convention, offsets, budget)
        try:
            found = list(islice(search.solutions(width), SOLUTIONS))
        except BudgetExceeded:
            cut, found = True, search.found
        if found:
            rows, columns = min(found, key=search.cost)
            rule = PlaneRule(tuple(rows.values()), tuple(columns.values()), side, cap, convention, 0)
            wide = max(verified(own, rule(one), cap) for one, own in zip(given, search.lines[0].sets, strict=True))
            return PlaneRule(rule.rows, rule.columns, side, cap, convention, wide)
    if cut:
        raise BudgetExceeded("dependencies.synthesize_rule", size=budget + 1, budget=budget)
    got = f"{cap}, under which no rule of this form has a spread of at most {WIDEST}"
    fix = f"Raise cap, or offsets beyond {offsets}."
    raise AssumptionViolated("dependencies.synthesize_rule", "cap", got=got, expected="a cap that it keeps", fix=fix)


def _parts(instance: Instance, convention: Convention) -> tuple[str, ...]:
    """The part of every position; in the convention "query" a query counts as what is predicted from it."""
    n, parts = instance.n_prompt, instance.parts
    return (*parts[: n - 1], *parts[n:], parts[-1]) if convention == "query" else parts


def _placed(instance: Instance, side: Side, convention: Convention) -> list[tuple[str, int, int, int, int]]:
    """For every position its part, its row of how many, and its column of how many."""
    parts = _parts(instance, convention)
    sizes, seen = Counter(parts), Counter[str]()
    m = side.of(sizes)
    placed = []
    for part in parts:
        i = seen[part]
        seen[part] += 1
        columns = sizes[part] if side.part is None else min(m, sizes[part])
        placed.append((part, i // m, -(-sizes[part] // m), i % m, columns))
    return placed


def _sides(given: Sequence[Instance], convention: Convention) -> list[Side]:
    """The forms of rows that are different at the lengths given, the simplest first."""
    sizes = [Counter(_parts(one, convention)) for one in given]
    parts = list(dict.fromkeys(part for own in sizes for part in own))
    seen, found = set[tuple[int, ...]](), []
    forms = [Side(), *(Side(part, root=True) for part in parts)]
    for side in (*forms, *(Side(part, more) for more in (0, 1, -1) for part in parts)):
        rows = tuple(side.of(own) for own in sizes)
        whole = all(side.of(own) ** 2 == own[side.part] for own in sizes) if side.root and side.part else True
        several = side.part is None or all(1 < m < max(own.values()) for m, own in zip(rows, sizes, strict=True))
        if whole and several and rows not in seen:
            seen.add(rows)
            found.append(side)
    return found


class _PlaneSearch:
    """Depth first over the parts, for both coordinates at once: only the cap is on them together."""

    def __init__(
        self, given: Sequence[Instance], side: Side, cap: int, convention: Convention, offsets: int, budget: int
    ) -> None:
        self.given, self.cap, self.budget, self.n_nodes = given, cap, budget, 0
        self.placed = [_placed(one, side, convention) for one in given]
        self.lines = [
            RuleSearch(
                list(given), len(max(given, key=lambda one: len(one.tokens)).tokens), convention, offsets, budget,
                [[(part, place[at]) for part, *place in own] for own in self.placed],
                [Counter({part: place[at + 1] for part, *place in own}) for own in self.placed],
            )
            for at in (0, 2)
        ]  # fmt: skip
        self.found: list[tuple[Rules, Rules]] = []

    def solutions(self, width: int) -> Iterator[tuple[Rules, Rules]]:
        """Rules of rows and of columns under which no set is wider."""
        tables = [{pair: line.table(pair, width) for pair in line.gaps} for line in self.lines]
        order = [*self.lines[0].order, *self.lines[0].free]

        def extended(rows: Rules, columns: Rules) -> Iterator[tuple[Rules, Rules]]:
            if len(rows) == len(order):
                names = self.lines[0].names
                yield {part: rows[part] for part in names}, {part: columns[part] for part in names}
                return
            part = order[len(rows)]
            for pair in product(*(line.candidates[part] for line in self.lines)):
                self.n_nodes += 1
                if self.n_nodes > self.budget:
                    raise BudgetExceeded("dependencies.synthesize_rule", size=self.n_nodes, budget=self.budget)
                trial = [{**own, part: rule} for own, rule in zip((rows, columns), pair, strict=True)]
                each = zip(self.lines, trial, tables, strict=True)
                if all(line.allowed(part, own, table) for line, own, table in each) and self._within_cap(*trial):
                    yield from extended(*trial)

        for found in extended({}, {}):
            self.found.append(found)
            yield found

    def _within_cap(self, rows: Rules, columns: Rules) -> bool:
        for own in self.placed:
            used = Counter(
                (rows[part].id(row, n_rows), columns[part].id(column, n_columns))
                for part, row, n_rows, column, n_columns in own
                if part in rows
            )
            if used and max(used.values()) > self.cap:
                return False
        return True

    def cost(self, found: tuple[Rules, Rules]) -> tuple[int, ...]:
        """In both coordinates together, as for one."""
        return tuple(map(sum, zip(*(line.cost(own) for line, own in zip(self.lines, found, strict=True)), strict=True)))
