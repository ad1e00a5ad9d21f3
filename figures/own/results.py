"""The runs of any sweep: exact match by length with every seed, what is guaranteed of a small version, and losses in training.

The rows are those of `lengthgen sweep` and `lengthgen train`. Where `train` kept runs beside them, their histories are drawn.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from figures.own.places import Places, laid_out
from figures.plot import Plot, Row, Rows
from figures.runs import draw_curve, drawn_as, points, pooled
from figures.style import GREY, SHADE, Style, entry, series, thin
from idealized_model.text import read_text
from idealized_model.transformer.results import read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.spelling import digits
from proofs_check.verdicts.deciding import Cell
from proofs_check.verdicts.matched import config_of, decided
from theory import BudgetExceeded, InvalidArgument
from theory.errors import check
from theory.guarantees import Scores

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

WHERE = "runs"
PANELS, CURVES = 12, 11
"""Panels at most, and curves in a panel: as many as have markers of their own."""

NOTE = (
    "under a panel, on a small version of its task: the share of tests on which every head of the model's class is right that "
    "is perfect in training"
)
"""What the words under a panel are."""

NAMES = ("task", "tested_on", "setting", "longest", "length")


def draw_runs(
    results: str | Path,
    *,
    scores: Sequence[Scores] = ("hard",),
    axes: Axes | Iterable[Axes] | None = None,
    style: Style | None = None,
) -> Figure:
    """Draw the runs of a file of results, a panel a task: a curve a setting through its median seed, and every seed.

    Below, for every setting what is guaranteed of heads of the model's class on a small version of the task: the exact share
    of the longest tests that could be listed. Then, where there are folders of runs beside the file, their losses.

    Parameters
    ----------
    results : a file that `lengthgen sweep` or `lengthgen train` wrote.
    scores : kinds of heads; none: nothing is decided, which may take a while.
    axes : an Axes a panel; default: a new figure.
    style : its size.

    Raises
    ------
    InvalidArgument : for a file of something else, more than 12 tasks or 11 settings, or another number of Axes.

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> from idealized_model.transformer.runs import Evaluation, run
    >>> config = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=3, batch=4, width=8, layers=1, heads=2)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "results.jsonl")
    ...     _ = path.write_text(json.dumps(run(config, Evaluation((3, 6), size=10))) + "\\n")
    ...     draw_runs(path, scores=()).axes[0].get_title()
    'copy'

    Cost: with scores, that of a verdict on a small version of every task under every setting.
    """
    return draw(rows_of(results, scores=scores), style or Style(), axes)


# ── What is drawn ────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(results: str | Path, *, scores: Sequence[Scores] = ("hard",)) -> list[Row]:
    """A row a (setting, length) of all seeds, and one a seed; a guarantee; and an entry of a history."""
    runs = _checked(results)
    varied = [
        name
        for name in runs[0]["config"]
        if name not in ("task", "seed") and len({str(run["config"].get(name)) for run in runs}) > 1
    ]
    tested = [{**point, "setting": _setting(point["config"], varied)} for point in points(runs)]
    tested.sort(key=lambda point: (point["length"], point["seed"]))
    order = {name: i for i, name in enumerate(dict.fromkeys(_setting(run["config"], varied) for run in runs))}
    found: list[Row] = [{"kind": "pooled", **row} for row in pooled(tested, NAMES)]
    found += [{"kind": "seed", **{name: point[name] for name in (*NAMES, "seed", "right", "size")}} for point in tested]
    found.sort(key=lambda row: order[row["setting"]])
    found += _guaranteed(runs, varied, scores)
    return found + list(_histories(Path(results), runs, varied))


def _checked(results: str | Path) -> list[Row]:
    runs = read_rows(results)
    fix = "Write it with: lengthgen sweep GRID.toml --results FILE."
    check(runs, WHERE, "RESULTS", got=f"{str(results)!r}, which has no rows", expected="rows of runs", fix=fix)
    for number, run in enumerate(runs, start=1):
        try:
            config_of(dict(run))
            assert [(test["task"], test["length"], test["free_running"] / test["size"]) for test in run["tests"]]
            assert run["fit"]["right"] <= run["fit"]["size"]
        except InvalidArgument as error:
            raise InvalidArgument(
                WHERE, f"RESULTS, row {number}", got=error.got, expected=error.expected, fix=error.fix
            ) from None
        except (AssertionError, ArithmeticError, KeyError, TypeError, ValueError) as error:
            got = f"no row of a run ({type(error).__name__}: {error})"
            raise InvalidArgument(
                WHERE, f"RESULTS, row {number}", got=got, expected="a row of a run", fix=fix
            ) from None
    return list(runs)


def _setting(config: Row, varied: Iterable[str]) -> str:
    """The scheme, and what else is not the same for all."""
    rest = [f"{name.replace('_', ' ')} {config[name]}" for name in varied if name != "positions"]
    return ", ".join([str(config["positions"]), *rest])


def _guaranteed(runs: Rows, varied: Sequence[str], scores: Sequence[Scores]) -> Iterator[Row]:
    """For every setting of every task, and every kind of heads, the guaranteed share on a small version of the task."""
    seen: dict[tuple[str, str], Row] = {}
    for run in runs:
        seen.setdefault((run["config"]["task"], _setting(run["config"], varied)), run)
    for (task, setting), run in seen.items():
        for kind in scores:
            share, why = _share(config_of(dict(run)), kind, shifted=run.get("test_offsets") == "random")
            yield {"kind": "guaranteed", "task": task, "setting": setting, "scores": kind, "share": share, "why": why}


def _share(config: TrainConfig, kind: Scores, *, shifted: bool) -> tuple[str | None, str | None]:
    """The least share over the arities that are decided; or why there is none."""
    try:
        cell: Cell | None = decided(config, kind, shifted=shifted)
    except (InvalidArgument, BudgetExceeded):
        return None, "not decided"
    if cell is None:
        return None, "too large"
    if any(one.outcome == "unrealizable" for one in cell.decisions):
        return None, "no head"
    shares = [Fraction(1) if one.outcome == "generalizes" else Fraction(one.guaranteed or 0) for one in cell.decisions]
    if any(one.outcome == "fails" and one.guaranteed is None for one in cell.decisions):
        return None, "some head fails"
    return str(min(shares)), None


def _histories(results: Path, runs: Rows, varied: Sequence[str]) -> Iterator[Row]:
    """The losses of the runs that `lengthgen train` kept in folders beside the file."""
    configs = {TrainConfig(**run["config"]).identity: run["config"] for run in runs}
    for path in sorted(results.parent.glob("*/history.csv")):
        try:
            config = TrainConfig.from_toml(read_text(path.parent / "config.toml"))
            lines = list(csv.DictReader(read_text(path).splitlines()))
            entries = [(int(line["step"]), float(line["loss"])) for line in lines]
        except (OSError, UnicodeError, InvalidArgument, KeyError, TypeError, ValueError):
            continue  # another folder, or one that is being written
        if config.identity not in configs:
            continue
        own = {"task": config.task, "setting": _setting(configs[config.identity], varied), "seed": config.seed}
        for step, loss in entries:
            yield {"kind": "history", **own, "step": step, "loss": loss}


# ── The figure ───────────────────────────────────────────────────────────────────────────────────────────────────────


def panels_of(rows: Rows) -> list[tuple[str, str]]:
    """(task, what it is tested on): a panel each."""
    return list(dict.fromkeys((row["task"], row["tested_on"]) for row in rows if row["kind"] == "pooled"))


def draw(rows: Rows, style: Style, axes: Axes | Iterable[Axes] | None = None) -> Figure:
    """A panel a task, and one for the losses."""
    tests, settings = panels_of(rows), list(dict.fromkeys(row["setting"] for row in rows if row["kind"] == "pooled"))
    for got, most, what in ((len(tests), PANELS, "tasks"), (len(settings), CURVES, "settings")):
        fix = "Draw a part of them: keep its rows in a file of its own."
        check(got <= most, WHERE, "RESULTS", got=f"{got} {what}", expected=f"at most {most} {what}", fix=fix)
    history = [row for row in rows if row["kind"] == "history"]
    names = [task if task == tested else f"{task},\ntested on {tested}" for task, tested in tests]
    names += ["loss in training"] * bool(history)
    how = {setting: series(i) for i, setting in enumerate(settings)}
    promised = [row for row in rows if row["kind"] == "guaranteed"]
    under = max((sum(row["task"] == task for row in promised) for task, _ in tests), default=0)
    with laid_out(PLOT.title) as made:
        across = min(3, len(names))
        height = 1.75 + 0.125 * (under + bool(under))
        places = Places(axes, names, "draw_runs", style, across=across, height=height, extra=0.3)
        for own, name, (task, tested) in zip(places.axes, names, tests, strict=False):
            mine = [row for row in rows if row["task"] == task]
            _panel(own, [row for row in mine if row.get("tested_on") == tested], how)
            own.set_title(name)
            said = [row for row in promised if row["task"] == task]
            own.set_xlabel("length" + _under(said, settings))
        for own in places.axes[: len(tests)][:: across if style.columns == 2 and not places.given else 1]:
            own.set_ylabel("exact match")
        if history:
            _losses(places.axes[-1], history, how)
        handles = [entry(setting, **one.line()) for setting, one in how.items()]
        handles.append(entry("training lengths", color=SHADE, linewidth=5))
        note = NOTE if promised else ""
        places.legend(handles, columns=4 if style.columns == 2 else 2, note=note)
        made.append(places.figure)
    return places.figure


def _panel(axes: Axes, rows: Rows, how: dict[str, Any]) -> None:
    for setting, one in how.items():
        own = [row for row in rows if row["setting"] == setting]
        seeds = dict.fromkeys(row["seed"] for row in own if row["kind"] == "seed")
        if own:
            draw_curve(
                axes,
                [row for row in own if row["kind"] == "pooled"],
                [[row for row in own if row["kind"] == "seed" and row["seed"] == seed] for seed in seeds],
                one,
            )
    lengths, longest = sorted({row["length"] for row in rows}), max(row["longest"] for row in rows)
    axes.set_xscale("log")
    axes.set_xlim(min(longest, *lengths) * 0.8, max(longest, *lengths) * 1.15)
    axes.axvspan(axes.get_xlim()[0], longest, color=SHADE, zorder=0)
    kept = [n for i, n in enumerate(lengths) if not i or n >= 1.5 * lengths[i - 1] or n == lengths[-1]]
    kept = [n for n, after in zip(kept, [*kept[1:], 0], strict=True) if not after or after >= 1.25 * n]
    axes.set_xticks(kept, [str(n) for n in kept])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(ylim=(-0.03, 1.03))


def _under(rows: Rows, settings: Sequence[str]) -> str:
    """A line a setting and kind of heads."""
    said = []
    for setting in settings:
        own = [row for row in rows if row["setting"] == setting]
        words = ", ".join(map(_word, own))
        said += [f"{setting}: {words}"] if own else []
    return "".join(f"\n{line}" for line in said)


def _word(row: Row) -> str:
    """What is guaranteed of one kind of heads, in short."""
    if row["share"] is not None:
        return f"{row['scores']} {digits(Fraction(row['share']))}"
    known = {"no head": f"no {row['scores']} head", "some head fails": f"some {row['scores']} head fails"}
    return known.get(row["why"], f"{row['scores']} {row['why']}")


def _losses(axes: Axes, rows: Rows, how: dict[str, Any]) -> None:
    for key in dict.fromkeys((row["task"], row["setting"], row["seed"]) for row in rows):
        own = [row for row in rows if (row["task"], row["setting"], row["seed"]) == key]
        colour = how[key[1]].colour if key[1] in how else GREY
        axes.plot(
            [row["step"] for row in own], [row["loss"] for row in own], color=thin(colour), linestyle=how[key[1]].dash,
            linewidth=0.6, gid="loss",
        )  # fmt: skip
    losses = [row["loss"] for row in rows if row["loss"] > 0]
    axes.set(xlabel="step", ylabel="loss", title="loss in training", ylim=(0, None))
    if losses and max(losses) > 20 * min(losses):
        axes.set(yscale="log", ylim=(min(losses) / 1.5, None))
        axes.yaxis.set_minor_formatter(NullFormatter())


def alt(rows: Rows) -> str:
    """The median seed at the greatest length, for every task and setting."""
    own = [row for row in rows if row["kind"] == "pooled"]
    said = []
    for task, tested in panels_of(rows)[:PANELS]:
        mine = [row for row in own if (row["task"], row["tested_on"]) == (task, tested)]
        longest = max(row["length"] for row in mine)
        shares = "; ".join(
            f"{row['setting']} {digits(row['median'])} ({row['fitted']} of {row['runs']} fitted)"
            for row in mine
            if row["length"] == longest
        )
        said.append(f"{task if task == tested else f'{task}, tested on {tested},'} at length {longest}: {shares}")
    promised = [row for row in rows if row["kind"] == "guaranteed"]
    words = "; ".join(f"{row['task']}, {row['setting']}, {_word(row)}" for row in promised)
    text = (
        f"Exact match of trained models against the length, one panel a task and one curve a setting, {drawn_as(own)}. The "
        f"median seed, {'. '.join(said)}."
    )
    text += f" Guaranteed on small versions: {words}." if promised else ""
    return text + " Losses in training are drawn as well." * any(row["kind"] == "history" for row in rows)


PLOT = Plot(WHERE, "Exact match against length, with every seed", draw, alt)
