"""The controls on planted text: whether the meter finds what is known, and what longer text costs by what is asked for.

A *meter* is trained on text with gaps (`SEVEN`, bodies of 58 and of 255 tokens), and measures fresh draws of every question.
*Judged* models are trained on a short text, some of the tokens of a body of 256 under their IDs in the whole of it, and tested
on the whole: by the questions of `GRID`, in which the number of tokens is varied at the same bits of each, at the same bits in
all, and the bits at one token. All of it is in `protocol`.

Of a body of 58 the meter's search ranks every token, of one of 255, as in the windows of text, some.

A row of data says of a run its `kind`, `encoding`, `body`, `kept`, `seed`, `steps`, final training `loss`, `seconds` and
`versions`; of every question its `name` and `needed`, the k that is known; and, each with a list a question:

- of a meter, `found`, {path: what it needs for every example} at `epsilon`, and `least`, the smallest of them;
- of a judged model, the `bits` that are asked for of every token, and `before` and `after`, the mean loss of the short text and
  of the whole, on the same examples.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from pathlib import Path
from time import process_time
from typing import Any, Literal, TypeAlias

import numpy as np

from idealized_model.language.experiment import Tick, watching_steps
from idealized_model.language.meter import PATHS, SEARCH, measure_all
from idealized_model.language.planted import GRID, PlantedText
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.results import SCHEMA, Row
from idealized_model.transformer.runs import run_in, versions
from idealized_model.transformer.training import NUMERICS, TEXT, TrainConfig, Trainer, alone
from theory.errors import check, check_integer

Kind: TypeAlias = Literal["meter", "judged"]

EPSILON = 0.05
"""The tolerance of the meter, in nats: a question without one of its tokens is off by log 2 at least."""

BODY = 256
"""Tokens of the whole text of judged models; a meter's window holds the question too."""

LENGTHS = {"rope": (16, 32, 64), "alibi": (32,), "none": (32,)}
"""{encoding: how many tokens of it they are trained on}."""

EXAMPLES = 100
"""Fresh examples of every question."""

CONTRASTS = {
    "one bit of each": ((1,), (1, 1), (1, 1, 1, 1)),
    "four bits in all": ((4,), (2, 2), (1, 1, 1, 1)),
    "one token": ((1,), (2,), (4,)),
}
"""{what is held: the bits that questions ask of their tokens}: 1, 2 and 4 tokens; in the last row bits of one."""

MARGIN = 0.01
"""Of what there is to lose: smaller differences are none."""


@dataclass(frozen=True)
class Control:
    """A run on planted text.

    Attributes
    ----------
    kind : whether it measures, or is judged.
    text : what it is trained on.
    config : how.
    """

    kind: Kind
    text: PlantedText
    config: TrainConfig

    @property
    def group(self) -> str:
        """What shares a bar of progress."""
        return self.kind

    def __str__(self) -> str:
        short = "" if self.text.body == PlantedText().body else f"-{self.text.body}"
        what = f"meter{short}" if self.text.kept is None else f"{self.config.encoding}-{self.text.kept}"
        return f"planted/{what}/{self.config.seed}"

    @property
    def key(self) -> tuple[str, str]:
        """What its row is found by: a digest of all that it depends on, and the version of the numerics."""
        search = SEARCH if self.kind == "meter" else ()
        what = (self.kind, self.text.digest, self.config.identity, EPSILON, EXAMPLES, *search)
        return hashlib.sha256(repr(what).encode()).hexdigest()[:16], str(NUMERICS)


def protocol(seeds: int = 3, *, steps: int = 4000, width: int = 64) -> list[Control]:
    """All runs: meters of a short and of a whole window, and judged models of every encoding and length, a few seeds of each.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> print(*protocol(1)[:4])
    planted/meter/100 planted/meter-255/100 planted/rope-16/0 planted/rope-32/0

    Cost: one to three CPU minutes a judged model, three and ten the meters.
    """
    check_integer(seeds, "protocol", "seeds", least=1, most=100)

    def config(encoding: str, seed: int) -> TrainConfig:
        return TrainConfig(TEXT, encoding=encoding, seed=seed, steps=steps, width=width, rate=3e-3, warmup=100)

    judged = [
        Control("judged", PlantedText(GRID, body=BODY, kept=length), config(encoding, seed))
        for seed in range(seeds)
        for encoding, lengths in LENGTHS.items()
        for length in lengths
    ]
    meters = [
        Control("meter", text, config("rope", 100)) for text in (PlantedText(), PlantedText(body=BODY - 1, rows=16))
    ]
    return [*meters, *judged]


