"""A sample in two parts: what heads that are perfect on the one are sure of on the other, scheme by scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from proofs_check.advice.coupling import Coupling, positions
from proofs_check.advice.facts import Fact, Facts, Opaque
from proofs_check.advice.judging import LEVEL
from proofs_check.advice.reading import Pair
from proofs_check.advice.samples import Noise, SampleVerdict, judge_sample, noise_of
from theory import BudgetExceeded, HeadClass
from theory.dependencies.sources import Source
from theory.errors import AssumptionViolated, InvalidArgument, shown
from theory.heads import Key
from theory.positions import Ids
from theory.tasks import Instance


class Asked(NamedTuple):
    """A scheme on a sample: its heads, and the IDs of an instance."""

    name: str
    heads: HeadClass
    ids: Callable[[Instance], Ids]


@dataclass(frozen=True)
class Sampled:
    """A sample in two parts; what is known of it, and the heads, come from the training part alone.

    Attributes
    ----------
    facts, coupling : what was found of the training part.
    train, test : the parts, as pairs (prompt, output).
    scope : what they are, in words.
    evidence : what was met on the way.
    """

    facts: Facts
    coupling: Coupling | None
    train: Sequence[Pair]
    test: Sequence[Pair]
    scope: str
    evidence: list[Fact] = field(default_factory=list)

    def verdicts(self) -> Iterator[SampleVerdict]:
        """A verdict a scheme; their bounds hold together."""
        test, misfits = self._instances(self.test, self._made)
        level = 1 - (1 - LEVEL) / max(1, len(self.asked))
        for name, heads, ids in self.asked:
            try:
                yield judge_sample(
                    name, self._trained, test, heads, ids=ids, misfits=misfits, level=level, scope=self.scope
                )
            except BudgetExceeded as error:
                self.evidence.append(Fact(f"scheme {name}: not decided", "inconclusive", str(error)))

    def noise(self, left: Callable[[], float]) -> Iterator[Noise]:
        """How far the heads of each scheme are from fitting the whole sample."""
        pairs = [*self.train, *self.test]
        known = tuple(dict.fromkeys(token for prompt, output in pairs for token in (*prompt, *output)))
        made = self._opaque(known).made if self.facts.task is None else self._made
        instances, misfits = self._instances(pairs, made)
        if misfits:
            self.evidence.append(Fact(f"{misfits} examples fit no rule of the shorter ones", "refuted", self.scope))
        for name, heads, ids in self.asked:
            if left() < 2:
                self.evidence.append(Fact(f"noise under {name}: not looked for", "inconclusive", "the time was up"))
                return
            yield noise_of(name, instances, heads, ids=ids)

    def _instances(self, pairs: Sequence[Pair], made: Callable[[Pair], Instance]) -> tuple[list[Instance], int]:
        """The instances of pairs, and how many pairs have none."""
        found: list[Instance] = []
        for pair in pairs:
            try:
                found.append(made(pair))
            except (AssumptionViolated, InvalidArgument) as error:
                if len(self.evidence) < 5:
                    self.evidence.append(Fact(f"the example {shown(pair)} does not fit", "refuted", str(error)))
        return found, len(pairs) - len(found)

    @cached_property
    def _made(self) -> Callable[[Pair], Instance]:
        """What makes the instance of a pair: by the rule that was found, or reading all that is before."""
        if self.facts.task is not None:
            made: Callable[[Pair], Instance] = self.facts.task.made  # type: ignore[attr-defined]
            return made
        known = dict.fromkeys(token for prompt, output in self.train for token in (*prompt, *output))
        return self._opaque(tuple(known)).made

    def _opaque(self, known: tuple[int | str, ...]) -> Opaque:
        single = all(len(output) == 1 for _, output in self.train)
        return Opaque(Source.of(list(self.train)), self.facts.name, known, single)

    @cached_property
    def _trained(self) -> list[Instance]:
        return self._instances(self.train, self._made)[0]

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The schemes, with heads that fit the training part: as wide as it needs, where there is a rule."""
        if not self._trained:
            return ()
        anchored = self.facts.task is not None or any(len(one.steps) > 1 for one in self._trained)
        reads = [
            (one, [*step.sources, *([step.position - 1] if anchored else [])])
            for one in self._trained
            for step in one.steps
        ]
        ruled = self.facts.task is not None
        arity = max(len(set(read)) for _, read in reads) if ruled else min(2, min(len(set(read)) for _, read in reads))
        schemes: list[tuple[str, Key, Callable[[Instance], Ids]]] = [
            ("none", "none", positions), ("absolute", "absolute", positions), ("relative window", "relative", positions),
        ]  # fmt: skip
        if self.coupling is not None and self.coupling.kind in ("coupled", "predicted"):
            changed = getattr(self.coupling.task, "changed", lambda instance: instance)
            schemes.append(("coupled", "relative", lambda instance: changed(instance).ids))
        found = []
        for name, key, ids in schemes:
            window = None
            if key == "relative":
                spans = [[ids(one)[i] for i in read] for one, read in reads]
                window = max(max(own) - min(own) for own in spans) if ruled else arity
            found.append(Asked(name, HeadClass(arity, window, key, "last" if anchored else "none"), ids))
        return tuple(found)
