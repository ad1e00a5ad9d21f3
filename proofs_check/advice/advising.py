"""One question about a generator, a function, a file of examples or a task: what makes it length-generalize?

>>> advice = advise(lambda prompt: prompt[::-1], alphabet="ab", name="backwards")
>>> advice.sparsity, advice.growth, advice.ids["kind"], advice.verdicts["coupled"].certificate
(1, 'bounded', 'coupled', 3)
>>> print(advice.advice[0].text)
Couple the IDs: the t-th step has the ID t, and so has what it reads (token-coupled); attend within 1 ID of the query.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from proofs_check.advice.coupling import Coupling, Located, coupling_of, query_coupled
from proofs_check.advice.facts import Fact, Facts, Opaque, facts_of
from proofs_check.advice.found import Found
from proofs_check.advice.judging import CELLS, FEW_CELLS, Judgement, cells_of, judge, upper_bound, with_task
from proofs_check.advice.lines import QUERY, STATES, Commands, Line, Scratchpad, Verdict, lines_of_law, lines_of_sample
from proofs_check.advice.marks import with_mark
from proofs_check.advice.outcome import words
from proofs_check.advice.reading import Pair, named
from proofs_check.advice.sampled import Sampled
from proofs_check.advice.samples import Noise, halves
from proofs_check.advice.writing import module_of
from proofs_check.evidence import Kind
from proofs_check.verdicts.subjects import Subject, subject_of
from theory import BudgetExceeded
from theory.coordinates import listed
from theory.dependencies import fold
from theory.dependencies.inferred_tasks import SeenTask
from theory.dependencies.sources import Source
from theory.errors import InvalidArgument, NotConverged, check, check_integer, check_type, within_budget
from theory.guarantees import Scores
from theory.tasks import Task

SECONDS = 60.0
"""So long advice may take, about."""

MOST_LENGTHS = 10
"""Of a source whose prompts are listed or drawn, the spreads are measured at so many of the lengths that were seen."""

FRESH = 300
"""So many sequences are drawn from a generator to see whether what was listed of a length is all."""

DRAWN = 200
"""So many sequences of a length are drawn from a generator whose instances are too many to list."""

OTHER_HEADS: tuple[Scores, ...] = ("ranked", "soft")
OTHER_CELLS = {"ranked": 30_000, "soft": 2_000}
"""The heads that the scheme of the IDs is decided for as well, and up to how many cells of a test length."""

LARGEST_ALPHABET = 1_000
"""Tokens of a prompt's alphabet at most."""


class Advice(Found):
    """What was found about a source, and what to do; its fields are those of `Found`: what --json writes.

    Examples
    --------
    >>> advice = advise(lambda prompt: prompt[:1], alphabet="ab", name="the first", lengths=[1, 2, 3])
    >>> isinstance(advice, Advice), advice.sparsity, advice.to_dict()["ids"]["kind"]
    (True, 1, 'coupled')
    """

    def explain(self) -> str:
        """The advice in plain words."""
        return words(self)

    def module(self, command: str = "") -> str:
        """A module with a task that has the sets, the rule and the IDs that were found.

        Parameters
        ----------
        command : what it was written by, for its docstring.

        Raises
        ------
        AssumptionViolated : where there is no rule to write down.
        """
        return module_of(self, command)


def advise(
    source: object,
    *,
    alphabet: Sequence[int | str] | None = None,
    prompts: Callable[[int], Any] | None = None,
    name: str | None = None,
    ids: Callable[..., Sequence[int]] | None = None,
    lengths: Sequence[int] | None = None,
    noise: bool = False,
    seconds: float | None = None,
    seed: int = 0,
    command: str = "",
    written: str = "",
) -> Advice:
    """What a source depends on, which position IDs bring that together, what then generalizes, and what to do.

    Parameters
    ----------
    source : solve(prompt) -> output, generate(length, rng) -> (prompt, output), a list of pairs (prompt, output), a Task,
        or a name as on the command line: a task's, module:function, or a file of examples.
    alphabet, prompts : what the prompts of `solve` are, as in `theory.dependencies.infer`.
    name : what to call it.
    ids : position IDs to be judged beside those that are found, a function of prompt and output.
    lengths : the lengths to learn from.
    noise : of a sample, also the least loss of any hard head, and the examples to blame.
    seconds : about so long it may take, default: `SECONDS`; what was not decided by then is left out, and said.
    seed : of what is drawn.
    command : the command line that asks, for the lines of the advice.
    written : the name of the task that will be written, for commands that decide one line alone.

    Returns
    -------
    Advice

    Raises
    ------
    InvalidArgument : for what is no source, and for one that goes wrong: it raises, does not end, or answers otherwise when
        it is asked again.
    BudgetExceeded : for an alphabet of more than `LARGEST_ALPHABET` tokens.

    Cost: that of `infer`, `coupling_of` and some verdicts; about a minute at most. Source: T1, T5, T13 and T14 in
    docs/theory.md.
    """
    check_type(noise, bool, "advise", "noise", "True or False", "Pass noise=True for samples with wrong labels.")
    check_integer(seed, "advise", "seed", least=0)
    seconds = SECONDS if seconds is None else seconds
    timely = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    check(timely, "advise", "seconds", seconds, expected="a number > 0", fix="For instance 60.")
    check(name is None or isinstance(name, str), "advise", "name", name, expected="a name", fix="For instance 'mine'.")
    if alphabet is not None and hasattr(alphabet, "__len__") and len(alphabet) > LARGEST_ALPHABET:
        fix = "Give a generator, generate(length, rng), or an alphabet of a few tokens: with few the sets are the same."
        raise BudgetExceeded("advise (alphabet)", size=len(alphabet), budget=LARGEST_ALPHABET, fix=fix)
    label = name or _name_of(source)
    if isinstance(source, str):
        source = named(source)
    return _Advising(source, label, alphabet, prompts, ids, lengths, noise, float(seconds), seed,
        Commands(command, label if isinstance(source, Task) else "", written),
    ).run()  # fmt: skip


