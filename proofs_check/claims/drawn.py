"""What claims are tried on at random: Hypothesis strategies for problems under their hypotheses."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from proofs_check.claims.families import marked_parity
from proofs_check.problem import Problem
from proofs_check.strategies import KEYS, head_classes, laws_on, planted_ensembles, position_schemes, support_laws
from theory import HeadClass, InvalidArgument, Law, PlantedEnsemble, bounds, mixture, positions, support
from theory.examples import Label
from theory.heads import Anchor, Key
from theory.positions import PositionScheme
from theory.support import PositionSet, SupportLaw


@st.composite
def full_support_laws(draw: DrawFn, length: int, arity: int, anchor: Anchor = "none") -> SupportLaw:
    """Non-uniform laws on all k-sets of a length (or on those with the last position)."""
    sets: list[PositionSet] = [s for s in combinations(range(length), arity) if anchor == "none" or s[-1] == length - 1]
    return support.fixed(draw(laws_on(sets)))


@st.composite
def laws(draw: DrawFn, ensemble: PlantedEnsemble, *, max_length: int = 4, max_size: int = 3000) -> Law:
    """A planted law of the ensemble, or a mixture of two over lengths and schemes."""
    components: list[Law] = []
    for _ in range(draw(st.integers(1, 2))):
        length = draw(st.integers(ensemble.arity, max_length))
        components.append(_defined(ensemble, length, draw(position_schemes())))
    weights = draw(laws_on(list(range(len(components)))))
    law = mixture([(component, weights[i]) for i, component in enumerate(components)])
    assume(law.size <= max_size)
    return law


def _defined(ensemble: PlantedEnsemble, length: int, scheme: PositionScheme) -> Law:
    try:
        return ensemble.at(length, positions=scheme)
    except InvalidArgument:  # the scheme or the support law is undefined at this length
        assume(False)
        raise


@st.composite
def problems(
    draw: DrawFn, *, max_heads: int = 3**9, max_length: int = 4, same_support: bool = False, at_most: bool = False
) -> Problem:
    """T1's and T3's input: a head class, and training and test laws of one planting.

    The support law may differ between the two unless `same_support`; with `at_most` the class may be of arity at most k.
    """
    train_ens = draw(planted_ensembles())
    test_ens = train_ens
    if not same_support and draw(st.booleans()):
        other = draw(support_laws())
        test_ens = PlantedEnsemble(
            train_ens.vocabulary, train_ens.background, train_ens.planted, train_ens.target, other, train_ens.labels
        )
    heads = draw(head_classes(at_most=at_most))
    problem = Problem(
        heads, draw(laws(train_ens, max_length=max_length)), draw(laws(test_ens, max_length=max_length + 1))
    )
    assume(problem.space().size <= max_heads)
    return problem


@st.composite
def certificate_problems(draw: DrawFn) -> Problem:
    """T2's input: full-support ensembles at the certificate length, one below it (where T2 says nothing) and above,
    non-uniform support laws."""
    anchor: Anchor = draw(st.sampled_from(("none", "last")))
    planting = draw(planted_ensembles(max_labels=3, supports=st.just(support.uniform(anchor))))
    arity = planting.arity
    train = max(arity, bounds.certificate(arity, anchor) + draw(st.sampled_from((0, 1, -1))))
    test = train + draw(st.integers(1, 2))

    def at(length: int) -> Law:
        own = draw(full_support_laws(length, arity, anchor))
        ens = PlantedEnsemble(
            planting.vocabulary, planting.background, planting.planted, planting.target, own, planting.labels
        )
        return ens.at(length)

    problem = Problem(HeadClass(arity, anchor=anchor), at(train), at(test))
    assume(problem.train.size <= 3000)
    assume(problem.test.size <= 10_000)
    assume(problem.space().size <= 4**9)
    return problem


@st.composite
def parity_problems(draw: DrawFn) -> Problem:
    """T7's input: parity of k marked bits in any background, under heads of smaller arity and any window and key."""
    arity = draw(st.integers(2, 4))
    n_tokens = draw(st.integers(2, 4))
    noise = draw(st.lists(st.integers(0, n_tokens - 1), min_size=1, max_size=n_tokens, unique=True))
    background: dict[int, Any] = draw(laws_on(noise))
    words = list(product((0, 1), repeat=arity))
    ens = PlantedEnsemble(
        n_tokens,
        [background.get(t, 0) for t in range(n_tokens)],
        {word: Fraction(1, len(words)) for word in words},
        {word: sum(word) % 2 for word in words},
        draw(support_laws()),
    )
    law = draw(laws(ens, max_length=5, max_size=8000))
    return Problem(draw(head_classes(max_arity=arity - 1)), law, law)


