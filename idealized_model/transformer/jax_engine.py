"""The JAX engine: the same model by its definitions, with gradients by `jax.grad`; a second route, and one to GPUs.

It shares configuration, parameters and batches with the NumPy engine, and no computation: attention is the whole matrix
under a mask, every position of every layer is computed, and nothing is cut into blocks or micro-batches.

Letters of the shapes: B sequences, T tokens, S queries, H heads, E width of a head, D = H · E width.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Array, ModelConfig, Parameters
from idealized_model.transformer.passes import EPSILON
from theory.errors import BackendUnavailable, check

STEP = 16
"""Lengths and numbers of queries are rounded up to multiples of STEP, so that few shapes are compiled."""


class JaxEngine:
    """Losses, gradients and predictions of one configuration, as `Engine` has them.

    Products are computed in full precision on every device. A shape (batch, length and queries rounded up) is compiled
    when it comes first, which takes a second or so.

    Parameters
    ----------
    config : the model.
    dtype : float32 or float64.

    Raises
    ------
    BackendUnavailable : without the package jax.
    InvalidArgument : for another dtype.

    Examples
    --------
    >>> config = ModelConfig(n_tokens=3, width=8, n_layers=1, n_heads=2)
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> tokens = np.array([[0, 1, 2]])
    >>> batch = Batch(tokens, np.arange(3)[None], np.array([[2]]), np.array([[1]]), np.ones((1, 1), np.float32))
    >>> loss, gradient = JaxEngine(config).loss_and_gradient(parameters, batch)  # doctest: +SKIP
    >>> round(loss, 1)  # doctest: +SKIP
    1.1

    Cost: the attention weights of all layers, B · H · T² numbers each, are in memory at once.
    """

    def __init__(self, config: ModelConfig, *, dtype: Any = np.float32) -> None:
        try:
            import jax
        except ImportError as error:
            raise BackendUnavailable(
                "JaxEngine",
                "engine",
                got=f"jax, which cannot be imported ({error})",
                expected="the package jax",
                fix='Install it with: pip install "lengthgen[jax]" (in a checkout: pip install -e ".[jax]").',
            ) from None
        self.config = config
        self.dtype = np.dtype(dtype)
        known, expected = self.dtype in (np.float32, np.float64), "float32 or float64"
        check(known, "JaxEngine", "dtype", got=str(self.dtype), expected=expected, fix="Use one of these.")
        self._jax = jax
        self._loss_and_gradient = jax.jit(jax.value_and_grad(self._loss))
        self._logits = jax.jit(self._outputs)
        self._losses = jax.jit(lambda flat, arrays: self._chosen(self._outputs(flat, arrays)[0], arrays["targets"]))
        self._attention = jax.jit(lambda flat, arrays: self._residual(Parameters(config, flat), arrays)[1])

    def loss_and_gradient(self, parameters: Parameters, batch: Batch) -> tuple[float, Parameters]:
        """The mean cross-entropy over the supervised queries, and its gradient.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot learn from (`Batch.require`).
        """
        loss, flat = self._run(self._loss_and_gradient, parameters, batch, targets=True, weights=True)
        return float(loss), Parameters(self.config, np.array(flat))

    def logits(self, parameters: Parameters, batch: Batch) -> tuple[Array, Array | None]:
        """The logits of the next token (batch, S, tokens), and those of the ID increment, if the model has them.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).
        """
        tokens, increments = self._run(self._logits, parameters, batch)
        n_queries = batch.queries.shape[1]
        return np.array(tokens[:, :n_queries]), None if increments is None else np.array(increments[:, :n_queries])

    def losses(self, parameters: Parameters, batch: Batch) -> Array:
        """-log of the probability of the target of every query, (batch, S), whatever its weight.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).
        """
        return -np.array(self._run(self._losses, parameters, batch, targets=True)[:, : batch.queries.shape[1]])

    def attention(self, parameters: Parameters, batch: Batch) -> list[Array]:
        """For every layer the attention weights of its queries: (batch, H, T, T), in the last layer (batch, H, S, T).

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).
        """
        n = batch.tokens.shape[1]
        layers = [np.array(weights[:, :, :n, :n]) for weights in self._run(self._attention, parameters, batch)]
        layers[-1] = np.take_along_axis(layers[-1], batch.queries[:, None, :, None], axis=2)
        return layers

    # ── What goes in ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, function: Callable[..., Any], parameters: Parameters, batch: Batch, **read: bool) -> Any:
        # JAX reads something else, and says nothing, where an index is out of range.
        batch.require(self.config, "JaxEngine", **read)
        # By default JAX computes in 32 bits, and on some devices rounds the factors of a product to fewer.
        with self._jax.enable_x64(self.dtype == np.float64), self._jax.default_matmul_precision("highest"):
            return function(parameters.flat.astype(self.dtype), self._arrays(batch))

    def _arrays(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """The batch, padded behind. No query sees what is padded, and queries that are padded have weight 0."""
        n_more, n_queries_more = -batch.tokens.shape[1] % STEP, -batch.queries.shape[1] % STEP
        ids = np.pad(batch.ids.reshape(*batch.tokens.shape, -1), ((0, 0), (0, n_more), (0, 0)))  # (B, T, d)
        arrays: dict[str, NDArray[Any]] = {"tokens": np.pad(batch.tokens, ((0, 0), (0, n_more))), "ids": ids}
        for name in ("queries", "targets", "weights", "increments"):
            values = getattr(batch, name)
            if values is not None:
                arrays[name] = np.pad(values, ((0, 0), (0, n_queries_more)))
        arrays["weights"] = arrays["weights"].astype(self.dtype)
        # Coordinate j mod d / 10000^(2j/n), with n the width that is encoded. In float64 whatever the model computes in:
        # the angles of large IDs would lose their digits.
        width = self.config.head_width if self.config.encoding == "rope" else self.config.width
        if self.config.encoding in ("rope", "sinusoidal"):
            j = np.arange((width + 1) // 2)
            angles = ids[:, :, j % self.config.n_coordinates] * 10000.0 ** (-2 * j / width)
            arrays |= {"cos": np.cos(angles).astype(self.dtype), "sin": np.sin(angles).astype(self.dtype)}
        return arrays

    # ── The model: functions of the flat parameters and the arrays, which JAX compiles ───────────────────────────────

    def _loss(self, flat: Any, arrays: dict[str, Any]) -> Any:
        """Σ weight · (-log softmax(logits)[target]) / Σ weight, over both outputs."""
        total = 0
        for logits, right in zip(self._outputs(flat, arrays), ("targets", "increments"), strict=True):
            if logits is not None:
                total -= (arrays["weights"] * self._chosen(logits, arrays[right])).sum()
        return total / arrays["weights"].sum()

    def _chosen(self, logits: Any, classes: Any) -> Any:
        """log softmax(logits)[class], (B, S)."""
        logs = self._jax.nn.log_softmax(logits)
        return self._jax.numpy.take_along_axis(logs, classes[:, :, None], axis=2)[:, :, 0]

    def _outputs(self, flat: Any, arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Both outputs at the queries, (B, S, classes)."""
        p = Parameters(self.config, flat)
        x = self._residual(p, arrays)[0]
        x = self._jax.numpy.take_along_axis(x, arrays["queries"][:, :, None], axis=1)  # (B, S, D)
        x = _normalize(x, p, "norm")
        tokens = x @ (p["tokens"].T if self.config.tied else p["head.weight"])
        return tokens, x @ p["increments.weight"] if self.config.n_increments else None

    def _residual(self, p: Parameters, arrays: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The residual stream behind the last layer, (B, T, D), and the attention weights of every layer."""
        activate = self._jax.nn.gelu if self.config.activation == "gelu" else self._jax.nn.relu
        x = p["tokens"][arrays["tokens"]]
        if self.config.encoding == "learned":
            tables = p["ids"].reshape(self.config.n_coordinates, self.config.n_ids, self.config.width)
            for c, table in enumerate(tables):
                x += table[arrays["ids"][:, :, c]]
        elif self.config.encoding == "sinusoidal":  # sine, cosine, sine, ...
            waves = self._jax.numpy.stack([arrays["sin"], arrays["cos"]], axis=3)
            x += waves.reshape(*x.shape[:2], -1)[:, :, : self.config.width]
        layers = []
        for i in range(self.config.n_layers):
            mixed, weights = self._attend(_linear(_normalize(x, p, f"{i}.norm1"), p, f"{i}.qkv"), arrays)
            layers.append(weights)
            x += _linear(mixed, p, f"{i}.out")
            if not self.config.mlp:
                continue
            up = _linear(_normalize(x, p, f"{i}.norm2"), p, f"{i}.up")
            x += _linear(activate(up), p, f"{i}.down")
        return x, layers

    def _attend(self, qkv: Any, arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Every head's softmax(q kᵀ · scale + bias) v, (B, T, D), and the softmax, (B, H, T, T)."""
        config, jnp = self.config, self._jax.numpy
        n_sequences, n, _ = qkv.shape
        q, k, v = jnp.moveaxis(qkv.reshape(n_sequences, n, 3, config.n_heads, config.head_width), 2, 0)  # (B, T, H, E)
        if config.encoding == "rope":
            q, k = self._rotated(q, arrays), self._rotated(k, arrays)
        logits = jnp.einsum("bqhe,bkhe->bhqk", q, k) / sqrt(config.head_width)
        distances = abs(arrays["ids"][:, :, None] - arrays["ids"][:, None, :])[:, None]  # (B, 1, T, T, d)
        sees = jnp.tri(n, dtype=bool)
        if config.window is not None:
            sees = sees & (distances <= jnp.array(config.window)).all(axis=-1)
        if config.log_scale is not None:
            logits *= jnp.log(sees.sum(axis=-1, keepdims=True) + 1.0) / config.log_scale
        if config.encoding == "alibi":
            logits -= jnp.array(_slopes(config.n_heads), dtype=self.dtype)[:, None, None] * distances.sum(axis=-1)
        weights = self._jax.nn.softmax(jnp.where(sees, logits, -jnp.inf))
        return jnp.einsum("bhqk,bkhe->bqhe", weights, v).reshape(n_sequences, n, config.width), weights

    def _rotated(self, vectors: Any, arrays: dict[str, Any]) -> Any:
        """The pairs (j, j + E/2) of (B, T, H, E) vectors, rotated by the angles of their tokens."""
        first, second = self._jax.numpy.split(vectors, 2, axis=3)
        cos, sin = arrays["cos"][:, :, None], arrays["sin"][:, :, None]  # (B, T, 1, E/2)
        return self._jax.numpy.concatenate([first * cos - second * sin, first * sin + second * cos], axis=3)


def _linear(x: Any, p: Parameters, name: str) -> Any:
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def _normalize(x: Any, p: Parameters, name: str) -> Any:
    if not p.config.norm:
        return x
    centred = x - x.mean(axis=-1, keepdims=True)
    return p[f"{name}.gain"] * centred / (centred.var(axis=-1, keepdims=True) + EPSILON) ** 0.5 + p[f"{name}.bias"]


def _slopes(n_heads: int) -> list[float]:
    """ALiBi's slopes, by the recursion of its paper."""
    power = 2 ** (n_heads.bit_length() - 1)
    if power == n_heads:
        return [2.0 ** (-8 * h / n_heads) for h in range(1, n_heads + 1)]
    return [*_slopes(power), *_slopes(2 * power)[::2]][:n_heads]
