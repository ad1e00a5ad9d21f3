"""Progress of a run: bars in a terminal, a line per finished check elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from proofs_check.runner import Task, Watch


@contextmanager
def watching(tasks: Sequence[Task]) -> Iterator[Watch]:
    """A watcher for `runner.run`, on standard error, so that standard output holds the table alone."""
    if sys.stderr.isatty():
        with _bars(tasks) as watch:
            yield watch
    else:
        yield _lines(tasks)


def _lines(tasks: Sequence[Task]) -> Watch:
    finished = 0

    def watch(task: Task, cases: int, done: bool) -> None:
        nonlocal finished
        finished += done
        if done:
            with suppress(BrokenPipeError):  # nobody reads the progress any more; the checks go on
                print(f"[{finished}/{len(tasks)}] {task}", file=sys.stderr, flush=True)

    return watch


@contextmanager
def _bars(tasks: Sequence[Task]) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    claims = dict.fromkeys(task.claim for task in tasks)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[cases]:,} cases"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars = {
            claim: progress.add_task(claim, total=sum(task.claim == claim for task in tasks), cases=0)
            for claim in claims
        }
        seen = dict.fromkeys(claims, 0)

        def watch(task: Task, cases: int, done: bool) -> None:
            seen[task.claim] += cases
            progress.update(bars[task.claim], advance=int(done), cases=seen[task.claim])

        yield watch
