"""T5, position coupling: blocks that share IDs bring distant planted tokens into one window; raw IDs cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.attack import Attack, Dropped, Facts, Family, Measured, Measurement, Profile, Proof, Sampler, require
from proofs_check.families import ensemble, marked_parity
from proofs_check.problem import Problem, ViewCase, view_cases
from theory import HeadClass, decide, positions, support
from theory.heads import View
from theory.positions import Coupled

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Statement:
    """Paired parity of k blocks, heads of arity k: coupled IDs with window 0 generalize from length `certificate`·k on,
    raw IDs are unrealizable for windows below the spread and fail without one; the defaults are the claim."""

    certificate: int = 2
    """In blocks' length: training length k · certificate suffices, and one offset less does not."""
    coupled: str = "generalizes"
    raw_window: str = "unrealizable"
    raw_free: str = "fails"
    needs_parity: bool = True
    needs_coupling: bool = True


STATED = Statement()
MUTANTS = {
    "coupled: one offset suffices": replace(STATED, certificate=1),
    "coupled: three offsets are needed": replace(STATED, certificate=3),
    "raw IDs generalize without a window": replace(STATED, raw_free="generalizes"),
    "raw IDs within a window are realizable": replace(STATED, raw_window="fails"),
}


def refute(problem: Problem, statement: Statement) -> Facts | None:
    """What the statement says against T1's verdict, and (where heads can be enumerated) against all heads."""
    says = _says(problem, statement)
    if says is None:
        return None
    verdict = problem.verdict().outcome
    if verdict != says:
        return {"statement": says, "verdict": verdict}
    if problem.n_enumerated and (truth := problem.brute_force()) != says:
        return {"statement": says, "brute_force": truth}
    return None


