"""Problems and verdicts as the judge reads and writes them: whitespace-separated integers, one answer a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from theory import Example, HeadClass, Law
from theory.examples import Label
from theory.heads import View

KEYS = ("none", "order", "relative", "absolute")


def integers(values: Iterable[int]) -> str:
    """A list: its length, then its entries."""
    entries = list(values)
    return " ".join(map(str, (len(entries), *entries)))


def head_class(heads: HeadClass) -> str:
    """The arity, the window (-1: none), the key and the anchor."""
    window = -1 if heads.window is None else heads.window
    return f"{heads.arity} {window} {KEYS.index(str(heads.key))} {int(heads.anchor == 'last')}"


def law(given: Law, number: Mapping[Label, int]) -> str:
    """The examples with their probabilities, in the order of the law."""
    rows = [
        f"{weight} {given.denominator} {integers(e.tokens)} {integers(plain(e))} {number[e.label]}"
        for e, weight in given.table().items()
    ]
    return "\n".join((str(len(rows)), *rows))


def plain(example: Example) -> tuple[int, ...]:
    """The IDs of an example, each one integer."""
    assert all(isinstance(own, int) for own in example.ids)
    return example.ids


def answers(given: Mapping[View, Label], number: Mapping[Label, int]) -> str:
    """A hard head: views with their answers."""
    rows = [f"{integers(view.tokens)} {integers(view.key)} {number[label]}" for view, label in given.items()]
    return "\n".join((str(len(rows)), *rows))


def numbering(*laws: Law) -> dict[Label, int]:
    """Numbers for labels, in the order in which the code meets them."""
    return {label: i for i, label in enumerate(dict.fromkeys(label for one in laws for label in one.labels))}


def fraction(value: Fraction) -> str:
    """A rational as the judge writes it."""
    return f"{value.numerator}/{value.denominator}"


def joined(parts: Sequence[str]) -> str:
    """A request."""
    return "\n".join(parts) + "\n"
