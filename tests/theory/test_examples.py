"""Examples, finite laws and mixtures."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.cases import LAWS, example, named
from tests.routes import fits
from theory import BudgetExceeded, Example, FiniteLaw, InvalidArgument, Law, Mixture, mixture

A, B = example((0, 1), "a"), example((1, 1), "b")
law_cases = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


# ── Examples ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_example_is_a_frozen_value() -> None:
    same = Example((0, 1), (0, 1), "a")
    assert same == A
    assert hash(same) == hash(A)
    assert pickle.loads(pickle.dumps(A)) == A
    assert A.length == 2
    assert Example((0, 1), (0, 1), "b") != A
    with pytest.raises(dataclasses.FrozenInstanceError):
        A.label = "b"  # type: ignore[misc]


class Small(int):
    """An int by another name."""


def test_an_example_takes_integers_of_a_subclass() -> None:
    assert Example((Small(0), 1), (0, Small(1)), "a") == A


@pytest.mark.parametrize(
    ("tokens", "ids", "label", "message"),
    [
        ((0, 1), (0,), "a", r"argument ids: got 1 IDs for 2 tokens; expected one ID a token, .*\. Give tokens and ids"),
        ((), (), "a", r"argument ids: got 0 IDs for 0 tokens; .* at least one token"),
        ([0, 1], (0, 1), "a", r"argument tokens: got the list \[0, 1\]; expected a tuple of integers\. Write tuple"),
        ((0, 1), [0, 1], "a", r"argument ids: got the list \[0, 1\]; expected a tuple of integers"),
        (np.array([0, 1]), (0, 1), "a", r"argument tokens: got the ndarray .* tuple\(array\.tolist\(\)\)"),
        ((np.int64(0), 1), (0, 1), "a", r"argument tokens: got the tuple .*expected a tuple of integers"),
        ((0, 1.0), (0, 1), "a", r"argument tokens: got the tuple \(0, 1\.0\); expected a tuple of integers"),
        ((0, 1), (0, float("nan")), "a", r"argument ids: got the tuple \(0, nan\)"),
        ((0, True), (0, 1), "a", r"argument tokens: got the tuple \(0, True\)"),
        ("ab", (0, 1), "a", r"argument tokens: got the str 'ab'"),
        (None, (0, 1), "a", r"argument tokens: got the NoneType None"),
        ((0, 1), None, "a", r"argument ids: got the NoneType None"),
        ((0, 1), (0, 1), ["a"], r"argument label: got the list \['a'\]; expected a hashable label that equals itself"),
        ((0, 1), (0, 1), float("nan"), r"argument label: got the float nan; .* Use an int, a string, or a tuple"),
        ((0, 1), (0, 1), np.array([1, 2]), r"argument label: got the ndarray"),
    ],
    ids=named,
)
def test_a_malformed_example_is_refused(tokens: Any, ids: Any, label: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^Example: {message}"):
        Example(tokens, ids, label)


# ── Every law, by two routes ─────────────────────────────────────────────────────────────────────────────────────────


@law_cases
def test_size_and_denominator_are_those_of_the_listing(law: Law) -> None:
    outcomes = list(law.outcomes())
    assert law.size == len(outcomes)
    assert law.denominator == sum(weight for _, weight in outcomes)
    assert all(type(weight) is int and weight > 0 for _, weight in outcomes)


@law_cases
def test_the_table_agrees_with_the_probability_of_each_example(law: Law) -> None:
    table = law.table()
    assert sum(table.values()) == law.denominator
    assert {e: Fraction(weight, law.denominator) for e, weight in table.items()} == {
        e: law.probability(e) for e in table
    }
    assert dict(law.items()) == {e: Fraction(weight, law.denominator) for e, weight in table.items()}
    assert law.support() == tuple(table)
    assert {e.label for e in table} <= set(law.labels)
    assert len(set(law.labels)) == len(law.labels)


@law_cases
def test_what_is_not_in_the_table_has_probability_zero(law: Law) -> None:
    table = law.table()
    for e in list(table)[:20]:
        for other in (
            Example(e.tokens, e.ids, "no such label"),
            Example(e.tokens, e.ids, None),
            Example(e.tokens, tuple(i + 100 for i in e.ids), e.label),
            Example((9, *e.tokens[1:]), e.ids, e.label),
            Example((*e.tokens[:-1], 9), e.ids, e.label),
            Example((*e.tokens[:-1], -1), e.ids, e.label),
            Example((-3, *e.tokens[1:]), e.ids, e.label),
            Example((*e.tokens, 0), (*e.ids, 50), e.label),
            Example(e.tokens[::-1], e.ids, e.label),
        ):
            assert law.probability(other) == Fraction(table.get(other, 0), law.denominator)


@law_cases
def test_samples_follow_the_law(law: Law) -> None:
    drawn = law.sample(np.random.default_rng(0), 1500)
    assert len(drawn) == 1500
    assert fits(drawn, dict(law.items()))


@law_cases
def test_samples_are_reproducible_and_plain(law: Law) -> None:
    drawn = law.sample(np.random.default_rng(5), 20)
    assert drawn == law.sample(np.random.default_rng(5), 20)
    assert drawn != law.sample(np.random.default_rng(6), 20) or len(law.support()) < 3
    assert law.sample(np.random.default_rng(5), 0) == []
    assert all(type(value) is int for e in drawn for value in (*e.tokens, *e.ids))


@law_cases
def test_the_table_keeps_to_its_budget(law: Law) -> None:
    assert law.table(budget=law.size) == law.table()
    message = (
        rf"^{type(law).__name__}\.table: argument budget: got a budget of .* for an enumeration of {law.size:,} items"
    )
    with pytest.raises(BudgetExceeded, match=message) as caught:
        law.table(budget=law.size - 1)
    assert (caught.value.size, caught.value.budget, caught.value.covered) == (law.size, law.size - 1, 0)
    for listing in (law.support, law.items):
        with pytest.raises(BudgetExceeded):
            listing(budget=0)
        with pytest.raises(InvalidArgument, match="argument budget: got None; expected an integer"):
            listing(budget=None)  # type: ignore[arg-type]


@law_cases
def test_sampling_refuses_seeds_and_bad_sizes(law: Law) -> None:
    with pytest.raises(
        InvalidArgument, match=r"\.sample: argument rng: got the int 0; expected a numpy random Generator"
    ):
        law.sample(0, 3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"\.sample: argument size: got -1; expected an integer >= 0"):
        law.sample(np.random.default_rng(0), -1)


# ── Finite laws ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finite_law_drops_what_has_no_weight() -> None:
    law = FiniteLaw({A: 1, B: 0})
    assert law.support() == (A,)
    assert law.labels == ("a",)
    assert law.size == 1


def test_finite_laws_with_equal_content_are_equal() -> None:
    law = FiniteLaw({A: "1/3", B: "2/3"}, labels=["a", "b"])
    same = FiniteLaw({B: Fraction(2, 3), A: Fraction(2, 6)}, labels=("a", "b"))
    assert law == same
    assert hash(law) == hash(same)
    assert law != FiniteLaw({A: "2/3", B: "1/3"}, labels=["a", "b"])
    assert law != FiniteLaw({A: "1/3", B: "2/3"}, labels=["b", "a"])
    assert law != {A: 1, B: 2}


def test_the_uniform_law_counts_distinct_examples_once() -> None:
    law = FiniteLaw.uniform(iter([A, B, A]))
    assert law.probability(A) == law.probability(B) == Fraction(1, 2)
    assert FiniteLaw.uniform([A], labels=["b", "a", "b"]).labels == ("b", "a")


@pytest.mark.parametrize(
    ("law", "labels", "message"),
    [
        ({}, None, r"argument law: got \{\}; expected a mapping \{example: probability\} that is not empty\. For"),
        (
            [A, B],
            None,
            r"argument law: got the list .*expected a mapping \{example: probability\}\. .*FiniteLaw\.uniform",
        ),
        (None, None, r"argument law: got the NoneType None; expected a mapping"),
        (
            {((0,), (0,), 1): 1},
            None,
            r"argument law: got \(\(0,\), \(0,\), 1\); expected keys of type Example\. Wrap it",
        ),
        (
            {A: "1/2", B: "1/3"},
            None,
            r"argument law: got weights that sum to 5/6; expected .*Divide every weight by 5/6",
        ),
        ({A: 2, B: -1}, None, r"argument law\[1\]: got the negative weight -1"),
        ({A: 0.5, B: 0.5}, None, r"argument law\[0\]: got the float 0\.5; .* '1/2'"),
        (
            {A: 1},
            ["b"],
            r"argument labels: got \('b',\) without the label 'a'; expected every label that occurs\. Add it",
        ),
        (
            {A: 1},
            "a",
            r"argument labels: got the str 'a'; expected a list or tuple of labels\. For instance labels=\[0",
        ),
        ({A: 1}, 3, r"argument labels: got the int 3; expected a list or tuple of labels"),
        ({A: 1}, {"a"}, r"argument labels: got the set .*expected a list or tuple"),
        ({A: 1}, ["a", ["b"]], r"argument labels\[1\]: got the list \['b'\]; expected a hashable label"),
        ({A: 1}, [], r"argument labels: got \(\) without the label 'a'"),
    ],
    ids=named,
)
def test_what_is_no_finite_law_is_refused(law: Any, labels: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^FiniteLaw: {message}"):
        FiniteLaw(law, labels=labels)


@pytest.mark.parametrize("examples", [3, None, LAWS["parity at 4"], [[A]], A], ids=named)
def test_the_uniform_law_is_on_examples(examples: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^FiniteLaw\.uniform: argument examples: got .*an iterable of examples\. Pass"
    ):
        FiniteLaw.uniform(examples)


@pytest.mark.parametrize(("examples", "message"), [([], r"got \{\}"), (["ab"], "got 'ab'; expected keys of type")])
def test_the_uniform_law_needs_examples(examples: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        FiniteLaw.uniform(examples)


# ── Mixtures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ONE, TWO = FiniteLaw({A: "1/3", B: "2/3"}), FiniteLaw({B: 1}, labels=["c", "b"])


def test_a_mixture_weighs_its_components() -> None:
    law = mixture([(ONE, "1/4"), (TWO, "3/4")])
    assert isinstance(law, Mixture)
    assert law.probability(A) == Fraction(1, 12)
    assert law.probability(B) == Fraction(11, 12)
    assert law.labels == ("a", "b", "c")
    assert law == mixture([(ONE, Fraction(1, 4)), (TWO, Fraction(3, 4))])
    assert hash(law) == hash(mixture([(ONE, "1/4"), (TWO, "3/4")]))
    assert law != mixture([(ONE, "3/4"), (TWO, "1/4")])


def test_a_mixture_in_a_mixture_is_flattened() -> None:
    inner = mixture([(ONE, "1/2"), (TWO, "1/2")])
    law = mixture([(inner, "1/3"), (ONE, "2/3")])
    assert isinstance(law, Mixture)
    assert law.components == ((ONE, Fraction(1, 6)), (TWO, Fraction(1, 6)), (ONE, Fraction(2, 3)))


def test_a_mixture_drops_components_without_weight() -> None:
    assert mixture([(ONE, 0), (TWO, 1)]) is TWO
    assert mixture(iter([(ONE, 1)])) is ONE


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ([], r"argument components: got no components; expected a list of pairs \(law, probability\)\."),
        (
            ONE,
            r"argument components: got <.*FiniteLaw.*>; expected a list of pairs \(law, probability\)\. Pass \[\(ens",
        ),
        (None, r"argument components: got None; expected a list of pairs"),
        (7, r"argument components: got 7; expected a list of pairs"),
        (
            [ONE],
            r"argument components\[0\]: got .*; expected a pair \(law, probability\)\. For equal weights write \(law, '1/1'\)",
        ),
        ([(ONE, "1/2"), [TWO, "1/2"]], r"argument components\[1\]: got .*; expected a pair"),
        ([("1/2", ONE)], r"argument components\[0\]: got .*; expected a pair"),
        ([(ONE, 1, 2)], r"argument components\[0\]: got .*; expected a pair"),
        ("ab", r"argument components\[0\]: got 'a'; expected a pair"),
        ({ONE: 1}, r"argument components\[0\]: got .*; expected a pair"),
        ([(ONE, "1/2"), (TWO, "1/3")], r"argument components: got weights that sum to 5/6"),
        ([(ONE, "3/2"), (TWO, "-1/2")], r"argument components\[1\]: got the negative weight -1/2"),
        ([(ONE, 0.5), (TWO, 0.5)], r"argument components\[0\]: got the float 0\.5; .* '1/2'"),
    ],
    ids=named,
)
def test_what_is_no_mixture_is_refused(components: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^mixture: {message}"):
        mixture(components)


@pytest.mark.parametrize("empty", [(), []])
def test_a_mixture_has_a_component(empty: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"Mixture: argument components: got .*; expected at least one pair"):
        Mixture(empty)


def test_laws_without_weights_are_told_their_weight() -> None:
    law = FiniteLaw({Example((0,), (0,), 0): 1})
    with pytest.raises(InvalidArgument, match=r"components\[0\]: .* For equal weights write \(law, '1/2'\)\."):
        mixture([law, law])  # type: ignore[list-item]
