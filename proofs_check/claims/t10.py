"""T10, evaluation without enumeration: Chen's identity, windows, histograms; every fast path against plain listing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, combinations_with_replacement, product
from math import comb, factorial, prod
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from idealized_model import loss
from idealized_model.counting import chen_product, pattern_counts, signature, view_counts
from idealized_model.risk import risk
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, marked_parity
from proofs_check.problem import Problem
from theory import Example, HardHead, HeadClass, PlantedEnsemble, View, bounds, claims, positions, support
from theory.coordinates import Ids, n_coordinates
from theory.examples import Label
from theory.heads import Anchor, Key
from theory.planted import PlantedLaw

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T10")))

Patterns = Counter[tuple[int, ...]]

KEYS: tuple[Key, ...] = get_args(Key)
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


@dataclass(frozen=True)
class Statement:
    """c_j(xy) = Σ_(a+b=j) c_a(x) ⊗ c_b(y); |C| <= l · C(m(w+1) - 1, k-1); the loss of an order-free head is a sum over
    C(l-k+V-1, V-1) histograms, V the number of tokens that occur in the background: the claim."""

    terms: Literal["all", "ends", "mixed", "swapped"] = "all"
    tokens_per_window: int = 0
    """The bound on |C| has C(m(w+1) - 1 + this, k - 1)."""
    histogram_shift: int = 0
    planted_too: bool = False
    """Whether the histograms are those of all l tokens, in place of those of the l - k of the background."""
    multinomial: bool = True
    """Whether a histogram weighs as many fillings as it has; without it all histograms weigh the same."""


STATED = Statement()


@claim.refute
def refute(problem: Problem, *, statement: Statement = STATED, without: str = "") -> Facts | None:
    """Fast counts against listing, then the identities against listing alone, on every example."""
    heads, law = problem.heads, problem.test
    ids_seen: set[Ids] = set()
    for example in law.support():
        if statement == STATED and not without:
            plain, fast = heads.view_counts(example), view_counts(heads, example.tokens, example.ids)
            if plain != fast:
                return {"tokens": list(example.tokens), "ids": list(example.ids), "view_counts": "differ"}
        if example.ids not in ids_seen and (facts := _refute_window(heads, example.ids, statement)):
            return facts
        ids_seen.add(example.ids)
    for tokens in {example.tokens: None for example in law.support()}:
        if facts := _refute_chen(heads, tokens, statement, without):
            return facts
    return _refute_histograms(problem, statement, without)


claim.mutant("Chen without the mixed terms", statement=Statement(terms="ends"))
claim.mutant("Chen without the ends", statement=Statement(terms="mixed"))
claim.mutant("Chen with the parts swapped", statement=Statement(terms="swapped"))
claim.mutant("one token fewer in a window", statement=Statement(tokens_per_window=-1))
claim.mutant("one token more among histograms", statement=Statement(histogram_shift=1))
claim.mutant("l for l - k among histograms", statement=Statement(planted_too=True))
claim.mutant("histograms all weigh the same", statement=Statement(multinomial=False))


def patterns(tokens: tuple[int, ...], arity: int) -> Patterns:
    """{token pattern: number of increasing tuples}, by listing."""
    return Counter(combinations(tokens, arity))


@lru_cache(maxsize=10_000)
def _refute_chen(heads: HeadClass, tokens: tuple[int, ...], statement: Statement, without: str) -> Facts | None:
    """Chen's identity at every cut; it is about tokens alone, so IDs 0, 1, 2, ... will do where a window is let in."""
    if not _is_free(heads) and without != "no window":
        return None
    k, own = heads.arity, Example(tokens, tuple(range(len(tokens))), 0)
    whole = Counter({view.tokens: n for view, n in replace(heads, key="none").view_counts(own).items()})
    for cut in range(len(tokens) + 1):
        left, right = tokens[:cut], tokens[cut:]
        first, second = (left, right) if statement.terms != "swapped" else (right, left)
        total: Patterns = Counter()
        for a in _levels(k, statement):
            for (p, m), (q, n) in product(patterns(first, a).items(), patterns(second, k - a).items()):
                total[p + q] += m * n
        if total != whole:
            return {"tokens": list(tokens), "cut": cut, "chen": "differs"}
        if statement == STATED and not without:
            vocabulary = max(tokens) + 1
            joined = chen_product(
                *(signature(np.array(part, int), vocabulary=vocabulary, arity=k) for part in (left, right))
            )
            direct = pattern_counts(np.array(tokens), vocabulary=vocabulary, arity=k)
            if not np.array_equal(joined[k], direct):
                return {"tokens": list(tokens), "cut": cut, "chen_product": "differs"}
            if {p: n for p in product(range(vocabulary), repeat=k) if (n := int(direct[p]))} != whole:
                return {"tokens": list(tokens), "pattern_counts": "differ"}
    return None


