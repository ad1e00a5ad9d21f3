"""Verdicts to look at: one task under one scheme, at every pair of a training and a test length, with what fails there.

>>> from theory.tasks import Copy
>>> subject = Subject(Copy(2), range(1, 4), range(1, 5))
>>> (grid,) = grids(subject, "none", scores=("hard",), windows=False)
>>> grid.points[3, 4].outcome, [lengths for lengths, point in grid.points.items() if point.outcome == "fails"]
('unrealizable', [(1, 2), (1, 3), (1, 4)])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from proofs_check.verdicts.deciding import HERE, RANKED_HERE, Laws, Scheme, scheme_of
from proofs_check.verdicts.subjects import Subject
from theory import BudgetExceeded, Example, HardHead, HeadClass, View
from theory.criterion import Verdict, decide_listed
from theory.errors import NotConverged
from theory.examples import BUDGET, Label
from theory.guarantees import Head, Reason, Scores
from theory.listed import ListedLaw, list_law
from theory.numbered_views import n_cells
from theory.ranked import RankedHead
from theory.tasks import Task

CELLS: dict[Scores, int] = {"hard": 40_000, "ranked": 15_000, "soft": 600}
"""Candidate sets of a law at most, so that a verdict takes about a second at most; larger ones are left open."""

DRAWN = 500
"""Instances of a test length that are listed or drawn at most."""

SHOWN = 8
"""Candidate sets of a failing example that are shown at most."""


class Selection(NamedTuple):
    """A candidate set that a head selects: its positions, its answer, and its share of the mass."""

    positions: tuple[int, ...]
    answer: str
    share: Fraction


@dataclass(frozen=True)
class Failure:
    """An example on which a head errs that is perfect in training, or for "unrealizable" one that no head is right on.

    Attributes
    ----------
    tokens, label : in the alphabet of the task.
    ids : one a token.
    why : the reason in words.
    answer : what the head says here; None where it abstains, or says nothing most.
    selections : the first of the candidate sets that it selects here.
    selected : how many these are.
    """

    tokens: tuple[str, ...]
    ids: tuple[object, ...]
    label: str
    why: str
    answer: str | None = None
    selections: tuple[Selection, ...] = ()
    selected: int = 0


class Point(NamedTuple):
    """The verdict at a training and a test length; `guaranteed` is the share of test examples all perfect heads get right."""

    outcome: str
    reason: Reason | None
    guaranteed: Fraction | None
    failure: Failure | None


@dataclass(frozen=True)
class Grid:
    """The verdicts for one class of heads: {(training length, test length): point}, None where the laws are too large.

    `drawn` are the test lengths of which only some instances were drawn.
    """

    heads: HeadClass
    scores: Scores
    points: dict[tuple[int, int], Point | None]
    drawn: frozenset[int]


def grids(
    subject: Subject,
    scheme: str | Scheme,
    *,
    scores: Sequence[Scores] = ("hard", "ranked", "soft"),
    windows: bool = True,
) -> Iterator[Grid]:
    """The verdicts for every class of heads of a task under a scheme.

    Parameters
    ----------
    scores : kinds of heads.
    windows : where the scheme sees coupled IDs, also with a window one narrower and one wider than its own, and with none.

    Cost: a `decide` for every class, kind of heads, and pair of lengths; laws with more than `CELLS` candidate sets are
    left out.
    """
    scheme = scheme if isinstance(scheme, Scheme) else scheme_of(scheme)
    laws = Laws(replace(subject, listed=min(subject.listed, DRAWN)), scheme, True, lambda cases: None)
    listed: dict[tuple[bool, int], ListedLaw | None] = {}

    def law(training: bool, length: int) -> ListedLaw | None:
        if (training, length) not in listed:
            try:
                given = laws.train(length) if training else laws.test(length)
                listed[training, length] = list_law(given, "explore", "law", BUDGET)
            except BudgetExceeded:
                listed[training, length] = None
        return listed[training, length]

    for heads in dict.fromkeys(one for own in laws.head_classes() for one in _widths(own, laws, windows)):
        for kind in scores:
            points = {
                (short, long): _point(laws.task, heads, kind, law(True, short), law(False, long))
                for short in laws.trained
                for long in laws.tested
                if long >= short
            }
            yield Grid(heads, kind, points, frozenset(laws.drawn))


def _widths(heads: HeadClass, laws: Laws, windows: bool) -> Iterator[HeadClass]:
    """A class of heads, and with other windows."""
    yield heads
    if not windows or laws.task.sparsity is None or not laws.scheme.coupled:
        return
    if heads.window is None:
        yield replace(heads, window=laws.window(max(laws.trained)))
        return
    if isinstance(heads.window, int):
        around = (heads.window - 1, heads.window + 1)
        yield from (replace(heads, window=window) for window in around if window >= 0)
    yield replace(heads, window=None)


def _point(task: Task, heads: HeadClass, kind: Scores, train: ListedLaw | None, test: ListedLaw | None) -> Point | None:
    if train is None or test is None:
        return None
    if max(n_cells(heads, train.table), n_cells(heads, test.table)) > CELLS[kind]:
        return None
    try:
        found = decide_listed(heads, train, test, kind, BUDGET, None)
        share = found.guaranteed
    except (BudgetExceeded, NotConverged):
        return None
    failure = None if found.outcome == "generalizes" else _failure(task, heads, found)
    return Point(found.outcome, found.reason, share, failure)


# ── What fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _failure(task: Task, heads: HeadClass, found: Verdict) -> Failure | None:
    example = found.example
    if example is None:
        return None
    tokens = tuple(task.text((token,)) for token in example.tokens)
    label = _said(task, example.label)
    if found.counterexample is None:
        return Failure(tokens, example.ids, label, "no head that is right on the rest of training is right here")
    view = "" if found.view is None else f"the view '{task.text(found.view.tokens)}' with key {found.view.key}"
    words = HERE if found.scores == "hard" else HERE | RANKED_HERE
    assert found.reason is not None
    why = words[found.reason].format(view=view)
    weights = _weights(found.counterexample, heads, example)
    total = sum((weight for _, _, weight in weights), Fraction(0))
    masses: dict[Label, Fraction] = {}
    for _, answer, weight in weights:
        masses[answer] = masses.get(answer, Fraction(0)) + weight
    best = [answer for answer, mass in masses.items() if mass == max(masses.values())]
    said = _said(task, best[0]) if len(best) == 1 else None
    ranked = sorted(weights, key=lambda own: (own[1] == example.label, -own[2]))  # what errs comes first
    selections = tuple(Selection(own, _said(task, answer), weight / total) for own, answer, weight in ranked[:SHOWN])
    return Failure(tokens, example.ids, label, why, said, selections, len(weights))


def _weights(head: Head, heads: HeadClass, example: Example) -> list[tuple[tuple[int, ...], Label, Fraction]]:
    """The candidate sets that a head selects, each with an answer and its mass; of a ranked head those that answer."""
    views = [(own, heads.view(example.tokens, example.ids, own)) for own in heads.candidates(example.ids)]
    if isinstance(head, HardHead):
        return [(own, head.answers[view], Fraction(1)) for own, view in views if view in head.answers]
    if isinstance(head, RankedHead):
        here: set[View] = {view for _, view in views}
        first = next(((view, label) for view, label in head.ranking if view in here), None)
        return [] if first is None else [(own, first[1], Fraction(1)) for own, view in views if view == first[0]]
    out = []
    for own, view in views:
        if view in head.answers:
            score, shares = head.answers[view]
            out += [(own, label, Fraction(score) * Fraction(share)) for label, share in shares.items()]
    return out


def _said(task: Task, label: Label) -> str:
    """A label in the alphabet of the task; a pair is a token and its ID increment."""
    if isinstance(label, tuple) and len(label) == 2:
        return f"{_said(task, label[0])}, ID +{label[1]}"
    return task.text((label,)) if isinstance(label, int) and label < len(task.alphabet) else str(label)
