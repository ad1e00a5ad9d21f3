"""The figures of natural language: their numbers come from the rows, and what is drawn is those numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from figures import gallery, planted_text, store
from figures.language import measured
from figures.language.damage import bin_name
from figures.language.far import GROUPS, PARTS
from figures.language.measured import (
    by_family,
    doublings,
    each_in_words,
    measured_rows,
    models_of,
    panels_of,
    plain,
    plain_first,
    seed_of,
    seeds_in_words,
    varied,
)
from figures.plot import Plot, Row, render, table
from figures.registry import PLOTS
from figures.style import PAGE, SHADE, Style
from idealized_model.language.damage import EVERY_K, Damage
from idealized_model.language.experiment import far_of
from tests.figures import made_up
from tests.figures.made_up import DRAWS, LENGTHS, MODELS, OF_TEXT, numbers
from tests.figures.test_figures import check_readable, lines, points
from theory import InvalidArgument

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

FIGURES: dict[str, Plot] = {name: PLOTS[f"language-{name}"] for name in OF_TEXT}
SEED = seed_of(np.random.default_rng(1))
PLAIN = ("kjv", "shakespeare")
Rows = Callable[[str], list[Row]]
Drawn = Callable[..., Figure]

LANGUAGE = made_up.language()


def of(corpus: str, model: str, length: int) -> tuple[list[Row], list[Row]]:
    """The rows of the meter and of the seeds of a model."""
    own = [row for row in LANGUAGE if row["corpus"] == corpus]
    return [r for r in own if r["model"] == "meter"], [r for r in own if (r["model"], r["length"]) == (model, length)]


def whole(corpus: str, model: str, length: int) -> Damage:
    """What is lost, put together by hand."""
    meter, own = of(corpus, model, length)
    together = {
        name: [value for row in meter for value in row[name]] for name in ("block", "entropy", "kl_at_one")
    }  # fmt: skip
    k, recency = ([value for row in meter for value in row[name][0]] for name in ("k", "recency_k"))
    before, after = (np.array([row[name] for row in own]) for name in ("before", "after"))
    return Damage(
        np.array(together["block"]), np.array(k), np.array(recency), np.array(together["entropy"]),
        np.array(together["kl_at_one"]), before, after,
    )  # fmt: skip


def ends(container: ErrorbarContainer) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Both ends of its bars."""
    (bars,) = container.lines[2]
    return [((a, b), (c, d)) for (a, b), (c, d) in np.asarray(bars.get_segments()).tolist()]


def errorbars(axes: Axes) -> list[ErrorbarContainer]:
    return [one for one in axes.containers if isinstance(one, ErrorbarContainer)]


# ── The numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_divergences_are_means_over_tokens_and_shares_count_them(rows_of: Rows) -> None:
    meter, _ = of("kjv", "pose", 8)
    own = [row for row in rows_of("language-sparsity") if row["corpus"] == "kjv"]
    assert [row["size"] for row in own] == meter[0]["sizes"]
    for i, row in enumerate(own):
        for path in ("forward", "removal", "recency"):
            first, second = (one["mean_kl"][path][i] for one in meter)
            assert row[path] == pytest.approx((64 * first + 56 * second) / 120, abs=1e-6)
        for what in ("k", "recency_k"):
            values = [value for one in meter for value in one[what][0]]
            assert row[what] == pytest.approx(sum(value <= row["size"] for value in values) / 120, abs=1e-4)
        assert (row["tokens"], row["epsilon"]) == (120, 0.05)
    variants = ["shakespeare+blocks", "shakespeare+copies", "shakespeare+shuffled"]
    assert list(dict.fromkeys(row["corpus"] for row in rows_of("language-sparsity"))) == [*PLAIN, *variants]


def test_losses_are_those_of_the_rows(rows_of: Rows) -> None:
    assert len(rows_of("language-losses")) == 2 * (4 * 4 + 1) * 6
    for row in rows_of("language-losses"):
        _, own = of(row["corpus"], row["model"], row["length"])
        seeds = [one["by_context"][one["contexts"].index(row["context"])] for one in own]
        assert (row["lowest"], row["highest"]) == pytest.approx((min(seeds), max(seeds)), abs=1e-4)
        assert (row["loss"], row["seeds"]) == (pytest.approx(np.mean(seeds), abs=1e-4), 2)


