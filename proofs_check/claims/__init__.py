"""One module a claim: how it is attacked. `attack("T3")` loads only what that claim needs."""

from __future__ import annotations

from importlib import import_module

from proofs_check.attack import Attack
from theory import claims


def attack(claim_id: str) -> Attack:
    """The attack on a claim.

    Raises
    ------
    InvalidArgument : for an unknown claim id.
    """
    claim = claims.get(claim_id)
    found: Attack = import_module(f"proofs_check.claims.{claim.id.lower()}").ATTACK
    return found
