"""The stored report of `make mutants`, and how it chooses tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mutants import __main__ as mutants

STORED = mutants.HERE / "report.json"
REPORT = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {"mutants": []}
OUTCOMES = [mutants.Outcome(**found) for found in REPORT["mutants"]]

reported = pytest.mark.skipif(not STORED.exists(), reason="no report of `make mutants` is stored yet")


@reported
def test_nineteen_of_twenty_are_killed_and_every_survivor_is_explained() -> None:
    killed = sum(found.outcome == "killed" for found in OUTCOMES)
    assert len(OUTCOMES) > 300
    assert killed >= 0.95 * len(OUTCOMES)
    assert [found for found in OUTCOMES if found.outcome != "killed" and found.key not in mutants.known()] == []


@reported
def test_every_module_of_the_scope_has_mutants_or_nothing_to_mutate() -> None:
    assert {found.file for found in OUTCOMES} <= {*mutants.modules(list(mutants.SCOPE))}
    folders = {"theory", "theory/tasks", "theory/dependencies", "idealized_model", "idealized_model/transformer"}
    assert {found.file.rpartition("/")[0] for found in OUTCOMES} >= {*folders, "proofs_check", "proofs_check/claims"}


@reported
def test_the_page_is_that_of_the_report() -> None:
    drawn = {name: value for name, value in REPORT.items() if name != "mutants"}
    page = mutants.page(OUTCOMES, mutants.known(), **drawn)
    assert (mutants.HERE / "README.md").read_text(encoding="utf-8") == page


def test_what_is_explained_still_stands_in_the_code() -> None:
    for (file, line, becomes), why in mutants.known().items():
        lines = [text.strip() for text in (mutants.ROOT / file).read_text(encoding="utf-8").splitlines()]
        assert line in lines or any(" ".join(lines[i : i + 2]) == line for i in range(len(lines))), (file, line)
        assert becomes != line
        assert len(why) > 20


SEES_ALL = "tests/test_interface.py::e"
MEASURED: dict[str, Any] = {
    "seconds": {
        "tests/theory/test_heads.py::a": 5.0,
        "tests/test_b.py::b": 1.0,
        "tests/test_b.py::c": 2.0,
        "tests/test_b.py::d": 1.0,
        SEES_ALL: 1.5,
    },
    "lines": {
        "theory/heads.py": {
            "1": [],
            "7": ["tests/test_b.py::b", "tests/theory/test_heads.py::a"],
            "8": ["tests/test_b.py::c", "tests/test_b.py::gone"],
        }
    },
}


@pytest.mark.parametrize(
    ("first", "last", "limit", "groups"),
    [
        (7, 7, 60, [["tests/theory/test_heads.py::a"], ["tests/test_b.py::b"]]),
        (7, 8, 60, [["tests/theory/test_heads.py::a"], ["tests/test_b.py::b", "tests/test_b.py::c"]]),
        (7, 8, 6, [["tests/theory/test_heads.py::a"], ["tests/test_b.py::b"]]),  # 5 s + 1 s, and no time for 2 s more
        (1, 1, 60, [["tests/theory/test_heads.py::a"], ["tests/test_b.py::b", SEES_ALL, "tests/test_b.py::c"]]),
        (8, 8, 60, [["tests/test_b.py::c"]]),
    ],
)
def test_the_tests_of_a_mutant(
    first: int, last: int, limit: float, groups: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "LIMIT", limit)
    mutant = mutants.Mutant("theory/heads.py", (first, 0), (last, 5), "core/NumberReplacer", 0)
    assert mutants.tests_of(mutant, MEASURED) == groups


def test_the_sample_does_not_depend_on_other_lines(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cosmic_ray", reason="the extra `mutants` is not installed")
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    text = "from functools import cache\n\n\ndef f(x: int | None = 3) -> int | str:\n    return x + 4\n"
    (tmp_path / "m.py").write_text(text)
    found = [*mutants.sample("m.py", 1, seed=0)]
    assert [(mutant.start, mutant.end) for mutant in found] == [
        ((4, 22), (4, 23)),
        ((5, 13), (5, 14)),
        ((5, 15), (5, 16)),
    ]
    (tmp_path / "m.py").write_text("import sys\n" + text.replace("def f", "@cache\ndef f"))
    again = [*mutants.sample("m.py", 1, seed=0)]
    assert [(m.operator, m.start[1]) for m in again] == [(m.operator, m.start[1]) for m in found]


def test_an_outcome_is_known_by_its_lines() -> None:
    pytest.importorskip("cosmic_ray", reason="the extra `mutants` is not installed")
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

    diff = "--- mutation diff ---\n--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n x\n-    a = 1\n+    a =  2"
    result = WorkResult(WorkerOutcome.NORMAL, test_outcome=TestOutcome.SURVIVED, diff=diff)
    assert mutants.outcome("m.py", result) == mutants.Outcome("m.py", "a = 1", "a =  2", "survived")


def test_the_test_that_failed() -> None:
    groups = [["a.py::t", "a.py::t[x - y]"], ["b.py::u"]]
    said = "FAILED a.py::t[x - y] - assert 1 == 2\n1 failed in 0.1s"
    assert mutants.failure(said, groups) == "a.py::t[x - y]"
    assert mutants.failure("FAILED b.py::u\n", groups) == "b.py::u"
    assert mutants.failure("timeout", groups) is None
