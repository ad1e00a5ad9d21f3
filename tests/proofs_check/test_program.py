"""Commands as programs: streams that are closed, full or read no more, what goes wrong, and how it is said."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import Results
from idealized_model.transformer.runs import run_in
from idealized_model.transformer.training import TrainConfig
from proofs_check.__main__ import figures
from proofs_check.claims import t1
from proofs_check.commands import check
from proofs_check.commands.main import COMMANDS, main
from proofs_check.commands.parser import Parser
from proofs_check.commands.program import BAD_USAGE, FAILED, HOLDS, INCONCLUSIVE, REFUTED, Ended, _Guarded, answered
from proofs_check.problem_files import write_json
from proofs_check.verdicts.deciding import SCHEMES
from tests.processes import LENGTHGEN, environment, finished, launched
from tests.proofs_check.toys import CLAIM, toy
from theory.errors import InvalidArgument, NotWritten, unwritable

Out = pytest.CaptureFixture[str]

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

PROGRAM = "import os, sys\nfrom proofs_check.commands import program\n{}\nsys.exit(program.run(command))"
"""A program whose command is made up; only the standard library is loaded, so it is quick."""


def shelled(command: list[Any], redirections: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A program with redirected streams; of the others it says what was written."""
    script = ["sh", "-c", f'exec "$@" {redirections}', "sh", *map(str, command)]
    return subprocess.run(
        launched(["/usr/bin/env", *script]), capture_output=True, env=environment(), text=True, encoding="utf-8", timeout=60,
        check=False, **options,
    )  # fmt: skip


def program(body: str, redirections: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """A program that is made up: the body defines `command`."""
    return shelled([sys.executable, "-c", PROGRAM.format(body)], redirections, **options)


TALKATIVE = """
def command():
    print("an answer")
    print("a message", file=sys.stderr)
    return 1
"""


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("redirections", "status", "out", "err"),
    [
        ("", REFUTED, "an answer\n", "a message\n"),
        ("<&-", REFUTED, "an answer\n", "a message\n"),
        ("2>&-", REFUTED, "an answer\n", ""),
        (">&-", FAILED, "", "a message\nlengthgen: standard output cannot be written: Bad file descriptor\n"),
        ("1</dev/null", FAILED, "", "a message\nlengthgen: standard output cannot be written: Bad file descriptor\n"),
        (">&- 2>&-", FAILED, "", ""),
        ("<&- >&- 2>&-", FAILED, "", ""),
        pytest.param("2>/dev/full", REFUTED, "an answer\n", "", marks=full),
        pytest.param(
            ">/dev/full", FAILED, "", "a message\nlengthgen: standard output cannot be written: No space left on device\n",
            marks=full,
        ),
        pytest.param(">/dev/full 2>/dev/full", FAILED, "", "", marks=full),
        pytest.param(">/dev/full 2>&-", FAILED, "", "", marks=full),
    ],
)  # fmt: skip
def test_closed_and_full_streams(redirections: str, status: int, out: str, err: str) -> None:
    """What is lost of the answer is status 4, what is lost of the messages is nothing."""
    done = program(TALKATIVE, redirections)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


