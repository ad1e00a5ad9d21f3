"""How much candidates grow from a training length to a test length (κ of T3), for every position scheme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import MAP, SMALLEST, Style, heat, wrapped
from proofs_check.claims.families import marked_parity
from theory import HeadClass, Pattern, pattern_masses, positions, support
from theory.exact import as_float
from theory.positions import PositionScheme
from theory.support import SupportRule

from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

LENGTHS = tuple(range(2, 17, 2))
LONGEST = LENGTHS[-1]
WIDTH = 2

SUPPORTS: dict[str, SupportRule] = {
    "anywhere": support.uniform(),
    f"within {WIDTH}": support.local(WIDTH),
    "half a length apart": support.paired(),
}
"""Where the two marked tokens stand."""

RAW = positions.absolute()
SHIFTED = positions.random_shift(0, LONGEST)

SCHEMES: dict[str, tuple[PositionScheme, Callable[[str, int], HeadClass]]] = {
    "no positions": (RAW, lambda where, train: HeadClass(2)),
    "absolute": (RAW, lambda where, train: HeadClass(2, None, "absolute")),
    "random shift": (SHIFTED, lambda where, train: HeadClass(2, window(where, train), "absolute")),
    "relative window": (RAW, lambda where, train: HeadClass(2, window(where, train), "relative")),
    "coupled": (RAW, lambda where, train: HeadClass(2, 0 if _paired(where) else window(where, LONGEST), "relative")),
    "random ordered": (RAW, lambda where, train: HeadClass(2, 0 if _paired(where) else None, "order")),
}
"""{scheme: (IDs in training, (where, training length) -> the head class)}, as in docs/verdicts.md. The order key is the
same for every relabelling that keeps the order, so that the IDs of the last need none."""


def _paired(where: str) -> bool:
    return where == "half a length apart"


def window(where: str, train: int) -> int:
    """The smallest window that holds the two marked tokens by position, up to this length."""
    return {"anywhere": train - 1, f"within {WIDTH}": min(WIDTH, train - 1)}.get(where, train // 2)


def compute(rng: np.random.Generator) -> list[Row]:
    """κ for the parity of two marked tokens, exactly; "inf" where a candidate at test has a pattern that training lacks."""
    rows: list[Row] = []
    for where, rule in SUPPORTS.items():
        ens = marked_parity(2, rule)
        for scheme, (ids, heads_at) in SCHEMES.items():
            coupled = scheme in ("coupled", "random ordered") and _paired(where)
            tested, trained = (positions.coupled(positions.blocks(2), s) if coupled else s for s in (RAW, ids))
            for train in LENGTHS:
                heads = heads_at(where, train)
                before = pattern_masses(heads, ens.at(train, positions=trained))
                for test in (n for n in LENGTHS if n >= train):
                    kappa = growth(before, pattern_masses(heads, ens.at(test, positions=tested)))
                    rows.append(
                        {
                            "scheme": scheme,
                            "planted": where,
                            "train_length": train,
                            "test_length": test,
                            "kappa": str(kappa),
                        }
                    )
    return rows


def growth(train: dict[Pattern, Fraction], test: dict[Pattern, Fraction]) -> Fraction | float:
    """κ of T3: the largest ratio of masses, infinite for a pattern that training lacks."""
    return max((mass / train[p] if p in train else inf for p, mass in test.items()), default=Fraction(0))


def draw(rows: Rows, style: Style) -> Figure:
    """A small map for every scheme and every place of the planted tokens; hatched where κ is infinite."""
    schemes, places = (list(dict.fromkeys(row[name] for row in rows)) for name in ("scheme", "planted"))
    wide = style.columns == 2
    grid = [(s, p) for p in places for s in schemes] if wide else [(s, p) for s in schemes for p in places]
    across = len(schemes) if wide else len(places)
    size = 0.83 if wide else 0.86
    figure, panels = style.panels(
        len(grid), across=across, narrow=across, height=size, extra=0.75, sharex=True, sharey=True
    )
    finite = [as_float(Fraction(row["kappa"])) for row in rows if row["kappa"] != "inf"]
    norm = LogNorm(1, max(finite))
    lengths = sorted({row["train_length"] for row in rows})
    at = {length: i for i, length in enumerate(lengths)}
    for number, (axes, (scheme, place)) in enumerate(zip(panels, grid, strict=True)):
        own = [row for row in rows if (row["scheme"], row["planted"]) == (scheme, place)]
        cells = {
            (at[row["test_length"]], at[row["train_length"]]): as_float(Fraction(row["kappa"]))
            if row["kappa"] != "inf"
            else None
            for row in own
        }
        heat(axes, cells, norm=norm, colours=colormaps[MAP])
        axes.set_xticks([0, len(at) - 1], [str(lengths[0]), str(lengths[-1])])
        axes.set_yticks([0, len(at) - 1], [str(lengths[0]), str(lengths[-1])])
        if number < across:
            axes.set_title(_broken(scheme if wide else place))
        if number % across == 0:
            axes.set_ylabel(_broken(place if wide else scheme))
        if number >= len(grid) - across:
            axes.set_xlabel("test length")
    figure.supylabel("training length", fontsize=SMALLEST)
    bar = figure.colorbar(
        ScalarMappable(norm, colormaps[MAP]), ax=panels, location="bottom", shrink=0.6, aspect=40, pad=0.02,
        label=wrapped(_LABEL, style.width),
    )  # fmt: skip
    ticks = ticks_of(finite)
    bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks], minor=False)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.grid(visible=False)
    return figure


_LABEL = (
    "growth of the candidates, κ (hatched: infinite; diagonal: tests as long as training, where κ > 1 only if training alone "
    "shifts IDs; below it nothing is drawn: no test is shorter)"
)


def ticks_of(values: Sequence[float]) -> list[float]:
    """1, the greatest value, and between them 3, 10, 30, ..., as far as their numbers do not touch.

    Examples
    --------
    >>> ticks_of([1, 4, 91]), ticks_of([33])
    ([1.0, 3.0, 10.0, 30.0, 91.0], [1.0, 3.0, 10.0, 33.0])
    """
    most = float(max(values))
    between = [float(digit * 10**i) for i in range(12) for digit in (1, 3)]
    return [*(tick for tick in between if tick < most / 1.7), most]


def _broken(text: str) -> str:
    """In two lines at most."""
    return text.replace("half a ", "half a\n") if text.startswith("half") else text.replace(" ", "\n")


def alt(rows: Rows) -> str:
    """From which training length κ is finite, and the greatest finite κ, for every scheme and place."""
    said = []
    for scheme in dict.fromkeys(row["scheme"] for row in rows):
        parts = []
        for place in dict.fromkeys(row["planted"] for row in rows):
            longer = [
                row for row in rows
                if (row["scheme"], row["planted"]) == (scheme, place) and row["test_length"] > row["train_length"]
            ]  # fmt: skip
            finite = [row for row in longer if row["kappa"] != "inf"]
            if not finite:
                parts.append(f"{place}, always infinite")
                continue
            most = max(Fraction(row["kappa"]) for row in finite)
            parts.append(f"{place}, finite from {min(row['train_length'] for row in finite)} on, at most {most}")
        said.append(f"{scheme}: {'; '.join(parts)}")
    return (
        "Small maps of κ, the largest growth of the expected number of candidates, over training and test length, for the "
        f"parity of two marked tokens under every position scheme and for three places of the marked tokens; on the diagonal, "
        "where tests are as long as training, it is 1 but for the scheme that shifts IDs in training alone. For test lengths "
        f"above the training length: "
        f"{'. '.join(said)}."
    )


PLOT = Plot("coverage", "How much candidates grow, by position scheme (κ of T3)", draw, alt, compute)
