"""The planted control: whole texts and parts of the same draws, in rows that say what was wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from idealized_model.language import PlantedText
from idealized_model.language.control import EPSILONS, control, planted_row, train_planted
from idealized_model.language.planted import FOUR_BITS, SEVEN
from idealized_model.transformer.training import TEXT, TrainConfig

TINY = TrainConfig(TEXT, encoding="rope", seed=9, steps=4, warmup=1, width=8, layers=1, heads=2)


def test_the_runs_of_the_control() -> None:
    meter, *judged = control(2)
    assert meter.text == PlantedText(SEVEN)
    assert [(cell.kept, cell.config.seed, cell.config.steps) for cell in judged] == [
        (12, 0, 2000), (24, 0, 2000), (12, 1, 2000), (24, 1, 2000),
    ]  # fmt: skip
    assert judged[0].text == PlantedText(FOUR_BITS, kept=12)
    assert meter.config.seed not in {cell.config.seed for cell in judged}
    assert len({cell.key for cell in (meter, *judged, *control(1, examples=3))}) == 8


def test_rows_hold_what_the_models_say(tmp_path: Path) -> None:
    meter, judged = control(1, config=TINY, kept=(12,), examples=3)
    ticks: list[int] = []
    row = planted_row(meter, tmp_path, tick=ticks.append)
    assert ticks == [1, 1, 1, 1]
    assert row["wanted"] == [question.k for question in SEVEN]
    assert np.shape(row["found"]) == np.shape(row["recency_k"]) == (3, 7, 3)
    assert row["epsilons"] == list(EPSILONS)
    assert (row["planted"], row["seed"], row["steps"], row["kept"]) == ("meter", 9, 4, None)
    row = planted_row(judged, tmp_path)
    assert row["questions"] == [question.name for question in FOUR_BITS]
    assert np.shape(row["before"]) == np.shape(row["after"]) == (4, 3)
    trainer = train_planted(judged, tmp_path)
    for name, kept in (("before", 12), ("after", None)):
        batch, _ = PlantedText(FOUR_BITS, kept=kept).examples(2, 3, np.random.default_rng([999, 2]))
        losses = trainer.engine.losses(trainer.parameters, batch)[:, 0]
        assert row[name][2] == pytest.approx(losses.tolist(), abs=1e-4)
    assert (tmp_path / "planted" / "kept-12" / "0" / "checkpoint.npz").exists()


def test_what_is_kept_is_a_part_of_the_whole() -> None:
    part, whole = (
        PlantedText(FOUR_BITS, kept=kept).examples(1, 20, np.random.default_rng([999, 1]))[0] for kept in (12, None)
    )
    assert (part.targets - whole.targets == 0).all()
    for tokens, ids, others in zip(part.tokens, part.ids, whole.tokens, strict=True):
        assert (tokens == others[ids]).all()
