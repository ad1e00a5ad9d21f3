"""Importing the core is light: what is heavy loads when it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import theory
from tests.processes import finished

HEAVY = ("sympy", "mpmath", "matplotlib", "scipy", "networkx", "hypothesis", "pytest", "rich", "jax", "torch", "pandas")
ROOT = Path(theory.__file__).parent.parent


def loaded_after(statement: str) -> list[str]:
    """The heavy modules that a fresh interpreter has loaded after a statement."""
    code = f"import json, sys\n{statement}\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("COVERAGE_PROCESS_START", None)  # a tracer may import what it likes
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize("package", ["theory", "idealized_model"])
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    assert loaded_after(f"import {package}") == []


def test_the_check_sees_what_is_loaded() -> None:
    assert loaded_after("import theory, sympy") == ["sympy", "mpmath"]


def test_a_module_with_examples_is_the_one_that_tests_import() -> None:
    """Collected for its examples before anything imports its package, it is not made a second time beside it."""
    files = ["theory/criterion.py", "tests/theory/test_criterion.py", "theory/tasks/finding.py"]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "frozen_value or did_you_mean"]
    done = finished([sys.executable, "-m", "pytest", *options, *files], folder=ROOT)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", ["theory", "idealized_model"])
def test_all_names_are_there_and_sorted(name: str) -> None:
    package = __import__(name)
    public = list(package.__all__)
    assert len(public) == len(set(public))
    assert all(hasattr(package, entry) for entry in public)
    assert not any(entry.startswith("_") for entry in public)
