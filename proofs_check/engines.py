"""The engines: exhaust a family, check proofs, draw at random, measure, drop hypotheses, refute mutants.

Draws, measurements and proofs meet mutants too, those that they say they notice: one that lets such a mutant through is
inconclusive. Each takes an `Attack` and knows nothing of the claim. Randomness comes from a seed keyed by stable names, so the
result is the same whatever the number of workers and the order of the checks.
"""

from __future__ import annotations

import time
import warnings
import zlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler
from proofs_check.evidence import Evidence, Kind
from proofs_check.files import problem_to_dict
from proofs_check.problem import Problem

Tick = Callable[[int], None]
"""Called with the number of cases decided since the last call, so that progress and partial reports are honest."""


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

    def decide(self, attack: Attack, problem: Problem, statement: Any, tick: Tick) -> Facts | None:
        """Put a statement to the test on one more problem; where the claim says nothing there are no cases."""
        facts = attack.refute(problem, statement)
        sound = attack.nonvacuous(problem)
        cases = attack.cases(problem) if sound else 0
        self.problems += 1
        self.sound += sound
        self.undecided += sound and not cases
        self.cases += cases
        self.decisive += attack.decisive(problem) if sound and attack.decisive is not None else cases
        tick(cases)
        return facts


def exhaust(attack: Attack, family: Family, profile: Profile, tick: Tick) -> Evidence:
    """Decide every problem of a family; "exhausted" only where each of them under the hypotheses has cases that were."""
    start, tally = time.perf_counter(), _Tally()
    for problem in family.problems(profile):
        facts = tally.decide(attack, problem, attack.stated, tick)
        if facts is not None:
            witness = make_witness(attack, "stated", problem, facts)
            return _evidence("refuted", "exhaustive", family.scope, tally, start, witness)
    scope = f"{family.scope} [{profile}]: {tally.problems:,} problems, {tally.sound:,} of them under the hypotheses"
    if tally.undecided:
        scope += f", {tally.undecided:,} of these too large to decide"
    kind: Kind = "inconclusive" if not tally.decisive else "supported" if tally.undecided else "exhausted"
    return _evidence(kind, "exhaustive", scope, tally, start)


def _evidence(
    kind: Kind, engine: str, scope: str, tally: _Tally, start: float, witness: dict[str, object] | None = None
) -> Evidence:
    return Evidence(kind, engine, scope, tally.cases, tally.decisive, time.perf_counter() - start, witness)


def prove(attack: Attack, proof: Proof) -> Evidence:
    """Check a proof; one that does not go through refutes nothing, but leaves the claim unproved."""
    start = time.perf_counter()
    try:
        steps = proof.check()
    except AssertionError as error:
        scope = f"{proof.scope}: the proof does not go through: {error}"
        return Evidence("inconclusive", "symbolic", scope, 0, 0, time.perf_counter() - start)
    evidence = Evidence(proof.kind, "symbolic", proof.scope, steps, steps)

    def noticed(mutant: Any) -> bool:
        try:
            proof.check(mutant)
        except AssertionError:
            return True
        return False

    return _noticing(evidence, attack, proof.notices, noticed, start)


