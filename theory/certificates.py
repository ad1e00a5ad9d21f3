"""T1 at many lengths: the smallest training length that suffices, and why no shorter one does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from theory.criterion import Verdict, decide_listed
from theory.errors import BudgetExceeded, InvalidArgument, check, check_integer, check_type, within_budget
from theory.examples import BUDGET, Law
from theory.guarantees import Scores, check_scores
from theory.heads import HeadClass, check_heads
from theory.listed import ListedLaw, list_law


@dataclass(frozen=True)
class Certificate:
    """The smallest training length that suffices, with a proof for every shorter one that it does not.

    Attributes
    ----------
    length : the smallest of the training lengths from which `decide` says `generalizes` to every test length that is not
        shorter; None when there is none.
    verdicts : {training length: the verdict that is not `generalizes`}, for every training length below `length`.
    failed_at : {training length: the test length of that verdict}, the first that fails.
    test_lengths : the test lengths, in increasing order.

    Examples
    --------
    >>> from theory import Example, FiniteLaw
    >>> def zeros(length):
    ...     return FiniteLaw({Example((0,) * length, tuple(range(length)), "a"): 1})
    >>> found = certificate_length(HeadClass(arity=1), zeros, lengths=[1, 2], test_lengths=[1, 2, 3])
    >>> found.length, found.verdicts, found.test_lengths
    (1, {}, (1, 2, 3))
    """

    length: int | None
    verdicts: dict[int, Verdict] = field(hash=False)
    failed_at: dict[int, int] = field(hash=False)
    test_lengths: tuple[int, ...]

    def explain(self) -> str:
        """The certificate in a few lines of plain words."""
        if self.length is None:
            lines = [f"no certificate length: none of the training lengths {_commas(self.verdicts)} suffices."]
        else:
            longer = _commas(length for length in self.test_lengths if length >= self.length)
            lines = [f"certificate length {self.length}: training there suffices for the test lengths {longer}."]
        for length, verdict in self.verdicts.items():
            lines.append(f"Training length {length}, test length {self.failed_at[length]}: {verdict.explain()}")
        return "\n".join(lines)


def certificate_length(
    heads: HeadClass,
    law_at: Callable[[int], Law],
    *,
    lengths: Iterable[int],
    test_lengths: Iterable[int],
    test_law_at: Callable[[int], Law] | None = None,
    scores: Scores = "hard",
    nested: bool = False,
    budget: int = BUDGET,
) -> Certificate:
    """The smallest training length from which a head class generalizes to every test length that is not shorter.

    Parameters
    ----------
    heads : the head class.
    law_at : the training law of a length, for instance `ensemble.at`.
    lengths : the training lengths to try.
    test_lengths : the test lengths; the largest is at least the largest of `lengths`.
    test_law_at : the test law of a length, when it is not `law_at`.
    scores : "hard", "ranked" or "soft" heads, as for `decide`.
    nested : whether each training law shows all that those of shorter lengths show. Then no head is perfect on a longer
        one where none is on a shorter one, and the search ends there.
    budget : outcomes that may be enumerated per law, as for `decide`, and lengths.

    Returns
    -------
    Certificate

    Raises
    ------
    InvalidArgument : for lengths that are no integers >= 1, none at all, or none to test the longest training length,
        and for something that is no function, and unknown scores.
    BudgetExceeded : when a law is larger than the budget.

    Examples
    --------
    >>> from theory import PlantedEnsemble, support
    >>> words = {(a, b): "1/4" for a in (1, 2) for b in (1, 2)}
    >>> parity = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted=words,
    ...                          target={w: sum(w) % 2 for w in words}, support=support.uniform())
    >>> found = certificate_length(HeadClass(arity=2), parity.at, lengths=range(2, 6), test_lengths=range(2, 8))
    >>> found.length, {length: verdict.reason for length, verdict in found.verdicts.items()}
    (4, {2: 'unseen', 3: 'unseen'})

    Cost: a `decide` for every training length up to the answer and every test length that is not shorter.
    Source: T1 and T4, T13 and T14 in docs/theory.md.
    """
    where = "certificate_length"
    check_heads(heads, where)
    check_scores(scores, where)
    for name, rule in (("law_at", law_at), ("test_law_at", law_at if test_law_at is None else test_law_at)):
        check(callable(rule), where, name, rule, expected="a function length -> law", fix="For instance ensemble.at.")
    tried = _lengths(lengths, where, "lengths", budget)
    tests = _lengths(test_lengths, where, "test_lengths", budget)
    if tests[-1] < tried[-1]:
        got, expected = f"{_commas(tests)}, all below the training length {tried[-1]}", f"a test length >= {tried[-1]}"
        fix = "Without one that training length would hold for want of a test."
        raise InvalidArgument(where, "test_lengths", got=got, expected=expected, fix=fix)
    tested: dict[int, ListedLaw] = {}
    verdicts: dict[int, Verdict] = {}
    failed_at: dict[int, int] = {}
    for length in tried:
        train = list_law(law_at(length), "decide", "train", budget)
        for longer in (longer for longer in tests if longer >= length):
            if longer not in tested:
                tested[longer] = list_law((test_law_at or law_at)(longer), "decide", "test", budget)
            verdict = decide_listed(heads, train, tested[longer], scores, budget, None)
            if verdict.outcome != "generalizes":
                verdicts[length], failed_at[length] = verdict, longer
                if nested and verdict.outcome == "unrealizable":
                    return Certificate(None, verdicts, failed_at, tests)
                break
        else:
            return Certificate(length, verdicts, failed_at, tests)
    return Certificate(None, verdicts, failed_at, tests)


def _lengths(given: Iterable[int], where: str, argument: str, budget: int) -> tuple[int, ...]:
    """The distinct lengths, in increasing order."""
    check_type(given, Iterable, where, argument, "an iterable of lengths", "For instance range(2, 9).")
    within_budget(where, size=0, budget=budget)
    lengths = list(islice(given, budget + 1))  # an iterator may have no end
    if len(lengths) > budget:
        raise BudgetExceeded(f"{where} ({argument})", size=len(lengths), budget=budget, fix="Give fewer lengths.")
    for length in lengths:
        check_integer(length, where, argument, least=1, expected="integers >= 1", fix="Give lengths of sequences.")
    fix = "For instance range(2, 9)."
    check(lengths, where, argument, got="no lengths", expected="at least one length", fix=fix)
    return tuple(sorted(set(lengths)))


def _commas(lengths: Iterable[int]) -> str:
    return ", ".join(map(str, lengths))
