"""What is random: a generator for every check, and Hypothesis, which shrinks what it finds."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random generator for one named check: a function of the seed and the names alone."""
    return np.random.default_rng(np.random.SeedSequence([seed, *(zlib.crc32(name.encode()) for name in names)]))


def each_drawn(
    strategy: SearchStrategy[Value],
    test: Callable[[Value], None],
    rng: np.random.Generator,
    n: int,
    *,
    shrink: bool = True,
) -> None:
    """Call a test with n values that Hypothesis draws, a function of the generator alone.

    What it raises is raised when Hypothesis has called it with the smallest value that raises it too.
    """
    import hypothesis
    from hypothesis.errors import HypothesisWarning

    run = hypothesis.settings(
        max_examples=n, database=None, deadline=None, derandomize=False, report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck), verbosity=hypothesis.Verbosity.quiet,
        phases=(hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])),
    )(hypothesis.given(strategy)(test))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        hypothesis.seed(int(rng.integers(2**63)))(run)()
