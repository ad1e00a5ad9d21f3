"""A report as JUnit XML, which continuous integration reads: one test case a check.

>>> claim = {"id": "T1", "title": "A claim", "holds": False, "necessity": [],
...          "evidence": [{"kind": "refuted", "engine": "sampled", "scope": "100 drawn", "instances": 100, "seconds": 0.5,
...                        "witness": {"facts": {"loss": "1/2"}}}],
...          "mutants": {"refuted": 0, "total": 0, "survivors": [], "witnesses": {}}}
>>> report = {"version": "1.0", "profile": "quick", "seed": 0, "interrupted": False, "seconds": 0.5,
...           "packages": {}, "claims": [claim]}
>>> print(xml(report).splitlines()[9].strip())
<testcase classname="T1.evidence" name="sampled: 100 drawn" time="0.500">
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree

from proofs_check.report import NEEDLESS, SURVIVES, Report, decisive
from theory.errors import InvalidArgument

Result = Literal["passed", "failure", "error", "skipped"]


class Case(NamedTuple):
    """One test case: a group of checks, its name, what became of it and why, and what it counted."""

    group: str
    name: str
    result: Result
    why: str = ""
    details: str = ""
    seconds: float = 0.0
    properties: Mapping[str, str] = {}


def xml(report: Report) -> str:
    """The XML text of a report: a suite a claim; a test case a piece of evidence, a mutant, a dropped hypothesis.

    A failure is evidence that refutes the claim, or a mutant that survives; an error is what is inconclusive, or a
    hypothesis whose necessity has no witness; what an interrupt cut off is skipped.

    Raises
    ------
    InvalidArgument : for what is no report.
    """
    try:
        root = _suites(report)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidArgument(
            "junit.xml",
            "report",
            got=f"a malformed report ({type(error).__name__}: {error})",
            expected="a report that `lengthgen check --json` wrote",
            fix="Write it again with this version.",
        ) from None
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def cases(claim: Mapping[str, Any], *, interrupted: bool) -> Iterator[Case]:
    """The test cases of a claim's entry in a report."""
    undecided: Result = "skipped" if interrupted else "error"
    if not claim["evidence"]:
        yield Case("evidence", "none", undecided, "no evidence")
    for item in claim["evidence"]:
        result: Result = "passed"
        if item["kind"] == "refuted":
            result = "failure"
        elif item["kind"] == "inconclusive":
            result = undecided
        details = "" if item["witness"] is None else json.dumps(item["witness"], indent=1, ensure_ascii=False)
        why = "" if result == "passed" else f"{item['kind']}: {item['scope']}"
        counts = {"cases": str(item["instances"]), "decisive": decisive([item])}
        if item.get("noticed"):
            counts["notices"] = ", ".join(item["noticed"])
        yield Case("evidence", f"{item['engine']}: {item['scope']}", result, why, details, item["seconds"], counts)
    mutants = claim["mutants"]
    for name in mutants["witnesses"]:
        yield Case("mutants", name, "passed")
    for name in mutants["survivors"]:
        yield Case("mutants", name, "failure", f"this false variant of the claim survives the checks: {SURVIVES}")
    for number in range(1, mutants["total"] - len(mutants["witnesses"]) - len(mutants["survivors"]) + 1):
        yield Case("mutants", f"not tried: {number}", undecided, "not tried to the end")
    for entry in claim["necessity"]:
        if entry["witness"] is not None:
            yield Case("necessity", entry["hypothesis"], "passed")
        else:
            yield Case("necessity", entry["hypothesis"], undecided, f"no witness found: {NEEDLESS}")


def _suites(report: Report) -> ElementTree.Element:
    root = ElementTree.Element("testsuites", name="lengthgen", time=f"{report['seconds']:.3f}")
    about = {name: str(report[name]) for name in ("version", "profile", "seed", "interrupted")}
    about |= {f"package {name}": str(version) for name, version in report["packages"].items()}
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for claim in report["claims"]:
        found = list(cases(claim, interrupted=report["interrupted"]))
        counts = {
            "tests": len(found),
            "failures": sum(case.result == "failure" for case in found),
            "errors": sum(case.result == "error" for case in found),
            "skipped": sum(case.result == "skipped" for case in found),
        }
        totals = {name: totals[name] + count for name, count in counts.items()}
        attributes = {"name": _clean(f"{claim['id']} {claim['title']}")}
        attributes |= {name: str(count) for name, count in counts.items()}
        attributes["time"] = f"{sum(case.seconds for case in found):.3f}"
        suite = ElementTree.SubElement(root, "testsuite", attributes)
        _add_properties(suite, about)
        for case in found:
            element = ElementTree.SubElement(
                suite, "testcase", classname=_clean(f"{claim['id']}.{case.group}"), name=_clean(case.name),
                time=f"{case.seconds:.3f}",
            )  # fmt: skip
            _add_properties(element, case.properties)
            if case.result != "passed":
                ElementTree.SubElement(element, case.result, message=_clean(case.why)).text = _clean(case.details)
    root.attrib |= {name: str(total) for name, total in totals.items()}
    return root


def _add_properties(element: ElementTree.Element, properties: Mapping[str, str]) -> None:
    if properties:
        group = ElementTree.SubElement(element, "properties")
        for name, value in properties.items():
            ElementTree.SubElement(group, "property", name=_clean(name), value=_clean(value))


def _clean(text: str) -> str:
    """XML has no control characters and no lone surrogates; they become visible."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", text)
