"""Figures of one's own: what is drawn is what is there, into Axes that are given too; their commands, and what they refuse."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from figures import (
    Style,
    draw_attention,
    draw_dependencies,
    draw_head,
    draw_problem,
    draw_runs,
)
from figures.cli import _is_own, main
from figures.dependency_graphs import ROUNDED
from figures.own import attention, dependencies, head, problem, results
from figures.plot import FORMATS, Row, table
from figures.style import PAGE
from idealized_model import loss
from idealized_model.transformer import TrainConfig, Trainer
from idealized_model.transformer.runs import run_in
from proofs_check.commands.main import main as lengthgen
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_from_dict, read_problem
from tests.figures import made_up
from tests.figures.test_figures import check_curves, check_lines, lines, points
from theory import (
    Example,
    FiniteLaw,
    HardHead,
    HeadClass,
    InvalidArgument,
    View,
    coverage,
    decide,
    retention,
)
from theory.guarantees import guarantees
from theory.ranked import RankedHead
from theory.soft import SoftHead
from theory.tasks import Copy, Instance, Step, find_task

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

Out = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ENSEMBLE = {
    "vocabulary": 3, "background": [1, 0, 0], "support": {"kind": "uniform"},
    "planted": [{"word": [1], "probability": "1/2", "label": 0}, {"word": [2], "probability": "1/2", "label": 1}],
}  # fmt: skip
GUESS = [{"tokens": [0], "label": 1}, {"tokens": [1], "label": 0}, {"tokens": [2], "label": 1}]
"""A head that also selects noise."""


def small(**more: object) -> Problem:
    data = {"heads": {"arity": 1}, "ensemble": ENSEMBLE, "train": [{"length": 1}], "test": [{"length": 3}], **more}
    return problem_from_dict(data)


@pytest.fixture
def two() -> list[Axes]:
    """Axes of a figure of someone else."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return list(figure.subplots(1, 2))


# ── A problem ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_problem_is_drawn_as_it_is_decided() -> None:
    own = read_problem(EXAMPLES / "local-shift.toml")
    rows = problem.rows_of(own, lengths=(1, 4, 6, 8))
    figure = problem.draw(rows, Style())
    assert [axes.get_title().split("\n")[0] for axes in figure.axes[:4]] == [
        "loss", "test loss / training loss", "guaranteed share", "growth of the candidates, κ"
    ]  # fmt: skip
    verdict = decide(own.heads, train=own.train, test=own.test.ensemble.at(8))  # type: ignore[union-attr]
    assert isinstance(verdict.counterexample, HardHead)
    laws = {n: own.test.ensemble.at(n) for n in (4, 6, 8)}  # type: ignore[union-attr]
    exact = [(n, float(loss(verdict.counterexample, law))) for n, law in laws.items()]
    assert lines(figure.axes[0], "loss") == [exact]
    for kind in ("hard", "ranked", "soft"):
        shares = [guarantees(own.heads, train=own.train, test=law, scores=kind).share for law in laws.values()]  # type: ignore[arg-type]
        assert lines(figure.axes[2], kind) == [list(zip(laws, map(float, shares), strict=True))]  # type: ignore[arg-type]
    t3 = [(n, coverage(own.heads, train=own.train, test=law).factor) for n, law in laws.items()]
    assert lines(figure.axes[1], "T3") == [[(n, float(factor)) for n, factor in t3 if factor != float("inf")]]
    marks = [line for line in figure.legends[0].get_lines() if str(line.get_label()).startswith("at most")]
    assert [line.get_label() for line in marks] == ["at most (T3)", "at most (T11)"]
    for line, bound in zip(marks, ("T3", "T11"), strict=True):  # T11 speaks of one length alone: a mark, and no line
        (drawn_,) = [one for one in figure.axes[1].lines if one.get_gid() == bound]
        assert (line.get_marker(), line.get_color()) == (drawn_.get_marker(), drawn_.get_color())
        assert drawn_.get_marker() != "None"
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["1", "3", "10", "21.6"]
    assert set(figure.axes[1].get_yticks()) >= {1.0, 3.0, 10.0}
    shaded = {round(p.get_x() + 0.5) for p in figure.axes[2].patches if isinstance(p, Rectangle)}
    assert shaded == {4}
    cells = [row for row in rows if row["kind"] == "coverage"]
    drawn = [p for p in figure.axes[3].patches if isinstance(p, Rectangle)]
    assert len(cells) == len(drawn) == 6
    assert [bool(p.get_hatch()) for p in drawn] == [row["kappa"] == "inf" for row in cells]
    kappa = coverage(own.heads, train=own.train, test=laws[6]).kappa
    assert [row["kappa"] for row in cells if (row["train_length"], row["length"]) == (4, 6)] == [str(kappa)]
    text = problem.alt(rows)
    assert "the counterexample to length 8 with training loss 0 has loss 9/28 at length 8" in text
    assert "not bounded by T3 and not bounded by T11; " in text
    assert text.endswith("hard 0.00, ranked 0.00, soft 0.00; κ to length 8 is finite from training length 6 on.")


