"""Theory beside practice: what counts as agreement, and the page that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import Row, read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.cli import main
from proofs_check.comparison import SCHEME_OF, Comparison, compare, page, subject_of, table
from proofs_check.verdicts import verdict
from theory.errors import InvalidArgument
from theory.tasks import QueryCoupled

ROOT = Path(__file__).resolve().parents[2]
DATA = [ROOT / "figures" / "data" / name for name in ("schemes.jsonl", "dense.jsonl")]


def row(task: str, positions: str, right: Mapping[int, int], seed: int = 0) -> Row:
    """A run that got so many of 100 sequences right at each multiple of its training length."""
    config = asdict(TrainConfig(task, positions, longest=10, seed=seed))
    tests = [{"task": task, "length": 10 * f, "size": 100, "free_running": n} for f, n in right.items()]
    return {"schema": 1, "digest": f"{task} {positions} {seed}", "code": "0", "config": config, "tests": tests}


def one(task: str, positions: str, *right: int) -> Comparison:
    [found] = compare([row(task, positions, dict(zip((1, 2, 4, 10), right, strict=True)))])
    return found


@pytest.mark.parametrize("positions", SCHEME_OF)
def test_the_verdict_is_that_of_t1_under_what_heads_see(positions: str) -> None:
    cell = one("copy", positions, 100, 50, 0, 0).cell
    again = verdict(subject_of("copy"), SCHEME_OF[positions], mixed=True)
    assert cell == again


@pytest.mark.parametrize(
    ("task", "positions", "right", "observed", "agree", "why"),
    [
        ("copy", "coupled", (100, 100, 95, 10), "generalize", True, ""),
        ("copy", "coupled", (100, 100, 60, 10), "in between", False, "never meet in training"),
        ("copy, query-coupled", "coupled-ordered", (100, 99, 50, 10), "fail", False, "is no hard head"),
        ("copy", "coupled", (40, 10, 0, 0), "fail", None, "not fitted: 40%"),
        ("copy", "rope", (100, 50, 30, 0), "fail", True, ""),
        ("sparse parity, k = 2", "absolute", (100, 100, 98, 0), "generalize", False, "worst head"),
        ("sparse parity, k = 2", "absolute", (80, 50, 50, 50), "fail", None, "not fitted: 80%"),
        ("copy", "none", (80, 0, 0, 0), "fail", True, ""),
        ("copy", "none", (100, 100, 92, 0), "generalize", False, "several heads"),
        ("full parity", "none", (100, 70, 55, 50), "fail", True, ""),
        ("full parity", "none", (100, 70, 80, 50), "in between", False, "averages over all tokens"),
        ("majority", "none", (100, 99, 98, 97), "generalize", False, "averages over all tokens"),
    ],
)
def test_agreement_is_about_the_skill_at_four_times_the_training_length(
    task: str, positions: str, right: tuple[int, ...], observed: str, agree: bool | None, why: str
) -> None:
    found = one(task, positions, *right)
    assert (found.observed, found.agree) == (observed, agree)
    assert why in found.why
    assert bool(found.why) != bool(agree)


def test_seeds_are_pooled_and_each_is_counted() -> None:
    rows = [row("copy", "coupled", {1: 100, 2: 100, 4: n, 10: 0}, seed) for seed, n in enumerate((100, 99, 20))]
    [found] = compare(reversed(rows))
    assert (found.right[4], found.size[4], found.seeds[4]) == (219, 300, (1.0, 0.99, 0.2))
    line = table([found]).splitlines()[2]
    assert "| 0.73 (" in line
    assert "2 of 3" in line


def test_a_query_coupled_task_is_decided_in_its_small_version() -> None:
    small = subject_of("copy, query-coupled").task
    assert isinstance(small, QueryCoupled)
    assert one("copy, query-coupled", "coupled-ordered", 100, 100, 100, 100).agree
    assert one("copy", "coupled-ordered", 100, 100, 100, 100).why  # token-coupled: no head under an order key


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="task of lengthgen verdicts"):
        compare([row("sparse parity, k = 6", "none", {1: 1, 2: 1, 4: 1, 10: 1})])
    with pytest.raises(InvalidArgument, match="no rows"):
        compare([])
    with pytest.raises(InvalidArgument, match=r"test lengths \[10, 20\]"):
        compare([row("copy", "none", {1: 1, 2: 1})])


def test_runs_that_do_not_belong_together_are_refused() -> None:
    full = {1: 100, 2: 100, 4: 100, 10: 100}
    one, other = row("copy", "none", full), row("copy", "none", full, seed=1)
    assert compare([one, other])[0].size[4] == 200
    with pytest.raises(InvalidArgument, match="runs of 'copy' under 'none' with the seed 0 twice"):
        compare([one, row("copy", "none", full)])
    with pytest.raises(InvalidArgument, match="with other layers, log_scale; expected one run a seed"):
        compare([one, {**other, "config": {**other["config"], "layers": 1, "log_scale": True}}])
    with pytest.raises(InvalidArgument, match="with other the version of the numerics"):
        compare([one, {**other, "code": "1"}])
    with pytest.raises(InvalidArgument, match="got a row without tests; expected rows of"):
        compare([{name: value for name, value in one.items() if name != "tests"}])


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, output = tmp_path / "rows.jsonl", tmp_path / "page.md"
    rows = [row("copy", "coupled", {1: 100, 2: 100, 4: 95, 10: 10}), row("copy", "rope", {1: 100, 2: 9, 4: 0, 10: 0})]
    results.write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert main(["compare", str(results), "--output", str(output)]) == 0
    text = output.read_text()
    assert text == page(compare(rows), [str(results)])
    assert "2 of 2 agree (1 of the 1 with a ✓, 1 of the 1 without); in 0 more" in text
    assert main(["compare", str(tmp_path / "none.jsonl")]) == 3
    assert "none.jsonl" in capsys.readouterr().err


def stored(rows: list[dict[str, Any]], text: str) -> bool:
    """Whether the lines of a page are those of the rows."""
    return all(line in text for line in table(compare(rows)).splitlines())


def test_the_stored_page_has_the_stored_rows() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    rows = [row for file in DATA for row in read_rows(file)]
    pairs = {(row["config"]["task"], row["config"]["positions"]) for row in rows}
    assert sum(text.count(f"| {task} | {positions} |") for task, positions in pairs) == len(pairs)
    assert stored([row for row in rows if row["config"]["task"].startswith("copy")], text)


@pytest.mark.slow
def test_the_stored_page_is_that_of_the_stored_rows() -> None:
    files = [str(file.relative_to(ROOT)) for file in DATA]
    rows = [row for file in DATA for row in read_rows(file)]
    assert (ROOT / "docs" / "comparison.md").read_text() == page(compare(rows), files)
