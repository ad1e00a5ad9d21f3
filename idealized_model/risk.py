"""Expected wrong mass of a head under a law: exactly, or sampled with an exact interval."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb, gcd, prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from idealized_model.head import SparseAttentionHead
from theory.errors import BudgetExceeded, InvalidArgument, check, check_type, shown, within_budget
from theory.exact import Rational, as_float, check_draws, draw_indices, over_common_denominator, rational
from theory.examples import BUDGET, Label, Law, Mixture
from theory.heads import HardHead, View
from theory.planted import PlantedLaw
from theory.support import Local, PositionSet, Uniform


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

    Cost: O(size · candidates · k).
    """
    confidence = _level(level, "sampled_loss")
    check_draws(rng, size, "sampled_loss", least=1)
    size = int(size)
    attention = _attention(head, law, "sampled_loss")
    wrong = 0
    for example in law.sample(rng, size):
        weights, _ = over_common_denominator([p := attention(example).loss(example.label), 1 - p])
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


# ── Exact routes that do not list the law ────────────────────────────────────────────────────────────────────────────


class _Exact(NamedTuple):
    loss: Fraction
    route: str
    terms: int


def _exact_risk(attention: SparseAttentionHead, law: Law, budget: int, *, last_resort: bool) -> _Exact | None:
    if isinstance(law, PlantedLaw) and attention.heads.key == "none" and attention.heads.window is None:
        try:
            scores = _scores(attention, law, budget)
        except InvalidArgument:  # of a view that may not occur
            if last_resort and law.listing > budget:
                raise
            scores = None
        found = scores and (_by_histogram(scores, law, budget) or _by_dynamic_program(scores, law, budget))
        if found:
            return found
    return _Exact(loss(attention, law, budget=budget), "enumeration", law.size) if law.listing <= budget else None


class _Scores(NamedTuple):
    """A and A·(1 - g_y) of every tuple of tokens that may occur, as integers over one denominator."""

    tokens: tuple[int, ...]
    arity: int
    anchored: bool
    total: Sequence[int]
    wrong: dict[Label, Sequence[int]]


def _scores(attention: SparseAttentionHead, law: PlantedLaw, budget: int) -> _Scores | None:
    ensemble, k = law.ensemble, attention.heads.arity
    noise = (token for token, p in enumerate(ensemble.background) if p and law.length > ensemble.arity)
    tokens = tuple(sorted({*noise, *(token for word in ensemble.planted for token in word)}))
    if len(tokens) ** k > budget:
        return None
    views = [View(word, ()) for word in product(tokens, repeat=k)]
    scores = [attention.score(view) for view in views]
    labels = tuple(dict.fromkeys(ensemble.target.values()))
    answers = [attention.answer(view) if score else {} for view, score in zip(views, scores, strict=True)]
    rows = [scores, *([a * (1 - g.get(y, 0)) for a, g in zip(scores, answers, strict=True)] for y in labels)]
    flat, _ = over_common_denominator([value for row in rows for value in row])
    n = len(views)
    total, *wrong = (flat[start : start + n] for start in range(0, len(flat), n))
    return _Scores(tokens, k, attention.heads.anchor == "last", total, dict(zip(labels, wrong, strict=True)))


def _mean(masses: dict[tuple[int, int], int], denominator: int) -> Fraction:
    """Σ weight · W/D / denominator from {(W, D): weight}; D = 0 is an abstention and loses 1."""
    by_total: defaultdict[int, int] = defaultdict(int)
    for (wrong, total), weight in masses.items():
        by_total[total or 1] += weight * (wrong if total else 1)
    terms = [Fraction(wrong, total) for total, wrong in by_total.items()]
    while len(terms) > 1:  # in pairs, so that few sums have a large denominator
        terms = [sum(terms[i : i + 2], Fraction(0)) for i in range(0, len(terms), 2)]
    return terms[0] / denominator


