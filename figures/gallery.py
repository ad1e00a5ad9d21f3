"""The page that shows every figure: docs/figures.md, with its pictures in docs/images."""

from __future__ import annotations

import textwrap
from pathlib import Path

from figures import store
from figures.plot import Plot, Rows, encode, render
from figures.registry import PLOTS
from proofs_check.problem_files import write_text
from theory.errors import InvalidArgument

HEAD = """\
# Figures

Every figure of the project, drawn from data stored in `figures/data/`: `make figures` writes all of them to `drawn/`
as PDF, PNG and SVG, each with the CSV of what is drawn and its alt text. `python -m figures --list` names them;
`--style`, `--columns` and `--width` choose the size for [a paper](paper.md), `--rerun` computes the data again. What is
yours is drawn by `python -m figures problem`, `runs`, `language`, `dependencies`, `head` and `attention`. This page is
made by `python -m figures --gallery docs/figures.md`.
"""


def page(rows_of: dict[str, Rows], data: Path = store.DATA) -> str:
    """The page of the figures that have data, in order.

    Parameters
    ----------
    rows_of : {name: what is drawn}, for the figures that have data.
    data : the folder where it is stored.
    """
    return "\n".join([HEAD, *(_section(plot, rows_of.get(plot.name), data) for plot in PLOTS.values())])


def _section(plot: Plot, rows: Rows | None, data: Path) -> str:
    lines = [f"## {plot.title}", ""]
    runs = [name for name in plot.runs if rows is None or (data / f"{name}.jsonl").exists()]
    made_by = f"its runs are made by {', '.join(f'`{store.sweep_command(name)}`' for name in runs)}"
    if rows is None:
        computed = f"; from them `{store.rerun_command(plot)}` computes its data" if plot.compute else ""
        return "\n".join([*lines, _wrapped(f"Not drawn yet: {made_by}{computed}."), ""])
    alt = plot.alt(rows)
    lines += [f"![{plot.title}](images/{plot.name}.png)", "", _wrapped(alt), ""]
    made = f"`python -m figures {plot.name}`"
    if plot.compute:
        stored = store.load(plot, data)
        made += f"; its data took {max(round(stored.seconds), 1)} CPU seconds: `{stored.command}`"
    if runs:
        made += f"; {made_by}"
    return "\n".join([*lines, _wrapped(f"Drawn by {made}."), ""])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def write(path: Path, data: Path = store.DATA) -> list[str]:
    """Write the page, and the pictures into the folder `images` beside it; the names of the figures without data.

    Raises
    ------
    InvalidArgument : when they cannot be written.
    """
    rows_of: dict[str, Rows] = {}
    missing: list[str] = []
    for plot in PLOTS.values():
        try:
            rows_of[plot.name] = store.rows_of(plot, data)
        except InvalidArgument:
            if not plot.needs_runs:
                raise
            missing.append(plot.name)
    folder = path.parent / "images"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in rows_of.items():
            (folder / f"{name}.png").write_bytes(encode(render(PLOTS[name], rows), "png"))
    except OSError as error:
        raise InvalidArgument(
            "gallery",
            "--gallery",
            got=f"{str(folder)!r}: {error.strerror or error}",
            expected="a folder that can be written",
            fix="Choose another place.",
        ) from None
    write_text(path, page(rows_of, data), "figures --gallery")
    return missing
