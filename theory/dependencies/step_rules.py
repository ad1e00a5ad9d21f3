"""One rule across steps and lengths: which positions a step reads, found from the smallest sets of single steps.

The steps of all lengths are split into kinds (the first ones, the last ones, the rest by turns or at a border), as few as
possible, and every kind gets a program of pointers that decides the token at each of its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product
from math import isqrt, lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.dependencies.conflicts import REPEATED, Smallest, decides, keys_of
from theory.dependencies.pointers import (
    At,
    Chain,
    Marked,
    Named,
    Occurrence,
    Pointer,
    Program,
    View,
    Walk,
    readings,
)
from theory.dependencies.sources import Group

TRIED = 1_000
"""Combinations of forms that are tried for one kind of step."""

FACTORS = ((0, 1), (1, 1), (1, 2), (-1, 1), (2, 1), (1, 3), (2, 3), (1, 4), (3, 4))
STEPS = ((0, 1), (1, 1), (-1, 1), (1, 2), (1, 3), (2, 1), (-2, 1), (-1, 2))
"""The factors of the prompt's tokens, and of the step, that a position may have: p/q as (p, q)."""

PART_STEPS, PART_ROWS = 16, 300
"""Of the steps, and of the rows of each, so many suggest what follows tokens; all then have to bear it out."""

SHIFTS = (1, -1, 2, -2, 3, -3)
"""How far from an occurrence a position may be."""


class Item(NamedTuple):
    """A step at a length: the rows that have it, their tokens before it and at it, and the smallest sets."""

    group: Group
    step: int
    rows: NDArray[Any]
    labels: NDArray[Any]
    smallest: Smallest | None

    @property
    def n(self) -> int:
        """The tokens of the prompt."""
        return self.group.n

    @property
    def view(self) -> View:
        """What pointers see."""
        return View(self.rows, self.n, self.step)

    @property
    def known(self) -> bool:
        """Whether the smallest sets are those of the source, and not of a sample that leaves them open."""
        found = self.smallest
        enough = found is not None and (self.group.exhaustive or found.repeats >= REPEATED or self.saturated)
        return found is not None and found.exact and enough

    @property
    def saturated(self) -> bool:
        """Whether the sample shows every past about eight times, so that it has about all of them."""
        return self.smallest is not None and len(self.rows) >= 8 * self.smallest.pasts

    @property
    def needs(self) -> int:
        """So many positions are needed: no smaller set meets all conflicts."""
        return self.smallest.size if self.smallest is not None and self.smallest.sets else 0

    @property
    def least(self) -> int:
        """The size of the smallest sets of the source; 0 where a sample leaves them open."""
        return self.needs if self.known else 0


def item_of(group: Group, step: int, smallest: Smallest | None = None) -> Item:
    """A step at a length."""
    rows = group.tokens[group.rows(step)]
    return Item(group, step, rows[:, : group.n + step], rows[:, group.n + step], smallest)


@dataclass(frozen=True)
class Domain:
    """Which steps a rule is for: those from `first` on, up to `last` before the end, by turns.

    Attributes
    ----------
    first : the first step.
    last : steps at the end that are left out; None with `only` where the rule is for one step.
    only : the one step, counted from the front, or from the end as -1, -2, ...
    period, turn : of `period` steps in turn the rule is for this one.
    border : the steps before it, or from there on with `beyond`.

    Examples
    --------
    >>> print(Domain(first=1)), print(Domain(only=-1)), print(Domain(period=2, turn=1))
    steps j = 1, 2, ...
    the last step
    steps j = 1, 3, ...
    (None, None, None)
    """

    first: int = 0
    last: int = 0
    only: int | None = None
    period: int = 1
    turn: int = 0
    border: At | None = None
    beyond: bool = False

    def has(self, n: int, step: int, n_steps: int) -> bool:
        """Whether a step is one of them; `n_steps` are those of the sequence."""
        if self.only is not None:
            return step == (self.only if self.only >= 0 else n_steps + self.only)
        inside = self.first <= step < n_steps - self.last and (step - self.first) % self.period == self.turn
        if self.border is None or not inside:
            return inside
        edge = self.border.at(n, 0)
        return edge is not None and (step >= edge) == self.beyond

    def __str__(self) -> str:
        if self.only is not None:
            if self.only >= 0:
                return f"step j = {self.only}"
            return "the last step" if self.only == -1 else f"step {-self.only} from the end"
        begin = self.first + self.turn
        text = f"steps j = {begin}, {begin + self.period}, ..."
        if self.border is not None:
            text = f"steps j >= {self.border}" if self.beyond else f"steps {begin} <= j < {self.border}"
        return text + (f", but for the last {self.last}" if self.last else "")

    @property
    def data(self) -> dict[str, object]:
        """As plain data."""
        border = None if self.border is None else self.border.data
        return {"first": self.first, "last": self.last, "only": self.only, "period": self.period, "turn": self.turn,
                "border": border, "beyond": self.beyond}  # fmt: skip


