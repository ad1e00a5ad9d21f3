"""Exact losses under planted laws that cannot be listed, for heads without key and window."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb, gcd, prod
from typing import Any, NamedTuple, TypeAlias

from idealized_model.head import SparseAttentionHead
from theory.exact import over_common_denominator
from theory.examples import Label
from theory.heads import View
from theory.planted import PlantedLaw
from theory.support import Local, PositionSet, Uniform


class Exact(NamedTuple):
    """A loss, the route by which it was found, and how many terms that took."""

    loss: Fraction
    route: str
    terms: int


class Scores(NamedTuple):
    """A and A·(1 - g_y) of every tuple of tokens that may occur, as integers over one denominator."""

    tokens: tuple[int, ...]
    arity: int
    anchored: bool
    total: Sequence[int]
    wrong: dict[Label, Sequence[int]]


def scores_of(attention: SparseAttentionHead, law: PlantedLaw, budget: int) -> Scores | None:
    """Of a head without key and window; None where the tuples are more than the budget.

    Raises
    ------
    ExactnessLost : for a head that is given by logits.
    InvalidArgument : for a score or an answer that is malformed, also of a tuple that may not occur.
    """
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
    return Scores(tokens, k, attention.heads.anchor == "last", total, dict(zip(labels, wrong, strict=True)))


def unlisted_loss(scores: Scores, law: PlantedLaw, budget: int) -> Exact | None:
    """By histograms of tokens, else by a dynamic program; None where neither serves within the budget."""
    return _by_histogram(scores, law, budget) or _by_dynamic_program(scores, law, budget)


def _mean(masses: dict[tuple[int, int], int], denominator: int) -> Fraction:
    """Σ weight · W/D / denominator from {(W, D): weight}; D = 0 is an abstention and loses 1."""
    by_total: defaultdict[int, int] = defaultdict(int)
    for (wrong, total), weight in masses.items():
        by_total[total or 1] += weight * (wrong if total else 1)
    terms = [Fraction(wrong, total) for total, wrong in by_total.items()]
    while len(terms) > 1:  # in pairs, so that few sums have a large denominator
        terms = [sum(terms[i : i + 2], Fraction(0)) for i in range(0, len(terms), 2)]
    return terms[0] / denominator


def _by_histogram(scores: Scores, law: PlantedLaw, budget: int) -> Exact | None:
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
    return Exact(_mean(masses, denominator), "histogram", n_terms)


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


def _by_dynamic_program(scores: Scores, law: PlantedLaw, budget: int) -> Exact | None:
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
    return Exact(_mean(masses, denominator), "dynamic program", n_terms)


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

    def __init__(self, scores: Scores, wrong: Sequence[int]) -> None:
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
