"""Protocols: which models are trained on which text, and what is measured of them, as a TOML file.

corpora = ["shakespeare", "kjv"]        # as `load_corpus` names them, with variants
seeds = 3                               # of every judged model: 0, 1, 2; or a list
vocabulary = 1024                       # tokens, bytes included
block = 4096                            # tokens of a block: what confidence intervals draw
window = 256                            # the whole context
contexts = [4, 8, 16, 32, 64, 128, 256] # at which losses are measured, up to the window
epsilons = [0.05]                       # nats; the first one is what tables and figures show
tokens = 1000                           # held-out tokens that are measured, of every corpus

[defaults]                              # of `TrainConfig`, for every model
width = 128
tied = true
steps = 3000
tokens_per_batch = 1024

[meter]                                 # trained on text with gaps, and measured with; it has a seed of its own
seed = 100
encoding = "rope"

[[models]]                              # judged: trained at every length, tested at the window
name = "pose"
encoding = "rope"
chunks = true                           # IDs in two chunks with a random gap (PoSE)
lengths = [8, 16, 32, 64]

[[models]]
name = "alibi"
encoding = "alibi"
lengths = [32]
corpora = ["kjv"]                       # of those above; default: all
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from idealized_model.language.sources import Alternating, Chunked, TextSource, Windows
from idealized_model.language.tokenizer import N_BYTES
from idealized_model.language.tokens import BLOCK, Tokens
from idealized_model.text import read_text
from idealized_model.transformer.training import TEXT, TrainConfig
from theory.errors import (
    InvalidArgument,
    TheoryError,
    check,
    check_integer,
    check_integers,
    check_one_of,
    check_type,
    did_you_mean,
    shown,
)

METER = "meter"
"""The name of the model that measures; no judged one has it."""

CONFIG = tuple(
    field.name
    for field in fields(TrainConfig)
    if field.name not in ("task", "seed", "positions", "shortest", "longest", "batch", "packing", "window")
)
"""What a protocol may say of a model beside what its source needs."""

SOURCE = ("tokens_per_batch",)
OWN = ("name", "lengths", "chunks", "corpora")


@dataclass(frozen=True)
class Cell:
    """One run: a model that is trained on a corpus.

    Attributes
    ----------
    corpus, model, length, seed : what it is called by; the length is that of its training, of the meter's the window.
    config : how it is trained.
    chunks : whether its IDs come in two chunks.
    gaps : tokens of a row with gaps, of the meter; 0 for a judged model.
    window, tokens_per_batch : of its source.
    """

    corpus: str
    model: str
    length: int
    seed: int
    config: TrainConfig
    chunks: bool
    gaps: int
    window: int
    tokens_per_batch: int

    @property
    def group(self) -> str:
        """What shares a bar of progress."""
        return self.corpus

    @property
    def is_meter(self) -> bool:
        """Whether it measures, or is judged."""
        return self.model == METER

    @property
    def path(self) -> str:
        """Its name without the corpus."""
        return METER if self.is_meter else f"{self.model}-{self.length}/{self.seed}"

    def __str__(self) -> str:
        return f"{self.corpus}/{self.path}"

    def source(self, text: Tokens) -> TextSource:
        """What it is trained on."""
        if self.is_meter:
            return Alternating(text, self.gaps, self.tokens_per_batch, self.window)
        if self.chunks:
            return Chunked(text, self.length, self.tokens_per_batch, self.window)
        return Windows(text, self.length, self.tokens_per_batch)


@dataclass(frozen=True)
class Protocol:
    """What is trained, and what is measured of it; see the module for how it is written.

    Attributes
    ----------
    cells : every run, in the order in which they are done: the first seeds of all first.

    Examples
    --------
    >>> data = {"corpora": ["excerpt"], "models": [{"name": "rope", "encoding": "rope", "lengths": [8, 32]}]}
    >>> protocol = read_protocol(data)
    >>> [str(cell) for cell in protocol.cells]
    ['excerpt/meter', 'excerpt/rope-8/0', 'excerpt/rope-32/0']
    >>> [str(cell) for cell in protocol.only("excerpt/rope-8")]
    ['excerpt/rope-8/0']
    """

    corpora: tuple[str, ...]
    vocabulary: int
    block: int
    window: int
    contexts: tuple[int, ...]
    epsilons: tuple[float, ...]
    tokens: int
    cells: tuple[Cell, ...]

    def only(self, name: str | None) -> tuple[Cell, ...]:
        """The cells of a name, of the beginning of one ("kjv", "kjv/pose-8"), or of a pattern ("*/pose-*"); all of None.

        Raises
        ------
        InvalidArgument : when there are none.
        """
        if name is None:
            return self.cells
        found = [cell for cell in self.cells if _is_named(str(cell), name)]
        names = [str(cell) for cell in self.cells]
        fix = did_you_mean(name, names, f"For instance {names[0]}, or */{METER}.")
        check(found, "Protocol", "only", name, expected="the name of a cell, or the beginning of one", fix=fix)
        return tuple(found)


def read_protocol(given: str | os.PathLike[str] | dict[str, Any], *, corpora: Iterable[str] | None = None) -> Protocol:
    """The protocol of a TOML file, or of what such a file holds.

    Parameters
    ----------
    corpora : in place of its own: all its models on these.

    Raises
    ------
    InvalidArgument : naming the file and the key.
    """
    if isinstance(given, dict):
        return _protocol(_on(given, corpora), "protocol")
    try:
        data = tomllib.loads(read_text(given))
    except (OSError, ValueError) as error:
        got = f"{shown(str(given))}: {getattr(error, 'strerror', None) or error}"
        raise InvalidArgument(
            "language", "PROTOCOL", got=got, expected="a TOML file", fix="See docs/commands.md."
        ) from None
    return _protocol(_on(data, corpora), str(given))


def _on(data: dict[str, Any], corpora: Iterable[str] | None) -> dict[str, Any]:
    """What a protocol holds, with other corpora."""
    if corpora is None:
        return data
    models = data.get("models")
    if isinstance(models, list):
        models = [
            {key: own[key] for key in own if key != "corpora"} if isinstance(own, dict) else own for own in models
        ]
        data = data | {"models": models}
    return data | {"corpora": list(corpora)}


def slug(corpus: str) -> str:
    """What the folder of a corpus is called: of a file its name, with what folders cannot have replaced.

    Examples
    --------
    >>> slug("texts/my book.txt+copies")
    'my_book.txt+copies'
    """
    return re.sub(r"[^\w.+-]", "_", Path(corpus).name) or "_"


def _is_named(cell: str, name: str) -> bool:
    return cell == name or cell.startswith(f"{name}/") or fnmatchcase(cell, name)


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

USUAL: dict[str, Any] = {
    "vocabulary": 1024, "block": BLOCK, "window": 256, "contexts": None, "epsilons": [0.05], "tokens": 1000, "seeds": 1,
    "defaults": {}, "meter": {}, "models": [],
}  # fmt: skip


def _protocol(data: dict[str, Any], where: str) -> Protocol:
    _known(data, ("corpora", *USUAL), where)
    said = USUAL | data
    corpora = _names(said.get("corpora"), where)
    for name, least in (("vocabulary", N_BYTES + 1), ("block", 3), ("window", 2), ("tokens", 1)):
        check_integer(said[name], where, name, least=least)
    block, window = said["block"], said["window"]
    got, fix = f"{window}, with blocks of {block} tokens", "Use longer blocks, or a shorter window."
    check(window < block, where, "window", got=got, expected="less than a block", fix=fix)
    contexts = said["contexts"]
    if contexts is None:
        contexts = [window >> j for j in range(window.bit_length() - 1, -1, -1)]
    check_integers(contexts, where, "contexts", least=1)
    _within(contexts, window, where, "contexts")
    epsilons = _epsilons(said["epsilons"], where)
    seeds = _seeds(said["seeds"], where)
    defaults = _table(said["defaults"], (*CONFIG, *SOURCE), f"{where}: [defaults]")
    meter = _table(said["meter"], ("seed", "length", *CONFIG, *SOURCE), f"{where}: [meter]")
    models = _models(said["models"], corpora, window, where)
    meter_seed = meter.get("seed", max(seeds) + 1)
    check_integer(meter_seed, f"{where}: [meter]", "seed", least=0)
    apart = meter_seed not in seeds
    fix = "What measures shares nothing with what is judged."
    check(apart, f"{where}: [meter]", "seed", meter_seed, expected="another seed than those of the models", fix=fix)
    cells = [
        _cell(corpus, METER, window, meter_seed, defaults | {"encoding": "rope"} | meter, window, f"{where}: [meter]")
        for corpus in corpora
    ]
    for seed in seeds:
        for corpus in corpora:
            for model in models:
                if corpus in model.get("corpora", corpora):
                    at = f"{where}: [[models]] {model['name']}"
                    cells += [
                        _cell(corpus, model["name"], length, seed, defaults | model, window, at)
                        for length in model["lengths"]
                    ]
    used = tuple(sorted({*contexts, window, *(cell.length for cell in cells)}))
    return Protocol(corpora, said["vocabulary"], block, window, used, epsilons, said["tokens"], tuple(cells))


def _cell(corpus: str, model: str, length: int, seed: int, said: dict[str, Any], window: int, where: str) -> Cell:
    tokens_per_batch = said.get("tokens_per_batch", 1024)
    least = window if model == METER else length
    check_integer(tokens_per_batch, where, "tokens_per_batch", least=least)
    gaps = said.get("length", min(64, window)) if model == METER else 0
    check_integer(gaps, where, "length", least=0 if model != METER else 1, most=window)
    try:
        config = TrainConfig(TEXT, seed=seed, **{name: value for name, value in said.items() if name in CONFIG})
    except TheoryError as error:
        raise InvalidArgument(where, error.argument, got=error.got, expected=error.expected, fix=error.fix) from None
    if config.encoding == "learned":
        check_integer(config.n_ids, where, "n_ids", least=window)
    return Cell(corpus, model, length, seed, config, said.get("chunks", False), gaps, window, tokens_per_batch)


def _models(models: Any, corpora: tuple[str, ...], window: int, where: str) -> list[dict[str, Any]]:
    fix = "Write [[models]]."
    check_type(models, list, where, "models", "tables", fix)
    found: list[dict[str, Any]] = []
    for number, given in enumerate(models, start=1):
        at = f"{where}: [[models]] {number}"
        model = _table(given, (*OWN, *CONFIG, *SOURCE), at)
        name, others = model.get("name"), [METER, *(other["name"] for other in found)]
        fine = isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9-]*", name) and name not in others
        expected, fix = (
            f"a name of small letters, digits and hyphens, other than {', '.join(others)}",
            "Name the model.",
        )
        check(fine, at, "name", name, expected=expected, fix=fix)
        check_integers(model.get("lengths"), at, "lengths", least=1)
        check(model["lengths"], at, "lengths", [], expected="at least one length", fix="For instance [32].")
        _within(model["lengths"], window, at, "lengths")
        check_type(model.get("chunks", False), bool, at, "chunks", "true or false", "True is PoSE.")
        for corpus in _names(model["corpora"], at) if "corpora" in model else ():
            check_one_of(corpus, corpora, at, "corpora")
        found.append(model)
    return found


def _within(lengths: list[int], window: int, where: str, argument: str) -> None:
    for j, length in enumerate(lengths):
        expected, fix = f"at most the window, {window}", "Use a longer window, or leave it out."
        check(length <= window, where, f"{argument}[{j}]", length, expected=expected, fix=fix)


def _names(names: Any, where: str) -> tuple[str, ...]:
    fine = isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    got, fix = "nothing" if names is None else shown(names), 'For instance corpora = ["excerpt"].'
    check(fine, where, "corpora", got=got, expected="a list of corpora", fix=fix)
    apart = len({slug(name) for name in names}) == len(names)
    fix = "Leave the others out, or rename files that are called alike."
    check(apart, where, "corpora", names, expected="each one once", fix=fix)
    return tuple(names)


def _epsilons(epsilons: Any, where: str) -> tuple[float, ...]:
    numbers = epsilons if isinstance(epsilons, list) else [epsilons]
    fine = numbers and all(type(number) in (int, float) and 0 < number < 1e3 for number in numbers)
    expected = "numbers of nats, > 0"
    check(fine, where, "epsilons", epsilons, expected=expected, fix="For instance epsilons = [0.05].")
    return tuple(map(float, numbers))


def _seeds(seeds: Any, where: str) -> list[int]:
    if type(seeds) is int and seeds >= 1:
        return list(range(seeds))
    fine = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    expected, fix = "a number >= 1, or a list of seeds >= 0", "For instance seeds = 3."
    check(fine and len(set(seeds)) == len(seeds), where, "seeds", seeds, expected=expected, fix=fix)
    return list(seeds)


def _table(table: Any, known: Iterable[str], where: str) -> dict[str, Any]:
    check_type(table, dict, where, "the table", "a table", "Write a line [name] before its keys.")
    _known(table, known, where)
    return dict(table)


def _known(table: dict[str, Any], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in table:
        expected = f"keys among {', '.join(sorted(known))}"
        check(key in known, where, key, got="an unknown key", expected=expected, fix=did_you_mean(key, known))
