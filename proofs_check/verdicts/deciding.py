"""T1 on tasks: under every position scheme, whether heads that are perfect on short instances stay so on long ones.

>>> from theory import tasks
>>> subject = Subject(tasks.ScratchpadParity("query"), train=range(1, 4), test=range(1, 6))
>>> print(verdict(subject, "coupled").decisions[0])
generalizes from length 2 [arity 2, window 0, key relative, anchor last]
>>> print(verdict(subject, "absolute").decisions[0].witness)
trained at length 3, tested at length 4: the view '0s0' with key (3, 4) never occurs in training (after 0000s0)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, count, product
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from proofs_check.verdicts.subjects import Subject, in_words
from proofs_check.work.pool import Tick
from theory import (
    BudgetExceeded,
    ExactnessLost,
    Example,
    FiniteLaw,
    HardHead,
    HeadClass,
    InvalidArgument,
    Verdict,
    View,
    certificate_length,
)
from theory.coordinates import Column, Ids, coordinates, joined, n_coordinates, width, written
from theory.criterion import Outcome
from theory.errors import check_type, did_you_mean, shown, within_budget
from theory.examples import Label
from theory.guarantees import Predicted, Reason, Scores, check_scores
from theory.heads import Key, check_alike
from theory.positions import ChunkedShift, PositionScheme, RandomOrdered, RandomShift, renamed
from theory.ranked import RankedHead
from theory.tasks import Instance, step_examples
from theory.tasks.faults import checked, running

EXAMPLES = 1_000_000
"""Examples of a length at most, each shift of an instance counted; they are held in memory."""

ROOM = 1
"""IDs more than the longest sequence needs, in the range of IDs that are relabelled."""

TOO_LONG = "Length {} is too long to list."

HEAD = 256
"""A witness keeps T1's head where it selects at most so many views."""

Relabel: TypeAlias = Literal["fixed", "shift", "chunks", "ordered"]

Window: TypeAlias = int | tuple[int, ...]
"""One for plain IDs, or one for every coordinate."""


@dataclass(frozen=True)
class Scheme:
    """What heads see of the positions.

    Attributes
    ----------
    key : what a head sees of the IDs of a candidate set.
    coupled : the task's own IDs; otherwise the positions 0, 1, 2, ...
    window : "none"; or the smallest in which every prediction has a candidate set that holds all it reads, at the longest
        training length ("trained") or at all lengths ("held"); or a number, or one for every coordinate of the IDs.
    relabel : what training does to the IDs of a sequence, all of it listed: "fixed" leaves them; "shift" takes every
        shift, "chunks" (PoSE) every two chunks and "ordered" every sorted subset within a range that has `ROOM` more IDs
        than the longest sequence needs. "ordered" relabels at test time too, the others leave the IDs.
    shifted : where training shifts or chunks IDs, tests take every shift within the range.
    packed : training also shows every sequence behind an earlier one with other IDs, each relabelled ("ordered" together,
        else shifted).
    increments : heads predict the pair (token, ID increment).
    at_most : candidate sets may be smaller than the arity.
    """

    name: str
    what: str
    key: Key
    coupled: bool = False
    window: Literal["none", "trained", "held"] | Window = "none"
    relabel: Relabel = "fixed"
    shifted: bool = False
    packed: bool = False
    increments: bool = False
    at_most: bool = False


SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("none", "no positions: key none, no window", "none"),
        Scheme("absolute", "positions 0, 1, 2, ...: absolute key, no window", "absolute"),
        Scheme(
            "random shift",
            "positions, shifted in training so that every test ID occurs: absolute key, a window w that is enough in training",
            "absolute", window="trained", relabel="shift",
        ),
        Scheme(
            "relative window", "positions: relative key, a window w that is enough in training", "relative",
            window="trained",
        ),
        Scheme(
            "coupled", "the task's IDs: relative key, the least window w that is enough", "relative", coupled=True,
            window="held",
        ),
        Scheme(
            "predictive", "coupled, and with the next token its ID increment is predicted (PPC)", "relative",
            coupled=True, window="held", increments=True,
        ),
        Scheme(
            "random ordered",
            "the task's IDs relabelled at random in their order: order key, no window, or w = 0 where it is enough", "order",
            coupled=True,
        ),
    )
}  # fmt: skip
"""Every scheme by its name."""


