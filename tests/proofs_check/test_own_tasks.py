"""A task of one's own, as module:object, through every command, from a folder outside the project."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer import TrainConfig, Trainer, evaluate, sweeps
from idealized_model.transformer.results import read_rows
from idealized_model.transformer.runs import Evaluation, row_of, run
from idealized_model.transformer.sweeps import Job, jobs, sweep
from proofs_check.__main__ import figures
from proofs_check.commands.main import main
from proofs_check.verdicts import deciding
from proofs_check.verdicts.comparison import compare
from proofs_check.verdicts.deciding import SCHEMES, Laws, scheme_of, verdict
from proofs_check.verdicts.subjects import MOST, Subject, subject_of, subjects
from proofs_check.verdicts.table import decide_all, from_data, questions
from tests import own_tasks
from theory import BudgetExceeded, InvalidArgument
from theory.tasks import Copy, FullParity, find_task
from theory.tasks.finding import sources_of

Out = pytest.CaptureFixture[str]
OWN = "mytasks:RunningMaximum"
SMALL: dict[str, Any] = {"steps": 4, "batch": 2, "width": 8, "layers": 1, "heads": 1, "n_ids": 64, "longest": 2}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules of tasks."""
    own_tasks.put(tmp_path, monkeypatch)
    return tmp_path


