"""Progress bars on standard error: at any width the count, the time and what is left; cleared at the end and on Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from proofs_check.terminal import console_of_errors

WIDE = 70
"""Columns from which there is room for more than a bar's name, count and times."""


class Bars(Progress):
    """Bars of one form, and below them a message that takes no room from them.

    Attributes
    ----------
    message : a line; longer ones are cut off at the end.

    Parameters
    ----------
    also : more columns, where the terminal is wide.
    """

    def __init__(self, *also: ProgressColumn) -> None:
        self.message = ""
        console = console_of_errors()
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            MofNCompleteColumn(),
            *(also if console.width >= WIDE else ()),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, then the message."""
        yield self.make_tasks_table(self.tasks)
        if self.message:
            yield Text(self.message, no_wrap=True, overflow="ellipsis")
