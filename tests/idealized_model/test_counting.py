"""Exact counting against plain enumeration, closed forms and algebraic identities."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idealized_model import HeadOutput, SparseAttentionHead
from idealized_model.counting import (
    Counts,
    chen_product,
    evaluate,
    evaluate_float,
    pattern_counts,
    patterns,
    prefix_outputs,
    prefix_outputs_float,
    prefixes,
    signature,
    view_counts,
    views,
)
from tests import routes, strategies
from tests.cases import ANCHORS, HEADS, KEYS
from theory import BudgetExceeded, ExactnessLost, Example, HeadClass, InvalidArgument, TheoryError, View
from theory.examples import Label
from theory.heads import Anchor, Key

Words = list[int]


def plain_patterns(tokens: Words, vocabulary: int, arity: int) -> Counts:
    """First second route: every k-tuple, one by one."""
    counts = np.zeros((vocabulary,) * arity, dtype=object)
    for chosen in combinations(tokens, arity):
        counts[chosen] += 1
    return counts


def recurrence(tokens: Words, vocabulary: int, arity: int) -> Counts:
    """Second second route: token by token, in Python integers; it reaches lengths that enumeration does not."""
    levels: list[Counts] = [np.zeros((vocabulary,) * j, dtype=object) for j in range(arity + 1)]
    levels[0][()] = 1
    for token in tokens:
        for j in range(arity, 0, -1):
            levels[j][..., token] += levels[j - 1]
    return levels[arity]


def same(counts: Counts, plain: Counts) -> bool:
    return counts.shape == plain.shape and bool((counts == plain).all())


@st.composite
def sequences(draw: st.DrawFn, *, max_length: int = 12) -> tuple[Words, int]:
    """Tokens and their vocabulary, of which some tokens may not occur."""
    vocabulary = draw(st.integers(1, 4))
    return draw(st.lists(st.integers(0, vocabulary - 1), max_size=max_length)), vocabulary


@pytest.fixture(params=["as is", "tiny blocks", "tiny pieces", "one row"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way to cut a sequence, forced on short ones."""
    if request.param == "tiny blocks":
        monkeypatch.setattr(patterns, "_block_limit", lambda arity: (np.int64, 2))
    elif request.param == "tiny pieces":
        monkeypatch.setattr(patterns, "_PIECE", 4)
    elif request.param == "one row":
        monkeypatch.setattr(patterns, "_SCANNED", 1)


@given(sequences(), st.integers(1, 4))
def test_pattern_counts_are_those_of_the_definition(case: tuple[Words, int], arity: int) -> None:
    tokens, vocabulary = case
    counts = pattern_counts(tokens, vocabulary=vocabulary, arity=arity)
    assert counts.dtype == np.int64
    assert same(counts, plain_patterns(tokens, vocabulary, arity))
    assert same(counts, recurrence(tokens, vocabulary, arity))


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 16, 23, 40])
def test_pattern_counts_do_not_depend_on_the_cuts(length: int) -> None:
    rng = np.random.default_rng(length)
    for vocabulary, arity in [(1, 1), (2, 3), (3, 2), (5, 1), (2, 4)]:
        tokens = rng.integers(0, vocabulary, size=(3, length))
        batch = pattern_counts(tokens, vocabulary=vocabulary, arity=arity)
        for row, counts in zip(tokens.tolist(), batch, strict=True):
            assert same(counts, plain_patterns(row, vocabulary, arity))


def test_a_wrong_product_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = patterns._chen
    monkeypatch.setattr(patterns, "_chen", lambda left, r, bounds: right(r, left, bounds))
    tokens = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert not same(pattern_counts(tokens, vocabulary=2, arity=2), plain_patterns(tokens, 2, 2))


@given(sequences(), st.integers(1, 4))
def test_a_signature_holds_all_levels(case: tuple[Words, int], arity: int) -> None:
    tokens, vocabulary = case
    levels = signature(tokens, vocabulary=vocabulary, arity=arity)
    assert len(levels) == arity + 1
    for j, level in enumerate(levels):
        assert same(level, plain_patterns(tokens, vocabulary, j))


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("length", [0, 2, 9])
def test_leading_axes_are_a_batch(batch: tuple[int, ...], length: int) -> None:
    tokens = np.random.default_rng(0).integers(0, 3, size=(*batch, length), dtype=np.uint8)
    levels = signature(tokens, vocabulary=3, arity=2)
    assert [level.shape for level in levels] == [batch, (*batch, 3), (*batch, 3, 3)]
    for index in np.ndindex(*batch):
        assert same(levels[2][index], plain_patterns(tokens[index].tolist(), 3, 2))


