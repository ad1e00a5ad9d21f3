"""T11: the retention factor by hand, by a formula and on every head; the certificates of the linear programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import chain, combinations, product
from math import ceil, comb, inf, prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from scipy.optimize import linprog

from idealized_model import HeadSpace, SparseAttentionHead, loss
from tests import routes, strategies
from tests.cases import ANCHORS, ENSEMBLES, HEADS, KEYS, LAWS, TRANSFERS, named, parity
from tests.strategies import Transfer
from theory import (
    AssumptionViolated,
    BudgetExceeded,
    Example,
    Factor,
    HeadClass,
    InvalidArgument,
    Law,
    Mixture,
    Pattern,
    PlantedEnsemble,
    PlantedLaw,
    coverage,
    kept_sets,
    mixture,
    positions,
    programs,
    retention,
    support,
)
from theory.exact import rounded
from theory.heads import Anchor, Key
from theory.kept_sets import TooMuch, Work
from theory.planted import planted_components
from theory.support import SupportLaw
from theory.transfer import overlaps

cases = pytest.mark.parametrize(("heads", "train", "test"), TRANSFERS.values(), ids=TRANSFERS)


def check_retention(heads: HeadClass, train: Law, test: Law) -> Factor:
    """The factor holds for every hard head and for some soft ones, and is no less than what κ0 must be."""
    found = retention(heads, train=train, test=test)
    assert found.lower <= found.value
    assert found.optimal == (found.lower == found.value)
    assert (found.value == inf) == (found.lower == inf)
    # Whoever keeps every candidate keeps a sub-example: the retaining kernels are some of the abstaining ones.
    assert found.value >= coverage(heads, train=train, test=test).kappa0_lower
    if found.value != inf:
        check_hard_heads(heads, train, test, found.value)
        check_soft_heads(heads, train, test, found.value)
    return found


def check_hard_heads(heads: HeadClass, train: Law, test: Law, factor: Any) -> None:
    space = HeadSpace.of(heads, train, test)
    if space.size <= 20_000:
        on_train, _, train_denominator = space.losses(train)
        on_test, _, test_denominator = space.losses(test)
        for a, b in set(zip(on_train.tolist(), on_test.tolist(), strict=True)):
            assert Fraction(b, test_denominator) <= factor * Fraction(a, train_denominator)


def check_soft_heads(heads: HeadClass, train: Law, test: Law, factor: Any) -> None:
    rng = np.random.default_rng(0)
    views = sorted({view for law in (train, test) for e in law.support() for view in heads.views(e)})
    labels = train.labels
    for _ in range(3):
        score = {view: Fraction(int(rng.integers(0, 4)) ** 3, 5) for view in views}  # also above 1, also 0
        share = {view: Fraction(int(rng.integers(0, 4)), 3) for view in views}
        value = {view: {labels[0]: share[view], labels[-1]: 1 - share[view]} for view in views}
        if len(labels) == 1:
            value = {view: {labels[0]: Fraction(1)} for view in views}
        head = SparseAttentionHead(heads, score=score, value=value)
        assert loss(head, test) <= factor * loss(head, train)


@cases
def test_retention_of_the_cases(heads: HeadClass, train: Law, test: Law) -> None:
    check_retention(heads, train, test)


def test_retention_of_random_laws() -> None:
    """Of every kind, against an empty comparison: factors are infinite, 1, and others."""
    met: set[Any] = set()

    @given(question=strategies.transfers())
    def meet(question: Transfer) -> None:
        assume(HeadSpace.of(*question).size <= 20_000)
        met.add(check_retention(*question).value)

    meet()
    assert {1, inf} < met


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_one_training_length_has_a_formula(arity: int) -> None:
    for train in (2 * arity, 2 * arity + 1):
        for test in (train, train + 1, train + 4):
            found = retention(HeadClass(arity), train=parity(arity).at(train), test=parity(arity).at(test))
            assert found == Factor(*[Fraction(comb(test - arity, arity), comb(train - arity, arity))] * 2)
    short = retention(HeadClass(arity), train=parity(arity).at(2 * arity - 1), test=parity(arity).at(2 * arity))
    assert short == Factor(inf, inf)


def test_a_short_test_length_asks_for_less_noise() -> None:
    # At length 3 a pair has at most one noise coordinate: C(1,1) of C(1,1) from length 3, all from length 3 itself.
    assert retention(HeadClass(2), train=parity(2).at(3), test=parity(2).at(3)) == Factor(Fraction(1), Fraction(1))
    assert retention(HeadClass(2), train=parity(2).at(2), test=parity(2).at(3)).value == inf
    assert retention(HeadClass(2), train=parity(2).at(4), test=parity(2).at(3)).value == inf


@pytest.mark.parametrize(("train", "test"), [(2, 3), (3, 4), (4, 4), (4, 5)])
@pytest.mark.parametrize("name", ["one", "parity"])
def test_the_linear_program_finds_the_closed_form(name: str, train: int, test: int) -> None:
    """The uniform law written as another class takes the generic route, and gets the same number."""
    closed = ENSEMBLES[name]
    generic = PlantedEnsemble(
        closed.vocabulary, closed.background, closed.planted, closed.target, lambda length: support.local(length - 1)
    )
    heads = HeadClass(closed.arity)
    by_program = retention(heads, train=generic.at(train), test=generic.at(test))
    assert by_program == retention(heads, train=closed.at(train), test=closed.at(test))
    assert by_program.optimal


def test_a_mixture_by_hand() -> None:
    """From lengths 2 and 4 to 5, one marked token: the pairs that survive are 1/4 and 3/4 of all."""
    one = ENSEMBLES["one"]
    train = mixture([(one.at(2), "1/2"), (one.at(4), "1/2")])
    # Weights x on length 2 and y on length 4 need x/4 + 3y/4 >= 1 and cost max(2x, 2y): x = y = 1.
    assert retention(HeadClass(1), train=train, test=one.at(5)) == Factor(Fraction(2), Fraction(2))
    check_retention(HeadClass(1), train, one.at(4))


def test_a_local_law_by_hand() -> None:
    heads, train, test = TRANSFERS["local, relative"]
    # From 4 to 6 positions, S* = (0, 1) at test: only the run 0..3 keeps S* and is in training: (4, 5) is lost.
    assert retention(heads, train=train, test=test) == Factor(inf, inf)
    # From a window that always holds everything, nothing is lost.
    assert retention(heads, train=train, test=train) == Factor(Fraction(1), Fraction(1))


def test_no_candidates_at_test_ask_for_a_sub_example_alone() -> None:
    """Then every head abstains, at test and on each sub-example."""
    train, test = parity(2).at(2), parity(2).at(2)
    assert retention(HeadClass(2, 0), train=train, test=test) == Factor(Fraction(1), Fraction(1))
    assert retention(HeadClass(3, key="order"), train=train, test=test) == Factor(Fraction(1), Fraction(1))


class Solved:
    """What a solver returns."""

    def __init__(self, x: Any, marginals: Any) -> None:
        self.x = x
        self.ineqlin = type("", (), {"marginals": marginals})()


@pytest.mark.parametrize("solver", ["fails", "zeros", "random", "negative", "huge"])
def test_nothing_that_the_solver_says_is_trusted(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def linprog(cost: Any, *, A_ub: Any, b_ub: Any, method: str) -> Solved:
        n, m = len(cost), len(b_ub)
        return {
            "fails": lambda: Solved(None, None),
            "zeros": lambda: Solved(np.zeros(n), np.zeros(m)),
            "random": lambda: Solved(rng.random(n), -rng.random(m)),
            "negative": lambda: Solved(-np.ones(n), np.ones(m)),
            "huge": lambda: Solved(np.full(n, 1e12), np.full(m, -1e12)),
        }[solver]()

    names = ("exchangeable, mixture", "paired, coupled", "smaller arity")
    right = {name: retention(TRANSFERS[name][0], train=TRANSFERS[name][1], test=TRANSFERS[name][2]) for name in names}
    assert all(factor.optimal for factor in right.values())
    monkeypatch.setattr("scipy.optimize.linprog", linprog)
    for name in names:
        found = check_retention(*TRANSFERS[name])
        assert found.lower <= right[name].value <= found.value


# ── Two other routes ─────────────────────────────────────────────────────────────────────────────────────────────────

Placement = tuple[tuple[int | None, ...], tuple[int, ...]]
"""What each position holds, None or a coordinate of the planted word, and its ID."""


def placements(law: Law) -> dict[Placement, Fraction]:
    """Every placement of a law."""
    found: Counter[Placement] = Counter()
    for part, p in law.components if isinstance(law, Mixture) else ((law, Fraction(1)),):
        assert isinstance(part, PlantedLaw)
        for planted, ids, weight in part.placements():
            coordinates = tuple(planted.index(i) if i in planted else None for i in range(part.length))
            found[coordinates, ids] += p * Fraction(weight, part.placement_denominator)  # type: ignore[assignment]
    return dict(found)  # type: ignore[arg-type]


def literal(heads: HeadClass, placement: Placement) -> Any:
    """The placement, and the candidate sets with their keys: equal only where nothing at all differs but the IDs."""
    coordinates, ids = placement
    sets = [(chosen, routes.key(heads, [ids[i] for i in chosen])) for chosen in routes.candidates(heads, ids)]
    return coordinates, tuple(sorted(sets))


def semantic(ensemble: PlantedEnsemble, heads: HeadClass, placement: Placement) -> Any:
    """The law of all views together with the label: equal wherever no head of the class can have another loss."""
    coordinates, ids = placement
    found: Counter[Any] = Counter()
    noise = [(token, p) for token, p in enumerate(ensemble.background) if p]
    for word, p_word in ensemble.planted.items():
        for filling in product(noise, repeat=coordinates.count(None)):
            rest = iter(token for token, _ in filling)
            tokens = tuple(next(rest) if j is None else word[j] for j in coordinates)
            seen = Counter(routes.views(heads, Example(tokens, ids, ensemble.target[word]))) if tokens else Counter()
            found[frozenset(seen.items()), ensemble.target[word]] += p_word * prod(p for _, p in filling)  # type: ignore[assignment]
    return frozenset(found.items())


def plain_factor(heads: HeadClass, train: Law, test: Law, same: Callable[[Placement], Any], *, retain: bool) -> float:
    """The least t in floats: a variable for every test placement and every set of its positions, without any structure."""
    trained: Counter[Any] = Counter()
    for placement, p in placements(train).items():
        trained[same(placement)] += p  # type: ignore[assignment]
    rows: dict[Any, dict[int, float]] = {b: {} for b in trained}
    demands: list[dict[int, float]] = []
    n = 0
    for (coordinates, ids), p in placements(test).items():
        wanted = [set(chosen) for chosen in routes.candidates(heads, ids)] if retain else []
        own: list[dict[int, float]] = [{} for _ in wanted or [set()]]
        for size in range(len(ids) + 1):
            for kept in combinations(range(len(ids)), size):
                if heads.anchor == "last" and kept[-1:] != (len(ids) - 1,):
                    continue
                b = same((tuple(coordinates[i] for i in kept), tuple(ids[i] for i in kept)))
                if b in trained:
                    rows[b][n] = float(p / trained[b])
                    for demand, chosen in zip(own, wanted or [set()], strict=True):
                        if chosen <= set(kept):
                            demand[n] = -1.0
                    n += 1
        demands += own
    if not all(demands):
        return inf
    matrix = np.zeros((len(rows) + len(demands), n + 1))
    for i, entries in enumerate([*rows.values(), *demands]):
        matrix[i, list(entries)] = list(entries.values())
    matrix[: len(rows), n] = -1
    right = np.r_[np.zeros(len(rows)), -np.ones(len(demands))]
    return float(linprog(np.r_[np.zeros(n), 1.0], A_ub=matrix, b_ub=right).fun)


def check_routes(heads: HeadClass, train: Law, test: Law) -> tuple[Factor, Factor]:
    """κ0 and t lie between the least that any structure could allow and the least without any."""
    ensemble = next(part.ensemble for part, _ in planted_components(train, "test", "train"))
    found = coverage_factor(heads, train, test), retention(heads, train=train, test=test)
    for retain, factor in zip((False, True), found, strict=True):
        least = plain_factor(heads, train, test, partial(semantic, ensemble, heads), retain=retain)
        most = plain_factor(heads, train, test, partial(literal, heads), retain=retain)
        assert least <= factor.value * (1 + 1e-7)
        assert factor.value <= most * (1 + 1e-7)
        assert factor.lower <= most * (1 + 1e-7)
        assert factor.optimal
        assert (factor.missing == "") == (factor.value < inf)
    return found


@cases
def test_the_cases_by_two_plain_programs(heads: HeadClass, train: Law, test: Law) -> None:
    check_routes(heads, train, test)


@settings(max_examples=25)
@given(question=strategies.transfers())
def test_random_laws_by_two_plain_programs(question: Transfer) -> None:
    check_routes(*question)


ASSIGNMENTS = [
    (0, 1, 2, 3), (1, 2, 3, 4), (0, 1, 3, 4), (0, 2, 3, 5), (0, 1, 4, 5), (0, 1, 0, 1), (1, 0, 1, 0), (0, 0, 1, 1),
    (0, 3, 6, 9), (0, 5, 1, 6), (2, 2, 2, 2), (3, 1, 0, 2),
]  # fmt: skip


@pytest.mark.parametrize(
    "heads", [pytest.param(h, marks=[pytest.mark.slow] * (h.window in (0, 2))) for h in HEADS], ids=str
)
def test_what_makes_one_atom_is_seen_alike(heads: HeadClass) -> None:
    """Placements of one atom have one law of views and label, under a background and words that tell nothing apart."""
    ensemble = PlantedEnsemble(
        3,
        ["1/7", "2/7", "4/7"],
        {(0, 1): "1/3", (1, 1): "1/4", (2, 0): "5/12"},
        {(0, 1): 0, (1, 1): 1, (2, 0): 2},
        support.uniform(),
    )
    laws: dict[Any, set[Any]] = {}
    for length in (2, 3, 4):
        for planted in combinations(range(length), 2):
            for ids in ASSIGNMENTS:
                coordinates = tuple(planted.index(i) if i in planted else None for i in range(length))
                marks = [kept_sets.NOISE if j is None else j for j in coordinates]
                if heads.anchor == "last" and marks[-1] == kept_sets.NOISE:
                    marks[-1] = kept_sets.LAST
                atom = kept_sets.atom_of(heads, marks, ids[:length])
                laws.setdefault(atom, set()).add(semantic(ensemble, heads, (coordinates, ids[:length])))
    assert all(len(own) == 1 for own in laws.values())
    assert len(laws) < 10 * len(ASSIGNMENTS)  # some are one


@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize("window", [None, 0, 1, 2])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("anchor", ANCHORS)
def test_parts_are_the_sets_of_places_that_fall_into_the_kinds(
    anchor: Anchor, key: Key, window: int | None, arity: int
) -> None:
    heads, rng = HeadClass(arity, window, key, anchor), np.random.default_rng(0)
    alike, near = (
        [0, 0, 0, kept_sets.NOISE, 0, 0, kept_sets.NOISE, 0, 0],
        (0, 0, *range(1, 8)),
    )  # pairs, and gaps between
    for drawn, marks in (
        (np.array(near if window == 1 and arity == 2 else near[:6]), alike),
        (rng.permutation(5), rng.integers(-1, 1, 5).tolist()),
        (rng.integers(0, 7, 5), rng.integers(-1, 1, 5).tolist()),
    ):
        known: dict[kept_sets.Cluster, tuple[int, ...]] = {}
        ids = tuple(drawn.tolist()) if heads.sees_ids else (0,) * len(drawn)
        for cluster, _ in kept_sets.atom_of(heads, marks[: len(ids)], ids, known):
            own, places = known[cluster], range(len(cluster))  # the last first
            falls: dict[frozenset[int], Counter[kept_sets.Cluster]] = {}
            for kept in (kept for n in places for kept in combinations(places[::-1], n + 1)):
                if anchor == "none" or 0 in kept:
                    atom = kept_sets.atom_of(heads, [cluster[i][1] for i in kept], tuple(own[i] for i in kept))
                    if sum(number * len(kind) for kind, number in atom) == len(kept):
                        falls[frozenset(kept)] = Counter(dict(atom))
            every = sorted({*chain(*falls.values())})
            half = [kind for kind in every if rng.random() < 0.5]
            for kinds in (every, half, *([kind] for kind in every)):
                found = kept_sets._parts(heads, cluster, own, kinds, Work(10**6))
                assert {kept: Counter(made) for made, kept in found} == {
                    kept: made for kept, made in falls.items() if {*made} <= {*kinds}
                }
                assert len({kept for _, kept in found}) == len(found)


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(3,), (4, 3), (3, 3, 5), (0, 1, 2, 0), (1, 0), (0, 0)])
def test_noise_spreads_over_the_gaps_in_every_way(sizes: tuple[int, ...], arity: int, anchor: Anchor) -> None:
    work = Work(1000)
    found = [*kept_sets._wanted(HeadClass(arity, anchor=anchor), sizes, work)]
    noise = min(arity - (anchor == "last"), sum(sizes))
    assert found == [wanted for wanted in product(*(range(size + 1) for size in sizes)) if sum(wanted) == noise]
    if min(sizes) >= noise:  # what is counted before is what is listed
        assert 1000 - work.left == len(found)


@pytest.mark.parametrize("n_parts", range(4))
@pytest.mark.parametrize("number", range(1, 5))
def test_as_many_clusters_are_cut_as_there_are(n_parts: int, number: int) -> None:
    cut = [counts for counts in product(range(number + 1), repeat=n_parts) if sum(counts) <= number]
    assert sorted(kept_sets._counts(n_parts, number)) == cut


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(None, marks=pytest.mark.slow),
        pytest.param(0, marks=pytest.mark.slow),
        1,
        pytest.param(2, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("anchor", ANCHORS)
def test_windows_keys_and_anchors_by_two_plain_programs(window: int | None, key: Key, anchor: Anchor) -> None:
    heads = HeadClass(2, window, key, anchor)
    for scheme in (
        positions.random_ordered(0, 4),
        positions.coupled(positions.blocks(2), positions.random_shift(0, 1)),
    ):
        rule = support.fixed({(0, 1): "1/3", (1, 3): "1/2", (2, 3): "1/6"})
        train = mixture(
            [
                (telling(support.uniform()).at(2, positions=scheme), "1/4"),
                (telling(rule).at(4, positions=scheme), "3/4"),
            ]
        )
        check_routes(heads, train, telling(support.local(2)).at(4, positions=scheme))


def telling(rule: SupportLaw) -> PlantedEnsemble:
    """An ensemble whose tokens and labels tell placements apart wherever the class can."""
    words = {(0, 1): "1/3", (1, 1): "1/4", (2, 0): "5/12"}
    return PlantedEnsemble(3, ["1/3", "2/3", 0], words, {word: word for word in words}, rule)


# ── Structure ────────────────────────────────────────────────────────────────────────────────────────────────────────

RISING = {
    "absolute": positions.absolute(),
    "random shift": positions.random_shift(-3, 4),
    "random ordered": positions.random_ordered(0, 40),
    "chunked": positions.chunked_shift(0, 40, 2),
    "coupled, one position an ID": positions.coupled(lambda length: range(0, 2 * length, 2)),
}


@pytest.mark.parametrize("name", RISING)
def test_the_order_of_ids_that_rise_tells_nothing(name: str) -> None:
    """From 7 to 16 as with key none: κ0 = 1 and t = κ = C(14, 2) / C(5, 2)."""
    heads, law = HeadClass(2, key="order"), partial(ENSEMBLES["parity"].at, positions=RISING[name])
    expected = Fraction(comb(14, 2), comb(5, 2))
    assert retention(heads, train=law(7), test=law(16)) == Factor(expected, expected)
    found = coverage(heads, train=law(7), test=law(16))
    assert (found.kappa, found.kappa0, found.kappa0_lower) == (expected, 1, 1)
    assert set(found.masses) == {Pattern(omega, (0, 1)) for omega in overlaps(2, 2)}
    mixed = coverage(heads, train=ENSEMBLES["parity"].at(7), test=law(16))
    assert mixed.masses == found.masses


def test_the_order_of_ids_that_repeat_does_tell() -> None:
    law = partial(ENSEMBLES["parity"].at, positions=positions.coupled(positions.blocks(2)))
    assert retention(HeadClass(2, key="order"), train=law(4), test=law(6)).value == inf
    assert retention(HeadClass(2), train=law(4), test=law(6)).value == Fraction(comb(4, 2), comb(2, 2))


@pytest.mark.parametrize(("train", "test"), [(4, 6), (4, 10), (6, 10), (20, 60)])
def test_pairs_in_a_window_of_their_own_may_be_permuted(train: int, test: int) -> None:
    """Each pair is a cluster: of the other test / 2 − 1, train / 2 − 1 are kept, uniformly."""
    law = partial(ENSEMBLES["parity, paired"].at, positions=positions.coupled(positions.blocks(2)))
    for key in ("none", "relative", "order"):
        found = retention(HeadClass(2, 0, key), train=law(train), test=law(test))
        assert found == Factor(*[Fraction(test // 2 - 1, train // 2 - 1)] * 2)
        assert coverage_factor(HeadClass(2, 0, key), law(train), law(test)) == Factor(Fraction(1), Fraction(1))


def with_ids(*ids: int) -> Law:
    """Parity with the planted pair at the first two of these IDs."""
    return parity(2, support.fixed({(0, 1): 1})).at(len(ids), positions=positions.coupled(lambda length: ids))


@pytest.mark.parametrize("key", ["none", "relative", "order"])
def test_clusters_are_further_apart_than_the_window(key: Key) -> None:
    heads, one = HeadClass(2, 1, key), Factor(Fraction(1), Fraction(1))
    apart = with_ids(0, 1, 3, 4)
    assert coverage_factor(heads, apart, with_ids(0, 1, 3, 4)) == one
    assert coverage_factor(heads, apart, with_ids(0, 1, 9, 10)) == one  # how far apart plays no part
    assert coverage_factor(heads, apart, with_ids(5, 6, 0, 1)) == one  # nor which comes first
    assert coverage_factor(heads, apart, with_ids(0, 1, 2, 3, 4)) == one  # without the ID 2
    assert coverage_factor(heads, apart, with_ids(0, 1, 2, 3)).value == inf
    assert coverage_factor(heads, with_ids(0, 1, 7), with_ids(0, 1)) == one  # no candidate set holds the ID 7
    assert coverage_factor(heads, with_ids(0, 1, 2), with_ids(0, 1)).value == inf


def test_one_token_is_seen_without_its_place() -> None:
    """Of one position a head sees no order, so that placements of one length are one, whatever the support."""
    law = partial(parity(2, support.fixed({(0, 1): 1})).at)
    at_end = parity(2, support.fixed({(1, 4): "1/3", (2, 3): "2/3"})).at(5)
    assert coverage_factor(HeadClass(1), law(3), at_end) == Factor(Fraction(1), Fraction(1))
    assert retention(HeadClass(1), train=law(3), test=at_end) == Factor(Fraction(3), Fraction(3))
    assert coverage_factor(HeadClass(1, key="absolute"), law(3), at_end).value == inf


def test_an_anchored_token_is_all_that_is_seen() -> None:
    law = parity(2, support.fixed({(0, 1): "1/4", (1, 2): "3/4"}))
    expected = Factor(Fraction(4), Fraction(4))
    assert retention(
        HeadClass(1, anchor="last"), train=law.at(3), test=parity(2, support.local(1)).at(9)
    ).value == 4 * Fraction(7, 8)
    assert retention(HeadClass(1, anchor="last"), train=law.at(3), test=law.at(8)) == expected


@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize("rules", [("last", "last"), ("none", "last"), ("last", "none"), ("none", "none")])
@pytest.mark.parametrize("anchor", ANCHORS)
def test_uniform_supports_by_their_gaps(arity: int, rules: tuple[Anchor, Anchor], anchor: Anchor) -> None:
    """The closed form of uniform laws against the same laws, set by set."""

    def listed(length: int, rule: Anchor) -> Law:
        sets = [set_ for set_, _ in support.uniform(rule).sets(length, 2)]
        return parity(2, support.fixed({set_: Fraction(1, len(sets)) for set_ in sets})).at(length)

    heads = HeadClass(arity, anchor=anchor)
    for train, test in ((4, 6), (3, 4), (5, 5), (2, 4)):
        closed = [parity(2, support.uniform(rule)).at(n) for n, rule in zip((train, test), rules, strict=True)]
        plain = [listed(n, rule) for n, rule in zip((train, test), rules, strict=True)]
        assert retention(heads, train=closed[0], test=closed[1]) == retention(heads, train=plain[0], test=plain[1])
        assert coverage_factor(heads, *closed) == coverage_factor(heads, *plain)


def test_every_set_in_training_keeps_the_factor_finite() -> None:
    """From uniform pairs at 10 to pairs at most 2 apart at 20: at most 45 · C(18, 8) / C(16, 6)."""
    found = retention(HeadClass(2), train=parity(2).at(10), test=parity(2, support.local(2)).at(20))
    assert found.family == "all kept sets"
    assert 1 < found.lower <= found.value < found.lower + Fraction(1, 10**6)
    assert found.value < Fraction(45 * 18 * 17, 8 * 7)
    by_hand = retention(HeadClass(2), train=parity(2).at(3), test=parity(2, support.fixed({(0, 1): 1})).at(4))
    # Both noise tokens at the end: the kept sets are (0, 1, 2) and (0, 1, 3), and no pair of noise survives in them.
    assert by_hand.value == inf
    one_apart = coverage_factor(HeadClass(2), parity(2).at(3), parity(2, support.fixed({(0, 1): 1})).at(4))
    assert one_apart == Factor(Fraction(3), Fraction(3))  # always (0, 1), one of three in training


def test_no_kernel_is_said_with_its_reason() -> None:
    law = parity(2).at
    for found in (coverage_factor(HeadClass(2), law(4), law(3)), retention(HeadClass(2), train=law(4), test=law(3))):
        assert found == Factor(inf, inf)
        assert found.missing == "S* at length 3 (every training length exceeds it) leads to no training placement"
    assert coverage(HeadClass(2), train=law(4), test=law(3)).uncovered is None  # every view occurs in training
    local = partial(parity(2, support.local(1)).at)
    found = retention(HeadClass(2, 1, "relative"), train=local(4), test=local(6))
    assert found.missing == (
        "a candidate set of S* = (0, 1) at length 6 with the IDs (0, 1, 2, 3, 4, 5) survives in no part that training shows"
    )
    found = coverage_factor(HeadClass(2), local(3), law(3))
    assert found.missing == "S* = (0, 2) at length 3 leads to no training placement"
    assert coverage_factor(HeadClass(3), law(2), law(5)) == Factor(Fraction(1), Fraction(1))  # no head answers at all
    assert retention(HeadClass(3), train=law(2), test=law(5)).missing.endswith("leads to no training placement")


def test_the_placement_without_a_kernel_is_the_first_of_its_kind() -> None:
    anchored, law, last = HeadClass(2, anchor="last"), parity(2).at, parity(2, support.uniform("last")).at
    # Training shows noise beside a planted last position alone; only the longer law has another last position.
    found = coverage_factor(anchored, last(4), mixture([(last(5), "1/2"), (law(6), "1/2")]))
    assert found.missing == "S* at length 6 leads to no training placement"
    tiny = mixture([(law(3), "1/2"), (law(2), "1/2")])  # neither has a candidate set
    found = coverage_factor(HeadClass(4), law(5), tiny)
    assert found.missing == "S* at length 2 (every training length exceeds it) leads to no training placement"
    local = partial(parity(2, support.local(1)).at)
    for arity, train, test in ((1, 5, 4), (3, 3, 2)):  # to single positions, and where there are none, all S* are alike
        found = coverage_factor(HeadClass(arity), local(train), local(test))
        assert found.missing == (
            f"S* = (0, 1) at length {test} (every training length exceeds it) leads to no training placement"
        )


# ── Smaller families ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search of all kept sets gives up at once."""

    def spend(self: Any, steps: int) -> None:
        if self.left < 10**9:
            raise TooMuch

    monkeypatch.setattr(Work, "spend", spend)


