"""`lengthgen catalogue`: the page of claims and evidence."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.output import say_or_write
from proofs_check.commands.parser import Parser
from proofs_check.pages.catalogue import page
from proofs_check.problem_files import read_data
from proofs_check.report import witnesses


def add_options(parser: Parser) -> None:
    """The report, and where the page goes."""
    parser.description = "Write the page of claims and evidence (docs/claims.md) from a stored report."
    parser.epilog = "example: lengthgen catalogue docs/full-report.json --output docs/claims.md"
    parser.add_argument("report", help="a JSON report that `check` wrote")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")


def run(options: Namespace) -> int:
    """Write the page."""
    report = read_data(options.report, "catalogue")
    witnesses(report, options.report)  # refuses what is no report
    say_or_write(page(report), options.output, "catalogue")
    return 0
