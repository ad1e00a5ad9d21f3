"""The linear programs of `theory.retention_factor`: the least t, by a solver in floats or a simplex in integers, verified.

A program has training atoms b with probabilities T(b), demands i, and *choices* u of weight g(u) >= 0: what a unit of
the choice takes from b, and how far it serves each demand. Weights prove t where

    Σ_u serves_i(u) g(u) >= 1 for every demand i,      Σ_u takes_b(u) g(u) <= t · T(b) for every b.                 (P)

Prices y(b) >= 0 and values λ(i) >= 0 with Σ_i serves_i(u) λ(i) <= Σ_b takes_b(u) y(b) for every choice prove that no
weights do better than

    Σ_i λ(i) / Σ_b y(b) T(b),      by weak duality.                                                                (D)

Nothing that a solver says is trusted: both certificates are repaired and evaluated in rationals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Sized
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, NamedTuple, TypeAlias

from theory.exact import as_float, rounded

Name: TypeAlias = Any
"""Whatever hashable names a training atom or a demand."""

EXACT_CELLS = 3_000
"""Rows times columns up to which the simplex method solves a program, or the part that an optimum uses."""

TOO_MUCH = 10**9
"""Ratios beyond are as good as infinite to a solver that works in floats."""

NOTHING = 1e-11
"""What a solver calls less is 0."""

SLACK = Fraction(1, 10**6)
"""How far the solver's numbers may be from the simple rationals that they stand for, relatively."""

BITS = 64
"""Of numbers that are no simple rationals: multiples of powers of two, whose sums stay short."""

DIGITS = 15
"""Significant digits of bounds that do not meet: more of them would mean nothing."""


class Choice(NamedTuple):
    """What a unit of a choice takes from training atoms and gives to demands; every entry is positive."""

    takes: Mapping[Name, Fraction]
    serves: Mapping[Name, Fraction]


class _Certificates(NamedTuple):
    """Weights of the choices, prices of the atoms and values of the demands, where they are not 0; not trusted."""

    weights: Mapping[int, Fraction]
    prices: Mapping[Name, Fraction]
    values: Mapping[Name, Fraction]


class Proof(NamedTuple):
    """A verified t, a verified lower bound >= 1 on every t of (P), and the weights of choices, by number, that prove t."""

    upper: Fraction
    lower: Fraction
    weights: Mapping[int, Fraction]


def least_t(train: Mapping[Name, Fraction], choices: Sequence[Choice]) -> tuple[Fraction, Fraction]:
    """A verified t, and a verified lower bound >= 1 on every t of (P); the demands are those that some choice serves."""
    return least_weights(train, choices)[:2]


def least_weights(train: Mapping[Name, Fraction], choices: Sequence[Choice]) -> Proof:
    """`least_t` with the weights that prove it."""
    demands = {i: None for choice in choices for i in choice.serves}
    proposed = _in_floats(train, choices, demands)
    proofs = [_verified(train, choices, found) for found in (_simplified(proposed), proposed) if found is not None]
    upper, lower = min(proof.upper for proof in proofs), max(proof.lower for proof in proofs)
    if upper > lower:
        kept = dict(enumerate(choices))
        if _cells(train, kept, demands) > EXACT_CELLS:  # then only what the optimum seems to use
            train_kept = {b: p for b, p in train.items() if proposed.prices.get(b)}
            kept = {u: choice for u, choice in kept.items() if proposed.weights.get(u)}
            demands = {i: None for choice in kept.values() for i in choice.serves if proposed.values.get(i)}
        else:
            train_kept = dict(train)
        if _cells(train_kept, kept, demands) <= EXACT_CELLS:
            proofs.append(_verified(train, choices, _simplex(train_kept, kept, demands)))
            upper, lower = min(proof.upper for proof in proofs), max(proof.lower for proof in proofs)
    weights = min(proofs, key=lambda proof: proof.upper).weights
    if upper > lower:
        upper, lower = rounded(upper, DIGITS, up=True), rounded(lower, DIGITS)
    return Proof(upper, lower, weights)


def _cells(train: Sized, choices: Sized, demands: Sized) -> int:
    return (len(choices) + 1) * (len(train) + len(demands))


