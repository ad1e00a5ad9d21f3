"""The closed forms of the theory, each once. Every function takes integers (exact result) or sympy symbols.

>>> import sympy
>>> L, l = sympy.symbols("L l", integer=True, positive=True)
>>> exchangeable_kappa(1, train=l, test=L)
(L - 1)/(l - 1)
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any, Literal

Number = Any
"""An int or a sympy expression; closed forms are generic in the two."""


def binomial(n: Number, k: Number) -> Number:
    """C(n, k): an int for ints (0 when k < 0 or n < k), a sympy expression otherwise.

    For an int k and a symbolic n it is the polynomial n(n-1)...(n-k+1)/k!.
    """
    if isinstance(n, int) and isinstance(k, int):
        return comb(n, k) if n >= k >= 0 else 0
    import sympy

    if isinstance(k, int):
        return sympy.ff(n, k) / sympy.factorial(k) if k >= 0 else sympy.Integer(0)
    return sympy.binomial(n, k)


def ratio(numerator: Number, denominator: Number) -> Number:
    """numerator / denominator, as a Fraction for ints."""
    if isinstance(numerator, int) and isinstance(denominator, int):
        return Fraction(numerator, denominator)
    return numerator / denominator


def certificate(arity: Number, anchor: Literal["none", "last"] = "none") -> Number:
    """T2: a hard head that is perfect at this length is perfect at every longer one; 2k, or 2k - 1 when anchored.

    Examples
    --------
    >>> certificate(3), certificate(3, "last")
    (6, 5)
    """
    return 2 * arity if anchor == "none" else 2 * arity - 1


def n_overlaps(arity: int) -> int:
    """How many overlap patterns two k-sets have, noise placements told apart: the central Delannoy number D(k, k).

    D(k, k) = Σ_j (2k - j)! / (j! (k - j)!²).

    Examples
    --------
    >>> [n_overlaps(k) for k in (1, 2, 3)]
    [3, 13, 63]
    """
    return sum(interleavings(arity, arity, j) for j in range(arity + 1))


def interleavings(arity: int, planted: int, overlap: int) -> int:
    """In how many ways a candidate and a planted set that share `overlap` points interleave on a line.

    (k + k' - j)! / (j! (k - j)! (k' - j)!)
    """
    union = arity + planted - overlap
    return comb(union, overlap) * comb(union - overlap, arity - overlap)


def exchangeable_pattern_mass(overlap: tuple[int | None, ...], planted: int, length: Number) -> Number:
    """The expected number of candidate sets with overlap pattern ω, for uniform support, key none and no window.

    m(ω) = a(ω) · C(l, k + k' - j) / C(l, k'), with j shared coordinates and a(ω) the number of interleavings of the
    remaining coordinates that agree with ω: one binomial for every gap between shared coordinates.

    Examples
    --------
    >>> exchangeable_pattern_mass((None, None), 2, 4)
    Fraction(1, 1)
    """
    shared = [(i, j) for i, j in enumerate(overlap) if j is not None]
    ways = 1
    i0 = j0 = -1
    for i, j in (*shared, (len(overlap), planted)):
        ways *= comb((i - i0 - 1) + (j - j0 - 1), i - i0 - 1)
        i0, j0 = i, j
    union = len(overlap) + planted - len(shared)
    return ratio(ways * binomial(length, union), binomial(length, planted))


def exchangeable_kappa(
    arity: Number, *, train: Number, test: Number, n_noise: Number | None = None
) -> Number:
    """T3a: the mass ratio of a pattern with `n_noise` noise coordinates; κ is its value at n_noise = k.

    κ_n = C(L - k, n) / C(l - k, n), non-decreasing in n.

    Examples
    --------
    >>> exchangeable_kappa(2, train=4, test=7), exchangeable_kappa(2, train=4, test=7, n_noise=1)
    (Fraction(10, 1), Fraction(5, 2))
    """
    noise = arity if n_noise is None else n_noise
    return ratio(binomial(test - arity, noise), binomial(train - arity, noise))


def half_wrong_floor(n_candidates: Number) -> Number:
    """T7: below the arity of the parity, every hard head loses at least 1 / (2 max |C|).

    Examples
    --------
    >>> half_wrong_floor(6)
    Fraction(1, 12)
    """
    return ratio(1, 2 * n_candidates)