@st.composite
def exchangeable_problems(draw: DrawFn) -> Problem:
    """T3a's input: uniform support, key none, no window, one training length >= 2k and a test length from it on, as far
    as the pairs (S, S*) are quick to list."""
    ens = draw(planted_ensembles(max_arity=3, supports=st.just(support.uniform())))
    longest = {1: 60, 2: 18, 3: 10}[ens.arity]
    train = draw(st.integers(2 * ens.arity, longest))
    return Problem(HeadClass(ens.arity), ens.at(train), ens.at(draw(st.integers(train, longest))))


@st.composite
def local_problems(draw: DrawFn) -> Problem:
    """T3b's input: marked parity with w-local support, heads with the same window and the relative key, positions or a
    shift; one law, or two lengths from 4w + 2k² on. The masses depend on the placement alone, not on the planting."""
    arity = draw(st.integers(2, 3))
    width = draw(st.integers(arity - 1, 4 if arity == 2 else 3))
    ens = marked_parity(arity, support.local(width))
    low = draw(st.integers(0, 3))
    scheme = positions.random_shift(low, low + draw(st.integers(0, 1)))
    heads = HeadClass(arity, width, "relative")
    if draw(st.booleans()):
        law = ens.at(4 * width + arity + draw(st.integers(0, 6)), positions=scheme)
        return Problem(heads, law, law)
    train = 4 * width + 2 * arity**2 + draw(st.integers(0, 6))
    return Problem(heads, ens.at(train), ens.at(train + draw(st.integers(1, 30)), positions=scheme))


@st.composite
def fixed_id_problems(draw: DrawFn) -> Problem:
    """T4's input: any planting, absolute positions, the absolute key or the unbounded relative one, a longer test.

    The label set has two labels: with one label an unseen view cannot be answered wrongly.
    """
    ens = draw(planted_ensembles(supports=st.just(support.uniform())))
    assume(len(ens.labels) == 2)
    key: Key = draw(st.sampled_from(("absolute", "relative") if ens.arity > 1 else ("absolute",)))
    train = draw(st.integers(ens.arity, 4))
    return Problem(HeadClass(ens.arity, None, key), ens.at(train), ens.at(train + draw(st.integers(1, 2))))


@st.composite
def coupled_problems(draw: DrawFn) -> Problem:
    """T5 (i)'s input: any planting on two or three blocks that share IDs, relabelled at random, and window 0."""
    arity = draw(st.integers(2, 3))
    ens = draw(planted_ensembles(min_arity=arity, max_arity=arity, max_labels=3, supports=st.just(support.paired())))
    train = draw(st.integers(2, 3 if arity == 2 else 2))
    test = draw(st.integers(train, 4 if arity == 2 else 3))

    def scheme() -> PositionScheme:
        low = draw(st.integers(-2, 2))
        relabelling = draw(
            st.sampled_from((positions.random_shift(low, low + 1), positions.random_ordered(low, low + 4)))
        )
        return positions.coupled(positions.blocks(arity), relabelling)

    laws = [ens.at(arity * n, positions=scheme()) for n in (train, test)]
    assume(max(law.size for law in laws) <= 6000)
    return Problem(HeadClass(arity, 0, draw(st.sampled_from(("none", "order", "relative")))), laws[0], laws[1])


