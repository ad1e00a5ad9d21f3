"""`lengthgen train`: train transformers on one configuration, a run a seed."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from idealized_model.risk import exact_interval
from idealized_model.text import read_text
from idealized_model.transformer.optimizer import Diverged
from idealized_model.transformer.results import Results, Row, require_source
from idealized_model.transformer.runs import Evaluation, check, digest, row_of, run_in
from idealized_model.transformer.sweeps import read_grid
from idealized_model.transformer.training import NUMERICS, TrainConfig, Trainer
from proofs_check.commands.output import say_with, tell
from proofs_check.commands.parser import TASK, Parser, interval, natural, number, numbers, positive, window
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.commands.sweep import do_runs, setting_of
from proofs_check.terminal import show
from theory.errors import InvalidArgument
from theory.tasks.finding import sources_of

if TYPE_CHECKING:
    from rich.table import Table

STATUSES = "0 done, 2 a run diverged"

LEVEL = "95/100"
FACTORS = (1, 2, 5)
"""Test lengths, in longest training lengths, where none are given."""

EVERY = 5.0
"""Seconds between two lines of progress, where there is no terminal for a bar."""


def add_options(parser: Parser) -> None:
    """The task, the configuration, and where the runs are kept."""
    parser.description = (
        "Train a small transformer on short instances of a task, a run a seed, and print how many longer ones "
        "it gets right. Runs are kept in a folder: the same command goes on where it was interrupted."
    )
    parser.epilog = (
        'example: lengthgen train "parity with scratchpad, query-coupled" --positions coupled-ordered '
        "--train-lengths 1..20 --test-lengths 20,50,100 --layers 1 --heads 1 --log-scale --batch 64 --steps 1500"
    )
    parser.add_argument("task", nargs="?", help=TASK)
    parser.add_argument("--demo", action="store_true", help="a small grid of tasks and schemes, in a few minutes")
    parser.add_argument(
        "--positions", metavar="SCHEME", help="how positions enter: none, rope, coupled, ... (default none)"
    )
    parser.add_argument(
        "--encoding", metavar="NAME", help="none, learned, sinusoidal, rope or alibi (default the scheme's)"
    )
    parser.add_argument(
        "--window", type=window, metavar="W", help="of IDs that attention sees: a number, task or none (default)"
    )
    parser.add_argument(
        "--packing", type=number, metavar="X", help="share of batches behind other sequences (default 0)"
    )
    parser.add_argument("--train-lengths", type=interval, metavar="A..B", help="lengths of training (default 1..20)")
    parser.add_argument(
        "--test-lengths",
        type=numbers,
        metavar="N,N,...",
        help="lengths of the tests (default: 1, 2 and 5 times the longest of training)",
    )
    parser.add_argument("--test-size", type=positive, default=128, metavar="N", help="sequences a length (default 128)")
    parser.add_argument(
        "--seeds", type=positive, default=1, metavar="N", help="runs, with seeds --seed, ... (default 1)"
    )
    parser.add_argument("--seed", type=natural, metavar="N", help="the first seed (default 0)")
    for name, what in (
        ("steps", "training steps (default 2000)"), ("batch", "sequences a step (default 128)"),
        ("width", "of the model (default 64)"), ("layers", "of the model (default 2)"), ("heads", "a layer (default 4)"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=positive, metavar="N", help=what)
    parser.add_argument("--ids", dest="n_ids", type=positive, metavar="N", help="range of position IDs (default 256)")
    parser.add_argument("--rate", type=number, metavar="X", help="largest learning rate (default 0.001)")
    parser.add_argument(
        "--log-scale", action="store_const", const=True, help="multiply logits by log(visible keys + 1)"
    )
    for name, what in (("mlp", "MLPs"), ("norm", "norms")):
        parser.add_argument(
            f"--no-{name}", dest=name, action="store_const", const=False, help=f"a model without {what}"
        )
    parser.add_argument("--engine", metavar="NAME", help="numpy (default) or jax")
    parser.add_argument("--config", metavar="FILE", help="a configuration as .toml; the other options override it")
    parser.add_argument("--out", metavar="FOLDER", help="where the runs are kept (default runs/TASK-SCHEME)")
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="processes of --demo (default: all cores)"
    )


def run(options: Namespace) -> int:
    """Train the seeds one after the other, and print what they get right."""
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
            return INCONCLUSIVE
        wanted = {digest(one, evaluation) for one in configs}
        rows = [row for row in results.rows if row["digest"] in wanted and row["code"] == str(NUMERICS)]
    rows.sort(key=lambda row: row["config"]["seed"])
    diverged = any(row["status"] == "diverged" for row in rows)
    say_with(partial(show, by_seed(rows)))
    return INCONCLUSIVE if diverged else HOLDS


def _demo(options: Namespace) -> int:
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
        return do_runs(read_grid(grid), str(folder / "results.jsonl"), options.workers)


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
    from proofs_check.work.bars import Bars

    with Bars() as bars:
        bar = bars.add_task(f"seed {config.seed}", total=config.steps, completed=0)

        def watch(trainer: Trainer) -> None:
            bars.message = _state(trainer)
            bars.update(bar, completed=trainer.step)

        yield watch


def _step_line(last: list[float], trainer: Trainer) -> None:
    if perf_counter() - last[0] > EVERY or trainer.step == trainer.config.steps:
        last[0] = perf_counter()
        left = trainer.seconds / trainer.step * (trainer.config.steps - trainer.step)
        config = trainer.config
        tell(f"seed {config.seed} [{trainer.step}/{config.steps}] {_state(trainer)}, {left:.0f} s left")


def _state(trainer: Trainer) -> str:
    accuracy = f", accuracy {trainer.history[-1].accuracy:.3f}" if trainer.history else ""
    return f"loss {trainer.loss:.4f}{accuracy}, {trainer.n_tokens / trainer.seconds:,.0f} tokens/s"


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_seed(rows: Sequence[Row]) -> Table:
    """A line a seed and length, with exact intervals; every seed."""
    from rich.table import Table

    usual = {field.name: field.default for field in fields(TrainConfig)}
    config = rows[0]["config"]
    table = Table(
        title=setting_of(config, [name for name in config if config[name] != usual[name]]), title_justify="left"
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


def _share(count: int, size: int) -> tuple[str, str]:
    low, high = exact_interval(count, size, level=LEVEL)
    return f"{count} of {size}", f"[{low:.3f}, {high:.3f}]"
