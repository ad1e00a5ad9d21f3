"""A reference sequence of a task: its tokens, their IDs, and what every predicted token reads.

>>> instance = Instance(tokens=(0, 1, 2, 0, 1), ids=(1, 2, 0, 1, 2), steps=(Step(3, (0,)), Step(4, (1,))))
>>> instance.n_prompt, instance.mask, [instance.read(step) for step in instance.steps]
(3, (False, False, False, True, True), [(0,), (1,)])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from theory.coordinates import Ids, check_ids, minus, written
from theory.errors import InvalidArgument, check, check_tuple, is_tuple, shown
from theory.examples import Example

Tokens: TypeAlias = tuple[int, ...]


class Step(NamedTuple):
    """One prediction: the token at `position` is a function of the tokens at `sources`, all of them earlier.

    `sources` is the dependency set of the step, in the order in which the task's `rule` reads it.

    Examples
    --------
    >>> Step(position=3, sources=(0,))
    Step(position=3, sources=(0,))
    """

    position: int
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Instance:
    """A reference sequence of a task.

    Parameters
    ----------
    tokens : the prompt and the reference output.
    ids : one position ID a token: the task's coupling, before any shift or relabelling. An ID is an int, or a tuple of
        two ints or more, for instance (row, column).
    steps : the scored predictions, by increasing position; together with `given` they cover the output.
    given : output positions that are supplied rather than predicted, such as separators.
    parts : what each position holds ("a", "+", "sum", ...), for tables, drawings and coupling rules; optional.

    Raises
    ------
    InvalidArgument : when IDs or parts are not one a token, a step reads a position that is not before it, or steps and
        given positions do not follow the prompt without a gap or an overlap.

    Examples
    --------
    >>> Instance((0, 2, 0), (1, 0, 1), (Step(2, (0,)),)).n_prompt
    2
    """

    tokens: Tokens
    ids: Ids
    steps: tuple[Step, ...]
    given: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = "Instance"
        for name in ("tokens", "ids", "given"):
            (check_ids if name == "ids" else check_tuple)(getattr(self, name), where, name)
        for name in ("ids", "parts") if self.parts else ("ids",):
            if len(getattr(self, name)) != len(self.tokens):
                got = f"{len(getattr(self, name))} {name} for {len(self.tokens)} tokens"
                fix = "Give every position its own, prompt and output."
                raise InvalidArgument(where, name, got=got, expected="one a token", fix=fix)
        steps = isinstance(self.steps, tuple) and set(map(type, self.steps)) <= {Step}
        check(steps, where, "steps", self.steps, expected="a tuple of Steps", fix="Write (Step(2, (0, 1)), ...).")
        scored = [position for position, _ in self.steps]
        n_prompt = len(self.tokens) - len(scored) - len(self.given)
        output = range(n_prompt, len(self.tokens))
        if not scored or n_prompt < 1 or sorted([*scored, *self.given]) != [*output] or scored != sorted(scored):
            got = f"steps at {shown(scored)} and given {shown(self.given)} in {len(self.tokens)} tokens"
            expected = "every position after the prompt once, the steps in order, and at least one of them"
            fix = "List each output position in `steps`, or in `given` when it is not predicted."
            raise InvalidArgument(where, "steps", got=got, expected=expected, fix=fix)
        for position, sources in self.steps:
            earlier = is_tuple(sources) and (not sources or 0 <= min(sources) <= max(sources) < position)
            if not earlier or len({*sources}) < len(sources):
                got = f"the sources {shown(sources)} of the step at position {position}"
                expected = f"a tuple of distinct earlier positions, 0..{position - 1}"
                fix = "A prediction reads tokens before it only, each listed once."
                raise InvalidArgument(where, "steps", got=got, expected=expected, fix=fix)

    @property
    def n_prompt(self) -> int:
        """How many tokens are given before the output starts."""
        return len(self.tokens) - len(self.steps) - len(self.given)

    @property
    def mask(self) -> tuple[bool, ...]:
        """Which tokens are scored: those that a step predicts."""
        scored = {step.position for step in self.steps}
        return tuple(i in scored for i in range(len(self.tokens)))

    def read(self, step: Step) -> Tokens:
        """The tokens that a step reads, in the order of its sources."""
        return tuple(self.tokens[source] for source in step.sources)

    def key(self, step: Step) -> Ids:
        """The IDs of what a step reads less that of its query, the token before the predicted one, in the same order.

        It is what a head with the relative key sees of the positions of the sources; a shift of all IDs keeps it.

        Examples
        --------
        >>> Instance(tokens=(7, 8, 7), ids=(4, 5, 4), steps=(Step(2, (0,)),)).key(Step(2, (0,)))
        (-1,)
        >>> Instance(tokens=(7, 8, 7), ids=((4, 0), (5, 0), (4, 1)), steps=(Step(2, (0,)),)).key(Step(2, (0,)))
        ((-1, 0),)
        """
        query = self.ids[step.position - 1]
        return tuple(minus(self.ids[source], query) for source in step.sources)


def step_examples(instance: Instance, ids: Ids, *, increments: bool = False) -> Iterator[Example]:
    """Every step of an instance under given IDs: the prefix, and the next token (with the ID increment) as the label.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> instance = Copy(2).solve((0, 1, 2))
    >>> [(example.tokens, example.ids, example.label) for example in step_examples(instance, instance.ids)]
    [((0, 1, 2), (0, 1, -1), 0), ((0, 1, 2, 0), (0, 1, -1, 0), 1)]
    """
    tokens = instance.tokens
    for step in instance.steps:
        t = step.position
        label = (tokens[t], minus(ids[t], ids[t - 1])) if increments else tokens[t]
        yield Example(tokens[:t], ids[:t], label)


# ── As a table ───────────────────────────────────────────────────────────────────────────────────────────────────────


Column: TypeAlias = tuple[str, str, str]
"""Of a table of an instance: a token, its ID, and what is read there."""


def shown_as_table(instance: Instance, alphabet: Sequence[str], *, step: Step | None, width: int | None) -> str:
    """What `Task.show` prints."""
    sources = {step.position: ",".join(map(str, step.sources)) for step in instance.steps}
    columns = [
        (alphabet[token], written(instance.ids[i]), sources.get(i, "")) for i, token in enumerate(instance.tokens)
    ]
    table = [("token", "ID", "read"), *columns]
    if width is not None and _width(table) > width:
        columns = [(token, id_, _cut(read)) for token, id_, read in columns]
        first = (step.position, step.position - 1, *step.sources) if step else ()
        table = _fitting(table[0], columns, [*dict.fromkeys((*first, *range(len(columns))))], width)
    widths = [max(2 if j else 5, *map(len, column)) for j, column in enumerate(table)]
    rows = zip(*table, strict=True)
    return "\n".join(" ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _width(table: Sequence[Column]) -> int:
    """The columns of text of a table."""
    return sum(1 + max(2, *map(len, column)) for column in table) - 1


def _cut(read: str) -> str:
    """The positions that a step reads; of many the first two and the last."""
    positions = read.split(",")
    return read if len(read) <= 20 else ",".join((*positions[:2], "...", positions[-1]))


def _fitting(head: Column, columns: list[Column], wanted: Sequence[int], width: int) -> list[Column]:
    """The columns that fit into a width, in the order in which they are wanted; dots for those between."""

    def table(kept: set[int]) -> list[Column]:
        made, after = [head], 0
        for i in sorted(kept):
            made += [("...",) * 3] * (i > after) + [columns[i]]
            after = i + 1
        return made + [("...",) * 3] * (after < len(columns))

    kept: set[int] = set()
    for i in wanted:
        if _width(table(kept | {i})) <= width:
            kept.add(i)
    return table(kept)
