"""How much a loss grows from training to test (T3): with exponent k without locality, with exponent 1 with it.

The head of T3a's proof nearly reaches κ: among noise of which one token is rare, it answers every planted view rightly,
and also one view of k rare tokens, wrongly for half of the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import comb, log

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import INK, Style, entry, legend_below, series
from proofs_check.claims.families import marked_parity
from proofs_check.claims.t3a import rare_noise_loss
from theory import HeadClass, pattern_masses, support
from theory.exact import as_float

from matplotlib.figure import Figure

TRAIN = 8
TESTS = (8, 10, 12, 16, 24, 32, 48, 64, 96, 128)
RARE = 10**6
"""One noise token of so many is the rare one."""

WITHOUT = (1, 2, 3)
"""Arities of the left panel: uniform supports, no key, no window."""

WITH = ((2, 1), (2, 2), (3, 2))
"""(arity, width) of the right panel: local supports, the relative key, a window of the same width."""


def compute(rng: np.random.Generator) -> list[Row]:
    """κ, T3's factor and the growth of the rare-noise head's loss, exactly; only the growth is rounded, once."""
    return [*_rows(None), *_rows("local")]


def _rows(support_law: str | None) -> Iterator[Row]:
    settings = [(k, None) for k in WITHOUT] if support_law is None else list(WITH)
    for k, width in settings:
        law = support.uniform() if width is None else support.local(width)
        heads = HeadClass(k) if width is None else HeadClass(k, width, "relative")
        ens = marked_parity(k, law)
        trained = pattern_masses(heads, ens.at(TRAIN))
        n_train = heads.n_candidates(tuple(range(TRAIN)))
        losses: Mapping[int, Fraction] = {}
        for test in TESTS:
            masses = pattern_masses(heads, ens.at(test))
            kappa = max(mass / trained[p] for p, mass in masses.items() if p.n_noise == k)
            assert kappa == max(mass / trained[p] for p, mass in masses.items())  # a pattern of noise alone decides
            if width is None:
                losses = {n: rare_noise_loss(k, n, Fraction(1, RARE), Fraction(1, 2)) for n in (TRAIN, test)}
            elif test == TESTS[0]:
                key = max((mass / trained[p], p) for p, mass in pattern_masses(heads, ens.at(TESTS[-1])).items())[1].key
                losses = local_rare_noise_losses(k, width, key, TESTS[-1], RARE)
            yield {
                "support": "uniform" if width is None else f"local, width {width}",
                "arity": k,
                "train_length": TRAIN,
                "test_length": test,
                "kappa": str(kappa),
                "candidates_in_training": n_train,
                "bound": str(kappa * n_train),
                "growth_of_rare_noise_head": as_float(losses[test] / losses[TRAIN]),
                "test_loss_of_rare_noise_head": as_float(losses[test]),
            }


def local_rare_noise_losses(
    arity: int, width: int, key: tuple[int, ...], longest: int, rare: int
) -> dict[int, Fraction]:
    """{length: the exact loss of the rare-noise head} for local supports: it selects k rare tokens with this key.

    Position by position over (which of the last `width` tokens are rare, how much of S* is placed, how many candidates of
    k rare tokens are complete): every local set is equally likely, so their weights add up. With C such candidates the
    loss is C / (1 + C) for half of the labels.
    """
    gaps = [key[-1] - offset for offset in key]  # back from the last of the candidate
    recent, free, whole = (1 << width) - 1, (0, 0), (arity, 0)
    # State: (rare among the last, (placed, positions since the first)); value: weights by the number of candidates.
    states: dict[tuple[int, tuple[int, int]], list[int]] = {(0, free): [1]}
    losses: dict[int, Fraction] = {}
    for length in range(1, longest + 1):
        after: dict[tuple[int, tuple[int, int]], list[int]] = {}
        for (bits, (placed, since)), weights in states.items():
            started = 0 < placed < arity
            if placed < arity and not (started and since + 1 > width):  # the next planted token stands here
                now = placed + 1
                done = whole if now == arity else (now, since + 1 if started else 0)
                _add(after, ((bits << 1) & recent, done), weights, 1, 0)
            if not (started and since + 1 >= width):  # noise stands here, and the rest of S* still fits
                kept = (placed, since + 1) if started else (placed, 0)
                tokens = bits << 1 | 1
                hit = all(tokens >> gap & 1 for gap in gaps)
                _add(after, ((bits << 1) & recent, kept), weights, rare - 1, 0)
                _add(after, (tokens & recent, kept), weights, 1, int(hit))
        states = after
        complete = [weights for (_, placed), weights in states.items() if placed == whole]
        n_sets = sum(
            comb(length - 1 - start if length - 1 - start < width else width, arity - 1) for start in range(length)
        )
        if complete and n_sets:
            total = rare ** (length - arity) * n_sets
            wrong = sum(
                (Fraction(c * w, 1 + c) for weights in complete for c, w in enumerate(weights) if w), Fraction(0)
            )
            losses[length] = wrong / total / 2
    return losses


def _add(
    states: dict[tuple[int, tuple[int, int]], list[int]],
    state: tuple[int, tuple[int, int]],
    weights: list[int],
    factor: int,
    more: int,
) -> None:
    """Add factor · weights, with `more` candidates more, to a state."""
    into = states.setdefault(state, [])
    into.extend([0] * (len(weights) + more - len(into)))
    for c, weight in enumerate(weights):
        into[c + more] += factor * weight


def draw(rows: Rows, style: Style) -> Figure:
    """Two panels with one axis of losses; lines are bounds, points are exact."""
    figure, panels = style.panels(2, across=2, height=2.35, extra=0.5 if style.columns == 2 else 0.75, sharey=True)
    for axes, uniform in zip(panels, (True, False), strict=True):
        mine = [row for row in rows if (row["support"] == "uniform") == uniform]
        kinds = list(dict.fromkeys((row["arity"], row["support"]) for row in mine))
        handles = []
        for i, (arity, law) in enumerate(kinds):
            own = [row for row in mine if (row["arity"], row["support"]) == (arity, law)]
            how, lengths = series(i), [row["test_length"] for row in own]
            kappa, bound = ([as_float(Fraction(row[name])) for row in own] for name in ("kappa", "bound"))
            axes.plot(lengths, kappa, color=how.colour, linestyle="-", gid="kappa")
            axes.plot(
                lengths, bound, color=how.colour, linestyle=(0, (4, 1.5)), marker=how.marker, markersize=2.5,
                markevery=3, gid="bound",
            )  # fmt: skip
            axes.plot(
                lengths, [row["growth_of_rare_noise_head"] for row in own], linestyle="none", color=how.colour,
                marker=how.marker, markerfacecolor="white", gid="exact",
            )  # fmt: skip
            name = f"k = {arity}" + ("" if uniform else f", width {law.rsplit(' ')[-1]}")
            handles.append(entry(name, color=how.colour, marker=how.marker, markerfacecolor="white"))
        axes.set(xscale="log", yscale="log", xlabel="test length", title=_TITLES[uniform])
        axes.set_xticks([8, 16, 32, 64, 128], ["8", "16", "32", "64", "128"])
        axes.set_xticks([], minor=True)
        axes.legend(handles=handles, loc="upper left", handlelength=1.6)
        if uniform or style.columns == 1:
            axes.set_ylabel("test loss / training loss")
    legend_below(
        figure,
        [
            entry("exact, a head with rare noise", color=INK, linestyle="none", marker="o", markerfacecolor="white"),
            entry("growth of the candidates, κ", color=INK),
            entry("bound of T3", color=INK, linestyle=(0, (4, 1.5)), marker="o", markersize=2.5),
        ],
        columns=3 if style.columns == 2 else 1,
    )
    return figure


_TITLES = {True: "without locality: exponent k", False: "with locality: exponent 1"}


def slope(rows: Rows, arity: int, law: str) -> float:
    """The log-log slope of the exact points over the last doubling."""
    grown = {
        row["test_length"]: row["growth_of_rare_noise_head"]
        for row in rows
        if (row["arity"], row["support"]) == (arity, law)
    }
    longest = max(grown)
    return log(grown[longest] / grown[longest // 2]) / log(2)


def alt(rows: Rows) -> str:
    """Slopes, and how near the exact points come to κ."""
    kinds = list(dict.fromkeys((row["arity"], row["support"]) for row in rows))
    slopes = "; ".join(f"k = {k}, {law}: {slope(rows, k, law):.2f}" for k, law in kinds)
    below = max(1 - row["growth_of_rare_noise_head"] / as_float(Fraction(row["kappa"])) for row in rows)
    longest = max(row["test_length"] for row in rows)
    return (
        f"Two log-log plots of the growth of the loss from training length {TRAIN} to test lengths up to {longest}, "
        f"without locality and with it. The exact loss of a head that errs on rare noise lies on κ, the growth of the "
        f"candidates (at most {100 * below:.2f} % below it); the bound of T3 is parallel above it, by the number of "
        f"candidates in training. "
        f"Slopes over the last doubling: {slopes}."
    )


PLOT = Plot("transfer", "How much a loss grows from training to test (T3)", draw, alt, compute)
