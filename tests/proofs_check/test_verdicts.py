"""Verdicts on tasks: they follow the sparsity as the theory says, known cells by hand, the table, the file, the names."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from rich.console import Console

from proofs_check import advise
from proofs_check.commands.main import main
from proofs_check.verdicts import deciding
from proofs_check.verdicts import table as verdicts
from proofs_check.verdicts.deciding import SCHEMES, Cell, Decision, verdict
from proofs_check.verdicts.subjects import Subject
from proofs_check.verdicts.table import Question
from theory import (
    BudgetExceeded,
    HardHead,
    HeadClass,
    InvalidArgument,
    PlantedEnsemble,
    certificate_length,
    cones,
    decide,
    support,
    tasks,
)
from theory.examples import FiniteLaw
from theory.positions import random_ordered
from theory.tasks.base import Tokens
from theory.tasks.dense import Dense
from theory.tasks.planted import Planted

ROOT = Path(verdicts.__file__).parent.parent
Labels = dict[tuple[int, ...], int]


# ── Random sparse and dense tasks ────────────────────────────────────────────────────────────────────────────────────


@st.composite
def targets(draw: DrawFn, n: int, digits: tuple[int, int]) -> Labels:
    """Boolean functions of n bits that depend on all of them at some word: changing any one bit changes the label."""
    words = list(product(digits, repeat=n))
    labels = dict(zip(words, draw(st.lists(st.integers(0, 1), min_size=len(words), max_size=len(words))), strict=True))
    word = draw(st.sampled_from(words))
    for i, bit in enumerate(word):
        labels[(*word[:i], sum(digits) - bit, *word[i + 1 :])] = 1 - labels[word]
    return labels


@st.composite
def sparse_tasks(draw: DrawFn, min_arity: int = 1, max_arity: int = 3) -> Planted:
    """A function of k marked tokens, at any k places among noise."""
    target = draw(targets(draw(st.integers(min_arity, max_arity)), (1, 2)))
    law = {word: Fraction(1, len(target)) for word in target}
    return Planted(PlantedEnsemble(3, [1, 0, 0], law, target, support.uniform(), (0, 1)))


@dataclass(frozen=True)
class Table(Dense):
    """A dense task by its table of answers."""

    answers: Labels

    name = "table"

    def answer(self, digits: Tokens) -> int:
        return self.answers[digits]


@st.composite
def dense_tasks(draw: DrawFn, lengths: range) -> Table:
    """A function of all bits at every length."""
    return Table({word: label for n in lengths for word, label in draw(targets(n, (0, 1))).items()})


schemes = st.sampled_from(list(SCHEMES))


@given(task=sparse_tasks())
@pytest.mark.slow
def test_a_k_sparse_task_generalizes_from_2k_and_from_nothing_shorter(task: Planted) -> None:
    """T2, both ways: the noise is constant and unmarked, and both labels occur."""
    k = task.sparsity
    cell = verdict(Subject(task, range(k, 2 * k + 1), range(k, 2 * k + 2)), "none")
    assert [(decision.heads.arity, decision.certificate) for decision in cell.decisions] == [(k, 2 * k)]


@given(task=sparse_tasks(min_arity=2), scheme=schemes, data=st.data())
def test_no_head_of_smaller_arity_is_perfect_on_a_sparse_task(task: Planted, scheme: str, data: st.DataObject) -> None:
    """T5 (ii): a proper part of the word on which the label depends on every token says nothing."""
    k, shortest = task.sparsity, data.draw(st.integers(task.sparsity, 4))
    subject = Subject(task, [shortest], [shortest + 1], arities=tuple(range(1, k)))
    assert verdict(subject, scheme, mixed=data.draw(st.booleans())).outcome == "unrealizable"


@given(task=dense_tasks(range(4, 6)), scheme=schemes)
def test_no_head_of_fixed_arity_is_perfect_on_a_dense_task(task: Table, scheme: str) -> None:
    cell = verdict(Subject(task, [4], [4, 5]), scheme)
    assert [(decision.heads.arity, decision.outcome) for decision in cell.decisions] == [
        (arity, "unrealizable") for arity in (1, 2, 3)
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("arity", [1, 2, 3])
def test_no_head_of_fixed_arity_is_perfect_on_the_parity_of_more_bits(arity: int, scheme: str) -> None:
    """T7."""
    subject = Subject(tasks.FullParity(), range(arity + 1, 6), [6], arities=(arity,))
    assert verdict(subject, scheme).outcome == "unrealizable"


@given(arity=st.integers(1, 3), scheme=schemes)
def test_majority_can_be_read_off_exactly_up_to_2r_minus_1_bits(arity: int, scheme: str) -> None:
    """Dense, and yet r bits that agree settle the majority of 2r - 1: the lengths of a contrast must be above it."""

    def outcome(length: int) -> str:
        return verdict(Subject(tasks.Majority(), [length], [length + 1], arities=(arity,)), scheme).outcome

    assert outcome(2 * arity - 1) != "unrealizable"
    assert outcome(2 * arity + 1) == "unrealizable"


# ── Cells by hand ────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN, QUERY = (Subject(tasks.ScratchpadParity(coupling), range(1, 5), range(1, 7)) for coupling in ("token", "query"))
PAIRED = verdicts.subjects()["sparse parity, paired"]
LOCAL = verdicts.subjects()["sparse parity, local"]
UNIFORM = verdicts.subjects()["sparse parity, k = 2"]
CELLS: dict[str, tuple[Subject, str, str, int | None]] = {
    "T8, query-coupled": (QUERY, "coupled", "✓ from 2", 0),
    "T8, query-coupled, predicted": (QUERY, "predictive", "✓ from 2", 0),
    "T8, query-coupled, any order-preserving IDs": (QUERY, "random ordered", "✓ from 2", 0),
    "T8, token-coupled": (TOKEN, "coupled", "✓ from 3", 1),
    "T8, token-coupled, predicted": (TOKEN, "predictive", "✓ from 3", 1),
    "T8, token-coupled, the offset destroyed": (TOKEN, "random ordered", "∅ no head", None),
    "parity needs its position": (TOKEN, "none", "∅ no head", None),
    "T2": (UNIFORM, "none", "✓ from 4", None),
    "T4 (i)": (UNIFORM, "absolute", "✗ unseen", None),
    "T4 (ii), with a window that grows": (UNIFORM, "coupled", "✗ unseen", 6),
    "T4 (iii), relative": (LOCAL, "relative window", "✓ from 4", 2),
    "T4 (iii), shifted": (LOCAL, "random shift", "✓ from 4", 2),
    "T5 (i)": (PAIRED, "coupled", "✓ from 4", 0),
    "T5 (iii)": (PAIRED, "relative window", "✗ unseen", 3),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_known_from_the_theory(name: str) -> None:
    subject, scheme, word, window = CELLS[name]
    (decision,) = verdict(subject, scheme).decisions
    assert (decision.word, decision.heads.window) == (word, window)


def test_pointer_chasing_generalizes_when_its_path_is_predicted() -> None:
    subject = Subject(tasks.PointerChasing(2, (1, 2)), range(1, 4), range(1, 5))
    cells = {scheme: verdict(subject, scheme) for scheme in ("absolute", "relative window", "predictive")}
    assert {scheme: cell.decisions[0].word for scheme, cell in cells.items()} == {
        "absolute": "∅ no head", "relative window": "∅ no head", "predictive": "✓ from 2",
    }  # fmt: skip


@pytest.mark.slow
def test_multiplication_generalizes_only_with_the_multiplier_carried_along() -> None:
    carried, plain = (verdicts.subjects()[f"multiplication, {name}"] for name in ("carried", "plain"))
    assert verdict(carried, "coupled").decisions[0].word == "✓ from 4"
    cell = verdict(plain, "coupled")
    assert (cell.outcome, cell.growing) == ("unrealizable", True)


# ── The laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────

SMALL: dict[str, Subject] = {
    "parity, query": QUERY,
    "copy": Subject(tasks.Copy(2), range(1, 4), range(1, 6)),
    "addition": Subject(tasks.Addition(2, carry=True), range(1, 4), range(1, 5)),
    "pointers": Subject(tasks.PointerChasing(1, (1, 2)), range(1, 4), range(1, 6)),
    "parity": Subject(tasks.FullParity(), range(4, 6), range(4, 7)),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("scheme", ["none", "absolute", "relative window", "coupled", "predictive"])
def test_a_cell_says_what_decide_says_of_the_examples_of_the_task(name: str, scheme: str) -> None:
    subject = SMALL[name]

    def law(length: int) -> FiniteLaw:
        own = SCHEMES[scheme]
        return FiniteLaw.uniform(subject.task.examples(length, coupled=own.coupled, increments=own.increments))

    for decision in verdict(subject, scheme).decisions:
        found = certificate_length(decision.heads, law, lengths=subject.train, test_lengths=subject.test)
        assert found.length == decision.certificate
        if decision.witness is not None:
            longest = max(subject.train)
            given = found.verdicts[longest]
            assert (given.outcome, given.reason) == (decision.outcome, decision.reason)
            assert (given.example, given.view) == (decision.witness.example, decision.witness.view)
            assert decision.witness.test_loss == (None if given.test_loss is None else str(given.test_loss))
            head = None if given.counterexample is None else tuple(given.counterexample.answers.items())
            assert decision.witness.head == (head if head is None or len(head) <= deciding.HEAD else None)


def test_the_head_of_a_file_loses_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebuilt from the file alone; a head that selects more than the cap is left out, and counted all the same."""
    subject = Subject(tasks.Copy(2), [2], [3])  # labels are pairs
    cell = verdict(subject, "predictive")
    (read,) = verdicts.from_data(json.loads(json.dumps(verdicts.to_data([cell]))))
    witness = read.decisions[0].witness
    assert witness is not None
    assert witness.head is not None
    head = HardHead(read.decisions[0].heads, dict(witness.head))
    assert len(head.answers) == witness.selected
    train, test = ([*subject.task.examples(length, increments=True)] for length in (2, 3))
    assert not any(map(head.loss, train))
    assert str(sum(map(head.loss, set(test))) / len(set(test))) == witness.test_loss
    assert head.loss(witness.example) > 0
    monkeypatch.setattr(deciding, "HEAD", len(witness.head) - 1)
    capped = verdict(subject, "predictive").decisions[0].witness
    assert capped == witness._replace(head=None)


