"""Expected wrong mass of a head under a law: exactly, or sampled with an exact interval."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from idealized_model.counting import evaluate
from idealized_model.head import SparseAttentionHead
from idealized_model.unlisted import Exact, scores_of, unlisted_loss
from theory.errors import BudgetExceeded, InvalidArgument, check, check_type, shown, within_budget
from theory.exact import Rational, as_float, check_draws, draw_indices, over_common_denominator, rational
from theory.examples import BUDGET, Law, Mixture
from theory.heads import HardHead
from theory.planted import PlantedLaw

COUNTED = 500
"""From so many candidate sets on, `evaluate` counts views sooner than they are listed, where it need not list them too."""


@dataclass(frozen=True)
class SampledLoss:
    """A sampled loss with an exact (Clopper-Pearson) confidence interval.

    Attributes
    ----------
    estimate : wrong answers / size.
    low, high : the interval, which covers the true loss with probability >= level, at every size.
    level : its confidence level.
    size : how many examples were drawn.

    Examples
    --------
    >>> found = SampledLoss(Fraction(0), 0.0, 0.045, level=Fraction(99, 100), size=100)
    >>> found.low <= found.estimate <= found.high
    True
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

    Examples
    --------
    >>> from theory import Example, FiniteLaw, HeadClass, View
    >>> law = FiniteLaw({Example((1, 2), (0, 1), "one"): "1/3", Example((0, 0), (0, 1), "one"): "2/3"})
    >>> abstention(HardHead(HeadClass(arity=1), {View((1,), ()): "one"}), law)
    Fraction(2, 3)
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

    Cost: O(size · candidates · k); without a window and with key none, that of size times `evaluate`, if that is less.
    """
    confidence = _level(level, "sampled_loss")
    check_draws(rng, size, "sampled_loss", least=1)
    size = int(size)
    attention = _attention(head, law, "sampled_loss")
    countable = isinstance(law, PlantedLaw) and attention.heads.window is None and attention.heads.key == "none"
    wrong = 0
    for example in law.sample(rng, size):
        counted = countable and attention.heads.n_candidates(example.ids) >= COUNTED
        output = evaluate(attention, example.tokens, example.ids) if counted else attention(example)
        weights, _ = over_common_denominator([p := output.loss(example.label), 1 - p])
        wrong += int(draw_indices(rng, weights, 1)[0]) == 0
    return SampledLoss(Fraction(wrong, size), *exact_interval(wrong, size, level=confidence), confidence, size)


def exact_interval(count: int, size: int, *, level: Rational = "99/100") -> tuple[float, float]:
    """The Clopper-Pearson interval of a probability, from `count` successes in `size` independent trials.

    Raises
    ------
    InvalidArgument : for a count outside 0..size, a size < 1 or a level outside (0, 1).

    Examples
    --------
    >>> low, high = exact_interval(128, 128, level="95/100")
    >>> round(low, 4), high  # (1/40)^(1/128), 1
    (0.9716, 1.0)
    """
    from scipy.stats import binomtest

    whole = type(count) is int and type(size) is int and 0 <= count <= size and size >= 1
    got, expected = f"{shown(count)} of {shown(size)}", "integers with 0 <= count <= size, size >= 1"
    check(whole, "exact_interval", "count", got=got, expected=expected, fix="Count again; from NumPy int(count).")
    confidence = as_float(_level(level, "exact_interval"))
    interval = binomtest(count, size).proportion_ci(confidence_level=confidence, method="exact")
    return float(interval.low), float(interval.high)


def _level(level: Rational, where: str) -> Fraction:
    confidence = rational(level, where, "level")
    expected = "a level strictly between 0 and 1"
    check(0 < confidence < 1, where, "level", got=str(level), expected=expected, fix="Use '99/100'.")
    return confidence


@dataclass(frozen=True)
class Risk:
    """The loss of a head under a law, and how it was found.

    Attributes
    ----------
    loss : the exact loss, or None where it was sampled.
    sampled : the sampled loss, or None where it is exact.
    route : "histogram", "dynamic program" or "enumeration" (several with " + " for a mixture), or "sampled".
    terms : how many histograms, transitions of states, outcomes or draws it took.
    """

    loss: Fraction | None
    sampled: SampledLoss | None
    route: str
    terms: int


def risk(
    head: SparseAttentionHead | HardHead,
    law: Law,
    *,
    budget: int = BUDGET,
    rng: np.random.Generator | None = None,
    size: int = 10_000,
    level: Rational = "99/100",
) -> Risk:
    """The loss of a head by the first route that serves: exactly if possible, also where the law cannot be listed.

    Under planted laws, for heads without key and window:

    - "histogram", where score and value ignore the order of tokens, and no anchor: the loss depends on how often each
      token occurs, so it is a sum over C(l - k + V - 1, V - 1) backgrounds;
    - "dynamic program", for any score and value: position by position, over how much of the planted word is placed and
      what the tokens so far contribute to Σ_S A and to the wrong mass, together with every choice of later tokens;
      equal states are one.

    Then "enumeration" of the law, and "sampled".

    Parameters
    ----------
    head, law : a mixture goes by its components.
    budget : terms that a route may take, for every component.
    rng, size, level : for `sampled_loss`, where no exact route is within the budget.

    Returns
    -------
    Risk

    Raises
    ------
    BudgetExceeded : when no exact route is within the budget and there is no `rng`.
    ExactnessLost : for a head that is given by logits.

    Examples
    --------
    >>> from theory import HeadClass, PlantedEnsemble, View, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=["1/2", "1/4", "1/4"], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> head = HardHead(HeadClass(arity=2), {View(w, ()): sum(w) % 2 for w in words})
    >>> found = risk(head, parity.at(30))  # 3^28 backgrounds and more
    >>> found.route, found.terms, round(float(found.loss), 6)
    ('histogram', 1305, 0.495402)

    Cost: O(terms), times a small power of V. Source: T10 in docs/theory.md.
    """
    attention = _attention(head, law, "risk")
    within_budget("risk", size=0, budget=budget)
    parts = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
    exact = [_exact_risk(attention, part, budget, last_resort=rng is None) for part, _ in parts]
    found = [part for part in exact if part is not None]
    if len(found) == len(parts):
        total = sum((p * part.loss for (_, p), part in zip(parts, found, strict=True)), Fraction(0))
        return Risk(total, None, " + ".join(dict.fromkeys(part.route for part in found)), sum(p.terms for p in found))
    if rng is None:
        fix = "Raise it with budget=, or pass rng=np.random.default_rng(seed) for a sampled loss."
        raise BudgetExceeded("risk", size=law.listing, budget=budget, fix=fix)
    return Risk(None, sampled_loss(attention, law, rng, size, level=level), "sampled", int(size))


def _attention(head: SparseAttentionHead | HardHead, law: Law, where: str) -> SparseAttentionHead:
    """The head as an attention head; refuses what is neither head nor law."""
    expected = "a SparseAttentionHead or a HardHead"
    check_type(head, (SparseAttentionHead, HardHead), where, "head", expected, "Build one on your HeadClass.")
    check_type(law, Law, where, "law", "a law", "Wrap examples: FiniteLaw.uniform(examples).")
    return SparseAttentionHead.hard(head) if isinstance(head, HardHead) else head


def _exact_risk(attention: SparseAttentionHead, law: Law, budget: int, *, last_resort: bool) -> Exact | None:
    """By a route that does not list the law where there is one, else by listing it."""
    heads = attention.heads
    if isinstance(law, PlantedLaw) and heads.key == "none" and heads.window is None and not heads.at_most:
        try:
            scores = scores_of(attention, law, budget)
        except InvalidArgument:  # of a view that may not occur
            if last_resort and law.listing > budget:
                raise
            scores = None
        if scores and (found := unlisted_loss(scores, law, budget)):
            return found
    return Exact(loss(attention, law, budget=budget), "enumeration", law.size) if law.listing <= budget else None
