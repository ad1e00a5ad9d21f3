"""Replay: only what is recorded and comes out again is reproduced; everything else is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofs_check.claims import engines, find
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_to_dict, read_data
from proofs_check.replay import replay
from proofs_check.report import witnesses
from tests.cases import LAWS
from tests.proofs_check.toys import Ticks
from theory import BudgetExceeded, HardHead, HeadClass, InvalidArgument, TheoryError, View
from theory.claims import CLAIMS, OF_SMALLER_SETS


@pytest.fixture(scope="module")
def witness() -> dict[str, Any]:
    """A real one: a mutant of T1."""
    found = engines.refute_mutant(find("T1"), "without (a)", "quick", Ticks())
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def test_a_witness_is_reproduced_with_its_facts(witness: dict[str, Any]) -> None:
    outcome = replay(witness)
    assert outcome.reproduced
    assert outcome.summary == "T1, mutant: without (a): statement generalizes, brute_force fails, heads 9"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("facts", {"statement": "fails"}),
        ("facts", {}),
        ("variant", "stated"),  # the claim itself stands on this problem
        ("variant", "mutant: without (b)"),
        ("variant", "without: two labels"),
        ("claim", "T2"),
    ],
)
def test_a_tampered_witness_is_not_reproduced(witness: dict[str, Any], name: str, value: object) -> None:
    changed = {**witness, name: value}
    if name == "claim":
        changed["variant"] = "stated"
    outcome = replay(changed)
    assert not outcome.reproduced
    assert f"recorded {changed['facts']}, now " in outcome.summary


def recorded() -> list[dict[str, Any]]:
    """A witness of every claim whose problems have a head class, from the report that the repository keeps."""
    report = Path(__file__).parents[2] / "docs" / "full-report.json"
    of_claims = {
        found["claim"]: found
        for found in witnesses(read_data(report, "replay"), str(report))
        if "heads" in found["problem"]
    }
    return list(of_claims.values())


@pytest.mark.parametrize("found", recorded(), ids=lambda found: found["claim"])
def test_candidate_sets_of_fewer_positions_are_another_problem(found: dict[str, Any]) -> None:
    """Of these T1, T13 and T14 speak; to all others no such problem is put, whatever would come out."""
    changed = json.loads(json.dumps(found))
    changed["problem"]["heads"]["at_most"] = True
    if found["claim"] in OF_SMALLER_SETS:
        assert "now" in (said := replay(changed)).summary or said.reproduced
        return
    with pytest.raises(InvalidArgument, match=r"f: problem: at_most: got candidate sets of at most k positions"):
        replay(changed, "f")
    changed["problem"] = {"value": [1, {"dict": [["problem", {"problem": changed["problem"]}]]}]}
    with pytest.raises(InvalidArgument, match="Remove at_most"):
        replay(changed, "f")
    changed["problem"] = {"value": {"type": "theory.heads:HeadClass", "fields": {"arity": 2, "at_most": True}}}
    with pytest.raises(InvalidArgument, match="Remove at_most"):
        replay(changed, "f")


def test_more_rankings_than_can_be_tried_are_refused() -> None:
    law = {"examples": [{"tokens": list(range(9)), "label": 0}], "labels": [0, 1]}
    problem = {"heads": {"arity": 1}, "train": law, "test": law}
    with pytest.raises(BudgetExceeded, match=r"T13 \(ranked heads\).*Ask for fewer views"):
        replay({"claim": "T13", "variant": "stated", "facts": {}, "problem": problem})


def test_another_problem_is_not_reproduced(witness: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(witness))
    changed["problem"]["test"] = changed["problem"]["train"]
    assert not replay(changed).reproduced


BAD: list[tuple[str, object, str]] = [
    ("claim", None, "argument f: claim: got the NoneType None; expected a string"),
    ("claim", "T99", "argument claim: got 'T99'; expected one of T1"),
    ("variant", 3, "argument f: variant: got the int 3; expected a string"),
    ("variant", "mutant: no such", "argument f: variant: got 'mutant: no such'; expected 'stated', 'mutant: NAME'"),
    ("variant", "without: no such", "argument f: variant: got 'without: no such'"),
    ("variant", "measured: no such", "argument f: variant: got 'measured: no such'"),
    ("variant", "", "argument f: variant: got ''"),
    ("facts", "generalizes", "argument f: facts: got the str 'generalizes'; expected a table (object)"),
    ("facts", None, "argument f: facts: got the NoneType None; expected a table"),
    ("problem", [1], "argument f: problem: got the list [1]; expected a table"),
    ("problem", {}, "argument f: problem: heads: got nothing; expected the field 'heads'"),
]


@pytest.mark.parametrize(("name", "value", "says"), BAD)
def test_a_malformed_witness_is_refused_by_name(witness: dict[str, Any], name: str, value: object, says: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        replay({**witness, name: value}, "f")
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["claim", "variant", "facts", "problem"])
def test_a_witness_without_a_field_is_refused(witness: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"replay: argument f: {name}: got nothing; expected the field '{name}'"):
        replay({key: value for key, value in witness.items() if key != name}, "f")


@pytest.mark.parametrize("data", [None, 3, "claim variant facts problem", ["claim"]])
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(InvalidArgument, match=r"replay: argument f: claim: got .*; expected the field 'claim'"):
        replay(data, "f")  # type: ignore[arg-type]


def test_a_problem_that_a_claim_is_not_about_is_refused(witness: dict[str, Any]) -> None:
    finite = problem_to_dict(Problem(HeadClass(1), LAWS["finite"], LAWS["finite"]))
    changed = {**witness, "claim": "T4", "variant": "stated", "problem": finite}
    with pytest.raises(
        InvalidArgument, match=r"argument f: problem: got a problem that cannot be put to T4 \(Assertion"
    ):
        replay(changed, "f")


STRANGE = {
    "finite": Problem(HeadClass(1), LAWS["finite"], LAWS["finite"]),
    "one label": Problem(HeadClass(2), LAWS["one label at 4"], LAWS["one label at 4"]),
    "mixture": Problem(HeadClass(3, 1, "order", "last"), LAWS["mixture of lengths"], LAWS["parity at 2"]),
    "with a head": Problem(
        HeadClass(1), LAWS["one at 4"], LAWS["noisy at 4"], HardHead(HeadClass(1), {View((9,), ()): "strange"})
    ),
}


@pytest.mark.parametrize("claim_id", [claim.id for claim in CLAIMS])
@pytest.mark.parametrize("name", STRANGE)
def test_any_problem_under_any_claim_is_an_answer_or_a_refusal(claim_id: str, name: str) -> None:
    plan = find(claim_id)
    variants = ["stated", *(f"mutant: {mutant}" for mutant in plan.mutants)]
    variants += [f"without: {hypothesis}" for hypothesis in plan.necessity]
    for variant in variants:
        made = {"claim": claim_id, "variant": variant, "facts": {}, "problem": problem_to_dict(STRANGE[name])}
        try:
            outcome = replay(made, "f")
        except TheoryError as error:
            assert str(error)
        else:
            assert not outcome.reproduced