def trained(
    control: Control,
    runs: str | os.PathLike[str],
    *,
    threads: int = 1,
    tick: Tick = lambda steps: None,
) -> Trainer:
    """Train in the folder of a run, or go on where it was interrupted.

    Parameters
    ----------
    tick : called with the number of steps since the last call.

    Raises
    ------
    InvalidArgument : as `run_in` does.
    Diverged : when the loss is not finite.
    """
    watch = watching_steps(tick)
    return run_in(Path(runs, str(control)), control.config, threads=threads, watch=watch, source=control.text)


def row_of(control: Control, trainer: Trainer, *, size: int = EXAMPLES) -> Row:
    """What a trained model does on fresh examples.

    Raises
    ------
    InvalidArgument : for a model that was not trained to its end.

    Examples
    --------
    >>> small = PlantedText(GRID, body=20, rows=2, kept=12)
    >>> config = TrainConfig("text", encoding="rope", steps=2, width=8, layers=1, heads=2)
    >>> trainer = Trainer(config, source=small)
    >>> trainer.run()
    >>> row = row_of(Control("judged", small, config), trainer, size=3)
    >>> row["needed"], len(row["before"]), len(row["after"])
    ([2, 2, 2, 3, 3, 5], 6, 6)
    """
    begun, text, config = process_time(), control.text, control.config
    got, fix = f"step {trainer.step:,} of {config.steps:,}", "Run it first."
    check(trainer.step == config.steps, "row_of", "trainer", got=got, expected="a trained model", fix=fix)
    engine = Engine(trainer.model, threads=1)
    with alone():
        found = (_measured if control.kind == "meter" else _judged)(engine, trainer, text, size)
    digest, code = control.key
    return {
        "schema": SCHEMA, "digest": digest, "code": code, "kind": control.kind, "encoding": config.encoding,
        "body": text.body, "kept": text.kept, "seed": config.seed, "steps": config.steps, "loss": round(trainer.loss, 5),
        "name": [question.name for question in text.questions], "needed": [question.k for question in text.questions],
        "size": size, **found, "training_seconds": round(trainer.seconds, 1),
        "seconds": round(process_time() - begun, 1), "versions": versions(config.engine),
    }  # fmt: skip


def _measured(engine: Engine, trainer: Trainer, text: PlantedText, size: int) -> dict[str, Any]:
    found = [
        list(measure_all(engine, trainer.parameters, text.examples(number, size, _generator(number))[0].tokens))
        for number in range(len(text.questions))
    ]
    return {
        "epsilon": EPSILON,
        "found": {path: [[one.k_of(path, EPSILON) for one in own] for own in found] for path in PATHS},
        "least": [[one.k(EPSILON) for one in own] for own in found],
    }


def _judged(engine: Engine, trainer: Trainer, text: PlantedText, size: int) -> dict[str, Any]:
    whole = PlantedText(text.questions, text.body)
    each: dict[str, list[Any]] = {"bits": [list(question.bits) for question in text.questions]}
    for name, own in (("before", text), ("after", whole)):
        batches = [own.examples(number, size, _generator(number))[0] for number in range(len(text.questions))]
        each[name] = [round(float(engine.losses(trainer.parameters, batch).mean()), 5) for batch in batches]
    return dict(each)


def _generator(number: int) -> np.random.Generator:
    """Of the examples of a question: no training batch comes from it."""
    return np.random.default_rng([2**31, number])


