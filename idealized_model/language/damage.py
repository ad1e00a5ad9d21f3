"""What a model loses on tokens, by how many tokens their prediction needs.

*Damage* is the loss of a model on a token with a long context, `after`, minus its own loss with a context of its training
length, `before`; `experiment.far_of` takes other differences in the same way. The question is whether it rises with k beyond
what the token's entropy, its recency k and its KL at k = 1 tell.

In words of regression: with d the damage of a token, the slope per doubling is the coefficient b of

    d = b · log2 k + [a constant for every decile of the entropy] + c · log2 (recency k) + [one for every decile of the KL at 1]

by least squares; without adjustment, of d = b · log2 k + a constant. Tokens of one document block are not independent, so
intervals come from drawing blocks with replacement (the 2.5% and the 97.5% quantile of the coefficient), and seeds are
averaged within a token, their single slopes beside the mean one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from theory.errors import check, check_integer, check_one_of, check_type

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 1000
"""Samples of blocks, or permutations, behind an interval."""

DECILES = 10
"""Strata of a covariate, of about as many tokens each; equal values are in one."""

COVARIATES = ("entropy", "recency_k", "kl_at_one")
"""What slopes are adjusted for."""

BINS: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (7, 8), (9, 10**9))
"""The least and the greatest k of every bin."""

EVERY_K = ((1, 10**9),)
"""One bin, for the mean of all tokens."""

FEWEST = 8
"""Tokens that a bin has at least, else nothing is said of it."""


class Slope(NamedTuple):
    """By how many nats the damage rises when k doubles.

    Attributes
    ----------
    value, low, high : with the damage averaged over seeds, and its 95% interval over blocks.
    seeds : of every seed alone.

    Examples
    --------
    >>> Slope(0.1, 0.02, 0.19, (0.08, 0.12)).low > 0
    True
    """

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]


class Mean(NamedTuple):
    """The mean damage of the tokens of a bin.

    Attributes
    ----------
    least, most : the k of the bin.
    n : its tokens.
    value, low, high : in nats, with the 95% interval over blocks.

    Examples
    --------
    >>> Mean(5, 6, 40, 0.3, 0.2, 0.4).value
    0.3
    """

    least: int
    most: int
    n: int
    value: float
    low: float
    high: float


class Permuted(NamedTuple):
    """Slopes when k is permuted among the tokens of a decile of the entropy.

    A permuted k no longer goes with recency k and KL at k = 1, so its slope varies less than one that is 0 but for chance:
    the share is no p-value, and a small one no evidence that k matters where the interval over blocks has 0 in it.

    Attributes
    ----------
    share : (1 + those at least as far from 0 as the real one) / (1 + all).
    spread : their standard deviation.

    Examples
    --------
    >>> Permuted(0.04, 0.02).spread
    0.02
    """

    share: float
    spread: float


@dataclass(frozen=True, eq=False)
class Damage:
    """Measured tokens, and what models lose on them.

    Parameters
    ----------
    block : (n,) the document block of every token.
    k, recency_k, entropy, kl_at_one : (n,) what the meter says of it.
    before, after : (seeds, n) losses in nats.

    Raises
    ------
    InvalidArgument : for shapes that do not belong together, numbers that are not finite, or a k below 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> k, block = rng.integers(1, 9, 400), np.repeat(np.arange(20), 20)
    >>> entropy = rng.random(400) + np.log2(k)
    >>> after = 0.5 * np.log2(k) + rng.normal(0, 0.5, (3, 400))
    >>> damage = Damage(block, k, k + rng.integers(0, 9, 400), entropy, rng.random(400), np.zeros((3, 400)), after)
    >>> found = damage.slope()
    >>> found.low < 0.5 < found.high, round(found.high - found.low, 1), len(found.seeds)
    (True, 0.2, 3)
    >>> damage.permuted().share < 0.01
    True
    >>> [round(mean.value) for mean in damage.means() if mean.least in (1, 4)]
    [0, 1]
    """

    block: NDArray[np.int64]
    k: NDArray[np.int64]
    recency_k: NDArray[np.int64]
    entropy: Floats
    kl_at_one: Floats
    before: Floats
    after: Floats

    def __post_init__(self) -> None:
        where = "Damage"
        for field in fields(self):
            object.__setattr__(self, field.name, np.asarray(getattr(self, field.name)))
        n = self.block.size
        fix = "Give one a token, and a row of losses a seed."
        for field in fields(self):
            values = getattr(self, field.name)
            seeds = self.after.shape[:1] if field.name in ("before", "after") else ()
            fits = values.shape == (*seeds, n) and values.size
            got, expected = f"shape {values.shape}", f"shape {(*(('seeds',) if seeds else ()), n)}"
            check(fits, where, field.name, got=got, expected=expected, fix=fix)
            finite = np.isfinite(values).all()
            check(finite, where, field.name, got="numbers that are not finite", expected="finite ones", fix=fix)
        for name in ("k", "recency_k"):
            least = getattr(self, name).min()
            fix = "The current token counts."
            check(least >= 1, where, name, got=str(least), expected="numbers of tokens >= 1", fix=fix)

    @property
    def values(self) -> Floats:
        """after - before, (seeds, n)."""
        return self.after - self.before

    def slope(self, *, adjusted: bool | tuple[str, ...] = True, draws: int = DRAWS, seed: int = 0) -> Slope:
        """The slope of the damage per doubling of k.

        Parameters
        ----------
        adjusted : for entropy, recency k and KL at k = 1, as this module says; not at all; or for those of `COVARIATES` that
            are named.
        draws, seed : of the interval.

        Raises
        ------
        InvalidArgument : where k does not vary beside what is adjusted for, or there is one block alone; for an unknown name.
        """
        design = np.column_stack([np.log2(self.k), self._covariates(_names(adjusted, "Damage.slope"))])
        with _one_thread():
            _require_variation(design)
            values, low, high = self._fitted(design, 1, draws, seed)
            single = [float(_solved(design.T @ design, design.T @ own)[0]) for own in self.values]
        return Slope(float(values[0]), float(low[0]), float(high[0]), tuple(single))

    def means(
        self,
        bins: Sequence[tuple[int, int]] = BINS,
        *,
        adjusted: bool | tuple[str, ...] = True,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> list[Mean]:
        """The mean damage in bins of k, of those that have at least 8 tokens.

        Adjusted, they are the coefficients of the bins in the regression of this module, with the bins in the place of
        log2 k: what the mean would be if the covariates of every bin were those of all tokens.

        Parameters
        ----------
        bins : (least k, greatest k) of each, apart from each other.
        adjusted, draws, seed : as for `slope`.

        Raises
        ------
        InvalidArgument : for bins that overlap, or where none has enough tokens; for an unknown name.
        """
        names = _names(adjusted, "Damage.means")
        order = sorted(bins)
        apart = all(low <= high for low, high in order) and all(a[1] < b[0] for a, b in pairwise(order))
        fix = "For instance ((1, 2), (3, 9))."
        check(apart, "Damage.means", "bins", bins, expected="ranges apart from each other", fix=fix)
        members = {one: (self.k >= one[0]) & (self.k <= one[1]) for one in bins}
        used = [one for one in bins if members[one].sum() >= FEWEST]
        got, expected = "no bin with enough tokens", f"{FEWEST} in a bin"
        check(used, "Damage.means", "bins", got=got, expected=expected, fix="Measure more tokens.")
        inside = np.any([members[one] for one in used], axis=0)
        part = replace(self, **{field.name: getattr(self, field.name)[..., inside] for field in fields(self)})
        covariates = part._covariates(names)[:, 1:]
        design = np.column_stack([*(members[one][inside] for one in used), covariates - covariates.mean(axis=0)])
        with _one_thread():
            fitted = part._fitted(design, len(used), draws, seed)
        numbers = [[float(one) for one in column] for column in fitted]
        return [
            Mean(least, most, int(members[least, most].sum()), value, low, high)
            for (least, most), value, low, high in zip(used, *numbers, strict=True)
        ]

    def permuted(self, *, draws: int = DRAWS, seed: int = 0) -> Permuted:
        """The adjusted slope when k knows nothing of the damage: permuted within the deciles of the entropy.

        Parameters
        ----------
        draws, seed : of the permutations.

        Raises
        ------
        InvalidArgument : where k does not vary beside what is adjusted for.
        """
        check_integer(draws, "Damage.permuted", "draws", least=1)
        rng, strata = np.random.default_rng(seed), deciles(self.entropy)
        doublings = np.repeat(np.log2(self.k)[:, None], 1 + draws, axis=1)  # the real ones, and permuted ones
        for stratum in np.unique(strata):
            own = np.flatnonzero(strata == stratum)
            doublings[own, 1:] = rng.permuted(doublings[own, 1:], axis=0)
        covariates = self._covariates()
        with _one_thread():
            _require_variation(np.column_stack([doublings[:, 0], covariates]))
            # What the covariates leave of log2 k has the coefficient that log2 k has beside them.
            left = doublings - covariates @ (np.linalg.pinv(covariates) @ doublings)
        slopes = (left * self.values.mean(axis=0)[:, None]).sum(axis=0) / (left**2).sum(axis=0)
        real, others = slopes[0], slopes[1:]
        return Permuted((1 + int((np.abs(others) >= abs(real)).sum())) / (1 + draws), float(others.std()))

    def _covariates(self, names: tuple[str, ...] = COVARIATES) -> Floats:
        """A constant, the doublings of recency k, and indicators of the deciles but the first: (n, covariates)."""
        columns = [np.ones(self.k.size)]
        if "recency_k" in names:
            columns.append(np.log2(self.recency_k))
        for name in ("entropy", "kl_at_one"):
            if name in names:
                strata = deciles(getattr(self, name))
                columns += [(strata == stratum).astype(float) for stratum in np.unique(strata)[1:]]
        return np.column_stack(columns)

    def _fitted(self, design: Floats, shown: int, draws: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """The first coefficients of the least squares, and the ends of their intervals over blocks drawn with replacement."""
        check_integer(draws, "Damage", "draws", least=1)
        _, number = np.unique(self.block, return_inverse=True)
        blocks, fix = int(number.max()) + 1, "Measure more blocks."
        check(blocks > 1, "Damage", "block", got="tokens of one block", expected="at least two", fix=fix)
        p = design.shape[1]
        squares, products = np.zeros((blocks, p, p)), np.zeros((blocks, p))  # the normal equations are sums over blocks
        for block in range(blocks):
            own = design[number == block]
            squares[block], products[block] = own.T @ own, own.T @ self.values.mean(axis=0)[number == block]
        counts = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), draws).astype(float)
        drawn = np.tensordot(counts, squares, 1)
        found = _solved(drawn, counts @ products)[:, :shown]
        there = np.diagonal(drawn, axis1=1, axis2=2)[:, :shown] > 0  # a bin may have no token in the blocks drawn
        low, high = np.nanquantile(np.where(there, found, np.nan), [0.025, 0.975], axis=0)
        return _solved(squares.sum(axis=0), products.sum(axis=0))[:shown], low, high


def deciles(values: ArrayLike, n: int = DECILES) -> NDArray[np.int64]:
    """The stratum 0..n-1 of every value: by the share of all values that are smaller.

    Examples
    --------
    >>> deciles([5.0, 1.0, 3.0, 3.0], 2).tolist()
    [1, 0, 0, 0]
    """
    array = np.asarray(values, dtype=float)
    smaller = np.searchsorted(np.sort(array), array, side="left")
    return np.asarray(smaller * n // array.size, dtype=np.int64)


def _names(adjusted: bool | tuple[str, ...], where: str) -> tuple[str, ...]:
    """Those of the covariates that are adjusted for."""
    fix = f"For instance {COVARIATES[:1]}."
    check_type(adjusted, (bool, tuple), where, "adjusted", "true, false or a tuple of names", fix)
    names = adjusted if isinstance(adjusted, tuple) else COVARIATES if adjusted else ()
    for name in names:
        check_one_of(name, COVARIATES, where, "adjusted")
    return names


def _one_thread() -> Any:
    """More would take many times the processor time on matrices as small as these."""
    return threadpool_limits(1, user_api="blas")


def _require_variation(design: Floats) -> None:
    """Refuse a first column that the others determine."""
    varies = np.linalg.matrix_rank(design) > np.linalg.matrix_rank(design[:, 1:])
    got, fix = "tokens whose k follows from what is adjusted for", "Measure more tokens."
    check(varies, "Damage", "k", got=got, expected="a k that varies", fix=fix)


def _solved(squares: Floats, products: Floats) -> Floats:
    """The solutions of (stacked) normal equations, the shortest where there are several."""
    return np.asarray((np.linalg.pinv(squares, rcond=1e-10, hermitian=True) @ products[..., None])[..., 0])
