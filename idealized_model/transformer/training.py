"""Training: AdamW with warm-up and cosine decay, checkpoints that an interrupt cannot break, exact resumption."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from math import cos, isfinite, log, pi
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from idealized_model.transformer.config import Array, ModelConfig, Parameters
from idealized_model.transformer.data import POSITIONS, Positions, batch_of, ids_of, increments_of
from idealized_model.transformer.engine import Batch, Engine
from theory.errors import InvalidArgument, TheoryError, shown
from theory.tasks import TASKS, Task

FORMAT = 1
"""Of checkpoints; one of another format is refused."""

Watch = Callable[[int, float], None]
"""Called after every step with (steps done, loss)."""


class Diverged(TheoryError):
    """The loss is no longer finite; the last checkpoint is from before that."""


@dataclass(frozen=True)
class TrainConfig:
    """One run: a task, how positions enter, and how the model is trained. Equal configurations give equal runs.

    Parameters
    ----------
    task : a name in `theory.tasks.TASKS`.
    positions : a name in `POSITIONS`.
    shortest, longest : training lengths, of the task; each batch has one, uniformly drawn.
    n_ids : the range of position IDs, 0..n_ids-1; it must hold the longest test sequence.
    seed : of everything random: parameters, lengths, instances, IDs.
    steps, batch : how many batches, of how many fresh sequences.
    width, layers, heads, activation : of the model.
    log_scale : logits times log(visible keys + 1), relative to the longest training sequence.
    rate, warmup, floor : the learning rate rises linearly to `rate` in `warmup` steps, then falls along a cosine to
        floor · rate.
    beta1, beta2, decay, clip : of AdamW; decay acts on matrices, and the gradient's norm is clipped.

    Raises
    ------
    InvalidArgument
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

    def __post_init__(self) -> None:
        where = "TrainConfig"
        for name, known in (("task", TASKS), ("positions", POSITIONS)):
            if getattr(self, name) not in known:
                raise InvalidArgument(
                    where, name, shown(getattr(self, name)), f"one of {', '.join(known)}", "Use one of these names."
                )
        for name, least in (
            ("shortest", 1), ("longest", self.shortest), ("n_ids", 1), ("seed", 0), ("steps", 1), ("batch", 1), ("warmup", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidArgument(where, name, shown(value), f"an integer >= {least}", "See the docstring.")
        for name in ("rate", "clip"):
            if not getattr(self, name) > 0:
                raise InvalidArgument(where, name, shown(getattr(self, name)), "a number > 0", "See the docstring.")

    @property
    def how(self) -> Positions:
        """The position scheme."""
        return POSITIONS[self.positions]

    @property
    def digest(self) -> str:
        """A name of this configuration: equal for equal ones, different otherwise."""
        return hashlib.sha256(self.toml().encode()).hexdigest()[:16]

    def toml(self) -> str:
        """The configuration as TOML; `from_toml` reads it back."""
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in asdict(self).items())

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
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidArgument(
                "TrainConfig.from_toml", "text", f"malformed TOML ({error})", "TOML", "Correct it."
            ) from None
        known = {field.name for field in fields(cls)}
        for name in given:
            if name not in known:
                raise InvalidArgument(
                    "TrainConfig.from_toml", name, "an unknown name", f"names among {', '.join(sorted(known))}",
                    "Correct or remove it.",
                )  # fmt: skip
        return cls(**given)


class Trainer:
    """A run under way: parameters, optimizer and step; `save` and `load` lose and change nothing.

    Every step draws from a generator of its own, keyed by the seed and the step, so a resumed run is the same as one
    that was never interrupted, bit by bit.

    Examples
    --------
    >>> trainer = Trainer(TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2))
    >>> trainer.run()
    >>> trainer.step
    3
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.task: Task = TASKS[config.task]
        self.step = 0
        self.history: list[tuple[int, float, float]] = []
        self.parameters = Parameters.drawn(self.model, self._rng("parameters", 0))
        self.first = np.zeros_like(self.parameters.flat)
        self.second = np.zeros_like(self.parameters.flat)
        self._decayed = self.parameters.matrices()

    @cached_property
    def increments(self) -> tuple[int, ...]:
        """The ID increments that the model predicts; none unless it predicts IDs."""
        if not self.config.how.predicted:
            return ()
        return increments_of(self.task, self.config.longest, self._rng("increments", 0))

    @cached_property
    def model(self) -> ModelConfig:
        """The model's configuration."""
        config = self.config
        longest = self.task.sample(max(config.longest, self.task.min_length), self._rng("longest", 0))
        return ModelConfig(
            n_tokens=len(self.task.alphabet), width=config.width, n_layers=config.layers, n_heads=config.heads,
            activation=config.activation, encoding=config.how.encoding,  # type: ignore[arg-type]
            n_ids=config.n_ids if config.how.encoding == "learned" else 0, n_increments=len(self.increments),
            log_scale=log(len(longest.tokens)) if config.log_scale else None,
        )  # fmt: skip

    @cached_property
    def engine(self) -> Engine:
        """The engine that trains it."""
        return Engine(self.model)

    def _rng(self, what: str, number: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, zlib.crc32(what.encode()), number])

    def batch(self, step: int) -> Batch:
        """The training batch of a step."""
        config, rng = self.config, self._rng("batch", step)
        length = int(rng.integers(max(config.shortest, self.task.min_length), config.longest + 1))
        instances = [self.task.sample(length, rng) for _ in range(config.batch)]
        ids = [ids_of(instance, config.how, config.n_ids, rng, training=True) for instance in instances]
        return batch_of(instances, ids, self.increments)

    def run(self, *, until: int | None = None, watch: Watch | None = None) -> None:
        """Train up to a step, by default the last one.

        Raises
        ------
        Diverged : when the loss is not finite; the parameters are those before that step.
        """
        end = self.config.steps if until is None else min(until, self.config.steps)
        for step in range(self.step, end):
            loss, gradient = self.engine.loss_and_gradient(self.parameters, self.batch(step))
            if not isfinite(loss):
                raise Diverged(
                    "Trainer.run", "rate", f"a loss of {loss} at step {step}", "a finite loss",
                    "Lower the learning rate; the last checkpoint is from before this step.",
                )  # fmt: skip
            self._update(gradient.flat, step)
            self.step = step + 1
            if watch is not None:
                watch(self.step, loss)
            if self.step % 50 == 0 or self.step == self.config.steps:
                self.history.append((self.step, loss, self.rate(step)))

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        config = self.config
        if step < config.warmup:
            return config.rate * (step + 1) / config.warmup
        done = (step - config.warmup) / max(1, config.steps - config.warmup)
        return config.rate * (config.floor + (1 - config.floor) * (1 + cos(pi * done)) / 2)

    def _update(self, gradient: Array, step: int) -> None:
        """AdamW, in place, with the gradient's norm clipped."""
        config, rate = self.config, self.rate(step)
        norm = float(np.sqrt(np.dot(gradient, gradient)))
        gradient *= min(1.0, config.clip / (norm + 1e-12))
        self.first *= config.beta1
        self.first += (1 - config.beta1) * gradient
        self.second *= config.beta2
        self.second += (1 - config.beta2) * gradient * gradient
        deviation = np.sqrt(self.second / (1 - config.beta2 ** (step + 1))) + 1e-8
        self.parameters.flat[self._decayed] *= 1 - rate * config.decay
        self.parameters.flat -= rate / (1 - config.beta1 ** (step + 1)) * self.first / deviation

    # ── Checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: whole or not at all, whatever interrupts it."""
        path = Path(path)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(
                    file, format=FORMAT, config=self.config.toml(), step=self.step, parameters=self.parameters.flat,
                    first=self.first, second=self.second, history=np.array(self.history, dtype=np.float64).reshape(-1, 3),
                )  # fmt: skip
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InvalidArgument(
                "Trainer.save", "path", f"{path} ({error.strerror})", "a file that can be written",
                "Choose another folder or free some space; the checkpoint before is untouched.",
            ) from None  # fmt: skip

    @classmethod
    def load(cls, path: str | Path, config: TrainConfig | None = None) -> Trainer:
        """Read a checkpoint.

        Parameters
        ----------
        config : what the checkpoint must be of; default: whatever it is of.

        Raises
        ------
        InvalidArgument : for a file that is no checkpoint, truncated, of another format, or of another configuration.
        """
        where, expected = "Trainer.load", "a checkpoint of this version"
        try:
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                data = {name: file[name] for name in file.files}
            if int(data["format"]) != FORMAT:
                raise ValueError(f"format {int(data['format'])}")
            own = TrainConfig.from_toml(str(data["config"]))
            new = cls(own)
            new.step = int(data["step"])
            for name, target in (("parameters", new.parameters.flat), ("first", new.first), ("second", new.second)):
                if data[name].shape != target.shape or data[name].dtype != target.dtype:
                    raise ValueError(f"{name} of shape {data[name].shape}")
                target[...] = data[name]
            new.history = [(int(step), float(loss), float(rate)) for step, loss, rate in data["history"]]
        except FileNotFoundError:
            raise InvalidArgument(where, "path", str(path), "an existing checkpoint", "Train first.") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InvalidArgument(
                where, "path", f"{path} ({type(error).__name__}: {error})", expected,
                "It is truncated, or something else: remove it and train again.",
            ) from None  # fmt: skip
        if config is not None and config != own:
            differ = [f.name for f in fields(config) if getattr(config, f.name) != getattr(own, f.name)]
            raise InvalidArgument(
                where, "config", f"another {', '.join(differ)} than the checkpoint's", "the same configuration",
                "Resume with the configuration of the run, or use another folder.",
            )  # fmt: skip
        return new


