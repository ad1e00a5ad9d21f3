"""What a strategy shrinks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import hypothesis
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
FEW = hypothesis.settings(max_examples=40)
DRAW = hypothesis.settings(
    max_examples=500, database=None, derandomize=True, deadline=None, report_multiple_bugs=False,
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
)  # fmt: skip


def minimal(strategy: SearchStrategy[T], condition: Callable[[T], bool] = lambda value: True) -> T:
    """The simplest value that satisfies a condition; fails when there is none."""
    return hypothesis.find(strategy, condition, settings=DRAW)


def find_any(strategy: SearchStrategy[T], condition: Callable[[T], bool]) -> T:
    """Some value that satisfies a condition, as it was drawn; fails when there is none."""
    return hypothesis.find(strategy, condition, settings=hypothesis.settings(DRAW, phases=[hypothesis.Phase.generate]))
