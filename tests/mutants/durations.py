"""A plugin of pytest: write how long each test took, as {node ID: seconds}, to the file that `--durations-to` names."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

_seconds: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--durations-to", type=Path)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration  # type: ignore[assignment]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # not in the workers of pytest-xdist
        session.config.getoption("--durations-to").write_text(json.dumps(_seconds), encoding="utf-8")