def change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the source of the tasks; what follows is as in another process."""
    with (folder / "mytasks.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    own_tasks.forget(monkeypatch)


# ── Contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", [OWN, "sparse parity, k = 3", f"{OWN}, query-coupled", "sparse parity, local"])
def test_contracts(spec: str, folder: Path, capsys: Out) -> None:
    lengths = "3" if spec.startswith("sparse") else "1,2"
    assert main(["task", spec, "--lengths", lengths]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "12 of 12 contracts hold."


# ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verdicts_choose_lengths_and_print_the_table(folder: Path, capsys: Out) -> None:
    arguments = [OWN, "--scheme", "coupled", "--scheme", "relative window", "--scheme", "random ordered"]
    assert main(["verdicts", *arguments, "--jobs", "1", "--json", "verdicts.json"]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith(f"│{OWN}"))
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        OWN, "2", "✓ from 3", "✗ unseen", "∅ no head", "1..5 → 1..7"
    ]  # fmt: skip
    cells = from_data(json.loads((folder / "verdicts.json").read_text(encoding="utf-8")))
    assert [(cell.task, cell.outcome) for cell in cells] == [
        (OWN, "generalizes"), (OWN, "fails"), (OWN, "unrealizable")
    ]  # fmt: skip
    assert cells[0] == replace(verdict(subject_of(OWN), "coupled"), task=OWN)


def test_training_on_all_lengths_leaves_out_those_that_no_head_can_read(folder: Path) -> None:
    """A head of exactly k tokens reads nothing in an example of fewer."""
    subject = replace(subject_of(OWN), train=(1, 2, 3, 4), test=(5,), arities=(3,))
    laws = Laws(subject, scheme_of("coupled"), True, lambda cases: None)
    assert {len(example.tokens) for example in laws.train(1).support()} == {2}
    assert min(len(example.tokens) for example in laws.train(4).support()) == 3
    witness = verdict(replace(subject, train=(1,), test=(2,)), "coupled").decisions[0].witness
    assert witness is not None
    assert witness.why == "this training example has fewer tokens than the 3 that a head reads"


def test_verdicts_take_lengths(folder: Path, capsys: Out) -> None:
    lengths = ["--train-lengths", "2,3", "--test-lengths", "2..5"]
    assert main(["verdicts", "copy", "--task", OWN, *lengths, "--scheme", "coupled", "--jobs", "1"]) == 0
    lines = [line.strip("│").split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert [row for row in cells if row[0]] == [
        ["task", "k", "coupled", "scope"],
        ["copy", "1", "✓ from 3", "2 symbols; 2..3 → 2..5"],
        [OWN, "2", "✓ from 3", "2..3 → 2..5"],
    ]


def test_workers_import_the_task(folder: Path) -> None:
    asked = questions([OWN, "copy"], ["coupled"], train=(1, 2), test=(1, 2, 3))
    here, apart = (decide_all(asked, jobs=jobs, watch=lambda *_: None) for jobs in (1, 2))
    assert here == apart
    assert [cell.task for cell in here[0].values()] == [OWN, "copy"]


def test_lengths_are_as_many_as_are_short_enough(folder: Path) -> None:
    def scope(spec: str) -> str:
        return subject_of(spec).scope

    assert scope("broken:Short") == "1..2 → 1..3"  # something longer is left for the test
    assert scope("broken:Even") == "2, 4 → 2, 4, 6, 8"
    assert scope("broken:paired") == "2, 4, 6, 8, 10, 12, 14, 16 → 2, 4, 6, 8, 10, 12, 14, 16, 18, 20"
    assert scope("broken:Every8") == "1..1 → 1, 9, 17"
    assert scope("broken:Every9") == "1..1 → 1..1"  # after 8 lengths without instances none is looked for
    assert scope("sparse parity, k = 3") == "3..7 → 3..9"  # T2 needs 6
    assert scope("addition of 4 numbers") == "base 2; 1..1 → 1..3"
    assert scope("addition of 4 numbers, query-coupled") == scope("addition of 4 numbers")
    assert scope(f"{OWN}, query-coupled") == scope(OWN)
    assert scope("copy, query-coupled") == scope("copy") == "2 symbols; 1..4 → 1..6"
    assert subject_of("addition of 4 numbers").listed < 1000 < subject_of("sparse parity, k = 3").listed
    assert len(subject_of("theory.tasks:FullParity").train) <= 8


def test_given_lengths_leave_the_others_to_suit(folder: Path) -> None:
    assert subject_of(OWN, train=(1, 2, 3)).test == (1, 2, 3, 4, 5)
    assert subject_of(OWN, test=(2, 3)).train == (1, 2, 3)
    assert subject_of("broken:Even", train=(2,)).test == (2, 4, 6)
    assert subject_of("addition, reversed", train=(1,), test=(2,)).short is None
    listed = [subject_of(OWN, test=(length,)).listed for length in (5, 20, 80)]
    assert listed == sorted(listed, reverse=True)
    assert 1 <= listed[-1] < 100 < listed[0]
    for test in ((1,), (9, 2)):
        assert max(subject_of("full parity", train=(1,), test=test).test) == max(test)


@pytest.mark.parametrize("name", list(subjects()))
def test_every_subject_is_found_by_its_name(name: str) -> None:
    assert subject_of(name) == subjects()[name]
    assert find_task(name).sparsity == subjects()[name].task.sparsity


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["broken:Huge"],
            "an enumeration of 24,000,000,000 items (0 covered); expected at most 1,000,000. Decide a smaller",
        ),
        (
            [OWN, "--train-lengths", "1..30"],
            "items (0 covered); expected at most 20,000. All instances of training length 10",
        ),
        (
            ["broken:Never"],
            "'running maximum', without instances of the lengths 1 to 8; expected a task with instances",
        ),
        (
            ["broken:Even", "--train-lengths", "3", "--test-lengths", "4"],
            "length 3; expected a length that has instances",
        ),
        (["broken:NoSolution"], "which raises KeyError: 2; expected a task whose contracts hold."),
        (["broken:Late", "--train-lengths", "1..3"], "which raises KeyError: 'three digits'"),
        ([OWN, "--train-lengths", "4", "--test-lengths", "3"], "got 3 as the greatest length; expected one >= 4"),
        (["mytasks:RuningMaximum"], "Did you mean 'RunningMaximum'?"),
        (["mytask:RunningMaximum"], "Did you mean 'mytasks'?"),
        (["mytasks.py:RunningMaximum"], "Write mytasks:RunningMaximum, and run from this folder."),
    ],
)
def test_what_has_no_verdict_is_refused(arguments: list[str], words: str, folder: Path, capsys: Out) -> None:
    assert main(["verdicts", *arguments, "--scheme", "coupled", "--jobs", "1"]) == 3
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("lengths", ["0", "3..1", "a..b", "1;2", "..", "1..2..3"])
def test_bad_lengths_are_bad_usage(lengths: str, capsys: Out) -> None:
    for option in ("--train-lengths", "--test-lengths"):
        with pytest.raises(SystemExit):
            main(["verdicts", "copy", option, lengths])
        assert f"argument {option}: got " in capsys.readouterr().err


def test_shifts_that_are_too_many_to_list_are_refused_with_their_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(OWN, train=(5, 6), test=(6,))
    monkeypatch.setattr(deciding, "EXAMPLES", 8_747)
    with pytest.raises(BudgetExceeded, match=r"of 8,748 items .* at most 8,747\. Length 6 is too long to list"):
        verdict(subject, "random shift")  # of length 6: 3^6 instances, 6 steps, 2 shifts of 13 IDs in 14


def test_a_training_length_has_no_more_instances_than_are_listed() -> None:
    assert Subject(FullParity(), [14], [15]).train == [14]  # 2^14 instances
    assert 2**14 <= MOST < 2**15
    with pytest.raises(BudgetExceeded, match="training length 15"):
        Subject(FullParity(), [1, 15], [15])


# ── Training ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TRAIN = ["--train-lengths", "2", "--test-lengths", "2,4", "--test-size", "4", "--steps", "4", "--batch", "2"]
TRAIN += ["--width", "8", "--layers", "1", "--heads", "1", "--positions", "coupled"]


def test_a_run(folder: Path, capsys: Out) -> None:
    assert main(["train", OWN, *TRAIN]) == 0
    assert capsys.readouterr().out.startswith(f"{OWN}: coupled")
    (row,) = read_rows(folder / "runs" / "mytasks.RunningMaximum-coupled" / "results.jsonl")
    assert row["config"]["task"] == OWN
    assert row["source"] == sources_of(OWN)
    assert [(test["task"], test["length"]) for test in row["tests"]] == [(OWN, 2), (OWN, 4)]
    assert main(["train", OWN, *TRAIN]) == 0  # of the row


def test_tests_are_at_multiples_of_the_training_length_where_none_are_given(folder: Path, capsys: Out) -> None:
    assert main(["train", OWN, *TRAIN[:2], *TRAIN[4:], "--out", "here"]) == 0
    (row,) = read_rows("here/results.jsonl")
    assert [test["length"] for test in row["tests"]] == [2, 4, 10]


def test_a_run_goes_on_with_the_task_as_it_was_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    assert main(["train", OWN, *TRAIN]) == 0
    results = folder / "runs" / "mytasks.RunningMaximum-coupled" / "results.jsonl"
    change(folder, monkeypatch)
    assert main(["train", OWN, *TRAIN]) == 3
    said = (
        f"train: argument results: got rows of {OWN!r} from before its source was changed; expected rows of the task as"
    )
    assert f"{said} it is. Undo the change of its source, or choose another folder or file: " in capsys.readouterr().err
    results.unlink()  # by the checkpoint alone
    assert main(["train", OWN, *TRAIN]) == 3
    said = f"argument config: got the task {OWN!r}, the source of which has changed since "
    assert said in capsys.readouterr().err
    assert main(["train", OWN, *TRAIN, "--out", "new"]) == 0
    assert main(["train", "copy", *TRAIN]) == 0


def test_a_model_of_a_task_that_has_changed_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(TrainConfig(OWN, **SMALL))
    trainer.run()
    trainer.save("checkpoint.npz")
    assert Trainer.load("checkpoint.npz").origin == trainer.origin == sources_of(OWN)
    change(folder, monkeypatch)
    with pytest.warns(UserWarning, match=f"Trainer.load: the task {OWN!r}, the source of which has changed since"):
        loaded = Trainer.load("checkpoint.npz")
    assert loaded.origin == trainer.origin != sources_of(OWN)
    assert evaluate(loaded, OWN, 3, size=2).task == OWN
    with pytest.raises(
        InvalidArgument, match=r"row_of: argument trainer: got a model that was trained on .* was changed"
    ):
        row_of(loaded, Evaluation((2,), size=2))


def test_checkpoints_without_sources_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    trainer = Trainer(TrainConfig("copy", **SMALL))
    trainer.save("checkpoint.npz")
    with np.load("checkpoint.npz") as file:
        data = {name: file[name] for name in file.files if name != "source"}
    np.savez("older.npz", **data)
    assert Trainer.load("older.npz").origin == {}
    np.savez("broken.npz", **data, source="[1]")
    with pytest.raises(InvalidArgument, match="It is truncated, or something else"):
        Trainer.load("broken.npz")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("broken:NoSolution", "which raises KeyError: 3"),
        ("broken:OddToken", "and an alphabet of 3"),
        ("broken:Steps", "with the anchor 'none' and 2 steps, 0 given"),
        ("broken:raising", "which raises RuntimeError: no way"),
    ],
)
def test_a_task_that_goes_wrong_is_not_trained(task: str, words: str, folder: Path, capsys: Out) -> None:
    assert main(["train", task, *TRAIN[:1], "2..2", *TRAIN[2:]]) == 3
    assert words in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_an_error_in_the_middle_of_a_run_is_that_of_the_task(folder: Path, capsys: Out) -> None:
    assert main(["train", "broken:Late", "--train-lengths", "2..4", "--test-lengths", "4", "--steps", "30"]) == 3
    err = capsys.readouterr().err
    assert "Trainer: argument task: got 'running maximum', which raises KeyError: 'three digits'" in err
    assert 'raise KeyError("three digits")' in err


# ── Sweeps, comparison ───────────────────────────────────────────────────────────────────────────────────────────────

GRID: dict[str, Any] = {
    "task": OWN, "seeds": 2, "test_factors": [1, 2, 4, 10], "test_size": 4, "defaults": SMALL,
    "grid": {"positions": ["coupled", "rope"]},
}  # fmt: skip


@pytest.mark.slow
def test_a_sweep_with_two_workers_and_its_comparison(
    folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofs_check.verdicts.subjects.TRAIN_SIZE", 300)  # so that it is decided at short lengths
    done = sweep(jobs(GRID), "results.jsonl", workers=2)
    rows = read_rows("results.jsonl")
    assert done == len(rows) == 4
    assert [(row["config"]["task"], row["source"]) for row in rows] == [(OWN, sources_of(OWN))] * 4
    alone = run(TrainConfig(**rows[-1]["config"]), Evaluation((2, 4, 8, 20), size=4))
    assert {**rows[-1], "seconds": 0, "versions": 0} == {**alone, "seconds": 0, "versions": 0}
    assert main(["compare", "results.jsonl"]) == 0
    out = capsys.readouterr().out
    assert f"| {OWN} | coupled | 1 × 1 | {SMALL['steps']} | ✗ unseen | " in out  # no window holds these models
    assert f"| {OWN} | rope | 1 × 1 | {SMALL['steps']} | " in out
    assert sweep(jobs(GRID), "results.jsonl", workers=2) == 0


def test_rows_of_two_sources_are_not_mixed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    first, *_ = work = jobs(GRID)
    sweep([first], "results.jsonl")
    before = (folder / "results.jsonl").read_bytes()
    change(folder, monkeypatch)
    with pytest.raises(InvalidArgument, match="while the sweep went on"):
        sweep(work[1:2], "another.jsonl")  # planned before the change
    with pytest.raises(InvalidArgument, match=f"sweep: argument results: got rows of {OWN!r} from before its source"):
        sweep(jobs(GRID), "results.jsonl")
    assert (folder / "results.jsonl").read_bytes() == before
    with pytest.raises(InvalidArgument, match=f"compare: argument results: got rows of {OWN!r} from before its source"):
        compare(read_rows("results.jsonl"))
    grid = {**GRID, "task": "copy"}
    assert sweep(jobs(grid), "results.jsonl") == 4  # of a task that is in no row


def test_workers_of_an_earlier_sweep_do_not_go_on_with_the_task_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {**GRID, "grid": {}, "positions": "coupled"}
    sweep(jobs(grid), "first.jsonl", workers=2)
    change(folder, monkeypatch)
    sweep(jobs(grid), "second.jsonl", workers=2)
    first, second = ({row["source"][OWN] for row in read_rows(name)} for name in ("first.jsonl", "second.jsonl"))
    assert len(first) == len(second) == 1
    assert first != second


def test_workers_find_modules_where_the_parent_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (job, *_) = jobs(GRID)
    path = list(sys.path)
    monkeypatch.setattr(sys, "path", [entry for entry in path if entry != str(folder)])
    monkeypatch.setattr("os.getcwd", lambda: str(folder.parent))
    own_tasks.forget(monkeypatch)
    row = sweeps._work(job, 0, path)
    assert row["source"] == job.source
    assert sys.path.count(str(folder)) == 1
    assert sys.path.count(path[-1]) == path.count(path[-1])


def test_tests_on_another_task_of_ones_own_have_its_source(folder: Path) -> None:
    (job, *_) = jobs({**GRID, "test_tasks": [OWN, f"{OWN}, query-coupled"], "test_factors": [1]})
    assert isinstance(job, Job)
    assert job.source == sources_of(OWN, f"{OWN}, query-coupled")
    row = run(job.config, job.evaluation)
    assert row["source"] == job.source
    assert [test["task"] for test in row["tests"]] == [OWN, f"{OWN}, query-coupled"]


@pytest.mark.parametrize("task", ["mytasks:RuningMaximum", "mytask:RunningMaximum", "broken:raising"])
def test_a_grid_names_a_task_that_is_found(task: str, folder: Path) -> None:
    for where in ({"task": task}, {"test_tasks": [task]}):
        with pytest.raises(InvalidArgument, match=r"^grid\.toml: argument task: got "):
            jobs({**GRID, **where}, "grid.toml")


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", [OWN, f"{OWN}, query-coupled", "sparse parity, k = 3"])
def test_a_dependency_graph(spec: str, folder: Path) -> None:
    assert (
        main(["figures", "dependencies", "--task", spec, "--length", "4", "--out", "graph.svg"], figures=figures) == 0
    )
    assert (folder / "graph.svg").read_text(encoding="utf-8").count("<path") > 20


def test_tokens_are_drawn_as_they_are(folder: Path) -> None:
    """A dollar is a token, and no mathematics."""
    from figures.dependency_graphs import draw

    class Dollars(Copy):
        alphabet = ("$a$", "$$", ">")

    task = Dollars(2)
    figure = draw(task, task.solve((0, 1, 2)))
    assert [text.get_text() for text in figure.axes[0].texts if not text.get_text().isdigit()] == [
        *("$a$", "$$", ">"), *("$a$", "$$")
    ]  # fmt: skip
    figure.canvas.draw()


def test_a_task_that_goes_wrong_is_not_drawn(folder: Path, capsys: Out) -> None:
    assert (
        main(
            ["figures", "dependencies", "--task", "broken:NoSolution", "--length", "2", "--out", "graph.svg"],
            figures=figures,
        )
        == 3
    )
    assert "dependencies: argument task: got 'running maximum', which raises KeyError: 3" in capsys.readouterr().err


def test_every_scheme_has_its_verdict_for_a_dense_task_too(folder: Path) -> None:
    asked = questions(["theory.tasks:FullParity"], train=(4,), test=(4, 5))
    assert [question.scheme for question in asked] == list(SCHEMES)
    cells, _ = decide_all(asked, jobs=1, watch=lambda *_: None)
    assert {cell.outcome for cell in cells.values()} == {"unrealizable"}


@pytest.mark.parametrize("size", [-1, 3.0, None])
def test_a_number_of_instances_is_a_number(size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Copy, "n_instances", lambda task, length: size)
    with pytest.raises(InvalidArgument, match=f"'copy', whose n_instances.* is {size}; expected how many instances"):
        subject_of("theory.tasks:Copy", (), ())
