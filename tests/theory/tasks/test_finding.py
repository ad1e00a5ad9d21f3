"""Tasks by their names: of the toolkit, of a family, wrapped, in a module of one's own; and the digests of their sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import own_tasks
from tests.processes import environment
from theory import InvalidArgument
from theory.errors import did_you_mean
from theory.tasks import FAMILIES, TASKS, VARIANTS, Copy, QueryCoupled, base, find_task
from theory.tasks.faults import sampled
from theory.tasks.finding import sources_of

OWN = "mytasks:RunningMaximum"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules of tasks."""
    own_tasks.put(tmp_path, monkeypatch)
    return tmp_path


def again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process."""
    own_tasks.forget(monkeypatch)


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", TASKS | VARIANTS)
def test_every_known_task_has_its_name(name: str) -> None:
    task = find_task(name)
    assert task is (TASKS | VARIANTS)[name]
    assert task.name == name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_every_number_up_to_the_largest(family: str) -> None:
    largest = FAMILIES[family][1]
    for number in (2, 5):
        assert find_task(family.replace("N", str(number))).name == family.replace("N", str(number))
    with pytest.raises(InvalidArgument, match=f"with N at most {largest}. Use a smaller number"):
        find_task(family.replace("N", str(largest + 1)))


def test_a_task_of_ones_own_may_be_wrapped(folder: Path) -> None:
    task = find_task(f"{OWN}, query-coupled")
    assert isinstance(task, QueryCoupled)
    assert task.name == "running maximum, query-coupled"
    assert task.solve((0, 2, 3)).ids == (1, 2, 1, 2, 3)
    with pytest.raises(InvalidArgument, match="a token-coupled task"):
        find_task("parity with scratchpad, query-coupled, query-coupled")


def test_a_class_a_function_a_method_and_a_task_are_found(folder: Path) -> None:
    for spec in (OWN, "broken:counted", "broken:factory.method", "broken:RunningMaximum"):
        assert find_task(spec).name == "running maximum"


def test_a_task_is_made_once_a_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for spec in ("broken:counted", "broken:factory.method"):
        before = len(sys.modules["broken"].made) if "broken" in sys.modules else 0
        first = find_task(spec)
        assert find_task(spec) is first
        assert sources_of(spec)
        assert len(sys.modules["broken"].made) == before + 1
    again(monkeypatch)
    assert find_task("broken:counted") is not first


def test_modules_are_looked_for_in_the_current_folder_first_and_it_is_put_there_once(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(sys.path)
    for spec in (OWN, "broken:counted"):
        find_task(spec)
    assert (sys.path[0], len(sys.path)) == (str(folder), before + 1)
    other = tmp_path_factory.mktemp("other")
    (other / "mytasks.py").write_text("from theory.tasks import Copy\nRunningMaximum = Copy(5)\n", encoding="utf-8")
    again(monkeypatch)
    assert find_task(OWN, "here", other) == Copy(5)
    assert sys.path[0] == str(other)


def test_a_current_folder_that_was_deleted_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("os.getcwd", gone)
    assert find_task("theory.tasks:Copy").name == "copy"
    with pytest.raises(InvalidArgument, match="there is no module mytasks"):
        find_task(OWN)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("copi", "copy"), ("COPY", "copy"), ("sortin", "sorting"), ("sparse parity k = 7", "sparse parity, k = 7"),
        ("sparse parity, k=7", "sparse parity, k = 7"), ("sum modul 5", "sum modulo 5"),
        ("sum modulo", "sum modulo 3"), ("sum mod 12", "sum modulo 12"),
        ("addition of 7 number", "addition of 7 numbers"), ("sparse parity, pairs", "sparse parity, paired"),
        ("copy, query coupled", "copy, query-coupled"), ("copi, query-coupled", "copy, query-coupled"),
        ("reverse query-coupled", "reverse, query-coupled"),
    ],
)  # fmt: skip
def test_a_near_miss_names_a_task(name: str, near: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^here: argument task: got .*; or module:object") as refused:
        find_task(name, "here")
    own = f" A task of your own is named in its module, such as {name}:MyTask." * name.isidentifier()
    assert refused.value.fix == f"Did you mean {near!r}?{own}"
    assert find_task(near).name == near


@pytest.mark.parametrize("name", [None, 3, ("copy",), TASKS["copy"]])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^here: argument task: got .*; expected the name of a task\. For instance"
    ):
        find_task(name, "here")  # type: ignore[arg-type]


def test_one_way_to_guess_what_was_meant() -> None:
    known = ["multiplication, plain", "multiplication, carried", "copy"]
    assert did_you_mean("plication", known) == "Did you mean 'multiplication, plain' or 'multiplication, carried'?"
    assert did_you_mean("rri", known) == "Did you mean 'multiplication, carried'?"
    assert did_you_mean("cop", known) == "Did you mean 'copy'?"
    assert did_you_mean("c", known) == did_you_mean("zebra", known) == "Use one of these names."
    assert did_you_mean("Cpoy", known, "") == "Did you mean 'copy'?"
    assert did_you_mean(3, known, "None.") == "None."


# ── What goes wrong in the code of a user ────────────────────────────────────────────────────────────────────────────


def test_a_module_that_does_not_import_shows_its_own_last_lines(folder: Path) -> None:
    calls = "".join(f"def f{i}():\n    f{i + 1}()\n" for i in range(5))
    (folder / "deep.py").write_text(f"{calls}def f5():\n    int('x')\nf0()\n", encoding="utf-8")
    with pytest.raises(
        InvalidArgument, match="the module deep, whose import raises ValueError: invalid literal"
    ) as refused:
        find_task("deep:Task", "here")
    first, *lines = str(refused.value).splitlines()
    assert first.endswith("expected a module that can be imported. Try: python -c 'import deep'.")
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("  File ")] == ["f3", "f4", "f5"]
    assert f'File "{folder / "deep.py"}", line 12, in f5' in lines[-3 if "^" in lines[-1] else -2]
    assert "importlib" not in str(refused.value)
    assert isinstance(refused.value.__cause__, ValueError)


def test_an_error_in_another_package_shows_the_line_of_the_user(folder: Path) -> None:
    (folder / "deep.py").write_text("import json\njson.loads('{')\n", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="whose import raises JSONDecodeError") as refused:
        find_task("deep:Task")
    assert [line for line in str(refused.value).splitlines() if "File" in line] == [
        f'  File "{folder / "deep.py"}", line 2, in <module>'
    ]


def test_a_module_that_is_no_python_shows_where(folder: Path) -> None:
    (folder / "deep.py").write_text("x = 1\nclass Task(:\n", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="whose import raises SyntaxError") as refused:
        find_task("deep:Task")
    assert f'  File "{folder / "deep.py"}", line 2\n    class Task(:\n' in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "words", "line"),
    [
        ("broken:raising", "which raises RuntimeError: no way; expected a task, or what makes one", "in deeper"),
        ("broken:odd", "which raises ValueError: an odd name; expected a task, or what makes one", "in __getattr__"),
    ],
)
def test_what_raises_where_a_task_is_made_shows_where(spec: str, words: str, line: str, folder: Path) -> None:
    with pytest.raises(InvalidArgument, match=words) as refused:
        find_task(spec)
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "broken:NoSolution",
            r"'running maximum', which raises KeyError: 4; expected .*\. Check them with lengthgen task\.",
        ),
        ("broken:NoInstance", "'running maximum', which makes the NoneType None; expected a task whose contracts hold"),
        ("broken:Negative", r"'running maximum', with the tokens \(-1, .*\) and an alphabet of 4; expected"),
        ("broken:OddToken", r"'running maximum', with the tokens \(.*\) and an alphabet of 3; expected"),
    ],
)
def test_a_task_that_makes_no_instance_is_said_as_such(spec: str, words: str, folder: Path) -> None:
    with pytest.raises(InvalidArgument, match=f"^here: argument task: got {words}"):
        sampled(find_task(spec), 3, np.random.default_rng(0), "here")


def test_errors_that_say_nothing_of_a_task_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own, those of arguments, and those of the machine."""
    rng = np.random.default_rng(0)
    for error, file in (
        (KeyError("ours"), base.__file__),
        (MemoryError(), "mine.py"),
        (KeyboardInterrupt(), "mine.py"),
    ):
        code: dict[str, Any] = {"error": error}
        exec(compile("def draw(self, length, rng):\n    raise error\n", file, "exec"), code)
        with monkeypatch.context() as patch:
            patch.setattr(Copy, "draw", code["draw"])
            with pytest.raises(type(error)):
                sampled(TASKS["copy"], 3, rng, "here")
    with pytest.raises(InvalidArgument, match=r"^Copy\.sample: argument length: got 0"):
        sampled(TASKS["copy"], 0, rng, "here")


