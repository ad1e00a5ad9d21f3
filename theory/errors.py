"""The exception tree: one branch a meaning, every message with what came, what was expected and the fix.

A refuted claim is a result, not an exception; these are for requests that cannot be carried out.
"""

from __future__ import annotations

import errno
import reprlib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, TypeGuard

HUGE = 10**1000
"""Counts that only predict a size stop here, so from HUGE on a count means "at least HUGE"."""

SHOWN_IN_FULL = 10**50
"""Larger amounts are shown as powers of ten."""

CELLS = 64
"""How many cells (tokens, positions, candidate sets) an item may have and still count as one in a budget."""

USE_ONE = "Use one of these names."

_PLAIN = frozenset({int})


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if abs(x) < HUGE else f"<an integer of {x.bit_length()} bits>"

    def repr_Fraction(self, x: Fraction, level: int) -> str:
        whole = max(abs(x.numerator), x.denominator)
        return repr(x) if whole < HUGE else f"<a fraction of {whole.bit_length()} bits>"


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = 8


def shown(value: object) -> str:
    """`repr(value)`, shortened so that a message stays readable."""
    return _SHORT.repr(value)


def typed(value: object) -> str:
    """The type of a value, and the value as `shown`."""
    return f"the {type(value).__name__} {shown(value)}"


def amount(size: int) -> str:
    """A number of items, with commas, as far as it was counted."""
    if size < SHOWN_IN_FULL:
        return f"{size:,}"
    return f"about 10^{len(str(size)) - 1}" if size < HUGE else "10^1000 or more"


def number_of(count: int, what: str) -> str:
    """A number of things, in words.

    Examples
    --------
    >>> number_of(1, "mutant"), number_of(1200, "case"), number_of(0, "hypothesis")
    ('1 mutant', '1,200 cases', '0 hypotheses')
    """
    plural = f"{what[:-2]}es" if what.endswith("is") else f"{what}s"
    return f"{amount(count)} {what if count == 1 else plural}"


class TheoryError(Exception):
    """Root of every error that this toolkit raises on purpose.

    Parameters
    ----------
    where : the public function or class that refuses.
    argument : the argument (with an index where one element is at fault).
    got, expected, fix : what came, what was expected, what to do about it.

    Examples
    --------
    >>> str(InvalidArgument("decide", "train", got="an empty list", expected="at least one example", fix="Pass a law."))
    'decide: argument train: got an empty list; expected at least one example. Pass a law.'
    """

    def __init__(self, where: str, argument: str, *, got: str, expected: str, fix: str) -> None:
        super().__init__(where, argument)
        self.where = where
        self.argument = argument
        self.got = got
        self.expected = expected
        self.fix = fix

    def __reduce__(self) -> tuple[Any, ...]:
        # As it was when it comes back from a worker process: without calling __init__, which takes more than args.
        return _unpickled, (type(self), *self.args), vars(self)

    def __str__(self) -> str:
        return f"{self.where}: argument {self.argument}: got {self.got}; expected {self.expected}. {self.fix}"


def _unpickled(kind: type[TheoryError], *args: object) -> TheoryError:
    return kind.__new__(kind, *args)


class InvalidArgument(TheoryError, ValueError):
    """An argument is malformed whatever the rest says."""


class NotWritten(InvalidArgument):
    """A file that could not be written, not by a fault of its path: the disk is full, or failed."""


class AssumptionViolated(TheoryError):
    """The arguments are well formed, but a hypothesis of the theory that the function needs does not hold."""


class ExactnessLost(TheoryError):
    """An exact result was asked for from inputs that are not exact (for instance float logits)."""


class NotConverged(ExactnessLost):
    """A solver that works in floats led to nothing that holds exactly: the question stays open."""


class BackendUnavailable(TheoryError):
    """An optional dependency is missing; `fix` carries the exact pip line."""


