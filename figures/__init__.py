"""What shows the theory: figures drawn from stored values, returned as matplotlib Figures.

Run it with `python -m figures`. Every figure is a `Plot`: data in figures/data, one style, alt text.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from figures import PLOTS, Plot, Style, render, rows_of, write
>>> plot: Plot = PLOTS["certificates"]
>>> narrow = Style("icml", columns=1)
>>> figure = render(plot, rows_of(plot), narrow)
>>> round(float(figure.get_figwidth()), 2)  # inches
3.25
>>> with TemporaryDirectory() as folder:
...     [file.name for file in write(plot, rows_of(plot), Path(folder), ["svg"], narrow)]
['certificates.svg', 'certificates.csv', 'certificates.txt']
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from figures.own.attention import draw_attention
    from figures.own.dependencies import draw_dependencies
    from figures.own.head import draw_head
    from figures.own.problem import draw_problem
    from figures.own.results import draw_runs
    from figures.plot import Plot, render, write
    from figures.registry import PLOTS
    from figures.store import rows_of
    from figures.style import Style

__all__ = [
    "PLOTS",
    "Plot",
    "Style",
    "draw_attention",
    "draw_dependencies",
    "draw_head",
    "draw_problem",
    "draw_runs",
    "render",
    "rows_of",
    "write",
]

_HOMES = {
    "PLOTS": "registry", "Plot": "plot", "Style": "style", "render": "plot", "rows_of": "store", "write": "plot",
    "draw_attention": "own.attention", "draw_dependencies": "own.dependencies", "draw_head": "own.head",
    "draw_problem": "own.problem", "draw_runs": "own.results",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Load a name when it is asked for, and matplotlib with it."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