@full
def test_what_is_printed_in_pieces_is_one_loss() -> None:
    done = program(
        "def command():\n    for _ in range(9):\n        print('x' * 9999, flush=True)\n    return 0", ">/dev/full"
    )
    assert done.returncode == FAILED
    assert done.stderr == "lengthgen: standard output cannot be written: No space left on device\n"


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Else the next file that is opened would be standard output, of this process and of those that it starts."""
    body = (
        "import subprocess\ndef command():\n    file = open('found', 'w')\n    print('an answer', flush=True)\n"
        "    os.system('echo an answer; echo an answer >&2')\n    file.write('found')\n    return file.fileno()\n"
    )
    done = program(body, "<&- >&- 2>&-", cwd=tmp_path)
    assert done.returncode == FAILED
    assert (tmp_path / "found").read_text() == "found"


def test_nor_do_the_files_of_the_programs_that_it_starts() -> None:
    """Workers among them."""
    code = "import os; os._exit(os.open(os.devnull, os.O_RDONLY))"
    body = f"import subprocess\ndef command():\n    return 100 + subprocess.call([sys.executable, '-c', {code!r}])"
    assert program(body, "2>&-").returncode >= 103


def test_a_message_is_written_at_once() -> None:
    done = program("def command():\n    print('a message', file=sys.stderr)\n    os._exit(7)")
    assert (done.returncode, done.stderr) == (7, "a message\n")


def test_nothing_is_written_after_what_was_lost() -> None:
    class Once(io.BytesIO):
        """A device that fails once."""

        failed = False

        def write(self, data: Any) -> int:
            if not self.failed:
                self.failed = True
                raise OSError(5, "Input/output error")
            return super().write(data)

    device = Once()
    stream = _Guarded(device)
    assert [stream.write(b"first"), stream.write(memoryview(b"second"))] == [5, 6]
    assert device.getvalue() == b""
    assert stream.error is not None
    assert stream.error.errno == 5


def test_a_reader_that_goes_away_keeps_the_status_also_amid_a_table() -> None:
    body = "def command():\n    for _ in range(999):\n        print('x' * 999)\n    sys.stderr.write('the end')\n    return 1"
    command = launched([sys.executable, "-c", PROGRAM.format(body)])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "x" * 999 + "\n"
        running.stdout.close()
        assert running.stderr.read() == "the end"
    assert running.returncode == REFUTED


def test_a_reader_that_is_slow_gets_all() -> None:
    """A pipe that does not block is full now and then, which is no error."""
    body = "os.set_blocking(1, False)\ndef command():\n    print('x' * 999_999)\n    return 0"
    done = program(body, "| (sleep 0.2; cat)")
    assert (len(done.stdout), done.stderr) == (10**6, "")


def test_what_a_terminal_lacks_is_a_question_mark() -> None:
    code = PROGRAM.format("def command():\n    print('κ = 1')\n    print('κ', file=sys.stderr)\n    return 0")
    done = finished([sys.executable, "-c", code], PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (HOLDS, "? = 1\n", "\\u03ba\n")


def test_a_warning_is_a_line() -> None:
    done = program("import warnings\ndef command():\n    warnings.warn('beware', stacklevel=1)\n    return 0")
    assert (done.returncode, done.stderr) == (HOLDS, "lengthgen: beware\n")


CLOSED = "lengthgen: standard output cannot be written: the command closed it\n"


@pytest.mark.parametrize(
    ("does", "out", "err"),
    [
        ("sys.stdout.close()", "before\n", CLOSED),
        ("sys.stdout = None", "before\n", CLOSED),
        (
            "sys.stdout.close(); print('after')", "before\n",
            "lengthgen: ValueError: I/O operation on closed file., which is a bug (--debug shows where)\n",
        ),
        ("sys.stdout = None; print('after')", "before\n", CLOSED),
        ("sys.stdout.close(); sys.stderr.close()", "before\n", ""),
        ("sys.stderr.close(); 1 / 0", "before\n", ""),
        ("sys.stderr = None; 1 / 0", "before\n", ""),
    ],
)  # fmt: skip
def test_a_command_whose_own_code_closes_its_streams_exits_4(does: str, out: str, err: str) -> None:
    """As code of a task may do."""
    done = program(f"def command():\n    print('before')\n    {does}\n    return 1")
    assert (done.returncode, done.stdout, done.stderr) == (FAILED, out, err)


def test_a_traceback_that_nobody_is_shown_is_dropped(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, None):
        monkeypatch.setattr(sys, "stderr", stream)
        assert answered(raising(KeyError("k")), debug=True) == FAILED
    assert capsys.readouterr().out == ""


@full
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["coverage", "--help"], ["task", "copy", "--lengths", "1"]]
)
def test_commands_whose_answer_is_lost_exit_4(arguments: list[str]) -> None:
    done = shelled([*LENGTHGEN, *arguments], ">/dev/full")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert done.stderr == "lengthgen: standard output cannot be written: No space left on device\n"


def test_without_standard_error_the_answer_is_said_and_the_progress_is_not() -> None:
    done = shelled([*LENGTHGEN, "verdicts", "--task", "copy", "--scheme", "none", "--jobs", "1"], "2>&-")
    assert (done.returncode, done.stderr) == (HOLDS, "")
    assert "copy" in done.stdout


@full
def test_bad_usage_that_nobody_is_told_exits_3() -> None:
    assert shelled([*LENGTHGEN, "decide"], "2>/dev/full").returncode == BAD_USAGE


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def deep() -> int:
    return deep() + 1


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


FIVE: dict[str, str] = {"where": "f", "argument": "x", "got": "this", "expected": "that", "fix": "Mend it."}

WRONG: list[tuple[Callable[[], int], int, str]] = [
    (raising(KeyboardInterrupt()), INCONCLUSIVE, "interrupted"),
    (raising(InvalidArgument(**FIVE)), BAD_USAGE, "f: argument x: got this; expected that. Mend it."),
    (raising(NotWritten(**FIVE)), FAILED, "f: argument x: got this; expected that. Mend it."),
    (raising(MemoryError()), FAILED, "out of memory. Ask for a smaller instance, or for fewer processes."),
    (raising(BrokenProcessPool("died")), FAILED, "a worker was killed (was there memory for it?)"),
    (
        raising(ModuleNotFoundError("No module named 'rich'")), FAILED,
        "No module named 'rich'. See what is missing: python -m proofs_check.commands.doctor",
    ),
    (
        raising(OSError(28, "No space left on device", "/tmp/x")), FAILED,
        "OSError: [Errno 28] No space left on device: '/tmp/x' (--debug shows where)",
    ),
    (raising(SystemExit(1)), FAILED, "SystemExit: 1, which is a bug (--debug shows where)"),
    (raising(GeneratorExit()), FAILED, "GeneratorExit:, which is a bug (--debug shows where)"),
    (raising(KeyError("k")), FAILED, "KeyError: 'k', which is a bug (--debug shows where)"),
    (raising(ValueError("two\nlines")), FAILED, "ValueError: two lines, which is a bug (--debug shows where)"),
    (raising(RecursionError("too deep")), FAILED, "RecursionError: too deep, which is a bug (--debug shows where)"),
]  # fmt: skip


@pytest.mark.parametrize(("work", "status", "line"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_goes_wrong_is_one_line_and_a_traceback_when_debugging(
    work: Callable[[], int], status: int, line: str, capsys: Out
) -> None:
    assert answered(work) == status
    assert capsys.readouterr() == ("", f"lengthgen: {line}\n")
    assert answered(work, name="figures", debug=True) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == f"figures: {line}"
    assert ("Traceback" in err) == (status != INCONCLUSIVE)


def test_what_is_done_is_its_status(capsys: Out) -> None:
    assert answered(lambda: 7, debug=True) == 7
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bug_in_any_command_exits_4(command: str, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("figures.cli._figures", lambda arguments: deep())
    monkeypatch.setattr(f"proofs_check.commands.{command}.run", lambda options: deep())
    needed = {"train": ["copy"], "sweep": ["grid", "--results", "r"], "compare": ["r"], "task": ["copy"]}
    needed |= {"advise": ["copy"], "export": ["copy", "--lengths", "2", "--size", "1", "--output", "o"]}
    needed |= {"certify": ["run", "--lengths", "2"], "explore": ["--output", "o"]}
    needed |= {name: ["file"] for name in ("decide", "coverage", "replay", "report", "catalogue")}
    for before, after in (([], []), (["--debug"], []), ([], ["--debug"])):
        assert main([*before, command, *needed.get(command, []), *after], figures=figures) == FAILED
        out, err = capsys.readouterr()
        assert out == ""
        assert ("Traceback" in err) == bool(before or after)
        name = "figures" if command == "figures" else "lengthgen"
        assert err.splitlines()[-1].startswith(f"{name}: RecursionError: maximum recursion depth exceeded")


@pytest.mark.parametrize("arguments", [["--debug"], ["--debug", "--claim", "T99"], ["--claim", "T99", "--debug"]])
def test_debug_needs_no_command(arguments: list[str], capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    if arguments == ["--debug"]:
        monkeypatch.setattr(check, "run", raising(InvalidArgument(**FIVE)))
    assert main(arguments) in (BAD_USAGE, FAILED)
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--deb"],
        ["check", "--deb"],
        ["task", "copy", "--debu"],
        ["decide", "x.json", "--jso", "y"],
        ["figures", "--deb"],
    ],
)
def test_options_have_their_full_names(arguments: list[str], capsys: Out) -> None:
    assert Parser().allow_abbrev is False
    with pytest.raises(Ended) as ended:
        main(arguments, figures=figures)
    assert ended.value.status == BAD_USAGE
    assert "unrecognized arguments: --" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--debug", "dependencies"], ["dependencies", "--debug"]])
def test_debug_reaches_both_programs_of_figures(arguments: list[str], capsys: Out) -> None:
    from figures.cli import main as draw

    assert draw([*arguments, "--task", "no such task", "--length", "3", "--out", "x.png"]) == BAD_USAGE
    assert "Traceback" in capsys.readouterr().err
    assert draw(["no-such-figure"]) == BAD_USAGE
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["dependencies", "--task", "copy", "--length", "2", "--out", "x.svg"],
        ["certificates", "--format", "svg", "--out", "drawn"],
    ],
)
def test_a_figure_that_finds_no_room_exits_4(
    arguments: list[str], capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from figures.cli import main as draw

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", no_room)
    assert draw(arguments) == FAILED
    assert re.fullmatch(
        r"figures: \S+: argument --out: got '.*': No space left on device; .*\n", capsys.readouterr().err
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_says_what_4_means_and_has_debug(command: str, capsys: Out) -> None:
    with pytest.raises(SystemExit):
        main([*filter(None, [command]), "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "2 interrupted, 3 bad usage, 4 it could not be done" in text
    assert "--debug" in text
    assert ("exit status: 0 " in text) == bool(command)
    assert ("1 " in text.partition("exit status: ")[2][:60]) == (
        command in ("audit", "certify", "check", "proofs", "replay", "task")
    )


def test_the_help_of_figures_says_where_its_options_are(capsys: Out) -> None:
    with pytest.raises(SystemExit):
        main(["figures", "--help"], figures=figures)
    assert "The same as python -m figures, whose --help names the options." in " ".join(capsys.readouterr().out.split())


EARLY = """
class Fails:
    def find_spec(self, name, path=None, target=None):
        if name == "proofs_check.commands.main":
            raise {}
