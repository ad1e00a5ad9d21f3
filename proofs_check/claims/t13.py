"""T13, ranked heads: the closure and what it guarantees, against brute force over all rankings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, islice, permutations, product
from math import perm
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from proofs_check.claims.claim import Claim, Facts, Profile
from proofs_check.claims.families import ensembles
from proofs_check.claims.herbrand import Formula, atom, prove, same
from proofs_check.problem import Problem, ViewCase, view_cases
from theory import Example, FiniteLaw, HeadClass, claims, positions
from theory.errors import within_budget
from theory.examples import Label
from theory.guarantees import Guarantees, guarantees
from theory.heads import View

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T13")))

RANKED_HEADS = 100_000
"""Rankings are enumerated up to this many: all of 6 views with 2 labels."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Statement:
    """T13 with its parts as switches; the defaults are the claim.

    `counts`: of which training examples a view is asked when it is to be placed, of all or of those left. `flip`: where the
    labels of a view of the test example are looked up.
    """

    counts: Literal["left", "all"] = "left"
    seen: bool = True
    rest: bool = True
    free: bool = True
    flip: Literal["left", "all", "off"] = "left"
    placed: Literal["without U", "all"] = "without U"
    realizable: Literal["all removed", "some removed", "unguarded"] = "all removed"
    needs_two_labels: bool = True
    hard: Literal["not less", "equal"] = "not less"

    def rest_of(self, train: list[ViewCase], without: frozenset[View]) -> list[ViewCase]:
        """What the closure leaves: straight from its text, one view at a time."""
        left = train
        while True:
            asked = labels_of(left if self.counts == "left" else train)
            ready = [view for view in labels_of(left) if view not in without and len(asked[view]) == 1]
            if not ready:
                return left
            left = [case for case in left if ready[0] not in case[0]]

    def is_realizable(self, train: list[ViewCase]) -> bool:
        """Whether some ranked head is perfect in training."""
        left = self.rest_of(train, frozenset())
        return {"all removed": not left, "some removed": len(left) < len(train), "unguarded": True}[self.realizable]

    def guarantees(self, train: list[ViewCase], views: frozenset[View], label: Label, *, two_labels: bool) -> bool:
        """Whether every perfect ranked head is right on a test example."""
        left = self.rest_of(train, views if self.placed == "without U" else frozenset())
        if self.rest and not left:
            return False
        if not two_labels and self.needs_two_labels:
            return True
        seen, in_rest = labels_of(train), labels_of(left)
        flips = in_rest if self.flip == "left" else seen
        return not (
            (self.seen and not views <= seen.keys())
            or (self.free and any(view in seen and view not in in_rest for view in views))
            or (
                self.flip != "off"
                and any(flips.get(view, {label}) not in ({label},) and len(flips[view]) == 1 for view in views)
            )
        )


STATED = Statement()


def labels_of(cases: list[ViewCase]) -> dict[View, set[Label]]:
    """The labels that each view comes with."""
    found: dict[View, set[Label]] = {}
    for views, label in cases:
        for view in views:
            found.setdefault(view, set()).add(label)
    return found


# ── All rankings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def n_rankings(n_views: int, n_labels: int) -> int:
    """How many ranked heads there are."""
    return sum(perm(n_views, size) * n_labels**size for size in range(n_views + 1))


@cache
def rankings(n_views: int, n_labels: int) -> tuple[Ints, Ints]:
    """Every ranked head: (heads, views + 1) the place of a view and its answer.

    A view that is not selected comes behind all others; the last column, of no view, behind the selected ones, with the
    answer -1: an abstention.
    """
    places, answers = [], []
    for size in range(n_views + 1):
        for order in permutations(range(n_views), size):
            for given in product(range(n_labels), repeat=size):
                place, answer = [n_views + 1] * n_views + [n_views], [-1] * (n_views + 1)
                for rank, (view, label) in enumerate(zip(order, given, strict=True)):
                    place[view], answer[view] = rank, label
                places.append(place)
                answers.append(answer)
    return np.array(places, dtype=np.int64), np.array(answers, dtype=np.int64)


