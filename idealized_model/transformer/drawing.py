"""Training batches as arrays, without an object a sequence: the law of drawing, relabelling and batching one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.data import Positions, check_increments, check_room
from theory.errors import InvalidArgument, shown
from theory.tasks import Task
from theory.tasks.drawing import Drawn, Integers
from theory.tasks.faults import ASK, HOLDS, running


def drawn_batch(
    task: Task,
    length: int,
    size: int,
    how: Positions,
    n_ids: int,
    rng: np.random.Generator,
    *,
    increments: Sequence[int] = (),
) -> Batch | None:
    """A random training batch, by the law of `sampled`, `ids_of` and `batch_of`; None for a task without `draw_many`.

    Raises
    ------
    InvalidArgument : as those, and for arrays that are no instances of the task.

    Examples
    --------
    >>> from idealized_model.transformer.data import POSITIONS
    >>> from theory.tasks import Copy
    >>> batch = drawn_batch(Copy(2), 2, 2, POSITIONS["coupled"], 8, np.random.default_rng(0))
    >>> batch.tokens.tolist(), batch.queries.tolist(), batch.targets.tolist()
    ([[1, 1, 2, 1], [1, 0, 2, 1]], [[2, 3], [2, 3]], [[1, 1], [1, 0]])

    Cost: arrays of size · length entries; with IDs as a random sorted subset of size · n_ids.
    """
    with running(task, "Trainer"):
        drawn = task.sample_many(length, size, rng)
    if drawn is None:
        return None
    _check(drawn, task, size)
    ids = relabelled(drawn, how, n_ids, rng)
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
    base = drawn.ids
    if not how.coupled:
        base = np.minimum(np.arange(base.shape[1]), drawn.own[:, None] - 1)
    if how.encoding == "none":
        return base  # which nothing reads
    ranks = _ranks(base) if how.relabel == "ordered" else base - base.min(axis=1, keepdims=True)
    n_values = ranks.max(axis=1) + 1
    ids = np.empty_like(ranks)
    for number in np.unique(n_values).tolist():
        rows = n_values == number
        check_room(number, how, n_ids)
        scheme = how.scheme(max(n_ids, number), 0, number, True)
        new = scheme.draw_relabellings(rng, tuple(range(number)), int(rows.sum()))
        ids[rows] = np.take_along_axis(new, ranks[rows], axis=1)
    return ids


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
