"""Planted text: what is drawn is what is said, batch by batch, and its questions need as many tokens as they say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import comb
from typing import Any

import numpy as np
import pytest

from idealized_model.language.planted import FILLERS, GRID, SEVEN, PlantedText, Question
from idealized_model.transformer import Batch
from tests.idealized_model.language.told import posterior, seen_in, values_of
from theory import InvalidArgument

TEXTS = [
    PlantedText(body=20, rows=6),
    PlantedText(GRID, body=20, rows=6, kept=13),
    PlantedText((Question("nothing", ()), Question("two bits", (2,)), Question("three", (1, 2, 1))), body=6, rows=4),
]


def read(text: PlantedText, batch: Batch, row: int) -> tuple[int, list[tuple[int | None, ...]], list[int], list[int]]:
    """(how many fillers, the values of every question, the questions asked, the answers) of a row."""
    kept = int(batch.queries[row, 0])
    tokens, first = batch.tokens[row].tolist(), values_of(text)[-1][-1].stop + len(text.questions)
    values = [seen_in(tokens[:kept], own) for own in values_of(text)]
    asked = [token - first + len(text.questions) for token in tokens[kept:]]
    return sum(t < FILLERS for t in tokens[:kept]), values, asked, [a - first for a in batch.targets[row].tolist()]


def right(question: Question, values: tuple[int | None, ...]) -> int:
    known = [value for value in values if value is not None]
    match question.answer:
        case "sum":
            return sum(known)
        case "parity":
            return sum(known) % 2
        case "either":
            return known[0]
        case "bits":
            written = (f"{value:04b}"[4 - bits :] for bits, value in zip(question.bits, known, strict=True))
            return int("".join(written), 2)


@pytest.mark.parametrize("text", TEXTS)
def test_a_batch_asks_questions_and_has_the_answers_of_the_whole(text: PlantedText) -> None:
    n, asks = len(text.questions), Counter[str]()
    for step in range(40):
        batch = text.batch(step, np.random.default_rng(step))
        kept = int(batch.queries[0, 0])
        each = batch.tokens.shape[1] - kept
        whole = text.kept is not None or kept == text.body
        asks["whole" if whole else "alone" if each == 1 else "gaps"] += 1
        assert each in ((n,) if whole else (1, n))
        assert len(batch) == (text.rows if each == n else min(n * text.rows, text.rows * (text.body + n) // (kept + 1)))
        assert batch.tokens.size <= text.rows * (text.body + n)
        assert (batch.weights == 1).all()
        assert (batch.queries == kept + np.arange(each)).all()
        assert (np.diff(batch.ids, axis=1) > 0).all()
        assert (batch.ids[:, kept:] == text.body + np.arange(each)).all()
        assert batch.ids.min() >= 0
        for row in range(len(batch)):
            fillers, values, asked, answers = read(text, batch, row)
            seen = [value for own in values for value in own if value is not None]
            assert fillers + len(seen) == kept
            assert len(set(asked)) == each
            if whole:
                assert len(seen) == text.n_planted
                assert answers == [right(text.questions[i], values[i]) for i in asked]
            for i, answer in zip(asked, answers, strict=True):  # of what is kept, the answer is possible
                assert posterior(text.questions[i], values[i])[answer] > -20
    if text.kept is None:
        assert {kind: 1 for kind, count in asks.items() if count >= 4} == {"whole": 1, "alone": 1, "gaps": 1}
        assert 12 < asks["whole"] < 28
    else:
        assert asks == {"whole": 40}


def test_half_of_the_batches_have_gaps_and_often_few_tokens_with_all_of_a_question() -> None:
    text, parity = PlantedText(rows=4), 5
    kept: list[int] = []
    pairs: dict[int, list[int]] = {1: [], len(SEVEN): []}  # by the questions of a sequence, where parity is among them
    for step in range(400):
        batch = text.batch(step, np.random.default_rng(step))
        n = int(batch.queries[0, 0])
        each = batch.tokens.shape[1] - n
        kept.append(n)
        if 3 <= n <= 9:
            for row in range(len(batch)):
                _, values, asked, _ = read(text, batch, row)
                pairs[each] += [2 - values[parity].count(None)] if parity in asked else []
    gaps = np.array([n for n in kept if n < text.body])
    assert 160 < len(gaps) < 240
    assert 0.3 < (gaps < 9).mean() < 0.5  # the root of 9/58 is 0.39
    assert gaps.max() > 50
    for many, least, most in ((1, 0.3, 0.75), (len(SEVEN), 0.1, 0.45)):  # by chance (9/58)^2 = 0.02 at most
        assert least < (np.array(pairs[many]) == 2).mean() < most
        assert (np.array(pairs[many]) == 0).mean() > 0.2


@pytest.mark.parametrize("text", TEXTS)
def test_examples_ask_one_question_at_the_end(text: PlantedText) -> None:
    for number, question in enumerate(text.questions):
        batch, places = text.examples(number, 5, np.random.default_rng(number))
        kept = text.kept or text.body
        assert batch.tokens.shape == (5, kept + 1)
        assert (batch.ids[:, -1] == text.body).all()
        assert (batch.queries == kept).all()
        for row in range(5):
            _, values, asked, answers = read(text, batch, row)
            assert asked == [number]
            assert answers == [right(question, values[number])]
            at = {int(place): int(token) for place, token in zip(batch.ids[row], batch.tokens[row], strict=True)}
            for own, seen, tokens in zip(places, values, values_of(text), strict=True):
                there = [at[int(place)] for place in own[row]]
                assert there == [one.start + (value or 0) for one, value in zip(tokens, seen, strict=True)]
            assert len({int(p) for own in places for p in own[row]}) == text.n_planted


def test_places_and_values_are_even() -> None:
    text = PlantedText(SEVEN[3:5], body=12)
    batch, places = text.examples(1, 4000, np.random.default_rng(0))
    found = Counter(places[1].ravel().tolist())
    assert all(abs(found[i] / 16000 - 1 / 12) < 0.01 for i in range(12))
    answers = Counter((batch.targets[:, 0] - text.n_tokens + 5).tolist())
    assert all(abs(answers[i] / 4000 - comb(4, i) / 16) < 0.03 for i in range(5))
    fillers = Counter(batch.tokens[batch.tokens < FILLERS].tolist())
    assert len(fillers) == FILLERS
    assert max(fillers.values()) < 1.15 * min(fillers.values())


def test_the_grid_asks_for_1_2_or_4_bits_of_each_of_1_2_or_4_tokens() -> None:
    asked = {(len(question.bits), *set(question.bits)) for question in GRID}
    assert asked == {(j, b) for j in (1, 2, 4) for b in (1, 2, 4) if b * j <= 4}
    assert len(GRID) == 6
    for question in GRID:
        assert question.k == 1 + len(question.bits)
        assert question.values == (16,) * len(question.bits)
        assert question.n_answers == 2 ** sum(question.bits)


@pytest.mark.parametrize("question", GRID)
def test_all_answers_are_equally_likely_and_every_token_that_is_missing_takes_its_bits(question: Question) -> None:
    """Counted from what is drawn: of 16 values each, so many times, and the answers that the values have."""
    rng, n, most = np.random.default_rng(4), len(question.bits), question.n_answers
    values = question.drawn(6400, rng)
    assert all(Counter(own.tolist()).keys() == set(range(16)) for own in values.T)
    assert all(abs(count - 400) < 100 for own in values.T for count in Counter(own.tolist()).values())
    answers = question.of(values)
    assert {
        answer: 1 for answer, count in Counter(answers.tolist()).items() if abs(count * most / 6400 - 1) < 0.25
    } == (dict.fromkeys(range(most), 1))
    for i, bits in enumerate(question.bits):  # of all that a token can be, with the others as they are
        others = np.repeat(values[:1], 16, axis=0)
        others[:, i] = np.arange(16)
        assert set(Counter(question.of(others).tolist()).values()) == {16 // 2**bits}
    assert posterior(question, (None,) * n) == pytest.approx([-np.log(most)] * most)
    assert posterior(question, tuple(values[0].tolist()))[answers[0]] == 0


def test_tokens_that_are_asked_for_bits_are_independent() -> None:
    values = GRID[-1].drawn(4000, np.random.default_rng(5))
    pairs = Counter(zip((values[:, 0] % 2).tolist(), (values[:, 3] % 2).tolist(), strict=True))
    assert all(900 < count < 1100 for count in pairs.values())
    assert len(pairs) == 4


def test_the_number_of_tokens_that_a_question_needs() -> None:
    assert [question.k for question in SEVEN] == [1, 2, 3, 4, 5, 3, 2]
    assert [question.n_answers for question in SEVEN] == [1, 2, 3, 4, 5, 2, 2]
    assert (Question("q", ()).n_answers, Question("q", (), "bits").n_answers) == (1, 1)
    assert (PlantedText().n_tokens, PlantedText(GRID).n_tokens) == (8 + 28 + 7 + 5, 8 + 11 * 16 + 6 + 16)


def test_another_text_has_another_digest() -> None:
    text = PlantedText()
    others = [
        replace(text, body=59), replace(text, rows=31), replace(text, kept=20), replace(text, questions=SEVEN[:-1]),
        replace(text, questions=(*SEVEN[:-1], replace(SEVEN[-1], answer="sum"))),
    ]  # fmt: skip
    assert len({text.digest, *(other.digest for other in others)}) == 6
    assert text.digest == PlantedText().digest


def test_the_same_generator_draws_the_same_batch() -> None:
    first, second = (PlantedText().batch(3, np.random.default_rng([5, 3])) for _ in range(2))
    assert (first.tokens == second.tokens).all()
    assert (first.targets == second.targets).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Question("q", [1]), "a tuple of integers"),  # type: ignore[arg-type]
        (lambda: Question("q", (0,)), r"bits\[0\]"),
        (lambda: Question("q", (5,)), r"bits\[0\]"),
        (lambda: Question("q", (3, 2)), "4 bits in all"),
        (lambda: Question("q", (3, 2), "bits"), "4 bits in all"),
        (lambda: Question("q", (1, 2), "either"), "the same for all tokens"),
        (lambda: Question("q", (1,), "all"), "one of sum, parity, either, bits"),  # type: ignore[arg-type]
        (lambda: PlantedText(()), "questions of other names"),
        (lambda: PlantedText((SEVEN[0], SEVEN[0])), "questions of other names"),
        (lambda: PlantedText(body=13), "at least the 14 planted tokens"),
        (lambda: PlantedText(rows=0), "rows"),
        (lambda: PlantedText(kept=13), "from the 14 planted tokens to the 58 of the body"),
        (lambda: PlantedText(kept=59), "from the 14 planted tokens to the 58 of the body"),
        (lambda: PlantedText().examples(7, 1, np.random.default_rng(0)), "question"),
        (lambda: PlantedText().examples(0, 0, np.random.default_rng(0)), "size"),
    ],
)
def test_what_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()
