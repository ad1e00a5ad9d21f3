"""Guaranteed shares, and `decide` for hard, ranked and soft heads."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given

from proofs_check.verdicts.deciding import verdict
from proofs_check.verdicts.subjects import subject_of
from tests import strategies
from tests.strategies import Question
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Example,
    FiniteLaw,
    HardHead,
    HeadClass,
    InvalidArgument,
    View,
    certificate_length,
    decide,
)
from theory.guarantees import Scores, guarantees
from theory.ranked import RankedHead

ONE = HeadClass(arity=1)
SCORES: tuple[Scores, ...] = get_args(Scores)


def shows(tokens: str, label: str) -> Example:
    """An example of these tokens; a head of arity 1 and key none sees which they are."""
    return Example(tuple(map(int, tokens)), tuple(range(len(tokens))), label)


TRAIN = [shows("0", "a"), shows("12", "b"), shows("03", "a"), shows("1", "b")]
TEST = FiniteLaw({
    shows("04", "a"): "1/2", shows("0", "b"): "1/4", shows("2", "b"): "1/8", shows("02", "a"): "1/16", shows("0", "a"): "1/16",
})  # fmt: skip


def test_shares_are_masses_of_the_test_law() -> None:
    ranked, hard = (guarantees(ONE, train=TRAIN, test=TEST, scores=scores) for scores in ("ranked", "hard"))
    assert (ranked.share, hard.share) == (Fraction(1, 16), Fraction(1, 16))
    assert [ranked.why(example) for example in TEST.support()] == [
        ("unseen", View((4,), ())), ("flip", View((0,), ())), ("abstains", None), ("free", View((2,), ())), None,
    ]  # fmt: skip
    assert [hard.why(example) for example in TEST.support()] == [
        ("unseen", View((4,), ())), ("flip", View((0,), ())), ("abstains", None), ("flip", View((2,), ())), None,
    ]  # fmt: skip


@pytest.mark.parametrize("scores", SCORES)
def test_heads_against_what_is_not_guaranteed(scores: Scores) -> None:
    found = guarantees(ONE, train=TRAIN, test=TEST, scores=scores)
    for example in TEST.support():
        head = found.head(example)
        assert (head is None) == (found.why(example) is None)
        if head is not None:
            assert head.loss(example) > 0
            assert not any(head.loss(other) for other in TRAIN)


@pytest.mark.parametrize("scores", SCORES)
@given(question=strategies.questions())
def test_verdicts_and_guarantees_agree(scores: Scores, question: Question) -> None:
    heads, train, test = question
    found = decide(heads, train=train, test=test, scores=scores)
    given_ = guarantees(heads, train=train, test=test, scores=scores)
    assert found.scores == scores
    assert found.guaranteed == given_.share
    assert (found.n_consistent, found.n_views) == (given_.n_consistent, given_.n_views)
    assert (found.outcome == "unrealizable") == (not given_.realizable) == (given_.share is None)
    assert (found.outcome == "generalizes") == (given_.share == 1)
    assert found.explain().startswith(found.outcome)
    if found.outcome == "fails":
        assert found.example is not None
        why, head = given_.why(found.example), found.counterexample
        assert why is not None
        assert why == (found.reason, found.view)
        assert head is not None
        assert head.loss(found.example) > 0
        assert not any(head.loss(example) for example in train)


def test_a_verdict_says_it_in_words() -> None:
    said = decide(ONE, train=TRAIN, test=[shows("02", "a")], scores="ranked").explain()
    assert said == (
        "fails (free): the view (2,) occurs in training only with views that a test example lacks and that can answer for it, "
        "so that its own answer is free (4 of 4 training views are consistent).\n"
        "The test example: tokens (0, 2), IDs (0, 1), label 'a'.\n"
        "The counterexample head selects 3 views; its training loss is exactly 0, its test loss exactly 1."
    )
    said = decide(ONE, train=[shows("0", "a"), shows("0", "b")], test=[shows("0", "a")], scores="ranked").explain()
    assert said == (
        "unrealizable: no ranked head has zero training loss (0 of 1 training views are consistent).\n"
        "The training example with tokens (0,), IDs (0,), label 'a' has no view whose label is always the same, even among the "
        "examples without views that have one."
    )


def test_a_training_example_without_candidate_sets_is_said_to_have_no_view() -> None:
    pair = Example((0, 1), (0, 1), "a")
    for scores in SCORES:
        verdict = decide(HeadClass(arity=2), train=[pair, shows("0", "b")], test=[pair], scores=scores)
        assert (verdict.outcome, verdict.example) == ("unrealizable", shows("0", "b"))
        assert "The training example with tokens (0,), IDs (0,), label 'b' has no view" in verdict.explain()


@pytest.mark.parametrize("scores", SCORES)
def test_verdicts_survive_pickling(scores: Scores) -> None:
    found = decide(ONE, train=TRAIN, test=TEST, scores=scores)
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert again.guaranteed == found.guaranteed


def test_heads_are_those_of_the_scores() -> None:
    kinds = {scores: type(decide(ONE, train=TRAIN, test=TEST, scores=scores).counterexample) for scores in SCORES}
    assert (kinds["hard"], kinds["ranked"]) == (HardHead, RankedHead)


@pytest.mark.parametrize("scores", SCORES)
def test_one_label_leaves_abstaining_alone(scores: Scores) -> None:
    train = [shows("0", "a"), shows("12", "a")]
    found = guarantees(ONE, train=train, test=[shows("03", "a"), shows("1", "a"), shows("12", "a")], scores=scores)
    assert found.share == Fraction(2, 3)
    assert found.why(shows("1", "a")) == ("abstains", None)


@pytest.mark.parametrize("scores", ["rank", "Hard", "", None, 3, ["hard"]])
def test_unknown_scores_are_refused(scores: Any) -> None:
    laws = {"train": TRAIN, "test": TEST}
    for ask in (decide, guarantees):
        with pytest.raises(InvalidArgument, match=r"argument scores: got .*; expected one of hard, ranked, soft\."):
            ask(ONE, **laws, scores=scores)  # type: ignore[operator]
    with pytest.raises(InvalidArgument, match=r"certificate_length: argument scores"):
        certificate_length(ONE, lambda length: TEST, lengths=[1], test_lengths=[1], scores=scores)
    with pytest.raises(InvalidArgument, match=r"verdict: argument scores"):
        verdict(subject_of("copy"), "none", scores=scores)


def test_the_nearest_scores_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"decide: argument scores: got 'rank'; .* Did you mean 'ranked'\?"):
        decide(ONE, train=TRAIN, test=TEST, scores="rank")  # type: ignore[arg-type]


@pytest.mark.parametrize("scores", SCORES)
def test_empty_laws_are_refused(scores: Scores) -> None:
    with pytest.raises(InvalidArgument, match=r"guarantees: argument train: got no examples"):
        guarantees(ONE, train=[], test=TEST, scores=scores)
    with pytest.raises(InvalidArgument, match=r"decide: argument test: got no examples"):
        decide(ONE, train=TRAIN, test=[], scores=scores)


def test_only_examples_of_the_test_law_are_asked_about() -> None:
    found = guarantees(ONE, train=TRAIN, test=TEST)
    for ask in (found.why, found.head):
        for stranger in (shows("7", "a"), None, [TRAIN]):
            with pytest.raises(InvalidArgument, match=r"argument example: got .*; expected an example of the test law"):
                ask(stranger)  # type: ignore[operator]
    none = guarantees(ONE, train=[shows("0", "a"), shows("0", "b")], test=TEST, scores="ranked")
    assert (none.realizable, none.share) == (False, None)
    with pytest.raises(AssumptionViolated, match="a training law that no ranked head is perfect on"):
        none.why(shows("0", "a"))


@pytest.mark.parametrize("head", [[(0, 0), (1, 1)], [(0, 1), (1, 1)]], ids=["right at test", "wrong in training"])
def test_a_head_that_is_no_counterexample_is_a_bug(
    head: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = guarantees(ONE, train=TRAIN, test=TEST, scores="ranked")
    monkeypatch.setattr(found.criterion, "head", lambda row: head)
    with pytest.raises(AssertionError, match=r"this is a bug in theory\.guarantees"):
        found.head(shows("04", "a"))


@pytest.mark.parametrize("side", [0, 1], ids=["in training", "at test"])
def test_plain_evaluation_has_to_agree_with_numbers(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = guarantees(ONE, train=TRAIN, test=TEST, scores="ranked")
    trained, tested = np.zeros(len(TRAIN), dtype=bool), np.ones(len(TEST.support()), dtype=bool)
    head = [(0, 1), (1, 1)] if side == 0 else found.criterion.head(0)  # the first is wrong in training
    monkeypatch.setattr(found.criterion, "head", lambda row: head)
    monkeypatch.setattr(found.criterion, "errs", lambda head: (trained, tested))
    with pytest.raises(AssertionError, match=r"this is a bug in theory\.guarantees"):
        found.head(shows("04", "a"))


@pytest.mark.parametrize("scores", ["hard", "ranked"])
def test_a_verdict_tells_of_the_first_reason_and_of_the_first_example_with_it(scores: Scores) -> None:
    flips = [shows("0", "b"), shows("04", "a"), shows("05", "a")]
    found = decide(ONE, train=TRAIN, test=flips, scores=scores)
    assert (found.reason, found.example, found.view) == ("unseen", flips[1], View((4,), ()))


def test_certificate_lengths_depend_on_the_scores() -> None:
    """Ranked heads need to see that view 1 answers without view 0."""

    def law(length: int) -> FiniteLaw:
        return FiniteLaw.uniform([shows("0" + "1" * (length - 1), "a"), shows("1" * length, "b")])

    found = {
        scores: certificate_length(ONE, law, lengths=[1, 2], test_lengths=[1, 2, 3], scores=scores) for scores in SCORES
    }
    assert (found["hard"].length, found["ranked"].length) == (None, 2)
    assert found["hard"].verdicts[2].outcome == "unrealizable"
    assert found["ranked"].verdicts[1].scores == "ranked"


KNOWN = [
    ("sorting", "random ordered", "hard", "∅ no head"),
    ("sorting", "random ordered", "ranked", "✓ from 3"),  # the nearest of the larger IDs answers
    ("copy", "random ordered", "ranked", "∅ no head"),
    ("copy", "coupled", "ranked", "✓ from 3"),
    ("majority", "none", "ranked", "∅ no head"),  # a head that ranks cannot weigh
]


@pytest.mark.parametrize(("task", "scheme", "scores", "word"), KNOWN)
def test_tasks_whose_heads_prefer(task: str, scheme: str, scores: Scores, word: str) -> None:
    cell = verdict(subject_of(task), scheme, scores=scores)
    assert {decision.word for decision in cell.decisions} == {word}
    assert cell.scores == scores


def test_training_that_shows_more_leaves_no_more_heads() -> None:
    """No head is right on "01" with both labels, whatever longer training adds."""
    asked = list[int]()

    def law(length: int) -> list[Example]:
        asked.append(length)
        return [shows("01", "a"), shows("01", "b"), *(shows("0" * n, "a") for n in range(2, length + 1))]

    def tests(length: int) -> list[Example]:
        return [shows("0" * length, "a")]

    for nested, trained in ((True, [1]), (False, [1, 2, 3])):
        asked.clear()
        found = certificate_length(
            ONE, law, lengths=[1, 2, 3], test_lengths=[1, 2, 3], test_law_at=tests, scores="ranked", nested=nested
        )
        assert (found.length, list(found.verdicts), asked) == (None, trained, trained)


def test_a_training_law_that_is_nested_is_asked_until_it_suffices() -> None:
    def law(length: int) -> list[Example]:
        return [shows("0" + "1" * (n - 1), "a") for n in range(1, length + 1)]

    found = [
        certificate_length(ONE, law, lengths=[1, 2], test_lengths=[1, 2, 3], scores="soft", nested=nested)
        for nested in (False, True)
    ]
    assert found[0].verdicts.keys() == found[1].verdicts.keys()
    assert found[0].length == found[1].length


# ── The max-margin head ──────────────────────────────────────────────────────────────────────────────────────────────

COUNTING = [shows("1", "one"), shows("0", "zero"), shows("001", "zero")]
"""The smallest W weighs each 1 as 1 for "one" and each 0 as 2 against it: (2 + 2 - 1) / 3 = 1."""


def test_what_the_max_margin_head_gets_right_is_a_mass_of_the_test_law() -> None:
    test = FiniteLaw(
        {shows("110", "one"): "1/2", shows("01", "zero"): "1/8", shows("1011", "zero"): "3/8"}
    )  # tie, -1, 1
    found = guarantees(ONE, train=COUNTING, test=test, scores="soft")
    assert found.max_margin() == (Fraction(1, 8), Fraction(1, 2))
    assert decide(ONE, train=COUNTING, test=test, scores="soft").max_margin() == (Fraction(1, 8), Fraction(1, 2))


def test_the_max_margin_head_is_asked_about_where_soft_heads_fail() -> None:
    test = [shows("1011", "zero")]
    with pytest.raises(InvalidArgument, match="argument scores: got 'ranked'; expected 'soft'"):
        guarantees(ONE, train=COUNTING, test=test, scores="ranked").max_margin()
    with pytest.raises(BudgetExceeded, match="max_margin"):
        decide(ONE, train=COUNTING, test=test, scores="soft").max_margin(budget=1)
    alike = [*COUNTING, shows("1", "zero")]
    for train, own, scores in ((COUNTING, test, "hard"), (COUNTING, COUNTING, "soft"), (alike, test, "soft")):
        assert decide(ONE, train=train, test=own, scores=scores).max_margin() is None


def test_what_is_in_doubt_is_not_counted_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.max_margin.DOUBT", 2.0)  # every margin is in doubt
    assert guarantees(ONE, train=COUNTING, test=COUNTING, scores="soft").max_margin() == (0, 1)
