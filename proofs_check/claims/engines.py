"""The engines: exhaust a family, check proofs, draw at random, measure, drop hypotheses, refute mutants.

Draws, measurements and proofs meet mutants too, those that they say they notice: one that lets such a mutant through is
inconclusive. Each takes a `Claim` and knows nothing more of it. Randomness comes from a seed keyed by stable names, so the
result is the same whatever the number of workers and the order of the checks.
"""

from __future__ import annotations

import time
import warnings
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from proofs_check.claims.claim import (
    Claim,
    Facts,
    Family,
    Measured,
    Measurement,
    Parts,
    Profile,
    Proof,
    Sampler,
    as_count,
    as_facts,
    as_problems,
    parts_for,
)
from proofs_check.claims.recorded import as_data
from proofs_check.evidence import Evidence, Kind, version
from proofs_check.problem import in_words
from theory.errors import check_type, of_the_machine

Tick = Callable[[int], None]
"""Called with the number of cases decided since the last call, so that progress and partial reports are honest."""

Address: TypeAlias = dict[str, Any]
"""Where a problem comes from: a family and its number there, a sampler with its seed, ..."""

STATED: Parts = {}
"""The claim itself: no part of it is changed."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random generator for one named check: a function of the seed and the names alone."""
    return np.random.default_rng(np.random.SeedSequence([seed, *(zlib.crc32(name.encode()) for name in names)]))


@dataclass
class _Tally:
    """What was decided so far, problem by problem."""

    problems: int = 0
    sound: int = 0
    undecided: int = 0
    cases: int = 0
    decisive: int = 0

    def decide(self, claim: Claim, problem: Any, parts: Parts, tick: Tick) -> Facts | None:
        """Put a statement to the test on one more problem; where the claim says nothing there are no cases."""
        facts = claim.facts(problem, parts)
        sound = claim.holds_on(problem)
        cases = claim.n_cases(problem) if sound else 0
        self.problems += 1
        self.sound += sound
        self.undecided += sound and not cases
        self.cases += cases
        self.decisive += claim.n_decisive(problem, cases) if cases else 0
        tick(cases)
        return facts


def exhaust(claim: Claim, family: Family, profile: Profile, tick: Tick) -> Evidence:
    """Decide every problem of a family; "exhausted" only where each of them under the hypotheses has cases that were."""
    start, tally = time.perf_counter(), _Tally()
    for index, problem in _numbered(partial(family.problems, profile), family.scope):
        with _at(index):
            facts = tally.decide(claim, problem, STATED, tick)
        if facts is not None:
            address = {"family": family.scope, "profile": profile, "index": index}
            witness = make_witness(claim, "stated", problem, facts, address)
            return _evidence("refuted", "exhaustive", family.scope, tally, start, witness)
    scope = f"{family.scope} [{profile}]: {tally.problems:,} problems, {tally.sound:,} of them under the hypotheses"
    if tally.undecided:
        scope += f", {tally.undecided:,} of these too large to decide"
    kind: Kind = "inconclusive" if not tally.decisive else "supported" if tally.undecided else "exhausted"
    return _evidence(kind, "exhaustive", scope + _vacuous(tally), tally, start)


def _vacuous(tally: _Tally) -> str:
    """What makes a check vacuous, and what to do; nothing where some case could have refuted the claim."""
    if tally.decisive:
        return ""
    if not tally.problems:
        return ". Vacuous: there is none to decide. Yield some problems"
    if not tally.sound:
        return ". Vacuous: the hypotheses hold on none. Yield problems on which they do, or mend what nonvacuous says"
    return ". Vacuous: none of them could have refuted the claim. Yield problems of which some could"


@contextmanager
def _at(index: int) -> Iterator[None]:
    """Say of what goes wrong at which problem it did, counted from 1."""
    try:
        yield
    except (Exception, SystemExit) as error:
        error.add_note(f"at problem {index + 1:,}")
        raise


