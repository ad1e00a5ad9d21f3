"""What training does to the IDs of sequences, listed: shifts, chunks, sorted subsets, and sequences behind others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer.data import ids_of
from idealized_model.transformer.laws import examples_of, sequences_of_tests, sequences_of_training
from idealized_model.transformer.training import TrainConfig
from proofs_check.verdicts import deciding
from proofs_check.verdicts.deciding import Scheme, verdict
from proofs_check.verdicts.subjects import Subject, subject_of
from theory import BudgetExceeded, Example
from theory.tasks import Copy, Instance, Task, step_examples
from theory.tasks.wrapped import Wrapped


def laws_of(name: str, *, budget: int = deciding.EXAMPLES, coupled: bool = True, **scheme: Any) -> deciding.Laws:
    subject, own = subject_of(name, (1, 2), (1, 2, 3)), Scheme("own", "", "absolute", coupled=coupled, **scheme)
    return deciding.Laws(subject, own, True, lambda cases: None, budget=budget)


def by_hand(task: Task, instance: Instance, new: Iterable[Mapping[int, int]]) -> set[Example]:
    return {example for renamed in new for example in step_examples(instance, tuple(renamed[i] for i in instance.ids))}


def test_ordered_ids_are_every_sorted_subset_of_the_range_in_training_and_at_test() -> None:
    """Copy at length 3 has the IDs -1..2: with one more the range is -1..3."""
    laws, task = laws_of("copy", relabel="ordered"), Copy(2)
    assert laws.id_ranges[0] == range(-1, 4)
    for length, law in ((2, laws._law(2, "ordered")), (3, list(laws.test(3).support()))):
        expected = set()
        for instance in task.support(length):
            values = sorted(set(instance.ids))
            new = (dict(zip(values, chosen, strict=True)) for chosen in combinations(range(-1, 4), len(values)))
            expected |= by_hand(task, instance, new)
        assert set(law) == expected


def test_chunks_are_two_runs_of_ids_with_a_gap_between_and_tests_have_none() -> None:
    laws, task = laws_of("copy", relabel="chunks"), Copy(2)
    expected = set()
    for instance in task.support(2):
        for cut, first, gap in product((1, 2), range(-1, 4), range(5)):
            new = {i: rank + first + gap * (rank >= cut) for rank, i in enumerate(range(-1, 2))}
            if max(new.values()) <= 3:
                expected |= by_hand(task, instance, [new])
    assert set(laws._law(2, "chunks")) == expected
    assert set(laws.test(3).support()) == set(laws.subject.task.examples(3))


def test_packed_training_shows_a_sequence_behind_an_earlier_one_with_ids_apart_from_its_own() -> None:
    laws, task = laws_of("copy", relabel="shift", packed=True), Copy(2)
    plain = laws_of("copy", relabel="shift")
    shown, alone = set(laws.train(2).support()), set(plain.train(2).support())
    assert alone < shown
    instances = [instance for length in (1, 2) for instance in task.support(length)]
    expected = set()
    for earlier, own in product(instances, repeat=2):
        for a, b in product(range(6), repeat=2):
            before, after = (tuple(i + o for i in one.ids) for one, o in ((earlier, a), (own, b)))
            apart = max(before) < min(after) or max(after) < min(before)
            if apart and max(*before, *after) <= 3:
                for e in step_examples(own, after):
                    expected.add(Example(earlier.tokens + e.tokens, before + e.ids, e.label))
    assert shown == alone | expected


@pytest.mark.parametrize("name", ["copy", "sorting", "parity with scratchpad, token-coupled"])
def test_a_window_or_packing_repairs_shifted_coupled_ids(name: str) -> None:
    """Without either, IDs farther apart than a training sequence never meet in training."""
    subject = subject_of(name, range(1, 4), range(1, 6))
    bare = Scheme("bare", "", "absolute", coupled=True, relabel="shift")
    windows = [replace(bare, window="held"), replace(bare, window=1)]
    assert verdict(subject, bare, mixed=True).decisions[0].word == "✗ unseen"
    for scheme in windows:
        assert verdict(subject, scheme, mixed=True).decisions[0].word == "✓ from 3"
    if name.startswith("parity"):
        assert verdict(subject, replace(bare, packed=True), mixed=True).decisions[0].word == "✓ from 3"


@pytest.mark.parametrize("scheme", [{"relabel": "ordered"}, {"packed": True}, {"relabel": "shift"}], ids=str)
def test_laws_that_are_too_long_to_list_are_refused(scheme: dict[str, Any]) -> None:
    size = len([*laws_of("copy", **scheme).train(2).support()])
    assert laws_of("copy", **scheme, budget=size).train(2)
    with pytest.raises(BudgetExceeded, match="Length 2 is too long to list"):
        laws_of("copy", **scheme, budget=size - 1).train(2)


# ── Beside what a transformer's training draws from ──────────────────────────────────────────────────────────────────


def moved(examples: Iterable[Example], by: int) -> set[Example]:
    return {Example(e.tokens, tuple(i + by for i in e.ids), e.label) for e in examples}


NAMES = ("copy", "copy, query-coupled", "parity with scratchpad, token-coupled")
RELABELLED = [("coupled", "shift"), ("coupled-ordered", "ordered"), ("pose", "chunks"), ("random-ordered", "ordered")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("positions", "relabel"), RELABELLED)
def test_relabelled_laws_are_those_of_training(name: str, positions: str, relabel: str) -> None:
    """Two routes to one law: from the verdict's subject, and from what batches are drawn from."""
    laws = laws_of(name, relabel=relabel, coupled=positions.startswith("coupled"))
    config = TrainConfig(name, positions, longest=2, n_ids=len(laws.id_ranges[0]))
    drawn = (e for instance, ids in sequences_of_training(config) for e in examples_of(instance, ids, config))
    assert moved(laws.train(2).support(), -laws.id_ranges[0][0]) == set(drawn)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("positions", "relabel"), RELABELLED)
