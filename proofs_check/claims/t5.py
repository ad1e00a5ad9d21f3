"""T5, position coupling: blocks that share IDs bring distant planted tokens into one window; raw IDs cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.claims.families import ensemble, ensembles, marked_parity
from proofs_check.problem import Problem, ViewCase, view_cases
from theory import HeadClass, Law, PlantedEnsemble, bounds, claims, decide, positions, support
from theory.criterion import Outcome
from theory.examples import Label
from theory.heads import Key, View
from theory.planted import PlantedLaw, planted_components
from theory.positions import Blocks, Coupled, PositionScheme, RandomShift
from theory.support import Paired

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

claim = Claim(**vars(claims.get("T5")))

Outcomes = frozenset[Outcome]

KEYS: tuple[Key, ...] = ("none", "order", "relative")
WINDOW_0 = HeadClass(2, 0, "relative")


COUPLED: Outcomes = frozenset(("generalizes", "unrealizable"))
OUTSIDE: Outcomes = frozenset(("unrealizable",))
RAW: Outcomes = frozenset(("fails",))


@claim.refute
def refute(
    problem: Problem,
    *,
    certificate: int = 2,
    coupled: Outcomes = COUPLED,
    outside: Outcomes = OUTSIDE,
    raw: Outcomes = RAW,
    without: str = "",
) -> Facts | None:
    """What the statement allows against T1's verdict, and (where heads can be enumerated) against all heads.

    (i) coupled IDs, any planting: `coupled` from length `certificate` · k on; parity generalizes, and fails below.
    (ii) S* in no candidate set, no subset of it determines the label: `outside`.
    (iii) parity on raw IDs whose window holds S*: `raw`.
    """
    parts = {"certificate": certificate, "coupled": coupled, "outside": outside, "raw": raw}
    for part, allowed in _says(problem, without, **parts).items():
        found = {"verdict": problem.verdict().outcome}
        if problem.n_enumerated:
            found["brute_force"] = problem.brute_force()
        if not allowed.issuperset(found.values()):
            return {"part": part, "statement": " or ".join(sorted(allowed)), **found}
    return None


claim.mutant("coupled: one offset suffices", certificate=1)
claim.mutant("coupled: three offsets are needed", certificate=3)
claim.mutant("coupled: always realizable", coupled=frozenset(("generalizes",)))
claim.mutant("raw IDs generalize", raw=frozenset(("generalizes",)))
claim.mutant("raw IDs below the spread are realizable", outside=frozenset(("fails", "generalizes")))


def _says(problem: Problem, without: str = "", **parts: Any) -> dict[str, Outcomes]:
    """{part: the outcomes that it allows}, of the parts whose hypotheses hold; `parts` are those of `refute`."""
    own = {name: parts.get(name, value) for name, value in claim.parts.items() if name != "without"}
    return {
        part: allowed
        for part, (hypotheses, allowed) in _parts(problem, **own).items()
        if all(holds for name, holds in hypotheses.items() if name != without)
    }


def _parts(
    problem: Problem, *, certificate: int, coupled: Outcomes, outside: Outcomes, raw: Outcomes
) -> dict[str, tuple[dict[str, bool], Outcomes]]:
    """{part: ({hypothesis: whether it holds}, the outcomes that it allows)}."""
    train, test, heads = problem.train, problem.test, problem.heads
    is_hidden = {
        "S* in no candidate set": is_outside(heads, train),
        "no subset determines the target": all(
            is_undetermined(law.ensemble) for law, _ in planted_components(train, "T5", "train")
        ),
    }
    parts = {"(ii)": (is_hidden, outside)}
    if not (isinstance(train, PlantedLaw) and isinstance(test, PlantedLaw)):
        return parts
    k, length, schemes = train.ensemble.arity, train.length, (train.positions, test.positions)
    if train.ensemble != test.ensemble or not isinstance(train.support_law, Paired) or heads.anchor != "none":
        return parts
    parity, marks = is_parity(train.ensemble), has_marks(train.ensemble)
    shared = {
        "arity k": heads.arity == k,
        "coupled IDs": all(isinstance(p, Coupled) and p.coupling == Blocks(k) for p in schemes),
        "window 0": heads.window == 0,
        "key not absolute": heads.key != "absolute",
    }
    longer = {"longer test": test.length > length}
    enough = {"training length 2k": length >= certificate * k}
    serves = coupled - {"unrealizable"} if parity and marks else coupled
    parts["(i)"] = {**shared, **enough, "no shorter test": test.length >= length}, serves
    below = {"marked parity": parity and marks, "below 2k": length < certificate * k}
    parts["(i), below 2k"] = {**shared, **longer, **below}, frozenset(("fails",))
    by_position = {
        "arity k": heads.arity == k,
        "parity": parity,
        "marks are no noise": marks,
        "k >= 2": k >= 2,
        "raw IDs": all(isinstance(p, RandomShift) for p in schemes),
        "relative key": heads.key == "relative",
        "window from the spread on": not isinstance(heads.window, int) or heads.window >= (k - 1) * (length // k),
    }
    parts["(iii)"] = {**by_position, **longer}, raw
    return parts


@lru_cache(maxsize=4096)
def is_outside(heads: HeadClass, law: Law) -> bool:
    """Whether no candidate set contains S*, whatever the placement."""
    return not any(
        set(planted) <= set(candidate)
        for part, _ in planted_components(law, "T5", "law")
        for planted, ids, _ in part.placements()
        for candidate in heads.candidates(ids)
    )


@lru_cache(maxsize=4096)
def is_undetermined(ens: PlantedEnsemble) -> bool:
    """Whether every word has, for each coordinate, a word of another label that differs from it there alone.

    Then no proper subset of the coordinates determines the label: a smaller one says less than all but one.
    """
    return all(
        any(rest == (*other[:j], *other[j + 1 :]) and label != ens.target[other] for other in ens.target)
        for word, label in ens.target.items()
        for j in range(ens.arity)
        for rest in ((*word[:j], *word[j + 1 :]),)
    )


def is_parity(ens: PlantedEnsemble) -> bool:
    """Whether the label flips with each coordinate, which has two tokens."""
    return is_undetermined(ens) and all(len(set(tokens)) == 2 for tokens in zip(*ens.target, strict=True))


def has_marks(ens: PlantedEnsemble) -> bool:
    """Whether no planted token is noise."""
    return not any(ens.background[token] for word in ens.target for token in word)


@claim.cases
def cases(problem: Problem) -> int:
    """One case a hard head where heads are enumerated, else one."""
    return max(1, problem.n_enumerated)


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the claim says something about the problem."""
    return bool(_says(problem))


