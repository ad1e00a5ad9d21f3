"""Head classes: candidate sets, keys and views (Definitions 3 and 4 in docs/theory.md)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from theory.coordinates import Column, Id, Ids, coordinates, joined, n_coordinates
from theory.errors import HUGE, InvalidArgument, check_integer, check_one_of, check_type, number_of, shown
from theory.exact import choose
from theory.examples import Example, Label, check_label
from theory.support import PositionSet

Key: TypeAlias = Literal["none", "order", "relative", "absolute"]
Anchor: TypeAlias = Literal["none", "last"]


class View(NamedTuple):
    """What a head sees of a candidate set: its tokens by increasing position, and the key of its IDs.

    Examples
    --------
    >>> View((1, 2), ()), View((1, 2), (0, 3))  # without positions, and with IDs relative to the first
    (View(tokens=(1, 2), key=()), View(tokens=(1, 2), key=(0, 3)))
    """

    tokens: tuple[int, ...]
    key: Ids


@dataclass(frozen=True)
class HeadClass:
    """The head class H(k, w, key, anchor): which sets of positions a head may attend to, and what it sees of them.

    Candidate sets on IDs p are {S : |S| = k, max p_S - min p_S <= w}; with anchor "last" only those that contain the
    last position (the query of next-token prediction). With `at_most` they are those of the arities 1..k together, so
    with anchor "last" the query alone is one. The view of S is (x_S, key(p_S)). On IDs of several coordinates the window
    holds in every one of them, and each has a key of its own, so that an entry of the key is a vector; a coordinate of
    key "none" has no part in it.

    Parameters
    ----------
    arity : k >= 1, positions a candidate set.
    window : w >= 0 in IDs, or None for no limit; a tuple of these for windows by coordinate.
    key : "none" gives (); "order" the dense ranks of p_S (its pattern of <, =, >); "relative" p_s - p_{s_1};
        "absolute" p_S itself; a tuple of these for keys by coordinate.
    anchor : "none" or "last".
    at_most : whether a candidate set may have fewer than k positions (at least one).

    Raises
    ------
    InvalidArgument : for an arity < 1, a window < 0, an unknown key or anchor, an `at_most` that is no truth value; and
        for tuples of another number of coordinates than the IDs have.

    Examples
    --------
    >>> heads = HeadClass(arity=2, window=1, key="relative")
    >>> list(heads.candidates((0, 1, 2)))
    [(0, 1), (1, 2)]
    >>> heads.view((7, 8, 9), (0, 1, 2), (1, 2))
    View(tokens=(8, 9), key=(0, 1))
    >>> list(HeadClass(arity=2, anchor="last", at_most=True).candidates((0, 1, 2)))
    [(2,), (0, 2), (1, 2)]
    >>> grid = HeadClass(arity=2, window=(None, 0), key=("relative", "none"))  # two of one column, how many rows apart
    >>> list(grid.view_counts(Example((7, 8, 9), ((0, 0), (0, 1), (4, 1)), 0)))
    [View(tokens=(8, 9), key=(0, 4))]

    Source: Definition 3 in docs/theory.md.
    """

    arity: int
    window: int | tuple[int | None, ...] | None = None
    key: Key | tuple[Key, ...] = "none"
    anchor: Anchor = "none"
    at_most: bool = False

    def __post_init__(self) -> None:
        where = "HeadClass"
        check_integer(self.arity, where, "arity", least=1, fix="Give the number k of tokens.")
        for argument, window in self._entries(where, "window"):
            if window is not None:
                expected = "an integer >= 0, or None for no limit"
                check_integer(window, where, argument, least=0, expected=expected, fix="Use None for w = ∞.")
        for argument, key in self._entries(where, "key"):
            check_one_of(key, get_args(Key), where, argument, "Use 'none' to ignore the IDs.")
        if isinstance(self.window, tuple) and isinstance(self.key, tuple) and len(self.window) != len(self.key):
            got, expected = f"{len(self.key)} keys for {len(self.window)} windows", "as many, one of each a coordinate"
            fix = "One key, without a tuple, holds for every coordinate."
            raise InvalidArgument(where, "key", got=got, expected=expected, fix=fix)
        if isinstance(self.window, tuple) and not any(w is not None for w in self.window):
            object.__setattr__(self, "window", None)  # one way to say that there is none
        if isinstance(self.key, tuple) and {*self.key} == {"none"}:
            object.__setattr__(self, "key", "none")
        check_one_of(self.anchor, get_args(Anchor), where, "anchor", "Use 'last' for next-token prediction.")
        check_type(self.at_most, bool, where, "at_most", "True or False", "Use True for the arities 1..k together.")

    def _entries(self, where: str, name: str) -> Iterator[tuple[str, object]]:
        """(name of the argument, window or key) of every coordinate that has its own."""
        value = getattr(self, name)
        if not isinstance(value, tuple) or len(value) < 2:  # a tuple of one says that IDs are plain: a number does
            yield name, value
            return
        yield from ((f"{name}[{i}]", entry) for i, entry in enumerate(value))

    def __repr__(self) -> str:
        more = ", at_most=True" if self.at_most else ""
        return f"HeadClass(arity={self.arity}, window={self.window}, key={self.key!r}, anchor={self.anchor!r}{more})"

    def parts(self, length: int) -> tuple[HeadClass, ...]:
        """The classes of one arity each, in increasing arity, that have the candidate sets on so many positions."""
        if not self.at_most:
            return (self,)
        return tuple(replace(self, arity=k, at_most=False) for k in range(1, min(self.arity, length) + 1))

    @property
    def n_coordinates(self) -> int | None:
        """How many coordinates its windows or keys are for; None where any number will do."""
        return next((len(value) for value in (self.window, self.key) if isinstance(value, tuple)), None)

    def along(self, d: int) -> tuple[HeadClass, ...]:
        """The class of plain IDs for each of d coordinates: with its window and its key.

        Examples
        --------
        >>> HeadClass(arity=2, window=(1, None), key="relative").along(2)[1]
        HeadClass(arity=2, window=None, key='relative', anchor='none')

        Raises
        ------
        InvalidArgument : when there are windows or keys of another number of coordinates.
        """
        for name, value in (("window", self.window), ("key", self.key)):
            if isinstance(value, tuple) and len(value) != d:
                got = f"{shown(value)} for IDs of {number_of(d, 'coordinate')}"
                fix = f"Give one {name} for all coordinates, or a tuple with one for each."
                expected = f"one {name} a coordinate" if d > 1 else f"one {name}, and no tuple"
                raise InvalidArgument("HeadClass", name, got=got, expected=expected, fix=fix)
        return _along(self, d)

    @property
    def sees_ids(self) -> bool:
        """Whether IDs play a part in what the class sees."""
        return self.key != "none" or self.window is not None

    def candidates(self, ids: Ids) -> Iterator[PositionSet]:
        """Every candidate set on these IDs, once each, small ones first; cost O(number of candidates · k)."""
        if self.at_most:
            for part in self.parts(len(ids)):
                yield from part.candidates(ids)
            return
        last = len(ids) - 1
        if self.arity > len(ids):
            return
        if self.window is None:
            if self.anchor == "none":
                yield from combinations(range(len(ids)), self.arity)
            else:
                yield from ((*rest, last) for rest in combinations(range(last), self.arity - 1))
            return
        if isinstance(self.window, tuple) or isinstance(ids[0], tuple):
            limits, every = self._limits(ids), range(len(ids))
            # A set is within the windows where every two of its positions are.
            yield from cliques(self, [[all(abs(c[i] - c[j]) <= w for c, w in limits) for j in every] for i in every])
            return
        # In (ID, position) order a set is fixed by its first element and k-1 later ones within the window.
        order, ends = self._windows(ids)
        at, others = order.index(last), [i for i in order if i != last]
        for j, (first, end) in enumerate(zip(order, ends, strict=True)):
            if self.anchor == "none" or j == at:
                for rest in _subsets(order, j + 1, end, self.arity - 1):
                    yield tuple(sorted((first, *rest)))
            elif j < at < end and self.arity > 1:
                for rest in _subsets(others, j + 1, end - 1, self.arity - 2):
                    yield (*sorted((first, *rest)), last)

    def n_candidates(self, ids: Sequence[Id]) -> int:
        """|C(p)|, up to `HUGE`, counted without listing; cost O(length · log length), without a window O(1).

        On IDs of d coordinates O(length^d · tokens in a window).
        """
        n, k = len(ids), self.arity
        if n == 0:
            return 0
        if self.at_most:
            return sum(part.n_candidates(ids) for part in self.parts(n))
        if self.window is None:
            return choose(n, k) if self.anchor == "none" else choose(n - 1, k - 1)
        if isinstance(self.window, tuple) or isinstance(ids[0], tuple):
            return self._n_by_coordinate(ids)
        order, ends = self._windows(ids)
        if self.anchor == "none":
            sizes = Counter(end - j - 1 for j, end in enumerate(ends))
            return sum(number * choose(size, k - 1) for size, number in sizes.items())
        at = order.index(n - 1)
        sizes = Counter(end - j - 2 for j, end in enumerate(ends[:at]) if end > at)
        total = sum(number * choose(size, k - 2) for size, number in sizes.items())
        return total + choose(ends[at] - at - 1, k - 1)

    def near(self, one: Id, other: Id) -> bool:
        """Whether two IDs are within the window, in every coordinate."""
        if isinstance(self.window, tuple) or isinstance(one, tuple):
            parts = self.along(len(one) if isinstance(one, tuple) else 1)
            return all(part.near(a, b) for part, a, b in zip(parts, one, other, strict=True))
        return self.window is None or abs(one - other) <= self.window

    def _limits(self, ids: Sequence[Id]) -> list[tuple[Column, int]]:
        """The coordinates that have windows, with these."""
        columns = coordinates(ids)
        parts = zip(self.along(len(columns)), columns, strict=True)
        return [(column, part.window) for part, column in parts if isinstance(part.window, int)]

    def _n_by_coordinate(self, ids: Sequence[Id]) -> int:
        """A coordinate after the other: sets within low..low + w that are not within low + 1..low + w, for every low."""
        limits, last, fixed = self._limits(ids), len(ids) - 1, int(self.anchor == "last")

        def count(positions: list[int], at: int) -> int:
            if len(positions) < self.arity or (fixed and positions[-1] != last):
                return 0
            if at == len(limits):
                return comb(len(positions) - fixed, self.arity - fixed)
            (column, window), found = limits[at], 0
            for low in {column[i] for i in positions}:
                inside = [i for i in positions if low <= column[i] <= low + window]
                found += count(inside, at + 1) - count([i for i in inside if column[i] > low], at + 1)
            return found

        return min(count(list(range(len(ids))), 0), HUGE)

    def _windows(self, ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """The positions in (ID, position) order; for each, where in this order its window ends."""
        assert isinstance(self.window, int)
        order = sorted(range(len(ids)), key=lambda i: (ids[i], i))
        sorted_ids = [ids[i] for i in order]
        return order, [bisect_right(sorted_ids, own + self.window) for own in sorted_ids]

    def key_of(self, ids: Ids) -> Ids:
        """The key of the IDs of a candidate set, listed by increasing position."""
        if self.key == "none":
            return ()
        if isinstance(self.key, tuple) or isinstance(ids[0], tuple):
            columns = coordinates(ids)
            parts = zip(self.along(len(columns)), columns, strict=True)
            keys = [part.key_of(column) for part, column in parts if part.key != "none"]
            return joined(keys) if keys else ()
        if self.key == "order":
            rank = {value: r for r, value in enumerate(sorted(set(ids)))}
            return tuple(rank[value] for value in ids)
        if self.key == "relative":
            return tuple(value - ids[0] for value in ids)
        return tuple(ids)

    def view(self, tokens: tuple[int, ...], ids: Ids, candidate: PositionSet) -> View:
        """(x_S, key(p_S)) for S = `candidate`."""
        return View(tuple(tokens[i] for i in candidate), self.key_of(tuple(ids[i] for i in candidate)))

    def view_counts(self, example: Example) -> Counter[View]:
        """How many candidate sets of the example have each view; cost O(number of candidates · k)."""
        return Counter(self.view(example.tokens, example.ids, set_) for set_ in self.candidates(example.ids))

    def views(self, example: Example) -> frozenset[View]:
        """The set of views of the example; cost O(number of candidates · k)."""
        return frozenset(self.view_counts(example))

    def check_view(self, view: View, where: str, argument: str) -> None:
        """Refuse a view that no example could have under this class.

        Raises
        ------
        InvalidArgument : when the view is no pair, or its tokens or key have the wrong length.
        """
        if not (isinstance(view, tuple) and len(view) == 2 and all(isinstance(part, tuple) for part in view)):
            expected = "a View: a pair (tokens, key) of tuples"
            fix = "Write View((1, 2), ()), or take views from HeadClass.views."
            raise InvalidArgument(where, argument, got=f"the view {shown(view)}", expected=expected, fix=fix)
        tokens, key = view
        allowed = range(1 if self.at_most else self.arity, self.arity + 1)
        own_keys = [own for own in self.key if own != "none"] if isinstance(self.key, tuple) else []
        key_length = 0 if self.key == "none" else len(tokens)
        unlike = own_keys and n_coordinates(key) != len(own_keys)
        if len(tokens) not in allowed or len(key) != key_length or unlike:
            got = f"the view {shown(tuple(view))} with {len(tokens)} tokens and a key of {len(key)}"
            at_most, keys = ("at most ", "as many") if self.at_most else ("", str(self.arity))
            keys += f" vectors of {len(own_keys)}" if len(own_keys) > 1 else ""
            expected = f"{at_most}{self.arity} tokens (the arity) and a key of {0 if self.key == 'none' else keys}"
            fix = f"Match the head class: arity {at_most}{self.arity}, key {self.key!r}."
            raise InvalidArgument(where, argument, got=got, expected=expected, fix=fix)


@lru_cache(maxsize=256)
def _along(heads: HeadClass, d: int) -> tuple[HeadClass, ...]:
    def each(value: object) -> tuple[Any, ...]:
        return value if isinstance(value, tuple) else (value,) * d

    return tuple(replace(heads, window=w, key=key) for w, key in zip(each(heads.window), each(heads.key), strict=True))


def by_size(view: View) -> tuple[int, View]:
    """What views are sorted by: their number of tokens, then the tokens, then the key."""
    return len(view.tokens), view


def _subsets(items: list[int], start: int, end: int, size: int) -> Iterator[tuple[int, ...]]:
    """The subsets of items[start:end] of this size; nothing is copied where that would cost more than they are."""
    if size == 0:
        return iter([()])
    return combinations(items[start:end], size) if size <= end - start else iter(())


def cliques(heads: HeadClass, near: Sequence[Sequence[bool]]) -> Iterator[PositionSet]:
    """The k-sets of positions, every two of them near, that have the anchor."""

    def extend(chosen: PositionSet, later: Sequence[int], more: int) -> Iterator[PositionSet]:
        if not more:
            yield chosen
            return
        for j, i in enumerate(later):
            yield from extend((*chosen, i), [other for other in later[j + 1 :] if near[i][other]], more - 1)

    last = len(near) - 1
    if heads.anchor == "none":
        return extend((), range(last + 1), heads.arity)
    before = [i for i in range(last) if near[i][last]]
    return ((*rest, last) for rest in extend((), before, heads.arity - 1))


def check_heads(heads: object, where: str) -> None:
    """Refuse anything but a head class.

    Raises
    ------
    InvalidArgument
    """
    check_type(heads, HeadClass, where, "heads", "a HeadClass", "For instance HeadClass(arity=2).")


def check_coordinates(heads: HeadClass, where: str, *laws: Iterable[Example]) -> None:
    """Refuse examples whose IDs have unlike numbers of coordinates, or another one than the class has windows or keys.

    Raises
    ------
    InvalidArgument
    """
    first = {type(example.ids[0]): example for law in laws for example in law}  # the usual case, quickly
    found = {1} if first.keys() <= {int} else {n_coordinates(example.ids) for law in laws for example in law}
    check_alike(found, where)
    for d in found:
        heads.along(d)  # which refuses other numbers of windows and keys


def check_alike(found: set[int], where: str) -> None:
    """Refuse laws whose IDs have unlike numbers of coordinates.

    Raises
    ------
    InvalidArgument
    """
    if len(found) > 1:
        got, fix = f"IDs of {' and '.join(map(str, sorted(found)))} coordinates", "Write (i, 0) for a plain ID i."
        raise InvalidArgument(where, "test", got=got, expected="equally many in all examples of both laws", fix=fix)


def check_one_arity(heads: HeadClass, where: str) -> None:
    """Refuse a head class of several arities, where a statement is about exactly k positions.

    Raises
    ------
    InvalidArgument
    """
    check_heads(heads, where)
    if heads.at_most:
        got, fix = f"arity at most {heads.arity}", "Use at_most=False, or ask decide, which takes every head class."
        raise InvalidArgument(where, "heads", got=got, expected="candidate sets of exactly k positions", fix=fix)


@dataclass(frozen=True)
class HardHead:
    """A hard head, as data: the views that it selects, each with the label that it answers.

    h(x, p) = the mean of the answers over the selected candidate sets; it abstains when none is selected.

    Examples
    --------
    >>> head = HardHead(HeadClass(arity=1), {View((1,), ()): "one", View((2,), ()): "two"})
    >>> head.loss(Example((0, 1), (0, 1), "one")), head.loss(Example((1, 2), (0, 1), "one"))
    (Fraction(0, 1), Fraction(1, 2))
    >>> head.loss(Example((0, 0), (0, 1), "one"))  # an abstention loses 1
    Fraction(1, 1)

    Raises
    ------
    InvalidArgument : for a view that the class does not have, or answers that are no {view: label}.

    Source: Definition 4 in docs/theory.md.
    """

    heads: HeadClass
    answers: Mapping[View, Label]

    def __post_init__(self) -> None:
        check_heads(self.heads, "HardHead")
        fix = "List the views that it selects."
        check_type(self.answers, Mapping, "HardHead", "answers", "a mapping {view: label}", fix)
        for view, label in self.answers.items():
            self.heads.check_view(view, "HardHead", "answers")
            check_label(label, "HardHead", f"answers[{shown(tuple(view))}]")
        # A copy: the head stays what it is when the caller's mapping changes.
        object.__setattr__(self, "answers", dict(self.answers))

    def __hash__(self) -> int:
        return hash((self.heads, frozenset(self.answers.items())))

    def loss(self, example: Example) -> Fraction:
        """The wrong share of the selected candidate sets, or 1 when there are none; cost O(candidates · k)."""
        selected = wrong = 0
        for set_ in self.heads.candidates(example.ids):
            view = self.heads.view(example.tokens, example.ids, set_)
            if view in self.answers:
                selected += 1
                wrong += self.answers[view] != example.label
        return Fraction(wrong, selected) if selected else Fraction(1)
