"""Problems as files: everything that the theory can say survives a roundtrip, every bad file is refused by name."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import proofs_check
from proofs_check.claims import drawn
from proofs_check.commands.main import main
from proofs_check.problem import Problem
from proofs_check.problem_files import (
    problem_from_dict,
    problem_to_dict,
    read_data,
    read_problem,
    write_json,
    write_text,
)
from tests.cases import ENSEMBLES, HEADS, LAWS, SCHEMES, TRANSFERS, named
from theory import (
    Example,
    FiniteLaw,
    HardHead,
    HeadClass,
    InvalidArgument,
    Law,
    PlantedEnsemble,
    View,
    decide,
    mixture,
    positions,
    support,
)
from theory.examples import Label, Mixture
from theory.heads import Key
from theory.planted import PlantedLaw
from theory.support import SupportLaw

EXAMPLES = sorted((Path(proofs_check.__file__).parent.parent / "docs" / "examples").glob("*.toml"))
EXAMPLES = [path for path in EXAMPLES if path.name != "sweep.toml"]  # a grid of training runs, no problem


def through_a_file(problem: Problem, folder: Path) -> Problem:
    """The problem, written and read."""
    file = folder / "problem.json"
    write_json(file, problem_to_dict(problem), "test")
    return read_problem(file)


# ── Roundtrips ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", LAWS)
def test_every_law_survives_a_roundtrip(name: str, tmp_path: Path) -> None:
    law = LAWS[name]
    problem = Problem(HeadClass(1), law, law)
    again = through_a_file(problem, tmp_path)
    assert again.train.table() == law.table()
    assert again.train.denominator == law.denominator
    assert again.labels == problem.labels
    by_rule = name.startswith(("parity, every set", "noisy, skewed"))  # the file holds the support law at this length
    assert (again == problem) == (not by_rule and name != "mixture of kinds")


@pytest.mark.parametrize("heads", [*HEADS, *(replace(h, at_most=True) for h in HEADS if h.window)], ids=named)
def test_every_head_class_survives_a_roundtrip(heads: HeadClass) -> None:
    law = ENSEMBLES["one"].at(2)
    assert problem_from_dict(json.loads(json.dumps(problem_to_dict(Problem(heads, law, law))))).heads == heads


SUPPORTS: list[SupportLaw] = [
    support.uniform(),
    support.uniform("last"),
    support.local(1),
    support.local(3),
    support.paired(),
    support.fixed({(0, 3): "1/3", (1, 2): "2/3"}),
]


@pytest.mark.parametrize("law", SUPPORTS, ids=named)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_support_law_and_scheme_survives_a_roundtrip(law: SupportLaw, scheme: str, tmp_path: Path) -> None:
    ens = PlantedEnsemble(2, ["1/3", "2/3"], {(0, 1): "2/7", (1, 1): "5/7"}, {(0, 1): 0, (1, 1): 1}, law, [1, 0, 2])
    train, test = ens.at(4, positions=SCHEMES[scheme]), ens.at(6 if law == support.paired() else 4)
    problem = Problem(HeadClass(2), mixture([(train, "1/5"), (test, "4/5")]), test)
    assert through_a_file(problem, tmp_path) == problem


LABELS: list[Label] = [0, -7, 10**30, "", "yes", "ja, 'ωκ'\n", (), (1, "x"), ((1, 2), ("a", (0,))), True]


@pytest.mark.parametrize("label", LABELS, ids=named)
def test_every_kind_of_label_survives_a_roundtrip(label: Label, tmp_path: Path) -> None:
    ens = PlantedEnsemble(2, [1, 0], {(1,): 1}, {(1,): label}, support.uniform(), [label, "other"])
    finite = FiniteLaw({Example((1,), (-3,), label): 1}, labels=[label, "other"])
    heads = HeadClass(1)
    problem = Problem(heads, ens.at(2), finite, HardHead(heads, {View((1,), ()): label}))
    again = through_a_file(problem, tmp_path)
    assert again == problem
    assert type(again.labels[0]) is type(label)


@pytest.mark.parametrize("label", [1.5, None, frozenset({1}), Fraction(1, 2), (1, None), b"x"], ids=named)
def test_a_label_without_a_form_in_the_file_is_refused(label: Label) -> None:
    finite = FiniteLaw({Example((1,), (0,), label): 1})
    with pytest.raises(
        InvalidArgument, match=r"problem_to_dict: argument label: got .*Use an int, a string, or a tuple"
    ):
        problem_to_dict(Problem(HeadClass(1), finite, finite))


def test_a_coupling_without_a_name_is_refused() -> None:
    law = ENSEMBLES["one"].at(2, positions=positions.coupled(lambda length: (0,) * length))
    with pytest.raises(InvalidArgument, match=r"argument position scheme: .*one that the file format can name"):
        problem_to_dict(Problem(HeadClass(1), law, law))


@pytest.mark.parametrize("key", ["none", "order", "relative", "absolute"])
def test_heads_survive_a_roundtrip(key: Key, tmp_path: Path) -> None:
    heads = HeadClass(2, None, key)
    law = ENSEMBLES["noisy"].at(3)
    views = sorted({view for example in law.support() for view in heads.views(example)})
    for chosen in ([], views[:1], views):
        problem = Problem(heads, law, law, HardHead(heads, dict.fromkeys(chosen, "x")))
        assert through_a_file(problem, tmp_path) == problem
    assert through_a_file(Problem(heads, law, law), tmp_path).head is None


@pytest.mark.parametrize("name", TRANSFERS)
def test_transfers_survive_a_roundtrip(name: str, tmp_path: Path) -> None:
    heads, train, test = TRANSFERS[name]
    again = through_a_file(Problem(heads, train, test), tmp_path)
    assert (again.heads, again.train.table(), again.test.table()) == (heads, train.table(), test.table())


@hypothesis.settings(max_examples=10)
@hypothesis.given(drawn.problems())
def test_random_problems_survive_a_roundtrip(problem: Problem) -> None:
    assert problem_from_dict(json.loads(json.dumps(problem_to_dict(problem)))) == problem


def test_a_planted_law_and_a_finite_law_mixed_are_written_as_examples() -> None:
    written: Any = problem_to_dict(Problem(HeadClass(1), LAWS["mixture of kinds"], LAWS["finite"]))
    assert set(written["train"]) == set(written["test"]) == {"examples", "labels"}
    assert written["test"]["examples"][0] == {"tokens": [0, 1], "ids": [3, 3], "label": "a", "probability": "2/7"}


# ── What a person writes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_there_are_examples_or_no_docs() -> None:
    assert EXAMPLES or not (Path(proofs_check.__file__).parent.parent / "docs" / "examples").exists()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_of_the_docs_are_problems(file: Path) -> None:
    problem = read_problem(file)
    assert problem.test.size > 1
    assert decide(problem.heads, train=problem.train, test=problem.test).outcome in (
        "generalizes",
        "fails",
        "unrealizable",
    )
    assert problem_from_dict(problem_to_dict(problem)) == problem


GOOD: dict[str, Any] = {
    "heads": {"arity": 1},
    "ensemble": {
        "vocabulary": 2,
        "background": [1, 0],
        "support": {"kind": "uniform"},
        "planted": [{"word": [1], "probability": 1, "label": "yes"}],
    },
    "train": [{"length": 2}],
    "test": [{"length": 3}],
}
FINITE: dict[str, Any] = {
    **GOOD,
    "train": {"examples": [{"tokens": [0, 1], "label": 0}, {"tokens": [1, 1], "ids": [4, 2], "label": 1}]},
}
SETS: dict[str, Any] = {
    **GOOD,
    "test": [
        {
            "length": 3,
            "support": {
                "kind": "fixed",
                "sets": [{"positions": [0], "probability": "1/2"}, {"positions": [2], "probability": "1/2"}],
            },
        }
    ],
}
HEAD: dict[str, Any] = {**GOOD, "head": [{"tokens": [1], "label": "yes"}, {"tokens": [0], "label": "no"}]}
TWO: dict[str, Any] = {**GOOD, "train": [{"length": 2, "probability": "1/2"}, {"length": 3, "probability": "1/2"}]}


def test_defaults_are_what_a_person_expects() -> None:
    problem = problem_from_dict(GOOD)
    ens = PlantedEnsemble(2, [1, 0], {(1,): 1}, {(1,): "yes"}, support.uniform())
    assert problem == Problem(HeadClass(1, None, "none", "none"), ens.at(2), ens.at(3))
    assert problem_from_dict(FINITE).train == FiniteLaw(
        {Example((0, 1), (0, 1), 0): "1/2", Example((1, 1), (4, 2), 1): "1/2"}
    )
    fixed: Law = problem_from_dict(SETS).test
    assert [(example.tokens, p) for example, p in fixed.items()] == [
        ((1, 0, 0), Fraction(1, 2)),
        ((0, 0, 1), Fraction(1, 2)),
    ]
    assert problem_from_dict(HEAD).head == HardHead(HeadClass(1), {View((1,), ()): "yes", View((0,), ()): "no"})
    assert problem_from_dict(TWO).train == mixture([(ens.at(2), "1/2"), (ens.at(3), "1/2")])


def test_null_is_as_good_as_left_out() -> None:
    for path in (("heads", "window"), ("head",), ("ensemble", "labels"), ("test", 0, "support"), ("train", "labels")):
        good = FINITE if path == ("train", "labels") else GOOD
        assert problem_from_dict(changed(good, path, None)) == problem_from_dict(good)


# ── Bad files ────────────────────────────────────────────────────────────────────────────────────────────────────────

LEFT_OUT = object()
Path_ = tuple[str | int, ...]


def changed(good: Mapping[str, Any], path: Path_, value: object) -> dict[str, Any]:
    """A copy of a good problem with one entry replaced, added or left out."""
    data: Any = copy.deepcopy(dict(good))
    at = data
    for step in path[:-1]:
        at = at[step]
    if value is LEFT_OUT:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return data  # type: ignore[no-any-return]


SHIFT = {"kind": "random_shift", "lo": 0, "hi": 1}
BAD: list[tuple[Mapping[str, Any], Path_, object, str, str]] = [
    # (a good problem, which entry, what comes instead, the place that the message names, what else it says)
    # Missing and unknown fields at every level.
    (GOOD, ("heads",), LEFT_OUT, ": heads", "got nothing; expected the field 'heads'. Add it."),
    (GOOD, ("train",), LEFT_OUT, ": train", "expected the field 'train'"),
    (GOOD, ("test",), LEFT_OUT, ": test", "expected the field 'test'"),
    (GOOD, ("ensemble",), LEFT_OUT, ": ensemble", "a table 'ensemble' that the laws share"),
    (GOOD, ("heads", "arity"), LEFT_OUT, ": heads: arity", "expected the field 'arity'"),
    (GOOD, ("ensemble", "background"), LEFT_OUT, ": ensemble: background", "expected the field 'background'"),
    (GOOD, ("ensemble", "support"), LEFT_OUT, ": ensemble.support: kind", "expected the field 'kind'"),
    (GOOD, ("ensemble", "planted", 0, "word"), LEFT_OUT, ": ensemble.planted[0]: word", "expected the field 'word'"),
    (GOOD, ("train", 0, "length"), LEFT_OUT, ": train[0]: length", "expected the field 'length'"),
    (TWO, ("train", 1, "probability"), LEFT_OUT, ": train[1]: probability", "expected the field 'probability'"),
    (FINITE, ("train", "examples"), LEFT_OUT, ": train: examples", "expected the field 'examples'"),
    (FINITE, ("train", "examples", 1, "label"), LEFT_OUT, ": train.examples[1]: label", "the field 'label'"),
    (HEAD, ("head", 1, "label"), LEFT_OUT, ": head[1]: label", "expected the field 'label'"),
    (
        GOOD,
        ("heds",),
        {},
        ": heds",
        "got an unknown field; expected one of heads, ensemble, train, test, head, scores.",
    ),
    (
        GOOD,
        ("heads", "k"),
        2,
        ": heads: k",
        "got an unknown field; expected one of arity, window, key, anchor, at_most.",
    ),
    (GOOD, ("ensemble", "noise"), 2, ": ensemble: noise", "expected one of vocabulary, background, planted"),
    (GOOD, ("ensemble", "support", "width"), 2, ": ensemble.support: width", "expected one of kind, anchor"),
    (GOOD, ("train", 0, "size"), 2, ": train[0]: size", "expected one of length, probability, positions"),
    (FINITE, ("train", "examples", 0, "x"), 2, ": train.examples[0]: x", "expected one of tokens, ids, label"),
    (HEAD, ("head", 0, "view"), [1], ": head[0]: view", "expected one of tokens, key, label"),
    # Wrong types at every level.
    (GOOD, ("heads",), [1], ": heads", "got [1]; expected a table (object)"),
    (GOOD, ("heads",), None, ": heads", "got None; expected a table (object)"),
    (GOOD, ("heads", "arity"), "2", ": heads: arity", "got '2'; expected an integer"),
    (GOOD, ("heads", "arity"), True, ": heads: arity", "got True; expected an integer"),
    (GOOD, ("heads", "arity"), 1.0, ": heads: arity", "got 1.0; expected an integer"),
    (GOOD, ("heads", "window"), "wide", ": heads: window", "got 'wide'; expected an integer >= 0"),
    (GOOD, ("heads", "key"), [], ": heads: key", "got []; expected one of none, order, relative, absolute"),
    (GOOD, ("heads", "anchor"), None, ": heads: anchor", "got None; expected one of none, last"),
    (GOOD, ("heads", "at_most"), "yes", ": heads: at_most", "got the str 'yes'; expected True or False"),
    (GOOD, ("ensemble",), 3, ": ensemble", "got 3; expected a table (object)"),
    (GOOD, ("ensemble", "vocabulary"), [2], ": ensemble: vocabulary", "got [2]; expected an integer"),
    (GOOD, ("ensemble", "background"), 1, ": ensemble: background", "got 1; expected a non-empty list"),
    (GOOD, ("ensemble", "background"), {"0": 1}, ": ensemble: background", "expected a non-empty list"),
    (GOOD, ("ensemble", "planted"), {}, ": ensemble: planted", "got {}; expected a non-empty list"),
    (GOOD, ("ensemble", "planted", 0), [1], ": ensemble.planted[0]", "got [1]; expected a table (object)"),
    (GOOD, ("ensemble", "planted", 0, "word"), 1, ": ensemble.planted[0]: word", "expected a list of integers"),
    (GOOD, ("ensemble", "planted", 0, "word"), ["1"], ": ensemble.planted[0]: word", "expected a list of integers"),
    (GOOD, ("ensemble", "planted", 0, "word"), [True], ": ensemble.planted[0]: word", "expected a list of integers"),
    (GOOD, ("ensemble", "planted", 0, "label"), 0.5, ": ensemble.planted[0]: label", "an integer, a string or a list"),
    (GOOD, ("ensemble", "planted", 0, "label"), {"a": 1}, ": ensemble.planted[0]: label", "an integer, a string or"),
    (GOOD, ("ensemble", "planted", 0, "label"), [[None]], ": ensemble.planted[0]: label", "got None; expected an int"),
    (GOOD, ("ensemble", "labels"), "yes", ": ensemble: labels", "got 'yes'; expected a non-empty list"),
    (GOOD, ("ensemble", "support"), "uniform", ": ensemble.support", "got 'uniform'; expected a table (object)"),
    (GOOD, ("ensemble", "support", "kind"), [], ": ensemble.support: kind", "one of uniform, local, paired, fixed"),
    (GOOD, ("ensemble", "support", "kind"), {}, ": ensemble.support: kind", "one of uniform, local, paired, fixed"),
    (GOOD, ("ensemble", "support", "kind"), "gauss", ": ensemble.support: kind", "got 'gauss'; expected one of"),
    (GOOD, ("ensemble", "support", "anchor"), 1, ": ensemble.support: anchor", "got 1; expected one of none, last"),
    (GOOD, ("train",), "all", ": train", "got 'all'; expected a non-empty list"),
    (GOOD, ("train",), None, ": train", "got None; expected a non-empty list"),
    (GOOD, ("train", 0), 3, ": train[0]", "got 3; expected a table (object)"),
    (GOOD, ("train", 0, "length"), "4", ": train[0]: length", "got '4'; expected an integer"),
    (GOOD, ("train", 0, "positions"), "absolute", ": train[0]: positions", "expected a table (object)"),
    (GOOD, ("train", 0, "positions"), {"kind": 1}, ": train[0]: positions: kind", "one of absolute, random_shift"),
    (GOOD, ("train", 0, "positions"), {**SHIFT, "hi": 1.5}, ": train[0]: positions: hi", "got 1.5; expected an int"),
    (GOOD, ("train", 0, "ensemble"), [], ": train[0]: ensemble", "got []; expected a table (object)"),
    (GOOD, ("train", 0, "support"), [], ": train[0]: support", "got []; expected a table (object)"),
    (FINITE, ("train", "examples"), 3, ": train: examples", "got 3; expected a non-empty list"),
    (FINITE, ("train", "examples", 0), 3, ": train.examples[0]", "got 3; expected a table (object)"),
    (FINITE, ("train", "examples", 0, "tokens"), "01", ": train.examples[0]: tokens", "expected a list of integers"),
    (FINITE, ("train", "examples", 0, "ids"), [0, None], ": train.examples[0]: ids", "expected a list of integers"),
    (FINITE, ("train", "labels"), 3, ": train: labels", "got 3; expected a non-empty list"),
    (FINITE, ("train", "labels"), "01", ": train: labels", "got '01'; expected a non-empty list"),
    (SETS, ("test", 0, "support", "sets"), {}, ": test[0]: support: sets", "got {}; expected a non-empty list"),
    (HEAD, ("head",), "maximal", ": head", "got 'maximal'; expected a non-empty list"),
    (HEAD, ("head", 0, "key"), 1, ": head[0]: key", "got 1; expected a list of integers"),
    # Empty lists.
    (GOOD, ("ensemble", "background"), [], ": ensemble: background", "got []; expected a non-empty list"),
    (GOOD, ("ensemble", "planted"), [], ": ensemble: planted", "got []; expected a non-empty list"),
    (GOOD, ("ensemble", "labels"), [], ": ensemble: labels", "got []; expected a non-empty list"),
    (GOOD, ("ensemble", "planted", 0, "word"), [], ": ensemble: planted", "expected words of one length k >= 1"),
    (GOOD, ("test",), [], ": test", "got []; expected a non-empty list"),
    (FINITE, ("train", "examples"), [], ": train: examples", "got []; expected a non-empty list"),
    (FINITE, ("train", "examples", 0, "tokens"), [], ": train.examples[0]: ids", "at least one token"),
    # Numbers that are none, and laws that are none.
    (
        GOOD,
        ("ensemble", "planted", 0, "probability"),
        1.0,
        ": ensemble: planted[0]",
        "the float 1.0; expected an exact",
    ),
    (GOOD, ("ensemble", "planted", 0, "probability"), "1/0", ": ensemble: planted[0]", "got the str '1/0'"),
    (GOOD, ("ensemble", "planted", 0, "probability"), None, ": ensemble: planted[0]", "got the NoneType None"),
    (GOOD, ("ensemble", "planted", 0, "probability"), "1/2", ": ensemble: planted", "weights that sum to 1/2"),
    (GOOD, ("ensemble", "background"), [0.5, 0.5], ": ensemble: background[0]", "for instance '1/2'"),
    (GOOD, ("ensemble", "background"), [2, -1], ": ensemble: background[1]", "got the negative weight -1"),
    (GOOD, ("ensemble", "background"), [1], ": ensemble: background", "got 1 weights; expected 2 weights"),
    (TWO, ("train", 0, "probability"), 0.5, ": train[0]", "got the float 0.5; expected an exact rational"),
    (
        TWO,
        ("train", 0, "probability"),
        "1/3",
        ": train",
        "weights that sum to 5/6; expected weights that sum to exactly 1",
    ),
    (GOOD, ("train", 0, "probability"), [1], ": train[0]", "got the list [1]; expected an exact rational"),
    (FINITE, ("train", "examples", 0, "probability"), "1/3", ": train.examples", "weights that sum to 5/6"),
    (SETS, ("test", 0, "support", "sets", 0, "probability"), 0.5, ": test[0]: support: sets[0]", "the float 0.5"),
    # What the theory refuses.
    (GOOD, ("heads", "arity"), 0, ": heads: arity", "got 0; expected an integer >= 1"),
    (GOOD, ("heads", "window"), -1, ": heads: window", "got -1; expected an integer >= 0, or None for no limit"),
    (GOOD, ("ensemble", "vocabulary"), 0, ": ensemble: vocabulary", "got 0; expected an integer >= 1"),
    (GOOD, ("ensemble", "planted", 0, "word"), [2], ": ensemble: planted", "the token 2 in the word (2,)"),
    (GOOD, ("ensemble", "labels"), ["no"], ": ensemble: target", "the label 'yes' of word (1,)"),
    (GOOD, ("ensemble", "support"), {"kind": "local", "width": -1}, ": ensemble.support: width", "got -1; expected"),
    (GOOD, ("train", 0, "length"), 0, ": train[0]: length", "got 0; expected an integer >= 1"),
    (GOOD, ("train", 0, "positions"), {**SHIFT, "lo": 5}, ": train[0]: positions: hi", "expected hi >= 5"),
    (
        GOOD,
        ("train", 0, "positions"),
        {"kind": "coupled", "then": {"kind": "coupled"}},
        ": train[0]: positions: then",
        "got a coupled scheme",
    ),
    (
        GOOD,
        ("train", 0),
        {"length": 3, "positions": {"kind": "coupled"}},
        ": train[0]: length",
        "got 3; expected a multiple of the 2 blocks",
    ),
    (FINITE, ("train", "examples", 1, "ids"), [4], ": train.examples[1]: ids", "got 1 IDs for 2 tokens"),
    (FINITE, ("train", "labels"), [0], ": train: labels", "without the label 1; expected every label that occurs"),
    (SETS, ("test", 0, "support", "sets", 0, "positions"), [1, 0], ": test[0]: support: sets", "got (1, 0)"),
    (HEAD, ("head", 0, "tokens"), [1, 1], ": head[0]", "expected 1 tokens (the arity) and a key of 0"),
    (HEAD, ("head", 0, "key"), [0], ": head[0]", "expected 1 tokens (the arity) and a key of 0"),
    # What comes twice would silently replace the first.
    (
        GOOD,
        ("ensemble", "planted"),
        [{"word": [1], "probability": "1/2", "label": 0}, {"word": [1], "probability": "1/2", "label": 1}],
        ": ensemble.planted[1]: word",
        "got (1,) twice; expected each one once. Merge the two.",
    ),
    (FINITE, ("train", "examples"), [{"tokens": [1], "label": 0}] * 2, ": train.examples[1]", "twice; expected each"),
    (SETS, ("test", 0, "support", "sets", 1, "positions"), [0], ": test[0]: support.sets[1]: positions", "(0,) twice"),
    (HEAD, ("head", 1, "tokens"), [1], ": head[1]: tokens", "the view ((1,), ()) twice"),
]


def test_what_the_bad_files_are_made_from_is_good() -> None:
    for good in (GOOD, FINITE, SETS, HEAD, TWO):
        assert isinstance(problem_from_dict(good), Problem)


@pytest.mark.parametrize(("good", "path", "value", "place", "says"), BAD, ids=lambda value: named(value)[:40])
def test_a_bad_file_is_refused_by_name(
    good: Mapping[str, Any], path: Path_, value: object, place: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(changed(good, path, value)), encoding="utf-8")
    with pytest.raises(InvalidArgument) as refused:
        read_problem(file)
    assert refused.value.where == "read_problem"
    assert str(refused.value).startswith(f"read_problem: argument {file}{place}: got ")
    assert says in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


VALUES: list[object] = [None, True, 0, -1, 1.5, float("nan"), "x", "", [], {}, [[]], [None], {"kind": []}, [{}], 10**40]


def paths_of(data: object, path: Path_ = ()) -> list[Path_]:
    """Every place in a problem."""
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [inner for step, part in steps for inner in [(*path, step), *paths_of(part, (*path, step))]]


def refusal(data: dict[str, Any]) -> str | None:
    """What the reader says against a problem; None when it takes it."""
    try:
        problem_from_dict(data, "f.json")
    except InvalidArgument as error:
        return str(error)
    return None


@pytest.mark.parametrize("good", [GOOD, FINITE, SETS, HEAD, TWO], ids=["good", "finite", "sets", "head", "two"])
def test_no_bad_value_anywhere_comes_back_as_another_error(good: dict[str, Any]) -> None:
    refused = 0
    for path in paths_of(good):
        for value in VALUES:
            if path[-1] == "length" and value == 10**40:
                continue  # a length is memory
            message = refusal(changed(good, path, value))
            assert message is None or message.startswith("read_problem: argument f.json: "), (path, value)
            refused += message is not None
    assert refused > 10 * len(paths_of(good))


@pytest.mark.parametrize("data", [None, 3, "x", [], [GOOD]], ids=named)
def test_a_file_that_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(
        InvalidArgument, match=r"argument f\.json: got .*expected a table \(object\)\. Fields: heads, ens"
    ):
        problem_from_dict(data, "f.json")


# ── Files that cannot be read or parsed ──────────────────────────────────────────────────────────────────────────────

WHOLE = json.dumps(GOOD).encode()
TOML = b"[heads]\narity = 1\n"
UNREADABLE: list[tuple[str, bytes, str]] = [
    (
        "truncated.json",
        WHOLE[:-1],
        "which is not valid JSON (it ends too early: Expecting ',' delimiter: line 1 column",
    ),
    ("truncated.json", WHOLE[:40], "which is not valid JSON (it ends too early: "),
    ("truncated.json", b'{"heads": {"key": "ord', "(it ends too early: Unterminated string starting at"),
    (
        "truncated.json",
        b'{"heads": "\xce',
        "json': cut off in the middle of a character, or not UTF-8 text (byte 0xce at offset 11); expected a readable file. "
        "Write it again",
    ),
    ("empty.json", b"", "which is not valid JSON (it is empty); expected a complete JSON file. Write it again."),
    ("mark.json", b"\xef\xbb\xbf", "which is not valid JSON (it is empty)"),
    ("comma.json", b'{"heads": 1,, "train": 2}', "which is not valid JSON (Expecting property name"),
    ("comma.json", b'{"heads": 1,, "train": 2}', "expected a complete JSON file. Mend it at the place named."),
    ("two.json", WHOLE + WHOLE, "which is not valid JSON (Extra data"),
    ("utf-16.json", WHOLE.decode().encode("utf-16"), "json': UTF-16 text; save it as UTF-8; expected a readable file."),
    ("utf-16.json", WHOLE.decode().encode("utf-16-be"), "json': UTF-16 text, or no text at all (it holds NUL bytes)"),
    ("utf-32.json", WHOLE.decode().encode("utf-32"), "json': UTF-32 text; save it as UTF-8"),
    ("utf-16.toml", TOML.decode().encode("utf-16"), "toml': UTF-16 text; save it as UTF-8"),
    ("toml.json", TOML, "which is not valid JSON"),
    ("deep.json", b"[" * 100_000, "which is not valid JSON (nested too deeply)"),
    ("digits.json", b"[1" + b"0" * 5000 + b"]", "which is not valid JSON (Exceeds the limit"),
    ("latin.json", b'"\xe4"', "json': not UTF-8 text (byte 0xe4 at offset 1); save it as UTF-8"),
    ("truncated.toml", b"[heads]\narity = ", "which is not valid TOML (it ends too early: Invalid value (at"),
    ("truncated.toml", b"[heads]\nari", "which is not valid TOML (it ends too early: "),
    ("wrong.toml", b"[heads]\narity = = 1\n", "expected a complete TOML file. Mend it at the place named."),
    ("twice.toml", TOML + TOML, "which is not valid TOML (Cannot declare ('heads',) twice"),
    ("json.toml", WHOLE, "which is not valid TOML"),
    ("deep.toml", b"x = " + b"[" * 100_000, "which is not valid TOML (nested too deeply)"),
    ("latin.toml", b'x = "\xe4"', "not UTF-8 text"),
    (
        "notes.md",
        b"# Notes",
        "notes.md', which is neither TOML nor JSON; expected a complete .toml or .json file. Name the file itself",
    ),
    ("empty", b"", "which is neither TOML nor JSON; expected a complete .toml or .json file. Write it again."),
]


@pytest.mark.parametrize(("name", "content", "says"), UNREADABLE, ids=lambda value: named(value)[:40])
def test_a_file_that_cannot_be_parsed_is_refused(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InvalidArgument) as refused:
        read_problem(file)
    assert str(refused.value).startswith(f"read_problem: argument path: got {str(file)!r}")
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["problem.json", "problem.toml"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_byte_order_mark_and_other_line_ends_are_read(name: str, ends: bytes, tmp_path: Path) -> None:
    text = (
        json.dumps({"arity": 1, "key": "κ"}, indent=1, ensure_ascii=False)
        if "json" in name
        else 'arity = 1\nkey = "κ"\n'
    )
    file = tmp_path / name
    file.write_bytes(b"\xef\xbb\xbf" + text.encode().replace(b"\n", ends))
    assert read_data(file, "f") == {"arity": 1, "key": "κ"}


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"f: argument path: got '.*none\.json': No such file or directory; expe"):
        read_data(tmp_path / "none.json", "f")
    with pytest.raises(InvalidArgument, match=r"Is a directory; expected a readable file\. Check the path"):
        read_data(tmp_path, "f")


def test_a_date_in_toml_is_no_label(tmp_path: Path) -> None:
    text = """
