"""All heads of large spaces: blocks of any size give the same, samples agree with plain evaluation, time and memory."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from idealized_model import HeadSpace, enumeration
from tests import routes, strategies
from tests.strategies import Transfer
from theory import Example, FiniteLaw, HeadClass, Law, View


def space_of(n_views: int, *labels: Any) -> HeadSpace:
    """Heads of arity 1 on the tokens 0..n_views-1."""
    return HeadSpace(HeadClass(1), tuple(View((t,), ()) for t in range(n_views)), labels)


def random_law(rng: np.random.Generator, n_views: int, size: int, longest: int) -> FiniteLaw:
    """Distinct sequences of any tokens, with repeats, labelled by their first token; weights 1..9."""
    weights: dict[Example, int] = {}
    while len(weights) < size:
        tokens = tuple(rng.integers(0, n_views, size=int(rng.integers(1, longest + 1))).tolist())
        weights[Example(tokens, tuple(range(len(tokens))), tokens[0] % 2)] = int(rng.integers(1, 10))
    total = sum(weights.values())
    return FiniteLaw({e: Fraction(weight, total) for e, weight in weights.items()})


@pytest.mark.parametrize(("block", "at_once"), [(1, 1), (7, 2)])
@settings(max_examples=30)
@given(transfer=strategies.transfers())
def test_blocks_of_any_size_give_the_same_losses(block: int, at_once: int, transfer: Transfer) -> None:
    heads, law, _ = transfer
    space = HeadSpace.of(heads, law)
    assume(space.size <= 3**7)
    expected = space.losses(law)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enumeration, "BLOCK", block)
        patch.setattr(enumeration, "CASES_AT_ONCE", at_once)
        found = space.losses(law)
    assert found[2] == expected[2]
    for a, b in zip(found[:2], expected[:2], strict=True):
        assert a.tolist() == b.tolist()


def check_sample(space: HeadSpace, law: Law, numbers: list[int]) -> None:
    """Some heads against plain evaluation, example by example."""
    losses, abstaining, denominator = space.losses(law)
    perfect = space.zero_loss(law.support())
    assert ((losses == 0) == perfect).all()
    assert (abstaining <= losses).all()
    for number in numbers:
        head = space.head(number)
        expected = routes.expected_loss(head, law)
        assert Fraction(int(losses[number]), denominator) == expected
        assert perfect[number] == (expected == 0)
        silent = (p for e, p in law.items() if not any(v in head.answers for v in routes.views(head.heads, e)))
        assert Fraction(int(abstaining[number]), denominator) == sum(silent, Fraction(0))


@pytest.mark.parametrize(("n_views", "labels"), [(12, (0, 1)), (9, (0, 1, 2)), (8, (1, 0, "c", "d"))])
def test_samples_of_large_spaces(n_views: int, labels: tuple[Any, ...]) -> None:
    rng = np.random.default_rng(n_views)
    space, law = space_of(n_views, *labels), random_law(rng, n_views, 40, 5)
    perfect = space.zero_loss(law.support()).nonzero()[0]
    numbers = [0, space.size - 1, *rng.integers(0, space.size, size=60).tolist(), *perfect[:5].tolist()]
    check_sample(space, law, numbers)


def test_pairs_of_tokens_in_a_large_space() -> None:
    """Sets with one view several times, so that counts matter."""
    rng = np.random.default_rng(0)
    law = random_law(rng, 3, 30, 5)
    space = HeadSpace.of(HeadClass(2), law)
    assert space.size == 3**9
    check_sample(space, law, rng.integers(0, space.size, size=40).tolist())


SIXTEEN_VIEWS = """
import resource, sys
import numpy as np
from idealized_model import HeadSpace
from theory import Example, FiniteLaw, HeadClass, View

rng, examples = np.random.default_rng(0), {}
while len(examples) < 64:  # token t says the label t % 2 where it is the least one: many heads are perfect on a few
    tokens = tuple(sorted(rng.choice(16, size=rng.integers(2, 8), replace=False).tolist()))
    examples[tokens] = Example(tokens, tuple(range(len(tokens))), 0 if sys.argv[1] == "one" else tokens[0] % 2)
space = HeadSpace(HeadClass(1), tuple(View((t,), ()) for t in range(16)), (0, 1))
assert space.size == 43_046_721
if sys.argv[2] == "zero_loss":
    found = int(space.zero_loss(examples.values()).sum())
else:
    losses, _, _ = space.losses(FiniteLaw.uniform(examples.values()))
    found = int((losses == 0).sum())
used = resource.getrusage(resource.RUSAGE_SELF)
print(found, used.ru_utime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30)
"""


@pytest.mark.slow
def test_sixteen_views_and_two_labels_take_less_than_30_s_and_1_gib() -> None:
    found: dict[str, set[str]] = {"one": set(), "two": set()}
    for labels, counts in found.items():
        for route in ("zero_loss", "losses"):
            arguments = [sys.executable, "-c", SIXTEEN_VIEWS, labels, route]
            done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=600)
            perfect, seconds, peak = done.stdout.split()
            counts.add(perfect)
            assert float(seconds) <= 30
            assert float(peak) <= 1
    assert [len(counts) for counts in found.values()] == [1, 1]  # both routes find as many perfect heads
    assert found["one"] != {"0"}
