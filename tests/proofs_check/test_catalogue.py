"""The page of claims is what the stored full report says, and the report is of this version."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofs_check.pages.catalogue import page
from theory import InvalidArgument, claims

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def report() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "full-report.json").read_text(encoding="utf-8"))
    return found


def test_the_page_is_that_of_the_stored_report(report: dict[str, Any]) -> None:
    assert page(report) == (DOCS / "claims.md").read_text(encoding="utf-8")


def test_the_stored_report_is_a_finished_full_run(report: dict[str, Any]) -> None:
    assert report["profile"] == "full"
    assert not report["interrupted"]


def test_every_claim_has_every_kind_of_evidence(report: dict[str, Any]) -> None:
    for claim in report["claims"]:
        assert {"exhausted", "proved", "supported"} == {item["kind"] for item in claim["evidence"]}, claim["id"]
        assert claim["mutants"]["refuted"] == claim["mutants"]["total"] >= 4, claim["id"]


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no claim": (lambda report: report["claims"].pop(), f"without {claims.CLAIMS[-1].id}"),
    "another statement": (lambda report: report["claims"][0].update(statement="x"), "with another T1"),
    "refuted": (lambda report: report["claims"][1].update(holds=False), "in which T2 does not hold"),
    "inconclusive": (lambda report: report["claims"][1].update(holds=None), "in which T2 does not hold"),
    "less evidence": (lambda report: report["claims"][0]["evidence"].pop(), "of T1 without the evidence"),
    "more evidence": (
        lambda report: report["claims"][0]["evidence"].append(report["claims"][0]["evidence"][0]),
        "of T1 with",
    ),
    "another scope": (
        lambda report: report["claims"][0]["evidence"][0].update(scope="x"),
        "of T1 without the evidence",
    ),
    "a mutant less": (lambda report: report["claims"][2]["mutants"]["witnesses"].popitem(), "of T3 with other mutants"),
    "quick": (lambda report: report.update(profile="quick"), "a report with profile quick, version"),
    "interrupted": (lambda report: report.update(interrupted=True), "interrupted; expected a finished full report"),
    "another version": (lambda report: report.update(version="0.0"), r"a report with profile full, version 0\.0;"),
    "a claim twice": (lambda report: report["claims"].append(report["claims"][0]), ", claims twice;"),
    "refuted evidence": (
        lambda report: report["claims"][0]["evidence"][0].update(kind="refuted"),
        "some evidence of T1 is missing",
    ),
    "no cases": (
        lambda report: report["claims"][0]["evidence"][0].update(instances=0),
        "some evidence of T1 is missing",
    ),
    "a mutant survives": (
        lambda report: report["claims"][2]["mutants"].update(refuted=0),
        "a mutant or a hypothesis of T3",
    ),
    "no witness": (
        lambda report: report["claims"][2]["necessity"][0].update(witness=None),
        "a mutant or a hypothesis of T3",
    ),
    "a hypothesis less": (lambda report: report["claims"][2]["necessity"].pop(), "of T3 with other hypotheses"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_report_that_is_not_of_this_version_is_refused(report: dict[str, Any], change: str) -> None:
    changed = copy.deepcopy(report)
    apply, message = CHANGES[change]
    apply(changed)
    with pytest.raises(InvalidArgument, match=message):
        page(changed)


def test_the_page_shows_every_claim_hypothesis_and_mutant(report: dict[str, Any]) -> None:
    report["claims"][0]["mutants"]["witnesses"]["without (a)"]["facts"] = {"a|b": "*c* <d>"}
    text = page(report)
    for claim in claims.CLAIMS:
        assert f"## {claim.id}\n" in text
        assert f"[{claim.id}](#{claim.id.lower()})" in text
        for name in claim.hypotheses:
            assert "| {} |".format(name.replace("*", r"\*")) in text
    assert r"a\|b \*c\* &lt;d>" in text
    assert "no witness" not in text


@pytest.mark.parametrize("broken", [{"claims": [3]}, {"packages": None}, {"seconds": "long"}])
def test_what_is_no_report_is_refused(report: dict[str, Any], broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="catalogue: argument report: got a malformed report"):
        page({**report, **broken})


@pytest.mark.parametrize("broken", [[], None, {"schema": 1, "claim": "T1", "problem": {}}])
def test_what_is_no_report_at_all_is_refused(broken: Any) -> None:
    with pytest.raises(InvalidArgument, match="catalogue: argument report: got a malformed report"):
        page(broken)
