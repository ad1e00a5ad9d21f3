"""What is exported is what our own training draws, whole or not at all, and the same for the same seed."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from idealized_model.transformer import exporting
from idealized_model.transformer.data import POSITIONS, sequence_task
from idealized_model.transformer.evaluation import drawn_sequences
from idealized_model.transformer.exporting import export
from idealized_model.transformer.training import TrainConfig, Trainer
from tests import own_tasks
from theory.errors import InvalidArgument, NotWritten
from theory.tasks import TASKS, Step, Task, find_task

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
ROWS = ("tokens", "ids", "mask", "targets", "increments")

OWN = '''
import numpy as np

from theory.tasks import Copy, Instance, PointerChasing, Sorting, Step, Task
from theory.tasks.drawing import Drawn
from theory.tasks.wrapped import Wrapped


class OneByOne(Wrapped):
    """Tasks that cannot be drawn as arrays."""

    def changed(self, instance):
        return instance


def sorting():
    return OneByOne(Sorting(3))


def pointers():
    return OneByOne(PointerChasing())


class Unsaid(Sorting):
    """Arrays that do not say what is read."""

    def draw_many(self, length, size, rng):
        drawn = super().draw_many(length, size, rng)
        return Drawn(drawn.tokens, drawn.ids, drawn.steps, drawn.n_prompt)


class Unequal(Unsaid):
    draw_many = Unsaid.draw_many

    def solve(self, prompt):
        return super().solve((0,) * (len(prompt) - 1) + prompt[-1:])


class Unsolved(Unsaid):
    draw_many = Unsaid.draw_many
    solve = Task.solve

    def draw(self, length, rng):
        return Sorting().draw(length, rng)


class Prompts(Copy):
    """Words with a mark or two behind them."""

    def draw(self, length, rng):
        return self.marked(super().draw(length, rng), int(rng.integers(1, 3)))

    def marked(self, instance, marks):
        n = instance.n_prompt
        steps = tuple(Step(p + marks - 1, tuple(s for s in read)) for p, read in instance.steps)
        tokens = (*instance.tokens[:n], *(2,) * (marks - 1), *instance.tokens[n:])
        return Instance(tokens, tuple(range(len(tokens))), steps)
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with tasks of one's own."""
    own_tasks.put(tmp_path, monkeypatch)
    (tmp_path / "drawn_tasks.py").write_text(OWN, encoding="utf-8")
    monkeypatch.delitem(__import__("sys").modules, "drawn_tasks", raising=False)
    return tmp_path


def small(task: str, positions: str = "coupled", **changes: Any) -> TrainConfig:
    settings = {"shortest": 1, "longest": 4, "n_ids": 64, "batch": 6, "width": 8, "layers": 1, "heads": 1, "seed": 3}
    return TrainConfig(task, positions, **{**settings, **changes})


def arrays(folder: Path | str, files: list[str]) -> Iterator[dict[str, NDArray[Any]]]:
    for name in files:
        with np.load(Path(folder) / name, allow_pickle=False) as file:
            yield {key: file[key] for key in file.files}


def rows(folder: Path | str, files: list[str]) -> list[dict[str, Any]]:
    """The sequences of shards, in the form of the lines."""
    found = []
    for shard in arrays(folder, files):
        for i, n in enumerate(shard["n_tokens"].tolist()):
            steps = shard["steps"][i, : shard["n_steps"][i]].tolist()
            sources = [[s for s in read if s >= 0] for read in shard["sources"][i, : len(steps)].tolist()]
            one = {"length": int(shard["length"][i]), "n_prompt": int(shard["n_prompt"][i])}
            one |= {name: shard[name][i, :n].tolist() for name in ROWS}
            found.append({**one, "steps": steps, "sources": sources})
            assert (shard["steps"][i, len(steps) :] == -1).all()
            assert (shard["sources"][i, len(steps) :] == -1).all()
            for name in ROWS:
                assert (shard[name][i, n:] == exporting.FILL[name]).all()
    return found


def lines(folder: Path | str, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(folder) / f"{split}.jsonl").read_text(encoding="ascii").splitlines()]