def without_haste(question: Callable[..., Any], *arguments: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "spend", lambda self, steps: None)
        return question(*arguments)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", ["local, relative", "exchangeable, by width", "order, chunked", "smaller arity"])
def test_a_smaller_family_is_sound_and_says_what_it_is(name: str) -> None:
    heads, train, test = TRANSFERS[name]
    for factor_of in (coverage_factor, lambda *question: check_retention(*question)):
        found, full = factor_of(heads, train, test), without_haste(factor_of, heads, train, test)
        assert found.value >= full.value
        assert full.family == "all kept sets" != found.family
        assert found.lower >= full.lower


@pytest.mark.usefixtures("hurried")
def test_runs_of_neighbours() -> None:
    heads, local = HeadClass(2, 1, "relative"), parity(2, support.local(1))
    found = coverage_factor(heads, local.at(4), local.at(6))
    assert found == Factor(Fraction(1), Fraction(1), "runs of neighbours")
    # Positions 0, 1, 2, 6 and 7 of 8: two runs.
    rule = support.fixed({(0, 2): 1})
    split = parity(2, rule).at(5, positions=positions.coupled(lambda length: [0, 1, 2, 6, 7][:length]))
    apart = parity(2, rule).at(8)
    found = coverage_factor(HeadClass(2, key="relative"), split, apart)
    assert found == Factor(inf, inf, "runs of neighbours")
    assert found.missing.startswith("S* = (0, 2) at length 8 with the IDs (0, 1, 2, 3,")
    full = without_haste(coverage_factor, HeadClass(2, key="relative"), split, apart)
    assert full == Factor(Fraction(1), Fraction(1))


