"""T1: decide exactly whether every head that is perfect on the training law is perfect on the test law."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.errors import CELLS, bulk, within_budget
from theory.examples import BUDGET, Example, Label, Law
from theory.guarantees import (
    CONFIRMED_CELLS,
    CONFIRMED_EXAMPLES,
    Guarantees,
    Head,
    Predicted,
    Reason,
    Scores,
    check_scores,
    guarantees_listed,
    in_words,
)
from theory.heads import HardHead, HeadClass, View, by_size, check_coordinates, check_heads
from theory.listed import ListedLaw, list_law
from theory.numbered_views import (
    CONFLICTING,
    PLAIN_CELLS,
    UNSEEN,
    LawViews,
    Progress,
    Tick,
    n_cells,
    number_views,
)
from theory.set_families import Family, contains_some, minimal

Outcome: TypeAlias = Literal["unrealizable", "generalizes", "fails"]


@dataclass(frozen=True)
class Verdict:
    """What T1 says, or for ranked and soft heads T13 and T14, with what shows it.

    Attributes
    ----------
    outcome : "unrealizable" (no head has zero training loss), "generalizes" (every one that has is perfect at test), or
        "fails" (some is not).
    reason : for "fails": "unseen" (a test view never occurs in training), "flip" (a consistent view has another label
        at test) or "abstains" (a head may ignore everything that this test example shows); the first that applies.
        Ranked and soft heads have more of them (`Doubt`).
    example : the test example that shows the failure, or the training example without a consistent view (for ranked
        heads: without one that can be placed).
    view : the unseen or flipped view, or another one that tells of the reason.
    counterexample : for "fails", a head with training loss 0 and positive test loss, both confirmed by plain evaluation
        before they are returned: on every example, or on large laws on some of every kind. A ranked head is a decision
        list without entries that never answer, and except on very large laws none can be left out by itself; there may be
        shorter ones.
    train_loss, test_loss : its exact losses.
    n_consistent, n_views : consistent views and all views of the training law.
    scores : the heads: "hard", "ranked" or "soft".

    Examples
    --------
    >>> from theory import Example, FiniteLaw
    >>> train = FiniteLaw({Example((0,), (0,), "a"): "1/2", Example((1,), (0,), "b"): "1/2"})
    >>> verdict = decide(HeadClass(arity=1), train=train, test=FiniteLaw({Example((2,), (0,), "a"): 1}))
    >>> verdict.outcome, verdict.reason, verdict.view.tokens, str(verdict.train_loss), str(verdict.test_loss)
    ('fails', 'unseen', (2,), '0', '1')
    """

    outcome: Outcome
    n_consistent: int
    n_views: int
    reason: Reason | None = None
    example: Example | None = None
    view: View | None = None
    counterexample: Head | None = None
    train_loss: Fraction | None = None
    test_loss: Fraction | None = None
    scores: Scores = "hard"
    _guarantees: Callable[[], Guarantees] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def guaranteed(self) -> Fraction | None:
        """The exact mass of the test examples on which every head is right that is perfect in training (`guarantees`).

        None where there is no such head. It is found when it is first asked for, which can take longer than the outcome.
        """
        if self.outcome == "fails" and self._guarantees is not None:
            return self._guarantees().share
        return Fraction(1) if self.outcome == "generalizes" else None

    def max_margin(self, *, budget: int | None = None) -> Predicted | None:
        """What the max-margin head gets right at test (`Guarantees.max_margin`); None but for soft heads that fail."""
        if self.outcome != "fails" or self.scores != "soft" or self._guarantees is None:
            return None
        return self._guarantees().max_margin(budget=budget)

    def explain(self) -> str:
        """The verdict in a few lines of plain words."""
        seen = f"{self.n_consistent} of {self.n_views} training views are consistent"
        if self.outcome == "generalizes":
            return f"generalizes: every {self.scores} head with zero training loss has zero test loss ({seen})."
        unrealizable = f"unrealizable: no {self.scores} head has zero training loss ({seen})."
        if self.example is None:
            return unrealizable
        shown_example = f"tokens {self.example.tokens}, IDs {self.example.ids}, label {self.example.label!r}"
        if self.outcome == "unrealizable":
            lacks = {
                "hard": "no view whose label is always the same",
                "ranked": "no view whose label is always the same, even among the examples without views that have one",
                "soft": "no view, or views that weigh against those of the other examples whatever their scores and values",
            }
            return f"{unrealizable}\nThe training example with {shown_example} has {lacks[self.scores]}."
        assert self.counterexample is not None
        why = in_words(self.reason or "unseen", self.scores).format(view=f"the view {_show(self.view)}")
        return (
            f"fails ({self.reason}): {why} ({seen}).\nThe test example: {shown_example}.\n"
            f"The counterexample head selects {len(self.counterexample.answers)} views; "
            f"its training loss is exactly {self.train_loss}, its test loss exactly {self.test_loss}."
        )


def decide(
    heads: HeadClass,
    *,
    train: Law | Iterable[Example],
    test: Law | Iterable[Example],
    scores: Scores = "hard",
    budget: int = BUDGET,
    progress: Progress | None = None,
) -> Verdict:
    """Decide whether a head class length-generalizes from a training law to a test law (T1; T13 and T14).

    A view is *consistent* when all training examples that have it agree on the label; K is the set of consistent
    views. A hard head with zero training loss exists iff every training example has a view in K. Then the class
    length-generalizes iff (a) every test view occurs in training, (b) no consistent view occurs at test with another
    label, and (c) for every test example e some training example e' has views(e') ∩ K ⊆ views(e). With a single
    label (a) and (b) are void and (c) decides alone.

    Parameters
    ----------
    heads : the head class.
    train, test : exact laws, or iterables of examples (then the uniform law on the distinct ones). Only their supports
        matter for the outcome; the probabilities matter for the stated losses. Nothing needs to be independent.
    scores : "hard" for hard heads (T1, which is described here); "ranked" for heads whose highest-ranked view answers
        (T13); "soft" for all heads of Definition 4, by their greedy answer (T14).
    budget : outcomes that may be enumerated per law; one with many tokens or candidate sets counts as several.
    progress : called now and then with a stage ("views in training", ...), how many examples of it are done, and how
        many there are; not on small laws.

    Returns
    -------
    Verdict

    Raises
    ------
    InvalidArgument : for an empty iterable or something that is no example, and unknown scores.
    BudgetExceeded : when a law is larger than the budget.

    Examples
    --------
    >>> from theory import PlantedEnsemble, support
    >>> parity = PlantedEnsemble(
    ...     vocabulary=3, background=[1, 0, 0],
    ...     planted={(a, b): "1/4" for a in (1, 2) for b in (1, 2)},
    ...     target={(a, b): (a + b) % 2 for a in (1, 2) for b in (1, 2)}, support=support.uniform())
    >>> decide(HeadClass(arity=2), train=parity.at(4), test=parity.at(6)).outcome
    'generalizes'
    >>> print(decide(HeadClass(arity=2), train=parity.at(3), test=parity.at(6)).explain())
    fails (unseen): the view (0, 0) of a test example never occurs in training (4 of 8 training views are consistent).
    The test example: tokens (1, 1, 0, 0, 0, 0), IDs (0, 1, 2, 3, 4, 5), label 0.
    The counterexample head selects 5 views; its training loss is exactly 0, its test loss exactly 3/7.

    Cost: O(outcomes · candidates · k) to list the views, then set operations on the distinct view sets. A million
    examples a law with 66 candidate sets each take well below a minute.
    Source: T1 in docs/theory.md.
    """
    check_heads(heads, "decide")
    check_scores(scores, "decide")
    listed = (list_law(train, "decide", "train", budget), list_law(test, "decide", "test", budget))
    return decide_listed(heads, *listed, scores, budget, progress)


def decide_listed(
    heads: HeadClass, trained: ListedLaw, tested: ListedLaw, scores: Scores, budget: int, progress: Progress | None
) -> Verdict:
    check_coordinates(heads, "decide", trained.table, tested.table)
    found = partial(guarantees_listed, heads, trained, tested, scores, budget, progress)
    if scores != "hard":
        return _from_guarantees(found())
    verdict = _decide_hard(heads, trained, tested, budget, progress)
    return replace(verdict, _guarantees=found) if verdict.outcome == "fails" else verdict


def _from_guarantees(found: Guarantees) -> Verdict:
    """The verdict that the guarantees come to."""
    views = found.n_consistent, found.n_views
    if not found.realizable:
        stuck = found.criterion.stuck
        example = None if stuck is None else found.train.example(stuck)
        return Verdict("unrealizable", *views, example=example, scores=found.scores)
    if found.first is None:
        return Verdict("generalizes", *views, scores=found.scores)
    row, doubt = found.first
    head, loss = found.erring(row)
    example = found.test.example(row)
    return Verdict(
        "fails", *views, doubt.reason, example, doubt.view, head, Fraction(0), loss, found.scores, partial(_of, found)
    )


def _of(found: Guarantees) -> Guarantees:
    return found


def _decide_hard(
    heads: HeadClass, trained: ListedLaw, tested: ListedLaw, budget: int, progress: Progress | None
) -> Verdict:
    labels = tuple(dict.fromkeys((*trained.labels, *tested.labels)))
    tables = (trained.table, tested.table)
    size = max(n_cells(heads, table, at_once=CELLS) for table in tables)
    within_budget("decide (candidate sets)", size=size * bulk(heads.arity), budget=budget)
    size = max(n_cells(heads, table) for table in tables)
    if size > PLAIN_CELLS:
        verdict = _decide_at_scale(heads, trained, tested, labels, progress or (lambda *_: None))
        if verdict is not None:
            return verdict
        within_budget("decide (views)", size=size * bulk(heads.arity), budget=budget)  # each becomes an object
    return _decide_plainly(heads, trained, tested, labels)


def _decide_plainly(heads: HeadClass, train: ListedLaw, test: ListedLaw, labels: tuple[Label, ...]) -> Verdict:
    train_views = {example: heads.views(example) for example in train.table}
    label_of: dict[View, Label] = {}
    conflicting: set[View] = set()
    for example, views in train_views.items():
        for view in views:
            if label_of.setdefault(view, example.label) != example.label:
                conflicting.add(view)
    consistent = {view: label for view, label in label_of.items() if view not in conflicting}
    n_consistent, n_views = len(consistent), len(label_of)

    required: dict[frozenset[View], None] = {}
    for example, views in train_views.items():
        kept = frozenset(views & consistent.keys())
        if not kept:
            return Verdict("unrealizable", n_consistent, n_views, example=example)
        required[kept] = None

    failure = _first_failure(heads, test.table, label_of, consistent, required, labels)
    if failure is None:
        return Verdict("generalizes", n_consistent, n_views)
    reason, witness, shown_view, answers = failure
    head = HardHead(heads, answers)
    losses = _exact_loss(head, train), _exact_loss(head, test)
    return _failed(n_consistent, n_views, reason, witness, shown_view, head, *losses)


def _failed(
    n_consistent: int,
    n_views: int,
    reason: Reason,
    witness: Example,
    view: View | None,
    head: HardHead,
    train_loss: Fraction,
    test_loss: Fraction,
) -> Verdict:
    if train_loss != 0 or test_loss <= 0:
        raise AssertionError(
            f"decide: the counterexample head has train loss {train_loss} and test loss {test_loss}; "
            "this is a bug in theory.criterion, please report it with the two laws"
        )
    return Verdict("fails", n_consistent, n_views, reason, witness, view, head, train_loss, test_loss)


def _first_failure(
    heads: HeadClass,
    test: Iterable[Example],
    label_of: dict[View, Label],
    consistent: dict[View, Label],
    required: Iterable[frozenset[View]],
    labels: tuple[Label, ...],
) -> tuple[Reason, Example, View | None, dict[View, Label]] | None:
    """The first of (a), (b), (c) that fails, with the answers of the head that T1's proof constructs."""
    test_views = {example: heads.views(example) for example in test}
    if len(labels) > 1:
        for example, views in test_views.items():
            unseen = views - label_of.keys()
            if unseen:
                wrong = next(label for label in labels if label != example.label)
                first = min(unseen, key=by_size)
                return "unseen", example, first, {**consistent, first: wrong}
        for example, views in test_views.items():
            flipped = [view for view in views if view in consistent and consistent[view] != example.label]
            if flipped:
                return "flip", example, min(flipped, key=by_size), consistent
    minimal = _minimal(required)
    dominated: set[frozenset[View]] = set()
    for example, views in test_views.items():
        if views not in dominated:
            if not any(kept <= views for kept in minimal):
                return "abstains", example, None, {v: y for v, y in consistent.items() if v not in views}
            dominated.add(views)
    return None


