"""Dependency graphs, their measured growth, minimality, and synthesised couplings against brute force."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from theory import AssumptionViolated, BudgetExceeded, InvalidArgument, dependencies, positions
from theory.dependencies import PartRule, Rule, Synthesis
from theory.dependencies.coupling import _components, earliest, verified
from theory.tasks import Addition, Copy, Instance, Multiplication, Reverse, ScratchpadParity, Step, Task

CARRY = Addition(carry=True)
SPARSE: list[Task] = [
    Copy(2),
    Reverse(2),
    ScratchpadParity(),
    ScratchpadParity("query"),
    Addition(base=2),
    Addition(base=2, carry=True),
]
DENSE = Addition(base=2, order="plain")


def first(task: Task, length: int) -> Instance:
    return next(task.instances(length))


def sets_by_hand(instance: Instance, convention: str) -> list[set[int]]:
    more = {"sources": [], "token": [0], "query": [-1]}[convention]
    return [set(step.sources) | {step.position + offset for offset in more} for step in instance.steps]


def width(sets: Any, ids: Any) -> int:
    return max((abs(ids[a] - ids[b]) for s in sets for a, b in combinations(s, 2)), default=0)


# ── Graphs and sets ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task", [*SPARSE, DENSE], ids=lambda task: task.name)
def test_the_graph_holds_every_source_and_nothing_else(task: Task) -> None:
    instance = first(task, 3)
    made = dependencies.graph(instance)
    assert set(made.edges) == {(s, step.position) for step in instance.steps for s in step.sources}
    assert [made.nodes[i]["token"] for i in range(len(made))] == list(instance.tokens)
    assert [made.nodes[i]["id"] for i in range(len(made))] == list(instance.ids)
    assert [made.nodes[i]["part"] for i in range(len(made))] == list(instance.parts)
    for position, sources in instance.steps:
        assert sorted(made.predecessors(position), key=lambda s: made.edges[s, position]["slot"]) == list(sources)


def test_a_graph_without_parts() -> None:
    made = dependencies.graph(Instance((0, 1), (3, 4), (Step(1, (0,)),)))
    assert dict(made.nodes(data=True)) == {0: {"token": 0, "id": 3, "part": ""}, 1: {"token": 1, "id": 4, "part": ""}}


def test_networkx_is_loaded_by_the_graph_only() -> None:
    code = (
        "import json, sys\nfrom theory import dependencies\nfrom theory.tasks import Copy\n"
        "dependencies.synthesize(Copy(2).solve((0, 1, 2)), cap=2)\nbefore = 'networkx' in sys.modules\n"
        "dependencies.graph(Copy(2).solve((0, 1, 2)))\nprint(json.dumps([before, 'networkx' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, True]


@pytest.mark.parametrize("convention", ["sources", "token", "query"])
@pytest.mark.parametrize("task", [*SPARSE, DENSE], ids=lambda task: task.name)
def test_sets_and_spread_follow_the_convention(task: Task, convention: dependencies.Convention) -> None:
    instance = first(task, 4)
    by_hand = sets_by_hand(instance, convention)
    assert [set(s) for s in dependencies.dependency_sets(instance, convention)] == by_hand
    assert dependencies.spread(instance, convention) == width(by_hand, instance.ids)
    raw = range(len(instance.tokens))
    assert dependencies.spread(instance, convention, ids=raw) == width(by_hand, raw)


@pytest.mark.parametrize("task", SPARSE, ids=lambda task: task.name)
def test_the_query_spread_is_the_window_of_an_anchored_head(task: Task) -> None:
    instance = first(task, 3)
    assert [set(s) for s in dependencies.dependency_sets(instance, "query")] == [
        set(task.attended(step)) for step in instance.steps
    ]


def test_a_step_that_reads_nothing() -> None:
    instance = Instance((0, 1), (0, 7), (Step(1, ()),))
    assert dependencies.dependency_sets(instance) == ((),)
    assert dependencies.spread(instance) == 0
    assert dependencies.graph(instance).number_of_edges() == 0


# ── Growth ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "model"),
    [
        (lambda n: 5, "constant"),
        (lambda n: 2 * n + 1, "linear"),
        (lambda n: 7 - n, "linear"),
        (lambda n: n.bit_length() - 1, "logarithmic"),
        (lambda n: 3 * n.bit_length() + 2, "logarithmic"),
        (lambda n: n // 2, "linear"),
    ],
)
def test_growth_of_synthetic_series(value: Any, model: str) -> None:
    for lengths in ([2, 4, 8, 16, 32, 64], [64, 2, 16, 8, 4, 32]):
        assert dependencies.fit_growth(lengths, [value(n) for n in lengths]).model == model


def test_constant_means_that_all_values_are_equal() -> None:
    assert dependencies.fit_growth([2, 3, 4, 5], [1, 1, 1, 2]).model != "constant"


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(-9, 90)), min_size=3, max_size=8, unique_by=lambda t: t[0]))
def test_fits_are_those_of_numpy(series: list[tuple[int, int]]) -> None:
    lengths, values = map(list, zip(*series, strict=True))
    growth = dependencies.fit_growth(lengths, values)
    assert [fit.model for fit in growth.fits] == ["constant", "logarithmic", "linear"]
    for fit, x in zip(growth.fits, (None, np.log(lengths), np.array(lengths, dtype=float)), strict=True):
        columns = [np.ones(len(values))] + ([] if x is None else [x])
        design = np.column_stack(columns)
        solution = np.linalg.lstsq(design, np.array(values, dtype=float), rcond=None)[0]
        residual = float(((design @ solution - values) ** 2).sum())
        assert np.allclose([fit.intercept, *([] if x is None else [fit.slope])], solution, atol=1e-6)
        assert np.isclose(fit.residual, residual, atol=1e-6)
    if len(set(values)) > 1:
        best = min(growth.fits[1:], key=lambda fit: fit.residual)
        assert growth.model == best.model or np.isclose(*(fit.residual for fit in growth.fits[1:]))


def test_a_tie_counts_as_logarithmic() -> None:
    """Neither the logarithm nor the length explains anything of this series, so both leave the same residual."""
    growth = dependencies.fit_growth([1, 2, 4, 16], [-8, 18, -11, 1])
    assert [fit.slope for fit in growth.fits] == [0, 0, 0]
    assert len({fit.residual for fit in growth.fits}) == 1
    assert growth.model == "logarithmic"


def test_growth_in_words() -> None:
    assert str(dependencies.fit_growth([1, 2, 3], [4, 4, 4])) == "constant: 4"
    assert str(dependencies.fit_growth([1, 2, 3], [4, 3, 2])) == "linear: 5 - 1 n"
    assert str(dependencies.fit_growth([1, 2, 4], [0, 1, 2])) == "logarithmic: 0 + 1.44 log n"
    rounded = dependencies.fit_growth([1, 4, 8], [0, 2, 3])
    assert -1e-15 < rounded.fits[1].intercept < 0
    assert str(rounded) == "logarithmic: 0 + 1.44 log n"


@pytest.mark.parametrize("task", SPARSE, ids=lambda task: task.name)
def test_sparse_tasks_measure_as_they_declare(task: Task) -> None:
    found = dependencies.measure(task, [2, 3, 4])
    assert found.exhaustive
    assert found.scope == "every instance of lengths 2, 3, 4"
    assert found.sparsity.model == "constant"
    assert {row.sparsity for row in found.rows} == {task.sparsity}
    assert found.id_spread.model == "constant"


def test_positions_spread_linearly_where_ids_do_not() -> None:
    found = dependencies.measure(
        CARRY, [2, 3, 4, 5], convention="token", budget=0, samples=2, rng=np.random.default_rng(0)
    )
    assert not found.exhaustive
    assert found.scope.startswith("2 sampled instances of length 2, ")
    assert found.position_spread.model == "linear"
    assert found.position_spread.fits[2].slope == 3
    assert {row.id_spread for row in found.rows} == {1}


def test_dense_tasks_grow_linearly() -> None:
    found = dependencies.measure(DENSE, [1, 2, 3, 4])
    assert found.sparsity.values == (4, 6, 8, 10)
    assert (found.sparsity.model, found.sparsity.fits[2].residual) == ("linear", 0)


def test_only_the_lengths_beyond_the_budget_are_sampled() -> None:
    found = dependencies.measure(Copy(2), [2, 3, 5], budget=8, samples=4, rng=np.random.default_rng(0))
    assert found.scope == "every instance of lengths 2, 3, 4 sampled instances of length 5"
    usual = dependencies.measure(Copy(2), [2, 3, 5], budget=8, rng=np.random.default_rng(0))
    assert usual.scope == "every instance of lengths 2, 3, 100 sampled instances of length 5"
    assert [row.n_instances for row in found.rows] == [4, 8, 4]


# ── Minimality ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Padded(Copy):
    """Copy, whose steps also read the first token of the word, in vain."""

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        plain = super().solve(prompt)
        steps = tuple(Step(t, (*sources, *({0} - {*sources}))) for t, sources in plain.steps)
        return Instance(plain.tokens, plain.ids, steps)


class ByIds(Copy):
    """The first output repeats its source, the others repeat theirs negated: only the IDs tell which."""

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        n = len(prompt) - 1
        output = (prompt[0], *(1 - bit for bit in prompt[1:n]))
        return Instance((*prompt, *output), (*range(n), 9, *range(n)), tuple(Step(n + 1 + i, (i,)) for i in range(n)))


@pytest.mark.parametrize("task", SPARSE, ids=lambda task: task.name)
def test_declared_sets_are_minimal(task: Task) -> None:
    found = dependencies.idle_slots(task, [2, 3])
    assert found.minimal
    assert found.exhaustive


def test_leading_zeros_are_never_compared() -> None:
    """A sum of four columns in plain order reads two leading zeros; with fewer columns these slots hold digits."""
    found = dependencies.idle_slots(DENSE, [2, 3])
    assert found.idle == (dependencies.IdleSlot(8, 6, 0), dependencies.IdleSlot(8, 7, 0))


def test_a_superfluous_source_is_found() -> None:
    found = dependencies.idle_slots(Padded(2), [3])
    assert found.idle == (dependencies.IdleSlot(n_read=2, slot=1, n_compared=4),)
    assert not found.minimal
    assert found.scope == "every instance of lengths 3"


def test_a_slot_that_was_never_compared_says_so() -> None:
    assert dependencies.idle_slots(Copy(1), [2]).idle == (dependencies.IdleSlot(1, 0, 0),)


def test_ids_may_take_part_in_the_decision() -> None:
    with pytest.raises(AssumptionViolated, match=r"for one reading \(0,\).*or pass by_ids=True"):
        dependencies.idle_slots(ByIds(2), [2])
    assert dependencies.idle_slots(ByIds(2), [2], by_ids=True).minimal


class ByDistance(Copy):
    """Every output says whether its source is 1 or 2 IDs beyond the query: at even lengths 1. What it holds says nothing."""

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        n = len(prompt) - 1
        apart = 1 + n % 2
        ids = (*range(10, 10 + apart * n, apart), 10 - apart, *range(10, 10 + apart * n, apart))
        steps = tuple(Step(n + 1 + i, (i,)) for i in range(n))
        return Instance((*prompt, *[apart - 1] * n), ids, steps)


def test_readings_at_other_ids_are_not_compared_by_ids() -> None:
    """A slot that tells nothing among readings with the same IDs is idle, though targets differ between the IDs."""
    found = dependencies.idle_slots(ByDistance(2), [2, 3], by_ids=True)
    assert found.n_readings == 2 * 2  # a bit, 1 or 2 IDs away
    assert found.idle == (dependencies.IdleSlot(n_read=1, slot=0, n_compared=4),)
    with pytest.raises(AssumptionViolated, match=r"the targets 0 and 1 for one reading \(0,\)"):
        dependencies.idle_slots(ByDistance(2), [2, 3])


def test_by_ids_counts_from_the_query() -> None:
    """Copy reads one ID beyond its query at every step and length, so there are as many readings as symbols."""
    assert dependencies.idle_slots(Copy(3), [2, 3, 4], by_ids=True).n_readings == 3


def test_minimality_from_samples() -> None:
    found = dependencies.idle_slots(Copy(2), [5], budget=0, samples=20, rng=np.random.default_rng(0))
    assert found.minimal
    assert not found.exhaustive
    assert found.scope == "20 sampled instances of length 5"


class InVain(Copy):
    """Every output is the first symbol, and every step reads the whole word."""

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        plain, n = super().solve(prompt), len(prompt) - 1
        return Instance((*prompt, *[0] * n), plain.ids, tuple(Step(t, tuple(range(n))) for t, _ in plain.steps))


def test_idle_slots_come_in_order() -> None:
    found = dependencies.idle_slots(InVain(2), [6, 3, 4])
    assert [(one.n_read, one.slot) for one in found.idle] == [(n, slot) for n in (3, 4, 6) for slot in range(n)]
    assert {one.n_compared for one in found.idle} == {2**3, 2**4, 2**6}


# ── Couplings: one instance ──────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def hypergraphs(draw: DrawFn, max_size: int, max_sets: int = 7, max_set: int = 4) -> list[tuple[int, ...]]:
    size = draw(st.integers(2, max_size))
    members = st.lists(st.integers(0, size - 1), min_size=1, max_size=max_set, unique=True).map(tuple)
    return draw(st.lists(members, min_size=1, max_size=max_sets))


def brute_force(sets: list[tuple[int, ...]], cap: int) -> int:
    """The least spread over all IDs; closing the gaps between IDs widens nothing, so 0..size-1 are enough."""
    size = 1 + max(map(max, sets))
    keeps = (ids for ids in product(range(size), repeat=size) if max(Counter(ids).values()) <= cap)
    return min(width(sets, ids) for ids in keeps)


def check(found: Synthesis, sets: Any, cap: int) -> None:
    assert max(Counter(found.ids).values()) <= cap
    assert width(sets, found.ids) == found.spread >= found.lower_bound
    assert found.optimal == (found.spread == found.lower_bound)


@given(hypergraphs(5), st.integers(1, 3))
def test_the_spread_is_that_of_brute_force(sets: list[tuple[int, ...]], cap: int) -> None:
    least = brute_force(sets, cap)
    found = dependencies.synthesize(sets, cap=cap)
    check(found, sets, cap)
    assert found.spread == found.lower_bound == least
    assert dependencies.lower_bound(sets, cap=cap) <= least
    heuristic = dependencies.synthesize(sets, cap=cap, budget=0)
    check(heuristic, sets, cap)
    assert heuristic.lower_bound <= least <= heuristic.spread
    assert heuristic.n_nodes == 0


def vectors_by_brute_force(sets: list[tuple[int, ...]], cap: int) -> int:
    """The same in two coordinates; gaps close in each of them."""
    size = 1 + max(map(max, sets))
    cells = list(product(range(size), repeat=2))
    keeps = (ids for ids in product(cells, repeat=size) if max(Counter(ids).values()) <= cap)
    return min(max(width(sets, column) for column in zip(*ids, strict=True)) for ids in keeps)


@given(hypergraphs(3), st.integers(1, 2))
@settings(max_examples=40)
def test_the_spread_of_vectors_is_that_of_brute_force(sets: list[tuple[int, ...]], cap: int) -> None:
    least = vectors_by_brute_force(sets, cap)
    found = dependencies.synthesize(sets, cap=cap, coordinates=2)
    assert max(Counter(found.ids).values()) <= cap
    assert max(width(sets, column) for column in zip(*found.ids, strict=True)) == found.spread
    assert (found.spread, found.lower_bound, found.optimal) == (least, least, True)
    rough = dependencies.synthesize(sets, cap=cap, coordinates=2, budget=0)
    assert rough.lower_bound <= least <= rough.spread
    assert rough.optimal == (rough.lower_bound == rough.spread)
    assert rough.n_nodes == 0
    assert dependencies.lower_bound(sets, cap=cap, coordinates=2) <= least


def squares(n: int) -> list[tuple[int, ...]]:
    """On a board of n x n cells the sets of two by two."""
    return [
        (n * r + c, n * r + c + 1, n * (r + 1) + c, n * (r + 1) + c + 1) for r in range(n - 1) for c in range(n - 1)
    ]


def test_two_coordinates_are_narrow_where_one_is_not() -> None:
    for n in (3, 4, 5):
        assert dependencies.synthesize(squares(n), cap=1).lower_bound >= n
        found = dependencies.synthesize(squares(n), cap=1, coordinates=2)
        assert (found.spread, found.optimal) == (1, True)
        assert len(set(found.ids)) == n * n
    everything = [tuple(range(9))]
    assert [dependencies.synthesize(everything, cap=1, coordinates=d).spread for d in (1, 2, 3)] == [8, 2, 2]
    assert [dependencies.lower_bound(everything, cap=1, coordinates=d) for d in (1, 2, 3)] == [8, 2, 2]
    assert [dependencies.lower_bound(everything, cap=2, coordinates=d) for d in (1, 2, 3)] == [4, 2, 1]
    apart = dependencies.synthesize([(0, 1, 2), (3, 4, 5, 6), (7,)], cap=1, coordinates=2)
    assert (apart.spread, apart.optimal, len(set(apart.ids))) == (1, True, 8)


def test_a_spread_that_is_not_settled_is_no_bound() -> None:
    sets = [tuple({c for c in (i, i + 1, i - 1, i + 5, i - 5) if 0 <= c < 25}) for i in range(25)]
    found = dependencies.synthesize(sets, cap=1, coordinates=2, budget=10)
    assert found.n_nodes <= 10
    assert found.lower_bound == dependencies.lower_bound(sets, cap=1, coordinates=2) < found.spread
    assert not found.optimal
    with pytest.raises(InvalidArgument, match="synthesize: argument coordinates: got 0; expected an integer >= 1"):
        dependencies.synthesize(sets, cap=1, coordinates=0)


def density_bound(sets: list[tuple[int, ...]], cap: int) -> int:
    """The least w with room for every ball of radius r, in 2r · w + 1 IDs, and for every set with r steps around it."""
    size, best = 1 + max(map(max, sets)), 0
    near = {i: {i, *(j for s in sets if i in s for j in s)} for i in range(size)}
    within = [{i: {i} for i in range(size)}]  # by radius
    for _ in range(size):
        within.append({i: {k for j in ball for k in near[j]} for i, ball in within[-1].items()})
    eccentricity = {i: next(r for r in range(size + 1) if within[r][i] == within[-1][i]) for i in range(size)}
    for i in range(size):
        diameter = max(eccentricity[j] for j in within[-1][i])
        inside = [s for s in sets if i in s]
        for r in range(diameter + 1):
            rooms = [(2 * r, within[r][i]), *((2 * r + 1, set().union(*(within[r][j] for j in s))) for s in inside)]
            for steps, crowd in rooms:
                while cap * (min(steps, diameter) * best + 1) < len(crowd):
                    best += 1
    return best


@given(hypergraphs(14, max_sets=16, max_set=3), st.integers(1, 3))
def test_the_lower_bound_is_that_of_the_density(sets: list[tuple[int, ...]], cap: int) -> None:
    assert dependencies.lower_bound(sets, cap=cap) == density_bound(sets, cap)


def test_the_lower_bound_where_one_kind_of_ball_is_the_best() -> None:
    ladder = [(i, i + 2) for i in range(38)] + [(2 * i, 2 * i + 1) for i in range(20)]
    complete = list(combinations(range(6), 2))  # everything lies within a set of everything, and of no less
    stars = [(0, 1), *((0, i) for i in range(2, 8)), *((1, i) for i in range(8, 14))]
    tailed = [*stars, *((i, i + 1) for i in range(13, 18))]  # the two stars are a ball about the set of their centres
    bounds = [dependencies.lower_bound(sets, cap=1) for sets in (complete, tailed)]
    assert bounds == [5, 5]
    star = [*((0, i) for i in range(1, 10)), (9, 10)]  # a ball of radius 1 about a position, in a diameter of 3
    spider = (
        [(0, i) for i in range(1, 5)] + [(i % 4 + 1, i) for i in range(5, 17)] + [(16, 17), (17, 18)]
    )  # of radius 2
    assert [dependencies.lower_bound(sets, cap=1) for sets in (star, spider)] == [5, 4]
    for sets in (ladder, complete, tailed, star, spider, [tuple(range(i, i + 4)) for i in range(0, 30, 3)]):
        for cap in (1, 2, 3):
            assert dependencies.lower_bound(sets, cap=cap) == density_bound(sets, cap)


def test_the_lower_bound_counts_balls_of_every_radius_about_a_set() -> None:
    """Two binary trees with their roots in one set: its ball of radius 4 is the densest, of a graph of diameter 10."""
    tree = [(node, 2 * node + i) for node in range(1, 16) for i in (0, 1)]
    sets = [*tree, *((63 - u, 63 - v) for u, v in tree), (1, 63 - 1)]
    sets += [(8, 64), (15, 65), (63 - 8, 66), (63 - 15, 67), (31, 68)]
    assert dependencies.lower_bound(sets, cap=1) == density_bound(sets, 1) == 8


@given(hypergraphs(9, max_sets=9), st.integers(1, 2), st.randoms(use_true_random=False))
def test_local_search_ends_where_no_move_is_better(sets: list[tuple[int, ...]], cap: int, rng: random.Random) -> None:
    """No end of a widest set can go further in, or change places with what is there, and make anything better."""
    for part in (part for part in _components(1 + max(map(max, sets)), tuple(map(tuple, sets))) if part.sets):
        ids = [rank // cap for rank in rng.sample(range(len(part.members)), len(part.members))]
        found = part.local_search(list(ids), cap)

        def crowd(layout: list[int], of: Sequence[tuple[int, ...]] = part.sets) -> tuple[int, int, int]:
            spreads = [width([one], layout) for one in of]
            return max(spreads), spreads.count(max(spreads)), sum(spread**2 for spread in spreads)

        assert crowd(found) <= crowd(ids)
        assert max(Counter(found).values()) <= cap
        widest = [one for one in part.sets if width([one], found) == max(width([s], found) for s in part.sets)]
        for one in widest:
            low, high = min(found[i] for i in one), max(found[i] for i in one)
            for i, value in product(one, range(low, high + 1)):
                if found[i] in (low, high) and found[i] != value:
                    there = [k for k in range(len(found)) if found[k] == value and k != i]
                    for other in (*([None] if len(there) < cap else []), *there):
                        moved = list(found)
                        moved[i] = value
                        if other is not None:
                            moved[other] = found[i]
                        assert crowd(moved) >= crowd(found)


@given(hypergraphs(9, max_sets=9), st.integers(1, 2), st.randoms(use_true_random=False))
def test_moves_take_the_ends_of_the_widest_sets_further_in(
    sets: list[tuple[int, ...]], cap: int, rng: random.Random
) -> None:
    for part in (part for part in _components(1 + max(map(max, sets)), tuple(map(tuple, sets))) if part.sets):
        ids = [rank // cap for rank in rng.sample(range(len(part.members)), len(part.members))]
        widths = [width([one], ids) for one in part.sets]
        assert [*part._moves(ids, widths)] == [
            (i, value)
            for one, wide in zip(part.sets, widths, strict=True)
            if wide == max(widths)
            for low in [min(ids[i] for i in one)]
            for i in one
            if ids[i] in (low, low + wide)
            for value in sorted({*range(low, low + wide + 1)} - {ids[i]}, key=lambda v, own=ids[i]: abs(v - own))
        ]


def test_the_search_decides_every_spread_as_trying_all_ids_does() -> None:
    """Parts on which the search refutes and finds, from any layout and with any budget."""
    rng, size = np.random.default_rng(0), 6
    ways, refuted, unsettled = np.indices((size,) * size).reshape(size, -1), 0, 0  # (positions, IDs)
    most = np.max([(ways == value).sum(axis=0) for value in range(size)], axis=0)
    near_twins = [[(0, 1, 2, 5), (0, 2, 3), (0, 2, 4), (1, 4), (3, 5)], [(0, 1, 2), (0, 1, 3, 4), (2, 3, 5)]]
    forced = [(0, 1), (0, 4), (1, 2), (1, 5), (2, 3), (2, 4), (4, 5)]  # one choice leaves others a single ID
    star = [(0, i) for i in range(1, size)]  # all but the middle are interchangeable
    drawn = [
        [rng.choice(size, size=int(rng.integers(2, 5)), replace=False).tolist() for _ in range(rng.integers(3, 9))]
        for _ in range(50)
    ]
    for sets in (*near_twins, forced, star, *drawn):
        part = max(_components(size, tuple(map(tuple, sets))), key=lambda part: len(part.members))
        if len(part.members) < size:
            continue
        wide = np.max([np.ptp(ways[list(positions)], axis=0) for positions in part.sets], axis=0)
        for cap in (1, 2):
            least = int(wide[most <= cap].min())
            assert part.bound(cap) <= least
            for spread in range(least + 1):
                found, _, settled = part.search(spread, cap, 10**6)
                assert settled
                assert (found is None) == (spread < least)
                refuted += found is None
                if found is not None:
                    assert part.width(found) <= spread
                    assert max(Counter(found).values()) <= cap
            worst = list(range(size))[::-1]
            for budget in range(0, 24, 3):
                layout, lowest, used = part.improve(worst, cap, 0, budget)
                assert lowest <= least <= part.width(layout) <= part.width(worst)
                assert used <= budget
                unsettled += lowest < part.width(layout)
    assert refuted > 100
    assert unsettled > 100


def test_of_a_layout_and_its_mirror_image_one_is_searched() -> None:
    """A 4 x 4 grid has no spread of 3. Less than 1,000 nodes say so; with every layout's mirror image, twice as many."""
    grid = [(i, i + 1) for i in range(16) if i % 4 < 3] + [(i, i + 4) for i in range(12)]
    (part,) = _components(16, tuple(grid))
    found, _, settled = part.search(3, 1, 1_000)
    assert (found, settled) == (None, True)


