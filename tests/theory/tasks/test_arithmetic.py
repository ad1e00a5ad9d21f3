"""Sums, products and sorted words by Python's own arithmetic, and what the IDs of digits mean, on large instances."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.tasks import (
    Addition,
    CountOnes,
    Instance,
    Majority,
    MultiAddition,
    Multiplication,
    PointerChasing,
    Reverse,
    Sorting,
    SumModulo,
)
from theory.tasks.base import Task

bases = st.integers(2, 16)
numbers = st.integers(0, 10**30)
words = st.lists(st.integers(0, 4), min_size=1, max_size=40).map(tuple)

ADDITIONS = [Addition(order=order, carry=carry) for order in ("reversed", "plain") for carry in (False, True)]


def digits(number: int, base: int) -> int:
    """How many digits a number has."""
    return next(n for n in range(1, 200) if number < base**n)


def symbols(task: Task, instance: Instance, part: str) -> list[str]:
    """How the tokens of a part print, without the carries."""
    shown = [task.alphabet[t] for t, name in zip(instance.tokens, instance.parts, strict=True) if name == part]
    return [symbol.rstrip("'").split("(")[0] for symbol in shown]


def ids(instance: Instance, part: str) -> list[int]:
    return [i for i, name in zip(instance.ids, instance.parts, strict=True) if name == part]


@pytest.mark.parametrize("task", ADDITIONS, ids=lambda task: task.name)
@given(a=numbers, b=numbers)
def test_sums(task: Addition, a: int, b: int) -> None:
    length = digits(max(a, b), 10)
    written = "".join(symbols(task, task.encode(a, b, length=length), "sum"))
    assert written == str(a + b).zfill(length + 1)[:: -1 if task.order == "reversed" else 1]


@pytest.mark.parametrize("task", ADDITIONS, ids=lambda task: task.name)
@given(a=numbers, b=numbers)
def test_the_id_of_a_digit_says_its_significance(task: Addition, a: int, b: int) -> None:
    """Numbers are read off by IDs alone, which guards against digits that are reversed once more than their IDs."""
    instance = task.encode(a, b, length=digits(max(a, b), 10))
    ones = max(ids(instance, "a"))
    for part, value in (("a", a), ("b", b), ("sum", a + b)):
        pairs = zip(symbols(task, instance, part), ids(instance, part), strict=True)
        assert sum(int(digit) * 10 ** (ones - i) for digit, i in pairs) == value


def coupled_as_published(n: int, s: int) -> list[int]:
    """Position coupling of Cho et al. 2024 (arXiv:2405.20671) for addition, restated.

    Operands padded to n digits, a reversed sum of n digits, the first ID s, and end = s + n: operand digits get
    end - n, ..., end - 1 from the most significant on, "+" and "=" get end, and the sum gets end - 1, end - 2, ...
    """
    end = s + n
    operand = [end - n + i for i in range(n)]
    return [*operand, end, *operand, end, *[end - 1 - i for i in range(n)]]


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 40])
def test_addition_is_coupled_as_published(length: int, carry: bool) -> None:
    instance = Addition(carry=carry).encode(10**length - 1, 1, length=length)
    assert list(instance.ids) == coupled_as_published(length + 1, s=1)


@given(terms=st.lists(numbers, min_size=2, max_size=12), base=bases)
def test_running_sums(terms: list[int], base: int) -> None:
    m, task = len(terms), MultiAddition(len(terms), base)
    instance = task.encode(*terms, length=digits(max(terms), base))
    for j, total in enumerate(list(accumulate(terms))[1:], 2):
        written = [int(symbol, base) for symbol in symbols(task, instance, f"r{j}")]
        assert sum(digit * base**i for i, digit in enumerate(written)) == total
        # m IDs to a column: the digit of significance i of r_j has the ID im + j.
        assert ids(instance, f"r{j}") == [i * m + j for i in range(len(written))]
    for j, term in enumerate(terms, 1):
        written = [int(symbol, base) for symbol in symbols(task, instance, f"a{j}")]
        assert len(written) == len(ids(instance, "r2"))
        columns = [(i - 1) // m for i in ids(instance, f"a{j}")]
        assert sum(digit * base**i for digit, i in zip(written, columns, strict=True)) == term


@given(terms=st.lists(numbers, min_size=2, max_size=12))
def test_the_two_digits_added_share_an_id_that_no_other_token_has(terms: list[int]) -> None:
    instance = MultiAddition(len(terms)).encode(*terms, length=31)
    for step in instance.steps:
        *_, r, a = step.sources
        shared = [i for i in range(step.position) if instance.ids[i] == instance.ids[a]]
        assert shared == sorted((r, a))
        assert instance.ids[a] - instance.ids[step.position - 1] == len(terms) - 1


@given(terms=st.lists(numbers, min_size=3, max_size=6))
def test_separators_are_given(terms: list[int]) -> None:
    instance = MultiAddition(len(terms)).encode(*terms, length=31)
    assert [i for i in range(instance.n_prompt, len(instance.tokens)) if instance.parts[i] == ";"] == [*instance.given]
    assert len(instance.given) == len(terms) - 2


@pytest.mark.parametrize("carried", [True, False])
@given(a=numbers, base=bases, data=st.data())
def test_products(carried: bool, a: int, base: int, data: st.DataObject) -> None:
    d, length = data.draw(st.integers(0, base - 1)), digits(a, base)
    task = Multiplication(base, carried)
    instance = task.encode(a, d, length=length)
    written = [int(symbol, base) for symbol in symbols(task, instance, "product")]
    assert sum(digit * base**i for i, digit in enumerate(written)) == a * d
    assert len(written) == length + 1
    for part, value in (("a", a), ("product", a * d)):
        pairs = zip(symbols(task, instance, part), ids(instance, part), strict=True)
        assert sum(int(digit, base) * base ** (length + 1 - i) for digit, i in pairs) == value


@given(a=numbers, base=bases, data=st.data())
def test_carries_and_multipliers_are_shown(a: int, base: int, data: st.DataObject) -> None:
    d, length = data.draw(st.integers(0, base - 1)), digits(a, base)
    task = Multiplication(base)
    shown = task.text(task.encode(a, d, length=length).tokens[length + 3 :]).strip(")").split(")")
    triples = [[int(symbol, base) for symbol in column.replace("(", ",").split(",")] for column in shown]
    for i, (_, carry, multiplier) in enumerate(triples):
        assert (carry, multiplier) == (a % base ** (i + 1) * d // base ** (i + 1), d)


@given(word=words)
def test_sorted_words(word: tuple[int, ...]) -> None:
    instance, n = Sorting(5).solve((*word, 5)), len(word)
    assert list(instance.tokens[n + 1 :]) == sorted(word)
    assert sorted(instance.ids[:n]) == list(range(n))
    by_rank = sorted(range(n), key=lambda i: instance.ids[i])
    assert all((word[i], i) < (word[j], j) for i, j in pairwise(by_rank))  # equal symbols keep their order


@given(word=words)
def test_reversed_words(word: tuple[int, ...]) -> None:
    assert Reverse(5).solve((*word, 5)).tokens[len(word) + 1 :] == word[::-1]


@given(word=words)
def test_dense_answers(word: tuple[int, ...]) -> None:
    bits = tuple(digit % 2 for digit in word)
    ones = bits.count(1)
    for task, prompt, answer in (
        (SumModulo(5), word, sum(word) % 5),
        (Majority(), bits, 1 if ones > bits.count(0) else 0),
        (CountOnes(), bits, ones),
    ):
        assert task.alphabet[task.solve(prompt).tokens[-1]] == f"={answer}"


@given(cells=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from((1, 2, 5))), min_size=1, max_size=40))
def test_walks(cells: list[tuple[str, int]]) -> None:
    task = PointerChasing(3, (1, 2, 5))
    instance = task.encode(" ".join(f"{symbol}+{jump}" for symbol, jump in cells))
    walk, at, visited = "", 0, []
    while at < len(cells):
        visited.append(at)
        walk, at = walk + cells[at][0], at + cells[at][1]
    assert task.text(instance.tokens).split(">")[1] == walk
    assert instance.ids[len(cells) :] == (*visited, at)
