"""The figures of natural language: their numbers come from the rows, and what is drawn is those numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from figures import planted_text
from figures.language import PLOTS, bin_name, damage, losses, measured_rows, plain, slopes, sparsity
from figures.plot import Row, render, table
from figures.style import PAGE, Style
from idealized_model.language.damage import Damage
from tests.figures import made_up
from tests.figures.test_figures import check_readable, lines, points
from theory import InvalidArgument

from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

FIGURES = {plot.name.removeprefix("language-"): plot for plot in PLOTS}
DRAWS = 20


@cache
def rows_of(name: str) -> list[Row]:
    measured = made_up.language()
    made = {
        "sparsity": lambda: sparsity(measured), "losses": lambda: losses(measured),
        "damage": lambda: damage(measured, seed=1, draws=DRAWS), "slopes": lambda: slopes(measured, seed=1, draws=DRAWS),
    }  # fmt: skip
    return made[name]()


@cache
def drawn(name: str, style: Style = Style()) -> Figure:  # noqa: B008
    return render(FIGURES[name], rows_of(name), style)


def of(corpus: str, model: str, length: int) -> tuple[list[Row], list[Row]]:
    """The rows of the meter and of the seeds of a model."""
    own = [row for row in made_up.language() if row["corpus"] == corpus]
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


# ── The numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_divergences_are_means_over_tokens_and_shares_count_them() -> None:
    meter, _ = of("kjv", "pose", 8)
    for path in ("forward", "removal", "recency"):
        own = [row for row in rows_of("sparsity") if (row["corpus"], row["what"]) == ("kjv", path)]
        assert [row["size"] for row in own] == meter[0]["sizes"]
        for i, row in enumerate(own):
            first, second = (one["mean_kl"][path][i] for one in meter)
            assert row["value"] == pytest.approx((64 * first + 56 * second) / 120, abs=1e-6)
    for what in ("k", "recency_k"):
        values = [value for row in meter for value in row[what][0]]
        own = [row for row in rows_of("sparsity") if (row["corpus"], row["what"]) == ("kjv", what)]
        assert [row["size"] for row in own] == sorted(set(values))
        for row in own:
            assert row["value"] == pytest.approx(sum(value <= row["size"] for value in values) / 120, abs=1e-4)
    assert {(row["corpus"], row["size"], row["value"]) for row in rows_of("sparsity") if row["kind"] == "epsilon"} == {
        (corpus, 120, 0.05) for corpus in ("kjv", "shakespeare", "kjv+shuffled")
    }


def test_losses_are_those_of_the_rows() -> None:
    assert len(rows_of("losses")) == 3 * 4 * 3
    for row in rows_of("losses"):
        _, own = of(row["corpus"], row["model"], row["length"])
        seeds = [one["by_context"][one["contexts"].index(row["context"])] for one in own]
        assert (row["lowest"], row["highest"], row["seeds"]) == (min(seeds), max(seeds), 2)
        assert row["loss"] == pytest.approx(np.mean(seeds), abs=1e-4)


def test_damage_is_that_of_the_tokens_together() -> None:
    rows = rows_of("damage")
    assert {row["corpus"] for row in rows} == {"kjv", "shakespeare"}
    for adjusted in (True, False):
        expected = whole("shakespeare", "pose", 8).means(adjusted=adjusted, draws=DRAWS, seed=1)
        own = [
            row for row in rows
            if (row["corpus"], row["model"], row["length"], row["adjusted"]) == ("shakespeare", "pose", 8, adjusted)
        ]  # fmt: skip
        assert [(row["least"], row["most"], row["tokens"]) for row in own] == [one[:3] for one in expected]
        for row, one in zip(own, expected, strict=True):
            assert (row["value"], row["low"], row["high"]) == pytest.approx(one[3:], abs=1e-4)


def test_slopes_are_those_of_the_tokens_together_and_none_where_k_does_not_vary() -> None:
    rows = rows_of("slopes")
    assert [(row["corpus"], row["model"], row["length"]) for row in rows] == [
        (corpus, model, length)
        for corpus in ("kjv", "shakespeare")
        for model in sorted(made_up.MODELS)
        for length in made_up.MODELS[model]
    ]
    for row in rows[:3]:
        found = whole(row["corpus"], row["model"], row["length"])
        slope, permuted = found.slope(draws=DRAWS, seed=1), found.permuted(draws=DRAWS, seed=1)
        expected = [
            slope.value,
            slope.low,
            slope.high,
            min(slope.seeds),
            max(slope.seeds),
            permuted.spread,
            permuted.share,
        ]
        names = ("slope", "low", "high", "lowest", "highest", "spread", "share")
        assert [row[name] for name in names] == pytest.approx(expected, abs=1e-4)
        assert row["raw"] == pytest.approx(found.slope(adjusted=False, draws=DRAWS).value, abs=1e-4)
        assert row["damage"] == pytest.approx(found.values.mean(), abs=1e-4)


def test_a_model_that_was_trained_at_the_window_has_no_damage() -> None:
    rows = [row | {"length": made_up.WINDOW} if row["model"] == "alibi" else row for row in made_up.language()]
    for found in (slopes(rows, seed=1, draws=2), damage(rows, seed=1, draws=2)):
        assert {row["model"] for row in found} == {"pose"}
    assert {row["model"] for row in losses(rows)} == {"long", *made_up.MODELS}


def test_rows_of_all_protocols_are_read(tmp_path: Path) -> None:
    first, second, *_ = made_up.language()
    made_up.write(tmp_path / "language.jsonl", [first])
    made_up.write(tmp_path / "language-copies.jsonl", [second])
    assert measured_rows(tmp_path) == [second, first]
    with pytest.raises(InvalidArgument, match="lengthgen language measure makes them"):
        measured_rows(tmp_path / "none")


def test_variants_are_shown_where_there_is_nothing_else() -> None:
    assert plain(["a", "a+blocks", "b", "a"]) == ["a", "b"]
    assert plain(["a+blocks", "a+shuffled"]) == ["a+blocks", "a+shuffled"]


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


def test_sparsity_draws_its_rows() -> None:
    figure = drawn("sparsity")
    for axes, corpus in zip(figure.axes[::2], ("kjv", "shakespeare"), strict=True):
        for path in ("forward", "removal", "recency"):
            own = [row for row in rows_of("sparsity") if (row["corpus"], row["what"]) == (corpus, path)]
            assert lines(axes, path) == [[(row["size"], max(row["value"], 1e-4)) for row in own]]
    for axes, corpus in zip(figure.axes[1::2], ("kjv", "shakespeare"), strict=True):
        for what in ("k", "recency_k"):
            own = [row for row in rows_of("sparsity") if (row["corpus"], row["what"]) == (corpus, what)]
            assert lines(axes, what) == [[(own[0]["size"], 0.0), *((row["size"], row["value"]) for row in own)]]
    assert lines(figure.axes[1], "kjv+shuffled") == [[(1.0, 0.0), (1.0, 1.0)]]
    assert lines(figure.axes[3], "kjv+shuffled") == []


@pytest.mark.parametrize(("name", "x"), [("losses", "context"), ("damage", "least")])
def test_curves_have_their_rows(name: str, x: str) -> None:
    rows = [row for row in rows_of(name) if row.get("adjusted", True)]
    panels = [(corpus, model) for corpus in ("kjv", "shakespeare") for model in made_up.MODELS]
    value, low, high = ("loss", "lowest", "highest") if name == "losses" else ("value", "low", "high")
    for axes, (corpus, model) in zip(drawn(name).axes, panels, strict=True):
        found = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
        assert len(found) == len(made_up.MODELS[model])
        for container, length in zip(found, made_up.MODELS[model], strict=True):
            own = [row for row in rows if (row["corpus"], row["model"], row["length"]) == (corpus, model, length)]
            line, _, (bars,) = container.lines
            assert [y for _, y in points(line)] == [row[value] for row in own]
            ends = [(below, above) for (_, below), (_, above) in bars.get_segments()]
            assert np.array(ends) == pytest.approx(np.array([
                (min(row[low], row[value]), max(row[high], row[value])) for row in own
            ]))  # fmt: skip
            if name == "losses":
                long = [
                    (row["context"], row["loss"]) for row in rows if (row["corpus"], row["model"]) == (corpus, "long")
                ]
                assert lines(axes, "long") == [long]
                assert [at for at, _ in points(line)] == [row[x] for row in own]
            else:
                assert all(abs(at - i) < 0.2 for i, (at, _) in enumerate(points(line)))
        if name == "damage":
            raw = [
                row["value"]
                for row in rows_of(name)
                if (row["corpus"], row["model"], row["adjusted"]) == (corpus, model, False)
            ]
            assert [y for line in lines(axes, "raw") for _, y in line] == raw


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


def test_slopes_draws_its_rows() -> None:
    labels = [label.get_text() for label in drawn("slopes").axes[0].get_yticklabels()]
    assert labels[:3] == ["RoPE, two chunks (PoSE), 8", "RoPE, two chunks (PoSE), 32", "ALiBi, 32"]
    kinds = {"slope": ("slope",), "raw": ("raw",), "interval": ("low", "high"), "seeds": ("lowest", "highest")}
    for axes, corpus in zip(drawn("slopes").axes, ("kjv", "shakespeare"), strict=True):
        own = [row for row in rows_of("slopes") if row["corpus"] == corpus]
        at = {("pose", 8): 0, ("pose", 32): 1, ("alibi", 32): 2}
        for gid, names in kinds.items():
            assert lines(axes, gid) == [[(row[name], at[row["model"], row["length"]]) for name in names] for row in own]
        assert lines(axes, "permuted") == [
            [(sign * 2 * row["spread"], at[row["model"], row["length"]]) for sign in (-1, 1)] for row in own
        ]


@pytest.mark.parametrize("style", [Style(), pytest.param(Style(columns=1), marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FIGURES)
def test_they_are_readable(name: str, style: Style) -> None:
    figure = drawn(name, style)
    check_readable(figure, style)
    assert figure.get_figheight() <= PAGE


@pytest.mark.parametrize("name", FIGURES)
def test_their_words_say_the_numbers(name: str) -> None:
    rows, alt = rows_of(name), FIGURES[name].alt
    assert 100 < len(alt(rows)) < 2000
    assert alt(rows).endswith(".")
    assert table(rows).count("\n") == 1 + len(rows)
    key = {"sparsity": "value", "losses": "loss", "damage": "value", "slopes": "slope"}[name]
    assert alt([{**row, key: 0.9876} for row in rows]) != alt(rows)