@settings(max_examples=30)
@given(hypergraphs(12, max_sets=14), st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_spread_does_not_depend_on_the_numbering(sets: list[tuple[int, ...]], cap: int, random: Any) -> None:
    size = 1 + max(map(max, sets))
    names = list(range(size))
    random.shuffle(names)
    renamed = [tuple(names[i] for i in s) for s in random.sample(sets, len(sets))]
    one, two = (dependencies.synthesize(s, cap=cap, budget=3_000) for s in (sets, renamed))
    check(one, sets, cap)
    check(two, renamed, cap)
    if one.optimal and two.optimal:
        assert one.spread == two.spread
    assert max(one.lower_bound, two.lower_bound) <= min(one.spread, two.spread)


@settings(max_examples=20)
@given(hypergraphs(40, max_sets=50))
def test_large_hypergraphs_come_with_a_gap(sets: list[tuple[int, ...]]) -> None:
    before = None
    for cap in (1, 2, 4):
        found = dependencies.synthesize(sets, cap=cap, budget=200)
        check(found, sets, cap)
        assert found.n_nodes <= 200
        assert before is None or found.lower_bound <= before
        before = found.spread


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_more_budget_only_narrows_the_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(14, 36))
    sets = [tuple(rng.choice(size, size=3, replace=False).tolist()) for _ in range(size)]
    for cap in (1, 2):
        found = [dependencies.synthesize(sets, cap=cap, budget=budget) for budget in (0, 50, 400)]
        for one, two in pairwise(found):
            check(two, sets, cap)
            assert one.lower_bound <= two.lower_bound <= two.spread <= one.spread
            assert one.n_nodes <= two.n_nodes


