"""`python -m figures`: draw figures from stored data into files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.commands.output import say
from proofs_check.commands.parser import TASK, Parser, debuggable
from proofs_check.commands.program import BAD_USAGE, answered, debugging
from theory.errors import InvalidArgument, did_you_mean, shown, unwritable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 1000
"""The greatest length that is sampled; what is too long to be read is refused long before, once it is drawn."""

DEPENDENCIES = "dependencies"
"""Draws any instance of any task; it has a parser of its own."""

CURVE = "curve"
"""Draws the guaranteed shares of problem files; it has a parser of its own, too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 all was drawn, 2 interrupted, 3 bad usage, or data that is missing, 4 it could not be done.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = ["--debug"] * (arguments[:1] == ["--debug"])
    rest = arguments[len(debug) :]
    work = partial(_figures, arguments)
    if rest and rest[0] in OWN:
        work = partial(OWN[rest[0]], [*debug, *rest[1:]])
    return answered(work, name="figures", debug=debugging(arguments))


def _figures(arguments: list[str]) -> int:
    from figures import gallery, store
    from figures.plot import check_format, write
    from figures.registry import PLOTS, find
    from figures.style import Style

    asked = arguments[0] if arguments else ""
    if meant := "" if asked in PLOTS else did_you_mean(asked, OWN, ""):  # which have options of their own
        expected = f"a figure, {' or '.join(OWN)}"
        raise InvalidArgument("figures", "NAME", got=shown(asked), expected=expected, fix=meant)
    options = _parser().parse_args(arguments)
    data = Path(options.data) if options.data else store.DATA
    plots = find(options.name)
    if options.list:
        width = max(len(plot.name) for plot in plots)
        say("\n".join(f"{plot.name:{width}}  {plot.title}" for plot in plots))
        return 0
    style, formats = Style(options.style, options.columns), options.format.split(",")
    for kind in formats:
        check_format(kind)
    status = 0
    if options.rerun:
        for plot in plots:
            if plot.compute or options.name:
                stored = store.compute(plot)
                say(f"{store.save(plot, stored, data)}  ({stored.seconds} s)")
    if options.gallery:
        missing = gallery.write(Path(options.gallery), data)
        say(options.gallery)
        for name in missing:
            print(f"figures: {name} has no data yet", file=sys.stderr)
        return 0
    for plot in plots:
        try:
            files = write(plot, store.rows_of(plot, data), Path(options.out), formats, style)
        except InvalidArgument as error:
            if error.argument != "data":
                raise
            print(f"figures: {plot.name} is not drawn. {error}", file=sys.stderr)  # the others are
            status = BAD_USAGE
        else:
            say(" ".join(map(str, files)))
    return status


def _parser() -> Parser:
    parser = Parser(
        prog="figures",
        description="Draw figures from stored data: PDF, PNG and SVG, the CSV of what is drawn, and alt text.",
        epilog="example: python -m figures transfer dilution --format pdf --style neurips --columns 1. "
        f"Data of your own: python -m figures {DEPENDENCIES} --help, python -m figures {CURVE} --help",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="a figure (default: all); --list names them")
    parser.add_argument("--list", action="store_true", help="name the figures and say what they show")
    parser.add_argument("--out", default="drawn", metavar="DIR", help="where to (default: drawn)")
    parser.add_argument("--format", default="pdf,png,svg", metavar="F,F,...", help="formats (default: pdf,png,svg)")
    _sized(parser)
    parser.add_argument("--rerun", action="store_true", help="compute the stored data again, then draw")
    parser.add_argument("--data", metavar="DIR", help="where the data is (default: figures/data)")
    parser.add_argument(
        "--gallery", metavar="FILE", help="write the page of all figures, instead of drawing them to --out"
    )
    debuggable(parser, "0 all is drawn, 3 also data that is missing")
    return parser