def _name_of(source: object) -> str:
    if isinstance(source, Task):
        return str(source.name)
    if isinstance(source, str):
        return source
    given = getattr(source, "__name__", "") or type(source).__name__
    return "the examples" if isinstance(source, list | tuple) else "the source" if given == "<lambda>" else str(given)


class _Advising:
    """The work behind `advise`."""

    def __init__(
        self,
        source: object,
        name: str,
        alphabet: Sequence[int | str] | None,
        prompts: Callable[[int], Any] | None,
        ids: Callable[..., Sequence[int]] | None,
        lengths: Sequence[int] | None,
        noise: bool,
        seconds: float,
        seed: int,
        commands: Commands,
    ) -> None:
        self.source, self.name, self.noise, self.seed, self.ids = source, name, noise, seed, ids
        self.alphabet, self.prompts, self.lengths = alphabet, prompts, lengths
        self.start, self.seconds, self.commands = time.monotonic(), seconds, commands
        self.evidence: list[Fact] = []

    def left(self) -> float:
        """The seconds that are left."""
        return self.seconds - (time.monotonic() - self.start)

    def run(self) -> Advice:
        if isinstance(self.source, list | tuple):
            return self.of_sample(Source.of(self.source).pairs)
        facts = facts_of(
            self.source, name=self.name, alphabet=self.alphabet, prompts=self.prompts, lengths=self.lengths,
            seconds=self.seconds / 2, seed=self.seed, ids=self.ids,
        )  # fmt: skip
        self.evidence += facts.evidence
        if facts.inferred is not None and facts.source is not None and facts.source.kind == "generate":
            size, fix = len(facts.inferred.alphabet), "Give one with few tokens: with these the sets are the same."
            within_budget("advise (tokens of a generator)", size=size, budget=LARGEST_ALPHABET, fix=fix)
        if facts.source is not None and facts.source.kind == "generate" and not self.listable(facts):
            return self.of_sample(self.drawn(facts.source), facts)
        return self.of_law(facts)

    # ── Where every instance can be listed ───────────────────────────────────────────────────────────────────────────

    def of_law(self, facts: Facts) -> Advice:
        subject = self.known()
        if subject is not None:
            facts = replace(facts, task=subject.task)  # as small as its instances can be listed
        coupling, task = None, self.opaque(facts)
        if facts.task is not None:
            coupling, task = self.coupled(facts.task, facts)
        verdicts: dict[str, Verdict] = {}
        scratchpad = None
        if task is not None and not facts.random:
            for found in self.verdicts(task, coupling, facts, subject):
                verdicts[found.name] = found
        if facts.sparsity is None and not facts.random:
            scratchpad = self.scratchpad(facts)
        lines = lines_of_law(facts, coupling, verdicts, scratchpad, self.commands)
        return self.made(facts, coupling, verdicts, lines, scratchpad)

    def coupled(self, task: Task, facts: Facts) -> tuple[Coupling, Task]:
        """IDs for the task, and the task: with a mark after its prompts, where there is none and IDs have to be coupled."""
        lengths = None
        if isinstance(task, SeenTask):  # others would have to be listed first
            lengths = sorted({group.length for group in task.groups})[-MOST_LENGTHS:]
        found = coupling_of(task, lengths=lengths)
        unmarked = found.kind == "positions" or isinstance(found.task, Located)
        if facts.source is None or unmarked or self.ids is not None:
            return found, task
        marked = with_mark(task)
        if marked is task:
            return found, task
        words = f"prompts end with the mark {marked.alphabet[-1]!r}, which is added"
        self.evidence.append(Fact(words, "supported", "else the first query is a token that may be read as well"))
        return coupling_of(marked, lengths=lengths), marked

    def verdicts(
        self, task: Task, coupling: Coupling | None, facts: Facts, subject: Subject | None
    ) -> Iterator[Judgement]:
        """The scheme that suits the IDs first, then the others as long as there is time."""
        kind = coupling.kind if coupling is not None else "none"
        own = coupling.task if coupling is not None else task
        first = {"positions": "relative window", "coupled": "coupled", "predicted": "predictive", "none": "none"}[kind]
        cells = FEW_CELLS if task.sparsity is None else CELLS
        asked: list[tuple[str, str, Task, int]] = [(first, first, own if kind != "none" else task, cells)]
        query = query_coupled(coupling) if coupling is not None else None
        if kind == "predicted":
            asked.append(("coupled", "coupled", own, cells))
        if query is not None:
            asked.append((QUERY, "coupled", query.task, cells))
        others = ("none", "relative window", "absolute", "coupled", "random ordered", "random shift")
        asked += [(name, name, own if name in ("coupled", "random ordered") else task, FEW_CELLS) for name in others]
        if self.ids is not None:
            asked.insert(1, ("coupled, given", "coupled", task, cells))
        done: set[str] = set()
        for name, scheme, its, room in asked:
            if name in done:
                continue
            done.add(name)
            if done != {name} and self.left() < 5:
                self.evidence.append(Fact(f"scheme {name}: not decided", "inconclusive", "the time was up"))
                continue
            coupled = scheme in ("coupled", "predictive", "random ordered")
            share = max(2.0, self.left() / (2 if len(done) == 1 else 4))
            found = judge(its, scheme, name=name, cells=room, seconds=share, subject=with_task(subject, its, coupled))
            if found is None:
                why = "its shortest lengths have too many instances to list"
                self.evidence.append(Fact(f"scheme {name}: not decided", "inconclusive", why))
                continue
            found = self.of_generator(found, its, facts)
            yield found
            if name == first and found.outcome == "generalizes" and task.sparsity is not None and self.left() > 10:
                yield from self.other_heads(found, its, scheme, facts)

    def other_heads(self, found: Judgement, task: Task, scheme: str, facts: Facts) -> Iterator[Judgement]:
        """The same for ranked and soft heads, from the same lengths on, where that is quick."""
        needed = [length for length in found.train if length <= (found.certificate or 0)]
        test = [length for length in found.test if length <= needed[-1] + 2]
        for scores in OTHER_HEADS:
            if cells_of(task, scheme, test[-1]) > OTHER_CELLS[scores]:
                self.evidence.append(Fact(f"{scores} heads: not decided", "inconclusive", "it would take long"))
                continue
            name, subject = f"{found.name}, {scores}", Subject(task, needed, test)
            try:
                more = judge(task, scheme, name=name, scores=scores, subject=subject)
            except NotConverged as error:
                self.evidence.append(Fact(f"{scores} heads: not decided", "inconclusive", error.got))
                continue
            if more is not None:
                yield self.of_generator(more, task, facts)

    def of_generator(self, found: Judgement, task: Task, facts: Facts) -> Judgement:
        """The verdict; of a generator with a bound on what was never drawn of the test lengths."""
        if facts.source is None or facts.source.kind != "generate":
            return found
        found = replace(found, generated=True)
        if found.outcome != "generalizes":
            return found
        longest = max(found.test)
        known = {instance.tokens for instance in task.instances(longest)}
        rng = np.random.default_rng(self.seed + 1)
        missed = sum(task.draw(longest, rng).tokens not in known for _ in range(FRESH))
        return replace(found, at_most=max(found.at_most or 0.0, upper_bound(missed, FRESH)))

    def known(self) -> Subject | None:
        """The lengths at which the verdicts on a task of ours are decided, and the size that it then has."""
        if not isinstance(self.source, Task) or type(self.source).__module__.partition(".")[0] != "theory":
            return None
        try:
            found = subject_of(self.source.name)
        except (InvalidArgument, BudgetExceeded):
            return None
        return found if type(found.task) is type(self.source) and found.task.name == self.source.name else None

    def opaque(self, facts: Facts) -> Task | None:
        """A source without a rule, as a task; None where its instances cannot be listed."""
        if facts.source is None:
            return facts.task
        source = facts.source
        if source.kind == "generate" or facts.inferred is None:
            return None
        single = not facts.inferred.varying and all(size.step == 0 for size in facts.inferred.sizes)
        return Opaque(source, self.name, facts.inferred.alphabet, single)

    def listable(self, facts: Facts) -> bool:
        """Whether the instances of short lengths of a generator are few enough to be seen all."""
        if facts.task is None:
            return False
        return 0 < facts.task.n_instances(facts.task.min_length) <= DRAWN

    def scratchpad(self, facts: Facts) -> Scratchpad | None:
        """A running state, where there is a small one."""
        if self.left() < 5:
            self.evidence.append(Fact("running states: not looked for", "inconclusive", "the time was up"))
            return None
        found = fold(facts.source if facts.source is not None else self.source, most_states=STATES)
        if found is None:
            scope = f"none of up to {STATES} states, at the lengths that were listed"
            self.evidence.append(Fact("no small running state was found", "supported", scope))
            return None
        task = found.task(f"{self.name} with states")
        coupling = coupling_of(task)
        scheme = {"positions": "relative window", "predicted": "predictive"}.get(coupling.kind, "coupled")
        verdict = judge(coupling.task, scheme, seconds=max(2.0, self.left() / 2))
        return Scratchpad(found.n_states, task, task.sparsity, coupling, verdict)

    def told(self, coupling: Coupling | None, facts: Facts) -> dict[str, Any]:
        """The IDs as data."""
        if coupling is None:
            why = "no rule says what a step reads" if facts.sparsity is None else "the rule is no task"
            return {
                "kind": "none",
                "convention": None,
                "coordinates": 1,
                "spread": None,
                "lower_bound": None,
                "why": why,
            }
        example = coupling.example()
        seen = facts.source is not None and facts.source.kind in ("pairs", "generate")
        exhaustive = coupling.exhaustive and not seen
        scope = f"{'every instance' if exhaustive else 'instances'} of lengths {_commas(coupling.lengths)}"
        if coupling.kind != "none":
            kind: Kind = "exhausted" if exhaustive else "supported"
            self.evidence.append(Fact(f"spread {coupling.spread} of the sets under {coupling.kind} IDs", kind, scope))
        if coupling.lower_bound is not None:
            said = (
                "no IDs that as many tokens share have less"
                if coupling.lower_bound == coupling.spread
                else (f"no IDs that as many tokens share have less than {coupling.lower_bound}; between lies a gap")
            )
            self.evidence.append(Fact(said, "proved", "the sets of single instances, by counting"))
        return {
            "kind": coupling.kind,
            "convention": coupling.convention,
            "coordinates": coupling.coordinates,
            "spread": coupling.spread,
            "lower_bound": coupling.lower_bound,
            "why": coupling.why,
            "scope": scope,
            "example": {
                "tokens": coupling.task.text(example.tokens),
                "ids": listed(example.ids),
                "table": coupling.shown(),
            },
        }

    # ── Where there are samples alone ────────────────────────────────────────────────────────────────────────────────

    def of_sample(self, pairs: Sequence[Pair], facts: Facts | None = None) -> Advice:
        """Advice about a sample: what is found of its shorter half is put to the test on the longer one."""
        train, test, scope = halves(pairs, size=lambda pair: len(pair[0]), seed=self.seed)
        if facts is None:
            facts = facts_of(train, name=self.name, seconds=self.seconds / 2, seed=self.seed, ids=self.ids)
            self.evidence += facts.evidence
        coupling = None
        if facts.task is not None:
            coupling, task = self.coupled(facts.task, facts)
            facts = replace(facts, task=task)
        sample = Sampled(facts, coupling, train, test, scope)
        verdicts: dict[str, Verdict] = {verdict.name: verdict for verdict in sample.verdicts()}
        found = tuple(sample.noise(self.left)) if self.noise else ()
        self.evidence += sample.evidence
        lines = lines_of_sample(facts, coupling, verdicts, found, scope, self.commands)
        return self.made(facts, coupling, verdicts, lines, None, found)

    def drawn(self, source: Source) -> list[Pair]:
        """Sequences of a generator, of short and of longer lengths."""
        rng = np.random.default_rng(self.seed + 1)
        return [pair for length in (*range(2, 8), 10, 12) for pair in source.draw(length, DRAWN, rng)]

    def made(
        self,
        facts: Facts,
        coupling: Coupling | None,
        verdicts: dict[str, Verdict],
        lines: Iterable[Line],
        scratchpad: Scratchpad | None,
        found: tuple[Noise, ...] = (),
    ) -> Advice:
        """All of it together."""
        kind = facts.source.kind if facts.source is not None else "task"
        ids, given = self.told(coupling, facts), tuple(lines)
        return Advice(
            self.name, kind, facts.sparsity, facts.growth, facts.steps, ids, verdicts, given, scratchpad,
            tuple(self.evidence), coupling, found, facts, time.monotonic() - self.start,
        )  # fmt: skip


def _commas(lengths: Sequence[int]) -> str:
    return ", ".join(map(str, lengths))
