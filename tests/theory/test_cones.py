"""Gordan's alternative: certificates on both sides, whatever the solver says, and the exact arithmetic below."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from theory import cones
from theory.cones import Combination, Cone, kernel, products
from theory.errors import NotConverged


def matrix(*rows: list[int]) -> csr_array:
    return csr_array(np.array(rows, dtype=np.int64))


def holds(rays: np.ndarray, b: np.ndarray | None, found: Any) -> bool:
    """Whether what `separate` gives is true, in Python integers."""
    if not isinstance(found, Combination):
        on = [sum(int(x) * int(w) for x, w in zip(ray, found, strict=True)) for ray in rays]
        return min(on) > 0 and (b is None or sum(int(x) * int(w) for x, w in zip(b, found, strict=True)) < 0)
    sums = [sum(c * int(rays[i, j]) for i, c in found.rays.items()) for j in range(rays.shape[1])]
    target = [found.added * int(x) for x in b] if b is not None else [0] * rays.shape[1]
    return min(found.rays.values()) > 0 and found.added in ((0,) if b is None else (0, 1)) and sums == target


systems = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n).filter(any), min_size=2, max_size=9)
)


@given(systems, st.booleans())
def test_one_of_both_sides_is_shown(rows: list[list[int]], with_b: bool) -> None:
    table = np.array(rows, dtype=np.int64)
    rays, b = (table[:-1], table[-1]) if with_b else (table, None)
    found = Cone(csr_array(rays)).separate(None if b is None else csr_array(b[None]))
    assert holds(rays, b, found)


@given(systems, st.booleans())
def test_fractions_alone_decide_alike(rows: list[list[int]], with_b: bool) -> None:
    table = np.array(rows, dtype=np.int64)
    rays, b = (table[:-1], table[-1]) if with_b else (table, None)
    cone, extra = Cone(csr_array(rays)), None if b is None else csr_array(b[None])
    found = cone._exactly(extra)
    assert found is not None
    assert holds(rays, b, found)
    assert isinstance(found, Combination) == isinstance(cone.separate(extra), Combination)


@pytest.mark.parametrize("size", [10**3, 10**5, 10**8])
def test_margins_that_floats_cannot_tell_from_nothing(size: int) -> None:
    """n/(n+1) < (n+1)/(n+2) < (n+2)/(n+3): the first two can be told apart, the middle one not from both others."""
    rows = np.array([[size, size + 1], [-size - 1, -size - 2], [size + 2, size + 3]])
    assert holds(rows[:2], None, Cone(csr_array(rows[:2])).separate())
    found = Cone(csr_array(rows)).separate()
    assert isinstance(found, Combination)
    assert holds(rows, None, found)


def test_more_rays_than_join_at_first() -> None:
    """Of 3,000 rays the two that matter come last."""
    rays = np.array([[1, i] for i in range(3000)] + [[1, -7], [3, -22]])
    cone = Cone(csr_array(rays))
    for b, is_inside in (([3, -23], False), ([3, -22], True), ([4, -29], True), ([300, -2201], False), ([0, 1], False)):
        found = cone.separate(matrix(b))
        assert isinstance(found, Combination) == is_inside
        assert holds(rays, np.array(b), found)


def nonsense(rows: csr_array) -> tuple[np.ndarray, float, np.ndarray]:
    rng = np.random.default_rng(rows.shape[0])
    return rng.normal(size=rows.shape[1]), float(rng.normal()), rng.random(rows.shape[0])


def everywhere(weight: float, margin: float) -> Any:
    return lambda rows: (np.full(rows.shape[1], weight), margin, np.full(rows.shape[0], margin))


@pytest.mark.parametrize(
    "solver",
    [
        nonsense,
        lambda rows: None,
        *(everywhere(weight, margin) for weight in (nan, inf, -inf, 1e300) for margin in (nan, inf, 0.5, 0.0, -1.0)),
        everywhere(1.0, nan),
    ],
)
def test_a_solver_that_says_nonsense_does_no_harm(solver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "_widest", solver)
    for rays, b in (([[1, 0], [1, 2]], [3, 4]), ([[1, 0], [1, 2]], [1, 4]), ([[1, 0], [-1, 1], [0, -1]], None)):
        found = Cone(matrix(*rays)).separate(None if b is None else matrix(b))
        assert holds(np.array(rays), None if b is None else np.array(b), found)


def test_what_the_solver_proposes_must_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A combination with a negative share is none, and neither is a W on whose border a ray lies."""
    monkeypatch.setattr(cones, "_widest", lambda rows: (np.zeros(2), 0.0, np.ones(rows.shape[0])))
    assert holds(np.array([[1, 0], [1, 2]]), np.array([1, 4]), Cone(matrix([1, 0], [1, 2])).separate(matrix([1, 4])))
    monkeypatch.setattr(cones, "_widest", lambda rows: (np.array([1.0, 0.0]), 1.0, np.ones(rows.shape[0])))
    assert holds(np.eye(2, dtype=int), None, Cone(matrix([1, 0], [0, 1])).separate())
    assert holds(np.eye(2, dtype=int), np.array([0, -1]), Cone(matrix([1, 0], [0, 1])).separate(matrix([0, -1])))


