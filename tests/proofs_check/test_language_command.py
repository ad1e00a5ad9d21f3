"""`lengthgen language`: runs and rows that resume, what is printed of them, and bad input in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest

from idealized_model.language import PlantedText, control, experiment
from idealized_model.language.planted import GRID, SEVEN
from idealized_model.language.protocol import read_protocol
from idealized_model.transformer import Diverged
from idealized_model.transformer.results import read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.commands import language
from proofs_check.commands.language_tables import contrasted, known, rising
from proofs_check.commands.main import main
from proofs_check.commands.program import Ended
from tests.idealized_model.language.small import protocol as small
from tests.idealized_model.language.small import text


def written(folder: Path, **changes: Any) -> str:
    """The small protocol as a file; tables last, as TOML wants it."""
    data = small(folder, **{"seeds": 1} | changes)
    lines = [
        f"{key} = {json.dumps(value)}" for key, value in data.items() if key not in ("defaults", "meter", "models")
    ]
    for key in ("defaults", "meter"):
        lines += [f"[{key}]", *(f"{name} = {json.dumps(value)}" for name, value in data[key].items())]
    for model in data["models"]:
        lines += ["[[models]]", *(f"{name} = {json.dumps(value)}" for name, value in model.items())]
    path = folder / "protocol.toml"
    path.write_text("\n".join(lines))
    return str(path)


def lengthgen(*arguments: str) -> int:
    try:
        return main(["language", *arguments])
    except Ended as ended:
        return ended.status


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A protocol that is carried out: trained, and measured into rows.jsonl."""
    folder = tmp_path_factory.mktemp("language")
    path = written(folder, seeds=2)
    assert lengthgen("train", path, "--runs", str(folder / "runs"), "--workers", "1") == 0
    rows = str(folder / "rows.jsonl")
    assert lengthgen("measure", path, "--runs", str(folder / "runs"), "--rows", rows, "--workers", "1") == 0
    return path, folder


