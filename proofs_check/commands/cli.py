"""The command line: check (the default), decide, coverage, replay."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from math import inf, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import TYPE_CHECKING, Any, NoReturn

from lengthgen_entry import misplaced
from proofs_check.commands.program import BAD_USAGE, HOLDS, INCONCLUSIVE, REFUTED, Ended, answered
from proofs_check.commands.spelling import spelled
from theory import BUDGET, BudgetExceeded, Factor, coverage, decide, retention
from theory.errors import InvalidArgument
from theory.exact import readable

if TYPE_CHECKING:
    from proofs_check.problem import Problem

COMMANDS = (
    "check",
    "decide",
    "coverage",
    "replay",
    "report",
    "catalogue",
    "verdicts",
    "task",
    "doctor",
    "train",
    "sweep",
    "compare",
    "figures",
)

TASK = 'a name, such as copy or "sparse parity, k = 3", or module:object, a task of one\'s own or what makes one'
"""What a task is named by, for the help of every command that takes one."""

STATUSES = {
    "check": "0 all hold, 1 something is refuted or a mutant survives, 2 something is inconclusive",
    "replay": "0 all are reproduced, 1 not all are",
    "task": "0 all hold, 1 something is refuted, 2 something is inconclusive",
    "train": "0 done, 2 a run diverged",
    "doctor": "0 the core is complete, 2 something that every use needs is missing",
}
"""What the exit status of a command means, where 0 is not just that it was done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 all hold, 1 refuted, 2 inconclusive, 3 bad usage, 4 it could not be done.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    debug = ["--debug"] * (given[:1] == ["--debug"])
    arguments = given[len(debug) :]
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "check")
    if arguments[0] == "figures" and not {"-h", "--help"}.intersection(arguments):
        if problems := misplaced("figures"):
            print(f"lengthgen: {problems[0]}", file=sys.stderr)
            return BAD_USAGE
        # Of the packages that import this one, so that it is found by its name and not before it is asked for.
        return int(importlib.import_module("figures.cli").main([*debug, *arguments[1:]]))
    parsed = _parser().parse_args([*debug, *arguments])
    return answered(partial(_run, parsed), debug=parsed.debug)


def _run(parsed: argparse.Namespace) -> int:
    try:
        status: int = parsed.run(parsed)
    except BudgetExceeded as error:
        if error.argument == "budget" and parsed.command in ("decide", "coverage", "task"):
            raise BudgetExceeded(error.where, error.size, error.budget, error.covered, option="--budget") from error
        raise
    return status


def debuggable(parser: argparse.ArgumentParser, statuses: str) -> None:
    """Add what every command has: --debug, and what its exit status means."""
    help_ = "show the traceback of what goes wrong"
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=help_)
    parser.add_argument_group(
        "exit status",
        f"{statuses}. In every command: 2 interrupted, 3 bad usage, 4 it could not be done, for want of room or memory or "
        "by a bug, as a line on standard error says.",
    )


