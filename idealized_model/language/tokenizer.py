"""Byte-pair encoding of any text: a vocabulary of all bytes, and of what stands beside what most often."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from idealized_model.language.corpora import digest_of, require_encodable
from theory.errors import InvalidArgument, check, check_integer, check_type

N_BYTES = 256

Pair = tuple[int, int]

_WORDS = re.compile(r" ?[^\W\d_]{1,64}|.", re.DOTALL)
"""What no token reaches out of: letters with the space before them, up to 64 so that no word is costly; else a character."""


@dataclass(frozen=True)
class Tokenizer:
    """Tokens are bytes, or two earlier tokens put together: whatever the text, decoding its tokens gives it back.

    Parameters
    ----------
    merges : the two tokens that token 256, 257, ... are made of.
    trained_on : the digest of the documents.

    Raises
    ------
    InvalidArgument : for a merge of tokens that are not there yet.

    Examples
    --------
    >>> tokenizer = Tokenizer.train(["to be or not to be"], 260)
    >>> tokens = tokenizer.encode("to be à")
    >>> [tokenizer.pieces[token] for token in tokens]
    [b'to', b' be', b' ', b'\\xc3', b'\\xa0']
    >>> tokenizer.decode(tokens)
    'to be à'
    """

    merges: tuple[Pair, ...]
    trained_on: str

    def __post_init__(self) -> None:
        expected, fix = "two tokens that come before it", "Use those of `Tokenizer.train`."
        for j, pair in enumerate(self.merges):
            earlier = len(pair) == 2 and all(isinstance(token, int) and 0 <= token < N_BYTES + j for token in pair)
            check(earlier, "Tokenizer", f"merges[{j}]", pair, expected=expected, fix=fix)

    @classmethod
    def train(cls, documents: Sequence[str], size: int = 1024) -> Tokenizer:
        """The tokenizer that puts together the two tokens that stand beside each other most often, until it has `size`.

        Of equally frequent pairs the one of the lowest tokens; it ends early where no pair comes twice.

        Raises
        ------
        InvalidArgument : for a size below the number of bytes, or what is no text.

        Cost: the text once, and each time a pair is put together the words that have it.
        """
        where = "Tokenizer.train"
        check_integer(size, where, "size", least=N_BYTES)
        check_type(documents, (list, tuple), where, "documents", "a list of strings", "Wrap a single one in a list.")
        for j, document in enumerate(documents):
            _require_text(document, where, f"documents[{j}]")
        words = Counter(word for document in documents for word in _WORDS.findall(document))
        parts, times = [list(word.encode()) for word in words], list(words.values())
        counts: Counter[Pair] = Counter()
        holders: defaultdict[Pair, set[int]] = defaultdict(set)
        for at, (word, n) in enumerate(zip(parts, times, strict=True)):
            for pair in pairwise(word):
                counts[pair] += n
                holders[pair].add(at)
        queue = [(-n, pair) for pair, n in counts.items()]
        heapify(queue)
        merges: list[Pair] = []
        while queue and N_BYTES + len(merges) < size:
            n, pair = heappop(queue)
            if -n != counts[pair]:  # it has become rarer since; what became more frequent was put in anew
                if counts[pair] > 0:
                    heappush(queue, (-counts[pair], pair))
                continue
            if -n < 2:
                break
            new = N_BYTES + len(merges)
            merges.append(pair)
            for at in holders.pop(pair):
                before, after = parts[at], _merged(parts[at], pair, new)
                parts[at] = after
                changed = Counter(pairwise(after))
                changed.subtract(Counter(pairwise(before)))
                for near, difference in changed.items():
                    counts[near] += difference * times[at]
                    if difference > 0:
                        holders[near].add(at)
                        heappush(queue, (-counts[near], near))
        return cls(tuple(merges), digest_of(documents))

    @property
    def n_tokens(self) -> int:
        """How many tokens there are."""
        return N_BYTES + len(self.merges)

    @cached_property
    def digest(self) -> str:
        """A name of the tokens: equal for tokenizers that encode alike, whatever they were trained on."""
        return hashlib.sha256(repr(self.merges).encode()).hexdigest()[:16]

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of every token."""
        pieces = [bytes([byte]) for byte in range(N_BYTES)]
        for left, right in self.merges:
            pieces.append(pieces[left] + pieces[right])
        return tuple(pieces)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The tokens of a text.

        Raises
        ------
        InvalidArgument : for what is no text.

        Cost: a dictionary look-up a word, and for every different word its tokens.
        """
        _require_text(text, "Tokenizer.encode", "text")
        words = _WORDS.findall(text)
        known = {word: self._encoded(word) for word in dict.fromkeys(words)}
        return np.fromiter((token for word in words for token in known[word]), dtype=np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of some tokens; bytes that are no character, as where they begin within one, are escaped.

        Raises
        ------
        InvalidArgument : for a token that there is not.
        """
        return b"".join(self._pieces_of(tokens)).decode("utf-8", errors="backslashreplace")

    def _pieces_of(self, tokens: Iterable[int]) -> Iterator[bytes]:
        for j, token in enumerate(tokens):
            if not 0 <= token < self.n_tokens:
                expected, fix = f"a token from 0 to {self.n_tokens - 1}", "They are those of another tokenizer."
                raise InvalidArgument("Tokenizer.decode", f"tokens[{j}]", got=f"{token}", expected=expected, fix=fix)
            yield self.pieces[token]

    @cached_property
    def _ranks(self) -> dict[Pair, int]:
        return {pair: N_BYTES + j for j, pair in enumerate(self.merges)}

    def _encoded(self, word: str) -> list[int]:
        """The tokens of a word: the merges in the order in which they were learned."""
        tokens, never = list(word.encode()), self.n_tokens
        while len(tokens) > 1:
            new, pair = min((self._ranks.get(pair, never), pair) for pair in pairwise(tokens))
            if new == never:
                break
            tokens = _merged(tokens, pair, new)
        return tokens


def _merged(tokens: Sequence[int], pair: Pair, new: int) -> list[int]:
    """The tokens with `new` for every pair, from the left."""
    out, j = [], 0
    while j < len(tokens):
        paired = tokens[j] == pair[0] and tokens[j + 1 : j + 2] == [pair[1]]
        out.append(new if paired else tokens[j])
        j += 1 + paired
    return out


def _require_text(text: object, where: str, argument: str) -> None:
    check_type(text, str, where, argument, "a string", "Decode bytes first.")
    assert isinstance(text, str)
    require_encodable(text, where, argument)