@pytest.mark.usefixtures("hurried")
def test_anchored_runs_end_with_the_last_position() -> None:
    heads = HeadClass(2, key="relative", anchor="last")
    early, late = parity(2, support.fixed({(0, 1): 1})), parity(2, support.fixed({(3, 4): 1}))
    assert coverage_factor(heads, early.at(3), parity(2, support.fixed({(2, 3): 1})).at(5)).value == 1
    assert coverage_factor(heads, early.at(3), early.at(5)).value == inf
    assert coverage_factor(heads, parity(2, support.fixed({(1, 2): 1})).at(3), late.at(5)).value == 1


@pytest.mark.usefixtures("hurried")
def test_uniform_kept_sets_where_order_alone_is_seen() -> None:
    wide, local = ENSEMBLES["parity, every set by width"], parity(2, support.local(2))
    found = retention(HeadClass(2), train=wide.at(4), test=local.at(6))
    assert found.family == "runs of neighbours and uniform kept sets"
    # Uniform: C(4, 2) / C(2, 2) = 6, times at most 6 for where the pair lies.
    assert 6 <= found.value <= 36
    check_hard_heads(HeadClass(2), wide.at(4), local.at(6), found.value)
    assert found.value >= without_haste(lambda: retention(HeadClass(2), train=wide.at(4), test=local.at(6)).value)
    lacking = parity(2, support.fixed({(0, 1): "1/2", (2, 3): "1/2"})).at(4)
    assert retention(HeadClass(2), train=lacking, test=local.at(6)).value == inf


