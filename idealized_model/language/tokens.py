"""The tokens of a corpus, in blocks: what models are trained on, and what they are measured on."""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heapreplace
from itertools import islice, product
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from idealized_model.language.corpora import Corpus, digest_of
from idealized_model.language.tokenizer import Tokenizer
from idealized_model.text import replacing
from theory.errors import InvalidArgument, check, check_integer, check_type, shown, unwritable

BLOCK = 4096
"""Tokens of a block, where a corpus has enough of them."""

SHUFFLED = 16
"""Tokens of the blocks that the variant "blocks" permutes."""

SPANS, DISTANCES = (8, 16), (64, 200)
"""Of the variant "copies": the fewest and most tokens of a copied span, and how far back it was copied from."""

OWN = 48
"""Tokens of the text between two copied spans in the mean."""


TITLES, NAMES = 4, 8
"""Of the variant "names": how many titles there are, and how many names may stand behind each; a block has one of them."""

APART = (4, 200)
"""Of the variant "names": the fewest and most tokens from a title to the next time, but for other titles in between."""


DRAWN = hashlib.sha256(repr((SHUFFLED, SPANS, DISTANCES, OWN, TITLES, NAMES, APART)).encode()).hexdigest()[:8]
"""A name of what variants are drawn with."""

NEVER = (0xC0, 0xC1, *range(0xF5, 0x100))
"""Bytes that no UTF-8 text has."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Blocks of consecutive tokens, which documents follow one another in; a last part that fills no block is left out.

    Parameters
    ----------
    corpus, corpus_digest, variant : name, digest and variant of the corpus.
    tokenizer : that the corpus was encoded with.
    training, held_out : (blocks, tokens of a block).
    training_distances, held_out_distances : for the variants "copies" and "names", of the same shapes: how many tokens back
        what tells a token stands, where that is known. Of a copied token that is where it was copied from, if the one before it
        was copied along; of a name where its title was mentioned before in the block. Else 0. None for other variants.

    Examples
    --------
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(20)))
    >>> tokens = split(corpus, Tokenizer.train(corpus.training, 260), block=8)
    >>> tokens.training.shape, tokens.held_out.shape
    ((11, 8), (1, 8))
    >>> tokens.tokenizer.decode(tokens.held_out[0])
    '9 and 1019 and'
    """

    corpus: str
    corpus_digest: str
    variant: str
    tokenizer: Tokenizer
    training: NDArray[np.int64]
    held_out: NDArray[np.int64]
    training_distances: NDArray[np.int64] | None = None
    held_out_distances: NDArray[np.int64] | None = None

    @property
    def n_tokens(self) -> int:
        """The size of the vocabulary."""
        return self.tokenizer.n_tokens

    @property
    def block(self) -> int:
        """Tokens of a block."""
        return int(self.training.shape[1])

    @cached_property
    def digest(self) -> str:
        """A name of the tokens: of the corpus, the tokenizer and the blocks; of a variant, which is drawn, of every token."""
        found = hashlib.sha256(f"{self.corpus_digest} {self.tokenizer.digest} {self.block}".encode())
        if self.variant:
            for blocks in (self.training, self.held_out):
                found.update(blocks.astype("<i8").tobytes())
        return found.hexdigest()[:16]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them to a file, whole or not at all.

        Raises
        ------
        InvalidArgument : when it cannot be written.
        """
        distances: dict[str, Any] = {
            "training_distances": self.training_distances, "held_out_distances": self.held_out_distances
        }  # fmt: skip
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(
                    file,
                    corpus=self.corpus,
                    corpus_digest=self.corpus_digest,
                    variant=self.variant,
                    trained_on=self.tokenizer.trained_on,
                    merges=np.array(self.tokenizer.merges, dtype=np.int64).reshape(-1, 2),
                    digest=self.digest,
                    training=self.training,
                    held_out=self.held_out,
                    **{name: array for name, array in distances.items() if array is not None},
                )
        except OSError as error:
            raise unwritable(error)(
                "Tokens.save",
                "path",
                got=f"{shown(str(path))}: {error.strerror}",
                expected="a file that can be written",
                fix="Choose another folder, or free some space.",
            ) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokens:
        """Read what `save` wrote.

        Raises
        ------
        InvalidArgument : for a file that is something else, or broken.
        """
        try:
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                data = {name: file[name] for name in file.files}
            merges = tuple((left, right) for left, right in data["merges"].tolist())
            found = cls(
                str(data["corpus"]),
                str(data["corpus_digest"]),
                str(data["variant"]),
                Tokenizer(merges, str(data["trained_on"])),
                *(data[name] for name in ("training", "held_out")),
                *(data.get(name) for name in ("training_distances", "held_out_distances")),
            )
            if found.digest != str(data["digest"]):
                raise ValueError("its digest is another one")
        except (OSError, ValueError, KeyError, EOFError, TypeError, IndexError, BadZipFile, zlib.error) as error:
            got = f"{shown(str(path))} ({type(error).__name__}: {error})"
            fix = "Remove it: it is made again."
            raise InvalidArgument("Tokens.load", "path", got=got, expected="tokens of a corpus", fix=fix) from None
        return found


def split(corpus: Corpus, tokenizer: Tokenizer, *, block: int = BLOCK) -> Tokens:
    """The tokens of a corpus: those to train on and those held out, each in blocks.

    Variants are made of each side by itself, with a seed of their own: "shuffled" permutes its tokens, "blocks" its blocks
    of 16 tokens; "copies" repeats, after every 48 tokens or so, a span of 8 to 16 that stood 64 to 200 tokens before; "names"
    puts four titles in, each again after 4 to 200 tokens (their logarithm is uniform), with one of its eight names behind it,
    the same in all of a block. Titles and names are tokens more than the tokenizer has: pairs of bytes that UTF-8 never has.

    Parameters
    ----------
    corpus : the text.
    tokenizer : trained on the documents of the corpus that are not held out.
    block : tokens of a block.

    Raises
    ------
    InvalidArgument : for a tokenizer of another corpus, and for a text that is shorter than a block, or one token again and
        again.

    Cost: every different word of the text is encoded once.
    """
    where = "split"
    check_integer(block, where, "block", least=2)
    check_type(corpus, Corpus, where, "corpus", "a Corpus", "See load_corpus.")
    check_type(tokenizer, Tokenizer, where, "tokenizer", "a Tokenizer", "Train it: Tokenizer.train(corpus.training).")
    if tokenizer.trained_on != digest_of(corpus.training):
        got = f"a tokenizer of another text than {shown(corpus.name)}"
        fix = "Train it on this one: Tokenizer.train(corpus.training)."
        raise InvalidArgument(where, "tokenizer", got=got, expected="one of the corpus", fix=fix)
    sides, distances = [], []
    for side, documents in enumerate((corpus.training, corpus.held_out)):
        what = ("documents to train on", "held-out documents")[side]
        stream = np.concatenate([tokenizer.encode(document) for document in documents])
        got, fix = f"{shown(corpus.name)}, whose {what} are one token, repeated", "There is nothing to predict in it."
        check(np.ptp(stream) > 0, where, "corpus", got=got, expected="text", fix=fix)
        rng = np.random.default_rng([zlib.crc32(b"variant"), side])
        stream, known = _varied(stream, corpus.variant, block, tokenizer.n_tokens, rng)
        got = f"{shown(corpus.name)}, whose {what} have {len(stream):,} tokens"
        fix = "Use a longer text, or shorter blocks (and contexts)."
        check(len(stream) >= block, where, "corpus", got=got, expected=f"at least one block of {block:,}", fix=fix)
        sides.append(_in_blocks(stream, block))
        distances.append(None if known is None else _in_blocks(known, block))
    if corpus.variant == "names":
        pairs = tuple(islice(product(NEVER, repeat=2), TITLES * (1 + NAMES)))
        tokenizer = replace(tokenizer, merges=tokenizer.merges + pairs)
    return Tokens(corpus.name, corpus.digest, corpus.variant, tokenizer, *sides, *distances)


def _in_blocks(stream: NDArray[np.int64], block: int) -> NDArray[np.int64]:
    return stream[: len(stream) // block * block].reshape(-1, block)


def _varied(
    stream: NDArray[np.int64], variant: str, block: int, n_tokens: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """The tokens of a variant, and for copies and names how far back what tells each known one stands."""
    if variant == "shuffled":
        return rng.permutation(stream), None
    if variant == "blocks":
        return rng.permutation(_in_blocks(stream, SHUFFLED)).reshape(-1), None
    if variant == "copies":
        return _with_copies(stream, rng)
    if variant == "names":
        return _with_names(stream, block, n_tokens, rng)
    return stream, None


def _with_copies(stream: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All tokens in their order, with copied spans between them."""
    n_spans = len(stream) // OWN  # one where a run of its own text would end, in the mean
    starts = np.sort(rng.integers(min(DISTANCES[1], len(stream)), len(stream) + 1, n_spans))
    lengths = rng.integers(SPANS[0], SPANS[1] + 1, n_spans)
    back = rng.integers(DISTANCES[0], DISTANCES[1] + 1, n_spans)
    out = np.empty(len(stream) + lengths.sum(), dtype=np.int64)
    distances = np.zeros_like(out)
    read = written = 0
    for start, length, distance in zip(starts.tolist(), lengths.tolist(), back.tolist(), strict=True):
        out[written : written + start - read] = stream[read:start]
        written += start - read
        read = start
        if written >= distance:  # not at the beginning of a text that is shorter than a distance
            out[written : written + length] = out[written - distance : written - distance + length]
            distances[written + 1 : written + length] = distance
            written += length
    rest = len(stream) - read
    out[written : written + rest] = stream[read:]
    return out[: written + rest], distances[: written + rest]


