"""The audit: code and judge agree on random problems, and code that is broken on purpose is found out, with a witness."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

import theory.criterion as criterion
from proofs_check.audit import auditing, judge
from proofs_check.audit.auditing import Chunk, Compared, Difference, audit, chunks, compare, shrunk
from proofs_check.audit.drawn import drawn
from proofs_check.audit.inside import compare_inside
from proofs_check.audit.questions import hard, n_cells, questions
from proofs_check.commands.main import main
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_from_dict
from proofs_check.theorems import compiling
from theory import Example, FiniteLaw, HeadClass, PlantedEnsemble, Verdict, support
from theory.closures import Cases
from theory.guarantees import Guarantees
from theory.ranked import RankedHead
from theory.soft import SoftHead

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
            ASKED.append(question)
            yield question

    def answers(text: str) -> list[str]:
        said = agreeing(text)
        assert text == "".join(question.text for question in ASKED)
        ASKED.clear()
        return said

    ASKED.clear()
    monkeypatch.setattr(auditing, "questions", asked)
    monkeypatch.setattr(judge, "answers", answers)
    monkeypatch.setattr(judge, "program", lambda: Path("judge"))
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
        "decide\nguaranteed hard\nviews train 0\nviews test 0\nlosses\ncertify head 0\n"
    )
    assert [part.expected for part in question.parts] == [
        "fails flip 0 share 0", "no", "0 2 : 0 1 ; 1 0 : 0 1", "1 0 : 0 1 ; 1 1 : 0 1", "0 1/2", "accepted",
    ]  # fmt: skip
    said = [
        "fails flip 0 share 0 losses 0 1/7",
        "no",
        "1 0 : 0 1 ; 0 2 : 0 1 ",
        "1 1 : 0 1 ; 1 0 : 0 1",
        "0 1/2",
        "accepted",
    ]
    assert question.differences(said) == {}  # the losses of T1's own head are those of another head
    assert question.differences([*said[:4], "0 1", "refused"]) == {
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


# ── Without Coq: what is done with answers ───────────────────────────────────────────────────────────────────────────


def test_chunks_hold_as_many_problems_as_are_asked_for(lenient: None) -> None:
    parts = chunks(random=260, seed=3)
    assert [part.size for part in parts] == [250, 10]
    found = audit(parts[1:], jobs=1, watch=lambda chunk, cases, done: None)
    assert (found.problems, found.counts.total() >= 10, found.n_different, found.interrupted) == (10, True, 0, False)
    assert list(islice(parts[1].problems(), 2)) == list(islice(Chunk(1, 2, 3, 10).problems(), 2))


def test_the_problems_of_a_claim_are_divided_among_the_workers() -> None:
    whole = list(islice(auditing.listed("T1"), 9))
    parts = [list(islice(part.problems(), 3)) for part in chunks(claim="T1", jobs=3)]
    assert [problem for three in zip(*parts, strict=True) for problem in three] == whole


def test_what_differs_is_made_small_and_replays(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:
    """A judge that refuses every certificate of a law with the label 1."""
    honest = judge.answers

    def wary(text: str) -> list[str]:
        asked = list(ASKED)
        said = iter(honest(text))
        out = []
        for question in asked:
            own = [next(said) for _ in question.parts]
            out += [*own[:-1], "refused"] if " 1 : " in question.about.partition("head")[0] else own
        return out

    monkeypatch.setattr(judge, "answers", wary)
    found = compare(problems(60))
    assert 0 < found.n_different < 60
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
    assert "20 problems, 2" in out
    assert "questions: 0 differences" in out
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


SABOTAGE: dict[str, tuple[object, str, object]] = {
    "the order key without ties": (HeadClass, "key_of", ranks_without_ties),
    "the relative key counted from the last ID": (HeadClass, "key_of", relative_to_the_last),
    "the window off by one": (HeadClass, "candidates", narrower),
    "the anchor ignored": (HeadClass, "candidates", without_the_anchor),
    "at most k counted as exactly k": (HeadClass, "parts", exactly),
    "a window in the first coordinate only": (HeadClass, "_limits", first_coordinate_only),
    "without (a)": (criterion, "_first_failure", without("unseen")),
    "without (b)": (criterion, "_first_failure", without("flip")),
    "without (c)": (criterion, "_first_failure", without("abstains")),
    "(c) for the largest set only": (criterion, "_minimal", largest_only),
    "stale losses": (criterion, "_exact_loss", stale),
    "losses without the weights": (criterion, "_exact_loss", by_number),
    "ranks without the closure's later rounds": (Cases, "closure", one_round),
    "the lowest rank answers": (RankedHead, "answer", lowest_rank),
    "ties are answered": (SoftHead, "answer", any_of_the_best),
    "shares without the weights": (Guarantees, "_mass", unweighted),
    "the guaranteed share is always 0": (Verdict, "guaranteed", property(lambda self: Fraction(0))),
}


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGE)
def test_broken_code_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, broken = SABOTAGE[name]
    judge.program()
    with monkeypatch.context() as patched:
        patched.setattr(owner, attribute, broken)
        batches = (compare(problems(100, seed)) for seed in range(12))
        found = next((batch for batch in batches if batch.n_different), None)
        assert found is not None, "nobody noticed"
        small = shrunk(found.differences[0])
        again = problem_from_dict(json.loads(json.dumps(small.to_dict()))["problem"])
        assert compare([again]).n_different == 1
    assert compare([again]).n_different == 0


def test_a_difference_reads_as_one() -> None:
    (problem,) = problems(1)
    found = Difference("hard: flip", problem, {"losses of its head": ("0 1/2", "0 1/3")})
    assert str(found) == "hard: flip: losses of its head: the code says 0 1/2, the judge 0 1/3"
    assert Compared(problems=1, n_different=1).explain() == "1 problem, 0 questions: 1 difference, 0 s."
