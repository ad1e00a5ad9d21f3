"""Parameters and numbers that no task takes are refused with a typed error that names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from theory import InvalidArgument
from theory.tasks import (
    Addition,
    Copy,
    CountOnes,
    MultiAddition,
    Multiplication,
    PointerChasing,
    Reverse,
    ScratchpadParity,
    Sorting,
    SumModulo,
    sparse_parity,
)

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
