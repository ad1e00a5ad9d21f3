"""A task on trial: its instances by length, listed within a budget and drawn beyond, and errors turned into findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import accumulate, chain, islice, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from proofs_check.work.draws import each_drawn, generator
from theory.coordinates import Id, minus
from theory.errors import InvalidArgument, bulk, of_the_machine, shown
from theory.tasks.base import Instance, Step, Task, Tokens

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Drawn = TypeVar("Drawn")

POOL = 400
"""How many instances are drawn of a length that is too large to list, to be compared with each other."""

CHANGED = 32
"""In how many places of a long prompt one token is changed."""

COLUMNS = 100
"""A table of an instance is cut to so many columns of text."""

SHRUNK = 256
"""Prompts of up to so many tokens are drawn, and shrunk, token by token."""

OWNER = {"ids": "IDs", "steps": "mask", "given": "mask"}
"""The contract that answers for an argument that `Instance` refuses."""


class Broken(Exception):
    """Something against the task: at which input, what was seen, and what would satisfy the contract.

    `owner` is the contract that answers for it, where that is not the one under test; `step` is the one at fault in the
    instance.
    """

    def __init__(
        self,
        where: str,
        seen: str,
        wanted: str,
        *,
        instance: Instance | None = None,
        step: Step | None = None,
        owner: str | None = None,
    ) -> None:
        super().__init__(where, seen, wanted)
        self.where, self.seen, self.wanted, self.owner = where, seen, wanted, owner
        self.instance, self.step = instance, step


class Undecided(Exception):
    """Why a contract could not be decided."""


class Decided(NamedTuple):
    """What was decided: how many cases, what they were, and whether nothing that was listed was left out."""

    cases: int
    scope: str
    complete: bool = True


class calling:
    """Turn an error of the task's own code into a finding that names the method, the input and the error.

    One of the machine, no memory or a full disk, says nothing of the task and stays what it is.
    """

    __slots__ = ("at", "instance", "method", "owner", "step")

    def __init__(
        self,
        method: str,
        at: str | Callable[[], str],
        *,
        owner: str | None = None,
        instance: Instance | None = None,
        step: Step | None = None,
    ) -> None:
        self.method, self.at, self.owner, self.instance, self.step = method, at, owner, instance, step

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, Broken) or not isinstance(error, Exception | SystemExit):
            return
        if of_the_machine(error):
            return
        owner = self.owner
        if isinstance(error, InvalidArgument) and error.where == "Instance":
            owner = OWNER.get(error.argument, owner)
        raise Broken(
            self.at if isinstance(self.at, str) else self.at(), f"{self.method} raised {type(error).__name__}: {error}",
            "no error", instance=self.instance, step=self.step, owner=owner,
        ) from error  # fmt: skip


class Trial:
    """A task with the lengths at which it is tried.

    Attributes
    ----------
    name : the task's name, or that of its class where it has none.
    listed : every instance of a length, for the lengths with at most `budget` of them; a long one counts as several.
    sizes : what `n_instances` says of every length whose instances can be had.
    broken : what was found by the way, by the contract that answers for it.
    free : whether the prompts are all combinations of `choices`, solved by `solve`.
    """

    def __init__(
        self, task: Task, lengths: Sequence[int], *, seed: int, budget: int, draws: int, level: Fraction
    ) -> None:
        self.task, self.lengths = task, tuple(lengths)
        self.seed, self.budget, self.draws, self.level = seed, budget, draws, level
        self.name = name_of(task)
        self.free = type(task).instances is Task.instances
        self.sizes: dict[int, int] = {}
        self.listed: dict[int, list[Instance]] = {}
        self.broken: dict[str, Broken] = {}
        self._pools: dict[int, list[Instance]] = {}
        for length in self.lengths:
            try:
                self._list(length)
            except Broken as broken:
                self.broken.setdefault(broken.owner or "well formed", broken)
                self.sizes.pop(length, None)  # the other contracts do without this length

    def _list(self, length: int) -> None:
        at = f"length {length}"
        with calling("n_instances", at):
            size = self.task.n_instances(length)
        if type(size) is not int or size < 1:
            raise Broken(at, f"n_instances = {shown(size)}", "an integer >= 1", owner="length honoured")
        self.sizes[length] = size
        if size * bulk(length) <= self.budget:
            self.listed[length] = self.list_again(length)

    def list_again(self, length: int) -> list[Instance]:
        """What `instances` yields, up to one more than there should be."""
        found: list[Instance] = []
        method, wanted = "solve" if self.free else "instances", self.sizes[length] + 1
        try:
            with calling(method, ""):
                for instance in islice(self.task.instances(length), wanted):
                    if not isinstance(instance, Instance):
                        raise Broken("", f"the {type(instance).__name__} {shown(instance)}", "an Instance")
                    found.append(instance)
        except Broken as broken:
            broken.where = f"length {length}, {self._nth(length, len(found))}"
            raise
        return found

    def _nth(self, length: int, n: int) -> str:
        if self.free:
            try:
                return f"prompt {self.text(next(islice(product(*self.task.choices(length)), n, None)))}"
            except (Exception, SystemExit):
                return "choices"
        return f"instance {n + 1}"

    @cache  # noqa: B019 - a trial does not outlive its check
    def choices(self, length: int) -> tuple[tuple[int, ...], ...]:
        """The choices of a task whose prompts are free."""
        with calling("choices", f"length {length}", owner="well formed"):
            return tuple(tuple(options) for options in self.task.choices(length))

    def solve(self, length: int, prompt: Tokens) -> Instance:
        """The instance of a prompt."""

        def at() -> str:
            return f"length {length}, prompt {self.text(prompt)}"

        with calling("solve", at, owner="well formed"):
            instance = self.task.solve(prompt)
        if not isinstance(instance, Instance):
            seen = f"solve returned the {type(instance).__name__} {shown(instance)}"
            raise Broken(at(), seen, "an Instance", owner="well formed")
        return instance

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        """A random instance of the task's own sampler."""
        owner = "sample agrees with support"
        with calling("sample", f"length {length}", owner=owner):
            instance = self.task.sample(length, rng)
        if not isinstance(instance, Instance):
            seen = f"sample returned the {type(instance).__name__} {shown(instance)}"
            raise Broken(f"length {length}", seen, "an Instance", owner=owner)
        return instance

    def rng(self, *names: str) -> np.random.Generator:
        """A generator that depends on the seed, the task and the names alone."""
        return generator(self.seed, self.name, *names)

    def seen(self, length: int) -> list[Instance]:
        """The instances of a length to compare with each other: all, or a pool of corners and of drawn ones."""
        if length in self.listed:
            return self.listed[length]
        if length not in self._pools:
            rng = self.rng("pool", str(length))
            drawn = [self.draw(length, rng) for _ in range(POOL)] if length in self.sizes else []
            corners = self.corners(length) if drawn and self.free else ()
            self._pools[length] = [*(self.solve(length, prompt) for prompt in corners), *drawn]
        return self._pools[length]

    def corners(self, length: int) -> list[Tokens]:
        """Prompts that draws hardly ever show, each position at its first or last choice, or all at the second or so.

        The level is one for all, or changes from position to position, or where a position without a choice stands
        between (so that an operand has its own); prompts of one level also come with one token changed.
        """
        choices = self.choices(length)

        def at(levels: Sequence[int]) -> Tokens:
            return tuple(options[min(i, len(options) - 1)] for i, options in zip(levels, choices, strict=True))

        last, n = max(map(len, choices)) - 1, len(choices)
        part = [*accumulate(len(options) == 1 for options in choices)]
        level = [at([i] * n) for i in sorted({*range(min(4, last + 1)), last})]
        mixed = [at([last * levels[part[i] % 3] for i in range(n)]) for levels in product((0, 1), repeat=3)]
        mixed += [at([last * ((i + odd) % 2) for i in range(n)]) for odd in (0, 1)]
        return [*dict.fromkeys(chain(level, mixed, *(self.changed(length, prompt) for prompt in level)))]

    def changed(self, length: int, prompt: Tokens) -> Iterator[Tokens]:
        """A prompt with one token changed, in some places where there is a choice."""
        choices = self.choices(length)
        places = [i for i, options in enumerate(choices) if len({*options}) > 1]
        for i in places[:: -(-len(places) // CHANGED) or 1]:
            token = next(token for token in choices[i] if token != prompt[i])
            yield (*prompt[:i], token, *prompt[i + 1 :])

    @cached_property
    def predicts(self) -> bool:
        """Whether the task predicts IDs: `increment` is not None for some step."""
        if getattr(type(self.task), "increment", None) is Task.increment:
            return False
        for length in self.lengths:
            for instance in self.seen(length):
                for step in instance.steps:
                    if self.increment(length, instance, step) is not None:
                        return True
        return False

    @cached_property
    def takes_key(self) -> bool:
        """Whether a rule of the task takes the key of a step besides what it reads."""
        return self.task.takes_key

    def increment(self, length: int, instance: Instance, step: Step) -> Id | None:
        """What the task's `increment` says of a step."""
        with calling("increment", partial(self.at, length, instance, step), owner="IDs", instance=instance, step=step):
            return self.task.predict_increment(instance.read(step), instance.key(step))

    def label(self, instance: Instance, step: Step) -> tuple[Id, ...]:
        """What a step predicts: the token, and the growth of the ID where the task predicts IDs."""
        t = step.position
        return (
            (instance.tokens[t], minus(instance.ids[t], instance.ids[t - 1]))
            if self.predicts
            else (instance.tokens[t],)
        )

    def predicts_id(self, instance: Instance, position: int) -> bool:
        """Whether a step predicts the ID of a position."""
        return self.predicts and position >= instance.n_prompt and position not in instance.given

    def reading(self, instance: Instance, step: Step) -> tuple[int | tuple[int, Id], ...]:
        """What the rule of the task gets to see of a step: a token a source, with its key where the rule takes one."""
        read = instance.read(step)
        return tuple(zip(read, instance.key(step), strict=True)) if self.takes_key else read

    def each(self, contract: str, check: Callable[[int, Instance], None]) -> int:
        """Put all listed instances to a check, and for the other lengths those that Hypothesis draws.

        Returns
        -------
        How many instances were checked; the smallest that Hypothesis finds against the task is the one reported.
        """
        count = 0
        for length in self.lengths:
            if length in self.listed:
                for instance in self.listed[length]:
                    check(length, instance)
                count += len(self.listed[length])
            elif length in self.sizes:
                count += self._each_drawn(contract, length, check)
        return count

    def _each_drawn(self, contract: str, length: int, check: Callable[[int, Instance], None]) -> int:
        from hypothesis import strategies as st

        if self.free:
            return self.search(
                contract, length, self.prompts(length), lambda prompt: check(length, self.solve(length, prompt))
            )
        return self.search(
            contract, length, st.integers(0, 2**32 - 1),
            lambda seed: check(length, self.draw(length, np.random.default_rng(seed))),
        )  # fmt: skip

    def prompts(self, length: int) -> SearchStrategy[Tokens]:
        """Prompts of a task whose prompts are free; long ones by a seed, as Hypothesis draws only so much."""
        from hypothesis import strategies as st

        choices = self.choices(length)

        def by_seed(seed: int) -> Tokens:
            drawn = np.random.default_rng(seed).random(len(choices))
            return tuple(options[int(u * len(options))] for u, options in zip(drawn.tolist(), choices, strict=True))

        if len(choices) > SHRUNK:
            return st.integers(0, 2**32 - 1).map(by_seed)
        return st.tuples(*(st.sampled_from(options) for options in choices))

    def search(self, contract: str, length: int, drawn: SearchStrategy[Drawn], check: Callable[[Drawn], None]) -> int:
        """Put what Hypothesis draws to a check; what is found against the task is shrunk before it is raised."""
        from hypothesis.errors import Flaky

        count, found, failed = 0, list[Broken](), list[BaseException]()

        def one(value: Drawn) -> None:
            nonlocal count
            count += 1
            try:
                check(value)
            except Broken as broken:
                found.append(broken)
                raise
            except Exception as error:
                failed.append(error)
                raise

        try:
            each_drawn(drawn, one, self.rng(contract, str(length)), self.draws)
        except Broken:
            raise found[-1] from None  # the last one is the smallest
        except Flaky:
            raise [*found, *failed][-1] from None  # not the same twice: the contract "deterministic" says why
        return count

    # ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, tokens: Tokens) -> str:
        """Tokens as text where the alphabet allows, else as numbers."""
        try:
            return repr(self.task.text(tokens))
        except (Exception, SystemExit):
            return shown(tokens)

    def symbol(self, token: object) -> str:
        """A token as text, in brackets."""
        return f"({self.text((token,))})" if type(token) is int else ""

    def label_text(self, instance: Instance, step: Step) -> str:
        """The label of a step in words."""
        token, *increment = self.label(instance, step)
        return " with the ID increment ".join((self.text((token,)), *map(str, increment)))

    def called(self, method: str, instance: Instance, step: Step) -> str:
        """How a method of the task was called for a step."""
        key = f", key={shown(instance.key(step))}" if self.takes_key else ""
        return f"{method}({shown(instance.read(step))}{key})"

    def at(self, length: int, instance: Instance, step: Step | None = None) -> str:
        """Where something was seen."""
        words = f"length {length}, prompt {self.text(instance.tokens[: instance.n_prompt])}"
        return words if step is None else f"{words}, the step at position {step.position}"

    def table(self, instance: Instance | None, step: Step | None = None) -> str:
        """An instance as `Task.show` prints it, cut around a step where it is long."""
        if instance is None:
            return ""
        try:
            return self.task.show(instance, step=step, width=COLUMNS)
        except (Exception, SystemExit):
            rows = {"tokens": instance.tokens, "IDs   ": instance.ids, "steps ": tuple(map(tuple, instance.steps))}
            return "\n".join(f"{name} {shown(values)}" for name, values in rows.items())

    def covered(self) -> str:
        """The lengths, in words."""
        full = [length for length in self.lengths if length in self.listed]
        drawn = [length for length in self.lengths if length in self.sizes and length not in self.listed]
        words = [f"all of {at_lengths(full)}"] if full else []
        words += [f"draws of {at_lengths(drawn)}"] if drawn else []
        return ", ".join(words) or "nothing could be listed or drawn"


def at_lengths(values: Sequence[int]) -> str:
    """Lengths in words."""
    return f"length{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"


def attribute_of(task: Task, name: str) -> Any:
    """An attribute, or the error that reading it raises."""
    try:
        return getattr(task, name)
    except (Exception, SystemExit) as error:
        if of_the_machine(error):
            raise
        return error


def name_of(task: Task) -> str:
    """The name of a task, or that of its class where it has none that can be read."""
    try:
        name = task.name
    except (Exception, SystemExit):
        return type(task).__name__
    return name if isinstance(name, str) and name else type(task).__name__