def _verified(train: Mapping[Name, Fraction], choices: Sequence[Choice], found: _Certificates) -> Proof:
    """What both certificates prove once they are repaired: an upper and a lower bound on t, the latter at least 1.

    Upper: a demand that no weight serves gets the choice that takes least for it; then g(u) is divided by the least
    that a demand of u is served, after which every demand is served. Lower: λ(i) is multiplied by the least paid / used
    of a choice that serves i, after which no choice uses more than is paid.
    """
    weights = {u: weight for u, weight in found.weights.items() if weight > 0}
    served: defaultdict[Name, Fraction] = defaultdict(Fraction)
    for u, weight in weights.items():
        for i, share in choices[u].serves.items():
            served[i] += share * weight
    cheapest: dict[Name, tuple[Fraction, int]] = {}
    for u, choice in enumerate(choices):
        for i, share in choice.serves.items():
            if i not in served:
                offer = max(p / train[b] for b, p in choice.takes.items()) / share
                cheapest[i] = min(cheapest.get(i, (offer, u)), (offer, u))
    for i, (_, u) in cheapest.items():
        weights[u] = max(weights.get(u, Fraction(0)), 1 / choices[u].serves[i])
    if cheapest:
        return _verified(train, choices, found._replace(weights=weights))
    least = {u: min(served[i] for i in choices[u].serves) for u in weights}
    weights = {u: w if least[u] == 1 else _short(w / least[u], up=True) for u, w in weights.items()}
    taken: defaultdict[Name, Fraction] = defaultdict(Fraction)
    for u, weight in weights.items():
        for b, p in choices[u].takes.items():
            taken[b] += p * weight
    upper = max(mass / train[b] for b, mass in taken.items())

    prices = {b: price for b, price in found.prices.items() if price > 0}
    values = {i: value for i, value in found.values.items() if value > 0}
    shrink = dict.fromkeys(values, Fraction(1))
    for choice in choices:
        used = sum((share * values[i] for i, share in choice.serves.items() if i in values), Fraction(0))
        paid = sum((p * prices[b] for b, p in choice.takes.items() if b in prices), Fraction(0))
        if used > paid:
            for i in choice.serves.keys() & values.keys():
                shrink[i] = min(shrink[i], paid / used)
    spent = sum((price * train[b] for b, price in prices.items()), Fraction(0))
    gained = sum((v if shrink[i] == 1 else _short(v * shrink[i]) for i, v in values.items()), Fraction(0))
    return Proof(upper, max(gained / spent if spent else Fraction(0), Fraction(1)), weights)


