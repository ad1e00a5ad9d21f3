"""Many verdicts at once: the cells that are asked for, decided in parallel, as one table and as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proofs_check.terminal import note, show
from proofs_check.verdicts.deciding import SCHEMES, Cell, Decision, Witness, scheme_of, verdict
from proofs_check.verdicts.subjects import Subject, sparsity_of, subject_of, subjects
from proofs_check.work.pool import Tick, collect
from theory import Example, HeadClass, InvalidArgument, View
from theory.coordinates import from_lists
from theory.errors import NotConverged, check_type, shown
from theory.guarantees import Scores

SCHEMA = 1


class Question(NamedTuple):
    """A cell to decide: the name of a task, that of a scheme in `SCHEMES`, and lengths, where they are not the usual ones."""

    task: str
    scheme: str
    train: tuple[int, ...] = ()
    test: tuple[int, ...] = ()

    @property
    def subject(self) -> Subject:
        """What is decided."""
        return subject_of(self.task, self.train, self.test)

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.task

    def __str__(self) -> str:
        return f"{self.task}: {self.scheme}"


def questions(
    tasks: Iterable[str] = (), schemes: Iterable[str] = (), *, train: Sequence[int] = (), test: Sequence[int] = ()
) -> list[Question]:
    """The cells of these tasks and schemes, or of all.

    Parameters
    ----------
    tasks : names as in `find_task`; default: those of `subjects`.
    train, test : lengths for all of them, as in `subject_of`.

    Raises
    ------
    InvalidArgument : for an unknown name, with the closest one that is known, and for lengths that a task does not have.
    BudgetExceeded : for a training length with too many instances.

    Examples
    --------
    >>> questions(["copy"], ["predicted"])
    Traceback (most recent call last):
    ...
    theory.errors.InvalidArgument: verdicts: argument scheme: got 'predicted'; expected one of none; absolute; random \