@pytest.mark.parametrize(
    ("edges", "bandwidth"),
    [
        ([(i, i + 1) for i in range(9)], 1),  # a path
        ([(i, (i + 1) % 9) for i in range(9)], 2),  # a cycle
        (list(combinations(range(6), 2)), 5),  # a complete graph
        ([tuple(range(6))], 5),  # the same as one set
        ([(0, i) for i in range(1, 8)], 4),  # a star
        ([(i, j) for i, j in combinations(range(8), 2) if (i ^ j).bit_count() == 1], 4),  # the cube
        (
            [(i, j) for i, j in combinations(range(16), 2) if abs(i % 4 - j % 4) + abs(i // 4 - j // 4) == 1],
            4,
        ),  # a grid
        ([(i, i // 2) for i in range(2, 16)], 3),  # the complete binary tree; vertex 0 stands alone
    ],
)
def test_known_bandwidths(edges: list[tuple[int, ...]], bandwidth: int) -> None:
    assert dependencies.synthesize(edges, cap=1).spread == bandwidth
    assert dependencies.lower_bound(edges, cap=1) <= bandwidth


@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(0, 3)).map(lambda t: (t[0], t[0] + t[1])), min_size=1, max_size=6
    ),
    st.integers(1, 2),
)
def test_intervals_have_room_exactly_when_some_choice_keeps_the_cap(intervals: list[tuple[int, int]], cap: int) -> None:
    low, high = map(list, zip(*intervals, strict=True))
    fits = any(max(Counter(ids).values()) <= cap for ids in product(*(range(a, b + 1) for a, b in intervals)))
    found = earliest(low, high, cap)
    assert (found is not None) == fits
    if found is not None:
        assert all(a <= i <= b for a, i, b in zip(low, found, high, strict=True))
        assert max(Counter(found).values()) <= cap


def test_the_check_of_a_coupling_can_fail() -> None:
    with pytest.raises(AssertionError, match="more than 1 tokens share an ID"):
        verified(((0, 1),), (4, 4), 1)


def test_sets_without_positions_ask_for_nothing() -> None:
    found = dependencies.synthesize([(), (0, 2), ()], cap=1)
    assert (found.spread, len(found.ids)) == (1, 3)
    assert dependencies.lower_bound([(2, 0), ()], cap=1) == 1
    with pytest.raises(InvalidArgument, match="got no positions"):
        dependencies.synthesize([(), ()], cap=1)


def test_separate_sets_are_coupled_apart() -> None:
    instance = Copy(2).solve((0, 1, 1, 2))
    found = dependencies.synthesize(instance, cap=2)
    assert found.ids == (0, 1, 2, 3, 0, 1, 2)


@pytest.mark.parametrize(("cap", "spread"), [(1, 3), (2, 2), (3, 1), (4, 1)])
def test_addition_needs_a_spread_of_one_and_three_tokens_an_id(cap: int, spread: int) -> None:
    for length in (2, 5):
        found = dependencies.synthesize(first(CARRY, length), cap=cap)
        assert (found.spread, found.optimal) == (spread, True)


def test_no_coupling_bounds_what_every_step_reads() -> None:
    lengths = [4, 8, 16, 32]
    for task in (Multiplication(carried=False), Addition(order="plain")):
        bounds = [dependencies.lower_bound(first(task, n), cap=3) for n in lengths]
        assert dependencies.fit_growth(lengths, bounds).model == "linear"
        assert bounds == sorted(set(bounds))
    carried = [dependencies.synthesize(first(Multiplication(), n), cap=3).spread for n in lengths]
    assert dependencies.fit_growth(lengths, carried).model == "constant"


# ── Couplings: one rule for all lengths ──────────────────────────────────────────────────────────────────────────────


def test_the_coupling_of_addition_is_rediscovered() -> None:
    rule = dependencies.synthesize_rule({n: first(CARRY, n) for n in (2, 3)}, cap=3)
    assert rule.spread == 1
    for length in (1, 7, 15):
        instance = first(CARRY, length)
        ids = rule(instance)
        assert dependencies.spread(instance, "token", ids=ids) == 1
        assert max(Counter(ids).values()) <= 3
        columns = length + 1
        a, b, total = range(columns), range(columns + 1, 2 * columns + 1), range(2 * columns + 2, 3 * columns + 2)
        for i in range(columns):  # one significance, one ID
            assert ids[a[i]] == ids[b[i]] == ids[total[columns - 1 - i]]
        digits = [*a, *b, *total]
        shifts = {ids[i] - instance.ids[i] for i in digits}
        mirrored = {ids[i] + instance.ids[i] for i in digits}
        assert 1 in (len(shifts), len(mirrored))


@pytest.mark.parametrize("task", [Copy(2), Reverse(2)], ids=lambda task: task.name)
def test_copy_and_reverse_are_rediscovered(task: Task) -> None:
    for convention in ("token", "query"):
        rule = dependencies.synthesize_rule([first(task, n) for n in (2, 4)], cap=2, convention=convention)
        long = first(task, 11)
        assert rule.spread == dependencies.spread(long, convention, ids=rule(long)) == 0
        assert max(Counter(rule(long)).values()) == 2
        if convention == "token":
            assert len({new - old for new, old in zip(rule(long)[:11], long.ids[:11], strict=True)}) == 1
            assert len({new - old for new, old in zip(rule(long)[12:], long.ids[12:], strict=True)}) == 1


def test_scratchpad_parity_is_rediscovered_under_both_conventions() -> None:
    instances = [first(ScratchpadParity(), n) for n in (2, 3)]
    token = dependencies.synthesize_rule(instances, cap=2, convention="token")
    query = dependencies.synthesize_rule(instances, cap=2, convention="query")
    assert (token.spread, query.spread) == (1, 0)
    long = first(ScratchpadParity("query"), 9)
    assert query(long) == tuple(i - 1 for i in long.ids)


def test_a_rule_of_less_spread_than_any_instance_allows_does_not_exist() -> None:
    for task in (CARRY, ScratchpadParity(), DENSE):
        for convention in ("token", "query"):
            instances = [first(task, n) for n in (2, 4)]
            rule = dependencies.synthesize_rule(instances, cap=3, convention=convention)
            for instance in instances:
                least = dependencies.synthesize(instance, cap=3, convention=convention)
                assert rule.spread >= least.lower_bound


def test_the_search_misses_no_rule() -> None:
    """Against all pairs of rules, for a task of two parts."""
    instances = [first(ScratchpadParity(), n) for n in (2, 3)]
    values = list(product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)))
    for convention in ("token", "query"):
        for cap in (1, 2, 3):
            spreads = []
            for bits, states in product(values, values):
                rule = Rule((PartRule("bits", *bits), PartRule("states", *states)), cap, convention, 0)
                if all(max(Counter(rule(instance)).values()) <= cap for instance in instances):
                    spreads.append(max(dependencies.spread(i, convention, ids=rule(i)) for i in instances))
            found = dependencies.synthesize_rule(instances, cap=cap, convention=convention, offsets=1)
            assert found.spread == min(spreads)


