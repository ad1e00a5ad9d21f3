"""Learners of hard heads from samples: the maximal consistent head, and a smallest one.

>>> from theory import Example, HeadClass
>>> sample = [Example((0, 1), (0, 1), "a"), Example((0, 2), (0, 1), "b")]
>>> sorted(view.tokens for view in eliminate(HeadClass(arity=1), sample).answers)
[(1,), (2,)]
"""

from __future__ import annotations

from collections.abc import Iterable

from theory.errors import BudgetExceeded, check, check_type
from theory.examples import Example, Label
from theory.heads import HardHead, HeadClass, View, by_size, check_heads

SEARCH_BUDGET = 1_000_000
"""Nodes that the search for a smallest hitting set may visit unless its `budget` argument says otherwise."""


def eliminate(heads: HeadClass, sample: Iterable[Example]) -> HardHead:
    """The elimination learner: select every view that was label-consistent in the sample, with that label.

    It is the largest head with zero loss on the sample, where there is one.

    Raises
    ------
    InvalidArgument : for an empty sample.

    Examples
    --------
    >>> sample = [Example((1, 2), (0, 1), "a"), Example((1, 3), (0, 1), "b")]
    >>> eliminate(HeadClass(arity=1), sample).answers == {View((2,), ()): "a", View((3,), ()): "b"}
    True

    Cost: O(examples · candidates · k). Source: section 5 of docs/theory.md.
    """
    return HardHead(
        heads, _consistent([(heads.views(example), example.label) for example in given_sample(heads, sample)])
    )


def minimal(heads: HeadClass, sample: Iterable[Example], *, budget: int = SEARCH_BUDGET) -> HardHead:
    """The minimal learner: a smallest set of consistent views that hits every example of the sample.

    Branch and bound: branch on an example with the fewest usable views; bound by a greedy packing of examples that
    share no view, each of which needs a view of its own. Among the smallest sets the first in the order of views wins.

    Raises
    ------
    InvalidArgument : for an empty sample, or one on which no hard head has zero loss.
    BudgetExceeded : when the search visits more nodes than the budget.

    Examples
    --------
    >>> head = minimal(HeadClass(arity=1), [Example((1, 2), (0, 1), 0), Example((2, 3), (0, 1), 0)])
    >>> dict(head.answers)
    {View(tokens=(2,), key=()): 0}

    Cost: exponential in the worst case, within the budget. Source: section 5 of docs/theory.md.
    """
    check_type(budget, int, "learning.minimal", "budget", "an integer", "Give the most nodes that it may visit.")
    cases = [(heads.views(example), example.label) for example in given_sample(heads, sample)]
    consistent = _consistent(cases)
    demands = _smallest_sets({frozenset(views & consistent.keys()) for views, _ in cases})
    got, expected = "an example without a consistent view", "a sample that some hard head fits"
    fix = "Use a larger arity, another key, or `eliminate`, which keeps what is consistent."
    check(demands[0], "learning.minimal", "sample", got=got, expected=expected, fix=fix)
    chosen = _smallest_hitting_set(demands, budget)
    return HardHead(heads, {view: consistent[view] for view in sorted(chosen, key=by_size)})


def given_sample(heads: HeadClass, sample: Iterable[Example]) -> list[Example]:
    """The examples of a sample, each as often as it stands there; refuses what is none, and an empty one."""
    where, argument = "learning", "sample"
    check_heads(heads, where)
    fix = "Pass a list of Example(tokens, ids, label); a law draws one with law.sample(rng, size)."
    check_type(sample, Iterable, where, argument, "an iterable of examples", fix)
    examples = list(sample)
    for example in examples:
        check(isinstance(example, Example), where, argument, example, expected="an iterable of examples", fix=fix)
    check(examples, where, argument, got="no examples", expected="at least one example", fix="Draw a sample first.")
    return examples


def _consistent(cases: list[tuple[frozenset[View], Label]]) -> dict[View, Label]:
    labels: dict[View, set[Label]] = {}
    for views, label in cases:
        for view in views:
            labels.setdefault(view, set()).add(label)
    return {view: next(iter(seen)) for view, seen in sorted(labels.items()) if len(seen) == 1}


def _smallest_sets(sets: Iterable[frozenset[View]]) -> list[frozenset[View]]:
    """The inclusion-minimal sets, small ones first: hitting these hits all."""
    kept: list[frozenset[View]] = []
    for candidate in sorted(sets, key=lambda s: (len(s), sorted(s))):
        if not any(smaller <= candidate for smaller in kept):
            kept.append(candidate)
    return kept


def _smallest_hitting_set(demands: list[frozenset[View]], budget: int) -> frozenset[View]:
    best = frozenset(min(demand) for demand in demands)
    visited = 0

    def packing(open_demands: list[frozenset[View]]) -> int:
        used: set[View] = set()
        disjoint = 0
        for demand in open_demands:
            if not demand & used:
                used |= demand
                disjoint += 1
        return disjoint

    def search(chosen: frozenset[View], open_demands: list[frozenset[View]]) -> None:
        nonlocal best, visited
        visited += 1
        if visited > budget:
            raise BudgetExceeded("learning.minimal (search nodes)", size=visited, budget=budget, covered=visited - 1)
        if not open_demands:
            best = min(best, chosen, key=lambda s: (len(s), sorted(s)))
            return
        if len(chosen) + packing(open_demands) > len(best):
            return
        branch = min(open_demands, key=len)
        for view in sorted(branch):
            search(chosen | {view}, [demand for demand in open_demands if view not in demand])

    search(frozenset(), demands)
    return best
