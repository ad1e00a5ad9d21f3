"""What a figure is: the data that it computes, how it is drawn, what it says; and the files that it is written to."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from figures.style import Style, applied
from theory.errors import InvalidArgument, shown, unwritable

from matplotlib.figure import Figure

Row: TypeAlias = Mapping[str, Any]
"""A record of JSON values; exact rationals are strings "p/q"."""

Rows: TypeAlias = Sequence[Row]

FORMATS: dict[str, dict[str, Any]] = {
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"metadata": {"Software": None}, "dpi": 200},
    "svg": {"metadata": {"Date": None}},
}
"""{format: what makes its bytes depend on the figure alone}."""


@dataclass(frozen=True)
class Plot:
    """A figure.

    Attributes
    ----------
    name : its name on the command line and of its files.
    title : what it shows, in a line.
    draw : (rows, style) -> the figure.
    alt : rows -> the text for readers who do not see it, with the numbers that matter.
    compute : generator -> rows, which are stored; None where only runs are drawn.
    runs : names of the files of training runs that it draws as well, or that its rows are computed from.
    join : (stored rows, {name: runs}) -> the rows that are drawn; a file that is not there is not among them.
    needs_runs : whether there is nothing to draw, or to compute, without the runs.
    """

    name: str
    title: str
    draw: Callable[[Rows, Style], Figure]
    alt: Callable[[Rows], str]
    compute: Callable[[np.random.Generator], list[Row]] | None = None
    runs: tuple[str, ...] = ()
    join: Callable[[Rows, Mapping[str, Rows]], list[Row]] | None = None
    needs_runs: bool = False


def render(plot: Plot, rows: Rows, style: Style | None = None) -> Figure:
    """The figure of these rows, laid out."""
    with applied():
        figure = plot.draw(rows, style or Style())
        figure.set_label(plot.title)
        figure.canvas.draw()
    return figure


def encode(figure: Figure, kind: str, **options: Any) -> bytes:
    """A figure as the bytes of a file: the same for the same figure, whenever it is written; its label is the title.

    Parameters
    ----------
    options : of `Figure.savefig`, such as dpi.

    Raises
    ------
    InvalidArgument : for an unknown format.
    """
    check_format(kind)
    buffer, how = io.BytesIO(), FORMATS[kind]
    title = str(figure.get_label())
    metadata = {**how["metadata"], **({"Title": title} if title else {})}
    with applied():
        figure.savefig(buffer, format=kind, **{**how, "metadata": metadata, **options})
    return buffer.getvalue()


def check_format(kind: str) -> None:
    """Refuse a format that is not written.

    Raises
    ------
    InvalidArgument
    """
    if kind not in FORMATS:
        raise InvalidArgument(
            "encode",
            "--format",
            got=shown(kind),
            expected=f"formats among {', '.join(FORMATS)}",
            fix="For instance --format pdf,png.",
        )


def table(rows: Rows) -> str:
    """What is drawn as CSV: a column for every key of a row, in their order."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write(plot: Plot, rows: Rows, folder: Path, formats: Sequence[str], style: Style) -> list[Path]:
    """Write a figure in every format, the CSV of what is drawn and its alt text; the files that were written.

    Raises
    ------
    InvalidArgument : for an unknown format, or a folder that cannot be written.
    """
    for kind in formats:
        check_format(kind)
    words = beside(folder / plot.name, rows, plot.alt(rows))  # quick, and first: it finds rows that lack something
    figure = render(plot, rows, style)
    return put({**{folder / f"{plot.name}.{kind}": encode(figure, kind) for kind in formats}, **words})


def beside(stem: Path, rows: Rows, alt: str) -> dict[Path, bytes]:
    """What stands beside the files of a figure: the CSV of what is drawn, and the text for who does not see it."""
    return {Path(f"{stem}.csv"): table(rows).encode(), Path(f"{stem}.txt"): f"{alt}\n".encode()}


def put(files: Mapping[Path, bytes]) -> list[Path]:
    """Write files, into a folder that is made where it is not there.

    Raises
    ------
    InvalidArgument : for a folder that cannot be written.
    """
    for path, data in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise unwritable(error)(
                "write",
                "--out",
                got=f"{str(path.parent)!r}: {error.strerror or error}",
                expected="a folder that can be written",
                fix="Choose another folder.",
            ) from None
    return list(files)
