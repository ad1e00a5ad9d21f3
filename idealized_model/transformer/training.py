"""Training: batches of a task or of a source, checkpoints that an interrupt cannot break, exact resumption."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from math import inf, isfinite
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, get_args
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from idealized_model.text import replacing
from idealized_model.transformer.backends import BACKENDS, make_engine
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Encoding, ModelConfig, Parameters
from idealized_model.transformer.data import (
    POSITIONS,
    Positions,
    batch_of,
    ids_of,
    increments_of,
    packed,
    sequence_task,
)
from idealized_model.transformer.drawing import drawn_alone, drawn_packed, supervised
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.jax_engine import JaxEngine
from idealized_model.transformer.optimizer import DOCUMENTED, LOWER, RANGES, Diverged, Optimizer, check_range
from idealized_model.transformer.results import CHANGED, LATER
from idealized_model.transformer.source import Source, Unknown, check_source
from theory.coordinates import Id, n_coordinates
from theory.errors import InvalidArgument, check, check_integer, check_one_of, check_type, did_you_mean, unwritable
from theory.positions import Ids
from theory.tasks import Instance, Task, find_task
from theory.tasks.drawing import Drawn, Integers
from theory.tasks.faults import sampled
from theory.tasks.finding import sources_of

FORMAT = 2
"""Of checkpoints; one of another format is refused."""

NUMERICS = 4
"""Raised whenever a change of the code changes the numbers of a run, so that results of both are not mixed."""

LONGEST = 10_000
"""Lengths beyond are refused: attention holds the square of the length, a number a head and layer."""

SCHEME, TASK, NONE = "scheme", "task", "none"
"""Words for an encoding that is the scheme's, and a window that is the task's, or none."""

TEXT = "text"
"""The name of no task: that of a run whose batches come from a `Source`."""

OF_TASKS = ("positions", "shortest", "longest", "batch", "packing")
"""Parameters that say what is drawn from a task; where a source draws they stay as they are by default."""

EVERY = 50
"""Steps between two entries of the history; a loss is reported as the mean over so many steps."""


@contextmanager
def alone() -> Iterator[None]:
    """One BLAS thread, since the engine has threads of its own; and no warnings of overflows, which the loss tells."""
    with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        yield


class Entry(NamedTuple):
    """The history of a run at a step: the mean loss since the last entry, accuracy on this step's batch, the rate."""

    step: int
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class TrainConfig:
    """One run: a task, how positions enter, and how the model is trained. Equal configurations give equal runs.

    Parameters
    ----------
    task : a name that `theory.tasks.find_task` knows, module:object for a task of one's own; "text" for a run on a `Source`,
        which draws tokens and IDs itself: `positions`, `shortest`, `longest`, `batch` and `packing` are then left out.
    positions : a name in `POSITIONS`.
    shortest, longest : training lengths, of the task; each batch has one, uniformly drawn.
    encoding : how the model reads the IDs, as in `ModelConfig`; "scheme": as the scheme of positions says, of a source's
        not at all.
    window : w >= 0: attention sees IDs that differ by at most w from the query's (`ModelConfig.window`); "task": the
        window of the task (`Task.window`), in which every prediction has what it reads; "none".
    packing : the share of batches whose sequences stand behind an earlier one with other IDs (`data.packed`); for
        schemes that shift or reorder the IDs.
    n_ids : the range of position IDs, 0..n_ids-1; it must hold the longest test sequence.
    seed : of everything random: parameters, lengths, instances, IDs.
    steps, batch : how many batches, of how many fresh sequences.
    width, layers, heads, activation : of the model.
    log_scale : logits times log(visible keys + 1).
    mlp, norm : whether the model has MLPs and norms; a model without either is attention alone.
    tied : whether the model's token output uses the token vectors.
    rate, warmup, floor, beta1, beta2, decay, clip : as in `Optimizer`.
    engine : "numpy", or "jax"; the numbers of one and the other agree to rounding only, so it is part of the run.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> config = TrainConfig("copy", "coupled", longest=10, n_ids=64)
    >>> config == TrainConfig.from_toml(config.toml()), config.seed
    (True, 0)
    """

    task: str
    positions: str = "none"
    shortest: int = 1
    longest: int = 20
    n_ids: int = 256
    seed: int = 0
    steps: int = 2000
    batch: int = 128
    width: int = 64
    layers: int = 2
    heads: int = 4
    activation: str = "relu"
    log_scale: bool = False
    rate: float = 1e-3
    warmup: int = 200
    floor: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.98
    decay: float = 0.01
    clip: float = 1.0
    engine: str = "numpy"
    encoding: str = "scheme"
    window: int | str = "none"
    packing: float = 0.0
    mlp: bool = True
    norm: bool = True
    tied: bool = False

    def __post_init__(self) -> None:
        where = "TrainConfig"
        check_one_of(self.positions, POSITIONS, where, "positions")
        check_one_of(self.engine, BACKENDS, where, "engine")
        task = None if self.task == TEXT else find_task(self.task, where)
        for name in ("shortest", "longest", "n_ids", "steps", "batch", "width", "layers", "heads"):
            check_integer(getattr(self, name), where, name, least=1)
        for name in ("seed", "warmup"):
            check_integer(getattr(self, name), where, name, least=0)
        least = self.shortest if task is None else max(self.shortest, task.min_length)
        expected, fix = f"{least} to {LONGEST:,}", "`longest` is at least `shortest` and the least length of the task."
        check_integer(self.longest, where, "longest", least=least, most=LONGEST, expected=expected, fix=fix)
        for name, (expected, fits) in (RANGES | {"packing": RANGES["floor"]}).items():
            value = getattr(self, name)
            check_range(value, where, name, expected, fits)
            object.__setattr__(self, name, float(value))  # 1 and 1.0 are one configuration
        for name in ("log_scale", "mlp", "norm", "tied"):
            value = getattr(self, name)
            check(isinstance(value, bool), where, name, value, expected="true or false", fix=DOCUMENTED)
        check_one_of(self.encoding, (SCHEME, *get_args(Encoding)), where, "encoding")
        if self.window not in (NONE, TASK):
            expected = f'an integer >= 0, "{TASK}" or "{NONE}"'
            check_integer(self.window, where, "window", least=0, expected=expected, fix=DOCUMENTED)
        if task is None:
            self._check_source(where)
        else:
            self._check_positions(task, where)
        self._model(n_tokens=1)

    def _check_source(self, where: str) -> None:
        """Refuse what the batches of a source do not follow."""
        usual = {field.name: field.default for field in fields(self)}
        which, fix = f"with {TEXT!r}, the batches of which are those of a source", "Give it to the source instead."
        for name in OF_TASKS:
            value, expected = getattr(self, name), f"{usual[name]!r}, as it is where it is left out"
            check(value == usual[name], where, name, got=f"{value!r} {which}", expected=expected, fix=fix)
        got, expected = f"{TASK!r} {which}", f"a number, or {NONE!r}"
        check(self.window != TASK, where, "window", got=got, expected=expected, fix="Give the window as a number.")

    def _check_positions(self, task: Task, where: str) -> None:
        """Refuse an encoding, a window or packing of IDs that the scheme, or the task, does not have."""
        scheme, name = POSITIONS[self.positions], f"the scheme {self.positions!r}"
        # "none" is the scheme without IDs; IDs that the window alone reads are those of another with encoding "none".
        with_ids, fix = (
            scheme.encoding != "none",
            'For a window alone: positions "coupled" (or "absolute"), encoding "none".',
        )
        for argument, none in (("window", NONE), ("encoding", SCHEME)):
            got = f"{getattr(self, argument)!r} with {name}, which has no IDs"
            ok = with_ids or getattr(self, argument) == none
            check(ok, where, argument, got=got, expected=f"{none!r}, or a scheme with IDs", fix=fix)
        if self.window == TASK:
            got = f"{TASK!r} with {name}, the IDs of which are no coupled ones of the task"
            fix = "Use coupled IDs, or give the window as a number."
            check(scheme.coupled, where, "window", got=got, expected="a scheme of coupled IDs", fix=fix)
            got = f"{TASK!r} with {self.task!r}, which claims no offsets of what it reads"
            known = task.window is not None
            check(known, where, "window", got=got, expected="a task with a window", fix="Give the window as a number.")
        got = f"{self.packing!r} with {name}, the IDs of which are not shifted or reordered"
        ok = self.packing == 0 or scheme.relabel in ("shift", "ordered")
        fix = "Packed sequences have random IDs of their own: use for instance coupled."
        check(ok, where, "packing", got=got, expected="0, or a scheme of random IDs", fix=fix)

    @property
    def how(self) -> Positions:
        """The position scheme, with the encoding of this run."""
        scheme = POSITIONS[self.positions]
        return scheme if self.encoding == SCHEME else replace(scheme, encoding=self.encoding)  # type: ignore[arg-type]

    @property
    def id_window(self) -> int | tuple[int, ...] | None:
        """The ID window of the model, one for each coordinate where the task says so; None without one."""
        if isinstance(self.window, int):
            return self.window
        return find_task(self.task, "TrainConfig").window if self.window == TASK else None

    def _model(
        self, *, n_tokens: int, n_increments: int = 0, log_scale: float | None = None, coordinates: int | None = None
    ) -> ModelConfig:
        window = self.id_window
        return ModelConfig(
            n_tokens=n_tokens,
            width=self.width,
            n_layers=self.layers,
            n_heads=self.heads,
            activation=self.activation,  # type: ignore[arg-type]
            encoding=self.how.encoding,
            n_ids=self.n_ids if self.how.encoding == "learned" else 0,
            tied=self.tied,
            n_increments=n_increments,
            log_scale=log_scale,
            window=window,
            mlp=self.mlp,
            norm=self.norm,
            n_coordinates=coordinates or (len(window) if isinstance(window, tuple) else 1),
        )

    @property
    def digest(self) -> str:
        """A name of this configuration: equal for equal ones, different otherwise."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:16]

    @property
    def identity(self) -> str:
        """What a digest is of: `toml` without parameters of `LATER` that are as in runs before these came."""
        later = {name for name, value in LATER.items() if getattr(self, name) == value}
        return "".join(line for line in self.toml().splitlines(keepends=True) if line.partition(" ")[0] not in later)

    def toml(self) -> str:
        """The configuration as TOML; `from_toml` reads it back."""
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in asdict(self).items())

    def require(self, other: TrainConfig, where: str) -> None:
        """Refuse to go on with another configuration than this one.

        Raises
        ------
        InvalidArgument : naming what differs.
        """
        differ = [field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name)]
        got = f"another {', '.join(differ)} than the run's"
        fix = "Resume with the configuration of the run, or use another folder (train: --out)."
        check(not differ, where, "config", got=got, expected="the same configuration", fix=fix)

    @classmethod
    def from_toml(cls, text: str) -> TrainConfig:
        """Read a configuration.

        Raises
        ------
        InvalidArgument : for malformed TOML, unknown names, or bad values.

        Examples
        --------
        >>> TrainConfig.from_toml('task = "copy"').steps
        2000
        """
        where = "TrainConfig.from_toml"
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            got = f"malformed TOML ({error})"
            raise InvalidArgument(where, "text", got=got, expected="TOML", fix="Correct it.") from None
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                expected = f"names among {', '.join(sorted(known))}"
                raise InvalidArgument(
                    where, name, got="an unknown name", expected=expected, fix=did_you_mean(name, known)
                )
        named = "task" in given
        check(named, where, "task", got="nothing", expected="the name of a task", fix='Add task = "copy".')
        return cls(**given)


def task_of(config: TrainConfig, where: str) -> Task:
    """The task of a run as a transformer sees it (`sequence_task`).

    Raises
    ------
    InvalidArgument : for a run on a source, which has none.

    Examples
    --------
    >>> task_of(TrainConfig("majority"), "f").alphabet
    ('0', '1', '=0', '=1', '?')
    """
    got, fix = f"{TEXT!r}, which stands for the batches of a source", "Such runs are Trainer(config, source=...)."
    check(config.task != TEXT, where, "task", got=got, expected="the name of a task", fix=fix)
    return sequence_task(find_task(config.task, where))


def generator(config: TrainConfig, what: str, number: int) -> np.random.Generator:
    """The generator of a run for one purpose: a function of the seed, the purpose and the number."""
    return np.random.default_rng([config.seed, zlib.crc32(what.encode()), number])


def sequences_of_step(
    config: TrainConfig, task: Task, step: int
) -> tuple[int, tuple[Drawn, Integers] | list[tuple[Instance, Ids]]]:
    """What a run trains on in a step: the length, which is uniform, and sequences of it with their IDs.

    Parameters
    ----------
    task : that of the configuration, with a token to predict from (`sequence_task`).

    Returns
    -------
    (length, arrays with their IDs, or for a task without `draw_many` a list of sequences with theirs); sequences of a
    packed step stand behind earlier ones, all of one training length too.

    Examples
    --------
    >>> length, (drawn, ids) = sequences_of_step(TrainConfig("copy", "coupled", longest=3), find_task("copy"), 0)
    >>> length, drawn.tokens.shape, ids.shape
    (1, (128, 3), (128, 3))
    """
    rng, size, how, n_ids = generator(config, "batch", step), config.batch, config.how, config.n_ids
    least, most = max(config.shortest, task.min_length), config.longest + 1
    length = int(rng.integers(least, most))
    if config.packing and rng.random() < config.packing:
        earlier = int(rng.integers(least, most))
        found = drawn_packed(task, (earlier, length), size, how, n_ids, rng)
        if found is None:
            pairs = [[sampled(task, n, rng, "Trainer") for n in (earlier, length)] for _ in range(size)]
            return length, [packed(first, second, how, n_ids, rng) for first, second in pairs]
        return length, found
    found = drawn_alone(task, length, size, how, n_ids, rng)
    if found is None:
        instances = [sampled(task, length, rng, "Trainer") for _ in range(size)]
        return length, [(instance, ids_of(instance, how, n_ids, rng, training=True)) for instance in instances]
    return length, found


class Trainer:
    """A run under way: parameters, optimizer and step; `save` and `load` lose and change nothing.

    Every step draws from a generator of its own, keyed by the seed and the step, so a resumed run is the same as one
    that was never interrupted, bit by bit.

    Parameters
    ----------
    threads : of the engine; the run does not depend on it.
    source : what it trains on, for the task "text" and for no other.

    Attributes
    ----------
    optimizer : with what a step depends on beside the parameters.
    n_tokens : tokens that went through the model so far.
    seconds : what these steps took.
    origin : {name: digest} of what the batches come from, where that is not of this package: "text" and the digest of the
        source, or a task of one's own and a digest of its file; that of the checkpoint, if there was one.
    history : an `Entry` every `EVERY` steps and at the end.

    Raises
    ------
    InvalidArgument : for "text" without a source, and a source with another task.

    Examples
    --------
    >>> trainer = Trainer(TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2))
    >>> trainer.run()
    >>> trainer.step
    3
    """

    def __init__(self, config: TrainConfig, *, threads: int = 2, source: Source | None = None) -> None:
        self.config = config
        self.threads = threads
        self.source = source
        self.origin = _origin(config, source)
        self.n_tokens = 0
        self.seconds = 0.0
        self.history: list[Entry] = []
        self._losses: deque[float] = deque(maxlen=EVERY)
        self.parameters = Parameters.drawn(self.model, self.rng("parameters", 0))
        self.optimizer = Optimizer(
            self.parameters,
            steps=config.steps,
            warmup=config.warmup,
            **{name: getattr(config, name) for name in RANGES},
        )

    @property
    def step(self) -> int:
        """Steps done."""
        return self.optimizer.done

    @cached_property
    def task(self) -> Task:
        """The task, as a transformer sees it; a run on a source has none."""
        return task_of(self.config, "Trainer")

    @property
    def digest(self) -> str:
        """A name of this run: of its configuration and, where there is one, of its source."""
        if self.source is None:
            return self.config.digest
        return hashlib.sha256((self.config.identity + self.source.digest).encode()).hexdigest()[:16]

    @cached_property
    def increments(self) -> tuple[Id, ...]:
        """The ID increments that the model predicts; none unless it predicts IDs."""
        if not self.config.how.predicted:
            return ()
        return increments_of(self.task, self.config.longest, self.rng("increments", 0))

    @property
    def _coordinates(self) -> int:
        """Of the IDs that the model is given."""
        if not self.config.how.coupled:
            return 1
        length = max(self.config.shortest, self.task.min_length)
        return n_coordinates(sampled(self.task, length, self.rng("coordinates", 0), "Trainer").ids)

    @cached_property
    def model(self) -> ModelConfig:
        """The model's configuration."""
        return self.config._model(
            n_tokens=len(self.task.alphabet) if self.source is None else self.source.n_tokens,
            n_increments=len(self.increments),
            log_scale=1.0 if self.config.log_scale else None,
            coordinates=self._coordinates,
        )

    @cached_property
    def engine(self) -> Engine | JaxEngine:
        """The engine that trains it."""
        return make_engine(self.model, self.config.engine, threads=self.threads)

    @property
    def loss(self) -> float:
        """The mean loss of the last steps, at most `EVERY` of them."""
        return sum(self._losses) / len(self._losses) if self._losses else inf

    def rng(self, what: str, number: int) -> np.random.Generator:
        """The generator of this run for one purpose: a function of the seed, the purpose and the number."""
        return generator(self.config, what, number)

    def batch(self, step: int) -> Batch:
        """The training batch of a step."""
        if self.source is not None:
            batch = self.source.batch(step, self.rng("batch", step))
            check_type(batch, Batch, "Trainer", "source", "a Source whose batch(step, rng) is a Batch", "Return one.")
            return batch
        _, found = sequences_of_step(self.config, self.task, step)
        if isinstance(found, tuple):
            return supervised(*found, self.increments)
        return batch_of([one for one, _ in found], [ids for _, ids in found], self.increments)

    def windowed(self, window: int | str) -> Trainer:
        """The same parameters, as they are, in a model with another ID window: to see what a mask does at test alone.

        Examples
        --------
        >>> trainer = Trainer(TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2))
        >>> masked = trainer.windowed("task")
        >>> trainer.model.window, masked.model.window, np.shares_memory(masked.parameters.flat, trainer.parameters.flat)
        (None, 1, False)
        """
        new = type(self)(replace(self.config, window=window), threads=self.threads, source=self.source)
        new.parameters.flat[...] = self.parameters.flat
        new.optimizer.done, new.origin = self.step, self.origin
        return new

    def run(self, *, until: int | None = None, watch: Callable[[Trainer], None] | None = None) -> None:
        """Train up to a step, by default the last one.

        Parameters
        ----------
        watch : called after every step; what it raises ends the run.

        Raises
        ------
        Diverged : when the loss is not finite; the parameters are those before that step.
        """
        end = self.config.steps if until is None else min(until, self.config.steps)
        with alone():
            for step in range(self.step, end):
                start = perf_counter()
                self._train(step)
                self.seconds += perf_counter() - start
                if watch is not None:
                    watch(self)

    def _train(self, step: int) -> None:
        batch = self.batch(step)
        loss, gradient = self.engine.loss_and_gradient(self.parameters, batch)
        if not isfinite(loss):
            got = f"a loss of {loss} at step {step}"
            raise Diverged("Trainer.run", "rate", got=got, expected="a finite loss", fix=LOWER)
        self.optimizer.step(gradient)
        self.n_tokens += batch.tokens.size
        self._losses.append(loss)
        if self.step % EVERY == 0 or self.step == self.config.steps:
            self.history.append(Entry(self.step, self.loss, self.accuracy(batch), self.optimizer.rate_of(step)))

    def accuracy(self, batch: Batch) -> float:
        """The share of a batch's next tokens that the model gets right, on the reference's prefix."""
        logits, _ = self.engine.logits(self.parameters, batch)
        right = (logits.argmax(axis=2) == batch.targets) & (batch.weights > 0)
        return float(right.sum() / (batch.weights > 0).sum())

    # ── Checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: whole or not at all, whatever interrupts it."""
        path = Path(path)
        try:
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(
                    file,
                    format=FORMAT,
                    code=NUMERICS,
                    config=self.config.toml(),
                    source=json.dumps(self.origin),
                    vocabulary=self.model.n_tokens,
                    step=self.step,
                    n_tokens=self.n_tokens,
                    seconds=self.seconds,
                    parameters=self.parameters.flat,
                    first=self.optimizer.first,
                    second=self.optimizer.second,
                    losses=np.array(self._losses, dtype=np.float64),
                    history=np.array(self.history, dtype=np.float64).reshape(-1, len(Entry._fields)),
                )
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(error)(
                "Trainer.save",
                "path",
                got=f"{path} ({error.strerror})",
                expected="a file that can be written",
                fix="Choose another folder or free some space; the checkpoint before is untouched.",
            ) from None

    @classmethod
    def load(
        cls, path: str | Path, config: TrainConfig | None = None, *, threads: int = 2, source: Source | None = None
    ) -> Trainer:
        """Read a checkpoint.

        Parameters
        ----------
        config : what the checkpoint must be of, and its task as it was; default: whatever it is of. A task of one's own
            whose source has changed is then warned of.
        source : that of the run, to go on; a run on a source that is loaded without it has its model, and no batches.

        Raises
        ------
        InvalidArgument : for a file that is no checkpoint, truncated, of another format, of another configuration, or of
            another source; with `config` also when the source of its task has changed.
        """
        where = "Trainer.load"
        with _reading(path, where):
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                data = {name: file[name] for name in file.files}
            if int(data["format"]) != FORMAT:
                raise ValueError(f"format {int(data['format'])}")
            if int(data["code"]) != NUMERICS:
                raise ValueError(f"numerics {int(data['code'])}")
            own = TrainConfig.from_toml(str(data["config"]))
            origin = dict(json.loads(str(data["source"]))) if "source" in data else {}  # older ones have none
            known = Unknown(int(data["vocabulary"]), origin[TEXT]) if own.task == TEXT else None
            if known is not None:
                check_source(known, where)
        if config is not None:
            own.require(config, where)
        new = cls(own, threads=threads, source=known if source is None else source)
        if known is not None and new.origin != origin:
            got, expected = (
                f"one of the digest {new.origin[TEXT]!r}",
                f"that of the checkpoint, of the digest {known.digest!r}",
            )
            fix = "Resume with the source of the run, or use another folder."
            raise InvalidArgument(where, "source", got=got, expected=expected, fix=fix)
        with _reading(path, where):
            flats = {"parameters": new.parameters.flat, "first": new.optimizer.first, "second": new.optimizer.second}
            for name, target in flats.items():
                if data[name].shape != target.shape or data[name].dtype != target.dtype:
                    raise ValueError(f"{name} of shape {data[name].shape}")
                target[...] = data[name]
            new.optimizer.done, new.n_tokens = int(data["step"]), int(data["n_tokens"])
            new.seconds = float(data["seconds"])
            if not 0 <= new.step <= own.steps:
                raise ValueError(f"step {new.step} of {own.steps}")
            new.history = [Entry(int(step), *map(float, rest)) for step, *rest in data["history"]]
            new._losses.extend(map(float, data["losses"]))
        if origin != new.origin:
            task = f"the task {own.task!r}, the source of which has changed since {path} was written"
            if config is not None:
                raise InvalidArgument(where, "config", got=task, expected="the task of the checkpoint", fix=CHANGED)
            warnings.warn(f"{where}: {task}: what is made of it is of the task as it is now", stacklevel=2)
            new.origin = origin
        return new


