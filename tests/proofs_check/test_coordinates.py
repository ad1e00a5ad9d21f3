"""IDs of several coordinates in tasks, verdicts, drawings and files."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from figures.dependency_graphs import draw
from idealized_model.transformer import POSITIONS, TrainConfig
from idealized_model.transformer.data import Queried, ids_of, increments_of
from idealized_model.transformer.drawing import relabelled
from proofs_check import check_task
from proofs_check.problem_files import problem_from_dict, problem_to_dict
from proofs_check.verdicts.deciding import SCHEMES, Scheme, verdict
from proofs_check.verdicts.subjects import Subject
from proofs_check.verdicts.table import from_data, to_data
from tests.grid import FlatGrid, Grid
from theory import HardHead, HeadClass, InvalidArgument, View, dependencies, positions, support
from theory.coordinates import Id, Ids, n_coordinates
from theory.tasks import Copy, Instance, QueryCoupled, sparse_parity
from theory.tasks.base import Tokens


class Rows(Copy):
    """A copy in which every ID has a second coordinate, and the next one is predicted."""

    draw_many = lambda self, length, size, rng: None  # noqa: E731

    def solve(self, prompt: Tokens) -> Instance:
        made = super().solve(prompt)
        return replace(made, ids=tuple((i, 5) for i in made.ids))

    @property
    def offsets(self) -> frozenset[Ids] | None:
        return frozenset({((1, 0),)})

    def increment(self, read: Tokens, *args: Any, **kwargs: Any) -> Id | None:
        return 1, 0


class Sliding(Rows):
    def increment(self, read: Tokens, *args: Any, **kwargs: Any) -> Id | None:
        return 1, read[0]


class Elsewhere(Rows):
    @property
    def offsets(self) -> frozenset[Ids] | None:
        return frozenset({((1, 1),)})


class Unlike(Copy):
    """Two coordinates at even lengths only."""

    def solve(self, prompt: Tokens) -> Instance:
        made = super().solve(prompt)
        return made if len(prompt) % 2 else replace(made, ids=tuple((i, 0) for i in made.ids))


# ── Contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task", [Grid(), Rows()], ids=lambda task: type(task).__name__)
def test_tasks_of_vector_ids_keep_their_promises(task: Copy | Grid) -> None:
    least = task.min_length
    report = check_task(task, lengths=(least, least + 1), budget=100, draws=5)
    assert report.holds, str(report)


@pytest.mark.parametrize(
    ("task", "seen", "wanted"),
    [
        (Sliding(), r"= (\(1, 1\)|\(1, 0\)), and the ID grows by \(1, 0\)", "one and the same"),
        (
            Elsewhere(),
            r"reads IDs at offsets \(\(1, 0\),\) from that of its query",
            r"\(\(1, 1\),\), as `offsets` claims",
        ),
        (Unlike(), "IDs of [12] coordinates?", "as many as with the prompt .*, [12]"),
    ],
    ids=["increments", "offsets", "coordinates"],
)
def test_wrong_ids_are_refuted(task: Copy, seen: str, wanted: str) -> None:
    finding = check_task(task, lengths=(1, 2), budget=100, draws=5)["IDs"]
    assert finding.kind == "refuted"
    assert re.search(f"{seen}(.|\n)*{wanted}", finding.explain())


def test_windows_are_claimed_by_coordinate() -> None:
    assert (Grid().window, FlatGrid().window, Rows().window) == ((1, 0), 10, (1, 0))

    class Mixed(Rows):
        offsets = frozenset({((1, 0),), (1,)})  # type: ignore[assignment]

    with pytest.raises(InvalidArgument, match=r"Mixed.window: argument offsets: .* of as many coordinates each"):
        _ = Mixed().window


def test_other_tasks_made_of_one_with_vectors() -> None:
    moved = QueryCoupled(Rows()).solve((0, 1, 2))
    assert moved.ids == ((0, 5), (1, 5), (0, 5), (1, 5), (2, 5))
    rows = sparse_parity(2, support.uniform(), lambda length: tuple((i, i % 2) for i in range(length)))
    assert next(rows.instances(3)).ids == ((0, 0), (1, 1), (2, 0), (3, 2))
    asked = Queried(rows).changed(next(rows.instances(3)))
    assert asked.ids == ((0, 0), (1, 1), (2, 0), (3, 2), (4, 3))


def test_spreads_are_those_of_the_widest_coordinate() -> None:
    board = next(Grid().instances(3))
    assert dependencies.spread(board, "query") == 1
    assert dependencies.spread(board, "token") == 2  # the answer behind the last of a row has another column
    assert dependencies.spread(board, ids=[(0, i) for i in range(16)]) == 3
    assert dependencies.graph(board).nodes[4]["id"] == (1, 1)
    with pytest.raises(InvalidArgument, match=r"spread: argument ids: got 2 IDs for 16 positions"):
        dependencies.spread(board, ids=[(0, 1), (1, 1)])
    assert dependencies.idle_slots(Grid(), [2], by_ids=True).minimal


# ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verdicts_of_a_grid() -> None:
    subject = Subject(Grid(), [3], [3, 4], listed=8)
    cell = verdict(subject, "coupled")
    (decision,) = cell.decisions
    assert str(decision) == "generalizes from length 3 [arity 3, window (1,0), key relative, anchor last]"
    assert (cell.text, cell.growing) == ("✓ from 3\nw=(1,0)~", False)
    flat = verdict(Subject(FlatGrid(), [2], [2, 3], listed=8), "coupled")
    assert (flat.outcome, flat.decisions[0].reason) == ("fails", "unseen")
    cells = [cell, verdict(Subject(Rows(), [1, 2], [1, 3]), "predictive"), flat]
    again = from_data(json.loads(json.dumps(to_data(cells))))
    assert [replace(one, seconds=0.0) for one in again] == [replace(one, seconds=0.0) for one in cells]


def test_narrow_windows_are_widened_until_there_are_candidates() -> None:
    scheme = replace(SCHEMES["coupled"], name="own")
    for arities, window in (((3,), (1, 0)), ((4,), (1, 1)), ((5,), (1, 1))):
        cell = verdict(Subject(Grid(), [2], [2], arities=arities), scheme)
        assert cell.decisions[0].heads.window == window


@pytest.mark.parametrize("relabel", ["shift", "chunks", "ordered"])
def test_training_relabels_every_coordinate(relabel: Any) -> None:
    scheme = Scheme("own", "", "order", coupled=True, window=(1, 0), relabel=relabel)
    cell = verdict(Subject(Rows(2), [1, 2], [2]), scheme)
    plain = Scheme("own", "", "order", coupled=True, window=1, relabel=relabel)
    assert cell.outcome == verdict(Subject(Copy(2), [1, 2], [2]), plain).outcome
    assert cell.decisions[0].heads == HeadClass(2, (1, 0), "order", "last")


def test_packing_needs_one_coordinate() -> None:
    scheme = replace(SCHEMES["coupled"], packed=True)
    with pytest.raises(InvalidArgument, match=r"argument scheme.packed: got 'copy', with IDs of several coordinates"):
        verdict(Subject(Rows(2), [1], [1]), scheme)
    with pytest.raises(InvalidArgument, match=r"verdict: .* got IDs of 1 and 2 coordinates"):
        verdict(Subject(Unlike(2), [1], [1, 2]), "coupled")


# ── Files and drawings ───────────────────────────────────────────────────────────────────────────────────────────────

FILE = """
heads = { arity = 2, window = [1, "none"], key = ["relative", "none"] }
[[train.examples]]
tokens = [0, 1]
ids = [[0, 1], [1, 7]]
label = "a"
[[train.examples]]
tokens = [1, 1]
ids = [[0, 1], [1, 7]]
label = "b"
[[test.examples]]
tokens = [0, 1]
ids = [[4, 1], [5, 2]]
label = "a"
"""


def test_files_hold_vectors_as_lists() -> None:
    problem = problem_from_dict(tomllib.loads(FILE))
    assert problem.heads == HeadClass(2, (1, None), ("relative", "none"))
    assert {e.ids for e in problem.train.support()} == {((0, 1), (1, 7))}
    assert problem.verdict().outcome == "generalizes"
    data = json.loads(json.dumps(problem_to_dict(problem)))
    assert problem_from_dict(data) == problem
    assert data["heads"]["window"] == [1, None]
    failing = tomllib.loads(FILE.replace("[4, 1], [5, 2]", "[4, 1], [4, 2]"))
    found = problem_from_dict(failing).verdict()
    assert (found.outcome, found.view) == ("fails", ((0, 1), (0, 0)))
    with_head = replace(problem_from_dict(failing), head=found.counterexample)
    assert problem_from_dict(json.loads(json.dumps(problem_to_dict(with_head)))) == with_head
    by_two = problem_from_dict(tomllib.loads(FILE.replace('["relative", "none"]', '"relative"')))
    head = replace(by_two, head=HardHead(by_two.heads, {View((0, 1), ((0, 0), (1, 6))): "a"}))
    assert problem_from_dict(json.loads(json.dumps(problem_to_dict(head)))) == head


@pytest.mark.parametrize("ids", ["[[0, 1], [1]]", "[[0], [1]]", "[0, [1, 1]]", '[[0, "1"], [1, 1]]', "[[0, 1]]"])
def test_files_with_other_ids_are_refused(ids: str) -> None:
    with pytest.raises(InvalidArgument, match=r"train.examples\[0\]: .*ids: got"):
        problem_from_dict(tomllib.loads(FILE.replace("[[0, 1], [1, 7]]", ids)))


def test_drawings_name_rows_and_columns() -> None:
    figure = draw(Grid(), next(Grid().instances(2)))
    assert [axes.get_title() for axes in figure.axes] == ["by position: sets span up to 5", "by ID: sets span up to 1"]
    names = [text.get_text() for text in figure.axes[1].texts]
    assert names[-4:] == ["(0,0)", "(0,1)", "(1,0)", "(1,1)"]


# ── Trained models ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_models_take_plain_ids_alone() -> None:
    rng, board = np.random.default_rng(0), next(Grid().instances(2))
    drawn = Grid().sample_many(2, 3, rng)
    assert drawn is not None
    for refuse in (
        lambda: ids_of(board, POSITIONS["coupled"], 9, rng, training=True),
        lambda: relabelled(drawn, POSITIONS["coupled"], 9, rng),
        lambda: increments_of(Grid(), 2, rng),
    ):
        message = r"transformer: argument task: got IDs of 2 coordinates; expected coupled IDs that are plain integers"
        with pytest.raises(InvalidArgument, match=message):
            refuse()
    assert ids_of(board, POSITIONS["absolute"], 9, rng, training=True) == tuple(range(7))
    assert relabelled(drawn, POSITIONS["absolute"], 9, rng).tolist() == [list(range(7))] * 3
    assert TrainConfig("copy").window == "none"
    assert n_coordinates(board.ids) == 2
    assert positions.absolute().n_coordinates(3) == 1