def contents(folder: Path | str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# ── What it is ───────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = [
    *((name, "coupled") for name in TASKS), *(("addition, reversed", positions) for positions in POSITIONS),
    ("pointer chasing", "predicted"), ("pointer chasing", "pose"), ("sparse parity, k <= 3", "coupled"),
    ("sorting, query-coupled", "coupled-ordered"), ("drawn_tasks:sorting", "coupled"), ("drawn_tasks:Unsaid", "coupled"),
    ("drawn_tasks:pointers", "predicted"), ("drawn_tasks:Prompts", "random-shift"), ("mytasks:RunningMaximum", "coupled"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "positions"), KINDS)
@pytest.mark.parametrize("packing", [0.0, 0.6])
def test_it_is_what_a_run_trains_on(task: str, positions: str, packing: float) -> None:
    """Row by row: what the model reads, where something is predicted, what, and from which tokens."""
    if packing and (POSITIONS[positions].relabel not in ("shift", "ordered") or task == "drawn_tasks:Unsaid"):
        return
    config = small(task, positions, packing=packing)
    made = export(config, "data", size=20)
    trainer, found = Trainer(config), lines("data")
    assert found == rows("data", made["splits"]["train"]["npz"])
    assert len(found) == 20
    assert made["increments"] == list(trainer.increments)
    batches = [trainer.batch(step) for step in range(4)]
    wanted = [(batch, i) for batch in batches for i in range(config.batch)]
    for row, (batch, i) in zip(found, wanted, strict=False):
        queries = batch.queries[i][batch.weights[i] > 0]
        n = len(row["tokens"])
        assert batch.tokens[i, : n - 1].tolist() == row["tokens"][: batch.tokens.shape[1]][: n - 1]
        assert batch.ids[i, : n - 1].tolist() == row["ids"][: n - 1]
        assert np.flatnonzero(row["mask"]).tolist() == queries.tolist() == [step - 1 for step in row["steps"]]
        targets, grown = np.array(row["targets"]), np.array(row["increments"])
        assert targets[queries].tolist() == batch.targets[i][batch.weights[i] > 0].tolist()
        assert set(np.delete(targets, queries).tolist()) <= {-100}
        assert set(np.delete(grown, queries).tolist()) <= {0}
        assert grown.tolist() == [row["ids"][t + 1] - row["ids"][t] if row["mask"][t] else 0 for t in range(n)]
        if not trainer.task.takes_key:  # which other IDs change
            read = [tuple(row["tokens"][s] for s in sources) for sources in row["sources"]]
            assert [*map(trainer.task.rule, read)] == targets[queries].tolist()
        if batch.increments is not None:
            classes = batch.increments[i][batch.weights[i] > 0]
            assert [trainer.increments[j] for j in classes] == grown[queries].tolist()


@pytest.mark.parametrize("task", ["drawn_tasks:sorting", "drawn_tasks:Unsaid", "sparse parity, k <= 3", *TASKS])
def test_the_targets_follow_from_the_dependency_sets(task: str) -> None:
    own = sequence_task(find_task(task))
    export(small(task, longest=5), "data", size=60, formats=["jsonl"])
    for row in lines("data"):
        for step, sources in zip(row["steps"], row["sources"], strict=True):
            tokens = row["tokens"]
            read, key = (tuple(row[name][s] for s in sources) for name in ("tokens", "ids"))
            key = tuple(i - row["ids"][step - 1] for i in key)
            assert own.predict_token(read, key) == tokens[step] == row["targets"][step - 1]
        if type(own).solve is not Task.solve:
            solved = own.solve(tuple(row["tokens"][: row["n_prompt"]]))
            assert [Step(p, tuple(s)) for p, s in zip(row["steps"], row["sources"], strict=True)] == [*solved.steps]


