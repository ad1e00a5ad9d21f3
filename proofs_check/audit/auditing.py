"""Many problems put to code and judge, on any number of processes; what differs is made small and kept as a witness."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any

from proofs_check.audit import judge
from proofs_check.audit.drawn import drawn
from proofs_check.audit.questions import Question, questions
from proofs_check.claims import find
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_to_dict
from proofs_check.work.pool import Tick, Unfinished, Watch, collect
from theory import FiniteLaw, Law
from theory.errors import TheoryError, number_of, of_the_machine
from theory.guarantees import Scores

CHUNK = 250
"""Problems that a worker takes at once, and that are put to the judge together."""

MOST_DIFFERENCES = 3
"""How many differences of a chunk are kept."""

SHRINKINGS = 200
"""Smaller problems that are tried for each of these."""

SCORES: dict[str, Scores] = {"T13": "ranked", "T14": "soft"}
"""The claims about other heads than hard ones."""


@dataclass(frozen=True)
class Difference:
    """A problem on which code and judge differ.

    Attributes
    ----------
    kind : what it is about.
    parts : {part: (what the code says, what the judge says)}, where these differ.
    """

    kind: str
    problem: Problem
    parts: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        said = "; ".join(
            f"{name}: the code says {code}, the judge {judged}" for name, (code, judged) in self.parts.items()
        )
        return f"{self.kind}: {said}"

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON, with the problem as a problem file holds it."""
        parts = {name: {"code": code, "judge": judged} for name, (code, judged) in self.parts.items()}
        return {"kind": self.kind, "parts": parts, "problem": problem_to_dict(self.problem)}


@dataclass
class Compared:
    """What came of some problems.

    Attributes
    ----------
    counts : {kind of question: how many}.
    differences : the first few.
    n_different : how many questions there are with one.
    passed_over : cases of a claim that are no problems of heads and two laws, so that nothing is asked about them.
    """

    counts: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    passed_over: int = 0
    differences: list[Difference] = field(default_factory=list)
    n_different: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def add(self, other: Compared) -> None:
        """Take in what came of other problems."""
        self.counts += other.counts
        self.problems += other.problems
        self.passed_over += other.passed_over
        self.differences += other.differences
        self.n_different += other.n_different

    def explain(self) -> str:
        """What was compared, by kind, and what differs."""
        lines = [f"{count:>9,}  {kind}" for kind, count in sorted(self.counts.items())]
        different = number_of(self.n_different, "difference")
        asked = f"{number_of(self.problems, 'problem')}, {number_of(self.counts.total(), 'question')}"
        if self.passed_over:
            lines.append(
                f"{self.passed_over:>9,}  passed over: cases of the claim that are no problems of heads and two laws"
            )
        lines.append(f"{asked}: {different}, {self.seconds:.0f} s." + " Interrupted." * self.interrupted)
        return "\n".join(lines)


@dataclass(frozen=True)
class Chunk:
    """Problems for one worker: every `of`-th of a source, from `number` on.

    Attributes
    ----------
    claim : the claim whose families list the problems; None for random ones.
    seed, size : of random problems.
    """

    number: int
    of: int
    seed: int = 0
    size: int = 0
    claim: str | None = None

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.claim or "random problems"

    def __str__(self) -> str:
        return f"{self.group}, part {self.number + 1}"

    def cases(self) -> Iterator[object]:
        """The problems, and with a claim its other cases; a function of the chunk alone."""
        if self.claim is not None:
            yield from islice(listed(self.claim), self.number, None, self.of)
            return
        rng = Random(f"audit {self.seed} {self.number}")
        for _ in range(self.size):
            yield drawn(rng)


def listed(claim: str) -> Iterator[object]:
    """The cases of the families of a claim; problems are about the heads that the claim is about."""
    scores = SCORES.get(claim, "hard")
    for family in find(claim).families:
        for case in family.problems("quick"):
            yield replace(case, scores=scores) if isinstance(case, Problem) and case.scores == "hard" else case


def chunks(*, random: int = 0, seed: int = 0, claim: str | None = None, jobs: int = 1) -> list[Chunk]:
    """Random problems in chunks of a size that depends on nothing else, or those of a claim in a chunk a process."""
    if claim is not None:
        return [Chunk(number, jobs, claim=claim) for number in range(jobs)]
    number = -(-random // CHUNK)
    return [Chunk(i, number, seed, min(CHUNK, random - i * CHUNK)) for i in range(number)]


def audit(parts: Sequence[Chunk], *, jobs: int, watch: Watch[Chunk]) -> Compared:
    """Compare code and judge on all chunks; an interrupt keeps what is finished.

    Raises
    ------
    BackendUnavailable : without Coq.
    """
    judge.program()  # once, before any worker needs it
    total, start = Compared(), time.perf_counter()
    try:
        done, total.interrupted = collect(parts, _chunk, watch=watch, jobs=jobs)
    except Unfinished as unfinished:
        assert unfinished.__cause__ is not None
        raise unfinished.__cause__ from None
    for part in parts:
        if part in done:
            total.add(done[part])
    total.seconds = time.perf_counter() - start
    return total


def _chunk(part: Chunk, tick: Tick) -> Compared:
    total, cases = Compared(), part.cases()
    while batch := list(islice(cases, CHUNK)):
        total.add(compare(batch))
        tick(len(batch))
    return total


def compare(cases: Iterable[object]) -> Compared:
    """Compare code and judge on some problems, in one run of the judge; other cases are passed over, and counted."""
    total = Compared()
    asked: list[tuple[Problem, Question]] = []
    for problem in cases:
        if not isinstance(problem, Problem):
            total.passed_over += 1
            continue
        total.problems += 1
        try:
            asked += [(problem, question) for question in questions(problem)]
        except Exception as error:  # the code must have an answer to every problem
            if of_the_machine(error) or isinstance(error, TheoryError):
                raise
            _note(
                total,
                Difference("an error of the code", problem, {"error": (f"{type(error).__name__}: {error}", "none")}),
            )
    said = iter(judge.answers("".join(question.text for _, question in asked)))
    for problem, question in asked:
        total.counts[question.kind] += 1
        if parts := question.differences(list(islice(said, len(question.parts)))):
            _note(total, Difference(question.kind, problem, parts))
    return total


def _note(total: Compared, found: Difference) -> None:
    total.n_different += 1
    if len(total.differences) < MOST_DIFFERENCES:
        total.differences.append(found)


def shrunk(found: Difference) -> Difference:
    """A difference on a problem with fewer examples, where there is one."""
    tried, progress = 0, True
    while progress and tried < SHRINKINGS:
        progress = False
        for smaller in _smaller(found.problem):
            tried += 1
            if again := compare([smaller]).differences:
                found, progress = again[0], True
                break
            if tried == SHRINKINGS:
                break
    return found


def _smaller(problem: Problem) -> Iterator[Problem]:
    """The problem without one example of a listed law."""
    for name in ("train", "test"):
        law: Law = getattr(problem, name)
        table = law.table()
        if not isinstance(law, FiniteLaw) or len(table) < 2:
            continue
        for example in table:
            rest = {own: weight for own, weight in table.items() if own != example}
            total = sum(rest.values())
            without = FiniteLaw({own: Fraction(weight, total) for own, weight in rest.items()}, labels=law.labels)
            laws = {"train": problem.train, "test": problem.test, name: without}
            yield Problem(problem.heads, laws["train"], laws["test"], scores=problem.scores)
