"""The passes of the NumPy engine, forward and hand-derived backward, over one micro-batch.

Letters of the shapes: B sequences of a micro-batch, T tokens, S supervised queries a sequence (all T in the inner
layers), H heads, E width of a head, D = H · E width, F width of the MLP.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Array, ModelConfig, Parameters
from idealized_model.transformer.encodings import alibi_slopes, rope_tables, sinusoids

EPSILON = 1e-5
BLOCK = 64
"""Rows of attention that are computed at once: each block reads only the keys up to its last row."""

SAFE = 60.0
"""Logits within ±SAFE are exponentiated as they are: float32 holds the sums of e^±60 over 10^12 keys."""


class Workspace:
    """Named buffers that are kept between calls: nothing that a step needs goes back to the operating system."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self._buffers: dict[str, Array] = {}

    def __call__(self, name: str, *shape: int) -> Array:
        """An array of this shape with any content; the same memory whenever the name comes again."""
        size = prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype=self.dtype)
        return buffer[:size].reshape(shape)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(buffer.nbytes for buffer in self._buffers.values())


class Pass:
    """One thread's way through the model, forward and back, in its own workspace."""

    def __init__(self, config: ModelConfig, dtype: np.dtype[Any], whole_last_layer: bool) -> None:
        self.config = config
        self.space = Workspace(dtype)
        self.whole = whole_last_layer
        self._normed: dict[str, Array] = {}  # what the forward pass made of every input of a norm

    def train(self, p: Parameters, batch: Batch, gradient: Parameters, total: float) -> float:
        """Add the gradient of (sum of the weighted losses) / total; returns that loss."""
        x = self._forward(p, batch)
        loss, dx = self._loss(p, x, batch, gradient, total)
        self._backward(p, dx, batch, gradient)
        return loss

    def predict(self, p: Parameters, batch: Batch) -> tuple[Array, Array | None]:
        x = self._forward(p, batch)
        normed = self._normalize(x, p, "norm")
        shape = (*batch.queries.shape, -1)
        logits = (normed @ _output(p)).reshape(shape)
        return logits, (normed @ p["increments.weight"]).reshape(shape) if self.config.n_increments else None

    def losses(self, p: Parameters, batch: Batch) -> Array:
        """The cross-entropy of every query, (B, S)."""
        logits = self._normalize(self._forward(p, batch), p, "norm") @ _output(p)
        right, sums = _exponentials(logits, batch.targets.ravel())
        return np.asarray(np.log(sums) - right).reshape(batch.queries.shape)

    def weights(self, p: Parameters, batch: Batch) -> list[Array]:
        self._forward(p, batch)
        found = []
        for i in range(self.config.n_layers):
            queries = self._queries(batch, i)
            n_rows, n = queries.shape[1], batch.tokens.shape[1]
            whole = np.zeros((len(batch), self.config.n_heads, n, n_rows), dtype=self.space.dtype)
            for low, high, end in _blocks(queries, n):
                shape = (len(batch), self.config.n_heads, end, high - low)
                whole[:, :, :end, low:high] = self.space(f"{i}.exp.{low}", *shape)
            whole *= self.space(f"{i}.scale", len(batch), self.config.n_heads, 1, n_rows)
            found.append(whole.swapaxes(2, 3))
        return found

    # ── Forward ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, p: Parameters, batch: Batch) -> Array:
        """The residual stream at the supervised queries, (B·S, D)."""
        config, space = self.config, self.space
        n_sequences, n = batch.tokens.shape
        x = space("x", n_sequences * n, config.width)
        np.take(p["tokens"], batch.tokens.ravel(), axis=0, out=x, mode="clip")
        if config.encoding == "learned":
            for rows in _table_rows(batch, config):
                x += np.take(p["ids"], rows, axis=0)
        elif config.encoding == "sinusoidal":
            ids = batch.ids.reshape(n_sequences * n, *batch.ids.shape[2:])
            x += sinusoids(ids, config.width).astype(space.dtype)
        for i in range(config.n_layers):
            x = self._layer(i, x, p, batch)
        return x

    def _queries(self, batch: Batch, i: int) -> NDArray[np.int64]:
        """The positions that a layer computes: all of them, in the last layer the supervised ones alone."""
        if i == self.config.n_layers - 1 and not self.whole:
            return batch.queries
        return np.broadcast_to(np.arange(batch.tokens.shape[1]), batch.tokens.shape)

    def _layer(self, i: int, x: Array, p: Parameters, batch: Batch) -> Array:
        config, space = self.config, self.space
        n_sequences, n = batch.tokens.shape
        queries = self._queries(batch, i)
        narrow = queries is batch.queries
        normed = self._normalize(x, p, f"{i}.norm1")
        qkv = space(f"{i}.qkv", n_sequences * n, 3 * config.width)
        np.matmul(normed, p[f"{i}.qkv.weight"], out=qkv)
        qkv += p[f"{i}.qkv.bias"]
        split = qkv.reshape(n_sequences, n, 3, config.n_heads, config.head_width).transpose(2, 0, 3, 1, 4)
        q, k, v = split[0], split[1], split[2]  # (B, H, T, E)
        if narrow:
            rows = np.arange(n_sequences)[:, None]
            q = q.transpose(0, 2, 1, 3)[rows, queries].transpose(0, 2, 1, 3)  # (B, H, S, E)
            x = x.reshape(n_sequences, n, -1)[rows, queries].reshape(-1, config.width)
        q, k = self._keyed(i, q, k, queries, batch)
        mixed = space(f"{i}.mixed", n_sequences, queries.shape[1], config.n_heads, config.head_width)
        self._attend(i, q, k, v, queries, batch, mixed.transpose(0, 2, 1, 3))
        flat = mixed.reshape(-1, config.width)
        y = space(f"{i}.y", *x.shape)
        np.matmul(flat, p[f"{i}.out.weight"], out=y)
        y += p[f"{i}.out.bias"]
        y += x
        z = self._mlp(i, y, p) if config.mlp else y
        if i == config.n_layers - 1 and self.whole:
            rows = np.arange(n_sequences)[:, None]
            z = z.reshape(n_sequences, n, -1)[rows, batch.queries].reshape(-1, config.width)
        return z

    def _mlp(self, i: int, y: Array, p: Parameters) -> Array:
        """The residual stream behind a layer's MLP."""
        normed = self._normalize(y, p, f"{i}.norm2")
        up = self.space(f"{i}.up", len(y), self.config.hidden)
        np.matmul(normed, p[f"{i}.up.weight"], out=up)
        up += p[f"{i}.up.bias"]
        z = self.space(f"{i}.z", *y.shape)
        np.matmul(self._activate(i, up), p[f"{i}.down.weight"], out=z)
        z += p[f"{i}.down.bias"]
        z += y
        return z

    def _normalize(self, x: Array, p: Parameters, name: str) -> Array:
        """gain · (x - mean) / sqrt(variance + ε) + bias over the last axis; keeps the normalised x and 1 / sqrt.

        A model without norms goes on with x itself, which nothing overwrites before the way back.
        """
        space = self.space
        if not self.config.norm:
            self._normed[name] = x
            return x
        unit, scale = space(f"{name}.unit", *x.shape), space(f"{name}.scale", len(x), 1)
        np.subtract(x, _means(x), out=unit)
        np.einsum("nd,nd->n", unit, unit, out=scale[:, 0])
        scale *= 1 / x.shape[1]
        scale += EPSILON
        np.sqrt(scale, out=scale)
        np.divide(1, scale, out=scale)
        unit *= scale
        out = space(f"{name}.out", *x.shape)
        np.multiply(unit, p[f"{name}.gain"], out=out)
        out += p[f"{name}.bias"]
        self._normed[name] = out
        return out

    def _keyed(self, i: int, q: Array, k: Array, queries: NDArray[np.int64], batch: Batch) -> tuple[Array, Array]:
        """Queries and keys as attention multiplies them: rotated (rope), and queries scaled."""
        config, space = self.config, self.space
        n_sequences, n = batch.tokens.shape
        new_q = space(f"{i}.q", n_sequences, config.n_heads, queries.shape[1], config.head_width)
        np.multiply(q, self._query_scale(queries, batch), out=new_q)
        if config.encoding != "rope":
            return new_q, k
        new_k = space(f"{i}.k", n_sequences, config.n_heads, n, config.head_width)
        np.copyto(new_k, k)
        for vectors, ids in ((new_q, _ids_at(queries, batch)), (new_k, batch.ids)):
            _rotate(vectors, *rope_tables(ids, config.head_width, space.dtype))
        return new_q, new_k

    def _query_scale(self, queries: NDArray[np.int64], batch: Batch) -> Array:
        """What logits are multiplied by, (B, 1, S, 1): 1 / sqrt(E), and with log scaling log(visible keys + 1) / c."""
        scale = np.full(queries.shape, 1 / sqrt(self.config.head_width), dtype=self.space.dtype)
        if self.config.log_scale is not None:
            scale *= np.log(self._n_visible(queries, batch) + 1) / self.config.log_scale
        return scale[:, None, :, None]

    def _n_visible(self, queries: NDArray[np.int64], batch: Batch) -> NDArray[np.int64]:
        """How many keys every query sees, (B, S)."""
        if self.config.window is None:
            return queries + 1
        n_visible = np.empty_like(queries)
        for low, high, end in _blocks(queries, batch.tokens.shape[1]):
            sees = _near(_distances(low, high, end, queries, batch), self.config.window)
            sees &= np.arange(end)[:, None] <= queries[:, None, low:high]
            n_visible[:, low:high] = sees.sum(axis=1)
        return n_visible

    def _bias(self, low: int, high: int, end: int, queries: NDArray[np.int64], batch: Batch) -> tuple[int, Array]:
        """(start, what is added to a block's logits of the keys start..end-1): -∞ on later keys, and ALiBi's penalties.

        Its shape is (B or 1, H or 1, keys, rows); the keys before `start` need nothing.
        """
        own = queries[:, None, low:high]  # (B, 1, rows)
        if (own == own[0]).all():
            own = own[:1]  # one mask for all sequences
        alibi, window = self.config.encoding == "alibi", self.config.window
        if not alibi and window is None:
            start = int(own.min()) + 1
            return start, np.where(np.arange(start, end)[:, None] > own, -np.inf, 0)[:, None].astype(self.space.dtype)
        distance = _distances(low, high, end, queries, batch)
        hidden = np.arange(end)[:, None] > own
        if window is not None:
            hidden = hidden | ~_near(distance, window)
        bias = np.where(hidden, -np.inf, 0)[:, None]
        if alibi:
            distance = distance if distance.ndim == 3 else distance.sum(axis=3)
            bias = bias - alibi_slopes(self.config.n_heads)[:, None, None] * distance[:, None]
        return 0, bias.astype(self.space.dtype)

    def _attend(
        self, i: int, q: Array, k: Array, v: Array, queries: NDArray[np.int64], batch: Batch, out: Array
    ) -> None:
        """out = softmax(q kᵀ + bias) v, by blocks of rows; keeps the exponentials and 1 / their sums.

        Logits lie as (B, H, keys, rows): what runs over the keys of a row then adds whole rows of memory.
        """
        space, config = self.space, self.config
        n_sequences, n_rows = queries.shape
        scale = space(f"{i}.scale", n_sequences, config.n_heads, 1, n_rows)
        for low, high, end in _blocks(queries, batch.tokens.shape[1]):
            exp = space(f"{i}.exp.{low}", n_sequences, config.n_heads, end, high - low)
            np.matmul(k[:, :, :end], q[:, :, low:high].swapaxes(2, 3), out=exp)
            moderate = exp.min() > -SAFE and exp.max() < SAFE
            start, bias = self._bias(low, high, end, queries, batch)
            exp[:, :, start:] += bias
            if not moderate:  # otherwise no exponential overflows, and that of the query's own key is not lost
                exp -= exp.max(axis=2, keepdims=True)
            np.exp(exp, out=exp)
            own = scale[..., low:high]
            np.divide(1, exp.sum(axis=2, keepdims=True), out=own)
            np.matmul(exp.swapaxes(2, 3), v[:, :, :end], out=out[:, :, low:high])
            out[:, :, low:high] *= own.swapaxes(2, 3)

    def _activate(self, i: int, up: Array) -> Array:
        active = self.space(f"{i}.active", *up.shape)
        if self.config.activation == "relu":
            return np.maximum(up, 0, out=active)
        np.tanh(_GELU * (up + _CUBIC * up**3), out=active)
        active += 1
        active *= up
        active *= 0.5
        return active

    # ── Loss ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _loss(self, p: Parameters, x: Array, batch: Batch, gradient: Parameters, total: float) -> tuple[float, Array]:
        """The summed cross-entropies over `total`, and the gradient with respect to x."""
        normed = self._normalize(x, p, "norm")
        share = (batch.weights.ravel() / total).astype(self.space.dtype)
        loss, slope = _cross_entropy(normed @ _output(p), batch.targets.ravel(), share)
        dnormed = slope @ _output(p).T
        if self.config.tied:
            gradient["tokens"][...] += slope.T @ normed
        else:
            gradient["head.weight"][...] += normed.T @ slope
        if self.config.n_increments:
            assert batch.increments is not None
            weight = p["increments.weight"]
            more, slope = _cross_entropy(normed @ weight, batch.increments.ravel(), share)
            gradient["increments.weight"][...] += normed.T @ slope
            dnormed += slope @ weight.T
            loss += more
        return loss, self._normalize_back(dnormed, p, "norm", gradient)

    # ── Backward ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _backward(self, p: Parameters, dx: Array, batch: Batch, gradient: Parameters) -> None:
        config = self.config
        n_sequences, n = batch.tokens.shape
        if self.whole:
            wide = np.zeros((n_sequences, n, config.width), dtype=self.space.dtype)
            _add_at(wide, batch.queries, dx.reshape(*batch.queries.shape, config.width))
            dx = wide.reshape(-1, config.width)
        for i in reversed(range(config.n_layers)):
            dx = self._layer_back(i, dx, p, batch, gradient)
        _add_rows(gradient["tokens"], batch.tokens.ravel(), dx)
        if config.encoding == "learned":
            for rows in _table_rows(batch, config):
                _add_rows(gradient["ids"], rows, dx)

    def _layer_back(self, i: int, dz: Array, p: Parameters, batch: Batch, gradient: Parameters) -> Array:
        """From the gradient at a layer's output to that at its input."""
        config, space = self.config, self.space
        n_sequences, n = batch.tokens.shape
        queries = self._queries(batch, i)
        dy = self._mlp_back(i, dz, p, gradient) if config.mlp else dz
        mixed = space(f"{i}.mixed", n_sequences, queries.shape[1], config.n_heads, config.head_width)
        _linear_back(gradient, f"{i}.out", mixed.reshape(-1, config.width), dy)
        dmixed = space("dmixed", *mixed.shape)
        np.matmul(dy, p[f"{i}.out.weight"].T, out=dmixed.reshape(-1, config.width))
        dqkv = space("dqkv", n_sequences * n, 3 * config.width)
        self._attend_back(i, dmixed, mixed, dqkv, queries, batch)
        _linear_back(gradient, f"{i}.qkv", self._normed[f"{i}.norm1"], dqkv)
        dnormed = space("dnormed", n_sequences * n, config.width)
        np.matmul(dqkv, p[f"{i}.qkv.weight"].T, out=dnormed)
        dx = self._normalize_back(dnormed, p, f"{i}.norm1", gradient)
        if queries is batch.queries:  # the residual stream went on at the queries alone
            wide = dx.reshape(n_sequences, n, config.width)
            _add_at(wide, queries, dy.reshape(*queries.shape, config.width))
        else:
            dx += dy
        return dx

    def _mlp_back(self, i: int, dz: Array, p: Parameters, gradient: Parameters) -> Array:
        """From the gradient behind a layer's MLP to that before it."""
        config, space = self.config, self.space
        active = space(f"{i}.active", len(dz), config.hidden)
        _linear_back(gradient, f"{i}.down", active, dz)
        dup = space("dup", len(dz), config.hidden)
        np.matmul(dz, p[f"{i}.down.weight"].T, out=dup)
        self._activate_back(i, dup)
        _linear_back(gradient, f"{i}.up", self._normed[f"{i}.norm2"], dup)
        dnormed = space("dnormed", *dz.shape)
        np.matmul(dup, p[f"{i}.up.weight"].T, out=dnormed)
        dy = self._normalize_back(dnormed, p, f"{i}.norm2", gradient)
        dy += dz
        return dy

    def _attend_back(
        self, i: int, dmixed: Array, mixed: Array, dqkv: Array, queries: NDArray[np.int64], batch: Batch
    ) -> None:
        """Through softmax: with P = exp · scale and do = dmixed, dlogits = P ∘ (do vᵀ - rowsum(do ∘ mixed)).

        The factor `scale` of P goes to the rows that multiply dlogits, so that exp is used as it stands.
        """
        config, space = self.config, self.space
        n_sequences, n = batch.tokens.shape
        n_rows, (heads, width) = queries.shape[1], (config.n_heads, config.head_width)
        shape = (n_sequences, n, 3, heads, width)
        _, k, v = space(f"{i}.qkv", n_sequences * n, 3 * config.width).reshape(shape).transpose(2, 0, 3, 1, 4)
        q = space(f"{i}.q", n_sequences, heads, n_rows, width)
        if config.encoding == "rope":
            k = space(f"{i}.k", n_sequences, heads, n, width)
        dq_out, dk, dv = dqkv.reshape(shape).transpose(2, 0, 3, 1, 4)
        narrow = queries is batch.queries
        if config.encoding == "rope":
            dk = space("dk", n_sequences, heads, n, width)
        scale = space(f"{i}.scale", n_sequences, heads, 1, n_rows)
        do = dmixed.transpose(0, 2, 1, 3)  # (B, H, S, E)
        sums = space("sums", n_sequences, heads, 1, n_rows)
        np.einsum("bhse,bhse->bhs", do, mixed.transpose(0, 2, 1, 3), out=sums[:, :, 0])
        scaled_do, scaled_q = space("scaled_do", *q.shape), space("scaled_q", *q.shape)
        np.multiply(do, scale.swapaxes(2, 3), out=scaled_do)
        np.multiply(q, scale.swapaxes(2, 3), out=scaled_q)
        dq = space("dq", *q.shape)
        for low, high, end in reversed(list(_blocks(queries, n))):
            exp = space(f"{i}.exp.{low}", n_sequences, heads, end, high - low)
            slope = space("slope", *exp.shape)
            np.matmul(v[:, :, :end], do[:, :, low:high].swapaxes(2, 3), out=slope)
            slope -= sums[..., low:high]
            slope *= exp
            np.matmul(slope.swapaxes(2, 3), k[:, :, :end], out=dq[:, :, low:high])
            for into, weights, vectors in ((dv, exp, scaled_do), (dk, slope, scaled_q)):
                if high == n_rows:  # the last block sees the most keys, and comes first
                    into[:, :, end:] = 0
                    np.matmul(weights, vectors[:, :, low:high], out=into[:, :, :end])
                else:
                    product = space("product", n_sequences, heads, end, width)
                    into[:, :, :end] += np.matmul(weights, vectors[:, :, low:high], out=product)
        dq *= scale.swapaxes(2, 3)
        self._keyed_back(dq, dk, dqkv.reshape(shape), queries, batch)
        if narrow:
            wide = dq_out.transpose(0, 2, 1, 3)  # (B, T, H, E), a view of dqkv
            wide[...] = 0
            _add_at(wide, queries, dq.transpose(0, 2, 1, 3))
        else:
            dq_out[...] = dq

    def _keyed_back(self, dq: Array, dk: Array, dqkv: Array, queries: NDArray[np.int64], batch: Batch) -> None:
        """Undo the rotation and the scale of `_keyed`, in place."""
        config, dtype = self.config, self.space.dtype
        if config.encoding == "rope":
            for vectors, ids in ((dq, _ids_at(queries, batch)), (dk, batch.ids)):
                _rotate(vectors, *rope_tables(-ids, config.head_width, dtype))
            dqkv.transpose(2, 0, 3, 1, 4)[1] = dk
        dq *= self._query_scale(queries, batch)

    def _normalize_back(self, dout: Array, p: Parameters, name: str, gradient: Parameters) -> Array:
        """The gradient at the input of a normalisation; `dout` is overwritten, and what is returned lies elsewhere."""
        space = self.space
        dx = space(f"{name}.dx", *dout.shape)
        if not self.config.norm:
            np.copyto(dx, dout)
            return dx
        unit, scale = space(f"{name}.unit", *dout.shape), space(f"{name}.scale", len(dout), 1)
        gradient[f"{name}.gain"][...] += np.einsum("nd,nd->d", dout, unit)
        gradient[f"{name}.bias"][...] += _sum(dout)
        dout *= p[f"{name}.gain"]
        along = np.einsum("nd,nd->n", dout, unit)[:, None] / dout.shape[1]
        np.multiply(unit, along, out=dx)
        np.subtract(dout, dx, out=dx)
        dx -= _means(dout)
        dx *= scale
        return dx

    def _activate_back(self, i: int, dup: Array) -> None:
        """From the gradient at the activation's output to that at its input, in place."""
        up = self.space(f"{i}.up", *dup.shape)
        if self.config.activation == "relu":
            dup *= up > 0
            return
        tanh = np.tanh(_GELU * (up + _CUBIC * up**3))
        dup *= 0.5 * (1 + tanh) + 0.5 * up * (1 - tanh**2) * _GELU * (1 + 3 * _CUBIC * up**2)