def sample(attack: Attack, sampler: Sampler, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Decide problems drawn by Hypothesis; a refutation is shrunk to a small one before it is reported."""
    start = time.perf_counter()
    tally, drawn, refuted = _drawn(attack, sampler, profile, seed, attack.stated, tick)
    if refuted is not None:
        witness = make_witness(attack, "stated", *refuted)
        return _evidence("refuted", "sampled", sampler.scope, tally, start, witness)
    listed = {sampler.key(problem) for family in attack.families for problem in family.problems(profile)}
    scope = (
        f"{sampler.scope}: {len(drawn):,} distinct ones drawn by Hypothesis, {len(drawn - listed):,} of them in no family, "
        f"{tally.sound:,} under the hypotheses"
    )
    evidence = _evidence("supported" if tally.decisive else "inconclusive", "sampled", scope, tally, start)

    def noticed(mutant: Any) -> bool:
        return _drawn(attack, sampler, "full", seed, mutant, lambda cases: None)[2] is not None

    return _noticing(evidence, attack, sampler.notices, noticed, start)


def _drawn(
    attack: Attack, sampler: Sampler, profile: Profile, seed: int, statement: Any, tick: Tick
) -> tuple[_Tally, set[Hashable], tuple[Problem, Facts] | None]:
    """Put a statement to the test on random problems: what was decided, their keys, and what refutes it."""
    import hypothesis
    from hypothesis.errors import HypothesisWarning, Unsatisfiable

    tally, keys = _Tally(), set[Hashable]()
    found: list[tuple[Problem, Facts]] = []

    def decide_one(problem: Problem) -> None:
        key = sampler.key(problem)
        hypothesis.assume(key not in keys)
        facts = tally.decide(attack, problem, statement, tick)
        if facts is not None:
            found.append((problem, facts))
            raise _Refuted
        keys.add(key)  # what refutes is drawn again when it is shrunk

    stated = statement == attack.stated
    draw = hypothesis.settings(
        max_examples=sampler.quick if profile == "quick" else sampler.full,
        database=None, deadline=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if stated else [])),
    )(hypothesis.given(sampler.strategy())(decide_one))  # fmt: skip
    key = int(generator(seed, attack.claim_id, sampler.scope).integers(2**63))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            hypothesis.seed(key)(draw)()
    except Unsatisfiable:
        pass  # nothing could be drawn: then nothing is under the hypotheses
    except _Refuted:
        return tally, keys, found[-1]  # the last one is the smallest: Hypothesis ends by replaying it
    return tally, keys, None


def measure(attack: Attack, measurement: Measurement, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Run a measurement with its own generator."""
    start = time.perf_counter()
    measured = _measured(attack, measurement, profile, seed, tick)
    scope = f"{measurement.scope}: {measured.summary}"
    decisive = measured.instances if measured.decisive is None else measured.decisive
    if measured.refutation is not None:
        witness = make_witness(attack, f"measured: {measurement.scope}", *measured.refutation)
        witness |= {"seed": seed, "profile": profile}
        seconds = time.perf_counter() - start
        return Evidence("refuted", measurement.engine, scope, measured.instances, decisive, seconds, witness)
    kind: Kind = "supported" if decisive else "inconclusive"
    evidence = Evidence(kind, measurement.engine, scope, measured.instances, decisive)

    def noticed(mutant: Any) -> bool:
        return _measured(attack, measurement, "full", seed, lambda cases: None, mutant).refutation is not None

    return _noticing(evidence, attack, measurement.notices, noticed, start)


def _measured(
    attack: Attack, measurement: Measurement, profile: Profile, seed: int, tick: Tick, *mutant: Any
) -> Measured:
    return measurement.run(generator(seed, attack.claim_id, measurement.scope), profile, tick, *mutant)


def _noticing(
    evidence: Evidence, attack: Attack, names: tuple[str, ...], noticed: Callable[[Any], bool], start: float
) -> Evidence:
    """The evidence of a check that notices these mutants; of one that lets a mutant through it is inconclusive.

    Chance decides what draws and searches meet, so mutants get a full run, which ends where it refutes them.
    """
    missed = [name for name in names if not noticed(attack.mutants[name])]
    if missed:
        scope = f"{evidence.scope}: the check does not notice the mutant {', '.join(missed)}"
        evidence = replace(evidence, kind="inconclusive", scope=scope)
    found = tuple(name for name in names if name not in missed)
    return replace(evidence, noticed=found, seconds=time.perf_counter() - start)


def remeasure(attack: Attack, measurement: Measurement, profile: Profile, seed: int) -> Facts | None:
    """What refutes the claim when a measurement is run again."""
    refutation = _measured(attack, measurement, profile, seed, lambda cases: None).refutation
    return None if refutation is None else refutation[1]


def refute_mutant(attack: Attack, name: str, profile: Profile, tick: Tick) -> dict[str, object] | None:
    """The witness on which a mutant fails, or None when it survives every family of the profile."""
    for problem in _problems(attack, profile):
        facts = attack.refute(problem, attack.mutants[name])
        tick(1)
        if facts is not None:
            return make_witness(attack, f"mutant: {name}", problem, facts)
    return None


def drop(attack: Attack, hypothesis: str, tick: Tick) -> dict[str, object] | None:
    """The witness that the claim fails without a hypothesis, or None when none was found."""
    dropped: Dropped = attack.necessity[hypothesis]
    statement = attack.stated if dropped.statement is None else dropped.statement
    for problem in dropped.problems():
        facts = attack.refute(problem, statement)
        tick(1)
        if facts is not None:
            return make_witness(attack, f"without: {hypothesis}", problem, facts)
    return None


def make_witness(attack: Attack, variant: str, problem: Problem, facts: Facts) -> dict[str, object]:
    """A witness: what was refuted, on which problem, and what was seen; `replay` needs nothing else."""
    return {
        "schema": 1,
        "claim": attack.claim_id,
        "variant": variant,
        "facts": facts,
        "problem": problem_to_dict(problem),
    }


def _problems(attack: Attack, profile: Profile) -> Iterator[Problem]:
    """The problems of all families in turn, one of each at a time, so that a mutant meets every kind early."""
    running = [family.problems(profile) for family in attack.families]
    while running:
        for problems in list(running):
            try:
                yield next(problems)
            except StopIteration:
                running.remove(problems)


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
