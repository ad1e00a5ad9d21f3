"""The outputs of a head after every prefix of a sequence, in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, lcm

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from idealized_model.counting.arguments import check_head, check_tokens, column_of, columns_of, natural
from idealized_model.counting.patterns import PATTERN_BUDGET, Counts, exact_dtype, pattern_counts
from idealized_model.head import HeadOutput, SparseAttentionHead
from theory.errors import InvalidArgument, within_budget
from theory.examples import Label
from theory.heads import HeadClass, View

_CHUNK = 2**18
"""Partial sums that are held at a time, chosen by measurement (benchmarks/)."""

# What bounds the error of `prefix_outputs_float`: the length of its blocks, and the logits that one weight table spans.
_BLOCK, _LOGIT_RANGE = 2048, 500.0


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
            weights[code, column_of(label, column, where)] = int(score * p * scale)
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
    check_head(head, where)
    if head.heads.key != "none" or head.heads.window is not None or head.heads.at_most:
        raise InvalidArgument(
            where,
            "head",
            got=f"the head class {head.heads}",
            expected="key 'none', no window, and candidate sets of exactly k positions",
            fix="Evaluate its prefixes one by one: evaluate(head, tokens[:n], ids[:n]).",
        )
    column = columns_of(labels, where)
    vocabulary = natural(vocabulary, "vocabulary", where)
    array = check_tokens(tokens, vocabulary, where)
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
        return exact_dtype(heaviest * comb(len(tokens), j)) if weights.dtype == object else weights.dtype

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
