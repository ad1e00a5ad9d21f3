"""Running states: found from answers alone, against automata that are known, and checked as tasks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import check_task
from theory import AssumptionViolated, InvalidArgument
from theory.dependencies import Fold, fold, idle_slots, measure
from theory.tasks import Copy, CountOnes, FullParity, Majority, SumModulo, Task

Word = tuple[Any, ...]


def folded(source: object, **more: Any) -> Fold | None:
    return fold(source, **{"samples": 200, "seconds": 600.0, **more})


@pytest.mark.parametrize(
    ("task", "n_states"),
    [(FullParity(), 2), (SumModulo(3), 3), (SumModulo(5), 5), (Majority(), None), (CountOnes(), None), (Copy(2), None)],
    ids=lambda one: getattr(one, "name", ""),
)
def test_tasks_with_and_without_a_running_state(task: Task, n_states: int | None) -> None:
    found = folded(task)
    assert (found.n_states if found else None) == n_states
    if found:
        assert all(one.words == 50 and one.bound < Fraction(1, 10) for one in found.checked)
        assert [one.length for one in found.checked] == [n * max(found.exact_lengths) + (n == 1) for n in (1, 2, 4)]
        for instance in task.instances(3):
            word = tuple(task.alphabet[token] for token in instance.tokens[:3])
            assert found.answer(word) == (task.alphabet[instance.tokens[3]],)


def test_more_states_than_asked_for_are_none() -> None:
    assert folded(SumModulo(5), most_states=4) is None
    exact = folded(SumModulo(5), most_states=5)
    assert exact is not None
    assert exact.n_states == 5


def fewest(transition: list[list[int]], output: list[int], start: int) -> int:
    """The states of the smallest fold: those reached by some word, told apart; and the start, where it is none of these."""
    reached, open_ = set[int](), [transition[start][token] for token in range(2)]
    while open_:
        state = open_.pop()
        if state not in reached:
            reached.add(state)
            open_ += transition[state]
    block = {state: output[state] for state in reached}
    for _ in range(len(transition)):
        block = {state: hash((block[state], *(block[one] for one in transition[state]))) for state in reached}
    same = any(
        [block[one] for one in transition[state]] == [block[one] for one in transition[start]] for state in reached
    )
    return len(set(block.values())) + (not same)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), size=st.integers(1, 3))
def test_random_automata_are_found_again(data: Any, size: int) -> None:
    states = st.integers(0, size - 1)
    transition = [[data.draw(states), data.draw(states)] for _ in range(size)]
    output = [data.draw(st.integers(0, 1)) for _ in range(size)]

    def run(word: Word) -> Word:
        state = 0
        for token in word:
            state = transition[state][token]
        return (output[state],)

    found = folded(run, alphabet=(0, 1), lengths=[1, 2, 3, 4, 5, 6, 7, 8], samples=8)
    assert found is not None
    assert found.n_states == fewest(transition, output, 0)
    assert all(found.answer(word) == run(word) for n in range(1, 7) for word in product((0, 1), repeat=n))


@pytest.mark.parametrize("carry", [False, True])
def test_the_scratchpad_is_a_task(carry: bool) -> None:
    def contains(word: Word) -> Word:
        return (int("11" in "".join(word)), "end") if carry else (int("11" in "".join(word)),)

    found = folded(contains, alphabet="01")
    assert found is not None
    assert found.n_states == 3
    task = found.task("two ones in a row")
    assert carry or check_task(task, lengths=(1, 2, 3)).holds
    assert idle_slots(task, [2, 3, 4]).minimal
    measured = measure(task, [2, 3, 4, 5], convention="query")
    assert (measured.sparsity.values, measured.id_spread.values) == ((2,) * 4, (1,) * 4)
    for instance in task.instances(5):
        word = tuple(task.alphabet[token] for token in instance.tokens[:5])
        assert found.answer(word) == contains(word)
        assert task.alphabet[instance.tokens[-1]] == f"s{found.states(word)[-1]}"


def test_a_separator_at_the_end() -> None:
    def generate(length: int, rng: np.random.Generator) -> tuple[Word, Word]:
        word = tuple(rng.integers(2, size=length).tolist())
        return (*word, "="), (sum(word) % 2,)

    found = folded(generate, lengths=[1, 2, 3, 4], samples=400)
    assert found is not None
    assert (found.ending, found.alphabet, found.n_states, found.exact_lengths) == (("=",), (0, 1), 2, (1, 2, 3, 4))


def test_pairs_of_every_short_word() -> None:
    pairs = [(word, (max(word),)) for n in range(1, 5) for word in product((0, 1, 2), repeat=n)]
    found = folded(pairs)
    assert found is not None
    assert (found.n_states, found.checked) == (3, ())
    assert folded([*pairs, ((0,), (2,))]) is None  # one prompt, two outputs
    assert folded(pairs[:30]) is None  # not every word is there


def test_a_fold_of_short_words_that_longer_ones_refute() -> None:
    def turning(word: Word) -> Word:
        return ((sum(word) + (len(word) > 8)) % 2,)

    assert folded(turning, alphabet=(0, 1)) is None
    assert folded(lambda word: (sum(word) % 2 if len(word) < 6 else 0,), alphabet=(0, 1), lengths=range(1, 6)) is None


def test_states_of_a_constant_and_of_the_last_token() -> None:
    constant = folded(lambda word: (0,), alphabet=(0, 1))
    assert constant is not None
    assert constant.n_states == 1
    with pytest.raises(AssumptionViolated, match="one state"):
        constant.task("nothing")
    last = folded(lambda word: word[-1:], alphabet="ab")
    assert last is not None
    assert [last.answer(word) for word in ("ab", "ba")] == [("b",), ("a",)]


def raising(word: Word) -> Word:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: folded(raising, alphabet="ab"), "raises ValueError: no"),
        (lambda: folded(Majority(), most_states=0), "argument most_states"),
        (lambda: folded(Majority(), budget=0), "argument budget"),
        (lambda: folded(Majority(), samples=0), "argument samples"),
        (lambda: folded(Majority(), seconds=-1), "argument seconds"),
        (lambda: folded(Majority(), seed="a"), "argument seed"),
        (lambda: folded(Majority(), lengths=[0]), r"argument lengths\[0\]"),
        (lambda: folded(FullParity()).states("02"), r"argument word\[1\]: got '2'; expected one of 0, 1"),
        (lambda: folded(FullParity()).task(3), "argument name"),
    ],
)
def test_what_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        call()
