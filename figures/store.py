"""The one cache of data: what figures computed (NAME.json), and training runs (NAME.jsonl), in figures/data.

Figures are drawn from it, so that drawing is quick and the numbers can be looked up; `--rerun` computes them again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from figures.plot import Plot, Row, Rows
from idealized_model.text import read_text
from proofs_check.problem_files import write_text
from theory.errors import InvalidArgument

DATA = Path(__file__).parent / "data"
SCHEMA = 1
SEED = 0


class Stored(NamedTuple):
    """Computed rows with where they come from.

    Attributes
    ----------
    command, version, seed : what made them.
    seconds : of one processor, that it took.
    """

    rows: list[Row]
    command: str
    version: str
    seed: int
    seconds: float


class _Stored(dict[str, Any]):
    """An object of a file; a key that it lacks is a fault of the file."""

    def __init__(self, values: Row, *, path: Path, command: str) -> None:
        super().__init__(values)
        self._malformed = partial(_malformed, path, command=command)

    def __missing__(self, key: str) -> Any:
        raise self._malformed(KeyError(key))


def rows_of(plot: Plot, folder: Path = DATA) -> list[Row]:
    """The rows that a figure draws.

    Raises
    ------
    InvalidArgument : for data that is missing or malformed, with the command that makes it.
    """
    stored: Rows = load(plot, folder).rows if plot.compute else []
    if plot.join is None:
        return list(stored)
    found: dict[str, Rows] = {}
    for name in plot.runs:
        if (folder / f"{name}.jsonl").exists() or plot.needs_runs:
            found[name] = load_runs(name, folder)
    rows = plot.join(stored, found)
    return [_Stored(row, path=_path(plot, folder), command=rerun_command(plot)) for row in rows] if stored else rows


def compute(plot: Plot) -> Stored:
    """Compute a figure's rows; the generator is keyed by the seed and the name.

    Raises
    ------
    InvalidArgument : for a figure that draws training runs only.
    """
    if plot.compute is None:
        raise InvalidArgument(
            "compute",
            "--rerun",
            got=plot.name,
            expected="a figure that is computed",
            fix=f"Its runs come from: {sweep_command(plot.runs[0])}",
        )
    start = sum(os.times()[:4])
    rows = plot.compute(np.random.default_rng((SEED, zlib.crc32(plot.name.encode()))))
    seconds = round(sum(os.times()[:4]) - start, 2)
    return Stored(rows, rerun_command(plot), metadata.version("lengthgen"), SEED, seconds)


def save(plot: Plot, stored: Stored, folder: Path = DATA) -> Path:
    """Store rows, one a line.

    Raises
    ------
    InvalidArgument : when the folder cannot be written.
    """
    head = {"schema": SCHEMA, "figure": plot.name, **{k: v for k, v in stored._asdict().items() if k != "rows"}}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in stored.rows)
    path = _path(plot, folder)
    write_text(path, "\n".join(["{", *lines, ' "rows": [', rows, " ]", "}", ""]), "figures --rerun")
    return path


def load(plot: Plot, folder: Path = DATA) -> Stored:
    """What is stored for a figure.

    Raises
    ------
    InvalidArgument : for a file that is missing or that `save` did not write.
    """
    path = _path(plot, folder)
    text = _text(path, rerun_command(plot))
    try:
        data: Any = json.loads(text, object_hook=partial(_Stored, path=path, command=rerun_command(plot)))
        if (
            data["schema"] != SCHEMA
            or data["figure"] != plot.name
            or not all(isinstance(r, dict) for r in data["rows"])
        ):
            raise ValueError("another schema, figure or form of rows")
        if not data["rows"]:
            raise ValueError("no rows")
        return Stored(data["rows"], data["command"], data["version"], data["seed"], data["seconds"])
    except InvalidArgument:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed(path, error, rerun_command(plot)) from None


def load_runs(name: str, folder: Path = DATA) -> list[Row]:
    """The training runs of a sweep, finished and diverged ones.

    Raises
    ------
    InvalidArgument : for a file that is missing or malformed.
    """
    path = folder / f"{name}.jsonl"
    rows: list[Row] = []
    text = _text(path, sweep_command(name))
    try:
        for line in text.splitlines():
            row = json.loads(line, object_hook=partial(_Stored, path=path, command=sweep_command(name)))
            is_run = name in OTHER or (isinstance(row["tests"], list) and isinstance(row["config"], Mapping))
            if row["schema"] != 1 or not is_run:
                raise ValueError("no row of a training run")
            rows.append(row)
    except InvalidArgument:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed(path, error, sweep_command(name)) from None
    if not rows:
        raise _malformed(path, ValueError("no rows"), sweep_command(name))
    return rows


def _path(plot: Plot, folder: Path) -> Path:
    return folder / f"{plot.name}.json"


def rerun_command(plot: Plot) -> str:
    """The command that computes a figure's data."""
    return f"python -m figures {plot.name} --rerun"


TEXT = PLAIN_TEXT, COPIES, NAMES, CONTROLS = tuple(f"language{name}" for name in ("", "-copies", "-names", "-controls"))
"""The protocols of natural language, figures/sweeps, and the files of what was measured."""

OTHER = {
    "planted": "lengthgen language planted --runs runs/language --rows figures/data/planted.jsonl",
    **{
        name: f"lengthgen language train figures/sweeps/{name}.toml --runs runs/language && lengthgen language measure "
        f"figures/sweeps/{name}.toml --runs runs/language --rows figures/data/{name}.jsonl"
        for name in TEXT
    },
}
"""{file of rows that no sweep makes: the command that does}."""


def sweep_command(name: str) -> str:
    """The command that makes a file of training runs."""
    return OTHER.get(name) or f"lengthgen sweep figures/sweeps/{name}.toml --results figures/data/{name}.jsonl"


def _text(path: Path, command: str) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise InvalidArgument(
            "load", "data", got=f"{str(path)!r}: {what}", expected="stored data", fix=f"Make it with: {command}"
        ) from None


def _malformed(path: Path, error: Exception, command: str) -> InvalidArgument:
    return InvalidArgument(
        "load",
        "data",
        got=f"{str(path)!r}, which is malformed ({type(error).__name__}: {error})",
        expected="stored data",
        fix=f"Make it again with: {command}",
    )