def _is_free(heads: HeadClass) -> bool:
    """Whether every increasing tuple of positions is a candidate, seen by its tokens alone."""
    return (heads.key, heads.window, heads.anchor) == ("none", None, "none")


def _has_window(heads: HeadClass, ids: Ids) -> bool:
    """Whether (ii) speaks of the class on these IDs: there is one window, and one coordinate."""
    return isinstance(heads.window, int) and n_coordinates(ids) == 1


def _levels(arity: int, statement: Statement) -> range | tuple[int, ...]:
    if statement.terms == "ends":
        return (0, arity)
    return range(1, arity) if statement.terms == "mixed" else range(arity + 1)


def _refute_window(heads: HeadClass, ids: Ids, statement: Statement) -> Facts | None:
    if not _has_window(heads, ids) or heads.anchor != "none":
        return None
    bound, listed = most_in_window(heads, ids, statement), sum(1 for _ in heads.candidates(ids))
    return {"ids": list(ids), "candidates": listed, "bound": bound} if listed > bound else None


def most_in_window(heads: HeadClass, ids: Ids, statement: Statement) -> int:
    """The claimed bound on the number of candidates within a window."""
    assert isinstance(heads.window, int)
    in_window = max(Counter(ids).values()) * (heads.window + 1) - 1 + statement.tokens_per_window
    return len(ids) * comb(max(in_window, 0), heads.arity - 1)


def _refute_histograms(problem: Problem, statement: Statement, without: str) -> Facts | None:
    """Backgrounds of the law as listed against their number, and the loss as listed against the sum over them."""
    law, heads = problem.test, problem.heads
    if not isinstance(law, PlantedLaw) or not _is_free(heads):
        return None
    n_tokens = sum(p > 0 for p in law.ensemble.background)
    free = law.length - (0 if statement.planted_too else law.ensemble.arity)
    shift = n_tokens - 1 + statement.histogram_shift
    claimed = comb(free + shift, shift)
    listed = len(backgrounds(law))
    if listed != claimed:
        return {"free": free, "tokens": n_tokens, "histograms": listed, "claimed": claimed}
    if problem.head is None or not (_order_free(problem.head) or without == "order-free"):
        return None
    plain, summed = loss(problem.head, law), histogram_loss(problem.head, law, multinomial=statement.multinomial)
    if plain != summed:
        return {"loss": str(plain), "sum_over_histograms": str(summed)}
    if statement == STATED and not without and (found := risk(problem.head, law)).loss != plain:
        return {"loss": str(plain), "risk": str(found.loss), "route": found.route}
    return None


def backgrounds(law: PlantedLaw) -> set[tuple[int, ...]]:
    """The multisets of tokens beside the planted ones, by listing the law with its first word alone."""
    word, label = next(iter(law.ensemble.target.items()))
    single = replace(law, ensemble=replace(law.ensemble, planted={word: Fraction(1)}, target={word: label}))
    found = (Counter(example.tokens) - Counter(word) for example in single.support())
    return {tuple(sorted(background.elements())) for background in found}


def histogram_loss(head: HardHead, law: PlantedLaw, *, multinomial: bool = True) -> Fraction:
    """Σ over planted words and histograms n of their weight times W/D, where D = Σ_r Π_v C(n_v, r_v).

    r runs over the multisets of tokens that an order-free head selects.
    """
    ensemble, free = law.ensemble, law.length - law.ensemble.arity
    noise = [token for token, p in enumerate(ensemble.background) if p]
    answers = {tuple(sorted(view.tokens)): answer for view, answer in head.answers.items()}
    histograms = [Counter(filling) for filling in combinations_with_replacement(noise, free)]
    total = Fraction(0)
    for histogram, (word, q) in product(histograms, ensemble.planted.items()):
        tokens = histogram + Counter(word)
        selected: Counter[Label] = Counter()
        for multiset, answer in answers.items():
            selected[answer] += prod(comb(tokens[token], n) for token, n in Counter(multiset).items())
        right, n_selected = selected[ensemble.target[word]], selected.total()
        weight = Fraction(1, len(histograms))
        if multinomial:
            weight = factorial(free) * prod(
                (ensemble.background[token] ** n / factorial(n) for token, n in histogram.items()), start=Fraction(1)
            )
        total += q * weight * (1 - Fraction(right, n_selected) if n_selected else 1)
    return total


