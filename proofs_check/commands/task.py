"""`lengthgen task`: what a task promises, put to the test."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.output import no_litter, require_writable, say
from proofs_check.commands.parser import TASK, Parser, lengths, natural, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE, REFUTED
from proofs_check.problem_files import write_json
from proofs_check.tasks.checking import BUDGET, check_task
from theory.tasks import find_task

STATUSES = "0 all hold, 1 something is refuted, 2 something is inconclusive"


def add_options(parser: Parser) -> None:
    """The task, its lengths, and how much of them is tried."""
    parser.description = "Put every contract of a task to the test: dependency sets, targets, IDs, sampler, ..."
    parser.epilog = "example: lengthgen task mypackage.mymodule:MyTask --lengths 1,2,3"
    parser.add_argument("task", help=TASK)
    parser.add_argument(
        "--lengths",
        type=lengths,
        metavar="A..B",
        help="lengths to try, as A..B or N,N,... (default: five from the least)",
    )
    parser.add_argument(
        "--budget", type=positive, default=BUDGET, help=f"most instances to list of a length (default {BUDGET:,})"
    )
    parser.add_argument("--seed", type=natural, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--json", metavar="FILE", help="write the report")


def run(options: Namespace) -> int:
    """Check the task, explain what was found and write the report."""
    require_writable(options.json, "task")
    task = find_task(options.task, "task")
    with no_litter():
        report = check_task(task, lengths=options.lengths, seed=options.seed, budget=options.budget)
    say(report.explain())
    if options.json:
        write_json(options.json, report.to_dict(), "task --json")
    return REFUTED if report.refuted else HOLDS if report.holds else INCONCLUSIVE
