"""Position encodings as functions of the position IDs."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.config import Array


def sinusoids(ids: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """sin and cos of ID / 10000^(2j/width), interleaved: (n, width). Of IDs (n, d) frequency j reads coordinate j mod d.

    Examples
    --------
    >>> sinusoids(np.array([0, 1]), 4).round(2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]
    """
    angles = _shared(ids, 1, (width + 1) // 2) / 10000 ** (np.arange(0, width, 2) / width)
    table = np.empty((len(ids), width))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : width // 2])
    return table


def rope_tables(ids: NDArray[np.int64], head_width: int, dtype: Any) -> tuple[Array, Array]:
    """cos and sin of ID / 10000^(2j/head_width), (B, 1, T, head_width/2): the angles of rotary encoding.

    Of IDs (B, T, d) frequency j reads coordinate j mod d.
    """
    angles = _shared(ids, 2, head_width // 2)[:, None] / 10000 ** (np.arange(0, head_width, 2) / head_width)
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def _shared(ids: NDArray[np.int64], n_axes: int, number: int) -> NDArray[np.int64]:
    """What each frequency reads, along a last axis: the ID, or its coordinates one after the other."""
    return ids[..., None] if ids.ndim == n_axes else ids[..., np.arange(number) % ids.shape[-1]]


def alibi_slopes(n_heads: int) -> NDArray[np.float64]:
    """ALiBi's slopes: 2^(-8h/H) for h = 1..H when H is a power of two; otherwise those of the next smaller power of
    two, then every other one of the next larger.

    Examples
    --------
    >>> alibi_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    >>> alibi_slopes(6)[4:].tolist()
    [0.5, 0.125]
    """
    power = 2 ** int(log2(n_heads))
    slopes = [2 ** (-8 * h / power) for h in range(1, power + 1)]
    finer = [2 ** (-4 * h / power) for h in range(1, 2 * power, 2)]
    return np.array(slopes + finer[: n_heads - power])
