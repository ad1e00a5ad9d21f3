"""T1, the exact criterion, against brute force over all hard heads, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Literal

import numpy as np

from idealized_model import HeadSpace, loss
from proofs_check.claims.claim import Claim, Facts, Measured, Profile
from proofs_check.claims.families import ensemble, ensembles
from proofs_check.claims.herbrand import Formula, atom, prove, same
from proofs_check.problem import Problem, ViewCase, view_cases
from theory import Example, FiniteLaw, HardHead, HeadClass, Law, claims, positions, support
from theory.examples import Label
from theory.heads import View

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T1")))


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


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED) -> Facts | None:
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
        if truth == "fails":
            trained, tested = problem.perfect()
            head = verdict.counterexample
            number = _number(space, head.answers) if isinstance(head, HardHead) else -1
            if number < 0 or not trained[number] or tested[number]:
                return {**facts, "decide": "no head, or one that is no counterexample", "head": number}
    return None


claim.mutant("without (a)", statement=Statement(seen=False))
claim.mutant("without (b)", statement=Statement(no_flip=False))
claim.mutant("without (c)", statement=Statement(domination="off"))
claim.mutant("(c) for every train example", statement=Statement(domination="every"))
claim.mutant("(c) reversed", statement=Statement(domination="reversed"))
claim.mutant("(c) with all views instead of the consistent ones", statement=Statement(domination="all views"))
claim.mutant("realizable iff some example has a consistent view", statement=Statement(realizable="some example"))


def _number(space: HeadSpace, answers: Mapping[View, Label]) -> int:
    base = len(space.labels) + 1
    digits = (space.labels.index(answers[v]) + 1 if v in answers else 0 for v in space.views)
    return sum(digit * base**place for place, digit in enumerate(digits))


@claim.cases
def cases(problem: Problem) -> int:
    """One case a hard head on the views that occur."""
    return problem.space().size


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether T1 speaks of the problem and some head has zero training loss."""
    train, test = view_cases(problem.heads, problem.train), view_cases(problem.heads, problem.test)
    return STATED.speaks_of(problem) and STATED.outcome(list(train), list(test)) != "unrealizable"


@claim.decisive
def decisive(problem: Problem) -> int:
    """The heads with zero training loss: these generalize or fail."""
    return int(problem.perfect()[0].sum())


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _length_pairs(heads: HeadClass, shortest: int, longest: int, laws: Callable[[int], Law]) -> Iterator[Problem]:
    at = {length: laws(length) for length in range(shortest, longest + 1)}
    for train, test in product(at, at):
        yield Problem(heads, at[train], at[test])


@claim.family("arity 1, V <= 3: all planted words, labels, noise supports, length pairs")
def _single_tokens(profile: Profile) -> Iterator[Problem]:
    for vocabulary in (2, 3):
        longest = 4 if profile == "quick" else 6
        for ens in ensembles(1, vocabulary):
            yield from _length_pairs(HeadClass(1), 1, longest, ens.at)


@claim.family("arity 2, V = 2, key none: all planted words, labels, noise supports, length pairs")
def _pairs(profile: Profile) -> Iterator[Problem]:
    longest = 5 if profile == "quick" else 6
    for ens in ensembles(2, 2):
        yield from _length_pairs(HeadClass(2), 2, longest, ens.at)


@claim.family("arity 2, V = 2, relative key, windows, uniform and local supports")
def _pairs_with_offsets(profile: Profile) -> Iterator[Problem]:
    longest, width = (4, 2) if profile == "quick" else (5, 3)
    for law in (support.uniform(), support.local(1)):
        for ens in ensembles(2, 2, law=law, max_words=None if profile == "full" else 2):
            yield from _length_pairs(HeadClass(2, width, "relative"), 2, longest, ens.at)


