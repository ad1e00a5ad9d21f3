"""`lengthgen compare`: T1's verdicts beside trained models."""

from __future__ import annotations

from argparse import Namespace

from idealized_model.transformer.results import read_rows
from proofs_check.commands.output import say_or_write
from proofs_check.commands.parser import Parser
from proofs_check.verdicts.comparison import compare, page


def add_options(parser: Parser) -> None:
    """The results, and where the page goes."""
    parser.description = (
        "Write a page that sets T1's verdict beside what the trained models of a sweep do, as docs/comparison.md."
    )
    parser.epilog = (
        "example: lengthgen compare figures/data/schemes.jsonl figures/data/dense.jsonl --output docs/comparison.md"
    )
    parser.add_argument("results", nargs="+", metavar="RESULTS", help="rows that `sweep` or `train` wrote (.jsonl)")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")


def run(options: Namespace) -> int:
    """Write the page."""
    text = page(compare([row for file in options.results for row in read_rows(file)]), options.results)
    say_or_write(text, options.output, "compare")
    return 0
