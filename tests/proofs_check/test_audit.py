"""The audit: code and judge agree on random problems, and code that is broken on purpose is found out, with a witness."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

import idealized_model.unlisted as unlisted
import proofs_check.audit.questions as asking
import proofs_check.commands.audit as command
import theory.criterion as criterion
from idealized_model.head import HeadOutput
from proofs_check.audit import auditing, inside, judge
from proofs_check.audit.auditing import Chunk, Compared, Difference, audit, chunks, compare, shrunk
from proofs_check.audit.drawn import drawn
from proofs_check.audit.inside import compare_inside
from proofs_check.audit.kept import least
from proofs_check.audit.questions import Steps, hard, n_cells, questions
from proofs_check.claims.t8 import classes, step_of, steps
from proofs_check.commands.main import main
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_from_dict
from proofs_check.theorems import compiling
from theory import Example, FiniteLaw, HardHead, HeadClass, PlantedEnsemble, Verdict, View, support
from theory.closures import Cases
from theory.guarantees import Guarantees, Scores
from theory.planted import PlantedLaw
from theory.positions import RandomShift
from theory.ranked import RankedHead
from theory.soft import SoftGuarantees, SoftHead
from theory.support import Local

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


def problems(number: int, seed: int = 0) -> list[Problem]:
    rng = Random(f"tests of the audit {seed}")
    return [drawn(rng) for _ in range(number)]


def agreeing(text: str) -> list[str]:
    """A judge that says what the code said of the problems that were asked about last."""
    return [part.expected for question in ASKED for part in question.parts]


ASKED: list[Any] = []


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without Coq: the judge agrees with everything."""

    def asked(problem: Problem) -> Iterator[Any]:
        for question in questions(problem):
            plain = replace(question, parts=tuple(replace(part, read=str.strip) for part in question.parts))
            ASKED.append(plain)
            yield plain

    def answers(text: str) -> list[str]:
        said = agreeing(text)
        assert text == "".join(question.text for question in ASKED)
        ASKED.clear()
        return said

    ASKED.clear()
    monkeypatch.setattr(auditing, "questions", asked)
    monkeypatch.setattr(judge, "answers", answers)
    monkeypatch.setattr(judge, "program", lambda: Path("judge"))
    monkeypatch.setattr(command, "is_built", lambda target, where: True)
    yield
    ASKED.clear()


# ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_problem_in_the_language_of_the_judge() -> None:
    train = FiniteLaw(
        {Example((1, 0, 2), (0, 1, 2), "a"): Fraction(1, 3), Example((1, 1), (5, 6), "b"): Fraction(2, 3)}
    )
    test = FiniteLaw({Example((1, 1, 0), (-1, 0, 1), "a"): 1})
    question = hard(Problem(HeadClass(2, 1, "relative"), train, test))
    assert question.kind == "hard: flip"
    assert question.text == (
        "class exactly 2 none : 1 relative\n"
        "train 2\n1/3 0 : 1 0 2 : 0 1 2\n2/3 1 : 1 1 : 5 6\n"
        "test 1\n1 0 : 1 1 0 : -1 0 1\n"
        "labels 0 1\n\n"
        "head 3\n0 : 0 2 : 0 1\n0 : 1 0 : 0 1\n1 : 1 1 : 0 1\n"
        "decide\nguaranteed hard\nviews train 0\nviews train 1\nviews test 0\nlosses\ncertify head 0\n"
    )
    assert [part.expected for part in question.parts] == [
        "fails flip 0 share 0", "no", "0 2 : 0 1 ; 1 0 : 0 1", "1 1 : 0 1", "1 0 : 0 1 ; 1 1 : 0 1", "0 1/2", "accepted",
    ]  # fmt: skip
    said = [
        "fails flip 0 share 0 losses 0 1/7",
        "no",
        "1 0 : 0 1 ; 0 2 : 0 1 ",
        "1 1 : 0 1",
        "1 1 : 0 1 ; 1 0 : 0 1",
        "0 1/2",
        "accepted",
    ]
    assert question.differences(said) == {}  # the losses of T1's own head are those of another head
    assert question.differences([*said[:5], "0 1", "refused"]) == {
        "losses of its head": ("0 1/2", "0 1"), "certificate": ("accepted", "refused"),
    }  # fmt: skip