@claim.family("arity 1, V = 2, absolute key, fixed and random shift")
def _absolute_tokens(profile: Profile) -> Iterator[Problem]:
    longest = 3 if profile == "quick" else 4
    for ens in ensembles(1, 2):
        for shift in (0, 1):
            at = partial(ens.at, positions=positions.random_shift(0, shift))
            yield from _length_pairs(HeadClass(1, None, "absolute"), 1, longest, at)


@claim.family("labelled set systems of up to 3 (full: 5) examples over 3 views, no planting, one test example")
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


def train(example: str) -> Formula:
    """The example is one of training."""
    return atom("train", example)


def inside(example: str, view: str) -> Formula:
    """The example has the view."""
    return atom("in", example, view)


def selects(head: str, view: str) -> Formula:
    """The head selects the view."""
    return atom("selects", head, view)


def right(head: str, example: str, view: str) -> Formula:
    """Where the example has the view and the head selects it, the answer is the label of the example."""
    return (inside(example, view) & selects(head, view)) >> same(f"answer {head} {view}", f"label {example}")


def zero_loss(head: str, example: str, *, some: str, every: str) -> Formula:
    """The head has zero loss on the example: it selects `some` view of it, and is right on `every` one.

    As a premise, `some` is a Skolem constant and `every` any view; as a goal, `some` is a witness and `every` a view of
    which nothing else is known.
    """
    return inside(example, some) & selects(head, some) & right(head, example, every)


def prove_unseen_view(unseen: Sequence[Formula], *, two_labels: bool = True) -> int:
    """T1's head for a test view u: if a training example e1 with a view v equal to u contradicts `unseen`, it is perfect,
    and it errs at test."""
    from sympy import And, Equivalent, true

    return prove(
        "necessity of (a): the maximal head that also answers an unseen view wrongly is perfect, and errs at test",
        [
            *unseen,
            train("e1") >> zero_loss("m", "e1", some="w", every="v"),
            inside("e", "u"),
            ~same("label e", "another label") if two_labels else true,
            And(*(Equivalent(selects("n", view), selects("m", view) | same("u", view)) for view in "vw")),
            selects("n", "u") & same("answer n u", "another label"),
            ~same("u", "v") >> same("answer n v", "answer m v"),
        ],
        (train("e1") >> zero_loss("n", "e1", some="w", every="v"))
        & (inside("e", "u") & selects("n", "u") & ~same("answer n u", "label e")),
        terms=["answer n v", "answer m v", "answer n u", "label e", "label e1", "another label"],
    )


