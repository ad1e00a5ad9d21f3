"""The report: when a claim holds, what the exit status is, what the table and the line of verdict say."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from proofs_check import Evidence, report
from proofs_check.claims.checks import Result, Run, Task
from proofs_check.evidence import Kind
from proofs_check.report import NEEDLESS, SURVIVES
from theory import InvalidArgument, claims
from theory.claims import CLAIMS

WITNESS = {
    "schema": 1,
    "claim": "T1",
    "variant": "stated",
    "facts": {"loss": "1/2", "n": 3},
    "problem": {},
    "words": "a law",
}


def made(
    *kinds: Kind,
    mutants: dict[str, bool | None] | None = None,
    necessity: dict[str, bool | None] | None = None,
    interrupted: bool = False,
    claim: str = "T1",
) -> Run:
    """A run with evidence of these kinds; mutants and hypotheses with a witness, without one, or (None) unfinished."""
    outcome = Run("quick", 5, interrupted=interrupted, seconds=1.23456)
    for i, kind in enumerate(kinds):
        evidence = Evidence(
            kind, "sampled", f"scope {i} [quick]", 1000, 400, 0.5, WITNESS if kind == "refuted" else None
        )
        outcome.results[Task("sampled", claim, f"scope {i}")] = Result(evidence)
    for engine, given in (("mutant", mutants), ("necessity", necessity)):
        for name, found in (given or {}).items():
            witness = WITNESS if found else None
            outcome.results[Task(engine, claim, name)] = Result(witness=witness, finished=found is not None)  # type: ignore[arg-type]
    return outcome


HOLDS = "T1 holds: 2,000 cases (800 decisive), 1 mutant refuted, 1 hypothesis shown necessary, 1 s."
SURVIVORS = f"mutants of T1 survive: m; n ({SURVIVES})."
NO_WITNESS = f"no witness that T1 needs: h; i ({NEEDLESS})."
RUNS: dict[str, tuple[Run, bool | None, int, str]] = {
    "all well": (made("proved", "exhausted", mutants={"m": True}, necessity={"h": True}), True, 0, HOLDS),
    "supported": (
        made("supported"),
        True,
        0,
        "T1 holds: 1,000 cases (400 decisive), 0 mutants refuted, 0 hypotheses shown necessary, 1 s.",
    ),
    "refuted": (made("proved", "refuted"), False, 1, "T1 is refuted."),
    "refuted beats inconclusive": (made("inconclusive", "refuted"), False, 1, "T1 is refuted."),
    "inconclusive": (made("proved", "inconclusive"), None, 2, "T1 is inconclusive."),
    "nothing at all": (made(mutants={"m": True}), None, 2, "T1 is inconclusive."),
    "a survivor": (
        made("proved", mutants={"m": False, "n": False}),
        None,
        1,
        f"mutants of T1 survive: m; n ({SURVIVES}).",
    ),
    "not needed": (
        made("proved", necessity={"h": False, "i": False}),
        None,
        2,
        f"no witness that T1 needs: h; i ({NEEDLESS}).",
    ),
    "interrupted in the middle": (
        made("proved", mutants={"m": True, "n": None}, necessity={"h": None}, interrupted=True),
        None,
        2,
        "interrupted: the report holds what was covered.",
    ),
    "interrupted at the end": (
        made("proved", mutants={"m": True}, necessity={"h": True}, interrupted=True),
        True,
        2,
        "interrupted: the report holds what was covered.",
    ),
    "interrupted after a refutation": (
        made("refuted", mutants={"m": None}, interrupted=True),
        False,
        1,
        "T1 is refuted; interrupted: the report holds what was covered.",
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_what_holds_and_what_is_said(name: str) -> None:
    outcome, holds, status, verdict = RUNS[name]
    built = report.build(outcome)
    assert built["claims"][0]["holds"] is holds
    assert report.exit_status(built) == status
    assert report.verdict(built) == verdict


def test_one_refuted_claim_among_others_decides_the_status() -> None:
    outcome = made("proved")
    outcome.results |= made("refuted", claim="T2").results
    built = report.build(outcome)
    assert [claim["holds"] for claim in built["claims"]] == [True, False]
    assert report.exit_status(built) == 1
    assert report.verdict(built) == "T2 is refuted."


def test_the_verdict_on_several_claims_counts_them() -> None:
    outcome = made("proved")
    outcome.results |= made("proved", claim="T2").results
    assert report.verdict(report.build(outcome)).startswith(
        "All 2 claims hold: 2,000 cases (800 decisive), 0 mutants refuted, "
    )


def test_the_report_has_the_schema() -> None:
    outcome, *_ = RUNS["all well"]
    built = report.build(outcome)
    assert built == json.loads(json.dumps(built))
    assert list(built) == ["schema", "version", "seed", "profile", "interrupted", "seconds", "packages", "claims"]
    assert (built["schema"], built["seed"], built["profile"], built["interrupted"]) == (1, 5, "quick", False)
    assert {"numpy", "scipy", "sympy", "hypothesis"} <= set(built["packages"])
    assert all(isinstance(version, str) and version for version in built["packages"].values())
    (claim,) = built["claims"]
    assert list(claim) == [
        "id", "title", "statement", "address", "hypotheses", "tightness", "holds", "evidence", "mutants", "necessity",
    ]  # fmt: skip
    assert claim["statement"] == claims.get("T1").statement
    assert claim["evidence"][0] == {
        "kind": "proved", "engine": "sampled", "scope": "scope 0 [quick]", "instances": 1000, "decisive": 400,
        "seconds": 0.5, "witness": None, "noticed": [],
    }  # fmt: skip
    assert claim["mutants"] == {"refuted": 1, "total": 1, "survivors": [], "witnesses": {"m": WITNESS}}
    assert claim["necessity"] == [{"hypothesis": "h", "witness": WITNESS}]


def test_claims_come_in_the_order_of_the_theory() -> None:
    outcome = made("proved", claim=CLAIMS[2].id)
    outcome.results |= made("proved", claim=CLAIMS[0].id).results
    assert [claim["id"] for claim in report.build(outcome)["claims"]] == [CLAIMS[0].id, CLAIMS[2].id]


def test_a_package_that_is_missing_is_said_to_be() -> None:
    assert report.version("no-such-distribution") == "not installed"


def printed(outcome: Run, *, mutants: bool = False, width: int = 120) -> str:
    text = io.StringIO()
    report.print_table(report.build(outcome), Console(file=text, width=width), mutants=mutants)
    return text.getvalue()


def test_the_table_shows_kind_scope_cases_and_seconds() -> None:
    outcome, *_ = RUNS["all well"]
    text = printed(outcome)
    assert "\x1b" not in text
    row = next(line for line in text.splitlines() if "scope 0" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["T1", "proved", "scope 0 [quick]", "1,000", "400", "0.5"]
    assert "1 of 1 refuted" in text
    assert "1 of 1 hypotheses have a witness" in text
    assert text.splitlines()[-1] == HOLDS
    assert "loss 1/2" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_table_shows_what_refuted_mutants_on_request() -> None:
    text = printed(RUNS["all well"][0], mutants=True)
    assert "m: loss 1/2, n 3" in text
    assert "without h: loss 1/2, n 3" in text


def test_the_verdict_is_one_line_even_where_the_table_is_narrow() -> None:
    assert printed(RUNS["all well"][0], width=60).splitlines()[-1] == HOLDS


# ── Witnesses of a file ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_witnesses_of_a_report_are_all_found() -> None:
    built = report.build(made("refuted", "proved", mutants={"m": True, "n": False}, necessity={"h": True, "i": False}))
    assert report.witnesses(built, "f") == [WITNESS] * 3
    assert report.witnesses(WITNESS, "f") == [WITNESS]
    assert report.witnesses(report.build(made("proved")), "f") == []


GOOD_REPORT: dict[str, Any] = report.build(made("proved"))
CLAIM_ENTRY: dict[str, Any] = GOOD_REPORT["claims"][0]
BAD_REPORTS: list[tuple[object, str]] = [
    (None, "argument f: got None; expected a witness or a report written by this program"),
    ([], "argument f: got []; expected a witness or a report"),
    ({}, "argument f: got {}; expected a witness or a report"),
    ("claims", "argument f: got 'claims'; expected a witness or a report"),
    ({"claim": "T1"}, "expected a witness or a report"),
    ({"claims": []}, "argument f: schema: got None; expected 1"),
    ({**GOOD_REPORT, "schema": 2}, "argument f: schema: got 2; expected 1. Write it again with this version."),
    ({**WITNESS, "schema": "1"}, "argument f: schema: got '1'; expected 1"),
    ({**GOOD_REPORT, "claims": None}, "argument f: claims: got a malformed report (TypeError"),
    ({**GOOD_REPORT, "claims": [3]}, "argument f: claims: got a malformed report (TypeError"),
    ({**GOOD_REPORT, "claims": [{}]}, "malformed report (KeyError: 'evidence'); expected the fields evidence"),
    ({**GOOD_REPORT, "claims": [{**CLAIM_ENTRY, "evidence": [3]}]}, "malformed report (TypeError"),
    ({**GOOD_REPORT, "claims": [{**CLAIM_ENTRY, "mutants": {}}]}, "malformed report (KeyError: 'witnesses')"),
    ({**GOOD_REPORT, "claims": [{**CLAIM_ENTRY, "mutants": {"witnesses": []}}]}, "malformed report (AttributeError"),
    ({**GOOD_REPORT, "claims": [{**CLAIM_ENTRY, "necessity": [{}]}]}, "malformed report (KeyError: 'witness')"),
]


@pytest.mark.parametrize(("data", "says"), BAD_REPORTS)
def test_what_is_no_report_is_refused(data: object, says: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        report.witnesses(data, "f")
    assert str(refused.value).startswith("replay: argument f")
    assert says in str(refused.value)


def test_decisive_cases_are_counted_where_a_report_says_them() -> None:
    assert report.decisive([{"decisive": 1200}, {"decisive": 34}]) == "1,234"
    assert report.decisive([]) == "0"
    for older in ({}, {"decisive": None}):
        assert report.decisive([{"decisive": 3}, older]) == "–"


def test_a_scope_says_which_mutants_the_check_notices() -> None:
    assert report.covered({"scope": "100 drawn", "noticed": ["a", "b"]}) == "100 drawn; it notices: a, b"
    assert (
        report.covered({"scope": "100 drawn", "noticed": []}) == report.covered({"scope": "100 drawn"}) == "100 drawn"
    )


def test_the_table_shows_what_an_older_report_does_not_count() -> None:
    outcome, *_ = RUNS["all well"]
    built = report.build(outcome)
    for item in built["claims"][0]["evidence"]:
        del item["decisive"], item["noticed"]
    text = io.StringIO()
    report.print_table(built, Console(file=text, width=120))
    row = next(line for line in text.getvalue().splitlines() if "scope 0" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][3:] == ["1,000", "–", "0.5"]


def test_a_mutant_survives_where_some_family_put_it_to_the_test() -> None:
    vacuous = Result(Evidence("inconclusive", "exhaustive", "a", 0, 0))
    decisive = Result(Evidence("exhausted", "exhaustive", "b", 1, 1))
    for families, survivors, status in (({"a": vacuous, "b": decisive}, ["m"], 1), ({"a": vacuous}, [], 2)):
        outcome = Run("quick", 0, {Task("exhaustive", "T1", name): result for name, result in families.items()})
        outcome.results[Task("mutant", "T1", "m")] = Result()
        built = report.build(outcome)
        assert built["claims"][0]["mutants"]["survivors"] == survivors
        assert report.exit_status(built) == status
