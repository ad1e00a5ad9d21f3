"""What the doors to counting refuse, each in words of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idealized_model.head import SparseAttentionHead
from theory.errors import InvalidArgument, check_type, shown
from theory.examples import Label, label_set


def natural(value: int, argument: str, where: str) -> int:
    """An integer from 1 on."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise InvalidArgument(
            where, argument, got=shown(value), expected="an integer >= 1", fix=f"Give the {argument} as a number."
        )
    return int(value)


def check_head(head: object, where: str) -> None:
    """Refuse what is no head."""
    expected = "a SparseAttentionHead"
    check_type(head, SparseAttentionHead, where, "head", expected, "Of a HardHead take SparseAttentionHead.hard.")


def columns_of(labels: Sequence[Label], where: str) -> dict[Label, int]:
    """The column of every label."""
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


def column_of(label: Label, column: Mapping[Label, int], where: str) -> int:
    """The column of a label that a head answers."""
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


def check_tokens(values: ArrayLike, vocabulary: int, where: str) -> NDArray[np.integer]:
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


def check_sequence(tokens: ArrayLike, ids: ArrayLike, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and IDs of one sequence, as 64-bit integers; IDs of several coordinates a row each."""
    arrays = []
    for argument, values in (("tokens", tokens), ("ids", ids)):
        array = _integers(values, argument, where)
        vectors = argument == "ids" and array.ndim == 2 and array.shape[1] > 1
        if not (array.ndim == 1 or vectors) or not np.can_cast(array.dtype, np.int64):
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
