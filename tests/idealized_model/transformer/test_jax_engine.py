"""The JAX engine against the NumPy engine: two routes to every loss, gradient, logit and attention weight."""

from __future__ import annotations

import doctest
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import jax_engine
from idealized_model.transformer.backends import BACKENDS, make_engine
from idealized_model.transformer.config import ModelConfig, Parameters
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.jax_engine import JaxEngine
from idealized_model.transformer.training import TrainConfig, Trainer
from tests.idealized_model.transformer.test_engine import VARIANTS, batch, config, drawn
from theory.errors import BackendUnavailable, InvalidArgument


@pytest.fixture(name="jax")
def imported_jax() -> Iterator[ModuleType]:
    """JAX, told to compile quickly rather than well; tests that need it are skipped without it."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_disable_most_optimizations", True)
    yield jax
    jax.config.update("jax_disable_most_optimizations", False)


def compare_losses(of: ModelConfig, dtype: Any, tolerance: float) -> None:
    """Loss and gradient of both engines, on a batch whose lengths are padded and not."""
    parameters, plain, other = drawn(of, dtype=dtype), Engine(of, dtype=dtype, threads=1), JaxEngine(of, dtype=dtype)
    for length, n_queries in ((7, 2), (16, 3)):
        part = batch(of, length=length, n_queries=n_queries)
        expected, reference = plain.loss_and_gradient(parameters, part)
        loss, gradient = other.loss_and_gradient(parameters, part)
        assert loss == pytest.approx(expected, rel=tolerance)
        assert gradient.flat.dtype == dtype
        assert np.abs(reference.flat).max() > 0.1
        for name in reference:
            assert gradient[name] == pytest.approx(reference[name], abs=tolerance), name


# Together these have every encoding and every option.
SHORT = [
    config("none", "gelu", n_layers=1, n_increments=2, log_scale=3.0),
    config("learned", "gelu", n_layers=1, tied=True),
    config("sinusoidal", n_layers=1, width=9, n_heads=3),
    config("rope", tied=True, n_increments=3, log_scale=3.0),
    config("alibi", n_layers=1, width=12, n_heads=6, log_scale=3.0),
    config("alibi", n_layers=1, n_coordinates=2, window=(9, 12)),
]


@pytest.mark.usefixtures("jax")
@pytest.mark.parametrize("of", SHORT, ids=lambda of: f"{of.encoding}-{of.n_coordinates}")
def test_losses_and_gradients_agree(of: ModelConfig) -> None:
    compare_losses(of, np.float64, 1e-12)


@pytest.mark.usefixtures("jax")
def test_they_agree_in_float32() -> None:
    compare_losses(config("learned", "gelu", n_layers=1), np.float32, 2e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("jax")
@pytest.mark.parametrize("of", VARIANTS)
def test_losses_and_gradients_agree_for_every_variant(of: ModelConfig) -> None:
    compare_losses(of, np.float64, 1e-12)


@pytest.mark.usefixtures("jax")
def test_logits_and_attention_agree() -> None:
    of = config("rope", n_increments=3, log_scale=2.0)
    parameters, part = drawn(of), batch(of, length=21, n_queries=3)
    plain, other = Engine(of, dtype=np.float64, threads=1), JaxEngine(of, dtype=np.float64)
    for found, expected in zip(other.logits(parameters, part), plain.logits(parameters, part), strict=True):
        assert found == pytest.approx(expected, abs=1e-12)
    for found, expected in zip(other.attention(parameters, part), plain.attention(parameters, part), strict=True):
        assert found == pytest.approx(expected, abs=1e-12)
    of = config("none", n_layers=1)
    assert JaxEngine(of, dtype=np.float64).logits(drawn(of), batch(of))[1] is None


def test_large_ids_keep_their_digits_in_float32(jax: ModuleType) -> None:
    of = config("rope", n_layers=1)
    part = batch(of, length=16)
    far = replace(part, ids=part.ids + 10**6)
    engine, parameters = JaxEngine(of), drawn(of, dtype=np.float32)
    assert engine.logits(parameters, far)[0] == pytest.approx(engine.logits(parameters, part)[0], abs=1e-5)


def test_lengths_share_what_is_compiled(jax: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    of = config(n_layers=1)
    engine, compiled = JaxEngine(of), []
    plain = engine._residual
    monkeypatch.setattr(engine, "_residual", lambda p, arrays: compiled.append(1) or plain(p, arrays))
    for length in (3, 9, 16, 17, 30):
        engine.logits(drawn(of, dtype=np.float32), batch(of, length=length))
    assert len(compiled) == 2


@pytest.mark.usefixtures("jax")
def test_training_with_it_gives_the_same_losses() -> None:
    run = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=6, batch=4, width=8, layers=1, heads=2)
    losses: dict[str, list[float]] = {name: [] for name in BACKENDS}
    for name, own in losses.items():
        trainer = Trainer(replace(run, engine=name))
        trainer.run(watch=lambda trainer, own=own: own.append(trainer.loss))
    assert losses["jax"] == pytest.approx(losses["numpy"], abs=1e-6)
    assert len(set(losses["jax"])) == 6  # it moved


@pytest.mark.usefixtures("jax")
def test_the_example_runs() -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(JaxEngine, module=jax_engine, globs=vars(jax_engine).copy())
    for line in example.examples:
        line.options.pop(doctest.SKIP, None)
    results = doctest.DocTestRunner().run(example)
    assert results.failed == 0
    assert results.attempted == 6


@pytest.mark.usefixtures("jax")
@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [("tokens", 5, 4), ("tokens", -1, 4), ("targets", 5, 4), ("ids", 20, 19), ("queries", 7, 6), ("increments", 2, 1)],
)
def test_an_index_out_of_range_is_refused(name: str, value: int, limit: int) -> None:
    of = config("learned", n_increments=2)
    part = batch(of)
    wrong = getattr(part, name).copy()
    wrong[0, 0] = value
    with pytest.raises(InvalidArgument) as error:
        JaxEngine(of).loss_and_gradient(drawn(of, dtype=np.float32), replace(part, **{name: wrong}))
    assert str(error.value) == (
        f"JaxEngine: argument batch.{name}: got numbers in {wrong.min()}..{wrong.max()}; expected 0..{limit}. "
        "Make the batch for the model's configuration."
    )


@pytest.mark.usefixtures("jax")
def test_ids_of_other_coordinates_are_refused() -> None:
    plain, planar = config(), config(n_coordinates=2)
    for of, wrong, expected in (
        (plain, batch(planar), r"got shape \(5, 7, 2\); expected shape \(batch, 7\)\. "),
        (planar, batch(plain), r"got shape \(5, 7\); expected shape \(batch, 7, 2\)\. "),
    ):
        with pytest.raises(InvalidArgument, match=r"^JaxEngine: argument batch\.ids: " + expected):
            JaxEngine(of).logits(drawn(of, dtype=np.float32), wrong)


@pytest.mark.usefixtures("jax")
def test_missing_increments_and_other_dtypes_are_refused() -> None:
    of = config(n_increments=2)
    with pytest.raises(InvalidArgument, match=r"argument batch\.increments: got none; expected those that"):
        JaxEngine(of).loss_and_gradient(drawn(of, dtype=np.float32), replace(batch(of), increments=None))
    with pytest.raises(InvalidArgument, match="got float16; expected float32 or float64"):
        JaxEngine(of, dtype=np.float16)


# ── Without JAX ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [JaxEngine, lambda of: make_engine(of, "jax")])
def test_without_jax_the_error_says_how_to_install_it(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(BackendUnavailable) as error:
        make(config())
    assert 'pip install "lengthgen[jax]" (in a checkout: pip install -e ".[jax]")' in error.value.fix
    assert str(error.value).startswith("JaxEngine: argument engine: got jax, which cannot be imported")


def test_engines_are_made_by_name() -> None:
    of = config()
    engine = make_engine(of)
    assert isinstance(engine, Engine)
    assert isinstance(engine.loss_and_gradient(Parameters.drawn(of, np.random.default_rng(0)), batch(of))[0], float)
    with pytest.raises(InvalidArgument, match="got 'torch'; expected one of numpy, jax"):
        make_engine(of, "torch")
