"""`lengthgen check`: check the claims of the theory, and those of users."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from textwrap import indent

from proofs_check import report as reports
from proofs_check.claims.checks import run as run_tasks
from proofs_check.claims.checks import tasks_of
from proofs_check.claims.finding import addresses
from proofs_check.commands.output import every_one, no_litter, require_writable, say, say_with
from proofs_check.commands.parser import Parser, add_scheduler, natural, positive
from proofs_check.commands.report import add_outputs, writing_pages
from proofs_check.problem_files import write_json
from proofs_check.work.executors import executor
from proofs_check.work.progress import watching
from theory.errors import InvalidArgument

STATUSES = "0 all hold, 1 something is refuted or a mutant survives, 2 something is inconclusive"


def add_options(parser: Parser) -> None:
    """The claims, how far and how they are checked, and where the report goes."""
    parser.description = "Check every claim at the quick profile and print one table."
    parser.epilog = "example: lengthgen check --claim T3 --mutants --json report.json"
    parser.add_argument(
        "--claim",
        action="append",
        metavar="CLAIM",
        help="only this claim: its id, or module:object of your own, or a module with claims (repeatable)",
    )
    parser.add_argument(
        "--profile",
        choices=("quick", "full"),
        default="quick",
        help="full covers strictly more",
    )
    parser.add_argument("--mutants", action="store_true", help="show what refuted every mutant and dropped hypothesis")
    parser.add_argument("--json", metavar="FILE", help="write the report")
    parser.add_argument(
        "--witnesses", metavar="DIR", default=".", help="where a refuted claim writes its witness files"
    )
    parser.add_argument("--seed", type=natural, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    add_scheduler(parser)
    add_outputs(parser)


def run(options: Namespace) -> int:
    """Check the claims, print the table, write what was asked for and a file a witness."""
    require_writable(options.json, "check")
    _require_folder(options.witnesses)
    write_pages = writing_pages(options)
    tasks = tasks_of(addresses(options.claim or [], os.getcwd()))
    profile, seed, jobs = options.profile, options.seed, options.jobs
    with no_litter(), executor(options.scheduler, "check") as there, watching(tasks) as watch:
        outcome = run_tasks(tasks, profile=profile, seed=seed, jobs=jobs, executor=there, watch=watch)
    report = reports.build(outcome)
    say_with(lambda console: reports.print_table(report, console, mutants=options.mutants))
    with every_one() as done:
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


def _require_folder(path: str) -> None:
    if not Path(path).is_dir():
        raise InvalidArgument(
            "check", "--witnesses", got=repr(path), expected="an existing folder", fix="Create it first."
        )
