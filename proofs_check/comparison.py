"""T1's verdict beside what trained transformers do, for every task and position scheme of a sweep.

T1 speaks of *every* hard head of a class that is perfect in training, on the small version of the task that
`verdicts.subjects` lists; a sweep trains *one* model a seed, by gradient descent, on the task at its full size. Where
they differ, `Comparison.why` says what kind of difference it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from idealized_model.risk import exact_interval
from idealized_model.transformer.data import POSITIONS
from idealized_model.transformer.results import Row
from proofs_check.verdicts import SCHEMES, Cell, Scheme, Subject, subjects, verdict
from theory.errors import InvalidArgument, shown
from theory.tasks import Planted, QueryCoupled, find_task
from theory.tasks.dense import Dense

RANDOM_POSITIONS = Scheme(
    "random ordered positions", "positions relabelled at random in their order: order key, no window", "order"
)

SCHEME_OF: dict[str, Scheme] = {
    "none": SCHEMES["none"],
    "absolute": SCHEMES["absolute"],
    "sinusoidal": SCHEMES["absolute"],
    "rope": SCHEMES["relative window"],
    "alibi": SCHEMES["relative window"],
    "random-shift": SCHEMES["random shift"],
    "pose": SCHEMES["random shift"],
    "random-ordered": RANDOM_POSITIONS,
    "coupled": SCHEMES["coupled"],
    "coupled-ordered": SCHEMES["random ordered"],
    "predicted": SCHEMES["predictive"],
}
"""What heads see of the positions, for each position scheme of training; PoSE's chunks are taken for a shift."""

FACTORS = (1, 2, 4, 10)
"""Test lengths, in training lengths."""

HIGH, LOW = 0.9, 0.5
"""Skills (accuracy, 0 for guessing and 1 for all right) from which models generalize, and up to which they fail."""


@dataclass(frozen=True)
class Comparison:
    """A task under a position scheme: T1's verdict, and the trained models' accuracy.

    Attributes
    ----------
    cell : the verdict.
    right, size : {factor: how many of how many sequences free running reproduces}, all seeds together.
    seeds : {factor: the share of each seed, in the order of the seeds}.
    model : layers and heads.
    """

    task: str
    positions: str
    cell: Cell
    right: dict[int, int]
    size: dict[int, int]
    seeds: dict[int, tuple[float, ...]]
    model: str

    def share(self, factor: int) -> float:
        """The share of right sequences at a factor of the training length."""
        return self.right[factor] / self.size[factor]

    @property
    def chance(self) -> float:
        """The accuracy of guessing: one of the answers of a dense or planted task, nearly 0 for a sequence of tokens."""
        task = find_task(self.task)
        if isinstance(task, Planted):
            return 1 / len(task.ensemble.labels)
        return 1 / task.n_answers if isinstance(task, Dense) else 0.0

    def skill(self, factor: int) -> float:
        """The accuracy beyond guessing: (accuracy - chance) / (1 - chance)."""
        return (self.share(factor) - self.chance) / (1 - self.chance)

    @property
    def predicted(self) -> bool:
        """Whether T1 says that heads generalize; of several arities, whether any does."""
        return any(decision.outcome == "generalizes" for decision in self.cell.decisions)

    @property
    def observed(self) -> str:
        """What the models do at 4 times the training length: "generalize", "fail" or "in between"."""
        return "generalize" if self.skill(4) >= HIGH else "fail" if self.skill(4) <= LOW else "in between"

    @property
    def unrealizable(self) -> bool:
        """Whether T1 says that no head is perfect in training, of any arity."""
        return all(decision.outcome == "unrealizable" for decision in self.cell.decisions)

    @property
    def agree(self) -> bool | None:
        """Whether the models do at 4 times the training length what T1 says of heads.

        None where T1 speaks of heads that are perfect in training, and the models do not fit it.
        """
        if self.skill(1) < HIGH and not self.unrealizable:
            return None
        return self.observed == ("generalize" if self.predicted else "fail")

    @property
    def why(self) -> str:
        """A sentence on the difference, a conjecture where it says "perhaps"; empty where there is none."""
        if self.agree:
            return ""
        if self.agree is None:
            return f"not fitted: {self.share(1):.0%} right at the training length, and T1 speaks of perfect heads."
        if self.predicted and POSITIONS[self.positions].relabel == "shift":
            return (
                f"the models fit, and get {self.share(4):.0%} right at 4 times the length: perhaps because IDs farther apart "
                "than a training sequence never meet in training, and no window holds these models, as it holds T1's heads."
            )
        if self.predicted:
            return (
                f"the models fit, and get {self.share(4):.0%} right at 4 times the length: perhaps because a soft head over "
                "IDs that are learned one by one is no hard head, and one wrong token spoils a sequence."
            )
        if isinstance(find_task(self.task), Dense):
            return "attention that averages over all tokens can count; T1's heads read a fixed number of tokens."
        if self.unrealizable:
            more = "" if self.model == "1 × 1" else ", and these models have several heads and layers"
            return (
                f"no single hard head does the task, but soft attention can prefer one key to another by degrees{more}."
            )
        return "T1 speaks of the worst head that training allows; gradient descent found a better one."


