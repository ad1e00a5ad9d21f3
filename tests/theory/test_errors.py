"""The exception tree: meaning, wording, pickling."""

from __future__ import annotations

import copy
import pickle
from contextlib import nullcontext
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
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
    check,
    check_integer,
    check_integers,
    check_mapping,
    check_one_of,
    check_tuple,
    check_type,
    is_integer,
    is_tuple,
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


# ── Guards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Whole(int):
    """An integer of a type of its own."""


INTEGERS: list[tuple[object, dict[str, int], bool]] = [
    (3, {}, True),
    (-1, {}, True),
    (Whole(3), {"least": 3, "most": 3}, True),
    (3, {"least": 3}, True),
    (2, {"least": 3}, False),
    (3, {"most": 3}, True),
    (4, {"most": 3}, False),
    (3, {"least": 1, "most": 3}, True),
    (0, {"least": 1, "most": 3}, False),
    (4, {"least": 1, "most": 3}, False),
    (Whole(4), {"least": 1, "most": 3}, False),
    (True, {}, False),
    (np.int64(3), {}, False),
    (np.True_, {}, False),
    (3.0, {}, False),
    ("3", {}, False),
    (None, {"least": 0}, False),
    (Fraction(3), {}, False),
]


@pytest.mark.parametrize(("value", "span", "is_one"), INTEGERS, ids=named)
def test_an_integer_is_no_bool_and_in_range(value: object, span: dict[str, int], is_one: bool) -> None:
    assert is_integer(value, **span) == is_one
    with nullcontext() if is_one else pytest.raises(InvalidArgument, match=r"^f: argument x: got .*; expected an int"):
        check_integer(value, "f", "x", **span)


def test_integers_of_numpy_are_admitted_where_they_are_asked_for() -> None:
    check_integer(np.int64(3), "f", "x", least=3, most=3, kind=Integral)
    for value in (np.int64(2), np.uint8(4), True, np.True_, np.float64(3), 3.0):
        with pytest.raises(InvalidArgument):
            check_integer(value, "f", "x", least=3, most=3, kind=Integral)


def test_the_message_says_the_range_and_an_example() -> None:
    def said(**span: Any) -> str:
        with pytest.raises(InvalidArgument) as caught:
            check_integer(7.5, "f", "x", **span)
        return str(caught.value)

    assert said() == "f: argument x: got 7.5; expected an integer. Give a plain integer."
    assert said(least=0) == "f: argument x: got 7.5; expected an integer >= 0. For instance x=0."
    assert said(least=0, most=8) == "f: argument x: got 7.5; expected an integer in 0..8. For instance x=0."
    assert said(least=0, expected="a count", fix="Count.") == "f: argument x: got 7.5; expected a count. Count."
    assert "10^" not in said(least=0, most=HUGE)
    assert f"an integer in 0..<an integer of {HUGE.bit_length()} bits>" in said(least=0, most=HUGE)


@pytest.mark.parametrize("ok", [True, 1, [0], "x"], ids=named)
def test_what_is_true_passes(ok: object) -> None:
    check(ok, "f", "x", expected="a list", fix="Write [1].")


@pytest.mark.parametrize("ok", [False, 0, [], "", None], ids=named)
def test_what_is_false_is_refused_with_the_value_or_with_words(ok: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^f: argument x: got \[0\]; expected a list\. Write \[1\]\.$"):
        check(ok, "f", "x", [0], expected="a list", fix="Write [1].")
    with pytest.raises(InvalidArgument, match=r"^f: argument x: got none; expected a list\. Write \[1\]\.$"):
        check(ok, "f", "x", [0], got="none", expected="a list", fix="Write [1].")


def test_a_name_is_one_of_the_known_ones() -> None:
    check_one_of("order", ["none", "order"], "f", "key")
    check_one_of("order", {"order": 1}, "f", "key")
    with pytest.raises(InvalidArgument, match=r"got 'ordered'; expected one of none, order\. Did you mean 'order'\?$"):
        check_one_of("ordered", iter(["none", "order"]), "f", "key", "Look it up.")
    for value in (7, ["none"] * 9, {}, np.array(["left", "right"])):
        with pytest.raises(
            InvalidArgument, match=r"f: argument key: got .*; expected one of left, right\. Look it up\.$"
        ):
            check_one_of(value, ["left", "right"], "f", "key", "Look it up.")
    with pytest.raises(InvalidArgument, match=r"Use one of these names\.$"):
        check_one_of("zebra", ["none", "order"], "f", "key")


def test_a_mapping_has_entries() -> None:
    check_mapping({1: 2}, "f", "table", "{key: value}", "Write {1: 2}.")
    with pytest.raises(
        InvalidArgument, match=r"got the list \[1\]; expected a mapping \{key: value\}\. Write \{1: 2\}\.$"
    ):
        check_mapping([1], "f", "table", "{key: value}", "Write {1: 2}.")
    with pytest.raises(InvalidArgument, match=r"got \{\}; expected a mapping \{key: value\} that is not empty\. Write"):
        check_mapping({}, "f", "table", "{key: value}", "Write {1: 2}.")


def test_lists_of_integers_say_which_one_is_wrong() -> None:
    for values in ([], [1, 2], (1, 2), range(1, 3)):
        check_integers(values, "f", "x", least=1)
    check_integers([-1], "f", "x")
    for values, message in (
        ([1, 0], r"x\[1\]: got 0; expected an integer >= 1\. Give plain integers\.$"),
        ([1.0], r"x\[0\]: got 1\.0; expected an integer >= 1"),
        ({1}, r"x: got the set \{1\}; expected a list of integers"),
        (3, r"x: got the int 3; expected a list of integers"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            check_integers(values, "f", "x", least=1)


@pytest.mark.parametrize("values", [(), (1, -2), (Whole(1), 2)], ids=named)
def test_a_tuple_of_integers_is_one(values: object) -> None:
    assert is_tuple(values)
    check_tuple(values, "f", "x")


@pytest.mark.parametrize("values", [[1], (True,), (1, 2.0), (np.int64(1),), range(2), None, "12", ((1,),)], ids=named)
def test_no_tuple_of_integers(values: object) -> None:
    assert not is_tuple(values)
    with pytest.raises(
        InvalidArgument, match=r"^f: argument x: got the \w+ .*; expected a tuple of integers\. Write tu"
    ):
        check_tuple(values, "f", "x")
