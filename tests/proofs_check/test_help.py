"""The help of every command ends with an example, which is good usage; those that are cheap run."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
from functools import cache
from pathlib import Path

import pytest

from proofs_check.commands import cli

DOCS = Path(__file__).parents[2] / "docs"
CHEAP = ("decide", "coverage", "replay", "report", "catalogue", "verdicts", "doctor")


@cache
def commands() -> dict[str, argparse.ArgumentParser]:
    """Every subcommand with its parser."""
    (action,) = [action for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction)]
    found: dict[str, argparse.ArgumentParser] = action.choices
    return found


def example(name: str) -> list[str]:
    """The arguments of a command's example."""
    text = commands()[name].epilog or ""
    match = re.fullmatch(r"examples?: (lengthgen (?:.|\n)+)", text)
    assert match, f"{name}: {text!r}"
    program, *arguments = shlex.split(match[1])
    assert program == "lengthgen"
    assert arguments[0] == name
    return arguments


def test_every_command_is_known_to_the_default() -> None:
    assert set(commands()) == set(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_example_is_good_usage_and_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    parsed = cli._parser().parse_args(example(name))
    assert parsed.command == name
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "".join((commands()[name].epilog or "").split()) in "".join(shown.split())
    assert all(action.help for action in commands()[name]._actions), "an option without help"


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
    assert cli.main(arguments) == 0
    written = {path.name for path in set(checkout.iterdir()) - before}
    expected = {argument for argument in arguments if re.fullmatch(r"[\w.-]+\.(json|html|xml)", argument)}
    assert written == expected - ({"report.json"} if name == "replay" else set())
    assert capsys.readouterr().out or name in ("report", "catalogue")
