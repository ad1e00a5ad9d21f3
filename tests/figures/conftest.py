"""Data for every figure: what is stored, and training runs that are made up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from figures import store
from figures.plot import Row, render
from figures.registry import PLOTS
from figures.style import Style
from tests.figures import made_up

from matplotlib.figure import Figure


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as figures/data is when all runs are there."""
    folder = tmp_path_factory.mktemp("data")
    for path in store.DATA.glob("*.json"):
        shutil.copy(path, folder)
    made_up.write(folder / "sparse-parity.jsonl", made_up.sparse_parity())
    made_up.write(folder / "schemes.jsonl", made_up.schemes())
    made_up.write(folder / "attention-only.jsonl", made_up.majority())
    made_up.write(folder / "planted.jsonl", made_up.planted())
    made_up.save_language(folder)
    return folder


@pytest.fixture(scope="session")
def rows_of(data: Path) -> Callable[[str], list[Row]]:
    """What a figure draws, by its name."""
    return cache(lambda name: store.rows_of(PLOTS[name], data))


@pytest.fixture(scope="session")
def drawn(rows_of: Callable[[str], list[Row]]) -> Callable[..., Figure]:
    """A figure by its name and style, drawn once."""
    return cache(lambda name, style=Style(): render(PLOTS[name], rows_of(name), style))  # noqa: B008