_GELU, _CUBIC = sqrt(2 / np.pi), 0.044715


def _output(p: Parameters) -> Array:
    """The matrix from the residual stream to the token logits."""
    return p["tokens"].T if p.config.tied else p["head.weight"]


def _blocks(queries: NDArray[np.int64], n: int) -> Iterator[tuple[int, int, int]]:
    """(low, high, keys) for every block of query rows: these rows see no key from `keys` on."""
    for low in range(0, queries.shape[1], BLOCK):
        high = min(low + BLOCK, queries.shape[1])
        yield low, high, min(n, int(queries[:, high - 1].max()) + 1)


def _distances(low: int, high: int, end: int, queries: NDArray[np.int64], batch: Batch) -> NDArray[np.int64]:
    """|ID of the key - ID of the query|, (B, keys, rows), of a block; of several coordinates (B, keys, rows, d)."""
    distances: NDArray[np.int64] = np.abs(_ids_at(queries[:, low:high], batch)[:, None] - batch.ids[:, :end, None])
    return distances


def _near(distances: NDArray[np.int64], window: int | tuple[int, ...] | None) -> NDArray[np.bool_]:
    """Which of them are within the window, in every coordinate."""
    near: NDArray[np.bool_] = distances <= np.array(window)
    return near if near.ndim == 3 else np.asarray(near.all(axis=3))


