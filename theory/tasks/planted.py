"""Planted ensembles as tasks: tokens, and one answer that the tokens at k hidden positions decide.

The parity of two marked bits (1 is a marked 0, 2 a marked 1) among noise:

>>> task = sparse_parity(2)
>>> print(task.show(task.plant((1, 4), (2, 1), (0, 0, 0))))
token 0  2  0  0  1  =1
ID    0  1  2  3  4  5
read                 1,4

With paired positions the two marked bits are half a sequence apart, and coupled IDs bring them together:

>>> from theory import positions, support
>>> task = sparse_parity(2, support.paired(), positions.blocks(2))
>>> print(task.show(task.plant((1, 4), (2, 1), (0, 0, 0, 0))))
token 0  2  0  0  1  0  =1
ID    0  1  2  0  1  2  3
read                    1,4
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from math import lcm, prod

import numpy as np

from theory.coordinates import beyond
from theory.errors import check, check_integer, check_type, shown
from theory.exact import draw_indices, over_common_denominator
from theory.planted import PlantedEnsemble, Word
from theory.positions import coupled
from theory.support import PositionSet, SupportLaw, SupportRule, at_length, uniform
from theory.tasks.base import Instance, Step, Task, Tokens, digit_names
from theory.tasks.drawing import Drawn, alike


@dataclass(frozen=True)
class Planted(Task):
    """A planted ensemble (Definition 1 in docs/theory.md): its tokens, then its label as one token more.

    Nothing in the tokens need say where the planted set S* is, so an instance is a pair (S*, tokens), and not the
    solution of a prompt; the dependency set of the answer is S*. The length is the number of tokens before the answer.

    Parameters
    ----------
    ensemble : any planted ensemble.
    coupling : the IDs of the tokens, as a function of the length; default: their positions. The answer's is one beyond.
    name : for the registry.

    Examples
    --------
    >>> task = sparse_parity(2)
    >>> task.ensemble.arity, task.n_instances(3)
    (2, 12)
    """

    ensemble: PlantedEnsemble
    coupling: Callable[[int], Sequence[int]] | None = None
    name: str = "planted"

    anchor = "none"

    def __post_init__(self) -> None:
        check_type(self.ensemble, PlantedEnsemble, "Planted", "ensemble", "a planted ensemble", "See PlantedEnsemble.")
        if self.coupling is not None:
            coupled(self.coupling)  # refuses what is no function
        object.__setattr__(self, "min_length", self.ensemble.arity)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*digit_names(self.ensemble.vocabulary), *(f"={label}" for label in self.ensemble.labels))

    @property
    def sparsity(self) -> int:
        return self.ensemble.arity

    def plant(self, set_: PositionSet, word: Word, noise: Word) -> Instance:
        """The instance with a word at the positions of a set, and noise at the others, in order."""
        n, planted, others = len(word) + len(noise), dict(zip(set_, word, strict=True)), iter(noise)
        tokens = tuple(planted[i] if i in planted else next(others) for i in range(n))
        ids = tuple(range(n)) if self.coupling is None else coupled(self.coupling).base(n)
        return Instance(
            tokens=(*tokens, self.rule(word)),
            ids=(*ids, beyond(ids)),
            steps=(Step(n, set_),),
            parts=("tokens",) * n + ("answer",),
        )

    def rule(self, read: Tokens) -> int:
        return self.ensemble.vocabulary + self.ensemble.labels.index(self.ensemble.target[read])

    def instances(self, length: int) -> Iterator[Instance]:
        law, k = self.ensemble.at(length).support_law, self.ensemble.arity
        possible = [token for token, p in enumerate(self.ensemble.background) if p > 0]
        for set_, _ in law.sets(length, k):
            for word in self.ensemble.planted:
                for noise in product(possible, repeat=length - k):
                    yield self.plant(set_, word, noise)

    def n_instances(self, length: int) -> int:
        return self.ensemble.at(length).size

    def weight(self, instance: Instance) -> int:
        """The weight of S*, times that of the word, times those of the noise; cost: the sets are listed, once a length."""
        ensemble, (step,) = self.ensemble, instance.steps
        sets = _weights(at_length(ensemble.support, step.position), step.position, ensemble.arity)
        words, _ = over_common_denominator(list(ensemble.planted.values()))
        background, _ = over_common_denominator(ensemble.background)
        word = list(ensemble.planted).index(instance.read(step))
        noise = (t for i, t in enumerate(instance.tokens[: step.position]) if i not in step.sources)
        return sets[step.sources] * words[word] * prod(background[t] for t in noise)

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        words, word_weights, tokens, token_weights = self._drawn
        law, k = at_length(self.ensemble.support, length), self.ensemble.arity
        (which,) = draw_indices(rng, word_weights, 1)
        noise = tokens[draw_indices(rng, token_weights, length - k)] if len(tokens) > 1 else tokens.repeat(length - k)
        return self.plant(law.draw(rng, length, k), words[which], tuple(noise.tolist()))

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        words, word_weights, possible, token_weights = self._drawn
        k, rows = self.ensemble.arity, np.arange(size)[:, None]
        which = draw_indices(rng, word_weights, size)
        tokens = np.empty((size, length + 1), dtype=np.int64)
        tokens[:, :length] = possible[draw_indices(rng, token_weights, size * length)].reshape(size, length)
        sets = at_length(self.ensemble.support, length).draw_many(rng, length, k, size)
        tokens[rows, sets] = np.array(words)[which]
        tokens[:, length] = np.array([self.rule(word) for word in words])[which]
        ids = tuple(range(length)) if self.coupling is None else coupled(self.coupling).base(length)
        last = alike([length], size)
        return Drawn(tokens, alike((*ids, beyond(ids)), size), last, length, sources=sets[:, None, :])

    @cached_property
    def _drawn(self) -> tuple[list[Word], list[int], np.ndarray, list[int]]:
        """The planted words and the tokens of the background that occur, with their weights."""
        words, _ = over_common_denominator(list(self.ensemble.planted.values()))
        tokens, _ = over_common_denominator(self.ensemble.background)
        possible = [token for token, weight in enumerate(tokens) if weight]
        return list(self.ensemble.planted), list(words), np.array(possible), [tokens[token] for token in possible]

    def total(self, length: int) -> int:
        """The sum of the weights of all instances, without listing them; cost: the sets are listed, once a length."""
        ensemble = self.ensemble
        sets = _weights(at_length(ensemble.support, length), length, ensemble.arity)
        words, _ = over_common_denominator(list(ensemble.planted.values()))
        background, _ = over_common_denominator(ensemble.background)
        noise: int = sum(background) ** (length - ensemble.arity)
        return sum(sets.values()) * sum(words) * noise


@dataclass(frozen=True)
class PlantedMixture(Task):
    """Several planted tasks over the same tokens, each equally likely at every length; at most one of an arity.

    Nothing that is read need say which task it is: of '10' and '11' the first reads one token, the second both. So the
    sets are those of the law, and no dependency sets of a single task (the contract "hidden dependence" says so).

    Parameters
    ----------
    parts : the tasks, with the same vocabulary and labels.
    name : for the registry.

    Raises
    ------
    InvalidArgument : for parts that print differently, or two of the same arity.

    Examples
    --------
    >>> task = PlantedMixture((sparse_parity(1), sparse_parity(2)), "one or two bits")
    >>> [task.text(instance.tokens) for instance in task.support(2)][:6]
    ['10=0', '20=1', '01=0', '02=1', '11=0', '12=1']
    """

    parts: tuple[Planted, ...]
    name: str = "planted mixture"

    anchor = "none"

    def __post_init__(self) -> None:
        arities = [part.sparsity for part in self.parts]
        one = arities and len({part.alphabet for part in self.parts}) == 1 and len(set(arities)) == len(arities)
        got = f"the arities {shown(arities)}, alphabets {shown([part.alphabet for part in self.parts])}"
        expected = "planted tasks of different arities over one alphabet"
        fix = "For instance sparse_parity(1), sparse_parity(2)."
        check(one, "PlantedMixture", "parts", got=got, expected=expected, fix=fix)
        object.__setattr__(self, "min_length", max(arities))

    @property
    def alphabet(self) -> tuple[str, ...]:
        return self.parts[0].alphabet

    @property
    def sparsity(self) -> int:
        return max(part.sparsity for part in self.parts)

    def _part(self, arity: int) -> Planted:
        return next(part for part in self.parts if part.sparsity == arity)

    def rule(self, read: Tokens) -> int:
        return self._part(len(read)).rule(read)

    def instances(self, length: int) -> Iterator[Instance]:
        for part in self.parts:
            yield from part.instances(length)

    def n_instances(self, length: int) -> int:
        return sum(part.n_instances(length) for part in self.parts)

    def weight(self, instance: Instance) -> int:
        """The weight in its part, scaled so that all parts weigh the same; cost: as for `Planted`."""
        (step,) = instance.steps
        part = self._part(len(step.sources))
        common = lcm(*(each.total(step.position) for each in self.parts))
        return part.weight(instance) * (common // part.total(step.position))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.parts[int(rng.integers(len(self.parts)))].draw(length, rng)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn | None:
        which = rng.integers(len(self.parts), size=size)
        drawn = [part.sample_many(length, size, rng) for part in self.parts]
        rows = [part for part in drawn if part is not None]
        if len(rows) < len(drawn):
            return None
        own = np.arange(size)
        tokens, ids = (np.stack([getattr(part, name) for part in rows])[which, own] for name in ("tokens", "ids"))
        sources = np.full((size, 1, self.sparsity), -1)
        for j, part in enumerate(rows):
            if part.sources is None:
                return Drawn(tokens, ids, rows[0].steps, length)
            sources[which == j, :, : part.sources.shape[2]] = part.sources[which == j]
        return Drawn(tokens, ids, rows[0].steps, length, sources=sources)


@lru_cache(maxsize=16)
def _weights(law: SupportLaw, length: int, arity: int) -> dict[PositionSet, int]:
    return dict(law.sets(length, arity))


def sparse_parity(
    k: int, support: SupportRule | None = None, coupling: Callable[[int], Sequence[int]] | None = None
) -> Planted:
    """The parity of k marked bits among noise: token 0 is noise, 1 and 2 are the marked bits 0 and 1.

    Parameters
    ----------
    k : how many bits are marked.
    support : the law of their positions; default: uniform.
    coupling : as in `Planted`.

    Examples
    --------
    >>> task = sparse_parity(2)
    >>> [task.text(instance.tokens) for instance in task.support(3)][:5]
    ['110=0', '120=1', '210=1', '220=0', '101=0']
    """
    check_integer(k, "sparse_parity", "k", least=1)
    words = list(product((1, 2), repeat=k))
    ensemble = PlantedEnsemble(
        vocabulary=3,
        background=[1, 0, 0],
        planted={word: Fraction(1, len(words)) for word in words},
        target={word: word.count(2) % 2 for word in words},
        support=uniform() if support is None else support,
        labels=(0, 1),
    )
    return Planted(ensemble, coupling, f"sparse parity, k = {k}")


def sparse_parity_up_to(most: int) -> PlantedMixture:
    """The parity of 1, 2, ... or `most` marked bits, each number equally likely.

    Examples
    --------
    >>> sparse_parity_up_to(3).name
    'sparse parity, k <= 3'
    """
    check_integer(most, "sparse_parity_up_to", "most", least=1)
    return PlantedMixture(tuple(map(sparse_parity, range(1, most + 1))), f"sparse parity, k <= {most}")
