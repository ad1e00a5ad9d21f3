"""Engines that are told what to predict, so that what a context needs is known without training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import comb

import numpy as np

from idealized_model.language.planted import FILLERS, PlantedText, Question
from idealized_model.transformer import Batch, Engine, ModelConfig, Parameters
from idealized_model.transformer.config import Array

NEVER = -25.0


class Told(Engine):
    """Predicts one of two evenly where a rule says 0 of the kept positions, and one nearly surely where it says 1."""

    def __init__(self, suffices: Callable[[frozenset[int]], float]) -> None:
        super().__init__(ModelConfig(n_tokens=2, width=2, n_layers=1, n_heads=1), threads=1)
        self.suffices = suffices
        self.seen = 0

    def logits(self, parameters: Parameters, batch: Batch) -> tuple[Array, None]:
        self.seen += batch.tokens.size
        known = [self.suffices(frozenset(row)) for row in batch.ids.tolist()]
        return np.array([[[8.0 * one, 0.0]] for one in known]), None


class Oracle(Engine):
    """Answers questions of planted text by enumeration, from what is kept of their tokens."""

    def __init__(self, text: PlantedText) -> None:
        super().__init__(ModelConfig(n_tokens=text.n_tokens, width=2, n_layers=1, n_heads=1), threads=1)
        self.text = text
        self.values = values_of(text)
        self.asked = self.values[-1][-1].stop

    def logits(self, parameters: Parameters, batch: Batch) -> tuple[Array, None]:
        out = np.full((len(batch), 1, self.text.n_tokens), NEVER)
        for i, row in enumerate(batch.tokens.tolist()):
            number = row[batch.queries[i, 0]] - self.asked
            seen = seen_in(row[: batch.queries[i, 0]], self.values[number])
            law = posterior(self.text.questions[number], seen)
            first = self.asked + len(self.text.questions)
            out[i, 0, first : first + len(law)] = law
        return out, None


def values_of(text: PlantedText) -> list[list[range]]:
    """The tokens of every planted token of every question: in the vocabulary they follow the fillers, one after the other."""
    found: list[list[range]] = []
    first = FILLERS
    for question in text.questions:
        found.append([])
        for bits in question.bits:
            values = 16 if question.answer == "bits" else bits + 1
            found[-1].append(range(first, first + values))
            first += values
    return found


def seen_in(tokens: list[int], values: list[range]) -> tuple[int | None, ...]:
    """The value of every planted token of a question, None of one that is not there."""
    return tuple(next((token - own.start for token in tokens if token in own), None) for own in values)


@cache
def posterior(question: Question, seen: tuple[int | None, ...]) -> tuple[float, ...]:
    """The log-probabilities of all answers when some of the values are seen."""
    if question.answer == "bits":
        return named(question, seen)
    weights = [0.0] * 5
    for values in product(*(range(bits + 1) for bits in question.bits)):
        if question.answer == "either" and len(set(values)) > 1:
            continue
        if any(one not in (None, value) for one, value in zip(seen, values, strict=True)):
            continue
        answer = {"sum": sum(values), "parity": sum(values) % 2, "either": max(values, default=0)}[question.answer]
        law = [comb(bits, value) / 2**bits for bits, value in zip(question.bits, values, strict=True)]
        weights[answer] += law[0] if question.answer == "either" else float(np.prod(law))
    total = sum(weights)
    return tuple(float(np.log(weight / total)) if weight else NEVER for weight in weights)


def named(question: Question, seen: tuple[int | None, ...]) -> tuple[float, ...]:
    """The same where bits are asked for: written one behind the other, each is as the value says, or unknown."""
    law = []
    for answer in range(2 ** sum(question.bits)):
        left, p = f"{answer:0{sum(question.bits)}b}", 1.0
        for bits, value in zip(question.bits, seen, strict=True):
            own, left = left[:bits], left[bits:]
            p *= 2**-bits if value is None else f"{value:04b}".endswith(own)
        law.append(float(np.log(p)) if p else NEVER)
    return tuple(law)


def nothing(engine: Engine) -> Parameters:
    """Parameters for an engine that uses none."""
    return Parameters.zeros(engine.config)
