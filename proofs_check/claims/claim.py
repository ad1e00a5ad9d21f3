"""A claim as one object: its words, how one problem refutes it, and where to look, each registered where it is written.

>>> claim = Claim("halves", statement="Half of an even number, and of it, is whole.", hypotheses={"a fourth": "4 divides it"})
>>> @claim.refute
... def refute(number, *, halvings=2):
...     return None if number % 2**halvings == 0 else {"number": number}
>>> claim.mutant("three times", halvings=3)
>>> @claim.family("multiples of 4 up to 40")
... def multiples(profile):
...     yield from range(4, 41, 4)
>>> @claim.without("a fourth")
... def even():
...     yield 6
>>> claim.facts(4), claim.facts(4, claim.mutants["three times"])
(None, {'number': 4})
"""

from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np

from theory.errors import HUGE, InvalidArgument, shown

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Facts: TypeAlias = dict[str, Any]
"""What refutes a claim on a problem, as JSON: for instance {"test_loss": "1/2", "bound": "1/3"}."""

Profile: TypeAlias = Literal["quick", "full"]

Parts: TypeAlias = Mapping[str, Any]
"""{name: value} of what is changed in a statement; {} is the claim itself."""

Problems: TypeAlias = Callable[[Profile], Iterable[Any]]
Searched: TypeAlias = Literal["sampled", "search"]
Shown: TypeAlias = Literal["proved", "exhausted"]


def _key(problem: Any) -> Hashable:
    """A problem itself, or its pickle where it is mutable, or equal to itself alone."""
    try:
        own: object = type(problem).__hash__
        if own is object.__hash__:  # of the object, not of what it says
            with suppress(Exception):
                return pickle.dumps(problem)
        hash(problem)
    except TypeError:
        try:
            return pickle.dumps(problem)
        except Exception as error:
            raise _refused(
                "Claim.sampler", "key", f"the {type(problem).__name__} {shown(problem)}, which does not pickle ({error})",
                "problems that hash or pickle", "Give the sampler a key: key=lambda problem: ...",
            ) from None  # fmt: skip
    found: Hashable = problem
    return found


@dataclass(frozen=True)
class Family:
    """A finite family of problems, with its scope in words."""

    scope: str
    problems: Problems


@dataclass(frozen=True)
class Sampler:
    """Random problems: a Hypothesis strategy, with its scope in words and how many to draw."""

    scope: str
    strategy: Callable[[], SearchStrategy[Any]]
    quick: int
    full: int
    notices: tuple[str, ...] = ()
    key: Callable[[Any], Hashable] = _key


