"""Where pytest, Hypothesis and the shell come in: what a stranger's packages of our names meet, and we theirs.

A package, that is: a stranger's folder without __init__.py is hidden by ours, as Python prefers packages wherever they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import lengthgen_entry
import proofs_check.__main__
from lengthgen_entry import HOME, PACKAGES, hidden, misplaced
from proofs_check.commands.main import main
from tests.proofs_check.test_task_command import PLUGIN

Out = pytest.CaptureFixture[str]

STRANGER = '''
"""A suite of tests of somebody who has packages of our names, and has never heard of us."""

import sys

from hypothesis import given, strategies as st

import figures
from idealized_model import Task
from proofs_check import hypothesis_plugin
from theory.examples import PI, Example
from theory.tasks.base import Instance


@given(st.integers(), st.from_type(Example), st.builds(Instance))
def test_mine(x, example, instance):
    assert (PI, figures.DPI, hypothesis_plugin.NAME) == (3, 300, "mine")
    assert type(example).__module__ == "theory.examples"


def test_nothing_of_others_is_here():
    assert all("lengthgen" not in type(finder).__module__ + repr(finder) for finder in sys.meta_path)
    assert Task.__module__ == "idealized_model"
'''

FILES = {
    "test_mine.py": STRANGER,
    "theory/__init__.py": "from theory import examples\n",
    "theory/examples.py": "PI = 3\n\n\nclass Example:\n    pass\n",
    "theory/tasks/__init__.py": "",
    "theory/tasks/base.py": "class Instance:\n    pass\n",
    "theory/positions.py": "",
    "idealized_model.py": "class Task:\n    pass\n",
    "figures/__init__.py": "DPI = 300\n",
    "proofs_check/__init__.py": "",
    "proofs_check/hypothesis_plugin.py": "NAME = 'mine'\n",
}
"""Packages, and a module alone."""


def test_the_suite_of_a_stranger_passes(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *PLUGIN], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["", str(HOME)])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr


# ── Packages of our names that are not ours ──────────────────────────────────────────────────────────────────────────


def hide(name: str, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a package of this name first, as in a folder that pytest is run from; returns what is imported by it."""
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    if kind == "module":
        found = folder / f"{name}.py"
    else:
        (folder / name).mkdir()
        found = folder / name / "__init__.py"
    found.write_text("raise RuntimeError('not to be imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return found


def test_our_packages_are_ours() -> None:
    assert misplaced(*PACKAGES) == []


@pytest.mark.parametrize("kind", ["package", "module"])
@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_that_hides_ours_is_named_with_both_places_and_the_cure(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hide(name, kind, tmp_path, monkeypatch)
    (problem,) = misplaced(*PACKAGES)
    start = f"the package {name} comes from {found}, which hides {HOME / name}. "
    assert problem == start + f"Take {tmp_path} off sys.path (PYTHONPATH), or rename it."
    monkeypatch.chdir(tmp_path)
    assert misplaced(name) == [start + "Run from another folder, or rename it."]


@pytest.mark.parametrize(
    ("folder", "owner", "cure"),
    [
        ("site-packages", "theory-of-music", "Uninstall it (pip uninstall theory-of-music)."),
        ("dist-packages", "theory-of-music", "Uninstall it (pip uninstall theory-of-music)."),
        ("site-packages", "lengthgen", "Take {} off sys.path (PYTHONPATH), or rename it."),
        ("site-packages", None, "Take {} off sys.path (PYTHONPATH), or rename it."),
        ("elsewhere", "theory-of-music", "Take {} off sys.path (PYTHONPATH), or rename it."),
    ],
)
def test_a_package_that_was_installed_over_ours_is_to_be_uninstalled(
    folder: str, owner: str | None, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / folder
    place.mkdir()
    if owner is not None:
        made = place / f"{owner.replace('-', '_')}-1.0.dist-info"
        made.mkdir()
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n", encoding="utf-8")
        (made / "RECORD").write_text("theory/__init__.py,,\n", encoding="utf-8")
    found = hide("theory", "package", place, monkeypatch)
    start = f"the package theory comes from {found}, which hides {HOME / 'theory'}. "
    assert misplaced("theory") == [start + cure.format(place)]


def test_a_folder_without_init_does_not_hide_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours hides it: Python takes a package that stands anywhere on the path."""
    (tmp_path / "theory").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "theory")
    assert misplaced("theory") == []


def test_a_folder_without_init_that_is_found_first_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with installations in place, whose packages are found after everything else."""
    (tmp_path / "theory").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "theory")
    (problem,) = misplaced("theory")
    assert problem.startswith(f"the package theory comes from {tmp_path / 'theory'}, which hides {HOME / 'theory'}. ")
    assert f"Take {tmp_path} off" in problem


def test_a_module_that_was_made_by_hand_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "figures", ModuleType("figures"))
    (problem,) = misplaced("figures")
    assert problem.startswith("the package figures comes from memory, which hides ")


@pytest.mark.parametrize("left", [[], ["theory"]])
def test_a_package_that_lost_its_files_is_to_be_installed_again(
    left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in left:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "theory")
    monkeypatch.setattr(lengthgen_entry, "HOME", tmp_path)
    (problem,) = misplaced("theory")
    assert problem.startswith(f"the package theory has lost files of {tmp_path / 'theory'}. ")
    assert "install it again" in problem


def test_the_doctor_runs_although_its_package_lost_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setattr(lengthgen_entry, "_place", lambda name: HOME / name)
    monkeypatch.setattr(sys, "argv", ["lengthgen", "doctor"])
    assert lengthgen_entry.main() == 2
    assert "problem: the package proofs_check has lost files of " in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["lengthgen"])
    assert lengthgen_entry.main() == 3
    assert capsys.readouterr().err.startswith("lengthgen: the package proofs_check has lost files of ")


