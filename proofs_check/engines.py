"""The engines: exhaust a family, check proofs, draw at random, measure, drop hypotheses, refute mutants.

Each takes an `Attack` and knows nothing of the claim. Randomness comes from a seed keyed by stable names, so the
result is the same whatever the number of workers and the order of the checks.
"""

from __future__ import annotations

import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from proofs_check.attack import Attack, Dropped, Facts, Family, Measurement, Profile, Proof, Sampler
from proofs_check.evidence import Evidence
from proofs_check.files import problem_to_dict
from proofs_check.problem import Problem

Tick = Callable[[int], None]
"""Called with the number of cases decided since the last call, so that progress and partial reports are honest."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random generator for one named check: a function of the seed and the names alone."""
    return np.random.default_rng(np.random.SeedSequence([seed, *(zlib.crc32(name.encode()) for name in names)]))


def exhaust(attack: Attack, family: Family, profile: Profile, tick: Tick) -> Evidence:
    """Decide every problem of a family."""
    start, instances, problems, sound = time.perf_counter(), 0, 0, 0
    for problem in family.problems(profile):
        facts = attack.refute(problem, attack.stated)
        cases = _cases(attack, problem)
        problems, instances = problems + 1, instances + cases
        sound += attack.nonvacuous(problem)
        tick(cases)
        if facts is not None:
            witness = make_witness(attack, "stated", problem, facts)
            return Evidence("refuted", "exhaustive", family.scope, instances, time.perf_counter() - start, witness)
    kind = "exhausted" if sound else "inconclusive"
    scope = f"{family.scope} [{profile}]: {problems:,} problems, {sound:,} of them under the hypotheses"
    return Evidence(kind, "exhaustive", scope, instances, time.perf_counter() - start)  # type: ignore[arg-type]


def prove(attack: Attack, proof: Proof) -> Evidence:
    """Check a proof; one that does not go through refutes nothing, but leaves the claim unproved."""
    start = time.perf_counter()
    try:
        steps = proof.check()
    except AssertionError as error:
        scope = f"{proof.scope}: the proof does not go through: {error}"
        return Evidence("inconclusive", "symbolic", scope, 0, time.perf_counter() - start)
    return Evidence("proved", "symbolic", proof.scope, steps, time.perf_counter() - start)


def sample(attack: Attack, sampler: Sampler, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Decide problems drawn by Hypothesis; a refutation is shrunk to a small one before it is reported."""
    import hypothesis
    from hypothesis.errors import HypothesisWarning, Unsatisfiable

    start = time.perf_counter()
    wanted = sampler.quick if profile == "quick" else sampler.full
    counts = {"problems": 0, "cases": 0, "sound": 0}
    found: list[tuple[Problem, Facts]] = []

    def decide_one(problem: Problem) -> None:
        facts = attack.refute(problem, attack.stated)
        cases = _cases(attack, problem)
        counts["problems"] += 1
        counts["cases"] += cases
        counts["sound"] += attack.nonvacuous(problem)
        tick(cases)
        if facts is not None:
            found.append((problem, facts))
            raise _Refuted

    draw = hypothesis.settings(
        max_examples=wanted, database=None, deadline=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    )(hypothesis.given(sampler.strategy())(decide_one))  # fmt: skip
    key = int(generator(seed, attack.claim_id, sampler.scope).integers(2**63))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            hypothesis.seed(key)(draw)()
    except Unsatisfiable:
        pass  # nothing could be drawn: then nothing is under the hypotheses
    except _Refuted:
        problem, facts = found[-1]  # the last one is the smallest: Hypothesis ends by replaying it
        witness = make_witness(attack, "stated", problem, facts)
        return Evidence("refuted", "sampled", sampler.scope, counts["cases"], time.perf_counter() - start, witness)
    kind = "supported" if counts["sound"] else "inconclusive"
    scope = f"{sampler.scope}: {counts['problems']:,} drawn by Hypothesis, {counts['sound']:,} under the hypotheses"
    return Evidence(kind, "sampled", scope, counts["cases"], time.perf_counter() - start)  # type: ignore[arg-type]


def measure(attack: Attack, measurement: Measurement, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Run a measurement with its own generator."""
    start = time.perf_counter()
    measured = measurement.run(generator(seed, attack.claim_id, measurement.scope), profile, tick)
    scope = f"{measurement.scope}: {measured.summary}"
    seconds = time.perf_counter() - start
    if measured.refutation is not None:
        problem, facts = measured.refutation
        witness = make_witness(attack, f"measured: {measurement.scope}", problem, facts)
        witness |= {"seed": seed, "profile": profile}
        return Evidence("refuted", measurement.engine, scope, measured.instances, seconds, witness)
    return Evidence("supported", measurement.engine, scope, measured.instances, seconds)


def remeasure(attack: Attack, measurement: Measurement, profile: Profile, seed: int) -> Facts | None:
    """What refutes the claim when a measurement is run again."""
    rng = generator(seed, attack.claim_id, measurement.scope)
    refutation = measurement.run(rng, profile, lambda cases: None).refutation
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


def _cases(attack: Attack, problem: Problem) -> int:
    """How many cases were decided on a problem; none where the claim says nothing."""
    return attack.cases(problem) if attack.nonvacuous(problem) else 0


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