@pytest.mark.usefixtures("hurried")
def test_one_is_the_least_in_every_family() -> None:
    wide = ENSEMBLES["parity, every set by width"]
    found = coverage_factor(HeadClass(2), wide.at(4), wide.at(6))
    assert (found.value, found.lower, found.optimal) == (1, 1, True)


# ── Programs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def small_programs(draw: DrawFn) -> tuple[dict[Any, Fraction], list[programs.Choice]]:
    """Probabilities many orders of magnitude apart; each demand is served by some choice."""
    weights = st.builds(lambda n, e: Fraction(n, 10**e), st.integers(1, 9), st.sampled_from([0, 1, 3, 6, 9, 30]))
    shares = st.builds(Fraction, st.integers(1, 3), st.just(3))
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    raw = [draw(weights) for _ in range(n)]
    train = {("atom", b): p / sum(raw) for b, p in enumerate(raw)}
    choices = []
    for u in range(draw(st.integers(m, 8))):
        takes = {b: draw(weights) for b in draw(st.lists(st.sampled_from(sorted(train)), min_size=1, unique=True))}
        others = draw(st.lists(st.integers(0, m - 1), unique=True))
        choices.append(programs.Choice(takes, {i: draw(shares) for i in {u % m, *others}}))
    return train, choices