@dataclass(frozen=True)
class Proof:
    """A machine check of a derivation or of identities."""

    scope: str
    check: Callable[..., int]
    kind: Shown = "proved"
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """A check of its own kind (Monte Carlo against exact values, an adversarial search)."""

    engine: Searched
    scope: str
    run: Callable[..., Measured]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a measurement saw.

    Attributes
    ----------
    instances : how many cases.
    summary : a sentence.
    refutation : a problem with the facts that refute the claim there, if there is one.
    decisive : how many of the cases could have refuted it (None: each).

    Raises
    ------
    InvalidArgument : for what is none of these, and more decisive cases than cases.

    Examples
    --------
    >>> Measured(1000, "none of a thousand is above the bound").refutation is None
    True
    """

    instances: int
    summary: str
    refutation: tuple[Any, Facts] | None = None
    decisive: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.summary, str):
            raise _refused("Measured", "summary", shown(self.summary), "a text", "Say in words what was seen.")
        object.__setattr__(self, "instances", as_count(self.instances, "instances", "Measured"))
        if self.decisive is not None:
            decisive = _at_most(as_count(self.decisive, "decisive", "Measured"), self.instances, "decisive", "Measured")
            object.__setattr__(self, "decisive", decisive)
        match self.refutation:
            case None | (_, Mapping()):
                return
        raise _refused(
            "Measured", "refutation", shown(self.refutation), "a pair (problem, {name: value}), or None",
            "Give the problem with the facts that refute the claim there.",
        )  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """A hypothesis dropped: problems outside it, and what the statement without it is said to change."""

    problems: Callable[[], Iterable[Any]]
    parts: Parts


Check: TypeAlias = Family | Sampler | Measurement | Proof

R = TypeVar("R", bound=Callable[..., Facts | None])
B = TypeVar("B", bound=Callable[..., bool])
N = TypeVar("N", bound=Callable[..., int])
Q = TypeVar("Q", bound=Callable[..., Iterable[Any]])
S = TypeVar("S", bound=Callable[[], Any])
M = TypeVar("M", bound=Callable[..., Measured])


def require(condition: bool, step: str) -> None:
    """Let a proof go no further, naming the step, unless the condition holds.

    Examples
    --------
    >>> require(2 + 2 == 5, "the sum of 2 and 2")
    Traceback (most recent call last):
    ...
    AssertionError: the sum of 2 and 2
    """
    if not condition:
        raise AssertionError(step)


class Claim:
    """A claim, and everything that is done to refute it.

    A *problem* is any value that the claim speaks of. `refute` is the one place where claim and mutants are tested; its
    keyword parameters, each with the value that the claim gives it, are the *parts* that could be otherwise. A mutant
    changes some of them; all are put to the same test, so that a check that cannot fail shows up as a mutant that
    survives. Proofs and measurements may take the same parts, and are run for the mutants that they say they notice.

    Parameters
    ----------
    id : its name in reports; letters, digits and "_", ".", "-".
    title : a few words.
    statement : the claim in words and formulas.
    hypotheses : {short name: what is assumed}.
    tightness : how far the statement is from the best possible one.

    Raises
    ------
    InvalidArgument : here and when something is registered, for what cannot be a part of a claim.

    Examples
    --------
    >>> claim = Claim("shorter", statement="Length 3 is enough.")
    >>> @claim.refute
    ... def refute(problem, *, length=3):
    ...     return None
    >>> claim.mutant("length 2 is enough", width=2)
    Traceback (most recent call last):
    ...
    theory.errors.InvalidArgument: Claim.mutant: argument 'length 2 is enough': got the unknown part width; expected a part \