@dataclass(frozen=True)
class StepRule:
    """What one kind of step reads, and what it makes of it.

    Attributes
    ----------
    domain : the steps.
    program : the pointers, in the order in which they are read.
    table : the token for every reading seen; numbers of tokens.
    copies : the slot whose token is predicted, where it is one and the same always.
    alone : whether the token is a function of the reading alone; otherwise another one at each step, and there is no table.

    Examples
    --------
    >>> rule = StepRule(Domain(), (At(0, 1, 0),), {(0,): 0, (1,): 1}, copies=0)
    >>> print(rule)
    steps j = 0, 1, ...: read position j, and repeat it
    >>> rule.token((1,)), rule.token((2,))
    (1, 2)
    """

    domain: Domain
    program: Program
    table: Mapping[tuple[int, ...], int]
    copies: int | None = None
    alone: bool = True

    @property
    def size(self) -> int:
        """How many positions are read."""
        return len(self.program)

    @property
    def fixed(self) -> bool:
        """Whether the positions follow from the step and the length, and not from tokens."""
        return all(isinstance(pointer, At) for pointer in self.program)

    def token(self, read: tuple[int, ...]) -> int | None:
        """The token for a reading; None for one that was never seen."""
        return read[self.copies] if self.copies is not None else self.table.get(read)

    def __str__(self) -> str:
        names = [f"position {p}" if isinstance(p, At) else str(p) for p in self.program]
        read = " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]]) if names else "nothing"
        does = ""
        if self.copies is not None:
            does = ", and repeat it" if len(names) == 1 else f", and repeat slot {self.copies}"
        return f"{self.domain}: read {read}{does}"

    @property
    def data(self) -> dict[str, object]:
        """As plain data: the domain, the slots, and the slot that is repeated."""
        slots = [pointer.data for pointer in self.program]
        return {"steps": self.domain.data, "reads": slots, "repeats": self.copies, "words": str(self)}


# ── Layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def layouts(*, even: bool, few: bool = False) -> Iterator[tuple[Domain, ...]]:
    """Ways to split steps into kinds, the fewest kinds first; `few` leaves out the more special ones."""
    ends = ((0, 1) if few else (0, 1, 2)) if even else (0,)
    found = []
    for first, last, period in product(range(2 if few else 4), ends, range(1, 4 if few else 5)):
        specials = [Domain(only=j) for j in range(first)] + [Domain(only=-1 - j) for j in range(last)]
        middle = [Domain(first, last, period=period, turn=turn) for turn in range(period)]
        found.append((*specials, *middle))
    for first, over, c in product((0, 1), () if few else (1, 2), (0, -1, 1, -2)):
        border = At(1, 0, over * c, over)
        sides = [Domain(first, border=border), Domain(first, border=border, beyond=True)]
        found.append((*(Domain(only=j) for j in range(first)), *sides))
    yield from sorted(found, key=len)


def kind_of(domains: Sequence[Domain], n: int, step: int, n_steps: int) -> int | None:
    """The first of the domains that has a step."""
    return next((place for place, domain in enumerate(domains) if domain.has(n, step, n_steps)), None)


class _Late(Exception):
    """There is no time left."""


