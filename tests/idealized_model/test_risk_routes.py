"""Every exact route to a loss against the enumeration of the law, and against each other where there is none."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn

from idealized_model import SparseAttentionHead, loss
from idealized_model.risk import Risk, _attention, risk
from idealized_model.unlisted import _by_dynamic_program, _by_histogram, _mean, _placements, scores_of
from tests import routes, strategies
from tests.cases import ENSEMBLES, LAWS, SCHEMES, example, named, parity
from theory import (
    BudgetExceeded,
    ExactnessLost,
    FiniteLaw,
    HardHead,
    HeadClass,
    InvalidArgument,
    PlantedEnsemble,
    PlantedLaw,
    View,
    mixture,
    positions,
    support,
)
from theory.exact import Rational
from theory.examples import Label
from theory.support import SupportLaw

LARGE = 10**7
SCORES = [Fraction(0), Fraction(0), Fraction(1), Fraction(2), Fraction(1, 3), Fraction(3, 2)]
HALVES = {0: Fraction(1, 2), 1: Fraction(1, 3), 2: Fraction(1, 6)}


@st.composite
def planted_laws(draw: DrawFn, max_length: int = 6) -> PlantedLaw:
    """Planted laws of up to three tokens and labels, under every kind of support law."""
    arity, vocabulary = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    length = draw(st.integers(arity, max_length))
    tokens = st.integers(0, vocabulary - 1)
    words = draw(st.lists(st.tuples(*[tokens] * arity), min_size=1, max_size=4, unique=True))
    noise = draw(strategies.laws_on(draw(st.lists(tokens, min_size=1, max_size=vocabulary, unique=True))))
    background = [noise.get(token, Fraction(0)) for token in range(vocabulary)]
    rule: SupportLaw = draw(strategies.support_laws(length, arity))
    if length % arity == 0 and draw(st.booleans()):
        rule = support.paired()
    target = {word: draw(st.integers(0, 2)) for word in words}
    law = PlantedEnsemble(vocabulary, background, draw(strategies.laws_on(words)), target, rule).at(length)
    assume(law.size <= 3000)
    return law


@st.composite
def soft_heads(draw: DrawFn, law: PlantedLaw, *, ordered: bool) -> SparseAttentionHead:
    """Soft heads of key none on the tokens of a law, whose score and value see the order of tokens or do not."""
    heads = HeadClass(draw(st.integers(1, 3)), None, "none", draw(st.sampled_from(["none", "last"])))
    score: dict[View, Fraction] = {}
    value: dict[View, Any] = {}
    for word in product(range(law.ensemble.vocabulary), repeat=heads.arity):
        view, same = View(word, ()), View(tuple(sorted(word)), ())
        if not ordered and same in score:
            score[view], value[view] = score[same], value[same]
        else:
            score[view], value[view] = draw(st.sampled_from(SCORES)), draw(st.sampled_from([0, 1, 2, HALVES]))
    return SparseAttentionHead(heads, score=score, value=value)


@given(data=st.data(), ordered=st.booleans())
def test_every_route_gives_the_loss(data: DataObject, ordered: bool) -> None:
    law = data.draw(planted_laws())
    head = data.draw(soft_heads(law, ordered=ordered))
    expected = loss(head, law)
    scores = scores_of(_attention(head, law, "test"), law, LARGE)
    assert scores is not None
    by_program, by_histogram = _by_dynamic_program(scores, law, LARGE), _by_histogram(scores, law, LARGE)
    assert by_program is not None
    assert by_program.loss == expected
    if by_histogram is not None:
        assert by_histogram.loss == expected
    assert (by_histogram is not None) or ordered or head.heads.anchor == "last"
    assert risk(head, law).loss == expected


@given(transfer=strategies.transfers(), data=st.data())
def test_the_risk_is_the_loss_whatever_the_law_and_the_class(transfer: strategies.Transfer, data: DataObject) -> None:
    heads, train, _ = transfer
    views = sorted({view for e in train.support() for view in heads.views(e)})
    head = HardHead(heads, {v: y for v in views if (y := data.draw(st.sampled_from([None, 0, 1]))) is not None})
    found = risk(head, train)
    assert found.loss == routes.expected_loss(head, train)
    assert found.sampled is None
    assert ("enumeration" in found.route) == (heads.key != "none" or heads.window is not None)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("heads", [HeadClass(1), HeadClass(2), HeadClass(2, anchor="last"), HeadClass(2, 1, "order")])
def test_the_risk_on_the_cases(heads: HeadClass, name: str) -> None:
    law = LAWS[name]
    views = sorted({view for e in law.support() for view in heads.views(e)})
    head = HardHead(heads, {view: law.labels[i % len(law.labels)] for i, view in enumerate(views) if i % 3})
    assert risk(head, law).loss == routes.expected_loss(head, law)


def test_heads_of_several_arities_are_enumerated() -> None:
    law = ENSEMBLES["noisy"].at(4)
    heads = HeadClass(2, anchor="last", at_most=True)
    views = sorted({view for e in law.support() for view in heads.views(e)}, key=routes.by_size)
    head = HardHead(heads, {view: law.labels[i % 2] for i, view in enumerate(views[1:])})
    assert {len(view.tokens) for view in head.answers} == {1, 2}
    found = risk(head, law)
    assert (found.loss, found.route) == (routes.expected_loss(head, law), "enumeration")
    assert 0 < found.loss < 1


def test_ids_play_no_part_without_key_and_window() -> None:
    head = HardHead(HeadClass(2), {View((1, 2), ()): 1})
    at_four = risk(head, ENSEMBLES["noisy"].at(4))
    for scheme in SCHEMES.values():
        assert risk(head, ENSEMBLES["noisy"].at(4, positions=scheme)) == at_four


@pytest.mark.parametrize(("length", "arity"), [(6, 2), (7, 3), (5, 1), (4, 4)])
@pytest.mark.parametrize(
    "rule",
    [
        support.uniform(),
        support.uniform("last"),
        support.local(3),
        support.local(4),
        support.local(9),
        support.fixed({(0, 2): "1/3", (0, 4): "1/6", (2, 5): "1/2"}),
        support.paired(),
    ],
    ids=named,
)
def test_sets_are_placed_as_often_as_the_support_law_says(rule: SupportLaw, length: int, arity: int) -> None:
    """Every way through the moves is a set with its weight, and none ends half-way."""
    word = tuple([1] * arity)
    ensemble = PlantedEnsemble(2, [1, 0], {word: 1}, {word: 0}, rule)
    try:
        law = ensemble.at(length)
    except InvalidArgument:  # the rule has no sets of this kind
        return
    start, moves = _placements(law)
    ways: dict[Any, dict[tuple[int, ...], int]] = {start: {(): 1}}
    for i in range(length):
        after: dict[Any, dict[tuple[int, ...], int]] = {}
        for node, placed in ways.items():
            steps = moves(i, node)
            assert steps
            for into, planting, number in steps:
                for set_, weight in placed.items():
                    longer = (*set_, i) if planting else set_
                    assert longer not in after.setdefault(into, {})
                    after[into][longer] = weight * number
        ways = after
    (found,) = ways.values()
    assert found == dict(rule.sets(length, arity))


# ── Where no enumeration is possible ─────────────────────────────────────────────────────────────────────────────────

WORDS: dict[tuple[int, ...], Rational] = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
PARITY: dict[tuple[int, ...], Label] = {word: sum(word) % 2 for word in WORDS}
HARD = HardHead(HeadClass(2), {View(word, ()): label for word, label in PARITY.items()})
SOFT = SparseAttentionHead(
    HeadClass(2),
    score=lambda view: 1 if min(view.tokens) >= 1 and max(view.tokens) <= 2 else Fraction(1, 5),
    value=lambda view: sum(view.tokens) % 2,
)
RULES = {
    "uniform": support.uniform(),
    "local": support.local(3),
    "fixed": support.fixed({(0, 23): "1/3", (5, 20): "2/3"}),
    "last": support.uniform("last"),
}


def marked_parity(background: list[Any], rule: SupportLaw) -> PlantedEnsemble:
    return PlantedEnsemble(len(background), background, WORDS, PARITY, rule)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    ("head", "background"),
    [(HARD, ["1/2", "1/3", "1/6"]), (SOFT, ["1/3", 0, "1/3", "1/3"]), (HARD, ["3/4", 0, "1/8", "1/8"])],
    ids=["hard", "soft", "hard, two kinds of noise"],
)
def test_histogram_and_dynamic_program_agree_at_length_24(head: Any, background: list[Any], rule: SupportLaw) -> None:
    law = marked_parity(background, rule).at(24)
    assert law.size > 10**9
    scores = scores_of(_attention(head, law, "test"), law, LARGE)
    assert scores is not None
    by_histogram, by_program = _by_histogram(scores, law, LARGE), _by_dynamic_program(scores, law, LARGE)
    assert by_histogram is not None
    assert by_program is not None
    assert by_histogram.loss == by_program.loss > 0
    n_noise = sum(p != 0 for p in background)
    n_words = 3  # (1, 2) and (2, 1) are one histogram
    assert by_histogram.terms == n_words * comb(22 + n_noise - 1, n_noise - 1)
    assert risk(head, law) == Risk(by_histogram.loss, None, "histogram", by_histogram.terms)


def test_a_perfect_head_stays_perfect_at_length_60() -> None:
    ordered = HardHead(HeadClass(3), {View(w, ()): w[0] for w in product((1, 2), repeat=3)})
    words = dict.fromkeys(product((1, 2), repeat=3), "1/8")
    ensemble = PlantedEnsemble(4, ["1/2", 0, 0, "1/2"], words, {w: w[0] for w in words}, support.local(5))
    found = risk(ordered, ensemble.at(60))
    assert (found.loss, found.route) == (Fraction(0), "dynamic program")


def test_dilution_at_length_400() -> None:
    """T6: score 1 on the planted pair and s on the n - 1 others, all wrong: loss (n - 1)s / (1 + (n - 1)s)."""
    one_word = PlantedEnsemble(2, [1, 0], {(1, 1): 1}, {(1, 1): "right"}, support.uniform())
    s, n = Fraction(1, 1000), comb(400, 2)
    planted = View((1, 1), ())
    head = SparseAttentionHead(
        HeadClass(2), score=lambda v: 1 if v == planted else s, value=lambda v: "right" if v == planted else "wrong"
    )
    assert risk(head, one_word.at(400)).loss == (n - 1) * s / (1 + (n - 1) * s)


def test_an_ordered_head_by_hand() -> None:
    """It selects a marked token before noise: it abstains when the marked token is last, and is right otherwise."""
    one = PlantedEnsemble(3, ["1/2", "1/2", 0], {(2,): 1}, {(2,): "yes"}, support.uniform())
    head = HardHead(HeadClass(2), {View((2, noise), ()): "yes" for noise in (0, 1)})
    found = risk(head, one.at(50))
    assert (found.loss, found.route) == (Fraction(1, 50), "dynamic program")
    anchored = HardHead(HeadClass(2, anchor="last"), {View((2, 0), ()): "yes", View((2, 1), ()): "no"})
    assert risk(anchored, one.at(50)).loss == Fraction(49, 50) / 2 + Fraction(1, 50)


# ── Routes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ORDERED = HardHead(HeadClass(2), {View((1, 2), ()): 1, View((1, 1), ()): 0})
KEYED = HardHead(HeadClass(2, key="order"), {View((1, 2), (0, 1)): 1, View((1, 1), (0, 1)): 0})


def test_the_route_is_the_first_that_serves() -> None:
    law = marked_parity(["1/2", "1/4", "1/4"], support.uniform()).at(5)
    n_histograms = 3 * comb(3 + 2, 2)
    assert risk(HARD, law) == Risk(loss(HARD, law), None, "histogram", n_histograms)
    program = risk(ORDERED, law)
    assert (program.route, program.loss) == ("dynamic program", loss(ORDERED, law))
    assert risk(KEYED, law) == Risk(loss(KEYED, law), None, "enumeration", law.size)
    assert risk(HARD, law, budget=n_histograms).route == "histogram"
    assert risk(ORDERED, law, budget=program.terms).route == "dynamic program"
    rng = np.random.default_rng(0)
    drawn = risk(KEYED, law, budget=law.size - 1, rng=rng, size=500, level="9/10")
    assert (drawn.loss, drawn.route, drawn.terms) == (None, "sampled", 500)
    assert drawn.sampled is not None
    assert (drawn.sampled.size, drawn.sampled.level) == (500, Fraction(9, 10))
    assert drawn.sampled.low <= loss(KEYED, law) <= drawn.sampled.high


def test_a_route_beyond_the_budget_gives_way_to_the_next() -> None:
    law = marked_parity([1, 0, 0], support.uniform()).at(6)  # few outcomes, but every transition counts
    program = risk(ORDERED, law)
    assert program.route == "dynamic program"
    assert law.size < program.terms
    assert risk(ORDERED, law, budget=law.size) == Risk(program.loss, None, "enumeration", law.size)
    many = PlantedEnsemble(4, ["1/4"] * 4, WORDS, PARITY, support.fixed({(0, 1): 1})).at(2)
    scores = scores_of(_attention(HARD, many, "test"), many, 3)  # 2 tokens: 4 views
    assert scores is None


def test_listed_support_laws_have_a_budget_too() -> None:
    law = marked_parity(["1/2", "1/2", 0], support.paired()).at(20)
    scores = scores_of(_attention(ORDERED, law, "test"), law, LARGE)
    assert scores is not None
    assert _by_dynamic_program(scores, law, 9) is None


def test_mixtures_go_by_their_components() -> None:
    ensemble = marked_parity(["1/2", "1/4", "1/4"], support.uniform())
    law = mixture([(ensemble.at(4), "1/3"), (ensemble.at(30), "2/3")])
    parts = [risk(HARD, ensemble.at(length)) for length in (4, 30)]
    assert parts[0].loss is not None
    assert parts[1].loss is not None
    expected = parts[0].loss / 3 + 2 * parts[1].loss / 3
    assert risk(HARD, law) == Risk(expected, None, "histogram", parts[0].terms + parts[1].terms)
    finite = FiniteLaw.uniform([example((1, 2), 1), example((2, 2), 1)])
    mixed = risk(HARD, mixture([(ensemble.at(4), "1/2"), (finite, "1/2")]))
    assert mixed.route == "histogram + enumeration"
    assert mixed.loss == parts[0].loss / 2 + Fraction(1, 4)


def test_a_mixture_with_a_part_beyond_the_budget_is_sampled() -> None:
    ensemble = marked_parity(["1/2", "1/4", "1/4"], support.uniform())
    law = mixture([(ensemble.at(3), "1/2"), (ensemble.at(12, positions=positions.random_shift(0, 9)), "1/2")])
    assert risk(KEYED, law, rng=np.random.default_rng(0), size=50).route == "sampled"
    with pytest.raises(BudgetExceeded):
        risk(KEYED, law)


def test_values_of_views_that_never_occur_are_not_needed() -> None:
    """Two marks at most occur, so three need no value; that a needed one is missing is said."""
    heads = HeadClass(3)
    value = {View(w, ()): sum(w) % 2 for w in product((0, 1, 2), repeat=3) if 0 in w}
    head = SparseAttentionHead(heads, score=lambda view: 1, value=value)
    law = parity(2).at(5)
    assert risk(head, law) == Risk(loss(head, law), None, "enumeration", law.size)
    del value[View((0, 0, 0), ())]
    lacking = SparseAttentionHead(heads, score=lambda view: 1, value=dict(value))
    for length in (5, 10**6):
        with pytest.raises(InvalidArgument, match="no value for the view"):
            risk(lacking, parity(2).at(length))
    with pytest.raises(InvalidArgument, match="argument rng"):  # draws are the last resort here, and say what they lack
        risk(lacking, parity(2).at(10**6), rng=3)  # type: ignore[arg-type]


def test_few_terms_are_summed_exactly() -> None:
    assert _mean({(0, 5): 3, (0, 0): 1}, 4) == Fraction(1, 4)
    assert _mean({(w, d): 1 for d in range(1, 30) for w in range(d)}, 7) == sum(
        (Fraction(w, d) for d in range(1, 30) for w in range(d)), Fraction(0)
    ) / 7  # fmt: skip


def test_a_risk_is_a_frozen_value() -> None:
    found = risk(HARD, parity(2).at(4))
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.loss = None  # type: ignore[misc]


def test_what_cannot_be_exact_needs_a_generator() -> None:
    law = parity(2).at(6)
    message = r"^risk: argument budget: got a budget of 10 for an enumeration of 60 items .* pass rng=np\.random"
    with pytest.raises(BudgetExceeded, match=message):
        risk(KEYED, law, budget=10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"head": 3}, InvalidArgument, r"^risk: argument head: got the int 3; expected a SparseAttentionHead"),
        ({"law": [example((1, 2), 1)]}, InvalidArgument, r"^risk: argument law: got the list .*; expected a law"),
        ({"budget": None}, InvalidArgument, r"^risk: argument budget: got None; expected an integer"),
        ({"head": KEYED, "budget": 1, "rng": 7}, InvalidArgument, r"argument rng: got the int 7"),
        (
            {"head": SparseAttentionHead(HeadClass(2), logit=lambda view: 0.0, value=lambda view: 0)},
            ExactnessLost,
            r"argument logit: got a head given by float logits",
        ),
    ],
    ids=named,
)
def test_what_has_no_risk_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    good: dict[str, Any] = {"head": HARD, "law": parity(2).at(4)}
    with pytest.raises(error, match=message):
        risk(**{**good, **arguments})
