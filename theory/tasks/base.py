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
from functools import lru_cache
from inspect import Parameter, signature
from itertools import product, takewhile
from math import prod
from typing import Any

import numpy as np

from lengthgen_entry import PACKAGES
from theory.coordinates import Id, Ids, coordinates, minus, n_coordinates, plus
from theory.errors import (
    InvalidArgument,
    check,
    check_integer,
    check_type,
    did_you_mean,
    is_integer,
    shown,
    within_budget,
)
from theory.exact import check_generator
from theory.examples import BUDGET, Example
from theory.heads import Anchor
from theory.positions import Coupled, PositionScheme, absolute
from theory.tasks.drawing import Drawn
from theory.tasks.instance import Instance as Instance
from theory.tasks.instance import Step as Step
from theory.tasks.instance import Tokens as Tokens
from theory.tasks.instance import shown_as_table
from theory.tasks.instance import step_examples as step_examples

SPACES = "Write one for each token, with spaces between."


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
        coupling with an ID off by one somewhere does not have the offsets that it should. Of IDs with several
        coordinates an offset is a tuple of differences.

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
    def offsets(self) -> frozenset[Ids] | None:
        """The ID offsets of sources from their query that occur, at every length; None where nothing is claimed."""
        return None

    @property
    def window(self) -> int | tuple[int, ...] | None:
        """The ID window that holds every dependency set with its query, by `offsets`; None where these claim nothing.

        Of IDs with several coordinates a tuple, a window for each.
        """
        if self.offsets is None:
            return None
        offsets = [own for own in self.offsets if own]
        unlike = len(set(map(n_coordinates, offsets))) > 1
        where, expected = f"{type(self).__name__}.window", "offsets of as many coordinates each"
        check(not unlike, where, "offsets", self.offsets, expected=expected, fix="Claim those of `Instance.key`.")
        columns = [tuple(max(0, *column) - min(0, *column) for column in coordinates(own)) for own in offsets]
        widest = tuple(map(max, zip(*columns, strict=True))) or (0,)
        return widest if len(widest) > 1 else widest[0]

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

    def increment(self, read: Tokens, *args: Any, **kwargs: Any) -> Id | None:
        """By how much the ID of the predicted token exceeds the last one, as a function of the tokens read.

        None, the default, where the IDs are not predicted; a tuple for IDs of several coordinates. It may take the key as
        well, as `rule` may.
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

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn | None:
        """`size` random instances as arrays, by the law of `draw`; None, the default, where that is not possible."""
        return None

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

    def sample_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn | None:
        """Random instances as arrays: `draw_many`, on checked arguments.

        None where there are no arrays, and for a class of one's own that changes a task of ours without a `draw_many` of
        its own: that of the task of ours need not fit it.

        Raises
        ------
        InvalidArgument : for a length below `min_length`, a size below 1, or something that is no generator.

        Examples
        --------
        >>> from theory.tasks import Copy
        >>> Copy(2).sample_many(2, 3, np.random.default_rng(0)).tokens.tolist()
        [[1, 1, 2, 1, 1], [1, 0, 2, 1, 0], [0, 0, 2, 0, 0]]
        """
        self.check_length(length, "sample_many")
        check_integer(size, f"{type(self).__name__}.sample_many", "size", least=1)
        check_generator(rng, f"{type(self).__name__}.sample_many")
        kinds = takewhile(lambda kind: "draw_many" not in vars(kind), type(self).__mro__)
        if any(kind.__module__.partition(".")[0] not in PACKAGES for kind in kinds):
            return None
        return self.draw_many(length, size, rng)

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
            listed = self.n_instances(length) * scheme.n_relabelled(base)
            within_budget(f"{type(self).__name__}.examples", size=listed, budget=budget)
            for ids in scheme.relabelled(base):
                yield from step_examples(instance, ids, increments=increments)

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

    def predict_increment(self, read: Tokens, key: Ids) -> Id | None:
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
                key = tuple([minus(ids[source], ids[-1]) for source in sources[position]])
                token = rule(read, key) if by_key else rule(read)
                grown = increment(read, key) if grows_by_key else increment(read)
                id_ = id_ if grown is None else plus(ids[-1], grown)
            tokens.append(token)
            ids.append(id_)
        return tuple(tokens), tuple(ids)

    def text(self, tokens: Tokens) -> str:
        """The tokens as text."""
        return "".join(self.alphabet[token] for token in tokens)

    def tokens(self, text: str) -> Tokens:
        """The tokens of symbols that are written with spaces between.

        Raises
        ------
        InvalidArgument : for a symbol that is not in the alphabet.

        Examples
        --------
        >>> from theory.tasks import Copy
        >>> Copy(2).tokens("a b b >")
        (0, 1, 1, 2)
        """
        where = f"{type(self).__name__}.tokens"
        check_type(text, str, where, "text", "symbols with spaces between", SPACES)
        number = {symbol: token for token, symbol in enumerate(self.alphabet)}
        for symbol in text.split():
            if symbol not in number:
                expected, fix = f"symbols of {self.name}: {shown(self.alphabet)}", did_you_mean(symbol, number, SPACES)
                raise InvalidArgument(where, "text", got=repr(symbol), expected=expected, fix=fix)
        return tuple(number[symbol] for symbol in text.split())

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
        return shown_as_table(instance, self.alphabet, step=step, width=width)

    def check_length(self, length: object, method: str) -> None:
        """Refuse a length that the task does not have.

        Raises
        ------
        InvalidArgument
        """
        if not is_integer(length, self.min_length):
            where, fix = f"{type(self).__name__}.{method}", f"The shortest {self.name} has length {self.min_length}."
            check_integer(length, where, "length", least=self.min_length, fix=fix)


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
