"""The contracts of a task: what it promises, each put to a test that could refute it."""

from __future__ import annotations

import doctest
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain, pairwise, zip_longest
from types import FunctionType
from typing import Any, Protocol

from proofs_check.tasks.coupling import ids
from proofs_check.tasks.hidden import HIDDEN, no_hidden_dependence
from proofs_check.tasks.matters import every_dependency_matters
from proofs_check.tasks.sampling import check_prompt, sampling, weight_of
from proofs_check.tasks.trial import Broken, Decided, Trial, Undecided, at_lengths, attribute_of, calling
from theory.coordinates import are_ids, n_coordinates
from theory.errors import InvalidArgument, bulk, number_of, of_the_machine, shown
from theory.tasks.base import Instance, Step

CLIMBS = 2000
"""So many prompts are tried, each with one token changed, in search of a large dependency set."""


class Contract(Protocol):
    """Puts a task to the test: raises Broken or Undecided, or returns what was decided."""

    def __call__(self, trial: Trial) -> Decided: ...


def well_formed(trial: Trial) -> Decided:
    """Attributes of the right kinds, tokens of the alphabet, and every instance listed once."""
    for name, valid, wanted in _ATTRIBUTES:
        value = attribute_of(trial.task, name)
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
        weight_of(trial, length, instance)

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


def _claim(value: object) -> bool:
    """Whether `offsets` may be so."""
    return value is None or (
        isinstance(value, frozenset)
        and len(value) > 0
        and all(map(are_ids, value))
        and len({n_coordinates(offsets) for offsets in value if offsets}) < 2
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
                check_prompt(trial, length, instance)
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
                call = trial.called("rule", instance, step)
                seen = f"{call} = {shown(found)} {trial.symbol(found)}, and the token {target} {trial.symbol(target)}"
                raise Broken(at(), seen, "one and the same token", instance=instance, step=step)

    trial.each(RULE, check)
    return Decided(steps, number_of(steps, "step"))


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


EXAMPLES, RULE = "examples in the docstring", "target is a function of what is read"

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
