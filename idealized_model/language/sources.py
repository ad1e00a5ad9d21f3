"""What language models are trained on: batches of windows of a text."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from idealized_model.language.tokens import Tokens
from idealized_model.transformer.batch import Batch
from theory.errors import check, check_integer, check_type

KEPT, LEFT_OUT = 12, 40
"""Tokens of the longest runs that `Gapped` keeps and leaves out, in the mean."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TextSource(ABC):
    """Batches of windows of the training blocks of a text, each with `tokens_per_batch` tokens at most.

    Parameters
    ----------
    text : the tokens.
    length : tokens of a row; each of them predicts the one after it in the text.
    tokens_per_batch : a batch has as many rows as fit in it.

    Raises
    ------
    InvalidArgument : for rows that are longer than a block of the text, or than a batch.

    Examples
    --------
    >>> issubclass(Windows, TextSource), issubclass(Gapped, TextSource)
    (True, True)
    """

    text: Tokens
    length: int
    tokens_per_batch: int = 1024

    def __post_init__(self) -> None:
        where = type(self).__name__
        check_type(self.text, Tokens, where, "text", "the tokens of a corpus", "See split.")
        check_integer(self.length, where, "length", least=1)
        check_integer(self.tokens_per_batch, where, "tokens_per_batch", least=self.length)
        got, fix = f"{self.span:,}, with blocks of {self.text.block:,} tokens", "Use longer blocks, or a shorter one."
        expected = "less than a block: each of its tokens predicts the next"
        check(self.span < self.text.block, where, self._spanned, got=got, expected=expected, fix=fix)

    _spanned = "length"

    @property
    def span(self) -> int:
        """How many IDs a row may have: it has some of 0..span-1."""
        return self.length

    @property
    def rows(self) -> int:
        """Rows of a batch."""
        return self.tokens_per_batch // self.length

    @property
    def n_tokens(self) -> int:
        """The size of the vocabulary."""
        return self.text.n_tokens

    @property
    def digest(self) -> str:
        """A name of the batches: of the text, the kind of source and its parameters."""
        own = [f"{field.name} {getattr(self, field.name)}" for field in fields(self) if field.name != "text"]
        return hashlib.sha256(" ".join([self.text.digest, type(self).__name__, *own]).encode()).hexdigest()[:16]

    @abstractmethod
    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """The batch of a step."""

    def _drawn(self, rng: np.random.Generator, span: int) -> Integers:
        """(rows, span + 1) consecutive tokens from anywhere in a block."""
        blocks = rng.integers(0, len(self.text.training), self.rows)
        starts = rng.integers(0, self.text.block - span, self.rows)
        drawn: Integers = self.text.training[blocks[:, None], starts[:, None] + np.arange(span + 1)]
        return drawn


@dataclass(frozen=True)
class Windows(TextSource):
    """Windows of consecutive tokens, with the IDs 0..length-1.

    Examples
    --------
    >>> from idealized_model.language import Corpus, Tokenizer, split
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(900)))
    >>> text = split(corpus, Tokenizer.train(corpus.training, 260), block=100)
    >>> batch = Windows(text, 32).batch(0, np.random.default_rng(5))
    >>> batch.tokens.shape, bool((batch.tokens[:, 1:] == batch.targets[:, :-1]).all())
    ((32, 32), True)
    """

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """The windows of a step."""
        return _windows(self._drawn(rng, self.length))


@dataclass(frozen=True)
class Chunked(TextSource):
    """Windows of consecutive tokens, with IDs in two chunks (PoSE): behind a random token they go on after a random gap.

    Parameters
    ----------
    window : the IDs are some of 0..window-1, at least as many as the tokens.

    Examples
    --------
    >>> from idealized_model.language import Corpus, Tokenizer, split
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(900)))
    >>> text = split(corpus, Tokenizer.train(corpus.training, 260), block=100)
    >>> batch = Chunked(text, 4, tokens_per_batch=8, window=20).batch(0, np.random.default_rng(5))
    >>> batch.ids.tolist()
    [[0, 1, 12, 13], [0, 1, 6, 7]]
    """

    window: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.window, "Chunked", "window", least=self.length)

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """The windows of a step."""
        windows = _windows(self._drawn(rng, self.length))
        cut = rng.integers(1, max(2, self.length), (self.rows, 1))
        gap = rng.integers(0, self.window - self.length + 1, (self.rows, 1))
        ids = windows.ids + np.where(windows.ids >= cut, gap, 0)
        return Batch(windows.tokens, ids, windows.queries, windows.targets, windows.weights)


