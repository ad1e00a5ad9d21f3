"""What is certified: a function from prompts to outputs, or a trained model; both are asked for the first wrong step."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from inspect import iscoroutinefunction, signature
from itertools import islice
from operator import index
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from idealized_model.transformer.data import every_ids, ids_of, n_every_ids
from idealized_model.transformer.evaluation import Answers, answers, same_alphabet
from idealized_model.transformer.training import Trainer, task_of
from theory.dependencies.sources import CALL_SECONDS, Ended, limited
from theory.errors import InvalidArgument, check, check_one_of, did_you_mean, number_of, of_the_machine, shown, typed
from theory.modules import Asked, as_module, imported, is_dotted, is_file, lines, look_first, member
from theory.positions import Ids
from theory.tasks import Instance, Task, find_task
from theory.tasks.faults import running, sampled

Predict: TypeAlias = Callable[[Any], Any]
Tokens: TypeAlias = Literal["numbers", "names"]
Offsets: TypeAlias = Literal["fixed", "random"]

PREDICT = "a function that takes a prompt, a tuple of tokens, and returns the tokens of the output"
CHECKPOINT = "checkpoint.npz"

ENDLESS = "does not end"
"""What comes of a call that was left."""


class Wrong(NamedTuple):
    """Where an output first differs from the reference, and how.

    Attributes
    ----------
    step : the number of the step, from 0; None where there is no output to look at.
    came : what came instead, in words.
    detail : more of it, which may be different on each prompt.
    """

    step: int | None
    came: str
    detail: str = ""


class Tried(NamedTuple):
    """A sequence, and where it went wrong, if it did."""

    instance: Instance
    ids: Ids
    wrong: Wrong | None


@dataclass(frozen=True)
class Subject(ABC):
    """Something that predicts the output of a task.

    Attributes
    ----------
    name : for the report.
    task : as it is put to it.
    """

    name: str
    task: Task

    @abstractmethod
    def n_sequences(self, length: int) -> int:
        """How many sequences there are of a length, about; where that is few, exactly those of `sequences`."""

    @abstractmethod
    def sequences(self, length: int) -> Iterator[tuple[Instance, Ids]]:
        """All of them, each once."""

    @abstractmethod
    def sample(self, length: int, rng: np.random.Generator) -> tuple[Instance, Ids]:
        """One of them, by the law of the task."""

    @abstractmethod
    def tried(self, sequences: Iterable[tuple[Instance, Ids]]) -> Iterator[Tried]:
        """What it makes of sequences, in their order."""

    def differs(self, tried: Tried) -> str:
        """How it does when it is asked again, in words, if that is otherwise."""
        return ""

    @property
    def scope(self) -> str:
        """What "every sequence" means, beside every instance, and of what."""
        return ""


def listed(task: Task, length: int) -> Iterator[Instance]:
    """Every instance of a length; one that lists more or fewer than it counts is refused when that is seen.

    Raises
    ------
    InvalidArgument
    """
    found = 0
    with running(task, "certify"):
        wanted = task.n_instances(length)
        for instance in task.support(length, budget=wanted):
            found += 1
            yield instance
    got = f"{task.name!r}, which lists {found:,} of its {wanted:,} instances of length {length}"
    check(
        found == wanted, "certify", "task", got=got, expected="a task that lists all of them",
        fix="Check it with lengthgen task.",
    )  # fmt: skip


# ── Functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Function(Subject):
    """A function from the tokens of a prompt to those of the output, separators in it included.

    Parameters
    ----------
    predict : called with a tuple; what it raises, and what is no sequence of tokens, is a failure on that prompt.
    tokens : whether a prompt has numbers of tokens, or their names in the alphabet; an output may have either.
    seconds : how long a call may take; one that takes longer is a failure too.

    Examples
    --------
    >>> task = find_task("copy")
    >>> half = Function("half", task, lambda prompt: prompt[:1])
    >>> [tried.wrong for tried in half.tried([(task.solve((0, 2)), ()), (task.solve((0, 1, 2)), ())])]
    [None, Wrong(step=1, came='no token', detail='the output ends after 1 of 2')]
    """

    predict: Predict
    tokens: Tokens = "numbers"
    seconds: float = CALL_SECONDS

    def __post_init__(self) -> None:
        check_one_of(self.tokens, get_args(Tokens), "certify", "tokens")
        twice = {name for name in self.task.alphabet if self.task.alphabet.count(name) > 1}
        got = f"'names' for {self.task.name!r}, in whose alphabet {shown(sorted(twice))} stand twice"
        expected, fix = "names that tell tokens apart", "Use numbers."
        check(self.tokens == "numbers" or not twice, "certify", "tokens", got=got, expected=expected, fix=fix)

    def n_sequences(self, length: int) -> int:
        with running(self.task, "certify"):
            return self.task.n_instances(length)

    def sequences(self, length: int) -> Iterator[tuple[Instance, Ids]]:
        return ((instance, instance.ids) for instance in listed(self.task, length))

    def sample(self, length: int, rng: np.random.Generator) -> tuple[Instance, Ids]:
        instance = sampled(self.task, length, rng, "certify")
        return instance, instance.ids

    def tried(self, sequences: Iterable[tuple[Instance, Ids]]) -> Iterator[Tried]:
        return (Tried(instance, ids, self._wrong(instance)) for instance, ids in sequences)

    def differs(self, tried: Tried) -> str:
        again = self._wrong(tried.instance)
        return "" if again == tried.wrong else f"{_words(tried.wrong)}, then {_words(again)}"

    def _output(self, instance: Instance) -> list[Any] | Wrong:
        """The output as a list, no longer than what shows that it is too long."""
        prompt = instance.tokens[: instance.n_prompt]
        given: tuple[object, ...] = prompt
        if self.tokens == "names":
            given = tuple(self.task.alphabet[token] for token in prompt)
        most = len(instance.tokens) - len(prompt) + 1

        def listed_output() -> list[Any] | Wrong:
            output = self.predict(given)
            if isinstance(output, bytes | Mapping | Set) or not hasattr(output, "__iter__"):
                came = "returns {}, which is no sequence of tokens"
                return Wrong(None, came.format(_kind(output)), came.format(shown(output)))
            return [self._token(token) for token in islice(output, most)]

        try:
            found: list[Any] | Wrong = limited(self.seconds, listed_output)
            return found
        except Ended:
            return Wrong(None, ENDLESS, f"{ENDLESS} within {self.seconds:g} seconds")
        except (Exception, SystemExit) as error:
            if of_the_machine(error):
                raise
            return Wrong(
                None, f"raises {type(error).__name__}", f"raises {type(error).__name__}: {error}{lines(error)}"
            )

    def _token(self, token: object) -> int | str:
        """The number of a token; of what is none, what it is."""
        if isinstance(token, str):
            return self._numbers.get(token, shown(token))
        if not isinstance(token, bool | np.bool_):
            with suppress(TypeError):
                number = index(token)  # type: ignore[arg-type]
                return number if 0 <= number < len(self.task.alphabet) else shown(number)
        return typed(token)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.task.alphabet)}

    def _wrong(self, instance: Instance) -> Wrong | None:
        output = self._output(instance)
        if isinstance(output, Wrong):
            return output
        n, wanted = instance.n_prompt, len(instance.tokens) - instance.n_prompt
        for j, (position, _) in enumerate(instance.steps):
            if position - n >= len(output):
                return Wrong(j, "no token", f"the output ends after {len(output)} of {wanted}")
            token = output[position - n]
            if isinstance(token, str):
                return Wrong(j, "no token", token)
            if token != instance.tokens[position]:
                return Wrong(j, repr(self.task.alphabet[token]))
        if len(output) != wanted:
            came = "returns more tokens" if len(output) > wanted else "returns fewer tokens"
            return Wrong(None, came, f"{came} than {wanted}")
        return None


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _words(wrong: Wrong | None) -> str:
    if wrong is None:
        return "right"
    return f"step {wrong.step + 1} wrong" if wrong.step is not None else wrong.came


def find_function(spec: str, where: str = "find_function") -> Predict:
    """The function that module:object names; of a class what it makes without arguments.

    Raises
    ------
    InvalidArgument : for no such module or object, and for what cannot be called with one prompt.

    Examples
    --------
    >>> find_function("builtins:sorted")((1, 0))
    [0, 1]
    """
    asked_ = Asked(where, "subject", "the folder of a run, a checkpoint, or module:object", "predict")
    module_name, _, path = spec.partition(":")
    if is_file(spec) and ":" in spec:
        raise asked_.refused(repr(spec), as_module(spec, "predict"))
    if not is_dotted(module_name) or not is_dotted(path):
        raise asked_.refused(repr(spec), "For instance runs/copy-coupled/seed-0, or mymodule:predict.")
    module = imported(module_name, spec, asked_, look_first(None))
    fix = "Write a function that takes a prompt."

    def instead(found: object, part: str) -> str:
        return did_you_mean(part, [name for name in dir(found) if not name.startswith("_")], "Check the spelling.")

    found: Any = member(module, path, spec, asked_, instead, fix, PREDICT)
    what = f"{spec!r}, which is"
    if isinstance(found, type):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            if of_the_machine(error):
                raise
            got = f"{spec!r}, a class that raises {type(error).__name__} without arguments: {error}"
            raise asked_.refused(got, fix + lines(error), PREDICT) from error
    if not callable(found) or isinstance(found, Task):
        raise asked_.refused(f"{what} {typed(found)}", fix, PREDICT)
    if iscoroutinefunction(found):
        raise asked_.refused(f"{what} async", "Call it with asyncio.run in a function of your own.", PREDICT)
    try:
        form = signature(found)
    except ValueError:  # a builtin that does not say
        return found  # type: ignore[no-any-return]
    try:
        form.bind(())
    except TypeError as error:
        raise asked_.refused(f"{what} called as {path}{form} ({error})", fix, PREDICT) from None
    return found  # type: ignore[no-any-return]


# ── Trained models ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Model(Subject):
    """A trained model: each token, and each ID where it predicts these, after the reference's prefix, in float64.

    By T8 greedy free running goes wrong first where this does. A tie predicts nothing.

    Parameters
    ----------
    trainer : the model; `task` is one with its tokens.
    offsets : IDs that training shifts are counted from 0 ("fixed"), or all that a test may draw are tried ("random").
    """

    trainer: Trainer
    offsets: Offsets = "fixed"

    def __post_init__(self) -> None:
        check_one_of(self.offsets, get_args(Offsets), "certify", "offsets")
        task = same_alphabet(self.task, self.trainer.task, self.task.name, "certify", "task")
        object.__setattr__(self, "task", task)

    @property
    def scope(self) -> str:
        done, steps = self.trainer.step, self.trainer.config.steps
        return self._ids + (f", after {done:,} of {steps:,} steps" if done < steps else "")

    @property
    def _ids(self) -> str:
        how = self.trainer.config.how
        if how.encoding == "none" and self.trainer.config.id_window is None:
            return "without IDs"
        if how.relabel == "ordered":
            return "with all IDs that a test may have"
        if how.relabel == "fixed" or self.offsets == "fixed":
            return "with IDs counted from 0"
        return "with IDs from every offset"

    @property
    def _how(self) -> dict[str, Any]:
        config = self.trainer.config
        return {"how": config.how, "n_ids": config.n_ids, "training": False, "shifted": self.offsets == "random"}

    def n_sequences(self, length: int) -> int:
        with running(self.task, "certify"):
            n = self.task.n_instances(length)
            first = next(iter(self.task.instances(length)), None)
        return 0 if first is None else n * n_every_ids(first, **self._how)

    def sequences(self, length: int) -> Iterator[tuple[Instance, Ids]]:
        for instance in listed(self.task, length):
            for ids in every_ids(instance, **self._how):
                yield instance, ids

    def sample(self, length: int, rng: np.random.Generator) -> tuple[Instance, Ids]:
        instance = sampled(self.task, length, rng, "certify")
        return instance, ids_of(instance, rng=rng, **self._how)

    def tried(self, sequences: Iterable[tuple[Instance, Ids]]) -> Iterator[Tried]:
        for found in answers(self.trainer, sequences):
            rows, steps = found.wrong
            first = dict(zip(rows[::-1].tolist(), steps[::-1].tolist(), strict=True))  # the last entry of a row stays
            for row, (instance, ids) in enumerate(zip(found.instances, found.ids, strict=True)):
                yield Tried(instance, ids, self._answer(found, row, first[row]) if row in first else None)

    def _answer(self, found: Answers, row: int, step: int) -> Wrong:
        token = int(found.tokens[row, step])
        if token != found.batch.targets[row, step] or found.increments is None or found.batch.increments is None:
            return Wrong(
                step, *(("no token", "a tie, or no number") if token < 0 else (repr(self.task.alphabet[token]),))
            )
        grown, wanted = (int(each[row, step]) for each in (found.increments, found.batch.increments))
        increments = self.trainer.increments
        came = "none" if grown < 0 else f"{increments[grown]:+d}"
        return Wrong(
            step, f"{self.task.alphabet[token]!r} with the ID increment {came}", f"expected {increments[wanted]:+d}"
        )


def load_run(path: str | os.PathLike[str]) -> Trainer:
    """The model of a run, by its folder or its checkpoint.

    Raises
    ------
    InvalidArgument : for what holds no checkpoint, or several runs: they are named.
    """
    place = Path(path)
    if place.is_dir():
        runs = sorted(str(each.parent) for each in place.glob(f"*/{CHECKPOINT}"))
        if not (place / CHECKPOINT).exists():
            got = f"{str(place)!r}, which holds {number_of(len(runs), 'run') if runs else 'no ' + CHECKPOINT}"
            fix = f"Name one of them: {', '.join(runs[:8])}." if runs else "Train first, or name the folder of a seed."
            raise InvalidArgument("certify", "subject", got=got, expected="the folder of one run", fix=fix)
        place = place / CHECKPOINT
    return Trainer.load(place)


def subject_of(
    named: str,
    task: str | None,
    *,
    tokens: Tokens = "numbers",
    offsets: Offsets = "fixed",
    seconds: float = CALL_SECONDS,
    where: str = "certify",
) -> Subject:
    """What is meant by the name of a subject: the folder of a run or a checkpoint, if there is one, or module:object.

    Parameters
    ----------
    task : of a model by default the one that it was trained on.

    Raises
    ------
    InvalidArgument
    """
    if Path(named).exists() or (":" not in named and is_file(named)):
        trainer = load_run(named)
        own = task_of(trainer.config, where) if task is None else find_task(task, where)
        return Model(named, own, trainer, offsets)
    predict = find_function(named, where)
    if task is None:
        got, fix = f"none for the function {named!r}", f"For instance: lengthgen certify {named} copy"
        raise InvalidArgument(where, "task", got=got, expected="the name of a task", fix=fix)
    return Function(named, find_task(task, where), predict, tokens, seconds)