def test_a_head_that_is_given_is_drawn_under_its_bounds() -> None:
    own = small(head=GUESS, train=[{"length": 2}])
    rows = problem.rows_of(own, lengths=[2, 3, 4])
    figure = problem.draw(rows, Style(columns=1))
    assert "test loss / training loss" not in [axes.get_title() for axes in figure.axes]
    (axes, *_) = figure.axes
    before = loss(own.head, own.train)  # type: ignore[arg-type]
    assert before == Fraction(1, 4)  # a zero is wrong for one label: 1/2 of the mass
    laws = {n: own.test.ensemble.at(n) for n in (2, 3, 4)}  # type: ignore[union-attr]
    assert lines(axes, "loss") == [[(n, float(loss(own.head, law))) for n, law in laws.items()]]  # type: ignore[arg-type]
    for name, factor in (
        ("T3", [coverage(own.heads, train=own.train, test=law).factor for law in laws.values()]),
        ("T11", [retention(own.heads, train=own.train, test=law).value for law in laws.values()]),
    ):
        assert lines(axes, name) == [[(n, min(float(before * one), 1.0)) for n, one in zip(laws, factor, strict=True)]]  # type: ignore[operator]
    assert (
        "the head of the file with training loss 1/4 has loss 3/8 at length 4, at most 3/2 by T3 and 3/4 by"
        in problem.alt(rows)
    )


def test_a_problem_of_listed_examples_is_drawn_at_its_lengths() -> None:
    def example(*tokens: int) -> Example:
        return Example(tokens, tuple(range(len(tokens))), tokens[0])

    train = FiniteLaw.uniform([example(1), example(2)])
    test = FiniteLaw({example(1): "1/2", example(2, 3): "1/4", example(1, 2): "1/4"})
    rows = problem.rows_of(Problem(HeadClass(1), train, test))
    shares = {(row["length"], row["scores"]): row["share"] for row in rows if row["kind"] == "share"}
    assert (shares[1, "hard"], shares[2, "hard"]) == ("1", "0")
    losses = {row["length"]: row["loss"] for row in rows if row["kind"] == "loss"}
    assert losses[1] == "0"
    assert Fraction(losses[2]) > 0  # given the length, not the whole law
    assert not [row for row in rows if row["kind"] in ("coverage", "bound")]
    with pytest.raises(
        InvalidArgument, match="lengths for a test law of kind FiniteLaw; expected one planted ensemble"
    ):
        problem.rows_of(Problem(HeadClass(1), train, test), lengths=[1])


def test_what_is_too_large_is_left_out_and_said() -> None:
    own = small()
    rows = problem.rows_of(own, lengths=[1, 2, 9], budget=10)
    assert [row["why"] for row in rows if row["kind"] == "share" and row["scores"] == "hard"] == [
        None,
        None,
        "too large",
    ]
    assert "hard too large" in problem.alt(rows)
    with pytest.raises(InvalidArgument, match="no length that the test law has; expected one at least"):
        problem.rows_of(small(test=[{"length": 3, "positions": {"kind": "coupled"}}]) if False else own, lengths=[])
    with pytest.raises(InvalidArgument, match="got 201 lengths; expected at most 200"):
        problem.rows_of(own, lengths=range(1, 202))


def test_no_head_is_said() -> None:
    own = small(train=[{"length": 2}], ensemble={**ENSEMBLE, "planted": [
        {"word": [1], "probability": "1/2", "label": 0}, {"word": [2], "probability": "1/2", "label": 1}],
        "background": ["1/3", "1/3", "1/3"]})  # fmt: skip
    rows = problem.rows_of(own, lengths=[2, 3])
    figure = problem.draw(rows, Style())
    titles = [axes.get_title() for axes in figure.axes]
    assert "guaranteed share\n(no hard or ranked or soft head)" in titles
    assert "loss" not in titles


