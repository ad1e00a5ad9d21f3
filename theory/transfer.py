"""T3: how much a hard head's loss can grow from a training law to a test law built from the same planted words.

Overlap pattern of a candidate S with the planted set S*: which coordinates of S are which coordinates of S* (the rest
is noise), and the key of S. The law of (view, label) depends on the pattern alone, so everything that changes from
training to test is how many candidates have each pattern: its *mass*. κ is the largest ratio of masses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, inf
from typing import NamedTuple, TypeAlias

from theory.bounds import exchangeable_pattern_mass
from theory.errors import AssumptionViolated, InvalidArgument, within_budget
from theory.exact import Rational, as_float, rational
from theory.examples import BUDGET, Law
from theory.heads import HeadClass, check_heads
from theory.planted import PlantedLaw, planted_components
from theory.positions import Ids
from theory.support import PositionSet, Uniform

ExactOrInfinite: TypeAlias = Fraction | float
"""A Fraction, or math.inf (the only float that occurs)."""


class Pattern(NamedTuple):
    """An overlap pattern: for each coordinate of the candidate the coordinate of S* that it is (None for noise)."""

    overlap: tuple[int | None, ...]
    key: tuple[int, ...]

    @property
    def n_noise(self) -> int:
        """How many coordinates of the candidate are not planted."""
        return self.overlap.count(None)


@dataclass(frozen=True)
class Coverage:
    """How well a training law covers a test law, for one head class (T3).

    Attributes
    ----------
    kappa : κ = max over patterns of m_test / m_train (0/0 = 0, c/0 = inf).
    kappa0 : a verified number with Pr_test[abstain] <= kappa0 · Pr_train[abstain] for every head; inf if none is found.
    kappa0_lower : what the dual of the linear program proves about every kernel of its kind; equal to `kappa0` when
        the kernel found is optimal.
    candidates : N_T, the largest number of candidate sets in training.
    uncovered : a pattern that occurs at test and never in training (then kappa is inf), or None.
    masses : {pattern: (m_train, m_test)}, expected numbers of candidates.
    planted_is_candidate : whether S* is always a candidate set at test; the bound for normalised soft heads needs it.
    """

    kappa: ExactOrInfinite
    kappa0: ExactOrInfinite
    kappa0_lower: ExactOrInfinite
    candidates: int
    uncovered: Pattern | None
    masses: dict[Pattern, tuple[Fraction, Fraction]]
    planted_is_candidate: bool

    @property
    def factor(self) -> ExactOrInfinite:
        """max(κ0, κ·N_T): every hard head has test loss <= factor · training loss."""
        return inf if inf in (self.kappa, self.kappa0) else max(self.kappa0, self.kappa * self.candidates)

    def bound(self, train_loss: Rational, abstention: Rational | None = None) -> ExactOrInfinite:
        """κ0·a + κ·N_T·(L_T − a): an upper bound on the test loss of a hard head.

        Parameters
        ----------
        train_loss : L_T, exact.
        abstention : a, the part of L_T that comes from abstaining, exact; left out, the bound is max(κ0, κ·N_T)·L_T,
            which holds whatever a is. A normalised soft head has a = 0 where `planted_is_candidate`.

        Raises
        ------
        InvalidArgument : unless 0 <= abstention <= train_loss <= 1, both exact.
        """
        loss = rational(train_loss, "Coverage.bound", "train_loss")
        a = Fraction(0) if abstention is None else rational(abstention, "Coverage.bound", "abstention")
        if not 0 <= a <= loss <= 1:
            raise InvalidArgument(
                "Coverage.bound", "abstention", f"{a} with train_loss {loss}",
                "0 <= abstention <= train_loss <= 1", "Pass exact losses of one head.",
            )  # fmt: skip
        if inf in (self.kappa, self.kappa0):
            return inf  # 0 · ∞ proves nothing: what never occurs in training is free to be wrong
        return self.factor * loss if abstention is None else self.kappa0 * a + self.kappa * self.candidates * (loss - a)


def coverage(heads: HeadClass, *, train: Law, test: Law, budget: int = BUDGET) -> Coverage:
    """Pattern masses, κ, κ0 and N_T from a training law to a test law (T3), all exact.

    Parameters
    ----------
    heads : the head class.
    train, test : planted laws or mixtures of them, of ensembles with the same background, planted law and target.
    budget : (placement, candidate) pairs that may be enumerated per law; exchangeable laws (uniform support, key none,
        no window) need none, since their masses have a closed form.

    Returns
    -------
    Coverage

    Raises
    ------
    AssumptionViolated : when a law is not planted, or the two differ in more than support, positions and lengths.
    BudgetExceeded : when the enumeration is larger than the budget.

    Examples
    --------
    >>> from theory import PlantedEnsemble, positions, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> cov = coverage(HeadClass(arity=2), train=parity.at(4), test=parity.at(7))
    >>> cov.kappa, cov.kappa0, cov.candidates, cov.factor
    (Fraction(10, 1), Fraction(1, 1), 6, Fraction(60, 1))

    Cost: O(placements · candidates · k) per law, and one linear program with a variable per (test placement, kept
    set) for κ0. Source: T3 in docs/theory.md.
    """
    check_heads(heads, "coverage")
    trained = planted_components(train, "coverage", "train")
    tested = planted_components(test, "coverage", "test")
    _same_planting([law for law, _ in (*trained, *tested)])
    train_masses = pattern_masses(heads, train, budget=budget)
    test_masses = pattern_masses(heads, test, budget=budget)
    masses = {
        pattern: (train_masses.get(pattern, Fraction(0)), test_masses.get(pattern, Fraction(0)))
        for pattern in train_masses | test_masses
    }
    uncovered = next((pattern for pattern, (m_train, _) in masses.items() if m_train == 0), None)
    kappa: ExactOrInfinite
    if uncovered is None:
        kappa = max((m_test / m_train for m_train, m_test in masses.values()), default=Fraction(0))
    else:
        kappa = inf
    kappa0, lower = _abstention_factor(heads, trained, tested, budget)
    return Coverage(
        kappa=kappa,
        kappa0=kappa0,
        kappa0_lower=lower,
        candidates=max(_most_candidates(heads, law) for law, _ in trained),
        uncovered=uncovered,
        masses=masses,
        planted_is_candidate=all(_planted_is_candidate(heads, law) for law, _ in tested),
    )


def pattern_masses(heads: HeadClass, law: Law, *, budget: int = BUDGET) -> dict[Pattern, Fraction]:
    """{pattern: expected number of candidate sets with that pattern} under a planted law or a mixture of them.

    Raises
    ------
    AssumptionViolated, BudgetExceeded : as for `coverage`.
    """
    check_heads(heads, "pattern_masses")
    masses: defaultdict[Pattern, Fraction] = defaultdict(Fraction)
    for part, p in planted_components(law, "pattern_masses", "law"):
        for pattern, mass in _component_masses(heads, part, budget).items():
            masses[pattern] += p * mass
    return dict(masses)


def _component_masses(heads: HeadClass, law: PlantedLaw, budget: int) -> dict[Pattern, Fraction]:
    if _is_exchangeable(heads, law):
        return {
            Pattern(overlap, ()): exchangeable_pattern_mass(overlap, law.ensemble.arity, law.length)
            for overlap in overlaps(heads.arity, law.ensemble.arity)
            if heads.arity + law.ensemble.arity - sum(o is not None for o in overlap) <= law.length
        }
    return enumerated_pattern_masses(heads, law, budget=budget)


def enumerated_pattern_masses(heads: HeadClass, law: PlantedLaw, *, budget: int = BUDGET) -> dict[Pattern, Fraction]:
    """`pattern_masses` of one planted law by listing every placement and every candidate: the plain route."""
    within_budget("pattern_masses", size=law.n_placements, budget=budget)  # before the ID assignments are listed
    size = sum(heads.n_candidates(ids) for ids in law.positions.ids(law.length)) * law.support_law.count(
        law.length, law.ensemble.arity
    )
    within_budget("pattern_masses", size=size, budget=budget)
    weights: Counter[Pattern] = Counter()
    listed: dict[Ids, list[tuple[PositionSet, tuple[int, ...]]]] = {}
    for planted, ids, weight in law.placements():
        if ids not in listed:
            listed = {ids: [(s, heads.key_of(tuple(ids[i] for i in s))) for s in heads.candidates(ids)]}
        coordinate = {position: j for j, position in enumerate(planted)}
        for candidate, key in listed[ids]:
            weights[Pattern(tuple(coordinate.get(i) for i in candidate), key)] += weight
    return {pattern: Fraction(weight, law.placement_denominator) for pattern, weight in weights.items()}


def overlaps(arity: int, planted: int) -> Iterator[tuple[int | None, ...]]:
    """Every ω: an increasing partial map from `arity` coordinates of a candidate to `planted` coordinates of S*.

    Examples
    --------
    >>> list(overlaps(1, 2))
    [(None,), (0,), (1,)]
    """
    for j in range(min(arity, planted) + 1):
        for where in combinations(range(arity), j):
            for which in combinations(range(planted), j):
                overlap: list[int | None] = [None] * arity
                for coordinate, target in zip(where, which, strict=True):
                    overlap[coordinate] = target
                yield tuple(overlap)


def _is_exchangeable(heads: HeadClass, law: PlantedLaw) -> bool:
    """Whether every permutation of positions leaves the law of (S*, candidates, keys) as it is."""
    free = heads.key == "none" and heads.window is None and heads.anchor == "none"
    return free and law.support_law == Uniform("none")


def _most_candidates(heads: HeadClass, law: PlantedLaw) -> int:
    if heads.window is None:  # then the IDs play no part, and there may be too many assignments to list
        return heads.n_candidates(tuple(range(law.length)))
    return max(heads.n_candidates(ids) for ids in law.positions.ids(law.length))


def _planted_is_candidate(heads: HeadClass, law: PlantedLaw) -> bool:
    if heads.arity != law.ensemble.arity:
        return False
    if heads.window is None and heads.anchor == "none":
        return True
    return all(
        (heads.window is None or max(own) - min(own) <= heads.window)
        and (heads.anchor == "none" or planted[-1] == law.length - 1)
        for planted, ids, _ in law.placements()
        for own in [[ids[i] for i in planted]]
    )


def _same_planting(laws: list[PlantedLaw]) -> None:
    first = laws[0].ensemble
    for law in laws[1:]:
        other = law.ensemble
        for name in ("background", "planted", "target"):
            if getattr(first, name) != getattr(other, name):
                raise AssumptionViolated(
                    "coverage", "test", f"laws that differ in their {name}",
                    "training and test laws with the same background, planted law and target",
                    "Build both from one ensemble, or from copies that differ in the support law only.",
                )  # fmt: skip


# ── κ0: abstaining on an example means abstaining on every sub-example ───────────────────────────────────────────────
#
# A kernel picks, given a test placement (S*, IDs), a set U ⊇ S* of positions to keep (with the anchor, U holds the last
# position). The sub-example on U has the tokens and the label of a training example with the placement of U, and its
# candidates are candidates of the test example. So if the law of the kept placement has density <= κ0 against the
# training law, then Pr_test[abstain] <= κ0 · Pr_train[abstain] for every head. Placements that the head class cannot
# tell apart are one *atom*, which keeps the linear program small and only makes κ0 better.

# U ranges over all sets where there are at most KERNEL_SUBSETS (placement, U) pairs, over runs of neighbouring
# positions otherwise: a smaller family of kernels, so κ0 may be larger than it need be, and is as rigorous.

KERNEL_SUBSETS = 200_000


class Atom(NamedTuple):
    """A placement up to what the head class can tell apart."""

    length: int
    planted: PositionSet = ()
    ids: Ids = ()


def _abstention_factor(
    heads: HeadClass,
    trained: list[tuple[PlantedLaw, Fraction]],
    tested: list[tuple[PlantedLaw, Fraction]],
    budget: int,
) -> tuple[ExactOrInfinite, ExactOrInfinite]:
    """(a verified κ0, a verified lower bound on every κ0 of a kernel of this kind)."""
    lengths = sorted({law.length for law, _ in trained})
    if all(_is_exchangeable(heads, law) for law, _ in (*trained, *tested)):
        # A uniform subset of a kept length carries S* to a uniform set, so a placement is its length and no more.
        train_atoms = _total((Atom(law.length), p) for law, p in trained)
        test_atoms = _total((Atom(law.length), p) for law, p in tested)
        choices = {atom: [Atom(n) for n in lengths if n <= atom.length] for atom in test_atoms}
    else:
        any_subset = sum(_n_kept(law, lengths, any_subset=True) for law, _ in tested) <= KERNEL_SUBSETS
        size = sum(_n_kept(law, lengths, any_subset=any_subset) for law, _ in tested)
        size = max(size, *(law.n_placements for law, _ in (*trained, *tested)))
        within_budget("coverage (kernel for κ0)", size=size, budget=budget)
        train_atoms = _atoms(heads, trained)
        test_atoms = _atoms(heads, tested)
        choices = {
            atom: sorted({sub for sub in _sub_atoms(heads, atom, lengths, any_subset) if sub in train_atoms})
            for atom in test_atoms
        }
    if any(not subs for subs in choices.values()):
        return inf, inf
    kernel, prices = _solve(train_atoms, test_atoms, choices)
    return _verified(train_atoms, test_atoms, choices, kernel, prices)


def _total(pairs: Iterator[tuple[Atom, Fraction]]) -> dict[Atom, Fraction]:
    total: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for atom, p in pairs:
        total[atom] += p
    return dict(total)


def _canonical(heads: HeadClass, ids: Ids) -> Ids:
    """IDs up to what no head of the class can tell apart."""
    if heads.window is None and heads.key == "none":
        return ()
    if heads.window is None and heads.key == "order":
        rank = {value: r for r, value in enumerate(sorted(set(ids)))}
        return tuple(rank[value] for value in ids)
    if heads.key == "absolute":
        return ids
    return tuple(value - min(ids) for value in ids)


def _atoms(heads: HeadClass, laws: list[tuple[PlantedLaw, Fraction]]) -> dict[Atom, Fraction]:
    weights: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for law, p in laws:
        counted: Counter[Atom] = Counter()
        for planted, ids, weight in law.placements():
            counted[Atom(law.length, planted, _canonical(heads, ids))] += weight
        for atom, weight in counted.items():
            weights[atom] += p * Fraction(weight, law.placement_denominator)
    return dict(weights)


def _n_kept(law: PlantedLaw, lengths: list[int], *, any_subset: bool) -> int:
    k = law.ensemble.arity
    per_length = (comb(law.length - k, n - k) if any_subset else law.length - n + 1 for n in lengths if n <= law.length)
    return law.n_placements * sum(per_length)


def _sub_atoms(heads: HeadClass, atom: Atom, lengths: list[int], any_subset: bool) -> Iterator[Atom]:
    must = set(atom.planted) | ({atom.length - 1} if heads.anchor == "last" else set())
    for n in lengths:
        for kept in _kept_sets(must, atom.length, n, any_subset):
            place = {position: j for j, position in enumerate(kept)}
            ids = _canonical(heads, tuple(atom.ids[i] for i in kept)) if atom.ids else ()
            yield Atom(n, tuple(place[i] for i in atom.planted), ids)


def _kept_sets(must: set[int], length: int, n: int, any_subset: bool) -> Iterator[PositionSet]:
    """The sets U of n positions that hold `must`: all of them, or the runs of neighbouring positions."""
    if any_subset:
        free = [i for i in range(length) if i not in must]
        for chosen in combinations(free, n - len(must)) if n >= len(must) else ():
            yield tuple(sorted((*must, *chosen)))
    else:
        for start in range(max(0, max(must) - n + 1), min(min(must), length - n) + 1):
            yield tuple(range(start, start + n))


def _solve(
    train: dict[Atom, Fraction], test: dict[Atom, Fraction], choices: dict[Atom, list[Atom]]
) -> tuple[dict[Atom, list[float]], dict[Atom, float]]:
    """An approximately optimal kernel, and the dual prices of the training atoms, by scipy's HiGHS (floats)."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    row_of = {atom: i for i, atom in enumerate(train)}
    variables = [(i, atom, sub) for i, atom in enumerate(test) for sub in choices[atom]]
    n = len(variables)
    # minimise t subject to  Σ_(a,u→b) P(a) k(u|a) − t T(b) <= 0  and  Σ_u k(u|a) = 1.
    upper = coo_array(
        (
            [*(as_float(test[atom]) for _, atom, _ in variables), *(-as_float(p) for p in train.values())],
            (
                [*(row_of[sub] for _, _, sub in variables), *range(len(train))],
                [*range(n), *[n] * len(train)],
            ),
        ),
        shape=(len(train), n + 1),
    )
    rows = coo_array(([1.0] * n, ([i for i, _, _ in variables], list(range(n)))), shape=(len(test), n + 1))
    cost = np.zeros(n + 1)
    cost[n] = 1.0
    solved = linprog(  # type: ignore[call-overload]  # the stubs lack sparse constraint matrices
        cost, A_ub=upper.tocsr(), b_ub=np.zeros(len(train)), A_eq=rows.tocsr(), b_eq=np.ones(len(test))
    )
    if solved.x is None:
        # The program is feasible (every test atom has a choice) and bounded; if the solver fails, use a plain kernel.
        return {atom: [1.0] * len(subs) for atom, subs in choices.items()}, dict.fromkeys(train, 1.0)
    kernel: dict[Atom, list[float]] = defaultdict(list)
    for (_, atom, _), value in zip(variables, solved.x[:n], strict=True):
        kernel[atom].append(float(value))
    prices = {atom: -float(price) for atom, price in zip(train, solved.ineqlin.marginals, strict=True)}
    return kernel, prices


