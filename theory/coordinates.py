"""IDs of one or of several coordinates (Definition 2 in docs/theory.md).

An ID is an int, or a tuple of d >= 2 ints, all of a sequence alike. Whatever is done with vectors is done coordinate by
coordinate, and every coordinate is a sequence of plain IDs.

>>> coordinates(((0, 1), (0, 2))), joined([(0, 0), (1, 2)])
(((0, 0), (1, 2)), ((0, 1), (0, 2)))
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, sub
from typing import Any, TypeAlias

from theory.errors import InvalidArgument, check_tuple, is_integer, is_tuple, shown

Id: TypeAlias = Any
"""An int, or a tuple of d >= 2 ints. (No union, so that plain IDs are plain numbers to a type checker.)"""

Ids: TypeAlias = tuple[Id, ...]
"""One ID a position."""

Column: TypeAlias = tuple[int, ...]
"""One coordinate of the IDs of a sequence."""


def n_coordinates(ids: Sequence[Id]) -> int:
    """d, which is 1 for plain IDs, and where there are none."""
    return len(ids[0]) if len(ids) and isinstance(ids[0], tuple) else 1


def coordinates(ids: Sequence[Id]) -> tuple[Column, ...]:
    """The IDs coordinate by coordinate; of plain IDs these themselves."""
    return tuple(zip(*ids, strict=True)) if n_coordinates(ids) > 1 else (tuple(ids),)


def joined(columns: Sequence[Column]) -> Ids:
    """The IDs that have these coordinates."""
    return tuple(zip(*columns, strict=True)) if len(columns) > 1 else tuple(columns[0])


def minus(one: Id, other: Id) -> Id:
    """one - other.

    Examples
    --------
    >>> minus(5, 3), minus((1, 5), (1, 3))
    (2, (0, 2))
    """
    return tuple(map(sub, one, other)) if isinstance(one, tuple) else one - other


def plus(one: Id, other: Id) -> Id:
    """one + other."""
    return tuple(map(add, one, other)) if isinstance(one, tuple) else one + other


def lowest(ids: Sequence[Id]) -> Id:
    """The least of every coordinate: lowest(((0, 5), (2, 3))) is (0, 3)."""
    return joined([(min(column),) for column in coordinates(ids)])[0]


def beyond(ids: Sequence[Id]) -> Id:
    """An ID that exceeds all of these by one, in every coordinate: beyond(((0, 5), (2, 3))) is (3, 6)."""
    return joined([(max(column) + 1,) for column in coordinates(ids)])[0]


def width(ids: Sequence[Id]) -> int:
    """max - min, in the coordinate where it is largest; 0 for no IDs.

    Examples
    --------
    >>> width((4, 7, 5)), width(((0, 4), (9, 4))), width(())
    (3, 9, 0)
    """
    return max((max(column) - min(column) for column in coordinates(ids) if column), default=0)


def written(id_: Id) -> str:
    """An ID as tables and drawings show it: 7, or (0,7)."""
    return f"({','.join(map(str, id_))})" if isinstance(id_, tuple) else str(id_)


def listed(ids: Sequence[Id]) -> list[Any]:
    """IDs as JSON holds them: ((0, 1), (2, 3)) as [[0, 1], [2, 3]]."""
    return [list(id_) if isinstance(id_, tuple) else id_ for id_ in ids]


def from_lists(ids: Sequence[Any]) -> Ids:
    """IDs from what JSON holds."""
    return tuple(tuple(id_) if isinstance(id_, list) else id_ for id_ in ids)


def are_ids(values: object) -> bool:
    """Whether this is a tuple of IDs, all of as many coordinates."""
    if is_tuple(values):
        return True
    if not (isinstance(values, tuple) and values and all(map(is_tuple, values))):
        return False
    return len(values[0]) > 1 and len(set(map(len, values))) == 1


def check_ids(values: object, where: str, argument: str) -> None:
    """Refuse what is no tuple of IDs.

    Raises
    ------
    InvalidArgument
    """
    if is_tuple(values) or are_ids(values):
        return
    if not (isinstance(values, tuple) and any(isinstance(value, tuple) for value in values)):
        check_tuple(values, where, argument)  # which refuses
    assert isinstance(values, tuple)
    d = next(len(value) for value in values if isinstance(value, tuple))
    at, wrong = next((i, v) for i, v in enumerate(values) if d < 2 or not (is_tuple(v) and len(v) == d))
    expected = "plain integers, or everywhere a tuple of as many integers, two or more"
    fix = "Give all positions of a sequence equally many coordinates."
    if isinstance(wrong, tuple) and len(wrong) == 1 and is_integer(wrong[0]):
        fix = f"Write {wrong[0]}: an ID of one coordinate is an integer."
    raise InvalidArgument(where, f"{argument}[{at}]", got=shown(wrong), expected=expected, fix=fix)
