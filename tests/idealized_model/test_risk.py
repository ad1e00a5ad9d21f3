"""Losses by hand, and what a sampled loss promises."""

from __future__ import annotations

import dataclasses
from collections import Counter
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest

from idealized_model import SampledLoss, SparseAttentionHead, abstention, exact_interval, loss, risk, sampled_loss
from tests import routes
from tests.cases import ENSEMBLES, LAWS, example, named, parity
from theory import BudgetExceeded, ExactnessLost, Example, FiniteLaw, HardHead, HeadClass, InvalidArgument, View

ONE = HeadClass(1)
A, B, C = (View((t,), ()) for t in range(3))
LAW = FiniteLaw({example((0, 1), "a"): "1/2", example((1, 1), "b"): "1/3", example((2, 2), "a"): "1/6"})


@pytest.mark.parametrize(
    ("answers", "wrong", "silent"),
    [
        ({}, Fraction(1), Fraction(1)),
        ({A: "a"}, Fraction(1, 2), Fraction(1, 2)),  # abstains on the second and the third
        ({A: "b"}, Fraction(1), Fraction(1, 2)),
        ({B: "b"}, Fraction(2, 3), Fraction(1, 6)),
        ({A: "a", B: "b"}, Fraction(1, 4) + Fraction(1, 6), Fraction(1, 6)),
        ({A: "a", B: "b", C: "a"}, Fraction(1, 4), Fraction(0)),
        ({C: "c"}, Fraction(1), Fraction(5, 6)),
    ],
    ids=named,
)
def test_losses_by_hand(answers: dict[View, str], wrong: Fraction, silent: Fraction) -> None:
    head = HardHead(ONE, answers)
    for same in (head, SparseAttentionHead.hard(head)):
        assert loss(same, LAW) == wrong
        assert abstention(same, LAW) == silent


def test_the_loss_of_a_soft_head_by_hand() -> None:
    value: dict[View, Any] = {A: "a", B: {"a": "1/3", "b": "2/3"}}
    head = SparseAttentionHead(ONE, score={A: 1, B: 3}, value=value)
    # On (0, 1): a has 1/4 + 3/4 · 1/3; on (1, 1): b has 2/3; on (2, 2) it abstains.
    assert loss(head, LAW) == Fraction(1, 2) * Fraction(1, 2) + Fraction(1, 3) * Fraction(1, 3) + Fraction(1, 6)
    assert abstention(head, LAW) == Fraction(1, 6)


@pytest.mark.parametrize("name", ["parity at 4", "noisy at 4", "mixture of lengths", "noisy at 4, coupled, ordered"])
def test_losses_are_means_of_the_losses_of_examples(name: str) -> None:
    law, heads = LAWS[name], HeadClass(2, 2, "order")
    views = sorted({view for e in law.support() for view in heads.views(e)})
    head = HardHead(heads, {view: law.labels[i % len(law.labels)] for i, view in enumerate(views) if i % 3})
    assert loss(head, law) == routes.expected_loss(head, law)
    silent = {e for e in law.support() if not any(view in head.answers for view in routes.views(heads, e))}
    assert abstention(head, law) == sum(law.probability(e) for e in silent)


def test_the_budget_is_that_of_the_law() -> None:
    head = HardHead(ONE, {})
    for measure in (loss, abstention):
        assert measure(head, LAW, budget=3) == 1
        with pytest.raises(BudgetExceeded, match=r"^FiniteLaw\.table: .* a budget of 2 for an enumeration of 3 items"):
            measure(head, LAW, budget=2)
        with pytest.raises(InvalidArgument, match=r"argument budget: got None; expected an integer"):
            measure(head, LAW, budget=None)  # type: ignore[arg-type]


# ── Sampled losses ───────────────────────────────────────────────────────────────────────────────────────────────────


class Scripted(FiniteLaw):
    """A law whose next sample is given."""

    script: list[Example]

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        assert len(self.script) == size
        return self.script


RIGHT, WRONG = example((0,), "a"), example((0,), "b")
HEAD = HardHead(ONE, {A: "a"})


def interval(wrong: int, size: int, level: Any) -> SampledLoss:
    """What `sampled_loss` says after a sample with so many wrong answers."""
    law = Scripted({RIGHT: "1/2", WRONG: "1/2"})
    law.script = [WRONG] * wrong + [RIGHT] * (size - wrong)
    return sampled_loss(HEAD, law, np.random.default_rng(0), size, level=level)


def tail(size: int, p: float, counts: range) -> float:
    """Pr[Binomial(size, p) is one of the counts]."""
    return sum(comb(size, k) * p**k * (1 - p) ** (size - k) for k in counts)


