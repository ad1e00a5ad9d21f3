"""Sweeps: a grid of runs, done in parallel, written down one line a run, and resumed where it was stopped.

A grid is a TOML file:

    seeds = 5                       # 0..4, or a list; seeds vary slowest, so that a part of a sweep is balanced
    test_lengths = [20, 50, 100]    # of the task; or test_factors = [1, 2, 5], times `longest`
    test_tasks = []                 # default: the training task
    test_size = 128                 # sequences a length
    test_offsets = "random"         # or "fixed": IDs that training shifts are counted from 0 in tests
    every_step = false              # true: note every wrong step, of all that training may draw too
    attention_lengths = []          # where attention is measured; or attention_factors

    [defaults]                      # of `TrainConfig`
    steps = 2000

    [grid]                          # every combination of the values
    positions = ["rope", "coupled"]

    [[variants]]                    # each overrides defaults, grid and tests; a list of values is every one of them
    task = "copy"

    [[variants]]
    task = "pointer chasing"
    positions = ["rope", "coupled", "predicted"]
    test_factors = [1, 5]

Equal runs are done once. Results are rows of `runs.run`, one JSON object a line.
"""

from __future__ import annotations

import os
import sys
import tomllib
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import closing
from dataclasses import dataclass, field, fields
from itertools import product
from math import inf
from typing import Any

from idealized_model.text import read_text
from idealized_model.transformer.results import CHANGED, Results, Row, require_source
from idealized_model.transformer.runs import Evaluation, check, digest, run
from idealized_model.transformer.training import LONGEST, NUMERICS, TrainConfig, alone
from idealized_model.workers import deaf_to_interrupts, end_with, one_process, why_none
from theory.errors import InvalidArgument, TheoryError, did_you_mean, shown
from theory.tasks.finding import sources_of

