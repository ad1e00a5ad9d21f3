"""Expected wrong mass of a head under a law: exactly, or sampled with an exact interval."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from idealized_model.head import SparseAttentionHead
from theory.errors import InvalidArgument, check_type
from theory.exact import Rational, as_float, check_draws, draw_indices, over_common_denominator, rational
from theory.examples import BUDGET, Law
from theory.heads import HardHead


@dataclass(frozen=True)
class SampledLoss:
    """A sampled loss with an exact (Clopper-Pearson) confidence interval.

    Attributes
    ----------
    estimate : wrong answers / size.
    low, high : the interval, which covers the true loss with probability >= level, at every size.
    level : its confidence level.
    size : how many examples were drawn.
    """

    estimate: Fraction
    low: float
    high: float
    level: Fraction
    size: int


def loss(head: SparseAttentionHead | HardHead, law: Law, *, budget: int = BUDGET) -> Fraction:
    """L(h) = E[1 - h_y(x, p)] under the law, exactly; an abstention loses 1.

    Raises
    ------
    BudgetExceeded : when the law has more outcomes than the budget.

    Examples
    --------
    >>> from theory import Example, FiniteLaw, HeadClass, View
    >>> law = FiniteLaw({Example((1, 2), (0, 1), "one"): "1/3", Example((1, 1), (0, 1), "one"): "2/3"})
    >>> loss(HardHead(HeadClass(arity=1), {View((1,), ()): "one", View((2,), ()): "two"}), law)
    Fraction(1, 6)

    Cost: O(outcomes · candidates · k).
    """
    attention = _attention(head, law, "loss")
    table = law.table(budget=budget)
    wrong = sum((weight * attention(example).loss(example.label) for example, weight in table.items()), Fraction(0))
    return wrong / law.denominator


def abstention(head: SparseAttentionHead | HardHead, law: Law, *, budget: int = BUDGET) -> Fraction:
    """a = Pr[the head abstains] under the law, exactly.

    Raises
    ------
    BudgetExceeded : when the law has more outcomes than the budget.
    """
    attention = _attention(head, law, "abstention")
    table = law.table(budget=budget)
    return Fraction(sum(weight for example, weight in table.items() if attention(example).abstains), law.denominator)


def sampled_loss(
    head: SparseAttentionHead | HardHead,
    law: Law,
    rng: np.random.Generator,
    size: int,
    *,
    level: Rational = "99/100",
) -> SampledLoss:
    """The loss by sampling: draw an example, draw an answer from the head, count the wrong ones.

    A drawn answer is wrong with probability exactly the loss, so the count is binomial whatever the head, and the
    Clopper-Pearson interval is exact: it covers with probability >= `level`.

    Raises
    ------
    InvalidArgument : for a size < 1 or a level outside (0, 1).

    Examples
    --------
    >>> from theory import Example, FiniteLaw, HeadClass, View
    >>> law = FiniteLaw({Example((1,), (0,), "one"): 1})
    >>> head = HardHead(HeadClass(arity=1), {View((1,), ()): "one"})
    >>> sampled_loss(head, law, np.random.default_rng(0), 100).estimate
    Fraction(0, 1)

    Cost: O(size · candidates · k).
    """
    from scipy.stats import binomtest

    confidence = rational(level, "sampled_loss", "level")
    if not 0 < confidence < 1:
        raise InvalidArgument("sampled_loss", "level", str(level), "a level strictly between 0 and 1", "Use '99/100'.")
    check_draws(rng, size, "sampled_loss", least=1)
    size = int(size)
    attention = _attention(head, law, "sampled_loss")
    wrong = 0
    for example in law.sample(rng, size):
        weights, _ = over_common_denominator([p := attention(example).loss(example.label), 1 - p])
        wrong += int(draw_indices(rng, weights, 1)[0]) == 0
    interval = binomtest(wrong, size).proportion_ci(confidence_level=as_float(confidence), method="exact")
    return SampledLoss(Fraction(wrong, size), float(interval.low), float(interval.high), confidence, size)


def _attention(head: SparseAttentionHead | HardHead, law: Law, where: str) -> SparseAttentionHead:
    """The head as an attention head; refuses what is neither head nor law."""
    expected = "a SparseAttentionHead or a HardHead"
    check_type(head, (SparseAttentionHead, HardHead), where, "head", expected, "Build one on your HeadClass.")
    check_type(law, Law, where, "law", "a law", "Wrap examples: FiniteLaw.uniform(examples).")
    return SparseAttentionHead.hard(head) if isinstance(head, HardHead) else head
