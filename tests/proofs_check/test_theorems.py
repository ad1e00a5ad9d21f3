"""What Coq proved: the table, the stored result and when it counts, evidence and witnesses, the page and the figure."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proofs_check import report as reports
from proofs_check.claims import find
from proofs_check.claims.checks import Task, perform, run
from proofs_check.commands.main import main
from proofs_check.pages import catalogue, html_report
from proofs_check.replay import replay
from proofs_check.theorems import compiling, graph, stored
from proofs_check.theorems.compiling import ask
from proofs_check.theorems.stored import Said, Stored, digest_of_sources, digest_of_statements
from proofs_check.theorems.table import JUDGE, TABLE, Theorem, table, theorems
from theory import InvalidArgument
from theory.claims import CLAIMS
from theory.errors import BackendUnavailable

DOCS = Path(__file__).parents[2] / "docs"
TASK = Task("coq", "T8", "theorems T8, T8_exact, T8_factor")

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources with what is stored of them, in place of ours."""
    folder = tmp_path / "coq"
    folder.mkdir()
    for file in [*stored.SOURCES.glob("*.v"), stored.SOURCES / stored.FILE]:
        shutil.copy(file, folder)
    monkeypatch.setattr(stored, "SOURCES", folder)
    return folder


def rewrite(folder: Path, change: Callable[[Stored], Stored]) -> None:
    """Store something else."""
    known = stored.read(folder)
    assert known is not None
    (folder / stored.FILE).write_text(json.dumps(stored.to_data(change(known))), encoding="utf-8")


def said_of(name: str, said: Said) -> Callable[[Stored], Stored]:
    """With this said of a theorem, and the digest that fits."""

    def change(known: Stored) -> Stored:
        found = {**known.theorems, name: said}
        return replace(known, theorems=found, statements=digest_of_statements(found))

    return change


# ── The table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_claim_has_a_row_and_what_no_theorem_says_is_named() -> None:
    assert list(TABLE) == [claim.id for claim in CLAIMS]
    for claim, row in TABLE.items():
        assert row.theorems or row.on_paper, claim
        assert len({theorem.name for theorem in row.theorems}) == len(row.theorems)


def test_every_theorem_of_the_table_stands_in_its_file_and_its_assumptions_are_printed() -> None:
    for theorem in theorems():
        text = (stored.SOURCES / theorem.file).read_text(encoding="utf-8")
        assert re.search(rf"^(Theorem|Lemma|Corollary) {theorem.short}\b", text, re.M), theorem
    assert {theorem.name for theorem in JUDGE} < {theorem.name for theorem in theorems()}


def test_the_page_has_the_table() -> None:
    page = (DOCS / "proofs.md").read_text(encoding="utf-8")
    assert table() in page, f"Put this into docs/proofs.md:\n{table()}"


def test_words_of_the_table_are_shown_as_they_are() -> None:
    assert r"with \|Y\| = 1, (c) decides alone" in table()
    assert r"S\*" in table()


# ── What is stored ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_stored_is_of_these_sources() -> None:
    known = stored.read()
    assert known is not None, "make proofs"
    assert stored.doubt(known, theorems()) is None
    assert set(known.theorems) == {theorem.name for theorem in theorems()}
    for name, said in known.theorems.items():
        assert said.axioms == (), name
        assert "forall" in said.statement or "=" in said.statement, name


def test_a_claim_with_theorems_is_proved_and_the_evidence_says_by_what() -> None:
    found = perform(TASK, "quick", 0, lambda cases: None).evidence
    assert found is not None
    assert (found.kind, found.engine, found.instances, found.decisive) == ("proved", "coq", 3, 3)
    assert found.scope.startswith(
        "theorems T8, T8_exact, T8_factor: a rollout is wrong with probability at most 2 Σ ε_t; "
    )
    assert re.search(
        r"; without axioms, as Coq 8\.\d+\S* said of these very sources \(stored result\); "
        r"on paper: from T1's verdict to rollouts$",
        found.scope,
    )
    assert set(found.statements) == {"T8.T8", "T8.T8_exact", "T8.T8_factor"}
    assert "<=" in found.statements["T8.T8"]


def test_changed_sources_are_inconclusive(sources: Path) -> None:
    assert stored.evidence("T8").kind == "proved"
    with (sources / "T1.v").open("a", encoding="utf-8") as file:
        file.write("\n")
    found = perform(TASK, "quick", 0, lambda cases: None).evidence
    assert found is not None
    assert (found.kind, found.instances, dict(found.statements)) == ("inconclusive", 0, {})
    assert "the sources are not those that Coq 8." in found.scope
    assert found.scope.endswith("Run: make proofs (it needs Coq: apt install coq)")


