"""Claims as a user writes them: true, false, vacuous ones, about problems that are tuples, graphs and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from proofs_check import Claim, Measured, require
from proofs_check.claims.claim import Facts, Profile

# ── A true one, about pairs ──────────────────────────────────────────────────────────────────────────────────────────

mean = Claim(
    "mean",
    title="The means",
    statement="ab <= ((a + b)/2)²",
    hypotheses={"no guess": "b is not chosen from a"},
    tightness="Equality at a = b.",
)


@mean.refute
def product_above(
    pair: tuple[int, int], *, share: Fraction = Fraction(1, 4), power: int = 2, without: str = ""
) -> Facts | None:
    """The product against the share of the power of the sum."""
    a, b = pair
    bound = share * (a + b) ** power
    if without:
        bound -= 1
    return {"product": a * b, "bound": bound} if a * b > bound else None


mean.mutant("a fifth", share=Fraction(1, 5))
mean.mutant("the sum itself", share=Fraction(1), power=1)


@mean.cases
def two_ways(pair: tuple[int, int]) -> int:
    """The pair, and the pair the other way round."""
    return 2


@mean.decisive
def equality_is_near(pair: tuple[int, int]) -> int:
    """Nothing is decided by a pair of zeros."""
    return 2 * any(pair)


@mean.family("pairs of small numbers")
def small_pairs(profile: Profile) -> Iterator[tuple[int, int]]:
    for a in range(4 if profile == "quick" else 8):
        for b in range(8):
            yield a, b


@mean.sampler("pairs of numbers", quick=20, full=40, notices=["a fifth"])
def pairs() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 99), st.integers(0, 99))


@mean.proof("as a square", notices=["a fifth"])
def prove_square(*, share: Fraction = Fraction(1, 4)) -> int:
    """share (a + b)² - ab is a quarter of a square."""
    import sympy

    a, b = sympy.symbols("a b", real=True)
    require(sympy.expand(share * (a + b) ** 2 - a * b - (a - b) ** 2 / 4) == 0, "a quarter of (a - b)²")
    return 1


@mean.measurement("sampled", "a thousand pairs", notices=["a fifth"])
def measure(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, share: Fraction = Fraction(1, 4)
) -> Measured:
    drawn = rng.integers(0, 100, size=(1000, 2)).tolist()
    tick(len(drawn))
    for a, b in drawn:
        if (facts := product_above((a, b), share=share)) is not None:
            return Measured(1000, "one is above", ((a, b), facts))
    return Measured(1000, "none is above")


@mean.without("no guess")
def guesses() -> Iterator[tuple[int, int]]:
    yield 3, 3


# ── False ones ───────────────────────────────────────────────────────────────────────────────────────────────────────

low = Claim("low", statement="The sum of two numbers is below 37.")


@low.refute
def sum_above(pair: tuple[int, int], *, bound: int = 37) -> Facts | None:
    return {"sum": sum(pair)} if sum(pair) >= bound else None


low.mutant("below 5", bound=5)


@low.family("pairs of digits")
def digits(profile: Profile) -> Iterator[tuple[int, int]]:
    return ((a, b) for a in range(10) for b in range(10))


@low.sampler("pairs up to a thousand")
def larger_pairs() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 1000), st.integers(0, 1000))


sparse = Claim(
    "sparse", statement="A connected graph is a tree.", hypotheses={"connected": "there is a path between nodes"}
)


@sparse.refute
def has_cycle(graph: nx.Graph[int], *, spare: int = 0) -> Facts | None:
    edges, nodes = graph.number_of_edges(), graph.number_of_nodes()
    return {"edges": edges, "nodes": nodes} if edges > nodes - 1 + spare else None


sparse.mutant("a forest", spare=-1)


@sparse.nonvacuous
def is_connected(graph: nx.Graph[int]) -> bool:
    return bool(nx.is_connected(graph))


@sparse.family("paths and cycles")
def graphs(profile: Profile) -> Iterator[nx.Graph[int]]:
    for n in range(3, 6):
        yield nx.path_graph(n)
    yield nx.cycle_graph(7)


@sparse.sampler("graphs", quick=50, full=50)
def drawn_graphs() -> st.SearchStrategy[nx.Graph[int]]:
    return st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1).map(nx.Graph)


@sparse.without("connected")
def apart() -> Iterator[nx.Graph[int]]:
    yield nx.disjoint_union(nx.path_graph(2), nx.path_graph(2))
    yield nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4))


growing = Claim("growing", statement="A function of one number is below it.")


@growing.refute
def above(function: Callable[[int], int]) -> Facts | None:
    """The problems of this claim do not pickle."""
    return {"value": function(3)} if function(3) > 3 else None


@growing.family("three functions")
def functions(profile: Profile) -> Iterator[Callable[[int], int]]:
    yield lambda n: n
    yield lambda n: n - 1
    yield lambda n: n + 1


# ── Vacuous ones ─────────────────────────────────────────────────────────────────────────────────────────────────────

negative = Claim("negative", statement="A negative number below 10 is even.", hypotheses={"negative": "it is below 0"})


@negative.refute
def is_odd(number: int, *, modulus: int = 2) -> Facts | None:
    return {"rest": number % modulus} if number < 0 and number % modulus else None


negative.mutant("a multiple of 3", modulus=3)


@negative.nonvacuous
def is_negative(number: int) -> bool:
    return number < 0


@negative.family("numbers up to 9")
def numbers(profile: Profile) -> Iterator[int]:
    yield from range(10)


needless = Claim("needless", statement="A square is not negative.", hypotheses={"whole": "of a whole number"})


@needless.refute
def is_below(number: Fraction, *, least: int = 0) -> Facts | None:
    return {"square": number**2} if number**2 < least else None


needless.mutant("it is positive", least=1)
needless.mutant("it is above -1", least=-1)


@needless.family("whole numbers up to 9")
def whole_numbers(profile: Profile) -> Iterator[int]:
    yield from range(10)


@needless.without("whole")
def halves() -> Iterator[Fraction]:
    yield Fraction(3, 2)


# ── Broken ones ──────────────────────────────────────────────────────────────────────────────────────────────────────

broken = Claim("broken", statement="Nothing goes wrong.", hypotheses={"sound": "no 13 is met"})


@broken.refute
def is_thirteen(number: int, *, worst: int = 13) -> Facts | None:
    if number == worst:
        raise ZeroDivisionError(f"{number} is\nunlucky")
    return {"number": number} if number > 99 else None


broken.mutant("7 is worst", worst=7)


@broken.family("a generator that raises in the middle")
def up_to_three(profile: Profile) -> Iterator[int]:
    yield from range(1, 4)
    raise ValueError("no fourth number")


@broken.family("a problem that raises")
def up_to_twenty(profile: Profile) -> Iterator[int]:
    yield from range(10, 20)


@broken.family("whole")
def ones(profile: Profile) -> Iterator[int]:
    yield 1


@broken.sampler("drawn numbers", quick=200, full=200)
def drawn_numbers() -> st.SearchStrategy[int]:
    return st.integers(0, 50)


@broken.proof("a proof that raises")
def prove_nothing() -> int:
    return 1 // 0


@broken.measurement("search", "a search that ends the program")
def search(rng: np.random.Generator, profile: Profile, tick: Callable[[int], None]) -> Measured:
    raise SystemExit(3)


@broken.without("sound")
def thirteen() -> Iterator[int]:
    yield 13


# ── Values with a data form ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Interval:
    """Two ends."""

    low: Fraction
    high: Fraction
