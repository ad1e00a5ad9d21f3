"""The checks of claims: what there is to do, in shards for any number of workers, and what the shards come to."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias

from proofs_check.claims import engines
from proofs_check.claims.claim import Claim, Profile
from proofs_check.claims.engines import Drawn, Noticed
from proofs_check.claims.finding import find, said
from proofs_check.claims.recorded import Witness
from proofs_check.claims.turns import ALONE, WHOLE, Listed, Pace, Tally, Turn, Walked, after, together, walk
from proofs_check.evidence import Evidence
from proofs_check.work.pool import Reporting, Tick, Unfinished, Watch, collect
from theory.errors import number_of, of_the_machine

Engine: TypeAlias = Literal["exhaustive", "sampled", "measured", "symbolic", "coq", "mutant", "necessity"]
ENGINES: tuple[Engine, ...] = ("exhaustive", "sampled", "measured", "symbolic", "coq", "mutant", "necessity")
LISTED = ("exhaustive", "mutant", "necessity")
"""Those that go through a list of problems, in turns."""


@dataclass(frozen=True)
class Task:
    """One check: an engine, the address of a claim, and which of its families, proofs, mutants, ... (by name)."""

    engine: Engine
    claim: str
    name: str

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.claim

    def __str__(self) -> str:
        return f"{self.claim} {self.engine}: {self.name}"


class Meeting(NamedTuple):
    """A mutant that a check is to notice, in one of its blocks."""

    mutant: str
    block: int = 0


Part: TypeAlias = Turn | int | Meeting | None
"""A turn of a list of problems; a block of draws; a mutant that is to be noticed; None: a measurement or proof itself."""


@dataclass(frozen=True)
class Shard:
    """A part of a check that one worker does."""

    task: Task
    part: Part

    def __str__(self) -> str:
        return str(self.task)


@dataclass(frozen=True)
class Raised:
    """What a claim's own code raised, in words, after so many cases; of draws {key: what was decided of it}."""

    said: str
    covered: int = 0
    keys: Mapping[Hashable, Tally] = field(default_factory=dict)


Piece: TypeAlias = Walked[Any] | Drawn | Evidence | Noticed | Raised
"""What a shard found."""


@dataclass
class Result:
    """What a task found: evidence, or for mutants and necessity a witness (None: survived, or none found).

    What could not be finished has evidence that says so, and no witness.
    """

    evidence: Evidence | None = None
    witness: Witness | None = None
    finished: bool = True


@dataclass
class Run:
    """The results of a run, in the order of its tasks.

    Attributes
    ----------
    results : {task: result}, with what was covered of the tasks that an interrupt cut off.
    interrupted : whether Ctrl-C, or an error, ended the run.
    error : what ended it, where that was not Ctrl-C.
    redone : how many shards were done again, as their worker died.
    """

    profile: Profile
    seed: int
    results: dict[Task, Result] = field(default_factory=dict)
    interrupted: bool = False
    seconds: float = 0.0
    error: BaseException | None = None
    redone: int = 0

    def reraise(self) -> None:
        """Raise the error that ended the run, if one did, when its results are safe."""
        if self.error is not None:
            raise self.error


def tasks_of(addresses: Sequence[str]) -> list[Task]:
    """Every check of the claims, the long ones first.

    Raises
    ------
    InvalidArgument : for an address of no claim.
    """
    tasks = []
    for address in addresses:
        claim = find(address)
        named: dict[Engine, Sequence[str]] = {
            "exhaustive": [family.scope for family in claim.families],
            "sampled": [sampler.scope for sampler in claim.samplers],
            "measured": [measurement.scope for measurement in claim.measurements],
            "symbolic": [proof.scope for proof in claim.proofs],
            "coq": [theorems.scope for theorems in claim.compiled],
            "mutant": list(claim.mutants),
            "necessity": list(claim.necessity),
        }
        tasks += [Task(engine, address, name) for engine in ENGINES for name in named[engine]]
    return sorted(tasks, key=lambda task: ENGINES.index(task.engine))