def test_a_batch_larger_than_what_is_scanned_at_once() -> None:
    tokens = np.random.default_rng(0).integers(0, 2, size=(5000, 6))
    counts = pattern_counts(tokens, vocabulary=2, arity=2)
    for row in (0, 1, 4095, 4096, 4999):
        assert same(counts[row], plain_patterns(tokens[row].tolist(), 2, 2))
    assert (counts.sum(axis=(1, 2)) == 15).all()


@pytest.mark.parametrize("arity", [1, 2, 3, 4, 6])
def test_a_short_sequence_has_no_tuples(arity: int) -> None:
    for length in range(arity):
        assert not pattern_counts([0] * length, vocabulary=2, arity=arity).any()


@pytest.mark.parametrize(
    ("length", "arity"), [(1, 1), (10**5, 1), (10**5, 2), (10**5, 3), (10**5, 4), (3000, 7), (100, 64), (70, 35)]
)
def test_a_constant_sequence_has_a_binomial_count(length: int, arity: int) -> None:
    levels = signature(np.zeros(length, dtype=int), vocabulary=1, arity=arity)
    for j, level in enumerate(levels):
        assert int(level.item()) == comb(length, j)
        assert level.dtype == (np.int64 if comb(length, j) < 2**63 else object)


@pytest.mark.parametrize(("length", "arity"), [(6000, 3), (2100, 7), (10**5, 1)])
def test_a_block_is_no_longer_than_its_type_holds(length: int, arity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_SCANNED", 1)  # one block at a time, as long as may be
    counts = pattern_counts(np.zeros(length, dtype=int), vocabulary=1, arity=arity)
    assert int(counts.item()) == comb(length, arity)


@pytest.mark.parametrize("arity", [3, 5, 12])
def test_the_type_changes_where_int64_ends(arity: int) -> None:
    fits = next(n for n in (2**j for j in range(40)) if comb(n, arity) >= 2**63) - 1
    low = 0
    while fits - low > 1:  # the largest length with C(length, arity) < 2^63
        middle = (low + fits) // 2
        low, fits = (middle, fits) if comb(middle, arity) < 2**63 else (low, middle)
    for length, dtype in ((low, np.int64), (low + 1, object)):
        counts = pattern_counts(np.zeros(length, dtype=np.uint8), vocabulary=1, arity=arity)
        assert counts.dtype == dtype
        assert int(counts.item()) == comb(length, arity)


def test_python_integers_take_over() -> None:
    tokens = np.random.default_rng(0).integers(0, 2, size=220)
    counts = pattern_counts(tokens, vocabulary=2, arity=12)
    assert counts.dtype == object
    assert all(type(n) is int for n in counts.flat)
    assert same(counts, recurrence(tokens.tolist(), 2, 12))
    assert counts.sum() == comb(220, 12)


def test_long_sequences_satisfy_the_quasi_shuffle_identities() -> None:
    # A product of counts counts pairs of tuples, sorted by how their positions interleave or coincide.
    tokens = np.random.default_rng(0).integers(0, 3, size=10**5)
    _, one, two, three = (level.astype(object) for level in signature(tokens, vocabulary=3, arity=3))
    assert one.tolist() == np.bincount(tokens).tolist()
    assert (np.multiply.outer(one, one) == two + two.T + np.diag(one)).all()
    for a, b, c in product(range(3), repeat=3):
        shuffles = three[a, b, c] + three[b, a, c] + three[b, c, a]
        assert one[a] * two[b, c] == shuffles + (a == b) * two[a, c] + (a == c) * two[b, c]


def test_reversing_a_sequence_reverses_its_patterns() -> None:
    tokens = np.random.default_rng(0).integers(0, 4, size=12345)
    counts = pattern_counts(tokens, vocabulary=4, arity=3)
    assert (pattern_counts(tokens[::-1], vocabulary=4, arity=3) == counts.transpose(2, 1, 0)).all()
    swapped = np.array([2, 0, 3, 1])
    assert (pattern_counts(swapped[tokens], vocabulary=4, arity=3)[np.ix_(*[swapped] * 3)] == counts).all()


@given(sequences(max_length=20), st.integers(1, 4), st.data())
def test_signatures_multiply(case: tuple[Words, int], arity: int, data: st.DataObject) -> None:
    tokens, vocabulary = case
    first = data.draw(st.integers(0, len(tokens)))
    second = data.draw(st.integers(first, len(tokens)))
    a, b, c = (
        signature(part, vocabulary=vocabulary, arity=arity)
        for part in (tokens[:first], tokens[first:second], tokens[second:])
    )
    whole = signature(tokens, vocabulary=vocabulary, arity=arity)
    left, right = chen_product(chen_product(a, b), c), chen_product(a, chen_product(b, c))
    for levels in zip(whole, left, right, strict=True):
        assert same(levels[0], levels[1])
        assert same(levels[1], levels[2])


def test_products_broadcast_over_batches() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 3, size=(4, 1, 6)), rng.integers(0, 3, size=(5, 7))
    levels = chen_product(*(signature(part, vocabulary=3, arity=2) for part in (left, right)))
    for i, j in product(range(4), range(5)):
        assert same(levels[2][i, j], plain_patterns([*left[i, 0].tolist(), *right[j].tolist()], 3, 2))


