"""The engine against the definition, written plainly, and results that do not depend on how the work is cut."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from idealized_model.transformer import passes
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Activation, Encoding, ModelConfig, Parameters
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.jax_engine import JaxEngine
from tests.idealized_model.transformer import plain

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
    """Tokens and IDs that repeat and reach the ends of their tables, and rows that are filled as `batch_of` fills them."""
    rng = np.random.default_rng(seed)
    queries = np.sort(np.stack([rng.choice(length, n_queries, replace=False) for _ in range(size)]), axis=1)
    weights = np.ones((size, n_queries))
    for row, supervised in enumerate(rng.permutation(np.arange(size) % n_queries + 1)):
        queries[row, supervised:], weights[row, supervised:] = queries[row, supervised - 1], 0
    increments = rng.integers(0, of.n_increments, (size, n_queries)) if of.n_increments else None
    tokens, targets = (
        of.n_tokens - 1 - rng.integers(0, min(5, of.n_tokens), shape) for shape in ((size, length), (size, n_queries))
    )
    shape = (size, length) if of.n_coordinates == 1 else (size, length, of.n_coordinates)
    ids = (of.n_ids or 20) - 1 - rng.integers(0, 20, shape)
    return Batch(tokens, ids, queries, targets, weights, increments)


VARIANTS = [
    *(config(encoding, activation) for encoding, activation in product(ENCODINGS, ACTIVATIONS)),
    config("rope", tied=True, n_increments=3, log_scale=3.0),
    config("learned", "gelu", tied=True, log_scale=2.0),
    config("alibi", n_increments=2, log_scale=3.0),
    config("none", n_layers=1, n_heads=1),
    config("alibi", width=9, n_heads=3),
    config("sinusoidal", width=7, n_heads=1),
    config("learned", n_tokens=300, n_ids=300),
    *(config(encoding, window=6, log_scale=2.0) for encoding in ENCODINGS),
    config("rope", window=0, n_increments=2),
    config("alibi", "gelu", window=9, mlp=False),
    config("learned", window=6, norm=False),
    config("none", n_layers=3, mlp=False, norm=False, tied=True),
    *(config(encoding, n_layers=1, n_heads=1, window=5, mlp=False, norm=False) for encoding in ENCODINGS),
    *(config(encoding, n_coordinates=2, window=(9, 12), log_scale=2.0) for encoding in ENCODINGS),
    *(config(encoding, n_coordinates=3) for encoding in ("learned", "sinusoidal", "rope", "alibi")),
    config("learned", n_coordinates=2, window=8, n_ids=200),
]


def called(of: ModelConfig) -> str:
    heads = f"{of.n_heads} of {of.n_layers} x {of.width}"
    parts = f"{of.mlp}-{of.norm}-{of.window}" + f"-{of.n_coordinates}" * (of.n_coordinates > 1)
    return f"{of.encoding}-{of.activation}-{heads}-{of.n_tokens}-{of.tied}-{of.n_increments}-{parts}"


@pytest.mark.parametrize("of", VARIANTS, ids=called)
def test_every_gradient_is_that_of_finite_differences(of: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the loss by its definition; with all positions of the last layer computed, and with the supervised ones."""
    monkeypatch.setattr(passes, "BLOCK", 3)  # several blocks of rows
    parameters, part = drawn(of), batch(of, size=3)
    gradients = []
    for whole in (False, True):
        engine = Engine(of, dtype=np.float64, micro_tokens=14, threads=1, whole_last_layer=whole)
        loss, gradient = engine.loss_and_gradient(parameters, part)
        assert loss == pytest.approx(plain.loss(of, parameters, part), rel=1e-12)
        gradients.append(Parameters(of, gradient.flat.copy()))
    rng, step = np.random.default_rng(2), 1e-6
    for name, view in parameters.items():
        before = view.copy()
        direction = rng.normal(size=view.shape)  # a random one moves every entry
        losses = []
        for sign in (1, -1):
            view[...] = before + sign * step * direction
            losses.append(plain.loss(of, parameters, part))
        view[...] = before
        for named in gradients:
            assert (losses[0] - losses[1]) / (2 * step) == pytest.approx((named[name] * direction).sum(), abs=1e-7), (
                name
            )
            assert name.endswith("qkv.bias") or np.abs(named[name]).max() > 1e-9, name  # nothing is left out


