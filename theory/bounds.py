"""The closed forms of the theory, each once. Every function takes integers (exact result) or sympy symbols.

>>> import sympy
>>> L, l = sympy.symbols("L l", integer=True, positive=True)
>>> exchangeable_kappa(1, train=l, test=L)
(L - 1)/(l - 1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from theory.errors import BudgetExceeded, InvalidArgument, check, check_integer, check_one_of, is_integer, shown
from theory.exact import Rational, choose, exact_choose, rational

Number = Any
"""An int or a sympy expression; closed forms are generic in the two."""

MOST_TERMS = 100_000
"""Of a closed form that is a sum or a maximum over its argument."""

RANGE = "Give a whole number in this range."

LARGEST_MARGIN = 2302
"""exp(2302) < HUGE, so that a count that stops at HUGE is still known to be larger than exp(Δ)."""


def binomial(n: Number, k: Number) -> Number:
    """C(n, k): an int for ints (0 when k < 0 or n < k), a sympy expression otherwise.

    For an int k and a symbolic n it is the polynomial n(n-1)...(n-k+1)/k!.

    Examples
    --------
    >>> from sympy import Symbol
    >>> binomial(5, 2), binomial(2, 3), binomial(Symbol("n"), 2)
    (10, 0, n*(n - 1)/2)
    """
    n, k = _number(n, "bounds.binomial", "n"), _number(k, "bounds.binomial", "k")
    if isinstance(n, int) and isinstance(k, int):
        return exact_choose(n, k, "bounds.binomial")
    import sympy

    if isinstance(k, int):
        return sympy.ff(n, k) / sympy.factorial(k) if k >= 0 else sympy.Integer(0)
    return sympy.binomial(n, k)


def ratio(numerator: Number, denominator: Number) -> Number:
    """numerator / denominator, as a Fraction for ints.

    Raises
    ------
    InvalidArgument : for a denominator of 0.

    Examples
    --------
    >>> ratio(2, 6)
    Fraction(1, 3)
    """
    numerator = _number(numerator, "bounds.ratio", "numerator")
    denominator = _number(denominator, "bounds.ratio", "denominator")
    fix = "The formula does not apply here."
    check(denominator != 0, "bounds.ratio", "denominator", 0, expected="a denominator other than 0", fix=fix)
    if isinstance(numerator, int) and isinstance(denominator, int):
        return Fraction(numerator, denominator)
    return numerator / denominator


def certificate(arity: Number, anchor: Literal["none", "last"] = "none") -> Number:
    """T2: a hard head that is perfect at this length is perfect at every longer one; 2k, or 2k - 1 when anchored.

    Raises
    ------
    InvalidArgument : for an arity < 1 or an unknown anchor.

    Examples
    --------
    >>> certificate(3), certificate(3, "last")
    (6, 5)
    """
    arity = _number(arity, "bounds.certificate", "arity", least=1)
    check_one_of(anchor, ("none", "last"), "bounds.certificate", "anchor")
    return 2 * arity if anchor == "none" else 2 * arity - 1


def parity_share(arity: int, scores: Literal["ranked", "soft"], *, train: int, test: int) -> int:
    """The guaranteed share of sparse parity without positions, for heads of at most k tokens: 0 or 1.

    Trained on the parity of k marked bits among constant noise, or of 1, ..., k of them, at lengths up to ℓ. Of what is
    longer, ranked heads guarantee everything if ℓ >= 2k, and soft heads nothing.

    Parameters
    ----------
    arity : k.
    scores : which heads are perfect in training.
    train : ℓ >= k, for ranked heads >= 2k; of shorter training this closed form does not speak.
    test : a length; all up to ℓ are trained on.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> [parity_share(4, scores, train=32, test=512) for scores in ("ranked", "soft")]
    [1, 0]

    Source: T13 and T14 in docs/theory.md.
    """
    where = "bounds.parity_share"
    check_integer(arity, where, "arity", least=1, fix=RANGE)
    check_one_of(scores, ("ranked", "soft"), where, "scores", "Hard heads: see T2.")
    check_integer(train, where, "train", least=2 * arity if scores == "ranked" else arity, fix=RANGE)
    check_integer(test, where, "test", least=arity, fix=RANGE)
    return int(scores == "ranked" or test <= train)


def n_overlaps(arity: int) -> int:
    """How many overlap patterns two k-sets have, noise placements told apart: the central Delannoy number D(k, k).

    D(k, k) = Σ_j (2k - j)! / (j! (k - j)!²).

    Examples
    --------
    >>> [n_overlaps(k) for k in (1, 2, 3)]
    [3, 13, 63]
    """
    check_integer(arity, "bounds.n_overlaps", "arity", least=0, fix=RANGE)
    _at_most(arity, "bounds.n_overlaps", "arity", MOST_TERMS // 100)
    return sum(interleavings(arity, arity, j) for j in range(arity + 1))


def interleavings(arity: int, planted: int, overlap: int) -> int:
    """In how many ways a candidate and a planted set that share `overlap` points interleave on a line.

    (k + k' - j)! / (j! (k - j)! (k' - j)!)

    Raises
    ------
    InvalidArgument : unless 0 <= overlap <= min(arity, planted).

    Examples
    --------
    >>> interleavings(1, 1, 0), interleavings(2, 2, 1)
    (2, 6)
    """
    where, fix = "bounds.interleavings", "Two sets share at most the points of the smaller one."
    for name, value in (("arity", arity), ("planted", planted), ("overlap", overlap)):
        check_integer(value, where, name, least=0, fix=RANGE)
    check_integer(overlap, where, "overlap", least=0, most=min(arity, planted), fix=fix)
    union = arity + planted - overlap
    return exact_choose(union, overlap, where) * exact_choose(union - overlap, arity - overlap, where)


def exchangeable_pattern_mass(overlap: tuple[int | None, ...], planted: int, length: Number) -> Number:
    """The expected number of candidate sets with overlap pattern ω, for uniform support, key none and no window.

    m(ω) = a(ω) · C(l, k + k' - j) / C(l, k'), with j shared coordinates and a(ω) the number of interleavings of the
    remaining coordinates that agree with ω: one binomial for every gap between shared coordinates.

    Raises
    ------
    InvalidArgument : for an ω that is no increasing map into 0..planted-1, or a length below `planted`.

    Examples
    --------
    >>> exchangeable_pattern_mass((None, None), 2, 4)
    Fraction(1, 1)
    """
    where = "bounds.exchangeable_pattern_mass"
    check_integer(planted, where, "planted", least=0, fix=RANGE)
    length = _number(length, where, "length", least=planted)
    plain = isinstance(overlap, tuple) and all(j is None or (isinstance(j, int) and j >= 0) for j in overlap)
    shared = [(i, j) for i, j in enumerate(overlap) if j is not None] if plain else []
    if not plain or any(a >= b for a, b in pairwise([*(j for _, j in shared), planted])):
        expected = f"increasing coordinates in 0..{planted - 1}, or None for noise"
        fix = "Take patterns from theory.transfer.overlaps."
        raise InvalidArgument(where, "overlap", got=shown(overlap), expected=expected, fix=fix)
    ways = 1
    i0 = j0 = -1
    for i, j in (*shared, (len(overlap), planted)):
        ways *= exact_choose((i - i0 - 1) + (j - j0 - 1), i - i0 - 1, where)
        i0, j0 = i, j
    union = len(overlap) + planted - len(shared)
    return ratio(ways * binomial(length, union), binomial(length, planted))


def exchangeable_kappa(arity: Number, *, train: Number, test: Number, n_noise: Number | None = None) -> Number:
    """T3a: the mass ratio of a pattern with `n_noise` noise coordinates; κ is its value at n_noise = k.

    κ_n = C(L - k, n) / C(l - k, n), non-decreasing in n.

    Raises
    ------
    InvalidArgument : for a training length below arity + n_noise, where the ratio is infinite.

    Examples
    --------
    >>> exchangeable_kappa(2, train=4, test=7), exchangeable_kappa(2, train=4, test=7, n_noise=1)
    (Fraction(10, 1), Fraction(5, 2))
    """
    where = "bounds.exchangeable_kappa"
    arity = _number(arity, where, "arity", least=1)
    noise = arity if n_noise is None else _number(n_noise, where, "n_noise", least=0)
    least = arity + noise
    train = _number(train, where, "train", least=least if isinstance(least, int) else None)
    test = _number(test, where, "test", least=arity if isinstance(arity, int) else None)
    return ratio(binomial(test - arity, noise), binomial(train - arity, noise))


def half_wrong_floor(n_candidates: Number) -> Number:
    """T7: below the arity of the parity, every hard head loses at least 1 / (2 max |C|).

    Examples
    --------
    >>> half_wrong_floor(6)
    Fraction(1, 12)
    """
    return ratio(1, 2 * _number(n_candidates, "bounds.half_wrong_floor", "n_candidates", least=1))


def _at_most(value: int, where: str, argument: str, most: int) -> None:
    """Refuse a sum of more terms than anyone waits for."""
    if value > most:
        raise BudgetExceeded(where, size=value, budget=most, option=argument, fix=f"Use a smaller {argument}.")


def _number(value: Number, where: str, argument: str, *, least: int | None = None) -> Number:
    """An int as it is (at least `least`), a sympy expression as it is; floats, strings and the like are refused."""
    if not (is_integer(value, least) or hasattr(value, "free_symbols")):
        expected = ("an integer" if least is None else f"an integer >= {least}") + ", or a sympy expression"
        fix = "Closed forms are exact: give whole numbers or symbols."
        check_integer(value, where, argument, least=least, expected=expected, fix=fix)
    return value


def below_arity_floor(n_candidates: Number) -> Number:
    """T12: below the arity of the parity, every hard head loses at least 1 / (max |C| + 1); sharper than T7's floor.

    Examples
    --------
    >>> below_arity_floor(6)
    Fraction(1, 7)
    """
    n_candidates = _number(n_candidates, "bounds.below_arity_floor", "n_candidates", least=1)
    return ratio(1, n_candidates + 1)


def dilution(n_candidates: Number, score: Number) -> Number:
    """T6: the loss of a head that scores the planted view 1 and each of the other n - 1 candidates `score`, all wrong.

    (n - 1) s / (1 + (n - 1) s), the worst case over heads whose wrong scores are at most s = exp(-Δ).

    Raises
    ------
    InvalidArgument : for n < 1, a score < 0 or a float for the score.

    Examples
    --------
    >>> dilution(11, Fraction(1, 10))
    Fraction(1, 2)
    """
    where = "bounds.dilution"
    n_candidates = _number(n_candidates, where, "n_candidates", least=1)
    if not hasattr(score, "free_symbols"):
        score = rational(score, where, "score")
        check(score >= 0, where, "score", got=str(score), expected="a score >= 0", fix="Scores are exp(-Δ).")
    wrong = (n_candidates - 1) * score
    return wrong / (1 + wrong)


def critical_length(arity: int, margin: Rational) -> int:
    """T6: the largest length L with C(L, k) - 1 <= exp(Δ), up to which the diluted loss is at most 1/2.

    The comparison is decided by interval arithmetic at growing precision, never by floats: for a rational Δ other than
    0 the number exp(Δ) is irrational, so some precision decides.

    Raises
    ------
    InvalidArgument : for an arity < 1, a margin < 0, a margin that is no exact rational, or one so large
        that exp(Δ) comes near `HUGE`.

    Examples
    --------
    >>> [critical_length(k, 10) for k in (1, 2, 3, 4)]
    [22027, 210, 51, 28]
    """
    where = "bounds.critical_length"
    arity = _number(arity, where, "arity", least=1)
    exact = rational(margin, where, "margin")
    fix = "Wrong candidates score at most exp(-Δ)."
    check(exact >= 0, where, "margin", got=str(exact), expected="a margin >= 0", fix=fix)
    most, fix = f"a margin <= {LARGEST_MARGIN}", "Lengths beyond exp(Δ) are never seen."
    check(exact <= LARGEST_MARGIN, where, "margin", margin, expected=most, fix=fix)
    low, high = arity, arity + 1
    while _at_most_exp(choose(high, arity) - 1, exact):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _at_most_exp(choose(middle, arity) - 1, exact) else (low, middle)
    return low


def _at_most_exp(n: int, power: Fraction) -> bool:
    """Whether n <= exp(power), for an int n >= 0 and a rational power >= 0, with certainty."""
    from mpmath.ctx_iv import MPIntervalContext

    if power == 0 or n <= 1:
        return n <= 1
    context = MPIntervalContext()
    context.prec = 64
    while True:
        below = n <= context.exp(context.mpf(power.numerator) / power.denominator)
        if below is not None:  # None: n lies inside the interval
            return bool(below)
        context.prec *= 2


@dataclass(frozen=True)
class Rate:
    """A quantity that the theory says grows like length ** exponent.

    Attributes
    ----------
    name : what grows, in words.
    exponent : the claimed exponent.
    value : the quantity at a length, exactly.

    Examples
    --------
    >>> rate = rates()[0]
    >>> rate.name, rate.exponent, rate.value(100) / rate.value(50)
    ('κ of T3a, k = 1, training length 3', 1, Fraction(99, 49))
    """

    name: str
    exponent: int
    value: Callable[[int], Fraction]


def rates() -> tuple[Rate, ...]:
    """Every closed form that claims an exponent, with the exponent; tests regress each log-log slope against it.

    Examples
    --------
    >>> rates()[0].name, rates()[0].exponent
    ('κ of T3a, k = 1, training length 3', 1)
    """
    found = []
    for k in (1, 2, 3):
        found += [
            Rate(
                f"κ of T3a, k = {k}, training length {2 * k + 1}",
                k,
                partial(_exchangeable_at, k, 2 * k + 1),
            ),
            Rate(f"N_T, k = {k}", k, partial(_candidates_at, k)),
            Rate(f"κ of T3b, w = {k}, k = 2, training length {4 * k}", 1, partial(local_pair_kappa, k, 4 * k)),
        ]
    return tuple(found)


def _exchangeable_at(arity: int, train: int, length: int) -> Fraction:
    kappa: Fraction = exchangeable_kappa(arity, train=train, test=length)
    return kappa


def _candidates_at(arity: int, length: int) -> Fraction:
    return Fraction(exact_choose(length, arity, "N_T"))


def local_pair_kappa(width: int, train: int, test: int) -> Fraction:
    """T3b for pairs: κ of w-local pairs under the relative key, from length l >= max(3w, 4) to L >= l, IDs = positions.

    A pair of offset d has L - d places; S* has n = Σ_d (L - d) sets. A disjoint candidate of offset d has mass
    ((L - d) n - touching pairs) / n, and the number of pairs that touch it is linear in L: the mass is L + O(1), so
    κ = Θ(L / l). κ is the largest ratio over d.

    Raises
    ------
    InvalidArgument : for a width < 1, or lengths below these, where other patterns decide κ or it is infinite.

    Examples
    --------
    >>> local_pair_kappa(1, 5, 9)
    Fraction(7, 2)
    """
    where = "bounds.local_pair_kappa"
    check_integer(width, where, "width", least=1, fix=RANGE)
    check_integer(train, where, "train", least=max(3 * width, 4), fix=RANGE)
    check_integer(test, where, "test", least=train, fix=RANGE)
    _at_most(width, where, "width", MOST_TERMS)
    return max(_disjoint_mass(width, d, test) / _disjoint_mass(width, d, train) for d in range(1, width + 1))


def _disjoint_mass(width: int, offset: int, length: int) -> Fraction:
    """The expected number of candidates (i, i + offset) that share no position with S*."""
    n_sets = width * length - width * (width + 1) // 2

    def clipped(n: int) -> int:  # Σ_{i < n} min(width, i)
        short = min(n, width + 1)
        return short * (short - 1) // 2 + (n - short) * width

    # By inclusion and exclusion over its two ends, a candidate meets as many S* as contain i, which are
    # min(width, i) + min(width, length - 1 - i), plus as many as contain i + offset, less itself.
    n_places = length - offset
    touching = 2 * (clipped(n_places) + clipped(length) - clipped(offset)) - n_places
    return Fraction((length - offset) * n_sets - touching, n_sets)
