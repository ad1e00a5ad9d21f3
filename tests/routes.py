"""Second routes: the definitions of the theory, written as plainly as possible and without the code under test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import TypeVar

import numpy as np
from scipy.stats import chisquare

from theory import Example, HardHead, HeadClass, Law
from theory.coordinates import Id, Ids
from theory.examples import Label
from theory.support import PositionSet

T = TypeVar("T", bound=Hashable)

PlainView = tuple[tuple[int, ...], Ids]


def candidates(heads: HeadClass, ids: Ids) -> list[PositionSet]:
    """Definition 3: every set of k (or at most k) positions whose IDs lie in the window and that has the anchor."""
    n = len(ids)
    return [
        chosen
        for k in range(1 if heads.at_most else heads.arity, heads.arity + 1)
        for chosen in combinations(range(n), k)
        if all(
            window is None or max(column[i] for i in chosen) - min(column[i] for i in chosen) <= window
            for column, window, _ in by_coordinate(heads, ids)
        )
        and (heads.anchor == "none" or n - 1 in chosen)
    ]


def by_coordinate(heads: HeadClass, ids: Sequence[Id]) -> list[tuple[tuple[int, ...], int | None, str]]:
    """(IDs, window, key) of every coordinate."""
    columns = [*zip(*ids, strict=True)] if isinstance(ids[0], tuple) else [tuple(ids)]
    windows = heads.window if isinstance(heads.window, tuple) else [heads.window] * len(columns)
    keys = heads.key if isinstance(heads.key, tuple) else [heads.key] * len(columns)
    return list(zip(columns, windows, keys, strict=True))


def key(heads: HeadClass, ids: Sequence[Id]) -> Ids:
    """Definition 3: the key of the IDs of a set; of several coordinates, the vectors of their keys."""
    found = []
    for column, _, own in by_coordinate(heads, ids):
        if own == "order":  # the number of smaller values says the same as the pattern of <, =, >
            found.append(tuple(len({b for b in column if b < a}) for a in column))
        elif own != "none":
            found.append(tuple(a - column[0] if own == "relative" else a for a in column))
    if not found:
        return ()
    return found[0] if len(found) == 1 else tuple(zip(*found, strict=True))


def views(heads: HeadClass, example: Example) -> list[PlainView]:
    """The view of every candidate set, as often as it occurs."""
    return [
        (tuple(example.tokens[i] for i in chosen), key(heads, [example.ids[i] for i in chosen]))
        for chosen in candidates(heads, example.ids)
    ]


def by_size(view: PlainView) -> tuple[int, PlainView]:
    """The order of views: small ones first."""
    return len(view[0]), view


def head_loss(head: HardHead, example: Example) -> Fraction:
    """Definition 4 for a hard head."""
    answers = [head.answers[v] for v in views(head.heads, example) if v in head.answers]  # type: ignore[index]
    return Fraction(sum(answer != example.label for answer in answers), len(answers)) if answers else Fraction(1)


def expected_loss(head: HardHead, law: Law) -> Fraction:
    """Its mean under a law."""
    return sum((p * head_loss(head, example) for example, p in law.items()), Fraction(0))


def hard_heads(n_views: int, labels: Sequence[Label]) -> Iterable[tuple[Label | None, ...]]:
    """Every way to answer the views; None leaves a view unselected."""
    return product((None, *labels), repeat=n_views)


def view_label_law(heads: HeadClass, law: Law) -> dict[tuple[PlainView, Label], Fraction]:
    """The expected number of candidates with each view, together with the label."""
    expected: Counter[tuple[PlainView, Label]] = Counter()
    for example, p in law.items():
        for view in views(heads, example):
            expected[view, example.label] += p  # type: ignore[assignment]
    return dict(expected)  # type: ignore[arg-type]


def p_value(drawn: Iterable[T], law: Mapping[T, Fraction]) -> float:
    """The chi-square p-value of draws against an exact law; 0 when something outside the law was drawn."""
    counts = Counter(drawn)
    if any(item not in law or law[item] == 0 for item in counts):
        return 0.0
    size = counts.total()
    order = sorted((item for item in law if law[item] > 0), key=lambda item: law[item])
    observed, expected = [0.0], [0.0]
    for item in order:  # cells are joined until each expects at least 5 draws
        if expected[-1] >= 5:
            observed.append(0.0)
            expected.append(0.0)
        observed[-1] += counts[item]
        expected[-1] += float(law[item]) * size
    if len(expected) == 1:
        return 1.0
    if expected[-1] < 5:  # pragma: no cover  # the largest cells come last
        raise AssertionError("too few draws for a chi-square test")
    return float(chisquare(observed, np.array(expected) * (sum(observed) / sum(expected))).pvalue)


def fits(drawn: Iterable[T], law: Mapping[T, Fraction]) -> bool:
    """Whether draws fit an exact law; a right sampler fails at one seed in 100,000, and seeds are fixed."""
    return p_value(drawn, law) > 1e-5
