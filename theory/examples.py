"""Examples and exact finite laws over them.

A law has integer weights over one denominator. Its `size` (how many outcomes its definition lists, an upper bound on
the number of distinct examples) is known before anything is enumerated, and every enumeration has a budget.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TypeAlias

import numpy as np

from theory.coordinates import Ids, check_ids
from theory.errors import (
    BudgetExceeded,
    InvalidArgument,
    amount,
    check,
    check_mapping,
    check_tuple,
    check_type,
    shown,
    typed,
    within_budget,
)
from theory.exact import Rational, check_draws, draw_indices, over_common_denominator, probabilities

Label: TypeAlias = Hashable
"""A label: any hashable value, for instance an int, or a pair (token, ID increment)."""

BUDGET = 5_000_000
"""Outcomes that an enumeration may list unless its `budget` argument says otherwise."""

MOST_TOKENS = 10**8
"""Tokens that one call of `sample` may draw."""


@dataclass(frozen=True, slots=True)
class Example:
    """(x, p, y): tokens and position IDs, one an index, and a label. An ID is an int, or a tuple of two ints or more.

    Raises
    ------
    InvalidArgument : for tokens or IDs that are no tuples of ints or differ in number, IDs of unlike numbers of
        coordinates, no tokens, or a label that is not hashable or not equal to itself (NaN).

    Examples
    --------
    >>> Example(tokens=(0, 1), ids=(5, 6), label=1).length
    2
    >>> Example(tokens=(0, 1), ids=((0, 5), (0, 6)), label=1).ids[1]  # row and column
    (0, 6)
    """

    tokens: tuple[int, ...]
    ids: Ids
    label: Label

    def __post_init__(self) -> None:
        check_tuple(self.tokens, "Example", "tokens")
        check_ids(self.ids, "Example", "ids")
        check_label(self.label, "Example", "label")
        if len(self.tokens) != len(self.ids) or not self.tokens:
            got = f"{len(self.ids)} IDs for {len(self.tokens)} tokens"
            fix = "Give tokens and ids the same positive length."
            raise InvalidArgument("Example", "ids", got=got, expected="one ID a token, and at least one token", fix=fix)

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.tokens)


def check_label(label: object, where: str, argument: str) -> None:
    """Refuse a label that no table of labels can hold.

    Raises
    ------
    InvalidArgument : for a label that is not hashable, or not equal to itself (NaN).
    """
    try:
        hash(label)
        usable = bool(label == label)
    except (TypeError, ValueError):
        usable = False
    if not usable:
        expected, fix = "a hashable label that equals itself", "Use an int, a string, or a tuple of these."
        raise InvalidArgument(where, argument, got=typed(label), expected=expected, fix=fix)


def check_tokens(where: str, size: int, length: int) -> None:
    """Refuse to draw so many examples of this length at once that they would fill the memory.

    Raises
    ------
    BudgetExceeded
    """
    if size * length > MOST_TOKENS:
        where, most = f"{where} (tokens)", amount(MOST_TOKENS // length)
        fix = f"Draw at most {most} examples of length {length} at a time."
        raise BudgetExceeded(where, size=int(size) * length, budget=MOST_TOKENS, option="size", fix=fix)


def label_set(labels: object, where: str) -> tuple[Label, ...]:
    """The distinct labels of a list or tuple, in its order.

    Raises
    ------
    InvalidArgument : for anything but a list or tuple of labels; a string is no sequence of labels.
    """
    check_type(labels, (list, tuple), where, "labels", "a list or tuple of labels", "For instance labels=[0, 1].")
    assert isinstance(labels, list | tuple)
    for i, label in enumerate(labels):
        check_label(label, where, f"labels[{i}]")
    return tuple(dict.fromkeys(labels))


class Law(ABC):
    """An exact law over examples with finitely many outcomes: Pr[outcome] = weight / denominator.

    Examples
    --------
    >>> law = FiniteLaw({Example((0,), (0,), "a"): "1/3", Example((1,), (0,), "b"): "2/3"})
    >>> isinstance(law, Law), [str(law.probability(example)) for example in law.support()]
    (True, ['1/3', '2/3'])
    """

    @property
    @abstractmethod
    def labels(self) -> tuple[Label, ...]:
        """The label set; it may hold labels that never occur."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many outcomes `outcomes` yields, up to `HUGE`; known without listing them."""

    @property
    def listing(self) -> int:
        """What `table` counts against its budget: every outcome, the `bulk` of one that has many tokens."""
        return self.size

    @property
    @abstractmethod
    def denominator(self) -> int:
        """The sum of all weights."""

    @abstractmethod
    def outcomes(self) -> Iterator[tuple[Example, int]]:
        """Every outcome with its positive integer weight; one example may come several times."""

    @abstractmethod
    def probability(self, example: Example, *, budget: int = BUDGET) -> Fraction:
        """Pr[example], exactly.

        Raises
        ------
        BudgetExceeded : when more than `budget` placements would have to be summed, those of long sequences counting as
            several.
        """

    @abstractmethod
    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        """`size` independent examples, drawn exactly by the law."""

    def table(self, *, budget: int = BUDGET) -> dict[Example, int]:
        """The law as {example: weight}, each distinct example once; cost O(size · length).

        Raises
        ------
        BudgetExceeded : when `listing` is above `budget`; nothing is enumerated then.
        """
        within_budget(f"{type(self).__name__}.table", size=self.listing, budget=budget)
        table: Counter[Example] = Counter()
        for example, weight in self.outcomes():
            table[example] += weight
        return dict(table)

    def support(self, *, budget: int = BUDGET) -> tuple[Example, ...]:
        """Every example of positive probability, once, in the order of first occurrence."""
        return tuple(self.table(budget=budget))

    def items(self, *, budget: int = BUDGET) -> Iterator[tuple[Example, Fraction]]:
        """(example, probability), each distinct example once."""
        table = self.table(budget=budget)
        return ((example, Fraction(weight, self.denominator)) for example, weight in table.items())


