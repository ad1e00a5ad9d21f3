"""The class of heads that a trained model has, and what the theory promises of it.

A verdict speaks of a model only if it is about the heads that the model can be: with its window, its view of the IDs, and
the IDs that it was trained and tested on. A model without an MLP and norms, of one layer and one head, lies in the class
(T14a), so that what is promised of the class is a theorem about it once it is perfect in training. Everything larger is
extrapolation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from idealized_model.transformer.data import sequence_task
from idealized_model.transformer.evaluation import drawn_sequences
from idealized_model.transformer.laws import examples_of, sequences_of_training
from idealized_model.transformer.results import Row
from idealized_model.transformer.soft_head import KEYS, class_of_attention
from idealized_model.transformer.training import TrainConfig
from proofs_check.verdicts.deciding import Cell, Scheme, verdict
from proofs_check.verdicts.subjects import subject_of
from theory import BudgetExceeded, Example, FiniteLaw
from theory.coordinates import written
from theory.errors import NotConverged
from theory.guarantees import Scores, guarantees
from theory.tasks import find_task

LISTED = 3
"""Training lengths of soft heads, and of laws whose IDs are chosen in many ways, at most."""

LARGEST: dict[Scores, int] = {"hard": 50_000, "ranked": 30_000, "soft": 5_000}
"""Examples of a law at most, so that a verdict takes seconds."""

DENSE = 300_000
"""Rows times columns of the quadratic program of a max-margin head at most."""


def config_of(row: Row) -> TrainConfig:
    """The configuration of a row."""
    return TrainConfig(**row["config"])


def attention_only(config: TrainConfig) -> bool:
    """Whether the model is one soft head of arity at most 2 that is anchored at the query, at all lengths (T14a).

    With log-length scaling it is another head at every number of visible keys, of which T14a does not speak.
    """
    alone = (config.layers, config.heads, config.mlp, config.norm) == (1, 1, False, False)
    return alone and not config.how.predicted and not config.log_scale


def class_of(config: TrainConfig, *, shifted: bool = True) -> Scheme:
    """What the model sees of positions, and what its training and its tests do to IDs.

    Parameters
    ----------
    shifted : tests shift the IDs that training shifts or chunks, as training does; otherwise they are counted from 0.

    Examples
    --------
    >>> scheme = class_of(TrainConfig("copy", "coupled", window="task"))
    >>> scheme.key, scheme.window, scheme.relabel, scheme.at_most
    ('absolute', 1, 'shift', True)
    >>> class_of(TrainConfig("copy", "rope")).relabel  # differences do not change when all IDs are shifted
    'fixed'
    >>> class_of(TrainConfig("copy", "pose"), shifted=False).name
    'pose, tests from 0'
    """
    how, key, window = config.how, KEYS[config.how.encoding], config.id_window
    sees_ids = key != "none" or window is not None
    alike = how.relabel == "shift" and key != "absolute"  # differences do not change
    moved = key == "absolute" and how.relabel in ("shift", "chunks")
    return Scheme(
        name_of(config) + ", tests from 0" * (moved and not shifted), "", key, how.coupled,
        "none" if window is None else window,
        relabel="fixed" if alike or not sees_ids else how.relabel,  # type: ignore[arg-type]
        shifted=moved and shifted, packed=config.packing > 0, increments=how.predicted, at_most=True,
    )  # fmt: skip


def name_of(config: TrainConfig) -> str:
    """How positions enter, in words.

    Examples
    --------
    >>> name_of(TrainConfig("copy", "coupled", encoding="rope", window="task", packing=0.5))
    'coupled, rope, window 1, packed'
    """
    parts = [config.positions]
    parts += [config.encoding] if config.encoding != "scheme" else []
    parts += [] if config.id_window is None else [f"window {written(config.id_window)}"]
    return ", ".join(parts + ["packed"] * (config.packing > 0))


def decided(config: TrainConfig, scores: Scores, *, shifted: bool = True) -> Cell | None:
    """The verdict for the model's class on a small version of its task, trained on all lengths together.

    None where even its shortest laws are too large, or stay open. The lengths are those of the tables, for soft heads the
    first `LISTED` of them in training and at test up to two more; where that has laws with more than `LARGEST` examples,
    one less at test or in training, and so on. Heads have as many tokens as the task needs, at most 2 where the model is
    attention alone, and at most 3 for a dense task; a token that only asks is one of them.

    Parameters
    ----------
    shifted : as for `class_of`.

    Cost: that of `verdict` on laws of at most so many examples.
    """
    scheme, subject = class_of(config, shifted=shifted), subject_of(config.task)
    subject = replace(subject, task=sequence_task(subject.task))
    if scheme.coupled and scheme.window != "none":  # few views: as in the tables, at all their lengths
        subject = replace(subject, short=None)
    if attention_only(config):
        subject = replace(subject, arities=(2,))
    elif find_task(config.task).sparsity is None:
        subject = replace(subject, arities=(3,))
    most = subject.short or (subject.train, subject.test)
    if scores == "soft" or scheme.packed or scheme.relabel in ("chunks", "ordered"):
        trained = subject.train[:LISTED]
        most = trained, [n for n in subject.test if n <= max(trained) + 2]
    for train, test in _lengths(*most):
        own = replace(subject, train=train, test=test, short=None)
        try:
            return verdict(own, scheme, mixed=True, scores=scores, budget=LARGEST[scores], predicting=DENSE)
        except (BudgetExceeded, NotConverged):
            continue
    return None


def _lengths(train: Sequence[int], test: Sequence[int]) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """These, and fewer and fewer: tests lose their greatest length while one is longer than training, then training its own."""
    for number in range(len(train), 0, -1):
        longer = [n for n in test if n > max(train[:number])]
        longer = longer if number == len(train) else longer[:2]
        for last in reversed(longer or [max(test)]):
            yield train[:number], [n for n in test if n <= last]


# ── Theorems about trained models ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Kept:
    """A theorem beside a model that it is about: the guaranteed steps of its tests, and whether all of them are right.

    Attributes
    ----------
    length : of the tests.
    steps, guaranteed, right : predicted tokens in all, those that every perfect head gets right, those that the model does.
    broken : guaranteed steps that the model gets wrong: none, or the theorem or the code is false.
    sequences, guaranteed_sequences, right_sequences : of these all steps.
    """

    length: int
    steps: int
    guaranteed: int
    right: int
    broken: int
    sequences: int
    guaranteed_sequences: int
    right_sequences: int


def training_errors(row: Row) -> int:
    """The wrong steps among all that training may draw."""
    return len(row["every_step"]["training"]["wrong"])


def kept(row: Row) -> list[Kept]:
    """What T14 promises of the steps that a model was tested on, and what the model did, for every test length.

    Parameters
    ----------
    row : of an attention-only model that is perfect in training, with every step noted (`every_step` of a grid).

    Cost: that of `guarantees` on all that training may draw, and all tests together.
    """
    config, shifted, size = config_of(row), shifts_tests(row), row["tests"][0]["size"]
    tests: list[tuple[dict[str, Any], list[list[Example]]]] = []
    for test in row["every_step"]["tests"]:
        task = sequence_task(find_task(test["task"]))
        drawn = drawn_sequences(config, task, test["length"], size=size, shifted=shifted)
        tests.append((test, [list(examples_of(instance, ids, config)) for instance, ids in drawn]))
    sure = _guaranteed(config, {example for _, drawn in tests for own in drawn for example in own})
    return [_kept(test, [[example in sure for example in own] for own in drawn]) for test, drawn in tests]


def _kept(test: dict[str, Any], sure: list[list[bool]]) -> Kept:
    """From the noted wrong steps of a test, and which steps of its sequences are guaranteed."""
    wrong, steps = test["wrong"], sum(map(len, sure))
    return Kept(
        length=test["length"],
        steps=steps,
        guaranteed=sum(map(sum, sure)),
        right=steps - len(wrong),
        broken=sum(sure[i][j] for i, j in wrong),
        sequences=len(sure),
        guaranteed_sequences=sum(map(all, sure)),
        right_sequences=len(sure) - len({i for i, _ in wrong}),
    )


def _guaranteed(config: TrainConfig, examples: Collection[Example]) -> set[Example]:
    """Those that T14 guarantees, for the model's class and all that its training may draw."""
    heads, law = class_of_attention(config.how.encoding, config.id_window), _training_law(replace(config, seed=0))
    found = guarantees(heads, train=law, test=examples, scores="soft")
    return {e for e, sure in zip(found.test.table, found.criterion.guaranteed.tolist(), strict=True) if sure}


@lru_cache
def _training_law(config: TrainConfig) -> FiniteLaw:
    """All that training may draw."""
    return FiniteLaw.uniform(
        example for instance, ids in sequences_of_training(config) for example in examples_of(instance, ids, config)
    )


def shifts_tests(row: Row) -> bool:
    """Whether the tests of a run shift the IDs that training shifts; older ones count them from 0."""
    return bool(row.get("test_offsets") == "random")


def cell_of(row: Row) -> tuple[object, ...]:
    """What a cell of a comparison is about: the configuration without its seed, and where it matters how tests shift IDs."""
    config = config_of(row)
    own = tuple((name, value) for name, value in asdict(config).items() if name != "seed")
    return *own, class_of(config, shifted=shifts_tests(row))