@given(program=small_programs())
def test_a_small_program_is_solved_exactly(program: tuple[dict[Any, Fraction], list[programs.Choice]]) -> None:
    train, choices = program
    exact = programs._simplex(train, dict(enumerate(choices)), {i: None for c in choices for i in c.serves})
    served: Counter[Any] = Counter()
    taken: Counter[Any] = Counter()
    for u, weight in exact.weights.items():
        assert weight >= 0
        for i, share in choices[u].serves.items():
            served[i] += share * weight  # type: ignore[assignment]
        for b, p in choices[u].takes.items():
            taken[b] += p * weight  # type: ignore[assignment]
    assert all(served[i] >= 1 for c in choices for i in c.serves)
    spent = sum(price * train[b] for b, price in exact.prices.items())
    assert spent == 1
    for choice in choices:
        used = sum(share * exact.values.get(i, 0) for i, share in choice.serves.items())
        assert used <= sum(p * exact.prices.get(b, 0) for b, p in choice.takes.items())
    optimum = sum(exact.values.values())
    assert optimum == max(mass / train[b] for b, mass in taken.items())  # both certify it
    if optimum >= 1:  # as for all kernels
        assert programs.least_t(train, choices) == (optimum, optimum)


def test_probabilities_far_apart_keep_the_factor_exact() -> None:
    million = Fraction(10**6)
    train = parity(2, support.fixed({(0, 1): 1 - 1 / million, (0, 2): 1 / million})).at(3)
    heads, test = HeadClass(2, key="absolute"), parity(2, support.fixed({(0, 2): 1})).at(3)
    assert coverage_factor(heads, train, test) == retention(heads, train=train, test=test) == Factor(million, million)