def test_a_file_that_is_added_renamed_or_removed_is_a_change(sources: Path) -> None:
    before = digest_of_sources()
    (sources / "T8.v").rename(sources / "T08.v")
    renamed = digest_of_sources()
    (sources / "T08.v").unlink()
    assert len({before, renamed, digest_of_sources()}) == 3


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{", '{"schema": 2}', '{"schema": 1, "coq": "8.16"}', '{"schema": 1, "theorems": []}']
)
def test_without_a_stored_result_nothing_is_proved(text: str | None, sources: Path) -> None:
    (sources / stored.FILE).unlink()
    if text is not None:
        (sources / stored.FILE).write_text(text, encoding="utf-8")
    found = stored.evidence("T8")
    assert found.kind == "inconclusive"
    assert "nothing is stored that Coq said of it" in found.scope


def test_a_statement_that_was_edited_is_inconclusive(sources: Path) -> None:
    def edit(known: Stored) -> Stored:
        return replace(known, theorems={**known.theorems, "T8.T8": Said("0 = 1")})

    rewrite(sources, edit)
    assert stored.evidence("T8").kind == "inconclusive"
    assert "the stored statements are not those that Coq 8." in stored.evidence("T8").scope


def test_a_theorem_that_was_not_asked_about_is_inconclusive(sources: Path) -> None:
    def drop(known: Stored) -> Stored:
        found = {name: said for name, said in known.theorems.items() if name != "T8.T8_factor"}
        return replace(known, theorems=found, statements=digest_of_statements(found))

    rewrite(sources, drop)
    assert "was not asked about T8.T8_factor" in stored.evidence("T8").scope
    assert stored.evidence("T7").kind == "proved"


def test_an_axiom_refutes_with_a_witness_that_replays(sources: Path) -> None:
    rewrite(sources, said_of("T8.T8_exact", Said("0 = 0", ("classic",))))
    found = perform(TASK, "quick", 0, lambda cases: None).evidence
    assert found is not None
    assert (found.kind, found.scope) == ("refuted", "theorems T8, T8_exact, T8_factor: T8.T8_exact depends on an axiom")
    witness = json.loads(json.dumps(found.witness))
    assert witness["facts"] == {"theorem": "T8.T8_exact", "axioms": ["classic"]}
    assert replay(witness).reproduced
    assert stored.evidence("T7").kind == "proved"
    rewrite(sources, said_of("T8.T8_exact", Said("0 = 0")))
    assert not replay(witness).reproduced
    with pytest.raises(InvalidArgument, match="expected a theorem of T8"):
        replay({**witness, "problem": {"value": "T7.T7_floor"}})


def test_users_claims_have_no_theorems() -> None:
    assert find("tests.proofs_check.own_claims:mean").compiled == []
    assert find("T3b").compiled == [] or TABLE["T3b"].theorems


# ── Reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_reports_show_the_statements(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run([TASK], profile="quick", seed=0, jobs=1, watch=lambda task, cases, done: None)
    report = json.loads(json.dumps(reports.build(outcome)))
    (item,) = report["claims"][0]["evidence"]
    assert item["statements"]["T8.T8"] == stored.read().theorems["T8.T8"].statement  # type: ignore[union-attr]
    page = html_report.page(report)
    assert "<summary>The statements</summary>" in page
    assert "T8.T8_factor : " in page
    assert "T8.T8 : " in "\n".join(catalogue._statements(item))
    assert catalogue._statements({"scope": "a family"}) == []


def test_the_command_prints_what_is_proved(
    sources: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["proofs"]) == 0
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "10000")
    assert main(["proofs", "--statements"]) == 0
    out = capsys.readouterr().out
    assert narrow.split() == re.sub(r"^\n.* :\n(.*\n)*?\n", "", out, flags=re.M).split()
    assert "T8: proved: theorems T8, T8_exact, T8_factor: " in out
    assert "T12.T12_hamming :" in out
    assert re.search(r"^\d+ theorems, none of which depends on an axiom \(Coq 8\.", out, re.M)
    rewrite(sources, said_of("T8.T8_exact", Said("0 = 0", ("classic",))))
    assert main(["proofs"]) == 1
    assert "T8: refuted: T8.T8_exact depends on classic" in capsys.readouterr().out
    (sources / stored.FILE).unlink()
    assert main(["proofs"]) == 2


