"""What the explorer decides: tasks in both conventions of coupling, under every scheme, for every kind of heads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, get_args

from proofs_check.verdicts.deciding import SCHEMES
from proofs_check.verdicts.grid import Grid, grids
from proofs_check.verdicts.subjects import Subject, subject_of, subjects
from proofs_check.work.pool import Tick, collect
from theory.errors import InvalidArgument
from theory.guarantees import Scores
from theory.tasks.query_coupled import SUFFIX

TOKEN = ", token-coupled"
"""What the names of some tasks end with, that have a query-coupled one beside them."""


class Part(NamedTuple):
    """What is decided at once: a task as it is named, in a convention, under a scheme."""

    task: str
    convention: str
    named: str
    scheme: str
    train: tuple[int, ...] = ()
    test: tuple[int, ...] = ()

    @property
    def subject(self) -> Subject:
        """What is decided."""
        return subject_of(self.named, self.train, self.test)

    @property
    def group(self) -> str:
        """What progress counts it under."""
        return self.task

    def __str__(self) -> str:
        return f"{self.named}: {self.scheme}"


def parts_of(tasks: Iterable[str] = (), *, train: tuple[int, ...] = (), test: tuple[int, ...] = ()) -> list[Part]:
    """What there is to decide of these tasks, or of those of `subjects`.

    IDs play no part where a scheme sees positions alone, so that the convention matters only for coupled ones.

    Examples
    --------
    >>> [str(part) for part in parts_of(["copy"])][4:6]
    ['copy: coupled', 'copy: predictive']
    >>> str(parts_of(["copy"])[-1])
    'copy, query-coupled: random ordered'
    """
    out: dict[Part, None] = {}
    for given in tasks or subjects():
        family = given.removesuffix(SUFFIX).removesuffix(TOKEN)
        own = next((name for name in (given.removesuffix(SUFFIX), f"{family}{TOKEN}") if _known(name)), given)
        query = f"{family}{SUFFIX}"
        asks = subject_of(own, train, test).task.anchor == "last"
        for convention, named in (("token" if asks else "own", own), ("query", query)):
            if convention == "query" and not (asks and _known(query)):
                continue
            for name, scheme in SCHEMES.items():
                if convention != "query" or scheme.coupled:
                    out[Part(family, convention, named, name, train, test)] = None
    return list(out)


def _known(name: str) -> bool:
    """Whether there is such a task."""
    try:
        subject_of(name)
    except InvalidArgument:
        return False
    return True


def decide_parts(
    parts: Sequence[Part],
    *,
    jobs: int,
    watch: Callable[[Part, int, bool], None],
    keep: Callable[[dict[Part, list[Grid]]], None] = lambda found: None,
) -> tuple[dict[Part, list[Grid]], bool]:
    """The verdicts of every part, on `jobs` processes, and whether an interrupt ended the rest.

    Parameters
    ----------
    keep : called whenever a task is complete, with the verdicts of all that are, so that an interrupt loses none.
    """
    left = Counter(part.task for part in parts)
    so_far: dict[Part, list[Grid]] = {}

    def then(part: Part, found: list[Grid]) -> Sequence[Part]:
        so_far[part] = found
        left[part.task] -= 1
        if not left[part.task]:
            keep({own: so_far[own] for own in parts if not left[own.task]})
        return ()

    done, interrupted = collect(parts, _decide, jobs=jobs, watch=watch, then=then)
    return {part: done[part] for part in parts if part in done}, interrupted


def _decide(part: Part, tick: Tick) -> list[Grid]:
    found = []
    for grid in grids(part.subject, part.scheme, scores=get_args(Scores)):
        found.append(grid)
        tick(len(grid.points))
    return found
