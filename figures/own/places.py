"""Where panels are drawn: Axes that are given, or a new figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from figures.style import Style, applied, legend_below
from theory.errors import check, check_type

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch


class Places:
    """As many Axes as there are panels, and where their legend goes.

    Attributes
    ----------
    figure : all of them are on it.
    axes : one a panel.
    given : whether they are the caller's: then legends go inside, and nothing else of the figure is touched.
    """

    def __init__(
        self, axes: Axes | Iterable[Axes] | None, panels: Sequence[str], where: str, style: Style, **layout: Any
    ) -> None:
        self.given, self.style = axes is not None, style
        if axes is None:
            self.figure, self.axes = style.panels(len(panels), **layout)
            return
        fix = f"Give one a panel: {', '.join(panels)}."
        given = [axes] if isinstance(axes, Axes) else list(axes) if isinstance(axes, Iterable) else axes
        check_type(given, list, where, "axes", "an Axes, or some", fix)
        for one in given:
            check_type(one, Axes, where, "axes", "an Axes of matplotlib", fix)
        check(
            len(given) == len(panels),
            where,
            "axes",
            got=f"{len(given)} Axes",
            expected=f"{len(panels)} of them",
            fix=fix,
        )
        figure = given[0].get_figure(root=True)
        assert isinstance(figure, Figure)
        self.figure, self.axes = figure, given

    def legend(self, handles: Sequence[Line2D | Patch], *, columns: int, note: str = "", of: int = 0) -> None:
        """Below all panels; in the panel of this number, where Axes are given."""
        if self.given:
            self.axes[of].legend(handles=list(handles), title=note or None)
        elif handles or note:
            legend_below(self.figure, handles, columns=columns, note=note)


@contextmanager
def laid_out(title: str) -> Iterator[list[Figure]]:
    """Draw in the one style; the figure that is put into the list is titled."""
    made: list[Figure] = []
    with applied():
        yield made
        for figure in made:
            figure.set_label(title)


def chosen(panels: Iterable[str] | None, all_: Sequence[str], where: str) -> list[str]:
    """The panels that were asked for, in the order of all.

    Raises
    ------
    InvalidArgument : for one that is none of them, or none at all.
    """
    if panels is None:
        return list(all_)
    asked = [panels] if isinstance(panels, str) else list(panels)
    ok = bool(asked) and set(asked) <= set(all_)
    check(ok, where, "panels", asked, expected=f"some of {', '.join(all_)}", fix="Leave it out for all of them.")
    return [panel for panel in all_ if panel in asked]
