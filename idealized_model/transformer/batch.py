"""What goes through a model at once: sequences of one padded length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.config import Array, ModelConfig
from theory.errors import InvalidArgument, check, check_type

EMPTY = "Leave out a batch that has nothing to predict."
FILL = "Fill shorter rows, with weight 0."
MATCH = "Make the batch for the model's configuration."


@dataclass(frozen=True)
class Batch:
    """Sequences of one padded length, and what is to be predicted from where.

    Attributes
    ----------
    tokens, ids : (batch, length) integers; what lies behind the last query of a row is never read. IDs of d coordinates
        have shape (batch, length, d).
    queries : (batch, S) positions, increasing in each row: the prediction is made from the token there. What fills a row
        may repeat the last one.
    targets : (batch, S) next tokens.
    weights : (batch, S) 1 for a supervised query, 0 for one that only fills the row.
    increments : (batch, S) classes of the ID increment, for a model that predicts it.

    Raises
    ------
    InvalidArgument : for a batch without sequences, tokens or queries, and for shapes that do not belong together.

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

    def __post_init__(self) -> None:
        for name in ("tokens", "ids", "queries", "targets", "weights"):
            check_type(getattr(self, name), np.ndarray, "Batch", name, "an array", "Write np.array(values).")
        tokens, queries = self.tokens.shape, self.queries.shape
        for name, shape in (("tokens", tokens), ("queries", queries)):
            full = len(shape) == 2 and 0 not in shape and shape[0] == tokens[0]
            expected = "a row for each sequence, of which there are some, with as many in each"
            check(full, "Batch", name, got=f"shape {shape}", expected=expected, fix=EMPTY)
        likes = {"ids": tokens, "targets": queries, "weights": queries}
        for name, like in (likes if self.increments is None else likes | {"increments": queries}).items():
            shape = getattr(self, name).shape[: 2 if name == "ids" else None]  # IDs may have coordinates
            check(shape == like, "Batch", name, got=f"shape {shape}", expected=f"shape {like}", fix=FILL)

    def __len__(self) -> int:
        return len(self.tokens)

    def require(self, config: ModelConfig, where: str, *, targets: bool = False, weights: bool = False) -> None:
        """Refuse what a model cannot read, or would misread without a word.

        Parameters
        ----------
        targets : whether its targets are asked for.
        weights : whether the model learns from it.

        Raises
        ------
        InvalidArgument : for tokens, IDs or queries out of range, and queries that are not in order; for targets out of range,
            where they are asked for; where it is learned from, also for increments that are missing or out of range, and
            weights that are all 0.

        Examples
        --------
        >>> one = np.ones((1, 1), dtype=np.float32)
        >>> batch = Batch(np.array([[0, 5]]), np.array([[0, 1]]), np.array([[1]]), np.array([[0]]), one)
        >>> batch.require(ModelConfig(n_tokens=6, width=8), "Engine")
        >>> batch.require(ModelConfig(n_tokens=5, width=8), "Engine")
        Traceback (most recent call last):
        theory.errors.InvalidArgument: Engine: argument batch.tokens: got numbers in 0..5; expected 0..4. Make the batch for \
the model's configuration.
        """
        each = self.tokens.shape[1:] + ((config.n_coordinates,) if config.n_coordinates > 1 else ())
        got, expected = f"shape {self.ids.shape}", f"shape (batch, {', '.join(map(str, each))})"
        fix = "Give an ID to every token, with as many coordinates as the configuration."
        check(self.ids.shape[1:] == each, where, "batch.ids", got=got, expected=expected, fix=fix)
        limits = {"tokens": config.n_tokens, "queries": self.tokens.shape[1]}
        if config.encoding == "learned":
            limits["ids"] = config.n_ids
        if targets:
            limits["targets"] = config.n_tokens
        if weights and config.n_increments:
            expected, fix = "those that the model predicts", "Pass them to batch_of."
            check(self.increments is not None, where, "batch.increments", got="none", expected=expected, fix=fix)
            limits["increments"] = config.n_increments
        for name, limit in limits.items():
            values = getattr(self, name)
            whole = values.dtype.kind in "iu"
            if not whole or not 0 <= values.min() <= values.max() < limit:
                got = f"numbers in {values.min()}..{values.max()}" if whole else f"numbers of the type {values.dtype}"
                raise InvalidArgument(where, f"batch.{name}", got=got, expected=f"0..{limit - 1}", fix=MATCH)
        ordered, fix = (self.queries[:, 1:] >= self.queries[:, :-1]).all(), "Sort them, with their targets."
        expected = "positions that increase in each row"
        check(ordered, where, "batch.queries", got="positions in another order", expected=expected, fix=fix)
        if weights:
            got, expected = f"weights whose sum is {(total := self.weights.sum())}", "at least one supervised query"
            check(0 < total < np.inf, where, "batch.weights", got=got, expected=expected, fix=EMPTY)

    def part(self, start: int, end: int) -> Batch:
        """The sequences start..end-1."""
        rows = slice(start, end)
        increments = None if self.increments is None else self.increments[rows]
        return Batch(
            self.tokens[rows], self.ids[rows], self.queries[rows], self.targets[rows], self.weights[rows], increments
        )