READS: dict[str, Any] = {
    "in order": lambda i, n: {i},
    "from the end": lambda i, n: {n - 1 - i},
    "the last": lambda i, n: {n - 1},
    "two": lambda i, n: {i, max(i - 1, 0)},
    "all": lambda i, n: set(range(n)),
}


def made_up(n: int, reads: Any, *, start: bool) -> Instance:
    """A token "s", n tokens "a", and n predicted tokens "b", which read some of "a", and "s" if told so."""
    steps = tuple(Step(n + 1 + i, (*([0] if start else []), *(1 + j for j in sorted(reads(i, n))))) for i in range(n))
    return Instance((0,) * (2 * n + 1), (0,) * (2 * n + 1), steps, parts=("s", *"a" * n, *"b" * n))


@pytest.mark.parametrize("cap", [1, 2, 3, 4])
@pytest.mark.parametrize("start", [False, True])
@pytest.mark.parametrize("reads", READS.values(), ids=READS)
def test_a_rule_is_the_narrowest_then_the_closest_then_the_simplest(reads: Any, start: bool, cap: int) -> None:
    """Against every rule, with the first part that a set holds as it is fixed: without offset, and growing."""
    instances, names = [made_up(n, reads, start=start) for n in (2, 3)], ["s", "a", "b"]
    coupled = names if start else names[1:]
    many, single = list(product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))), [(0, 0, offset) for offset in (-1, 0, 1)]
    options = {"s": single, "a": many, "b": many}
    options[coupled[0]] = [rule for rule in options[coupled[0]] if rule[2] == 0 and rule[:2] >= (0, 0)]
    grid = np.array(list(product(*options.values())))  # (choices, parts, 3)
    kept, spread, total = np.ones(len(grid), dtype=bool), *np.zeros((2, len(grid)), dtype=int)
    for instance in instances:
        n, seen, columns = len(instance.steps), Counter[str](), []
        for part in instance.parts:
            slope, length_slope, offset = grid[:, names.index(part)].T
            columns.append(slope * seen[part] + length_slope * (1 if part == "s" else n) + offset)
            seen[part] += 1
        ids = np.array(columns)  # (positions, choices)
        kept &= (ids[:, None] == ids).sum(axis=1).max(axis=0) <= cap
        for positions_ in dependencies.dependency_sets(instance, "token"):
            wide = np.ptp(ids[list(positions_)], axis=0)
            spread, total = np.maximum(spread, wide), total + wide
    own = grid[:, [names.index(part) for part in coupled]]
    costs = np.stack([spread, total, abs(own[:, :, 1]).sum(axis=1), abs(own[:, :, 2]).sum(axis=1)], axis=1)
    if not kept.any():
        with pytest.raises(AssumptionViolated, match="under which no rule of this form exists"):
            dependencies.synthesize_rule(instances, cap=cap, offsets=1)
        return
    rule = dependencies.synthesize_rule(instances, cap=cap, offsets=1)
    values = [rule(instance) for instance in instances]
    assert max(max(Counter(ids).values()) for ids in values) <= cap
    wide = [
        [max(ids[i] for i in s) - min(ids[i] for i in s) for s in dependencies.dependency_sets(instance, "token")]
        for instance, ids in zip(instances, values, strict=True)
    ]
    parts = [part for part in rule.parts if part.part in coupled]
    found = (
        max(map(max, wide)),
        sum(map(sum, wide)),
        sum(abs(part.length_slope) for part in parts),
        sum(abs(part.offset) for part in parts),
    )
    assert found == min(map(tuple, costs[kept].tolist()))
    assert rule.spread == found[0]


