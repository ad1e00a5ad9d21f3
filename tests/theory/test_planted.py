"""Planted ensembles: the law of Definition 1, its placements, and everything that is refused."""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
import pytest

from tests.cases import ENSEMBLES, LAWS, SCHEMES, named, parity
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Example,
    InvalidArgument,
    Law,
    PlantedEnsemble,
    PlantedLaw,
    mixture,
    positions,
    support,
)
from theory.planted import planted_components

PLANTED = {name: law for name, law in LAWS.items() if isinstance(law, PlantedLaw)}
planted_cases = pytest.mark.parametrize("law", PLANTED.values(), ids=PLANTED)


@planted_cases
def test_the_table_is_definition_1(law: PlantedLaw) -> None:
    """Every sequence over the vocabulary, its probability summed over all support sets as the definition says."""
    ensemble, length = law.ensemble, law.length
    all_ids = list(law.positions.ids(length))
    expected: Counter[Example] = Counter()
    weight_of = dict(law.support_law.sets(length, ensemble.arity))
    for tokens in product(range(ensemble.vocabulary), repeat=length):
        for planted in combinations(range(length), ensemble.arity):
            word = tuple(tokens[i] for i in planted)
            p = Fraction(weight_of.get(planted, 0), sum(weight_of.values())) * ensemble.planted.get(word, 0)
            p *= prod((ensemble.background[tokens[i]] for i in range(length) if i not in planted), start=Fraction(1))
            if p:
                for ids in all_ids:
                    expected[Example(tokens, ids, ensemble.target[word])] += p / len(all_ids)  # type: ignore[assignment]
    assert dict(law.items()) == expected


@planted_cases
def test_placements_are_the_joint_law_of_sets_and_ids(law: PlantedLaw) -> None:
    placements = list(law.placements())
    assert len(placements) == law.n_placements
    assert sum(weight for _, _, weight in placements) == law.placement_denominator
    of_sets: Counter[Any] = Counter()
    of_ids: Counter[Any] = Counter()
    for planted, ids, weight in placements:
        of_sets[planted] += weight
        of_ids[ids] += weight
    total = law.support_law.total(law.length, law.ensemble.arity)
    n_ids = law.positions.count(law.length)
    assert of_sets == {s: weight * n_ids for s, weight in law.support_law.sets(law.length, law.ensemble.arity)}
    assert of_ids == {ids: times * total for ids, times in Counter(law.positions.ids(law.length)).items()}


def test_the_size_is_known_without_listing() -> None:
    law = parity(3).at(300, positions=positions.random_shift(0, 9))
    assert law.size == 300 * 299 * 298 // 6 * 10 * 8
    noisy = ENSEMBLES["noisy"].at(50)
    assert noisy.size == 50 * 49 // 2 * 3 * 3**48
    assert noisy.denominator == 50 * 49 // 2 * 6 * 6**48


def test_long_sequences_are_sampled_without_listing() -> None:
    law = ENSEMBLES["noisy, local"].at(2000, positions=positions.random_ordered(0, 10**9))
    (drawn,) = law.sample(np.random.default_rng(0), 1)
    assert drawn.length == 2000
    assert list(drawn.ids) == sorted(set(drawn.ids))
    counts = Counter(drawn.tokens)
    assert 900 < counts[0] < 1100  # the background weights are 1/2, 1/3, 1/6: these are 4.5 standard deviations
    assert 570 < counts[1] < 763


@pytest.mark.parametrize("mixed", [False, True])
def test_a_probability_keeps_to_its_budget(mixed: bool) -> None:
    """A length of 100 has C(100, 2) = 4,950 placements of two bits, each of 2 · 64 cells; all of them have one share."""
    law: Law = parity(2).at(100)
    law = mixture([(law, "1/2"), (parity(2).at(3), "1/2")]) if mixed else law
    example = Example((1, 2, *(0,) * 98), tuple(range(100)), 1)
    expected = Fraction(1, 4950 * 4) / (2 if mixed else 1)
    assert law.probability(example, budget=9900) == law.probability(example) == expected
    with pytest.raises(BudgetExceeded, match=r"PlantedLaw\.probability: .* 9,900 items .* Raise it with budget=9900"):
        law.probability(example, budget=9899)


def test_words_of_probability_zero_are_dropped() -> None:
    ensemble = ENSEMBLES["noisy"]
    assert set(ensemble.planted) == set(ensemble.target) == {(0, 1), (1, 1), (2, 0)}
    assert ensemble.labels == ("y", "x", "never")
    assert ensemble.arity == 2


