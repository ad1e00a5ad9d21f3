"""T3: pattern masses, κ and κ0 by other routes, and the bound itself on every head of small spaces."""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import product
from math import comb, inf, prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from idealized_model import HeadSpace, SparseAttentionHead, loss
from tests import routes, strategies
from tests.cases import ENSEMBLES, HEADS, LAWS, TRANSFERS, named, parity
from tests.strategies import Transfer
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Coverage,
    HardHead,
    HeadClass,
    InvalidArgument,
    Law,
    Mixture,
    Pattern,
    PlantedEnsemble,
    PlantedLaw,
    View,
    coverage,
    kept_sets,
    mixture,
    pattern_masses,
    positions,
    programs,
    retention,
    support,
)
from theory.heads import Anchor, Key
from theory.transfer import enumerated_pattern_masses, overlaps

cases = pytest.mark.parametrize(("heads", "train", "test"), TRANSFERS.values(), ids=TRANSFERS)


def components(law: Law) -> list[tuple[PlantedLaw, Fraction]]:
    parts = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
    return [(part, p) for part, p in parts if isinstance(part, PlantedLaw)]


def listed_masses(heads: HeadClass, law: Law) -> dict[Pattern, Fraction]:
    """The expected number of candidates with each pattern, by its definition."""
    masses: Counter[Pattern] = Counter()
    for part, p in components(law):
        for planted, ids, weight in part.placements():
            for chosen in routes.candidates(heads, ids):
                overlap = tuple(planted.index(i) if i in planted else None for i in chosen)
                pattern = Pattern(overlap, routes.key(heads, [ids[i] for i in chosen]))
                masses[pattern] += p * Fraction(weight, part.placement_denominator)  # type: ignore[assignment]
    return dict(masses)  # type: ignore[arg-type]


def implied_view_labels(
    ensemble: PlantedEnsemble, masses: dict[Pattern, Fraction]
) -> dict[tuple[routes.PlainView, Any], Fraction]:
    """What the masses say about views and labels: given its pattern, a view is planted tokens and noise."""
    implied: defaultdict[Any, Fraction] = defaultdict(Fraction)
    for pattern, mass in masses.items():
        for word, p in ensemble.planted.items():
            for noise in product(range(ensemble.vocabulary), repeat=pattern.n_noise):
                rest = iter(noise)
                tokens = tuple(next(rest) if j is None else word[j] for j in pattern.overlap)
                p_noise = prod((ensemble.background[t] for t in noise), start=Fraction(1))
                if p_noise:
                    implied[(tokens, pattern.key), ensemble.target[word]] += mass * p * p_noise
    return dict(implied)


def check_masses(heads: HeadClass, law: Law) -> None:
    masses = pattern_masses(heads, law)
    assert masses == listed_masses(heads, law)
    assert all(mass > 0 and isinstance(pattern, Pattern) for pattern, mass in masses.items())
    assert implied_view_labels(components(law)[0][0].ensemble, masses) == routes.view_label_law(heads, law)


@pytest.mark.parametrize("heads", [heads for heads in HEADS if heads.window in (None, 1)], ids=str)
def test_masses_are_those_of_the_definition(heads: HeadClass) -> None:
    for name in ("noisy at 4", "noisy, skewed at 4", "noisy at 4, coupled, shift", "mixture of lengths"):
        check_masses(heads, LAWS[name])


@pytest.mark.parametrize("planted", [1, 2, 3])
@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize("anchors", [("none", "none"), ("none", "last"), ("last", "none"), ("last", "last")])
def test_the_closed_form_is_the_listing(anchors: tuple[Anchor, Anchor], arity: int, planted: int) -> None:
    heads = HeadClass(arity, anchor=anchors[0])
    for length in range(planted, 8):
        law = parity(planted, support.uniform(anchors[1])).at(length)
        masses = pattern_masses(heads, law)
        assert masses == enumerated_pattern_masses(heads, law)
        last = anchors[0] == "last"
        assert sum(masses.values()) == comb(length - last, arity - last)