HERE: dict[Reason, str] = {
    "unseen": "{view} never occurs in training",
    "flip": "{view} always has one label in training, and another one here",
    "abstains": "a head that is perfect in training selects nothing here",
    "free": "a head that is perfect in training gives {view} any answer, and it comes first here",
    "zero": "there is no candidate set here, so that every head abstains",
    "outside": "a head that is perfect in training gives another label at least as much mass here",
}
"""What the reason of a verdict says of the example of its witness and a {view} of it."""

RANKED_HERE: dict[Reason, str] = {
    "flip": "a head that is perfect in training lets {view} come first, with another label"
}
"""The same for ranked heads, where it is another."""


class Witness(NamedTuple):
    """What shows that heads do not generalize.

    For "fails" a test example, on which T1's head loses something although its training loss is 0; for "unrealizable" a
    training example (and no test length): none of its views has the same label wherever it occurs. Where training is mixed,
    `train_length` is then the smallest without a perfect head.

    Attributes
    ----------
    why, text : the reason, and the tokens of the example, in words and in the alphabet of the task.
    selected : how many views T1's head selects.
    head : T1's head, every view that it selects with its answer; None where they are more than `HEAD`.
    """

    train_length: int
    test_length: int | None
    why: str
    text: str
    example: Example
    view: View | None = None
    test_loss: str | None = None
    selected: int | None = None
    head: tuple[tuple[View, Label], ...] | None = None

    def __str__(self) -> str:
        tested = "" if self.test_length is None else f", tested at length {self.test_length}"
        return f"trained at length {self.train_length}{tested}: {self.why} (after {self.text})"


@dataclass(frozen=True)
class Decision:
    """The verdict for one head class: where it generalizes from, or the verdict at the longest training length.

    For ranked and soft heads that fail, `guaranteed` is the exact share of the test law of the witness on which every head
    is right that is perfect in training. `predicted` is what the max-margin head gets right there, a heuristic: found for
    soft heads where that was asked for and is quick.
    """

    heads: HeadClass
    outcome: Outcome
    reason: Reason | None = None
    certificate: int | None = None
    witness: Witness | None = None
    guaranteed: str | None = None
    predicted: Predicted | None = None

    @property
    def word(self) -> str:
        """The verdict in short, for the table."""
        if self.outcome == "generalizes":
            return f"✓ from {self.certificate}"
        return "∅ no head" if self.outcome == "unrealizable" else f"✗ {self.reason}"

    def __str__(self) -> str:
        arity, window, key, anchor = self.heads.arity, self.heads.window, self.heads.key, self.heads.anchor
        said: str = self.outcome if self.reason is None else f"{self.outcome} ({self.reason})"
        said += "" if self.certificate is None else f" from length {self.certificate}"
        limit = "no window" if window is None else f"window {written(window)}"
        said += "" if self.guaranteed is None else f", guaranteed {self.guaranteed}"
        most = "at most " if self.heads.at_most else ""
        return f"{said} [arity {most}{arity}, {limit}, key {key}, anchor {anchor}]"


