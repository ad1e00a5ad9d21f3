"""Reproduce a witness: read its problem back and put the same statement to the same test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from proofs_check import engines
from proofs_check.attack import Attack, Facts, Profile
from proofs_check.claims import attack
from proofs_check.files import problem_from_dict
from proofs_check.problem import Problem
from theory.errors import InvalidArgument, TheoryError, check_type, shown


@dataclass(frozen=True)
class Replay:
    """What a replay found: whether the same facts came out, and a line that says so."""

    reproduced: bool
    summary: str


def replay(witness: dict[str, Any], where: str = "witness") -> Replay:
    """Put the statement that the witness names to the test on its problem.

    Raises
    ------
    InvalidArgument : for a malformed witness, or one of an unknown claim or variant.
    """
    fields = {"claim": str, "variant": str, "facts": dict, "problem": dict}
    for name, kind in fields.items():
        if not isinstance(witness, dict) or name not in witness:
            got = "nothing" if isinstance(witness, dict) else shown(witness)
            raise InvalidArgument("replay", f"{where}: {name}", got, f"the field '{name}'", "Write it again.")
        expected = "a string" if kind is str else "a table (object)"
        check_type(witness[name], kind, "replay", f"{where}: {name}", expected, "Write it again.")
    plan = attack(witness["claim"])
    problem = problem_from_dict(witness["problem"], f"{where}: problem")
    measured = _measured(plan, witness, where)
    facts = measured() if measured else _refute(plan, problem, _statement(plan, witness["variant"], where), where)
    seen = None if facts is None else json.loads(json.dumps(facts))
    label = f"{plan.claim_id}, {witness['variant']}"
    if seen is not None and seen == witness["facts"]:
        return Replay(True, f"{label}: {', '.join(f'{k} {v}' for k, v in seen.items())}")
    return Replay(False, f"{label}: recorded {witness['facts']}, now {seen}")


def _measured(plan: Attack, witness: dict[str, Any], where: str) -> Callable[[], Facts | None] | None:
    """A measurement has a test of its own: its witness is reproduced by running it again from the same seed."""
    for measurement in plan.measurements:
        if witness["variant"] == f"measured: {measurement.scope}":
            seed: Any = witness.get("seed")
            profile: Any = witness.get("profile")
            if not isinstance(seed, int) or seed < 0 or profile not in get_args(Profile):
                raise InvalidArgument(
                    "replay", f"{where}: seed, profile", shown((seed, profile)),
                    "the seed and the profile of the run", "Write the witness again.",
                )  # fmt: skip
            return lambda: engines.remeasure(plan, measurement, profile, seed)
    return None


def _refute(plan: Attack, problem: Problem, statement: Any, where: str) -> Facts | None:
    try:
        return plan.refute(problem, statement)
    except TheoryError:
        raise
    except Exception as error:  # a claim takes much for granted of its own problems
        raise InvalidArgument(
            "replay", f"{where}: problem",
            f"a problem that cannot be put to {plan.claim_id} ({type(error).__name__}: {error})",
            "a problem of the kind that the claim is about", "Write the witness again.",
        ) from None  # fmt: skip


def _statement(plan: Attack, variant: str, where: str) -> Any:
    kind, _, name = variant.partition(": ")
    if variant == "stated":
        return plan.stated
    if kind == "mutant" and name in plan.mutants:
        return plan.mutants[name]
    if kind == "without" and name in plan.necessity:
        own = plan.necessity[name].statement
        return plan.stated if own is None else own
    raise InvalidArgument(
        "replay", f"{where}: variant", shown(variant),
        "'stated', 'mutant: NAME', 'without: HYPOTHESIS' or 'measured: SCOPE' with a name of this claim",
        "Write the witness again.",
    )  # fmt: skip
