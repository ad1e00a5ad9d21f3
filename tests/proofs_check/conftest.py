"""Fixtures for tests that break the code under the checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs_check.toys import clear_caches


@pytest.fixture
def fresh_caches() -> Iterator[None]:
    """Nothing memoised before the test is used in it, and nothing of it later."""
    clear_caches()
    yield
    clear_caches()