def _with_names(
    stream: NDArray[np.int64], block: int, first: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All tokens in their order, with titles between them, the tokens from the first on, each with its names behind it."""
    pieces: list[NDArray[np.int64]] = []
    known: dict[int, int] = {}  # {position of a name: how far back the title was mentioned}
    latest: dict[int, int] = {}
    read = written = begun = 0
    due = [(int(at), role) for role, at in enumerate(rng.integers(1, APART[1] + 1, TITLES))]
    named = rng.integers(0, NAMES, TITLES)
    heapify(due)
    while True:
        at, role = due[0]
        piece = stream[read : read + max(at - written, 0)]
        pieces.append(piece)
        read, written = read + len(piece), written + len(piece)
        if written < at:  # the text has ended
            break
        if (written + 1) // block > begun:
            begun, named, latest = (written + 1) // block, rng.integers(0, NAMES, TITLES), {}
        title = first + role * (1 + NAMES)
        pieces.append(np.array([title, title + 1 + named[role]]))
        if role in latest:
            known[written + 1] = written - latest[role]
        latest[role] = written
        heapreplace(due, (written + int(np.exp(rng.uniform(*np.log([APART[0], APART[1] + 1])))), role))
        written += 2
    out, distances = np.concatenate(pieces), np.zeros(written, dtype=np.int64)
    distances[list(known)] = list(known.values())
    return out, distances