def test_panels_go_into_axes_that_are_given(two: list[Axes]) -> None:
    own = small()
    figure = draw_problem(own, panels=["shares", "coverage"], axes=two, lengths=[1, 2, 3])
    assert figure is two[0].figure
    assert two[0].get_legend() is not None
    assert not figure.legends
    assert lines(two[0], "hard")
    assert draw_problem(own, panels="shares", axes=two[1], lengths=[1, 2]) is figure
    for axes, panels, message in (
        (two, ["shares"], "got 2 Axes; expected 1 of them. Give one a panel: shares."),
        (3, ["shares"], "argument axes: got the int 3; expected an Axes, or some"),
        ([3], ["shares"], "argument axes: got the int 3; expected an Axes of matplotlib"),
        (None, ["shars"], "argument panels: got .'shars'.; expected some of "),
        (None, [], "argument panels: got ..; expected some of "),
    ):
        with pytest.raises(InvalidArgument, match=message):
            draw_problem(own, panels=panels, axes=axes, lengths=[1, 2])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"argument problem: got the str 'a.toml'; expected a Problem"):
        draw_problem("a.toml")  # type: ignore[arg-type]


# ── A head ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hard_head_is_drawn_with_all_that_it_selects() -> None:
    own = small(head=GUESS)
    found, example = head.failing(own, 1000)
    assert found is own.head
    assert found.loss(example) > 0
    rows = head.rows_of(found, example)
    assert {row["positions"] for row in rows} == {"0", "1", "2"}
    assert {row["weight"] for row in rows} == {"1/3"}
    wrong = sum(Fraction(row["weight"]) for row in rows if row["answer"] != row["label"])
    assert wrong == found.loss(example)  # type: ignore[comparison-overlap]
    (axes,) = draw_head(found, example).axes
    boxes = [(round(p.get_x() + 0.4), round(p.get_y() + 0.38)) for p in axes.patches if isinstance(p, Rectangle)]
    assert boxes == [(int(row["positions"]), i) for i, row in enumerate(rows, start=1)]
    said = [text.get_text() for text in axes.texts if text.get_gid() == "answer"]
    assert said == [f"{row['answer']}{' ✗' * (row['answer'] != row['label'])}   0.333" for row in rows]


def test_a_long_title_is_broken_where_it_pauses() -> None:
    own = small(head=GUESS)
    found, example = head.failing(own, 1000)
    words = head.says(head.rows_of(found, example))
    for style in (Style(columns=1), Style()):
        title = draw_head(found, example, style=style).axes[0].get_title()
        assert title.replace("\n", " ") == words
        assert title.count("\n") == (style.columns == 1)
        assert "the label is" in title.splitlines()[-1]


def test_ranked_and_soft_heads_are_drawn_by_what_weighs() -> None:
    heads = HeadClass(1)
    example = Example((1, 2, 2), (0, 1, 2), "b")
    ranked = RankedHead(heads, {View((2,), ()): "b", View((1,), ()): "a"})
    rows = head.rows_of(ranked, example)
    assert [(row["positions"], row["weight"]) for row in rows] == [("1", "1/2"), ("2", "1/2"), ("0", "0")]
    assert head.says(rows) == "the ranked head answers b; the label is b"
    soft = SoftHead(heads, {View((1,), ()): (3, {"a": "2/3", "b": "1/3"}), View((2,), ()): (1, {"b": 1})})
    rows = head.rows_of(soft, example)
    assert head.totals(rows) == {answer: mass / 5 for answer, mass in soft.masses(example).items()} == {
        "b": Fraction(3, 5), "a": Fraction(2, 5)
    }  # fmt: skip
    nothing = head.rows_of(HardHead(heads, {View((3,), ()): "a"}), example)
    assert head.says(nothing) == "the hard head selects nothing; the label is b"
    assert (
        draw_head(HardHead(heads, {View((3,), ()): "a"}), example)
        .axes[0]
        .get_title()
        .startswith("the hard head selects")
    )
    long = Example((1,) * 40, tuple(range(40)), "a")
    title = draw_head(HardHead(heads, {View((1,), ()): "a"}), long).axes[0].get_title()
    assert title.endswith("16 sets more")
    with pytest.raises(InvalidArgument, match="got 41 tokens; expected at most 40"):
        head.rows_of(ranked, Example((1,) * 41, tuple(range(41)), "a"))
    with pytest.raises(
        InvalidArgument, match="argument head: got the str 'x'; expected a hard, a ranked or a soft head"
    ):
        draw_head("x", example)  # type: ignore[arg-type]


