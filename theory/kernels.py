"""Sub-example kernels: the linear programs behind κ0 (T3) and the retention factor (T11), solved and then verified.

Given a test placement (S*, IDs), keep a set U ⊇ S* of positions (with the anchor, U holds the last position). The
sub-example on U has the tokens and the label of a training example with the placement of U, and its candidates are
candidates of the test example. Weights g(U | placement) >= 0 with

    Σ_U g(U | a) >= 1 for every test placement a,   and   Σ_(a, U → b) P(a) g(U | a) <= t · T(b)

for every training placement b prove Pr_test[abstain] <= t · Pr_train[abstain] for every head: abstaining on an example
means abstaining on all its sub-examples. If moreover every candidate set S survives, Σ_(U ⊇ S) g(U | a) >= 1, they
prove L_test(h) <= t · L_train(h) for *every* head, hard or soft (T11). The least t is a linear program; whatever the
solver returns is rounded to rationals, repaired and evaluated exactly, so only a verified t is ever reported.

Placements that the head class cannot tell apart are one *atom*: a smaller program and a t that is no larger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import inf
from typing import NamedTuple, TypeAlias

from theory.errors import bulk, within_budget
from theory.exact import as_float, choose, exact_choose
from theory.heads import HeadClass
from theory.planted import PlantedLaw
from theory.positions import Ids
from theory.support import PositionSet, Uniform

ExactOrInfinite: TypeAlias = Fraction | float
"""A Fraction, or math.inf (the only float that occurs)."""

Components: TypeAlias = list[tuple[PlantedLaw, Fraction]]
"""Planted laws with their mixture weights."""

KERNEL_SUBSETS = 200_000
"""U ranges over all sets up to this many (placement, U) pairs, over runs of neighbouring positions above it: a smaller
family of kernels, so t may be larger than it need be, and is as rigorous."""

TOO_MUCH = 10**9
"""Ratios beyond are as good as infinite to a solver that works in floats."""


class Atom(NamedTuple):
    """A placement up to what the head class can tell apart."""

    length: int
    planted: PositionSet = ()
    ids: Ids = ()


@dataclass(frozen=True)
class Choice:
    """One way to keep part of a test atom: the training atom that results, and how far it serves each demand.

    `serves[i]` is the share of demand i that survives: 0 or 1 for a single U, in between for an average over many.
    """

    atom: Atom
    serves: tuple[Fraction, ...]


@dataclass(frozen=True)
class Factor:
    """A verified factor t, and a verified lower bound on what any kernel of its family can reach.

    Examples
    --------
    >>> Factor(Fraction(3, 2), Fraction(3, 2)).optimal
    True
    """

    value: ExactOrInfinite
    lower: ExactOrInfinite

    @property
    def optimal(self) -> bool:
        """Whether no kernel of the family gives a smaller factor."""
        return self.value == self.lower


def least_factor(heads: HeadClass, trained: Components, tested: Components, budget: int, *, retain: bool) -> Factor:
    """The least t: for abstentions (κ0), or with `retain` for whole losses, where every candidate must survive.

    Raises
    ------
    BudgetExceeded : when the program is larger than the budget.
    """
    lengths = sorted({law.length for law, _ in trained})
    where = "retention (kernel)" if retain else "coverage (kernel)"
    if all(is_exchangeable(heads, law) for law, _ in (*trained, *tested)):
        # A uniform subset of a kept length carries S* to a uniform set, so a placement is its length and no more.
        train = _total((Atom(law.length), p) for law, p in trained)
        test = _total((Atom(law.length), p) for law, p in tested)
        within_budget(where, size=len(test) * len(lengths), budget=budget)
        choices = {atom: list(_average_choices(heads, tested, atom, lengths, retain)) for atom in test}
    else:
        every = sum(_n_kept(law, lengths, any_subset=True) for law, _ in tested) <= KERNEL_SUBSETS
        size = sum(_n_kept(law, lengths, any_subset=every) for law, _ in tested)
        size = max(size, *(sum(law.n_placements * bulk(law.length) for law, _ in laws) for laws in (trained, tested)))
        within_budget(where, size=size, budget=budget)
        if retain:  # every kept set is compared with every candidate
            size = sum(_n_kept(law, lengths, any_subset=every) * most_candidates(heads, law) for law, _ in tested)
            within_budget(where, size=size, budget=budget)
        train, test = _atoms(heads, trained), _atoms(heads, tested)
        choices = {atom: list(_single_choices(heads, atom, lengths, train, every, retain)) for atom in test}
    for options in choices.values():
        served = [any(choice.serves[i] for choice in options) for i in range(len(options[0].serves))] if options else []
        if not served or not all(served):
            return Factor(inf, inf)
    return _verified(train, test, choices, _solve(train, test, choices))


def is_exchangeable(heads: HeadClass, law: PlantedLaw) -> bool:
    """Whether every permutation of positions leaves the law of (S*, candidates, keys) as it is."""
    free = heads.key == "none" and heads.window is None and heads.anchor == "none"
    return free and law.support_law == Uniform("none")


def most_candidates(heads: HeadClass, law: PlantedLaw) -> int:
    """The largest number of candidate sets under the law, up to `HUGE`."""
    if heads.window is None:  # then the IDs play no part, and there may be too many assignments to list
        return heads.n_candidates(range(law.length))
    return max(heads.n_candidates(ids) for ids in law.positions.ids(law.length))


def _average_choices(
    heads: HeadClass, tested: Components, atom: Atom, lengths: list[int], retain: bool
) -> Iterator[Choice]:
    """Uniform U of each training length; a candidate with n noise coordinates survives for C(l-k,n) / C(L-k,n) of them,
    least for the largest n that the test length offers."""
    planted = tested[0][0].ensemble.arity
    noise = min(heads.arity, atom.length - planted)
    for n in lengths:
        if n <= atom.length:
            of_all = exact_choose(atom.length - planted, noise, "retention (kernel)")
            survives = Fraction(exact_choose(n - planted, noise, "retention (kernel)"), of_all)
            if heads.arity > atom.length:  # no candidates, so nothing has to survive
                survives = Fraction(1)
            yield Choice(Atom(n), (survives if retain else Fraction(1),))


def _single_choices(
    heads: HeadClass, atom: Atom, lengths: list[int], train: dict[Atom, Fraction], every: bool, retain: bool
) -> Iterator[Choice]:
    """Every U that leads to a training atom, those with the same atom and the same survivors once."""
    must = set(atom.planted) | ({atom.length - 1} if heads.anchor == "last" else set())
    own_ids = atom.ids or tuple(range(atom.length))  # without IDs in the atom, windows and keys play no part
    demands = [set(candidate) for candidate in heads.candidates(own_ids)] if retain else []
    seen: dict[Choice, None] = {}
    for n in lengths:
        for kept in _kept_sets(must, atom.length, n, every):
            place = {position: j for j, position in enumerate(kept)}
            ids = _canonical(heads, tuple(atom.ids[i] for i in kept)) if atom.ids else ()
            sub = Atom(n, tuple(place[i] for i in atom.planted), ids)
            if sub in train:
                serves = tuple(Fraction(demand <= place.keys()) for demand in demands)
                seen[Choice(sub, serves or (Fraction(1),))] = None
    return iter(sorted(seen, key=lambda choice: (choice.atom, choice.serves)))


def _kept_sets(must: set[int], length: int, n: int, any_subset: bool) -> Iterator[PositionSet]:
    """The sets U of n positions that hold `must`: all of them, or the runs of neighbouring positions."""
    if any_subset:
        free = [i for i in range(length) if i not in must]
        for chosen in combinations(free, n - len(must)) if n >= len(must) else ():
            yield tuple(sorted((*must, *chosen)))
    else:
        for start in range(max(0, max(must) - n + 1), min(min(must), length - n) + 1):
            yield tuple(range(start, start + n))


def _n_kept(law: PlantedLaw, lengths: list[int], *, any_subset: bool) -> int:
    k = law.ensemble.arity
    shorter = [n for n in lengths if n <= law.length]
    per_length = (choose(law.length - k, n - k) if any_subset else law.length - n + 1 for n in shorter)
    return law.n_placements * sum(per_length) * bulk(law.length)


def _total(pairs: Iterable[tuple[Atom, Fraction]]) -> dict[Atom, Fraction]:
    total: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for atom, p in pairs:
        total[atom] += p
    return dict(total)


def _atoms(heads: HeadClass, laws: Components) -> dict[Atom, Fraction]:
    weights: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for law, p in laws:
        counted: Counter[Atom] = Counter()
        for planted, ids, weight in law.placements():
            counted[Atom(law.length, planted, _canonical(heads, ids))] += weight
        for atom, weight in counted.items():
            weights[atom] += p * Fraction(weight, law.placement_denominator)
    return dict(weights)


def _canonical(heads: HeadClass, ids: Ids) -> Ids:
    """IDs up to what no head of the class can tell apart."""
    if heads.window is None and heads.key == "none":
        return ()
    if heads.window is None and heads.key == "order":
        rank = {value: r for r, value in enumerate(sorted(set(ids)))}
        return tuple(rank[value] for value in ids)
    if heads.key == "absolute":
        return ids
    least = min(ids)
    return tuple(value - least for value in ids)


class _Certificates(NamedTuple):
    """What the solver proposes: a kernel, and the prices and values that bound t from below; nothing is trusted."""

    weights: dict[Atom, list[Fraction]]
    prices: dict[Atom, Fraction]
    values: dict[Atom, list[Fraction]]


def _solve(train: dict[Atom, Fraction], test: dict[Atom, Fraction], choices: dict[Atom, list[Choice]]) -> _Certificates:
    """About optimal certificates, by scipy's HiGHS in floats, rounded to rationals.

    Probabilities may be too small for a float, so the program is scaled exactly first. With `scale` the largest over
    all demands of P(a) / max_u T(b(u)) serves(u), the optimum lies between scale / n and scale · n for n choices and
    demands. The variables are t / scale and, for every choice u, g(u) · max_i serves_i(u); the row of the training atom
    b is divided by scale · T(b). Choices that serve nothing, or far too little for what they take, are left out.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    scale = max(
        p / max(train[c.atom] * c.serves[i] for c in choices[atom])
        for atom, p in test.items()
        for i in range(len(choices[atom][0].serves))
    )
    row_of = {atom: i for i, atom in enumerate(train)}
    entries: list[tuple[int, int, float]] = []  # (row, column, coefficient) of A g <= b
    column, row = 0, len(train)
    demand_rows: dict[Atom, range] = {}
    column_of: dict[tuple[Atom, int], int] = {}
    for atom, options in choices.items():
        demand_rows[atom] = range(row, row + len(options[0].serves))
        for j, choice in enumerate(options):
            most = max(choice.serves)
            if test[atom] > TOO_MUCH * scale * train[choice.atom] * most:
                continue
            taken = test[atom] / (scale * train[choice.atom] * most)
            entries.append((row_of[choice.atom], column, as_float(taken)))
            shares = zip(demand_rows[atom], choice.serves, strict=True)
            entries += [(r, column, -as_float(s / most)) for r, s in shares if s]
            column_of[atom, j] = column
            column += 1
        row = demand_rows[atom].stop
    entries += [(i, column, -1.0) for i in range(len(train))]  # the last variable is t / scale
    rows, columns, coefficients = zip(*entries, strict=True)
    matrix = coo_array((coefficients, (rows, columns)), shape=(row, column + 1)).tocsr()
    right = np.r_[np.zeros(len(train)), -np.ones(row - len(train))]
    cost = np.zeros(column + 1)
    cost[column] = 1.0
    solved = linprog(cost, A_ub=matrix, b_ub=right)  # type: ignore[call-overload]  # the stubs lack sparse matrices
    if solved.x is None:  # feasible and bounded; should the solver fail all the same, the weights are repaired
        nothing = {atom: [Fraction(0)] * len(options) for atom, options in choices.items()}
        return _Certificates(nothing, dict(train), {a: [Fraction(0)] * len(demand_rows[a]) for a in test})
    marginals = (-solved.ineqlin.marginals).tolist()
    weights = {
        atom: [
            _rounded(float(solved.x[column_of[atom, j]])) / max(choice.serves)
            if (atom, j) in column_of
            else Fraction(0)
            for j, choice in enumerate(options)
        ]
        for atom, options in choices.items()
    }
    values = {atom: [_quotient(marginals[r], p / scale) * p for r in demand_rows[atom]] for atom, p in test.items()}
    prices = {atom: _quotient(marginals[i], train[atom]) for atom, i in row_of.items()}
    for atom, options in choices.items():
        for choice in (choice for choice in options if train[choice.atom] * TOO_MUCH < 1):
            # The price that the values ask for is lost in a float, and costs nothing.
            asked = sum((v * s for v, s in zip(values[atom], choice.serves, strict=True)), Fraction(0)) / test[atom]
            if asked * train[choice.atom] * TOO_MUCH < 1:
                prices[choice.atom] = max(prices[choice.atom], asked)
    return _Certificates(weights, prices, values)