CONFIG = tuple(field.name for field in fields(TrainConfig) if field.name != "seed")
LISTS = ("test_lengths", "test_factors", "test_tasks", "attention_lengths", "attention_factors")
TESTS = (*LISTS, "test_size", "test_offsets", "every_step")


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes
    ----------
    source : {name: digest of its source} of the tasks of one's own, as they were when the sweep was planned.
    """

    config: TrainConfig
    evaluation: Evaluation
    source: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", sources_of(self.config.task, *self.evaluation.tasks))

    def __str__(self) -> str:
        return f"{self.config.task}, {self.config.positions}, seed {self.config.seed}"

    @property
    def key(self) -> tuple[str, str]:
        """What its row is found by: the digest and the version of the numerics."""
        return digest(self.config, self.evaluation), str(NUMERICS)


def read_grid(path: str | os.PathLike[str]) -> list[Job]:
    """The runs of a grid file, in order.

    Raises
    ------
    InvalidArgument : naming the file and the key.
    """
    try:
        data = tomllib.loads(read_text(path))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise InvalidArgument(
            "sweep", "grid", got=f"{str(path)!r}: {what}", expected="a TOML file", fix="See docs/training.md."
        ) from None
    return jobs(data, str(path))


def jobs(data: dict[str, Any], name: str = "grid") -> list[Job]:
    """The runs of a grid, in order: seeds vary slowest, then variants, then the grid.

    Parameters
    ----------
    name : of the grid, for messages.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> grid = {"seeds": 2, "test_factors": [1, 2], "defaults": {"task": "copy"}, "grid": {"positions": ["rope", "none"]}}
    >>> [(job.config.seed, job.config.positions, job.evaluation.lengths) for job in jobs(grid)][:3]
    [(0, 'rope', (20, 40)), (0, 'none', (20, 40)), (1, 'rope', (20, 40))]
    """
    _known(data, ("seeds", "defaults", "grid", "variants", *CONFIG, *TESTS), name)
    defaults, grid, variants = data.get("defaults", {}), data.get("grid", {}), data.get("variants", [{}])
    for key, table in (("defaults", defaults), ("grid", grid)):
        if not isinstance(table, dict):
            raise InvalidArgument(name, key, got=shown(table), expected="a table", fix=f"Write [{key}].")
    if not isinstance(variants, list) or not variants or not all(isinstance(one, dict) for one in variants):
        raise InvalidArgument(
            name, "variants", got=shown(variants), expected="at least one table", fix="Write [[variants]]."
        )
    _known(defaults, (*CONFIG, *TESTS), f"{name}: [defaults]")
    _known(grid, CONFIG, f"{name}: [grid]")
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InvalidArgument(
                f"{name}: [grid]", key, got=shown(values), expected="a list of values", fix=f"Write {key} = [...]."
            )
    shared = {key: value for key, value in data.items() if key in (*CONFIG, *TESTS)} | defaults
    found: dict[tuple[str, str], Job] = {}
    for seed in _seeds(data.get("seeds", 1), name):
        for number, variant in enumerate(variants, start=1):
            where = f"{name}: [[variants]] {number}" if "variants" in data else name
            _known(variant, (*CONFIG, *TESTS), where)
            for key, value in variant.items():
                if value == [] and key not in LISTS:
                    raise InvalidArgument(
                        where, key, got="[]", expected="a value, or a list of some", fix="No run would come of it."
                    )
            for values in _combinations({**grid, **variant}):
                job = _job(shared | values | {"seed": seed}, where)
                found.setdefault(job.key, job)
    return list(found.values())


def sweep(
    work: Sequence[Job],
    results: str | os.PathLike[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    watch: Callable[[Row, int, int], None] | None = None,
) -> int:
    """Do the runs that the results lack; append each as soon as it is finished. The rows do not depend on who does them.

    Without an executor joblib starts processes on this machine, which end with this one, or what `joblib.parallel_config`
    says: a script that calls this needs no guard, as they do not import it. Where none can be started, a warning says so,
    and the runs are done in this one.

    Parameters
    ----------
    workers : processes, where there is no executor.
    executor : what does the runs instead. Its workers find modules where this process does, and have one thread each.
    results : a file of JSON lines; a last line that a kill cut off is dropped, with a warning. Tasks of one's own must be
        what they were when its rows were written.
    watch : called with (row, runs finished, runs in all) for every run.

    Returns
    -------
    How many runs were done now; those of the results file are not done again.

    Raises
    ------
    InvalidArgument : when the results are something else, or cannot be written, or another sweep writes them; and when the
        source of a task of one's own has changed since its rows, or since the sweep began.
    """
    with Results(results) as file:
        require_source(file.rows, {name: digest for job in work for name, digest in job.source.items()}, "sweep")
        left = [job for job in work if job.key not in file.keys]
        # BLAS has one setting for all threads of a process, so where the workers are threads none of them may change it.
        with alone(), closing(_done(left, workers) if executor is None else _on(executor, left)) as rows:
            for number, row in enumerate(rows, start=len(work) - len(left) + 1):
                file.append(row)
                if watch is not None:
                    watch(row, number, len(work))
    return len(left)


def _done(left: Sequence[Job], workers: int) -> Generator[Row]:
    """The rows of the runs that are left, each as soon as it is finished."""
    none = why_none() if workers > 1 else None
    with warnings.catch_warnings():
        if none:  # joblib warns of it in other words
            warnings.simplefilter("ignore")
        from joblib.externals.loky.backend.resource_tracker import ensure_running
        from joblib.parallel import LokyBackend, Parallel, delayed, get_active_backend

    sources = sorted({item for job in left for item in job.source.items()})

    class Workers(LokyBackend):  # type: ignore[misc]
        """joblib's processes, which end with this one also when they had no run yet.

        joblib keeps them for the next sweep of this process, if that starts them in the same way: not when a task of one's
        own has changed in between, as they would go on with it as it was.
        """

        def configure(self, *arguments: Any, **options: Any) -> Any:
            return super().configure(*arguments, **options, initializer=_begin, initargs=(os.getpid(), sources))

    backend, _ = get_active_backend()
    if none and backend.effective_n_jobs(workers) == 1:
        warnings.warn(one_process(none), RuntimeWarning, stacklevel=4)
    own = Workers() if isinstance(backend, LokyBackend) else None  # None: what the caller configured
    parallel = Parallel(
        min(workers, max(1, len(left))),
        backend=own,
        batch_size=1,
        pre_dispatch="n_jobs",
        return_as="generator_unordered",
    )
    rows: Generator[Row] | None = None
    try:
        with deaf_to_interrupts(ensure_running):
            rows = parallel(delayed(_work)(job, os.getpid(), sys.path) for job in left)
        yield from rows
    finally:
        if rows is not None:
            rows.close()


def _on(executor: Executor, left: Sequence[Job]) -> Generator[Row]:
    """The rows of the runs that are left, each as soon as an executor has finished it."""
    runs = [executor.submit(_work, job, os.getpid(), sys.path) for job in left]
    try:
        for done in as_completed(runs):
            yield done.result()
    finally:
        for one in runs:
            one.cancel()


# ── Grids ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _known(table: dict[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise InvalidArgument(
                where,
                key,
                got="an unknown key",
                expected=f"keys among {', '.join(sorted(known))}",
                fix=did_you_mean(key, known),
            )


def _seeds(seeds: Any, name: str) -> list[int]:
    if isinstance(seeds, int) and not isinstance(seeds, bool) and seeds >= 1:
        return list(range(seeds))
    if isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds):
        return seeds
    raise InvalidArgument(
        name, "seeds", got=shown(seeds), expected="a number >= 1, or a list of seeds >= 0", fix="Write seeds = 5."
    )


def _combinations(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the listed values; what is a list by nature is one value."""
    options = [value if isinstance(value, list) and key not in LISTS else [value] for key, value in table.items()]
    return (dict(zip(table, values, strict=True)) for values in product(*options))