class FiniteLaw(Law):
    """A law given outright as {example: probability}.

    Examples
    --------
    >>> law = FiniteLaw({Example((0,), (0,), "a"): "1/3", Example((1,), (0,), "b"): "2/3"})
    >>> law.size, law.denominator, law.labels
    (2, 3, ('a', 'b'))
    """

    def __init__(self, law: Mapping[Example, Rational], *, labels: Sequence[Label] | None = None) -> None:
        check_mapping(
            law, "FiniteLaw", "law", "{example: probability}", "For equal weights use FiniteLaw.uniform(examples)."
        )
        fix = "Wrap it: Example(tokens, ids, label)."
        for example in law:
            check(isinstance(example, Example), "FiniteLaw", "law", example, expected="keys of type Example", fix=fix)
        exact = probabilities(list(law.values()), "FiniteLaw", "law")
        kept = {example: p for example, p in zip(law, exact, strict=True) if p > 0}
        weights, self._denominator = over_common_denominator(list(kept.values()))
        self._weights = dict(zip(kept, weights, strict=True))
        seen = dict.fromkeys(example.label for example in kept)
        self._labels = tuple(seen) if labels is None else label_set(labels, "FiniteLaw")
        for label in seen:
            if label not in self._labels:
                got = f"{shown(self._labels)} without the label {shown(label)}"
                fix = "Add it to labels, or leave labels out."
                raise InvalidArgument("FiniteLaw", "labels", got=got, expected="every label that occurs", fix=fix)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FiniteLaw):
            return NotImplemented
        return (self._weights, self._denominator, self._labels) == (other._weights, other._denominator, other._labels)

    def __hash__(self) -> int:
        return hash((frozenset(self._weights.items()), self._labels))

    @classmethod
    def uniform(cls, examples: Iterable[Example], *, labels: Sequence[Label] | None = None) -> FiniteLaw:
        """The uniform law on the distinct examples given."""
        try:
            distinct = dict.fromkeys(examples)
        except TypeError:
            raise InvalidArgument(
                "FiniteLaw.uniform",
                "examples",
                got=shown(examples),
                expected="an iterable of examples",
                fix="Pass a list of Example(tokens, ids, label).",
            ) from None
        return cls({example: Fraction(1, len(distinct)) for example in distinct}, labels=labels)

    @property
    def labels(self) -> tuple[Label, ...]:
        return self._labels

    @property
    def size(self) -> int:
        return len(self._weights)

    @property
    def denominator(self) -> int:
        return self._denominator

    def outcomes(self) -> Iterator[tuple[Example, int]]:
        return iter(self._weights.items())

    def probability(self, example: Example, *, budget: int = BUDGET) -> Fraction:
        return Fraction(self._weights.get(example, 0), self._denominator)

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        check_draws(rng, size, "FiniteLaw.sample")
        check_tokens("FiniteLaw.sample", size, 1)  # the examples are there already
        examples = list(self._weights)
        return [examples[i] for i in draw_indices(rng, list(self._weights.values()), size)]