def run(
    tasks: Sequence[Task],
    *,
    profile: Profile,
    seed: int,
    jobs: int,
    watch: Watch[Task],
    executor: Executor | None = None,
    pace: Pace | None = None,
) -> Run:
    """Perform all tasks; an interrupt or an error keeps what is finished.

    The results, but for their seconds, depend on neither `jobs`, `executor` nor `pace`.

    Parameters
    ----------
    jobs : processes of this machine (1: this one alone).
    executor : what does the work instead.
    pace : how lists of problems are split; default: not, where one process does all the work.
    """
    outcome, start = Run(profile, seed), time.perf_counter()
    checks = {task: Check(task, profile) for task in tasks}
    covered = dict.fromkeys(tasks, 0)
    pace = pace or (ALONE if jobs == 1 and executor is None else Pace())

    def note(shard: Shard, cases: int, done: bool) -> None:
        covered[shard.task] += cases
        watch(shard.task, cases, False)

    def then(shard: Shard, piece: Piece) -> list[Shard]:
        more = checks[shard.task].add(shard, piece)
        if checks[shard.task].finished:
            watch(shard.task, 0, True)
        return more

    shards = [shard for check in checks.values() for shard in check.missing]
    work = partial(_found, profile, seed, pace)
    try:
        done, outcome.interrupted = collect(shards, work, jobs=jobs, executor=executor, watch=note, then=then)
    except Unfinished as unfinished:
        done, outcome.interrupted, outcome.error = unfinished.done, True, unfinished.__cause__
    for shard, piece in done.items():  # an interrupt may have come before it was added
        checks[shard.task].add(shard, piece)
    outcome.results = {task: check.result(covered[task]) for task, check in checks.items()}
    outcome.redone = len(executor.redone) if isinstance(executor, Reporting) else 0
    outcome.seconds = time.perf_counter() - start
    return outcome


def perform(task: Task, profile: Profile, seed: int, tick: Tick) -> Result:
    """Carry out one task; the result depends on the task, the profile and the seed alone."""
    check = Check(task, profile)
    shards = list(check.missing)
    while shards:
        shards[:1] = check.add(shards[0], _found(profile, seed, ALONE, shards[0], tick))
    return check.result()


