"""Claims of one's own go through the command, the reports, `replay` and pytest as those of the theory do."""

from __future__ import annotations

import ast
import json
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from hypothesis import strategies as st

from proofs_check import Claim, Measured, require
from proofs_check.claims import engines, find
from proofs_check.claims.checks import perform, run, tasks_of
from proofs_check.claims.finding import IDS, addresses, said
from proofs_check.claims.recorded import as_data, from_data, from_field, to_data
from proofs_check.commands.main import main
from proofs_check.evidence import version
from proofs_check.pages.html_report import page
from proofs_check.problem import in_words
from proofs_check.replay import _parts, _problem, replay
from proofs_check.report import untried
from tests.cases import LAWS
from tests.proofs_check.own_claims import Interval, low, mean
from tests.proofs_check.test_task_command import run_pytest
from tests.proofs_check.toys import Ticks, problem
from theory import Example, FiniteLaw, HeadClass, InvalidArgument

HOME = "tests.proofs_check.own_claims"
Out = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(folder: Path, capsys: Out) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Check a claim of the module: the exit status, the claim's entry in the report, and what was printed."""

    def checked(name: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
        status = main(["check", "--claim", f"{HOME}:{name}", "--jobs", "1", "--json", "r.json", *arguments])
        report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
        (entry,) = report["claims"]
        return status, entry, capsys.readouterr().out

    return checked


def module(folder: Path, name: str, *lines: str) -> str:
    """A module in the folder."""
    (folder / f"{name}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_true_claim_holds(check: Callable[..., Any]) -> None:
    status, entry, out = check("mean")
    assert status == 0
    assert (entry["id"], entry["address"], entry["title"]) == ("mean", f"{HOME}:mean", "The means")
    assert (entry["statement"], entry["tightness"]) == (mean.statement, mean.tightness)
    assert (entry["holds"], entry["hypotheses"]) == (True, {"no guess": "b is not chosen from a"})
    found = {item["engine"]: (item["kind"], item["instances"], item["decisive"]) for item in entry["evidence"]}
    listed, drawn, proof = found["exhaustive"], found["sampled"], found["symbolic"]
    assert (listed, proof) == (("exhausted", 64, 62), ("proved", 1, 1))  # two cases a pair, none for (0, 0)
    assert drawn == ("supported", 1000, 1000)
    assert [item["noticed"] for item in entry["evidence"]] == [[], ["a fifth"], ["a fifth"], ["a fifth"]]
    assert entry["mutants"]["witnesses"]["a fifth"] == {
        "schema": 1, "claim": f"{HOME}:mean", "variant": "mutant: a fifth", "facts": {"product": 1, "bound": "4/5"},
        "problem": {"value": [1, 1]},
    }  # fmt: skip
    assert entry["mutants"]["refuted"] == 2
    assert entry["necessity"][0]["witness"] == {
        "schema": 1, "claim": f"{HOME}:mean", "variant": "without: no guess", "facts": {"product": 9, "bound": "8"},
        "problem": {"value": [3, 3]},
    }  # fmt: skip
    assert out.splitlines()[-1].startswith("mean holds: 1,105 cases (1,")
    assert "nothing shows" not in out.lower()


def test_a_false_claim_is_refuted_by_its_smallest_problem_and_replayed(
    check: Callable[..., Any], folder: Path, capsys: Out
) -> None:
    status, entry, out = check("low")
    assert (status, entry["holds"]) == (1, False)
    listed, drawn = entry["evidence"]
    assert listed["kind"] == "exhausted"
    assert drawn["kind"] == "refuted"
    assert drawn["witness"]["facts"] == {"sum": 37}
    assert drawn["witness"]["problem"] in ({"value": [0, 37]}, {"value": [37, 0]})
    pair = tuple(drawn["witness"]["problem"]["value"])
    assert f"low fails on\n    {pair}\nsum 37\n" in out
    assert "reproduce it with: lengthgen replay witness-low-1.json" in out
    assert main(["replay", "witness-low-1.json"]) == 0
    assert capsys.readouterr().out == f"reproduced      {HOME}:low, stated: sum 37\n1 of 1 reproduced\n"
    assert main(["replay", "r.json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 reproduced"  # the mutant's as well


def test_a_vacuous_claim_is_inconclusive_and_says_why(check: Callable[..., Any]) -> None:
    status, entry, out = check("negative")
    assert (status, entry["holds"]) == (2, None)
    (listed,) = entry["evidence"]
    assert listed["kind"] == "inconclusive"
    assert listed["scope"].endswith(
        "10 problems, 0 of them under the hypotheses. Vacuous: the hypotheses hold on none. Yield problems on which they do, "
        "or mend what nonvacuous says"
    )
    assert entry["mutants"]["survivors"] == []  # no problem could refute it, so it was not put to the test
    assert "negative is inconclusive." in out
    assert (
        "negative may hold without 'negative', for all that was shown: yield problems in @claim.without('negative')."
        in out
    )


def test_mutants_that_survive_and_hypotheses_that_nothing_needs_are_news(check: Callable[..., Any]) -> None:
    status, entry, out = check("needless")
    assert (status, entry["holds"]) == (1, None)
    assert entry["mutants"]["survivors"] == ["it is above -1"]
    assert entry["necessity"] == [{"hypothesis": "whole", "witness": None}]
    assert out.splitlines()[-1] == (
        "mutants of needless survive: it is above -1 (let a family yield a problem that refutes it; a variant that is true is "
        "no mutant); no witness that needless needs: whole (yield a problem without the hypothesis that refutes the rest, or "
        "state the claim without it)."
    )


def test_what_was_never_put_to_the_test_is_said_of_claims_that_may_hold() -> None:
    entry = {
        "id": "c",
        "holds": True,
        "mutants": {"total": 0},
        "necessity": [{"hypothesis": "g"}],
        "hypotheses": {"g": "", "h": ""},
    }
    assert untried({"claims": [entry]}) == [
        "c has no mutant, so nothing shows that its checks can fail: claim.mutant(name, part=value).",
        "c may hold without 'h', for all that was shown: yield problems in @claim.without('h').",
    ]
    assert untried({"claims": [{**entry, "holds": False}]}) == []


def test_errors_in_a_claim_cost_its_other_checks_nothing(check: Callable[..., Any]) -> None:
    status, entry, _ = check("broken")
    assert status == 2
    said = {item["scope"].partition(": it could not be done: ")[0]: item for item in entry["evidence"]}
    assert said["whole [quick]: 1 problem, 1 of them under the hypotheses"]["kind"] == "exhausted"
    advice = ". Mend that, then run: lengthgen check --claim tests.proofs_check.own_claims:broken"
    undone = {name: item["scope"].partition(": it could not be done: ")[2] for name, item in said.items()}
    assert all(what.endswith(advice) for what in undone.values() if what)
    broken = {name: what.removesuffix(advice) for name, what in undone.items()}
    source = (Path(__file__).parent / "own_claims.py").read_text(encoding="utf-8").splitlines()

    def at(text: str) -> str:
        return f"own_claims.py, line {next(n for n, line in enumerate(source, 1) if text in line)}, in "

    raised = at("raise ZeroDivisionError") + "is_thirteen"
    assert broken["a generator that raises in the middle"] == (
        f"ValueError: no fourth number (at problem 4, {at('no fourth')}up_to_three)"
    )
    assert broken["a problem that raises"] == f"ZeroDivisionError: 13 is unlucky (at problem 4, {raised})"
    assert broken["drawn numbers"].startswith("ZeroDivisionError: 13 is unlucky (at problem ")
    assert broken["drawn numbers"].endswith(f", shrunk to 13, {raised})")
    assert broken["a proof that raises"].startswith(
        f"ZeroDivisionError: integer division or modulo by zero ({at('1 // 0')}"
    )
    assert broken["a search that ends the program"] == f"SystemExit: 3 ({at('SystemExit(3)')}search)"
    assert broken["sound"] == f"ZeroDivisionError: 13 is unlucky (at problem 1, {raised})"
    assert broken["7 is worst"].startswith("ValueError: no fourth number (at problem 4, ")
    cases = {name: item["instances"] for name, item in said.items()}
    assert cases["a generator that raises in the middle"] == cases["a problem that raises"] == 3
    assert {item["kind"] for name, item in said.items() if broken[name]} == {"inconclusive"}
    assert entry["mutants"]["survivors"] == []


def test_draws_do_without_a_family_that_raises() -> None:
    claim = claim_()

    @claim.family("one")
    def one(profile: str) -> Iterator[int]:
        yield 1
        raise ValueError

    claim.sampler("drawn", quick=20)(lambda: st.integers(0, 2))
    evidence = engines.sample(claim, claim.samplers[0], "quick", 0, Ticks())
    assert evidence.scope == (
        "drawn: 3 distinct ones drawn by Hypothesis, 2 of them in no family, 3 under the hypotheses"
    )


def test_a_draw_that_raises_says_which() -> None:
    claim = Claim("divides", statement="s")
    claim.refute(lambda n: 1 // 0)
    claim.sampler("drawn")(lambda: st.integers(5, 9))
    with pytest.raises(ZeroDivisionError) as raised:
        engines.sample(claim, claim.samplers[0], "quick", 0, Ticks())
    assert raised.value.__notes__[0] == "at problem 1, shrunk to 5"


def test_a_mutant_passes_the_parts_that_a_function_takes() -> None:
    claim = Claim("pair", statement="s")
    claim.refute(lambda n, *, low=0, high=9: None)
    claim.mutant("both", low=1, high=8)
    taken: list[int] = []
    claim.proof("p", notices=["both"])(lambda *, high=9: taken.append(high) or require(high == 9, "high") or 1)
    claim.measurement("search", "m")(lambda rng, profile, tick, *, low=0: Measured(1, "seen"))
    assert engines.prove(claim, claim.proofs[0]).noticed == ("both",)
    assert taken == [9, 8]


def test_claims_of_ones_own_and_of_the_theory_mix(folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs_check.claims import t12
    from tests.proofs_check.toys import toy

    monkeypatch.setattr(t12, "claim", toy(claim_id="T12"))
    wanted = ["--claim", f"{HOME}:mean", "--claim", "T12", "--claim", f"{HOME}:mean"]
    assert main(["check", *wanted, "--jobs", "1", "--json", "r.json"]) == 0
    report = json.loads((folder / "r.json").read_text())
    assert [claim["id"] for claim in report["claims"]] == ["T12", "mean"]
    assert "All 2 claims hold" in capsys.readouterr().out


def test_a_module_means_every_claim_in_it(folder: Path) -> None:
    names = ("mean", "low", "sparse", "growing", "negative", "needless", "broken")
    assert addresses([HOME], folder) == [f"{HOME}:{name}" for name in names]
    assert addresses([f"{HOME}:low", "T3", HOME, "T1"], folder)[:3] == [f"{HOME}:low", "T3", f"{HOME}:mean"]
    assert addresses([], folder) == list(IDS)


def test_a_module_outside_is_found_by_workers_too(folder: Path, capsys: Out) -> None:
    name = module(
        folder, "lemmas_outside",
        "from proofs_check import Claim", 'claim = Claim("outside", statement="Numbers are small.")', "@claim.refute",
        "def _(n, *, bound=5):", "    return {'n': n} if n >= bound else None", "claim.mutant('smaller', bound=2)",
        "@claim.family('a few')", "def _(profile):", "    yield from range(4)",
    )  # fmt: skip
    assert main(["check", "--claim", f"{name}:claim", "--jobs", "2"]) == 0
    assert "outside holds: 4 cases" in capsys.readouterr().out


def test_the_result_does_not_depend_on_the_number_of_workers(folder: Path) -> None:
    def timeless(jobs: int) -> list[Any]:
        found = run(tasks_of([f"{HOME}:mean"]), profile="quick", seed=3, jobs=jobs, watch=lambda *_: None).results
        return [
            (t, r.witness, r.evidence if r.evidence is None else replace(r.evidence, seconds=0))
            for t, r in found.items()
        ]

    assert timeless(1) == timeless(2)


# ── Reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_and_the_junit_file_hold_it(check: Callable[..., Any], folder: Path, capsys: Out) -> None:
    check("low", "--html", "r.html", "--junit", "r.xml")
    text = (folder / "r.html").read_text(encoding="utf-8")
    assert "low is refuted." in text
    assert f"lengthgen check --claim {HOME}:low" in text
    root = ElementTree.fromstring((folder / "r.xml").read_text(encoding="utf-8"))
    assert (root.attrib["failures"], root.attrib["errors"]) == ("1", "0")
    assert main(["report", "r.json", "--html", "again.html"]) == 0  # of the report alone
    assert (folder / "again.html").read_text(encoding="utf-8") == text


def test_any_words_are_shown_on_the_page(check: Callable[..., Any], folder: Path) -> None:
    check("mean")
    report = json.loads((folder / "r.json").read_text())
    report["claims"][0] |= {"title": "<b>", "statement": "a < b & $x_", "tightness": "", "address": "<i>:x"}
    report["claims"][0]["hypotheses"] = {"<u>": "κ_{"}
    text = page(report)
    assert "<b>" not in text.replace("<body>", "")
    assert "<i>" not in text
    assert "<u>" not in text
    assert "Tightness" not in text


def test_the_catalogue_takes_a_full_report_of_ones_own(check: Callable[..., Any], folder: Path, capsys: Out) -> None:
    check("mean", "--profile", "full")
    assert main(["catalogue", "r.json"]) == 0
    out = capsys.readouterr().out
    assert "| [mean](#mean) | The means | exhausted, supported, proved |" in out
    assert f"Check it: `lengthgen check --claim {HOME}:mean`" in out
    assert "T1" not in out
    check("low", "--profile", "full")
    assert main(["catalogue", "r.json"]) == 3
    assert "a report in which low does not hold" in capsys.readouterr().err


# ── Pytest ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pytest_makes_a_test_of_every_check(folder: Path) -> None:
    claims = ["--lengthgen-claim", f"{HOME}:mean", "--lengthgen-claim", f"{HOME}:low"]
    done = run_pytest(folder, "-v", "--rootdir", ".", *claims, "--lengthgen-claim", f"{HOME}:needless")
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stdout + done.stderr
    passed = (
        "mean::exhaustive: pairs of small numbers", "mean::sampled: pairs of numbers", "mean::measured: a thousand pairs",
        "mean::symbolic: as a square", "mean::mutant: a fifth", "mean::necessity: no guess", "low::exhaustive: pairs of digits",
    )  # fmt: skip
    for name in passed:
        assert any(line.startswith(f"{HOME}:{name} PASSED") for line in lines), name
    assert any(line.startswith(f"{HOME}:low::sampled: pairs up to a thousand FAILED") for line in lines)
    assert "refuted: pairs up to a thousand" in lines
    assert "sum 37" in lines
    assert f"Check it again: lengthgen check --claim {HOME}:low" in lines
    assert any("mutant: it is above -1: nothing refutes it: let a family yield" in line for line in lines)
    assert any("necessity: whole: nothing refutes it: yield a problem" in line for line in lines)
    assert "3 failed, 11 passed" in lines[-1]
    assert "Traceback" not in done.stdout


@pytest.mark.slow  # two programs
def test_pytest_runs_the_checks_that_are_named(folder: Path) -> None:
    claims = ["--lengthgen-claim", f"{HOME}:mean", "--lengthgen-claim", f"{HOME}:low"]
    chosen = run_pytest(folder, "-q", "--rootdir", ".", *claims, f"{HOME}:mean::mutant: a fifth")
    assert "1 passed" in chosen.stdout.splitlines()[-1]
    wrong = run_pytest(folder, "--rootdir", ".", "--lengthgen-claim", "no.such:claim")
    assert wrong.returncode == 4
    assert "--lengthgen-claim: find: argument claim: got 'no.such:claim', but there is no module no;" in wrong.stderr


# ── Witnesses: as data, or by address ────────────────────────────────────────────────────────────────────────────────


def replayed(witness: dict[str, Any] | None) -> str:
    """What the replay of a witness says, after a file; it must be reproduced."""
    assert witness is not None
    outcome = replay(json.loads(json.dumps(witness)))
    assert outcome.reproduced, outcome.summary
    return outcome.summary


def witnesses_of(name: str) -> dict[str, dict[str, Any]]:
    """{name of the check: its witness}, of the checks of a claim that have one."""
    found: dict[str, dict[str, Any]] = {}
    for task in tasks_of([f"{HOME}:{name}"]):
        result = perform(task, "quick", 5, lambda cases: None)
        witness = result.witness if result.evidence is None else result.evidence.witness
        if witness is not None:
            found[task.name] = witness
    return found


def test_a_problem_without_a_data_form_is_replayed_from_its_address(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = witnesses_of("sparse")
    addressed = {name: dict(witness["problem"]["address"]) for name, witness in found.items()}
    for address in addressed.values():
        address.pop("version")
    assert addressed == {
        "paths and cycles": {"family": "paths and cycles", "profile": "quick", "index": 3},
        "graphs": {"sampler": "graphs", "profile": "quick", "seed": 5, "hypothesis": version("hypothesis")},
        "a forest": {"family": "paths and cycles", "profile": "quick", "index": 0},
        "connected": {"without": "connected", "index": 1},
    }
    assert found["graphs"]["facts"] == {"edges": 1, "nodes": 1}  # a loop, the smallest
    said = {name: replayed(witness) for name, witness in found.items()}
    assert said["paths and cycles"] == (f"{HOME}:sparse, stated (problem 4 of 'paths and cycles'): edges 7, nodes 7")
    assert said["graphs"] == f"{HOME}:sparse, stated (drawn again, with seed 5, from 'graphs'): edges 1, nodes 1"
    assert said["a forest"].startswith(f"{HOME}:sparse, mutant: a forest (problem 1 of 'paths and cycles'): ")
    assert said["connected"].startswith(f"{HOME}:sparse, without: connected (problem 2 of 'connected'): ")
    monkeypatch.setattr("proofs_check.replay.version", lambda name: "9.9")
    said_now = replay(found["graphs"]).summary
    assert f"'graphs', as lengthgen 9.9 makes it; recorded by {version('lengthgen')}" in said_now
    assert f"as hypothesis 9.9 makes it; recorded by {version('hypothesis')})" in said_now


def test_a_problem_that_is_gone_is_not_reproduced(folder: Path) -> None:
    found = witnesses_of("sparse")
    for name, changes in (
        ("paths and cycles", {"index": 99}),
        ("paths and cycles", {"index": 1}),
        ("graphs", {"seed": 6}),
    ):
        witness = json.loads(json.dumps(found[name]))
        witness["problem"]["address"] |= changes
        witness["facts"] = {"edges": 0}
        assert not replay(witness).reproduced
    wrong: list[dict[str, object]] = [
        {}, {"family": "no such", "index": 0}, {"family": "paths and cycles"}, {"family": "paths and cycles", "index": "0"},
        {"family": "paths and cycles", "index": 0, "profile": "slow"}, {"without": "no such", "index": 0},
        {"sampler": "graphs", "profile": "quick", "seed": -1}, {"sampler": "no such", "profile": "quick", "seed": 0},
    ]  # fmt: skip
    for address in wrong:
        with pytest.raises(InvalidArgument, match="replay: argument witness: problem: address"):
            replay({**found["graphs"], "problem": {"address": address}})
    with pytest.raises(InvalidArgument, match=r"witness: problem: address: got the int 3; expected a table \(object\)"):
        replay({**found["graphs"], "problem": {"address": 3}})


def test_another_problem_with_the_same_facts_is_not_a_reproduction(folder: Path) -> None:
    witness = witnesses_of("sparse")["paths and cycles"]
    assert witness["words"] == "Graph with 7 nodes and 7 edges"
    outcome = replay(witness | {"words": "Graph with 3 nodes and 3 edges"})
    assert not outcome.reproduced
    assert outcome.summary.endswith(
        "(problem 4 of 'paths and cycles'): recorded Graph with 3 nodes and 3 edges, now Graph with 7 nodes and 7 edges"
    )
    assert "words" in witnesses_of("sparse")["a forest"]


def test_where_a_problem_lies_in_memory_is_not_said(folder: Path) -> None:
    (witness,) = witnesses_of("growing").values()
    assert witness["words"] == "<function functions.<locals>.<lambda>>"
    assert replay(witness).reproduced


def test_a_problem_that_does_not_pickle_is_one_like_any_other(folder: Path) -> None:
    (witness,) = witnesses_of("growing").values()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(next(iter(find(f"{HOME}:growing").families[0].problems("quick"))))
    assert witness["problem"]["address"]["index"] == 2
    assert replayed(witness).endswith("(problem 3 of 'three functions'): value 4")


class Point(NamedTuple):
    """A place."""

    x: int
    y: Fraction


PLAIN: list[Any] = [
    None, True, False, 0, -(10**30), 1.5, "", "κ", (), (1, (2, "a")), [1, [2]], {"a": 1, (1, 2): [None]}, {1, 2},
    frozenset({3}), Fraction(-1, 3), Point(1, Fraction(1, 2)), Interval(Fraction(0), Fraction(1, 2)),
    (Interval(Fraction(1), Fraction(2)), 3),
    float("inf"), float("-inf"), {"float": "1"}, {"list": 1}, (problem(2), 1), HeadClass(2, 1),
    (LAWS["finite"], LAWS["one at 4"]), {"value": 1}, {"address": 1},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: in_words(value)[:30])
def test_plain_values_have_a_data_form_that_is_equal(value: Any) -> None:
    data = as_data(value)
    assert data is not None
    again = from_field(json.loads(json.dumps(data, allow_nan=False)))
    assert again == value
    assert type(again) is type(value)


def test_a_problem_of_the_theory_is_stored_as_a_problem_file() -> None:
    data = as_data(problem(2))
    assert data is not None
    assert set(data) == {"heads", "train", "test"}
    assert from_field(data) == problem(2)


@dataclass
class Counter:
    """What it has counted is nowhere in its data, and no comparison would miss it."""

    start: int
    seen: list[int] = field(default_factory=list, init=False, compare=False)


class Odd:
    """Equal to nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Touchy(tuple[int, ...]):
    """What it equals cannot be asked."""

    _fields = ()

    def __eq__(self, other: object) -> bool:
        raise KeyError("x")

    __hash__ = tuple.__hash__


NO_DATA: list[Any] = [
    lambda n: n,
    object(),
    Odd(),
    Counter(3),
    np.arange(3),
    np.int64(3),
    nx.path_graph(2),
    float("nan"),
    (1, object()),
    b"b",
    10**5000,
    "\ud800",
    Touchy(),
]
nested: list[Any] = []
nested.append(nested)


@pytest.mark.parametrize("value", [*NO_DATA, nested], ids=lambda value: type(value).__name__)
def test_other_values_have_none(value: Any) -> None:
    assert as_data(value) is None


class Alike(FiniteLaw):
    """A law that equals the one that a file holds."""


def test_a_value_of_another_type_is_not_its_data() -> None:
    law = Alike({Example((1,), (0,), 0): 1})
    assert law == from_data(to_data(law))
    assert as_data(law) is None


@pytest.mark.parametrize(
    "data",
    [
        {"value": {"type": "os:system", "fields": {}}}, {"value": {"type": "no.such:Thing", "fields": {}}}, {"value": {"x": 1}},
        {"value": {"type": f"{HOME}:Interval", "fields": {"low": 1}}}, {"value": {"fraction": "1/0"}},
        {"value": {"fraction": "x"}}, {"value": {"dict": [[1]]}}, {"value": {"dict": [1]}},
        {"value": {"set": [{"list": []}]}}, {"value": {"problem": 3}},
        {"value": {"law": {}}}, {"value": {"float": "x"}}, {"value": {"list": 3}}, {"value": {"fraction": "1", "x": 1}},
    ],
)  # fmt: skip
def test_what_is_no_data_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="problem: value"):
        from_field(data)


def test_the_data_of_a_value_import_nothing(folder: Path) -> None:
    name = module(folder, "trap", "raise SystemExit('imported')")
    with pytest.raises(InvalidArgument):
        from_data({"type": f"{name}:Trap", "fields": {}})
    assert to_data(Interval(Fraction(0), Fraction(1))) == {
        "type": f"{HOME}:Interval", "fields": {"low": {"fraction": "0"}, "high": {"fraction": "1"}},
    }  # fmt: skip


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(*specs: str, folder: Path) -> str:
    with pytest.raises(InvalidArgument) as refused:
        addresses(specs, folder)
    return str(refused.value)


def test_what_is_no_claim_is_refused(folder: Path, capsys: Out) -> None:
    module(folder, "fails_here", "import math", "", "def work():", "    return 1 / 0", "", "work()")
    module(folder, "fails_to_parse", "def work(:")
    module(folder, "no_claims", "x = 3")
    made = "claim = Claim('a', statement='s')"
    module(
        folder,
        "unready",
        "from proofs_check import Claim",
        made,
        "other = Claim('b', statement='s')",
        "other.refute(id)",
    )
    module(folder, "posing", "from proofs_check import Claim", "claim = Claim('T3', statement='s')")
    first, *traced = refusal("fails_here:claim", folder=folder).splitlines()
    assert first == (
        "find: argument claim: got the module fails_here, whose import raises ZeroDivisionError: division by zero; "
        "expected a module that can be imported. Try: python -c 'import fails_here'."
    )
    assert [line.split(", ")[1:] for line in traced if line.startswith("  File")] == [
        ["line 6", "in <module>"], ["line 4", "in work"]
    ]  # fmt: skip
    assert "fails_to_parse, whose import raises SyntaxError: " in refusal("fails_to_parse", folder=folder)
    assert "def work(:" in refusal("fails_to_parse", folder=folder)
    known = f"expected one of {', '.join(IDS)}, or module:object, or a module with claims"
    assert f"'no_claims', a module without a claim; {known}" in refusal("no_claims", folder=folder)
    assert "'no_claims:x', which is the int 3; expected a Claim" in refusal("no_claims:x", folder=folder)
    assert "'no_claims:y', but no_claims has no y" in refusal("no_claims:y", folder=folder)
    assert "'no_claims:x.y.z', but no_claims:x has no y; " in refusal("no_claims:x.y.z", folder=folder)
    assert f"'no_such_module', but there is no module no_such_module; {known}" in refusal(
        "no_such_module", folder=folder
    )
    assert f"'T99', but there is no module T99; {known}" in refusal("T99", folder=folder)
    assert refusal("t12", folder=folder).endswith(f"{known}. Did you mean 'T12'?")
    assert "Write mine:claim, and run from this folder." in refusal("mine.py:claim", folder=folder)
    assert "Write mine:claim, and run from this folder." in refusal("mine.py", folder=folder)
    assert f"got '3x:y'; {known}" in refusal("3x:y", folder=folder)
    assert "Claim: argument a: got no function to refute it; expected refute, and a family" in refusal(
        "unready:claim", folder=folder
    )
    assert "Claim: argument b: got no check; expected refute, and a family" in refusal("unready:other", folder=folder)
    assert "'posing:claim', a claim with the id T3; expected an id that the theory does not use" in refusal(
        "posing:claim", folder=folder
    )
    assert find("proofs_check.claims.t3:claim") is find("T3")
    module(folder, "lazy", "def __getattr__(name):", "    raise KeyError(name)")
    assert "got 'lazy:one', which raises KeyError: 'one'; expected one of T1" in refusal("lazy:one", folder=folder)
    assert "lazy.py" in refusal("lazy:one", folder=folder)
    assert main(["check", "--claim", "fails_here"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_an_id_that_is_given_twice_is_refused(folder: Path) -> None:
    lines = ["from proofs_check import Claim", "claim = Claim('LOW', statement='s')", "claim.refute(lambda n: None)"]
    module(folder, "twice", *lines, "claim.family('a')(lambda profile: [])", "again = claim")
    assert addresses(["twice"], folder) == ["twice:claim"]  # two names of one claim
    assert addresses(["twice:again", "twice:claim"], folder) == ["twice:claim"]
    said = refusal(f"{HOME}:low", "twice:claim", folder=folder)
    assert f"two claims with the id LOW: {HOME}:low and twice:claim; expected an id of its own for each" in said


def claim_() -> Claim:
    """A claim about numbers, with one part and one mutant."""
    claim = Claim("small", statement="Numbers are small.", hypotheses={"whole": "they are whole"})

    @claim.refute
    def refute(n: int, *, bound: int = 5) -> dict[str, Any] | None:
        return {"n": n} if n >= bound else None

    claim.mutant("smaller", bound=3)
    return claim


def nothing(*_: object) -> Iterator[Any]:
    return iter(())


async def later(problem: int) -> bool:
    return False


async def ever(profile: str) -> Any:
    yield 1


REFUSED: dict[str, tuple[Callable[[Claim], object], str]] = {
    "id": (lambda c: Claim("a b", statement="s"), r"Claim: argument id: got 'a b'; expected letters, digits"),
    "no id": (lambda c: Claim("", statement="s"), r"Claim: argument id: got ''"),
    "statement": (lambda c: Claim("a", statement=" "), r"Claim: argument statement: got ' '; expected a text"),
    "title": (lambda c: Claim("a", statement="s", title=3), r"Claim: argument title: got 3"),  # type: ignore[arg-type]
    "hypotheses": (
        lambda c: Claim("a", statement="s", hypotheses=["h"]),  # type: ignore[arg-type]
        r"Claim: argument hypotheses: got \['h'\]; expected \{short name",
    ),
    "a second refute": (lambda c: c.refute(lambda n: None), r"Claim.refute: argument function: got a second one"),
    "no function": (lambda c: Claim("a", statement="s").refute(3), r"argument function: got a value: the int 3"),  # type: ignore[type-var]
    "two problems": (
        lambda c: Claim("a", statement="s").refute(lambda n, m: None),
        r"expected a function \(problem, \*, part",
    ),
    "no problem": (lambda c: Claim("a", statement="s").refute(lambda: None), r"too many positional arguments"),
    "no default": (
        lambda c: Claim("a", statement="s").refute(lambda n, *, part: None),
        r"got the part part without a value; expected a default for each part",
    ),
    "unknown part": (
        lambda c: c.mutant("m", width=3),
        r"Claim.mutant: argument 'm': got the unknown part width; .* refute: bound",
    ),
    "no part": (lambda c: c.mutant("m"), r"Claim.mutant: argument 'm': got no part"),
    "before refute": (lambda c: Claim("a", statement="s").mutant("m", x=1), r"it has none, as there is no refute yet"),
    "mutant twice": (
        lambda c: c.mutant("smaller", bound=2),
        r"got 'smaller' a second time; expected a name of its own",
    ),
    "no name": (lambda c: c.mutant("", bound=2), r"Claim.mutant: argument name: got ''"),
    "family": (lambda c: c.family("f")(lambda: nothing()), r"Claim.family: .* expected a function \(profile\)"),
    "family twice": (lambda c: (c.family("f")(nothing), c.family("f")(nothing)), r"Claim.family: .*'f' a second time"),
    "sampler twice": (lambda c: (c.sampler("f")(st.none), c.sampler("f")(st.none)), r"Claim.sampler: .*'f' a second"),
    "sampler": (lambda c: c.sampler("f")(lambda n: st.none()), r"Claim.sampler: .* expected a function \(\)"),  # type: ignore[type-var]
    "none drawn": (lambda c: c.sampler("f", quick=0), r"Claim.sampler: argument quick: got 0; expected how many"),
    "none drawn in full": (lambda c: c.sampler("f", full=0), r"Claim.sampler: argument full: got 0; expected how many"),
    "unknown mutant": (
        lambda c: c.sampler("f", notices=["x"]),
        r"notices: got 'x'; expected names of mutants: 'smaller'",
    ),
    "no mutant": (
        lambda c: c.sampler("f", notices=[["smaller"]]),
        r"notices: got \['smaller'\]; expected names of mutants",
    ),  # type: ignore[list-item]
    "one string": (
        lambda c: c.sampler("f", notices="smaller"),
        r"notices: got 'smaller' alone; expected a list of names",
    ),
    "kind": (lambda c: c.proof("f", kind="exact"), r"Claim.proof: argument kind: got 'exact'"),  # type: ignore[arg-type]
    "proof": (lambda c: c.proof("f")(lambda n: 1), r"Claim.proof: .* expected a function \(\*, part=value"),
    "proof twice": (lambda c: (c.proof("f")(lambda: 1), c.proof("f")(lambda: 1)), r"Claim.proof: .*'f' a second"),
    "part of a proof": (lambda c: c.proof("f")(lambda *, x=1: 1), r"Claim.proof: argument 'f': got the unknown part x"),
    "a mutant it cannot see": (
        lambda c: c.proof("f", notices=["smaller"])(lambda: 1),
        r"Claim.proof: argument 'f': got a function that takes no part which the mutant 'smaller' changes; expected one of b",
    ),
    "engine": (lambda c: c.measurement("seen", "f"), r"Claim.measurement: argument engine: got 'seen'"),  # type: ignore[arg-type]
    "measurement": (
        lambda c: c.measurement("search", "f")(lambda rng: Measured(0, "")),
        r"Claim.measurement: .* expected a function \(rng, profile, tick",
    ),
    "measurement twice": (
        lambda c: [c.measurement("search", "f")(lambda rng, profile, tick: Measured(0, "")) for _ in range(2)],
        r"Claim.measurement: .*'f' a second",
    ),
    "hypothesis": (
        lambda c: c.without("small"),
        r"Claim.without: argument hypothesis: got 'small'; expected one of 'whole'",
    ),
    "hypothesis twice": (
        lambda c: (c.without("whole")(nothing), c.without("whole")(nothing)),
        r"'whole' a second time",
    ),
    "part without": (lambda c: c.without("whole", x=1), r"Claim.without: argument 'whole': got the unknown part x"),
    "part in front": (
        lambda c: Claim("a", statement="s").refute(lambda n, bound=3: None),
        r"got the part bound in front of a \*; .* Write it behind a \*",
    ),
    "asynchronous": (lambda c: c.nonvacuous(later), r"Claim.nonvacuous: .*got later: it is asynchronous"),
    "asynchronous problems": (lambda c: c.family("f")(ever), r"Claim.family: .*got ever: it is asynchronous"),
    "key": (lambda c: c.sampler("f", key=5), r"Claim.sampler: argument key: got 5; expected a function"),  # type: ignore[arg-type]
    "cases twice": (lambda c: (c.cases(len), c.cases(len)), r"Claim.cases: argument function: got a second one"),
    "decisive twice": (lambda c: (c.decisive(len), c.decisive(len)), r"Claim.decisive: .* got a second one"),
    "nonvacuous twice": (
        lambda c: (c.nonvacuous(callable), c.nonvacuous(callable)),
        r"Claim.nonvacuous: .* got a second one",
    ),
    "cases": (lambda c: c.cases(lambda: 1), r"Claim.cases: .* expected a function \(problem\)"),
    "nonvacuous": (lambda c: c.nonvacuous(lambda: True), r"Claim.nonvacuous: .* expected a function \(problem\)"),
    "decisive": (lambda c: c.decisive(lambda: 1), r"Claim.decisive: .* expected a function \(problem\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_part_of_a_claim_is_refused_where_it_is_written(name: str) -> None:
    register, message = REFUSED[name]
    with pytest.raises(InvalidArgument, match=message):
        register(claim_())


@pytest.mark.parametrize("found", [True, "yes", [1], {1: 2}])
def test_what_refutes_is_said_in_facts(found: Any) -> None:
    claim = Claim("a", statement="s")
    claim.refute(lambda n: found)
    with pytest.raises(InvalidArgument, match=r"Claim: argument what refute returns: got .*; expected facts as"):
        claim.facts(3)


def test_facts_are_json() -> None:
    claim = Claim("a", statement="s")
    facts = {
        "bool": True, "none": None, "int": np.int64(3), "exact": Fraction(1, 3), "float": np.float64(0.5), "text": "x",
        "nested": {"a": (1, {2}), 3: [Fraction(2)]}, "other": Point,
    }  # fmt: skip
    claim.refute(lambda n: facts)
    assert json.loads(json.dumps(claim.facts(0))) == claim.facts(0) == {
        "bool": True, "none": None, "int": 3, "exact": "1/3", "float": 0.5, "text": "x", "nested": {"a": [1, [2]], "3": ["2"]},
        "other": repr(Point),
    }  # fmt: skip


def test_a_measurement_returns_what_it_measured() -> None:
    claim = claim_()
    claim.measurement("search", "m")(lambda rng, profile, tick: 3)  # type: ignore[arg-type,return-value]
    with pytest.raises(
        InvalidArgument, match=r"Claim\.measurement: argument m: got the int 3; expected what it Measured"
    ):
        engines.measure(claim, claim.measurements[0], "quick", 0, Ticks())


@pytest.mark.parametrize("number", [None, -1, 1.5, "3", True])
def test_numbers_of_cases_and_steps_are_whole(number: Any) -> None:
    claim = claim_()
    claim.family("f")(lambda profile: [1])
    claim.proof("p")(lambda: number)
    claim.measurement("search", "m")(lambda rng, profile, tick: Measured(number, "seen"))
    claim.measurement("search", "n")(lambda rng, profile, tick: Measured(1, "seen", decisive=number))
    with pytest.raises(InvalidArgument, match=r"Claim: argument what p returns: got .* expected a whole number >= 0"):
        engines.prove(claim, claim.proofs[0])
    for measurement, name in [*zip(claim.measurements, ("instances", "decisive"), strict=True)][
        : 1 + (number is not None)
    ]:
        with pytest.raises(InvalidArgument, match=f"Measured: argument {name}: got .* expected a whole number >= 0"):
            engines.measure(claim, measurement, "quick", 0, Ticks())
    claim.decisive(lambda n: number)
    with pytest.raises(InvalidArgument, match="what decisive returns"):
        engines.exhaust(claim, claim.families[0], "quick", Ticks())
    claim.cases(lambda n: number)
    with pytest.raises(InvalidArgument, match="what cases returns"):
        engines.exhaust(claim, claim.families[0], "quick", Ticks())


def test_more_cases_are_decisive_than_there_are() -> None:
    claim = claim_()
    claim.family("f")(lambda profile: [1])
    claim.decisive(lambda n: 2)
    with pytest.raises(InvalidArgument, match=r"what decisive returns: got 2; expected at most the 1 case\."):
        engines.exhaust(claim, claim.families[0], "quick", Ticks())
    with pytest.raises(InvalidArgument, match=r"Measured: argument decisive: got 4; expected at most the 3 cases"):
        Measured(3, "seen", decisive=4)
    assert Measured(3, "seen", decisive=3).decisive == 3


def test_only_where_there_are_cases_some_are_decisive() -> None:
    claim = claim_()
    claim.family("f")(lambda profile: [1, 2])
    claim.cases(lambda n: n - 1)
    claim.decisive(lambda n: 1)
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert (evidence.kind, evidence.instances, evidence.decisive) == ("supported", 1, 1)


@pytest.mark.parametrize("refutation", [True, (5, None), {"a": 1}, (1, {}, 2), 5])
def test_a_refutation_that_is_measured_is_a_problem_with_facts(refutation: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"Measured: argument refutation: got .*; expected a pair \(problem"):
        Measured(1, "seen", refutation)


def test_what_was_measured_is_said_in_words() -> None:
    with pytest.raises(InvalidArgument, match="Measured: argument summary: got None; expected a text"):
        Measured(1, None)  # type: ignore[arg-type]
    assert type(Measured(np.int64(3), "seen").instances) is int  # type: ignore[arg-type]


@pytest.mark.parametrize("found", [None, 1, "no", [], Fraction(1)])
def test_whether_the_hypotheses_hold_is_true_or_false(found: Any) -> None:
    claim = claim_()
    claim.nonvacuous(lambda n: found)
    with pytest.raises(InvalidArgument, match=r"what nonvacuous returns: got .*; expected True or False"):
        claim.holds_on(1)
    other = claim_()
    other.nonvacuous(lambda n: np.bool_(n == 1))  # type: ignore[arg-type,return-value]
    assert (other.holds_on(1), other.holds_on(2)) == (True, False)


async def endless() -> Any:
    yield 1


@pytest.mark.parametrize("found", [None, 3, endless()], ids=["None", "3", "endless"])
def test_what_is_no_problems_names_the_family(found: Any) -> None:
    claim = claim_()
    claim.family("f")(lambda profile: found)
    claim.without("whole")(lambda: found)
    expected = r"Claim: argument what '{}' returns: got the \w+ .*; expected problems, one by one"
    with pytest.raises(InvalidArgument, match=expected.format("f")):
        engines.exhaust(claim, claim.families[0], "quick", Ticks())
    with pytest.raises(InvalidArgument, match=expected.format("whole")):
        engines.drop(claim, "whole", Ticks())
    for address in ({"family": "f", "profile": "quick", "index": 0}, {"without": "whole", "index": 0}):
        with pytest.raises(InvalidArgument, match=expected.format("f|whole")):
            _problem(claim, {"address": address}, "witness")


def test_a_strategy_is_one_of_hypothesis() -> None:
    claim = claim_()
    claim.sampler("drawn")(lambda: 5)
    with pytest.raises(InvalidArgument, match=r"Claim\.sampler: argument drawn: got the int 5; expected a Hypothesis"):
        engines.sample(claim, claim.samplers[0], "quick", 0, Ticks())


def test_a_family_that_cannot_be_made_costs_a_mutant_nothing() -> None:
    claim = claim_()

    @claim.family("bad")
    def bad(profile: str) -> list[int]:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        engines.refute_mutant(claim, "smaller", "quick", Ticks())
    claim.family("good")(lambda profile: [2, 4])
    witness = engines.refute_mutant(claim, "smaller", "quick", Ticks())
    assert witness is not None
    assert witness["facts"] == {"n": 4}


def test_a_hypothesis_is_told_to_a_statement_that_is_written_after_it() -> None:
    claim = Claim("a", statement="s", hypotheses={"even": "n is even"})
    claim.without("even")(lambda: [3])
    claim.refute(lambda n, *, without="": {"n": n} if without == "even" else None)
    witness = engines.drop(claim, "even", Ticks())
    assert witness is not None
    claim.address = "mine"
    assert _parts(claim, "without: even", "witness") == {"without": "even"}


class Place:
    """Equal to itself alone."""

    def __init__(self, n: int) -> None:
        self.n = n


def test_problems_that_equal_themselves_alone_are_drawn_once_each() -> None:
    drawn = sampled(st.integers(0, 1).map(Place))
    assert drawn.scope.startswith("drawn: 2 distinct ones drawn")
    assert sampled(st.integers(0, 1).map(lambda n: lambda: n)).kind == "supported"  # these do not pickle


def test_numbers_of_numpy_are_numbers() -> None:
    claim = claim_()
    claim.family("f")(lambda profile: [1])
    claim.cases(lambda n: np.int64(3))
    evidence = engines.exhaust(claim, claim.families[0], "quick", Ticks())
    assert json.dumps([evidence.instances, evidence.decisive]) == "[3, 3]"


def sampled(strategy: st.SearchStrategy[Any], **options: Any) -> Any:
    claim = Claim("lists", statement="s")
    claim.refute(lambda drawn: None)
    claim.sampler("drawn", quick=20, **options)(lambda: strategy)
    return engines.sample(claim, claim.samplers[0], "quick", 0, Ticks())


def test_mutable_problems_are_drawn_once_each() -> None:
    few = sampled(st.lists(st.booleans(), max_size=1))
    assert few.scope.startswith("drawn: 3 distinct ones drawn")
    unhashable = st.integers().map(lambda n: [lambda: n])
    with pytest.raises(InvalidArgument, match=r"which does not pickle .* Give the sampler a key: key=lambda problem"):
        sampled(unhashable)
    assert sampled(unhashable, key=lambda drawn: drawn[0]() % 2).scope.startswith("drawn: 2 distinct ones drawn")


def test_the_module_of_these_claims_is_what_a_user_writes() -> None:
    """It takes what it needs from the package and its form alone."""
    tree = ast.parse((Path(__file__).parent / "own_claims.py").read_text(encoding="utf-8"))
    ours = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and "proofs_check" in str(node.module)
    ]
    assert ours == ["proofs_check", "proofs_check.claims.claim"]


def test_problems_are_shown_in_words() -> None:
    assert str(problem(2)).splitlines()[0] == str(HeadClass(1))
    assert "both laws: length 2, 1 of (1,) -> 0 planted by " in str(problem(2))
    assert in_words("x" * 2000) == "x" * 1000 + "..."
    assert in_words(10**5000) == "a value of int that does not print"
    assert low.facts((30, 7)) == {"sum": 37}


def test_facts_that_no_file_could_hold_are_shortened(folder: Path, capsys: Out) -> None:
    """And cost neither the witness nor what is found of other claims."""
    values = (
        "10**5000",
        "Fraction(10**5000, 3)",
        "float('nan')",
        "'\\ud800'",
        "{'b', 'a'}",
        "object()",
        "Fraction(1, 3)",
    )
    module(
        folder, "large", "from fractions import Fraction", "from proofs_check import Claim",
        "claim, small = Claim('a', statement='s'), Claim('b', statement='s')",
        "@claim.refute", "def refute(n):", f"    return {{'facts': [{', '.join(values)}]}}",
        "small.refute(lambda n: {'n': n})",
        "claim.family('one')(lambda profile: [1])", "small.family('two')(lambda profile: [2])",
    )  # fmt: skip
    assert main(["check", "--claim", "large", "--jobs", "1", "--json", "r.json"]) == 1
    found = json.loads((folder / "r.json").read_text(encoding="utf-8"))["claims"]
    assert found[0]["evidence"][0]["witness"]["facts"] == {
        "facts": [
            "<an integer of 16610 bits>", "<a fraction of 16610 bits>", "nan", r"'\ud800'", ["a", "b"], "<object>", "1/3",
        ]
    }  # fmt: skip
    assert found[1]["evidence"][0]["witness"]["facts"] == {"n": 2}
    assert main(["replay", "r.json"]) == 0


def test_what_leaves_a_test_leaves_no_check(folder: Path, capsys: Out) -> None:
    """`pytest.skip` and a generator that is closed raise what is no Exception."""
    module(
        folder, "leaving", "import pytest", "from proofs_check import Claim", "claim = Claim('a', statement='s')",
        "@claim.refute", "def refute(n):", "    if n == 1:", "        pytest.skip('not today')", "    raise GeneratorExit",
        r"claim.family(r'a path \[/one] x')(lambda profile: [1])", "claim.family('two')(lambda profile: [2])",
    )  # fmt: skip
    try:
        status: object = main(["check", "--claim", "leaving", "--jobs", "1", "--json", "r.json"])
    except BaseException as error:  # which would skip this test
        status = error
    assert status == 2
    (found,) = json.loads((folder / "r.json").read_text(encoding="utf-8"))["claims"]
    assert [item["kind"] for item in found["evidence"]] == ["inconclusive"] * 2
    assert "Skipped: not today" in found["evidence"][0]["scope"]
    assert r"\[/one]" in capsys.readouterr().out


def test_beside_a_package_of_our_names_the_work_goes_on_in_one_process(folder: Path) -> None:
    """Workers look in the folder first, and would import that package."""
    (folder / "theory").mkdir()
    (folder / "theory" / "__init__.py").write_text("raise SystemExit(7)\n", encoding="utf-8")
    module(
        folder, "few", "from proofs_check import Claim", "claim = Claim('a', statement='s')",
        "claim.refute(lambda n: None)", "claim.family('one')(lambda profile: [1])", "claim.family('two')(lambda profile: [2])",
    )  # fmt: skip
    with pytest.warns(RuntimeWarning, match="no worker processes .the package theory comes from .* in one process"):
        assert main(["check", "--claim", "few", "--jobs", "2", "--json", "r.json"]) == 0


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-claim.md").read_text(encoding="utf-8")


def rough(output: str) -> list[str]:
    """What was printed, without what depends on the machine or on what Hypothesis draws: of a table, its words."""
    lines = output.splitlines()
    table = [line for line in lines if line[:1] in "┏┃┡│└"]
    words = sorted(re.findall(r"[^\W\d]+", " ".join(table)))
    return words + [re.sub(r"\d+", "#", line) if " holds: " in line else line for line in lines if line not in table]


def test_the_page_says_what_happens(folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(code, encoding="utf-8")
    assert {file.name for file in folder.iterdir()} == {"guess.py", "lemma.py"}
    statuses = []
    for command, output in re.findall(r"```console\n\$ lengthgen (.*?)\n(.*?)```", PAGE, re.DOTALL):
        statuses.append(main(command.split()))
        assert rough(capsys.readouterr().out) == rough(output), command
    assert statuses == [1, 0, 0]


def test_a_long_error_is_cut_off() -> None:
    assert said(ValueError("x" * 200)) == f"ValueError: {'x' * 200}"
    assert said(ValueError("x" * 201)) == f"ValueError: {'x' * 200}..."