@claim.decisive
def decisive(problem: Problem) -> int:
    """No case where the class is unrealizable and nothing but (i) speaks, which is then void."""
    void = problem.verdict().outcome == "unrealizable" and set(_says(problem)) == {"(i)"}
    return 0 if void else cases(problem)


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family("parity of two and three blocks, coupled (three relabellings) or raw IDs (windows 0..4 and none)")
def _parity(profile: Profile) -> Iterator[Problem]:
    """k blocks of equal length for k = 2, 3: coupled with shifts and ordered relabellings, raw IDs with every window."""
    for k in (2, 3):
        ens = marked_parity(k, support.paired())
        most = (5 if profile == "quick" else 7) if k == 2 else (3 if profile == "quick" else 4)
        for train, test in product(range(1, most), range(2, most + 1)):
            for scheme in _couplings(k, most):
                at = [ens.at(k * n, positions=scheme) for n in (train, test)]
                yield Problem(HeadClass(k, 0, "relative"), at[0], at[1])
            for window, shift in product((None, 0, 1, 2, 3, 4), ((0, 0), (0, 1))):
                shifted = positions.random_shift(*shift)
                laws = [ens.at(k * n, positions=shifted) for n in (train, test)]
                yield Problem(HeadClass(k, window, "relative"), laws[0], laws[1])


def _couplings(k: int, most: int) -> tuple[PositionScheme, ...]:
    """Blocks that share IDs, relabelled in three ways; up to `most` IDs."""
    blocks = positions.blocks(k)
    return (
        positions.coupled(blocks),
        positions.coupled(blocks, positions.random_shift(0, 1)),
        positions.coupled(blocks, positions.random_ordered(0, most)),
    )


@claim.family(
    "(i): every planting of pairs over two tokens with up to 2 words (full: any; triples with up to 2), coupled"
)
def _coupled(profile: Profile) -> Iterator[Problem]:
    """(i): every planting of pairs of two tokens with two words, (full) with any, and of triples with two words."""
    small = [(ens, 2) for ens in ensembles(2, 2, law=support.paired(), max_words=2 if profile == "quick" else None)]
    if profile == "full":
        small += [(ens, 3) for ens in ensembles(3, 2, law=support.paired(), max_words=2)]
    for ens, k in small:
        for key, scheme in zip(KEYS, _couplings(k, 3), strict=True):
            for test in (3,) if profile == "quick" or k == 3 else (2, 3, 4):
                scheme_at = scheme if test < 4 else positions.coupled(positions.blocks(k))
                laws = [ens.at(k * n, positions=scheme_at) for n in (2, test)]
                yield Problem(HeadClass(k, 0, key), laws[0], laws[1])


