"""IDs of several coordinates: against the definitions, brute force, and the plain IDs that they come to."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from idealized_model import SparseAttentionHead
from idealized_model.counting import view_counts
from proofs_check.strategies import examples
from proofs_check.strategies import heads as hard_heads
from tests import routes, strategies
from tests.cases import ANCHORS, KEYS, named, parity
from tests.grid import FlatGrid, Grid
from tests.strategies import Transfer
from tests.theory.test_criterion import brute_force
from tests.theory.test_criterion_scale import both
from theory import (
    Example,
    HardHead,
    HeadClass,
    InvalidArgument,
    Law,
    PlantedLaw,
    View,
    coverage,
    decide,
    mixture,
    pattern_masses,
    positions,
    retention,
    support,
)
from theory.coordinates import (
    Id,
    Ids,
    beyond,
    coordinates,
    joined,
    lowest,
    minus,
    plus,
    width,
    written,
)
from theory.guarantees import Scores, guarantees
from theory.incidence import incidence
from theory.positions import PositionScheme, by_coordinate
from theory.transfer import enumerated_pattern_masses

D = 2


def vectors(d: int = D, most: int = 2) -> SearchStrategy[Id]:
    return st.tuples(*[st.integers(0, most)] * d)


@st.composite
def vector_heads(draw: DrawFn, d: int = D, max_arity: int = 3, at_most: bool = True) -> HeadClass:
    """Head classes with one window or key for all coordinates, or one for each."""
    plain = draw(strategies.heads(max_arity, at_most=at_most))
    window, key = plain.window, plain.key
    windows = st.tuples(*[st.one_of(st.none(), st.integers(0, 2))] * d)
    keys: SearchStrategy[Any] = st.tuples(*[st.sampled_from(KEYS)] * d)
    return replace(
        plain,
        window=draw(st.one_of(st.just(window), windows)),
        key=draw(st.one_of(st.just(key), keys)),
    )


class Question(NamedTuple):
    heads: HeadClass
    train: list[Example]
    test: list[Example]


@st.composite
def vector_questions(draw: DrawFn, max_arity: int = 2) -> Question:
    own = examples(vocabulary=draw(st.integers(1, 2)), ids=vectors())
    train = draw(st.lists(own, min_size=1, max_size=4))
    test = draw(st.lists(st.one_of(own, st.sampled_from(train)), min_size=1, max_size=3))
    return Question(draw(vector_heads(max_arity=max_arity)), train, test)


def with_ids(example: Example, ids: Ids) -> Example:
    return replace(example, ids=ids)


def permuted(heads: HeadClass, order: tuple[int, ...]) -> HeadClass:
    """The class for IDs whose coordinates come in this order."""
    window, key = heads.window, heads.key
    return replace(
        heads,
        window=tuple(window[c] for c in order) if isinstance(window, tuple) else window,
        key=tuple(key[c] for c in order) if isinstance(key, tuple) else key,
    )


# ── Candidate sets, keys and views ───────────────────────────────────────────────────────────────────────────────────


@given(data=st.data(), d=st.integers(2, 3))
def test_candidates_and_views_are_those_of_the_definition(data: st.DataObject, d: int) -> None:
    heads = data.draw(vector_heads(d))
    example = data.draw(examples(max_length=5, ids=vectors(d, 3)))
    listed = list(heads.candidates(example.ids))
    assert sorted(listed, key=lambda set_: (len(set_), set_)) == routes.candidates(heads, example.ids)
    assert heads.n_candidates(example.ids) == len(listed)
    counted = heads.view_counts(example)
    assert counted == Counter(routes.views(heads, example))  # type: ignore[comparison-overlap]
    assert view_counts(heads, example.tokens, example.ids) == counted
    for view in counted:
        heads.check_view(view, "test", "view")
    pairs = replace(heads, arity=2, at_most=False, anchor="none")
    near = {(i, j) for i, j in combinations(range(example.length), 2) if heads.near(example.ids[i], example.ids[j])}
    assert set(pairs.candidates(example.ids)) == near


def test_a_window_and_a_key_by_coordinate() -> None:
    example = Example((5, 6, 7, 8), ((0, 0), (0, 1), (1, 1), (3, 0)), 0)
    column = HeadClass(2, window=(None, 0), key=("relative", "none"))
    assert column.view_counts(example) == {View((5, 8), (0, 3)): 1, View((6, 7), (0, 1)): 1}
    both_ways = HeadClass(2, window=1, key=("relative", "order"))
    assert both_ways.views(example) == {
        View((5, 6), ((0, 0), (0, 1))), View((5, 7), ((0, 0), (1, 1))), View((6, 7), ((0, 0), (1, 0)))
    }  # fmt: skip
    assert HeadClass(1, key="absolute").views(example) == {
        View((token,), (own,)) for token, own in zip(example.tokens, example.ids, strict=True)
    }


def test_large_counts_need_no_listing() -> None:
    ids = tuple(product(range(20), range(20)))
    heads = HeadClass(4, window=(0, None))  # four of one row
    assert heads.n_candidates(ids) == 20 * 4845
    assert HeadClass(4, window=(0, 19), anchor="last").n_candidates(ids) == 969  # the last and three of its row
    assert HeadClass(300).n_candidates(ids) == HeadClass(300, window=19).n_candidates(ids)


@given(heads=strategies.heads(), example=examples(max_length=5, ids=st.integers(-1, 2)), c=st.integers(-1, 1))
def test_a_constant_coordinate_adds_nothing(heads: HeadClass, example: Example, c: int) -> None:
    constant = with_ids(example, tuple((i, c) for i in example.ids))
    assert list(heads.candidates(constant.ids)) == sorted(
        heads.candidates(example.ids), key=list(heads.candidates(constant.ids)).index
    )
    by_first = replace(heads, window=(heads.window, None), key=(heads.key, "none"))  # type: ignore[arg-type]
    assert by_first.view_counts(constant) == heads.view_counts(example)


# ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(question=vector_questions())
def test_the_verdict_is_that_of_brute_force_and_of_arrays(question: Question) -> None:
    heads, train, test = question
    verdict = both(heads, train, test)
    labels = sorted({e.label for e in (*train, *test)}, key=str)
    views = {view for e in (*train, *test) for view in routes.views(heads, e)}
    if (1 + len(labels)) ** len(views) <= 2000:
        assert verdict.outcome == brute_force(heads, train, test, labels)


@given(question=strategies.questions(), c=st.integers(-2, 2))
@settings(max_examples=25)
def test_a_constant_coordinate_changes_no_verdict(question: strategies.Question, c: int) -> None:
    heads, train, test = question
    constant = [[with_ids(e, tuple((i, c) for i in e.ids)) for e in law] for law in (train, test)]
    for scores in ("hard", "ranked", "soft"):
        plain = guarantees(heads, train=train, test=test, scores=scores)
        found = guarantees(heads, train=constant[0], test=constant[1], scores=scores)
        assert found.share == plain.share
        verdict = decide(heads, train=constant[0], test=constant[1], scores=scores)
        expected = decide(heads, train=train, test=test, scores=scores)
        assert (verdict.outcome, verdict.reason) == (expected.outcome, expected.reason)
        assert (verdict.n_views, verdict.n_consistent) == (expected.n_views, expected.n_consistent)
        assert verdict.guaranteed == expected.guaranteed


@given(data=st.data())
@settings(max_examples=25)
def test_the_order_of_the_coordinates_changes_no_verdict(data: st.DataObject) -> None:
    d = data.draw(st.integers(2, 3))
    own = examples(ids=vectors(d, 1))
    train, test = (data.draw(st.lists(own, min_size=1, max_size=n)) for n in (4, 3))
    heads, order = data.draw(vector_heads(d, max_arity=2)), tuple(data.draw(st.permutations(range(d))))
    turned = [[with_ids(e, tuple(tuple(i[c] for c in order) for i in e.ids)) for e in law] for law in (train, test)]
    for scores in ("hard", "ranked", "soft"):
        verdict = decide(heads, train=train, test=test, scores=scores)
        other = decide(permuted(heads, order), train=turned[0], test=turned[1], scores=scores)
        assert (verdict.outcome, verdict.reason, verdict.n_views) == (other.outcome, other.reason, other.n_views)
        assert verdict.guaranteed == other.guaranteed


@given(question=vector_questions())
@settings(max_examples=40)
def test_arrays_count_the_views_of_soft_heads(question: Question) -> None:
    heads, train, test = question
    found = []
    for cells in (-1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("theory.incidence.PLAIN_CELLS", cells)
            seen = incidence(heads, [train, test])
        views = seen.views(np.arange(seen.n_views))
        assert sorted(views, key=routes.by_size) == views
        found.append((views, [matrix.toarray().tolist() for matrix in seen.matrices]))
    assert found[0] == found[1]
    for law, counts in zip((train, test), found[0][1], strict=True):
        for e, row in zip(law, counts, strict=True):
            assert {v: n for v, n in zip(found[0][0], row, strict=True) if n} == Counter(routes.views(heads, e))


# ── A grid ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def grid_steps(task: Grid, n: int) -> list[Example]:
    """Every step of every board up to 3 x 3, and of forty larger ones."""
    rng = np.random.default_rng(0)
    boards = task.support(n) if n <= 3 else (task.sample(n, rng) for _ in range(40))
    return list(
        dict.fromkeys(
            Example(i.tokens[: step.position], i.ids[: step.position], i.tokens[step.position])
            for i in boards
            for step in i.steps
        )
    )


def plain_verdict(train: list[Example], test: list[Example], window: int) -> str:
    """T1 for three tokens around the last one of IDs (row, column), read off the text."""

    def views(e: Example) -> frozenset[Any]:
        def near(one: int, other: int) -> bool:
            return all(abs(a - b) <= window for a, b in zip(e.ids[one], e.ids[other], strict=True))

        last = len(e.ids) - 1
        close = [i for i in range(last) if near(i, last)]
        sets = [(i, j, last) for i, j in combinations(close, 2) if near(i, j)]
        return frozenset(
            (
                tuple(e.tokens[i] for i in s),
                tuple((e.ids[i][0] - e.ids[s[0]][0], e.ids[i][1] - e.ids[s[0]][1]) for i in s),
            )
            for s in sets
        )

    trained, tested = ({(views(e), e.label) for e in law} for law in (train, test))
    labels: dict[Any, set[Any]] = {}
    for own, label in trained:
        for view in own:
            labels.setdefault(view, set()).add(label)
    consistent = {view for view, found in labels.items() if len(found) == 1}
    if any(not own & consistent for own, _ in trained):
        return "unrealizable"
    required = {own & consistent for own, _ in trained}
    for own, label in tested:
        if not own <= labels.keys():
            return "unseen"
        if any(view in consistent and labels[view] != {label} for view in own):
            return "flip"
        if not any(kept <= own for kept in required):
            return "abstains"
    return "generalizes"


def test_two_ids_a_cell_generalize_where_one_does_not() -> None:
    heads = HeadClass(3, window=1, key="relative", anchor="last")
    laws = {n: grid_steps(Grid(), n) for n in (2, 3, 4)}
    assert decide(heads, train=laws[3], test=laws[4]).outcome == plain_verdict(laws[3], laws[4], 1) == "generalizes"
    assert decide(heads, train=laws[2], test=laws[4]).reason == plain_verdict(laws[2], laws[4], 1) == "unseen"
    narrow = replace(heads, window=Grid().window)
    assert narrow.window == (1, 0)
    assert decide(narrow, train=laws[3], test=laws[4]).outcome == "generalizes"
    flat = [grid_steps(FlatGrid(), n) for n in (3, 4)]
    found = decide(replace(heads, window=FlatGrid().window), train=flat[0], test=flat[1])
    assert (found.outcome, found.reason) == ("fails", "unseen")


def test_the_grid_as_a_task() -> None:
    task = Grid()
    board = task.solve((1, 0, 1, 1, 2))
    assert task.show(board).splitlines()[1:] == [
        "ID    (0,0) (0,1) (1,0) (1,1) (0,0) (0,1) (1,0)",
        "read                                0,2   1,3",
    ]
    assert {board.key(step) for step in board.steps} == task.offsets
    assert task.free_run(board) == (board.tokens, board.ids)
    schemes = by_coordinate(positions.random_shift(0, 1), positions.random_ordered(0, 2))
    assert len(set(task.examples(2, relabel=schemes))) == 16 * 2 * 2 * 3
    drawn = task.sample_many(3, 4, np.random.default_rng(0))
    assert drawn is not None
    assert drawn.ids.shape == (4, 16, 2)
    assert [tuple(map(tuple, row)) for row in drawn.ids.tolist()] == [task.solve((0,) * 9 + (2,)).ids] * 4
    with_increments = list(task.examples(2, increments=True))
    assert {e.label[1] for e in with_increments} == {(0, 1), (1, -1)}  # type: ignore[index]


# ── Schemes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

CELLS = ((0, 0), (0, 1), (2, 0), (0, 0))

SCHEMES: dict[str, tuple[PositionScheme, tuple[PositionScheme, PositionScheme]]] = {
    "absolute": (positions.absolute(), (positions.absolute(),) * 2),
    "shift": (positions.random_shift(0, 2), (positions.random_shift(0, 2),) * 2),
    "ordered": (positions.random_ordered(0, 3), (positions.random_ordered(0, 3),) * 2),
    "chunks": (positions.chunked_shift(0, 3), (positions.chunked_shift(0, 3),) * 2),
    "each its own": (
        by_coordinate(positions.random_ordered(0, 3), positions.random_shift(-1, 0)),
        (positions.random_ordered(0, 3), positions.random_shift(-1, 0)),
    ),
}


@pytest.mark.parametrize(("scheme", "parts"), SCHEMES.values(), ids=SCHEMES)
def test_every_coordinate_is_relabelled_by_itself(
    scheme: PositionScheme, parts: tuple[PositionScheme, PositionScheme]
) -> None:
    columns = [*zip(*CELLS, strict=True)]
    each = [Counter(part.relabelled(column)) for part, column in zip(parts, columns, strict=True)]
    expected = Counter({
        tuple(zip(rows, own, strict=True)): n * m for (rows, n), (own, m) in product(each[0].items(), each[1].items())
    })  # fmt: skip
    listed = Counter(scheme.relabelled(CELLS))
    assert listed == expected
    assert scheme.n_relabelled(CELLS) == sum(expected.values())
    coupled = positions.coupled(lambda length: CELLS[:length], scheme)
    assert Counter(coupled.ids(4)) == expected
    assert coupled.count(4) == sum(expected.values())
    assert (coupled.n_coordinates(4), positions.random_shift(0, 1).n_coordinates(4)) == (2, 1)
    assert pickle.loads(pickle.dumps(scheme)) == scheme
    rng = np.random.default_rng(0)
    drawn = Counter(coupled.draw(rng, 4) for _ in range(600))
    assert drawn.keys() <= expected.keys()
    total = sum(expected.values())
    assert routes.fits(drawn.elements(), {ids: Fraction(n, total) for ids, n in expected.items()})


def test_plain_ids_are_relabelled_as_ever() -> None:
    scheme = positions.random_ordered(0, 3)
    assert list(scheme.relabelled((5, 3, 5))) == [
        positions.renamed((5, 3, 5), (3, 5), new) for new in scheme.relabellings((3, 5))
    ]
    assert scheme.n_relabelled((5, 3, 5)) == 6


def test_schemes_by_coordinate_are_refused_elsewhere() -> None:
    own = by_coordinate(positions.absolute(), positions.absolute())
    for refuse in (
        lambda: list(own.ids(3)),
        lambda: own.count(3),
        lambda: own.draw(np.random.default_rng(0), 3),
        lambda: list(positions.coupled(positions.blocks(1), own).ids(3)),
        lambda: list(own.relabelled(((0, 0, 0), (0, 0, 1)))),
    ):
        with pytest.raises(
            InvalidArgument, match=r"by_coordinate: argument schemes: got IDs of [13] coord.* expected IDs of 2"
        ):
            refuse()
    with pytest.raises(InvalidArgument, match="got 1 schemes; expected one a coordinate"):
        by_coordinate(positions.absolute())
    for wrong in (own, positions.coupled(positions.blocks(2)), None):
        with pytest.raises(
            InvalidArgument, match=r"argument schemes\[1\]: got .* expected a position scheme of one coordi"
        ):
            by_coordinate(positions.absolute(), wrong)  # type: ignore[arg-type]


# ── Planted laws ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Lifted(NamedTuple):
    """The coupling that adds a constant coordinate to the IDs of a scheme's base, before or behind."""

    scheme: PositionScheme
    before: bool

    def __call__(self, length: int) -> Ids:
        return tuple((7, i) if self.before else (i, 7) for i in self.scheme.base(length))