def _by_histogram(scores: _Scores, law: PlantedLaw, budget: int) -> _Exact | None:
    """Σ over planted words and background histograms: D = Σ_m A(m) Π_t C(h_t, m_t) over multisets m of k tokens."""
    ensemble = law.ensemble
    weights, _ = over_common_denominator(ensemble.background)
    noise = [(token, weight) for token, weight in enumerate(weights) if weight]
    n_free = law.length - ensemble.arity
    word_weights, word_denominator = over_common_denominator(list(ensemble.planted.values()))
    words: Counter[tuple[tuple[int, ...], Label]] = Counter()
    for (word, label), weight in zip(ensemble.target.items(), word_weights, strict=True):
        words[tuple(sorted(word)), label] += weight
    n_terms = len(words) * comb(n_free + len(noise) - 1, len(noise) - 1)
    if scores.anchored or n_terms > budget:
        return None
    place = {word: i for i, word in enumerate(product(scores.tokens, repeat=scores.arity))}
    for row in (scores.total, *scores.wrong.values()):
        if any(row[i] != row[place[tuple(sorted(word))]] for word, i in place.items()):
            return None  # the order of tokens matters
    chosen = {
        label: [
            (tuple(Counter(multiset).items()), scores.total[place[multiset]], wrong[place[multiset]])
            for multiset in combinations_with_replacement(scores.tokens, scores.arity)
            if scores.total[place[multiset]]
        ]
        for label, wrong in scores.wrong.items()
    }
    masses: defaultdict[tuple[int, int], int] = defaultdict(int)
    for counts, background_weight in _histograms(noise, n_free):
        for (word, label), weight in words.items():
            histogram = Counter(counts)
            histogram.update(word)
            total = wrong = 0
            for multiset, a, w in chosen[label]:
                ways = prod(comb(histogram[token], number) for token, number in multiset)
                total += ways * a
                wrong += ways * w
            masses[wrong, total] += weight * background_weight
    _, background_denominator = over_common_denominator(ensemble.background)
    denominator = word_denominator * background_denominator**n_free
    return _Exact(_mean(masses, denominator), "histogram", n_terms)


def _histograms(noise: Sequence[tuple[int, int]], size: int) -> Iterator[tuple[dict[int, int], int]]:
    """Every way to have `size` tokens of noise, with the multinomial coefficient times the weights."""
    (token, weight), *others = noise
    if not others:
        yield {token: size}, weight**size
        return
    for number in range(size + 1):
        own = comb(size, number) * weight**number
        for rest, rest_weight in _histograms(others, size - number):
            yield {token: number, **rest}, own * rest_weight


Node: TypeAlias = Hashable
"""What has been placed of the planted set."""

Move: TypeAlias = tuple[Node, bool, int]
"""(what has been placed afterwards, whether the position is planted, in how many ways)."""

Words: TypeAlias = tuple[tuple[tuple[int, ...], int], ...]
"""The ends of words that may still be planted, with their weights."""

State: TypeAlias = tuple[int, ...]
"""The values of all `_Functionals`, and a 1."""


def _by_dynamic_program(scores: _Scores, law: PlantedLaw, budget: int) -> _Exact | None:
    """Forward over positions, for each label: {(what has been placed, which words remain): {state: weight}}."""
    ensemble = law.ensemble
    if law.support_law.count(law.length, ensemble.arity) > budget and type(law.support_law) not in (Uniform, Local):
        return None
    background, background_denominator = over_common_denominator(ensemble.background)
    word_weights, word_denominator = over_common_denominator(list(ensemble.planted.values()))
    start, moves = _placements(law)
    masses: defaultdict[tuple[int, int], int] = defaultdict(int)
    n_terms = 0
    for label, wrong in scores.wrong.items():
        functionals = _Functionals(scores, wrong)
        own = ((word, n) for (word, y), n in zip(ensemble.target.items(), word_weights, strict=True) if y == label)
        front: dict[tuple[Node, Words], dict[State, int]] = {(start, tuple(own)): {functionals.start: 1}}
        for i in range(law.length):
            after: defaultdict[tuple[Node, Words], defaultdict[State, int]] = defaultdict(lambda: defaultdict(int))
            append = functionals.append if i < law.length - 1 else functionals.totals
            for (node, words), states in front.items():
                for next_node, planting, ways in moves(i, node):
                    for token, rest, weight in _planted(words) if planting else _free(background, words):
                        n_terms += len(states)
                        if n_terms > budget:
                            return None
                        into = after[next_node, rest]
                        for state, mass in states.items():
                            into[append(state, token)] += mass * ways * weight
            front = dict(after)
        for states in front.values():
            for (total, errors), mass in states.items():
                masses[errors, total] += mass
    placed = law.support_law.total(law.length, ensemble.arity)
    denominator = placed * word_denominator * background_denominator ** (law.length - ensemble.arity)
    return _Exact(_mean(masses, denominator), "dynamic program", n_terms)


def _planted(words: Words) -> Iterator[tuple[int, Words, int]]:
    """Every token that may be planted next, the words that remain, and the weight of a word that is complete."""
    for token in dict.fromkeys(rest[0] for rest, _ in words):
        ends = tuple((rest[1:], weight) for rest, weight in words if rest[0] == token)
        yield (token, ends, 1) if ends[0][0] else (token, (), ends[0][1])