@pytest.mark.parametrize("length", [2, 3])
def test_relabelled_laws_are_those_of_tests(name: str, positions: str, relabel: str, length: int) -> None:
    laws = laws_of(name, relabel=relabel, coupled=positions.startswith("coupled"), shifted=relabel != "ordered")
    config = TrainConfig(name, positions, longest=2, n_ids=len(laws.id_ranges[0]))
    drawn = (e for instance, ids in sequences_of_tests(config, length) for e in examples_of(instance, ids, config))
    assert moved(laws.test(length).support(), -laws.id_ranges[0][0]) == set(drawn)


@pytest.mark.parametrize("positions", ["coupled", "pose"])
@pytest.mark.parametrize("length", [2, 3])
def test_tests_that_are_not_shifted_count_the_ids_from_0(positions: str, length: int) -> None:
    relabel = "shift" if positions == "coupled" else "chunks"
    laws = laws_of("copy", relabel=relabel, coupled=positions == "coupled")
    config, rng = TrainConfig("copy", positions, n_ids=len(laws.id_ranges[0])), np.random.default_rng(0)
    expected = set()
    for instance in Copy(2).support(length):
        ids = ids_of(instance, config.how, config.n_ids, rng, training=False, shifted=False)
        assert min(ids) == 0
        expected |= set(examples_of(instance, ids, config))
    assert moved(laws.test(length).support(), -laws.id_ranges[0][0]) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("positions", "relabel"), RELABELLED[:2])
def test_packed_laws_are_those_of_training(name: str, positions: str, relabel: str) -> None:
    """Of the two sequences of a pack the verdict's law has those behind another, the plain ones being there alone."""
    laws = laws_of(name, relabel=relabel, packed=True)
    config = TrainConfig(name, positions, packing=1, longest=1, n_ids=len(laws.id_ranges[0]))
    behind = set()
    for both, ids in sequences_of_training(config):
        cut = min(both.given)  # where the prompt of the second begins
        behind |= {e for e in examples_of(both, ids, config) if len(e.tokens) > cut}
    assert behind
    assert moved(laws._behind_others([1]), -laws.id_ranges[0][0]) == behind


@dataclass(frozen=True)
class Away(Wrapped):
    """IDs that start where the length says."""

    def changed(self, instance: Instance) -> Instance:
        return replace(instance, ids=tuple(i + len(instance.tokens) for i in instance.ids))


def test_every_length_counts_from_the_same_id() -> None:
    subject, own = Subject(Away(Copy(2)), (1, 2), (2, 3)), Scheme("own", "", "absolute", coupled=True, relabel="shift")
    laws = deciding.Laws(subject, own, True, lambda cases: None)
    for length in (2, 3):
        assert {min(example.ids) for example in laws.test(length).support()} == {laws.id_ranges[0][0]}
    assert {i for example in laws.train(2).support() for i in example.ids} <= {*laws.id_ranges[0]}
