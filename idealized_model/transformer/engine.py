"""The NumPy engine: passes over micro-batches that stay in cache, in two shares that threads take."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Array, ModelConfig, Parameters
from idealized_model.transformer.passes import Pass


class Engine:
    """Losses, gradients and predictions of one configuration.

    Parameters
    ----------
    config : the model.
    dtype : float32, or float64 to check gradients.
    micro_tokens : about how many tokens go through the model at once, in whole sequences.
    threads : worker threads. A batch is always cut into two shares whose gradients are added in one order, so results do
        not depend on the number of threads. With two threads, NumPy's BLAS should use one.
    whole_last_layer : compute every position of the last layer, though only the supervised ones are needed.

    Examples
    --------
    >>> config = ModelConfig(n_tokens=3, width=8, n_layers=1, n_heads=2)
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> tokens = np.array([[0, 1, 2]])
    >>> batch = Batch(tokens, np.arange(3)[None], np.array([[2]]), np.array([[1]]), np.ones((1, 1), np.float32))
    >>> loss, gradient = Engine(config).loss_and_gradient(parameters, batch)
    >>> round(loss, 1)  # close to log 3 before training
    1.1
    """

    SHARES = 2

    def __init__(
        self,
        config: ModelConfig,
        *,
        dtype: Any = np.float32,
        micro_tokens: int = 1024,
        threads: int = 2,
        whole_last_layer: bool = False,
    ) -> None:
        self.config = config
        self.dtype = np.dtype(dtype)
        self.micro_tokens = micro_tokens
        self.threads = threads
        self.whole_last_layer = whole_last_layer
        self._passes = [Pass(config, self.dtype, whole_last_layer) for _ in range(self.SHARES)]
        self._gradients = [Parameters.zeros(config, self.dtype.type) for _ in range(self.SHARES)]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def loss_and_gradient(self, parameters: Parameters, batch: Batch) -> tuple[float, Parameters]:
        """The mean cross-entropy over the supervised queries, and its gradient.

        Returns
        -------
        (loss, gradient); the gradient's memory is used again by the next call.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot learn from (`Batch.require`).
        """
        batch.require(self.config, "Engine", targets=True, weights=True)
        total = float(batch.weights.sum())

        def work(share: int) -> float:
            gradient, one = self._gradients[share], self._passes[share]
            gradient.flat[...] = 0
            return sum(one.train(parameters, part, gradient, total) for part in self._parts(batch, share))

        losses = self._map(work)
        gradient = self._gradients[0]
        for other in self._gradients[1:]:
            gradient.flat += other.flat
        return sum(losses), gradient

    def logits(self, parameters: Parameters, batch: Batch) -> tuple[Array, Array | None]:
        """The logits of the next token (batch, S, tokens), and those of the ID increment, if the model has them.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).
        """
        batch.require(self.config, "Engine")

        def work(share: int) -> list[tuple[Array, Array | None]]:
            return [self._passes[share].predict(parameters, part) for part in self._parts(batch, share)]

        parts = [part for share in self._map(work) for part in share]
        increments = [part[1] for part in parts if part[1] is not None]
        return np.concatenate([part[0] for part in parts]), np.concatenate(increments) if increments else None

    def losses(self, parameters: Parameters, batch: Batch) -> Array:
        """-log of the probability of the target of every query, (batch, S), whatever its weight.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).

        Cost: that of `logits`, of which it keeps those of a micro-batch at a time.
        """
        batch.require(self.config, "Engine", targets=True)

        def work(share: int) -> list[Array]:
            return [self._passes[share].losses(parameters, part) for part in self._parts(batch, share)]

        return np.concatenate([part for share in self._map(work) for part in share])

    def attention(self, parameters: Parameters, batch: Batch) -> list[Array]:
        """For every layer the attention weights (batch, H, S or T, T) of its queries.

        Raises
        ------
        InvalidArgument : for a batch that the model cannot read (`Batch.require`).
        """
        batch.require(self.config, "Engine")
        parts = [
            self._passes[0].weights(parameters, part) for s in range(self.SHARES) for part in self._parts(batch, s)
        ]
        return [np.concatenate(layer) for layer in zip(*parts, strict=True)]

    @property
    def nbytes(self) -> int:
        """Memory that the workspaces and gradients hold, in bytes."""
        return sum(one.space.nbytes for one in self._passes) + sum(gradient.flat.nbytes for gradient in self._gradients)

    def _parts(self, batch: Batch, share: int) -> Iterator[Batch]:
        """The micro-batches of a share: contiguous, so that the shares one after the other are the batch."""
        half = -(-len(batch) // self.SHARES)
        end = min(len(batch), (share + 1) * half)
        size = max(1, self.micro_tokens // batch.tokens.shape[1])
        for start in range(share * half, end, size):
            yield batch.part(start, min(end, start + size))

    def _map(self, work: Any) -> list[Any]:
        def quiet(share: int) -> Any:
            with np.errstate(over="ignore", invalid="ignore"):  # a model that diverges says so by its loss
                return work(share)

        return list((map if self._pool is None else self._pool.map)(quiet, range(self.SHARES)))