class Search:
    """The search for a rule over steps of several lengths; what was found for a set of steps is kept.

    Parameters
    ----------
    items : the steps.
    left : says whether there is time left.
    """

    def __init__(self, items: Sequence[Item], left: Callable[[], bool]) -> None:
        self.items, self.left, self.late = items, left, False
        self.lengths = sorted({item.n for item in items})
        self.sizes = {item.n: item.group.n_steps for item in items}
        squares = len({n - isqrt(n) ** 2 for n in self.lengths}) == 1 < len(self.lengths)
        self.sides = (0, 1, -1) if squares else (0,)
        self.even = all(item.group.even for item in items)
        self.kept: dict[tuple[bool, frozenset[tuple[int, int]]], Program | None] = {}
        self._sets: dict[tuple[int, int], list[frozenset[int]]] = {}

    def run(self, *, located: bool) -> tuple[tuple[Domain, Program], ...] | None:
        """The first layout whose kinds all have a program; with `located`, of pointers that follow tokens too."""
        self.late = False
        try:
            return next(
                filter(None, (self._layout(one, located) for one in layouts(even=self.even, few=located))), None
            )
        except _Late:
            self.late = True
            return None

    def _layout(self, layout: tuple[Domain, ...], located: bool) -> tuple[tuple[Domain, Program], ...] | None:
        kinds: list[list[Item]] = [[] for _ in layout]
        for item in self.items:
            place = kind_of(layout, item.n, item.step, self.sizes[item.n])
            if place is None:
                return None
            kinds[place].append(item)
        found = []
        for domain, mine in zip(layout, kinds, strict=True):
            if domain.only is None and not _several(mine):
                return None
            program = self._program(mine, located) if mine else None
            if program is None:
                return None
            found.append((domain, program))
        return tuple(found)

    def _program(self, items: list[Item], located: bool) -> Program | None:
        if not self.left():
            raise _Late
        key = (located, frozenset((item.n, item.step) for item in items))
        if key not in self.kept:
            found = self._fixed(items)
            self.kept[key] = self._located(items) if found is None and located else found
        return self.kept[key]

    def _fixed(self, items: list[Item]) -> Program | None:
        """Forms for the slots: those through a smallest set of one step that decide every other step too."""
        if len({item.n for item in items}) < min(2, len(self.lengths)):
            return None
        most = max(item.least for item in items) or max(item.needs for item in items)  # of a sample that is too small
        if most == 0:
            return () if all((item.labels == item.labels[0]).all() for item in items) and holds((), items) else None
        core = [item for item in items if item.known and item.least == most]
        if core and (len(core) < 2 or len({item.n for item in core}) < min(2, len(self.lengths))):
            return None
        pivot = min(
            core or [item for item in items if item.needs == most],
            key=lambda item: (len(item.smallest.sets) if item.smallest else 0, -item.n, -item.step),
        )
        assert pivot.smallest is not None
        one_each = len({item.n for item in items}) == len(items)
        made = chain.from_iterable(
            self._combinations(one, pivot, items, core, one_each=one_each) for one in pivot.smallest.sets
        )
        tried = sorted(islice(made, TRIED), key=_cost)
        return next((program for program in tried if holds(program, items)), None)

    def _combinations(
        self, chosen: Sequence[int], pivot: Item, items: list[Item], core: list[Item], *, one_each: bool
    ) -> Iterator[Program]:
        slots = []
        for position in chosen:
            forms = []
            for (a, p), (b, q), side in product(FACTORS, ((0, 1),) if one_each else STEPS, self.sides):
                over = lcm(p, q)
                a, b, rest = a * over // p, b * over // q, position - side * isqrt(pivot.n)
                form = At(a, b, rest * over - a * pivot.n - b * pivot.step, over, side)
                if all((at := form.at(item.n, item.step)) is not None and 0 <= at < item.n + item.step
                       for item in items) and all(self._occurs(form, item) for item in core):  # fmt: skip
                    forms.append(form)
            slots.append(sorted(forms, key=lambda form: form.cost))
        yield from self._extended((), slots, core, [self._smallest(item) for item in core])

    def _extended(
        self, chosen: tuple[At, ...], slots: Sequence[list[At]], core: list[Item], alive: list[list[frozenset[int]]]
    ) -> Iterator[Program]:
        """Forms for the further slots, as long as the positions chosen lie in a smallest set of every step of the core."""
        if len(chosen) == len(slots):
            yield chosen
            return
        if not self.left():
            raise _Late
        for form in slots[len(chosen)]:
            kept = []
            for item, sets in zip(core, alive, strict=True):
                at = form.at(item.n, item.step)
                fresh = at not in [other.at(item.n, item.step) for other in chosen]
                kept.append([one for one in sets if fresh and at in one])
                if not kept[-1]:
                    break
            else:
                yield from self._extended((*chosen, form), slots, core, kept)

    def _occurs(self, form: At, item: Item) -> bool:
        """Whether the position is in a smallest set of the step."""
        assert item.smallest is not None
        return any(form.at(item.n, item.step) in one for one in item.smallest.sets)

    def _smallest(self, item: Item) -> list[frozenset[int]]:
        """The smallest sets of a step."""
        key = (item.n, item.step)
        if key not in self._sets:
            assert item.smallest is not None
            self._sets[key] = [*map(frozenset, item.smallest.sets)]
        return self._sets[key]

    # ── Pointers that follow tokens ──────────────────────────────────────────────────────────────────────────────────

    def _located(self, items: list[Item]) -> Program | None:
        """A program that some rows of some steps suggest, and all of all steps bear out."""
        some = [_part(items[i]) for i in sorted({i * len(items) // PART_STEPS for i in range(PART_STEPS)})]
        for program in chain(_walks(items), _named(some), _marked(some), _occurrences(some), _chains(some)):
            if not self.left():
                raise _Late
            if holds(program, some) and holds(program, items):
                return program
        return None


def _part(item: Item) -> Item:
    """Some of the rows of a step."""
    rows = np.unique(np.arange(PART_ROWS) * len(item.rows) // PART_ROWS)
    return item._replace(rows=item.rows[rows], labels=item.labels[rows])


def _several(items: Sequence[Item]) -> bool:
    """Whether there are enough steps for a form of two factors and an offset to be put to the test."""
    return len(items) >= 4 or len({item.n for item in items}) >= 3


def _cost(program: Sequence[Pointer]) -> tuple[int, int]:
    costs = [pointer.cost for pointer in program if isinstance(pointer, At)]
    return sum(plain for plain, _ in costs), sum(offset for _, offset in costs)


def holds(program: Program, items: Sequence[Item]) -> bool:
    """Whether every slot is somewhere at every step, and the readings of all steps together decide the tokens."""
    made = []
    for item in items:
        read, somewhere, _ = readings(program, item.view)
        if not somewhere.all() or not decides(read, item.labels):
            return False
        made.append(read)
    return decides(np.concatenate(made), np.concatenate([item.labels for item in items])) if made else True


def _starts(items: Sequence[Item]) -> Iterator[At]:
    """Where a step may look first: at the ends of the prompt, or near the step."""
    for a, b, c in ((1, 0, -1), (1, 1, -1), (0, 0, 0), (0, 1, 0), (1, 0, -2), (1, 1, -2), (0, 0, 1), (1, -1, -1),
                    (1, 0, -3), (1, 1, -3), (0, 1, 1)):  # fmt: skip
        form = At(a, b, c)
        if all((at := form.at(item.n, item.step)) is not None and 0 <= at < item.n + item.step for item in items):
            yield form


def _single(rows: NDArray[Any], labels: NDArray[Any]) -> set[int]:
    """The positions that decide the labels by themselves."""
    good = np.ones(rows.shape[1], dtype=bool)
    high = int(labels.max()) + 1
    for token in np.unique(rows):
        here = rows == token
        most = np.where(here, labels[:, None], -1).max(axis=0)
        least = np.where(here, labels[:, None], high).min(axis=0)
        good &= (most == least) | (most < 0)
    return {int(p) for p in np.flatnonzero(good)}


def _chosen(options: Mapping[int, set[int]], most: int = 64) -> Iterator[tuple[tuple[int, int], ...]]:
    """One option for each token, the smallest ones first."""
    tokens = sorted(options)
    ordered = [sorted(options[token], key=lambda value: (abs(value), value)) for token in tokens]
    for values in islice(product(*ordered), most):
        yield tuple(zip(tokens, values, strict=True))


def _named(items: Sequence[Item]) -> Iterator[Program]:
    """A token that names a position, which decides together with it."""
    bases = (At(0, 0, 0), At(1, 0, 0), At(1, 1, 0), At(0, 1, 0))
    for start in _starts(items):
        options: list[dict[int, set[int]]] = [{} for _ in bases]
        for item in items:
            at = start.at(item.n, item.step)
            read = item.rows[:, at]
            for token in np.unique(read):
                chosen = read == token
                good = _single(item.rows[chosen], item.labels[chosen]) - {at}
                for base, found in zip(bases, options, strict=True):
                    origin = base.at(item.n, item.step) or 0
                    moved = {p - origin for p in good}
                    found[int(token)] = found[int(token)] & moved if int(token) in found else moved
        for base, found in zip(bases, options, strict=True):
            if all(found.values()):
                yield from ((start, Named(0, base, steps)) for steps in _chosen(found))


def _walks(items: Sequence[Item]) -> Iterator[Program]:
    """A walk over the prompt that begins with the first step: its jumps follow from where the next step looks."""
    if min(item.step for item in items) > 0 or len({item.step for item in items}) < 2:
        return
    begin = [item for item in items if item.step == 0]
    starts = set.intersection(*({p for p in _single(i.rows, i.labels) if p < i.n} for i in begin))
    for place in sorted(starts)[:4]:
        start = At(0, 0, place)
        options: dict[int, set[int]] = {}
        for item in (item for item in items if item.step == 1):
            read = item.rows[:, place]
            for token in np.unique(read):
                chosen = read == token
                good = {p - place for p in _single(item.rows[chosen], item.labels[chosen]) if p < item.n} - {0}
                options[int(token)] = options.get(int(token), good) & good
        if options and all(options.values()):
            yield from ((Walk(start, steps),) for steps in _chosen(options))


def _marked(items: Sequence[Item]) -> Iterator[Program]:
    """The places of the prompt that do not hold a frequent token, where there are always as many."""
    counts: dict[int, set[int]] = {}
    longest = max(items, key=lambda item: item.n)
    for token in np.unique(longest.rows[:, : longest.n]):
        numbers = {int(number) for item in items for number in np.unique((item.rows[:, : item.n] != token).sum(axis=1))}
        if len(numbers) == 1:
            counts[int(token)] = numbers
    for token, numbers in counts.items():
        size = min(numbers)
        if 0 < size <= min(item.n for item in items) and size < max(item.n for item in items):
            yield tuple(Marked(token, index) for index in range(size))


def _occurrences(items: Sequence[Item]) -> Iterator[Program]:
    """A token, where it occurs before, and what stands beside that place; and the same once more from there."""
    for mark, start, last, shift in product((None, *_marks(items)), _starts(items), (True, False), SHIFTS):
        yield start, Occurrence(0, last, 0, mark), Occurrence(0, last, shift, mark)
    for start, last, shift in product(_starts(items), (True, False), SHIFTS[:2]):
        yield (start, Occurrence(0, last, 0), Occurrence(0, last, shift), Occurrence(2, last, 0),
               Occurrence(2, last, shift))  # fmt: skip


def _chains(items: Sequence[Item]) -> Iterator[Program]:
    """A name, its place in a chain that goes back from the last token of the prompt, and what stands beside that place."""
    if max(item.step for item in items) > 0:
        for mark, shift in product((None, *_marks(items)), SHIFTS):
            yield At(1, 1, -1), Chain(shift, 0, mark), Chain(shift, shift, mark)


def _marks(items: Sequence[Item]) -> list[int]:
    """Tokens that stand at fixed places of the prompts, and nowhere else."""
    fixed, loose = set[int](), set[int]()
    for item in items:
        prompts = item.rows[:, : item.n]
        constant = (prompts == prompts[0]).all(axis=0)
        fixed |= set(prompts[0, constant].tolist())
        loose |= set(np.unique(prompts[:, ~constant]).tolist())
    return sorted(fixed - loose)


def table_of(read: NDArray[Any], labels: NDArray[Any]) -> tuple[dict[tuple[int, ...], int], int | None]:
    """The token for every reading, and the slot that is always repeated."""
    first = np.unique(keys_of(read), return_index=True)[1] if read.shape[1] else np.array([0])
    table = dict(zip(map(tuple, read[first].tolist()), labels[first].tolist(), strict=True))
    copies = [slot for slot in range(read.shape[1]) if (read[:, slot] == labels).all()]
    return table, copies[-1] if copies and len(set(labels.tolist())) > 1 else None
