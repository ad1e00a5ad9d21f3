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
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain, combinations, groupby, pairwise, product, zip_longest
from math import ceil, log, prod
from types import FunctionType
from typing import Any, NoReturn, Protocol, TypeAlias

import numpy as np

from proofs_check.evidence import Kind
from proofs_check.task_report import Finding, TaskReport
from proofs_check.trial import Broken, Trial, Undecided, at_lengths, calling, name_of
from theory.errors import InvalidArgument, bulk, check_type, shown, within_budget
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
        return error


class Contract(Protocol):
    """Puts a task to the test: raises Broken or Undecided, or returns the cases decided and what they were."""

    def __call__(self, trial: Trial) -> tuple[int, str]: ...


def _finding(trial: Trial, name: str, contract: Contract) -> Finding:
    try:
        if name in trial.broken:
            raise trial.broken[name]
        instances, scope = contract(trial)
        if not instances and name != EXAMPLES:
            raise Undecided("nothing to decide it on" + ("; see what is refuted" if trial.broken else ""))
    except Broken as broken:
        return _refuted(trial, name, broken)
    except Undecided as why:
        return Finding(name, "inconclusive", str(why), 0)
    except (Exception, SystemExit) as error:  # whatever else the task's code does
        seen = f"{type(error).__name__}: {error}"
        return Finding(name, "refuted", "", 0, "while it was checked", seen, "no error")
    exhaustive = set(trial.lengths) == set(trial.listed) and name not in DRAWN
    kind: Kind = "exhausted" if exhaustive or name == EXAMPLES else "supported"
    return Finding(name, kind, scope, instances)


def _refuted(trial: Trial, name: str, broken: Broken) -> Finding:
    owner, order = broken.owner or name, [*CONTRACTS]
    if order.index(owner) > order.index(name):
        trial.broken.setdefault(owner, broken)  # it comes later, and says so
    if owner != name and owner in trial.broken:
        return Finding(name, "inconclusive", f"see: {owner}", 0)
    trial.broken[name] = broken
    table = trial.table(broken.instance)
    return Finding(name, "refuted", "", 0, broken.where, broken.seen, broken.wanted, table)


# ── The contracts ────────────────────────────────────────────────────────────────────────────────────────────────────


def well_formed(trial: Trial) -> tuple[int, str]:
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
    return count, f"{count:,} instances"


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


def deterministic(trial: Trial) -> tuple[int, str]:
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
    return count, f"{count:,} instances and samples, each twice"


def _two(trial: Trial, one: Instance | None, other: Instance | None) -> str:
    first, second = ("nothing" if i is None else trial.text(i.tokens) for i in (one, other))
    if first != second or one is None or other is None:
        return f"first {first}, then {second}"
    return f"twice {first}, with other IDs or steps"


def length_honoured(trial: Trial) -> tuple[int, str]:
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
            raise Broken(
                f"lengths {shorter} and {longer}", f"{what} of {longest[shorter]} and of {longest[longer]} tokens",
                f"longer {what} for a longer length",
            )  # fmt: skip
    return count, f"{count:,} instances"


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


def mask(trial: Trial) -> tuple[int, str]:
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
    return count, f"{count:,} instances"


def rule_agrees(trial: Trial) -> tuple[int, str]:
    """Every predicted token is `rule` of the tokens read."""
    steps = 0

    def check(length: int, instance: Instance) -> None:
        nonlocal steps
        for step in instance.steps:
            read, target = instance.read(step), instance.tokens[step.position]
            at = partial(trial.at, length, instance, step)
            with calling("rule", at, instance=instance):
                found = trial.task.rule(read)
            steps += 1
            if type(found) is not int or found != target:
                seen = f"rule({read}) = {shown(found)} {_symbol(trial, found)}, and the token {target} {_symbol(trial, target)}"
                raise Broken(at(), seen, "one and the same token", instance=instance)

    trial.each(RULE, check)
    return steps, f"{steps:,} steps"