def test_labels_are_those_of_the_words_unless_said() -> None:
    assert ENSEMBLES["parity"].labels == (0, 1)
    assert ENSEMBLES["one label"].labels == (7,)
    assert ENSEMBLES["one label"].at(3).labels == (7,)


def test_ids_are_positions_unless_said() -> None:
    assert parity(2).at(3) == parity(2).at(3, positions=positions.absolute())


def ensemble_of(**changes: Any) -> PlantedEnsemble:
    """A valid ensemble, but for the changes."""
    arguments: dict[str, Any] = {
        "vocabulary": 3,
        "background": [1, 0, 0],
        "planted": {(1, 2): "1/2", (2, 1): "1/2"},
        "target": {(1, 2): "a", (2, 1): "b"},
        "support": support.uniform(),
    }
    return PlantedEnsemble(**{**arguments, **changes})


def test_an_ensemble_is_a_frozen_value_that_keeps_its_content() -> None:
    planted, target = {(1, 2): "1/2", (2, 1): "1/2"}, {(1, 2): "a", (2, 1): "b"}
    ensemble = ensemble_of(planted=planted, target=target)
    target[(1, 2)] = "changed"
    planted.clear()
    assert ensemble == ensemble_of()
    assert hash(ensemble) == hash(ensemble_of())
    assert pickle.loads(pickle.dumps(ensemble)) == ensemble
    assert ensemble.at(3) == ensemble_of().at(3)
    assert hash(ensemble.at(3)) == hash(ensemble_of().at(3))
    assert pickle.loads(pickle.dumps(ensemble.at(3))).table() == ensemble.at(3).table()
    with pytest.raises(dataclasses.FrozenInstanceError):
        ensemble.vocabulary = 4  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        ensemble.at(3).length = 4  # type: ignore[misc]


def test_equal_ensembles_have_equal_hashes_whatever_the_order_of_the_words() -> None:
    labels = ["a", "b"]
    one = ensemble_of(labels=labels)
    other = ensemble_of(planted={(2, 1): "1/2", (1, 2): "1/2"}, target={(2, 1): "b", (1, 2): "a"}, labels=labels)
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"background": [0, 1, 0]},
        {"planted": {(1, 2): "1/3", (2, 1): "2/3"}},
        {"target": {(1, 2): "b", (2, 1): "a"}},
        {"support": support.local(1)},
        {"labels": ["b", "a"]},
        {"vocabulary": 4, "background": [1, 0, 0, 0]},
    ],
    ids=named,
)
def test_ensembles_that_differ_are_unequal(changes: dict[str, Any]) -> None:
    assert ensemble_of(**changes) != ensemble_of()


