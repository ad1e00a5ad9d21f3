"""`python -m figures`: draw figures from stored data into files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from figures.options import sized, style_of
from figures.own.commands import OWN
from proofs_check.commands.output import say
from proofs_check.commands.parser import Parser, debuggable
from proofs_check.commands.program import BAD_USAGE, answered, debugging
from theory.errors import InvalidArgument, did_you_mean, shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 all was drawn, 2 interrupted, 3 bad usage, or data that is missing, 4 it could not be done.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = ["--debug"] * (arguments[:1] == ["--debug"])
    rest = arguments[len(debug) :]
    work = partial(_figures, arguments)
    if _is_own(rest):
        work = partial(OWN[rest[0]], [*debug, *rest[1:]])
    return answered(work, name="figures", debug=debugging(arguments))


def _is_own(arguments: list[str]) -> bool:
    """Whether something of one's own is to be drawn: `attention RUN` is, and `attention` alone is a stored figure."""
    if not arguments or arguments[0] not in OWN:
        return False
    from figures.registry import PLOTS

    name, *rest = arguments
    if name not in PLOTS or {"-h", "--help", "--prompt"}.intersection(rest):
        return True
    return bool(rest) and not rest[0].startswith("-") and rest[0] not in PLOTS


def _figures(arguments: list[str]) -> int:
    from figures import gallery, store
    from figures.plot import check_format, write
    from figures.registry import PLOTS, find

    asked = arguments[0] if arguments else ""
    if meant := "" if asked in PLOTS else did_you_mean(asked, OWN, ""):  # which have options of their own
        expected = f"a figure, {', '.join(OWN)}"
        raise InvalidArgument("figures", "NAME", got=shown(asked), expected=expected, fix=meant)
    options = _parser().parse_args(arguments)
    data = Path(options.data) if options.data else store.DATA
    plots = find(options.name)
    if options.list:
        width = max(len(plot.name) for plot in plots)
        say("\n".join(f"{plot.name:{width}}  {plot.title}" for plot in plots))
        return 0
    style, formats = style_of(options), options.format.split(",")
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
        f"What is your own: python -m figures NAME --help, where NAME is {', '.join(OWN)}.",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="a figure (default: all); --list names them")
    parser.add_argument("--list", action="store_true", help="name the figures and say what they show")
    parser.add_argument("--out", default="drawn", metavar="DIR", help="where to (default: drawn)")
    parser.add_argument("--format", default="pdf,png,svg", metavar="F,F,...", help="formats (default: pdf,png,svg)")
    sized(parser)
    parser.add_argument("--rerun", action="store_true", help="compute the stored data again, then draw")
    parser.add_argument("--data", metavar="DIR", help="where the data is (default: figures/data)")
    parser.add_argument(
        "--gallery", metavar="FILE", help="write the page of all figures, instead of drawing them to --out"
    )
    debuggable(parser, "0 all is drawn, 3 also data that is missing")
    return parser
