"""Reproduce a witness: make its problem again and put the same statement to the same test."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast, get_args

from proofs_check.claims import engines, find
from proofs_check.claims.claim import Claim, Facts, Profile
from proofs_check.claims.finding import said
from proofs_check.claims.functions import Parts, as_problems
from proofs_check.claims.recorded import from_field
from proofs_check.evidence import version
from proofs_check.problem import in_words
from proofs_check.theorems import stored
from theory.claims import OF_SMALLER_SETS
from theory.errors import InvalidArgument, TheoryError, check_type, shown


@dataclass(frozen=True)
class Replay:
    """What a replay found: whether the same facts came out, and a line that says so."""

    reproduced: bool
    summary: str


def replay(witness: dict[str, Any], where: str = "witness") -> Replay:
    """Put the statement that the witness names to the test on its problem.

    The summary says where the problem is from, if the witness does not hold it: from its address it is made again.

    Raises
    ------
    InvalidArgument : for a malformed witness, or one of an unknown claim or variant.
    """
    fields = {"claim": str, "variant": str, "facts": dict, "problem": dict}
    for name, kind in fields.items():
        if not isinstance(witness, dict) or name not in witness:
            got = "nothing" if isinstance(witness, dict) else shown(witness)
            raise InvalidArgument(
                "replay", f"{where}: {name}", got=got, expected=f"the field '{name}'", fix="Write it again."
            )
        expected = "a string" if kind is str else "a table (object)"
        check_type(witness[name], kind, "replay", f"{where}: {name}", expected, "Write it again.")
    claim = find(witness["claim"], os.getcwd())
    if witness["variant"] == stored.VARIANT:
        return _of_theorem(claim, witness, where)
    measurement = next((m for m in claim.measurements if witness["variant"] == f"measured: {m.scope}"), None)
    if measurement is not None:
        seed, profile = _run_of(witness, where)
        source, facts = "", engines.remeasure(claim, measurement, profile, seed)
    else:
        parts = _parts(claim, witness["variant"], where)
        if claim.id == claim.address and claim.id not in OF_SMALLER_SETS and _has_smaller_sets(witness["problem"]):
            raise InvalidArgument(
                "replay", f"{where}: problem: at_most", got="candidate sets of at most k positions",
                expected=f"candidate sets of exactly k positions, as {claim.id} is about these", fix="Remove at_most.",
            )  # fmt: skip
        source, problem = _problem(claim, witness["problem"], f"{where}: problem")
        facts = None if problem is None else _facts(claim, problem, parts, where)
        then, now = witness.get("words"), in_words(problem)
        if source and facts is not None and then not in (None, now):
            return Replay(False, f"{claim.address}, {witness['variant']}{source}: recorded {then}, now {now}")
    seen = None if facts is None else json.loads(json.dumps(facts))
    label = f"{claim.address}, {witness['variant']}{source}"
    if seen is not None and seen == witness["facts"]:
        return Replay(True, f"{label}: {', '.join(f'{k} {v}' for k, v in seen.items())}")
    return Replay(False, f"{label}: recorded {witness['facts']}, now {seen}")


def _of_theorem(claim: Claim, witness: dict[str, Any], where: str) -> Replay:
    """Whether the stored result still says that a theorem depends on axioms."""
    name = from_field(witness["problem"], f"{where}: problem")
    known = {theorem.name for compiled in claim.compiled for theorem in compiled.theorems}
    if name not in known:
        raise InvalidArgument(
            "replay", f"{where}: problem", got=shown(name), expected=f"a theorem of {claim.address}",
            fix="Write the witness again.",
        )  # fmt: skip
    facts, label = stored.axioms_of(name), f"{claim.address}, {stored.VARIANT}"
    if facts is not None and facts == witness["facts"]:
        return Replay(True, f"{label}: {', '.join(f'{k} {v}' for k, v in facts.items())}")
    return Replay(False, f"{label}: recorded {witness['facts']}, now {facts}")


def _has_smaller_sets(data: Any) -> bool:
    """Whether some head class in the data of a problem has candidate sets of fewer positions than its arity."""
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return (isinstance(data, dict) and data.get("at_most") is True) or any(map(_has_smaller_sets, inner))


def _run_of(data: dict[str, Any], where: str) -> tuple[int, Profile]:
    """The seed and the profile of the run that is to be repeated."""
    seed, profile = data.get("seed", 0), cast(Profile, data.get("profile"))
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0 or profile not in get_args(Profile):
        raise InvalidArgument(
            "replay",
            f"{where}: seed, profile",
            got=shown((data.get("seed"), profile)),
            expected="the seed and the profile of the run",
            fix="Write the witness again.",
        )
    return seed, profile


def _problem(claim: Claim, data: dict[str, Any], where: str) -> tuple[str, Any]:
    """Where the problem is from, if the witness does not hold it, and the problem; None where there is none any more."""
    if data.keys() != {"address"}:
        return "", from_field(data, where)
    address = data["address"]
    check_type(address, dict, "replay", f"{where}: address", "a table (object)", "Write the witness again.")
    match address:
        case {"family": str(name), "index": int(index)} if name in (named := {f.scope: f for f in claim.families}):
            problems = as_problems(named[name].problems(_run_of(address, f"{where}: address")[1]), name)
        case {"without": str(name), "index": int(index)} if name in claim.necessity:
            problems = as_problems(claim.necessity[name].problems(), name)
        case {"sampler": str(name)} if name in (drawn := {s.scope: s for s in claim.samplers}):
            seed, profile = _run_of(address, f"{where}: address")
            block = address.get("block", 0)
            if type(block) is not int or block < 0:
                raise InvalidArgument(
                    "replay", f"{where}: address: block", got=shown(block), expected="a whole number >= 0",
                    fix="Write the witness again.",
                )  # fmt: skip
            problem = engines.redraw(claim, drawn[name], profile, seed, block)
            return f" (drawn again, with seed {seed}, from {name!r}{_changed(address)})", problem
        case _:
            raise InvalidArgument(
                "replay",
                f"{where}: address",
                got=shown(address),
                expected=f"a family, a sampler or a hypothesis of {claim.address}",
                fix="Write the witness again.",
            )
    return f" (problem {index + 1:,} of {name!r}{_changed(address)})", next(islice(problems, max(index, 0), None), None)


def _changed(address: dict[str, Any]) -> str:
    """What to say where another version made the address."""
    recorded = {"lengthgen": address.get("version"), "hypothesis": address.get("hypothesis")}
    return "".join(
        f", as {name} {version(name)} makes it; recorded by {then}"
        for name, then in recorded.items()
        if then not in (None, version(name))
    )


def _facts(claim: Claim, problem: Any, parts: Parts, where: str) -> Facts | None:
    try:
        return claim.facts(problem, parts)
    except TheoryError:
        raise
    except Exception as error:  # a claim takes much for granted of its own problems
        raise InvalidArgument(
            "replay",
            f"{where}: problem",
            got=f"a problem that cannot be put to {claim.address} ({said(error)})",
            expected="a problem of the kind that the claim is about",
            fix="Write the witness again.",
        ) from None


def _parts(claim: Claim, variant: str, where: str) -> Parts:
    kind, _, name = variant.partition(": ")
    if variant == "stated":
        return engines.STATED
    if kind == "mutant" and name in claim.mutants:
        return claim.mutants[name]
    if kind == "without" and name in claim.necessity:
        return claim.parts_without(name)
    raise InvalidArgument(
        "replay",
        f"{where}: variant",
        got=shown(variant),
        expected="'stated', 'mutant: NAME', 'without: HYPOTHESIS' or 'measured: SCOPE' with a name of this claim",
        fix="Write the witness again.",
    )
