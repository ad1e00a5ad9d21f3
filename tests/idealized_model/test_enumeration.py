"""All hard heads at once: the vectorised routes against the plain one."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from idealized_model import HeadSpace, abstention, enumeration, loss
from tests import routes, strategies
from tests.cases import ENSEMBLES, LAWS, example, named, parity
from tests.strategies import Question
from theory import BudgetExceeded, Example, FiniteLaw, HeadClass, InvalidArgument, Law, View
from theory.examples import Label

ONE = HeadClass(1)


def space_of(n_views: int, *labels: Label) -> HeadSpace:
    """Heads of arity 1 on the tokens 0..n_views-1."""
    return HeadSpace(ONE, tuple(View((t,), ()) for t in range(n_views)), labels)


Case = tuple[frozenset[View], Label]


def shown(label: Label, *tokens: int) -> Case:
    """The views of some tokens, with a label."""
    return frozenset(View((t,), ()) for t in tokens), label


def plain_zero_loss(space: HeadSpace, cases: list[Case]) -> list[bool]:
    """The definition, head by head: the answers to the views of a case are its label and nothing else."""
    answers = [dict(zip(space.views, digits, strict=True)) for digits in all_digits(space)]
    return [all({own.get(v) for v in views} - {None} == {label} for views, label in cases) for own in answers]


def all_digits(space: HeadSpace) -> list[tuple[Label | None, ...]]:
    """The answers of every head in the order of head numbers: the first view is the lowest digit."""
    return [digits[::-1] for digits in product((None, *space.labels), repeat=len(space.views))]


# ── Numbering ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("n_views", "labels"), [(0, "a"), (1, "a"), (1, "ab"), (2, "abc"), (3, "ab"), (5, "a")])
def test_heads_are_numbered_by_their_digits(n_views: int, labels: str) -> None:
    space = space_of(n_views, *labels)
    assert space.size == (len(labels) + 1) ** n_views == len(list(space))
    for number, (head, digits) in enumerate(zip(space, all_digits(space), strict=True)):
        expected = {view: label for view, label in zip(space.views, digits, strict=True) if label is not None}
        assert head.answers == expected
        assert head.heads == ONE
        assert space.head(number) == head
        assert space.head(np.int64(number)) == head  # type: ignore[arg-type]


def test_a_space_of_laws_has_their_views_and_labels() -> None:
    train, test = parity(2).at(3), FiniteLaw({example((1, 2, 2), 5): 1}, labels=[7, 5])
    heads = HeadClass(2, 1, "relative")
    space = HeadSpace.of(heads, train, test)
    assert space.labels == (0, 1, 7, 5)
    assert len(space.views) == len(set(space.views))
    assert set(space.views) == {v for law in (train, test) for e in law.support() for v in routes.views(heads, e)}
    assert HeadSpace.of(heads, train, test) == space


# ── Zero loss ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(question=strategies.questions())
def test_zero_loss_is_that_of_the_plain_route(question: Question) -> None:
    heads, train, test = question
    space = HeadSpace.of(heads, FiniteLaw.uniform(train), FiniteLaw.uniform(test))
    assume(space.size <= 2000)
    for examples in (train, test, [*train, *test]):
        expected = [all(routes.head_loss(head, e) == 0 for e in examples) for head in space]
        assert space.zero_loss(examples).tolist() == expected


@pytest.mark.parametrize("n_views", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("labels", ["a", "ab", "abc"])
def test_zero_loss_on_spaces_with_small_and_empty_halves(n_views: int, labels: str) -> None:
    space = space_of(n_views, *labels)
    rng = np.random.default_rng(n_views)
    lists: list[list[Case]] = [[], [shown("a")], [shown("a", *range(n_views))], [shown("not a label", 0)]]

    def random_case() -> Case:
        tokens = rng.integers(0, n_views + 1, size=rng.integers(1, 4)).tolist()
        return shown(labels[rng.integers(0, len(labels))], *tokens)

    lists += [[random_case() for _ in range(rng.integers(1, 4))] for _ in range(20)]
    for cases in lists:
        found = space.zero_loss(cases)
        assert found.dtype == np.bool_
        assert found.tolist() == plain_zero_loss(space, cases)


@pytest.mark.parametrize("n_cases", [63, 64, 65, 127, 128, 129, 200])
def test_zero_loss_on_many_cases(n_cases: int) -> None:
    """More cases than a word has bits; all but one hold for the secret heads, which differ on the last one alone."""
    space = space_of(8, "a", "b")
    subsets = [s for k in range(1, 8) for s in combinations(range(8), k) if s != (7,)]
    cases = [shown("a", *s) for s in subsets[: n_cases - 1]]
    deciding = shown("a", 7)
    for place in (0, 1, n_cases // 2, n_cases - 1):
        mixed = [*cases[:place], deciding, *cases[place:]]
        assert len(set(mixed)) == n_cases
        assert space.zero_loss(mixed).tolist() == plain_zero_loss(space, mixed)
        # Without the deciding case there are more perfect heads: it counts, at whatever bit it stands.
        assert space.zero_loss(cases).sum() > space.zero_loss(mixed).sum() >= 1


@pytest.mark.parametrize("place", [0, 5, 63, 64, 100, 127, 128, 150])
def test_a_contradiction_counts_at_every_bit(place: int) -> None:
    space = space_of(8, "a", "b", "c")
    subsets = [s for k in range(1, 8) for s in combinations(range(8), k)][:150]
    cases = [shown("a", *s) for s in subsets]
    assert space.zero_loss(cases).any()
    assert not space.zero_loss([*cases[:place], shown("b", 0, 3, 7), *cases[place:]]).any()


def test_repeated_cases_count_once() -> None:
    space = space_of(3, "a", "b")
    cases = [shown("a", 0, 1), shown("b", 2)]
    assert space.zero_loss(cases * 100).tolist() == space.zero_loss(cases).tolist()
    assert space.zero_loss(iter(cases)).tolist() == space.zero_loss(cases).tolist()


def test_views_outside_the_space_are_ignored() -> None:
    space = space_of(2, "a", "b")
    assert space.zero_loss([shown("a", 0, 9)]).tolist() == space.zero_loss([shown("a", 0)]).tolist()


# ── Losses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_losses(space: HeadSpace, law: Law) -> None:
    losses, abstaining, denominator = space.losses(law)
    assert losses.dtype == abstaining.dtype == np.int64
    for number, head in enumerate(space):
        expected = routes.expected_loss(head, law)
        assert Fraction(int(losses[number]), denominator) == expected == space.loss_of(number, law)
        silent = sum(
            (p for e, p in law.items() if not any(v in head.answers for v in space.heads.views(e))), Fraction(0)
        )
        assert Fraction(int(abstaining[number]), denominator) == silent


@given(law=strategies.finite_laws(), heads=strategies.heads(2))
def test_losses_are_those_of_the_plain_route(law: FiniteLaw, heads: HeadClass) -> None:
    space = HeadSpace.of(heads, law)
    assume(space.size <= 300)
    check_losses(space, law)


@pytest.mark.parametrize("name", ["parity at 2", "finite", "one label at 4", "one at 4"])
def test_losses_of_the_cases(name: str) -> None:
    check_losses(HeadSpace.of(ONE, LAWS[name]), LAWS[name])


@pytest.mark.parametrize("n_views", [0, 1, 2, 3])
@pytest.mark.parametrize("labels", ["a", "ab", "abc"])
def test_losses_on_spaces_with_small_and_empty_halves(n_views: int, labels: str) -> None:
    law = FiniteLaw({example((0, 1, 1), "a"): "1/7", example((2, 0, 3), "b"): "2/7", example((1, 1), "c"): "4/7"})
    check_losses(space_of(n_views, *labels), law)


@pytest.mark.parametrize(("block", "cases"), [(1, 1), (4, 2), (30, 1), (2**14, 3)])
def test_losses_do_not_depend_on_the_size_of_blocks(block: int, cases: int, monkeypatch: pytest.MonkeyPatch) -> None:
    law = ENSEMBLES["noisy"].at(3)
    space = HeadSpace(
        HeadClass(1, None, "absolute"), tuple(View((t,), (p,)) for t in range(3) for p in (0, 2)), ("x", "y")
    )
    assert space.size == 3**6
    losses, abstaining, denominator = space.losses(law)
    monkeypatch.setattr(enumeration, "BLOCK", block)
    monkeypatch.setattr(enumeration, "CASES_AT_ONCE", cases)
    again = space.losses(law)
    assert (again[0] == losses).all()
    assert (again[1] == abstaining).all()
    assert again[2] == denominator
    for number in (0, 1, 100, 728):
        assert Fraction(int(losses[number]), denominator) == space.loss_of(number, law)


def test_losses_agree_with_the_risk_of_single_heads() -> None:
    law = ENSEMBLES["noisy"].at(3)
    space = HeadSpace(ONE, tuple(View((t,), ()) for t in range(3)), ("x", "y"))
    losses, abstaining, denominator = space.losses(law)
    for number, head in enumerate(space):
        assert Fraction(int(losses[number]), denominator) == loss(head, law)
        assert Fraction(int(abstaining[number]), denominator) == abstention(head, law)


def test_a_denominator_below_62_bits_is_exact() -> None:
    rare = Fraction(1, 2**60)
    law = FiniteLaw({example((0, 1), "a"): 1 - rare, example((1, 1), "b"): rare})
    check_losses(space_of(2, "a", "b"), law)


# ── A frozen value, and bad input ────────────────────────────────────────────────────────────────────────────────────


def test_a_space_is_a_frozen_value() -> None:
    space = space_of(2, "a", "b")
    assert pickle.loads(pickle.dumps(space)) == space
    assert hash(space) == hash(space_of(2, "a", "b"))
    assert HeadSpace(ONE, list(space.views), list(space.labels)) == space  # type: ignore[arg-type]
    assert space_of(2, "b", "a") != space
    with pytest.raises(dataclasses.FrozenInstanceError):
        space.labels = ()  # type: ignore[misc]


VIEW = View((0,), ())


@pytest.mark.parametrize(
    ("heads", "views", "labels", "message"),
    [
        (None, (), ("a",), r"argument heads: got the NoneType None; expected a HeadClass"),
        (ONE, (VIEW,), (), r"argument labels: got no labels; expected at least one label\. Give the label set\."),
        (ONE, (VIEW,), "ab", r"argument labels: got the str 'ab'; expected a list or tuple of labels"),
        (ONE, (VIEW,), None, r"argument labels: got the NoneType None; expected a list or tuple"),
        (ONE, (VIEW,), (["a"],), r"argument labels\[0\]: got the list \['a'\]; expected a hashable label"),
        (
            ONE,
            (VIEW,),
            ("a", "b", "a"),
            r"argument labels: got \('a', 'b', 'a'\); expected each of the labels once\. Use",
        ),
        (
            ONE,
            (VIEW, VIEW),
            ("a",),
            r"argument views: got .*; expected each of the views once\. Use tuple\(dict\.fromkeys",
        ),
        (ONE, None, ("a",), r"argument views: got the NoneType None; expected a tuple of views\. Take views from"),
        (ONE, {VIEW}, ("a",), r"argument views: got the set .*; expected a tuple of views"),
        (ONE, VIEW, ("a",), r"argument views: got the view \(0,\); expected a View: a pair"),
        (
            ONE,
            (View((0, 1), ()),),
            ("a",),
            r"argument views: got the view .* with 2 tokens and a key of 0; expected 1 tok",
        ),
        (ONE, (0, 1), ("a",), r"argument views: got the view 0; expected a View"),
    ],
    ids=named,
)
def test_what_is_no_space_is_refused(heads: Any, views: Any, labels: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^HeadSpace: {message}"):
        HeadSpace(heads, views, labels)


def test_a_space_is_of_laws() -> None:
    with pytest.raises(
        InvalidArgument, match=r"^HeadSpace\.of: argument laws: got the list .*; expected laws\. Wrap exam"
    ):
        HeadSpace.of(ONE, [example((0,))])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^HeadSpace\.of: argument heads: got the int 1; expected a HeadClass"):
        HeadSpace.of(1, LAWS["finite"])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^HeadSpace: argument labels: got no labels"):
        HeadSpace.of(ONE)


@pytest.mark.parametrize("number", [-1, 9, 1.0, "1", None, True], ids=named)
def test_a_head_number_is_in_range(number: Any) -> None:
    message = r"^HeadSpace\.head: argument number: got .*; expected an integer in 0\.\.8\. Numbers start at 0\."
    with pytest.raises(InvalidArgument, match=message):
        space_of(2, "a", "b").head(number)
    with pytest.raises(InvalidArgument, match=message):
        space_of(2, "a", "b").loss_of(number, LAWS["finite"])


def test_more_heads_than_the_budget_are_refused() -> None:
    space, law = space_of(3, "a", "b"), FiniteLaw({example((0,), "a"): 1})
    assert len(space.zero_loss([], budget=27)) == len(space.losses(law, budget=27)[0]) == 27
    with pytest.raises(
        BudgetExceeded, match=r"^HeadSpace\.zero_loss: .* a budget of 26 for an enumeration of 27 items"
    ):
        space.zero_loss([], budget=26)
    with pytest.raises(BudgetExceeded, match=r"^HeadSpace\.losses: .* a budget of 26 for an enumeration of 27 items"):
        space.losses(law, budget=26)
    with pytest.raises(InvalidArgument, match=r"^HeadSpace\.losses: argument budget: got None; expected an integer"):
        space.losses(law, budget=None)  # type: ignore[arg-type]
    huge = space_of(60, "a", "b")
    assert huge.size == 3**60
    for refuse in (lambda: huge.zero_loss([]), lambda: huge.losses(law)):
        with pytest.raises(BudgetExceeded, match=r"a budget of 50,000,000 for an enumeration of 42,391,158,275"):
            refuse()


def test_a_denominator_beyond_62_bits_is_refused_with_a_way_out() -> None:
    rare = Fraction(1, 2**62)
    law = FiniteLaw({example((0,), "a"): 1 - rare, example((1,), "b"): rare})
    space = space_of(2, "a", "b")
    message = r"^HeadSpace\.losses \(denominator\): argument law: .* Use loss_of for single heads, or ask for a smaller"
    with pytest.raises(BudgetExceeded, match=message) as caught:
        space.losses(law)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert space.loss_of(1, law) == rare


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (LAWS["finite"], r"argument examples: got the FiniteLaw .*; expected an iterable of examples\. Of a law take"),
        (None, r"argument examples: got the NoneType None; expected an iterable"),
        (
            [None],
            r"argument examples: got None; expected examples, or pairs \(frozenset of views, label\)\. Pass Example",
        ),
        ([({VIEW}, "a")], r"argument examples: got .*; expected examples, or pairs \(frozenset"),
        ([(frozenset({VIEW}), "a", 1)], r"argument examples: got .*; expected examples, or pairs"),
        ([(frozenset({VIEW}), ["a"])], r"argument examples: got the list \['a'\]; expected a hashable label"),
        ("ab", r"argument examples: got 'a'; expected examples, or pairs"),
    ],
    ids=named,
)
def test_zero_loss_is_on_examples(examples: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^HeadSpace\.zero_loss: {message}"):
        space_of(2, "a", "b").zero_loss(examples)


@pytest.mark.parametrize("law", [None, [example((0,))], ENSEMBLES["parity"]], ids=named)
def test_losses_are_under_a_law(law: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^HeadSpace\.losses: argument law: got the .*; expected a law\. Wrap examples"
    ):
        space_of(2, "a", "b").losses(law)


def test_examples_and_pairs_say_the_same() -> None:
    space = HeadSpace.of(HeadClass(2, 1, "order"), parity(2).at(3))
    examples: list[Example] = list(parity(2).at(3).support())
    pairs = [(space.heads.views(e), e.label) for e in examples]
    assert space.zero_loss(examples).tolist() == space.zero_loss(pairs).tolist()
