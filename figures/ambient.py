"""Matplotlib, whatever surrounds it: MPLBACKEND, matplotlibrc files, styles.

An ordinary import takes such settings over, and fails where they are broken or name a backend that is not installed;
Jupyter sets MPLBACKEND for every command that is started from it. Nothing that is drawn here depends on them, so here
Matplotlib is imported without them. It then gets those that an ordinary import accepts: in a notebook they stay the user's.

Modules of this package import Matplotlib after their own kind, so that this comes first.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any


def _import() -> None:
    with _nothing_set():
        import matplotlib
    with _silence():
        with suppress(Exception):  # a file that an ordinary import fails on
            # Without a name of a backend there, merely asking for it would choose one, and import pyplot.
            settings = {
                key: value
                for key, value in matplotlib.rc_params().items()
                if isinstance(value, str) or key != "backend"
            }
            matplotlib.rcParams.update(settings)
            matplotlib.rcParamsOrig.update(settings)
        if backend := os.environ.get("MPLBACKEND"):
            with suppress(ValueError):
                matplotlib.rcParams["backend"] = backend


@contextmanager
def _silence() -> Iterator[None]:
    """No word of what is wrong with settings that are not ours."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _nothing_set() -> Iterator[None]:
    """Neither variables nor a file in the current folder, which goes before them, say how to draw."""
    kept = {name: os.environ.pop(name) for name in ("MPLBACKEND", "MATPLOTLIBRC") if name in os.environ}
    os.environ["MATPLOTLIBRC"] = os.devnull
    try:
        with chdir(Path(__file__).parent) if os.path.exists("matplotlibrc") else nullcontext():
            yield
    finally:
        del os.environ["MATPLOTLIBRC"]
        os.environ.update(kept)


def _defaults() -> dict[str, Any]:
    from matplotlib import rcParamsDefault

    return {name: value for name, value in rcParamsDefault.items() if name != "backend"}


if "matplotlib" not in sys.modules:
    _import()

DEFAULTS: Any = _defaults()
"""Matplotlib's own settings, but for the backend: none is needed, and the user's stays."""
