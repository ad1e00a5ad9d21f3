"""Smoke test of an installed wheel: run it with that environment's Python, from outside the repository."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("theory", "idealized_model", "proofs_check", "figures")


def installed_packages() -> None:
    """Every package comes from site-packages, says that it is typed, and has the version of the wheel."""
    site_packages = Path(sysconfig.get_path("purelib")).resolve()
    for name in PACKAGES:
        module = import_module(name)
        assert module.__file__ is not None, f"{name} has no __init__.py"
        folder = Path(module.__file__).resolve().parent
        assert folder.parent == site_packages, f"{name} comes from {folder}, not from {site_packages}"
        assert (folder / "py.typed").is_file(), f"{name} was installed without py.typed"
    assert version("lengthgen")


def library() -> None:
    """The criterion and the coverage of a small planted task, as a user of the library computes them."""
    from theory import HeadClass, PlantedEnsemble, coverage, decide, support

    ens = PlantedEnsemble(
        vocabulary=3,
        background=[1, 0, 0],
        planted={(1, 1): "1/4", (1, 2): "1/4", (2, 1): "1/4", (2, 2): "1/4"},
        target={(1, 1): 0, (1, 2): 1, (2, 1): 1, (2, 2): 0},
        support=support.uniform(),
    )
    heads = HeadClass(arity=2, window=None, key="none")
    assert decide(heads, train=ens.at(4), test=ens.at(7)).outcome == "generalizes"
    assert decide(heads, train=ens.at(3), test=ens.at(7)).outcome == "fails"
    assert coverage(heads, train=ens.at(4), test=ens.at(7)).kappa == 10


def commands() -> None:
    """The console script checks one claim and reports it in every form; the module refuses a claim that does not exist."""
    scripts = Path(sysconfig.get_path("scripts"))
    with tempfile.TemporaryDirectory() as folder:
        report_file = Path(folder) / "report.json"
        page_file, junit_file = Path(folder) / "report.html", Path(folder) / "report.xml"
        outputs: list[str | Path] = ["--json", report_file, "--html", page_file, "--junit", junit_file]
        run([scripts / "lengthgen", "check", "--claim", "T7", *outputs], expected=0)
        report = json.loads(report_file.read_text(encoding="utf-8"))
        assert '<article class="claim" id="T7"' in page_file.read_text(encoding="utf-8")
        assert "<testsuites" in junit_file.read_text(encoding="utf-8")
    assert report["schema"] == 1, report["schema"]
    assert [(claim["id"], claim["holds"]) for claim in report["claims"]] == [("T7", True)], report["claims"]
    run([sys.executable, "-m", "proofs_check", "--claim", "nope"], expected=3)
    run([scripts / "lengthgen", "doctor"], expected=0)


def run(command: list[str | Path], *, expected: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    words = " ".join(map(str, command))
    assert done.returncode == expected, (
        f"`{words}` ended with {done.returncode}, not {expected}\n{done.stdout}{done.stderr}"
    )


if __name__ == "__main__":
    for step in (installed_packages, library, commands):
        step()
        print(f"smoke: {step.__name__} ok")
