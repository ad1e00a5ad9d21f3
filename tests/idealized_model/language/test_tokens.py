"""Tokens in blocks: which side of the text they are of, what variants do to them, and what is refused."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from idealized_model.language import Corpus, Tokenizer, Tokens, split
from idealized_model.language.corpora import VARIANTS
from idealized_model.language.tokens import _with_copies, _with_names
from theory.errors import InvalidArgument

DOCUMENTS = tuple(f"In the year {n} there were {n * n % 97} of them, and in {n + 1} more.\n" for n in range(200))
CORPUS = Corpus("years", DOCUMENTS)
TOKENIZER = Tokenizer.train(CORPUS.training, 280)


@cache
def of(variant: str, block: int = 64) -> Tokens:
    return split(Corpus("years", DOCUMENTS, variant), TOKENIZER, block=block)


def test_blocks_are_of_their_side() -> None:
    tokens = of("")
    for blocks, documents in ((tokens.training, CORPUS.training), (tokens.held_out, CORPUS.held_out)):
        text = "".join(documents)
        whole = TOKENIZER.decode(blocks.ravel())
        assert text.startswith(whole)
        assert len(TOKENIZER.encode(text)) - blocks.size < 64
    assert tokens.block == 64
    assert tokens.n_tokens == 280
    assert tokens.training_distances is tokens.held_out_distances is None


def test_shuffled_tokens_are_the_same_ones() -> None:
    plain, shuffled = of("", 16), of("shuffled", 16)
    assert abs(np.bincount(plain.training.ravel()) - np.bincount(shuffled.training.ravel())).sum() < 2 * 16
    assert (plain.training == shuffled.training).mean() < 0.2
    in_order = {(a, b) for a, b in zip(plain.training.ravel(), plain.training.ravel()[1:], strict=False)}
    pairs = zip(shuffled.training.ravel(), shuffled.training.ravel()[1:], strict=False)
    assert np.mean([pair in in_order for pair in pairs]) < 0.6


def test_sides_are_drawn_apart() -> None:
    """Else what is held out would be permuted as what is trained on."""
    for side, documents in enumerate((CORPUS.training, CORPUS.held_out)):
        stream = np.concatenate([TOKENIZER.encode(document) for document in documents])
        drawn = np.random.default_rng([zlib.crc32(b"variant"), side]).permutation(stream)
        found = (of("shuffled").training, of("shuffled").held_out)[side].ravel()
        assert (found == drawn[: found.size]).all()


def test_shuffled_blocks_are_whole() -> None:
    plain, shuffled = of("", 16), of("blocks", 16)
    for before, after in ((plain.training, shuffled.training), (plain.held_out, shuffled.held_out)):
        assert sorted(map(tuple, before)) == sorted(map(tuple, after))
        assert (before != after).any()


def test_copies_are_what_stood_before() -> None:
    own = np.arange(50_000)
    stream, distances = _with_copies(own, np.random.default_rng(0))
    at = np.flatnonzero(distances)
    assert (stream[at] == stream[at - distances[at]]).all()
    # The token before a known one was copied from as far, so that it tells which one comes.
    assert (stream[at - 1] == stream[at - 1 - distances[at]]).all()
    assert (distances[at].min(), distances[at].max()) == (64, 200)
    starts = at[np.diff(at, prepend=-2) > 1]
    ends = at[np.diff(at, append=-2) != 1] + 1
    alike = [len(set(distances[start:end].tolist())) == 1 for start, end in zip(starts, ends, strict=True)]
    lengths = (ends - starts)[alike] + 1  # with the first token, which could not be known
    assert set(lengths.tolist()) == set(range(8, 17))
    first = np.zeros(len(stream), dtype=bool)
    first[starts - 1] = True
    rest = stream[(distances == 0) & ~first]  # but for first tokens of spans right behind another
    assert (np.diff(rest) == 1).mean() > 0.99
    assert set(stream.tolist()) == set(own.tolist())
    assert np.mean(distances > 0) == pytest.approx(11 / 60, abs=0.01)


def test_names_are_those_of_their_block() -> None:
    stream, n_tokens, block = np.arange(50_000) % 700, 700, 512
    out, distances = _with_names(stream, block, n_tokens, np.random.default_rng(0))
    assert (out[out < n_tokens] == stream).all()
    marks = out >= n_tokens
    titles = marks & ((out - n_tokens) % 9 == 0)
    at = np.flatnonzero(titles)
    assert (np.flatnonzero(marks & ~titles) == at + 1).all()
    role, name = (out[at] - n_tokens) // 9, out[at + 1] - out[at] - 1
    assert set(role.tolist()) == {0, 1, 2, 3}
    assert set(name.tolist()) == set(range(8))
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for position, own, called in zip((at + 1).tolist(), role.tolist(), name.tolist(), strict=True):
        before, said = latest.get((position // block, own), (position, called))
        assert (distances[position], said) == (position - before, called)
        latest[position // block, own] = position, called
    assert not distances[~np.isin(np.arange(out.size), at + 1)].any()
    apart = np.concatenate([np.diff(at[role == own]) for own in range(4)])
    assert (apart.min(), (apart > 206).sum()) == (4, 0)
    assert np.mean(apart > 28) == pytest.approx(0.5, abs=0.05)  # the middle of 4 and 200, by their logarithm
    assert len({tuple(name[(at + 1) // block == own][:4]) for own in range(40)}) > 30


def test_names_are_tokens_of_their_own() -> None:
    tokens, plain = of("names"), of("")
    assert tokens.n_tokens == plain.n_tokens + 36
    assert plain.n_tokens <= tokens.training.max() < tokens.n_tokens
    shown = {tokens.tokenizer.decode([mark]) for mark in range(plain.n_tokens, tokens.n_tokens)}
    assert len(shown) == 36
    assert all(re.fullmatch(r"\\x(c0|c1|f[5-f])\\x(c0|c1|f[5-f])", mark) for mark in shown)
    text = "".join(chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000) + DOCUMENTS[0]
    assert tokens.tokenizer.encode(text).tolist() == TOKENIZER.encode(text).tolist()


def test_copies_of_a_corpus_are_of_both_sides() -> None:
    tokens = of("copies")
    for blocks, distances in (
        (tokens.training, tokens.training_distances),
        (tokens.held_out, tokens.held_out_distances),
    ):
        assert distances is not None
        assert distances.shape == blocks.shape
        at = np.flatnonzero(distances)
        assert (blocks.ravel()[at] == blocks.ravel()[at - distances.ravel()[at]]).all()
        assert len(at)


@pytest.mark.parametrize("size", [0, 1, 60, 100, 210])
def test_a_short_text_has_no_copies_of_what_it_lacks(size: int) -> None:
    for seed in range(20):
        stream, distances = _with_copies(np.arange(size), np.random.default_rng(seed))
        at = np.flatnonzero(distances)
        assert (stream[at] == stream[at - distances[at]]).all()
        assert set(stream.tolist()) == set(range(size))


def test_variants_are_drawn_once_and_for_all() -> None:
    for variant in VARIANTS:
        one, other = of(variant), split(Corpus("years", DOCUMENTS, variant), TOKENIZER, block=64)
        assert (one.training == other.training).all()
        assert one.digest == other.digest


def test_the_digest_is_of_text_tokenizer_and_blocks() -> None:
    other = split(CORPUS, Tokenizer.train(CORPUS.training, 270), block=64)
    digests = {of(variant).digest for variant in ("", *VARIANTS)}
    assert len(digests | {other.digest, of("", 32).digest}) == 7


@pytest.mark.parametrize(
    ("name", "value", "variant"),
    [
        ("SHUFFLED", 8, "blocks"), ("SPANS", (8, 15), "copies"), ("DISTANCES", (64, 199), "copies"), ("OWN", 47, "copies"),
        ("TITLES", 3, "names"), ("NAMES", 7, "names"), ("APART", (4, 199), "names"),
    ],
)  # fmt: skip
def test_the_digest_of_a_variant_is_of_what_was_drawn(
    name: str, value: object, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idealized_model.language.tokens." + name, value)
    drawn = {own: split(Corpus("years", DOCUMENTS, own), TOKENIZER, block=64) for own in ("", *VARIANTS)}
    assert [own for own, tokens in drawn.items() if tokens.digest != of(own).digest] == [variant]
    held_out = replace(of("copies"), held_out=of("copies").held_out[::-1])
    assert held_out.digest != of("copies").digest


def test_they_come_back_from_a_file(tmp_path: Path) -> None:
    for variant in ("", *VARIANTS):
        tokens = of(variant)
        tokens.save(tmp_path / "new" / "tokens.npz")
        read = Tokens.load(tmp_path / "new" / "tokens.npz")
        for name in ("training", "held_out", "training_distances", "held_out_distances"):
            assert np.array_equal(getattr(read, name), getattr(tokens, name))
        assert (read.corpus, read.corpus_digest, read.variant) == ("years", tokens.corpus_digest, variant)
        assert read.tokenizer == tokens.tokenizer
        assert read.digest == tokens.digest


def test_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.npz"
    of("").save(path)
    content = path.read_bytes()
    for broken in (b"", b"text", content[:-200], content[:500] + b"x" + content[501:]):
        path.write_bytes(broken)
        with pytest.raises(InvalidArgument, match=r"Remove it: it is made again"):
            Tokens.load(path)
    with pytest.raises(InvalidArgument, match="FileNotFoundError"):
        Tokens.load(tmp_path / "none.npz")
    np.savez(path, **{**dict(np.load(_saved(tmp_path))), "digest": "0"})
    with pytest.raises(InvalidArgument, match="its digest is another one"):
        Tokens.load(path)
    with pytest.raises(InvalidArgument, match=r"Tokens\.save: argument path"):
        of("").save(path / "below a file")


def _saved(folder: Path) -> Path:
    of("").save(folder / "whole.npz")
    return folder / "whole.npz"


def test_a_tokenizer_of_another_corpus_is_refused() -> None:
    other = Tokenizer.train(CORPUS.held_out, 280)
    with pytest.raises(InvalidArgument, match="tokenizer: got a tokenizer of another text than 'years'"):
        split(CORPUS, other)
    with pytest.raises(InvalidArgument, match="tokenizer of another text"):
        split(CORPUS, Tokenizer.train(CORPUS.documents, 280))


@pytest.mark.parametrize(
    ("documents", "block", "message"),
    [
        (DOCUMENTS, 2048, "'text', whose held-out documents have 4.. tokens; expected at least one block of 2,048"),
        (DOCUMENTS[:30], 4096, "'text', whose documents to train on have 569 tokens; expected at least one block"),
        (DOCUMENTS, 1, "block: got 1"),
        (DOCUMENTS, 8.0, "block: got 8.0"),
    ],
)
def test_a_text_with_too_little_in_it_is_refused(documents: tuple[str, ...], block: int, message: str) -> None:
    corpus = Corpus("text", documents)
    with pytest.raises(InvalidArgument, match=message):
        split(corpus, Tokenizer.train(corpus.training), block=block)


@pytest.mark.parametrize("variant", ["", *VARIANTS])
def test_one_token_again_and_again_is_refused_whatever_is_put_in(variant: str) -> None:
    corpus = Corpus("text", (" go go go go",) * 20, variant)
    with pytest.raises(InvalidArgument, match="'text', whose documents to train on are one token, repeated"):
        split(corpus, Tokenizer.train(corpus.training), block=4)


def test_variants_are_what_they_were() -> None:
    """Models are trained on them: what is drawn may change only with a digest."""
    found = {variant: (of(variant).digest, zlib.crc32(of(variant).training.tobytes())) for variant in ("", *VARIANTS)}
    assert found == {
        "": ("eba4dcc23fd8fa99", 572316115),
        "shuffled": ("cc8a7ed9ddccce31", 92711496),
        "blocks": ("577072b1396823b7", 3068589500),
        "copies": ("0f8447116090d022", 880106677),
        "names": ("a0fa4cdfeb30d6d8", 1842412095),
    }
