"""What can be asked of a black box: a function, a generator, a list of pairs or a task, behind one door.

>>> source = Source.of(lambda prompt: prompt[::-1], alphabet=("a", "b"))
>>> source.kind, source.answer(("a", "b", "b"))
('solve', ('b', 'b', 'a'))
>>> Source.of([(("a", "b"), ("b",))]).kind
'pairs'
"""

from __future__ import annotations

import numbers
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from itertools import islice, product
from types import FrameType
from typing import Any, Literal, TypeAlias

import numpy as np

from theory.errors import InvalidArgument, check, check_type, shown, typed, within_budget
from theory.modules import Asked, fault
from theory.tasks.base import Task
from theory.tasks.faults import checked, running, sampled

Token: TypeAlias = int | str
Pair: TypeAlias = tuple[tuple[Token, ...], tuple[Token, ...]]
SourceKind: TypeAlias = Literal["solve", "generate", "pairs", "task"]

WHERE = "dependencies.infer"

READ = 100_000
"""Prompts of one length that `prompts` may list; more are not read."""

MOST_TOKENS, MOST_CELLS, LONGEST = 10**6, 10**8, 10_000
"""So many tokens an alphabet may have, all sequences of a length together, and one of them."""

CALL_SECONDS = 5.0
"""How long one call of a function may take."""

TICK, AGAIN = 0.1, 1.0
"""How often, in seconds, a call that runs is looked at, and one that was told to end."""

KINDS = (
    "a function solve(prompt) -> output with an alphabet, a function generate(length, rng) -> (prompt, output), "
    "a list of pairs (prompt, output), or a Task"
)


class Ended(BaseException):
    """A call took too long: raised into it, where no `except Exception` of the user's catches it."""


def limited(seconds: float, function: Callable[..., Any], *arguments: object) -> Any:
    """What a function returns, if it does so in so many seconds.

    A loop of Python in the main thread is interrupted. Elsewhere, and where a signal cannot do it, nothing is
    interrupted; a call that took too long is refused when it comes back.

    Raises
    ------
    Ended

    Examples
    --------
    >>> limited(10, max, 3, 4)
    4
    """
    started, runs = time.monotonic(), True

    def look(number: int, frame: FrameType | None) -> None:
        if runs and time.monotonic() - started > seconds:
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)  # some code swallows what is raised into it
            raise Ended

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        value = function(*arguments)
        if time.monotonic() - started > seconds:
            raise Ended
        return value
    before = signal.signal(signal.SIGALRM, look)
    left, every = 0.0, 0.0
    try:
        try:
            left, every = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
            return function(*arguments)
        finally:
            runs = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
        if left:  # an alarm of the caller's goes on
            signal.setitimer(signal.ITIMER_REAL, max(1e-3, left - (time.monotonic() - started)), every)


