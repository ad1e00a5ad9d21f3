"""How many samples the learners need (T9): the elimination learner and the minimal learner, beside the bound.

Left, a law so small that the law of the learned head is exact. Right, a certifying training length: the loss far beyond it.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations
from math import comb, log

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import INK, Style, entry, legend_below, series
from idealized_model import eliminate, loss, minimal
from proofs_check.claims.families import marked_parity
from theory import Example, HardHead, HeadClass, Law, retention
from theory.exact import as_float

from matplotlib.figure import Figure

LEARNERS = {"elimination": eliminate, "minimal": minimal}
PAIRS = HeadClass(2)
DELTA = Fraction(1, 10)
EXACT_SIZES = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)
SAMPLED_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
REPEATS = 100
TRAIN, TEST = 4, 10


def compute(rng: np.random.Generator) -> list[Row]:
    """Two marked bits among constant noise; left from length 3, right from length 4 to length 10."""
    return [*_exact(marked_parity(2).at(3)), *_sampled(rng)]


def _exact(law: Law) -> list[Row]:
    """The error that is exceeded with probability at most δ, exactly, and the bound of T9.

    A learned head depends on the set of examples that the sample shows. All are equally likely here, so that n draws show
    exactly a given set of m with probability Σ_j (-1)^j C(m, j) (m - j)^n / |law|^n.
    """
    examples = list(law.table())
    assert set(law.table().values()) == {1}
    total = len(examples)
    views = {view for example in examples for view in PAIRS.views(example)}
    rows: list[Row] = []
    for learner, learn in LEARNERS.items():
        errors: Counter[tuple[int, int]] = Counter()  # (examples seen, examples of positive loss): how many sets
        for seen in range(1, total + 1):
            for sample in combinations(examples, seen):
                errors[seen, _wrong(learn(PAIRS, sample), examples)] += 1
        for n in EXACT_SIZES:
            law_of_error: Counter[int] = Counter()
            for (seen, wrong), sets in errors.items():
                law_of_error[wrong] += sets * sum((-1) ** j * comb(seen, j) * (seen - j) ** n for j in range(seen + 1))
            assert sum(law_of_error.values()) == total**n
            rows.append(
                {
                    "panel": "exact", "learner": learner, "samples": n,
                    "error": str(Fraction(_quantile(law_of_error, DELTA * total**n), total)),
                    "bound": bound(len(views), n),
                }
            )  # fmt: skip
    return rows


def _wrong(head: HardHead, examples: list[Example]) -> int:
    return sum(head.loss(example) > 0 for example in examples)


def _quantile(weights: Counter[int], most: Fraction) -> int:
    """The smallest value that is exceeded with a weight of at most `most`."""
    above = sum(weights.values())
    for value in sorted(weights):
        above -= weights[value]
        if above <= most:
            return value
    raise AssertionError("the largest value is never exceeded")


def bound(n_views: int, n: int) -> float:
    """ε of T9 for two labels: (M ln 3 + ln(1/δ)) / n."""
    return (n_views * log(3) + log(1 / DELTA)) / n


def _sampled(rng: np.random.Generator) -> list[Row]:
    """Test losses, exact for each learned head, of `REPEATS` samples; T9 with T11's factor bounds all but δ of them."""
    ens = marked_parity(2)
    train, test = ens.at(TRAIN), ens.at(TEST)
    views = {view for example in train.support() for view in PAIRS.views(example)}
    factor = retention(PAIRS, train=train, test=test).value
    assert isinstance(factor, Fraction)
    known: dict[tuple[str, frozenset[Example]], Fraction] = {}
    rows: list[Row] = []
    for n in SAMPLED_SIZES:
        samples = [frozenset(train.sample(rng, n)) for _ in range(REPEATS)]
        for learner, learn in LEARNERS.items():
            losses = []
            for seen in samples:
                if (learner, seen) not in known:
                    known[learner, seen] = loss(learn(PAIRS, sorted(seen, key=repr)), test)
                losses.append(known[learner, seen])
            worst = sorted(losses)[REPEATS - 1 - int(DELTA * REPEATS)]
            rows.append(
                {
                    "panel": "sampled", "learner": learner, "samples": n, "error": str(worst),
                    "mean": str(sum(losses, Fraction(0)) / REPEATS), "perfect": losses.count(Fraction(0)),
                    "repeats": REPEATS, "bound": as_float(factor) * bound(len(views), n),
                }
            )  # fmt: skip
    return rows