def exact(row: Row) -> list[float]:
    """Of the row of a meter the share of examples of every question for which it finds just what is needed.

    Examples
    --------
    >>> exact({"needed": [1, 3], "least": [[1, 1], [3, 4]]})
    [1.0, 0.5]
    """
    return [float(np.mean(np.array(own) == needed)) for own, needed in zip(row["least"], row["needed"], strict=True)]


def shares(row: Row) -> list[float]:
    """Of the row of a judged model the damage of every question, as a share of its entropy: of what there is to lose.

    Examples
    --------
    >>> shares({"bits": [[1], [1, 1]], "before": [0.0, 0.0], "after": [0.693147, 0.693147]})
    [1.0, 0.5]
    """
    each = zip(row["bits"], row["before"], row["after"], strict=True)
    return [round((after - before) / (sum(bits) * log(2)), 4) for bits, before, after in each]


def rises(rows: Iterable[Row]) -> list[Row]:
    """The damage of judged models: a row a question, encoding and length, with the mean over seeds, in nats and as a share.

    The share has its ends over seeds, too.

    Raises
    ------
    InvalidArgument : for several rows of a seed, or of several trainings.

    Examples
    --------
    >>> row = {"kind": "judged", "encoding": "rope", "kept": 16, "name": ["a"], "needed": [3], "bits": [[1, 1]]}
    >>> (found,) = rises(row | {"seed": seed, "before": [0.1], "after": [after]} for seed, after in ((0, 0.1), (1, 1.486294)))
    >>> found["needed"], found["seeds"], found["damage"], found["share"], found["lowest"], found["highest"]
    (3, 2, 0.69315, 0.5, 0.0, 1.0)
    """
    groups: dict[tuple[str, int, str, int, tuple[int, ...]], list[tuple[float, float]]] = {}
    for row in _judged_once(rows):
        each = zip(row["name"], row["needed"], row["bits"], row["before"], row["after"], shares(row), strict=True)
        for name, needed, bits, before, after, share in each:
            key = row["encoding"], row["kept"], name, needed, tuple(bits)
            groups.setdefault(key, []).append((after - before, share))
    found = []
    for (encoding, kept, name, needed, bits), own in groups.items():
        damage, share = zip(*own, strict=True)
        found.append({
            "encoding": encoding, "kept": kept, "name": name, "needed": needed, "bits": list(bits), "seeds": len(own),
            "damage": round(sum(damage) / len(own), 5), "share": round(sum(share) / len(own), 4),
            "lowest": min(share), "highest": max(share),
        })  # fmt: skip
    return found


def contrasts(rows: Iterable[Row]) -> list[Row]:
    """In how many runs the share of damage is larger, or smaller, of the last question of a contrast than of the first.

    Raises
    ------
    InvalidArgument : as `rises` does.

    Examples
    --------
    >>> row = {"kind": "judged", "encoding": "rope", "kept": 16, "bits": [[1], [4], [1, 1, 1, 1]], "before": [0.0] * 3}
    >>> for one in contrasts(row | {"seed": seed, "after": [0.1, 0.4, after]} for seed, after in ((0, 0.4), (1, 1.2))):
    ...     print(*one.values())
    one bit of each 2 1 0
    four bits in all 2 1 0
    one token 2 0 0
    """
    runs = [dict(zip(map(tuple, row["bits"]), shares(row), strict=True)) for row in _judged_once(rows)]
    found = []
    for held, (first, *_, last) in CONTRASTS.items():
        more = [share[last] - share[first] for share in runs if {first, last} <= share.keys()]
        larger, smaller = sum(one > MARGIN for one in more), sum(one < -MARGIN for one in more)
        found.append({"held": held, "runs": len(more), "larger": larger, "smaller": smaller})
    return found


def _judged_once(rows: Iterable[Row]) -> list[Row]:
    judged = [row for row in rows if row["kind"] == "judged"]
    seeds = {(row["encoding"], row["kept"], row["seed"]) for row in judged}
    once = len(seeds) == len(judged) and len({row.get("steps") for row in judged}) <= 1
    got, fix = "several of a seed, or of several trainings", "Use a file a protocol and version."
    check(once, "rises", "rows", got=got, expected="one a seed, of one training", fix=fix)
    return judged
