"""What the output of a black box depends on: smallest sets, a rule across steps and lengths, and what was not seen.

>>> found = infer(lambda prompt: prompt[::-1], alphabet=("a", "b"))
>>> found.sparsity, found.growth
(1, 'bounded')
>>> print(*found.steps)
steps j = 0, 1, ...: read position n - j - 1, and repeat it
>>> task = found.task("backwards")
>>> print(task.show(task.solve((0, 1, 1))))
token a  b  b  b  b  a
ID    0  1  2  3  4  5
read           2  1  0
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, chain, pairwise
from math import ceil, comb, exp, lgamma, log, log1p
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from theory.dependencies.conflicts import Smallest, disagreeing, keys_of, smallest_sets
from theory.dependencies.growth import LISTED, fit_growth
from theory.dependencies.inferred_tasks import task_of
from theory.dependencies.pointers import readings
from theory.dependencies.sources import CALL_SECONDS, READ, WHERE, Group, Pair, Source, Token, group_of, neighbours
from theory.dependencies.step_rules import Domain, Item, Search, StepRule, item_of, kind_of, table_of
from theory.errors import AssumptionViolated, InvalidArgument, check, check_integer, check_integers, shown
from theory.exact import Rational, rational
from theory.tasks.base import Task

GrowthName: TypeAlias = Literal["bounded", "logarithmic", "linear"]

MOST_LENGTHS = 8
"""So many lengths are listed at most, and so many learned from."""

FEWEST_LENGTHS = 5
"""Lengths are sampled until there are so many to learn from."""

SAMPLED = 2_000
"""Instances that are drawn of a length that is not listed, unless `samples` says otherwise."""

AGAIN = 1_000
"""Prompts that a function is asked twice."""

LARGEST_SET = 14
"""Larger sets are not looked for."""

ROUNDS = 4
"""So often steps of longer lengths that refute a rule join those that it is made from."""

LEVEL = Fraction(99, 100)
"""Of the bounds on what was not seen."""


class Seen(NamedTuple):
    """What was seen of a length: listed, or sampled with fresh instances on which the rule was tested.

    Attributes
    ----------
    length : as it was asked for.
    n_prompt : the tokens of a prompt.
    instances : how many were looked at.
    fresh : how many of these the rule and its table were not made from.
    wrong : fresh instances in which the rule predicts another token.
    unseen : fresh instances with a reading that no other instance had.
    steps, tested : steps of the fresh instances, and those with a reading that came before.
    bound : with confidence 99 %, the chance that an instance of the length is wrong or has such a reading is at most that.

    Examples
    --------
    >>> Seen(length=8, n_prompt=8, instances=1000, fresh=500, wrong=0, unseen=0, steps=8, tested=8, bound=Fraction(1)).wrong
    0
    """

    length: int
    n_prompt: int
    instances: int
    fresh: int
    wrong: int
    unseen: int
    steps: int
    tested: int
    bound: Fraction


class StepSize(NamedTuple):
    """So many positions a step needs: every smaller set misses one of the conflicts.

    Attributes
    ----------
    n_prompt, step : the tokens of the prompt, and which output token.
    size : that of the smallest sets.
    sets : the smallest sets, where they are few; positions from the start of the prompt.
    conflicts : how many there are.
    exact : whether the sets decide the token on every instance of the length.

    Examples
    --------
    >>> StepSize(n_prompt=3, step=0, size=1, sets=((2,),), conflicts=1, exact=True).size
    1
    """

    n_prompt: int
    step: int
    size: int
    sets: tuple[tuple[int, ...], ...]
    conflicts: int
    exact: bool


@dataclass(frozen=True)
class RandomStep:
    """A step whose token is no function of what is before it.

    Attributes
    ----------
    n_prompt, step : the tokens of the prompt, and which output token.
    past : one past with several tokens: that which was seen most often.
    law : how often each token followed it.
    pasts, several : how many different pasts were seen more than once, and how many of these have several tokens.

    Examples
    --------
    >>> RandomStep(2, 0, past=("a", "b"), law=(("x", 3), ("y", 1)), pasts=4, several=4).probability("x")
    Fraction(3, 4)
    """

    n_prompt: int
    step: int
    past: tuple[Token, ...]
    law: tuple[tuple[Token, int], ...]
    pasts: int
    several: int

    def probability(self, token: Token) -> Fraction:
        """The share of a token after this past."""
        return Fraction(dict(self.law).get(token, 0), sum(count for _, count in self.law))

    def __str__(self) -> str:
        law = ", ".join(f"{token} {count} times" for token, count in self.law)
        past = " ".join(map(str, self.past))
        return f"output token {self.step} of prompts of {self.n_prompt} tokens is no function of the past: after {past}, {law}"


class Refuted(NamedTuple):
    """A rule that serves the short lengths, and an instance of a longer one in which it predicts another token.

    Examples
    --------
    >>> Refuted(rules=(), prompt=("a",), output=("b",), step=0).step
    0
    """

    rules: tuple[StepRule, ...]
    prompt: tuple[Token, ...]
    output: tuple[Token, ...]
    step: int


@dataclass(frozen=True)
class Inferred:
    """What the output of a source depends on, and what that rests on.

    Attributes
    ----------
    source : what was asked.
    alphabet : its tokens; the numbers in rules are places in it.
    sparsity : the size of the largest dependency set by the rule; None where no rule was found, so also where the source is
        dense, where a step is random, and where a longer length refutes the rule.
    growth : "bounded" with a rule; "logarithmic" or "linear" where the sizes of smallest fixed sets grow so over the
        lengths of `sizes`, each with conflicts that no smaller set meets; None where neither was found.
    steps : the rule, one part a kind of step; the first part that has a step counts.
    random : steps whose token is no function of the past.
    sizes : the smallest sets, step by step.
    exact_lengths : lengths of which every instance was looked at.
    sampled : what was seen of the others.
    refuted : a rule that a longer length refutes.
    varying : whether prompts of one length have outputs of different lengths.
    notes : what else has to be known.

    Examples
    --------
    >>> found = infer(lambda prompt: (str(prompt.count("1") % 2),), alphabet=("0", "1"))
    >>> found.sparsity, found.growth, found.exact_lengths
    (None, 'linear', (1, 2, 3, 4, 5, 6, 7, 8))
    """

    source: Source
    alphabet: tuple[Token, ...]
    sparsity: int | None
    growth: GrowthName | None
    steps: tuple[StepRule, ...]
    random: tuple[RandomStep, ...]
    sizes: tuple[StepSize, ...]
    exact_lengths: tuple[int, ...]
    sampled: tuple[Seen, ...]
    refuted: Refuted | None
    varying: bool
    notes: tuple[str, ...]
    groups: tuple[Group, ...]
    ids: Callable[..., Sequence[int]] | None = None

    @cached_property
    def least(self) -> int:
        """So many positions are needed by some step of the lengths seen: no smaller set meets its conflicts."""
        return max((size.size for size in self.sizes), default=0)

    @property
    def smallest(self) -> bool:
        """Whether no rule reads fewer positions, fixed ones, at most."""
        return self.sparsity is not None and self.sparsity <= self.least

    @property
    def dense(self) -> bool:
        """Whether the smallest fixed sets grow with the length."""
        return self.growth in ("logarithmic", "linear")

    @property
    def located(self) -> bool:
        """Whether some step reads where tokens point to."""
        return any(not rule.fixed for rule in self.steps)

    @cached_property
    def open_ended(self) -> bool:
        """Whether prompts of one length have outputs of different lengths, and not all end with a token kept for that."""
        if not self.varying:
            return False
        outputs = [g.tokens[row, g.n : size] for g in self.groups for row, size in enumerate(g.sizes.tolist())]
        ends = {int(output[-1]) for output in outputs if output.size}
        return not all(output.size and ends.isdisjoint(output[:-1].tolist()) for output in outputs)

    @property
    def unseen(self) -> Fraction:
        """With confidence 99 % for each length sampled, what may be wrong or unseen there at most; 1 where no rule is."""
        if self.sparsity is None:
            return Fraction(1)
        return max((seen.bound for seen in self.sampled if seen.fresh), default=Fraction(1))

    def task(self, name: str) -> Task:
        """A task with these dependency sets; its IDs are positions, or the cells of a walk, or those that were given.

        Prompts are those of the source: all combinations of its tokens, or those that were seen where that is not known.

        Raises
        ------
        AssumptionViolated : where there is no rule, or its kinds of steps cannot be told apart by what they read.
        """
        if self.sparsity is None:
            fix = "See explain(); a dense task may have a running state, which theory.dependencies.fold finds."
            got = "steps that are no function of the past" if self.random else "no rule for every step"
            raise AssumptionViolated("dependencies.Inferred.task", "found", got=got, expected="a rule", fix=fix)
        return task_of(name, self.source, self.alphabet, self.steps, self.groups, self.ids)

    def explain(self) -> str:
        """The finding in words.

        Examples
        --------
        >>> print(infer(lambda prompt: (prompt[0],), alphabet="ab").explain())
        1-sparse: no rule reads fewer positions.
        steps j = 0, 1, ...: read position 0, and repeat it
        every instance of lengths 1, 2, 3, 4, 5, 6, 7, 8
        500 fresh instances of length 9: none wrong, none unseen; at most 0.0092 are with confidence 99 %
        500 fresh instances of length 16: none wrong, none unseen; at most 0.0092 are with confidence 99 %
        500 fresh instances of length 32: none wrong, none unseen; at most 0.0092 are with confidence 99 %
        """
        lines = [self._verdict(), *map(str, self.steps)]
        if any(not rule.fixed or " n" in str(rule) for rule in self.steps):
            lines.append("n: the tokens of the prompt, j: the step, from 0 on; positions count from 0")
        if self.exact_lengths:
            lines.append(f"every instance of lengths {', '.join(map(str, self.exact_lengths))}")
        for seen in self.sampled:
            if seen.fresh and self.steps:
                wrong, unseen = seen.wrong or "none", seen.unseen or "none"
                bound = f"at most {float(seen.bound):.2g} are with confidence 99 %"
                lines.append(
                    f"{seen.fresh} fresh instances of length {seen.length}: {wrong} wrong, {unseen} unseen; {bound}"
                )
            else:
                lines.append(f"{seen.instances} sampled instances of length {seen.length}")
        if self.refuted is not None:
            at = f"at step {self.refuted.step} of the prompt {' '.join(map(str, self.refuted.prompt))}"
            lines.append(f"refuted {at}: {'; '.join(map(str, self.refuted.rules))}")
        if self.varying:
            ends = "and no token says where they end" if self.open_ended else "and their last token has no other place"
            lines.append(f"prompts of one length have outputs of different lengths, {ends}")
        return "\n".join([*lines, *map(str, self.random[:3]), *self.notes])

    def _verdict(self) -> str:
        if self.sparsity is not None:
            tight = "no rule of fixed positions reads fewer" if self.located else "no rule reads fewer positions"
            sparse = f"{self.sparsity}-sparse" + ("" if self.exact_lengths else ", as far as the sample goes")
            return sparse + (f": {tight}." if self.smallest else ".")
        if self.dense:
            series = ", ".join(f"{size} at {n}" for n, size in sorted(_largest(self.sizes).items()))
            return (
                f"dense: the smallest sets of fixed positions grow, {self.growth} in the tokens of a prompt ({series})."
            )
        return "random: some steps are no function of the past." if self.random else "no rule was found."


def infer(
    source: object,
    alphabet: Sequence[Token] | None = None,
    *,
    prompts: Callable[[int], Any] | None = None,
    lengths: Sequence[int] | None = None,
    budget: int = LISTED,
    samples: int = SAMPLED,
    seconds: float = 60,
    seed: int = 0,
    ids: Callable[..., Sequence[int]] | None = None,
) -> Inferred:
    """On which earlier tokens each output token of a source depends, as one rule across steps and lengths.

    At each short length the smallest sets that decide a step are found from conflicts, pairs of instances that agree on a
    set and differ in the token. Then positions are sought that serve all steps and lengths, relative to the ends of the
    prompt and to the step, or pointed to by tokens read before; they are tested on longer sampled instances.

    Parameters
    ----------
    source : solve(prompt) -> output, generate(length, rng) -> (prompt, output), a list of pairs, a Task, or a Source.
    alphabet, prompts : what the prompts of `solve` are, as in `Source.of`.
    lengths : the lengths to learn from; default: from 1 on. A rule is also tested at about two and four times the largest.
    budget : instances of one length that are listed rather than sampled.
    samples : instances that are drawn of another one, and as many with one token changed where these can be asked; of a
        longer length a quarter completes the table of the rule, and a quarter tests it.
    seconds : when time is up, what was found so far counts.
    seed : of what is drawn.
    ids : position IDs to be judged, a function of prompt and output; `task` takes them over.

    Raises
    ------
    InvalidArgument : for a source that goes wrong: it raises, does not end, returns no tokens or other ones when it is asked
        again, or its prompts do not grow with the length.

    Examples
    --------
    >>> def running_maximum(prompt):
    ...     return [max(prompt[: t + 1]) for t in range(len(prompt))]
    >>> found = infer(running_maximum, alphabet=range(3))
    >>> found.sparsity
    2
    >>> print(*found.steps, sep=chr(10))
    step j = 0: read position 0, and repeat it
    steps j = 1, 2, ...: read position j and position n + j - 1

    Cost: for every step of a short length rounds of hitting sets, each of rows · size; then forms · steps · rows.
    Source: section 4 of docs/theory.md; the search is this project's.
    """
    check_integer(budget, WHERE, "budget", least=1)
    check_integer(samples, WHERE, "samples", least=4)
    check_integer(seed, WHERE, "seed", least=0)
    timely = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    check(timely, WHERE, "seconds", seconds, expected="a number > 0", fix="For instance 60.")
    if lengths is not None:
        check_integers(lengths, WHERE, "lengths", least=1)
        check(lengths, WHERE, "lengths", got="none", expected="at least one length", fix="For instance [1, 2, 3, 4].")
    known = ids is None or callable(ids)
    check(known, WHERE, "ids", ids, expected="a function of prompt and output", fix="Leave it out for positions.")
    asked = Source.of(source, alphabet, prompts, seconds=min(CALL_SECONDS, float(seconds)))
    return _Inference(asked, lengths, budget, samples, float(seconds), seed, ids).run()


def unseen_bound(count: int, size: int, level: Rational = LEVEL) -> Fraction:
    """The Clopper-Pearson upper bound of a probability, rounded up: `count` of `size` independent trials.

    The probability p at which so few successes or fewer have the chance 1 - level; with larger p they have less.

    Examples
    --------
    >>> float(unseen_bound(0, 500)) < 0.0092, unseen_bound(3, 3), unseen_bound(0, 0)
    (True, Fraction(1, 1), Fraction(1, 1))

    Cost: a binomial tail of `count` terms, of integers of 20 · size bits.
    """
    where, left = "dependencies.unseen_bound", 1 - rational(level, "dependencies.unseen_bound", "level")
    check_integer(size, where, "size", least=0)
    check_integer(count, where, "count", least=0, most=size)
    if count == size:
        return Fraction(1)
    low, high, unit = 0.0, 1.0, 2**20
    for _ in range(30):  # rounded; what is returned is checked exactly
        middle = (low + high) / 2
        low, high = (low, middle) if _tail(count, size, middle) <= left else (middle, high)
    numerator = max(1, ceil(high * unit))
    while True:
        tail = sum(comb(size, i) * numerator**i * (unit - numerator) ** (size - i) for i in range(count + 1))
        if tail <= left * unit**size:
            return Fraction(numerator, unit)
        numerator += 1


def _tail(count: int, size: int, p: float) -> float:
    """The chance of at most `count` successes, rounded."""
    logs = [lgamma(size + 1) - lgamma(i + 1) - lgamma(size - i + 1) for i in range(count + 1)]
    return sum(exp(one + i * log(p) + (size - i) * log1p(-p)) for i, one in enumerate(logs))


def _largest(sizes: Sequence[StepSize]) -> dict[int, int]:
    largest: dict[int, int] = {}
    for size in sizes:
        largest[size.n_prompt] = max(size.size, largest.get(size.n_prompt, 0))
    return largest


class _Inference:
    """The work behind `infer`."""

    def __init__(
        self,
        source: Source,
        lengths: Sequence[int] | None,
        budget: int,
        samples: int,
        seconds: float,
        seed: int,
        ids: Callable[..., Sequence[int]] | None,
    ) -> None:
        self.source, self.lengths, self.budget, self.ids = source, lengths, budget, ids
        self.samples, self.fresh = samples, samples // 4
        self.rng, self.ends = np.random.default_rng(seed), time.monotonic() + seconds
        self.number: dict[Token, int] = {token: code for code, token in enumerate(source.alphabet)}
        self.notes: list[str] = []
        self.longest: dict[int, int] = {}
        self.odd: set[int] = set()
        self.late = False
        self.pace = 0.0  # seconds a pair, lately

    def left(self) -> bool:
        """Whether there is time."""
        return time.monotonic() < self.ends

    # ── What is looked at ────────────────────────────────────────────────────────────────────────────────────────────

    def learned(self) -> tuple[list[Group], list[Group]]:
        """The groups to learn from, and fresh ones of the same source where no longer ones can be had."""
        if self.source.kind == "pairs":
            return self._halves()
        groups: list[Group] = []
        listed = empty = 0
        half = self.ends - (self.ends - time.monotonic()) / 2
        for length in self.lengths or range(1, 65):
            try:
                size = self.source.n_prompts(length)
            except InvalidArgument as error:
                if self.lengths is not None or not groups:
                    raise
                self.notes.append(f"length {length} was not looked at: {error.got.splitlines()[0]}")
                break
            if size is None and self.source.listed is not None:
                self.notes.append(f"length {length} was not looked at: it has more than {READ:,} prompts")
                break
            if size == 0 and self.lengths is None and empty < 16:
                empty += 1
                continue
            if self.lengths is None and (
                listed >= MOST_LENGTHS or ((size is None or size > self.budget) and len(groups) >= FEWEST_LENGTHS)
            ):
                break
            if groups and time.monotonic() > half:
                self.notes.append(f"the time was up before length {length}")
                break
            if size == 0:
                continue
            made = self._groups(length, size, half)
            listed += any(group.exhaustive for group in made)
            groups += made
        got = "; ".join(["no prompts at these lengths", *self.notes])
        check(groups, WHERE, "lengths", got=got, expected="lengths that have prompts", fix="Pass lengths=[...].")
        return groups, []

    def _groups(self, length: int, size: int | None, until: float) -> list[Group]:
        """What there is of a length, by the tokens of the prompts; a sample where there is no time to list it."""
        pairs: list[Pair] = []
        exhaustive = size is not None and size <= self.budget and size * self.pace < until - time.monotonic()
        if exhaustive:
            pairs = self._taken(self.source.all_pairs(length), until)
            exhaustive = len(pairs) == size
        if not exhaustive:
            pairs = self._taken(self.source.draw(length, self.samples, self.rng), until)
            pairs += self._taken(neighbours(self.source, pairs, length, self.samples, self.rng), until)
        self._twice(pairs)
        self._check_longer(length, pairs)
        return self._by_size(pairs, length, exhaustive=exhaustive)

    def _taken(self, pairs: Iterator[Pair], until: float) -> list[Pair]:
        """As many pairs as come in time, one at least."""
        begin, taken = time.monotonic(), []
        for pair in pairs:
            taken.append(pair)
            if time.monotonic() > until:
                break
        self.pace = (time.monotonic() - begin) / max(1, len(taken))
        return taken

    def _by_size(self, pairs: Sequence[Pair], length: int, *, exhaustive: bool) -> list[Group]:
        by_size: dict[int, list[Pair]] = {}
        for pair in pairs:
            by_size.setdefault(len(pair[0]), []).append(pair)
        return [group_of(some, self.number, length, exhaustive=exhaustive) for _, some in sorted(by_size.items())]

    def _check_longer(self, length: int, pairs: Sequence[Pair]) -> None:
        self.longest[length] = max((len(prompt) for prompt, _ in pairs), default=0)
        for shorter, tokens in self.longest.items():
            if shorter < length and tokens >= self.longest[length]:
                got = f"prompts of up to {tokens} tokens for length {shorter}, and {self.longest[length]} for {length}"
                fix = "Make prompts of the length that is asked for."
                raise InvalidArgument(WHERE, "source", got=got, expected="longer prompts for a longer length", fix=fix)

    def _twice(self, pairs: Sequence[Pair]) -> None:
        """Refuse a function that answers one prompt in two ways; it is asked in another order, as it may count its calls."""
        if self.source.kind != "solve":
            return
        some = [pairs[row] for row in self.rng.permutation(len(pairs))[:AGAIN].tolist()]
        for (prompt, before), (_, after) in zip(some, self.source.answers(prompt for prompt, _ in some), strict=True):
            if not self.left():
                return
            if before != after:
                got = f"solve({shown(prompt)}) = {shown(before)}, and {shown(after)} when it is asked again"
                fix = "A function of the prompt alone; write generate(length, rng) for random outputs."
                raise InvalidArgument(WHERE, "source", got=got, expected="one output for a prompt", fix=fix)

    def _halves(self) -> tuple[list[Group], list[Group]]:
        """Of a list of pairs two thirds to learn from, and the rest."""
        wanted = None if self.lengths is None else set(self.lengths)
        pairs = [pair for pair in self.source.pairs if wanted is None or len(pair[0]) in wanted]
        check(pairs, WHERE, "lengths", self.lengths, expected="lengths of the pairs", fix="Leave it out.")
        order = self.rng.permutation(len(pairs)).tolist()
        cut = len(pairs) - len(pairs) // 3
        parts = [[pairs[row] for row in rows] for rows in (order[:cut], order[cut:])]
        by_size = [[self._by_size(part, len(part[0][0]), exhaustive=False)] if part else [] for part in parts]
        first, second = ([replace(group, length=group.n) for groups in found for group in groups] for found in by_size)
        return first, second

    def _longer(self, groups: Sequence[Group]) -> Iterator[tuple[Group, Group]]:
        """Of longer lengths a group that completes the tables of a rule, and a fresh one on which it is tested."""
        if self.source.kind == "pairs":
            return
        lengths = sorted({group.length for group in groups})
        longest, gap = lengths[-1], min((b - a for a, b in pairwise(lengths)), default=1)
        complete = all(group.exhaustive for group in groups if group.length == longest)
        for length in (*(() if complete else (longest,)), longest + gap, 2 * longest, 4 * longest):
            if not self.left():
                return
            try:
                if self.source.listed is not None and not self.source.n_prompts(length):
                    continue
                until = time.monotonic() + (self.ends - time.monotonic()) / 4
                pairs = self._taken(self.source.draw(length, 2 * self.fresh, self.rng), until)
                if length > longest:
                    self._check_longer(length, pairs)
            except InvalidArgument as error:  # nobody asked for this length
                self.notes.append(f"nothing was tested at length {length}: {error.got.splitlines()[0]}")
                continue
            self._twice(pairs[:50])
            half = len(pairs) // 2
            for first in self._by_size(pairs[:half], length, exhaustive=False):
                for second in self._by_size(pairs[half:], length, exhaustive=False):
                    if first.n == second.n:
                        yield first, second

    # ── What is found ────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> Inferred:
        """The inference."""
        groups, held = self.learned()
        steps = sum(group.n_steps for group in groups)
        check(
            steps,
            WHERE,
            "source",
            got="outputs without tokens",
            expected="at least one output token",
            fix="Return some.",
        )
        items = list(self._items(groups))
        random = [self._random(item) for item in items if item.smallest is not None and item.smallest.random]
        self.odd = {one.step for one in random}
        plain = [item for item in items if item.step not in self.odd]
        rules, sampled, refuted = self._rules(plain, groups, held) if plain else ((), (), None)
        sizes = tuple(self._size(item) for item in plain)
        growth: GrowthName | None = None
        sparsity: int | None = None
        if rules and not any(2 * seen.tested >= seen.steps > 0 for seen in sampled):
            self.notes.append("readings of fresh instances hardly ever came before: the rule was not put to the test")
        elif rules and not random:
            sparsity = max(rule.size for rule in rules)
            growth = "bounded"
        elif self.late:
            self.notes.append("the time was up in the search for a rule")
        elif not rules and not random:
            growth = self._growth(plain)
        if not rules:
            sampled = _scope(groups)
        return Inferred(
            source=self.source,
            alphabet=tuple(self.number),
            sparsity=sparsity,
            growth=growth,
            steps=rules,
            random=tuple(random),
            sizes=sizes,
            exact_lengths=tuple(dict.fromkeys(group.length for group in groups if group.exhaustive)),
            sampled=sampled,
            refuted=refuted,
            varying=not all(group.even for group in groups),
            notes=tuple(self.notes),
            groups=tuple(groups),
            ids=self.ids,
        )

    def _items(self, groups: Sequence[Group]) -> Iterator[Item]:
        kept = sorted(groups, key=lambda group: group.n)[: max(MOST_LENGTHS, len(self.lengths or ()))]
        half = self.ends - (self.ends - time.monotonic()) / 2
        for group in kept:
            for step in range(group.n_steps):
                if time.monotonic() > half:
                    self.notes.append(f"the time was up at prompts of {group.n} tokens")
                    return
                item = item_of(group, step)
                yield item._replace(smallest=smallest_sets(item.rows, item.labels, most=LARGEST_SET))

    def _size(self, item: Item) -> StepSize:
        found = item.smallest
        assert found is not None
        size = found.size if item.known else _necessary(found)
        sets = found.sets if item.known else ()
        return StepSize(item.n, item.step, size, sets, len(found.conflicts), item.group.exhaustive and found.exact)

    def _random(self, item: Item) -> RandomStep:
        keys = keys_of(item.rows)
        laws: dict[int, Counter[int]] = {}
        for key, label in zip(keys.tolist(), item.labels.tolist(), strict=True):
            laws.setdefault(key, Counter())[label] += 1
        repeated = {key: law for key, law in laws.items() if law.total() > 1}
        several = {key: law for key, law in repeated.items() if len(law) > 1}
        key = max(several, key=lambda one: several[one].total())
        names = list(self.number)
        past = tuple(names[code] for code in item.rows[int(np.flatnonzero(keys == key)[0])])
        law = tuple((names[code], count) for code, count in several[key].most_common())
        return RandomStep(item.n, item.step, past, law, len(repeated), len(several))

    def _rules(
        self, items: list[Item], groups: Sequence[Group], held: Sequence[Group]
    ) -> tuple[tuple[StepRule, ...], tuple[Seen, ...], Refuted | None]:
        """Rules that serve every step of the short lengths, and that no step of a longer one refutes."""
        refuted: Refuted | None = None
        asked = self.source.kind != "pairs"
        for _ in range(ROUNDS if asked else 1):  # what refuted a rule is not fresh for the next one
            search = Search(items, self.left)
            found = search.run(located=False) or search.run(located=True)
            if found is None:
                self.late |= search.late
                return (), (), refuted
            longer = list(self._longer(groups))
            mine = [item for item in items if item.smallest is not None]
            completing = [
                item_of(first, step) for first, _ in longer for step in range(first.n_steps) if step not in self.odd
            ]
            rules, wrong = _tabled(found, mine, completing)
            if wrong is None:
                before = [*groups, *(first for first, _ in longer)]
                sampled, wrong = _tested(rules, [second for _, second in longer] if asked else held, before, self.odd)
                if wrong is None:
                    return rules, sampled, None
            item, row = wrong
            refuted = self._refuted(rules, item, row)
            items = [*items, item]
        return (), (), refuted

    def _refuted(self, rules: tuple[StepRule, ...], item: Item, row: int) -> Refuted:
        names, group = list(self.number), item.group
        sequence = [names[code] for code in group.tokens[group.rows(item.step)[row]] if code >= 0]
        return Refuted(rules, tuple(sequence[: item.n]), tuple(sequence[item.n :]), item.step)

    def _growth(self, items: Sequence[Item]) -> GrowthName | None:
        """How the smallest sets grow, as far as conflicts prove their sizes; None where they do not grow for certain."""
        largest: dict[int, int] = {}
        for item in sorted(items, key=lambda item: item.n):
            size = self._size(item)
            solid = item.known or size.size == (item.smallest.size if item.smallest else 0)
            if not solid:
                break
            largest[item.n] = max(largest.get(item.n, 0), item.least if item.known else size.size)
        lengths = sorted(largest)[len(largest) > 4 :]  # the shortest prompts may have less to depend on
        if len(lengths) < 3:
            return None
        ordered = list(accumulate((largest[n] for n in lengths), max))  # some lengths may have less to decide
        model = fit_growth(lengths, ordered).model
        grows = model != "constant" and ordered[-1] > ordered[len(ordered) // 2] > ordered[0]
        return model if grows and model != "constant" else None


def _necessary(found: Smallest) -> int:
    """So many positions are needed, whatever was not seen: disjoint conflicts each need one."""
    taken: set[int] = set()
    count = 0
    for conflict in sorted(found.conflicts, key=len):
        if not taken & set(conflict):
            taken |= set(conflict)
            count += 1
    return count


def _tabled(
    found: Sequence[tuple[Domain, Any]], items: Sequence[Item], completing: Sequence[Item]
) -> tuple[tuple[StepRule, ...], tuple[Item, int] | None]:
    """The rules with their tables, or a step of a longer length at which they contradict the shorter ones."""
    by_kind: dict[int, list[Item]] = {}
    for item in chain(items, completing):
        kind = kind_of([domain for domain, _ in found], item.n, item.step, item.group.n_steps)
        if kind is None:
            return _bare(found), (item, 0)
        by_kind.setdefault(kind, []).append(item)
    rules = []
    for place, (domain, program) in enumerate(found):
        mine, reads, labelled = by_kind.get(place, []), [], []
        for item in mine:
            read, somewhere, open_ = readings(program, item.view)
            if not (somewhere | open_).all():
                return _bare(found), (item, int((~somewhere & ~open_).argmax()))
            reads.append(read[~open_])
            labelled.append(item.labels[~open_])
        labels = np.concatenate(labelled)
        odd = disagreeing(keys_of(np.concatenate(reads)), labels)
        if len(odd):
            ends = np.cumsum([len(some) for some in labelled])
            which = int(np.searchsorted(ends, int(odd.max()), side="right"))  # the last of them, of a long prompt
            row = int(odd.max()) - int(ends[which] - len(labelled[which]))
            closed = np.flatnonzero(~readings(program, mine[which].view)[2])
            return _bare(found), (mine[which], int(closed[row]))
        rules.append(StepRule(domain, program, *table_of(np.concatenate(reads), labels)))
    return tuple(rules), None


def _bare(found: Sequence[tuple[Domain, Any]]) -> tuple[StepRule, ...]:
    """Rules without tables."""
    return tuple(StepRule(domain, program, {}) for domain, program in found)


def _tested(
    rules: Sequence[StepRule], fresh: Sequence[Group], before: Sequence[Group], odd: set[int]
) -> tuple[tuple[Seen, ...], tuple[Item, int] | None]:
    """What fresh instances say of the rules, or a step of one that refutes them."""
    sampled = []
    domains = [rule.domain for rule in rules]
    for group in fresh:
        unseen, n_steps, tested = np.zeros(len(group.tokens), dtype=bool), 0, 0
        for step in (step for step in range(group.n_steps) if step not in odd):
            item, rows = item_of(group, step), group.rows(step)
            place = kind_of(domains, item.n, step, group.n_steps)
            if place is None:
                return (), (item, 0)
            rule = rules[place]
            read, somewhere, open_ = readings(rule.program, item.view)
            if not (somewhere | open_).all():
                return (), (item, int((~somewhere & ~open_).argmax()))
            n_steps += len(rows)
            for row, one, label in zip(range(len(rows)), map(tuple, read.tolist()), item.labels.tolist(), strict=True):
                token = None if open_[row] else rule.token(one)
                if token is None:
                    unseen[rows[row]] = True
                elif token != label:
                    return (), (item, row)
                tested += token is not None
        count, size = int(unseen.sum()), len(group.tokens)
        known = sum(len(one.tokens) for one in before if (one.n, one.length) == (group.n, group.length))
        bound = unseen_bound(count, size)
        sampled.append(Seen(group.length, group.n, known + size, size, 0, count, n_steps, tested, bound))
    tested_at = {(seen.length, seen.n_prompt) for seen in sampled}
    learned = [one for one in _scope(before) if (one.length, one.n_prompt) not in tested_at]
    return (*learned, *sampled), None


def _scope(groups: Sequence[Group]) -> tuple[Seen, ...]:
    """What was seen of lengths that were not listed, where no rule was tested."""
    return tuple(
        Seen(group.length, group.n, len(group.tokens), 0, 0, 0, 0, 0, Fraction(1))
        for group in groups
        if not group.exhaustive
    )
