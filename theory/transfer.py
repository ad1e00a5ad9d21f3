"""T3: how much a hard head's loss can grow from a training law to a test law built from the same planted words.

Overlap pattern of a candidate S with the planted set S*: which coordinates of S are which coordinates of S* (the rest
is noise), and the key of S. The law of (view, label) depends on the pattern alone, so everything that changes from
training to test is how many candidates have each pattern: its *mass*. κ is the largest ratio of masses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
from math import inf
from typing import NamedTuple

from theory.bounds import exchangeable_pattern_mass
from theory.errors import AssumptionViolated, bulk, check, counted, within_budget
from theory.exact import Rational, choose, rational
from theory.examples import BUDGET, Law
from theory.heads import HeadClass, check_heads
from theory.kernels import (
    ExactOrInfinite,
    Factor,
    Family,
    is_exchangeable,
    least_factor,
    listed,
    listed_total,
    most_candidates,
    n_listed,
    plainest,
    sees_ids,
)
from theory.planted import PlantedLaw, planted_components
from theory.positions import Ids
from theory.support import PositionSet


class Pattern(NamedTuple):
    """An overlap pattern: for each coordinate of the candidate the coordinate of S* that it is (None for noise).

    Examples
    --------
    >>> Pattern(overlap=(0, None), key=()).n_noise  # the first planted token and a noise token
    1
    """

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
    kappa0_lower : no kernel of the family `kappa0_family` proves a smaller number, and none at all one below 1; equal
        to `kappa0` when the kernel found is optimal.
    candidates : N_T, the largest number of candidate sets in training.
    uncovered : a pattern that occurs at test and never in training (then kappa is inf), or None.
    masses : {pattern: (m_train, m_test)}, expected numbers of candidates.
    planted_is_candidate : whether S* is always a candidate set at test; the bound for normalised soft heads needs it.
    kappa0_family, kappa0_missing : the kernels that were searched, and why they have none, as in `Factor`.

    Examples
    --------
    >>> from theory import PlantedEnsemble, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> cov = coverage(HeadClass(arity=2), train=parity.at(4), test=parity.at(7))
    >>> str(cov.kappa), cov.candidates, cov.masses[Pattern((None, None), ())]
    ('10', 6, (Fraction(1, 1), Fraction(10, 1)))
    """

    kappa: ExactOrInfinite
    kappa0: ExactOrInfinite
    kappa0_lower: ExactOrInfinite
    candidates: int
    uncovered: Pattern | None
    masses: dict[Pattern, tuple[Fraction, Fraction]]
    planted_is_candidate: bool
    kappa0_family: Family
    kappa0_missing: str = field(default="", compare=False)

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
        got, expected = f"{a} with train_loss {loss}", "0 <= abstention <= train_loss <= 1"
        fix = "Pass exact losses of one head."
        check(0 <= a <= loss <= 1, "Coverage.bound", "abstention", got=got, expected=expected, fix=fix)
        if inf in (self.kappa, self.kappa0):
            return inf  # 0 · ∞ proves nothing: what never occurs in training is free to be wrong
        return self.factor * loss if abstention is None else self.kappa0 * a + self.kappa * self.candidates * (loss - a)


