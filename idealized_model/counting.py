"""Exact evaluation without a list of candidate sets (T10 in docs/theory.md).

Heads of key none and no window see a sequence through the counts of its token patterns: its iterated-sums *signature*.
Signatures of neighbouring pieces multiply (Chen's product), so a sequence is cut into blocks, the plain recurrence runs
over all blocks side by side, and a tree of products joins them. Windows and other keys are listed in bulk.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, islice, pairwise
from math import comb, isqrt, lcm
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from idealized_model.head import HeadOutput, SparseAttentionHead
from theory.errors import InvalidArgument, check_type, shown, within_budget
from theory.examples import Example, Label, label_set
from theory.heads import HeadClass, View, check_heads

Counts: TypeAlias = NDArray[Any]
"""Exact counts: int64 where every value fits, otherwise an object array of Python integers."""

Levels: TypeAlias = tuple[Counts, ...]
"""Counts of all 0-, 1-, ..., k-tuples, level j of shape (..., V, ..., V) with j axes of patterns."""

PATTERN_BUDGET = 50_000_000
"""Pattern counts that a result may hold unless the `budget` argument says otherwise."""

CANDIDATE_BUDGET = 500_000_000
"""Candidate sets that may be listed in bulk unless the `budget` argument says otherwise."""

# Working sets, chosen by measurement (benchmarks/): counts that a scan updates side by side, tokens per piece of a
# sequence, candidate sets or partial sums per chunk.
_SCANNED, _PIECE, _CHUNK = 2**19, 2**22, 2**18

# What bounds the error of `prefix_outputs_float`: the length of its blocks, and the logits that one weight table spans.
_BLOCK, _LOGIT_RANGE = 2048, 500.0


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
    vocabulary, arity = _natural(vocabulary, "vocabulary", where), _natural(arity, "arity", where)
    array = _tokens(tokens, vocabulary, where)
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
        dtype = _exact_dtype(bound)
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


def _exact_dtype(bound: int) -> DTypeLike:
    return np.int64 if bound < 2**63 else object


def _shaped(levels: list[Counts], batch: tuple[int, ...], vocabulary: int) -> Levels:
    return tuple(level.reshape(batch + (vocabulary,) * j) for j, level in enumerate(levels))


def view_counts(
    heads: HeadClass, tokens: ArrayLike, ids: ArrayLike, *, budget: int = CANDIDATE_BUDGET
) -> Counter[View]:
    """How many candidate sets of a sequence have each view: `HeadClass.view_counts` at scale.

    Without a window, and with key none (or key order on strictly increasing IDs), pattern counts say it. Otherwise the
    candidate sets are listed in bulk: in (ID, position) order a set is a first element and offsets of later ones, and
    one choice of offsets is taken for all firsts at once.

    Parameters
    ----------
    heads : the head class.
    tokens, ids : integers of 64 bits, shape (length,).
    budget : candidate sets that may be listed; pattern counts need none.

    Returns
    -------
    counts : {view: number of candidate sets}, Python integers.

    Raises
    ------
    InvalidArgument : for tokens and IDs that are not two integer sequences of one length.
    BudgetExceeded : when more sets would be listed than the budget; nothing is listed then.

    Examples
    --------
    >>> counts = view_counts(HeadClass(arity=3), [0] * 1000, range(1000))
    >>> counts == {View((0, 0, 0), ()): math.comb(1000, 3)}
    True
    >>> view_counts(HeadClass(2, window=1, key="relative"), [7, 8, 9], [0, 1, 2])
    Counter({View(tokens=(7, 8), key=(0, 1)): 1, View(tokens=(8, 9), key=(0, 1)): 1})

    Cost: O(length · V^(k-1)) for V distinct tokens; with a window O(length · C(m(w+1), k-1)) for m tokens an ID.
    Source: T10 in docs/theory.md.
    """
    check_heads(heads, "view_counts")
    x, p = _sequence(tokens, ids, "view_counts")
    if not len(x):
        return Counter()
    unlimited = heads.window is None or heads.window >= int(p.max()) - int(p.min())
    rising = bool((p[1:] > p[:-1]).all())
    if unlimited and (heads.key == "none" or (heads.key == "order" and rising)):
        vocabulary, codes = np.unique(x, return_inverse=True)
        anchored = heads.anchor == "last"
        free = heads.arity - anchored
        n_sets, n_patterns = comb(len(x) - anchored, free), len(vocabulary) ** free
        if n_patterns <= PATTERN_BUDGET and (len(x) * n_patterns <= n_sets * len(vocabulary) or n_sets > budget):
            return _from_patterns(heads, vocabulary, codes, free)
    return _from_list(heads, x, p, budget)


def _from_patterns(
    heads: HeadClass, vocabulary: NDArray[np.int64], codes: NDArray[np.intp], free: int
) -> Counter[View]:
    """Views of key none or of rising IDs; the last `arity - free` tokens belong to every candidate set."""
    fixed = tuple(vocabulary[codes[len(codes) - (heads.arity - free) :]].tolist())
    key = tuple(range(heads.arity)) if heads.key == "order" else ()
    if not free:
        return Counter({View(fixed, key): 1})
    counts = pattern_counts(codes[: len(codes) - len(fixed)], vocabulary=len(vocabulary), arity=free)
    patterns = np.nonzero(counts)
    words = zip(*(vocabulary[axis].tolist() for axis in patterns), strict=True)
    return Counter({View((*word, *fixed), key): n for word, n in zip(words, counts[patterns].tolist(), strict=True)})


def _from_list(heads: HeadClass, tokens: NDArray[np.int64], ids: NDArray[np.int64], budget: int) -> Counter[View]:
    """Views of candidate sets that are listed in bulk; plainly where a code of 62 bits could not hold a view."""
    last, spread = len(ids) - 1, int(ids.max()) - int(ids.min())
    window = spread if heads.window is None else min(heads.window, spread)
    code = _ViewCode(heads, tokens, ids, window)
    if max(2 * spread, code.size) >= 2**62:
        example = Example(tuple(tokens.tolist()), tuple(ids.tolist()), 0)
        within_budget("view_counts", size=heads.n_candidates(example.ids), budget=budget)
        return heads.view_counts(example)
    ids = ids - ids.min()
    order, free = np.argsort(ids, kind="stable"), heads.arity
    if (
        heads.anchor == "last"
    ):  # sets of the others: each is within the window, and each of its members is so with the last
        order, free = order[(order != last) & (abs(ids[order] - ids[last]) <= window)], free - 1
    reach = np.searchsorted(ids[order], ids[order] + window, side="right") - np.arange(1, len(order) + 1)
    lengths, numbers = np.unique(reach, return_counts=True)
    n_sets = sum(comb(m, free - 1) * n for m, n in zip(lengths.tolist(), numbers.tolist(), strict=True)) if free else 1
    within_budget("view_counts", size=n_sets, budget=budget)

    def codes() -> Iterator[NDArray[np.int64]]:
        for ranks in _rank_sets(reach, free):
            positions = order[ranks]  # (free, sets)
            if heads.anchor == "last":
                positions = np.vstack([positions, np.full(ranks.shape[1], last)])
            yield code.encode(np.sort(positions, axis=0))

    counts = _tally(codes(), code.size)
    return Counter(dict(zip(code.decode(np.array(list(counts), dtype=np.int64)), counts.values(), strict=True)))


def _rank_sets(reach: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """All sets r_1 < ... < r_size with r_size - r_1 <= reach[r_1], as columns (size, sets) in chunks."""
    if size < 2:
        yield np.arange(len(reach) if size else 1).reshape(1, -1)[:size]
        return
    firsts = np.arange(len(reach))
    for span in range(size - 1, int(reach.max(initial=0)) + 1):
        firsts = firsts[reach[firsts] >= span]
        between = combinations(range(1, span), size - 2)
        while offsets := list(islice(between, max(1, _CHUNK // len(firsts)))):
            later = np.array([(0, *middle, span) for middle in offsets]).T  # (size, offsets)
            for start in range(0, len(firsts), _CHUNK):
                yield (later[:, :, None] + firsts[start : start + _CHUNK]).reshape(size, -1)


def _tally(arrays: Iterable[NDArray[np.int64]], size: int) -> Counter[int]:
    """How often each of the codes 0..size-1 occurs."""
    counts: Counter[int] = Counter()
    for codes in _gathered(arrays):
        if size <= len(codes):
            numbers = np.bincount(codes)
            values = np.flatnonzero(numbers)
            numbers = numbers[values]
        else:
            values, numbers = np.unique(codes, return_counts=True)
        counts.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    return counts


def _gathered(arrays: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """The arrays, joined until they are long."""
    held, n_held = [np.empty(0, dtype=np.int64)], 0
    for array in arrays:
        held.append(array)
        n_held += len(array)
        if n_held >= 4 * _CHUNK:
            yield np.concatenate(held)
            held, n_held = held[:1], 0
    yield np.concatenate(held)


class _ViewCode:
    """Views of one sequence as integers: the digits are its tokens, then its key, each in its own radix."""

    def __init__(self, heads: HeadClass, tokens: NDArray[np.int64], ids: NDArray[np.int64], window: int) -> None:
        self.heads, self.ids, self.window, k = heads, ids, window, heads.arity
        self.vocabulary, self.tokens = np.unique(tokens, return_inverse=True)
        self.id_values, self.id_codes = np.unique(ids, return_inverse=True)
        key_radices = {
            "none": [],
            "order": [k] * k,
            "relative": [2 * window + 1] * (k - 1),
            "absolute": [len(self.id_values)] * k,
        }[heads.key]
        self.radices = [len(self.vocabulary)] * k + key_radices
        self.size = math.prod(self.radices)

    def encode(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """The codes (sets,) of sets of positions (k, sets), each listed by increasing position."""
        code = np.zeros(positions.shape[1], dtype=np.int64)
        for radix, digit in zip(self.radices, (*self.tokens[positions], *self._key(positions)), strict=True):
            code = code * radix + digit
        return code

    def _key(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        if self.heads.key == "none":
            return np.empty((0, positions.shape[1]), dtype=np.int64)
        if self.heads.key == "absolute":
            return np.asarray(self.id_codes[positions], dtype=np.int64)
        chosen = self.ids[positions]  # (k, sets)
        if self.heads.key == "relative":
            return np.asarray(chosen[1:] - chosen[0] + self.window)
        ordered = np.sort(chosen, axis=0)
        rank = np.zeros_like(chosen)  # the number of distinct smaller IDs
        for lower, upper in pairwise(ordered):
            rank += (chosen >= upper) & (upper > lower)
        return rank

    def decode(self, codes: NDArray[np.int64]) -> Iterator[View]:
        """The views of codes (n,)."""
        digits = []
        for radix in reversed(self.radices):
            codes, digit = np.divmod(codes, radix)
            digits.append(digit)
        columns, k = digits[::-1], self.heads.arity
        words = zip(*(self.vocabulary[column].tolist() for column in columns[:k]), strict=True)
        if self.heads.key == "none":
            return (View(word, ()) for word in words)
        key = columns[k:]
        if self.heads.key == "absolute":
            key = [self.id_values[column] for column in key]
        elif self.heads.key == "relative":
            key = [np.zeros_like(codes), *(column - self.window for column in key)]
        return map(View, words, zip(*(column.tolist() for column in key), strict=True))


def evaluate(
    head: SparseAttentionHead, tokens: ArrayLike, ids: ArrayLike, *, budget: int = CANDIDATE_BUDGET
) -> HeadOutput:
    """The exact output of a head on one sequence, from `view_counts`; equal to head(Example(tokens, ids, ...)).

    h(x, p) = Σ_v c_v A(v) g(v) / Σ_v c_v A(v), c_v the number of candidate sets with view v.

    Raises
    ------
    ExactnessLost : for a head that is given by logits.
    InvalidArgument, BudgetExceeded : as `view_counts`.

    Examples
    --------
    >>> head = SparseAttentionHead(HeadClass(arity=2), score=lambda v: 1, value=lambda v: sum(v.tokens))
    >>> evaluate(head, [0, 1] * 500, range(1000)).law[1]
    Fraction(500, 999)

    Cost: that of `view_counts`, then O(distinct views) fractions. Source: Definition 4 and T10 in docs/theory.md.
    """
    _check_head(head, "evaluate")
    return head.from_counts(view_counts(head.heads, tokens, ids, budget=budget))


def evaluate_float(
    head: SparseAttentionHead,
    tokens: ArrayLike,
    ids: ArrayLike,
    labels: Sequence[Label],
    *,
    budget: int = CANDIDATE_BUDGET,
) -> tuple[NDArray[np.float64], bool]:
    """The output of a head on one sequence in float64: stable at logits of any finite size and counts beyond floats.

    A view weighs exp((logit - top) + log count), shifted by the largest exponent; sums are rounded once (math.fsum).

    Returns
    -------
    probabilities : (len(labels),), zeros where the head abstains; relative error below 1e-12.
    abstains : whether no candidate set has a positive score.

    Raises
    ------
    InvalidArgument : for a NaN or +inf logit, an answer outside `labels`, and as `view_counts`.
    BudgetExceeded : as `view_counts`.

    Examples
    --------
    >>> head = SparseAttentionHead(HeadClass(arity=2), logit=lambda v: 1e6 * v.tokens[0], value=lambda v: v.tokens[1])
    >>> evaluate_float(head, [0, 1, 0, 1, 1], range(5), labels=[0, 1])
    (array([0.25, 0.75]), False)

    Cost: that of `view_counts`, then O(distinct views · labels). Source: Definition 4 and T10 in docs/theory.md.
    """
    _check_head(head, "evaluate_float")
    column = _columns(labels, "evaluate_float")
    counts = view_counts(head.heads, tokens, ids, budget=budget)
    logits = {view: logit for view in counts if (logit := head._log_score(view)) > -math.inf}
    if not logits:
        return np.zeros(len(column)), True
    top = max(logits.values())
    # log count is far smaller than logits may be, so it is added only after their difference was taken.
    exponents = {view: (logit - top) + math.log(counts[view]) for view, logit in logits.items()}
    shift = max(exponents.values())
    weights = [math.exp(exponent - shift) for exponent in exponents.values()]
    answers = np.array([head._float_answer(view, column) for view in logits])  # (views, labels)
    mass = [math.fsum(weight * p for weight, p in zip(weights, ps, strict=True)) for ps in answers.T.tolist()]
    return np.array(mass) / math.fsum(weights), False


@dataclass(frozen=True, eq=False)
class PrefixOutputs:
    """The exact outputs of a head after every prefix: Pr[labels[j] | prefix of t + 1 tokens] = numerators[t, j] /
    denominators[t].

    Attributes
    ----------
    labels : the labels of the columns.
    numerators : (length, len(labels)), scale · Σ_S A(v_S) g(v_S)(label).
    denominators : (length,), scale · Σ_S A(v_S); the head abstains where it is 0.
    scale : the integer that makes all of them integers. They are int64, or Python integers where these could overflow.

    Examples
    --------
    >>> head = SparseAttentionHead(HeadClass(arity=1), score=lambda v: 1, value=lambda v: v.tokens[0])
    >>> out = prefix_outputs(head, [0, 1, 1], vocabulary=2, labels=[0, 1])
    >>> [str(out.output(t).loss(1)) for t in range(3)]  # one less the share of ones so far
    ['1', '1/2', '1/3']
    """

    labels: tuple[Label, ...]
    numerators: Counts
    denominators: Counts
    scale: int

    @property
    def abstains(self) -> NDArray[np.bool_]:
        """(length,): whether no candidate set of the prefix has a positive score."""
        return np.asarray(self.denominators == 0, dtype=bool)

    def output(self, position: int) -> HeadOutput:
        """The output after the prefix that ends at this position, as the head itself says it."""
        total = int(self.denominators[position])
        masses = zip(self.labels, self.numerators[position].tolist(), strict=True)
        return HeadOutput({label: Fraction(m, total) for label, m in masses if m}, Fraction(total, self.scale))


def prefix_outputs(
    head: SparseAttentionHead,
    tokens: ArrayLike,
    *,
    vocabulary: int,
    labels: Sequence[Label],
    budget: int = PATTERN_BUDGET,
) -> PrefixOutputs:
    """The exact outputs of a head without key and window after every prefix of a sequence, in one pass.

    With W(v) = A(v) g(v) and F_j[t](u) the sum of W(x_S, u) over the j-subsets S of the first t positions,

        F_0[t](u) = W(u),  F_j[t+1](u) = F_j[t](u) + F_{j-1}[t](x_t, u),

    and F_{k-1}[t](x_t) is what the sets that end at t add: all that an anchored head sees there.

    Parameters
    ----------
    head : a head of key none and no window; its anchor may be "last" (the last position of the prefix).
    tokens : integers in 0..V-1, shape (length,).
    vocabulary : V.
    labels : the labels of the columns: every label that the head answers on a view that occurs.
    budget : entries of the weight table, (labels + 1) · V^k.

    Raises
    ------
    ExactnessLost : for a head that is given by logits (use `prefix_outputs_float`).
    InvalidArgument : for a head with a key or a window, malformed tokens, or an answer outside `labels`.
    BudgetExceeded : when the weight table is above the budget.

    Examples
    --------
    >>> head = SparseAttentionHead(HeadClass(arity=2), score=lambda v: v.tokens[0], value=lambda v: v.tokens[1])
    >>> out = prefix_outputs(head, [0, 1, 0, 1, 1], vocabulary=2, labels=[0, 1])
    >>> out.numerators.tolist(), out.denominators.tolist()
    ([[0, 0], [0, 0], [1, 0], [1, 1], [1, 3]], [0, 0, 1, 2, 4])
    >>> out.output(3).law
    {0: Fraction(1, 2), 1: Fraction(1, 2)}

    Cost: O(length · V^(k-1) · labels). Source: Definition 4 and T10 in docs/theory.md.
    """
    where = "prefix_outputs"
    column, x, views = _prefix_arguments(head, tokens, vocabulary, labels, budget, where)
    exact = {code: (score, head.answer(view)) for code, view in views if (score := head.score(view))}
    scale = lcm(*(part.denominator for a, law in exact.values() for part in (a, *(a * p for p in law.values()))))
    weights = np.zeros((vocabulary**head.heads.arity, len(column) + 1), dtype=object)
    for code, (score, law) in exact.items():
        weights[code, -1] = int(score * scale)
        for label, p in law.items():
            weights[code, _column_of(label, column, where)] = int(score * p * scale)
    sums = _prefix_sums(weights, x, vocabulary, head.heads)
    return PrefixOutputs(tuple(column), sums[:, :-1], sums[:, -1], scale)


def prefix_outputs_float(
    head: SparseAttentionHead,
    tokens: ArrayLike,
    *,
    vocabulary: int,
    labels: Sequence[Label],
    budget: int = PATTERN_BUDGET,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """`prefix_outputs` in float64, for logits too; parameters as there.

    Views are taken in groups whose logits differ by at most 500, and a prefix joins the groups by their largest
    exponent, so that no weight under- or overflows and a prefix without the best views is still right.

    Returns
    -------
    probabilities : (length, len(labels)), zeros where the head abstains; relative error below 1e-12 at any
        length: all terms are >= 0, sums run in blocks of at most 2048 / k tokens, and what the blocks carry on is
        compensated, so that a sum is off by less than (2048 + 4k) · 2^-53, a weight by less than 600 · 2^-53 and a
        group by less than 1000 · 2^-53.
    abstains : (length,) booleans.

    Raises
    ------
    InvalidArgument, BudgetExceeded : as `prefix_outputs`; InvalidArgument also for more than 2^1000 candidate sets.

    Examples
    --------
    >>> head = SparseAttentionHead(HeadClass(1), logit=lambda v: 1000.0 * v.tokens[0], value=lambda v: v.tokens[0])
    >>> prefix_outputs_float(head, [0, 0, 1], vocabulary=2, labels=[0, 1])[0].tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]

    Cost: O(length · V^(k-1) · labels) a group of logits. Source: Definition 4 and T10 in docs/theory.md.
    """
    where = "prefix_outputs_float"
    column, x, views = _prefix_arguments(head, tokens, vocabulary, labels, budget, where)
    k = head.heads.arity
    if comb(len(x), min(k, len(x) // 2)) > 2**1000:
        raise InvalidArgument(
            where,
            "tokens",
            got=f"{len(x)} tokens for arity {k}",
            expected="at most 2^1000 candidate sets (floats overflow)",
            fix="Use prefix_outputs, which is exact.",
        )
    scored = [(head._log_score(view), code, view) for code, view in views]
    scored = sorted((entry for entry in scored if entry[0] > -math.inf), key=lambda entry: -entry[0])
    groups: list[list[tuple[float, int, View]]] = []
    for entry in scored:
        if not groups or groups[-1][0][0] - entry[0] > _LOGIT_RANGE:
            groups.append([])
        groups[-1].append(entry)
    # The sums of a prefix are total · exp(scale + top), top the largest logit of the group at hand: taking differences of
    # neighbouring tops only keeps their rounding harmless.
    total, scale, top = np.zeros((len(x), len(column) + 1)), np.full(len(x), -math.inf), 0.0
    for group in groups:
        scale += min(top - group[0][0], 1e300)  # finite, and as good as infinity
        top = group[0][0]
        weights = np.zeros((vocabulary**k, len(column) + 1))
        for logit, code, view in group:
            weights[code] = math.exp(logit - top) * np.array([*head._float_answer(view, column), 1.0])
        sums = _prefix_sums(weights, x, vocabulary, head.heads)
        with np.errstate(divide="ignore"):
            scale, old = np.maximum(scale, np.log(sums[:, -1])), scale
        shift = np.where(np.isneginf(scale), 0.0, scale)
        total = total * np.exp(old - shift)[:, None] + sums * np.exp(-shift)[:, None]
    abstains = total[:, -1] == 0
    return total[:, :-1] / np.where(abstains, 1.0, total[:, -1])[:, None], abstains


def _prefix_arguments(
    head: SparseAttentionHead, tokens: ArrayLike, vocabulary: int, labels: Sequence[Label], budget: int, where: str
) -> tuple[dict[Label, int], NDArray[np.integer], list[tuple[int, View]]]:
    """Checked: the columns of the labels, the tokens, and the views that occur with their codes in base V."""
    _check_head(head, where)
    if head.heads.key != "none" or head.heads.window is not None:
        raise InvalidArgument(
            where,
            "head",
            got=f"the head class {head.heads}",
            expected="key 'none' and no window",
            fix="Evaluate its prefixes one by one: evaluate(head, tokens[:n], ids[:n]).",
        )
    column = _columns(labels, where)
    vocabulary = _natural(vocabulary, "vocabulary", where)
    array = _tokens(tokens, vocabulary, where)
    if array.ndim != 1:
        raise InvalidArgument(
            where,
            "tokens",
            got=f"shape {array.shape}",
            expected="one sequence, of shape (length,)",
            fix="Take one row at a time.",
        )
    k = head.heads.arity
    within_budget(where, size=vocabulary**k * (len(column) + 1), budget=budget)
    codes = np.flatnonzero(pattern_counts(array, vocabulary=vocabulary, arity=k))
    words = np.stack(np.unravel_index(codes, (vocabulary,) * k), axis=1).tolist()
    return column, array, [(code, View(tuple(word), ())) for code, word in zip(codes.tolist(), words, strict=True)]


def _prefix_sums(weights: Counts, tokens: NDArray[np.integer], vocabulary: int, heads: HeadClass) -> Counts:
    """Σ_S W(x_S) over the candidate sets S of every prefix, (length, columns), for weights W (V^k, columns)."""
    k, columns = heads.arity, weights.shape[1]
    block = max(1, min(_BLOCK // k, _CHUNK // (vocabulary ** (k - 1) * columns)))
    heaviest = weights.max()

    def dtype(j: int) -> DTypeLike:  # F_j adds at most C(length, j) weights
        return _exact_dtype(heaviest * comb(len(tokens), j)) if weights.dtype == object else weights.dtype

    carries = [np.zeros((2, vocabulary ** (k - j) * columns), dtype=dtype(j)) for j in range(1, k + 1)]
    table = weights.astype(dtype(0), copy=False).reshape(vocabulary, -1)
    out = np.empty((len(tokens), columns), dtype=dtype(k))
    for start in range(0, len(tokens), block):
        x = tokens[start : start + block]
        rows = table[x]  # F_0[t](x_t, ·): (block, V^(k-1) columns)
        for carry in carries[:-1]:
            before = _running(rows, carry)[:-1]
            rows = before.reshape(len(x), vocabulary, -1)[np.arange(len(x)), x]  # F_j[t](x_t, ·)
        out[start : start + block] = rows if heads.anchor == "last" else _running(rows, carries[-1])[1:]
    return out


def _running(rows: Counts, carry: Counts) -> Counts:
    """Cumulative sums (n + 1, ...) of rows (n, ...) from the carry on; moves the carry behind the rows.

    The carry is a pair (sum, what rounding took from it): exact in integers, good to 2^-53 in floats at any length.
    """
    sums = np.zeros((len(rows) + 1, rows.shape[1]), dtype=carry.dtype)
    np.cumsum(rows.astype(carry.dtype, copy=False), axis=0, out=sums[1:])
    old, added = carry[0].copy(), sums[-1].copy()
    sums += old + carry[1]
    carry[0] = old + added
    carried = carry[0] - added  # Knuth's two-sum: what old + added lost
    carry[1] += (old - carried) + (added - (carry[0] - carried))
    return sums


def _natural(value: int, argument: str, where: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise InvalidArgument(
            where, argument, got=shown(value), expected="an integer >= 1", fix=f"Give the {argument} as a number."
        )
    return int(value)


def _check_head(head: object, where: str) -> None:
    expected = "a SparseAttentionHead"
    check_type(head, SparseAttentionHead, where, "head", expected, "Of a HardHead take SparseAttentionHead.hard.")


def _columns(labels: Sequence[Label], where: str) -> dict[Label, int]:
    column = {label: j for j, label in enumerate(label_set(labels, where))}
    if len(column) < max(len(labels), 1):
        raise InvalidArgument(
            where,
            "labels",
            got=shown(labels),
            expected="at least one label, each once",
            fix="Give the label of every output column.",
        )
    return column


def _column_of(label: Label, column: Mapping[Label, int], where: str) -> int:
    if label not in column:
        raise InvalidArgument(
            where,
            "labels",
            got=f"{shown(tuple(column))} without the answer {shown(label)}",
            expected="every label that the head answers",
            fix="Add it to labels.",
        )
    return column[label]


def _integers(values: ArrayLike, argument: str, where: str) -> NDArray[np.integer]:
    """An array of integers; a list without entries counts as one."""
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        array = np.array(None)
    if array.size == 0 and isinstance(values, list | tuple):
        array = array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise InvalidArgument(
            where,
            argument,
            got=f"the {type(values).__name__} {shown(values)}",
            expected="an array of 64-bit integers",
            fix="Convert it with np.array(..., dtype=int).",
        )
    return array


def _tokens(values: ArrayLike, vocabulary: int, where: str) -> NDArray[np.integer]:
    """Tokens in 0..V-1, in the smallest integer type that holds them."""
    array = _integers(values, "tokens", where)
    if array.ndim == 0:
        raise InvalidArgument(
            where, "tokens", got=f"the number {array}", expected="shape (..., length)", fix="Pass a sequence."
        )
    if array.size and not 0 <= int(array.min()) <= int(array.max()) < vocabulary:
        bad = array[(array < 0) | (array >= vocabulary)][0]
        raise InvalidArgument(
            where,
            "tokens",
            got=f"the token {bad}",
            expected=f"tokens in 0..{vocabulary - 1}",
            fix="Relabel them, or raise vocabulary.",
        )
    return array.astype(np.min_scalar_type(vocabulary - 1), copy=False)


def _sequence(tokens: ArrayLike, ids: ArrayLike, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and IDs of one sequence, as 64-bit integers."""
    arrays = []
    for argument, values in (("tokens", tokens), ("ids", ids)):
        array = _integers(values, argument, where)
        if array.ndim != 1 or not np.can_cast(array.dtype, np.int64):
            raise InvalidArgument(
                where,
                argument,
                got=f"shape {array.shape} of type {array.dtype}",
                expected="one sequence of 64-bit integers",
                fix="Pass an array of shape (length,).",
            )
        arrays.append(array.astype(np.int64))
    if len(arrays[0]) != len(arrays[1]):
        raise InvalidArgument(
            where,
            "ids",
            got=f"{len(arrays[1])} IDs for {len(arrays[0])} tokens",
            expected="one ID a token",
            fix="Give tokens and ids the same length.",
        )
    return arrays[0], arrays[1]


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
