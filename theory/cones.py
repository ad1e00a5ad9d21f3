"""Gordan's alternative for integer rays, exactly: the linear programs of `theory.soft_guarantees`, with certificates.

Of integer vectors ψ_1, ..., ψ_m exactly one holds: some W has W·ψ_i > 0 for every i, or some convex combination of
them is 0. Adding -b to the rays answers Farkas' question as well: where some W has W·ψ_i > 0 for all i, b ≠ 0 lies in
the cone of the ψ_i iff no W has both W·ψ_i > 0 for all i and W·b < 0.

Nothing that a solver says in floats is trusted: it proposes W, or which rays the combination uses. W is rounded and
multiplied out in integers; the combination is the kernel of its rays, computed modulo primes and multiplied out. Small
programs where that fails are solved in fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import gcd, isqrt, lcm
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.errors import NotConverged

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Exact: TypeAlias = NDArray[np.object_]
"""Python integers, or fractions."""

SAFE = 2**62
"""Sums of products up to here are computed in 64 bits."""

ROUNDINGS = (2**6, 2**14, 2**30, 2**50)
"""What a proposed W of entries up to 1 is multiplied by before it is rounded; the first that passes is taken."""

ENOUGH = 1e-3
"""Rays that W leaves with less than this share of the margin of a program on some rays join them."""

JOINING = 64
"""How many rays join a program at once."""

NOTHING = (1e-9, 1e-12, 1e-6)
"""What a solver calls less is 0, relatively to the largest: tried in this order."""

EXACT_CELLS = 10_000
"""Rows times columns of a program that the simplex method in fractions may have."""

PRIMES = 64
"""Modulo at most so many primes below 2^31 a kernel is computed: numbers of up to some 990 bits."""


class Combination(NamedTuple):
    """Non-negative coefficients {number of the ray: λ}, and λ of the vector that was added: Σ λ ψ = λ b, not all 0."""

    rays: dict[int, Fraction]
    added: Fraction


class Cone:
    """The cone of the rows of an integer matrix, none of which is 0.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> cone = Cone(csr_array(np.array([[1, 0], [1, 2]])))
    >>> cone.separate().tolist()  # W with W·ψ > 0 on both
    [1, 1]
    >>> print(cone.separate(csr_array(np.array([[3, 4]]))))  # no W has W·b < 0 too: b is 1 and 2 times the rays
    Combination(rays={0: Fraction(1, 1), 1: Fraction(2, 1)}, added=Fraction(1, 1))
    >>> cone.separate(csr_array(np.array([[1, 4]]))).tolist()
    [8, -3]
    """

    def __init__(self, rays: csr_array) -> None:
        self.rays = rays
        self._scaled = _scaled(rays)
        self._working = list(range(min(rays.shape[0], JOINING)))

    def separate(self, b: csr_array | None = None) -> Exact | Combination:
        """An integer W with W·ψ > 0 on every ray (and W·b < 0), or the combination that shows that there is none.

        Raises
        ------
        NotConverged : where the solver's floats lead to neither.
        """
        found = self._propose(b)
        if found is None:
            found = self._exactly(b)
        if found is not None:
            return found
        rows, columns = self.rays.shape
        raise NotConverged(
            "soft_guarantees", "train",
            got=f"a linear program of {rows:,} x {columns:,} that did not converge: no certificate is exact",
            expected="a head, or a combination of rays, that is confirmed in rationals",
            fix="It stays inconclusive: decide shorter lengths, or a class with fewer views.",
        )  # fmt: skip

    def _propose(self, b: csr_array | None) -> Exact | Combination | None:
        """max t, W·ψ >= t on the working rays (and -W·b >= t), |W| <= 1; rays that W fails join them."""
        from scipy.sparse import vstack

        added = None if b is None else _scaled(-b)
        while True:
            some = self._scaled[self._working]
            solved = _widest(some if added is None else vstack([some, added], format="csr"))
            if solved is None or not np.abs(solved[0]).max() <= 2:  # as NaN is not; |W| <= 1 was asked for
                return None
            weights, margin, shares = solved
            combination = None if margin > 1e-4 else self._combination(b, shares)
            if combination is not None:
                return combination
            margins = self._scaled @ weights
            margins[self._working] = np.inf
            short = np.flatnonzero(margins < ENOUGH * margin)
            if not len(short):
                return self._rounded(weights, b) if margin > 0 else None
            self._working += short[np.argsort(margins[short], kind="stable")[:JOINING]].tolist()

    def _exactly(self, b: csr_array | None) -> Exact | Combination | None:
        """By the simplex method in fractions, as long as few rays join; for margins that floats cannot tell from 0."""
        from scipy.sparse import vstack

        working = self._working[:JOINING]
        while (len(working) + 1) * (self.rays.shape[1] + 1) <= EXACT_CELLS:
            some = self.rays[working]
            rows = some if b is None else vstack([some, -b], format="csr")
            found = _simplex(rows)
            if isinstance(found, list):
                if min(found) < 0 or not sum(found) or not _cancels(rows, found):
                    raise AssertionError(
                        "Cone: a combination is not 0; this is a bug in theory.cones, please report it"
                    )
                added = found.pop() if b is not None else Fraction(0)
                unit = added or Fraction(1)
                rays = {i: x / unit for i, x in zip(working, found, strict=True) if x}
                return Combination(rays, Fraction(b is not None and bool(added)))
            margins = products(self.rays, found)
            short = np.flatnonzero(margins <= 0)
            if not len(short):
                return found
            working = [*working, *short[np.argsort(margins[short], kind="stable")[:JOINING]].tolist()]
        return None

    def _rounded(self, weights: Floats, b: csr_array | None) -> Exact | None:
        """W times a power of two, in integers, where these pass on every ray and on b."""
        for scale in ROUNDINGS:
            exact = np.array([round(x * scale) for x in weights.tolist()], dtype=object)
            if (products(self.rays, exact) > 0).all() and (b is None or products(b, exact)[0] < 0):
                return exact // gcd(*exact.tolist())
        return None

    def _combination(self, b: csr_array | None, shares: Floats) -> Combination | None:
        """The combination of the rays with a share in the solver's, exactly."""
        from scipy.sparse import vstack

        for nothing in NOTHING:
            used = np.flatnonzero(shares > nothing * shares.max())
            numbers = [self._working[j] for j in used if j < len(self._working)]
            last = b is not None and len(numbers) < len(used)
            rays = self.rays[numbers]
            part = vstack([rays, -b], format="csr") if last and b is not None else rays
            solution = kernel(part)
            if solution is not None and min(solution) >= 0:
                unit = solution[-1] if last else sum(solution, Fraction(0))
                parts = [x / unit for x in solution]
                added = parts.pop() if last else Fraction(0)
                return Combination({i: x for i, x in zip(numbers, parts, strict=True) if x}, added)
        return None


