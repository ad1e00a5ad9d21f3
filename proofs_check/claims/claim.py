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
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

import numpy as np

from proofs_check.claims.functions import Facts as Facts
from proofs_check.claims.functions import Parts, as_count, as_facts, at_most, check_signature, keywords, refused
from proofs_check.claims.registered import (
    Check,
    Compiled,
    Dropped,
    Family,
    Measurement,
    Proof,
    Sampler,
    Searched,
    Shown,
    itself,
)
from proofs_check.claims.registered import Measured as Measured
from proofs_check.claims.registered import Profile as Profile
from proofs_check.theorems.stored import scope_of
from proofs_check.theorems.table import TABLE
from theory.errors import shown

R = TypeVar("R", bound=Callable[..., Facts | None])
B = TypeVar("B", bound=Callable[..., bool])
N = TypeVar("N", bound=Callable[..., int])
Q = TypeVar("Q", bound=Callable[..., Iterable[Any]])
S = TypeVar("S", bound=Callable[[], Any])
M = TypeVar("M", bound=Callable[..., Measured])


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
            raise refused("Claim", "id", shown(id), "letters, digits, '_', '.' and '-'", "For instance 'shorter'.")
        for name, text in {"statement": statement, "title": title, "tightness": tightness}.items():
            if not isinstance(text, str) or (name == "statement" and not text.strip()):
                raise refused("Claim", name, shown(text), "a text", "Say it in words.")
        assumed = {} if hypotheses is None else hypotheses
        if not isinstance(assumed, Mapping) or not all(isinstance(t, str) for pair in assumed.items() for t in pair):
            raise refused(
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
        check_signature(where, function, 1, form)
        if parts := [*inspect.signature(function).parameters.values()][1:]:
            kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            if early := [part.name for part in parts if part.kind in kinds]:
                got, fix = f"the part {early[0]} in front of a *", f"Write it behind a *: (problem, *, {early[0]}=...)."
                raise refused(where, "function", got, f"a function {form}", fix)
        self.parts = keywords(function)
        required = [name for name, value in self.parts.items() if value is inspect.Parameter.empty]
        if required:
            raise refused(
                where, "function", f"the part {required[0]} without a value", "a default for each part",
                "Give it the value that the claim states.",
            )  # fmt: skip
        self._refute = function
        return function

    def mutant(self, name: str, /, **parts: Any) -> None:
        """A false variant: some parts of `refute` changed. Every one must be refuted by a family."""
        self._check_name("Claim.mutant", name, self.mutants)
        if not parts:
            raise refused("Claim.mutant", repr(name), "no part", "what it changes", "Name a part, with another value.")
        self.mutants[name] = self._checked("Claim.mutant", name, parts)

    def cases(self, function: N) -> N:
        """`cases(problem)`: how many cases `refute` decides on a problem, 0 where it is too large to decide (default: 1).

        They are counted under the hypotheses only.
        """
        _check_first("Claim.cases", self._cases)
        check_signature("Claim.cases", function, 1, "(problem)")
        self._cases = function
        return function

    def nonvacuous(self, function: B) -> B:
        """`nonvacuous(problem)`: whether the hypotheses of the claim hold on a problem (default: on each)."""
        _check_first("Claim.nonvacuous", self._nonvacuous)
        check_signature("Claim.nonvacuous", function, 1, "(problem)")
        self._nonvacuous = function
        return function

    def decisive(self, function: N) -> N:
        """`decisive(problem)`: how many of the cases could have refuted the claim (default: each).

        For instance a head of positive loss under a bound below 1, not one that loses nothing or is allowed everything.
        A family must hold at least one.
        """
        _check_first("Claim.decisive", self._decisive)
        check_signature("Claim.decisive", function, 1, "(problem)")
        self._decisive = function
        return function

    def family(self, scope: str, /) -> Callable[[Q], Q]:
        """`problems(profile)`: every problem of a finite family; "full" covers more than "quick"."""
        self._check_name("Claim.family", scope, [family.scope for family in self.families])

        def register(function: Q) -> Q:
            check_signature("Claim.family", function, 1, "(profile)")
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
        key: Callable[[Any], Hashable] = itself,
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
                raise refused(where, name, shown(number), "how many to draw, >= 1", "For instance 50.")
        if not callable(key):
            raise refused(where, "key", shown(key), "a function (problem)", "For instance key=lambda problem: ...")
        noticed = self._check_notices(where, notices)

        def register(function: S) -> S:
            check_signature(where, function, 0, "()")
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
            raise refused(where, "kind", shown(kind), "'proved' or 'exhausted'", "Say which of them it is.")
        noticed = self._check_notices(where, notices)

        def register(function: N) -> N:
            check_signature(where, function, 0, "(*, part=value, ...)")
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
            raise refused(where, "engine", shown(engine), "'sampled' or 'search'", "Say which of them it is.")
        self._check_name(where, scope, [measurement.scope for measurement in self.measurements])
        noticed = self._check_notices(where, notices)

        def register(function: M) -> M:
            check_signature(where, function, 3, "(rng, profile, tick, *, part=value, ...)")
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
            raise refused(where, "hypothesis", shown(hypothesis), f"one of {known}", "Add it to the hypotheses.")
        self._check_name(where, hypothesis, self.necessity)
        self._checked(where, hypothesis, parts)

        def register(function: Q) -> Q:
            check_signature(where, function, 0, "()")
            self.necessity[hypothesis] = Dropped(function, parts)
            return function

        return register

    def _check_name(self, where: str, name: object, taken: Iterable[str]) -> None:
        if not isinstance(name, str) or not name.strip():
            raise refused(where, "name", shown(name), "a text", "Say in words what it is.")
        if name in taken:
            raise refused(where, "name", f"{name!r} a second time", "a name of its own", "Rename one of them.")

    def _checked(self, where: str, name: str, parts: Parts) -> Parts:
        for part in parts:
            if part not in self.parts:
                known = ", ".join(self.parts) or "it has none" + ", as there is no refute yet" * (self._refute is None)
                raise refused(
                    where, repr(name), f"the unknown part {part}", f"a part of refute: {known}",
                    "Change one of these, or let refute take it as a keyword with a default.",
                )  # fmt: skip
        return parts

    def _check_notices(self, where: str, notices: object) -> tuple[str, ...]:
        if isinstance(notices, str) or not isinstance(notices, Sequence):
            got = f"{shown(notices)} alone"
            raise refused(where, "notices", got, "a list of names", "Put it into [ ].")
        names = tuple(notices)
        for name in names:
            if not isinstance(name, str) or name not in self.mutants:
                known = "; ".join(map(repr, self.mutants)) or "none so far"
                raise refused(
                    where, "notices", shown(name), f"names of mutants: {known}", "Register the mutant before it."
                )
        return names

    def _check_parts(self, where: str, scope: str, function: Callable[..., object], notices: tuple[str, ...]) -> None:
        own = keywords(function)
        self._checked(where, scope, own)
        for name in notices:
            if not own.keys() & self.mutants[name].keys():
                raise refused(
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
            raise refused("Claim", "what nonvacuous returns", shown(found), "True or False", "Compare, or call bool.")
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
        return at_most(as_count(self._decisive(problem), what), cases, what)

    @property
    def compiled(self) -> list[Compiled]:
        """What Coq proves of it: of claims of the theory, where there is a theorem."""
        row = TABLE.get(self.address)
        return [Compiled(scope_of(self.address), row.theorems)] if row is not None and row.theorems else []

    @property
    def checks(self) -> list[Check]:
        """All that gives evidence."""
        return [*self.families, *self.samplers, *self.measurements, *self.proofs, *self.compiled]

    def check(self) -> None:
        """Refuse a claim that nothing can be done to.

        Raises
        ------
        InvalidArgument : without `refute`, or without a family, sampler, measurement or proof.
        """
        missing = "no function to refute it" if self._refute is None else "no check" if not self.checks else None
        if missing:
            raise refused(
                "Claim", self.id, missing, "refute, and a family, a sampler, a measurement or a proof",
                "Register them: @claim.refute, @claim.family(...), @claim.sampler(...), ...",
            )  # fmt: skip


def _check_first(where: str, registered: object) -> None:
    if registered is not None:
        raise refused(where, "function", "a second one", "one function a claim", "Put both into it.")


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
