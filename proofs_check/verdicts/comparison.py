"""T1's verdict beside what trained transformers do, for every task and position scheme of a sweep.

T1 speaks of *every* hard head of a class that is perfect in training, on the small version of the task that
`verdicts.subjects` lists; a sweep trains *one* model a seed, by gradient descent, on the task at its full size. Where
they differ, `Comparison.why` says what kind of difference it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from idealized_model.risk import exact_interval
from idealized_model.transformer.data import POSITIONS
from idealized_model.transformer.results import Row, require_source
from proofs_check.verdicts.deciding import SCHEMES, Cell, Scheme, verdict
from proofs_check.verdicts.subjects import subject_of
from theory.errors import InvalidArgument
from theory.tasks import Planted, find_task
from theory.tasks.dense import Dense
from theory.tasks.finding import sources_of

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

MAIN = 4
"""The factor that the page speaks of."""

HIGH, LOW = Fraction(9, 10), Fraction(1, 2)
"""Skills from which models generalize (or fit, at the training length), and up to which they fail."""

LEVEL = Fraction(95, 100)
"""The level of the intervals."""

Outcome = Literal["generalize", "fail", "in between"]


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
    """A task under a position scheme: T1's verdict, and the trained models' accuracy.

    Attributes
    ----------
    cell : the verdict.
    seeds : {factor: the share of sequences that free running reproduces, of each seed in their order}.
    model : layers and heads.
    """

    task: str
    positions: str
    cell: Cell
    seeds: dict[int, tuple[Fraction, ...]]
    model: str

    def share(self, factor: int) -> Fraction:
        """The mean of the seeds' shares at a factor of the training length; every seed counts, fitted or not."""
        return sum(self.seeds[factor], Fraction(0)) / len(self.seeds[factor])

    @property
    def fitted(self) -> bool:
        """Whether the models do the task at the training length."""
        return skill(self.share(1), self.task) >= HIGH

    def observed(self, factor: int) -> Outcome:
        """What the models do at a factor of the training length."""
        reached = skill(self.share(factor), self.task)
        return "generalize" if reached >= HIGH else "fail" if reached <= LOW else "in between"

    @property
    def says(self) -> Outcome | None:
        """T1's verdict read as a prediction: "generalize" for ✓, "fail" for ∅, and nothing for ✗.

        ✗ is one-sided: some perfect head fails, and gradient descent may find another. Of several arities one ✗ is enough,
        as a model may be a head of any; where there is none, those with a perfect head decide.
        """
        outcomes = {decision.outcome for decision in self.cell.decisions}
        return None if "fails" in outcomes else "generalize" if "generalizes" in outcomes else "fail"

    def agrees(self, factor: int) -> bool | None:
        """Whether the models do what T1 says; None where they do not fit, or it says nothing."""
        return self.observed(factor) == self.says if self.fitted and self.says else None

    @property
    def word(self) -> str:
        """The last column of the table."""
        if not self.fitted:
            return "not fitted"
        return {True: "yes", False: "**no**", None: "says nothing"}[self.agrees(MAIN)]

    @property
    def why(self) -> str:
        """A sentence on the difference, a conjecture where it says "perhaps"; empty where there is none."""
        if self.agrees(MAIN) is not False:
            return ""
        if self.says == "generalize":
            right = digits(self.share(MAIN))
            reached = f"the models fit, and get {right} right at {MAIN} times the length: perhaps because"
            if POSITIONS[self.positions].relabel == "shift":
                return (
                    f"{reached} IDs farther apart than a training sequence never meet in training, and no window holds these "
                    "models, as it holds T1's heads."
                )
            return (
                f"{reached} a soft head over IDs that are learned one by one is no hard head, and one wrong token spoils a "
                "sequence."
            )
        if find_task(self.task, "compare").sparsity is None:
            return "attention that averages over all tokens can count; T1's heads read a fixed number of tokens."
        more = "" if self.model == "1 × 1" else ", and these models have several heads and layers"
        return f"no single hard head does the task, but soft attention can prefer one key to another by degrees{more}."