def _minimal(sets: Iterable[frozenset[View]]) -> list[frozenset[View]]:
    """The inclusion-minimal sets: (c) holds for all sets iff it holds for these."""
    minimal: list[frozenset[View]] = []
    for candidate in sorted(sets, key=len):
        if not any(kept <= candidate for kept in minimal):
            minimal.append(candidate)
    return minimal


def _exact_loss(head: HardHead, law: ListedLaw) -> Fraction:
    losses = (weight * head.loss(example) for example, weight in law.table.items())
    return sum(losses, Fraction(0)) / law.denominator


# ── Many examples ────────────────────────────────────────────────────────────────────────────────────────────────────


def _decide_at_scale(
    heads: HeadClass, train: ListedLaw, test: ListedLaw, labels: tuple[Label, ...], progress: Progress
) -> Verdict | None:
    """`_decide_plainly` on numbers for views; None where these do not fit."""
    found = number_views(heads, (train.table, test.table), labels)
    if found is None:
        return None
    trained, tested = found
    answers = trained.learn(partial(progress, "views in training"))
    consistent = np.flatnonzero(answers >= 0)
    n_consistent, n_views = len(consistent), int(np.count_nonzero(answers[:-1] != UNSEEN))
    index = np.full(len(answers), -1)
    index[consistent] = np.arange(n_consistent)
    required = trained.sets(index, partial(progress, "consistent views in training"))
    if b"" in required:
        return Verdict("unrealizable", n_consistent, n_views, example=train.example(required[b""]))

    unseen = flipped = dominating = None
    if len(labels) > 1:
        unseen, flipped = tested.first_misfits(answers, partial(progress, "views at test"))
    if unseen is None and flipped is None:
        dominating = _first_undominated(tested, required, index, progress)
    row = next((row for row in (unseen, flipped, dominating) if row is not None), None)
    if row is None:
        return Verdict("generalizes", n_consistent, n_views)
    witness, own, number = test.example(row), tested.of(row), None
    reason: Reason = "unseen" if unseen is not None else "flip" if flipped is not None else "abstains"
    if reason == "unseen":
        number = own[answers[own] == UNSEEN].min()
        answers[number] = next(j for j, label in enumerate(labels) if label != witness.label)
    elif reason == "flip":
        number = own[(answers[own] >= 0) & (answers[own] != tested.labels[row])].min()
    else:
        answers[own] = CONFLICTING  # not to be selected
    chosen = np.flatnonzero(answers >= 0)
    given = (labels[j] for j in answers[chosen].tolist())
    head = HardHead(heads, dict(zip(trained.numbering.views(chosen), given, strict=True)))
    view = None if number is None else trained.numbering.views(number[None])[0]
    train_loss = _counted_loss(head, train, trained, answers, partial(progress, "training loss"))
    test_loss = _counted_loss(head, test, tested, answers, partial(progress, "test loss"), row)
    return _failed(n_consistent, n_views, reason, witness, view, head, train_loss, test_loss)