def test_products_are_exact_where_int64_ends() -> None:
    half = signature(np.zeros(5000, dtype=int), vocabulary=1, arity=6)
    assert half[5].dtype == np.int64
    whole = chen_product(half, half)
    assert [int(level.item()) for level in whole] == [comb(10000, j) for j in range(7)]
    extreme = (np.array(1), np.array([-(2**63)]), np.array([[2**63 - 1]]))
    assert chen_product(extreme, extreme)[2].tolist() == [[2 * (2**63 - 1) + 2**126]]


# Views


@settings(max_examples=300)
@given(strategies.heads(max_arity=4), st.data())
def test_view_counts_are_those_of_the_head_class(heads: HeadClass, data: st.DataObject) -> None:
    ids = data.draw(st.one_of(strategies.ids(max_size=8), st.integers(0, 8).map(lambda n: tuple(range(n)))))
    tokens = data.draw(st.lists(st.integers(-1, 2), min_size=len(ids), max_size=len(ids)))
    counts = view_counts(heads, tokens, ids)
    if not ids:
        assert counts == Counter()
        return
    example = Example(tuple(tokens), ids, 0)
    assert counts == heads.view_counts(example)
    assert counts == Counter(View(*view) for view in routes.views(heads, example))
    assert all(type(part) is int for view in counts for part in (*view.tokens, *view.key, counts[view]))