def coverage(heads: HeadClass, *, train: Law, test: Law, budget: int = BUDGET) -> Coverage:
    """Pattern masses, κ, κ0 and N_T from a training law to a test law (T3), all exact.

    Parameters
    ----------
    heads : the head class.
    train, test : planted laws or mixtures of them, of ensembles with the same background, planted law and target.
    budget : (placement, candidate) pairs that may be enumerated per law, those with long sequences counting as several;
        exchangeable laws (uniform support, a class that sees no IDs) have masses in closed form, one an overlap
        pattern. For κ0 also the placements of all laws, and `theory.kernels.WORK` times the size of the program;
        a search of all kept sets beyond it gives way to a smaller family, which the result names.

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

    Cost: O(placements · candidates · k) per law, and for κ0 a linear program with a variable per test placement and
    kept part, as far as the class can tell these apart. Source: T3 in docs/theory.md.
    """
    check_heads(heads, "coverage")
    trained = planted_components(train, "coverage", "train")
    tested = planted_components(test, "coverage", "test")
    _same_planting([law for law, _ in (*trained, *tested)], "coverage")
    for law, _ in (*trained, *tested):
        if heads.window is None:  # the masses are as large as that, and exact
            counted("coverage (candidate sets)", most_candidates(heads, law))
    train_masses = pattern_masses(heads, train, budget=budget)
    test_masses = pattern_masses(heads, test, budget=budget)
    masses = {
        pattern: (train_masses.get(pattern, Fraction(0)), test_masses.get(pattern, Fraction(0)))
        for pattern in train_masses | test_masses
    }
    uncovered = next((pattern for pattern, (m_train, _) in masses.items() if m_train == 0), None)
    ratios = (m_test / m_train for m_train, m_test in masses.values())
    kappa: ExactOrInfinite = max(ratios, default=Fraction(0)) if uncovered is None else inf
    abstaining = least_factor(heads, trained, tested, budget, retain=False)
    return Coverage(
        kappa=kappa,
        kappa0=abstaining.value,
        kappa0_lower=abstaining.lower,
        candidates=counted("coverage (candidate sets)", max(most_candidates(heads, law) for law, _ in trained)),
        uncovered=uncovered,
        masses=masses,
        planted_is_candidate=all(_planted_is_candidate(heads, law) for law, _ in tested),
        kappa0_family=abstaining.family,
        kappa0_missing=abstaining.missing,
    )


def retention(heads: HeadClass, *, train: Law, test: Law, budget: int = BUDGET) -> Factor:
    """A verified factor t with L_test(h) <= t · L_train(h) for every head, hard or soft, whatever its scores (T11).

    Parameters
    ----------
    heads, train, test : as for `coverage`.
    budget : as for κ0 in `coverage`.

    Returns
    -------
    Factor : `value` is inf when no kernel of the family `family` proves a factor, for the reason `missing`: for
        instance when a candidate at test survives in no sub-example that training shows.

    Raises
    ------
    AssumptionViolated, BudgetExceeded : as for `coverage`.

    Examples
    --------
    >>> from theory import PlantedEnsemble, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> retention(HeadClass(arity=2), train=parity.at(4), test=parity.at(7))  # κ = C(5,2) / C(2,2), without N_T = 6
    Factor(value=Fraction(10, 1), lower=Fraction(10, 1), family='all kept sets', missing='')

    Cost: one linear program with a variable per test placement and kept part and a row per test placement and candidate
    set, as far as the class can tell these apart; one variable for exchangeable laws. Source: T11 in docs/theory.md.
    """
    check_heads(heads, "retention")
    trained = planted_components(train, "retention", "train")
    tested = planted_components(test, "retention", "test")
    _same_planting([law for law, _ in (*trained, *tested)], "retention")
    return least_factor(heads, trained, tested, budget, retain=True)


def pattern_masses(heads: HeadClass, law: Law, *, budget: int = BUDGET) -> dict[Pattern, Fraction]:
    """{pattern: expected number of candidate sets with that pattern} under a planted law or a mixture of them.

    Raises
    ------
    AssumptionViolated, BudgetExceeded : as for `coverage`.

    Examples
    --------
    >>> from theory import PlantedEnsemble, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> masses = pattern_masses(HeadClass(arity=2), parity.at(4))
    >>> masses[Pattern((None, None), ())], masses[Pattern((0, 1), ())], sum(masses.values())
    (Fraction(1, 1), Fraction(1, 1), Fraction(6, 1))
    """
    check_heads(heads, "pattern_masses")
    masses: defaultdict[Pattern, Fraction] = defaultdict(Fraction)
    components = planted_components(law, "pattern_masses", "law")
    seen = [plainest(heads, [part], "pattern_masses", budget) for part, _ in components]
    parts = [(own, part) for own, (part, _) in zip(seen, components, strict=True)]
    size = sum(_n_overlaps(own.arity, part.ensemble.arity) for own, part in parts if is_exchangeable(own, part))
    within_budget("pattern_masses", size=size, budget=budget)
    _check_pairs([(own, part) for own, part in parts if not is_exchangeable(own, part)], budget)
    for own, (part, p) in zip(seen, components, strict=True):
        for pattern, mass in _component_masses(own, part).items():
            # A key that `plainest` dropped is that of IDs which rise, for every candidate.
            key = pattern.key if own.key == heads.key else heads.key_of(tuple(range(heads.arity)))
            masses[Pattern(pattern.overlap, key)] += p * mass
    return dict(masses)


