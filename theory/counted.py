"""A law as a matrix: how often every example has every view, with the labels of the examples; what T14 is decided on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.cones import Exact, Ints, products
from theory.errors import InvalidArgument, check, shown, typed

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_SETS = 2**31
"""Candidate sets that an example may have, so that what is computed with these stays exact."""


class Counted(NamedTuple):
    """A law: how often every example has every view, and the labels of its examples."""

    rows: csr_array
    labels: Ints

    @classmethod
    def of(cls, rows: object, labels: object, n_labels: int, where: str, name: str) -> Counted:
        from scipy.sparse import csr_array

        expected = "a scipy.sparse.csr_array of integers, examples x views"
        fix = "Wrap a table of counts as csr_array(np.array(table))."
        if not isinstance(rows, csr_array) or rows.ndim != 2 or not np.issubdtype(rows.dtype, np.integer):
            raise InvalidArgument(where, name, got=typed(rows), expected=expected, fix=fix)
        least, most = int(rows.data.min(initial=0)), int(rows.data.max(initial=0))
        check(least >= 0, where, name, got=f"the count {least}", expected="counts >= 0", fix="Count candidate sets.")
        if most < MOST_SETS:  # so that no sum leaves 64 bits
            clean = csr_array(rows.astype(np.int64))
            clean.sum_duplicates()
            clean.eliminate_zeros()
            most = max(clean.sum(axis=1).tolist(), default=0)
        check(
            most < MOST_SETS, where, name, got=f"{most:,} candidate sets of an example",
            expected=f"fewer than {MOST_SETS:,}", fix="Ask for shorter examples.",
        )  # fmt: skip
        n, fix = clean.shape[0], "Number the labels."
        expected = f"{n} integers in 0..{n_labels - 1}, one an example"
        try:
            numbers = np.asarray(labels)
        except ValueError:  # lists of several lengths
            raise InvalidArgument(where, f"{name}_labels", got=shown(labels), expected=expected, fix=fix) from None
        fits = numbers.shape == (n,) and (n == 0 or np.issubdtype(numbers.dtype, np.integer))
        fits = fits and (n == 0 or 0 <= numbers.min() <= numbers.max() < n_labels)
        check(fits, where, f"{name}_labels", labels, expected=expected, fix=fix)
        return cls(clean, numbers.astype(np.int64))

    def entries(self, row: int) -> tuple[Ints, Ints]:
        """The views of an example, and how many candidate sets have each."""
        of = slice(self.rows.indptr[row], self.rows.indptr[row + 1])
        return self.rows.indices[of].astype(np.int64), self.rows.data[of]

    def right(self, weights: Exact) -> NDArray[np.bool_]:
        """Whether the head of an integer W, views x labels, is greedily right on each example, exactly."""
        masses = np.stack([products(self.rows, column) for column in weights.T], axis=1).astype(object)
        at = np.arange(len(self.labels)), self.labels
        own = masses[at]
        masses[at] = 0 if masses.shape[1] == 1 else masses.min(initial=0) - 1
        return np.asarray(own > masses.max(axis=1), dtype=bool)
