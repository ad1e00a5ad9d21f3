"""The engine: gradients against finite differences, and results that do not depend on how the work is cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import engine as engines
from idealized_model.transformer.config import Activation, Encoding, ModelConfig, Parameters
from idealized_model.transformer.engine import Batch, Engine

ENCODINGS: tuple[Encoding, ...] = ("none", "learned", "sinusoidal", "rope", "alibi")
ACTIVATIONS: tuple[Activation, ...] = ("relu", "gelu")


def config(encoding: Encoding = "none", activation: Activation = "relu", **changes: Any) -> ModelConfig:
    small = ModelConfig(
        n_tokens=5, width=8, n_layers=2, n_heads=2, hidden=12, activation=activation, encoding=encoding,
        n_ids=20 if encoding == "learned" else 0,
    )  # fmt: skip
    return replace(small, **changes)


def drawn(of: ModelConfig, seed: int = 0, dtype: type = np.float64) -> Parameters:
    """Parameters far from the initial ones, so that nothing is accidentally zero."""
    rng = np.random.default_rng(seed)
    parameters = Parameters.drawn(of, rng, dtype)
    parameters.flat += rng.normal(0, 0.3, parameters.flat.shape).astype(dtype)
    return parameters


def batch(of: ModelConfig, *, size: int = 5, length: int = 7, n_queries: int = 2, seed: int = 1) -> Batch:
    rng = np.random.default_rng(seed)
    queries = np.sort(np.stack([rng.choice(length, n_queries, replace=False) for _ in range(size)]), axis=1)
    weights = rng.integers(0, 2, (size, n_queries)).astype(float)
    weights[:, 0] = 1
    increments = rng.integers(0, of.n_increments, (size, n_queries)) if of.n_increments else None
    tokens, ids = rng.integers(0, of.n_tokens, (size, length)), rng.integers(0, 20, (size, length))
    return Batch(tokens, ids, queries, rng.integers(0, of.n_tokens, (size, n_queries)), weights, increments)


VARIANTS = [
    *(config(encoding, activation) for encoding, activation in product(ENCODINGS, ACTIVATIONS)),
    config("rope", tied=True, n_increments=3, log_scale=3.0),
    config("learned", "gelu", tied=True, log_scale=2.0),
    config("alibi", n_increments=2, log_scale=3.0),
    config("none", n_layers=1, n_heads=1),
]


@pytest.mark.parametrize("whole", [False, True], ids=["supervised rows", "whole last layer"])
@pytest.mark.parametrize(
    "of", VARIANTS, ids=lambda of: f"{of.encoding}-{of.activation}-{of.n_layers}-{of.tied}-{of.n_increments}"
)
def test_every_gradient_is_that_of_finite_differences(
    of: ModelConfig, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BLOCK", 3)  # several blocks of rows
    parameters, part = drawn(of), batch(of)
    engine = Engine(of, dtype=np.float64, micro_tokens=14, threads=1, whole_last_layer=whole)
    gradient = engine.loss_and_gradient(parameters, part)[1].flat.copy()
    named, rng = Parameters(of, gradient), np.random.default_rng(2)
    step = 1e-6
    for name, view in parameters.items():
        before = view.copy()
        direction = rng.normal(size=view.shape)  # a random one moves every entry
        losses = []
        for sign in (1, -1):
            view[...] = before + sign * step * direction
            losses.append(engine.loss_and_gradient(parameters, part)[0])
        view[...] = before
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx((named[name] * direction).sum(), abs=1e-7), name
        assert name.endswith("qkv.bias") or np.abs(named[name]).max() > 1e-9, name  # nothing is left out


def plain_logits(of: ModelConfig, p: Parameters, tokens: np.ndarray[Any, Any], ids: np.ndarray[Any, Any]) -> Any:
    """The logits at the last token of one sequence: attention by its definition, one query at a time, in float64."""

    def norm(x: Any, name: str) -> Any:
        return p[f"{name}.gain"] * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + p[f"{name}.bias"]

    xs = [
        p["tokens"][token] + (p["ids"][i] if of.encoding == "learned" else 0)
        for token, i in zip(tokens, ids, strict=True)
    ]
    for layer in range(of.n_layers):
        qkv = [norm(x, f"{layer}.norm1") @ p[f"{layer}.qkv.weight"] + p[f"{layer}.qkv.bias"] for x in xs]
        new = []
        for t, x in enumerate(xs):
            mixed = np.zeros(of.width)
            for head in range(of.n_heads):
                e = of.head_width
                own = slice(head * e, head * e + e)
                query = qkv[t][own]
                logits = np.array([query @ qkv[s][of.width :][own] / np.sqrt(e) for s in range(t + 1)])
                if of.encoding == "alibi":
                    logits -= 2.0 ** (-8 * (head + 1) / of.n_heads) * np.abs(ids[t] - ids[: t + 1])
                if of.log_scale is not None:
                    logits *= np.log(t + 2) / of.log_scale
                weights = np.exp(logits - logits.max())
                weights /= weights.sum()
                mixed[own] = sum(w * qkv[s][2 * of.width :][own] for s, w in enumerate(weights))
            y = x + mixed @ p[f"{layer}.out.weight"] + p[f"{layer}.out.bias"]
            up = np.maximum(norm(y, f"{layer}.norm2") @ p[f"{layer}.up.weight"] + p[f"{layer}.up.bias"], 0)
            new.append(y + up @ p[f"{layer}.down.weight"] + p[f"{layer}.down.bias"])
        xs = new
    return norm(xs[-1], "norm") @ (p["tokens"].T if of.tied else p["head.weight"])


@pytest.mark.parametrize("size", [1, 30], ids=["moderate logits", "logits that would overflow"])
@pytest.mark.parametrize(
    "of", [config("none"), config("learned", tied=True), config("alibi"), config("none", log_scale=2.5)]
)
def test_the_logits_are_those_of_the_definition(of: ModelConfig, size: float) -> None:
    parameters, part = drawn(of), batch(of, n_queries=1)
    for name, view in parameters.items():
        if name.endswith("qkv.weight"):
            view *= size
    logits, _ = Engine(of, dtype=np.float64, threads=1).logits(parameters, part)
    for row in range(len(part)):
        end = int(part.queries[row, 0]) + 1
        assert logits[row, 0] == pytest.approx(
            plain_logits(of, parameters, part.tokens[row, :end], part.ids[row, :end])
        )


@pytest.mark.parametrize("of", [config("rope", n_increments=3), config("alibi"), config("learned", log_scale=3.0)])
def test_threads_change_nothing_and_micro_batches_only_the_rounding(of: ModelConfig) -> None:
    parameters, part = drawn(of), batch(of, size=9)
    loss, gradient = Engine(of, dtype=np.float64, micro_tokens=14, threads=1).loss_and_gradient(parameters, part)
    flat = gradient.flat.copy()
    same, again = Engine(of, dtype=np.float64, micro_tokens=14, threads=2).loss_and_gradient(parameters, part)
    assert same == loss
    assert np.array_equal(again.flat, flat)
    other, again = Engine(of, dtype=np.float64, micro_tokens=35, threads=1).loss_and_gradient(parameters, part)
    assert other == pytest.approx(loss, rel=1e-12)
    assert again.flat == pytest.approx(flat, abs=1e-12)


def test_a_workspace_that_was_used_for_longer_sequences_changes_nothing() -> None:
    of = config("rope")
    parameters, part = drawn(of), batch(of)
    engine = Engine(of, dtype=np.float64, threads=1)
    fresh = engine.loss_and_gradient(parameters, part)[1].flat.copy()
    engine.loss_and_gradient(parameters, batch(of, size=11, length=15, n_queries=4))
    held = engine.nbytes
    assert np.array_equal(engine.loss_and_gradient(parameters, part)[1].flat, fresh)
    assert engine.nbytes == held


def test_what_lies_behind_a_query_is_never_read() -> None:
    of = config("learned")
    parameters, part = drawn(of), batch(of, n_queries=1)
    engine = Engine(of, dtype=np.float64, threads=1)
    before, _ = engine.logits(parameters, part)
    behind = np.arange(part.tokens.shape[1]) > part.queries
    changed = replace(part, tokens=np.where(behind, 0, part.tokens), ids=np.where(behind, 3, part.ids))
    assert np.array_equal(engine.logits(parameters, changed)[0], before)


@pytest.mark.parametrize("whole", [False, True])
def test_attention_weights_are_laws_over_the_visible_keys(whole: bool) -> None:
    of = config("alibi")
    part = batch(of)
    layers = Engine(of, dtype=np.float64, threads=1, whole_last_layer=whole).attention(drawn(of), part)
    assert len(layers) == of.n_layers
    n = part.tokens.shape[1]
    for rows in layers:
        assert rows.sum(axis=3) == pytest.approx(np.ones(rows.shape[:3]))
        queries = part.queries if rows.shape[2] != n else np.broadcast_to(np.arange(n), part.tokens.shape)
        hidden = np.arange(n) > queries[:, None, :, None]
        assert not rows[np.broadcast_to(hidden, rows.shape)].any()


# ── What defines the encodings ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["rope", "alibi"])
def test_relative_encodings_see_differences_only(encoding: Encoding) -> None:
    of = config(encoding)
    parameters, part = drawn(of), batch(of)
    engine = Engine(of, dtype=np.float64, threads=1)
    shifted, _ = engine.logits(parameters, replace(part, ids=part.ids + 1000))
    assert shifted == pytest.approx(engine.logits(parameters, part)[0], abs=1e-9)
    stretched, _ = engine.logits(parameters, replace(part, ids=2 * part.ids))
    assert stretched != pytest.approx(engine.logits(parameters, part)[0], abs=1e-3)


@pytest.mark.parametrize("encoding", ["learned", "sinusoidal"])
def test_absolute_encodings_see_the_ids(encoding: Encoding) -> None:
    of = config(encoding)
    parameters, part = drawn(of), batch(of)
    engine = Engine(of, dtype=np.float64, threads=1)
    shifted, _ = engine.logits(parameters, replace(part, ids=(part.ids + 1) % 20))
    assert shifted != pytest.approx(engine.logits(parameters, part)[0], abs=1e-3)


def test_without_an_encoding_ids_do_not_matter() -> None:
    of = config("none")
    parameters, part = drawn(of), batch(of)
    engine = Engine(of, threads=1)
    other, _ = engine.logits(parameters, replace(part, ids=part.ids[:, ::-1]))
    assert np.array_equal(other, engine.logits(parameters, part)[0])


def test_float32_is_close_to_float64() -> None:
    of = config("rope", "gelu", n_increments=3)
    part = batch(of)
    loss, gradient = Engine(of, threads=1).loss_and_gradient(drawn(of, dtype=np.float32), part)
    exact, reference = Engine(of, dtype=np.float64, threads=1).loss_and_gradient(drawn(of), part)
    assert gradient.flat.dtype == np.float32
    assert loss == pytest.approx(exact, rel=1e-5)
    assert gradient.flat == pytest.approx(reference.flat, abs=1e-5)
