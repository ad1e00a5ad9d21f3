"""`lengthgen train` and `lengthgen sweep`: train transformers, one configuration or a grid of them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from idealized_model.risk import exact_interval
from idealized_model.text import read_text
from idealized_model.transformer.results import Results, Row, read_rows, require_source
from idealized_model.transformer.runs import Evaluation, check, digest, row_of, run_in
from idealized_model.transformer.sweeps import Job, read_grid
from idealized_model.transformer.sweeps import sweep as run_all
from idealized_model.transformer.training import NUMERICS, Diverged, TrainConfig, Trainer
from proofs_check.commands.program import FAILED, HOLDS, INCONCLUSIVE
from proofs_check.commands.terminal import console_of_errors
from proofs_check.work.executors import executor
from theory.errors import InvalidArgument
from theory.tasks.finding import sources_of

if TYPE_CHECKING:
    from rich.table import Table

LEVEL = "95/100"
FACTORS = (1, 2, 5)
"""Test lengths, in longest training lengths, where none are given."""

EVERY = 5.0
"""Seconds between two lines of progress, where there is no terminal for a bar."""


def train(options: Namespace) -> tuple[int, Table | None]:
    """Train the seeds one after the other; returns the exit status, and the table of what they get right."""
    if options.demo:
        return _demo(options)
    config = _config(options)
    evaluation = Evaluation(
        options.test_lengths or tuple(factor * config.longest for factor in FACTORS), size=options.test_size
    )
    check(config, evaluation)
    name = f"{config.task} {config.positions}".replace(",", "").replace(":", ".").replace(" ", "-")
    folder = Path(options.out or Path("runs", name))
    configs = [replace(config, seed=seed) for seed in range(config.seed, config.seed + options.seeds)]
    _make(folder)
    with Results(folder / "results.jsonl") as results:
        require_source(results.rows, sources_of(config.task), "train")
        try:
            for one in configs:
                if (digest(one, evaluation), str(NUMERICS)) not in results.keys:
                    results.append(_run(folder / f"seed-{one.seed}", one, evaluation))
        except KeyboardInterrupt:
            print(f"lengthgen: interrupted; the same command goes on from {folder}.", file=sys.stderr)
            return INCONCLUSIVE, None
        wanted = {digest(one, evaluation) for one in configs}
        rows = [row for row in results.rows if row["digest"] in wanted and row["code"] == str(NUMERICS)]
    rows.sort(key=lambda row: row["config"]["seed"])
    diverged = any(row["status"] == "diverged" for row in rows)
    return INCONCLUSIVE if diverged else HOLDS, by_seed(rows)


def sweep(options: Namespace) -> tuple[int, Table | None]:
    """Do the runs of a grid; returns the exit status, and the table of what they get right."""
    work = read_grid(options.grid)
    with executor(options.scheduler, "sweep") as there:
        return _sweep(work, options.results, options.workers, there)


def _demo(options: Namespace) -> tuple[int, Table | None]:
    """The grid that comes with the package; it says all that the other options could."""
    given = {name: getattr(options, name, None) for name in ("config", "train_lengths", "test_lengths")}
    given |= {field.name: getattr(options, field.name, None) for field in fields(TrainConfig)}
    if options.seeds != 1:
        given["seeds"] = options.seeds
    others = [name for name, value in given.items() if value is not None]
    if others:
        raise InvalidArgument(
            "train",
            "--demo",
            got=f"{', '.join(others)} beside it",
            expected="no option but --out and --workers",
            fix="Leave it out, or leave --demo out.",
        )
    folder = Path(options.out or Path("runs", "demo"))
    _make(folder)
    with resources.as_file(resources.files("idealized_model.transformer") / "demo.toml") as grid:
        return _sweep(read_grid(grid), str(folder / "results.jsonl"), options.workers)


def _sweep(work: Sequence[Job], results: str, workers: int, there: Executor | None = None) -> tuple[int, Table | None]:
    keys = {job.key for job in work}
    try:
        with _watching_runs(len(work)) as watch:
            run_all(work, results, workers=workers, executor=there, watch=watch)
    except (KeyboardInterrupt, BrokenExecutor) as error:
        rows = read_rows(results) if Path(results).exists() else []
        done = len(keys & {(row["digest"], row["code"]) for row in rows})
        killed = "" if isinstance(error, KeyboardInterrupt) else "a worker was killed (was there memory for it?); "
        _tell(f"lengthgen: {killed}{done} of {len(work)} runs done; the same command goes on.")
        return FAILED if killed else INCONCLUSIVE, None
    return HOLDS, by_setting([row for row in read_rows(results) if (row["digest"], row["code"]) in keys])


def _run(folder: Path, config: TrainConfig, evaluation: Evaluation) -> Row:
    with _watching_steps(config) as watch:
        try:
            return row_of(run_in(folder, config, watch=watch), evaluation)
        except Diverged as error:
            print(f"lengthgen: seed {config.seed}: {error}", file=sys.stderr)
            return row_of(Trainer.load(folder / "checkpoint.npz", config), evaluation, status="diverged")


# ── What was asked for ───────────────────────────────────────────────────────────────────────────────────────────────


def _config(options: Namespace) -> TrainConfig:
    """The configuration of the first seed: that of --config, with what the other options say."""
    given: dict[str, Any] = {field.name: getattr(options, field.name, None) for field in fields(TrainConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    if options.train_lengths is not None:
        given["shortest"], given["longest"] = options.train_lengths
    if options.config is not None:
        try:
            text = read_text(options.config)
        except (OSError, UnicodeError) as error:
            what = getattr(error, "strerror", None) or str(error)
            fix = "Write task = ... and the other parameters of TrainConfig, one a line."
            raise InvalidArgument(
                "train", "--config", got=f"{options.config!r}: {what}", expected="a TOML file", fix=fix
            ) from None
        return replace(TrainConfig.from_toml(text), **given)
    if "task" not in given:
        raise InvalidArgument(
            "train", "TASK", got="nothing", expected="the name of a task", fix="For instance: lengthgen train copy"
        )
    return TrainConfig(**given)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgument(
            "train",
            "--out",
            got=f"{str(folder)!r}: {error.strerror}",
            expected="a folder that can be written",
            fix="Choose another one.",
        ) from None


# ── Progress, on standard error ──────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _watching_steps(config: TrainConfig) -> Iterator[Callable[[Trainer], None]]:
    """Progress of a run: a bar in a terminal, a line every few seconds elsewhere."""
    if not sys.stderr.isatty():
        yield partial(_step_line, [perf_counter()])
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("seed {task.fields[seed]}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console_of_errors(), transient=True) as progress:
        bar = progress.add_task("", total=config.steps, seed=config.seed)
        yield lambda trainer: progress.update(bar, completed=trainer.step, description=_state(trainer))


def _step_line(last: list[float], trainer: Trainer) -> None:
    if perf_counter() - last[0] > EVERY or trainer.step == trainer.config.steps:
        last[0] = perf_counter()
        left = trainer.seconds / trainer.step * (trainer.config.steps - trainer.step)
        config = trainer.config
        _tell(f"seed {config.seed} [{trainer.step}/{config.steps}] {_state(trainer)}, {left:.0f} s left")


def _state(trainer: Trainer) -> str:
    accuracy = f", accuracy {trainer.history[-1].accuracy:.3f}" if trainer.history else ""
    return f"loss {trainer.loss:.4f}{accuracy}, {trainer.n_tokens / trainer.seconds:,.0f} tokens/s"


@contextmanager
def _watching_runs(total: int) -> Iterator[Callable[[Row, int, int], None]]:
    """Progress of a sweep: a bar in a terminal, a line a run elsewhere."""
    if not sys.stderr.isatty():
        yield lambda row, done, total: _tell(f"[{done}/{total}] {_summary(row)}")
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )  # fmt: skip
    with Progress(*columns, console=console_of_errors(), transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda row, done, _: progress.update(bar, completed=done, description=_summary(row))


def _summary(row: Row) -> str:
    right = ", ".join(f"{test['free_running']} of {test['size']} at {test['length']}" for test in row["tests"])
    return f"{row['config']['task']}, {row['config']['positions']}, seed {row['config']['seed']}: {right}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_seed(rows: Sequence[Row]) -> Table:
    """A line a seed and length, with exact intervals; every seed."""
    from rich.table import Table

    usual = {field.name: field.default for field in fields(TrainConfig)}
    config = rows[0]["config"]
    table = Table(
        title=_setting(config, [name for name in config if config[name] != usual[name]]), title_justify="left"
    )
    for name in ("seed", "length", "free running", "", "teacher-forced", "", "tokens"):
        table.add_column(name, justify="right")
    for row in rows:
        for i, test in enumerate(row["tests"]):
            seed = f"{row['config']['seed']}{', diverged' if row['status'] == 'diverged' else ''}"
            counts = (test["free_running"], test["teacher_forced"])
            shares = [text for count in counts for text in _share(count, test["size"])]
            table.add_row(
                "" if i else seed, str(test["length"]), *shares, f"{test['steps_right'] / test['steps']:.4f}",
                end_section=i == len(row["tests"]) - 1,
            )  # fmt: skip
    table.caption = (
        "Sequences that are right as a whole, with exact 95 % intervals; tokens: right after a right prefix."
    )
    table.caption_justify = "left"
    return table


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
            line = (_setting(row["config"], varied), test["task"], test["length"], test["size"])
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


def _setting(config: dict[str, Any], names: Sequence[str]) -> str:
    """The task, the scheme, and the parameters of these names."""
    rest = [f"{name} {config[name]}" for name in names if name not in ("task", "positions", "seed")]
    return f"{config['task']}: {', '.join([config['positions'], *rest])}"


def _share(count: int, size: int) -> tuple[str, str]:
    low, high = exact_interval(count, size, level=LEVEL)
    return f"{count} of {size}", f"[{low:.3f}, {high:.3f}]"