# ── Proposals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_floats(train: Mapping[Name, Fraction], choices: Sequence[Choice], demands: Iterable[Name]) -> _Certificates:
    """About optimal certificates, by scipy's HiGHS in floats.

    Probabilities may be too small for a float, so the program is scaled exactly first. With `scale` the largest over
    all demands i of the least max_b takes_b(u)/T(b) / serves_i(u), the optimum lies between scale / n and scale · n for
    n choices and demands. The variables are t / scale and, for every choice u, g(u) · max_i serves_i(u); the row of the
    atom b is divided by scale · T(b). Choices that serve far too little for what they take are left out.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    dearest = [max(p / train[b] for b, p in choice.takes.items()) for choice in choices]
    offers: dict[Name, Fraction] = {}
    for dear, choice in zip(dearest, choices, strict=True):
        for i, share in choice.serves.items():
            offers[i] = min(offers.get(i, dear / share), dear / share)
    scale = max(offers.values())
    most = [max(choice.serves.values()) for choice in choices]
    kept = [u for u, dear in enumerate(dearest) if dear <= TOO_MUCH * scale * most[u]]
    row_of = {b: row for row, b in enumerate(train)}
    row_of_demand = {i: row for row, i in enumerate(demands, start=len(train))}
    n_rows, last = len(row_of) + len(row_of_demand), len(kept)
    entries = [(row, last, -1.0) for row in row_of.values()]  # of A g <= b; the last variable is t / scale
    for column, u in enumerate(kept):
        entries += [
            (row_of[b], column, as_float(p / (scale * train[b] * most[u]))) for b, p in choices[u].takes.items()
        ]
        entries += [(row_of_demand[i], column, -as_float(share / most[u])) for i, share in choices[u].serves.items()]
    rows, columns, coefficients = zip(*entries, strict=True)
    matrix = coo_array((coefficients, (rows, columns)), shape=(n_rows, last + 1)).tocsr()
    right = np.r_[np.zeros(len(row_of)), -np.ones(len(row_of_demand))]
    cost = np.zeros(last + 1)
    cost[last] = 1.0
    solved = linprog(cost, A_ub=matrix, b_ub=right, method="highs-ipm")  # type: ignore[call-overload]  # the stubs lack sparse matrices
    if solved.x is None:  # feasible and bounded; should the solver fail all the same, the certificates are repaired
        return _Certificates({}, {}, {})
    marginals = (-solved.ineqlin.marginals).tolist()
    return _Certificates(
        {u: _short(Fraction(x) / most[u]) for u, x in zip(kept, solved.x[:last].tolist(), strict=True) if x > NOTHING},
        {b: _short(Fraction(marginals[row]) / train[b]) for b, row in row_of.items() if marginals[row] > NOTHING},
        {i: _short(Fraction(marginals[row]) * scale) for i, row in row_of_demand.items() if marginals[row] > NOTHING},
    )


def _simplified(found: _Certificates) -> _Certificates | None:
    """The simplest numbers nearby, for a vertex often has small denominators; None where there are too many of them."""
    weights, prices, values = (
        {name: _simplest(number * (1 - SLACK), number * (1 + SLACK)) for name, number in part.items()} for part in found
    )
    if any(
        lcm(*{number.denominator for number in part.values()}).bit_length() > BITS for part in (weights, prices, values)
    ):
        return None
    return _Certificates(weights, prices, values)


def _short(value: Fraction, *, up: bool = False) -> Fraction:
    """A multiple of a power of two, never above the value, or with `up` never below it."""
    unit = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length() - BITS)
    return unit * (ceil(value / unit) if up else floor(value / unit))


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of least denominator in [low, high], for 0 < low < high: continued fractions, while they agree."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    return whole - 1 + 1 / _simplest(1 / (high - (whole - 1)), 1 / (low - (whole - 1)))


def _simplex(train: Mapping[Name, Fraction], choices: Mapping[int, Choice], demands: Iterable[Name]) -> _Certificates:
    """Optimal certificates: max Σ λ under (D) and Σ_b y(b) T(b) <= 1, by the simplex method in integers from y = λ = 0.

    Rows are multiplied by their denominators. Then the tableau holds integers over one denominator, the last pivot:
    each is a minor of the program, so that the division below leaves no rest. The column that gains most enters; should
    that not have ended soon, Bland's rule does, although all rows but one bind at 0: the first column that gains.
    """
    import numpy as np

    names = [("price", b) for b in train] + [("value", i) for i in demands]
    column_of = {name: column for column, name in enumerate(names)}
    n, m = len(names), len(choices) + 1
    table = np.zeros((m + 1, n + 1), dtype=object)  # a row a choice, the row Σ y T <= 1, the gains; a column a variable
    for row, choice in zip(table, choices.values(), strict=False):
        row[[column_of["value", i] for i in choice.serves if ("value", i) in column_of]] = [
            share for i, share in choice.serves.items() if ("value", i) in column_of
        ]
        row[[column_of["price", b] for b in choice.takes if b in train]] = [
            -p for b, p in choice.takes.items() if b in train
        ]
    table[m - 1, : len(train)] = list(train.values())
    table[m - 1, n] = Fraction(1)
    table[m, len(train) : n] = 1
    scales = [lcm(*(Fraction(entry).denominator for entry in row)) for row in table]
    table = np.array(
        [[int(entry * scale) for entry in row] for row, scale in zip(table, scales, strict=True)], dtype=object
    )
    rows, columns, denominator = list(range(n, n + m)), list(range(n)), 1  # which variables are where
    pivots = 0
    while gains := [c for c in range(n) if table[m, c] > 0]:
        pivots += 1
        bland = pivots > n + m
        c = min(gains, key=lambda column: columns[column] if bland else -table[m, column])
        binding = [row for row in range(m) if table[row, c] > 0]
        r = min(binding, key=lambda row: (Fraction(table[row, n], table[row, c]), rows[row]))
        pivot, of_column, of_row = table[r, c], table[:, c].copy(), table[r].copy()
        table = (table * pivot - np.multiply.outer(of_column, of_row)) // denominator
        table[r], table[:, c], table[r, c] = of_row, -of_column, denominator
        rows[r], columns[c], denominator = columns[c], rows[r], pivot
    solution = {names[v]: Fraction(table[row, n], denominator) for row, v in enumerate(rows) if v < n}
    slopes = {v: Fraction(-table[m, column], denominator) for column, v in enumerate(columns)}
    return _Certificates(
        {u: slopes[v] * scales[v - n] for v, u in enumerate(choices, start=n) if v in slopes},
        {b: y for (kind, b), y in solution.items() if kind == "price"},
        {i: value for (kind, i), value in solution.items() if kind == "value"},
    )
