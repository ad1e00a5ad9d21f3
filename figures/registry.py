"""Every figure by its name, in the order of the gallery."""

from __future__ import annotations

from collections.abc import Iterable

from figures import (
    arities,
    attention,
    certificates,
    coverage_maps,
    dependency_graphs,
    dilution,
    guaranteed,
    learning_curves,
    majority,
    planted_text,
    position_schemes,
    predicted,
    sparsity,
    transfer,
    verdict_matrix,
)
from figures.language import damage, far, losses, needs, slopes
from figures.plot import Plot
from theory.errors import InvalidArgument, did_you_mean, shown

PLOTS: dict[str, Plot] = {
    module.PLOT.name: module.PLOT
    for module in (
        sparsity,
        position_schemes,
        verdict_matrix,
        guaranteed,
        majority,
        transfer,
        certificates,
        arities,
        dilution,
        attention,
        dependency_graphs,
        learning_curves,
        predicted,
        coverage_maps,
        planted_text,
        needs,
        losses,
        damage,
        slopes,
        far,
    )
}
"""{name: figure}."""


def find(names: Iterable[str]) -> list[Plot]:
    """The figures of these names, each once; of no names, all.

    Raises
    ------
    InvalidArgument : for an unknown name, with the closest one that is known.

    Examples
    --------
    >>> [plot.name for plot in find(["dilution", "transfer"])]
    ['dilution', 'transfer']
    """
    names = list(dict.fromkeys(names)) or list(PLOTS)
    for name in names:
        if name not in PLOTS:
            fix = did_you_mean(name, PLOTS, "See them with --list.")
            raise InvalidArgument("find", "NAME", got=shown(name), expected=f"one of {', '.join(PLOTS)}", fix=fix)
    return [PLOTS[name] for name in names]
