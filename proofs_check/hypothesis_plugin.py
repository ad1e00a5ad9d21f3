"""What Hypothesis runs when it is imported: `st.from_type` learns the types of the theory.

Light: nothing of the packages is imported here. A type is registered when its own module is, and only drawing a value
imports `proofs_check.strategies`. So whoever imports Hypothesis for other things pays nothing.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

STRATEGIES = {
    "theory.planted": {"PlantedEnsemble": "planted_ensembles"},
    "theory.examples": {"Example": "examples"},
    "theory.heads": {"HardHead": "heads", "HeadClass": "head_classes"},
    "theory.positions": {"PositionScheme": "position_schemes"},
    "theory.tasks.base": {"Instance": "instances", "Task": "tasks"},
}
"""{module: {type: its strategy}}."""


def register() -> None:
    """Register the types whose modules are imported, and the others when they are."""
    for name in STRATEGIES:
        if name in sys.modules:
            _register(sys.modules[name])
    if not any(isinstance(finder, _Later) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Later())


def _register(module: ModuleType) -> None:
    from hypothesis import strategies as st

    for name, strategy in STRATEGIES[module.__name__].items():
        st.register_type_strategy(getattr(module, name), partial(_strategy, strategy))


def _strategy(name: str, _: type) -> Any:
    return getattr(import_module("proofs_check.strategies"), name)()


class _Later(MetaPathFinder):
    """Finds the modules as Python does, and registers their types once they are executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module with a type to register; None for every other."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in STRATEGIES else None
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
