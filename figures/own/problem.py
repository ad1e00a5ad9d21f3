"""A problem file as a picture: losses and their bounds, guaranteed shares, and coverage, by length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import inf, log
from typing import Any

from figures.coverage_maps import growth, ticks_of
from figures.guaranteed import KINDS, SAID, line_of, training_shade
from figures.own.places import Places, chosen, laid_out
from figures.plot import Plot, Row, Rows
from figures.style import INK, MAP, SHADE, Style, entry, heat, series
from proofs_check.problem import Problem
from proofs_check.spelling import digits
from theory import BudgetExceeded, FiniteLaw, InvalidArgument, Law, coverage, decide, pattern_masses, retention
from theory.errors import AssumptionViolated, NotConverged, check, check_type
from theory.exact import as_float
from theory.examples import Mixture
from theory.guarantees import Head, guarantees
from theory.listed import list_law
from theory.planted import PlantedLaw

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

WHERE = "problem"
PANELS = ("losses", "bounds", "shares", "coverage")
BUDGET = 20_000
"""Examples of a law at most: a figure takes seconds."""

MOST = 200
"""Lengths at most."""


def draw_problem(
    problem: Problem,
    *,
    lengths: Iterable[int] | None = None,
    panels: Iterable[str] | None = None,
    axes: Axes | Iterable[Axes] | None = None,
    style: Style | None = None,
    budget: int = BUDGET,
) -> Figure:
    """Draw a problem by length: a head's loss with its bounds, the guaranteed shares, and κ over (training, test) lengths.

    Parameters
    ----------
    problem : of `read_problem`; its head is drawn, or else the counterexample of `decide` to the first length that has one.
    lengths : of tests; default: up to that of the file, and at least twice the longest in training. Only where the test
        law is one planted ensemble.
    panels : some of "losses", "bounds", "shares", "coverage"; default: all that there are.
    axes : an Axes a panel; default: a new figure.
    style : its size.
    budget : examples of a law at most; what is larger is left out.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidArgument : for lengths that the law does not have, other panels, or another number of Axes.

    Examples
    --------
    >>> from proofs_check.problem_files import problem_from_dict
    >>> problem = problem_from_dict({
    ...     "heads": {"arity": 1}, "train": [{"length": 2}], "test": [{"length": 4}],
    ...     "ensemble": {"vocabulary": 2, "background": [1, 0], "support": {"kind": "uniform"},
    ...                  "planted": [{"word": [1], "probability": 1, "label": "yes"}]}})
    >>> figure = draw_problem(problem, lengths=range(2, 5))
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['test loss / training loss', 'guaranteed share', 'growth of the candidates, κ']

    Cost: that of `guarantees` for every kind of heads and of `coverage` and `retention`, at every length.
    Source: T1, T3, T11, T13 and T14 in docs/theory.md.
    """
    check_type(problem, Problem, "draw_problem", "problem", "a Problem", "Take read_problem(path).")
    return draw(rows_of(problem, lengths=lengths, budget=budget), style or Style(), axes, panels)


# ── What is drawn ────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(problem: Problem, *, lengths: Iterable[int] | None = None, budget: int = BUDGET) -> list[Row]:
    """A row a loss, a share and a κ, exactly; None with the reason where there is none."""
    trained = lengths_of(problem.train, budget)
    tests = dict(_tests(problem, lengths, budget))
    fix = "Give others with --lengths."
    check(tests, WHERE, "lengths", got="no length that the test law has", expected="one at least", fix=fix)
    factors = {n: _factors(problem, law, budget) for n, law in tests.items()}
    rows: list[Row] = [*_losses(problem, tests, factors, budget)]
    rows += [
        {"kind": "bound", "length": n, **{name: str(value) for name, value in own.items()}}
        for n, own in factors.items()
        if own
    ]
    rows += [*_shares(problem, tests, budget), *_coverage(problem, sorted(tests))]
    return [{**row, "trained": row["length"] in trained} for row in rows]


def lengths_of(law: Law, budget: int = BUDGET) -> frozenset[int]:
    """The lengths of the examples of a law."""
    if isinstance(law, PlantedLaw):
        return frozenset({law.length})
    if isinstance(law, Mixture):
        return frozenset().union(*(lengths_of(part, budget) for part, _ in law.components))
    return frozenset(len(example.tokens) for example in law.support())


def _tests(problem: Problem, lengths: Iterable[int] | None, budget: int) -> Iterator[tuple[int, Law]]:
    """The test law at each length: of one planted ensemble at any, of others at those that it has."""
    law = problem.test
    if not isinstance(law, PlantedLaw):
        fix = "Leave them out, or keep one [[test]] of the ensemble."
        got = f"lengths for a test law of kind {type(law).__name__}"
        check(lengths is None, WHERE, "lengths", got=got, expected="one planted ensemble", fix=fix)
        listed = list_law(law, WHERE, "test", budget)
        for n in sorted({len(example.tokens) for example in listed.table}):
            own = {example: weight for example, weight in listed.table.items() if len(example.tokens) == n}
            yield n, FiniteLaw({e: Fraction(weight, sum(own.values())) for e, weight in own.items()}, labels=law.labels)
        return
    if lengths is None:
        lengths = range(1, max(law.length, 2 * max(lengths_of(problem.train, budget))) + 1)
    asked = sorted(set(lengths))
    check(
        len(asked) <= MOST, WHERE, "lengths", got=f"{len(asked)} lengths", expected=f"at most {MOST}", fix="Draw fewer."
    )
    for n in asked:
        try:
            yield n, law.ensemble.at(n, positions=law.positions)
        except InvalidArgument:  # no such length, or too few IDs for it
            continue


def _head(problem: Problem, tests: dict[int, Law], budget: int) -> tuple[str, Head] | None:
    """The head of the file; or a counterexample, to its test law or to the first length that has one."""
    own = problem.head or problem.ranked
    if own is not None:
        return "the head of the file", own
    for said, law in [("", problem.test), *((f" to length {n}", law) for n, law in tests.items())]:
        try:
            found = decide(problem.heads, train=problem.train, test=law, scores=problem.scores, budget=budget)
        except (BudgetExceeded, NotConverged):
            continue
        if found.outcome == "unrealizable":
            return None
        if found.counterexample is not None:
            return f"counterexample{said}", found.counterexample
    return None


def _losses(
    problem: Problem, tests: dict[int, Law], factors_at: dict[int, dict[str, Fraction | float]], budget: int
) -> Iterator[Row]:
    """The exact loss at every length, and T3's and T11's bounds on that of a head with this training loss."""
    found = _head(problem, tests, budget)
    if found is None:
        return
    name, head = found
    before = _loss(head, problem.train, budget)
    for n, law in tests.items():
        factors = factors_at[n] if before is not None else {}
        yield {
            "kind": "loss", "length": n, "head": name, "scores": problem.scores, "train_loss": _text(before),
            "loss": _text(_loss(head, law, budget)), **dict.fromkeys(BOUNDS),
            **{name: _times(value, before) for name, value in factors.items()},
        }  # fmt: skip


def _times(factor: Fraction | float, loss: Fraction | None) -> str | None:
    return None if loss is None else str(inf) if factor == inf else str(Fraction(factor) * loss)


def _loss(head: Head, law: Law, budget: int) -> Fraction | None:
    """None where the law is too large to list."""
    try:
        listed = list_law(law, WHERE, "test", budget)
    except BudgetExceeded:
        return None
    return sum((weight * head.loss(e) for e, weight in listed.table.items()), Fraction(0)) / listed.denominator


def _factors(problem: Problem, law: Law, budget: int) -> dict[str, Fraction | float]:
    """What T3 and T11 multiply a training loss with, where they speak of such laws and heads, and that is quick."""
    if problem.scores != "hard" or not (isinstance(law, PlantedLaw) and isinstance(problem.train, PlantedLaw)):
        return {}
    try:
        factor = coverage(problem.heads, train=problem.train, test=law, budget=budget).factor
        kept = retention(problem.heads, train=problem.train, test=law, budget=budget).value
    except (BudgetExceeded, NotConverged, InvalidArgument, AssumptionViolated):
        return {}
    return {"T3": factor, "T11": kept}


def _text(value: Fraction | float | None) -> str | None:
    return None if value is None else str(value)


def _shares(problem: Problem, tests: dict[int, Law], budget: int) -> Iterator[Row]:
    """The guaranteed share of every kind of heads at every length."""
    for scores in KINDS:
        for n, law in tests.items():
            row: dict[str, Any] = {"kind": "share", "length": n, "scores": scores, "share": None, "why": None}
            try:
                share = guarantees(problem.heads, train=problem.train, test=law, scores=scores, budget=budget).share
            except BudgetExceeded:
                row["why"] = "too large"
            except NotConverged:
                row["why"] = "inconclusive"
            else:
                row |= {"share": _text(share), "why": "no head" if share is None else None}
            yield row


def _coverage(problem: Problem, lengths: list[int]) -> Iterator[Row]:
    """κ for every pair of lengths, a test as long as training at least."""
    train, test = problem.train, problem.test
    if not (isinstance(train, PlantedLaw) and isinstance(test, PlantedLaw)):
        return
    masses: dict[tuple[bool, int], Any] = {}
    for law, tested in ((train, False), (test, True)):
        for n in lengths:
            try:
                masses[tested, n] = pattern_masses(problem.heads, law.ensemble.at(n, positions=law.positions))
            except (InvalidArgument, BudgetExceeded):
                continue
    for m in lengths:
        for n in lengths:
            if n >= m and (False, m) in masses and (True, n) in masses:
                kappa = growth(masses[False, m], masses[True, n])
                yield {"kind": "coverage", "train_length": m, "length": n, "kappa": str(kappa)}


# ── The figure ───────────────────────────────────────────────────────────────────────────────────────────────────────

KIND_OF = {"losses": "loss", "bounds": "bound", "shares": "share", "coverage": "coverage"}
_HEAD: dict[str, Any] = series(0).line()
BOUNDS: dict[str, dict[str, Any]] = {
    "T3": {"color": series(3).colour, "linestyle": (0, (4, 1.5)), "linewidth": 0.9},
    "T11": {"color": INK, "linestyle": (0, (1.2, 1.2)), "linewidth": 0.9},
}
_DOTS: dict[str, dict[str, Any]] = {"T3": {"marker": "X", "markersize": 4.0}, "T11": {"marker": ".", "markersize": 5.0}}
"""Where a factor is drawn, a length may stand alone: it has a mark."""


def draw(
    rows: Rows, style: Style, axes: Axes | Iterable[Axes] | None = None, panels: Iterable[str] | None = None
) -> Figure:
    """The panels that have rows."""
    there = [panel for panel in PANELS if any(row["kind"] == KIND_OF[panel] for row in rows)]
    if any(row["kind"] == "loss" and row["train_loss"] not in (None, "0") for row in rows):
        there = [panel for panel in there if panel != "bounds"]  # they stand beside the losses
    asked = chosen(panels, there, "draw_problem")
    with laid_out(PLOT.title) as made:
        places = Places(axes, asked, "draw_problem", style, across=2 + len(asked) % 2, height=2.0, extra=0.3)
        handles = []
        for panel, own in zip(asked, places.axes, strict=True):
            found = [row for row in rows if row["kind"] == KIND_OF[panel]]
            handles.append(_DRAW[panel](own, found, places))
        if places.given:
            for own, entries in zip(places.axes, handles, strict=True):
                if entries:
                    own.legend(handles=entries)
        else:
            together = {one.get_label(): one for entries in handles for one in entries}
            places.legend(list(together.values()), columns=4 if style.columns == 2 else 2)
        made.append(places.figure)
    return places.figure


def _loss_panel(axes: Axes, rows: Rows, places: Places) -> list[Any]:
    name, kind = rows[0]["head"], rows[0]["scores"]
    before = rows[0]["train_loss"]
    handles = [entry(f"{name}, {kind}" + (f" (loss {before} in training)" if before else ""), **_HEAD)]
    known = [(row["length"], as_float(Fraction(row["loss"]))) for row in rows if row["loss"] is not None]
    training_shade(axes, rows)
    for bound, how in BOUNDS.items():
        own = [(row["length"], row[bound]) for row in rows]
        curve = [(n, min(as_float(Fraction(value)), 1.0)) for n, value in own if value not in (None, "inf")]
        if curve:
            axes.plot([n for n, _ in curve], [value for _, value in curve], gid=bound, clip_on=False, **how)
            handles.append(entry(f"at most ({bound})", **how))
    axes.plot([n for n, _ in known], [loss for _, loss in known], gid="loss", clip_on=False, zorder=3, **_HEAD)
    _framed(axes, rows, "loss")
    return [*handles, *_shade(rows)]


def _bound_panel(axes: Axes, rows: Rows, places: Places) -> list[Any]:
    training_shade(axes, rows)
    handles, greatest = [], 1.0
    for bound, how in BOUNDS.items():
        curve = [(row["length"], as_float(Fraction(row[bound]))) for row in rows if row[bound] != "inf"]
        greatest = max([greatest, *(value for _, value in curve)])
        if curve:
            axes.plot([n for n, _ in curve], [value for _, value in curve], gid=bound, **how, **_DOTS[bound])
            handles.append(entry(f"at most ({bound})", **how, **_DOTS[bound]))
    _framed(axes, rows, "test loss / training loss")
    axes.set(yscale="log", ylim=(0.8, 1.5 * greatest))
    ticks = _few(ticks_of([greatest]))
    axes.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    if any(row[bound] == "inf" for row in rows for bound in BOUNDS):
        axes.set_title(f"{axes.get_title()}\n(no bound where nothing is drawn)")
    return [*handles, *_shade(rows)]


def _few(ticks: list[float]) -> list[float]:
    """Seven at most of those on a scale of logarithms, the first and the last among them, none near the last."""
    *others, last = ticks
    return [*(tick for tick in others[:: -(-len(others) // 6) or 1] if log(tick) <= 7 / 8 * log(last)), last]


def _share_panel(axes: Axes, rows: Rows, places: Places) -> list[Any]:
    training_shade(axes, rows)
    handles, missing = [], []
    for kind in KINDS:
        own = [row for row in rows if row["scores"] == kind]
        curve = [(row["length"], as_float(Fraction(row["share"]))) for row in own if row["share"] is not None]
        if curve:
            axes.plot([n for n, _ in curve], [share for _, share in curve], gid=kind, clip_on=False, **line_of(kind))
            handles.append(entry(SAID[kind], **line_of(kind)))
        else:
            missing.append((kind, {row["why"] for row in own}))
    _framed(axes, rows, "guaranteed share")
    none = [kind for kind, why in missing if why == {"no head"}]
    open_ = [kind for kind, why in missing if why != {"no head"}]
    said = [f"no {' or '.join(none)} head" if none else "", f"{', '.join(open_)}: too large" if open_ else ""]
    if any(said):
        axes.set_title(f"{axes.get_title()}\n({'; '.join(filter(None, said))})")
    return [*handles, *_shade(rows)]


def _shade(rows: Rows) -> list[Any]:
    return [entry("training lengths", color=SHADE, linewidth=5)] if any(row["trained"] for row in rows) else []


def _framed(axes: Axes, rows: Rows, title: str) -> None:
    lengths = sorted({row["length"] for row in rows})
    axes.set(ylim=(-0.04, 1.04), xlim=(lengths[0] - 0.5, lengths[-1] + 0.5), xlabel="test length", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _coverage_panel(axes: Axes, rows: Rows, places: Places) -> list[Any]:
    trains, tests = (sorted({row[name] for row in rows}) for name in ("train_length", "length"))
    every = sorted({*trains, *tests})
    at = {n: i for i, n in enumerate(every)}
    kappas = {(at[row["length"]], at[row["train_length"]]): row["kappa"] for row in rows}
    cells = {cell: None if kappa == "inf" else as_float(Fraction(kappa)) for cell, kappa in kappas.items()}
    finite = [value for value in cells.values() if value is not None]
    norm = LogNorm(1, max([2.0, *finite]), clip=True)
    heat(axes, cells, norm=norm, colours=colormaps[MAP])
    step = -(-len(every) // 6)
    shown = list(range(0, len(every), step))
    axes.set_xticks(shown, [str(every[i]) for i in shown])
    axes.set_yticks(shown, [str(every[i]) for i in shown])
    axes.set(
        xlabel="test length", ylabel="training length", title="growth of the candidates, κ",
        xlim=(-0.5, len(every) - 0.5), ylim=(len(every) - 0.5, -0.5),
    )  # fmt: skip
    if finite:
        bar = places.figure.colorbar(ScalarMappable(norm, colormaps[MAP]), ax=axes, fraction=0.08, pad=0.02)
        ticks = ticks_of([max([2.0, *finite])])
        bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks], minor=False)
        bar.ax.minorticks_off()
        bar.ax.grid(visible=False)
        bar.ax.set_xlabel("κ")
        bar.outline.set_visible(False)
    if None in cells.values():
        axes.text(0.02, 0.02, "hatched: infinite", transform=axes.transAxes, va="bottom")
    return []


_DRAW = {"losses": _loss_panel, "bounds": _bound_panel, "shares": _share_panel, "coverage": _coverage_panel}


def alt(rows: Rows) -> str:
    """The values at the greatest length of each panel."""
    said = []
    losses = [row for row in rows if row["kind"] == "loss" and row["loss"] is not None]
    if losses:
        last = losses[-1]
        sure = [f"{last[name]} by {name}" for name in BOUNDS if last[name] not in (None, "inf")]
        at_most = f", at most {' and '.join(sure)}" if sure else ""
        before = "" if last["train_loss"] is None else f" with training loss {last['train_loss']}"
        said.append(
            f"the {last['head'].removeprefix('the ')}{before} has loss {last['loss']} at length {last['length']}{at_most}"
        )
    bounds = [row for row in rows if row["kind"] == "bound"]
    if bounds:
        last = bounds[-1]
        words = [
            f"at most {last[name]} ({name})" if last[name] != "inf" else f"not bounded by {name}" for name in BOUNDS
        ]
        said.append(f"test loss over training loss at length {last['length']} is {' and '.join(words)}")
    shares = [row for row in rows if row["kind"] == "share"]
    longest = max(row["length"] for row in shares)
    words = [
        f"{row['scores']} {row['why'] if row['share'] is None else digits(Fraction(row['share']))}"
        for row in shares
        if row["length"] == longest
    ]
    where = f"the share of tests of length {longest} on which every head is right that is perfect in training"
    said.append(f"{where}: {', '.join(words)}")
    kappas = [row for row in rows if row["kind"] == "coverage"]
    if kappas:
        from_ = [
            row for row in kappas if row["length"] == max(one["length"] for one in kappas) and row["kappa"] != "inf"
        ]
        least = min((row["train_length"] for row in from_), default=None)
        said.append(
            f"κ to length {max(row['length'] for row in kappas)} is "
            + ("infinite from every training length" if least is None else f"finite from training length {least} on")
        )
    trained = sorted({row["length"] for row in rows if row["trained"] and row["kind"] == "share"})
    where = f" trained on length {', '.join(map(str, trained))}" if trained else ""
    return f"A problem by length,{where}: {'; '.join(said)}."


PLOT = Plot(WHERE, "A problem by length: losses, guaranteed shares, coverage", draw, alt)
