"""The exception tree: meaning, wording, pickling."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import pytest

from tests.cases import named
from theory.errors import (
    CELLS,
    HUGE,
    AssumptionViolated,
    BackendUnavailable,
    BudgetExceeded,
    ExactnessLost,
    InvalidArgument,
    NotWritten,
    TheoryError,
    amount,
    bulk,
    check_type,
    shown,
    within_budget,
)

FIVE: dict[str, str] = {
    "where": "f",
    "argument": "x[2]",
    "got": "the int 3",
    "expected": "a string",
    "fix": "Quote it.",
}
ERRORS = [
    InvalidArgument(**FIVE),
    InvalidArgument(where="f", argument="x", got="3", expected="a string", fix="Quote it."),
    NotWritten(**FIVE),
    AssumptionViolated(**FIVE),
    ExactnessLost(**FIVE),
    BackendUnavailable(**FIVE),
    TheoryError(**FIVE),
    BudgetExceeded("f", size=12, budget=10),
    BudgetExceeded("f", size=12, budget=10, covered=4, option="limit"),
    BudgetExceeded("f", size=12, budget=10, fix="Ask for less."),
]


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_an_exception_survives_pickling_and_copying(error: TheoryError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is type(error)
        assert str(same) == str(error)
        assert vars(same) == vars(error)


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_every_exception_is_a_theory_error(error: TheoryError) -> None:
    assert isinstance(error, TheoryError)
    assert isinstance(error, ValueError) == isinstance(error, InvalidArgument)


def test_the_message_holds_all_five_parts() -> None:
    assert str(InvalidArgument(**FIVE)) == "f: argument x[2]: got the int 3; expected a string. Quote it."


def test_a_budget_message_says_size_budget_and_remedy() -> None:
    error = BudgetExceeded("Law.table", size=1234567, budget=1000, covered=10)
    assert str(error) == (
        "Law.table: argument budget: got a budget of 1,000 for an enumeration of 1,234,567 items (10 covered); "
        "expected budget >= 1,234,567. Raise it with budget=1234567, or ask for a smaller instance."
    )
    assert (error.size, error.budget, error.covered, error.argument) == (1234567, 1000, 10, "budget")


def test_a_budget_message_names_another_option_and_another_remedy() -> None:
    assert "Raise it with limit=12" in str(BudgetExceeded("f", size=12, budget=10, option="limit"))
    error = str(BudgetExceeded("f", size=12, budget=10, fix="Ask for less."))
    assert error.endswith("; expected at most 10. Ask for less.")
    assert "Raise" not in error


def test_no_budget_is_enough_for_what_is_counted_no_further() -> None:
    assert str(BudgetExceeded("f", size=HUGE, budget=10)) == (
        "f: argument budget: got a budget of 10 for an enumeration of 10^1000 or more items (0 covered); "
        "expected at most 10. No budget is enough: ask for a smaller instance."
    )
    within_budget("f", size=HUGE - 1, budget=HUGE)
    with pytest.raises(BudgetExceeded):
        within_budget("f", size=HUGE, budget=HUGE)


def test_amounts_are_read_by_people() -> None:
    assert [amount(size) for size in (0, 999, 1000)] == ["0", "999", "1,000"]
    assert amount(10**50 - 1) == f"{10**50 - 1:,}"
    assert amount(10**50) == "about 10^50"
    assert amount(HUGE - 1) == "about 10^999"
    assert amount(HUGE) == "10^1000 or more"


def test_items_of_many_cells_count_as_several() -> None:
    assert [bulk(cells) for cells in (0, 1, CELLS, CELLS + 1, 2 * CELLS, 2 * CELLS + 1)] == [1, 1, 1, 2, 2, 3]
    assert bulk(HUGE - 1) < HUGE == bulk(HUGE)


def test_within_budget_allows_exactly_the_budget() -> None:
    within_budget("f", size=10, budget=10)
    with pytest.raises(BudgetExceeded, match=r"f: .* budget of 10 for an enumeration of 11 items"):
        within_budget("f", size=11, budget=10)


@pytest.mark.parametrize("budget", [None, 10.0, "10", True, float("inf")])
def test_a_budget_is_an_integer(budget: object) -> None:
    with pytest.raises(
        InvalidArgument, match=r"f: argument budget: got .*; expected an integer\. Give the largest size"
    ):
        within_budget("f", size=1, budget=budget)  # type: ignore[arg-type]


def test_check_type_names_type_and_value() -> None:
    check_type(3, (str, int), "f", "x", "a number", "Write 3.")
    with pytest.raises(InvalidArgument, match=r"f: argument x: got the list \[3\]; expected a number\. Write 3\."):
        check_type([3], (str, int), "f", "x", "a number", "Write 3.")


def test_shown_is_short() -> None:
    assert shown((1, 2)) == "(1, 2)"
    assert len(shown("x" * 10_000)) <= 82
    assert len(shown(list(range(10_000)))) < 100
    assert len(shown(dict.fromkeys(range(1000), "x" * 1000))) < 1000


def test_numbers_of_many_digits_are_shown_by_their_bits() -> None:
    bits = HUGE.bit_length()
    assert shown(HUGE) == shown(-HUGE) == f"<an integer of {bits} bits>"
    assert shown(Fraction(1, HUGE)) == shown(Fraction(-HUGE, 3)) == f"<a fraction of {bits} bits>"
    assert "bits" not in shown(HUGE - 1)
    assert shown(Fraction(1, HUGE - 1)) == repr(Fraction(1, HUGE - 1))
    assert shown(Fraction(-2, 3)) == "Fraction(-2, 3)"
