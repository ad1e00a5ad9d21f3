"""The laws of a run, listed: every sequence that training may draw, and every one that a test of a length may.

What a theorem says of a trained model it says of these laws and no others, so that they are listed from the very objects
that training draws from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product

from idealized_model.transformer.data import every_ids, every_packed
from idealized_model.transformer.training import TrainConfig, task_of
from theory.errors import within_budget
from theory.examples import BUDGET, Example
from theory.positions import Ids
from theory.tasks import Instance, step_examples

SHORTER = "Train on shorter lengths, on a task of fewer symbols, or with fewer IDs (n_ids)."
"""What makes the laws of a run smaller."""


def sequences_of_training(config: TrainConfig, *, budget: int = BUDGET) -> Iterator[tuple[Instance, Ids]]:
    """Every sequence that a batch of the run may hold, with its IDs.

    Raises
    ------
    BudgetExceeded : when there are more of them, or more instances, than the budget.
    InvalidArgument : for a range of IDs that is too small.

    Examples
    --------
    >>> config = TrainConfig("copy", "coupled", longest=1, n_ids=4)
    >>> [ids for instance, ids in sequences_of_training(config) if instance.tokens[0] == 0]
    [(1, 0, 1), (2, 1, 2), (3, 2, 3)]

    Cost: instances · relabellings; with packing, pairs of instances · pairs of places.
    """
    task = task_of(config, "sequences_of_training")
    lengths = range(max(config.shortest, task.min_length), config.longest + 1)
    n_instances = sum(task.n_instances(length) for length in lengths)  # before any are listed
    within_budget("sequences_of_training", size=n_instances, budget=budget, fix=SHORTER)
    instances = [one for length in lengths for one in task.support(length, budget=budget)]
    alone = ((one, ids) for one in instances for ids in every_ids(one, config.how, config.n_ids, training=True))
    pairs = product(instances, repeat=2) if config.packing else ()
    behind = (both for first, second in pairs for both in every_packed(first, second, config.how, config.n_ids))
    for done, sequence in enumerate(chain(() if config.packing == 1 else alone, behind), start=1):
        within_budget("sequences_of_training", size=done, budget=budget, fix=SHORTER)
        yield sequence


def sequences_of_tests(config: TrainConfig, length: int, *, budget: int = BUDGET) -> Iterator[tuple[Instance, Ids]]:
    """Every sequence of a length that a test of the run may hold, with its IDs.

    Raises
    ------
    BudgetExceeded, InvalidArgument : as for `sequences_of_training`.
    """
    task = task_of(config, "sequences_of_tests")
    instances = task.support(length, budget=budget)
    every = ((one, ids) for one in instances for ids in every_ids(one, config.how, config.n_ids, training=False))
    for done, sequence in enumerate(every, start=1):
        within_budget("sequences_of_tests", size=done, budget=budget, fix=SHORTER)
        yield sequence


def examples_of(instance: Instance, ids: Ids, config: TrainConfig) -> Iterator[Example]:
    """The steps of a sequence as examples: its prefixes with their IDs, and the token that comes next (and its increment)."""
    return step_examples(instance, ids, increments=config.how.predicted)