def test_files_without_heads_are_read() -> None:
    data = json.loads(json.dumps(verdicts.to_data([verdict(SMALL["copy"], "absolute")])))
    del data["cells"][0]["decisions"][0]["witness"]["head"]
    (cell,) = verdicts.from_data(data)
    assert cell.decisions[0].witness is not None
    assert cell.decisions[0].witness.head is None


@pytest.mark.parametrize("subject", [QUERY, TOKEN, SMALL["copy"]], ids=["query", "token", "copy"])
def test_random_ordered_ids_look_alike_under_the_order_key(subject: Subject) -> None:
    """The cells leave the relabelling out; here every relabelled example is listed."""
    (decision,) = verdict(subject, "random ordered").decisions
    train, test = (list(subject.task.examples(n, relabel=random_ordered(0, 5))) for n in (2, 3))
    assert len(train) > len(list(subject.task.examples(2)))
    expected = "unrealizable" if decision.certificate is None else "generalizes"
    assert decide(decision.heads, train=train, test=test).outcome == expected


def test_shifted_training_shows_every_id_of_the_test() -> None:
    laws = deciding.Laws(LOCAL, SCHEMES["random shift"], False, lambda cases: None)
    seen = {i for example in laws.train(3).support() for i in example.ids}
    assert {i for example in laws.test(7).support() for i in example.ids} <= seen


