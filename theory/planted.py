"""k-sparse planted correlation distributions (Definition 1 in docs/theory.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from theory import support as support_laws
from theory.errors import (
    HUGE,
    AssumptionViolated,
    InvalidArgument,
    bulk,
    check,
    check_integer,
    check_mapping,
    check_type,
    counted,
    is_integer,
    shown,
    within_budget,
)
from theory.exact import Rational, check_draws, draw_indices, exact_power, over_common_denominator, power, probabilities
from theory.examples import BUDGET, Example, Label, Law, Mixture, check_label, check_tokens, label_set
from theory.positions import Ids, PositionScheme, absolute
from theory.support import PositionSet, SupportLaw, SupportRule, at_length

Word = tuple[int, ...]
"""k planted tokens, in the order of their positions."""


@dataclass(frozen=True, init=False, eq=True)
class PlantedEnsemble:
    """A family (P_l) of laws: plant a word at k secret positions, draw every other token from the background.

    To draw from P_l: S* ~ support law at l and Z ~ planted law, independent; x at S*_j is Z_j; every other x_i is
    drawn from the background; y = target(Z).

    Parameters
    ----------
    vocabulary : number of tokens V; tokens are 0..V-1.
    background : V exact probabilities, the law of a token that is not planted.
    planted : {word: probability}, words of one length k (the arity).
    target : {word: label}; every planted word needs one.
    support : a support law (`support.uniform()`, ...), or a function of the length that returns one.
    labels : the label set, when it is larger than the labels that occur.

    Raises
    ------
    InvalidArgument : for laws that are no laws, tokens or labels outside their sets, words of unequal length, ...

    Examples
    --------
    >>> from theory import support
    >>> ens = PlantedEnsemble(vocabulary=2, background=[1, 0], planted={(1,): 1}, target={(1,): "a"},
    ...                       support=support.uniform())
    >>> [(example.tokens, str(p)) for example, p in ens.at(2).items()]
    [((1, 0), '1/2'), ((0, 1), '1/2')]

    Source: Definition 1 in docs/theory.md, after arXiv:2502.16792.
    """

    vocabulary: int
    background: tuple[Fraction, ...]
    planted: Mapping[Word, Fraction]
    target: Mapping[Word, Label]
    support: SupportRule
    labels: tuple[Label, ...]

    def __init__(
        self,
        vocabulary: int,
        background: Sequence[Rational],
        planted: Mapping[Word, Rational],
        target: Mapping[Word, Label],
        support: SupportRule,
        labels: Sequence[Label] | None = None,
    ) -> None:
        where = "PlantedEnsemble"
        check_integer(vocabulary, where, "vocabulary", least=1, fix="Give the number of tokens.")
        expected, fix = "a list of weights, one a token", "For instance background=[1, 0, 0] for vocabulary=3."
        check_type(background, (list, tuple, np.ndarray), where, "background", expected, fix)
        if len(background) != vocabulary:
            got, expected = f"{len(background)} weights", f"{shown(vocabulary)} weights, one a token"
            fix = "Use 0 for a token that never is background."
            raise InvalidArgument(where, "background", got=got, expected=expected, fix=fix)
        check_mapping(planted, where, "planted", "{word: probability}", "For instance {(1, 2): 1}.")
        words = list(planted)
        for word in words:
            _check_word(where, "planted", word)
            if len(word) != len(words[0]) or not word:
                got, expected = f"the words {shown(words[0])} and {shown(word)}", "words of one length k >= 1"
                fix = "Make every planted word as long as the others."
                raise InvalidArgument(where, "planted", got=got, expected=expected, fix=fix)
            _check_tokens(where, "planted", word, vocabulary)
        weights = probabilities(list(planted.values()), where, "planted")
        kept = {word: p for word, p in zip(words, weights, strict=True) if p > 0}
        fix = "From a function f of the word: {word: f(word) for word in planted}."
        check_type(target, Mapping, where, "target", "a mapping {word: label}", fix)
        for word, label in target.items():
            _check_word(where, "target", word)
            _check_tokens(where, "target", word, vocabulary)
            check_label(label, where, f"target[{shown(word)}]")
        for word in kept:
            if word not in target:
                got, fix = f"no label for the planted word {shown(word)}", f"Add {shown(word)}: label."
                raise InvalidArgument(where, "target", got=got, expected="a label for every planted word", fix=fix)
        used = tuple(dict.fromkeys(target[word] for word in kept))
        known = used if labels is None else label_set(labels, where)
        for word in kept:
            if target[word] not in known:
                got, fix = f"the label {shown(target[word])} of word {shown(word)}", "Correct it, or add it to labels."
                raise InvalidArgument(where, "target", got=got, expected=f"a label in {shown(known)}", fix=fix)
        expected = "a support law or a function of the length"
        given, fix = support, "For instance support.uniform() or support.fixed({(0, 1): 1})."
        check(isinstance(given, SupportLaw) or callable(given), where, "support", given, expected=expected, fix=fix)
        made = support not in (support_laws.uniform, support_laws.local, support_laws.paired, support_laws.fixed)
        fix = "Call it: for instance support.uniform() or support.local(2)."
        check(made, where, "support", support, expected="the support law that it returns", fix=fix)
        object.__setattr__(self, "vocabulary", vocabulary)
        object.__setattr__(self, "background", probabilities(background, where, "background"))
        object.__setattr__(self, "planted", kept)
        object.__setattr__(self, "target", {word: target[word] for word in kept})
        object.__setattr__(self, "support", support)
        object.__setattr__(self, "labels", known)

    def __hash__(self) -> int:
        # Equal ensembles may list their words in different orders.
        return hash((self.vocabulary, self.background, frozenset(self.target.items()), self.labels))

    @property
    def arity(self) -> int:
        """k, the number of planted tokens."""
        return len(next(iter(self.planted)))

    def at(self, length: int, *, positions: PositionScheme | None = None) -> PlantedLaw:
        """The law P_length, with IDs by a position scheme (absolute positions unless said).

        Raises
        ------
        InvalidArgument : for a length below the arity, or at which the support law or the scheme is undefined.
        """
        return PlantedLaw(self, length, absolute() if positions is None else positions)


@dataclass(frozen=True)
class PlantedLaw(Law):
    """The law of a planted ensemble at one length under one position scheme; build it with `PlantedEnsemble.at`.

    Examples
    --------
    >>> from theory import support
    >>> ens = PlantedEnsemble(vocabulary=2, background=[1, 0], planted={(1,): 1}, target={(1,): "a"},
    ...                       support=support.uniform())
    >>> law = ens.at(3)
    >>> law.length, law.size, law.labels
    (3, 3, ('a',))
    """

    ensemble: PlantedEnsemble
    length: int
    positions: PositionScheme

    def __post_init__(self) -> None:
        where, k = "PlantedEnsemble.at", self.ensemble.arity
        if not is_integer(self.length, k):
            expected, fix = f"an integer >= {k}, the number of planted tokens", f"Use a length of at least {k}."
            raise InvalidArgument(where, "length", got=shown(self.length), expected=expected, fix=fix)
        fix = "For instance positions.absolute()."
        check_type(self.positions, PositionScheme, where, "positions", "a position scheme", fix)
        if self.support_law.count(self.length, k) == 0:
            got = f"length {self.length}, at which {self.support_law} has no set of {k} positions"
            expected = "a length and a support law with at least one set"
            fix = "Use a longer length or a wider support law."
            raise InvalidArgument(where, "length", got=got, expected=expected, fix=fix)
        self.positions.count(self.length)  # refuses a length that the scheme cannot serve

    @cached_property
    def support_law(self) -> SupportLaw:
        """The law of S*."""
        return at_length(self.ensemble.support, self.length)

    @property
    def labels(self) -> tuple[Label, ...]:
        return self.ensemble.labels

    @cached_property
    def _word_weights(self) -> tuple[tuple[int, ...], int]:
        return over_common_denominator(list(self.ensemble.planted.values()))

    @cached_property
    def _background_weights(self) -> tuple[tuple[int, ...], int]:
        return over_common_denominator(self.ensemble.background)

    @property
    def n_placements(self) -> int:
        """How many (support set, IDs) pairs `placements` yields, up to `HUGE`."""
        return self.support_law.count(self.length, self.ensemble.arity) * self.positions.count(self.length)

    @property
    def placement_denominator(self) -> int:
        """The sum of the weights of `placements`."""
        n_ids = counted("PlantedLaw (ID assignments)", self.positions.count(self.length))
        return self.support_law.total(self.length, self.ensemble.arity) * n_ids

    def placements(self) -> Iterator[tuple[PositionSet, Ids, int]]:
        """The joint law of (S*, IDs): every pair with its integer weight, over `placement_denominator`."""
        for ids in self.positions.ids(self.length):
            for set_, weight in self.support_law.sets(self.length, self.ensemble.arity):
                yield set_, ids, weight

    @property
    def size(self) -> int:
        n_noise = sum(p > 0 for p in self.ensemble.background)
        n_free = power(n_noise, self.length - self.ensemble.arity)
        return min(self.n_placements * len(self.ensemble.planted) * n_free, HUGE)

    @property
    def listing(self) -> int:
        return self.size * bulk(self.length)

    @property
    def denominator(self) -> int:
        n_free = self.length - self.ensemble.arity
        noise = exact_power(self._background_weights[1], n_free, "PlantedLaw.denominator")
        return self.placement_denominator * self._word_weights[1] * noise

    def outcomes(self) -> Iterator[tuple[Example, int]]:
        word_weights, _ = self._word_weights
        words = list(zip(self.ensemble.target.items(), word_weights, strict=True))
        noise = [(token, w) for token, w in enumerate(self._background_weights[0]) if w]
        backgrounds = [
            ([token for token, _ in choice], prod(w for _, w in choice))
            for choice in product(noise, repeat=self.length - self.ensemble.arity)
        ]
        for set_, ids, placement_weight in self.placements():
            planted = frozenset(set_)
            free = [i for i in range(self.length) if i not in planted]
            tokens = [0] * self.length
            for (word, label), word_weight in words:
                for i, token in zip(set_, word, strict=True):
                    tokens[i] = token
                for filling, noise_weight in backgrounds:
                    for i, token in zip(free, filling, strict=True):
                        tokens[i] = token
                    yield Example(tuple(tokens), ids, label), placement_weight * word_weight * noise_weight

    def probability(self, example: Example, *, budget: int = BUDGET) -> Fraction:
        """Pr[example] = Pr[IDs] · Σ_S Pr[S* = S] · Pr[Z = x_S, g(x_S) = y] · Π_{i not in S} μ(x_i).

        A sum over support sets alone, so it is a second route to every entry of `table`. Cost O(sets · length).
        """
        if example.length != self.length or not all(0 <= t < self.ensemble.vocabulary for t in example.tokens):
            return Fraction(0)
        size = self.n_placements * bulk(self.length)
        within_budget("PlantedLaw.probability", size=size, budget=budget)
        matching = sum(ids == example.ids for ids in self.positions.ids(self.length))
        if not matching:
            return Fraction(0)
        total = Fraction(0)
        for set_, weight in self.support_law.sets(self.length, self.ensemble.arity):
            word = tuple(example.tokens[i] for i in set_)
            if self.ensemble.target.get(word, None) != example.label or word not in self.ensemble.planted:
                continue
            noise = prod(self.ensemble.background[t] for i, t in enumerate(example.tokens) if i not in set_)
            total += weight * self.ensemble.planted[word] * noise
        of_ids = Fraction(matching, self.positions.count(self.length))
        return of_ids * total / self.support_law.total(self.length, self.ensemble.arity)

    def sample(self, rng: np.random.Generator, size: int) -> list[Example]:
        check_draws(rng, size, "PlantedLaw.sample")
        check_tokens("PlantedLaw.sample", size, self.length)
        words = list(self.ensemble.target.items())
        chosen = draw_indices(rng, self._word_weights[0], size)
        tokens = draw_indices(rng, self._background_weights[0], size * self.length).reshape(size, self.length)
        drawn = []
        for row, which in zip(tokens, chosen, strict=True):
            word, label = words[which]
            row[list(self.support_law.draw(rng, self.length, self.ensemble.arity))] = word
            drawn.append(Example(tuple(row.tolist()), self.positions.draw(rng, self.length), label))
        return drawn


def planted_components(law: Law, where: str, argument: str) -> list[tuple[PlantedLaw, Fraction]]:
    """The components of a mixture of planted laws (or of one planted law).

    Raises
    ------
    AssumptionViolated : when some component is not a planted law.
    """
    components = law.components if isinstance(law, Mixture) else ((law, Fraction(1)),)
    planted = [(part, p) for part, p in components if isinstance(part, PlantedLaw)]
    if len(planted) != len(components):
        got, expected = f"a law of type {type(law).__name__}", "a planted law or a mixture of planted laws"
        fix = "Build it with PlantedEnsemble.at and mixture; T1 (decide) serves any finite law."
        raise AssumptionViolated(where, argument, got=got, expected=expected, fix=fix)
    return planted


def _check_word(where: str, argument: str, word: object) -> None:
    check_type(word, tuple, where, argument, "words that are tuples of tokens", "Write (1,) for a word of one token.")


def _check_tokens(where: str, argument: str, word: Word, vocabulary: int) -> None:
    for token in word:
        if not is_integer(token, 0, vocabulary - 1):
            got = f"the token {shown(token)} in the word {shown(word)}"
            expected = f"a token in 0..{shown(vocabulary - 1)}"
            fix = "Correct the token or enlarge the vocabulary."
            raise InvalidArgument(where, argument, got=got, expected=expected, fix=fix)