def test_the_closed_form_needs_no_listing() -> None:
    law = parity(3).at(10**4, positions=positions.random_ordered(0, 10**5))
    masses = pattern_masses(HeadClass(3), law)
    assert masses[Pattern((0, 1, 2), ())] == 1
    assert sum(masses.values()) == comb(10**4, 3)
    both = coverage(HeadClass(3), train=parity(3).at(1000), test=law)
    assert both.kappa == Fraction(comb(10**4 - 3, 3), comb(997, 3))
    assert (both.kappa0, both.candidates) == (1, comb(1000, 3))


def test_anchored_laws_need_no_listing_either() -> None:
    heads, train, test = HeadClass(2, anchor="last"), 10**4, 10**6
    planted_last = parity(2, support.uniform("last"))
    found = coverage(heads, train=planted_last.at(train), test=planted_last.at(test))
    assert found.masses == {
        Pattern((None, 1), ()): (train - 2, test - 2),  # with the last position, each that is not planted
        Pattern((0, 1), ()): (1, 1),
    }
    assert (found.kappa, found.kappa0, found.candidates) == (Fraction(test - 2, train - 2), 1, train - 1)
    assert found.planted_is_candidate
    anywhere = coverage(heads, train=parity(2).at(train), test=parity(2).at(test))

    def noise(length: int) -> Fraction:  # the last position is not planted, nor is one of those before it
        return (1 - Fraction(2, length)) * (length - 3)

    assert anywhere.masses[Pattern((None, None), ())] == (noise(train), noise(test))
    assert anywhere.kappa == noise(test) / noise(train)
    assert not anywhere.planted_is_candidate


def test_closed_forms_keep_to_the_budget() -> None:
    for ends in (support.uniform(), support.uniform("last")):
        law = parity(2, ends).at(100)
        assert pattern_masses(HeadClass(2), law, budget=6)  # C(4, 2) overlaps
        with pytest.raises(BudgetExceeded, match=r"^pattern_masses: .* a budget of 5 for an enumeration of 6 items"):
            pattern_masses(HeadClass(2), law, budget=5)
    long = HeadClass(63)  # with two planted positions more than 64 in a pattern, which count as two items
    assert len(pattern_masses(long, parity(2).at(100), budget=2 * comb(65, 2))) == comb(65, 2)
    with pytest.raises(BudgetExceeded, match=rf"^pattern_masses: .* of {2 * comb(65, 2):,} items"):
        pattern_masses(long, parity(2).at(100), budget=2 * comb(65, 2) - 1)