def test_without_a_failing_head_there_is_nothing_to_draw(tmp_path: Path, capsys: Out) -> None:
    file, out = tmp_path / "a.toml", tmp_path / "a.png"
    file.write_text((EXAMPLES / "parity.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["head", str(file), "--out", str(out)]) == 3
    assert "got a problem of which decide says generalizes; expected a problem with a head" in capsys.readouterr().err
    right = small(head=[{"tokens": [1], "label": 0}, {"tokens": [2], "label": 1}])
    with pytest.raises(InvalidArgument, match="a head that errs on no test example"):
        head.failing(right, 1000)
    file.write_text(file.read_text(encoding="utf-8").replace("length = 4", "length = 3"), encoding="utf-8")
    assert main(["head", str(file), "--out", str(out), "--columns", "1"]) == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".toml", ".png", ".csv", ".txt"}
    assert "So the hard head answers 1 (10/11), 0 (1/11); the label is 0." in out.with_suffix(".txt").read_text(
        encoding="utf-8"
    )


# ── Dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("columns", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("addition, reversed, carry shown", 12),
        *(pytest.param(name, 40, marks=pytest.mark.slow) for name in ("copy", "Dyck words")),
    ],
)
def test_long_instances_are_matrices_of_one_layout(name: str, length: int, columns: int) -> None:
    task = find_task(name)
    instance = task.sample(length, np.random.default_rng(1))
    style = Style(columns=columns)  # type: ignore[arg-type]
    figure = draw_dependencies(task, instance, style=style)
    assert figure.get_figwidth() == style.width
    assert figure.get_figheight() <= PAGE
    left, right = figure.axes
    read = {(source, step.position) for step in instance.steps for source in step.sources}
    drawn = [point for line in left.lines if line.get_gid() == "read" for point in points(line)]
    assert len(drawn) == len(read)
    assert set(drawn) == read
    values = sorted(set(instance.ids))
    by_id = {(values.index(instance.ids[a]), values.index(instance.ids[b])) for a, b in read}
    assert {point for line in right.lines if line.get_gid() == "read" for point in points(line)} == by_id
    figure.canvas.draw()
    shapes = {tuple(np.round(axes.get_window_extent().size, 3)) for axes in figure.axes}
    assert len(shapes) == 1  # both alike, and square
    assert len(set(*shapes)) == 1
    check_lines(figure)
    hollow = {line.get_markerfacecolor() for line in right.lines if line.get_gid() == "read"} == {"none"}
    keys = [line for line in figure.legends[0].get_lines() if str(line.get_label()).startswith("read from")]
    assert [line.get_markerfacecolor() == "none" for line in keys] == [hollow] * len(keys)


def test_short_instances_are_arrows_and_can_be_matrices(two: list[Axes]) -> None:
    task = Copy(2)
    instance = task.solve((0, 1, 2))
    arrows = draw_dependencies(task, instance)
    assert arrows.findobj(FancyBboxPatch)
    (predicted,) = [line for line in arrows.legends[0].get_lines() if line.get_label() == "predicted"]
    assert np.array_equal(predicted.get_marker().vertices, ROUNDED.vertices)  # type: ignore[union-attr]
    figure = draw_dependencies(task, instance, form="matrix")
    assert not figure.axes[0].patches
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["a", "b", ">", "a", "b"]
    assert draw_dependencies(task, instance, axes=two) is two[0].figure
    assert draw_dependencies(task, instance, axes=two[0]).axes[0].get_title().startswith("by ID")
    ids = [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]
    right = draw_dependencies(task, instance, ids=ids, form="matrix").axes[1]
    assert [text.get_text() for text in right.get_xticklabels()][1] == "(0,1)"
    long = task.solve((0,) * 40 + (2,))
    with pytest.raises(InvalidArgument, match="too many to be readable"):
        draw_dependencies(task, long, form="arrows")
    with pytest.raises(InvalidArgument, match="argument form: got 'arcs'"):
        draw_dependencies(task, long, form="arcs")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="got the str 'copy'; expected a Task"):
        draw_dependencies("copy", long)  # type: ignore[arg-type]


def test_a_column_of_arrows_is_no_longer_than_a_page() -> None:
    task = find_task("multiplication, carried")
    for length in (6, 14):
        instance = task.sample(length, np.random.default_rng(0))
        assert draw_dependencies(task, instance, style=Style(columns=1)).get_figheight() <= PAGE


