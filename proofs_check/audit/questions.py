"""What the code says of a problem, and what the judge is asked to hold against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from proofs_check.audit import language
from proofs_check.problem import Problem
from theory import HardHead, Law, Verdict, decide
from theory.examples import Label
from theory.heads import HeadClass, View

OUTCOMES = ("unrealizable", "generalizes", "unseen", "flip", "abstains")


@dataclass(frozen=True)
class Question:
    """One thing that code and judge must agree on.

    Attributes
    ----------
    kind : what it is about, for the counts.
    request : what the judge reads.
    expected : what the code says, part by part, by name; the judge's answer has the same parts in this order.
    """

    kind: str
    request: str
    expected: dict[str, str]

    def differences(self, answer: str) -> dict[str, tuple[str, str]]:
        """{part: (what the code says, what the judge says)} where an answer is another one."""
        outcome, _, losses, certificate = (part.strip() for part in answer.split("|"))
        judged = [*outcome.split(), losses, certificate]
        pairs = zip_longest(self.expected, judged, fillvalue="nothing")
        found = {name: (self.expected.get(name, "nothing"), said) for name, said in pairs}
        return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def questions(problem: Problem) -> Iterator[Question]:
    """Everything that the judge can be asked about a problem."""
    if is_plain(problem):
        yield hard(problem)


def is_plain(problem: Problem) -> bool:
    """Whether the judge knows the head class: plain IDs, and candidate sets of exactly k positions."""
    heads, laws = problem.heads, (problem.train, problem.test)
    vectors = isinstance(heads.window, tuple) or isinstance(heads.key, tuple)
    return not (heads.at_most or vectors or any(isinstance(own, tuple) for law in laws for e in law.table() for own in e.ids))


def hard(problem: Problem) -> Question:
    """T1's verdict: outcome and reason, the example that shows it, the losses of the counterexample, and its certificate."""
    heads, train, test = problem.heads, problem.train, problem.test
    verdict = decide(heads, train=train, test=test)
    number = language.numbering(train, test)
    head = verdict.counterexample
    given = dict(head.answers) if isinstance(head, HardHead) else {}
    outcome = OUTCOMES.index(verdict.reason or verdict.outcome)
    law = train if verdict.outcome == "unrealizable" else test
    place = -1 if verdict.example is None else [*law.table()].index(verdict.example)
    dominating = dominators(heads, train, test) if verdict.outcome == "generalizes" else []
    losses = f"{language.fraction(verdict.train_loss)} {language.fraction(verdict.test_loss)}" if _failed(verdict) else "-"
    request = language.joined((
        f"{language.head_class(heads)} {language.integers(number.values())}", language.law(train, number),
        language.law(test, number), language.answers(given, number), language.integers(dominating), str(place),
    ))  # fmt: skip
    expected = {
        "outcome": str(outcome),
        "example": str(_first_alike(heads, law, place)),
        "losses": losses,
        "certificate": "ok",
    }
    return Question(f"hard: {OUTCOMES[outcome]}", request, expected)


def _failed(verdict: Verdict) -> bool:
    return verdict.train_loss is not None and verdict.test_loss is not None


def _first_alike(heads: HeadClass, law: Law, place: int) -> int:
    """The first example with the views and the label of the one in this place: no head tells them apart."""
    if place < 0:
        return place
    seen = [(Counter(heads.view_counts(example)), example.label) for example in law.table()]
    return seen.index(seen[place])


def dominators(heads: HeadClass, train: Law, test: Law) -> list[int]:
    """For every test example a training example, all of whose consistent views it shows; one past the end where there is none."""
    trained = [(heads.views(example), example.label) for example in train.table()]
    labels: dict[View, set[Label]] = {}
    for views, label in trained:
        for view in views:
            labels.setdefault(view, set()).add(label)
    required = [frozenset(view for view in views if len(labels[view]) == 1) for views, _ in trained]
    first: dict[frozenset[View], int] = {}
    for i, views in enumerate(required):
        first.setdefault(views, i)
    shown = (heads.views(example) for example in test.table())
    return [next((i for own, i in first.items() if own <= views), len(required)) for views in shown]
