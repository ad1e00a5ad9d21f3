"""`lengthgen task`, and the tests that `pytest --lengthgen-task` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import proofs_check
from proofs_check.commands.main import main
from proofs_check.tasks import checking, contracts
from proofs_check.tasks.contracts import CONTRACTS
from proofs_check.tasks.trial import Decided, Trial
from tests.test_imports import loaded_after

ROOT = Path(proofs_check.__file__).parent.parent

SHOUT = '''
"""A module of tasks."""

from theory.tasks import Addition, Copy, Instance


class Shout(Copy):
    """Fine."""

    name = "shout"


class Mute(Copy):
    """Declared dense, which it is not."""

    name = "mute"
    sparsity = None


def small():
    """A task with its parameters."""
    return Addition(base=3)


def broken():
    """Makes nothing."""
    raise RuntimeError("no way")


THREE = Copy(3)
NUMBER = 3
'''

Out = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of tasks, as the current one; what is imported from it is forgotten afterwards."""
    (tmp_path / "shouting.py").write_text(SHOUT, encoding="utf-8")
    (tmp_path / "failing.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    (tmp_path / "leaving.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("shouting", "failing", "leaving"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", ["copy", "shouting:Shout", "shouting:small", "shouting:THREE"])
def test_a_task_that_holds_exits_0(spec: str, folder: Path, capsys: Out) -> None:
    assert main(["task", spec, "--lengths", "1,2,3"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].endswith(": all of lengths 1, 2, 3")
    assert out.splitlines()[-1] == "12 of 12 contracts hold."
    assert err == ""
    assert not (folder / ".hypothesis").exists()


def test_a_refuted_task_exits_1_and_writes_its_report(folder: Path, capsys: Out) -> None:
    assert main(["task", "shouting:Mute", "--lengths", "1,2", "--seed", "7", "--json", "report.json"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "11 of 12 contracts hold. Refuted: sparsity."
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (report["task"], report["holds"], report["seed"], report["lengths"]) == ("mute", False, 7, [1, 2])
    (finding,) = (finding for finding in report["findings"] if finding["kind"] == "refuted")
    assert (finding["contract"], finding["where"]) == ("sparsity", "lengths 1 and 2")


def test_an_inconclusive_task_exits_2(capsys: Out) -> None:
    assert main(["task", "full parity", "--lengths", "3"]) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "11 of 12 contracts hold. Inconclusive: sparsity."


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cpoy", "; sum modulo N; or module:object. Did you mean 'copy'?"),
        ("shouting", "A task of your own is named in its module, such as shouting:MyTask."),
        (
            "mymodule",
            "module:object. A task of your own is named in its module, such as mymodule:MyTask.",
        ),  # not: sum modulo
        ("multiplication", "'multiplication, carried' or 'multiplication, plain' or 'long multiplication'?"),
        ("my.tasks:", "expected one of sparse parity, k = 2; "),
        ("my.tasks:", "A task of your own is named in its module, such as my.tasks:MyTask."),
        ("my-tasks:Task", "A task of your own is named in its module, such as mymodule:MyTask."),
        ("nowhere:Task", "there is no module nowhere; "),
        ("nowhere:Task", "Run from the folder that holds it, or install its package."),
        ("shouting.deeper:Task", "there is no module shouting.deeper"),
        (
            "shouting:Whisper",
            "has no Whisper; expected the name of a known task, or module:object. It has Shout, Mute, THREE.",
        ),
        (
            "shouting:Shot",
            "but shouting has no Shot; expected the name of a known task, or module:object. Did you mean 'Shout'?",
        ),
        ("shouting:smal", "Did you mean 'small'?"),
        ("shouting:THREE.sparsty", "but shouting:THREE has no sparsty; "),
        (
            "shoutin:Shout",
            "there is no module shoutin; expected the name of a known task, or module:object. Did you mean 'shouting'?",
        ),
        ("shouting:NUMBER", "which is the int 3; expected a Task"),
        ("shouting:Addition.base", "which is the int 10; expected a Task"),
        ("shouting:broken", "which raises RuntimeError: no way"),
        ("shouting:Instance", "which raises TypeError"),
        ("failing:Task", "whose import raises ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("leaving:Task", "whose import raises SystemExit: 0"),
        (":Task", "module:object"),
        ("shouting:", "module:object"),
        ("../shouting:Shout", "Write shouting:Shout, and run from the folder ../."),
        ("./shouting.py:Shout", "module:object. Write shouting:Shout, and run from this folder."),
        ("shouting.py:Shout", "module:object. Write shouting:Shout, and run from this folder."),
        ("shouting.py", "module:object. Write shouting:MyTask, and run from this folder."),
        ("shouting.py::Shout", "module:object. Write shouting:Shout, and run from this folder."),
        (".\\shouting.py:Shout", "module:object. Write shouting:Shout, and run from this folder."),
        ("/abs/lib/shouting.py:Shout", "module:object. Write shouting:Shout, and run from the folder /abs/lib/."),
        ("C:\\abs\\shouting.py:Shout", "module:object. Write shouting:Shout, and run from the folder C:\\abs\\."),
        ("C:/abs/shouting.py", "module:object. Write shouting:MyTask, and run from the folder C:/abs/."),
        ("~/shouting.py:Shout", "module:object. Write shouting:Shout, and run from the folder ~/."),
        ("\\\\host\\lib\\shouting.py:Shout", "Write shouting:Shout, and run from the folder \\\\host\\lib\\."),
        ("shouting.py:Shout, query-coupled", 'Write "shouting:Shout, query-coupled", and run from this folder.'),
        ("sparse parity k=3", "Did you mean 'sparse parity, k = 3'?"),
        ("Copy", "Did you mean 'copy'?"),
        ("copy query coupled", "Did you mean 'copy, query-coupled'?"),
        ("sparse parity, locale", "Did you mean 'sparse parity, local'?"),
        ("lib/tasks/shouting.py:Shout.small", "Write lib.tasks.shouting:Shout.small, and run from this folder."),
        ("my-lib/shouting.py:a-b", "Write shouting:MyTask, and run from the folder my-lib/."),
        ("lib/shouting", "Write lib.shouting:MyTask, and run from this folder."),
        ("my-shouting.py:Shout", "such as mymodule:MyTask; 'my-shouting.py' cannot be imported."),
        ("lib/", "such as mymodule:MyTask; 'lib/' cannot be imported."),
    ],
)
def test_what_is_no_task_exits_3_with_a_typed_error(spec: str, words: str, folder: Path, capsys: Out) -> None:
    assert main(["task", spec]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lengthgen: task: argument task: got ")
    assert words in err


FAILING = """
import errno

from theory.tasks import Copy


def fail(*given):
    raise {error}


class Small(Copy):
    '''
    >>> hook()
    '''

    def sample(self, length, rng):
        below() if length < self.min_length else None
        return super().sample(length, rng)


def made():
    make()
    return Small()


below = hook = make = start = lambda *given: None
{where} = fail
start()
"""
"""A task that runs into an error in one place."""

PLACES = [
    "Small.solve", "Small.sample", "Small.rule", "Small.n_instances", "named = Small.name = property(fail); Small.spare",
    "below", "hook", "make", "start",
]  # fmt: skip


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("MemoryError()", "lengthgen: out of memory. "),
        ("OSError(errno.ENOSPC, 'No room')", "lengthgen: OSError: [Errno 28] No room "),
        ("BrokenPipeError()", "lengthgen: BrokenPipeError: "),
    ],
)
def test_no_memory_or_a_full_disk_in_the_code_of_a_task_exits_4(
    where: str, error: str, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """It says nothing of the task."""
    (folder / "small.py").write_text(FAILING.format(error=error, where=where), encoding="utf-8")
    monkeypatch.delitem(sys.modules, "small", raising=False)
    assert main(["task", "small:made", "--lengths", "1,2"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(words)


def test_a_file_that_a_task_lacks_is_its_own_fault(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    error = "FileNotFoundError(errno.ENOENT, 'No such file', 'words.txt')"
    (folder / "small.py").write_text(FAILING.format(error=error, where="Small.solve"), encoding="utf-8")
    monkeypatch.delitem(sys.modules, "small", raising=False)
    assert main(["task", "small:made", "--lengths", "1"]) == 1
    assert "solve raised FileNotFoundError: [Errno 2] No such file: 'words.txt'" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--lengths", "1,x"], ["--lengths", "0"], ["--seed", "-1"], []])
def test_bad_usage_exits_3(arguments: list[str], capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["task", *(["copy"] if arguments else []), *arguments])
    assert ended.value.code == 3
    assert "lengthgen task" in capsys.readouterr().err


@pytest.mark.parametrize("lengths", ["1,x", "1;2", "0", "1,,2", "", "9" * 5000])
def test_bad_lengths_say_what_was_expected(lengths: str, capsys: Out) -> None:
    with pytest.raises(SystemExit):
        main(["task", "copy", "--lengths", lengths])
    err = capsys.readouterr().err
    assert f"got {lengths!r}; expected whole numbers >= 1 with commas between, such as 1,2,3" in err


def test_lengths_may_be_an_interval(capsys: Out) -> None:
    assert main(["task", "copy", "--lengths", "1..3"]) == 0
    assert capsys.readouterr().out.startswith("copy: all of lengths 1, 2, 3\n")
    with pytest.raises(SystemExit):
        main(["task", "copy", "--lengths", "3..1"])
    assert "got '3..1'; expected A..B with A <= B: 1..3" in capsys.readouterr().err


def test_lengths_beyond_the_budget_are_refused_before_anything_is_made(
    capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 samples of 99,999,999 / 64 cells; with the budget that the message names they would go."""
    assert main(["task", "copy", "--lengths", "1,99999999"]) == 3
    message = capsys.readouterr().err
    assert "lengthgen: check_task: argument --budget: got a budget of 20,000" in message
    assert "1,562,500,000 items" in message
    assert "Raise it with --budget=1562500000, or ask for a smaller instance." in message
    assert main(["task", "copy", "--lengths", "66", "--budget", "1999"]) == 3
    assert "Raise it with --budget=2000" in capsys.readouterr().err
    monkeypatch.setattr(checking, "CONTRACTS", {"mask": contracts.mask})  # one is enough to see that it goes
    assert main(["task", "copy", "--lengths", "66", "--budget", "2000"]) == 0


def test_a_length_below_the_least_and_a_bad_file_exit_3(capsys: Out) -> None:
    assert main(["task", "sparse parity, k = 2", "--lengths", "1"]) == 3
    assert main(["task", "copy", "--json", "nowhere/report.json"]) == 3
    assert "argument lengths" in capsys.readouterr().err


# ── The plugin ───────────────────────────────────────────────────────────────────────────────────────────────────────


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a program; it has the plugin also where no entry point is installed."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("COVERAGE_PROCESS_START", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *PLUGIN, *arguments], cwd=folder,
        env=environment, capture_output=True, text=True, timeout=120, check=False, encoding="utf-8",
    )  # fmt: skip


PLUGIN = [] if metadata.entry_points(group="pytest11", name="lengthgen") else ["-p", "lengthgen_entry"]

ALONE = [
    "-p", "no:cacheprovider", "-p", "no:faulthandler", "--rootdir", ".", "-c", os.devnull, "--import-mode", "importlib",
    *PLUGIN,
]  # fmt: skip
"""What an inner run of pytest in this process takes, to be apart from the outer one."""


def test_the_plugin_makes_a_test_of_every_contract(folder: Path) -> None:
    (folder / "test_other.py").write_text("def test_other():\n    assert True\n", encoding="utf-8")
    done = run_pytest(folder, "-v", "--lengthgen-task", "shouting:Shout", "--lengthgen-task", "shouting:Mute")
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stdout + done.stderr
    for contract in CONTRACTS:
        assert any(line.startswith(f"shouting:Shout::{contract} PASSED") for line in lines)
    assert any(line.startswith("shouting:Mute::sparsity FAILED") for line in lines)
    assert "  wanted  larger sets at longer lengths, as the task is declared dense (sparsity = None)" in lines
    assert "1 failed, 24 passed" in lines[-1]
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_the_plugin_leaves_xdist_alone(folder: Path) -> None:
    """Three of the contracts, all before the sampler, which takes the longest to import what it needs."""
    arguments = ["shouting:Shout::IDs", "shouting:Shout", "-k", "IDs or mask or deterministic"]
    spread = run_pytest(folder, "--lengthgen-task", "shouting:Shout", "-n", "2", *arguments)
    assert "3 passed" in spread.stdout.splitlines()[-1], spread.stdout + spread.stderr


@pytest.mark.slow
def test_a_test_of_the_plugin_checks_nothing_that_comes_after_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """And each contract once, whatever the order of the tests; a refuted one is."""
    asked: list[str] = []

    def watched(name: str, contract: contracts.Contract) -> contracts.Contract:
        def check(trial: Trial) -> Decided:
            asked.append(name)
            return contract(trial)

        return check

    for name, contract in CONTRACTS.items():
        monkeypatch.setitem(CONTRACTS, name, watched(name, contract))
    arguments = ["--lengthgen-task", "copy", "copy::mask", "copy::length honoured"]
    assert pytest.main([*ALONE, *arguments], plugins=[Reversed()]) == 0
    assert asked == ["well formed", "deterministic", "length honoured", "mask"]
    arguments = ["--lengthgen-task", "shouting:Mute", "shouting:Mute::sparsity", "shouting:Mute::mask"]
    assert pytest.main([*ALONE, *arguments]) == 1
    assert asked[4:] == [*CONTRACTS][: [*CONTRACTS].index("sparsity") + 1]


class Reversed:
    """A plugin of an inner run of pytest: the last test comes first."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Turn them around."""
        items.reverse()


class Recorder:
    """A plugin of an inner run of pytest: the IDs of the tests that are left to run."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep them."""
        self.ids = [item.nodeid for item in session.items]


def collected(*arguments: str) -> list[str]:
    """What pytest would run, in this process."""
    recorder = Recorder()
    status = pytest.main([*ALONE, "--collect-only", "--lengthgen-task", "copy", *arguments], plugins=[recorder])
    assert status == (0 if recorder.ids else 4)
    return recorder.ids


@pytest.fixture
def beside_files(folder: Path) -> Path:
    """A file of tests beside the tasks, and what has the name of a task without being one."""
    (folder / "test_other.py").write_text("def test_other():\n    assert True\n", encoding="utf-8")
    (folder / "reverse").mkdir()
    return folder


LOCAL, WRAPPED = "sparse parity, k = 2", "shouting:Shout, query-coupled"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        pytest.param(["copy::sparsity"], ["copy::sparsity"], marks=pytest.mark.slow),
        pytest.param(["copy::IDs", "copy::mask"], ["copy::mask", "copy::IDs"], marks=pytest.mark.slow),
        pytest.param(["copy::IDs", "copy::IDs"], ["copy::IDs"], marks=pytest.mark.slow),
        (["copy"], [f"copy::{contract}" for contract in CONTRACTS]),
        pytest.param(
            ["copy::IDs", "test_other.py"], ["test_other.py::test_other", "copy::IDs"], marks=pytest.mark.slow
        ),
        (["test_other.py::test_other", "copy::IDs"], ["test_other.py::test_other", "copy::IDs"]),
        pytest.param(["copy", "-k", "sparsity or mask"], ["copy::mask", "copy::sparsity"], marks=pytest.mark.slow),
        pytest.param(["-k", "copy and IDs"], ["copy::IDs"], marks=pytest.mark.slow),
        pytest.param(
            ["copy", *(f"--deselect=copy::{contract}" for contract in CONTRACTS if contract != "mask")],
            ["copy::mask"],
            marks=pytest.mark.slow,
        ),
        pytest.param(["--lengthgen-task", LOCAL, f"{LOCAL}::IDs"], [f"{LOCAL}::IDs"], marks=pytest.mark.slow),
        pytest.param(
            ["--lengthgen-task", LOCAL, f"{LOCAL}::IDs", "copy::mask"],
            ["copy::mask", f"{LOCAL}::IDs"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["--lengthgen-task", "shouting:Mute", "shouting:Mute::IDs"], ["shouting:Mute::IDs"], marks=pytest.mark.slow
        ),
        pytest.param(
            ["--lengthgen-task", "sum modulo 5", "sum modulo 5::IDs"], ["sum modulo 5::IDs"], marks=pytest.mark.slow
        ),
        (["--lengthgen-task", WRAPPED, f"{WRAPPED}::IDs"], [f"{WRAPPED}::IDs"]),
        pytest.param(
            ["test_other.py"],
            ["test_other.py::test_other", *(f"copy::{contract}" for contract in CONTRACTS)],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [], ["test_other.py::test_other", *(f"copy::{contract}" for contract in CONTRACTS)], marks=pytest.mark.slow
        ),
        pytest.param(["--lengthgen-task", "reverse", "reverse::IDs"], ["reverse::IDs"], marks=pytest.mark.slow),
        (["--lengthgen-task", "reverse", "reverse", "-k", "IDs"], ["copy::IDs", "reverse::IDs"]),  # the folder, and all
    ],
)
def test_a_printed_id_selects_its_test(
    arguments: list[str], wanted: list[str], beside_files: Path, capsys: Out
) -> None:
    ids = collected(*arguments)
    assert sorted(ids) == sorted(wanted)
    assert ids[0] == wanted[0] or len(wanted) > 2


def test_an_id_printed_in_a_folder_below_the_root_selects_its_test(
    beside_files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.chdir(beside_files / "reverse")
    assert collected("--rootdir", "..", os.path.join("..", "copy::IDs")) == ["copy::IDs"]
    assert collected("--rootdir", "..", "copy::IDs") == ["copy::IDs"]


def test_an_id_of_no_contract_is_bad_usage_with_the_nearest(beside_files: Path, capsys: Out) -> None:
    assert collected("copy::sparsty") == []
    assert "ERROR: copy::sparsty: there is no such test. Did you mean 'copy::sparsity'?" in capsys.readouterr().err
    assert collected("reverse::IDs") == []  # not asked for
    assert "reverse::IDs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_failed_test_is_run_again(folder: Path) -> None:
    first = [sys.executable, "-m", "pytest", *PLUGIN, "-q", "--lengthgen-task", "shouting:Mute"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments in (["shouting:Mute::sparsity"], ["--last-failed"]):
        done = subprocess.run(
            [*first, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "1 failed" in done.stdout.splitlines()[-1], done.stdout + done.stderr


def test_a_bad_name_is_bad_usage_of_pytest(beside_files: Path, capsys: Out) -> None:
    assert collected("--lengthgen-task", "shouting:Shot") == []
    assert "ERROR: --lengthgen-task: argument task: got 'shouting:Shot'" in capsys.readouterr().err


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, lengthgen_entry; assert not any(n.split('.')[0] in lengthgen_entry.PACKAGES for n in sys.modules)"
    )
    assert loaded_after(code) == []
