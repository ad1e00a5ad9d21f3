"""What the theory promises of trained models, and what they do: for every cell of a sweep, with the class that they have.

A cell is a configuration, with all its seeds. T1, T13 and T14 are asked about exactly its class of heads, its training law
and its test law (`verdicts.matched`), on the small version of the task; where the model lies in the class and its laws are
small enough to list, T14 is asked about the model itself, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any, Literal, NamedTuple, get_args

from idealized_model.risk import exact_interval
from idealized_model.transformer.results import Row, require_source
from idealized_model.transformer.training import TrainConfig
from proofs_check.spelling import digits
from proofs_check.verdicts.deciding import ROOM, Cell
from proofs_check.verdicts.matched import (
    Kept,
    attention_only,
    cell_of,
    class_of,
    config_of,
    decided,
    kept,
    shifts_tests,
    training_errors,
)
from proofs_check.work.pool import Tick, Watch, collect
from theory.errors import InvalidArgument
from theory.guarantees import Predicted, Scores
from theory.tasks import Planted, find_task
from theory.tasks.dense import Dense
from theory.tasks.finding import sources_of

FACTORS = (1, 2, 4, 10)
"""Test lengths, in training lengths; the last may be missing."""

MAIN = (4, 10)
"""The factors at which cells are counted."""

HIGH = Fraction(9, 10)
"""The skill from which models generalize to a length."""

LEVEL = Fraction(95, 100)
"""The level of the intervals."""

Kind = Literal["theorem", "promise", "silence", "no head"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Says = Literal["generalizes", "does not", "not known"]


def skill(share: Fraction, task: str) -> Fraction:
    """The accuracy beyond guessing: (share - chance) / (1 - chance), 0 for guessing and 1 for all right.

    Guessing hits one of the answers of a dense or planted task, and hardly ever a sequence of tokens.

    Examples
    --------
    >>> skill(Fraction(3, 4), "majority"), skill(Fraction(3, 4), "copy")
    (Fraction(1, 2), Fraction(3, 4))
    """
    known, chance = find_task(task, "compare"), Fraction(0)
    if isinstance(known, Planted):
        chance = Fraction(1, len(known.ensemble.labels))
    elif isinstance(known, Dense):
        chance = Fraction(1, known.n_answers)
    return (share - chance) / (1 - chance)


@dataclass(frozen=True)
class Comparison:
    """A cell: what is promised, and what the models of all seeds do.

    Attributes
    ----------
    config : of the runs, with seed 0.
    cells : {kind of heads: the verdict for the model's class}, None where its laws are too large to list.
    seeds : {factor: the share of sequences that free running reproduces, of each seed in their order}.
    perfect : whether each seed makes no error in training: on all that training may draw where that was tried, else on the
        random sequences of the longest training length.
    kept : of every perfect seed of an attention-only model the guaranteed steps, and which of them it gets right.
    shifted : whether tests shift the IDs that training shifts.
    """

    config: TrainConfig
    cells: dict[Scores, Cell | None]
    seeds: dict[int, tuple[Fraction, ...]]
    perfect: tuple[bool, ...]
    kept: tuple[tuple[Kept, ...], ...] = ()
    shifted: bool = True

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.config.task

    @property
    def positions(self) -> str:
        """How positions enter, in words."""
        return class_of(self.config, shifted=self.shifted).name

    @property
    def model(self) -> str:
        """Layers and heads, or attention alone."""
        size = f"{self.config.layers} × {self.config.heads}"
        return f"{size}, attention only" if not self.config.mlp and not self.config.norm else size

    @property
    def kind(self) -> Kind:
        """What the theory says of the cell.

        "theorem": the model lies in the class and is perfect on all that training may draw, so that T14's guarantee holds
        of it. "promise": every perfect head generalizes, hard ones (T1) or ranked ones (T13). "no head": none is perfect
        in training, no soft one, so none of any kind. "silence": some head is, and not all of these generalize; or the
        laws are too large to tell.
        """
        if self.kept:
            return "theorem"
        outcomes = {scores: cell.outcome for scores, cell in self.cells.items() if cell is not None}
        if "generalizes" in (outcomes.get("hard"), outcomes.get("ranked")):
            return "promise"
        return "no head" if "soft" in outcomes and set(outcomes.values()) == {"unrealizable"} else "silence"

    @property
    def fitted(self) -> bool:
        """Whether the models do the task at the training length; what is promised is promised of those without an error."""
        if self.kind in ("theorem", "promise"):
            return any(self.perfect)
        return skill(self.share(1), self.task) >= HIGH

    def share(self, factor: int, *, perfect: bool = False) -> Fraction:
        """The mean of the shares of all seeds at a factor of the training length, or of those that are perfect in training."""
        own = [one for one, holds in zip(self.seeds[factor], self.perfect, strict=True) if holds or not perfect]
        return sum(own, Fraction(0)) / len(own)

    def generalizes(self, factor: int) -> bool | None:
        """Whether the models that the kind speaks of generalize to a factor; None without these, or without such tests."""
        if not self.fitted or factor not in self.seeds:
            return None
        return skill(self.share(factor, perfect=self.kind in ("theorem", "promise")), self.task) >= HIGH

    @property
    def broken(self) -> int:
        """Guaranteed steps that a model gets wrong."""
        return sum(test.broken for run in self.kept for test in run)

    def word(self, scores: Scores) -> str:
        """A verdict in short: ✓, ∅, or the guaranteed share."""
        cell = self.cells[scores]
        if cell is None:
            return "too large"
        decision = cell.decisions[-1]
        if decision.guaranteed is not None:
            return digits(Fraction(decision.guaranteed))
        return decision.word

    @property
    def predicted(self) -> Predicted | None:
        """Of what T14 guarantees a share of, the share that the max-margin head gets right; None where that is not known."""
        soft = self.cells["soft"]
        return None if self.kind != "silence" or soft is None else soft.decisions[-1].predicted

    @property
    def says(self) -> Says:
        """Whether the max-margin head has the skill of generalizing there."""
        if self.predicted is None:
            return "not known"
        return "generalizes" if skill(self.predicted.right, self.task) >= HIGH else "does not"

    @property
    def prediction(self) -> str:
        """The share that the max-margin head gets right, in short; empty but in cells of silence where T14 guarantees one."""
        soft, found = self.cells["soft"], self.predicted
        if found is None:
            known = self.kind == "silence" and soft is not None and soft.outcome == "fails"
            return "too large" if known else ""
        most = found.right + found.doubtful
        return f"{digits(found.right)} to {digits(most)}" if found.doubtful else digits(found.right)

    @property
    def why(self) -> str:
        """A sentence on a promise that is not kept, with what was measured; empty for every other cell."""
        missed = [factor for factor in MAIN if self.generalizes(factor) is False]
        if self.kind != "promise" or not missed:
            return ""
        at = " and ".join(f"{digits(self.share(factor, perfect=True))} at {factor}×" for factor in missed)
        theorems = [name for name, scores in (("T1", "hard"), ("T13", "ranked")) if self._holds(scores)]
        return (
            f"{' and '.join(theorems)} promise{'s' * (len(theorems) == 1)} all, {sum(self.perfect)} of {len(self.perfect)} "
            f"seeds make no error in training, and get {at}. T14 guarantees {self.word('soft')}."
        )

    def _holds(self, scores: str) -> bool:
        cell = self.cells.get(scores)  # type: ignore[call-overload]
        return cell is not None and cell.outcome == "generalizes"


@contextmanager
def unwatched(asked: Sequence[Asked]) -> Iterator[Watch[Asked]]:
    """No progress."""
    yield lambda item, number, done: None


def compare(
    rows: Iterable[Row],
    *,
    jobs: int = 1,
    watched: Callable[[Sequence[Asked]], AbstractContextManager[Watch[Asked]]] = unwatched,
) -> list[Comparison]:
    """One comparison a configuration of the rows, in their order.

    Parameters
    ----------
    rows : finished runs that were tested on their own task at 1, 2 and 4 times the longest training length, and at 10 times
        where they can be. Where a configuration was run again by a newer version of the numerics, the newer runs count.
    jobs : processes.
    watched : what makes the progress of all that is asked, such as `work.progress.watching`.

    Raises
    ------
    InvalidArgument : for a task that is not found, or whose source has changed since its runs; for rows without these test
        lengths, and runs that do not differ even in the seed.

    Cost: three verdicts for every cell, and `matched.kept` for the runs of attention-only models.
    """
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        missing = sorted({"config", "tests"} - row.keys())
        if missing:
            raise InvalidArgument(
                "compare",
                "rows",
                got=f"a row without {', '.join(missing)}",
                expected="rows of `sweep` or `train`",
                fix="Leave it out.",
            )
        groups.setdefault(cell_of(row), []).append(row)
    groups = {key: _newest(group) for key, group in groups.items()}
    if not groups:
        raise InvalidArgument("compare", "rows", got="no rows", expected="at least one run", fix="Run a sweep first.")
    cells: list[_Gathered] = []
    for group in groups.values():
        _require_seeds_alone(group)
        group.sort(key=lambda row: row["config"]["seed"])
        config = config_of({"config": {**group[0]["config"], "seed": 0}})
        require_source(group, sources_of(config.task), "compare")
        tests = [_tests(row) for row in group]
        shares = {f: tuple(test[f] for test in tests) for f in FACTORS if all(f in test for test in tests)}
        cells.append(_Gathered(config, tuple(group), shares, tuple(map(_perfect, group))))
    asked = [Asked(one.config, one.shifted, scores) for one in cells for scores in get_args(Scores)]
    asked += [Asked(one.config, one.shifted, None, one.held) for one in cells if one.held]
    with watched(asked) as watch:
        done, interrupted = collect(asked, _answer, jobs=jobs, watch=watch)
    if interrupted:
        raise KeyboardInterrupt
    return [
        Comparison(
            one.config,
            {scores: done[Asked(one.config, one.shifted, scores)] for scores in get_args(Scores)},
            one.seeds,
            one.perfect,
            done[Asked(one.config, one.shifted, None)] if one.held else (),
            one.shifted,
        )
        for one in cells
    ]


class _Gathered(NamedTuple):
    """The runs of a configuration, in the order of their seeds."""

    config: TrainConfig
    rows: tuple[Row, ...]
    seeds: dict[int, tuple[Fraction, ...]]
    perfect: tuple[bool, ...]

    @property
    def shifted(self) -> bool:
        """Whether their tests shift the IDs that training shifts."""
        return shifts_tests(self.rows[0])

    @property
    def held(self) -> tuple[Row, ...]:
        """The runs that T14 is a theorem about."""
        noted = attention_only(self.config) and all("every_step" in row for row in self.rows)
        return tuple(row for row, holds in zip(self.rows, self.perfect, strict=True) if holds and noted)


@dataclass(frozen=True)
class Asked:
    """What is to be found out about a configuration: a verdict, or what T14 guarantees the runs `rows`."""

    config: TrainConfig
    shifted: bool
    scores: Scores | None
    rows: tuple[Row, ...] = field(default=(), compare=False)

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.config.task

    def __str__(self) -> str:
        positions = class_of(self.config, shifted=self.shifted).name
        return f"{self.config.task}, {positions}: {self.scores or 'step by step'}"


def _answer(asked: Asked, tick: Tick) -> Any:
    if asked.scores is None:
        return tuple(tuple(kept(row)) for row in asked.rows)
    return decided(asked.config, asked.scores, shifted=asked.shifted)


def _newest(group: Sequence[Row]) -> list[Row]:
    """The runs of the newest version of the numerics: one configuration may have been run again."""
    newest = max(int(row["code"]) for row in group)
    return [row for row in group if int(row["code"]) == newest]


def _perfect(row: Row) -> bool:
    return training_errors(row) == 0 if "every_step" in row else _tests(row)[1] == 1


def _require_seeds_alone(group: Sequence[Row]) -> None:
    """Shares of all seeds together mean something only when each seed is there once, of one configuration and version."""
    first, seeds = group[0], [row["config"]["seed"] for row in group]
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated:
        what = f"the seed {repeated[0]} twice"
        config = first["config"]
        raise InvalidArgument(
            "compare",
            "rows",
            got=f"runs of {config['task']!r} under {config['positions']!r} with {what}",
            expected="one run a seed, equal in everything else",
            fix="Compare files of one sweep each.",
        )


def _tests(row: Row) -> dict[int, Fraction]:
    """{factor: the share of right sequences} of a run."""
    config = row["config"]
    own = [test for test in row["tests"] if test["task"] == config["task"]]
    by_length = {test["length"]: Fraction(test["free_running"], test["size"]) for test in own}
    missing = [f for f in FACTORS[:-1] if f * config["longest"] not in by_length]
    if missing:
        raise InvalidArgument(
            "compare",
            "rows",
            got=f"a run of {config['task']!r} with the test lengths {sorted(by_length)}",
            expected=f"{', '.join(map(str, FACTORS[:-1]))} times {config['longest']} among them",
            fix="Run the sweep with test_factors = [1, 2, 4, 10].",
        )
    return {f: by_length[f * config["longest"]] for f in FACTORS if f * config["longest"] in by_length}


def table(comparisons: Sequence[Comparison]) -> str:
    """The cells as Markdown: means over seeds, and at 4 times the length the lowest and the highest of them."""
    lines = [
        "| task | positions | layers × heads | steps | T1 | T13 | T14 | max-margin | kind | perfect in training | 1× | 2× "
        "| 4× (seeds) | 10× |",
        "|---|---|:-:|--:|---|--:|--:|--:|---|:-:|--:|--:|--:|--:|",
    ]
    for one in comparisons:
        kind = one.kind if one.kind != "no head" else f"no head, {'fitted' if one.fitted else 'not fitted'}"
        last = digits(one.share(10)) if 10 in one.seeds else ""
        words = [one.word(scores) for scores in get_args(Scores)]
        lines.append(
            f"| {one.task} | {one.positions} | {one.model} | {one.config.steps:,} | {' | '.join(words)} | {one.prediction} "
            f"| {kind} | {sum(one.perfect)} of {len(one.perfect)} | {digits(one.share(1))} | {digits(one.share(2))} "
            f"| {digits(one.share(4))} ({digits(min(one.seeds[4]))} to {digits(max(one.seeds[4]))}) | {last} |"
        )
    return "\n".join(lines)


def tally(comparisons: Sequence[Comparison]) -> str:
    """How many cells of each kind generalize, as Markdown, with intervals that take cells as their units."""
    return _counted("kind", {kind: [one for one in comparisons if one.kind == kind] for kind in KINDS})


def silences(comparisons: Sequence[Comparison]) -> str:
    """The cells of silence by what the max-margin head says, counted as in `tally`."""
    own = [one for one in comparisons if one.kind == "silence"]
    return _counted("the max-margin head", {word: [one for one in own if one.says == word] for word in get_args(Says)})


def _counted(name: str, groups: Mapping[str, Sequence[Comparison]]) -> str:
    """How many cells of each group generalize."""
    lines = [f"| {name} | cells | fitted | generalize at 4× | at 10× |", "|---|--:|--:|--:|--:|"]
    for word, own in groups.items():
        counted = []
        for factor in MAIN:
            known = [holds for one in own if (holds := one.generalizes(factor)) is not None]
            good, of = sum(known), len(known)
            low, high = exact_interval(good, of, level=LEVEL) if of else (0.0, 1.0)
            counted.append(f"{good} of {of} ({digits(low)} to {ceil(100 * high) / 100:.2f})" if of else "")
        lines.append(f"| {word} | {len(own)} | {sum(one.fitted for one in own)} | {' | '.join(counted)} |")
    return "\n".join(lines)


def theorems(comparisons: Sequence[Comparison]) -> str:
    """The cells about which T14 is a theorem: over all perfect seeds, sequences guaranteed and right at each factor."""
    lines = [
        "| task | positions | perfect seeds | guaranteed and right, of all sequences: 2× | 4× | 10× | guaranteed steps wrong |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for one in comparisons:
        if one.kind == "theorem":
            columns = []
            for factor in FACTORS[1:]:
                own = [test for run in one.kept for test in run if test.length == factor * one.config.longest]
                sure, right = (
                    sum(getattr(t, name) for t in own) for name in ("guaranteed_sequences", "right_sequences")
                )
                columns.append(f"{sure} and {right} of {sum(test.sequences for test in own)}" if own else "")
            lines.append(
                f"| {one.task} | {one.positions} | {sum(one.perfect)} of {len(one.perfect)} | {' | '.join(columns)} "
                f"| {one.broken} |"
            )
    return "\n".join(lines)


def page(comparisons: Sequence[Comparison], files: Sequence[str]) -> str:
    """The page docs/comparison.md: the counts, the theorems, every promise that was not kept, and all cells.

    Parameters
    ----------
    files : where the rows come from, for the command on the page.
    """
    differ = [f"- *{one.task}*, {one.positions}: {one.why}" for one in comparisons if one.why]
    steps = sum(test.guaranteed for one in comparisons for run in one.kept for test in run)
    return PAGE.format(
        command=f"lengthgen compare {' '.join(files)} --output docs/comparison.md",
        table=table(comparisons),
        tally=tally(comparisons),
        silences=silences(comparisons),
        theorems=theorems(comparisons),
        differ="\n".join(differ) or "- (nowhere)",
        high=float(HIGH),
        room=ROOM,
        steps=f"{steps:,}",
        broken=sum(one.broken for one in comparisons),
    )


PAGE = """\
# Theory and practice

<!-- Made by `{command}`. -->

What the theory promises of trained transformers, and what they do. A *cell* is a task, the way in which positions enter,
and a model; the sweeps ([training.md](training.md)) train it with several seeds. Numbers are shares of sequences that free
running reproduces whole, at multiples of the longest training length, rounded down, as means over all seeds.

Each cell is asked about with the class of heads that its model has: the window of the model, what its encoding sees of the
IDs, candidate sets of at most as many positions as the task reads, and what its training and its tests do to IDs. T1 (hard
heads), T13 (ranked heads) and T14 (soft heads) decide a small version of the task, trained on all lengths together: "✓ from n",
"∅" where no head is perfect in training, else for T13 and T14 the guaranteed share of steps at the test length where it fails,
"too large" where not even the shortest laws are listed. What is small: the lengths, the more so the more IDs there are to
choose from, and the range of IDs, which holds {room} more than the longest test sequence needs. Within these everything is
listed, and nothing is drawn but test instances where they are too many. A model with an MLP, more layers or more heads is no
head of these classes: what is said of it is extrapolation. "Tests from 0" are tests that count the IDs from 0 where training
shifts them.

- *theorem*: one layer, one head, no MLP, no norms (T14a), and no error on anything that training may draw, which is all
  tried. Then T14 is a theorem about this very model: every guaranteed step is right. A guaranteed step that is wrong is a
  bug, or refutes the theorem. Answers are the labels that training has.
- *promise*: every head that is perfect in training generalizes, hard ones (T1) or ranked ones (T13). It speaks of seeds
  without an error at the training length.
- *silence*: some head is perfect in training and not all of those generalize; only the guaranteed share is promised. Beside
  it is the share of the same steps that the *max-margin head* gets right, the soft head that gradient descent
  tends to where the mass of every view and label is a parameter of its own: a heuristic, and no promise ("a to b" where
  floats leave ties in doubt). Cells whose laws are too large to tell are counted here.
- *no head*: none is perfect in training, of any kind; models that fit all the same are no such heads.

A cell generalizes to a length with a *skill* (the accuracy, scaled so that guessing has 0) of at least {high} there. It is
fitted when a seed is perfect in training (theorem, promise), or with that skill at the training length.

{tally}

Intervals are those of Clopper and Pearson at level 95 %, with cells as units, rounded outwards. The cells of silence, by
whether the max-margin head has a skill of at least {high} at the test length that T14 decides:

{silences}

**Protocol.** The grids were committed before any of their runs was made; rates and steps of the attention-only models were
chosen on the fit of training alone. Written down later, when the first rows of the attention-only sweep had been seen: what
counts as a promise, and that answers are the labels that training has (with all tokens to answer from, T14 guarantees
nothing of majority at greater lengths). The rows of the sweeps before these (`schemes.jsonl`, `dense.jsonl`), the tests of
which count IDs from 0, were known when all of this was written: their cells test nothing that was said before.

## Theorems

Of {steps} guaranteed steps in all, {broken} are wrong.

{theorems}

## Promises that were not kept

{differ}

## All cells

{table}
"""
