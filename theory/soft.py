"""Soft heads: all heads of Definition 4, read greedily; what T14 says of them, and which one training tends to.

The *greedy answer* of a head is the label with strictly the largest mass; a tie, or an abstention, is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from theory.errors import check, check_type, shown
from theory.exact import Rational, probabilities, rational
from theory.examples import Example, Label, check_label
from theory.heads import HeadClass, View, check_heads
from theory.max_margin import MaxMarginHead, max_margin
from theory.soft_blocks import Term
from theory.soft_guarantees import SoftGuarantees, soft_guarantees

__all__ = ["MaxMarginHead", "SoftGuarantees", "SoftHead", "Term", "max_margin", "soft_guarantees"]


@dataclass(frozen=True)
class SoftHead:
    """A soft head, as data: the views that it scores, each with its score A > 0 and its value g, a law on labels.

    Its loss counts greedy answers: 0 where the label of the example has strictly the largest mass, else 1.

    Parameters
    ----------
    heads : the head class.
    answers : {view: (score, {label: share})}, exact.

    Raises
    ------
    InvalidArgument : for a view that the class does not have, a score <= 0, shares that do not sum to 1, floats.

    Examples
    --------
    >>> count = SoftHead(HeadClass(arity=1), {View((0,), ()): (1, {"zeros": 1}), View((1,), ()): (1, {"ones": 1})})
    >>> more_ones, tie = Example((1, 0, 1), (0, 1, 2), "ones"), Example((1, 0), (0, 1), "ones")
    >>> count.answer(more_ones), str(count.loss(more_ones)), count.answer(tie), str(count.loss(tie))
    ('ones', '0', None, '1')

    Source: Definition 4 and T14 in docs/theory.md.
    """

    heads: HeadClass
    answers: Mapping[View, tuple[Rational, Mapping[Label, Rational]]]

    def __post_init__(self) -> None:
        check_heads(self.heads, "SoftHead")
        fix = "For instance {View((1,), ()): (2, {'one': 1})}."
        check_type(self.answers, Mapping, "SoftHead", "answers", "a mapping {view: (score, {label: share})}", fix)
        exact: dict[View, tuple[Fraction, dict[Label, Fraction]]] = {}
        for view, own in self.answers.items():
            self.heads.check_view(view, "SoftHead", "answers")
            argument, expected = f"answers[{shown(tuple(view))}]", "a pair (score, {label: share})"
            is_pair = isinstance(own, tuple) and len(own) == 2 and isinstance(own[1], Mapping)
            check(is_pair, "SoftHead", argument, own, expected=expected, fix=fix)
            score = rational(own[0], "SoftHead", argument)
            check(score > 0, "SoftHead", argument, score, expected="a score > 0", fix="Leave out views of score 0.")
            for label in own[1]:
                check_label(label, "SoftHead", argument)
            shares = zip(own[1], probabilities(list(own[1].values()), "SoftHead", argument), strict=True)
            exact[view] = score, {label: share for label, share in shares if share}
        object.__setattr__(self, "answers", exact)

    def __hash__(self) -> int:
        return hash((self.heads, frozenset((view, own[0], frozenset(own[1].items())) for view, own in self._answers)))

    @property
    def _answers(self) -> Iterator[tuple[View, tuple[Fraction, Mapping[Label, Fraction]]]]:
        return iter(self.answers.items())  # type: ignore[arg-type]  # exact since __post_init__

    def masses(self, example: Example) -> dict[Label, Fraction]:
        """Σ_S A(v_S) g_y(v_S) for every label y for which that is positive; cost O(candidates · k)."""
        counts, masses = self.heads.view_counts(example), defaultdict[Label, Fraction](Fraction)
        for view, (score, shares) in self._answers:
            for label, share in shares.items() if view in counts else ():
                masses[label] += counts[view] * score * share
        return dict(masses)

    def answer(self, example: Example) -> Label | None:
        """The label with strictly the largest mass; None for a tie, and where the head abstains."""
        masses = self.masses(example)
        best = [label for label, mass in masses.items() if mass == max(masses.values())]
        return best[0] if len(best) == 1 else None

    def loss(self, example: Example) -> Fraction:
        """0 where the greedy answer is the label of the example, else 1."""
        masses = self.masses(example)
        own = masses.pop(example.label, Fraction(0))
        return Fraction(own <= max(masses.values(), default=Fraction(0)))