def test_a_thousandth_here_and_there_keeps_the_factor_exact() -> None:
    """Three lengths with weights and supports a thousand times apart, and heads that see one token: κ0 = 1."""
    train = mixture(
        [
            (parity(2, support.fixed({(0, 1): 1})).at(2), "1200/1801"),
            (parity(2, support.fixed({(0, 1): "3/3007", (0, 2): "3000/3007", (1, 2): "4/3007"})).at(3), "600/1801"),
            (
                parity(2, support.fixed({(0, 2): "3/11", (1, 2): "1/11", (2, 3): "4/11", (1, 3): "3/11"})).at(4),
                "1/1801",
            ),
        ]
    )
    rule = {
        (1, 2): "1500/2837", (2, 4): "1/2837", (1, 3): "7/17022", (2, 3): "1/5674", (0, 4): "1/2837", (0, 3): "4000/8511",
    }  # fmt: skip
    test = parity(2, support.fixed(rule)).at(5)
    for arity in (1, 2):
        assert coverage_factor(HeadClass(arity), train, test) == Factor(Fraction(1), Fraction(1))
    found = retention(HeadClass(1), train=train, test=test)
    assert found.optimal
    assert found.value == Fraction(5403, 602)


@pytest.mark.parametrize(
    ("low", "high"), [("1/3", "1/2"), ("5/7", "3/4"), ("314/100", "315/100"), ("2/1", "5/2"), ("1/999", "1/998")]
)
def test_the_simplest_rational_of_an_interval(low: str, high: str) -> None:
    first, last = Fraction(low), Fraction(high)
    found = programs._simplest(first, last)
    assert first <= found <= last
    denominator = next(d for d in range(1, 2000) if ceil(first * d) <= last * d)
    assert found.denominator == denominator


