"""Look-ups by content: associative recall, and induction, which is recall without pairs.

>>> task = AssociativeRecall(3, 2)
>>> print(task.show(task.solve(task.tokens("a 0 c 1 a 1 ? c"))))
token a  0  c  1  a  1  ?  c  1
ID    0  0  1  1  2  2  3  3  4
read                          2,3,7
>>> task = Induction(3)
>>> print(task.show(task.solve(task.tokens("a c b a a c"))))
token a  c  b  a  a  c  b
ID    0  1  2  3  4  5  6
read                    1,2,5
>>> task = Induction(3, paired=True)
>>> print(task.show(task.solve(task.tokens("^a ac cb ba aa ac"))))
token ^a ac cb ba aa ac b
ID    0  1  2  3  4  5  6
read                    2,5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.errors import InvalidArgument, check_integer, check_type, shown
from theory.tasks.base import Instance, Step, Tokens, digit_names, letters
from theory.tasks.choosing import Chosen
from theory.tasks.drawing import Drawn, Integers, alike


@dataclass(frozen=True)
class AssociativeRecall(Chosen):
    """k_1 v_1 ... k_n v_n ? k, and the value beside that key; the key that is asked for stands in one pair alone.

    A step reads the key, the value beside it, and the key that is asked for, as nothing else says which value it is. A key
    shares its ID with its value. So a head of arity 3 that sees which IDs are equal finds the pair at any distance; one
    that compares the query with one token at a time does not.

    Parameters
    ----------
    n_keys : how many keys there are.
    n_values : how many values.

    Raises
    ------
    InvalidArgument : by `solve`, for anything but pairs, "?" and the key of one of them.

    Examples
    --------
    >>> task = AssociativeRecall(2, 2)
    >>> task.text(task.solve(task.tokens("a 0 b 1 ? b")).tokens)
    'a0b1?b1'
    """

    n_keys: int = 4
    n_values: int = 2

    name = "associative recall"
    sparsity = 3

    def __post_init__(self) -> None:
        check_integer(self.n_keys, "AssociativeRecall", "n_keys", least=2)
        check_integer(self.n_values, "AssociativeRecall", "n_values", least=2)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*letters(self.n_keys), *digit_names(self.n_values), "?")

    def ways(self, length: int) -> Sequence[int]:
        return length, self.n_keys, *[self.n_keys - 1] * (length - 1), *[self.n_values] * length

    def prompts(self, chosen: Integers) -> Integers:
        size, n = len(chosen), chosen.shape[1] // 2
        at, key, others, values = np.split(chosen, [1, 2, n + 1], axis=1)
        pairs = np.stack([inserted(at, key, others), self.n_keys + values], axis=2).reshape(size, 2 * n)
        return np.concatenate([pairs, np.full_like(key, self.n_keys + self.n_values), key], axis=1)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        chosen = self.choose(length, size, rng)
        at = chosen[:, :1]
        answers = np.take_along_axis(chosen[:, length + 1 :], at, axis=1) + self.n_keys
        return answered(self, chosen, answers, [2 * at, 2 * at + 1, np.full_like(at, 2 * length + 1)])

    def solve(self, prompt: Tokens) -> Instance:
        *pairs, question, key = prompt if len(prompt) > 1 else (-1, -1)
        keys, values, n = pairs[::2], pairs[1::2], len(pairs) // 2
        known, said = range(self.n_keys), range(self.n_keys, self.n_keys + self.n_values)
        paired = {*keys} <= {*known} and {*values} <= {*said} and len(keys) == len(values)
        if not paired or question != said.stop or keys.count(key) != 1:
            expected, fix = (
                "keys with their values, '?', and a key of one pair alone",
                "Write for instance a 0 b 1 ? b.",
            )
            raise InvalidArgument("AssociativeRecall.solve", "prompt", got=shown(prompt), expected=expected, fix=fix)
        at = keys.index(key)
        return Instance(
            tokens=(*prompt, values[at]),
            ids=(*(i // 2 for i in range(2 * n)), n, n, n + 1),
            steps=(Step(2 * n + 2, (2 * at, 2 * at + 1, 2 * n + 1)),),
            parts=("key", "value") * n + ("?", "query", "answer"),
        )

    def rule(self, read: Tokens) -> int:
        return read[1]


@dataclass(frozen=True)
class Induction(Chosen):
    """x_1 ... x_n s, where s is one of x_1 ... x_(n-1), once, and what came after it: "a c b a a c" goes on with "b".

    IDs are positions. A step reads s where it stood before, the symbol after it, and s as its query: three tokens, two of
    them side by side, as far from the query as may be. So heads of arity 3 do it at one length and not at others; heads
    that compare the query with one token at a time, as those of attention do, do not at all. Two layers do: one shows
    beside every symbol the one before it, and for the next the task is that of pairs.

    Parameters
    ----------
    n_symbols : how many symbols there are.
    paired : whether every token of the word shows the symbol before it too, as the first of two layers might; "^" is
        before the first one. Then a step reads the pair that starts with s, and its query.

    Raises
    ------
    InvalidArgument : by `solve`, for a word whose last symbol does not come once before, with another after it.

    Examples
    --------
    >>> task = Induction(3)
    >>> task.text(task.solve(task.tokens("a c a b c")).tokens)
    'acabca'
    """

    n_symbols: int = 4
    paired: bool = False

    min_length = 2

    def __post_init__(self) -> None:
        check_integer(self.n_symbols, "Induction", "n_symbols", least=3)
        check_type(self.paired, bool, "Induction", "paired", "True or False", "Use True for pairs of symbols.")

    @property
    def name(self) -> str:
        return "induction, pairs" if self.paired else "induction"

    @property
    def sparsity(self) -> int:
        return 2 if self.paired else 3

    @property
    def alphabet(self) -> tuple[str, ...]:
        names = letters(self.n_symbols)
        pairs = (f"{before}{own}" for before in (*names, "^") for own in names)
        return (*names, *pairs) if self.paired else names

    def ways(self, length: int) -> Sequence[int]:
        return length - 1, self.n_symbols, *[self.n_symbols - 1] * (length - 1)

    def prompts(self, chosen: Integers) -> Integers:
        words = self._words(chosen)
        return self._paired(words) if self.paired else words

    def _words(self, chosen: Integers) -> Integers:
        at, symbol, others = np.split(chosen, [1, 2], axis=1)
        return np.concatenate([inserted(at, symbol, others), symbol], axis=1)

    def _paired(self, words: Integers) -> Integers:
        """Every symbol with the one before it."""
        before = np.concatenate([np.full_like(words[:, :1], self.n_symbols), words[:, :-1]], axis=1)
        return self.n_symbols * (before + 1) + words

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        chosen = self.choose(length, size, rng)
        at = chosen[:, :1]
        read = [at, at + 1, np.full_like(at, length)][self.paired :]
        return answered(self, chosen, np.take_along_axis(self._words(chosen), at + 1, axis=1), read)

    def solve(self, prompt: Tokens) -> Instance:
        word = tuple(token % self.n_symbols for token in prompt) if self.paired else prompt
        *before, symbol = word or (-1,)
        n, known = len(before), {*word} <= {*range(self.n_symbols)}
        fits = known and before.count(symbol) == 1 and before[-1] != symbol
        if not fits or (self.paired and prompt != tuple(self._paired(np.array([word]))[0].tolist())):
            expected = "a word whose last symbol comes once before, with another one after it"
            fix = "Write for instance ^a ab ba." if self.paired else "Write for instance a b a."
            raise InvalidArgument("Induction.solve", "prompt", got=shown(prompt), expected=expected, fix=fix)
        at = before.index(symbol)
        return Instance(
            tokens=(*prompt, before[at + 1]),
            ids=tuple(range(n + 2)),
            steps=(Step(n + 1, (at + 1, n) if self.paired else (at, at + 1, n)),),
            parts=("word",) * n + ("query", "answer"),
        )

    def rule(self, read: Tokens) -> int:
        return read[0] % self.n_symbols if self.paired else read[1]


def inserted(at: Integers, symbol: Integers, others: Integers) -> Integers:
    """Words with a symbol at a place and other ones elsewhere, these by their numbers without it; a row each.

    Examples
    --------
    >>> inserted(np.array([[1]]), np.array([[0]]), np.array([[0, 1]])).tolist()  # numbers 0 and 1 among 1, 2, ...
    [[1, 0, 2]]
    """
    others = np.concatenate([others + (others >= symbol), symbol], axis=1)
    place = np.arange(others.shape[1])
    return np.where(place == at, symbol, np.where(place < at, others, np.roll(others, 1, axis=1)))


def answered(task: Chosen, chosen: Integers, answers: Integers, read: Sequence[Integers]) -> Drawn:
    """The prompts of these choices, each with one answer, where all of them have the same IDs."""
    prompts = task.prompts(chosen)
    size, n = prompts.shape
    ids = task.solve(tuple(prompts[0].tolist())).ids
    sources = np.concatenate(read, axis=1)[:, None]
    return Drawn(np.concatenate([prompts, answers], axis=1), alike(ids, size), alike([n], size), n, sources=sources)
