"""The sceptic: attacks every claim of the theory, and yours, with engines that could have refuted it.

Run it with `python -m proofs_check`; the exit status is 0 when every claim holds, 1 when something is refuted or a
mutant survives, 2 when something is inconclusive, 3 for bad usage, 4 when it could not be done.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofs_check.advice.advising import Advice, advise
    from proofs_check.certification.certifying import certify
    from proofs_check.claims.claim import Claim, require
    from proofs_check.claims.registered import Measured
    from proofs_check.evidence import Evidence
    from proofs_check.problem import Problem
    from proofs_check.tasks.checking import check_task

__all__ = ["Advice", "Claim", "Evidence", "Measured", "Problem", "advise", "certify", "check_task", "require"]

_HOMES = {
    "Advice": "advice.advising",
    "Claim": "claims.claim",
    "Evidence": "evidence",
    "Measured": "claims.registered",
    "Problem": "problem",
    "advise": "advice.advising",
    "certify": "certification.certifying",
    "check_task": "tasks.checking",
    "require": "claims.claim",
}


def __getattr__(name: str) -> object:
    """Load a name when it is asked for: pytest imports this package for its plugin, in runs that want nothing else."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
