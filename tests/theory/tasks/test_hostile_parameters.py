"""Parameters and numbers that no task takes are refused with a typed error that names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from theory import InvalidArgument
from theory.tasks import (
    Addition,
    AssociativeRecall,
    BucketSort,
    Copy,
    CountOnes,
    CycleNavigation,
    Dyck,
    EvenPairs,
    Induction,
    Instance,
    LongMultiplication,
    ModularArithmetic,
    MultiAddition,
    Multiplication,
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


def solved(task: Task, prompt: str) -> Instance:
    return task.solve(task.tokens(prompt))


REFUSED: dict[str, tuple[str, Callable[[], object]]] = {
    "coupling that is none": ("coupling", lambda: ScratchpadParity("both")),  # type: ignore[arg-type]
    "no symbols to copy": ("n_symbols", lambda: Copy(0)),
    "symbols in words": ("n_symbols", lambda: Reverse("two")),  # type: ignore[arg-type]
    "no symbols to sort": ("n_symbols", lambda: Sorting(0)),
    "unary addition": ("base", lambda: Addition(1)),
    "order that is none": ("order", lambda: Addition(order="random")),  # type: ignore[arg-type]
    "too many digits to add": ("b", lambda: Addition().encode(1, 100, length=2)),
    "one operand": ("operands", lambda: MultiAddition(1)),
    "operands, a bool": ("operands", lambda: MultiAddition(True)),
    "unary running sums": ("base", lambda: MultiAddition(3, 1)),
    "a number too few": ("numbers", lambda: MultiAddition(3).encode(1, 2, length=1)),
    "no numbers": ("numbers", lambda: MultiAddition(3).encode(length=1)),
    "a number too many": ("numbers", lambda: MultiAddition(3).encode(1, 2, 3, 4, length=1)),
    "too large a number": ("numbers", lambda: MultiAddition(3).encode(1, 2, 10, length=1)),
    "unary multiplication": ("base", lambda: Multiplication(1)),
    "unary long multiplication": ("base", lambda: LongMultiplication(1)),
    "one row": ("rows", lambda: LongMultiplication(rows=1)),
    "rows, a bool": ("rows", lambda: LongMultiplication(rows=True)),
    "too large a number for its digits": ("a", lambda: LongMultiplication().encode(2, 1, length=1)),
    "too large a number for the rows": ("b", lambda: LongMultiplication(rows=2).encode(1, 4, length=3)),
    "two-digit multiplier": ("d", lambda: Multiplication().encode(5, 10, length=1)),
    "negative multiplier": ("d", lambda: Multiplication().encode(5, -1, length=1)),
    "too large a number to multiply": ("a", lambda: Multiplication().encode(10, 5, length=1)),
    "no symbols on the tape": ("n_symbols", lambda: PointerChasing(0)),
    "no jumps": ("jumps", lambda: PointerChasing(2, ())),
    "a jump on the spot": ("jumps", lambda: PointerChasing(2, (0, 1))),
    "a jump twice": ("jumps", lambda: PointerChasing(2, (1, 1))),
    "jumps in a list": ("jumps", lambda: PointerChasing(2, [1, 2])),  # type: ignore[arg-type]
    "a cell that is none": ("tape", lambda: PointerChasing().encode("a+3")),
    "an output symbol on the tape": ("tape", lambda: PointerChasing().encode("a+1 b")),
    "an empty tape": ("tape", lambda: PointerChasing().encode(" ")),
    "a cycle of one place": ("n_places", lambda: CycleNavigation(1)),
    "nothing to push": ("n_symbols", lambda: StackManipulation(0)),
    "too much to push": ("n_symbols", lambda: StackManipulation(100)),
    "a flat stack": ("depth", lambda: StackManipulation(2, depth=1)),
    "too many stacks": ("depth", lambda: StackManipulation(2, depth=13)),
    "no brackets": ("n_types", lambda: Dyck(0)),
    "brackets that do not print": ("n_types", lambda: Dyck(5)),
    "brackets that do not nest": ("depth", lambda: Dyck(2, depth=1)),
    "brackets, too deep": ("depth", lambda: Dyck(1, depth=10_000)),
    "a bracket that closes none": ("prompt", lambda: solved(Dyck(2), "( ] _ .")),
    "brackets that are deeper than that": ("prompt", lambda: solved(Dyck(2, depth=2), "( ( ( _ .")),
    "a closing bracket too few": ("prompt", lambda: solved(Dyck(2), "( _( ]")),
    "no stack to start from": ("prompt", lambda: solved(Dyck(2), "( ( .")),
    "no brackets to follow": ("prompt", lambda: solved(Dyck(2), "_ .")),
    "one bucket": ("n_symbols", lambda: BucketSort(1)),
    "one end": ("length", lambda: solved(EvenPairs(), "a >")),
    "arithmetic modulo 1": ("modulus", lambda: ModularArithmetic(1)),
    "a bracket that is not closed": ("prompt", lambda: solved(ModularArithmetic(), "( 1 - ( 0 ) =")),
    "a bracket without an operator": ("prompt", lambda: solved(ModularArithmetic(), "( 1 ( 0 ) ) =")),
    "a bracket between two digits": ("prompt", lambda: solved(ModularArithmetic(), "( 1 - ( 0 ) - 1 ) =")),
    "an empty bracket": ("prompt", lambda: solved(ModularArithmetic(), "( ) =")),
    "an expression that is not asked for": ("prompt", lambda: solved(ModularArithmetic(), "( 1 ) )")),
    "no expression": ("prompt", lambda: ModularArithmetic().solve(())),
    "chains that skip nothing": ("reach", lambda: VariableAssignment(reach=1)),
    "too few names": ("n_names", lambda: VariableAssignment(2)),
    "one value": ("n_values", lambda: VariableAssignment(n_values=1)),
    "a name that has no value": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; b = 0 ; c = d ; ? c")),
    "a name out of reach": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; b = 0 ; c = b ; d = a ; ? d")),
    "a question out of reach": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; b = 0 ; c = b ; ? a")),
    "a value too late": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; b = 0 ; c = 1 ; ? c")),
    "a name too early": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; b = a ; ? b")),
    "a name twice in reach": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ; a = 0 ; ? a")),
    "a value that is assigned to": ("prompt", lambda: solved(VariableAssignment(), "1 = 1 ; ? 1")),
    "a statement that does not end": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ? a")),
    "no question": ("prompt", lambda: solved(VariableAssignment(), "a = 1 ;")),
    "no program": ("prompt", lambda: VariableAssignment().solve(())),
    "one key": ("n_keys", lambda: AssociativeRecall(1)),
    "one value to recall": ("n_values", lambda: AssociativeRecall(2, 1)),
    "a key that is in no pair": ("prompt", lambda: solved(AssociativeRecall(), "a 0 b 1 ? c")),
    "a key that is in two pairs": ("prompt", lambda: solved(AssociativeRecall(), "a 0 a 1 ? a")),
    "a key without a value": ("prompt", lambda: solved(AssociativeRecall(), "a 0 b ? a")),
    "keys in the place of values": ("prompt", lambda: solved(AssociativeRecall(), "a b b a ? a")),
    "pairs alone": ("prompt", lambda: solved(AssociativeRecall(), "a 0 b 1")),
    "nothing to recall": ("prompt", lambda: AssociativeRecall().solve(())),
    "two symbols that follow each other": ("n_symbols", lambda: Induction(2)),
    "pairs by a number": ("paired", lambda: Induction(3, paired=1)),  # type: ignore[arg-type]
    "a symbol that is new": ("prompt", lambda: solved(Induction(), "a b c")),
    "a symbol that came twice": ("prompt", lambda: solved(Induction(), "a b a c a")),
    "a symbol that came just now": ("prompt", lambda: solved(Induction(), "b a a")),
    "pairs that do not chain": ("prompt", lambda: solved(Induction(paired=True), "^a ab ca")),
    "a first symbol after another": ("prompt", lambda: solved(Induction(paired=True), "ba ab ba")),
    "a symbol among pairs": ("prompt", lambda: solved(Induction(paired=True), "a ab ba")),
    "no word": ("prompt", lambda: Induction().solve(())),
    "a symbol that no task has": ("text", lambda: Copy(2).tokens("a c >")),
    "tokens as text": ("text", lambda: Copy(2).tokens((0, 1))),  # type: ignore[arg-type]
    "modulus 1": ("modulus", lambda: SumModulo(1)),
    "no counts": ("most", lambda: CountOnes(0)),
    "too many bits to list": ("length", lambda: CountOnes(3).support(4)),
    "too many bits to draw": ("length", lambda: CountOnes().sample(65, np.random.default_rng(0))),
    "too many bits to solve": ("length", lambda: CountOnes(3).solve((1, 1, 1, 1))),
    "no bits to solve": ("length", lambda: CountOnes(3).solve(())),
    "parity of no bits": ("k", lambda: sparse_parity(0)),
    "parity of half a bit": ("k", lambda: sparse_parity(0.5)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    argument, call = REFUSED[name]
    with pytest.raises(InvalidArgument) as caught:
        call()
    assert caught.value.argument == argument