def _scaled(rays: csr_array) -> csr_array:
    """The rays in floats, each divided by its largest entry."""
    scaled = rays.astype(np.float64)
    scaled.data /= np.repeat(abs(rays).max(axis=1).toarray().ravel(), np.diff(rays.indptr))
    return scaled


def _widest(rows: csr_array) -> tuple[Floats, float, Floats] | None:
    """W, t and the shares of the rows in max t, rows · W >= t, |W| <= 1, in floats; None where the solver stops."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    n_rows, n = rows.shape
    cost = np.r_[np.zeros(n), -1.0]
    matrix = hstack([-rows, csr_array(np.ones((n_rows, 1)))], format="csr")
    bounds = np.array([(-1.0, 1.0)] * n + [(None, None)], dtype=float)
    solved = linprog(cost, A_ub=matrix, b_ub=np.zeros(n_rows), bounds=bounds, method="highs-ds")  # type: ignore[call-overload]  # the stubs lack sparse matrices
    return None if solved.x is None else (solved.x[:n], float(solved.x[n]), -solved.ineqlin.marginals)


# ── Exact arithmetic ─────────────────────────────────────────────────────────────────────────────────────────────────


def products(rows: csr_array, vector: Exact) -> Exact | Ints:
    """rows · vector in integers of any size; in 64 bits where these are enough."""
    most = max((abs(x) for x in vector.tolist()), default=0)
    if most * max(int(abs(rows).sum(axis=1).max(initial=0)), 1) < SAFE:
        return np.asarray(rows @ vector.astype(np.int64))
    sums = np.zeros(rows.shape[0], dtype=object)
    terms = rows.data.astype(object) * vector[rows.indices]
    np.add.at(sums, np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), terms)
    return sums


def _simplex(rays: csr_array) -> Exact | list[Fraction]:
    """An integer W with W·ψ > 0 on all rays, or λ >= 0 with Σ λ ψ = 0 and Σ λ = 1: the first phase, by Bland's rule.

    The equations Σ λ_i (ψ_i, 1) = (0, 1) start from a rest in each; the least sum of rests is 0, or its prices (y, t) have
    y·ψ_i + t <= 0 and t > 0.
    """
    m, n = rays.shape[0], rays.shape[1] + 1
    table = np.full((n + 1, m + n + 1), Fraction(0), dtype=object)
    table[: n - 1, :m] = rays.toarray().T * Fraction(1)
    table[n - 1, [*range(m), -1]] = Fraction(1)
    table[range(n), range(m, m + n)] = Fraction(1)
    table[n] = -table[:n].sum(axis=0)
    table[n, m : m + n] = Fraction(0)
    basis = [*range(m, m + n)]
    while (entering := next((j for j in range(m + n) if table[n, j] < 0), None)) is not None:
        rising = [i for i in range(n) if table[i, entering] > 0]
        leaving = min(rising, key=lambda i: (table[i, -1] / table[i, entering], basis[i]))
        table[leaving] = table[leaving] / table[leaving, entering]
        for i in range(n + 1):
            if i != leaving and table[i, entering]:
                table[i] = table[i] - table[i, entering] * table[leaving]
        basis[leaving] = entering
    if table[n, -1] == 0:
        solution = {j: Fraction(table[i, -1]) for i, j in enumerate(basis)}
        return [solution.get(j, Fraction(0)) for j in range(m)]
    weights = [Fraction(table[n, m + i]) - 1 for i in range(n - 1)]  # minus the prices
    scale = lcm(*(x.denominator for x in weights))
    return np.array([int(x * scale) for x in weights], dtype=object)


def kernel(rows: csr_array) -> list[Fraction] | None:
    """x with Σ x_i · row_i = 0 and one entry 1, where all such x are multiples of one; None where they are not.

    Computed modulo primes, put together by the Chinese remainder theorem, read as fractions, and multiplied out.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> kernel(csr_array(np.array([[2, 0], [1, 3], [0, -2]])))
    [Fraction(-1, 3), Fraction(2, 3), Fraction(1, 1)]
    """
    used = np.unique(rows.indices)
    dense = rows[:, used].toarray().T.astype(np.int64)
    residues, modulus = None, 1
    free = -1
    for prime in _primes():
        found = _kernel_modulo(dense, prime)
        if found is None:
            return None  # a larger kernel modulo one prime in 2^30 by accident: then it stays open, never wrong
        if residues is None or found[0] != free:
            free, residues, modulus = found[0], found[1], prime
        else:
            step = pow(modulus, -1, prime)
            residues = [r + modulus * ((x - r) * step % prime) for r, x in zip(residues, found[1], strict=True)]
            modulus *= prime
        solution = [_as_fraction(r, modulus) for r in residues]
        if None not in solution:
            exact = [x for x in solution if x is not None]
            if _cancels(rows, exact):
                return exact
    return None


def _cancels(rows: csr_array, shares: Sequence[Fraction]) -> bool:
    """Whether Σ shares_i · row_i = 0."""
    scale = lcm(*(x.denominator for x in shares))
    return not products(rows.T.tocsr(), np.array([int(x * scale) for x in shares], dtype=object)).any()


def _kernel_modulo(matrix: Ints, prime: int) -> tuple[int, list[int]] | None:
    """The free column, and the kernel vector modulo the prime that is 1 there; None unless there is one such column."""
    rest = matrix % prime
    n = rest.shape[1]
    free, row, pivots = -1, 0, []
    for column in range(n):
        below = np.flatnonzero(rest[row:, column])
        if not len(below):
            if free >= 0:
                return None
            free = column
            continue
        rest[[row, row + below[0]]] = rest[[row + below[0], row]]
        rest[row] = rest[row] * pow(int(rest[row, column]), -1, prime) % prime
        others = np.flatnonzero(rest[:, column])
        others = others[others != row]
        rest[others] = (rest[others] - rest[others, column, None] * rest[row]) % prime
        pivots.append(column)
        row += 1
    if free < 0:
        return None
    vector = [0] * n
    vector[free] = 1
    for i, column in enumerate(pivots):
        vector[column] = int(-rest[i, free] % prime)
    return free, vector


def _as_fraction(residue: int, modulus: int) -> Fraction | None:
    """The fraction p/q = residue modulo `modulus` with |p|, q <= sqrt(modulus / 2), if there is one (Wang)."""
    bound = isqrt(modulus // 2)
    (r, s), (q, t) = (modulus, 0), (residue % modulus, 1)
    while q > bound:
        quotient = r // q
        (r, s), (q, t) = (q, t), (r - quotient * q, s - quotient * t)
    return Fraction(q, t) if t and abs(t) <= bound and gcd(q, t) == 1 else None


@cache
def _primes() -> tuple[int, ...]:
    """The largest primes below 2^31."""
    from sympy import prevprime

    primes = [2**31]
    for _ in range(PRIMES):
        primes.append(int(prevprime(primes[-1])))
    return tuple(primes[1:])