def test_tests_are_those_of_evaluate() -> None:
    config = small("pointer chasing")
    made = export(config, "data", size=1, test_lengths=(9, 5), test_size=11)
    assert made["test_lengths"] == [9, 5]
    found = lines("data", "test")
    assert found == rows("data", made["splits"]["test"]["npz"])
    assert made["splits"]["test"]["sequences"] == len(found) == 22
    wanted = [
        (length, one, ids)
        for length in (9, 5)
        for one, ids in drawn_sequences(config, find_task("pointer chasing"), length, size=11)
    ]
    for row, (length, instance, ids) in zip(found, wanted, strict=True):
        assert (row["length"], tuple(row["tokens"]), tuple(row["ids"])) == (length, instance.tokens, ids)
        assert row["n_prompt"] == instance.n_prompt
        assert row["sources"] == [list(step.sources) for step in instance.steps]


def test_it_says_what_it_is() -> None:
    config = small("mytasks:RunningMaximum", packing=0.25)
    made = export(config, "data", size=7)
    assert made == json.loads(Path("data/metadata.json").read_text(encoding="utf-8"))
    assert made["vocabulary"] == list(find_task(config.task).alphabet)
    named = {name: made[name] for name in ("task", "positions", "n_ids", "seed", "batch", "packing", "lengths")}
    assert named == {**{name: getattr(config, name) for name in named if name != "lengths"}, "lengths": [1, 4]}
    assert (made["sparsity"], made["ignored"], made["test_lengths"]) == (2, -100, [])
    assert made["source"].keys() == {"mytasks:RunningMaximum"}
    assert made["versions"]["numpy"] == np.__version__
    assert set(contents("data")) == {"metadata.json", "train.jsonl", "train-00000.npz"}
    assert export(small("full parity", "rope"), "other", size=1)["vocabulary"][-1] == "?"


def test_the_same_seed_gives_the_same_bytes() -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        export(small("sorting", seed=seed), name, size=40, test_lengths=(6,))
    one, same, other = map(contents, ("one", "same", "other"))
    assert one == same
    assert all(one[name] != other[name] for name in one)


def test_only_what_is_asked_for_is_written() -> None:
    for name in ("jsonl", "npz"):
        made = export(small("copy"), name, size=3, formats=[name, name])
        assert set(made["splits"]["train"]) == {"sequences", name}
        assert {path.suffix for path in Path(name).glob("train*")} == {f".{name}"}


# ── Many sequences ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("shard", "cells"), [(13, 10**9), (10**9, 500), (1, 1)])
def test_shards_hold_so_many_sequences_or_numbers_at_most(
    shard: int, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export(small("sorting"), "whole", size=50)["splits"]["train"]["npz"]
    monkeypatch.setattr(exporting, "SHARD", shard)
    monkeypatch.setattr(exporting, "CELLS", cells)
    files = export(small("sorting"), "parts", size=50)["splits"]["train"]["npz"]
    assert files == [f"train-{i:05}.npz" for i in range(len(files))]
    assert rows("parts", files) == rows("whole", whole)
    sizes = [(len(one["length"]), sum(array.size for array in one.values())) for one in arrays("parts", files)]
    assert all(size <= 6 or (size <= shard and numbers <= cells) for size, numbers in sizes)
    assert max(size for size, _ in sizes) == {13: 12, 1: 6}.get(shard, max(size for size, _ in sizes))
    assert len(files) > 2


def peak(size: int, folder: str) -> int:
    tracemalloc.start()
    export(small("copy", batch=100), folder, size=size)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_is_that_of_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "SHARD", 500)
    peak(500, "first")  # what is made once
    assert peak(4000, "large") < 1.3 * peak(1000, "small")


def test_progress_is_told() -> None:
    told: list[int] = []
    export(small("copy"), "data", size=15, test_lengths=(2, 3), test_size=4, watch=told.append)
    assert told == [6, 12, 15, 19, 23]


# ── Whole or not at all ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_interrupted_leaves_nothing(error: type[BaseException], folder: Path) -> None:
    before = set(folder.iterdir())

    def stop(done: int) -> None:
        assert any(path.name.startswith(".data.") for path in folder.iterdir())
        if done >= 12:
            raise error

    with pytest.raises(error):
        export(small("copy"), "data", size=100, watch=stop)
    assert set(folder.iterdir()) == before
    Path("data").mkdir()
    with pytest.raises(error):
        export(small("copy"), "data", size=100, watch=stop)
    assert [*Path("data").iterdir()] == []