# ── Coq itself ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_coq_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    with pytest.raises(
        BackendUnavailable, match=r"got no program coqc; expected Coq with its OCaml\. Install it .*: apt install coq"
    ):
        compiling.build()


def test_what_coq_prints_is_read() -> None:
    closed = "Closed under the global context\nT8 : forall x : nat,\n     x = x\n"
    assert compiling._said("T8.T8", closed) == Said("forall x : nat,\n     x = x")
    assumed = "Axioms:\nclassic : forall P : Prop, P \\/ ~ P\next\n  : forall A, A\nT8.T8\n     : 0 = 0\n"
    assert compiling._said("T8.T8", assumed) == Said("0 = 0", ("classic", "ext"))


@needs_coq
@pytest.mark.slow
def test_coq_finds_an_axiom_and_a_file_that_is_broken(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all: T8.vo\nT8.vo: T8.v\n\tcoqc -Q . LG T8.v\n", encoding="utf-8")
    source = "Axiom choice : 1 = 2.\nTheorem T8_exact : 2 = 1. Proof. now rewrite <- choice. Qed.\n"
    source += "Theorem T8 : 1 = 1. Proof. auto. Qed.\n"
    (tmp_path / "T8.v").write_text(source, encoding="utf-8")
    folder = compiling.build(folder=tmp_path)
    found = ask(folder, [Theorem("T8.T8", ""), Theorem("T8.T8_exact", "")])
    assert found.theorems == {
        "T8.T8": Said("1%nat = 1%nat"), "T8.T8_exact": Said("2%nat = 1%nat", ("choice",))
    }  # fmt: skip
    assert found.sources == digest_of_sources(tmp_path)
    with pytest.raises(InvalidArgument, match="got a file that does not compile"):
        ask(folder, [Theorem("T8.T9", "")])
    (tmp_path / "T8.v").write_text("Theorem T8 : 1 = 2. Proof. auto. Qed.\n", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="got files that do not build"):
        compiling.build(folder=tmp_path)


def test_sources_that_cannot_be_written_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling.os, "access", lambda path, mode: False)
    copy = compiling._writable(stored.SOURCES)
    assert copy.parent == tmp_path / "lengthgen"
    assert digest_of_sources(copy) == digest_of_sources()
    assert not list(copy.glob("*.vo")), "what was compiled elsewhere"


# ── The figure ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_graph_has_every_file_and_no_arrow_that_others_imply() -> None:
    drawn = graph.graph()
    assert set(drawn) == {file.stem for file in stored.SOURCES.glob("*.v")}
    assert set(drawn.predecessors("Ensemble")) == {"Planted"}  # which requires Core
    assert set(graph.uses()["Ensemble"]) == {"Core", "Planted"}


def test_the_figure_of_the_page_is_that_of_the_sources(tmp_path: Path) -> None:
    path = tmp_path / "proofs.svg"
    graph.draw(path)
    text = path.read_text(encoding="utf-8")
    for name in graph.graph():
        assert f">{name}</text>" in text
    kept = (DOCS / "images" / "proofs.svg").read_text(encoding="utf-8")
    assert set(re.findall(r">(\w+)</text>", kept)) == set(graph.graph()), (
        "lengthgen proofs --figure docs/images/proofs.svg"
    )
    with pytest.raises(InvalidArgument, match=r"expected a name that ends in \.svg or \.png"):
        graph.draw(tmp_path / "proofs.pdf")


@needs_coq
@pytest.mark.slow
def test_what_was_compiled_from_other_sources_is_compiled_again(tmp_path: Path) -> None:
    """Also where the times of the files say that nothing changed, as after unpacking an archive."""
    source = tmp_path / "T8.v"
    (tmp_path / "Makefile").write_text("all: T8.vo\nT8.vo: T8.v\n\tcoqc -Q . LG T8.v\n", encoding="utf-8")
    for statement in ("1 = 1", "2 = 2"):
        source.write_text(f"Theorem T8 : {statement}. Proof. reflexivity. Qed.\n", encoding="utf-8")
        os.utime(source, (0, 0))
        found = ask(compiling.build(folder=tmp_path), [Theorem("T8.T8", "")])
        assert found.theorems["T8.T8"].statement == statement.replace(" =", "%nat =") + "%nat"
