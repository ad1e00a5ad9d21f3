"""The problems that claims are tried on: under their hypotheses, within their bounds, and small when shrunk."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies as st

from proofs_check import strategies
from proofs_check.claims import drawn, find, t6, t7
from proofs_check.problem import Problem
from tests.shrinking import FEW, find_any, minimal
from theory import HeadClass, Mixture, PlantedLaw, bounds, support
from theory.claims import CLAIMS
from theory.support import Fixed


def test_the_simplest_law_is_planted_at_the_shortest_length() -> None:
    ens = minimal(strategies.planted_ensembles())
    assert minimal(drawn.laws(ens)) == ens.at(1)


def test_the_simplest_problem_is_the_smallest_of_everything() -> None:
    ens = minimal(strategies.planted_ensembles())
    small = drawn.problems(max_heads=3, max_length=2)
    assert minimal(small) == Problem(HeadClass(1), ens.at(1), ens.at(1))


def test_the_simplest_parity_problem_is_two_bits() -> None:
    parity = minimal(drawn.parity_problems())
    assert isinstance(parity.train, PlantedLaw)
    assert parity.heads == HeadClass(1)
    assert parity.train == parity.test
    assert (parity.train.length, parity.train.ensemble.arity, parity.train.ensemble.vocabulary) == (2, 2, 2)


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
    assert CONDITIONS[name](find_any(drawn.problems(max_heads=3**5), CONDITIONS[name]))


@FEW
@hypothesis.given(st.data())
def test_full_support_laws_have_every_set(data: st.DataObject) -> None:
    anchor = data.draw(st.sampled_from(["none", "last"]))
    law = data.draw(drawn.full_support_laws(4, 2, anchor))  # type: ignore[arg-type]
    assert isinstance(law, Fixed)
    assert [set_ for set_, _ in law.sets(4, 2)] == [set_ for set_, _ in support.uniform(anchor).sets(4, 2)]  # type: ignore[arg-type]


@FEW
@hypothesis.given(drawn.problems(max_heads=100, max_length=3, same_support=True))
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
@hypothesis.given(drawn.certificate_problems())
def test_certificate_problems_are_under_the_hypotheses_of_t2(problem: Problem) -> None:
    train, test, heads = problem.train, problem.test, problem.heads
    assert isinstance(train, PlantedLaw)
    assert isinstance(test, PlantedLaw)
    assert (heads.key, heads.window) == ("none", None)
    assert max(heads.arity, bounds.certificate(heads.arity, heads.anchor) - 1) <= train.length < test.length
    for law in (train, test):
        every = [set_ for set_, _ in support.uniform(heads.anchor).sets(law.length, heads.arity)]
        assert [set_ for set_, weight in law.support_law.sets(law.length, heads.arity) if weight > 0] == every


@FEW
@hypothesis.given(drawn.parity_problems())
def test_parity_problems_are_under_the_hypotheses_of_t7(problem: Problem) -> None:
    assert problem.heads.arity < t7.arity_of(problem.train)
    part = problem.train.components[0][0] if isinstance(problem.train, Mixture) else problem.train
    assert isinstance(part, PlantedLaw)
    assert len(set(part.ensemble.planted.values())) == 1
    assert all(label == sum(word) % 2 for word, label in part.ensemble.target.items())


@FEW
@hypothesis.given(drawn.dilution_problems(lambda problem: len(problem.labels) == 3))
def test_dilution_problems_stand_out_as_they_are_asked_to(problem: Problem) -> None:
    assert len(problem.labels) == 3
    assert problem.train is problem.test


def test_what_t6_draws_is_under_its_hypotheses() -> None:
    strategy = t6.claim.samplers[0].strategy()
    assert t6.nonvacuous(minimal(strategy))
    with pytest.raises(hypothesis.errors.NoSuchExample):
        hypothesis.find(strategy, lambda problem: not t6.nonvacuous(problem), settings=FEW)


@pytest.mark.parametrize("claim_id", [claim.id for claim in CLAIMS])
def test_what_a_claim_draws_is_never_empty_and_can_be_under_its_hypotheses(claim_id: str) -> None:
    plan = find(claim_id)
    for sampler in plan.samplers:
        problem = find_any(sampler.strategy(), plan.holds_on)
        assert plan.facts(problem) is None
        assert all(p > 0 for _, p in problem.train.items())
