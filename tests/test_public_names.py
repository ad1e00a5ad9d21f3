"""Every public name is documented: what it means, and for functions and classes an example that runs."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import runpy
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory import TheoryError

ROOTS = ("theory", "idealized_model", "proofs_check", "figures")
API = Path(__file__).parents[1] / "docs" / "api"

ROOMS = ("advice", "audit", "certification", "claims", "tasks", "theorems", "verdicts", "pages", "commands", "work")
INTERNAL = {"idealized_model.counting", "figures.language", "figures.own", *(f"proofs_check.{room}" for room in ROOMS)}
"""Packages whose public names are those of the package that holds them, or that have none."""


def packages() -> Iterator[str]:
    """Every package with public names."""
    for root in ROOTS:
        path = importlib.import_module(root).__path__
        yield from (root, *(found.name for found in pkgutil.walk_packages(path, f"{root}.") if found.ispkg))


def public(module: ModuleType) -> dict[str, Any]:
    """The public names of a package, or of a module that is itself a public name."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__}
    here = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {name: value for name, value in here.items() if getattr(value, "__module__", "") == module.__name__}


@cache
def documented_constants(root: str) -> frozenset[str]:
    """Names that are assigned at the top of some module of a package, with a docstring below."""
    found = set()
    for path in Path(str(importlib.import_module(root).__file__)).parent.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, below in pairwise(body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(found)


def own_docstring(value: Any) -> str:
    """A docstring that someone wrote: not inherited, and not what a dataclass or a named tuple makes up."""
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return text if text and not text.startswith(f"{value.__name__}(") else ""


def members(kind: type) -> Iterator[str]:
    """The public methods and properties of a class that our packages define, its own and inherited ones."""
    for name, value in inspect.getmembers_static(kind):
        of = value.fget if isinstance(value, property) else getattr(value, "func", getattr(value, "__func__", value))
        if not name.startswith("_") and inspect.isfunction(of) and of.__module__.partition(".")[0] in ROOTS:
            yield name


def shown(name: str, value: Any, module: ModuleType) -> bool:
    """Whether an example has it: in its own docstring, or by its name in that of its module or package."""
    if ">>>" in own_docstring(value):
        return True
    homes = [importlib.import_module(value.__module__), module]
    lines = [line for home in homes for line in (home.__doc__ or "").splitlines()]
    return any(re.search(rf"\b{name}\b", line) for line in lines if line.lstrip().startswith((">>>", "...")))


def complaints(module: ModuleType) -> list[str]:
    """What is missing from the public names of a module."""
    out = [] if module.__doc__ else [f"{module.__name__}: no docstring"]
    for name, value in public(module).items():
        at = f"{module.__name__}.{name}"
        if isinstance(value, ModuleType):
            out += complaints(value) if value.__name__ not in packages() else []
        elif inspect.isclass(value) or inspect.isfunction(value):
            out += [] if own_docstring(value) else [f"{at}: no docstring"]
            # An error is shown by what raises it.
            error = inspect.isclass(value) and issubclass(value, TheoryError)
            out += [] if error or shown(name, value, module) else [f"{at}: no example"]
            methods = members(value) if inspect.isclass(value) else ()
            out += [f"{at}.{method}: no docstring" for method in methods if not inspect.getdoc(getattr(value, method))]
        elif name not in documented_constants(module.__name__.partition(".")[0]):
            out.append(f"{at}: no docstring")
    return out


@pytest.mark.parametrize("name", [name for name in packages() if name not in INTERNAL])
def test_public_names_are_documented(name: str) -> None:
    assert complaints(importlib.import_module(name)) == []


def test_every_package_says_which_names_are_public() -> None:
    lacking = {name for name in packages() if not hasattr(importlib.import_module(name), "__all__")}
    assert lacking == INTERNAL


def test_the_site_has_every_package() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in API.glob("*.md"))
    modules = {
        value.__name__ for value in public(importlib.import_module("theory")).values() if inspect.ismodule(value)
    }
    whole = {name for name in packages() if name not in INTERNAL}
    assert set(re.findall(r"public:: (\S+)", pages)) == whole
    assert set(re.findall(r"automodule:: (\S+)", pages)) == modules - whole


CONF = runpy.run_path(str(API.parent / "conf.py"))


@pytest.mark.parametrize("name", [name for name in packages() if name not in INTERNAL])
def test_the_page_of_a_package_has_every_public_name(name: str) -> None:
    lines = [*CONF["directives"](name)]
    found = [re.fullmatch(r"\.\. (?:auto(?:class|function)|py:data):: (?:.+\.)?(\w+)", line) for line in lines]
    names = [match[1] for match in found if match]
    public_ones = public(importlib.import_module(name))
    assert sorted(names) == sorted(key for key, value in public_ones.items() if not inspect.ismodule(value))
    for at, match in enumerate(found):
        if match and "py:data" in lines[at]:
            assert lines[at + 3].strip(), f"{match[1]} has no text"


def test_the_page_of_the_theory_begins_with_what_most_want() -> None:
    options = re.search(r"public:: theory\n   :first: (.*)", (API / "theory.md").read_text(encoding="utf-8"))
    assert options
    first = options[1].split(", ")
    assert first == ["decide", "PlantedEnsemble"]
    assert [name for _, name in CONF["public_names"]("theory", first)][:3] == [*first, "BUDGET"]


def test_it_sees_what_is_missing() -> None:
    fake = ModuleType("theory.fake")

    class Silent:
        """Says nothing."""

        def method(self) -> None: ...

    class Bare: ...

    def made_up() -> None:
        """Does nothing."""

    for value in (Silent, Bare, made_up):
        value.__module__ = "theory"
    Silent.method.__module__ = "theory"
    fake.__dict__.update(
        __all__=["Silent", "Bare", "made_up", "SIZE"], Silent=Silent, Bare=Bare, made_up=made_up, SIZE=3
    )
    assert complaints(fake) == [
        "theory.fake: no docstring",
        "theory.fake.Silent: no example",
        "theory.fake.Silent.method: no docstring",
        "theory.fake.Bare: no docstring",
        "theory.fake.Bare: no example",
        "theory.fake.made_up: no example",
        "theory.fake.SIZE: no docstring",
    ]
