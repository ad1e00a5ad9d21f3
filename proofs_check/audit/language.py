"""Problems as the judge reads them (proofs_check/coq/JUDGE.md): lines of words, in fields that colons separate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from proofs_check.audit.kept import Kept, placements
from theory import Example, HeadClass, Law
from theory.coordinates import Ids, coordinates
from theory.exact import Rational
from theory.examples import Label
from theory.heads import View
from theory.planted import PlantedEnsemble, PlantedLaw
from theory.positions import Blocks, ChunkedShift, Coupled, PositionScheme, RandomOrdered, RandomShift
from theory.soft import Term
from theory.support import Local, Paired, SupportLaw, Uniform
from theory.transfer import Pattern


def words(values: Iterable[object]) -> str:
    """A field."""
    return " ".join(map(str, values))


def head_class(heads: HeadClass, n_coordinates: int) -> str:
    """A head class on IDs of so many coordinates.

    Examples
    --------
    >>> head_class(HeadClass(2, window=1, key="relative", anchor="last"), 1)
    'class exactly 2 last : 1 relative'
    """
    parts = [f"{'-' if part.window is None else part.window} {part.key}" for part in heads.along(n_coordinates)]
    return " : ".join((f"class {'most' if heads.at_most else 'exactly'} {heads.arity} {heads.anchor}", *parts))


def n_coordinates(*laws: Law) -> int:
    """How many coordinates the IDs of the laws have."""
    own = next(example.ids[0] for law in laws for example in law.table() if example.ids)
    return len(own) if isinstance(own, tuple) else 1


def law(name: str, given: Law, number: Mapping[Label, int]) -> Iterator[str]:
    """The examples of a law with their probabilities, in its order."""
    table = given.table()
    yield f"{name} {len(table)}"
    for example, weight in table.items():
        fields = (words(example.tokens), *map(words, coordinates(example.ids)))
        yield " : ".join((f"{Fraction(weight, given.denominator)} {number[example.label]}", *fields))


def head(answers: Mapping[View, Label], number: Mapping[Label, int], *, ranked: bool = False) -> Iterator[str]:
    """A hard head, or a ranked one, from the highest rank to the lowest."""
    yield f"head {len(answers)}"
    rows = [f"{number[label]} : {view(shown)}" for shown, label in answers.items()]
    yield from rows if ranked else sorted(rows)


def soft_head(
    answers: Mapping[View, tuple[Rational, Mapping[Label, Rational]]], number: Mapping[Label, int]
) -> Iterator[str]:
    """A soft head: each view with its score, and its value as labels with shares."""
    yield f"softhead {len(answers)}"
    for shown, (score, shares) in answers.items():
        yield f"{score} : {view(shown)} : {words(word for label, share in shares.items() for word in (number[label], share))}"


def terms(found: Mapping[int, Sequence[Term]]) -> Iterator[str]:
    """{label: a combination of training rays}."""
    rows = [f"{label} : {one.coefficient} {one.example} {one.other}" for label, own in found.items() for one in own]
    yield from (f"terms {len(rows)}", *rows)


def planting(ensemble: PlantedEnsemble, number: Mapping[Label, int]) -> Iterator[str]:
    """The background, and the planted words with their labels."""
    background = [f"{p} {token}" for token, p in enumerate(ensemble.background) if p]
    yield from (f"planting {len(background)} {len(ensemble.planted)}", *background)
    for word, p in ensemble.planted.items():
        yield f"{p} {number[ensemble.target[word]]} : {words(word)}"


def places(name: str, given: PlantedLaw) -> Iterator[str]:
    """The law of placements: S* as a mask, and IDs."""
    found = placements(given)
    yield f"places {name} {len(found)}"
    for (planted, ids), p in found.items():
        yield f"{p} : {mask(planted, given.length)} : {words(ids)}"


def listing(name: str, given: PlantedLaw) -> str | None:
    """What the judge lists the same placements by; None for support laws and schemes that it does not know."""
    positions, number = given.positions, "-"
    if isinstance(positions, Coupled) and type(positions.coupling) is Blocks:
        number, positions = str(positions.coupling.number), positions.then
    law, scheme = _support(given.support_law), _scheme(positions)
    if law is None or scheme is None:
        return None
    return f"placed {name} {given.length} {given.ensemble.arity} : {law} : {number} : {scheme}"


def _support(law: SupportLaw) -> str | None:
    if type(law) is Uniform:
        return f"uniform {law.anchor}"
    if type(law) is Local:
        return f"local {law.width}"
    return "paired" if type(law) is Paired else None


def _scheme(scheme: PositionScheme) -> str | None:
    if type(scheme) is RandomShift:
        return f"shift {scheme.lo} {scheme.hi}"
    if type(scheme) is RandomOrdered:
        return f"ordered {scheme.lo} {scheme.hi}"
    return f"chunked {scheme.lo} {scheme.hi} {scheme.chunks}" if type(scheme) is ChunkedShift else None


def kept(found: Kept, test: PlantedLaw) -> Iterator[str]:
    """Weights on kept sets of test placements."""
    yield f"kept {len(found.weights)}"
    for number, weight, chosen in found.weights:
        yield f"{number} : {weight} : {mask(chosen, test.length)}"


def mask(positions: Iterable[int], length: int) -> str:
    """A set of positions, as 0 and 1."""
    chosen = set(positions)
    return words(int(i in chosen) for i in range(length))


def patterns(masses: Mapping[Pattern, tuple[Fraction, Fraction]], arity: int) -> str:
    """Pattern masses in training and at test, sorted: the planted coordinates, those of S* that they are, and the key."""
    return sorted_views(" ; ".join(
        f"{words(int(j is not None) for j in own.overlap)} : {mask((j for j in own.overlap if j is not None), arity)} : "
        f"{words(flat(own.key))} : {trained} : {tested}"
        for own, (trained, tested) in masses.items()
    ))  # fmt: skip


def matrix(weights: NDArray[np.object_], views: Sequence[View], number: Sequence[int]) -> Iterator[str]:
    """A matrix, views x labels, as a soft head whose scores are 1 and whose shares are any numbers."""
    yield f"softhead {len(views)}"
    for shown, row in zip(views, weights.tolist(), strict=True):
        yield f"1 : {view(shown)} : {words(word for y, entry in zip(number, row, strict=True) for word in (y, entry))}"


def view(shown: View) -> str:
    """A view: its tokens, and the keys of the coordinates one after the other."""
    return f"{words(shown.tokens)} : {words(flat(shown.key))}"


def flat(key: Ids) -> Iterator[int]:
    """A key, coordinate by coordinate."""
    for column in coordinates(key) if key else ():
        yield from column


def numbering(*laws: Law) -> dict[Label, int]:
    """Numbers for labels, in the order in which the code meets them."""
    return {label: i for i, label in enumerate(dict.fromkeys(label for one in laws for label in one.labels))}


def views_of(heads: HeadClass, example: Example) -> str:
    """The views of an example, one a candidate set, sorted."""
    return sorted_views(" ; ".join(view(own) for own in heads.view_counts(example).elements()))


def sorted_views(text: str) -> str:
    """What the judge answers about views or patterns, sorted: no law depends on their order.

    Examples
    --------
    >>> sorted_views("2 : 1 ; 1 :")
    '1 : ; 2 : 1'
    """
    return " ; ".join(sorted(" ".join(part.split()) for part in text.split(";") if part.strip()))
