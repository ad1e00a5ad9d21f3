"""Views by number, and the questions that do not fit 64-bit codes.

That verdicts do not depend on the route is tested with the criterion.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import routes, strategies
from tests.cases import ANCHORS, ENSEMBLES, KEYS, SCHEMES, example, parity
from theory import Example, HeadClass, criterion, decide
from theory.criterion import HardHead
from theory.heads import Anchor, Key
from theory.numbered_views import LawViews, number_views


@given(
    heads=strategies.heads(3), examples=st.lists(strategies.examples(vocabulary=3), min_size=1, max_size=6, unique=True)
)
def test_the_numbers_of_an_example_are_its_views(heads: HeadClass, examples: list[Example]) -> None:
    labels = sorted({e.label for e in examples})  # type: ignore[type-var]
    numbered = number_views(heads, (examples,), labels)
    assert numbered is not None
    (law,) = numbered
    assert isinstance(law, LawViews)
    assert law.labels.tolist() == [labels.index(e.label) for e in examples]
    for row, e in enumerate(examples):
        own = law.of(row)
        assert own.tolist() == sorted(set(own.tolist()))
        assert law.numbering.views(own) == sorted(set(routes.views(heads, e)), key=routes.by_size)
    with pytest.raises(IndexError):
        law.of(len(examples))


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("window", [None, 1])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("arity", [2, 3, 4])
def test_every_pattern_of_repeated_ids_is_numbered(arity: int, key: Key, window: int | None, anchor: Anchor) -> None:
    """All ways in which the IDs of a set may be equal, smaller and larger, alone and beside another position."""
    heads, rng = HeadClass(arity, window, key, anchor), np.random.default_rng(0)
    examples = [example((0,) * arity, 0, ids) for ids in product(range(arity), repeat=arity)]
    for _ in range(30):
        tokens, ids = rng.integers(0, 3, arity + 1).tolist(), rng.integers(-1, 3, arity + 1).tolist()
        examples.append(example(tuple(tokens), 0, tuple(ids)))
    numbered = number_views(heads, (examples,), [0])
    assert numbered is not None
    (law,) = numbered
    size, met = law.numbering.size, set()
    for rows, blocks in law.blocks():
        numbers = np.concatenate([*blocks, np.full((1, len(rows)), size)])  # (sets, rows)
        for row, own in zip(rows.tolist(), numbers.T, strict=True):
            met.add(row)
            assert set(law.numbering.views(np.unique(own[own < size]))) == set(routes.views(heads, examples[row]))
    assert met == set(range(len(examples)))


BIG = 10**30
BEYOND = {
    "tokens beyond 64 bits": ([example((BIG, 1), 0), example((1, 1), 1)], [example((BIG, 1), 0)]),
    "IDs beyond 64 bits": ([example((0, 1), 0, (0, BIG))], [example((0, 1), 0, (0, BIG))]),
    "IDs beyond 61 bits": ([example((0, 1), 0, (0, 2**62))], [example((0, 1), 0, (0, 2**62))]),
    "IDs below 61 bits": ([example((0, 1), 0, (-(2**62), 0))], [example((0, 1), 1, (-(2**62), 0))]),
}


@pytest.mark.parametrize(("train", "test"), BEYOND.values(), ids=BEYOND)
@pytest.mark.parametrize("key", ["none", "relative", "absolute"])
def test_what_does_not_fit_is_decided_plainly(train: Any, test: Any, key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = HeadClass(2, None, key)
    plain = decide(heads, train=train, test=test)
    monkeypatch.setattr(criterion, "PLAIN_CELLS", -1)
    assert number_views(heads, (train, test), [0, 1]) is None
    assert decide(heads, train=train, test=test) == plain


def test_too_many_codes_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    train = [example(tuple(range(8 * i, 8 * i + 8)), i % 2) for i in range(30)]  # 240 tokens: 240^8 codes
    plain = decide(HeadClass(8), train=train, test=train[:1])
    assert plain.outcome == "generalizes"
    monkeypatch.setattr(criterion, "PLAIN_CELLS", -1)
    assert number_views(HeadClass(8), (train, train), [0, 1]) is None
    assert decide(HeadClass(8), train=train, test=train[:1]) == plain


def test_large_questions_report_their_progress() -> None:
    law, told = ENSEMBLES["noisy"].at(7), []
    heads = HeadClass(2, 3, "order")
    plain = decide(heads, train=parity(2).at(3), test=parity(2).at(3), progress=lambda *news: told.append(news))
    assert (plain.outcome, told) == ("generalizes", [])
    decide(heads, train=law, test=law, progress=lambda *news: told.append(news))
    assert told
    assert all(isinstance(stage, str) and 0 < done <= whole for stage, done, whole in told)
    assert any(done == whole for _, done, whole in told)


def test_a_wrong_count_would_not_be_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses that come from counts are confirmed on examples; a bug in counting is no verdict."""
    train, test = parity(2).at(3), parity(2).at(4, positions=SCHEMES["shift"])
    monkeypatch.setattr(criterion, "PLAIN_CELLS", -1)
    assert decide(HeadClass(2), train=train, test=test).reason == "unseen"
    right = LawViews.outcomes

    def wrong(self: LawViews, *arguments: Any) -> Any:
        selected, errors = right(self, *arguments)
        return selected + 1, errors

    monkeypatch.setattr(LawViews, "outcomes", wrong)
    with pytest.raises(AssertionError, match=r"by counts; this is a bug in theory\.numbered_views, please report it"):
        decide(HeadClass(2), train=train, test=test)


def test_few_examples_confirm_a_large_law(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = parity(2).at(3), parity(2).at(6)
    expected = decide(HeadClass(2), train=train, test=test)
    monkeypatch.setattr(criterion, "PLAIN_CELLS", -1)
    monkeypatch.setattr(criterion, "CONFIRMED_CELLS", 20)
    assert decide(HeadClass(2), train=train, test=test) == expected


@pytest.mark.parametrize("cells", [0, 1, 20])
def test_as_many_examples_confirm_a_law_as_cells_go(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here an example has one set; the witness, the last of the test, is confirmed in any case."""
    evaluated: list[Example] = []
    plain = HardHead.loss

    def loss(self: HardHead, of: Any) -> Any:
        evaluated.append(of)
        return plain(self, of)

    train = [example((a, b), a % 2) for a, b in product(range(6), repeat=2)]
    test = [*train, example((6, 6), 0)]
    monkeypatch.setattr(criterion, "PLAIN_CELLS", -1)
    monkeypatch.setattr(criterion, "CONFIRMED_CELLS", cells)
    monkeypatch.setattr(HardHead, "loss", loss)
    assert decide(HeadClass(2), train=train, test=test).example == test[-1]
    assert len(evaluated) == 2 * max(cells, 1)
    assert test[-1] in evaluated
