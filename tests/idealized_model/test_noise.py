"""The least loss on a sample, and the examples to blame, beside all heads and all subsets of small samples."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations, product

import pytest

from idealized_model.learning import eliminate
from idealized_model.noise import least_loss, to_blame
from theory import Example, HardHead, HeadClass
from theory.errors import InvalidArgument


def samples(seed: int) -> tuple[HeadClass, list[Example]]:
    rng = random.Random(seed)
    heads = HeadClass(rng.choice([1, 2]), anchor=rng.choice(["none", "last"]))  # type: ignore[arg-type]
    made = []
    for _ in range(rng.randint(2, 6)):
        n = rng.randint(heads.arity, 3)
        made.append(Example(tuple(rng.randint(0, 1) for _ in range(n)), tuple(range(n)), rng.choice("ab")))
    return heads, made


def mean_loss(head: HardHead, sample: list[Example]) -> Fraction:
    return sum((head.loss(example) for example in sample), Fraction(0)) / len(sample)


@pytest.mark.parametrize("seed", range(25))
def test_no_head_has_less(seed: int) -> None:
    heads, sample = samples(seed)
    views = sorted({view for example in sample for view in heads.views(example)})
    best = min(
        mean_loss(HardHead(heads, {view: label for view, label in zip(views, chosen, strict=True) if label}), sample)
        for chosen in product([None, "a", "b"], repeat=len(views))
    )
    found = least_loss(heads, sample)
    assert found.exact
    assert found.low == best == mean_loss(found.head, sample)


@pytest.mark.parametrize("seed", range(25))
def test_no_fewer_examples_are_to_blame(seed: int) -> None:
    heads, sample = samples(seed)

    def fits(kept: tuple[int, ...]) -> bool:
        rest = [sample[i] for i in kept]
        return not rest or mean_loss(eliminate(heads, rest), rest) == 0

    found = to_blame(heads, sample)
    most = max(size for size in range(len(sample) + 1) if any(map(fits, combinations(range(len(sample)), size))))
    assert found.smallest
    assert len(found.places) == len(sample) - most
    assert fits(tuple(i for i in range(len(sample)) if i not in found.places))


@pytest.mark.parametrize("seed", range(8))
def test_a_small_budget_gives_bounds(seed: int) -> None:
    heads, sample = samples(seed)
    exact, some = least_loss(heads, sample), least_loss(heads, sample, budget=1)
    assert some.low <= exact.low <= some.high == mean_loss(some.head, sample)
    blamed, few = to_blame(heads, sample), to_blame(heads, sample, budget=1)
    assert few.at_least <= len(blamed.places) <= len(few.places)
    rest = [example for i, example in enumerate(sample) if i not in few.places]
    assert not rest or mean_loss(eliminate(heads, rest), rest) == 0


def test_bad_arguments_are_refused() -> None:
    sample = [Example((0,), (0,), "a")]
    for function in (least_loss, to_blame):
        with pytest.raises(InvalidArgument):
            function(HeadClass(1), [])
        with pytest.raises(InvalidArgument):
            function(HeadClass(1), sample, budget=0)
