"""The help of every command ends with an example, which is good usage; those that are cheap run."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from proofs_check import commands
from proofs_check.commands.main import COMMANDS, main, parser_of

DOCS = Path(__file__).parents[2] / "docs"
CHEAP = ("decide", "coverage", "replay", "report", "catalogue", "verdicts", "doctor")


@cache
def parser(name: str) -> argparse.ArgumentParser:
    """The parser of a command."""
    (action,) = [action for action in parser_of(name)._actions if isinstance(action, argparse._SubParsersAction)]
    assert list(action.choices) == list(COMMANDS)
    found: argparse.ArgumentParser = action.choices[name]
    return found


def example(name: str) -> list[str]:
    """The arguments of a command's example."""
    text = parser(name).epilog or ""
    match = re.fullmatch(r"examples?: (lengthgen (?:.|\n)+)", text)
    assert match, f"{name}: {text!r}"
    program, *arguments = shlex.split(match[1])
    assert program == "lengthgen"
    assert arguments[0] == name
    return arguments


def test_every_command_has_a_module_of_its_own() -> None:
    folder = Path(commands.__file__).parent
    without_options = {"installation", "language_tables", "main", "output", "parser", "program"}
    assert {path.stem for path in folder.glob("[a-z]*.py")} - without_options == set(COMMANDS)


@pytest.mark.parametrize("name", ["task", "coverage"])
def test_only_the_command_that_is_asked_for_is_imported(name: str) -> None:
    code = f"""import sys
from proofs_check import commands
from proofs_check.commands.main import COMMANDS, parser_of
parser_of({name!r})
print(*(command for command in COMMANDS if f"proofs_check.commands.{{command}}" in sys.modules))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == ({"coverage", "decide"} if name == "coverage" else {name})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_is_good_usage_and_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    parsed = parser_of(name).parse_args(example(name))
    assert parsed.command == name
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "".join((parser(name).epilog or "").split()) in "".join(shown.split())
    assert all(action.help for action in parser(name)._actions), "an option without help"


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_is_at_most_80_columns_wide(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= min(columns, 80), name


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the documents, as the examples name them, and a report of one claim."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("images"))
    report = json.loads((DOCS / "full-report.json").read_text(encoding="utf-8"))
    report["claims"] = [claim for claim in report["claims"] if claim["id"] == "T12"]
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CHEAP)
def test_the_example_runs(name: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = example(name)
    before = set(checkout.iterdir())
    assert main(arguments) == 0
    written = {path.name for path in set(checkout.iterdir()) - before}
    expected = {argument for argument in arguments if re.fullmatch(r"[\w.-]+\.(json|html|xml)", argument)}
    assert written == expected - ({"report.json"} if name == "replay" else set())
    assert capsys.readouterr().out or name in ("report", "catalogue")


@pytest.mark.parametrize(
    ("word", "meant"), [("tsak", "task"), ("chek", "check"), ("verdict", "verdicts"), ("Figures", "figures")]
)
def test_a_misspelt_command_is_answered_with_the_closest(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word, "copy"]) == 3
    assert capsys.readouterr().err == f"lengthgen: {word!r} is no command. Did you mean {meant!r}?\n"
