"""The explorer: verdicts to choose from, on one page that needs no server and no network.

What the page shows is data: for every task its verdicts under every scheme, convention, window and kind of heads, at every
pair of lengths; what fails there; its dependency graphs; and the curves of models that were trained on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from importlib import resources
from typing import Any

import numpy as np

from idealized_model.transformer.results import Row
from proofs_check.evidence import version
from proofs_check.verdicts.deciding import SCHEMES
from proofs_check.verdicts.exploring import TOKEN, Part
from proofs_check.verdicts.grid import Failure, Grid, Point
from proofs_check.verdicts.matched import class_of, config_of, name_of
from proofs_check.verdicts.subjects import Subject
from theory.coordinates import written
from theory.errors import InvalidArgument, shown
from theory.tasks import Task
from theory.tasks.query_coupled import SUFFIX

SCHEMA = 1
OUTCOMES = ("generalizes", "fails", "unrealizable")
"""In the data an outcome is its place here."""

# ── Data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_data(found: Mapping[Part, Sequence[Grid]]) -> dict[str, Any]:
    """What `decide_parts` gave as the data of the page, in a form that JSON has."""
    tasks: dict[str, dict[str, Any]] = {}
    for part, own in found.items():
        entry = tasks.setdefault(part.task, _entry(part))
        if part.convention not in entry["graphs"]:
            entry["named"][part.convention] = part.named
            entry["graphs"][part.convention] = _graphs(part.subject)
        entry["cells"] += [_cell(part, grid, entry["failures"]) for grid in own]
    for entry in tasks.values():
        entry["failures"] = list(map(json.loads, entry["failures"]))
    schemes = {name: scheme.what for name, scheme in SCHEMES.items() if any(part.scheme == name for part in found)}
    return {"schema": SCHEMA, "version": version("lengthgen"), "schemes": schemes, "tasks": list(tasks.values())}


def _entry(part: Part) -> dict[str, Any]:
    subject = part.subject
    return {
        "name": part.task, "size": subject.size, "sparsity": subject.task.sparsity, "named": {}, "graphs": {}, "cells": [],
        "failures": {}, "trained": [],
    }  # fmt: skip


def _graphs(subject: Subject) -> dict[str, Any]:
    """A random instance of every length: its tokens, IDs, and what every step reads."""
    out = {}
    for length in subject.test:
        instance = subject.task.sample(length, np.random.default_rng(length))
        tokens = [_token(subject.task, token) for token in instance.tokens]
        out[str(length)] = [
            tokens,
            [_id(own) for own in instance.ids],
            [list(map(_plain, step)) for step in instance.steps],
        ]
    return out


def _token(task: Task, token: int) -> str:
    return task.text((token,))


def _id(own: object) -> object:
    return own if isinstance(own, int) else str(own)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _cell(part: Part, grid: Grid, failures: dict[str, int]) -> dict[str, Any]:
    heads = grid.heads
    return {
        "scheme": part.scheme, "convention": part.convention, "k": heads.arity, "heads": grid.scores,
        "window": "none" if heads.window is None else written(heads.window), "drawn": sorted(grid.drawn),
        "key": heads.key if isinstance(heads.key, str) else written(heads.key), "anchor": heads.anchor,
        "points": [[*lengths, *_point(point, failures)] for lengths, point in grid.points.items()],
    }  # fmt: skip


def _point(point: Point | None, failures: dict[str, int]) -> list[Any]:
    if point is None:
        return [None, None, None, None]
    place = None
    if point.failure is not None:
        place = failures.setdefault(_compact(_failure(point.failure)), len(failures))
    share = None if point.guaranteed is None else str(point.guaranteed)
    return [OUTCOMES.index(point.outcome), point.reason, share, place]


def _failure(failure: Failure) -> list[Any]:
    selections = [[list(own.positions), own.answer, str(own.share)] for own in failure.selections]
    return [
        list(failure.tokens), [_id(own) for own in failure.ids], failure.label, failure.why, failure.answer, selections,
        failure.selected,
    ]  # fmt: skip


def with_curves(data: dict[str, Any], rows: Iterable[Row]) -> dict[str, Any]:
    """The data with what trained models do: for every configuration what each seed reproduces, by length.

    Parameters
    ----------
    rows : as `lengthgen sweep` wrote them; those of other tasks, and of schemes that no verdict speaks of, are left out.
    """
    tasks = {entry["name"]: entry for entry in data["tasks"]}
    found = {_settings(name, curve): curve for name, entry in tasks.items() for curve in entry["trained"]}
    for row in rows:
        config = config_of(row)
        family = config.task.removesuffix(SUFFIX).removesuffix(TOKEN)
        if family not in tasks:
            continue
        asked = config.task.endswith(SUFFIX)
        scheme = scheme_like(row)
        if scheme is None:
            continue
        own_ids = "own" if "own" in tasks[family]["graphs"] else "token"
        size = f"{config.layers} × {config.heads}" + ("" if config.mlp else ", attention only")
        curve = {
            "scheme": scheme, "convention": ("query" if asked else own_ids) if SCHEMES[scheme].coupled else "",
            "named": name_of(config), "model": size, "scaled": config.log_scale,
            "train": [config.shortest, config.longest], "seeds": {},
        }  # fmt: skip
        curve = found.setdefault(_settings(family, curve), curve)
        own = [[t["length"], t["free_running"], t["size"]] for t in row["tests"] if t["task"] == config.task]
        if row["status"] == "finished" and own:
            curve["seeds"].setdefault(str(config.seed), own)
    for entry in tasks.values():
        entry["trained"] = []
    for (family, *_), curve in found.items():
        if curve["seeds"]:
            tasks[family]["trained"].append(curve)
    return data


def _settings(family: str, curve: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the seeds of a curve have in common."""
    return (family, *(curve[name] for name in ("scheme", "convention", "named", "model", "scaled")), *curve["train"])


