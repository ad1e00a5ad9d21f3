"""Parity with a scratchpad: the running parity after every bit.

>>> task = ScratchpadParity()
>>> print(task.show(task.solve((1, 1, 0, 2))))
token 1  1  0  s0 s1  s0  s0
ID    1  2  3  0  1   2   3
read              3,0 4,1 5,2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from theory.errors import check_one_of
from theory.tasks.drawing import by_rule
from theory.tasks.running import RunningState

Coupling: TypeAlias = Literal["token", "query"]


@dataclass(frozen=True)
class ScratchpadParity(RunningState):
    """b_1 ... b_n s_0 s_1 ... s_n with s_0 = 0 and s_t = s_(t-1) xor b_t; bits and states are different tokens.

    Parameters
    ----------
    coupling : "token": b_t and s_t share an ID, so b_t is one ID beyond the query s_(t-1). "query": s_(t-1), which emits
        s_t, carries the ID of b_t.

    Examples
    --------
    >>> ScratchpadParity("query").solve((1, 0, 2)).ids
    (1, 2, 1, 2, 3)
    """

    coupling: Coupling = "token"

    symbols = ("0", "1")
    states = ("s0", "s1")
    part = "bits"
    draw_many = by_rule

    def __post_init__(self) -> None:
        check_one_of(self.coupling, get_args(Coupling), "ScratchpadParity", "coupling")

    @property
    def name(self) -> str:
        return f"parity with scratchpad, {self.coupling}-coupled"

    @property
    def first_id(self) -> int:
        return 0 if self.coupling == "token" else 1

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        return [(0, 1)] * length + [(2,)]

    def next_state(self, state: int, symbol: int) -> int:
        return state ^ symbol
