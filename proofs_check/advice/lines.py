"""What to do, in the order of how much it buys: lines of advice, each with its evidence and a command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from proofs_check.advice.coupling import Assigned, Coupling
from proofs_check.advice.facts import Fact, Facts
from proofs_check.advice.judging import Judgement, percent
from proofs_check.advice.samples import Noise, SampleVerdict
from proofs_check.evidence import Kind
from proofs_check.verdicts.deciding import SCHEMES
from theory.tasks import Task

Verdict: TypeAlias = Judgement | SampleVerdict

STATES = 16
"""So many states a running state has at most."""

QUERY = "coupled, query"
"""The name of the verdict on the coupling in the convention "query"."""


@dataclass(frozen=True)
class Line:
    """A piece of advice, with its evidence and the command that reproduces it."""

    text: str
    evidence: Fact
    command: str

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {"text": self.text, "evidence": self.evidence.to_data(), "command": self.command}


@dataclass(frozen=True)
class Commands:
    """What reproduces a line: the command that decides its verdict alone, where there is one, or else the one that asked.

    Attributes
    ----------
    asked : the command line that asked for advice; empty from Python.
    task : the name of the source, where it is a task.
    written : the name of the task that is written, with the IDs that were found.

    Examples
    --------
    >>> from proofs_check.advice.judging import judge
    >>> from theory.tasks import Copy
    >>> print(Commands("lengthgen advise mine:solve --write made.py", written="made:Solve").of(judge(Copy(2), "none")))
    lengthgen verdicts made:Solve --scheme none --train-lengths 1..6 --test-lengths 1..8
    """

    asked: str = ""
    task: str = ""
    written: str = ""

    def of(self, found: Verdict | None, coupling: Coupling | None = None) -> str:
        """The command for the line of a verdict; the coupling whose IDs it is about."""
        if not self.asked or not isinstance(found, Judgement) or found.cell.drawn or found.generated:
            return self.asked
        if found.name.startswith(("coupled, query", "coupled, given")):
            return self.asked
        name = self.written
        if not name and (
            not SCHEMES[found.cell.scheme].coupled or (coupling and not isinstance(coupling.task, Assigned))
        ):
            name = self.task
        if not name:
            return self.asked
        words = ["lengthgen", "verdicts", name, "--scheme", found.cell.scheme]
        words += ["--scores", found.cell.scores] if found.cell.scores != "hard" else []
        words += ["--train-lengths", _lengths(found.train), "--test-lengths", _lengths(found.test)]
        return shlex.join(words)


def _lengths(lengths: Sequence[int]) -> str:
    whole = len(lengths) > 1 and [*lengths] == [*range(lengths[0], lengths[-1] + 1)]
    return f"{lengths[0]}..{lengths[-1]}" if whole else ",".join(map(str, lengths))


@dataclass(frozen=True)
class Scratchpad:
    """A running state that makes a dense answer sparse.

    Attributes
    ----------
    states : how many there are.
    task : the task that writes them down.
    sparsity : of that task.
    coupling : its position IDs.
    verdict : on them; None where it was not decided.
    """

    states: int
    task: Task
    sparsity: int | None
    coupling: Coupling
    verdict: Judgement | None

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "states": self.states,
            "sparsity": self.sparsity,
            "ids": {"kind": self.coupling.kind, "convention": self.coupling.convention, "coordinates": 1},
            "verdict": None if self.verdict is None else self.verdict.to_data(),
            "example": self.coupling.shown(),
        }


def lines_of_law(
    facts: Facts,
    coupling: Coupling | None,
    verdicts: Mapping[str, Verdict],
    scratchpad: Scratchpad | None,
    commands: Commands,
) -> Iterator[Line]:
    """The advice where instances can be listed."""
    if facts.random:
        what = "Some steps are no function of what is before them: no head is right on them, whatever the IDs. "
        yield Line(what + facts.random[0] + ".", _first(facts), commands.asked)
        return
    if facts.sparsity is None:
        yield from _dense(facts, scratchpad, commands)
        return
    if coupling is None:
        yield Line("No IDs were looked for: the rule cannot be written as a task.", facts.evidence[-1], commands.asked)
        return
    plain = verdicts.get("none")
    if plain is not None and plain.outcome == "generalizes":
        text = f"Leave positions out: heads that see none generalize from length {plain.certificate} on."
        yield Line(text, _fact(plain), commands.of(plain, coupling))
    name = {"positions": "relative window", "coupled": "coupled", "predicted": "predictive"}.get(coupling.kind)
    if name is not None:
        found, query = verdicts.get(name), verdicts.get(QUERY)
        yield _ids(coupling, found, commands)
        yield from _from_length(found, coupling, commands)
        if coupling.kind == "coupled" and query is not None and query.outcome == "generalizes":
            text = (
                "Or give the token that a prediction is made from the ID of what it reads (query-coupled): "
                f"then a window of {_window(query)} serves, from length {query.certificate} on."
            )
            yield Line(text, _fact(query), commands.of(query, coupling))
        for scores in ("ranked", "soft"):
            more = verdicts.get(f"{name}, {scores}")
            if more is not None and more.outcome != "generalizes":
                text = f"Keep heads hard, or look further: {scores} heads do not generalize there ({more.text})."
                yield Line(text, _fact(more), commands.of(more, coupling))
    elif plain is None or plain.outcome != "generalizes":
        text = (
            f"{facts.sparsity}-sparse, but no IDs of one number a token keep its sets narrow: "
            "write intermediate results down, nearer to where they are read."
        )
        yield Line(text, Fact(coupling.why, "supported", f"spreads {_series(coupling)}"), commands.asked)


def _dense(facts: Facts, scratchpad: Scratchpad | None, commands: Commands) -> Iterator[Line]:
    """The advice where no rule of bounded sets was found."""
    grows = (
        f"the sets grow, {facts.growth} in the length" if facts.growth not in (None, "bounded") else "no rule was found"
    )
    if scratchpad is None:
        if facts.growth in ("linear", "logarithmic"):
            text = f"Dense, and no small fold found up to {STATES} states: {grows}. Show work in the output."
        else:
            text = "No rule was found, nor a running state: give more lengths, or more examples."
        yield Line(text, facts.evidence[-1] if facts.evidence else _first(facts), commands.asked)
        return
    verdict = scratchpad.verdict
    text = (
        f"Write a scratchpad of running states ({scratchpad.states} states), one after each token: then each step reads "
        f"{scratchpad.sparsity} tokens, where {grows} without it."
    )
    kind: Kind = "supported" if verdict is None else verdict.evidence
    scope = "the states of prefixes, at listed lengths" if verdict is None else f"{verdict.text}; {verdict.scope}"
    yield Line(
        text,
        Fact(f"{scratchpad.sparsity}-sparse with the states", kind, scope),
        commands.of(verdict, scratchpad.coupling),
    )
    if verdict is not None and verdict.outcome == "generalizes":
        yield _ids(scratchpad.coupling, verdict, commands)
        yield from _from_length(verdict, scratchpad.coupling, commands)


def _ids(coupling: Coupling, found: Verdict | None, commands: Commands) -> Line:
    """The IDs to use."""
    within = "" if found is None else f"; attend within {_window(found)} of the query"
    if coupling.kind == "positions":
        text = f"Sparse and local: use relative positions{within}."
    elif coupling.kind == "coupled":
        text = f"Couple the IDs: {coupling.why}{within}."
    else:
        some = sorted(coupling.increments.items())[:12]
        table = ", ".join(f"{_read(coupling.task, read)}: {grown:+d}" for read, grown in some)
        text = f"Predict the IDs (PPC): {coupling.why}{within}. "
        if some:
            text += f"Increments by what is read: {table}{', ...' * (len(coupling.increments) > 12)}."
        else:
            text += "The increment is how far from its query the step reads, as the key says."
    if found is None:
        scope = f"spreads {_series(coupling)}; the verdict was not decided"
        return Line(text, Fact(f"spread {coupling.spread}", "supported", scope), commands.asked)
    return Line(text, _fact(found), commands.of(found, coupling))


def _from_length(found: Verdict | None, coupling: Coupling, commands: Commands) -> Iterator[Line]:
    """From what training length on."""
    if not isinstance(found, Judgement):
        return
    if found.outcome == "generalizes":
        text = (
            f"Train on length {found.certificate} at least: every hard head that is perfect there is so at every longer "
            f"length tried, up to {max(found.test)}."
        )
        if found.at_most is not None:
            text += f" Of each test length at most {percent(found.at_most)} may be otherwise, 95 % sure."
        yield Line(text, _fact(found), commands.of(found, coupling))
    else:
        longest = max(found.train)
        text = (
            f"No training length up to {longest} is enough ({found.text}), and {found.stopped or 'no longer one was asked'}: "
            "ask with fewer tokens in the alphabet, or for longer (--seconds)."
        )
        yield Line(text, _fact(found), commands.of(found, coupling))


def lines_of_sample(
    facts: Facts,
    coupling: Coupling | None,
    verdicts: Mapping[str, Verdict],
    found: Sequence[Noise],
    scope: str,
    commands: Commands,
) -> Iterator[Line]:
    """The advice from a sample; none of it is unconditional."""
    best = sorted(
        (one for one in verdicts.values() if isinstance(one, SampleVerdict) and one.outcome == "not refuted"),
        key=lambda one: (one.name != _suited(coupling), one.at_most),
    )
    if best:
        one = best[0]
        what = {"coupled": coupling.why if coupling is not None else ""}.get(one.name, "")
        text = (
            f"On this sample, scheme {one.name}{f' ({what})' * bool(what)} with heads of arity {one.heads.arity}: "
            f"{one.text}. More examples make that surer."
        )
        yield Line(text, Fact("the sample does not refute it", "supported", scope), commands.asked)
    else:
        text = "No scheme is borne out by the sample: " + "; ".join(
            f"{name}: {one.text}" for name, one in verdicts.items()
        )
        yield Line(text + ".", Fact("the sample", "inconclusive", scope), commands.asked)
    for one_noise in found:
        text = f"Labels under {one_noise}."
        kind: Kind = "exhausted" if one_noise.loss.exact and one_noise.blame.smallest else "supported"
        yield Line(text, Fact("branch and bound", kind, "all predictions of the sample"), commands.asked)
    if facts.random:
        text = f"{facts.random[0]}: wrong labels, or randomness. --noise says which examples are to blame."
        yield Line(text, Fact("one past, several tokens", "refuted", scope), commands.asked)


def _suited(coupling: Coupling | None) -> str:
    kind = coupling.kind if coupling is not None else "none"
    return {"positions": "relative window", "coupled": "coupled", "predicted": "coupled"}.get(kind, "none")


def _window(found: Verdict) -> str:
    heads = found.heads if isinstance(found, SampleVerdict) else found.cell.decisions[-1].heads
    return "all IDs" if heads.window is None else f"{heads.window} ID{'s' * (heads.window != 1)}"


def _fact(found: Verdict) -> Fact:
    return Fact(f"{found.name}: {found.text}", found.evidence, found.scope)


def _first(facts: Facts) -> Fact:
    return next((fact for fact in facts.evidence if fact.kind == "refuted"), facts.evidence[0])


def _read(task: Task, read: tuple[int, ...]) -> str:
    return " ".join(task.alphabet[token] for token in read)


def _series(coupling: Coupling) -> str:
    return ", ".join(f"{spread} at {n}" for n, spread in zip(coupling.lengths, coupling.spreads, strict=True))