class BudgetExceeded(TheoryError):
    """An enumeration is larger than its budget; nothing was enumerated unless `covered` says otherwise.

    `fix` replaces the advice to raise the budget where that would not help.

    Examples
    --------
    >>> error = BudgetExceeded("Law.table", size=10**9, budget=5_000_000)
    >>> error.size, error.covered
    (1000000000, 0)
    """

    def __init__(
        self, where: str, size: int, budget: int, covered: int = 0, option: str = "budget", fix: str | None = None
    ) -> None:
        Exception.__init__(self, where, size, budget, covered, option, fix)
        self.where = where
        self.argument = option
        self.size = size
        self.budget = budget
        self.covered = covered
        self.got = f"a budget of {amount(budget)} for an enumeration of {amount(size)} items ({covered:,} covered)"
        self.expected = f"{option} >= {amount(size)}" if fix is None and size < HUGE else f"at most {amount(budget)}"
        raised = f"Raise it with {option}={size}, or ask" if size < SHOWN_IN_FULL else f"No {option} is enough: ask"
        self.fix = f"{raised} for a smaller instance." if fix is None else fix


# ── Guards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(
    ok: object, where: str, argument: str, value: object = None, *, expected: str, fix: str, got: str | None = None
) -> None:
    """Refuse an argument that is not `ok`: `value` came, or what `got` says.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> check(3 % 2 == 0, "halves", "length", 3, expected="an even number", fix="Use 4.")
    Traceback (most recent call last):
    theory.errors.InvalidArgument: halves: argument length: got 3; expected an even number. Use 4.
    """
    if not ok:
        raise InvalidArgument(where, argument, got=shown(value) if got is None else got, expected=expected, fix=fix)


def check_type(
    value: object, kind: type | tuple[type, ...], where: str, argument: str, expected: str, fix: str
) -> None:
    """Refuse a value that is not of the kind that is due.

    Raises
    ------
    InvalidArgument : naming the type and the value that came.
    """
    if not isinstance(value, kind):
        raise InvalidArgument(where, argument, got=typed(value), expected=expected, fix=fix)


def is_integer(value: object, least: int | None = None, most: int | None = None, kind: type = int) -> TypeGuard[int]:
    """Whether this is an integer, and no bool, in the range.

    Examples
    --------
    >>> is_integer(3, least=3), is_integer(3, most=2), is_integer(True), is_integer(3.0)
    (True, False, False, False)
    """
    plain = type(value) is int  # the usual case, quickly
    return (
        (plain or (isinstance(value, kind) and not isinstance(value, bool)))
        and (least is None or value >= least)  # type: ignore[operator]
        and (most is None or value <= most)  # type: ignore[operator]
    )


def check_integer(
    value: object,
    where: str,
    argument: str,
    *,
    least: int | None = None,
    most: int | None = None,
    kind: type = int,
    expected: str | None = None,
    fix: str | None = None,
) -> None:
    """Refuse what is no integer, or outside the range; `numbers.Integral` for `kind` admits those of NumPy.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> check_integer(True, "f", "arity", least=1)
    Traceback (most recent call last):
    theory.errors.InvalidArgument: f: argument arity: got True; expected an integer >= 1. For instance arity=1.
    >>> check_integer(5, "f", "size", most=3)
    Traceback (most recent call last):
    theory.errors.InvalidArgument: f: argument size: got 5; expected an integer <= 3. Give a plain integer.
    """
    if not is_integer(value, least, most, kind):
        bounds = {">=": least, "<=": most} if least is None or most is None else {}
        span = "".join(f" {sign} {shown(bound)}" for sign, bound in bounds.items() if bound is not None)
        span = span if bounds else f" in {shown(least)}..{shown(most)}"
        advice = "Give a plain integer." if least is None else f"For instance {argument}={shown(least)}."
        expected, fix = expected or f"an integer{span}", fix or advice
        raise InvalidArgument(where, argument, got=shown(value), expected=expected, fix=fix)


def check_integers(values: object, where: str, argument: str, *, least: int | None = None) -> None:
    """Refuse what is no list, tuple or range of integers.

    Raises
    ------
    InvalidArgument
    """
    check_type(values, (list, tuple, range), where, argument, "a list of integers", "For instance [2, 3, 4].")
    assert isinstance(values, list | tuple | range)
    for j, value in enumerate(values):
        check_integer(value, where, f"{argument}[{j}]", least=least, fix="Give plain integers.")


def is_tuple(values: object) -> TypeGuard[tuple[int, ...]]:
    """Whether this is a tuple of integers; quick where all are plain."""
    return isinstance(values, tuple) and (_PLAIN.issuperset(map(type, values)) or all(map(is_integer, values)))


