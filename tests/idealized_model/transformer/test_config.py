"""Models and their parameters: how many, how they are drawn, and which of them decay."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer.config import ModelConfig, Parameters
from theory import InvalidArgument


def config(**changes: Any) -> ModelConfig:
    return ModelConfig(
        **{"n_tokens": 11, "width": 32, "n_layers": 3, "n_heads": 2, "encoding": "learned", "n_ids": 50, **changes}
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"encoding": "none", "n_ids": 0}, 11 * 32 + 32 * 11),
        ({}, 11 * 32 + 50 * 32 + 32 * 11),
        ({"tied": True}, 11 * 32 + 50 * 32),
        ({"n_increments": 4}, 11 * 32 + 50 * 32 + 32 * 11 + 32 * 4),
    ],
)
@pytest.mark.parametrize("hidden", [0, 20])
def test_parameters_are_counted_by_hand(changes: dict[str, Any], expected: int, hidden: int) -> None:
    width, inner = 32, hidden or 128
    layer = 4 * width + 3 * width * (width + 1) + width * (width + 1) + inner * (width + 1) + width * (inner + 1)
    of = config(hidden=hidden, **changes)
    assert of.n_parameters == expected + 3 * layer + 2 * width
    assert of.head_width == 16
    assert Parameters.zeros(of).flat.size == of.n_parameters


@pytest.mark.parametrize(("mlp", "norm"), [(True, False), (False, True), (False, False)])
def test_what_a_model_lacks_has_no_parameters(mlp: bool, norm: bool) -> None:
    of, whole = config(mlp=mlp, norm=norm), config()
    lacks = [] if mlp else [r"\d\.norm2\..*", r"\d\.up\..*", r"\d\.down\..*"]
    lacks += [] if norm else [r"(\d\.)?norm\d?\..*"]
    kept = {name: shape for name, shape in whole.shapes().items() if not any(re.fullmatch(one, name) for one in lacks)}
    assert list(of.shapes().items()) == list(kept.items())
    assert replace(of, window=3).shapes() == of.shapes()


@pytest.mark.parametrize("n_layers", [1, 3])
def test_initial_parameters_are_as_wide_as_the_docstring_says(n_layers: int) -> None:
    of = config(n_layers=n_layers, n_increments=8)
    parameters = Parameters.drawn(of, np.random.default_rng(0))
    for name, view in parameters.items():
        if view.ndim == 1:
            assert set(view.tolist()) == {1.0 if name.endswith("gain") else 0.0}, name
        else:
            residual = name.endswith(("out.weight", "down.weight"))
            expected = 0.02 / (2 * n_layers) ** 0.5 if residual else 0.02
            assert view.std() == pytest.approx(expected, rel=0.25 if view.size < 500 else 0.1), name
            assert abs(view.mean()) < 5 * expected / view.size**0.5, name


def test_matrices_decay_and_nothing_else() -> None:
    of = config(n_increments=2)
    parameters = Parameters(of, np.arange(of.n_parameters))
    decayed = set(parameters.flat[parameters.matrices()].tolist())
    for name, view in parameters.items():
        inside = {int(value) in decayed for value in view.flat}
        assert inside == {name.endswith("weight") or name in ("tokens", "ids")}, name


def test_the_smallest_model() -> None:
    least = {"n_tokens": 1, "width": 1, "n_layers": 1, "n_heads": 1, "n_ids": 1}
    of = config(hidden=1, **least)
    assert (of.head_width, of.hidden) == (1, 1)
    for name in (*least, "hidden", "n_increments"):
        with pytest.raises(InvalidArgument, match=rf"argument {name}: got -1; expected an integer >= \d"):
            config(**{"hidden": 1, **least, name: -1})
