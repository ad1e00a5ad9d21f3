"""`lengthgen language`: how many tokens of a text its predictions need, and what models lose beyond their training length."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np

from idealized_model.language import control, experiment
from idealized_model.language.example import Example, example_of
from idealized_model.language.experiment import (
    Job,
    is_done,
    jobs,
    judged,
    meter_of,
    require_measured,
    row_of,
    tokens_of,
)
from idealized_model.language.protocol import Cell, Protocol, read_protocol, slug
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.optimizer import Diverged
from idealized_model.transformer.results import Results, Row, read_rows
from idealized_model.transformer.training import alone
from proofs_check.commands.language_tables import contrasted, far, known, losses, needs, rising
from proofs_check.commands.output import require_writable, say, say_with, tell
from proofs_check.commands.parser import Parser, debuggable, natural, number, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.problem_files import write_text
from proofs_check.terminal import show
from proofs_check.work.pool import Tick, Unfinished, collect
from proofs_check.work.progress import watching
from theory.errors import InvalidArgument, check, number_of, shown

CORPUS = (
    "shakespeare, kjv, excerpt or the path of a UTF-8 file, with +shuffled, +blocks, +copies or +names for a variant"
)
STATUSES = "0 done, 2 a run diverged, or models are not trained yet"

Item = TypeVar("Item", Cell, Job, control.Control)
Keyed = TypeVar("Keyed", Job, control.Control)
Found = TypeVar("Found")


def add_options(parser: Parser) -> None:
    """What to do, each with options of its own, or all of it in small."""
    parser.description = (
        "Measure how many tokens of a text the prediction of its next token needs, and whether models lose more, in contexts "
        "longer than those of their training, where it needs more of them. What to do is said in a protocol, a TOML file: "
        "see docs/commands.md."
    )
    parser.epilog = "example: lengthgen language --demo"
    parser.add_argument(
        "--demo", action="store_true", help="all of it in small, on a text that is shipped, in a few minutes"
    )
    parser.add_argument(
        "--corpus", dest="demo_corpus", metavar="NAME", help=f"{CORPUS} (default excerpt, which is shipped)"
    )
    parser.add_argument(
        "--runs", dest="demo_runs", metavar="FOLDER", help="where --demo keeps its runs (default runs/language-demo)"
    )
    parser.add_argument(
        "--workers", dest="demo_workers", type=positive, metavar="N", help="processes of --demo (default: all cores)"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser, help="each has a --help")
    for name, (what, example, _) in ACTIONS.items():
        own = actions.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example: {example}"
        )
        if name == "report":
            own.add_argument("rows", metavar="ROWS", help="the file that measure or planted wrote")
        elif name != "planted":
            own.add_argument("protocol", metavar="PROTOCOL", help="a protocol as .toml")
        if name != "report":
            own.add_argument("--runs", required=True, metavar="FOLDER", help="where the runs are kept")
        if name in ("train", "measure"):
            own.add_argument(
                "--corpus",
                metavar="NAME",
                action="append",
                help=f"in place of those of the protocol: {CORPUS}; may be repeated",
            )
            own.add_argument(
                "--only", metavar="CELL", help="a run, such as kjv/pose-8/0; kjv or */pose-8/* for all of these"
            )
        if name == "planted":
            own.add_argument("--seeds", type=positive, default=3, metavar="N", help="of every judged model (default 3)")
            own.add_argument("--steps", type=positive, default=4000, metavar="N", help="of training (default 4000)")
        if name in ("train", "measure", "planted"):
            own.add_argument("--workers", type=positive, metavar="N", help="processes (default: all cores)")
        if name in ("measure", "planted"):
            own.add_argument("--rows", required=True, metavar="FILE", help="the rows, one JSON object a line (.jsonl)")
        if name == "show":
            own.add_argument("--corpus", metavar="NAME", help=f"{CORPUS} (default the first of the protocol)")
            own.add_argument("--text", metavar="TEXT", help="to predict the next token of (default: held-out text)")
            own.add_argument("--number", type=natural, default=0, metavar="N", help="which measured token (default 0)")
            own.add_argument("--html", metavar="FILE", help="write the text as a page, too")
        if name in ("report", "show"):
            own.add_argument(
                "--epsilon", type=number, metavar="X", help="tolerance in nats (default the protocol's first)"
            )
        debuggable(own, STATUSES)


def run(options: Namespace) -> int:
    """Do what was asked for."""
    if options.demo == (options.action is not None):
        got = "both an action and --demo" if options.demo else "nothing"
        fix = "For instance: lengthgen language --demo"
        raise InvalidArgument("language", "ACTION", got=got, expected=f"--demo, or {', '.join(ACTIONS)}", fix=fix)
    if options.action and any(
        one is not None for one in (options.demo_corpus, options.demo_runs, options.demo_workers)
    ):
        got, fix = "what --demo takes", f"Write it behind {options.action}."
        expected = "options of the action"
        raise InvalidArgument("language", "--corpus, --runs, --workers", got=got, expected=expected, fix=fix)
    given = options.demo_workers if options.demo else getattr(options, "workers", None)
    options.workers = given or os.cpu_count() or 1
    return _demo(options) if options.demo else ACTIONS[options.action][2](options)


# ── Actions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _train(options: Namespace) -> int:
    protocol = read_protocol(options.protocol, corpora=options.corpus)
    return do_runs(protocol, protocol.only(options.only), options.runs, options.workers)


def do_runs(protocol: Protocol, cells: Sequence[Cell], runs: str, workers: int) -> int:
    """Train what is not trained yet."""
    for corpus in dict.fromkeys(cell.corpus for cell in cells):
        tokens_of(protocol, corpus, runs)  # once, before the workers ask for them
    left = [cell for cell in cells if not is_done(protocol, cell, runs)]
    if len(left) < len(cells):
        tell(f"{len(cells) - len(left)} of {number_of(len(cells), 'run')} done before")
    work = partial(_train_one, protocol=protocol, runs=runs, threads=_threads(workers, left))
    found, interrupted = _all(left, work, workers)
    return _told(interrupted, {cell: why for cell, why in found.items() if why}, found, left, "run")


def _train_one(cell: Cell, tick: Tick, *, protocol: Protocol, runs: str, threads: int) -> str:
    """Train a model, in a worker; returns why it diverged, if it did."""
    try:
        experiment.train(protocol, cell, runs, threads=threads, tick=tick)
    except Diverged as error:
        return str(error)
    return ""


def _measure(options: Namespace) -> int:
    protocol = read_protocol(options.protocol, corpora=options.corpus)
    return do_rows(protocol, protocol.only(options.only), options.runs, options.rows, options.workers)


def do_rows(protocol: Protocol, cells: Sequence[Cell], runs: str, rows: str, workers: int) -> int:
    """Measure what the rows lack, and append it to them."""
    with Results(rows) as results:
        ready = [cell for cell in cells if is_done(protocol, cell, runs)]
        status = _append(results, jobs(protocol, ready, runs), partial(_measure_one, runs=runs), workers)
    if missing := [cell for cell in cells if cell not in ready]:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        tell(f"lengthgen: not trained yet: {missing[0]}{others}; lengthgen language train goes on with them.")
    return INCONCLUSIVE if missing else status


def _measure_one(job: Job, tick: Tick, *, runs: str, threads: int) -> Row:
    return row_of(job, runs, threads=threads, tick=tick)


def _planted(options: Namespace) -> int:
    cells = control.protocol(options.seeds, steps=options.steps)
    with Results(options.rows) as results:
        status = _append(results, cells, partial(_planted_one, runs=options.runs), options.workers)
        keys = {cell.key for cell in cells}
        say_control([row for row in results.rows if (row["digest"], row["code"]) in keys])
    return status


def _planted_one(cell: control.Control, tick: Tick, *, runs: str, threads: int) -> Row | str:
    """Train and test a model, in a worker; says why it diverged, if it did."""
    try:
        return control.row_of(cell, control.trained(cell, runs, threads=threads, tick=tick))
    except Diverged as error:
        return str(error)


def _append(results: Results, items: Sequence[Keyed], work: Callable[..., Row | str], workers: int) -> int:
    """Append the rows that the results lack, each as soon as it is there; a string says why there is none."""
    left = [item for item in items if item.key not in results.keys]

    def keep(item: Keyed, row: Row | str) -> Sequence[Keyed]:
        if isinstance(row, dict):
            results.append(row)
        return ()

    found, interrupted = _all(left, partial(work, threads=_threads(workers, left)), workers, keep)
    return _told(interrupted, {item: row for item, row in found.items() if isinstance(row, str)}, found, left, "row")


def _told(
    interrupted: bool, diverged: Mapping[Item, str], found: Mapping[Item, object], left: Sequence[Item], what: str
) -> int:
    """Say what diverged, and how far an interrupt let it come; the exit status."""
    for item, why in diverged.items():
        tell(f"lengthgen: {item}: {why}")
    if interrupted:
        tell(f"lengthgen: interrupted; {len(found)} of {number_of(len(left), what)} done; the same command goes on.")
    return INCONCLUSIVE if interrupted or diverged else HOLDS


def _threads(workers: int, items: Sequence[object]) -> int:
    """Of an engine: two where it has the machine for itself."""
    return 1 if min(workers, len(items)) > 1 else 2


def _all(
    items: Sequence[Item],
    work: Callable[[Item, Tick], Found],
    workers: int,
    then: Callable[[Item, Found], Sequence[Item]] = lambda item, found: (),
) -> tuple[dict[Item, Found], bool]:
    """Do some work for all items, with progress; an error is raised when the others under way have ended."""
    if not items:
        return {}, False
    try:
        with watching(items) as watch:
            return collect(items, work, watch=watch, jobs=min(workers, len(items)), then=then)
    except Unfinished as error:
        raise error.__cause__ or error from None


def _report(options: Namespace) -> int:
    rows = read_rows(options.rows)
    got, fix = f"{shown(options.rows)}, which holds none", "Measure first: lengthgen language measure."
    measured, planted = ([row for row in rows if name in row] for name in ("corpus", "kind"))
    check(measured or planted, "language report", "ROWS", got=got, expected="rows of language measure", fix=fix)
    require_measured(measured, "language report")
    if planted:
        say_control(planted)
    if measured:
        say_report(measured, options.epsilon)
    return HOLDS


def say_control(rows: Sequence[Row]) -> None:
    """Print what the rows of the controls say."""
    for table in (known(rows), rising(rows), contrasted(rows)):
        if table.rows:
            say_with(partial(show, table))


def say_report(rows: Sequence[Row], epsilon: float | None) -> None:
    """Print what the rows say of every corpus, and of every model."""
    corpora = list(dict.fromkeys(row["corpus"] for row in rows))
    number = {corpus: _number_of_epsilon(rows, corpus, epsilon) for corpus in corpora}
    say_with(partial(show, needs(rows, number)))
    if judged(rows):
        say_with(partial(show, losses(rows, number)))
    if (table := far(rows)).rows:
        say_with(partial(show, table))


def _number_of_epsilon(rows: Sequence[Row], corpus: str, epsilon: float | None) -> int:
    measured = meter_of(rows, corpus)["epsilons"].tolist()
    if epsilon is None:
        return 0
    fix = "Measure with it: it is one of the epsilons of a protocol."
    expected = f"one of {', '.join(map(str, measured))}, as {slug(corpus)} was measured"
    check(epsilon in measured, "language report", "--epsilon", epsilon, expected=expected, fix=fix)
    return int(measured.index(epsilon))


def _show(options: Namespace) -> int:
    protocol = read_protocol(options.protocol, corpora=None if options.corpus is None else [options.corpus])
    require_writable(options.html, "language show", "--html")
    found = example(
        protocol, protocol.corpora[0], options.runs, options.number, text=options.text, epsilon=options.epsilon
    )
    say_example(found)
    if options.html:
        write_text(options.html, PAGE.format(found.html()), "language show --html")
    return HOLDS


def example(
    protocol: Protocol, corpus: str, runs: str, number: int, *, text: str | None = None, epsilon: float | None = None
) -> Example:
    """What the prediction after a text needs, or that of a measured token."""
    tokens = tokens_of(protocol, corpus, runs)
    (cell,) = (cell for cell in protocol.cells if cell.is_meter and cell.corpus == corpus)
    meter, truth = experiment.loaded(protocol, cell, runs), ""
    got, fix = f"{cell} after step {meter.step:,} of {cell.config.steps:,}", "Train it: lengthgen language train."
    check(
        meter.step == cell.config.steps, "language show", "--runs", got=got, expected="a meter that is trained", fix=fix
    )
    if text is None:
        most = f"a number below {protocol.tokens:,}, the tokens measured"
        check(number < protocol.tokens, "language show", "--number", number, expected=most, fix="Use a smaller one.")
        block, position = (one[[number]] for one in experiment.measured(tokens, protocol.tokens, protocol.window))
        (context,), (target,) = experiment.contexts_of(tokens, block, position, protocol.window)
        truth = tokens.tokenizer.decode([target])
    else:
        context = tokens.tokenizer.encode(text)
        expected = f"from 1 to {protocol.window}, the window of the meter"
        fits = 1 <= len(context) <= protocol.window
        got = f"a text of {number_of(len(context), 'token')}"
        check(fits, "language show", "--text", got=got, expected=expected, fix="Give the end of it.")
    epsilon = epsilon or protocol.epsilons[0]
    engine = Engine(meter.model, threads=1)
    with alone():
        return example_of(engine, meter.parameters, tokens.tokenizer, context, epsilon=epsilon, truth=truth)


def say_example(found: Example) -> None:
    """Print a text, with what its prediction needs in brackets and, in a terminal, in colour."""
    from rich.text import Text

    text = Text()
    for part, needed in found.shown:
        text.append(f"[{part}]" if needed else part, style="bold reverse" if needed else "")
    guesses = ", ".join(f"{guess!r} {probability:.2f}" for guess, probability in found.guesses)
    came = f"; {found.truth!r} came" if found.truth else ""
    say_with(lambda console: console.print(text, soft_wrap=True))
    say(f"next: {guesses}{came}. {number_of(found.k, 'token')} of it needed, or the last {found.last}.")


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>What a prediction needs</title>
<style>body {{ font: 1.1em/1.5 serif; max-width: 40em; margin: 2em auto }} mark {{ background: #ffd54d }}</style>
{}
</html>
"""