def _sized(parser: Parser) -> None:
    parser.add_argument("--style", default="icml", metavar="VENUE", help="icml (default), neurips or jmlr")
    parser.add_argument(
        "--columns", type=int, default=2, metavar="N",
        help="2: as wide as the text (default); 1: as a column, in a paper of one column half of the text",
    )  # fmt: skip


def _dependencies(arguments: list[str]) -> int:
    """Draw a random instance of a task.

    Raises
    ------
    InvalidArgument : for an unknown task, a length that it does not have or that is too long to draw, a negative seed,
        or a file type that cannot be written.
    """
    parser = Parser(
        prog=f"figures {DEPENDENCIES}",
        description="Draw one random instance of a task: its dependency graph by position and by ID, side by side.",
        epilog=f'example: python -m figures {DEPENDENCIES} --task "addition, reversed" --length 3 --out addition.pdf',
    )
    parser.add_argument("--task", required=True, metavar="TASK", help=TASK)
    parser.add_argument("--length", required=True, type=int, metavar="N", help="the length of the problem")
    parser.add_argument("--out", required=True, metavar="FILE", help="where to; .png, .pdf or .svg")
    parser.add_argument("--seed", type=int, default=0, help="which instance (default 0)")
    debuggable(parser, "0 it is drawn")
    options = parser.parse_args(arguments)

    from figures.dependency_graphs import draw
    from theory.tasks import find_task
    from theory.tasks.faults import sampled

    length = options.length
    task = find_task(options.task, DEPENDENCIES)
    if options.seed < 0:
        raise InvalidArgument(
            DEPENDENCIES, "--seed", got=str(options.seed), expected="an integer >= 0", fix="For instance --seed 0."
        )
    if length > MOST:
        raise InvalidArgument(
            DEPENDENCIES, "--length", got=str(length), expected=f"at most {MOST}", fix="It could not be read."
        )
    _write(
        draw(task, sampled(task, length, np.random.default_rng(options.seed), DEPENDENCIES)), options.out, DEPENDENCIES
    )
    return 0


def _curve(arguments: list[str]) -> int:
    """Draw the guaranteed shares that `lengthgen decide --curve` found, a panel a file.

    Raises
    ------
    InvalidArgument : for files that it did not write, or a file type that cannot be written.
    """
    parser = Parser(
        prog=f"figures {CURVE}",
        description="Draw the guaranteed share over the test length, a panel a file: what lengthgen decide --curve wrote.",
        epilog=f"example: lengthgen decide problem.toml --curve 4..12 --json curve.json, then python -m figures {CURVE} "
        "curve.json --out curve.png",
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help="what lengthgen decide FILE --curve A..B --json wrote")
    parser.add_argument("--out", required=True, metavar="FILE", help="where to; .png, .pdf or .svg")
    _sized(parser)
    debuggable(parser, "0 it is drawn")
    options = parser.parse_args(arguments)

    from figures.guaranteed import PLOT, read
    from figures.plot import render
    from figures.style import Style

    style = Style(options.style, options.columns)
    _write(render(PLOT, read(options.file), style), options.out, CURVE)
    return 0


OWN = {DEPENDENCIES: _dependencies, CURVE: _curve}
"""What draws data of one's own, with options of its own."""


def _write(figure: Figure, path: str, where: str) -> None:
    from figures.plot import FORMATS, encode

    out = Path(path)
    kind = out.suffix[1:].lower()
    if kind not in FORMATS:
        raise InvalidArgument(
            where,
            "--out",
            got=shown(str(out)),
            expected="a file named " + ", ".join(f".{kind}" for kind in FORMATS),
            fix="For instance --out figure.pdf.",
        )
    try:
        out.write_bytes(encode(figure, kind))
    except OSError as error:
        raise unwritable(error)(
            where,
            "--out",
            got=f"{str(out)!r}: {error.strerror or error}",
            expected="a file that can be written",
            fix="Choose another path.",
        ) from None
