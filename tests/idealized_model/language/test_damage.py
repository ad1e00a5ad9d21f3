"""Slopes, means and permutations against the definition, written plainly, and on data of which the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from idealized_model.language.damage import BINS, FEWEST, Damage, Mean, deciles
from theory import InvalidArgument


def made_up(
    n: int = 600, *, seeds: int = 2, rise: float = 0.0, by_entropy: float = 0.0, by_recency: float = 0.0, seed: int = 0
) -> Damage:
    """Tokens whose k goes with entropy, recency k and KL at 1, and damage that rises with what is asked for."""
    rng = np.random.default_rng(seed)
    k = np.minimum(rng.geometric(0.3, n), 40)
    entropy = np.log2(k) + rng.normal(0, 1, n)
    recency = np.ceil(k * 2 ** rng.random(n)).astype(int)
    damage = rise * np.log2(k) + by_entropy * deciles(entropy) + by_recency * np.log2(recency)
    before = rng.random((seeds, n))
    after = before + damage + rng.normal(0, 0.3, (seeds, n))
    return Damage(rng.integers(0, 15, n), k, recency, entropy, rng.exponential(np.log2(k) + 0.1), before, after)


def plain_design(sample: Damage) -> np.ndarray:
    """Column by column, as the module says it."""
    columns = [np.ones(sample.k.size), np.log2(sample.recency_k)]
    for values in (sample.entropy, sample.kl_at_one):
        rank = [sum(other < value for other in values.tolist()) * 10 // values.size for value in values.tolist()]
        columns += [np.array(rank) == i for i in range(1, 10)]
    return np.array(columns, dtype=float).T


def drawn_again(sample: Damage, design: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Coefficients of samples whose blocks are drawn with replacement, token by token."""
    blocks = np.unique(sample.block)
    counts = np.random.default_rng(seed).multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), draws)
    found = []
    for count in counts:
        rows = np.concatenate([
            np.flatnonzero(sample.block == block) for block, times in zip(blocks, count, strict=True) for _ in range(times)
        ])  # fmt: skip
        found.append(np.linalg.lstsq(design[rows], sample.values.mean(axis=0)[rows], rcond=None)[0])
    return np.array(found)


# ── The definition ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_damage_is_what_a_token_costs_more() -> None:
    sample = made_up(30)
    assert (sample.values == sample.after - sample.before).all()
    lifted = replace(sample, before=sample.before + 1, after=sample.after + 1)
    assert lifted.slope(draws=2)[0] == pytest.approx(sample.slope(draws=2)[0])
    assert lifted.means(draws=2, adjusted=False)[0].value == pytest.approx(
        sample.means(draws=2, adjusted=False)[0].value
    )


COLUMNS = {"recency_k": [1], "entropy": list(range(2, 11)), "kl_at_one": list(range(11, 20))}
"""{covariate: its columns in the plain design}, beside a constant."""


@pytest.mark.parametrize("adjusted", [True, False, (), ("entropy",), ("recency_k",), ("kl_at_one", "entropy")])
def test_a_slope_is_the_coefficient_of_the_doublings(adjusted: bool | tuple[str, ...]) -> None:
    sample = made_up(300, rise=0.2, by_entropy=0.1)
    names = adjusted if isinstance(adjusted, tuple) else COLUMNS if adjusted else ()
    others = plain_design(sample)[:, [0, *(column for name in names for column in COLUMNS[name])]]
    design = np.column_stack([np.log2(sample.k), others])
    found = sample.slope(adjusted=adjusted, draws=40, seed=3)
    plain = np.linalg.lstsq(design, np.column_stack([sample.values.mean(axis=0), *sample.values]), rcond=None)[0][0]
    assert found.value == pytest.approx(plain[0])
    assert found.seeds == pytest.approx(plain[1:].tolist())
    again = drawn_again(sample, design, 40, seed=3)[:, 0]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])))
    assert found.low < found.value < found.high


