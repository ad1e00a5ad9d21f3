"""The shared tables of tasks: worked cases, written out by hand, and the tasks that every general test runs over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, cast

from theory import PlantedEnsemble, positions, support
from theory.tasks import (
    TASKS,
    Addition,
    AssociativeRecall,
    BucketSort,
    Copy,
    CountOnes,
    CycleNavigation,
    Dyck,
    EvenPairs,
    FullParity,
    Induction,
    Instance,
    LongMultiplication,
    Majority,
    ModularArithmetic,
    MultiAddition,
    Multiplication,
    Planted,
    PointerChasing,
    Reverse,
    ScratchpadParity,
    Sorting,
    StackManipulation,
    SumModulo,
    Task,
    VariableAssignment,
    sparse_parity,
)


def _odd_pairs() -> Planted:
    """Fair bits everywhere, so that no token says whether it is planted; an explicit law of S*, and named labels."""
    return Planted(
        PlantedEnsemble(
            vocabulary=2,
            background=["2/3", "1/3"],
            planted={(0, 0): "1/6", (0, 1): "1/2", (1, 0): "1/3", (1, 1): 0},
            target={word: "odd" if sum(word) % 2 else "even" for word in product((0, 1), repeat=2)},
            support=support.fixed({(0, 1): "1/4", (0, 2): "3/4"}),
        ),
        name="odd pairs",
    )


SPARSE_PARITY, PAIRED, ODD = sparse_parity(2), sparse_parity(2, support.paired(), positions.blocks(2)), _odd_pairs()


class Case(NamedTuple):
    """A task, a prompt, and all that the task must make of it; symbols, IDs and reads are separated by spaces.

    reads : for every scored token the positions that it reads, in the order of the rule; mask : # where a token is
    scored; planted : the hidden set of a planted ensemble.
    """

    task: Task
    prompt: str
    output: str
    ids: str
    reads: str
    mask: str
    planted: tuple[int, ...] | None = None

    def tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self.task.alphabet.index(symbol) for symbol in text.split())

    def instance(self) -> Instance:
        """What the task makes of the prompt."""
        prompt = self.tokens(self.prompt)
        if self.planted is None:
            return self.task.solve(prompt)
        noise = tuple(token for i, token in enumerate(prompt) if i not in self.planted)
        return cast(Planted, self.task).plant(self.planted, tuple(prompt[i] for i in self.planted), noise)


CASES: tuple[Case, ...] = (
    # Parity with a scratchpad.
    Case(ScratchpadParity(), "1 1 0 s0", "s1 s0 s0", "1 2 3 0 1 2 3", "3,0 4,1 5,2", "....###"),
    Case(ScratchpadParity(), "0 1 s0", "s0 s1", "1 2 0 1 2", "2,0 3,1", "...##"),
    Case(ScratchpadParity("query"), "1 1 0 s0", "s1 s0 s0", "1 2 3 1 2 3 4", "3,0 4,1 5,2", "....###"),
    Case(ScratchpadParity("query"), "0 1 s0", "s0 s1", "1 2 1 2 3", "2,0 3,1", "...##"),
    # Words.
    Case(Copy(), "a b b >", "a b b", "0 1 2 -1 0 1 2", "0 1 2", "....###"),
    Case(Copy(3), "c a >", "c a", "0 1 -1 0 1", "0 1", "...##"),
    Case(Copy(), "b >", "b", "0 -1 0", "0", "..#"),
    Case(Reverse(), "a b b >", "b b a", "0 1 2 3 2 1 0", "2 1 0", "....###"),
    Case(Reverse(), "b a >", "a b", "0 1 2 1 0", "1 0", "...##"),
    Case(Sorting(), "b b a >", "a b b", "1 2 0 -1 0 1 2", "2 0 1", "....###"),
    Case(Sorting(), "a b >", "a b", "0 1 -1 0 1", "0 1", "...##"),
    Case(Sorting(3), "c a b a >", "a a b c", "3 0 2 1 -1 0 1 2 3", "1 3 2 0", ".....####"),
    # 653 + 49 = 702, and in base 2: 3 + 1 = 4.
    Case(
        Addition(), "0 6 5 3 + 0 0 4 9 =", "2 0 7 0", "1 2 3 4 5 1 2 3 4 5 4 3 2 1",
        "3,8 10,3,8,2,7 11,2,7,1,6 12,1,6,0,5", "..........####",
    ),
    Case(Addition(), "0 5 + 0 7 =", "2 1", "1 2 3 1 2 3 2 1", "1,4 6,1,4,0,3", "......##"),
    Case(
        Addition(2), "0 1 1 + 0 0 1 =", "0 0 1", "1 2 3 4 1 2 3 4 3 2 1", "2,6 8,2,6,1,5 9,1,5,0,4", "........###"
    ),
    Case(
        Addition(carry=True), "0 6 5 3 + 0 0 4 9 =", "2' 0' 7 0", "1 2 3 4 5 1 2 3 4 5 4 3 2 1",
        "3,8 10,2,7 11,1,6 12,0,5", "..........####",
    ),
    Case(Addition(carry=True), "0 5 + 0 7 =", "2' 1", "1 2 3 1 2 3 2 1", "1,4 6,0,3", "......##"),
    Case(
        Addition(2, carry=True), "0 1 1 + 0 0 1 =", "0' 0' 1", "1 2 3 4 1 2 3 4 3 2 1", "2,6 8,1,5 9,0,4",
        "........###",
    ),
    Case(
        Addition(order="plain"), "0 6 5 3 + 0 0 4 9 =", "0 7 0 2", "1 2 3 4 5 1 2 3 4 5 1 2 3 4",
        "3,8,2,7,1,6,0,5 3,8,2,7,1,6 3,8,2,7 3,8", "..........####",
    ),
    Case(Addition(order="plain"), "0 5 + 0 7 =", "1 2", "1 2 3 1 2 3 1 2", "1,4,0,3 1,4", "......##"),
    Case(
        Addition(order="plain", carry=True), "0 6 5 3 + 0 0 4 9 =", "0 7 0' 2'", "1 2 3 4 5 1 2 3 4 5 1 2 3 4",
        "3,8,2,7,1,6,0,5 3,8,2,7,1,6 3,8,2,7 3,8", "..........####",
    ),
    Case(Addition(order="plain", carry=True), "0 5 + 0 7 =", "1 2'", "1 2 3 1 2 3 1 2", "1,4,0,3 1,4", "......##"),
    # 27 + 48 = 75, + 36 = 111.
    Case(
        MultiAddition(), "0 2 7 + 0 4 8 + 0 3 6 =", "5' 7 0 ; 1' 1' 1",
        "7 4 1 -2 7 4 1 -2 8 5 2 -1 2 5 8 0 3 6 9", "2,6 12,1,5 13,0,4 12,10 16,13,9 17,14,8",
        "............###.###",
    ),
    Case(
        MultiAddition(), "0 9 + 0 9 + 0 9 =", "8' 1 ; 7' 2", "4 1 -2 4 1 -2 5 2 -1 2 5 0 3 6",
        "1,4 9,0,3 9,7 12,10,6", ".........##.##",
    ),
    # The binary sum of three bits has two leading zeros: 1 + 1 = 2, + 1 = 3.
    Case(
        MultiAddition(3, 2), "0 0 1 + 0 0 1 + 0 0 1 =", "0' 1 0 ; 1 1 0",
        "7 4 1 -2 7 4 1 -2 8 5 2 -1 2 5 8 0 3 6 9", "2,6 12,1,5 13,0,4 12,10 16,13,9 17,14,8",
        "............###.###",
    ),
    Case(MultiAddition(2), "0 5 + 0 7 =", "2' 1", "3 1 -1 3 1 0 2 4", "1,4 6,0,3", "......##"),
    # 9 + 8 = 17, + 7 = 24, + 6 = 30.
    Case(
        MultiAddition(4), "0 9 + 0 8 + 0 7 + 0 6 =", "7' 1 ; 4' 2 ; 0' 3",
        "5 1 -3 5 1 -3 6 2 -2 7 3 -2 2 6 -1 3 7 0 4 8", "1,4 12,0,3 12,7 15,13,6 15,10 18,16,9",
        "............##.##.##",
    ),
    # 653 x 4 = 2612, 47 x 8 = 376.
    Case(
        Multiplication(), "0 6 5 3 x 4", "2(1,4) 1(2,4) 6(2,4) 2(0,4)", "1 2 3 4 5 5 4 3 2 1", "5,3 6,2 7,1 8,0",
        "......####",
    ),
    Case(Multiplication(), "0 4 7 x 8", "6(5,8) 7(3,8) 3(0,8)", "1 2 3 4 4 3 2 1", "4,2 5,1 6,0", ".....###"),
    Case(Multiplication(3), "0 2 x 2", "1(1,2) 1(0,2)", "1 2 3 3 2 1", "3,1 4,0", "....##"),
    Case(
        Multiplication(carried=False), "0 6 5 3 x 4", "2 1 6 2", "1 2 3 4 5 5 4 3 2 1",
        "3,5 6,3,2,5 7,2,1,5 8,1,0,5", "......####",
    ),
    Case(
        Multiplication(carried=False), "0 4 7 x 8", "6 7 3", "1 2 3 4 4 3 2 1", "2,4 5,2,1,4 6,1,0,4", ".....###"
    ),
    # Tapes.
    Case(
        PointerChasing(), "a+2 b+1 b+1 a+2 b+1 >", "a b a", "0 1 2 3 4 0 2 3 5", "0 2 3", "......###"
    ),
    Case(PointerChasing(), "b+1 >", "b", "0 0 1", "0", "..#"),
    Case(PointerChasing(3, (1, 3)), "c+3 a+1 b+1 b+3 a+1 >", "c b", "0 1 2 3 4 0 3 6", "0 3", "......##"),
    # Ends that differ, and ends that do not.
    Case(EvenPairs(), "a b b a b >", "odd", "0 2 3 4 0 0 1", "0,4", "......#"),
    Case(EvenPairs(), "b a b >", "even", "0 2 0 0 1", "0,2", "....#"),
    Case(EvenPairs(), "b b >", "even", "0 0 0 1", "0,1", "...#"),
    # Running states: past the last place of a cycle, a push and a pop that are lost, brackets from the empty stack and on.
    Case(CycleNavigation(), "- - + p0", "p4 p3 p4", "1 2 3 0 1 2 3", "3,0 4,1 5,2", "....###"),
    Case(CycleNavigation(), "+ 0 p0", "p1 p1", "1 2 0 1 2", "2,0 3,1", "...##"),
    Case(StackManipulation(), "+a +b - _b", "_ba _bab _ba", "1 2 3 0 1 2 3", "3,0 4,1 5,2", "....###"),
    Case(StackManipulation(), "- +b _", "_ _b", "1 2 0 1 2", "2,0 3,1", "...##"),
    Case(StackManipulation(), "+a - _bab", "_bab _ba", "1 2 0 1 2", "2,0 3,1", "...##"),
    Case(
        Dyck(), "[ ( ) _ .", "_[ ] _[( ) _[ ]", "1 2 3 0 0 1 1 2 2 3 3", "3,0 5 5,1 7 7,2 9", ".....######",
    ),
    Case(Dyck(), ") _( )", "_ .", "1 0 0 1 1", "1,0 3", "...##"),
    # One pass a symbol; "|" ends it.
    Case(
        BucketSort(), "b a | A:", "-A A B: B -B C: -C -C .", "0 1 2 0 1 2 0 1 2 0 1 2 0",
        "3,0 4,1 5,2 6,0 7,1 8,2 9,0 10,1 11,2", "....#########",
    ),
    Case(BucketSort(), "c | A:", "-A B: -B C: C .", "0 1 0 1 0 1 0 1 0", "2,0 3,1 4,0 5,1 6,0 7,1", "...######"),
    # 3 - 4 and 2 * (4 - 1), modulo 5.
    Case(ModularArithmetic(), "( ( 3 ) - 4 ) =", "3 4", "1 2 2 2 1 1 1 3 2 1", "2 4,5,8", "........##"),
    Case(
        ModularArithmetic(), "( 2 * ( 4 - ( 1 ) ) ) =", "1 3 1", "1 1 1 2 2 2 3 3 3 2 1 4 3 2 1", "7 4,5,12 1,2,13",
        "............###",
    ),
    Case(ModularArithmetic(), "( 1 ) =", "1", "1 1 1 2 1", "1", "....#"),
    # A chain, a name that is assigned from itself, and a question at once.
    Case(
        VariableAssignment(), "c = 1 ; a = 0 ; b = c ; d = b ; ? d", "b c 1",
        "0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 3 2 0", "12,14,17 8,10,18 0,2,19", "..................###",
    ),
    Case(
        VariableAssignment(), "a = 1 ; b = 0 ; a = a ; ? a", "a 1", "0 0 0 0 1 1 1 1 2 2 2 2 3 3 2 0",
        "8,10,13 0,2,14", "..............##",
    ),
    Case(VariableAssignment(), "e = 0 ; ? e", "0", "0 0 0 0 1 1 0", "0,2,5", "......#"),
    # Look-ups by content.
    Case(AssociativeRecall(), "a 0 c 1 a 1 ? c", "1", "0 0 1 1 2 2 3 3 4", "2,3,7", "........#"),
    Case(AssociativeRecall(), "d 0 ? d", "0", "0 0 1 1 2", "0,1,3", "....#"),
    Case(Induction(), "a c b a a c", "b", "0 1 2 3 4 5 6", "1,2,5", "......#"),
    Case(Induction(), "d a d", "a", "0 1 2 3", "0,1,2", "...#"),
    Case(Induction(paired=True), "^a ac cb ba aa ac", "b", "0 1 2 3 4 5 6", "2,5", "......#"),
    Case(Induction(paired=True), "^d da ad", "a", "0 1 2 3", "1,2", "...#"),
    # Planted ensembles: a marked 1 and a marked 0 are odd; three bits; paired positions; planted words among fair bits.
    Case(SPARSE_PARITY, "0 2 0 0 1", "=1", "0 1 2 3 4 5", "1,4", ".....#", planted=(1, 4)),
    Case(SPARSE_PARITY, "2 2", "=0", "0 1 2", "0,1", "..#", planted=(0, 1)),
    Case(sparse_parity(3), "1 0 2 2", "=0", "0 1 2 3 4", "0,2,3", "....#", planted=(0, 2, 3)),
    Case(PAIRED, "0 2 0 0 1 0", "=1", "0 1 2 0 1 2 3", "1,4", "......#", planted=(1, 4)),
    Case(ODD, "1 1 0", "=odd", "0 1 2 3", "0,2", "...#", planted=(0, 2)),
    Case(ODD, "0 0 1", "=even", "0 1 2 3", "0,1", "...#", planted=(0, 1)),
    # Dense tasks; the second majority is a tie.
    Case(FullParity(), "1 0 1 1", "=1", "0 1 2 3 4", "0,1,2,3", "....#"),
    Case(FullParity(), "1 1", "=0", "0 1 2", "0,1", "..#"),
    Case(Majority(), "1 0 1 1", "=1", "0 1 2 3 4", "0,1,2,3", "....#"),
    Case(Majority(), "1 0", "=0", "0 1 2", "0,1", "..#"),
    Case(SumModulo(), "2 0 2", "=1", "0 1 2 3", "0,1,2", "...#"),
    Case(SumModulo(), "1 2", "=0", "0 1 2", "0,1", "..#"),
    Case(SumModulo(5), "4 3", "=2", "0 1 2", "0,1", "..#"),
    Case(CountOnes(), "1 0 1 1", "=3", "0 1 2 3 4", "0,1,2,3", "....#"),
    Case(CountOnes(), "0 0", "=0", "0 1 2", "0,1", "..#"),
)  # fmt: skip

VARIANTS: tuple[Task, ...] = (
    sparse_parity(3, support.local(4)),
    PAIRED,
    ODD,
    Copy(3),
    Sorting(3),
    Addition(2),
    Addition(2, carry=True),
    Addition(2, order="plain"),
    MultiAddition(2, 2),
    MultiAddition(3, 2),
    MultiAddition(4, 2),
    Multiplication(2),
    Multiplication(3),
    Multiplication(3, carried=False),
    LongMultiplication(rows=2),
    PointerChasing(1, (1, 2, 3)),
    CycleNavigation(2),
    StackManipulation(1, depth=2),
    StackManipulation(2, depth=2),
    Dyck(1, depth=2),
    Dyck(2, depth=2),
    BucketSort(2),
    ModularArithmetic(2),
    VariableAssignment(3),
    VariableAssignment(4, 3, reach=3),
    AssociativeRecall(2, 3),
    Induction(3),
    Induction(3, paired=True),
    SumModulo(2),
    CountOnes(3),
)
"""Tasks with other parameters than the registry's, small enough to list at several lengths."""

ALL: tuple[Task, ...] = (*TASKS.values(), *VARIANTS)


def label(task: Task) -> str:
    """How a test names a task."""
    return task.name if TASKS.get(task.name) is task else f"{task.name} ({len(task.alphabet)} symbols)"


def lengths(task: Task, most: int = 1500) -> Iterator[int]:
    """The lengths from 1 to 6 at which a task is defined and has at most `most` instances."""
    for length in range(task.min_length, 7):
        if task is PAIRED and length % 2:
            continue
        if isinstance(task, CountOnes) and length > task.most:
            continue
        if task is ODD and length < 3:  # its widest set is (0, 2)
            continue
        if task.n_instances(length) <= most:
            yield length
