"""The smallest training length that certifies all greater ones, decided exactly by T1, beside the closed forms (T2, T4)."""

from __future__ import annotations

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import GREY, MAP, Style, heat, legend_below
from proofs_check.claims.families import marked_parity
from theory import HeadClass, bounds, certificate_length, support

from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

ARITIES = (1, 2, 3, 4)
WINDOWS = (0, 1, 2, 3, 4, 5)


def compute(rng: np.random.Generator) -> list[Row]:
    """The parity of k marked bits: w-local supports with the relative key and a window w, and uniform ones without.

    Every training length below the closed form is put to the test against all lengths up to it. That is enough for all
    greater lengths: a head that is perfect at the length of the closed form is perfect beyond (T2, T4), and the relation
    composes.
    """
    rows: list[Row] = []
    for k in ARITIES:
        for width in (*WINDOWS, None):
            if width is not None and width < k - 1:
                continue  # no local set of k tokens
            law = support.uniform() if width is None else support.local(width)
            heads = HeadClass(k) if width is None else HeadClass(k, width, "relative")
            closed = bounds.certificate(k) if width is None else max(2 * width + 1, width + k + 1)
            lengths = range(k, closed + 1)
            found = certificate_length(heads, marked_parity(k, law).at, lengths=lengths, test_lengths=lengths)
            rows.append({"arity": k, "window": width, "smallest": found.length, "closed_form": closed})
    return rows


def draw(rows: Rows, style: Style) -> Figure:
    """Two maps over (window, k): by T1, and by the closed forms."""
    figure, panels = style.panels(2, across=2, height=1.75, extra=0.2, sharey=True)
    columns = list(
        dict.fromkeys(row["window"] for row in sorted(rows, key=lambda r: r["window"] or 0) if r_finite(row))
    )
    at = {window: i for i, window in enumerate([*columns, None])}
    norm = Normalize(min(row["smallest"] for row in rows), max(row["closed_form"] for row in rows))
    for axes, name in zip(panels, ("smallest", "closed_form"), strict=True):
        cells = {(at[row["window"]], row["arity"]): row[name] for row in rows}
        texts = {cell: str(value) for cell, value in cells.items()}
        heat(axes, cells, norm=norm, colours=colormaps[MAP], texts=texts)
        axes.set_xticks(range(len(at)), ["none" if w is None else str(w) for w in at])
        axes.set_yticks(sorted({row["arity"] for row in rows}))
        axes.set(xlabel="window, and width of the planted sets", title=_TITLES[name])
        if name == "smallest" or style.columns == 1:
            axes.set_ylabel("planted tokens, k")
    empty = Patch(facecolor="white", edgecolor=GREY, linewidth=0.6, label=_EMPTY)
    legend_below(figure, [empty], columns=1)
    return figure


_EMPTY = "empty: k tokens need a window of k - 1 or more"


_TITLES = {
    "smallest": "smallest training length that suffices (T1)",
    "closed_form": "length that always suffices (T2, T4)",
}


def r_finite(row: Row) -> bool:
    """Whether the row has a window."""
    return row["window"] is not None


def alt(rows: Rows) -> str:
    """How often the closed form is the smallest length."""
    tight = sum(row["smallest"] == row["closed_form"] for row in rows)
    free = ", ".join(f"{row['smallest']} for k = {row['arity']}" for row in rows if row["window"] is None)
    return (
        f"Two maps over the window and the number k of planted tokens: the smallest training length from which every perfect "
        f"head for the parity of k marked bits stays perfect, decided exactly, and the length that the closed forms promise. "
        f"They agree in {tight} of {len(rows)} cells, and the first is never the greater one. Cells "
        f"with a window below k - 1 are empty, as no k tokens fit it. Without a window the smallest length is {free}."
    )


PLOT = Plot("certificates", "The smallest training length that certifies (T2, T4)", draw, alt, compute)