@cache
def undetermined(most_words: int) -> list[dict[tuple[int, ...], Label]]:
    """Every target on pairs of three tokens with two labels, of so many words at most, that no token determines."""
    found = []
    words = list(product(range(3), repeat=2))
    for labels in product((None, 0, 1), repeat=len(words)):
        target: dict[tuple[int, ...], Label] = {w: y for w, y in zip(words, labels, strict=True) if y is not None}
        if 0 < len(target) <= most_words and is_undetermined(ensemble(3, (0,), target)):
            found.append(target)
    return found


@claim.family(
    "(ii): every target on pairs of three tokens, of up to 4 (full: 9) words, that no token determines; sums modulo "
    "2 of three and modulo 3 of two tokens; classes without S*"
)
def _outside(profile: Profile) -> Iterator[Problem]:
    """(ii): targets that no proper subset determines, and classes of which no candidate set contains S*."""
    three: dict[tuple[int, ...], Label] = {word: sum(word) % 2 for word in product((0, 1), repeat=3)}
    modulo: dict[tuple[int, ...], Label] = {word: sum(word) % 3 for word in product(range(3), repeat=2)}
    targets = [*undetermined(4 if profile == "quick" else 9), modulo, three]
    spread, first_two = support.paired(), support.fixed({(0, 1): 1})
    for target, noise in product(targets, ((0,), (0, 1, 2))):
        k = len(next(iter(target)))
        for key in (*KEYS, "absolute"):
            at = ensemble(3, noise, target, spread).at(2 * k)
            for arity, window in ((1, None), (k, 0), (k, 1), (k - 1, None)):
                yield Problem(HeadClass(arity, window, key), at, at)
        if k == 2:
            shifted = ensemble(3, noise, target, support.uniform()).at(3, positions=positions.random_ordered(0, 3))
            yield Problem(HeadClass(1, key="absolute"), shifted, shifted)
            before = ensemble(3, noise, target, first_two).at(3)
            yield Problem(HeadClass(2, anchor="last"), before, before)
            if noise == (0,):
                wide = ensemble(3, noise, target, spread).at(6)
                yield Problem(HeadClass(3, 2, "relative"), wide, wide)  # runs of three, and S* spreads over four


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.proof(
    "coupled: one candidate an offset, raw: unbounded spread; symbolic in arity and block length",
    notices=("coupled: one offset suffices", "coupled: three offsets are needed"),
)
def prove_coupling(*, certificate: int = 2) -> int:
    """The coupling c(p) = p mod m sends the position j m + i, at the offset i < m of block j, to i: two positions share
    an ID just when they share the offset. So with window 0 the candidates are one k-set for each of the m offsets. On
    raw IDs such a set spreads over (k - 1) m, which outgrows every window. Symbolic in k, m, i and j. The m words of the
    offsets are a planted ensemble of arity 1, for which T2 asks for two of them.
    """
    import sympy

    i, j, spare = sympy.symbols("i j b", integer=True, nonnegative=True)
    m, k = sympy.symbols("m k", integer=True, positive=True)
    require(sympy.Mod(i + j * m, m) == sympy.Mod(i, m), "the ID does not depend on the block")
    require(sympy.Mod(i, i + 1 + spare) == i, "the ID is the offset, for every m = i + 1 + b > i")
    require(sympy.Mod(i + j * (m + 1), m) != sympy.Mod(i, m), "it depends on blocks of another length")
    require(sympy.limit(k * m, m, sympy.oo) == sympy.oo, "the spread of k + 1 >= 2 positions")
    require(bounds.certificate(1) == certificate, "T2's certificate for arity 1")
    return 5


def bags(k: int, n_offsets: int) -> set[ViewCase]:
    """The (views, label) of coupled parity by T5's proof: the planted word, and beside other offsets the word of noise."""
    key = (0,) * k
    noise = {View((0,) * k, key)} if n_offsets > 1 else set()
    return {(frozenset({View(word, key), *noise}), y) for word, y in marked_parity(k).target.items()}


@claim.proof(
    "coupled parity of 2 and 3 tokens, window 0: T1 sees the same views for every number m = 2..6 of offsets, and "
    "decides from m = 1 and from m = 2 to 2 as all hard heads do",
    kind="exhausted",
    notices=("coupled: one offset suffices", "coupled: three offsets are needed"),
)
def prove_two_offsets(*, certificate: int = 2) -> int:
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
        for m in (1, 2):
            outcome = "generalizes" if m >= certificate else "fails"
            problem = Problem(heads, laws[m], laws[2])
            require(problem.brute_force() == problem.verdict().outcome == outcome, f"k = {k}: from {m} to 2 offsets")
            steps += 1
    return steps


@claim.sampler(
    "(i): random plantings, weights and relabellings, coupled",
    quick=40,
    full=400,
    notices=("coupled: always realizable",),
)
def _random_coupled() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import coupled_problems

    return coupled_problems()


