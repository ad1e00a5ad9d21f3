"""One style for every figure: sizes of papers, text, colours, dashes and markers.

>>> Style("icml", columns=1).width, Style("jmlr").width, Style(width=3.1).columns
(3.25, 6.0, 1)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from figures.ambient import DEFAULTS
from theory.errors import InvalidArgument, check, did_you_mean, shown

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, Normalize, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

Venue: TypeAlias = Literal["icml", "neurips", "iclr", "acl", "tmlr", "jmlr", "beamer"]
Dash: TypeAlias = Literal["-"] | tuple[float, tuple[float, ...]]

WIDTHS: dict[Venue, tuple[float, float]] = {
    "icml": (3.25, 6.75),
    "neurips": (2.65, 5.5),
    "iclr": (2.65, 5.5),
    "acl": (3.03, 6.3),
    "tmlr": (3.15, 6.5),
    "jmlr": (2.9, 6.0),
    "beamer": (2.7, 5.51),
}
"""Inches: a column, and the text. A paper of one column, and a slide of 16:9, has room for two figures side by side."""

NARROWEST, WIDEST, ONE_COLUMN = 2.5, 40.0, 4.2
"""Inches: widths that can be asked for, and up to which one is laid out as a column."""

PAGE = 8.5
"""Inches: the height that a figure in a column may have."""

SMALLEST = 7.0
"""Points: the size of the text."""

PALETTE = ("#5790fc", "#cf7b00", "#e42536", "#964a8b", "#86868b", "#7a21dd")
"""Told apart with every common colour blindness (after Petroff 2021, arXiv:2107.02270); orange and grey are darker, since
a thin line needs a contrast of 3:1 on white."""

CONTRAST = 3.0
"""Of every line with the paper, at least (WCAG 2.2, 1.4.11)."""

DASHES: tuple[Dash, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
"""The second channel: what is told apart by colour differs in its dashes as well."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")
"""The third channel, for points."""

LINE = 0.155
"""Inches: a line of a legend."""

GREY = "#55555a"
INK = "#1b1b1e"
SHADE = "#e9e9ee"
MAP = "YlGnBu"
"""Light for little, dark for much; its lightness alone tells the order."""

_LOCK = RLock()

SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": SMALLEST,
    "axes.titlesize": SMALLEST,
    "axes.titlepad": 4,
    "axes.labelsize": SMALLEST,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "legend.fontsize": SMALLEST,
    "legend.title_fontsize": SMALLEST,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.columnspacing": 1.4,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": SHADE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "lines.markeredgewidth": 0.8,
    "hatch.linewidth": 0.5,
    "figure.dpi": 100,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "lengthgen",
    "figure.constrained_layout.h_pad": 0.035,
    "figure.constrained_layout.w_pad": 0.035,
}


class Series(NamedTuple):
    """How the i-th of several series is drawn: nothing hangs on its colour alone."""

    colour: str
    dash: Dash
    marker: str

    def line(self) -> dict[str, Any]:
        """Arguments of `Axes.plot`: a line with markers, white inside."""
        return {
            "color": self.colour, "linestyle": self.dash, "marker": self.marker, "markerfacecolor": "white",
            "markeredgecolor": self.colour,
        }  # fmt: skip


def series(i: int) -> Series:
    """The style of series number i; dash and marker come again together only after 44."""
    return Series(PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)])


def contrast(colour: Any) -> float:
    """How much a colour stands out on white: (1 + 0.05) / (its luminance + 0.05), from 1 for white to 21 for black."""
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@cache
def thin(colour: str) -> str:
    """The colour of a thin line beside a thick one of this colour: as light as `CONTRAST` lets it be.

    Examples
    --------
    >>> round(contrast(thin("#7a21dd")), 1), contrast(thin("#cf7b00")) >= CONTRAST
    (3.0, True)
    """
    red, green, blue = to_rgb(colour)
    shares = (i / 100 for i in range(100, -1, -1))
    mixed = (to_hex((s + (1 - s) * red, s + (1 - s) * green, s + (1 - s) * blue)) for s in shares)
    return next((one for one in mixed if contrast(one) >= CONTRAST), colour)


