"""The stored verdicts, docs/verdicts.json, are complete and of this version."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from proofs_check.verdicts import table as verdicts
from proofs_check.verdicts.deciding import SCHEMES
from proofs_check.verdicts.table import Question

DOCS = Path(__file__).parents[2] / "docs"
QUICK = ("sparse parity, k = 2", "sparse parity, paired", "copy", "sorting", "count ones")
AGAIN = "lengthgen verdicts --json docs/verdicts.json"


@cache
def stored() -> dict[Question, verdicts.Cell]:
    """The cells of the file."""
    data: Any = json.loads((DOCS / "verdicts.json").read_text(encoding="utf-8"))
    assert not data["interrupted"]
    return {Question(cell.task, cell.scheme): cell for cell in verdicts.from_data(data)}


def test_they_are_the_cells_of_this_version_in_their_order() -> None:
    assert list(stored()) == verdicts.questions(), AGAIN


def test_the_file_is_what_the_command_writes() -> None:
    data = json.loads((DOCS / "verdicts.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(verdicts.to_data(stored().values()))) == data


def test_their_table_is_the_documented_one() -> None:
    page = (DOCS / "verdicts.md").read_text(encoding="utf-8")
    assert f"\n{verdicts.markdown(verdicts.questions(), stored())}\n" in page
    listed = " ".join(page.split())
    for line in (*verdicts.LEGEND, *(f"*{name}*: {scheme.what}." for name, scheme in SCHEMES.items())):
        assert f"- {' '.join(line.split())}".replace("- ~", r"- \~") in listed


@pytest.mark.parametrize("task", QUICK)
def test_quick_ones_are_decided_as_they_are_stored(task: str) -> None:
    for question in verdicts.questions([task]):
        found = verdicts.verdict(verdicts.subjects()[task], question.scheme)
        assert found == stored()[question], AGAIN


@pytest.mark.slow
def test_all_are_decided_as_they_are_stored() -> None:
    found, interrupted = verdicts.decide_all(verdicts.questions(), jobs=1, watch=lambda *_: None)
    assert not interrupted
    assert found == stored(), AGAIN
