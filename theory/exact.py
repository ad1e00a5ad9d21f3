"""Exact numbers: parsing rationals, putting weights over one denominator, exact drawing, and the one way to float."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, comb, floor, lcm, log10
from typing import TypeAlias

import numpy as np

from theory.errors import HUGE, BudgetExceeded, InvalidArgument, check_integer, check_type, shown, typed

Rational: TypeAlias = int | str | Fraction
"""What a user may write for an exact number: an int, a Fraction, or a string "p/q"."""

LARGEST_EXPONENT = 4300
"""Of a number written as "1e-9": as many digits as Python reads."""

READABLE = 10**9
"""Numerators and denominators from here on are printed as a decimal."""

MOST_BITS = 2**22
"""Of an exact number that is computed by a closed form: about a million digits."""


def rational(value: Rational, where: str, argument: str) -> Fraction:
    """The exact value of `value`; floats are refused, because they are rarely the number that was meant.

    Raises
    ------
    InvalidArgument : for a float, a bool, a malformed string or any other type.

    Examples
    --------
    >>> rational("1/3", "f", "p")
    Fraction(1, 3)
    """
    if isinstance(value, numbers.Rational) and not isinstance(value, bool):
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, str):
        try:
            exponent = value.lower().partition("e")[2]
            if not exponent or abs(int(exponent)) <= LARGEST_EXPONENT:
                return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    hint = "Write it as an int, a Fraction, or a string 'p/q'."
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        hint = f"Write the rational that you mean, for instance '{Fraction(value).limit_denominator(1000)}'."
    raise InvalidArgument(
        where, argument, got=typed(value), expected="an exact rational (int, Fraction or 'p/q')", fix=hint
    )


def written(value: Fraction) -> str:
    """ "p/q", or how large that is where it would fill a screen."""
    return str(value) if max(abs(value.numerator), value.denominator) < HUGE else shown(value)


def rounded(value: Fraction, digits: int, *, up: bool = False) -> Fraction:
    """A number >= 0 to so many significant digits, never above it, or with `up` never below it.

    Examples
    --------
    >>> rounded(Fraction(2, 3), 2), rounded(Fraction(2, 3), 2, up=True)
    (Fraction(33, 50), Fraction(67, 100))
    """
    if not value:
        return value
    unit = Fraction(10) ** (_exponent(value) - digits + 1)
    return unit * (ceil(value / unit) if up else floor(value / unit))


def _exponent(value: Fraction) -> int:
    """The e with 10^e <= value < 10^(e + 1), without the digits of the value."""
    exponent = int((value.numerator.bit_length() - value.denominator.bit_length()) * log10(2))
    while Fraction(10) ** exponent > value:
        exponent -= 1
    while Fraction(10) ** (exponent + 1) <= value:
        exponent += 1
    return exponent


def readable(value: Fraction | float, *, up: bool = False) -> str:
    """ "p/q" where that is short, else a decimal of six digits, never above the value, or with `up` never below it.

    Examples
    --------
    >>> readable(Fraction(7, 3)), readable(Fraction(10**9, 10**9 - 1), up=True), readable(Fraction(10) ** 30)
    ('7/3', '1.00001', '1.00000e+30')
    """
    if not isinstance(value, Fraction) or max(value.numerator, value.denominator) < READABLE:
        return str(value)
    short = rounded(value, 6, up=up)
    exponent = _exponent(short)
    if -3 <= exponent < 6:
        whole, rest = divmod(int(short * 10 ** (5 - exponent)), 10 ** (5 - exponent))
        return f"{whole}.{rest:0{5 - exponent}d}" if exponent < 5 else f"{whole}"
    digits = str(int(short / Fraction(10) ** (exponent - 5)))
    return f"{digits[0]}.{digits[1:]}e{exponent:+d}"


def probabilities(values: Sequence[Rational], where: str, argument: str) -> tuple[Fraction, ...]:
    """Exact probabilities: each at least 0, the sum exactly 1.

    Raises
    ------
    InvalidArgument : naming the negative entry, or the sum.
    """
    exact = tuple(rational(value, where, f"{argument}[{i}]") for i, value in enumerate(values))
    for i, value in enumerate(exact):
        if value < 0:
            got, at = f"the negative weight {written(value)}", f"{argument}[{i}]"
            raise InvalidArgument(where, at, got=got, expected="a weight >= 0", fix="Remove or correct it.")
    weights, denominator = over_common_denominator(exact)
    if sum(weights) != denominator:
        total = written(Fraction(sum(weights), denominator))
        got, expected = f"weights that sum to {total}", "weights that sum to exactly 1"
        fix = f"Divide every weight by {total}." if sum(weights) else "Give at least one positive weight."
        raise InvalidArgument(where, argument, got=got, expected=expected, fix=fix)
    return exact


def over_common_denominator(values: Sequence[Fraction]) -> tuple[tuple[int, ...], int]:
    """Integers w and D with values[i] = w[i] / D, D the least common denominator.

    Examples
    --------
    >>> over_common_denominator([Fraction(1, 2), Fraction(1, 3)])
    ((3, 2), 6)
    """
    denominator = lcm(*(value.denominator for value in values))
    return tuple(value.numerator * (denominator // value.denominator) for value in values), denominator


def choose(n: int, k: int) -> int:
    """min(C(n, k), HUGE), for predicting sizes: quick for every n and k.

    Examples
    --------
    >>> choose(5, 2), choose(2, 5), choose(10**9, 10**6) == HUGE
    (10, 0, True)
    """
    if not 0 <= k <= n:
        return 0
    count = 1
    for i in range(min(k, n - k)):
        count = count * (n - i) // (i + 1)  # C(n, i + 1), which grows with i up to n / 2
        if count >= HUGE:
            return HUGE
    return count


def power(base: int, exponent: int) -> int:
    """min(base ** exponent, HUGE) for integers >= 0, for predicting sizes."""
    return min(int(base ** min(exponent, HUGE.bit_length())), HUGE)


def exact_choose(n: int, k: int, where: str) -> int:
    """C(n, k), for exact use; 0 for k < 0 or n < k.

    Raises
    ------
    BudgetExceeded : for a result of more than MOST_BITS bits.
    """
    if not 0 <= k <= n:
        return 0
    _check_bits(min(k, n - k) * n.bit_length(), where)
    return comb(n, k)


def exact_power(base: int, exponent: int, where: str) -> int:
    """base ** exponent for integers >= 0, for exact use.

    Raises
    ------
    BudgetExceeded : for a result of more than MOST_BITS bits.
    """
    if base > 1:
        _check_bits(exponent * base.bit_length(), where)
    return int(base**exponent) if base > 1 or exponent == 0 else base


def _check_bits(bits: int, where: str) -> None:
    if bits > MOST_BITS:
        fix = "Ask for a smaller instance."
        raise BudgetExceeded(f"{where} (bits)", size=bits, budget=MOST_BITS, option="result", fix=fix)


def check_generator(rng: object, where: str) -> None:
    """Refuse anything but a numpy Generator, for instance a bare seed.

    Raises
    ------
    InvalidArgument
    """
    check_type(rng, np.random.Generator, where, "rng", "a numpy random Generator", "Use np.random.default_rng(seed).")


def check_draws(rng: object, size: object, where: str, least: int = 0) -> None:
    """Refuse a generator that is none, and a number of draws that is no integer or below `least`.

    Raises
    ------
    InvalidArgument
    """
    check_generator(rng, where)
    check_integer(size, where, "size", least=least, kind=numbers.Integral, fix="Give the number of draws.")


def integer_below(rng: np.random.Generator, bound: int) -> int:
    """A uniform integer in [0, bound), exact for a bound of any size (rejection on whole bits)."""
    if bound <= 2**63:
        return int(rng.integers(0, bound))
    bits = bound.bit_length()
    while True:
        value = int.from_bytes(rng.bytes((bits + 7) // 8), "little") >> (-bits % 8)
        if value < bound:
            return value


def draw_indices(rng: np.random.Generator, weights: Sequence[int], size: int) -> np.ndarray:
    """`size` independent indices i with Pr[i] = weights[i] / sum(weights), exactly: integers decide, never floats."""
    cumulative = np.cumsum(np.array(weights, dtype=object))
    total = int(cumulative[-1])
    if total <= 2**63 - 1:
        draws = rng.integers(0, total, size=size)
        return np.searchsorted(cumulative.astype(np.int64), draws, side="right")
    big = np.array([integer_below(rng, total) for _ in range(size)], dtype=object)
    return np.searchsorted(cumulative, big, side="right")


def subsets(rng: np.random.Generator, n: int, k: int, size: int) -> np.ndarray:
    """`size` independent k-subsets of 0..n-1, each uniform and sorted, a row each.

    Cost: O(size · n), since the n are permuted and the first k kept.
    """
    rows = np.broadcast_to(np.arange(n), (size, n))
    return np.sort(rng.permuted(rows, axis=1)[:, :k], axis=1)


def as_float(value: Fraction | int) -> float:
    """The one place where an exact number becomes a float (correctly rounded)."""
    return float(value)
