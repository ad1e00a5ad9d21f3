"""Attention-only models and the heads that are read off them: two ways to the same answers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from idealized_model.head import SparseAttentionHead
from idealized_model.transformer import soft_head as module
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Encoding, ModelConfig, Parameters
from idealized_model.transformer.data import sequence_task
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.evaluation import evaluate
from idealized_model.transformer.soft_head import KEYS, as_head, predicted_accuracy
from idealized_model.transformer.training import TrainConfig, Trainer
from theory.errors import BudgetExceeded, InvalidArgument
from theory.examples import Example
from theory.heads import HeadClass, View
from theory.tasks import CountOnes, FullParity, Majority, SumModulo, Task, sparse_parity, sparse_parity_up_to

ATTENTION: dict[str, Any] = {"n_layers": 1, "n_heads": 1, "mlp": False, "norm": False}
MODELS = [
    ModelConfig(5, 6, encoding=encoding, n_ids=30 * (encoding == "learned"), window=window, log_scale=c, **ATTENTION)
    for encoding, (window, c) in product(KEYS, [(None, None), (None, 0.8), (3, None), (3, 0.8), (0, None)])
]


def drawn(of: ModelConfig, seed: int = 0) -> Parameters:
    """Weights so large that answers depend on everything."""
    parameters = Parameters.drawn(of, np.random.default_rng(seed), np.float64)
    parameters.flat[...] = np.random.default_rng(seed + 1).normal(0, 0.8, parameters.flat.shape)
    return parameters


def called(of: ModelConfig) -> str:
    return f"{of.encoding}-{of.window}-{of.log_scale}"


@pytest.mark.parametrize("of", [*MODELS, replace(MODELS[0], tied=True)], ids=called)
def test_the_answers_of_a_model_are_those_of_its_head_on_thousands_of_examples(of: ModelConfig) -> None:
    """The engine, pairs in blocks, and views one by one, in float64."""
    rng, n, size = np.random.default_rng(0), 40, 30
    parameters = drawn(of)
    head, tokens, ids = as_head(parameters), rng.integers(0, 5, (size, n)), rng.integers(0, 12, (size, n))
    queries = np.tile(np.arange(n), (size, 1))
    logits, _ = Engine(of, dtype=np.float64, threads=1).logits(
        parameters, Batch(tokens, ids, queries, queries * 0, np.ones(queries.shape))
    )
    found = np.array([head.logits(x, p, range(n)) for x, p in zip(tokens, ids, strict=True)])
    assert found == pytest.approx(logits, abs=1e-9)
    assert np.array_equal(found.argmax(axis=2), logits.argmax(axis=2))
    assert len(set(found.argmax(axis=2).ravel().tolist())) > 1
    for row, t in ((0, 0), (1, 9), (2, 20), (3, 39)):
        example = Example(tuple(tokens[row, : t + 1].tolist()), tuple(ids[row, : t + 1].tolist()), label=0)
        assert head(example) == pytest.approx(logits[row, t], abs=1e-9)


@pytest.mark.parametrize("of", MODELS, ids=called)
def test_the_head_is_one_of_definition_4(of: ModelConfig) -> None:
    """Its greedy answers are those of a law over labels a view, and of W(v, y) = a(v) · votes."""
    rng = np.random.default_rng(3)
    head = as_head(drawn(of, 5))
    assert head.heads == HeadClass(2, of.window, KEYS[of.encoding], "last", at_most=True)
    for _ in range(5):
        tokens, ids = rng.integers(0, 5, 6), rng.integers(0, 9, 6)
        example = Example(tuple(tokens.tolist()), tuple(ids.tolist()), label=0)
        counts = head.heads.view_counts(example)
        n = sum(counts.values())
        laws = {view: head.as_law(view, n) for view in counts}
        assert all(sum(law.values()) == 1 for _, law in laws.values())
        sparse = SparseAttentionHead(
            head.heads,
            logit={view: score for view, (score, _) in laws.items()},
            value={view: law for view, (_, law) in laws.items()},
        )
        shares, abstains = sparse.batch(tokens[None], ids[None], labels=[0, 1, 2, 3, 4])
        masses = sum(k * np.exp(head.score(view, n)) * head.votes(view) for view, k in counts.items())
        assert not abstains.any()
        assert shares[0].argmax() == head(example).argmax() == np.argmax(masses)


def test_log_scaling_makes_one_head_for_every_number_of_keys() -> None:
    scaled, plain = (as_head(drawn(replace(MODELS[0], log_scale=c))) for c in (2.0, None))
    view = View((1, 2), ())
    assert plain.score(view, 1) == plain.score(view, 50)
    assert scaled.score(view, 7) == pytest.approx(np.log(8) / 2 * plain.score(view))
    assert scaled.votes(view) == pytest.approx(plain.votes(view))


@pytest.mark.parametrize("encoding", KEYS)
def test_blocks_change_nothing(encoding: Encoding, monkeypatch: pytest.MonkeyPatch) -> None:
    of = next(of for of in MODELS if of.encoding == encoding and of.window == 3)
    rng, head = np.random.default_rng(0), as_head(drawn(of))
    tokens, ids = rng.integers(0, 5, 40), rng.integers(0, 20, 40)
    whole = head.logits(tokens, ids, [3, 10, 11, 39])
    monkeypatch.setattr(module, "BLOCK", 5)
    assert head.logits(tokens, ids, [3, 10, 11, 39]) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr(module, "PAIRS", 20)
    with pytest.raises(BudgetExceeded, match="candidate sets of one sequence"):
        head.logits(tokens, ids, range(40))


def test_ids_of_any_size_are_told_apart() -> None:
    of = replace(MODELS[0], encoding="sinusoidal", window=None)
    head, ids = as_head(drawn(of)), (0, 10**12, 3 * 10**12, 1)
    example = Example((0, 1, 2, 3), ids, label=0)
    assert head.logits(example.tokens, ids, [3])[0] == pytest.approx(head(example), abs=1e-9)
    columns = [np.array([0, 1, 1, 0]), np.array([10**12, 0, 0, 5]), np.array([0, 9, 9, -(10**17)])]
    codes = module._coded(columns).tolist()
    assert codes[1] == codes[2]
    assert len(set(codes)) == 3


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({"mlp": True}, "an MLP"), ({"norm": True}, "norms"), ({"n_layers": 2}, "2 layers"), ({"n_heads": 2}, "2 heads"),
        ({"n_increments": 2}, "an output for ID increments"),
    ],
)  # fmt: skip
def test_other_models_are_refused(changes: dict[str, Any], has: str) -> None:
    parameters = Parameters.zeros(replace(MODELS[0], **changes))
    with pytest.raises(
        InvalidArgument, match=f"as_head: argument parameters: got a model with {has}; expected attention"
    ):
        as_head(parameters)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 7), (0, 1), [1]), r"argument tokens: got 7; expected tokens of the model, in 0\.\.4"),
        (((0, -1), (0, 1), [1]), "argument tokens: got -1"),
        (((0, 1), (0, 99), [1]), r"argument ids: got 99; expected IDs of the model, in 0\.\.11"),
        (((0, 1), (-1, 0), [1]), "argument ids: got -1"),
        (((0, 1), (0,), [1]), "argument ids: got 1 IDs for 2 tokens"),
        (((0, 1), (0, 1), [2]), r"argument queries: got 2; expected positions, in 0\.\.1"),
        (((0, 1), (0, 1), [-1]), "argument queries: got -1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sequences_that_the_model_cannot_read_are_refused(arguments: Any, message: str) -> None:
    """A negative number would count from the end of a table."""
    (of,) = [model for model in MODELS if model.encoding == "learned"][:1]
    head = as_head(drawn(replace(of, n_ids=12)))
    with pytest.raises(InvalidArgument, match=message):
        head.logits(*arguments)
    if "argument queries" not in message and "for 2 tokens" not in message:
        with pytest.raises(InvalidArgument, match=message):
            head.votes(View(*arguments[:2]))


def test_a_head_that_sees_nothing_has_no_score() -> None:
    with pytest.raises(InvalidArgument, match="argument n_visible: got 0; expected an integer >= 1"):
        as_head(drawn(MODELS[0])).score(View((1, 2), ()), 0)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(
        InvalidArgument, match=r"as_head: argument parameters: got .*; expected the Parameters of a model"
    ):
        as_head("checkpoint.npz")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="tokens"):
        as_head(drawn(MODELS[0])).score(View((1, 2, 3), ()))


# ── Predictions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def trainer(task: str, positions: str = "none", seed: int = 0, **changes: Any) -> Trainer:
    """A model of any weights, as large as trained ones."""
    config = {"layers": 1, "heads": 1, "width": 8, "mlp": False, "norm": False, "log_scale": True, "seed": seed}
    new = Trainer(TrainConfig(task, positions, **{**config, **changes}), threads=1)
    new.parameters.flat[...] = new.rng("weights", 0).normal(0, 0.7, new.parameters.flat.shape)
    return new


def by_enumeration(own: Trainer, task: Task, length: int) -> Fraction:
    """The share that the engine gets right, by weight, over all instances of a length."""
    engine = Engine(own.model, dtype=np.float64, threads=1)
    parameters = Parameters(own.model, own.parameters.flat.astype(np.float64))
    right, total = 0, 0
    for instance in sequence_task(task).support(length):
        (*tokens, answer), (step,) = instance.tokens, instance.steps
        at = np.array([[step.position - 1]])
        logits, _ = engine.logits(parameters, Batch(np.array([tokens]), np.array([instance.ids[:-1]]), at, at, at))
        weight = task.weight(instance if task.anchor == "last" else _unasked(instance))
        right, total = right + weight * (int(logits.argmax()) == answer), total + weight
    return Fraction(right, total)


def _unasked(instance: Any) -> Any:
    (*tokens, _, answer), (step,) = instance.tokens, instance.steps
    return replace(
        instance, tokens=(*tokens, answer), ids=instance.ids[:-1], steps=(step._replace(position=step.position - 1),)
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "task",
    [FullParity(), Majority(), SumModulo(2), CountOnes(), sparse_parity(2), sparse_parity_up_to(2)],
    ids=lambda task: task.name,
)
def test_the_law_by_counts_is_that_of_all_instances(task: Task, seed: int) -> None:
    own = trainer(task.name, seed=seed)
    for length in (2, 5):
        prediction = predicted_accuracy(own, length)
        assert (prediction.length, prediction.size) == (length, None)
        assert prediction.right == by_enumeration(own, task, length)


def test_a_hand_made_majority_is_right_at_every_length() -> None:
    """Uniform attention, and votes 1 for a one, -1 for a zero; the answer to a tie is 0, for which "?" votes a little."""
    own = trainer("majority")
    alphabet = own.task.alphabet
    p = own.parameters
    p.flat[...] = 0
    p["tokens"][0, 0], p["tokens"][1, 0] = -1, 1
    p["0.qkv.weight"][0, 16] = p["0.out.weight"][0, 0] = 1
    p["head.weight"][0, alphabet.index("=1")] = 1
    p["tokens"][alphabet.index("?"), 1] = 1
    p["head.weight"][1, alphabet.index("=0")] = 1e-7
    for length in (1, 2, 7, 1000):
        assert predicted_accuracy(own, length).right == 1
    p["head.weight"][1, alphabet.index("=0")] = 0
    assert predicted_accuracy(own, 4).right == Fraction(5, 16)  # where 0 is due nothing is strictly largest


@pytest.mark.parametrize(
    ("task", "positions", "changes"),
    [
        ("copy", "coupled", {"window": "task"}),
        pytest.param("copy, query-coupled", "coupled", {"window": 0, "encoding": "none"}, marks=pytest.mark.slow),
        ("addition, reversed, carry shown", "coupled", {"window": "task", "encoding": "rope"}),
        ("sorting", "coupled-ordered", {"encoding": "sinusoidal"}),
        ("parity with scratchpad, query-coupled", "coupled", {"window": 1, "encoding": "alibi"}),
        pytest.param("reverse", "none", {}, marks=pytest.mark.slow),
        pytest.param("majority", "random-shift", {}, marks=pytest.mark.slow),
        pytest.param("sum modulo 3", "none", {}, marks=pytest.mark.slow),
        ("sparse parity, k = 2", "absolute", {"encoding": "none", "window": 2}),
    ],
)
def test_a_prediction_is_what_the_model_does(task: str, positions: str, changes: dict[str, Any]) -> None:
    """On the same random sequences, of models that get some right: they differ at most where float32 rounds."""
    own = Trainer(
        TrainConfig(
            task, positions, layers=1, heads=1, width=16, mlp=False, norm=False, longest=3, n_ids=40, steps=150, batch=32,
            rate=2e-2, warmup=5, log_scale=True, **changes,
        ),
        threads=1,
    )  # fmt: skip
    own.run()
    for length in (3, 6):
        prediction = predicted_accuracy(own, length, size=60)
        assert prediction.size == 60
        assert abs(prediction.right - Fraction(evaluate(own, task, length, size=60).free_running, 60)) <= Fraction(
            1, 60
        )


def test_predictions_of_another_task_and_length() -> None:
    own = trainer("parity with scratchpad, query-coupled", "coupled", window=0)
    other = "parity with scratchpad, token-coupled"
    assert predicted_accuracy(own, 3, task=other, size=20).right == Fraction(
        evaluate(own, other, 3, size=20).free_running, 20
    )
    with pytest.raises(InvalidArgument, match="a task with the tokens"):
        predicted_accuracy(own, 3, task="copy")
    with pytest.raises(InvalidArgument, match="predicted_accuracy: argument length: got 0"):
        predicted_accuracy(own, 0)
    with pytest.raises(InvalidArgument, match="at most 64"):
        predicted_accuracy(trainer("count ones"), 65)
    with pytest.raises(InvalidArgument, match="a model with an MLP"):
        predicted_accuracy(trainer("majority", mlp=True), 3)


def test_long_sequences_are_read_in_time_that_grows_with_the_length() -> None:
    own = trainer("copy, query-coupled", "coupled", window=0, encoding="rope")
    assert predicted_accuracy(own, 5000, size=1).size == 1
    assert 0 <= predicted_accuracy(trainer("majority"), 20_000).right <= 1