@given(data=st.data(), ids=st.lists(st.integers(-3, 6), min_size=1, max_size=7).map(tuple), arity=st.integers(1, 4))
def test_the_width_is_that_of_the_smallest_window_with_a_candidate_set_that_holds_all(
    data: st.DataObject, ids: tuple[int, ...], arity: int
) -> None:
    """Too short a sequence has no candidate sets; there the positions themselves must fit."""
    size = st.integers(1, min(arity, len(ids)))
    attended = data.draw(size.flatmap(lambda n: st.sets(st.integers(0, len(ids) - 1), min_size=n, max_size=n)))
    own = [ids[i] for i in attended]
    windows = (
        window
        for window in range(max(ids) - min(ids) + 1)
        if any(attended <= set(candidate) for candidate in HeadClass(arity, window=window).candidates(ids))
    )
    expected = next(windows) if len(ids) >= arity else max(own) - min(own)
    assert deciding._width(ids, frozenset(attended), arity) == expected


def test_the_width_by_hand() -> None:
    """IDs 0 3 4 9: the pair of 3 and 4 fits in 1, with a third position in 4; only the 9 is near the 9."""
    ids = (0, 3, 4, 9)
    assert [deciding._width(ids, frozenset({1, 2}), arity) for arity in (2, 3, 4)] == [1, 4, 9]
    assert [deciding._width(ids, frozenset({3}), arity) for arity in (1, 2, 3)] == [0, 5, 6]
    assert deciding._width(ids, frozenset({1, 2}), 5) == 1


