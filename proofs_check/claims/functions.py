"""The functions of a claim: what they may take, and what they return, as the engines need it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

from theory.errors import HUGE, InvalidArgument, number_of, shown

Facts: TypeAlias = dict[str, Any]
"""What refutes a claim on a problem, as JSON: for instance {"test_loss": "1/2", "bound": "1/3"}."""

Parts: TypeAlias = Mapping[str, Any]
"""{name: value} of what is changed in a statement; {} is the claim itself."""


def parts_for(function: Callable[..., object], parts: Parts) -> dict[str, Any]:
    """Those parts that a proof or a measurement takes."""
    return {name: parts[name] for name in keywords(function) if name in parts}


def as_count(found: object, what: str, where: str = "Claim") -> int:
    """A number of cases or steps.

    Raises
    ------
    InvalidArgument : for what is none.
    """
    if not isinstance(found, Integral) or isinstance(found, bool) or found < 0:
        raise refused(where, what, shown(found), "a whole number >= 0", "Say how many.")
    return int(found)


def at_most(decisive: int, cases: int, what: str, where: str = "Claim") -> int:
    """How many cases are decisive, which are some of the cases."""
    if decisive > cases:
        raise refused(where, what, shown(decisive), f"at most the {number_of(cases, 'case')}", "Count only cases.")
    return decisive


def as_problems(found: object, where: str) -> Iterator[Any]:
    """The problems of a family, or without a hypothesis.

    Raises
    ------
    InvalidArgument : for what cannot be gone through.
    """
    if not isinstance(found, Iterable):
        got = f"the {type(found).__name__} {shown(found)}"
        raise refused("Claim", f"what {where!r} returns", got, "problems, one by one", "Yield them.")
    return iter(found)


def as_facts(found: object, where: str) -> Facts:
    """What refutes a claim, as JSON.

    Raises
    ------
    InvalidArgument : for what is no dict of facts.
    """
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise refused(
            "Claim", f"what {where} returns", shown(found), "facts as {name: value}",
            "Return facts where a problem refutes the claim, None elsewhere.",
        )  # fmt: skip
    return {name: _plain(value) for name, value in found.items()}


def keywords(function: Callable[..., object]) -> dict[str, Any]:
    """{keyword-only parameter: its default}."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def check_signature(where: str, function: object, positional: int, form: str) -> None:
    """Refuse what cannot be called with so many values and keywords that have defaults."""
    try:
        if not callable(function):
            raise TypeError(f"the {type(function).__name__} {shown(function)}")
        for called in (function, type(function).__call__):
            if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
                raise TypeError("it is asynchronous")
        inspect.signature(function).bind(*range(positional), **dict.fromkeys(keywords(function)))
    except (TypeError, ValueError) as error:
        got = f"{getattr(function, '__name__', 'a value')}: {error}"
        raise refused(where, "function", got, f"a function {form}", "Change what it takes.") from None


def _plain(value: object) -> Any:
    """A fact as JSON: exact numbers that JSON lacks, and all else, as text; sets in an order of their own."""
    match value:
        case None | bool() | str():
            return _written(value)
        case Integral():
            return _written(int(value))
        case Rational():
            exact = Fraction(value)
            return str(exact) if max(abs(exact.numerator), exact.denominator) < HUGE else shown(exact)
        case Real():
            return _written(float(value))
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case set() | frozenset():
            return [_plain(inner) for inner in sorted(value, key=repr)]
        case list() | tuple():
            return [_plain(inner) for inner in value]
    said = shown(value)  # the default one has an address, which is another one each time
    return f"<{type(value).__name__}>" if " at 0x" in said else said


def _written(value: Any) -> Any:
    """A value as it is, or shortened where a file in JSON could not hold it, or no one read it."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:  # long integers, NaN and infinities, halves of characters
        return ascii(value) if isinstance(value, str) else shown(value)
    return value


def refused(where: str, argument: str, got: str, expected: str, fix: str) -> InvalidArgument:
    """What a claim is refused with."""
    return InvalidArgument(where, argument, got=got, expected=expected, fix=fix)
