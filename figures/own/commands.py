"""The commands that draw what is one's own, each with its parser."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import numpy as np

from figures.options import asked, out, sized, write
from proofs_check.commands.parser import TASK, Parser, debuggable, lengths, positive
from theory.errors import InvalidArgument, check, check_one_of
from theory.guarantees import Scores

if TYPE_CHECKING:
    from figures.style import Style

MOST = 1000
"""The greatest length that is sampled."""


def _parser(name: str, what: str, example: str) -> Parser:
    return Parser(prog=f"figures {name}", description=what, epilog=f"example: python -m figures {name} {example}")


def _asked(parser: Parser, arguments: list[str]) -> tuple[Namespace, Style]:
    """What is asked for, beside what a command has of its own: the size, and files that can be written."""
    out(parser)
    sized(parser)
    debuggable(parser, "0 it is drawn")
    options = parser.parse_args(arguments)
    return options, asked(options, parser.prog.split()[-1])


def problem(arguments: list[str]) -> int:
    """Draw a problem file by length."""
    what = (
        "Draw a problem by length: the loss of its head, or of the counterexample, with the bounds of T3 and T11; the share on "
        "which hard, ranked and soft heads are guaranteed to be right; and κ over training and test lengths."
    )
    parser = _parser("problem", what, "problem.toml --lengths 2..9 --out problem.pdf")
    parser.add_argument("file", help="a problem as .toml or .json, as lengthgen decide reads it")
    parser.add_argument(
        "--lengths", type=lengths, metavar="A..B", help="of tests (default: to the file's, and 2 × training)"
    )
    parser.add_argument("--panels", metavar="P,P", help="some of losses, bounds, shares, coverage (default: all)")
    parser.add_argument("--budget", type=positive, help="examples of a law at most (default 20,000)")
    options, style = _asked(parser, arguments)

    from figures.own import problem as own
    from proofs_check.problem_files import read_problem

    budget = options.budget or own.BUDGET
    rows = own.rows_of(read_problem(options.file), lengths=options.lengths, budget=budget)
    panels = options.panels.split(",") if options.panels else None
    return write(own.draw(rows, style, panels=panels), rows, own.alt(rows), options, "problem")


def runs(arguments: list[str]) -> int:
    """Draw the runs of a sweep."""
    what = (
        "Draw the runs of any sweep: exact match by length with every seed, what is guaranteed on a small version of the task, "
        "and the losses in training of runs that lengthgen train kept beside the file."
    )
    parser = _parser("runs", what, "results.jsonl --out results.pdf")
    parser.add_argument("results", help="the file that lengthgen sweep or lengthgen train wrote")
    parser.add_argument(
        "--scores", default="hard", metavar="S,S",
        help="kinds of heads: some of hard (default), ranked, soft; none: without guarantees, which can take a while",
    )  # fmt: skip
    options, style = _asked(parser, arguments)
    kinds = [] if options.scores == "none" else options.scores.split(",")
    for kind in kinds:
        expected = f"some of {', '.join(get_args(Scores))}, or none"
        check(
            kind in get_args(Scores),
            "runs",
            "--scores",
            kind,
            expected=expected,
            fix="For instance --scores hard,ranked.",
        )

    from figures.own import results as own

    rows = own.rows_of(options.results, scores=kinds)
    return write(own.draw(rows, style), rows, own.alt(rows), options, "runs")


def language(arguments: list[str]) -> int:
    """Draw what was measured of a text."""
    what = (
        "Draw what lengthgen language measured: sparsity (how many tokens predictions need), losses (by context), damage (by "
        "tokens needed), slopes (whether the damage rises with them) or far (what far context is worth, of a text with copies "
        "or names)."
    )
    parser = _parser("language", what, "rows.jsonl --figure damage --out damage.pdf")
    parser.add_argument("rows", help="the file that lengthgen language measure wrote")
    parser.add_argument("--figure", default="sparsity", metavar="NAME", help="which (default sparsity)")
    options, style = _asked(parser, arguments)

    from figures.language import damage, far, losses, needs, slopes
    from figures.plot import render
    from idealized_model.language.experiment import require_measured
    from idealized_model.language.protocol import slug
    from idealized_model.transformer.results import read_rows

    figures = {"sparsity": needs, "losses": losses, "damage": damage, "slopes": slopes, "far": far}
    check_one_of(options.figure, figures, "language", "--figure")
    own = figures[options.figure]
    measured = [row for row in read_rows(options.rows) if "corpus" in row]
    got, fix = f"{options.rows!r}, which holds none", "Measure first: lengthgen language measure."
    check(measured, "language", "rows", got=got, expected="rows of language measure", fix=fix)
    require_measured(measured, "language")
    texts = sorted({row["corpus"] for row in measured})
    alike = [one for one in texts if [slug(other) for other in texts].count(slug(one)) > 1]
    fix = "Keep the rows of each in a file of their own."
    check(not alike, "language", "rows", got=f"those of {alike}", expected="texts of different names", fix=fix)
    rows = own.numbers(measured, np.random.default_rng(0))
    return write(render(own.PLOT, rows, style), rows, own.PLOT.alt(rows), options, "language")


def dependencies(arguments: list[str]) -> int:
    """Draw a random instance of a task.

    Raises
    ------
    InvalidArgument : for an unknown task, a length that it does not have or that is too long to draw, a negative seed,
        or a file type that cannot be written.
    """
    what = (
        "Draw one random instance of a task: what each predicted token reads, by position and by ID; long instances as "
        "matrices."
    )
    parser = _parser("dependencies", what, '"addition, reversed" --length 3 --out addition.pdf')
    parser.add_argument("name", nargs="?", metavar="TASK", help=TASK)
    parser.add_argument("--task", metavar="TASK", help="the same")
    parser.add_argument("--length", required=True, type=int, metavar="N", help="the length of the problem")
    parser.add_argument("--seed", type=int, default=0, help="which instance (default 0)")
    parser.add_argument(
        "--form", default="auto", metavar="F", help="arrows, matrix or auto (default): as it can be read"
    )
    options, style = _asked(parser, arguments)
    if (options.name is None) == (options.task is None):
        parser.error("name one task")

    from figures.dependency_graphs import rows_of
    from figures.own.dependencies import alt, draw_dependencies
    from theory.dependencies import spread
    from theory.tasks import find_task
    from theory.tasks.faults import sampled

    where, length = "dependencies", options.length
    task = find_task(options.name or options.task, where)
    if options.seed < 0:
        raise InvalidArgument(
            where, "--seed", got=str(options.seed), expected="an integer >= 0", fix="For instance --seed 0."
        )
    if length > MOST:
        raise InvalidArgument(
            where, "--length", got=str(length), expected=f"at most {MOST}", fix="It could not be read."
        )
    instance = sampled(task, length, np.random.default_rng(options.seed), where)
    figure = draw_dependencies(task, instance, form=options.form, style=style)
    spans = (spread(instance, "token", ids=range(len(instance.tokens))), spread(instance, "token"))
    rows = rows_of(task, instance)
    return write(figure, rows, alt(rows, spans), options, where)


def head(arguments: list[str]) -> int:
    """Draw a head on an example on which it errs."""
    what = (
        "Draw the counterexample of lengthgen decide, or the head of the file, on a test example on which it errs: the sets "
        "that it selects, and what each answers."
    )
    parser = _parser("head", what, "problem.toml --out head.pdf")
    parser.add_argument("file", help="a problem as .toml or .json, as lengthgen decide reads it")
    parser.add_argument("--budget", type=positive, help="examples of a law at most")
    options, style = _asked(parser, arguments)

    from figures.own import head as own
    from proofs_check.problem_files import read_problem
    from theory import BUDGET

    found, example = own.failing(read_problem(options.file), options.budget or BUDGET)
    rows = own.rows_of(found, example)
    return write(own.draw(rows, style), rows, own.alt(rows), options, "head")


def attention(arguments: list[str]) -> int:
    """Draw where a trained model looks."""
    what = (
        "Draw where a trained model looks on one instance, a panel a head, beside what each predicted token depends on."
    )
    parser = _parser("attention", what, 'runs/copy-coupled/seed-0 --prompt "a b b a >" --out attention.pdf')
    parser.add_argument("run", help="the folder of a run, or its checkpoint")
    parser.add_argument(
        "--prompt", metavar="TEXT", help="symbols, with spaces between or without (default: a random one)"
    )
    parser.add_argument(
        "--length", type=positive, metavar="N", help="of a random one (default: the longest of training)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which random one (default 0)")
    options, style = _asked(parser, arguments)
    if options.prompt is not None and options.length is not None:
        parser.error("--prompt has a length already: leave --length out")
    if options.seed < 0:
        raise InvalidArgument(
            "attention", "--seed", got=str(options.seed), expected="an integer >= 0", fix="For instance --seed 0."
        )

    from figures.own import attention as own
    from proofs_check.certification.subjects import load_run

    trainer = load_run(options.run)
    rows = own.rows_of(trainer, own.instance_of(trainer, options.prompt, options.length, options.seed))
    return write(own.draw(rows, style), rows, own.alt(rows), options, "attention")


OWN: dict[str, Callable[[list[str]], int]] = {
    "problem": problem, "runs": runs, "language": language, "dependencies": dependencies, "head": head, "attention": attention,
}  # fmt: skip
"""{command: what runs it}."""
