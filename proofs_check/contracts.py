"""The contracts of a task: what it promises, each put to a test that could refute it.

>>> from theory.tasks import Copy
>>> report = check_task(Copy(), lengths=(1, 2, 3))
>>> report.holds, report["sparsity"].kind, report["sparsity"].instances
(True, 'exhausted', 14)

A copy whose IDs are one off in its output:

>>> class Shifted(Copy):
...     def solve(self, prompt):
...         made = super().solve(prompt)
...         n = made.n_prompt
...         return Instance(made.tokens, (*made.ids[:n], *(i + 1 for i in made.ids[n:])), made.steps)
>>> print(check_task(Shifted(), lengths=(1, 2, 3))["IDs"].explain())
IDs                                       refuted
  at      length 2, prompt 'aa>', the step at position 4
  seen    reads IDs at offsets (0,) from that of its query
  wanted  (1,), as `offsets` claims
          token a  a  >  a  a
          ID    0  1  -1 1  2
          read           0  1
"""

from __future__ import annotations

import doctest
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from itertools import chain, combinations, groupby, islice, pairwise, product, zip_longest
from math import ceil, log, prod
from types import FunctionType
from typing import Any, NamedTuple, NoReturn, Protocol, TypeAlias, TypeVar

import numpy as np

from proofs_check.evidence import Kind
from proofs_check.task_report import Finding, TaskReport
from proofs_check.trial import Broken, Trial, Undecided, at_lengths, calling, name_of
from theory.errors import InvalidArgument, bulk, check_type, of_the_machine, shown, within_budget
from theory.exact import Rational, as_float, rational
from theory.tasks.base import Instance, Step, Task, Tokens, check_parameter

BUDGET = 20_000
"""Lengths with at most so many instances are listed."""

FEWEST_SAMPLES = 1000
"""Of a length, where the budget allows; more where it takes more to see that the rarest outcome never comes."""

LISTED_OUTCOMES = 256
"""Up to so many instances of a length, the sampler is tested on every one of them; beyond, on the prompt tokens at every
position, and at pairs of positions with at most so many combinations."""

PAIRS = 8
"""How many pairs of neighbours in a prompt that is, besides its two ends."""


EXAMPLES_OF_A_SIZE = 20
"""In so many steps of a drawn length that read the same number of tokens, each of these is changed to see what it is for."""

CLIMBS = 2000
"""So many prompts are tried, each with one token changed, in search of a large dependency set."""

MOST_NAMED = 5
"""Of so many sizes the undecided sources are named."""

Value = TypeVar("Value")

CHANGES = 32
"""How many tokens of a prompt, and for how many steps the rest of it, are drawn anew, each apart from the others."""


def check_task(
    task: Task,
    *,
    lengths: Iterable[int] | None = None,
    seed: int = 0,
    budget: int = BUDGET,
    draws: int = 50,
    level: Rational = Fraction(1, 1000),
) -> TaskReport:
    """Put every contract of a task to the test.

    Parameters
    ----------
    task : the task.
    lengths : those to try; default: the four smallest, and one 7 above the smallest.
    seed : of everything random; the same seed gives the same report.
    budget : a length with at most so many instances is tried on all of them, a longer one on drawn ones; it also limits
        how many samples are drawn. An instance of a length n > 64 counts as n / 64.
    draws : how many instances Hypothesis draws for a contract at a length that is not listed.
    level : the chance that a right sampler is refuted, over all tests of the report together.

    Returns
    -------
    TaskReport

    Raises
    ------
    InvalidArgument : for arguments that are malformed. What the task does wrong is a finding, never an error.
    BudgetExceeded : for a length above 64 of which 1,000 samples are more than the budget.

    Examples
    --------
    >>> from theory.tasks import ScratchpadParity
    >>> check_task(ScratchpadParity(), lengths=[1, 2, 3, 20]).require()

    Cost: instances · steps for listed lengths; some thousand solutions, and `draws` · 64 more, for the others.
    """
    where = "check_task"
    check_type(task, Task, where, "task", "a Task", "Pass an instance of a subclass of theory.tasks.Task.")
    check_parameter(budget, where, "budget", least=1)
    check_parameter(draws, where, "draws", least=1)
    check_parameter(seed, where, "seed", least=0)
    exact_level = rational(level, where, "level")
    if not 0 < exact_level < 1:
        raise InvalidArgument(where, "level", str(exact_level), "a level between 0 and 1", "For instance '1/1000'.")
    trial = Trial(task, _lengths(task, lengths, budget), seed=seed, budget=budget, draws=draws, level=exact_level)
    findings = tuple(_finding(trial, name, contract) for name, contract in CONTRACTS.items())
    return TaskReport(trial.name, trial.lengths, trial.covered(), seed, findings)


def _lengths(task: Task, wanted: Iterable[int] | None, budget: int) -> list[int]:
    where, least = "check_task", _attribute(task, "min_length")
    if type(least) is not int or least < 1:
        least = 1  # the contract "well formed" says so
    if wanted is None:
        wanted = [least, least + 1, least + 2, least + 3, least + 7]
    check_type(wanted, Iterable, where, "lengths", "integers", "For instance lengths=(1, 2, 3).")
    given = list(wanted)
    for length in given:
        if type(length) is not int or length < least:
            raise InvalidArgument(
                where, "lengths", shown(length), f"integers >= {least}",
                f"The shortest {name_of(task)} has length {least}.",
            )  # fmt: skip
    if not given:
        raise InvalidArgument(where, "lengths", "none", "at least one", "For instance lengths=(1, 2, 3).")
    if bulk(max(given)) > 1:
        within_budget(where, size=FEWEST_SAMPLES * bulk(max(given)), budget=budget)
    return sorted(set(given))


