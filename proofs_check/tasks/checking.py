"""A task put to the test: every contract, and what is found of it.

>>> from theory.tasks import Copy, Instance
>>> report = check_task(Copy(), lengths=(1, 2, 3))
>>> report.holds, report["sparsity"].kind, report["sparsity"].instances
(True, 'exhausted', 14)

A copy whose IDs are one off in its output:

>>> class Shifted(Copy):
...     def solve(self, prompt):
...         made = super().solve(prompt)
...         n = made.n_prompt
...         return Instance(made.tokens, (*made.ids[:n], *(i + 1 for i in made.ids[n:])), made.steps)
>>> print(check_task(Shifted(), lengths=(1, 2, 3))["IDs"].explain())
IDs                                       refuted
  at      length 2, prompt 'aa>', the step at position 4
  seen    reads IDs at offsets (0,) from that of its query
  wanted  (1,), as `offsets` claims
          token a  a  >  a  a
          ID    0  1  -1 1  2
          read           0  1
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from proofs_check.evidence import Kind
from proofs_check.tasks.contracts import CONTRACTS, DRAWN, EXAMPLES
from proofs_check.tasks.report import Finding, TaskReport
from proofs_check.tasks.sampling import FEWEST_SAMPLES
from proofs_check.tasks.trial import Broken, Trial, Undecided, attribute_of, name_of
from theory.errors import InvalidArgument, bulk, check_integer, check_type, of_the_machine, shown, within_budget
from theory.exact import Rational, rational
from theory.tasks.base import Task

BUDGET = 20_000
"""Lengths with at most so many instances are listed."""

DRAWS = 50
"""So many instances Hypothesis draws for a contract at a length that is not listed."""

LEVEL = Fraction(1, 1000)
"""The chance that a right sampler is refuted."""


def check_task(
    task: Task,
    *,
    lengths: Iterable[int] | None = None,
    seed: int = 0,
    budget: int = BUDGET,
    draws: int = DRAWS,
    level: Rational = LEVEL,
) -> TaskReport:
    """Put every contract of a task to the test.

    Parameters
    ----------
    task : the task.
    lengths : those to try; default: the four smallest, and one 7 above the smallest.
    seed : of everything random; the same seed gives the same report.
    budget : a length with at most so many instances is tried on all of them, a longer one on drawn ones; it also limits
        how many samples are drawn. An instance of a length n > 64 counts as n / 64.
    draws : how many instances Hypothesis draws for a contract at a length that is not listed.
    level : the chance that a right sampler is refuted, over all tests of the report together.

    Returns
    -------
    TaskReport

    Raises
    ------
    InvalidArgument : for arguments that are malformed. What the task does wrong is a finding, never an error.
    BudgetExceeded : for a length above 64 of which 1,000 samples are more than the budget.

    Examples
    --------
    >>> from theory.tasks import ScratchpadParity
    >>> check_task(ScratchpadParity(), lengths=[1, 2, 3, 20]).require()

    Cost: instances · steps for listed lengths; some thousand solutions, and `draws` · 64 more, for the others.
    """
    trial = trial_of(task, lengths=lengths, seed=seed, budget=budget, draws=draws, level=level)
    findings = tuple(finding_of(trial, name) for name in CONTRACTS)
    return TaskReport(trial.name, trial.lengths, trial.covered(), seed, findings)


def trial_of(
    task: Task, *, lengths: Iterable[int] | None, seed: int, budget: int, draws: int, level: Rational
) -> Trial:
    """The trial that `check_task` makes of its arguments."""
    where = "check_task"
    check_type(task, Task, where, "task", "a Task", "Pass an instance of a subclass of theory.tasks.Task.")
    check_integer(budget, where, "budget", least=1)
    check_integer(draws, where, "draws", least=1)
    check_integer(seed, where, "seed", least=0)
    exact_level = rational(level, where, "level")
    if not 0 < exact_level < 1:
        raise InvalidArgument(
            where, "level", got=str(exact_level), expected="a level between 0 and 1", fix="For instance '1/1000'."
        )
    return Trial(task, _lengths(task, lengths, budget), seed=seed, budget=budget, draws=draws, level=exact_level)


def _lengths(task: Task, wanted: Iterable[int] | None, budget: int) -> list[int]:
    where, least = "check_task", attribute_of(task, "min_length")
    if type(least) is not int or least < 1:
        least = 1  # the contract "well formed" says so
    if wanted is None:
        wanted = [least, least + 1, least + 2, least + 3, least + 7]
    check_type(wanted, Iterable, where, "lengths", "integers", "For instance lengths=(1, 2, 3).")
    given = list(wanted)
    for length in given:
        if type(length) is not int or length < least:
            raise InvalidArgument(
                where,
                "lengths",
                got=shown(length),
                expected=f"integers >= {least}",
                fix=f"The shortest {name_of(task)} has length {least}.",
            )
    if not given:
        raise InvalidArgument(
            where, "lengths", got="none", expected="at least one", fix="For instance lengths=(1, 2, 3)."
        )
    if bulk(max(given)) > 1:
        within_budget(where, size=FEWEST_SAMPLES * bulk(max(given)), budget=budget)
    return sorted(set(given))


def finding_of(trial: Trial, name: str) -> Finding:
    """What is found of a contract, after all before it: it may have to answer for what these met."""
    try:
        if name in trial.broken:
            raise trial.broken[name]
        instances, scope, complete = CONTRACTS[name](trial)
        if not instances and name != EXAMPLES:
            raise Undecided("nothing to decide it on" + ("; see what is refuted" if trial.broken else ""))
    except Broken as broken:
        return _refuted(trial, name, broken)
    except Undecided as why:
        return Finding(name, "inconclusive", str(why), 0)
    except (Exception, SystemExit) as error:  # whatever else the task's code does
        if of_the_machine(error):
            raise
        seen = f"{type(error).__name__}: {error}"
        return Finding(name, "refuted", "", 0, "while it was checked", seen, "no error")
    exhaustive = complete and set(trial.lengths) == set(trial.listed) and name not in DRAWN
    kind: Kind = "exhausted" if exhaustive or name == EXAMPLES else "supported"
    return Finding(name, kind, scope, instances)


def _refuted(trial: Trial, name: str, broken: Broken) -> Finding:
    owner, order = broken.owner or name, [*CONTRACTS]
    if order.index(owner) > order.index(name):
        trial.broken.setdefault(owner, broken)  # it comes later, and says so
    if owner != name and owner in trial.broken:
        return Finding(name, "inconclusive", f"see: {owner}", 0)
    trial.broken[name] = broken
    table = trial.table(broken.instance, broken.step)
    return Finding(name, "refuted", "", 0, broken.where, broken.seen, broken.wanted, table)
