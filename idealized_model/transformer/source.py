"""Where batches come from that no task draws: a text, a stream of sequences, anything that gives a batch a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from idealized_model.transformer.batch import Batch
from theory.errors import InvalidArgument, check, check_integer, check_type


@runtime_checkable
class Source(Protocol):
    """What a run trains on in place of a task: `Trainer(config, source=...)`, with `config.task` "text".

    A batch is a function of the step and of the generator alone, which the seed of the run and the step determine: so a
    run that was interrupted goes on as if it had not been.

    Equal sources have equal digests, and others different ones: a checkpoint is of the source of its digest, and of no other.

    Examples
    --------
    >>> class Counting:
    ...     n_tokens, digest = 10, "counting up to 9"
    ...     def batch(self, step, rng):
    ...         tokens = (rng.integers(0, 10, size=(4, 1)) + np.arange(7)) % 10
    ...         ids = np.broadcast_to(np.arange(6), (4, 6))
    ...         return Batch(tokens[:, :-1], ids, ids, tokens[:, 1:], np.ones((4, 6), np.float32))
    >>> from idealized_model.transformer import TrainConfig, Trainer
    >>> config = TrainConfig("text", encoding="rope", steps=60, warmup=5, rate=0.02, width=16, layers=1, heads=2, tied=True)
    >>> trainer = Trainer(config, source=Counting())
    >>> trainer.run()
    >>> trainer.model.n_tokens, trainer.loss < 1
    (10, True)
    """

    @property
    def n_tokens(self) -> int:
        """The size of the vocabulary."""
        ...

    @property
    def digest(self) -> str:
        """A name of all that the batches depend on."""
        ...

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """The training batch of a step."""
        ...


def check_source(source: object, where: str) -> None:
    """Refuse what is no source.

    Raises
    ------
    InvalidArgument
    """
    fix = "Write a class with n_tokens, digest and batch(step, rng)."
    check(
        isinstance(source, Source) and not isinstance(source, type),
        where,
        "source",
        source,
        expected="a Source",
        fix=fix,
    )
    assert isinstance(source, Source)
    check_integer(source.n_tokens, where, "source.n_tokens", least=1)
    check_type(source.digest, str, where, "source.digest", "a string", "For instance a digest of the text.")


@dataclass(frozen=True)
class Unknown:
    """The source of a model that was loaded without it: known by its digest, without batches."""

    n_tokens: int
    digest: str

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        got = f"the batch {step} of a run that was loaded without its source"
        fix = "Write Trainer.load(path, source=...)."
        raise InvalidArgument("Trainer", "source", got=got, expected="the source of the run", fix=fix)
