"""JUnit XML: valid, complete, and failing exactly where the report does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from proofs_check import report as reports
from proofs_check.commands.main import main
from proofs_check.pages.junit import xml
from tests.proofs_check.test_report import RUNS, WITNESS, made
from theory import InvalidArgument

DOCS = Path(__file__).parents[2] / "docs"


def parsed(report: dict[str, Any]) -> ElementTree.Element:
    """The document, after a look at its form."""
    root = ElementTree.fromstring(xml(report).encode())
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert [child.tag for child in suite] == ["properties"] + ["testcase"] * (len(suite) - 1)
        for case in suite.iter("testcase"):
            assert {"classname", "name", "time"} == set(case.attrib)
            tags = [child.tag for child in case]
            counted = case.attrib["classname"].endswith(".evidence") and case.attrib["name"] != "none"
            assert ("properties" in tags) == counted
            assert tags[tags[:1] == ["properties"] :] in ([], ["failure"], ["error"], ["skipped"])
    for group in (root, *root):
        found = {
            "tests": len(list(group.iter("testcase"))),
            "failures": len(list(group.iter("failure"))),
            "errors": len(list(group.iter("error"))),
            "skipped": len(list(group.iter("skipped"))),
        }
        assert {name: int(group.attrib[name]) for name in found} == found
    return root


def test_the_stored_report_passes_with_a_case_a_check() -> None:
    report = json.loads((DOCS / "full-report.json").read_text(encoding="utf-8"))
    root = parsed(report)
    assert [suite.attrib["name"].split()[0] for suite in root] == [claim["id"] for claim in report["claims"]]
    assert root.attrib["failures"] == root.attrib["errors"] == root.attrib["skipped"] == "0"
    for suite, claim in zip(root, report["claims"], strict=True):
        checks = len(claim["evidence"]) + claim["mutants"]["total"] + len(claim["necessity"])
        assert int(suite.attrib["tests"]) == checks
        names = [(case.attrib["classname"], case.attrib["name"]) for case in suite.iter("testcase")]
        assert len(set(names)) == checks
        assert float(suite.attrib["time"]) == pytest.approx(
            sum(item["seconds"] for item in claim["evidence"]), abs=0.01
        )


@pytest.mark.parametrize("name", RUNS)
def test_it_fails_where_the_report_does(name: str) -> None:
    outcome, _, status, _ = RUNS[name]
    report = reports.build(outcome)
    root = parsed(report)
    failures, unsettled = int(root.attrib["failures"]), int(root.attrib["errors"]) + int(root.attrib["skipped"])
    assert (failures > 0) == (status == 1)
    if status == 0:
        assert unsettled == 0
    if status == 2 and not report["interrupted"]:
        assert int(root.attrib["errors"]) > 0
    if report["interrupted"]:
        assert root.attrib["errors"] == "0"


def test_a_failure_says_what_refuted_the_claim() -> None:
    root = parsed(reports.build(made("proved", "refuted", "inconclusive", mutants={"m": True, "n": False})))
    by_class: dict[str, list[list[str]]] = {}
    for case in root.iter("testcase"):
        by_class.setdefault(case.attrib["classname"], []).append([child.tag for child in case])
    assert by_class == {
        "T1.evidence": [["properties"], ["properties", "failure"], ["properties", "error"]],
        "T1.mutants": [[], ["failure"]],
    }
    failure, survivor = root.iter("failure")
    assert failure.attrib["message"] == "refuted: scope 1 [quick]"
    assert json.loads(failure.text or "") == WITNESS
    assert "survives" in survivor.attrib["message"]


def test_any_text_gives_valid_xml() -> None:
    report = reports.build(made("refuted"))
    report["claims"][0]["title"] = "<a>&\"'\x00\ud800\uffff"
    report["claims"][0]["evidence"][0]["scope"] = "]]>\x1b[31m"
    root = parsed(report)
    assert root[0].attrib["name"] == "T1 <a>&\"'" + "\N{REPLACEMENT CHARACTER}" * 3
    assert root[0][1].attrib["name"] == "sampled: ]]>\N{REPLACEMENT CHARACTER}[31m"


@pytest.mark.parametrize("broken", [[], {"claims": [3]}, {"seconds": None, "claims": []}])
def test_what_is_no_report_is_refused(broken: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"junit\.xml: argument report: got a malformed report"):
        xml(broken)


def test_the_command_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    assert main(["report", str(DOCS / "full-report.json"), "--junit", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == xml(json.loads((DOCS / "full-report.json").read_text(encoding="utf-8")))