def test_what_an_instance_says_of_its_parts_needs_no_other_words(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"^Instance: argument ids: got 2 ids for 7 tokens"):
        sampled(find_task("broken:FewIDs"), 3, np.random.default_rng(0), "here")


# ── Sources ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tasks_of_the_toolkit_have_no_source_of_their_own() -> None:
    assert sources_of(*TASKS, "sum modulo 5", "theory.tasks:Copy", "copy, query-coupled") == {}


def test_a_source_is_named_as_the_task_is(folder: Path) -> None:
    found = sources_of(OWN, "copy", f"{OWN}, query-coupled")
    assert list(found) == [OWN, f"{OWN}, query-coupled"]
    assert len(set(found.values())) == 1


@pytest.mark.parametrize("file", ["helped.py", "helper.py", "tool.py"])
def test_a_change_of_the_module_or_of_one_that_it_uses_is_seen(
    file: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sources_of("helped:Helped")
    again(monkeypatch)
    assert sources_of("helped:Helped") == before
    (folder / file).write_text((folder / file).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert sources_of("helped:Helped") == before  # what runs is what was loaded
    again(monkeypatch)
    assert sources_of("helped:Helped") != before


def test_a_change_beside_the_module_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sources_of("helped:Helped")
    (folder / "broken.py").write_text("", encoding="utf-8")
    again(monkeypatch)
    assert sources_of("helped:Helped") == before


def test_a_package_that_passes_a_task_on_has_the_source_of_where_it_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mypackage").mkdir()
    (folder / "mypackage" / "__init__.py").write_text("from mypackage.inner import Inner\n", encoding="utf-8")
    digests = []
    for text in ("from theory.tasks import Copy as Inner\n", "from theory.tasks import Copy as Inner  # changed\n"):
        (folder / "mypackage" / "inner.py").write_text(text, encoding="utf-8")
        for name in ("mypackage", "mypackage.inner"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        digests.append(sources_of("mypackage:inner.Inner")["mypackage:inner.Inner"])
    assert digests[0] != digests[1]


def test_of_what_is_installed_the_package_itself_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.tasks.finding.is_users", lambda file: False)
    before = sources_of("helped:Helped")
    for file in ("helper.py", "helped.py"):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        again(monkeypatch)
        assert (sources_of("helped:Helped") == before) == (file == "helper.py")


def test_a_source_is_the_same_in_another_process(folder: Path) -> None:
    find_task("broken:counted")  # what else is loaded does not count
    code = f"from theory.tasks.finding import sources_of; print(sources_of({OWN!r})[{OWN!r}])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sources_of(OWN)[OWN]


@pytest.mark.parametrize("name", ["sum modulo 05", "sum modulo 0", "sum modulo \u0663"])
def test_a_number_in_a_name_is_written_in_one_way(name: str) -> None:
    with pytest.raises(InvalidArgument, match="expected one of "):
        find_task(name)
