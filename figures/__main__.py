"""`python -m figures`: draw a figure into a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proofs_check.cli import BAD_USAGE, Parser
from theory.errors import InvalidArgument, TheoryError, shown

MOST = 1000
"""The greatest length that is sampled; what is too long to be read is refused long before, once it is drawn."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 the figure was written, 3 bad usage."""
    parsed = _parser().parse_args(argv)
    try:
        _dependencies(parsed.task, parsed.length, Path(parsed.out), parsed.seed)
    except TheoryError as error:
        print(f"figures: {error}", file=sys.stderr)
        return BAD_USAGE
    except OSError as error:
        print(f"figures: {parsed.out} cannot be written: {error.strerror or error}", file=sys.stderr)
        return BAD_USAGE
    return 0


def _parser() -> Parser:
    parser = Parser(prog="figures", description="Draw a figure into a file. Exit status: 0 written, 3 bad usage.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    dependencies = commands.add_parser(
        "dependencies",
        help="a task's dependency graph by position and by ID",
        description="Draw one random instance of a task: its dependency graph by position and by ID, side by side.",
        epilog='example: python -m figures dependencies --task "addition, reversed" --length 3 --out addition.pdf',
    )
    dependencies.add_argument("--task", required=True, metavar="NAME", help="a task by its name in theory.tasks.TASKS")
    dependencies.add_argument("--length", required=True, type=int, metavar="N", help="the length of the problem")
    dependencies.add_argument("--out", required=True, metavar="FILE", help="where to; .png, .pdf, .svg, ...")
    dependencies.add_argument("--seed", type=int, default=0, help="which instance (default 0)")
    return parser


def _dependencies(name: str, length: int, out: Path, seed: int) -> None:
    """Draw a random instance of a task.

    Raises
    ------
    InvalidArgument : for an unknown task, a length that it does not have or that is too long to draw, a negative seed,
        or a file type that cannot be written.
    """
    from figures.dependency_graphs import draw
    from theory.tasks import TASKS

    if name not in TASKS:
        raise InvalidArgument(
            "dependencies", "--task", shown(name), "one of " + "; ".join(sorted(TASKS)), "Quote a name with spaces."
        )
    if seed < 0:
        raise InvalidArgument("dependencies", "--seed", str(seed), "an integer >= 0", "For instance --seed 0.")
    if length > MOST:
        raise InvalidArgument("dependencies", "--length", str(length), f"at most {MOST}", "It could not be read.")
    task = TASKS[name]
    figure = draw(task, task.sample(length, np.random.default_rng(seed)))
    kinds = figure.canvas.get_supported_filetypes().keys() - {"pgf"}  # which needs LaTeX
    if out.suffix[1:].lower() not in kinds:
        raise InvalidArgument(
            "dependencies", "--out", shown(str(out)), "a file named " + ", ".join(f".{kind}" for kind in sorted(kinds)),
            "For instance --out figure.pdf.",
        )  # fmt: skip
    figure.savefig(out, dpi=200)


if __name__ == "__main__":
    sys.exit(main())
