"""The tokenizer: every text comes back, and the pairs are those that a count from scratch finds."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idealized_model.language import Tokenizer
from idealized_model.language.corpora import digest_of
from theory.errors import InvalidArgument

RHYME = [
    "When shall we three meet again\nIn thunder, lightning, or in rain?\n",
    "When the hurlyburly's done,\nWhen the battle's lost and won.\n",
]
TOKENIZER = Tokenizer.train(RHYME, 270)


CHARACTERS = st.integers(0, 0x10FFFF - 0x800).map(lambda n: chr(n if n < 0xD800 else n + 0x800))
"""All but halves of UTF-16; `st.characters` takes seconds to begin with."""


@given(st.lists(CHARACTERS | st.sampled_from("when the\n"), max_size=30).map("".join))
def test_every_text_comes_back(text: str) -> None:
    tokens = TOKENIZER.encode(text)
    assert tokens.dtype == np.int64
    assert TOKENIZER.decode(tokens) == text


@given(st.lists(st.text(alphabet="ab é1", min_size=1), min_size=1), st.integers(256, 280))
def test_pairs_are_counted_as_from_scratch(documents: list[str], size: int) -> None:
    words = [[bytes([b]) for b in w.encode()] for text in documents for w in re.findall(r" ?[^\W\d]+|.", text)]
    tokens = [bytes([byte]) for byte in range(256)]
    while len(tokens) < size:
        counts = Counter((tokens.index(a), tokens.index(b)) for word in words for a, b in pairwise(word))
        most = max(counts.values(), default=0)
        if most < 2:
            break
        left, right = (tokens[j] for j in min(pair for pair, n in counts.items() if n == most))
        tokens.append(left + right)
        for word in words:
            j = 0
            while j + 1 < len(word):
                if (word[j], word[j + 1]) == (left, right):
                    word[j : j + 2] = [left + right]
                j += 1
    tokenizer = Tokenizer.train(documents, size)
    assert list(tokenizer.pieces) == tokens
    # The tokens of the training text are what is left of it.
    assert [tokenizer.pieces[token] for text in documents for token in tokenizer.encode(text)] == [*chain(*words)]


def test_tokens_keep_to_words() -> None:
    tokenizer = Tokenizer.train(["the cat, the cat, the cat 123 123 123 don't don't"] * 5, 275)
    assert {b" cat", b" don", b"the", b" the"} <= set(tokenizer.pieces)
    assert not any(len(piece) > 1 and not piece.strip().isalpha() for piece in tokenizer.pieces)


def test_it_ends_where_no_pair_comes_twice() -> None:
    assert Tokenizer.train(["abcd"], 1000).n_tokens == 256
    assert Tokenizer.train(["ab ab", "xy"], 1000).merges == ((97, 98),)


def test_a_long_word_is_cheap() -> None:
    tokenizer = Tokenizer.train(["ab" * 20_000], 300)
    assert max(map(len, tokenizer.pieces)) <= 64
    assert tokenizer.decode(tokenizer.encode("ab" * 500)) == "ab" * 500


def test_digests_say_what_encodes_alike() -> None:
    assert TOKENIZER.trained_on == digest_of(RHYME)
    again = Tokenizer.train(RHYME, 270)
    assert (again.digest, again) == (TOKENIZER.digest, TOKENIZER)
    assert Tokenizer(TOKENIZER.merges, "another text").digest == TOKENIZER.digest
    assert Tokenizer.train(RHYME, 269).digest != TOKENIZER.digest
    assert TOKENIZER.digest == "5e7209326eda9810"


def test_half_a_character_is_shown() -> None:
    tokens = Tokenizer((), "").encode("é")
    assert Tokenizer((), "").decode(tokens[:1]) == r"\xc3"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tokenizer.train(RHYME, 255), "size: got 255"),
        (lambda: Tokenizer.train("a string", 300), "documents: got the str 'a string'"),
        (lambda: Tokenizer.train([b"bytes"], 300), r"documents\[0\]: got the bytes"),
        (lambda: Tokenizer.train(["a", "\udc80"], 300), r"documents\[1\]: got text with a lone surrogate at 0"),
        (lambda: TOKENIZER.encode(3), "text: got the int 3"),
        (lambda: TOKENIZER.encode("\ud900"), "text: got text with a lone surrogate"),
        (lambda: TOKENIZER.decode([0, 270]), r"tokens\[1\]: got 270; expected a token from 0 to 269"),
        (lambda: TOKENIZER.decode([-1]), r"tokens\[0\]: got -1"),
        (lambda: Tokenizer(((0, 256),), ""), r"merges\[0\]: got \(0, 256\)"),
        (lambda: Tokenizer(((0, 1), (256, 257)), ""), r"merges\[1\]"),
        (lambda: Tokenizer(((0, 1, 2),), ""), r"merges\[0\]"),
        (lambda: Tokenizer(((0, -1),), ""), r"merges\[0\]"),
        (lambda: Tokenizer(((0, 1.0),), ""), r"merges\[0\]"),
    ],
)
def test_what_is_no_text_is_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidArgument, match=message):
        call()
