"""Which position schemes serve a task: T1's verdicts at lengths that a few seconds are enough for.

>>> from theory.tasks import ScratchpadParity
>>> found = judge(ScratchpadParity(), "coupled")
>>> found.outcome, found.certificate, found.evidence, found.scope
('generalizes', 3, 'exhausted', '1..3 → 1..5')
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from idealized_model.risk import exact_interval
from proofs_check.evidence import Kind
from proofs_check.verdicts.deciding import Cell, Scheme, scheme_of, verdict
from proofs_check.verdicts.subjects import MOST, Subject
from theory import BudgetExceeded, HeadClass
from theory.coordinates import width
from theory.guarantees import Scores
from theory.tasks import Instance, Task
from theory.tasks.faults import checked, running

CELLS = 3_000_000
"""Tokens in the candidate sets of a test length, up to about so many, for the scheme that is asked about first."""

FEW_CELLS = 30_000
"""The same for the other schemes, and for other heads than hard ones."""

LENGTHS = 6
"""So many training lengths at most."""

LEAST_DRAWN = 60
"""Of a test length that is too large, at least so many instances are drawn: then at most 5 % of it are not guaranteed."""

LEVEL = Fraction(95, 100)
"""How sure a bound on what was not seen is."""

GAP = 8
"""So many lengths without instances in a row, and none is taken to follow."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a task under a scheme, and how sure it is.

    Attributes
    ----------
    name : of the scheme, and of the convention where there are several.
    cell : what was decided, on listed instances of every training length.
    train, test : the lengths.
    at_most : where test instances were drawn and all of them are guaranteed: with confidence `LEVEL`, at most this mass
        of each of these lengths is not; None where all were listed, or something fails.
    stopped : why no longer training length was tried; empty where one is enough.
    generated : whether the instances are those that a generator was seen to make.
    """

    name: str
    cell: Cell
    train: tuple[int, ...]
    test: tuple[int, ...]
    at_most: float | None = None
    generated: bool = False
    stopped: str = ""

    @property
    def outcome(self) -> str:
        """That of the cell."""
        return self.cell.outcome

    @property
    def certificate(self) -> int | None:
        """The training length from which heads generalize; None where they do not."""
        decisions = self.cell.decisions
        return decisions[-1].certificate if self.outcome == "generalizes" else None

    @property
    def evidence(self) -> Kind:
        """Exhausted where every instance was listed, or a witness shows a failure; else supported."""
        return "supported" if self.generated or (self.cell.drawn and self.outcome == "generalizes") else "exhausted"

    @property
    def scope(self) -> str:
        """The lengths, and what was drawn."""
        return self.cell.scope

    @property
    def text(self) -> str:
        """The verdict in a line."""
        decisions = self.cell.decisions
        words = dict.fromkeys(decision.word for decision in decisions)
        said = next(iter(words)) if len(words) == 1 else "; ".join(f"k={d.heads.arity}: {d.word}" for d in decisions)
        sure = "" if self.at_most is None else f" (drawn: at most {percent(self.at_most)} of a length is not, 95 %)"
        return said + sure

    def to_data(self) -> dict[str, Any]:
        """The verdict as JSON data."""
        last = self.cell.decisions[-1]
        confidence: Any = "exact"
        if self.at_most is not None:
            confidence = {"level": str(LEVEL), "at_most": self.at_most, "of": "each test length"}
        return {
            "outcome": self.outcome,
            "reason": last.reason,
            "certificate": self.certificate,
            "scores": self.cell.scores,
            "arity": last.heads.arity,
            "window": last.heads.window,
            "key": last.heads.key,
            "growing": self.cell.growing,
            "scope": self.scope,
            "evidence": self.evidence,
            "confidence": confidence,
            "witness": None if last.witness is None else str(last.witness),
            "guaranteed": last.guaranteed,
        }


def judge(
    task: Task,
    scheme: str,
    *,
    name: str = "",
    scores: Scores = "hard",
    cells: int = CELLS,
    seconds: float = 20,
    subject: Subject | None = None,
) -> Judgement | None:
    """Decide a task under a scheme, at as many lengths as there is room and time for; None where there is none.

    One more training length is tried at a time, each with two longer test lengths where there is room, until one is
    enough.

    Parameters
    ----------
    name : what it is called, where it is not the scheme.
    scores : the heads.
    cells : tokens in the candidate sets of a length, up to about so many.
    seconds : another length is tried only where it seems to be done by then.
    subject : the lengths, where they are known.

    Raises
    ------
    InvalidArgument : for an unknown scheme, and for what the task does wrong.

    Cost: cells, times the relabellings of the scheme.
    """
    of, start = scheme_of(scheme), time.monotonic()
    found: Cell | None = None
    done, spent = 0, 0.0
    lengths: tuple[tuple[int, ...], tuple[int, ...]] = (), ()
    stopped = "longer ones have too many instances to list"
    for asked, needed in [(subject, 1)] if subject is not None else _subjects(task, of, cells):
        began = time.monotonic()
        if found is not None and began - start + spent * needed / done > seconds:
            stopped = "the time was up"
            break
        try:
            found = verdict(asked, of, scores=scores)
        except BudgetExceeded:
            break
        done, spent = needed, time.monotonic() - began
        lengths = tuple(asked.train), tuple(asked.test)
        if found.outcome == "generalizes":
            stopped = ""
            break
    return (
        None if found is None else Judgement(name or scheme, found, *lengths, _not_guaranteed(found), stopped=stopped)
    )


def _not_guaranteed(cell: Cell) -> float | None:
    """With confidence `LEVEL`, the most that is not guaranteed of a test length of which all drawn instances are."""
    if not cell.drawn or cell.outcome != "generalizes":
        return None
    fewest, level = min(some for some, _ in cell.drawn.values()), 1 - (1 - LEVEL) / len(cell.drawn)
    return upper_bound(0, fewest, level)


def upper_bound(count_: int, size: int, level: Fraction = LEVEL) -> float:
    """The upper end of Clopper and Pearson's one-sided interval of a probability, from successes in independent trials.

    Examples
    --------
    >>> round(upper_bound(0, 5), 4), upper_bound(3, 3)  # 1 - (1/20)^(1/5)
    (0.4507, 1.0)
    """
    return exact_interval(count_, size, level=2 * level - 1)[1]


def percent(share: float) -> str:
    """A share in per cent, rounded up.

    Examples
    --------
    >>> percent(0.0487), percent(0.95)
    ('4.9 %', '95 %')
    """
    return f"{np.ceil(round(1000 * share, 6)) / 10:g} %"


# ── Lengths ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _subjects(task: Task, scheme: Scheme, cells: int) -> Iterator[tuple[Subject, int]]:
    """One training length more at a time, and the cells of the longest test length; all instances are listed where there
    is room, and at least `LEAST_DRAWN` are drawn of a test length else."""
    costs = list(_costs(task, scheme, cells))
    for i in range(min(LENGTHS, len(costs) - 1)):
        train, later = costs[: i + 1], costs[i + 1 : i + 3]
        if train[-1].instances > MOST or (i and train[-1].cells > cells):
            return
        tested = [one for one in later if one.cells <= cells] or later[:1]
        needed = min(cells, tested[-1].cells) + train[-1].cells
        listed = max(LEAST_DRAWN, cells * tested[-1].instances // tested[-1].cells)
        lengths = [one.length for one in train]
        test = [*lengths, *(one.length for one in tested)]
        yield Subject(task, _range(lengths), _range(test), listed=listed), needed


class _Cost(NamedTuple):
    length: int
    instances: int
    cells: int


def _costs(task: Task, scheme: Scheme, cells: int) -> Iterator[_Cost]:
    """The lengths that have instances, up to the first with too many cells."""
    empty = 0
    for length in count(task.min_length):
        with running(task, "advise"):
            size = task.n_instances(length)
            if size:
                instance = checked(task.sample(length, np.random.default_rng(length)), task, "advise")
        if not size:
            empty += 1
            if empty == GAP:
                return
            continue
        cost = _Cost(length, size, size * _cells(task, instance, scheme))
        yield cost
        empty = 0
        if cost.cells > cells or length > task.min_length + 2 * LENGTHS:
            return


def _range(lengths: list[int]) -> Sequence[int]:
    whole = range(lengths[0], lengths[-1] + 1)
    return whole if lengths == [*whole] else tuple(lengths)


def cells_of(task: Task, scheme: str, length: int) -> int:
    """About so many tokens are in the candidate sets of all instances of a length."""
    with running(task, "advise"):
        instance = checked(task.sample(length, np.random.default_rng(length)), task, "advise")
        return task.n_instances(length) * _cells(task, instance, scheme_of(scheme))


def _cells(task: Task, instance: Instance, scheme: Scheme) -> int:
    """About so many tokens are in the candidate sets of an instance, over all relabellings that T1 lists."""
    ids = instance.ids if scheme.coupled else tuple(range(len(instance.tokens)))
    arity = 3 if task.sparsity is None else task.arity(instance)
    window = None
    if scheme.window != "none":
        attended = [[ids[i] for i in task.attended(step)] for step in instance.steps]
        window = max(map(width, attended))
    heads = HeadClass(arity, window, scheme.key, task.anchor)
    total = sum(heads.n_candidates(ids[: step.position]) for step in instance.steps)
    return max(1, arity * total * (len(ids) if scheme.relabel == "shift" else 1))


# ── Known lengths ──────────────────────────────────────────────────────────────────────────────────────────────────────


def with_task(subject: Subject | None, task: Task, coupled: bool) -> Subject | None:
    """The same lengths for a task with other IDs; the shorter ones, where there are, for schemes without coupling."""
    if subject is None:
        return None
    if not coupled and subject.short is not None:
        train, test = subject.short
        return replace(subject, task=task, train=train, test=test, short=None)
    return replace(subject, task=task, short=None)
