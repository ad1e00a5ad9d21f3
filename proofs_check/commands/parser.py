"""What the command lines have in common: a parser, and the kinds of their arguments."""

from __future__ import annotations

import argparse
import shutil
import sys
from math import inf, nan
from typing import Any, NoReturn

from proofs_check.commands.program import BAD_USAGE, HOLDS, Ended
from proofs_check.spelling import spelled
from theory.errors import did_you_mean

TASK = 'a name, such as copy or "sparse parity, k = 3", or module:object, a task of one\'s own or what makes one'
"""What a task is named by, for the help of every command that takes one."""

MOST_LENGTHS = 1_000_000
"""Lengths that an interval may name: no command tries as many."""


WIDTH = 80
"""Columns of help at most."""


class Formatter(argparse.HelpFormatter):
    """Help as wide as the terminal, up to `WIDTH`."""

    def __init__(self, prog: str) -> None:
        super().__init__(
            prog, max_help_position=20, width=min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) - 2
        )


class Parser(argparse.ArgumentParser):
    """A parser whose bad usage is exit status 3, and whose help can be printed everywhere.

    Options have their full names, so that --debug is seen before anything is parsed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, "formatter_class": Formatter, **options})

    def _print_message(self, message: str, file: Any = None) -> None:
        encoding = getattr(file, "encoding", None) or "utf-8"
        super()._print_message(spelled(message, encoding), file)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As in argparse; but the command that does not know an argument says so, rather than the program around it."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            first = next((word for word in unknown if word.startswith("-")), "")
            names = [option.lstrip("-") for option in self._option_string_actions]
            meant = did_you_mean(first.lstrip("-").partition("=")[0], names, "See --help.")
            self.error(f"unrecognized arguments: {' '.join(unknown)}. {meant}")
        return options, unknown

    def exit(self, status: int = HOLDS, message: str | None = None) -> NoReturn:
        raise Ended(status)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise Ended(BAD_USAGE)


def debuggable(parser: argparse.ArgumentParser, statuses: str) -> None:
    """Add what every command has: --debug, and what its exit status means."""
    help_ = "show the traceback of what goes wrong"
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=help_)
    parser.add_argument_group(
        "exit status",
        f"{statuses}. In every command: 2 interrupted, 3 bad usage, 4 it could not be done, for want of room or memory or "
        "by a bug, as a line on standard error says.",
    )


def add_scheduler(parser: Parser) -> None:
    """What does the work, where that is not this machine."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="work on a dask cluster, such as tcp://host:8786, or on what module:object makes an Executor (docs/scale.md)",
    )


def natural(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, least=0)


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, least=1)


def _whole(text: str, *, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a whole number >= {least}")
    return value


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers from 1 on, as N,N,...."""
    try:
        return tuple(map(positive, text.split(",")))
    except argparse.ArgumentTypeError:
        expected = "whole numbers >= 1 with commas between, such as 1,2,3"
        raise argparse.ArgumentTypeError(f"got {text!r}; expected {expected}") from None


def interval(text: str) -> tuple[int, int]:
    """The ends of A..B; B alone is 1..B."""
    low, dots, high = text.partition("..")
    if not dots:
        low, high = "1", low
    lengths = positive(low), positive(high)
    if lengths[0] > lengths[1]:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected A..B with A <= B: {lengths[1]}..{lengths[0]}")
    return lengths


def lengths(text: str) -> tuple[int, ...]:
    """Every length of A..B, or N,N,...."""
    if ".." in text:
        low, high = interval(text)
        if high - low >= MOST_LENGTHS:
            raise argparse.ArgumentTypeError(f"got {text!r}; expected at most {MOST_LENGTHS:,} lengths")
        return tuple(range(low, high + 1))
    return numbers(text)


def window(text: str) -> int | str:
    """A whole number from 0 on, "task" or "none"."""
    if text in ("task", "none"):
        return text
    try:
        return natural(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a whole number >= 0, task or none") from None


def number(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a number > 0")
    return value
