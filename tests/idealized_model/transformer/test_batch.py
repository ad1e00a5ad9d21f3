"""Batches: what is no batch, and what a model cannot read, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import ModelConfig
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.jax_engine import JaxEngine
from tests.idealized_model.transformer.test_engine import batch, config, drawn
from theory.errors import InvalidArgument

WAYS = ("loss_and_gradient", "losses", "logits", "attention")
"""Of an engine, through a model: each reads the targets if those before it do, the first alone the weights."""


def engine(name: str, of: ModelConfig) -> Any:
    """An engine in float64; tests of JAX are skipped without it."""
    if name == "jax":
        pytest.importorskip("jax")
        return JaxEngine(of, dtype=np.float64)
    return Engine(of, dtype=np.float64, threads=1)


def plain_batch(**changes: Any) -> Batch:
    """Two sequences of three tokens, each with two queries."""
    tokens, two = np.array([[0, 1, 2], [2, 1, 0]]), np.array([[0, 2], [1, 2]])
    given: dict[str, Any] = {"tokens": tokens, "ids": tokens, "queries": two, "targets": two, "weights": two}
    return Batch(**{**given, **changes})


def none(*shape: int) -> Any:
    return np.zeros(shape, dtype=np.int64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": none(0, 3)}, r"argument tokens: got shape \(0, 3\); expected a row for each sequence, of which"),
        ({"tokens": none(2, 0)}, r"argument tokens: got shape \(2, 0\); .* Leave out a batch that has nothing to predict"),
        ({"queries": none(2, 0)}, r"argument queries: got shape \(2, 0\)"),
        ({"queries": none(1, 2)}, r"argument queries: got shape \(1, 2\)"),
        ({"queries": none(3, 2)}, r"argument queries: got shape \(3, 2\)"),
        ({"tokens": none(3)}, r"argument tokens: got shape \(3,\)"),
        ({"tokens": none()}, r"argument tokens: got shape \(\)"),
        ({"queries": none(2, 1, 1)}, r"argument queries: got shape \(2, 1, 1\)"),
        ({"ids": none(2, 2)}, r"argument ids: got shape \(2, 2\); expected shape \(2, 3\)\. Fill shorter rows"),
        ({"ids": none(3)}, r"argument ids: got shape \(3,\); expected shape \(2, 3\)"),
        ({"targets": none(2, 1)}, r"argument targets: got shape \(2, 1\); expected shape \(2, 2\)"),
        ({"weights": none(1, 2)}, r"argument weights: got shape \(1, 2\); expected shape \(2, 2\)"),
        ({"increments": none(2)}, r"argument increments: got shape \(2,\); expected shape \(2, 2\)"),
        ({"tokens": [[0, 1, 2]]}, r"argument tokens: got the list \[\[0, 1, 2\]\]; expected an array\. Write np\.array"),
        ({"weights": 1.0}, r"argument weights: got the float 1\.0; expected an array"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Batch: {message}"):
        plain_batch(**changes)


def test_a_batch_has_increments_and_ids_of_coordinates_or_not() -> None:
    assert plain_batch().increments is None
    assert plain_batch(increments=none(2, 2), ids=none(2, 3, 4)).part(1, 2).ids.shape == (1, 3, 4)


@pytest.mark.parametrize("name", ["numpy", "jax"])
@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("tokens", 5, r"batch\.tokens: got numbers in 0\.\.5; expected 0\.\.4\. Make the batch for the model"),
        ("tokens", -1, r"batch\.tokens: got numbers in -1\.\.\d; expected 0\.\.4"),
        ("ids", 20, r"batch\.ids: got numbers in \d+\.\.20; expected 0\.\.19"),
        ("ids", -1, r"batch\.ids: got numbers in -1\.\.\d+; expected 0\.\.19"),
        ("queries", 7, r"batch\.queries: got numbers in \d\.\.7; expected 0\.\.6"),
        ("queries", 6, r"batch\.queries: got positions in another order; expected positions that increase in each row"),
        ("targets", 5, r"batch\.targets: got numbers in \d\.\.5; expected 0\.\.4"),
        ("increments", 2, r"batch\.increments: got numbers in 0\.\.2; expected 0\.\.1"),
    ],
)
def test_what_a_model_cannot_read_is_refused(name: str, argument: str, value: int, message: str) -> None:
    of = config("learned", n_increments=2)
    part, made = batch(of, n_queries=3), engine(name, of)
    wrong = getattr(part, argument).copy()
    wrong[1, 0] = value
    changed, where = replace(part, **{argument: wrong}), "JaxEngine" if name == "jax" else "Engine"
    n_ways = {"increments": 1, "targets": 2}.get(argument, 4)
    for way in WAYS[:n_ways]:
        with pytest.raises(InvalidArgument, match=rf"^{where}: argument {message}"):
            getattr(made, way)(drawn(of), changed)
    for way in WAYS[n_ways:] if name == "numpy" else ():
        getattr(made, way)(drawn(of), changed)  # nobody reads it


@pytest.mark.parametrize("name", ["numpy", "jax"])
@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_a_batch_with_nothing_to_learn_is_refused(name: str, weight: float) -> None:
    of = config()
    part, made = batch(of), engine(name, of)
    changed = replace(part, weights=np.full(part.weights.shape, weight))
    message = (
        r"argument batch\.weights: got weights whose sum is .*; expected at least one supervised query\. Leave out a"
    )
    with pytest.raises(InvalidArgument, match=message):
        made.loss_and_gradient(drawn(of), changed)
    if name == "numpy":
        assert np.array_equal(made.losses(drawn(of), changed), made.losses(drawn(of), part))


def test_the_largest_and_the_least_of_every_table_are_read() -> None:
    of = config("learned", n_increments=2)
    part = batch(of, length=3, n_queries=2)
    for low, high in ((True, True), (False, True), (True, False)):
        ends = {
            "tokens": np.where(part.tokens > 2, 4 * high, 0), "ids": np.where(part.ids > 9, 19 * high, 0),
            "queries": np.array([[0, 2]] * 5) if low else np.full((5, 2), 2 * high), "targets": part.targets * 0 + 4 * high,
            "increments": part.targets * 0 + high,
        }  # fmt: skip
        loss, _ = engine("numpy", of).loss_and_gradient(drawn(of), replace(part, **ends))
        assert np.isfinite(loss)


@pytest.mark.parametrize("argument", ["tokens", "queries", "targets"])
def test_numbers_that_are_no_integers_are_refused(argument: str) -> None:
    part, of = batch(config()), config()
    changed = replace(part, **{argument: getattr(part, argument).astype(np.float32)})
    with pytest.raises(
        InvalidArgument, match=rf"argument batch\.{argument}: got numbers of the type float32; expected 0"
    ):
        engine("numpy", of).loss_and_gradient(drawn(of), changed)


def test_ids_of_other_coordinates_are_refused() -> None:
    plain, planar = config("rope"), config("rope", n_coordinates=2)
    for of, wrong, expected in (
        (plain, batch(planar), r"got shape \(5, 7, 2\); expected shape \(batch, 7\)\. Give an ID to every token"),
        (planar, batch(plain), r"got shape \(5, 7\); expected shape \(batch, 7, 2\)\. "),
    ):
        with pytest.raises(InvalidArgument, match=r"^Engine: argument batch\.ids: " + expected):
            engine("numpy", of).logits(drawn(of), wrong)


def test_increments_that_are_missing_are_refused() -> None:
    of = config(n_increments=2)
    without = replace(batch(of), increments=None)
    with pytest.raises(
        InvalidArgument, match=r"argument batch\.increments: got none; expected those that the model pred"
    ):
        engine("numpy", of).loss_and_gradient(drawn(of), without)
    assert engine("numpy", of).losses(drawn(of), without).shape == without.queries.shape
