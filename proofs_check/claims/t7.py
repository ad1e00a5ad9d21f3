"""T7, the half-wrong identity: below the arity of the parity, a head is wrong on exactly half of what it selects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, marked_parity
from proofs_check.problem import Problem, labelled_counts
from theory import Example, FiniteLaw, HeadClass, Law, PlantedEnsemble, bounds, claims, positions, support
from theory.exact import as_float
from theory.heads import Key
from theory.planted import planted_components
from theory.positions import PositionScheme
from theory.support import SupportLaw

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


claim = Claim(**vars(claims.get("T7")))


HALF = Fraction(1, 2)


def _stated_floor(n_candidates: Any) -> Any:
    return bounds.half_wrong_floor(n_candidates)


def _floor_of_one_half(n_candidates: Any) -> Fraction:
    return Fraction(1, 2)


def _floor_of_two_over_n(n_candidates: Any) -> Any:
    return bounds.ratio(2, n_candidates)


FLOORS = ("no head beats chance", "2 / max |C| for the floor")

KEYS: tuple[Key, ...] = ("none", "order", "relative", "absolute")

ENUMERATED_HEADS = 3**8
"""Above this the identity is still decided for all heads (by linearity), the floor is not enumerated."""


def arity_of(law: Law) -> int:
    """How many bits the label depends on: the planted arity, or every token of a law that is given outright."""
    if isinstance(law, FiniteLaw):
        return max(example.length for example in law.support())
    return planted_components(law, "T7", "law")[0][0].ensemble.arity


@claim.refute
def refute(
    problem: Problem,
    *,
    share: Fraction = HALF,
    slack: int = 0,
    floor: Callable[[Any], Any] = _stated_floor,
    without: str = "",
) -> Facts | None:
    """E[wrong] = share · E[selected] for every head of arity < k + slack, by linearity: view by view and answer by answer;
    and the floor on the loss."""
    if without != "arity below k" and problem.heads.arity >= arity_of(problem.train) + slack:
        return None
    for view, counts in labelled_counts(problem.heads, problem.train).items():
        selected = sum(counts.values())
        for answer in problem.train.labels:
            wrong = selected - counts[answer]
            if wrong != share * selected:
                return {
                    "view": [list(view.tokens), list(view.key)],
                    "answer": answer,
                    "wrong_share": str(Fraction(wrong, selected)),
                }
    return refute_floor(problem, floor)


def refute_floor(problem: Problem, floor: Callable[[Any], Any]) -> Facts | None:
    """The floor on the loss, by its number of candidates, where heads are enumerated."""
    if (space := problem.space()).size > ENUMERATED_HEADS:
        return None
    losses, _, denominator = space.losses(problem.train)
    smallest, least = Fraction(int(losses.min()), denominator), floor(max(1, problem.candidates_in(problem.train)))
    if smallest >= least:
        return None
    return {"smallest_loss": str(smallest), "floor": str(least), "head": int(losses.argmin())}


claim.mutant("a third for a half", share=Fraction(1, 3))
claim.mutant("arity <= k for arity < k", slack=1)
claim.mutant("no head beats chance", floor=_floor_of_one_half)
claim.mutant("2 / max |C| for the floor", floor=_floor_of_two_over_n)


@claim.cases
def cases(problem: Problem) -> int:
    """One case a (view, answer), and one a head where the floor is enumerated."""
    heads = problem.space().size
    identities = len(problem.train.labels) * len(labelled_counts(problem.heads, problem.train))
    return identities + (heads if heads <= ENUMERATED_HEADS else 0)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the arity of the heads is below that of the parity."""
    return problem.heads.arity < arity_of(problem.train)


@claim.decisive
def decisive(problem: Problem) -> int:
    """None where there is no candidate set at all: then every head abstains and loses 1."""
    return cases(problem) if labelled_counts(problem.heads, problem.train) else 0


def _head_classes(arity: int) -> Iterator[HeadClass]:
    for window, key in product((None, 0, 1), KEYS):
        yield HeadClass(arity, window, key)
    yield HeadClass(arity, None, "relative", "last")


def parity(arity: int, noise: tuple[int, ...], law: SupportLaw) -> PlantedEnsemble:
    """Parity of `arity` planted bits (tokens 0 and 1), noise uniform on the given tokens."""
    words = list(product((0, 1), repeat=arity))
    return ensemble(max(1, *noise) + 1, noise, {word: sum(word) % 2 for word in words}, law)


@claim.family(
    "parity of 2 and 3 bits, windows 0, 1 and none, every key, anchored, two supports, noises, schemes: the identity; "
    "the floor where there are at most 3^8 heads"
)
def _marked(profile: Profile) -> Iterator[Problem]:
    longest = 4 if profile == "quick" else 6
    supports: list[SupportLaw] = [support.uniform(), support.local(2)]
    schemes: list[PositionScheme] = [positions.random_shift(0, 1), positions.random_ordered(0, longest)]
    for k in (2, 3):
        for noise in ((2,), (1,), (0, 2), (0, 1)):
            for law in supports:
                for length in range(k, longest + 1):
                    for scheme in schemes:
                        at = parity(k, noise, law).at(length, positions=scheme)
                        for arity in range(1, k + 1):  # arity k lies outside the claim, and is there for the mutants
                            for heads in _head_classes(arity):
                                yield Problem(heads, at, at)


