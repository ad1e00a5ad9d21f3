"""Instances and their dependency sets, by raw position and by position ID, side by side.

>>> from theory.tasks import Addition
>>> task = Addition(carry=True)
>>> figure = draw(task, task.encode(653, 49, length=3))
>>> float(figure.get_figwidth()), [axes.get_title() for axes in figure.axes]
(6.75, ['by position: sets span up to 13', 'by ID: sets span up to 1'])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from figures.plot import Plot, Row, Rows
from figures.style import DASHES, GREY, INK, PALETTE, SHADE, SMALLEST, Dash, Style, applied
from theory.coordinates import Id, Ids, written
from theory.dependencies import graph, spread
from theory.errors import InvalidArgument, check_type
from theory.tasks import TASKS, Addition, Instance, PointerChasing, Step, Task

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

if TYPE_CHECKING:
    import networkx as nx

    from matplotlib.axes import Axes

MARGIN = 0.12  # inches, at the sides and between the panels
TITLE = 0.28  # inches, for the title of a panel
ENTRY = 1.1  # inches, for an entry of the legend


@dataclass(frozen=True)
class _Style:
    colour: str
    dash: Dash


def draw(task: Task, instance: Instance, *, ids: Sequence[Id] | None = None, style: Style | None = None) -> Figure:
    """A figure with two panels: the tokens on a line, and in columns by ID; below each other where it is one column wide.

    An arrow goes from every token that a step reads to the token that it predicts; its colour and dashes say which part
    of the sequence is read. Predicted tokens are round and shaded. The titles give the largest spread of a set, the
    predicted token included.

    Parameters
    ----------
    task : prints the tokens.
    instance : what is drawn.
    ids : one ID a position, for instance those of `synthesize_rule`; default: the instance's own.

    Raises
    ------
    InvalidArgument : for IDs that are not one integer a position, and for an instance so long that its tokens would not
        be readable.

    Cost: tokens + edges. Source: sections 1 and 4 of docs/theory.md.
    """
    where = "figures.dependency_graphs.draw"
    check_type(task, Task, where, "task", "a Task", "For instance TASKS['copy'].")
    check_type(instance, Instance, where, "instance", "an Instance", "For instance next(task.instances(3)).")
    style = style or Style()
    with applied():
        return _draw([_Sheet(task, instance, tuple(instance.ids if ids is None else ids), style)], style)


def _draw(sheets: Sequence[_Sheet], style: Style) -> Figure:
    """Sheets one below the other, over one legend."""
    styles = _styles([sheet.dependencies for sheet in sheets])
    n_entries = len(styles) + 2
    n_lines = -(-n_entries // int(style.width / ENTRY))
    below = 0.2 + 0.16 * n_lines
    height = sum(sheet.height for sheet in sheets) + below
    figure = Figure(figsize=(style.width, height))
    FigureCanvasAgg(figure)
    top = height
    for sheet in sheets:
        sheet.draw(figure, top, styles)
        top -= sheet.height
    _legend(figure, styles, -(-n_entries // n_lines))
    return figure


@dataclass(frozen=True)
class _Sheet:
    """The two panels of an instance: where they go, and what stands where in them, measured in points."""

    task: Task
    instance: Instance
    ids: Ids
    style: Style
    title: str = ""

    def __post_init__(self) -> None:
        _ = self.spans  # refuses IDs that are none
        needs = self.least[0] * len(self.labels), self.least[1] * len(self.columns)
        if (max(needs) if self.stacked else sum(needs)) > self.room:
            raise InvalidArgument(
                "figures.dependency_graphs.draw",
                "instance",
                got=f"{len(self.labels)} tokens with {len(self.columns)} IDs, too many to be readable",
                expected=f"tokens and IDs that fit a width of {self.style.width} inches at {SMALLEST:g} points",
                fix="Draw a shorter instance.",
            )

    @property
    def stacked(self) -> bool:
        """Whether one panel stands below the other."""
        return self.style.columns == 1

    @cached_property
    def spans(self) -> tuple[int, int]:
        """The largest spread of a set, by position and by ID."""
        by_position = range(len(self.instance.tokens))
        return spread(self.instance, "token", ids=by_position), spread(self.instance, "token", ids=self.ids)

    @cached_property
    def dependencies(self) -> nx.DiGraph[int]:
        """The graph."""
        return graph(self.instance)

    @cached_property
    def labels(self) -> list[str]:
        """The tokens."""
        return [self.task.text((token,)) for token in self.instance.tokens]

    @cached_property
    def columns(self) -> dict[Id, int]:
        """The column of every ID."""
        return {value: i for i, value in enumerate(sorted(set(self.ids)))}

    @cached_property
    def rows(self) -> list[int]:
        """The row of every token in the columns."""
        return _rows(self.instance, self.ids)

    @cached_property
    def room(self) -> float:
        """For the panels of a row."""
        return 72 * (self.style.width - (2 if self.stacked else 3) * MARGIN)

    @cached_property
    def widest(self) -> float:
        """The widest text of a box."""
        return max(map(_points, [*self.labels, *map(written, self.columns)]))

    @cached_property
    def least(self) -> tuple[float, float]:
        """A token, perhaps turned upright, and a column take at least so much."""
        return SMALLEST + 2.5, max(self.widest + 7, 18.0)

    @cached_property
    def flat(self) -> float:
        """What a token takes that is not turned."""
        return max(self.least[0], self.widest + 3)

    @cached_property
    def turned(self) -> bool:
        """Upright tokens, only where there is no other way."""
        columns = 0 if self.stacked else self.least[1] * len(self.columns)
        return self.flat * len(self.labels) + columns > self.room

    @cached_property
    def shares(self) -> tuple[float, float]:
        """The widths of the panels: what they need, and of the rest 55 and 45 in a hundred."""
        if self.stacked:
            return self.room, self.room
        needs = (self.least[0] if self.turned else self.flat) * len(self.labels), self.least[1] * len(self.columns)
        rest = self.room - sum(needs)
        return needs[0] + rest * 0.55, needs[1] + rest * 0.45

    @cached_property
    def panel_height(self) -> float:
        """Inches, without the title."""
        return max(1.75, 0.52 * (1 + max(self.rows)) + 0.75)

    @property
    def height(self) -> float:
        """Inches."""
        return (self.panel_height + TITLE) * (2 if self.stacked else 1)

    def draw(self, figure: Figure, top: float, styles: dict[str, _Style]) -> None:
        """Add both panels, from so many inches above the lower edge downwards."""
        width, height = float(figure.get_figwidth()), float(figure.get_figheight())
        start, size = MARGIN, 72 * self.panel_height
        for number, (share, name) in enumerate(zip(self.shares, ("by position", "by ID"), strict=True)):
            bottom = top - (TITLE + self.panel_height) * (number + 1 if self.stacked else 1)
            axes = figure.add_axes((start / width, bottom / height, share / 72 / width, self.panel_height / height))
            axes.set_axis_off()
            title = f"{self.title} {name}: span" if self.title else f"{name}: sets span up to"
            axes.set_title(f"{title} {self.spans[number]}", fontsize=SMALLEST + 1, color=INK, pad=6)
            axes.set(xlim=(0, share), ylim=(0, size))  # points, so that boxes and gaps look alike
            (self._by_id if number else self._by_position)(axes, share, size, styles)
            start += 0 if self.stacked else MARGIN + share / 72

    def _by_position(self, axes: Axes, share: float, size: float, styles: dict[str, _Style]) -> None:
        n_tokens, cell = len(self.labels), share / len(self.labels)
        token_height = (self.widest if self.turned else SMALLEST) + 5
        base = SMALLEST + 6 + token_height / 2
        at = [((i + 0.5) * cell, base) for i in range(n_tokens)]
        box = min(cell - 2.5, self.widest + 8), token_height
        _tokens(axes, self.dependencies, styles, self.labels, at, box, rotation=90 if self.turned else 0)
        _numbers(axes, [x for x, _ in at], list(map(str, range(n_tokens))), cell)
        _arcs(axes, self.dependencies, styles, at, box, size)

    def _by_id(self, axes: Axes, share: float, size: float, styles: dict[str, _Style]) -> None:
        pitch, n_rows = share / len(self.columns), 1 + max(self.rows)
        base = SMALLEST + 6 + (SMALLEST + 5) / 2
        gap = (size - base - SMALLEST) / max(n_rows - 1, 1)  # the last row stands on the line of the other panel
        own = [self.columns[value] for value in self.ids]
        at = [
            ((column + 0.5) * pitch, base + (n_rows - 1 - row) * gap)
            for column, row in zip(own, self.rows, strict=True)
        ]
        box = min(self.widest + 8, max(pitch * 0.62, self.widest + 3)), SMALLEST + 5
        _tokens(axes, self.dependencies, styles, self.labels, at, box, rotation=0)
        _numbers(axes, [(i + 0.5) * pitch for i in self.columns.values()], list(map(written, self.columns)), pitch)
        over = gap if n_rows > 1 else gap - 4
        _links(axes, self.dependencies, styles, at, self.rows, own, box, pitch, over)


def _points(text: str) -> float:
    """How wide a text is."""
    plain = text.replace("$", r"\$")  # no mathematics
    return float(TextPath((0, 0), plain, size=SMALLEST).get_extents().width) if text.strip() else 0.0


def _styles(graphs: Sequence[nx.DiGraph[int]]) -> dict[str, _Style]:
    """A colour and a dash for every part that is read; all combinations before one comes again."""
    read = dict.fromkeys(
        one.nodes[source]["part"] for one in graphs for source in sorted(source for source, _ in one.edges)
    )
    return {
        part: _Style(PALETTE[i % len(PALETTE)], DASHES[(i + i // len(PALETTE)) % len(DASHES)])
        for i, part in enumerate(read)
    }


def _rows(instance: Instance, ids: Sequence[Id]) -> list[int]:
    """Rows for the columns by ID: part under part as long as IDs repeat, so that no two tokens share a place."""
    parts = instance.parts or tuple(map(str, range(len(ids))))
    blocks: dict[str, list[int]] = {}
    for i, part in enumerate(parts):
        blocks.setdefault(part, []).append(i)
    rows, row, used = [0] * len(ids), 0, set[Id]()
    for members in blocks.values():
        values = [ids[i] for i in members]
        if used and (used.intersection(values) or len(set(values)) < len(values)):
            row, used = row + 1, set()
        for i in members:
            if ids[i] in used:
                row, used = row + 1, set()
            rows[i] = row
            used.add(ids[i])
    return rows


def _tokens(
    axes: Axes,
    dependencies: nx.DiGraph[int],
    styles: dict[str, _Style],
    labels: Sequence[str],
    at: Sequence[tuple[float, float]],
    box: tuple[float, float],
    *,
    rotation: int,
) -> None:
    """A box a token: round and shaded where it is predicted, in the colour of its part where it is read."""
    width, height = box
    read = {source for source, _ in dependencies.edges}
    for i, (x, y) in enumerate(at):
        predicted = dependencies.in_degree(i) > 0
        style = styles.get(dependencies.nodes[i]["part"]) if i in read else None
        rounding = min(width, height) * 0.45 if predicted else 0.0
        axes.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2), width, height,
                boxstyle=f"round,pad=0,rounding_size={rounding}" if predicted else "square,pad=0",
                facecolor=SHADE if predicted else "white", edgecolor=style.colour if style else GREY,
                linewidth=0.9, zorder=3,
            )
        )  # fmt: skip
        axes.text(
            x, y, labels[i], ha="center", va="center_baseline" if not rotation else "center", rotation=rotation,
            fontsize=SMALLEST, color=INK, zorder=4, parse_math=False,
        )  # fmt: skip


def _numbers(axes: Axes, at: Sequence[float], numbers: Sequence[str], pitch: float) -> None:
    """The numbers below, as many as fit."""
    every = next(k for k in range(1, len(numbers) + 2) if k * pitch >= max(map(_points, numbers)) + 4)
    for i in range(0, len(numbers), every):
        axes.text(at[i], 1, numbers[i], ha="center", va="bottom", fontsize=SMALLEST, color=GREY)


def _edges(dependencies: nx.DiGraph[int], styles: dict[str, _Style]) -> Iterator[tuple[int, int, int, int, _Style]]:
    """Every edge: source, target, which of the edges into the target it is and of how many, and its style."""
    for target in dependencies:
        sources = sorted(dependencies.predecessors(target))
        for j, source in enumerate(sources):
            yield source, target, j, len(sources), styles[dependencies.nodes[source]["part"]]


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], style: _Style) -> None:
    """A curved arrow through four control points; the line and its head apart, since dashes would cut the head."""
    curve = Path(list(points), [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    axes.add_patch(
        FancyArrowPatch(
            path=curve, arrowstyle="-", linestyle=style.dash, color=style.colour, linewidth=1.0, zorder=2, clip_on=False
        )
    )
    (x0, y0), (x1, y1) = points[2], points[3]
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
    back = (x1 - (x1 - x0) / length * 4, y1 - (y1 - y0) / length * 4)
    axes.add_patch(
        FancyArrowPatch(
            back, points[3], arrowstyle="-|>", mutation_scale=5, color=style.colour, linewidth=0.6, shrinkA=0,
            shrinkB=0, zorder=2.5, clip_on=False,
        )
    )  # fmt: skip


def _arcs(
    axes: Axes,
    dependencies: nx.DiGraph[int],
    styles: dict[str, _Style],
    at: Sequence[tuple[float, float]],
    box: tuple[float, float],
    size: float,
) -> None:
    """Arcs above the line, the higher the farther; those into one token end side by side."""
    base = at[0][1] + box[1] / 2
    longest = max((target - source for source, target in dependencies.edges), default=1)
    for source, target, j, n_sources, style in _edges(dependencies, styles):
        x0 = at[source][0]
        x1 = at[target][0] - box[0] * 0.3 + box[0] * 0.6 * (0.5 if n_sources == 1 else j / (n_sources - 1))
        # A cubic reaches three quarters of the height of its inner control points.
        peak = (size - base - 3) * (0.18 + 0.82 * (target - source) / longest) / 0.75
        _arrow(axes, [(x0, base), (x0, base + peak), (x1, base + peak), (x1, base + 0.8)], style)


def _links(
    axes: Axes,
    dependencies: nx.DiGraph[int],
    styles: dict[str, _Style],
    at: Sequence[tuple[float, float]],
    rows: Sequence[int],
    columns: Sequence[int],
    box: tuple[float, float],
    pitch: float,
    gap: float,
) -> None:
    """Arrows between the columns, led around the boxes that lie between."""
    width, height = box
    for source, target, _, _, style in _edges(dependencies, styles):
        (x0, y0), (x1, y1) = at[source], at[target]
        apart, down = columns[target] - columns[source], rows[target] - rows[source]
        side = 1 if x1 > x0 else -1
        if apart == 0 and abs(down) <= 1:  # straight down, or up
            sign = 1 if down < 0 else -1
            start, end = (x0, y0 + sign * height / 2), (x1, y1 - sign * (height / 2 + 0.8))
            points = [start, _between(start, end, 1 / 3), _between(start, end, 2 / 3), end]
        elif apart == 0:  # around what lies in the same column
            bend = width / 2 + min(pitch - width, 14) * 0.62
            points = [
                (x0 - width / 2, y0),
                (x0 - bend * 1.16, y0 - (y0 - y1) * 0.12),
                (x1 - bend * 1.16, y1 + (y0 - y1) * 0.12),
                (x1 - width / 2 - 0.8, y1),
            ]
        elif down == 0 and abs(apart) == 1:  # to the neighbour
            start, end = (x0 + side * width / 2, y0), (x1 - side * (width / 2 + 0.8), y1)
            points = [start, _between(start, end, 1 / 3), _between(start, end, 2 / 3), end]
        elif down == 0:  # over what lies between
            lift = (gap - height) * (0.3 + 0.7 * abs(apart) / max(columns))
            points = [
                (x0, y0 + height / 2),
                (x0 + side * pitch * 0.4, y0 + height / 2 + lift),
                (x1 - side * pitch * 0.4, y1 + height / 2 + lift),
                (x1 - side * width * 0.2, y1 + height / 2 + 0.8),
            ]
        else:  # slanted
            sign = 1 if down < 0 else -1
            start = (x0 + side * width * 0.3, y0 + sign * height / 2)
            end = (x1 - side * width * 0.3, y1 - sign * (height / 2 + 0.8))
            rise = (end[1] - start[1]) * 0.5
            points = [start, (start[0], start[1] + rise), (end[0], end[1] - rise), end]
        _arrow(axes, points, style)


def _between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


ROUNDED = FancyBboxPatch((-1, -0.85), 2, 1.7, boxstyle="round,pad=0,rounding_size=0.75").get_path()
"""What is predicted, as a marker."""


def _legend(figure: Figure, styles: dict[str, _Style], n_columns: int) -> None:
    handles = [
        Line2D([], [], color=style.colour, linestyle=style.dash, linewidth=1.2, label=f"read from {part or 'before'}")
        for part, style in styles.items()
    ]
    for marker, colour, label in (("s", "white", "given"), (ROUNDED, SHADE, "predicted")):
        handles.append(
            Line2D(
                [], [], linestyle="none", marker=marker, markersize=7, markerfacecolor=colour, markeredgecolor=GREY,
                markeredgewidth=0.9, label=label,
            )
        )  # fmt: skip
    figure.legend(
        handles=handles, loc="lower center", ncols=n_columns, fontsize=SMALLEST, frameon=False,
        handlelength=2.6, columnspacing=1.4, borderaxespad=0.3,
    )  # fmt: skip


# ── The figure ───────────────────────────────────────────────────────────────────────────────────────────────────────


def compute(rng: np.random.Generator) -> list[Row]:
    """A token a row: an addition with its carries shown, and a chase of pointers."""
    addition, chase = Addition(carry=True), PointerChasing()
    shown = (
        (addition, addition.encode(865, 230, length=3)),
        (chase, chase.encode("a+2 b+1 b+1 a+1 b+2 a+1 b+1")),
    )
    return [row for task, instance in shown for row in rows_of(task, instance)]


def rows_of(task: Task, instance: Instance, ids: Ids | None = None) -> list[Row]:
    """A token a row, and what it is predicted from."""
    read = {step.position: step.sources for step in instance.steps}
    return [
        {
            "task": task.name, "position": i, "id": (ids or instance.ids)[i], "token": token, "text": task.text((token,)),
            "part": instance.parts[i] if instance.parts else "", "reads": " ".join(map(str, read.get(i, ()))),
        }
        for i, token in enumerate(instance.tokens)
    ]  # fmt: skip


def sheets(rows: Rows, style: Style) -> list[_Sheet]:
    """The instances of the rows."""
    found = []
    for name in dict.fromkeys(row["task"] for row in rows):
        own = [row for row in rows if row["task"] == name]
        instance = Instance(
            tokens=tuple(row["token"] for row in own),
            ids=tuple(row["id"] for row in own),
            steps=tuple(Step(row["position"], tuple(map(int, row["reads"].split()))) for row in own if row["reads"]),
            parts=tuple(row["part"] for row in own),
        )
        found.append(_Sheet(TASKS[name], instance, instance.ids, style, name.split(",")[0]))
    return found


def draw_rows(rows: Rows, style: Style) -> Figure:
    """One instance below the other."""
    return _draw(sheets(rows, style), style)


def alt(rows: Rows) -> str:
    """The largest spreads."""
    said = [
        f"in the {sheet.title} {sheet.task.text(sheet.instance.tokens)} the tokens of a set lie up to {sheet.spans[0]} "
        f"positions and up to {sheet.spans[1]} {'ID' if sheet.spans[1] == 1 else 'IDs'} apart"
        for sheet in sheets(rows, Style())
    ]
    return (
        "Dependency graphs, by position and by coupled ID side by side: arrows from the tokens that a step reads to the one "
        f"that it predicts; {'; '.join(said)}."
    )


PLOT = Plot(
    "dependency-graphs", "What each predicted token reads, by position and by coupled ID", draw_rows, alt, compute
)
