"""Reproduce a witness: read its problem back and put the same statement to the same test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from proofs_check.attack import Attack
from proofs_check.claims import attack
from proofs_check.files import problem_from_dict
from theory.errors import InvalidArgument, shown


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
    for name in ("claim", "variant", "facts", "problem"):
        if name not in witness:
            raise InvalidArgument("replay", f"{where}: {name}", "nothing", f"the field '{name}'", "Write it again.")
    plan = attack(witness["claim"])
    problem = problem_from_dict(witness["problem"], f"{where}: problem")
    facts = plan.refute(problem, _statement(plan, witness["variant"], where))
    seen = None if facts is None else json.loads(json.dumps(facts))
    label = f"{plan.claim_id}, {witness['variant']}"
    if seen == witness["facts"]:
        return Replay(True, f"{label}: {', '.join(f'{k} {v}' for k, v in seen.items())}")
    return Replay(False, f"{label}: recorded {witness['facts']}, now {seen}")


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
        "'stated', 'mutant: NAME' or 'without: HYPOTHESIS' with a name of this claim", "Write the witness again.",
    )  # fmt: skip
