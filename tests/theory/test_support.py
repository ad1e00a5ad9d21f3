"""Support laws: listing, counting and drawing agree, and each is the law that its name says."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest

from tests.cases import named
from tests.routes import fits
from theory import InvalidArgument
from theory.support import (
    Fixed,
    Local,
    Paired,
    PositionSet,
    SupportLaw,
    Uniform,
    at_length,
    fixed,
    local,
    paired,
    uniform,
)


def by_definition(law: SupportLaw, length: int, arity: int) -> dict[PositionSet, Fraction]:
    """The law as the definition states it: a filter over all sets."""
    if isinstance(law, Fixed):
        return dict(law.items)
    sets = list(combinations(range(length), arity))
    if isinstance(law, Uniform) and law.anchor == "last":
        sets = [s for s in sets if s[-1] == length - 1]
    elif isinstance(law, Local):
        sets = [s for s in sets if s[-1] - s[0] <= law.width]
    elif isinstance(law, Paired):
        block = length // arity
        sets = [s for s in sets if [i // block for i in s] == list(range(arity)) and len({i % block for i in s}) == 1]
    return {s: Fraction(1, len(sets)) for s in sets}


LAWS_AT = [
    (law, length, arity)
    for law in (uniform(), uniform("last"), local(0), local(1), local(2), local(5), local(50), paired())
    for length in range(1, 8)
    for arity in range(1, min(length, 4) + 1)
    if not (isinstance(law, Paired) and length % arity)
] + [
    (fixed({(0, 2): "1/2", (1, 2): "1/3", (0, 3): "1/6"}), 4, 2),
    (fixed({(0, 2): "1/2", (1, 2): "1/3", (0, 3): "1/6"}), 9, 2),
    (fixed({(2,): 1}), 3, 1),
    (fixed({(0, 1): 1, (1, 2): 0}), 3, 2),
]
NONEMPTY = [case for case in LAWS_AT if case[0].count(*case[1:]) and case[1] in (1, 2, 4, 7, 9)]


@pytest.mark.parametrize(("law", "length", "arity"), LAWS_AT, ids=named)
def test_the_listing_is_the_law_of_the_definition(law: SupportLaw, length: int, arity: int) -> None:
    listed = list(law.sets(length, arity))
    expected = by_definition(law, length, arity)
    total = law.total(length, arity)
    assert len(listed) == law.count(length, arity) == len(expected)
    assert total == sum(weight for _, weight in listed)
    assert {s: Fraction(weight, total) for s, weight in listed} == expected
    assert all(type(weight) is int and weight > 0 for _, weight in listed)


def test_counting_needs_no_listing() -> None:
    assert uniform().count(1000, 5) == comb(1000, 5)
    assert uniform("last").count(1000, 5) == comb(999, 4)
    assert local(10).count(10**6, 3) == (10**6 - 10) * comb(10, 2) + comb(10, 3)
    assert paired().count(10**6, 2) == 5 * 10**5


@pytest.mark.parametrize(("law", "length", "arity"), NONEMPTY, ids=named)
def test_draws_follow_the_law(law: SupportLaw, length: int, arity: int) -> None:
    rng = np.random.default_rng(0)
    drawn = [law.draw(rng, length, arity) for _ in range(600)]
    assert fits(drawn, by_definition(law, length, arity))
    assert all(type(i) is int for i in drawn[0])


def test_local_draws_near_the_end_are_not_favoured() -> None:
    rng = np.random.default_rng(1)
    drawn = [local(3).draw(rng, 7, 3) for _ in range(5000)]
    assert fits(drawn, by_definition(local(3), 7, 3))


def test_long_sequences_are_drawn_without_listing() -> None:
    rng = np.random.default_rng(0)
    assert all(s[-1] < 10**6 and len(set(s)) == 4 for s in (uniform().draw(rng, 10**6, 4) for _ in range(20)))
    assert all(s[1] - s[0] == 5 * 10**5 for s in (paired().draw(rng, 10**6, 2) for _ in range(20)))


def test_a_law_is_a_frozen_value() -> None:
    laws = [uniform(), uniform("last"), local(1), local(2), paired(), fixed({(0, 1): 1}), fixed({(0, 2): 1})]
    assert len(set(laws)) == len(laws)
    for law in laws:
        same = pickle.loads(pickle.dumps(law))
        assert same == law
        assert hash(same) == hash(law)
    with pytest.raises(dataclasses.FrozenInstanceError):
        local(1).width = 2  # type: ignore[misc]


def test_a_rule_may_depend_on_the_length() -> None:
    assert at_length(local(1), 5) == local(1)
    assert at_length(lambda length: local(length // 2), 6) == local(3)
    assert at_length(lambda length: {(0, length - 1): 1}, 6) == fixed({(0, 5): 1})


def test_a_fixed_law_keeps_exact_weights_and_drops_zeros() -> None:
    law = fixed({(0, 1): "2/3", (0, 2): 0, (1, 3): "1/3"})
    assert law.items == (((0, 1), Fraction(2, 3)), ((1, 3), Fraction(1, 3)))
    assert list(law.sets(4, 2)) == [((0, 1), 2), ((1, 3), 1)]
    assert law.total(4, 2) == 3


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [uniform, Uniform])
@pytest.mark.parametrize("anchor", ["first", None, 1, ["last"], True], ids=named)
def test_an_anchor_is_one_of_two(make: Any, anchor: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^support\.uniform: argument anchor: got .*; expected one of none, last\. (Use one|Did)"
    ):
        make(anchor)


@pytest.mark.parametrize("make", [local, Local])
@pytest.mark.parametrize("width", [-1, 1.0, "1", None, True, np.int64(1), float("inf")], ids=named)
def test_a_width_is_a_natural_number(make: Any, width: Any) -> None:
    message = (
        r"^support\.local: argument width: got .*; expected an integer >= 0\. For no limit use support\.uniform\(\)\."
    )
    with pytest.raises(InvalidArgument, match=message):
        make(width)


@pytest.mark.parametrize(("length", "arity", "near"), [(5, 2, "4 or 6"), (7, 3, "6 or 9"), (1, 2, "2"), (3, 4, "4")])
def test_pairs_need_a_length_that_the_arity_divides(length: int, arity: int, near: str) -> None:
    message = rf"paired: argument length: got {length}; expected a multiple of the arity {arity}\. Use length {near}\."
    for refuse in (
        lambda: paired().count(length, arity),
        lambda: list(paired().sets(length, arity)),
        lambda: paired().draw(np.random.default_rng(0), length, arity),
    ):
        with pytest.raises(InvalidArgument, match=message):
            refuse()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (
            {},
            r"argument sets: got \{\}; expected a mapping \{\(0, 2\): probability\} that is not empty\. One set alone",
        ),
        (
            [(0, 1)],
            r"argument sets: got the list \[\(0, 1\)\]; expected a mapping \{\(0, 2\): probability\}\. One set alone",
        ),
        (None, r"argument sets: got the NoneType None; expected a mapping"),
        (
            {(1, 0): 1},
            r"got \(1, 0\); expected tuples of positions >= 0 in strictly increasing order \(0-based\)\. Sort",
        ),
        ({(0, 0): 1}, r"got \(0, 0\); expected tuples of positions"),
        ({(-1, 0): 1}, r"got \(-1, 0\); expected tuples of positions"),
        ({(0, 1.0): 1}, r"got \(0, 1\.0\); expected"),
        ({(False, True): 1}, r"got \(False, True\); expected"),
        ({(np.int64(0), 1): 1}, r"got \(np\.int64\(0\), 1\); expected"),
        ({0: 1}, r"got 0; expected tuples of positions .*one position is \(0,\)\."),
        ({"01": 1}, r"got '01'; expected"),
        ({range(2): 1}, r"got range\(0, 2\); expected"),
        ({(0, 1): "1/2", (0, 2): "1/3"}, r"argument sets: got weights that sum to 5/6"),
        ({(0, 1): -1, (0, 2): 2}, r"argument sets\[0\]: got the negative weight -1"),
        ({(0, 1): 0.5, (0, 2): 0.5}, r"argument sets\[0\]: got the float 0\.5"),
    ],
    ids=named,
)
def test_what_is_no_fixed_law_is_refused(sets: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^support\.fixed: .*{message}"):
        fixed(sets)


@pytest.mark.parametrize(
    ("length", "arity", "message"),
    [
        (
            3,
            2,
            r"the set \(1, 3\) at length 3; expected positions 0\.\.2 \(0-based\)\. Use a length of at least 4, or",
        ),
        (
            4,
            3,
            r"the set \(0, 1\) of 2 positions; expected sets of 3 positions, the arity of the ensemble\. Give",
        ),
        (4, 1, r"the set \(0, 1\) of 2 positions; expected sets of 1 positions"),
    ],
)
def test_fixed_sets_fit_length_and_arity(length: int, arity: int, message: str) -> None:
    law = fixed({(0, 1): "1/2", (1, 3): "1/2"})
    for refuse in (
        lambda: law.count(length, arity),
        lambda: law.total(length, arity),
        lambda: list(law.sets(length, arity)),
        lambda: law.draw(np.random.default_rng(0), length, arity),
    ):
        with pytest.raises(InvalidArgument, match=rf"^support\.fixed: argument sets: got {message}"):
            refuse()


@pytest.mark.parametrize(
    ("law", "length", "arity"),
    [(uniform(), 2, 3), (uniform("last"), 1, 2), (local(1), 5, 3), (local(5), 2, 3)],
    ids=named,
)
def test_nothing_is_drawn_where_there_is_no_set(law: SupportLaw, length: int, arity: int) -> None:
    assert law.count(length, arity) == 0
    assert list(law.sets(length, arity)) == []
    message = rf"SupportLaw\.draw: argument length: got length {length}, at which .* has no set of {arity} positions"
    with pytest.raises(InvalidArgument, match=message):
        law.draw(np.random.default_rng(0), length, arity)


@pytest.mark.parametrize("law", [uniform(), local(2), paired(), fixed({(0, 1): 1})], ids=named)
def test_a_draw_needs_a_generator(law: SupportLaw) -> None:
    with pytest.raises(
        InvalidArgument, match=r"SupportLaw\.draw: argument rng: got the int 0; expected a numpy random"
    ):
        law.draw(0, 4, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("returned", [None, 3, "uniform", [(0, 1)]], ids=named)
def test_a_rule_returns_a_law(returned: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"argument sets: got .*; expected a mapping"):
        at_length(lambda length: returned, 4)


def test_a_fixed_law_has_a_set_and_sets_have_weights() -> None:
    with pytest.raises(InvalidArgument, match=r"support\.Fixed: argument items: got \(\); expected at least one pair"):
        Fixed(())
    with pytest.raises(InvalidArgument, match=r"One set alone is \{\(0, 2\): 1\}; two alike are"):
        fixed([(0, 2)])  # type: ignore[arg-type]