def test_what_is_done_is_not_done_again(
    done: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = done
    monkeypatch.setattr(experiment, "train", None)
    monkeypatch.setattr(language, "row_of", None)
    rows = folder / "rows.jsonl"
    before = rows.read_bytes()
    assert lengthgen("train", path, "--runs", str(folder / "runs")) == 0
    assert "7 of 7 runs done before" in capsys.readouterr().err
    assert lengthgen("measure", path, "--runs", str(folder / "runs"), "--rows", str(rows)) == 0
    assert rows.read_bytes() == before
    assert len(read_rows(rows)) == 8


def test_the_report_has_every_model_with_its_seeds(
    done: tuple[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, folder = done
    assert lengthgen("report", str(folder / "rows.jsonl")) == 0
    out = capsys.readouterr().out
    rows = read_rows(folder / "rows.jsonl")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [line[:4] for line in cells[1:]] == [
        ["witches.txt", "alibi", "4", "2"], ["witches.txt", "alibi", "16", "2"], ["witches.txt", "pose", "4", "2"],
    ]  # fmt: skip
    assert cells[0][:3] == ["witches.txt", "70", "0.05"]
    pose = [row for row in rows if row["model"] == "pose"]
    mean = sum(map(sum, (row["before"] for row in pose))) / 140
    assert cells[3][4] == f"{mean:.3f}"
    assert cells[2][6:] == [""] * 6  # trained at the window: no damage
    damage = sum(map(sum, (row["after"] for row in pose))) / 140 - mean
    assert cells[3][6] == f"{damage:+.3f}"
    assert cells[3][8:] == ["-"] * 4  # k is 1 for all of them
    assert lengthgen("report", str(folder / "rows.jsonl"), "--epsilon", "0.2") == 0
    assert "0.2" in capsys.readouterr().out


def test_slopes_are_those_of_the_damage(
    done: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    rows = read_rows(done[1] / "rows.jsonl")
    k = 0
    for row in rows:
        if row["model"] == "meter":
            for i in range(len(row["entropy"])):
                k = k * 5 % 17 + 1
                row["k"][0][i] = k
                row["few"][i] = min(k - 1, 3)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lengthgen("report", str(path)) == 0
    out = capsys.readouterr().out
    damage = experiment.damage_of(rows, rows[0]["corpus"], "pose", 4)
    slope = damage.slope()
    line = next(line for line in out.splitlines() if " pose " in line)
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells[8:] == [
        f"{damage.slope(adjusted=False).value:+.3f}", f"{slope.value:+.3f}", f"[{slope.low:+.3f}, {slope.high:+.3f}]",
        f"{damage.permuted().share:.3f}",
    ]  # fmt: skip
    numbers = [cell.strip() for cell in next(line for line in out.splitlines() if " 70 " in line).split("│")[1:-1]]
    values = damage.k.tolist()
    assert numbers[3:7] == [
        f"{sorted(values)[35]:g}" if sorted(values)[34] == sorted(values)[35] else numbers[3],
        f"{sum(values) / 70:.1f}", f"{values.count(1) / 70:.2f}", f"{sum(k <= 4 for k in values) / 70:.2f}",
    ]  # fmt: skip
    assert numbers[9] == f"{sum(k > 1 for k in values) / 70:.3f}"


def test_another_corpus_is_trained_and_measured(done: tuple[str, Path], tmp_path: Path) -> None:
    path, _ = done
    others = [str(tmp_path / name) for name in ("one.txt", "two.txt+shuffled")]
    for other in others:
        Path(other.removesuffix("+shuffled")).write_text(text())
    runs = ("--runs", str(tmp_path / "runs"), "--workers", "1", "--only", "*/meter")
    arguments = (path, "--corpus", others[0], "--corpus", others[1], *runs)
    assert lengthgen("train", *arguments) == 0
    assert lengthgen("measure", *arguments, "--rows", str(tmp_path / "rows.jsonl")) == 0
    assert {row["corpus"] for row in read_rows(tmp_path / "rows.jsonl")} == set(others)
    assert sorted(one.name for one in (tmp_path / "runs").iterdir()) == ["one.txt", "tokens", "two.txt+shuffled"]


def test_a_text_of_ones_own_is_shown(
    done: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = done
    runs, page = str(folder / "runs"), tmp_path / "page.html"
    assert lengthgen("show", path, "--runs", runs, "--text", "when shall", "--html", str(page)) == 0
    out = capsys.readouterr().out
    assert out.startswith("when shal[l]\nnext: ")
    assert "1 token of it needed, or the last 1." in out
    assert '<p class="needed">when shal<mark>l</mark></p>' in page.read_text()
    assert lengthgen("show", path, "--runs", runs, "--number", "3") == 0
    assert " came. " in capsys.readouterr().out
    for arguments, message in (
        (("--number", "70"), "expected a number below 70, the tokens measured"),
        (("--text", ""), "got a text of 0 tokens; expected from 1 to 16"),
        (("--text", "when shall we three " * 9), "expected from 1 to 16, the window of the meter"),
        (("--corpus", "kvj"), "got 'kvj'"),
        (("--corpus", ""), "name: got ''"),
        (("--corpus", "excerpt"), "expected an existing checkpoint"),
        (("--html", str(tmp_path / "no" / "page.html")), "--html"),
    ):
        assert lengthgen("show", path, "--runs", runs, *arguments) == 3
        assert message in capsys.readouterr().err


def test_nothing_is_shown_of_a_meter_that_is_half_trained(
    done: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = experiment.loaded

    def half(*arguments: Any) -> Any:
        meter = loaded(*arguments)
        meter.optimizer.done = 3
        return meter

    monkeypatch.setattr(experiment, "loaded", half)
    path, folder = done
    assert lengthgen("show", path, "--runs", str(folder / "runs"), "--text", "when shall") == 3
    assert "witches.txt/meter after step 3 of 6; expected a meter that is trained" in capsys.readouterr().err


def test_an_interrupt_leaves_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, runs, rows = written(tmp_path), str(tmp_path / "runs"), tmp_path / "rows.jsonl"
    train, row_of = experiment.train, language.row_of

    def interrupted(work: Any, at: int) -> Any:
        calls = []

        def one(*arguments: Any, **options: Any) -> Any:
            calls.append(arguments)
            if len(calls) == at:
                raise KeyboardInterrupt
            return work(*arguments, **options)

        return one

    monkeypatch.setattr(experiment, "train", interrupted(train, 3))
    assert lengthgen("train", path, "--runs", runs, "--workers", "1") == 2
    assert "interrupted; 2 of 4 runs done; the same command goes on." in capsys.readouterr().err
    assert lengthgen("measure", path, "--runs", runs, "--rows", str(rows), "--workers", "1", "--only", "*/meter") == 0
    assert len(read_rows(rows)) == 2
    monkeypatch.setattr(language, "row_of", interrupted(row_of, 1))
    assert lengthgen("measure", path, "--runs", runs, "--rows", str(rows), "--workers", "1") == 2
    err = capsys.readouterr().err
    assert "interrupted; 0 of 1 row done; the same command goes on." in err
    assert "not trained yet: " in err
    assert "alibi-4/0 and 1 more; lengthgen language train goes on with them." in err
    monkeypatch.undo()
    assert lengthgen("train", path, "--runs", runs, "--workers", "1") == 0
    assert lengthgen("measure", path, "--runs", runs, "--rows", str(rows), "--workers", "1") == 0
    assert len(read_rows(rows)) == 5


def test_a_run_that_diverges_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, train = written(tmp_path), experiment.train

    def diverging(protocol: Any, cell: Any, *arguments: Any, **options: Any) -> Any:
        if cell.model == "pose":
            raise Diverged("Trainer.run", "rate", got="a loss of nan", expected="a finite loss", fix="Lower it.")
        return train(protocol, cell, *arguments, **options)

    monkeypatch.setattr(experiment, "train", diverging)
    assert lengthgen("train", path, "--runs", str(tmp_path / "runs"), "--workers", "1") == 2
    err = capsys.readouterr().err
    assert "pose-4/0: Trainer.run: argument rate: got a loss of nan" in err
    assert "[4/4]" in err


@pytest.mark.slow
def test_workers_do_the_same(done: tuple[str, Path], tmp_path: Path) -> None:
    path, folder = done
    runs, rows = str(tmp_path / "runs"), str(tmp_path / "rows.jsonl")
    assert lengthgen("train", path, "--runs", runs, "--only", "*/pose-4/*", "--workers", "2") == 0
    assert lengthgen("measure", path, "--runs", runs, "--only", "*/pose-4/*", "--rows", rows, "--workers", "1") == 0

    def measured(path: str | Path) -> list[Any]:
        return sorted((row["seed"], row["before"], row["after"]) for row in read_rows(path) if row["model"] == "pose")

    assert measured(rows) == measured(folder / "rows.jsonl")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff is not UTF-8 " * 1000, "not UTF-8 text (byte 0xff at offset 0)"),
        (b"a" * 100_000, "hold one character, repeated"),
        (b"when shall we three meet again\n" * 4, "expected at least one block of 64"),
        (b"", "holds 0 documents"),
    ],
)
def test_a_file_that_is_no_corpus_is_refused(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "witches.txt").write_bytes(content)
    path = written(tmp_path)
    assert lengthgen("train", path, "--runs", str(tmp_path / "runs")) == 3
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilons": [0]}, "epsilons: got [0]; expected numbers of nats, > 0"),
        ({"window": 64}, "window: got 64, with blocks of 64 tokens"),
        ({"contexts": [17]}, "contexts[0]: got 17; expected at most the window, 16"),
        ({"tokens": 10_000}, "tokens to measure; expected at most"),
        ({"corpora": ["shakespear"]}, "Did you mean 'shakespeare'"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, runs = written(tmp_path, **changes), str(tmp_path / "runs")
    status = lengthgen("train", path, "--runs", runs, "--only", "*/meter", "--workers", "1")
    if status == 0:
        status = lengthgen("measure", path, "--runs", runs, "--only", "*/meter", "--rows", str(tmp_path / "rows.jsonl"))
    assert status == 3
    assert message in capsys.readouterr().err


def test_a_missing_extra_has_its_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, corpora=["kjv"])
    monkeypatch.setattr("sys.path", [])
    assert lengthgen("train", path, "--runs", str(tmp_path / "runs")) == 3
    assert 'Install it: pip install "lengthgen[language]".' in capsys.readouterr().err


def test_other_bad_usage_is_said_in_a_line(
    done: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = done
    cut, half = tmp_path / "cut.jsonl", tmp_path / "half.jsonl"
    cut.write_text('{"schema": 1, "digest": "0", "code": "0", "corpus": "kjv"}\n')
    row = {"schema": 1, "digest": "0", "code": "0", "corpus": "kjv", "by_context": [], "model": "rope", "tokens": ""}
    half.write_text(json.dumps({**row, "length": 8, "seed": 0, "steps": 1, "window": 16}) + "\n")
    other = tmp_path / "other.jsonl"
    other.write_text('{"schema": 1, "digest": "0", "code": "0"}\n')
    for arguments, message in (
        ((), "expected --demo, or train, measure, planted, report, show"),
        (("--demo", "report", "rows.jsonl"), "got both an action and --demo"),
        (("report", str(tmp_path / "none.jsonl")), "No such file"),
        (("report", str(other)), "which holds none; expected rows of language measure"),
        (("report", str(cut)), "rows[0]: got no model, length, seed, steps, window, tokens; expected rows of language"),
        (("report", str(half)), "rows[0]: got no before, after, contexts; expected rows of language measure"),
        (("report", str(folder / "rows.jsonl"), "--epsilon", "0.5"), "expected one of 0.05, 0.2"),
        (("report", str(folder / "rows.jsonl"), "--epsilon", "0"), "got '0'; expected a number > 0"),
        (("train", path, "--runs", str(folder / "runs"), "--only", "kjv"), "only: got 'kjv'"),
        (("train", path, "--runs", path), "a file that can be written"),
        (("train", str(tmp_path / "none.toml"), "--runs", str(tmp_path)), "No such file"),
        (("trian",), "invalid choice"),
        *(
            (
                (option, given, "report", str(other)),
                "got what --demo takes; expected options of the action. Write it beh",
            )
            for option in ("--corpus", "--runs")
            for given in ("kjv", "")
        ),
        (
            ("--workers", "2", "report", str(other)),
            "got what --demo takes; expected options of the action. Write it beh",
        ),
        (("--demo", "--corpus", "", "--runs", str(tmp_path / "runs")), "name: got ''"),
    ):
        assert lengthgen(*arguments) == 3, arguments
        assert message in capsys.readouterr().err


def test_the_controls_are_carried_out_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tiny = TrainConfig("text", encoding="rope", steps=2, warmup=1, width=8, layers=1, heads=2)
    judged = PlantedText(GRID, body=13, rows=2, kept=12)
    controls = [
        control.Control("meter", PlantedText(SEVEN[:2], body=4, rows=2), tiny),
        *(control.Control("judged", judged, replace(tiny, seed=seed)) for seed in (1, 2)),
    ]
    monkeypatch.setattr(control, "protocol", lambda seeds, steps: controls[: 1 + seeds])
    rows = tmp_path / "rows.jsonl"
    arguments = ("planted", "--runs", str(tmp_path), "--rows", str(rows), "--workers", "1", "--seeds")
    assert lengthgen(*arguments, "1") == 0
    assert lengthgen(*arguments, "2") == 0
    captured = capsys.readouterr()
    assert captured.err.count("planted/") == 3  # none is done twice
    assert lengthgen("report", str(rows)) == 0
    out = capsys.readouterr().out
    assert captured.out.endswith(out)
    found = read_rows(rows)
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [line[:4] for line in lines[:2]] == [
        ["nothing", "4", "1", f"{control.exact(found[0])[0]:.2f}"],
            ["one bit", "4", "2", f"{control.exact(found[0])[1]:.2f}"],
    ]  # fmt: skip
    damages = [row["after"][0] - row["before"][0] for row in found[1:]]
    assert lines[2][:6] == ["rope", "12", "2", "one bit of one token", "2", f"{sum(damages) / 2:+.3f}"]
    lost = [damage / log(2) for damage in damages]
    assert lines[2][6:] == [f"{share:+.2f}" for share in (sum(lost) / 2, min(lost), max(lost))]
    counted = control.contrasts(found)
    what = ["four tokens with one", "four tokens with one", "four bits with one"]
    assert lines[-3:] == [
        [one["held"], compared, "2", str(one["larger"]), str(one["smaller"])]
        for one, compared in zip(counted, what, strict=True)
    ]
    assert len(lines) == 2 + 6 + 3


def test_what_the_controls_say_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two seeds, one of which loses more at one token than at four."""
    monkeypatch.setenv("COLUMNS", "200")
    row = {
        "schema": 1, "code": "1", "kind": "judged", "encoding": "rope", "kept": 9, "name": ["a", "b", "c"],
        "needed": [2, 2, 5], "bits": [[1], [4], [1, 1, 1, 1]], "before": [0.0] * 3,
    }  # fmt: skip
    rows = tmp_path / "rows.jsonl"
    losses = ((1.0, 2.0, 4.0), (0.5, 1.0, 0.0))
    lines = [row | {"digest": str(seed), "seed": seed, "after": after} for seed, after in enumerate(losses)]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert lengthgen("report", str(rows)) == 0
    out = capsys.readouterr().out
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert cells == [
        ["rope", "9", "2", "a", "2", "+0.750", "+1.08", "+0.72", "+1.44"],
        ["rope", "9", "2", "b", "2", "+1.500", "+0.54", "+0.36", "+0.72"],
        ["rope", "9", "2", "c", "5", "+2.000", "+0.72", "+0.00", "+1.44"],
        ["one bit of each", "four tokens with one", "2", "0", "1"],
        ["four bits in all", "four tokens with one", "2", "1", "1"],
        ["one token", "four bits with one", "2", "0", "2"],
    ]
    assert not any(table([]).rows for table in (known, rising, contrasted))  # where there are none, none is printed


def test_the_demonstration_is_a_protocol() -> None:
    from importlib import resources

    with resources.as_file(resources.files("idealized_model.language") / "demo.toml") as path:
        protocol = read_protocol(path)
    assert [str(cell) for cell in protocol.cells] == ["excerpt/meter", "excerpt/pose-8/0"]


def test_the_demonstration_does_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small(tmp_path, seeds=1)
    monkeypatch.setattr(language, "read_protocol", lambda path, corpora: read_protocol(data, corpora=corpora))
    other = tmp_path / "other.txt"
    other.write_text(text())
    assert lengthgen("--demo", "--corpus", str(other), "--runs", str(tmp_path / "runs"), "--workers", "1") == 0
    out = capsys.readouterr().out
    assert "other.txt" in out
    assert lengthgen("--demo", "--runs", str(tmp_path / "runs"), "--workers", "1") == 0
    out = capsys.readouterr().out
    assert "other.txt" not in out
    assert "witches.txt" in out
    assert "How many tokens a prediction needs" in out
    assert "What a longer context than in training does" in out
    assert "needed, or the last" in out


@pytest.mark.slow
def test_the_demonstration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that is trained on eight tokens loses by more of them; most predictions need few."""
    assert lengthgen("--demo", "--runs", str(tmp_path / "runs")) == 0
    rows = read_rows(tmp_path / "runs" / "rows.jsonl")
    (judged,) = (row for row in rows if row["model"] == "pose")
    assert judged["by_context"][-1] - judged["by_context"][1] > 0.2
    meter = experiment.meter_of(rows, "excerpt")
    assert meter["full"].mean() < 3.6
    assert 2 <= sorted(meter["k"][0])[256] <= 5
    assert meter["recency_k"][0].mean() > meter["k"][0].mean() + 2