def draw(rows: Rows, style: Style) -> Figure:
    """Two log-log panels; zero is drawn on the lower edge."""
    figure, panels = style.panels(2, across=2, height=2.0, extra=0.25 if style.columns == 2 else 0.5, sharey=True)
    learners = list(dict.fromkeys(row["learner"] for row in rows))
    for axes, panel in zip(panels, ("exact", "sampled"), strict=True):
        mine = [row for row in rows if row["panel"] == panel]
        for i, learner in enumerate(learners):
            own = [row for row in mine if row["learner"] == learner]
            errors = [as_float(Fraction(row["error"])) for row in own]
            axes.plot([row["samples"] for row in own], errors, clip_on=False, zorder=3, **series(i).line())
        own = [row for row in mine if row["learner"] == learners[0]]
        axes.plot([row["samples"] for row in own], [row["bound"] for row in own], color=INK, linestyle=(0, (1.2, 1.2)))
        axes.set_xscale("log", base=2)
        axes.set_yscale("symlog", linthresh=0.01, linscale=0.5)
        axes.set(xlabel="samples", ylim=(0, 1.02), title=_TITLES[panel])
        axes.set_yticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        ticks = [row["samples"] for row in own if row["samples"].bit_count() == 1]
        axes.set_xticks(ticks[::2], [str(n) for n in ticks[::2]])
    panels[0].set_ylabel("error, exceeded at most 1 in 10")
    panels[1].set_ylabel("loss, exceeded at most 1 in 10" if style.columns == 1 else "")
    handles = [entry(f"{learner} learner", **series(i).line()) for i, learner in enumerate(learners)]
    handles.append(entry(f"bound of T9 (at length {TEST}: with T11)", color=INK, linestyle=(0, (1.2, 1.2))))
    legend_below(figure, handles, columns=len(handles) if style.columns == 2 else 1)
    return figure


_TITLES = {"exact": "error at the training length (exact)", "sampled": f"loss at length {TEST}, trained at {TRAIN}"}


def alt(rows: Rows) -> str:
    """From how many samples on the error is 0, and the share of perfect heads."""
    learners = list(dict.fromkeys(row["learner"] for row in rows))
    said = []
    for panel, what in (("exact", "error at the training length"), ("sampled", f"loss at length {TEST}")):
        parts = []
        for learner in learners:
            own = [row for row in rows if (row["panel"], row["learner"]) == (panel, learner)]
            first = next((row["samples"] for row in own if row["error"] == "0"), None)
            parts.append(f"{learner} from {first} samples on" if first else f"{learner} at none of these sizes")
        said.append(f"the {what} is 0 for the {' and '.join(parts)}")
    looser = min(
        row["bound"] / as_float(Fraction(row["error"])) for row in rows if row["error"] != "0" and row["bound"] <= 1
    )
    return (
        "Two plots against the number of samples, for the elimination learner and the minimal learner: the level that the "
        f"error exceeds with probability at most {DELTA}, computed exactly at training length 3; and the same of the test "
        f"loss over {REPEATS} samples of length {TRAIN}. With that certainty {'; '.join(said)}. The bound of T9 lies above "
        f"all points, where it is below 1 by a factor of at least {looser:.1f}."
    )


PLOT = Plot("learning", "How many samples the learners need (T9)", draw, alt, compute)