@claim.family(
    "full parity: k = length up to 5 (full: 7), every smaller arity, the same classes: the identity; the floor where "
    "there are at most 3^8 heads"
)
def _dense(profile: Profile) -> Iterator[Problem]:
    """Full parity: every token counts, so every arity below the length is too small."""
    for length in range(2, (5 if profile == "quick" else 7) + 1):
        everything = support.fixed({tuple(range(length)): 1})
        at = parity(length, (0, 1), everything).at(length)
        for arity in range(1, length):
            for heads in _head_classes(arity):
                yield Problem(heads, at, at)


@claim.family("parity of 2 marked bits in constant noise, arity 1")
def _beats_chance(profile: Profile) -> Iterator[Problem]:
    """Constant noise: selecting it too makes the number of selected sets, and so the weight of an error, vary."""
    for length in (3, 4, 5):
        at = parity(2, (2,), support.uniform()).at(length)
        yield Problem(HeadClass(1), at, at)


@claim.proof("the involution, a tautology for every k", notices=("a third for a half",))
def prove_involution(*, share: Fraction = HALF) -> int:
    """Flipping the first marked bit outside S keeps the view of S and flips the label.

    With the parity r of the other bits free, the label is b xor r: for every answer a, exactly one of the two inputs
    (b, r), (not b, r) is answered wrongly. A tautology in (a, b, r), so it holds for every k.
    """
    import sympy
    from sympy.logic.boolalg import Not, Xor
    from sympy.logic.inference import satisfiable

    a, b, r = sympy.symbols("a b r")
    wrong, wrong_flipped = Xor(a, Xor(b, r)), Xor(a, Xor(Not(b), r))
    exactly_one = Xor(wrong, wrong_flipped)
    require(not satisfiable(Not(exactly_one)), "one of the pair is wrong")
    require(share == HALF, "one of two is the share")
    # The check can fail: for AND in place of XOR the flip may leave the label as it is.
    require(bool(satisfiable(Not(Xor(Xor(a, b & r), Xor(a, Not(b) & r))))), "a label that need not flip")
    return 3


@claim.proof(
    "E[parity · f] = 0 for a generic f of fewer bits, k = 2..5", kind="exhausted", notices=("arity <= k for arity < k",)
)
def prove_fourier(*, slack: int = 0) -> int:
    """E[parity · f] = 0 for every function f of fewer bits, k = 2..5: f is generic, one symbol a value.

    In ±1 notation E[wrong] - E[right] over any view is such an expectation.
    """
    import sympy

    steps = 0
    for k in range(2, 6):
        for seen in range(k + slack):
            values = {
                bits: sympy.Symbol(f"f{''.join(map(str, bits))}_{k}{seen}") for bits in product((0, 1), repeat=seen)
            }
            total = sum((-1) ** sum(bits) * values[bits[:seen]] for bits in product((0, 1), repeat=k))
            require(sympy.expand(total) == 0, f"k = {k}, {seen} bits seen")
            steps += 1
        full = {bits: sympy.Symbol(f"f{''.join(map(str, bits))}") for bits in product((0, 1), repeat=k)}
        require(sympy.expand(sum((-1) ** sum(b) * f for b, f in full.items())) != 0, f"k = {k}: all bits do suffice")
    return steps


@claim.proof("the floor 1 / (2N), symbolic in N and the abstention probability", notices=FLOORS)
def prove_floor(*, floor: Callable[[Any], Any] = _stated_floor) -> int:
    """loss >= 1/(2N): W/D >= W/N where D >= 1, E[W] = E[D]/2 >= Pr[D >= 1]/2, and an abstention loses 1 >= 1/(2N).

    With q = Pr[D >= 1] the loss is at least q/(2N) + (1 - q), and that minus 1/(2N) is (1 - q)(1 - 1/(2N)) >= 0.
    """
    import sympy

    # n + 1 candidates for n >= 0, abstention probability u in [0, 1].
    n, u = sympy.symbols("n u", nonnegative=True)
    size = n + 1
    loss = (1 - u) * sympy.Rational(1, 2) / size + u
    slack = sympy.factor(sympy.simplify(loss - floor(size)))
    require(slack.is_nonnegative is True, f"the slack {slack}")
    require(sympy.simplify(slack - u * (1 - 1 / (2 * size))) == 0, f"the slack {slack}")
    return 2


@claim.sampler(
    "random backgrounds, supports, schemes, windows, keys, anchors, mixtures",
    quick=80,
    full=800,
    notices=("a third for a half", *FLOORS),
)
def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import parity_problems

    return parity_problems()