def test_what_would_take_more_than_a_page_is_no_column_of_arrows() -> None:
    """All tokens at one ID: a row each."""
    instance = Instance((0, 1) * 10, (0,) * 20, (Step(19, (0, 1)),))
    assert draw_dependencies(Copy(2), instance, form="arrows", style=Style(columns=1)).get_figheight() > PAGE
    column = draw_dependencies(Copy(2), instance, style=Style(columns=1))
    assert column.get_figheight() <= PAGE
    assert len(column.findobj(FancyBboxPatch)) == 1  # the frame of the legend


def test_the_words_of_dependencies() -> None:
    task = Copy(2)
    instance = task.solve((0, 1, 2))
    text = dependencies.alt(dependencies.rows_of(task, instance), (3, 0))
    assert text == (
        "What each predicted token of copy, ab>ab, reads, by position and by ID side by side: 2 tokens are predicted from 2 "
        "in all; those of a set lie up to 3 positions and up to 0 IDs apart."
    )


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("swept") / "results.jsonl"
    few = [row for row in made_up.schemes() if row["config"]["task"] in ("copy", "pointer chasing")]
    made_up.write(path, few)
    return path


def test_every_run_of_a_sweep_is_drawn(swept: Path) -> None:
    rows = results.rows_of(swept, scores=())
    figure = results.draw(rows, Style())
    assert [axes.get_title() for axes in figure.axes] == ["copy", "pointer chasing"]
    for axes, task in zip(figure.axes, ("copy", "pointer chasing"), strict=True):
        check_curves(axes, [row for row in rows if row["task"] == task], ("setting",))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "none", "rope", "alibi", "random-shift", "pose", "random-ordered", "coupled", "coupled-ordered", "predicted",
        "training lengths",
    ]  # fmt: skip
    assert {row["seed"] for row in rows if row["kind"] == "seed"} == {0, 1}
    assert [axes.get_ylabel() for axes in figure.axes] == ["exact match", ""]
    assert [axes.get_ylabel() for axes in results.draw(rows, Style(columns=1)).axes] == ["exact match", "exact match"]
    assert "copy at length 100: none 0." in results.alt(rows)
    check_lines(figure)


def test_what_is_varied_is_said_and_what_is_guaranteed_is_drawn_under(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    runs = [
        made_up.run(TrainConfig("copy", positions, longest=4, layers=layers, seed=seed), {4: 100, 8: 10 * layers})
        for positions in ("rope", "coupled")
        for layers in (1, 2)
        for seed in (0, 1)
    ]
    made_up.write(path, runs)
    rows = results.rows_of(path)
    settings = list(dict.fromkeys(row["setting"] for row in rows if row["kind"] == "pooled"))
    assert settings == ["rope, layers 1", "rope, layers 2", "coupled, layers 1", "coupled, layers 2"]
    promised = {row["setting"]: (row["share"], row["why"]) for row in rows if row["kind"] == "guaranteed"}
    assert promised["rope, layers 1"] == (None, "no head")
    (axes,) = draw_runs(path).axes
    assert axes.get_xlabel().splitlines()[:2] == ["length", "rope, layers 1: no hard head"]
    assert len(axes.get_xlabel().splitlines()) == 5
    figure = draw_runs(path)
    assert figure.legends[0].get_title().get_text().replace("\n", " ") == results.NOTE
    assert "Guaranteed on small versions: copy, rope, layers 1, no hard head; " in results.alt(rows)


def test_losses_of_runs_that_were_kept_are_drawn(tmp_path: Path) -> None:
    config = TrainConfig("copy", "coupled", longest=3, n_ids=9, steps=100, batch=4, width=8, layers=1, heads=2)
    trainer = run_in(tmp_path / "seed-0", config, threads=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "history.csv").write_text("step\n1\n", encoding="utf-8")  # no run of these
    run_in(tmp_path / "another", replace(config, seed=1), threads=1)  # of another sweep
    made_up.write(tmp_path / "results.jsonl", [made_up.run(config, {3: 100, 6: 2})])
    rows = results.rows_of(tmp_path / "results.jsonl", scores=())
    losses = [(entry.step, entry.loss) for entry in trainer.history]
    assert losses
    figure = results.draw(rows, Style(columns=1))
    assert lines(figure.axes[1], "loss") == [losses]
    assert "Losses in training are drawn as well." in results.alt(rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "which has no rows; expected rows of runs. Write it with: lengthgen sweep"),
        ('{"schema": 1, "digest": "a", "code": "1"}\n', "RESULTS, row 1: got no row of a run (KeyError: 'config')"),
        ('{"schema": 1, "digest": "a", "code": "1", "config": {"task": "coppy"}, "tests": []}\n', "row 1: got 'coppy'"),
        ("[]\n", "results.jsonl"),
        ("{\n", "results.jsonl"),
    ],
)
def test_what_is_no_sweep_is_refused(text: str, message: str, tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text, encoding="utf-8")
    assert main(["runs", str(path), "--out", str(tmp_path / "a.png")]) == 3
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert [one.name for one in tmp_path.iterdir()] == ["results.jsonl"]


