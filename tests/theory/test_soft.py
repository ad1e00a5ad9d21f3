"""T14: soft heads, what they guarantee, with every certificate and head evaluated; the max-margin head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from idealized_model import SparseAttentionHead
from proofs_check.claims.t14 import Statement
from tests.cases import parity
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Example,
    HeadClass,
    InvalidArgument,
    View,
    decide,
    mixture,
    soft,
    tasks,
)
from theory.errors import NotConverged
from theory.guarantees import Guarantees, guarantees
from theory.soft import SoftGuarantees, SoftHead, Term, max_margin, soft_guarantees
from theory.tasks import Task, step_examples


def counts(*rows: Sequence[int]) -> csr_array:
    return csr_array(np.array(rows, dtype=np.int64))


def majority(lengths: Iterable[int], *, asked: bool = False) -> tuple[csr_array, list[int]]:
    """(zeros, ones), and with `asked` one token that asks for the answer: whether ones are more."""
    rows = [(n - ones, ones, *([1] if asked else [])) for n in lengths for ones in range(n + 1)]
    return counts(*rows), [int(row[1] > row[0]) for row in rows]


def doubtful(found: SoftGuarantees) -> list[int]:
    return np.flatnonzero(~found.guaranteed).tolist()


# ── Certificates ─────────────────────────────────────────────────────────────────────────────────────────────────────


def check_everything(
    train: list[list[int]], labels: list[int], test: list[list[int]], asked: list[int], n_labels: int
) -> SoftGuarantees:
    """Evaluate whatever is said, in plain Python."""
    found = soft_guarantees(counts(*train), labels, counts(*test), asked, n_labels)

    def right(row: list[int], label: int, weights: Any) -> bool:
        masses = [sum(n * weights[v].get(y, 0) for v, n in enumerate(row) if v in weights) for y in range(n_labels)]
        own = masses.pop(label)
        return bool(own > max(masses, default=0))

    def plain(terms: Iterable[Term]) -> list[list[Fraction]]:
        total = [[Fraction(0)] * n_labels for _ in train[0]]
        for term in terms:
            assert term.coefficient > 0
            assert term.other != labels[term.example]
            for v, n in enumerate(train[term.example]):
                total[v][labels[term.example]] += term.coefficient * n
                total[v][term.other] -= term.coefficient * n
        return total

    if not found.realizable:
        assert not found.guaranteed.any()
        if n_labels > 1:
            assert not any(map(any, plain(found.combination)))
            assert sum(term.coefficient for term in found.combination) == 1
            assert found.stuck == min(term.example for term in found.combination)
        else:
            assert found.stuck == train.index([0] * len(train[0]))
        return found
    assert found.weights is not None
    least = found.weights.min(axis=1, keepdims=True) if n_labels > 1 else 0
    base = {v: dict(enumerate(row)) for v, row in enumerate((found.weights - least).tolist())}
    assert all(right(row, y, base) for row, y in zip(train, labels, strict=True))
    for i, (row, label) in enumerate(zip(test, asked, strict=True)):
        if found.guaranteed[i]:
            assert found.why(i) is None
            certificate = found.certificate(i)
            assert certificate.keys() == set(range(n_labels)) - {label}
            for other, terms in certificate.items():
                assert plain(terms) == [[n * ((y == label) - (y == other)) for y in range(n_labels)] for n in row]
            with pytest.raises(InvalidArgument, match="expected a test example that is not guaranteed"):
                found.head(i)
        else:
            why = found.why(i)
            assert why is not None
            assert why[0] == ("abstains" if n_labels == 1 else "outside" if any(row) else "zero")
            head = found.head(i)
            assert all(score > 0 and sum(g.values()) == 1 and min(g.values()) > 0 for score, g in head.values())
            weights = {v: {y: score * p for y, p in g.items()} for v, (score, g) in head.items()}
            assert all(right(r, y, weights) for r, y in zip(train, labels, strict=True))
            assert not right(row, label, weights)
            on_train, on_test = found.errs(head)
            assert not on_train.any()
            assert on_test.tolist() == [not right(r, y, weights) for r, y in zip(test, asked, strict=True)]
            with pytest.raises(InvalidArgument, match="expected a guaranteed test example"):
                found.certificate(i)
    return found


@st.composite
def systems(draw: st.DrawFn) -> tuple[list[list[int]], list[int], list[list[int]], list[int], int]:
    """Counts with labels; of these of training a hidden head gives most, so that many are realizable."""
    n_views, n_labels = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    entries = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 7])
    rows = st.lists(entries, min_size=n_views, max_size=n_views)
    hidden = draw(st.none() | st.lists(st.integers(0, 5), min_size=n_views * n_labels, max_size=n_views * n_labels))

    def labelled(least: int, most: int) -> tuple[list[list[int]], list[int]]:
        found = draw(st.lists(rows, min_size=least, max_size=most))
        if hidden is None:
            return found, [draw(st.integers(0, n_labels - 1)) for _ in found]
        return found, (np.array(found) @ np.array(hidden).reshape(n_views, n_labels)).argmax(axis=1).tolist()

    return *labelled(1, 5), *labelled(1, 4), n_labels


@given(systems())
def test_every_answer_is_shown_and_agrees_with_elimination(
    system: tuple[list[list[int]], list[int], list[list[int]], list[int], int],
) -> None:
    train, labels, test, asked, n_labels = system
    found = check_everything(*system)
    if n_labels > 1 and len(train[0]) * (n_labels - 1) <= 4:
        cases = [[(tuple(row), y) for row, y in zip(*law, strict=True)] for law in ((train, labels), (test, asked))]
        assert Statement().says(cases[0], cases[1], n_labels) == (found.realizable, tuple(found.guaranteed.tolist()))


def test_labels_that_training_does_not_show() -> None:
    """Of labels 0 to 4 training shows 1 and 3: the others are never guaranteed, and none of them is overlooked."""
    found = check_everything(
        [[2, 0, 0], [0, 1, 0]], [1, 3], [[4, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], [1, 3, 0, 4, 1], 5
    )
    assert found.guaranteed.tolist() == [True, True, False, False, False]


def test_what_training_shows_is_guaranteed_against_every_label() -> None:
    rows = [[1, 0, 0], [2, 1, 1], [0, 0, 1]]
    assert check_everything(rows, [0, 1, 2], [[3 * n for n in row] for row in rows], [0, 1, 2], 4).guaranteed.all()


def test_views_that_no_example_connects_are_decided_apart() -> None:
    """A contradiction on one view, and an unseen view, say nothing of the others."""
    train, labels = [[1, 0, 0, 0], [0, 1, 2, 0], [0, 2, 1, 0]], [0, 1, 0]
    found = check_everything(train, labels, [[3, 1, 2, 0], [3, 2, 1, 0], [3, 0, 0, 1], [0, 3, 3, 0]], [1, 0, 0, 1], 2)
    assert found.guaranteed.tolist() == [False, True, False, False]
    again = check_everything([*train, [5, 0, 0, 0]], [*labels, 1], [[0, 1, 2, 0]], [1], 2)
    assert not again.realizable
    assert {term.example for term in again.combination} == {0, 3}


def test_with_one_label_only_abstaining_counts() -> None:
    found = check_everything([[2, 1, 0], [0, 0, 1]], [0, 0], [[1, 5, 0], [1, 0, 0], [0, 0, 9], [0, 0, 0]], [0] * 4, 1)
    assert found.guaranteed.tolist() == [True, False, True, False]
    assert not check_everything([[1], [0]], [0, 0], [[1]], [0], 1).realizable


def test_an_example_without_candidate_sets_is_always_a_tie() -> None:
    found = check_everything([[1, 0], [0, 1]], [0, 1], [[0, 0], [1, 0]], [0, 0], 2)
    assert [found.why(i) for i in range(2)] == [("zero", None), None]
    assert check_everything([[1, 0], [0, 0]], [0, 1], [[1, 0]], [0], 2).stuck == 1


def test_counts_of_any_size_are_exact() -> None:
    large = 2**29
    found = check_everything(
        [[large, large - 1], [large - 1, large]], [0, 1], [[large + 5, large + 4], [large - 2, large - 1]], [0, 1], 2
    )
    assert found.guaranteed.tolist() == [False, True]


# ── What T14 says of tasks ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", [False, True])
def test_majority_guarantees_all_counts_but_near_ties(asked: bool) -> None:
    for longest, length, tie in ((5, 7, 4), (7, 9, 5)):
        train, test = majority(range(1, longest + 1), asked=asked), majority([length], asked=asked)
        assert doubtful(soft_guarantees(*train, *test, 2)) == [tie]


def test_majority_of_a_hundred() -> None:
    def at_100(longest: int, *, asked: bool) -> list[int]:
        return doubtful(
            soft_guarantees(*majority(range(1, longest + 1), asked=asked), *majority([100], asked=asked), 2)
        )

    assert at_100(10, asked=False) == [51, 52, 53, 54, 55]
    assert at_100(30, asked=False) == [51]
    assert at_100(10, asked=True) == [*range(46, 57)]


def test_planted_parity_promises_nothing_longer() -> None:
    bits = parity(2)
    for longest in (3, 4):
        train = mixture([(bits.at(n), Fraction(1, longest - 1)) for n in range(2, longest + 1)])
        shares = [
            guarantees(HeadClass(2), train=train, test=bits.at(n), scores="soft").share
            for n in (longest, longest + 1, 6)
        ]
        assert shares == [1, 0, 0]


def steps(task: Task, lengths: Iterable[int], *, coupled: bool) -> list[Example]:
    found: dict[Example, None] = {}
    for length in lengths:
        for instance in task.support(length):
            ids = instance.ids if coupled else tuple(range(len(instance.tokens)))
            found |= dict.fromkeys(step_examples(instance, ids))
    return list(found)


def told(task: Task, arity: int, *, coupled: bool = True, lengths: tuple[range, range], **of: Any) -> Guarantees:
    heads = HeadClass(arity, anchor=task.anchor, **of)
    train, test = (steps(task, own, coupled=coupled) for own in lengths)
    return guarantees(heads, train=train, test=test, scores="soft")


SHORT = range(1, 4), range(1, 6)


@pytest.mark.parametrize(
    "task",
    [tasks.QueryCoupled(tasks.Sorting(2)), tasks.QueryCoupled(tasks.Copy(2)), tasks.ScratchpadParity("query")],
    ids=lambda task: task.name,
)
def test_one_candidate_a_step_guarantees_everything(task: Task) -> None:
    assert told(task, 2, window=0, lengths=SHORT).share == 1


@pytest.mark.parametrize(
    ("task", "arity"),
    [(tasks.FullParity(), 1), (tasks.FullParity(), 2), (tasks.SumModulo(3), 1), (tasks.SumModulo(3), 2)],
    ids=str,
)
def test_dense_sums_are_unrealizable(task: Task, arity: int) -> None:
    found = told(task, arity, coupled=False, lengths=(range(4, 7), range(4, 7)))
    assert not found.realizable
    assert found.share is None


def test_sorting_prefers_the_nearest_larger_id() -> None:
    """With the order of coupled IDs soft heads sort in training, though not all of them longer; without IDs none does."""
    task = tasks.Sorting(2)
    found = told(task, 2, key="order", lengths=(range(1, 5), range(1, 6)))
    assert found.realizable
    assert found.share is not None
    assert 0 < found.share < 1
    assert not told(task, 2, lengths=(range(1, 5), range(1, 6))).realizable


def test_decide_gives_the_head_that_errs() -> None:
    def law(*sizes: tuple[int, int]) -> list[Example]:
        return [Example((0,) * a + (1,) * b, tuple(range(a + b)), int(b > a)) for a, b in sizes]

    verdict = decide(HeadClass(1), train=law((1, 0), (0, 1), (1, 2), (2, 1)), test=law((1, 3), (3, 4)), scores="soft")
    assert (verdict.outcome, verdict.reason, verdict.guaranteed) == ("fails", "outside", Fraction(1, 2))
    head = verdict.counterexample
    assert isinstance(head, SoftHead)
    assert [head.loss(example) for example in law((1, 0), (0, 1), (1, 2), (2, 1), (3, 4))] == [0, 0, 0, 0, 1]


# ── The head as an object ────────────────────────────────────────────────────────────────────────────────────────────

ONE = HeadClass(1)
VIEWS = [View((token,), ()) for token in range(3)]
LABELS = ("a", "b", "c")


@given(
    st.dictionaries(
        st.sampled_from(VIEWS),
        st.tuples(st.integers(1, 4), st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any)),
    ),
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.sampled_from(LABELS),
)
def test_greedy_answers_are_those_of_attention(answers: dict[View, Any], tokens: list[int], label: str) -> None:
    laws: dict[View, Any] = {
        view: (score, {y: Fraction(x, sum(own)) for y, x in zip(LABELS, own, strict=True)})
        for view, (score, own) in answers.items()
    }
    head, example = SoftHead(ONE, laws), Example(tuple(tokens), tuple(range(len(tokens))), label)
    out = SparseAttentionHead(
        ONE, score={v: a for v, (a, _) in laws.items()}, value={v: g for v, (_, g) in laws.items()}
    )(example)
    best = [y for y, mass in out.law.items() if mass == max(out.law.values())]
    assert head.answer(example) == (best[0] if len(best) == 1 else None)
    assert head.loss(example) == (best != [label])
    assert sum(head.masses(example).values()) == out.denominator


def test_a_soft_head_is_a_value() -> None:
    answers: dict[View, Any] = {VIEWS[0]: (2, {"a": "1/2", "b": "1/2", "c": 0})}
    head = SoftHead(ONE, answers)
    assert head == SoftHead(ONE, {VIEWS[0]: (Fraction(2), {"b": Fraction(1, 2), "a": Fraction(1, 2)})})
    assert len({head, SoftHead(ONE, answers)}) == 1
    answers.clear()
    assert head.answers


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "argument answers: got the list .*expected a mapping"),
        ({VIEWS[0]: 1}, "expected a pair"),
        ({VIEWS[0]: (1, "a")}, "expected a pair"),
        ({VIEWS[0]: (0, {"a": 1})}, "expected a score > 0"),
        ({VIEWS[0]: (-1, {"a": 1})}, "expected a score > 0"),
        ({VIEWS[0]: (0.5, {"a": 1})}, "expected an exact rational"),
        ({VIEWS[0]: (1, {"a": "1/3"})}, "got weights that sum to 1/3"),
        ({View((0, 1), ()): (1, {"a": 1})}, r"expected 1 tokens \(the arity\)"),
    ],
    ids=str,
)
def test_what_is_no_soft_head_is_refused(answers: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        SoftHead(ONE, answers)


# ── Refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = counts([1, 0], [0, 1])
TWICE = csr_array(([2**62] * 4, [0, 0, 1, 1], [0, 4]))  # with each entry in two parts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD, [0, 1], GOOD, [0, 1], 0), "argument n_labels: got 0; expected an integer >= 1"),
        (([[1]], [0], GOOD, [0, 1], 2), r"argument train: got the list .* expected a scipy\.sparse\.csr_array"),
        ((GOOD.astype(float), [0, 1], GOOD, [0, 1], 2), "argument train: got the csr_array"),
        ((GOOD.tocsc(), [0, 1], GOOD, [0, 1], 2), "argument train: got the csc_array"),
        ((counts([1, -2]), [0], GOOD, [0, 1], 2), "argument train: got the count -2; expected counts >= 0"),
        # Sums that leave 64 bits, and an entry that does.
        ((counts([2**62, 2**62], [1, 0]), [0, 1], GOOD, [0, 1], 2), "got 4,611,686,018,427,387,904 candidate sets"),
        ((TWICE, [0], GOOD, [0, 1], 2), "got 4,611,686,018,427,387,904 candidate sets of an example; expected fewer"),
        (
            (csr_array(np.array([[2**63 + 5, 1]], dtype=np.uint64)), [0], GOOD, [0, 1], 2),
            "got 9,223,372,036,854,775,813 candidate sets of an example; expected fewer than 2,147,483,648",
        ),
        ((counts([2**30, 2**30]), [0], GOOD, [0, 1], 2), "got 2,147,483,648 candidate sets of an example"),
        (
            (GOOD, [[0], [1, 2]], GOOD, [0, 1], 2),
            r"argument train_labels: got \[\[0\], \[1, 2\]\]; expected 2 integers",
        ),
        ((GOOD, [0], GOOD, [0, 1], 2), r"argument train_labels: got \[0\]; expected 2 integers in 0\.\.1"),
        ((GOOD, [0, 1], GOOD, [0, 2], 2), r"argument test_labels: got \[0, 2\]"),
        ((GOOD, [0, -1], GOOD, [0, 1], 2), r"argument train_labels: got \[0, -1\]"),
        ((GOOD, ["a", "b"], GOOD, [0, 1], 2), "argument train_labels"),
        ((GOOD, [0, 1], counts([1, 0, 0]), [0], 2), "argument test: got 3 views; expected 2, as in training"),
        ((GOOD[:0], [], GOOD, [0, 1], 2), "argument train: got no examples"),
        ((counts([2**31, 0]), [0], GOOD, [0, 1], 2), "argument train: got 2,147,483,648 candidate sets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_law_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        soft_guarantees(*arguments)


@pytest.mark.parametrize("n_labels", [15_000_001, 10**30])
def test_more_labels_than_could_ever_occur_are_refused(n_labels: int) -> None:
    with pytest.raises(BudgetExceeded, match=r"views x labels.*Count only labels that occur, and one more"):
        soft_guarantees(GOOD, [0, 1], GOOD, [0, 1], n_labels)


def test_views_that_no_training_example_has_are_in_no_block() -> None:
    """View 0 is unseen, and lies before the views of the last block."""
    found = soft_guarantees(counts([0, 1, 0], [0, 0, 1]), [0, 1], counts([1, 0, 0], [0, 0, 1]), [1, 1], 2)
    assert [found.why(row) for row in (0, 1)] == [("outside", None), None]


def test_labels_that_no_example_has_are_told_apart_by_nothing() -> None:
    """Of a hundred of them as of one: a head may prefer each to a tie."""
    found = soft_guarantees(GOOD, [0, 1], counts([2, 0], [1, 1], [1, 0]), [0, 0, 50], 102)
    assert found.guaranteed.tolist() == [True, False, False]
    assert {other: terms for other, terms in found.certificate(0).items() if other in (1, 101)} == {
        other: (Term(0, other, Fraction(2)),) for other in (1, 101)
    }
    for row in (1, 2):
        on_train, on_test = found.errs(found.head(row))
        assert not on_train.any()
        assert on_test[row]


@pytest.mark.parametrize("row", [-1, 2, "0", [0], True, 10**30])
def test_a_place_of_no_test_example_is_refused(row: Any) -> None:
    found = soft_guarantees(GOOD, [0, 1], counts([1, 0], [1, 1]), [0, 1], 2)
    assert found.why(np.int64(1)) == ("outside", None)  # type: ignore[arg-type]
    for ask in (found.why, found.head, found.certificate):
        with pytest.raises(InvalidArgument, match=r"argument row: got .* by its number in 0\.\.1"):
            ask(row)


def test_no_test_examples_are_no_fault() -> None:
    for labels in (1, 2):
        assert soft_guarantees(GOOD, [0, labels - 1], GOOD[:0], [], labels).guaranteed.tolist() == []


def test_a_large_program_is_refused_with_its_size() -> None:
    train, labels = majority(range(1, 5))
    with pytest.raises(BudgetExceeded, match="Here are 7 rows x 2 columns") as refused:
        soft_guarantees(train, labels, train, labels, 2, budget=13)
    assert refused.value.size == 14
    assert soft_guarantees(train, labels, train, labels, 2, budget=14).guaranteed.all()


def test_a_program_is_of_one_block_and_only_where_labels_do_not_contradict() -> None:
    apart = counts([1, 0, 0], [0, 2, 0], [0, 0, 3])
    assert soft_guarantees(apart, [0, 1, 0], apart, [0, 1, 0], 2, budget=1).guaranteed.all()
    alike = counts([1, 2, 0], [2, 4, 0])
    assert not soft_guarantees(alike, [0, 1], alike, [0, 1], 2, budget=1).realizable


# ── The max-margin head ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_max_margin_head_of_majority_is_the_one_by_hand() -> None:
    """The tie at 10 and the 5 of 9 bind: -19 and 17 between the labels, half of it each."""
    head = max_margin(*majority(range(1, 11)), 2)
    assert np.allclose(head.weights, [[9.5, -9.5], [-8.5, 8.5]], atol=1e-6)
    assert np.isclose(head.margins(*majority(range(1, 11))).min(), 1)


@pytest.mark.parametrize(
    ("longest", "length", "errors"),
    [(10, 20, []), (10, 40, [21]), (10, 100, [51, 52]), (20, 100, [51]), (30, 100, []), (30, 120, [61])],
)
@pytest.mark.parametrize("asked", [False, True])
def test_the_max_margin_head_errs_just_above_the_tie(longest: int, length: int, errors: list[int], asked: bool) -> None:
    train, test = majority(range(1, longest + 1), asked=asked), majority([length], asked=asked)
    wrong, doubt = max_margin(*train, 2).errs(*test)
    assert np.flatnonzero(wrong & ~doubt).tolist() == errors
    assert not doubt.any()
    assert not soft_guarantees(*train, test[0][errors], [1] * len(errors), 2).guaranteed.any()


def test_an_exact_tie_of_the_max_margin_head_is_in_doubt() -> None:
    """-10.5 · 47 + 9.5 · 52 - 0.5 = 0."""
    _, doubt = max_margin(*majority(range(1, 11), asked=True), 2).errs(*majority([99], asked=True))
    assert np.flatnonzero(doubt).tolist() == [52]
    nothing = max_margin(GOOD, [0, 1], 2).errs(counts([0, 0]), [0])
    assert [own.tolist() for own in nothing] == [[True], [True]]


@given(systems())
def test_the_max_margin_head_has_margin_one_and_no_smaller_norm(
    system: tuple[list[list[int]], list[int], list[list[int]], list[int], int],
) -> None:
    """Least norm: among matrices with margin 1, those of other perfect heads are no smaller."""
    train, labels, _, _, n_labels = system
    if n_labels == 1:
        return
    rows = counts(*train)
    found = soft_guarantees(rows, labels, rows, labels, n_labels)
    if not found.realizable:
        with pytest.raises(AssumptionViolated, match="no soft head is perfect"):
            max_margin(rows, labels, n_labels)
        return
    assert found.weights is not None
    head = max_margin(rows, labels, n_labels)
    margins = head.margins(rows, labels)
    assert np.isclose(margins.min(), 1, atol=1e-5)
    assert np.allclose(head.weights.sum(axis=1), 0, atol=1e-6 * np.abs(head.weights).max())
    rng, norm = np.random.default_rng(0), np.linalg.norm(head.weights)
    for other in (
        found.weights.astype(float),
        *(head.weights + rng.normal(size=head.weights.shape) * norm / 10 for _ in range(20)),
    ):
        least = soft.MaxMarginHead(other).margins(rows, labels).min()
        assert least <= 0 or np.linalg.norm(other) / least >= norm * (1 - 1e-6)


def test_what_has_no_margin_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="argument n_labels: got 1"):
        max_margin(GOOD, [0, 0], 1)
    with pytest.raises(BudgetExceeded, match="Here are 2 x 4"):
        max_margin(GOOD, [0, 1], 2, budget=7)
    with pytest.raises(InvalidArgument, match="argument rows: got 3 views; expected 2"):
        max_margin(GOOD, [0, 1], 2).margins(counts([1, 0, 0]), [0])


def test_a_quadratic_program_that_does_not_converge_is_said_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.optimize

    monkeypatch.setattr(scipy.optimize, "nnls", lambda matrix, right, maxiter: (np.full(matrix.shape[1], 0.1), 0.0))
    with pytest.raises(NotConverged, match="did not converge: the least margin is"):
        max_margin(*majority(range(1, 6)), 2)

    def too_many_steps(matrix: Any, right: Any, maxiter: int) -> Any:
        raise RuntimeError("Maximum number of iterations reached.")

    monkeypatch.setattr(scipy.optimize, "nnls", too_many_steps)
    with pytest.raises(NotConverged, match=r"did not converge: the least margin is 0\.0.*inconclusive"):
        max_margin(*majority(range(1, 6)), 2)


def test_every_other_label_counts() -> None:
    """Label 2 is what a head must not be wrong about, though label 1 is beaten."""
    head = max_margin(counts([1, 0, 0], [0, 1, 0], [0, 0, 1]), [0, 1, 2], 3)
    assert np.allclose(head.margins(counts([2, 1, 1], [1, 2, 0], [0, 1, 2]), [0, 1, 1]), [1 / 4, 1 / 3, -1 / 3])
