"""The controls of natural language: planted text, of which it is known how many tokens a prediction needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, Style, entry, legend_below, series
from idealized_model.language.control import rises
from theory.errors import check

from matplotlib.figure import Figure

RUNS = "planted"

SEARCHES = {"best": "any tokens", "recency": "the last tokens"}
"""{search: what it is called}, of those that are drawn."""


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """A row a question and search of the meter of the longest text: what is found; and a row a question and kind of judged
    model: its damage.
    """
    rows: list[Row] = []
    meters = sorted((run for run in runs[RUNS] if run["kind"] == "meter"), key=lambda run: int(run["body"]))
    for run in meters[-1:]:
        for search, found in ({"best": run["least"]} | run["found"]).items():
            for name, needed, own in zip(run["name"], run["needed"], found, strict=True):
                rows.append({
                    "kind": "found", "body": run["body"], "question": name, "needed": needed, "search": search,
                    "examples": len(own), "exact": round(float(np.mean(np.array(own) == needed)), 4), "lowest": min(own),
                    "middle": sorted(own)[(len(own) - 1) // 2], "highest": max(own),
                })  # fmt: skip
    judged = rises([dict(run) for run in runs[RUNS]])
    fix = "lengthgen language planted makes them."
    for kind, there in (("a meter", rows), ("judged models", judged)):
        check(there, "join", RUNS, got=f"none of {kind}", expected="runs on planted text", fix=fix)
    return rows + [{"kind": "damage", **row} for row in judged]


def draw(rows: Rows, style: Style) -> Figure:
    """What is found beside what is needed, and the damage by what is needed."""
    figure, (left, right) = style.panels(2, across=2, height=2.2, extra=0.4)
    found = [row for row in rows if row["kind"] == "found"]
    questions = list(dict.fromkeys(row["question"] for row in found))
    for i, (search, how) in enumerate((search, series(i)) for i, search in enumerate(SEARCHES)):
        own = [row for row in found if row["search"] == search]
        at = [questions.index(row["question"]) + 0.2 * (2 * i - 1) for row in own]
        middle = np.array([row["middle"] for row in own])
        ends = [middle - [row["lowest"] for row in own], [row["highest"] for row in own] - middle]
        left.errorbar(at, middle, yerr=ends, elinewidth=0.7, capsize=1.5, **{**how.line(), "linestyle": ""})
    for row in found:
        x = questions.index(row["question"])
        left.plot([x - 0.4, x + 0.4], [row["needed"]] * 2, color=INK, linewidth=0.8, gid="needed")
    left.set_yscale("log", base=2)
    ticks = [2**i for i in range(9) if 2**i <= max(row["highest"] for row in found)]
    left.set_yticks(ticks, [str(tick) for tick in ticks])
    left.set_xticks(range(len(questions)), [name.replace(" ", "\n") for name in questions])
    left.set(ylabel="tokens needed", title="found in planted text")
    damage = [row for row in rows if row["kind"] == "damage"]
    kinds = list(dict.fromkeys((row["encoding"], row["kept"]) for row in damage))
    styles = {kind: series(len(SEARCHES) + i) for i, kind in enumerate(kinds)}
    right.axhline(0, color=GREY, linewidth=0.6)
    for i, (kind, how) in enumerate(styles.items()):
        own = [row for row in damage if (row["encoding"], row["kept"]) == kind]
        mean = np.array([row["damage"] for row in own])
        ends = [
            np.maximum(mean - [row["lowest"] for row in own], 0),
            np.maximum([row["highest"] for row in own] - mean, 0),
        ]
        at = [row["needed"] + 0.06 * (i - (len(kinds) - 1) / 2) for row in own]
        right.errorbar(at, mean, yerr=ends, elinewidth=0.7, capsize=1.5, **how.line())
    right.set_xticks(sorted({row["needed"] for row in damage}))
    right.set(xlabel="tokens needed, k", ylabel="damage, nats", title="questions with one law of the answer")
    handles = [entry(label, **{**series(i).line(), "linestyle": ""}) for i, label in enumerate(SEARCHES.values())]
    handles.append(entry("needed", color=INK, linewidth=0.8))
    handles += [
        entry(f"{NAMES[encoding]}, trained at {kept}", **how.line()) for (encoding, kept), how in styles.items()
    ]
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


NAMES = {"rope": "RoPE", "alibi": "ALiBi", "none": "no positions"}


def alt(rows: Rows) -> str:
    """How often just what is needed is found, and the damage at the ends."""
    found = [row for row in rows if row["kind"] == "found"]
    best = ", ".join(f"{row['question']} {row['exact']:.2f}" for row in found if row["search"] == "best")
    last = ", ".join(f"{row['question']} {row['middle']}" for row in found if row["search"] == "recency")
    said = []
    damage = [row for row in rows if row["kind"] == "damage"]
    for encoding, kept in dict.fromkeys((row["encoding"], row["kept"]) for row in damage):
        own = [row for row in damage if (row["encoding"], row["kept"]) == (encoding, kept)]
        each = ", ".join(f"{row['damage']:+.2f}" for row in own)
        said.append(f"{NAMES[encoding]} at {kept} {each}")
    needed, seeds = sorted({row["needed"] for row in damage}), sorted({row["seeds"] for row in damage})
    return (
        f"Left, for every question of planted text of {found[0]['body']} tokens the number that its prediction needs, and the "
        f"middle, lowest and highest number that are found in {found[0]['examples']} fresh examples. The share found exactly: "
        f"{best}. Of the last tokens the middle is: {last}. Right, the loss on a long text minus that on one of the training "
        f"length, for questions whose answers have one law, the mean of {' to '.join(map(str, seeds))} seeds, in nats for k = "
        f"{', '.join(map(str, needed))}: {'; '.join(said)}."
    )


PLOT = Plot(
    "planted-text", "Planted text: tokens found, and damage by the tokens needed", draw, alt, runs=(RUNS,), join=join,
    needs_runs=True,
)  # fmt: skip