of refute: length. Change one of these, or let refute take it as a keyword with a default.
    """

    def __init__(
        self,
        id: str,
        *,
        statement: str,
        title: str = "",
        hypotheses: Mapping[str, str] | None = None,
        tightness: str = "",
    ) -> None:
        if not isinstance(id, str) or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", id, re.ASCII):
            raise _refused("Claim", "id", shown(id), "letters, digits, '_', '.' and '-'", "For instance 'shorter'.")
        for name, text in {"statement": statement, "title": title, "tightness": tightness}.items():
            if not isinstance(text, str) or (name == "statement" and not text.strip()):
                raise _refused("Claim", name, shown(text), "a text", "Say it in words.")
        assumed = {} if hypotheses is None else hypotheses
        if not isinstance(assumed, Mapping) or not all(isinstance(t, str) for pair in assumed.items() for t in pair):
            raise _refused(
                "Claim", "hypotheses", shown(hypotheses), "{short name: what is assumed}", "Say each in words."
            )
        self.id, self.title, self.statement, self.tightness = id, title, statement, tightness
        self.hypotheses = dict(assumed)
        self.address = id
        """What `find` found it by: module:object, or the id of a claim of the theory."""
        self.parts: dict[str, Any] = {}
        self.mutants: dict[str, Parts] = {}
        self.necessity: dict[str, Dropped] = {}
        self.families: list[Family] = []
        self.samplers: list[Sampler] = []
        self.proofs: list[Proof] = []
        self.measurements: list[Measurement] = []
        self._refute: Callable[..., Facts | None] | None = None
        self._cases: Callable[[Any], int] | None = None
        self._nonvacuous: Callable[[Any], bool] | None = None
        self._decisive: Callable[[Any], int] | None = None

    def __repr__(self) -> str:
        return f"<Claim {self.id}: {self.title or self.statement}>"

    # ── What is registered ───────────────────────────────────────────────────────────────────────────────────────────

    def refute(self, function: R) -> R:
        """`refute(problem, *, part=..., ...)`: facts that refute the statement on a problem, or None.

        A part named `without` is the name of the hypothesis that is dropped, for claims that test their hypotheses here.
        """
        where, form = "Claim.refute", "(problem, *, part=value, ...)"
        _check_first(where, self._refute)
        _check_signature(where, function, 1, form)
        if parts := [*inspect.signature(function).parameters.values()][1:]:
            kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            if early := [part.name for part in parts if part.kind in kinds]:
                got, fix = f"the part {early[0]} in front of a *", f"Write it behind a *: (problem, *, {early[0]}=...)."
                raise _refused(where, "function", got, f"a function {form}", fix)
        self.parts = _keywords(function)
        required = [name for name, value in self.parts.items() if value is inspect.Parameter.empty]
        if required:
            raise _refused(
                where, "function", f"the part {required[0]} without a value", "a default for each part",
                "Give it the value that the claim states.",
            )  # fmt: skip
        self._refute = function
        return function

    def mutant(self, name: str, /, **parts: Any) -> None:
        """A false variant: some parts of `refute` changed. Every one must be refuted by a family."""
        self._check_name("Claim.mutant", name, self.mutants)
        if not parts:
            raise _refused("Claim.mutant", repr(name), "no part", "what it changes", "Name a part, with another value.")
        self.mutants[name] = self._checked("Claim.mutant", name, parts)

    def cases(self, function: N) -> N:
        """`cases(problem)`: how many cases `refute` decides on a problem, 0 where it is too large to decide (default: 1).

        They are counted under the hypotheses only.
        """
        _check_first("Claim.cases", self._cases)
        _check_signature("Claim.cases", function, 1, "(problem)")
        self._cases = function
        return function

    def nonvacuous(self, function: B) -> B:
        """`nonvacuous(problem)`: whether the hypotheses of the claim hold on a problem (default: on each)."""
        _check_first("Claim.nonvacuous", self._nonvacuous)
        _check_signature("Claim.nonvacuous", function, 1, "(problem)")
        self._nonvacuous = function
        return function

    def decisive(self, function: N) -> N:
        """`decisive(problem)`: how many of the cases could have refuted the claim (default: each).

        For instance a head of positive loss under a bound below 1, not one that loses nothing or is allowed everything.
        A family must hold at least one.
        """
        _check_first("Claim.decisive", self._decisive)
        _check_signature("Claim.decisive", function, 1, "(problem)")
        self._decisive = function
        return function

    def family(self, scope: str, /) -> Callable[[Q], Q]:
        """`problems(profile)`: every problem of a finite family; "full" covers more than "quick"."""
        self._check_name("Claim.family", scope, [family.scope for family in self.families])

        def register(function: Q) -> Q:
            _check_signature("Claim.family", function, 1, "(profile)")
            self.families.append(Family(scope, function))
            return function

        return register

    def sampler(
        self,
        scope: str,
        /,
        *,
        quick: int = 50,
        full: int = 500,
        notices: Sequence[str] = (),
        key: Callable[[Any], Hashable] = _key,
    ) -> Callable[[S], S]:
        """`strategy()`: a Hypothesis strategy for problems; what refutes the claim is shrunk.

        Parameters
        ----------
        scope : what is drawn, in words.
        quick, full : how many to draw.
        notices : mutants, by name, that as many draws as in the full profile must refute.
        key : what the claim sees of a problem: of those with one key only one is decided (default: the problem).
        """
        where = "Claim.sampler"
        self._check_name(where, scope, [sampler.scope for sampler in self.samplers])
        for name, number in (("quick", quick), ("full", full)):
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise _refused(where, name, shown(number), "how many to draw, >= 1", "For instance 50.")
        if not callable(key):
            raise _refused(where, "key", shown(key), "a function (problem)", "For instance key=lambda problem: ...")
        noticed = self._check_notices(where, notices)

        def register(function: S) -> S:
            _check_signature(where, function, 0, "()")
            self.samplers.append(Sampler(scope, function, quick, full, noticed, key))
            return function

        return register

    def proof(self, scope: str, /, *, kind: Shown = "proved", notices: Sequence[str] = ()) -> Callable[[N], N]:
        """`check()`: raises AssertionError, naming the step, when a proof does not go through; returns how many steps it made.

        Parameters
        ----------
        scope : what is proved, in words.
        kind : "proved" where the scope is all that the step is about (a tautology, an identity in symbols), "exhausted"
            where finitely many instances of it are checked, which the scope names.
        notices : mutants, by name; with their parts the proof must not go through.
        """
        where = "Claim.proof"
        self._check_name(where, scope, [proof.scope for proof in self.proofs])
        if kind not in get_args(Shown):
            raise _refused(where, "kind", shown(kind), "'proved' or 'exhausted'", "Say which of them it is.")
        noticed = self._check_notices(where, notices)

        def register(function: N) -> N:
            _check_signature(where, function, 0, "(*, part=value, ...)")
            self._check_parts(where, scope, function, noticed)
            self.proofs.append(Proof(scope, function, kind, noticed))
            return function

        return register

    def measurement(self, engine: Searched, scope: str, /, *, notices: Sequence[str] = ()) -> Callable[[M], M]:
        """`run(rng, profile, tick)`: a check of its own kind, which returns what it `Measured`.

        Parameters
        ----------
        engine : "sampled" or "search".
        scope : what is measured, in words.
        notices : mutants, by name; a full run with their parts must refute each.

        `rng` is a generator of its own, and `tick(cases)` reports progress.
        """
        where = "Claim.measurement"
        if engine not in get_args(Searched):
            raise _refused(where, "engine", shown(engine), "'sampled' or 'search'", "Say which of them it is.")
        self._check_name(where, scope, [measurement.scope for measurement in self.measurements])
        noticed = self._check_notices(where, notices)

        def register(function: M) -> M:
            _check_signature(where, function, 3, "(rng, profile, tick, *, part=value, ...)")
            self._check_parts(where, scope, function, noticed)
            self.measurements.append(Measurement(engine, scope, function, noticed))
            return function

        return register

    def without(self, hypothesis: str, /, **parts: Any) -> Callable[[Q], Q]:
        """`problems()`: problems outside a hypothesis, on one of which the rest of the statement must fail.

        `parts` are what the statement without the hypothesis changes, if it changes anything.
        """
        where = "Claim.without"
        if hypothesis not in self.hypotheses:
            known = "; ".join(map(repr, self.hypotheses)) or "one that the claim names, which has none"
            raise _refused(where, "hypothesis", shown(hypothesis), f"one of {known}", "Add it to the hypotheses.")
        self._check_name(where, hypothesis, self.necessity)
        self._checked(where, hypothesis, parts)

        def register(function: Q) -> Q:
            _check_signature(where, function, 0, "()")
            self.necessity[hypothesis] = Dropped(function, parts)
            return function

        return register

    def _check_name(self, where: str, name: object, taken: Iterable[str]) -> None:
        if not isinstance(name, str) or not name.strip():
            raise _refused(where, "name", shown(name), "a text", "Say in words what it is.")
        if name in taken:
            raise _refused(where, "name", f"{name!r} a second time", "a name of its own", "Rename one of them.")

    def _checked(self, where: str, name: str, parts: Parts) -> Parts:
        for part in parts:
            if part not in self.parts:
                known = ", ".join(self.parts) or "it has none" + ", as there is no refute yet" * (self._refute is None)
                raise _refused(
                    where, repr(name), f"the unknown part {part}", f"a part of refute: {known}",
                    "Change one of these, or let refute take it as a keyword with a default.",
                )  # fmt: skip
        return parts

    def _check_notices(self, where: str, notices: object) -> tuple[str, ...]:
        if isinstance(notices, str) or not isinstance(notices, Sequence):
            got = f"{shown(notices)} alone"
            raise _refused(where, "notices", got, "a list of names", "Put it into [ ].")
        names = tuple(notices)
        for name in names:
            if not isinstance(name, str) or name not in self.mutants:
                known = "; ".join(map(repr, self.mutants)) or "none so far"
                raise _refused(
                    where, "notices", shown(name), f"names of mutants: {known}", "Register the mutant before it."
                )
        return names

    def _check_parts(self, where: str, scope: str, function: Callable[..., object], notices: tuple[str, ...]) -> None:
        own = _keywords(function)
        self._checked(where, scope, own)
        for name in notices:
            if not own.keys() & self.mutants[name].keys():
                raise _refused(
                    where, repr(scope), f"a function that takes no part which the mutant {name!r} changes",
                    f"one of {', '.join(self.mutants[name])}", "Take it as a keyword, or notice another mutant.",
                )  # fmt: skip

    # ── What the engines ask ─────────────────────────────────────────────────────────────────────────────────────────

    def facts(self, problem: Any, parts: Parts | None = None) -> Facts | None:
        """What refutes the claim, or a variant with other parts, on a problem, as JSON; None where nothing does."""
        assert self._refute is not None, "a claim that was found has it"
        found: object = self._refute(problem, **(parts or {}))
        return None if found is None else as_facts(found, "refute")

    def holds_on(self, problem: Any) -> bool:
        """Whether its hypotheses hold on a problem."""
        found: object = True if self._nonvacuous is None else self._nonvacuous(problem)
        if not isinstance(found, bool | np.bool_):
            raise _refused("Claim", "what nonvacuous returns", shown(found), "True or False", "Compare, or call bool.")
        return bool(found)

    def parts_without(self, hypothesis: str) -> Parts:
        """What the statement without a hypothesis changes; a part named `without` is told which one it is."""
        told = {"without": hypothesis} if "without" in self.parts else {}
        return {**told, **self.necessity[hypothesis].parts}

    def n_cases(self, problem: Any) -> int:
        """How many cases there are on a problem."""
        return 1 if self._cases is None else as_count(self._cases(problem), "what cases returns")

    def n_decisive(self, problem: Any, cases: int) -> int:
        """How many of so many cases could have refuted the claim."""
        if self._decisive is None:
            return cases
        what = "what decisive returns"
        return _at_most(as_count(self._decisive(problem), what), cases, what)

    @property
    def checks(self) -> list[Check]:
        """All that gives evidence."""
        return [*self.families, *self.samplers, *self.measurements, *self.proofs]

    def check(self) -> None:
        """Refuse a claim that nothing can be done to.

        Raises
        ------
        InvalidArgument : without `refute`, or without a family, sampler, measurement or proof.
        """
        missing = "no function to refute it" if self._refute is None else "no check" if not self.checks else None
        if missing:
            raise _refused(
                "Claim", self.id, missing, "refute, and a family, a sampler, a measurement or a proof",
                "Register them: @claim.refute, @claim.family(...), @claim.sampler(...), ...",
            )  # fmt: skip


def parts_for(function: Callable[..., object], parts: Parts) -> dict[str, Any]:
    """Those parts that a proof or a measurement takes."""
    return {name: parts[name] for name in _keywords(function) if name in parts}


def as_count(found: object, what: str, where: str = "Claim") -> int:
    """A number of cases or steps.

    Raises
    ------
    InvalidArgument : for what is none.
    """
    if not isinstance(found, Integral) or isinstance(found, bool) or found < 0:
        raise _refused(where, what, shown(found), "a whole number >= 0", "Say how many.")
    return int(found)


def _at_most(decisive: int, cases: int, what: str, where: str = "Claim") -> int:
    """How many cases are decisive, which are some of the cases."""
    if decisive > cases:
        raise _refused(where, what, shown(decisive), f"at most the {shown(cases)} cases", "Count only cases.")
    return decisive


def as_problems(found: object, where: str) -> Iterator[Any]:
    """The problems of a family, or without a hypothesis.

    Raises
    ------
    InvalidArgument : for what cannot be gone through.
    """
    if not isinstance(found, Iterable):
        got = f"the {type(found).__name__} {shown(found)}"
        raise _refused("Claim", f"what {where!r} returns", got, "problems, one by one", "Yield them.")
    return iter(found)


def as_facts(found: object, where: str) -> Facts:
    """What refutes a claim, as JSON.

    Raises
    ------
    InvalidArgument : for what is no dict of facts.
    """
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise _refused(
            "Claim", f"what {where} returns", shown(found), "facts as {name: value}",
            "Return facts where a problem refutes the claim, None elsewhere.",
        )  # fmt: skip
    return {name: _plain(value) for name, value in found.items()}


def _keywords(function: Callable[..., object]) -> dict[str, Any]:
    """{keyword-only parameter: its default}."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def _check_signature(where: str, function: object, positional: int, form: str) -> None:
    """Refuse what cannot be called with so many values and keywords that have defaults."""
    try:
        if not callable(function):
            raise TypeError(f"the {type(function).__name__} {shown(function)}")
        for called in (function, type(function).__call__):
            if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
                raise TypeError("it is asynchronous")
        keywords = dict.fromkeys(_keywords(function))
        inspect.signature(function).bind(*range(positional), **keywords)
    except (TypeError, ValueError) as error:
        got = f"{getattr(function, '__name__', 'a value')}: {error}"
        raise _refused(where, "function", got, f"a function {form}", "Change what it takes.") from None


def _check_first(where: str, registered: object) -> None:
    if registered is not None:
        raise _refused(where, "function", "a second one", "one function a claim", "Put both into it.")


def _refused(where: str, argument: str, got: str, expected: str, fix: str) -> InvalidArgument:
    return InvalidArgument(where, argument, got=got, expected=expected, fix=fix)


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
