"""`lengthgen compare`: T1's verdicts beside trained models."""

from __future__ import annotations

import os
from argparse import Namespace

from idealized_model.transformer.results import read_rows
from proofs_check.commands.output import say_or_write
from proofs_check.commands.parser import Parser, positive
from proofs_check.verdicts.comparison import compare, page
from proofs_check.work.progress import watching


def add_options(parser: Parser) -> None:
    """The results, and where the page goes."""
    parser.description = (
        "Write a page that sets what the theory promises (T1, T13, T14) beside what the trained models of a sweep do, as "
        "docs/comparison.md."
    )
    parser.epilog = (
        "example: lengthgen compare figures/data/coupled.jsonl figures/data/dense.jsonl --output comparison.md"
    )
    parser.add_argument("results", nargs="+", metavar="RESULTS", help="rows that `sweep` or `train` wrote (.jsonl)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")


def run(options: Namespace) -> int:
    """Write the page."""
    rows = [row for file in options.results for row in read_rows(file)]
    text = page(compare(rows, jobs=options.jobs, watched=watching), options.results)
    say_or_write(text, options.output, "compare")
    return 0