def _job(values: dict[str, Any], where: str) -> Job:
    for key in LISTS:
        if not isinstance(values.get(key, []), list):
            raise InvalidArgument(where, key, got=shown(values[key]), expected="a list", fix=f"Write {key} = [...].")
    for task in values.get("test_tasks", ()):
        if not isinstance(task, str):
            raise InvalidArgument(
                where, "test_tasks", got=shown(task), expected="names of tasks", fix='Write ["copy"].'
            )
    try:
        if "task" not in values:
            raise InvalidArgument("", "task", got="nothing", expected="the name of a task", fix='Add task = "copy".')
        config = TrainConfig(**{key: value for key, value in values.items() if key in CONFIG or key == "seed"})
        evaluation = Evaluation(
            _lengths(values, "test", config),
            tuple(values.get("test_tasks", ())),
            values.get("test_size", 128),
            _lengths(values, "attention", config),
            values.get("test_offsets", "random"),
            values.get("every_step", False),
        )
        check(config, evaluation)
    except TheoryError as error:
        raise InvalidArgument(where, error.argument, got=error.got, expected=error.expected, fix=error.fix) from None
    return Job(config, evaluation)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < inf


def _lengths(values: dict[str, Any], what: str, config: TrainConfig) -> tuple[int, ...]:
    """Lengths, and factors of the longest training length; both may be given."""
    lengths, factors = values.get(f"{what}_lengths", []), values.get(f"{what}_factors", [])
    for factor in factors:
        if not _is_number(factor) or not 0 < factor <= LONGEST:
            raise InvalidArgument(
                "",
                f"{what}_factors",
                got=shown(factor),
                expected=f"numbers > 0, at most {LONGEST:,}",
                fix="Write [1, 2, 5].",
            )
    for length in lengths:
        if not _is_number(length):
            raise InvalidArgument(
                "", f"{what}_lengths", got=shown(length), expected="whole numbers", fix="Write [20, 50, 100]."
            )
    return tuple(dict.fromkeys([*lengths, *(round(factor * config.longest) for factor in factors)]))


# ── Runs and their rows ──────────────────────────────────────────────────────────────────────────────────────────────


def _begin(parent: int, sources: object) -> None:
    """Start a worker that has loaded none but these sources."""
    end_with(parent)


def _work(job: Job, parent: int, path: Sequence[str]) -> Row:
    """One run, in a worker, which finds modules where the parent does."""
    if os.getppid() == parent:  # a process of another backend; workers of a cluster are the cluster's
        end_with(parent)
    sys.path[:0] = [folder for folder in path if folder not in sys.path]
    changed = [name for name, digest in sources_of(*job.source).items() if digest != job.source[name]]
    if changed:
        got = f"the task {changed[0]!r}, the source of which was changed while the sweep went on"
        raise InvalidArgument("sweep", "task", got=got, expected="the task with which it began", fix=CHANGED)
    return run(job.config, job.evaluation)