@pytest.mark.parametrize("heads", HEADS, ids=str)
@pytest.mark.parametrize("ids", ["rising", "level", "coupled", "random", "falling"])
def test_view_counts_of_longer_sequences(heads: HeadClass, ids: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_CHUNK", 50)  # several chunks of sets
    rng = np.random.default_rng(1)
    given_ids = {
        "rising": np.cumsum(rng.integers(1, 3, size=24)),
        "level": np.arange(24) // 3,
        "coupled": np.arange(24) % 12,
        "random": rng.integers(0, 12, size=24),
        "falling": -np.arange(24),
    }[ids]
    tokens = rng.integers(0, 3, size=24)
    example = Example(tuple(tokens.tolist()), tuple(given_ids.tolist()), 0)
    assert view_counts(heads, tokens, given_ids) == heads.view_counts(example)


def test_views_of_every_size_at_length_100000() -> None:
    """Without a window nothing is listed: the query alone, and the pairs with it."""
    tokens = [0, 1] * 50_000
    counts = view_counts(HeadClass(2, anchor="last", at_most=True), tokens, range(100_000), budget=0)
    assert counts == {View((1,), ()): 1, View((0, 1), ()): 50_000, View((1, 1), ()): 49_999}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("anchor", ANCHORS)
def test_windows_at_length_3000(key: Key, anchor: Anchor) -> None:
    heads = HeadClass(2, 3, key, anchor)
    tokens = np.random.default_rng(0).integers(0, 8, size=3000)
    example = Example(tuple(tokens.tolist()), tuple(range(3000)), 0)
    assert view_counts(heads, tokens, np.arange(3000)) == heads.view_counts(example)


@pytest.mark.parametrize("anchor", ANCHORS)
def test_a_window_that_holds_all_ids_is_none(anchor: Anchor) -> None:
    tokens, ids = [0, 1] * 20000, np.arange(40000) * 5
    counts = view_counts(HeadClass(3, 10**7, "order", anchor), tokens, ids)
    free = pattern_counts(tokens[:-1] if anchor == "last" else tokens, vocabulary=2, arity=2 if anchor == "last" else 3)
    word = {"none": (0, 0, 1), "last": (0, 0, 1)}[anchor]
    assert counts[View(word, (0, 1, 2))] == free[word if anchor == "none" else word[:2]]
    assert counts.total() == (comb(40000, 3) if anchor == "none" else comb(39999, 2))


@pytest.mark.parametrize("key", KEYS)
def test_extreme_integers(key: Key) -> None:
    tokens = [-(2**63), 2**63 - 1, 0, 0]
    for ids in ([-(2**63), 2**63 - 1, 0, 5], [2**63 - 1] * 4, [2**63 - 3, 2**63 - 1, 2**63 - 2, 2**63 - 1]):
        for window in (None, 0, 1, 2**70):
            heads = HeadClass(2, window, key)
            assert view_counts(heads, tokens, ids) == heads.view_counts(Example(tuple(tokens), tuple(ids), 0))


def test_many_distinct_tokens_are_listed() -> None:
    tokens = list(range(100))
    assert view_counts(HeadClass(3), tokens, tokens).total() == comb(100, 3)


def test_a_view_too_large_for_a_code_is_counted_plainly() -> None:
    ids = tuple(10**5 * i for i in range(9))
    heads = HeadClass(6, None, "relative")
    assert view_counts(heads, ids, ids) == heads.view_counts(Example(ids, ids, 0))


@pytest.mark.parametrize(
    ("heads", "size"),
    [
        (HeadClass(2, None, "relative"), comb(1000, 2)),
        (HeadClass(2, 3), 3 * 997 + 3),
        (HeadClass(3, None, "relative", "last"), comb(999, 2)),
        (HeadClass(8, None, "relative"), comb(1000, 8)),
        (HeadClass(3, None, "relative", "last", at_most=True), 1 + 999 + comb(999, 2)),
    ],
)
def test_a_long_list_needs_a_budget(heads: HeadClass, size: int) -> None:
    with pytest.raises(BudgetExceeded, match=r"view_counts: argument budget: got a budget of 10 for") as caught:
        view_counts(heads, [0] * 1000, range(1000), budget=10)
    assert caught.value.size == size


# Heads


def soft_head(heads: HeadClass) -> SparseAttentionHead:
    """Unequal scores, some 0, and laws as answers."""
    return SparseAttentionHead(
        heads,
        score=lambda view: Fraction(sum(view.tokens) + len(set(view.key)) % 2, 3),
        value=lambda view: {("first", view.tokens[0]): Fraction(1, 3), ("last", view.tokens[-1]): Fraction(2, 3)},
    )


def answers(vocabulary: int) -> list[Label]:
    """The labels of a soft head."""
    return list(product(("first", "last"), range(vocabulary)))


@given(strategies.heads(), st.data())
def test_evaluate_is_the_head_itself(heads: HeadClass, data: st.DataObject) -> None:
    ids = data.draw(strategies.ids())
    tokens = tuple(data.draw(st.lists(st.integers(0, 2), min_size=len(ids), max_size=len(ids))))
    head = soft_head(heads)
    out = evaluate(head, tokens, ids)
    assert out == head(Example(tokens, ids, 0))
    probabilities, abstains = evaluate_float(head, tokens, ids, answers(3))
    assert abstains == out.abstains
    assert probabilities == pytest.approx([float(out.law.get(label, 0)) for label in answers(3)], rel=1e-14)


def test_nothing_to_attend_to() -> None:
    head = soft_head(HeadClass(2))
    assert evaluate(head, [], []) == HeadOutput({}, Fraction(0))
    probabilities, abstains = evaluate_float(head, [1], [0], ["a", "b"])
    assert (probabilities.tolist(), abstains) == ([0.0, 0.0], True)


def test_a_head_on_a_million_tokens() -> None:
    tokens = np.tile([0, 1], 500_000)
    head = SparseAttentionHead(
        HeadClass(2), score=lambda view: 1, value=lambda view: "up" if view.tokens == (0, 1) else ""
    )
    n = 500_000
    expected = Fraction(comb(n + 1, 2), comb(2 * n, 2))  # a 0 in pair i and a 1 in pair j >= i
    assert evaluate(head, tokens, np.arange(2 * n)).law["up"] == expected
    assert evaluate_float(head, tokens, np.arange(2 * n), ["up", ""])[0][0] == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e9, 1e300])
