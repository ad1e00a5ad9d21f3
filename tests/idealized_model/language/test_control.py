"""The controls on planted text: rows say what models do on fresh examples, and a trained meter finds what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idealized_model.language import control
from idealized_model.language.control import (
    BODY,
    EPSILON,
    Control,
    contrasts,
    exact,
    protocol,
    rises,
    row_of,
    shares,
    trained,
)
from idealized_model.language.meter import PATHS, exhaustive
from idealized_model.language.planted import GRID, SEVEN, PlantedText
from idealized_model.transformer import Engine, ModelConfig, TrainConfig, Trainer
from idealized_model.transformer.results import read_rows
from tests.idealized_model.language.told import Oracle
from theory import InvalidArgument


def small(text: PlantedText, kind: control.Kind = "judged", seed: int = 0) -> Control:
    config = TrainConfig("text", encoding="rope", steps=2, width=8, layers=1, heads=2, warmup=1, seed=seed)
    return Control(kind, text, config)


def done(of: Control) -> Trainer:
    trainer = Trainer(of.config, source=of.text, threads=1)
    trainer.run()
    return trainer


def test_the_protocol() -> None:
    first, second, *judged = protocol(2)
    assert (first.text.body, second.text.body, second.kind, second.config) == (58, BODY - 1, "meter", first.config)
    assert (first.kind, first.text.questions, first.text.kept, first.config.encoding) == ("meter", SEVEN, None, "rope")
    assert {one.kind for one in judged} == {"judged"}
    assert {(one.text.questions, one.text.body) for one in judged} == {(GRID, BODY)}
    kinds = [(one.config.encoding, one.text.kept) for one in judged]
    assert kinds == [("rope", 16), ("rope", 32), ("rope", 64), ("alibi", 32), ("none", 32)] * 2
    assert [one.config.seed for one in judged] == [0] * 5 + [1] * 5
    assert first.config.seed not in {one.config.seed for one in judged}
    assert len({one.key for one in protocol(2)} | {one.key for one in protocol(2, steps=9)}) == 24
    assert len({str(one) for one in protocol(2)}) == 12
    assert {one.group for one in protocol(1)} == {"meter", "judged"}
    with pytest.raises(InvalidArgument, match="seeds"):
        protocol(0)


def test_a_meter_that_knows_finds_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = PlantedText(body=18, rows=2)
    run = small(text, "meter")
    monkeypatch.setattr(control, "Engine", lambda model, threads: Oracle(text))
    row = row_of(run, done(run), size=3)
    assert row["needed"] == [1, 2, 3, 4, 5, 3, 2]
    assert row["least"] == [[k] * 3 for k in row["needed"]]
    assert exact(row) == [1.0] * 7
    assert row["epsilon"] == EPSILON
    for i, own in enumerate(zip(*(row["found"][path] for path in PATHS), strict=True)):
        assert np.min(own, axis=0).tolist() == row["least"][i]
    assert row["found"]["recency"][4] != row["least"][4]
    assert (row["kind"], row["kept"], row["body"], row["size"]) == ("meter", None, 18, 3)
    assert (row["digest"], row["code"]) == run.key


def test_a_judged_model_is_asked_the_same_of_the_short_text_and_of_the_whole() -> None:
    text = PlantedText(GRID, body=24, rows=2, kept=12)
    run = small(text)
    trainer = done(run)
    row = row_of(run, trainer, size=5)
    engine = Engine(trainer.model, threads=1)
    assert row["bits"] == [[1], [2], [4], [1, 1], [2, 2], [1, 1, 1, 1]]
    for number in range(6):
        short = text.examples(number, 5, np.random.default_rng([2**31, number]))[0]
        whole = PlantedText(GRID, body=24).examples(number, 5, np.random.default_rng([2**31, number]))[0]
        assert (short.tokens.shape, whole.tokens.shape) == ((5, 13), (5, 25))
        assert (np.take_along_axis(whole.tokens, short.ids, axis=1) == short.tokens).all()
        assert (short.targets == whole.targets).all()
        for name, batch in (("before", short), ("after", whole)):
            logits = engine.logits(trainer.parameters, batch)[0][:, 0].astype(float)
            right = logits[np.arange(5), batch.targets[:, 0]]
            assert row[name][number] == pytest.approx((np.log(np.exp(logits).sum(axis=1)) - right).mean(), abs=1e-5)


def test_a_run_goes_on_and_says_its_steps(tmp_path: Path) -> None:
    run = small(PlantedText(GRID, body=20, rows=2, kept=12))
    steps: list[int] = []
    first = trained(run, tmp_path, tick=steps.append)
    assert (sum(steps), first.step) == (2, 2)
    again = trained(run, tmp_path)
    assert (again.parameters.flat == first.parameters.flat).all()
    assert (tmp_path / str(run) / "checkpoint.npz").exists()
    other = small(PlantedText(GRID, body=20, rows=2, kept=12), seed=1)
    assert row_of(run, again, size=2)["after"] != row_of(other, trained(other, tmp_path), size=2)["after"]


def test_a_model_that_is_not_trained_is_refused() -> None:
    run = small(PlantedText(GRID, body=20, rows=2, kept=12))
    trainer = Trainer(run.config, source=run.text, threads=1)
    with pytest.raises(InvalidArgument, match="got step 0 of 2; expected a trained model"):
        row_of(run, trainer)


def test_damage_is_pooled_over_seeds() -> None:
    bits = {"bits": [[1], [1, 1]]}
    row: dict[str, Any] = {
        "kind": "judged",
        "encoding": "rope",
        "kept": 16,
        "name": ["a", "b"],
        "needed": [2, 3],
        **bits,
    }
    rows = [
        row | {"seed": 0, "before": [0.0, 0.1], "after": [0.5, 0.2]},
        row | {"seed": 0, "kept": 32, "before": [0.0, 0.0], "after": [0.1, 0.1]},
        row | {"seed": 1, "before": [0.1, 0.1], "after": [0.2, 0.4]},
        {"kind": "meter"},
    ]
    found = [(one["kept"], one["name"], one["bits"], one["seeds"], one["damage"]) for one in rises(rows)]
    assert found == [
        (16, "a", [1], 2, 0.3),
        (16, "b", [1, 1], 2, 0.2),
        (32, "a", [1], 1, 0.1),
        (32, "b", [1, 1], 1, 0.1),
    ]
    lost = np.array([(0.3, 0.1, 0.5), (0.1, 0.05, 0.15), (0.1, 0.1, 0.1), (0.05, 0.05, 0.05)]) / np.log(2)
    ends = [(one["share"], one["lowest"], one["highest"]) for one in rises(rows)]
    assert np.array(ends) == pytest.approx(lost, abs=1e-4)
    assert shares(rows[2]) == pytest.approx([0.1 / np.log(2), 0.15 / np.log(2)], abs=1e-4)
    for other in (rows[2], rows[2] | {"seed": 2, "steps": 3}):
        with pytest.raises(InvalidArgument, match="got several of a seed, or of several trainings"):
            rises([*rows, other])
        with pytest.raises(InvalidArgument, match="got several of a seed, or of several trainings"):
            contrasts([*rows, other])


def test_contrasts_count_runs_by_the_share_and_small_differences_for_neither_side() -> None:
    each = np.log(2)  # a share of 1 of one bit
    row: dict[str, Any] = {"kind": "judged", "encoding": "rope", "kept": 16, "bits": [list(one.bits) for one in GRID]}
    shares_of = {  # of one bit of one, two, four of one; one of two, two of two; one of four
        0: (0.5, 9.0, 0.52, 9.0, 9.0, 0.54),
        1: (0.5, 0.0, 0.491, 0.0, 0.0, 0.509),
        2: (0.5, 0.0, 0.3, 0.0, 0.0, 0.485),
    }
    rows = [{"kind": "meter"}] + [
        row | {"seed": seed, "before": [0.1] * 6, "after": [
            0.1 + share * sum(one.bits) * each for share, one in zip(own, GRID, strict=True)
        ]} for seed, own in shares_of.items()
    ]  # fmt: skip
    assert [tuple(one.values()) for one in contrasts(rows)] == [
        ("one bit of each", 3, 1, 1), ("four bits in all", 3, 3, 0), ("one token", 3, 1, 1),
    ]  # fmt: skip


def test_stored_rows_are_those_of_the_protocol() -> None:
    """No other texts, models and versions than those that are there now."""
    stored = {(row["digest"], row["code"]) for row in read_rows("figures/data/planted.jsonl")}
    assert stored == {one.key for one in protocol()}


@pytest.mark.slow
def test_a_trained_meter_finds_what_is_needed_and_no_smaller_set_suffices() -> None:
    """Of fresh draws at least 95 of 100 exactly, for every question; by exhaustion no set of fewer tokens will do."""
    run = protocol(1)[0]
    trainer = Trainer(run.config, source=run.text, threads=2)
    trainer.run()
    row = row_of(run, trainer)
    assert min(exact(row)) >= 0.95
    assert isinstance(trainer.model, ModelConfig)
    engine = Engine(trainer.model, threads=2)
    for number, question in enumerate(SEVEN):
        for context in run.text.examples(number, 2, np.random.default_rng(number))[0].tokens:
            fewer = exhaustive(engine, trainer.parameters, context, epsilon=EPSILON, largest=min(question.k, 4))
            assert fewer is None if question.k > 4 else len(fewer or ()) == question.k
