"""Ranked heads, and what all perfect ranked and hard heads are right on (T13 and T1), against all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idealized_model import SparseAttentionHead
from theory import Example, HeadClass, InvalidArgument, View
from theory import ranked as ranked_heads
from theory.closures import Cases
from theory.ranked import ClosureCriterion, RankedHead
from theory.set_families import Family

Case = tuple[tuple[int, ...], int]
"""The views of an example, by number, and its label."""


class Laws(NamedTuple):
    n_views: int
    n_labels: int
    train: list[Case]
    test: list[Case]


def family(cases: list[Case]) -> Family:
    sets = [sorted(views) for views, _ in cases]
    return Family(np.cumsum([0, *map(len, sets)]), np.array([view for own in sets for view in own], dtype=np.int64))


def labels(cases: list[Case]) -> Any:
    return np.array([label for _, label in cases], dtype=np.int64)


def criterion(laws: Laws, *, ranked: bool = True) -> ClosureCriterion:
    sides = (family(laws.train), labels(laws.train), family(laws.test), labels(laws.test))
    return ClosureCriterion(*sides, n_labels=laws.n_labels, n_views=laws.n_views, ranked=ranked)


@cache
def all_heads(n_views: int, n_labels: int, *, ranked: bool) -> list[list[tuple[int, int]]]:
    """Every head as pairs (view, answer)."""
    orders = itertools.permutations if ranked else itertools.combinations
    return [
        list(zip(order, answers, strict=True))
        for size in range(n_views + 1)
        for order in orders(range(n_views), size)
        for answers in itertools.product(range(n_labels), repeat=size)
    ]


def is_right(head: list[tuple[int, int]], case: Case, *, ranked: bool) -> bool:
    answers = [answer for view, answer in head if view in case[0]]
    return bool(answers) and (answers[0] == case[1] if ranked else set(answers) == {case[1]})


def every_case(n_views: int, n_labels: int) -> list[Case]:
    sets = [own for size in range(n_views + 1) for own in itertools.combinations(range(n_views), size)]
    return list(itertools.product(sets, range(n_labels)))


@st.composite
def many_laws(draw: st.DrawFn) -> Laws:
    """Training laws that often are realizable, and every case at test."""
    n_views, n_labels = draw(st.sampled_from([(2, 2), (3, 1), (3, 2), (2, 3), (4, 2)]))
    cases = every_case(n_views, n_labels)
    train = draw(st.lists(st.sampled_from(cases), min_size=1, max_size=6))
    head = draw(st.permutations(range(n_views)))
    answers = draw(st.lists(st.integers(0, n_labels - 1), min_size=n_views, max_size=n_views))
    if draw(st.booleans()):  # as a ranked head answers
        train = [(own, next((answers[v] for v in head if v in own), label)) for own, label in train]
    return Laws(n_views, n_labels, train, cases)


@pytest.mark.parametrize("ranked", [True, False], ids=["ranked", "hard"])
@given(laws=many_laws())
def test_guarantees_are_those_of_brute_force(ranked: bool, laws: Laws) -> None:
    found = criterion(laws, ranked=ranked)
    heads = all_heads(laws.n_views, laws.n_labels, ranked=ranked)
    perfect = [head for head in heads if all(is_right(head, case, ranked=ranked) for case in laws.train)]
    assert found.realizable == bool(perfect)
    if not found.realizable:
        assert found.stuck is not None
        assert not found.guaranteed.any()
        return
    for row, case in enumerate(laws.test):
        guaranteed = all(is_right(head, case, ranked=ranked) for head in perfect)
        assert (found.why(row) is None) == found.guaranteed[row] == guaranteed
        if not guaranteed:
            head = found.head(row)
            assert all(is_right(head, other, ranked=ranked) for other in laws.train)
            assert not is_right(head, case, ranked=ranked)
            trained, tested = found.errs(head)
            assert trained.tolist() == [False] * len(laws.train)
            assert tested.tolist() == [not is_right(head, other, ranked=ranked) for other in laws.test]


@given(laws=many_laws())
def test_what_ranked_heads_guarantee_hard_heads_do(laws: Laws) -> None:
    hard, ranked = criterion(laws, ranked=False), criterion(laws)
    if hard.realizable:
        assert ranked.realizable
        assert not (ranked.guaranteed & ~hard.guaranteed).any()


def reason(laws: Laws, *, ranked: bool = True) -> list[tuple[str, int | None] | None]:
    found = criterion(laws, ranked=ranked)
    return [found.why(row) for row in range(len(laws.test))]


def test_every_reason_has_its_view() -> None:
    train = [((0,), 0), ((1, 2), 1), ((0, 3), 0), ((1,), 1)]
    test: list[Case] = [((4, 0), 0), ((0,), 1), ((2,), 1), ((0, 2), 0), ((), 0), ((0,), 0)]
    assert reason(Laws(5, 2, train, test)) == [
        ("unseen", 4), ("flip", 0), ("abstains", None), ("free", 2), ("abstains", None), None,
    ]  # fmt: skip


def test_a_view_that_flips_only_where_others_do_not_answer() -> None:
    """View 0 has both labels in training; where view 2 does not answer it has one, so a head may place it with that."""
    train = [((0, 2), 1), ((0, 3), 0), ((3,), 1)]
    assert reason(Laws(4, 2, train, [((0,), 1), ((0,), 0)])) == [("flip", 0), None]


def test_labels_count_where_a_view_is_left() -> None:
    """Counts of all examples would say that view 1 cannot be placed after view 0."""
    train = [((0,), 0), ((0, 1), 0), ((1,), 1)]
    assert criterion(Laws(2, 2, train, [((0,), 0)])).realizable
    assert not criterion(Laws(2, 2, train, [((0,), 0)]), ranked=False).realizable


@given(laws=many_laws())
def test_no_view_of_a_head_can_be_left_out_by_itself(laws: Laws) -> None:
    """Else what is left would be wrong in training, or right on the test example."""
    found = criterion(laws)
    for row in np.flatnonzero(~found.guaranteed)[::3].tolist() if found.realizable else ():
        head = found.head(row)
        assert not is_right(head, laws.test[row], ranked=True)
        for place in range(len(head)):
            shorter = head[:place] + head[place + 1 :]
            perfect = all(is_right(shorter, case, ranked=True) for case in laws.train)
            assert not perfect or is_right(shorter, laws.test[row], ranked=True)


def test_what_could_not_be_left_out_at_first_may_be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without view 0, view 1 answers the test example, rightly; without both, none does."""
    laws = Laws(3, 2, [((2,), 0), ((1, 2), 0)], [((0, 1), 0)])
    assert criterion(laws).head(0) == [(2, 0)]
    monkeypatch.setattr(ranked_heads, "SHORTENING", 0)
    assert criterion(laws).head(0) == [(0, 1), (1, 0), (2, 0)]
    laws = Laws(3, 2, [((1, 2), 0)], [((0,), 0)])  # view 2 would never answer
    assert criterion(laws).head(0) == [(0, 1), (1, 0)]


