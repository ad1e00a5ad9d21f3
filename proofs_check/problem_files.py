"""Problems as files: one small TOML or JSON format for `decide`, `coverage` and witnesses.

>>> problem = problem_from_dict({
...     "heads": {"arity": 1},
...     "ensemble": {"vocabulary": 2, "background": [1, 0], "support": {"kind": "uniform"},
...                  "planted": [{"word": [1], "probability": 1, "label": "yes"}]},
...     "train": [{"length": 2}], "test": [{"length": 9}]})
>>> problem.test.size
9
>>> problem_from_dict(problem_to_dict(problem)) == problem
True
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

from idealized_model.text import read_text, replacing
from proofs_check.problem import Problem
from theory import FiniteLaw, HardHead, HeadClass, InvalidArgument, Law, PlantedEnsemble, mixture, positions, support
from theory.coordinates import Ids, are_ids, from_lists, listed
from theory.errors import check_one_of, shown, unwritable
from theory.exact import probabilities
from theory.examples import Example, Label, Mixture
from theory.guarantees import Scores
from theory.heads import View
from theory.planted import PlantedLaw
from theory.positions import Blocks, ChunkedShift, Coupled, PositionScheme, RandomOrdered, RandomShift
from theory.ranked import RankedHead
from theory.support import Fixed, Local, Paired, PositionSet, SupportLaw, Uniform

Json = Any
"""Whatever json.loads returns."""


def read_problem(path: str | os.PathLike[str]) -> Problem:
    """Read a problem from a .toml or .json file.

    Raises
    ------
    InvalidArgument : when the file is missing, is no TOML or JSON, or a field is missing, unknown or wrong; the message
        names the field.
    """
    return problem_from_dict(read_data(path, "read_problem"), str(path))


def read_data(path: str | os.PathLike[str], where: str) -> Json:
    """Parse a .toml or .json file.

    Raises
    ------
    InvalidArgument : when it cannot be read or parsed, with the line that the parser names.
    """
    file = Path(path)
    try:
        text = read_text(file)
    except (OSError, UnicodeError) as error:
        reason, fix = getattr(error, "strerror", None) or str(error), "Check the path."
        if isinstance(error, UnicodeError):
            fix = "Write it again as UTF-8."
        raise InvalidArgument(
            where, "path", got=f"{str(path)!r}: {reason}", expected="a readable file", fix=fix
        ) from None
    kind = "TOML" if file.suffix == ".toml" else "JSON"
    other = file.suffix not in (".toml", ".json")
    try:
        return tomllib.loads(text) if kind == "TOML" else json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: malformed, or a number of thousands of digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        fix = "Mend it at the place named."
        if _cut_off(error, text):
            reason, fix = f"it ends too early: {reason}" if text.strip() else "it is empty", "Write it again."
        got, expected = f"{str(path)!r}, which is not valid {kind} ({reason})", f"a complete {kind} file"
        if other:
            got, expected = f"{str(path)!r}, which is neither TOML nor JSON", "a complete .toml or .json file"
            fix = "Name the file itself, with its ending." if text.strip() else "Write it again."
        raise InvalidArgument(where, "path", got=got, expected=expected, fix=fix) from None


def _cut_off(error: Exception, text: str) -> bool:
    """Whether a parser came to the end and wanted more."""
    if isinstance(error, json.JSONDecodeError):
        return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    return "at end of document" in str(error)


def write_json(path: str | os.PathLike[str], data: Json, where: str) -> None:
    """Write JSON in one step: a reader sees the old file or the whole new one.

    Raises
    ------
    InvalidArgument : when the place cannot be written; NotWritten where that is no fault of the path.
    """
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n", where)


def write_text(path: str | os.PathLike[str], text: str, where: str) -> None:
    """Write text in one step; see `write_json`."""
    file = Path(path)
    try:
        if file.is_file() or not file.exists():
            with replacing(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
        else:  # a device or a pipe is written to, not replaced
            file.write_text(text, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise unwritable(error)(
            where,
            "path",
            got=f"{str(path)!r}: {getattr(error, 'strerror', None) or error}",
            expected="a path that can be written",
            fix="Choose a file in an existing folder that you may write to.",
        ) from None


def problem_from_dict(data: Json, path: str = "problem") -> Problem:
    """The problem that a parsed file describes.

    Raises
    ------
    InvalidArgument : naming the field that is missing, unknown or wrong.
    """
    fields = _Fields(data, path, ("heads", "ensemble", "train", "test", "head", "scores"))
    heads = _heads(fields.get("heads"), fields.at("heads"))
    shared = fields.get("ensemble", None)
    train = _law(fields.get("train"), shared, fields.at("train"), path)
    test = _law(fields.get("test"), shared, fields.at("test"), path)
    scores = fields.get("scores", "hard")
    check_one_of(scores, get_args(Scores), "read_problem", fields.at("scores"), "Leave it out for hard heads.")
    head = fields.get("head", None)
    answers = {} if head is None else _answers(head, heads, fields.at("head"))
    if head is None or scores == "soft":
        return Problem(heads, train, test, scores=scores)
    if scores == "ranked":
        return Problem(heads, train, test, scores=scores, ranked=RankedHead(heads, answers))
    return Problem(heads, train, test, HardHead(heads, answers))


def problem_to_dict(problem: Problem) -> dict[str, Json]:
    """The file content from which `problem_from_dict` makes an equal problem.

    Raises
    ------
    InvalidArgument : for a coupling, scheme or label that has no form in the file format.
    """
    heads = problem.heads
    out: dict[str, Json] = {
        "heads": {
            "arity": heads.arity,
            "window": listed(heads.window) if isinstance(heads.window, tuple) else heads.window,
            "key": listed(heads.key) if isinstance(heads.key, tuple) else heads.key,
            "anchor": heads.anchor,
            **({"at_most": True} if heads.at_most else {}),
        },
        "train": law_to_data(problem.train),
        "test": law_to_data(problem.test),
    }
    if problem.scores != "hard":
        out["scores"] = problem.scores
    head = problem.head or problem.ranked
    if head is not None:
        out["head"] = [
            {"tokens": list(view.tokens), "key": listed(view.key), "label": _label_to_data(label)}
            for view, label in head.answers.items()
        ]
    return out


@contextmanager
def _located(path: str) -> Iterator[None]:
    """Put the place in the file in front of what a constructor of the theory refuses."""
    try:
        yield
    except InvalidArgument as error:
        if error.where == "read_problem":
            raise
        argument = f"{path}: {error.argument}"
        raise InvalidArgument("read_problem", argument, got=error.got, expected=error.expected, fix=error.fix) from None


class _Fields:
    """A JSON object under checks: unknown fields are refused, missing ones are named."""

    def __init__(self, data: Json, path: str, known: tuple[str, ...]) -> None:
        if not isinstance(data, Mapping):
            raise InvalidArgument(
                "read_problem", path, got=shown(data), expected="a table (object)", fix=f"Fields: {', '.join(known)}."
            )
        self.data, self.path = data, path
        for name in data:
            if name not in known:
                raise InvalidArgument(
                    "read_problem",
                    f"{path}: {name}",
                    got="an unknown field",
                    expected=f"one of {', '.join(known)}",
                    fix="Remove or rename it.",
                )

    def at(self, name: str) -> str:
        return f"{self.path}: {name}"

    def get(self, name: str, *default: Json) -> Json:
        if name in self.data:
            return self.data[name]
        if default:
            return default[0]
        raise InvalidArgument(
            "read_problem", self.at(name), got="nothing", expected=f"the field '{name}'", fix="Add it."
        )

    def integer(self, name: str, *default: int) -> int:
        value = self.get(name, *default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidArgument(
                "read_problem", self.at(name), got=shown(value), expected="an integer", fix="Write a whole number."
            )
        return value

    def items(self, name: str) -> list[Json]:
        return _items(self.get(name), self.at(name))


def _items(value: Json, path: str) -> list[Json]:
    if not isinstance(value, list) or not value:
        raise InvalidArgument(
            "read_problem", path, got=shown(value), expected="a non-empty list", fix="Write [ ... ] with an entry."
        )
    return value


def _integers(value: Json, path: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(isinstance(i, int) and not isinstance(i, bool) for i in value):
        raise InvalidArgument(
            "read_problem", path, got=shown(value), expected="a list of integers", fix="For instance [1, 2]."
        )
    return tuple(value)


def _ids(value: Json, path: str) -> Ids:
    """IDs, or a key: integers, or lists of as many integers each."""
    ids = from_lists(value) if isinstance(value, list) else ()
    if not (isinstance(value, list) and are_ids(ids)):
        expected, fix = (
            "a list of integers, or of lists of as many integers each",
            "For instance [1, 2] or [[0, 1], [0, 2]].",
        )
        raise InvalidArgument("read_problem", path, got=shown(value), expected=expected, fix=fix)
    return ids


def _label(value: Json, path: str) -> Label:
    if isinstance(value, list):
        return tuple(_label(part, path) for part in value)
    if not isinstance(value, int | str):  # TOML has dates and floats besides
        raise InvalidArgument(
            "read_problem", path, got=shown(value), expected="an integer, a string or a list of them", fix="Rename it."
        )
    return value


def _label_to_data(label: Label) -> Json:
    if isinstance(label, tuple):
        return [_label_to_data(part) for part in label]
    if not isinstance(label, int | str):
        raise _unnamed("label", label, "Use an int, a string, or a tuple of these.")
    return label


def _heads(data: Json, path: str) -> HeadClass:
    fields = _Fields(data, path, ("arity", "window", "key", "anchor", "at_most"))
    window, key = fields.get("window", None), fields.get("key", "none")
    if window and isinstance(window, list):  # one a coordinate; TOML has no null
        window = tuple(None if own == "none" else own for own in window)
    with _located(path):
        return HeadClass(
            fields.integer("arity"),
            window,
            tuple(key) if key and isinstance(key, list) else key,
            fields.get("anchor", "none"),
            fields.get("at_most", False),
        )


def _answers(data: Json, heads: HeadClass, path: str) -> dict[View, Label]:
    answers: dict[View, Label] = {}
    for i, entry in enumerate(data if isinstance(data, list) else _items(data, path)):
        fields = _Fields(entry, f"{path}[{i}]", ("tokens", "key", "label"))
        view = View(_integers(fields.get("tokens"), fields.at("tokens")), _ids(fields.get("key", []), fields.at("key")))
        heads.check_view(view, "read_problem", f"{path}[{i}]")
        _once(view in answers, fields.at("tokens"), f"the view {shown(tuple(view))}")
        answers[view] = _label(fields.get("label"), fields.at("label"))
    return answers


def _law(data: Json, shared: Json, path: str, root: str) -> Law:
    if isinstance(data, Mapping):
        return _finite_law(data, path)
    components, weights = [], []
    plantings: dict[str, PlantedEnsemble] = {}  # thousands of lengths may share one ensemble
    for i, entry in enumerate(_items(data, path)):
        fields = _Fields(entry, f"{path}[{i}]", ("length", "probability", "positions", "support", "ensemble"))
        ensemble = fields.get("ensemble", shared)
        if ensemble is None:
            raise InvalidArgument(
                "read_problem",
                f"{root}: ensemble",
                got="nothing",
                expected="a table 'ensemble' that the laws share",
                fix="Add it.",
            )
        place = fields.at("ensemble") if "ensemble" in fields.data else f"{root}: ensemble"
        own_support = fields.get("support", None)
        law = None if own_support is None else _support(own_support, fields.at("support"))
        planting = _ensemble(ensemble, law, place) if law or place not in plantings else plantings[place]
        if law is None:
            plantings[place] = planting
        scheme = _scheme(fields.get("positions", {"kind": "absolute"}), fields.at("positions"))
        weights.append(fields.get("probability", 1) if len(data) == 1 else fields.get("probability"))
        with _located(f"{path}[{i}]"):
            components.append(planting.at(fields.integer("length"), positions=scheme))
    return mixture(list(zip(components, probabilities(weights, "read_problem", path), strict=True)))


def _finite_law(data: Json, path: str) -> FiniteLaw:
    fields = _Fields(data, path, ("examples", "labels"))
    entries = fields.items("examples")
    law: dict[Example, Any] = {}
    for i, entry in enumerate(entries):
        part = _Fields(entry, f"{path}.examples[{i}]", ("tokens", "ids", "label", "probability"))
        tokens = _integers(part.get("tokens"), part.at("tokens"))
        ids = part.get("ids", None)
        with _located(f"{path}.examples[{i}]"):
            example = Example(
                tokens,
                tuple(range(len(tokens))) if ids is None else _ids(ids, part.at("ids")),
                _label(part.get("label"), part.at("label")),
            )
        _once(example in law, f"{path}.examples[{i}]", shown(example))
        law[example] = part.get("probability", f"1/{len(entries)}")
    weights = probabilities(list(law.values()), "read_problem", f"{path}.examples")
    with _located(path):
        return FiniteLaw(dict(zip(law, weights, strict=True)), labels=_labels(fields))


def _labels(fields: _Fields) -> list[Label] | None:
    """The label set where a table gives one."""
    labels = fields.get("labels", None)
    return None if labels is None else [_label(label, fields.at("labels")) for label in fields.items("labels")]


def _once(again: bool, path: str, got: str) -> None:
    """Refuse what comes a second time: it would silently replace the first."""
    if again:
        raise InvalidArgument("read_problem", path, got=f"{got} twice", expected="each one once", fix="Merge the two.")


def _ensemble(data: Json, own_support: SupportLaw | None, path: str) -> PlantedEnsemble:
    fields = _Fields(data, path, ("vocabulary", "background", "planted", "support", "labels"))
    planted: dict[tuple[int, ...], Any] = {}
    target: dict[tuple[int, ...], Label] = {}
    for i, entry in enumerate(fields.items("planted")):
        part = _Fields(entry, f"{path}.planted[{i}]", ("word", "probability", "label"))
        word = _integers(part.get("word"), part.at("word"))
        _once(word in planted, part.at("word"), f"{word}")
        planted[word] = part.get("probability")
        target[word] = _label(part.get("label"), part.at("label"))
    law = _support(fields.get("support", {}), f"{path}.support") if own_support is None else own_support
    with _located(path):
        return PlantedEnsemble(
            vocabulary=fields.integer("vocabulary"),
            background=fields.items("background"),
            planted=planted,
            target=target,
            support=law,
            labels=_labels(fields),
        )


def _kind(data: Json, path: str, kinds: dict[str, tuple[str, ...]]) -> tuple[str, _Fields]:
    fields = _Fields(data, path, ("kind", *dict.fromkeys(name for names in kinds.values() for name in names)))
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidArgument(
            "read_problem", fields.at("kind"), got=shown(kind), expected=f"one of {', '.join(kinds)}", fix="Rename it."
        )
    return kind, _Fields(data, path, ("kind", *kinds[kind]))


def _support(data: Json, path: str) -> SupportLaw:
    kind, fields = _kind(data, path, {"uniform": ("anchor",), "local": ("width",), "paired": (), "fixed": ("sets",)})
    with _located(path):
        if kind == "uniform":
            return support.uniform(fields.get("anchor", "none"))
        if kind == "local":
            return support.local(fields.integer("width"))
        if kind == "paired":
            return support.paired()
        sets: dict[PositionSet, Any] = {}
        for i, entry in enumerate(fields.items("sets")):
            part = _Fields(entry, f"{path}.sets[{i}]", ("positions", "probability"))
            chosen = _integers(part.get("positions"), part.at("positions"))
            _once(chosen in sets, part.at("positions"), f"{chosen}")
            sets[chosen] = part.get("probability")
        return support.fixed(sets)


def _scheme(data: Json, path: str) -> PositionScheme:
    ranged = ("lo", "hi")
    kind, fields = _kind(
        data,
        path,
        {
            "absolute": (),
            "random_shift": ranged,
            "random_ordered": ranged,
            "chunked_shift": (*ranged, "chunks"),
            "coupled": ("blocks", "then"),
        },
    )
    with _located(path):
        if kind == "absolute":
            return positions.absolute()
        if kind == "coupled":
            then = _scheme(fields.get("then", {"kind": "absolute"}), fields.at("then"))
            return positions.coupled(positions.blocks(fields.integer("blocks", 2)), then)
        lo, hi = fields.integer("lo"), fields.integer("hi")
        if kind == "chunked_shift":
            return positions.chunked_shift(lo, hi, fields.integer("chunks", 2))
        make: Callable[[int, int], PositionScheme] = getattr(positions, kind)
        return make(lo, hi)


def law_from_data(data: Json, path: str = "law") -> Law:
    """The law that `law_to_data` wrote.

    Raises
    ------
    InvalidArgument : naming the field that is missing, unknown or wrong.
    """
    return _law(data, None, path, path)


def law_to_data(law: Law) -> Json:
    """A law as a problem file holds it.

    Raises
    ------
    InvalidArgument : for a coupling, scheme or label that has no form in the file format.
    """
    if isinstance(law, PlantedLaw | Mixture):
        components = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
        if all(isinstance(part, PlantedLaw) for part, _ in components):
            return [_planted_to_data(part, p) for part, p in components if isinstance(part, PlantedLaw)]
    return {
        "examples": [
            {
                "tokens": list(example.tokens),
                "ids": listed(example.ids),
                "label": _label_to_data(example.label),
                "probability": str(p),
            }
            for example, p in law.items()
        ],
        "labels": [_label_to_data(label) for label in law.labels],
    }


def _planted_to_data(law: PlantedLaw, p: Fraction) -> Json:
    ensemble = law.ensemble
    return {
        "length": law.length,
        "probability": str(p),
        "positions": _scheme_to_data(law.positions),
        "ensemble": {
            "vocabulary": ensemble.vocabulary,
            "background": [str(weight) for weight in ensemble.background],
            "planted": [
                {"word": list(word), "probability": str(weight), "label": _label_to_data(ensemble.target[word])}
                for word, weight in ensemble.planted.items()
            ],
            "support": _support_to_data(law.support_law),
            "labels": [_label_to_data(label) for label in ensemble.labels],
        },
    }


def _support_to_data(law: SupportLaw) -> Json:
    match law:
        case Uniform(anchor):
            return {"kind": "uniform", "anchor": anchor}
        case Local(width):
            return {"kind": "local", "width": width}
        case Paired():
            return {"kind": "paired"}
        case Fixed(items):
            return {"kind": "fixed", "sets": [{"positions": list(s), "probability": str(p)} for s, p in items]}
    raise _unnamed("support law", law, "Use the laws of theory.support.")


def _scheme_to_data(scheme: PositionScheme) -> Json:
    match scheme:
        case RandomShift(lo, hi):
            return {"kind": "random_shift", "lo": lo, "hi": hi}
        case RandomOrdered(lo, hi):
            return {"kind": "random_ordered", "lo": lo, "hi": hi}
        case ChunkedShift(lo, hi, chunks):
            return {"kind": "chunked_shift", "lo": lo, "hi": hi, "chunks": chunks}
        case Coupled(Blocks(number), then):
            return {"kind": "coupled", "blocks": number, "then": _scheme_to_data(then)}
    raise _unnamed("position scheme", scheme)


def _unnamed(what: str, value: object, fix: str = "Use the schemes of theory.positions.") -> InvalidArgument:
    return InvalidArgument(
        "problem_to_dict", what, got=shown(value), expected="one that the file format can name", fix=fix
    )