def say(text: str) -> None:
    """Print, with what the encoding lacks in words: κ on a terminal without Greek is "kappa"."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(spelled(text, encoding), flush=True)


class Parser(argparse.ArgumentParser):
    """A parser whose bad usage is exit status 3, and whose help can be printed everywhere.

    Options have their full names, so that --debug is seen before anything is parsed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def _print_message(self, message: str, file: Any = None) -> None:
        encoding = getattr(file, "encoding", None) or "utf-8"
        super()._print_message(spelled(message, encoding), file)

    def exit(self, status: int = HOLDS, message: str | None = None) -> NoReturn:
        raise Ended(status)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise Ended(BAD_USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="lengthgen",
        description="Check the claims of the theory, or decide whether a head class length-generalizes.",
        epilog="Without a command: check. Each command has its own --help.",
    )
    from proofs_check.evidence import version

    parser.add_argument("--version", action="version", version=f"lengthgen {version('lengthgen')}")
    debuggable(parser, "see the command's own --help")
    parser.set_defaults(debug=False)
    commands = parser.add_subparsers(dest="command", parser_class=Parser)

    check = commands.add_parser(
        "check",
        help="check every claim (the default)",
        description="Check every claim at the quick profile and print one table.",
        epilog="example: lengthgen check --claim T3 --mutants --json report.json",
    )
    check.add_argument(
        "--claim",
        action="append",
        metavar="CLAIM",
        help="only this claim: its id, or module:object of your own, or a module with claims (repeatable)",
    )
    check.add_argument(
        "--profile",
        choices=("quick", "full"),
        default="quick",
        help="full covers strictly more",
    )
    check.add_argument("--mutants", action="store_true", help="show what refuted every mutant and dropped hypothesis")
    check.add_argument("--json", metavar="FILE", help="write the report")
    check.add_argument("--witnesses", metavar="DIR", default=".", help="where a refuted claim writes its witness files")
    check.add_argument("--seed", type=_natural, default=0, help="seed of everything random (default 0)")
    check.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    _add_scheduler(check)
    _add_outputs(check)
    check.set_defaults(run=_check)

    for name, run, what in (
        ("decide", _decide, "decide by T1 whether a head class length-generalizes from a training law to a test law"),
        (
            "coverage",
            _coverage,
            "the bounds of T3 and T11: κ, κ0, N_T, the retention factor, what training does not cover",
        ),
    ):
        command = commands.add_parser(
            name, help=what, description=what, epilog=f"example: lengthgen {name} docs/examples/parity.toml"
        )
        command.add_argument("file", help="a problem as .toml or .json; see docs/examples/")
        command.add_argument(
            "--budget", type=_positive, default=BUDGET, help=f"largest enumeration (default {BUDGET:,})"
        )
        command.add_argument("--json", metavar="FILE", help="write the result")
        command.set_defaults(run=run)

    replay = commands.add_parser(
        "replay",
        help="reproduce a witness file, or every witness of a report",
        description="Reproduce a witness file, or every witness of a report.",
        epilog="example: lengthgen replay report.json",
    )
    replay.add_argument("file", help="a witness file or a JSON report that `check` wrote")
    replay.set_defaults(run=_replay)

    report = commands.add_parser(
        "report",
        help="write the page and the JUnit file of a stored report",
        description="Write a stored report as one self-contained page, as JUnit XML, or both, without checking again.",
        epilog="example: lengthgen report docs/full-report.json --verdicts docs/verdicts.json --html report.html",
    )
    report.add_argument("report", help="a JSON report that `check` wrote")
    _add_outputs(report)
    report.set_defaults(run=_report)

    catalogue = commands.add_parser(
        "catalogue",
        help="write the page of claims and evidence from a stored report",
        description="Write the page of claims and evidence (docs/claims.md) from a stored report.",
        epilog="example: lengthgen catalogue docs/full-report.json --output docs/claims.md",
    )
    catalogue.add_argument("report", help="a JSON report that `check` wrote")
    catalogue.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")
    catalogue.set_defaults(run=_catalogue)

    compare = commands.add_parser(
        "compare",
        help="T1's verdicts beside the trained models of a sweep",
        description="Write a page that sets T1's verdict beside what the trained models of a sweep do, as docs/comparison.md.",
        epilog="example: lengthgen compare figures/data/schemes.jsonl figures/data/dense.jsonl --output docs/comparison.md",
    )
    compare.add_argument("results", nargs="+", metavar="RESULTS", help="rows that `sweep` or `train` wrote (.jsonl)")
    compare.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")
    compare.set_defaults(run=_compare)

    table = commands.add_parser(
        "verdicts",
        help="decide by T1 every task under every position scheme",
        description="Decide by T1, for every task and every position scheme, whether heads that are perfect on short "
        "instances are perfect on long ones, and print one table. Without a task: the small ones of docs/verdicts.md.",
        epilog='example: lengthgen verdicts copy "sparse parity, k = 3" --scheme coupled',
    )
    table.add_argument("named", nargs="*", metavar="TASK", help=f"only these tasks, each {TASK}")
    table.add_argument("--task", action="append", default=[], metavar="TASK", help="only this task (repeatable)")
    table.add_argument("--scheme", action="append", metavar="NAME", help="only this scheme (repeatable)")
    for name, what in (("train", "training lengths to try"), ("test", "test lengths")):
        table.add_argument(
            f"--{name}-lengths", type=_lengths, default=(), metavar="A..B", help=f"{what}, as A..B or N,N,..."
        )
    table.add_argument("--mixed", action="store_true", help="train on all lengths up to n, not on length n alone")
    table.add_argument("--json", metavar="FILE", help="write the verdicts")
    table.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    _add_scheduler(table)
    table.set_defaults(run=_verdicts)

    task = commands.add_parser(
        "task",
        help="check what a task of your own promises",
        description="Put every contract of a task to the test: dependency sets, targets, IDs, sampler, ...",
        epilog="example: lengthgen task mypackage.mymodule:MyTask --lengths 1,2,3",
    )
    task.add_argument("task", help=TASK)
    task.add_argument(
        "--lengths", type=_numbers, metavar="N,N,...", help="lengths to try (default: five from the least)"
    )
    task.add_argument(
        "--budget", type=_positive, default=20_000, help="most instances to list of a length (default 20,000)"
    )
    task.add_argument("--seed", type=_natural, default=0, help="seed of everything random (default 0)")
    task.add_argument("--json", metavar="FILE", help="write the report")
    task.set_defaults(run=_task)

    train = commands.add_parser(
        "train",
        help="train transformers on a task, and test them on longer instances",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Train a small transformer on short instances of a task, a run a seed, and print how many longer ones\n"
        "it gets right. Runs are kept in a folder: the same command goes on where it was interrupted.",
        epilog='example: lengthgen train "parity with scratchpad, query-coupled" --positions coupled-ordered\n'
        "         --train-lengths 1..20 --test-lengths 20,50,100 --layers 1 --heads 1 --log-scale --batch 64 --steps 1500",
    )
    train.add_argument("task", nargs="?", help=TASK)
    train.add_argument("--demo", action="store_true", help="a small grid of tasks and schemes, in a few minutes")
    train.add_argument(
        "--positions", metavar="SCHEME", help="how positions enter: none, rope, coupled, ... (default none)"
    )
    train.add_argument("--train-lengths", type=_range, metavar="A..B", help="lengths of training (default 1..20)")
    train.add_argument(
        "--test-lengths",
        type=_numbers,
        metavar="N,N,...",
        help="lengths of the tests (default: 1, 2 and 5 times the longest of training)",
    )
    train.add_argument("--test-size", type=_positive, default=128, metavar="N", help="sequences a length (default 128)")
    train.add_argument(
        "--seeds", type=_positive, default=1, metavar="N", help="runs, with seeds --seed, ... (default 1)"
    )
    train.add_argument("--seed", type=_natural, metavar="N", help="the first seed (default 0)")
    for name, what in (
        ("steps", "training steps (default 2000)"), ("batch", "sequences a step (default 128)"),
        ("width", "of the model (default 64)"), ("layers", "of the model (default 2)"), ("heads", "a layer (default 4)"),
    ):  # fmt: skip
        train.add_argument(f"--{name}", type=_positive, metavar="N", help=what)
    train.add_argument("--ids", dest="n_ids", type=_positive, metavar="N", help="range of position IDs (default 256)")
    train.add_argument("--rate", type=_number, metavar="X", help="largest learning rate (default 0.001)")
    train.add_argument("--log-scale", action="store_const", const=True, help="multiply logits by log(visible keys + 1)")
    train.add_argument("--engine", metavar="NAME", help="numpy (default) or jax")
    train.add_argument("--config", metavar="FILE", help="a configuration as .toml; the other options override it")
    train.add_argument("--out", metavar="FOLDER", help="where the runs are kept (default runs/TASK-SCHEME)")
    train.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, help="processes of --demo (default: all cores)"
    )
    train.set_defaults(run=_train)

    sweep = commands.add_parser(
        "sweep",
        help="train a grid of transformers",
        description="Train and test every run of a grid, and append a row a run to the results. What the results hold "
        "already is not done again, so an interrupted sweep goes on.",
        epilog="example: lengthgen sweep docs/examples/sweep.toml --results results.jsonl",
    )
    sweep.add_argument("grid", help="a grid as .toml; see docs/training.md")
    sweep.add_argument("--results", required=True, metavar="FILE", help="the rows, one JSON object a line (.jsonl)")
    sweep.add_argument("--workers", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    _add_scheduler(sweep)
    sweep.set_defaults(run=_train)

    doctor = commands.add_parser(
        "doctor",
        help="what is installed, what is missing and what that disables",
        description="Say what is installed, what is missing, what that disables and how to install it. Where lengthgen "
        "does not start at all: python -m proofs_check.commands.doctor.",
        epilog="example: lengthgen doctor --json doctor.json",
    )
    doctor.add_argument("--json", metavar="FILE", help="write the diagnosis")
    doctor.set_defaults(run=_doctor)
    figures = commands.add_parser(
        "figures",
        help="draw the figures from stored data",
        description="Draw figures from stored data. The same as python -m figures, whose --help names the options.",
        epilog="example: lengthgen figures transfer dilution",
    )
    figures.add_argument("name", nargs="*", metavar="NAME", help="a figure (default: all)")

    for name, command in commands.choices.items():
        debuggable(command, STATUSES.get(name, "0 done"))
    return parser


def _add_scheduler(parser: argparse.ArgumentParser) -> None:
    """What does the work, where that is not this machine."""
    help_ = (
        "work on a dask cluster, such as tcp://host:8786, or on what module:object makes an Executor (docs/scale.md)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help=help_)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    """The forms of a report beside the table and JSON."""
    parser.add_argument("--html", metavar="FILE", help="write the report as one self-contained page")
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML, for continuous integration")
    parser.add_argument("--verdicts", metavar="FILE", help="what `verdicts --json` wrote, for the page")
    parser.add_argument("--figures", metavar="DIR", help="a folder of SVG or PNG files, for the page")


def _natural(text: str) -> int:
    return _whole(text, least=0)


def _positive(text: str) -> int:
    return _whole(text, least=1)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(_positive, text.split(",")))
    except argparse.ArgumentTypeError:
        expected = "whole numbers >= 1 with commas between, such as 1,2,3"
        raise argparse.ArgumentTypeError(f"got {text!r}; expected {expected}") from None


def _lengths(text: str) -> tuple[int, ...]:
    if ".." in text:
        low, high = _range(text)
        return tuple(range(low, high + 1))
    return _numbers(text)


def _range(text: str) -> tuple[int, int]:
    low, dots, high = text.partition("..")
    if not dots:
        low, high = "1", low
    lengths = _positive(low), _positive(high)
    if lengths[0] > lengths[1]:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected A..B with A <= B: {lengths[1]}..{lengths[0]}")
    return lengths


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a number > 0")
    return value


def _whole(text: str, *, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a whole number >= {least}")
    return value


def _check(options: argparse.Namespace) -> int:
    from proofs_check import report as reports
    from proofs_check.claims.checks import run, tasks_of
    from proofs_check.claims.finding import addresses
    from proofs_check.commands.terminal import console as standard_output
    from proofs_check.problem_files import write_json
    from proofs_check.work.executors import executor
    from proofs_check.work.progress import watching

    if options.json:
        _require_writable(options.json, "check")
    _require_folder(options.witnesses)
    write_pages = _pages(options)
    tasks = tasks_of(addresses(options.claim or [], os.getcwd()))
    profile, seed, jobs = options.profile, options.seed, options.jobs
    with _no_litter(), executor(options.scheduler, "check") as there, watching(tasks) as watch:
        outcome = run(tasks, profile=profile, seed=seed, jobs=jobs, executor=there, watch=watch)
    report = reports.build(outcome)
    console = standard_output()
    with console.capture() as table:  # rich would end the program when the reader of a pipe went away
        reports.print_table(report, console, mutants=options.mutants)
    say(table.get().removesuffix("\n"))
    with _every_one() as done:
        if options.json:
            done(write_json, options.json, report, "check --json")
        done(write_pages, report)
        for claim in report["claims"]:
            refuted = [item["witness"] for item in claim["evidence"] if item["kind"] == "refuted"]
            for number, witness in enumerate(refuted, start=1):
                say(f"{claim['id']} fails on\n{indent(witness['words'], '    ')}\n{reports.facts(witness)}")
                path = Path(options.witnesses) / f"witness-{claim['id']}-{number}.json"
                if done(write_json, path, witness, "check --witnesses"):
                    say(f"{claim['id']}: witness in {path}; reproduce it with: lengthgen replay {path}")
        done(outcome.reraise)
    return reports.exit_status(report)


@contextmanager
def _every_one() -> Iterator[Callable[..., bool]]:
    """What calls a function, and says whether it was done; the first error is raised when all were called."""
    errors: list[Exception] = []

    def done(work: Callable[..., object], *arguments: object) -> bool:
        try:
            work(*arguments)
        except Exception as error:
            errors.append(error)
            return False
        return True

    yield done
    if errors:
        raise errors[0]


@contextmanager
def _no_litter() -> Iterator[None]:
    """Hypothesis keeps files in a folder .hypothesis of the current one; here they go where nobody sees them."""
    name = "HYPOTHESIS_STORAGE_DIRECTORY"
    if name in os.environ or "hypothesis" in sys.modules:
        yield
        return
    with TemporaryDirectory(prefix="lengthgen-", ignore_cleanup_errors=True) as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            del os.environ[name]


def _pages(options: argparse.Namespace) -> Callable[[dict[str, Any]], None]:
    """What writes the page and the JUnit file that are asked for; what it embeds is read before any work.

    Raises
    ------
    InvalidArgument : for a file that cannot be written, verdicts or figures that cannot be read, or no page to put them on.
    """
    if not any((options.html, options.junit, options.verdicts, options.figures)):
        return lambda report: None
    from proofs_check.pages import html_report, junit
    from proofs_check.problem_files import read_data, write_text
    from proofs_check.verdicts.table import from_data

    for option in ("html", "junit"):
        if getattr(options, option):
            _require_writable(getattr(options, option), options.command, f"--{option}")
    for option in ("verdicts", "figures"):
        if getattr(options, option) and not options.html:
            raise InvalidArgument(
                options.command,
                f"--{option}",
                got=repr(getattr(options, option)),
                expected="--html as well",
                fix="It goes on the page.",
            )
    cells = from_data(read_data(options.verdicts, "--verdicts")) if options.verdicts else []
    pictures = html_report.pictures_in(options.figures) if options.figures else []

    def write(report: dict[str, Any]) -> None:
        with _every_one() as done:
            if options.html:
                text = html_report.page(report, cells=cells, pictures=pictures)
                done(write_text, options.html, text, f"{options.command} --html")
            if options.junit:
                done(write_text, options.junit, junit.xml(report), f"{options.command} --junit")

    return write


def _report(options: argparse.Namespace) -> int:
    from proofs_check.problem_files import read_data
    from proofs_check.report import witnesses

    if not (options.html or options.junit):
        raise InvalidArgument(
            "report", "--html, --junit", got="neither", expected="at least one of them", fix="Say what to write."
        )
    write_pages = _pages(options)
    report = read_data(options.report, "report")
    witnesses(report, options.report)  # refuses what is no report
    write_pages(report)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from proofs_check.commands.doctor import examine
    from proofs_check.problem_files import write_json

    if options.json:
        _require_writable(options.json, "doctor")
    found = examine()
    say(found.explain())
    if options.json:
        write_json(options.json, found.to_dict(), "doctor --json")
    return found.status


def _require_writable(path: str, command: str, option: str = "--json") -> None:
    """Refuse before the work, not after it."""
    file = Path(path)
    if file.is_dir() or not file.parent.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InvalidArgument(
            command,
            option,
            got=repr(path),
            expected="a file that can be written, in an existing folder",
            fix="Choose another path.",
        )


def _require_folder(path: str) -> None:
    if not Path(path).is_dir():
        raise InvalidArgument(
            "check", "--witnesses", got=repr(path), expected="an existing folder", fix="Create it first."
        )


@contextmanager
def _every_digit() -> Iterator[None]:
    """Print exact numbers whatever their length; numbers that are read keep to Python's limit."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


def _task(options: argparse.Namespace) -> int:
    from proofs_check.problem_files import write_json
    from proofs_check.tasks.contracts import check_task
    from theory.tasks import find_task

    if options.json:
        _require_writable(options.json, "task")
    task = find_task(options.task, "task")
    with _no_litter():
        report = check_task(task, lengths=options.lengths, seed=options.seed, budget=options.budget)
    say(report.explain())
    if options.json:
        write_json(options.json, report.to_dict(), "task --json")
    return REFUTED if report.refuted else HOLDS if report.holds else INCONCLUSIVE


def _decide(options: argparse.Namespace) -> int:
    from proofs_check.problem_files import read_problem

    if options.json:
        _require_writable(options.json, "decide")
    return _decide_problem(read_problem(options.file), options)


@_every_digit()
def _decide_problem(problem: Problem, options: argparse.Namespace) -> int:
    from proofs_check.problem import Problem
    from proofs_check.problem_files import problem_to_dict, write_json

    verdict = decide(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
    say(verdict.explain())
    if options.json:
        found = Problem(problem.heads, problem.train, problem.test, verdict.counterexample)
        result: dict[str, Any] = {
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "train_loss": None if verdict.train_loss is None else str(verdict.train_loss),
            "test_loss": None if verdict.test_loss is None else str(verdict.test_loss),
            "problem": problem_to_dict(found),
        }
        write_json(options.json, result, "decide --json")
    return 0


def _coverage(options: argparse.Namespace) -> int:
    from proofs_check.problem_files import read_problem

    if options.json:
        _require_writable(options.json, "coverage")
    return _cover_problem(read_problem(options.file), options)


@_every_digit()
def _cover_problem(problem: Problem, options: argparse.Namespace) -> int:
    from proofs_check.problem_files import write_json

    cov = coverage(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
    factor = retention(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
    say(f"κ   {_equals(cov.kappa)}    largest growth of a pattern's expected number of candidates")
    kappa0 = Factor(cov.kappa0, cov.kappa0_lower, cov.kappa0_family, cov.kappa0_missing)
    say(f"κ0  {_equals(cov.kappa0)}    {_sharpness(kappa0, 'abstaining at test <= κ0 · abstaining in training')}")
    say(f"N_T {_equals(Fraction(cov.candidates))}    candidate sets in training, at most")
    say(f"t   {_equals(factor.value)}    {_sharpness(factor, 'retention factor')}")
    if cov.factor != inf:
        say(f"T3: every hard head has test loss <= {readable(cov.factor, up=True)} · training loss.")
    elif cov.uncovered is not None:
        say("T3 gives no bound: something at test never occurs in training.")
    else:
        say(f"T3 gives no bound: {_no_kernel(kappa0)} proves a κ0.")
    if factor.value != inf:
        say(f"T11: every head has test loss <= {readable(factor.value, up=True)} · training loss.")
    else:
        say(f"T11 gives no bound: {_no_kernel(factor)} proves a t.")
    if cov.uncovered is not None:
        say(f"Not covered in training: candidates with overlap {cov.uncovered.overlap}, key {cov.uncovered.key}.")
    if options.json:
        result = {
            "kappa": str(cov.kappa),
            "kappa0": str(cov.kappa0),
            "kappa0_lower": str(cov.kappa0_lower),
            "kappa0_family": cov.kappa0_family,
            "kappa0_missing": cov.kappa0_missing,
            "candidates": cov.candidates,
            "factor": str(cov.factor),
            "retention": str(factor.value),
            "retention_lower": str(factor.lower),
            "retention_family": factor.family,
            "retention_missing": factor.missing,
            "uncovered": None if cov.uncovered is None else [list(cov.uncovered.overlap), list(cov.uncovered.key)],
        }
        write_json(options.json, result, "coverage --json")
    return 0


def _equals(value: Fraction | float) -> str:
    """ "= p/q", or a decimal rounded up: each of these numbers is a bound from above."""
    short = readable(value, up=True)
    return f"= {short}" if short == str(value) else f"≈ {short}"


def _sharpness(factor: Factor, what: str) -> str:
    """What a factor is, and how sharp: words about the kernels that were searched, and about no others."""
    if factor.value == inf:
        return f"{_no_kernel(factor)}: {factor.missing}"
    if factor.optimal and (factor.family == "all kept sets" or factor.value == 1):  # no kernel goes below 1
        return f"{what} (optimal)"
    of_family = "" if factor.family == "all kept sets" else f" of {factor.family}"
    if factor.optimal:
        return f"{what} (the least that a kernel{of_family} proves; others were not searched)"
    return f"{what} (at least {readable(factor.lower)} for every kernel{of_family})"


def _no_kernel(factor: Factor) -> str:
    if factor.family == "all kept sets":
        return "no kernel"
    return f"no kernel of {factor.family} (a larger --budget searches more)"


def _replay(options: argparse.Namespace) -> int:
    from proofs_check.problem_files import read_data
    from proofs_check.replay import replay
    from proofs_check.report import witnesses

    found = witnesses(read_data(options.file, "replay"), options.file)
    if not found:
        say("no witnesses in this file")
        return 0
    failed = 0
    for witness in found:
        outcome = replay(witness, options.file)
        failed += not outcome.reproduced
        say(("reproduced      " if outcome.reproduced else "NOT reproduced  ") + outcome.summary)
    say(f"{len(found) - failed} of {len(found)} reproduced")
    return REFUTED if failed else HOLDS


def _catalogue(options: argparse.Namespace) -> int:
    from proofs_check.pages.catalogue import page
    from proofs_check.problem_files import read_data, write_text
    from proofs_check.report import witnesses

    report = read_data(options.report, "catalogue")
    witnesses(report, options.report)  # refuses what is no report
    text = page(report)
    if options.output:
        write_text(options.output, text, "catalogue --output")
    else:
        say(text.removesuffix("\n"))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from idealized_model.transformer.results import read_rows
    from proofs_check.problem_files import write_text
    from proofs_check.verdicts.comparison import compare, page

    text = page(compare([row for file in options.results for row in read_rows(file)]), options.results)
    if options.output:
        write_text(options.output, text, "compare --output")
    else:
        say(text.removesuffix("\n"))
    return 0


def _verdicts(options: argparse.Namespace) -> int:
    from proofs_check.commands.terminal import console as standard_output
    from proofs_check.problem_files import write_json
    from proofs_check.verdicts import table as verdicts
    from proofs_check.work.executors import executor
    from proofs_check.work.pool import Unfinished
    from proofs_check.work.progress import watching

    asked = verdicts.questions(
        [*options.named, *options.task], options.scheme or (), train=options.train_lengths, test=options.test_lengths
    )
    if options.json:
        _require_writable(options.json, "verdicts")
    error: BaseException | None = None
    with executor(options.scheduler, "verdicts") as there, watching(asked) as watch:
        try:
            cells, interrupted = verdicts.decide_all(
                asked, jobs=options.jobs, executor=there, watch=watch, mixed=options.mixed
            )
        except Unfinished as unfinished:
            cells, interrupted, error = unfinished.done, True, unfinished.__cause__
    console = standard_output()
    with console.capture() as table:
        verdicts.print_table(asked, cells, console)
    say(table.get().removesuffix("\n"))
    if options.json:
        write_json(options.json, verdicts.to_data(cells.values(), interrupted=interrupted), "verdicts --json")
    if error is not None:
        raise error
    return INCONCLUSIVE if interrupted else HOLDS


def _train(options: argparse.Namespace) -> int:
    from proofs_check.commands import train as train_command
    from proofs_check.commands.terminal import console as standard_output
    from proofs_check.commands.terminal import show

    run = train_command.train if options.command == "train" else train_command.sweep
    status, table = run(options)
    if table is not None:
        console = standard_output()
        with console.capture() as text:
            show(table, console)
        say(text.get().removesuffix("\n"))
    return status