def _first_undominated(
    tested: LawViews, required: Collection[bytes], index: NDArray[np.int64], progress: Progress
) -> int | None:
    """The first test example that shows no training example's consistent views."""
    n_consistent = int(index.max()) + 1
    sets = minimal(Family.of(list(required)), n_consistent)
    # Only members of minimal sets matter, and only distinct sets of them.
    used = np.unique(sets.members)
    narrow = np.full(n_consistent + 1, -1)  # narrow[-1] is -1
    narrow[used] = np.arange(len(used))
    shown_sets = tested.sets(narrow[index], partial(progress, "consistent views at test"))
    if len(used) == n_consistent:  # then sets are written alike in training and at test
        shown_sets = {own: row for own, row in shown_sets.items() if own not in required}
    first = sorted(shown_sets, key=shown_sets.__getitem__)
    rows = Family.of(first)
    sets = Family(sets.starts, narrow[sets.members]).rarest_first(np.bincount(rows.members, minlength=len(used)))
    done, at_once = 0, 2**10
    while done < len(rows):
        part = np.arange(done, min(done + at_once, len(rows)))
        missed = np.flatnonzero(~contains_some(rows.take(part), sets, len(used)))
        if len(missed):
            return shown_sets[first[done + int(missed[0])]]
        done, at_once = done + len(part), 4 * at_once
        progress("domination", done, len(rows))
    return None