def test_damage_is_that_of_the_tokens_together(rows_of: Rows) -> None:
    rows = rows_of("language-damage")
    assert {row["corpus"] for row in rows} == set(PLAIN)
    found = whole("shakespeare", "pose", 8)
    expected, raw = found.means(draws=DRAWS, seed=SEED), found.means(adjusted=False, draws=1)
    own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == ("shakespeare", "pose", 8)]
    assert [(row["least"], row["most"], row["tokens"]) for row in own] == [one[:3] for one in expected]
    for row, one, unadjusted in zip(own, expected, raw, strict=True):
        assert (row["value"], row["low"], row["high"]) == pytest.approx(one[3:], abs=1e-4)
        assert row["raw"] == pytest.approx(unadjusted.value, abs=1e-4)


def test_slopes_are_those_of_the_tokens_together_and_none_where_k_hardly_varies(rows_of: Rows) -> None:
    rows = rows_of("language-slopes")
    assert {(row["corpus"], row["model"], row["length"]) for row in rows} == {
        (corpus, model, length)
        for corpus, models in made_up.CORPORA.items()
        for model, lengths in models.items()
        for length in lengths
        if "shuffled" not in corpus
    }
    for row in rows[::9]:
        found = whole(row["corpus"], row["model"], row["length"])
        slope, permuted = found.slope(draws=DRAWS, seed=SEED), found.permuted(draws=DRAWS, seed=SEED)
        expected = [slope.value, slope.low, slope.high, min(slope.seeds), max(slope.seeds), permuted.spread]
        names = ("slope", "low", "high", "lowest", "highest", "spread")
        assert [row[name] for name in names] == pytest.approx(expected, abs=1e-4)
        assert row["raw"] == pytest.approx(found.slope(adjusted=False, draws=1).value, abs=1e-4)
        assert (row["tokens"], row["seeds"]) == (120, 2)


@pytest.mark.parametrize(("others", "slope"), [(6, False), (7, True)])
def test_a_slope_needs_a_twentieth_of_the_tokens_with_another_k(others: int, slope: bool) -> None:
    rows = [
        row | ({"k": [[1] * len(row["k"][0])]} if row["model"] == "meter" else {}) for row in made_up.language(["kjv"])
    ]
    rows[0]["k"] = [[2] * others + [1] * (64 - others)]
    if slope:
        assert len(numbers("slopes", rows)) == 16
    else:
        with pytest.raises(InvalidArgument, match="on text where k varies"):
            numbers("slopes", rows)


def test_far_context_is_that_of_far_of(rows_of: Rows) -> None:
    rows = rows_of("language-far")
    assert [(row["corpus"], row["model"], row["length"], row["group"]) for row in rows] == [
        ("shakespeare+copies", model, length, group)
        for model in ("pose", "rope") for length in (8, 32) for group in ("far", "other")
    ]  # fmt: skip
    for row in rows:
        found = far_of(LANGUAGE, row["corpus"], row["model"], row["length"])[row["group"]]
        for part, one in zip(PARTS, found, strict=True):
            (mean,) = one.means(EVERY_K, adjusted=False, draws=DRAWS, seed=SEED)
            assert [row[name] for name in (part, f"{part}_low", f"{part}_high")] == pytest.approx(mean[3:], abs=1e-4)
            assert row[part] == pytest.approx(one.values.mean(), abs=1e-4)
        assert (row["tokens"], row["seeds"]) == (40 if row["group"] == "far" else 80, 2)
        assert (row["lost"] > 0.8) == (row["group"] == "far")


def test_few_copied_tokens_say_nothing() -> None:
    rows = made_up.language(["shakespeare+copies"])
    for row in rows:
        if row["model"] == "meter":
            row["distance"] = [100] * 3 + [0] * (len(row["block"]) - 3)
    found = numbers("far", rows)
    assert {row["group"] for row in found} == {"other"}
    assert "tokens told from far" not in FIGURES["far"].alt(found)
    assert len(render(FIGURES["far"], found).axes) == 1


def test_damage_of_tokens_that_all_need_one_has_one_bin() -> None:
    rows = [
        row | ({"k": [[1] * len(own) for own in row["k"]]} if row["model"] == "meter" else {})
        for row in made_up.language(["kjv"])
    ]
    found = numbers("damage", rows)
    assert {(row["least"], row["most"]) for row in found} == {(1, 1)}
    assert " (1 and 1)" in FIGURES["damage"].alt(found)
    FIGURES["damage"].draw(found, Style(columns=2))


