"""The command line: exit statuses, messages, files, interrupts and pipes."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any, NoReturn

import pytest

from proofs_check.claims import find, t1
from proofs_check.claims.finding import IDS
from proofs_check.commands import coverage, decide, output
from proofs_check.commands.main import main
from proofs_check.commands.parser import interval, lengths
from proofs_check.problem_files import problem_from_dict, problem_to_dict, read_problem
from proofs_check.report import NEEDLESS, SURVIVES
from proofs_check.verdicts.table import from_data, to_data
from tests.processes import LENGTHGEN, MARK, all_end, environment, finished, in_proc, new_mark, started
from tests.proofs_check.toys import CLAIM, problem, toy
from theory import Factor, PlantedLaw, claims, cones, kept_sets, retention_factor
from theory.exact import readable
from theory.guarantees import guarantees

PARITY: dict[str, Any] = {
    "heads": {"arity": 2},
    "ensemble": {
        "vocabulary": 3,
        "background": [1, 0, 0],
        "support": {"kind": "uniform"},
        "planted": [
            {"word": [a, b], "probability": "1/4", "label": (a + b) % 2} for a in (1, 2) for b in (1, 2)
        ],
    },
    "train": [{"length": 4}],
    "test": [{"length": 7}],
}  # fmt: skip

ROOT = Path(__file__).parents[2]
Out = pytest.CaptureFixture[str]


def shell(*arguments: str | Path, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a program."""
    return finished([*LENGTHGEN, *arguments], folder=folder, **changes)


def status_of(*arguments: str | Path) -> int:
    """The exit status, also where argparse ends the program."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.fixture
def parity(tmp_path: Path) -> Path:
    """A problem file."""
    file = tmp_path / "parity.json"
    file.write_text(json.dumps(PARITY), encoding="utf-8")
    return file


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run `check` on a toy claim in an empty folder."""

    def checked(*arguments: str, **toys: Any) -> int:
        monkeypatch.setattr(t1, "claim", toy(**toys))
        monkeypatch.chdir(tmp_path)
        return main(["check", "--claim", CLAIM, "--jobs", "1", *arguments])

    return checked


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    """A report without its times."""
    return {
        **report,
        "seconds": 0,
        "claims": [
            {**claim, "evidence": [{**item, "seconds": 0} for item in claim["evidence"]]} for claim in report["claims"]
        ],
    }


# ── check: exit status and verdict ───────────────────────────────────────────────────────────────────────────────────


def test_a_claim_that_holds_exits_0(check: Callable[..., int], capsys: Out, tmp_path: Path) -> None:
    assert check() == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[-1].startswith(
        f"{CLAIM} holds: 41 cases (41 decisive), 2 mutants refuted, 1 hypothesis shown necessary, "
    )
    assert [line for line in lines if "lengths in a row [quick]: 5 problems" in line]
    assert err.splitlines()[0] == "[1/9] T1 exhaustive: lengths in a row"
    assert len(err.splitlines()) == 9
    assert list(tmp_path.glob("witness*")) == []


