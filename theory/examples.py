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

from theory.errors import BudgetExceeded, InvalidArgument, shown
from theory.exact import Rational, draw_indices, over_common_denominator, probabilities

Label: TypeAlias = Hashable
"""A label: any hashable value, for instance an int, or a pair (token, ID increment)."""

BUDGET = 5_000_000
"""Outcomes that an enumeration may list unless its `budget` argument says otherwise."""


@dataclass(frozen=True, slots=True)
class Example:
    """(x, p, y): tokens and position IDs, one an index, and a label.

    Examples
    --------
    >>> Example(tokens=(0, 1), ids=(5, 6), label=1).length
    2
    """

    tokens: tuple[int, ...]
    ids: tuple[int, ...]
    label: Label

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.ids) or not self.tokens:
            raise InvalidArgument(
                "Example",
                "ids",
                f"{len(self.ids)} IDs for {len(self.tokens)} tokens",
                "one ID a token, and at least one token",
                "Give tokens and ids the same positive length.",
            )

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.tokens)


class Law(ABC):
    """An exact law over examples with finitely many outcomes: Pr[outcome] = weight / denominator."""

    @property
    @abstractmethod
    def labels(self) -> tuple[Label, ...]:
        """The label set; it may hold labels that never occur."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many outcomes `outcomes` yields; known without listing them."""

    @property
    @abstractmethod
    def denominator(self) -> int:
        """The sum of all weights."""

    @abstractmethod
    def outcomes(self) -> Iterator[tuple[Example, int]]:
        """Every outcome with its positive integer weight; one example may come several times."""

    @abstractmethod
    def probability(self, example: Example) -> Fraction:
        """Pr[example], exactly."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        """`size` independent examples, drawn exactly by the law."""

    def table(self, *, budget: int = BUDGET) -> dict[Example, int]:
        """The law as {example: weight}, each distinct example once; cost O(size).

        Raises
        ------
        BudgetExceeded : when `size` is above `budget`; nothing is enumerated then.
        """
        if self.size > budget:
            raise BudgetExceeded(f"{type(self).__name__}.table", size=self.size, budget=budget)
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
        if not law:
            raise InvalidArgument(
                "FiniteLaw", "law", "no examples", "at least one example", "Add an example."
            )
        for example in law:
            if not isinstance(example, Example):
                raise InvalidArgument(
                    "FiniteLaw",
                    "law",
                    shown(example),
                    "keys of type Example",
                    "Wrap it: Example(tokens, ids, label).",
                )
        exact = probabilities(list(law.values()), "FiniteLaw", "law")
        kept = {example: p for example, p in zip(law, exact, strict=True) if p > 0}
        weights, self._denominator = over_common_denominator(list(kept.values()))
        self._weights = dict(zip(kept, weights, strict=True))
        seen = dict.fromkeys(example.label for example in kept)
        self._labels = tuple(seen) if labels is None else tuple(dict.fromkeys(labels))
        for label in seen:
            if label not in self._labels:
                raise InvalidArgument(
                    "FiniteLaw", "labels", f"{shown(self._labels)} without the label {shown(label)}",
                    "every label that occurs", "Add it to labels, or leave labels out.",
                )  # fmt: skip

    @classmethod
    def uniform(cls, examples: Iterable[Example], *, labels: Sequence[Label] | None = None) -> FiniteLaw:
        """The uniform law on the distinct examples given."""
        distinct = dict.fromkeys(examples)
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

    def probability(self, example: Example) -> Fraction:
        return Fraction(self._weights.get(example, 0), self._denominator)

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        examples = list(self._weights)
        return [examples[i] for i in draw_indices(rng, list(self._weights.values()), size)]


@dataclass(frozen=True)
class Mixture(Law):
    """A mixture of laws: draw a component, then an example of it. Build it with `mixture`."""

    components: tuple[tuple[Law, Fraction], ...]

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(dict.fromkeys(label for law, _ in self.components for label in law.labels))

    @property
    def size(self) -> int:
        return sum(law.size for law, _ in self.components)

    @property
    def denominator(self) -> int:
        return lcm(*((p / law.denominator).denominator for law, p in self.components))

    def outcomes(self) -> Iterator[tuple[Example, int]]:
        denominator = self.denominator
        for law, p in self.components:
            factor = p * denominator / law.denominator  # an integer, by the choice of the denominator
            for example, weight in law.outcomes():
                yield example, factor.numerator * weight

    def probability(self, example: Example) -> Fraction:
        return sum((p * law.probability(example) for law, p in self.components), Fraction(0))

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        weights, _ = over_common_denominator([p for _, p in self.components])
        chosen = draw_indices(rng, weights, size)
        drawn = [
            iter(law.sample(rng, int((chosen == i).sum()))) for i, (law, _) in enumerate(self.components)
        ]
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
    given = list(components)
    if not given:
        raise InvalidArgument(
            "mixture", "components", "no components", "at least one (law, probability)", "Add a component."
        )
    for i, entry in enumerate(given):
        if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], Law)):
            raise InvalidArgument(
                "mixture",
                f"components[{i}]",
                shown(entry),
                "a pair (law, probability)",
                "Pass (ens.at(4), '1/2').",
            )
    weights = probabilities([weight for _, weight in given], "mixture", "components")
    flat: list[tuple[Law, Fraction]] = []
    for (law, _), p in zip(given, weights, strict=True):
        inner = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
        flat.extend((part, p * q) for part, q in inner if p > 0)
    return flat[0][0] if len(flat) == 1 else Mixture(tuple(flat))
