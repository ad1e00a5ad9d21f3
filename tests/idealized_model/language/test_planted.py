"""Planted text: what is drawn is what is said, batch by batch, and its questions need as many tokens as they say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import comb
from typing import Any

import numpy as np
import pytest

from idealized_model.language.planted import ANSWERS, FILLERS, FOUR_BITS, SEVEN, PlantedText, Question
from idealized_model.transformer import Batch
from tests.idealized_model.language.told import posterior
from theory import InvalidArgument

TEXTS = [
    PlantedText(body=20, rows=6),
    PlantedText(FOUR_BITS, body=20, rows=6, kept=13),
    PlantedText((Question("nothing", ()), Question("two bits", (2,)), Question("three", (1, 2, 1))), body=6, rows=4),
]


def read(text: PlantedText, batch: Batch, row: int) -> tuple[list[int], list[list[int]], list[int], list[int]]:
    """(fillers, the values of every question, the questions asked, the answers) of a row, from the vocabulary as it is said:
    fillers, the values of one question after the other, the questions, the answers."""
    kept = int(batch.queries[row, 0])
    tokens, answers = batch.tokens[row].tolist(), batch.targets[row].tolist()
    values: list[list[int]] = []
    first = FILLERS
    for question in text.questions:
        n = max(question.bits) + 1 if question.bits else 0
        values.append([token - first for token in tokens[:kept] if first <= token < first + n])
        first += n
    asked = [token - first for token in tokens[kept:]]
    first += len(text.questions)
    assert text.n_tokens == first + ANSWERS
    return [t for t in tokens[:kept] if t < FILLERS], values, asked, [answer - first for answer in answers]


def right(question: Question, values: list[int]) -> int:
    match question.answer:
        case "sum":
            return sum(values)
        case "parity":
            return sum(values) % 2
        case "either":
            return values[0]


@pytest.mark.parametrize("text", TEXTS)
def test_a_batch_asks_every_question_and_has_the_answers_of_the_whole(text: PlantedText) -> None:
    n, questions = len(text.questions), len(text.questions)
    wholes = 0
    for step in range(12):
        batch = text.batch(step, np.random.default_rng(step))
        kept = batch.tokens.shape[1] - n
        wholes += kept == text.body
        assert len(batch) == text.rows
        assert (batch.weights == 1).all()
        assert (batch.queries == kept + np.arange(n)).all()
        assert (np.diff(batch.ids, axis=1) > 0).all()
        assert (batch.ids[:, kept:] == text.body + np.arange(n)).all()
        assert batch.ids.min() >= 0
        for row in range(text.rows):
            fillers, values, asked, answers = read(text, batch, row)
            assert len(fillers) + sum(map(len, values)) == kept
            assert sorted(asked) == list(range(questions))
            if kept == text.body or text.kept is not None:
                assert [len(own) for own in values] == [len(question.bits) for question in text.questions]
                assert answers == [right(text.questions[i], values[i]) for i in asked]
            for i, answer in zip(asked, answers, strict=True):  # of what is kept, the answer is possible
                assert posterior(text.questions[i], tuple(sorted(values[i])))[answer] > -20
    assert wholes == 0 if text.kept is not None else 2 <= wholes <= 10


def test_half_of_the_batches_have_gaps_and_often_few_tokens_with_all_of_a_question() -> None:
    text = PlantedText(rows=8)
    parity = text.questions.index(SEVEN[5])
    kept, pairs = [], []
    for step in range(400):
        batch = text.batch(step, np.random.default_rng(step))
        n = batch.tokens.shape[1] - len(SEVEN)
        kept.append(n)
        if 3 <= n <= 9:
            pairs += [len(read(text, batch, row)[1][parity]) for row in range(text.rows)]
    gaps = np.array([n for n in kept if n < text.body])
    assert 160 < len(gaps) < 240
    assert 0.3 < (gaps < 9).mean() < 0.5  # the root of 9/58 is 0.39
    assert gaps.max() > 50
    assert 0.1 < (np.array(pairs) == 2).mean() < 0.5  # by chance (9/58)^2 = 0.02 at most
    assert 0.4 < (np.array(pairs) == 0).mean() < 0.9


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
            first = FILLERS
            for one, own, seen in zip(text.questions, places, values, strict=True):
                assert sorted(at[int(place)] - first for place in own[row]) == sorted(seen)
                first += max(one.bits, default=-1) + 1
            assert len({int(p) for own in places for p in own[row]}) == text.n_planted


def test_places_and_values_are_even() -> None:
    text = PlantedText(FOUR_BITS, body=12)
    batch, places = text.examples(0, 4000, np.random.default_rng(0))
    found = Counter(places[3].ravel().tolist())
    assert all(abs(found[i] / 16000 - 1 / 12) < 0.01 for i in range(12))
    answers = Counter((batch.targets[:, 0] - text.n_tokens + ANSWERS).tolist())
    assert all(abs(answers[i] / 4000 - comb(4, i) / 16) < 0.03 for i in range(5))
    fillers = Counter(batch.tokens[batch.tokens < FILLERS].tolist())
    assert len(fillers) == FILLERS
    assert max(fillers.values()) < 1.15 * min(fillers.values())


def test_four_bits_have_one_law_of_the_answer_and_need_every_token() -> None:
    """By enumeration: certain with all tokens; without one of them at least log 2 is missing, whatever was drawn."""
    for n, question in enumerate(FOUR_BITS, 1):
        assert question.k == 1 + n
        assert np.exp(posterior(question, ())) == pytest.approx([comb(4, i) / 16 for i in range(5)])
        values = [tuple(v) for v in np.ndindex(*(bits + 1 for bits in question.bits))]
        for all_of_them in values:
            full = posterior(question, tuple(sorted(all_of_them)))
            assert full[sum(all_of_them)] == pytest.approx(0)
            for i in range(n):
                part = posterior(question, tuple(sorted(all_of_them[:i] + all_of_them[i + 1 :])))
                assert -part[sum(all_of_them)] > 0.4


def test_the_number_of_tokens_that_a_question_needs() -> None:
    assert [question.k for question in SEVEN] == [1, 2, 3, 4, 5, 3, 2]
    assert [question.k for question in FOUR_BITS] == [2, 3, 4, 5]


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
        (lambda: Question("q", (1, 2), "either"), "the same for all tokens"),
        (lambda: Question("q", (1,), "all"), "one of sum, parity, either"),  # type: ignore[arg-type]
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