@pytest.mark.parametrize("part", [0, 1, 2])
def test_simple_rationals_stand_within_a_millionth(part: int) -> None:
    for off, stands in ((9, True), (-9, True), (20, False), (-20, False)):  # ten-millionths
        given = [{"a": Fraction(1, 3) * (1 + Fraction(off, 10**7))} if j == part else {} for j in range(3)]
        made = programs._simplified(programs._Certificates(*given))
        assert made is not None
        assert (made[part] == {"a": Fraction(1, 3)}) == stands


def test_bounds_that_do_not_meet_are_short_and_still_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, train, test = HeadClass(2), parity(2).at(4), parity(2, support.local(2)).at(6)
    exact = retention(heads, train=train, test=test)
    assert exact.optimal
    monkeypatch.setattr(programs, "EXACT_CELLS", 0)
    monkeypatch.setattr(programs, "_simplified", lambda found: None)
    found = retention(heads, train=train, test=test)
    assert found.lower < exact.value < found.value < exact.value * (1 + Fraction(1, 10**6))
    for bound in (found.value, found.lower):
        assert rounded(Fraction(bound), programs.DIGITS) == bound


@pytest.mark.parametrize("exact", [True, False])
def test_weights_prove_the_least_t(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two demands; the optimum shares the second among two choices."""
    if not exact:
        monkeypatch.setattr(programs, "_simplified", lambda found: None)
        monkeypatch.setattr(programs, "EXACT_CELLS", 0)
    one, third = Fraction(1), Fraction(1, 3)
    train = {"a": third, "b": 2 * third}
    choices = [
        programs.Choice({"a": Fraction(1, 2)}, {0: one}),
        programs.Choice({"a": Fraction(1, 2)}, {1: one}),
        programs.Choice({"b": Fraction(1, 2)}, {1: one}),
    ]
    proof = programs.least_weights(train, choices)
    served = {i: sum(w * choices[u].serves.get(i, 0) for u, w in proof.weights.items()) for i in (0, 1)}
    taken = {b: sum(w * choices[u].takes.get(b, 0) for u, w in proof.weights.items()) for b in train}
    assert min(served.values()) >= 1
    assert all(taken[b] <= proof.upper * train[b] for b in train)
    assert proof[:2] == programs.least_t(train, choices)
    assert proof.lower <= Fraction(3, 2) <= proof.upper
    if exact:
        assert proof.upper == proof.lower


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_question_is_refused() -> None:
    law = ENSEMBLES["parity"].at(4)
    with pytest.raises(InvalidArgument, match=r"^retention: argument heads: got the int 2; expected a HeadClass"):
        retention(2, train=law, test=law)  # type: ignore[arg-type]
    with pytest.raises(
        AssumptionViolated, match=r"^retention: argument train: got a law of type FiniteLaw; expected a"
    ):
        retention(HeadClass(2), train=LAWS["finite"], test=law)
    with pytest.raises(AssumptionViolated, match=r"^retention: argument test: got a law of type NoneType"):
        retention(HeadClass(2), train=law, test=None)  # type: ignore[arg-type]
    with pytest.raises(
        AssumptionViolated, match=r"^retention: argument test: got laws that differ in their background"
    ):
        retention(HeadClass(2), train=law, test=ENSEMBLES["noisy"].at(4))


@pytest.mark.parametrize("budget", [None, 1e9, "many"], ids=named)
def test_a_budget_is_an_integer(budget: Any) -> None:
    heads, train, test = TRANSFERS["local, relative"]
    with pytest.raises(InvalidArgument, match=r"^retention: argument budget: got .*; expected an integer"):
        retention(heads, train=train, test=test, budget=budget)


def test_a_program_above_the_budget_is_refused() -> None:
    heads, law = HeadClass(2, 1, "relative"), parity(2, support.local(1)).at(6)
    train = parity(2, support.local(1)).at(4)
    # 5 support sets, 3 runs of 4 positions, one demand for each of 5 candidates, and the run itself.
    size = kept_sets.WORK * 5 * 3 * (1 + 5)
    assert retention(heads, train=train, test=law, budget=size).value == inf
    with pytest.raises(
        BudgetExceeded, match=rf"^retention \(kernel\): .* a budget of 20 for an enumeration of {size:,} items"
    ):
        retention(heads, train=train, test=law, budget=20)
    longer = mixture([(train, "1/2"), (parity(2, support.local(1)).at(9), "1/2")])  # no run of 6 positions has 9
    with pytest.raises(BudgetExceeded, match=rf"an enumeration of {size:,} items"):
        retention(heads, train=longer, test=law, budget=20)
    with pytest.raises(BudgetExceeded, match=r"^retention \(kernel\): .* a budget of 4 for an enumeration of 5 items"):
        retention(heads, train=train, test=law, budget=4)
    huge = parity(2, support.local(3)).at(60, positions=positions.random_ordered(0, 10**4))
    with pytest.raises(BudgetExceeded, match=r"for an enumeration of about 10\^\d{2,} items"):
        retention(heads, train=train, test=huge)


# ── Probabilities that no float can hold ─────────────────────────────────────────────────────────────────────────────

TINY = [Fraction(1, 10**n) for n in (30, 400, 3000)]


def close(value: Any, expected: int | Fraction, tiny: Fraction) -> bool:
    return bool(abs(value / expected - 1) <= 1000 * tiny)


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_a_rare_length_changes_nothing(tiny: Fraction) -> None:
    """Weights 1 - tiny and tiny on two lengths give what the first alone gives, up to the tiny weight."""
    law, heads = parity(2).at, HeadClass(2)
    for often, seldom in ((4, 5), (5, 4)):
        mixed = mixture([(law(often), 1 - tiny), (law(seldom), tiny)])
        alone = retention(heads, train=law(often), test=law(7))
        for found, expected in (
            (retention(heads, train=mixed, test=law(7)), alone.value),
            (coverage_factor(heads, mixed, law(7)), 1),
        ):
            assert found.lower <= found.value
            assert close(found.value, expected, tiny)
            assert close(found.lower, expected, Fraction(1, 10**6))


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_what_is_rare_in_training_has_a_large_factor(tiny: Fraction) -> None:
    """Length 4 is seen with a tiny probability, and is all that a test at length 4 can be reduced to."""
    law, heads = parity(2).at, HeadClass(2)
    rare = mixture([(law(4), tiny), (law(5), 1 - tiny)])
    assert retention(heads, train=rare, test=law(4)) == Factor(1 / tiny, 1 / tiny)
    assert coverage_factor(heads, rare, law(4)) == Factor(1 / tiny, 1 / tiny)


@pytest.mark.parametrize("tiny", TINY, ids=lambda tiny: f"1e-{len(str(tiny.denominator)) - 1}")
def test_what_is_rare_in_training_and_at_test_is_no_matter(tiny: Fraction) -> None:
    rule = support.fixed({(0, 1): 1 - tiny, (1, 2): tiny})
    heads, law = HeadClass(2, window=1), parity(2, rule).at(4)
    assert retention(heads, train=law, test=law) == coverage_factor(heads, law, law) == Factor(Fraction(1), Fraction(1))
    even = parity(2, support.fixed({(0, 1): "1/2", (1, 2): "1/2"})).at(4)
    expected = Factor(2 * (1 - tiny), 2 * (1 - tiny))
    assert retention(heads, train=even, test=law) == coverage_factor(heads, even, law) == expected
    expected = Factor(1 / (2 * tiny), 1 / (2 * tiny))
    assert retention(heads, train=law, test=even) == coverage_factor(heads, law, even) == expected


def coverage_factor(heads: HeadClass, train: Law, test: Law) -> Factor:
    found = coverage(heads, train=train, test=test)
    return Factor(found.kappa0, found.kappa0_lower, found.kappa0_family, found.kappa0_missing)


def test_a_step_of_the_search_counts_as_several_items(monkeypatch: pytest.MonkeyPatch) -> None:
    law, spend, steps = parity(2, support.local(1)), Work.spend, []
    monkeypatch.setattr(Work, "spend", lambda self, n: (steps.append(n), spend(self, n))[1])
    transfer = partial(retention, HeadClass(2), train=law.at(4), test=law.at(5))
    whole = transfer()
    budget = kept_sets.WORK * sum(steps)
    assert transfer(budget=budget) == whole
    with pytest.raises(BudgetExceeded, match=rf"a budget of {budget - 1} .* of 1,088 items"):  # by the smaller family
        transfer(budget=budget - 1)


def test_pairs_of_uniform_laws_are_within_the_budget() -> None:
    law, third = parity(2).at, Fraction(1, 3)
    train, test = mixture([(law(n), third) for n in (4, 5, 6)]), mixture([(law(7), "1/2"), (law(8), "1/2")])
    assert retention(HeadClass(2), train=train, test=test, budget=6).value < inf
    with pytest.raises(BudgetExceeded, match=r"retention \(kernel\): argument budget: got a budget of 5 .* of 6 items"):
        retention(HeadClass(2), train=train, test=test, budget=5)
