"""The learners against their definitions: the largest consistent head, and the first of the smallest."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from idealized_model.learning import eliminate, minimal
from tests import routes, strategies
from tests.cases import ENSEMBLES, example, named, parity
from tests.strategies import Question
from theory import BudgetExceeded, Example, HeadClass, InvalidArgument

ONE = HeadClass(1)


def consistent_views(heads: HeadClass, sample: list[Example]) -> dict[Any, Any]:
    """The views that come with one label only."""
    labels: dict[Any, set[Any]] = {}
    for e in sample:
        for view in routes.views(heads, e):
            labels.setdefault(view, set()).add(e.label)
    return {view: min(seen) for view, seen in labels.items() if len(seen) == 1}


def first_smallest(heads: HeadClass, sample: list[Example]) -> dict[Any, Any] | None:
    """The smallest set of consistent views that hits every example, the first in the order of views: by trying all."""
    consistent = consistent_views(heads, sample)
    for size in range(1, len(consistent) + 1):
        for chosen in combinations(sorted(consistent), size):
            if all(set(chosen) & set(routes.views(heads, e)) for e in sample):
                return {view: consistent[view] for view in chosen}
    return None


@given(question=strategies.questions())
def test_learners_on_random_samples(question: Question) -> None:
    heads, sample, _ = question
    head = eliminate(heads, sample)
    assert head.heads == heads
    assert dict(head.answers) == consistent_views(heads, sample)
    expected = first_smallest(heads, sample)
    assert all(head.loss(e) == 0 for e in sample) == (expected is not None)
    if expected is None:
        with pytest.raises(
            InvalidArgument, match=r"^learning\.minimal: argument sample: got an example without a consis"
        ):
            minimal(heads, sample)
    else:
        assert dict(minimal(heads, sample).answers) == expected


@pytest.mark.parametrize("heads", [HeadClass(1, None, "absolute"), HeadClass(2), HeadClass(2, 1, "relative")], ids=str)
@pytest.mark.parametrize("name", ["parity", "parity, local", "noisy", "one label"])
def test_learners_on_whole_laws(heads: HeadClass, name: str) -> None:
    sample = list(ENSEMBLES[name].at(3).support())
    assert dict(eliminate(heads, sample).answers) == consistent_views(heads, sample)
    expected = first_smallest(heads, sample)
    if expected is not None:
        assert dict(minimal(heads, sample).answers) == expected


def test_the_smallest_set_is_the_first_of_its_size() -> None:
    """Random systems of overlapping sets, on which many smallest sets tie."""
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(150):
        sample = [example(tuple(rng.integers(0, 8, size=3).tolist())) for _ in range(rng.integers(3, 10))]
        expected = first_smallest(ONE, sample)
        assert dict(minimal(ONE, sample).answers) == expected
        sizes.add(len(expected or ()))
    assert sizes >= {2, 3, 4}


def test_the_marked_pairs_are_the_smallest_head_of_parity() -> None:
    head = minimal(HeadClass(2), parity(2).at(4).support())
    assert {view.tokens for view in head.answers} == set(ENSEMBLES["parity"].planted)


def test_one_view_for_many_examples() -> None:
    sample = [example((1, 5)), example((2, 5)), example((3, 5))]
    assert {view.tokens for view in minimal(ONE, sample).answers} == {(5,)}
    assert len(eliminate(ONE, sample).answers) == 4


def test_a_sample_may_come_as_any_iterable_and_with_repeats() -> None:
    sample = [example((0, 1), "a"), example((0, 2), "b")]
    assert eliminate(ONE, iter(sample * 3)) == eliminate(ONE, sample)
    assert minimal(ONE, (e for e in sample * 3)) == minimal(ONE, sample)


def test_the_search_keeps_to_its_budget() -> None:
    # A ring of overlapping pairs: some search is needed.
    sample = [example((t, (t + 1) % 7)) for t in range(7)]
    assert len(minimal(ONE, sample).answers) == 4
    with pytest.raises(
        BudgetExceeded, match=r"^learning\.minimal \(search nodes\): .* a budget of 3 for .* \(3 covered\)"
    ):
        minimal(ONE, sample, budget=3)


def test_a_search_without_a_choice_visits_its_start_and_its_end() -> None:
    sample = [example((0,))]
    assert len(minimal(ONE, sample, budget=2).answers) == 1
    with pytest.raises(BudgetExceeded, match=r"a budget of 1 for .* \(1 covered\)"):
        minimal(ONE, sample, budget=1)


def test_the_search_leaves_out_what_cannot_be_smaller() -> None:
    """These need 18 to 45 nodes; without the packing, or branching on the largest sets, each needs 75 and more."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        sample = [example(tuple(rng.integers(0, 12, size=rng.integers(2, 6)).tolist())) for _ in range(14)]
        assert dict(minimal(ONE, sample, budget=60).answers) == first_smallest(ONE, sample)


@pytest.mark.parametrize("budget", [None, 5.0, "9"])
def test_a_budget_is_an_integer(budget: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^learning\.minimal: argument budget: got the .*; expected an integer\. Give"
    ):
        minimal(ONE, [example((0,))], budget=budget)


@pytest.mark.parametrize("learn", [eliminate, minimal])
def test_no_sample_is_refused(learn: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"argument sample: got no examples; expected at least one example\. Draw a"
    ):
        learn(ONE, [])


@pytest.mark.parametrize("learn", [eliminate, minimal])
@pytest.mark.parametrize("heads", [None, 1], ids=str)
def test_heads_are_a_head_class(learn: Any, heads: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"argument heads: got the .*; expected a HeadClass"):
        learn(heads, [example((0,))])


@pytest.mark.parametrize("learn", [eliminate, minimal])
@pytest.mark.parametrize("sample", [None, 3, [None], ["ab"], parity(2).at(2), example((0,))], ids=named)
def test_a_sample_is_of_examples(learn: Any, sample: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"argument sample: got .*; expected an iterable of examples"):
        learn(ONE, sample)
