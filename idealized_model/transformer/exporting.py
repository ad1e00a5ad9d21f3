"""Sequences for training in any framework: what our own training draws, with masks, targets and dependency sets, in files."""

from __future__ import annotations

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, islice
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.data import increments_of
from idealized_model.transformer.evaluation import drawn_sequences
from idealized_model.transformer.runs import Evaluation, check, versions
from idealized_model.transformer.training import TrainConfig, generator, sequences_of_step, task_of
from theory.errors import InvalidArgument, check_integer, check_one_of, unwritable
from theory.positions import Ids
from theory.tasks import Instance, Task
from theory.tasks.drawing import Drawn, Integers, padded
from theory.tasks.faults import ASK, HOLDS, checked, running
from theory.tasks.finding import sources_of

FORMATS = ("jsonl", "npz")
"""One file of lines a split, and shards of arrays."""

FORMAT = 1
"""Of what is written; docs/export.md says what it holds."""

SHARD = 100_000
"""Sequences of a shard at most."""

CELLS = 2**24
"""Numbers of a shard at most, beyond one batch, so that long sequences take no more memory than short ones."""

IGNORED = -100
"""The target where nothing is to be predicted: what losses of PyTorch ignore."""

FILL = {"tokens": 0, "ids": 0, "mask": 0, "targets": IGNORED, "increments": 0, "steps": -1, "sources": -1}
"""What stands behind the entries of a row that is shorter than others, by array."""

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Sequences as arrays, a row each: one entry a sequence ("length", "n_prompt", "n_tokens", "n_steps") or those of `FILL`."""

Watch: TypeAlias = Callable[[int], None]
"""What is told how many sequences are written."""


def export(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    size: int,
    test_lengths: Sequence[int] = (),
    test_size: int = 128,
    formats: Sequence[str] = FORMATS,
    watch: Watch = lambda done: None,
) -> dict[str, Any]:
    """Write what a run trains on, and what it is tested on, as files for any framework.

    The sequences are those of `Trainer(config).batch(0)`, `batch(1)`, ..., one after the other; tests are those of
    `evaluate`. The same arguments give the same bytes on one machine with one version of NumPy. The folder appears when all
    is written, and not before.

    Parameters
    ----------
    config : task, positions, lengths, IDs, seed, batch and packing count; what a model is and how it is trained does not.
    folder : a new folder, or an empty one.
    size : sequences for training.
    test_lengths, test_size : the lengths of tests, and the sequences of each.
    formats : of "jsonl" and "npz", at least one.
    watch : called with the number of sequences written so far.

    Returns
    -------
    what metadata.json holds

    Raises
    ------
    InvalidArgument : for a folder with something in it, a range of IDs that is too small, or a task whose contracts fail.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> config = TrainConfig("copy", "coupled", longest=2, n_ids=8, batch=4)
    >>> with TemporaryDirectory() as home:
    ...     made = export(config, f"{home}/data", size=10)
    ...     lines = Path(f"{home}/data/train.jsonl").read_text().splitlines()
    >>> len(lines), list(json.loads(lines[0]))[:5], made["splits"]["train"]["npz"]
    (10, ['length', 'n_prompt', 'tokens', 'ids', 'mask'], ['train-00000.npz'])

    Cost: time in the numbers that are written; memory of a shard.
    """
    where = "export"
    check_integer(size, where, "size", least=1)
    for name in formats:
        check_one_of(name, FORMATS, where, "formats")
    if not formats:
        raise InvalidArgument(where, "formats", got="none", expected="jsonl, npz or both", fix="Leave it out for both.")
    tests = Evaluation(tuple(test_lengths) or (config.longest,), size=test_size)
    check(config, tests)
    task = task_of(config, where)
    with _appearing(Path(folder)) as place:
        splits, done = {}, 0
        parts: dict[str, Iterator[Arrays]] = {"train": _training(config, task, size)}
        if test_lengths:
            parts["test"] = _tests(config, task, tests)
        for split, blocks in parts.items():
            writers = {name: _WRITERS[name](place, split) for name in dict.fromkeys(formats)}
            before = done
            with ExitStack() as stack:
                for writer in writers.values():
                    stack.enter_context(writer)
                for block in blocks:
                    for writer in writers.values():
                        writer.add(block)
                    done += len(block["length"])
                    watch(done)
            splits[split] = {"sequences": done - before, **{name: one.files for name, one in writers.items()}}
        metadata = _metadata(config, task, tests.lengths if test_lengths else (), splits)
        (place / "metadata.json").write_text(
            json.dumps(metadata, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
    return metadata


def _metadata(config: TrainConfig, task: Task, test_lengths: Sequence[int], splits: dict[str, Any]) -> dict[str, Any]:
    predicted = config.how.predicted
    return {
        "format": FORMAT,
        "task": config.task,
        "vocabulary": list(task.alphabet),
        "sparsity": task.sparsity,
        "window": task.window,
        "positions": config.positions,
        "encoding": config.how.encoding,
        "n_ids": config.n_ids,
        "increments": list(increments_of(task, config.longest, generator(config, "increments", 0)))
        if predicted
        else [],
        "lengths": [max(config.shortest, task.min_length), config.longest],
        "test_lengths": list(test_lengths),
        "seed": config.seed,
        "batch": config.batch,
        "packing": config.packing,
        "ignored": IGNORED,
        "splits": splits,
        "source": sources_of(config.task),
        "versions": versions(),
    }


# ── Sequences as arrays ──────────────────────────────────────────────────────────────────────────────────────────────


def _training(config: TrainConfig, task: Task, size: int) -> Iterator[Arrays]:
    """The batches of a run, in their order; of the last one as much as is wanted."""
    left = size
    for step in count():
        length, found = sequences_of_step(config, task, step)
        arrays = _of_arrays(config, task, length, *found) if isinstance(found, tuple) else _one_by_one(length, found)
        yield {name: array[:left] for name, array in arrays.items()}
        left -= config.batch
        if left <= 0:
            return


def _tests(config: TrainConfig, task: Task, tests: Evaluation) -> Iterator[Arrays]:
    """The sequences of `evaluate`, in blocks of a batch."""
    for length in tests.lengths:
        sequences = drawn_sequences(config, task, length, size=tests.size)
        while block := list(islice(sequences, config.batch)):
            yield _one_by_one(length, block)


def _of_arrays(config: TrainConfig, task: Task, length: int, drawn: Drawn, ids: Integers) -> Arrays:
    sources = _solved(config, task, drawn) if drawn.sources is None else drawn.sources
    n_prompt = np.full(len(ids), drawn.n_prompt)
    return _arrays(length, drawn.tokens, ids, drawn.own, n_prompt, drawn.steps, drawn.scored, sources)


def _one_by_one(length: int, sequences: Sequence[tuple[Instance, Ids]]) -> Arrays:
    own, n_steps = (np.array([len(getattr(one, name)) for one, _ in sequences]) for name in ("tokens", "steps"))
    n, most = own.max(), n_steps.max()
    # A row with fewer steps repeats its last, as in Drawn.
    steps = [(*one.steps, *one.steps[-1:] * (most - len(one.steps))) for one, _ in sequences]
    widest = max(len(step.sources) for row in steps for step in row)
    return _arrays(
        length,
        np.array([(*one.tokens, *(0,) * (n - len(one.tokens))) for one, _ in sequences]),
        np.array([(*each, *each[-1:] * (n - len(each))) for _, each in sequences]),
        own,
        np.array([one.n_prompt for one, _ in sequences]),
        np.array([[step.position for step in row] for row in steps]),
        np.arange(most) < n_steps[:, None],
        np.stack([padded([step.sources for step in row], widest) for row in steps]),
    )


def _arrays(
    length: int,
    tokens: Integers,
    ids: Integers,
    own: Integers,
    n_prompt: Integers,
    steps: Integers,
    scored: NDArray[np.bool_],
    sources: Integers,
) -> Arrays:
    """The arrays of sequences of one length: those of `Batch`, and the last token, which it leaves out as nothing reads it.

    What is predicted stands at its query, the position before.
    """
    rows, inside = np.arange(len(tokens))[:, None], np.arange(tokens.shape[1]) < own[:, None]
    queries = steps - 1  # that of a repeated step is written again, with the same
    shape = tokens.shape
    made: Arrays = {
        "tokens": np.where(inside, tokens, FILL["tokens"]),
        "ids": np.where(inside.reshape(*shape, *(1,) * (ids.ndim - 2)), ids, FILL["ids"]),
        "mask": np.zeros(shape, dtype=np.int8),
        "targets": np.full(shape, IGNORED),
        "increments": np.zeros_like(ids),
        "steps": np.where(scored, steps, FILL["steps"]),
        "sources": np.where(scored[..., None], sources, FILL["sources"]),
    }
    made["mask"][rows, queries] = 1
    made["targets"][rows, queries] = tokens[rows, steps]
    made["increments"][rows, queries] = ids[rows, steps] - ids[rows, queries]
    counts = {
        "length": np.full(len(tokens), length),
        "n_prompt": n_prompt,
        "n_tokens": own,
        "n_steps": scored.sum(axis=1),
    }
    return {name: array.astype(np.int8 if name == "mask" else np.int32) for name, array in (counts | made).items()}


def _solved(config: TrainConfig, task: Task, drawn: Drawn) -> Integers:
    """The sources of sequences whose `draw_many` says none: by the solutions of their prompts."""
    if config.packing or type(task).solve is Task.solve:  # two sequences are no solution of one prompt
        got, expected = f"{task.name!r}, the draw_many of which says no sources", "Drawn(..., sources=...)"
        fix = "Say what each step reads, and -1 behind it."
        raise InvalidArgument("export", "task", got=got, expected=expected, fix=fix)
    found = []
    for row, n in zip(drawn.tokens.tolist(), drawn.own.tolist(), strict=True):
        with running(task, "export"):
            instance = checked(task.solve(tuple(row[: drawn.n_prompt])), task, "export")
        if list(instance.tokens) != row[:n]:
            got = f"{task.name!r}, the draw_many of which makes {task.text(tuple(row[:n]))!r} where solve makes another"
            raise InvalidArgument("export", "task", got=got, expected=HOLDS, fix=ASK)
        found.append(instance)
    n_steps, widest = drawn.steps.shape[1], max(len(step.sources) for one in found for step in one.steps)
    sets = ([step.sources for step in one.steps] + [()] * (n_steps - len(one.steps)) for one in found)
    return np.stack([padded(one, widest) for one in sets])


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes its name when all went well, and is removed otherwise."""
    folder = Path(os.path.realpath(folder))
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            expected, fix = "a new folder, or an empty one", "Choose another folder, or remove it."
            raise InvalidArgument(
                "export", "folder", got=f"{str(folder)!r}, which is there", expected=expected, fix=fix
            )
        temporary.mkdir(parents=True)
        yield temporary
        if folder.exists():
            folder.rmdir()  # not every system replaces an empty folder
        os.replace(temporary, folder)
    except OSError as error:
        raise unwritable(error)(
            "export",
            "folder",
            got=f"{str(folder)!r}: {error.strerror}",
            expected="a folder that can be written",
            fix="Choose another folder, or free some space.",
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # nothing is there, if it has taken its name


class _Writer(ABC):
    """The files of one format for one split."""

    def __init__(self, folder: Path, split: str) -> None:
        self.files: list[str] = []
        self._folder, self._split = folder, split

    @abstractmethod
    def add(self, block: Arrays) -> None:
        """Take more sequences."""

    def __enter__(self) -> _Writer:
        return self

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is left, where all went well, and close the files."""

    def _open(self, name: str) -> BinaryIO:
        self.files.append(name)
        return (self._folder / name).open("wb")


class _Lines(_Writer):
    """A file of JSON, one sequence a line."""

    def __init__(self, folder: Path, split: str) -> None:
        super().__init__(folder, split)
        self._file = self._open(f"{split}.jsonl")

    def add(self, block: Arrays) -> None:
        self._file.write(lines_of(block).encode())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()


class _Shards(_Writer):
    """Files of arrays: one is written at once, as nothing can be added to it."""

    def __init__(self, folder: Path, split: str) -> None:
        super().__init__(folder, split)
        self._blocks: list[Arrays] = []
        self._shapes: dict[str, Shape] = {}

    def add(self, block: Arrays) -> None:
        shapes = {name: _wider(self._shapes.get(name), array.shape) for name, array in block.items()}
        if self._blocks and (shapes["length"][0] > SHARD or sum(map(prod, shapes.values())) > CELLS):
            self._write()
            shapes = {name: array.shape for name, array in block.items()}
        self._blocks.append(block)
        self._shapes = shapes

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write()

    def _write(self) -> None:
        with self._open(f"{self._split}-{len(self.files):05}.npz") as file:
            np.savez(file, **{name: self._joined(name) for name in self._shapes})  # type: ignore[arg-type]  # no array is a flag
        self._blocks, self._shapes = [], {}

    def _joined(self, name: str) -> NDArray[Any]:
        whole = np.full(self._shapes[name], FILL.get(name, 0), dtype=self._blocks[0][name].dtype)
        start = 0
        for block in self._blocks:
            array = block[name]
            whole[(slice(start, start + len(array)), *map(slice, array.shape[1:]))] = array
            start += len(array)
        return whole


Shape: TypeAlias = tuple[int, ...]


def _wider(shape: Shape | None, added: Shape) -> Shape:
    """The shape of rows and of others below them."""
    if shape is None:
        return added
    return (shape[0] + added[0], *map(max, shape[1:], added[1:]))


_WRITERS: dict[str, type[_Writer]] = {"jsonl": _Lines, "npz": _Shards}


def lines_of(block: Mapping[str, NDArray[Any]]) -> str:
    """Every sequence as a line of JSON, without what fills its row.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> instance = Copy(2).solve((1, 2))
    >>> print(lines_of(_one_by_one(1, [(instance, instance.ids)])), end="")
    {"length":1,"n_prompt":2,"tokens":[1,2,1],"ids":[0,-1,0],"mask":[0,1,0],"targets":[-100,1,-100],"increments":[0,1,0],\
"steps":[2],"sources":[[0]]}
    """
    reads = (block["sources"] >= 0).sum(axis=2)
    forms = np.column_stack([block["n_tokens"], block["n_steps"], reads])
    if (forms == forms[0]).all():
        return _lines_of_one_form(block, *forms[0].tolist())
    lines = np.empty(len(forms), dtype=object)
    for form in np.unique(forms, axis=0):
        rows = np.flatnonzero((forms == form).all(axis=1))
        text = _lines_of_one_form({name: array[rows] for name, array in block.items()}, *form.tolist())
        lines[rows] = text.splitlines(keepends=True)
    return "".join(lines)


def _lines_of_one_form(block: Mapping[str, NDArray[Any]], n: int, n_steps: int, *reads: int) -> str:
    """Lines of sequences of n tokens, whose steps read so many tokens each; a number that all share is written once."""
    size = len(block["length"])
    parts = {name: block[name] for name in ("length", "n_prompt")}
    parts |= {name: block[name][:, :n] for name in ("tokens", "ids", "mask", "targets", "increments")}
    parts["steps"] = block["steps"][:, :n_steps]
    shown = [f'"{name}":{_form(array.shape[1:])}' for name, array in parts.items()]
    sets = ",".join(_form((read,)) for read in reads[:n_steps])
    own = np.arange(block["sources"].shape[2]) < np.array(reads)[:, None]  # (S, k), those of repeated steps are empty
    cells = np.concatenate([array.reshape(size, -1) for array in parts.values()] + [block["sources"][:, own]], axis=1)
    shared = (cells == cells[0]).all(axis=0)
    first = (str(cell) if same else "%d" for cell, same in zip(cells[0].tolist(), shared.tolist(), strict=True))
    line = f'{{{",".join(shown)},"sources":[{sets}]}}\n' % tuple(first)
    return line * size % tuple(cells[:, ~shared].ravel().tolist())


def _form(shape: Shape) -> str:
    """A list of that shape in JSON, with %s for every number."""
    return f"[{','.join([_form(shape[1:])] * shape[0])}]" if shape else "%s"