def _component_masses(heads: HeadClass, law: PlantedLaw) -> dict[Pattern, Fraction]:
    if is_exchangeable(heads, law):
        return {
            Pattern(overlap, ()): exchangeable_pattern_mass(overlap, law.ensemble.arity, law.length)
            for overlap in overlaps(heads.arity, law.ensemble.arity)
            if heads.arity + law.ensemble.arity - sum(o is not None for o in overlap) <= law.length
        }
    return _listed_masses(heads, law)


def enumerated_pattern_masses(heads: HeadClass, law: PlantedLaw, *, budget: int = BUDGET) -> dict[Pattern, Fraction]:
    """`pattern_masses` of one planted law by listing every placement and every candidate: the plain route."""
    _check_pairs([(heads, law)], budget)
    return _listed_masses(heads, law)


def _listed_masses(heads: HeadClass, law: PlantedLaw) -> dict[Pattern, Fraction]:
    weights: Counter[Pattern] = Counter()
    candidates: dict[Ids, list[tuple[PositionSet, tuple[int, ...]]]] = {}
    for planted, ids, weight in listed(heads, law):
        if ids not in candidates:
            candidates[ids] = [(s, heads.key_of(tuple(ids[i] for i in s))) for s in heads.candidates(ids)]
        coordinate = {position: j for j, position in enumerate(planted)}
        for candidate, key in candidates[ids]:
            weights[Pattern(tuple(coordinate.get(i) for i in candidate), key)] += weight
    total = listed_total(heads, law)
    return {pattern: Fraction(weight, total) for pattern, weight in weights.items()}


def _check_pairs(laws: list[tuple[HeadClass, PlantedLaw]], budget: int) -> None:
    """Refuse laws with more (placement, candidate) pairs, together, than the budget."""
    where = "pattern_masses"
    within_budget(where, size=sum(n_listed(heads, law) for heads, law in laws), budget=budget)
    size = 0
    for heads, law in laws:  # now the ID assignments of each can be listed
        n_sets = law.support_law.count(law.length, law.ensemble.arity)
        if heads.window is not None:
            pairs = n_sets * sum(heads.n_candidates(ids) for ids in law.positions.ids(law.length))
        else:
            n_ids = law.positions.count(law.length) if sees_ids(heads) else 1
            pairs = n_sets * n_ids * heads.n_candidates(range(law.length))
        size += pairs * bulk(heads.arity)
    within_budget(where, size=size, budget=budget)


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


def _n_overlaps(arity: int, planted: int) -> int:
    """How much `overlaps` lists."""
    return choose(arity + planted, planted) * bulk(arity + planted)


def _planted_is_candidate(heads: HeadClass, law: PlantedLaw) -> bool:
    if heads.arity != law.ensemble.arity:
        return False
    if heads.window is None and heads.anchor == "none":
        return True
    return all(
        (heads.window is None or max(own) - min(own) <= heads.window)
        and (heads.anchor == "none" or planted[-1] == law.length - 1)
        for planted, ids, _ in listed(replace(heads, key="none"), law)
        for own in [[ids[i] for i in planted]]
    )


def _same_planting(laws: list[PlantedLaw], where: str) -> None:
    first = laws[0].ensemble
    for law in laws[1:]:
        if law.ensemble is laws[0].ensemble:
            continue
        other = law.ensemble
        for name in ("background", "planted", "target"):
            if getattr(first, name) != getattr(other, name):
                got = f"laws that differ in their {name}"
                fix = "Build both from one ensemble, or from copies that differ in the support law only."
                expected = "training and test laws with the same background, planted law and target"
                raise AssumptionViolated(where, "test", got=got, expected=expected, fix=fix)
