"""Candidate sets, keys and views against the definitions, and hard heads."""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import routes, strategies
from tests.cases import HEADS, KEYS, LAWS, example, named
from theory import Example, HardHead, HeadClass, InvalidArgument, Law, View
from theory.heads import Key
from theory.positions import Ids


@given(heads=strategies.heads(), ids=strategies.ids())
def test_candidates_are_the_sets_of_the_definition_each_once(heads: HeadClass, ids: Ids) -> None:
    listed = list(heads.candidates(ids))
    assert sorted(listed, key=lambda set_: (len(set_), set_)) == routes.candidates(heads, ids)  # each set once
    assert heads.n_candidates(ids) == len(listed)


@pytest.mark.parametrize("heads", HEADS, ids=str)
def test_candidates_of_typical_ids(heads: HeadClass) -> None:
    for ids in [
        (0,),
        (0, 1),
        (5, 6, 7, 8, 9),
        (0, 1, 2, 0, 1, 2),
        (0, 0, 0, 0),
        (4, 3, 2, 1, 0),
        (0, 3, 6, 9),
        (1, 9, 1),
        (3, 1, 0, 2),  # the last position has neither the least ID nor the greatest
        (0, 1, 1, 2, 1),
    ]:
        listed = list(heads.candidates(ids))
        assert sorted(listed) == routes.candidates(heads, ids)
        assert heads.n_candidates(ids) == len(listed)


def test_no_positions_have_no_candidates() -> None:
    for heads in HEADS:
        assert list(heads.candidates(())) == []
        assert heads.n_candidates(()) == 0


def test_counting_needs_no_listing() -> None:
    ids = tuple(range(1000))
    assert HeadClass(10).n_candidates(ids) == comb(1000, 10)
    assert HeadClass(10, anchor="last").n_candidates(ids) == comb(999, 9)
    assert HeadClass(3, window=500).n_candidates(ids) == 500 * comb(500, 2) + comb(500, 3)


def test_at_most_k_positions_are_the_arities_up_to_k_together() -> None:
    few = HeadClass(2, 1, "relative", "last", at_most=True)
    assert list(few.candidates((4, 0, 5, 4))) == [(3,), (0, 3), (2, 3)]
    assert few.views(example((1, 2, 3, 1), 0, (4, 0, 5, 4))) == {
        ((1,), (0,)),
        ((1, 1), (0, 0)),
        ((3, 1), (0, -1)),
    }
    assert few.parts(9) == (HeadClass(1, 1, "relative", "last"), HeadClass(2, 1, "relative", "last"))
    assert few.parts(1) == few.parts(9)[:1]
    assert HeadClass(3).parts(1) == (HeadClass(3),)
    assert HeadClass(10**9, at_most=True).n_candidates(range(10)) == 2**10 - 1  # no longer than the sequence allows
    assert len(list(HeadClass(10**9, at_most=True).candidates((0, 1, 2)))) == 7


def test_a_class_says_whether_it_takes_fewer_positions() -> None:
    assert repr(HeadClass(2)) == "HeadClass(arity=2, window=None, key='none', anchor='none')"
    assert (
        repr(HeadClass(2, at_most=True)) == "HeadClass(arity=2, window=None, key='none', anchor='none', at_most=True)"
    )
    assert HeadClass(2, at_most=True) != HeadClass(2)
    for heads in (HeadClass(2, 1, "order", "last"), HeadClass(2, 1, "order", "last", at_most=True)):
        assert eval(repr(heads)) == heads
    with pytest.raises(InvalidArgument, match=r"HeadClass: argument at_most: got the int 1; expected True or False"):
        HeadClass(2, at_most=1)  # type: ignore[arg-type]


def test_views_of_at_most_k_tokens_are_checked_by_their_own_size() -> None:
    for heads, view, fault in (
        (HeadClass(2, key="order", at_most=True), ((1,), (0, 0)), r"expected at most 2 tokens .* a key of as many"),
        (HeadClass(2, at_most=True), ((1, 1, 1), ()), r"with 3 tokens .* expected at most 2 tokens .* a key of 0"),
        (HeadClass(2, at_most=True), ((), ()), r"with 0 tokens .* arity at most 2, key 'none'"),
        (HeadClass(2), ((1,), ()), r"with 1 tokens .*; expected 2 tokens .* a key of 0"),
    ):
        with pytest.raises(InvalidArgument, match=fault):
            HardHead(heads, {view: 0})  # type: ignore[dict-item]
    assert (
        len(HardHead(HeadClass(2, key="order", at_most=True), {View((1,), (0,)): 0, View((1, 1), (0, 1)): 0}).answers)
        == 2
    )