@claim.proof(
    "T1's proof for laws of any size, by SAT at Herbrand constants: realizability both ways, sufficiency, a perfect "
    "head that loses for each of (a), (b), (c), and the equivalence from these lemmas",
    notices=tuple(claim.mutants),
)
def prove_criterion(*, statement: Statement = STATED) -> int:
    """T1's proof for laws of any size: realizability both ways, sufficiency, a head for each failure, the equivalence.

    Constants: a perfect head h, the maximal head m, and n, built from m; training examples e1, ..., e3, a test example
    e; any view v, a view w that e1 has, an unseen view u. A head is perfect on a law if it has zero loss on each example.
    """
    from sympy import And, Equivalent, symbols, true

    def consistent(view: str) -> Formula:
        return atom("consistent", view)

    def learned(example: str, view: str) -> Formula:
        """The first lemma, on a training example and a view."""
        says = consistent(view) & same(f"answer h {view}", f"label {example}")
        return (train(example) & inside(example, view) & selects("h", view)) >> says

    def covers(example: str) -> Formula:
        """What (c) asks of an example, at the view w."""
        match statement.domination:
            case "exists" | "every":
                return (inside(example, "w") & consistent("w")) >> inside("e", "w")
            case "reversed":
                return (inside("e", "w") & consistent("w")) >> inside(example, "w")
            case "all views":
                return inside(example, "w") >> inside("e", "w")
            case "off":
                return true

    def label(*names: str) -> list[str]:
        return [f"label {name}" for name in names]

    has_consistent = {
        "every example": train("e1") >> (inside("e1", "w") & consistent("w")),
        "some example": train("e0") & inside("e0", "w") & consistent("w"),
        "unguarded": true,
    }[statement.realizable]
    uncovered = train("e0") & ~covers("e0") if statement.domination == "every" else train("e1") >> ~covers("e1")
    steps = prove(
        "a perfect head selects only consistent views in training, and answers them rightly",
        [
            train("e1") & inside("e1", "v") & selects("h", "v"),
            *(train(example) >> right("h", example, "v") for example in ("e1", "e2", "e3")),
            (train("e1") & inside("e1", "v") & ~consistent("v"))  # then v occurs with two labels
            >> (train("e2") & inside("e2", "v") & train("e3") & inside("e3", "v") & ~same(*label("e2", "e3"))),
        ],
        consistent("v") & same("answer h v", "label e1"),
        terms=["answer h v", *label("e1", "e2", "e3")],
    )
    steps += prove(
        "realizable, necessity: where a perfect head exists, every training example has a consistent view",
        [train("e1") >> (inside("e1", "w") & selects("h", "w")), learned("e1", "w")],
        train("e1") >> (inside("e1", "w") & consistent("w")),
    )
    steps += prove(
        "realizable, sufficiency: the maximal head is perfect where every training example has a consistent view",
        [
            has_consistent,
            Equivalent(selects("m", "w"), consistent("w")) & Equivalent(selects("m", "v"), consistent("v")),
            consistent("v") >> (train("e2") & inside("e2", "v") & same("answer m v", "label e2")),
            (consistent("v") & train("e1") & inside("e1", "v") & train("e2") & inside("e2", "v"))
            >> same(*label("e1", "e2")),
        ],
        train("e1") >> zero_loss("m", "e1", some="w", every="v"),
        terms=["answer m v", *label("e1", "e2")],
    )
    steps += prove(
        "sufficiency: with (a), (b) and (c) a perfect head has zero loss on every test example",
        [
            train("e1") & covers("e1"),
            train("e1") >> (inside("e1", "w") & selects("h", "w")),
            learned("e1", "w"),
            (inside("e", "v") >> (train("e2") & inside("e2", "v"))) if statement.seen else true,
            learned("e2", "v"),
            (
                (consistent("v") & train("e2") & inside("e2", "v") & inside("e", "v")) >> same(*label("e", "e2"))
                if statement.no_flip
                else true
            ),
        ],
        zero_loss("h", "e", some="w", every="v"),
        terms=["answer h v", *label("e", "e2")],
    )
    never_in_training = (train("e1") & inside("e1", "v")) >> ~same("u", "v")
    steps += prove_unseen_view([never_in_training], two_labels=statement.needs_two_labels)
    steps += prove(
        "necessity of (b): the maximal head selects the view that flips, and errs there",
        [
            train("e1") >> right("m", "e1", "v"),
            Equivalent(selects("m", "v"), consistent("v")),
            consistent("v") & train("e1") & inside("e1", "v") & inside("e", "v") & ~same(*label("e", "e1")),
        ],
        inside("e", "v") & selects("m", "v") & ~same("answer m v", "label e"),
        terms=["answer m v", *label("e", "e1")],
    )
    steps += prove(
        "necessity of (c): the maximal head without the views of the test example is perfect, and abstains there",
        [
            uncovered,
            train("e1") >> right("m", "e1", "v"),
            Equivalent(selects("m", "w"), consistent("w")),
            And(*(Equivalent(selects("n", view), selects("m", view) & ~inside("e", view)) for view in "vw")),
            same("answer n v", "answer m v"),
        ],
        (train("e1") >> zero_loss("n", "e1", some="w", every="v")) & ~(inside("e", "v") & selects("n", "v")),
        terms=["answer n v", "answer m v", *label("e1")],
    )
    realizable, perfect, two_labels, generalizes, a, b, c = symbols("realizable perfect two_labels generalizes a b c")
    return steps + prove(
        "the lemmas together are T1",
        [
            perfect >> realizable,
            realizable >> perfect,
            (a & b & c) >> generalizes,
            (realizable & two_labels & ~a) >> ~generalizes,
            (realizable & ~b) >> ~generalizes,
            (realizable & ~c) >> ~generalizes,
        ],
        Equivalent(perfect, realizable) & ((realizable & two_labels) >> Equivalent(generalizes, a & b & c)),
    )