def test_a_rule_in_words() -> None:
    rules = [
        (PartRule("a", 1, 0, 0), "a: ID = i"),
        (PartRule("b", -1, 1, -1), "b: ID = n - i - 1"),
        (PartRule("+", 0, 0, 0), "+: ID = 0"),
        (PartRule("=", 0, 0, -2), "=: ID = -2"),
        (PartRule("s", 1, -1, 2), "s: ID = i - n + 2"),
        (PartRule("t", -1, -1, 1), "t: ID = -n - i + 1"),
    ]
    for rule, text in rules:
        assert str(rule) == text


def test_a_rule_couples_positions() -> None:
    rule = dependencies.synthesize_rule([first(CARRY, n) for n in (2, 3)], cap=3)
    scheme = positions.coupled(rule.coupling(CARRY), positions.random_shift(1, 4))
    long = first(CARRY, 6)
    assert scheme.count(len(long.tokens)) == 4
    for ids in scheme.ids(len(long.tokens)):
        assert len({new - old for new, old in zip(ids, rule(long), strict=True)}) == 1


def test_parts_that_no_set_couples_cost_a_node_each() -> None:
    instances = [made_up(n, READS["in order"], start=False) for n in (2, 3)]
    arguments: dict[str, Any] = {"cap": 3, "convention": "sources"}
    assert dependencies.synthesize_rule(instances, **arguments, budget=3).spread == 0
    with pytest.raises(BudgetExceeded):
        dependencies.synthesize_rule(instances, **arguments, budget=2)


