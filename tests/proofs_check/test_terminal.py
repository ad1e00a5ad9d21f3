"""Tables and signs where terminals are narrow, or know few characters: nothing is lost, and nothing looks the same."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from rich import box
from rich.cells import cell_len
from rich.console import Group
from rich.progress import TextColumn
from rich.table import Table

from figures.cli import main as draw
from lengthgen_entry import HOME, PACKAGES
from proofs_check.commands.main import main
from proofs_check.commands.sweep import by_setting
from proofs_check.report import print_table
from proofs_check.spelling import SIGNS, spelled
from proofs_check.terminal import WIDTH, Terminal, console, console_of_errors, note, show
from proofs_check.work.bars import Bars
from tests.figures import made_up

# ── Signs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def printed_signs() -> Iterator[str]:
    """What is beyond ASCII in the strings of the packages, but for the page of a report, which is UTF-8."""
    for package in PACKAGES:
        for file in (HOME / package).rglob("*.py"):
            if file.name not in ("mathml.py", "html_report.py"):
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield from (
                            char for char in node.value if not char.isascii() and char.isprintable() and char != "�"
                        )


def test_every_sign_has_a_spelling() -> None:
    signs = set(printed_signs())
    assert {"✓", "✗", "∅", "κ", "→"} <= signs
    for sign in signs:
        said = spelled(sign, "ascii")
        assert said.isascii(), sign
        assert "?" not in said, sign


def test_the_signs_of_the_verdicts_differ() -> None:
    for encoding in ("ascii", "cp1252", "latin-1", "cp437", "utf-8"):
        for one, other in combinations("✓✗∅…↑~", 2):
            assert spelled(one, encoding) != spelled(other, encoding), (one, other, encoding)
    assert len(set(SIGNS.values())) > len(SIGNS) - 5  # dashes and quotes


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("✓ from 3, ✗ flip, ∅ no head", "ascii", "yes from 3, no flip, empty no head"),
        ("κ0, Θ(n), Δ, é, x²", "ascii", "kappa0, Theta(n), Delta, e, x2"),
        ("✓ … × é", "cp1252", "yes … × é"),
        ("κ ✓", "utf-8", "κ ✓"),
        ("\udcff 世", "ascii", "? ?"),
        ("\udcff", "utf-8", "?"),
    ],
)
def test_what_an_encoding_has_stays_and_the_rest_is_in_words(text: str, encoding: str, said: str) -> None:
    assert spelled(text, encoding) == said
    said.encode(encoding)


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CELLS = [["T1", "exhausted", "k = 1..3 [quick]: ✓ incomprehensibilities", "1,234"], ["", "refuted", "κ", ""]]


def table(*, no_wrap: bool, also: bool = False, min_width: int | None = None) -> Table:
    """Two rows; the column in the middle is wrapped, unless `also` says no."""
    made = Table(title="a title", caption="a caption", box=box.SQUARE, padding=0)
    for name in ("claim", "random\nkind", "scope", "cases"):
        made.add_column(name, no_wrap=no_wrap and (also or name != "scope"), min_width=min_width)
    for row in CELLS:
        made.add_row(*(cell.replace("[", r"\[") for cell in row))
    return made


def drawn(made: Table, width: int) -> str:
    """What is printed, at this width."""
    file = io.StringIO()
    show(made, Terminal(file=file, width=width))
    assert max(len(line) for line in file.getvalue().splitlines()) <= width
    return file.getvalue()


def bare(text: str) -> str:
    """Without white space."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "how", [{"no_wrap": True}, {"no_wrap": False}, {"no_wrap": True, "also": True}, {"no_wrap": False, "min_width": 15}]
)
def test_nothing_is_lost_at_any_width(how: dict[str, Any]) -> None:
    kinds = set()
    for width in range(1, 100):
        text = drawn(table(**how), width)
        kinds.add("│" in text)
        if "│" in text:  # read column by column
            lines = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
            found = [bare("".join(column)) for column in zip(*lines, strict=True)]
            heads = ["claim", "randomkind", "scope", "cases"]
            assert found == [
                head + bare("".join(cells)) for head, cells in zip(heads, zip(*CELLS, strict=True), strict=True)
            ]
        else:
            first = f"claim: {CELLS[0][0]} random kind: {CELLS[0][1]} scope: {CELLS[0][2]} cases: {CELLS[0][3]}"
            assert bare(text) == bare(f"a title {first} random kind: refuted scope: κ a caption")
        assert "…" not in text
    assert kinds == {True, False}