def _says(problem: Problem, statement: Statement) -> str | None:
    (train, test), heads = problem.planted, problem.heads
    k = train.ensemble.arity
    is_parity = train.ensemble == marked_parity(k, support.paired())
    if statement.needs_parity and not is_parity:
        return None
    if test.length <= train.length or heads.key != "relative" or heads.arity != k:
        return None
    if isinstance(train.positions, Coupled) or not statement.needs_coupling:
        if heads.window != 0:
            return None
        return statement.coupled if train.length >= k * statement.certificate else "fails"
    if heads.window is None:
        return statement.raw_free
    return statement.raw_window if heads.window < (k - 1) * (train.length // k) else None


def cases(problem: Problem) -> int:
    """One case a hard head where heads are enumerated, else one."""
    return max(1, problem.n_enumerated)


def nonvacuous(problem: Problem) -> bool:
    """Whether the claim says something about the problem."""
    return _says(problem, STATED) is not None


def _problems(profile: Profile) -> Iterator[Problem]:
    """k blocks of equal length for k = 2, 3: coupled with shifts and ordered relabellings, raw IDs with every window."""
    for k in (2, 3):
        ens = marked_parity(k, support.paired())
        most = (5 if profile == "quick" else 7) if k == 2 else (3 if profile == "quick" else 4)
        blocks = positions.blocks(k)
        couplings = (
            positions.coupled(blocks),
            positions.coupled(blocks, positions.random_shift(0, 1)),
            positions.coupled(blocks, positions.random_ordered(0, most)),
        )
        for train, test in product(range(1, most), range(2, most + 1)):
            for scheme in couplings:
                at = [ens.at(k * n, positions=scheme) for n in (train, test)]
                yield Problem(HeadClass(k, 0, "relative"), at[0], at[1])
            for window in (None, 0, 1, 2):
                yield Problem(HeadClass(k, window, "relative"), ens.at(k * train), ens.at(k * test))
                shifted = positions.random_shift(0, 1)
                yield Problem(
                    HeadClass(k, window, "relative"),
                    ens.at(k * train, positions=shifted),
                    ens.at(k * test, positions=shifted),
                )


def prove_coupling() -> int:
    """The coupling c(p) = p mod m sends the position j m + i, at the offset i < m of block j, to i: two positions share
    an ID just when they share the offset. So with window 0 the candidates are one k-set for each of the m offsets. On
    raw IDs such a set spreads over (k - 1) m, which outgrows every window. Symbolic in k, m, i and j.
    """
    import sympy

    i, j, spare = sympy.symbols("i j b", integer=True, nonnegative=True)
    m, k = sympy.symbols("m k", integer=True, positive=True)
    require(sympy.Mod(i + j * m, m) == sympy.Mod(i, m), "the ID does not depend on the block")
    require(sympy.Mod(i, i + 1 + spare) == i, "the ID is the offset, for every m = i + 1 + b > i")
    require(sympy.Mod(i + j * (m + 1), m) != sympy.Mod(i, m), "it depends on blocks of another length")
    require(sympy.limit(k * m, m, sympy.oo) == sympy.oo, "the spread of k + 1 >= 2 positions")
    return 4


def bags(k: int, n_offsets: int) -> set[ViewCase]:
    """The (views, label) of coupled parity by T5's proof: the planted word, and beside other offsets the word of noise."""
    key = (0,) * k
    noise = {View((0,) * k, key)} if n_offsets > 1 else set()
    return {(frozenset({View(word, key), *noise}), y) for word, y in marked_parity(k).target.items()}


def prove_two_offsets() -> int:
    """From two offsets on, the views of coupled parity do not depend on their number m: with m - 1 > 0 other offsets, all
    noise, there is one other view. T1 asks of a law for its (views, label) alone, so its verdict from any m >= 2 to any
    m' >= 2 is that from 2 to 2, which is also found from all hard heads; and from 1 to any m' >= 2 that from 1 to 2.

    Candidates and views are listed for m = 1..6.
    """
    steps = 0
    for k in (2, 3):
        heads, ens, scheme = HeadClass(k, 0, "relative"), marked_parity(k, support.paired()), positions.blocks(k)
        laws = {m: ens.at(k * m, positions=positions.coupled(scheme)) for m in range(1, 7)}
        for m, law in laws.items():
            sets = {tuple(range(i, k * m, m)) for i in range(m)}
            require(set(heads.candidates(scheme(k * m))) == sets, f"k = {k}, m = {m}: the candidates")
            require(set(view_cases(heads, law)) == bags(k, m), f"k = {k}, m = {m}: the views")
            require((bags(k, m) == bags(k, 2)) == (m >= 2), f"k = {k}, m = {m}: the views of m = 2")
            steps += 3
        for m, outcome in ((1, "fails"), (2, "generalizes")):
            problem = Problem(heads, laws[m], laws[2])
            require(problem.brute_force() == problem.verdict().outcome == outcome, f"k = {k}: from {m} to 2 offsets")
            steps += 1
    return steps


def _random_problems() -> SearchStrategy[Problem]:
    from proofs_check.problems_drawn import paired_problems

    return paired_problems()


def _smallest_window(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    """The smallest window that makes the paired ensemble realizable, coupled and raw, as the length grows."""
    coupled: list[int] = []
    raw: list[int] = []
    instances = 0
    scheme = positions.coupled(positions.blocks(2))
    ens = marked_parity(2, support.paired())
    for length in (4, 6, 8, 10):
        for found, at in ((coupled, ens.at(length, positions=scheme)), (raw, ens.at(length))):
            for window in range(length):
                instances += 1
                tick(1)
                if decide(HeadClass(2, window, "relative"), train=at, test=at).outcome != "unrealizable":
                    found.append(window)
                    break
    if coupled != [0, 0, 0, 0] or raw != [2, 3, 4, 5]:
        at = ens.at(4)
        return Measured(
            instances, "windows", (Problem(HeadClass(2, 0, "relative"), at, at), {"coupled": coupled, "raw": raw})
        )
    return Measured(instances, f"smallest realizable windows at lengths 4, 6, 8, 10: coupled {coupled}, raw {raw}")


def _no_parity() -> Iterator[Problem]:
    """A target that one planted token decides: raw IDs with window 0 at arity 2 stay unrealizable, at window 1 not."""
    for target in ({(1, 2): 0, (2, 1): 0}, {(1, 1): 0}):
        ens = ensemble(3, (0,), target, support.paired())  # type: ignore[arg-type]
        yield Problem(HeadClass(2, 1, "relative"), ens.at(4), ens.at(6))


def _uncoupled() -> Iterator[Problem]:
    ens = marked_parity(2, support.paired())
    yield Problem(HeadClass(2, 0, "relative"), ens.at(4), ens.at(6))


ATTACK = Attack(
    claim_id="T5",
    stated=STATED,
    mutants=MUTANTS,
    refute=refute,
    cases=cases,
    families=(
        Family(
            "two and three blocks, coupled (three relabellings) against raw IDs (every window <= 2 and none)", _problems
        ),
    ),
    proofs=(
        Proof(
            "coupled: one candidate an offset, raw: unbounded spread; symbolic in arity and block length",
            prove_coupling,
        ),
        Proof(
            "coupled parity of 2 and 3 tokens, window 0, generalizes from m >= 2 offsets to any m' >= 2, from 1 to none: "
            "T1 sees the same views for all m >= 2 (listed up to 6), and decides m = 1, 2 as all hard heads do",
            prove_two_offsets,
        ),
    ),
    samplers=(Sampler("random paired plantings, relabellings and windows", _random_problems, 40, 400),),
    measurements=(Measurement("search", "the smallest realizable window", _smallest_window),),
    necessity={
        "no subset determines the target": Dropped(_no_parity, replace(STATED, needs_parity=False)),
        "coupled IDs": Dropped(_uncoupled, replace(STATED, needs_coupling=False)),
    },
    nonvacuous=nonvacuous,
)