def test_rules_under_a_small_budget_are_refused() -> None:
    with pytest.raises(BudgetExceeded, match=r"synthesize_rule: argument budget"):
        dependencies.synthesize_rule([first(CARRY, n) for n in (2, 3)], cap=3, budget=2)


# ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

BARE = Instance((0, 1), (0, 1), (Step(1, (0,)),))
LONGER = Instance((0, 1, 1), (0, 1, 2), (Step(2, (0,)),))
PARTS = [first(Copy(2), n) for n in (2, 3)]
RULE = dependencies.synthesize_rule(PARTS, cap=2)


@dataclass(frozen=True)
class Wrong:
    call: Any
    message: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(
            lambda: dependencies.graph([0, 1]), r"graph: argument instance: got the list \[0, 1\]; expected an Instance"
        ),
        Wrong(
            lambda: dependencies.dependency_sets(BARE, "both"),
            r"argument convention: got 'both'; expected one of sources, ",
        ),
        Wrong(
            lambda: dependencies.spread(BARE, ids=[1]), r"argument ids: got 1 IDs for 2 positions; expected one a pos"
        ),
        Wrong(lambda: dependencies.spread(BARE, ids=[1, 0.5]), r"argument ids\[1\]: got 0.5; expected an integer"),
        Wrong(
            lambda: dependencies.fit_growth([1, 2], [1, 2]), r"got \[1, 2\]; expected at least three different lengths"
        ),
        Wrong(lambda: dependencies.fit_growth([1, 2, 2], [1, 2, 3]), r"expected at least three different lengths"),
        Wrong(lambda: dependencies.fit_growth([0, 2, 3], [1, 2, 3]), r"lengths\[0\]: got 0; expected an integer >= 1"),
        Wrong(
            lambda: dependencies.fit_growth([1, 2, 3], [1, 2]), r"values: got 2 values for 3 lengths; expected one a"
        ),
        Wrong(lambda: dependencies.fit_growth([1, 2, 3], "abc"), r"values: got the str 'abc'; expected a list of int"),
        Wrong(
            lambda: dependencies.measure("copy", [1, 2, 3]), r"measure: argument task: got the str 'copy'; expected a T"
        ),
        Wrong(lambda: dependencies.measure(Copy(2), [0, 1, 2]), r"length: got 0; expected an integer >= 1"),
        Wrong(lambda: dependencies.measure(Copy(2), [1, 2]), r"expected at least three different lengths"),
        Wrong(lambda: dependencies.measure(Copy(2), [1, 2, 3], budget=-1), r"budget: got -1; expected an integer >= 0"),
        Wrong(
            lambda: dependencies.measure(Copy(2), [1, 2, 3], budget=0, rng=7), r"rng: got the int 7; expected a numpy"
        ),
        Wrong(
            lambda: dependencies.idle_slots(Copy(2), []), r"idle_slots: argument lengths: got none; expected at least"
        ),
        Wrong(
            lambda: dependencies.synthesize(BARE, cap=0), r"synthesize: argument cap: got 0; expected an integer >= 1"
        ),
        Wrong(
            lambda: dependencies.synthesize("ab", cap=1), r"instance_or_sets: got the str 'ab'; expected an Instance or"
        ),
        Wrong(
            lambda: dependencies.synthesize([0, 1], cap=1), r"instance_or_sets\[0\]: got the int 0; expected a set of"
        ),
        Wrong(
            lambda: dependencies.synthesize([(0, -1)], cap=1), r"instance_or_sets\[0\]\[1\]: got -1; expected an int"
        ),
        Wrong(
            lambda: dependencies.lower_bound([()], cap=1), r"lower_bound: argument instance_or_sets: got no positions"
        ),
        Wrong(
            lambda: dependencies.synthesize_rule([BARE, LONGER], cap=1),
            r"instances\[0\]: got an instance without parts",
        ),
        Wrong(
            lambda: dependencies.synthesize_rule(PARTS[:1], cap=1), r"got 1 instances of one length; expected instances"
        ),
        Wrong(
            lambda: dependencies.synthesize_rule(7, cap=1), r"instances: got the int 7; expected instances by length"
        ),
        Wrong(lambda: dependencies.measure(Copy(2), [2], samples=0), r"measure: argument samples: got 0"),
        Wrong(lambda: RULE(first(CARRY, 2)), r"Rule: argument instance: got the parts \['\+', '=', 'a', 'b', 'sum'\]"),
        Wrong(lambda: RULE.coupling("copy"), r"Rule.coupling: argument task: got the str 'copy'"),
        Wrong(
            lambda: RULE.coupling(Copy(2))(4),
            r"length: got 4; expected the length of a sequence of copy. The nearest ones that were tried are \[3, 5\]\.",
        ),
    ],
    ids=lambda wrong: wrong.message[:40],
)
def test_messages_say_what_is_wrong(wrong: Wrong) -> None:
    with pytest.raises(InvalidArgument, match=wrong.message):
        wrong.call()


def test_a_large_support_without_a_generator_is_refused() -> None:
    with pytest.raises(
        BudgetExceeded, match=r"Pass a generator \(rng=np.random.default_rng\(seed\)\) to sample 9 inst"
    ):
        dependencies.measure(Copy(2), [2, 3, 20], samples=9)


def test_a_cap_that_no_rule_keeps() -> None:
    tight = [Instance((0,) * n, (0,) * n, (Step(n - 1, ()),), parts=("x",) * (n - 2) + ("y", "z")) for n in (4, 5)]
    with pytest.raises(AssumptionViolated, match="argument cap: got 1, under which no rule of this form exists"):
        dependencies.synthesize_rule(tight, cap=1, offsets=0)