def _origin(config: TrainConfig, source: Source | None) -> dict[str, str]:
    """Where the batches of a run come from, as digests; refuses a run on a source without one, and one with a task."""
    where = "Trainer"
    if source is None:
        got, fix = f"none, with the task {TEXT!r}", "Write Trainer(config, source=...), or name a task."
        check(config.task != TEXT, where, "source", got=got, expected="a Source", fix=fix)
        return sources_of(config.task)
    check_source(source, where)
    got, fix = f"one, with the task {config.task!r}", f"Leave it out, or write TrainConfig({TEXT!r})."
    check(config.task == TEXT, where, "source", got=got, expected=f"the task {TEXT!r} with it", fix=fix)
    return {TEXT: source.digest}


@contextmanager
def _reading(path: str | Path, where: str) -> Iterator[None]:
    """Refuse a file that is no checkpoint, whatever is wrong with it."""
    try:
        yield
    except FileNotFoundError:
        raise InvalidArgument(
            where, "path", got=str(path), expected="an existing checkpoint", fix="Train first."
        ) from None
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile, NotImplementedError) as error:
        got = f"{path} ({type(error).__name__}: {error})"
        fix = "It is truncated, or something else: remove it and train again."
        raise InvalidArgument(where, "path", got=got, expected="a checkpoint of this version", fix=fix) from None
