"""Position schemes: what is listed, counted and drawn, and what every ID assignment keeps."""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb
from typing import Any

import numpy as np
import pytest

from tests.cases import SCHEMES, named
from tests.routes import fits
from theory import InvalidArgument, positions
from theory.positions import (
    Blocks,
    ChunkedShift,
    Coupled,
    Ids,
    PositionScheme,
    RandomOrdered,
    RandomShift,
    absolute,
    blocks,
    chunked_shift,
    coupled,
    random_ordered,
    random_shift,
)

SCHEMES_AND_LENGTHS = [
    (scheme, length)
    for scheme in [
        *SCHEMES.values(),
        random_shift(3, 3),
        random_ordered(0, 5),
        chunked_shift(0, 5, 1),
        chunked_shift(-2, 4, 3),
        coupled(blocks(1), chunked_shift(0, 5, 2)),
        coupled(blocks(3), random_shift(-1, 1)),
    ]
    for length in (3, 4, 6)
    if not (isinstance(scheme, Coupled) and length % getattr(scheme.coupling, "number", 1))
]
each = pytest.mark.parametrize(("scheme", "length"), SCHEMES_AND_LENGTHS, ids=named)


@each
def test_the_count_is_that_of_the_listing(scheme: PositionScheme, length: int) -> None:
    listed = list(scheme.ids(length))
    assert scheme.count(length) == len(listed) > 0
    assert all(len(ids) == length and all(type(i) is int for i in ids) for ids in listed)
    values = tuple(range(length))
    if not isinstance(scheme, Coupled):
        assert listed == list(scheme.relabellings(values))
        assert scheme.n_relabellings(length) == len(listed)


@each
def test_draws_follow_the_listing(scheme: PositionScheme, length: int) -> None:
    rng = np.random.default_rng(0)
    listed = Counter(scheme.ids(length))
    law = {ids: Fraction(times, listed.total()) for ids, times in listed.items()}
    drawn = [scheme.draw(rng, length) for _ in range(800)]
    assert fits(drawn, law)
    assert all(type(i) is int for ids in drawn[:20] for i in ids)


@each
def test_ids_increase_or_stay_coupled(scheme: PositionScheme, length: int) -> None:
    base = scheme.base(length)
    for ids in scheme.ids(length):
        for i, j in combinations(range(length), 2):
            # An assignment relabels the IDs of the base by an increasing map: order and coupling stay.
            assert (ids[i] < ids[j]) == (base[i] < base[j])
            assert (ids[i] == ids[j]) == (base[i] == base[j])
    if not isinstance(scheme, Coupled):
        assert base == tuple(range(length))


def test_absolute_ids_are_the_positions() -> None:
    assert list(absolute().ids(4)) == [(0, 1, 2, 3)]
    assert absolute() == random_shift(0, 0)


def test_a_shift_moves_all_ids_alike_over_its_whole_range() -> None:
    assert list(random_shift(-1, 2).ids(3)) == [(o, o + 1, o + 2) for o in (-1, 0, 1, 2)]


@pytest.mark.parametrize("length", [1, 2, 5, 6])
def test_ordered_ids_are_every_sorted_subset_of_the_range(length: int) -> None:
    expected = [ids for ids in product(range(-2, 4), repeat=length) if all(a < b for a, b in pairwise(ids))]
    assert list(random_ordered(-2, 3).ids(length)) == expected


@pytest.mark.parametrize(
    ("lo", "hi", "chunks", "length"), [(0, 5, 2, 4), (1, 6, 3, 4), (-3, 1, 1, 3), (0, 4, 2, 5), (0, 6, 4, 4)]
)
def test_chunks_keep_their_steps_and_fill_the_range(lo: int, hi: int, chunks: int, length: int) -> None:
    """Every choice of cuts and non-decreasing offsets once, as the definition says it."""
    slack = hi - lo + 1 - length
    expected: Counter[Ids] = Counter()
    for chunk_of in product(range(chunks), repeat=length):
        if list(chunk_of) != sorted(chunk_of) or set(chunk_of) != set(range(chunks)):
            continue
        for offsets in product(range(slack + 1), repeat=chunks):
            if list(offsets) == sorted(offsets):
                expected[tuple(lo + i + offsets[chunk_of[i]] for i in range(length))] += 1
    listed = Counter(chunked_shift(lo, hi, chunks).ids(length))
    assert listed == expected
    assert chunked_shift(lo, hi, chunks).count(length) == comb(length - 1, chunks - 1) * comb(slack + chunks, chunks)
    assert min(min(ids) for ids in listed) == lo
    assert max(max(ids) for ids in listed) == hi
    for ids in listed:
        assert sum(b - a > 1 for a, b in zip(ids, ids[1:])) < chunks  # noqa: B905, RUF007
        assert all(a < b for a, b in pairwise(ids))


