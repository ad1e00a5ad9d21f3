"""What goes through a model at once: sequences of one padded length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.config import Array


@dataclass(frozen=True)
class Batch:
    """Sequences of one padded length, and what is to be predicted from where.

    Attributes
    ----------
    tokens, ids : (batch, length) integers; what lies behind the last query of a row is never read. IDs of d coordinates
        have shape (batch, length, d).
    queries : (batch, S) positions, increasing in each row: the prediction is made from the token there.
    targets : (batch, S) next tokens.
    weights : (batch, S) 1 for a supervised query, 0 for one that only fills the row.
    increments : (batch, S) classes of the ID increment, for a model that predicts it.

    Examples
    --------
    >>> one = np.ones((1, 1), dtype=np.float32)
    >>> tokens, ids = np.array([[0, 2, 0]]), np.array([[1, 0, 1]])
    >>> batch = Batch(tokens, ids, queries=np.array([[1]]), targets=np.array([[0]]), weights=one)
    >>> int(batch.tokens[0, batch.queries[0, 0]])  # what the prediction is made from
    2
    """

    tokens: NDArray[np.int64]
    ids: NDArray[np.int64]
    queries: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: Array
    increments: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def part(self, start: int, end: int) -> Batch:
        """The sequences start..end-1."""
        rows = slice(start, end)
        increments = None if self.increments is None else self.increments[rows]
        return Batch(
            self.tokens[rows], self.ids[rows], self.queries[rows], self.targets[rows], self.weights[rows], increments
        )
