"""What importing a module makes: values that do not change, constants, and the defaults that callers rely on.

`python -m tests.test_interface` writes constants and defaults anew, after a change that is meant.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.test_public_names import INTERNAL, ROOTS, packages, public
from theory import errors, exact

DEFAULTS = Path(__file__).with_name("defaults.txt")

FILLED_IN = {
    "proofs_check.audit.auditing.Compared", "proofs_check.claims.checks.Result", "proofs_check.claims.checks.Run",
    "proofs_check.claims.turns.Tally", "proofs_check.claims.turns.Walked",
}  # fmt: skip
"""What a run fills in as it goes."""


def modules() -> Iterator[ModuleType]:
    for root in ROOTS:
        path = importlib.import_module(root).__path__
        names = [found.name for found in pkgutil.walk_packages(path, f"{root}.") if not found.name.endswith("__main__")]
        yield from map(importlib.import_module, (root, *names))


def changing(module: ModuleType) -> Iterator[str]:
    """The dataclasses of a module whose instances can be assigned to."""
    for name, value in vars(module).items():
        made = inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
        if made and not value.__dataclass_params__.frozen:
            yield f"{module.__name__}.{name}"


def defaults(module: ModuleType) -> Iterator[str]:
    """The public functions and classes of a module with those of their arguments that may be left out."""
    for name, value in public(module).items():
        if inspect.ismodule(value):
            yield from defaults(value) if value.__name__ not in packages() else ()
        elif inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, Exception)):
            at = f"{module.__name__}.{name}"
            yield from _lines(at, value)
            own = [key for key in vars(value) if not key.startswith("_")] if inspect.isclass(value) else []
            for key in own:
                method = getattr(value, key)
                if inspect.isfunction(method) or inspect.ismethod(method):
                    yield from _lines(f"{at}.{key}", method)


def constants(module: ModuleType) -> Iterator[str]:
    """The numbers that a module names in capitals."""
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, int | float | Fraction) and f"\n{name} = " in inspect.getsource(module):
            yield f"{module.__name__}.{name} = {value!r}"


def _lines(at: str, value: Any) -> Iterator[str]:
    for parameter in inspect.signature(value).parameters.values():
        if isinstance(parameter.default, int | float | Fraction | str | tuple):
            yield f"{at}({parameter.name}={parameter.default!r})"


def stated() -> str:
    """Every default of the public names, and every constant, a line each."""
    found = {line for name in packages() if name not in INTERNAL for line in defaults(importlib.import_module(name))}
    found |= {line for module in modules() for line in constants(module)}
    return "".join(f"{line}\n" for line in sorted(found))


def test_values_are_frozen() -> None:
    assert {name for module in modules() for name in changing(module)} == FILLED_IN


def test_defaults_are_what_they_were() -> None:
    """A change that is meant goes into the changelog."""
    assert stated() == DEFAULTS.read_text(encoding="utf-8")


def test_it_sees_what_changes_and_what_may_be_left_out() -> None:
    fake = ModuleType("theory.fake")

    @dataclasses.dataclass(frozen=True)
    class Value:
        size: int = 3

        def at(self, length: int, *, budget: int = 7) -> None: ...

    @dataclasses.dataclass
    class Loose: ...

    def made_up(size: int, *, seed: int = 0) -> None: ...

    for value in (Value, Loose, made_up):
        value.__module__ = "theory.fake"
    fake.__dict__.update(__all__=["Value", "made_up"], Value=Value, Loose=Loose, made_up=made_up)
    assert [*changing(fake)] == ["theory.fake.Loose"]
    assert [*defaults(fake)] == [
        "theory.fake.Value(size=3)",
        "theory.fake.Value.at(budget=7)",
        "theory.fake.made_up(seed=0)",
    ]
    assert "theory.errors.CELLS = 64" in constants(errors)
    assert not any("HUGE" in line for line in constants(exact))  # it is imported there


if __name__ == "__main__":
    DEFAULTS.write_text(stated(), encoding="utf-8")
