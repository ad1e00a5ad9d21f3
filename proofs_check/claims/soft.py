"""Soft heads to hold a bound against: a fixed grid of them, and the first whose test loss is above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import product

from idealized_model import SparseAttentionHead
from proofs_check.claims.functions import Facts
from proofs_check.problem import Problem, view_table
from theory import Law
from theory.examples import Label
from theory.heads import View
from theory.planted import planted_components


def soft_heads(problem: Problem, *, normalised: bool) -> Iterator[SparseAttentionHead]:
    """A fixed grid of six soft heads: scores 1/10, 1, 0 and the labels dealt out to the views in turn.

    Planted views answer rightly; normalised heads score them 1, the others 1/1000.
    """
    space = problem.space()
    answers = {
        word: label
        for law in (problem.train, problem.test)
        for part, _ in planted_components(law, "T3", "law")
        for word, label in part.ensemble.target.items()
    }
    levels = (Fraction(1, 10), Fraction(1), Fraction(0))
    for pattern, flip in product(range(3), range(2)):
        score: dict[View, Fraction] = {}
        value: dict[View, Label] = {}
        for i, view in enumerate(space.views):
            planted = view.tokens in answers
            score[view] = (Fraction(1) if normalised else Fraction(1, 1000)) if planted else levels[(i + pattern) % 3]
            value[view] = answers[view.tokens] if planted else space.labels[(i + flip) % len(space.labels)]
        yield SparseAttentionHead(problem.heads, score=score, value=value)


def refute_soft(
    problem: Problem, heads: Iterable[SparseAttentionHead], bound_of: Callable[[Fraction], Fraction | float]
) -> Facts | None:
    """The first soft head whose test loss is above the bound for its training loss."""
    for number, head in enumerate(heads):
        train_loss, test_loss = (soft_loss(head, law) for law in (problem.train, problem.test))
        bound = bound_of(train_loss)
        if test_loss > bound:
            return {
                "soft_head": number,
                "train_loss": str(train_loss),
                "test_loss": str(test_loss),
                "bound": str(bound),
            }
    return None


def soft_loss(head: SparseAttentionHead, law: Law) -> Fraction:
    """`idealized_model.loss`, of examples that heads cannot tell apart once."""
    cases = view_table(head.heads, law).items()
    wrong = sum((weight * head.from_counts(dict(seen)).loss(label) for (seen, label), weight in cases), Fraction(0))
    return wrong / law.denominator
