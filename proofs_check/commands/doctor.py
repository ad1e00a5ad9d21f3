"""`lengthgen doctor`, and `python -m proofs_check.commands.doctor` where the command does not start at all.

Only the standard library is imported at first, so that it also runs where NumPy is missing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from proofs_check.commands.installation import examine
from proofs_check.spelling import spelled

if TYPE_CHECKING:
    from argparse import Namespace

    from proofs_check.commands.parser import Parser

STATUSES = "0 the core is complete, 2 something that every use needs is missing"


def add_options(parser: Parser) -> None:
    """Where the diagnosis goes."""
    parser.description = (
        "Say what is installed, what is missing, what that disables and how to install it. Where lengthgen "
        "does not start at all: python -m proofs_check.commands.doctor."
    )
    parser.epilog = "example: lengthgen doctor --json doctor.json"
    parser.add_argument("--json", metavar="FILE", help="write the diagnosis")


def run(options: Namespace) -> int:
    """Examine, say and write what was found."""
    from proofs_check.commands.output import require_writable, say
    from proofs_check.problem_files import write_json

    require_writable(options.json, "doctor")
    found = examine()
    say(found.explain())
    if options.json:
        write_json(options.json, found.to_dict(), "doctor --json")
    return found.status


def main() -> int:
    """Print the diagnosis; returns the exit status."""
    found = examine()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(spelled(found.explain(), encoding))
    return found.status


if __name__ == "__main__":
    from proofs_check.commands import program

    sys.exit(program.run(main))