def check_tuple(values: object, where: str, argument: str) -> None:
    """Refuse what is no tuple of integers.

    Raises
    ------
    InvalidArgument
    """
    if not (type(values) is tuple and _PLAIN.issuperset(map(type, values))) and not is_tuple(values):
        fix = "Write tuple(values); from a numpy array tuple(array.tolist())."
        raise InvalidArgument(where, argument, got=typed(values), expected="a tuple of integers", fix=fix)


def check_one_of(value: object, known: Iterable[str], where: str, argument: str, fix: str = USE_ONE) -> None:
    """Refuse what is none of the known names; where one of them is near, the advice names it.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> check_one_of("ordered", ["none", "order"], "f", "key")
    Traceback (most recent call last):
    theory.errors.InvalidArgument: f: argument key: got 'ordered'; expected one of none, order. Did you mean 'order'?
    """
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        expected, fix = f"one of {', '.join(names)}", did_you_mean(value, names, fix)
        raise InvalidArgument(where, argument, got=shown(value), expected=expected, fix=fix)


def check_mapping(value: object, where: str, argument: str, entries: str, fix: str) -> None:
    """Refuse what is no mapping {key: value}, or an empty one; `entries` describes it.

    Raises
    ------
    InvalidArgument
    """
    check_type(value, Mapping, where, argument, f"a mapping {entries}", fix)
    check(value, where, argument, value, expected=f"a mapping {entries} that is not empty", fix=fix)


def did_you_mean(name: object, known: Iterable[str], otherwise: str = USE_ONE) -> str:
    """Advice for an unknown name: the known names that contain it, or else the closest one; capitals do not count.

    Examples
    --------
    >>> did_you_mean("ropes", ["none", "rope"]), did_you_mean("Sort", ["copy", "sorting", "sort words"])
    ("Did you mean 'rope'?", "Did you mean 'sorting' or 'sort words'?")
    >>> did_you_mean("zebra", ["copy"])
    'Use one of these names.'
    """
    wanted, names = str(name).casefold(), {one.casefold(): one for one in known}
    near = [one for one in names if len(wanted) > 2 and wanted in one] or get_close_matches(wanted, names, n=1)
    return f"Did you mean {' or '.join(repr(names[one]) for one in near)}?" if near else otherwise


# ── Of the machine ───────────────────────────────────────────────────────────────────────────────────────────────────

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


def unwritable(error: OSError | UnicodeError) -> type[InvalidArgument]:
    """What to raise for a file that cannot be written.

    Examples
    --------
    >>> unwritable(OSError(errno.ENOSPC, "No space left on device")).__name__
    'NotWritten'
    """
    return NotWritten if of_the_machine(error) else InvalidArgument


def of_the_machine(error: BaseException) -> bool:
    """Whether an error says that memory or the disk is full, or a reader gone, and nothing of the code it comes from.

    Examples
    --------
    >>> of_the_machine(MemoryError()), of_the_machine(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    (True, False)
    """
    return isinstance(error, MemoryError | BrokenPipeError) or (isinstance(error, OSError) and error.errno in NO_ROOM)


# ── Budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def bulk(cells: int) -> int:
    """What an item of so many cells counts in a budget: 1, and a large one 1 for every `CELLS` or part of these.

    Examples
    --------
    >>> bulk(0), bulk(64), bulk(65), bulk(10**6)
    (1, 1, 2, 15625)
    """
    return HUGE if cells >= HUGE else max(1, -(-cells // CELLS))


def counted(where: str, size: int) -> int:
    """The size itself, for exact use; refuses one that was counted no further than `HUGE`.

    Raises
    ------
    BudgetExceeded
    """
    if size >= HUGE:
        raise BudgetExceeded(where, size=size, budget=HUGE - 1, option="size", fix="Ask for a smaller instance.")
    return size


def within_budget(where: str, *, size: int, budget: int, fix: str | None = None) -> None:
    """Refuse an enumeration of `size` items that is larger than `budget`, and a budget that is no integer.

    Raises
    ------
    InvalidArgument, BudgetExceeded
    """
    check_integer(budget, where, "budget", fix="Give the largest size that you accept.")
    if size > budget or size >= HUGE:
        raise BudgetExceeded(where, size=size, budget=budget, fix=fix)
