"""A law as a table, for what goes through all its examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from theory.errors import InvalidArgument, check, shown, typed, within_budget
from theory.examples import Example, FiniteLaw, Label, Law

GIVEN = "a law or an iterable of examples"


class ListedLaw(NamedTuple):
    """A law, listed."""

    table: dict[Example, int]
    denominator: int
    labels: tuple[Label, ...]

    def example(self, row: int) -> Example:
        """The example in this place."""
        return next(islice(self.table, row, None))


def list_law(given: Law | Iterable[Example], where: str, argument: str, budget: int) -> ListedLaw:
    """A law listed; an iterable of examples is the uniform law on the distinct ones.

    Raises
    ------
    InvalidArgument : for an empty iterable or something that is no example.
    BudgetExceeded : when a law is larger than the budget.
    """
    if not isinstance(given, Law):
        examples = _as_list(given, where, argument)
        if all(isinstance(example, Example) for example in examples):  # as FiniteLaw.uniform, without its fractions
            table = dict.fromkeys(examples, 1)
            within_budget("FiniteLaw.table", size=len(table), budget=budget)
            return ListedLaw(table, len(table), tuple(dict.fromkeys(example.label for example in table)))
        given = FiniteLaw.uniform(examples)  # which refuses, and says why
    return ListedLaw(given.table(budget=budget), given.denominator, given.labels)


def _as_list(given: Iterable[Example], where: str, argument: str) -> list[Example]:
    if isinstance(given, Mapping):  # iterating it would drop the probabilities
        fix = "Wrap {example: probability} as FiniteLaw(...)."
        raise InvalidArgument(where, argument, got=typed(given), expected=GIVEN, fix=fix)
    try:
        examples = list(given)
    except TypeError:
        fix = "For instance ensemble.at(4)."
        raise InvalidArgument(where, argument, got=shown(given), expected=GIVEN, fix=fix) from None
    fix = "Pass a non-empty support."
    check(examples, where, argument, got="no examples", expected="at least one example", fix=fix)
    return examples
