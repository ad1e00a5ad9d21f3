"""A problem in a witness: as data where it has a data form, else by its address, from which it is made again.

Data form have the problems of the theory with their laws and heads; None, booleans, numbers, texts and fractions; tuples,
lists, sets, dicts, named tuples and dataclasses of such values. What comes back from its data must equal what was
recorded, so that nothing is lost in silence.

>>> from fractions import Fraction
>>> to_data((2, Fraction(1, 3), "a"))
[2, {'fraction': '1/3'}, 'a']
>>> from_data(to_data({(0, 1): [None, 1.5]}))
{(0, 1): [None, 1.5]}
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from fractions import Fraction
from typing import Any, TypeAlias

from proofs_check.claims.claim import Claim
from proofs_check.claims.functions import Facts
from proofs_check.evidence import version
from proofs_check.problem import Problem, in_words
from proofs_check.problem_files import law_from_data, law_to_data, problem_from_dict, problem_to_dict
from theory import Law
from theory.errors import InvalidArgument, of_the_machine, shown

Json = Any
"""Whatever json.loads returns."""

Address: TypeAlias = dict[str, Any]
"""Where a problem comes from: a family and its number there, a sampler with its seed, ..."""

Witness: TypeAlias = dict[str, Any]
"""What refutes a statement, as data; `replay` needs nothing else."""

DEEPEST = 100
"""Levels of nesting that data may have."""

CONTAINERS = {"list": list, "set": set, "frozenset": frozenset}


def make_witness(claim: Claim, variant: str, problem: Any, facts: Facts, address: Address) -> Witness:
    """A witness: what was refuted, on which problem, and what was seen; `replay` needs nothing else.

    The problem is stored as data where it has a data form; else its address, from which it can be made again.
    """
    data = as_data(problem)
    spare = data is not None and variant.startswith(("mutant", "without"))
    witness: Witness = {
        "schema": 1,
        "claim": claim.address,
        "variant": variant,
        "facts": facts,
        "problem": {"address": {**address, "version": version("lengthgen")}} if data is None else data,
    }
    return witness if spare else witness | {"words": in_words(problem)}


def as_data(problem: Any) -> dict[str, Json] | None:
    """The field of a witness that holds a problem; None where it has no data form that is equal to it."""
    try:
        data = problem_to_dict(problem) if type(problem) is Problem else {"value": to_data(problem)}
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()  # else no file could hold it
        again = from_field(data)
        return data if type(again) is type(problem) and bool(again == problem) else None
    except Exception as error:  # of the user's own type, too
        if of_the_machine(error):
            raise
        return None


def from_field(data: dict[str, Json], where: str = "problem") -> Any:
    """The problem that `as_data` wrote.

    Raises
    ------
    InvalidArgument : naming what is wrong.
    """
    if data.keys() != {"value"}:
        return problem_from_dict(data, where)
    try:
        return from_data(data["value"], f"{where}: value")
    except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise _no_data(f"{where}: value", data["value"]) from None


def to_data(value: Any, level: int = 0) -> Json:
    """A value as JSON.

    Raises
    ------
    TypeError : for what has no data form; InvalidArgument for laws and labels that files cannot name.
    """
    if level > DEEPEST:
        raise TypeError("nested too deeply")

    def inner(items: Any) -> list[Json]:
        return [to_data(item, level + 1) for item in items]

    kind = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": str(value)}
    if kind is Fraction:
        return {"fraction": str(value)}
    if kind is tuple:
        return inner(value)
    if kind in CONTAINERS.values():
        return {kind.__name__: inner(value if kind is list else sorted(value, key=repr))}
    if kind is dict:
        return {"dict": [inner(item) for item in value.items()]}
    if kind is Problem:
        return {"problem": problem_to_dict(value)}
    if isinstance(value, Law):
        return {"law": law_to_data(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = dict(zip(value._fields, value, strict=True))
    elif dataclasses.is_dataclass(kind):
        of_it = dataclasses.fields(value)
        if lost := [field.name for field in of_it if not field.init and not field.compare]:
            raise TypeError(f"nothing would tell whether {lost[0]} comes back")
        fields = {field.name: getattr(value, field.name) for field in of_it if field.init}
    else:
        raise TypeError(f"{shown(value)} has no data form")
    return {"type": f"{kind.__module__}:{kind.__qualname__}", "fields": {n: inner([v])[0] for n, v in fields.items()}}


def from_data(data: Json, where: str = "problem") -> Any:
    """The value that data stand for; a class is looked for among the modules that are imported, and never imported.

    Raises
    ------
    InvalidArgument : for what `to_data` does not make.
    """
    if isinstance(data, list):
        return tuple(from_data(item, where) for item in data)
    if not isinstance(data, dict):
        return data
    match data:
        case {"float": str(text)} if len(data) == 1:
            return float(text)
        case {"fraction": str(text)} if len(data) == 1:
            return Fraction(text)
        case {"dict": list(pairs)} if len(data) == 1:
            return dict(from_data(pair, where) for pair in pairs)
        case {"problem": problem} if len(data) == 1:
            return problem_from_dict(problem, where)
        case {"law": law} if len(data) == 1:
            return law_from_data(law, where)
        case {"type": str(name), "fields": dict(fields)} if len(data) == 2:
            return _class(name, where)(**{n: from_data(value, where) for n, value in fields.items()})
    for name, kind in CONTAINERS.items():
        if data.keys() == {name} and isinstance(data[name], list):
            return kind(from_data(item, where) for item in data[name])
    raise _no_data(where, data)


def _class(name: str, where: str) -> Any:
    """A dataclass or a named tuple by its module and name."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and (dataclasses.is_dataclass(found) or hasattr(found, "_fields")):
        return found
    raise _no_data(where, {"type": name})


def _no_data(where: str, data: Json) -> InvalidArgument:
    return InvalidArgument(
        "replay", where, got=shown(data), expected="a value as a witness holds it", fix="Write the witness again."
    )
