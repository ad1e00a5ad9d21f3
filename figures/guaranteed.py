"""The guaranteed share over the test length: how much of a test law all heads are right on that are perfect in training.

Hard heads (T1), ranked ones (T13) and soft ones (T14), each for a few small classes and laws where the three differ.
`python -m figures problem` draws the same of a problem file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from math import comb
from typing import Any, NamedTuple, get_args

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import SHADE, Style, entry, legend_below, series
from proofs_check.claims.families import marked_parity
from proofs_check.spelling import digits
from theory import Example, FiniteLaw, HeadClass, Law, positions, support
from theory.exact import as_float
from theory.guarantees import Scores, guarantees
from theory.positions import Ids, renamed
from theory.tasks import Instance, Majority, Sorting, Task, find_task, sparse_parity, step_examples

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

KINDS: tuple[Scores, ...] = get_args(Scores)


class Question(NamedTuple):
    """A class of heads, trained on all of these lengths together, and tested at each of those.

    Attributes
    ----------
    law : the law of some lengths together; `tested` that of a test length, where it is another.
    """

    name: str
    heads: HeadClass
    train: Sequence[int]
    test: Sequence[int]
    law: Callable[[Sequence[int]], Law]
    tested: Callable[[int], Law] | None = None


def questions() -> list[Question]:
    """What is drawn."""
    sorting, bits = Sorting(2), sparse_parity(2)
    copy, parity = find_task("copy, query-coupled"), find_task("parity with scratchpad, token-coupled")
    local = marked_parity(2, support.local(1))
    return [
        Question(
            "sorting, IDs by order", HeadClass(2, key="order", anchor="last"), range(1, 4), range(1, 8),
            lambda lengths: steps(sorting, lengths),
        ),
        Question("majority, no positions", HeadClass(1), range(1, 11), range(1, 31), counts),
        Question(
            "marked bits, no positions", HeadClass(2), range(2, 5), range(2, 13),
            lambda lengths: steps(bits, lengths),
        ),
        Question(
            "copy, random ordered IDs", HeadClass(2, key="absolute", anchor="last"), range(1, 4), range(1, 7),
            lambda lengths: steps(copy, lengths, ordered),
        ),
        Question(
            "running parity, window 1", HeadClass(2, window=1, anchor="last", at_most=True), range(1, 3),
            range(1, 9), lambda lengths: steps(parity, lengths),
        ),
        Question(
            "marked pairs, shifted IDs", HeadClass(2, window=1, key="absolute"), [4], range(2, 10),
            lambda lengths: local.at(lengths[0], positions=positions.random_shift(0, 3)), local.at,
        ),
    ]  # fmt: skip


def steps(
    task: Task, lengths: Iterable[int], ids: Callable[[Instance], Iterable[Ids]] = lambda instance: [instance.ids]
) -> FiniteLaw:
    """All steps of all instances, alike, under some IDs."""
    listed = (instance for length in lengths for instance in task.support(length))
    return FiniteLaw.uniform(
        example for instance in listed for own in ids(instance) for example in step_examples(instance, own)
    )


def ordered(instance: Instance) -> Iterator[Ids]:
    """The IDs of an instance under every relabelling into 0..6 that keeps their order."""
    values = tuple(sorted(set(instance.ids)))
    return (renamed(instance.ids, values, new) for new in positions.RandomOrdered(0, 6).relabellings(values))


def counts(lengths: Sequence[int]) -> FiniteLaw:
    """Majority of uniform bits, one string for all with as many ones: heads of arity 1 without a key see no more."""
    task, law = Majority(), dict[Example, Fraction]()
    for n in lengths:
        for ones in range(n + 1):
            instance = task.solve((0,) * (n - ones) + (1,) * ones)
            (example,) = step_examples(instance, instance.ids)
            law[example] = Fraction(comb(n, ones), 2**n * len(lengths))
    return FiniteLaw(law)


def compute(rng: np.random.Generator) -> list[Row]:
    """The guaranteed share at every test length, exactly; None where no head is perfect in training."""
    return [row for question in questions() for row in answer(question)]


def answer(question: Question) -> Iterator[Row]:
    """The rows of one panel."""
    trained, tested = question.law(question.train), question.tested or (lambda n: question.law([n]))
    for scores in KINDS:
        for n in question.test:
            share = guarantees(question.heads, train=trained, test=tested(n), scores=scores).share
            yield {
                "panel": question.name, "scores": scores, "length": n, "trained": n in question.train,
                "share": None if share is None else str(share),
            }  # fmt: skip


def draw(rows: Rows, style: Style) -> Figure:
    """A panel a question: three curves of nested markers, as they often lie on each other."""
    names = list(dict.fromkeys(row["panel"] for row in rows))
    figure, panels = style.panels(len(names), across=3, height=1.6, extra=0.25, sharey=True)
    across = min(len(names), 3 if style.columns == 2 else 1)
    for i, (axes, name) in enumerate(zip(panels, names, strict=True)):
        own = [row for row in rows if row["panel"] == name]
        missing = _panel(axes, own)
        lines = textwrap.wrap(name, 28) + ([f"(no {' or '.join(missing)} head)"] if missing else [])
        axes.set_title("\n".join(lines))
        if i % across == 0:
            axes.set_ylabel("guaranteed share")
        if i + across >= len(names):
            axes.set_xlabel("test length")
    drawn = [kind for kind in KINDS if any(row["scores"] == kind for row in rows)]
    handles = [entry(SAID[kind], **line_of(kind)) for kind in drawn]
    if any(row["trained"] for row in rows):
        handles.append(entry("training lengths", color=SHADE, linewidth=5))
    legend_below(figure, handles, columns=4 if style.columns == 2 else 2)
    return figure


SAID: dict[Scores, str] = {"hard": "hard heads (T1)", "ranked": "ranked heads (T13)", "soft": "soft heads (T14)"}
"""{kind of heads: what a legend says}."""


def line_of(kind: Scores) -> dict[str, Any]:
    """Nested markers, since curves often lie on each other."""
    return {**series(KINDS.index(kind)).line(), "markersize": (6.0, 4.2, 2.4)[KINDS.index(kind)]}


def training_shade(axes: Axes, rows: Rows) -> None:
    """Shade the lengths of training."""
    for n in sorted({row["length"] for row in rows if row["trained"]}):
        axes.axvspan(n - 0.5, n + 0.5, color=SHADE, linewidth=0, zorder=0)


def _panel(axes: Axes, rows: Rows) -> list[str]:
    """Draw the curves; the kinds of heads none of which is perfect in training."""
    lengths = sorted({row["length"] for row in rows})
    training_shade(axes, rows)
    missing: list[str] = []
    for kind in KINDS:
        own = [row for row in rows if row["scores"] == kind]
        curve = [(row["length"], as_float(Fraction(row["share"]))) for row in own if row["share"] is not None]
        if curve:
            axes.plot([n for n, _ in curve], [share for _, share in curve], gid=kind, clip_on=False, **line_of(kind))
        elif own:
            missing.append(kind)
    axes.set(ylim=(-0.04, 1.04), xlim=(lengths[0] - 0.5, lengths[-1] + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return missing


def alt(rows: Rows) -> str:
    """The share at the greatest length."""
    said = []
    for name in dict.fromkeys(row["panel"] for row in rows):
        own = [row for row in rows if row["panel"] == name]
        longest = max(row["length"] for row in own)
        last = [f"{row['scores']} {_word(row['share'])}" for row in own if row["length"] == longest]
        seen = sorted({row["length"] for row in own if row["trained"]})
        trained = f", trained on {_range(seen)}" if seen else ""
        said.append(f"{name}{trained}, at length {longest}: {', '.join(last)}")
    return (
        "The exact share of the test law on which every head is right that is perfect in training, against the test length, "
        f"for hard heads (T1), ranked ones (T13) and soft ones (T14): {'; '.join(said)}."
    )


def _range(lengths: list[int]) -> str:
    whole = len(lengths) > 2 and lengths[-1] - lengths[0] == len(lengths) - 1
    return f"{lengths[0]} to {lengths[-1]}" if whole else " and ".join(map(str, lengths))


def _word(share: str | None) -> str:
    return "no head" if share is None else digits(Fraction(share))


PLOT = Plot("guaranteed-share", "The guaranteed share against the test length (T1, T13, T14)", draw, alt, compute)