@given(heads=strategies.heads(), ids=strategies.ids())
def test_keys_are_those_of_the_definition(heads: HeadClass, ids: Ids) -> None:
    assert heads.key_of(ids) == routes.key(heads, ids)


@given(
    ids=strategies.ids(),
    gaps=st.lists(st.integers(1, 5), min_size=7, max_size=7),
    shift=st.integers(-9, 9),
    key=st.sampled_from(KEYS),
)
def test_what_keys_cannot_tell_apart(ids: Ids, gaps: list[int], shift: int, key: Key) -> None:
    heads = HeadClass(2, key=key)
    stretched = tuple(sum(gaps[: i + 2]) for i in ids)  # an increasing relabelling
    shifted = tuple(i + shift for i in ids)
    if key in ("none", "order"):
        assert heads.key_of(stretched) == heads.key_of(ids)
    if key != "absolute":
        assert heads.key_of(shifted) == heads.key_of(ids)
    else:
        assert heads.key_of(shifted) == tuple(i + shift for i in heads.key_of(ids))


@given(ids=strategies.ids(4), other=strategies.ids(4))
def test_what_the_order_key_tells_apart(ids: Ids, other: Ids) -> None:
    def comparisons(values: Ids) -> list[int]:
        return [(a > b) - (a < b) for a in values for b in values]

    heads = HeadClass(2, key="order")
    assert (heads.key_of(ids) == heads.key_of(other)) == (comparisons(ids) == comparisons(other))


@given(heads=strategies.heads(), e=strategies.examples(vocabulary=3, max_length=5))
def test_views_are_those_of_the_definition(heads: HeadClass, e: Example) -> None:
    expected = Counter(routes.views(heads, e))
    assert heads.view_counts(e) == expected
    assert heads.views(e) == frozenset(expected)
    for chosen in heads.candidates(e.ids):
        view = heads.view(e.tokens, e.ids, chosen)
        assert view in expected
        heads.check_view(view, "f", "view")  # a view of an example is a view of the class


def test_a_head_class_is_a_frozen_value() -> None:
    heads = HeadClass(2, 1, "relative", "last")
    assert heads == HeadClass(arity=2, window=1, key="relative", anchor="last")
    assert hash(heads) == hash(HeadClass(2, 1, "relative", "last"))
    assert len(set(HEADS)) == len(HEADS)
    assert pickle.loads(pickle.dumps(heads)) == heads
    with pytest.raises(dataclasses.FrozenInstanceError):
        heads.arity = 3  # type: ignore[misc]


@pytest.mark.parametrize("arity", [0, -1, True, 2.0, "2", None, np.int64(2), (2,)], ids=named)
def test_an_arity_is_a_positive_integer(arity: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^HeadClass: argument arity: got .*; expected an integer >= 1\. Give the"
    ):
        HeadClass(arity)


@pytest.mark.parametrize("window", [-1, True, 1.0, float("inf"), "1", np.int64(2), (1,)], ids=named)
def test_a_window_is_a_natural_number_or_none(window: Any) -> None:
    message = (
        r"^HeadClass: argument window: got .*; expected an integer >= 0, or None for no limit\. Use None for w = ∞\."
    )
    with pytest.raises(InvalidArgument, match=message):
        HeadClass(2, window)


ADVICE = {"Relative": r"Did you mean 'relative'\?", "least": r"Did you mean 'last'\?", None: r"Did you mean 'none'\?"}


@pytest.mark.parametrize("key", ["Relative", "", None, 1, ("",)], ids=named)
def test_a_key_is_one_of_four(key: Any) -> None:
    message = r"argument key: got .*; expected one of none, order, relative, absolute\. "
    with pytest.raises(InvalidArgument, match=message + ADVICE.get(key, r"Use 'none' to ignore the IDs\.")):
        HeadClass(2, key=key)


@pytest.mark.parametrize("anchor", ["first", "least", "", None, 1, ("a", "last", "token")], ids=named)
def test_an_anchor_is_one_of_two(anchor: Any) -> None:
    message = r"argument anchor: got .*; expected one of none, last\. "
    message += ADVICE.get(anchor, r"Use 'last' for next-token prediction\.")
    with pytest.raises(InvalidArgument, match=message):
        HeadClass(2, anchor=anchor)


# ── Hard heads ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(heads=strategies.heads(2), e=strategies.examples(max_length=4), data=st.data())
def test_the_loss_is_the_wrong_share_of_the_selected_sets(heads: HeadClass, e: Example, data: st.DataObject) -> None:
    views = sorted(heads.views(e))
    answers = data.draw(st.dictionaries(st.sampled_from(views), st.integers(0, 2))) if views else {}
    head = HardHead(heads, answers)
    assert head.loss(e) == routes.head_loss(head, e)


