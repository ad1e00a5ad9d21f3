"""The engines: exhaust a family, check proofs, draw at random, measure, drop hypotheses, refute mutants.

Draws, measurements and proofs meet mutants too, those that they say they notice: one that lets such a mutant through is
inconclusive. Each takes a `Claim` and knows nothing more of it. Randomness comes from a seed keyed by stable names, so the
result is the same whatever the number of workers and the order of the checks; so it is when a check is done in parts:
lists of problems in turns (`walk`), draws block by block (`draw`), noticed mutants one by one, and these too block by block
(`notices`).
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from proofs_check.claims.claim import Claim
from proofs_check.claims.functions import Facts, Parts, as_count, as_facts, as_problems, parts_for
from proofs_check.claims.recorded import Address, Witness, make_witness
from proofs_check.claims.registered import Family, Measured, Measurement, Profile, Proof, Sampler
from proofs_check.claims.turns import Listed, Tally, Walked, together, walk
from proofs_check.evidence import Evidence, Kind, version
from proofs_check.problem import in_words
from proofs_check.theorems import stored
from proofs_check.work.draws import each_drawn, generator
from proofs_check.work.pool import Tick
from theory.errors import check_type, number_of, of_the_machine

DRAWS = 250
"""How many problems are drawn from one seed; more are drawn in blocks, so that several workers can."""

STATED: Parts = {}
"""The claim itself: no part of it is changed."""


def exhaust(claim: Claim, family: Family, profile: Profile, tick: Tick) -> Evidence:
    """Decide every problem of a family; "exhausted" only where each of them under the hypotheses has cases that were."""
    return exhausted(family, profile, [walk(listed_by(claim, family, profile, tick))])


def listed_by(claim: Claim, family: Family, profile: Profile, tick: Tick) -> Listed[Witness]:
    """What `exhaust` goes through."""

    def decide(numbered: tuple[int, Any], tally: Tally) -> Witness | None:
        index, problem = numbered
        with _at(index):
            facts = _decide(claim, problem, STATED, tally, tick)
        address = {"family": family.scope, "profile": profile, "index": index}
        return None if facts is None else make_witness(claim, "stated", problem, facts, address)

    return Listed(_numbered(partial(family.problems, profile), family.scope), decide)


def exhausted(family: Family, profile: Profile, turns: Sequence[Walked[Any]]) -> Evidence:
    """What the turns of `exhaust` come to."""
    tally, end = together(turns)
    seconds = sum(walked.seconds for walked in turns)
    if end is not None:
        return _evidence("refuted", "exhaustive", family.scope, tally, seconds, end.end)
    scope = f"{family.scope} [{profile}]: {number_of(tally.problems, 'problem')}, {tally.sound:,} of them under the hypotheses"
    if tally.undecided:
        scope += f", {tally.undecided:,} of these too large to decide"
    kind: Kind = "inconclusive" if not tally.decisive else "supported" if tally.undecided else "exhausted"
    return _evidence(kind, "exhaustive", scope + _vacuous(tally), tally, seconds)


def _decide(claim: Claim, problem: Any, parts: Parts, tally: Tally, tick: Tick) -> Facts | None:
    """Put a statement to the test on one more problem; where the claim says nothing there are no cases."""
    facts = claim.facts(problem, parts)
    sound = claim.holds_on(problem)
    cases = claim.n_cases(problem) if sound else 0
    tally += Tally(1, sound, sound and not cases, cases, claim.n_decisive(problem, cases) if cases else 0)
    tick(cases)
    return facts


def _vacuous(tally: Tally) -> str:
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
    kind: Kind, engine: str, scope: str, tally: Tally, seconds: float, witness: Witness | None = None
) -> Evidence:
    return Evidence(kind, engine, scope, tally.cases, tally.decisive, seconds, witness)


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
    evidence = Evidence(proof.kind, "symbolic", proof.scope, steps, steps, time.perf_counter() - start)
    return noticing(evidence, _met(claim, proof, 0))


def compiled(claim: Claim) -> Evidence:
    """What Coq said of the theorems of a claim, as it is stored; refuted by the axioms that one depends on."""
    start = time.perf_counter()
    name = stored.dependent(claim.id)
    found = stored.evidence(claim.id)
    if name is not None:
        witness = make_witness(claim, stored.VARIANT, name, stored.axioms_of(name) or {}, {})
        scope = f"{stored.scope_of(claim.id)}: {name} depends on an axiom"
        found = Evidence("refuted", "coq", scope, found.instances, found.decisive, witness=witness)
    return replace(found, seconds=time.perf_counter() - start)


def sample(claim: Claim, sampler: Sampler, profile: Profile, seed: int, tick: Tick) -> Evidence:
    """Decide problems drawn by Hypothesis; a refutation is shrunk to a small one before it is reported."""
    drawn: list[Drawn] = []
    for block in range(n_blocks(sampler, profile)):
        drawn.append(draw(claim, sampler, profile, seed, block, tick))
        if drawn[-1].refuted is not None:
            break
    evidence = sampled(sampler, drawn)
    return noticing(evidence, _met(claim, sampler, seed)) if asks(evidence) else evidence


@dataclass(frozen=True)
class Drawn:
    """What a block of draws found.

    Attributes
    ----------
    tally : what was decided, what refutes the claim and was shrunk again and again.
    keys : {key of a problem: (what was decided of it, whether a family lists it)}; they travel between processes.
    """

    tally: Tally = field(default_factory=Tally)
    keys: dict[Hashable, tuple[Tally, bool]] = field(default_factory=dict)
    refuted: Witness | None = None
    seconds: float = 0.0


def n_blocks(sampler: Sampler, profile: Profile) -> int:
    """In how many blocks a sampler draws: each has a seed of its own, and at most `DRAWS` problems."""
    return -(-_n_draws(sampler, profile) // DRAWS)


def _n_draws(sampler: Sampler, profile: Profile) -> int:
    return sampler.quick if profile == "quick" else sampler.full


def draw(
    claim: Claim,
    sampler: Sampler,
    profile: Profile,
    seed: int,
    block: int,
    tick: Tick,
    decided: dict[Hashable, Tally] | None = None,
) -> Drawn:
    """A block of `sample`; `decided` is filled in as it goes, also when something is raised: what was, by the key."""
    start, keys = time.perf_counter(), {} if decided is None else decided
    tally, refuted = _drawn(claim, sampler, profile, seed, block, STATED, tick, keys)
    if refuted is not None:
        address = {"sampler": sampler.scope, "profile": profile, "seed": seed, "hypothesis": version("hypothesis")}
        address |= {"block": block} if block else {}
        witness = make_witness(claim, "stated", *refuted, address)
        return Drawn(tally, refuted=witness, seconds=time.perf_counter() - start)
    listed = _listed(claim, sampler, profile)
    own = zip(portable(keys, block).items(), keys, strict=True)
    return Drawn(tally, {name: (one, key in listed) for (name, one), key in own}, seconds=time.perf_counter() - start)


def portable(decided: Mapping[Hashable, Tally], block: int) -> dict[Hashable, Tally]:
    """What a block decided, by keys for other processes."""
    return {_portable(key, block, number): one for number, (key, one) in enumerate(decided.items())}


def _portable(key: Hashable, block: int, number: int) -> Hashable:
    """A key for other processes; one that is not itself there equals none of theirs, and has a number instead."""
    try:
        same = pickle.loads(pickle.dumps(key)) == key
    except Exception:
        same = False
    return key if same else (block, number)


def sampled(sampler: Sampler, drawn: Sequence[Drawn]) -> Evidence:
    """What the blocks of `sample` come to, in their order, up to the first that refutes the claim."""
    seconds = sum(block.seconds for block in drawn)
    keys: dict[Hashable, tuple[Tally, bool]] = {}
    tally = Tally()
    for block in drawn:
        if block.refuted is not None:
            tally += block.tally
            return _evidence("refuted", "sampled", sampler.scope, tally, seconds, block.refuted)
        for key, found in block.keys.items():
            if key not in keys:
                keys[key] = found
                tally += found[0]
    scope = (
        f"{sampler.scope}: {len(keys):,} distinct ones drawn by Hypothesis, "
        f"{sum(not listed for _, listed in keys.values()):,} of them in no family, {tally.sound:,} under the hypotheses"
    )
    kind: Kind = "supported" if tally.decisive else "inconclusive"
    return _evidence(kind, "sampled", scope + _vacuous(tally), tally, seconds)


@lru_cache(maxsize=1)  # for the blocks of one sampler that a process draws
def _listed(claim: Claim, sampler: Sampler, profile: Profile) -> frozenset[Hashable]:
    """The keys of what the families list, as far as they go: where one raises, its own check says so."""
    keys = set[Hashable]()
    for family in claim.families:
        try:
            for problem in family.problems(profile):
                keys.add(sampler.key(problem))
        except (Exception, SystemExit) as error:
            if of_the_machine(error):
                raise
    return frozenset(keys)


def redraw(claim: Claim, sampler: Sampler, profile: Profile, seed: int, block: int = 0) -> Any:
    """The problem that draws from this seed shrink to, where they refute the claim; None where they do not."""
    refuted = _drawn(claim, sampler, profile, seed, block, STATED, _quiet, {})[1]
    return None if refuted is None else refuted[0]


def _drawn(
    claim: Claim,
    sampler: Sampler,
    profile: Profile,
    seed: int,
    block: int,
    parts: Parts,
    tick: Tick,
    keys: dict[Hashable, Tally],
) -> tuple[Tally, tuple[Any, Facts] | None]:
    """Put a statement to the test on a block of random problems: what was decided, in `keys` of each, and what refutes it."""
    import hypothesis
    from hypothesis.errors import Unsatisfiable
    from hypothesis.strategies import SearchStrategy

    total = Tally()
    found: list[tuple[Any, Facts]] = []
    raised: list[int] = []

    def decide_one(problem: Any) -> None:
        nonlocal total
        own = Tally()
        try:
            key = sampler.key(problem)
            new = key not in keys
            facts = _decide(claim, problem, parts, own, tick) if new else None
        except (Exception, SystemExit) as error:
            raised.append(block * DRAWS + total.problems + 1)
            error.add_note(f"at problem {raised[0]:,}, shrunk to {in_words(problem)}")
            raise
        hypothesis.assume(new)
        total += own
        if facts is not None:
            found.append((problem, facts))
            raise _Refuted
        keys[key] = own  # what refutes is drawn again when it is shrunk

    strategy, fix = sampler.strategy(), "Return one, such as strategies.integers()."
    check_type(strategy, SearchStrategy, "Claim.sampler", sampler.scope, "a Hypothesis strategy", fix)
    rng = generator(seed, claim.id, sampler.scope, *([str(block)] if block else []))
    try:
        each_drawn(strategy, decide_one, rng, min(DRAWS, _n_draws(sampler, profile) - block * DRAWS), shrink=not parts)
    except Unsatisfiable:
        pass  # nothing could be drawn: then nothing is under the hypotheses
    except _Refuted:
        return total, found[-1]  # the last one is the smallest: Hypothesis ends by replaying it
    return total, None


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
    seconds = time.perf_counter() - start
    evidence = Evidence(kind, measurement.engine, scope, measured.instances, decisive, seconds)
    return noticing(evidence, _met(claim, measurement, seed))


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


class Noticed(NamedTuple):
    """Whether a check refutes a mutant of the claim, or does not go through with it."""

    mutant: str
    by_it: bool
    seconds: float = 0.0


def asks(evidence: Evidence) -> bool:
    """Whether a check that found this is to meet the mutants that it notices."""
    return evidence.kind != "refuted" and (evidence.engine, evidence.kind) != ("symbolic", "inconclusive")


def n_meetings(check: Sampler | Measurement | Proof) -> int:
    """In how many blocks a check meets a mutant, until one refutes it.

    Chance decides what draws and searches meet, so mutants get a full run.
    """
    return n_blocks(check, "full") if isinstance(check, Sampler) else 1


def notices(claim: Claim, check: Sampler | Measurement | Proof, name: str, seed: int, block: int = 0) -> Noticed:
    """Let a check meet a mutant, in one of its blocks."""
    start, mutant = time.perf_counter(), claim.mutants[name]
    match check:
        case Sampler():
            by_it = _drawn(claim, check, "full", seed, block, mutant, _quiet, {})[1] is not None
        case Measurement():
            by_it = _measured(claim, check, "full", seed, _quiet, mutant).refutation is not None
        case Proof():
            try:
                check.check(**parts_for(check.check, mutant))
                by_it = False
            except AssertionError:
                by_it = True
    return Noticed(name, by_it, time.perf_counter() - start)


def _met(claim: Claim, check: Sampler | Measurement | Proof, seed: int) -> list[Noticed]:
    """All mutants that a check says it notices, each met until a block refutes it."""
    met: list[Noticed] = []
    for name in check.notices:
        for block in range(n_meetings(check)):
            met.append(notices(claim, check, name, seed, block))
            if met[-1].by_it:
                break
    return met


def noticing(evidence: Evidence, found: Sequence[Noticed]) -> Evidence:
    """The evidence of a check that met these mutants, in some blocks; of one that lets a mutant through it is inconclusive."""
    names = tuple(dict.fromkeys(one.mutant for one in found if one.by_it))
    missed = [name for name in dict.fromkeys(one.mutant for one in found) if name not in names]
    if missed:
        scope = f"{evidence.scope}: the check does not notice the mutant {', '.join(missed)}"
        evidence = replace(evidence, kind="inconclusive", scope=scope)
    return replace(evidence, noticed=names, seconds=evidence.seconds + sum(one.seconds for one in found))


def _quiet(cases: int) -> None:
    """The cases of a mutant are none of the claim."""


def remeasure(claim: Claim, measurement: Measurement, profile: Profile, seed: int) -> Facts | None:
    """What refutes the claim when a measurement is run again."""
    refutation = _measured(claim, measurement, profile, seed, _quiet).refutation
    return None if refutation is None else refutation[1]


def refute_mutant(claim: Claim, name: str, profile: Profile, tick: Tick) -> Witness | None:
    """The witness on which a mutant fails, or None when it survives every family of the profile.

    What a family raises is raised when the others do not refute it.
    """
    return walk(met_by_mutant(claim, name, profile, tick)).end


def met_by_mutant(claim: Claim, name: str, profile: Profile, tick: Tick) -> Listed[Witness]:
    """What `refute_mutant` goes through."""

    def decide(found: tuple[Family, int, Any], tally: Tally) -> Witness | None:
        family, index, problem = found
        address = {"family": family.scope, "profile": profile, "index": index}
        return _broken(claim, f"mutant: {name}", problem, claim.mutants[name], address, tally, tick)

    return Listed(_problems(claim, profile), decide)


def drop(claim: Claim, hypothesis: str, tick: Tick) -> Witness | None:
    """The witness that the claim fails without a hypothesis, or None when none was found."""
    return walk(met_without(claim, hypothesis, tick)).end


def met_without(claim: Claim, hypothesis: str, tick: Tick) -> Listed[Witness]:
    """What `drop` goes through."""
    parts = claim.parts_without(hypothesis)

    def decide(numbered: tuple[int, Any], tally: Tally) -> Witness | None:
        index, problem = numbered
        address = {"without": hypothesis, "index": index}
        return _broken(claim, f"without: {hypothesis}", problem, parts, address, tally, tick)

    return Listed(_numbered(claim.necessity[hypothesis].problems, hypothesis), decide)


def _broken(
    claim: Claim, variant: str, problem: Any, parts: Parts, address: Address, tally: Tally, tick: Tick
) -> Witness | None:
    """The witness that a variant fails on one more problem."""
    with _at(address["index"]):
        facts = claim.facts(problem, parts)
    tally += Tally(1, cases=1)
    tick(1)
    return None if facts is None else make_witness(claim, variant, problem, facts, address)


def _problems(claim: Claim, profile: Profile) -> Iterator[tuple[Family, int, Any]]:
    """The problems of all families in turn, one of each at a time, so that a mutant meets every kind early.

    A family that raises ends there; the first thing that one raised is raised after the problems of the others.
    """
    broken: list[BaseException] = []
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
    if broken:
        raise broken[0]


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