def _demo(options: Namespace) -> int:
    runs = options.demo_runs or str(Path("runs", "language-demo"))
    with resources.as_file(resources.files("idealized_model.language") / "demo.toml") as path:
        protocol = read_protocol(path, corpora=None if options.demo_corpus is None else [options.demo_corpus])
    rows = str(Path(runs, "rows.jsonl"))
    status = do_runs(protocol, protocol.cells, runs, options.workers)
    if status == HOLDS:
        status = do_rows(protocol, protocol.cells, runs, rows, options.workers)
    if status == HOLDS:
        found = [row for row in read_rows(rows) if row["corpus"] in protocol.corpora]
        say_report(found, None)
        say_example(example(protocol, protocol.corpora[0], runs, _one_to_look_at(found, protocol.corpora[0])))
    return status


def _one_to_look_at(rows: Sequence[Row], corpus: str) -> int:
    """The number of the first token whose prediction is sure, and needs few tokens that are not the last ones."""
    meter = meter_of(rows, corpus)
    k, last = meter["k"][0], meter["recency_k"][0]
    return int(np.lexsort((meter["entropy"], -np.minimum(last - k, 8) * (k > 1) * (k < 6)))[0])


ACTIONS: dict[str, tuple[str, str, Callable[[Namespace], int]]] = {
    "train": (
        "train the models of a protocol, or go on where it was interrupted",
        "lengthgen language train figures/sweeps/language.toml --runs runs/language",
        _train,
    ),
    "measure": (
        "measure the models that are trained, and append rows",
        "lengthgen language measure figures/sweeps/language.toml --runs runs/language --rows rows.jsonl",
        _measure,
    ),
    "planted": (
        "the controls: whether what predictions need is found in text of which it is known, and whether damage rises with it",
        "lengthgen language planted --runs runs/language --rows figures/data/planted.jsonl",
        _planted,
    ),
    "report": (
        "print what rows say: how many tokens predictions need, and what models lose",
        "lengthgen language report rows.jsonl",
        _report,
    ),
    "show": (
        "print a text with the tokens marked that the prediction of the next one needs",
        'lengthgen language show figures/sweeps/language.toml --runs runs/language --text "To be, or not to"',
        _show,
    ),
}
"""{name: (what it does, an example, what runs it)}."""