def _symbol(trial: Trial, token: object) -> str:
    return f"({trial.text((token,))})" if type(token) is int else ""


def no_hidden_dependence(trial: Trial) -> tuple[int, str]:
    """With the tokens read fixed and everything else drawn anew, a predicted token stays the same; no rule is asked."""
    cases = compared = 0
    apart: list[int] = []
    for length in trial.sizes:
        if length in trial.listed or not trial.free:
            settled, found = _compare(trial, length, trial.seen(length))
        else:
            settled, found = _resample(trial, length)
        cases, compared = cases + settled + found, compared + found
        if not settled + found:
            apart.append(length)
    if apart and not cases:
        raise Undecided(f"at {at_lengths(apart)} no two drawn instances read the same at a step: try shorter lengths")
    return cases, f"{compared:,} comparisons{f', none at {at_lengths(apart)}' if apart else ''}"


def _compare(trial: Trial, length: int, instances: list[Instance]) -> tuple[int, int]:
    """How many steps need no comparison, and how many are compared; where all is listed, the first to read something."""
    first: dict[tuple[Step, Tokens], Instance] = {}
    compared = 0
    for instance in instances:
        for step in instance.steps:
            one = first.setdefault((step, instance.read(step)), instance)
            if one != instance:
                _check_same(trial, length, step, one, instance)
                compared += 1
    return len(first) if length in trial.listed else 0, compared


def _check_same(trial: Trial, length: int, step: Step, one: Instance, other: Instance) -> None:
    """Two instances in which a step reads the same have the same target there."""
    targets = one.tokens[step.position], other.tokens[step.position]
    if targets[0] != targets[1]:
        prompt = trial.text(other.tokens[: other.n_prompt])
        raise Broken(
            trial.at(length, one, step),
            f"reads {trial.text(one.read(step))} here and with the prompt {prompt}, but predicts "
            f"{trial.text(targets[:1])} here and {trial.text(targets[1:])} there",
            "sources that tell the two apart: the token depends on more than what is declared", instance=one,
        )  # fmt: skip


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
        for step in one.steps[sum(other) % stride :: stride]:  # everything that is not read, at once
            fixed = tuple(prompt[i] if i in step.sources else other[i] for i in range(len(prompt)))
            settled += free <= {*step.sources}
            compared += _check_changed(trial, length, one, fixed, (step,))
        differ = [i for i, token in enumerate(other) if token != prompt[i]]
        stride = ceil(len(differ) / CHANGES) or 1
        for i in differ[sum(prompt) % stride :: stride]:  # one token of the prompt at a time
            compared += _check_changed(trial, length, one, (*prompt[:i], other[i], *prompt[i + 1 :]), one.steps)

    trial.search(HIDDEN, length, st.tuples(trial.prompts(length), trial.prompts(length)), check)
    return settled, compared


def _check_changed(trial: Trial, length: int, one: Instance, prompt: Tokens, steps: tuple[Step, ...]) -> int:
    """How many of the steps read the same with another prompt; where they do, their targets must be the same."""
    if prompt == one.tokens[: len(prompt)]:
        return 0  # it is the same instance
    other = trial.solve(length, prompt)
    there = {*other.steps}
    same = [step for step in steps if step in there and one.read(step) == other.read(step)]
    for step in same:
        _check_same(trial, length, step, one, other)
    return len(same)