def test_too_many_settings_are_refused(tmp_path: Path) -> None:
    runs = [made_up.run(TrainConfig("copy", longest=4, steps=steps), {4: 1}) for steps in range(100, 112)]
    made_up.write(tmp_path / "a.jsonl", runs)
    with pytest.raises(InvalidArgument, match="got 12 settings; expected at most 11 settings"):
        draw_runs(tmp_path / "a.jsonl", scores=())


# ── Attention ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two layers of two heads."""
    folder = tmp_path_factory.mktemp("run") / "seed-0"
    run_in(
        folder,
        TrainConfig("copy", "coupled", longest=3, n_ids=9, steps=3, batch=4, width=8, layers=2, heads=2),
        threads=1,
    )
    return folder


def test_attention_is_that_of_the_model(trained: Path) -> None:
    trainer = Trainer.load(trained / "checkpoint.npz")
    instance = attention.instance_of(trainer, "ab>", None)
    assert instance == trainer.task.solve(trainer.task.tokens("a b >")) == attention.instance_of(trainer, "a b >", None)
    rows = attention.rows_of(trainer, instance)
    assert {(row["layer"], row["head"]) for row in rows} == {(layer, str(h)) for layer in (1, 2) for h in (1, 2)}
    for layer, name in {(row["layer"], row["head"]) for row in rows}:
        for predicted in (3, 4):
            own = [r for r in rows if (r["layer"], r["head"], r["predicted"]) == (layer, name, predicted)]
            assert [row["key"] for row in own] == list(range(predicted))
            assert sum(row["weight"] for row in own) == pytest.approx(1, abs=1e-4)
            assert [row["key"] for row in own if row["read"]] == [predicted - 3]
    figure = attention.draw(rows, Style())
    assert [axes.get_title() for axes in figure.axes[:4]] == [f"layer {i}, head {h}" for i in (1, 2) for h in (1, 2)]
    for axes, kind in zip(figure.axes, [(i, str(h)) for i in (1, 2) for h in (1, 2)], strict=False):
        image = np.asarray(axes.images[0].get_array().filled(np.nan))  # type: ignore[union-attr]
        for row in (row for row in rows if (row["layer"], row["head"]) == kind):
            assert image[row["predicted"] - 3, row["key"]] == pytest.approx(row["weight"])
        assert lines(axes, "read") == [[(0, 0), (1, 1)]]
    assert "layer 2, head 1: 0." in attention.alt(rows)


def test_the_masses_of_attention_are_those_of_its_evaluation(trained: Path) -> None:
    """Mean over queries, of one instance that a test draws, by the route of sweeps."""
    from idealized_model.transformer.evaluation import attention_mass, drawn_sequences

    trainer = Trainer.load(trained / "checkpoint.npz")
    (instance, ids) = next(iter(drawn_sequences(trainer.config, trainer.task, 3, size=1)))
    rows = attention.rows_of(trainer, instance, ids)
    for i, layer in enumerate(attention_mass(trainer, "copy", 3, size=1), start=1):
        for h, mass in enumerate(layer, start=1):
            own = [r["weight"] for r in rows if (r["layer"], r["head"]) == (i, str(h)) and r["read"]]
            assert sum(own) / 3 == pytest.approx(mass, abs=1e-5)


