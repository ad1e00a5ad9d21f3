"""`lengthgen language`: how many tokens of a text its predictions need, and what models lose beyond their training length."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from idealized_model.language import control, experiment
from idealized_model.language.example import Example, example_of
from idealized_model.language.experiment import Job, damage_of, is_done, jobs, judged, meter_of, row_of, tokens_of
from idealized_model.language.protocol import METER, Cell, Protocol, read_protocol, slug
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.results import Results, Row, read_rows
from idealized_model.transformer.training import Diverged, alone
from proofs_check.commands.output import require_writable, say, say_with, tell
from proofs_check.commands.parser import Parser, debuggable, natural, number, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.problem_files import write_text
from proofs_check.terminal import show
from proofs_check.work.pool import Tick, Unfinished, collect
from proofs_check.work.progress import watching
from theory.errors import InvalidArgument, check, check_one_of, number_of, shown

if TYPE_CHECKING:
    from rich.table import Table

STATUSES = "0 done, 2 a run diverged, or models are not trained yet"

Item = TypeVar("Item", Cell, Job, control.Control)
Found = TypeVar("Found")


def add_options(parser: Parser) -> None:
    """What to do, each with options of its own, or all of it in small."""
    parser.description = (
        "Measure how many tokens of a text the prediction of its next token needs, and whether models lose more, in contexts "
        "longer than those of their training, where it needs more of them. What to do is said in a protocol, a TOML file: "
        "see docs/language.md."
    )
    parser.epilog = "example: lengthgen language --demo"
    parser.add_argument(
        "--demo", action="store_true", help="all of it in small, on a text that is shipped, in a few minutes"
    )
    parser.add_argument("--runs", metavar="FOLDER", help="where --demo keeps its runs (default runs/language-demo)")
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: all cores)")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser, help="each has a --help")
    for name, (what, example, _) in ACTIONS.items():
        own = actions.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example: {example}"
        )
        if name == "report":
            own.add_argument("rows", metavar="ROWS", help="the file that measure wrote")
        elif name == "planted":
            own.add_argument("--runs", required=True, metavar="FOLDER", help="where the runs are kept")
            own.add_argument("--rows", required=True, metavar="FILE", help="the rows, one JSON object a line (.jsonl)")
            own.add_argument("--seeds", type=positive, default=3, metavar="N", help="of every judged model (default 3)")
            own.add_argument("--steps", type=positive, default=4000, metavar="N", help="of training (default 4000)")
            own.add_argument("--workers", type=positive, metavar="N", help="processes (default: all cores)")
        else:
            own.add_argument("protocol", metavar="PROTOCOL", help="a protocol as .toml")
            own.add_argument("--runs", required=True, metavar="FOLDER", help="where the runs are kept")
        if name in ("train", "measure"):
            own.add_argument(
                "--only", metavar="CELL", help="a run, such as kjv/pose-8/0; kjv or */pose-8/* for all of these"
            )
            own.add_argument("--workers", type=positive, metavar="N", help="processes (default: all cores)")
        if name == "measure":
            own.add_argument("--rows", required=True, metavar="FILE", help="the rows, one JSON object a line (.jsonl)")
        if name == "show":
            own.add_argument("--corpus", metavar="NAME", help="of the protocol (default the first)")
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
    options.workers = getattr(options, "workers", None) or os.cpu_count() or 1
    return _demo(options) if options.demo else ACTIONS[options.action][2](options)


# ── Actions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _train(options: Namespace) -> int:
    protocol = read_protocol(options.protocol)
    return do_runs(protocol, protocol.only(options.only), options.runs, options.workers)


def do_runs(protocol: Protocol, cells: Sequence[Cell], runs: str, workers: int) -> int:
    """Train what is not trained yet."""
    for corpus in dict.fromkeys(cell.corpus for cell in cells):
        tokens_of(protocol, corpus, runs)  # once, before the workers ask for them
    left = [cell for cell in cells if not is_done(protocol, cell, runs)]
    if len(left) < len(cells):
        tell(f"{len(cells) - len(left)} of {number_of(len(cells), 'run')} done before")
    work = partial(_train_one, protocol=protocol, runs=runs, threads=1 if min(workers, len(left)) > 1 else 2)
    found, interrupted = _all(left, work, workers)
    diverged = [f"{cell}: {why}" for cell, why in found.items() if why]
    for line in diverged:
        tell(f"lengthgen: {line}")
    if interrupted:
        tell(f"lengthgen: interrupted; {len(found)} of {number_of(len(left), 'run')} done; the same command goes on.")
    return INCONCLUSIVE if interrupted or diverged else HOLDS


def _train_one(cell: Cell, tick: Tick, *, protocol: Protocol, runs: str, threads: int) -> str:
    """Train a model, in a worker; returns why it diverged, if it did."""
    try:
        experiment.train(protocol, cell, runs, threads=threads, tick=tick)
    except Diverged as error:
        return str(error)
    return ""


def _measure(options: Namespace) -> int:
    protocol = read_protocol(options.protocol)
    return do_rows(protocol, protocol.only(options.only), options.runs, options.rows, options.workers)


def do_rows(protocol: Protocol, cells: Sequence[Cell], runs: str, rows: str, workers: int) -> int:
    """Measure what the rows lack, and append it to them."""
    with Results(rows) as results:
        ready = [cell for cell in cells if is_done(protocol, cell, runs)]
        work = [job for job in jobs(protocol, ready, runs) if job.key not in results.keys]

        def keep(job: Job, row: Row) -> Sequence[Job]:
            results.append(row)
            return ()

        one = partial(_measure_one, runs=runs, threads=1 if min(workers, len(work)) > 1 else 2)
        found, interrupted = _all(work, one, workers, keep)
    if interrupted:
        tell(f"lengthgen: interrupted; {len(found)} of {number_of(len(work), 'row')} done; the same command goes on.")
    if missing := [cell for cell in cells if cell not in ready]:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        tell(f"lengthgen: not trained yet: {missing[0]}{others}; lengthgen language train goes on with them.")
    return INCONCLUSIVE if interrupted or missing else HOLDS


def _measure_one(job: Job, tick: Tick, *, runs: str, threads: int) -> Row:
    return row_of(job, runs, threads=threads, tick=tick)


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
    language = [row for row in rows if "corpus" in row]
    check(language, "language report", "ROWS", got=got, expected="rows of language measure", fix=fix)
    say_report(language, options.epsilon)
    return HOLDS


def say_report(rows: Sequence[Row], epsilon: float | None) -> None:
    """Print what the rows say of every corpus, and of every model."""
    corpora = list(dict.fromkeys(row["corpus"] for row in rows))
    number = {corpus: _number_of_epsilon(rows, corpus, epsilon) for corpus in corpora}
    say_with(partial(show, needs(rows, number)))
    if judged(rows):
        say_with(partial(show, losses(rows, number)))


def _number_of_epsilon(rows: Sequence[Row], corpus: str, epsilon: float | None) -> int:
    (known,) = {tuple(row["epsilons"]) for row in rows if row["corpus"] == corpus and row["model"] == METER} or {()}
    if epsilon is None:
        return 0
    fix = "Measure with it: it is one of the epsilons of a protocol."
    expected = f"one of {', '.join(map(str, known)) or 'those of a meter'}, as {corpus} was measured"
    check(epsilon in known, "language report", "--epsilon", epsilon, expected=expected, fix=fix)
    return known.index(epsilon)


def _show(options: Namespace) -> int:
    protocol = read_protocol(options.protocol)
    corpus = options.corpus or protocol.corpora[0]
    check_one_of(corpus, protocol.corpora, "language show", "--corpus")
    require_writable(options.html, "language show", "--html")
    found = example(protocol, corpus, options.runs, options.number, text=options.text, epsilon=options.epsilon)
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
    runs = options.runs or str(Path("runs", "language-demo"))
    with resources.as_file(resources.files("idealized_model.language") / "demo.toml") as path:
        protocol = read_protocol(path)
    rows = str(Path(runs, "rows.jsonl"))
    status = do_runs(protocol, protocol.cells, runs, options.workers)
    if status == HOLDS:
        status = do_rows(protocol, protocol.cells, runs, rows, options.workers)
    if status == HOLDS:
        found = read_rows(rows)
        say_report(found, None)
        say_example(example(protocol, protocol.corpora[0], runs, _one_to_look_at(found, protocol.corpora[0])))
    return status


def _one_to_look_at(rows: Sequence[Row], corpus: str) -> int:
    """The number of the first token whose prediction is sure, and needs few tokens that are not the last ones."""
    meter = meter_of(rows, corpus)
    k, last = meter["k"][0], meter["recency_k"][0]
    return int(np.lexsort((meter["entropy"], -np.minimum(last - k, 8) * (k > 1) * (k < 6)))[0])


def _planted(options: Namespace) -> int:
    controls = control.protocol(options.seeds, steps=options.steps)
    with Results(options.rows) as results:
        work = [one for one in controls if one.key not in results.keys]

        def keep(one: control.Control, row: Row | str) -> Sequence[control.Control]:
            if isinstance(row, dict):
                results.append(row)
            return ()

        threads = 1 if min(options.workers, len(work)) > 1 else 2
        found, interrupted = _all(
            work, partial(_planted_one, runs=options.runs, threads=threads), options.workers, keep
        )
        rows = [row for row in results.rows if (row["digest"], row["code"]) in {one.key for one in controls}]
    diverged = [f"{one}: {row}" for one, row in found.items() if isinstance(row, str)]
    for line in diverged:
        tell(f"lengthgen: {line}")
    if interrupted:
        tell(f"lengthgen: interrupted; {len(found)} of {number_of(len(work), 'run')} done; the same command goes on.")
    if any(row["kind"] == "meter" for row in rows):
        say_with(partial(show, known(rows)))
    if any(row["kind"] == "judged" for row in rows):
        say_with(partial(show, rising(rows)))
    return INCONCLUSIVE if interrupted or diverged else HOLDS


def _planted_one(one: control.Control, tick: Tick, *, runs: str, threads: int) -> Row | str:
    """Train and test a model, in a worker; says why it diverged, if it did."""
    try:
        return control.row_of(one, control.trained(one, runs, threads=threads, tick=tick))
    except Diverged as error:
        return str(error)


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
    "planted": (
        "the controls: whether what predictions need is found in text of which it is known, and whether damage rises with it",
        "lengthgen language planted --runs runs/language --rows figures/data/planted.jsonl",
        _planted,
    ),
}
"""{name: (what it does, an example, what runs it)}."""


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def needs(rows: Sequence[Row], epsilon: dict[str, int]) -> Table:
    """A line a corpus: how many tokens its predictions need."""
    from rich.table import Table

    table = Table(title="How many tokens a prediction needs", title_justify="left")
    table.add_column("corpus")
    for name in (
        "tokens",
        "epsilon",
        "k, median",
        "mean",
        "k = 1",
        "k <= 4",
        "last k, median",
        "mean",
        "fewer",
        "entropy",
    ):
        table.add_column(name, justify="right")
    for corpus in epsilon:
        meter = meter_of(rows, corpus)
        (known,) = {tuple(row["epsilons"]) for row in rows if row["corpus"] == corpus and row["model"] == METER}
        k, last, few = meter["k"][epsilon[corpus]], meter["recency_k"][epsilon[corpus]], meter["few"]
        fewer = f"{((few > 0) & (few < k)).mean():.3f}" if epsilon[corpus] == 0 else ""
        table.add_row(
            slug(corpus), f"{k.size:,}", f"{known[epsilon[corpus]]:g}",
            f"{np.median(k):g}", f"{k.mean():.1f}", f"{(k == 1).mean():.2f}", f"{(k <= 4).mean():.2f}",
            f"{np.median(last):g}", f"{last.mean():.1f}", fewer, f"{meter['entropy'].mean():.2f}",
        )  # fmt: skip
    table.caption = (
        "k: at most so many tokens, the current one counted, bring the prediction within epsilon nats of that from the "
        "whole context; last k: the last ones. fewer: the share for which a search of all sets of three of the last 16 finds "
        "fewer."
    )
    table.caption_justify = "left"
    return table


def known(rows: Sequence[Row]) -> Table:
    """A line a question: how often the meter finds what is known."""
    from rich.table import Table

    table = Table(title="What predictions need in planted text", title_justify="left")
    for name in ("asked for", "k", "found", "forward", "removal", "last tokens"):
        table.add_column(name, justify="left" if name == "asked for" else "right")
    for row in rows:
        if row["kind"] == "meter":
            each = {"": row["least"]} | row["found"]
            for i, (name, needed) in enumerate(zip(row["name"], row["needed"], strict=True)):
                shares = (np.mean(np.array(found[i]) == needed) for found in each.values())
                table.add_row(name, str(needed), *(f"{share:.2f}" for share in shares))
    table.caption = (
        "The share of fresh examples for which just k tokens are found: by the best of the three searches, and by each."
    )
    table.caption_justify = "left"
    return table


def rising(rows: Sequence[Row]) -> Table:
    """A line a kind of judged model: its damage by k."""
    from rich.table import Table

    found = control.rises(rows)
    table = Table(title="Damage on planted text that differs in k alone", title_justify="left")
    needed = sorted({row["needed"] for row in found})
    for name in ("model", "trained at", "seeds", *(f"k = {k}" for k in needed)):
        table.add_column(name, justify="left" if name == "model" else "right")
    for encoding, kept in dict.fromkeys((row["encoding"], row["kept"]) for row in found):
        own = {row["needed"]: row for row in found if (row["encoding"], row["kept"]) == (encoding, kept)}
        seeds = str(max(row["seeds"] for row in own.values()))
        cells = (f"{own[k]['damage']:+.3f} [{own[k]['lowest']:+.3f}, {own[k]['highest']:+.3f}]" for k in needed)
        table.add_row(encoding, str(kept), seeds, *cells)
    table.caption = "Nats, the mean over seeds, in brackets the lowest and the highest one."
    table.caption_justify = "left"
    return table


def losses(rows: Sequence[Row], epsilon: dict[str, int]) -> Table:
    """A line a model: its loss, its damage, and the slope of the damage by k."""
    from rich.table import Table

    table = Table(title="What a longer context than in training does", title_justify="left")
    for name in ("corpus", "model"):
        table.add_column(name)
    for name in (
        "trained at",
        "seeds",
        "loss there",
        "at the window",
        "damage",
        "by k, raw",
        "adjusted",
        "[95 %]",
        "permuted",
    ):
        table.add_column(name, justify="right")
    for (corpus, model, length), own in judged(rows).items():
        before, after = (np.mean([row[name] for row in own]) for name in ("before", "after"))
        line = [
            slug(corpus),
            model,
            str(length),
            str(len(own)),
            f"{before:.3f}",
            f"{after:.3f}",
            f"{after - before:+.3f}",
        ]
        table.add_row(*line, *_slopes(rows, corpus, model, length, epsilon[corpus], own))
    table.caption = (
        "Nats a token. Damage: the loss with a context of the whole window minus that with one of the training length. By k: "
        "its slope for every doubling of k; adjusted for entropy, last k and KL at k = 1, with an interval over blocks of "
        "text; permuted: the share of random k that do as much; -: k does not vary enough."
    )
    table.caption_justify = "left"
    return table


def _slopes(rows: Sequence[Row], corpus: str, model: str, length: int, epsilon: int, own: Sequence[Row]) -> list[str]:
    if length >= own[0]["window"]:
        return [""] * 4  # there is no damage
    damage = damage_of(rows, corpus, model, length, epsilon=epsilon)
    try:
        raw, slope, share = damage.slope(adjusted=False), damage.slope(), damage.permuted().share
    except InvalidArgument:  # k does not vary beside what is adjusted for
        return ["-"] * 4
    return [f"{raw.value:+.3f}", f"{slope.value:+.3f}", f"[{slope.low:+.3f}, {slope.high:+.3f}]", f"{share:.3f}"]
