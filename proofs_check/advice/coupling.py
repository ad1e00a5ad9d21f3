"""Position IDs for a task: where its sets lie within a window of positions, and couplings where they do not.

>>> from theory.tasks import Copy, PointerChasing
>>> found = coupling_of(Copy(2))
>>> found.kind, found.convention, found.spread, found.lower_bound
('coupled', 'token', 0, 0)
>>> print(found.shown())
token b  b  a  >  b  b  a
ID    1  2  3  0  1  2  3
read              0  1  2
>>> coupling_of(PointerChasing()).kind
'predicted'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise, product
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from theory.coordinates import n_coordinates
from theory.dependencies import Convention, PlaneRule, lower_bound, synthesize_rule
from theory.dependencies.sets import dependency_sets, widest
from theory.errors import AssumptionViolated, BudgetExceeded, InvalidArgument
from theory.positions import Ids
from theory.tasks import Instance, Task
from theory.tasks.faults import checked, running
from theory.tasks.wrapped import Wrapped

IdKind: TypeAlias = Literal["positions", "coupled", "predicted", "none"]

LENGTHS = 10
"""At so many lengths from the least on the spreads are measured; they count as bounded where the last half agree."""

LISTED, DRAWN = 64, 24
"""Instances of a length: all of them, where they are at most so many, or so many drawn."""

PLANES, CAPS = 3, (2, 3)
"""From so many lengths rules of two coordinates are made, with at most so many tokens an ID."""

LARGEST = 64
"""Tokens of an instance whose sets are bounded from below."""

Assign: TypeAlias = Callable[[Instance], Ids | None]
"""One ID a position; None where the sets of the instance allow none of the kind."""


@dataclass(frozen=True)
class Coupling:
    """Position IDs that were found for a task.

    Attributes
    ----------
    kind : "positions" (the sets lie within a window of positions), "coupled" (IDs fixed by the length bring them
        together), "predicted" (IDs depend on the input, and increments that are a function of what is read predict
        them), or "none".
    task : the task with these IDs.
    convention : what shares IDs: "token", a predicted token and what it reads; "query", the token that a prediction is
        made from and what it reads; None for positions and for none.
    spread : the largest spread of a set, by the convention (of "positions": with the query), at the longest lengths.
    lower_bound : a spread that no IDs have less of with as many tokens an ID, at the lengths where that was proved; None
        where nothing was.
    lengths : those at which the spread was measured.
    spreads : the spread at each of them.
    exhaustive : whether all instances of these lengths were seen.
    increments : of "predicted", by reading.
    why : in words.
    """

    kind: IdKind
    task: Task
    convention: Convention | None
    spread: int
    lower_bound: int | None
    lengths: tuple[int, ...]
    spreads: tuple[int, ...]
    exhaustive: bool
    why: str
    increments: dict[tuple[int, ...], int] = field(default_factory=dict, hash=False)

    @property
    def coordinates(self) -> int:
        """How many numbers an ID has."""
        return n_coordinates(self.example().ids)

    def example(self) -> Instance:
        """An instance with the IDs, neither the shortest nor long: of some that are drawn, one with many different tokens."""
        length = self.lengths[min(2, len(self.lengths) - 1)]
        rng = np.random.default_rng(0)
        with running(self.task, "advise"):
            some = [checked(self.task.sample(length, rng), self.task, "advise") for _ in range(DRAWN)]
        return max(some, key=lambda instance: (len(set(instance.tokens)), instance.tokens))

    def shown(self) -> str:
        """The table of an instance, with its IDs."""
        return self.task.show(self.example(), width=120)


@dataclass(frozen=True)
class Assigned(Wrapped):
    """A task with other IDs: those that `assign` makes of an instance, and the increments that predict them.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> Assigned(Copy(2), by_steps).solve((0, 1, 2)).ids
    (1, 2, 0, 1, 2)
    """

    assign: Assign
    increments: dict[tuple[int, ...], int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "anchor", self.task.anchor)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return self.task.choices(length)

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        return self.changed(self.task.solve(prompt))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.changed(self.task.draw(length, rng))

    def increment(self, read: tuple[int, ...]) -> int | None:
        """That of the reading; of one that was not seen, the least."""
        return self.increments.get(read, min(self.increments.values())) if self.increments else None

    def changed(self, instance: Instance) -> Instance:
        ids = self.assign(instance)
        if ids is None:
            got = f"an instance of {self.name!r} whose sets have no IDs of this kind"
            fix = "Ask for advice at the lengths where this occurs."
            raise InvalidArgument("advise", "source", got=got, expected="sets as at the lengths measured", fix=fix)
        return Instance(instance.tokens, ids, instance.steps, instance.given, instance.parts)


class _Measured(NamedTuple):
    """The spread of the sets at every length, and what was proved of it."""

    spreads: tuple[int, ...]
    ids: tuple[tuple[Ids, ...], ...]

    @property
    def bounded(self) -> bool:
        """Whether the last half of the lengths agree."""
        return len(set(self.spreads[-max(3, len(self.spreads) // 2) :])) == 1


def coupling_of(task: Task, *, lengths: Sequence[int] | None = None) -> Coupling:
    """Position IDs under which every set of a task is narrow, the simplest kind first.

    Positions, where a window of them holds every set with its query. Else IDs by steps: the token that the t-th step
    predicts ("token"), or that it predicts from ("query"), has the ID t, and a token of the prompt that of the first, or
    the last step that reads it. Where these depend on the tokens, IDs that are predicted: those of the prompt are its
    positions, and each query has that of what the step reads.

    Parameters
    ----------
    lengths : at which spreads are measured; default: the `LENGTHS` least ones.

    Raises
    ------
    InvalidArgument : for what the task does wrong.

    Cost: instances · edges, and the lower bounds. Source: section 4 of docs/theory.md; the IDs by steps are this
    project's.
    """
    at = tuple(lengths or lengths_of(task))
    seen = {length: _instances(task, length) for length in at}
    exhaustive = all(all_of for _, all_of in seen.values())
    given = [instances for instances, _ in seen.values()]

    def found(
        kind: IdKind,
        own: Task,
        convention: Convention | None,
        measured: _Measured,
        why: str,
        increments: dict[tuple[int, ...], int] | None = None,
    ) -> Coupling:
        bound = None if kind == "positions" else _bound(given, measured, convention)
        spreads = measured.spreads
        return Coupling(kind, own, convention, spreads[-1], bound, at, spreads, exhaustive, why, increments or {})

    plain = _measured(given, positions, "query")
    assert plain is not None
    if task.sparsity is None:
        why = "the sets grow with the length, and no IDs bring ever more tokens together"
        return found("none", task, None, _own(given), why)
    if plain.bounded:
        why = f"a window of {plain.spreads[-1]} positions holds every set with its query"
        return found("positions", Assigned(task, positions), None, plain, why)
    if not task.takes_key and task.anchor == "last":
        for convention in ("token", "query"):
            for assign in BY_STEPS[convention]:
                measured = _measured(given, assign, convention)
                if measured is not None and measured.bounded and _fixed(measured):
                    why = f"the t-th step has the ID t, and so has what it reads ({convention}-coupled)"
                    return found("coupled", Assigned(task, assign), convention, measured, why)
        if (predicted := _predicted(task, given)) is not None:
            assign, increments = predicted
            measured = _measured(given, assign, "query")
            if measured is not None and measured.bounded:
                own = Assigned(task, assign, increments)
                why = "where to read next follows from what is read: each step predicts by how much its ID grows"
                return found("predicted", own, "query", measured, why, increments)
        if (block := _by_blocks(given)) is not None:
            assign, measured = block
            mark = task.alphabet[assign.mark]
            why = (
                f"IDs count the marks {mark!r} before a token, and what is predicted has the ID of what its step reads"
            )
            return found("predicted", Located(task, assign), "query", measured, why)
    own_ids = _own(given)
    if own_ids.bounded:
        why = "the task's own IDs bring its sets together; they are not of the kinds that are looked for"
        increment = any(
            task.predict_increment(i.read(s), i.key(s)) is not None for g in given for i in g for s in i.steps
        )
        return found("predicted" if increment else "coupled", task, "query", own_ids, why)
    if (plane := _plane(given)) is not None:
        rule, measured = plane
        side = "a part is one row" if rule.side.part is None else f"a row has m = {rule.side} tokens"
        why = f"every token has two IDs, its row and its column ({side}): {'; '.join(str(rule).split(chr(10))[1:])}"
        return found("coupled", Assigned(task, rule), "query", measured, why)
    why = "no IDs of the kinds that are looked for keep the sets narrow: their spread grows with the length"
    return found("none", task, None, own_ids, why)


def query_coupled(found: Coupling) -> Coupling | None:
    """The same coupling in the convention "query", where that is as narrow; None for other kinds."""
    if found.kind != "coupled" or found.convention != "token" or not isinstance(found.task, Assigned):
        return None
    task = found.task.task
    given = [_instances(task, length)[0] for length in found.lengths]
    for assign in BY_STEPS["query"]:
        measured = _measured(given, assign, "query")
        if measured is not None and measured.bounded and _fixed(measured):
            why = "the token that a step predicts from has the ID of what it reads (query-coupled)"
            bound = _bound(given, measured, "query")
            return Coupling(
                "coupled", Assigned(task, assign), "query", measured.spreads[-1], bound, found.lengths,
                measured.spreads, found.exhaustive, why,
            )  # fmt: skip
    return None


def lengths_of(task: Task, number: int = LENGTHS) -> tuple[int, ...]:
    """The least lengths that have instances, with at most `LARGEST` tokens from the fourth on."""
    found: list[int] = []
    for length in range(task.min_length, task.min_length + 2 * number):
        with running(task, "advise"):
            if task.n_instances(length) == 0:
                continue
        if len(found) >= 4 and len(_some(task, length).tokens) > LARGEST:
            break
        found.append(length)
        if len(found) == number:
            break
    if not found:
        fix = "Check n_instances and min_length."
        raise InvalidArgument(
            "advise", "source", got=f"{task.name!r}, without instances", expected="instances", fix=fix
        )
    return tuple(found)


# ── IDs of an instance ───────────────────────────────────────────────────────────────────────────────────────────────


def positions(instance: Instance) -> Ids:
    """0, 1, 2, ..."""
    return tuple(range(len(instance.tokens)))


def by_steps(instance: Instance, *, last: bool = False, query: bool = False) -> Ids:
    """The t-th output token, t = 1, 2, ..., has the ID t, and a prompt token that of the first (or last) step that reads it.

    What is not read has the ID 0, and so has the last token of the prompt, which the first step predicts from. With
    `query` the token before each predicted one has its ID, and the last token the next one.

    Examples
    --------
    >>> from theory.tasks import Reverse
    >>> instance = Reverse(2).solve((0, 1, 1, 2))
    >>> by_steps(instance), by_steps(instance, query=True)
    ((3, 2, 1, 0, 1, 2, 3), (3, 2, 1, 1, 2, 3, 4))
    """
    n = instance.n_prompt
    read: dict[int, int] = {}
    for position, sources in instance.steps:
        for source in sources:
            if source < n - 1:
                read[source] = position - n + 1 if last else min(position - n + 1, read.get(source, position))
    output = range(query, len(instance.tokens) - n + 1 + query)
    return (*(read.get(i, 0) for i in range(n - 1)), *output)


def _by_last_steps(instance: Instance) -> Ids:
    return by_steps(instance, last=True)


def _by_queries(instance: Instance) -> Ids:
    return by_steps(instance, query=True)


def _by_last_queries(instance: Instance) -> Ids:
    return by_steps(instance, last=True, query=True)


BY_STEPS: dict[Convention, tuple[Assign, ...]] = {
    "token": (by_steps, _by_last_steps),
    "query": (_by_queries, _by_last_queries),
}
"""The IDs by steps of each convention, in the order in which they are tried."""


@dataclass(frozen=True)
class Following:
    """IDs that are predicted: those of the prompt are positions, and each query has that of what is read in a slot."""

    slot: int
    increments: dict[tuple[int, ...], int] = field(default_factory=dict, hash=False)

    def __call__(self, instance: Instance) -> Ids | None:
        n, queries = instance.n_prompt, list[int]()
        if instance.given:
            return None
        for _, sources in instance.steps:
            if len(sources) <= self.slot or sources[self.slot] >= n - 1:
                return None
            queries.append(sources[self.slot])
        grown = self.increments.get(instance.read(instance.steps[-1]), min(self.increments.values(), default=1))
        return (*range(n - 1), *queries, queries[-1] + grown)


def _predicted(task: Task, given: Sequence[Sequence[Instance]]) -> tuple[Following, dict[tuple[int, ...], int]] | None:
    """IDs that are predicted, and their increments by reading; None where what is read does not decide them."""
    slots = min((len(step.sources) for each in given for instance in each for step in instance.steps), default=0)
    for slot in range(slots):
        increments = _increments(slot, given)
        if increments is not None:
            return Following(slot, increments), increments
    return None


def _increments(slot: int, given: Sequence[Sequence[Instance]]) -> dict[tuple[int, ...], int] | None:
    table: dict[tuple[int, ...], int] = {}
    starts = set()
    for instance in (instance for each in given for instance in each):
        if (ids := Following(slot)(instance)) is None:
            return None
        starts.add(ids[instance.n_prompt - 1])
        for step, later in pairwise(instance.steps):
            grown = ids[later.position - 1] - ids[step.position - 1]
            if table.setdefault(instance.read(step), grown) != grown:
                return None
    return table if table and len(starts) == 1 else None


@dataclass(frozen=True)
class Blocks:
    """IDs that are predicted: a token of the prompt has the number of its block, which a mark ends; a predicted one that of
    what its step reads in a slot."""

    mark: int
    slot: int

    def __call__(self, instance: Instance) -> Ids | None:
        n = instance.n_prompt
        read = [sources[self.slot] for _, sources in instance.steps if len(sources) > self.slot]
        if instance.given or len(read) < len(instance.steps) or max(read) >= n:
            return None
        ends = [int(token == self.mark) for token in instance.tokens[: n - 1]]
        blocks = [*accumulate(ends, initial=0)]
        return (*blocks, *(blocks[i] for i in read))


@dataclass(frozen=True)
class Located(Assigned):
    """A task with IDs by blocks: by how much the ID of the query is passed, the key of what is read says."""

    def increment(self, read: tuple[int, ...], key: Ids) -> int:  # type: ignore[override]
        """From the block of the query to that of what is read."""
        assert isinstance(self.assign, Blocks)
        return int(key[self.assign.slot])


def _by_blocks(given: Sequence[Sequence[Instance]]) -> tuple[Blocks, _Measured] | None:
    """IDs by blocks that no more tokens share at a longer length: of the least spread, then of the fewest IDs a set."""
    slots = min((len(step.sources) for each in given for instance in each for step in instance.steps), default=0)
    found = list[tuple[int, int, int, Blocks, _Measured]]()
    for mark, slot in product(_marks(given), range(slots)):
        measured = _measured(given, blocks := Blocks(mark, slot), "query")
        if measured is not None and measured.bounded:
            prompts = [
                [own[: one.n_prompt] for one, own in zip(*pair, strict=True)]
                for pair in zip(given, measured.ids, strict=True)
            ]
            shared = [max(max(Counter(ids).values()) for ids in own) for own in prompts]
            if len(set(shared[len(shared) // 2 :])) == 1 and len(shared) > 3:
                found.append((measured.spreads[-1], _scattered(given, measured), len(found), blocks, measured))
    return min(found)[3:] if found else None


def _plane(given: Sequence[Sequence[Instance]]) -> tuple[PlaneRule, _Measured] | None:
    """IDs of two coordinates under which the sets are narrow at every length, with the least cap that has some."""
    few = [each[0] for each in given[:PLANES]]
    if len(few) < PLANES or not all(instance.parts for each in given for instance in each):
        return None
    for cap in CAPS:
        with suppress(AssumptionViolated, BudgetExceeded):
            rule = synthesize_rule(few, cap=cap, convention="query", coordinates=2)
            with suppress(InvalidArgument):  # a part, or a row, that these lengths do not have
                measured = _measured(given, rule, "query")
                if measured is not None and measured.bounded and _fixed(measured):
                    return rule, measured
    return None


def _scattered(given: Sequence[Sequence[Instance]], measured: _Measured) -> int:
    """How many IDs the sets of all instances have, together."""
    pairs = [pair for each, ids in zip(given, measured.ids, strict=True) for pair in _pairs(each, ids)]
    return sum(len({ids[i] for i in own}) for one, ids in pairs for own in dependency_sets(one, "query"))


def _marks(given: Sequence[Sequence[Instance]]) -> list[int]:
    """Tokens of prompts that stand at the same places at every length, and nowhere else."""
    fixed, loose = set[int](), set[int]()
    for each in given:
        for column in zip(*(instance.tokens[: instance.n_prompt] for instance in each), strict=False):
            (fixed if len(set(column)) == 1 else loose).update(column)
    return sorted(fixed - loose)


# ── Spreads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _instances(task: Task, length: int) -> tuple[tuple[Instance, ...], bool]:
    """Instances of a length, and whether they are all."""
    rng = np.random.default_rng(length)
    with running(task, "advise"):
        if task.n_instances(length) <= LISTED:
            return tuple(checked(instance, task, "advise") for instance in task.instances(length)), True
        return tuple(checked(task.sample(length, rng), task, "advise") for _ in range(DRAWN)), False


def _some(task: Task, length: int) -> Instance:
    with running(task, "advise"):
        return checked(task.sample(length, np.random.default_rng(0)), task, "advise")


def _own(given: Sequence[Sequence[Instance]]) -> _Measured:
    measured = _measured(given, lambda instance: instance.ids, "query")
    assert measured is not None
    return measured


def _measured(given: Sequence[Sequence[Instance]], assign: Assign, convention: Convention) -> _Measured | None:
    """The spreads by length; None where some instance has no such IDs."""
    spreads, all_ids = [], []
    for instances in given:
        most, own = 0, []
        for instance in instances:
            ids = assign(instance)
            if ids is None:
                return None
            own.append(ids)
            most = max(most, widest(dependency_sets(instance, convention), ids))
        spreads.append(most)
        all_ids.append(tuple(own))
    return _Measured(tuple(spreads), tuple(all_ids))


def _fixed(measured: _Measured) -> bool:
    """Whether the instances of a length have one assignment of IDs (the longer of two of other lengths goes on)."""
    return all(_agree(own) for own in measured.ids)


def _agree(ids: Sequence[Ids]) -> bool:
    longest = max(ids, key=len)
    return all(longest[: len(own)] == own for own in ids)


def _bound(given: Sequence[Sequence[Instance]], measured: _Measured, convention: Convention | None) -> int | None:
    """The best lower bound on the spread, by counting, of IDs that as many tokens share; over instances that are short."""
    if convention is None:
        return None
    best = None
    for instances, ids in zip(given, measured.ids, strict=True):
        for instance, own in islice(_pairs(instances, ids), 2):
            if len(instance.tokens) <= LARGEST:
                cap = max(own.count(value) for value in set(own))
                best = max(
                    best or 0, lower_bound(instance, cap=cap, convention=convention, coordinates=n_coordinates(own))
                )
    return best


def _pairs(instances: Sequence[Instance], ids: Sequence[Ids]) -> Iterator[tuple[Instance, Ids]]:
    return zip(instances, ids, strict=True)
