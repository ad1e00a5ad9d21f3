"""Dense against sparse: the least loss of heads of arity k' on the parity of k bits (T7, T12)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import MAP, Style, heat
from idealized_model import HeadSpace, loss
from theory import HardHead, HeadClass, PlantedEnsemble, bounds, support
from theory.exact import as_float

from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

LARGEST = 6
ENUMERATED = 4
"""Heads of arity k' < k see 2^k' views: 43,046,721 heads for k' = 4, and 1.8 · 10^15 for the next."""


def compute(rng: np.random.Generator) -> list[Row]:
    """The least loss over all hard heads, exactly; sequences are as long as k and k' need, and not longer.

    Where k' < k every token is a marked bit, and all heads are tried. Where k' >= k one head shows that 0 is reached: the
    only candidate set is the whole sequence, and the head answers the parity of its marked bits.
    """
    rows: list[Row] = []
    for k, arity in product(range(1, LARGEST + 1), repeat=2):
        heads, law = HeadClass(arity), parity(k, max(k, arity)).at(max(k, arity))
        least: Fraction | None = None
        if arity >= k:
            views = {view for example in law.support() for view in heads.views(example)}
            least = loss(HardHead(heads, {view: view.tokens.count(1) % 2 for view in views}), law)
        elif arity <= ENUMERATED:
            losses, _, denominator = HeadSpace.of(heads, law).losses(law)
            least = Fraction(int(losses.min()), denominator)
        floor = bounds.below_arity_floor(comb(k, arity)) if arity < k else Fraction(0)
        rows.append(
            {"bits": k, "arity": arity, "least_loss": None if least is None else str(least), "floor": str(floor)}
        )
    return rows


def parity(k: int, length: int) -> PlantedEnsemble:
    """k marked bits, 0 and 1, and noise 2 where there is room for it."""
    words = list(product((0, 1), repeat=k))
    return PlantedEnsemble(
        vocabulary=3 if length > k else 2,
        background=[0, 0, 1] if length > k else [1, 0],
        planted={word: Fraction(1, len(words)) for word in words},
        target={word: sum(word) % 2 for word in words},
        support=support.uniform(),
        labels=(0, 1),
    )


def draw(rows: Rows, style: Style) -> Figure:
    """A map over (arity, k): the least loss, and T12's floor where heads are too many."""
    figure, (axes,) = style.panels(1, across=1, height=2.9 if style.columns == 1 else 3.1)
    cells: dict[tuple[int, int], float | None] = {}
    texts: dict[tuple[int, int], str] = {}
    for row in rows:
        cell = row["arity"], row["bits"]
        known = row["least_loss"]
        cells[cell] = None if known is None else as_float(Fraction(known))
        floor = f"≥ {decimal(row['floor'])}"
        if known is None or known == "0":
            texts[cell] = known or floor
        else:
            texts[cell] = f"{decimal(known)}\n{floor}"
    heat(axes, cells, norm=Normalize(0, 0.5), colours=colormaps[MAP], texts=texts)
    axes.set_xticks(sorted({x for x, _ in cells}))
    axes.set_yticks(sorted({y for _, y in cells}))
    axes.set(
        xlabel="tokens that a head reads at once, k'", ylabel="bits in the parity, k",
        title="least loss of any head; ≥: floor of T12",
    )  # fmt: skip
    return figure


def decimal(value: str) -> str:
    """A fraction below 1 with three digits, rounded down, so that a lower bound stays one.

    Examples
    --------
    >>> decimal("1/21"), decimal("1/2")
    ('0.047', '0.5')
    """
    return f"{int(1000 * Fraction(value)) / 1000:g}"


def alt(rows: Rows) -> str:
    """The two halves of the map."""
    zero = all(row["least_loss"] == "0" for row in rows if row["arity"] >= row["bits"])
    wrong = [row for row in rows if row["arity"] < row["bits"] and row["least_loss"]]
    least = min(wrong, key=lambda row: Fraction(row["least_loss"]))
    at_floor = sum(row["least_loss"] == row["floor"] for row in wrong)
    reads = "is 0" if zero else "is not always 0"
    return (
        f"A map over the number k' of tokens that a head reads at once and the number k of bits in the parity. The least loss "
        f"of any head {reads} where k' is at least k. Below, where every token counts, it is positive for all heads: at "
        f"least {least['least_loss']} (k = {least['bits']}, k' = {least['arity']}) in the {len(wrong)} cells in which all "
        f"heads were tried; it equals the floor of T12 in {at_floor} of them. Decimals are "
        "rounded down."
    )


PLOT = Plot(
    "arities", "Dense against sparse: the least loss of heads that read k' tokens (T7, T12)", draw, alt, compute
)