@cache
def subject_of(task: str) -> Subject:
    """The small version of a task on which T1 decides it.

    Raises
    ------
    InvalidArgument : for a task without one.
    """
    known = subjects()
    base = known.get(task) or known.get(task.removesuffix(", query-coupled"))
    if base is None:
        raise InvalidArgument(
            "compare", "task", shown(task), f"a task of lengthgen verdicts: {'; '.join(known)}", "Leave its rows out."
        )
    return base if base.task.name == task else replace(base, task=QueryCoupled(base.task))


def compare(rows: Iterable[Row], *, tick: Callable[[int, int], None] = lambda done, total: None) -> list[Comparison]:
    """One comparison a (task, position scheme) of the rows, in their order.

    Parameters
    ----------
    rows : finished runs that were tested on their own task at 1, 2, 4 and 10 times the longest training length.
    tick : called with (verdicts decided, verdicts in all).

    Raises
    ------
    InvalidArgument : for a task without a small version, rows without these test lengths, and runs of one task and scheme
        that differ in more than the seed, or not even in it.

    Cost: `verdict` for every pair.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        missing = sorted({"config", "tests"} - row.keys())
        if missing:
            raise InvalidArgument(
                "compare", "rows", f"a row without {', '.join(missing)}", "rows of `sweep` or `train`", "Leave it out."
            )
        groups.setdefault((row["config"]["task"], row["config"]["positions"]), []).append(row)
    if not groups:
        raise InvalidArgument("compare", "rows", "no rows", "at least one run", "Run a sweep first.")
    found = []
    for done, ((task, positions), group) in enumerate(groups.items()):
        tick(done, len(groups))
        _require_seeds_alone(group)
        tests = [_tests(row) for row in sorted(group, key=lambda row: row["config"]["seed"])]
        cell = verdict(subject_of(task), SCHEME_OF[positions], mixed=True)  # as in training, on all lengths up to n
        right = {f: sum(test[f][0] for test in tests) for f in FACTORS}
        size = {f: sum(test[f][1] for test in tests) for f in FACTORS}
        shares = {f: tuple(test[f][0] / test[f][1] for test in tests) for f in FACTORS}
        config = group[0]["config"]
        model = f"{config['layers']} × {config['heads']}"
        found.append(Comparison(task, positions, cell, right, size, shares, model))
    tick(len(groups), len(groups))
    return found


def _require_seeds_alone(group: Sequence[Row]) -> None:
    """Shares of all seeds together mean something only when each seed is there once, of one configuration and version."""
    first, seeds = group[0], [row["config"]["seed"] for row in group]
    differ = {
        name
        for row in group
        for name in row["config"]
        if name != "seed" and row["config"][name] != first["config"].get(name)
    }
    if any(row["code"] != first["code"] for row in group):
        differ.add("the version of the numerics")
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if differ or repeated:
        what = f"other {', '.join(sorted(differ))}" if differ else f"the seed {repeated[0]} twice"
        config = first["config"]
        raise InvalidArgument(
            "compare", "rows", f"runs of {config['task']!r} under {config['positions']!r} with {what}",
            "one run a seed, equal in everything else", "Compare files of one sweep each.",
        )  # fmt: skip


def _tests(row: Row) -> dict[int, tuple[int, int]]:
    """{factor: (right, size)} of a run."""
    config = row["config"]
    by_length = {t["length"]: (t["free_running"], t["size"]) for t in row["tests"] if t["task"] == config["task"]}
    missing = [f for f in FACTORS if f * config["longest"] not in by_length]
    if missing:
        raise InvalidArgument(
            "compare", "rows", f"a run of {config['task']!r} with the test lengths {sorted(by_length)}",
            f"{FACTORS} times {config['longest']} among them", "Run the sweep with test_factors = [1, 2, 4, 10].",
        )  # fmt: skip
    return {f: by_length[f * config["longest"]] for f in FACTORS}


def table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as Markdown: accuracies of all seeds together, with the 95 % interval at 4 times the length."""
    lines = [
        "| task | positions | layers × heads | T1 | 1× | 2× | 4× (95 % interval) | 10× | seeds ≥ 99 % at 4× | agree |",
        "|---|---|:-:|---|--:|--:|--:|--:|:-:|:-:|",
    ]
    for one in comparisons:
        low, high = exact_interval(one.right[4], one.size[4], level="95/100")
        words = ", ".join(dict.fromkeys(decision.word for decision in one.cell.decisions))
        good = sum(share >= 0.99 for share in one.seeds[4])
        lines.append(
            f"| {one.task} | {one.positions} | {one.model} | {words} | {one.share(1):.2f} | {one.share(2):.2f} "
            f"| {one.share(4):.2f} ({low:.2f} to {high:.2f}) | {one.share(10):.2f} | {good} of {len(one.seeds[4])} "
            f"| {_AGREE[one.agree]} |"
        )
    return "\n".join(lines)