def compare(rows: Iterable[Row], *, tick: Callable[[int, int], None] = lambda done, total: None) -> list[Comparison]:
    """One comparison a (task, position scheme) of the rows, in their order.

    Parameters
    ----------
    rows : finished runs that were tested on their own task at 1, 2, 4 and 10 times the longest training length.
    tick : called with (verdicts decided, verdicts in all).

    Raises
    ------
    InvalidArgument : for a task that is not found, or whose source has changed since its runs; for rows without these test
        lengths, and runs of one task and scheme that differ in more than the seed, or not even in it.

    Cost: `verdict` for every pair.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
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
        groups.setdefault((row["config"]["task"], row["config"]["positions"]), []).append(row)
    if not groups:
        raise InvalidArgument("compare", "rows", got="no rows", expected="at least one run", fix="Run a sweep first.")
    found = []
    for done, ((task, positions), group) in enumerate(groups.items()):
        tick(done, len(groups))
        _require_seeds_alone(group)
        require_source(group, sources_of(task), "compare")
        tests = [_tests(row) for row in sorted(group, key=lambda row: row["config"]["seed"])]
        cell = verdict(subject_of(task), SCHEME_OF[positions], mixed=True)  # as in training, on all lengths up to n
        shares = {f: tuple(test[f] for test in tests) for f in FACTORS}
        config = group[0]["config"]
        found.append(Comparison(task, positions, cell, shares, f"{config['layers']} × {config['heads']}"))
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
    missing = [f for f in FACTORS if f * config["longest"] not in by_length]
    if missing:
        raise InvalidArgument(
            "compare",
            "rows",
            got=f"a run of {config['task']!r} with the test lengths {sorted(by_length)}",
            expected=f"{FACTORS} times {config['longest']} among them",
            fix="Run the sweep with test_factors = [1, 2, 4, 10].",
        )
    return {f: by_length[f * config["longest"]] for f in FACTORS}


def digits(share: Fraction | float) -> str:
    """Two digits, rounded down: "1.00" is all.

    Examples
    --------
    >>> digits(Fraction(999, 1000)), digits(Fraction(29, 100)), digits(1)
    ('0.99', '0.29', '1.00')
    """
    return f"{floor(100 * share) / 100:.2f}"


def table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as Markdown: means over seeds, and at `MAIN` times the length what the seeds say of all seeds."""
    lines = [
        f"| task | positions | layers × heads | T1 | 1× | 2× | {MAIN}× (lowest to highest seed) | 10× "
        f"| seeds that generalize at {MAIN}× ({float(100 * LEVEL):g} % interval) | agree |",
        "|---|---|:-:|---|--:|--:|--:|--:|:-:|:-:|",
    ]
    for one in comparisons:
        words = ", ".join(dict.fromkeys(decision.word for decision in one.cell.decisions))
        seeds = one.seeds[MAIN]
        good = sum(skill(share, one.task) >= HIGH for share in seeds)
        low, high = exact_interval(good, len(seeds), level=LEVEL)
        lines.append(
            f"| {one.task} | {one.positions} | {one.model} | {words} | {digits(one.share(1))} | {digits(one.share(2))} "
            f"| {digits(one.share(MAIN))} ({digits(min(seeds))} to {digits(max(seeds))}) | {digits(one.share(10))} "
            f"| {good} of {len(seeds)} ({digits(low)} to {ceil(100 * high) / 100:.2f}) | {one.word} |"
        )
    return "\n".join(lines)


def tally(comparisons: Sequence[Comparison]) -> str:
    """How often T1 and constant answers agree with the models, by multiple of the training length, as Markdown."""
    said = [one for one in comparisons if one.says]
    fitted = [one for one in said if one.fitted]
    constants: tuple[Outcome, ...] = ("generalize", "fail")
    rows: list[tuple[str, list[Comparison], Outcome | None]] = [
        ("fitted, ✓", [one for one in fitted if one.says == "generalize"], None),
        ("fitted, ∅", [one for one in fitted if one.says == "fail"], None),
        ("fitted, ✓ or ∅", fitted, None),
        *((f'fitted, ✓ or ∅: always "{answer}"', fitted, answer) for answer in constants),
        ("all with ✓ or ∅, not fitted ones too", said, None),
        *((f'all with ✓ or ∅, not fitted ones too: always "{answer}"', said, answer) for answer in constants),
    ]
    factors = FACTORS[1:]
    lines = [f"| | {' | '.join(f'{factor}×' for factor in factors)} |", f"|---|{'--:|' * len(factors)}"]
    for name, own, answer in rows:
        right = (sum(one.observed(factor) == (answer or one.says) for one in own) for factor in factors)
        lines.append(f"| {name} | {' | '.join(f'{n} of {len(own)}' for n in right)} |")
    return "\n".join(lines)


