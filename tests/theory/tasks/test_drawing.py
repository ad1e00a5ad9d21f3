"""Instances drawn as arrays have the law of those that are drawn one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from scipy.stats import chisquare

from theory.coordinates import from_lists
from theory.errors import InvalidArgument
from theory.planted import PlantedEnsemble
from theory.support import Uniform, uniform
from theory.tasks import (
    TASKS,
    VARIANTS,
    Addition,
    AssociativeRecall,
    BucketSort,
    Copy,
    CountOnes,
    CycleNavigation,
    Dyck,
    EvenPairs,
    FullParity,
    Induction,
    Instance,
    LongMultiplication,
    Majority,
    ModularArithmetic,
    MultiAddition,
    Multiplication,
    Planted,
    PlantedMixture,
    PointerChasing,
    QueryCoupled,
    Reverse,
    ScratchpadParity,
    Sorting,
    StackManipulation,
    SumModulo,
    Task,
    VariableAssignment,
    sparse_parity,
    sparse_parity_up_to,
)
from theory.tasks.drawing import Drawn

Row: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[tuple[int, ...], ...]]

SKEWED = PlantedEnsemble(
    vocabulary=3,
    background=["1/2", 0, "1/2"],
    planted={(1,): "1/4", (2,): "3/4"},
    target={(1,): "x", (2,): "y"},
    support=uniform(),
)
ORDERED = PlantedEnsemble(
    vocabulary=3, background=[1, 0, 0], planted={(1, 2): 1}, target={(1, 2): 0}, support=uniform()
)
SMALL: list[tuple[Task, int]] = [
    (Copy(2), 3), (Copy(3), 2), (Reverse(3), 2), (Sorting(3), 3), (ScratchpadParity(), 3), (ScratchpadParity("query"), 3),
    (Addition(base=2), 2), (Addition(base=3, carry=True), 1), (Addition(base=2, order="plain"), 2),
    (Addition(base=2, order="plain", carry=True), 2), (MultiAddition(3, base=2), 1), (MultiAddition(2, base=3), 1),
    (Multiplication(base=3), 2), (Multiplication(base=3, carried=False), 2), (LongMultiplication(rows=2), 2),
    (PointerChasing(), 3),
    (PointerChasing(3, (2, 1, 4)), 2), (EvenPairs(), 4), (CycleNavigation(3), 3), (StackManipulation(2, depth=2), 2),
    (Dyck(2, depth=2), 2), (Dyck(1, depth=3), 3), (BucketSort(2), 3), (ModularArithmetic(3), 2), (ModularArithmetic(2), 2),
    (VariableAssignment(3), 3), (VariableAssignment(4, reach=3), 3), (AssociativeRecall(3), 2), (Induction(4), 3),
    (Induction(3, paired=True), 4), (FullParity(), 3), (Majority(), 4), (SumModulo(3), 3), (CountOnes(4), 4),
    (sparse_parity(2), 4), (VARIANTS["sparse parity, local"], 5), (VARIANTS["sparse parity, paired"], 4),
    (sparse_parity_up_to(3), 3), (Planted(SKEWED), 3), (Planted(ORDERED), 4),
    (Planted(replace(SKEWED, support=Uniform("last"))), 2),
    (QueryCoupled(Copy(2)), 3), (QueryCoupled(Sorting(3)), 3), (QueryCoupled(Addition(base=2)), 2),
    (QueryCoupled(MultiAddition(3, base=2)), 1),
]  # fmt: skip
LONGER = [*TASKS.values(), *VARIANTS.values(), QueryCoupled(Reverse(3)), QueryCoupled(MultiAddition(4))]


def drawn_from(task: Task, length: int, size: int, seed: int = 0) -> Drawn:
    drawn = task.sample_many(length, size, np.random.default_rng(seed))
    assert drawn is not None
    return drawn


def rows(drawn: Drawn) -> list[Row]:
    """Tokens, IDs, the positions of the steps and what they read, of each row, without what fills it."""
    assert drawn.sources is not None
    return [
        (
            tuple(tokens[:own].tolist()),
            from_lists(ids[:own].tolist()),
            tuple(steps[scored].tolist()),
            tuple(tuple(read[read >= 0].tolist()) for read in sources[scored]),
        )
        for tokens, ids, steps, scored, own, sources in zip(
            drawn.tokens, drawn.ids, drawn.steps, drawn.scored, drawn.own, drawn.sources, strict=True
        )
    ]


def row_of(instance: Instance) -> Row:
    positions, sources = zip(*instance.steps, strict=True)
    return instance.tokens, instance.ids, positions, sources


@pytest.mark.parametrize(("task", "length"), SMALL, ids=lambda value: getattr(value, "name", str(value)))
def test_rows_have_the_support_and_the_frequencies_of_the_law(task: Task, length: int) -> None:
    expected: Counter[Row] = Counter()
    for instance in task.support(length):
        expected[row_of(instance)] += task.weight(instance)
    found = Counter(rows(drawn_from(task, length, 60 * len(expected))))
    assert found.keys() == expected.keys()
    shares = [found.total() * weight / expected.total() for weight in expected.values()]
    assert len(expected) == 1 or chisquare([found[row] for row in expected], shares).pvalue > 1e-4


@pytest.mark.parametrize("task", LONGER, ids=lambda task: task.name)
@pytest.mark.parametrize("length", [2, 10, 34])
def test_every_row_is_the_solution_of_its_prompt(task: Task, length: int) -> None:
    drawn = drawn_from(task, length, 40)
    for row in rows(drawn):
        if task.anchor == "none" and task.sparsity:  # its tokens do not say where the marked ones are
            *tokens, answer = row[0]
            read = tuple(token for token in tokens if token)
            assert row[0] == (*tokens, task.rule(read))
            assert (len(row[1]), row[2]) == (len(row[0]), (length,))
            assert answer == task.rule(read)
        else:
            assert row == row_of(task.solve(row[0][: drawn.n_prompt]))


def test_rows_that_end_early_repeat_their_last_id_and_step() -> None:
    drawn = drawn_from(PointerChasing(2, (1, 5)), 6, 50)
    assert len(set(drawn.own.tolist())) > 2
    for ids, steps, own, scored in zip(drawn.ids, drawn.steps, drawn.own, drawn.scored, strict=True):
        assert set(ids[own:]) <= {ids[own - 1]}
        assert steps[-1] == own - 1
        assert scored.tolist() == sorted(scored.tolist(), reverse=True)


class Told(Copy):
    """A word with its first letter repeated throughout."""

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        return super().solve((*prompt[:1] * (len(prompt) - 1), prompt[-1]))


class Early(Uniform):
    """The first positions."""

    def draw(self, rng: np.random.Generator, length: int, arity: int) -> tuple[int, ...]:
        return tuple(range(arity))


def test_what_one_changes_of_a_task_of_ours_is_not_drawn_as_ours(rng: np.random.Generator) -> None:
    assert Told(2).sample_many(3, 4, rng) is None
    assert QueryCoupled(Told(2)).sample_many(3, 4, rng) is None
    early = replace(SKEWED, support=Early())
    assert (drawn_from(Planted(early), 6, 50).tokens[:, 0] > 0).all()
    strange = type("Strange", (Planted,), {})(SKEWED)
    assert PlantedMixture((strange,)).sample_many(3, 4, rng) is None


def test_a_mixture_of_many_parts_is_drawn_too() -> None:
    def part(k: int) -> Planted:
        word = (1,) * k
        return Planted(
            PlantedEnsemble(vocabulary=2, background=[1, 0], planted={word: 1}, target={word: 0}, support=uniform())
        )

    drawn = drawn_from(PlantedMixture(tuple(map(part, range(1, 41)))), 40, 400)
    assert len(Counter(drawn.tokens[:, :40].sum(axis=1).tolist())) > 36


def test_bad_arguments_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InvalidArgument, match=r"CountOnes\.sample_many: argument length: got 5; expected at most 4"):
        CountOnes(4).sample_many(5, 1, rng)
    with pytest.raises(InvalidArgument, match=r"Copy\.sample_many: argument size: got 0; expected an integer >= 1"):
        Copy(2).sample_many(2, 0, rng)
    with pytest.raises(InvalidArgument, match=r"Copy\.sample_many: argument rng"):
        Copy(2).sample_many(2, 1, "0")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"support\.paired: argument length: got 5; expected a multiple"):
        VARIANTS["sparse parity, paired"].sample_many(5, 1, rng)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"tokens": [[0, 1, 0]]}, "tokens"), ({"tokens": np.zeros((1, 3))}, "tokens"),
        ({"tokens": np.zeros(3, dtype=int)}, "tokens"), ({"ids": np.zeros((1, 2), dtype=int)}, "ids"),
        ({"ids": np.zeros((2, 3), dtype=int)}, "ids"), ({"steps": np.zeros((1, 0), dtype=int)}, "steps"),
        ({"steps": np.array([[3]])}, "steps"), ({"steps": np.array([[0]])}, "steps"),
        ({"steps": np.array([[2, 1]])}, "steps"), ({"n_prompt": 0}, "n_prompt"), ({"n_prompt": 3}, "n_prompt"),
        ({"lengths": np.array([2])}, "steps"), ({"lengths": np.array([4])}, "lengths"),
        ({"lengths": np.array([1])}, "lengths"), ({"lengths": np.array([3, 3])}, "lengths"),
        ({"sources": [[[0]]]}, "sources"), ({"sources": np.array([[0]])}, "sources"),
        ({"sources": np.zeros((1, 2, 1), dtype=int)}, "sources"), ({"sources": np.array([[[2]]])}, "sources"),
        ({"sources": np.array([[[-2]]])}, "sources"), ({"sources": np.array([[[-1, 0]]])}, "sources"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_instances_are_refused(changes: dict[str, object], argument: str) -> None:
    right = {"tokens": np.array([[0, 1, 0]]), "ids": np.array([[0, 1, 0]]), "steps": np.array([[2]]), "n_prompt": 1}
    Drawn(**right, sources=np.array([[[1, 0, -1]]]))  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=f"^Drawn: argument {argument}: "):
        Drawn(**{**right, **changes})  # type: ignore[arg-type]


def test_sources_of_every_row_are_looked_at() -> None:
    two = {"tokens": np.zeros((2, 4), dtype=int), "ids": np.zeros((2, 4), dtype=int), "n_prompt": 2}
    late, early = np.array([[3], [2]]), np.broadcast_to(2, (2, 1, 1))
    Drawn(**two, steps=np.array([[3], [3]]), sources=early)  # type: ignore[arg-type]
    for steps, sources in ((late, early), (np.broadcast_to(3, (2, 1)), np.array([[[0]], [[3]]]))):
        with pytest.raises(InvalidArgument, match=r"^Drawn: argument sources: "):
            Drawn(**two, steps=steps, sources=sources)  # type: ignore[arg-type]
