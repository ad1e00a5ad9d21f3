"""What certifying found: every length with how it was tried, the smallest failure, and where failures begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any, NoReturn

from proofs_check.evidence import Kind
from theory.errors import amount, number_of

GROUPS = 10
"""Of failures, that the text shows."""

STORED = 1000
"""Of failures, that the data hold."""


@dataclass(frozen=True)
class Tally:
    """One length.

    Attributes
    ----------
    length, tried, failures : how many sequences of it were tried, and how many of them went wrong.
    size : how many there are; where they are too many to list about, and `HUGE` at most.
    how : "exhausted" (all of them), "sampled", or "unfinished".
    interval : where sampled, the Clopper-Pearson interval of the share that goes wrong, under the law of the task.
    """

    length: int
    tried: int
    failures: int
    size: int
    how: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Failure:
    """The smallest sequence of a group: the shortest, then the first by its tokens.

    Attributes
    ----------
    length : of the task.
    prompt, tokens, ids : what was asked, as text; the reference, and its IDs.
    step, position, sources : where it goes wrong: the number of the step, from 1, its position, and what it reads; None, None
        and () where there is no output to look at.
    read, expected, came : tokens by their names, and what came, in words.
    detail : more of that.
    table : the reference as a table.
    """

    length: int
    prompt: str
    tokens: tuple[int, ...]
    ids: tuple[Any, ...]
    step: int | None
    position: int | None
    sources: tuple[int, ...]
    read: tuple[str, ...]
    expected: str
    came: str
    detail: str
    table: str

    def words(self) -> str:
        """Where and how it goes wrong."""
        at = f"length {self.length}, prompt {self.prompt!r}"
        if self.step is None:
            return f"{at}: {self.detail or self.came}"
        pairs = zip(self.read, self.sources, strict=True)
        read = ", ".join(f"{name!r} at {source}" for name, source in pairs) or "nothing"
        where = f"step {self.step}, at position {self.position}, reads {read}"
        return f"{at}: {where}; expected {self.expected!r}, came {self.came}{f' ({self.detail})' * bool(self.detail)}"


@dataclass(frozen=True)
class Group:
    """Failures that begin at the same step, on the same view, with the same answer.

    Attributes
    ----------
    failures : how many.
    smallest : of them; its step, what is read there and what came is that of all of them.
    """

    failures: int
    smallest: Failure


@dataclass(frozen=True)
class Certification:
    """What `certify` found.

    Attributes
    ----------
    subject, task, scope : what was asked, on which task, and with which IDs.
    seed, level : of samples, and the confidence of their intervals.
    lengths : a tally each.
    groups : of failures, the largest first.
    interrupted : whether it was stopped.
    unstable : what was answered differently when it was asked again.
    hint : what to try.
    stopped : why some of it was not tried, where nobody interrupted it.

    Examples
    --------
    >>> Certification("f", "copy", "", 0, "99/100", (Tally(1, 2, 0, 2, "exhausted"),), ()).kind
    'exhausted'
    """

    subject: str
    task: str
    scope: str
    seed: int
    level: str
    lengths: tuple[Tally, ...]
    groups: tuple[Group, ...]
    interrupted: bool = False
    unstable: str = ""
    hint: str = ""
    stopped: str = ""

    @property
    def tried(self) -> int:
        """How many sequences were tried."""
        return sum(tally.tried for tally in self.lengths)

    @property
    def failures(self) -> int:
        """How many of them went wrong."""
        return sum(tally.failures for tally in self.lengths)

    @property
    def kind(self) -> Kind:
        """ "refuted" by a failure; "exhausted": right on every sequence; "supported": right on all that were drawn."""
        if self.failures:
            return "refuted"
        if self.interrupted or self.unstable or not self.tried:
            return "inconclusive"
        return "exhausted" if all(tally.how == "exhausted" for tally in self.lengths) else "supported"

    @property
    def smallest(self) -> Failure | None:
        """The smallest failure of all."""
        return min((group.smallest for group in self.groups), key=order_of, default=None)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a certification is not true or false; look at its kind ({self.kind!r})")

    def explain(self) -> str:
        """The report as text."""
        lines = [f"{self.subject} on {self.task!r}{', ' * bool(self.scope)}{self.scope}", "", *self._table()]
        if (smallest := self.smallest) is not None:
            lines += ["", f"Smallest failure: {smallest.words()}", indent(smallest.table, "  ")]
            lines += ["", "Failures begin at", *self._groups()]
        return "\n".join([*lines, "", self.verdict()])

    def verdict(self) -> str:
        """The kind of evidence, and what it is of."""
        sampled = [tally for tally in self.lengths if tally.how == "sampled"]
        tried = number_of(self.tried, "sequence")
        if self.kind == "refuted":
            said = f"wrong on {self.failures:,} of {tried}"
        elif self.kind == "supported":
            high = max(tally.interval[1] for tally in sampled if tally.interval)
            said = (
                f"right on all {tried}, not all there are: at each length that was sampled at most {high:.3g} of the law "
                f"of the task goes wrong, with confidence {self.level}"
            )
        elif self.kind == "exhausted":
            said = f"right on every one of {tried}"
        elif not self.tried:
            said = "nothing was tried"
        else:
            said = f"right on all {tried} that were tried"
        extra = [" Interrupted." * self.interrupted]
        extra += [f" {self.stopped}"] * bool(self.stopped)
        extra += [f" Asked again, it answers differently: {self.unstable}."] * bool(self.unstable)
        few = [tally for tally in sampled if tally.size <= tally.tried]
        if few:
            lengths, most = ", ".join(str(tally.length) for tally in few), max(tally.size for tally in few)
            at = f"length{'s' * (len(few) > 1)} {lengths}"
            extra.append(f" Of {at} no fewer were drawn than there are: a budget of {most} lists them all.")
        extra += [f" {self.hint}"] * bool(self.hint)
        return f"{self.kind}: {said}.{''.join(extra)}"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        smallest = self.smallest
        return {
            "schema": 1,
            "kind": self.kind,
            "subject": self.subject,
            "task": self.task,
            "scope": self.scope,
            "seed": self.seed,
            "level": self.level,
            "tried": self.tried,
            "failures": self.failures,
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "unstable": self.unstable,
            "lengths": [asdict(tally) for tally in self.lengths],
            "smallest": None if smallest is None else {**asdict(smallest), "words": smallest.words()},
            "n_groups": len(self.groups),
            "groups": [asdict(group) for group in self.groups[:STORED]],
        }

    def _table(self) -> list[str]:
        rows = [("length", "sequences", "tried", "wrong", "share wrong")]
        for tally in self.lengths:
            share = "" if tally.interval is None else f"in [{tally.interval[0]:.3g}, {tally.interval[1]:.3g}]"
            if tally.how == "exhausted" and tally.tried:
                share = f"{tally.failures / tally.tried:.3g}"
            tried = f"all {tally.tried:,}" if tally.how == "exhausted" else f"{tally.tried:,}, {tally.how}"
            size = f"{'' if tally.how == 'exhausted' else 'about '}{amount(tally.size)}"
            rows.append((str(tally.length), size, tried, f"{tally.failures:,}", share))
        return _aligned(rows)

    def _groups(self) -> list[str]:
        rows = [("step", "reads", "expected", "came", "failures", "the smallest")]
        for group in self.groups[:GROUPS]:
            one = group.smallest
            step, read = ("", "") if one.step is None else (str(one.step), " ".join(map(repr, one.read)))
            expected = "" if one.step is None else repr(one.expected)
            prompt = one.prompt if len(one.prompt) <= 24 else f"{one.prompt[:20]} ..."
            cut = read if len(read) <= 40 else f"{read[:36]} ..."
            rows.append((step, cut, expected, one.came, f"{group.failures:,}", f"length {one.length}: {prompt!r}"))
        rest = self.groups[GROUPS:]
        left = f"  and {number_of(len(rest), 'other place')}: {sum(group.failures for group in rest):,} failures"
        return [*_aligned(rows), *[left] * bool(rest)]


def order_of(failure: Failure) -> tuple[Any, ...]:
    """What makes a failure smaller than another one."""
    return failure.length, len(failure.tokens), failure.tokens, failure.ids


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
