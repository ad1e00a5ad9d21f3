"""`python -m figures`, the store of data behind it, and the gallery."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from figures import gallery, store
from figures.cli import main
from figures.options import width
from figures.plot import Plot, Row, encode, write
from figures.registry import PLOTS, find
from figures.style import SMALLEST, WIDTHS, Style
from idealized_model.transformer.sweeps import read_grid
from proofs_check.__main__ import figures
from proofs_check.commands.main import main as lengthgen
from theory.errors import InvalidArgument

Out = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
STORED = {name: plot for name, plot in PLOTS.items() if plot.compute and (store.DATA / f"{name}.json").exists()}
"""What is computed and there: all, but for what needs runs that are not."""


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_list_names_every_figure(capsys: Out) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PLOTS)
    assert all(plot.title in line for plot, line in zip(PLOTS.values(), lines, strict=True))
    assert len(PLOTS) >= 10


def test_the_formats_asked_for_are_written_and_said(tmp_path: Path, capsys: Out) -> None:
    assert main(["arities", "--out", str(tmp_path / "new" / "folder"), "--format", "svg", "--columns", "1"]) == 0
    expected = {f"arities.{end}" for end in ("svg", "csv", "txt")}
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == expected
    assert {Path(word).name for word in capsys.readouterr().out.split()} == expected
    assert 'width="234pt"' in (tmp_path / "new" / "folder" / "arities.svg").read_text(encoding="utf-8")  # 3.25 inches


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transfr"], "argument NAME: got 'transfr'; expected one of sparsity, "),
        (["transfr"], "Did you mean 'transfer'?"),
        (["dependences", "--task", "copy"], "expected a figure, problem, runs, language, dependencies, head, attention. Did"),
        (["problm", "a.toml"], "Did you mean 'problem'?"),
        (["arities", "zzzzz"], "See them with --list."),
        (["arities", "--format", "pdf,gif"], "argument --format: got 'gif'; expected formats among pdf, png, svg"),
        (["arities", "--style", "icm"], "argument venue: got 'icm'; expected one of icml, neurips, iclr, acl, tmlr, jmlr, "),
        (["arities", "--style", "icm"], "beamer. Did you mean 'icml'?"),
        (["arities", "--style", "nature"], "Give the width of the paper instead."),
        (["arities", "--width", "1in"], "argument width: got 1.0; expected inches from 2.5 to 40"),
        (["arities", "--width", "3km"], "argument --width: got '3km'; expected a length such as 3.25in, 8.4cm, 84mm or 234pt"),
        (["arities", "--columns", "3"], "argument columns: got 3; expected 1 or 2"),
        (["arities", "--format", "svg", "--out", "taken"], "'taken': File exists; expected a folder that can be written"),
        (["arities", "--format", "svg", "--out", "taken/inside"], "expected a folder that can be written"),
        (["arities", "--data", "none"], "none/arities.json': No such file or directory; expected stored data. Make it with: "),
        (["arities", "--data", "none"], "Make it with: python -m figures arities --rerun"),
        (["dilution", "--data", "none", "--rerun"], "expected a path that can be written"),
        (["sparsity", "--rerun"], "got sparsity; expected a figure that is computed. Its runs come from: lengthgen sweep"),
        (["sparsity", "--data", "none"], "lengthgen sweep figures/sweeps/sparse-parity.toml --results figures/data/sparse-"),
        (["--gallery", "taken/page.md"], "expected a folder that can be written"),
    ],
)  # fmt: skip
def test_the_command_refuses(
    arguments: list[str], message: str, capsys: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert main(arguments) == 3
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_has_data_is_drawn_although_other_data_is_missing(tmp_path: Path, capsys: Out) -> None:
    store.save(PLOTS["certificates"], store.load(PLOTS["certificates"]), tmp_path)
    out = tmp_path / "out"
    assert main(["sparsity", "certificates", "--data", str(tmp_path), "--out", str(out), "--format", "svg"]) == 3
    assert "sparsity is not drawn" in capsys.readouterr().err
    assert (out / "certificates.svg").exists()


def test_lengthgen_figures_is_the_same(capsys: Out) -> None:
    assert lengthgen(["figures", "--list"], figures=figures) == 0
    first = capsys.readouterr().out
    assert main(["--list"]) == 0
    assert first == capsys.readouterr().out
    assert lengthgen(["figures", "transfr"], figures=figures) == 3


def test_where_no_program_hands_them_in_the_command_says_who_draws(capsys: Out) -> None:
    assert lengthgen(["figures", "transfer"]) == 3
    assert "Draw them with python -m figures." in capsys.readouterr().err


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "rows_of", interrupted)
    assert main(["dilution"]) == 2
    assert capsys.readouterr().err == "figures: interrupted\n"


# ── The store ────────────────────────────────────────────────────────────────────────────────────────────────────────


def computed(rng: np.random.Generator) -> list[Row]:
    return [{"bits": 1, "arity": 1, "least_loss": "0", "floor": str(rng.integers(10**9))}, {"κ": None, "x": 0.1}]


def test_what_is_computed_is_stored_with_where_it_comes_from(tmp_path: Path) -> None:
    plot = replace(PLOTS["arities"], compute=computed)
    path = store.save(plot, store.compute(plot), tmp_path)
    stored = store.load(plot, tmp_path)
    assert stored.rows == store.compute(plot).rows  # the same seed, the same numbers
    other = replace(plot, name="another")
    assert store.compute(other).rows != stored.rows
    assert (stored.command, stored.version, stored.seed) == ("python -m figures arities --rerun", "0.1.0", 0)
    assert stored.seconds >= 0
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + 6 + 1 + 2 + 2  # a row a line
    assert store.rows_of(plot, tmp_path) == stored.rows


def test_rerun_computes_again_and_draws(tmp_path: Path, capsys: Out) -> None:
    old = store.load(PLOTS["dilution"])
    store.save(PLOTS["dilution"], old._replace(rows=[], version="0"), tmp_path)
    out = tmp_path / "out"
    assert main(["dilution", "--rerun", "--data", str(tmp_path), "--out", str(out), "--format", "svg"]) == 0
    assert str(tmp_path / "dilution.json") in capsys.readouterr().out
    again = store.load(PLOTS["dilution"], tmp_path)
    assert (again.rows, again.version) == (old.rows, old.version)
    assert (out / "dilution.svg").exists()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": 2}', '{"schema": 1, "figure": "transfer", "rows": []}', '{"schema": 1, "rows": [1]}'],
)
def test_malformed_data_is_refused_with_the_command_that_makes_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "arities.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"malformed .* Make it again with: python -m figures arities --rerun"):
        store.load(PLOTS["arities"], tmp_path)


@pytest.mark.parametrize("name", STORED)
def test_data_without_rows_is_refused(name: str, tmp_path: Path, capsys: Out) -> None:
    store.save(PLOTS[name], store.load(PLOTS[name])._replace(rows=[]), tmp_path)
    assert main([name, "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--format", "svg"]) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"figures: {name} is not drawn. load: argument data: got '{tmp_path / name}.json', which is ")
    assert "malformed (ValueError: no rows); expected stored data. Make it again with: python -m figures " in err


TABLE_ALONE = {
    ("transfer", "train_length"), ("transfer", "candidates_in_training"), ("transfer", "test_loss_of_rare_noise_head"),
    ("dependency-graphs", "text"), ("verdicts", "certificate"), ("language-damage", "tokens"),
}  # fmt: skip
"""What is read neither for the picture nor for its words."""


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (name, key)
        for name, plot in STORED.items()
        for key in store.load(plot).rows[0]
        if (name, key) not in TABLE_ALONE
    ],
)
def test_a_key_that_rows_lack_is_named(name: str, key: str, tmp_path: Path, capsys: Out) -> None:
    stored = store.load(PLOTS[name])
    rows: list[Row] = [{k: value for k, value in row.items() if k != key} for row in stored.rows]
    store.save(PLOTS[name], stored._replace(rows=rows), tmp_path)
    assert main([name, "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--format", "svg"]) == 3
    err = capsys.readouterr().err
    words = (
        f"'{tmp_path / name}.json', which is malformed (KeyError: '{key}'); expected stored data. Make it again with: "
    )
    assert words in err


def test_a_key_that_runs_lack_is_named(data: Path, tmp_path: Path, capsys: Out) -> None:
    first, *rest = store.load_runs("schemes", data)
    for key in ("task", "positions", "longest"):
        config = {k: value for k, value in first["config"].items() if k != key}
        lines = [json.dumps(row) for row in ({**first, "config": config}, *rest)]
        (tmp_path / "schemes.jsonl").write_text("\n".join(lines), encoding="utf-8")
        assert main(["schemes", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
        assert f"schemes.jsonl', which is malformed (KeyError: '{key}'); " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{\n", "[]\n", '{"schema": 1}\n', '{"schema": 1, "tests": [], "config": 3}\n'])
def test_malformed_runs_are_refused_with_the_command_that_makes_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "schemes.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"malformed .* lengthgen sweep figures/sweeps/schemes.toml --results"):
        store.load_runs("schemes", tmp_path)


def test_runs_with_a_byte_order_mark_are_read(data: Path, tmp_path: Path) -> None:
    (tmp_path / "schemes.jsonl").write_bytes(b"\xef\xbb\xbf" + (data / "schemes.jsonl").read_bytes())
    assert store.load_runs("schemes", tmp_path) == store.load_runs("schemes", data)
    (tmp_path / "schemes.jsonl").write_bytes((data / "schemes.jsonl").read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(InvalidArgument, match="UTF-16 text; save it as UTF-8"):
        store.load_runs("schemes", tmp_path)


def test_runs_of_something_else_are_refused(data: Path) -> None:
    runs = {name: store.load_runs(name, data) for name in ("schemes", "sparse-parity")}
    for name, other in (("sparsity", "sparse-parity"), ("schemes", "schemes"), ("attention", "sparse-parity")):
        join = PLOTS[name].join
        assert join is not None
        wrong = runs["schemes" if other == "sparse-parity" else "sparse-parity"]
        with pytest.raises(InvalidArgument, match="none "):
            join([], {other: wrong})


@pytest.mark.parametrize(("name", "file"), [("sparsity", "sparse-parity"), ("schemes", "schemes")])
def test_two_configurations_are_no_curve(name: str, file: str, data: Path) -> None:
    first, *rest = store.load_runs(file, data)
    other = {**first, "config": {**first["config"], "width": 7}}
    join = PLOTS[name].join
    assert join is not None
    with pytest.raises(InvalidArgument, match=r"runs of two configurations for .*; expected one configuration a curve"):
        join([], {file: [first, *rest, other]})


# What takes longer is computed again in a slow test.
QUICK = ("dilution", "dependency-graphs", "transfer")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in STORED],
)
def test_the_stored_data_is_what_is_computed(name: str) -> None:
    again, stored = store.compute(PLOTS[name]).rows, store.load(PLOTS[name]).rows
    assert len(again) == len(stored) > 0
    for new, old in zip(again, stored, strict=True):
        assert new.keys() == old.keys()
        for key, value in new.items():
            expected = pytest.approx(old[key], rel=1e-12) if isinstance(value, float) else old[key]
            assert value == expected


def test_the_stored_data_is_there_for_every_figure_that_is_computed_and_small() -> None:
    assert {name for name, plot in PLOTS.items() if plot.compute and not plot.needs_runs} <= STORED.keys()
    for name, plot in STORED.items():
        path = store.DATA / f"{name}.json"
        assert path.stat().st_size < 200_000
        assert store.load(plot).seconds < 100
        data = json.loads(path.read_text(encoding="utf-8"))
        assert data["command"] == f"python -m figures {name} --rerun"


# ── Styles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sizes_of_papers() -> None:
    widths = {(v, c): Style(v, c).width for v in WIDTHS for c in (1, 2)}  # type: ignore[arg-type]
    assert (widths["icml", 1], widths["icml", 2]) == (3.25, 6.75)
    assert (widths["neurips", 2], widths["jmlr", 2]) == (5.5, 6.0)
    assert (widths["iclr", 2], widths["tmlr", 2], widths["acl", 2]) == (5.5, 6.5, 6.3)
    assert all(2 * widths[venue, 1] < widths[venue, 2] for venue in WIDTHS)
    assert SMALLEST == 7
    assert [Style(width=inches).columns for inches in (2.5, 4.2, 4.3, 40)] == [1, 1, 2, 2]
    for given, inches in (
        ("3.25in", 3.25),
        ("3.25", 3.25),
        ("8.255 cm", 3.25),
        ("82.55mm", 3.25),
        ("234.8775pt", 3.25),
    ):
        assert width(given) == pytest.approx(inches)


def test_a_format_is_checked_before_anything_is_written(tmp_path: Path, rows_of: Callable[[str], list[Row]]) -> None:
    with pytest.raises(InvalidArgument, match="got 'eps'"):
        write(PLOTS["arities"], rows_of("arities"), tmp_path / "out", ["svg", "eps"], Style())
    assert not (tmp_path / "out").exists()


def test_no_names_are_all_and_doubles_are_one() -> None:
    assert [plot.name for plot in find([])] == list(PLOTS)
    assert [plot.name for plot in find(["dilution", "dilution"])] == ["dilution"]


# ── The gallery ──────────────────────────────────────────────────────────────────────────────────────────────────────


def under_way() -> list[str]:
    """The sweeps of which some runs are here, and some are not."""
    files = (ROOT / "figures" / "sweeps").glob("*.toml")
    sweeps = {
        path.stem: path for path in files if not path.stem.startswith("language")
    }  # these are protocols, no grids
    found = {name: store.DATA / f"{name}.jsonl" for name in sweeps}
    return [
        name
        for name, path in found.items()
        if path.exists() and len(path.read_text(encoding="utf-8").splitlines()) < len(read_grid(sweeps[name]))
    ]


def drawable() -> dict[str, list[Row]]:
    """The figures whose data is in the repository."""
    found = {}
    for plot in PLOTS.values():
        has_runs = not plot.compute and all((store.DATA / f"{name}.jsonl").exists() for name in plot.runs)
        if plot.name in STORED or has_runs:
            found[plot.name] = store.rows_of(plot)
    return found


def test_the_gallery_is_of_this_data() -> None:
    if under_way():
        pytest.skip(f"runs are still being added to {', '.join(under_way())}")
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    drawn = drawable()
    assert page == gallery.page(drawn), "write it again: python -m figures --gallery docs/figures.md"
    for name in drawn:
        assert f"(images/{name}.png)" in page
        assert (ROOT / "docs" / "images" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_gallery_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    few: dict[str, Plot] = {name: PLOTS[name] for name in ("schemes", "certificates")}
    monkeypatch.setattr(gallery, "PLOTS", few)
    monkeypatch.setattr(gallery, "encode", lambda figure, kind: encode(figure, kind, dpi=30))
    store.save(few["certificates"], store.load(few["certificates"]), tmp_path)
    assert main(["--gallery", str(tmp_path / "page.md"), "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().err == "figures: schemes has no data yet\n"
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.count("\n## ") == 2
    sweep = "lengthgen sweep figures/sweeps/schemes.toml --results figures/data/schemes.jsonl"
    assert f"Not drawn yet: its runs are made by `{sweep}`." in text.replace("\n", " ")
    assert few["certificates"].alt(store.load(few["certificates"]).rows)[:60] in text.replace("\n", " ")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["certificates.png"]
