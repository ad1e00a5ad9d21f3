"""The attention head: exact evaluation against the definition, float64 evaluation against the exact one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idealized_model import HeadOutput, SparseAttentionHead
from tests import routes, strategies
from tests.cases import ENSEMBLES, LAWS, SCHEMES, example, named, parity
from theory import (
    AssumptionViolated,
    ExactnessLost,
    Example,
    HardHead,
    HeadClass,
    InvalidArgument,
    Law,
    View,
    positions,
    support,
)
from theory.examples import Label

ONE = HeadClass(1)
A, B, C = (View((t,), ()) for t in range(3))


def definition(head: SparseAttentionHead, e: Example) -> tuple[dict[Label, Fraction], Fraction]:
    """Definition 4, candidate by candidate."""
    mass: dict[Label, Fraction] = {}
    total = Fraction(0)
    for tokens, key in routes.views(head.heads, e):
        view = View(tokens, key)
        score = head.score(view)
        if score:
            total += score
            for label, p in head.answer(view).items():
                mass[label] = mass.get(label, Fraction(0)) + score * p
    return {label: m / total for label, m in mass.items()}, total


SCORES = st.sampled_from(
    [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(10**30), Fraction(1, 10**30)]
)
ANSWERS = st.sampled_from(["a", "b", {"a": "1/3", "b": "2/3"}, {"b": "1/2", "c": "1/2"}, {"a": 1, "c": 0}])


@st.composite
def soft_heads(draw: st.DrawFn) -> tuple[SparseAttentionHead, list[Example]]:
    """A head with scores of all sizes and laws for answers, and examples of one length for it."""
    heads = draw(strategies.heads(2))
    length = draw(st.integers(1, 5))
    own = st.lists(st.integers(0, 2), min_size=length, max_size=length).map(tuple)
    examples = [Example(draw(own), draw(own), "a") for _ in range(draw(st.integers(1, 3)))]
    views = sorted({view for e in examples for view in heads.views(e)})
    score = {view: draw(SCORES) for view in views}
    value: dict[View, Any] = {view: draw(ANSWERS) for view in views}
    return SparseAttentionHead(heads, score=score, value=value), examples


# ── Exact evaluation ─────────────────────────────────────────────────────────────────────────────────────────────────


@given(case=soft_heads())
def test_the_output_is_that_of_the_definition(case: tuple[SparseAttentionHead, list[Example]]) -> None:
    head, examples = case
    for e in examples:
        law, total = definition(head, e)
        out = head(e)
        assert (dict(out.law), out.denominator) == ({label: p for label, p in law.items() if p}, total)
        assert out.abstains == (total == 0)
        assert sum(out.law.values()) == (0 if out.abstains else 1)
        for label in ("a", "b", "c", "no such label"):
            assert out.loss(label) == 1 - law.get(label, Fraction(0))


def test_functions_and_mappings_say_the_same() -> None:
    heads = HeadClass(2, 1, "relative")
    views = {v for e in LAWS["noisy at 4"].support() for v in heads.views(e)}

    def score(view: View) -> Fraction:
        return Fraction(sum(view.tokens), 1 + view.tokens[0])

    def value(view: View) -> Any:
        return {"x": "1/4", "y": "3/4"} if view.tokens[0] else "y"

    by_function = SparseAttentionHead(heads, score=score, value=value)
    by_mapping = SparseAttentionHead(heads, score={v: score(v) for v in views}, value={v: value(v) for v in views})
    for e in LAWS["noisy at 4"].support():
        assert by_function(e) == by_mapping(e)


def test_a_view_without_score_is_not_attended_to() -> None:
    head = SparseAttentionHead(ONE, score={A: 1, B: 0}, value={A: "a"})
    assert head(example((0, 1, 2))) == HeadOutput({"a": Fraction(1)}, Fraction(1))
    assert head(example((1, 2))).abstains


def test_an_abstention_says_nothing_and_loses_one() -> None:
    out = SparseAttentionHead(ONE, score={}, value={})(example((0, 1)))
    assert out.abstains
    assert dict(out.law) == {}
    assert (out.loss("a"), out.denominator) == (Fraction(1), Fraction(0))
    too_long = SparseAttentionHead(HeadClass(3), score=lambda view: 1, value=lambda view: "a")
    assert too_long(example((0, 1))).abstains


@given(heads=strategies.heads(2), e=strategies.examples(max_length=4), data=st.data())
def test_a_hard_head_as_an_attention_head(heads: HeadClass, e: Example, data: st.DataObject) -> None:
    views = sorted(heads.views(e))
    chosen = {view: data.draw(st.sampled_from([None, 0, 1])) for view in views}
    hard = HardHead(heads, {view: label for view, label in chosen.items() if label is not None})
    out = SparseAttentionHead.hard(hard)(e)
    assert out.loss(e.label) == hard.loss(e) == routes.head_loss(hard, e)
    assert out.denominator == sum(view in hard.answers for view in routes.views(heads, e))


def test_the_dilution_of_a_soft_head() -> None:
    """T6: one planted view against n - 1 others of weight e^-Δ, all wrong; here e^-Δ = 1/9."""
    for length, arity in ((4, 2), (6, 2), (6, 3)):
        law = parity(arity).at(length)
        head = SparseAttentionHead(
            HeadClass(arity),
            score=lambda view: Fraction(1) if 0 not in view.tokens else Fraction(1, 9),
            value=lambda view: view.tokens.count(2) % 2 if 0 not in view.tokens else "wrong",
        )
        others = HeadClass(arity).n_candidates(tuple(range(length))) - 1
        for e in law.support():
            assert head(e).loss(e.label) == Fraction(others, 9) / (1 + Fraction(others, 9))


# ── Normalised soft heads ────────────────────────────────────────────────────────────────────────────────────────────

MARKED = {View(word, ()): label for word, label in ENSEMBLES["parity"].target.items()}
NOISE = View((0, 0), ())


@pytest.mark.parametrize(
    ("score", "normalised"),
    [
        (dict.fromkeys(MARKED, 1), True),
        ({**dict.fromkeys(MARKED, 1), NOISE: "1/2"}, True),
        ({**dict.fromkeys(MARKED, 1), NOISE: 1}, True),
        ({**dict.fromkeys(MARKED, 1), NOISE: "3/2"}, False),
        ({**dict.fromkeys(MARKED, 1), View((1, 2), ()): "1/2"}, False),
        ({**dict.fromkeys(MARKED, 1), View((1, 2), ()): 0}, False),
        ({**dict.fromkeys(MARKED, 1), View((1, 2), ()): 2}, False),
        ({}, False),
        ({**dict.fromkeys(MARKED, 1), View((5, 5), ()): 9}, True),  # a view that never occurs
    ],
    ids=named,
)
@pytest.mark.parametrize("name", ["parity at 4", "parity, local at 4", "parity, every set by width at 4"])
def test_normalised_is_one_on_planted_views_and_at_most_one_elsewhere(
    score: Mapping[View, Any], normalised: bool, name: str
) -> None:
    head = SparseAttentionHead(HeadClass(2), score=score, value=lambda view: 0)
    assert head.is_normalised(LAWS[name]) is normalised


def test_normalised_is_about_planted_sets_in_the_window() -> None:
    law = parity(2, support.fixed({(0, 3): 1})).at(4)
    head = SparseAttentionHead(HeadClass(2, 2), score={}, value={})
    assert head.is_normalised(law)  # the planted set is no candidate, so there is no planted view
    assert not SparseAttentionHead(HeadClass(2, 3), score={}, value={}).is_normalised(law)


def test_normalised_is_about_keys_of_planted_sets() -> None:
    """The planted view has an offset of 1; planted words at other offsets are noise."""
    law = parity(2, support.local(1)).at(4)
    heads = HeadClass(2, None, "relative")
    near = {View(word, (0, 1)): Fraction(1) for word in ENSEMBLES["parity"].planted}
    head = SparseAttentionHead(heads, score=near, value=lambda view: 0)
    assert head.is_normalised(law)
    assert not head.is_normalised(parity(2).at(4))


def test_normalised_needs_a_planted_law_and_exact_scores() -> None:
    head = SparseAttentionHead(ONE, score={}, value={})
    with pytest.raises(
        AssumptionViolated, match=r"is_normalised: argument law: got a law of type FiniteLaw; expected a pl"
    ):
        head.is_normalised(LAWS["finite"])
    with pytest.raises(
        InvalidArgument, match=r"is_normalised: argument law: got the NoneType None; expected a planted law"
    ):
        head.is_normalised(None)  # type: ignore[arg-type]
    with pytest.raises(
        ExactnessLost, match=r"argument logit: got a head given by float logits; expected exact scores for"
    ):
        SparseAttentionHead(ONE, logit={}, value={}).is_normalised(ENSEMBLES["one"].at(2))


# ── Float64 evaluation ───────────────────────────────────────────────────────────────────────────────────────────────


def arrays(examples: list[Example]) -> tuple[Any, Any]:
    return np.array([e.tokens for e in examples]), np.array([e.ids for e in examples])


@given(case=soft_heads())
def test_a_batch_is_the_exact_output_rounded(case: tuple[SparseAttentionHead, list[Example]]) -> None:
    head, examples = case
    labels = ["b", "a", "c"]
    probabilities, abstains = head.batch(*arrays(examples), labels)
    assert probabilities.shape == (len(examples), 3)
    assert probabilities.dtype == np.float64
    assert abstains.dtype == np.bool_
    for row, silent, e in zip(probabilities, abstains, examples, strict=True):
        out = head(e)
        assert silent == out.abstains
        # At most 10 candidates, each with a relative error of a few units in the last place of the logs up to 70.
        assert row == pytest.approx([float(out.law.get(label, 0)) for label in labels], rel=1e-12, abs=1e-13)


def test_a_batch_mixes_sequences_with_different_ids() -> None:
    law = ENSEMBLES["noisy, local"].at(4, positions=SCHEMES["coupled, shift"])
    heads = HeadClass(2, 1, "absolute")
    head = SparseAttentionHead(
        heads, score=lambda view: Fraction(1 + sum(view.key), 3), value=lambda view: "xy"[sum(view.tokens) % 2]
    )
    examples = law.sample(np.random.default_rng(0), 60)
    assert len({e.ids for e in examples}) > 2
    probabilities, abstains = head.batch(*arrays(examples), ["x", "y"])
    for row, e in zip(probabilities, examples, strict=True):
        assert row == pytest.approx([float(head(e).law.get(label, 0)) for label in "xy"], rel=1e-14)
    assert not abstains.any()


SHORT = np.array([[0, 1], [1, 2], [0, 0], [2, 2]])
IDS = np.array([[0, 1]] * 4)


@pytest.mark.parametrize("size", [1.0, 40.0, 1000.0, 1e6, 1e300, 1.7e308])
@pytest.mark.parametrize("shift", [0.0, 1.0, -1.0])
def test_logits_of_any_size_are_stable(size: float, shift: float) -> None:
    """Only differences of logits count; a difference beyond 745 is certainty in float64."""
    logit = {A: -size + shift, B: size + shift, C: 0.0 + shift}
    head = SparseAttentionHead(ONE, logit=logit, value={A: "a", B: "b", C: "c"})
    probabilities, abstains = head.batch(SHORT, IDS, ["a", "b", "c"])
    small, half = (np.exp(-2 * size), np.exp(-size)) if size < 700 else (0.0, 0.0)
    expected = [
        [small / (1 + small), 1 / (1 + small), 0],
        [0, 1 / (1 + half), half / (1 + half)],
        [1, 0, 0],
        [0, 0, 1],
    ]
    assert probabilities == pytest.approx(np.array(expected), rel=1e-12, abs=1e-300)
    assert not abstains.any()


def test_equal_huge_logits_share_evenly() -> None:
    for size in (1000.0, -1000.0, 1e308, -1e308):
        head = SparseAttentionHead(ONE, logit=dict.fromkeys((A, B, C), size), value=lambda view: view.tokens[0])
        probabilities, _ = head.batch(np.array([[0, 1, 2, 2]]), np.array([[0, 1, 2, 3]]), [0, 1, 2])
        assert probabilities.tolist() == [[0.25, 0.25, 0.5]]


def test_a_logit_of_minus_infinity_is_no_attention() -> None:
    head = SparseAttentionHead(ONE, logit={A: -np.inf, B: 0.0}, value={B: "b"})
    probabilities, abstains = head.batch(SHORT, IDS, ["a", "b"])
    assert probabilities.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0]]
    assert abstains.tolist() == [False, False, True, True]


def test_sequences_without_candidates_abstain() -> None:
    head = SparseAttentionHead(HeadClass(2, 0), score=lambda view: 1, value=lambda view: 0)
    ids = np.array([[0, 1], [3, 3], [0, 2], [5, 5]])
    probabilities, abstains = head.batch(SHORT, ids, [0])
    assert abstains.tolist() == [True, False, True, False]
    assert probabilities.tolist() == [[0], [1], [0], [1]]


@pytest.mark.parametrize("exponent", [10, 400, 5000])
def test_scores_beyond_the_range_of_floats_are_weighed(exponent: int) -> None:
    """Only their ratio counts, whether each is far above the largest float or far below the smallest."""
    for unit in (Fraction(10**exponent), Fraction(1, 10**exponent)):
        head = SparseAttentionHead(ONE, score={A: unit, B: 3 * unit}, value={A: "a", B: "b"})
        probabilities, abstains = head.batch(SHORT, IDS, ["a", "b"])
        assert probabilities[0] == pytest.approx([0.25, 0.75], rel=1e-11)
        assert abstains.tolist() == [False, False, False, True]
        assert dict(head(example((0, 1))).law) == {"a": Fraction(1, 4), "b": Fraction(3, 4)}


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64])
def test_integers_of_any_width_serve(dtype: Any) -> None:
    head = SparseAttentionHead(HeadClass(1, key="absolute"), score=lambda view: 1, value=lambda view: view.tokens[0])
    probabilities, _ = head.batch(SHORT.astype(dtype), IDS.astype(dtype), [0, 1, 2])
    assert probabilities[0].tolist() == [0.5, 0.5, 0.0]


def test_an_empty_batch_is_empty() -> None:
    head = SparseAttentionHead(ONE, score={A: 1}, value={A: "a"})
    empty = np.empty((0, 3), dtype=int)
    probabilities, abstains = head.batch(empty, empty, ["a", "b"])
    assert probabilities.shape == (0, 2)
    assert abstains.shape == (0,)


def test_the_columns_are_the_labels() -> None:
    value: dict[View, Any] = {A: {"a": "1/4", "b": "3/4", "z": 0}}
    head = SparseAttentionHead(ONE, score={A: 1}, value=value)
    probabilities, _ = head.batch(np.array([[0]]), np.array([[0]]), ("b", "unused", "a"))
    assert probabilities.tolist() == [[0.75, 0.0, 0.25]]


def test_values_of_views_that_are_not_attended_to_need_no_column() -> None:
    head = SparseAttentionHead(ONE, logit={A: 0.0, B: -np.inf}, value={A: "a", B: "b"})
    probabilities, _ = head.batch(np.array([[0, 1]]), np.array([[0, 1]]), ["a"])
    assert probabilities.tolist() == [[1.0]]


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"score": {}, "logit": {}, "value": {}},
            r"argument score: got both score and logit; expected exactly one of the",
        ),
        ({"value": {}}, r"argument score: got neither score nor logit; expected exactly one of the two\. Give score"),
        (
            {"score": 1, "value": {}},
            r"argument score: got the int 1; expected a mapping or a function of the view\. For",
        ),
        ({"logit": 0.0, "value": {}}, r"argument logit: got the float 0\.0; expected a mapping or a function"),
        ({"score": {}, "value": "one"}, r"argument value: got the str 'one'; expected a mapping or a function"),
        ({"score": {}, "value": None}, r"argument value: got the NoneType None; expected a mapping or a function"),
        ({"score": [A], "value": {}}, r"argument score: got the list .*; expected a mapping or a function"),
        ({"score": {(1, 2): 1}, "value": {}}, r"argument score: got the view \(1, 2\); expected a View"),
        (
            {"score": {View((1, 2), ()): 1}, "value": {}},
            r"argument score: got the view .* with 2 tokens and a key of 0;",
        ),
        (
            {"logit": {View((1,), (0,)): 1.0}, "value": {}},
            r"argument logit: got the view .* with 1 tokens and a key of 1;",
        ),
        (
            {"score": {}, "value": {View((), ()): "a"}},
            r"argument value: got the view .* with 0 tokens and a key of 0; exp",
        ),
        (
            {"score": {A: -1}, "value": {A: "a"}},
            r"argument score\[.*\]: got the negative score -1; expected an exact score >= 0\.",
        ),
        (
            {"score": {A: float("nan")}, "value": {A: "a"}},
            r"argument score\[.*\]: got NaN; expected an exact score >= 0\. Sc",
        ),
        (
            {"score": {A: 0.5}, "value": {A: "a"}},
            r"argument score\[.*\]: got the float 0\.5; expected an exact rational .*'1/2'",
        ),
        ({"score": {A: True}, "value": {A: "a"}}, r"argument score\[.*\]: got the bool True"),
        ({"score": {A: "x"}, "value": {A: "a"}}, r"argument score\[.*\]: got the str 'x'"),
        ({"score": {A: None}, "value": {A: "a"}}, r"argument score\[.*\]: got the NoneType None"),
        (
            {"score": {A: 1}, "value": {A: ["a"]}},
            r"argument value\[.*\]: got the list \['a'\]; expected a hashable label",
        ),
        (
            {"score": {A: 1}, "value": {A: float("nan")}},
            r"argument value\[.*\]: got the float nan; expected a hashable",
        ),
        ({"score": {A: 1}, "value": {A: {"a": "1/2"}}}, r"argument value\[.*\]: got weights that sum to 1/2; expected"),
        ({"score": {A: 1}, "value": {A: {"a": 2, "b": -1}}}, r"argument value\[.*\]\[1\]: got the negative weight -1"),
        (
            {"score": {A: 1}, "value": {A: {"a": 0.5, "b": 0.5}}},
            r"argument value\[.*\]\[0\]: got the float 0\.5; .* '1/2'",
        ),
        ({"score": {A: 1}, "value": {A: {}}}, r"argument value\[.*\]: got weights that sum to 0"),
        (
            {"score": {A: 1}, "value": {A: {float("nan"): 1}}},
            r"argument value\[.*\]: got the float nan; expected a hashable",
        ),
    ],
    ids=named,
)
def test_what_is_no_head_is_refused_when_built(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^SparseAttentionHead: {message}"):
        SparseAttentionHead(ONE, **arguments)


@pytest.mark.parametrize("heads", [None, 1, HeadClass], ids=named)
def test_heads_are_a_head_class(heads: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^SparseAttentionHead: argument heads: got the .*; expected a HeadClass"
    ):
        SparseAttentionHead(heads, score={}, value={})


@pytest.mark.parametrize(
    ("score", "value", "message"),
    [
        (lambda view: -1, lambda view: "a", r"argument score\[.*\]: got the negative score -1"),
        (lambda view: 0.5, lambda view: "a", r"argument score\[.*\]: got the float 0\.5"),
        (lambda view: float("nan"), lambda view: "a", r"argument score\[.*\]: got NaN"),
        (lambda view: None, lambda view: "a", r"argument score\[.*\]: got the NoneType None"),
        (
            lambda view: 1,
            {B: "b"},
            r"argument value: got no value for the view \(\(0,\), \(\)\) of positive score; expected",
        ),
        (lambda view: 1, lambda view: ["a"], r"argument value\[.*\]: got the list \['a'\]"),
        (lambda view: 1, lambda view: {"a": 2}, r"argument value\[.*\]: got weights that sum to 2"),
    ],
    ids=named,
)
def test_a_function_that_returns_nonsense_is_refused_when_used(score: Any, value: Any, message: str) -> None:
    head = SparseAttentionHead(ONE, score=score, value=value)
    with pytest.raises(InvalidArgument, match=rf"^SparseAttentionHead: {message}"):
        head(example((0,)))
    with pytest.raises(InvalidArgument, match=rf"^SparseAttentionHead: {message}"):
        head.batch(np.array([[0]]), np.array([[0]]), ["a", "b"])


def test_logits_have_no_exact_output() -> None:
    head = SparseAttentionHead(ONE, logit={A: 0.0}, value={A: "a"})
    message = (
        r"^SparseAttentionHead: argument logit: got a head given by float logits; expected exact scores for an exact"
    )
    with pytest.raises(ExactnessLost, match=message):
        head(example((0,)))


@pytest.mark.parametrize("logit", [float("nan"), float("inf"), None, "1", True, 1j, 10**400, [0.0]], ids=named)
@pytest.mark.parametrize("as_function", [False, True])
def test_a_logit_is_a_number_below_infinity(logit: Any, as_function: bool) -> None:
    head = SparseAttentionHead(ONE, logit=(lambda view: logit) if as_function else {A: logit}, value={A: "a"})
    message = r"batch: argument logit\[\(\(0,\), \(\)\)\]: got .*; expected a finite float, or -inf for no attention\."
    with pytest.raises(InvalidArgument, match=message):
        head.batch(np.array([[0]]), np.array([[0]]), ["a"])


@pytest.mark.parametrize("logit", [1, np.float32(0.5), Fraction(1, 2), np.int64(3)], ids=named)
def test_a_logit_may_be_any_real_number(logit: Any) -> None:
    head = SparseAttentionHead(ONE, logit={A: logit}, value={A: "a"})
    assert head.batch(np.array([[0]]), np.array([[0]]), ["a"])[0].tolist() == [[1.0]]


GOOD = np.array([[0, 1]])


@pytest.mark.parametrize(
    ("tokens", "ids", "labels", "message"),
    [
        (
            np.array([0, 1]),
            np.array([0, 1]),
            ["a"],
            r"argument tokens: got shapes \(2,\) and \(2,\); expected two integer arr",
        ),
        (
            GOOD,
            np.array([[0, 1, 2]]),
            ["a"],
            r"argument tokens: got shapes \(1, 2\) and \(1, 3\); .* Stack sequences of one",
        ),
        (np.empty((2, 0), int), np.empty((2, 0), int), ["a"], r"argument tokens: got shapes \(2, 0\) and \(2, 0\)"),
        (
            GOOD * 0.5,
            GOOD,
            ["a"],
            r"argument tokens: got the ndarray .*; expected an array of integers \(64 bits at most\)",
        ),
        (GOOD, GOOD.astype(float), ["a"], r"argument ids: got the ndarray .*; expected an array of integers"),
        (GOOD == 1, GOOD, ["a"], r"argument tokens: got the ndarray .*; expected an array of integers"),
        (GOOD.astype(np.uint64), GOOD, ["a"], r"argument tokens: got the ndarray .*; expected an array of integers"),
        ("ab", GOOD, ["a"], r"argument tokens: got the str 'ab'; expected an array of integers"),
        (None, GOOD, ["a"], r"argument tokens: got the NoneType None; expected an array of integers"),
        (
            [[0, 1], [0]],
            GOOD,
            ["a"],
            r"argument tokens: got the list \[\[0, 1\], \[0\]\]; expected an array of integers",
        ),
        (
            GOOD,
            GOOD,
            [],
            r"argument labels: got \[\]; expected at least one label, each once\. Give the label of every out",
        ),
        (GOOD, GOOD, ["a", "a"], r"argument labels: got \['a', 'a'\]; expected at least one label, each once"),
        (GOOD, GOOD, "ab", r"argument labels: got the str 'ab'; expected a list or tuple of labels"),
        (GOOD, GOOD, None, r"argument labels: got the NoneType None; expected a list or tuple of labels"),
        (
            GOOD,
            GOOD,
            ["b"],
            r"argument labels: got \('b',\) without the answer 'a'; expected every label",
        ),
    ],
    ids=named,
)
def test_a_batch_is_of_integer_arrays_and_labels(tokens: Any, ids: Any, labels: Any, message: str) -> None:
    head = SparseAttentionHead(ONE, score=lambda view: 1, value=lambda view: "a")
    with pytest.raises(InvalidArgument, match=rf"^SparseAttentionHead\.batch: {message}"):
        head.batch(tokens, ids, labels)


def test_lists_of_integers_serve_as_arrays() -> None:
    head = SparseAttentionHead(ONE, score=lambda view: 1, value=lambda view: "a")
    assert head.batch([[0, 1]], [[0, 1]], ["a"])[0].tolist() == [[1.0]]  # type: ignore[arg-type]


def test_the_law_of_a_large_batch_agrees_with_the_exact_one() -> None:
    """A last comparison at a size that people use."""
    law: Law = ENSEMBLES["noisy"].at(12, positions=positions.random_shift(0, 3))
    heads = HeadClass(2, 3, "relative")
    head = SparseAttentionHead(
        heads, score=lambda view: Fraction(1, 1 + view.key[1]), value=lambda view: "xy"[view.tokens[0] % 2]
    )
    examples = law.sample(np.random.default_rng(1), 50)
    probabilities, _ = head.batch(*arrays(examples), ["x", "y"])
    exact = [[float(head(e).law.get(label, 0)) for label in "xy"] for e in examples]
    assert probabilities == pytest.approx(np.array(exact), rel=1e-13)