def _numbered(problems: Callable[[], Iterable[Any]], scope: str) -> Iterator[tuple[int, Any]]:
    """(index, problem), where what the problems raise says at which one; they are called for with the first."""
    iterator = as_problems(problems(), scope)
    for index in count():
        with _at(index):
            try:
                problem = next(iterator)
            except StopIteration:
                return
        yield index, problem


def _evidence(
    kind: Kind, engine: str, scope: str, tally: _Tally, start: float, witness: dict[str, object] | None = None
) -> Evidence:
    return Evidence(kind, engine, scope, tally.cases, tally.decisive, time.perf_counter() - start, witness)


def prove(claim: Claim, proof: Proof) -> Evidence:
    """Check a proof; one that does not go through refutes nothing, but leaves the claim unproved."""
    start = time.perf_counter()
    try:
        steps = as_count(proof.check(), f"what {proof.scope} returns")
    except AssertionError as error:
        scope = f"{proof.scope}: the proof does not go through: {error}"
        return Evidence("inconclusive", "symbolic", scope, 0, 0, time.perf_counter() - start)
    if not steps:
        scope = f"{proof.scope}. Vacuous: it made no step. Require each step, and return how many there are"
        return Evidence("inconclusive", "symbolic", scope, 0, 0, time.perf_counter() - start)
    evidence = Evidence(proof.kind, "symbolic", proof.scope, steps, steps)

    def noticed(mutant: Parts) -> bool:
        try:
            proof.check(**parts_for(proof.check, mutant))
        except AssertionError:
            return True
        return False

    return _noticing(evidence, claim, proof.notices, noticed, start)


