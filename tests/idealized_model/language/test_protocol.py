"""Protocols: the runs that they come to, and what is refused."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from idealized_model.language import Alternating, Chunked, Tokenizer, Windows, load_corpus, split
from idealized_model.language import protocol as module
from idealized_model.language.protocol import read_protocol, slug
from theory.errors import InvalidArgument

ROPE = {"name": "rope", "encoding": "rope", "lengths": [8]}
SMALL: dict[str, Any] = {"corpora": ["kjv", "excerpt+copies"], "models": [ROPE]}


def test_cells_are_every_seed_of_every_model_on_every_corpus() -> None:
    models = [ROPE | {"lengths": [8, 32]}, {"name": "pose", "chunks": True, "lengths": [8], "corpora": ["kjv"]}]
    protocol = read_protocol(SMALL | {"seeds": [3, 1], "models": models})
    assert [str(cell) for cell in protocol.cells] == [
        "kjv/meter", "excerpt+copies/meter",
        "kjv/rope-8/3", "kjv/rope-32/3", "kjv/pose-8/3", "excerpt+copies/rope-8/3", "excerpt+copies/rope-32/3",
        "kjv/rope-8/1", "kjv/rope-32/1", "kjv/pose-8/1", "excerpt+copies/rope-8/1", "excerpt+copies/rope-32/1",
    ]  # fmt: skip
    assert [cell.config.seed for cell in protocol.cells] == [4, 4, *[3] * 5, *[1] * 5]
    assert {cell.group for cell in protocol.cells} == {"kjv", "excerpt+copies"}
    assert protocol.contexts == (1, 2, 4, 8, 16, 32, 64, 128, 256)


def test_models_are_trained_as_defaults_and_their_table_say() -> None:
    defaults = {"steps": 9, "width": 32, "tokens_per_batch": 512, "tied": True}
    model = {"name": "pose", "encoding": "alibi", "chunks": True, "lengths": [8], "steps": 4}
    meter = {"seed": 7, "length": 16, "width": 64}
    data = {"corpora": ["excerpt"], "window": 128, "defaults": defaults, "models": [model], "meter": meter}
    measures, judged = read_protocol(data).cells
    assert (judged.config.steps, judged.config.width, judged.config.encoding, judged.config.tied) == (
        4,
        32,
        "alibi",
        True,
    )
    assert (measures.config.steps, measures.config.width, measures.config.encoding) == (9, 64, "rope")
    assert (measures.config.seed, judged.config.seed) == (7, 0)
    corpus = load_corpus("excerpt")
    text = split(corpus, Tokenizer.train(corpus.training, 257), block=256)
    assert measures.source(text) == Alternating(text, 16, 512, 128)
    assert judged.source(text) == Chunked(text, 8, 512, 128)
    (_, plain) = read_protocol(data | {"models": [ROPE | {"tokens_per_batch": 64}]}).cells
    assert plain.source(text) == Windows(text, 8, 64)


def test_a_protocol_is_carried_out_on_other_corpora(tmp_path: Path) -> None:
    models = [ROPE, {"name": "pose", "chunks": True, "lengths": [8], "corpora": ["kjv"]}]
    protocol = read_protocol(SMALL | {"models": models}, corpora=["excerpt", "shakespeare"])
    assert [str(cell) for cell in protocol.cells if cell.corpus == "excerpt"] == [
        "excerpt/meter", "excerpt/rope-8/0", "excerpt/pose-8/0"
    ]  # fmt: skip
    assert protocol.corpora == ("excerpt", "shakespeare")
    assert models[1]["corpora"] == ["kjv"]
    path = tmp_path / "protocol.toml"
    path.write_text('corpora = ["excerpt"]')
    assert read_protocol(path, corpora=["kjv"]).corpora == ("kjv",)
    for given, more, message in (
        ([], {}, r"corpora: got \[\]"),
        (["kjv", "kjv"], {}, "each one once"),
        (["kjv"], {"models": [3]}, "the table: got the int 3"),
        (["kjv"], {"models": 3}, "models: got the int 3"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            read_protocol(SMALL | more, corpora=given)


def test_cells_are_found_by_the_beginning_of_their_name_or_a_pattern() -> None:
    protocol = read_protocol(SMALL | {"models": [ROPE, ROPE | {"name": "rope-8"}]})
    for name, n in ((None, 6), ("kjv", 3), ("kjv/rope-8", 1), ("kjv/rope-8/0", 1), ("*/meter", 2), ("*/rope-*", 4)):
        assert len(protocol.only(name)) == n, name
    with pytest.raises(InvalidArgument, match=r"only: got 'kjv/ropes-8/0'; .* Did you mean 'kjv/rope-8/0'"):
        protocol.only("kjv/ropes-8/0")
    with pytest.raises(InvalidArgument, match=r"For instance kjv/meter, or \*/meter"):
        protocol.only("zzz")


def test_folders_are_called_after_corpora() -> None:
    assert slug("kjv+copies") == "kjv+copies"
    assert slug("../some where/my text.txt") == "my_text.txt"
    assert slug("/") == "_"


def test_a_protocol_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "protocol.toml"
    path.write_text('corpora = ["excerpt"]\n[[models]]\nname = "rope"\nencoding = "rope"\nlengths = [8]\n')
    assert read_protocol(path) == read_protocol({"corpora": ["excerpt"], "models": [ROPE]})
    for content, message in (("corpora = [", "TOML file"), ("corpora = 3", "corpora"), ("\ud800", "UTF-8")):
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        with pytest.raises(InvalidArgument, match=message):
            read_protocol(path)
    with pytest.raises(InvalidArgument, match="No such file"):
        read_protocol(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpora": None}, "corpora: got nothing"),
        ({"corpora": []}, r"corpora: got \[\]"),
        ({"corpora": ["a/x", "b/x"]}, "each one once"),
        ({"epsilons": [0.0]}, r"epsilons: got \[0\.0\]; expected numbers of nats, > 0"),
        ({"epsilons": [0.1, -1]}, "epsilons"),
        ({"epsilons": 0}, "epsilons: got 0"),
        ({"epsilons": []}, "epsilons"),
        ({"epsilons": [True]}, "epsilons"),
        ({"contexts": [8, 512]}, r"contexts\[1\]: got 512; expected at most the window, 256"),
        ({"contexts": [0]}, r"contexts\[0\]"),
        ({"window": 4096}, "window: got 4096, with blocks of 4096 tokens"),
        ({"window": 1}, "window: got 1"),
        ({"vocabulary": 256}, "vocabulary: got 256"),
        ({"block": 2}, "block: got 2"),
        ({"tokens": 0}, "tokens: got 0"),
        ({"seeds": 0}, "seeds: got 0"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"seeds": [-1]}, "seeds"),
        ({"meter": {"seed": 0}}, r"\[meter\]: argument seed: got 0; expected another seed than those of the models"),
        ({"meter": {"length": 257}}, r"\[meter\]: argument length"),
        ({"meter": {"length": 0}}, r"\[meter\]: argument length"),
        ({"meter": {"tokens_per_batch": 255}}, "tokens_per_batch: got 255"),
        ({"meter": {"chunks": True}}, "chunks: got an unknown key"),
        ({"meter": {"encoding": "learned", "n_ids": 255}}, "n_ids: got 255"),
        ({"meter": 3}, "the table: got the int 3"),
        ({"windows": 3}, "windows: got an unknown key.*Did you mean 'window'"),
        ({"defaults": {"seed": 3}}, "seed: got an unknown key"),
        ({"defaults": {"task": "copy"}}, "task: got an unknown key"),
        ({"defaults": {"rate": -1.0}}, r"rate: got -1\.0"),
        ({"models": [ROPE, ROPE]}, r"\[\[models\]\] 2: argument name: got 'rope'; .* other than meter, rope"),
        ({"models": [ROPE | {"name": "meter"}]}, "name: got 'meter'"),
        ({"models": [ROPE | {"name": "../up"}]}, "name"),
        ({"models": [{"lengths": [8]}]}, "name: got None"),
        ({"models": [{"name": "rope"}]}, "lengths: got the NoneType"),
        ({"models": [ROPE | {"lengths": []}]}, "lengths"),
        ({"models": [ROPE | {"tokens_per_batch": 7}]}, "tokens_per_batch: got 7"),
        ({"models": [ROPE | {"lengths": [257]}]}, r"lengths\[0\]: got 257; expected at most the window, 256"),
        ({"models": [ROPE | {"chunks": 1}]}, "chunks: got the int 1"),
        ({"models": [ROPE | {"corpora": ["shakespeare"]}]}, "corpora: got 'shakespeare'"),
        ({"models": [ROPE | {"encoding": "rop"}]}, "encoding: got 'rop'"),
        ({"models": {"name": "rope"}}, "models: got the dict"),
    ],
)
def test_what_is_no_protocol_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        read_protocol(SMALL | changes)


def test_the_protocol_of_the_documents_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
    for found in (
        re.search(r"```toml\n(corpora.*?)```", page, re.DOTALL),
        re.search(r"(corpora.*)", module.__doc__ or "", re.DOTALL),
    ):
        assert found
        protocol = read_protocol(tomllib.loads(found[1].replace("\n    ", "\n")))
        assert "kjv/pose-8/0" in map(str, protocol.cells)