def lifted(law: Law, before: bool) -> Law:
    """The law with another, constant coordinate of the IDs."""
    if isinstance(law, PlantedLaw):
        scheme = law.positions.then if isinstance(law.positions, positions.Coupled) else law.positions
        parts = (positions.absolute(), scheme) if before else (scheme, positions.absolute())
        return replace(law, positions=positions.coupled(Lifted(law.positions, before), by_coordinate(*parts)))
    return mixture([(lifted(part, before), p) for part, p in law.components])  # type: ignore[attr-defined]


@given(transfer=strategies.transfers(), before=st.booleans())
@settings(max_examples=25)
def test_a_constant_coordinate_changes_no_factor(transfer: Transfer, before: bool) -> None:
    heads, train, test = transfer
    plain = coverage(heads, train=train, test=test)
    heads_there = heads
    if isinstance(heads.window, int):  # one window, and one in the coordinate that varies
        heads_there = replace(heads, window=(None, heads.window) if before else (heads.window, None))
    for own in (heads, heads_there):
        found = coverage(own, train=lifted(train, before), test=lifted(test, before))
        assert (found.kappa, found.kappa0, found.candidates) == (plain.kappa, plain.kappa0, plain.candidates)
        assert found.planted_is_candidate == plain.planted_is_candidate
        kept = retention(own, train=lifted(train, before), test=lifted(test, before))
        assert kept == retention(heads, train=train, test=test)