@dataclass(frozen=True)
class Cell:
    """What is decided for one task under one scheme.

    Attributes
    ----------
    decisions : one a head class: one for a sparse task, one an arity for a dense one; none where the cell is inconclusive.
    growing : whether the smallest window that holds the dependency sets grows with the length.
    drawn : {test length: (instances drawn, instances)}, where they are too many to list: there "generalizes" speaks of
        the instances drawn, while "fails" and "unrealizable" hold for the whole law.
    scores : the kind of heads: "hard", "ranked" or "soft".
    open : why it is inconclusive: what did not converge; empty for others.
    """

    task: str
    scheme: str
    scope: str
    decisions: tuple[Decision, ...]
    growing: bool = False
    drawn: Mapping[int, tuple[int, int]] = field(default_factory=dict, hash=False)
    seconds: float = field(default=0.0, compare=False)
    scores: Scores = "hard"
    open: str = ""

    @property
    def outcome(self) -> str:
        """The outcome, "mixed" where it depends on the arity, or "inconclusive"."""
        if not self.decisions:
            return "inconclusive"
        outcomes = {decision.outcome for decision in self.decisions}
        return outcomes.pop() if len(outcomes) == 1 else "mixed"

    @property
    def text(self) -> str:
        """The cell of the table."""
        if not self.decisions:
            return "?"
        words = dict.fromkeys(decision.word for decision in self.decisions)
        lines = [*words] if len(words) == 1 else [f"k={d.heads.arity}: {d.word}" for d in self.decisions]
        window = self.decisions[-1].heads.window
        marks = ("" if window is None else f"w={written(window)}") + "↑" * self.growing + "~" * bool(self.drawn)
        return "\n".join([*lines, marks] if marks else lines)

    def __str__(self) -> str:
        said = "; ".join(map(str, self.decisions)) or f"inconclusive: {self.open}"
        return f"{self.task}, {self.scheme}: {said}"


def scheme_of(name: object) -> Scheme:
    """A scheme by its name.

    Raises
    ------
    InvalidArgument : for another name, with the closest one.
    """
    if not isinstance(name, str) or name not in SCHEMES:
        expected = f"one of {'; '.join(SCHEMES)}"
        raise InvalidArgument("verdicts", "scheme", got=shown(name), expected=expected, fix=did_you_mean(name, SCHEMES))
    return SCHEMES[name]


def verdict(
    subject: Subject,
    scheme: str | Scheme,
    *,
    mixed: bool = False,
    scores: Scores = "hard",
    tick: Tick = lambda cases: None,
    budget: int | None = None,
    predicting: int = 0,
) -> Cell:
    """Decide a task under a scheme by T1 (T13 and T14 for other heads), all steps of all instances together.

    Parameters
    ----------
    scheme : a name in `SCHEMES`, or a scheme of one's own.
    mixed : train on all the training lengths up to n, rather than on length n alone; without those at which an example has
        fewer tokens than the heads read.
    scores : "hard", "ranked" or "soft" heads, as for `decide`.
    tick : called with the number of examples whenever some were listed.
    budget : examples of a law that may be listed; given, no law is decided before all are listed. Default: `EXAMPLES`.
    predicting : also find what the max-margin head gets right, within this budget of `theory.max_margin`; 0: not.

    Raises
    ------
    InvalidArgument : for an unknown scheme, unknown scores, and arguments of another type.
    BudgetExceeded : when a support, or a law, is too large to list.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> print(verdict(Subject(Copy(2), range(1, 4), range(1, 6)), "coupled"))
    copy, coupled: generalizes from length 3 [arity 2, window 1, key relative, anchor last]

    Cost: that of `certificate_length` for every head class. Source: T1 in docs/theory.md.
    """
    check_type(subject, Subject, "verdict", "subject", "a Subject", "Write Subject(task, train=..., test=...).")
    check_type(mixed, bool, "verdict", "mixed", "True or False", "Pass mixed=True to train on all lengths up to n.")
    if not callable(tick):
        raise InvalidArgument(
            "verdict", "tick", got=shown(tick), expected="a function of a number", fix="Leave it out."
        )
    check_scores(scores, "verdict")
    scheme = scheme if isinstance(scheme, Scheme) else scheme_of(scheme)
    start, laws = time.perf_counter(), Laws(subject, scheme, mixed, tick, scores, budget or EXAMPLES, predicting)
    if budget is not None:
        laws.list_all()
    decisions = tuple(laws.decide(heads) for heads in laws.head_classes())
    seconds = time.perf_counter() - start
    return Cell(subject.task.name, scheme.name, laws.scope, decisions, laws.growing(), laws.drawn, seconds, scores)


