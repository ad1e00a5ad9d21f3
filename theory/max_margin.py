"""The max-margin head of T14's class: what gradient descent tends to where W is trained freely; a prediction, in floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from theory.cones import Floats, Ints
from theory.counted import Counted
from theory.errors import AssumptionViolated, NotConverged, check, check_integer, within_budget
from theory.soft_guarantees import soft_guarantees

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_DENSE = 5_000_000
"""Rows times columns of the quadratic program of a max-margin head."""

DOUBT = 1e-7
"""Margins of a max-margin head up to here are in doubt, relatively to its largest weight."""


@dataclass(frozen=True, eq=False)
class MaxMarginHead:
    """The W of least norm with margin 1 in training: a prediction in floats, and no promise.

    The *margin* of a head on an example is the least W·ψ over its rays, divided by its number of candidate sets: softmax
    averages. What gradient descent on a logistic loss tends to, where W is all that is trained, is this W up to a factor.

    Attributes
    ----------
    weights : W, views x labels; every row sums to 0.
    """

    weights: Floats

    def margins(self, rows: csr_array, labels: Sequence[int] | Ints) -> Floats:
        """The margin on every example, a label in 0..|Y|-1 each; 0 where there is no candidate set."""
        law = Counted.of(rows, labels, self.weights.shape[1], "MaxMarginHead", "rows")
        check(
            law.rows.shape[1] == len(self.weights), "MaxMarginHead", "rows", got=f"{law.rows.shape[1]} views",
            expected=f"{len(self.weights)}, as in training", fix="Number the views of both laws together.",
        )  # fmt: skip
        masses = np.asarray(law.rows @ self.weights) / np.maximum(law.rows.sum(axis=1), 1)[:, None]
        at = np.arange(len(law.labels)), law.labels
        own = masses[at]
        masses[at] = -np.inf
        return np.asarray(own - masses.max(axis=1))

    def errs(self, rows: csr_array, labels: Sequence[int] | Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """On which examples its greedy answer is wrong, and of which this is in doubt, being in floats."""
        margins = self.margins(rows, labels)
        return margins <= 0, np.abs(margins) <= DOUBT * np.abs(self.weights).max()


def max_margin(
    train: csr_array, train_labels: Sequence[int] | Ints, n_labels: int, *, budget: int = MOST_DENSE
) -> MaxMarginHead:
    """The soft head min |W|² with W·ψ / (number of candidate sets) >= 1 on every training ray: a heuristic, in floats.

    Parameters
    ----------
    train, train_labels, n_labels : as for `soft_guarantees`; at least two labels.
    budget : rows times columns that the quadratic program may have.

    Returns
    -------
    MaxMarginHead

    Raises
    ------
    InvalidArgument, BudgetExceeded : as `soft_guarantees`, and for a single label.
    AssumptionViolated : where no head is perfect in training.
    NotConverged : where the solver leaves a margin below 1.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> head = max_margin(csr_array(np.array([[1, 0], [1, 3]])), [0, 1], 2)
    >>> head.weights.round(6).tolist()
    [[0.5, -0.5], [-0.833333, 0.833333]]
    >>> head.margins(csr_array(np.array([[5, 3], [0, 0]])), [0, 1]).round(6).tolist()
    [0.0, 0.0]

    Cost: non-negative least squares of labels · views equations in as many unknowns as there are distinct rays.
    Source: T14 in docs/theory.md.
    """
    where = "max_margin"
    check_integer(n_labels, where, "n_labels", least=2, fix="With one label there is no margin.")
    law = Counted.of(train, train_labels, n_labels, where, "train")
    n_examples, n_views = law.rows.shape
    within_budget(
        f"{where} (rows x columns)", size=n_examples * (n_labels - 1) * n_views * n_labels, budget=budget,
        fix=f"Here are {n_examples * (n_labels - 1):,} x {n_views * n_labels:,}: ask for shorter lengths.",
    )  # fmt: skip
    if not soft_guarantees(law.rows, law.labels, law.rows[:0], law.labels[:0], n_labels).realizable:
        raise AssumptionViolated(
            where, "train", got="a law on which no soft head is perfect", expected="a realizable one",
            fix="Ask soft_guarantees for `combination`.",
        )  # fmt: skip
    shares = law.rows.toarray() / law.rows.sum(axis=1)[:, None]
    rays = np.zeros((n_examples, n_labels, n_views, n_labels))  # (example, y', view, label)
    for other in range(n_labels):
        rays[np.arange(n_examples), other, :, law.labels] = shares
        rays[:, other, :, other] -= shares
    kept = np.arange(n_labels) != law.labels[:, None]
    weights = _least_norm(np.unique(rays[kept].reshape(-1, n_views * n_labels), axis=0))
    return MaxMarginHead(weights.reshape(n_views, n_labels))


def _least_norm(rays: Floats) -> Floats:
    """The x of least norm with rays · x >= 1, by non-negative least squares (Lawson and Hanson's least distances).

    Solved twice: where |x| is far from 1 the first time scales the second.
    """
    from scipy.optimize import nnls

    scale, x = 1.0, np.zeros(rays.shape[1])
    for _ in range(2):
        matrix = np.vstack([rays.T * scale, np.ones(len(rays))])
        try:
            shares, _ = nnls(matrix, np.r_[np.zeros(rays.shape[1]), 1.0], maxiter=30 * sum(matrix.shape))
        except RuntimeError:  # after so many steps
            x = np.zeros(rays.shape[1])
            break
        rest = matrix @ shares - np.r_[np.zeros(rays.shape[1]), 1.0]
        x = -rest[:-1] / rest[-1] * scale
        scale = float(np.linalg.norm(x))
    least = float((rays @ x).min())
    if not least >= 1 - 1e-6:
        raise NotConverged(
            "max_margin", "train", got=f"a quadratic program that did not converge: the least margin is {least}",
            expected="a margin of 1", fix="It stays inconclusive: decide shorter lengths.",
        )  # fmt: skip
    return np.asarray(x)
