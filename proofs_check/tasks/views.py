"""The views of the steps of a task: whether what a step attends to tells its label.

A head sees of a candidate set the tokens and the IDs, by increasing position, and nothing else: neither the positions nor
the length, nor that something is absent. Two things refute what a step attends to.

Within a length: its view occurs at another step, with another label, so that it is not consistent in the words of T1.

Over lengths: its view occurs at another length wherever its query does (with anchor "none", everywhere), and the label is
never the same there. Then the length tells the label. That a view occurs there by chance says nothing, as the support of a
planted ensemble may differ from length to length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from math import ceil
from typing import NamedTuple, NoReturn, TypeAlias

import numpy as np

from proofs_check.tasks.trial import Broken, Trial, at_lengths
from theory.coordinates import lowest, minus, written
from theory.errors import bulk
from theory.tasks.base import Instance, Step

FEW = 100
"""Of a length that is not listed, so many instances are looked at."""

Symbol: TypeAlias = tuple[int, int]
"""A token with its ID, of which the smallest in the prompt counts as 0: a shift of all IDs tells nothing."""

View: TypeAlias = tuple[Symbol, ...]
"""Symbols by increasing position."""


class Ask(NamedTuple):
    """A step of an instance as a head meets it.

    Attributes
    ----------
    symbols : what the head may attend to besides its query: all before that, or before what is asked for.
    query : the symbol of the query; none with anchor "none".
    places : the sources by increasing position, without the query.
    label : what is predicted.
    """

    length: int
    instance: Instance
    step: Step
    symbols: View
    query: Symbol | None
    places: tuple[int, ...]
    label: tuple[int, ...]

    def view(self) -> View:
        """The symbols at its sources."""
        return tuple(self.symbols[i] for i in self.places)


def check_views(trial: Trial) -> str:
    """What was not looked at, in words; a view with several labels is what refutes."""
    indexes = {length: Index([*asks_of(trial, length)]) for length in trial.sizes}
    for index in indexes.values():
        for one in index.views:
            if other := index.first(one.view(), index.others(one)):
                _raise(trial, one, other, "")
    for index, length in product(indexes.values(), sorted(trial.listed.keys() & indexes.keys())):
        for one in index.views:
            if one.length != length and (other := indexes[length].never(one)):
                _raise(trial, one, other, "wherever this query is, " if one.query else "always ")
    long = [length for length in trial.listed if bulk(length) > 1]
    return f"views at {at_lengths(long)} were not looked for" if long else ""


def asks_of(trial: Trial, length: int) -> Iterator[Ask]:
    """The steps that are looked at: at a long length none, at one that is not listed those of a few instances."""
    seen = trial.seen(length) if bulk(length) <= 1 else []
    anchored = trial.task.anchor == "last"
    for instance in seen if length in trial.listed else seen[:: ceil(len(seen) / FEW) or 1]:
        corner = lowest(instance.ids[: instance.n_prompt])
        row = tuple((token, minus(i, corner)) for token, i in zip(instance.tokens, instance.ids, strict=True))
        for step in instance.steps:
            end = step.position - anchored
            places = tuple(i for i in sorted(step.sources) if i < end)
            yield Ask(
                length, instance, step, row[:end], row[end] if anchored else None, places, trial.label(instance, step)
            )


class Index:
    """Steps by what they may attend to. Sets of them are integers with a bit for each.

    Attributes
    ----------
    views : of the steps with the same view and label the first.
    """

    def __init__(self, asks: list[Ask]) -> None:
        self._asks = asks
        views: dict[object, Ask] = {}
        holding = defaultdict[Symbol, list[int]](list)
        query, label = (defaultdict[object, list[int]](list) for _ in range(2))
        for number, ask in enumerate(asks):
            views.setdefault((ask.view(), ask.query, ask.label), ask)
            query[ask.query].append(number)
            label[ask.label].append(number)
            for symbol in set(ask.symbols):
                holding[symbol].append(number)
        self.views = [*views.values()]
        self._holding, self._query, self._label = (
            {what: bits(numbers) for what, numbers in each.items()} for each in (holding, query, label)
        )

    def others(self, ask: Ask) -> int:
        """The steps with the same query and another label."""
        return self._query.get(ask.query, 0) & ~self._label.get(ask.label, 0)

    def first(self, view: View, among: int) -> Ask | None:
        """The first of some steps at which a view occurs."""
        return next(self._occurring(view, among), None)

    def never(self, ask: Ask) -> Ask | None:
        """Where all steps with a query, two or more, have a view and none of them its label: the first of them."""
        asked = self._query.get(ask.query, 0)
        if asked.bit_count() < 2 or asked & self._label.get(ask.label, 0):
            return None
        view = ask.view()
        if any(asked & ~self._holding.get(symbol, 0) for symbol in view):
            return None
        found = [*self._occurring(view, asked)]
        return found[0] if len(found) == asked.bit_count() else None

    def _occurring(self, view: View, among: int) -> Iterator[Ask]:
        for symbol in view:
            among &= self._holding.get(symbol, 0)
            if not among:
                return
        while among:
            lowest = among & -among
            ask = self._asks[lowest.bit_length() - 1]
            rest = iter(ask.symbols)
            if all(symbol in rest for symbol in view):  # in this order, not side by side
                yield ask
            among ^= lowest


def bits(numbers: list[int]) -> int:
    """A set of numbers, in increasing order, as an integer with a bit for each."""
    found = np.zeros(numbers[-1] + 1, dtype=bool)
    found[numbers] = True
    return int.from_bytes(np.packbits(found, bitorder="little").tobytes(), "little")


def _raise(trial: Trial, one: Ask, other: Ask, always: str) -> NoReturn:
    positions = sorted(trial.task.attended(one.step))
    tokens, ids = (tuple(values[i] for i in positions) for values in (one.instance.tokens, one.instance.ids))
    here, there = (lowest(ask.instance.ids[: ask.instance.n_prompt]) for ask in (one, other))
    raise Broken(
        trial.at(one.length, one.instance, one.step),
        f"attends to {trial.text(tokens)} with the ID{'' if len(ids) == 1 else 's'} {', '.join(map(written, ids)) or 'none'} "
        f"and predicts {trial.label_text(one.instance, one.step)}; at {trial.at(other.length, other.instance, other.step)}, "
        f"{always}the same come before{'' if here == there else f', all IDs plus {written(minus(there, here))},'} and "
        f"{trial.label_text(other.instance, other.step)} is predicted",
        "sources that tell the two apart by their tokens and IDs: a head sees neither positions nor the length, nor "
        "that something is absent", instance=one.instance, step=one.step,
    )  # fmt: skip
