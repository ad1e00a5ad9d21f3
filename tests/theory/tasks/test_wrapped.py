"""What wraps a task leaves alone what it does not change."""

from __future__ import annotations

import numpy as np
import pytest

from theory.errors import InvalidArgument
from theory.tasks import Copy, CountOnes, Instance, QueryCoupled, sparse_parity_up_to
from theory.tasks.wrapped import Wrapped


class Same(Wrapped):
    """The task within."""

    def changed(self, instance: Instance) -> Instance:
        return instance


class Late(Copy):
    """Words of three letters or more."""

    min_length = 3


def test_weights_and_numbers_of_instances_are_those_of_the_task_within(rng: np.random.Generator) -> None:
    within = sparse_parity_up_to(2)
    task = Same(within)
    listed = list(task.support(3))
    assert listed == list(within.support(3))
    assert len(set(map(within.weight, listed))) > 1
    assert [task.weight(instance) for instance in listed] == [within.weight(instance) for instance in listed]
    assert task.n_instances(3) == within.n_instances(3)
    assert task.sample(3, np.random.default_rng(0)) == within.sample(3, np.random.default_rng(0))


def test_its_lengths_are_those_of_the_task_within(rng: np.random.Generator) -> None:
    with pytest.raises(InvalidArgument, match=r"CountOnes\.support: argument length: got 5; expected at most 4"):
        Same(CountOnes(4)).support(5)
    for task in (Same(Late(2)), QueryCoupled(Late(2))):
        assert task.min_length == 3
        with pytest.raises(InvalidArgument, match="an integer >= 3"):
            task.sample(2, rng)


@pytest.mark.parametrize("wrapper", [Same, QueryCoupled])
def test_only_a_task_can_be_wrapped(wrapper: type[Wrapped]) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{wrapper.__name__}: argument task: got .*'copy'; expected a Task"):
        wrapper("copy")  # type: ignore[arg-type]