@pytest.mark.parametrize(("arity", "planted"), [(1, 1), (2, 2), (3, 3), (1, 3), (3, 1)])
def test_overlaps_are_the_increasing_partial_maps(arity: int, planted: int) -> None:
    listed = list(overlaps(arity, planted))
    expected = [
        omega
        for omega in product([None, *range(planted)], repeat=arity)
        if (kept := [j for j in omega if j is not None]) == sorted(set(kept))
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(expected)
    assert {Pattern(omega, ()).n_noise for omega in listed} == set(range(arity - min(arity, planted), arity + 1))


# ── Coverage ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_coverage(heads: HeadClass, train: Law, test: Law) -> Coverage:
    """Every field by its definition, and T3 on every hard head of the class."""
    found = coverage(heads, train=train, test=test)
    on_train, on_test = listed_masses(heads, train), listed_masses(heads, test)
    assert found.masses == {
        pattern: (on_train.get(pattern, 0), on_test.get(pattern, 0)) for pattern in on_train | on_test
    }
    missing = set(on_test) - set(on_train)
    if missing:
        assert found.uncovered in missing
        assert found.kappa == inf
    else:
        assert found.uncovered is None
        assert found.kappa == max((on_test[pattern] / on_train[pattern] for pattern in on_test), default=0)
    assert found.candidates == max(len(routes.candidates(heads, e.ids)) for e in train.support())
    arity = components(test)[0][0].ensemble.arity
    assert found.planted_is_candidate == (
        heads.arity == arity
        and all(
            planted in routes.candidates(heads, ids)
            for part, _ in components(test)
            for planted, ids, _ in part.placements()
        )
    )
    assert found.kappa0_lower <= found.kappa0
    assert (found.kappa0 == inf) == (found.kappa0_lower == inf)
    if inf in (found.kappa, found.kappa0):
        assert found.factor == inf
        assert found.bound(0) == found.bound(1, 1) == found.bound("1/2", 0) == inf
    else:
        assert found.factor == max(found.kappa0, found.kappa * found.candidates)
    check_every_head(heads, train, test, found)
    return found


def check_every_head(heads: HeadClass, train: Law, test: Law, found: Coverage) -> None:
    """T3's inequalities in integers, for all heads at once."""
    space = HeadSpace.of(heads, train, test)
    if space.size > 20_000:
        return
    on_train, train_abstains, train_denominator = space.losses(train)
    on_test, test_abstains, test_denominator = space.losses(test)
    seen = set(zip(on_train.tolist(), train_abstains.tolist(), on_test.tolist(), test_abstains.tolist(), strict=True))
    for train_loss, a, test_loss, test_a in seen:
        exact = Fraction(train_loss, train_denominator), Fraction(a, train_denominator)
        if found.kappa0 != inf:
            assert Fraction(test_a, test_denominator) <= found.kappa0 * exact[1]
        if found.factor != inf:
            bound = found.bound(*exact)
            assert bound == found.kappa0 * exact[1] + found.kappa * found.candidates * (exact[0] - exact[1])
            assert Fraction(test_loss, test_denominator) <= bound <= found.bound(exact[0]) == found.factor * exact[0]


@cases
def test_coverage_of_the_cases(heads: HeadClass, train: Law, test: Law) -> None:
    check_coverage(heads, train, test)
    assert HeadSpace.of(heads, train, test).size <= 20_000  # every head was tried


def test_coverage_of_random_laws() -> None:
    """Of every kind, against an empty comparison: finite and infinite κ and κ0 all come up, and κ0 other than 1."""
    met: set[tuple[bool, bool]] = set()
    others: set[Any] = set()

    @given(question=strategies.transfers())
    def meet(question: Transfer) -> None:
        check_masses(question.heads, question.train)
        check_masses(question.heads, question.test)
        found = coverage(question.heads, train=question.train, test=question.test)
        met.add((found.kappa == inf, found.kappa0 == inf))
        others.add(found.kappa0)
        if HeadSpace.of(*question).size <= 20_000:
            check_coverage(*question)

    meet()
    assert met >= {(False, False), (False, True), (True, False), (True, True)}
    assert others - {1, inf}


VALUES: dict[str, tuple[Any, Any, int, bool]] = {
    # κ, κ0, N_T and whether the planted set is a candidate, worked out by hand
    "exchangeable": (3, 1, 6, True),  # two noise tokens: C(3,2) of C(2,2)
    "local, relative": (Fraction(18, 5), 1, 3, True),  # two noise tokens: (3+2+2+2+3)/5 of (1+0+1)/3
    "paired, coupled": (2, 1, 2, True),  # two noise tokens: two other pairs of one
    "anchored": (3, 1, 2, True),  # one noise token: C(3,1) of C(1,1)
    "smaller arity": (2, 1, 3, False),  # one noise token: two of one
}


@pytest.mark.parametrize("name", VALUES)
def test_coverage_by_hand(name: str) -> None:
    heads, train, test = TRANSFERS[name]
    found = coverage(heads, train=train, test=test)
    assert (found.kappa, found.kappa0, found.candidates, found.planted_is_candidate) == VALUES[name]
    assert found.kappa0_lower == found.kappa0


# ── κ0 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def lengths(**weights: Any) -> Law:
    """Parity of two at a mixture of lengths, for instance l4="1/3", l5="2/3"."""
    return mixture([(parity(2).at(int(name[1:])), p) for name, p in weights.items()])


def at_fixed(sets: dict[Any, Any], length: int) -> Law:
    return parity(2, support.fixed(sets)).at(length)


KAPPA0 = {
    # (head class, train, test, κ0 by hand)
    "one length to a longer one": (HeadClass(2), lengths(l4=1), lengths(l9=1), 1),
    "one length to itself": (HeadClass(2), lengths(l4=1), lengths(l4=1), 1),
    "only the rarer length is short enough": (HeadClass(2), lengths(l4="1/3", l5="2/3"), lengths(l4=1), 3),
    "the longer one is kept at 5": (
        HeadClass(2), lengths(l4="1/3", l5="2/3"), lengths(l4="1/2", l6="1/2"), Fraction(3, 2),
    ),
    "both are shared out": (HeadClass(2), lengths(l4="1/3", l5="2/3"), lengths(l7=1), 1),
    "no length is short enough": (HeadClass(2), lengths(l4=1), lengths(l3=1), inf),
    "half of the sets": (HeadClass(2), at_fixed({(0, 1): "1/2", (1, 2): "1/2"}, 3), at_fixed({(0, 1): 1}, 3), 2),
    "unequal sets": (
        HeadClass(2), at_fixed({(0, 1): "1/4", (1, 2): "3/4"}, 3), at_fixed({(0, 1): "1/2", (1, 2): "1/2"}, 3), 2,
    ),
    "a set that training lacks": (HeadClass(2), at_fixed({(0, 1): 1}, 4), at_fixed({(1, 3): 1}, 4), inf),
    "by leaving out two positions": (HeadClass(2), at_fixed({(0, 1): 1}, 3), at_fixed({(1, 3): 1}, 5), 1),
    "with a window, for IDs stay": (HeadClass(2, 1), at_fixed({(0, 1): 1}, 3), at_fixed({(1, 3): 1}, 5), inf),
    "anchored, the last position is kept": (
        HeadClass(1, anchor="last"), at_fixed({(0, 1): 1}, 3), at_fixed({(0, 1): 1}, 5), 1,
    ),
    "anchored, planted last": (HeadClass(1, anchor="last"), at_fixed({(0, 1): 1}, 2), at_fixed({(0, 1): 1}, 3), inf),
    "absolute IDs in training": (
        HeadClass(1, key="absolute"),
        parity(2).at(2, positions=positions.random_shift(0, 3)),
        parity(2, support.local(1)).at(3),
        2,  # two of the four shifts serve
    ),
    "order, every ID assignment alike": (
        HeadClass(2, key="order"),
        parity(2).at(3, positions=positions.random_ordered(0, 4)),
        parity(2).at(4),
        1,
    ),
    "relative, a shift is nothing": (
        HeadClass(2, key="relative"),
        parity(2).at(3, positions=positions.random_shift(5, 9)),
        parity(2).at(3),
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("heads", "train", "test", "kappa0"), KAPPA0.values(), ids=KAPPA0)
def test_kappa0_by_hand(heads: HeadClass, train: Law, test: Law, kappa0: Any) -> None:
    found = check_coverage(heads, train, test)
    assert found.kappa0 == found.kappa0_lower == kappa0
    assert type(found.kappa0) is (float if kappa0 == inf else Fraction)


@pytest.mark.parametrize(("train", "test"), [(3, 3), (3, 5), (4, 6)])
@pytest.mark.parametrize("arity", [1, 2])
def test_the_linear_program_finds_the_closed_form(arity: int, train: int, test: int) -> None:
    """T3a: the uniform law written as another class takes the generic route, and gets the same numbers."""
    generic = PlantedEnsemble(
        ENSEMBLES["one"].vocabulary,
        ENSEMBLES["one"].background,
        ENSEMBLES["one"].planted,
        ENSEMBLES["one"].target,
        lambda length: support.local(length - 1),
    )
    closed = ENSEMBLES["one"]
    if arity == 2:
        generic, closed = ENSEMBLES["parity, every set by width"], ENSEMBLES["parity"]
    by_program = coverage(HeadClass(arity), train=generic.at(train), test=generic.at(test))
    by_formula = coverage(HeadClass(arity), train=closed.at(train), test=closed.at(test))
    assert by_program == by_formula
    assert by_program.kappa0 == by_program.kappa0_lower == 1


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_one_training_length_has_a_formula(arity: int) -> None:
    for train in (2 * arity, 2 * arity + 1):
        for test in (train, train + 1, train + 5):
            found = coverage(HeadClass(arity), train=parity(arity).at(train), test=parity(arity).at(test))
            assert found.kappa == Fraction(comb(test - arity, arity), comb(train - arity, arity))
            assert (found.kappa0, found.kappa0_lower, found.candidates) == (1, 1, comb(train, arity))
            assert found.factor == found.kappa * comb(train, arity)
    short = coverage(HeadClass(arity), train=parity(arity).at(2 * arity - 1), test=parity(arity).at(2 * arity))
    assert short.kappa == inf
    assert short.uncovered == Pattern((None,) * arity, ())


class Solved:
    """What a solver returns."""

    def __init__(self, x: Any, marginals: Any) -> None:
        self.x = x
        self.ineqlin = type("", (), {"marginals": marginals})()


@pytest.mark.parametrize("solver", ["fails", "says that nothing is kept", "is random", "gives negative numbers"])
@pytest.mark.parametrize("exactly", [True, False])
def test_nothing_that_the_solver_says_is_trusted(solver: str, exactly: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def linprog(cost: Any, *, A_ub: Any, b_ub: Any, method: str) -> Solved:
        assert A_ub.shape == (len(b_ub), len(cost))
        if solver == "fails":
            return Solved(None, None)
        if solver == "says that nothing is kept":
            return Solved(np.zeros(len(cost)), -np.ones(len(b_ub)))
        if solver == "is random":
            return Solved(rng.random(len(cost)), -rng.random(len(b_ub)))
        return Solved(-np.ones(len(cost)), np.ones(len(b_ub)))

    few = ("exchangeable, mixture", "local, relative", "paired, coupled", "absolute, shifted", "smaller arity")
    questions = {name: TRANSFERS[name] for name in few}
    right = {name: coverage(heads, train=train, test=test) for name, (heads, train, test) in questions.items()}
    monkeypatch.setattr("scipy.optimize.linprog", linprog)
    if not exactly:
        monkeypatch.setattr(programs, "EXACT_CELLS", 0)
    for name, (heads, train, test) in questions.items():
        found = check_coverage(heads, train, test)  # the inequality holds for every head all the same
        assert 1 <= found.kappa0_lower <= right[name].kappa0 <= found.kappa0
        assert not exactly or found.kappa0 == right[name].kappa0  # a small program is then solved without it


# ── The bound ────────────────────────────────────────────────────────────────────────────────────────────────────────


def made(kappa: Any, kappa0: Any, candidates: int = 3) -> Coverage:
    return Coverage(kappa, kappa0, kappa0, candidates, None, {}, True, "all kept sets")


def test_the_bound_is_the_formula() -> None:
    found = made(Fraction(5, 2), Fraction(4))
    assert found.factor == Fraction(15, 2)
    assert found.bound(Fraction(1, 2), Fraction(1, 3)) == 4 * Fraction(1, 3) + Fraction(15, 2) * Fraction(1, 6)
    assert found.bound("1/2", "1/3") == found.bound(Fraction(1, 2), Fraction(1, 3))
    assert found.bound(1, 1) == 4
    assert found.bound(1, 0) == Fraction(15, 2)
    assert found.bound(0) == found.bound(0, 0) == 0


def test_without_its_abstaining_part_the_bound_is_the_factor() -> None:
    assert made(Fraction(5, 2), Fraction(4)).bound("1/2") == Fraction(15, 4)
    many_abstain = made(Fraction(1), Fraction(9))
    assert many_abstain.factor == 9
    assert many_abstain.bound("1/2") == Fraction(9, 2) > many_abstain.bound("1/2", 0) == Fraction(3, 2)


@pytest.mark.parametrize(
    ("kappa", "kappa0", "candidates"), [(inf, 1, 3), (2, inf, 3), (inf, inf, 3), (inf, 1, 0), (0, inf, 0)]
)
def test_an_infinite_ratio_bounds_nothing_not_even_at_loss_zero(kappa: Any, kappa0: Any, candidates: int) -> None:
    found = made(kappa, kappa0, candidates)
    assert found.factor == inf
    assert found.bound(0) == found.bound(0, 0) == found.bound(1, 1) == found.bound(1, 0) == inf


@pytest.mark.parametrize(
    ("heads", "test", "always"),
    [
        (HeadClass(2, 2), parity(2).at(3), True),
        (HeadClass(2, 1), parity(2).at(3), False),  # in 2 of 3 placements
        (HeadClass(2, 0), parity(2).at(3), False),  # never
        (HeadClass(2, anchor="last"), parity(2, support.uniform("last")).at(3), True),
        (HeadClass(2, anchor="last"), parity(2).at(3), False),
        (HeadClass(2, 1), mixture([(parity(2).at(2), "1/2"), (parity(2).at(3), "1/2")]), False),
        (HeadClass(2, 2, "absolute"), mixture([(parity(2).at(2), "1/2"), (parity(2).at(3), "1/2")]), True),
        (HeadClass(1), parity(2).at(3), False),
        (HeadClass(3), parity(2).at(3), False),
    ],
    ids=named,
)
def test_the_planted_set_is_always_a_candidate_or_not(heads: HeadClass, test: Law, always: bool) -> None:
    assert coverage(heads, train=parity(2).at(4), test=test).planted_is_candidate == always


@pytest.mark.parametrize(("arity", "length", "size"), [(65, 66, 65 * 66 * 2), (9, 4, 3)], ids=["long keys", "no pairs"])
def test_what_masses_list_is_within_the_budget(arity: int, length: int, size: int) -> None:
    law = parity(2, support.local(1)).at(length)
    pattern_masses(HeadClass(arity), law, budget=size)
    with pytest.raises(BudgetExceeded, match=r"^pattern_masses: argument budget"):
        pattern_masses(HeadClass(arity), law, budget=size - 1)


def test_a_perfect_head_may_fail_where_kappa0_is_infinite() -> None:
    """The witness: it selects the two marked tokens, which training shows within the window and the test does not."""
    heads = HeadClass(2, 2)
    train, test = parity(2, support.fixed({(2, 4): 1})).at(6), parity(2, support.fixed({(1, 5): 1})).at(8)
    found = coverage(heads, train=train, test=test)
    assert found.kappa < inf == found.kappa0
    assert not found.planted_is_candidate
    marked = {view: sum(view.tokens) % 2 for e in train.support() for view in heads.views(e) if 0 not in view.tokens}
    head = HardHead(heads, marked)
    assert (loss(head, train), loss(head, test)) == (Fraction(0), Fraction(1))
    assert found.bound(0, 0) == inf


@pytest.mark.parametrize(
    ("loss_", "abstains", "message"),
    [
        (
            "1/2",
            "2/3",
            r"argument abstention: got 2/3 with train_loss 1/2; expected 0 <= abstention <= train_loss <= 1\. Pass",
        ),
        (2, 0, r"argument abstention: got 0 with train_loss 2"),
        ("1/2", -1, r"argument abstention: got -1 with train_loss 1/2"),
        (-1, None, r"argument abstention: got 0 with train_loss -1"),
        (0.5, None, r"argument train_loss: got the float 0\.5; expected an exact rational .* '1/2'"),
        ("1/2", 0.25, r"argument abstention: got the float 0\.25; .* '1/4'"),
        (None, None, r"argument train_loss: got the NoneType None"),
        (float("nan"), None, r"argument train_loss: got the float nan"),
        (True, None, r"argument train_loss: got the bool True"),
        (1, "none", r"argument abstention: got the str 'none'"),
    ],
    ids=named,
)
def test_the_bound_is_of_exact_losses(loss_: Any, abstains: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^Coverage\.bound: {message}"):
        made(1, 1).bound(loss_, abstains)


@cases
def test_normalised_soft_heads_obey_the_bound_without_abstention(heads: HeadClass, train: Law, test: Law) -> None:
    found = coverage(heads, train=train, test=test)
    if not found.planted_is_candidate or found.factor == inf:
        return
    rng = np.random.default_rng(0)
    scores = [Fraction(0), Fraction(1, 7), Fraction(1, 2), Fraction(1)]
    planted_views = {
        heads.view(e.tokens, e.ids, planted)
        for law in (train, test)
        for part, _ in components(law)
        for e in part.support()
        for planted, _ in part.support_law.sets(part.length, part.ensemble.arity)
        if tuple(e.tokens[i] for i in planted) in part.ensemble.planted
    }
    views = sorted({view for law in (train, test) for e in law.support() for view in heads.views(e)})
    for _ in range(5):
        score = {v: Fraction(1) if v in planted_views else scores[rng.integers(0, 4)] for v in views}
        share = {v: Fraction(int(rng.integers(0, 4)), 3) for v in views}
        value: dict[View, Any] = {v: {0: share[v], 1: 1 - share[v]} for v in views}
        head = SparseAttentionHead(heads, score=score, value=value)
        assert head.is_normalised(train)
        assert head.is_normalised(test)
        assert loss(head, test) <= found.bound(loss(head, train), 0)


def test_coverage_is_a_frozen_value() -> None:
    heads, train, test = TRANSFERS["local, relative"]
    found = coverage(heads, train=train, test=test)
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.kappa = Fraction(1)  # type: ignore[misc]


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def changed(**changes: Any) -> Law:
    ensemble = ENSEMBLES["parity"]
    arguments: dict[str, Any] = {
        "vocabulary": 3,
        "background": ensemble.background,
        "planted": ensemble.planted,
        "target": ensemble.target,
        "support": ensemble.support,
    }
    return PlantedEnsemble(**{**arguments, **changes}).at(4)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("background", changed(background=["1/2", "1/2", 0])),
        ("background", changed(vocabulary=4, background=[1, 0, 0, 0])),
        ("planted", changed(planted={(1, 1): "1/2", (1, 2): "1/4", (2, 1): "1/8", (2, 2): "1/8"})),
        ("target", changed(target={(1, 1): 1, (1, 2): 0, (2, 1): 0, (2, 2): 1})),
    ],
)
def test_training_and_test_are_of_one_planting(name: str, other: Law) -> None:
    message = (
        rf"^coverage: argument test: got laws that differ in their {name}; expected training and test laws with the"
    )
    law = ENSEMBLES["parity"].at(4)
    for train, test in ((law, other), (other, law), (law, mixture([(law, "1/2"), (other, "1/2")]))):
        with pytest.raises(AssumptionViolated, match=message):
            coverage(HeadClass(2), train=train, test=test)
    assert coverage(HeadClass(2), train=law, test=changed(support=support.local(1), labels=[1, 0, 2])).kappa0 == 2


@pytest.mark.parametrize(
    "law", [LAWS["finite"], LAWS["mixture of kinds"], None, [], "law", ENSEMBLES["parity"]], ids=named
)
def test_laws_are_planted(law: Any) -> None:
    good = ENSEMBLES["parity"].at(4)
    with pytest.raises(
        AssumptionViolated, match=r"^coverage: argument train: got a law of type \w+; expected a planted law or"
    ):
        coverage(HeadClass(2), train=law, test=good)
    with pytest.raises(AssumptionViolated, match=r"^coverage: argument test: got a law of type"):
        coverage(HeadClass(2), train=good, test=law)
    with pytest.raises(
        AssumptionViolated, match=r"^pattern_masses: argument law: got a law of type .* T1 \(decide\) serves"
    ):
        pattern_masses(HeadClass(2), law)


@pytest.mark.parametrize("heads", [None, 2, HeadClass], ids=named)
def test_heads_are_a_head_class(heads: Any) -> None:
    law = ENSEMBLES["parity"].at(4)
    with pytest.raises(InvalidArgument, match=r"^coverage: argument heads: got the .*; expected a HeadClass"):
        coverage(heads, train=law, test=law)
    with pytest.raises(InvalidArgument, match=r"^pattern_masses: argument heads: got the .*; expected a HeadClass"):
        pattern_masses(heads, law)


def test_what_is_stated_of_one_arity_refuses_several() -> None:
    law, heads = ENSEMBLES["parity"].at(4), HeadClass(2, at_most=True)
    said = r": argument heads: got arity at most 2; expected candidate sets of exactly k positions\. Use at_most=False"
    for question in (coverage, retention):
        with pytest.raises(InvalidArgument, match=f"^{question.__name__}{said}"):
            question(heads, train=law, test=law)
    with pytest.raises(InvalidArgument, match=f"^pattern_masses{said}"):
        pattern_masses(heads, law)


def test_an_enumeration_above_the_budget_is_refused() -> None:
    heads, law = HeadClass(2, 1), parity(2, support.local(1)).at(6, positions=positions.random_shift(0, 1))
    # 2 shifts, 5 candidates each, 5 support sets.
    assert pattern_masses(heads, law, budget=50) == listed_masses(heads, law)
    with pytest.raises(BudgetExceeded, match=r"^pattern_masses: .* a budget of 49 for an enumeration of 50 items"):
        pattern_masses(heads, law, budget=49)
    for budget in (None, 5.0, "9"):
        with pytest.raises(InvalidArgument, match=r"argument budget: got .*; expected an integer"):
            coverage(heads, train=law, test=law, budget=budget)  # type: ignore[arg-type]


def test_the_kernel_keeps_to_the_budget() -> None:
    heads = HeadClass(2, 1, "relative")
    train, test = parity(2, support.local(1)).at(4), parity(2, support.local(1)).at(6)
    # 5 support sets, each with 3 runs of 4 positions that land somewhere and serve one demand.
    size = kept_sets.WORK * 5 * 3 * 2
    assert coverage(heads, train=train, test=test, budget=size).kappa0 == 1
    with pytest.raises(
        BudgetExceeded, match=rf"\(kernel.*\): .* budget of {size - 1} for an enumeration of {size} items"
    ):
        coverage(heads, train=train, test=test, budget=size - 1)


def test_what_cannot_be_listed_is_refused_at_once() -> None:
    huge = parity(2, support.local(3)).at(30, positions=positions.random_ordered(0, 10**4))
    small = parity(2).at(4)
    for heads in (
        HeadClass(2, 0),
        HeadClass(2, 3, "order"),
        HeadClass(2, key="relative"),
        HeadClass(1, key="absolute"),
    ):
        for train, test in ((huge, small), (small, huge)):
            with pytest.raises(BudgetExceeded, match=r"for an enumeration of about 10\^\d{2,} items"):
                coverage(heads, train=train, test=test)
    # Exchangeable laws need no listing, beside one that does they do.
    many = mixture([(parity(3).at(900), "1/2"), (parity(3, support.local(3)).at(9), "1/2")])
    with pytest.raises(BudgetExceeded, match=r"\(kernel"):
        coverage(HeadClass(3), train=many, test=parity(3).at(20))


@pytest.mark.parametrize("key", ["none", "order"])
def test_ids_that_are_not_seen_are_not_listed(key: Key) -> None:
    huge = parity(2, support.local(3)).at(30, positions=positions.random_ordered(0, 10**4))
    plain = parity(2, support.local(3)).at(30)
    heads = HeadClass(2, key=key)
    found = coverage(heads, train=parity(2).at(4), test=huge)
    assert found == coverage(heads, train=parity(2).at(4), test=plain)
    assert pattern_masses(heads, huge) == pattern_masses(heads, plain) == listed_masses(heads, plain)
