"""How sparsity and spread grow with the length: measured over the instances of a task, and fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from theory.dependencies.sets import Convention, check_convention, dependency_sets, widest
from theory.errors import BudgetExceeded, check, check_integer, check_integers, check_type
from theory.exact import as_float, check_generator
from theory.tasks.base import Instance, Task

Model: TypeAlias = Literal["constant", "logarithmic", "linear"]

LISTED = 10_000
"""Instances of one length that are listed rather than sampled, unless `budget` says otherwise."""


class Fit(NamedTuple):
    """A least-squares fit intercept + slope · f(n), with f = 0, log n or n, and its sum of squared residuals.

    Examples
    --------
    >>> [(fit.model, round(fit.slope, 3), round(fit.residual, 3)) for fit in fit_growth([2, 4, 8], [3, 5, 9]).fits]
    [('constant', 0.0, 18.667), ('logarithmic', 4.328, 0.667), ('linear', 1.0, 0.0)]
    """

    model: Model
    intercept: float
    slope: float
    residual: float


@dataclass(frozen=True)
class Growth:
    """How a quantity grows with the length: the values, all three fits, and the model that was chosen.

    Examples
    --------
    >>> found = fit_growth([2, 4, 8], [3, 5, 9])
    >>> found.model, found.values, [fit.model for fit in found.fits]
    ('linear', (3, 5, 9), ['constant', 'logarithmic', 'linear'])
    """

    lengths: tuple[int, ...]
    values: tuple[int, ...]
    model: Model
    fits: tuple[Fit, ...]

    def __str__(self) -> str:
        fit = next(fit for fit in self.fits if fit.model == self.model)
        intercept, slope = round(fit.intercept, 9) + 0.0, round(fit.slope, 9)  # no -0, no 1e-17
        more = {"constant": "", "logarithmic": f" + {slope:.3g} log n", "linear": f" + {slope:.3g} n"}
        return f"{self.model}: {intercept:.3g}{more[self.model]}".replace("+ -", "- ")


def fit_growth(lengths: Sequence[int], values: Sequence[int]) -> Growth:
    """Choose between c, c + b log n and c + b n for a series of integers.

    The rule: constant when all values are equal, and only then; otherwise the model of the smaller sum of squared
    residuals, the logarithm at a tie. So a series that is bounded but not constant counts as logarithmic or linear; the
    fits and the values tell.

    Parameters
    ----------
    lengths : at least three different lengths >= 1, in any order.
    values : one integer a length.

    Raises
    ------
    InvalidArgument : for fewer lengths (through two points goes every model), repeated ones, or values that do not fit.

    Examples
    --------
    >>> print(fit_growth([2, 4, 8, 16], [1, 2, 3, 4]))
    logarithmic: 0 + 1.44 log n
    >>> [fit.model for fit in fit_growth([1, 2, 3], [3, 5, 7]).fits if fit.residual == 0]
    ['linear']

    Cost: the number of lengths. The arithmetic is exact, but for the logarithms, which are rounded once.
    """
    where = "dependencies.fit_growth"
    check_integers(lengths, where, "lengths", least=1)
    check_integers(values, where, "values")
    several = len(set(lengths)) == len(lengths) > 2
    expected, fix = "at least three different lengths", "Every model goes through two points: measure at more lengths."
    check(several, where, "lengths", list(lengths), expected=expected, fix=fix)
    got = f"{len(values)} values for {len(lengths)} lengths"
    check(len(values) == len(lengths), where, "values", got=got, expected="one a length", fix="Measure every length.")
    fits = (
        _least_squares("constant", [Fraction(0) for _ in lengths], values),
        _least_squares("logarithmic", [Fraction(log(n)) for n in lengths], values),
        _least_squares("linear", [Fraction(n) for n in lengths], values),
    )
    if len(set(values)) == 1:
        model: Model = "constant"
    else:
        model = "logarithmic" if fits[1][2] <= fits[2][2] else "linear"
    rounded = tuple(Fit(name, *map(as_float, fit)) for name, fit in zip(get_args(Model), fits, strict=True))
    return Growth(tuple(lengths), tuple(values), model, rounded)


def _least_squares(model: Model, x: list[Fraction], y: Sequence[int]) -> tuple[Fraction, Fraction, Fraction]:
    """Intercept, slope and sum of squared residuals."""
    mean_x, mean_y = sum(x, Fraction(0)) / len(x), Fraction(sum(y), len(y))
    square = sum(((a - mean_x) ** 2 for a in x), Fraction(0))
    slope = Fraction(0)
    if model != "constant":
        slope = sum(((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)), Fraction(0)) / square
    intercept = mean_y - slope * mean_x
    residual = sum(((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True)), Fraction(0))
    return intercept, slope, residual


class LengthRow(NamedTuple):
    """What was measured at one length: maxima over the instances seen, which are all of them if `exhaustive`.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> measure(Copy(2), [2, 3, 4]).rows[2]._asdict()
    {'length': 4, 'n_instances': 16, 'exhaustive': True, 'sparsity': 1, 'position_spread': 0, 'id_spread': 0}
    """

    length: int
    n_instances: int
    exhaustive: bool
    sparsity: int
    position_spread: int
    id_spread: int


@dataclass(frozen=True)
class Measurement:
    """Sparsity and spread of a task by length, with their growth; a sample only bounds the maxima from below.

    Examples
    --------
    >>> from theory.tasks import Reverse
    >>> found = measure(Reverse(2), [2, 3, 4, 5], convention="query")
    >>> found.position_spread.model, found.id_spread.model, found.rows[0].n_instances
    ('linear', 'constant', 4)
    """

    convention: Convention
    rows: tuple[LengthRow, ...]
    sparsity: Growth
    position_spread: Growth
    id_spread: Growth

    @property
    def exhaustive(self) -> bool:
        """Whether every instance of every length was seen."""
        return all(row.exhaustive for row in self.rows)

    @property
    def scope(self) -> str:
        """What was seen, in words."""
        return scope_text([(row.length, row.n_instances, row.exhaustive) for row in self.rows])


def measure(
    task: Task,
    lengths: Sequence[int],
    *,
    convention: Convention = "sources",
    budget: int = LISTED,
    samples: int = 100,
    rng: np.random.Generator | None = None,
) -> Measurement:
    """The largest in-degree of a predicted position, and the largest spread of a dependency set, by length.

    Parameters
    ----------
    lengths : at least three lengths of the task.
    convention : what belongs to a set when its spread is measured.
    budget : instances of one length that are listed; beyond it a sample is drawn.
    samples, rng : the size of that sample, and the generator; without one, too large a support is refused.

    Raises
    ------
    InvalidArgument : for lengths that the task does not have or too few of them.
    BudgetExceeded : for a support beyond the budget without a generator.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> found = measure(Copy(2), [2, 3, 4, 5], convention="query")
    >>> found.scope, [getattr(found, name).model for name in ("sparsity", "position_spread", "id_spread")]
    ('every instance of lengths 2, 3, 4, 5', ['constant', 'linear', 'constant'])

    Cost: instances · edges. Source: section 4 of docs/theory.md.
    """
    where = "dependencies.measure"
    check_type(task, Task, where, "task", "a Task", "For instance TASKS['copy'].")
    check_convention(convention, where)
    check_integers(lengths, where, "lengths")
    rows = []
    for length in lengths:
        seen, exhaustive = seen_instances(task, length, budget, samples, rng, where)
        most, positions, own, n_instances = 0, 0, 0, 0
        for instance in seen:
            n_instances += 1
            sets = dependency_sets(instance, convention)
            most = max(most, *(len(step.sources) for step in instance.steps))
            positions = max(positions, widest(sets, range(len(instance.tokens))))
            own = max(own, widest(sets, instance.ids))
        rows.append(LengthRow(length, n_instances, exhaustive, most, positions, own))
    growths = [fit_growth(lengths, [row[column] for row in rows]) for column in (3, 4, 5)]
    return Measurement(convention, tuple(rows), *growths)


def seen_instances(
    task: Task, length: int, budget: int, samples: int, rng: np.random.Generator | None, where: str
) -> tuple[Iterable[Instance], bool]:
    """Every instance of a length, or a sample of them, and which it is."""
    check_integer(budget, where, "budget", least=0)
    check_integer(samples, where, "samples", least=1)
    task.check_length(length, "instances")
    size = task.n_instances(length)
    if size <= budget:
        return task.instances(length), True
    if rng is None:
        fix = f"Pass a generator (rng=np.random.default_rng(seed)) to sample {samples} instances instead."
        raise BudgetExceeded(where, size=size, budget=budget, fix=fix)
    check_generator(rng, where)
    return (task.sample(length, rng) for _ in range(samples)), False


def scope_text(seen: Sequence[tuple[int, int, bool]]) -> str:
    """What was seen, in words."""
    listed = ", ".join(str(length) for length, _, exhaustive in seen if exhaustive)
    texts = [f"every instance of lengths {listed}"] if listed else []
    texts += [f"{size} sampled instances of length {length}" for length, size, exhaustive in seen if not exhaustive]
    return ", ".join(texts)
