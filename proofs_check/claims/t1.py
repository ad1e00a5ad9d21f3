"""T1, the exact criterion, against brute force over all hard heads, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Literal

import numpy as np

from idealized_model import HeadSpace
from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler
from proofs_check.families import ensemble, ensembles
from proofs_check.herbrand import Formula, atom, prove, same
from proofs_check.problem import Problem, ViewCase, view_cases
from theory import Example, FiniteLaw, HeadClass, Law, decide, positions, support
from theory.examples import Label
from theory.heads import View

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """T1 with its parts as switches; the defaults are the claim."""

    seen: bool = True
    no_flip: bool = True
    domination: Literal["exists", "every", "reversed", "all views", "off"] = "exists"
    realizable: Literal["every example", "some example", "unguarded"] = "every example"
    needs_two_labels: bool = True

    def speaks_of(self, problem: Problem) -> bool:
        """Whether the statement says anything about a problem: with one label it says nothing."""
        return not self.needs_two_labels or len(problem.labels) > 1

    def outcome(self, train: list[ViewCase], test: list[ViewCase]) -> str:
        """What the statement says about a problem that it speaks of: straight from its text."""
        labels_of: dict[View, set[Label]] = {}
        for views, label in train:
            for view in views:
                labels_of.setdefault(view, set()).add(label)
        consistent = {view for view, labels in labels_of.items() if len(labels) == 1}
        has_view = [bool(views & consistent) for views, _ in train]
        if self.realizable == "every example" and not all(has_view):
            return "unrealizable"
        if self.realizable == "some example" and not any(has_view):
            return "unrealizable"
        if self.seen and any(view not in labels_of for views, _ in test for view in views):
            return "fails"
        flips = (view in consistent and labels_of[view] != {label} for views, label in test for view in views)
        if self.no_flip and any(flips):
            return "fails"
        return "generalizes" if all(self._dominates(views, train, consistent) for views, _ in test) else "fails"

    def _dominates(self, views: frozenset[View], train: list[ViewCase], consistent: set[View]) -> bool:
        match self.domination:
            case "exists":
                return any(other & consistent <= views for other, _ in train)
            case "every":
                return all(other & consistent <= views for other, _ in train)
            case "reversed":
                return any(views & consistent <= other for other, _ in train)
            case "all views":
                return any(other <= views for other, _ in train)
            case "off":
                return True


STATED = Statement()
MUTANTS = {
    "without (a)": replace(STATED, seen=False),
    "without (b)": replace(STATED, no_flip=False),
    "without (c)": replace(STATED, domination="off"),
    "(c) for every train example": replace(STATED, domination="every"),
    "(c) reversed": replace(STATED, domination="reversed"),
    "(c) with all views instead of the consistent ones": replace(STATED, domination="all views"),
    "realizable iff some example has a consistent view": replace(STATED, realizable="some example"),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """Compare the statement with brute force; for the claim itself also `decide` and its counterexample head."""
    truth, space = problem.brute_force(), problem.space()
    train, test = list(view_cases(problem.heads, problem.train)), list(view_cases(problem.heads, problem.test))
    if statement.realizable == "unguarded" and truth == "unrealizable":
        truth = "generalizes"  # Definition 5 is vacuous without zero-loss heads
    says = statement.outcome(train, test) if statement.speaks_of(problem) else truth
    facts: Facts = {"statement": says, "brute_force": truth, "heads": space.size}
    if says != truth:
        return facts
    if statement == STATED:
        verdict = problem.verdict()
        if verdict.outcome != truth:
            return {**facts, "decide": verdict.outcome}
        if verdict.counterexample is not None:
            trained, tested = problem.perfect()
            number = _number(space, verdict.counterexample.answers)
            if not trained[number] or tested[number]:
                return {**facts, "decide": "a counterexample that is none", "head": number}
    return None


def _number(space: HeadSpace, answers: object) -> int:
    assert isinstance(answers, dict)
    base = len(space.labels) + 1
    digits = (space.labels.index(answers[v]) + 1 if v in answers else 0 for v in space.views)
    return sum(digit * base**place for place, digit in enumerate(digits))


def cases(problem: Problem) -> int:
    """One case a hard head on the views that occur."""
    return problem.space().size


def nonvacuous(problem: Problem) -> bool:
    """Whether T1 speaks of the problem and some head has zero training loss."""
    train, test = view_cases(problem.heads, problem.train), view_cases(problem.heads, problem.test)
    return STATED.speaks_of(problem) and STATED.outcome(list(train), list(test)) != "unrealizable"


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _length_pairs(heads: HeadClass, shortest: int, longest: int, laws: Callable[[int], Law]) -> Iterator[Problem]:
    at = {length: laws(length) for length in range(shortest, longest + 1)}
    for train, test in product(at, at):
        yield Problem(heads, at[train], at[test])


def _single_tokens(profile: Profile) -> Iterator[Problem]:
    for vocabulary in (2, 3):
        longest = 4 if profile == "quick" else 6
        for ens in ensembles(1, vocabulary):
            yield from _length_pairs(HeadClass(1), 1, longest, ens.at)


def _pairs(profile: Profile) -> Iterator[Problem]:
    longest = 5 if profile == "quick" else 6
    for ens in ensembles(2, 2):
        yield from _length_pairs(HeadClass(2), 2, longest, ens.at)


def _pairs_with_offsets(profile: Profile) -> Iterator[Problem]:
    longest, width = (4, 2) if profile == "quick" else (5, 3)
    for law in (support.uniform(), support.local(1)):
        for ens in ensembles(2, 2, law=law, max_words=None if profile == "full" else 2):
            yield from _length_pairs(HeadClass(2, width, "relative"), 2, longest, ens.at)


def _absolute_tokens(profile: Profile) -> Iterator[Problem]:
    longest = 3 if profile == "quick" else 4
    for ens in ensembles(1, 2):
        for shift in (0, 1):
            at = partial(ens.at, positions=positions.random_shift(0, shift))
            yield from _length_pairs(HeadClass(1, None, "absolute"), 1, longest, at)


def _set_systems(profile: Profile) -> Iterator[Problem]:
    """Every labelled set system over 3 tokens: T1 without any planting (arity 1: the views are the tokens)."""
    kinds = [
        Example(tokens, tuple(range(len(tokens))), label)
        for size in (1, 2, 3)
        for tokens in combinations(range(3), size)
        for label in (0, 1)
    ]
    laws = {}
    for size in range(1, (3 if profile == "quick" else 5) + 1):
        for chosen in combinations(kinds, size):
            laws[chosen] = FiniteLaw.uniform(chosen, labels=(0, 1))
    heads = HeadClass(1)
    for law in laws.values():
        for kind in kinds:
            yield Problem(heads, law, laws[kind,])


# ── The proof, lemma by lemma ────────────────────────────────────────────────────────────────────────────────────────


def zero_loss(example: str, view: str) -> Formula:
    """A zero-loss head answers the label of a training example on every selected view of it."""
    return (atom("train", example) & atom("in", example, view) & atom("selected", view)) >> same(
        f"answer {view}", f"label {example}"
    )


def prove_criterion() -> int:
    """The lemmas of T1's proof, for laws of any size: sufficiency (no wrong answer, no abstention), necessity of each.

    Constants: a test example e, views v, w, training examples e1.. given by the premises' existential quantifiers.
    """
    selected, consistent = atom("selected", "v"), atom("consistent", "v")
    chosen = atom("chosen", "v")  # by the head that the necessity proofs build

    def inside(example: str, view: str = "v") -> Formula:
        return atom("in", example, view)

    def train(example: str) -> Formula:
        return atom("train", example)

    terms = ["answer v", "label e", "label e1", "label e2", "label e3"]
    inconsistent = (  # an inconsistent seen view occurs in training with two labels
        train("e2") & inside("e2") & train("e3") & inside("e3") & ~same("label e2", "label e3")
    )
    steps = prove(
        "a selected view of a training example is consistent",
        [selected, ~consistent >> inconsistent, zero_loss("e2", "v"), zero_loss("e3", "v")],
        consistent,
        terms=terms,
    )
    steps += prove(
        "sufficiency: no selected view of a test example is wrong",
        [
            selected & inside("e"),
            inside("e") >> (train("e1") & inside("e1")),  # (a)
            (train("e1") & inside("e1") & selected) >> consistent,  # the lemma above
            zero_loss("e1", "v"),
            (consistent & inside("e") & train("e1") & inside("e1")) >> same("label e", "label e1"),  # (b)
        ],
        same("answer v", "label e"),
        terms=terms,
    )
    steps += prove(
        "sufficiency: no abstention on a test example",
        [
            train("e1"),
            train("e1") >> (inside("e1") & selected),  # zero loss: e1 has a selected view v
            (train("e1") & inside("e1") & selected) >> consistent,
            (inside("e1") & consistent) >> inside("e"),  # (c) at e gives e1
        ],
        inside("e") & selected,
    )
    steps += prove(
        "necessity of (a): an unseen view u may be selected with any answer",
        [
            chosen >> (selected | same("v", "u")),
            (train("e1") & inside("e1")) >> ~same("v", "u"),  # u never occurs in training
            ~same("v", "u") >> same("answer v", "new answer v"),
            zero_loss("e1", "v"),
        ],
        (train("e1") & inside("e1") & chosen) >> same("new answer v", "label e1"),
        terms=["answer v", "label e1", "new answer v"],
    )
    steps += prove(
        "necessity of (b): the maximal head has zero training loss and errs on the flip",
        [
            chosen >> consistent,
            (consistent & train("e1") & inside("e1")) >> same("answer v", "label e1"),
            (consistent & inside("e")) >> ~same("answer v", "label e"),  # the flip
        ],
        ((train("e1") & inside("e1") & chosen) >> same("answer v", "label e1"))
        & ((inside("e") & chosen) >> ~same("answer v", "label e")),
    )
    steps += prove(
        "necessity of (c): all consistent views but those of e hit every training example and miss e",
        [
            train("e1") >> (inside("e1", "w") & atom("consistent", "w") & ~inside("e", "w")),  # (c) fails at e1
            (atom("consistent", "w") & ~inside("e", "w")) >> atom("chosen", "w"),
            chosen >> ~inside("e"),
        ],
        (train("e1") >> (inside("e1", "w") & atom("chosen", "w"))) & ~(chosen & inside("e")),
    )
    return steps


# ── Random problems and the adversary ────────────────────────────────────────────────────────────────────────────────


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import problems

    return problems(max_heads=3**9)


def _adversary(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """Where T1 says `generalizes`, try to build a perfect head that abstains or errs at test, at sizes beyond 3^M."""
    rounds = 40 if profile == "quick" else 600
    attempts = sizes = successes = fails = 0
    for _ in range(rounds):
        problem = _large_problem(rng)
        train, test = view_cases(problem.heads, problem.train), view_cases(problem.heads, problem.test)
        verdict = decide(problem.heads, train=problem.train, test=problem.test)
        if verdict.outcome == "unrealizable":
            continue
        labels_of: dict[View, set[Label]] = {}
        for views, label in train:
            for view in views:
                labels_of.setdefault(view, set()).add(label)
        usable = [view for view, labels in labels_of.items() if len(labels) == 1]
        broke = False
        for target, _ in test:
            # Greedy: drop the target's views, then others, while every training example stays hit.
            kept = set(usable)
            order = sorted(target & kept) + [usable[i] for i in rng.permutation(len(usable)) if usable[i] not in target]
            for view in order:
                if all(views & kept - {view} for views, _ in train if view in views):
                    kept.discard(view)
            wrong = any(labels_of[view] != {label} for views, label in test for view in views & kept)
            broke |= wrong or any(not views & kept for views, _ in test)
            attempts += 1
        tick(len(test))
        sizes = max(sizes, len(usable))
        fails += verdict.outcome == "fails"
        successes += verdict.outcome == "fails" and (broke or verdict.reason == "unseen")
        if broke and verdict.outcome == "generalizes":
            return Measured(
                attempts, "a perfect head that fails", (problem, {"decide": "generalizes", "adversary": "fails"})
            )
    summary = (
        f"{attempts:,} perfect heads built greedily over up to {sizes} consistent views; none fails where T1 says "
        f"generalizes, and {successes} of {fails} failures were found again"
    )
    return Measured(attempts, summary)


def _large_problem(rng: np.random.Generator) -> Problem:
    vocabulary = int(rng.integers(3, 5))
    words = list(product(range(vocabulary), repeat=2))
    chosen = [words[i] for i in rng.permutation(len(words))[: int(rng.integers(2, 6))]]
    target: dict[tuple[int, ...], Label] = {word: int(rng.integers(0, 2)) for word in chosen}
    noise = sorted(rng.permutation(vocabulary)[: int(rng.integers(1, 3))].tolist())
    width = int(rng.integers(1, 3))
    law = support.uniform() if rng.integers(0, 2) else support.local(width)
    ens = ensemble(vocabulary, noise, target, law)
    heads = HeadClass(2, width, "relative") if rng.integers(0, 2) else HeadClass(2)
    train = int(rng.integers(2, 5))
    return Problem(heads, ens.at(train), ens.at(train + int(rng.integers(0, 3))))


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _one_label() -> Iterator[Problem]:
    """One label only: an unseen view cannot be answered wrongly, so (a) is not necessary."""
    yield Problem(
        HeadClass(1),
        FiniteLaw.uniform([Example((1,), (0,), "yes")]),
        FiniteLaw.uniform([Example((0, 1), (0, 1), "yes")]),
    )


def _any_problem() -> Iterator[Problem]:
    return chain(_pairs("quick"), _absolute_tokens("quick"))


ATTACK = Attack(
    claim_id="T1",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family("arity 1, V <= 3: all planted words, labels, noise supports, length pairs", _single_tokens),
        Family("arity 2, V = 2, key none: all planted words, labels, noise supports, length pairs", _pairs),
        Family("arity 2, V = 2, relative key, windows, uniform and local supports", _pairs_with_offsets),
        Family("arity 1, V = 2, absolute key, fixed and random shift", _absolute_tokens),
        Family(
            "labelled set systems of up to 3 (full: 5) examples over 3 views, no planting, one test example",
            _set_systems,
        ),
    ),
    proofs=(
        Proof("T1's proof in six lemmas, refuted by SAT at Herbrand constants: laws of any size", prove_criterion),
    ),
    samplers=(Sampler("random mixtures, supports, schemes, windows, keys, anchors", _random_problems, 150, 1500),),
    measurements=(Measurement("search", "greedy adversary on larger classes", _adversary),),
    necessity={
        "seen": Dropped(_any_problem, replace(STATED, seen=False)),
        "no flip": Dropped(_any_problem, replace(STATED, no_flip=False)),
        "domination": Dropped(_any_problem, replace(STATED, domination="off")),
        "two labels": Dropped(_one_label, replace(STATED, needs_two_labels=False)),
        "realizable": Dropped(_any_problem, replace(STATED, realizable="unguarded")),
    },
    nonvacuous=nonvacuous,
)
