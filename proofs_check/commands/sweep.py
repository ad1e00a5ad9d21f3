"""`lengthgen sweep`: train a grid of transformers."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idealized_model.transformer.results import Row, read_rows
from idealized_model.transformer.sweeps import Job, read_grid, sweep
from proofs_check.commands.output import say_with, tell
from proofs_check.commands.parser import Parser, add_scheduler, positive
from proofs_check.commands.program import FAILED, HOLDS, INCONCLUSIVE
from proofs_check.terminal import show
from proofs_check.work.executors import executor
from theory.errors import InvalidArgument, number_of

if TYPE_CHECKING:
    from rich.table import Table


def add_options(parser: Parser) -> None:
    """The grid, the results, and the workers."""
    parser.description = (
        "Train and test every run of a grid, and append a row a run to the results. What the results hold "
        "already is not done again, so an interrupted sweep goes on."
    )
    parser.epilog = "example: lengthgen sweep docs/examples/sweep.toml --results results.jsonl"
    parser.add_argument("grid", help="a grid as .toml; see docs/training.md")
    parser.add_argument("--results", required=True, metavar="FILE", help="the rows, one JSON object a line (.jsonl)")
    parser.add_argument("--workers", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    add_scheduler(parser)


def run(options: Namespace) -> int:
    """Do the runs of the grid."""
    work = read_grid(options.grid)
    with executor(options.scheduler, "sweep") as there:
        return do_runs(work, options.results, options.workers, there)


def do_runs(work: Sequence[Job], results: str, workers: int, there: Executor | None = None) -> int:
    """Do the runs that the results lack, and print what all of them get right."""
    keys = {job.key for job in work}
    try:
        with _watching_runs(len(work), _done(keys, results)) as watch:
            sweep(work, results, workers=workers, executor=there, watch=watch)
    except (KeyboardInterrupt, BrokenExecutor) as error:
        done = _done(keys, results)
        killed = "" if isinstance(error, KeyboardInterrupt) else "a worker was killed (was there memory for it?); "
        tell(f"lengthgen: {killed}{done} of {number_of(len(work), 'run')} done; the same command goes on.")
        return FAILED if killed else INCONCLUSIVE
    rows = [row for row in read_rows(results) if (row["digest"], row["code"]) in keys]
    say_with(partial(show, by_setting(rows)))
    return HOLDS


def _done(keys: set[tuple[str, str]], results: str) -> int:
    """How many of these runs the results have, where they can be read; `sweep` says what is wrong with others."""
    try:
        rows = read_rows(results) if Path(results).exists() else []
    except InvalidArgument:
        return 0
    return len(keys & {(row["digest"], row["code"]) for row in rows})


# ── Progress, on standard error ──────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _watching_runs(total: int, done: int) -> Iterator[Callable[[Row, int, int], None]]:
    """Progress of a sweep, of which some runs are done: a bar in a terminal, a line a run elsewhere."""
    if not sys.stderr.isatty():
        yield lambda row, done, total: tell(f"[{done}/{total}] {_summary(row)}")
        return
    from proofs_check.work.bars import Bars

    with Bars() as bars:
        bar = bars.add_task("runs", total=total, completed=done)

        def watch(row: Row, done: int, total: int) -> None:
            bars.message = _summary(row)
            bars.update(bar, completed=done)

        yield watch


def _summary(row: Row) -> str:
    right = ", ".join(f"{test['free_running']} of {test['size']} at {test['length']}" for test in row["tests"])
    return f"{row['config']['task']}, {row['config']['positions']}, seed {row['config']['seed']}: {right}"


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_setting(rows: Sequence[Row]) -> Table:
    """A line a setting, test task and length, with what every seed gets right."""
    from rich.table import Table

    table = Table(
        caption="Right: sequences that free running reproduces, of every seed; ! diverged.", caption_justify="left"
    )
    configs = [row["config"] for row in rows]
    others = any(test["task"] != row["config"]["task"] for row in rows for test in row["tests"])
    for name in ("trained on", *(["tested on"] if others else []), "length", "of", "right, seed by seed"):
        table.add_column(name, justify="right" if name in ("length", "of") else "left")
    varied = [name for name in configs[0] if any(config[name] != configs[0][name] for config in configs)]
    found: dict[tuple[str, str, int, int], dict[int, str]] = {}
    for row in rows:
        for test in row["tests"]:
            line = (setting_of(row["config"], varied), test["task"], test["length"], test["size"])
            right = f"{test['free_running']}{'!' if row['status'] == 'diverged' else ''}"
            found.setdefault(line, {})[row["config"]["seed"]] = right
    last = ("", "")
    for (setting, tested, length, size), right_of in found.items():
        shown = ("", "") if (setting, tested) == last else (setting, tested)
        last = (setting, tested)
        table.add_row(
            *shown[: 2 if others else 1],
            str(length),
            str(size),
            " ".join(right for _, right in sorted(right_of.items())),
        )
    return table


def setting_of(config: dict[str, Any], names: Sequence[str]) -> str:
    """The task, the scheme, and the parameters of these names."""
    rest = [f"{name} {config[name]}" for name in names if name not in ("task", "positions", "seed")]
    return f"{config['task']}: {', '.join([config['positions'], *rest])}"