class Laws:
    """The laws of a task under a scheme, and the head classes that fit it."""

    def __init__(
        self,
        subject: Subject,
        scheme: Scheme,
        mixed: bool,
        tick: Tick,
        scores: Scores = "hard",
        budget: int = EXAMPLES,
        predicting: int = 0,
    ) -> None:
        self.subject, self.task, self.scheme, self.mixed, self.tick = subject, subject.task, scheme, mixed, tick
        self.scores: Scores = scores
        self.budget, self.predicting = budget, predicting
        whole = subject.short is None or scheme.window == "held"
        self.trained, self.tested = (subject.train, subject.test) if whole else subject.short or ((), ())
        self.drawn: dict[int, tuple[int, int]] = {}
        self.instances = {n: self._instances(n) for n in sorted({*self.trained, *self.tested})}
        every = [instance for listed in self.instances.values() for instance in listed]
        check_alike({n_coordinates(instance.ids) for instance in every}, "verdict")
        self._listed: dict[tuple[int, Relabel], list[Example]] = {}

    def _instances(self, length: int) -> list[Instance]:
        listed, size = self.subject.listed, self.task.n_instances(length)
        if size == 0:
            fix = "Leave the length out."
            raise InvalidArgument(
                "verdict", "subject", got=f"length {length}", expected="a length that has instances", fix=fix
            )
        rng = np.random.default_rng(length)
        with running(self.task, "verdict"):
            if length in self.trained or size <= listed:
                return [checked(instance, self.task, "verdict") for instance in self.task.support(length)]
            self.drawn[length] = listed, size
            return [checked(self.task.sample(length, rng), self.task, "verdict") for _ in range(listed)]

    @property
    def scope(self) -> str:
        """The lengths in words."""
        size = f"{self.subject.size}; " if self.subject.size else ""
        drawn = (f"; {some:,} of {size:,} instances of length {n}" for n, (some, size) in self.drawn.items())
        return f"{size}{in_words(self.trained, self.tested)}{' mixed' * self.mixed}{''.join(drawn)}"

    @property
    def arities(self) -> tuple[int, ...]:
        if self.subject.arities or self.task.sparsity is None:
            return self.subject.arities or (1, 2, 3)
        return (max(self.task.arity(instance) for listed in self.instances.values() for instance in listed),)

    def _ids(self, instance: Instance) -> Ids:
        return instance.ids if self.scheme.coupled else tuple(range(len(instance.tokens)))

    def window(self, length: int) -> Window:
        """The smallest window in which every prediction has a candidate set that holds all it reads.

        Of several coordinates, a window each: what the reads span, the narrow ones widened until there are candidate sets.
        """
        arity = max(self.arities)
        reads = {
            (self._ids(instance)[: step.position], self.task.attended(step))
            for instance in self.instances[length]
            for step in instance.steps
        }
        if n_coordinates(next(iter(reads))[0]) == 1:
            return max(_width(ids, attended, arity) for ids, attended in reads)
        spans = _each(_largest(tuple(map(width, coordinates([ids[i] for i in attended]))) for ids, attended in reads))
        widened = (tuple(max(span, least) for span in spans) for least in count())
        return next(window for window in widened if all(_fits(*read, arity, window) for read in reads))

    def growing(self) -> bool:
        """Whether the window has to grow with the length."""
        if self.scheme.window != "held":
            return False
        shorter, longer = self.window(max(self.trained)), self.window(max(self.tested))
        return _largest([shorter, longer]) != shorter

    def head_classes(self) -> list[HeadClass]:
        """One for every arity."""
        lengths = [max(self.trained)] if self.scheme.window == "trained" else list(self.instances)
        given, at_most = self.scheme.window, self.scheme.at_most
        enough: Window = _largest([self.window(n) for n in lengths]) if isinstance(given, str) else given
        free = given == "none" and not (self.scheme.key == "order" and not any(_each(enough)))
        window = None if free else enough
        return [HeadClass(k, window, self.scheme.key, self.task.anchor, at_most) for k in self.arities]

    def _relabelled(self, instance: Instance, relabel: Relabel) -> Iterator[Ids]:
        """The IDs of a sequence under every relabelling, of each coordinate by itself."""
        columns = coordinates(self._ids(instance))
        if len(columns) == 1:
            yield from self._relabelled_column(columns[0], 0, relabel)
        else:
            parts = (self._relabelled_column(column, c, relabel) for c, column in enumerate(columns))
            yield from map(joined, product(*parts))

    def _relabelled_column(self, base: Column, coordinate: int, relabel: Relabel) -> Iterator[Column]:
        if self.scheme.relabel == "fixed" == relabel:
            yield base
            return
        ids, values = self.id_ranges[coordinate], _in_use(base, relabel)
        first, last, lowest = ids[0], ids[-1], ids[0] - values[0]
        schemes: dict[Relabel, PositionScheme] = {
            "fixed": RandomShift(lowest, lowest),  # counted from the first ID on
            "shift": RandomShift(lowest, last - values[-1]),
            "chunks": ChunkedShift(first, last, min(2, len(values))),
            "ordered": RandomOrdered(first, last),
        }
        for new in dict.fromkeys(schemes[relabel].relabellings(values)):
            yield renamed(base, values, new)

    @cached_property
    def id_ranges(self) -> list[range]:
        """The IDs that training draws from, in every coordinate: from the least one of a test on, as those are as they are."""
        bases = {self._ids(instance) for listed in self.instances.values() for instance in listed}
        ranges = []
        for columns in zip(*map(coordinates, bases), strict=True):
            first = min(map(min, columns))
            ranges.append(range(first, first + max(len(_in_use(base, self.scheme.relabel)) for base in columns) + ROOM))
        return ranges

    def _law(self, length: int, relabel: Relabel) -> list[Example]:
        if (length, relabel) not in self._listed:
            examples: dict[Example, None] = {}
            for instance in self.instances[length]:
                for ids in self._relabelled(instance, relabel):
                    examples |= dict.fromkeys(step_examples(instance, ids, increments=self.scheme.increments))
                    self._within_budget(examples, length)
            self._listed[length, relabel] = list(examples)
            self.tick(len(examples))
        return self._listed[length, relabel]

    def _behind_others(self, lengths: Sequence[int]) -> Iterator[Example]:
        """Every sequence behind an earlier one, all IDs of the one below all of the other, each relabelled in the range."""
        relabel: Relabel = "ordered" if self.scheme.relabel == "ordered" else "shift"
        instances = [instance for length in lengths for instance in self.instances[length]]
        if len(self.id_ranges) > 1:
            got, fix = f"{self.task.name!r}, with IDs of several coordinates", "Leave packing out, or use plain IDs."
            expected = "IDs of one coordinate, of which one sequence has the lower ones"
            raise InvalidArgument("verdict", "scheme.packed", got=got, expected=expected, fix=fix)
        relabelled = [(instance, [*self._relabelled(instance, relabel)]) for instance in instances]
        for (earlier, its), (instance, owns) in product(relabelled, repeat=2):
            for first, own in product(its, owns):
                if max(first) < min(own) or max(own) < min(first):
                    for example in step_examples(instance, own, increments=self.scheme.increments):
                        yield Example(earlier.tokens + example.tokens, first + example.ids, example.label)

    def train(self, length: int) -> FiniteLaw:
        lengths = [n for n in self.trained if n < length and self._has_room(n)] if self.mixed else []
        lengths.append(length)
        alone = (example for n in lengths for example in self._law(n, self.scheme.relabel))
        examples: dict[Example, None] = {}
        for example in chain(alone, self._behind_others(lengths) if self.scheme.packed else ()):
            examples[example] = None
            self._within_budget(examples, length)
        return FiniteLaw.uniform(examples)

    def _has_room(self, length: int) -> bool:
        """Whether every example has as many tokens as some head reads: heads of exactly k tokens are right on no other."""
        least = 1 if self.scheme.at_most else min(self.arities)
        return all(len(example.tokens) >= least for example in self._law(length, self.scheme.relabel))

    def list_all(self) -> None:
        """Refuse laws that are too large before any is decided."""
        for length in self.tested:
            self.test(length)
        for length in self.trained[-1:] if self.mixed else self.trained:
            self.train(length)

    def _within_budget(self, examples: Mapping[Example, None], length: int) -> None:
        within_budget("verdict (examples)", size=len(examples), budget=self.budget, fix=TOO_LONG.format(length))

    def test(self, length: int) -> FiniteLaw:
        if self.scheme.relabel == "ordered":
            return FiniteLaw.uniform(self._law(length, "ordered"))
        return FiniteLaw.uniform(self._law(length, "shift" if self.scheme.shifted else "fixed"))

    def decide(self, heads: HeadClass) -> Decision:
        found = certificate_length(
            heads,
            self.train,
            lengths=self.trained,
            test_lengths=self.tested,
            test_law_at=self.test,
            scores=self.scores,
            nested=self.mixed,
        )
        if found.length is not None:
            return Decision(heads, "generalizes", certificate=found.length)
        longest = max(found.verdicts)
        given = found.verdicts[longest]
        witness = self.witness(given, longest, found.failed_at[longest])
        share = None if self.scores == "hard" or given.guaranteed is None else str(given.guaranteed)
        predicted = self.predict(given)
        return Decision(heads, given.outcome, given.reason, witness=witness, guaranteed=share, predicted=predicted)

    def predict(self, given: Verdict) -> Predicted | None:
        try:
            return given.max_margin(budget=self.predicting) if self.predicting else None
        except (BudgetExceeded, ExactnessLost):  # too large, or the floats did not converge
            return None

    def witness(self, given: Verdict, trained: int, tested: int) -> Witness:
        example, text = given.example, self.task.text
        assert example is not None
        view = "" if given.view is None else f"the view '{text(given.view.tokens)}' with key {given.view.key}"
        if given.outcome == "unrealizable":
            why = "no view of this training example has the same label wherever it occurs"
            if len(example.tokens) < min(self.arities) and not self.scheme.at_most:
                why = f"this training example has fewer tokens than the {min(self.arities)} that a head reads"
            elif self.scores != "hard":
                why = f"no {self.scores} head that is right on the other training examples is right on this one"
            return Witness(trained, None, why, text(example.tokens), example)
        assert given.counterexample is not None
        why = (HERE if self.scores == "hard" else HERE | RANKED_HERE)[given.reason or "unseen"].format(view=view)
        shown_here = (trained, tested, why, text(example.tokens), example, given.view, str(given.test_loss))
        if not isinstance(given.counterexample, HardHead | RankedHead):
            return Witness(*shown_here)
        answers = given.counterexample.answers
        head = tuple(answers.items()) if len(answers) <= HEAD else None
        return Witness(*shown_here, len(answers), head)


