"""`lengthgen explore`: verdicts to click through, as one page without a server."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idealized_model.transformer.results import read_rows
from proofs_check.commands.output import require_writable, say, tell
from proofs_check.commands.parser import TASK, Parser, lengths, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.pages import explorer
from proofs_check.problem_files import read_data, write_text
from theory.errors import InvalidArgument

STATUSES = "0 done, 2 interrupted: the page has what was decided"


def add_options(parser: Parser) -> None:
    """Where the page goes, and what it shows."""
    parser.description = (
        "Write one page to choose task, scheme, convention, window, lengths and heads on, and see the verdict, what is "
        "guaranteed, what fails, and what trained models do. It needs no server and no network. Without --task: the tasks "
        "whose verdicts are stored."
    )
    parser.epilog = "example: lengthgen explore --output explorer"
    parser.add_argument("--output", required=True, metavar="DIR", help="where to write index.html; made if need be")
    parser.add_argument(
        "--task", action="append", default=[], metavar="TASK", help=f"decide this task instead (repeatable): {TASK}"
    )
    for name, what in (("train", "training lengths"), ("test", "test lengths")):
        parser.add_argument(
            f"--{name}-lengths", type=lengths, default=(), metavar="A..B", help=f"{what} of --task, as A..B or N,N,..."
        )
    parser.add_argument(
        "--results", action="append", default=[], metavar="FILE", help="what `sweep` wrote, to draw beside (repeatable)"
    )
    parser.add_argument("--fresh", action="store_true", help="decide every task of docs/verdicts.md again")
    parser.add_argument("--data", metavar="FILE", help="also write what the page shows, as JSON; after every task")
    parser.add_argument(
        "--resume", action="store_true", help="keep the tasks that --data has complete; decide the rest"
    )
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)")


def run(options: Namespace) -> int:
    """Decide what is not stored, and write the page."""
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir():
        got, fix = repr(options.output), "Choose another path."
        raise InvalidArgument("explore", "--output", got=got, expected="a folder, or none yet", fix=fix)
    require_writable(options.data, "explore", "--data")
    if options.resume and not (options.data and (options.task or options.fresh)):
        expected, fix = "--data FILE, and --task or --fresh", "Name the file that an earlier run wrote."
        raise InvalidArgument("explore", "--resume", got="nothing to go on with", expected=expected, fix=fix)
    rows = [row for path in options.results for row in read_rows(path)]
    data, interrupted = _data(options, rows)
    if interrupted and not data["tasks"]:
        tell("Interrupted before anything was decided.")
        return INCONCLUSIVE
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got, fix = f"{options.output!r} ({error.strerror})", "Choose another path."
        raise InvalidArgument("explore", "--output", got=got, expected="a folder", fix=fix) from None
    file = folder / "index.html"
    write_text(file, explorer.page(data), "explore --output")
    if options.data:
        write_text(options.data, explorer.dumps(data), "explore --data")
    say(f"Open {file} in a browser.")
    return INCONCLUSIVE if interrupted else HOLDS


def _data(options: Namespace, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    if not options.task and not options.fresh:
        if options.train_lengths or options.test_lengths:
            got, expected = "lengths without a task", "--task or --fresh as well"
            raise InvalidArgument(
                "explore",
                "--train-lengths, --test-lengths",
                got=got,
                expected=expected,
                fix="Name the task they are for.",
            )
        return explorer.with_curves(explorer.stored(), rows), False
    from proofs_check.verdicts.exploring import Part, decide_parts, parts_of
    from proofs_check.verdicts.grid import Grid
    from proofs_check.work.progress import watching

    parts = parts_of(options.task, train=options.train_lengths, test=options.test_lengths)
    before = _before(options) if options.resume else None
    kept = set() if before is None else explorer.complete(before, parts)

    def data(found: Mapping[Part, Sequence[Grid]]) -> dict[str, Any]:
        new = explorer.to_data(found)
        return explorer.with_curves(new if before is None else explorer.merged(parts, kept, new, before), rows)

    def keep(found: Mapping[Part, Sequence[Grid]]) -> None:
        if options.data:
            write_text(options.data, explorer.dumps(data(found)), "explore --data")

    todo = [part for part in parts if part.task not in kept]
    with watching(todo) as watch:
        found, interrupted = decide_parts(todo, jobs=min(options.jobs, len(todo) or 1), watch=watch, keep=keep)
    return data(found), interrupted


def _before(options: Namespace) -> dict[str, Any] | None:
    """What an earlier run wrote; None where there was none."""
    if not Path(options.data).exists():
        return None
    data: dict[str, Any] = read_data(options.data, "explore --data")
    explorer.require_data(data, "explore", "--data")
    return data
