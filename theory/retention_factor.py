"""Sub-example kernels: what proves κ0 (T3) and the retention factor (T11), as linear programs over kept sets.

Given a test placement a = (S*, IDs), keep a set U of positions. The sub-example on U has the tokens, the IDs and the
label of the example, and its candidates are the candidates within U (with the anchor, U holds the last position). Where
a head of the class cannot tell its placement from a training placement b, it is an example of training. Weights
g(U | a) >= 0 with

    Σ_U g(U | a) >= 1 for every test placement a,   and   Σ_(a, U → b) P(a) g(U | a) <= t · T(b)

for every training placement b prove Pr_test[abstain] <= t · Pr_train[abstain] for every head: abstaining on an example
means abstaining on all its sub-examples. If moreover every candidate set S survives, Σ_(U ⊇ S) g(U | a) >= 1, they
prove L_test(h) <= t · L_train(h) for *every* head, hard or soft (T11). The least t is a linear program.

It is made small by structure, without changing its optimum: by what the class can tell apart (`theory.placements`,
`theory.kept_sets`), and for uniform supports by kernels that depend on the number of kept positions alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from math import inf
from typing import Any, Literal, TypeAlias

from theory.errors import within_budget
from theory.exact import exact_choose
from theory.heads import HeadClass
from theory.kept_sets import (
    WORK,
    Option,
    Placement,
    TooMuch,
    Work,
    atom_of,
    every_kept_set,
    has_gaps,
    most_noise,
    placed,
    runs_of_neighbours,
    too_short,
)
from theory.placements import SeenLaw, n_listed
from theory.programs import Choice, least_t

ExactOrInfinite: TypeAlias = Fraction | float
"""A Fraction, or math.inf (the only float that occurs)."""

Family: TypeAlias = Literal["all kept sets", "runs of neighbours", "runs of neighbours and uniform kept sets"]
"""The kernels that a search covers. What it says of the least factor, it says of these alone."""


@dataclass(frozen=True)
class Factor:
    """A verified factor t, and a verified lower bound on what any kernel of the family reaches.

    Attributes
    ----------
    value : t, or inf where the family has no kernel.
    lower : no kernel of the family has a smaller factor; at least 1.
    family : the kernels that were searched. One outside may do better, unless these are all kept sets.
    missing : why the family has no kernel; empty where it has one.

    Examples
    --------
    >>> Factor(Fraction(3, 2), Fraction(3, 2)).optimal
    True
    """

    value: ExactOrInfinite
    lower: ExactOrInfinite
    family: Family = "all kept sets"
    missing: str = field(default="", compare=False)

    @property
    def optimal(self) -> bool:
        """Whether no kernel of the family gives a smaller factor."""
        return self.value == self.lower


def least_factor(
    heads: HeadClass, trained: Sequence[SeenLaw], tested: Sequence[SeenLaw], budget: int, *, retain: bool
) -> Factor:
    """The least t: for abstentions (κ0), or with `retain` for whole losses, where every candidate must survive.

    Where the search for kept sets would exceed the budget, a smaller family of kernels is tried, and said.

    Raises
    ------
    BudgetExceeded : when the placements, or the smaller family, exceed it as well.
    """
    where = "retention (kernel)" if retain else "coverage (kernel)"
    laws = [*trained, *tested]
    kinds = {own.kind for own in laws}
    if len(kinds) == 1 and "listed" not in kinds:
        within_budget(where, size=len(trained) * len(tested), budget=budget)
        by_noise = _by_free_noise(heads, trained)
        return _solved("all kept sets", by_noise, _uniform_kept_sets(heads, by_noise, trained, tested, where, retain))
    # What says nothing under one of the laws may tell it from another.
    blind = all(own.heads.key == "none" for own in laws)
    unlimited = all(own.heads.window is None for own in laws)
    heads = replace(heads, key="none" if blind else heads.key, window=None if unlimited else heads.window)
    for part in (trained, tested):
        within_budget(where, size=sum(n_listed(heads, own.law) for own in part), budget=budget)
    train: defaultdict[Any, Fraction] = defaultdict(Fraction)
    for _, marks, ids, p in placed(heads, trained):
        train[atom_of(heads, marks, ids)] += p
    try:
        found = every_kept_set(heads, train, trained, tested, Work(budget // WORK), retain)
        return _solved("all kept sets", train, found)
    except TooMuch:
        family: Family = "runs of neighbours and uniform kept sets" if has_gaps(heads) else "runs of neighbours"
        return _solved(family, train, runs_of_neighbours(heads, train, trained, tested, where, budget, retain))


def _solved(family: Family, train: Mapping[Any, Fraction], tested: Iterable[Placement]) -> Factor:
    """The least factor of the options of each test placement; demands that every option serves alike are one."""
    choices: list[Choice] = []
    for atom, p, found, words in tested:
        options = list(dict.fromkeys(found))
        if not options:
            return Factor(inf, inf, family, f"{words()} leads to no training placement")
        demands = dict.fromkeys(zip(*(serves for _, serves in options), strict=True))
        if not all(map(any, demands)):
            missing = f"a candidate set of {words()} survives in no part that training shows"
            return Factor(inf, inf, family, missing)
        for j, (lands, _) in enumerate(options):
            serves = {(atom, i): shares[j] for i, shares in enumerate(demands) if shares[j]}
            if serves:
                choices.append(Choice({b: p * share for b, share in lands}, serves))
    return Factor(*least_t(train, choices), family)


def _by_free_noise(heads: HeadClass, laws: Sequence[SeenLaw]) -> dict[tuple[int, ...], Fraction]:
    """{(how many positions are free to be kept or not, whether the last position stands apart and is planted): p}"""
    total: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for own in laws:
        for p, free, planted in own.parts:
            fits = heads.arity <= own.law.length
            total[(free - planted, own.law.ensemble.arity - planted) if fits else ()] += p
    return total


def _uniform_kept_sets(
    heads: HeadClass,
    train: Mapping[tuple[int, ...], Fraction],
    trained: Sequence[SeenLaw],
    tested: Sequence[SeenLaw],
    where: str,
    retain: bool,
) -> Iterator[Placement]:
    """Kept sets that are uniform among those of one length that hold S*, and the last position where all of them must.

    Where no set must hold the last position, S* is uniform; else it is uniform given whether it holds the last one. The
    ranks of S* in a uniform kept set have the same law, so that a placement is its length and, in the second case,
    whether its last position is planted. No other kernel does better: its masses, summed over the training placements
    of a kind, and its survivals, averaged over S* and the candidates of the most noise, satisfy the same inequalities.
    """

    def described(kind: tuple[int, ...]) -> str:
        length = min(own.law.length for own in tested if kind in _by_free_noise(heads, [own]))
        return f"S* at length {length}{too_short(length, trained)}"

    for kind, p in _by_free_noise(heads, tested).items():
        options: list[Option] = []
        if () in train and not (kind and retain):
            options.append(((((), Fraction(1)),), (Fraction(1),)))
        for b in train:
            if b and kind and b[1] == kind[1] and b[0] <= kind[0]:
                noise = most_noise(heads, kind[0]) if retain else 0
                survives = Fraction(exact_choose(b[0], noise, where), exact_choose(kind[0], noise, where))
                options.append((((b, Fraction(1)),), (survives,)))
        yield Placement(kind, p, options, partial(described, kind))