@claim.measurement("sampled", "Monte Carlo", notices=("a third for a half",))
def _monte_carlo(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, share: Fraction = HALF
) -> Measured:
    """Lengths up to 200: selected sets of random heads, wrong ones against 1/2 by an exact binomial test.

    For one uniformly drawn candidate of a sampled example the answer is wrong with probability exactly 1/2. The level of
    each test is that of all of them over their number (Bonferroni).
    """
    from scipy.stats import binomtest

    lengths, draws = ((50, 200), 3000) if profile == "quick" else ((50, 100, 200), 30_000)
    settings = list(product(lengths, (3, 4)))
    level, instances, summary = 0.001, 0, []
    for length, k in settings:
        law = parity(k, (0, 1, 2), support.uniform()).at(length)
        answers = {word: int(rng.integers(2)) for word in product((0, 1, 2), repeat=k - 1)}
        wrong = 0
        for example in law.sample(rng, draws):
            chosen = sorted(rng.choice(length, size=k - 1, replace=False).tolist())
            wrong += answers[tuple(example.tokens[i] for i in chosen)] != example.label
        tick(draws)
        instances += draws
        p = binomtest(wrong, draws, float(share)).pvalue
        summary.append(f"{wrong}/{draws}")
        if p < level / len(settings):
            facts = {"wrong": wrong, "draws": draws, "p": f"{p:.2g}"}
            return Measured(
                instances, f"length {length}, k = {k}: {facts}", (Problem(HeadClass(k - 1), law, law), facts)
            )
    return Measured(instances, f"wrong shares {', '.join(summary)}; family-wise level {level}")


@claim.measurement("search", "hill climbing for the smallest loss", notices=FLOORS)
def _tightness(
    rng: np.random.Generator,
    profile: Profile,
    tick: Callable[[int], None],
    *,
    floor: Callable[[Any], Any] = _stated_floor,
) -> Measured:
    """Hill climbing for the smallest loss over the floor, over heads and noise, at sizes beyond enumeration."""
    from idealized_model import HeadSpace
    from proofs_check.claims.engines import climb

    rounds, steps = (6, 60) if profile == "quick" else (16, 600)
    tried, sizes, best = 0, list[str](), Fraction(10**6)
    for _ in range(rounds):
        k = int(rng.integers(2, 4))
        length = int(rng.integers(k + 1, 6))
        noise = tuple(sorted(rng.permutation(3)[: int(rng.integers(1, 3))].tolist()))
        law = parity(k, noise, support.uniform()).at(length)
        heads = HeadClass(k - 1, key="relative" if rng.integers(2) else "none")
        space = HeadSpace.of(heads, law)
        least = floor(heads.n_candidates(tuple(range(length))))
        table = law.table()

        def gain(state: tuple[int, ...], space: HeadSpace = space, table: dict[Example, int] = table) -> Fraction:
            number = sum(digit * 3**place for place, digit in enumerate(state))
            head = space.head(number)
            return -sum((w * head.loss(e) for e, w in table.items()), Fraction(0))

        start = tuple(int(d) for d in rng.integers(0, 3, size=len(space.views)))
        _, value, n = climb(rng, start, gain, n_choices=3, steps=steps, tick=tick)
        tried += n
        sizes.append(f"{k} bits at length {length}")
        smallest = -value / law.denominator
        best = min(best, smallest / least)
        if smallest < least:
            return Measured(
                tried, "a loss below the floor", (Problem(heads, law, law), {"smallest_loss": str(smallest)})
            )
    at = f"{tried:,} heads for {', '.join(dict.fromkeys(sizes))}"
    return Measured(tried, f"{at}; the smallest loss / floor reached is {best} ≈ {as_float(best):.3f}")


@claim.without("arity below k")
def _full_arity() -> Iterator[Problem]:
    at = marked_parity(2).at(3)
    yield Problem(HeadClass(2), at, at)


@claim.without("uniform bits")
def _biased_bits() -> Iterator[Problem]:
    words = list(product((0, 1), repeat=2))
    ens = PlantedEnsemble(
        3, [0, 0, 1], dict(zip(words, ("1/2", "1/6", "1/6", "1/6"), strict=True)), {w: sum(w) % 2 for w in words},
        support.uniform(),
    )  # fmt: skip
    yield Problem(HeadClass(1), ens.at(2), ens.at(2))


@claim.without("parity")
def _conjunction() -> Iterator[Problem]:
    at = ensemble(3, (2,), {w: int(all(w)) for w in product((0, 1), repeat=2)}).at(2)
    yield Problem(HeadClass(1), at, at)


@claim.without("IDs independent of tokens")
def _ids_that_tell() -> Iterator[Problem]:
    """A scheme that shifts the IDs by the label."""
    law = FiniteLaw.uniform(
        Example(word, (sum(word) % 2, sum(word) % 2 + 1), sum(word) % 2) for word in product((0, 1), repeat=2)
    )
    yield Problem(HeadClass(1, key="absolute"), law, law)