def test_a_numpy_background_of_integers_is_exact() -> None:
    assert ensemble_of(background=np.array([0, 1, 0])) == ensemble_of(background=(0, 1, 0))


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": 0}, r"argument vocabulary: got 0; expected an integer >= 1\. Give the number of tokens\."),
        ({"vocabulary": True}, r"argument vocabulary: got True; expected an integer"),
        ({"vocabulary": "3"}, r"argument vocabulary: got '3'; expected an integer"),
        ({"vocabulary": 3.0}, r"argument vocabulary: got 3\.0; expected an integer"),
        ({"vocabulary": None}, r"argument vocabulary: got None; expected an integer"),
        ({"vocabulary": [0, 1, 2]}, r"argument vocabulary: got \[0, 1, 2\]; expected an integer"),
        (
            {"background": [1, 0]},
            r"argument background: got 2 weights; expected 3 weights, one a token\. Use 0 for a token",
        ),
        (
            {"background": ["1/2", "1/3", 0]},
            r"argument background: got weights that sum to 5/6; .* Divide every weight by 5/6",
        ),
        ({"background": [2, -1, 0]}, r"argument background\[1\]: got the negative weight -1"),
        ({"background": [0.5, 0.5, 0]}, r"argument background\[0\]: got the float 0\.5; .* '1/2'"),
        ({"background": np.array([0.5, 0.5, 0])}, r"argument background\[0\]: got the float64 .* '1/2'"),
        ({"background": [1, None, 0]}, r"argument background\[1\]: got the NoneType None"),
        ({"background": [float("nan"), 1, 0]}, r"argument background\[0\]: got the float nan"),
        (
            {"background": "100"},
            r"argument background: got the str '100'; expected a list of weights, one a token\. For",
        ),
        ({"background": {0: 1, 1: 0, 2: 0}}, r"argument background: got the dict .*; expected a list of weights"),
        ({"background": {0, 1, 2}}, r"argument background: got the set .*; expected a list of weights"),
        ({"background": None}, r"argument background: got the NoneType None; expected a list"),
        (
            {"planted": {}},
            r"argument planted: got \{\}; expected a mapping \{word: probability\} that is not empty\. For",
        ),
        (
            {"planted": [(1, 2)]},
            r"argument planted: got the list .*; expected a mapping \{word: probability\}\. For instance",
        ),
        ({"planted": None}, r"argument planted: got the NoneType None; expected a mapping"),
        (
            {"planted": {(1, 2): "1/2", (1,): "1/2"}},
            r"argument planted: got the words \(1, 2\) and \(1,\); expected words of one",
        ),
        (
            {"planted": {(): 1}},
            r"argument planted: got the words \(\) and \(\); expected words of one length k >= 1\. Make",
        ),
        (
            {"planted": {1: 1}},
            r"argument planted: got the int 1; expected words that are tuples of tokens\. Write \(1,\) for",
        ),
        ({"planted": {"12": 1}}, r"argument planted: got the str '12'; expected words that are tuples"),
        (
            {"planted": {range(1, 3): 1}},
            r"argument planted: got the range range\(1, 3\); expected words that are tuples",
        ),
        ({"planted": {b"\x01": 1}}, r"argument planted: got the bytes b'\\x01'; expected words"),
        (
            {"planted": {(1, 3): 1}},
            r"argument planted: got the token 3 in the word \(1, 3\); expected a token in 0\.\.2\. Correct",
        ),
        ({"planted": {(1, -1): 1}}, r"argument planted: got the token -1 in the word"),
        ({"planted": {(1, 2.0): 1}}, r"argument planted: got the token 2\.0 in the word"),
        ({"planted": {(True, 2): 1}}, r"argument planted: got the token True in the word"),
        ({"planted": {(np.int64(1), 2): 1}}, r"argument planted: got the token np\.int64\(1\) in the word"),
        ({"planted": {(1, "2"): 1}}, r"argument planted: got the token '2' in the word"),
        ({"planted": {(1, 2): "1/2", (2, 1): "1/3"}}, r"argument planted: got weights that sum to 5/6"),
        ({"planted": {(1, 2): -1, (2, 1): 2}}, r"argument planted\[0\]: got the negative weight -1"),
        ({"planted": {(1, 2): 0.5, (2, 1): 0.5}}, r"argument planted\[0\]: got the float 0\.5"),
        (
            {"target": {(1, 2): "a"}},
            r"argument target: got no label for the planted word \(2, 1\); .*Add \(2, 1\): label\.",
        ),
        ({"target": {}}, r"argument target: got no label for the planted word \(1, 2\)"),
        (
            {"target": None},
            r"argument target: got the NoneType None; expected a mapping \{word: label\}\. From a function f",
        ),
        (
            {"target": sum},
            r"argument target: got the builtin.*; expected a mapping \{word: label\}\. .*\{word: f\(word\)",
        ),
        ({"target": {(1, 2): "a", (2, 1): "b", (1, 3): "c"}}, r"argument target: got the token 3 in the word \(1, 3\)"),
        (
            {"target": {(1, 2): "a", (2, 1): "b", 1: "c"}},
            r"argument target: got the int 1; expected words that are tuples",
        ),
        (
            {"target": {(1, 2): "a", (2, 1): ["b"]}},
            r"argument target\[\(2, 1\)\]: got the list \['b'\]; expected a hashable label",
        ),
        (
            {"target": {(1, 2): "a", (2, 1): float("nan")}},
            r"argument target\[\(2, 1\)\]: got the float nan; expected a hashable",
        ),
        (
            {"labels": ["a"]},
            r"argument target: got the label 'b' of word \(2, 1\); expected a label in \('a',\)\. Correct it, or",
        ),
        ({"labels": []}, r"argument target: got the label 'a' of word \(1, 2\); expected a label in \(\)"),
        ({"labels": "ab"}, r"argument labels: got the str 'ab'; expected a list or tuple of labels"),
        ({"labels": 2}, r"argument labels: got the int 2; expected a list or tuple of labels"),
        ({"labels": ["a", "b", {}]}, r"argument labels\[2\]: got the dict \{\}; expected a hashable label"),
        (
            {"support": None},
            r"argument support: got None; expected a support law or a function of the length\. For instance",
        ),
        ({"support": {(0, 1): 1}}, r"argument support: got \{\(0, 1\): 1\}; expected a support law"),
        ({"support": "uniform"}, r"argument support: got 'uniform'; expected a support law"),
        (
            {"support": support.uniform},
            r"argument support: got <function .*; expected the support law that it returns\. Call",
        ),
        (
            {"support": support.local},
            r"argument support: got <function .*Call it: for instance support\.uniform\(\) or",
        ),
        ({"support": support.paired}, r"argument support: got <function"),
        ({"support": support.fixed}, r"argument support: got <function"),
    ],
    ids=named,
)
def test_what_is_no_ensemble_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^PlantedEnsemble: {message}"):
        ensemble_of(**changes)


