"""Figures do not depend on the settings of Matplotlib around them, and leave them to the user."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import figures
from figures.dependency_graphs import draw
from figures.own.dependencies import draw_dependencies
from figures.plot import encode, write
from figures.registry import PLOTS
from figures.store import rows_of
from figures.style import Style, applied
from theory.tasks import TASKS

import matplotlib

WILD = """
font.family: cursive
font.size: 30
axes.facecolor: red
axes.formatter.use_locale: True
path.sketch: 1, 100, 2
savefig.bbox: tight
savefig.facecolor: red
svg.fonttype: none
pdf.fonttype: 3
lines.linewidth: 9
"""
"""Settings that show in every picture."""


def python(code: str, folder: Path, **variables: str) -> str:
    """What a fresh interpreter prints in a folder, with these variables."""
    path = os.pathsep.join(filter(None, [str(Path(figures.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def in_utf_16(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-16")


def test_the_bytes_are_the_same_whatever_surrounds_them(tmp_path: Path) -> None:
    """A file of settings in the folder, a style of the user that cannot be read, a backend that is not installed."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    write(PLOTS["certificates"], rows_of(PLOTS["certificates"]), here, ["pdf", "svg"], Style())
    task = TASKS["copy"]
    graph = draw_dependencies(task, task.sample(3, np.random.default_rng(0)))
    (here / "graph.svg").write_bytes(encode(graph, "svg"))
    (tmp_path / "matplotlibrc").write_text(WILD, encoding="utf-8")
    in_utf_16(tmp_path / "home" / "matplotlib" / "stylelib" / "mine.mplstyle", WILD)
    code = (
        f"from figures.cli import main\nassert main(['certificates', '--format', 'pdf,svg', '--out', {str(there)!r}]) == 0\n"
        f"assert main(['dependencies', '--task', 'copy', '--length', '3', '--out', {str(there / 'graph.svg')!r}]) == 0"
    )
    variables = {"MPLBACKEND": "no such backend", "LC_ALL": "C", "PYTHONUTF8": "0"}
    python(code, tmp_path, XDG_CONFIG_HOME=str(tmp_path / "home"), **variables)
    beside = {"graph.csv", "graph.txt"}
    assert {file.name for file in there.iterdir()} == {file.name for file in here.iterdir()} | beside
    for file in here.iterdir():
        assert file.read_bytes() == (there / file.name).read_bytes(), file.name


@pytest.mark.parametrize("text", ["no such key: 1\n", "font.size: much\n", "font.size 9\n", "axes.hold: True\n"])
def test_nothing_is_said_of_settings_that_are_wrong(text: str, tmp_path: Path) -> None:
    """Nor later, of what the user does: the logger is as it was."""
    (tmp_path / "matplotlibrc").write_text(text, encoding="utf-8")
    code = (
        "import logging\nlogger = logging.getLogger('matplotlib')\nlogger.setLevel(logging.INFO)\n"
        "import figures.ambient\nprint(logger.level == logging.INFO)"
    )
    assert python(code, tmp_path) == "True\n"


@pytest.mark.parametrize("name", ["matplotlibrc", "elsewhere"])
def test_files_that_matplotlib_cannot_read_do_not_matter(name: str, tmp_path: Path) -> None:
    """In the folder, and where the variable says."""
    in_utf_16(tmp_path / name, WILD)
    code = (
        "import os\nfrom figures.style import applied, matplotlib\nwith applied(): size = matplotlib.rcParams['font.size']\n"
        "print(size, matplotlib.rcParams['font.size'], os.path.basename(os.environ['MATPLOTLIBRC']))"
    )
    assert python(code, tmp_path, MATPLOTLIBRC=str(tmp_path / "elsewhere")) == "7.0 10.0 elsewhere\n"


SETTINGS = (
    "import json, os, sys\n{first}import matplotlib\nassert 'matplotlib.pyplot' not in sys.modules\n"
    "given = [sorted((k, repr(v)) for k, v in all.items() if k != 'backend') for all in "
    "(matplotlib.rcParams, matplotlib.rcParamsOrig)]\n"
    "print(json.dumps([matplotlib.get_backend(auto_select=False), *given, sorted(os.environ.items()), os.getcwd()]))"
)
DRAW = "from figures import PLOTS, render, rows_of\nplot = PLOTS['certificates']\nrender(plot, rows_of(plot))\n"


@pytest.mark.parametrize("backend", ["svg", pytest.param("", marks=pytest.mark.slow)])
def test_a_notebook_keeps_its_settings(backend: str, tmp_path: Path) -> None:
    """As if Matplotlib had been imported by the user."""
    (tmp_path / "matplotlibrc").write_text(
        WILD.replace("axes.formatter.use_locale: True", "backend: pdf"), encoding="utf-8"
    )
    found: list[list[Any]] = [
        json.loads(python(SETTINGS.format(first=first), tmp_path, MPLBACKEND=backend)) for first in ("", DRAW)
    ]
    assert found[0][0] == (backend or "pdf")
    assert ["font.size", "30.0"] in found[0][1]
    assert found[0] == found[1]


def test_what_is_drawn_by_the_library_ignores_the_settings_and_they_stay() -> None:
    task = TASKS["copy"]
    instance = task.sample(3, np.random.default_rng(0))
    plain = encode(draw(task, instance), "svg")
    with matplotlib.rc_context({"axes.titlelocation": "left", "font.family": "cursive", "savefig.bbox": "tight"}):
        before = dict(matplotlib.rcParams)
        assert encode(draw(task, instance), "svg") == plain
        assert dict(matplotlib.rcParams) == before


def test_inside_everything_but_the_backend_is_ours() -> None:
    """Also the settings that styles may not change."""
    backend = matplotlib.get_backend(auto_select=False)
    with matplotlib.rc_context({"timezone": "Asia/Tokyo", "figure.max_open_warning": 1}), applied():
        assert matplotlib.rcParams["timezone"] == matplotlib.rcParamsDefault["timezone"]
        assert matplotlib.get_backend(auto_select=False) == backend


def test_our_modules_import_matplotlib_after_what_prepares_it() -> None:
    """Each begins with one of ours, and all of these lead to `figures.ambient`."""
    folder, checked = Path(figures.__file__).parent, 0
    for file in folder.glob("*.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        imports = [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
        theirs = [i for i, name in enumerate(imports) if name.partition(".")[0] == "matplotlib"]
        if theirs:
            ours = {name.partition(".")[2] for name in imports[: theirs[0]] if name.startswith("figures.")}
            assert ours & {"ambient", "plot", "style", "runs"}, file.name
            checked += 1
    assert checked > 10