@pytest.mark.parametrize("law", [LAWS["parity at 4"], LAWS["noisy at 4, coupled, shift"]])
def test_the_loss_of_a_head_that_answers_every_view(law: Law) -> None:
    heads = HeadClass(2, 2, "relative")
    views = {view for e in law.support() for view in heads.views(e)}
    head = HardHead(heads, {view: law.labels[sum(view.tokens) % 2] for view in views})
    assert {head.loss(e) for e in law.support()} == {routes.head_loss(head, e) for e in law.support()}
    assert any(0 < head.loss(e) < 1 for e in law.support())


def test_an_abstention_loses_one() -> None:
    assert HardHead(HeadClass(1), {}).loss(example((0, 1))) == 1
    assert HardHead(HeadClass(3), {View((0, 0, 0), ()): 0}).loss(example((0, 0))) == 1


def test_a_hard_head_is_a_value_that_keeps_its_answers() -> None:
    answers: dict[View, Any] = {View((1,), ()): "one", View((2,), ()): "two"}
    head = HardHead(HeadClass(1), answers)
    same = HardHead(HeadClass(1), dict(reversed(answers.items())))
    assert head == same
    assert hash(head) == hash(same)
    assert pickle.loads(pickle.dumps(head)) == head
    answers[View((0,), ())] = "changed"
    assert head == same
    assert hash(head) == hash(same)
    assert head != HardHead(HeadClass(1, 0), same.answers)
    with pytest.raises(dataclasses.FrozenInstanceError):
        head.answers = {}  # type: ignore[misc]


def test_a_plain_pair_is_a_view() -> None:
    head = HardHead(HeadClass(1), {((1,), ()): "one"})  # type: ignore[dict-item]
    assert head.loss(example((1, 0), "one")) == 0
    assert head.loss(example((1, 0), "two")) == Fraction(1)


@pytest.mark.parametrize(
    ("heads", "answers", "message"),
    [
        (
            None,
            {},
            r"argument heads: got the NoneType None; expected a HeadClass\. For instance HeadClass\(arity=2\)\.",
        ),
        (2, {}, r"argument heads: got the int 2; expected a HeadClass"),
        (HeadClass, {}, r"argument heads: got the type .*; expected a HeadClass"),
        (
            HeadClass(1),
            [View((1,), ())],
            r"argument answers: got the list .*; expected a mapping \{view: label\}\. List",
        ),
        (HeadClass(1), None, r"argument answers: got the NoneType None"),
        (HeadClass(1), {(1,): 0}, r"argument answers: got the view \(1,\); expected a View: a pair .*\. Write View"),
        (HeadClass(1), {1: 0}, r"argument answers: got the view 1; expected a View"),
        (HeadClass(1), {(1, 2): 0}, r"argument answers: got the view \(1, 2\); expected a View"),
        (HeadClass(1), {((1,), (), ()): 0}, r"argument answers: got the view .*; expected a View"),
        (HeadClass(1), {"ab": 0}, r"argument answers: got the view 'ab'; expected a View"),
        (
            HeadClass(2),
            {View((1,), ()): 0},
            r"argument answers: got the view \(\(1,\), \(\)\) with 1 tokens and a key of 0; expected 2 tokens "
            r"\(the arity\) and a key of 0\. Match the head class: arity 2, key 'none'\.",
        ),
        (
            HeadClass(1),
            {View((1,), (0,)): 0},
            r"1 tokens and a key of 1; expected 1 tokens \(the arity\) and a key of 0",
        ),
        (
            HeadClass(1, key="absolute"),
            {View((1,), ()): 0},
            r"a key of 0; expected 1 tokens \(the arity\) and a key of 1",
        ),
        (
            HeadClass(2, key="order"),
            {View((1, 1), (0,)): 0},
            r"a key of 1; expected 2 tokens \(the arity\) and a key of 2",
        ),
        (
            HeadClass(1),
            {View((1,), ()): [0]},
            r"argument answers\[\(\(1,\), \(\)\)\]: got the list \[0\]; expected a hashable",
        ),
        (
            HeadClass(1),
            {View((1,), ()): float("nan")},
            r"got the float nan; expected a hashable label that equals itself",
        ),
    ],
    ids=named,
)
def test_what_is_no_hard_head_is_refused(heads: Any, answers: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^HardHead: .*{message}"):
        HardHead(heads, answers)