@pytest.mark.parametrize("length", [1, 0, -1, True, 4.0, "4", None, np.int64(4), [4]], ids=named)
def test_a_length_is_at_least_the_arity(length: Any) -> None:
    message = (
        r"^PlantedEnsemble\.at: argument length: got .*; expected an integer >= 2, the number of planted tokens\. Use a"
    )
    with pytest.raises(InvalidArgument, match=message):
        ensemble_of().at(length)


@pytest.mark.parametrize("scheme", ["absolute", 0, positions.absolute, positions.blocks(2), (0, 1)], ids=named)
def test_positions_are_a_scheme(scheme: Any) -> None:
    message = r"^PlantedEnsemble\.at: argument positions: got .*; expected a position scheme\. For instance"
    with pytest.raises(InvalidArgument, match=message):
        ensemble_of().at(3, positions=scheme)


def test_a_length_without_a_support_set_is_refused() -> None:
    message = (
        r"argument length: got length 4, at which Local\(width=0\) has no set of 2 positions; expected a length and a"
    )
    with pytest.raises(InvalidArgument, match=message):
        ensemble_of(support=support.local(0)).at(4)


@pytest.mark.parametrize(
    ("changes", "length", "scheme", "message"),
    [
        ({"support": support.paired()}, 3, None, r"support\.paired: argument length: got 3"),
        (
            {"support": support.fixed({(0, 4): 1})},
            4,
            None,
            r"support\.fixed: argument sets: got the set \(0, 4\) at length 4",
        ),
        (
            {"support": support.fixed({(0, 1, 2): 1})},
            4,
            None,
            r"support\.fixed: argument sets: got the set \(0, 1, 2\) of 3",
        ),
        (
            {"support": lambda length: None},
            4,
            None,
            r"support\.fixed: argument sets: got the NoneType None; expected a mapping",
        ),
        (
            {"support": lambda length: {(1, 0): 1}},
            4,
            None,
            r"support\.fixed: .* got \(1, 0\); expected tuples of positions",
        ),
        ({}, 5, SCHEMES["coupled"], r"positions\.blocks: argument length: got 5"),
        (
            {},
            7,
            SCHEMES["ordered"],
            r"positions\.random_ordered: argument hi: got 6 IDs \(-2\.\.3\) for 7 distinct positions",
        ),
        ({}, 7, SCHEMES["chunked"], r"positions\.chunked_shift: argument hi: got 6 IDs"),
    ],
    ids=named,
)
def test_a_length_that_support_or_scheme_cannot_serve_is_refused_at_once(
    changes: dict[str, Any], length: int, scheme: Any, message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        ensemble_of(**changes).at(length, positions=scheme)


def test_components_of_a_mixture_are_planted_or_refused() -> None:
    one, two = parity(2).at(2), parity(2).at(3)
    assert planted_components(one, "f", "law") == [(one, Fraction(1))]
    assert planted_components(mixture([(one, "1/3"), (two, "2/3")]), "f", "law") == [
        (one, Fraction(1, 3)),
        (two, Fraction(2, 3)),
    ]
    message = (
        r"^f: argument law: got a law of type {}; expected a planted law or a mixture of planted laws\. Build it with"
    )
    for law, kind in ((LAWS["finite"], "FiniteLaw"), (LAWS["mixture of kinds"], "Mixture"), (None, "NoneType")):
        with pytest.raises(AssumptionViolated, match=message.format(kind)):
            planted_components(law, "f", "law")  # type: ignore[arg-type]


def test_what_the_law_does_not_draw_has_probability_zero() -> None:
    law = ENSEMBLES["noisy"].at(3, positions=SCHEMES["shift"])
    drawn = law.support()[0]
    assert law.probability(drawn) > 0
    for other in (
        Example(drawn.tokens, (5, 6, 7), drawn.label),  # IDs beyond the shifts
        Example(drawn.tokens, (0, 2, 4), drawn.label),
        Example(drawn.tokens[:2], drawn.ids[:2], drawn.label),
        Example((0, 1, 3), drawn.ids, drawn.label),
        Example((1, 2, 2), drawn.ids, "z"),  # the target of words that are planted with probability 0, or not at all
        Example((1, 2, 0), drawn.ids, "z"),
        Example(drawn.tokens, drawn.ids, "no label"),
        Example((2, 2, 1), drawn.ids, None),
    ):
        assert law.probability(other) == 0
