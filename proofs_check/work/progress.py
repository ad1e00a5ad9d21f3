"""Progress of a run: bars in a terminal, a line per finished check elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Grouped(Protocol):
    """What progress is shown of: the items of a group share a bar."""

    @property
    def group(self) -> str: ...


Item = TypeVar("Item", bound=Grouped)


@contextmanager
def watching(items: Sequence[Item]) -> Iterator[Callable[[Item, int, bool], None]]:
    """A watcher for `pool.collect`, on standard error, so that standard output holds the table alone."""
    if sys.stderr.isatty():
        with _bars(items) as watch:
            yield watch
    else:
        yield _lines(items)


def _lines(items: Sequence[Item]) -> Callable[[Item, int, bool], None]:
    finished = 0

    def watch(item: Item, cases: int, done: bool) -> None:
        nonlocal finished
        finished += done
        if done:
            print(f"[{finished}/{len(items)}] {item}", file=sys.stderr, flush=True)

    return watch


@contextmanager
def _bars(items: Sequence[Item]) -> Iterator[Callable[[Item, int, bool], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from proofs_check.terminal import console_of_errors

    groups = dict.fromkeys(item.group for item in items)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[cases]:,} cases"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console_of_errors(), transient=True) as progress:
        bars = {
            group: progress.add_task(group, total=sum(item.group == group for item in items), cases=0)
            for group in groups
        }
        seen = dict.fromkeys(groups, 0)

        def watch(item: Item, cases: int, done: bool) -> None:
            seen[item.group] += cases
            progress.update(bars[item.group], advance=int(done), cases=seen[item.group])

        yield watch