def test_the_window_has_room_for_the_largest_arity() -> None:
    """The first step of a copy sees the IDs 0 1 2 and reads 0 from -1: one token more lies 1 beyond, two lie 2 beyond."""

    def window(*arities: int) -> int:
        subject = Subject(tasks.Copy(2), [3], [4], arities=arities)
        return deciding.Laws(subject, SCHEMES["coupled"], False, lambda cases: None).window(3)

    assert [window(), window(2), window(3), window(4), window(4, 2)] == [1, 1, 2, 3, 3]


GROWING: dict[str, tuple[Subject, bool]] = {
    "a pair anywhere": (Subject(tasks.sparse_parity(2), [2, 3], [2, 3, 4]), True),
    "a pair anywhere, at the same lengths": (Subject(tasks.sparse_parity(2), [2, 3], [2, 3]), False),
    "a pair within a width": (Subject(LOCAL.task, [3, 4], [3, 4, 5]), False),
    "a pair within a width, not yet reached": (Subject(LOCAL.task, [2], [3]), True),
    "a copy": (Subject(tasks.Copy(2), [3], [3, 4]), False),
    "a copy, with room for three tokens": (Subject(tasks.Copy(2), [3], [3, 4], arities=(3,)), False),
    "a sum in the order of writing": (Subject(tasks.Addition(2, "plain"), [2], [3]), True),
}


@pytest.mark.parametrize("name", GROWING)
def test_whether_the_window_grows(name: str) -> None:
    subject, growing = GROWING[name]
    for scheme in SCHEMES:
        laws = deciding.Laws(subject, SCHEMES[scheme], False, lambda cases: None)
        assert laws.growing() == (growing and scheme in ("coupled", "predictive"))


@pytest.mark.parametrize("name", ["parity, query", "copy", "pointers"])
def test_training_on_all_lengths_up_to_n_generalizes_from_the_same_n(name: str) -> None:
    alone, mixed = (verdict(SMALL[name], "coupled", mixed=mixed) for mixed in (False, True))
    assert alone.decisions == mixed.decisions
    assert mixed.scope.endswith(" mixed")


def test_too_many_test_instances_are_drawn_and_the_cell_says_so() -> None:
    cell = verdict(replace(SMALL["copy"], listed=10), "coupled")
    assert cell.drawn == {4: (10, 16), 5: (10, 32)}
    assert cell.scope == "1..3 → 1..5; 10 of 16 instances of length 4; 10 of 32 instances of length 5"
    assert cell.text == "✓ from 3\nw=1~"
    assert verdict(replace(SMALL["copy"], listed=10), "coupled") == cell  # the same draws
    assert verdict(replace(SMALL["copy"], listed=10), "absolute").outcome == "fails"


def test_training_is_never_drawn() -> None:
    with pytest.raises(
        BudgetExceeded, match=r"^Subject: .* of 1,073,741,824 items .* All instances of training length 30 are listed"
    ):
        Subject(tasks.Copy(2), [1, 30], [31])


