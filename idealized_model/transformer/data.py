"""From tasks to batches: which IDs a sequence carries, and what is predicted from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product
from typing import Any

import numpy as np

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Encoding
from theory.coordinates import Column, Id, beyond, coordinates, joined, minus, n_coordinates
from theory.errors import HUGE, InvalidArgument, check, shown
from theory.positions import ChunkedShift, Ids, PositionScheme, RandomOrdered, RandomShift, renamed
from theory.tasks import Instance, Step, Task
from theory.tasks.base import Tokens
from theory.tasks.drawing import Drawn
from theory.tasks.faults import ASK, HOLDS, sampled
from theory.tasks.wrapped import Wrapped


@dataclass(frozen=True)
class Positions:
    """How positions enter a model: the IDs of a sequence, and the encoding that reads them.

    Attributes
    ----------
    encoding : of the IDs, in the model, where a run says no other; a window sees them beside it, whatever it is.
    coupled : the task's own IDs; otherwise the positions 0, 1, 2, ...
    relabel : "fixed" (counted from 0), "shift" (a random offset), "chunks" (PoSE: two chunks with offsets of their own in
        training, a random offset in tests) or "ordered" (a random sorted subset of the range).
    predicted : the model predicts ID increments, and at test time its IDs are its own predictions (PPC).

    Examples
    --------
    >>> POSITIONS["predicted"].coupled, POSITIONS["predicted"].predicted
    (True, True)
    """

    what: str
    encoding: Encoding
    coupled: bool = False
    relabel: str = "fixed"
    predicted: bool = False

    def scheme(self, n_ids: int, lowest: int, n_values: int, training: bool, shifted: bool = True) -> PositionScheme:
        """The law of the relabelling of `n_values` IDs, the least of which is `lowest`, into 0..n_ids-1.

        Without `shifted` a shifted sequence is counted from the first ID on.
        """
        if self.relabel == "ordered":
            return RandomOrdered(0, n_ids - 1)
        if self.relabel == "chunks" and training:
            return ChunkedShift(0, n_ids - 1, min(2, n_values))
        room = n_ids - n_values if self.relabel != "fixed" and shifted else 0
        return RandomShift(-lowest, room - lowest)


POSITIONS: dict[str, Positions] = {
    "none": Positions("no positions at all", "none"),
    "absolute": Positions("a vector a position", "learned"),
    "sinusoidal": Positions("sines and cosines of the position", "sinusoidal"),
    "rope": Positions("queries and keys rotated by the position", "rope"),
    "alibi": Positions("logits lowered by the distance", "alibi"),
    "random-shift": Positions(
        "a vector a position, counted from a random offset in training", "learned", relabel="shift"
    ),
    "pose": Positions("two chunks, each with a random offset in training", "learned", relabel="chunks"),
    "random-ordered": Positions("a random sorted subset of the IDs", "learned", relabel="ordered"),
    "coupled": Positions("the task's coupled IDs, from a random offset in training", "learned", True, "shift"),
    "coupled-ordered": Positions("the task's coupled IDs, as a random sorted subset", "learned", True, "ordered"),
    "predicted": Positions("coupled IDs that the model predicts itself (PPC)", "learned", True, "shift", True),
}
"""The position schemes of the command line."""


@dataclass(frozen=True)
class Queried(Wrapped):
    """A task whose answer any head may read off (anchor "none"), with a token "?" before the answer to predict it from.

    A transformer predicts from the last token; without a token that only asks, that would be a token of the input. The
    "?" takes the ID of the answer, and the answer the next one.

    Examples
    --------
    >>> from theory.tasks import FullParity
    >>> task = Queried(FullParity())
    >>> print(task.show(task.sample(3, np.random.default_rng(0))))
    token 1  1  1  ?  =1
    ID    0  1  2  3  4
    read              0,1,2
    """

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*self.task.alphabet, "?")

    def rule(self, read: Tokens) -> int:
        if self.task.takes_key:
            got, expected = f"{self.task.name!r}, whose rule takes a key", "a rule of the tokens read alone"
            fix = "The query is another one here, and with it the key: ask the task itself."
            raise InvalidArgument("Queried.rule", "task", got=got, expected=expected, fix=fix)
        return super().rule(read)

    def weight(self, instance: Instance) -> int:
        (*tokens, _, answer), (*ids, last, _), (step,) = instance.tokens, instance.ids, instance.steps
        return self.task.weight(Instance((*tokens, answer), (*ids, last), (Step(step.position - 1, step.sources),)))

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn | None:
        drawn = self.task.sample_many(length, size, rng)
        if drawn is None or drawn.lengths is not None or drawn.tokens.shape[1] != drawn.n_prompt + 1:
            return None  # if this is no task with one answer, `changed` says so
        asked, last = np.full((size, 1), len(self.task.alphabet)), drawn.ids[:, -1:]
        return Drawn(
            tokens=np.concatenate([drawn.tokens[:, :-1], asked, drawn.tokens[:, -1:]], axis=1),
            ids=np.concatenate([drawn.ids, last + 1], axis=1),
            steps=drawn.steps + 1,
            n_prompt=drawn.n_prompt + 1,
            sources=drawn.sources,
        )

    def changed(self, instance: Instance) -> Instance:
        if len(instance.steps) != 1 or instance.given:
            got = f"{self.name!r}, with the anchor 'none' and {len(instance.steps)} steps, {len(instance.given)} given"
            raise InvalidArgument(
                "Queried", "task", got=got, expected=f"{HOLDS}: one answer, that any head may read off", fix=ASK
            )
        (*tokens, answer), (*ids, last), (step,) = instance.tokens, instance.ids, instance.steps
        return Instance(
            (*tokens, len(self.task.alphabet), answer),
            (*ids, last, beyond((last,))),
            (Step(step.position + 1, step.sources),),
        )


def sequence_task(task: Task) -> Task:
    """The task as a transformer sees it: with a token to predict the answer from, where it has none."""
    return task if task.anchor == "last" else Queried(task)


def ids_of(
    instance: Instance, how: Positions, n_ids: int, rng: np.random.Generator, *, training: bool, shifted: bool = True
) -> Ids:
    """The IDs of one sequence.

    Parameters
    ----------
    shifted : IDs that training shifts have a random offset; otherwise they are counted from 0.

    Raises
    ------
    InvalidArgument : when the range of IDs is too small for the sequence.
    """
    drawn = []
    for base in _columns(instance, how):
        values = _values(base, how)
        scheme = how.scheme(room_of(len(values), how, n_ids), values[0], len(values), training, shifted)
        drawn.append(renamed(base, values, scheme.draw_relabelling(rng, values)))
    return joined(drawn)


def every_ids(instance: Instance, how: Positions, n_ids: int, *, training: bool, shifted: bool = True) -> Iterator[Ids]:
    """The IDs that `ids_of` may draw, each once."""
    listed = []
    for base in _columns(instance, how):
        values = _values(base, how)
        scheme = how.scheme(room_of(len(values), how, n_ids), values[0], len(values), training, shifted)
        listed.append([renamed(base, values, new) for new in dict.fromkeys(scheme.relabellings(values))])
    yield from map(joined, product(*listed))


def n_every_ids(instance: Instance, how: Positions, n_ids: int, *, training: bool, shifted: bool = True) -> int:
    """How many IDs `every_ids` goes through at most, up to `HUGE`; known without listing them."""
    number = 1
    for base in _columns(instance, how):
        values = _values(base, how)
        scheme = how.scheme(room_of(len(values), how, n_ids), values[0], len(values), training, shifted)
        number *= scheme.n_relabellings(len(values))
    return min(number, HUGE)


def packed(
    first: Instance, second: Instance, how: Positions, n_ids: int, rng: np.random.Generator
) -> tuple[Instance, Ids]:
    """Two sequences as one, the second behind the first, and its IDs: every ID of one is below every ID of the other.

    Which one has the lower IDs is a fair coin. Shifted IDs: uniform over the places of both in 0..n_ids-1; ordered ones:
    a uniform sorted subset. Both are supervised, and what the first ends with is what the second begins behind.

    Raises
    ------
    InvalidArgument : when the range of IDs is too small for both.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> one, other = Copy(2).solve((0, 2)), Copy(2).solve((1, 1, 2))
    >>> both, ids = packed(one, other, POSITIONS["coupled"], 6, np.random.default_rng(0))
    >>> both.tokens, [step.position for step in both.steps]
    ((0, 2, 0, 1, 1, 2, 1, 1), [2, 6, 7])
    >>> set(ids[:3]).isdisjoint(ids[3:])
    True
    """
    swapped = not rng.integers(2)
    low, high = (_base(one, how)[1] for one in ((second, first) if swapped else (first, second)))
    n_values = len(low) + len(high)
    room = room_of(n_values, how, n_ids)
    if how.relabel == "ordered":
        new = RandomOrdered(0, room - 1).draw_relabelling(rng, tuple(range(n_values)))
    else:  # a uniform pair of cells is a uniform pair of offsets, the second not below the first
        start, end = sorted(rng.choice(room - n_values + 2, size=2, replace=False).tolist())
        new = tuple(rank + (start if rank < len(low) else end - 1) for rank in range(n_values))
    return _joined(first, second, how, new, swapped=swapped)


def every_packed(first: Instance, second: Instance, how: Positions, n_ids: int) -> Iterator[tuple[Instance, Ids]]:
    """What `packed` may draw, each once."""
    for swapped in (False, True):
        low, high = (len(_base(one, how)[1]) for one in ((second, first) if swapped else (first, second)))
        room = room_of(low + high, how, n_ids)
        if how.relabel == "ordered":
            relabellings: Iterable[Ids] = combinations(range(room), low + high)
        else:
            starts = combinations_with_replacement(range(room - low - high + 1), 2)
            relabellings = ((*range(a, a + low), *range(low + b, low + b + high)) for a, b in starts)
        for new in relabellings:
            yield _joined(first, second, how, new, swapped=swapped)


def _joined(first: Instance, second: Instance, how: Positions, new: Ids, *, swapped: bool) -> tuple[Instance, Ids]:
    """Two sequences as one, with the increasing `new` for their IDs; those of the second come first where `swapped`."""
    n, (own, other) = len(first.tokens), (_base(one, how) for one in (first, second))
    cut = len((other if swapped else own)[1])
    parts = (new[cut:], new[:cut]) if swapped else (new[:cut], new[cut:])
    ids = tuple(
        i for (base, values), part in zip((own, other), parts, strict=True) for i in renamed(base, values, part)
    )
    steps = (*first.steps, *(Step(n + position, tuple(n + s for s in read)) for position, read in second.steps))
    given = (*first.given, *range(n, n + second.n_prompt), *(n + position for position in second.given))
    return Instance((*first.tokens, *second.tokens), ids, steps, given), ids


def _columns(instance: Instance, how: Positions) -> tuple[Column, ...]:
    """The IDs before relabelling, a coordinate after the other."""
    return coordinates(instance.ids) if how.coupled else (tuple(range(len(instance.tokens))),)


def _values(base: Column, how: Positions) -> Column:
    """The increasing IDs that are relabelled: with gaps, unless they are reordered."""
    return tuple(sorted(set(base))) if how.relabel == "ordered" else tuple(range(min(base), max(base) + 1))


def _base(instance: Instance, how: Positions) -> tuple[Ids, Ids]:
    """Of a sequence that is packed with another: the IDs before relabelling, and those that are relabelled.

    Raises
    ------
    InvalidArgument : for IDs of several coordinates.
    """
    columns = _columns(instance, how)
    got, expected = f"IDs of {len(columns)} coordinates", "plain IDs, where sequences are packed"
    check(len(columns) == 1, "transformer", "packing", got=got, expected=expected, fix="Leave packing out.")
    return columns[0], _values(columns[0], how)


def room_of(n_values: int, how: Positions, n_ids: int) -> int:
    """How many IDs there are to choose from: those of a table, or at least what is needed.

    Raises
    ------
    InvalidArgument : for a sequence that needs more IDs than a model has vectors for.
    """
    if n_values > n_ids and how.encoding == "learned":
        got, expected = f"{n_ids} IDs for a sequence that needs {n_values}", f"n_ids >= {n_values}"
        fix = f"Raise it with --ids {n_values}, or use shorter sequences."
        raise InvalidArgument("transformer", "n_ids", got=got, expected=expected, fix=fix)
    return max(n_ids, n_values)


def check_increments(unknown: Iterable[Id], increments: Sequence[Id]) -> None:
    """Refuse ID increments that a model cannot predict.

    Raises
    ------
    InvalidArgument
    """
    for increment in unknown:
        got, expected = f"the ID increment {increment}", f"one of {shown(list(increments))}"
        fix = "Predicted IDs need increments from a finite set: shift the IDs, do not reorder them."
        raise InvalidArgument("transformer.batch_of", "increments", got=got, expected=expected, fix=fix)


def batch_of(
    instances: Sequence[Instance], ids: Sequence[Ids], increments: Sequence[Id] = (), dtype: Any = np.float32
) -> Batch:
    """The batch that supervises every step of the instances.

    Parameters
    ----------
    increments : the ID increments that a model can predict; empty for a model that does not.

    Raises
    ------
    InvalidArgument : for an ID increment that is not among them.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> one = Copy().solve((0, 1, 2))
    >>> batch = batch_of([one], [one.ids], increments=[1])
    >>> batch.queries.tolist(), batch.targets.tolist(), batch.increments.tolist()
    ([[2, 3]], [[0, 1]], [[0, 0]])
    """
    n = max(len(instance.tokens) for instance in instances) - 1  # the last token is predicted, never read
    n_steps = max(len(instance.steps) for instance in instances)
    tokens = np.zeros((len(instances), n), dtype=np.int64)
    d = n_coordinates(ids[0])
    all_ids = np.zeros((*tokens.shape, d) if d > 1 else tokens.shape, dtype=np.int64)
    queries, targets, classes = (np.zeros((len(instances), n_steps), dtype=np.int64) for _ in range(3))
    weights = np.zeros((len(instances), n_steps), dtype=dtype)
    class_of = {increment: j for j, increment in enumerate(increments)}
    for row, (instance, own) in enumerate(zip(instances, ids, strict=True)):
        length = min(len(instance.tokens), n)
        tokens[row, :length] = instance.tokens[:length]
        all_ids[row, :length] = own[:length]
        at = [step.position for step in instance.steps]
        queries[row, : len(at)] = [t - 1 for t in at]
        queries[row, len(at) :] = at[-1] - 1
        targets[row, : len(at)] = [instance.tokens[t] for t in at]
        weights[row, : len(at)] = 1
        if class_of:
            found = [minus(own[t], own[t - 1]) for t in at]
            check_increments([increment for increment in found if increment not in class_of], increments)
            classes[row, : len(at)] = [class_of[increment] for increment in found]
    return Batch(tokens, all_ids, queries, targets, weights, classes if class_of else None)


def increments_of(task: Task, length: int, rng: np.random.Generator, *, draws: int = 256) -> tuple[Id, ...]:
    """The ID increments of a task's steps, in order, as far as some random instances show them."""
    found = set()
    for _ in range(draws):
        instance = sampled(task, length, rng, "transformer")
        found |= {minus(instance.ids[t], instance.ids[t - 1]) for t, _ in instance.steps}
    return tuple(sorted(found))
