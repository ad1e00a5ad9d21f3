"""Standard output and standard error as consoles.

Tables lose nothing on standard output, however narrow it is and however few characters it knows.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proofs_check.spelling import spelled

WIDTH = 120
"""Columns, where nothing says how many there are."""


def console() -> Console:
    """Standard output, as wide as the terminal or the variable COLUMNS says; it spells what it cannot show."""
    size = shutil.get_terminal_size((WIDTH, 24))
    return Terminal(width=size.columns, height=size.lines)  # both, else the console reads the variables itself


def console_of_errors() -> Console:
    """Standard error, for progress: as wide as its terminal is at the time, or as the variable COLUMNS says."""
    said = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES") or _is_size(value)}
    return Console(stderr=True, _environ=said)


def _is_size(value: str) -> bool:
    """Whether a variable says how many columns or lines there are; rich takes all digits for numbers, such as ²."""
    try:
        return int(value) > 0
    except ValueError:
        return False


INDENT = 3
"""Columns by which the lines after the first of a note are indented."""


class Terminal(Console):
    """A console that spells texts before it lays them out, so that columns stay in line."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Of a text that its encoding has."""
        return super().render_str(spelled(text, self.encoding), **options)


def show(table: Table, console: Console) -> None:
    """Print a table of texts; where it is too wide, the cells below each other, so that nothing is cut off."""
    if _fits(table, console):
        for column in table.columns:
            column.overflow = "fold"
        console.print(table)
        return
    if table.title:
        console.print(table.title, highlight=False)
    headers = [str(column.header).replace("\n", " ") for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        for header, cell in zip(headers, cells, strict=True):
            if cell:
                console.print(f"{header}: {cell}" if header else cell, highlight=False)
        console.print()
    if table.caption:
        console.print(table.caption, highlight=False)


def note(text: str, console: Console) -> None:
    """Print a line of words below a table; where it is too long it goes on below, indented."""
    own = Text(spelled(text, console.encoding))
    first, *rest = own.wrap(console, console.width) or [own]
    console.print(first.plain.rstrip(), highlight=False, markup=False, soft_wrap=True)
    if rest:
        left = Text(own.plain[len(first.plain) :].strip())
        for line in left.wrap(console, max(1, console.width - INDENT)):
            console.print(" " * INDENT + line.plain.rstrip(), highlight=False, markup=False, soft_wrap=True)


def _fits(table: Table, console: Console) -> bool:
    """Whether every column has room: for its lines where it is not to be wrapped, else for its words."""
    _, right, _, left = table.padding
    needed = 1 + len(table.columns) * (1 + right + left)
    for column in table.columns:
        sizes = [console.measure(text) for text in (column.header, *column.cells)]
        widths = [size.maximum if column.no_wrap else size.minimum for size in sizes]
        needed += max(*widths, column.min_width or 0)
    return needed <= console.width