def tokens_of(value: object, where: str, argument: str) -> tuple[Token, ...]:
    """A prompt or an output as a tuple of ints and strings.

    Raises
    ------
    InvalidArgument : for what is no tuple, list or one-dimensional array, and for a token that is no int or string.

    Examples
    --------
    >>> tokens_of(["a", np.int64(3)], "example", "prompt")
    ('a', 3)
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, tuple | list | range):
        fix = "Write tuple(output), or (token,) for a single one; a string is split into characters by tuple as well."
        raise InvalidArgument(where, argument, got=typed(value), expected="a tuple of tokens", fix=fix)
    made: list[Token] = []
    for j, token in enumerate(value):
        if type(token) is int or type(token) is str:
            made.append(token)
        elif isinstance(token, numbers.Integral) and not isinstance(token, bool):
            made.append(int(token))
        elif isinstance(token, str):
            made.append(str(token))
        else:
            fix = "Name every token by an int or a string; write a compound one as a string."
            raise InvalidArgument(where, f"{argument}[{j}]", got=typed(token), expected="an int or a string", fix=fix)
    return tuple(made)


@dataclass(frozen=True)
class Source:
    """A black box, and what may be asked of it.

    Attributes
    ----------
    kind : "solve" (every prompt of its alphabet, or those that it lists), "generate", "pairs" or "task".
    alphabet : the tokens known before anything is asked.
    function : of "solve" and "generate".
    listed : the function of a length that lists the prompts of "solve", where not every word is one.
    pairs : of "pairs".
    task : of "task".
    seconds : how long a call may take.

    Examples
    --------
    >>> Source.of(lambda length, rng: ((0,) * length, (0,))).kind
    'generate'
    """

    kind: SourceKind
    alphabet: tuple[Token, ...] = ()
    function: Callable[..., Any] | None = None
    listed: Callable[[int], Iterable[Any]] | None = None
    pairs: tuple[Pair, ...] = ()
    task: Task | None = None
    seconds: float = CALL_SECONDS
    _stored: dict[int, tuple[list[tuple[Token, ...]], bool]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        thing: object,
        alphabet: Sequence[Token] | None = None,
        prompts: Callable[[int], Iterable[Any]] | None = None,
        *,
        seconds: float = CALL_SECONDS,
    ) -> Source:
        """The source that a thing is.

        Parameters
        ----------
        thing : a function of a prompt, or of a length and a generator of random numbers; an object with `solve` or
            `generate`; pairs (prompt, output); or a Task.
        alphabet : the tokens of prompts, where every word over them is one; default: that of the thing.
        prompts : a function of a length that lists its prompts, where not every word is one; default: as above.
        seconds : how long one call may take.

        Raises
        ------
        InvalidArgument : for what is none of these, and for `solve` without an alphabet or prompts.
        """
        if isinstance(thing, Source):
            return thing
        if isinstance(thing, Task):
            return cls("task", tuple(thing.alphabet), task=thing, seconds=seconds)
        if isinstance(thing, list | tuple):
            return cls("pairs", pairs=_checked_pairs(thing))
        if isinstance(thing, type):
            got, fix = f"the class {thing.__name__}", f"Make one: {thing.__name__}()."
            raise InvalidArgument(WHERE, "source", got=got, expected=KINDS, fix=fix)
        alphabet = getattr(thing, "alphabet", None) if alphabet is None else alphabet
        prompts = getattr(thing, "prompts", None) if prompts is None else prompts
        function, kind = _function_of(thing, alphabet is not None or prompts is not None)
        if kind == "generate":
            return cls("generate", function=function, seconds=seconds)
        if alphabet is None and prompts is None:
            fix = "Pass alphabet=('0', '1') if every word is a prompt, or prompts=..., which lists those of a length."
            raise InvalidArgument(WHERE, "alphabet", got="none", expected="what a prompt may be", fix=fix)
        check(prompts is None or callable(prompts), WHERE, "prompts", prompts, expected="a function of a length",
              fix="For instance prompts=lambda length: itertools.product('01', repeat=length).")  # fmt: skip
        known = () if alphabet is None else _checked_alphabet(alphabet)
        return cls("solve", known, function=function, listed=prompts, seconds=seconds)

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def n_prompts(self, length: int) -> int | None:
        """How many prompts of a length there are; None where nobody says."""
        if self.kind == "task" and self.task is not None:
            return self.task.n_instances(length) if length >= self.task.min_length else 0
        if self.kind == "solve" and self.listed is None:
            return int(len(self.alphabet) ** length)
        if self.kind == "solve":
            prompts, complete = self._read(length)
            return len(prompts) if complete else None
        return sum(len(prompt) == length for prompt, _ in self.pairs) if self.kind == "pairs" else None

    def choices(self, length: int) -> list[tuple[Token, ...]] | None:
        """For each position of a prompt its tokens, where all combinations are prompts; None where that is not known."""
        if self.kind == "solve" and self.listed is None:
            return [self.alphabet] * length
        if self.kind == "task" and self.task is not None and type(self.task).instances is Task.instances:
            names = self.alphabet
            return [tuple(names[token] for token in options) for options in self.task.choices(length)]
        return None

    def all_pairs(self, length: int) -> Iterator[Pair]:
        """Every prompt of a length with its output."""
        if self.kind == "task" and self.task is not None:
            with running(self.task, WHERE):
                for instance in self.task.instances(length):
                    yield self._named(checked(instance, self.task, WHERE))
        elif self.kind == "pairs":
            yield from (pair for pair in self.pairs if len(pair[0]) == length)
        elif self.listed is None:
            yield from self.answers(product(self.alphabet, repeat=length))
        else:
            yield from self.answers(self._read(length)[0])

    def draw(self, length: int, size: int, rng: np.random.Generator) -> Iterator[Pair]:
        """Random prompts of a length with their outputs; of listed prompts each is equally likely."""
        if self.kind == "task" and self.task is not None:
            for _ in range(size):
                yield self._named(sampled(self.task, length, rng, WHERE))
        elif self.kind == "generate":
            yield from self._generated(length, size, rng)
        elif self.kind == "solve" and self.listed is None:
            codes = rng.integers(len(self.alphabet), size=(size, length)).tolist()
            yield from self.answers(tuple(self.alphabet[code] for code in row) for row in codes)
        else:
            known = list(self.all_pairs(length)) if self.kind == "pairs" else self._read(length)[0]
            rows = rng.permutation(len(known))[:size].tolist()
            chosen: Iterable[Any] = (known[row] for row in rows)
            yield from self.answers(chosen) if self.kind == "solve" else chosen

    def answer(self, prompt: Sequence[Token]) -> tuple[Token, ...]:
        """The output for a prompt.

        Raises
        ------
        InvalidArgument : for a source that cannot be asked, or a function that goes wrong.
        """
        return next(self.answers([tuple(prompt)]))[1]

    def answers(self, prompts: Iterable[Sequence[Token]]) -> Iterator[Pair]:
        """Each prompt with its output: that of the function, or of the task where its prompts are free."""
        if self.kind == "task" and self.task is not None:
            number = {token: code for code, token in enumerate(self.alphabet)}
            for prompt in prompts:
                yield self._named(self.task.solve(tuple(number[token] for token in prompt)))
            return
        if self.kind != "solve":
            fix = "Give solve(prompt), to which prompts can be put."
            raise InvalidArgument(WHERE, "source", got=f"a source of kind {self.kind}", expected="a function", fix=fix)
        for prompt in prompts:
            asked = tuple(prompt)
            yield (
                asked,
                tokens_of(self._call(f"solve({shown(asked)})", self.function, asked), WHERE, f"solve({shown(asked)})"),
            )

    # ── Within ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _named(self, instance: Any) -> Pair:
        tokens = tuple(self.alphabet[token] for token in instance.tokens)
        return tokens[: instance.n_prompt], tokens[instance.n_prompt :]

    def _call(self, text: str, function: Callable[..., Any] | None, *arguments: object) -> Any:
        assert function is not None
        try:
            return limited(self.seconds, function, *arguments)
        except Ended:
            fix = "A prompt of this length must have an output in that time; pass seconds=... for more."
            got = f"{text}, which ran for {self.seconds:g} seconds without an end"
            raise InvalidArgument(WHERE, "source", got=got, expected="a function that ends", fix=fix) from None
        except (Exception, SystemExit) as error:
            asked = Asked(WHERE, "source", "a function that answers", "solve")
            fix = "Every prompt must have an output; pass prompts=... to list those that do."
            raise fault(error, asked, f"{text}, which", fix) from error

    def _generated(self, length: int, size: int, rng: np.random.Generator) -> Iterator[Pair]:
        text = f"generate({length}, rng)"
        for _ in range(size):
            made = self._call(text, self.function, length, rng)
            if not isinstance(made, tuple | list) or len(made) != 2:
                raise InvalidArgument(WHERE, text, got=typed(made), expected="a pair (prompt, output)",
                                      fix="Return the prompt and the output, each a tuple of tokens.")  # fmt: skip
            yield _checked_pair(made, text)

    def _read(self, length: int) -> tuple[list[tuple[Token, ...]], bool]:
        """The prompts that `prompts` lists, and whether these are all."""
        if length not in self._stored and self.listed is not None:
            listed = self.listed
            found = self._call(f"prompts({length})", lambda: list(islice(listed(length), READ + 1)))
            made = [tokens_of(prompt, WHERE, f"prompts({length})") for prompt in found[:READ]]
            self._stored[length] = [*dict.fromkeys(made)], len(found) <= READ
        return self._stored[length]


def _function_of(thing: object, asked: bool) -> tuple[Callable[..., Any], SourceKind]:
    """The function of a thing, and which of the two it is."""
    names: tuple[SourceKind, ...] = ("solve", "generate")
    for name in names:
        method = getattr(thing, name, None)
        if callable(method):
            return method, name
    if not callable(thing):
        raise InvalidArgument(WHERE, "source", got=typed(thing), expected=KINDS, fix="Pass the function itself.")
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [one for one in signature(thing).parameters.values() if one.kind in places]
    except (TypeError, ValueError):  # a builtin that does not say
        return thing, "solve" if asked else "generate"
    needed = sum(one.default is Parameter.empty for one in parameters)
    if needed == 2 or (needed < 2 <= len(parameters) and not asked):
        return thing, "generate"
    if needed <= 1 and parameters:
        return thing, "solve"
    got, fix = f"a function of {needed} arguments", "Write solve(prompt) or generate(length, rng)."
    raise InvalidArgument(WHERE, "source", got=got, expected=KINDS, fix=fix)


def _checked_alphabet(alphabet: object) -> tuple[Token, ...]:
    check_type(alphabet, (tuple, list, range, str), WHERE, "alphabet", "a tuple of tokens", "For instance ('0', '1').")
    assert isinstance(alphabet, tuple | list | range | str)
    made = tokens_of(tuple(alphabet[: MOST_TOKENS + 1]), WHERE, "alphabet")
    fix = "Name the tokens of the prompts that matter, or give generate(length, rng)."
    within_budget(f"{WHERE} (tokens of the alphabet)", size=len(alphabet), budget=MOST_TOKENS, fix=fix)
    once = len(set(made)) == len(made) > 0
    check(once, WHERE, "alphabet", alphabet, expected="at least one token, each once", fix="For instance ('0', '1').")
    return made


def _checked_pairs(pairs: Sequence[object]) -> tuple[Pair, ...]:
    check(len(pairs) > 0, WHERE, "source", got="no pairs", expected="at least one pair (prompt, output)",
          fix="Give examples.")  # fmt: skip
    made = []
    for j, pair in enumerate(pairs):
        at = f"pairs[{j}]"
        two = isinstance(pair, tuple | list) and len(pair) == 2
        check(two, WHERE, at, pair, expected="a pair (prompt, output)", fix="Write ((0, 1), (1,)).")
        made.append(_checked_pair(pair, at))  # type: ignore[arg-type]
    return tuple(made)


def _checked_pair(pair: Sequence[object], at: str) -> Pair:
    prompt, output = tokens_of(pair[0], WHERE, f"{at} (prompt)"), tokens_of(pair[1], WHERE, f"{at} (output)")
    check(len(prompt) > 0, WHERE, f"{at} (prompt)", got="no tokens", expected="at least one token", fix="Add one.")
    return prompt, output


# ── What was seen ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Group:
    """The sequences with prompts of one number of tokens, as an array of numbers of tokens, a row each.

    Attributes
    ----------
    n : the tokens of a prompt.
    length : the length that was asked for.
    tokens : prompt and output, filled with -1.
    sizes : the tokens of each row that are there.
    exhaustive : whether these are all prompts of the length.
    """

    n: int
    length: int
    tokens: np.ndarray[Any, np.dtype[np.int32]]
    sizes: np.ndarray[Any, np.dtype[np.int64]]
    exhaustive: bool

    @property
    def n_steps(self) -> int:
        """The most tokens of an output."""
        return int(self.sizes.max()) - self.n

    @property
    def even(self) -> bool:
        """Whether all outputs have as many tokens."""
        return bool((self.sizes == self.sizes[0]).all())

    def rows(self, step: int) -> np.ndarray[Any, np.dtype[np.intp]]:
        """The rows that have this output token."""
        return np.flatnonzero(self.sizes > self.n + step)


def group_of(pairs: Sequence[Pair], number: dict[Token, int], length: int, *, exhaustive: bool) -> Group:
    """Pairs with prompts of one number of tokens, as an array; tokens that are new are numbered on."""
    n = len(pairs[0][0])
    sizes = np.array([len(prompt) + len(output) for prompt, output in pairs], dtype=np.int64)
    fix = "Ask for shorter lengths (lengths), or for fewer instances (samples, budget)."
    within_budget(f"{WHERE} (tokens of a sequence)", size=int(sizes.max()), budget=LONGEST, fix=fix)
    within_budget(f"{WHERE} (tokens)", size=len(pairs) * int(sizes.max()), budget=MOST_CELLS, fix=fix)
    tokens = np.full((len(pairs), int(sizes.max())), -1, dtype=np.int32)
    for row, (prompt, output) in enumerate(pairs):
        sequence = (*prompt, *output)
        tokens[row, : len(sequence)] = [number.setdefault(token, len(number)) for token in sequence]
    return Group(n, length, tokens, sizes, exhaustive)


def neighbours(
    source: Source, pairs: Sequence[Pair], length: int, size: int, rng: np.random.Generator
) -> Iterator[Pair]:
    """Prompts that differ from one of these in a single token, with their outputs; none where they cannot be asked."""
    choices = source.choices(length)
    if choices is None or not pairs:
        return
    free = [j for j, options in enumerate(choices) if len(options) > 1]
    if not free:
        return

    def changed() -> Iterator[tuple[Token, ...]]:
        for number in range(size):
            prompt, j = list(pairs[number // len(free) % len(pairs)][0]), free[number % len(free)]
            options = choices[j]
            other = int(rng.integers(len(options)))
            prompt[j] = options[other] if options[other] != prompt[j] else options[other - 1]
            yield tuple(prompt)

    yield from source.answers(changed())
