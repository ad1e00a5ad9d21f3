"""Subjects: tasks, each with the lengths at which T1 decides it.

>>> subject_of("copy").scope
'2 symbols; 1..4 → 1..6'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, islice
from math import comb

from theory import InvalidArgument, tasks
from theory.errors import check_integer, check_integers, check_type, shown, within_budget
from theory.tasks import VARIANTS, MultiAddition, QueryCoupled, Task, find_task
from theory.tasks.faults import checked, running
from theory.tasks.query_coupled import SUFFIX

MOST = 20_000
"""Instances of a training length at most, as all of them are listed."""

LENGTHS, TRAIN_SIZE, TEST_SIZE, GAP = 8, 40_000, 1_000_000, 8
"""For a task without lengths of its own here: so many training lengths at most, each with so many tokens in its views (those
of no window), but the least length may have as many as are listed or drawn of a test length; two test lengths beyond; and so
many lengths without instances in a row before none is taken to follow."""


@dataclass(frozen=True)
class Subject:
    """A task, and the lengths at which it is decided.

    Parameters
    ----------
    task : a small one: every instance of a training length is listed.
    train : the training lengths that are tried.
    test : the test lengths; the greatest is no smaller than any training length.
    size : the parameters of the task in words.
    short : (train, test) for the schemes other than coupled and predictive, where those would take too long.
    listed : up to so many instances of a test length are listed; of more, this many are drawn (with a fixed seed).
    arities : of the heads; default: the one that the instances need, or 1, 2, 3 for a dense task.

    Raises
    ------
    InvalidArgument : for anything else.
    BudgetExceeded : for a training length with more than `MOST` instances.
    """

    task: Task
    train: Sequence[int]
    test: Sequence[int]
    size: str = ""
    short: tuple[Sequence[int], Sequence[int]] | None = None
    listed: int = 20_000
    arities: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_type(self.task, Task, "Subject", "task", "a Task", "For instance theory.tasks.Copy(2).")
        check_type(self.size, str, "Subject", "size", "words", "For instance size='2 symbols'.")
        self._check_lengths("", self.train, self.test)
        if self.short is not None:
            if not isinstance(self.short, tuple) or len(self.short) != 2:
                raise InvalidArgument(
                    "Subject",
                    "short",
                    got=shown(self.short),
                    expected="a pair (train, test), or None",
                    fix="Write ([1, 2], [1, 2, 3]).",
                )
            self._check_lengths("short: ", *self.short)
        check_integer(self.listed, "Subject", "listed", least=1)
        check_type(self.arities, tuple, "Subject", "arities", "a tuple of integers", "For instance arities=(1, 2).")
        for arity in self.arities:
            check_integer(arity, "Subject", "arities", least=1)

    def _check_lengths(self, of: str, train: object, test: object) -> None:
        least, longest = self.task.min_length, list[int]()
        for name, lengths in ((f"{of}train", train), (f"{of}test", test)):
            check_integers(lengths, "Subject", name, least=least)
            assert isinstance(lengths, Sequence)
            if not lengths:
                raise InvalidArgument(
                    "Subject", name, got="no lengths", expected="at least one", fix=f"For instance [{least}]."
                )
            longest.append(max(lengths))
        for length in train if isinstance(train, Sequence) else ():
            with running(self.task, "Subject"):
                size = self.task.n_instances(length)
            fix = f"All instances of training length {length} are listed: train on shorter ones."
            within_budget("Subject", size=size, budget=MOST, fix=fix)
        if longest[1] < longest[0]:
            raise InvalidArgument(
                "Subject",
                f"{of}test",
                got=f"{longest[1]} as the greatest length",
                expected=f"one >= {longest[0]}, as in training",
                fix=f"Add {longest[0] + 1} to it.",
            )

    @property
    def scope(self) -> str:
        """The finite scope on which it is decided."""
        size = f"{self.size}; " if self.size else ""
        short = "" if self.short is None else f" (not coupled: {in_words(*self.short)})"
        return f"{size}{in_words(self.train, self.test)}{short}"


def sparsity_of(task: Task) -> str:
    """The sparsity of a task in a word."""
    return "dense" if task.sparsity is None else str(task.sparsity)


@cache
def subjects() -> dict[str, Subject]:
    """Every task by its name, small enough to list its supports."""
    bits = "constant noise"
    listed = (
        Subject(tasks.sparse_parity(2), range(2, 6), range(2, 8), bits),
        Subject(VARIANTS["sparse parity, local"], range(2, 6), range(2, 8), f"width 2, {bits}"),
        Subject(VARIANTS["sparse parity, paired"], range(2, 7, 2), range(2, 11, 2), f"two blocks, {bits}"),
        Subject(tasks.ScratchpadParity(), range(1, 5), range(1, 8)),
        Subject(tasks.ScratchpadParity("query"), range(1, 5), range(1, 8)),
        Subject(tasks.Copy(2), range(1, 5), range(1, 7), "2 symbols"),
        Subject(tasks.Reverse(2), range(1, 5), range(1, 7), "2 symbols"),
        Subject(tasks.Sorting(2), range(1, 5), range(1, 7), "2 symbols"),
        Subject(tasks.Addition(2), range(1, 6), range(1, 7), "base 2", (range(1, 4), range(1, 5))),
        Subject(tasks.Addition(2, carry=True), range(1, 5), range(1, 7), "base 2", (range(1, 4), range(1, 5))),
        Subject(tasks.MultiAddition(3, 2), range(1, 5), range(1, 6), "base 2", (range(1, 3), range(1, 4)), 1000),
        Subject(tasks.Multiplication(3), range(1, 5), range(1, 7), "base 3", (range(1, 4), range(1, 5))),
        Subject(tasks.Multiplication(3, carried=False), range(1, 5), range(1, 7), "base 3", (range(1, 5), range(1, 6))),
        Subject(tasks.PointerChasing(2, (1, 2)), range(1, 5), range(1, 7), "2 symbols, jumps 1, 2"),
        Subject(tasks.EvenPairs(), range(2, 6), range(2, 8)),
        Subject(tasks.CycleNavigation(3), range(1, 5), range(1, 7), "3 places"),
        Subject(tasks.StackManipulation(2, 2), range(1, 4), range(1, 6), "2 symbols, depth 2"),
        Subject(tasks.Dyck(2, 2), range(1, 5), range(1, 7), "2 types, depth 2", (range(1, 4), range(1, 5))),
        Subject(tasks.BucketSort(2), range(1, 5), range(1, 7), "2 symbols"),
        Subject(tasks.ModularArithmetic(2), range(1, 5), range(1, 6), "modulo 2", (range(1, 4), range(1, 5)), 3500),
        Subject(
            tasks.VariableAssignment(3), range(1, 6), range(1, 7), "3 names", (range(1, 4), range(1, 5)), listed=4000
        ),
        Subject(tasks.AssociativeRecall(2), range(1, 5), range(1, 7), "2 keys"),
        Subject(tasks.Induction(3), range(2, 5), range(2, 7), "3 symbols"),
        Subject(tasks.Induction(3, paired=True), range(2, 6), range(2, 8), "3 symbols"),
        Subject(tasks.Addition(2, "plain"), range(3, 5), range(3, 6), "base 2"),
        Subject(tasks.Addition(2, "plain", carry=True), range(3, 5), range(3, 6), "base 2"),
        Subject(tasks.FullParity(), range(4, 7), range(4, 9)),
        Subject(tasks.Majority(), range(7, 9), range(7, 11)),
        Subject(tasks.SumModulo(3), range(4, 6), range(4, 8)),
        Subject(tasks.CountOnes(8), range(4, 7), range(4, 9)),
    )
    return {subject.task.name: subject for subject in listed}


def subject_of(name: str, train: tuple[int, ...] = (), test: tuple[int, ...] = ()) -> Subject:
    """A task by its name, as it is decided: small as in `subjects`, or else as it is, at lengths that are short enough.

    Parameters
    ----------
    name : as in `find_task`.
    train, test : the lengths; default: those of `subjects`, or as many as `TRAIN_SIZE` allows and the next two. Given the
        one, the other is chosen to suit.

    Raises
    ------
    InvalidArgument : for a task that is not found, or has no such lengths.
    BudgetExceeded : for a training length with too many instances.

    Examples
    --------
    >>> print(subject_of("copy").scope, "|", subject_of("sparse parity, k = 3").scope)
    2 symbols; 1..4 → 1..6 | 3..7 → 3..9
    >>> subject_of("copy", train=(1, 2, 3, 4, 5)).test
    (1, 2, 3, 4, 5, 6, 7)
    """
    task, known = find_task(name, "verdicts"), subjects()
    base = known.get(name) or known.get(name.removesuffix(SUFFIX))
    if base is None:
        plain = task.task if isinstance(task, QueryCoupled) else task
        if isinstance(plain, MultiAddition) and ":" not in name:  # of the family: as the one in the table is
            base = chosen(replace(plain, base=2), "base 2")
        else:
            base = chosen(plain)
    if isinstance(task, QueryCoupled):
        base = replace(base, task=QueryCoupled(base.task))
    if not train and not test:
        return base
    train = train or tuple(length for length in base.train if length <= max(test)) or tuple(base.train[:1])
    later = (length for length, _ in _lengths_of(base.task, max(*train, base.task.min_length - 1) + 1))
    test = test or (*train, *islice(later, 2))
    _, each = next(_lengths_of(base.task, max(test)), (0, 1))
    return replace(base, train=train, test=test, short=None, listed=_listed(each))


def _listed(each: int) -> int:
    """How many instances of a test length are listed or drawn, with so many tokens in the views of one."""
    return max(1, min(20_000, TEST_SIZE // max(1, each)))


def chosen(task: Task, size: str = "") -> Subject:
    """A task at lengths that are short enough."""
    found = list(islice(_lengths_of(task, task.min_length, TRAIN_SIZE), LENGTHS))
    if not found:
        raise InvalidArgument(
            "verdicts",
            "task",
            got=f"{task.name!r}, without instances of the lengths {task.min_length} to {task.min_length + GAP - 1}",
            expected="a task with instances",
            fix="Check n_instances and min_length.",
        )
    least, each = found[0]
    fix = f"Decide a smaller version, such as one with fewer symbols: length {least} has so many tokens in its views."
    within_budget("verdicts", size=task.n_instances(least) * each, budget=TEST_SIZE, fix=fix)
    train = [length for length, _ in found]
    later = list(islice(_lengths_of(task, train[-1] + 1), 2))
    test = [*train, *(length for length, _ in later)]
    if not later and len(train) > 1:
        train.pop()  # so that there is something longer
    largest = max(each for _, each in (*found, *later))
    return Subject(task, _as_range(train), _as_range(test), size, listed=_listed(largest))


def _lengths_of(task: Task, start: int, most: int | None = None) -> Iterator[tuple[int, int]]:
    """The lengths that have instances, each with the tokens in the views of one; up to the first with too many in all."""
    empty, first = 0, True
    for length in count(start):
        with running(task, "verdicts"):
            try:
                size = task.n_instances(length)
            except InvalidArgument:  # there is no such length
                size = 0
            if not isinstance(size, int) or size < 0:
                got = f"{task.name!r}, whose n_instances({length}) is {shown(size)}"
                raise InvalidArgument(
                    "verdicts", "task", got=got, expected="how many instances there are", fix="Return an integer >= 0."
                )
            if size == 0:
                empty += 1
                if empty == GAP:
                    return
                continue
            instance = checked(next(iter(task.instances(length)), None), task, "verdicts")
        given = task.anchor == "last"  # the query is in every candidate set
        arity = 3 if task.sparsity is None else task.arity(instance)
        each = arity * sum(comb(step.position - given, arity - given) for step in instance.steps)
        if most is not None and not first and size * each > most:
            return
        yield length, each
        empty, first = 0, False


def _as_range(lengths: list[int]) -> Sequence[int]:
    """The same lengths, as a range where they are one."""
    whole = range(lengths[0], lengths[-1] + 1)
    return whole if lengths == [*whole] else tuple(lengths)


def in_words(train: Sequence[int], test: Sequence[int]) -> str:
    """Training and test lengths in words: "1..4 → 1..6"."""
    return f"{_range(train)} → {_range(test)}"


def _range(lengths: Sequence[int]) -> str:
    """1..4, or 2, 4, 6."""
    values = list(lengths)
    if values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}..{values[-1]}"
    return ", ".join(map(str, values))