def _order_free(head: HardHead) -> bool:
    """Whether the answers depend on the multiset of tokens alone."""
    by_multiset: dict[tuple[int, ...], set[Label | None]] = {}
    tokens = {token for view in head.answers for token in view.tokens}
    for word in product(sorted(tokens), repeat=head.heads.arity):
        by_multiset.setdefault(tuple(sorted(word)), set()).add(head.answers.get(View(word, ())))
    return all(len(answers) == 1 for answers in by_multiset.values())


@claim.cases
def cases(problem: Problem) -> int:
    """One case an example."""
    return len(problem.test.support())


@claim.decisive
def decisive(problem: Problem) -> int:
    """The examples with a candidate, and with a window those for which the bound is below the number of all sets."""
    heads, examples = problem.heads, problem.test.support()
    return sum(
        most_in_window(heads, example.ids, STATED) < comb(example.length, heads.arity)
        if _has_window(heads, example.ids)
        else heads.arity <= example.length
        for example in examples
    )


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether (i) or (iii), which ask for every k-set, or (ii), which asks for a window, speaks of the class."""
    heads = problem.heads
    return _is_free(heads) or (heads.window is not None and heads.anchor == "none")


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family(
    "key none, no window, arity 1..3, lengths up to 4 (full: 4, 7): counts, Chen at every cut, losses by histograms"
)
def _without_window(profile: Profile) -> Iterator[Problem]:
    """Key none, no window: arity 1 to 4, anchored or not, planted laws with noise; order-free heads in full noise."""
    longest = 4 if profile == "quick" else 7
    for k in (1, 2, 3) if profile == "quick" else (1, 2, 3, 4):
        for noise in ((0,), (0, 1)):
            target: dict[tuple[int, ...], Label] = {(1,) * k: 0, (2,) * k: 1}
            for length in range(k, longest + 1):
                at = ensemble(3, noise, target).at(length)
                yield Problem(HeadClass(k), at, at)
                yield Problem(HeadClass(k, anchor="last"), at, at)
        uneven = PlantedEnsemble(
            3, ["1/2", "1/3", "1/6"], {(1,) * k: "1/4", (2,) * k: "3/4"}, {(1,) * k: 0, (2,) * k: 1}, support.uniform()
        )
        for length in range(k, min(longest, 6) + 1):
            at = uneven.at(length)
            yield Problem(HeadClass(k), at, at, _multiset_head(k))


@claim.family(
    "windows 0 and 1, arity 2 and 3, length 4 (full: 0, 1, 3; 1..4; 6), every key and anchor, six ID schemes: "
    "counts and |C|"
)
def _with_window(profile: Profile) -> Iterator[Problem]:
    """Small windows, every key, anchors, IDs by shift, ordered subset, chunks and coupling."""
    arities, windows, length = ((2, 3), (0, 1), 4) if profile == "quick" else ((1, 2, 3, 4), (0, 1, 3), 6)
    schemes = (
        positions.random_shift(-1, 1),
        positions.random_ordered(0, length),
        positions.chunked_shift(0, length, 2),
        positions.coupled(positions.blocks(2)),
        positions.coupled(positions.blocks(length), positions.random_shift(0, 1)),
        positions.coupled(positions.blocks(length // 2), positions.random_ordered(0, 3)),
    )
    for k, window, key, anchor in product(arities, windows, KEYS, ANCHORS):
        for scheme in schemes:
            at = marked_parity(1).at(length, positions=scheme)
            yield Problem(HeadClass(k, window, key, anchor), at, at)


def _multiset_head(arity: int) -> HardHead:
    """A head that answers by the number of 1s among its tokens: order-free."""
    words = product(range(3), repeat=arity)
    return HardHead(HeadClass(arity), {View(word, ()): word.count(1) % 2 for word in words if 0 not in word})


# ── Proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "Vandermonde for j <= 8, as polynomials in both lengths",
    kind="exhausted",
    notices=("Chen without the mixed terms", "Chen without the ends"),
)
def prove_vandermonde(*, statement: Statement = STATED) -> int:
    """Chen's identity summed over patterns is Vandermonde's: C(m + n, j) = Σ_a C(m, a) C(n, j - a), polynomials, j <= 8."""
    import sympy

    m, n = sympy.symbols("m n", integer=True, positive=True)
    for j in range(9):
        total = sum(bounds.binomial(m, a) * bounds.binomial(n, j - a) for a in _levels(j, statement))
        gap = sympy.expand(sympy.expand_func(sympy.sympify(bounds.binomial(m + n, j)) - total))
        require(gap == 0, f"j = {j}: {gap}")
    return 9


@claim.proof(
    "the number of histograms, by its recurrence, symbolic in f and V", notices=("one token more among histograms",)
)
def prove_histograms(*, statement: Statement = STATED) -> int:
    """The claimed number h(f, V) of histograms of f tokens over V is that of multisets, by induction on f and V.

    A multiset either lacks the last token, or loses one of it: h(f, V) = h(f, V - 1) + h(f - 1, V), for f >= 1 and V >= 2;
    and there is one of no tokens, and one over a single token.
    """
    import sympy

    f, v = sympy.symbols("f V", integer=True, positive=True)

    def claimed(size: Any, tokens: Any) -> Any:
        shift = tokens - 1 + statement.histogram_shift
        return sympy.binomial(size + shift, shift)

    gap = claimed(f, v) - claimed(f - 1, v) - claimed(f, v - 1)
    require(sympy.simplify(sympy.gammasimp(gap.rewrite(sympy.gamma))) == 0, "the recurrence of multisets")
    require(claimed(0, v) == 1, "no tokens")
    require(claimed(f, 1) == 1, "one token to take them from")
    return 3


@claim.sampler(
    "random laws, windows, keys, anchors, schemes",
    quick=60,
    full=1000,
    notices=("Chen without the mixed terms", "l for l - k among histograms"),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import problems

    return problems(max_heads=3**30, max_length=5).map(_without_limits)


def _without_limits(problem: Problem) -> Problem:
    """Without a window, let the class see every k-set by its tokens alone, as T10 (i) and (iii) ask."""
    return problem if problem.heads.window is not None else replace(problem, heads=HeadClass(problem.heads.arity))


@claim.measurement("sampled", "long sequences", notices=tuple(name for name in claim.mutants if "Chen" in name))
def _large(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, statement: Statement = STATED
) -> Measured:
    """Long sequences, where listing is hopeless: the total is C(l, k), a reversal transposes, a relabelling permutes, and
    Chen's identity holds at a random cut."""
    lengths = (1000, 30_000) if profile == "quick" else (1000, 100_000, 3_000_000)
    instances = 0
    for length, k in product(lengths, (1, 2, 3)):
        tokens = rng.integers(0, 4, size=length)
        counts = pattern_counts(tokens, vocabulary=4, arity=k)
        total = sum(int(n) for n in counts.reshape(-1))
        backwards = pattern_counts(tokens[::-1], vocabulary=4, arity=k)
        swap = np.array([2, 0, 3, 1])
        renamed = pattern_counts(swap[tokens], vocabulary=4, arity=k)
        instances += 1
        tick(1)
        moved = renamed[np.ix_(*[swap] * k)]
        cut = int(rng.integers(1, length))
        left, right = (signature(part, vocabulary=4, arity=k) for part in (tokens[:cut], tokens[cut:]))
        if statement.terms == "swapped":
            left, right = right, left
        chen = sum(np.multiply.outer(left[a], right[k - a]) for a in _levels(k, statement))
        same = (np.array_equal(*pair) for pair in ((counts.T, backwards), (moved, counts), (chen, counts)))
        if total != comb(length, k) or not all(same):
            small = marked_parity(1).at(3)
            facts = {"length": length, "arity": k, "total": str(total)}
            return Measured(instances, str(facts), (Problem(HeadClass(k), small, small), facts))
    return Measured(
        instances, f"totals, reversals, relabellings and a cut at lengths {', '.join(f'{n:,}' for n in lengths)}"
    )


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("no window")
def _windowed() -> Iterator[Problem]:
    at = marked_parity(1).at(5)
    yield Problem(HeadClass(2, 1, "none"), at, at)


@claim.without("order-free")
def _ordered() -> Iterator[Problem]:
    """A head that tells (1, 2) from (2, 1)."""
    at = ensemble(3, (1, 2), {(1, 2): 0}, support.uniform()).at(4)
    yield Problem(HeadClass(2), at, at, HardHead(HeadClass(2), {View((1, 2), ()): 0, View((2, 1), ()): 1}))