def _counted_loss(
    head: HardHead, law: ListedLaw, views: LawViews, answers: NDArray[np.int64], tick: Tick, witness: int = 0
) -> Fraction:
    """The exact loss, from the numbers of selected and of wrong sets of every example.

    Confirmed by plain evaluation of the witness, of the first example of every kind (label, selected, wrong), and of
    examples at even distances, as far as CONFIRMED_CELLS go.
    """
    selected, wrong = views.outcomes(answers, tick)
    most = int(selected.max()) + 1
    kinds = (views.labels * most + selected) * most + wrong
    _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
    counts = zip(selected[first].tolist(), wrong[first].tolist(), strict=True)
    losses = [Fraction(w, s) if s else Fraction(1) for s, w in counts]
    weights = [0] * len(losses)
    for j, weight in zip(kind.tolist(), law.table.values(), strict=True):
        weights[j] += weight
    examples, cells = list(law.table), 0
    spread = range(0, len(examples), 1 + len(examples) // CONFIRMED_EXAMPLES)
    for row in dict.fromkeys((witness, *first.tolist(), *spread)):
        cells += n_cells(head.heads, (examples[row],))
        if cells > CONFIRMED_CELLS and row != witness:
            break
        plain, counted = head.loss(examples[row]), losses[int(kind[row])]
        if plain != counted:
            raise AssertionError(
                f"decide: the counterexample head loses {plain} on {examples[row]}, and {counted} by counts; "
                "this is a bug in theory.numbered_views, please report it with the two laws"
            )
    return sum((weight * loss for weight, loss in zip(weights, losses, strict=True)), Fraction(0)) / law.denominator


def _show(view: View | None) -> str:
    if view is None:
        return "?"
    return f"{view.tokens}" if not view.key else f"{view.tokens} with key {view.key}"
