"""One instance and its dependency sets, by raw position and by position ID, side by side.

>>> from theory.tasks import Addition
>>> task = Addition(carry=True)
>>> figure = draw(task, task.encode(653, 49, length=3))
>>> float(figure.get_figwidth()), [axes.get_title() for axes in figure.axes]
(6.75, ['by position: sets span up to 13', 'by ID: sets span up to 1'])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from theory.dependencies import graph, spread
from theory.errors import InvalidArgument, check_type
from theory.tasks import Instance, Task

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

WIDTH = 6.75
"""Inches: the width of a page of two columns."""

SMALLEST = 7.0
"""Points: the size of the text."""

PALETTE = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd")
"""Told apart with every common colour blindness (Petroff 2021, arXiv:2107.02270)."""

Dash: TypeAlias = Literal["-"] | tuple[float, tuple[float, ...]]

DASHES: tuple[Dash, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
"""The second channel: what is told apart by colour differs in its dashes as well."""

GREY = "#55555a"
INK = "#1b1b1e"
SHADE = "#e9e9ee"
MOST_ENTRIES = 6  # in a line of the legend
MARGIN = 0.12  # inches, at the sides and between the panels


@dataclass(frozen=True)
class _Style:
    colour: str
    dash: Dash


def draw(task: Task, instance: Instance, *, ids: Sequence[int] | None = None) -> Figure:
    """A figure with two panels: on the left the tokens on a line, on the right in columns by ID.

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
    own = tuple(instance.ids if ids is None else ids)
    n_tokens = len(instance.tokens)
    spans = [spread(instance, "token", ids=values) for values in (range(n_tokens), own)]

    dependencies = graph(instance)
    styles = _styles(dependencies)
    labels = [task.text((token,)) for token in instance.tokens]
    columns = {value: i for i, value in enumerate(sorted(set(own)))}
    rows = _rows(instance, own)
    n_rows = 1 + max(rows)

    room = 72 * (WIDTH - 3 * MARGIN)
    widest = max(map(_points, [*labels, *map(str, columns)]))
    least = SMALLEST + 2.5, max(widest + 7, 18.0)  # points a token, on the left perhaps turned upright, and a column
    if least[0] * n_tokens + least[1] * len(columns) > room:
        raise InvalidArgument(
            where, "instance", f"{n_tokens} tokens with {len(columns)} IDs, too many to be readable",
            f"tokens and IDs that fit a width of {WIDTH} inches at {SMALLEST:g} points", "Draw a shorter instance.",
        )  # fmt: skip
    # Upright tokens only where there is no other way; then the rest is shared.
    flat = max(least[0], widest + 3)
    turned = flat * n_tokens + least[1] * len(columns) > room
    needs = (least[0] if turned else flat) * n_tokens, least[1] * len(columns)
    share = needs[0] + (room - sum(needs)) * 0.55, needs[1] + (room - sum(needs)) * 0.45

    token_height = (widest if turned else SMALLEST) + 5
    n_entries = len(styles) + 2
    n_lines = -(-n_entries // MOST_ENTRIES)  # of the legend
    below = 0.2 + 0.16 * n_lines
    height = max(1.75, 0.52 * n_rows + 0.75) + 0.28 + below
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    bottom, top = below / height, (height - 0.28) / height
    left = figure.add_axes((MARGIN / WIDTH, bottom, share[0] / 72 / WIDTH, top - bottom))
    start = 2 * MARGIN / WIDTH + share[0] / 72 / WIDTH
    right = figure.add_axes((start, bottom, share[1] / 72 / WIDTH, top - bottom))
    size = 72 * height * (top - bottom)  # points
    for axes, title, span in ((left, "by position", spans[0]), (right, "by ID", spans[1])):
        axes.set_axis_off()
        axes.set_title(f"{title}: sets span up to {span}", fontsize=SMALLEST + 1, color=INK, pad=6)

    # Both panels are measured in points, so that boxes and gaps look alike.
    left.set(xlim=(0, share[0]), ylim=(0, size))
    cell = share[0] / n_tokens
    base = SMALLEST + 6 + token_height / 2
    at = [((i + 0.5) * cell, base) for i in range(n_tokens)]
    box = min(cell - 2.5, widest + 8), token_height
    _tokens(left, dependencies, styles, labels, at, box, rotation=90 if turned else 0)
    _numbers(left, [x for x, _ in at], list(map(str, range(n_tokens))), cell)
    _arcs(left, dependencies, styles, at, box, size)

    right.set(xlim=(0, share[1]), ylim=(0, size))
    pitch = share[1] / len(columns)
    base = SMALLEST + 6 + (SMALLEST + 5) / 2
    gap = (size - base - SMALLEST) / max(n_rows - 1, 1)  # the last row stands on the line of the left panel
    at = [
        ((columns[value] + 0.5) * pitch, base + (n_rows - 1 - row) * gap) for value, row in zip(own, rows, strict=True)
    ]
    box = min(widest + 8, pitch * 0.62 if pitch * 0.62 > widest + 3 else widest + 3), SMALLEST + 5
    _tokens(right, dependencies, styles, labels, at, box, rotation=0)
    _numbers(right, [(i + 0.5) * pitch for i in columns.values()], list(map(str, columns)), pitch)
    _links(
        right,
        dependencies,
        styles,
        at,
        rows,
        [columns[value] for value in own],
        box,
        pitch,
        gap if n_rows > 1 else gap - 4,
    )

    _legend(figure, styles, -(-n_entries // n_lines))
    return figure


def _points(text: str) -> float:
    """How wide a text is."""
    return float(TextPath((0, 0), text, size=SMALLEST).get_extents().width) if text.strip() else 0.0


def _styles(dependencies: nx.DiGraph[int]) -> dict[str, _Style]:
    """A colour and a dash for every part that is read; all combinations before one comes again."""
    read = dict.fromkeys(dependencies.nodes[source]["part"] for source in sorted(s for s, _ in dependencies.edges))
    return {
        part: _Style(PALETTE[i % len(PALETTE)], DASHES[(i + i // len(PALETTE)) % len(DASHES)])
        for i, part in enumerate(read)
    }


def _rows(instance: Instance, ids: Sequence[int]) -> list[int]:
    """Rows for the columns by ID: part under part as long as IDs repeat, so that no two tokens share a place."""
    parts = instance.parts or tuple(map(str, range(len(ids))))
    blocks: dict[str, list[int]] = {}
    for i, part in enumerate(parts):
        blocks.setdefault(part, []).append(i)
    rows, row, used = [0] * len(ids), 0, set[int]()
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
            fontsize=SMALLEST, color=INK, zorder=4,
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


def _legend(figure: Figure, styles: dict[str, _Style], n_columns: int) -> None:
    handles = [
        Line2D([], [], color=style.colour, linestyle=style.dash, linewidth=1.2, label=f"read from {part or 'before'}")
        for part, style in styles.items()
    ]
    for marker, colour, label in (("s", "white", "given"), ("o", SHADE, "predicted")):
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