def test_random_problems_are_of_every_kind() -> None:
    found = problems(400)
    plain = [problem.heads for problem in found if not isinstance(problem.heads.key, tuple)]
    assert {heads.key for heads in plain} == {"none", "order", "relative", "absolute"}
    assert {heads.window for heads in plain if not isinstance(heads.window, tuple)} == {None, 0, 1, 2, 3}
    assert {(problem.heads.anchor, problem.heads.at_most) for problem in found} == {
        (anchor, many) for anchor in ("none", "last") for many in (True, False)
    }
    assert {problem.heads.arity for problem in found} == {1, 2, 3}
    assert {len(problem.labels) for problem in found} == {1, 2, 3}
    ids = [e.ids for problem in found for law in (problem.train, problem.test) for e in law.table()]
    assert any(isinstance(own[0], tuple) for own in ids)
    assert any(len(set(own)) < len(own) for own in ids), "no ID that repeats"
    assert any(min(own) < 0 for own in ids if not isinstance(own[0], tuple)), "no negative ID"
    assert {type(problem.train).__name__ for problem in found} == {"FiniteLaw", "PlantedLaw"}
    assert {problem.scores for problem in found} == {"hard", "ranked", "soft"}
    laws = [problem.planted[0] for problem in found if isinstance(problem.train, PlantedLaw)]
    assert {type(law.support_law).__name__ for law in laws} == {"Uniform", "Local", "Paired"}
    assert {type(law.positions).__name__ for law in laws} == {
        "RandomShift", "RandomOrdered", "ChunkedShift", "Coupled",
    }  # fmt: skip
    assert any(problem.head is not None for problem in found), "no rollouts"
    assert found == problems(400)


def test_a_large_problem_is_audited_by_certificate() -> None:
    words = [(a, b) for a in (1, 2) for b in (1, 2)]
    parity = PlantedEnsemble(
        3, [1, 0, 0], dict.fromkeys(words, "1/4"), {w: sum(w) % 2 for w in words}, support.uniform()
    )
    problem = Problem(HeadClass(2), parity.at(4), parity.at(16))
    assert n_cells(problem) > 150
    question = hard(problem)
    assert question.kind == "hard, by certificate: generalizes"
    assert [part.name for part in question.parts] == ["certificate"]
    assert question.parts[0].request.startswith("certify domination ")
    assert len(question.parts[0].request.split()) == 2 + len(problem.test.table())


COIN = {(1,): Fraction(1, 2), (2,): Fraction(1, 2)}
TOLD = PlantedEnsemble(3, [1, 0, 0], COIN, {(1,): 0, (2,): 1}, support.uniform())


def listed_law(*rows: tuple[tuple[int, ...], int]) -> FiniteLaw:
    """Uniform on tokens with labels, at the positions 0, 1, 2, ..."""
    return FiniteLaw.uniform(Example(tokens, tuple(range(len(tokens))), label) for tokens, label in rows)