class Check:
    """The shards of a task, and what is known of them.

    Attributes
    ----------
    missing : shards that were asked for and are not found yet, in order.
    """

    def __init__(self, task: Task, profile: Profile) -> None:
        self.task, self.profile, self.claim = task, profile, find(task.claim)
        self.found: dict[Shard, Piece] = {}
        self.missing: dict[Shard, None] = {}
        first: Sequence[Part] = [WHOLE] if task.engine in LISTED else [None]
        self._ask(range(engines.n_blocks(self._check, profile)) if task.engine == "sampled" else first)

    def _ask(self, parts: Sequence[Part]) -> list[Shard]:
        shards = [Shard(self.task, part) for part in parts]
        self.missing |= dict.fromkeys(shards)
        return shards

    @property
    def finished(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def add(self, shard: Shard, piece: Piece) -> list[Shard]:
        """Take what a shard found, once; returns the shards that it leads to."""
        if shard not in self.missing:
            return []
        del self.missing[shard]
        self.found[shard] = piece
        if isinstance(piece, Walked) and isinstance(shard.part, Turn):
            ends = [turn.block for turn in self._turns() if turn.end is not None]
            return self._ask(after(shard.part, piece, min(ends, default=None)))
        if isinstance(shard.part, Meeting):
            mutant, block = shard.part
            through = isinstance(piece, Noticed) and not piece.by_it
            more = through and block + 1 < engines.n_meetings(self._check)
            return self._ask([Meeting(mutant, block + 1)]) if more else []
        if self.missing:
            return []
        alone, names = self._alone(), self._check.notices
        return self._ask([*map(Meeting, names)]) if isinstance(alone, Evidence) and engines.asks(alone) else []

    def result(self, covered: int = 0) -> Result:
        """What the shards come to; where some are missing, what is known after so many cases."""
        return self._of_turns(covered) if self.task.engine in LISTED else self._of_others(covered)

    def _of_turns(self, covered: int) -> Result:
        turns = self._turns()
        tally, end = together(turns)
        if end is None and self.missing:
            return self._cut_off(covered)
        if end is not None and isinstance(end.end, Raised):
            return self._undone(end.end.said, tally.cases)
        if self.task.engine == "exhaustive":
            return Result(engines.exhausted(self._check, self.profile, turns))
        return Result(witness=None if end is None else end.end)

    def _of_others(self, covered: int) -> Result:
        alone = self._alone()
        if isinstance(alone, Raised):
            return self._undone(alone.said, alone.covered)
        if alone is None or (self.missing and alone.kind != "refuted"):
            return self._cut_off(covered)
        met: list[Noticed] = []
        for name, block in product(self._check.notices, range(engines.n_meetings(self._check))):
            piece = self.found.get(Shard(self.task, Meeting(name, block)))
            if isinstance(piece, Raised):
                return self._undone(piece.said, alone.instances)
            met += [piece] if isinstance(piece, Noticed) else []
        return Result(engines.noticing(alone, met))

    def _turns(self) -> list[Walked[Any]]:
        return [piece for piece in self.found.values() if isinstance(piece, Walked)]

    def _alone(self) -> Evidence | Raised | None:
        """What draws, a measurement or a proof found, before they meet mutants; None where that is not known."""
        if self.task.engine != "sampled":
            piece = self.found.get(Shard(self.task, None))
            return piece if isinstance(piece, Evidence | Raised) else None
        drawn: list[Drawn] = []
        for block in range(engines.n_blocks(self._check, self.profile)):
            piece = self.found.get(Shard(self.task, block))
            if isinstance(piece, Raised):
                before = {key: one for block in drawn for key, (one, _) in block.keys.items()}
                return Raised(piece.said, sum(one.cases for one in {**piece.keys, **before}.values()))
            drawn += [piece] if isinstance(piece, Drawn) else []
            if drawn and drawn[-1].refuted is not None:
                break
        else:
            if self.missing:
                return None
        return engines.sampled(self._check, drawn)

    def _cut_off(self, covered: int) -> Result:
        if self.task.engine in ("mutant", "necessity"):
            return Result(finished=False)
        said = f"interrupted after {number_of(covered, 'case')}, none of which refuted the claim"
        return Result(self._inconclusive(said, covered), finished=False)

    def _undone(self, what: str, covered: int) -> Result:
        """What a claim's own code raised costs the others nothing: this one is inconclusive."""
        advice = f"Mend that, then run: lengthgen check --claim {self.task.claim}"
        evidence = self._inconclusive(f"it could not be done: {what}. {advice}", covered)
        return Result(evidence, finished=self.task.engine not in ("mutant", "necessity"))

    def _inconclusive(self, what: str, covered: int) -> Evidence:
        """As evidence names its engine."""
        engine = self._check.engine if self.task.engine == "measured" else self.task.engine
        return Evidence("inconclusive", engine, f"{self.task.name}: {what}", covered)

    @property
    def _check(self) -> Any:
        """The family, sampler, measurement, proof or theorems that the task is about."""
        return check_of(self.claim, self.task)


def check_of(claim: Claim, task: Task) -> Any:
    """What the task of this name puts to the test."""
    kinds: dict[str, Sequence[Any]] = {
        "exhaustive": claim.families,
        "sampled": claim.samplers,
        "measured": claim.measurements,
        "coq": claim.compiled,
    }
    return next(check for check in kinds.get(task.engine, claim.proofs) if check.scope == task.name)


def _found(profile: Profile, seed: int, pace: Pace, shard: Shard, tick: Tick) -> Piece:
    """Do a shard, anywhere: what its claim raises is no reason to lose what others find."""
    covered = 0

    def counted(cases: int) -> None:
        nonlocal covered
        covered += cases
        tick(cases)

    walked: Walked[Witness | Raised] = Walked()
    decided: dict[Hashable, Tally] = {}
    try:
        claim, task, part = find(shard.task.claim), shard.task, shard.part
        if isinstance(part, Turn):
            return walk(_listed(claim, task, profile, counted), walked, turn=part, pace=pace)
        check = check_of(claim, task)
        match part:
            case Meeting(mutant, block):
                return engines.notices(claim, check, mutant, seed, block)
            case int():
                return engines.draw(claim, check, profile, seed, part, counted, decided)
        if task.engine == "coq":
            return engines.compiled(claim)
        alone = replace(check, notices=())
        if task.engine == "measured":
            return engines.measure(claim, alone, profile, seed, counted)
        return engines.prove(claim, alone)
    except BaseException as error:  # pytest.skip raises one that is no Exception
        if of_the_machine(error) or isinstance(error, KeyboardInterrupt):
            raise
        keys = engines.portable(decided, shard.part) if isinstance(shard.part, int) else {}
        raised = Raised(said(error), covered, keys)
        if not isinstance(shard.part, Turn):
            return raised
        walked.end = raised
        return walked


def _listed(claim: Claim, task: Task, profile: Profile, tick: Tick) -> Listed[Any]:
    if task.engine == "mutant":
        return engines.met_by_mutant(claim, task.name, profile, tick)
    if task.engine == "necessity":
        return engines.met_without(claim, task.name, tick)
    return engines.listed_by(claim, check_of(claim, task), profile, tick)
