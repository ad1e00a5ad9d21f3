"""Ranked heads, what softmax attention tends to at a growing scale, and T13: which test examples they are all right on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.closures import NONE, Cases, Placed
from theory.errors import InvalidArgument, check_integer, check_type, shown
from theory.examples import Example, Label, check_label
from theory.heads import HeadClass, View, check_heads
from theory.set_families import Family, Ints, changes, distinct, ranges, starts_of

ClosureReason: TypeAlias = Literal["unseen", "flip", "abstains", "free"]

GUARANTEED = -1
"""The reason and the view of an example that is guaranteed, and the view of one that no view tells of."""

SHORTENING = 10_000_000
"""How many entries (case, view) are looked at at most to shorten a head."""

REASONS: tuple[ClosureReason, ...] = ("unseen", "flip", "abstains", "free")


@dataclass(frozen=True)
class RankedHead:
    """A ranked head, as data: the views that it selects, from the highest rank to the lowest, each with its answer.

    The highest-ranked view that an example has answers; a head without any of its views abstains. With the scores
    A(v) = β^(-place of v), h of Definition 4 tends to this answer as β → ∞ (`scores`).

    Parameters
    ----------
    ranking : pairs (view, label), or a mapping {view: label}, the highest rank first.

    Raises
    ------
    InvalidArgument : for a view that the class does not have, one that is ranked twice, or a label that is none.

    Examples
    --------
    >>> head = RankedHead(HeadClass(arity=1), {View((1,), ()): "one", View((2,), ()): "two"})
    >>> head.answer((0, 1, 2), (0, 1, 2)), head.answer((0, 2), (0, 1)), head.answer((0,), (0,))
    ('one', 'two', None)
    >>> head.loss(Example((1, 2), (0, 1), "one")), head.loss(Example((0, 0), (0, 1), "one"))  # an abstention loses 1
    (Fraction(0, 1), Fraction(1, 1))

    Source: T13 in docs/theory.md.
    """

    heads: HeadClass
    ranking: tuple[tuple[View, Label], ...]

    def __init__(self, heads: HeadClass, ranking: Mapping[View, Label] | Iterable[tuple[View, Label]]) -> None:
        where, fix = "RankedHead", "List them from the highest rank to the lowest."
        check_heads(heads, where)
        check_type(ranking, Iterable, where, "ranking", "pairs (view, label), or {view: label}", fix)
        pairs = list(ranking.items() if isinstance(ranking, Mapping) else ranking)
        ranked: set[View] = set()
        for i, pair in enumerate(pairs):
            if not (isinstance(pair, tuple) and len(pair) == 2):
                got, expected = shown(pair), "a pair (view, label)"
                raise InvalidArgument(where, f"ranking[{i}]", got=got, expected=expected, fix=fix)
            view, label = pair
            heads.check_view(view, where, f"ranking[{i}]")
            check_label(label, where, f"ranking[{i}]")
            if view in ranked:
                got, expected = f"the view {shown(tuple(view))} for the second time", "every view at most once"
                raise InvalidArgument(where, f"ranking[{i}]", got=got, expected=expected, fix="Leave it out here.")
            ranked.add(view)
        object.__setattr__(self, "heads", heads)
        object.__setattr__(self, "ranking", tuple(pairs))

    @property
    def answers(self) -> dict[View, Label]:
        """{view: label}, the highest rank first."""
        return dict(self.ranking)

    def answer(self, tokens: tuple[int, ...], ids: tuple[int, ...]) -> Label | None:
        """The label of the highest-ranked view of (tokens, ids), or None; cost O(candidates · k + views ranked)."""
        present = {self.heads.view(tokens, ids, set_) for set_ in self.heads.candidates(ids)}
        return next((label for view, label in self.ranking if view in present), None)

    def loss(self, example: Example) -> Fraction:
        """0 where the answer is right, 1 where it is wrong or there is none."""
        present = self.heads.views(example)
        answer = next(((label,) for view, label in self.ranking if view in present), None)
        return Fraction(answer != (example.label,))

    def scores(self, ratio: int) -> dict[View, int]:
        """Scores A of Definition 4 whose head tends to this one as the ratio of neighbouring ranks grows.

        From the number of candidate sets on, and so from n^k on n tokens, the greedy answer is already that of this head;
        the loss is less than (number of candidate sets) / ratio away.

        Raises
        ------
        InvalidArgument : for a ratio < 1.

        Examples
        --------
        >>> RankedHead(HeadClass(arity=1), {View((1,), ()): "one", View((2,), ()): "two"}).scores(10)
        {View(tokens=(1,), key=()): 10, View(tokens=(2,), key=()): 1}
        """
        check_integer(ratio, "RankedHead.scores", "ratio", least=1, fix="Give n^k for n tokens and arity k.")
        lowest = len(self.ranking) - 1
        return {view: ratio ** (lowest - place) for place, (view, _) in enumerate(self.ranking)}


class ClosureCriterion:
    """T13 on numbers, or with `ranked=False` the same for hard heads (T1, example by example).

    What hard heads may select is what the closure places in its first round; they never place anything later.

    Parameters
    ----------
    train, test : the views of every example, by number and increasing.
    train_labels, test_labels : the label of every example, by number.
    n_labels, n_views : the numbers are below these.

    Attributes
    ----------
    realizable : whether some head is perfect in training.
    stuck : the first training example that no head gets right, where that is not so.
    guaranteed : by test example, whether every head that is perfect in training is right on it.
    """

    reasons = REASONS

    def __init__(
        self,
        train: Family,
        train_labels: Ints,
        test: Family,
        test_labels: Ints,
        *,
        n_labels: int,
        n_views: int,
        ranked: bool,
    ) -> None:
        self._n_labels, self._ranked, self._test, self._test_labels = n_labels, ranked, test, test_labels
        self._train, self._train_labels = train, train_labels
        kept = _first_of_each(train, train_labels)
        self._cases = Cases(train.take(kept), train_labels[kept], n_views)
        self._placed = self._cases.closure(rounds=None if ranked else 1)
        self.realizable = not self._placed.left.any()
        self.stuck = None if self.realizable else int(kept[np.flatnonzero(self._placed.left)[0]])
        self._why = np.full((2, len(test)), GUARANTEED)
        if self.realizable:
            self._judge()
        self.guaranteed: NDArray[np.bool_] = (self._why[0] == GUARANTEED) & self.realizable

    def _judge(self) -> None:
        """The first reason against every test example."""
        n_kinds, sets = self._cases.n_kinds, self._test
        if self._n_labels > 1:
            self._note("unseen", sets.owners, sets.members, n_kinds[sets.members] == 0)
        rows = np.flatnonzero(self._why[0] == GUARANTEED)
        if not len(rows):
            return
        which, first = _groups(sets.take(rows), self._placed.levels == 0)
        distinct_sets = sets.take(rows[first])
        if self._ranked:
            rests = self._cases.rests(self._placed, distinct_sets)
            some, kinds, labels = rests.some, rests.kinds, rests.labels
        else:
            some = self._cases.stuck(distinct_sets)
            kinds, labels = n_kinds[distinct_sets.members], self._placed.answers[distinct_sets.members]
        if self._n_labels > 1:
            sizes = distinct_sets.sizes[which]
            entries = ranges(distinct_sets.starts[which], sizes)
            owners, views = np.repeat(rows, sizes), distinct_sets.members[entries]
            kinds, labels = kinds[entries], labels[entries]
            self._note("flip", owners, views, (kinds == 1) & (labels != self._test_labels[owners]))
        self._note("abstains", rows, np.full(len(rows), GUARANTEED), ~some[which])
        if self._n_labels > 1 and self._ranked:
            self._note("free", owners, views, kinds == 0)

    def _note(self, reason: ClosureReason, rows: Ints, views: Ints, holds: NDArray[np.bool_]) -> None:
        """A reason against the rows for which it holds, unless an earlier one does."""
        new = np.flatnonzero(holds & (self._why[0, rows] == GUARANTEED))
        new = new[changes(rows[new])]
        self._why[:, rows[new]] = np.stack([np.full(len(new), REASONS.index(reason)), views[new]])

    def why(self, row: int) -> tuple[ClosureReason, int | None] | None:
        """Why a test example is not guaranteed, and the view that tells of it; None for one that is."""
        reason, view = self._why[:, row].tolist()
        return None if reason == GUARANTEED else (REASONS[reason], None if view == GUARANTEED else view)

    def head(self, row: int) -> list[tuple[int, int]]:
        """A head that is perfect in training and errs on a test example that is not guaranteed: views and answers.

        From the highest rank to the lowest; for a hard head the order means nothing. A ranked head is short: no view of it
        can be left out by itself, as far as `SHORTENING` goes. It need not be the shortest.
        """
        head = self._constructed(row)
        return self._shortened(head, self._test.take(np.array([row])), row) if self._ranked else head

    def _constructed(self, row: int) -> list[tuple[int, int]]:
        """The head of the proof."""
        found = self.why(row)
        assert found is not None
        reason, view = found
        own, label = self._test.take(np.array([row])).members, int(self._test_labels[row])
        wrong = int(label == 0)  # the first label that is not its own
        if reason == "unseen":
            assert view is not None
            return [(view, wrong), *_pairs(self._placed)]
        if not self._ranked:
            barred = own.tolist() if reason == "abstains" else ()
            return [pair for pair in _pairs(self._placed) if pair[0] not in barred]
        above = self._cases.closure(own)
        top = _pairs(above)
        if reason == "abstains":
            return top
        assert view is not None
        if reason == "flip":
            with_view = np.flatnonzero(above.left[self._cases.views.owners] & (self._cases.views.members == view))
            wrong = int(self._cases.labels[self._cases.views.owners[with_view[0]]])
        top.append((view, wrong))
        ranked = {view for view, _ in top}
        return top + [pair for pair in _pairs(self._placed) if pair[0] not in ranked]

    def _shortened(self, head: list[tuple[int, int]], own: Family, row: int) -> list[tuple[int, int]]:
        """The head without views that it can do without: perfect on all cases, and wrong on the test example."""
        cases, labels, asked = self._cases.views, self._cases.labels, self._test_labels[[row]]
        answering = np.append(self._first(head, cases), self._first(head, own))
        head = [head[place] for place in distinct(answering[answering < len(head)])]  # the others never answer
        left, place = SHORTENING // max(1, len(cases.members)), 0
        while place < len(head) and left > 0:
            shorter, left = head[:place] + head[place + 1 :], left - 1
            if self._errs(shorter, own, asked).all() and not self._errs(shorter, cases, labels).any():
                head, place = shorter, -1  # what could not go before may go now
            place += 1
        return head

    def _first(self, head: list[tuple[int, int]], views: Family) -> Ints:
        """By example the place of its highest-ranked view, or the length of the head where it has none."""
        place = np.full(self._cases.n_views, len(head))
        place[[view for view, _ in head]] = np.arange(len(head))
        best = np.full(len(views), len(head))
        np.minimum.at(best, views.owners, place[views.members])
        return best

    def errs(self, head: list[tuple[int, int]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """By training and by test example, whether a head is wrong."""
        parts = (self._train, self._train_labels), (self._test, self._test_labels)
        trained, tested = (self._errs(head, views, labels) for views, labels in parts)
        return trained, tested

    def _errs(self, head: list[tuple[int, int]], views: Family, labels: Ints) -> NDArray[np.bool_]:
        answers = np.array([*(label for _, label in head), NONE])
        if self._ranked:
            wrong: NDArray[np.bool_] = answers[self._first(head, views)] != labels
            return wrong
        place = np.full(self._cases.n_views, len(head))
        place[[view for view, _ in head]] = np.arange(len(head))
        owners, places = views.owners, place[views.members]
        selected = places < len(head)
        wrong = np.bincount(owners[selected], minlength=len(views)) == 0
        wrong[owners[selected & (answers[places] != labels[owners])]] = True
        return wrong


def _pairs(placed: Placed) -> list[tuple[int, int]]:
    order = placed.order
    return list(zip(order.tolist(), placed.answers[order].tolist(), strict=True))


def _first_of_each(sets: Family, labels: Ints) -> Ints:
    """The first of every distinct (set, label)."""
    first: dict[tuple[bytes, int], int] = {}
    for row, (data, label) in enumerate(zip(_as_bytes(sets), labels.tolist(), strict=True)):
        first.setdefault((data, label), row)
    return np.array(list(first.values()), dtype=np.int64)


def _groups(sets: Family, told_by: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """By set, the number of its group of equal ones; by group, its first set.

    Groups with the same members among `told_by` are neighbours: much the same is left without them.
    """
    told = told_by[sets.members]
    telling = Family(starts_of(np.bincount(sets.owners[told], minlength=len(sets))), sets.members[told])
    written = list(zip(_as_bytes(telling), _as_bytes(sets), strict=True))
    numbers = {own: number for number, own in enumerate(sorted(set(written)))}
    which = np.array([numbers[own] for own in written], dtype=np.int64)
    return which, np.unique(which, return_index=True)[1]


def _as_bytes(sets: Family) -> list[bytes]:
    data, ends = sets.members.tobytes(), (sets.starts * sets.members.itemsize).tolist()
    return [data[a:b] for a, b in pairwise(ends)]