def square(length: int) -> Ids:
    """Positions row by row, two to a row."""
    return tuple((i // 2, i % 2) for i in range(length))


@pytest.mark.parametrize("key", [*KEYS, ("relative", "none"), ("absolute", "order")], ids=named)
@pytest.mark.parametrize("window", [None, 0, (1, 0), (None, 1)], ids=named)
@pytest.mark.parametrize("anchor", ANCHORS)
def test_factors_bound_the_losses_of_heads(key: Any, window: Any, anchor: Any) -> None:
    heads = HeadClass(2, window, key, anchor)
    scheme = positions.coupled(square, positions.random_shift(0, 1))
    train, test = (parity(1, support.uniform()).at(n, positions=scheme) for n in (3, 4))
    assert pattern_masses(heads, test) == enumerated_pattern_masses(heads, test)
    factor, cov = retention(heads, train=train, test=test), coverage(heads, train=train, test=test)
    turned = positions.coupled(lambda n: tuple((b, a) for a, b in square(n)), positions.random_shift(0, 1))
    other = [replace(law, positions=turned) for law in (train, test)]
    assert retention(permuted(heads, (1, 0)), train=other[0], test=other[1]) == factor
    rng = np.random.default_rng(0)
    views = sorted(
        {view for law in (train, test) for e in law.support() for view in heads.views(e)}, key=routes.by_size
    )
    for _ in range(8):
        chosen = rng.integers(-1, 2, size=len(views)).tolist()
        head = HardHead(heads, {view: label for view, label in zip(views, chosen, strict=True) if label >= 0})
        losses = [routes.expected_loss(head, law) for law in (train, test)]
        for bound in (factor.value, cov.factor):
            if bound != float("inf"):
                assert losses[1] <= bound * losses[0]


@given(data=st.data())
@settings(max_examples=25)
def test_drawn_heads_have_views_of_their_class(data: st.DataObject) -> None:
    head = data.draw(hard_heads(classes=vector_heads().filter(lambda heads: heads.n_coordinates == D)))
    e = data.draw(examples(ids=vectors()))
    assert head.loss(e) == routes.head_loss(head, e)


# ── Heads on many sequences ──────────────────────────────────────────────────────────────────────────────────────────


@given(data=st.data())
@settings(max_examples=40)
def test_a_batch_answers_as_the_head_does(data: st.DataObject) -> None:
    heads = data.draw(vector_heads(max_arity=2))
    own = SparseAttentionHead(heads, score=lambda v: 1 + sum(v.tokens), value=lambda v: v.tokens[-1])
    drawn = data.draw(st.lists(examples(min_length=3, max_length=3, ids=vectors()), min_size=1, max_size=3))
    tokens, ids = np.array([e.tokens for e in drawn]), np.array([e.ids for e in drawn])
    found, abstains = own.batch(tokens, ids, labels=[0, 1])
    for e, row, nothing in zip(drawn, found, abstains, strict=True):
        out = own(e)
        assert nothing == (not out.law)
        assert [float(out.law.get(label, 0)) for label in (0, 1)] == pytest.approx(row.tolist())


# ── Values, and what is refused ──────────────────────────────────────────────────────────────────────────────────────


def test_arithmetic_goes_coordinate_by_coordinate() -> None:
    ids = ((3, 5), (1, 9))
    assert (lowest(ids), beyond(ids), width(ids)) == ((1, 5), (4, 10), 4)
    assert (minus(*ids), plus(*ids), written(ids[0])) == ((2, -4), (4, 14), "(3,5)")
    assert (lowest((3, 1)), beyond((3, 1)), width((3, 1)), minus(3, 1), plus(3, 1), written(3)) == (1, 4, 2, 2, 4, "3")
    assert joined(coordinates(ids)) == ids
    assert joined(coordinates((3, 1))) == (3, 1)
    assert (width(()), width([(1, 2)])) == (0, 0)


BAD_IDS: dict[str, tuple[Any, str]] = {
    "ragged": (
        ((0, 1), (0, 1, 2)),
        r"argument ids\[1\]: got \(0, 1, 2\); expected plain integers, or everywhere a tuple",
    ),
    "mixed": ((0, (0, 1)), r"ids\[0\]: got 0; expected .* Give all positions of a sequence equally many coordinates"),
    "one coordinate": (((0,), (1,)), r"ids\[0\]: got \(0,\); .* Write 0: an ID of one coordinate is an integer\."),
    "no coordinates": (((), ()), r"ids\[0\]: got \(\); expected"),
    "halves": (((0, 0.5), (0, 1)), r"ids\[0\]: got \(0, 0\.5\); expected"),
    "truth values": (((0, True), (0, 1)), r"ids\[0\]: got \(0, True\); expected"),
    "numpy": (((np.int64(0), 1), (0, 1)), r"ids\[0\]: got .*; expected"),
    "a list": ([(0, 1), (0, 2)], r"argument ids: got the list .*; expected a tuple of integers"),
}


@pytest.mark.parametrize(("ids", "message"), BAD_IDS.values(), ids=BAD_IDS)
def test_ids_are_all_alike(ids: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^Example: .*{message}"):
        Example((0, 0), ids, 0)
    with pytest.raises(InvalidArgument, match="coupling: got"):
        positions.coupled(lambda length: ids if isinstance(ids, tuple) else None).count(2)  # type: ignore[arg-type,return-value]


def test_classes_by_coordinate_are_checked() -> None:
    for windows, message in (
        ((1, -1), r"window\[1\]: got -1; expected an integer >= 0, or None"),
        ((True, 1), r"window\[0\]: got True"),
        ((), r"argument window: got \(\)"),
        ((1,), r"argument window: got \(1,\)"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            HeadClass(2, windows)  # type: ignore[arg-type]
    for keys, message in (
        (("order", "ordered"), r"key\[1\]: got 'ordered'; .* Did you mean 'order'\?"),
        (("none",), r"argument key: got \('none',\)"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            HeadClass(2, key=keys)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"got 3 keys for 2 windows; expected as many"):
        HeadClass(2, (1, 1), ("none", "order", "order"))
    assert HeadClass(2, (None, None), ("none", "none")) == HeadClass(2)
    assert repr(HeadClass(2, (1, None), "order")) == "HeadClass(arity=2, window=(1, None), key='order', anchor='none')"
    assert repr(HeadClass(2, 1, "order")) == "HeadClass(arity=2, window=1, key='order', anchor='none')"
    assert (HeadClass(2, 1).n_coordinates, HeadClass(2, (1, 1)).n_coordinates) == (None, 2)
    assert HeadClass(2, key=("none", "order", "none")).n_coordinates == 3


def test_views_have_keys_as_their_class_says() -> None:
    by_two = HeadClass(2, key=("relative", "order"))
    by_two.check_view(View((0, 0), ((0, 0), (1, 1))), "test", "view")
    for heads, key, message in (
        (by_two, (0, 1), r"a key of 2 vectors of 2\. Match the head class: arity 2, key \('relative', 'order'\)"),
        (by_two, ((0, 0, 0), (1, 1, 1)), "a key of 2 vectors of 2"),
        (HeadClass(2, key=("none", "order")), ((0, 0), (1, 1)), r"and a key of 2\."),
        (HeadClass(2, key="order"), ((0, 0),), r"and a key of 2\."),
    ):
        with pytest.raises(InvalidArgument, match=message):
            heads.check_view(View((0, 0), key), "test", "view")


PLAIN, PAIR = Example((0, 1), (0, 1), 0), Example((0, 1), ((0, 0), (0, 1)), 0)


@pytest.mark.parametrize("scores", ["hard", "ranked", "soft"])
def test_laws_of_unlike_ids_are_refused(scores: Scores) -> None:
    heads = HeadClass(1, key="relative")
    for train, test in (([PLAIN], [PAIR]), ([PLAIN, PAIR], [PLAIN])):
        for ask in (decide, guarantees):
            with pytest.raises(
                InvalidArgument, match=r"got IDs of 1 and 2 coordinates; expected equally many .*\(i, 0\)"
            ):
                ask(heads, train=train, test=test, scores=scores)  # type: ignore[operator]
    with pytest.raises(InvalidArgument, match=r"^incidence: .* got IDs of 1 and 2 coordinates"):
        incidence(heads, [[PLAIN], [PAIR]])
    laws = [parity(1).at(2), parity(1).at(2, positions=positions.coupled(square))]
    for ask in (coverage, retention):
        with pytest.raises(InvalidArgument, match="got IDs of 1 and 2 coordinates"):
            ask(heads, train=laws[0], test=laws[1])  # type: ignore[operator]


def test_a_class_for_other_coordinates_is_refused() -> None:
    for heads, name in ((HeadClass(1, (1, 1)), "window"), (HeadClass(1, key=("order", "order")), "key")):
        for e, d in ((PLAIN, "1 coordinate"), (Example((0,), ((0, 0, 0),), 0), "3 coordinates")):
            message = rf"HeadClass: argument {name}: got \(.*\) for IDs of {d}; expected one {name}"
            for ask in (
                lambda heads=heads, e=e: decide(heads, train=[e], test=[e]),
                lambda heads=heads, e=e: heads.view_counts(e),
                lambda heads=heads, e=e: view_counts(heads, e.tokens, e.ids),
            ):
                with pytest.raises(InvalidArgument, match=message):
                    ask()
        wide = replace(heads, arity=3)  # even where there are no candidate sets
        with pytest.raises(InvalidArgument, match=rf"argument {name}: got"):
            decide(wide, train=[PLAIN], test=[PLAIN])
        law = parity(1).at(2)
        for ask in (coverage, retention):
            with pytest.raises(InvalidArgument, match=rf"argument {name}: got"):
                ask(heads, train=law, test=law)  # type: ignore[operator]


@pytest.mark.parametrize("ids", [np.zeros((2, 1), int), np.zeros((2, 2, 2), int), np.zeros((3, 2), int)], ids=named)
def test_arrays_of_ids_have_a_row_a_token(ids: Any) -> None:
    with pytest.raises(InvalidArgument, match="argument ids: got"):
        view_counts(HeadClass(1, key="absolute"), [0, 1], ids)
