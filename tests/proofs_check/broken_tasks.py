"""Tasks that break one promise each, and some that break none."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, product

import numpy as np

from theory.tasks import Addition, Copy, Instance, PointerChasing, ScratchpadParity, Step
from theory.tasks.base import Tokens
from theory.tasks.dense import FullParity


def with_tokens(instance: Instance, tokens: Sequence[int]) -> Instance:
    """The instance with other tokens."""
    return replace(instance, tokens=tuple(tokens))


class Good(Copy):
    """Nothing is wrong with it."""


class OwnInstances(Copy):
    """Nothing is wrong with it either; its prompts are no free choices."""

    def instances(self, length: int) -> Iterator[Instance]:
        return super().instances(length)


class Weighted(OwnInstances):
    """Nothing is wrong with it: words whose ends agree are three times as likely, and drawn so."""

    def weight(self, instance: Instance) -> int:
        return 3 if instance.tokens[0] == instance.tokens[instance.n_prompt - 2] else 1

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        word = [int(i) for i in rng.integers(2, size=length)]
        word[-1] = word[0] if length == 1 or rng.random() < 0.75 else 1 - word[0]
        return self.solve((*word, 2))


# ── Targets and dependency sets ──────────────────────────────────────────────────────────────────────────────────────


class MislabelledCarry(Addition):
    """The carry is shown one digit too late."""

    def __init__(self) -> None:
        super().__init__(base=3, carry=True)

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        plain = len(self.alphabet) - self.base
        sums = right.tokens[right.n_prompt :]
        digits = [token - plain if token >= plain else token for token in sums]
        carries = [0, *(token >= plain for token in sums)]
        late = [digit + plain * carry for digit, carry in zip(digits, carries, strict=False)]
        return with_tokens(right, (*prompt, *late))


class ReversedTwice(Addition):
    """Digits that were already in reverse are reversed again."""

    def __init__(self) -> None:
        super().__init__(base=3)

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return with_tokens(right, (*prompt, *right.tokens[right.n_prompt :][::-1]))


class HiddenDense(ScratchpadParity):
    """The last state also depends on the first bit, which it does not read."""

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        if len(prompt) > 2 and prompt[0]:
            return with_tokens(right, (*right.tokens[:-1], 5 - right.tokens[-1]))
        return right


class HiddenLetter(Copy):
    """A copy whose last step reads the output so far and says its parity, which also depends on the last letter.

    Another prompt would be another output, so only with that letter alone changed is the same read.
    """

    sparsity = None  # type: ignore[assignment]
    offsets = None  # type: ignore[assignment]
    min_length = 3

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        last, output = right.steps[-1], tuple(step.position for step in right.steps[:-1])
        parity = (sum(right.tokens[i] for i in output) + prompt[-2]) % 2
        return replace(
            right, tokens=(*right.tokens[:-1], parity), steps=(*right.steps[:-1], Step(last.position, output))
        )

    def rule(self, read: Tokens) -> int:
        return sum(read) % 2


class IdleSource(Copy):
    """Every step reads the separator too, which never matters."""

    sparsity = 2
    offsets = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        n = len(prompt) - 1
        return replace(right, steps=tuple(Step(step.position, (*step.sources, n)) for step in right.steps))


class IdleNeighbour(Copy):
    """Every step reads the next letter too, which varies and never matters."""

    sparsity = 2
    offsets = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        n = len(prompt) - 1
        reads = [(i, (i + 1) % n) if n > 1 else (i,) for i in range(n)]
        return replace(right, steps=tuple(Step(n + 1 + i, read) for i, read in enumerate(reads)))


class TooSparse(ScratchpadParity):
    """Declared 1-sparse, and reads two tokens."""

    sparsity = 1


class NotSoSparse(Copy):
    """Declared 3-sparse, and never reads more than one token."""

    sparsity = 3


class NotDense(Copy):
    """Declared dense, and reads one token at every length."""

    sparsity = None  # type: ignore[assignment]


class NotSparse(FullParity):
    """Declared 2-sparse, and reads all tokens."""

    sparsity = 2  # type: ignore[assignment]


class RaisingRule(Copy):
    """The rule does not know one of the symbols."""

    def rule(self, read: Tokens) -> int:
        return {0: 0}[read[0]]


# ── Instances ────────────────────────────────────────────────────────────────────────────────────────────────────────


class OutsideAlphabet(Copy):
    """A symbol that the alphabet lacks."""

    @property
    def alphabet(self) -> tuple[str, ...]:
        return ("a", "b")


class Namesakes(Copy):
    """Two tokens print alike."""

    @property
    def alphabet(self) -> tuple[str, ...]:
        return ("a", "a", ">")


class Duplicates(Copy):
    """Every instance is listed twice, and counted twice."""

    def instances(self, length: int) -> Iterator[Instance]:
        return chain(super().instances(length), super().instances(length))

    def n_instances(self, length: int) -> int:
        return 2 * super().n_instances(length)


class NoInstances(Copy):
    """What should be an instance is its tokens."""

    def solve(self, prompt: Tokens) -> Instance:
        return (*prompt, *prompt[:-1])  # type: ignore[return-value]


class RaisingSolve(Copy):
    """One prompt was not thought of."""

    def solve(self, prompt: Tokens) -> Instance:
        if prompt[:-1] == (1, 1):
            raise ZeroDivisionError("division by zero")
        return super().solve(prompt)


class OneShot(Copy):
    """The symbols are a generator, so the second length has none."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "symbols", (symbol for symbol in range(2)))

    def instances(self, length: int) -> Iterator[Instance]:
        if not hasattr(self, "kept"):
            object.__setattr__(self, "kept", map(self.solve, product(*self.choices(1))))
        return iter(self.kept) if length == 1 else super().instances(length)  # type: ignore[attr-defined]


