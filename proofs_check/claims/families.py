"""Finite families of ensembles: every assignment of labels to words, every noise support, at stated sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations, product

import numpy as np

from theory import PlantedEnsemble, support
from theory.examples import Label
from theory.planted import Word
from theory.support import SupportLaw


def subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every non-empty subset, smaller ones first."""
    for size in range(1, len(items) + 1):
        yield from combinations(items, size)


def ensembles(
    arity: int, vocabulary: int, *, law: SupportLaw | None = None, max_words: int | None = None
) -> Iterator[PlantedEnsemble]:
    """Every planted ensemble with two labels up to its probabilities: each word of V^k unplanted or planted with label
    0 or 1, each non-empty noise support; uniform laws on these supports.

    Only supports matter to zero-loss questions, so uniform weights lose nothing there.

    Examples
    --------
    >>> sum(1 for _ in ensembles(1, 2))  # (3^2 - 1) label assignments, 3 noise supports
    24
    """
    words: list[Word] = list(product(range(vocabulary), repeat=arity))
    for noise in subsets(range(vocabulary)):
        for labels in product((None, 0, 1), repeat=len(words)):
            target = {word: label for word, label in zip(words, labels, strict=True) if label is not None}
            if target and (max_words is None or len(target) <= max_words):
                yield ensemble(vocabulary, noise, target, law)


def ensemble(
    vocabulary: int, noise: Sequence[int], target: Mapping[Word, Label], law: SupportLaw | None = None
) -> PlantedEnsemble:
    """Uniform noise on `noise`, uniform words on the keys of `target`, two labels 0 and 1 at least."""
    return PlantedEnsemble(
        vocabulary=vocabulary,
        background=[Fraction(int(t in noise), len(noise)) for t in range(vocabulary)],
        planted={word: Fraction(1, len(target)) for word in target},
        target=target,
        support=support.uniform() if law is None else law,
        labels=tuple(dict.fromkeys((0, 1, *target.values()))),
    )


def random_pairs(rng: np.random.Generator, n_words: int, law: SupportLaw | None = None) -> PlantedEnsemble:
    """So many random pairs of three tokens, with random labels, among one or two random noise tokens."""
    words = list(product(range(3), repeat=2))
    target: dict[Word, Label] = {words[i]: int(rng.integers(2)) for i in rng.permutation(len(words))[:n_words]}
    noise = rng.permutation(3)[: int(rng.integers(1, 3))].tolist()
    return ensemble(3, sorted(noise), target, law)


@cache
def marked_parity(arity: int, law: SupportLaw | None = None) -> PlantedEnsemble:
    """Parity of `arity` marked bits among noise: token 0 is noise, tokens 1 and 2 are the marked bits 1 and 0.

    Examples
    --------
    >>> marked_parity(2).target[(1, 2)]
    1
    """
    return ensemble(3, (0,), {word: word.count(1) % 2 for word in product((1, 2), repeat=arity)}, law)