heads = { arity = 1 }
train = { examples = [{ tokens = [1], label = 2026-01-31 }] }
test = { examples = [{ tokens = [1], label = 1 }] }
"""
    assert tomllib.loads(text)["train"]["examples"][0]["label"] == date(2026, 1, 31)
    file = tmp_path / "dated.toml"
    file.write_text(text)
    with pytest.raises(
        InvalidArgument, match=r"train\.examples\[0\]: label: got datetime\.date\(2026, 1, 31\); expected"
    ):
        read_problem(file)


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_writing_replaces_the_file_in_one_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    write_json(file, {"κ": "1/2"}, "f")
    assert json.loads(file.read_text(encoding="utf-8")) == {"κ": "1/2"}
    assert "κ" in file.read_text(encoding="utf-8")
    write_text(file, "new", "f")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("place", ["missing/out.json", "."])
def test_a_place_that_cannot_be_written_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"f: argument path: got .*expected a path that can be written\. Choose a "
    ):
        write_text(tmp_path / place, "text", "f")
    assert list(tmp_path.iterdir()) == []


# ── Large numbers ────────────────────────────────────────────────────────────────────────────────────────────────────

EXAMPLES_PARITY = next(path for path in EXAMPLES if path.name == "parity.toml")
HALF = {"probability": "1/2"}
LARGE: list[tuple[dict[str, Any], str]] = [
    ({"train": [{"length": 10**9}]}, r"PlantedLaw\.table: argument --budget: .* items"),
    ({"train": [{"length": 10**9, "support": {"kind": "fixed", "sets": [{"positions": [0, 1], "probability": 1}]}}]},
     r"of 62,500,000 items .* Raise it with --budget=62500000"),
    ({"train": [{"length": 4, "positions": {"kind": "random_shift", "lo": 0, "hi": 10**12}}]}, r"of 24,000,000,000,024"),
    ({"train": [{"length": 4, "positions": {"kind": "random_ordered", "lo": 0, "hi": 10**12}}]}, r"about 10\^|items"),
    ({"train": [{"length": 60, "positions": {"kind": "chunked_shift", "lo": 0, "hi": 10**12, "chunks": 50}}]},
     r"of about 10\^\d+ items .* No --budget is enough: ask for a smaller instance"),
    ({"train": [{"length": 10**9, "positions": {"kind": "coupled", "blocks": 2}}]}, r"of [\d,]+ items"),
    ({"train": [{"length": 10**9, "positions": {"kind": "coupled", "blocks": 10**30}}]}, r"a multiple of the 10{30}"),
    ({"train": [{"length": 10**30}]}, r"length: got 10{30}; expected a length below 2\*\*62"),
    ({"train": [{"length": 5, **HALF}, {"length": 10**9, **HALF}]}, r"Mixture\.table: "),
    ({"train": [{"length": 5, "probability": "1e-999999999"}]}, r"train\[0\]: got the str '1e-999999999'; expected"),
    ({"train": [{"length": 10**6, "support": {"kind": "local", "width": 10**9}}]}, r"of [\d,]+ items"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), LARGE, ids=named)
def test_large_numbers_are_refused_at_once(
    changes: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps({**tomllib.loads(EXAMPLES_PARITY.read_text(encoding="utf-8")), **changes}))
    assert main(["decide", str(file)]) == 3
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("heads", [{"arity": 10**9}, {"arity": 10**30}, {"arity": 2, "window": 10**30}], ids=named)
def test_large_head_classes_are_decided(heads: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps({**tomllib.loads(EXAMPLES_PARITY.read_text(encoding="utf-8")), "heads": heads}))
    assert main(["decide", str(file)]) == 0
    assert main(["coverage", str(file)]) == (0 if "window" in heads else 3)
    assert "Traceback" not in capsys.readouterr().err


def test_numbers_of_thousands_of_digits_are_printed_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = Fraction(1, 10**4200)
    data = tomllib.loads(EXAMPLES_PARITY.read_text(encoding="utf-8"))
    lengths = [{"length": 4, "probability": "1e-4200"}, {"length": 6, "probability": str(1 - tiny)}]
    file = tmp_path / "problem.json"
    file.write_text(json.dumps({**data, "train": lengths, "test": [{"length": 4}]}))
    assert main(["coverage", str(file), "--json", str(tmp_path / "out.json")]) == 0
    assert "κ0  ≈ 1.00000e+4200    " in capsys.readouterr().out
    assert read_data(tmp_path / "out.json", "test")["kappa0"] == f"1{'0' * 4200}"


def test_thousands_of_lengths_share_one_ensemble() -> None:
    data = tomllib.loads(EXAMPLES_PARITY.read_text(encoding="utf-8"))
    lengths = [{"length": 4 + i, "probability": "1/3000"} for i in range(3000)]
    law = problem_from_dict({**data, "train": lengths}).train
    assert isinstance(law, Mixture)
    assert len({id(part.ensemble) for part, _ in law.components if isinstance(part, PlantedLaw)}) == 1


def test_writing_keeps_links_and_devices(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    write_text(link, "new", "test")
    assert link.is_symlink()
    assert real.read_text() == "new"
    write_text("/dev/null", "gone", "test")
    assert Path("/dev/null").is_char_device()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]
