"""Tasks in which the input decides what is read: right ones, and such in which the choice carries the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product
from math import factorial, perm

import numpy as np

from theory.tasks import Instance, Step, Task
from theory.tasks.base import Ids, Tokens

EQUALS, PLUS = 2, 3


class Bits(Task):
    """Bits, "=", and what is computed from them; IDs are positions."""

    name, alphabet, sparsity = "bits", ("0", "1", "=", "+"), 1  # type: ignore[assignment]

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * length + [(EQUALS,)]

    def rule(self, read: Tokens) -> int:
        return sum(read) % 2


def answered(prompt: Tokens, answer: int, sources: Tokens) -> Instance:
    """A prompt and one answer."""
    n = len(prompt)
    return Instance((*prompt, answer), tuple(range(n + 1)), (Step(n, sources),))


# ── Dense tasks that read too much ───────────────────────────────────────────────────────────────────────────────────


class FirstBits(Bits):
    """The parity of the first four bits, said to depend on all."""

    sparsity = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        return answered(prompt, sum(prompt[:-1][:4]) % 2, tuple(range(len(prompt) - 1)))

    def rule(self, read: Tokens) -> int:
        return sum(read[:4]) % 2


class WithEquals(Bits):
    """The parity of all bits, said to depend on "=" too."""

    sparsity = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        return answered(prompt, sum(prompt[:-1]) % 2, tuple(range(len(prompt))))

    def rule(self, read: Tokens) -> int:
        return sum(read[:-1]) % 2


class BySize(Bits):
    """The parity of all bits where their number is odd, else the first bit: said to depend on all in either case."""

    sparsity = None  # type: ignore[assignment]

    def solve(self, prompt: Tokens) -> Instance:
        bits = prompt[:-1]
        return answered(prompt, self.rule(bits), tuple(range(len(bits))))

    def rule(self, read: Tokens) -> int:
        return sum(read) % 2 if len(read) % 2 else read[0]


# ── The parity of bits that no step reads ────────────────────────────────────────────────────────────────────────────


class ByChoice(Bits):
    """One of two constant tokens is read: the one that says the answer."""

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0,), (1,), *super().choices(length)]

    def solve(self, prompt: Tokens) -> Instance:
        parity = sum(prompt[2:-1]) % 2
        return answered(prompt, parity, (parity,))


class ByOrder(ByChoice):
    """Both constant tokens are read, first the one that says the answer."""

    sparsity = 2

    def solve(self, prompt: Tokens) -> Instance:
        parity = sum(prompt[2:-1]) % 2
        return answered(prompt, parity, (parity, 1 - parity))

    def rule(self, read: Tokens) -> int:
        return read[0]


class AfterEcho(ByChoice):
    """As `ByChoice`, after all bits were copied, one by one: what earlier steps read, a head does not see."""

    def solve(self, prompt: Tokens) -> Instance:
        n, bits = len(prompt), prompt[2:-1]
        parity = sum(bits) % 2
        steps = [Step(n + i, (2 + i,)) for i in range(len(bits))] + [Step(n + len(bits), (parity,))]
        tokens = (*prompt, *bits, parity)
        return Instance(tokens, tuple(range(len(tokens))), tuple(steps))


class ByEnd(Bits):
    """A "+" is put out, and a second one if the parity is odd."""

    sparsity = 0

    def solve(self, prompt: Tokens) -> Instance:
        n, more = len(prompt), 1 + sum(prompt[:-1]) % 2
        steps = tuple(Step(n + i, ()) for i in range(more))
        return Instance((*prompt, *[PLUS] * more), tuple(range(n + more)), steps)

    def rule(self, read: Tokens) -> int:
        return PLUS


class ByWhatIsGiven(Bits):
    """Two times "+", the first one given if the parity is odd, else predicted."""

    sparsity = 0

    def solve(self, prompt: Tokens) -> Instance:
        n, odd = len(prompt), sum(prompt[:-1]) % 2
        steps = (Step(n + 1, ()),) if odd else (Step(n, ()), Step(n + 1, ()))
        return Instance((*prompt, PLUS, PLUS), tuple(range(n + 2)), steps, given=(n,) * odd)

    def rule(self, read: Tokens) -> int:
        return PLUS


class ByGivenToken(Bits):
    """The parity is given, and copied."""

    def solve(self, prompt: Tokens) -> Instance:
        n, parity = len(prompt), sum(prompt[:-1]) % 2
        return Instance((*prompt, parity, parity), tuple(range(n + 2)), (Step(n + 1, (n,)),), given=(n,))


class ByIds(ByChoice):
    """As `ByChoice`, and the ID of "=" says which."""

    def solve(self, prompt: Tokens) -> Instance:
        instance, n = super().solve(prompt), len(prompt)
        return replace(instance, ids=(*range(n - 1), -1 - instance.tokens[-1], n))


class ByIdsLater(ByIds):
    """The same, after a "+" that has the ID in the place of "="; IDs of the output are not predicted."""

    def solve(self, prompt: Tokens) -> Instance:
        n, parity = len(prompt), sum(prompt[2:-1]) % 2
        ids = (*range(n), -1 - parity, n)
        return Instance((*prompt, PLUS, parity), ids, (Step(n, (n - 1,)), Step(n + 1, (parity,))))

    def rule(self, read: Tokens) -> int:
        return PLUS if read[0] == EQUALS else read[0]


class ByKey(Bits):
    """A constant token is read, and the rule goes by its key: the ID of "=" is the parity."""

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(PLUS,), *super().choices(length)]

    def solve(self, prompt: Tokens) -> Instance:
        n, parity = len(prompt), sum(prompt[1:-1]) % 2
        return Instance((*prompt, parity), (*[0] * (n - 1), parity, 0), (Step(n, (0,)),))

    def rule(self, read: Tokens, key: Ids) -> int:  # type: ignore[override]
        return -key[0]


class ByFirstId(ByKey):
    """The same, and the ID of the token that is read is the parity."""

    def solve(self, prompt: Tokens) -> Instance:
        n, parity = len(prompt), sum(prompt[1:-1]) % 2
        return Instance((*prompt, parity), (-parity, *[0] * n), (Step(n, (0,)),))


class ByPredictedKey(Bits):
    """ "+" for each bit, and the parity so far in its ID, which is predicted: beside that of the bit, or the next one."""

    def solve(self, prompt: Tokens) -> Instance:
        n, bits = len(prompt), prompt[:-1]
        ids = (*range(0, 2 * n - 2, 2), -2, *(2 * i + sum(bits[: i + 1]) % 2 for i in range(n - 1)))
        return Instance((*prompt, *[PLUS] * (n - 1)), ids, tuple(Step(n + i, (i,)) for i in range(n - 1)))

    def rule(self, read: Tokens, key: Ids) -> int:  # type: ignore[override]
        return PLUS

    def increment(self, read: Tokens, key: Ids) -> int | None:  # type: ignore[override]
        before = 2 - key[0]
        return 2 + (before + read[0]) % 2 - before


class StandingStill(Bits):
    """The bit after as many as there were ones in the output: IDs follow from the output, and say where to read."""

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt)
        tokens, ids, steps = [*prompt], [*range(n - 1), 0], []
        for t in range(n, 2 * n - 1):
            steps.append(Step(t, (ids[-1],)))
            tokens.append(prompt[ids[-1]])
            ids.append(ids[-1] + tokens[-1])
        return Instance(tuple(tokens), tuple(ids), tuple(steps))


class BySizeOfPrompt(ByChoice):
    """The parity of the number of bits, by the choice of a constant token; all IDs are 0."""

    def solve(self, prompt: Tokens) -> Instance:
        odd = len(prompt) % 2
        return replace(answered(prompt, odd, (odd,)), ids=(0,) * (len(prompt) + 1))


class BySizeUnanchored(BySizeOfPrompt):
    """The same with no query, and positions as IDs."""

    anchor = "none"

    def solve(self, prompt: Tokens) -> Instance:
        return answered(prompt, len(prompt) % 2, (len(prompt) % 2,))


class BothEnds(Bits):
    """Whether the first and the last bit differ: with no query, the length says which one is the last."""

    sparsity, anchor = 2, "none"

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * (length + 1)

    def solve(self, prompt: Tokens) -> Instance:
        return answered(prompt, (prompt[0] + prompt[-1]) % 2, (0, len(prompt) - 1))


class Streamed(Bits):
    """Bits come one by one, each given, and after each the parity so far is predicted."""

    sparsity = 2

    def instances(self, length: int) -> Iterator[Instance]:
        return (self.of(bits) for bits in product((0, 1), repeat=length))

    def n_instances(self, length: int) -> int:
        return 2**length

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.of(tuple(rng.integers(2, size=length).tolist()))

    def of(self, bits: Tokens) -> Instance:
        """The instance of some bits."""
        tokens = [EQUALS]
        for i in range(len(bits)):
            tokens += [bits[i], sum(bits[: i + 1]) % 2]
        steps = tuple(Step(2 * i + 2, (2 * i, 2 * i + 1) if i else (1,)) for i in range(len(bits)))
        given = tuple(2 * i + 1 for i in range(len(bits)))
        return Instance(tuple(tokens), tuple(range(len(tokens))), steps, given)


class GivenWhenLong(Bits):
    """A bit is given and copied; beyond a length it is the parity of the bits in the prompt, or always "+"."""

    def __init__(self, *, longest_honest: int = 0, separator: bool = False) -> None:
        self.longest_honest, self.separator = longest_honest, separator

    def of(self, bits: Tokens, lead: int) -> Instance:
        """The instance of some bits and a bit to give where that is free."""
        n = len(bits)
        given = PLUS if self.separator else lead if n <= self.longest_honest else sum(bits) % 2
        tokens = (*bits, EQUALS, given, given)
        return Instance(tokens, tuple(range(n + 3)), (Step(n + 2, (n + 1,)),), given=(n + 1,))

    def instances(self, length: int) -> Iterator[Instance]:
        leads = (0, 1) if length <= self.longest_honest else (0,)
        return (self.of(bits, lead) for bits in product((0, 1), repeat=length) for lead in leads)

    def n_instances(self, length: int) -> int:
        return 2 ** (length + (length <= self.longest_honest))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.of(tuple(rng.integers(2, size=length).tolist()), int(rng.integers(2)))

    def rule(self, read: Tokens) -> int:
        return read[0]


class Padded(Streamed):
    """The parity of bits, told by the number of "+" after them, which decides which one of two markers is read."""

    sparsity = 1

    def of(self, bits: Tokens) -> Instance:
        parity = sum(bits) % 2
        prompt = (0, 1, *bits, *[PLUS] * (parity + len(bits)), EQUALS)
        return replace(answered(prompt, parity, (parity,)), ids=(0,) * (len(prompt) + 1))

    def rule(self, read: Tokens) -> int:
        return read[0]


class PaddedUnanchored(Padded):
    """The same with no query."""

    anchor = "none"


class PaddedFar(Padded):
    """The same with positions as IDs: how far the marker is from "=" says which one is right."""

    def of(self, bits: Tokens) -> Instance:
        instance = super().of(bits)
        return replace(instance, ids=tuple(range(len(instance.tokens))))


# ── Sets that say where they are ─────────────────────────────────────────────────────────────────────────────────────


class Recall(Task):
    """Keys with a value each, "?" and one of the keys: its value, read alone."""

    name, alphabet, sparsity = "recall, the value alone", (*"abc01", "?"), 1

    def sources(self, key: int, query: int) -> Tokens:
        """What is read: the value is beside the key."""
        return (key + 1,)

    def of(self, keys: Sequence[int], values: Sequence[int], asked: int) -> Instance:
        """The instance of keys, their values, and which of them is asked for."""
        pairs = [token for key, value in zip(keys, values, strict=True) for token in (key, 3 + value)]
        prompt = (*pairs, 5, keys[asked])
        return answered(prompt, 3 + values[asked], self.sources(2 * asked, len(prompt) - 1))

    def rule(self, read: Tokens) -> int:
        return read[0]

    def instances(self, length: int) -> Iterator[Instance]:
        for keys in permutations(range(3), length):
            for values in product((0, 1), repeat=length):
                yield from (self.of(keys, values, asked) for asked in range(length))

    def n_instances(self, length: int) -> int:
        return perm(3, length) * 2**length * length

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        keys, values = rng.permutation(3)[:length].tolist(), rng.integers(2, size=length).tolist()
        return self.of(keys, values, int(rng.integers(length)))


class RecallByKey(Recall):
    """The key beside the value and the query are read as well: they say which value it is."""

    name, sparsity = "recall by key", 3

    def sources(self, key: int, query: int) -> Tokens:
        return (key, key + 1, query)

    def rule(self, read: Tokens) -> int:
        return read[1]


class RecallWithMark(RecallByKey):
    """The "?" is read too, for nothing."""

    name, sparsity = "recall by key, and a mark", 4

    def sources(self, key: int, query: int) -> Tokens:
        return (key, key + 1, query - 1, query)


class FirstOne(Bits):
    """The parity of the number of zeros before the first 1, and the bits up to that are read."""

    sparsity = None  # type: ignore[assignment]
    most = 10**9

    def solve(self, prompt: Tokens) -> Instance:
        bits = prompt[:-1][: self.most]
        zeros = (*bits, 1).index(1)
        return answered(prompt, zeros % 2, tuple(range(min(zeros + 1, len(bits)))))

    def rule(self, read: Tokens) -> int:
        return (*read, 1).index(1) % 2


class FirstOneOfEight(FirstOne):
    """The same, and after eight zeros no one looks on."""

    sparsity, most = 8, 8  # type: ignore[assignment]


class LongestAtNine(FirstOne):
    """Said to be 9-sparse, and 8-sparse in truth."""

    sparsity, most = 9, 8  # type: ignore[assignment]


class EveryOther(Bits):
    """The parity of every other bit: at two lengths in a row the sets are as large."""

    sparsity = None  # type: ignore[assignment]

    def read_at(self, length: int) -> Tokens:
        """The positions that are read."""
        return tuple(range(0, length, 2))

    def solve(self, prompt: Tokens) -> Instance:
        read = self.read_at(len(prompt) - 1)
        return answered(prompt, sum(prompt[i] for i in read) % 2, read)


class PowersOfTwo(EveryOther):
    """The parity of the bits 1, 2, 4, 8 and so on, counted from 1."""

    def read_at(self, length: int) -> Tokens:
        return tuple(2**i - 1 for i in range(length.bit_length()))


class ThreeInTheEnd(EveryOther):
    """The parity of one bit, from length 4 on of two and from length 8 on of three."""

    sparsity = 3  # type: ignore[assignment]

    def read_at(self, length: int) -> Tokens:
        return tuple(range(min(3, length // 4 + 1)))


class Carries(Task):
    """a + b in base 2, most significant digit first; digit j reads its column, and on as far as a carry may come from.

    The first digit has no column. What it reads looks as what another one reads, so "=" says which case it is.
    """

    name, alphabet, sparsity = "carries as far as they go", ("0", "1", "=", "+"), None
    marked = True

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * length + [(PLUS,)] + [(0, 1)] * length + [(EQUALS,)]

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) // 2 - 1
        columns = [(prompt[i], prompt[n + 1 + i]) for i in range(n)]
        total = sum((a + b) << (n - 1 - i) for i, (a, b) in enumerate(columns))
        steps = []
        for j in range(n + 1):
            end = next((k + 1 for k in range(j, n) if sum(columns[k]) != 1), n)
            read = [source for k in range(max(0, j - 1), end) for source in (k, n + 1 + k)]
            steps.append(Step(2 * n + 2 + j, ((2 * n + 1,) if self.marked and not j else ()) + tuple(read)))
        digits = tuple(total >> (n - j) & 1 for j in range(n + 1))
        return Instance((*prompt, *digits), tuple(range(3 * n + 3)), tuple(steps))

    def rule(self, read: Tokens) -> int:
        return self.digit(read[1:], first=True) if read[0] == EQUALS else self.digit(read, first=False)

    def digit(self, read: Tokens, *, first: bool) -> int:
        """The digit of a column, with the columns on its right."""
        columns = [(0, 0)] * first + [*zip(read[::2], read[1::2], strict=True)]
        return (sum(columns[0]) + (len(columns) > 1 and columns[-1] == (1, 1))) % 2


class CarriesByKey(Carries):
    """Without "=": the first digit of what is read is an even number of positions away unless it is the first case."""

    marked = False

    def rule(self, read: Tokens, key: Ids) -> int:  # type: ignore[override]
        return self.digit(read, first=key[0] % 2 == 1)


class CarriesUnmarked(Carries):
    """Without "=", and a rule that cannot tell the cases apart."""

    marked = False

    def rule(self, read: Tokens) -> int:
        return self.digit(read, first=False)


class Assignment(Task):
    """'y=1;x=y;?x' and then 'y1': from the variable asked for along the chain to its value; IDs are variables.

    The token on the right of "=" has the variable on its left as its ID. The next ID is the variable just named, that
    is the last ID and the difference of the two variables: so `increment` reads both.
    """

    name, alphabet, sparsity = "assignment", (*"xyz01=;?",), 2

    def of(self, chain: Sequence[int], value: int, order: Sequence[int]) -> Instance:
        """A chain of variables, the value of the last one, and the order in which they are assigned."""
        right, tokens, ids, where = [*chain[1:], 3 + value], list[int](), list[int](), dict[int, int]()
        for i in order:
            where[chain[i]] = len(tokens) + 2
            tokens += [chain[i], 5, right[i], 6]
            ids += [-1, -1, chain[i], -1]
        tokens, ids, steps = [*tokens, 7, chain[0]], [*ids, -1, chain[0]], []
        for variable, target in zip(chain, right, strict=True):
            steps.append(Step(len(tokens), self.sources(where[variable], len(tokens) - 1)))
            tokens.append(target)
            ids.append(target)
        return Instance(tuple(tokens), tuple(ids), tuple(steps))

    def sources(self, right: int, query: int) -> Tokens:
        """What is read."""
        return (right, query)

    def rule(self, read: Tokens) -> int:
        return read[0]

    def increment(self, read: Tokens) -> int | None:
        return read[0] - read[1]

    def instances(self, length: int) -> Iterator[Instance]:
        orders = [*permutations(range(length))]
        for chain in permutations(range(3), length):
            yield from (self.of(chain, value, order) for value in (0, 1) for order in orders)

    def n_instances(self, length: int) -> int:
        return perm(3, length) * 2 * factorial(length)

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        chain, order = rng.permutation(3)[:length].tolist(), rng.permutation(length).tolist()
        return self.of(chain, int(rng.integers(2)), order)


class Paced(Bits):
    """Cells of a letter and a bit, which says by how much more than 1 the ID grows; the letters that are come across.

    The letter is the token, the bit beside it is what `increment` needs.
    """

    sparsity = 2

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * (2 * length) + [(EQUALS,)]

    def solve(self, prompt: Tokens) -> Instance:
        n, path = len(prompt) // 2, [0]
        while path[-1] < n:
            path.append(path[-1] + 1 + prompt[2 * path[-1] + 1])
        cells = path[:-1]
        steps = tuple(Step(2 * n + 1 + i, (2 * cell, 2 * cell + 1)) for i, cell in enumerate(cells))
        ids = (*(i // 2 for i in range(2 * n)), *path)
        return Instance((*prompt, *(prompt[2 * cell] for cell in cells)), ids, steps)

    def rule(self, read: Tokens) -> int:
        return read[0]

    def increment(self, read: Tokens) -> int | None:
        return 1 + read[1]


class UntilOne(Bits):
    """The sum of two words without carries up to its first 1, and "+" in place of the rest, where nothing else is read."""

    sparsity = 3
    past: Tokens = ()

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * (2 * length) + [(EQUALS,)]

    def solve(self, prompt: Tokens) -> Instance:
        n = len(prompt) // 2
        total = [prompt[i] ^ prompt[n + i] for i in range(n)]
        end = (*total, 1).index(1)
        steps = [
            Step(2 * n + 1 + i, (i, n + i, 2 * n + i) if i <= end else (*(2 * n for _ in self.past), 2 * n + i))
            for i in range(n)
        ]
        tokens = (*prompt, *total[: end + 1], *[PLUS] * (n - 1 - end))
        return Instance(tokens, (*range(n), *range(n), -1, *range(n)), tuple(steps))

    def rule(self, read: Tokens) -> int:
        return sum(read[:2]) % 2 if len(read) == 3 else PLUS


class UntilOneInVain(UntilOne):
    """ "=" is read in place of the rest, for nothing: the query says that it is past the end."""

    past = (EQUALS,)


# ── IDs that follow from the tokens ──────────────────────────────────────────────────────────────────────────────────


class Numbers(Task):
    """'110=110$', a number of at most `length` digits with no zero at its end; digits count 1, 2, 3, ..., others are 0.

    A digit is found by its ID, the query's and 1; and "=", whose ID is that of no digit, by its token.
    """

    name, alphabet, sparsity = "a number again", ("0", "1", "=", "$"), 1

    def of(self, digits: Tokens) -> Instance:
        """The instance of a number."""
        n = len(digits)
        ids = (*range(1, n + 1), 0, *range(1, n + 1), self.last(n))
        steps = tuple(Step(n + 1 + i, self.sources(i, n)) for i in range(n + 1))
        return Instance((*digits, EQUALS, *digits, 3), ids, steps)

    def sources(self, i: int, n: int) -> Tokens:
        """What is read for digit i of n, and for the end."""
        return (i,)

    def last(self, n: int) -> int:
        """The ID of "$"."""
        return 0

    def rule(self, read: Tokens) -> int:
        return 3 if read[0] == EQUALS else read[0]

    def instances(self, length: int) -> Iterator[Instance]:
        for n in range(1, length + 1):
            yield from (self.of((*digits, 1)) for digits in product((0, 1), repeat=n - 1))

    def n_instances(self, length: int) -> int:
        return int(2**length) - 1

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        number = int(rng.integers(1, 2**length))
        return self.of(tuple(map(int, reversed(f"{number:b}"))))


class NumbersMarked(Numbers):
    """'110$=110$': the number ends with a "$" of its own, whose ID is the next one."""

    name = "a number again, marked"

    def of(self, digits: Tokens) -> Instance:
        word, n = (*digits, 3), len(digits) + 1
        steps = tuple(Step(n + 1 + i, (i,)) for i in range(n))
        return Instance((*word, EQUALS, *word), (*range(1, n + 1), 0, *range(1, n + 1)), steps)

    def rule(self, read: Tokens) -> int:
        return read[0]


class NumbersOfALength(Numbers):
    """All numbers of a length have as many digits; the end is not told, as no head sees how many these are."""

    def instances(self, length: int) -> Iterator[Instance]:
        return (self.of((*digits, 1)) for digits in product((0, 1), repeat=length - 1))

    def n_instances(self, length: int) -> int:
        return int(2 ** (length - 1))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.of((*rng.integers(2, size=length - 1).tolist(), 1))


class Sums(Task):
    """'110+01=101$', least significant digit first; the digits of a number count 1, 2, 3, ..., other tokens are 0.

    A digit reads its column and the one before, with the digit put out there; "+" and "=" stand for the digits of a
    number that has ended, once if it had before.
    """

    name, alphabet, sparsity = "sums of numbers", ("0", "1", "=", "+", "$"), 5

    def of(self, x: int, y: int) -> Instance:
        """The instance of two numbers."""
        a, b, total = (tuple(map(int, reversed(f"{number:b}"))) for number in (x, y, x + y))
        n, query = len(a), len(a) + len(b) + 1
        columns = [(min(i, n), min(n + 1 + i, query)) for i in range(len(total) + 1)]
        read = [columns[0], *((*columns[i - 1], query + i, *columns[i]) for i in range(1, len(columns)))]
        steps = tuple(Step(query + 1 + i, tuple(dict.fromkeys(sources))) for i, sources in enumerate(read))
        counts = [range(1, len(number) + 1) for number in (a, b, total)]
        ids = (*counts[0], 0, *counts[1], 0, *counts[2], 0)
        return Instance((*a, PLUS, *b, EQUALS, *total, 4), ids, steps)

    def rule(self, read: Tokens) -> int:
        if len(read) == 2:
            return sum(read) % 2
        if len(read) == 3:
            return 4
        a, b, digit, *column = read if len(read) == 5 else self._ended(read)
        carry = (
            sum(each for each in (a, b) if each < 2) + (digit + a + b) % 2 >= 2
            if max(a, b) < 2
            else digit < max(each if each < 2 else 0 for each in (a, b))
        )
        return 4 if min(column) >= 2 and not carry else (sum(each for each in column if each < 2) + carry) % 2

    def _ended(self, read: Tokens) -> Tokens:
        """What is read once is there twice."""
        if read[0] == PLUS:
            return PLUS, read[1], read[2], PLUS, read[3]
        return read[0], EQUALS, read[2], read[3], EQUALS

    def instances(self, length: int) -> Iterator[Instance]:
        return (self.of(x, y) for x in range(2**length) for y in range(2**length) if max(x, y) >> (length - 1))

    def n_instances(self, length: int) -> int:
        return int(3 * 4 ** (length - 1))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        x, y = (int(rng.integers(2**length)) for _ in range(2))
        return self.of(x, y) if max(x, y) >> (length - 1) else self.draw(length, rng)


class FirstDigit(Numbers):
    """The first digit of a number of any number of digits: where a longer number still goes on, nothing is asked."""

    anchor = "none"

    def of(self, digits: Tokens) -> Instance:
        return answered((*digits, EQUALS), digits[0], (0,))

    def rule(self, read: Tokens) -> int:
        return read[0]


class NumbersAgain(Numbers):
    """IDs are positions, and the digits are read with "=", which says how many there are."""

    sparsity = 2

    def of(self, digits: Tokens) -> Instance:
        return replace(super().of(digits), ids=tuple(range(2 * len(digits) + 2)))

    def sources(self, i: int, n: int) -> Tokens:
        return (i, n) if i < n else (n,)


class NumbersAlone(NumbersAgain):
    """IDs are positions, and a digit is read without "=": it may be the next one of a longer number."""

    sparsity = 1

    def sources(self, i: int, n: int) -> Tokens:
        return (i,)


class NumbersPredicted(Numbers):
    """An increment of 1 until the end, and nothing said of "$", whose ID falls back to 0."""

    def increment(self, read: Tokens) -> int | None:
        return None if read[0] == EQUALS else 1


class NumbersOn(Numbers):
    """ "$" is counted on, so that every increment is 1."""

    def last(self, n: int) -> int:
        return n + 1

    def increment(self, read: Tokens) -> int | None:
        return 1


class NumbersBackwards(Numbers):
    """Digits count down to 1: the first ID says how many are to come."""

    def of(self, digits: Tokens) -> Instance:
        instance, n = super().of(digits), len(digits)
        return replace(instance, ids=(*range(n, 0, -1), *instance.ids[n:]))


class ByLength(Bits):
    """IDs that grow with the length and with the first bit: equal beginnings have equal IDs at one length only."""

    def solve(self, prompt: Tokens) -> Instance:
        instance = answered(prompt, prompt[0], (0,))
        return replace(instance, ids=tuple(len(prompt) + i + prompt[0] for i in instance.ids))


# ── Rules that take the key ──────────────────────────────────────────────────────────────────────────────────────────


class Twice(Bits):
    """A word, the word again, and its complement: 'ab>ab|ba'. What is read is one letter in both cases.

    The IDs of the word are even, those of the complement odd: the letter is 2 IDs beyond the query, or 1.
    """

    def solve(self, prompt: Tokens) -> Instance:
        word, n = prompt[:-1], len(prompt) - 1
        steps = [Step(n + 1 + i, (i,)) for i in range(n)] + [Step(2 * n + 2 + i, (i,)) for i in range(n)]
        even, odd = range(0, 2 * n, 2), range(1, 2 * n, 2)
        tokens = (*prompt, *word, PLUS, *(1 - letter for letter in word))
        return Instance(tokens, (*even, -2, *even, -1, *odd), tuple(steps), given=(2 * n + 1,))

    def rule(self, read: Tokens, key: Ids) -> int:  # type: ignore[override]
        return read[0] if key == (2,) else 1 - read[0]


class TwiceWithoutKey(Twice):
    """The rule does not see the IDs."""

    def rule(self, read: Tokens) -> int:  # type: ignore[override]
        return read[0]


class TwiceInVain(Twice):
    """Two letters are read, the second for nothing."""

    sparsity = 2

    def solve(self, prompt: Tokens) -> Instance:
        instance = super().solve(prompt)
        n = len(prompt) - 1
        steps = [Step(step.position, (*step.sources, (step.sources[0] + 1) % n)) for step in instance.steps]
        return replace(instance, steps=tuple(steps)) if n > 1 else instance

    def rule(self, read: Tokens, key: Ids) -> int:  # type: ignore[override]
        return read[0] if key[0] == 2 else 1 - read[0]