class GlobalGenerator(Copy):
    """Samples come from the global generator, whatever is passed in."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve((*random.choices((0, 1), k=length), 2))


class Alternating(Copy):
    """A counter in the task decides the IDs."""

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        object.__setattr__(self, "n_solved", getattr(self, "n_solved", 0) + 1)
        return replace(right, parts=()) if self.n_solved % 4 == 0 else right  # type: ignore[attr-defined]


class LengthIgnored(Copy):
    """Words have at most two letters, whatever the length."""

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return super().choices(min(length, 2))


class Miscounted(Copy):
    """One instance fewer is announced."""

    def n_instances(self, length: int) -> int:
        return super().n_instances(length) - 1


class NoShortest(Copy):
    """Every length goes."""

    def check_length(self, length: object, method: str) -> None:
        return None


# ── IDs and mask ─────────────────────────────────────────────────────────────────────────────────────────────────────


class OffByOne(Addition):
    """The digits of one operand have IDs one too large."""

    def __init__(self) -> None:
        super().__init__(base=3, carry=True)

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        moved = [i + (part == "b") for i, part in zip(right.ids, right.parts, strict=True)]
        return replace(right, ids=tuple(moved))


class UncoupledSometimes(Copy):
    """No offsets are claimed, but the output is one off at odd lengths."""

    offsets = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        n = len(prompt)
        return replace(right, ids=(*right.ids[:n], *(i + 1 - n % 2 for i in right.ids[n:])))


class TellingIds(Copy):
    """All IDs depend on the last letter of the word."""

    offsets = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return replace(right, ids=tuple(i + 7 * prompt[-2] for i in right.ids))


class WrongIncrement(PointerChasing):
    """The increments predicted are those of the jumps less one."""

    def solve(self, prompt: Tokens) -> Instance:
        return PointerChasing().solve(prompt)

    def increment(self, read: Tokens) -> int:
        return super().increment(read) - 1


class LongerJumps(PointerChasing):
    """The longer the tape, the farther a cell may point."""

    def __init__(self) -> None:
        super().__init__(2, (1, 2, 3, 4))

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        near = [token for token, (_, jump) in enumerate(self.cells) if jump <= length]
        return [near] * length + [(len(self.cells),)]


class UnseenOffset(Copy):
    """Claims an offset at which nothing is ever read."""

    offsets = frozenset({(1,), (2,)})


class MissingId(Copy):
    """One ID is missing."""

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return replace(right, ids=right.ids[:-1])


class ScoredSeparator(Copy):
    """The separator, which is given, is scored."""

    offsets = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return replace(right, steps=(Step(len(prompt) - 1, ()), *right.steps))

    def rule(self, read: Tokens) -> int:
        return super().rule(read) if read else self.n_symbols


class UnscoredOutput(Copy):
    """The last token of the output is neither scored nor given."""

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return replace(right, steps=(*right.steps[:-2], right.steps[-1])) if len(right.steps) > 1 else right


class LooksAhead(Copy):
    """A step reads itself."""

    def solve(self, prompt: Tokens) -> Instance:
        right = super().solve(prompt)
        return replace(right, steps=tuple(Step(step.position, (step.position,)) for step in right.steps))


# ── The sampler ──────────────────────────────────────────────────────────────────────────────────────────────────────


class NeverLast(Copy):
    """The last symbol is never drawn: an end that should be included."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve((*(int(i) for i in rng.integers(0, self.n_symbols - 1, size=length)), self.n_symbols))


class Biased(Copy):
    """Drawn with probabilities that are not those of the weights."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve((*(int(rng.random() < 0.6) for _ in range(length)), 2))


class OneLetter(Copy):
    """Words of one letter over and over: each position alone is as it should be."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve((*[int(rng.integers(self.n_symbols))] * length, self.n_symbols))


class SameEnds(OwnInstances):
    """The last letter is the first one: neighbours are as they should be, where there are two letters or more between."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        word = [int(i) for i in rng.integers(self.n_symbols, size=length)]
        return self.solve((*word[:-1], word[0], self.n_symbols))


class TooLong(Copy):
    """Sometimes one letter too many."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return super().draw(length + int(rng.integers(2)), rng)


class RaisingSampler(Copy):
    """Reads past the end of what it has."""

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.solve(((0, 1)[int(rng.integers(3))], *(0,) * (length - 1), 2))


# ── Examples ─────────────────────────────────────────────────────────────────────────────────────────────────────────


WRONG = """The example shows another word.

>>> task = Misquoted()
>>> task.text(task.solve((0, 1, 2)).tokens)
'ab>ba'
"""


class Misquoted(Copy):
    """Has the docstring above once there is one of it, as pytest runs the examples of this module too."""

    def __init__(self) -> None:
        super().__init__()
        type(self).__doc__ = WRONG