@pytest.mark.parametrize(
    ("gone", "arguments"),
    [
        ("proofs_check.__main__", []), ("proofs_check.commands.program", []),
        ("proofs_check.commands.program", ["doctor"]), ("proofs_check.commands.doctor", ["doctor"]),
        ("proofs_check.commands.installation", ["doctor"]), ("proofs_check.spelling", []),
        ("proofs_check.spelling", ["doctor"]),
    ],
)  # fmt: skip
def test_a_file_that_is_gone_is_one_line(gone: str, arguments: list[str]) -> None:
    code = (
        f"import sys; sys.modules[{gone!r}] = None; sys.argv = {['lengthgen', *arguments]}; "
        "import lengthgen_entry; sys.exit(lengthgen_entry.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("lengthgen: ")
    package, _, name = gone.rpartition(".")
    assert f"{gone} " in done.stderr or f"name {name!r} from {package!r}" in done.stderr
    assert done.stderr.endswith(". Install it again.\n")
    assert done.stderr.count("\n") == 1


def test_what_comes_first_loads_no_doctor() -> None:
    """Only the command line that is asked for is waited for."""
    code = "import sys, proofs_check.__main__; sys.exit('proofs_check.commands.installation' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOME, check=False).returncode == 0


@pytest.mark.parametrize(
    "there",
    [
        "sys.modules['hypothesis'] = None", "sys.modules['hypothesis'] = types.ModuleType('hypothesis')",
        "sys.modules['hypothesis.strategies'] = None",
        "sys.modules.update({name: types.ModuleType(name) for name in ('hypothesis', 'hypothesis.strategies')})",
    ],
)  # fmt: skip
def test_where_hypothesis_is_blocked_or_a_stub_our_packages_are_imported(there: str) -> None:
    code = f"import sys, types\n{there}\nimport theory, theory.tasks"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# ── What is run beside them ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "start", "arguments"),
    [
        ("theory", "lengthgen_entry", ["check"]),
        ("proofs_check", "lengthgen_entry", ["task", "copy"]),
        ("proofs_check", "lengthgen_entry", ["doctor"]),
        ("idealized_model", "proofs_check.__main__", []),
        ("theory", "figures.__main__", ["--list"]),
        ("proofs_check", "figures.__main__", ["--list"]),
    ],
)
def test_commands_say_it_in_one_line(
    name: str, start: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    module = sys.modules.get(start) or __import__(start, fromlist=["main"])
    found = hide(name, "package", tmp_path, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["lengthgen", *arguments])
    assert module.main() == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{'figures' if 'figures' in start else 'lengthgen'}: the package {name} comes from {found}")
    assert err.count("\n") == 1


def test_figures_of_somebody_else_are_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    found = hide("figures", "package", tmp_path, monkeypatch)
    assert main(["figures", "--list"], figures=proofs_check.__main__.figures) == 3
    assert capsys.readouterr().err.startswith(f"lengthgen: the package figures comes from {found}")
    assert main(["task", "copy", "--lengths", "1"]) == 0  # which needs none
    assert proofs_check.__main__.misplaced(*lengthgen_entry.CORE) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("theory", "lengthgen_entry"), ("theory", "proofs_check.__main__"), ("idealized_model", "lengthgen_entry")],
)
def test_the_doctor_says_it_too(
    name: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    found = hide(name, "package", tmp_path, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["lengthgen", "doctor"])
    assert sys.modules[start].main() == 2
    assert f"problem: the package {name} comes from {found}, which hides {HOME / name}. " in capsys.readouterr().out


def test_pytest_says_it_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    found = hide("theory", "package", tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    alone = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "--rootdir", ".", "-c", os.devnull, *PLUGIN]
    assert pytest.main([*alone, "--lengthgen-task", "copy"]) == 4
    err = capsys.readouterr().err
    message = f"ERROR: --lengthgen-task: the package theory comes from {found}, which hides {HOME / 'theory'}. "
    assert err.strip() == message + "Run from another folder, or rename it."


@pytest.fixture
def own_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What pytest puts on the path and imports is gone after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("test_mine", None)


def collected_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command pytest, which does not put the current folder on the path by itself, among tests of somebody else."""
    monkeypatch.chdir(folder)
    # This process has imported pytest's plugins before, of which pytest warns.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    alone = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "-q", "--collect-only", *quiet, *PLUGIN]
    return int(pytest.main([*alone, *arguments]))


@pytest.mark.usefixtures("own_path")
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("theory.py", "."),
        ("deeper/theory.py", "deeper"),
        pytest.param("idealized_model/__init__.py", ".", marks=pytest.mark.slow),
        pytest.param("proofs_check.py", ".", marks=pytest.mark.slow),
        pytest.param("theory.py", "deeper", marks=pytest.mark.slow),
    ],
)
def test_the_command_pytest_says_it_too(
    name: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """Pytest puts the folder of the tests first, when our packages are imported already."""
    for file in (name, "deeper/test_mine.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("def test_mine(): assert True\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    package = name.removeprefix("deeper/").partition("/")[0].removesuffix(".py")
    home = tmp_path / "deeper" if name.startswith("deeper") else tmp_path
    assert collected_in(tmp_path / start, monkeypatch, "--lengthgen-task", "copy") == 4
    message = f"the package {package} comes from {tmp_path / name}, which hides {HOME / package}. "
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip() == f"ERROR: --lengthgen-task: {message}Run from outside of {home}, or rename it."
    assert collected_in(tmp_path / start, monkeypatch) == 0  # who does not use us is told nothing
    out, err = capsys.readouterr()
    assert "test_mine.py::test_mine" in out
    assert "lengthgen" not in out.replace(str(HOME), "") + err


@pytest.mark.usefixtures("own_path")
@pytest.mark.parametrize(("mode", "status"), [("prepend", 2), ("importlib", 0)])
def test_a_folder_of_tests_with_a_package_of_our_names_is_named(
    mode: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """Below the root, where pytest puts it on the path when it comes to it."""
    package = tmp_path / "below" / "theory"
    (package / "deep").mkdir(parents=True)
    for file in (package / "__init__.py", package / "deep" / "__init__.py"):
        file.touch()
    (package / "deep" / "test_mine.py").write_text("def test_mine(): assert True\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    arguments = ["--lengthgen-task", "copy", f"--import-mode={mode}", "-k", "mine"]
    assert collected_in(tmp_path, monkeypatch, *arguments) == status
    message = f"the package theory comes from {package / '__init__.py'}, which hides {HOME / 'theory'}. "
    said = f"--lengthgen-task: {message}Run from outside of {package.parent}, or rename it.\n"
    assert (said in capsys.readouterr().out) == (status == 2)


@pytest.mark.parametrize("name", ["theory/note", "theories.py", "figures.py"])
def test_what_hides_none_of_the_packages_that_are_used_is_not_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert hidden(*lengthgen_entry.CORE, by=tmp_path) == hidden(*PACKAGES, by=HOME) == []


def test_the_command_and_the_module_are_one(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setattr(sys, "argv", ["lengthgen", "task", "copy", "--lengths", "1"])
    for start in (lengthgen_entry, proofs_check.__main__):
        assert start.main() == 0
        assert capsys.readouterr().out.startswith("copy: all of length 1")
