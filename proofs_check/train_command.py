"""`lengthgen sweep`: train a grid of models."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

INTERRUPTED = 2


def sweep(options: Namespace) -> int:
    """Do the runs of a grid; returns the exit status."""
    from idealized_model.transformer.results import read_rows
    from idealized_model.transformer.sweeps import read_grid
    from idealized_model.transformer.sweeps import sweep as run_all

    work = read_grid(options.grid)
    try:
        with _watching(len(work)) as watch:
            done = run_all(work, options.results, workers=options.workers, watch=watch)
    except KeyboardInterrupt:
        keys = {(row["digest"], row["code"]) for row in read_rows(options.results)}
        finished = sum(job.key in keys for job in work)
        print(f"lengthgen: {finished} of {len(work)} runs done; the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    print(f"{len(work)} runs in {options.results}, {done} of them done now")
    return 0


@contextmanager
def _watching(total: int) -> Iterator[Callable[[dict[str, Any], int, int], None]]:
    """Progress on standard error: a bar in a terminal, a line a run elsewhere."""
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda row, done, _: progress.update(bar, completed=done, description=_summary(row))


def _line(row: dict[str, Any], done: int, total: int) -> None:
    with suppress(BrokenPipeError):  # nobody reads the progress any more; the runs go on
        print(f"[{done}/{total}] {_summary(row)}", file=sys.stderr, flush=True)


def _summary(row: dict[str, Any]) -> str:
    config = row["config"]
    right = " ".join(f"{test['length']}:{test['free_running'] / test['size']:.2f}" for test in row["tests"])
    return f"{config['task']}, {config['positions']}, seed {config['seed']}: {right}"