@pytest.mark.parametrize("adjusted", [True, False, (), ("entropy",), ("recency_k", "kl_at_one")])
def test_means_are_the_coefficients_of_the_bins(adjusted: bool | tuple[str, ...]) -> None:
    sample = made_up(300, rise=0.2, by_entropy=0.1)
    bins = ((1, 1), (2, 3), (4, 40))
    design = np.column_stack([(sample.k >= low) & (sample.k <= high) for low, high in bins]).astype(float)
    names = adjusted if isinstance(adjusted, tuple) else COLUMNS if adjusted else ()
    if names:
        covariates = plain_design(sample)[:, [column for name in names for column in COLUMNS[name]]]
        design = np.column_stack([design, covariates - covariates.mean(axis=0)])
    plain = np.linalg.lstsq(design, sample.values.mean(axis=0), rcond=None)[0][:3]
    again = np.quantile(drawn_again(sample, design, 40, seed=5)[:, :3], [0.025, 0.975], axis=0)
    found = sample.means(bins, adjusted=adjusted, draws=40, seed=5)
    assert [(one.least, one.most) for one in found] == list(bins)
    assert [one.n for one in found] == [int(((sample.k >= low) & (sample.k <= high)).sum()) for low, high in bins]
    assert [one.value for one in found] == pytest.approx(plain.tolist())
    assert [one.low for one in found] == pytest.approx(again[0].tolist())
    assert [one.high for one in found] == pytest.approx(again[1].tolist())
    if not names:
        own = [sample.values.mean(axis=0)[(sample.k >= low) & (sample.k <= high)].mean() for low, high in bins]
        assert [one.value for one in found] == pytest.approx(own)


def test_bins_with_few_tokens_are_left_out_and_their_tokens_too() -> None:
    sample = made_up(400)
    k = sample.k.copy()
    k[k > 8] = 8
    k[:7] = 9
    sample = replace(sample, k=k)
    assert FEWEST == 8
    found = sample.means(draws=10)
    assert [one.least for one in found] == [1, 2, 3, 4, 5, 7]
    rest = k <= 8
    part = replace(sample, **{field.name: getattr(sample, field.name)[..., rest] for field in fields(sample)})
    assert found == part.means(draws=10)
    k[7] = 9
    assert [one.least for one in replace(sample, k=k).means(draws=10)] == [low for low, _ in BINS]


def test_permuted_slopes_are_those_of_permuted_k() -> None:
    sample = made_up(200, rise=0.05)
    found = sample.permuted(draws=30, seed=7)
    design, strata = plain_design(sample), deciles(sample.entropy)
    rng = np.random.default_rng(7)
    many = np.repeat(np.log2(sample.k)[:, None], 30, axis=1)
    for stratum in range(10):
        own = strata == stratum
        many[own] = rng.permuted(many[own], axis=0)
    assert all(sorted(column) == sorted(np.log2(sample.k)) for column in many.T)
    slopes = [
        np.linalg.lstsq(np.column_stack([column, design]), sample.values.mean(axis=0), rcond=None)[0][0]
        for column in [np.log2(sample.k), *many.T]
    ]
    assert found.spread == pytest.approx(np.std(slopes[1:]))
    assert found.share == pytest.approx((1 + sum(abs(one) >= abs(slopes[0]) for one in slopes[1:])) / 31)


def test_strata_have_equal_values_together() -> None:
    assert deciles([3, 1, 2]).tolist() == [6, 0, 3]
    assert deciles([1, 1, 1, 1]).tolist() == [0, 0, 0, 0]
    assert deciles([1, 2, 2, 2, 9], 5).tolist() == [0, 1, 1, 1, 4]
    assert np.bincount(deciles(np.random.default_rng(0).random(1000))).tolist() == [100] * 10


# ── What is known ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_rises_with_k_is_found_and_what_rises_with_other_things_is_adjusted_for() -> None:
    rising = made_up(rise=0.3, by_entropy=0.1, by_recency=0.2).slope(draws=200)
    assert rising.low < 0.3 < rising.high
    assert rising.low > 0.1
    other = made_up(by_entropy=0.1, by_recency=0.2)
    assert other.slope(adjusted=False, draws=200).low > 0.2
    adjusted = other.slope(draws=200)
    assert adjusted.low < 0 < adjusted.high
    assert made_up(rise=0.3).permuted(draws=300).share < 0.005
    assert other.permuted(draws=300).share > 0.05
    values = [one.value for one in made_up(rise=0.3, by_entropy=0.1).means(draws=1)]
    assert values == sorted(values)


def test_intervals_cover_where_tokens_of_a_block_are_alike() -> None:
    """The slope of a block is its own, 0 in the mean: drawing blocks covers 0 as it should, drawing tokens does not."""
    covered = {"blocks": 0, "tokens": 0}
    for seed in range(60):
        sample = made_up(300, seed=seed)
        own = np.random.default_rng(seed).normal(0, 0.5, 15)[sample.block]
        sample = replace(sample, after=sample.after + own * np.log2(sample.k))
        for name, block in (("blocks", sample.block), ("tokens", np.arange(300))):
            found = replace(sample, block=block).slope(adjusted=False, draws=200)
            covered[name] += found.low < 0 < found.high
    assert 50 <= covered["blocks"] <= 59
    assert covered["tokens"] <= 42


