"""The drawing of a dependency graph: complete, readable, without overlaps, and the same every time; its command."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from figures.cli import main
from figures.dependency_graphs import draw
from figures.style import DASHES, PALETTE, SMALLEST
from theory import InvalidArgument, dependencies
from theory.tasks import (
    Addition,
    AssociativeRecall,
    BucketSort,
    Copy,
    CycleNavigation,
    Dyck,
    EvenPairs,
    Induction,
    Instance,
    ModularArithmetic,
    Multiplication,
    Reverse,
    ScratchpadParity,
    StackManipulation,
    Step,
    Task,
    VariableAssignment,
)

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

DRAWN: list[tuple[Task, int]] = [
    (Addition(carry=True), 3),
    (Addition(), 3),
    (Addition(order="plain"), 3),
    (Addition(carry=True), 6),
    (Copy(3), 5),
    (Copy(3), 1),
    (Reverse(3), 6),
    (ScratchpadParity(), 6),
    (Multiplication(), 6),
    (Multiplication(carried=False), 5),
    (EvenPairs(), 6),
    (CycleNavigation(), 5),
    (StackManipulation(), 4),
    (Dyck(), 4),
    (BucketSort(), 3),
    (ModularArithmetic(), 4),
    (VariableAssignment(), 4),
    (AssociativeRecall(), 4),
    (Induction(), 6),
    (Induction(paired=True), 5),
]
each = pytest.mark.parametrize(("task", "length"), DRAWN, ids=[f"{task.name} {length}" for task, length in DRAWN])


def sample(task: Task, length: int) -> Instance:
    return task.sample(length, np.random.default_rng(3))


@cache
def drawing(task: Task, length: int) -> Figure:
    """The drawing of the sample, laid out."""
    figure = draw(task, sample(task, length))
    figure.canvas.draw()
    return figure


def texts(figure: Figure) -> list[Text]:
    """All that is written: the axes are off, so their tick labels are not."""
    inside = [text for axes in figure.axes for text in (axes.title, *axes.texts)]
    return inside + [text for legend in figure.legends for text in legend.get_texts()]


def extents(figure: Figure, artists: list[Text] | list[FancyBboxPatch]) -> list[Bbox]:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return [artist.get_window_extent(canvas.get_renderer()) for artist in artists]


@each
def test_every_token_and_every_edge_is_drawn_in_both_panels(task: Task, length: int) -> None:
    instance, figure = sample(task, length), drawing(task, length)
    n_edges = sum(len(step.sources) for step in instance.steps)
    for axes in figure.axes:
        boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
        arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
        assert len(boxes) == len(instance.tokens)
        assert len(arrows) == 2 * n_edges  # a line and a head
        labels = [text.get_text() for text in axes.texts]
        assert labels[: len(instance.tokens)] == [task.text((token,)) for token in instance.tokens]
    assert [axes.get_title().rsplit(" ")[-1] for axes in figure.axes] == [
        str(dependencies.spread(instance, "token", ids=ids)) for ids in (range(len(instance.tokens)), instance.ids)
    ]


@each
def test_text_is_readable_and_nothing_overlaps(task: Task, length: int) -> None:
    figure = drawing(task, length)
    assert figure.get_figwidth() == 6.75
    shown = texts(figure)
    assert all(text.get_fontsize() >= SMALLEST == 7 for text in shown)
    boxes = extents(figure, shown)
    for (one, a), (two, b) in combinations(zip(shown, boxes, strict=True), 2):
        assert not a.overlaps(b), (one, two)
    page = figure.bbox
    assert all(a.x0 >= 0 and a.y0 >= 0 and a.x1 <= page.x1 and a.y1 <= page.y1 for a in boxes)
    for axes in figure.axes:
        tokens = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
        for a, b in combinations(extents(figure, tokens), 2):
            assert not a.overlaps(b)
        for box, text in zip(extents(figure, tokens), extents(figure, axes.texts[: len(tokens)]), strict=True):
            assert box.x0 <= text.x0
            assert text.x1 <= box.x1


@each
def test_arrows_stay_on_the_page(task: Task, length: int) -> None:
    figure = drawing(task, length)
    for arrow in figure.findobj(FancyArrowPatch):
        assert isinstance(arrow, FancyArrowPatch)
        outline = arrow.get_path().transformed(arrow.get_transform()).get_extents()
        assert outline.x0 >= 0
        assert outline.y0 >= 0
        assert outline.x1 <= figure.bbox.x1
        assert outline.y1 <= figure.bbox.y1


def test_parts_differ_in_colour_and_in_dashes() -> None:
    figure = draw(Addition(), sample(Addition(), 3))
    lines = [line for line in figure.legends[0].get_lines() if line.get_label().startswith("read from")]
    assert [line.get_label() for line in lines] == ["read from a", "read from b", "read from sum"]
    assert [line.get_color() for line in lines] == list(PALETTE[:3])
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in lines}) == 3  # type: ignore[attr-defined]
    pairs = {(PALETTE[i % 6], str(DASHES[(i + i // 6) % 4])) for i in range(12)}
    assert len(pairs) == 12


def test_predicted_tokens_differ_in_shape() -> None:
    instance = sample(Copy(2), 3)
    for axes in draw(Copy(2), instance).axes:
        shapes = [type(p.get_boxstyle()).__name__ for p in axes.patches if isinstance(p, FancyBboxPatch)]
        assert [shape == "Round" for shape in shapes] == list(instance.mask)


def test_other_ids_and_an_instance_without_parts() -> None:
    instance = Instance((0, 1, 2, 0, 1), (0, 0, 0, 5, 5), (Step(3, (0, 2)), Step(4, (1,))))
    figure = draw(Copy(2), instance, ids=[3, 3, 1, 3, 2])
    assert figure.axes[1].get_title() == "by ID: sets span up to 2"
    assert [text.get_text() for text in figure.axes[1].texts[5:]] == ["1", "2", "3"]
    boxes = [patch for patch in figure.axes[1].patches if isinstance(patch, FancyBboxPatch)]
    assert not any(a.overlaps(b) for a, b in combinations(extents(figure, boxes), 2))


def test_drawing_keeps_no_global_state(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom figures.dependency_graphs import draw\nfrom theory.tasks import Copy\nimport matplotlib\n"
        "before = matplotlib.rcParams.copy()\ndraw(Copy(2), Copy(2).solve((0, 1, 2))).savefig(sys.argv[1])\n"
        "assert matplotlib.rcParams.copy() == before\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.png")], check=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw("copy", sample(Copy(2), 2)), "argument task: got the str 'copy'; expected a Task"),
        (lambda: draw(Copy(2), "aa>aa"), "argument instance: got the str 'aa>aa'; expected an Instance"),
        (lambda: draw(Copy(2), sample(Copy(2), 2), ids=[1]), "argument ids: got 1 IDs for 5 positions"),
        (lambda: draw(Copy(2), sample(Copy(2), 40)), "got 81 tokens with 41 IDs, too many to be readable"),
    ],
)
def test_messages_of_errors(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidArgument, match=message):
        call()


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_the_command_writes_a_file(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"figure{suffix}"
    assert main(["dependencies", "--task", "copy", "--length", "3", "--out", str(out)]) == 0
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--task", "coppy", "--length", "3", "--out", "a.png"],
            "figures: dependencies: argument task: got 'coppy'; ",
        ),
        (["--task", "copy", "--length", "0", "--out", "a.png"], "Copy.sample: argument length: got 0; expected an int"),
        (["--task", "copy", "--length", "90", "--form", "arrows", "--out", "a.png"], "too many to be readable"),
        (
            ["--task", "copy", "--length", "99999999999", "--out", "a.png"],
            "argument --length: got 99999999999; expected",
        ),
        (
            ["--task", "copy", "--length", "3", "--out", "a.pgf"],
            "argument --out: got 'a.pgf'; expected a file named .pdf,",
        ),
        (["--task", "copy", "--length", "3", "--out", "a.txt"], "argument --out: got 'a.txt'; expected a file named"),
        (["--task", "copy", "--length", "3", "--out", "a"], "argument --out: got 'a'; expected a file named"),
        (
            ["--task", "copy", "--length", "3", "--out", "no/such/a.png"],
            "expected a file that can be written, in an existing folder",
        ),
        (["--task", "copy", "--length", "3", "--out", "a.png", "--seed", "-1"], "argument --seed: got -1"),
    ],
)
def test_the_command_refuses(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["dependencies", *arguments]) == 3
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [["dependencies"], ["--nothing"], ["--columns", "x"], ["dependencies", "--task", "copy", "--length", "x"]],
)
def test_bad_usage_ends_with_status_three(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 3
    assert "usage: figures" in capsys.readouterr().err
