"""Planted text: a body of filler with tokens that a question asks for, so that how many tokens a prediction needs is known.

It is what the meter is held against before it measures text, and, with questions that take a chosen number of bits of a chosen
number of tokens, what shows whether damage by long context rises with that number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from theory.errors import check, check_integer, check_one_of, check_type

Answer: TypeAlias = Literal["sum", "parity", "either", "bits"]
Integers: TypeAlias = NDArray[np.int64]

FILLERS = 8
"""Tokens without a meaning."""

MOST = 4
"""Bits of a planted token, and of an answer."""


@dataclass(frozen=True)
class Question:
    """What is asked of planted tokens; the value of a token is how many of its fair bits are 1, but for "bits".

    Parameters
    ----------
    name : for people.
    bits : of every planted token of the question.
    answer : the "sum" of the values; its "parity"; of tokens that all have one value, that of "either"; or, of tokens that all
        have 16 values, equally often, the "bits" that are asked for: the last ones of every value, put one behind the other.

    Raises
    ------
    InvalidArgument : for tokens without bits, for answers of more than four, and for "either" of tokens that differ in theirs.

    Examples
    --------
    >>> Question("sum of two", (1, 1)).k, Question("either of two", (1, 1), "either").k
    (3, 2)
    >>> Question("two bits of two", (2, 2), "bits").of(np.array([[0b1101, 0b0010]])).tolist()  # 01 10
    [6]
    """

    name: str
    bits: tuple[int, ...]
    answer: Answer = "sum"

    def __post_init__(self) -> None:
        where, most = "Question", MOST
        check_type(self.bits, tuple, where, "bits", "a tuple of integers", "For instance (1, 1).")
        for i, bits in enumerate(self.bits):
            check_integer(bits, where, f"bits[{i}]", least=1, most=most)
        check_one_of(self.answer, get_args(Answer), where, "answer")
        fits = self.answer not in ("sum", "bits") or sum(self.bits) <= most
        check(fits, where, "bits", self.bits, expected=f"{most} bits in all", fix="Ask for the parity, or for fewer.")
        alike = self.answer != "either" or len(set(self.bits)) == 1
        check(alike, where, "bits", self.bits, expected="the same for all tokens", fix="Either of them answers.")

    @property
    def k(self) -> int:
        """How many tokens the prediction needs, the question itself included."""
        return 2 if self.answer == "either" else 1 + len(self.bits)

    @property
    def values(self) -> tuple[int, ...]:
        """How many values every planted token has."""
        return tuple(2**MOST if self.answer == "bits" else bits + 1 for bits in self.bits)

    @property
    def n_answers(self) -> int:
        """Answers that there are: 0, and all up to that of the largest values."""
        largest = np.array([self.values], dtype=np.int64) - 1
        return 2 if self.answer == "parity" else 1 + int(self.of(largest)[0])

    def drawn(self, size: int, rng: np.random.Generator) -> Integers:
        """Values of the planted tokens, (size, tokens)."""
        shape = size, len(self.bits)
        if self.answer == "bits":
            return rng.integers(0, 2**MOST, shape)
        values = rng.binomial(np.array(self.bits, dtype=np.int64), 0.5, shape)
        return np.broadcast_to(values[:, :1], shape) if self.answer == "either" else values

    def of(self, values: Integers) -> Integers:
        """The answers for values of the planted tokens, (size, tokens)."""
        if self.answer == "bits":
            bits = np.array(self.bits, dtype=np.int64)
            return np.asarray((values % 2**bits * 2 ** (sum(self.bits) - np.cumsum(bits))).sum(axis=1))
        total = values[:, :1].sum(axis=1) if self.answer == "either" else values.sum(axis=1)
        return np.asarray(total % 2 if self.answer == "parity" else total)


SEVEN = (
    Question("nothing", ()),
    Question("one bit", (1,)),
    Question("sum of two", (1, 1)),
    Question("sum of three", (1, 1, 1)),
    Question("sum of four", (1, 1, 1, 1)),
    Question("parity of two", (1, 1), "parity"),
    Question("either of two", (1, 1), "either"),
)
"""Questions of 1 to 5 tokens: additive ones, one whose tokens tell nothing apart, and one with a token to spare."""

GRID = (
    Question("one bit of one token", (1,), "bits"),
    Question("two bits of one token", (2,), "bits"),
    Question("four bits of one token", (4,), "bits"),
    Question("one bit of two tokens", (1, 1), "bits"),
    Question("two bits of two tokens", (2, 2), "bits"),
    Question("one bit of four tokens", (1, 1, 1, 1), "bits"),
)
"""Questions that ask for 1, 2 or 4 bits of each of 1, 2 or 4 tokens, and for no more than four bits in all. All tokens have one
law, and all answers to a question are equally likely."""


@dataclass(frozen=True)
class PlantedText:
    """Text that is drawn: filler, the planted tokens of all questions at random places, and then the questions.

    As a source of training batches the sequences ask all questions, in a random order, behind a body of which some tokens are
    kept, under the IDs that they have in the whole of it.

    Parameters
    ----------
    questions : of different names.
    body : tokens before the questions.
    rows : sequences of a batch that asks all questions.
    kept : how many tokens of the body are kept, all planted ones among them: the short text of a model that is judged at
        the whole. None: the text of a meter. Half of the batches keep all; the others body · u² for a uniform u, in half of
        them the tokens of some questions before all others, and half of them ask one question alone, of more sequences.

    Raises
    ------
    InvalidArgument : when the planted tokens do not fit.

    Examples
    --------
    >>> text = PlantedText(body=20, rows=2, kept=15)
    >>> batch = text.batch(0, np.random.default_rng(0))
    >>> len(batch), text.n_tokens, batch.ids[:, -1].tolist()
    (2, 48, [26, 26])
    """

    questions: tuple[Question, ...] = SEVEN
    body: int = 58
    rows: int = 32
    kept: int | None = None

    def __post_init__(self) -> None:
        where, planted = "PlantedText", self.n_planted
        names = [question.name for question in self.questions]
        fix = "Name each by what it asks."
        check(
            0 < len(names) == len(set(names)), where, "questions", names, expected="questions of other names", fix=fix
        )
        check_integer(self.body, where, "body", least=planted, expected=f"at least the {planted} planted tokens")
        check_integer(self.rows, where, "rows", least=1)
        if self.kept is not None:
            expected = f"from the {planted} planted tokens to the {self.body} of the body"
            check_integer(self.kept, where, "kept", least=planted, most=self.body, expected=expected)

    @property
    def n_planted(self) -> int:
        """Planted tokens of a body."""
        return sum(len(question.bits) for question in self.questions)

    @property
    def n_tokens(self) -> int:
        """The vocabulary: fillers, the values of every planted token, questions, answers."""
        return self._first_answer + max(question.n_answers for question in self.questions)

    @cached_property
    def digest(self) -> str:
        """Of all that the text depends on."""
        return sha256(f"planted text 1: {self!r}".encode()).hexdigest()

    @cached_property
    def _firsts(self) -> list[list[int]]:
        """The token of value 0 of every planted token of every question: each has values of its own."""
        ends = accumulate((n for question in self.questions for n in question.values), initial=FILLERS)
        return [[next(ends) for _ in question.bits] for question in self.questions]

    @property
    def _first_question(self) -> int:
        return FILLERS + sum(sum(question.values) for question in self.questions)

    @property
    def _first_answer(self) -> int:
        return self._first_question + len(self.questions)

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """Sequences to train on, and the answers as the targets."""
        if self.kept is not None or rng.random() < 0.5:
            tokens, answers, _ = self._drawn(self.rows, rng)
            asked = np.argsort(rng.random(answers.shape), axis=1)
            n, preferred = self.body if self.kept is None else self.kept, tokens >= FILLERS
        else:
            n, each = int(self.body * rng.random() ** 2), len(self.questions)
            alone, prefers = rng.random(2) < 0.5
            most = self.rows * (self.body + each) // (n + 1)  # no more tokens than where all is kept
            tokens, answers, _ = self._drawn(min(self.rows * each, most) if alone else self.rows, rng)
            asked = np.argsort(rng.random(answers.shape), axis=1)[:, : 1 if alone else None]
            wanted = rng.random(answers.shape) < rng.random()
            if alone:
                wanted[:] = np.arange(each) == asked
            preferred = self._planted(tokens, wanted & prefers)
        return self._batch(tokens, self._some(preferred, n, rng), asked, np.take_along_axis(answers, asked, axis=1))

    def examples(self, question: int, size: int, rng: np.random.Generator) -> tuple[Batch, list[Integers]]:
        """Sequences that ask one question, and the places of the planted tokens of every question in the body, (size, n).

        Parameters
        ----------
        question : its number.
        size : how many.

        Raises
        ------
        InvalidArgument

        Examples
        --------
        >>> batch, places = PlantedText(body=20).examples(1, 5, np.random.default_rng(0))
        >>> batch.tokens.shape, places[1].shape
        ((5, 21), (5, 1))
        >>> values = np.take_along_axis(batch.tokens, places[1], axis=1)[:, 0] - FILLERS
        >>> bool((values == batch.targets[:, 0] - 43).all())
        True
        """
        check_integer(question, "PlantedText.examples", "question", least=0, most=len(self.questions) - 1)
        check_integer(size, "PlantedText.examples", "size", least=1)
        tokens, answers, places = self._drawn(size, rng)
        whole = np.broadcast_to(np.arange(self.body), tokens.shape)
        at = whole if self.kept is None else self._some(tokens >= FILLERS, self.kept, rng)
        asked = np.full((size, 1), question)
        return self._batch(tokens, at, asked, answers[:, [question]]), places

    def _drawn(self, size: int, rng: np.random.Generator) -> tuple[Integers, Integers, list[Integers]]:
        """Bodies (size, body), answers (size, questions), and the places of planted tokens."""
        tokens = rng.integers(0, FILLERS, (size, self.body))
        answers = np.zeros((size, len(self.questions)), dtype=np.int64)
        places = np.argsort(rng.random((size, self.body)), axis=1)[:, : self.n_planted]
        ends = np.cumsum([len(question.bits) for question in self.questions])
        split = np.split(places, ends[:-1], axis=1)
        for i, (question, at) in enumerate(zip(self.questions, split, strict=True)):
            values = question.drawn(size, rng)
            np.put_along_axis(tokens, at, np.array(self._firsts[i], dtype=np.int64) + values, axis=1)
            answers[:, i] = question.of(values)
        return tokens, answers, split

    def _planted(self, tokens: Integers, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where the planted tokens of the wanted questions (size, questions) stand."""
        values = [sum(question.values) for question in self.questions]
        asks = np.repeat(np.arange(len(values)), values)
        planted = tokens >= FILLERS
        found: NDArray[np.bool_] = np.take_along_axis(wanted, asks[np.where(planted, tokens - FILLERS, 0)], axis=1)
        return planted & found

    def _some(self, preferred: NDArray[np.bool_], n: int, rng: np.random.Generator) -> Integers:
        """n random places of every row, in order; preferred ones before all others."""
        keys = rng.random(preferred.shape) - preferred
        return np.sort(np.argsort(keys, axis=1)[:, :n], axis=1)

    def _batch(self, tokens: Integers, at: Integers, asked: Integers, answers: Integers) -> Batch:
        """The kept tokens of bodies, then questions under the IDs behind the whole body."""
        n, shape = at.shape[1], asked.shape
        order = np.arange(shape[1])
        return Batch(
            tokens=np.concatenate([np.take_along_axis(tokens, at, axis=1), self._first_question + asked], axis=1),
            ids=np.concatenate([at, np.broadcast_to(self.body + order, shape)], axis=1),
            queries=np.broadcast_to(n + order, shape).copy(),
            targets=self._first_answer + answers,
            weights=np.ones(shape, dtype=np.float32),
        )