def every_dependency_matters(trial: Trial) -> tuple[int, str]:
    """For each place in what is read, two readings that differ there only and have different targets."""
    targets: dict[int, dict[Tokens, set[int]]] = defaultdict(lambda: defaultdict(set))
    found_at: dict[int, dict[int, tuple[Instance, Step]]] = defaultdict(dict)
    for length in trial.lengths:
        for instance in trial.seen(length):
            for step in instance.steps:
                read = instance.read(step)
                targets[len(read)][read].add(instance.tokens[step.position])
                found_at[len(read)].setdefault(length, (instance, step))
    decided, undecided = 0, list[str]()
    for size, of_reading in sorted(targets.items()):
        at = found_at[size]
        full = [length for length in at if length in trial.listed]
        growing = trial.task.sparsity is None and (not full or min(at) == trial.lengths[-1])
        for place in range(size):
            others: dict[Tokens, set[int]] = {}
            n_others = Counter[Tokens]()
            for read, target in of_reading.items():
                rest = read[:place] + read[place + 1 :]
                others.setdefault(rest, set()).update(target)
                n_others[rest] += 1
            if any(len(found) > 1 and n_others[rest] > 1 for rest, found in others.items()):
                decided += 1
            elif growing:
                continue  # of a dense task: more lengths would say more
            elif len(full) > 1 or (full and max(n_others.values()) > 1):
                length, (instance, step) = next(iter(at.items()))
                raise Broken(
                    f"{trial.at(length, instance, step)}, source {place + 1} of {size} (position {step.sources[place]})",
                    f"no token there changes the target, in any of the {len(of_reading):,} readings of {size} tokens",
                    "two of them that differ there only and have different targets, or steps that do not read it",
                    instance=instance,
                )  # fmt: skip
            else:
                undecided.append(f"source {place + 1} of {size}")
    if undecided:
        raise Undecided(f"{', '.join(undecided)}: not enough readings to compare; try more lengths, or a larger budget")
    return decided, f"{sum(map(len, targets.values())):,} readings"


def sparsity(trial: Trial) -> tuple[int, str]:
    """The largest dependency set is as large as declared, or grows where the task is declared dense."""
    declared = trial.task.sparsity
    largest: dict[int, tuple[int, Instance, Step]] = {}
    count = 0
    for length in trial.lengths:
        for instance in trial.seen(length):
            step = max(instance.steps, key=lambda step: len(step.sources))
            size = len(step.sources)
            if length not in largest or size > largest[length][0]:
                largest[length] = (size, instance, step)
            count += 1
    if not largest:
        return 0, ""
    sizes = {length: size for length, (size, _, _) in largest.items()}
    if declared is None:
        if len(sizes) < 2:
            raise Undecided("whether dependency sets grow shows only at two lengths or more")
        for shorter, longer in pairwise(sizes):
            if sizes[longer] <= sizes[shorter]:
                raise Broken(
                    f"lengths {shorter} and {longer}", f"largest dependency sets {sizes[shorter]} and {sizes[longer]}",
                    "larger sets at longer lengths, as the task is declared dense (sparsity = None)",
                    instance=largest[longer][1],
                )  # fmt: skip
        return count, f"{count:,} instances: the largest sets have {', '.join(map(str, sizes.values()))}"
    for length, (size, instance, step) in largest.items():
        if size > declared:
            raise Broken(
                trial.at(length, instance, step), f"reads {size} tokens", f"at most sparsity = {declared}",
                instance=instance,
            )  # fmt: skip
    if declared not in sizes.values():
        words = f"the largest sets at {at_lengths([*sizes])} are {', '.join(map(str, sizes.values()))}"
        if len(sizes) > 1 and len({*[*sizes.values()][-2:]}) > 1:
            raise Undecided(f"{words}, below sparsity = {declared}, and still growing: try longer lengths")
        raise Broken(at_lengths([*sizes]), words, f"a set of sparsity = {declared} at some length")
    return count, f"{count:,} instances: the largest set has {declared}"


