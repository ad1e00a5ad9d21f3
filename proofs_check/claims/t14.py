"""T14, soft heads and their greedy answers: exact elimination and grids of heads against the certificates of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, combinations_with_replacement, product
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.problem import Problem
from theory import Example, FiniteLaw, HeadClass, claims
from theory.examples import Label
from theory.heads import View
from theory.incidence import incidence
from theory.soft import SoftGuarantees, SoftHead, soft_guarantees

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T14")))

GRID = 3**8
"""Up to so many integer matrices W all are tried: entries 0, 1, ..., as many as that allows."""

UNKNOWNS = 6
"""Elimination is for problems with up to so many views times labels but one."""

Row = tuple[int, ...]
Case = tuple[Row, int]
"""How often an example has every view, and the number of its label."""


@dataclass(frozen=True)
class Statement:
    """T14 with its parts as switches; the defaults are the claim."""

    combinations: Literal["non-negative", "any"] = "non-negative"
    ties: Literal["wrong", "right"] = "wrong"
    others: Literal["all", "first"] = "all"
    perfect: Literal["strict", "weak"] = "strict"
    counts: bool = True
    zero: Literal["not guaranteed", "guaranteed"] = "not guaranteed"
    needs_two_labels: bool = True
    needs_realizable: bool = True

    def speaks_of(self, n_labels: int) -> bool:
        """Whether the statement in terms of rays says anything: with one label there are none."""
        return not self.needs_two_labels or n_labels > 1

    def says(self, train: Sequence[Case], test: Sequence[Case], n_labels: int) -> tuple[bool, tuple[bool, ...]]:
        """Whether a perfect head exists, and which test examples are guaranteed: by elimination."""
        rays = sorted({ray for case in train for ray in self._rays(case, n_labels)})
        realizable = self.perfect == "weak" or feasible([(ray, self.ties == "wrong") for ray in rays])
        if self.needs_realizable and not realizable:
            return False, (False,) * len(test)
        known: dict[Row, bool] = {}
        return realizable, tuple(
            all(
                self.zero == "guaranteed" if not any(b) else known.setdefault(b, b in known or self._inside(b, rays))
                for b in self._rays(case, n_labels)
            )
            for case in test
        )

    def _inside(self, b: Row, rays: Sequence[Row]) -> bool:
        """Whether no W separates b from the rays (Farkas), or where they may be subtracted, from their span."""
        walls = [(ray, False) for ray in rays]
        if self.combinations == "any":
            walls += [(tuple(-x for x in ray), False) for ray in rays]
        return not feasible([*walls, (tuple(-x for x in b), True)])

    def _rays(self, case: Case, n_labels: int) -> Iterator[Row]:
        """n ⊗ (δ_y - δ_y') without the columns of the last label: rows of W are only fixed up to a constant."""
        counts, label = case
        n = counts if self.counts else tuple(int(x > 0) for x in counts)
        others = [other for other in range(n_labels) if other != label]
        for other in others if self.others == "all" else others[:1]:
            signs = [(y == label) - (y == other) for y in range(n_labels - 1)]
            yield tuple(sign * x for sign in signs for x in n)


STATED = Statement()


def feasible(inequalities: Sequence[tuple[Row, bool]]) -> bool:
    """Whether some W has W·row > 0 for every (row, True) and W·row >= 0 for every (row, False): Fourier-Motzkin.

    After n eliminations a row that comes from more than n + 1 inequalities is a sum of others (Kohler), and is dropped.
    """
    rows = {_primitive(*given): frozenset([i]) for i, given in enumerate(inequalities)}
    if not rows:
        return True
    for n in range(1, 2 + max((len(row) for row, _ in rows), default=0)):
        if any(strict and not any(row) for row, strict in rows):
            return False
        signs = [[(row[j] > 0, row[j] < 0) for row, _ in rows] for j in range(len(next(iter(rows))[0]))]
        sizes = {
            j: sum(p for p, _ in own) * sum(q for _, q in own) for j, own in enumerate(signs) if any(map(any, own))
        }
        if not sizes:
            return True
        j = min(sizes, key=sizes.__getitem__)
        rest = {own: origins for own, origins in rows.items() if own[0][j] == 0}
        for (above, of_above), (below, of_below) in product(rows.items(), repeat=2):
            (p, strict), (q, strict_too) = above, below
            if p[j] > 0 > q[j] and len(of_above | of_below) <= n + 1:
                own = _primitive(tuple(p[j] * y - q[j] * x for x, y in zip(p, q, strict=True)), strict or strict_too)
                rest[own] = min(rest.get(own, of_above | of_below), of_above | of_below, key=len)
        rows = rest
        if not rows:
            return True
    raise AssertionError("a variable was eliminated twice")


def _primitive(row: Row, strict: bool) -> tuple[Row, bool]:
    divisor = gcd(*row) or 1
    return tuple(x // divisor for x in row), strict


@dataclass(frozen=True)
class Numbered:
    """A problem in numbers, and what the machine says of it."""

    views: tuple[View, ...]
    labels: tuple[Label, ...]
    train: tuple[Case, ...]
    test: tuple[Case, ...]
    found: SoftGuarantees

    @property
    def n_unknowns(self) -> int:
        return len(self.views) * (len(self.labels) - 1)

    @property
    def truth(self) -> tuple[bool, tuple[bool, ...]]:
        return self.found.realizable, tuple(self.found.guaranteed.tolist())


@lru_cache(maxsize=256)
def numbered(problem: Problem) -> Numbered:
    """The problem in numbers, decided."""
    laws = [list(law.support()) for law in (problem.train, problem.test)]
    seen, labels = incidence(problem.heads, laws), problem.labels
    own = [[labels.index(example.label) for example in law] for law in laws]
    found = soft_guarantees(seen.matrices[0], own[0], seen.matrices[1], own[1], len(labels))
    train, test = (
        tuple((tuple(map(int, row)), y) for row, y in zip(matrix.toarray().tolist(), numbers, strict=True))
        for matrix, numbers in zip(seen.matrices, own, strict=True)
    )
    return Numbered(tuple(seen.views(range(seen.n_views))), labels, train, test, found)


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED) -> Facts | None:
    """Compare the statement, by elimination, with what certificates, heads and a grid of heads show to be true."""
    own = numbered(problem)
    truth = own.truth
    if not statement.needs_realizable and not truth[0]:
        truth = False, (True,) * len(own.test)  # where no head is perfect, every perfect head is right
    if statement.speaks_of(len(own.labels)) and own.n_unknowns <= UNKNOWNS:
        says = statement.says(own.train, own.test, len(own.labels))
        if says != truth:
            return {"statement": _in_words(says), "machine": _in_words(truth)}
    return _unfounded(problem, own) if statement == STATED else None


def _unfounded(problem: Problem, own: Numbered) -> Facts | None:
    """What the machine says without ground: by plain evaluation of its heads and certificates, and by a grid of heads."""
    found, n_labels = own.found, len(own.labels)
    laws = [list(law.support()) for law in (problem.train, problem.test)]
    if not found.realizable and n_labels > 1 and not _sums_to(own, found.combination, {}):
        return {"machine": "unrealizable", "combination": [str(term) for term in found.combination]}
    for row, example in enumerate(laws[1]) if found.realizable else ():
        if found.guaranteed[row]:
            for other, terms in found.certificate(row).items():
                if not _sums_to(own, terms, _ray(own.test[row], other)):
                    return {"machine": "guaranteed", "example": row, "certificate": [str(term) for term in terms]}
        else:
            named = {
                own.views[v]: (a, {own.labels[y]: p for y, p in g.items()}) for v, (a, g) in found.head(row).items()
            }
            head = SoftHead(problem.heads, named)
            if any(head.loss(e) for e in laws[0]) or not head.loss(example):
                return {"machine": "not guaranteed", "example": row, "head": str(head)}
    heads, trained, tested = grid(own)
    perfect = trained.all(axis=1)
    wrong = perfect & ~tested[:, found.guaranteed].all(axis=1) if found.realizable else perfect
    if wrong.any():
        return {"machine": _in_words(own.truth), "head": heads[wrong.argmax()].tolist()}
    return None


def _ray(case: Case, other: int) -> dict[tuple[int, int], Fraction]:
    counts, label = case
    pairs = [(view, Fraction(n)) for view, n in enumerate(counts) if n]
    return {(view, label): n for view, n in pairs} | {(view, other): -n for view, n in pairs}


def _sums_to(own: Numbered, terms: Sequence[Any], target: dict[tuple[int, int], Fraction]) -> bool:
    """Whether the terms are positive multiples of training rays that sum to the target."""
    total: dict[tuple[int, int], Fraction] = {}
    for example, other, coefficient in terms:
        for place, x in _ray(own.train[example], other).items():
            total[place] = total.get(place, Fraction(0)) + coefficient * x
    positive = bool(terms) and all(c > 0 and other != own.train[example][1] for example, other, c in terms)
    return positive and {place: x for place, x in total.items() if x} == target


def grid(own: Numbered) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Integer matrices W >= 0, and on which training and test examples each is greedily right; none where too many."""
    cells, n_labels = len(own.views) * len(own.labels), len(own.labels)
    if 2**cells > GRID:
        empty = np.zeros((0, len(own.train)), dtype=bool), np.zeros((0, len(own.test)), dtype=bool)
        return np.zeros((0, cells), dtype=np.int64), *empty
    top = max(top for top in range(2, 8) if top**cells <= GRID)
    heads = np.array(list(product(range(top), repeat=cells)), dtype=np.int64)
    weights = heads.reshape(-1, len(own.views), n_labels)
    return heads, _right(weights, own.train), _right(weights, own.test)


def _right(weights: NDArray[np.int64], cases: Sequence[Case]) -> NDArray[np.bool_]:
    """heads x examples: whether the label has strictly the largest mass."""
    counts, labels = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    masses = np.einsum("ev,hvy->hey", counts, weights)
    at = (slice(None), np.arange(len(labels)), labels)
    own = masses[at]
    masses[at] = 0  # where all labels have no mass, none is the largest
    return np.asarray(own > masses.max(axis=2))


def _in_words(says: tuple[bool, tuple[bool, ...]]) -> str:
    return f"realizable, guaranteed: {[i for i, holds in enumerate(says[1]) if holds]}" if says[0] else "unrealizable"


claim.mutant("rays may be subtracted", statement=Statement(combinations="any"))
claim.mutant("ties are right", statement=Statement(ties="right"))
claim.mutant("one other label", statement=Statement(others="first"))
claim.mutant("realizable without strictness", statement=Statement(perfect="weak"))
claim.mutant("how often a view occurs is ignored", statement=Statement(counts=False))
claim.mutant("zero rays are guaranteed", statement=Statement(zero="guaranteed"))


@claim.cases
def cases(problem: Problem) -> int:
    """One case a test example, and one a head of the grid."""
    own = numbered(problem)
    return len(own.test) + len(grid(own)[0])


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether there is a head that is perfect in training, and more than one label."""
    own = numbered(problem)
    return own.found.realizable and STATED.speaks_of(len(own.labels))


@claim.decisive
def decisive(problem: Problem) -> int:
    """The test examples of realizable problems, and the heads of the grid that are perfect in training."""
    own = numbered(problem)
    return len(own.test) * own.found.realizable + int(grid(own)[1].all(axis=1).sum())


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _words(vocabulary: int, longest: int, labels: int) -> list[Example]:
    """Every multiset of tokens up to a size, with every label."""
    return [
        Example(tokens, tuple(range(len(tokens))), label)
        for size in range(1, longest + 1)
        for tokens in combinations_with_replacement(range(vocabulary), size)
        for label in range(labels)
    ]


def _systems(kinds: Sequence[Example], most: int, labels: int) -> Iterator[Problem]:
    test = FiniteLaw.uniform(kinds, labels=[*range(labels)])
    for size in range(1, most + 1):
        for chosen in combinations(kinds, size):
            if len({(example.tokens) for example in chosen}) == size:  # the same tokens with two labels say little
                yield Problem(HeadClass(1), FiniteLaw.uniform(chosen, labels=[*range(labels)]), test)


@claim.family("counts of 2 views up to 3, 2 labels: up to 2 (full: 4) examples of different counts, every test example")
def _two_views(profile: Profile) -> Iterator[Problem]:
    yield from _systems(_words(2, 3, 2), 2 if profile == "quick" else 4, 2)


@claim.family("counts of 2 views up to 2, 3 labels: up to 2 (full: 3) examples of different counts, every test example")
def _three_labels(profile: Profile) -> Iterator[Problem]:
    yield from _systems(_words(2, 2, 3), 2 if profile == "quick" else 3, 3)


@claim.family("counts of 3 views up to 2, 2 labels: 2 (full: up to 3) examples of different counts, every test example")
def _three_views(profile: Profile) -> Iterator[Problem]:
    found = _systems(_words(3, 2, 2), 2 if profile == "quick" else 3, 2)
    yield from (p for p in found if profile == "full" or (p.train.size == 2))


@claim.family("majority of n tokens: trained on lengths 1..K, K <= 5 (full: 8), every length up to 2K + 1")
def _majority(profile: Profile) -> Iterator[Problem]:
    def words(length: int) -> list[Example]:
        ones = range(length + 1)
        return [Example((0,) * (length - n) + (1,) * n, tuple(range(length)), int(2 * n > length)) for n in ones]

    for longest in range(1, 6 if profile == "quick" else 9):
        trained = [example for length in range(1, longest + 1) for example in words(length)]
        for length in range(1, 2 * longest + 2):
            train, test = (FiniteLaw.uniform(examples, labels=(0, 1)) for examples in (trained, words(length)))
            yield Problem(HeadClass(1), train, test)


@claim.family(
    "arity 2, keys none and relative: 1 (full: up to 3) words of 2, 3 bits in training, every word of 1 to 3 at test"
)
def _pairs(profile: Profile) -> Iterator[Problem]:
    words = [word for length in (1, 2, 3) for word in product((0, 1), repeat=length)]
    classes = (HeadClass(2), HeadClass(2, 1, "relative", "last"))
    test = FiniteLaw.uniform([Example(word, tuple(range(len(word))), label) for word in words for label in (0, 1)])
    for size in (1,) if profile == "quick" else (1, 2, 3):
        for chosen in combinations(words[2:], size):
            for labels in product((0, 1), repeat=size):
                kept = [Example(word, tuple(range(len(word))), y) for word, y in zip(chosen, labels, strict=True)]
                for heads in classes:
                    yield Problem(heads, FiniteLaw.uniform(kept, labels=[0, 1]), test)


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "T14's proof given Gordan's and Farkas' lemmas, term by term, for any number of views, labels and rays; T14a's logits",
    notices=(
        "rays may be subtracted", "realizable without strictness", "zero rays are guaranteed",
        "how often a view occurs is ignored",
    ),
)  # fmt: skip
def prove_steps(*, statement: Statement = STATED) -> int:
    """The steps of the proof in docs/theory.md, each about one term of a sum, of which there may be any number."""
    from sympy import Integer, Symbol, simplify, symbols

    n, w, w_other, constant = symbols("n w w_other c", real=True)
    score, total, before, d, q = symbols("A Z before d q", positive=True)
    positive = {"positive": True} if statement.perfect == "strict" else {"nonnegative": True}
    margin, ray = Symbol("margin", **positive), Symbol("ray", nonnegative=True)
    some = Symbol("some", positive=True) if statement.zero == "not guaranteed" else Integer(0)
    other = Symbol("other", **({"nonnegative": True} if statement.combinations == "non-negative" else {"real": True}))
    times, epsilon = n if statement.counts else 1, d / (2 * q)
    mass, logit = n * score * (w + constant), n * score * w / total + constant * (n * score / total)
    steps = {
        # A view with the values (W + c) / A adds n A (g_y - g_y') to the masses' difference, and its ray n (W_y - W_y').
        "masses are those of W": simplify(
            n * score * ((w + constant) / score - (w_other + constant) / score) - times * (w - w_other)
        ) == 0,
        # T14a: a view adds n A w / Z to a logit, and n A / Z to the share of the constant; these shares sum to 1.
        "logits are masses": simplify(mass / total - logit) == 0,
        "the shares add up": simplify((before + n * score) / total - before / total - n * score / total) == 0,
        # Suffices: W·b = Σ λ W·ψ with some λ > 0, as b is not 0.
        "a ray that occurs has a positive margin": (some * margin).is_positive is True,
        "and with one more the sum has": (before + other * margin).is_positive is True,
        # Necessary: W0·ψ >= 0 and W0·b = -d < 0, W1 is perfect and W1·b <= q. Then W0 + ε W1 is perfect and errs at b.
        "the separating head is perfect": (ray + epsilon * margin).is_positive is True,
        "and errs": simplify(-d + epsilon * q).is_negative is True,
    }  # fmt: skip
    for step, holds in steps.items():
        require(holds, step)
    return len(steps)


