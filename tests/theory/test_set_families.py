"""Families of sets against Python sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import set_families
from theory.set_families import MEMBER, Family, contains_some, minimal

SETS = st.lists(st.frozensets(st.integers(0, 9), min_size=1, max_size=5), max_size=12, unique=True)


def family(sets: list[frozenset[int]], frequency: Any = None) -> Family:
    found = Family.of([np.array(sorted(members), dtype=MEMBER).tobytes() for members in sets])
    return found if frequency is None else found.rarest_first(frequency)


def listed(found: Family) -> list[frozenset[int]]:
    return [frozenset(found.members[a:b].tolist()) for a, b in zip(found.starts, found.starts[1:], strict=False)]


@given(sets=SETS, data=st.data())
def test_a_family_is_a_list_of_sets(sets: list[frozenset[int]], data: st.DataObject) -> None:
    found = family(sets)
    assert listed(found) == sets
    assert len(found) == len(sets)
    assert found.sizes.tolist() == [len(members) for members in sets]
    assert found.owners.tolist() == [i for i, members in enumerate(sets) for _ in members]
    chosen = data.draw(st.lists(st.integers(0, max(0, len(sets) - 1)), max_size=len(sets)))
    assert listed(found.take(np.array(chosen, dtype=np.int64))) == [sets[i] for i in chosen]
    frequency = np.array(data.draw(st.lists(st.integers(0, 5), min_size=10, max_size=10)))
    assert listed(found.rarest_first(frequency)) == sets


@given(sets=SETS)
def test_minimal_sets_contain_no_other(sets: list[frozenset[int]]) -> None:
    found = listed(minimal(family(sets), 10))
    assert len(found) == len(set(found))
    assert set(found) == {a for a in sets if not any(b < a for b in sets)}


def test_where_finding_out_would_not_pay_the_larger_sets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [frozenset(s) for s in ([0], [1], [0, 2], [2, 3], [4, 5], [1, 4, 6], [2, 3, 6])]
    assert len(listed(minimal(family(sets), 10))) == 4
    for worthwhile, all_stay in ((6, False), (5, True)):  # 2 smaller sets times 3: in 1 of 3 there is one
        monkeypatch.setattr(set_families, "WORTHWHILE", worthwhile)
        assert ({*listed(minimal(family(sets), 10))} == {*sets}) == all_stay
    nested = [frozenset(s) for s in ([0], [1], [0, 2], [1, 3])]  # in all of them
    assert listed(minimal(family(nested), 10)) == nested[:2]


@pytest.mark.parametrize(("pairs", "words"), [(2**20, 2**23), (64, 1)])
@given(rows=SETS, sets=SETS)
def test_a_row_contains_a_set_or_not(
    pairs: int, words: int, rows: list[frozenset[int]], sets: list[frozenset[int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(set_families, "PAIRS", pairs)
        patch.setattr(set_families, "WORDS", words)
        frequency = np.bincount([member for row in rows for member in row] or [0], minlength=10)
        found = contains_some(family(rows), family(sets, frequency), 10)
    assert found.tolist() == [any(members <= row for members in sets) for row in rows]


def test_sets_of_many_members_take_several_words() -> None:
    rng = np.random.default_rng(0)
    rows = [frozenset(rng.choice(300, size=120, replace=False).tolist()) for _ in range(200)]
    sets = [frozenset(rng.choice(300, size=4, replace=False).tolist()) for _ in range(60)]
    found = contains_some(family(rows), family(sets), 300)
    assert found.tolist() == [any(members <= row for members in sets) for row in rows]
    assert 0 < found.sum() < 200
