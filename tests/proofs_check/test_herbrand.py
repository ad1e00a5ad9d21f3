"""Proofs by Herbrand's theorem: `prove` must refuse what does not follow, and T1's lemmas need every premise."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
import sympy
from sympy.logic.inference import satisfiable

from proofs_check.claims import herbrand, t1
from proofs_check.claims.herbrand import Formula, atom, prove, same
from proofs_check.claims.t1 import inside, right, selects, train

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
    parts = (
        "selects only consistent", "realizable, necessity", "realizable, sufficiency", "sufficiency: with",
        "necessity of (a)", "necessity of (b)", "necessity of (c)", "together are T1",
    )  # fmt: skip
    names = [name for name, *_ in lemmas]
    assert len(names) == len(set(names)) == len(parts)
    assert all(part in name for part, name in zip(parts, names, strict=True))
    assert t1.prove_criterion() == sum(2 + len(premises) for _, premises, *_ in lemmas)


SABOTAGED: dict[str, tuple[str, Formula]] = {
    "a perfect head that selects nothing": ("sufficiency: with", ~selects("h", "w")),
    "a perfect head that errs at test": (
        "sufficiency: with",
        inside("e", "v") & selects("h", "v") & ~same("answer h v", "label e"),
    ),
    "a maximal head that selects nothing": ("realizable, sufficiency", train("e1") & ~selects("m", "w")),
    "the unseen view is answered rightly": ("necessity of (a)", same("answer n u", "label e")),
    "the unseen view is not selected": ("necessity of (a)", ~selects("n", "u")),
    "the head of (a) selects nothing in training": ("necessity of (a)", train("e1") & ~selects("n", "w")),
    "the head of (a) errs in training": ("necessity of (a)", train("e1") & ~right("n", "e1", "v")),
    "the flipped view is not selected": ("necessity of (b)", ~selects("m", "v")),
    "the flipped view is answered rightly": ("necessity of (b)", same("answer m v", "label e")),
    "the head of (c) selects nothing in training": ("necessity of (c)", train("e1") & ~selects("n", "w")),
    "the head of (c) errs in training": ("necessity of (c)", train("e1") & ~right("n", "e1", "v")),
    "the head of (c) selects a view of the test example": ("necessity of (c)", inside("e", "v") & selects("n", "v")),
}


@pytest.mark.parametrize("name", SABOTAGED)
def test_no_lemma_of_t1_leaves_room_for_another_head(name: str, lemmas: list[Lemma]) -> None:
    part, sabotage = SABOTAGED[name]
    ((_, premises, _, terms),) = [lemma for lemma in lemmas if part in lemma[0]]
    facts = sympy.And(*herbrand.equality_axioms(terms), *premises)
    assert satisfiable(facts)
    assert not satisfiable(facts & sabotage)


def test_the_premises_of_sufficiency_are_true_of_a_law_that_generalizes(lemmas: list[Lemma]) -> None:
    """Token 1 is inconsistent: whatever else the premises say, they must not say that its labels agree."""
    ((_, premises, goal, _),) = [lemma for lemma in lemmas if "sufficiency: with" in lemma[0]]
    examples = {"e": ((0, 1), 0), "e1": ((0, 1), 0), "other": ((2, 1), 1)}
    answers = {0: 0, 2: 1}  # the maximal head; tokens 0 and 2 are consistent

    def holds(formula: Formula, named: dict[str, tuple[tuple[int, ...], int]], views: dict[str, int]) -> bool:
        values: dict[Formula, bool] = {}
        for symbol in formula.free_symbols:
            kind, *parts = re.split(r"[(),]", str(symbol))[:-1]
            match kind:
                case "train":
                    values[symbol] = True
                case "in":
                    values[symbol] = views[parts[1]] in named[parts[0]][0]
                case "selects":
                    values[symbol] = views[parts[1]] in answers
                case "consistent":
                    values[symbol] = views[parts[0]] in answers
                case "same":
                    labels = [
                        named[part.split()[-1]][1] if part.startswith("label") else answers.get(views[part.split()[-1]])
                        for part in parts
                    ]
                    values[symbol] = labels[0] == labels[1]
        return bool(formula.subs(values))

    for v in (0, 1):
        for e2 in ("e1", "other"):
            if v in examples[e2][0]:
                named, views = {**examples, "e2": examples[e2]}, {"v": v, "w": 0}
                assert all(holds(formula, named, views) for formula in (*premises, goal))


def test_one_label_leaves_the_unseen_view_no_wrong_answer() -> None:
    assert t1.prove_criterion(statement=t1.Statement(needs_two_labels=True)) > 0
    with pytest.raises(AssertionError, match=r"necessity of \(a\).*: the premises do not imply the goal"):
        t1.prove_criterion(statement=t1.Statement(needs_two_labels=False))


@pytest.mark.parametrize("name", t1.claim.mutants)
def test_a_mutant_of_t1_has_no_proof(name: str) -> None:
    with pytest.raises(AssertionError, match=r"do not imply the goal|is not needed"):
        t1.prove_criterion(**t1.claim.mutants[name])


def test_no_lemma_of_t1_survives_without_one_of_its_premises(lemmas: list[Lemma]) -> None:
    for name, premises, goal, terms in lemmas:
        for i in range(len(premises)):
            with pytest.raises(AssertionError, match="the premises do not imply the goal"):
                prove(name, premises[:i] + premises[i + 1 :], goal, terms=terms)


def test_no_lemma_of_t1_holds_with_its_goal_denied(lemmas: list[Lemma]) -> None:
    for name, premises, goal, terms in lemmas:
        with pytest.raises(AssertionError, match="the premises do not imply the goal"):
            prove(name, premises, sympy.Not(goal), terms=terms)


def test_without_right_answers_in_training_t1_has_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t1, "right", lambda *parts: sympy.true)
    with pytest.raises(AssertionError, match="a perfect head selects only consistent views in training"):
        t1.prove_criterion()
