"""Whether every slot of a task's rule is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from theory.dependencies.growth import LISTED, scope_text, seen_instances
from theory.errors import AssumptionViolated, check, check_integers, check_type, shown
from theory.positions import Ids
from theory.tasks.base import Instance, Task, Tokens


class IdleSlot(NamedTuple):
    """A slot that never mattered: place `slot` among the tokens of a step that reads `n_read` of them.

    `n_compared` counts the readings that were compared with another one that differs in this slot only; with 0 of them
    nothing was tested.

    Examples
    --------
    >>> IdleSlot(n_read=2, slot=1, n_compared=12).n_compared
    12
    """

    n_read: int
    slot: int
    n_compared: int


@dataclass(frozen=True)
class Minimality:
    """The slots whose token never changed a target, and the scope of that finding.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> found = idle_slots(Copy(2), [1, 2])
    >>> found.minimal, found.n_readings, found.scope
    (True, 2, 'every instance of lengths 1, 2')
    """

    idle: tuple[IdleSlot, ...]
    n_readings: int
    scope: str
    exhaustive: bool

    @property
    def minimal(self) -> bool:
        """Whether every slot of every step matters somewhere."""
        return not self.idle


def idle_slots(
    task: Task,
    lengths: Sequence[int],
    *,
    by_ids: bool = False,
    budget: int = LISTED,
    samples: int = 100,
    rng: np.random.Generator | None = None,
) -> Minimality:
    """The slots that never matter: no two readings that differ in this slot only have different targets.

    Steps are grouped by how many tokens they read, and a reading is the tuple of these tokens.

    Parameters
    ----------
    lengths : whose instances are put together.
    by_ids : compare only readings whose read positions have the same IDs relative to the query; for tasks in which IDs
        take part in the decision. A slot is idle if it is so under all of them.
    budget, samples, rng : as in `measure`.

    Raises
    ------
    InvalidArgument : for lengths that the task does not have.
    BudgetExceeded : for a support beyond the budget without a generator.
    AssumptionViolated : when one reading has two targets, so that the sets do not decide them.

    Examples
    --------
    >>> from theory.tasks import Addition
    >>> idle_slots(Addition(base=2), [2, 3]).minimal
    True

    Cost: instances · edges, and readings · slots. Source: section 4 of docs/theory.md.
    """
    where = "dependencies.idle_slots"
    check_type(task, Task, where, "task", "a Task", "For instance TASKS['copy'].")
    check_integers(lengths, where, "lengths")
    check(lengths, where, "lengths", got="none", expected="at least one length", fix="For instance [2, 3].")
    targets: dict[tuple[Ids, Tokens], int] = {}
    scope = []
    for length in lengths:
        seen, exhaustive = seen_instances(task, length, budget, samples, rng, where)
        n_instances = 0
        for instance in seen:
            n_instances += 1
            _read_steps(instance, targets, by_ids, where)
        scope.append((length, n_instances, exhaustive))
    # A slot matters if some readings that agree elsewhere have different targets.
    compared: Counter[tuple[int, int]] = Counter()
    matters = set()
    groups: dict[tuple[Ids, int, Tokens], list[int]] = {}
    for (relative, reading), target in targets.items():
        for slot in range(len(reading)):
            groups.setdefault((relative, slot, (*reading[:slot], -1, *reading[slot + 1 :])), []).append(target)
    for (_, slot, masked), answers in groups.items():
        compared[len(masked), slot] += len(answers) if len(answers) > 1 else 0
        if len(set(answers)) > 1:
            matters.add((len(masked), slot))
    idle = tuple(IdleSlot(*key, compared[key]) for key in sorted(set(compared) - matters))
    return Minimality(idle, len(targets), scope_text(scope), all(exhaustive for _, _, exhaustive in scope))


def _read_steps(instance: Instance, targets: dict[tuple[Ids, Tokens], int], by_ids: bool, where: str) -> None:
    """Add what every step of an instance reads, and its target."""
    for step in instance.steps:
        reading, target = instance.read(step), instance.tokens[step.position]
        relative = instance.key(step) if by_ids else ()
        before = targets.setdefault((relative, reading), target)
        if before != target:
            got = f"the targets {before} and {target} for one reading {shown(reading)}"
            fix = "Complete the sets." if by_ids else "Complete the sets, or pass by_ids=True if IDs take part."
            raise AssumptionViolated(where, "task", got=got, expected="dependency sets that decide the target", fix=fix)