def test_large_logits_do_not_overflow(shift: float) -> None:
    gap = max(1.0, math.ulp(shift))
    head = SparseAttentionHead(
        HeadClass(1), logit=lambda view: shift - gap * view.tokens[0], value=lambda view: view.tokens[0]
    )
    probabilities, abstains = evaluate_float(head, [0, 1, 1], [0, 1, 2], [0, 1])
    odds = 2 * math.exp(-gap)
    assert not abstains
    assert probabilities.tolist() == pytest.approx([1 / (1 + odds), odds / (1 + odds)], rel=1e-14)


def test_counts_beyond_the_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counter({View((0,), ()): 10**400, View((1,), ()): 3 * 10**400, View((2,), ()): 1})
    monkeypatch.setattr(views, "view_counts", lambda *args, **options: counts)
    head = SparseAttentionHead(
        HeadClass(1), logit=lambda view: 400 * math.log(10) * (view.tokens[0] == 2), value=lambda view: view.tokens[0]
    )
    assert evaluate_float(head, [0], [0], [0, 1, 2])[0].tolist() == pytest.approx([0.2, 0.6, 0.2], rel=1e-12)


# Prefixes


@given(sequences(max_length=9), st.integers(1, 3), st.sampled_from(ANCHORS), st.integers(1, 4))
def test_prefix_outputs_are_the_head_on_every_prefix(
    case: tuple[Words, int], arity: int, anchor: Anchor, block: int
) -> None:
    tokens, vocabulary = case
    head = soft_head(HeadClass(arity, anchor=anchor))
    labels = answers(vocabulary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefixes, "_BLOCK", block)
        out = prefix_outputs(head, tokens, vocabulary=vocabulary, labels=labels)
        probabilities, abstains = prefix_outputs_float(head, tokens, vocabulary=vocabulary, labels=labels)
    assert out.numerators.shape == probabilities.shape == (len(tokens), len(labels))
    assert out.abstains.tolist() == abstains.tolist()
    for t in range(len(tokens)):
        expected = head(Example(tuple(tokens[: t + 1]), tuple(range(t + 1)), 0))
        assert out.output(t) == expected
        exact = [float(expected.law.get(label, 0)) for label in labels]
        assert probabilities[t].tolist() == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("anchor", ANCHORS)
def test_prefix_outputs_in_python_integers(anchor: Anchor) -> None:
    scores = {(0, 0): Fraction(1, 3**50), (0, 1): Fraction(7), (1, 1): Fraction(5, 2**60)}
    head = SparseAttentionHead(
        HeadClass(2, anchor=anchor),
        score={View(word, ()): score for word, score in scores.items()},
        value=lambda view: view.tokens,
    )
    tokens = [0, 1, 1, 0, 0, 1, 0, 1]
    out = prefix_outputs(head, tokens, vocabulary=2, labels=list(scores))
    assert out.numerators.dtype == object
    for t in range(len(tokens)):
        assert out.output(t) == head(Example(tuple(tokens[: t + 1]), tuple(range(t + 1)), 0))