@dataclass(frozen=True)
class Mixture(Law):
    """A mixture of laws: draw a component, then an example of it. Build it with `mixture`.

    Examples
    --------
    >>> one = FiniteLaw({Example((0,), (0,), 0): 1})
    >>> two = FiniteLaw({Example((1,), (0,), 1): 1})
    >>> mixed = mixture([(one, "1/4"), (two, "3/4")])
    >>> mixed.size, [str(weight) for _, weight in mixed.components]
    (2, ['1/4', '3/4'])
    """

    components: tuple[tuple[Law, Fraction], ...]

    def __post_init__(self) -> None:
        expected, fix = "at least one pair (law, probability)", "Build it with mixture([(law, '1/2'), ...])."
        check(self.components, "Mixture", "components", self.components, expected=expected, fix=fix)

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(dict.fromkeys(label for law, _ in self.components for label in law.labels))

    @property
    def size(self) -> int:
        return sum(law.size for law, _ in self.components)

    @property
    def listing(self) -> int:
        return sum(law.listing for law, _ in self.components)

    @property
    def denominator(self) -> int:
        return lcm(*((p / law.denominator).denominator for law, p in self.components))

    def outcomes(self) -> Iterator[tuple[Example, int]]:
        denominator = self.denominator
        for law, p in self.components:
            factor = p * denominator / law.denominator  # an integer, by the choice of the denominator
            for example, weight in law.outcomes():
                yield example, factor.numerator * weight

    def probability(self, example: Example, *, budget: int = BUDGET) -> Fraction:
        return sum((p * law.probability(example, budget=budget) for law, p in self.components), Fraction(0))

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        check_draws(rng, size, "Mixture.sample")
        check_tokens("Mixture.sample", size, 1)  # more by the components
        weights, _ = over_common_denominator([p for _, p in self.components])
        chosen = draw_indices(rng, weights, size)
        drawn = [iter(law.sample(rng, int((chosen == i).sum()))) for i, (law, _) in enumerate(self.components)]
        return [next(drawn[i]) for i in chosen]


def mixture(components: Iterable[tuple[Law, Rational]]) -> Law:
    """The mixture Σ_i p_i · law_i, for instance over lengths; mixtures inside are flattened.

    Raises
    ------
    InvalidArgument : for an empty mixture, a component that is no law, or weights that do not sum to 1.

    Examples
    --------
    >>> one = FiniteLaw({Example((0,), (0,), 0): 1})
    >>> two = FiniteLaw({Example((1,), (0,), 1): 1})
    >>> mixture([(one, "1/4"), (two, "3/4")]).probability(Example((1,), (0,), 1))
    Fraction(3, 4)
    """
    several = isinstance(components, Iterable) and not isinstance(components, Law)
    expected, fix = "a list of pairs (law, probability)", "Pass [(ens.at(4), '1/2'), (ens.at(5), '1/2')]."
    check(several, "mixture", "components", components, expected=expected, fix=fix)
    given = list(components)
    check(given, "mixture", "components", got="no components", expected=expected, fix=fix)
    for i, entry in enumerate(given):
        pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], Law)
        own = f"For equal weights write (law, '1/{len(given)}')." if isinstance(entry, Law) else fix
        check(pair, "mixture", f"components[{i}]", entry, expected="a pair (law, probability)", fix=own)
    weights = probabilities([weight for _, weight in given], "mixture", "components")
    flat: list[tuple[Law, Fraction]] = []
    for (law, _), p in zip(given, weights, strict=True):
        inner = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
        flat.extend((part, p * q) for part, q in inner if p > 0)
    return flat[0][0] if len(flat) == 1 else Mixture(tuple(flat))