sys.meta_path.insert(0, Fails())
sys.argv = ["lengthgen"]
from proofs_check.__main__ import _command as command
"""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        ("KeyboardInterrupt", INCONCLUSIVE, "interrupted"),
        ("MemoryError", FAILED, "out of memory. Ask for a smaller instance, or for fewer processes."),
        ("ImportError('no BLAS')", FAILED, "no BLAS. See what is missing: python -m proofs_check.commands.doctor"),
    ],
)
def test_what_goes_wrong_at_the_start_is_one_line(error: str, status: int, line: str) -> None:
    done = program(EARLY.format(error))
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"lengthgen: {line}\n")


# ── Files that cannot be written ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(28, "No space left on device"), NotWritten), (OSError(5, "Input/output error"), NotWritten),
        (OSError(122, "Disk quota exceeded"), NotWritten), (BrokenPipeError(32, "Broken pipe"), NotWritten),
        (FileNotFoundError(2, "No such file or directory"), InvalidArgument),
        (IsADirectoryError(21, "Is a directory"), InvalidArgument), (OSError(30, "Read-only"), InvalidArgument),
        (UnicodeEncodeError("ascii", "κ", 0, 1, "no"), InvalidArgument),
    ],
)  # fmt: skip
def test_a_full_disk_is_no_fault_of_the_path(error: OSError | UnicodeError, kind: type[InvalidArgument]) -> None:
    assert unwritable(error) is kind


def no_room(*arguments: object, **options: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_a_full_disk_refuses_is_said_by_every_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig("copy", longest=2, n_ids=8, steps=1, batch=1, width=8, layers=1, heads=1)
    with Results(tmp_path / "results.jsonl") as results:
        monkeypatch.setattr(os, "fsync", no_room)
        with pytest.raises(NotWritten, match="No space left on device"):
            results.append({"schema": 1, "digest": "0", "code": "1"})
    assert (tmp_path / "results.jsonl").read_bytes() == b""
    with pytest.raises(NotWritten, match="No space left on device"):  # the checkpoint
        run_in(tmp_path / "run", config)
    monkeypatch.setattr(Path, "write_text", no_room)
    with pytest.raises(NotWritten, match="No space left on device"):  # the configuration
        run_in(tmp_path / "other", config)
    with pytest.raises(NotWritten, match="No space left on device"):
        write_json(tmp_path / "x.json", {}, "check --json")


@full
def test_a_report_that_finds_no_room_costs_the_others_nothing(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(t1, "claim", toy(bound=4))
    monkeypatch.chdir(tmp_path)
    command = ["check", "--claim", CLAIM, "--jobs", "1"]
    assert main([*command, "--json", "/dev/full", "--html", "/dev/full", "--junit", "r.xml"]) == FAILED
    out, err = capsys.readouterr()
    assert f"{CLAIM} is refuted." in out.splitlines()
    assert err.splitlines()[-1].startswith("lengthgen: check --json: argument path: got '/dev/full': No space left on")
    assert len(err.splitlines()) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.xml", "witness-T1-1.json", "witness-T1-2.json"]
    assert "T1: witness in witness-T1-2.json" in out


def test_a_witness_that_finds_no_room_is_not_said_to_be_there(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(t1, "claim", toy(bound=4))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", no_room)
    assert main(["check", "--claim", CLAIM, "--jobs", "1"]) == FAILED
    assert "witness in" not in capsys.readouterr().out


# ── What was finished before ─────────────────────────────────────────────────────────────────────────────────────────


def out_of_memory(*arguments: object) -> Any:
    raise MemoryError


def test_a_check_that_fails_leaves_a_report_of_what_was_finished(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    claim = toy()
    claim.family("too large")(out_of_memory)
    monkeypatch.setattr(t1, "claim", claim)
    assert main(["check", "--claim", CLAIM, "--jobs", "1", "--json", str(tmp_path / "report.json")]) == FAILED
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].endswith("interrupted: the report holds what was covered.")
    assert err.splitlines()[-1] == "lengthgen: out of memory. Ask for a smaller instance, or for fewer processes."
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"] is True
    kinds = {item["scope"].partition(":")[0]: item["kind"] for item in report["claims"][0]["evidence"]}
    assert kinds["lengths in a row [quick]"] == "exhausted"
    assert kinds["too large"] == "inconclusive"


def test_verdicts_that_fail_are_printed_as_far_as_they_are(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from proofs_check.verdicts import table as verdicts

    verdict = verdicts.verdict

    def second_fails(subject: Any, scheme: Any, **options: Any) -> Any:
        return verdict(subject, scheme, **options) if scheme == "none" else deep()

    monkeypatch.setattr(verdicts, "verdict", second_fails)
    assert {"none", "coupled"} <= set(SCHEMES)
    command = ["verdicts", "--task", "copy", "--scheme", "none", "--scheme", "coupled", "--jobs", "1"]
    assert main([*command, "--json", str(tmp_path / "v.json")]) == FAILED
    out, err = capsys.readouterr()
    assert "copy" in out
    assert err.splitlines()[-1].startswith("lengthgen: RecursionError: maximum recursion depth exceeded")
    data = json.loads((tmp_path / "v.json").read_text())
    assert (data["interrupted"], [cell["scheme"] for cell in data["cells"]]) == (True, ["none"])
