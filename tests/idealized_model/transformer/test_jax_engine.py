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
from idealized_model.transformer.source import Source
from idealized_model.transformer.training import TrainConfig, Trainer
from tests.idealized_model.transformer.test_engine import VARIANTS, batch, config, drawn
from tests.idealized_model.transformer.test_source import Walk
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
def test_logits_losses_and_attention_agree() -> None:
    of = config("rope", n_increments=3, log_scale=2.0)
    parameters, part = drawn(of), batch(of, length=21, n_queries=3)
    plain, other = Engine(of, dtype=np.float64, threads=1), JaxEngine(of, dtype=np.float64)
    for found, expected in zip(other.logits(parameters, part), plain.logits(parameters, part), strict=True):
        assert found == pytest.approx(expected, abs=1e-12)
    for found, expected in zip(other.attention(parameters, part), plain.attention(parameters, part), strict=True):
        assert found == pytest.approx(expected, abs=1e-12)
    assert other.losses(parameters, part) == pytest.approx(plain.losses(parameters, part), abs=1e-12)
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
@pytest.mark.parametrize("source", [None, Walk()])
def test_training_with_it_gives_the_same_losses(source: Source | None) -> None:
    run = TrainConfig("copy", "coupled", longest=3, n_ids=8, steps=6, batch=4, width=8, layers=1, heads=2)
    if source is not None:
        run = TrainConfig("text", encoding="rope", tied=True, steps=6, width=8, layers=1, heads=2)
    losses: dict[str, list[float]] = {name: [] for name in BACKENDS}
    for name, own in losses.items():
        trainer = Trainer(replace(run, engine=name), source=source)
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
def test_other_dtypes_are_refused() -> None:
    of = config()
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