@pytest.mark.parametrize("last", [[0, 1], [0, -1], [1, 1], [-1, 1]])
def test_in_fractions_a_ray_on_the_border_joins(last: list[int]) -> None:
    """Many W are enough for the rays at first; for one of the others at least, such a W is on the border."""
    rays = np.array([[size + 1, 0] for size in range(cones.JOINING)] + [last])
    assert holds(rays, None, Cone(csr_array(rays))._exactly(None))


def test_what_does_not_converge_is_said_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "_widest", lambda rows: None)
    monkeypatch.setattr(cones, "EXACT_CELLS", 0)
    with pytest.raises(NotConverged, match=r"a linear program of 2 x 2 that did not converge.*inconclusive"):
        Cone(matrix([1, 0], [1, 2])).separate()


# ── Exact arithmetic ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_products_of_any_size() -> None:
    rows, large = matrix([2**31, 0, 3], [0, 0, 0], [1, -1, 0]), 2**70
    assert products(rows, np.array([large, 1, -large], dtype=object)).tolist() == [large * (2**31 - 3), 0, large - 1]
    assert products(rows, np.array([2**30, 5, -1], dtype=object)).tolist() == [2**61 - 3, 0, 2**30 - 5]
    assert products(rows, np.array([2**34, 0, 0], dtype=object)).tolist() == [2**65, 0, 2**34]
    assert products(rows, np.array([2**31, 0, 2**31], dtype=object)).tolist() == [2**62 + 3 * 2**31, 0, 2**31]


@given(st.lists(st.lists(st.integers(-(10**6), 10**6), min_size=5, max_size=5), min_size=1, max_size=5))
def test_kernels_are_those_of_the_rationals(rows: list[list[int]]) -> None:
    import sympy

    known = sympy.Matrix(rows).T.nullspace()
    found = kernel(matrix(*rows))
    assert (found is not None) == (len(known) == 1)
    if found is not None:
        assert not any(sum(x * row[j] for x, row in zip(found, rows, strict=True)) for j in range(5))
        assert Fraction(1) in found


def test_a_kernel_of_large_numbers_needs_several_primes() -> None:
    found = kernel(matrix([10**12, 1, 0], [0, 10**12 + 1, 1], [7, 0, 10**12 + 3]))
    assert found is None  # these three are independent
    size = 2**40
    found = kernel(matrix([size, 0], [1, size], [0, size - 1]))
    assert found == [Fraction(size - 1, size**2), Fraction(-(size - 1), size), Fraction(1)]


def test_a_kernel_beyond_all_primes_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "_primes", lambda: (2**31 - 1,))
    size = 2**40
    assert kernel(matrix([size, 0], [1, size], [0, size - 1])) is None
