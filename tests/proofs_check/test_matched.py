"""The class of heads that a model has, and the theorem about attention-only models beside runs of them."""

from __future__ import annotations

from typing import Any

import pytest

from idealized_model.transformer.data import POSITIONS
from idealized_model.transformer.runs import Evaluation, run
from idealized_model.transformer.training import TrainConfig
from proofs_check.verdicts import matched
from proofs_check.verdicts.deciding import Scheme
from proofs_check.verdicts.matched import KEY_OF, attention_only, class_of, decided, kept, name_of, training_errors

ALONE: dict[str, Any] = {"layers": 1, "heads": 1, "mlp": False, "norm": False}


def test_the_class_has_what_attention_sees_of_the_ids() -> None:
    for name, how in POSITIONS.items():
        scheme = class_of(TrainConfig("copy", name))
        assert (scheme.key, scheme.coupled, scheme.increments) == (KEY_OF[how.encoding], how.coupled, how.predicted)
        assert (scheme.window, scheme.packed, scheme.at_most) == ("none", False, True)
        assert scheme.relabel == ("fixed" if how.encoding == "none" else how.relabel)


@pytest.mark.parametrize(
    ("changes", "key", "window", "relabel", "packed"),
    [
        ({"window": "task"}, "absolute", 1, "shift", False),
        ({"window": 3, "packing": 0.75}, "absolute", 3, "shift", True),
        ({"encoding": "rope"}, "relative", "none", "fixed", False),  # differences stay when all IDs are shifted
        ({"encoding": "none", "window": 1}, "none", 1, "fixed", False),
        ({"positions": "coupled-ordered", "encoding": "alibi"}, "relative", "none", "ordered", False),
        ({"positions": "coupled-ordered", "encoding": "none", "window": 1}, "none", 1, "ordered", False),
        ({"positions": "coupled-ordered", "encoding": "none"}, "none", "none", "fixed", False),
    ],
)
def test_the_class_has_the_window_and_the_training_of_the_run(
    changes: dict[str, Any], key: str, window: object, relabel: str, packed: bool
) -> None:
    config = TrainConfig(**{"task": "copy", "positions": "coupled", **changes})
    own = class_of(config)
    assert (own.key, own.window, own.relabel, own.packed) == (key, window, relabel, packed)
    assert own == Scheme(name_of(config), "", key, True, window, relabel, packed, at_most=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes", [{"layers": 2}, {"heads": 2}, {"mlp": True}, {"norm": True}, {"positions": "predicted"}], ids=str
)
def test_only_attention_alone_lies_in_the_class(changes: dict[str, Any]) -> None:
    assert attention_only(TrainConfig(**{"task": "pointer chasing", "positions": "coupled", **ALONE}))
    assert not attention_only(TrainConfig(**{"task": "pointer chasing", "positions": "coupled", **ALONE, **changes}))


def test_heads_have_as_many_tokens_as_the_task_needs_and_two_where_attention_is_alone() -> None:
    task, small = "addition, reversed, carry shown, query-coupled", {"positions": "coupled", "window": "task"}
    full, alone = (decided(TrainConfig(task, **small, **own), "hard") for own in ({}, ALONE))  # type: ignore[arg-type]
    assert full is not None
    assert alone is not None
    assert [cell.decisions[0].heads.arity for cell in (full, alone)] == [3, 2]
    assert full.decisions[0].word == "✓ from 3"
    dense = decided(TrainConfig("majority", "none"), "hard")
    assert dense is not None
    assert dense.decisions[0].heads.arity == 3


def test_laws_with_many_choices_of_ids_are_listed_at_short_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig("copy, query-coupled", "coupled-ordered", width=32)
    cell = decided(config, "hard")
    assert cell is not None
    assert cell.scope == "2 symbols; 1..3 → 1..5 mixed"
    monkeypatch.setattr("proofs_check.verdicts.deciding.EXAMPLES", 600)
    shorter = decided.__wrapped__(config, "hard")
    assert shorter is not None
    assert shorter.scope == "2 symbols; 1..2 → 1..4 mixed"
    monkeypatch.setattr("proofs_check.verdicts.deciding.EXAMPLES", 5)
    assert decided.__wrapped__(config, "hard") is None


# ── Theorems ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def windowed() -> dict[str, Any]:
    """A short run that is perfect in training."""
    config = TrainConfig(
        "sorting, query-coupled", "coupled", window="task", longest=2, n_ids=10, steps=400, batch=32, width=16, rate=1e-2,
        warmup=20, decay=0.0, **ALONE,
    )  # fmt: skip
    return run(config, Evaluation((2, 4, 8), size=20, every_step=True))


def test_a_window_of_the_task_guarantees_every_step_and_a_perfect_model_keeps_it(windowed: dict[str, Any]) -> None:
    assert training_errors(windowed) == 0
    for test, length in zip(kept(windowed), (2, 4, 8), strict=True):
        steps = 20 * length
        assert (test.length, test.steps, test.guaranteed, test.right, test.broken) == (length, steps, steps, steps, 0)
        assert (test.sequences, test.guaranteed_sequences, test.right_sequences) == (20, 20, 20)


def test_a_guaranteed_step_that_is_wrong_is_counted_and_a_wrong_one_that_is_not_guaranteed_is_not(
    windowed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = windowed["every_step"]
    wrong = {**noted, "tests": [{**own, "wrong": [[3, 0], [3, 1], [7, 1]]} for own in noted["tests"]]}
    spoiled = {**windowed, "every_step": wrong}
    first = kept(spoiled)[0]
    assert (first.broken, first.right, first.right_sequences) == (3, 37, 18)
    monkeypatch.setattr(matched, "_guaranteed", lambda *given: set())
    first = kept(spoiled)[0]
    assert (first.broken, first.guaranteed, first.guaranteed_sequences, first.right) == (0, 0, 0, 37)


def test_without_a_window_longer_sequences_are_guaranteed_nothing() -> None:
    config = TrainConfig("sorting, query-coupled", "coupled", longest=2, n_ids=10, steps=1, batch=4, width=8, **ALONE)
    row = run(config, Evaluation((2, 4), size=10, every_step=True))
    short, long = kept(row)
    assert (short.guaranteed, short.steps) == (20, 20)  # what training shows is guaranteed
    assert long.guaranteed == 0
