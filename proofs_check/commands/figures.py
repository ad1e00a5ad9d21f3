"""`lengthgen figures`: its help. What draws is the package of that name, which imports this one: `main` is told of it."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.parser import Parser
from theory.errors import InvalidArgument, shown


def add_options(parser: Parser) -> None:
    """What most want; the others are those of python -m figures."""
    parser.description = (
        "Draw figures from stored data. The same as python -m figures, whose --help names the options. What is your own: "
        "lengthgen figures problem FILE, runs RESULTS, language ROWS, dependencies TASK, head FILE, attention RUN; each has "
        "its --help with python -m figures."
    )
    parser.epilog = "example: lengthgen figures transfer dilution"
    parser.add_argument("name", nargs="*", metavar="NAME", help="a figure (default: all)")


def run(options: Namespace) -> int:
    """Without that package: say who draws."""
    raise InvalidArgument(
        "figures", "NAME", got=shown(options.name), expected="no figures here", fix="Draw them with python -m figures."
    )
