"""The command line: one module of this package a command, imported when it is run or its help is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from proofs_check.commands.parser import Parser, debuggable
from proofs_check.commands.program import BAD_USAGE, answered, debugging
from proofs_check.evidence import version
from theory import BudgetExceeded
from theory.errors import did_you_mean

COMMANDS = {
    "check": "check every claim (the default)",
    "decide": "decide by T1 whether a head class length-generalizes from a training law to a test law",
    "coverage": "the bounds of T3 and T11: κ, κ0, N_T, the retention factor, what training does not cover",
    "replay": "reproduce a witness file, or every witness of a report",
    "report": "write the page and the JUnit file of a stored report",
    "catalogue": "write the page of claims and evidence from a stored report",
    "compare": "T1's verdicts beside the trained models of a sweep",
    "verdicts": "decide by T1 every task under every position scheme",
    "explore": "a page to choose among verdicts on, without a server",
    "advise": "what a generator, a function or a file of examples needs in order to length-generalize",
    "task": "check what a task of your own promises",
    "train": "train transformers on a task, and test them on longer instances",
    "sweep": "train a grid of transformers",
    "language": "how many tokens of a text predictions need, and what models lose in longer contexts",
    "export": "write sequences of a task for training in any framework",
    "certify": "try a trained model, or any function, on every instance of a task",
    "proofs": "which theorems in Coq each claim rests on, and whether what Coq said of them still counts",
    "audit": "compare what the code says of problems with a program that is proved right in Coq",
    "doctor": "what is installed, what is missing and what that disables",
    "figures": "draw the figures from stored data",
}
"""What each command is for; its module has `add_options`, `run` and, where 0 is not just that it was done, `STATUSES`."""


def main(argv: Sequence[str] | None = None, *, figures: Callable[[Sequence[str]], int] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 all hold, 1 refuted, 2 inconclusive, 3 bad usage, 4 it could not be done.

    Parameters
    ----------
    argv : the arguments; None for those of the process.
    figures : the command of that name, from its arguments to its exit status: the package `figures` imports this one, so
        the program hands it in, which stands above both; None where there is none.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    debug = ["--debug"] * (given[:1] == ["--debug"])
    arguments = given[len(debug) :]
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help", "--version")):
        word = arguments[0] if arguments else "-"
        if not word.startswith("-") and (meant := did_you_mean(word, COMMANDS, "")):
            print(f"lengthgen: {word!r} is no command. {meant}", file=sys.stderr)
            return BAD_USAGE
        arguments.insert(0, "check")
    if figures is not None and arguments[0] == "figures" and not {"-h", "--help"}.intersection(arguments):
        return figures([*debug, *arguments[1:]])
    return answered(partial(_run, [*debug, *arguments], arguments[0]), debug=debugging(given))


def _run(arguments: list[str], name: str) -> int:
    options = parser_of(name).parse_args(arguments)
    try:
        status: int = options.run(options)
    except BudgetExceeded as error:
        if error.argument == "budget" and hasattr(options, "budget"):
            raise BudgetExceeded(error.where, error.size, error.budget, error.covered, option="--budget") from error
        raise
    return status


def parser_of(name: str) -> Parser:
    """The parser of the program, with the options of one command; of the others it knows the names."""
    parser = Parser(
        prog="lengthgen",
        description="Check the claims of the theory, or decide whether a head class length-generalizes.",
        epilog="Without a command: check. Each command has its own --help.",
    )
    parser.add_argument("--version", action="version", version=f"lengthgen {version('lengthgen')}")
    debuggable(parser, "see the command's own --help")
    commands = parser.add_subparsers(dest="command", parser_class=Parser)
    for command, what in COMMANDS.items():
        own = commands.add_parser(command, help=what, description=what)
        if command == name:
            module: Any = import_module(f"proofs_check.commands.{command}")
            module.add_options(own)
            own.set_defaults(run=module.run)
            debuggable(own, getattr(module, "STATUSES", "0 done"))
    return parser
