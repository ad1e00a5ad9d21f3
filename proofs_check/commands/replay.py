"""`lengthgen replay`: reproduce witnesses."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.output import say
from proofs_check.commands.parser import Parser
from proofs_check.commands.program import HOLDS, REFUTED
from proofs_check.problem_files import read_data
from proofs_check.replay import replay
from proofs_check.report import witnesses

STATUSES = "0 all are reproduced, 1 not all are"


def add_options(parser: Parser) -> None:
    """The file."""
    parser.description = "Reproduce a witness file, or every witness of a report."
    parser.epilog = "example: lengthgen replay report.json"
    parser.add_argument("file", help="a witness file or a JSON report that `check` wrote")


def run(options: Namespace) -> int:
    """Replay every witness of the file, and say a line of each."""
    found = witnesses(read_data(options.file, "replay"), options.file)
    if not found:
        say("no witnesses in this file")
        return HOLDS
    failed = 0
    for witness in found:
        outcome = replay(witness, options.file)
        failed += not outcome.reproduced
        say(("reproduced      " if outcome.reproduced else "NOT reproduced  ") + outcome.summary)
    say(f"{len(found) - failed} of {len(found)} reproduced")
    return REFUTED if failed else HOLDS