def test_a_wide_table_is_a_table() -> None:
    assert "│T1" in drawn(table(no_wrap=True), 60)
    assert "│T1" not in drawn(table(no_wrap=True), 20)


def test_cells_below_each_other_are_told_apart() -> None:
    assert drawn(table(no_wrap=True), 30).splitlines() == [
        "a title", "claim: T1", "random kind: exhausted", "scope: k = 1..3 [quick]: ✓ ", "incomprehensibilities",
        "cases: 1,234", "", "random kind: refuted", "scope: κ", "", "a caption",
    ]  # fmt: skip


def test_no_word_of_a_table_is_cut() -> None:
    for width in range(22, 100):
        assert "incomprehensibilities" in drawn(table(no_wrap=False), width), width


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_note_goes_on_below_between_words(width: int) -> None:
    file = io.StringIO()
    text = (
        "✓ from n: every head that is perfect on the training length n [quick] is perfect on every longer test length."
    )
    note(text, Terminal(file=file, width=width))
    first, *rest = file.getvalue().splitlines()
    assert max(map(len, (first, *rest))) <= width
    assert all(line.startswith("   ") and line[3] != " " for line in rest)
    assert " ".join(file.getvalue().split()) == text


def test_a_short_note_is_a_line() -> None:
    file = io.StringIO()
    note("k: arity", Terminal(file=file, width=80))
    assert file.getvalue() == "k: arity\n"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_bars_keep_count_times_and_message(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with Bars(TextColumn("{task.fields[cases]} cases")) as bars:
        bars.add_task("T14", total=12, completed=7, cases=1234)
        bars.message = "copy, coupled, seed 1: 8 of 8 at 2, " + "and so on " * 20
        canvas = Terminal(file=io.StringIO(), width=width)
        with canvas.capture() as shown:
            canvas.print(Group(*bars.get_renderables()))
    lines = shown.get().splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    assert re.match(r"T14 .*7/12 (1234 cases )?\d:\d\d:\d\d -:--:--$", lines[0].rstrip())
    assert ("cases" in lines[0]) == (width > 70)
    assert lines[1].startswith("copy, coupled, seed 1: 8 of 8 at 2, ")


def test_wide_glyphs_keep_columns_in_line() -> None:
    made = Table(box=box.SQUARE, padding=0)
    made.add_column("task")
    made.add_column("k")
    for name in ("加算の逆", "ab", "e\u0301"):
        made.add_row(name, "1")
    lines = drawn(made, 40).splitlines()
    assert len({cell_len(line) for line in lines}) == 1


def test_columns_stay_in_line_where_signs_are_words() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show(table(no_wrap=True), Terminal(file=file, width=70))
    file.seek(0)
    lines = [line for line in file.read().splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    assert any("yes incomprehensibilities" in line for line in lines)
    assert "kappa" in lines[-1]


def test_a_sweep_at_20_columns_has_every_number() -> None:
    made = by_setting([*made_up.schemes()])
    lines = [*zip(*(column.cells for column in made.columns), strict=True)]
    cells = [
        f"{column.header}: {cell}" for line in lines for column, cell in zip(made.columns, line, strict=True) if cell
    ]
    assert len(cells) > 3 * len(lines) > 100
    assert bare(drawn(made, 20)) == bare("".join(cells) + str(made.caption))


# ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        ("20", 20), ("200", 200), ("", WIDTH), ("0", WIDTH), ("00", WIDTH), ("-5", WIDTH), ("²", WIDTH), ("wide", WIDTH),
        (None, WIDTH),
    ],
)  # fmt: skip
def test_the_width_is_what_columns_says(columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("LINES", columns)
    assert console().width == width


@pytest.mark.parametrize(("columns", "width"), [("20", 20), ("0", 77), ("²", 77), (None, 77)])
def test_on_a_terminal_it_is_the_terminal_s_where_columns_says_nothing(
    columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    termios = pytest.importorskip("termios")
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    leader, follower = os.openpty()
    with open(leader, "rb"), open(follower, "w", encoding="utf-8") as terminal:
        termios.tcsetwinsize(follower, (24, 77))
        monkeypatch.setattr(sys, "__stdout__", terminal)
        monkeypatch.setattr(sys, "stdout", terminal)
        assert console().width == width
        console().print("κ", highlight=False)
        assert os.read(leader, 99).decode() == "κ\r\n"


@pytest.mark.parametrize("columns", [None, "", "0", "00", "-5", "²", "wide", "9" * 5000, "20", "٢٠"])
def test_progress_is_as_wide_as_the_terminal_where_columns_says_nothing(
    columns: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((77, 24)))
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
        if columns is not None:
            monkeypatch.setenv(name, columns)
    errors = console_of_errors()
    assert errors.file is sys.stderr
    assert errors.size == ((20, 20) if columns in ("20", "٢٠") else (77, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((66, 33)))  # the terminal is resized
    assert errors.size == ((20, 20) if columns in ("20", "٢٠") else (66, 33))


ASKED = ["verdicts", "--task", "copy", "--scheme", "coupled", "--scheme", "none", "--jobs", "1"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("columns", ["20", "120"])
def test_verdicts_are_told_apart_on_every_terminal(
    encoding: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", columns)
    assert main(ASKED) == 0
    out.seek(0)
    text = out.read()
    assert "yes from 3" in text
    assert "empty no head" in text
    assert re.search(r"\nno: no\s+training\s+length\s+is\s+enough", text)
    assert "?" not in text
    assert ("coupled: yes from 3\n" in text) is (columns == "20")


def test_help_is_printed_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as ended:
        main(["coverage", "--help"])
    assert ended.value.code == 0
    out.seek(0)
    assert "kappa, kappa0, N_T" in " ".join(out.read().split())


def test_the_doctor_says_yes_and_no(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(
        "proofs_check.commands.installation.Requirement.fine", property(lambda own: own.name != "numpy")
    )
    assert main(["doctor"]) == 2
    out.seek(0)
    text = out.read()
    assert "\n  no numpy " in text
    assert "\n  yes scipy " in text


@pytest.mark.parametrize("width", [20, 40])
def test_a_report_on_a_narrow_terminal_has_every_cell(width: int) -> None:
    stored = json.loads((HOME / "docs" / "full-report.json").read_text(encoding="utf-8"))
    stored["claims"] = stored["claims"][:3]
    wide, narrow = io.StringIO(), io.StringIO()
    print_table(stored, Terminal(file=wide, width=2000), mutants=True)
    print_table(stored, Terminal(file=narrow, width=width), mutants=True)
    rows = [line.split("│")[1:-1] for line in wide.getvalue().splitlines() if line.startswith("│")]
    assert len(rows) > 20
    text = bare(narrow.getvalue())
    assert all(bare(cell) in text for row in rows for cell in row)
    assert text.endswith(bare(wide.getvalue().splitlines()[-1]))


def test_the_names_of_figures_at_20_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert draw(["--list"]) == 0
    wide = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "20")
    assert draw(["--list"]) == 0
    assert capsys.readouterr().out == wide