def _ids_at(queries: NDArray[np.int64], batch: Batch) -> NDArray[np.int64]:
    """The IDs of the queries, (B, rows), or (B, rows, d)."""
    return batch.ids[np.arange(len(queries))[:, None], queries]


def _table_rows(batch: Batch, config: ModelConfig) -> list[NDArray[np.int64]]:
    """For every coordinate of the IDs the rows of its table, (B·T,): the tables lie one below the other."""
    if batch.ids.ndim == 2:
        return [batch.ids.ravel()]
    return [(batch.ids[..., c] + c * config.n_ids).ravel() for c in range(batch.ids.shape[2])]


def _rotate(vectors: Array, cos: Array, sin: Array) -> None:
    """Rotate the two halves of (B, H, T, E) vectors by angles (B, 1, T, E/2), in place."""
    half = vectors.shape[-1] // 2
    first, second = vectors[..., :half].copy(), vectors[..., half:].copy()
    vectors[..., :half] = first * cos - second * sin
    vectors[..., half:] = first * sin + second * cos


def _cross_entropy(logits: Array, targets: NDArray[np.int64], share: Array) -> tuple[float, Array]:
    """Σ share · (log Σ exp(logits) - logits[target]), and its gradient with respect to the logits (in their memory)."""
    right, sums = _exponentials(logits, targets)
    loss = float(((np.log(sums) - right) * share).sum(dtype=np.float64))
    logits *= (share / sums)[:, None]
    logits[np.arange(len(targets)), targets] -= share
    return loss, logits