# ── Evaluation ───────────────────────────────────────────────────────────────────────────────────────────────────────


def exact_match(trainer: Trainer, length: int, *, size: int = 128, batch: int = 32) -> int:
    """How many of `size` random sequences greedy free running reproduces, predicted IDs included.

    A rollout equals the reference exactly when every step is right on the reference's prefix (T8's proof), so one
    teacher-forced pass decides it; `rollout` is the slow route.
    """
    right = 0
    for instances, ids in _test(trainer, length, size, batch):
        part = batch_of(instances, ids, trainer.increments)
        logits, increments = trainer.engine.logits(trainer.parameters, part)
        good = logits.argmax(axis=2) == part.targets
        if increments is not None:
            good &= increments.argmax(axis=2) == part.increments
        right += int((good | (part.weights == 0)).all(axis=1).sum())
    return right


def rollout(trainer: Trainer, length: int, *, size: int = 128, batch: int = 32) -> int:
    """As `exact_match`, by running freely: each token, and with PPC each ID, is the model's own."""
    right = 0
    for instances, ids in _test(trainer, length, size, batch):
        for instance, own in zip(instances, ids, strict=True):
            tokens, made = list(instance.tokens[: instance.n_prompt]), list(own[: instance.n_prompt])
            predicted = {step.position for step in instance.steps}
            for t in range(instance.n_prompt, len(instance.tokens)):
                if t not in predicted:
                    tokens.append(instance.tokens[t])
                    made.append(own[t])
                    continue
                queries, one = np.array([[t - 1]]), np.ones((1, 1), dtype=np.float32)
                prefix = Batch(np.array([tokens]), np.array([made]), queries, np.zeros_like(queries), one)
                logits, increments = trainer.engine.logits(trainer.parameters, prefix)
                tokens.append(int(logits.argmax()))
                made.append(own[t] if increments is None else made[-1] + trainer.increments[int(increments.argmax())])
                made[-1] = min(max(made[-1], 0), max(trainer.config.n_ids, max(own) + 1) - 1)
            right += tuple(tokens) == instance.tokens and (not trainer.increments or tuple(made) == own)
    return right


def _test(trainer: Trainer, length: int, size: int, batch: int) -> Iterator[tuple[list[Any], list[Any]]]:
    """The test sequences of a length, a function of the seed: in batches."""
    config, rng = trainer.config, trainer._rng("test", length)
    for start in range(0, size, batch):
        instances = [trainer.task.sample(length, rng) for _ in range(min(batch, size - start))]
        yield instances, [ids_of(instance, config.how, config.n_ids, rng, training=False) for instance in instances]