@pytest.mark.parametrize("anchor", ANCHORS)
def test_long_prefixes_grow_into_python_integers(anchor: Anchor) -> None:
    head = SparseAttentionHead(HeadClass(5, anchor=anchor), score=lambda view: 1, value=lambda view: "all")
    out = prefix_outputs(head, [0] * 20000, vocabulary=1, labels=["all"])
    assert out.denominators.dtype == object
    for t in (3, 4, 100, 10**4, 19999):
        assert out.denominators[t] == (comb(t, 4) if anchor == "last" else comb(t + 1, 5))


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize(("arity", "length"), [(1, 300_000), (2, 100_000), (3, 10_000)])
def test_the_float_error_of_prefixes_stays_below_its_bound(arity: int, anchor: Anchor, length: int) -> None:
    tokens = np.random.default_rng(arity).integers(0, 3, size=length)
    head = SparseAttentionHead(
        HeadClass(arity, anchor=anchor),
        score=lambda view: Fraction(1, 3 + 7 ** sum(view.tokens)),
        value=lambda view: {0: Fraction(1, 7), 1 + view.tokens[0] % 2: Fraction(6, 7)},
    )
    exact = prefix_outputs(head, tokens, vocabulary=3, labels=[0, 1, 2])
    floats, _ = prefix_outputs_float(head, tokens, vocabulary=3, labels=[0, 1, 2])
    denominators = np.where(exact.abstains, 1, exact.denominators).astype(object)
    expected = (exact.numerators.astype(object) / denominators[:, None]).astype(float)  # correctly rounded
    assert (abs(floats - expected) <= 1e-12 * expected).all()
    assert ((floats == 0) == (expected == 0)).all()


def test_what_rounding_takes_from_long_sums_is_kept() -> None:
    """One a block, on top of 2^53: floats alone would stay at 2^53, or grow by 2."""
    carry, n = np.zeros((2, 1)), 1001
    sums = prefixes._running(np.array([[2.0**53]]), carry)
    for _ in range(n):
        sums = prefixes._running(np.ones((1, 1)), carry)
    assert sum(map(int, carry[:, 0])) == 2**53 + n
    assert abs(int(sums[-1, 0]) - (2**53 + n)) <= 1


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("steepness", [1.0, 499.9, 700.0, 1e5, 1e308])
def test_prefixes_of_steep_heads_neither_underflow_nor_abstain(anchor: Anchor, steepness: float) -> None:
    # The best tokens come last: until then the head attends to views of vanishing relative weight.
    tokens = [0, 0, 1, 0, 1, 2, 0, 1, 2]
    head = SparseAttentionHead(
        HeadClass(2, anchor=anchor),
        logit=lambda view: steepness * (max(view.tokens) - 1) + min(view.tokens) / 3,
        value=lambda view: view.tokens,
    )
    labels = list(product(range(3), repeat=2))
    probabilities, abstains = prefix_outputs_float(head, tokens, vocabulary=3, labels=labels)
    assert abstains.tolist() == [True, *[False] * 8]
    for t in range(1, len(tokens)):
        one, _ = evaluate_float(head, tokens[: t + 1], range(t + 1), labels)
        assert probabilities[t].tolist() == pytest.approx(one.tolist(), rel=1e-12)


def test_views_that_never_occur_need_no_value() -> None:
    head = SparseAttentionHead(HeadClass(2), score=lambda view: 1, value={View((0, 0), ()): "a"})
    assert prefix_outputs(head, [0, 0, 0], vocabulary=9, labels=["a"]).denominators.tolist() == [0, 1, 3]
    assert prefix_outputs_float(head, [0, 0], vocabulary=9, labels=["a"])[0].tolist() == [[0.0], [1.0]]


# Refusals

ONE = SparseAttentionHead(HeadClass(1), score=lambda view: 1, value=lambda view: view.tokens[0])
LOGITS = SparseAttentionHead(HeadClass(1), logit=lambda view: math.nan, value=lambda view: 0)
NO_TOKENS = "expected an array of 64-bit integers. Convert it with np.array(..., dtype=int)."
LEVELS = signature([0, 1], vocabulary=2, arity=2)

REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "a token too large": (
        lambda: pattern_counts([0, 3, 1], vocabulary=3, arity=2),
        "pattern_counts: argument tokens: got the token 3; expected tokens in 0..2. Relabel them, or raise vocabulary.",
    ),
    "a negative token": (
        lambda: signature(np.array([[0], [-1]]), vocabulary=3, arity=2),
        "signature: argument tokens: got the token -1; expected tokens in 0..2. Relabel them, or raise vocabulary.",
    ),
    "float tokens": (
        lambda: pattern_counts([0.0, math.nan], vocabulary=3, arity=2),
        f"pattern_counts: argument tokens: got the list [0.0, nan]; {NO_TOKENS}",
    ),
    "booleans": (
        lambda: pattern_counts([True], vocabulary=3, arity=2),
        f"pattern_counts: argument tokens: got the list [True]; {NO_TOKENS}",
    ),
    "ragged lists": (
        lambda: pattern_counts([[0], [0, 1]], vocabulary=3, arity=2),
        f"pattern_counts: argument tokens: got the list [[0], [0, 1]]; {NO_TOKENS}",
    ),
    "integers beyond 64 bits": (
        lambda: pattern_counts([2**70], vocabulary=3, arity=2),
        f"pattern_counts: argument tokens: got the list [{2**70}]; {NO_TOKENS}",
    ),
    "a number for a sequence": (
        lambda: pattern_counts(3, vocabulary=4, arity=1),
        "pattern_counts: argument tokens: got the number 3; expected shape (..., length). Pass a sequence.",
    ),
    "arity 0": (
        lambda: pattern_counts([0], vocabulary=1, arity=0),
        "pattern_counts: argument arity: got 0; expected an integer >= 1. Give the arity as a number.",
    ),
    "a float arity": (
        lambda: pattern_counts([0], vocabulary=1, arity=2.0),  # type: ignore[arg-type]
        "pattern_counts: argument arity: got 2.0; expected an integer >= 1. Give the arity as a number.",
    ),
    "no vocabulary": (
        lambda: pattern_counts([], vocabulary=0, arity=1),
        "pattern_counts: argument vocabulary: got 0; expected an integer >= 1. Give the vocabulary as a number.",
    ),
    "too many axes": (
        lambda: pattern_counts([[0]], vocabulary=1, arity=64),
        "pattern_counts: argument arity: got 64 with 1 batch axes; expected at most 64 axes in all (a limit of numpy). "
        "Use a smaller arity or fewer batch axes.",
    ),
    "too many patterns": (
        lambda: pattern_counts([0, 1], vocabulary=10, arity=3, budget=999),
        "pattern_counts: argument budget: got a budget of 999 for an enumeration of 1,000 items (0 covered); "
        "expected budget >= 1,000. Raise it with budget=1000, or ask for a smaller instance.",
    ),
    "another vocabulary": (
        lambda: chen_product(LEVELS, signature([0], vocabulary=3, arity=2)),
        "chen_product: argument right: got arity and vocabulary (2, 3); expected those of left, (2, 2). "
        "Compute both with the same vocabulary and arity.",
    ),
    "one level of a signature": (
        lambda: chen_product(LEVELS[2], LEVELS),  # type: ignore[arg-type]
        "chen_product: argument left: got array([[0, 1],\n       [0, 0]]); expected a signature: the counts of levels "
        "0, 1, ..., k. Take it from signature(tokens, vocabulary=..., arity=...).",
    ),
    "a level 0 that is not 1": (
        lambda: chen_product((np.array(2), *LEVELS[1:]), LEVELS),
        "chen_product: argument left: got (array(2), array([1, 1]), array([[0, 1],\n       [0, 0]])); expected a "
        "signature: the counts of levels 0, 1, ..., k. Take it from signature(tokens, vocabulary=..., arity=...).",
    ),
    "unequal lengths": (
        lambda: view_counts(HeadClass(1), [0, 1], [0]),
        "view_counts: argument ids: got 1 IDs for 2 tokens; expected one ID a token. "
        "Give tokens and ids the same length.",
    ),
    "a batch of sequences": (
        lambda: view_counts(HeadClass(1), [[0, 1]], [[0, 1]]),
        "view_counts: argument tokens: got shape (1, 2) of type int64; expected one sequence of 64-bit integers. "
        "Pass an array of shape (length,).",
    ),
    "unsigned IDs of 64 bits": (
        lambda: view_counts(HeadClass(1), [0], np.array([0], dtype=np.uint64)),
        "view_counts: argument ids: got shape (1,) of type uint64; expected one sequence of 64-bit integers. "
        "Pass an array of shape (length,).",
    ),
    "no head class": (
        lambda: view_counts("heads", [0], [0]),  # type: ignore[arg-type]
        "view_counts: argument heads: got the str 'heads'; expected a HeadClass. For instance HeadClass(arity=2).",
    ),
    "no head": (
        lambda: evaluate(HeadClass(1), [0], [0]),  # type: ignore[arg-type]
        "evaluate: argument head: got the HeadClass HeadClass(arity=1, window=None, key='none', anchor='none'); "
        "expected a SparseAttentionHead. Of a HardHead take SparseAttentionHead.hard.",
    ),
    "a label twice": (
        lambda: evaluate_float(ONE, [0], [0], [0, 0]),
        "evaluate_float: argument labels: got [0, 0]; expected at least one label, each once. "
        "Give the label of every output column.",
    ),
    "an answer without a column": (
        lambda: prefix_outputs(ONE, [0, 1], vocabulary=2, labels=[0]),
        "prefix_outputs: argument labels: got (0,) without the answer 1; expected every label that the head answers. "
        "Add it to labels.",
    ),
    "prefixes of a windowed head": (
        lambda: prefix_outputs(soft_head(HeadClass(2, window=1)), [0], vocabulary=1, labels=[0]),
        "prefix_outputs: argument head: got the head class HeadClass(arity=2, window=1, key='none', anchor='none'); "
        "expected key 'none', no window, and candidate sets of exactly k positions. "
        "Evaluate its prefixes one by one: evaluate(head, tokens[:n], ids[:n]).",
    ),
    "prefixes of a head of several arities": (
        lambda: prefix_outputs(soft_head(HeadClass(2, at_most=True)), [0], vocabulary=1, labels=[0]),
        "prefix_outputs: argument head: got the head class HeadClass(arity=2, window=None, key='none', anchor='none', "
        "at_most=True); expected key 'none', no window, and candidate sets of exactly k positions. "
        "Evaluate its prefixes one by one: evaluate(head, tokens[:n], ids[:n]).",
    ),
    "prefixes of a head with a key": (
        lambda: prefix_outputs(soft_head(HeadClass(2, key="order")), [0], vocabulary=1, labels=[0]),
        "prefix_outputs: argument head: got the head class HeadClass(arity=2, window=None, key='order', anchor='none'); "
        "expected key 'none', no window, and candidate sets of exactly k positions. "
        "Evaluate its prefixes one by one: evaluate(head, tokens[:n], ids[:n]).",
    ),
    "prefixes of no head": (
        lambda: prefix_outputs(HeadClass(1), [0], vocabulary=1, labels=[0]),  # type: ignore[arg-type]
        "prefix_outputs: argument head: got the HeadClass HeadClass(arity=1, window=None, key='none', anchor='none'); "
        "expected a SparseAttentionHead. Of a HardHead take SparseAttentionHead.hard.",
    ),
    "prefixes of a batch": (
        lambda: prefix_outputs_float(ONE, [[0]], vocabulary=1, labels=[0]),
        "prefix_outputs_float: argument tokens: got shape (1, 1); expected one sequence, of shape (length,). "
        "Take one row at a time.",
    ),
    "exact prefixes of logits": (
        lambda: prefix_outputs(LOGITS, [0], vocabulary=1, labels=[0]),
        "SparseAttentionHead: argument logit: got a head given by float logits; expected exact scores for an exact "
        "result. Give score= instead, or use batch() for float64.",
    ),
    "a NaN logit": (
        lambda: prefix_outputs_float(LOGITS, [0], vocabulary=1, labels=[0]),
        "SparseAttentionHead.batch: argument logit[((0,), ())]: got nan; expected a finite float, or -inf for no "
        "attention. Correct the logit.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_name_the_fault_and_the_remedy(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(TheoryError) as caught:
        call()
    assert str(caught.value) == message
    assert isinstance(caught.value, InvalidArgument | BudgetExceeded | ExactnessLost)


def test_floats_refuse_what_they_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "comb", lambda n, k: 2**1001)
    with pytest.raises(InvalidArgument, match=r"got 1 tokens for arity 1; .* candidate sets \(floats overflow\)"):
        prefix_outputs_float(LOGITS, [0], vocabulary=1, labels=[0])


@pytest.mark.slow
def test_the_time_is_linear_in_the_length() -> None:
    times = []
    for length in (10**4, 10**5, 10**6):
        tokens = np.random.default_rng(0).integers(0, 8, size=length)
        spans = []
        for _ in range(3):
            start = time.process_time()
            pattern_counts(tokens, vocabulary=8, arity=3)
            spans.append(time.process_time() - start)
        times.append(min(spans))
    assert np.polyfit(np.log([10**4, 10**5, 10**6]), np.log(times), 1)[0] <= 1.1
