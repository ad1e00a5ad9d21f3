"""Many random instances at once, as arrays: the law of `Task.draw`, without an object for each of them.

A task whose IDs and steps are the same at every prompt of a length needs one line, `draw_many = by_rule`: one instance is
solved, and its steps are taken on whole columns of tokens by the task's own `rule`, which has to be arithmetic then
(`2 + (state - 2 ^ bit)` serves numbers and arrays alike; `if` does not).

>>> from theory.tasks import ScratchpadParity
>>> drawn = ScratchpadParity().sample_many(3, 2, np.random.default_rng(0))
>>> drawn.tokens.tolist(), drawn.steps.tolist()
([[1, 1, 1, 2, 3, 2, 3], [0, 0, 0, 2, 2, 2, 2]], [[4, 5, 6], [4, 5, 6]])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.coordinates import Id
from theory.errors import check, check_integer
from theory.tasks.instance import Instance, Step, Tokens

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Random instances of one length, a row each.

    Parameters
    ----------
    tokens, ids : (size, n), as in `Instance`; IDs of d coordinates (size, n, d).
    steps : (size, S), the positions of the steps, increasing in each row; a row with fewer steps repeats its last.
    n_prompt : how many tokens a prompt has.
    lengths : (size,), how many tokens are a row's own, where some rows are shorter; they repeat their last ID.
    sources : (size, S, k), what each step reads, in the order of the rule, and -1 behind it; None: not said.

    Raises
    ------
    InvalidArgument : for arrays of other shapes or types, for steps or lengths outside of a row, and for sources that are
        not before their step.

    Examples
    --------
    >>> steps, sources = np.array([[2]]), np.array([[[0]]])
    >>> drawn = Drawn(np.array([[0, 2, 0]]), np.array([[1, 0, 1]]), steps, n_prompt=2, sources=sources)
    >>> drawn.scored.tolist(), drawn.own.tolist()
    ([[True]], [3])
    """

    tokens: Integers
    ids: Integers
    steps: Integers
    n_prompt: int
    lengths: Integers | None = None
    sources: Integers | None = None

    def __post_init__(self) -> None:
        self._check("tokens", 2, "one row an instance")
        size, n = self.tokens.shape
        n_axes = 3 if isinstance(self.ids, np.ndarray) and self.ids.ndim == 3 else 2
        self._check("ids", n_axes, f"the shape {size, n} of the tokens", size, n)
        self._check("steps", 2, f"at least one step for each of {size} rows", size)
        check_integer(self.n_prompt, "Drawn", "n_prompt", least=1, most=n - 1)
        if self.lengths is not None:
            self._check("lengths", 1, f"one for each of {size} rows", size)
            inside, expected = ((self.n_prompt < self.lengths) & (self.lengths <= n)).all(), f"{self.n_prompt + 1}..{n}"
            check(inside, "Drawn", "lengths", self.lengths, expected=expected, fix="Count the tokens of each row.")
        follow = (np.diff(self.steps, axis=1) >= 0).all() and (self.steps[:, 0] >= self.n_prompt).all()
        expected, fix = "positions after the prompt, in order, within their row", "Fill a row with its last step."
        within = follow and (self.steps[:, -1] < self.own).all()
        check(within, "Drawn", "steps", self.steps, expected=expected, fix=fix)
        if self.sources is not None:
            shape = size, self.steps.shape[1]
            self._check("sources", 3, f"those of each of {shape[1]} steps of {size} rows", *shape)
            one = slice(None) if self.sources.strides[0] or self.steps.strides[0] else slice(1)  # all rows are this one
            sources, bound = self.sources[one], self.steps[one, :, None]
            earlier = ((sources >= -1) & (sources < bound)).all() and (
                np.diff(sources < 0, axis=2) <= (sources[:, :, 1:] < 0)
            ).all()
            expected, fix = "positions before the step, then -1", "A prediction reads tokens before it only."
            check(earlier, "Drawn", "sources", self.sources, expected=expected, fix=fix)

    def _check(self, name: str, n_axes: int, expected: str, *shape: int) -> None:
        array, fix = getattr(self, name), "Use np.array with one row an instance, and dtype=np.int64."
        right = isinstance(array, np.ndarray) and array.dtype.kind == "i" and array.ndim == n_axes and array.size > 0
        check(
            right and array.shape[: len(shape)] == shape,
            "Drawn", name, array, expected=f"an array of integers, {expected}", fix=fix,
        )  # fmt: skip

    @property
    def own(self) -> Integers:
        """(size,), how many tokens are a row's own."""
        return np.full(len(self.tokens), self.tokens.shape[1]) if self.lengths is None else self.lengths

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(size, S), which steps are a row's own: those that do not repeat the one before."""
        return np.diff(self.steps, axis=1, prepend=-1) > 0


class Ruled(Protocol):
    """What a task has for its instances to be drawn by its rule."""

    def choices(self, length: int) -> Sequence[Sequence[int]]: ...
    def solve(self, prompt: Tokens) -> Instance: ...
    def rule(self, read: Tokens, *args: Any, **kwargs: Any) -> int: ...


def by_rule(task: Ruled, length: int, size: int, rng: np.random.Generator) -> Drawn:
    """Prompts by `choices`, IDs and steps by `solve`, tokens by `rule`: for a task with the same IDs at every prompt.

    Cost: a call of `rule` for every run of steps that read nothing which an earlier step of the run makes.
    """
    prompts = prompts_of(task, length, size, rng)
    form = task.solve(tuple(prompts[0].tolist()))
    tokens = np.tile(np.array(form.tokens), (size, 1))
    tokens[:, : form.n_prompt] = prompts
    for run in _runs(form.steps):
        columns: Any = tuple(tokens[:, list(sources)] for sources in zip(*(step.sources for step in run), strict=True))
        tokens[:, [step.position for step in run]] = task.rule(columns)
    return Drawn(
        tokens=tokens,
        ids=alike(form.ids, size),
        steps=alike([step.position for step in form.steps], size),
        n_prompt=form.n_prompt,
        sources=alike(padded([step.sources for step in form.steps]), size),
    )


def prompts_of(task: Ruled, length: int, size: int, rng: np.random.Generator) -> Integers:
    """Random prompts by the task's `choices`, a row each."""
    choices = task.choices(length)
    which = rng.integers(0, [len(options) for options in choices], size=(size, len(choices)))
    return np.stack([np.array(options)[column] for options, column in zip(choices, which.T, strict=True)], axis=1)


def alike(row: Sequence[Id] | Integers, size: int) -> Integers:
    """`size` equal rows, in the memory of one."""
    array = np.array(row)
    return np.broadcast_to(array, (size, *array.shape))


def padded(sets: Sequence[Tokens], width: int = 1) -> Integers:
    """Sets of positions as rows, with -1 behind them; of `width` entries, or as many as the largest set has."""
    width = max(width, *map(len, sets))
    return np.array([(*positions, *(-1,) * (width - len(positions))) for positions in sets])


def _runs(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps in runs: those of a run read equally many tokens, all of them before the first step of the run."""
    run: list[Step] = []
    for step in steps:
        if run and (len(step.sources) != len(run[0].sources) or max(step.sources, default=-1) >= run[0].position):
            yield run
            run = []
        run.append(step)
    yield run
