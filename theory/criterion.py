"""T1: decide exactly whether every head that is perfect on the training law is perfect on the test law."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from theory.errors import InvalidArgument, shown
from theory.examples import BUDGET, Example, FiniteLaw, Label, Law
from theory.heads import HardHead, HeadClass, View, check_heads

Outcome: TypeAlias = Literal["unrealizable", "generalizes", "fails"]
Reason: TypeAlias = Literal["unseen", "flip", "abstains"]


@dataclass(frozen=True)
class Verdict:
    """What T1 says, with what shows it.

    Attributes
    ----------
    outcome : "unrealizable" (no hard head has zero training loss), "generalizes" (every one that has is perfect at
        test), or "fails" (some is not).
    reason : for "fails": "unseen" (a test view never occurs in training), "flip" (a consistent view has another label
        at test) or "abstains" (a head may ignore everything that this test example shows); the first that applies.
    example : the test example that shows the failure, or the training example without a consistent view.
    view : the unseen or flipped view.
    counterexample : for "fails", a hard head with training loss 0 and positive test loss, both confirmed by plain
        evaluation before they are returned.
    train_loss, test_loss : its exact losses.
    n_consistent, n_views : consistent views and all views of the training law.
    """

    outcome: Outcome
    n_consistent: int
    n_views: int
    reason: Reason | None = None
    example: Example | None = None
    view: View | None = None
    counterexample: HardHead | None = None
    train_loss: Fraction | None = None
    test_loss: Fraction | None = None

    def explain(self) -> str:
        """The verdict in a few lines of plain words."""
        seen = f"{self.n_consistent} of {self.n_views} training views are consistent"
        if self.outcome == "generalizes":
            return f"generalizes: every hard head with zero training loss has zero test loss ({seen})."
        assert self.example is not None
        shown_example = f"tokens {self.example.tokens}, IDs {self.example.ids}, label {self.example.label!r}"
        if self.outcome == "unrealizable":
            return (
                f"unrealizable: no hard head has zero training loss ({seen}).\n"
                f"The training example with {shown_example} has no view whose label is always the same."
            )
        assert self.counterexample is not None
        why = {
            "unseen": f"the view {_show(self.view)} of a test example never occurs in training",
            "flip": f"the view {_show(self.view)} always has one label in training and another one at test",
            "abstains": "some perfect head selects nothing in a test example",
        }[self.reason or "unseen"]
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
    budget: int = BUDGET,
) -> Verdict:
    """Decide whether a head class length-generalizes from a training law to a test law (T1).

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
    budget : outcomes that may be enumerated per law.

    Returns
    -------
    Verdict

    Raises
    ------
    InvalidArgument : for an empty iterable or something that is no example.
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

    Cost: O(outcomes · candidates · k) to list the views, then set operations on the distinct view sets.
    Source: T1 in docs/theory.md.
    """
    check_heads(heads, "decide")
    train_law = _as_law(train, "train")
    test_law = _as_law(test, "test")
    train_table = train_law.table(budget=budget)
    test_table = test_law.table(budget=budget)
    labels = tuple(dict.fromkeys((*train_law.labels, *test_law.labels)))

    train_views = {example: heads.views(example) for example in train_table}
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

    failure = _first_failure(heads, test_table, label_of, consistent, required, labels)
    if failure is None:
        return Verdict("generalizes", n_consistent, n_views)
    reason, witness, shown_view, answers = failure
    head = HardHead(heads, answers)
    train_loss, test_loss = _exact_loss(head, train_law, train_table), _exact_loss(head, test_law, test_table)
    if train_loss != 0 or test_loss <= 0:
        raise AssertionError(
            f"decide: the counterexample head has train loss {train_loss} and test loss {test_loss}; "
            "this is a bug in theory.criterion, please report it with the two laws"
        )
    return Verdict(
        "fails", n_consistent, n_views, reason=reason, example=witness, view=shown_view,
        counterexample=head, train_loss=train_loss, test_loss=test_loss,
    )  # fmt: skip


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
            for view in views:
                if view not in label_of:
                    wrong = next(label for label in labels if label != example.label)
                    return "unseen", example, view, {**consistent, view: wrong}
        for example, views in test_views.items():
            for view in views:
                if view in consistent and consistent[view] != example.label:
                    return "flip", example, view, consistent
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


def _exact_loss(head: HardHead, law: Law, table: dict[Example, int]) -> Fraction:
    return sum((weight * head.loss(example) for example, weight in table.items()), Fraction(0)) / law.denominator


def _as_law(given: Law | Iterable[Example], argument: str) -> Law:
    if isinstance(given, Law):
        return given
    if isinstance(given, Mapping):  # iterating it would drop the probabilities
        raise InvalidArgument(
            "decide", argument, f"the {type(given).__name__} {shown(given)}", "a law or an iterable of examples",
            "Wrap {example: probability} as FiniteLaw(...).",
        )  # fmt: skip
    try:
        examples = list(given)
    except TypeError:
        raise InvalidArgument(
            "decide",
            argument,
            shown(given),
            "a law or an iterable of examples",
            "For instance ensemble.at(4).",
        ) from None
    if not examples:
        raise InvalidArgument("decide", argument, "no examples", "at least one example", "Pass a non-empty support.")
    return FiniteLaw.uniform(examples)


def _show(view: View | None) -> str:
    if view is None:
        return "?"
    return f"{view.tokens}" if not view.key else f"{view.tokens} with key {view.key}"