@pytest.mark.parametrize("n_rows", [3, 256, 257, 300])
def test_rows_that_come_again_are_added_again(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    rows, values = rng.integers(0, n_rows, 400), rng.integers(-9, 10, (400, 2)).astype(float)
    table = rng.integers(-9, 10, (n_rows, 2)).astype(float)
    expected = table.copy()
    for row, value in zip(rows, values, strict=True):
        expected[row] += value
    passes._add_rows(table, rows, values)
    assert len(set(rows.tolist())) < 400
    assert np.array_equal(table, expected)


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("of", VARIANTS, ids=called)
def test_outputs_and_attention_are_those_of_the_definition(
    of: ModelConfig, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "BLOCK", 2)
    parameters, part = drawn(of), batch(of, size=size, n_queries=3)
    expected = plain.logits(of, parameters, part)
    attention = [plain.forward(of, parameters, *row)[1] for row in zip(part.tokens, part.ids, strict=True)]
    for whole in (False, True):
        engine = Engine(of, dtype=np.float64, micro_tokens=14, threads=1, whole_last_layer=whole)
        for found, right in zip(engine.logits(parameters, part), expected, strict=True):
            assert (found is None) == (right is None)
            assert found is None or found == pytest.approx(right, abs=1e-9)
        for layer, weights in enumerate(engine.attention(parameters, part)):
            narrow = layer == of.n_layers - 1 and not whole
            for row, law in enumerate(weights):
                of_row = attention[row][layer]
                assert law == pytest.approx(of_row[:, part.queries[row]] if narrow else of_row, abs=1e-9)


@pytest.mark.parametrize("size", [-300, -90, -60, 60, 90, 300])
def test_logits_of_any_size_are_attended_to_as_the_definition_says(size: float) -> None:
    """In float32 e^90 overflows and e^-300 is 0: neither may reach a sum."""
    of = config("none")
    parameters, part = drawn(of, dtype=np.float32), batch(of)
    for layer in range(of.n_layers):
        bias = parameters[f"{layer}.qkv.bias"].reshape(3, of.width)
        bias[0] = (abs(size) / np.sqrt(of.head_width)) ** 0.5
        bias[1] = np.sign(size) * bias[0]  # now q · k / sqrt(E) is about `size` for all pairs
    engine = Engine(of, threads=1)
    found, _ = engine.logits(parameters, part)
    expected, _ = plain.logits(of, plain.exact(parameters), part)
    assert found == pytest.approx(expected, abs=2e-3)
    loss, gradient = engine.loss_and_gradient(parameters, part)
    assert loss == pytest.approx(plain.loss(of, plain.exact(parameters), part), abs=1e-3)
    assert np.isfinite(gradient.flat).all()


@pytest.mark.parametrize(("high", "low"), [(100, 0), (0, -150), (50, -50), (300, -300)])
def test_rows_of_very_different_logits_are_each_attended_to(high: float, low: float) -> None:
    """The token of a query says whether its logits are about `high` or about `low`."""
    of = config("none", n_layers=1)
    parameters, part = drawn(of, dtype=np.float32), batch(of, size=9)
    sign, root = np.tile([1, -1], of.width // 2), np.sqrt(of.head_width)
    parameters["tokens"][...] = sign * np.array([[1], [-1], [1], [-1], [1]])
    parameters["0.norm1.gain"][...], parameters["0.norm1.bias"][...] = 1, 0
    weight, bias = (parameters[f"0.qkv.{name}"].reshape(-1, 3, of.width) for name in ("weight", "bias"))
    weight[:, 0], bias[:, 0] = (high - low) / 2 / root * sign[:, None] / of.width, (high + low) / 2 / root
    weight[:, 1], bias[:, 1] = weight[:, 1] / 100, 1  # keys are nearly 1
    found, _ = Engine(of, threads=1).logits(parameters, part)
    expected, _ = plain.logits(of, plain.exact(parameters), part)
    assert found == pytest.approx(expected, abs=2e-3)


def test_what_is_exponentiated_as_it_is_can_be_summed() -> None:
    limits = np.finfo(np.float32)
    assert np.exp(passes.SAFE) * 1e12 < limits.max
    assert np.exp(-passes.SAFE) > limits.tiny


@pytest.mark.parametrize(("micro_tokens", "largest"), [(1, 1), (13, 1), (14, 2), (35, 5), (10**6, 5)])
def test_micro_batches_are_whole_sequences_and_about_as_large_as_asked(micro_tokens: int, largest: int) -> None:
    of = config("none")
    part, engine = batch(of, size=9), Engine(of, micro_tokens=micro_tokens, threads=1)
    parts = [[len(one) for one in engine._parts(part, share)] for share in range(2)]
    assert [sum(sizes) for sizes in parts] == [5, 4]
    assert max(map(max, parts)) == largest
    rows = [row for share in range(2) for one in engine._parts(part, share) for row in one.tokens.tolist()]
    assert rows == part.tokens.tolist()


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


# ── Losses of every query ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "of", [config("rope", n_increments=3), config("alibi", tied=True), config("learned", "gelu", window=6, n_heads=1)]
)
@pytest.mark.parametrize("threads", [1, 2])
def test_losses_are_those_of_the_definition_whatever_the_weights(of: ModelConfig, threads: int) -> None:
    parameters, part = drawn(of), batch(of, size=7, n_queries=3)
    assert (part.weights == 0).any()
    expected = plain.losses(of, parameters, part)
    for micro_tokens, whole in ((7, False), (14, True), (10**6, False)):
        engine = Engine(of, dtype=np.float64, micro_tokens=micro_tokens, threads=threads, whole_last_layer=whole)
        assert engine.losses(parameters, part) == pytest.approx(expected, rel=1e-12)
    of_all = replace(part, weights=np.ones_like(part.weights), increments=None)
    if not of.n_increments:
        assert expected.mean() == pytest.approx(engine.loss_and_gradient(parameters, of_all)[0], rel=1e-12)


def test_losses_of_large_logits_do_not_overflow() -> None:
    of = config("none")
    parameters, part = drawn(of, dtype=np.float32), batch(of)
    engine = Engine(of, threads=1)
    parameters["head.weight"][...] *= 1000
    logits = engine.logits(parameters, part)[0].astype(np.float64)
    found = engine.losses(parameters, part)
    behind = logits.max(axis=2) - np.take_along_axis(logits, part.targets[..., None], axis=2)[..., 0]
    assert found.dtype == np.float32
    assert behind.max() > 1000
    assert found == pytest.approx(behind, rel=1e-5, abs=1)


def test_losses_keep_the_logits_of_a_micro_batch_alone() -> None:
    of = config("none", n_tokens=2000, width=2, n_heads=1)
    rng, length = np.random.default_rng(0), 16
    tokens = rng.integers(0, of.n_tokens, (64, length))
    at = np.broadcast_to(np.arange(length), tokens.shape)
    part = Batch(tokens, at, at, tokens, np.ones(tokens.shape))
    engine, parameters = Engine(of, dtype=np.float64, micro_tokens=2 * length, threads=1), drawn(of)
    tracemalloc.start()
    found = engine.losses(parameters, part)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == tokens.shape
    assert peak < tokens.size * of.n_tokens * 8 / 8


# ── Context that is left out ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_a_token_that_is_left_out_is_one_that_no_other_sees(name: str, encoding: Encoding) -> None:
    """The others keep their IDs: the same as masking its keys, in every layer."""
    of = config(encoding, n_layers=3, log_scale=2.0)
    if name == "jax":
        pytest.importorskip("jax")
    engine: Any = JaxEngine(of, dtype=np.float64) if name == "jax" else Engine(of, dtype=np.float64, threads=1)
    rng, parameters, n = np.random.default_rng(4), drawn(of), 12
    tokens, ids = rng.integers(0, of.n_tokens, n), np.sort(rng.permutation(20)[:n])
    for n_kept in (1, 5, 11):
        kept = np.sort(np.append(rng.permutation(n - 1)[: n_kept - 1], n - 1))  # the last is what the prediction is of
        at = np.array([[n_kept - 1]])
        found = engine.logits(parameters, Batch(tokens[kept][None], ids[kept][None], at, at * 0, at + 1.0))[0][0, 0]
        outputs, layers = plain.forward(of, parameters, tokens, ids, hidden=set(range(n)) - set(kept.tolist()))
        assert found == pytest.approx(outputs[-1] @ parameters["head.weight"], abs=1e-12)
        assert (layers[0][0, -1] > 0).sum() == n_kept


def test_float32_is_close_to_float64() -> None:
    of = config("rope", "gelu", n_increments=3)
    part = batch(of)
    loss, gradient = Engine(of, threads=1).loss_and_gradient(drawn(of, dtype=np.float32), part)
    exact, reference = Engine(of, dtype=np.float64, threads=1).loss_and_gradient(drawn(of), part)
    assert gradient.flat.dtype == np.float32
    assert loss == pytest.approx(exact, rel=1e-5)
    assert gradient.flat == pytest.approx(reference.flat, abs=1e-5)
