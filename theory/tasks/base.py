"""What a task is: prompts, reference sequences, and for every predicted token the earlier tokens that decide it.

A task is a class with five parts: an alphabet, the prompts of a length (`choices`), the reference sequence with its
position IDs and dependency sets (`solve`), the target as a function of what is read (`rule`), and its sparsity.

>>> class Echo(Task):
...     '''Repeat a word: "ab>ab".'''
...     name, alphabet, sparsity = "echo", ("a", "b", ">"), 1
...     def choices(self, length):
...         return [(0, 1)] * length + [(2,)]
...     def solve(self, prompt):
...         n = len(prompt) - 1
...         steps = tuple(Step(n + 1 + i, (i,)) for i in range(n))
...         return Instance((*prompt, *prompt[:n]), (*range(1, n + 1), 0, *range(1, n + 1)), steps)
...     def rule(self, read):
...         return read[0]
>>> echo = Echo()
>>> instance = echo.solve((0, 1, 2))
>>> print(echo.show(instance))
token a  b  >  a  b
ID    1  2  0  1  2
read           0  1
>>> echo.arity(instance)  # what it reads, and the token that it predicts from
2
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, signature
from itertools import product
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from theory.errors import (
    InvalidArgument,
    check,
    check_integer,
    check_tuple,
    check_type,
    is_integer,
    is_tuple,
    shown,
    within_budget,
)
from theory.exact import check_generator
from theory.examples import BUDGET, Example
from theory.heads import Anchor
from theory.positions import Coupled, Ids, PositionScheme, absolute

Tokens: TypeAlias = tuple[int, ...]


"""The types of whole numbers: neither bool nor those of numpy."""


class Step(NamedTuple):
    """One prediction: the token at `position` is a function of the tokens at `sources`, all of them earlier.

    `sources` is the dependency set of the step, in the order in which the task's `rule` reads it.

    Examples
    --------
    >>> Step(position=3, sources=(0,))
    Step(position=3, sources=(0,))
    """

    position: int
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Instance:
    """A reference sequence of a task.

    Parameters
    ----------
    tokens : the prompt and the reference output.
    ids : one position ID a token: the task's coupling, before any shift or relabelling.
    steps : the scored predictions, by increasing position; together with `given` they cover the output.
    given : output positions that are supplied rather than predicted, such as separators.
    parts : what each position holds ("a", "+", "sum", ...), for tables, drawings and coupling rules; optional.

    Raises
    ------
    InvalidArgument : when IDs or parts are not one a token, a step reads a position that is not before it, or steps and
        given positions do not follow the prompt without a gap or an overlap.

    Examples
    --------
    >>> Instance((0, 2, 0), (1, 0, 1), (Step(2, (0,)),)).n_prompt
    2
    """

    tokens: Tokens
    ids: Ids
    steps: tuple[Step, ...]
    given: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = "Instance"
        for name in ("tokens", "ids", "given"):
            values = getattr(self, name)
            if not is_tuple(values):
                if name == "ids" and isinstance(values, tuple) and tuple in map(type, values):
                    got = f"the tuple {shown(next(v for v in values if isinstance(v, tuple)))} as the ID of one token"
                    fix = "Several IDs a token are not supported: choose one of them, or number the pairs."
                    raise InvalidArgument(where, name, got=got, expected="one integer a token", fix=fix)
                check_tuple(values, where, name)
        for name in ("ids", "parts") if self.parts else ("ids",):
            if len(getattr(self, name)) != len(self.tokens):
                got = f"{len(getattr(self, name))} {name} for {len(self.tokens)} tokens"
                fix = "Give every position its own, prompt and output."
                raise InvalidArgument(where, name, got=got, expected="one a token", fix=fix)
        steps = isinstance(self.steps, tuple) and set(map(type, self.steps)) <= {Step}
        check(steps, where, "steps", self.steps, expected="a tuple of Steps", fix="Write (Step(2, (0, 1)), ...).")
        scored = [position for position, _ in self.steps]
        n_prompt = len(self.tokens) - len(scored) - len(self.given)
        output = range(n_prompt, len(self.tokens))
        if not scored or n_prompt < 1 or sorted([*scored, *self.given]) != [*output] or scored != sorted(scored):
            got = f"steps at {shown(scored)} and given {shown(self.given)} in {len(self.tokens)} tokens"
            expected = "every position after the prompt once, the steps in order, and at least one of them"
            fix = "List each output position in `steps`, or in `given` when it is not predicted."
            raise InvalidArgument(where, "steps", got=got, expected=expected, fix=fix)
        for position, sources in self.steps:
            earlier = is_tuple(sources) and (not sources or 0 <= min(sources) <= max(sources) < position)
            if not earlier or len({*sources}) < len(sources):
                got = f"the sources {shown(sources)} of the step at position {position}"
                expected = f"a tuple of distinct earlier positions, 0..{position - 1}"
                fix = "A prediction reads tokens before it only, each listed once."
                raise InvalidArgument(where, "steps", got=got, expected=expected, fix=fix)

    @property
    def n_prompt(self) -> int:
        """How many tokens are given before the output starts."""
        return len(self.tokens) - len(self.steps) - len(self.given)

    @property
    def mask(self) -> tuple[bool, ...]:
        """Which tokens are scored: those that a step predicts."""
        scored = {step.position for step in self.steps}
        return tuple(i in scored for i in range(len(self.tokens)))

    def read(self, step: Step) -> Tokens:
        """The tokens that a step reads, in the order of its sources."""
        return tuple(self.tokens[source] for source in step.sources)

    def key(self, step: Step) -> Ids:
        """The IDs of what a step reads less that of its query, the token before the predicted one, in the same order.

        It is what a head with the relative key sees of the positions of the sources; a shift of all IDs keeps it.

        Examples
        --------
        >>> Instance(tokens=(7, 8, 7), ids=(4, 5, 4), steps=(Step(2, (0,)),)).key(Step(2, (0,)))
        (-1,)
        """
        query = self.ids[step.position - 1]
        return tuple(self.ids[source] - query for source in step.sources)


class Task(ABC):
    """A task: how its instances are made, and what every predicted token depends on.

    Attributes
    ----------
    name : one or two words, as in the registry.
    alphabet : how each token prints; the tokens are 0..len(alphabet)-1.
    sparsity : the size of the largest dependency set, at every length; None for a dense task, whose sets grow.
    anchor : "last" when a prediction is made from the last token before it, which every head then attends to (sequence
        tasks); "none" for a single answer that any head may read off (planted ensembles).
    min_length : the smallest length.
    offsets : a claim that may be left out: the IDs that a step reads less that of its query, the token before the
        predicted one, in the order of the sources; one tuple a kind of step, the same at every step and length. A
        coupling with an ID off by one somewhere does not have the offsets that it should.

    A `length` here is that of the problem (bits, digits of an operand, items); the sequence is longer.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> task = Copy(2)
    >>> task.sparsity, task.window, task.n_instances(3), [task.text(instance.tokens) for instance in task.support(1)]
    (1, 1, 8, ['a>a', 'b>b'])
    """

    anchor: Anchor = "last"
    min_length: int = 1

    @property
    @abstractmethod
    def name(self) -> str:
        """One or two words, as in the registry."""

    @property
    @abstractmethod
    def alphabet(self) -> tuple[str, ...]:
        """How each token prints; the tokens are 0..len(alphabet)-1."""

    @property
    @abstractmethod
    def sparsity(self) -> int | None:
        """The size of the largest dependency set, at every length; None for a dense task."""

    @property
    def offsets(self) -> frozenset[tuple[int, ...]] | None:
        """The ID offsets of sources from their query that occur, at every length; None where nothing is claimed."""
        return None

    @property
    def window(self) -> int | None:
        """The ID window that holds every dependency set with its query, by `offsets`; None where these claim nothing."""
        if self.offsets is None:
            return None
        return max((max(0, *offsets) - min(0, *offsets) for offsets in self.offsets if offsets), default=0)

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        """For each position of the prompt the tokens that it may hold; all combinations are equally likely."""
        raise NotImplementedError(f"{type(self).__name__} defines neither choices nor instances, n_instances and draw")

    def solve(self, prompt: Tokens) -> Instance:
        """The reference sequence of a prompt, with IDs and dependency sets."""
        raise NotImplementedError(f"{type(self).__name__} defines neither solve nor instances, n_instances and draw")

    @abstractmethod
    def rule(self, read: Tokens, *args: Any, **kwargs: Any) -> int:
        """The token that a step predicts, as a function of the tokens at its sources.

        Written `rule(self, read)`; or `rule(self, read, key)`, to be a function of the key of the step too
        (`Instance.key`), where one reading has different targets in different steps and only the IDs tell them apart.
        """

    def increment(self, read: Tokens, *args: Any, **kwargs: Any) -> int | None:
        """By how much the ID of the predicted token exceeds the last one, as a function of the tokens read.

        None, the default, where the IDs are not predicted. It may take the key as well, as `rule` may.
        """
        return None

    # A task whose prompts are no free choices, position by position, defines these four instead of the two above.

    def instances(self, length: int) -> Iterator[Instance]:
        """Every instance of a length, once."""
        return map(self.solve, product(*self.choices(length)))

    def n_instances(self, length: int) -> int:
        """How many instances there are; known without listing them."""
        return prod(map(len, self.choices(length)))

    def weight(self, instance: Instance) -> int:
        """The relative probability of an instance, among those of its length."""
        return 1

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        """A random instance, by its weight."""
        return self.solve(tuple(int(options[int(rng.integers(len(options)))]) for options in self.choices(length)))

    # ── What follows from these ──────────────────────────────────────────────────────────────────────────────────────

    def sample(self, length: int, rng: np.random.Generator) -> Instance:
        """A random instance: `draw`, on checked arguments.

        Raises
        ------
        InvalidArgument : for a length below `min_length`, or something that is no generator.
        """
        self.check_length(length, "sample")
        check_generator(rng, f"{type(self).__name__}.sample")
        return self.draw(length, rng)

    def support(self, length: int, *, budget: int = BUDGET) -> Iterator[Instance]:
        """Every instance of a length, once: `instances`, within a budget.

        Raises
        ------
        InvalidArgument : for a length below `min_length`.
        BudgetExceeded : when there are more instances than the budget; nothing is listed then.
        """
        self.check_length(length, "support")
        within_budget(f"{type(self).__name__}.support", size=self.n_instances(length), budget=budget)
        return self.instances(length)

    def examples(
        self,
        length: int,
        *,
        coupled: bool = True,
        relabel: PositionScheme | None = None,
        increments: bool = False,
        budget: int = BUDGET,
    ) -> Iterator[Example]:
        """Every step of every instance as an example of T1: the prefix with its IDs, and the next token as the label.

        Parameters
        ----------
        coupled : the task's own IDs; otherwise the positions 0, 1, 2, ...
        relabel : a scheme that shifts or relabels the IDs of a sequence; default: none.
        increments : labels are pairs (token, ID increment), as in predictive position coupling.
        budget : relabelled instances that may be listed.

        Raises
        ------
        InvalidArgument, BudgetExceeded

        Cost: instances · relabellings · steps · length. Source: section 4 of docs/theory.md.
        """
        scheme = absolute() if relabel is None else relabel
        check_type(scheme, PositionScheme, "Task.examples", "relabel", "a position scheme", "For instance absolute().")
        plain, fix = not isinstance(scheme, Coupled), "Use coupled=True for the task's own coupling."
        got, expected = "a coupled scheme", "a scheme that relabels IDs"
        check(plain, "Task.examples", "relabel", got=got, expected=expected, fix=fix)
        for instance in self.support(length, budget=budget):
            base = instance.ids if coupled else tuple(range(len(instance.tokens)))
            values = tuple(sorted(set(base)))
            listed = self.n_instances(length) * scheme.n_relabellings(len(values))
            within_budget(f"{type(self).__name__}.examples", size=listed, budget=budget)
            for new in scheme.relabellings(values):
                renamed = dict(zip(values, new, strict=True))
                yield from step_examples(instance, tuple(renamed[i] for i in base), increments=increments)

    def arity(self, instance: Instance) -> int:
        """The arity that a head needs: the most tokens that a step reads, its query (the last token) included."""
        return max(len(self.attended(step)) for step in instance.steps)

    def attended(self, step: Step) -> frozenset[int]:
        """The positions that a head attends to for a step: its sources, and with anchor "last" the token before it."""
        return frozenset((*step.sources, step.position - 1) if self.anchor == "last" else step.sources)

    @property
    def takes_key(self) -> bool:
        """Whether `rule` or `increment` takes the key of a step besides what it reads."""
        return _takes_key(self.rule) or _takes_key(self.increment)

    def predict_token(self, read: Tokens, key: Ids) -> int:
        """The token by `rule`, which gets the key where it takes one."""
        return self.rule(read, key) if _takes_key(self.rule) else self.rule(read)

    def predict_increment(self, read: Tokens, key: Ids) -> int | None:
        """The ID increment by `increment`, which gets the key where it takes one."""
        return self.increment(read, key) if _takes_key(self.increment) else self.increment(read)

    def rollout(self, instance: Instance) -> Tokens:
        """The sequence that free running makes: each scored token by `rule` from the tokens made so far."""
        return self.free_run(instance)[0]

    def free_run(self, instance: Instance) -> tuple[Tokens, Ids]:
        """Tokens and IDs that free running makes, each step by `rule` and `increment` from those made so far.

        Examples
        --------
        >>> from theory.tasks import PointerChasing
        >>> task = PointerChasing()
        >>> walk = task.encode("a+2 b+1 b+1")
        >>> task.free_run(walk) == (walk.tokens, walk.ids)
        True
        """
        n, rule, increment = instance.n_prompt, self.rule, self.increment
        by_key, grows_by_key = _takes_key(rule), _takes_key(increment)
        tokens, ids = [*instance.tokens[:n]], [*instance.ids[:n]]
        sources = {step.position: step.sources for step in instance.steps}
        for position in range(n, len(instance.tokens)):
            token, id_ = instance.tokens[position], instance.ids[position]
            if position in sources:
                read = tuple([tokens[source] for source in sources[position]])
                key = tuple([ids[source] - ids[-1] for source in sources[position]])
                token = rule(read, key) if by_key else rule(read)
                grown = increment(read, key) if grows_by_key else increment(read)
                id_ = id_ if grown is None else ids[-1] + grown
            tokens.append(token)
            ids.append(id_)
        return tuple(tokens), tuple(ids)

    def text(self, tokens: Tokens) -> str:
        """The tokens as text."""
        return "".join(self.alphabet[token] for token in tokens)

    def show(self, instance: Instance, *, step: Step | None = None, width: int | None = None) -> str:
        """The instance as a small table: tokens, IDs, and under every predicted token the positions that it reads.

        Parameters
        ----------
        step : what to keep in a table that is cut: its position, its query and its sources; then the start.
        width : cut a table of more columns of text than that; default: never.

        Examples
        --------
        >>> from theory.tasks import FullParity
        >>> task = FullParity()
        >>> long = task.solve((1, 0) * 50)
        >>> print(task.show(long, step=long.steps[0], width=60))
        token 1  0  1  0  1  0  1  0  1  0  1  0  ... 0  =0
        ID    0  1  2  3  4  5  6  7  8  9  10 11 ... 99 100
        read                                      ...    0,1,...,99
        """
        sources = {step.position: ",".join(map(str, step.sources)) for step in instance.steps}
        columns = [
            (self.alphabet[token], str(instance.ids[i]), sources.get(i, "")) for i, token in enumerate(instance.tokens)
        ]
        table = [("token", "ID", "read"), *columns]
        if width is not None and _width(table) > width:
            columns = [(token, id_, _cut(read)) for token, id_, read in columns]
            first = (step.position, step.position - 1, *step.sources) if step else ()
            table = _fitting(table[0], columns, [*dict.fromkeys((*first, *range(len(columns))))], width)
        widths = [max(2 if j else 5, *map(len, column)) for j, column in enumerate(table)]
        rows = zip(*table, strict=True)
        return "\n".join(" ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def check_length(self, length: object, method: str) -> None:
        """Refuse a length that the task does not have.

        Raises
        ------
        InvalidArgument
        """
        if not is_integer(length, self.min_length):
            where, fix = f"{type(self).__name__}.{method}", f"The shortest {self.name} has length {self.min_length}."
            check_integer(length, where, "length", least=self.min_length, fix=fix)


Column: TypeAlias = tuple[str, str, str]
"""Of a table of an instance: a token, its ID, and what is read there."""


def _width(table: Sequence[Column]) -> int:
    """The columns of text of a table."""
    return sum(1 + max(2, *map(len, column)) for column in table) - 1


def _cut(read: str) -> str:
    """The positions that a step reads; of many the first two and the last."""
    positions = read.split(",")
    return read if len(read) <= 20 else ",".join((*positions[:2], "...", positions[-1]))


def _fitting(head: Column, columns: list[Column], wanted: Sequence[int], width: int) -> list[Column]:
    """The columns that fit into a width, in the order in which they are wanted; dots for those between."""

    def table(kept: set[int]) -> list[Column]:
        made, after = [head], 0
        for i in sorted(kept):
            made += [("...",) * 3] * (i > after) + [columns[i]]
            after = i + 1
        return made + [("...",) * 3] * (after < len(columns))

    kept: set[int] = set()
    for i in wanted:
        if _width(table(kept | {i})) <= width:
            kept.add(i)
    return table(kept)


def _takes_key(method: Callable[..., object]) -> bool:
    """Whether a rule takes a second argument: one that must be given, or is named `key`."""
    return _has_key(getattr(method, "__func__", method), bound=hasattr(method, "__func__"))


@lru_cache(maxsize=256)
def _has_key(function: Callable[..., object], *, bound: bool) -> bool:
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [each for each in signature(function).parameters.values() if each.kind in places]
    except ValueError:  # a builtin that does not say
        return False
    return any(each.name == "key" or each.default is Parameter.empty for each in parameters[1 + bound : 2 + bound])


def step_examples(instance: Instance, ids: Ids, *, increments: bool = False) -> Iterator[Example]:
    """Every step of an instance under given IDs: the prefix, and the next token (with the ID increment) as the label.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> instance = Copy(2).solve((0, 1, 2))
    >>> [(example.tokens, example.ids, example.label) for example in step_examples(instance, instance.ids)]
    [((0, 1, 2), (0, 1, -1), 0), ((0, 1, 2, 0), (0, 1, -1, 0), 1)]
    """
    tokens = instance.tokens
    for step in instance.steps:
        t = step.position
        label = (tokens[t], ids[t] - ids[t - 1]) if increments else tokens[t]
        yield Example(tokens[:t], ids[:t], label)


def letters(number: int) -> tuple[str, ...]:
    """How `number` symbols print: a, b, c, ..., then s26, s27, ..."""
    return tuple(chr(ord("a") + i) if i < 26 else f"s{i}" for i in range(number))


def digit_names(base: int) -> tuple[str, ...]:
    """0, 1, ..., 9, A, B, ..., and from 36 on in brackets."""
    return tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i] if i < 36 else f"[{i}]" for i in range(base))


def digits_of(number: object, base: int, length: int, where: str, argument: str) -> Tokens:
    """The `length` digits of a number, the most significant first.

    Raises
    ------
    InvalidArgument : for a number that is no integer >= 0, or has more digits.

    Examples
    --------
    >>> digits_of(49, 10, 3, "example", "number")
    (0, 4, 9)
    """
    check_integer(number, where, argument, least=0, most=base**length - 1, fix="Raise `length` for more digits.")
    return tuple(number // base**i % base for i in range(length))[::-1]
