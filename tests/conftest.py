"""Hypothesis profiles: `dev` (default) and `ci` are deterministic; `nightly` draws anew, and says how to reproduce.

Choose one with `--hypothesis-profile=ci` or with the environment variable HYPOTHESIS_PROFILE.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.filter_too_much]

settings.register_profile(
    "dev", derandomize=True, database=None, deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=150, print_blob=True)
settings.register_profile("nightly", settings.get_profile("dev"), derandomize=False, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def as_wide_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide here as where nobody says how wide a terminal is."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C works in this process, also where the tests were started with it ignored (nohup make test &)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
