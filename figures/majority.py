"""Majority: the counts of ones on which perfect soft heads may still err (T14), and where heads and models do err.

Trained on lengths 1..K. A head of arity 1 without a key sees how many zeros and ones there are; a trained model of
attention alone also sees the "?" that asks, as a third token, and that leaves more heads and less that is guaranteed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, PALETTE, SHADE, Style, entry, legend_below
from idealized_model.transformer.data import sequence_task
from idealized_model.transformer.evaluation import drawn_sequences
from proofs_check.verdicts.matched import attention_only, config_of, training_errors
from theory.exact import as_float
from theory.soft import max_margin, soft_guarantees
from theory.tasks import Majority, find_task

from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from scipy.sparse import csr_array

RUNS = "attention-only"
TRAIN = (10, 30)
"""K of the two panels."""

TESTS = range(5, 101, 5)
SEEN = ("doubtful", "asked")
"""What a head sees: zeros and ones, or the "?" as well."""


def counted(lengths: Iterable[int], *, asked: bool = False) -> tuple[csr_array, list[int]]:
    """For every length and number of ones: how many zeros, ones (and "?") there are, and the answer.

    Examples
    --------
    >>> rows, answers = counted([2], asked=True)
    >>> rows.toarray().tolist(), answers
    ([[2, 0, 1], [1, 1, 1], [0, 2, 1]], [0, 0, 1])
    """
    from scipy.sparse import csr_array

    task = Majority()
    pairs = [(n - ones, ones) for n in lengths for ones in range(n + 1)]
    answers = [task.answer((0,) * zeros + (1,) * ones) for zeros, ones in pairs]
    return csr_array(np.array([(*pair, 1) if asked else pair for pair in pairs])), answers


def compute(rng: np.random.Generator) -> list[Row]:
    """At every test length the numbers of ones that are not guaranteed, of all; and where the max-margin head errs.

    No margin of these is 0 in floats (`MaxMarginHead.errs`), so that there is no doubt about them.
    """
    rows: list[Row] = []
    for longest in TRAIN:
        trained = range(1, longest + 1)
        found = {}
        for seen in SEEN:
            asked = seen == "asked"
            given = soft_guarantees(*counted(trained, asked=asked), *counted(TESTS, asked=asked), 2)
            found[seen] = _by_length(~given.guaranteed)
        wrong, unsure = max_margin(*counted(trained), 2).errs(*counted(TESTS))
        assert not unsure.any()
        found["max_margin"] = _by_length(wrong)
        rows += [
            {
                "kind": "counts", "longest": longest, "length": n,
                **{what: counts[n] for what, counts in found.items()},
            }
            for n in TESTS
        ]  # fmt: skip
    return rows


def _by_length(chosen: np.ndarray) -> dict[int, str]:
    """{length: the numbers of ones that are chosen}, in words."""
    starts = np.cumsum([0, *(n + 1 for n in TESTS)]).tolist()
    return {
        n: " ".join(map(str, np.flatnonzero(chosen[start : start + n + 1])))
        for n, start in zip(TESTS, starts, strict=False)
    }


def join(stored: Rows, runs: Mapping[str, Rows]) -> list[Row]:
    """And how often models are right at every number of ones that their tests drew.

    Models of attention alone, without positions, that make no error on anything that training may draw: they are heads of
    the class that sees "?".
    """
    rows = list(stored)
    for run in map(dict, runs.get(RUNS, ())):
        config = config_of(run)
        if config.task != Majority.name or config.positions != "none" or not attention_only(config):
            continue
        if training_errors(run):
            continue
        for test in run["every_step"]["tests"]:
            task, n = sequence_task(find_task(test["task"])), test["length"]
            wrong, size = {i for i, _ in test["wrong"]}, run["tests"][0]["size"]
            drawn = drawn_sequences(config, task, n, size=size)
            ones = [instance.tokens[:n].count(1) for instance, _ in drawn]
            right = Counter(m for i, m in enumerate(ones) if i not in wrong)
            rows += [
                {
                    "kind": "trained", "longest": config.longest, "length": n, "seed": config.seed, "ones": m,
                    "right": right[m], "size": of,
                }
                for m, of in sorted(Counter(ones).items())
            ]  # fmt: skip
    return rows


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a K: the doubtful counts at every length; and one of the longest tests of trained models."""
    trained = [row for row in rows if row["kind"] == "trained"]
    longest = list(dict.fromkeys(row["longest"] for row in rows if row["kind"] == "counts"))
    figure, panels = style.panels(len(longest) + bool(trained), across=3, height=1.9, extra=0.25)
    for i, (axes, k) in enumerate(zip(panels, longest, strict=False)):
        _counts(axes, [row for row in rows if row["longest"] == k])
        axes.set(title=f"trained on lengths 1 to {k}", xlabel="test length", xlim=(0, max(TESTS) + 4))
        if i == 0 or style.columns == 1:
            axes.set_ylabel("ones beyond half")
    low, high = (end(end(axes.get_ylim()) for axes in panels[: len(longest)]) for end in (min, max))
    for axes in panels[: len(longest)]:
        axes.set_ylim(low, high)
    if trained:
        _accuracy(panels[-1], rows)
    handles = [entry(_SAID[name], **_HOW[name]) for name in ("doubtful", "asked", "max_margin")]
    if trained:
        handles.append(entry(_SAID["trained"], **_HOW["trained"]))
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