@claim.proof(
    "every W is that of a head up to constants; attention-only logits are masses: 2..3 views, 2..3 labels",
    kind="exhausted",
    notices=("how often a view occurs is ignored",),
)
def prove_identities(*, statement: Statement = STATED) -> int:
    """Symbolic W, counts, values: scores and values of W give back its rays; T14a's logits are the masses of a head."""
    import sympy

    steps = 0
    for n_views, n_labels in product((2, 3), (2, 3)):
        w = sympy.Matrix(n_views, n_labels, lambda v, y: sympy.Symbol(f"w{v}{y}", real=True))
        n = sympy.symbols(f"n0:{n_views}", positive=True)
        c = sympy.symbols(f"c0:{n_views}", positive=True)
        score = [sum(w[v, y] + c[v] for y in range(n_labels)) for v in range(n_views)]
        for y, other in product(range(n_labels), repeat=2):
            masses = [
                sum(n[v] * score[v] * ((w[v, label] + c[v]) / score[v]) for v in range(n_views)) for label in (y, other)
            ]
            times = n if statement.counts else (1,) * n_views
            ray = sum(times[v] * (w[v, y] - w[v, other]) for v in range(n_views))
            require(sympy.simplify(masses[0] - masses[1] - ray) == 0, f"the ray of {n_views} views, {n_labels} labels")
            steps += 1
        a = sympy.symbols(f"a0:{n_views}", positive=True)
        u = sympy.symbols(f"u0:{n_labels}", real=True)
        total = sum(n[v] * a[v] for v in range(n_views))
        for y in range(n_labels):
            logit = u[y] + sum(n[v] * a[v] / total * w[v, y] for v in range(n_views))
            mass = sum(n[v] * a[v] * (w[v, y] + u[y]) for v in range(n_views))
            require(sympy.simplify(logit - mass / total) == 0, f"the logit of {n_views} positions, {n_labels} labels")
            steps += 1
    return steps