class AllRankings:
    """All ranked heads on the views of a problem, and on which cases they are right."""

    def __init__(self, problem: Problem) -> None:
        self.views = {view: j for j, view in enumerate(problem.space().views)}
        self.labels = {label: j for j, label in enumerate(problem.labels)}
        self.size = n_rankings(len(self.views), len(self.labels))
        within_budget("T13 (ranked heads)", size=self.size, budget=RANKED_HEADS, fix="Ask for fewer views.")
        self._places, self._answers = rankings(len(self.views), len(self.labels))

    def right(self, case: ViewCase) -> NDArray[np.bool_]:
        """By head, whether it is right on the case."""
        views, label = case
        own = [*(self.views[view] for view in views), len(self.views)]
        first = np.argmin(self._places[:, own], axis=1)
        answers = np.take_along_axis(self._answers[:, own], first[:, None], axis=1)[:, 0]
        right: NDArray[np.bool_] = answers == self.labels[label]
        return right

    def perfect(self, train: list[ViewCase]) -> NDArray[np.bool_]:
        """By head, whether it is right on all training cases."""
        perfect: NDArray[np.bool_] = np.logical_and.reduce([self.right(case) for case in train])
        return perfect


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED) -> Facts | None:
    """Compare the statement with brute force, test example by test example; for the claim also what the machine says, its
    heads, and the same question about hard heads."""
    train, test = list(view_cases(problem.heads, problem.train)), list(view_cases(problem.heads, problem.test))
    two_labels = len(problem.labels) > 1
    everyone = AllRankings(problem)
    perfect = everyone.perfect(train)
    facts: Facts = {"heads": everyone.size, "perfect": int(perfect.sum())}
    says, is_so = statement.is_realizable(train), bool(perfect.any())
    if says != is_so and statement.realizable != "unguarded":
        return {**facts, "statement": says, "brute_force": is_so}
    machine = None
    if statement == STATED:
        machine = guarantees(problem.heads, train=problem.train, test=problem.test, scores="ranked")
        if machine.realizable != is_so:
            return {**facts, "machine": machine.realizable, "brute_force": is_so}
    hard = Statement(counts="all", free=False, flip="all")
    if hard.is_realizable(train) and not is_so:
        return {**facts, "hard": "realizable", "ranked": "not realizable"}
    if not is_so and statement.realizable == "all removed":
        return None
    for case in test:
        truth = not (perfect & ~everyone.right(case)).any()
        says = statement.guarantees(train, *case, two_labels=two_labels)
        facts |= {"views": len(case[0]), "label": str(case[1]), "statement": says, "brute_force": truth}
        if says != truth:
            return facts
        if hard.is_realizable(train):
            of_hard = hard.guarantees(train, *case, two_labels=two_labels)
            if (truth and not of_hard) or (statement.hard == "equal" and truth != of_hard):
                return {**facts, "hard": of_hard}
    return None if machine is None else _refute_machine(problem, machine, everyone, perfect, facts)


def _refute_machine(
    problem: Problem, machine: Guarantees, everyone: AllRankings, perfect: NDArray[np.bool_], facts: Facts
) -> Facts | None:
    """The mass that the machine finds and what it says of every test example; for the first of every reason, its head."""
    mass, reasons = 0, set()
    for example, weight in machine.test.table.items():
        case = machine.heads.views(example), example.label
        truth, why = not (perfect & ~everyone.right(case)).any(), machine.why(example)
        mass += weight * truth
        if (why is None) != truth:
            return {**facts, "machine": why is None, "brute_force": truth}
        if why is not None and why.reason not in reasons:
            reasons.add(why.reason)
            head = machine.head(example)
            if head is None or head.loss(example) != 1 or any(head.loss(e) for e in machine.train.table):
                return {**facts, "machine": "no head, or one that is no counterexample"}
    if machine.share is None or machine.share * machine.test.denominator != mass:
        return {**facts, "machine": str(machine.share), "mass": mass}
    return None


claim.mutant("a stale count: views are asked of all examples", statement=Statement(counts="all"))
claim.mutant("unseen forgotten", statement=Statement(seen=False))
claim.mutant("an empty rest forgotten", statement=Statement(rest=False))
claim.mutant("free views forgotten", statement=Statement(free=False))
claim.mutant("flip forgotten", statement=Statement(flip="off"))
claim.mutant("flip by the labels in training", statement=Statement(flip="all"))
claim.mutant("the closure with all views", statement=Statement(placed="all"))
claim.mutant("realizable iff the closure removes some example", statement=Statement(realizable="some removed"))
claim.mutant("the guarantees are those of hard heads", statement=Statement(hard="equal"))


