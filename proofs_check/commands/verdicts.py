"""`lengthgen verdicts`: T1 on every task under every position scheme."""

from __future__ import annotations

import os
from argparse import Namespace

from proofs_check.commands.decide import add_scores
from proofs_check.commands.output import require_writable, say, say_with
from proofs_check.commands.parser import TASK, Parser, add_scheduler, lengths, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.problem_files import write_json
from proofs_check.verdicts.table import decide_all, print_table, questions, to_data
from proofs_check.work.executors import executor
from proofs_check.work.pool import Unfinished
from proofs_check.work.progress import watching


def add_options(parser: Parser) -> None:
    """Tasks and schemes, lengths, and where the verdicts go."""
    parser.description = (
        "Decide by T1 (or T13, T14: --scores), for every task and every position scheme, whether heads that are perfect "
        "on short instances are perfect on long ones, and print one table. Without a task: the small ones of docs/verdicts.md."
    )
    parser.epilog = 'example: lengthgen verdicts copy "sparse parity, k = 3" --scheme coupled'
    parser.add_argument("named", nargs="*", metavar="TASK", help=f"only these tasks, each {TASK}")
    parser.add_argument("--task", action="append", default=[], metavar="TASK", help="only this task (repeatable)")
    parser.add_argument("--scheme", action="append", metavar="NAME", help="only this scheme (repeatable)")
    for name, what in (("train", "training lengths to try"), ("test", "test lengths")):
        parser.add_argument(
            f"--{name}-lengths", type=lengths, default=(), metavar="A..B", help=f"{what}, as A..B or N,N,..."
        )
    add_scores(parser, "hard", "hard")
    parser.add_argument("--mixed", action="store_true", help="train on all lengths up to n, not on length n alone")
    parser.add_argument("--json", metavar="FILE", help="write the verdicts")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    add_scheduler(parser)


def run(options: Namespace) -> int:
    """Decide every cell, print the table and write the verdicts; what is done before an error or Ctrl-C is printed too."""
    asked = questions(
        [*options.named, *options.task], options.scheme or (), train=options.train_lengths, test=options.test_lengths
    )
    require_writable(options.json, "verdicts")
    error: BaseException | None = None
    with executor(options.scheduler, "verdicts") as there, watching(asked) as watch:
        try:
            cells, interrupted = decide_all(
                asked, jobs=options.jobs, executor=there, watch=watch, mixed=options.mixed, scores=options.scores
            )
        except Unfinished as unfinished:
            cells, interrupted, error = unfinished.done, True, unfinished.__cause__
    say_with(lambda console: print_table(asked, cells, console, options.scores))
    if options.json:
        write_json(options.json, to_data(cells.values(), interrupted=interrupted), "verdicts --json")
    if error is not None:
        raise error
    for cell in cells.values():
        if cell.open:
            say(str(cell))
    return INCONCLUSIVE if interrupted or any(cell.open for cell in cells.values()) else HOLDS