def _exponentials(logits: Array, targets: NDArray[np.int64]) -> tuple[Array, Array]:
    """logits[target] and Σ exp(logits) of every row, less its largest; the exponentials lie in their memory."""
    logits -= logits.max(axis=1, keepdims=True)
    right = logits[np.arange(len(targets)), targets].copy()
    np.exp(logits, out=logits)
    return right, logits.sum(axis=1)


def _linear_back(gradient: Parameters, name: str, x: Array, dy: Array) -> None:
    gradient[f"{name}.weight"][...] += x.T @ dy
    gradient[f"{name}.bias"][...] += _sum(dy)


def _means(x: Array) -> Array:
    """The mean of every row, (n, 1): as a product, which is several times faster than numpy's mean."""
    return (x @ np.full(x.shape[1], 1 / x.shape[1], dtype=x.dtype))[:, None]


def _sum(x: Array) -> Array:
    """The sum of all rows, (d,)."""
    return np.ones(len(x), dtype=x.dtype) @ x


def _add_at(wide: Array, queries: NDArray[np.int64], values: Array) -> None:
    """wide[b, queries[b, s]] += values[b, s]; where no query of a row repeats, as one sum, which is several times faster."""
    rows = np.arange(len(queries))[:, None]
    if (np.diff(queries, axis=1) > 0).all():
        wide[rows, queries] += values
    else:
        np.add.at(wide, (rows, queries), values)


def _add_rows(table: Array, rows: NDArray[np.int64], values: Array) -> None:
    """table[rows] += values with repeats, as a product with a one-hot matrix when the table is small."""
    if len(table) <= 256:
        hot = np.zeros((len(table), len(rows)), dtype=values.dtype)
        hot[rows, np.arange(len(rows))] = 1
        table += hot @ values
    else:
        np.add.at(table, rows, values)