ONE = HeadClass(1)
SEEN = listed_law(((0,), 0), ((1,), 1))
MIXED = listed_law(((0,), 0), ((2,), 1))
CONFLICT = listed_law(((0, 0), 0), ((0, 0, 0), 1))
STEPS = steps(2, "query")
PARTS: dict[str, tuple[Problem, dict[str, list[str]]]] = {
    "hard, generalizes": (
        Problem(ONE, SEEN, SEEN),
        {
            "hard: generalizes": ["verdict", "guarantees", *2 * ["views in train"], *2 * ["views in test"], "certificate"],
            "a soft head": ["losses by enumeration"],
        },
    ),
    "hard, unrealizable": (
        Problem(ONE, CONFLICT, SEEN),
        {
            "hard: unrealizable": [
                "verdict", "guarantees", *2 * ["views in train"], *2 * ["views in test"], "certificate",
            ],
            "a soft head": ["losses by enumeration"],
        },
    ),
    "planted": (
        Problem(ONE, TOLD.at(1), TOLD.at(2)),
        {
            "hard: unseen": [
                "verdict", "guarantees", *2 * ["views in train"], *4 * ["views in test"], "losses of its head",
                "certificate",
            ],
            "a soft head": 3 * ["losses by histogram"],
            "planted laws": ["placements in train", "train law", "placements in test", "test law"],
            "κ, κ0 and t": ["pattern masses", "κ and N_T", "κ0", *2 * ["κ0 for abstentions"]],
        },
    ),
    "planted, with factors": (
        Problem(ONE, TOLD.at(2), TOLD.at(2), scores="hard"),
        {
            "hard: generalizes": ["verdict", "guarantees", *4 * ["views in train"], *4 * ["views in test"], "certificate"],
            "a soft head": 3 * ["losses by histogram"],
            "planted laws": ["placements in train", "train law", "placements in test", "test law"],
            "κ, κ0 and t": [
                "pattern masses", "κ and N_T", "κ0", "t", *2 * ["t for a soft head", "κ0 for abstentions"],
            ],
        },
    ),
    "ranked, generalizes": (
        Problem(ONE, SEEN, SEEN, scores="ranked"),
        {"ranked: generalizes": ["verdict", "guarantees", "share", "rest", "rest"]},
    ),
    "ranked, fails": (
        Problem(ONE, SEEN, MIXED, scores="ranked"),
        {
            "ranked: fails": [
                "verdict", "guarantees", "share", "losses of its head", "its example", "rest", "losses of a head",
                "answers of a head", "counterexample",
            ],
        },
    ),
    "ranked, unrealizable": (
        Problem(ONE, CONFLICT, SEEN, scores="ranked"),
        {"ranked: unrealizable": ["verdict", "guarantees", "certificate"]},
    ),
    "soft, generalizes": (
        Problem(ONE, SEEN, SEEN, scores="soft"),
        {"soft: generalizes": ["a perfect head", "share", "cone", "cone"]},
    ),
    "soft, fails": (
        Problem(ONE, SEEN, MIXED, scores="soft"),
        {
            "soft: fails": [
                "a perfect head", "share", "losses of its head", "its example", "cone", "losses of a head",
                "answers of a head", "counterexample",
            ],
        },
    ),
    "soft, unrealizable": (
        Problem(ONE, CONFLICT, SEEN, scores="soft"),
        {"soft: unrealizable": ["combination that cancels"]},
    ),
    "soft, one label": (
        Problem(ONE, listed_law(((0,), 0)), listed_law(((0,), 0), ((1,), 0)), scores="soft"),
        {
            "soft: fails": ["guarantees", "share", "losses of its head", "losses of a head", "answers of a head"],
        },
    ),
    "a given head": (
        Problem(classes("query"), STEPS, STEPS, HardHead(classes("query"), {View((0, 2), ()): (2, 1)})),
        {"a given head, rollouts": ["losses of the head", "rollouts"]},
    ),
    "a given ranked head": (
        Problem(ONE, SEEN, SEEN, scores="ranked", ranked=RankedHead(ONE, {View((1,), ()): 1})),
        {
            "a given ranked head": ["losses of the head", "answers of the head"],
            "ranked: generalizes": ["verdict", "guarantees", "share", "rest", "rest"],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_everything_is_asked(name: str) -> None:
    problem, expected = PARTS[name]
    assert {one.kind: [part.name for part in one.parts] for one in questions(problem)} == expected


@pytest.mark.parametrize("name", PARTS)
def test_another_answer_is_a_difference(name: str) -> None:
    others = {"accepted": "refused", "within": "0 1"}
    for question in questions(PARTS[name][0]):
        for part in question.parts:
            n_prefixes = len(PARTS[name][0].test.table())
            said = (
                " ".join("-" * n_prefixes)
                if part.name == "rollouts"
                else others.get(part.expected, f"{part.expected} 0")
            )
            assert replace(question, parts=(part,)).differences([said]), part


@pytest.mark.parametrize("scores", ["ranked", "soft"])
def test_what_the_verdict_says_is_asked_about(scores: Scores) -> None:
    (question,) = questions(Problem(ONE, SEEN, MIXED, scores=scores))
    expected = {part.request.splitlines()[-1]: part.expected for part in question.parts}
    assert expected["share yes no"] == "1/2"
    assert expected[f"certify {scores} head 1"] == "accepted"
    assert expected["losses ranked" if scores == "ranked" else "losses greedy"] == "0 1/2"
    if scores == "ranked":
        assert expected["decide ranked"] == "fails share 1/2"


def test_a_given_ranked_head_in_the_language_of_the_judge() -> None:
    question = next(questions(PARTS["a given ranked head"][0]))
    assert question.about.endswith("\nhead 1\n1 : 1 : ")
    assert [part.expected for part in question.parts] == ["1/2 1/2", "- 1"]


def test_laws_that_are_no_steps_have_no_rollouts() -> None:
    labels: list[Any] = [(1, 1), (1, "a"), (1, 1, 1), 1]
    for label in labels:
        assert Steps.of(FiniteLaw.uniform([Example((0,), (0,), label)])) is None
    assert Steps.of(FiniteLaw.uniform([Example((0,), (0,), (1, 2)), Example((0, 1), (0, 2), (1, 1))])) is not None


def test_kept_sets_hold_the_planted_set_and_with_the_anchor_the_last_position() -> None:
    kept = least(HeadClass(1, anchor="last"), TOLD.at(1), TOLD.at(2), survive=False)
    assert kept is None  # where S* is the first position, both are kept, and training shows one
    kept = least(ONE, TOLD.at(1), TOLD.at(2), survive=False)
    assert kept is not None
    assert (kept.t, sorted(kept.weights)) == (1, [(0, 1, (0,)), (1, 1, (1,))])
    assert least(ONE, TOLD.at(1), TOLD.at(2), survive=True) is None


def test_pattern_masses_and_placements_in_the_language_of_the_judge() -> None:
    _, _, laws, numbers = questions(Problem(ONE, TOLD.at(2), TOLD.at(2)))
    assert [part.request for part in laws.parts] == [
        "placed train 2 1 : uniform none : - : shift 0 0", "planted train",
        "placed test 2 1 : uniform none : - : shift 0 0", "planted test",
    ]  # fmt: skip
    masses, kappa, kappa0, t, held, *_ = numbers.parts
    assert masses.expected == "0 : 0 : : 1 : 1 ; 1 : 1 : : 1 : 1"
    assert kappa.expected == "kappa 1 candidates 2"
    assert kappa0.request.splitlines()[-1] == "kappa0 1"
    assert [held.read(losses) for losses in ("1/2 1/2", "1/3 1/2")] == ["within", "1/2 > 1 x 1/3"]
    assert t.request == "kept 2\n0 : 1 : 1 1\n1 : 1 : 1 1\nretention 1"


def test_losses_are_asked_about_by_every_route() -> None:
    words = dict.fromkeys([(0, 1), (1, 0)], "1/2")
    marked = PlantedEnsemble(3, 3 * ["1/3"], words, {(0, 1): 0, (1, 0): 1}, support.uniform())
    problem = Problem(HeadClass(2, key="absolute"), marked.at(3), marked.at(3))
    question = list(questions(problem))[1]
    assert [part.name for part in question.parts] == [
        "losses by enumeration", "losses by dynamic program", "losses by histogram",
    ]  # fmt: skip
    classes = [part.request.splitlines()[0] for part in question.parts]
    assert classes == ["class exactly 2 none : - absolute", *2 * ["class exactly 2 none : - none"]]


def test_placements_that_the_judge_cannot_list_are_left_to_the_code() -> None:
    odd = PlantedEnsemble(3, [1, 0, 0], COIN, {(1,): 0, (2,): 1}, support.fixed({(0,): 1}))
    question = list(questions(Problem(ONE, odd.at(2), odd.at(2))))[2]
    assert [part.name for part in question.parts] == ["train law", "test law"]


def test_rollouts_are_read_from_what_the_judge_answers_to_each_prefix() -> None:
    problem, _ = PARTS["a given head"]
    (question,) = questions(problem)
    rollouts = question.parts[1]
    number = {(2, 1): 0, (3, 1): 1}
    right = [str(number[example.label]) for example in STEPS.table()]  # type: ignore[index]
    assert rollouts.read(" ".join(right)) == "yes yes yes yes"
    wrong = [answer if step_of(example) == 1 else "-" for answer, example in zip(right, STEPS.table(), strict=True)]
    assert rollouts.read(" ".join(wrong)) == "no no no no"
    assert rollouts.expected.split().count("yes") == 1  # of 00 alone the head knows all
    assert rollouts.request == "answers greedy"


def test_cases_that_are_no_problems_are_counted(lenient: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = compare([*problems(2), "a sparse task", 3])
    assert (found.problems, found.passed_over) == (2, 2)
    assert "        2  passed over: cases of the claim that are no problems" in found.explain()
    assert "passed over" not in compare(problems(2)).explain()


def test_a_claim_about_other_heads_asks_about_these(lenient: None) -> None:
    kinds = {name: next(iter(auditing.listed(name))) for name in ("T1", "T13", "T14")}
    assert {name: one.scores for name, one in kinds.items() if isinstance(one, Problem)} == {
        "T1": "hard", "T13": "ranked", "T14": "soft",
    }  # fmt: skip


def test_that_coq_compiles_first_is_said(
    lenient: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "is_built", lambda target, where: False)
    assert main(["audit", str(EXAMPLES / "parity.toml")]) == 0
    assert "Coq compiles the proofs of the judge first: about a minute." in capsys.readouterr().err


# ── Without extraction ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Coq that computes 1 and 0, and keeps what it is given."""
    given: list[str] = []

    def coqc(source: str, folder: Path, where: str) -> str:
        given.append(source)
        return "     = [1; 0]\n     : list Z\n"

    monkeypatch.setattr(inside, "build", lambda target, where: Path("coq"))
    monkeypatch.setattr(inside, "coqc", coqc)
    return given


def test_what_coq_computes_is_compared_and_its_kernel_asked(kernel: list[str]) -> None:
    found = compare_inside([Problem(ONE, SEEN, SEEN), Problem(ONE, CONFLICT, SEEN, scores="soft"), "no problem"])
    assert (found.problems, found.n_different, found.passed_over) == (2, 0, 1)
    assert found.counts == {"hard, in the kernel: generalizes": 1, "hard, in the kernel: unrealizable": 1}
    computed, proved = kernel
    assert "verdict_code (judge (Heads false 1%nat false [(None, KeyNone)]) [0; 1] [([0], [[0]], 0); ([1]" in computed
    assert computed.endswith("Eval vm_compute in judged.\n")
    assert proved.endswith("Goal judged = [1; 0].\nProof. vm_compute. reflexivity. Qed.\n")


def test_where_coq_computes_something_else_it_is_a_difference(kernel: list[str]) -> None:
    found = compare_inside([Problem(ONE, SEEN, SEEN), Problem(ONE, SEEN, SEEN)])
    assert found.n_different == 1
    assert found.differences[0].parts == {"outcome": ("generalizes", "unrealizable")}
    assert len(kernel) == 1  # nothing to confirm


# ── Without Coq: what is done with answers ───────────────────────────────────────────────────────────────────────────


def test_chunks_hold_as_many_problems_as_are_asked_for(lenient: None) -> None:
    parts = chunks(random=260, seed=3)
    assert [part.size for part in parts] == [250, 10]
    found = audit(parts[1:], jobs=1, watch=lambda chunk, cases, done: None)
    assert (found.problems, found.counts.total() >= 10, found.n_different, found.interrupted) == (10, True, 0, False)
    assert list(islice(parts[1].cases(), 2)) == list(islice(Chunk(1, 2, 3, 10).cases(), 2))


def test_the_problems_of_a_claim_are_divided_among_the_workers() -> None:
    whole = list(islice(auditing.listed("T1"), 9))
    parts = [list(islice(part.cases(), 3)) for part in chunks(claim="T1", jobs=3)]
    assert [problem for three in zip(*parts, strict=True) for problem in three] == whole


def test_what_differs_is_made_small_and_replays(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:
    """A judge that refuses every certificate of a law with the label 1."""
    honest = judge.answers

    def wrong(question: Any) -> bool:
        return question.parts[-1].name == "certificate" and " 1 : " in question.about.partition("head")[0]

    def wary(text: str) -> list[str]:
        asked = list(ASKED)
        said = iter(honest(text))
        out = []
        for question in asked:
            own = [next(said) for _ in question.parts]
            out += [*own[:-1], "refused"] if wrong(question) else own
        return out

    monkeypatch.setattr(judge, "answers", wary)
    listed = [problem for problem in problems(40) if isinstance(problem.train, FiniteLaw) and problem.head is None]
    found = compare(listed)
    assert 3 < found.n_different < len(listed)
    assert len(found.differences) == 3
    small = shrunk(found.differences[0])
    assert len(small.problem.train.table()) + len(small.problem.test.table()) <= 4
    assert small.parts["certificate"] == ("accepted", "refused")
    again = problem_from_dict(json.loads(json.dumps(small.to_dict()))["problem"])
    assert compare([again]).differences[0].parts == small.parts


def test_code_that_raises_differs(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:
    def broken(problem: Problem) -> Iterator[Any]:
        raise AssertionError("this is a bug")

    monkeypatch.setattr(auditing, "questions", broken)
    found = compare(problems(2))
    assert found.n_different == 2
    said = "the code says AssertionError: this is a bug, the judge none"
    assert str(found.differences[0]) == f"an error of the code: error: {said}"


def test_the_command_says_what_was_compared(
    lenient: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.json"
    assert main(["audit", "--random", "20", "--seed", "2", "--jobs", "1", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "20 problems, 40 questions: 0 differences" in out
    data = json.loads(file.read_text(encoding="utf-8"))
    assert (data["problems"], data["different"], sum(data["questions"].values()) >= 20) == (20, 0, True)
    assert main(["audit", str(EXAMPLES / "parity.toml")]) == 0
    capsys.readouterr()
    monkeypatch.setattr(judge, "answers", lambda text: ["nothing"] * 100)
    assert main(["audit", str(EXAMPLES / "local-shift.toml")]) == 1
    out = capsys.readouterr().out
    assert ": 1 difference" in out
    shown = next(line for line in out.splitlines() if line.startswith("{"))
    assert problem_from_dict(json.loads(shown)).heads == HeadClass(2, 1, "absolute")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--random", "0"], "got '0'; expected a whole number >= 1"),
        (["not-there.toml"], "got 'not-there.toml': No such file or directory"),
        (["--claim", "T99"], "find: argument claim: got 'T99'"),
        (["--claim", "tests.proofs_check.own_claims:mean"], "whose families list no problem of heads and two laws"),
        (["--claim", "T1", "--random", "5"], "not allowed with argument"),
        (["--jobs", "0"], "got '0'; expected a whole number >= 1"),
        (["parity.toml", "--seed", "2"], "argument --seed: got 2 with one problem, that of the file"),
        (["parity.toml", "--jobs", "1"], "argument --jobs: got 1 with one problem, that of the file"),
        (["--claim", "T1", "--seed", "0"], "argument --seed: got 0 with the problems of a claim"),
        (["--no-extraction", "--jobs", "1"], "argument --jobs: got 1 with Coq itself"),
    ],
)
def test_bad_usage_is_said(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["audit", *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 3
    assert says in capsys.readouterr().err


def test_without_coq_the_line_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    judge.program.cache_clear()
    assert main(["audit", "--random", "3", "--jobs", "1"]) == 3
    assert capsys.readouterr().err.endswith("on Debian and Ubuntu): apt install coq\n")


# ── With Coq ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@needs_coq
@pytest.mark.slow
def test_code_and_judge_agree_on_random_problems() -> None:
    found = compare(problems(1500))
    assert found.n_different == 0, found.differences[0]
    kinds = {kind.partition(": ")[2] for kind in found.counts}
    assert kinds == {"unrealizable", "generalizes", "unseen", "flip", "abstains", "fails", ""}  # a law has no verdict


@needs_coq
@pytest.mark.slow
def test_the_route_for_large_laws_agrees_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(criterion, "PLAIN_CELLS", 0)
    found = compare(problems(500, seed=1))
    assert found.n_different == 0, found.differences[0]


@needs_coq
@pytest.mark.slow
def test_the_kernel_agrees_without_extraction() -> None:
    found = compare_inside(problems(300))
    assert (found.problems, found.n_different, found.counts.total()) == (300, 0, 300)


def ranks_without_ties(self: HeadClass, ids: Any, old: Any = HeadClass.key_of) -> Any:
    if self.key != "order" or not ids or isinstance(ids[0], tuple):
        return old(self, ids)
    order = sorted(range(len(ids)), key=lambda i: (ids[i], i))
    return tuple(order.index(i) for i in range(len(ids)))


def relative_to_the_last(self: HeadClass, ids: Any, old: Any = HeadClass.key_of) -> Any:
    plain = self.key == "relative" and ids and not isinstance(ids[0], tuple)
    return tuple(own - ids[-1] for own in ids) if plain else old(self, ids)


def narrower(self: HeadClass, ids: Any, old: Any = HeadClass.candidates) -> Any:
    for chosen in old(self, ids):
        own = [ids[i] for i in chosen]
        if not isinstance(self.window, int) or isinstance(own[0], tuple) or max(own) - min(own) < max(self.window, 1):
            yield chosen


def without_the_anchor(self: HeadClass, ids: Any, old: Any = HeadClass.candidates) -> Any:
    return old(HeadClass(self.arity, self.window, self.key, "none", self.at_most), ids)


def exactly(self: HeadClass, length: int) -> Any:
    return (HeadClass(self.arity, self.window, self.key, self.anchor),)


def first_coordinate_only(self: HeadClass, ids: Any, old: Any = HeadClass._limits) -> Any:
    return old(self, ids)[:1]


def without(reason: str) -> Callable[..., Any]:
    old = criterion._first_failure

    def first_failure(*arguments: Any) -> Any:
        found = old(*arguments)
        return None if found is not None and found[0] == reason else found

    return first_failure


def largest_only(sets: Any) -> Any:
    return [max(sets, key=len)]


def stale(head: Any, law: Any, old: Any = criterion._exact_loss, known: dict[Any, Any] = {}) -> Any:  # noqa: B006
    """The loss under the training law, once more."""
    return known.setdefault(repr(head.answers), old(head, law)) or Fraction(1, 97)


def by_number(head: Any, law: Any) -> Fraction:
    losses = [head.loss(example) for example in law.table]
    return sum(losses, Fraction(0)) / len(losses)


def one_round(self: Cases, without: Any = None, *, rounds: Any = None, old: Any = Cases.closure) -> Any:
    return old(self, without, rounds=1)


def lowest_rank(self: RankedHead, tokens: Any, ids: Any) -> Any:
    present = {self.heads.view(tokens, ids, own) for own in self.heads.candidates(ids)}
    return next((label for view, label in reversed(self.ranking) if view in present), None)


def any_of_the_best(self: SoftHead, example: Example) -> Any:
    masses = self.masses(example)
    return max(masses, key=lambda label: masses[label], default=None)


def unweighted(self: Guarantees, chosen: Any) -> Fraction:
    return Fraction(int(sum(chosen)), len(chosen))


def from_the_end(heads: Any, test: Any, *others: Any, old: Any = criterion._first_failure) -> Any:
    return old(heads, list(test)[::-1], *others)


def always(**wrong: Any) -> Callable[..., Any]:
    """`coverage`, with other numbers."""
    old = asking.coverage

    def coverage(*arguments: Any, **named: Any) -> Any:
        found = old(*arguments, **named)
        return replace(found, **{name: change(getattr(found, name)) for name, change in wrong.items()})

    return coverage


def other_retention(*arguments: Any, old: Any = asking.retention, **named: Any) -> Any:
    found = old(*arguments, **named)
    return replace(found, value=found.value / 2, lower=found.lower / 2)


def too_sure(*arguments: Any, old: Any = asking.retention, **named: Any) -> Any:
    found = old(*arguments, **named)
    return replace(found, value=found.value * 2, lower=found.lower * 2)


def judging(change: Callable[[Any], None]) -> Callable[..., Any]:
    """`guarantees`, with a criterion that is changed."""
    old = asking.guarantees

    def guarantees(*arguments: Any, **named: Any) -> Any:
        found = old(*arguments, **named)
        change(found.criterion)
        return found

    return guarantees


def all_guaranteed(own: Any) -> None:
    own.guaranteed[:] = True


def negated(own: Any) -> None:
    if getattr(own, "weights", None) is not None:
        own.weights = -own.weights


def without_the_last_term(self: SoftGuarantees, row: int, old: Any = SoftGuarantees.certificate) -> Any:
    return {other: terms[:-1] for other, terms in old(self, row).items()}


def heavier_when(long: bool) -> Callable[..., Any]:
    """Planted laws whose first outcome weighs more, when they are at lengths up to 3, or beyond."""
    old = PlantedLaw.outcomes

    def outcomes(self: PlantedLaw) -> Any:
        found = old(self)
        first, weight = next(found)
        yield first, weight + ((self.length > 3) == long)
        yield from found

    return outcomes


def shifted_once_more(self: RandomShift, values: Any) -> Any:
    return (tuple(value + offset + 1 for value in values) for offset in range(self.lo, self.hi + 1))


def wider(self: Local, length: int, arity: int, old: Any = Local.sets) -> Any:
    return old(Local(self.width + 1), length, arity)


def unmixed(noise: Any, size: int, old: Any = unlisted._histograms) -> Any:
    """Without the multinomial coefficients."""
    for counts, weight in old(noise, size):
        yield counts, weight // max(1, size) or 1


def abstaining_is_free(self: HeadOutput, label: Any) -> Fraction:
    return Fraction(0) if self.abstains else 1 - self.law.get(label, Fraction(0))


def first_step_only(head: Any, prompt: Example, truth: Any) -> bool:
    return bool(head(prompt).loss(prompt.label) < Fraction(1, 2))


SABOTAGE: dict[str, tuple[object, str, object, str]] = {
    "the order key without ties": (HeadClass, "key_of", ranks_without_ties, "views in train"),
    "the relative key counted from the last ID": (HeadClass, "key_of", relative_to_the_last, "views in test"),
    "the window off by one": (HeadClass, "candidates", narrower, "views in train"),
    "the anchor ignored": (HeadClass, "candidates", without_the_anchor, "views in train"),
    "at most k counted as exactly k": (HeadClass, "parts", exactly, "views in test"),
    "a window in the first coordinate only": (HeadClass, "_limits", first_coordinate_only, "views in train"),
    "without (a)": (criterion, "_first_failure", without("unseen"), "verdict"),
    "without (b)": (criterion, "_first_failure", without("flip"), "verdict"),
    "without (c)": (criterion, "_first_failure", without("abstains"), "certificate"),
    "the last example that shows it": (criterion, "_first_failure", from_the_end, "verdict"),
    "(c) for the largest set only": (criterion, "_minimal", largest_only, "error"),
    "stale losses": (criterion, "_exact_loss", stale, "error"),
    "losses without the weights": (criterion, "_exact_loss", by_number, "losses of its head"),
    "ranks without the closure's later rounds": (Cases, "closure", one_round, "guarantees"),
    "the lowest rank answers": (RankedHead, "answer", lowest_rank, "answers of a head"),
    "ties are answered": (SoftHead, "answer", any_of_the_best, "answers of a head"),
    "shares without the weights": (Guarantees, "_mass", unweighted, "share"),
    "the guaranteed share is always 0": (Verdict, "guaranteed", property(lambda self: Fraction(0)), "verdict"),
    "a share of ranked and soft heads that is always 1": (Guarantees, "share", property(lambda self: Fraction(1)), "share"),
    "every example is guaranteed": (asking, "guarantees", judging(all_guaranteed), "rest"),
    "weights with the other sign": (asking, "guarantees", judging(negated), "a perfect head"),
    "a combination without its last ray": (SoftGuarantees, "certificate", without_the_last_term, "cone"),
    "a training law with a heavier outcome": (PlantedLaw, "outcomes", heavier_when(long=False), "train law"),
    "a test law with a heavier outcome": (PlantedLaw, "outcomes", heavier_when(long=True), "test law"),
    "a shift too far": (RandomShift, "relabellings", shifted_once_more, "placements in train"),
    "a support law that is wider": (Local, "sets", wider, "placements in test"),
    "masses twice as large": (
        asking, "coverage", always(masses=lambda own: {p: (2 * a, 2 * b) for p, (a, b) in own.items()}), "pattern masses",
    ),
    "κ a half": (asking, "coverage", always(kappa=lambda own: own / 2), "κ and N_T"),
    "one candidate more": (asking, "coverage", always(candidates=lambda own: own + 1), "κ and N_T"),
    "κ0 a half": (
        asking, "coverage", always(kappa0=lambda own: own / 2, kappa0_lower=lambda own: own / 2), "κ0 for abstentions",
    ),
    "t a half": (asking, "retention", other_retention, "t for a soft head"),
    "t and its lower bound doubled": (asking, "retention", too_sure, "least t"),
    "histograms without multinomial coefficients": (unlisted, "_histograms", unmixed, "losses by histogram"),
    "abstaining is free": (HeadOutput, "loss", abstaining_is_free, "losses by enumeration"),
    "rollouts of one step": (asking, "rollout", first_step_only, "rollouts"),
}  # fmt: skip


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGE)
def test_broken_code_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, broken, part = SABOTAGE[name]
    judge.program()
    monkeypatch.setattr(auditing, "MOST_DIFFERENCES", 100)
    with monkeypatch.context() as patched:
        patched.setattr(owner, attribute, broken)
        batches = (compare(problems(100, seed)) for seed in range(12))
        found = next((one for batch in batches for one in batch.differences if part in one.parts), None)
        assert found is not None, "nobody noticed"
        small = shrunk(found)
        again = problem_from_dict(json.loads(json.dumps(small.to_dict()))["problem"])
        assert compare([again]).n_different >= 1
    assert compare([again]).n_different == 0


@needs_coq
@pytest.mark.slow
def test_broken_code_is_found_out_without_extraction(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(criterion, "_first_failure", without("flip"))
        found = compare_inside(problems(200))
    assert found.n_different > 0
    assert all(code != own for one in found.differences for code, own in one.parts.values())


def test_a_difference_reads_as_one() -> None:
    (problem,) = problems(1)
    found = Difference("hard: flip", problem, {"losses of its head": ("0 1/2", "0 1/3")})
    assert str(found) == "hard: flip: losses of its head: the code says 0 1/2, the judge 0 1/3"
    assert Compared(problems=1, n_different=1).explain() == "1 problem, 0 questions: 1 difference, 0 s."
