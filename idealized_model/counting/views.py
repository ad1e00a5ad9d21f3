"""How often every view occurs, and the output of a head on a whole sequence from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice, pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idealized_model.counting.arguments import check_head, check_sequence, columns_of
from idealized_model.counting.patterns import PATTERN_BUDGET, pattern_counts
from idealized_model.head import HeadOutput, SparseAttentionHead
from theory.coordinates import Ids
from theory.errors import within_budget
from theory.examples import Example, Label
from theory.heads import HeadClass, View, check_heads

CANDIDATE_BUDGET = 500_000_000
"""Candidate sets that may be listed in bulk unless the `budget` argument says otherwise."""

_CHUNK = 2**18
"""Candidate sets that are listed at a time, chosen by measurement (benchmarks/)."""


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
    tokens, ids : integers of 64 bits, shape (length,); IDs of d coordinates have shape (length, d), and their candidate
        sets are listed one by one.
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
    x, p = check_sequence(tokens, ids, "view_counts")
    heads.along(1 if p.ndim == 1 else p.shape[1])  # which refuses other numbers of windows and keys
    if not len(x):
        return Counter()
    if p.ndim == 2 and heads.sees_ids:
        return _plainly(heads, x, p, budget)
    p = np.arange(len(x)) if p.ndim == 2 else p
    parts = [(part, _patterns(part, x, p, budget)) for part in heads.parts(len(x))]
    n_sets = sum(part.n_candidates(p.tolist()) for part, patterns in parts if patterns is None) if heads.at_most else 0
    within_budget("view_counts", size=n_sets, budget=budget)
    counts: Counter[View] = Counter()
    for part, patterns in parts:  # their views differ
        found = _from_list(part, x, p, budget) if patterns is None else _from_patterns(part, *patterns)
        counts = counts | found if counts else found
    return counts


def _patterns(
    heads: HeadClass, tokens: NDArray[np.int64], ids: NDArray[np.int64], budget: int
) -> tuple[NDArray[np.int64], NDArray[np.intp], int] | None:
    """The distinct tokens, their places, and how many positions are free, where pattern counts say it, and at less cost."""
    spread = int(ids.max()) - int(ids.min())
    unlimited = not isinstance(heads.window, int) or heads.window >= spread
    rising = bool((ids[1:] > ids[:-1]).all())
    if unlimited and (heads.key == "none" or (heads.key == "order" and rising)):
        vocabulary, codes = np.unique(tokens, return_inverse=True)
        anchored = heads.anchor == "last"
        free = heads.arity - anchored
        n_sets, n_patterns = comb(len(tokens) - anchored, free), len(vocabulary) ** free
        cheap = len(tokens) * n_patterns <= n_sets * len(vocabulary) or n_sets > budget
        if n_patterns <= PATTERN_BUDGET and cheap:
            return vocabulary, codes, free
    return None


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
    window = min(heads.window, spread) if isinstance(heads.window, int) else spread
    code = _ViewCode(heads, tokens, ids, window)
    if max(2 * spread, code.size) >= 2**62:
        return _plainly(heads, tokens, ids, budget)
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


def _plainly(heads: HeadClass, tokens: NDArray[np.int64], ids: NDArray[np.int64], budget: int) -> Counter[View]:
    """Views of candidate sets that are listed one by one."""
    own: Ids = tuple(ids.tolist()) if ids.ndim == 1 else tuple(map(tuple, ids.tolist()))
    within_budget("view_counts", size=heads.n_candidates(own), budget=budget)
    return heads.view_counts(Example(tuple(tokens.tolist()), own, 0))


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
        }[str(heads.key)]
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
    check_head(head, "evaluate")
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
    check_head(head, "evaluate_float")
    column = columns_of(labels, "evaluate_float")
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