# ── Random problems and the adversary ────────────────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random mixtures, supports, schemes, windows, keys, anchors; arity k or at most k",
    quick=80,
    full=1500,
    notices=("without (a)", "without (c)", "(c) for every train example"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import problems

    return problems(max_heads=3**9, at_most=True)


@claim.measurement("search", "greedy adversary on larger classes", notices=("without (a)", "without (b)"))
def _adversary(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """Build perfect heads that are to abstain or err at test, at sizes beyond 3^M; one that does where T1 says
    `generalizes` refutes it. What T1 says is not used to build them, and what they lose is evaluated exactly."""
    attempts = decisive = most_views = found = fails = 0
    for _ in range(40 if profile == "quick" else 600):
        problem = _large_problem(rng)
        train, test = view_cases(problem.heads, problem.train), view_cases(problem.heads, problem.test)
        says = problem.verdict().outcome if statement == STATED else statement.outcome(list(train), list(test))
        if says == "unrealizable":
            continue
        heads = [_spiteful_head(rng, problem, train, *case) for case in test]
        tick(len(heads))
        attempts += len(heads)
        decisive += len(heads) * (says == "generalizes")
        most_views = max(most_views, *(len(head.answers) for head in heads))
        broke = any(loss(head, problem.train) == 0 < loss(head, problem.test) for head in heads)
        fails += says == "fails"
        found += says == "fails" and broke
        if broke and says == "generalizes":
            facts = {"statement": "generalizes", "adversary": "fails"}
            return Measured(attempts, "a perfect head that fails", (problem, facts), decisive)
    summary = (
        f"{attempts:,} heads of up to {most_views} views built greedily; no perfect one fails where T1 says generalizes, and "
        f"in {found} of {fails} problems where it says fails one does"
    )
    return Measured(attempts, summary, None, decisive)


def _spiteful_head(
    rng: np.random.Generator, problem: Problem, train: Sequence[ViewCase], target: frozenset[View], label: Label
) -> HardHead:
    """A perfect head, as far as greed finds one, that abstains on the target, or else answers a new view of it wrongly."""
    labels_of: dict[View, set[Label]] = {}
    for views, training_label in train:
        for view in views:
            labels_of.setdefault(view, set()).add(training_label)
    kept = {view for view, labels in labels_of.items() if len(labels) == 1}
    others = sorted(kept - target)
    # Drop the target's views, then others, while every training example stays hit.
    for view in [*sorted(target & kept), *(others[i] for i in rng.permutation(len(others)))]:
        if all(views & kept - {view} for views, _ in train if view in views):
            kept.discard(view)
    answers = {view: next(iter(labels_of[view])) for view in kept}
    other_labels = [other for other in problem.labels if other != label]
    answers |= {view: other_labels[0] for view in sorted(target - labels_of.keys())[:1] if other_labels}
    return HardHead(problem.heads, answers)


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


@claim.without("two labels", statement=Statement(needs_two_labels=False))
def _one_label() -> Iterator[Problem]:
    """One label only: an unseen view cannot be answered wrongly, so (a) is not necessary."""
    yield Problem(
        HeadClass(1),
        FiniteLaw.uniform([Example((1,), (0,), "yes")]),
        FiniteLaw.uniform([Example((0, 1), (0, 1), "yes")]),
    )


@claim.without("realizable", statement=Statement(realizable="unguarded"))
def _any_problem() -> Iterator[Problem]:
    return chain(_pairs("quick"), _absolute_tokens("quick"))