@dataclass(frozen=True)
class Style:
    """The size of a figure in a paper.

    Parameters
    ----------
    venue : "icml", "neurips", "iclr", "acl", "tmlr", "jmlr" or "beamer".
    columns : 1 for a column (in a paper of one column: half of its text), 2 for the width of the text.
    width : inches; 0, the default, for what the venue has. Up to `ONE_COLUMN` it is laid out as a column is.

    Raises
    ------
    InvalidArgument
    """

    venue: Venue = "icml"
    columns: Literal[1, 2] = 2
    width: float = 0.0

    def __post_init__(self) -> None:
        if self.venue not in get_args(Venue):
            raise InvalidArgument(
                "Style",
                "venue",
                got=shown(self.venue),
                expected=f"one of {', '.join(get_args(Venue))}",
                fix=did_you_mean(self.venue, get_args(Venue), "Give the width of the paper instead."),
            )
        if self.columns not in (1, 2):
            raise InvalidArgument(
                "Style", "columns", got=shown(self.columns), expected="1 or 2", fix="2 is the width of the text."
            )
        if not self.width:
            object.__setattr__(self, "width", WIDTHS[self.venue][self.columns - 1])
            return
        is_width = isinstance(self.width, int | float) and NARROWEST <= self.width <= WIDEST
        check(
            is_width, "Style", "width", self.width, expected=f"inches from {NARROWEST:g} to {WIDEST:g}",
            fix="TeX prints it: \\the\\columnwidth.",
        )  # fmt: skip
        object.__setattr__(self, "columns", 1 if self.width <= ONE_COLUMN else 2)

    def across(self, n: int, wide: int, narrow: int = 1) -> int:
        """How many of n panels stand in a row, at most so many in two columns and in one."""
        return min(n, wide if self.columns == 2 else narrow)

    def panels(
        self, n: int, *, across: int, narrow: int = 1, height: float, extra: float = 0.0, **shared: Any
    ) -> tuple[Figure, list[Axes]]:
        """A figure of n panels, row by row.

        Parameters
        ----------
        across, narrow : panels in a row, in two columns and in one.
        height : of a row, inches.
        extra : inches for a legend below.
        shared : of `Figure.subplots`, such as sharex.
        """
        across = self.across(n, across, narrow)
        rows = -(-n // across)
        figure = Figure(figsize=(self.width, rows * height + extra), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, across, squeeze=False, **shared)
        axes = list(grid.flat)
        for spare in axes[n:]:
            spare.remove()
        return figure, axes[:n]


@contextmanager
def applied() -> Iterator[None]:
    """Draw and save with this style, whatever the user's settings are; they are back afterwards.

    matplotlib's settings belong to the process, so that one thread draws at a time.
    """
    with _LOCK, matplotlib.rc_context():
        matplotlib.rcParams.update({**DEFAULTS, **SETTINGS})
        yield


def legend_below(figure: Figure, handles: Sequence[Line2D | Patch], *, columns: int, note: str = "") -> None:
    """One legend below all panels, in so many columns, or in as many as fit; the figure grows by the lines that adds.

    Parameters
    ----------
    note : what stands above the entries, wrapped.
    """
    said = wrapped(note, float(figure.get_figwidth()))
    for fewer in range(columns, 0, -1):
        legend = figure.legend(handles=list(handles), loc="outside lower center", ncols=fewer, title=said)
        legend.get_title().set_multialignment("center")
        if fewer == 1 or legend.get_window_extent().width <= figure.bbox.width:
            more = -(-len(handles) // fewer) - -(-len(handles) // columns) + len(said.splitlines())
            figure.set_figheight(figure.get_figheight() + more * LINE)
            return
        legend.remove()


def wrapped(text: str, inches: float) -> str:
    """A text in lines that are not wider."""
    return textwrap.fill(text, int(inches * 16))


def entry(label: str, **how: Any) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **how)


def ink_on(colour: Any) -> str:
    """Black or white, whichever can be read on a colour."""
    red, green, blue = to_rgb(colour)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def heat(
    axes: Axes,
    cells: dict[tuple[int, int], float | None],
    *,
    norm: Normalize,
    colours: Colormap,
    texts: dict[tuple[int, int], str] | None = None,
) -> None:
    """Unit squares around (column, row); None is hatched. `cells` keeps its order in `axes.patches`."""
    for (x, y), value in cells.items():
        colour = "white" if value is None else colours(norm(value))
        axes.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=GREY if value is None else "white",
                linewidth=0.0 if value is None else 0.5, hatch="//////" if value is None else None,
            )
        )  # fmt: skip
        if texts and (text := texts.get((x, y))):
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if value is None else None
            axes.text(x, y, text, ha="center", va="center", color=ink_on(colour), bbox=box, linespacing=1.1)
    xs, ys = [x for x, _ in cells], [y for _, y in cells]
    axes.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(max(ys) + 0.5, min(ys) - 0.5))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