def _attribute(task: Task, name: str) -> Any:
    """An attribute, or the error that reading it raises."""
    try:
        return getattr(task, name)
    except (Exception, SystemExit) as error:
        if of_the_machine(error):
            raise
        return error


class Decided(NamedTuple):
    """What was decided: how many cases, what they were, and whether nothing that was listed was left out."""

    cases: int
    scope: str
    complete: bool = True


class Contract(Protocol):
    """Puts a task to the test: raises Broken or Undecided, or returns what was decided."""

    def __call__(self, trial: Trial) -> Decided: ...


def _finding(trial: Trial, name: str, contract: Contract) -> Finding:
    try:
        if name in trial.broken:
            raise trial.broken[name]
        instances, scope, complete = contract(trial)
        if not instances and name != EXAMPLES:
            raise Undecided("nothing to decide it on" + ("; see what is refuted" if trial.broken else ""))
    except Broken as broken:
        return _refuted(trial, name, broken)
    except Undecided as why:
        return Finding(name, "inconclusive", str(why), 0)
    except (Exception, SystemExit) as error:  # whatever else the task's code does
        if of_the_machine(error):
            raise
        seen = f"{type(error).__name__}: {error}"
        return Finding(name, "refuted", "", 0, "while it was checked", seen, "no error")
    exhaustive = complete and set(trial.lengths) == set(trial.listed) and name not in DRAWN
    kind: Kind = "exhausted" if exhaustive or name == EXAMPLES else "supported"
    return Finding(name, kind, scope, instances)


def _refuted(trial: Trial, name: str, broken: Broken) -> Finding:
    owner, order = broken.owner or name, [*CONTRACTS]
    if order.index(owner) > order.index(name):
        trial.broken.setdefault(owner, broken)  # it comes later, and says so
    if owner != name and owner in trial.broken:
        return Finding(name, "inconclusive", f"see: {owner}", 0)
    trial.broken[name] = broken
    table = trial.table(broken.instance, broken.step)
    return Finding(name, "refuted", "", 0, broken.where, broken.seen, broken.wanted, table)


# ── The contracts ────────────────────────────────────────────────────────────────────────────────────────────────────


def well_formed(trial: Trial) -> Decided:
    """Attributes of the right kinds, tokens of the alphabet, and every instance listed once."""
    for name, valid, wanted in _ATTRIBUTES:
        value = _attribute(trial.task, name)
        if isinstance(value, Exception) or not valid(value):
            seen = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else shown(value)
            raise Broken(f"the attribute {name}", seen, wanted)
    n_tokens = len(trial.task.alphabet)

    def check(length: int, instance: Instance) -> None:
        for position, token in enumerate(instance.tokens):
            if not 0 <= token < n_tokens:
                raise Broken(
                    f"{trial.at(length, instance)}, position {position}", f"token {token}",
                    f"a token of the alphabet, 0..{n_tokens - 1}", instance=instance,
                )  # fmt: skip
        _weight(trial, length, instance)

    count = trial.each("well formed", check)
    for length, instances in trial.listed.items():
        first: set[object] = set()
        for instance in instances:
            key = instance.tokens[: instance.n_prompt] if trial.free else instance
            if key in first:
                raise Broken(
                    trial.at(length, instance), "listed more than once", "every instance listed once; weight says "
                    "how likely it is", instance=instance,
                )  # fmt: skip
            first.add(key)
    return Decided(count, f"{count:,} instances")


def _weight(trial: Trial, length: int, instance: Instance) -> int:
    owner, at = "well formed", partial(trial.at, length, instance)
    with calling("weight", at, owner=owner, instance=instance):
        weight = trial.task.weight(instance)
    if type(weight) is not int or weight < 1:
        raise Broken(at(), f"weight {shown(weight)}", "an integer >= 1", instance=instance, owner=owner)
    return weight


def _claim(value: object) -> bool:
    """Whether `offsets` may be so."""
    return value is None or (
        isinstance(value, frozenset)
        and len(value) > 0
        and all(isinstance(offsets, tuple) and all(type(i) is int for i in offsets) for offsets in value)
    )


def _distinct_strings(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) > 0
        and all(isinstance(symbol, str) and symbol for symbol in value)
        and len(set(value)) == len(value)
    )


_ATTRIBUTES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("name", lambda value: isinstance(value, str) and value != "", "a string"),
    ("alphabet", _distinct_strings, "a tuple of distinct strings, none of them empty"),
    ("sparsity", lambda value: value is None or (type(value) is int and value >= 0), "an integer >= 0, or None"),
    ("anchor", lambda value: value in ("last", "none"), "'last' or 'none'"),
    ("min_length", lambda value: type(value) is int and value >= 1, "an integer >= 1"),
    ("offsets", _claim, "a frozenset of tuples of integers, or None where nothing is claimed"),
)


def deterministic(trial: Trial) -> Decided:
    """The same instances when they are listed again, and the same sample from the same generator state."""
    count = 0
    for length, instances in trial.listed.items():
        for number, (one, other) in enumerate(zip_longest(instances, trial.list_again(length)), start=1):
            if one != other:
                raise Broken(
                    f"length {length}, instance {number} of instances({length})", _two(trial, one, other),
                    "the same instances every time; keep no iterator, generator or counter in the task",
                    instance=one,
                )  # fmt: skip
            count += 1
    for length in trial.sizes:
        for number in range(20):
            one, other = (trial.draw(length, trial.rng("deterministic", f"{length} {number}")) for _ in range(2))
            if one != other:
                raise Broken(
                    f"sample({length}, rng), twice with generators in the same state", _two(trial, one, other),
                    "one instance; draw from the generator that is passed in, and from nothing else", instance=one,
                )  # fmt: skip
            count += 1
    return Decided(count, f"{count:,} instances and samples, each twice")