@st.composite
def outside_problems(draw: DrawFn) -> Problem:
    """T5 (ii)'s input: labels that no proper subset of the planted tokens determines, and classes without S*.

    The label is the sum modulo m of the tokens, each renamed by a permutation of its own.
    """
    modulus, arity = draw(st.sampled_from(((2, 2), (3, 2), (2, 3))))
    names = [draw(st.permutations(range(3))) for _ in range(arity)]
    target: dict[tuple[int, ...], Label] = {
        tuple(name[digit] for name, digit in zip(names, digits, strict=True)): sum(digits) % modulus
        for digits in product(range(modulus), repeat=arity)
    }
    noise: dict[int, Any] = draw(laws_on(draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))))
    spread = draw(st.booleans())
    law = support.paired() if spread else draw(support_laws())
    ens = PlantedEnsemble(3, [noise.get(t, 0) for t in range(3)], draw(laws_on(list(target))), target, law)
    if spread:  # over twice the number of blocks, wider than the window
        at: Law = _defined(
            ens, 2 * arity, draw(st.builds(positions.random_shift, st.integers(-1, 0), st.integers(0, 1)))
        )
        window = draw(st.integers(0, 2 * arity - 3))
        heads = HeadClass(draw(st.integers(1, arity + 1)), window, draw(st.sampled_from(KEYS)))
    else:  # or more tokens than a head reads
        at = draw(laws(ens))
        heads = draw(head_classes(max_arity=arity - 1))
    assume(at.size <= 3000)
    return Problem(heads, at, at)


@st.composite
def raw_parity_problems(draw: DrawFn) -> Problem:
    """T5 (iii)'s input: parity of two or three marked bits on shifted positions, and a window that holds S*."""
    arity = draw(st.integers(2, 3))
    n_tokens = draw(st.integers(3, 4))
    marks = draw(st.permutations(range(n_tokens)))[:2]
    others = [t for t in range(n_tokens) if t not in marks]
    words = list(product(marks, repeat=arity))
    noise: dict[int, Any] = draw(laws_on(others))
    ens = PlantedEnsemble(
        n_tokens, [noise.get(t, 0) for t in range(n_tokens)], draw(laws_on(words)),
        {word: word.count(marks[0]) % 2 for word in words}, support.paired(),
    )  # fmt: skip
    train = draw(st.integers(1, 3 if arity == 2 else 2))
    test = train + draw(st.integers(1, 2 if arity == 2 else 1))
    low = draw(st.integers(-3, 3))
    scheme = positions.random_shift(low, low + draw(st.integers(0, 1)))
    spread = (arity - 1) * train
    heads = HeadClass(arity, draw(st.none() | st.integers(spread, spread + 4)), "relative")
    return Problem(heads, ens.at(arity * train, positions=scheme), ens.at(arity * test, positions=scheme))


@st.composite
def dilution_problems(draw: DrawFn, stands_out: Callable[[Problem], bool]) -> Problem:
    """T6's input: a planting with two labels or three, heads of its arity, and examples in which S* `stands_out`."""
    ens = draw(planted_ensembles(max_arity=3, max_labels=3))
    assume(len(ens.labels) > 1)
    at = _defined(ens, draw(st.integers(ens.arity, 5)), draw(position_schemes()))
    assume(at.size <= 500)
    problem = Problem(draw(head_classes(min_arity=ens.arity, max_arity=ens.arity)), at, at)
    assume(stands_out(problem))
    return problem


@st.composite
def small_problems(draw: DrawFn) -> Problem:
    """T9's input: laws with few distinct examples, so that the law of a learned head is exact."""
    ens = draw(planted_ensembles(max_vocabulary=3))
    law = draw(laws(ens, max_length=3, max_size=60))
    assume(len(law.table()) <= 6)
    heads = draw(head_classes(max_arity=2))
    return Problem(heads, law, law)
