"""Rows of training runs, with every seed: each counts, whether it fitted or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from figures.plot import Row, Rows
from figures.style import Series, thin
from proofs_check.spelling import digits
from theory.errors import InvalidArgument

from matplotlib.axes import Axes


def points(runs: Rows) -> Iterator[Row]:
    """A row a (run, test): how many sequences a free-running decode reproduces, and what was trained."""
    for run in runs:
        config = run["config"]
        for test in run["tests"]:
            yield {
                "config": config, "task": config["task"], "positions": config["positions"],
                "log_scale": config["log_scale"], "longest": config["longest"], "tested_on": test["task"],
                "length": test["length"], "seed": config["seed"], "right": test["free_running"], "size": test["size"],
                "fitted": fitted(run),
            }  # fmt: skip


FITTED = Fraction(99, 100)
"""The exact match at the longest training length from which a run counts as fitted."""


def fitted(run: Row) -> bool:
    """Whether a run does at the longest training length what it was trained for."""
    return bool(run["fit"]["right"] >= FITTED * run["fit"]["size"])


COUPLED = ("coupled", "coupled-ordered", "predicted")
"""The schemes of trained models under which the coupled IDs of the task are seen; under the others its convention of
coupling makes no difference."""


def family(task: str) -> str:
    """The name of a task without its convention of coupling."""
    return task.removesuffix(", token-coupled").removesuffix(", query-coupled")


def pooled(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """The points that agree in these names, and in the whole configuration but the seed, summed; in order of appearance.

    "lowest", "median" and "highest" are the shares of single seeds (of two in the middle the lower one): see `enclosed` for
    what they say of other seeds. Sequences of one run share its parameters, so that an interval over sequences would speak of
    the runs at hand alone. "fitted" is how many of the runs did.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        config = {key: value for key, value in row["config"].items() if key != "seed"}
        groups.setdefault(json.dumps([[row[name] for name in names], config], sort_keys=True), []).append(row)
    found: list[Row] = []
    for own in groups.values():
        right, size = sum(row["right"] for row in own), sum(row["size"] for row in own)
        shares = sorted(row["right"] / row["size"] for row in own)
        found.append({
            **{name: own[0][name] for name in names}, **{name: own[0]["config"][name] for name in ("layers", "heads", "steps")},
            "runs": len(own), "fitted": sum(row["fitted"] for row in own), "right": right, "size": size,
            "lowest": shares[0], "median": shares[(len(shares) - 1) // 2], "highest": shares[-1],
        })  # fmt: skip
    return found


def enclosed(seeds: int) -> Fraction:
    """The probability, at least, with which the lowest and the highest of n seeds enclose the median of all seeds.

    1 - 2 / 2^n, whatever the law: all n lie below a median with probability at most 1/2^n, and as rarely above.

    Examples
    --------
    >>> enclosed(5)
    Fraction(15, 16)
    """
    return 1 - Fraction(2, 2**seeds)


def counted(rows: Iterable[Row]) -> str:
    """How many seeds pooled rows have: "5 seeds", "2 to 10 seeds"."""
    runs = sorted({row["runs"] for row in rows})
    return _seeds(runs[0]) if len(runs) == 1 else f"{runs[0]} to {_seeds(runs[-1])}"


def _seeds(n: int) -> str:
    return f"{n} seed{'s' * (n > 1)}"


def drawn_as(rows: Sequence[Row]) -> str:
    """What `draw_curve` draws of all seeds, in words.

    Examples
    --------
    >>> drawn_as([{"runs": 1}])
    'through the one seed that there is'
    >>> drawn_as([{"runs": 1}, {"runs": 5}])[:43]
    'through the median seed, with a thin line a'
    """
    runs = sorted({row["runs"] for row in rows})
    if runs[-1] == 1:
        return "through the one seed that there is"
    sure = ", ".join(f"{enclosed(n)} for {_seeds(n)}" for n in dict.fromkeys((runs[0], runs[-1])))
    return (
        "through the median seed, with a thin line a seed and bars from the lowest to the highest one (they enclose the median "
        f"of all seeds with probability at least {sure})"
    )


def one_curve_each(rows: Rows, names: Sequence[str], file: str) -> None:
    """Refuse runs of two configurations where one curve is to be drawn.

    Raises
    ------
    InvalidArgument
    """
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        own = tuple(row[name] for name in names)
        if own in seen:
            said = ", ".join(f"{name} {value}" for name, value in zip(names, own, strict=True))
            raise InvalidArgument(
                "join",
                file,
                got=f"runs of two configurations for {said}",
                expected="one configuration a curve, seeds apart",
                fix="Keep them in folders of their own, and draw each with --data.",
            )
        seen.add(own)


def share(right: int, size: int) -> str:
    """Two digits, rounded down: "1.00" is all."""
    return digits(Fraction(right, size))


def draw_curve(axes: Axes, curve: Rows, seeds: Iterable[Rows], how: Series, **more: Any) -> None:
    """A curve through the median seed with bars from the lowest to the highest one, and a thin line a seed."""
    for seed in seeds:
        lengths, shares = [row["length"] for row in seed], [row["right"] / row["size"] for row in seed]
        axes.plot(lengths, shares, color=thin(how.colour), linewidth=0.45, gid="seed")
    lengths, shares = [row["length"] for row in curve], [row["median"] for row in curve]
    below = [max(value - row["lowest"], 0.0) for value, row in zip(shares, curve, strict=True)]
    above = [max(row["highest"] - value, 0.0) for value, row in zip(shares, curve, strict=True)]
    axes.errorbar(
        lengths, shares, yerr=[below, above], elinewidth=0.7, capsize=1.5, capthick=0.7, gid="pooled", zorder=3,
        **how.line(), **more,
    )  # fmt: skip