@claim.sampler(
    "(ii): sums of permuted tokens, random weights, classes without S*",
    quick=40,
    full=400,
    notices=("raw IDs below the spread are realizable",),
)
def _random_outside() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import outside_problems

    return outside_problems()


@claim.sampler(
    "(iii): parity with random marks, weights and noise on raw IDs", quick=25, full=250, notices=("raw IDs generalize",)
)
def _random_raw() -> SearchStrategy[Problem]:
    from proofs_check.claims.drawn import raw_parity_problems

    return raw_parity_problems()


@claim.measurement("search", "the smallest realizable window", notices=("raw IDs below the spread are realizable",))
def _smallest_window(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, outside: Outcomes = OUTSIDE
) -> Measured:
    """The smallest window that makes the paired ensemble realizable, coupled and raw, as the length grows.

    Below it (ii) is put to the test, at it (i); on raw IDs it is the spread.
    """
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
                problem = Problem(HeadClass(2, window, "relative"), at, at)
                outcome = decide(problem.heads, train=at, test=at).outcome
                if any(outcome not in allowed for allowed in _says(problem, outside=outside).values()):
                    return Measured(
                        instances, f"length {length}, window {window}: {outcome}", (problem, {"is": outcome})
                    )
                if found is raw and (outcome == "unrealizable") != (window < length // 2):
                    return Measured(instances, f"length {length}: another window", (problem, {"is": outcome}))
                if outcome != "unrealizable":
                    found.append(window)
                    break
    return Measured(instances, f"smallest realizable windows at lengths 4, 6, 8, 10: coupled {coupled}, raw {raw}")


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _raw(k: int, heads: HeadClass, train: int, test: int) -> Problem:
    """Marked parity on position IDs, with so many offsets."""
    ens = marked_parity(k, support.paired())
    return Problem(heads, ens.at(k * train), ens.at(k * test))


def _shared(heads: HeadClass, train: int, test: int, *, blocks: tuple[int, int] = (2, 2)) -> Problem:
    """Marked parity of pairs, one ID for the same offset of so many blocks in training and at test."""
    ens = marked_parity(2, support.paired())
    schemes = [positions.coupled(positions.blocks(n)) for n in blocks]
    return Problem(heads, ens.at(train, positions=schemes[0]), ens.at(test, positions=schemes[1]))


@claim.without("S* in no candidate set")
def _inside() -> Iterator[Problem]:
    yield _raw(2, HeadClass(2, 2, "relative"), 2, 3)


@claim.without("no subset determines the target")
def _determined() -> Iterator[Problem]:
    """The first token, or either of the two, is the label."""
    targets: tuple[dict[tuple[int, ...], Label], ...] = ({(1, 3): 0, (2, 3): 1}, {(1, 1): 0, (2, 2): 1})
    for target in targets:
        at = ensemble(4, (0,), target, support.paired()).at(4)
        yield Problem(HeadClass(2, 1, "relative"), at, at)


@claim.without("coupled IDs")
def _other_coupling() -> Iterator[Problem]:
    yield _shared(WINDOW_0, 4, 6, blocks=(2, 6))


@claim.without("window 0")
def _window_1() -> Iterator[Problem]:
    yield _shared(HeadClass(2, 1, "relative"), 4, 6)


@claim.without("key not absolute")
def _absolute_key() -> Iterator[Problem]:
    yield _shared(HeadClass(2, 0, "absolute"), 4, 6)


@claim.without("training length 2k")
def _one_offset() -> Iterator[Problem]:
    yield _shared(WINDOW_0, 2, 4)


@claim.without("k >= 2")
def _one_token() -> Iterator[Problem]:
    yield _raw(1, HeadClass(1, None, "relative"), 2, 3)


@claim.without("marks are no noise")
def _marks_as_noise() -> Iterator[Problem]:
    """Where marks are noise too, wrong pairs carry the same view, and no head is perfect."""
    words = product((0, 1), repeat=2)
    ens = ensemble(2, (0, 1), {word: sum(word) % 2 for word in words}, support.paired())
    yield Problem(HeadClass(2, None, "relative"), ens.at(6), ens.at(8))


@claim.without("relative key")
def _no_key() -> Iterator[Problem]:
    yield _raw(2, HeadClass(2), 2, 3)


@claim.without("raw IDs")
def _coupled_without_window() -> Iterator[Problem]:
    yield _shared(HeadClass(2, None, "relative"), 4, 6, blocks=(4, 6))


@claim.without("longer test")
def _equal_lengths() -> Iterator[Problem]:
    yield _raw(2, HeadClass(2, None, "relative"), 3, 3)
