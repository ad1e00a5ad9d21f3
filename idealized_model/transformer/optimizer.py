"""AdamW with warm-up, cosine decay and a clipped gradient, on parameters in one flat array."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, isfinite, pi

import numpy as np

from idealized_model.transformer.config import Parameters
from theory.errors import TheoryError, check, check_integer, check_type

DOCUMENTED = "See the docstring."

RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "rate": ("> 0", lambda x: x > 0),
    "clip": ("> 0", lambda x: x > 0),
    "decay": (">= 0", lambda x: x >= 0),
    "floor": ("from 0 to 1", lambda x: 0 <= x <= 1),
    "beta1": (">= 0 and < 1", lambda x: 0 <= x < 1),
    "beta2": (">= 0 and < 1", lambda x: 0 <= x < 1),
}
"""Of the real arguments: the range in words, and whether a number is inside."""


class Diverged(TheoryError):
    """The loss or its gradient is no longer finite; the parameters, and the last checkpoint, are from before that."""


class Optimizer:
    """AdamW, which changes the parameters in place.

    After n steps with the clipped gradients g: first = Σ (1 - beta1) beta1^(n-j) g_j, second likewise of g_j² with beta2;
    each step takes rate · first / (1 - beta1^n) / (sqrt(second / (1 - beta2^n)) + 1e-8) from the parameters, and before
    that rate · decay of the matrices.

    Parameters
    ----------
    parameters : what is trained.
    steps : of the run.
    rate, warmup, floor : the learning rate rises linearly to `rate` in `warmup` steps, then falls along a cosine to
        floor · rate at `steps`.
    beta1, beta2, decay : as above.
    clip : a gradient of a larger norm is shortened to this one.

    Attributes
    ----------
    done : steps done.
    first, second : the means of the gradient and of its square, as above; with `done` and the parameters all that the next
        step depends on.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from idealized_model.transformer import Batch, Engine, ModelConfig
    >>> config = ModelConfig(n_tokens=3, width=8, n_layers=1, n_heads=2)
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> tokens, one = np.array([[0, 1, 2]]), np.ones((1, 1), np.float32)
    >>> batch = Batch(tokens, np.arange(3)[None], np.array([[2]]), np.array([[1]]), one)
    >>> engine, optimizer = Engine(config), Optimizer(parameters, steps=20, warmup=2, rate=0.01)
    >>> before = engine.loss_and_gradient(parameters, batch)[0]
    >>> for _ in range(20):
    ...     loss, gradient = engine.loss_and_gradient(parameters, batch)
    ...     norm = optimizer.step(gradient)
    >>> loss < before / 2
    True

    Cost: a few passes over the parameters a step; twice their memory.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        steps: int,
        rate: float = 1e-3,
        warmup: int = 200,
        floor: float = 0.05,
        beta1: float = 0.9,
        beta2: float = 0.98,
        decay: float = 0.01,
        clip: float = 1.0,
    ) -> None:
        where = "Optimizer"
        check_type(
            parameters, Parameters, where, "parameters", "Parameters", "For instance Parameters.drawn(config, rng)."
        )
        check_integer(steps, where, "steps", least=1)
        check_integer(warmup, where, "warmup", least=0)
        numbers = {"rate": rate, "floor": floor, "beta1": beta1, "beta2": beta2, "decay": decay, "clip": clip}
        for name, value in numbers.items():
            check_range(value, where, name, *RANGES[name])
        self.parameters = parameters
        self.steps, self.warmup = steps, warmup
        self.rate, self.floor, self.beta1, self.beta2, self.decay, self.clip = numbers.values()
        self.done = 0
        self.first = np.zeros_like(parameters.flat)
        self.second = np.zeros_like(parameters.flat)
        self._decayed = parameters.matrices()

    def rate_of(self, step: int) -> float:
        """The learning rate of a step, the first of which has number 0; from `steps` on it stays where it fell to."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.rate * (self.floor + (1 - self.floor) * (1 + cos(pi * done)) / 2)

    def step(self, gradient: Parameters) -> float:
        """Go one step down; the gradient is clipped in place.

        Returns
        -------
        the norm of the gradient before it was clipped

        Raises
        ------
        Diverged : when that is not finite; nothing is changed.
        InvalidArgument : for the gradient of another model.
        """
        where = "Optimizer.step"
        check_type(gradient, Parameters, where, "gradient", "Parameters", "Use that of Engine.loss_and_gradient.")
        given = gradient.flat
        got, expected = f"{given.size} numbers", f"{self.first.size}, as the parameters have"
        check(
            given.shape == self.first.shape, where, "gradient", got=got, expected=expected, fix="Use that of the model."
        )
        norm = float(np.sqrt(np.dot(given, given)))
        if not isfinite(norm):
            got = f"a gradient of norm {norm} at step {self.done}"
            raise Diverged(where, "rate", got=got, expected="a finite norm", fix=LOWER)
        given *= min(1.0, self.clip / (norm + 1e-12))
        rate, n = self.rate_of(self.done), self.done + 1
        self.first *= self.beta1
        self.first += (1 - self.beta1) * given
        self.second *= self.beta2
        self.second += (1 - self.beta2) * given * given
        deviation = np.sqrt(self.second / (1 - self.beta2**n)) + 1e-8
        self.parameters.flat[self._decayed] *= 1 - rate * self.decay
        self.parameters.flat -= rate / (1 - self.beta1**n) * self.first / deviation
        self.done = n
        return norm


LOWER = "Lower the learning rate; the last checkpoint is from before this step."


def check_range(value: object, where: str, argument: str, expected: str, fits: Callable[[float], bool]) -> None:
    """Refuse what is no finite number in a range.

    Raises
    ------
    InvalidArgument
    """
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and fits(value)
    check(number, where, argument, value, expected=f"a number {expected}", fix=DOCUMENTED)