def _two(trial: Trial, one: Instance | None, other: Instance | None) -> str:
    first, second = ("nothing" if i is None else trial.text(i.tokens) for i in (one, other))
    if first != second or one is None or other is None:
        return f"first {first}, then {second}"
    return f"twice {first}, with other IDs or steps"


def length_honoured(trial: Trial) -> Decided:
    """As many instances as announced, prompts of the length asked for, longer ones for longer lengths."""
    _check_refusal(trial)
    longest: dict[int, int] = {}
    count = 0
    for length in trial.sizes:
        if length in trial.listed and len(trial.listed[length]) != trial.sizes[length]:
            n, size = len(trial.listed[length]), trial.sizes[length]
            seen = f"{n if n < size else f'more than {size}'} instances are listed, and n_instances = {size}"
            raise Broken(f"length {length}", seen, "as many instances as n_instances says")
        instances = chain(trial.seen(length), (trial.draw(length, trial.rng("length", str(length))) for _ in range(20)))
        longest[length] = 0
        for instance in instances:
            if trial.free:
                _check_prompt(trial, length, instance)
            n_tokens = len(trial.choices(length)) if trial.free else len(instance.tokens)
            longest[length] = max(longest[length], n_tokens)
            count += 1
    for shorter, longer in pairwise(longest):
        if longest[longer] <= longest[shorter]:
            what = "prompts" if trial.free else "sequences"
            if not trial.free and longer not in trial.listed:
                raise Undecided(
                    f"the longest sequences seen at {at_lengths([shorter, longer])} have {longest[shorter]} and "
                    f"{longest[longer]} tokens; of length {longer} not all were"
                )
            raise Broken(
                f"lengths {shorter} and {longer}", f"{what} of {longest[shorter]} and of {longest[longer]} tokens",
                f"longer {what} for a longer length",
            )  # fmt: skip
    return Decided(count, f"{count:,} instances")


def _check_refusal(trial: Trial) -> None:
    task, below = trial.task, trial.task.min_length - 1
    calls: dict[str, Callable[[], object]] = {
        "sample": lambda: task.sample(below, trial.rng("refusal")),
        "support": lambda: next(iter(task.support(below)), None),
    }
    for method, call in calls.items():
        try:
            got = call()
            seen = trial.text(got.tokens) if isinstance(got, Instance) else shown(got)
        except (Exception, SystemExit) as error:
            if of_the_machine(error):
                raise
            if isinstance(error, InvalidArgument) and error.argument == "length":
                continue
            seen = f"{type(error).__name__}: {error}"
        raise Broken(
            f"{method}({below}), below min_length = {below + 1}",
            seen,
            "an InvalidArgument about the length; see check_length",
        )


def _check_prompt(trial: Trial, length: int, instance: Instance) -> None:
    choices = trial.choices(length)
    prompt = instance.tokens[: len(choices)]
    fits = len(prompt) == len(choices) and all(token in options for token, options in zip(prompt, choices, strict=True))
    if not fits:
        raise Broken(
            trial.at(length, instance), f"the prompt {trial.text(prompt)}",
            f"one that choices({length}) allows, {len(choices)} tokens long", instance=instance,
        )  # fmt: skip


def mask(trial: Trial) -> Decided:
    """Scored are the steps, none of them in the prompt; what else follows the prompt is given."""

    def check(length: int, instance: Instance) -> None:
        n_prompt = len(trial.choices(length)) if trial.free else instance.n_prompt
        if instance.n_prompt != n_prompt:
            between = range(*sorted((instance.n_prompt, n_prompt)))
            inside = "scored or given inside the prompt" if instance.n_prompt < n_prompt else "neither scored nor given"
            raise Broken(
                trial.at(length, instance), f"position {between[0]} {inside}",
                f"steps and given positions from {n_prompt} on, as the prompt has {n_prompt} tokens", instance=instance,
            )  # fmt: skip

    count = trial.each("mask", check)
    return Decided(count, f"{count:,} instances")


def rule_agrees(trial: Trial) -> Decided:
    """Every predicted token is `rule` of the tokens read, and of their key where the rule takes one."""
    steps = 0

    def check(length: int, instance: Instance) -> None:
        nonlocal steps
        for step in instance.steps:
            target, at = instance.tokens[step.position], partial(trial.at, length, instance, step)
            with calling("rule", at, instance=instance, step=step):
                found = trial.task.predict_token(instance.read(step), instance.key(step))
            steps += 1
            if type(found) is not int or found != target:
                call = _called(trial, "rule", instance, step)
                seen = (
                    f"{call} = {shown(found)} {_symbol(trial, found)}, and the token {target} {_symbol(trial, target)}"
                )
                raise Broken(at(), seen, "one and the same token", instance=instance, step=step)

    trial.each(RULE, check)
    return Decided(steps, f"{steps:,} steps")


def _called(trial: Trial, method: str, instance: Instance, step: Step) -> str:
    """How a method of the task was called for a step."""
    key = f", key={shown(instance.key(step))}" if trial.task.takes_key else ""
    return f"{method}({shown(instance.read(step))}{key})"


