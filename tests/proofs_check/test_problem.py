"""A problem decides by two routes: all hard heads, and T1."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from proofs_check.claims import t1
from proofs_check.claims.claim import require
from proofs_check.claims.families import marked_parity, random_pairs
from proofs_check.problem import ENUMERATED_HEADS, Problem, in_words
from tests import routes
from theory import Example, FiniteLaw, HeadClass, decide


def test_perfect_heads_are_those_without_loss() -> None:
    problem = Problem(HeadClass(1), marked_parity(1).at(1), marked_parity(1).at(2))
    trained, tested = problem.perfect()
    for head, in_training, at_test in zip(problem.space(), trained, tested, strict=True):
        assert in_training == (routes.expected_loss(head, problem.train) == 0)
        assert at_test == (routes.expected_loss(head, problem.test) == 0)
    assert problem.brute_force() == "fails"


def test_brute_force_is_what_t1_says() -> None:
    outcomes = set()
    for problem in islice(t1._single_tokens("quick"), 0, 3000, 41):
        assert problem.verdict().outcome == problem.brute_force()
        assert problem.verdict() == decide(problem.heads, train=problem.train, test=problem.test)
        outcomes.add(problem.brute_force())
    assert outcomes == {"unrealizable", "generalizes", "fails"}


@pytest.mark.parametrize(("arity", "number"), [(1, 27), (2, ENUMERATED_HEADS), (3, 0)])
def test_heads_are_enumerated_up_to_a_number(arity: int, number: int) -> None:
    law = marked_parity(arity).at(2 * arity)
    assert Problem(HeadClass(arity), law, law).n_enumerated == number


def test_only_planted_laws_are_planted() -> None:
    law = marked_parity(1).at(2)
    assert Problem(HeadClass(1), law, law).planted == (law, law)
    with pytest.raises(AssertionError):
        _ = Problem(HeadClass(1), law, FiniteLaw.uniform([Example((1,), (0,), 1)])).planted


def test_random_pairs_are_as_many_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_pairs(rng, 4) for _ in range(20)]
    assert {len(ens.target) for ens in drawn} == {4}
    assert {sum(p > 0 for p in ens.background) for ens in drawn} == {1, 2}
    assert {label for ens in drawn for label in ens.target.values()} == {0, 1}


def test_require_names_the_step() -> None:
    require(True, "the first step")
    with pytest.raises(AssertionError, match=r"^the second step$"):
        require(False, "the second step")


@pytest.mark.parametrize(("size", "words"), [(8, "1/8 of (7,) with IDs (0,) -> 1"), (9, "9 examples")])
def test_a_law_of_few_examples_is_listed_in_words(size: int, words: str) -> None:
    law = FiniteLaw.uniform([Example((token,), (0,), 1) for token in range(size)])
    text = in_words(Problem(HeadClass(1), law, law))
    assert words in text
    assert ("examples" in text) == (size == 9)
