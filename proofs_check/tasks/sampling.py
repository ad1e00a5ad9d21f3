"""The contract "sample agrees with support": exact tests of the sampler against the listed law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise, product
from math import ceil, log, prod
from typing import NoReturn, TypeAlias

import numpy as np

from proofs_check.tasks.trial import Broken, Decided, Trial, Undecided, calling
from theory.errors import bulk, shown
from theory.exact import as_float
from theory.tasks.base import Instance

FEWEST_SAMPLES = 1000
"""Of a length, where the budget allows; more where it takes more to see that the rarest outcome never comes."""

LISTED_OUTCOMES = 256
"""Up to so many instances of a length, the sampler is tested on every one of them; beyond, on the prompt tokens at every
position, and at pairs of positions with at most so many combinations."""

PAIRS = 8
"""How many pairs of neighbours in a prompt that is, besides its two ends."""


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
        rng, drawn = trial.rng("sampling", str(length)), list[Instance]()
        for _ in range(n):
            instance = trial.draw(length, rng)
            if length in trial.listed and instance not in listed:
                raise Broken(
                    trial.at(length, instance), "sampled, but not among the instances of its length",
                    f"one of instances({length})", instance=instance,
                )  # fmt: skip
            if length not in trial.listed and trial.free:
                check_prompt(trial, length, instance)
            drawn.append(instance)
        counts = _counts(drawn, [1] * n, places)
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
        tokens = " and ".join(f"{token} {trial.symbol(token)}" for _, token in outcome)
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
        weights = [weight_of(trial, length, instance) for instance in instances]
        total = sum(weights)
        return {
            outcome: Fraction(weight, total) for outcome, weight in _counts(instances, weights, places).items()
        }, places
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


def _counts(instances: list[Instance], weights: list[int], places: list[Place]) -> Counter[Outcome]:
    """The weight of every outcome that instances show."""
    counts = Counter[Outcome]()
    if not places:
        for instance, weight in zip(instances, weights, strict=True):
            counts[instance] += weight
    prompts = [instance.tokens[: instance.n_prompt] for instance in instances]
    for place in places:
        there = [(prompt, weight) for prompt, weight in zip(prompts, weights, strict=True) if place[-1] < len(prompt)]
        columns = ([prompt[i] for prompt, _ in there] for i in place)
        seen = Counter[tuple[int, ...]]()
        for tokens, (_, weight) in zip(zip(*columns, strict=True), there, strict=True):
            seen[tokens] += weight
        counts.update({tuple(zip(place, tokens, strict=True)): weight for tokens, weight in seen.items()})
    return counts


def weight_of(trial: Trial, length: int, instance: Instance) -> int:
    owner, at = "well formed", partial(trial.at, length, instance)
    with calling("weight", at, owner=owner, instance=instance):
        weight = trial.task.weight(instance)
    if type(weight) is not int or weight < 1:
        raise Broken(at(), f"weight {shown(weight)}", "an integer >= 1", instance=instance, owner=owner)
    return weight


def check_prompt(trial: Trial, length: int, instance: Instance) -> None:
    choices = trial.choices(length)
    prompt = instance.tokens[: len(choices)]
    fits = len(prompt) == len(choices) and all(token in options for token, options in zip(prompt, choices, strict=True))
    if not fits:
        raise Broken(
            trial.at(length, instance), f"the prompt {trial.text(prompt)}",
            f"one that choices({length}) allows, {len(choices)} tokens long", instance=instance,
        )  # fmt: skip