def _symbol(trial: Trial, token: object) -> str:
    return f"({trial.text((token,))})" if type(token) is int else ""


def no_hidden_dependence(trial: Trial) -> Decided:
    """What a step does not read changes neither its target nor, unless it is attended to, the choice of what is read.

    No rule is asked. Two instances of one length in which a step, at one position, reads the same (tokens; and their key,
    where the rule takes one) have the same label there. Two that agree, in tokens and IDs, at all that a step attends to
    (its sources, and with anchor "last" its query) both have that step, with the same sources in the same order: what
    earlier steps read does not count, as no head sees it. A given token that varies is an input, and does not follow from
    the tokens before it. What lengths of prompts tell is not checked; where they differ at one length, that is said.
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
    uneven = [length for length in trial.sizes if len({instance.n_prompt for instance in trial.seen(length)}) > 1]
    if uneven:
        scope += f"; at {at_lengths(uneven)} prompts differ in length, which may tell the answer"
    return Decided(cases, scope, not uneven)


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
    compared = 0
    for instance in instances:
        for step in instance.steps:
            one = first.setdefault((step, trial.reading(instance, step)), instance)
            if one != instance:
                _check_label(trial, length, step, one, instance)
                compared += 1
    located = Located(trial, instances)
    for one, step, other in located.apart():
        _check_step(trial, length, step, one, other)
    return len(first) if length in trial.listed else 0, compared


class Located:
    """Whether what a step attends to says where it reads: instances that agree there have the same step.

    Sets of instances are integers with a bit for each, so that all pairs are compared.
    """

    def __init__(self, trial: Trial, instances: list[Instance]) -> None:
        self.instances, self.anchored = instances, trial.task.anchor == "last"
        self._steps = defaultdict[int, list[tuple[Instance, Step]]](list)
        holding = defaultdict[tuple[int, int, int], list[int]](list)
        asked = defaultdict[tuple[int, int], list[int]](list)
        doing = defaultdict[Step, list[int]](list)
        for number, instance in enumerate(instances):
            for i, (token, id_) in enumerate(zip(instance.tokens, instance.ids, strict=True)):
                holding[i, token, id_].append(number)
            for t in range(instance.n_prompt, len(instance.tokens) + 1):
                asked[self._when(instance, t)].append(number)
            for step in instance.steps:
                doing[step].append(number)
                self._steps[len(step.sources)].append((instance, step))
        self._holding = {key: _bits(numbers) for key, numbers in holding.items()}
        self._asked = {when: _bits(numbers) for when, numbers in asked.items()}
        self._doing = {step: _bits(numbers) for step, numbers in doing.items()}

    def _when(self, instance: Instance, t: int) -> tuple[int, int]:
        """When a token is asked for: where no query says that the prompt is over, prompts as long are compared."""
        return t, 0 if self.anchored else instance.n_prompt

    def apart(self, left_out: Mapping[int, Collection[int]] | None = None) -> Iterator[tuple[Instance, Step, Instance]]:
        """An instance with a step, and one that agrees at all that it attends to and does something else there.

        `left_out` are places that are not read, by the number of sources of a step; then only such steps are looked at.
        """
        same = defaultdict[Step, int](int)
        for step, bits in self._doing.items():
            same[Step(step.position, _kept(step.sources, left_out))] |= bits
        done = set()
        for instance, step in chain.from_iterable(self._steps[size] for size in left_out or [*self._steps]):
            now = Step(step.position, _kept(step.sources, left_out))
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
                yield instance, step, self.instances[(others & -others).bit_length() - 1]


def _kept(values: tuple[Value, ...], left_out: Mapping[int, Collection[int]] | None) -> tuple[Value, ...]:
    """What is left of the sources of a step, or of its reading, without the places that are left out."""
    places = left_out.get(len(values)) if left_out else None
    return tuple(value for i, value in enumerate(values) if i not in places) if places else values


def _bits(numbers: list[int]) -> int:
    """The set of numbers as an integer."""
    found = bytearray(numbers[-1] // 8 + 1)  # in increasing order
    for number in numbers:
        found[number // 8] |= 1 << number % 8
    return int.from_bytes(found, "little")


def _check_label(trial: Trial, length: int, step: Step, one: Instance, other: Instance) -> None:
    """Two instances in which a step reads the same have the same label there."""
    labels = trial.label(one, step), trial.label(other, step)
    if labels[0] != labels[1]:
        here, there = (_predicted(trial, label) for label in labels)
        raise Broken(
            trial.at(length, one, step),
            f"reads {trial.text(one.read(step))} here and with the prompt {trial.text(other.tokens[: other.n_prompt])}, "
            f"but predicts {here} here and {there} there",
            "sources that tell the two apart: the token depends on more than what is declared", instance=one, step=step,
        )  # fmt: skip


def _predicted(trial: Trial, label: tuple[int, ...]) -> str:
    """A label in words."""
    return " with the ID increment ".join((trial.text(label[:1]), *map(str, label[1:])))


def _check_step(trial: Trial, length: int, step: Step, one: Instance, other: Instance) -> None:
    """Two instances that agree at all that a step attends to have the same step, and the same label there."""
    t = step.position
    there = next((each for each in other.steps if each.position == t), None)
    if there == step:
        _check_label(trial, length, step, one, other)
        return
    if there is not None:
        seen = f"that step reads position{_plural(there.sources)}"
    else:
        seen = "the sequence ends before it" if t == len(other.tokens) else "that token is given"
    raise Broken(
        trial.at(length, one, step),
        f"reads position{_plural(step.sources)}; with the prompt {trial.text(other.tokens[: other.n_prompt])}, where the "
        f"tokens and IDs that it attends to are the same, {seen}",
        "sources that say where they are: what decides which tokens are read, in which order, and whether there is a "
        "step at all is read as well", instance=one, step=step,
    )  # fmt: skip


def _plural(positions: Tokens) -> str:
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
        if step in there and trial.reading(one, step) == trial.reading(other, step):
            _check_label(trial, length, step, one, other)
        elif _agree(one, other, step.position, trial.task.attended(step)):
            _check_step(trial, length, step, one, other)
        else:
            continue
        compared += 1
    return compared


def _agree(one: Instance, other: Instance, t: int, positions: Collection[int]) -> bool:
    """Whether two instances are asked for the token at t, and hold the same tokens and IDs at some earlier positions."""
    return other.n_prompt <= t <= len(other.tokens) and all(
        one.tokens[i] == other.tokens[i] and one.ids[i] == other.ids[i] for i in positions
    )


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
            f"(position{_plural(tuple(step.sources[place] for place in places))})",
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
                found[not self._listings_decide(size, place)].setdefault(size, []).append(place)
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
                other, known = first.setdefault(_kept(read, left_out), (size, there))
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
                        alone = _kept(here, {size: [place]}) == _kept(there, {size: [place]})
                        if alone and trial.label(one, step) != trial.label(other, step):
                            return True
                    elif _agree(one, other, step.position, rest):
                        return True
        return False

    def never_varied(self, size: int, place: int) -> bool:
        """Whether a dense task first reads so many tokens at the last length, and there the same token always."""
        first_seen_last = min(self._at[size]) == self.trial.lengths[-1]
        return (
            self.trial.task.sparsity is None
            and first_seen_last
            and len({read[place] for read in self.labels[size]}) == 1
        )

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


def sparsity(trial: Trial) -> Decided:
    """No dependency set is larger than declared, and one is as large; of a dense task they grow from first to last length.

    Where the declared size is not attained, longer lengths may show it: nothing is refuted. Of a dense task sizes may stand
    still on the way; that none is larger at the last length than at the first is said of listed lengths only.
    """
    declared, largest = trial.task.sparsity, dict[int, tuple[int, Instance, Step]]()
    before = 0
    for length in trial.sizes:
        largest[length] = _largest(trial, length, more_than=before if declared is None else declared - 1)
        before = largest[length][0]
    if not largest:
        return Decided(0, "")
    count = sum(len(trial.seen(length)) for length in largest)
    sizes = {length: size for length, (size, _, _) in largest.items()}
    if declared is None:
        return Decided(count, f"{count:,} instances: the largest sets have {_growing(largest, trial)}")
    for length, (size, instance, step) in largest.items():
        if size > declared:
            raise Broken(
                trial.at(length, instance, step), f"reads {size} tokens", f"at most sparsity = {declared}",
                instance=instance, step=step,
            )  # fmt: skip
    if declared not in sizes.values():
        words = f"the largest sets at {at_lengths([*sizes])} are {', '.join(map(str, sizes.values()))}"
        drawn = [length for length in sizes if length not in trial.listed]
        unseen = f"; of {at_lengths(drawn)} not all instances were seen" if drawn else ""
        raise Undecided(f"{words}, below sparsity = {declared}{unseen}: try longer lengths, or declare less")
    return Decided(count, f"{count:,} instances: the largest set has {declared}")


def _growing(largest: dict[int, tuple[int, Instance, Step]], trial: Trial) -> str:
    """The sizes of the largest sets of a dense task, which grow from the first length to the last."""
    if len(largest) < 2:
        raise Undecided("whether dependency sets grow shows only at two lengths or more")
    (first, (small, *_)), *_, (last, (large, instance, step)) = largest.items()
    if large > small:
        return ", ".join(str(size) for size, _, _ in largest.values())
    if drawn := [length for length in largest if length not in trial.listed]:
        raise Undecided(
            f"the largest sets seen at {at_lengths([first, last])} have {small} and {large} tokens; of "
            f"{at_lengths(drawn)} not all instances were seen: try shorter lengths, or a larger budget"
        )
    raise Broken(
        f"lengths {first} and {last}", f"largest dependency sets {small} and {large}",
        "larger sets at longer lengths, as the task is declared dense (sparsity = None)",
        instance=instance, step=step,
    )  # fmt: skip


def _largest(trial: Trial, length: int, *, more_than: int) -> tuple[int, Instance, Step]:
    """The largest dependency set seen; while it is not large enough, drawn prompts are changed to have a larger one."""

    def largest(instance: Instance) -> tuple[int, Instance, Step]:
        step = max(instance.steps, key=lambda step: len(step.sources))
        return len(step.sources), instance, step

    def size(found: tuple[int, Instance, Step]) -> int:
        return found[0]

    best = max(map(largest, trial.seen(length)), key=size)
    if length in trial.listed or not trial.free:
        return best
    left = min(CLIMBS, trial.budget // bulk(length))
    better = True
    while better and left > 0 and size(best) <= more_than:
        better = False
        for i, options in enumerate(trial.choices(length)):
            for token in options:
                prompt = best[1].tokens[: best[1].n_prompt]
                if token == prompt[i] or left <= 0:
                    continue
                left -= 1
                found = largest(trial.solve(length, (*prompt[:i], token, *prompt[i + 1 :])))
                if size(found) > size(best):
                    best, better = found, True
    return best


def ids(trial: Trial) -> Decided:
    """IDs are fixed by the length, or a function of the tokens so far, or predicted by increments that what is read
    decides; offsets are those claimed.
    """
    largest: dict[int, int] = {}
    count = 0
    for length in trial.lengths:
        for instance in trial.seen(length):
            if trial.predicts:
                for step in instance.steps:
                    increment = _check_increment(trial, length, instance, step)
                    largest[length] = max(largest.get(length, 0), abs(increment))
            count += 1
    words = _origin(trial)
    if len(largest) > 2 and all(largest[one] < largest[other] for one, other in pairwise(largest)):
        growing = f"increments as large as {', '.join(map(str, largest.values()))}"
        if len(trial.listed.keys() & largest) < 3:
            raise Undecided(f"{growing}, and still growing: list more lengths, with a larger budget")
        raise Broken(at_lengths([*largest]), growing, "increments from a finite set that serves every length")
    _check_offsets(trial)
    if words == FIXED:
        _check_coupling(trial)
    may_tell = "" if words in (FIXED, "predicted") else "; they may tell what no step reads"
    words += ("" if trial.task.offsets is None else ", sources at the offsets claimed") + may_tell
    return Decided(count, f"{count:,} instances: {words}")


def _check_increment(trial: Trial, length: int, instance: Instance, step: Step) -> int:
    """The increment of a step, checked against the IDs of its instance."""
    increment, t = trial.increment(length, instance, step), step.position
    grown = instance.ids[t] - instance.ids[t - 1]
    if increment is None or increment != grown:
        raise Broken(
            trial.at(length, instance, step),
            f"{_called(trial, 'increment', instance, step)} = {shown(increment)}, and the ID grows by {grown}",
            "one and the same number, at every step", instance=instance, step=step,
        )  # fmt: skip
    return increment


FIXED = "fixed by the length"


def _origin(trial: Trial) -> str:
    """What the IDs follow from, in words; of a task that predicts IDs those that no step predicts."""
    lead = "predicted; the others are " if trial.predicts else ""
    if _fixed(trial):
        return "predicted" if trial.predicts else FIXED
    if not _unlike(trial):
        return f"{lead}a function of the tokens so far"
    if not (found := _unlike(trial, by_length=True)):
        return f"{lead}a function of the length and of the tokens so far"
    if _fixed(trial, for_prompt=True):
        return f"{lead}fixed by the length of the prompt"
    if trial.predicts and not (found := _unlike(trial, by_length=True, whole=True)):
        return f"{lead}a function of the whole prompt"
    length, instance, i, other = found
    raise Broken(
        trial.at(length, instance),
        f"position {i} has the ID {instance.ids[i]}, and {other.ids[i]} with the prompt "
        f"{trial.text(other.tokens[: other.n_prompt])}, where the tokens {'of the prompt' if trial.predicts else 'so far'} "
        "are the same",
        "IDs of a prompt that follow from it" if trial.predicts else "IDs that are fixed by the length or follow from the "
        "tokens so far, or `increment` to predict them", instance=instance,
    )  # fmt: skip


def _unpredicted(trial: Trial, instance: Instance) -> list[int]:
    """The positions whose IDs no step predicts."""
    scored = {step.position for step in instance.steps} if trial.predicts else ()
    return [i for i in range(len(instance.ids)) if i not in scored]


def _fixed(trial: Trial, *, for_prompt: bool = False) -> bool:
    """Whether a position has one ID in all instances of a length (`for_prompt`: with a prompt as long)."""
    for length in trial.lengths:
        known: dict[tuple[int, int], int] = {}
        for instance in trial.seen(length):
            for i in _unpredicted(trial, instance):
                place = (instance.n_prompt if for_prompt else 0, i)
                if known.setdefault(place, instance.ids[i]) != instance.ids[i]:
                    return False
    return True


def _unlike(
    trial: Trial, *, by_length: bool = False, whole: bool = False
) -> tuple[int, Instance, int, Instance] | None:
    """A position with two IDs after the same tokens, it included (`whole`: and after those of the prompt), if any."""
    after: dict[tuple[int, int], int] = {}  # the state after a state and a token: one a beginning
    known: dict[tuple[int, int], Instance] = {}
    for length in trial.lengths:
        for instance in chain(trial.seen(length), _with_same_beginnings(trial, length)):
            states = [-length if by_length else 0]
            for token in instance.tokens:
                states.append(after.setdefault((states[-1], token), len(after) + 1))
            for i in _unpredicted(trial, instance):
                state = states[max(i + 1, instance.n_prompt if whole else 0)]
                other = known.setdefault((state, i), instance)
                if other.ids[i] != instance.ids[i]:
                    return length, instance, i, other
    return None


def _with_same_beginnings(trial: Trial, length: int) -> Iterator[Instance]:
    """Of a length that is drawn freely: instances whose prompts begin as one that was seen, and go on as another."""
    if length in trial.listed or not trial.free:
        return
    for one, other in islice(pairwise(trial.seen(length)), 8):
        n = one.n_prompt
        for cut in range(1, n, ceil(n / CHANGES)):
            yield trial.solve(length, (*one.tokens[:cut], *other.tokens[cut:n]))


def _check_offsets(trial: Trial) -> None:
    """The IDs of what is read less that of the query are the tuples claimed, at every step and length."""
    claimed = trial.task.offsets
    if claimed is None:
        return
    missing = set(claimed)
    for length in trial.lengths:
        for instance in trial.seen(length):
            for step in instance.steps:
                offsets = instance.key(step)
                missing.discard(offsets)
                if offsets not in claimed:
                    near = [claim for claim in claimed if len(claim) == len(offsets)] or claimed
                    raise Broken(
                        trial.at(length, instance, step), f"reads IDs at offsets {offsets} from that of its query",
                        f"{' or '.join(sorted(map(str, near))) or 'none'}, as `offsets` claims", instance=instance,
                    )  # fmt: skip
    if missing and trial.sizes:
        never = ", ".join(map(str, sorted(missing)))
        raise Undecided(f"no step reads IDs at the claimed offsets {never}: try more lengths, or claim less")


def _check_coupling(trial: Trial) -> None:
    """Places of two parts that share an ID at one length do so at every longer one, counted from the same ends."""
    first = {length: instances[0] for length in trial.lengths if (instances := trial.seen(length))}
    runs = {length: _runs(instance) for length, instance in first.items()}
    for one, other in combinations(sorted({run for found in runs.values() for run in found}), 2):
        both = [length for length in first if {one, other} <= runs[length].keys()]
        shared = [_shared(first[length].ids, runs[length][one], runs[length][other]) for length in both]
        nested = [all(small <= large for small, large in pairwise(places)) for places in zip(*shared, strict=True)]
        if both and not any(nested):
            raise Broken(
                f"{at_lengths(both)}, the parts {one[0]!r} and {other[0]!r}",
                f"share IDs at the places {'; '.join(str(sorted(places[0])) for places in shared)}",
                "places that share an ID at one length do so at the next", instance=first[both[-1]],
            )  # fmt: skip


def _runs(instance: Instance) -> dict[tuple[str, int], list[int]]:
    """The positions of every part; a part that occurs several times counts them."""
    runs: dict[tuple[str, int], list[int]] = {}
    seen = Counter[str]()
    for part, positions in groupby(range(len(instance.parts)), key=lambda i: instance.parts[i]):
        runs[part, seen[part]] = list(positions)
        seen[part] += 1
    return runs


def _shared(ids: tuple[int, ...], one: list[int], other: list[int]) -> list[set[tuple[int, int]]]:
    """The places in two parts that share an ID, each part counted from its start or from its end."""
    pairs = [(i, j) for i, a in enumerate(one) for j, b in enumerate(other) if ids[a] == ids[b]]
    ends = product((0, len(one) - 1), (0, len(other) - 1))
    return [{(abs(start - i), abs(end - j)) for i, j in pairs} for start, end in ends]


def free_running(trial: Trial) -> Decided:
    """Each token by `rule` and each ID by `increment`, from those made so far, reproduces the sequence."""

    def check(length: int, instance: Instance) -> None:
        with calling("rollout", partial(trial.at, length, instance), owner=RULE, instance=instance):
            tokens, ids = trial.task.free_run(instance)
        for made, right, words in (tokens, instance.tokens, trial.text), (ids, instance.ids, shown):
            if made != right:
                wrong = next(step for step in instance.steps if made[step.position] != right[step.position])
                raise Broken(
                    trial.at(length, instance), f"{'the IDs' if right is instance.ids else 'the rollout'} {words(made)}",
                    words(right), instance=instance, step=wrong,
                )  # fmt: skip

    count = trial.each("free running", check)
    return Decided(count, f"{count:,} instances")


def sampling(trial: Trial) -> Decided:
    """Samples lie in the support, and every outcome comes as often as its weight says: exact binomial tails.

    All tests together refute a right sampler with at most the chance `level` (Bonferroni).
    """
    from scipy.stats import binom

    laws = {length: _law(trial, length) for length in trial.sizes}
    n_tests = sum(len(law) for law, _ in laws.values())
    if not n_tests:
        raise Undecided("no length has few enough instances to list, and the prompts are no free choices")
    level = as_float(trial.level / n_tests)
    count = 0
    for length, (law, places) in laws.items():
        listed = set(trial.listed.get(length, ()))
        rarest = min(law.values(), default=Fraction(1))
        n = min(trial.budget // bulk(length), max(FEWEST_SAMPLES, ceil(log(2 / level) / as_float(rarest))))
        rng, counts = trial.rng("sampling", str(length)), Counter[Outcome]()
        for _ in range(n):
            instance = trial.draw(length, rng)
            if length in trial.listed and instance not in listed:
                raise Broken(
                    trial.at(length, instance), "sampled, but not among the instances of its length",
                    f"one of instances({length})", instance=instance,
                )  # fmt: skip
            if length not in trial.listed and trial.free:
                _check_prompt(trial, length, instance)
            counts.update(_outcomes(instance, places))
        outcomes, k, p = [*law], [counts[outcome] for outcome in law], [as_float(value) for value in law.values()]
        tails = 2 * np.minimum(binom.cdf(k, n, p), binom.sf(np.array(k) - 1, n, p))
        if law and tails.min() < level:
            _raise_frequency(trial, length, outcomes[worst := int(tails.argmin())], k[worst], n, law)
        count += n
    untested = ", ".join(str(length) for length, (law, _) in laws.items() if not law)
    less = f"; the frequencies at {untested} were not tested" if untested else ""
    return Decided(count, f"{count:,} samples: {n_tests:,} exact tests, together at level {trial.level}{less}")


def _raise_frequency(
    trial: Trial, length: int, outcome: Outcome, k: int, n: int, law: dict[Outcome, Fraction]
) -> NoReturn:
    instance = outcome if isinstance(outcome, Instance) else None
    if isinstance(outcome, Instance):
        where = trial.at(length, outcome)
    else:
        s = "s" if len(outcome) > 1 else ""
        positions = " and ".join(str(position) for position, _ in outcome)
        tokens = " and ".join(f"{token} {_symbol(trial, token)}" for _, token in outcome)
        where = f"length {length}, prompt position{s} {positions}, token{s} {tokens}"
    expected = f"about {as_float(law[outcome] * n):,.0f}, as the probability is {law[outcome]}"
    raise Broken(where, f"{k:,} of {n:,} samples", expected, instance=instance)


Outcome: TypeAlias = Instance | tuple[tuple[int, int], ...]
"""What is counted: an instance, or one or two positions, each with the prompt token there."""

Place: TypeAlias = tuple[int, ...]
"""The one or two positions of an outcome."""


def _law(trial: Trial, length: int) -> tuple[dict[Outcome, Fraction], list[Place]]:
    """The exact probability of every outcome that is counted; and at which places, unless instances are."""
    if length in trial.listed:
        instances = trial.listed[length]
        places = [] if len(instances) <= LISTED_OUTCOMES else _places(_seen(instances))
        weights, total = Counter[Outcome](), 0
        for instance in instances:
            weight = _weight(trial, length, instance)
            for outcome in _outcomes(instance, places):
                weights[outcome] += weight
            total += weight
        return {outcome: Fraction(weight, total) for outcome, weight in weights.items()}, places
    if not trial.free:
        return {}, []
    choices = [Counter(options) for options in trial.choices(length)]
    places = _places(choices)
    law: dict[Outcome, Fraction] = {}
    for place in places:
        for tokens in product(*(choices[i] for i in place)):
            ways = prod(choices[i][token] for i, token in zip(place, tokens, strict=True))
            law[tuple(zip(place, tokens, strict=True))] = Fraction(ways, prod(choices[i].total() for i in place))
    return law, places


def _seen(instances: list[Instance]) -> list[set[int]]:
    """The prompt tokens that occur at every position."""
    seen: list[set[int]] = []
    for instance in instances:
        seen.extend(set() for _ in range(instance.n_prompt - len(seen)))
        for tokens, token in zip(seen, instance.tokens[: instance.n_prompt], strict=False):
            tokens.add(token)
    return seen


def _places(options: Sequence[Collection[int]]) -> list[Place]:
    """Where tokens are counted: at every position alone, and at pairs of those with a choice."""
    free = [i for i, tokens in enumerate(options) if len(tokens) > 1]
    neighbours = [*pairwise(free)]
    pairs = neighbours[:: max(1, ceil(len(neighbours) / PAIRS))] + [(free[0], free[-1])] * (len(free) > 2)
    few = [(i, j) for i, j in pairs if len(options[i]) * len(options[j]) <= LISTED_OUTCOMES]
    return [*((i,) for i in range(len(options))), *few]


def _outcomes(instance: Instance, places: list[Place]) -> list[Outcome]:
    """The outcomes that an instance shows."""
    if not places:
        return [instance]
    return [tuple((i, instance.tokens[i]) for i in place) for place in places if place[-1] < instance.n_prompt]


def examples(trial: Trial) -> Decided:
    """The examples in the docstrings of the task's class and module run, and print what they say."""
    kind = type(trial.task)
    module = sys.modules.get(kind.__module__)
    if getattr(module, kind.__name__, None) is not kind:
        module = None  # a class made elsewhere, as in an example of that module, which would then run itself
    members = {f"{kind.__name__}.{name}": value for name, value in vars(kind).items() if name != "__doc__"}
    documented = {kind.__module__: module, kind.__name__: kind} | {
        name: value for name, value in members.items() if isinstance(value, FunctionType | property)
    }
    names = {**getattr(kind.rule, "__globals__", {}), **(vars(module) if module else {}), kind.__name__: kind}
    parser = doctest.DocTestParser()
    tests = [
        parser.get_doctest(of.__doc__, names.copy(), name, None, None) for name, of in documented.items() if of.__doc__
    ]
    for test in tests:
        try:
            doctest.DebugRunner().run(test, out=lambda text: None)
        except doctest.DocTestFailure as failure:
            raise _disagreeing(test, failure.example, failure.got) from None
        except doctest.UnexpectedException as failure:
            error = failure.exc_info[1]
            if of_the_machine(error):
                raise error from None
            raise _disagreeing(test, failure.example, f"{type(error).__name__}: {error}") from None
    count = sum(len(test.examples) for test in tests)
    return Decided(count, f"{count} examples" if count else "there are none")


def _disagreeing(test: doctest.DocTest, example: doctest.Example, got: str) -> Broken:
    where = f"the docstring of {test.name}, line {example.lineno + 1}: {example.source.strip()}"
    return Broken(where, got.strip() or "nothing", example.want.strip() or "nothing")


EXAMPLES, RULE, HIDDEN = "examples in the docstring", "target is a function of what is read", "hidden dependence"

CONTRACTS: dict[str, Contract] = {
    "well formed": well_formed,
    "deterministic": deterministic,
    "length honoured": length_honoured,
    "mask": mask,
    RULE: rule_agrees,
    HIDDEN: no_hidden_dependence,
    "every dependency matters": every_dependency_matters,
    "sparsity": sparsity,
    "IDs": ids,
    "free running": free_running,
    "sample agrees with support": sampling,
    EXAMPLES: examples,
}
"""Every contract by its name, in the order of a report."""

DRAWN = ("deterministic", "length honoured", "sample agrees with support")
"""The contracts that rest on samples at every length."""