def test_blocks_couple_equal_offsets() -> None:
    assert blocks()(6) == (0, 1, 2, 0, 1, 2)
    assert blocks(3)(6) == (0, 1, 0, 1, 0, 1)
    assert blocks(1)(3) == (0, 1, 2)
    assert blocks(2) == Blocks(2)


def test_a_coupling_is_any_function_of_the_length() -> None:
    def mirrored(length: int) -> list[int]:
        return [min(i, length - 1 - i) * 10 for i in range(length)]

    assert list(coupled(mirrored).ids(4)) == [(0, 10, 10, 0)]
    assert list(coupled(mirrored, random_shift(1, 2)).ids(3)) == [(1, 11, 1), (2, 12, 2)]
    assert list(coupled(mirrored, random_ordered(0, 2)).ids(4)) == [(0, 1, 1, 0), (0, 2, 2, 0), (1, 2, 2, 1)]


def test_large_ranges_are_drawn_without_listing() -> None:
    rng = np.random.default_rng(3)
    far = 2**62 - 1
    for scheme in (random_shift(-far, far), random_ordered(-far, far), chunked_shift(-far, far, 3)):
        drawn = [scheme.draw(rng, 4) for _ in range(200)]
        assert all(-far <= ids[0] and list(ids) == sorted(set(ids)) for ids in drawn)
        assert len(set(drawn)) == 200
        assert any(ids[0] < 0 for ids in drawn)
        assert any(ids[0] > 0 for ids in drawn)
        if not isinstance(scheme, RandomShift):
            assert all(ids[-1] <= far for ids in drawn)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_a_scheme_is_a_frozen_value(scheme: PositionScheme) -> None:
    same = pickle.loads(pickle.dumps(scheme))
    assert same == scheme
    assert hash(same) == hash(scheme)
    field = dataclasses.fields(scheme)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(scheme, field, 0)


def test_different_schemes_differ() -> None:
    assert len({*SCHEMES.values(), random_shift(0, 1), random_ordered(0, 1)}) == len(SCHEMES) + 2
    same_ends: list[PositionScheme] = [RandomShift(0, 5), RandomOrdered(0, 5)]
    assert same_ends[0] != same_ends[1]


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────

RANGED = {
    "random_shift": random_shift,
    "random_ordered": random_ordered,
    "chunked_shift": chunked_shift,
    "the class RandomShift": RandomShift,
    "the class RandomOrdered": RandomOrdered,
    "the class ChunkedShift": lambda lo, hi: ChunkedShift(lo, hi, 2),
}


@pytest.mark.parametrize("make", RANGED.values(), ids=RANGED)
@pytest.mark.parametrize("bad", [1.0, "1", None, True, float("nan"), np.int64(1), 2**62, -(2**62), (1,)], ids=named)
def test_the_ends_of_a_range_are_integers(make: Any, bad: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^positions\.\w+: argument lo: got .*; expected an integer below 2\*\*62 in size\."
    ):
        make(bad, 5)
    with pytest.raises(
        InvalidArgument, match=r"argument hi: got .*; expected an integer below 2\*\*62 in size\. IDs are"
    ):
        make(0, bad)


@pytest.mark.parametrize("make", RANGED.values(), ids=RANGED)
def test_a_range_runs_upwards(make: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^positions\.\w+: argument hi: got 2 with lo=3; expected hi >= 3\. Swap the two"
    ):
        make(3, 2)


@pytest.mark.parametrize("chunks", [0, -1, True, 1.5, "2", None], ids=named)
def test_chunks_are_counted(chunks: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"chunked_shift: argument chunks: got .*; expected an integer >= 1\. Two chunks"
    ):
        chunked_shift(0, 5, chunks)


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "2", None], ids=named)
def test_blocks_are_counted(number: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"blocks: argument number: got .*; expected an integer >= 1\. Use 2 for pairs"
    ):
        blocks(number)


def test_blocks_divide_the_length() -> None:
    with pytest.raises(
        InvalidArgument, match=r"blocks: argument length: got 5; expected a multiple of the 2 blocks\. Use a"
    ):
        blocks(2)(5)
    with pytest.raises(InvalidArgument, match="a multiple of the 2 blocks"):
        coupled(blocks(2)).count(5)


