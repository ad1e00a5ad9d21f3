"""The contract "every dependency matters": each place in what is read is there for something."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import groupby
from typing import TypeAlias

from proofs_check.tasks.hidden import Located, agree, kept, plural
from proofs_check.tasks.trial import Broken, Decided, Trial, Undecided
from proofs_check.tasks.views import Index, asks_of
from theory.tasks.base import Instance, Step

EXAMPLES_OF_A_SIZE = 20
"""In so many steps of a drawn length that read the same number of tokens, each of these is changed to see what it is for."""

MOST_NAMED = 5
"""Of so many sizes the undecided sources are named."""


def every_dependency_matters(trial: Trial) -> Decided:
    """Each place in what is read is needed: without it the label, or where to read, would no longer be told.

    Without a place two readings are the same that have different labels, of one size or of another (the place then tells
    the rule which case it is in); or two instances agree at all else that the step attends to, and read elsewhere. Steps
    of all lengths that read the same number of tokens are put together. A place is idle where a listed length says so.
    """
    seen = Readings(trial)
    idle, undecided = seen.settle()
    for size, places in idle.items():
        length, instance, step = seen.example(size)
        raise Broken(
            f"{trial.at(length, instance, step)}, {_sources(size, places)} "
            f"(position{plural(tuple(step.sources[place] for place in places))})",
            f"no token there{', each alone,' * (len(places) > 1)} changes the target, in any of the "
            f"{len(seen.labels[size]):,} readings of {size} tokens, nor what is read",
            "two of them that differ there only and have different targets, or steps that do not read it",
            instance=instance, step=step,
        )  # fmt: skip
    decided = sum(seen.labels) - sum(map(len, undecided.values()))
    words = [_sources(size, places) for size, places in undecided.items()]
    named = ", ".join(words[:MOST_NAMED]) + f", and of {len(words) - MOST_NAMED} more sizes" * (len(words) > MOST_NAMED)
    if words and not (decided and all(seen.never_varied(size, at) for size in undecided for at in undecided[size])):
        raise Undecided(f"{named}: nothing seen shows what they are for; try more lengths, or a larger budget")
    scope = f"{sum(map(len, seen.labels.values())):,} readings"
    return Decided(decided, f"{scope}; undecided, as its token never varied: {named}" if words else scope, not words)


Reading: TypeAlias = tuple[int | tuple[int, int], ...]
Places: TypeAlias = dict[int, list[int]]
"""Places in what is read, by the number of tokens that are read."""


class Readings:
    """Everything that is read, by how much it is, with its labels.

    Attributes
    ----------
    labels : for every number of tokens, the readings of so many with the labels that they have.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.labels: dict[int, dict[Reading, set[tuple[int, ...]]]] = defaultdict(lambda: defaultdict(set))
        self._at: dict[int, dict[int, list[tuple[Instance, Step]]]] = defaultdict(lambda: defaultdict(list))
        self._located = cache(lambda length: Located(trial, trial.seen(length)))
        self._index = cache(lambda: Index([ask for length in trial.sizes for ask in asks_of(trial, length)]))
        for length in trial.lengths:
            for instance in trial.seen(length):
                for step in instance.steps:
                    read = trial.reading(instance, step)
                    self.labels[len(read)][read].add(trial.label(instance, step))
                    if len(found := self._at[len(read)][length]) < EXAMPLES_OF_A_SIZE:
                        found.append((instance, step))

    def settle(self) -> tuple[Places, Places]:
        """The places that are idle, and those that stay undecided."""
        none, cases = self._without_witness()
        found: tuple[Places, Places] = ({}, {})
        for size in self.labels:
            for place in sorted((*none.get(size, ()), *cases.get(size, ()))):
                idle = self._listings_decide(size, place) and not self._part_of_more(size, place)
                found[not idle].setdefault(size, []).append(place)
        return found

    def _without_witness(self) -> tuple[Places, Places]:
        """The places that nothing shows to be needed; and those that only tell cases apart, and need not all of them."""
        none: Places = {}
        cases: Places = {}
        for size in self.labels:
            for place in range(size):
                together = self._together(size, place)
                if any(len(labels) > 1 and number > 1 for labels, number in together.values()):
                    continue
                if self._a_change_shows(size, place) or self._lost(size, place):
                    continue
                others = self.labels.get(size - 1, {})
                case = any(labels != others[rest] for rest, (labels, _) in together.items() if rest in others)
                (cases if case else none).setdefault(size, []).append(place)
        while cases and (clash := self._clash(cases)):
            if not clash & cases.keys():
                return none, {}  # the labels are no function of what is read, which another contract says
            cases = {size: places for size, places in cases.items() if size not in clash}
        return none, cases

    def _together(self, size: int, place: int) -> dict[Reading, tuple[set[tuple[int, ...]], int]]:
        """What readings become without a place: with which labels, and of how many readings."""
        labels, number = defaultdict[Reading, set[tuple[int, ...]]](set), Counter[Reading]()
        for read, there in self.labels[size].items():
            rest = read[:place] + read[place + 1 :]
            labels[rest] |= there
            number[rest] += 1
        return {rest: (labels[rest], number[rest]) for rest in labels}

    def _lost(self, size: int, place: int) -> bool:
        """Whether without a place a step no longer says where it reads, in instances that are not made by a change."""
        lengths = [length for length in self._at[size] if length in self.trial.listed or not self.trial.free]
        return any(True for length in lengths for _ in self._located(length).apart({size: [place]}))

    def _clash(self, left_out: Places) -> set[int]:
        """The sizes of two steps that are alike without the places that are left out, and should not be; else none."""
        first: dict[Reading, tuple[int, set[tuple[int, ...]]]] = {}
        for size, labels in self.labels.items():
            for read, there in labels.items():
                other, known = first.setdefault(kept(read, left_out), (size, there))
                if known != there:
                    return {size, other}
        for length in {length for size in left_out for length in self._at[size]}:
            for _, step, other_instance in self._located(length).apart(left_out):
                there_too = [len(each.sources) for each in other_instance.steps if each.position == step.position]
                return {len(step.sources), *there_too}
        return set()

    def _listings_decide(self, size: int, place: int) -> bool:
        """Whether the listed lengths show that a place without a witness is idle.

        One length may be too short to show what a place is for. So it takes two; or a longer one at which no step reads
        so many tokens; or readings that differ there only, which of a dense task must be all of the readings.
        """
        trial, at = self.trial, self._at[size]
        full = [length for length in at if length in trial.listed]
        if len(full) > 1 or (full and any(length > max(at) for length in trial.listed)):
            return True
        numbers = [number for _, number in self._together(size, place).values()]
        return bool(full) and (min(numbers) if trial.task.sparsity is None else max(numbers)) > 1

    def _a_change_shows(self, size: int, place: int) -> bool:
        """Whether changing the token there, in drawn prompts, shows what the place is for."""
        trial = self.trial
        for length in self._at[size]:
            if length in trial.listed or not trial.free:
                continue
            for one, step in self._at[size][length]:
                at = step.sources[place]
                for token in trial.choices(length)[at] if at < one.n_prompt else ():
                    other = trial.solve(length, (*one.tokens[:at], token, *one.tokens[at + 1 : one.n_prompt]))
                    rest = trial.task.attended(step) - {at}
                    if step in other.steps:
                        here, there = trial.reading(one, step), trial.reading(other, step)
                        alone = kept(here, {size: [place]}) == kept(there, {size: [place]})
                        if alone and trial.label(one, step) != trial.label(other, step):
                            return True
                    elif agree(one, other, step.position, rest):
                        return True
        return False

    def never_varied(self, size: int, place: int) -> bool:
        """Whether the same token is there always, where others may still show: see below, or at a longer length.

        Of a dense task that is so where it first reads so many tokens at the last length.
        """
        if self.trial.task.sparsity is not None:
            return self._part_of_more(size, place)
        return min(self._at[size]) == self.trial.lengths[-1] and self._constant(size, place)

    def _part_of_more(self, size: int, place: int) -> bool:
        """Whether a set that ends early has the same token there always, and without it looks as what has another label.

        Then it may be there to say that the set ends. The sets of a dense task end with the prompt.
        """
        if self.trial.task.sparsity is None or size == max(self.labels) or not self._constant(size, place):
            return False
        index = self._index()
        for one in index.views:
            if len(one.step.sources) == size:
                rest = one._replace(places=tuple(i for i in one.places if i != one.step.sources[place]))
                if index.first(rest.view(), index.others(rest)):
                    return True
        return False

    def _constant(self, size: int, place: int) -> bool:
        return len({read[place] for read in self.labels[size]}) == 1

    def example(self, size: int) -> tuple[int, Instance, Step]:
        """A step that reads so many tokens, at a listed length where there is one."""
        length = next((length for length in self._at[size] if length in self.trial.listed), min(self._at[size]))
        return length, *self._at[size][length][0]


def _sources(size: int, places: list[int]) -> str:
    """Places in words, counted from 1: "sources 1, 3-5 of 6"."""
    runs = [
        [place + 1 for _, place in run] for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    ]
    words = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"source{'s' if len(places) > 1 else ''} {words} of {size}"