def _each(window: Window) -> tuple[int, ...]:
    return window if isinstance(window, tuple) else (window,)


def _largest(windows: Iterable[Window]) -> Window:
    """In every coordinate the largest."""
    largest = tuple(map(max, zip(*map(_each, windows), strict=True)))
    return largest if len(largest) > 1 else largest[0]


def _fits(ids: Ids, attended: frozenset[int], arity: int, window: Window) -> bool:
    """Whether a candidate set within this window holds these positions; where there are too few, none has to."""
    if len(ids) < arity or len(attended) >= arity:
        return True
    heads = HeadClass(arity - len(attended), window)
    others = [i for i in range(len(ids)) if i not in attended and all(heads.near(ids[i], ids[j]) for j in attended)]
    return any(True for _ in heads.candidates(tuple(ids[i] for i in others)))


def _in_use(base: Column, relabel: Relabel) -> Column:
    """The values that are relabelled: of "ordered" those that occur, else all from the least to the greatest."""
    return tuple(sorted(set(base))) if relabel == "ordered" else tuple(range(min(base), max(base) + 1))


@lru_cache(maxsize=2**16)
def _width(ids: Column, attended: frozenset[int], arity: int) -> int:
    """The width of the smallest window that holds these positions, and enough others for a candidate set."""
    low, high = (end(ids[i] for i in attended) for end in (min, max))
    widths = [high - low] if len(ids) < arity else []
    for start in {i for i in ids if i <= low}:
        later = sorted(i for i in ids if i >= start)
        widths += [max(high, later[arity - 1]) - start] if len(later) >= arity else []
    return min(widths)