def sample(claim: Claim, sampler: Sampler, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Decide problems drawn by Hypothesis; a refutation is shrunk to a small one before it is reported."""
    start = time.perf_counter()
    tally, drawn, refuted = _drawn(claim, sampler, profile, seed, STATED, tick)
    if refuted is not None:
        address = {"sampler": sampler.scope, "profile": profile, "seed": seed, "hypothesis": version("hypothesis")}
        witness = make_witness(claim, "stated", *refuted, address)
        return _evidence("refuted", "sampled", sampler.scope, tally, start, witness)
    scope = (
        f"{sampler.scope}: {len(drawn):,} distinct ones drawn by Hypothesis, "
        f"{len(drawn - _listed(claim, sampler, profile)):,} of them in no family, {tally.sound:,} under the hypotheses"
    )
    kind: Kind = "supported" if tally.decisive else "inconclusive"
    evidence = _evidence(kind, "sampled", scope + _vacuous(tally), tally, start)

    def noticed(mutant: Parts) -> bool:
        return _drawn(claim, sampler, "full", seed, mutant, lambda cases: None)[2] is not None

    return _noticing(evidence, claim, sampler.notices, noticed, start)


def _listed(claim: Claim, sampler: Sampler, profile: Profile) -> set[Hashable]:
    """The keys of what the families list, as far as they go: where one raises, its own check says so."""
    keys = set[Hashable]()
    for family in claim.families:
        with suppress(Exception, SystemExit):
            for problem in family.problems(profile):
                keys.add(sampler.key(problem))
    return keys


def redraw(claim: Claim, sampler: Sampler, profile: Profile, seed: int) -> Any:
    """The problem that draws from this seed shrink to, where they refute the claim; None where they do not."""
    refuted = _drawn(claim, sampler, profile, seed, STATED, lambda cases: None)[2]
    return None if refuted is None else refuted[0]


def _drawn(
    claim: Claim, sampler: Sampler, profile: Profile, seed: int, parts: Parts, tick: Tick
) -> tuple[_Tally, set[Hashable], tuple[Any, Facts] | None]:
    """Put a statement to the test on random problems: what was decided, their keys, and what refutes it."""
    import hypothesis
    from hypothesis.errors import HypothesisWarning, Unsatisfiable
    from hypothesis.strategies import SearchStrategy

    tally, keys = _Tally(), set[Hashable]()
    found: list[tuple[Any, Facts]] = []
    raised: list[int] = []

    def decide_one(problem: Any) -> None:
        try:
            key = sampler.key(problem)
            new = key not in keys
            facts = tally.decide(claim, problem, parts, tick) if new else None
        except (Exception, SystemExit) as error:
            raised.append(tally.problems + 1)
            error.add_note(f"at problem {raised[0]:,}, shrunk to {in_words(problem)}")
            raise
        hypothesis.assume(new)
        if facts is not None:
            found.append((problem, facts))
            raise _Refuted
        keys.add(key)  # what refutes is drawn again when it is shrunk

    strategy, fix = sampler.strategy(), "Return one, such as strategies.integers()."
    check_type(strategy, SearchStrategy, "Claim.sampler", sampler.scope, "a Hypothesis strategy", fix)
    draw = hypothesis.settings(
        max_examples=sampler.quick if profile == "quick" else sampler.full,
        database=None, deadline=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, *([] if parts else [hypothesis.Phase.shrink])),
    )(hypothesis.given(strategy)(decide_one))  # fmt: skip
    key = int(generator(seed, claim.id, sampler.scope).integers(2**63))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            hypothesis.seed(key)(draw)()
    except Unsatisfiable:
        pass  # nothing could be drawn: then nothing is under the hypotheses
    except _Refuted:
        return tally, keys, found[-1]  # the last one is the smallest: Hypothesis ends by replaying it
    return tally, keys, None


def measure(claim: Claim, measurement: Measurement, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Run a measurement with its own generator."""
    start = time.perf_counter()
    measured = _measured(claim, measurement, profile, seed, tick)
    scope = f"{measurement.scope}: {measured.summary}"
    decisive = measured.instances if measured.decisive is None else measured.decisive
    if measured.refutation is not None:
        address = {"measurement": measurement.scope, "profile": profile, "seed": seed}
        witness = make_witness(claim, f"measured: {measurement.scope}", *measured.refutation, address)
        witness |= {"seed": seed, "profile": profile}
        seconds = time.perf_counter() - start
        return Evidence("refuted", measurement.engine, scope, measured.instances, decisive, seconds, witness)
    kind: Kind = "supported" if decisive else "inconclusive"
    scope += "" if decisive else ". Vacuous: none of these cases could have refuted the claim"
    evidence = Evidence(kind, measurement.engine, scope, measured.instances, decisive)

    def noticed(mutant: Parts) -> bool:
        return _measured(claim, measurement, "full", seed, lambda cases: None, mutant).refutation is not None

    return _noticing(evidence, claim, measurement.notices, noticed, start)


def _measured(
    claim: Claim, measurement: Measurement, profile: Profile, seed: int, tick: Tick, parts: Parts = STATED
) -> Measured:
    rng, own = generator(seed, claim.id, measurement.scope), parts_for(measurement.run, parts)
    measured = measurement.run(rng, profile, tick, **own)
    fix = "Return Measured(cases, 'what was seen')."
    check_type(measured, Measured, "Claim.measurement", measurement.scope, "what it Measured", fix)
    refutation = measured.refutation
    if refutation is not None:
        refutation = refutation[0], as_facts(refutation[1], measurement.scope)
    return replace(measured, refutation=refutation)


def _noticing(
    evidence: Evidence, claim: Claim, names: tuple[str, ...], noticed: Callable[[Parts], bool], start: float
) -> Evidence:
    """The evidence of a check that notices these mutants; of one that lets a mutant through it is inconclusive.

    Chance decides what draws and searches meet, so mutants get a full run, which ends where it refutes them.
    """
    missed = [name for name in names if not noticed(claim.mutants[name])]
    if missed:
        scope = f"{evidence.scope}: the check does not notice the mutant {', '.join(missed)}"
        evidence = replace(evidence, kind="inconclusive", scope=scope)
    found = tuple(name for name in names if name not in missed)
    return replace(evidence, noticed=found, seconds=time.perf_counter() - start)


def remeasure(claim: Claim, measurement: Measurement, profile: Profile, seed: int) -> Facts | None:
    """What refutes the claim when a measurement is run again."""
    refutation = _measured(claim, measurement, profile, seed, lambda cases: None).refutation
    return None if refutation is None else refutation[1]


def refute_mutant(claim: Claim, name: str, profile: Profile, tick: Tick) -> dict[str, object] | None:
    """The witness on which a mutant fails, or None when it survives every family of the profile.

    What a family raises is raised when the others do not refute it.
    """
    broken: list[BaseException] = []
    for family, index, problem in _problems(claim, profile, broken):
        with _at(index):
            facts = claim.facts(problem, claim.mutants[name])
        tick(1)
        if facts is not None:
            address = {"family": family.scope, "profile": profile, "index": index}
            return make_witness(claim, f"mutant: {name}", problem, facts, address)
    if broken:
        raise broken[0]
    return None


def drop(claim: Claim, hypothesis: str, tick: Tick) -> dict[str, object] | None:
    """The witness that the claim fails without a hypothesis, or None when none was found."""
    dropped = claim.necessity[hypothesis]
    for index, problem in _numbered(dropped.problems, hypothesis):
        with _at(index):
            facts = claim.facts(problem, claim.parts_without(hypothesis))
        tick(1)
        if facts is not None:
            address = {"without": hypothesis, "index": index}
            return make_witness(claim, f"without: {hypothesis}", problem, facts, address)
    return None


def make_witness(claim: Claim, variant: str, problem: Any, facts: Facts, address: Address) -> dict[str, object]:
    """A witness: what was refuted, on which problem, and what was seen; `replay` needs nothing else.

    The problem is stored as data where it has a data form; else its address, from which it can be made again.
    """
    data = as_data(problem)
    spare = data is not None and variant.startswith(("mutant", "without"))
    witness: dict[str, object] = {
        "schema": 1,
        "claim": claim.address,
        "variant": variant,
        "facts": facts,
        "problem": {"address": {**address, "version": version("lengthgen")}} if data is None else data,
    }
    return witness if spare else witness | {"words": in_words(problem)}


def _problems(claim: Claim, profile: Profile, broken: list[BaseException]) -> Iterator[tuple[Family, int, Any]]:
    """The problems of all families in turn, one of each at a time, so that a mutant meets every kind early.

    A family that raises ends there, and `broken` has what it raised.
    """
    running = [(family, _numbered(partial(family.problems, profile), family.scope)) for family in claim.families]
    while running:
        for family, problems in list(running):
            try:
                index, problem = next(problems)
            except StopIteration:
                running.remove((family, problems))
            except (Exception, SystemExit) as error:
                if of_the_machine(error):
                    raise
                broken.append(error)
                running.remove((family, problems))
            else:
                yield family, index, problem


class _Refuted(Exception):
    """Carries a refutation out of Hypothesis."""


def climb(
    rng: np.random.Generator,
    start: tuple[int, ...],
    objective: Callable[[tuple[int, ...]], Fraction],
    *,
    n_choices: int,
    steps: int,
    tick: Tick,
) -> tuple[tuple[int, ...], Fraction, int]:
    """Hill climbing on tuples over 0..n_choices-1: change one or two entries, keep what is no worse.

    Returns
    -------
    (best state, its objective, states evaluated).
    """
    state, value = start, objective(start)
    for _ in range(steps):
        proposal = list(state)
        for place in rng.integers(0, len(state), size=int(rng.integers(1, 3))):
            proposal[place] = int(rng.integers(0, n_choices))
        found = objective(tuple(proposal))
        tick(1)
        if found >= value:
            state, value = tuple(proposal), found
    return state, value, steps + 1