_SAID = {
    "doubtful": "not guaranteed",
    "asked": 'nor where "?" is seen',
    "max_margin": "max-margin head errs",
    "trained": "trained models err",
}
_HOW: dict[str, dict[str, Any]] = {
    "doubtful": {"color": PALETTE[0], "linestyle": "none", "marker": "s", "markersize": 3.2, "markeredgecolor": "none"},
    "asked": {"color": SHADE, "linestyle": "none", "marker": "s", "markersize": 3.2, "markeredgecolor": GREY,
              "markeredgewidth": 0.4},
    "max_margin": {"color": PALETTE[2], "linestyle": "none", "marker": "x", "markersize": 3.5},
    "trained": {"color": INK, "linestyle": "none", "marker": "o", "markersize": 5.0, "markerfacecolor": "none"},
}  # fmt: skip


def numbers(words: str) -> list[int]:
    """The numbers of ones in a row."""
    return [int(word) for word in words.split()]


def _counts(axes: Axes, rows: Rows) -> None:
    """Points (length, ones - length / 2); and where a trained model is wrong."""
    axes.axhline(0, color=GREY, linewidth=0.6)
    counts = [row for row in rows if row["kind"] == "counts"]
    places = {
        name: [(row["length"], ones) for row in counts for ones in numbers(row[name])]
        for name in ("asked", "doubtful", "max_margin")
    }
    places["trained"] = [(r["length"], r["ones"]) for r in rows if r["kind"] == "trained" and r["right"] < r["size"]]
    for name, own in places.items():
        axes.plot([n for n, _ in own], [ones - n / 2 for n, ones in own], gid=name, **_HOW[name])


def _accuracy(axes: Axes, rows: Rows) -> None:
    """How often the trained models are right, by the number of ones, at the greatest length of both kinds of rows."""
    row, own = longest_test(rows)
    for name in ("asked", "doubtful"):
        for ones in numbers(row[name]):
            axes.axvspan(ones - 0.5, ones + 0.5, color=_HOW[name]["color"], alpha=0.6, linewidth=0, zorder=0)
    axes.plot(list(own), [as_float(share) for share in own.values()], gid="accuracy", clip_on=False, **_HOW["trained"])
    axes.set(
        title=f"1 to {row['longest']}, tested at {row['length']}", xlabel="number of ones",
        ylabel="trained models:\nshare right",
        ylim=(-0.04, 1.04),
    )  # fmt: skip


def longest_test(rows: Rows) -> tuple[Row, dict[int, Fraction]]:
    """The row of counts of the greatest length at which models were tested; {ones: the share that they get right}."""
    tested = {(row["longest"], row["length"]) for row in rows if row["kind"] == "trained"}
    counts = {(row["longest"], row["length"]): row for row in rows if row["kind"] == "counts"}
    where = max(tested & counts.keys(), key=lambda pair: pair[1])
    own = [row for row in rows if row["kind"] == "trained" and (row["longest"], row["length"]) == where]
    right, size = Counter[int](), Counter[int]()
    for row in own:
        right[row["ones"]] += row["right"]
        size[row["ones"]] += row["size"]
    return counts[where], {ones: Fraction(right[ones], size[ones]) for ones in sorted(size)}


def alt(rows: Rows) -> str:
    """The counts in doubt at the greatest length, and what errs."""
    counts = [row for row in rows if row["kind"] == "counts"]
    longest = max(row["length"] for row in counts)
    said = [
        f"trained on lengths 1 to {row['longest']}: {_words(row['doubtful'])}; where a head sees the question mark as well: "
        f"{_words(row['asked'])}; the max-margin head errs at {_words(row['max_margin'])}"
        for row in counts
        if row["length"] == longest
    ]
    text = (
        "Majority: at every test length the numbers of ones on which some soft head errs that is perfect in training (T14). "
        f"Of length {longest} these are, {'; '.join(said)}."
    )
    trained = [row for row in rows if row["kind"] == "trained"]
    if trained:
        seeds = len({row["seed"] for row in trained})
        wrong = dict.fromkeys((row["length"], row["ones"]) for row in trained if row["right"] < row["size"])
        where = ", ".join(f"{ones} ones of {n}" for n, ones in sorted(wrong)) or "nowhere"
        text += (
            f" The {seeds} trained models of attention alone that are perfect on the lengths of training err at {where}, of "
            f"all that was drawn for their tests of lengths up to {max(row['length'] for row in trained)}."
        )
    return text


def _words(counts: str) -> str:
    own = numbers(counts)
    if len(own) > 2 and own[-1] - own[0] == len(own) - 1:
        return f"{own[0]} to {own[-1]}"
    return ", ".join(map(str, own)) or "none"


PLOT = Plot(
    "majority", "Majority: the counts that are not guaranteed (T14)", draw, alt, compute, runs=(RUNS,), join=join,
)  # fmt: skip
