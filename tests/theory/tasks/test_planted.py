"""Planted ensembles as tasks: the law of their instances is the law of the ensemble."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from proofs_check import check_task
from tests.cases import ENSEMBLES
from tests.task_cases import ODD, PAIRED
from theory import InvalidArgument, PlantedEnsemble, positions, support
from theory.errors import TheoryError
from theory.tasks import Planted, PlantedMixture, find_task, sparse_parity, sparse_parity_up_to


def lengths(ensemble: PlantedEnsemble) -> list[int]:
    """Some small lengths at which an ensemble is defined and quickly listed."""
    found = []
    for length in range(ensemble.arity, ensemble.arity + 4):
        try:
            if ensemble.at(length).size <= 3000:
                found.append(length)
        except TheoryError:
            continue
    return found


@pytest.mark.parametrize("ensemble", ENSEMBLES.values(), ids=ENSEMBLES)
def test_instances_follow_the_law_of_the_ensemble(ensemble: PlantedEnsemble) -> None:
    task = Planted(ensemble)
    assert lengths(ensemble)
    for length in lengths(ensemble):
        weights: Counter[tuple[tuple[int, ...], object]] = Counter()
        for instance in task.support(length):
            answer = ensemble.labels[instance.tokens[-1] - ensemble.vocabulary]
            weights[instance.tokens[:-1], answer] += task.weight(instance)
        total = sum(weights.values())
        expected = {(example.tokens, example.label): p for example, p in ensemble.at(length).items()}
        assert {key: Fraction(weight, total) for key, weight in weights.items()} == expected


@pytest.mark.parametrize("ensemble", ENSEMBLES.values(), ids=ENSEMBLES)
def test_there_are_as_many_instances_as_outcomes(ensemble: PlantedEnsemble) -> None:
    for length in lengths(ensemble):
        instances = list(Planted(ensemble).support(length))
        assert len(set(instances)) == len(instances) == ensemble.at(length).size


def test_draws_follow_the_weights(rng: np.random.Generator) -> None:
    listed = list(ODD.support(3))
    total = sum(map(ODD.weight, listed))
    n = 6000
    counts = Counter(ODD.sample(3, rng) for _ in range(n))
    for instance in listed:
        p = ODD.weight(instance) / total
        assert abs(counts[instance] / n - p) < 5 * (p * (1 - p) / n) ** 0.5


def test_the_dependency_set_is_the_hidden_set_in_order() -> None:
    for instance in sparse_parity(3).support(5):
        (step,) = instance.steps
        assert step.sources == tuple(i for i, token in enumerate(instance.tokens[:5]) if token in (1, 2))


def test_paired_sets_share_one_id() -> None:
    for length in (2, 4, 10):
        for instance in PAIRED.support(length):
            first, second = instance.steps[0].sources
            assert instance.ids[first] == instance.ids[second]
            assert instance.ids[-1] == length // 2


def test_any_coupling_will_do() -> None:
    task = Planted(ENSEMBLES["parity"], lambda length: [-i for i in range(length)])
    assert next(task.support(3)).ids == (0, -1, -2, 1)


@pytest.mark.parametrize("length", [3, 5])
def test_lengths_without_a_support_law_are_refused(length: int, rng: np.random.Generator) -> None:
    with pytest.raises(InvalidArgument, match="multiple of the arity"):
        PAIRED.support(length)
    with pytest.raises(InvalidArgument, match="multiple of the arity"):
        PAIRED.sample(length, rng)


def test_large_instances_are_drawn_without_listing(rng: np.random.Generator) -> None:
    instance = sparse_parity(4, support.local(20)).sample(5000, rng)
    assert len(instance.tokens) == 5001
    assert instance.steps[0].sources[-1] - instance.steps[0].sources[0] <= 20


def test_what_is_no_ensemble_or_coupling_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="ensemble"):
        Planted("parity")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="coupling"):
        Planted(ENSEMBLES["parity"], positions.absolute())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="2 integers"):
        next(Planted(ENSEMBLES["parity"], lambda length: [0]).support(2))


def test_the_parts_of_a_mixture_weigh_the_same() -> None:
    task = sparse_parity_up_to(3)
    for length in (3, 4):
        weights: Counter[int] = Counter()
        for instance in task.support(length):
            weights[len(instance.steps[0].sources)] += task.weight(instance)
        assert set(weights) == {1, 2, 3}
        assert len(set(weights.values())) == 1
        assert sum(1 for _ in task.instances(length)) == task.n_instances(length)


def test_a_mixture_does_not_say_how_many_tokens_to_read() -> None:
    """All else holds; but that no second token is marked shows only in the tokens that are not read."""
    report = check_task(sparse_parity_up_to(2), lengths=(2, 3, 4))
    assert report.refuted == ("hidden dependence",)
    assert all(finding.holds for finding in report.findings if finding.contract != "hidden dependence")


@pytest.mark.parametrize("task", [ODD, PAIRED, sparse_parity(3)], ids=lambda task: task.name)
def test_the_total_weight_is_that_of_all_instances(task: Planted) -> None:
    for length in lengths(task.ensemble)[:3]:
        assert task.total(length) == sum(map(task.weight, task.support(length)))


def test_parts_of_a_mixture_fit_together() -> None:
    for parts in ((), (sparse_parity(2), sparse_parity(2)), (sparse_parity(2), ODD)):
        with pytest.raises(InvalidArgument, match="one alphabet"):
            PlantedMixture(parts)


@pytest.mark.parametrize(
    "name", ["sparse parity, k = 5", "sparse parity, k <= 4", "addition of 3 numbers", "sum modulo 7", "copy"]
)
def test_tasks_are_found_by_the_names_that_they_have(name: str) -> None:
    assert find_task(name).name == name


@pytest.mark.parametrize("name", ["sparse parity, k = 0", "sum modulo", "copy 3", "copi", "sum modulo 1", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(
        InvalidArgument,
        match=r"such as mymodule:MyTask|Did you mean '(copy|sum modulo 3|sparse parity, k = 2)'|For instance",
    ):
        find_task(name)


@pytest.mark.parametrize("name", ["sum modulo", "sum modulo N", "sum modul 5", "addition of N", "sparse parity, k < N"])
def test_what_is_suggested_is_a_task(name: str) -> None:
    """A name that can be given back as it stands, without a placeholder."""
    with pytest.raises(InvalidArgument, match=r"; sum modulo N; or module:object\. ") as refused:
        find_task(name)
    suggested = refused.value.fix.removeprefix("Did you mean '").removesuffix("'?")
    assert find_task(suggested).name == suggested


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("sparse parity, k = 17", 16),
        ("sparse parity, k <= 40", 16),
        ("sum modulo 99999999999", 1000),
        ("addition of 100000 numbers", 1000),
        (f"sparse parity, k = {'9' * 5000}", 16),
    ],
)
def test_a_number_that_no_machine_holds_is_refused(name: str, most: int) -> None:
    with pytest.raises(InvalidArgument, match=rf"argument task: got .*; expected '.*N.*' with N at most {most}\."):
        find_task(name)
