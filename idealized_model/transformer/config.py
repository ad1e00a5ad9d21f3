"""What a transformer is made of: sizes, position encoding, outputs; and its parameters, in one flat array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from theory.errors import check, check_integer, check_one_of, check_type

Encoding: TypeAlias = Literal["none", "learned", "sinusoidal", "rope", "alibi"]
Activation: TypeAlias = Literal["relu", "gelu"]
Array: TypeAlias = NDArray[np.floating]


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only, pre-norm transformer; without MLP and norms, attention alone.

    Parameters
    ----------
    n_tokens : size of the vocabulary.
    width : d, a multiple of `n_heads` (with rope the width of a head is even).
    n_layers, n_heads : at least one each.
    hidden : width of the MLP, default 4 · width.
    activation : "relu", or "gelu" in its tanh form.
    encoding : how position IDs enter: "none"; "learned" (a row of a table a ID, ids < `n_ids`) and "sinusoidal" add to
        the token's vector; "rope" rotates queries and keys; "alibi" subtracts slope · |ID difference| from the logits.
    n_ids : rows of the table of a learned encoding.
    tied : whether the token output uses the token vectors.
    n_increments : classes of a second output, the ID increment of the next token (predictive position coupling); 0: none.
    log_scale : c, for logits times log(visible keys + 1) / c; None: not scaled.
    window : w >= 0: a token sees of those up to itself the ones whose IDs differ from its own by at most w, whatever the
        encoding; None: all of them. No parameter depends on it. A tuple has one for each coordinate of the IDs.
    n_coordinates : of an ID. "learned" adds a row of a table a coordinate; "sinusoidal" and "rope" share their frequencies
        among the coordinates, one after the other; "alibi" adds up the differences.
    mlp : whether layers have an MLP (`hidden` and `activation` are of no use without).
    norm : whether there are normalisations: before attention, before the MLP, and before the outputs.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> ModelConfig(n_tokens=5, width=8, n_heads=2).n_parameters
    1840
    >>> list(ModelConfig(n_tokens=5, width=8, n_layers=1, n_heads=1, mlp=False, norm=False).shapes())
    ['tokens', '0.qkv.weight', '0.qkv.bias', '0.out.weight', '0.out.bias', 'head.weight']
    """

    n_tokens: int
    width: int = 64
    n_layers: int = 2
    n_heads: int = 4
    hidden: int = 0
    activation: Activation = "relu"
    encoding: Encoding = "none"
    n_ids: int = 0
    tied: bool = False
    n_increments: int = 0
    log_scale: float | None = None
    window: int | tuple[int, ...] | None = None
    mlp: bool = True
    norm: bool = True
    n_coordinates: int = 1

    def __post_init__(self) -> None:
        where = "ModelConfig"
        if self.hidden == 0:
            object.__setattr__(self, "hidden", 4 * self.width)
        for name in ("n_tokens", "width", "n_layers", "n_heads", "hidden"):
            check_integer(getattr(self, name), where, name, least=1)
        check_integer(self.n_increments, where, "n_increments", least=0)
        check_integer(self.n_ids, where, "n_ids", least=1 if self.encoding == "learned" else 0)
        check_one_of(self.activation, get_args(Activation), where, "activation")
        check_one_of(self.encoding, get_args(Encoding), where, "encoding")
        step = self.n_heads * (2 if self.encoding == "rope" else 1)
        fix = f"{self.n_heads} heads" + (" of an even width" if self.encoding == "rope" else "") + " share it."
        check(self.width % step == 0, where, "width", self.width, expected=f"a multiple of {step}", fix=fix)
        scale, fix = self.log_scale, "For instance 3.5."
        positive = scale is None or (isinstance(scale, int | float) and scale > 0)
        check(positive, where, "log_scale", scale, expected="a number > 0, or None", fix=fix)
        check_integer(self.n_coordinates, where, "n_coordinates", least=1)
        if isinstance(self.window, tuple):
            expected, fix = f"one for each of {self.n_coordinates} coordinates", "Give one number for all of them."
            check(len(self.window) == self.n_coordinates > 1, where, "window", self.window, expected=expected, fix=fix)
        for window in self.window if isinstance(self.window, tuple) else (self.window,):
            if window is not None or isinstance(self.window, tuple):
                expected = "an integer >= 0, or None for no limit"
                check_integer(window, where, "window", least=0, expected=expected, fix="Use None to see all tokens.")
        for name in ("mlp", "norm"):
            check_type(getattr(self, name), bool, where, name, "True or False", "False leaves it out.")

    @property
    def head_width(self) -> int:
        """The width of a head."""
        return self.width // self.n_heads

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{name: shape} of every parameter, in the order of the flat array."""
        d, hidden = self.width, self.hidden
        shapes: dict[str, tuple[int, ...]] = {"tokens": (self.n_tokens, d)}
        if self.encoding == "learned":
            shapes["ids"] = (self.n_coordinates * self.n_ids, d)
        for i in range(self.n_layers):
            shapes |= self._norm(f"{i}.norm1")
            shapes |= {
                f"{i}.qkv.weight": (d, 3 * d), f"{i}.qkv.bias": (3 * d,),
                f"{i}.out.weight": (d, d), f"{i}.out.bias": (d,),
            }  # fmt: skip
            if self.mlp:
                shapes |= self._norm(f"{i}.norm2")
                shapes |= {
                    f"{i}.up.weight": (d, hidden), f"{i}.up.bias": (hidden,),
                    f"{i}.down.weight": (hidden, d), f"{i}.down.bias": (d,),
                }  # fmt: skip
        shapes |= self._norm("norm")
        if not self.tied:
            shapes["head.weight"] = (d, self.n_tokens)
        if self.n_increments:
            shapes["increments.weight"] = (d, self.n_increments)
        return shapes

    def _norm(self, name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.gain": (self.width,), f"{name}.bias": (self.width,)} if self.norm else {}

    @property
    def n_parameters(self) -> int:
        """How many numbers the parameters are."""
        return sum(map(prod, self.shapes().values()))


class Parameters(Mapping[str, Array]):
    """Named views into one flat array, so that an optimizer, a sum or a checkpoint handles a single vector.

    Examples
    --------
    >>> parameters = Parameters.zeros(ModelConfig(n_tokens=5, width=8, n_heads=2))
    >>> parameters["tokens"][...] = 1
    >>> float(parameters.flat.sum())
    40.0
    """

    def __init__(self, config: ModelConfig, flat: Array) -> None:
        got, expected = f"{flat.size} numbers", f"{config.n_parameters}, as the configuration has"
        fix = "Use an array of its own."
        check(flat.size == config.n_parameters, "Parameters", "flat", got=got, expected=expected, fix=fix)
        self.config = config
        self.flat = flat
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in config.shapes().items():
            end = start + prod(shape)
            self._views[name] = flat[start:end].reshape(shape)
            start = end

    @classmethod
    def zeros(cls, config: ModelConfig, dtype: type = np.float32) -> Parameters:
        """All zeros."""
        return cls(config, np.zeros(config.n_parameters, dtype=dtype))

    @classmethod
    def drawn(cls, config: ModelConfig, rng: np.random.Generator, dtype: type = np.float32) -> Parameters:
        """Initial parameters: matrices normal with standard deviation 0.02 (1/sqrt(2 layers) of it where they add to the
        residual stream), gains 1, biases 0."""
        new = cls.zeros(config, dtype)
        for name, view in new.items():
            if name.endswith("gain"):
                view[...] = 1
            elif view.ndim == 2:
                narrow = sqrt(2 * config.n_layers) if name.endswith(("out.weight", "down.weight")) else 1
                view[...] = rng.normal(0, 0.02 / narrow, size=view.shape)
        return new

    def matrices(self) -> NDArray[np.bool_]:
        """Which entries of the flat array belong to matrices: those that weight decay acts on."""
        mask = np.zeros(self.flat.size, dtype=bool)
        named = Parameters(self.config, mask)
        for view in named.values():
            view[...] = view.ndim == 2
        return mask

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)