def test_a_refuted_claim_exits_1_and_writes_witnesses_that_replay(
    check: Callable[..., int], capsys: Out, tmp_path: Path
) -> None:
    assert check("--json", "report.json", bound=4) == 1
    out = capsys.readouterr().out
    assert f"{CLAIM} is refuted." in out.splitlines()
    files = sorted(tmp_path.glob("witness-*.json"))
    assert [file.name for file in files] == ["witness-T1-1.json", "witness-T1-2.json"]  # exhausted and sampled
    for file in files:
        assert f"T1: witness in {file.name}; reproduce it with: lengthgen replay {file.name}" in out
        assert json.loads(file.read_text())["facts"] == {"length": 4, "bound": "4"}
        assert main(["replay", str(file)]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "reproduced      T1, stated: length 4, bound 4",
            "1 of 1 reproduced",
        ]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["claims"][0]["holds"] is False
    assert main(["replay", str(tmp_path / "report.json")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 of 5 reproduced"


def test_witnesses_go_where_they_are_wanted(check: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    assert check("--witnesses", "found", bound=4) == 1
    assert len(list((tmp_path / "found").iterdir())) == 2
    assert list(tmp_path.glob("witness-*")) == []


def test_a_measurement_that_refutes_exits_1(check: Callable[..., int], capsys: Out, tmp_path: Path) -> None:
    assert check(measured_bound=3) == 1
    (file,) = tmp_path.glob("witness-*.json")
    capsys.readouterr()
    assert main(["replay", str(file)]) == 0
    assert capsys.readouterr().out.startswith("reproduced      T1, measured: ten lengths: drawn ")


def test_a_mutant_that_survives_exits_1_and_is_named(check: Callable[..., int], capsys: Out) -> None:
    assert check(mutants={"below 3": 3, "below 99": 99}) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"mutants of {CLAIM} survive: below 99 ({SURVIVES})."
    assert "1 of 2 refuted" in out


def test_a_hypothesis_without_a_witness_exits_2_and_is_named(check: Callable[..., int], capsys: Out) -> None:
    assert check(without=lambda: iter([problem(2)])) == 2
    assert capsys.readouterr().out.splitlines()[-1] == f"no witness that {CLAIM} needs: short ({NEEDLESS})."


def fail() -> int:
    raise AssertionError("step 2 is wrong")


def test_a_proof_that_fails_exits_2(check: Callable[..., int], capsys: Out) -> None:
    assert check(proof=fail) == 2
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"{CLAIM} is inconclusive."
    assert "the proof does not go through: step 2 is wrong" in out


def test_nothing_under_the_hypotheses_exits_2(check: Callable[..., int], capsys: Out) -> None:
    assert check(nonvacuous=lambda of: False) == 2
    assert capsys.readouterr().out.splitlines()[-1] == f"{CLAIM} is inconclusive."


def test_mutants_are_shown_on_request(check: Callable[..., int], capsys: Out) -> None:
    assert check() == 0
    assert "below 3: length 3" not in capsys.readouterr().out
    assert check("--mutants") == 0
    out = capsys.readouterr().out
    assert "below 3: length 3, bound 3" in out
    assert "without short: length 12, bound 10" in out


def test_the_profile_and_the_seed_are_obeyed(check: Callable[..., int], tmp_path: Path) -> None:
    reports = []
    for arguments in ((), (), ("--seed", "1"), ("--profile", "full")):
        assert check("--json", "report.json", *arguments) == 0
        reports.append(timeless(json.loads((tmp_path / "report.json").read_text())))
    first, again, seeded, full = reports
    assert first == again
    assert (first["seed"], seeded["seed"], first["profile"], full["profile"]) == (0, 1, "quick", "full")
    assert first["claims"] != seeded["claims"]
    scopes = [report["claims"][0]["evidence"][0]["scope"] for report in (first, seeded, full)]
    assert scopes[0] == scopes[1] == "lengths in a row [quick]: 5 problems, 5 of them under the hypotheses"
    assert scopes[2] == "lengths in a row [full]: 8 problems, 8 of them under the hypotheses"


def test_claims_may_be_repeated_and_come_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(t1, "claim", toy())
    monkeypatch.chdir(tmp_path)
    once = ["--claim", "T12", "--claim", CLAIM, "--claim", "T12"]
    monkeypatch.setattr("proofs_check.claims.t12.claim", toy(claim_id="T12"))  # a claim that is quick
    assert main([*once, "--jobs", "1", "--json", "report.json"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert [claim["id"] for claim in report["claims"]] == [CLAIM, "T12"]
    assert [len(claim["evidence"]) for claim in report["claims"]] == [6, 6]


# ── check on real claims, as a program ───────────────────────────────────────────────────────────────────────────────

CHEAP = "T12"
"""A claim whose quick profile takes a second or two."""


@pytest.mark.slow
def test_the_report_is_the_same_for_one_and_for_two_workers(tmp_path: Path) -> None:
    reports = []
    for jobs in ("1", "2"):
        done = shell("check", "--claim", CHEAP, "--jobs", jobs, "--json", f"{jobs}.json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert done.stdout.splitlines()[-1].startswith(f"{CHEAP} holds: ")
        reports.append(json.loads((tmp_path / f"{jobs}.json").read_text(encoding="utf-8")))
    assert timeless(reports[0]) == timeless(reports[1])
    report = reports[0]
    (claim,) = report["claims"]
    plan = find(CHEAP)
    assert (report["schema"], report["seed"], report["profile"], report["interrupted"]) == (1, 0, "quick", False)
    assert set(report["packages"]) >= {"numpy", "scipy", "sympy"}
    assert (claim["id"], claim["title"], claim["statement"], claim["holds"]) == (
        CHEAP, claims.get(CHEAP).title, claims.get(CHEAP).statement, True,
    )  # fmt: skip
    assert {item["kind"] for item in claim["evidence"]} == {"proved", "exhausted", "supported"}
    for item in claim["evidence"]:
        assert set(item) == {"kind", "engine", "scope", "instances", "decisive", "seconds", "witness", "noticed"}
        assert isinstance(item["instances"], int)
        assert item["instances"] > 0
        assert isinstance(item["seconds"], float)
        assert item["witness"] is None
    assert claim["mutants"]["refuted"] == claim["mutants"]["total"] == len(plan.mutants)
    assert claim["mutants"]["survivors"] == []
    assert [entry["hypothesis"] for entry in claim["necessity"]] == list(plan.necessity)
    replayed = shell("replay", "1.json", folder=tmp_path)
    assert replayed.returncode == 0
    n_witnesses = len(plan.mutants) + len(plan.necessity)
    assert replayed.stdout.splitlines()[-1] == f"{n_witnesses} of {n_witnesses} reproduced"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.json", "2.json"]  # nothing is left behind


@pytest.mark.slow  # two runs of about ten seconds
def test_a_long_claim_reports_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    reports = []
    for jobs in ("1", "3"):
        done = shell("check", "--claim", "T7", "--seed", "5", "--jobs", jobs, "--json", "out.json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        reports.append(timeless(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))))
    assert reports[0] == reports[1]


@in_proc
@pytest.mark.parametrize(
    ("jobs", "to"),
    [
        ("1", "the process"),
        ("2", "the group"),
        pytest.param("1", "the group", marks=pytest.mark.slow),
        pytest.param("2", "the process", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_leaves_a_partial_report_and_no_process(jobs: str, to: str, tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to the whole group; `kill` sends it to one process."""
    command = [*LENGTHGEN, "check", "--claim", "T12", "--claim", "T7", "--jobs", jobs, "--json", "report.json"]
    command += ["--profile", "full"]  # minutes, if the workers went on
    mark = new_mark()
    with started(command, cwd=tmp_path, env=environment(**{MARK: mark}), start_new_session=True) as running:
        assert running.stderr is not None
        first = running.stderr.readline()
        assert first.startswith("[1/")
        (os.kill if to == "the process" else os.killpg)(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "Traceback" not in out + err
    assert out.splitlines()[-1].endswith("interrupted: the report holds what was covered.")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["interrupted"] is True
    assert [claim["id"] for claim in report["claims"]] == ["T7", "T12"]
    assert all(claim["holds"] is None for claim in report["claims"])
    kinds = [item["kind"] for claim in report["claims"] for item in claim["evidence"]]
    assert "exhausted" in kinds  # what was finished is kept
    assert "inconclusive" in kinds
    assert all_end(mark)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["check", "--claim", CHEAP, "--jobs", "1", "--json", "report.json"], marks=pytest.mark.slow),
        ["decide"],
    ],
)
def test_a_reader_that_goes_away_costs_nothing(command: list[str], parity: Path, tmp_path: Path) -> None:
    """As in `lengthgen check | head -1`: the work is done, the report written, and the exit status is that of the run."""
    if command[0] == "decide":
        command = ["decide", str(parity), "--json", "report.json"]
    with started([*LENGTHGEN, *command], cwd=tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 0
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert "standard output" not in err
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_output_on_a_stream_without_greek_letters_is_no_crash(parity: Path, tmp_path: Path) -> None:
    done = shell("coverage", parity, folder=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("kappa   = 10 ")


# ── Bad usage ────────────────────────────────────────────────────────────────────────────────────────────────────────

USAGE: list[tuple[list[str], str]] = [
    (
        ["--claim", "T99"],
        f"got 'T99', but there is no module T99; expected one of {', '.join(IDS)}, or module:object",
    ),
    (["--claim", "t1"], "got 't1', but there is no module t1; expected one of T1"),
    (["--claim"], "argument --claim: expected one argument"),
    (["--frobnicate"], "lengthgen check: unrecognized arguments: --frobnicate. See --help."),
    (["train", "copy", "--length", "1..4"], "--length 1..4. Did you mean 'train-lengths' or 'test-lengths'?"),
    (["check", "T1"], "lengthgen check: unrecognized arguments: T1. See --help."),
    (["chekc"], "'chekc' is no command. Did you mean 'check'?"),
    (["--profile", "slow"], "argument --profile: invalid choice: 'slow'"),
    (["--seed", "one"], "argument --seed: got 'one'; expected a whole number >= 0"),
    (["--seed", "-1"], "argument --seed: got '-1'; expected a whole number >= 0"),
    (["--seed", "1.5"], "argument --seed: got '1.5'; expected a whole number >= 0"),
    (["--jobs", "0"], "argument --jobs: got '0'; expected a whole number >= 1"),
    (["--jobs", "many"], "argument --jobs: got 'many'; expected a whole number >= 1"),
    (
        ["--json", "missing/report.json"],
        "check: argument --json: got 'missing/report.json'; expected a file that can be",
    ),
    (["--json", "."], "check: argument --json: got '.'; expected a file that can be written, in an existing folder"),
    (["--witnesses", "missing"], "check: argument --witnesses: got 'missing'; expected an existing folder. Create it"),
    (["decide"], "the following arguments are required: file"),
    (["decide", "none.toml"], "argument path: got 'none.toml': No such file or directory"),
    (["decide", "parity.json", "--budget", "0"], "argument --budget: got '0'; expected a whole number >= 1"),
    (["decide", "parity.json", "--json", "no/x.json"], "decide: argument --json: got 'no/x.json'; expected a file"),
    (["coverage", "none.toml"], "argument path: got 'none.toml': No such file or directory"),
    (["coverage", "parity.json", "--json", "."], "coverage: argument --json: got '.'; expected a file"),
    (["replay"], "the following arguments are required: file"),
    (["replay", "none.json"], "replay: argument path: got 'none.json': No such file or directory"),
    (["replay", "parity.json"], "replay: argument parity.json: got {"),
    (["catalogue", "parity.json"], "argument parity.json: got {"),
]


@pytest.mark.parametrize(
    ("arguments", "says"), USAGE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_usage_exits_3_and_says_why(
    arguments: list[str], says: str, parity: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status_of(*arguments) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert list(tmp_path.iterdir()) == [parity]


def test_a_file_that_may_not_be_written_is_refused_before_the_work(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(output.os, "access", lambda path, mode: mode != os.W_OK)  # root may write everywhere
    assert status_of("check", "--json", tmp_path / "report.json") == 3
    assert "expected a file that can be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["decide", "-h"], ["replay", "--help"]])
def test_help_exits_0_and_shows_an_example_or_the_commands(arguments: list[str], capsys: Out) -> None:
    assert status_of(*arguments) == 0
    out = capsys.readouterr().out
    assert "example: lengthgen" in out or "Each command has its own --help" in out


def test_lengths_are_ends_or_a_list() -> None:
    assert [interval(text) for text in ("2..2", "2..4", "3")] == [(2, 2), (2, 4), (1, 3)]
    assert [lengths(text) for text in ("2..4", "4,2")] == [(2, 3, 4), (4, 2)]
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected A\.\.B with A <= B: 2\.\.3"):
        interval("3..2")


def test_a_page_that_cannot_be_written_names_its_option(capsys: Out, tmp_path: Path) -> None:
    assert main(["catalogue", str(ROOT / "docs/full-report.json"), "--output", str(tmp_path / "none" / "page.md")]) == 3
    assert capsys.readouterr().err.startswith("lengthgen: catalogue --output: ")


def test_only_a_command_with_a_budget_says_to_raise_it(capsys: Out) -> None:
    assert main(["verdicts", "copy", "--train-lengths", "30"]) == 3
    err = capsys.readouterr().err
    assert "All instances of training length 30 are listed: train on shorter ones." in err
    assert "--budget" not in err


def test_the_version_is_said(capsys: Out) -> None:
    assert status_of("--version") == 0
    assert capsys.readouterr().out.startswith("lengthgen ")


def test_an_interrupt_outside_a_run_is_no_traceback(capsys: Out, monkeypatch: pytest.MonkeyPatch, parity: Path) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(decide, "decide", interrupted)
    assert main(["decide", str(parity)]) == 2
    assert capsys.readouterr().err == "lengthgen: interrupted\n"


# ── decide and coverage ──────────────────────────────────────────────────────────────────────────────────────────────


def changed(file: Path, **fields: object) -> Path:
    other = file.with_name("changed.json")
    other.write_text(json.dumps({**PARITY, **fields}), encoding="utf-8")
    return other


def test_decide_says_the_verdict(parity: Path, capsys: Out) -> None:
    assert main(["decide", str(parity)]) == 0
    assert capsys.readouterr().out == (
        "generalizes: every hard head with zero training loss has zero test loss "
        "(4 of 9 training views are consistent).\n"
    )


def test_decide_writes_the_counterexample(parity: Path, capsys: Out, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    assert main(["decide", str(changed(parity, train=[{"length": 3}])), "--json", str(result)]) == 0
    assert capsys.readouterr().out.startswith("fails (unseen): the view (0, 0) of a test example never occurs")
    written = json.loads(result.read_text(encoding="utf-8"))
    assert (written["outcome"], written["reason"], written["train_loss"]) == ("fails", "unseen", "0")
    found = problem_from_dict(written["problem"])
    assert found.head is not None
    losses = [sum(p * found.head.loss(example) for example, p in law.items()) for law in (found.train, found.test)]
    assert losses[0] == 0 < losses[1]
    assert str(losses[1]) == written["test_loss"]
    assert main(["decide", str(parity), "--json", str(result)]) == 0
    written = json.loads(result.read_text(encoding="utf-8"))
    assert (written["outcome"], written["reason"], written["train_loss"]) == ("generalizes", None, None)
    assert "head" not in written["problem"]


def test_coverage_says_the_numbers(parity: Path, capsys: Out, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    assert main(["coverage", str(parity), "--json", str(result)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines[:4]] == ["κ   = 10    ", "κ0  = 1     ", "N_T = 6     ", "t   = 10    "]
    assert lines[1].endswith("(optimal)")
    assert lines[3].endswith("(optimal)")
    assert lines[4:] == [
        "T3: every hard head has test loss <= 60 · training loss.",
        "T11: every head has test loss <= 10 · training loss.",
    ]
    assert json.loads(result.read_text(encoding="utf-8")) == {
        "kappa": "10", "kappa0": "1", "kappa0_lower": "1", "candidates": 6, "factor": "60", "retention": "10",
        "retention_lower": "10", "uncovered": None, "kappa0_missing": "", "retention_missing": "",
        "kappa0_family": "all kept sets", "retention_family": "all kept sets",
    }  # fmt: skip


def test_coverage_names_what_training_does_not_cover(parity: Path, capsys: Out, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    assert main(["coverage", str(changed(parity, train=[{"length": 3}])), "--json", str(result)]) == 0
    out = capsys.readouterr().out
    assert "T3 gives no bound: something at test never occurs in training." in out
    assert "T11 gives no bound: no kernel proves a t." in out
    assert "inf ·" not in out
    assert "Not covered in training: candidates with overlap (None, None), key ()." in out
    written = json.loads(result.read_text(encoding="utf-8"))
    assert (written["kappa"], written["retention"], written["uncovered"]) == ("inf", "inf", [[None, None], []])


def test_coverage_sees_that_the_order_of_rising_ids_tells_nothing(parity: Path, capsys: Out) -> None:
    heads = {"arity": 2, "key": "order"}
    assert main(["coverage", str(changed(parity, heads=heads, train=[{"length": 7}], test=[{"length": 16}]))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11].rstrip() for line in lines[:4]] == ["κ   = 91/10", "κ0  = 1", "N_T = 21", "t   = 91/10"]
    assert {line[11:15] for line in lines[:4]} == {" " * 4}
    assert "T11: every head has test loss <= 91/10 · training loss." in lines


def test_coverage_says_that_there_is_no_kernel_and_why(parity: Path, capsys: Out, tmp_path: Path) -> None:
    """From length 4 to 3 every pattern is covered: nothing at test is new, and no sub-example is long enough."""
    result = tmp_path / "result.json"
    assert main(["coverage", str(changed(parity, test=[{"length": 3}])), "--json", str(result)]) == 0
    reason = "S* at length 3 (every training length exceeds it) leads to no training placement"
    assert capsys.readouterr().out.splitlines() == [
        "κ   = 1         largest growth of a pattern's expected number of candidates",
        f"κ0  infinite    no kernel: {reason}",
        "N_T = 6         candidate sets in training, at most",
        f"t   infinite    no kernel: {reason}",
        "T3 gives no bound: no kernel proves a κ0.",
        "T11 gives no bound: no kernel proves a t.",
    ]
    written = json.loads(result.read_text(encoding="utf-8"))
    assert (written["kappa0_missing"], written["retention_missing"]) == (reason, reason)


def test_coverage_says_which_kernels_it_searched(parity: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where runs of neighbours alone are tried, infinity and a least factor are said of them."""

    def search(*arguments: Any) -> NoReturn:
        raise kept_sets.TooMuch

    monkeypatch.setattr(retention_factor, "every_kept_set", search)
    relative = {"arity": 2, "window": 1, "key": "relative"}
    local = {"kind": "local", "width": 1}
    question = changed(
        parity, heads=relative, train=[{"length": 9, "support": local}], test=[{"length": 14, "support": local}]
    )
    assert main(["coverage", str(question)]) == 0
    out = capsys.readouterr().out
    assert "κ0  = 1         abstaining at test <= κ0 · abstaining in training (optimal)\n" in out
    assert (
        "t   infinite    no kernel of runs of neighbours (a larger --budget searches more): a candidate set of S* = "
        in out
    )
    assert "T11 gives no bound: no kernel of runs of neighbours (a larger --budget searches more) proves a t." in out
    assert "occurs in training" not in out


@pytest.mark.parametrize(
    ("value", "lower", "family", "words"),
    [
        (Fraction(3, 2), Fraction(3, 2), "all kept sets", "what (optimal)"),
        (Fraction(1), Fraction(1), "runs of neighbours", "what (optimal)"),
        (
            Fraction(3, 2), Fraction(3, 2), "runs of neighbours",
            "what (the least that a kernel of runs of neighbours proves; others were not searched)",
        ),
        (Fraction(3, 2), Fraction(4, 3), "all kept sets", "what (at least 4/3 for every kernel)"),
        (
            Fraction(3, 2), 1 + Fraction(1, 10**9), "runs of neighbours",
            "what (at least 1.00000 for every kernel of runs of neighbours)",
        ),
    ],
)  # fmt: skip
def test_how_sharp_a_factor_is_said_to_be(value: Any, lower: Any, family: Any, words: str) -> None:
    assert coverage._sharpness(Factor(value, lower, family), "what") == words


def test_long_numbers_are_rounded_to_the_safe_side() -> None:
    assert coverage._equals(Fraction(7, 3)) == "= 7/3"
    assert coverage._equals(inf) == "infinite"
    assert coverage._equals(Fraction(10**12 + 1, 10**12)) == "≈ 1.00001"
    assert readable(Fraction(10**12 - 1, 10**12)) == "0.999999"
    assert readable(Fraction(10**12 - 1, 10**12), up=True) == "1.00000"
    assert readable(Fraction(123456789012, 1), up=True) == "1.23457e+11"
    assert readable(Fraction(10) ** 5000) == "1.00000e+5000"
    assert readable(Fraction(1234567890123, 10**7)) == "123456"
    assert readable(Fraction(1, 3 * 10**12)) == "3.33333e-13"
    assert readable(Fraction(2 * 10**9, 3 * 10**11 + 1), up=True) == "0.00666667"


@pytest.mark.parametrize("command", ["decide", "coverage"])
def test_a_budget_that_is_exceeded_names_the_option(command: str, parity: Path, capsys: Out) -> None:
    local = changed(parity, heads={"arity": 2, "window": 1, "key": "relative"})
    assert main([command, str(local), "--budget", "3"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "argument --budget: got a budget of 3 for an enumeration of " in err
    size = err.partition("Raise it with --budget=")[2].partition(",")[0]
    assert int(size) > 3
    assert main([command, str(local), "--budget", "100000"]) == 0


def test_coverage_of_a_law_that_is_not_planted_says_what_serves(parity: Path, capsys: Out) -> None:
    finite = {"examples": [{"tokens": [1, 2], "label": 1}]}
    assert main(["coverage", str(changed(parity, train=finite))]) == 3
    assert "T1 (decide) serves any finite law" in capsys.readouterr().err


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tampered_witness_exits_1(check: Callable[..., int], capsys: Out, tmp_path: Path) -> None:
    check("--json", "report.json", bound=4)
    report = json.loads((tmp_path / "report.json").read_text())
    report["claims"][0]["evidence"][0]["witness"]["facts"]["length"] = 3
    (tmp_path / "report.json").write_text(json.dumps(report))
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "report.json")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NOT reproduced  T1, stated: recorded {'length': 3, 'bound': '4'}, now {'length': 4")
    assert lines[-1] == "4 of 5 reproduced"


GARBAGE = ["", "null", "[]", "{", '{"claims": [{}], "schema": 1}', '{"schema": 1, "claim": "T1", "problem": {}}']


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_exits_3(content: str, capsys: Out, tmp_path: Path) -> None:
    file = tmp_path / "garbage.json"
    file.write_text(content)
    assert main(["replay", str(file)]) == 3
    assert str(file) in capsys.readouterr().err


def test_a_report_without_witnesses_has_nothing_to_replay(
    check: Callable[..., int], capsys: Out, tmp_path: Path
) -> None:
    check("--json", "report.json", mutants={}, without=lambda: iter(()))
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "report.json")]) == 0
    assert capsys.readouterr().out == "no witnesses in this file\n"


# ── catalogue ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_catalogue_is_written_from_a_whole_report_only(
    check: Callable[..., int], capsys: Out, tmp_path: Path
) -> None:
    check("--json", "report.json")
    capsys.readouterr()
    assert main(["catalogue", str(tmp_path / "report.json")]) == 3
    assert re.search(
        "catalogue: argument report: got a report with profile quick, .*; expected a finished full",
        capsys.readouterr().err,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    witness = tmp_path / "witness.json"
    witness.write_text(json.dumps(report["claims"][0]["necessity"][0]["witness"]))
    assert main(["catalogue", str(witness)]) == 3
    assert "got a malformed report (KeyError: 'claims')" in capsys.readouterr().err


def test_the_catalogue_of_the_stored_report(capsys: Out, tmp_path: Path) -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert main(["catalogue", str(docs / "full-report.json"), "--output", str(tmp_path / "claims.md")]) == 0
    assert main(["catalogue", str(docs / "full-report.json")]) == 0
    text = (docs / "claims.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == (tmp_path / "claims.md").read_text(encoding="utf-8") == text


# ── Scores ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by_file", [True, False], ids=["as the file says", "as the command says"])
def test_ranked_heads_are_decided_about_and_written(by_file: bool, tmp_path: Path, capsys: Out) -> None:
    """View 1 need not be answered in training, where view 0 or 2 answers: a head may rank it first."""

    def entry(tokens: list[int], label: str) -> dict[str, object]:
        return {"tokens": tokens, "label": label}

    data = {
        "heads": {"arity": 1},
        "train": {"examples": [entry([0], "a"), entry([1, 2], "a"), entry([3], "b")]},
        "test": {"examples": [{**entry([0, 1], "a"), "probability": "1/3"}, {**entry([0], "a"), "probability": "2/3"}]},
    }
    file, out = tmp_path / "problem.json", tmp_path / "out.json"
    file.write_text(json.dumps(data | ({"scores": "ranked"} if by_file else {})), encoding="utf-8")
    assert main(["decide", str(file), "--json", str(out), *([] if by_file else ["--scores", "ranked"])]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("fails (free): the view (1,) ")
    assert said[-1] == "Guaranteed: on exactly 2/3 of the test law every head perfect in training is right."
    result = json.loads(out.read_text(encoding="utf-8"))
    assert {key: result[key] for key in ("scores", "outcome", "reason", "guaranteed", "train_loss", "test_loss")} == {
        "scores": "ranked", "outcome": "fails", "reason": "free", "guaranteed": "2/3", "train_loss": "0", "test_loss": "1/3",
    }  # fmt: skip
    assert [entry["tokens"] for entry in result["problem"]["head"]] == [[2], [3], [1], [0]]  # the highest rank first
    problem = problem_from_dict(result["problem"])
    assert problem_from_dict(problem_to_dict(problem)) == problem
    assert problem.ranked is not None
    assert [problem.ranked.loss(example) for example in problem.train.support()] == [0, 0, 0]
    assert "ranked" in str(problem)
    assert main(["decide", str(file), "--scores", "hard"]) == 0
    assert capsys.readouterr().out.startswith("generalizes: every hard head ")


def test_verdicts_of_ranked_heads_come_back_from_their_file(tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "verdicts.json"
    arguments = [
        "verdicts",
        "sorting",
        "--scheme",
        "random ordered",
        "--scheme",
        "none",
        "--jobs",
        "1",
        "--json",
        str(out),
    ]
    assert main([*arguments, "--scores", "ranked"]) == 0
    assert "heads: ranked (T13)" in capsys.readouterr().out
    data = json.loads(out.read_text(encoding="utf-8"))
    assert [cell["scores"] for cell in data["cells"]] == ["ranked", "ranked"]
    assert [cell["outcome"] for cell in data["cells"]] == ["generalizes", "unrealizable"]
    assert json.loads(json.dumps(to_data(from_data(data)))) == data
    assert main(arguments) == 0
    assert all("scores" not in cell for cell in json.loads(out.read_text(encoding="utf-8"))["cells"])


# ── Curves ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_curve_has_the_guaranteed_share_at_every_length(parity: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", str(parity), "--curve", "3..6", "--json", str(parity.with_name("curve.json"))]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["length", "hard", "ranked", "soft"]
    data = json.loads(parity.with_name("curve.json").read_text(encoding="utf-8"))["curve"]
    problem = read_problem(parity)
    assert isinstance(problem.test, PlantedLaw)
    for length, line in zip(range(3, 7), lines[1:], strict=True):
        assert line[0] == str(length)
        for scores, word in zip(("hard", "ranked", "soft"), line[1:], strict=True):
            test = problem.test.ensemble.at(length)
            asked = guarantees(problem.heads, train=problem.train, test=test, scores=scores)  # type: ignore[arg-type]
            share = asked.share
            assert data[scores][str(length)] == str(share)
            assert word == f"{float(share or 0):.2f}"


def test_a_curve_says_where_there_is_no_law_and_where_one_is_too_large(
    parity: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["decide", str(parity), "--scores", "hard", "--curve", "1,4,9,30,31", "--budget", "400"]
    assert main(arguments) == 0
    words = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert words[0] == "no law"
    assert words[-1] == "too large"
    assert words.count("too large") == 1  # longer ones are not tried


def test_a_curve_goes_from_short_to_long(parity: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else a length that is too large would hide what comes behind it."""
    assert main(["decide", str(parity), "--scores", "hard", "--curve", "30,5,4,5", "--budget", "400"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["4", "5", "30"]


@pytest.mark.parametrize("longest", [10**9, 10**30])
def test_a_curve_of_more_lengths_than_could_be_tried_is_refused(longest: int, parity: Path, capsys: Out) -> None:
    assert status_of("decide", parity, "--curve", f"4..{longest}") == 3
    assert f"got '4..{longest}'; expected at most 1,000,000 lengths" in capsys.readouterr().err
    assert len(lengths("2..1000001")) == 1_000_000


def test_what_does_not_converge_is_inconclusive(parity: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other kinds of heads have their shares all the same."""
    monkeypatch.setattr(cones, "_widest", lambda rows: None)
    monkeypatch.setattr(cones, "EXACT_CELLS", 0)
    file = parity.with_name("curve.json")
    assert main(["decide", str(parity), "--curve", "4,5", "--json", str(file)]) == 2
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["4", "1.00", "1.00", "inconclusive"], ["5", "1.00", "1.00", "inconclusive"]]
    assert json.loads(file.read_text(encoding="utf-8"))["curve"]["soft"] == {}
    assert main(["decide", str(parity), "--scores", "soft"]) == 2
    assert "did not converge" in capsys.readouterr().err
