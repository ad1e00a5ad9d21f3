"""Head classes: candidate sets, keys and views (Definitions 3 and 4 in docs/theory.md)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias, get_args

from theory.errors import InvalidArgument, check_integer, check_one_of, check_type, shown
from theory.exact import choose
from theory.examples import Example, Label, check_label
from theory.positions import Ids
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
    key: tuple[int, ...]


@dataclass(frozen=True)
class HeadClass:
    """The head class H(k, w, key, anchor): which sets of positions a head may attend to, and what it sees of them.

    Candidate sets on IDs p are {S : |S| = k, max p_S - min p_S <= w}; with anchor "last" only those that contain the
    last position (the query of next-token prediction). With `at_most` they are those of the arities 1..k together, so
    with anchor "last" the query alone is one. The view of S is (x_S, key(p_S)).

    Parameters
    ----------
    arity : k >= 1, positions a candidate set.
    window : w >= 0 in IDs, or None for no limit.
    key : "none" gives (); "order" the dense ranks of p_S (its pattern of <, =, >); "relative" p_s - p_{s_1};
        "absolute" p_S itself.
    anchor : "none" or "last".
    at_most : whether a candidate set may have fewer than k positions (at least one).

    Raises
    ------
    InvalidArgument : for an arity < 1, a window < 0, an unknown key or anchor, an `at_most` that is no truth value.

    Examples
    --------
    >>> heads = HeadClass(arity=2, window=1, key="relative")
    >>> list(heads.candidates((0, 1, 2)))
    [(0, 1), (1, 2)]
    >>> heads.view((7, 8, 9), (0, 1, 2), (1, 2))
    View(tokens=(8, 9), key=(0, 1))
    >>> list(HeadClass(arity=2, anchor="last", at_most=True).candidates((0, 1, 2)))
    [(2,), (0, 2), (1, 2)]

    Source: Definition 3 in docs/theory.md.
    """

    arity: int
    window: int | None = None
    key: Key = "none"
    anchor: Anchor = "none"
    at_most: bool = False

    def __post_init__(self) -> None:
        where = "HeadClass"
        check_integer(self.arity, where, "arity", least=1, fix="Give the number k of tokens.")
        if self.window is not None:
            expected = "an integer >= 0, or None for no limit"
            check_integer(self.window, where, "window", least=0, expected=expected, fix="Use None for w = ∞.")
        check_one_of(self.key, get_args(Key), where, "key", "Use 'none' to ignore the IDs.")
        check_one_of(self.anchor, get_args(Anchor), where, "anchor", "Use 'last' for next-token prediction.")
        check_type(self.at_most, bool, where, "at_most", "True or False", "Use True for the arities 1..k together.")

    def __repr__(self) -> str:
        more = ", at_most=True" if self.at_most else ""
        return f"HeadClass(arity={self.arity}, window={self.window}, key={self.key!r}, anchor={self.anchor!r}{more})"

    def parts(self, length: int) -> tuple[HeadClass, ...]:
        """The classes of one arity each, in increasing arity, that have the candidate sets on so many positions."""
        if not self.at_most:
            return (self,)
        return tuple(replace(self, arity=k, at_most=False) for k in range(1, min(self.arity, length) + 1))

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

    def n_candidates(self, ids: Sequence[int]) -> int:
        """|C(p)|, up to `HUGE`, counted without listing; cost O(length · log length), without a window O(1)."""
        n, k = len(ids), self.arity
        if n == 0:
            return 0
        if self.at_most:
            return sum(part.n_candidates(ids) for part in self.parts(n))
        if self.window is None:
            return choose(n, k) if self.anchor == "none" else choose(n - 1, k - 1)
        order, ends = self._windows(ids)
        if self.anchor == "none":
            sizes = Counter(end - j - 1 for j, end in enumerate(ends))
            return sum(number * choose(size, k - 1) for size, number in sizes.items())
        at = order.index(n - 1)
        sizes = Counter(end - j - 2 for j, end in enumerate(ends[:at]) if end > at)
        total = sum(number * choose(size, k - 2) for size, number in sizes.items())
        return total + choose(ends[at] - at - 1, k - 1)

    def _windows(self, ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """The positions in (ID, position) order; for each, where in this order its window ends."""
        assert self.window is not None
        order = sorted(range(len(ids)), key=lambda i: (ids[i], i))
        sorted_ids = [ids[i] for i in order]
        return order, [bisect_right(sorted_ids, own + self.window) for own in sorted_ids]

    def key_of(self, ids: Ids) -> tuple[int, ...]:
        """The key of the IDs of a candidate set, listed by increasing position."""
        if self.key == "none":
            return ()
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
        key_length = 0 if self.key == "none" else len(tokens)
        if len(tokens) not in allowed or len(key) != key_length:
            got = f"the view {shown(tuple(view))} with {len(tokens)} tokens and a key of {len(key)}"
            at_most, keys = ("at most ", "as many") if self.at_most else ("", str(self.arity))
            expected = f"{at_most}{self.arity} tokens (the arity) and a key of {0 if self.key == 'none' else keys}"
            fix = f"Match the head class: arity {at_most}{self.arity}, key '{self.key}'."
            raise InvalidArgument(where, argument, got=got, expected=expected, fix=fix)


def by_size(view: View) -> tuple[int, View]:
    """What views are sorted by: their number of tokens, then the tokens, then the key."""
    return len(view.tokens), view


def _subsets(items: list[int], start: int, end: int, size: int) -> Iterator[tuple[int, ...]]:
    """The subsets of items[start:end] of this size; nothing is copied where that would cost more than they are."""
    if size == 0:
        return iter([()])
    return combinations(items[start:end], size) if size <= end - start else iter(())


def check_heads(heads: object, where: str) -> None:
    """Refuse anything but a head class.

    Raises
    ------
    InvalidArgument
    """
    check_type(heads, HeadClass, where, "heads", "a HeadClass", "For instance HeadClass(arity=2).")


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
