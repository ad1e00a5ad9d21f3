"""Proofs by Herbrand's theorem: finitely many ground instances of the premises that no assignment satisfies.

A claim ∀… is proved by refuting its negation. The negation gives constants (and Skolem constants for the ∃ in the
premises); instances of the premises at these constants are propositional clauses; if they are unsatisfiable, the claim
holds for *every* model, of any size. sympy's DPLL solver decides; equality atoms get the axioms of equality.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Any

from proofs_check.claims.claim import require

Formula = Any
"""A sympy Boolean."""


def atom(*parts: str) -> Formula:
    """The ground atom with this name: atom("in", "e", "v") is in(e, v)."""
    import sympy

    return sympy.Symbol(f"{parts[0]}({','.join(parts[1:])})")


def same(a: str, b: str) -> Formula:
    """The equality atom a = b, symmetric by its name."""
    return atom("same", *sorted((a, b)))


def equality_axioms(terms: Sequence[str]) -> list[Formula]:
    """Transitivity of equality on the given terms (symmetry is in the naming, reflexivity is never needed)."""
    import sympy

    return [
        sympy.Implies(same(a, b) & same(b, c), same(a, c))
        for a, b, c in permutations(terms, 3)
        if (a, c) == tuple(sorted((a, c)))
    ]


def prove(lemma: str, premises: Sequence[Formula], goal: Formula, *, terms: Sequence[str] = ()) -> int:
    """Check that the premises imply the goal, that they do not contradict themselves, and that each one is used.

    Returns
    -------
    The number of propositional cases decided: one for the proof, one for consistency, one for each premise.

    Raises
    ------
    AssertionError : naming the lemma and what does not hold.

    Examples
    --------
    >>> import sympy
    >>> p, q = sympy.symbols("p q")
    >>> prove("modus ponens", [p, sympy.Implies(p, q)], q)
    4
    """
    from sympy import And, Not
    from sympy.logic.inference import satisfiable

    axioms = equality_axioms(terms)
    require(not satisfiable(And(*axioms, *premises, Not(goal))), f"{lemma}: the premises do not imply the goal")
    require(bool(satisfiable(And(*axioms, *premises))), f"{lemma}: the premises contradict themselves")
    for unused in combinations(premises, len(premises) - 1):
        require(bool(satisfiable(And(*axioms, *unused, Not(goal)))), f"{lemma}: a premise is not needed")
    return 2 + len(premises)
