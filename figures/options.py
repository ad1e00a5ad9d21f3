"""What the command lines of figures have in common: the size of a figure, and where it is written."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from proofs_check.commands.output import require_writable, say
from proofs_check.commands.parser import Parser
from theory.errors import InvalidArgument, check, shown, unwritable

if TYPE_CHECKING:
    from figures.plot import Rows
    from figures.style import Style

    from matplotlib.figure import Figure

UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
"""{unit: inches}; a point is TeX's, as \\the\\columnwidth prints it."""


def sized(parser: Parser) -> None:
    """How wide."""
    parser.add_argument(
        "--style", default="icml", metavar="VENUE",
        help="icml (default), neurips, iclr, acl, tmlr, jmlr or beamer",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=int, default=2, metavar="N",
        help="2: as wide as the text (default); 1: as a column, in a paper of one column half of the text",
    )  # fmt: skip
    parser.add_argument(
        "--width",
        metavar="W",
        help="instead, the width: inches, or with a unit (8.4cm, 84mm, 239.4pt as TeX prints it)",
    )


def width(text: str) -> float:
    """Inches.

    Raises
    ------
    InvalidArgument : for what is no length.

    Examples
    --------
    >>> width("3.25"), round(width("487.8225pt"), 4)
    (3.25, 6.75)
    """
    number, unit = text.strip(), "in"
    if number[-2:].lower() in UNITS:
        number, unit = number[:-2], number[-2:].lower()
    try:
        return float(number) * UNITS[unit]
    except ValueError:
        expected = "a length such as 3.25in, 8.4cm, 84mm or 234pt"
        raise InvalidArgument("figures", "--width", got=shown(text), expected=expected, fix="Give inches.") from None


def style_of(options: Namespace) -> Style:
    """The size that was asked for."""
    from figures.style import Style

    return Style(options.style, options.columns, 0.0 if options.width is None else width(options.width))


def out(parser: Parser) -> None:
    """Where to."""
    parser.add_argument(
        "--out", required=True, action="append", metavar="FILE",
        help="where to: .png, .pdf or .svg (repeatable); the .csv of what is drawn and the .txt of its words stand beside",
    )  # fmt: skip


def asked(options: Namespace, where: str) -> Style:
    """The size that was asked for; refuses places that are none before anything is computed.

    Raises
    ------
    InvalidArgument
    """
    from figures.plot import FORMATS

    for name in options.out:
        expected, fix = "a file named " + ", ".join(f".{kind}" for kind in FORMATS), "For instance --out figure.pdf."
        check(Path(name).suffix[1:].lower() in FORMATS, where, "--out", name, expected=expected, fix=fix)
        require_writable(name, where, "--out")
    return style_of(options)


def write(figure: Figure, rows: Rows, alt: str, options: Namespace, where: str) -> int:
    """Write the figure, the CSV of what is drawn, and its text; say which files these are."""
    from figures.plot import beside, encode

    places = [Path(name) for name in options.out]
    files = {place: encode(figure, place.suffix[1:].lower()) for place in places}
    files |= beside(places[0].with_suffix(""), rows, alt)
    for path, data in files.items():
        try:
            path.write_bytes(data)
        except OSError as error:
            raise unwritable(error)(
                where,
                "--out",
                got=f"{str(path)!r}: {error.strerror or error}",
                expected="a file that can be written",
                fix="Choose another path.",
            ) from None
    say(" ".join(map(str, files)))
    return 0
