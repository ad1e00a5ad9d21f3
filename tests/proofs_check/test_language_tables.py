"""Tables of `lengthgen language report`: what far context is worth."""

from __future__ import annotations

from typing import Any

from idealized_model.transformer.results import Row
from proofs_check.commands.language_tables import far, losses


def rows_of(times: int) -> list[Row]:
    """A corpus of five tokens, three of them copied from beyond 8, again and again, in two blocks."""
    common = {"corpus": "a", "tokens": "0", "window": 256, "steps": 9}

    def row(model: str, length: int, seed: int, **lists: list[Any]) -> Row:
        return (
            common
            | {"model": model, "length": length, "seed": seed}
            | {name: own * times for name, own in lists.items()}
        )

    meter: Row = row(
        "meter", 256, 7, block=[0, 1, 1, 0, 1], position=[1, 2, 3, 4, 5], distance=[0, 64, 8, 9, 200], few=[0] * 5,
        entropy=[1.0] * 5, kl_at_one=[1.0] * 5, full=[1.0] * 5,
    ) | {"start": 0, "epsilons": [0.05], "k": [[1] * 5 * times], "recency_k": [[1] * 5 * times]}  # fmt: skip
    return [
        meter,
        row("short", 8, 0, before=[1.0, 2.0, 1.0, 2.0, 4.0], after=[1.5, 2.5, 1.0, 2.0, 3.0]),
        row("short", 8, 1, before=[3.0, 4.0, 1.0, 2.0, 6.0], after=[3.5, 3.5, 1.0, 2.0, 5.0]),
        row("long", 256, 0, before=[1.5, 2.0, 1.0, 2.0, 1.5], after=[1.5, 2.0, 1.0, 2.0, 1.5]),
    ]


def cells(times: int) -> list[list[str]]:
    return [
        list(map(str, line)) for line in zip(*(column.cells for column in far(rows_of(times)).columns), strict=True)
    ]


def test_what_far_context_is_worth() -> None:
    copied, other = cells(8)
    assert copied[:6] == ["a", "short", "8", "24", "far", "+1.500"]  # 1, 0 and 3.5 nats
    assert copied[7] == "+0.333"  # 0, 0 and 1
    assert other[:6] == ["a", "short", "8", "16", "other", "+0.250"]  # 0.5 and 0
    assert other[7] == "-0.250"
    assert copied[6] == "[+0.000, +2.250]"  # of two blocks either may be drawn twice


def test_of_too_few_tokens_no_mean_is_told() -> None:
    assert cells(1) == [["a", "short", "8", n, what, *["-"] * 4] for n, what in (("3", "far"), ("2", "other"))]


def test_losses_say_of_how_many_blocks_their_intervals_are() -> None:
    caption = losses(rows_of(8), {"a": 0}).caption
    assert isinstance(caption, str)
    assert "Intervals are over blocks of text (2 of a): of few of them they are too narrow." in caption