def _verified(
    train: dict[Atom, Fraction],
    test: dict[Atom, Fraction],
    choices: dict[Atom, list[Atom]],
    kernel: dict[Atom, list[float]],
    prices: dict[Atom, float],
) -> tuple[Fraction, Fraction]:
    """Round both certificates to rationals and evaluate them exactly: nothing that the solver said is trusted.

    Upper: any kernel with rows that sum to 1 proves κ0 = max_b (kept mass on b) / T(b). Lower: any prices y >= 0 prove
    κ0 >= Σ_a P(a) min_(u of a) y_b(u) / Σ_b y_b T(b), by weak duality.
    """
    kept: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for atom, p in test.items():
        row = [max(_rounded(value), Fraction(0)) for value in kernel[atom]]
        total = sum(row, Fraction(0))
        if total == 0:
            row, total = [Fraction(1)] * len(row), Fraction(len(row))
        for sub, value in zip(choices[atom], row, strict=True):
            kept[sub] += p * value / total
    upper = max(mass / train[atom] for atom, mass in kept.items())
    exact_prices = {atom: max(_rounded(price), Fraction(0)) for atom, price in prices.items()}
    paid = sum((exact_prices[atom] * p for atom, p in train.items()), Fraction(0))
    gained = sum((p * min(exact_prices[sub] for sub in choices[atom]) for atom, p in test.items()), Fraction(0))
    return upper, gained / paid if paid else Fraction(0)


@lru_cache(maxsize=65536)
def _rounded(value: float) -> Fraction:
    """The simplest rational within 1e-9 or so: vertices of these programs have small denominators."""
    return Fraction(value).limit_denominator(10_000)
