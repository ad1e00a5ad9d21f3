"""Whatever is passed for whatever argument: it works, or a TheoryError says what came and what was expected.

Each public function is called with valid arguments of which one is replaced by something that a hostile or confused
user might pass. An exception from the depths (TypeError, IndexError, ...) is a bug.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import idealized_model
import theory
from idealized_model import (
    HeadSpace,
    SparseAttentionHead,
    abstention,
    chen_product,
    eliminate,
    evaluate,
    evaluate_float,
    exact_interval,
    loss,
    minimal,
    pattern_counts,
    prefix_outputs,
    prefix_outputs_float,
    sampled_loss,
    signature,
    view_counts,
)
from tests.cases import ENSEMBLES, LAWS, example, named, parity
from theory import (
    Example,
    FiniteLaw,
    HardHead,
    HeadClass,
    PlantedEnsemble,
    TheoryError,
    View,
    bounds,
    certificate_length,
    claims,
    coverage,
    decide,
    mixture,
    pattern_masses,
    positions,
    retention,
    support,
)

HOSTILE: list[Any] = [
    None,
    "",
    "abc",
    b"x",
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    True,
    Fraction(1, 2),
    Decimal("0.5"),
    1j,
    np.int64(1),
    np.float64(0.5),
    np.array([1, 2]),
    np.array([], dtype=float),
    [],
    [1],
    (),
    (1,),
    ((1,), ()),
    {},
    {1: 1},
    {(1,): 0.5},
    {"a"},
    frozenset(),
    object(),
    HeadClass,
    HeadClass(1),
    example((0, 1)),
    LAWS["finite"],
    ENSEMBLES["parity"],
    positions.absolute(),
    support.uniform(),
    range(3),
    repr,
    Ellipsis,
]

ONE, A = HeadClass(1), View((0,), ())
LAW = parity(2).at(3)
HARD = HardHead(ONE, {A: 0})
SPACE = HeadSpace(ONE, (A,), (0, 1))
ATTENTION = SparseAttentionHead.hard(HARD)
SIGNATURE = signature([0, 1], vocabulary=2, arity=2)
RNG = np.random.default_rng(0)

CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Example": (Example, {"tokens": (0, 1), "ids": (0, 1), "label": 0}),
    "FiniteLaw": (FiniteLaw, {"law": {example((0,)): 1}, "labels": [0, 1]}),
    "FiniteLaw.uniform": (FiniteLaw.uniform, {"examples": [example((0,))], "labels": [0]}),
    "exact_interval": (exact_interval, {"count": 1, "size": 2, "level": "9/10"}),
    "mixture": (mixture, {"components": [(LAW, 1)]}),
    "mixture, entry": (lambda entry: mixture([entry]), {"entry": (LAW, 1)}),
    "mixture, weight": (lambda weight: mixture([(LAW, weight)]), {"weight": 1}),
    "Law.table": (LAW.table, {"budget": 100}),
    "Law.sample": (LAW.sample, {"rng": RNG, "size": 2}),
    "Mixture.sample": (LAWS["mixture of lengths"].sample, {"rng": RNG, "size": 2}),
    "HeadClass": (HeadClass, {"arity": 2, "window": 1, "key": "none", "anchor": "none"}),
    "HardHead": (HardHead, {"heads": ONE, "answers": {A: 0}}),
    "HardHead, label": (lambda label: HardHead(ONE, {A: label}), {"label": 0}),
    "random_shift": (positions.random_shift, {"lo": 0, "hi": 1}),
    "random_ordered": (positions.random_ordered, {"lo": 0, "hi": 9}),
    "chunked_shift": (positions.chunked_shift, {"lo": 0, "hi": 9, "chunks": 2}),
    "coupled": (positions.coupled, {"coupling": positions.blocks(2), "then": positions.absolute()}),
    "blocks": (positions.blocks, {"number": 2}),
    "scheme.count": (positions.absolute().count, {"length": 2}),
    "scheme.ids": (lambda length: list(positions.absolute().ids(length)), {"length": 2}),
    "scheme.draw": (positions.absolute().draw, {"rng": RNG, "length": 2}),
    "support.uniform": (support.uniform, {"anchor": "none"}),
    "support.local": (support.local, {"width": 2}),
    "support.fixed": (support.fixed, {"sets": {(0, 1): 1}}),
    "PlantedEnsemble": (
        PlantedEnsemble,
        {
            "vocabulary": 2,
            "background": [1, 0],
            "planted": {(1,): 1},
            "target": {(1,): 0},
            "support": support.uniform(),
            "labels": [0, 1],
        },
    ),
    "PlantedEnsemble.at": (parity(2).at, {"length": 3, "positions": positions.absolute()}),
    "decide": (decide, {"heads": ONE, "train": LAW, "test": LAW, "budget": 100}),
    "certificate_length": (
        certificate_length,
        {"heads": ONE, "law_at": parity(2).at, "lengths": [2], "test_lengths": [2], "test_law_at": None, "budget": 100},
    ),
    "coverage": (coverage, {"heads": ONE, "train": LAW, "test": LAW, "budget": 1000}),
    "retention": (retention, {"heads": ONE, "train": LAW, "test": LAW, "budget": 1000}),
    "pattern_masses": (pattern_masses, {"heads": ONE, "law": LAW, "budget": 1000}),
    "Coverage.bound": (coverage(ONE, train=LAW, test=LAW).bound, {"train_loss": 1, "abstention": 0}),
    "claims.get": (claims.get, {"claim_id": "T1"}),
    "binomial": (bounds.binomial, {"n": 4, "k": 2}),
    "ratio": (bounds.ratio, {"numerator": 4, "denominator": 2}),
    "certificate": (bounds.certificate, {"arity": 2, "anchor": "none"}),
    "n_overlaps": (bounds.n_overlaps, {"arity": 2}),
    "interleavings": (bounds.interleavings, {"arity": 2, "planted": 2, "overlap": 1}),
    "exchangeable_pattern_mass": (bounds.exchangeable_pattern_mass, {"overlap": (0,), "planted": 2, "length": 4}),
    "exchangeable_kappa": (bounds.exchangeable_kappa, {"arity": 1, "train": 4, "test": 6, "n_noise": 1}),
    "half_wrong_floor": (bounds.half_wrong_floor, {"n_candidates": 2}),
    "below_arity_floor": (bounds.below_arity_floor, {"n_candidates": 2}),
    "dilution": (bounds.dilution, {"n_candidates": 3, "score": "1/2"}),
    "critical_length": (bounds.critical_length, {"arity": 2, "margin": 3}),
    "local_pair_kappa": (bounds.local_pair_kappa, {"width": 1, "train": 4, "test": 9}),
    "SparseAttentionHead": (SparseAttentionHead, {"heads": ONE, "score": {A: 1}, "value": {A: 0}}),
    "SparseAttentionHead, logit": (SparseAttentionHead, {"heads": ONE, "logit": {A: 1.0}, "value": {A: 0}}),
    "SparseAttentionHead, a score": (lambda s: SparseAttentionHead(ONE, score={A: s}, value={A: 0}), {"s": 1}),
    "SparseAttentionHead, a value": (lambda v: SparseAttentionHead(ONE, score={A: 1}, value={A: v}), {"v": 0}),
    "SparseAttentionHead, returns": (
        lambda score, value: SparseAttentionHead(ONE, score=lambda view: score, value=lambda view: value)(
            example((0,))
        ),
        {"score": 1, "value": 0},
    ),
    "SparseAttentionHead.batch": (
        ATTENTION.batch,
        {"tokens": np.array([[0, 1]]), "ids": np.array([[0, 1]]), "labels": [0, 1]},
    ),
    "SparseAttentionHead.is_normalised": (ATTENTION.is_normalised, {"law": LAW}),
    "loss": (loss, {"head": HARD, "law": LAW, "budget": 100}),
    "abstention": (abstention, {"head": HARD, "law": LAW, "budget": 100}),
    "sampled_loss": (sampled_loss, {"head": HARD, "law": LAW, "rng": RNG, "size": 2, "level": "9/10"}),
    "HeadSpace": (HeadSpace, {"heads": ONE, "views": (A,), "labels": (0,)}),
    "HeadSpace.of": (HeadSpace.of, {"heads": ONE}),
    "HeadSpace.of, law": (lambda law: HeadSpace.of(ONE, law), {"law": LAW}),
    "HeadSpace.head": (SPACE.head, {"number": 1}),
    "HeadSpace.zero_loss": (SPACE.zero_loss, {"examples": [example((0,))], "budget": 100}),
    "HeadSpace.zero_loss, entry": (lambda entry: SPACE.zero_loss([entry]), {"entry": example((0,))}),
    "HeadSpace.losses": (SPACE.losses, {"law": LAW, "budget": 100}),
    "HeadSpace.loss_of": (SPACE.loss_of, {"number": 1, "law": LAW}),
    "pattern_counts": (pattern_counts, {"tokens": [0, 1], "vocabulary": 2, "arity": 2, "budget": 99}),
    "signature": (signature, {"tokens": [0, 1], "vocabulary": 2, "arity": 2, "budget": 99}),
    "chen_product": (chen_product, {"left": SIGNATURE, "right": SIGNATURE}),
    "view_counts": (view_counts, {"heads": HeadClass(1, 1), "tokens": [0, 1], "ids": [0, 1], "budget": 99}),
    "evaluate": (evaluate, {"head": ATTENTION, "tokens": [0, 1], "ids": [0, 1], "budget": 99}),
    "evaluate_float": (
        evaluate_float,
        {"head": ATTENTION, "tokens": [0, 1], "ids": [0, 1], "labels": [0], "budget": 99},
    ),
    "prefix_outputs": (prefix_outputs, {"head": ATTENTION, "tokens": [0], "vocabulary": 1, "labels": [0], "budget": 9}),
    "prefix_outputs_float": (
        prefix_outputs_float,
        {"head": ATTENTION, "tokens": [0], "vocabulary": 1, "labels": [0], "budget": 9},
    ),
    "eliminate": (eliminate, {"heads": ONE, "sample": [example((0,))]}),
    "minimal": (minimal, {"heads": ONE, "sample": [example((0,))], "budget": 9}),
}

ARGUMENTS = [(name, argument) for name, (_, valid) in CALLS.items() for argument in valid]


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS, ids=named)
def test_nothing_but_a_theory_error_comes_out(name: str, argument: str) -> None:
    call, valid = CALLS[name]
    escaped = [words for hostile in HOSTILE if (words := what_escapes(call, {**valid, argument: hostile}, hostile))]
    assert not escaped, "\n".join(escaped)


def what_escapes(call: Callable[..., Any], arguments: dict[str, Any], hostile: object) -> str | None:
    """The exception that is no TheoryError, in words, or None."""
    try:
        call(**arguments)
    except TheoryError as error:
        parts = (error.where, error.argument, error.got, error.expected, error.fix)
        return None if all(parts) and all(part in str(error) for part in parts) else f"{named(hostile)}: {error!r}"
    except Exception as error:
        return f"{named(hostile)}: {type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("name", CALLS, ids=str)
def test_the_valid_arguments_are_valid(name: str) -> None:
    call, valid = CALLS[name]
    if name != "HeadSpace.of":  # it needs a law, which is not named
        call(**valid)


def test_every_public_name_is_attacked() -> None:
    """What is exported is called above, or is a plain value, an abstract class, an exception or a module."""
    attacked = [call for call, _ in CALLS.values()]
    attacked += [type(call.__self__) for call in attacked if hasattr(call, "__self__")]
    passive = {
        *("BUDGET", "Law", "Mixture", "PlantedLaw", "Pattern", "View", "Verdict", "Certificate", "Coverage", "Factor"),
        *(
            "bounds",
            "claims",
            "dependencies",
            "positions",
            "support",
            "tasks",
            "HeadOutput",
            "SampledLoss",
            "PrefixOutputs",
        ),
    }
    for package in (theory, idealized_model):
        for name in set(package.__all__) - passive:
            thing = getattr(package, name)
            if not (isinstance(thing, type) and issubclass(thing, Exception)):
                assert thing in attacked, f"{name} is exported and not attacked"
