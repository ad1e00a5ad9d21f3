"""The optimizer by itself: its steps by the definition, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from idealized_model.transformer.config import ModelConfig, Parameters
from idealized_model.transformer.optimizer import Diverged, Optimizer
from theory import InvalidArgument

OF = ModelConfig(n_tokens=3, width=4, n_layers=1, n_heads=1)


def drawn(seed: int, size: float = 1.0) -> Parameters:
    flat = np.random.default_rng(seed).normal(0, size, OF.n_parameters)
    return Parameters(OF, flat)


def by_sums(start: np.ndarray, gradients: list[np.ndarray], made: Optimizer) -> np.ndarray:
    """The parameters after these gradients, each mean as the sum that it is."""
    found = start.copy()
    matrices = np.concatenate([np.full(view.size, view.ndim == 2) for view in drawn(0).values()])
    clipped = [one * min(1, made.clip / np.linalg.norm(one)) for one in gradients]
    for n in range(1, len(clipped) + 1):
        ages = np.arange(n)[::-1]
        means = [
            sum((1 - beta) * beta**age * g**power for age, g in zip(ages, clipped, strict=False)) / (1 - beta**n)
            for beta, power in ((made.beta1, 1), (made.beta2, 2))
        ]
        rate = made.rate_of(n - 1)
        found[matrices] -= rate * made.decay * found[matrices]
        found -= rate * means[0] / (np.sqrt(means[1]) + 1e-8)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clip": 0.5, "decay": 3.0},
        {"beta1": 0.0, "beta2": 0.0, "decay": 0.0},
        {"floor": 1.0, "warmup": 0, "clip": 1e9},
    ],
)
def test_steps_are_those_of_the_sums(changes: dict[str, Any]) -> None:
    parameters = drawn(0)
    start = parameters.flat.copy()
    made = Optimizer(parameters, **{"steps": 6, "rate": 0.1, "warmup": 2, "clip": 30.0, **changes})
    gradients = [drawn(seed, size=0.1 * seed) for seed in range(1, 6)]
    expected = by_sums(start, [one.flat.copy() for one in gradients], made)
    norms = [np.linalg.norm(one.flat) for one in gradients]
    found = [made.step(one) for one in gradients]
    assert found == pytest.approx(norms)
    assert parameters.flat == pytest.approx(expected, rel=1e-10)
    assert made.done == 5
    assert [np.linalg.norm(one.flat) for one in gradients] == pytest.approx([min(made.clip, norm) for norm in norms])


def test_it_goes_on_from_its_means() -> None:
    whole, first = drawn(0), drawn(0)
    one, part = Optimizer(whole, steps=9, warmup=3), Optimizer(first, steps=9, warmup=3)
    for seed in range(1, 7):
        one.step(drawn(seed))
        part.step(drawn(seed))
        again = Optimizer(first, steps=9, warmup=3)
        again.first[...], again.second[...], again.done = part.first, part.second, part.done
        part = again
    assert np.array_equal(whole.flat, first.flat)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_a_gradient_that_is_not_finite_changes_nothing(value: float) -> None:
    parameters = drawn(0)
    made = Optimizer(parameters, steps=5)
    made.step(drawn(1))
    before, gradient = [one.copy() for one in (parameters.flat, made.first, made.second)], drawn(2)
    gradient.flat[3] = value
    message = (
        r"^Optimizer\.step: argument rate: got a gradient of norm (nan|inf) at step 1; expected a finite norm\. Lower"
    )
    with np.errstate(over="ignore"), pytest.raises(Diverged, match=message):
        made.step(gradient)
    assert made.done == 1
    for old, new in zip(before, (parameters.flat, made.first, made.second), strict=True):
        assert np.array_equal(old, new)


def test_the_gradient_of_another_model_is_refused() -> None:
    other = ModelConfig(n_tokens=1, width=1, n_layers=1, n_heads=1, mlp=False, norm=False)
    message = r"^Optimizer\.step: argument gradient: got 10 numbers; expected \d+, as the parameters have"
    with pytest.raises(InvalidArgument, match=message):
        Optimizer(drawn(0), steps=1).step(Parameters.zeros(other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "argument steps: got 0; expected an integer >= 1"),
        ({"steps": 2.0}, r"argument steps: got 2\.0; expected an integer >= 1"),
        ({"warmup": -1}, "argument warmup: got -1; expected an integer >= 0"),
        ({"rate": 0}, "argument rate: got 0; expected a number > 0"),
        ({"rate": float("nan")}, "argument rate: got nan; expected a number > 0"),
        ({"clip": 0.0}, r"argument clip: got 0\.0; expected a number > 0"),
        ({"decay": -1}, "argument decay: got -1; expected a number >= 0"),
        ({"floor": 1.5}, r"argument floor: got 1\.5; expected a number from 0 to 1"),
        ({"beta1": 1}, "argument beta1: got 1; expected a number >= 0 and < 1"),
        ({"decay": True}, "argument decay: got True; expected a number >= 0"),
        ({"decay": "much"}, "argument decay: got 'much'; expected a number >= 0"),
    ],
)
def test_bad_arguments_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Optimizer: {message}"):
        Optimizer(drawn(0), **{"steps": 5, **changes})


def test_what_is_trained_is_parameters() -> None:
    for wrong in (np.zeros(3), None):
        with pytest.raises(InvalidArgument, match=r"^Optimizer: argument parameters: got the .*; expected Parameters"):
            Optimizer(wrong, steps=5)  # type: ignore[arg-type]
    with pytest.raises(
        InvalidArgument, match=r"(?s)^Optimizer\.step: argument gradient: got the .*; expected Parameters"
    ):
        Optimizer(drawn(0), steps=5).step(np.zeros(OF.n_parameters))  # type: ignore[arg-type]
