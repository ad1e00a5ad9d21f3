"""Exact numbers, and drawing that integers decide."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import named
from tests.routes import fits
from theory import InvalidArgument, exact
from theory.exact import (
    as_float,
    check_draws,
    check_generator,
    draw_indices,
    integer_below,
    over_common_denominator,
    probabilities,
    rational,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Fraction(3)),
        (np.int64(3), Fraction(3)),
        (Fraction(2, 6), Fraction(1, 3)),
        ("1/3", Fraction(1, 3)),
        (" -2/4 ", Fraction(-1, 2)),
        ("0.1", Fraction(1, 10)),
    ],
)
def test_rational_reads_exact_numbers(value: Any, expected: Fraction) -> None:
    result = rational(value, "f", "p")
    assert result == expected
    assert type(result) is Fraction
    assert type(result.numerator) is int


@pytest.mark.parametrize(
    ("value", "got", "hint"),
    [
        (0.1, r"the float 0\.1", r"instance '1/10'"),
        (1 / 3, r"the float 0\.33", r"instance '1/3'"),
        (np.float64(0.5), r"the float64 ", r"instance '1/2'"),
        (float("nan"), "the float nan", "Write it as an int, a Fraction, or a string 'p/q'"),
        (float("inf"), "the float inf", "Write it as an int"),
        (float("-inf"), "the float -inf", "Write it as an int"),
        (True, "the bool True", "Write it as an int"),
        (np.True_, r"the bool\w* ", "Write it as an int"),
        (None, "the NoneType None", "Write it as an int"),
        ("one third", "the str 'one third'", "Write it as an int"),
        ("1/0", "the str '1/0'", "Write it as an int"),
        ("nan", "the str 'nan'", "Write it as an int"),
        (Decimal("0.5"), "the Decimal ", "Write it as an int"),
        (1j, "the complex 1j", "Write it as an int"),
        ([1], r"the list \[1\]", "Write it as an int"),
    ],
    ids=named,
)
def test_rational_refuses_what_is_not_exact(value: Any, got: str, hint: str) -> None:
    with pytest.raises(
        InvalidArgument, match=rf"^f: argument p: got {got}.*; expected an exact rational .*\. .*{hint}"
    ):
        rational(value, "f", "p")


def test_probabilities_are_exact_and_keep_zeros() -> None:
    assert probabilities(["1/2", 0, Fraction(1, 2)], "f", "p") == (Fraction(1, 2), Fraction(0), Fraction(1, 2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["1/2", "1/3"],
            r"argument p: got weights that sum to 5/6; expected .*exactly 1\. Divide every weight by 5/6\.",
        ),
        ([1, 1], r"sum to 2; .* Divide every weight by 2\."),
        ([], r"sum to 0; .* Give at least one positive weight\."),
        ([0, 0], r"sum to 0; .* Give at least one positive weight\."),
        ([2, -1], r"argument p\[1\]: got the negative weight -1; expected a weight >= 0\. Remove or correct it\."),
        (["1/2", 0.5], r"argument p\[1\]: got the float 0\.5; expected an exact rational .* '1/2'"),
    ],
)
def test_probabilities_refuse_what_is_no_law(values: list[Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        probabilities(values, "f", "p")


@given(st.lists(st.fractions(), max_size=6))
def test_a_common_denominator_is_the_least_one(values: list[Fraction]) -> None:
    weights, denominator = over_common_denominator(values)
    assert [Fraction(w, denominator) for w in weights] == values
    assert gcd(denominator, *weights) == 1


def test_as_float_rounds_correctly() -> None:
    assert as_float(Fraction(1, 10)) == 0.1
    assert as_float(Fraction(10**400 + 1, 10**400)) == 1.0
    assert as_float(2**53 + 1) == 2.0**53


class ScriptedBytes:
    """Stands in for a Generator whose next bytes are given."""

    def __init__(self, *chunks: int, n_bytes: int) -> None:
        self.chunks, self.n_bytes = list(chunks), n_bytes

    def bytes(self, n_bytes: int) -> bytes:
        assert n_bytes == self.n_bytes
        return self.chunks.pop(0).to_bytes(n_bytes, "little")


@pytest.mark.parametrize(
    ("bound", "n_bytes", "shift"), [(2**63 + 1, 8, 0), (2**64, 9, 7), (2**64 + 5, 9, 7), (2**71 + 3, 9, 0)]
)
def test_a_large_draw_rejects_what_is_out_of_range_and_keeps_the_rest(bound: int, n_bytes: int, shift: int) -> None:
    # Every value of bit_length bits comes from as many byte strings, and those >= bound are drawn again: uniform.
    kept = [0, 1, bound // 2, bound - 1]
    script = [bound << shift, *(((value << shift) | ((1 << shift) - 1)) for value in kept)]
    rng = cast(np.random.Generator, ScriptedBytes(*script, n_bytes=n_bytes))
    assert [integer_below(rng, bound) for _ in kept] == kept


@pytest.mark.parametrize(("bound", "n_bins"), [(1, 1), (7, 7), (2**63 - 1, 5), (2**63, 5), (2**64 + 1, 5), (10**40, 5)])
def test_a_draw_is_in_range_and_uniform(bound: int, n_bins: int) -> None:
    rng = np.random.default_rng(0)
    drawn = [integer_below(rng, bound) for _ in range(2000)]
    assert all(type(value) is int and 0 <= value < bound for value in drawn)
    in_bin = Fraction(1, n_bins)  # up to 1/bound, which no sample of this size can tell
    assert fits([value * n_bins // bound for value in drawn], dict.fromkeys(range(n_bins), in_bin))


@pytest.mark.parametrize("bound", [1, 2**62, 2**62 + 1, 2**63])
def test_a_draw_of_63_bits_is_that_of_the_generator(bound: int) -> None:
    drawn = [int(np.random.default_rng(seed).integers(0, bound)) for seed in range(5)]
    assert [integer_below(np.random.default_rng(seed), bound) for seed in range(5)] == drawn


@pytest.mark.parametrize("factor", [1, 2**58, 2**70])
def test_indices_follow_the_weights_whatever_their_size(factor: int) -> None:
    weights = [3, 0, 1, 6]
    drawn = draw_indices(np.random.default_rng(1), [w * factor for w in weights], 5000)
    assert fits(drawn.tolist(), {i: Fraction(w, 10) for i, w in enumerate(weights)})


@pytest.mark.parametrize("total", [2**63 - 1, 2**63, 2**90])
def test_the_cuts_between_indices_are_exact(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = [5, 0, total - 8, 3]
    values = [0, 4, 5, total - 4, total - 3, total - 1]
    script = iter(values)
    monkeypatch.setattr(exact, "integer_below", lambda rng, bound: next(script))

    class Scripted:
        def integers(self, low: int, high: int, size: int) -> np.ndarray:
            assert (low, high, size) == (0, total, len(values))
            return np.array(values)

    drawn = draw_indices(cast(np.random.Generator, Scripted()), weights, len(values))
    assert drawn.tolist() == [0, 0, 2, 2, 3, 3]


def test_a_weight_of_one_in_2_to_the_80_is_next_to_never_drawn() -> None:
    assert set(draw_indices(np.random.default_rng(2), [1, 2**80], 500).tolist()) == {1}
    assert set(draw_indices(np.random.default_rng(2), [2**80, 1], 500).tolist()) == {0}


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0), np.random])
def test_randomness_comes_through_a_generator(rng: object) -> None:
    with pytest.raises(
        InvalidArgument, match=r"f: argument rng: got the .*; expected a numpy random Generator\. Use np\."
    ):
        check_generator(rng, "f")


@pytest.mark.parametrize("size", [-1, 2.0, "3", None, True])
def test_a_number_of_draws_is_a_natural_number(size: object) -> None:
    with pytest.raises(InvalidArgument, match=r"f: argument size: got .*; expected an integer >= 0\. Give the number"):
        check_draws(np.random.default_rng(0), size, "f")


def test_the_least_number_of_draws_is_honoured() -> None:
    rng = np.random.default_rng(0)
    check_draws(rng, 0, "f")
    check_draws(rng, np.int64(1), "f", least=1)
    with pytest.raises(InvalidArgument, match=r"got 0; expected an integer >= 1"):
        check_draws(rng, 0, "f", least=1)
