"""Proofs by Herbrand's theorem: `prove` must refuse what does not follow, and T1's lemmas need every premise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sympy

from proofs_check import herbrand
from proofs_check.claims import t1
from proofs_check.herbrand import Formula, atom, prove, same

P, Q, R = sympy.symbols("p q r")


def test_prove_counts_what_it_decided() -> None:
    assert prove("modus ponens", [P, P >> Q], Q) == 4
    assert prove("chain", [P, P >> Q, Q >> R], R) == 5


def test_prove_fails_on_a_false_lemma() -> None:
    with pytest.raises(AssertionError, match=r"^converse: the premises do not imply the goal$"):
        prove("converse", [Q, P >> Q], P)


def test_prove_fails_on_contradicting_premises() -> None:
    with pytest.raises(AssertionError, match=r"^anything: the premises contradict themselves$"):
        prove("anything", [P, ~P], Q)


@pytest.mark.parametrize("position", range(3))
def test_prove_fails_on_an_unneeded_premise(position: int) -> None:
    premises = [P, P >> Q]
    premises.insert(position, R)
    with pytest.raises(AssertionError, match=r"^padded: a premise is not needed$"):
        prove("padded", premises, Q)


def test_prove_fails_on_a_goal_that_is_always_true() -> None:
    with pytest.raises(AssertionError, match="a premise is not needed"):
        prove("trivial", [P], sympy.true)


def test_equality_is_symmetric_by_name_and_transitive_by_axiom() -> None:
    assert same("a", "b") == same("b", "a")
    assert atom("in", "e", "v") == sympy.Symbol("in(e,v)")
    premises = [same("a", "b"), same("c", "b")]
    assert prove("transitivity", premises, same("a", "c"), terms=["a", "b", "c"]) == 4
    with pytest.raises(AssertionError, match="do not imply"):
        prove("no axioms", premises, same("a", "c"))
    with pytest.raises(AssertionError, match="do not imply"):
        prove("not enough", premises, same("a", "d"), terms=["a", "b", "c", "d"])


def test_every_chain_of_equalities_has_its_axiom() -> None:
    assert len(herbrand.equality_axioms(["a", "b", "c", "d"])) == 12  # the middle term, times the pairs of the others


Lemma = tuple[str, list[Formula], Formula, Sequence[str]]


@pytest.fixture(scope="module")
def lemmas() -> list[Lemma]:
    """The lemmas of T1's proof, as `prove_criterion` states them."""
    stated: list[Lemma] = []

    def record(lemma: str, premises: Sequence[Formula], goal: Formula, *, terms: Sequence[str] = ()) -> int:
        stated.append((lemma, list(premises), goal, terms))
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(t1, "prove", record)
        assert t1.prove_criterion() == 0
    return stated


def test_the_proof_of_t1_has_all_its_lemmas(lemmas: list[Lemma]) -> None:
    names = [name for name, *_ in lemmas]
    assert len(names) == len(set(names)) == 6
    for part in ("is consistent", "no selected view", "no abstention", "of (a)", "of (b)", "of (c)"):
        assert sum(part in name for name in names) == 1
    assert t1.prove_criterion() == sum(2 + len(premises) for _, premises, *_ in lemmas)


def test_no_lemma_of_t1_survives_without_one_of_its_premises(lemmas: list[Lemma]) -> None:
    for name, premises, goal, terms in lemmas:
        for i in range(len(premises)):
            with pytest.raises(AssertionError, match="the premises do not imply the goal"):
                prove(name, premises[:i] + premises[i + 1 :], goal, terms=terms)


def test_no_lemma_of_t1_holds_with_its_goal_denied(lemmas: list[Lemma]) -> None:
    for name, premises, goal, terms in lemmas:
        with pytest.raises(AssertionError, match="the premises do not imply the goal"):
            prove(name, premises, sympy.Not(goal), terms=terms)


def test_a_wrong_lemma_makes_the_proof_of_t1_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_labels(*parts: str) -> Any:
        return sympy.true

    monkeypatch.setattr(t1, "zero_loss", no_labels)
    with pytest.raises(AssertionError, match="a selected view of a training example is consistent"):
        t1.prove_criterion()
