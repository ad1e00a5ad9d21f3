"""The matrices of views, against the definition, by both routes."""

from __future__ import annotations

import pickle
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import routes, strategies
from tests.cases import example
from theory import BudgetExceeded, Example, HeadClass, InvalidArgument, numbered_views
from theory import incidence as incidence_module
from theory.incidence import Incidence, incidence

ROUTES: dict[str, dict[str, int]] = {
    "as objects": {"PLAIN_CELLS": 10**9},
    "as codes": {"PLAIN_CELLS": -1},
    "numbered codes, in small blocks": {"PLAIN_CELLS": -1, "DIRECT": 0, "CELLS": 7, "MOST_SETS": 3},
}


def by(route: str, heads: HeadClass, laws: Any) -> Incidence:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ROUTES[route].items():
            patch.setattr(incidence_module if name == "PLAIN_CELLS" else numbered_views, name, value)
        return incidence(heads, laws)


@pytest.mark.parametrize("route", ROUTES)
@given(
    heads=strategies.heads(3),
    laws=st.lists(st.lists(strategies.examples(vocabulary=3), min_size=1, max_size=6), min_size=1, max_size=3),
)
def test_every_entry_counts_the_candidate_sets_with_a_view(
    route: str, heads: HeadClass, laws: list[list[Example]]
) -> None:
    counted = [[Counter(routes.views(heads, e)) for e in law] for law in laws]
    views = sorted({view for law in counted for counts in law for view in counts}, key=routes.by_size)
    found = by(route, heads, laws)
    assert found.n_views == len(views)
    assert found.views(range(len(views))) == views
    assert pickle.loads(pickle.dumps(found)).views([*range(len(views))][::-1]) == views[::-1]
    assert len(found.matrices) == len(laws)
    for matrix, law in zip(found.matrices, counted, strict=True):
        assert matrix.format == "csr"
        assert matrix.dtype == np.int64
        assert matrix.shape == (len(law), len(views))
        assert matrix.toarray().tolist() == [[counts[view] for view in views] for counts in law]
        assert matrix.nnz == sum(map(len, law))
        assert all((np.diff(row) > 0).all() for row in np.split(matrix.indices, matrix.indptr[1:-1]))


def test_a_table_is_counted_once_whatever_its_weights() -> None:
    found = incidence(HeadClass(2), [{example((1, 1, 1), 0): 5}])
    assert found.matrices[0].toarray().tolist() == [[3]]


def test_laws_without_candidates_or_examples_have_no_views() -> None:
    short = example((1,), 0)
    assert [matrix.shape for matrix in incidence(HeadClass(2), [[short], []]).matrices] == [(1, 0), (0, 0)]
    assert incidence(HeadClass(2), []).n_views == 0
    shapes = [matrix.shape for matrix in by("as codes", HeadClass(1), [[], [short]]).matrices]
    assert shapes == [(0, 1), (1, 1)]


def test_views_beyond_64_bits_are_counted_as_objects() -> None:
    law = [example((10**30, 1), 0), example((1, 1), 1)]
    found = by("as codes", HeadClass(1), [law])
    assert found.views([0, 1]) == [((1,), ()), ((10**30,), ())]
    assert found.matrices[0].toarray().tolist() == [[1, 1], [2, 0]]


def test_large_laws_report_their_progress_and_small_ones_do_not() -> None:
    told: list[tuple[str, int, int]] = []
    law = [example(tuple(j >> i & 1 for i in range(8)), 0) for j in range(256)]
    incidence(HeadClass(2), [law], progress=lambda *news: told.append(news))
    assert told
    assert told[-1] == ("views of examples", 256, 256)
    told.clear()
    incidence(HeadClass(2), [law[:4]], progress=lambda *news: told.append(news))
    assert not told


def test_many_examples_take_seconds() -> None:
    rng = np.random.default_rng(0)
    ids = tuple(range(10))
    law = [Example(tuple(row), ids, 0) for row in rng.integers(0, 10, (20_000, 10)).tolist()]
    start = time.process_time()
    found = incidence(HeadClass(2, None, "relative"), [law])
    assert time.process_time() - start < 10  # about 0.2
    assert (found.matrices[0].sum(axis=1) == 45).all()
    assert found.n_views == 900


def test_bad_input_is_refused() -> None:
    with pytest.raises(
        InvalidArgument, match=r"incidence: argument laws: got the int 3; expected collections of Example"
    ):
        incidence(HeadClass(1), [[3]])  # type: ignore[list-item]
    with pytest.raises(InvalidArgument, match="incidence: argument heads"):
        incidence(2, [[example((1,), 0)]])  # type: ignore[arg-type]
    with pytest.raises(BudgetExceeded, match=r"incidence \(candidate sets\)"):
        incidence(HeadClass(20), [[example((0,) * 40, 0)]])
    with pytest.raises(BudgetExceeded, match=r"incidence \(views\)"):
        incidence(HeadClass(2), [[example((10**30, j), 0) for j in range(1001)]], budget=1000)
