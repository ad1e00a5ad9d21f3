"""Long multiplication: products by Python's own, rows worked out by hand, and IDs in which two coordinates are enough."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check import check_task
from theory import Example, HeadClass, decide
from theory.coordinates import minus, width
from theory.tasks import Instance, LongMultiplication, find_task


def number(task: LongMultiplication, instance: Instance, *parts: str) -> int:
    """What parts of an instance say, the least significant digit first."""
    tokens = [token for token, name in zip(instance.tokens, instance.parts, strict=True) if name in parts]
    assert max(tokens) < task.base  # digits
    return sum(token * task.base**i for i, token in enumerate(tokens))


def check_product(task: LongMultiplication, instance: Instance) -> None:
    a, b, product = (number(task, instance, *parts) for parts in (("a",), ("b",), ("low digits", "high digits")))
    assert product == a * b
    assert len(instance.tokens) - instance.given[-1] - 1 == instance.parts.count("a") + instance.parts.count("b")


@pytest.mark.parametrize(
    ("task", "most"),
    [
        (LongMultiplication(), 4), (LongMultiplication(3), 2), (LongMultiplication(4, rows=3), 1),
        (LongMultiplication(5, rows=2), 1),
    ],
)  # fmt: skip
def test_all_short_products(task: LongMultiplication, most: int) -> None:
    for length in range(1, most + 1):
        seen = list(task.support(length))
        assert len(set(seen)) == task.n_instances(length) == task.base ** (length + (task.rows or length))
        for instance in seen:
            check_product(task, instance)


@pytest.mark.parametrize(
    "task",
    [LongMultiplication(base, rows) for base, rows in ((2, None), (2, 5), (3, None), (10, None), (16, 2), (7, 3))],
)
def test_long_products(task: LongMultiplication) -> None:
    rng = np.random.default_rng(0)
    largest = task.base**12 - 1, task.base ** (task.rows or 12) - 1
    for instance in (task.encode(*largest, length=12), *(task.sample(length, rng) for length in (5, 9, 12))):
        check_product(task, instance)
        assert task.rollout(instance) == instance.tokens


def test_rows_say_sums_carries_and_digits() -> None:
    """59 x 78 = 4602: 9 x 8 = 72, 5 x 8 + 7 = 47; then 9 x 7 + 7 = 70, 5 x 7 + 7 + 4 = 46."""
    instance = (task := LongMultiplication(10)).encode(59, 78, length=2)
    written = "9 5 x 8 7 ; 8: 2(7,8,9) 7(4,8,5) 4(0,8,x) ; 7: 0(7,7,9) 6(4,7,5) 4(0,7,x) = 2 0 6 4"
    assert instance.tokens == task.tokens(written)
    assert instance.ids == (
        (-1, -1), (-1, 0), (-1, 1), (0, -1), (1, 0),
        (0, -2), (0, -1), (0, 0), (0, 1), (0, 2),
        (1, -1), (1, 0), (1, 1), (1, 2), (1, 3),
        (-1, -1), (0, 0), (1, 3), (1, 4), (1, 5),
    )  # fmt: skip
    assert [step.sources for step in instance.steps] == [
        (3,), (6, 0), (7, 1), (8, 2), (4,), (11, 7, 8), (12, 8, 9), (13, 9), (7,), (12,), (13,), (14,),
    ]  # fmt: skip
    assert instance.given == (10, 15)
    rows = [part for name in ("row 0", "last row") for part in (";", "start", *[name] * 3)]
    assert instance.parts == ("a", "a", "x", "b", "b", *rows, "=", "low digits", *["high digits"] * 3)


def test_the_number_of_rows_is_that_of_the_digits_or_fixed() -> None:
    rng = np.random.default_rng(0)
    for length in (1, 3, 6):
        assert LongMultiplication().sample(length, rng).parts.count("start") == length
        assert LongMultiplication(rows=4).sample(length, rng).parts.count("start") == 4
    assert find_task("long multiplication") == LongMultiplication()


@pytest.mark.parametrize("task", [LongMultiplication(), LongMultiplication(3, rows=3)], ids=str)
def test_all_that_is_read_is_near_in_both_coordinates(task: LongMultiplication) -> None:
    assert (task.sparsity, task.window) == (3, (1, 1))
    for length in (2, 7, 15):
        instance = task.sample(length, np.random.default_rng(length))
        spans = [[instance.ids[i] for i in (*step.sources, step.position - 1)] for step in instance.steps]
        assert {width(span) for span in spans} == {1}
        assert {instance.key(step) for step in instance.steps} == task.offsets
        assert max(len(step.sources) for step in instance.steps) == task.arity(instance) == 3


def test_what_is_read_has_an_id_of_its_own_kind() -> None:
    """By kind and ID relative to the query a source is unique, or the copy of the digit of a row."""
    task = LongMultiplication()
    instance = task.sample(7, np.random.default_rng(1))
    for step in instance.steps:
        query = instance.ids[step.position - 1]
        for source in step.sources:
            alike = [
                i for i in range(step.position)
                if minus(instance.ids[i], query) == minus(instance.ids[source], query)
                and instance.parts[i] == instance.parts[source]
            ]  # fmt: skip
            assert alike == [source]


def test_it_keeps_its_promises() -> None:
    check_task(LongMultiplication(), lengths=(1, 2, 3), budget=300, draws=20).require()


def outcome(window: tuple[int, int], train: int) -> str:
    """What T1 says of two rows, trained at one length and tested at the next."""
    task = LongMultiplication(rows=2)
    laws: list[list[Example]] = [list(task.examples(length)) for length in (train, train + 1)]
    return decide(HeadClass(3, window, "relative", anchor="last"), train=laws[0], test=laws[1]).outcome


def test_local_heads_generalize_under_two_coordinates() -> None:
    assert outcome((1, 1), 7) == "generalizes"
    assert outcome((1, 1), 3) == "fails"


@pytest.mark.parametrize("window", [(0, 1), (1, 0)])
def test_both_coordinates_need_a_window(window: tuple[int, int]) -> None:
    assert outcome(window, 3) == "unrealizable"
