"""Progress of a run: bars in a terminal, a line per finished check, or every few seconds, elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol, TypeVar

EVERY = 5.0
"""Seconds between two lines of a count, where there is no terminal for a bar."""


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
    from rich.progress import TextColumn

    from proofs_check.work.bars import Bars

    groups = dict.fromkeys(item.group for item in items)
    with Bars(TextColumn("{task.fields[cases]:,} cases")) as bars:
        every = bars.add_task("all", total=len(items), cases=0)
        own = {
            group: bars.add_task(group, total=sum(item.group == group for item in items), cases=0) for group in groups
        }
        seen = dict.fromkeys(groups, 0)

        def watch(item: Item, cases: int, done: bool) -> None:
            seen[item.group] += cases
            bars.update(own[item.group], advance=int(done), cases=seen[item.group])
            bars.update(every, advance=int(done), cases=sum(seen.values()))

        yield watch


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A watcher that is told how many of `total` things are done, on standard error."""
    if not sys.stderr.isatty():
        last = perf_counter()

        def tell(done: int) -> None:
            nonlocal last
            if perf_counter() - last > EVERY or done == total:
                last = perf_counter()
                print(f"[{done:,}/{total:,}] {what}", file=sys.stderr, flush=True)

        yield tell
        return
    from proofs_check.work.bars import Bars

    with Bars() as bars:
        bar = bars.add_task(what, total=total)
        yield lambda done: bars.update(bar, completed=done)