@pytest.mark.parametrize("level", ["1/2", "9/10", "99/100"])
@pytest.mark.parametrize("size", [1, 5, 12])
def test_the_interval_is_that_of_clopper_and_pearson(size: int, level: str) -> None:
    """Its ends are where the sample becomes too extreme: each tail has (1 - level) / 2."""
    each_tail = float((1 - Fraction(level)) / 2)
    for wrong in range(size + 1):
        found = interval(wrong, size, level)
        assert found.estimate == Fraction(wrong, size)
        assert (found.size, found.level) == (size, Fraction(level))
        assert found.low <= found.estimate <= found.high
        if wrong:
            assert tail(size, found.low, range(wrong, size + 1)) == pytest.approx(each_tail, rel=1e-9)
        else:
            assert found.low == 0
        if wrong < size:
            assert tail(size, found.high, range(wrong + 1)) == pytest.approx(each_tail, rel=1e-9)
        else:
            assert found.high == 1


@pytest.mark.parametrize("level", ["1/2", "9/10"])
def test_the_interval_covers_at_every_true_loss(level: str) -> None:
    size = 12
    intervals = [interval(wrong, size, level) for wrong in range(size + 1)]
    for p in np.linspace(0, 1, 101):
        covering = [wrong for wrong, found in enumerate(intervals) if found.low <= p <= found.high]
        assert sum(tail(size, p, range(wrong, wrong + 1)) for wrong in covering) >= float(Fraction(level)) - 1e-9


@pytest.mark.slow
def test_the_interval_covers_in_repeated_samples() -> None:
    """The whole way from law and head to interval: 200 samples, each covered with probability 9/10 or more."""
    law = ENSEMBLES["noisy"].at(3)
    head = SparseAttentionHead(
        ONE, score=lambda view: Fraction(1 + view.tokens[0], 2), value=lambda view: {"x": "1/3", "y": "2/3"}
    )
    true = loss(head, law)
    rng = np.random.default_rng(0)
    found = [sampled_loss(head, law, rng, 30, level="9/10") for _ in range(200)]
    covered = sum(one.low <= true <= one.high for one in found)
    assert covered >= 164  # 180 expected at the least, the standard deviation is 4
    mean = sum((one.estimate for one in found), Fraction(0)) / 200
    assert abs(mean - true) < 4 * Fraction(1, 2) / 77  # 6000 draws: 4 standard deviations at the most


@pytest.mark.parametrize("share", [Fraction(1, 3), pytest.param(Fraction(9, 10), marks=pytest.mark.slow)])
def test_a_fractional_loss_is_a_probability_to_err(share: Fraction) -> None:
    """The head loses the same share on the only example; answers are drawn, so the count of errors is binomial."""
    law = FiniteLaw({RIGHT: 1})
    value: dict[View, Any] = {A: {"b": share, "a": 1 - share}}
    head = SparseAttentionHead(ONE, score={A: 1}, value=value)
    assert loss(head, law) == share
    rng = np.random.default_rng(1)
    counts = Counter(int(sampled_loss(head, law, rng, 4).estimate * 4) for _ in range(300))
    binomial = {k: comb(4, k) * share**k * (1 - share) ** (4 - k) for k in range(5)}
    assert routes.fits(counts.elements(), binomial)


def test_certain_losses_are_sampled_as_they_are() -> None:
    rng = np.random.default_rng(0)
    assert sampled_loss(HEAD, FiniteLaw({RIGHT: 1}), rng, 50).estimate == 0
    assert sampled_loss(HEAD, FiniteLaw({WRONG: 1}), rng, 50).estimate == 1
    assert sampled_loss(HardHead(ONE, {}), FiniteLaw({RIGHT: 1}), rng, 50).estimate == 1


def test_a_sample_is_reproducible() -> None:
    law = ENSEMBLES["noisy"].at(4)
    head = SparseAttentionHead(ONE, score=lambda view: 1, value=lambda view: {"x": "1/2", "y": "1/2"})
    assert sampled_loss(head, law, np.random.default_rng(3), 30) == sampled_loss(
        head, law, np.random.default_rng(3), 30
    )