def ids(trial: Trial) -> tuple[int, str]:
    """IDs follow from the length alone, or from increments that what is read decides; offsets are those claimed."""
    largest: dict[int, int] = {}
    predicted = False
    count = 0
    for length in trial.lengths:
        known: dict[int, Instance] = {}
        for instance in trial.seen(length):
            increments = _increments(trial, length, instance)
            predicted |= bool(increments)
            for increment in increments:
                largest[length] = max(largest.get(length, 0), abs(increment))
            if not increments:
                first = known.setdefault(instance.n_prompt, instance)
                if any(one != other for one, other in zip(first.ids, instance.ids, strict=False)):
                    raise Broken(
                        trial.at(length, instance), f"the IDs {shown(instance.ids)}, and {shown(first.ids)} with the "
                        f"prompt {trial.text(first.tokens[: first.n_prompt])}",
                        "IDs that depend on the length alone, or `increment` to predict them", instance=instance,
                    )  # fmt: skip
            count += 1
    if len(largest) > 2 and all(largest[one] < largest[other] for one, other in pairwise(largest)):
        raise Broken(
            at_lengths([*largest]), f"increments as large as {', '.join(map(str, largest.values()))}",
            "increments from a finite set that serves every length",
        )  # fmt: skip
    _check_offsets(trial)
    if not predicted:
        _check_coupling(trial)
    words = "predicted" if predicted else "fixed by the length"
    words += "" if trial.task.offsets is None else ", sources at the offsets claimed"
    return count, f"{count:,} instances: {words}"


def _increments(trial: Trial, length: int, instance: Instance) -> list[int]:
    """The increments of the steps of an instance, checked against its IDs; none where the task predicts no IDs."""
    found: list[int] = []
    for number, step in enumerate(instance.steps):
        read, t = instance.read(step), step.position
        at = partial(trial.at, length, instance, step)
        with calling("increment", at, instance=instance):
            increment = trial.task.increment(read)
        if increment is None and not found:
            continue
        grown = instance.ids[t] - instance.ids[t - 1]
        if increment != grown or len(found) != number:
            seen = f"increment({read}) = {shown(increment)}, and the ID grows by {grown}"
            raise Broken(at(), seen, "one and the same number, at every step", instance=instance)
        found.append(increment)
    return found


def _check_offsets(trial: Trial) -> None:
    """The IDs of what is read less that of the query are the tuples claimed, at every step and length."""
    claimed = trial.task.offsets
    if claimed is None:
        return
    missing = set(claimed)
    for length in trial.lengths:
        for instance in trial.seen(length):
            for step in instance.steps:
                query = instance.ids[step.position - 1]
                offsets = tuple(instance.ids[source] - query for source in step.sources)
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


def free_running(trial: Trial) -> tuple[int, str]:
    """Each token by `rule` from the tokens made so far reproduces the sequence, and `increment` the IDs."""

    def check(length: int, instance: Instance) -> None:
        with calling("rollout", partial(trial.at, length, instance), owner=RULE, instance=instance):
            tokens = trial.task.rollout(instance)
        if tokens != instance.tokens:
            raise Broken(
                trial.at(length, instance), f"the rollout {trial.text(tokens)}", trial.text(instance.tokens),
                instance=instance,
            )  # fmt: skip
        rolled, steps = list(instance.ids), {step.position: step for step in instance.steps}
        for t in range(instance.n_prompt, len(tokens)):
            if t in steps:
                with calling("increment", partial(trial.at, length, instance, steps[t]), instance=instance):
                    increment = trial.task.increment(instance.read(steps[t]))
                rolled[t] = rolled[t] if increment is None else rolled[t - 1] + increment
        if tuple(rolled) != instance.ids:
            raise Broken(
                trial.at(length, instance), f"the IDs {shown(tuple(rolled))}", shown(instance.ids), instance=instance
            )

    count = trial.each("free running", check)
    return count, f"{count:,} instances"


def sampling(trial: Trial) -> tuple[int, str]:
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
    return count, f"{count:,} samples: {n_tests:,} exact tests, together at level {trial.level}{less}"


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


def examples(trial: Trial) -> tuple[int, str]:
    """The examples in the docstrings of the task's class and module run, and print what they say."""
    kind = type(trial.task)
    module = sys.modules.get(kind.__module__)
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
            raise _disagreeing(test, failure.example, f"{type(error).__name__}: {error}") from None
    count = sum(len(test.examples) for test in tests)
    return count, f"{count} examples" if count else "there are none"


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
