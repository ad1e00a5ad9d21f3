"""Where other programs come in: the command `lengthgen`, pytest and Hypothesis.

Every run of pytest and every import of Hypothesis in an environment loads this module, whosever tests those are. So its
name is one that nobody else has, it needs the standard library alone, and it looks at nothing that is not ours.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

HOME = Path(__file__).resolve().parent
CORE = ("theory", "idealized_model", "proofs_check")
PACKAGES = (*CORE, "figures")
BAD_USAGE, FAILED = 3, 4


def main() -> int:
    """The command line; returns the exit status."""
    try:
        return _main()
    except ImportError as error:  # a file of ours is gone, and says so where nothing of ours is there to say it better
        print(f"lengthgen: {error}. Install it again.", file=sys.stderr)
        return FAILED


def _main() -> int:
    if problems := misplaced("proofs_check"):
        if sys.argv[1:2] == ["doctor"] and _place("proofs_check") == HOME / "proofs_check":
            return int(import_module("proofs_check.commands.doctor").main())  # what is left of our package
        print(f"lengthgen: {problems[0]}", file=sys.stderr)
        return BAD_USAGE
    return int(import_module("proofs_check.__main__").main())


# ── Whose package it is ──────────────────────────────────────────────────────────────────────────────────────────────


def misplaced(*names: str) -> list[str]:
    """A sentence for each of these packages that Python does not find beside this module, with what to do."""
    problems = []
    for name in names:
        ours, found = HOME / name, _place(name)
        if found is None or found == ours:
            problems.append(f"the package {name} has lost files of {ours}. Ask lengthgen doctor, or install it again.")
        elif found != ours / "__init__.py":
            on_path = (found.parent if found.name == "__init__.py" else found).parent
            problems.append(_hides(name, found, _cure(name, on_path)))
    return problems


def hidden(*names: str, by: Path) -> list[str]:
    """A sentence for each of these packages that a folder has one of its own of, which a path with it first would find."""
    problems = []
    for name in names:
        spec = PathFinder.find_spec(name, [str(by)])
        if spec is not None and spec.has_location and spec.origin is not None:
            found = Path(spec.origin).resolve()
            if found != HOME / name / "__init__.py":
                problems.append(_hides(name, found, f"Run from outside of {by}, or rename it"))
    return problems


def _hides(name: str, found: Path, cure: str) -> str:
    return f"the package {name} comes from {found}, which hides {HOME / name}. {cure}."


def _cure(name: str, folder: Path) -> str:
    """What brings our package back, where this folder has another one of its name."""
    if folder.name in ("site-packages", "dist-packages"):
        from importlib.metadata import packages_distributions

        owners = sorted({owner for owner in packages_distributions().get(name, []) if owner and owner != "lengthgen"})
        if owners:
            return f"Uninstall it (pip uninstall {' '.join(owners)})"
    with suppress(FileNotFoundError):  # where the current folder was deleted
        if folder == Path.cwd():
            return "Run from another folder, or rename it"
    return f"Take {folder} off sys.path (PYTHONPATH), or rename it"


def _place(name: str) -> Path | None:
    """What Python imports by a name: a file, the folder of a package without __init__.py, or None."""
    try:
        spec = find_spec(name)
    except ValueError:  # it was imported already, by other means than an import
        return Path(getattr(sys.modules[name], "__file__", None) or "memory")
    if spec is None:
        return None
    if spec.has_location and spec.origin is not None:
        return Path(spec.origin).resolve()
    return next((Path(folder).resolve() for folder in spec.submodule_search_locations or ()), None)


# ── Hypothesis ───────────────────────────────────────────────────────────────────────────────────────────────────────

_STRATEGIES: dict[type, str] = {}
"""The types that were imported so far, each with the name of its strategy in `proofs_check.strategies`."""


def drawable(strategies: dict[type, str]) -> None:
    """What a package of ours says of its types once it is imported: `st.from_type` knows them, if Hypothesis is there."""
    _STRATEGIES.update(strategies)
    register()


def register() -> None:
    """What Hypothesis runs when it is imported: `st.from_type` learns the types that are imported already.

    Where Hypothesis is blocked, a stub or not there yet, there is nothing to teach. Only drawing a value imports
    `proofs_check.strategies`.
    """
    learn = getattr(sys.modules.get("hypothesis.strategies"), "register_type_strategy", None)
    if learn is None or os.environ.get("HYPOTHESIS_NO_PLUGINS"):
        return
    for kind, strategy in _STRATEGIES.items():
        learn(kind, partial(_drawn, strategy))


def _drawn(strategy: str, _: type) -> Any:
    return getattr(import_module("proofs_check.strategies"), strategy)()


# ── Pytest ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option; `proofs_check.pytest_plugin` makes the tests, where it is used."""
    group = parser.getgroup("lengthgen")
    group.addoption(
        "--lengthgen-task",
        action="append",
        default=[],
        metavar="TASK",
        help="check every contract of a task: module:object, or the name of a known task (repeatable)",
    )
    group.addoption(
        "--lengthgen-claim",
        action="append",
        default=[],
        metavar="CLAIM",
        help="make a test of every check of a claim: module:object, a module with claims, or T1, T2, ... (repeatable)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load what makes the tests, if an option is used and Python finds our packages, also where pytest puts folders first."""
    used = [option for option in ("--lengthgen-task", "--lengthgen-claim") if config.getoption(option)]
    if used:
        import pytest

        folders = dict.fromkeys((config.invocation_params.dir, config.rootpath))
        if problems := misplaced(*CORE) or [problem for folder in folders for problem in hidden(*CORE, by=folder)]:
            raise pytest.UsageError(f"{used[0]}: {problems[0]}")
        try:
            plugin = import_module("proofs_check.pytest_plugin")
        except ImportError as error:
            raise pytest.UsageError(f"{used[0]}: {error}. Ask lengthgen doctor.") from error
        config.pluginmanager.register(plugin, "lengthgen-tasks")
