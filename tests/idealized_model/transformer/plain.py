"""The transformer by its definition: one position and one head after the other, in float64, without the code under test.

It shares the configuration and the names of the parameters with the engines, and no computation.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import ModelConfig, Parameters

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SLOPES = {1: [2.0**-8], 2: [2.0**-4, 2.0**-8], 3: [2.0**-4, 2.0**-8, 2.0**-2], 4: [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8]}
"""ALiBi's, by the number of heads: with three, those of two heads and the first of four."""


def forward(
    of: ModelConfig, p: Parameters, tokens: Ints, ids: Ints, hidden: Container[int] = ()
) -> tuple[list[Floats], list[Floats]]:
    """What the outputs read at every position of one sequence, and the attention (H, T, T) of every layer.

    No token sees those at `hidden`, but each sees itself.
    """
    ids = ids.reshape(len(ids), -1)  # (T, d)
    xs = [_embedded(of, p, int(token), i) for token, i in zip(tokens, ids, strict=True)]
    windows = of.window if isinstance(of.window, tuple) else [of.window] * ids.shape[1]
    layers = []
    for layer in range(of.n_layers):
        qkv = np.array([_linear(p, f"{layer}.qkv", _norm(p, f"{layer}.norm1", x)) for x in xs])  # (T, 3D)
        attention = np.zeros((of.n_heads, len(xs), len(xs)))
        after = []
        for t, x in enumerate(xs):
            mixed = np.zeros(of.width)
            for head in range(of.n_heads):
                own = np.arange(of.head_width) + head * of.head_width
                seen = qkv[: t + 1]
                logits = _products(of, seen[t, own], seen[:, of.width + own], ids[t], ids[: t + 1])
                near = [
                    s
                    for s in range(t + 1)
                    if (s == t or s not in hidden)
                    and all(w is None or abs(a - b) <= w for a, b, w in zip(ids[t], ids[s], windows, strict=True))
                ]
                if of.log_scale is not None:
                    logits *= np.log(len(near) + 1) / of.log_scale
                if of.encoding == "alibi":
                    logits -= SLOPES[of.n_heads][head] * np.abs(ids[t] - ids[: t + 1]).sum(axis=1)
                weights = np.exp(logits[near] - logits[near].max())
                attention[head, t, near] = weights / weights.sum()
                mixed[own] = attention[head, t, : t + 1] @ seen[:, 2 * of.width + own]
            y = x + _linear(p, f"{layer}.out", mixed)
            if of.mlp:
                up = _linear(p, f"{layer}.up", _norm(p, f"{layer}.norm2", y))
                y = y + _linear(p, f"{layer}.down", _activated(of, up))
            after.append(y)
        xs = after
        layers.append(attention)
    return [_norm(p, "norm", x) for x in xs], layers


def logits(of: ModelConfig, p: Parameters, batch: Batch) -> tuple[Floats, Floats | None]:
    """Of the next token at every query, (B, S, tokens), and of the ID increment, if the model has it."""
    rows = [_outputs(of, p, batch, row) for row in range(len(batch))]
    increments = [row @ p["increments.weight"] for row in rows] if of.n_increments else None
    head = p["tokens"].T if of.tied else p["head.weight"]
    return np.array([row @ head for row in rows]), None if increments is None else np.array(increments)


def losses(of: ModelConfig, p: Parameters, batch: Batch) -> Floats:
    """-log of the probability of the target of every query, (B, S)."""
    scores, _ = logits(of, p, batch)
    own = np.take_along_axis(scores, batch.targets[..., None], axis=2)
    return np.asarray(np.log(np.exp(scores - own).sum(axis=2)))


def loss(of: ModelConfig, p: Parameters, batch: Batch) -> float:
    """The mean over the supervised queries of -log of the probability of what is right, summed over the outputs."""
    total = 0.0
    for scores, right in zip(logits(of, p, batch), (batch.targets, batch.increments), strict=True):
        if scores is not None:
            assert right is not None
            for row, j in zip(*np.nonzero(batch.weights), strict=True):
                own = scores[row, j]
                total += float(np.log(np.exp(own - own[right[row, j]]).sum()))
    return total / np.count_nonzero(batch.weights)


def accuracy(of: ModelConfig, p: Parameters, batch: Batch) -> float:
    """The share of the supervised queries whose most likely next token is the right one."""
    scores, _ = logits(of, p, batch)
    hits = [scores[row, j].argmax() == batch.targets[row, j] for row, j in zip(*np.nonzero(batch.weights), strict=True)]
    return sum(map(bool, hits)) / len(hits)


def exact(parameters: Parameters) -> Parameters:
    """The same parameters in float64."""
    return Parameters(parameters.config, parameters.flat.astype(np.float64))


def _outputs(of: ModelConfig, p: Parameters, batch: Batch, row: int) -> Floats:
    end = int(batch.queries[row].max()) + 1  # what lies behind is never read
    outputs, _ = forward(of, p, batch.tokens[row, :end], batch.ids[row, :end])
    return np.array([outputs[t] for t in batch.queries[row]])


def _embedded(of: ModelConfig, p: Parameters, token: int, i: Ints) -> Any:
    x = p["tokens"][token].astype(np.float64)
    if of.encoding == "learned":
        for table, own in zip(np.split(p["ids"], len(i)), i, strict=True):
            x = x + table[own]
    elif of.encoding == "sinusoidal":
        for j in range(of.width):
            angle = i[j // 2 % len(i)] / 10_000 ** ((j - j % 2) / of.width)
            x[j] += np.cos(angle) if j % 2 else np.sin(angle)
    return x


def _products(of: ModelConfig, query: Floats, keys: Floats, query_id: Ints, key_ids: Ints) -> Any:
    """q · k / sqrt(E); with rotary encoding the halves of q and k are complex numbers, turned by ID / 10000^(2j/E)."""
    if of.encoding == "rope":
        half = of.head_width // 2
        turn = 1j / 10_000 ** (2 * np.arange(half) / of.head_width)
        read = [j % len(query_id) for j in range(half)]  # the coordinates in turn
        turned_query = (query[:half] + 1j * query[half:]) * np.exp(turn * query_id[read])
        turned_keys = (keys[:, :half] + 1j * keys[:, half:]) * np.exp(turn * key_ids[:, read])
        return (turned_keys.conj() @ turned_query).real / np.sqrt(of.head_width)
    return keys @ query / np.sqrt(of.head_width)


def _linear(p: Parameters, name: str, x: Any) -> Any:
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def _norm(p: Parameters, name: str, x: Any) -> Any:
    if not p.config.norm:
        return x
    centred = x - x.mean()
    return p[f"{name}.gain"] * centred / np.sqrt((centred**2).mean() + 1e-5) + p[f"{name}.bias"]


def _activated(of: ModelConfig, x: Any) -> Any:
    if of.activation == "relu":
        return np.where(x > 0, x, 0)
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