@dataclass(frozen=True)
class Gapped(TextSource):
    """Windows from which tokens are left out: what is kept has the IDs that it has in the window, and predicts the token
    that comes next in the text, kept or not. A meter learns from them to predict from any set of tokens.

    From the last token of the window backwards, runs are kept and left out in turn, of geometric lengths whose means are
    drawn for a row, log-uniform up to 12 and 40. Of more than `length` kept tokens a row has `length` consecutive ones, in
    half of the rows the earliest.

    Parameters
    ----------
    length : tokens of a row at most; what is left of it is filled with weights of 0.
    window : tokens of a window.

    Examples
    --------
    >>> from idealized_model.language import Corpus, Tokenizer, split
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(900)))
    >>> text = split(corpus, Tokenizer.train(corpus.training, 260), block=100)
    >>> batch = Gapped(text, 8, tokens_per_batch=16, window=20).batch(0, np.random.default_rng(5))
    >>> [[id for id, weight in zip(*row) if weight] for row in zip(batch.ids.tolist(), batch.weights)]
    [[1, 2, 3, 4, 6, 7, 8, 9], [1, 4, 11, 16, 19]]
    """

    length: int = 64
    window: int = 256

    _spanned = "window"

    def __post_init__(self) -> None:
        check_integer(self.window, "Gapped", "window", least=1)
        super().__post_init__()

    @property
    def span(self) -> int:
        """How many IDs a row may have: it has some of 0..span-1."""
        return self.window

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """The kept tokens of the windows of a step."""
        drawn, kept = self._drawn(rng, self.window), self._kept(rng)
        at = np.argsort(~kept, axis=1, kind="stable")[:, : self.length]  # the kept ones first, in their order
        n = kept.sum(axis=1, keepdims=True)
        filled = np.arange(at.shape[1]) >= n
        at = np.where(filled, np.take_along_axis(at, n - 1, axis=1), at)
        queries = np.broadcast_to(np.arange(at.shape[1]), at.shape)
        tokens, targets = (np.take_along_axis(drawn, at + j, axis=1) for j in (0, 1))
        return Batch(tokens, at, queries.copy(), targets, (~filled).astype(np.float32))

    def _kept(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """(rows, window) which tokens are kept: at least one, and `length` at most."""
        means = np.exp(rng.random((self.rows, 2, 1)) * np.log([[KEPT], [LEFT_OUT]]))
        runs = rng.geometric(1 / means, (self.rows, 2, (self.window + 1) // 2))
        ends = runs.transpose(0, 2, 1).reshape(self.rows, -1).cumsum(axis=1)  # of runs kept, left out, kept, ...
        turns = np.zeros((self.rows, self.window + 1), dtype=np.int64)
        np.put_along_axis(turns, np.minimum(ends, self.window), 1, axis=1)
        kept: NDArray[np.bool_] = (turns.cumsum(axis=1) % 2 == 0)[:, self.window - 1 :: -1]
        number = kept.sum(axis=1)
        spare = np.maximum(number - self.length, 0)
        first = np.where(rng.random(self.rows) < 0.5, 0, rng.integers(0, spare + 1))
        rank = kept.cumsum(axis=1) - 1 - first[:, None]
        return np.asarray(kept & (rank >= 0) & (rank < self.length))


@dataclass(frozen=True)
class Alternating(Gapped):
    """Whole windows and windows with gaps by turns: what a meter is trained on, so that it predicts well from both.

    Parameters
    ----------
    length : tokens of a row with gaps at most; rows without have a whole window.

    Examples
    --------
    >>> from idealized_model.language import Corpus, Tokenizer, split
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(900)))
    >>> text = split(corpus, Tokenizer.train(corpus.training, 260), block=100)
    >>> source, rng = Alternating(text, 8, window=64), np.random.default_rng(0)
    >>> [source.batch(step, rng).tokens.shape for step in range(3)]
    [(128, 8), (16, 64), (128, 8)]
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.tokens_per_batch, "Alternating", "tokens_per_batch", least=self.window)

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """With gaps in even steps, without in odd ones."""
        if step % 2:
            return Windows(self.text, self.window, self.tokens_per_batch).batch(step, rng)
        return super().batch(step, rng)


def _windows(tokens: Integers) -> Batch:
    """Consecutive tokens, each of which predicts the next."""
    rows, length = tokens.shape[0], tokens.shape[1] - 1
    ids = np.broadcast_to(np.arange(length), (rows, length)).copy()
    return Batch(tokens[:, :-1], ids, ids.copy(), tokens[:, 1:], np.ones((rows, length), dtype=np.float32))
