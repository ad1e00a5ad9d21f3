"""A function or a trained model put to every instance of some lengths, or to random ones where these are too many.

>>> from theory.tasks import Copy
>>> print(certify(lambda prompt: sorted(prompt[:-1]), Copy(2), lengths=[1, 2]).explain())
<lambda> on 'copy'
<BLANKLINE>
  length  sequences  tried  wrong  share wrong
  1       2          all 2  0      0
  2       4          all 4  1      0.25
<BLANKLINE>
Smallest failure: length 2, prompt 'ba>': step 1, at position 3, reads 'b' at 0; expected 'b', came 'a'
  token b  a  >  b  a
  ID    0  1  -1 0  1
  read           0  1
<BLANKLINE>
Failures begin at
  step  reads  expected  came  failures  the smallest
  1     'b'    'b'       'a'   1         length 2: 'ba>'
<BLANKLINE>
refuted: wrong on 1 of 6 sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from idealized_model.risk import exact_interval
from idealized_model.transformer.training import Trainer, task_of
from proofs_check.certification.report import Certification, Failure, Group, Tally, order_of
from proofs_check.certification.subjects import (
    ENDLESS,
    Function,
    Model,
    Offsets,
    Predict,
    Subject,
    Tokens,
    Tried,
    Wrong,
    subject_of,
)
from theory.dependencies.sources import CALL_SECONDS
from theory.errors import HUGE, InvalidArgument, check, check_integer, check_type, shown, typed
from theory.exact import Rational, rational
from theory.positions import Ids
from theory.tasks import Instance, Task, find_task

BUDGET = 1_000_000
"""Lengths with at most so many sequences are listed."""

SAMPLES = 10_000
"""So many sequences are drawn of a length that is not listed."""

LEVEL = "99/100"
"""The confidence of an interval."""

ENDLESS_CALLS = 3
"""So many calls without an end are waited for; then it stops."""

WIDTH = 100
"""Columns of the table of the smallest failure."""

Watch: TypeAlias = Callable[[int, int, int], None]
"""What is told the length, how many sequences of it are tried, and how many there are to try."""


def certify(
    subject: Predict | Trainer | Subject | str,
    task: str | Task | None = None,
    *,
    lengths: Iterable[int],
    tokens: Tokens = "numbers",
    offsets: Offsets = "fixed",
    budget: int = BUDGET,
    samples: int = SAMPLES,
    level: Rational = LEVEL,
    seconds: float = CALL_SECONDS,
    seed: int = 0,
    watch: Watch = lambda length, tried, size: None,
) -> Certification:
    """Try a function or a trained model on every instance of some lengths; an interrupt ends it with what was found.

    Parameters
    ----------
    subject : a function from the tuple of a prompt's tokens to the tokens of the output; a trained model; or, by name, the
        folder of a run, a checkpoint, or module:object.
    task : what is asked; of a model by default the task that it was trained on.
    lengths : of the task.
    tokens : of a function: "numbers" of tokens in a prompt, or their "names".
    offsets : of a model whose IDs are shifted in training: "fixed", counted from 0; "random", all that a test may draw.
    budget : a length with at most so many sequences is listed, another one sampled.
    samples : how many sequences are drawn of a length that is sampled, by the law of the task.
    level : the confidence of the Clopper-Pearson interval at each of these.
    seconds : how long a call of a function may take: one that is longer is a failure, and the third one ends the work.
    seed : of everything random.
    watch : called for every sequence.

    Returns
    -------
    Certification

    Raises
    ------
    InvalidArgument : for arguments that are malformed, and a task that breaks its contracts. What a function does wrong, to
        raise an error or to return no tokens, is a failure on that prompt.

    Examples
    --------
    >>> certify(lambda prompt: prompt[:-1], "copy", lengths=range(1, 6)).kind
    'exhausted'
    >>> certify(lambda prompt: prompt[:-1], "copy", lengths=[40], samples=1000).verdict()
    'supported: right on all 1,000 sequences, not all there are: at each length that was sampled at most 0.00528 of the law \
of the task goes wrong, with confidence 99/100.'

    Cost: a call of the function, or a forward pass, for every sequence.
    """
    where = "certify"
    check_integer(budget, where, "budget", least=0)
    check_integer(samples, where, "samples", least=1)
    check_integer(seed, where, "seed", least=0)
    confidence = rational(level, where, "level")
    check(
        0 < confidence < 1, where, "level", got=str(confidence), expected="a level between 0 and 1", fix="Use '99/100'."
    )
    timely = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    check(timely, where, "seconds", seconds, expected="a number > 0", fix=f"For instance {CALL_SECONDS:g}.")
    asked = _subject(subject, task, tokens, offsets, float(seconds))
    wanted = _lengths(asked, lengths, seed)
    tallies, groups, firsts, interrupted = list[Tally](), _Groups(asked.task), list[Tried](), False
    endless = 0
    for length in wanted:
        size = min(asked.n_sequences(length), HUGE)
        everything = size <= budget
        rng, n = np.random.default_rng([seed, length]), size if everything else samples
        sequences = asked.sequences(length) if everything else _drawn(asked, length, samples, rng)
        tried = failures = 0
        try:
            for one in asked.tried(sequences):
                if not tried:
                    firsts.append(one)
                tried += 1
                if one.wrong is not None:
                    failures += 1
                    groups.add(length, one, one.wrong)
                    endless += one.wrong.came == ENDLESS
                watch(length, tried, n)
                if endless == ENDLESS_CALLS:
                    break
        except KeyboardInterrupt:
            interrupted = True
        stopped = interrupted or endless == ENDLESS_CALLS
        how = "unfinished" if interrupted or (stopped and tried < n) else "exhausted" if everything else "sampled"
        interval = exact_interval(failures, tried, level=confidence) if how == "sampled" else None
        tallies.append(Tally(length, tried, failures, tried if how == "exhausted" else size, how, interval))
        if stopped:
            break
    given_up = stopped and not interrupted and (how == "unfinished" or len(tallies) < len(wanted))
    try:
        unstable = "" if stopped else _unstable(asked, [*firsts, *groups.smallest()])
    except KeyboardInterrupt:
        unstable, interrupted = "", True
    return Certification(
        asked.name, asked.task.name, asked.scope, seed, str(confidence), tuple(tallies), groups.made(),
        interrupted, unstable, _hint(asked, tallies, groups),
        f"{endless} calls had no end; the rest was not tried." if given_up else "",
    )  # fmt: skip


def _subject(subject: object, task: str | Task | None, tokens: Tokens, offsets: Offsets, seconds: float) -> Subject:
    where = "certify"
    if isinstance(subject, Subject):
        return subject
    if isinstance(subject, str):
        check_type(task, (str, type(None)), where, "task", "the name of a task", "Name both, or none.")
        return subject_of(subject, task, tokens=tokens, offsets=offsets, seconds=seconds)  # type: ignore[arg-type]
    if isinstance(task, str):
        task = find_task(task, where)
    if isinstance(subject, Trainer):
        own = task or task_of(subject.config, where)
        return Model(f"a model trained on {subject.config.task!r}", own, subject, offsets)
    fix = "For instance certify(lambda prompt: prompt[:-1], 'copy', lengths=[1, 2])."
    check(callable(subject), where, "subject", got=typed(subject), expected="a function or a Trainer", fix=fix)
    check_type(task, Task, where, "task", "a task, or its name", fix)
    name = getattr(subject, "__name__", type(subject).__name__)
    return Function(name, task, subject, tokens, seconds)  # type: ignore[arg-type]


def _lengths(subject: Subject, lengths: Iterable[int], seed: int) -> list[int]:
    """The lengths, in order; refuses at once what would fail later: one that the task or the IDs of a model do not have."""
    check_type(lengths, Iterable, "certify", "lengths", "integers", "For instance lengths=range(1, 9).")
    wanted = list(lengths)
    if not wanted:
        fix = "For instance lengths=range(1, 9)."
        raise InvalidArgument("certify", "lengths", got="none", expected="at least one", fix=fix)
    for length in wanted:
        subject.task.check_length(length, "certify")
    for length in {min(wanted), max(wanted)}:
        if subject.n_sequences(length):
            subject.sample(length, np.random.default_rng(seed))
    return sorted(set(wanted))


def _drawn(subject: Subject, length: int, size: int, rng: np.random.Generator) -> Iterator[tuple[Instance, Ids]]:
    return (subject.sample(length, rng) for _ in range(size))


def _unstable(subject: Subject, asked: Iterable[Tried]) -> str:
    """An instance on which a second answer differs from the first, in words."""
    for one in asked:
        if differs := subject.differs(one):
            return f"{shown(subject.task.text(one.instance.tokens[: one.instance.n_prompt]))}: {differs}"
    return ""


def _hint(subject: Subject, tallies: Iterable[Tally], groups: _Groups) -> str:
    raises = groups and all(came.startswith("raises") for *_, came in groups)
    if (
        not raises
        or any(one.tried > one.failures for one in tallies)
        or not isinstance(subject, Function)
        or subject.tokens == "names"
    ):
        return ""
    return "Its prompts are tuples of numbers of tokens; --tokens names gives it their names."


class _Groups(dict[tuple[Any, ...], Group]):
    """Failures by the step, the view and the answer with which they begin."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task
        self._tried: dict[tuple[Any, ...], Tried] = {}

    def add(self, length: int, tried: Tried, wrong: Wrong) -> None:
        """Count a failure."""
        instance, names = tried.instance, self._task.alphabet
        step = None if wrong.step is None else instance.steps[wrong.step]
        read = () if step is None else tuple(names[token] for token in instance.read(step))
        expected = "" if step is None else names[instance.tokens[step.position]]
        key = wrong.step, read, expected, wrong.came
        group, n = self.get(key), len(instance.tokens)
        if group is not None and order_of(group.smallest) <= (length, n, instance.tokens, tried.ids):
            self[key] = replace(group, failures=group.failures + 1)
            return
        smallest = Failure(
            length=length,
            prompt=self._task.text(instance.tokens[: instance.n_prompt]),
            tokens=instance.tokens,
            ids=tried.ids,
            step=None if wrong.step is None else wrong.step + 1,
            position=None if step is None else step.position,
            sources=() if step is None else step.sources,
            read=read,
            expected=expected,
            came=wrong.came,
            detail=wrong.detail,
            table=self._task.show(replace(instance, ids=tried.ids), step=step, width=WIDTH),
        )
        self[key] = Group(1 if group is None else group.failures + 1, smallest)
        self._tried[key] = tried

    def smallest(self) -> list[Tried]:
        """The smallest failure, if there is one."""
        keys = sorted(self, key=lambda key: order_of(self[key].smallest))
        return [self._tried[key] for key in keys[:1]]

    def made(self) -> tuple[Group, ...]:
        """The largest first."""
        return tuple(sorted(self.values(), key=lambda group: (-group.failures, order_of(group.smallest))))