def page(comparisons: Sequence[Comparison], files: Sequence[str]) -> str:
    """The page docs/comparison.md: the tables, and a sentence for every disagreement.

    Parameters
    ----------
    files : where the rows come from, for the command on the page.
    """
    verdicts = {"✓": "generalize", "∅": "fail", "✗": None}
    own = {symbol: [one for one in comparisons if one.says == says] for symbol, says in verdicts.items()}
    fitted = ", ".join(
        f"{sum(one.fitted for one in of)} of {len(of)} with a {symbol}" for symbol, of in own.items() if of
    )
    alike = [one for one in comparisons if one.observed(MAIN) == one.says]
    seeds = max(len(one.seeds[MAIN]) for one in comparisons)
    least, _ = exact_interval(seeds, seeds, level=LEVEL)
    differ = [f"- *{one.task}*, {one.positions}: {one.why}" for one in comparisons if one.why]
    return PAGE.format(
        command=f"lengthgen compare {' '.join(files)} --output docs/comparison.md", table=table(comparisons),
        tally=tally(comparisons), fitted=fitted, agree=len(alike),
        unfitted=sum(not one.fitted for one in alike), differ="\n".join(differ) or "- (nowhere)", main=MAIN,
        high=float(HIGH), low=float(LOW), seeds=seeds, median=1 - Fraction(2, 2**seeds), least=digits(least),
    )  # fmt: skip


PAGE = """\
# Theory and practice

<!-- Made by `{command}`. -->

T1's verdict ([verdicts.md](verdicts.md)) beside what trained transformers do, for every task and position scheme of the
sweeps ([training.md](training.md)). T1 decides a small version of the task, and speaks of *every* hard head of a class
that is perfect in training; a sweep trains one model a seed, at full size. Numbers are shares of sequences that free
running reproduces whole, at multiples of the longest training length, rounded down, as means over all seeds, those that
did not fit included. T1 is asked about training on all lengths up to the longest together, as in the sweeps, where the
tables of verdicts take one length at a time (`lengthgen verdicts --mixed` asks as here): what is "✗" there can be "∅" here.

"✓ from n": heads that are perfect on all lengths up to n stay so. "∅": no head is perfect in training. "✗": some head that
is perfect in training fails (unseen: on a view that training does not show; flip: on one that means something else in
training; abstains: it finds nothing to read). What each says of trained models:

- A *skill* is the accuracy, scaled so that guessing has 0. Models *generalize* to a length with a skill of at least
  {high} there, and *fail* with one of at most {low}. They are *fitted* with {high} at the training length; T1 speaks of
  perfect heads, so that models that are not fitted neither agree with it nor disagree.
- "✓" says that fitted models generalize.
- "∅" says nothing of models that fit all the same, as those are no such heads; it is read as "fail" here.
- "✗" is one-sided: some perfect head fails, and training may find another. It is no prediction, and is not counted.

**Intervals** take seeds as their units, as the sequences that one run is tested on share its parameters. Of n seeds the
lowest and the highest enclose the median of all seeds with probability at least 1 - 2/2^n ({median} for {seeds}), whatever
their law. For the share of all seeds that generalize the interval is the exact one of Clopper and Pearson, rounded outwards;
even {seeds} of {seeds} say no more than that it is at least {least}.

{table}

## How often they agree

Fitted are {fitted}. The table counts the cells that agree, beside what an answer that is
always the same would get:

{tally}

The last three rows count models that are not fitted as well, by what they do at the length: {unfitted} of the {agree} that
agree with T1 at {main} times the length there do not fit. They fail as "∅" has it, whatever T1 is worth, so that T1 is to be
measured by the rows of fitted models, against the constant answers below them.

## Where they do not agree

At {main} times the training length:

{differ}
"""