@pytest.mark.parametrize("scheme", [random_ordered(0, 3), chunked_shift(0, 3, 2)], ids=named)
def test_too_few_ids_are_refused_before_anything_is_listed(scheme: PositionScheme) -> None:
    message = (
        r"argument hi: got 4 IDs \(0\.\.3\) for 5 distinct positions; expected hi >= 4\. Widen the ID range or shorten"
    )
    rng = np.random.default_rng(0)
    assert scheme.count(4) >= 1
    for refuse in (
        lambda: scheme.count(5),
        lambda: list(scheme.ids(5)),
        lambda: scheme.draw(rng, 5),
        lambda: list(coupled(blocks(1), scheme).ids(5)),
    ):
        with pytest.raises(InvalidArgument, match=message):
            refuse()


def test_too_many_chunks_are_refused() -> None:
    message = r"argument chunks: got 3 chunks for 2 distinct IDs; expected chunks <= 2\. Use fewer chunks or"
    scheme = chunked_shift(0, 9, 3)
    for refuse in (
        lambda: scheme.count(2),
        lambda: list(scheme.ids(2)),
        lambda: scheme.draw(np.random.default_rng(0), 2),
        lambda: coupled(blocks(2), scheme).count(4),
    ):
        with pytest.raises(InvalidArgument, match=message):
            refuse()
    assert scheme.count(3) == comb(7 + 3, 3)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("length", [0, -1, True, 2.0, "4", None], ids=named)
def test_a_length_is_a_positive_integer(scheme: PositionScheme, length: Any) -> None:
    message = r"argument length: got .*; expected an integer >= 1\. Give the number of positions\."
    for refuse in (
        lambda: scheme.count(length),
        lambda: list(scheme.ids(length)),
        lambda: scheme.draw(np.random.default_rng(0), length),
    ):
        with pytest.raises(InvalidArgument, match=message):
            refuse()


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("rng", [None, 3, np.random.RandomState(0)], ids=named)
def test_a_draw_needs_a_generator(scheme: PositionScheme, rng: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"argument rng: got the .*; expected a numpy random Generator"):
        scheme.draw(rng, 4)


@pytest.mark.parametrize("coupling", [None, (0, 1), "blocks", 2], ids=named)
def test_a_coupling_is_a_function(coupling: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"coupled: argument coupling: got .*; expected a function length -> IDs\. For"
    ):
        coupled(coupling)


@pytest.mark.parametrize("then", [blocks(2), 3, "absolute", random_shift], ids=named)
def test_what_follows_a_coupling_is_a_scheme(then: Any) -> None:
    message = (
        r"coupled: argument then: got the .*; expected a position scheme without a coupling\. For instance random_shift"
    )
    with pytest.raises(InvalidArgument, match=message):
        coupled(blocks(2), then)


def test_a_second_coupling_is_refused_rather_than_ignored() -> None:
    message = r"argument then: got a coupled scheme; expected a position scheme without a coupling\. Compose the two"
    with pytest.raises(InvalidArgument, match=message):
        coupled(blocks(2), coupled(blocks(3)))


@pytest.mark.parametrize(
    "returned",
    [
        None,
        3,
        (0, 1, 2),
        (0, 1, 2, 3, 4),
        (0, 1, 2, 3.0),
        (0, 1, 2, True),
        "abcd",
        np.arange(4),
        {0, 1, 2, 3},
        iter("abcd"),
    ],
    ids=named,
)
def test_a_coupling_returns_one_integer_a_position(returned: Any) -> None:
    message = (
        r"argument coupling: got .* for length 4; expected a function of the length that returns 4 integers\. Return a"
    )
    with pytest.raises(InvalidArgument, match=message):
        coupled(lambda length: returned).count(4)


def test_the_module_names_every_scheme() -> None:
    assert positions.absolute is absolute
    assert all(isinstance(scheme, PositionScheme) for scheme in SCHEMES.values())


def test_two_chunks_are_usual() -> None:
    assert positions.chunked_shift(0, 5) == positions.chunked_shift(0, 5, 2)


def test_lengths_are_below_2_to_the_62() -> None:
    scheme = positions.random_shift(0, 4)
    assert scheme.count(2**62 - 1) == 5
    for length in (2**62, 2**70):
        with pytest.raises(InvalidArgument, match=r"argument length: got .*; expected a length below 2\*\*62"):
            scheme.count(length)