def test_a_model_that_was_trained_at_the_window_has_no_damage() -> None:
    rows = [row for row in made_up.language(["kjv"]) if row["model"] != "alibi" or row["length"] == 8]
    rows = [row | {"length": made_up.WINDOW} if row["model"] == "alibi" else row for row in rows]
    for found in (numbers("slopes", rows), numbers("damage", rows)):
        assert {row["model"] for row in found} == {"pose", "rope", "none"}
    assert {row["model"] for row in numbers("losses", rows)} == {"long", *MODELS}


LACKING: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "sparsity": ("rows of a meter", lambda row: row["model"] != "meter"),
    "losses": ("rows of judged models", lambda row: row["model"] == "meter"),
    "damage": ("models judged at more than their training length", lambda row: row["model"] in ("meter", "long")),
    "slopes": ("models judged at more than their training length", lambda row: row["model"] in ("meter", "long")),
    "far": ("a corpus with copies or names, such as shakespeare+names", lambda row: "copies" not in row["corpus"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_rows_without_what_a_figure_draws_are_refused(name: str) -> None:
    expected, has = LACKING[name]
    with pytest.raises(
        InvalidArgument, match=f"^language {name}: argument rows: got none .* expected .*{re.escape(expected)}"
    ):
        numbers(name, [row for row in made_up.language() if has(row)])


def test_far_context_is_held_against_the_meter_where_no_model_was_trained_at_the_window() -> None:
    rows = made_up.language(["shakespeare+copies"])
    found, beside = (numbers("far", own) for own in (rows, [row for row in rows if row["model"] != "long"]))
    meter = np.concatenate([row["full"] for row in rows if row["model"] == "meter"]).mean()
    for row, own in zip(found, beside, strict=True):
        assert row["regained"] == own["regained"]
        assert row["lost"] != own["lost"]
    own = [row for row in beside if (row["model"], row["length"]) == ("pose", 8)]
    lost = sum(row["lost"] * row["tokens"] for row in own) / sum(row["tokens"] for row in own)
    before = np.mean([row["before"] for row in rows if (row["model"], row["length"]) == ("pose", 8)])
    assert lost == pytest.approx(before - meter, abs=1e-3)


def test_rows_of_all_protocols_are_read(tmp_path: Path) -> None:
    first, second, *_ = made_up.language(["kjv"])
    made_up.write(tmp_path / "language.jsonl", [first])
    made_up.write(tmp_path / "language-controls.jsonl", [second])
    assert measured_rows(folder=tmp_path) == [first, second]
    assert measured_rows(["language-controls"], tmp_path) == [second]
    with pytest.raises(InvalidArgument, match="lengthgen language measure makes them"):
        measured_rows(["language-copies"], tmp_path)


def test_the_gallery_computes_them_from_the_stored_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One figure is enough: they differ in their numbers alone."""
    rows = made_up.language(["shakespeare+copies"])
    monkeypatch.setattr(measured, "measured_rows", {store.TEXT: rows}.__getitem__)
    plot = FIGURES["sparsity"]
    stored = store.compute(plot)
    assert stored.rows == numbers("sparsity", rows)
    assert len(stored.rows) == 23
    store.save(plot, stored, tmp_path)
    assert store.rows_of(plot, tmp_path) == stored.rows
    plain, copies = ("language",), ("language-copies", "language-names")
    runs = {"sparsity": store.TEXT, "losses": plain, "damage": plain, "slopes": store.TEXT, "far": copies}
    for name, one in FIGURES.items():
        assert (one.runs, one.needs_runs) == (runs[name], True)
        assert isinstance(one.compute, partial)
        assert one.compute.args == (OF_TEXT[name][0].numbers, runs[name])


def test_the_gallery_says_how_they_are_made(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_of: Rows
) -> None:
    monkeypatch.setattr(gallery, "PLOTS", {"language-far": FIGURES["far"]})
    commands = []
    for name in ("language-copies", "language-names"):
        protocol, rows = f"figures/sweeps/{name}.toml --runs runs/language", f"figures/data/{name}.jsonl"
        commands.append(f"`lengthgen language train {protocol} && lengthgen language measure {protocol} --rows {rows}`")
    command = ", ".join(commands)
    again = "`python -m figures language-far --rerun`"
    page = gallery.page({}).replace("\n", " ")
    assert f"Not drawn yet: its runs are made by {command}; from them {again} computes its data. " in page
    shutil.copy(data / "language-far.json", tmp_path)
    took = f"Drawn by `python -m figures language-far`; its data took 1 CPU seconds: {again}"
    assert gallery.page({"language-far": rows_of("language-far")}, tmp_path).replace("\n", " ").endswith(f"{took}. ")
    for name in ("language-copies", "language-names"):
        made_up.write(tmp_path / f"{name}.jsonl", [])
    page = gallery.page({"language-far": rows_of("language-far")}, tmp_path).replace("\n", " ")
    assert page.endswith(f"{took}; its runs are made by {command}. ")
    assert FIGURES["far"].alt(rows_of("language-far")) in page


def test_their_data_are_small(data: Path) -> None:
    """With as many corpora, models and sizes as in the protocols."""
    sizes = [path.stat().st_size for path in data.glob("language-*.json")]
    assert len(sizes) == 5
    assert sum(sizes) < 100_000


def test_protocols_have_files_of_their_names() -> None:
    protocols = {path.stem for path in (Path(store.__file__).parent / "sweeps").glob("language*.toml")}
    assert {name for name in protocols if "-meter-" not in name} == set(store.TEXT)  # other meters are in no figure


def test_corpora_and_models_in_their_order() -> None:
    assert plain_first(["b+names", "b", "a+blocks", "b"]) == ["b", "a+blocks", "b+names"]
    assert plain(["b", "a+blocks", "a", "b"]) == ["a", "b"]
    assert plain(["a+shuffled", "a+blocks"]) == ["a+blocks", "a+shuffled"]
    assert plain(["c++.txt", "c++.txt+names", "a"]) == ["a", "c++.txt"]
    assert [varied(one) for one in ("a", "c++.txt", "c++.txt+names")] == [
        ("a", ""), ("c++.txt", ""), ("c++.txt", "names")
    ]  # fmt: skip
    assert by_family(["mine", "none", "pose", "none"]) == ["pose", "none", "mine"]
    rows = [{"model": model, "length": length} for length in (32, 8, 32) for model in ("rope", "mine", "pose")]
    assert models_of(rows) == [("pose", 8), ("pose", 32), ("rope", 8), ("rope", 32), ("mine", 8), ("mine", 32)]


def test_what_is_said_of_models() -> None:
    rows = [
        {"corpus": corpus, "model": model, "length": length, "seeds": 1}
        for corpus in ("b", "a+names", "a") for length in (32, 8) for model in ("rope", "pose")
    ]  # fmt: skip
    said = each_in_words(rows, lambda own: f"{len(own)} of {own[0]['corpus']}", lambda own: f" ({len(own)})")
    assert said == (
        "a (4): PoSE at 8 1 of a, at 32 1 of a; RoPE at 8 1 of a, at 32 1 of a. "
        "b (4): PoSE at 8 1 of b, at 32 1 of b; RoPE at 8 1 of b, at 32 1 of b. "
        "a+names (4): PoSE at 8 1 of a+names, at 32 1 of a+names; RoPE at 8 1 of a+names, at 32 1 of a+names"
    )
    assert seeds_in_words(rows) == "1 seed"
    assert seeds_in_words([{"seeds": 3}, {"seeds": 1}]) == "1 or 3 seeds"


def test_bins_by_their_names() -> None:
    assert [bin_name(1, 1), bin_name(5, 6), bin_name(9, 10**9)] == ["1", "5–6", ">8"]


def test_planted_text_by_counting() -> None:
    rows = planted_text.join([], {"planted": made_up.planted()})
    found = {(row["question"], row["search"]): row for row in rows if row["kind"] == "found"}
    own = found["sum of two", "best"]
    assert (own["needed"], own["examples"], own["exact"], own["lowest"], own["middle"], own["highest"]) == (
        3,
        4,
        0.5,
        3,
        3,
        6,
    )
    assert found["one bit", "recency"]["middle"] == 20
    assert len(found) == 3 * 4
    damage = [row for row in rows if row["kind"] == "damage"]
    assert damage[0]["damage"] == pytest.approx(1.1 * 1.5 / 16, abs=1e-5)
    ends = 1.1 / 16 / np.log(2), 2.2 / 16 / np.log(2)
    assert (damage[0]["lowest"], damage[0]["highest"]) == pytest.approx(ends, abs=1e-4)
    counts = [(row["held"], row["larger"], row["smaller"]) for row in rows if row["kind"] == "contrast"]
    assert counts == [("one bit of each", 6, 0), ("four bits in all", 6, 0), ("one token", 5, 0)]
    text = planted_text.alt(rows)
    assert "found exactly: nothing 1.00, one bit 1.00, sum of two 0.50. " in text
    for held, larger, share in (  # tokens + bits / 10, times (1 + seed) / 16, of log 2
        ("One bit of each", 6, "+0.15, +0.28, +0.55"),
        ("Four bits in all", 6, "+0.19, +0.30, +0.55"),
        ("One token", 5, "+0.15, +0.16, +0.19"),
    ):
        assert (
            f"{held}, larger at 4 than at 1 in {larger} of 6 runs, smaller in 0: RoPE at 16 {share}; RoPE at 64" in text
        )
    for part in ([row for row in made_up.planted() if row["kind"] == kind] for kind in ("meter", "judged")):
        with pytest.raises(InvalidArgument, match="lengthgen language planted makes them"):
            planted_text.join([], {"planted": part})


# ── The pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("columns", "left", "below"), [(2, {0, 3}, {2, 3, 4}), (1, {0, 2, 4}, {3, 4})])
def test_panels_are_named_at_the_left_and_below(columns: Literal[1, 2], left: set[int], below: set[int]) -> None:
    _, panels = panels_of(list("abcde"), Style(columns=columns), across=3, narrow=2, height=1, x="x", y="y")
    assert [axes.get_title() for axes in panels] == list("abcde")
    for axis, name, expected in (("yaxis", "labelleft", left), ("xaxis", "labelbottom", below)):
        numbered = {i for i, axes in enumerate(panels) if getattr(axes, axis).get_tick_params()[name]}
        named = {i for i, axes in enumerate(panels) if getattr(axes, axis).label.get_text() == axis[0]}
        assert numbered == named == expected


@pytest.mark.parametrize(
    ("sizes", "ticks"), [([1, 2, 256], [1, 4, 16, 64, 256]), ([8, 64, 255], [16, 64]), ([4, 16], [4, 16])]
)
def test_axes_of_sizes_are_numbered_by_powers_of_four(sizes: list[int], ticks: list[int]) -> None:
    axes = Figure().subplots()
    doublings(axes, sizes)
    assert (axes.get_xticks().tolist(), axes.get_xscale()) == (ticks, "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(tick) for tick in ticks]
    assert axes.get_xticks(minor=True).size == 0


def test_sparsity_draws_its_rows(rows_of: Rows, drawn: Drawn) -> None:
    figure = drawn("language-sparsity")
    for axes, shares, corpus in zip(figure.axes[::2], figure.axes[1::2], PLAIN, strict=True):
        own = [row for row in rows_of("language-sparsity") if row["corpus"] == corpus]
        for path in ("forward", "removal", "recency"):
            assert lines(axes, path) == [[(row["size"], max(row[path], 1e-4)) for row in own]]
        for what in ("k", "recency_k"):
            assert lines(shares, what) == [[(1, 0.0), *((row["size"], row[what]) for row in own)]]
    variants = [f"shakespeare+{variant}" for variant in ("blocks", "copies", "shuffled")]
    for variant in variants:
        own = [row for row in rows_of("language-sparsity") if row["corpus"] == variant]
        assert lines(figure.axes[3], variant) == [[(1, 0.0), *((row["size"], row["k"]) for row in own)]]
        assert lines(figure.axes[1], variant) == []
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[4:] == ["blocks, any tokens", "copies, any tokens", "shuffled, any tokens"]
    curves = {line.get_gid(): line for line in figure.axes[3].lines}
    kinds = {(str(curves[name].get_linestyle()), curves[name].get_marker()) for name in ("k", "recency_k", *variants)}
    assert len(kinds) == 5  # told apart without colour


@pytest.mark.parametrize(("name", "x"), [("losses", "context"), ("damage", "least")])
def test_curves_have_their_rows(name: str, x: str, rows_of: Rows, drawn: Drawn) -> None:
    rows = rows_of(f"language-{name}")
    panels = [(corpus, model) for corpus in PLAIN for model in MODELS]
    value, low, high = ("loss", "lowest", "highest") if name == "losses" else ("value", "low", "high")
    for axes, (corpus, model) in zip(drawn(f"language-{name}").axes, panels, strict=True):
        assert axes.get_title().startswith(f"{corpus},\n")
        for container, length in zip(errorbars(axes), LENGTHS, strict=True):
            own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == (corpus, model, length)]
            assert [y for _, y in points(container.lines[0])] == [row[value] for row in own]
            assert np.array([(below, above) for (_, below), (_, above) in ends(container)]) == pytest.approx(
                np.array([(min(row[low], row[value]), max(row[high], row[value])) for row in own])
            )
            if name == "losses":
                long = [
                    (row["context"], row["loss"]) for row in rows if (row["corpus"], row["model"]) == (corpus, "long")
                ]
                assert lines(axes, "long") == [long]
                assert [at for at, _ in points(container.lines[0])] == [row[x] for row in own]
            else:
                bins = sorted({row["least"] for row in rows})
                at = [bins.index(row["least"]) for row in own]
                assert all(abs(a - b) < 0.25 for a, (b, _) in zip(at, points(container.lines[0]), strict=True))
        if name == "damage":
            raw = [row["raw"] for row in rows if (row["corpus"], row["model"]) == (corpus, model)]
            assert [y for line in lines(axes, "raw") for _, y in line] == raw


def test_every_model_of_the_longest_context_is_drawn_beside_all(rows_of: Rows) -> None:
    """Each a curve of its own, also beside the shorter ones of its name; where there are no others, they are as others are."""
    rows = [row for row in rows_of("language-losses") if row["corpus"] == "kjv"]
    long = [row for row in rows if row["model"] == "long"]
    figure = render(FIGURES["losses"], [*rows, *({**row, "model": "alibi", "loss": row["loss"] + 1} for row in long)])
    own = [(row["context"], row["loss"]) for row in long]
    for axes in figure.axes:
        assert [sorted(line) for line in lines(axes, "long")] == [[(x, y + 1) for x, y in own], own]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[4:] == [f"ALiBi, RoPE, trained at {made_up.WINDOW}"]
    alone = render(FIGURES["losses"], long)
    assert (lines(alone.axes[0], "long"), points(errorbars(alone.axes[0])[0].lines[0])) == ([], own)
    assert [text.get_text() for text in alone.legends[0].get_texts()] == [f"trained at {made_up.WINDOW}"]


def test_planted_text_draws_its_rows() -> None:
    rows = planted_text.join([], {"planted": made_up.planted()})
    left, *others = render(planted_text.PLOT, rows, Style()).axes
    drawn = [one.lines for axes in (left, *others) for one in axes.containers]  # type: ignore[attr-defined]
    curves = [[y for _, y in points(line)] for line, *_ in drawn]
    bars = [[tuple(y for _, y in ends) for ends in own[2][0].get_segments()] for own in drawn]
    expected = [
        [row for row in rows if row["kind"] == "found" and row["search"] == search] for search in ("best", "recency")
    ]
    assert curves[:2] == [[row["middle"] for row in own] for own in expected]
    assert bars[:2] == [[(row["lowest"], row["highest"]) for row in own] for own in expected]
    assert [y for line in lines(left, "needed")[:3] for _, y in line] == [1, 1, 2, 2, 3, 3]
    damage = {(row["encoding"], row["kept"], tuple(row["bits"])): row for row in rows if row["kind"] == "damage"}
    panels = [((1,), (1, 1), (1, 1, 1, 1)), ((4,), (2, 2), (1, 1, 1, 1)), ((1,), (2,), (4,))]
    kinds = (("rope", 16), ("rope", 64), ("none", 32))
    expected = [[damage[(*kind, bits)] for bits in panel] for panel in panels for kind in kinds]
    assert curves[2:] == [[row["share"] for row in own] for own in expected]
    ticks = [[label.get_text() for label in axes.get_xticklabels()] for axes in others]
    assert ticks == [["1", "2", "4"]] * 3
    assert [axes.get_xlabel() for axes in others] == ["tokens", "tokens", "bits of it"]
    assert len({axes.get_ylim() for axes in others}) == 1
    assert np.array(bars[2:]) == pytest.approx(
        np.array([[(r["lowest"], r["highest"]) for r in own] for own in expected])
    )


@pytest.mark.parametrize("columns", [2, 1])
def test_slopes_draws_its_rows(columns: Literal[1, 2], rows_of: Rows, drawn: Drawn) -> None:
    """Panels of variants have the lines of their models alone, those side by side the same ones."""
    every = [(model, length) for model in MODELS for length in LENGTHS]
    pose, copies = [("pose", 8), ("pose", 32)], [("pose", 8), ("pose", 32), ("rope", 8), ("rope", 32)]
    corpora = {
        "kjv": every, "shakespeare": every, "shakespeare+blocks": copies if columns == 2 else pose,
        "shakespeare+copies": copies,
    }  # fmt: skip
    kinds = {"slope": ("slope",), "raw": ("raw",), "interval": ("low", "high"), "seeds": ("lowest", "highest")}
    figure = drawn("language-slopes", Style(columns=columns))
    for axes, (corpus, models) in zip(figure.axes, corpora.items(), strict=True):
        own = [row for row in rows_of("language-slopes") if row["corpus"] == corpus]
        at = {model: i for i, model in enumerate(models)}
        assert axes.get_title() == corpus
        for gid, names in kinds.items():
            assert lines(axes, gid) == [[(row[name], at[row["model"], row["length"]]) for name in names] for row in own]
        assert lines(axes, "permuted") == [
            [(sign * 2 * row["spread"], at[row["model"], row["length"]]) for sign in (-1, 1)] for row in own
        ]
        assert axes.get_ylim() == (len(models) - 0.5, -0.5)
    labels = [label.get_text() for label in figure.axes[-1 if columns == 1 else 2].get_yticklabels()]
    assert labels == ["PoSE, 8", "PoSE, 32", "RoPE, 8", "RoPE, 32"]
    first, last = (figure.axes[i].get_window_extent().height for i in (0, -1))
    assert 3 < first / last < 5  # 16 lines, and 4


@pytest.mark.parametrize("columns", [2, 1])
def test_far_draws_its_rows(columns: Literal[1, 2], rows_of: Rows, drawn: Drawn) -> None:
    models = {("pose", 8): 0, ("pose", 32): 1, ("rope", 8): 2, ("rope", 32): 3}
    figure = drawn("language-far", Style(columns=columns))
    for axes, group in zip(figure.axes, ("far", "other"), strict=True):
        assert axes.get_title() == f"shakespeare+copies,\n{GROUPS[group]}"
        own = [row for row in rows_of("language-far") if row["group"] == group]
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        expected = [(row[part], models[row["model"], row["length"]], part) for part in PARTS for row in own]
        for bar, (value, place, part) in zip(bars, expected, strict=True):
            assert bar.get_width() == value
            middle = bar.get_y() + bar.get_height() / 2 - place
            assert 0.1 < (middle if part == "regained" else -middle) < 0.3
            assert (to_hex(bar.get_facecolor()) == SHADE) == (part == "lost")
        for container, part in zip(errorbars(axes), PARTS, strict=True):
            whiskers = [(low, high) for (low, _), (high, _) in ends(container)]
            assert np.array(whiskers) == pytest.approx(
                np.array([(row[f"{part}_low"], row[f"{part}_high"]) for row in own])
            )
            places = np.array([models[row["model"], row["length"]] for row in own]) + (
                0.19 if part == "regained" else -0.19
            )
            assert [y for (_, y), _ in ends(container)] == pytest.approx(places)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["lost by the short context", "regained with the whole window"]


@pytest.mark.parametrize("columns", [2, 1])
def test_panels_of_far_context_have_the_models_of_their_text(columns: Literal[1, 2], rows_of: Rows) -> None:
    rows = rows_of("language-far")
    names = [{**row, "corpus": "shakespeare+names", "length": 64} for row in rows if row["length"] == 8]
    figure = render(FIGURES["far"], [*rows, *names], Style(columns=columns))
    labels = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    copies = ["PoSE, 8", "PoSE, 32", "RoPE, 8", "RoPE, 32"]
    assert labels[::2] == [copies, ["PoSE, 64", "RoPE, 64"]]
    assert [len(axes.patches) for axes in figure.axes] == [8, 8, 4, 4]
    assert [axes.get_ylim()[0] for axes in figure.axes] == [3.5, 3.5, 1.5, 1.5]


BIG = [pytest.param(name, marks=pytest.mark.slow) for name in ("sparsity", "losses", "damage")]


@pytest.mark.parametrize("name", ["slopes", "far", *BIG])
def test_a_column_of_a_page_has_room(name: str, drawn: Drawn) -> None:
    style = Style(columns=1)
    figure = drawn(f"language-{name}", style)
    check_readable(figure, style)
    assert figure.get_figheight() <= PAGE


@pytest.mark.parametrize("name", FIGURES)
def test_their_words_say_the_numbers(name: str, rows_of: Rows) -> None:
    rows, alt = rows_of(f"language-{name}"), FIGURES[name].alt
    assert 100 < len(alt(rows)) < 2000
    assert alt(rows).endswith(".")
    assert table(rows).count("\n") == 1 + len(rows)
    keys = {
        "sparsity": ("forward", "recency", "size"), "losses": ("loss", "seeds"), "damage": ("value", "seeds"),
        "slopes": ("slope", "low", "high", "tokens", "seeds"), "far": ("lost", "regained_low", "tokens", "seeds"),
    }[name]  # fmt: skip
    for key in keys:
        assert alt([{**row, key: -3} for row in rows]) != alt(rows)


def test_words_of_slopes_take_no_share_of_permutations_for_evidence(rows_of: Rows) -> None:
    alt = FIGURES["slopes"].alt(rows_of("language-slopes"))
    assert "to lie beyond them is no evidence" in alt
    assert "%" not in alt.replace("95% intervals", "")
    own = [row for row in rows_of("language-slopes") if row["corpus"] == "shakespeare+copies"]
    above = sum(row["low"] > 0 for row in own)
    assert f"the interval is above 0 for {above} and below 0 for 0 of 4 models" in alt


def test_words_of_sparsity_say_medians(rows_of: Rows) -> None:
    alt = FIGURES["sparsity"].alt(rows_of("language-sparsity"))
    for corpus in ("kjv", "shakespeare+copies"):
        meter, _ = of(corpus, "pose", 8)
        best, last = (sorted(value for row in meter for value in row[what][0]) for what in ("k", "recency_k"))
        assert (
            f"{corpus} (120 tokens): median {best[59]} within 0.05 nats, of the last ones {last[59]}; with 4 tokens "
            in alt
        )
    (four,) = (row for row in rows_of("language-sparsity") if (row["corpus"], row["size"]) == ("kjv", 4))
    assert (
        f"divergence is {min(four['forward'], four['removal']):.3f}, with the last 4 {four['recency']:.3f}. shakes"
        in alt
    )


def test_words_of_losses_are_of_the_longest_context_of_each(rows_of: Rows) -> None:
    rows = [
        r for r in rows_of("language-losses") if r["corpus"] == "shakespeare" or max(r["context"], r["length"]) <= 64
    ]
    last = {row["corpus"]: row["loss"] for row in rows if (row["model"], row["length"]) == ("pose", 8)}
    (first,) = (
        row["loss"]
        for row in rows
        if (row["corpus"], row["model"], row["length"], row["context"]) == ("kjv", "pose", 8, 8)
    )
    alt = FIGURES["losses"].alt(rows)
    assert f"with the longest one, of 256 at most: kjv: PoSE at 8 {first:.2f} and {last['kjv']:.2f}, at 16 " in alt
    assert f" and {last['shakespeare']:.2f}, at 16 " in alt


def test_words_of_far_context(rows_of: Rows) -> None:
    rows = rows_of("language-far")
    alt = FIGURES["far"].alt(rows)
    first = rows[0]
    numbers = [
        f"{first[part]:+.2f} [{first[f'{part}_low']:+.2f}, {first[f'{part}_high']:+.2f}]" for part in PARTS
    ]  # fmt: skip
    assert f"Of tokens told from far (40), shakespeare+copies: PoSE at 8 {' and '.join(numbers)}, at 32 " in alt
    assert "Of other tokens (80), shakespeare+copies: PoSE at 8 " in alt
    fewer = [{**row, "tokens": 70} if row["length"] == 8 and row["group"] == "other" else row for row in rows]
    assert "Of other tokens (70 to 80), " in FIGURES["far"].alt(fewer)


STORED = [name for name, plot in FIGURES.items() if (store.DATA / f"{plot.name}.json").exists()]


@pytest.mark.parametrize("columns", [2, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", STORED)
def test_what_is_stored_is_readable_too(name: str, columns: Literal[1, 2]) -> None:
    rows, style = store.rows_of(FIGURES[name]), Style(columns=columns)
    figure = render(FIGURES[name], rows, style)
    check_readable(figure, style)
    assert figure.get_figheight() <= PAGE
    assert 100 < len(FIGURES[name].alt(rows)) < 2000