# ── Names, table, file, command ──────────────────────────────────────────────────────────────────────────────────────

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a task": (lambda: verdicts.questions(["copi"]), r"verdicts: argument task: got 'copi'; .* Did you mean 'copy'\?"),
    "part of a name": (
        lambda: verdicts.questions(["scratchpad"]),
        r"Did you mean 'parity with scratchpad, token-coupled' or 'parity with scratchpad, query-coupled'\?",
    ),
    "a scheme": (
        lambda: verdicts.questions(["copy"], ["coupling"]),
        r"argument scheme: got 'coupling'; expected one of none; .* Did you mean 'coupled'\?",
    ),
    "nothing close": (lambda: verdict(QUERY, "zzz"), "got 'zzz'; .* Use one of these names."),
    "nothing close, but a letter of many": (lambda: verdict(QUERY, "e"), "got 'e'; .* Use one of these names."),
    "far off": (lambda: verdicts.questions(["parrot"]), "got 'parrot'; .* such as parrot:MyTask"),
    "a name alone": (
        lambda: verdicts.questions("copy"),
        r"tasks: got 'copy'; expected a list of names. Write \['copy'\]",
    ),
    "no names": (lambda: verdicts.questions(["copy"], 3), r"schemes: got 3; expected a list of names\."),  # type: ignore[arg-type]
    "a number": (lambda: verdicts.questions([[3]]), r"argument task: got the list \[3\]; expected a name"),  # type: ignore[list-item]
    "another file": (lambda: verdicts.from_data({"claims": []}), "argument data: got .* expected what `lengthgen ver"),
    "another schema": (lambda: verdicts.from_data({"schema": 9}), "schema 9"),
    "a cell that is none": (lambda: verdicts.from_data({"schema": 1, "cells": [{}]}), "KeyError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(InvalidArgument, match=message):
        call()


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no task": ({"task": "copy"}, r"task: got the str 'copy'; expected a Task\."),
    "one length": ({"train": 3}, r"train: got the int 3; expected a list of integers\."),
    "lengths in words": ({"test": ["4"]}, r"test\[0\]: got '4'; expected an integer >= 1"),
    "a length below the least": ({"train": [1, 0]}, r"train\[1\]: got 0; expected an integer >= 1"),
    "no training": ({"train": []}, r"train: got no lengths; expected at least one\."),
    "no test": ({"test": range(0)}, r"test: got no lengths"),
    "no test of the longest": (
        {"train": [1, 5], "test": [2, 4]}, r"test: got 4 as the greatest length; expected one >= 5, as in training\. Add 6",
    ),
    "a short that is no pair": ({"short": [1, 2]}, r"short: got \[1, 2\]; expected a pair"),
    "a short of numbers": ({"short": (1, 2)}, r"short: train: got the int 1; expected a list of integers"),
    "a short without a test": ({"short": ([1], [])}, r"short: test: got no lengths"),
    "a size in numbers": ({"size": 2}, r"size: got the int 2; expected words"),
    "nothing listed": ({"listed": 0}, r"listed: got 0; expected an integer >= 1"),
    "one arity": ({"arities": 2}, r"arities: got the int 2; expected a tuple of integers"),
    "an arity of 0": ({"arities": (1, 0)}, r"arities: got 0; expected an integer >= 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_subject_is_refused_when_it_is_built(name: str) -> None:
    changes, message = MALFORMED[name]
    with pytest.raises(InvalidArgument, match=rf"^Subject: argument {message}"):
        Subject(**({"task": tasks.Copy(2), "train": [1, 2], "test": [3]} | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subject": tasks.Copy(2)}, r"subject: got the Copy Copy\(n_symbols=2\); expected a Subject"),
        ({"mixed": 1}, "mixed: got the int 1; expected True or False"),
        ({"tick": 3}, "tick: got 3; expected a function"),
    ],
)
def test_a_malformed_question_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^verdict: argument {message}"):
        verdict(**({"subject": QUERY, "scheme": "none"} | changes))


def test_every_task_of_the_registry_is_decided() -> None:
    assert {type(subject.task) for subject in verdicts.subjects().values()} >= set(map(type, tasks.TASKS.values()))
    assert all(max(subject.test) > max(subject.train) for subject in verdicts.subjects().values())


def test_cells_survive_the_file() -> None:
    cells = [
        *(verdict(SMALL[name], scheme) for name in ("copy", "parity") for scheme in ("absolute", "predictive")),
        verdict(replace(SMALL["copy"], listed=10), "coupled"),
        verdict(SMALL["pointers"], "relative window"),
        verdict(Subject(tasks.Copy(2), [2], [3]), "predictive"),  # labels are pairs
    ]
    assert cells[-1].outcome == "fails"
    assert verdicts.from_data(json.loads(json.dumps(verdicts.to_data(cells)))) == cells


def shown(asked: list[Question], cells: dict[Question, Cell]) -> str:
    """The table without colours."""
    file = io.StringIO()
    verdicts.print_table(asked, cells, Console(file=file, width=120))
    return file.getvalue()


def test_an_interrupt_leaves_a_partial_table() -> None:
    def watch(question: Question, cases: int, done: bool) -> None:
        if done:
            raise KeyboardInterrupt

    asked = verdicts.questions(["copy"], ["none", "coupled"])
    cells, interrupted = verdicts.decide_all(asked, jobs=1, watch=watch)
    assert interrupted
    assert list(cells) == asked[:1]
    row = next(line for line in shown(asked, cells).splitlines() if line.startswith("│copy"))
    assert [cell.strip() for cell in row.split("│")[1:5]] == ["copy", "1", "∅ no head", "…"]
    assert verdicts.to_data(cells.values(), interrupted=interrupted)["interrupted"]


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    arguments = ["--task", "copy", "--task", "full parity", "--scheme", "coupled", "--jobs", "1", "--json", str(file)]
    assert main(["verdicts", *arguments]) == 0
    out, err = capsys.readouterr()
    assert "✓ from 3" in out
    assert "∅ no head" in out
    assert all(" ".join(line.split()) in " ".join(out.split()) for line in verdicts.LEGEND)
    assert err.splitlines() == ["[1/2] copy: coupled", "[2/2] full parity: coupled"]
    cells = verdicts.from_data(json.loads(file.read_text(encoding="utf-8")))
    assert [(cell.task, cell.outcome) for cell in cells] == [("copy", "generalizes"), ("full parity", "unrealizable")]
    assert main(["verdicts", "--task", "sort"]) == 3
    assert "Did you mean 'sorting' or 'bucket sort'?" in capsys.readouterr().err
    assert main(["verdicts", "--task", "copy", "--json", str(tmp_path / "none" / "file.json")]) == 3


def test_processes_change_nothing() -> None:
    asked = verdicts.questions(["copy", "full parity"], ["absolute", "coupled"])
    here, apart = (verdicts.decide_all(asked, jobs=jobs, watch=lambda *_: None) for jobs in (1, 2))
    assert here == apart
    assert list(apart[0]) == asked


@pytest.mark.slow
def test_the_documented_table_is_what_is_printed() -> None:
    asked = verdicts.questions()
    cells, _ = verdicts.decide_all(asked, jobs=1, watch=lambda *_: None)
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert verdicts.markdown(asked, cells) in page
    mixed, _ = verdicts.decide_all(asked, jobs=1, watch=lambda *_: None, mixed=True)
    generalizing = {
        question: [decision.certificate for decision in cell.decisions]
        for question, cell in cells.items()
        if cell.outcome == "generalizes"
    }
    assert generalizing == {
        question: [decision.certificate for decision in cell.decisions]
        for question, cell in mixed.items()
        if cell.outcome == "generalizes"
    }


def test_a_decision_says_in_words_which_arities_it_is_about() -> None:
    assert str(Decision(HeadClass(2, 1, at_most=True), "generalizes", certificate=3)) == (
        "generalizes from length 3 [arity at most 2, window 1, key none, anchor none]"
    )
    assert "[arity 2, no window," in str(Decision(HeadClass(2), "generalizes", certificate=3))


# ── What stays open ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """No linear program leads anywhere."""
    monkeypatch.setattr(cones, "_widest", lambda rows: None)
    monkeypatch.setattr(cones, "EXACT_CELLS", 0)


@pytest.mark.usefixtures("stuck")
def test_a_program_that_does_not_converge_leaves_its_cell_open_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no head is perfect views alone tell so, without a program; the other cell needs one."""
    file = tmp_path / "open.json"
    asked = ["verdicts", "copy", "--scheme", "none", "--scheme", "coupled", "--train-lengths", "2,3"]
    assert main([*asked, "--scores", "soft", "--jobs", "1", "--json", str(file)]) == 2
    out = capsys.readouterr().out
    assert "copy, coupled: inconclusive: a linear program of" in out
    assert "did not converge" in out
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    assert [(cell["scheme"], cell["outcome"], "open" in cell) for cell in cells] == [
        ("none", "unrealizable", False),
        ("coupled", "inconclusive", True),
    ]
    assert [cell.text for cell in verdicts.from_data(json.loads(file.read_text(encoding="utf-8")))] == [
        "∅ no head",
        "?",
    ]
    again = verdicts.from_data(json.loads(file.read_text(encoding="utf-8")))[1]
    assert (again.open, str(again)) == (cells[1]["open"], f"copy, coupled: inconclusive: {cells[1]['open']}")
    assert main([*asked, "--scores", "hard", "--jobs", "1"]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("stuck")
def test_advice_goes_on_where_soft_heads_stay_open() -> None:
    advice = advise(lambda prompt: prompt, alphabet="ab", name="copied", lengths=[1, 2, 3, 4])
    assert advice.verdicts["coupled"].outcome == "generalizes"
    assert "coupled, soft" not in advice.verdicts
    (fact,) = [one for one in advice.evidence if one.what == "soft heads: not decided"]
    assert fact.kind == "inconclusive"
    assert "did not converge" in fact.scope
