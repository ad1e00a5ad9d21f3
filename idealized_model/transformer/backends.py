"""The engines by name: which of them computes a model."""

from __future__ import annotations

from idealized_model.transformer.config import ModelConfig
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.jax_engine import JaxEngine
from theory.errors import check_one_of

BACKENDS = ("numpy", "jax")
"""Engines with the same parameters and the same numbers, up to rounding; jax needs the extra of that name."""


def make_engine(config: ModelConfig, name: str = "numpy", *, threads: int = 2) -> Engine | JaxEngine:
    """The engine of a name, for a model in float32.

    Parameters
    ----------
    config : the model.
    name : a name in `BACKENDS`.
    threads : of the NumPy engine; JAX has its own.

    Raises
    ------
    InvalidArgument : for an unknown name.
    BackendUnavailable : when the package that the engine needs is missing.

    Examples
    --------
    >>> make_engine(ModelConfig(n_tokens=3, width=8, n_heads=2), "numpy").dtype
    dtype('float32')
    """
    check_one_of(name, BACKENDS, "make_engine", "name")
    return Engine(config, threads=threads) if name == "numpy" else JaxEngine(config)