# ── Draws and the adversary ──────────────────────────────────────────────────────────────────────────────────────────


@claim.sampler(
    "random counts of up to 3 views, 2 or 3 labels, up to 5 training examples", quick=60, full=1500,
    notices=("rays may be subtracted", "how often a view occurs is ignored"),
)  # fmt: skip
def _random_systems() -> SearchStrategy[Problem]:
    from hypothesis import strategies as st

    def problem(n_labels: int) -> SearchStrategy[Problem]:
        words = st.lists(st.integers(0, 2), min_size=1, max_size=5).map(lambda tokens: tuple(sorted(tokens)))
        systems = [
            st.dictionaries(words, st.integers(0, n_labels - 1), min_size=1, max_size=size).map(
                lambda found: FiniteLaw.uniform(
                    [Example(tokens, tuple(range(len(tokens))), y) for tokens, y in found.items()],
                    labels=[*range(n_labels)],
                )
            )
            for size in (5, 4)
        ]
        return st.builds(Problem, st.just(HeadClass(1)), *systems)

    return st.integers(2, 3).flatmap(problem)


@claim.measurement(
    "search", "perceptrons that are perfect in training", notices=("rays may be subtracted", "one other label")
)
def _perceptrons(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """Integer W by the perceptron rule from random starts until perfect: none errs on what is guaranteed.

    They know nothing of cones, and most are larger than grids: up to 6 views, 4 labels and counts of 9.
    Two training words of one label, joined, are among the test examples: their rays are sums.
    """
    heads = decided = faced = 0
    asked = statement != STATED  # of a variant, by elimination
    for _ in range(15 if profile == "quick" else 200):
        n_views, n_labels = int(rng.integers(3, 7)), int(rng.integers(2, 5))
        hidden = rng.integers(0, 5, size=(n_views, n_labels))
        words = [np.sort(rng.integers(0, n_views, size=int(rng.integers(1, 10)))) for _ in range(24)]
        examples = []
        for word in words:
            masses = hidden[word].sum(axis=0)
            if (masses == masses.max()).sum() == 1:
                examples.append(Example(tuple(word.tolist()), tuple(range(len(word))), int(masses.argmax())))
        n_unknowns = len({token for example in examples for token in example.tokens}) * (n_labels - 1)
        if len(examples) < 8 or (asked and n_unknowns > UNKNOWNS):
            continue
        trained, tested = examples[: len(examples) // 2], examples[len(examples) // 2 :]
        for a, b in [(a, b) for a, b in combinations(trained, 2) if a.label == b.label][:12]:
            tested.append(Example((*a.tokens, *b.tokens), tuple(range(a.length + b.length)), a.label))
        train, test = (FiniteLaw.uniform(part, labels=[*range(n_labels)]) for part in (trained, tested))
        problem = Problem(HeadClass(1), train, test)
        own = numbered(problem)
        sure = own.found.guaranteed
        if asked:
            sure = np.array(statement.says(own.train, own.test, n_labels)[1], dtype=bool)
        decided += int(sure.sum())
        weights = _perceptrons_until_perfect(rng.integers(-40, 41, size=(20, len(own.views), n_labels)), own.train)
        heads += len(weights)
        faced += len(weights) * bool(sure.any())
        shifted = weights - weights.min(axis=2, keepdims=True)
        wrong = ~_right(shifted, own.test) & sure
        if wrong.any():
            head, row = (int(i) for i in np.argwhere(wrong)[0])
            facts = {"head": shifted[head].tolist(), "example": row}
            return Measured(heads, "a perfect head errs on a guaranteed example", (problem, facts))
        tick(20)
    summary = f"{heads:,} perfect heads, none wrong on any of {decided:,} guaranteed examples"
    return Measured(heads, summary, None, faced)


def _perceptrons_until_perfect(
    weights: NDArray[np.int64], cases: Sequence[Case], rounds: int = 400
) -> NDArray[np.int64]:
    """Those of the heads x views x labels that the rule makes perfect; each goes its own way."""
    mistaken = np.ones(len(weights), dtype=bool)
    for _ in range(rounds):
        mistaken[:] = False
        for counts, label in cases:
            masses = np.einsum("v,hvy->hy", counts, weights)
            masses[:, label] -= 1  # a tie is a mistake
            guess = masses.argmax(axis=1)
            wrong = np.flatnonzero(guess != label)
            weights[wrong, :, label] += counts
            weights[wrong, :, guess[wrong]] -= counts
            mistaken[wrong] = True
        if not mistaken.any():
            break
    return weights[~mistaken]


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("two labels", statement=Statement(needs_two_labels=False))
def _one_label() -> Iterator[Problem]:
    """One label only: there are no rays, yet a head may abstain."""
    train, test = (FiniteLaw.uniform([Example((token,), (0,), "yes")]) for token in (0, 1))
    yield Problem(HeadClass(1), train, test)


@claim.without("realizable", statement=Statement(needs_realizable=False))
def _contradiction() -> Iterator[Problem]:
    """Token 0 has two labels in training: every head that is perfect is right on token 1, as there is none."""
    train = FiniteLaw.uniform([Example((0,), (0,), label) for label in (0, 1)])
    yield Problem(HeadClass(1), train, FiniteLaw.uniform([Example((1,), (0,), 0)]))