@pytest.mark.parametrize(
    "heads", [HeadClass(2), HeadClass(2, anchor="last"), HeadClass(2, key="order"), HeadClass(2, 9)]
)
def test_many_candidate_sets_are_counted_with_the_same_outcome(
    heads: HeadClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers are drawn, so what is found is the same to the last wrong answer; views are listed where counts
    do not say them."""
    law = parity(2).at(40)
    key = () if heads.key == "none" else (0, 1)
    head = HardHead(heads, {View(word, key): label for word, label in law.ensemble.target.items()})
    head = HardHead(heads, {**head.answers, View((0, 0), key): 0})
    counted: list[Example] = []
    found = sampled_loss(head, law, np.random.default_rng(5), 60)
    evaluate = risk.evaluate
    monkeypatch.setattr(risk, "evaluate", lambda *of: counted.append(of[1]) or evaluate(*of))  # type: ignore[func-returns-value]
    assert sampled_loss(head, law, np.random.default_rng(5), 60) == found
    n_sets = heads.n_candidates(tuple(range(40)))
    assert bool(counted) == (heads.key == "none" and heads.window is None and n_sets >= risk.COUNTED)
    for most in (1, 10**9):
        monkeypatch.setattr(risk, "COUNTED", most)
        assert sampled_loss(head, law, np.random.default_rng(5), 60) == found
    assert 0 < found.estimate < 1


def test_a_sampled_loss_is_a_frozen_value_with_plain_numbers() -> None:
    found = sampled_loss(HEAD, parity(2).at(3), np.random.default_rng(0), np.int64(10), level=Fraction(4, 5))  # type: ignore[arg-type]
    assert (type(found.size), type(found.low), type(found.high), found.level) == (int, float, float, Fraction(4, 5))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.low = 0.0  # type: ignore[misc]


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("size", "level", "message"),
    [
        (0, "1/2", r"argument size: got 0; expected an integer >= 1\. Give the number of draws\."),
        (-3, "1/2", r"argument size: got -3; expected an integer >= 1"),
        (10.0, "1/2", r"argument size: got 10\.0; expected an integer >= 1"),
        ("10", "1/2", r"argument size: got '10'; expected an integer >= 1"),
        (None, "1/2", r"argument size: got None; expected an integer >= 1"),
        (True, "1/2", r"argument size: got True; expected an integer >= 1"),
        (10, 0, r"argument level: got 0; expected a level strictly between 0 and 1\. Use '99/100'\."),
        (10, 1, r"argument level: got 1; expected a level strictly"),
        (10, "3/2", r"argument level: got 3/2; expected a level strictly"),
        (10, 0.95, r"argument level: got the float 0\.95; expected an exact rational .* '19/20'"),
        (10, None, r"argument level: got the NoneType None; expected an exact rational"),
        (10, "95%", r"argument level: got the str '95%'; expected an exact rational"),
        (10, float("nan"), r"argument level: got the float nan"),
    ],
    ids=named,
)
def test_sizes_and_levels_are_checked(size: Any, level: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^sampled_loss: {message}"):
        sampled_loss(HEAD, LAW, np.random.default_rng(0), size, level=level)


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0)], ids=named)
def test_a_sample_needs_a_generator(rng: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^sampled_loss: argument rng: got the .*; expected a numpy random Generator"
    ):
        sampled_loss(HEAD, LAW, rng, 10)


@pytest.mark.parametrize("name", ["loss", "abstention", "sampled_loss"])
def test_heads_and_laws_are_checked(name: str) -> None:
    def measure(head: Any, law: Any) -> object:
        if name == "sampled_loss":
            return sampled_loss(head, law, np.random.default_rng(0), 3)
        return {"loss": loss, "abstention": abstention}[name](head, law)

    for head in (None, ONE, {A: "a"}, "head", HardHead):
        message = rf"^{name}: argument head: got the .*; expected a SparseAttentionHead or a HardHead\. Build one"
        with pytest.raises(InvalidArgument, match=message):
            measure(head, LAW)
    for law in (None, [RIGHT], RIGHT, ENSEMBLES["parity"], {RIGHT: 1}):
        with pytest.raises(
            InvalidArgument, match=rf"^{name}: argument law: got the .*; expected a law\. Wrap examples"
        ):
            measure(HEAD, law)


def test_logits_have_no_exact_loss() -> None:
    head = SparseAttentionHead(ONE, logit={A: 0.0}, value={A: "a"})
    for measure in (loss, abstention):
        with pytest.raises(ExactnessLost, match=r"Give score= instead, or use batch\(\) for float64"):
            measure(head, LAW)


# ── Intervals ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("count", "size"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (60, 128)])
def test_an_exact_interval_ends_where_its_tails_do(count: int, size: int) -> None:
    """Clopper and Pearson: at each end the count or a more extreme one has probability (1 - level) / 2."""

    def chance(p: float, counts: range) -> float:
        return sum(comb(size, i) * p**i * (1 - p) ** (size - i) for i in counts)

    low, high = exact_interval(count, size, level="9/10")
    assert (low == 0) == (count == 0)
    assert (high == 1) == (count == size)
    if count > 0:
        assert chance(low, range(count, size + 1)) == pytest.approx(0.05, rel=1e-6)
    if count < size:
        assert chance(high, range(count + 1)) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(("count", "size"), [(-1, 3), (4, 3), (0, 0)])
def test_an_exact_interval_of_an_impossible_count_is_refused(count: int, size: int) -> None:
    with pytest.raises(
        InvalidArgument, match=f"exact_interval: argument count: got {count} of {size}; expected integers with 0 <= "
    ):
        exact_interval(count, size)


def test_an_exact_interval_of_an_impossible_level_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"exact_interval: argument level: got 3/2; expected a level strictly"):
        exact_interval(1, 2, level="3/2")