def test_the_first_example_that_no_head_gets_right() -> None:
    train = [((0,), 0), ((1,), 0), ((1,), 0), ((1,), 1)]
    assert criterion(Laws(2, 2, train, [((0,), 0)])).stuck == 1
    assert criterion(Laws(2, 2, [*train, ((), 0)], [((0,), 0)])).stuck == 1


@pytest.mark.parametrize(("words", "most"), [(1, 1), (2**24, 16)], ids=["a word at a time", "all together"])
def test_closures_of_many_sets_together_are_those_of_each(
    words: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More sets than bits in a word, and than words at once; lists whose end waits for their beginning."""
    monkeypatch.setattr("theory.closures.WORDS", words)
    monkeypatch.setattr("theory.closures.MOST", most)
    rng, n_views = np.random.default_rng(0), 24
    order, answers = rng.permutation(n_views).tolist(), rng.integers(0, 3, n_views)
    sets = {tuple(sorted(rng.choice(n_views, rng.integers(2, 6), replace=False).tolist())) for _ in range(200)}
    train: list[Case] = [(own, int(answers[next(v for v in order if v in own)])) for own in sorted(sets)]
    cases = Cases(family(train), labels(train), n_views)
    some_views = (rng.choice(n_views, rng.integers(1, 6), replace=False) for _ in range(200))
    tried = [(own, 0) for own in sorted({tuple(sorted(own.tolist())) for own in some_views})]
    rests = cases.rests(cases.closure(), family(tried))
    stuck = cases.stuck(family(tried))
    some: list[bool] = []
    kinds: list[int] = []
    for own, _ in tried:
        left = [train[i] for i in np.flatnonzero(cases.closure(np.array(own)).left)]
        some.append(bool(left))
        seen = [{label for views, label in left if view in views} for view in own]
        kinds += map(len, seen)
        of_own = rests.labels[len(kinds) - len(own) : len(kinds)].tolist()
        assert all(label in labels_ if labels_ else label == -1 for label, labels_ in zip(of_own, seen, strict=True))
        consistent = {v for v in range(n_views) if len({label for views, label in train if v in views}) == 1}
        assert stuck[len(some) - 1] == any(not (consistent & set(views)) - set(own) for views, _ in train)
    assert rests.some.tolist() == some
    assert rests.kinds.tolist() == kinds
    assert 0 < sum(some) < len(some)
    assert {0, 1, 2} <= set(kinds)


def test_a_long_list_is_placed_from_its_beginning() -> None:
    """Every view waits for the one before it."""
    n = 50
    train: list[Case] = [
        ((0,), 0),
        *(((view - 1, view), (view - 1) % 2) for view in range(1, n)),
        ((n - 1,), (n - 1) % 2),
    ]
    found = criterion(Laws(n, 2, train, [((view,), view % 2) for view in range(n)]))
    assert found.realizable
    placed = found._cases.closure()
    assert placed.levels.tolist() == list(range(n))
    assert found.guaranteed.all()


def test_a_view_that_an_earlier_level_had_waits_for_a_later_one() -> None:
    """Without views 2 and 7: view 0 waits for 1, that for 3, while 6 can be placed no more; then 0 answers instead of 7."""
    train = [
        ((0,), 0), ((0, 7), 0), ((0, 1, 2), 1), ((1,), 1), ((1, 3), 0), ((3, 4), 1), ((5, 3), 0), ((5, 6), 1), ((6,), 0),
        ((6, 2), 1),
    ]  # fmt: skip
    laws = Laws(8, 2, train, [((2, 7), 1), ((2,), 1)])
    assert criterion(laws)._cases.closure().levels.tolist() == [1, 2, 0, 1, 0, 2, 3, 0]
    assert reason(laws) == [("free", 7), None]


# ── RankedHead ───────────────────────────────────────────────────────────────────────────────────────────────────────

ONE = HeadClass(arity=1)


def views(*tokens: int) -> list[View]:
    return [View((token,), ()) for token in tokens]


@given(
    st.permutations(range(4)).flatmap(lambda order: st.integers(0, 4).map(lambda n: order[:n])),
    st.lists(st.sampled_from("abc"), min_size=4, max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
)
def test_it_is_the_limit_of_attention_heads(order: list[int], answers: list[str], tokens: list[int]) -> None:
    head = RankedHead(ONE, list(zip(views(*order), answers, strict=False)))
    ids, n = tuple(range(len(tokens))), len(tokens)
    example = Example(tuple(tokens), ids, "a")
    answer = head.answer(example.tokens, ids)
    assert head.loss(example) == (answer != "a")
    for ratio in (n, n**2, 10**6):
        soft = SparseAttentionHead(ONE, score=head.scores(ratio), value=head.answers)(example)
        assert soft.abstains == (answer is None)
        if answer is not None:
            assert all(soft.law[answer] > p for label, p in soft.law.items() if label != answer)
        assert abs(soft.loss("a") - head.loss(example)) * ratio < n


def test_heads_that_rank_otherwise_are_others() -> None:
    first, second = (RankedHead(ONE, zip(views(*order), "aa", strict=True)) for order in ((0, 1), (1, 0)))
    assert first != second
    assert first == RankedHead(ONE, dict(zip(views(0, 1), "aa", strict=True)))
    assert len({first, second}) == 2


def bad_rankings() -> Iterator[Any]:
    view = View((0,), ())
    yield 3, "ranking", "pairs (view, label)"
    yield [3], "ranking[0]", "a pair (view, label)"
    yield [(view, "a"), (view, "b")], "ranking[1]", "for the second time"
    yield [(View((0, 1), ()), "a")], "ranking[0]", "2 tokens"
    yield [(view, [])], "ranking[0]", "hashable"


@pytest.mark.parametrize(("ranking", "argument", "says"), [*bad_rankings()])
def test_bad_rankings_are_refused(ranking: Any, argument: str, says: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        RankedHead(ONE, ranking)
    assert refused.value.argument == argument
    assert says in str(refused.value)


def test_scores_need_a_ratio() -> None:
    with pytest.raises(InvalidArgument, match=r"RankedHead\.scores: argument ratio: got 0; expected an integer >= 1"):
        RankedHead(ONE, []).scores(0)
