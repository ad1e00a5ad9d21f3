"""Which test examples every head is right on that is perfect in training: the guaranteed share, example by example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from theory.errors import AssumptionViolated, InvalidArgument, check, check_one_of, shown
from theory.examples import BUDGET, Example, Label, Law
from theory.heads import HardHead, HeadClass, View, check_coordinates, check_heads
from theory.incidence import Incidence, incidence
from theory.listed import ListedLaw, list_law
from theory.numbered_views import Progress, n_cells
from theory.ranked import ClosureCriterion, ClosureReason, RankedHead
from theory.set_families import Family, distinct

if TYPE_CHECKING:
    from theory.soft import SoftHead

Scores: TypeAlias = Literal["hard", "ranked", "soft"]
Reason: TypeAlias = ClosureReason | Literal["zero", "outside"]
Head: TypeAlias = "HardHead | RankedHead | SoftHead"

CONFIRMED_EXAMPLES = 1000
CONFIRMED_CELLS = 300_000
"""How many examples, and candidate sets of these, confirm the loss of a counterexample on a law that is not small."""


class Criterion(Protocol):
    """A criterion on numbers: for training and test examples given by how often they have each view.

    `reasons` come in the order in which a verdict names them. `why` and `head` are asked for the place of a test example.
    `head` gives pairs (view, answer), the highest rank first, or for soft heads {view: (score, {label: share})}, by
    numbers; `errs` says on which training and test examples it is wrong.
    """

    realizable: bool
    stuck: int | None
    guaranteed: NDArray[np.bool_]

    @property
    def reasons(self) -> Sequence[Reason]: ...

    def why(self, row: int) -> tuple[Reason, int | None] | None: ...

    def head(self, row: int) -> Any: ...

    def errs(self, head: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]: ...


WORDS: dict[Reason, str] = {
    "unseen": "{view} of a test example never occurs in training",
    "flip": "{view} always has one label in training and another one at test",
    "abstains": "some perfect head selects nothing in a test example",
    "free": "{view} occurs in training only with views that a test example lacks and that can answer for it, so that its "
    "own answer is free",
    "zero": "a test example has no candidate set, so that every head abstains",
    "outside": "some perfect head gives another label at least as much mass on a test example",
}
RANKED_FLIP = (
    "{view} has one label, another one than at test, where the views that the test example lacks do not answer"
)


def in_words(reason: Reason, scores: Scores) -> str:
    """What a reason says of a test example and a {view} of it."""
    return RANKED_FLIP if reason == "flip" and scores == "ranked" else WORDS[reason]


class Doubt(NamedTuple):
    """Why an example is not guaranteed: the reason (`in_words`), and the view that tells of it, if one does."""

    reason: Reason
    view: View | None


class Predicted(NamedTuple):
    """What the max-margin head gets right: the mass of the test examples, and of those where floats leave it in doubt."""

    right: Fraction
    doubtful: Fraction


@dataclass(frozen=True, eq=False)
class Guarantees:
    """The test examples on which every head is right that is perfect in training, and why the others are none.

    Attributes
    ----------
    heads, scores : the class of heads.
    realizable : whether any head is perfect in training.
    train, test : the laws, listed.
    labels, seen, criterion : what the numbers of labels and of views mean, and what is decided on these numbers.
    """

    heads: HeadClass
    scores: Scores
    train: ListedLaw = field(repr=False)
    test: ListedLaw = field(repr=False)
    labels: tuple[Label, ...]
    seen: Incidence = field(repr=False)
    criterion: Criterion = field(repr=False)

    @property
    def n_views(self) -> int:
        """How many views occur in training."""
        return int(np.count_nonzero(self._n_labels))

    @property
    def n_consistent(self) -> int:
        """How many of these occur with one label."""
        return int(np.count_nonzero(self._n_labels == 1))

    @cached_property
    def _n_labels(self) -> NDArray[np.int64]:
        """By view, the number of its labels in training."""
        matrix, place = self.seen.matrices[0], {label: j for j, label in enumerate(self.labels)}
        labels = np.repeat([place[example.label] for example in self.train.table], np.diff(matrix.indptr))
        pairs = distinct(matrix.indices.astype(np.int64) * len(place) + labels)
        return np.bincount(pairs // len(place), minlength=self.seen.n_views)

    @property
    def realizable(self) -> bool:
        """Whether some head is perfect in training."""
        return self.criterion.realizable

    @cached_property
    def share(self) -> Fraction | None:
        """The mass of the guaranteed examples under the test law, exactly; None where no head is perfect in training."""
        return self._mass(self.criterion.guaranteed) if self.realizable else None

    def max_margin(self, *, budget: int | None = None) -> Predicted:
        """What the max-margin head of the training law gets right under the test law: no promise, a heuristic in floats.

        Masses are exact; an example whose margin is 0 up to rounding is in doubt, as ties are.

        Parameters
        ----------
        budget : of `theory.max_margin`; default: its own.

        Raises
        ------
        InvalidArgument : for other scores than "soft".
        AssumptionViolated, BudgetExceeded, ExactnessLost : as `theory.max_margin`.

        Examples
        --------
        >>> train = [Example((1,), (0,), 1), Example((0, 0, 1), (0, 1, 2), 0), Example((0,), (0,), 0)]
        >>> test = [Example((1, 1, 0), (0, 1, 2), 1), Example((0, 1), (0, 1), 0), Example((1, 0, 1, 1), (0, 1, 2, 3), 0)]
        >>> found = guarantees(HeadClass(arity=1), train=train, test=test, scores="soft")
        >>> str(found.share), [str(mass) for mass in found.max_margin()]
        ('0', ['1/3', '1/3'])
        """
        where = "Guarantees.max_margin"
        fix = "Ask for it with scores='soft'."
        check(self.scores == "soft", where, "scores", self.scores, expected="'soft'", fix=fix)
        from theory.max_margin import MOST_DENSE, max_margin

        place = {label: j for j, label in enumerate(self.labels)}
        trained, tested = ([place[example.label] for example in law.table] for law in (self.train, self.test))
        matrices = self.seen.matrices
        head = max_margin(matrices[0], trained, len(place), budget=MOST_DENSE if budget is None else budget)
        wrong, doubt = head.errs(matrices[1], tested)
        return Predicted(self._mass(~wrong & ~doubt), self._mass(doubt))

    def _mass(self, chosen: NDArray[np.bool_]) -> Fraction:
        """Of these test examples under the test law."""
        weights = zip(self.test.table.values(), chosen.tolist(), strict=True)
        return Fraction(sum(weight for weight, holds in weights if holds), self.test.denominator)

    @cached_property
    def _rows(self) -> dict[Example, int]:
        return {example: row for row, example in enumerate(self.test.table)}

    def _row(self, example: Example, where: str) -> int:
        if not self.realizable:
            got, fix = f"a training law that no {self.scores} head is perfect on", "Ask for `realizable` first."
            expected = "heads that are perfect in training"
            raise AssumptionViolated(where, "train", got=got, expected=expected, fix=fix)
        row = self._rows.get(example) if isinstance(example, Example) else None
        if row is None:
            fix = "Take one of its `support()`."
            raise InvalidArgument(where, "example", got=shown(example), expected="an example of the test law", fix=fix)
        return row

    def why(self, example: Example) -> Doubt | None:
        """Why an example of the test law is not guaranteed; None for one that is.

        Raises
        ------
        InvalidArgument : for anything but an example of the test law.
        AssumptionViolated : when no head is perfect in training.
        """
        return self._doubt(self._row(example, "Guarantees.why"))

    def _doubt(self, row: int) -> Doubt | None:
        found = self.criterion.why(row)
        if found is None:
            return None
        reason, number = found
        return Doubt(reason, None if number is None else self._views([number])[0])

    def _views(self, numbers: Sequence[int]) -> list[View]:
        return self.seen.views(np.array(numbers, dtype=np.int64))

    def head(self, example: Example) -> Head | None:
        """A head that is perfect in training and errs on this example of the test law; None for a guaranteed one.

        Both are confirmed: by numbers on all examples, and by plain evaluation on as many as that is quick for.

        Raises
        ------
        InvalidArgument : for anything but an example of the test law.
        AssumptionViolated : when no head is perfect in training.
        """
        row = self._row(example, "Guarantees.head")
        return None if self.criterion.guaranteed[row] else self.erring(row)[0]

    def erring(self, row: int) -> tuple[Head, Fraction]:
        """A head that is perfect in training and errs on the test example in this place, and the mass that it errs on."""
        found = self.criterion.head(row)
        head = self._build(found)
        trained, tested = self.criterion.errs(found)
        confirmed = not trained.any() and tested[row] and _agrees(head, self.train, trained, 0)
        if not (confirmed and _agrees(head, self.test, tested, row)):
            raise AssertionError(
                f"guarantees: the {self.scores} head against {self.test.example(row)} is none; "
                "this is a bug in theory.guarantees, please report it with the two laws"
            )
        return head, self._mass(tested)

    def _build(self, found: Any) -> Head:
        if self.scores == "soft":
            from theory.soft import SoftHead

            named = dict(zip(self._views(list(found)), found.values(), strict=True))
            shares = {view: {self.labels[j]: p for j, p in share.items()} for view, (_, share) in named.items()}
            return SoftHead(self.heads, {view: (score, shares[view]) for view, (score, _) in named.items()})
        views, answers = self._views([view for view, _ in found]), (self.labels[j] for _, j in found)
        ranking = tuple(zip(views, answers, strict=True))
        return RankedHead(self.heads, ranking) if self.scores == "ranked" else HardHead(self.heads, dict(ranking))

    @cached_property
    def first(self) -> tuple[int, Doubt] | None:
        """The first test example with the first reason that holds against any, and why; None where all are guaranteed."""
        reasons = self.criterion.reasons
        doubtful = np.flatnonzero(~self.criterion.guaranteed).tolist()
        found = [(reasons.index(why[0]), row) for row in doubtful if (why := self.criterion.why(row)) is not None]
        if not found:
            return None
        _, row = min(found)
        doubt = self._doubt(row)
        assert doubt is not None
        return row, doubt


def guarantees(
    heads: HeadClass,
    *,
    train: Law | Iterable[Example],
    test: Law | Iterable[Example],
    scores: Scores = "hard",
    budget: int = BUDGET,
    progress: Progress | None = None,
) -> Guarantees:
    """For every test example, whether all heads of a class that are perfect in training are right on it.

    The mass of these examples is what the theory promises in numbers where it cannot promise all. A hard head is right
    where its loss is 0: T1 holds example by example.

    Parameters
    ----------
    heads : the head class.
    train, test : exact laws, or iterables of examples, as for `decide`.
    scores : "hard": heads that select views, and weigh all selected sets alike (T1); "ranked": heads whose
        highest-ranked view answers (T13); "soft": all heads of Definition 4, by their greedy answer (T14).
    budget, progress : as for `decide`.

    Returns
    -------
    Guarantees

    Raises
    ------
    InvalidArgument : for an empty iterable or something that is no example, and unknown scores.
    BudgetExceeded : when a law is larger than the budget.

    Examples
    --------
    >>> train = [Example((0, 1), (0, 1), "a"), Example((1, 2), (0, 1), "b"), Example((0, 2), (0, 1), "a")]
    >>> test = [Example((0,), (0,), "a"), Example((1, 2), (0, 1), "b"), Example((2,), (0,), "b")]
    >>> found = guarantees(HeadClass(arity=1), train=train, test=test, scores="ranked")
    >>> str(found.share), [found.why(example) for example in test]
    ('2/3', [None, None, Doubt(reason='abstains', view=None)])
    >>> found.head(test[2]).ranking  # answers "b" where (0,) is not shown but (1,) is, and knows nothing of (2,)
    ((View(tokens=(0,), key=()), 'a'), (View(tokens=(1,), key=()), 'b'))

    Cost: O(candidate sets) for the views. Ranked and hard heads: closures of all test examples together, a bit each.
    Source: T1, T13 and T14 in docs/theory.md.
    """
    where = "guarantees"
    check_heads(heads, where)
    check_scores(scores, where)
    listed = (list_law(train, where, "train", budget), list_law(test, where, "test", budget))
    check_coordinates(heads, where, *(law.table for law in listed))
    return guarantees_listed(heads, *listed, scores, budget, progress)


def check_scores(scores: object, where: str) -> None:
    """Refuse scores of another name.

    Raises
    ------
    InvalidArgument
    """
    check_one_of(scores, get_args(Scores), where, "scores", "Use 'hard' for T1.")


def guarantees_listed(
    heads: HeadClass, train: ListedLaw, test: ListedLaw, scores: Scores, budget: int, progress: Progress | None
) -> Guarantees:
    labels = tuple(dict.fromkeys((*train.labels, *test.labels)))
    place = {label: j for j, label in enumerate(labels)}
    tables = (train.table, test.table)
    seen = incidence(heads, tables, budget=budget, progress=progress)
    own = [np.fromiter((place[example.label] for example in law), np.int64, len(law)) for law in tables]
    if scores == "soft":
        from theory.soft import soft_guarantees

        found: Criterion = soft_guarantees(seen.matrices[0], own[0], seen.matrices[1], own[1], len(labels))
    else:
        sets = [Family(m.indptr.astype(np.int64), m.indices.astype(np.int64)) for m in seen.matrices]
        found = ClosureCriterion(
            sets[0], own[0], sets[1], own[1], n_labels=len(labels), n_views=seen.n_views, ranked=scores == "ranked"
        )
    return Guarantees(heads, scores, train, test, labels, seen, found)


def _agrees(head: Head, law: ListedLaw, errs: NDArray[np.bool_], witness: int) -> bool:
    """Whether plain evaluation errs where numbers say so: on the witness, and on examples at even distances."""
    examples, cells = list(law.table), 0
    for row in dict.fromkeys((witness, *range(0, len(examples), 1 + len(examples) // CONFIRMED_EXAMPLES))):
        cells += n_cells(head.heads, (examples[row],))
        if cells > CONFIRMED_CELLS and row != witness:
            break
        if (head.loss(examples[row]) > 0) != errs[row]:
            return False
    return True
