"""Training batches as arrays, without an object a sequence: the law of drawing, relabelling and batching one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.data import Positions, check_increments, room_of
from theory.errors import InvalidArgument, shown
from theory.exact import subsets
from theory.tasks import Task
from theory.tasks.drawing import Drawn, Integers
from theory.tasks.faults import ASK, HOLDS, running


def drawn_alone(
    task: Task, length: int, size: int, how: Positions, n_ids: int, rng: np.random.Generator
) -> tuple[Drawn, Integers] | None:
    """Random training sequences and their IDs, by the law of `sampled` and `ids_of`; None for a task without `draw_many`.

    Raises
    ------
    InvalidArgument : as those, and for arrays that are no instances of the task.

    Examples
    --------
    >>> from idealized_model.transformer.data import POSITIONS
    >>> from theory.tasks import Copy
    >>> drawn, ids = drawn_alone(Copy(2), 2, 2, POSITIONS["coupled"], 8, np.random.default_rng(0))
    >>> batch = supervised(drawn, ids)
    >>> batch.tokens.tolist(), batch.queries.tolist(), batch.targets.tolist()
    ([[1, 1, 2, 1], [1, 0, 2, 1]], [[2, 3], [2, 3]], [[1, 1], [1, 0]])

    Cost: arrays of size · length entries; with IDs as a random sorted subset of size · n_ids.
    """
    with running(task, "Trainer"):
        drawn = task.sample_many(length, size, rng)
    if drawn is None:
        return None
    _check(drawn, task, size)
    if _has_vectors(drawn, how):
        return None
    return drawn, relabelled(drawn, how, n_ids, rng)


def drawn_packed(
    task: Task, lengths: tuple[int, int], size: int, how: Positions, n_ids: int, rng: np.random.Generator
) -> tuple[Drawn, Integers] | None:
    """Random sequences behind earlier ones and their IDs, by the law of `packed`; None as for `drawn_alone`, and where the
    earlier ones differ in length.

    Parameters
    ----------
    lengths : of the earlier sequences, and of those behind them.

    Raises
    ------
    InvalidArgument : as for `drawn_alone`.
    """
    with running(task, "Trainer"):
        first = task.sample_many(lengths[0], size, rng)
        second = None if first is None else task.sample_many(lengths[1], size, rng)
    if first is None or second is None:
        return None
    for drawn in (first, second):
        _check(drawn, task, size)
    if first.lengths is not None or _has_vectors(first, how):
        return None
    n = first.tokens.shape[1]
    ranks = [_ranked(drawn, how) for drawn in (first, second)]
    swapped = rng.integers(2, size=size).astype(bool)
    cuts = np.stack([own.max(axis=1) + 1 for own in ranks], axis=1)  # the numbers of values
    cuts[swapped] = cuts[swapped][:, ::-1]
    ids = np.concatenate([np.where(swapped, cuts[:, 0], 0)[:, None] + ranks[0],
                          np.where(swapped, 0, cuts[:, 0])[:, None] + ranks[1]], axis=1)  # fmt: skip
    for low, high in np.unique(cuts, axis=0).tolist():
        rows = np.flatnonzero((cuts == (low, high)).all(axis=1))
        room = room_of(low + high, how, n_ids)
        if how.relabel == "ordered":
            new = subsets(rng, room, low + high, len(rows))
        else:  # a pair of cells is a pair of offsets, the second not below the first
            offsets = subsets(rng, room - low - high + 2, 2, len(rows)) - np.arange(2)
            new = np.arange(low + high) + np.repeat(offsets, (low, high), axis=1)
        ids[rows] = np.take_along_axis(new, ids[rows], axis=1)
    steps = np.concatenate([first.steps, n + second.steps], axis=1)
    both = Drawn(
        tokens=np.concatenate([first.tokens, second.tokens], axis=1),
        ids=ids,
        steps=steps,
        n_prompt=first.n_prompt,
        lengths=None if second.lengths is None else n + second.lengths,
        sources=_behind(first.sources, second.sources, n),
    )
    return both, ids


def _has_vectors(drawn: Drawn, how: Positions) -> bool:
    """Whether the IDs that a model is given have several coordinates, which are relabelled one sequence at a time."""
    return how.coupled and drawn.ids.ndim == 3


def _behind(first: Integers | None, second: Integers | None, n: int) -> Integers | None:
    """The sources of sequences of n tokens, then those of the sequences behind them."""
    if first is None or second is None:
        return None
    width = max(first.shape[2], second.shape[2])
    moved = np.where(second < 0, -1, n + second)
    fill = (
        np.pad(sources, ((0, 0), (0, 0), (0, width - sources.shape[2])), constant_values=-1)
        for sources in (first, moved)
    )
    return np.concatenate([*fill], axis=1)


def supervised(drawn: Drawn, ids: Integers, increments: Sequence[int] = ()) -> Batch:
    """The batch that supervises every step of drawn sequences with these IDs, by the law of `batch_of`.

    Parameters
    ----------
    increments : the ID increments that a model can predict; empty for a model that does not.

    Raises
    ------
    InvalidArgument : for an ID increment that is not among them.
    """
    queries, scored = drawn.steps - 1, drawn.scored
    classes = None
    if increments:
        grown = np.take_along_axis(ids, drawn.steps, axis=1) - np.take_along_axis(ids, queries, axis=1)
        known = grown[..., None] == np.array(increments)  # (size, S, increments)
        check_increments(grown[~known.any(axis=2)].tolist(), increments)
        classes = known.argmax(axis=2)
    targets = np.take_along_axis(drawn.tokens, drawn.steps, axis=1)
    # The last token is predicted, never read.
    return Batch(drawn.tokens[:, :-1], ids[:, :-1], queries, targets, scored.astype(np.float32), classes)


def relabelled(drawn: Drawn, how: Positions, n_ids: int, rng: np.random.Generator) -> Integers:
    """The IDs of training sequences, (size, n), by the law of `ids_of`.

    Raises
    ------
    InvalidArgument : when the range of IDs is too small for a sequence.
    """
    ranks = _ranked(drawn, how)
    n_values = ranks.max(axis=1) + 1
    ids = np.empty_like(ranks)
    for number in np.unique(n_values).tolist():
        rows = n_values == number
        scheme = how.scheme(room_of(number, how, n_ids), 0, number, True)
        new = scheme.draw_relabellings(rng, tuple(range(number)), int(rows.sum()))
        ids[rows] = np.take_along_axis(new, ranks[rows], axis=1)
    return ids


def _ranked(drawn: Drawn, how: Positions) -> Integers:
    """For every token which of the values that are relabelled its ID is, as in `data`: with gaps, unless reordered."""
    base = drawn.ids if how.coupled else np.minimum(np.arange(drawn.ids.shape[1]), drawn.own[:, None] - 1)
    return _ranks(base) if how.relabel == "ordered" else base - base.min(axis=1, keepdims=True)


def _ranks(ids: Integers) -> Integers:
    """The place of each ID among the distinct ones of its row."""
    order = np.argsort(ids, axis=1)
    new = np.diff(np.take_along_axis(ids, order, axis=1), axis=1, prepend=ids.min(axis=1, keepdims=True)) > 0
    ranks = np.empty_like(ids)
    np.put_along_axis(ranks, order, np.cumsum(new, axis=1), axis=1)
    return ranks


def _check(drawn: object, task: Task, size: int) -> None:
    if not isinstance(drawn, Drawn):
        wrong = f"the draw_many of which makes the {type(drawn).__name__} {shown(drawn)}"
    elif len(drawn.tokens) != size:
        wrong = f"the draw_many of which makes {len(drawn.tokens)} rows for a size of {size}"
    elif not 0 <= drawn.tokens.min() <= drawn.tokens.max() < len(task.alphabet):
        wrong = f"with tokens {drawn.tokens.min()}..{drawn.tokens.max()} and an alphabet of {len(task.alphabet)}"
    else:
        return
    raise InvalidArgument("Trainer", "task", got=f"{task.name!r}, {wrong}", expected=HOLDS, fix=ASK)
