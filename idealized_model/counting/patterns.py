"""How often every pattern of tokens occurs: signatures, and the product that joins those of neighbouring pieces."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from math import comb, isqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from idealized_model.counting.arguments import check_tokens, natural
from theory.errors import InvalidArgument, shown, within_budget

Counts: TypeAlias = NDArray[Any]
"""Exact counts: int64 where every value fits, otherwise an object array of Python integers."""

Levels: TypeAlias = tuple[Counts, ...]
"""Counts of all 0-, 1-, ..., k-tuples, level j of shape (..., V, ..., V) with j axes of patterns."""

PATTERN_BUDGET = 50_000_000
"""Pattern counts that a result may hold unless the `budget` argument says otherwise."""

# Working sets, chosen by measurement (benchmarks/): counts that a scan updates side by side, tokens per piece of a
# sequence.
_SCANNED, _PIECE = 2**19, 2**22


def pattern_counts(tokens: ArrayLike, *, vocabulary: int, arity: int, budget: int = PATTERN_BUDGET) -> Counts:
    """How many increasing k-tuples of positions show each pattern of k tokens, exactly.

    counts[..., u_1, ..., u_k] = #{s_1 < ... < s_k : x_{s_1} = u_1, ..., x_{s_k} = u_k}

    Parameters
    ----------
    tokens : integers in 0..V-1, shape (..., length); leading axes are a batch.
    vocabulary : V.
    arity : k >= 1.
    budget : entries that the result may have.

    Returns
    -------
    counts : shape (..., V, ..., V) with k pattern axes; int64 while C(length, k) < 2^63, else Python integers.

    Raises
    ------
    InvalidArgument : for tokens that are no integers in 0..V-1, no axis, or an arity or vocabulary < 1.
    BudgetExceeded : when the batch times V^k is above the budget.

    Examples
    --------
    >>> pattern_counts([0, 1, 1], vocabulary=2, arity=2).tolist()
    [[0, 2], [0, 1]]
    >>> pattern_counts(np.zeros(10**6, dtype=int), vocabulary=1, arity=4)[0, 0, 0, 0] == math.comb(10**6, 4)
    True

    Cost: O(length · V^(k-1)) additions. Source: T10 in docs/theory.md.
    """
    return _signature(tokens, vocabulary, arity, budget, "pattern_counts")[-1]


def signature(tokens: ArrayLike, *, vocabulary: int, arity: int, budget: int = PATTERN_BUDGET) -> Levels:
    """The pattern counts of all levels 0..k: what `chen_product` multiplies.

    Parameters and errors are those of `pattern_counts`.

    Examples
    --------
    >>> [level.tolist() for level in signature([0, 1, 1], vocabulary=2, arity=2)]
    [1, [1, 2], [[0, 2], [0, 1]]]

    Cost: O(length · V^(k-1)). Source: T10 in docs/theory.md.
    """
    return _signature(tokens, vocabulary, arity, budget, "signature")


def chen_product(left: Sequence[Counts], right: Sequence[Counts]) -> Levels:
    """The signature of a concatenation from the signatures of its parts.

    c_j(xy) = Σ_{a+b=j} c_a(x) ⊗ c_b(y)

    Parameters
    ----------
    left, right : signatures of one vocabulary and arity; batch axes broadcast.

    Returns
    -------
    levels : as from `signature`; level j is int64 while C(length, j) < 2^63, else Python integers.

    Raises
    ------
    InvalidArgument : for anything but two signatures of one vocabulary and arity.

    Examples
    --------
    >>> parts = [signature(part, vocabulary=2, arity=2) for part in ([0], [1, 1])]
    >>> chen_product(*parts)[2].tolist()
    [[0, 2], [0, 1]]

    Cost: O(k · V^k) a pair. Source: T10 in docs/theory.md.
    """
    arity, vocabulary = _check_levels(left, "left")
    if _check_levels(right, "right") != (arity, vocabulary):
        raise InvalidArgument(
            "chen_product",
            "right",
            got=f"arity and vocabulary {_check_levels(right, 'right')}",
            expected=f"those of left, {(arity, vocabulary)}",
            fix="Compute both with the same vocabulary and arity.",
        )
    parts = [
        [level.reshape(*levels[0].shape, vocabulary**j) for j, level in enumerate(levels)] for levels in (left, right)
    ]
    totals = [[_total(level) for level in levels] for levels in parts]
    # Of signatures of n and m tokens the bound is Σ_{a+b=j} C(n, a) C(m, b) = C(n + m, j); it holds for all integers.
    bounds = [sum(totals[0][a] * totals[1][j - a] for a in range(j + 1)) for j in range(arity + 1)]
    product = _chen(parts[0], parts[1], bounds)
    return _shaped(product, product[0].shape[:-1], vocabulary)


def _signature(tokens: ArrayLike, vocabulary: int, arity: int, budget: int, where: str) -> Levels:
    vocabulary, arity = natural(vocabulary, "vocabulary", where), natural(arity, "arity", where)
    array = check_tokens(tokens, vocabulary, where)
    if array.ndim - 1 + arity > 64:
        raise InvalidArgument(
            where,
            "arity",
            got=f"{arity} with {array.ndim - 1} batch axes",
            expected="at most 64 axes in all (a limit of numpy)",
            fix="Use a smaller arity or fewer batch axes.",
        )
    batch = array.shape[:-1]
    within_budget(where, size=math.prod(batch) * vocabulary**arity, budget=budget)
    levels = _batch_levels(array.reshape(math.prod(batch), array.shape[-1]), vocabulary, arity)
    return _shaped(levels, batch, vocabulary)


def _batch_levels(tokens: NDArray[np.integer], vocabulary: int, arity: int) -> list[Counts]:
    """The levels (batch, V^j) of sequences (batch, length): pieces of bounded size, joined from left to right."""
    rows = max(1, min(_SCANNED // vocabulary**arity, 4096))  # blocks that are scanned side by side
    parts = [_levels(part, vocabulary, arity, rows) for part in np.split(tokens, range(rows, len(tokens), rows))]
    return [np.concatenate(level) for level in zip(*parts, strict=True)]


def _levels(tokens: NDArray[np.integer], vocabulary: int, arity: int, rows: int) -> list[Counts]:
    n_sequences, length = tokens.shape
    n_blocks = max(1, min(rows // max(n_sequences, 1), isqrt(length)))
    dtype, longest = _block_limit(arity)
    longest = max(1, min(longest, _PIECE // (n_blocks * max(n_sequences, 1))))
    n_pieces = max(1, -(-length // (n_blocks * longest)))
    levels: list[Counts] = []
    done = 0
    for piece in np.array_split(tokens, n_pieces, axis=1):
        own = _joined(_scan(piece, n_blocks, vocabulary, arity, dtype), piece.shape[1])
        done += piece.shape[1]
        levels = _chen(levels, own, _most(done, arity)) if levels else own
    return levels


@cache
def _block_limit(arity: int) -> tuple[DTypeLike, int]:
    """The type of a block's counts and its largest length: no count exceeds max_{j<=k} C(length, j)."""
    narrow, wide = (
        bisect_left(range(2**31), bound, key=lambda n: comb(n, min(arity, n // 2))) - 1 for bound in (2**31, 2**63)
    )
    return (np.int32, narrow) if narrow >= 256 else (np.int64, wide)  # half the memory where blocks stay long enough


def _scan(
    tokens: NDArray[np.integer], n_blocks: int, vocabulary: int, arity: int, dtype: DTypeLike
) -> list[NDArray[np.int64]]:
    """The levels (blocks, batch, V^j) of all blocks, scanned side by side from their last token to their first.

    Prepending a token x to a block adds c_{j-1} to the row c_j[x, ...], for every level, the highest first.
    """
    n, length = tokens.shape
    short, n_long = divmod(length, n_blocks)  # the first n_long blocks have one token more
    cut = n_long * (short + 1)
    long_blocks = tokens[:, :cut].reshape(n, n_long, short + 1)
    short_blocks = tokens[:, cut:].reshape(n, n_blocks - n_long, short)
    steps = np.concatenate([long_blocks[:, :, 1:], short_blocks], axis=1).transpose(2, 1, 0)  # (short, blocks, batch)
    steps = np.ascontiguousarray(steps).reshape(short, n_blocks * n)
    first = long_blocks[:, :, 0].T.reshape(n_long * n)
    counts = [np.ones((n_blocks * n, 1), dtype=dtype)]
    counts += [np.zeros((n_blocks * n * vocabulary, vocabulary**j), dtype=dtype) for j in range(arity)]
    before = [level.reshape(n_blocks * n, vocabulary**j) for j, level in enumerate(counts)]  # c_j, flat: views
    first_row = np.arange(n_blocks * n) * vocabulary
    for step in (*steps[::-1], first):
        rows = first_row[: len(step)] + step  # one row a block, so that no row comes twice
        for j in range(arity, 0, -1):
            counts[j][rows] = counts[j].take(rows, axis=0) + before[j - 1][: len(step)]
    return [level.reshape(n_blocks, n, level.shape[-1]).astype(np.int64) for level in before]


def _joined(levels: list[Counts], length: int) -> list[Counts]:
    """The levels (batch, V^j) of a piece from those of its blocks (blocks, batch, V^j): neighbours pairwise, repeatedly."""
    longest = -(-length // len(levels[0]))
    while len(levels[0]) > 1:
        even, longest = len(levels[0]) // 2 * 2, min(2 * longest, length)
        left, right = ([level[start:even:2] for level in levels] for start in (0, 1))
        pairs = _chen(left, right, _most(longest, len(levels) - 1))
        levels = [np.concatenate([pair, level[even:]]) for pair, level in zip(pairs, levels, strict=True)]
    return [level[0] for level in levels]


def _chen(left: list[Counts], right: list[Counts], bounds: list[int]) -> list[Counts]:
    """Chen's product of flat levels (..., V^j), level 0 being 1; no partial sum at level j exceeds bounds[j]."""
    product = [left[0] * right[0]]
    for j, bound in enumerate(bounds[1:], start=1):
        dtype = exact_dtype(bound)
        ours, theirs = ([level.astype(dtype, copy=False) for level in levels[: j + 1]] for levels in (left, right))
        total = ours[j] + theirs[j]
        for a in range(1, j):
            term = ours[a][..., :, None] * theirs[j - a][..., None, :]  # (..., V^a, V^(j-a))
            total += term.reshape(total.shape)
        product.append(total)
    return product


def _most(length: int, arity: int) -> list[int]:
    """Bounds on the counts of a sequence: C(length, j) tuples at level j."""
    return [comb(length, j) for j in range(arity + 1)]


def _total(level: Counts) -> int:
    """The largest Σ|c| over the batch, exactly: for a signature of n tokens C(n, j)."""
    most = max(int(level.max(initial=0)), -int(level.min(initial=0)))
    if most * level.shape[-1] >= 2**63:
        level = level.astype(object)
    return int(np.max(abs(level).sum(axis=-1), initial=0))


def exact_dtype(bound: int) -> DTypeLike:
    return np.int64 if bound < 2**63 else object


def _shaped(levels: list[Counts], batch: tuple[int, ...], vocabulary: int) -> Levels:
    return tuple(level.reshape(batch + (vocabulary,) * j) for j, level in enumerate(levels))


def _check_levels(levels: Sequence[Counts], argument: str) -> tuple[int, int]:
    """Arity and vocabulary of what `signature` returns."""
    usable = (
        isinstance(levels, list | tuple)
        and len(levels) > 1
        and all(isinstance(level, np.ndarray) for level in levels)
        and all(level.dtype == object or np.can_cast(level.dtype, np.int64) for level in levels)
    )
    if usable:
        batch, vocabulary = levels[0].shape, levels[-1].shape[-1:] or (0,)
        usable = all(level.shape == batch + vocabulary * j for j, level in enumerate(levels))
        usable = usable and bool((levels[0] == 1).all())
    if not usable:
        raise InvalidArgument(
            "chen_product",
            argument,
            got=shown(levels),
            expected="a signature: the counts of levels 0, 1, ..., k",
            fix="Take it from signature(tokens, vocabulary=..., arity=...).",
        )
    return len(levels) - 1, vocabulary[0]
