"""The black boxes of docs/examples/advice are the tasks that they are compared with, and what was written of them are tasks."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import advice as benchmark
from idealized_model.transformer.results import read_rows
from proofs_check import advise, check_task
from proofs_check.verdicts.subjects import subjects
from theory.tasks import find_task
from theory.tasks.finding import sources_of

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "advice"


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("boxes")
    for name in [*sys.modules]:
        if name == "boxes" or name.endswith("_task"):
            del sys.modules[name]


LISTED = {
    "Addition": "addition, reversed",
    "AdditionCarried": "addition, reversed, carry shown",
    "Multiplication": "multiplication, plain",
    "MultiplicationCarried": "multiplication, carried",
    "Assignment": "variable assignment",
}
OVER: dict[str, tuple[tuple[int | str, ...], str]] = {
    "copied": (("a", "b"), "copy"),
    "turned": (("a", "b"), "reverse"),
    "running_parity": ((0, 1), "parity with scratchpad, token-coupled"),
    "chased": (("a+1", "a+2", "b+1", "b+2"), "pointer chasing"),
    "parity": ((0, 1), "full parity"),
    "majority": ((0, 1), "majority"),
    "sum_modulo_3": ((0, 1, 2), "sum modulo 3"),
}
WRITTEN = {
    path.stem: f"{path.stem}:{path.stem.removesuffix('_task').title().replace('_', '')}"
    for path in sorted(FOLDER.glob("*_task.py"))
}


@pytest.mark.parametrize("name", LISTED)
def test_a_box_that_lists_its_prompts_is_the_task(name: str, boxes: ModuleType) -> None:
    box, task = getattr(boxes, name)(), subjects()[LISTED[name]].task
    for length in (1, 2, 3):
        found = {tuple(map(str, (*prompt, *box.solve(prompt)))) for prompt in box.prompts(length)}
        assert found == {tuple(task.alphabet[token] for token in one.tokens) for one in task.instances(length)}


@pytest.mark.parametrize("name", OVER)
def test_a_box_over_an_alphabet_is_the_task_without_its_mark(name: str, boxes: ModuleType) -> None:
    alphabet, known = OVER[name]
    box, task = getattr(boxes, name), subjects()[known].task
    for length in (1, 2, 3):
        found = {(prompt, tuple(map(str, box(prompt)))) for prompt in product(alphabet, repeat=length)}
        expected = set()
        for one in task.instances(length):
            words = [task.alphabet[token] for token in one.tokens]
            prompt = tuple(alphabet[token] for token in one.tokens[:length])
            expected.add((prompt, tuple(word.removeprefix("=").removeprefix("s") for word in words[one.n_prompt :])))
        assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["maxima", *OVER, *LISTED])
def test_advice_on_a_box_is_what_is_known_of_its_task(
    name: str, boxes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a minute of CPU time: the sparsity, growth, verdict, certificate, and states where it is dense."""
    monkeypatch.setattr(time, "monotonic", time.process_time)
    (box,) = [box for box in benchmark.ALL if box.name == name]
    row = benchmark.row_of(box, benchmark.SECONDS, None)
    assert row.agrees, row


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_is_a_task(name: str, boxes: ModuleType) -> None:
    report = check_task(find_task(WRITTEN[name], folder=FOLDER), lengths=(1, 2, 3))
    assert report.holds, report.explain()


def test_the_stored_rows_are_of_the_modules_as_they_are(boxes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is written anew has to be trained on anew."""
    monkeypatch.chdir(FOLDER)
    rows = list(read_rows(FOLDER.parents[2] / "figures" / "data" / "advice.jsonl"))
    assert {row["config"]["task"] for row in rows} == {*WRITTEN.values()}
    for row in rows:
        assert row["source"] == sources_of(row["config"]["task"])
        (test,) = [test for test in row["tests"] if test["length"] == 4 * row["config"]["longest"]]
        assert 100 * test["free_running"] >= 99 * test["size"]


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_today_is_what_is_kept(name: str, boxes: ModuleType) -> None:
    (box,) = [box for box in benchmark.ALL if f"{box.name}_task" == name]
    asked = f"lengthgen advise boxes:{box.name} --alphabet {','.join(map(str, box.alphabet))}"
    advice = advise(getattr(boxes, box.name), name=f"boxes:{box.name}", alphabet=box.alphabet, seconds=600)
    assert advice.module(f"{asked} --write {name}.py") == (FOLDER / f"{name}.py").read_text(encoding="utf-8")