def _quotient(value: float, divisor: Fraction) -> Fraction:
    """value / divisor, rounded: the quotients are simple numbers, but they must fit a float."""
    return _rounded(value / as_float(divisor)) if divisor * TOO_MUCH > 1 else _rounded(value) / divisor


def _verified(
    train: dict[Atom, Fraction], test: dict[Atom, Fraction], choices: dict[Atom, list[Choice]], found: _Certificates
) -> Factor:
    """Repair both certificates and evaluate them exactly: nothing from the solver is trusted.

    Upper: weights scaled up per atom until every demand is served prove t = max_b (mass kept on b) / T(b); a demand
    that no weight serves gets the choice that takes the smallest share of T.
    Lower: with prices y >= 0 and values λ >= 0 scaled down per atom until Σ_i serves_i(u) λ_i <= P(a) y_b(u) for every
    choice u, weak duality gives t >= Σ λ / Σ_b y_b T(b).
    """
    kept: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    gained = Fraction(0)
    y = {atom: max(price, Fraction(0)) for atom, price in found.prices.items()}
    for atom, p in test.items():
        options = choices[atom]
        g = [max(weight, Fraction(0)) for weight in found.weights[atom]]
        served = _served(g, options)
        for i in (i for i, share in enumerate(served) if share == 0):
            best = max(range(len(options)), key=lambda j: train[options[j].atom] * options[j].serves[i])
            g[best] = max(g[best], 1 / options[best].serves[i])
        least = min(_served(g, options))
        for weight, choice in zip(g, options, strict=True):
            kept[choice.atom] += p * weight / least
        value = [max(v, Fraction(0)) for v in found.values[atom]]
        costs = [
            (sum((v * s for v, s in zip(value, c.serves, strict=True)), Fraction(0)), p * y[c.atom]) for c in options
        ]
        shrink = min((paid / used for used, paid in costs if used > paid), default=Fraction(1))
        gained += shrink * sum(value, Fraction(0))
    spent = sum((y[atom] * p for atom, p in train.items()), Fraction(0))
    return Factor(max(mass / train[atom] for atom, mass in kept.items()), gained / spent if spent else Fraction(0))


def _served(weights: list[Fraction], options: list[Choice]) -> list[Fraction]:
    """How far each demand is served."""
    return [
        sum((w * c.serves[i] for w, c in zip(weights, options, strict=True) if w), Fraction(0))
        for i in range(len(options[0].serves))
    ]


@lru_cache(maxsize=65536)
def _rounded(value: float) -> Fraction:
    """A simple rational near the value: vertices of these programs have small denominators."""
    return Fraction(value).limit_denominator(10_000)