_AGREE = {True: "yes", False: "**no**", None: "not fitted"}


def page(comparisons: Sequence[Comparison], files: Sequence[str]) -> str:
    """The page docs/comparison.md: the table, and a sentence for every disagreement.

    Parameters
    ----------
    files : where the rows come from, for the command on the page.
    """
    counts = Counter(one.agree for one in comparisons)
    settled = [one for one in comparisons if one.agree is not None]
    sides = {
        "promised": sum(one.agree is True for one in settled if one.predicted),
        "promises": sum(one.predicted for one in settled),
        "others": sum(one.agree is True for one in settled if not one.predicted),
        "other": sum(not one.predicted for one in settled),
    }  # fmt: skip
    differ = [f"- *{one.task}*, {one.positions}: {one.why}" for one in comparisons if one.agree is False]
    return PAGE.format(
        command=f"lengthgen compare {' '.join(files)} --output docs/comparison.md", table=table(comparisons),
        agree=counts[True], total=counts[True] + counts[False], unfitted=counts[None], **sides,
        differ="\n".join(differ) or "- (nowhere)", high=HIGH, low=LOW,
    )  # fmt: skip


PAGE = """\
# Theory and practice

<!-- Made by `{command}`. -->

T1's verdict ([verdicts.md](verdicts.md)) beside what trained transformers do, for every task and position scheme of the
sweeps ([training.md](training.md)). T1 decides a small version of the task, and speaks of *every* hard head of a class
that is perfect in training; a sweep trains one model a seed, at full size. Numbers are shares of sequences that free
running reproduces whole, at multiples of the longest training length, of all seeds together, those that did not fit
included. T1 is asked about training on all lengths up to the longest together, as in the sweeps, where the tables of
verdicts take one length at a time (`lengthgen verdicts --mixed` asks as here): what is "✗" there can be "∅" here.

"✓ from n": heads that are perfect on all lengths up to n stay so. "✗": some head that is perfect in training fails
(unseen: on a view that training does not show; flip: on one that means something else in training; abstains: it finds
nothing to read). "∅": no head is perfect in training. T1 and practice *agree* when the skill at 4 times the length (the
accuracy, scaled so that guessing has 0) is at least {high} for a ✓, or at most {low} otherwise; where T1 speaks of perfect
heads and the skill at the training length is below {high}, the models are *not fitted*. Under "∅" models that do
not fit agree; whether for want of a head or of training time, the numbers do not tell.

{table}

{agree} of {total} agree ({promised} of the {promises} with a ✓, {others} of the {other} without); in {unfitted} more the
models do not fit, which says nothing of T1. Where they do not agree:

{differ}
"""