def scheme_like(row: Row) -> str | None:
    """The scheme of verdicts that does to IDs what the training of a row does; None where there is none."""
    how, like = config_of(row).how, class_of(config_of(row))
    if how.coupled:
        return "predictive" if how.predicted else "random ordered" if how.relabel == "ordered" else "coupled"
    if how.relabel != "fixed":
        return None if how.relabel == "ordered" else "random shift"
    return "relative window" if like.key == "relative" else like.key if isinstance(like.key, str) else None


def complete(data: Mapping[str, Any], parts: Iterable[Part]) -> set[str]:
    """The tasks of the data that need not be decided again: every part is there, at its lengths."""
    tasks = {entry["name"]: entry for entry in data["tasks"]}
    want: dict[str, list[Part]] = {}
    for part in parts:
        want.setdefault(part.task, []).append(part)
    return {name for name, own in want.items() if name in tasks and all(_there(tasks[name], part) for part in own)}


def _there(entry: Mapping[str, Any], part: Part) -> bool:
    graphs = entry["graphs"].get(part.convention, {})
    cells = [cell for cell in entry["cells"] if (cell["scheme"], cell["convention"]) == (part.scheme, part.convention)]
    return bool(cells) and [*graphs] == [str(length) for length in part.subject.test]


def merged(parts: Iterable[Part], kept: Set[str], new: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """New data with the kept tasks of those before, in the order of the parts."""
    tasks = {entry["name"]: entry for entry in new["tasks"]}
    tasks |= {entry["name"]: entry for entry in before["tasks"] if entry["name"] in kept}
    seen = {cell["scheme"] for entry in tasks.values() for cell in entry["cells"]}
    schemes = {name: scheme.what for name, scheme in SCHEMES.items() if name in seen}
    order = dict.fromkeys(part.task for part in parts)
    return {**new, "schemes": schemes, "tasks": [tasks[name] for name in order if name in tasks]}


def stored() -> dict[str, Any]:
    """The data that comes with the package: every task of `subjects`, and the trained models of the figures."""
    text = resources.files("proofs_check.pages").joinpath("explored.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def dumps(data: Mapping[str, Any]) -> str:
    """The data as a file: a line a task, so that a change of one is a change of its line."""
    head = {name: value for name, value in data.items() if name != "tasks"}
    lines = ",\n".join(map(_compact, data["tasks"]))
    return f'{_compact(head)[:-1]},"tasks":[\n{lines}\n]}}\n'


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def require_data(data: Any, where: str, name: str) -> None:
    """Refuse what `to_data` did not make."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA or not data.get("tasks"):
        expected = "what `lengthgen explore --data` wrote, with at least one task"
        got = shown({key: data.get(key) for key in ("schema", "version")} if isinstance(data, Mapping) else data)
        raise InvalidArgument(where, name, got=got, expected=expected, fix="Write it again.")


# ── Page ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(data: Mapping[str, Any]) -> str:
    """The page: its style, its program and its data in one file.

    Raises
    ------
    InvalidArgument : for data that `to_data` did not make.
    """
    require_data(data, "explorer.page", "data")
    files = resources.files("proofs_check.pages")
    text = files.joinpath("explorer.html").read_text(encoding="utf-8")
    names = ("palette.css", "explorer.css", "explorer.js")
    inserted = {name: files.joinpath(name).read_text(encoding="utf-8") for name in names}
    inserted["data"] = dumps(data).replace("<", "\\u003c")  # so that no text of a task ends the script
    for name, own in inserted.items():
        text = text.replace(f"@{name}@", own.rstrip("\n"))
    return text
