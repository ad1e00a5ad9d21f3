"""IDs of several coordinates in tasks, verdicts, drawings and files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from figures.dependency_graphs import draw
from idealized_model.transformer import POSITIONS, ModelConfig, TrainConfig, Trainer
from idealized_model.transformer.data import Queried, batch_of, every_ids, ids_of, increments_of, packed
from idealized_model.transformer.drawing import drawn_alone, drawn_packed
from idealized_model.transformer.evaluation import evaluate, rollout
from idealized_model.transformer.soft_head import as_head
from proofs_check import check_task
from proofs_check.problem_files import problem_from_dict, problem_to_dict
from proofs_check.verdicts.deciding import SCHEMES, Scheme, verdict
from proofs_check.verdicts.subjects import Subject
from proofs_check.verdicts.table import from_data, to_data
from tests.grid import FlatGrid, Grid
from theory import HardHead, HeadClass, InvalidArgument, View, dependencies, support
from theory.coordinates import Id, Ids
from theory.tasks import TASKS, Copy, Instance, QueryCoupled, Task, sparse_parity
from theory.tasks.base import Tokens


class Rows(Copy):
    """A copy in which every ID has a second coordinate, and the next one is predicted."""

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> None:
        return None

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


class OwnGrid(Grid):
    name = "own grid"


@pytest.fixture
def grid_trainer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trainer]:
    def made(task: Task, **changes: Any) -> Trainer:
        monkeypatch.setitem(TASKS, "own grid", task)
        small = {"longest": 3, "n_ids": 12, "steps": 4, "batch": 4, "width": 8, "layers": 1, "heads": 2}
        return Trainer(TrainConfig("own grid", **({"positions": "coupled"} | small | changes)))

    return made


@pytest.mark.parametrize("encoding", ["scheme", "sinusoidal", "rope", "alibi", "none"])
def test_models_are_trained_on_vectors(grid_trainer: Callable[..., Trainer], encoding: str) -> None:
    trainer = grid_trainer(OwnGrid(), encoding=encoding, window="task")
    assert (trainer.model.window, trainer.model.n_coordinates) == ((1, 0), 2)
    batch = trainer.batch(1)
    assert batch.ids.shape == (*batch.tokens.shape, 2)
    trainer.run()
    assert trainer.step == 4
    assert evaluate(trainer, OwnGrid(), 4, size=3).steps == 36


def test_every_coordinate_gets_an_offset_of_its_own() -> None:
    board, rng = next(Grid().instances(2)), np.random.default_rng(0)
    for name, n_each in (("coupled", 3), ("coupled-ordered", 6)):
        drawn = {ids_of(board, POSITIONS[name], 4, rng, training=True) for _ in range(300)}
        assert len(drawn) == n_each**2
        assert drawn == set(every_ids(board, POSITIONS[name], 4, training=True))
        for ids in drawn:
            assert [ids[i] for i in (4, 5, 6)] == [ids[i] for i in (0, 1, 2)]
    assert ids_of(board, POSITIONS["absolute"], 9, rng, training=True) == tuple(range(7))
    with pytest.raises(InvalidArgument, match="got 1 IDs for a sequence that needs 2"):
        ids_of(board, POSITIONS["coupled"], 1, rng, training=True)


def test_batches_hold_vectors_and_their_increments() -> None:
    rows = Rows(2).solve((0, 1, 2))
    batch = batch_of([rows], [rows.ids], increments_of(Rows(2), 2, np.random.default_rng(0)))
    assert batch.ids.tolist() == [[[0, 5], [1, 5], [-1, 5], [0, 5]]]
    assert batch.increments is not None
    assert batch.increments.tolist() == [[0, 0]]
    with pytest.raises(InvalidArgument, match=r"got the ID increment \(1, 0\); expected one of \[\(0, 1\)\]"):
        batch_of([rows], [rows.ids], [(0, 1)])


def test_models_predict_increments_of_vectors(grid_trainer: Callable[..., Trainer]) -> None:
    class OwnRows(Rows):
        name = "own grid"

    trainer = grid_trainer(OwnRows(2), positions="predicted")
    assert (trainer.increments, trainer.model.n_increments, trainer.model.n_coordinates) == (((1, 0),), 1, 2)
    trainer.run()
    assert 0 <= rollout(trainer, OwnRows(2), 3, size=5) <= 5


def test_what_models_of_vectors_do_without(grid_trainer: Callable[..., Trainer]) -> None:
    board = next(Grid().instances(2))
    with pytest.raises(InvalidArgument, match=r"packing: got IDs of 2 coordinates; expected plain IDs"):
        packed(board, board, POSITIONS["coupled"], 30, np.random.default_rng(0))
    with pytest.raises(InvalidArgument, match=r"packing: got IDs of 2 coordinates"):
        grid_trainer(OwnGrid(), packing=1.0).batch(1)
    alone = grid_trainer(OwnGrid(), layers=1, heads=1, mlp=False, norm=False)
    with pytest.raises(InvalidArgument, match=r"got a model with IDs of 2 coordinates"):
        as_head(alone.parameters)
    assert drawn_packed(Grid(), (2, 2), 2, POSITIONS["coupled"], 30, np.random.default_rng(0)) is None
    drawn = drawn_alone(Grid(), 2, 3, POSITIONS["absolute"], 30, np.random.default_rng(0))
    assert drawn is not None
    assert drawn[1].shape == (3, 7)
    with pytest.raises(InvalidArgument, match=r"argument window: got \(1, 1\); expected one for each of 1 coordinates"):
        ModelConfig(5, window=(1, 1))
    with pytest.raises(InvalidArgument, match=r"argument window: got -1; expected an integer >= 0"):
        ModelConfig(5, window=(1, -1), n_coordinates=2)