@claim.cases
def cases(problem: Problem) -> int:
    """One case a ranked head on the views that occur."""
    return n_rankings(len(problem.space().views), len(problem.labels))


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether some ranked head is perfect in training."""
    return STATED.is_realizable(list(view_cases(problem.heads, problem.train)))


@claim.decisive
def decisive(problem: Problem) -> int:
    """The ranked heads that are perfect in training: these are right at test, or not."""
    return int(AllRankings(problem).perfect(list(view_cases(problem.heads, problem.train))).sum())


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _set_systems(n_views: int, labels: int, sizes: range) -> Iterator[Problem]:
    """Every labelled set system over some tokens (arity 1: the views are the tokens), and all examples at test."""
    kinds = [
        Example(tokens, tuple(range(len(tokens))), label)
        for size in range(1, n_views + 1)
        for tokens in combinations(range(n_views), size)
        for label in range(labels)
    ]
    test = FiniteLaw.uniform(kinds, labels=tuple(range(labels)))
    for size in sizes:
        for chosen in combinations(kinds, size):
            yield Problem(HeadClass(1), FiniteLaw.uniform(chosen, labels=tuple(range(labels))), test)


@claim.family("labelled set systems of up to 3 (full: 5) examples over 3 views, every example at test")
def _over_three_views(profile: Profile) -> Iterator[Problem]:
    return _set_systems(3, 2, range(1, 4 if profile == "quick" else 6))


@claim.family("set systems over 2 views with three labels")
def _three_labels(profile: Profile) -> Iterator[Problem]:
    return _set_systems(2, 3, range(1, 4 if profile == "quick" else 7))


@claim.family("set systems over 3 views with one label")
def _one_label(profile: Profile) -> Iterator[Problem]:
    return _set_systems(3, 1, range(1, 8))


@claim.family("set systems of 1 (full: 2) examples over 4 views")
def _over_four_views(profile: Profile) -> Iterator[Problem]:
    return _set_systems(4, 2, range(1, 2 if profile == "quick" else 3))


@claim.family("arity 2, V = 2, key none: planted words, labels, noise supports, length pairs")
def _pairs(profile: Profile) -> Iterator[Problem]:
    longest = 3 if profile == "quick" else 5
    for ens in ensembles(2, 2):
        laws = [ens.at(length) for length in range(2, longest + 1)]
        for train, test in product(laws, laws):
            yield Problem(HeadClass(2), train, test)


@claim.family("arity 1, V = 2, absolute key, fixed and random shift: length pairs 1, 2")
def _with_ids(profile: Profile) -> Iterator[Problem]:
    for ens in islice(ensembles(1, 2), None if profile == "full" else 12):
        for shift in (0, 1):
            scheme = positions.random_shift(0, shift)
            laws = [ens.at(length, positions=scheme) for length in (1, 2)]
            for train, test in product(laws, laws):
                problem = Problem(HeadClass(1, None, "absolute"), train, test)
                if len(problem.space().views) <= 4:
                    yield problem


# ── The proof, lemma by lemma ────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "T13's proof for laws of any size, by SAT at Herbrand constants: what is guaranteed, and a head for each failure",
    notices=tuple(
        name
        for name in claim.mutants
        if name not in ("realizable iff the closure removes some example", "the guarantees are those of hard heads")
    ),
)
def prove_guarantee(*, statement: Statement = STATED) -> int:
    """A perfect ranked head h; the highest-ranked view w of h that occurs in the rest; the highest-ranked view u of h among
    the views U of the test example e; examples r1, r2 of the rest, t of training. What a statement leaves out is no premise."""
    from sympy import true

    def left(example: str) -> Formula:
        return atom("left", example)

    def inside(example: str, view: str) -> Formula:
        return atom("in", example, view)

    def above(a: str, b: str) -> Formula:
        """The head does not rank the first view below the second."""
        return atom("not below", a, b)

    in_test, occurs = inside("e", "w"), left("r1") & inside("r1", "u")
    ended = inside("r2", "w") & ~same("label r1", "label r2")
    ended = ended & left("r2") if statement.counts == "left" else ended & atom("train", "r2")
    steps = prove(
        "the highest-ranked view of a perfect head in the rest is a view of the test example",
        [
            # the rest is not empty, and h abstains on none of it
            (left("r1") & inside("r1", "w")) if statement.rest else true,
            # else w could be placed: the closure has come to its end
            ended if statement.placed == "all" else ~in_test >> ended,
            *(  # nothing that h ranks above w occurs in the rest
                (left(example) & inside(example, "w")) >> same("answer w", f"label {example}")
                for example in ("r1", "r2")
            ),
        ],
        in_test,
        terms=["answer w", "label r1", "label r2"],
    )
    steps += prove(
        "it is the one that answers at test, as every view of the test example occurs in the rest",
        [
            in_test,
            in_test >> above("u", "w"),  # u is the highest in U
            occurs if statement.free and statement.seen else true,
            (left("r1") & inside("r1", "u")) >> above("w", "u"),  # w is the highest in the rest
            (above("u", "w") & above("w", "u")) >> same("u", "w"),
        ],
        same("u", "w"),
    )
    steps += prove(
        "and its answer is right",
        [
            left("r1") & inside("r1", "u"),
            *((left(r) & inside(r, "u")) >> same("answer u", f"label {r}") for r in ("r1", "r2")),
            {
                "left": (left("r2") & inside("r2", "u") & ~same("label r1", "label r2")) | same("label r1", "label e"),
                "all": (inside("r2", "u") & ~same("label r1", "label r2")) | same("label r1", "label e"),
                "off": true,
            }[statement.flip],
        ],
        same("answer u", "label e"),
        terms=["answer u", "label r1", "label r2", "label e"],
    )
    # The head n: what the closure without U placed, then u, then a perfect head h.
    placed, has_u = atom("placed", "t"), inside("t", "u")
    answers = [
        placed >> same("answer n", "answer above"),
        (~placed & has_u) >> same("answer n", "answer u"),
        (~placed & ~has_u) >> same("answer n", "answer h"),
    ]
    terms = ["answer n", "answer above", "answer u", "answer h", "label t", "label r1"]
    right = [placed >> same("answer above", "label t"), same("answer h", "label t")]
    steps += prove(
        "unseen: a perfect head with a view on top that no training example has, with any answer, is perfect in training",
        [~has_u, ~has_u >> same("answer n", "answer h"), right[1]],
        same("answer n", "label t"),
        terms=terms,
    )
    steps += prove(
        "abstains: where the rest is empty the head of what was placed is perfect in training",
        [answers[0], right[0], ~placed >> left("t"), ~left("t")],
        same("answer n", "label t"),
        terms=terms,
    )
    steps += prove(
        "and it abstains at test, as the closure without U places no view of U",
        [atom("answered", "e") >> (inside("e", "v") & atom("ranked", "v")), atom("ranked", "v") >> ~inside("e", "v")],
        ~atom("answered", "e"),
    )
    steps += prove(
        "free: the head that ranks a view after the closure which the rest lacks, with any answer, is perfect in training",
        [answers[0], answers[2], *right, ~placed >> left("t"), left("t") >> ~has_u],
        same("answer n", "label t"),
        terms=terms,
    )
    steps += prove(
        "flip: so is the one that ranks a view there which has one label in the rest, with this label",
        [
            *answers,
            *right,
            ~placed >> left("t"),
            (left("t") & has_u) >> same("label t", "label r1"),
            same("answer u", "label r1"),
        ],
        same("answer n", "label t"),
        terms=terms,
    )
    return steps + prove(
        "all of these err at test: nothing that is ranked above u is a view of the test example, and the answer of u is wrong",
        [
            ~atom("placed", "e"),
            inside("e", "u"),
            (~atom("placed", "e") & inside("e", "u")) >> same("answer n", "answer u"),
            ~same("answer u", "label e"),
        ],
        ~same("answer n", "label e"),
        terms=["answer n", "answer u", "label e"],
    )


# ── Random problems ──────────────────────────────────────────────────────────────────────────────────────────────────


@claim.sampler("random laws of up to 6 examples over 4 views", quick=60, full=1000, notices=("free views forgotten",))
def _random_laws() -> SearchStrategy[Problem]:
    from hypothesis import strategies as st

    examples = st.builds(
        lambda tokens, label: Example(tuple(sorted(tokens)), tuple(range(len(tokens))), label),
        st.sets(st.integers(0, 3), min_size=1),
        st.integers(0, 1),
    )
    laws = st.lists(examples, min_size=1, max_size=6, unique=True).map(
        lambda listed: FiniteLaw.uniform(listed, labels=(0, 1))
    )
    return st.builds(Problem, st.just(HeadClass(1)), laws, laws)


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("two labels", statement=Statement(needs_two_labels=False))
def _a_single_label() -> Iterator[Problem]:
    """One label only: no answer can be wrong."""
    return _set_systems(2, 1, range(1, 4))


@claim.without("realizable", statement=Statement(realizable="unguarded"))
def _any_law() -> Iterator[Problem]:
    """Where no ranked head is perfect, every one that is does everything."""
    return _set_systems(2, 2, range(1, 4))