shift; relative window; coupled; predictive; random ordered. Did you mean 'predictive'?
    """
    rows, columns = _named(tasks, "tasks", subjects()), _named(schemes, "schemes", SCHEMES)
    for scheme in columns:
        scheme_of(scheme)
    for task in rows:
        subject_of(task, tuple(train), tuple(test))  # refuses what cannot be decided
    return [Question(task, scheme, tuple(train), tuple(test)) for task in rows for scheme in columns]


def _named(names: Iterable[str], argument: str, known: Iterable[str]) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        fix = f"Write [{shown(names)}]." if isinstance(names, str) else "Leave it out for all of them."
        raise InvalidArgument("verdicts", argument, got=shown(names), expected="a list of names", fix=fix)
    names = list(names)
    for name in names:
        check_type(name, str, "verdicts", argument.removesuffix("s"), "a name", "For instance 'copy', or 'coupled'.")
    return list(dict.fromkeys(names or known))


def decide_all(
    asked: Sequence[Question],
    *,
    jobs: int,
    watch: Callable[[Question, int, bool], None],
    mixed: bool = False,
    scores: Scores = "hard",
    executor: Executor | None = None,
) -> tuple[dict[Question, Cell], bool]:
    """Decide cells on `jobs` processes, or an executor: what is decided, in the order asked, and whether an interrupt ended
    the rest."""
    done, interrupted = collect(asked, partial(_decide, mixed, scores), jobs=jobs, executor=executor, watch=watch)
    return {question: done[question] for question in asked if question in done}, interrupted


def _decide(mixed: bool, scores: Scores, question: Question, tick: Tick) -> Cell:
    try:
        cell = verdict(question.subject, question.scheme, mixed=mixed, scores=scores, tick=tick)
    except NotConverged as error:  # the others can be decided all the same
        cell = Cell(question.task, question.scheme, question.subject.scope, (), scores=scores, open=error.got)
    return replace(cell, task=question.task)  # as it was asked


# ── Table and file ───────────────────────────────────────────────────────────────────────────────────────────────────


def print_table(
    asked: Sequence[Question], cells: Mapping[Question, Cell], console: Console, scores: Scores = "hard"
) -> None:
    """One table: a row a task, a column a scheme, and a legend; cells that are not decided show "…"."""
    columns = list(dict.fromkeys(question.scheme for question in asked))
    rows = dict.fromkeys(question._replace(scheme="") for question in asked)
    table = Table(show_lines=True, pad_edge=False, padding=0, box=box.SQUARE)
    table.add_column("task", min_width=15)
    table.add_column("k", no_wrap=True)
    for column in columns:
        table.add_column(column.replace(" ", "\n"), no_wrap=True)
    table.add_column("scope", min_width=15)
    colours: dict[str, str] = {"generalizes": "green", "fails": "red", "unrealizable": "yellow"}
    for row in rows:
        found = [cells.get(row._replace(scheme=column)) for column in columns]
        words = ["…" if cell is None else _coloured(cell.text, colours.get(cell.outcome)) for cell in found]
        subject = row.subject
        table.add_row(row.task, sparsity_of(subject.task), *words, subject.scope)
    show(table, console)
    for line in (*LEGEND, *SCORES_LEGEND[scores]):
        note(line, console)
    for column in columns:
        note(f"{column}: {SCHEMES[column].what}.", console)


def markdown(asked: Sequence[Question], cells: Mapping[Question, Cell]) -> str:
    """The same table for the documents: Markdown."""
    columns = list(dict.fromkeys(question.scheme for question in asked))
    lines = [f"| task | k | {' | '.join(columns)} | scope |", "|---|---|" + "---|" * (len(columns) + 1)]
    for row in dict.fromkeys(question._replace(scheme="") for question in asked):
        found = [cells.get(row._replace(scheme=column)) for column in columns]
        words = ["…" if cell is None else cell.text.replace("\n", "<br>") for cell in found]
        lines.append(f"| {row.task} | {sparsity_of(row.subject.task)} | {' | '.join(words)} | {row.subject.scope} |")
    return "\n".join(lines).replace("~", r"\~")


def _coloured(text: str, colour: str | None) -> str:
    return f"[{colour}]{escape(text)}[/]" if colour else escape(text)


LEGEND = (
    "✓ from n: every head that is perfect on the training length n is perfect on every test length from n on.",
    "✗: no training length is enough; a head perfect on the longest one errs at test, because it meets a view that training "
    "never shows (unseen) or that has another label there (flip), or because it may select nothing there (abstains).",
    "∅: no head is perfect on the longest training length.   …: not decided.",
    "w: the window in IDs; ↑: the window that is enough grows with the length.",
    "~: the longest test lengths are decided on instances drawn; ✓ then speaks of these alone.",
    "k: how many tokens a prediction depends on; dense tasks are decided for heads of every arity 1, 2, 3.",
    "a → b: training lengths a are tried, each against the test lengths of b that are not shorter.",
)
"""How to read the table."""

SCORES_LEGEND: dict[Scores, tuple[str, ...]] = {
    "hard": (),
    "ranked": (
        "heads: ranked (T13), the highest-ranked view answers; free: some view has no answer that training could fix.",
    ),
    "soft": (
        "heads: soft (T14), all of Definition 4 by their greedy answer; zero, outside: what fails in T14.",
        "?: inconclusive: a linear program led to nothing exact.",
    ),
}
"""What to add for other heads than hard ones."""


def to_data(cells: Iterable[Cell], *, interrupted: bool = False) -> dict[str, Any]:
    """The cells as JSON data; docs/architecture.md describes it."""
    out = []
    for cell in cells:
        data = asdict(cell)
        data["outcome"] = cell.outcome
        data["seconds"] = round(cell.seconds, 3)
        if cell.scores == "hard":  # what older files mean
            del data["scores"]
        if not cell.open:
            del data["open"]
        data["drawn"] = {str(length): list(pair) for length, pair in cell.drawn.items()}
        for own, decision in zip(data["decisions"], cell.decisions, strict=True):
            del own["predicted"]  # which is not asked for
            if own["guaranteed"] is None:
                del own["guaranteed"]
            if decision.witness is not None:
                example, view, head = decision.witness.example, decision.witness.view, decision.witness.head
                own["witness"] = decision.witness._asdict() | {
                    "example": {"tokens": example.tokens, "ids": example.ids, "label": example.label},
                    "view": None if view is None else view._asdict(),
                    "head": None if head is None else [view._asdict() | {"label": label} for view, label in head],
                }
        out.append(data)
    return {"schema": SCHEMA, "interrupted": interrupted, "cells": out}


def from_data(data: Any) -> list[Cell]:
    """The cells that `to_data` wrote.

    Raises
    ------
    InvalidArgument : for anything else.
    """
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        return [_cell(entry) for entry in data["cells"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidArgument(
            "verdicts.table.from_data",
            "data",
            got=f"{shown(data)} ({type(error).__name__}: {error})",
            expected="what `lengthgen verdicts --json` wrote",
            fix="Write it again with this version.",
        ) from None


def _cell(entry: Mapping[str, Any]) -> Cell:
    return Cell(
        entry["task"], entry["scheme"], entry["scope"], tuple(map(_decision, entry["decisions"])), entry["growing"],
        {int(length): (drawn, of) for length, (drawn, of) in entry["drawn"].items()}, entry["seconds"],
        entry.get("scores", "hard"), entry.get("open", ""),
    )  # fmt: skip


def _decision(entry: Mapping[str, Any]) -> Decision:
    given = entry["witness"]
    if given is not None:
        example, view, head = given["example"], given["view"], given.get("head")  # older files have no heads
        given = Witness(**{
            **given,
            "example": Example(tuple(example["tokens"]), from_lists(example["ids"]), _tuple(example["label"])),
            "view": None if view is None else _view(view),
            "head": None if head is None else tuple((_view(own), _tuple(own["label"])) for own in head),
        })  # fmt: skip
    return Decision(
        HeadClass(**{name: _tuple(value) for name, value in entry["heads"].items()}),
        entry["outcome"],
        entry["reason"],
        entry["certificate"],
        given,
        entry.get("guaranteed"),
    )


def _view(view: Mapping[str, Any]) -> View:
    return View(tuple(view["tokens"]), from_lists(view["key"]))


def _tuple(value: Any) -> Any:
    """A label, a window or a key as it was before JSON made lists of tuples."""
    return from_lists(value) if isinstance(value, list) else value