def test_more_seeds_of_the_same_blocks_are_no_more_blocks() -> None:
    sample = made_up(300, seeds=1)
    many = replace(sample, before=np.repeat(sample.before, 4, axis=0), after=np.repeat(sample.after, 4, axis=0))
    one, four = sample.slope(draws=50), many.slope(draws=50)
    assert one[:3] == pytest.approx(four[:3])
    assert four.seeds == pytest.approx([one.value] * 4)


def test_the_same_seed_gives_the_same_interval() -> None:
    sample = made_up(200)
    assert sample.slope(draws=20) == sample.slope(draws=20) != sample.slope(draws=20, seed=1)
    assert sample.means(draws=20) == sample.means(draws=20)
    assert sample.permuted(draws=20) == sample.permuted(draws=20)


def test_a_bin_that_is_missing_from_the_blocks_drawn_counts_where_it_is_there() -> None:
    sample = made_up(200)
    largest = np.bincount(sample.block).argmax()
    k = np.where(sample.block == largest, 50, np.minimum(sample.k, 3))
    last = replace(sample, k=k).means(adjusted=False, draws=100)[-1]
    assert isinstance(last, Mean)
    own = sample.values.mean(axis=0)[sample.block == largest].mean()  # of one block: there is no other to draw
    assert (last.value, last.low, last.high) == pytest.approx((own, own, own))


def test_equal_covariates_are_no_trouble() -> None:
    """As in text whose entropy is 0 throughout."""
    sample = made_up(200, rise=0.3)
    plain = replace(sample, entropy=np.zeros(200), kl_at_one=np.zeros(200), recency_k=np.full(200, 4))
    found, raw = plain.slope(draws=20), plain.slope(adjusted=False, draws=20)
    assert found[:3] == pytest.approx(raw[:3])
    assert plain.means(draws=20)[0][:4] == pytest.approx(plain.means(adjusted=False, draws=20)[0][:4])


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": np.ones(5, dtype=int)}, r"argument k: got shape \(5,\); expected shape \(60,\)"),
        ({"before": np.zeros((3, 60))}, r"argument before: got shape \(3, 60\); expected shape \('seeds', 60\)"),
        ({"after": np.zeros(60), "before": np.zeros(60)}, "argument before"),
        ({"after": np.zeros((0, 60)), "before": np.zeros((0, 60))}, "argument before"),
        ({"block": np.zeros((3, 20), dtype=int)}, "argument block"),
        ({"entropy": np.full(60, np.nan)}, "argument entropy: got numbers that are not finite"),
        ({"recency_k": np.zeros(60, dtype=int)}, "argument recency_k: got 0; expected numbers of tokens >= 1"),
    ],
)
def test_samples_are_whole(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        replace(made_up(60), **changes)


def test_what_cannot_be_said_is_refused() -> None:
    sample = made_up(200)
    with pytest.raises(InvalidArgument, match="argument k: got tokens whose k follows from what is adjusted for"):
        replace(sample, k=np.full(200, 2)).slope()
    with pytest.raises(InvalidArgument, match="follows from what is adjusted for"):
        replace(sample, k=sample.recency_k).slope()
    with pytest.raises(InvalidArgument, match="follows from what is adjusted for"):
        replace(sample, k=sample.recency_k).permuted()
    replace(sample, k=sample.recency_k).slope(adjusted=False, draws=2)
    with pytest.raises(InvalidArgument, match="argument block: got tokens of one block; expected at least two"):
        replace(sample, block=np.zeros(200, dtype=int)).slope()
    for name in ("slope", "means"):
        with pytest.raises(InvalidArgument, match=rf"{name}: argument adjusted: got 'entropies'; .* mean 'entropy'"):
            getattr(sample, name)(adjusted=("entropies",))
        with pytest.raises(
            InvalidArgument, match=f"{name}: argument adjusted: got the str 'entropy'; expected true, f"
        ):
            getattr(sample, name)(adjusted="entropy")
    with pytest.raises(InvalidArgument, match="argument bins"):
        sample.means(((1, 3), (3, 5)))
    with pytest.raises(InvalidArgument, match="argument bins"):
        sample.means(((3, 1),))
    with pytest.raises(InvalidArgument, match="no bin with enough tokens"):
        sample.means(((1000, 1001),))
    for ask in (sample.slope, sample.means, sample.permuted):
        with pytest.raises(InvalidArgument, match="argument draws"):
            ask(draws=0)


def test_small_matrices_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two threads the same took many times the processor time, and last digits varied."""
    threads = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            threads.append({one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"})
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(np.linalg, "pinv", watched(np.linalg.pinv))
    sample = made_up(100)
    with threadpool_limits(2, user_api="blas"):
        for measure, calls in ((sample.slope, 4), (sample.means, 2), (sample.permuted, 1)):
            threads.clear()
            measure(draws=2)
            assert threads == [{1}] * calls
