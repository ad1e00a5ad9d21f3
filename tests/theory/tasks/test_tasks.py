"""What every task promises, over the registry and more, at small lengths listed in full and at large ones by samples."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import numpy as np
import pytest

from tests.task_cases import ALL, PAIRED, VARIANTS, label, lengths
from theory import BudgetExceeded, InvalidArgument, positions
from theory.coordinates import minus
from theory.tasks import (
    TASKS,
    Addition,
    AssociativeRecall,
    BucketSort,
    Copy,
    CycleNavigation,
    Dyck,
    EvenPairs,
    Induction,
    Instance,
    ModularArithmetic,
    MultiAddition,
    Multiplication,
    PointerChasing,
    Reverse,
    ScratchpadParity,
    Sorting,
    StackManipulation,
    Step,
    Task,
    VariableAssignment,
)

SPARSE = [task for task in ALL if task.sparsity is not None]
DENSE = [task for task in ALL if task.sparsity is None]


def over(tasks: list[Task] | tuple[Task, ...]) -> pytest.MarkDecorator:
    """All tests of one task run in a row, so that its instances are listed once."""
    return pytest.mark.parametrize("task", tasks, ids=label, scope="module")


@lru_cache(maxsize=12)
def listed(task: Task, length: int) -> list[Instance]:
    """The instances of a length."""
    return list(task.support(length))


def spread(instance: Instance, step: Step) -> int:
    """How far apart the IDs are of all that a step reads, its query included."""
    ids = [instance.ids[i] for i in (*step.sources, step.position - 1)]
    return max(ids) - min(ids)


def test_the_registry_knows_every_task_by_its_name() -> None:
    assert all(task.name == name for name, task in TASKS.items())


@over(ALL)
def test_listing(task: Task) -> None:
    for length in lengths(task):
        found = listed(task, length)
        assert len(found) == len(set(found)) == task.n_instances(length) > 0


@over(ALL)
def test_samples_lie_in_the_support(task: Task, rng: np.random.Generator) -> None:
    for length in lengths(task):
        found = listed(task, length)
        drawn = {task.sample(length, rng) for _ in range(30)}
        assert drawn <= {*found}
        assert len(drawn) > 1 or len(found) == 1
        assert all(task.weight(instance) >= 1 for instance in drawn)


@over(ALL)
def test_rollouts_give_the_reference(task: Task) -> None:
    for length in lengths(task):
        assert all(task.rollout(instance) == instance.tokens for instance in listed(task, length))


@over(ALL)
def test_targets_are_functions_of_what_is_read(task: Task) -> None:
    targets: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for length in lengths(task):
        for instance in listed(task, length):
            for step in instance.steps:
                targets[instance.read(step)].add(instance.tokens[step.position])
    assert all(len(values) == 1 for values in targets.values())
    assert not task.takes_key or isinstance(task, VariableAssignment)  # whose increments do
    assert all(values == {task.predict_token(read, ())} for read, values in targets.items())


LOOK_UPS = (AssociativeRecall, Induction, VariableAssignment)


@over([task for task in ALL if not isinstance(task, LOOK_UPS)])
def test_nothing_is_read_in_vain(task: Task) -> None:
    """Every place of a largest dependency set matters, unless it holds one token always, such as a leading zero.

    A place matters when two readings that differ there alone have different targets (or increments of the ID). In a
    look-up the key that is asked for and the one that is found say where to read; the contract "every dependency matters"
    sees to these.
    """
    instances = listed(task, max(lengths(task, most=10_000)))
    targets = {
        read: (instance.tokens[step.position], task.predict_increment(read, instance.key(step)))
        for instance in instances
        for step in instance.steps
        for read in [instance.read(step)]
    }
    size = max(map(len, targets))
    largest = [read for read in targets if len(read) == size]
    for place in range(size):
        others: dict[tuple[int, ...], set[object]] = defaultdict(set)
        for read in largest:
            others[read[:place] + read[place + 1 :]].add(targets[read])
        matters = any(len(values) > 1 for values in others.values())
        assert matters or len({read[place] for read in largest}) == 1


@over(ALL)
def test_one_id_and_one_part_a_token(task: Task) -> None:
    for length in lengths(task):
        for instance in listed(task, length):
            assert len(instance.ids) == len(instance.parts) == len(instance.tokens)
            assert set(instance.tokens) <= set(range(len(task.alphabet)))


@over(ALL)
def test_symbols_print_differently(task: Task) -> None:
    assert len(set(task.alphabet)) == len(task.alphabet)


@over(SPARSE)
def test_sparsity_is_the_size_of_the_largest_dependency_set(task: Task, rng: np.random.Generator) -> None:
    for length in (4, 6, 30, 60):
        instance = task.sample(length, rng) if task.min_length < length else None
        assert instance is None or max(len(step.sources) for step in instance.steps) == task.sparsity
    for length in lengths(task):
        if length >= 2:
            sizes = {max(len(step.sources) for step in instance.steps) for instance in listed(task, length)}
            assert sizes == {task.sparsity}


@over(DENSE)
def test_dense_sets_grow(task: Task) -> None:
    sizes = [
        max(len(step.sources) for instance in listed(task, length) for step in instance.steps)
        for length in lengths(task, most=10_000)
    ]
    assert len(sizes) >= 2
    assert sizes == sorted(set(sizes))


@over(ALL)
def test_increments(task: Task) -> None:
    """Where increments are given they are those of the IDs; where they are not, the IDs depend on the length alone."""
    for length in lengths(task):
        found = listed(task, length)
        first = found[0].steps[0]
        if task.predict_increment(found[0].read(first), found[0].key(first)) is None:
            assert len({instance.ids for instance in found}) == 1
        else:
            for instance in found:
                for step in instance.steps:
                    before, after = instance.ids[step.position - 1 : step.position + 1]
                    assert task.predict_increment(instance.read(step), instance.key(step)) == after - before


@over(ALL)
def test_lengths_are_checked(task: Task, rng: np.random.Generator) -> None:
    for length in (task.min_length - 1, -1, True, 2.0, "3", None):
        with pytest.raises(InvalidArgument):
            task.sample(length, rng)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument):
            task.support(length)  # type: ignore[arg-type]


@over(ALL)
def test_budgets_are_kept(task: Task) -> None:
    length = max(lengths(task))
    with pytest.raises(BudgetExceeded):
        task.support(length, budget=task.n_instances(length) - 1)


def test_relabelled_examples_are_listed_within_the_budget() -> None:
    """8 words of 3 bits, 12 shifts and 3 steps."""
    scheme = positions.random_shift(0, 11)
    assert len({*Copy(2).examples(3, relabel=scheme, budget=8 * 12)}) == 8 * 12 * 3
    with pytest.raises(BudgetExceeded, match=r"Copy\.examples: .* a budget of 95 for an enumeration of 96 items"):
        next(Copy(2).examples(3, relabel=scheme, budget=8 * 12 - 1))


WINDOWS: dict[Task, int] = {
    ScratchpadParity(): 1,
    ScratchpadParity("query"): 0,
    Copy(): 1,
    Reverse(): 1,
    Sorting(): 1,
    Addition(): 1,
    Addition(carry=True): 1,
    MultiAddition(2): 1,
    MultiAddition(): 2,
    MultiAddition(5): 4,
    Multiplication(): 1,
    PointerChasing(): 0,
    EvenPairs(): 0,
    CycleNavigation(): 1,
    StackManipulation(): 1,
    Dyck(): 1,
    BucketSort(): 0,
    ModularArithmetic(): 1,
    VariableAssignment(): 2,
}

DRAWS = 16
"""Enough for every offset of a task whose dependency sets depend on the input."""


@over(list(WINDOWS))
def test_coupled_dependency_sets_stay_in_a_window(task: Task, rng: np.random.Generator) -> None:
    for length in (2, 3, 10, 40):
        drawn = [task.sample(length, rng) for _ in range(DRAWS)]
        assert max(spread(instance, step) for instance in drawn for step in instance.steps) == WINDOWS[task]


@over([*ALL, *WINDOWS])
def test_offsets_are_as_claimed(task: Task, rng: np.random.Generator) -> None:
    """The IDs of what is read less that of the query: at every length the same few, namely those that the task claims."""
    assert task.offsets is not None or task not in WINDOWS
    assert task not in WINDOWS or task.window == WINDOWS[task]
    for length in (3, 4, 10, 40) if task.offsets is not None else ():
        drawn = [task.sample(length, rng) for _ in range(DRAWS)]
        seen = {(instance.ids, step) for instance in drawn for step in instance.steps}
        assert {
            tuple(minus(ids[i], ids[step.position - 1]) for i in step.sources) for ids, step in seen
        } == task.offsets


def test_the_multiplier_is_far_from_most_columns(rng: np.random.Generator) -> None:
    task = Multiplication(carried=False)
    for length in (3, 10, 40):
        instance = task.sample(length, rng)
        assert max(spread(instance, step) for step in instance.steps) == length + 1


def test_every_variant_is_another_task() -> None:
    assert len({*TASKS.values(), *VARIANTS}) == len(ALL)
    assert PAIRED in VARIANTS
