"""What a black box depends on, from its answers alone: against tasks whose sets are known, and sources that go wrong."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate, combinations, count, product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import check_task
from theory import AssumptionViolated, BudgetExceeded, InvalidArgument
from theory.dependencies import At, Chain, Domain, Inferred, Marked, Named, Occurrence, Source, Walk, infer
from theory.dependencies.conflicts import decides, smallest_sets
from theory.dependencies.infer import unseen_bound
from theory.dependencies.pointers import View
from theory.dependencies.sources import limited, tokens_of
from theory.dependencies.step_rules import Search, _Late, item_of, table_of
from theory.tasks import (
    TASKS,
    Addition,
    Copy,
    FullParity,
    Majority,
    Multiplication,
    PointerChasing,
    Reverse,
    ScratchpadParity,
    SumModulo,
    Task,
    VariableAssignment,
)

Prompt = tuple[Any, ...]
LONG = 600.0
"""Seconds: on a busy machine no search ends early."""


def running_maximum(prompt: Prompt) -> list[int]:
    return [max(prompt[: t + 1]) for t in range(len(prompt))]


def black_box(task: Task) -> Callable[[int, np.random.Generator], tuple[Prompt, Prompt]]:
    """The sequences of a task, and nothing else of it."""

    def generate(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        instance = task.draw(length, rng)
        names = tuple(task.alphabet[token] for token in instance.tokens)
        return names[: instance.n_prompt], names[instance.n_prompt :]

    return generate


def found_of(source: object, **more: Any) -> Inferred:
    return infer(source, **{"samples": 200, "seconds": LONG, **more})


# ── The smallest sets ────────────────────────────────────────────────────────────────────────────────────────────────


def by_hand(rows: np.ndarray, labels: np.ndarray) -> list[tuple[int, ...]]:
    """The smallest sets of columns that decide the labels, by trying all."""
    for size in range(rows.shape[1] + 1):
        good = []
        for columns in combinations(range(rows.shape[1]), size):
            seen: dict[tuple[int, ...], int] = {}
            if all(
                seen.setdefault(tuple(row[list(columns)]), one) == one for row, one in zip(rows, labels, strict=True)
            ):
                good.append(columns)
        if good:
            return good
    return []


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_rows=st.integers(1, 12), n_columns=st.integers(1, 5), n_labels=st.integers(1, 3))
def test_smallest_sets_are_those_of_brute_force(data: Any, n_rows: int, n_columns: int, n_labels: int) -> None:
    cells = st.lists(st.integers(0, 1 + n_columns % 2), min_size=n_columns, max_size=n_columns)
    rows = np.array(data.draw(st.lists(cells, min_size=n_rows, max_size=n_rows)))
    labels = np.array(data.draw(st.lists(st.integers(0, n_labels - 1), min_size=n_rows, max_size=n_rows)))
    found, sets = smallest_sets(rows, labels), by_hand(rows, labels)
    if not sets:
        assert found.random is not None
        one, other = found.random
        assert (rows[one] == rows[other]).all()
        assert labels[one] != labels[other]
        return
    assert found.random is None
    assert (found.size, list(found.sets), found.exact) == (len(sets[0]), sets, True)
    for conflict in found.conflicts:  # each is of two rows that differ there alone, with different labels
        assert any(
            np.flatnonzero(rows[a] != rows[b]).tolist() == list(conflict) and labels[a] != labels[b]
            for a, b in combinations(range(n_rows), 2)
        )


def test_every_smaller_set_misses_a_conflict() -> None:
    rows = np.array(list(product((0, 1), repeat=7)))
    found = smallest_sets(rows, rows.sum(axis=1) > 3)
    assert (found.size, found.sets) == (7, (tuple(range(7)),))
    assert all(any(not set(s) & set(c) for c in found.conflicts) for k in range(7) for s in combinations(range(7), k))
    assert found.repeats == 0


def test_each_smallest_set_is_listed_once() -> None:
    rows = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]])
    found = smallest_sets(rows, rows.any(axis=1))
    assert found.conflicts == ((0, 1), (0, 2), (1, 2))
    assert found.sets == ((0, 1), (0, 2), (1, 2))


def test_a_search_that_is_cut_says_so() -> None:
    rows = np.random.default_rng(0).integers(2, size=(400, 16))
    labels = rows[:, :8].sum(axis=1) % 2
    assert not smallest_sets(rows, labels, nodes=2).exact
    short = smallest_sets(rows, labels, most=3)
    assert (short.size, short.sets) == (4, ())


def test_equal_rows_decide() -> None:
    assert decides(np.zeros((0, 2)), np.zeros(0))
    assert decides(np.zeros((2, 0)), np.array([3, 3]))
    assert not decides(np.zeros((2, 0)), np.array([3, 4]))


# ── Tasks, from their answers alone ──────────────────────────────────────────────────────────────────────────────────

SPARSE: list[tuple[Task, list[int]]] = [
    (Copy(2), [1, 2, 3, 4, 5]),
    (Reverse(2), [1, 2, 3, 4, 5]),
    (ScratchpadParity(), [1, 2, 3, 4, 5]),
    (Addition(base=2), [1, 2, 3, 4]),
    (Addition(base=2, carry=True), [1, 2, 3]),
    (Multiplication(base=3), [1, 2, 3]),
    (Multiplication(base=4, carried=False), [1, 2, 3, 4]),
    (PointerChasing(), [1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("task", "lengths"), SPARSE, ids=lambda one: getattr(one, "name", ""))
def test_a_task_is_found_by_its_instances_alone(task: Task, lengths: list[int]) -> None:
    found = found_of(Source.of(task), lengths=lengths)
    assert (found.sparsity, found.growth, found.random, found.refuted) == (task.sparsity, "bounded", (), None)
    assert found.exact_lengths == tuple(lengths)
    assert all(seen.wrong == 0 for seen in found.sampled)
    if not found.located:
        assert found.smallest
    made = found.task("found")
    assert made.sparsity == task.sparsity
    for instance in made.support(3):
        assert made.rollout(instance) == instance.tokens
        mine = {step.position: set(step.sources) for step in instance.steps}
        theirs = {step.position: set(step.sources) for step in task.solve(instance.tokens[: instance.n_prompt]).steps}
        assert all(theirs[position] <= read for position, read in mine.items())
        assert max(map(len, mine.values())) <= (task.sparsity or 0)


@pytest.mark.parametrize(
    ("task", "growth"),
    [
        (FullParity(), "linear"),
        (Majority(), "linear"),
        (SumModulo(3), "linear"),
        (Addition(2, order="plain"), "linear"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_dense_task_is_dense(task: Task, growth: str) -> None:
    found = found_of(Source.of(task), lengths=[1, 2, 3, 4])
    assert (found.sparsity, found.growth, found.dense, found.steps) == (None, growth, True, ())
    largest: dict[int, int] = {}
    for size in found.sizes:
        largest[size.n_prompt] = max(largest.get(size.n_prompt, 0), size.size)
    declared = [max(len(s.sources) for s in next(task.instances(n)).steps) for n in (1, 2, 3, 4)]
    # The leading zeros of a sum need not be read.
    assert list(largest.values()) == [size - 2 * (task.name == "addition, plain") for size in declared]
    with pytest.raises(AssumptionViolated, match="no rule for every step"):
        found.task("dense")


def test_running_maximum_with_one_output_a_step() -> None:
    found = found_of(running_maximum, alphabet=(0, 1, 2), lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, found.smallest, found.alphabet) == (2, True, (0, 1, 2))
    first, rest = found.steps
    assert (first.domain.only, first.program, first.copies) == (0, (At(0, 0, 0),), 0)
    assert (rest.domain.first, set(rest.program), rest.copies) == (1, {At(0, 1, 0), At(1, 1, -1)}, None)
    assert rest.table[0, 2] == rest.table[2, 0] == 2
    assert check_task(found.task("maxima"), lengths=(1, 2, 3)).holds


def test_the_contracts_hold_of_what_was_found() -> None:
    for task in (PointerChasing(), Addition(base=2, carry=True)):
        made = found_of(Source.of(task), lengths=[1, 2, 3, 4]).task("found")
        assert check_task(made, lengths=(1, 2)).holds
    walk = found_of(Source.of(PointerChasing()), lengths=[1, 2, 3, 4]).task("walk")
    same = PointerChasing().encode("a+2 b+1 b+1")
    assert walk.solve(same.tokens[:4]) == PointerChasing().solve(same.tokens[:4]).__class__(
        same.tokens, same.ids, same.steps, parts=walk.solve(same.tokens[:4]).parts
    )


def test_a_generator_of_sums() -> None:
    found = found_of(black_box(Addition(base=5, carry=True)), lengths=[1, 2, 3], samples=1000)
    assert (found.sparsity, found.growth, found.exact_lengths) == (3, "bounded", ())
    assert found.unseen < Fraction(1, 4)
    assert "as far as the sample goes" in found.explain()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["addition, reversed", "multiplication, carried", "multiplication, plain"])
def test_decimal_tasks_from_samples(name: str) -> None:
    found = found_of(black_box(TASKS[name]), samples=2000)
    assert (found.sparsity, found.growth) == (TASKS[name].sparsity, "bounded")


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_kinds_of_steps_by_turns_and_at_a_border() -> None:
    def interleaved(prompt: Prompt) -> list[int]:
        states, made = 0, []
        for bit in prompt:
            states ^= bit
            made += [bit, states + 2]
        return made

    found = found_of(interleaved, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5])
    assert found.sparsity == 2
    assert {(rule.domain.period, rule.domain.turn, rule.program) for rule in found.steps} == {
        (2, 0, (At(0, 1, 0, over=2),)),
        (2, 1, (At(1, 1, -2), At(1, 1, -1))),
    }

    def there_and_back(prompt: Prompt) -> Prompt:
        return (*prompt[::-1], *(1 - bit for bit in prompt))

    back = found_of(there_and_back, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5, 6])
    assert back.sparsity == 1
    assert len(back.steps) == 2


def test_a_token_that_names_a_position() -> None:
    def indexed(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        word, place = rng.integers(3, size=length).tolist(), int(rng.integers(min(length, 4)))
        return (*word, f"@{place}"), (word[place],)

    found = found_of(indexed, lengths=[3, 4, 5, 6])
    (rule,) = found.steps
    assert (found.sparsity, found.growth, found.located, rule.copies) == (2, "bounded", True, 1)
    assert isinstance(rule.program[1], Named)
    names = {found.alphabet[token]: place for token, place in rule.program[1].steps}
    assert names == {"@0": 0, "@1": 1, "@2": 2, "@3": 3}


def test_a_name_that_was_never_seen_is_open_and_refutes_nothing() -> None:
    def followed(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        cells = rng.permutation(length).tolist()
        path = [int(rng.integers(length))]
        for _ in range(length):
            path.append(cells[path[-1]])
        return (*cells, path[0]), tuple(path[1:])

    found = found_of(followed, lengths=[2, 3, 4, 5], samples=400)
    assert (found.sparsity, found.growth, found.refuted) == (2, "bounded", None)
    longest = found.sampled[-1]
    assert longest.wrong == 0
    assert longest.unseen > longest.fresh // 2
    assert found.unseen == longest.bound > Fraction(1, 2) > found.sampled[-4].bound


def test_the_steps_of_a_domain() -> None:
    def of(domain: Domain, n: int = 4) -> list[int]:
        return [step for step in range(8) if domain.has(n, step, 8)]

    assert of(Domain(first=1, last=2)) == [1, 2, 3, 4, 5]
    assert of(Domain(first=1, period=2)) == [1, 3, 5, 7]
    assert of(Domain(first=1, period=3, turn=2)) == [3, 6]
    assert (of(Domain(only=2)), of(Domain(only=-2))) == ([2], [6])
    border = At(1, 0, -2, over=2)
    assert (of(Domain(first=0, border=border)), of(Domain(border=border, beyond=True))) == ([0], [1, 2, 3, 4, 5, 6, 7])
    assert (of(Domain(border=border), 5), of(Domain(border=border, beyond=True), 5)) == ([], [])
    assert str(Domain(first=1, border=border)) == "steps 1 <= j < n/2 - 1"


def test_a_table_and_what_it_repeats() -> None:
    read = np.array([[3, 5], [4, 5], [3, 5]])
    assert table_of(read, np.array([3, 4, 3])) == ({(3, 5): 3, (4, 5): 4}, 0)
    assert table_of(read, np.array([5, 5, 5])) == ({(3, 5): 5, (4, 5): 5}, None)  # always 5, whatever is read
    assert table_of(read[:, :0], np.array([5, 5, 5])) == ({(): 5}, None)


def test_a_name_that_occurs_before() -> None:
    def recalled(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        keys, values = rng.permutation(30)[:length], rng.integers(3, size=length)
        asked = int(rng.integers(length))
        pairs = [token for pair in zip(keys, values, strict=True) for token in (f"k{pair[0]}", f"v{pair[1]}")]
        return (*pairs, f"k{keys[asked]}"), (f"v{values[asked]}",)

    found = found_of(recalled, lengths=[1, 2, 3, 4])
    (rule,) = found.steps
    assert found.sparsity == 3
    assert rule.program == (At(1, 0, -1), Occurrence(0, True, 0), Occurrence(0, True, 1))


def test_a_chain_of_assignments() -> None:
    def program(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        names, prompt, value = [f"x{name}" for name in rng.permutation(8)[:length]], [], {}
        for place, name in enumerate(names):
            value[name] = names[int(rng.integers(place))] if place and rng.random() < 0.8 else str(rng.integers(3))
            prompt += [name, "=", value[name], ";"]
        asked = names[-1]
        chain = [value[asked]]
        while chain[-1] in value:
            chain.append(value[chain[-1]])
        return (*rng.permutation(names).tolist(), ":", *prompt, "?", asked), tuple(chain)

    found = found_of(program, lengths=[1, 2, 3, 4], samples=400)
    (rule,) = found.steps
    assert (found.sparsity, found.growth, found.varying) == (3, "bounded", True)
    equals = found.alphabet.index("=")
    assert rule.program == (At(1, 1, -1), Occurrence(0, True, 0, equals), Occurrence(0, True, 2, equals))
    assert rule.copies == 2


def test_a_chain_of_names_that_come_again() -> None:
    """A name means its latest assignment before the statement that leads to it, not before the end."""
    task = VariableAssignment(3)
    found = found_of(Source.of(task), lengths=[1, 2, 3, 4])
    (rule,) = found.steps
    equals = found.alphabet.index("=")
    assert (found.sparsity, rule.copies, found.located) == (3, 2, True)
    assert rule.program == (At(1, 1, -1), Chain(2, 0, equals), Chain(2, 2, equals))
    assert not found.open_ended
    assert "and their last token has no other place" in found.explain()
    made = found.task("assignment")
    for instance in task.instances(3):
        steps = made.solve(instance.tokens[: instance.n_prompt]).steps
        assert [{*step.sources} for step in steps] == [{*step.sources} for step in instance.steps]


def test_where_a_chain_is_and_where_it_ends() -> None:
    rows = np.array([[7, 9, 0, 8, 9, 7, 7, 9, 8, 7], [8, 8, 9, 7, 9, 0, 7, 9, 8, 7]])
    place, beside, plain = Chain(2, 0, 9), Chain(2, 2, 9), Chain(2, 0)
    where = [[one.where(View(rows, 10, step), ()).tolist() for step in range(4)] for one in (place, beside, plain)]
    assert where[0] == [[6, 6], [3, 1], [0, -1], [-1, -1]]
    assert where[1] == [[8, 8], [5, 3], [2, -1], [-1, -1]]
    assert where[2] == [[6, 6], [3, 1], [0, -1], [-1, -1]]
    assert Chain(2, 4).where(View(rows[:1], 10, 0), ()).tolist() == [-1]
    assert Chain(1, 0).where(View(np.array([[5, 5, 5]]), 3, 1), ()).tolist() == [0]
    assert (str(Chain(-1, -2)), Chain(-1, -2).data["shift"]) == (
        "2 before the place of a chain, from the last token of the prompt to its last earlier place, where the next name is "
        "1 before",
        -2,
    )


def test_combinations_of_positions_end_early_and_in_time() -> None:
    """Of 8 slots with 5 forms each hardly any are combined where no smallest set holds two of them, and none without time."""
    group = infer(TASKS["majority"], lengths=[5]).groups[0]
    found = smallest_sets(group.tokens[:, : group.n], group.tokens[:, group.n])
    core = [item_of(group, 0, found)]
    slots = [[At(0, 0, place) for place in range(5)]] * 8
    asked = iter(range(50))
    search = Search(core, lambda: next(asked) < 49)
    single = [[frozenset({place}) for place in range(5)]]
    assert list(search._extended((), slots, core, single)) == []
    late = Search(core, lambda: False)
    with pytest.raises(_Late):
        list(late._extended((), slots, core, single))
    assert late.run(located=False) is None
    assert late.late


def test_marked_places() -> None:
    found = found_of(Source.of(TASKS["sparse parity, k = 2"]), lengths=[2, 3, 4, 5])
    (rule,) = found.steps
    assert (found.sparsity, found.growth) == (2, "bounded")
    assert all(isinstance(pointer, Marked) for pointer in rule.program)


def test_a_walk() -> None:
    found = found_of(Source.of(PointerChasing()), lengths=[1, 2, 3, 4, 5])
    (rule,) = found.steps
    assert isinstance(rule.program[0], Walk)
    jumps = {found.alphabet[token]: jump for token, jump in rule.program[0].steps}
    assert jumps == {"a+1": 1, "a+2": 2, "b+1": 1, "b+2": 2}
    assert found.varying
    assert found.open_ended
    assert "outputs of different lengths, and no token says where they end" in found.explain()


# ── What is not sparse ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hidden_dense_dependency() -> None:
    def almost_copy(prompt: Prompt) -> Prompt:
        return ((1 - prompt[0]) if all(prompt) else prompt[0], *prompt[1:])

    found = found_of(almost_copy, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, found.growth) == (None, "linear")


def tops(prompt: Prompt) -> Prompt:
    """The top of a stack of any depth, after every operation; a pop of the empty one does nothing."""
    stack, seen = list[str](), list[str]()
    for token in prompt:
        stack = stack[:-1] if token == "-" else [*stack, token]
        seen.append(f"_{''.join(stack[-1:])}")
    return tuple(seen)


def heights(prompt: Prompt) -> Prompt:
    return tuple(accumulate((1 if token == "(" else -1 for token in prompt), lambda h, step: max(0, h + step)))


def closed(prompt: Prompt) -> Prompt:
    """Whether brackets are balanced: at odd lengths never."""
    depths = list(accumulate(1 if token == "(" else -1 for token in prompt))
    return (int(min(depths) >= 0 == depths[-1]),)


@pytest.mark.parametrize(
    ("answer", "alphabet"),
    [(lambda prompt: tops(prompt)[-1:], "ab-"), (closed, "()"), (lambda prompt: heights(prompt)[-1:], "()")],
    ids=["the last top", "balanced", "the last height"],
)
def test_what_a_stack_of_any_depth_decides_is_dense(answer: Callable[[Prompt], Prompt], alphabet: str) -> None:
    found = found_of(answer, alphabet=alphabet, lengths=range(1, 9))
    assert (found.sparsity, found.growth, found.steps) == (None, "linear", ())


def test_every_top_of_a_stack_is_dense() -> None:
    found = found_of(tops, alphabet="ab-", lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, found.dense, found.steps) == (None, True, ())


def test_heights_that_are_written_down_are_two_sparse_and_new_ones_are_unseen() -> None:
    """Each follows from the one before; longer prompts have heights that were never seen."""
    found = found_of(heights, alphabet="()", lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, found.growth) == (2, "bounded")
    assert found.sampled[-1].unseen > 0
    assert found.unseen > Fraction(1, 100)


def test_a_bound_on_the_depth_that_short_prompts_do_not_reach() -> None:
    """A copy that is another one where the brackets nest deeper than 6: the first lengths never do."""

    def guarded(prompt: Prompt) -> Prompt:
        return prompt if max(heights(prompt)) <= 6 else prompt[::-1]

    found = found_of(guarded, alphabet="()", lengths=[1, 2, 3, 4, 5, 6])
    assert found.sparsity is None
    assert found.refuted is not None
    assert found.growth is None


def test_a_dense_dependency_of_long_prompts_refutes_the_rule() -> None:
    def short_copy(prompt: Prompt) -> Prompt:
        return (prompt[0] ^ (sum(prompt) % 2), *prompt[1:]) if len(prompt) > 7 else prompt

    found = found_of(short_copy, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, found.growth, found.steps, found.unseen) == (None, None, (), 1)
    assert found.refuted is not None
    # The instance refutes the rule that is said to be refuted.
    refuted = found.refuted
    assert refuted.output == short_copy(refuted.prompt)
    (rule,) = refuted.rules
    (place,) = rule.program
    assert isinstance(place, At)
    assert "refuted at step" in found.explain()


def test_noise_is_random_and_not_sparse() -> None:
    def noisy(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        word = rng.integers(2, size=length).tolist()
        return tuple(word), tuple(bit ^ int(rng.random() < 0.05) for bit in word)

    found = found_of(noisy, lengths=[1, 2, 3])
    assert (found.sparsity, found.growth) == (None, None)
    assert {(one.n_prompt, one.step) for one in found.random} == {(n, j) for n in (1, 2, 3) for j in range(n)}
    first = found.random[0]
    assert first.past in ((0,), (1,))
    kept = first.probability(first.past[0])
    assert Fraction(9, 10) < kept < 1
    assert kept + first.probability(1 - first.past[0]) == 1
    with pytest.raises(AssumptionViolated, match="no function of the past"):
        found.task("noise")


def test_beside_a_random_step_nothing_is_called_dense() -> None:
    def mixed(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        word = tuple(rng.integers(2, size=length).tolist())
        return word, (sum(word) % 2, int(rng.integers(2)))

    found = found_of(mixed, lengths=[1, 2, 3, 4])
    assert (found.sparsity, found.growth, {one.step for one in found.random}) == (None, None, {1})


def test_a_rule_whose_readings_never_come_again_is_not_put_to_the_test() -> None:
    def mixed(prompt: Prompt) -> Prompt:
        return ((7 * prompt[0] + 3 * prompt[-1]) % 1000,)

    found = found_of(mixed, alphabet=range(1000), lengths=[3, 4, 5])
    assert [str(rule) for rule in found.steps] == ["steps j = 0, 1, ...: read position 0 and position n - 1"]
    assert (found.sparsity, found.growth, found.unseen) == (None, None, 1)
    assert "the rule was not put to the test" in found.explain()
    assert all(2 * seen.tested < seen.steps for seen in found.sampled if seen.fresh)


def test_one_random_step_among_others() -> None:
    def chosen(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
        word = tuple(rng.integers(2, size=length).tolist())
        return word, (int(rng.integers(3)) + 5, *word)

    found = found_of(chosen, lengths=[1, 2, 3, 4])
    assert found.sparsity is None
    assert {one.step for one in found.random} == {0}
    assert [rule.copies for rule in found.steps] == [0]


# ── Files of examples ────────────────────────────────────────────────────────────────────────────────────────────────


def copied(lengths: Sequence[int], seed: int = 0) -> list[tuple[Prompt, Prompt]]:
    rng = np.random.default_rng(seed)
    words = [tuple(rng.integers(2, size=length).tolist()) for length in lengths]
    return [(word, word) for word in words]


def test_ten_examples_prove_nothing() -> None:
    found = found_of(copied([3, 4, 5, 3, 4, 5, 3, 4, 5, 6]))
    assert found.exact_lengths == ()
    assert found.unseen > Fraction(3, 4)
    assert found.sparsity is None or "as far as the sample goes" in found.explain()


def test_what_a_small_sample_leaves_open() -> None:
    found = found_of(copied([6] * 6))
    assert all(size.sets == () and not size.exact for size in found.sizes)
    # One length, and three steps: any three positions lie on some form.
    few = found_of(copied([3] * 400))
    assert [size.sets for size in few.sizes] == [((0,),), ((1,),), ((2,),)]
    assert (few.steps, few.sparsity, few.growth) == ((), None, None)


def test_one_example_to_the_contrary() -> None:
    odd = ((1, 1, 1, 1, 1), (1, 1, 1, 1, 0))
    for seed in range(6):  # it is among those to learn from, or those to test
        found = found_of([*copied([2, 3, 4] * 60), odd], seed=seed)
        assert (found.sparsity, found.steps) == (None, ())
        assert found.refuted is None or (found.refuted.prompt, found.refuted.output, found.refuted.step) == (*odd, 4)


def test_many_examples() -> None:
    found = found_of(copied([2, 3, 4, 5] * 100))
    assert (found.sparsity, str(found.steps[0])) == (1, "steps j = 0, 1, ...: read position j, and repeat it")
    assert all(seen.fresh > 0 and seen.wrong == 0 for seen in found.sampled)
    task = found.task("copied")
    assert task.n_instances(2) == len({word for word, _ in copied([2, 3, 4, 5] * 100) if len(word) == 2})


def test_an_example_with_two_outputs_is_random() -> None:
    found = found_of([((0,), (0,)), ((0,), (1,))] * 6)
    assert found.random
    assert found.sparsity is None


@pytest.mark.parametrize(("count", "size"), [(0, 1), (0, 500), (1, 10), (3, 40), (9, 10)])
def test_the_bound_is_that_of_clopper_and_pearson(count: int, size: int) -> None:
    bound = unseen_bound(count, size)

    def tail(p: Fraction) -> Fraction:
        return sum((comb(size, i) * p**i * (1 - p) ** (size - i) for i in range(count + 1)), Fraction(0))

    assert tail(bound) <= Fraction(1, 100)
    assert tail(bound - Fraction(1, 2**18)) > Fraction(1, 100)


# ── Sources that go wrong ────────────────────────────────────────────────────────────────────────────────────────────


def raising(prompt: Prompt) -> Prompt:
    return prompt if len(prompt) < 3 else {}[prompt]


def endless(prompt: Prompt) -> Prompt:
    while len(prompt) > 1:
        with contextlib.suppress(Exception):
            time.sleep(0.01)
    return prompt


def coin(prompt: Prompt) -> Prompt:
    return tuple(random.choice("ab") for _ in prompt)


def five(length: int, rng: np.random.Generator) -> tuple[Prompt, Prompt]:
    return (0,) * 5, (0,)


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        (raising, {}, r"solve\(\('a', 'a', 'a'\)\), which raises KeyError"),
        (endless, {"seconds": 0.5}, r"solve\(\('a', 'a'\)\), which ran for 0.5 seconds without an end"),
        (coin, {}, "when it is asked again; expected one output for a prompt"),
        (lambda prompt: [[1]], {}, r"solve\(\('a',\)\)\[0\]: got the list \[1\]; expected an int or a string"),
        (lambda prompt: (True,), {}, "got the bool True"),
        (lambda prompt: (0.5,), {}, r"got the float 0\.5"),
        (lambda prompt: "a", {}, "got the str 'a'; expected a tuple of tokens"),
        (lambda prompt: None, {}, "got the NoneType None; expected a tuple of tokens"),
        (lambda prompt: (), {}, "outputs without tokens"),
        (lambda prompt: prompt, {"alphabet": None}, "argument alphabet: got none"),
        (lambda prompt: prompt, {"alphabet": "aa"}, "each once"),
        (lambda prompt: prompt, {"alphabet": ()}, "at least one token"),
        (lambda prompt: prompt, {"alphabet": None, "prompts": lambda length: [("a",)]}, "longer prompts for a longer length"),
        (lambda prompt: prompt, {"alphabet": None, "prompts": lambda length: []}, "no prompts at these lengths"),
        (lambda prompt: prompt, {"lengths": []}, "argument lengths: got none"),
        (lambda prompt: prompt, {"lengths": [0]}, r"argument lengths\[0\]"),
        (lambda prompt: prompt, {"budget": 0}, "argument budget"),
        (lambda prompt: prompt, {"seconds": 0}, "argument seconds"),
        (lambda prompt: prompt, {"ids": 3}, "argument ids: got 3; expected a function"),
        (lambda prompt: prompt, {"samples": 3}, "argument samples"),
        (lambda prompt: prompt, {"seed": -1}, "argument seed"),
        (lambda a, b, c: a, {"alphabet": None}, "a function of 3 arguments"),
        (five, {"alphabet": None}, "prompts of up to 5 tokens for length 1, and 5 for 2"),
        (lambda length, rng: 3, {"alphabet": None}, r"generate\(1, rng\): got the int 3; expected a pair"),
        (lambda length, rng: ((), (1,)), {"alphabet": None}, "at least one token"),
        (3, {"alphabet": None}, "got the int 3; expected a function solve"),
        (Copy, {"alphabet": None}, r"the class Copy.*Make one: Copy\(\)"),
        ([], {"alphabet": None}, "no pairs"),
        ([((0,), (1,)), (0,)], {"alphabet": None}, r"pairs\[1\]: got \(0,\); expected a pair"),
        ([((0,), (1,)), ((0,), ({},))], {"alphabet": None}, r"pairs\[1\] \(output\)\[0\]: got the dict"),
    ],
)  # fmt: skip
def test_a_source_that_goes_wrong_is_named(source: object, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        infer(source, **{"alphabet": "ab", **more})


def test_a_function_that_counts_its_calls_is_no_function_of_the_prompt() -> None:
    """Every list of prompts has an even number of them, so that in the same order it would answer the same."""
    calls = count()
    with pytest.raises(InvalidArgument, match="expected one output for a prompt"):
        infer(lambda prompt: (next(calls) % 2,), alphabet=(0, 1), lengths=[1, 2, 3])


def test_too_many_prompts_of_a_length_are_said() -> None:
    with pytest.raises(
        InvalidArgument, match="no prompts at these lengths; length 1 was not looked at: it has more than"
    ):
        infer(lambda prompt: prompt, prompts=lambda length: ((i,) * length for i in count()), lengths=[1])


def test_a_call_that_does_not_end_is_left_in_time_and_the_alarm_is_given_back() -> None:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        begin = time.monotonic()
        with pytest.raises(InvalidArgument, match="without an end"):
            infer(endless, "ab", seconds=0.3)
        assert time.monotonic() - begin < 20
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        signal.setitimer(signal.ITIMER_REAL, 100)
        assert limited(1, max, 3, 4) == 4
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_in_another_thread_a_slow_call_is_refused_when_it_comes_back() -> None:
    def slow(prompt: Prompt) -> Prompt:
        time.sleep(0.2 * (len(prompt) > 1))
        return prompt

    caught: list[str] = []

    def run() -> None:
        try:
            infer(slow, "ab", seconds=0.1)
        except InvalidArgument as error:
            caught.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(caught) == 1
    assert "without an end" in caught[0]


def test_an_alphabet_or_outputs_that_are_too_large_are_refused() -> None:
    with pytest.raises(BudgetExceeded, match="tokens of the alphabet"):
        infer(lambda prompt: prompt, alphabet=range(10**7))
    with pytest.raises(BudgetExceeded, match="tokens of a sequence"):
        infer(lambda prompt: (0,) * 10**5, alphabet=(0, 1))


def test_a_slow_function_is_asked_as_often_as_there_is_time() -> None:
    def slow(prompt: Prompt) -> Prompt:
        time.sleep(0.01)
        return prompt

    begin = time.monotonic()
    found = infer(slow, "abc", seconds=1.5, samples=200)
    assert time.monotonic() - begin < 30
    assert len(found.groups) < 8


def test_a_task_that_goes_wrong_is_named() -> None:
    class Broken(Copy):
        def solve(self, prompt: Prompt) -> Any:
            raise RuntimeError("no way")

    with pytest.raises(InvalidArgument, match="RuntimeError: no way"):
        infer(Broken(), lengths=[1, 2])


def test_a_large_alphabet_is_sampled() -> None:
    found = found_of(lambda prompt: prompt, alphabet=range(10**5), lengths=[1, 2, 3])
    assert (found.sparsity, found.exact_lengths) == (1, ())
    assert found.steps[0].copies == 0


def test_prompts_of_ones_own() -> None:
    class Sum:
        """a + b, the sum reversed, of single bits."""

        def solve(self, prompt: Prompt) -> Prompt:
            n = prompt.index("+")
            total = int("".join(prompt[:n]), 2) + int("".join(prompt[n + 1 : -1]), 2)
            return tuple(f"{total:0{n}b}"[::-1])

        def prompts(self, length: int) -> list[Prompt]:
            if length > 5:
                raise ValueError("too many")
            words = [("0", *word) for word in product("01", repeat=length)]
            return [(*a, "+", *b, "=") for a in words for b in words]

    found = found_of(Sum(), lengths=[1, 2, 3, 4])
    assert (found.sparsity, found.growth, found.exact_lengths) == (5, "bounded", (1, 2, 3, 4))
    assert any("nothing was tested at length 8" in note for note in found.notes)
    task = found.task("sums")
    assert (task.n_instances(2), next(iter(task.instances(2))).parts) == (
        16,
        ("input 1",) * 3 + ("+",) + ("input 2",) * 3 + ("=",) + ("output",) * 3,
    )


def test_ids_that_are_given_are_those_of_the_task() -> None:
    def ids(prompt: Prompt, output: Prompt) -> list[int]:
        return [*range(len(prompt)), *range(len(output))]

    found = found_of(lambda prompt: prompt, alphabet="ab", lengths=[1, 2, 3], ids=ids)
    assert found.task("copied").solve((0, 1, 1)).ids == (0, 1, 2, 0, 1, 2)
    wrong = found_of(lambda prompt: prompt, alphabet="ab", lengths=[1, 2, 3], ids=lambda prompt, output: [0])
    with pytest.raises(InvalidArgument, match="argument ids"):
        wrong.task("copied").solve((0, 1, 1))


def test_two_kinds_of_steps_that_read_alike_are_no_task() -> None:
    def turned(prompt: Prompt) -> list[int]:
        return [bit ^ (j % 2) for j, bit in enumerate(prompt)]

    found = found_of(turned, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5])
    assert (found.sparsity, len(found.steps)) == (1, 2)
    with pytest.raises(AssumptionViolated, match="in two kinds of steps"):
        found.task("turned")


def test_the_same_seed_finds_the_same() -> None:
    one, other = (found_of(black_box(Copy(3)), lengths=[1, 2, 3, 4], seed=4) for _ in range(2))
    assert (one.explain(), one.sizes) == (other.explain(), other.sizes)


def test_tokens_of_numpy_are_integers() -> None:
    assert tokens_of(np.array([1, 2]), "test", "value") == (1, 2)
    assert [type(token) for token in tokens_of([np.int64(3), np.str_("a")], "test", "value")] == [int, str]