def test_many_heads_are_a_panel_a_layer() -> None:
    config = TrainConfig("majority", longest=3, steps=1, batch=4, width=18, layers=2, heads=9)
    trainer = Trainer(config, threads=1)
    instance = attention.instance_of(trainer, "1 0 1", None)
    assert [axes.get_title() for axes in draw_attention(trainer, instance).axes[:2]] == [
        "layer 1, mean of heads", "layer 2, mean of heads"
    ]  # fmt: skip
    assert len(attention.instance_of(trainer, None, 5).tokens) == 7
    assert attention.instance_of(trainer, None, None, 1) == attention.instance_of(trainer, None, 3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompt", "a c >"], "got 'c'; expected symbols of copy"),
        (["--prompt", "axe"], "got 'xe'; expected symbols of copy"),
        (["--prompt", ""], "a prompt of copy"),
        (
            ["--prompt", "a b a"],
            "argument --prompt: got 'a b a'; expected a prompt of copy. Give one as python -m figures ",
        ),
        (["--prompt", "a b > >"], "expected a prompt of copy"),
        (["--length", "70"], "got 141 tokens; expected at most 120"),
        (["--seed", "-1"], "argument --seed: got -1; expected an integer >= 0"),
        (["--style", "acm"], "argument venue: got 'acm'"),
    ],
)
def test_other_prompts_are_refused(
    arguments: list[str], message: str, trained: Path, tmp_path: Path, capsys: Out
) -> None:
    out = tmp_path / "a.png"
    assert main(["attention", str(trained), *arguments, "--out", str(out)]) == 3
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


# ── The commands ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def calls(trained: Path, swept: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    failing = tmp_path_factory.mktemp("problem") / "failing.toml"
    text = (EXAMPLES / "parity.toml").read_text(encoding="utf-8")
    failing.write_text(text.replace("length = 4", "length = 3"), encoding="utf-8")
    rows = failing.with_name("rows.jsonl")
    measured = [row | {"digest": str(number), "code": "1"} for number, row in enumerate(made_up.language(["kjv"]))]
    rows.write_text("".join(json.dumps(row) + "\n" for row in measured), encoding="utf-8")
    return {
        "language": [str(rows), "--figure", "losses"],
        "problem": [str(EXAMPLES / "parity.toml"), "--lengths", "3..6", "--panels", "shares,coverage"],
        "runs": [str(swept), "--scores", "none"],
        "dependencies": ["copy", "--length", "30"],
        "head": [str(failing)],
        "attention": [str(trained), "--prompt", "a b >"],
    }


SLOW = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("language", "problem", "runs", "dependencies", "attention")
]


@pytest.mark.parametrize("name", ["head", *SLOW])
def test_all_files_are_written_and_the_same_again(
    name: str, calls: dict[str, list[str]], tmp_path: Path, capsys: Out
) -> None:
    files: list[dict[str, bytes]] = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        out = [word for kind in FORMATS for word in ("--out", str(tmp_path / folder / f"mine.{kind}"))]
        assert main([name, *calls[name], *out, "--columns", "1"]) == 0
        assert len(capsys.readouterr().out.split()) == len(FORMATS) + 2
        files.append({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()})
    assert files[0] == files[1]
    assert files[0].keys() == {f"mine.{kind}" for kind in (*FORMATS, "csv", "txt")}
    assert b'width="234pt"' in files[0]["mine.svg"]
    assert b"<title>" in files[0]["mine.svg"]
    assert b"/Title" in files[0]["mine.pdf"]
    text = files[0]["mine.txt"].decode()
    assert 80 < len(text) < 2500
    assert text.endswith(".\n")
    assert len(list(csv.DictReader(files[0]["mine.csv"].decode().splitlines()))) > 3


