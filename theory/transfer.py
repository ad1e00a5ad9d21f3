"""T3: how much a hard head's loss can grow from a training law to a test law built from the same planted words.

Overlap pattern of a candidate S with the planted set S*: which coordinates of S are which coordinates of S* (the rest
is noise), and the key of S. The law of (view, label) depends on the pattern alone, so everything that changes from
training to test is how many candidates have each pattern: its *mass*. κ is the largest ratio of masses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import inf
from typing import NamedTuple

from theory.bounds import exchangeable_pattern_mass
from theory.errors import AssumptionViolated, bulk, check, counted, within_budget
from theory.exact import Rational, choose, rational
from theory.examples import BUDGET, Law
from theory.heads import HeadClass, check_alike, check_one_arity
from theory.placements import SeenLaw, listed, n_listed
from theory.planted import PlantedLaw, planted_components
from theory.positions import Ids
from theory.retention_factor import ExactOrInfinite, Factor, Family, least_factor
from theory.support import PositionSet


class Pattern(NamedTuple):
    """An overlap pattern: for each coordinate of the candidate the coordinate of S* that it is (None for noise).

    Examples
    --------
    >>> Pattern(overlap=(0, None), key=()).n_noise  # the first planted token and a noise token
    1
    """

    overlap: tuple[int | None, ...]
    key: Ids

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
        uniform supports, for a class that sees no IDs, have masses in closed form, one an overlap pattern. For κ0 also
        the placements of all laws, and `theory.kept_sets.WORK` times the size of the program; a search of all kept sets
        beyond it gives way to a smaller family, which the result names.

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
    trained, tested = _seen(heads, train, test, "coverage", budget)
    where = "coverage (candidate sets)"
    for own in (*trained, *tested):
        if heads.window is None:  # the masses are as large as that, and exact
            counted(where, own.candidates)
    train_masses, test_masses = _masses(heads, trained, budget), _masses(heads, tested, budget)
    masses = {
        pattern: (train_masses.get(pattern, Fraction(0)), test_masses.get(pattern, Fraction(0)))
        for pattern in train_masses | test_masses
    }
    uncovered = next((pattern for pattern, (m_train, _) in masses.items() if m_train == 0), None)
    ratios = (m_test / m_train for m_train, m_test in masses.values())
    abstaining = least_factor(heads, trained, tested, budget, retain=False)
    # The mass of S* itself is the probability that it is a candidate.
    all_planted = tuple(range(tested[0].law.ensemble.arity))
    of_planted = sum(m_test for pattern, (_, m_test) in masses.items() if pattern.overlap == all_planted)
    return Coverage(
        kappa=max(ratios, default=Fraction(0)) if uncovered is None else inf,
        kappa0=abstaining.value,
        kappa0_lower=abstaining.lower,
        candidates=counted(where, max(own.candidates for own in trained)),
        uncovered=uncovered,
        masses=masses,
        planted_is_candidate=of_planted == 1,
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
    trained, tested = _seen(heads, train, test, "retention", budget)
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
    where = "pattern_masses"
    check_one_arity(heads, where)
    components = planted_components(law, where, "law")
    return _masses(heads, [SeenLaw.of(heads, part, p, where, budget) for part, p in components], budget)


def enumerated_pattern_masses(heads: HeadClass, law: PlantedLaw, *, budget: int = BUDGET) -> dict[Pattern, Fraction]:
    """`pattern_masses` of one planted law by listing every placement and every candidate: the plain route."""
    return _masses(heads, [SeenLaw(heads, law, Fraction(1), "listed", 0)], budget)


def _seen(heads: HeadClass, train: Law, test: Law, where: str, budget: int) -> tuple[list[SeenLaw], list[SeenLaw]]:
    """The components of both laws, checked, as the class sees them."""
    check_one_arity(heads, where)
    trained, tested = planted_components(train, where, "train"), planted_components(test, where, "test")
    first = trained[0][0].ensemble
    for other in {id(law.ensemble): law.ensemble for law, _ in (*trained, *tested)}.values():
        for name in ("background", "planted", "target"):
            if getattr(first, name) != getattr(other, name):
                got = f"laws that differ in their {name}"
                fix = "Build both from one ensemble, or from copies that differ in the support law only."
                expected = "training and test laws with the same background, planted law and target"
                raise AssumptionViolated(where, "test", got=got, expected=expected, fix=fix)
    found = {law.positions.n_coordinates(law.length) for law, _ in (*trained, *tested)}
    check_alike(found, where)
    return (
        [SeenLaw.of(heads, law, p, where, budget) for law, p in trained],
        [SeenLaw.of(heads, law, p, where, budget) for law, p in tested],
    )


def _masses(heads: HeadClass, laws: list[SeenLaw], budget: int) -> dict[Pattern, Fraction]:
    """The masses under a mixture: in closed form, but for a law whose placements have to be listed."""
    where, to_list = "pattern_masses", [own for own in laws if own.kind == "listed"]
    in_closed_form = [(own.heads.arity, own.law.ensemble.arity) for own in laws if own.kind != "listed"]
    within_budget(where, size=sum(choose(n + k, k) * bulk(n + k) for n, k in in_closed_form), budget=budget)  # overlaps
    within_budget(where, size=sum(n_listed(own.heads, own.law) for own in to_list), budget=budget)
    size = 0
    for own in to_list:  # now the ID assignments of each can be listed
        law, length = own.law, own.law.length
        if own.heads.window is not None:
            pairs = sum(own.heads.n_candidates(ids) for ids in law.positions.ids(length))
        else:
            pairs = (law.positions.count(length) if own.heads.sees_ids else 1) * own.heads.n_candidates(range(length))
        size += law.support_law.count(length, law.ensemble.arity) * pairs * bulk(own.heads.arity)
    within_budget(where, size=size, budget=budget)

    masses: defaultdict[Pattern, Fraction] = defaultdict(Fraction)
    for own in laws:
        # A key that was dropped is that of IDs which rise, for every candidate.
        dropped = None if own.heads.key == heads.key else heads.key_of(tuple(range(heads.arity)))
        for pattern, mass in _listed_masses(own) if own.kind == "listed" else _uniform_masses(own):
            masses[pattern if dropped is None else pattern._replace(key=dropped)] += mass
    return dict(masses)


def _uniform_masses(own: SeenLaw) -> Iterator[tuple[Pattern, Fraction]]:
    """The closed forms of each part: where the last position stands apart, candidates hold it, as their last, or not.

    S* is uniform on the other positions, and so are the candidates of either sort, whatever S* is.
    """
    for p, free, planted in own.parts:
        ends: list[tuple[int | None, ...]] = [()] if own.heads.anchor == "none" else []
        if free < own.law.length:
            ends.append((planted,) if planted < own.law.ensemble.arity else (None,))
        for end in ends:
            for rest in overlaps(own.heads.arity - len(end), planted):
                if mass := exchangeable_pattern_mass(rest, planted, free):
                    yield Pattern((*rest, *end), ()), p * mass


def _listed_masses(own: SeenLaw) -> Iterator[tuple[Pattern, Fraction]]:
    weights: Counter[Pattern] = Counter()
    candidates: dict[Ids, list[tuple[PositionSet, Ids]]] = {}
    placements, total = listed(own.heads, own.law)
    for planted, ids, weight in placements:
        if ids not in candidates:
            candidates[ids] = [(s, own.heads.key_of(tuple(ids[i] for i in s))) for s in own.heads.candidates(ids)]
        coordinate = {position: j for j, position in enumerate(planted)}
        for candidate, key in candidates[ids]:
            weights[Pattern(tuple(coordinate.get(i) for i in candidate), key)] += weight
    return ((pattern, own.p * weight / total) for pattern, weight in weights.items())


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
