"""T1 on the steps of the tasks: their own IDs let local heads length-generalize, and plain positions do not."""

from __future__ import annotations

import pytest

from theory import Example, HeadClass, decide
from theory.tasks import (
    Addition,
    BucketSort,
    Copy,
    CycleNavigation,
    Dyck,
    MultiAddition,
    Multiplication,
    PointerChasing,
    ScratchpadParity,
    Sorting,
    Task,
)
from theory.tasks.base import Instance

slow = pytest.mark.slow

# A task, the window and key of its heads, and the shortest length from which they generalize to the next.
LOCAL: list[tuple[Task, int, str, int]] = [
    (ScratchpadParity(), 1, "relative", 3),
    (ScratchpadParity("query"), 0, "none", 2),
    (Copy(), 1, "relative", 3),
    (Sorting(), 1, "relative", 3),
    (PointerChasing(), 0, "none", 2),
    (Multiplication(2), 1, "relative", 3),
    (CycleNavigation(3), 1, "relative", 3),
    (Dyck(1, depth=2), 1, "relative", 3),
    (BucketSort(2), 0, "none", 2),
]


def heads(task: Task, window: int | None, key: str) -> HeadClass:
    arity = task.arity(next(task.support(2)))
    return HeadClass(arity, window, key, anchor="last")  # type: ignore[arg-type]


@pytest.mark.parametrize(("task", "window", "key", "length"), LOCAL, ids=lambda value: getattr(value, "name", None))
def test_coupled_ids_generalize(task: Task, window: int, key: str, length: int) -> None:
    """From the first length that shows every view on, and not before."""

    def outcome(train: int) -> str:
        return decide(
            heads(task, window, key), train=list(task.examples(train)), test=list(task.examples(train + 1))
        ).outcome

    assert outcome(length) == "generalizes"
    assert outcome(length - 1) != "generalizes"


@pytest.mark.parametrize("task", [task for task, *_ in LOCAL if isinstance(task, (Copy, Sorting))], ids=str)
def test_plain_positions_do_not(task: Task) -> None:
    train, test = (list(task.examples(length, coupled=False)) for length in (3, 4))
    for window in (1, 4, None):
        assert decide(heads(task, window, "relative"), train=train, test=test).outcome != "generalizes"


@slow
@pytest.mark.parametrize(
    ("task", "window", "length"), [(Addition(2, carry=True), 1, 4), (MultiAddition(3, 2), 2, 4)], ids=str
)
def test_sums_generalize(task: Task, window: int, length: int) -> None:
    train, test = list(task.examples(length)), list(task.examples(length + 1))
    assert decide(heads(task, window, "relative"), train=train, test=test).outcome == "generalizes"


def test_running_sums_must_not_share_ids_with_the_number_added_last() -> None:
    """What the docstring of `MultiAddition` says: with the ID im + j for a_j and r_j no head is perfect in training."""
    task = MultiAddition(3, 2)

    def steps(instance: Instance, ids: tuple[int, ...]) -> list[Example]:
        t = [step.position for step in instance.steps]
        return [Example(instance.tokens[:i], ids[:i], instance.tokens[i]) for i in t]

    def one_more(instance: Instance) -> tuple[int, ...]:
        """a_2, a_3, ... one further, to the ID of their own running sum."""
        later = {"a2", "a3"}
        return tuple(i + (part in later) for i, part in zip(instance.ids, instance.parts, strict=True))

    listed = list(task.support(2))
    assert one_more(listed[0])[:12] == (10, 7, 4, 1, -2, 11, 8, 5, 2, -2, 12, 9)
    train = [example for instance in listed for example in steps(instance, one_more(instance))]
    class_ = heads(task, 3, "relative")
    assert decide(class_, train=train, test=train).outcome == "unrealizable"
    own = list(task.examples(2))
    assert decide(class_, train=own, test=own).outcome == "generalizes"
