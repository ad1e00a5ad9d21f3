"""What was inferred, as a task: prompts of the source, dependency sets by the rule, and the table of readings.

>>> from theory.dependencies import infer
>>> task = infer(lambda prompt: prompt + prompt[:1], alphabet="ab", lengths=[1, 2, 3], samples=40).task("round")
>>> task.rule((1,)), task.sparsity, [task.text(instance.tokens) for instance in task.support(1)]
(1, 1, ['aaa', 'bbb'])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from theory.dependencies.pointers import View, Walk, places
from theory.dependencies.sources import WHERE, Group, Pair, Source, Token
from theory.dependencies.step_rules import StepRule
from theory.errors import AssumptionViolated, BudgetExceeded, InvalidArgument, check_type, shown
from theory.tasks.base import Instance, Step, Task, Tokens

TASK = "dependencies.Inferred.task"

DRAWN, OFTEN = 4_000, 8
"""So many pairs of a length are drawn from a generator; if each comes so often on average, these are all of them."""

UNCOUNTED = 10**12
"""Stands for the number of instances of a generator that shows too many to count."""


@dataclass(frozen=True)
class InferredTask(Task):
    """A task with the dependency sets and the rule of what was inferred; all combinations of tokens are prompts.

    IDs are positions, or the cells of a walk (an output token has that of the cell to read next, and the last token of
    the prompt that of the first one), or those that were given.

    Examples
    --------
    >>> from theory.dependencies import infer
    >>> task = infer(lambda prompt: prompt[::-1], alphabet="ab", lengths=[1, 2, 3], samples=40).task("backwards")
    >>> task.text(task.solve((0, 0, 1)).tokens)
    'aabbaa'
    """

    source: Source = field(repr=False)
    known: tuple[Token, ...] = field(repr=False)
    steps: tuple[StepRule, ...] = field(repr=False)
    groups: tuple[Group, ...] = field(repr=False, compare=False)
    given: Callable[..., Sequence[int]] | None = field(default=None, repr=False)
    name: str = "inferred"

    def __post_init__(self) -> None:
        object.__setattr__(self, "min_length", min(group.length for group in self.groups))

    @cached_property
    def alphabet(self) -> tuple[str, ...]:
        texts = [str(token) for token in self.known]
        plain = len(set(texts)) == len(texts) and all(texts)
        return tuple(texts if plain else map(repr, self.known))

    @property
    def sparsity(self) -> int:
        return max(rule.size for rule in self.steps)

    @cached_property
    def numbers(self) -> dict[object, int]:
        """The number of each token."""
        return {token: code for code, token in enumerate(self.known)}

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        options = self.source.choices(length)
        assert options is not None
        return [[self.numbers[token] for token in some] for some in options]

    def solve(self, prompt: Tokens) -> Instance:
        """The sequence of a prompt: the output is that of the source."""
        names = self.known
        asked = tuple(names[code] for code in prompt)
        return self.made((asked, self.source.answer(asked)))

    def made(self, pair: Pair) -> Instance:
        """The instance of a prompt and its output.

        Raises
        ------
        AssumptionViolated : where the output has a token that was never seen, or the rule points nowhere.
        """
        prompt, output = pair
        new = [token for token in (*prompt, *output) if token not in self.numbers]
        if new or not output:
            got = f"the token {shown(new[0])}, which was never seen" if new else "an output without tokens"
            fix = "Infer from lengths at which all tokens occur, and outputs have tokens."
            raise AssumptionViolated(
                self.name, "prompt", got=f"{got}, for {shown(prompt)}", expected="known tokens", fix=fix
            )
        tokens = tuple(self.numbers[token] for token in (*prompt, *output))
        n, row = len(prompt), np.array([tokens])
        steps = []
        for j in range(len(output)):
            rule = _rule_of(self.steps, n, j, len(output))
            at = places(rule.program, View(row, n, j))[0].tolist() if rule is not None else [-1]
            if min(at, default=0) < 0 or len(set(at)) < len(at):
                fix = "The rule was found at other lengths: infer from lengths that include this one."
                got = f"step {j} of the prompt {shown(prompt)}"
                raise AssumptionViolated(self.name, "prompt", got=got, expected="a step that the rule covers", fix=fix)
            steps.append(Step(n + j, tuple(at)))
        return Instance(tokens, self.ids_of(pair, tokens), tuple(steps), parts=self.parts(tokens[:n], len(output)))

    def parts(self, prompt: Tokens, n_output: int) -> tuple[str, ...]:
        """What each position holds: inputs, the marks between them, and the output."""
        names, count = [], 1
        for position, token in enumerate(prompt):
            mark = token in self.marks
            count += mark and position > 0 and prompt[position - 1] not in self.marks
            names.append(self.alphabet[token] if mark else f"input {count}")
        return (*names, *("output",) * n_output)

    @cached_property
    def marks(self) -> frozenset[int]:
        """The tokens that stand in all prompts of a length at the same places, and nowhere else."""
        fixed, loose = set(), set()
        for group in self.groups:
            prompts = group.tokens[:, : group.n]
            constant = (prompts == prompts[0]).all(axis=0)
            fixed |= {int(token) for token in np.unique(prompts[:, constant])}
            loose |= {int(token) for token in np.unique(prompts[:, ~constant])}
        return frozenset(fixed - loose)

    def ids_of(self, pair: Pair, tokens: Tokens) -> tuple[int, ...]:
        """The position IDs of a sequence."""
        if self.given is not None:
            ids = self.given(*pair)
            given = isinstance(ids, tuple | list | range) and len(ids) == len(tokens)
            if not given:
                got, fix = f"the IDs {shown(ids)} for {len(tokens)} tokens", "Give a position ID for each token."
                raise InvalidArgument(WHERE, "ids", got=got, expected="one integer a token", fix=fix)
            return tuple(int(i) for i in ids)
        walk, n = self.walk, len(pair[0])
        if walk is None:
            return tuple(range(len(tokens)))
        cell, path = walk.start.at(n, 0) or 0, []
        for _ in range(len(tokens) - n):
            path.append(cell)
            cell += dict(walk.steps)[tokens[cell]]
        return (*range(n - 1), *path, cell)

    @cached_property
    def walk(self) -> Walk | None:
        """The walk whose cells are the IDs, where one rule of a walk serves every step and the prompt ends with a mark."""
        if len(self.steps) != 1 or len(self.steps[0].program) != 1:
            return None
        (pointer,) = self.steps[0].program
        marked = all((group.tokens[:, group.n - 1] == group.tokens[0, group.n - 1]).all() for group in self.groups)
        return pointer if isinstance(pointer, Walk) and marked else None

    @cached_property
    def table(self) -> dict[Tokens, int]:
        """The token for every reading of every kind of step.

        Raises
        ------
        AssumptionViolated : where two kinds of steps have different tokens for one reading.
        """
        table: dict[Tokens, int] = {}
        for read, token in chain.from_iterable(rule.table.items() for rule in self.steps):
            if table.setdefault(read, token) != token:
                got = f"the tokens {table[read]} and {token} for one reading {shown(read)}, in two kinds of steps"
                fix = "The steps differ in more than what they read: write the task by hand, with a mark in each kind."
                raise AssumptionViolated(TASK, "steps", got=got, expected="a token that the reading decides", fix=fix)
        return table

    def rule(self, read: Tokens) -> int:
        """The token for a reading.

        Raises
        ------
        AssumptionViolated : for a reading that was never seen.
        """
        if read in self.table:
            return self.table[read]
        slots = {rule.copies for rule in self.steps if rule.size == len(read)}
        if len(slots) == 1 and (slot := next(iter(slots))) is not None:
            return read[slot]
        got = f"the reading {shown(tuple(self.alphabet[token] for token in read))}"
        fix = "Infer with a larger budget, or from lengths at which it occurs."
        raise AssumptionViolated(self.name, "read", got=got, expected="a reading that was seen", fix=fix)

    def increment(self, read: Tokens) -> int | None:
        """How far the walk goes on, where the IDs are its cells."""
        walk = self.walk if self.given is None else None
        return None if walk is None else dict(walk.steps)[read[0]]


@dataclass(frozen=True)
class SeenTask(InferredTask):
    """A task whose prompts are those that a source lists, or draws: then each of a few, or else drawn afresh.

    Examples
    --------
    >>> from theory.dependencies import infer
    >>> from itertools import product
    >>> pairs = [(word, word[-1:]) for n in (1, 2, 3) for word in product("ab", repeat=n)] * 4
    >>> infer(pairs).task("the last").n_instances(3)
    8
    """

    kept: dict[int, tuple[Pair, ...] | None] = field(default_factory=dict, repr=False, compare=False)

    def pairs(self, length: int) -> tuple[Pair, ...] | None:
        """The distinct pairs of a length; None where a generator has more than it shows several times over."""
        if length not in self.kept:
            source = self.source
            if source.kind == "generate":
                drawn = list(source.draw(length, DRAWN, np.random.default_rng(length)))
                distinct = tuple(sorted(set(drawn), key=repr))
                self.kept[length] = distinct if OFTEN * len(distinct) <= DRAWN else None
            else:
                self.kept[length] = tuple(dict.fromkeys(source.all_pairs(length)))
        return self.kept[length]

    def instances(self, length: int) -> Iterator[Instance]:
        pairs = self.pairs(length)
        if pairs is None:
            fix = "Ask for a shorter length, or give solve(prompt) with its prompts."
            raise BudgetExceeded(f"{self.name}.instances", size=UNCOUNTED, budget=DRAWN, fix=fix)
        return map(self.made, pairs)

    def n_instances(self, length: int) -> int:
        pairs = self.pairs(length)
        return UNCOUNTED if pairs is None else len(pairs)

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        pairs = self.pairs(length)
        if pairs is None:
            return self.made(next(self.source.draw(length, 1, rng)))
        return self.made(pairs[int(rng.integers(len(pairs)))])


def task_of(
    name: str,
    source: Source,
    known: tuple[Token, ...],
    steps: tuple[StepRule, ...],
    groups: tuple[Group, ...],
    given: Callable[..., Sequence[int]] | None,
) -> InferredTask:
    """The task of a rule, with the prompts of the source."""
    check_type(name, str, TASK, "name", "a string", "For instance 'running maximum'.")
    free = source.choices(min(group.length for group in groups)) is not None
    made = (InferredTask if free else SeenTask)(source, known, steps, groups, given, name)
    assert made.table is not None  # refuses kinds that cannot be told apart
    return made


def _rule_of(rules: Sequence[StepRule], n: int, step: int, n_steps: int) -> StepRule | None:
    return next((rule for rule in rules if rule.domain.has(n, step, n_steps)), None)