def _free(background: Sequence[int], words: Words) -> Iterator[tuple[int, Words, int]]:
    return ((token, words, weight) for token, weight in enumerate(background) if weight)


class _Functionals:
    """All that D and W need of a prefix: linear functionals of how often it holds each j-tuple of tokens, j <= k.

    A table f over k-tuples stands for f·c = Σ_t f(t) c(t), where c(t) is the number of occurrences of t in the prefix.
    Appending the token a adds (fa)·c to it, where fa is the table t -> f(t a) over (k-1)-tuples, whose c is that before
    a. So the tables that are reached from those of D and W in this way are all that matters. Equal tables are one, also
    up to a factor, and a table over 0-tuples is a number.
    """

    def __init__(self, scores: _Scores, wrong: Sequence[int]) -> None:
        self._scores = scores
        self._tables: list[tuple[int, Sequence[int]]] = []  # over j-tuples, with j > 0
        self._place: dict[tuple[int, Sequence[int]], int] = {}
        self._top = [self._refer(scores.arity, table) for table in (scores.total, wrong)]
        after = [self._after(j, table) for j, table in self._tables]  # which finds more tables on the way
        self._steps = {token: [parts[i] for parts in after] for i, token in enumerate(scores.tokens)}
        self.start: State = (*(0 for _ in after), 1)

    def _refer(self, j: int, table: Sequence[int]) -> tuple[int, int]:
        """(factor, place in the state) of a table over j-tuples; the last place holds 1."""
        factor = gcd(*table)
        if j == 0 or factor == 0:
            return factor, -1
        primitive = j, tuple(value // factor for value in table)
        if primitive not in self._place:
            self._place[primitive] = len(self._tables)
            self._tables.append(primitive)
        return factor, self._place[primitive]

    def _after(self, j: int, table: Sequence[int]) -> list[tuple[int, int]]:
        """What each token adds to a table: the first j - 1 tokens of a tuple are its higher digits."""
        n = len(self._scores.tokens)
        return [self._refer(j - 1, table[i::n]) for i in range(n)]

    def append(self, state: State, token: int) -> State:
        """The state of the prefix and one token more."""
        return (*[own + factor * state[i] for own, (factor, i) in zip(state, self._steps[token], strict=False)], 1)

    def totals(self, state: State, token: int) -> State:
        """(D, W) of the prefix and its last token."""
        steps, anchored = self._steps[token], self._scores.anchored
        values = []
        for factor, i in self._top:
            more, place = steps[i] if factor else (0, -1)
            values.append(factor * ((0 if anchored else state[i]) + more * state[place]))
        return tuple(values)


def _placements(law: PlantedLaw) -> tuple[Node, Callable[[int, Node], list[Move]]]:
    """How a planted set is placed from left to right: the start, and the moves at each position that can be completed."""
    length, k, rule = law.length, law.ensemble.arity, law.support_law
    if type(rule) is Uniform:
        # The node is how many are placed.
        def uniform(i: int, placed: Any) -> list[Move]:
            keep_last = rule.anchor == "last" and i < length - 1
            plant = placed < k - keep_last
            skip = length - 1 - i >= k - placed
            return [(placed + 1, True, 1)] * plant + [(placed, False, 1)] * skip

        return 0, uniform
    if type(rule) is Local:
        # The node is how many are placed, and while a set is open, how far the first one is back.
        def local(i: int, node: Any) -> list[Move]:
            placed, back = node
            reach = min(rule.width - back, length - 1 - i)  # positions after i that the set may still use
            moves: list[Move] = []
            if placed < k and reach >= k - placed - 1:
                moves.append(((placed + 1, back + 1 if placed + 1 < k else 0), True, 1))
            if placed in (0, k):
                moves += [(node, False, 1)] * (length - 1 - i >= k - placed)
            elif reach >= k - placed:
                moves.append(((placed, back + 1), False, 1))
            return moves

        return (0, 0), local
    weights = dict(rule.sets(length, k))
    latest: dict[PositionSet, int] = {}  # where the next one is at last, by those that are placed
    for set_ in weights:
        for j, position in enumerate(set_):
            latest[set_[:j]] = max(position, latest.get(set_[:j], -1))

    def listed(i: int, placed: Any) -> list[Move]:
        longer = (*placed, i) if placed is not None else ()
        moves: list[Move] = []
        if longer in weights:
            moves.append((None, True, weights[longer]))
        elif longer in latest and longer:
            moves.append((longer, True, 1))
        if placed is None or latest[placed] > i:
            moves.append((placed, False, 1))
        return moves

    return (), listed
