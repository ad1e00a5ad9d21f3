"""Which Coq file uses which, read from their Require lines, and drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from proofs_check.theorems.stored import SOURCES
from theory.errors import InvalidArgument

if TYPE_CHECKING:
    import networkx as nx

FORMATS = (".svg", ".png")


def uses(folder: Path | None = None) -> dict[str, tuple[str, ...]]:
    """{file: the files that it requires}, by name without the suffix.

    Examples
    --------
    >>> uses()["Ensemble"]
    ('Core', 'Planted')
    """
    found: dict[str, tuple[str, ...]] = {}
    files = sorted((folder or SOURCES).glob("*.v"))
    known = {file.stem for file in files}
    for file in files:
        lines = re.findall(r"^From LG Require (?:Import |Export )?([^.]+)\.", file.read_text(encoding="utf-8"), re.M)
        found[file.stem] = tuple(name for line in lines for name in line.split() if name in known)
    return found


def graph(folder: Path | None = None) -> nx.DiGraph[str]:
    """The files, with an arrow from each that is required to each that needs it, and none that others imply."""
    import networkx as nx

    whole: nx.DiGraph[str] = nx.DiGraph()
    for name, required in uses(folder).items():
        whole.add_node(name)
        whole.add_edges_from((other, name) for other in required)
    return nx.transitive_reduction(whole)


def _placed(drawn: nx.DiGraph[str]) -> dict[str, tuple[float, int]]:
    """By layers, each in the order of the mean places of what its files use, and of what uses them."""
    import networkx as nx

    layers = [sorted(names) for names in nx.topological_generations(drawn)]
    place: dict[str, tuple[float, int]] = {}
    for around in (drawn.predecessors, nx.Graph(drawn).neighbors, nx.Graph(drawn).neighbors):
        for layer, names in enumerate(layers):
            near = {name: [place[other][0] for other in around(name) if other in place] for name in names}
            names.sort(key=lambda name, near=near: (sum(near[name]) / max(1, len(near[name])), name))  # type: ignore[misc]
            for i, name in enumerate(names):
                place[name] = ((i + 0.5) / len(names) - 0.5, layer)
    return place


def check_format(path: str | Path) -> Path:
    """The path of a figure.

    Raises
    ------
    InvalidArgument : for one that is neither SVG nor PNG.
    """
    file = Path(path)
    if file.suffix not in FORMATS:
        raise InvalidArgument(
            "proofs", "--figure", got=repr(str(path)), expected="a name that ends in .svg or .png", fix="Rename it."
        )
    return file


def draw(path: str | Path, folder: Path | None = None) -> None:
    """Draw the graph, each file one layer above all that it uses.

    Raises
    ------
    InvalidArgument : for a path that is neither SVG nor PNG.
    """
    file = check_format(path)
    import networkx as nx

    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = graph(folder)
    place = _placed(drawn)
    layers = 1 + max(y for _, y in place.values())
    far = [(a, b) for a, b in drawn.edges if place[b][1] - place[a][1] > 1]
    with rc_context({"svg.hashsalt": "lengthgen", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 1.1 * layers))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#555555"}
        for edges, bend in (([edge for edge in drawn.edges if edge not in far], 0.0), (far, 0.12)):
            nx.draw_networkx_edges(
                drawn, place, edges, ax=axes, node_size=1000, edge_color="#888888", arrowsize=9,
                connectionstyle=f"arc3,rad={bend}",
            )  # fmt: skip
        for name, (x, y) in place.items():
            axes.text(x, y, name, ha="center", va="center", fontsize=10, bbox=box)
        axes.margins(0.1)
        metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
        figure.savefig(file, metadata=metadata)
