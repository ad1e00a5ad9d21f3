"""The contract "hidden dependence": what a step does not read decides neither what it predicts nor where it reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from math import ceil
from typing import TypeVar

from proofs_check.tasks.trial import Broken, Decided, Trial, Undecided, at_lengths
from proofs_check.tasks.views import bits, check_views
from theory.errors import shown
from theory.tasks.base import Instance, Step, Tokens

HIDDEN = "hidden dependence"

CHANGES = 32
"""How many tokens of a prompt, and for how many steps the rest of it, are drawn anew, each apart from the others."""

Value = TypeVar("Value")


def no_hidden_dependence(trial: Trial) -> Decided:
    """What a step does not read changes neither its target nor, unless it is attended to, the choice of what is read.

    No rule is asked. Two instances of one length in which a step, at one position, reads the same (tokens; and their key,
    where the rule takes one) have the same label there. Two that agree, in tokens and IDs, at all that a step attends to
    (its sources, and with anchor "last" its query) both have that step, with the same sources in the same order: what
    earlier steps read does not count, as no head sees it. A given token that varies is an input, and does not follow from
    the tokens before it. IDs that follow from tokens tell no label: what reads the same but for its key, or attends to the
    same but for the ID of its query, has the same label and step, unless these IDs are predicted. And over all lengths
    together a view, of tokens with their IDs, has one label wherever it occurs (see `views`). What remains is that IDs
    which locate the sources may tell where a prompt ends; where prompts of one length differ in theirs, that is said.
    """
    cases = compared = 0
    apart: list[int] = []
    unsettled: list[int] = []
    for length in trial.sizes:
        if not _check_given(trial, length):
            unsettled.append(length)
        if length in trial.listed or not trial.free:
            settled, found = _compare(trial, length, trial.seen(length))
        else:
            settled, found = _resample(trial, length)
        cases, compared = cases + settled + found, compared + found
        if not settled + found:
            apart.append(length)
    if apart and not cases:
        raise Undecided(f"at {at_lengths(apart)} no two drawn instances read the same at a step: try shorter lengths")
    scope = f"{compared:,} comparisons{f', none at {at_lengths(apart)}' if apart else ''}"
    if unsettled:
        scope += f"; given tokens at {at_lengths(unsettled)} were not compared"
        if not any(instance.given for instances in trial.listed.values() for instance in instances):
            raise Undecided(f"{scope}, nor at any other: try shorter lengths, or a larger budget")
    if left_out := check_views(trial):
        scope += f"; {left_out}"
    uneven = [length for length in trial.sizes if len({instance.n_prompt for instance in trial.seen(length)}) > 1]
    if uneven:
        scope += f"; at {at_lengths(uneven)} prompts differ in length, which may tell the answer"
    return Decided(cases, scope, not uneven and not left_out)


def _check_given(trial: Trial, length: int) -> bool:
    """A given token is the same in all instances, or an input: it takes several values after the same tokens.

    Of a token that varies only free prompts and listings show what it follows from: the return value says if that was so.
    """
    after: dict[int, dict[int, Instance]] = defaultdict(dict)
    inputs = {len(key): key for key in _branches(trial.listed.get(length, ()))}
    for instance in trial.seen(length):
        for position in instance.given:
            after[position].setdefault(instance.tokens[position], instance)
    varied = {position: values for position, values in after.items() if len(values) > 1}
    if not trial.free and length not in trial.listed:
        return not varied
    for position, values in varied.items():
        if position not in inputs:
            one, other = [*values.values()][:2]
            here, there = (trial.text(instance.tokens[position : position + 1]) for instance in (one, other))
            raise Broken(
                f"{trial.at(length, one)}, the given position {position}",
                f"holds {here} here and {there} with the prompt {trial.text(other.tokens[: other.n_prompt])}, as the tokens "
                "before it decide",
                "a step that predicts it: what is given says nothing that has to be computed", instance=one,
            )  # fmt: skip
    return True


def _branches(instances: Collection[Instance]) -> set[Tokens]:
    """The beginnings after which several tokens are given."""
    first: dict[Tokens, int] = {}
    found = set()
    for instance in instances:
        for position in instance.given:
            start, token = instance.tokens[:position], instance.tokens[position]
            if first.setdefault(start, token) != token:
                found.add(start)
    return found


def _compare(trial: Trial, length: int, instances: list[Instance]) -> tuple[int, int]:
    """How many steps need no comparison, and how many are compared; where all is listed, the first to read something."""
    first: dict[object, Instance] = {}
    without_key: dict[object, Instance] = {}
    compared = 0
    for instance in instances:
        for step in instance.steps:
            one = first.setdefault((step, trial.reading(instance, step)), instance)
            if one != instance:
                _check_label(trial, length, step, one, instance)
                compared += 1
            if trial.takes_key:
                alike = without_key.setdefault(_without_key(trial, instance, step), instance)
                if alike != instance:
                    _check_label(trial, length, step, alike, instance)
    located = Located(trial, instances)
    for one, step, other in chain(located.apart(), located.told_by_id()):
        _check_step(trial, length, step, one, other)
    return len(first) if length in trial.listed else 0, compared


def _without_key(trial: Trial, instance: Instance, step: Step) -> object:
    """What a step attends to, by tokens, and the IDs among them that are predicted: the others tell no label."""
    positions = sorted(trial.task.attended(step))
    predicted = [instance.ids[i] for i in positions if trial.predicts_id(instance, i)]
    return step, *(instance.tokens[i] for i in positions), *predicted


class Located:
    """Whether what a step attends to says where it reads: instances that agree there have the same step.

    Sets of instances are integers with a bit for each, so that all pairs are compared.
    """

    def __init__(self, trial: Trial, instances: list[Instance]) -> None:
        self.trial, self.instances, self.anchored = trial, instances, trial.task.anchor == "last"
        self._told = self.anchored and len({instance.ids for instance in instances}) > 1
        self._states: dict[tuple[int, int], int] = {}
        self._steps = defaultdict[int, list[tuple[Instance, Step]]](list)
        holding = defaultdict[tuple[int, int, int | None], list[int]](list)
        asked = defaultdict[tuple[int, int], list[int]](list)
        doing = defaultdict[Step, list[int]](list)
        for number, instance in enumerate(instances):
            for i, (token, id_) in enumerate(zip(instance.tokens, instance.ids, strict=True)):
                holding[i, token, id_].append(number)
            for t in range(instance.n_prompt, len(instance.tokens) + 1):
                asked[self._when(instance, t)].append(number)
            for t, after in self._after(instance):
                asked[after].append(number)
                holding[t - 1, instance.tokens[t - 1], None].append(number)
            for step in instance.steps:
                doing[step].append(number)
                self._steps[len(step.sources)].append((instance, step))
        self._holding = {key: bits(numbers) for key, numbers in holding.items()}
        self._asked = {when: bits(numbers) for when, numbers in asked.items()}
        self._doing = {step: bits(numbers) for step, numbers in doing.items()}

    def _when(self, instance: Instance, t: int) -> tuple[int, int]:
        """When a token is asked for: where no query says that the prompt is over, prompts as long are compared."""
        return t, 0 if self.anchored else instance.n_prompt

    def apart(self, left_out: Mapping[int, Collection[int]] | None = None) -> Iterator[tuple[Instance, Step, Instance]]:
        """An instance with a step, and one that agrees at all that it attends to and does something else there.

        `left_out` are places that are not read, by the number of sources of a step; then only such steps are looked at.
        """
        same = defaultdict[Step, int](int)
        for step, doing in self._doing.items():
            same[Step(step.position, kept(step.sources, left_out))] |= doing
        done = set()
        for instance, step in chain.from_iterable(self._steps[size] for size in left_out or [*self._steps]):
            now = Step(step.position, kept(step.sources, left_out))
            query = step.position - 1
            unread = query in step.sources and query not in now.sources  # left out, so not attended to either
            places = now.sources if unread or not self.anchored else (*now.sources, query)
            at = tuple((i, instance.tokens[i], instance.ids[i]) for i in places)
            if (now, at) in done:
                continue
            done.add((now, at))
            others = self._asked[self._when(instance, step.position)] & ~same[now]
            for key in at:
                others &= self._holding[key]
            if others:
                yield instance, step, self._first(others)

    def told_by_id(self) -> Iterator[tuple[Instance, Step, Instance]]:
        """As `apart`, where the ID of the query alone tells two instances apart, as many tokens after as long a prompt.

        An ID that no step predicts follows from tokens; these would tell where to read, and are not read. The output so
        far is the same, so that what it tells does not count.
        """
        done = set()
        for instance in self.instances:
            steps = {step.position: step for step in instance.steps}
            for t, after in self._after(instance):
                if t not in steps:
                    continue
                step = steps[t]
                sources = ((i, instance.tokens[i], instance.ids[i]) for i in step.sources if i != t - 1)
                at = (*sources, (t - 1, instance.tokens[t - 1], None))
                if (step, after, at) in done:
                    continue
                done.add((step, after, at))
                others = self._asked[after] & ~self._doing[step]
                for key in at:
                    others &= self._holding[key]
                if others:
                    yield instance, step, self._first(others)

    def _after(self, instance: Instance) -> Iterator[tuple[int, tuple[int, int]]]:
        """Where a query's ID is not predicted, the output before as a state, one a beginning; so prompts are as long.

        Where all IDs are the same there is nothing to tell.
        """
        state = 0
        for t in range(instance.n_prompt, len(instance.tokens) + 1) if self._told else ():
            if t > instance.n_prompt:
                state = self._states.setdefault((state, instance.tokens[t - 1]), len(self._states) + 1)
            if not self.trial.predicts_id(instance, t - 1):
                yield t, (-t, state)  # no other key is negative

    def _first(self, bits: int) -> Instance:
        return self.instances[(bits & -bits).bit_length() - 1]


def kept(values: tuple[Value, ...], left_out: Mapping[int, Collection[int]] | None) -> tuple[Value, ...]:
    """What is left of the sources of a step, or of its reading, without the places that are left out."""
    places = left_out.get(len(values)) if left_out else None
    return tuple(value for i, value in enumerate(values) if i not in places) if places else values


def _check_label(trial: Trial, length: int, step: Step, one: Instance, other: Instance) -> None:
    """Two instances in which a step reads the same have the same label there."""
    if trial.label(one, step) != trial.label(other, step):
        keys = [instance.key(step) for instance in (one, other)]
        told = trial.reading(one, step) != trial.reading(other, step)  # by the key alone
        raise Broken(
            trial.at(length, one, step),
            f"reads {trial.text(one.read(step))} here and with the prompt {trial.text(other.tokens[: other.n_prompt])}, "
            + (f"with the key {shown(keys[0])} here and {shown(keys[1])} there, and" if told else "but")
            + f" predicts {trial.label_text(one, step)} here and {trial.label_text(other, step)} there",
            "sources that tell the two apart: the "
            + ("IDs follow from tokens that are not read" if told else "token depends on more than what is declared"),
            instance=one, step=step,
        )  # fmt: skip


def _check_step(trial: Trial, length: int, step: Step, one: Instance, other: Instance) -> None:
    """Two instances that agree at all that a step attends to have the same step, and the same label there."""
    t = step.position
    there = next((each for each in other.steps if each.position == t), None)
    if there == step:
        _check_label(trial, length, step, one, other)
        return
    if there is not None:
        seen = f"that step reads position{plural(there.sources)}"
    else:
        seen = "the sequence ends before it" if t == len(other.tokens) else "that token is given"
    ids = one.ids[t - 1], other.ids[t - 1]
    told = trial.task.anchor == "last" and ids[0] != ids[1]  # by the ID of the query alone
    but = f" but for the ID of its query, {ids[0]} here and {ids[1]} there," if told else ","
    raise Broken(
        trial.at(length, one, step),
        f"reads position{plural(step.sources)}; with the prompt {trial.text(other.tokens[: other.n_prompt])}, where the "
        f"tokens and IDs that it attends to are the same{but} {seen}",
        "sources that say where they are: what decides which tokens are read, in which order, and whether there is a "
        "step at all is read as well" + "; that ID follows from tokens that are not" * told, instance=one, step=step,
    )  # fmt: skip


def plural(positions: Tokens) -> str:
    return f"{'' if len(positions) == 1 else 's'} {shown(positions)}"


def _resample(trial: Trial, length: int) -> tuple[int, int]:
    """How many steps need no comparison, as they read all that can change in the prompt, and how many are compared."""
    from hypothesis import strategies as st

    free = {i for i, options in enumerate(trial.choices(length)) if len(set(options)) > 1}
    settled = compared = 0

    def check(prompts: tuple[Tokens, Tokens]) -> None:
        nonlocal settled, compared
        prompt, other = prompts
        one = trial.solve(length, prompt)
        stride = ceil(len(one.steps) / CHANGES)
        for step in one.steps[sum(other) % stride :: stride]:  # everything that is not attended to, at once
            fixed = tuple(prompt[i] if i in trial.task.attended(step) else other[i] for i in range(len(prompt)))
            settled += free <= {*step.sources}
            compared += _check_changed(trial, length, one, fixed, (step,))
        differ = [i for i, token in enumerate(other) if token != prompt[i]]
        stride = ceil(len(differ) / CHANGES) or 1
        for i in differ[sum(prompt) % stride :: stride]:  # one token of the prompt at a time
            compared += _check_changed(trial, length, one, (*prompt[:i], other[i], *prompt[i + 1 :]), one.steps)

    trial.search(HIDDEN, length, st.tuples(trial.prompts(length), trial.prompts(length)), check)
    return settled, compared


def _check_changed(trial: Trial, length: int, one: Instance, prompt: Tokens, steps: tuple[Step, ...]) -> int:
    """How many of the steps see the same with another prompt; where they do, all else must be the same."""
    if prompt == one.tokens[: len(prompt)]:
        return 0  # it is the same instance
    other = trial.solve(length, prompt)
    there = {*other.steps}
    compared = 0
    for step in steps:
        if step in there and _read_alike(trial, one, other, step):
            _check_label(trial, length, step, one, other)
        elif agree(one, other, step.position, trial.task.attended(step)) or _told_by_id(trial, one, other, step):
            _check_step(trial, length, step, one, other)
        else:
            continue
        compared += 1
    return compared


def _read_alike(trial: Trial, one: Instance, other: Instance, step: Step) -> bool:
    """Whether a step of two instances reads the same, or would but for IDs that tell no label."""
    return trial.reading(one, step) == trial.reading(other, step) or (
        trial.takes_key and _without_key(trial, one, step) == _without_key(trial, other, step)
    )


def _told_by_id(trial: Trial, one: Instance, other: Instance, step: Step) -> bool:
    """Whether the ID of the query alone tells two instances apart: see `Located.told_by_id`."""
    t = step.position
    return (
        trial.task.anchor == "last"
        and not trial.predicts_id(one, t - 1)
        and t <= len(other.tokens)
        and one.tokens[t - 1] == other.tokens[t - 1]
        and one.tokens[one.n_prompt : t] == other.tokens[one.n_prompt : t]
        and agree(one, other, t, trial.task.attended(step) - {t - 1})
    )


def agree(one: Instance, other: Instance, t: int, positions: Collection[int]) -> bool:
    """Whether two instances are asked for the token at t, and hold the same tokens and IDs at some earlier positions."""
    return other.n_prompt <= t <= len(other.tokens) and all(
        one.tokens[i] == other.tokens[i] and one.ids[i] == other.ids[i] for i in positions
    )
