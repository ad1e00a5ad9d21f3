"""The model of idealized_model.transformer in PyTorch, as one would write it there, from the same parameters.

Learned position vectors, ReLU, an output of its own; the loss is taken at the last token.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from idealized_model.transformer import Batch, ModelConfig, Parameters
from idealized_model.transformer.config import Array


class Layer(nn.Module):
    def __init__(self, width: int, n_heads: int, hidden: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        n_sequences, n, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(n_sequences, n, 3, self.n_heads, width // self.n_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, E)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(n_sequences, n, width))
        return x + self.down(functional.relu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tokens, self.ids = nn.Embedding(config.n_tokens, config.width), nn.Embedding(config.n_ids, config.width)
        self.layers = nn.ModuleList(Layer(config.width, config.n_heads, config.hidden) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.n_tokens, bias=False)

    def forward(self, tokens: Tensor, ids: Tensor, targets: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.ids(ids)
        for layer in self.layers:
            x = layer(x)
        return functional.cross_entropy(self.head(self.norm(x[:, -1])), targets)


class TorchStep:
    """Forward and backward of one batch, eager or compiled."""

    def __init__(self, parameters: Parameters, batch: Batch, *, compiled: bool) -> None:
        self.config = parameters.config
        self.model = Transformer(self.config)
        with torch.no_grad():
            for name, value in parameters.items():
                self._own(name).copy_(torch.from_numpy(value.T if self._turned(name) else value))
        self.batch = [torch.from_numpy(array) for array in (batch.tokens, batch.ids, batch.targets[:, 0])]
        self.call: Any = torch.compile(self.model, dynamic=False) if compiled else self.model

    def __call__(self) -> float:
        self.model.zero_grad(set_to_none=True)
        loss = self.call(*self.batch)
        loss.backward()
        return float(loss.detach())

    def gradient(self) -> Array:
        """The gradient of the last call, in the order of `Parameters`."""
        gradient = Parameters.zeros(self.config)
        for name, view in gradient.items():
            slope = self._own(name).grad
            assert slope is not None
            view[...] = slope.numpy().T if self._turned(name) else slope.numpy()
        return gradient.flat

    def _own(self, name: str) -> nn.Parameter:
        """PyTorch's parameter of our name."""
        name = f"{name}.weight" if name in ("tokens", "ids") else name.replace(".gain", ".weight")
        return self.model.get_parameter(f"layers.{name}" if name[0].isdigit() else name)

    @staticmethod
    def _turned(name: str) -> bool:
        """A linear layer of PyTorch holds (out, in), ours (in, out)."""
        return name.endswith(".weight")
