"""The controls of natural language: planted text, of which it is known how many tokens a prediction needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, Style, entry, legend_below, series
from idealized_model.language.control import CONTRASTS, MARGIN, contrasts, rises
from theory.errors import check

from matplotlib.figure import Figure

RUNS = "planted"

SEARCHES = {"best": "any tokens", "recency": "the last tokens"}
"""{search: what it is called}, of those that are drawn."""


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """A row a question and search of the meter of the longest text: what is found; a row a question and kind of judged model:
    its damage; and a row a contrast: how often damage is larger.
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
    judged = [dict(run) for run in runs[RUNS] if run["kind"] == "judged"]
    fix = "lengthgen language planted makes them."
    for kind, there in (("a meter", rows), ("judged models", judged)):
        check(there, "join", RUNS, got=f"none of {kind}", expected="runs on planted text", fix=fix)
    damage = [{"kind": "damage", **row} for row in rises(judged)]
    return [*rows, *damage, *({"kind": "contrast", **row} for row in contrasts(judged))]


def draw(rows: Rows, style: Style) -> Figure:
    """What is found beside what is needed, and the damage by tokens and by bits."""
    figure, (left, *others) = style.panels(1 + len(CONTRASTS), across=2, height=2.2, extra=0.4)
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
    for axes, (held, questions_of) in zip(others, CONTRASTS.items(), strict=True):
        axes.sharey(others[0])
        axes.axhline(0, color=GREY, linewidth=0.6)
        for i, (kind, how) in enumerate(styles.items()):
            mine = [row for row in damage if (row["encoding"], row["kept"]) == kind]
            own = [row for bits in questions_of for row in mine if tuple(row["bits"]) == bits]
            mean = np.array([row["share"] for row in own])
            ends = [
                np.maximum(mean - [row["lowest"] for row in own], 0),
                np.maximum([row["highest"] for row in own] - mean, 0),
            ]
            places = np.arange(len(own)) + 0.06 * (i - (len(styles) - 1) / 2)
            axes.errorbar(places, mean, yerr=ends, elinewidth=0.7, capsize=1.5, **how.line())
        tokens = held != "one token"
        axes.set_xticks(range(len(questions_of)), [str(len(b) if tokens else b[0]) for b in questions_of])
        axes.set(xlabel="tokens" if tokens else "bits of it", ylabel="damage, share", title=held)
    handles = [entry(label, **{**series(i).line(), "linestyle": ""}) for i, label in enumerate(SEARCHES.values())]
    handles.append(entry("needed", color=INK, linewidth=0.8))
    handles += [
        entry(f"{NAMES[encoding]}, trained at {kept}", **how.line()) for (encoding, kept), how in styles.items()
    ]
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


NAMES = {"rope": "RoPE", "alibi": "ALiBi", "none": "no positions"}


def alt(rows: Rows) -> str:
    """How often just what is needed is found, and the damage of every question."""
    found = [row for row in rows if row["kind"] == "found"]
    best = ", ".join(f"{row['question']} {row['exact']:.2f}" for row in found if row["search"] == "best")
    last = ", ".join(f"{row['question']} {row['middle']}" for row in found if row["search"] == "recency")
    damage = [row for row in rows if row["kind"] == "damage"]
    seeds, said = sorted({row["seeds"] for row in damage}), []
    for held, questions in CONTRASTS.items():
        each = []
        for encoding, kept in dict.fromkeys((row["encoding"], row["kept"]) for row in damage):
            own = [row for row in damage if (row["encoding"], row["kept"]) == (encoding, kept)]
            means = (row["share"] for bits in questions for row in own if tuple(row["bits"]) == bits)
            each.append(f"{NAMES[encoding]} at {kept} {', '.join(f'{mean:+.2f}' for mean in means)}")
        (count,) = (row for row in rows if row["kind"] == "contrast" and row["held"] == held)
        ends = f"larger at 4 than at 1 in {count['larger']} of {count['runs']} runs, smaller in {count['smaller']}"
        said.append(f"{held.capitalize()}, {ends}: {'; '.join(each)}.")
    return (
        f"First, for every question of planted text of {found[0]['body']} tokens the number that its prediction needs, and the "
        f"middle, lowest and highest number that are found in {found[0]['examples']} fresh examples. The share found exactly: "
        f"{best}. Of the last tokens the middle is: {last}. Then the loss on a long text minus that on one of the training "
        f"length, as a share of the bits that are asked for, the mean of {' to '.join(map(str, seeds))} seeds, for 1, 2 and 4 "
        f"tokens, or bits of one token; differences of at most {MARGIN:g} count as none. {' '.join(said)}"
    )


PLOT = Plot(
    "planted-text", "Planted text: tokens found, and damage by the tokens needed", draw, alt, runs=(RUNS,), join=join,
    needs_runs=True,
)  # fmt: skip
