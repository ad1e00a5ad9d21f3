"""The sceptic: attacks every claim of the theory with engines that could have refuted it.

Run it with `python -m proofs_check`; the exit status is 0 when every claim holds, 1 when something is refuted or a
mutant survives, 2 when something is inconclusive, 3 for bad usage.
"""

from proofs_check.evidence import Evidence
from proofs_check.problem import Problem

__all__ = ["Evidence", "Problem"]
