"""The strategies: whatever they draw is valid and within the bounds, and they shrink to what a person would write."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.claims import attack, t7
from proofs_check.problem import Problem
from theory import HeadClass, InvalidArgument, Mixture, PlantedEnsemble, PlantedLaw, bounds, positions, support
from theory.claims import CLAIMS
from theory.positions import PositionScheme
from theory.support import Fixed, Local, Paired, SupportLaw, Uniform

T = TypeVar("T")
FEW = hypothesis.settings(max_examples=40)


DRAW = hypothesis.settings(
    max_examples=500, database=None, derandomize=True, deadline=None, report_multiple_bugs=False,
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
)  # fmt: skip


def minimal(strategy: SearchStrategy[T], condition: Callable[[T], bool] = lambda value: True) -> T:
    """The simplest value that satisfies a condition; fails when there is none."""
    return hypothesis.find(strategy, condition, settings=DRAW)


def find_any(strategy: SearchStrategy[T], condition: Callable[[T], bool]) -> T:
    """Some value that satisfies a condition, as it was drawn; fails when there is none."""
    return hypothesis.find(strategy, condition, settings=hypothesis.settings(DRAW, phases=[hypothesis.Phase.generate]))


# ── Simplest values ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_simplest_ensemble_is_one_word_of_one_token() -> None:
    ens = minimal(strategies.planted_ensembles())
    assert ens == PlantedEnsemble(2, [1, 0], {(0,): 1}, {(0,): 0}, support.uniform())


def test_the_simplest_laws_are_uniform() -> None:
    assert minimal(strategies.laws_on(["a", "b", "c"])) == dict.fromkeys("abc", Fraction(1, 3))


def test_the_simplest_support_scheme_and_class() -> None:
    assert minimal(strategies.support_laws()) == support.uniform()
    assert minimal(strategies.position_schemes()) == positions.absolute()
    assert minimal(strategies.head_classes()) == HeadClass(1)


def test_the_simplest_law_is_planted_at_the_shortest_length() -> None:
    ens = minimal(strategies.planted_ensembles())
    assert minimal(strategies.laws(ens)) == ens.at(1)


def test_the_simplest_problem_is_the_smallest_of_everything() -> None:
    ens = minimal(strategies.planted_ensembles())
    small = strategies.problems(max_heads=3, max_length=2)
    assert minimal(small) == Problem(HeadClass(1), ens.at(1), ens.at(1))


def test_the_simplest_parity_problem_is_two_bits() -> None:
    parity = minimal(strategies.parity_problems())
    assert isinstance(parity.train, PlantedLaw)
    assert parity.heads == HeadClass(1)
    assert parity.train == parity.test
    assert (parity.train.length, parity.train.ensemble.arity, parity.train.ensemble.vocabulary) == (2, 2, 2)


# ── Everything can be drawn ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [Uniform, Local, Paired])
def test_every_support_law_can_be_drawn(kind: type[SupportLaw]) -> None:
    assert isinstance(find_any(strategies.support_laws(), lambda law: isinstance(law, kind)), kind)


@pytest.mark.parametrize("name", ["RandomShift", "RandomOrdered", "ChunkedShift", "Coupled"])
def test_every_scheme_can_be_drawn(name: str) -> None:
    scheme = find_any(strategies.position_schemes(), lambda scheme: type(scheme).__name__ == name)
    assert isinstance(scheme, PositionScheme)


@pytest.mark.parametrize("key", ["none", "order", "relative", "absolute"])
@pytest.mark.parametrize("anchor", ["none", "last"])
@pytest.mark.parametrize("window", [None, 0, 2])
def test_every_head_class_can_be_drawn(key: str, anchor: str, window: int | None) -> None:
    def wanted(heads: HeadClass) -> bool:
        return (heads.key, heads.anchor, heads.window) == (key, anchor, window)

    assert wanted(find_any(strategies.head_classes(), wanted))


CONDITIONS: dict[str, Callable[[Problem], bool]] = {
    "a mixture": lambda problem: isinstance(problem.train, Mixture),
    "another support law at test": lambda problem: (
        isinstance(problem.train, PlantedLaw)
        and isinstance(problem.test, PlantedLaw)
        and problem.train.support_law != problem.test.support_law
    ),
    "two labels": lambda problem: len(problem.labels) == 2,
    "planted tokens as noise": lambda problem: (
        isinstance(problem.train, PlantedLaw)
        and any(problem.train.ensemble.background[t] for word in problem.train.ensemble.planted for t in word)
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_interesting_problems_can_be_drawn(name: str) -> None:
    assert CONDITIONS[name](find_any(strategies.problems(max_heads=3**5), CONDITIONS[name]))


# ── Bounds and hypotheses ────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@hypothesis.given(
    strategies.planted_ensembles(min_arity=2, max_arity=3, min_vocabulary=3, max_vocabulary=4, max_labels=3)
)
def test_ensembles_keep_their_bounds(ens: PlantedEnsemble) -> None:
    assert 2 <= ens.arity <= 3
    assert 3 <= ens.vocabulary <= 4
    assert len(ens.labels) <= 3
    assert 1 <= len(ens.planted) <= 4
    assert sum(ens.planted.values()) == sum(ens.background) == 1


@pytest.mark.parametrize("wrong", [{"min_arity": 3, "max_arity": 2}, {"min_vocabulary": 4, "max_vocabulary": 3}])
def test_bounds_that_cannot_be_met_are_refused_when_drawn(wrong: dict[str, int]) -> None:
    strategy: SearchStrategy[Any] = strategies.planted_ensembles(**wrong)
    with pytest.raises(
        InvalidArgument, match=r"planted_ensembles: argument max_arity: got bounds .*expected bounds with"
    ):
        find_any(strategy, lambda ens: True)


@FEW
@hypothesis.given(st.data())
def test_full_support_laws_have_every_set(data: st.DataObject) -> None:
    anchor = data.draw(st.sampled_from(["none", "last"]))
    law = data.draw(strategies.full_support_laws(4, 2, anchor))  # type: ignore[arg-type]
    assert isinstance(law, Fixed)
    assert [set_ for set_, _ in law.sets(4, 2)] == [set_ for set_, _ in support.uniform(anchor).sets(4, 2)]  # type: ignore[arg-type]


@FEW
@hypothesis.given(strategies.problems(max_heads=100, max_length=3, same_support=True))
def test_problems_keep_their_bounds(problem: Problem) -> None:
    parts = [
        part
        for law in (problem.train, problem.test)
        for part, _ in (law.components if isinstance(law, Mixture) else [(law, 1)])
    ]
    assert all(isinstance(part, PlantedLaw) for part in parts)
    assert len({repr(part.ensemble) for part in parts}) == 1  # type: ignore[attr-defined]
    assert problem.space().size <= 100
    assert max(example.length for example in problem.train.support()) <= 3
    assert max(example.length for example in problem.test.support()) <= 4


@FEW
@hypothesis.given(strategies.certificate_problems())
def test_certificate_problems_are_under_the_hypotheses_of_t2(problem: Problem) -> None:
    train, test, heads = problem.train, problem.test, problem.heads
    assert isinstance(train, PlantedLaw)
    assert isinstance(test, PlantedLaw)
    assert (heads.key, heads.window) == ("none", None)
    assert bounds.certificate(heads.arity, heads.anchor) <= train.length < test.length
    for law in (train, test):
        every = [set_ for set_, _ in support.uniform(heads.anchor).sets(law.length, heads.arity)]
        assert [set_ for set_, weight in law.support_law.sets(law.length, heads.arity) if weight > 0] == every


@FEW
@hypothesis.given(strategies.parity_problems())
def test_parity_problems_are_under_the_hypotheses_of_t7(problem: Problem) -> None:
    assert problem.heads.arity < t7.arity_of(problem.train)
    part = problem.train.components[0][0] if isinstance(problem.train, Mixture) else problem.train
    assert isinstance(part, PlantedLaw)
    assert len(set(part.ensemble.planted.values())) == 1
    assert all(label == sum(word) % 2 for word, label in part.ensemble.target.items())


@pytest.mark.parametrize("claim_id", [claim.id for claim in CLAIMS])
def test_what_a_claim_draws_is_never_empty_and_can_be_under_its_hypotheses(claim_id: str) -> None:
    plan = attack(claim_id)
    for sampler in plan.samplers:
        problem = find_any(sampler.strategy(), plan.nonvacuous)
        assert plan.refute(problem, plan.stated) is None
        assert all(p > 0 for _, p in problem.train.items())