def test_lengthgen_figures_draws_them_too(calls: dict[str, list[str]], tmp_path: Path) -> None:
    from proofs_check.__main__ import figures

    out = tmp_path / "a.svg"
    assert lengthgen(["figures", "head", *calls["head"], "--out", str(out), "--width", "8.4cm"], figures=figures) == 0
    assert f'width="{8.4 / 2.54 * 72:.3f}'[:12] in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "own"),
    [
        ("attention", False), ("attention --out drawn", False), ("attention certificates", False), ("certificates", False),
        ("attention --help", True), ("attention runs/copy", True), ("attention --prompt ab run", True), ("head", True),
        ("problem --help", True), ("", False),
    ],
)  # fmt: skip
def test_attention_alone_is_the_stored_figure(arguments: str, own: bool) -> None:
    assert _is_own(arguments.split()) == own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["problem", "none.toml"], "'none.toml': No such file or directory; expected a readable file"),
        (["problem", "bad.toml"], "which is not valid TOML"),
        (["problem", "{parity}", "--panels", "shares,shars"], "got ['shares', 'shars']; expected some of "),
        (["problem", "{parity}", "--width", "1in"], "argument width: got 1.0; expected inches from 2.5 to 40"),
        (["problem", "{parity}", "--out", "a.gif"], "got 'a.gif'; expected a file named .pdf, .png, .svg"),
        (["problem", "{parity}", "--out", "none/a.png", "--lengths", "3"], "expected a file that can be written"),
        (["runs", "none.jsonl"], "none.jsonl"),
        (["runs", "bad.toml", "--scores", "firm"], "got 'firm'; expected some of hard, ranked, soft, or none"),
        (["language", "none.jsonl"], "none.jsonl"),
        (["language", "bad.toml"], "line 1 is"),
        (
            ["language", "bad.toml", "--figure", "slope"],
            "got 'slope'; expected one of sparsity, losses, damage, slopes, far",
        ),
        (["head", "bad.toml"], "which is not valid TOML"),
        (["attention", "none"], "none"),
        (["attention", "."], "which holds no checkpoint.npz"),
        (["dependencies", "coppy", "--length", "3"], "got 'coppy'"),
        (["dependencies", "copy", "--length", "3", "--form", "arcs"], "argument form: got 'arcs'"),
    ],
)
def test_the_commands_refuse(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("heads = {", encoding="utf-8")
    out = [] if "--out" in arguments else ["--out", "a.png"]
    assert main([word.format(parity=EXAMPLES / "parity.toml") for word in arguments] + out) == 3
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["problem", "--out", "a.png"],
        ["dependencies", "--length", "3", "--out", "a.png"],
        ["dependencies", "copy", "--task", "copy", "--length", "3", "--out", "a.png"],
        ["problem", "a.toml", "--out", "a.png", "--lengths", "0..3"],
        ["attention", "run", "--prompt", "a", "--length", "3", "--out", "a.png"],
    ],
)
def test_usage_that_is_none_is_refused(arguments: list[str], capsys: Out) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 3
    assert f"usage: figures {arguments[0]}" in capsys.readouterr().err


def test_rows_and_tables_hold_what_is_drawn(calls: dict[str, list[str]]) -> None:
    rows: list[Row] = problem.rows_of(small(), lengths=[1, 2])
    read = list(csv.DictReader(table(rows).splitlines()))
    assert len(read) == len(rows)
    assert json.loads(json.dumps(rows)) == rows


DRAWN: dict[str, Callable[[], Figure]] = {
    "problem": lambda: draw_problem(small(), lengths=[1, 2, 3]),
    "arrows": lambda: draw_dependencies(Copy(2), Copy(2).solve((0, 1, 2))),
    "head": lambda: draw_head(*head.failing(small(head=GUESS), 1000)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_line_can_be_seen(name: str) -> None:
    check_lines(DRAWN[name]())


def test_rows_of_language_that_were_cut_are_refused_by_name(tmp_path: Path, capsys: Out) -> None:
    (row, *_) = made_up.language(["kjv"])
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        json.dumps({name: value for name, value in row.items() if name != "steps"} | {"digest": "0", "code": "1"})
    )
    assert main(["language", str(rows), "--out", str(tmp_path / "a.png")]) == 3
    assert "language: argument rows[0]: got no steps; expected rows of language measure" in capsys.readouterr().err


def test_texts_of_one_name_are_not_drawn_as_one(tmp_path: Path, capsys: Out) -> None:
    rows = made_up.language(["kjv"])
    rows += [row | {"corpus": "texts/kjv"} for row in rows]
    made_up.write(
        tmp_path / "rows.jsonl", [row | {"digest": str(number), "code": "1"} for number, row in enumerate(rows)]
    )
    assert main(["language", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "a.png")]) == 3
    err = capsys.readouterr().err
    assert "language: argument rows: got those of ['kjv', 'texts/kjv']; expected texts of different names. Keep" in err


def test_far_context_is_drawn_of_text_with_copies_alone(tmp_path: Path, capsys: Out) -> None:
    for corpus, status in (("shakespeare+copies", 0), ("kjv", 3)):
        measured = [row | {"digest": str(number), "code": "1"} for number, row in enumerate(made_up.language([corpus]))]
        made_up.write(tmp_path / f"{corpus}.jsonl", measured)
        out = tmp_path / f"{corpus}.svg"
        assert main(["language", str(tmp_path / f"{corpus}.jsonl"), "--figure", "far", "--out", str(out)]) == status
        assert out.exists() == (status == 0)
    err = capsys.readouterr().err
    assert (
        "language far: argument rows: got none of what it draws; expected models of a corpus with copies or names, such as "
        in err
    )
    assert (
        "<title>What far context is worth, of text with copies or names</title>"
        in (tmp_path / "shakespeare+copies.svg").read_text()
    )
