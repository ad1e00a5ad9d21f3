"""The worked examples of the theory: what suffices, what fails, and with what witness."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from idealized_model import HeadSpace, loss
from tests import routes
from tests.cases import KEYS, SCHEMES, example, parity
from theory import (
    FiniteLaw,
    HardHead,
    HeadClass,
    Law,
    PlantedEnsemble,
    View,
    bounds,
    coverage,
    decide,
    pattern_masses,
    positions,
    support,
)
from theory.positions import PositionScheme
from theory.support import SupportRule

PARITY = parity(2)


def smallest_length(
    heads: HeadClass,
    rule: SupportRule,
    test_length: int,
    train_ids: PositionScheme | None = None,
    test_ids: PositionScheme | None = None,
    step: int = 1,
) -> int:
    """The first training length from which the class generalizes to the test length, and at all longer ones tried."""
    ensemble = parity(2, rule)
    test = ensemble.at(test_length, positions=test_ids)
    works = [
        length
        for length in range(2, test_length, step)
        if decide(heads, train=ensemble.at(length, positions=train_ids), test=test).outcome == "generalizes"
    ]
    assert works == list(range(works[0], test_length, step))
    return works[0]


# ── T2: the 2k certificate ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("test_length", [6, 7])
def test_parity_needs_length_4_without_key_and_window(test_length: int) -> None:
    assert smallest_length(HeadClass(2), support.uniform(), test_length) == 4 == bounds.certificate(2)


def test_anchored_parity_needs_length_3() -> None:
    heads = HeadClass(2, anchor="last")
    assert smallest_length(heads, support.uniform("last"), 6) == 3 == bounds.certificate(2, "last")


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_the_certificate_is_tight(arity: int) -> None:
    """One noise token, and a head that also selects the view of k noise tokens: it errs from length 2k on."""
    ensemble = parity(arity)
    noise = View((0,) * arity, ())
    head = HardHead(HeadClass(arity), {noise: 0, **{View(word, ()): label for word, label in ensemble.target.items()}})
    for length in range(arity, 2 * arity):
        assert loss(head, ensemble.at(length)) == 0
    assert loss(head, ensemble.at(2 * arity)) > 0


@pytest.mark.parametrize("length", [4, 5])
def test_perfect_at_2k_is_perfect_beyond(length: int) -> None:
    space = HeadSpace.of(HeadClass(2), PARITY.at(6))
    at_4 = space.zero_loss(PARITY.at(4).support())
    beyond = space.zero_loss(PARITY.at(length + 1).support())
    assert at_4.any()
    assert beyond[at_4].all()
    at_3 = space.zero_loss(PARITY.at(3).support())
    assert not beyond[at_3].all()


# ── T3a and T3b: the exponents ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arity", [1, 2])
def test_the_ratio_of_losses_tends_to_kappa(arity: int) -> None:
    """A head that errs on a pattern of rare noise alone: κ, and with it the exponent k, is sharp."""
    train, test = 2 * arity, 2 * arity + 2
    kappa = bounds.exchangeable_kappa(arity, train=train, test=test)
    marked = (2,) * arity
    ratios = []
    for rare in (Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)):
        ensemble = PlantedEnsemble(3, [1 - rare, rare, 0], {marked: 1}, {marked: 0}, support.uniform(), labels=[0, 1])
        head = HardHead(HeadClass(arity), {View(marked, ()): 0, View((1,) * arity, ()): 1})
        ratios.append(loss(head, ensemble.at(test)) / loss(head, ensemble.at(train)))
    assert ratios == sorted(ratios)
    assert ratios[-1] < kappa
    # The distance to κ falls in proportion to the rate of the rare token.
    gaps = [kappa - ratio for ratio in ratios]
    assert gaps[2] < gaps[1] / 9 < gaps[0] / 50


@pytest.mark.parametrize(("arity", "exponent"), [(1, 1), (2, 2), (3, 3)])
def test_exchangeable_kappa_grows_with_exponent_k(arity: int, exponent: int) -> None:
    lengths = [2**n for n in range(8, 14)]
    kappas = [
        coverage(HeadClass(arity), train=parity(arity).at(2 * arity), test=parity(arity).at(n)).kappa for n in lengths
    ]
    slope = np.polyfit(np.log(lengths), np.log(np.array(kappas, dtype=float)), 1)[0]
    assert slope == pytest.approx(exponent, abs=0.02)


def test_local_kappa_grows_with_exponent_1() -> None:
    heads, ensemble = HeadClass(2, 1, "relative"), parity(2, support.local(1))
    in_training = pattern_masses(heads, ensemble.at(6))
    lengths = [64, 128, 256, 512]
    kappas = []
    for length in lengths:
        masses = pattern_masses(heads, ensemble.at(length))
        assert set(masses) == set(in_training)
        kappas.append(max(masses[pattern] / in_training[pattern] for pattern in masses))
    slope = np.polyfit(np.log(lengths), np.log(np.array(kappas, dtype=float)), 1)[0]
    assert slope == pytest.approx(1, abs=0.05)


# ── T4: what fails ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("window", [1, None])
@pytest.mark.parametrize("train_length", [4, 6])
def test_absolute_ids_fail_at_every_longer_length(window: int | None, train_length: int) -> None:
    heads = HeadClass(2, window, "absolute")
    ensemble = parity(2, support.uniform() if window is None else support.local(window))
    for test_length in (train_length + 1, train_length + 3):
        verdict = decide(heads, train=ensemble.at(train_length), test=ensemble.at(test_length))
        assert (verdict.outcome, verdict.reason) == ("fails", "unseen")
        assert verdict.view is not None
        assert max(verdict.view.key) >= train_length  # an ID beyond training


def test_relative_offsets_without_a_window_fail_at_every_longer_length() -> None:
    heads = HeadClass(2, None, "relative")
    for train_length, test_length in product((4, 5), (6, 7)):
        verdict = decide(heads, train=PARITY.at(train_length), test=PARITY.at(test_length))
        assert (verdict.outcome, verdict.reason) == ("fails", "unseen")
        assert verdict.view is not None
        assert verdict.view.key[1] >= train_length  # an offset beyond training


@pytest.mark.parametrize(("window", "smallest"), [(1, 4), (2, 4)])
@pytest.mark.parametrize("test_length", [6, 7])
def test_shifted_absolute_ids_suffice_from_length_4(window: int, smallest: int, test_length: int) -> None:
    """A shift in training over a range that covers every test ID, local heads and supports."""
    heads = HeadClass(2, window, "absolute")
    found = smallest_length(heads, support.local(window), test_length, positions.random_shift(0, test_length))
    assert found == smallest


def test_a_shift_that_covers_too_little_fails() -> None:
    heads, ensemble = HeadClass(2, 1, "absolute"), parity(2, support.local(1))
    test = ensemble.at(7)
    for reach, outcome in ((2, "fails"), (3, "generalizes")):
        train = ensemble.at(4, positions=positions.random_shift(0, reach))
        assert decide(heads, train=train, test=test).outcome == outcome


# ── T5: position coupling ────────────────────────────────────────────────────────────────────────────────────────────

PAIRED = parity(2, support.paired())
COUPLED = SCHEMES["coupled"]


@pytest.mark.parametrize("test_length", [6, 8, 10])
def test_the_coupled_pair_needs_length_4(test_length: int) -> None:
    heads = HeadClass(2, 0, "relative")
    assert smallest_length(heads, support.paired(), test_length, COUPLED, COUPLED, step=2) == 4


def test_the_coupled_pair_at_length_2_does_not_suffice() -> None:
    heads = HeadClass(2, 0, "relative")
    verdict = decide(heads, train=PAIRED.at(2, positions=COUPLED), test=PAIRED.at(6, positions=COUPLED))
    assert (verdict.outcome, verdict.reason, verdict.view) == ("fails", "unseen", View((0, 0), (0, 0)))


@pytest.mark.parametrize("scheme", ["absolute", "shift"])
def test_without_coupling_a_window_below_the_spread_is_unrealizable(scheme: str) -> None:
    for length, window in ((4, 1), (6, 1), (6, 2)):
        train = PAIRED.at(length, positions=SCHEMES[scheme])
        assert decide(HeadClass(2, window, "relative"), train=train, test=train).outcome == "unrealizable"


@pytest.mark.parametrize("scheme", ["absolute", "shift"])
def test_without_coupling_and_window_longer_lengths_fail(scheme: str) -> None:
    heads = HeadClass(2, None, "relative")
    train, test = PAIRED.at(4, positions=SCHEMES[scheme]), PAIRED.at(6, positions=SCHEMES[scheme])
    verdict = decide(heads, train=train, test=test)
    assert (verdict.outcome, verdict.reason) == ("fails", "unseen")


# ── T7: the half-wrong identity ──────────────────────────────────────────────────────────────────────────────────────


def uniform_bits(arity: int, rule: SupportRule) -> PlantedEnsemble:
    """Parity of marked bits in a background of all three tokens."""
    words = list(product((1, 2), repeat=arity))
    return PlantedEnsemble(
        3,
        ["1/2", "1/3", "1/6"],
        dict.fromkeys(words, Fraction(1, len(words))),
        {word: word.count(2) % 2 for word in words},
        rule,
    )


@pytest.mark.parametrize("rule", [support.uniform(), support.local(2), support.paired()], ids=str)
@pytest.mark.parametrize("scheme", ["absolute", "coupled", "shift"])
@pytest.mark.parametrize("window", [None, 1])
@pytest.mark.parametrize("key", KEYS)
def test_below_the_arity_half_of_the_selected_sets_are_wrong(
    rule: Any, scheme: str, window: int | None, key: Any
) -> None:
    heads, law = HeadClass(1, window, key), uniform_bits(2, rule).at(4, positions=SCHEMES[scheme])
    by_view: dict[Any, dict[Any, Fraction]] = {}
    for (view, label), expected in routes.view_label_law(heads, law).items():
        by_view.setdefault(view, {})[label] = expected
    # Every view is as often there with one label as with the other, so whatever a head answers, half is wrong.
    assert by_view
    assert all(labels[0] == labels[1] for labels in by_view.values())


@pytest.mark.parametrize("length", [3, 4])
def test_every_head_below_the_arity_loses_at_least_the_floor(length: int) -> None:
    heads, law = HeadClass(2), parity(3).at(length)
    space = HeadSpace.of(heads, law)
    losses, _, denominator = space.losses(law)
    floor = bounds.half_wrong_floor(max(heads.n_candidates(e.ids) for e in law.support()))
    assert Fraction(int(losses.min()), denominator) >= floor
    assert decide(heads, train=law, test=law).outcome == "unrealizable"


def test_when_every_bit_counts_no_smaller_arity_works() -> None:
    """Full parity: unrealizable at every length above the arity of the head."""
    for length in (2, 3, 4):
        words = list(product((0, 1), repeat=length))
        law: Law = FiniteLaw.uniform([example(word, sum(word) % 2) for word in words])
        for arity in range(1, length):
            assert decide(HeadClass(arity, key="absolute"), train=law, test=law).outcome == "unrealizable"
        assert decide(HeadClass(length), train=law, test=law).outcome == "generalizes"