def test_a_folder_is_never_written_over() -> None:
    Path("empty").mkdir()
    export(small("copy"), "empty", size=2)
    before = contents("empty")
    Path("file").write_text("mine")
    for name in ("empty", "file"):
        with pytest.raises(
            InvalidArgument, match=r"^export: argument folder: got '.*', which is there; expected a new"
        ):
            export(small("copy", seed=9), name, size=2)
    assert contents("empty") == before
    export(small("copy"), "a/new/folder", size=2)
    with pytest.raises(InvalidArgument, match=r"^export: argument folder: got '.*below': Not a directory"):
        export(small("copy"), "file/below", size=2)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(NotWritten, match=r"No space left on device; expected a folder that can be written"):
        export(small("copy"), "data", size=2)
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        (small("copy"), {"size": 0}, r"^export: argument size: got 0; expected an integer >= 1"),
        (small("copy"), {"formats": ["json"]}, r"argument formats: got 'json'; .* Did you mean 'jsonl'"),
        (small("copy"), {"formats": []}, "argument formats: got none; expected jsonl, npz or both"),
        (small("copy"), {"test_size": 0, "test_lengths": (1,)}, r"argument size: got 0; expected an integer >= 1"),
        (small("copy"), {"test_lengths": (70,)}, r"got 64 IDs for a sequence that needs 71; .* --ids 71"),
        (replace(small("copy"), n_ids=3), {}, r"got 3 IDs for a sequence that needs 5"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    config: TrainConfig, options: dict[str, Any], message: str, folder: Path
) -> None:
    before = set(folder.iterdir())
    with pytest.raises(InvalidArgument, match=message):
        export(config, "data", **{"size": 4, **options})
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("task", "packing", "message"),
    [
        ("Unsolved", 0, r"the draw_many of which says no sources; expected Drawn\(\.\.\., sources=\.\.\.\)"),
        ("Unsaid", 1, r"the draw_many of which says no sources; expected Drawn\(\.\.\., sources=\.\.\.\)"),
        (
            "Unequal",
            0,
            r"the draw_many of which makes '.*' where solve makes another; expected a task whose contracts hold",
        ),
    ],
)
def test_dependency_sets_that_are_not_known_are_not_made_up(task: str, packing: float, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        export(small(f"drawn_tasks:{task}", longest=8, packing=packing), "data", size=20)
    assert not Path("data").exists()


# ── In other frameworks ──────────────────────────────────────────────────────────────────────────────────────────────


def recipe(name: str) -> str:
    """A block of code on the page of the export that defines a name."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (found,) = [block for block in blocks if f"def {name}(" in block or f"class {name}(" in block]
    return str(found)


@pytest.mark.parametrize(("task", "positions"), [("addition, reversed", "coupled"), ("pointer chasing", "pose")])
def test_the_recipe_for_pytorch_gives_the_loss_of_our_own_training(task: str, positions: str) -> None:
    torch = pytest.importorskip("torch")
    config = small(task, positions)
    made = export(config, "data", size=18)
    names: dict[str, Any] = {}
    exec(recipe("Exported"), names)
    trainer = Trainer(config)
    batches = [*names["Exported"]("data")]
    assert [len(batch["tokens"]) for batch in batches] == [6, 6, 6]
    for step, found in enumerate(batches):
        own = trainer.batch(step)
        scores, _ = trainer.engine.logits(trainer.parameters, own)
        logits = torch.rand(
            *found["tokens"].shape, len(made["vocabulary"])
        )  # away from the queries they must not matter
        logits[torch.arange(6)[:, None], torch.from_numpy(own.queries.copy())] = torch.from_numpy(scores.copy())
        loss, _ = trainer.engine.loss_and_gradient(trainer.parameters, own)
        assert float(names["loss_of"](logits, found)) == pytest.approx(float(loss), rel=1e-5)
        assert found["tokens"].dtype == found["ids"].dtype == torch.int64


def test_the_recipe_for_hugging_face_uses_position_ids() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    export(small("copy", "coupled"), "data", size=30)
    names: dict[str, Any] = {}
    exec(recipe("Exported"), names)
    exec(recipe("train"), names)
    first, last = names["train"]("data", steps=12, batch=6)
    assert last < first
