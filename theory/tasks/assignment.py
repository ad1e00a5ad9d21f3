"""Variable assignment: x=1; y=x; z=y; and what z is, from name to name.

>>> task = VariableAssignment()
>>> print(task.show(task.solve(task.tokens("c = 1 ; a = 0 ; b = c ; d = b ; ? d"))))
token c  =  1  ;  a  =  0  ;  b  =  c  ;  d  =  b  ;  ?  d  b        c       1
ID    0  0  0  0  1  1  1  1  2  2  2  2  3  3  3  3  4  4  3        2       0
read                                                        12,14,17 8,10,18 0,2,19
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import InvalidArgument, check_integer, shown
from theory.positions import Ids
from theory.tasks.base import Instance, Step, Tokens, digit_names, letters
from theory.tasks.choosing import Chosen
from theory.tasks.drawing import Drawn, Integers, alike


@dataclass(frozen=True)
class VariableAssignment(Chosen):
    """n statements, a question for a name, and the chain from that name to its value: what it was assigned, and so on.

    The first `reach` statements assign values, each later one a name that was assigned at most `reach` statements before.
    Names are drawn anew for every program, and come again in it: of any `reach` statements in a row no two assign the same
    one. So what a name stands for, its latest assignment, lies close to where it is used.

    A step reads three tokens: the name in question, its query; the same name where it is assigned; and what it is
    assigned. The ID of a token is the number of its statement, and what is read keeps that ID; so the chain depends on the
    input, but an ID is lower than the last one by at most `reach`, by as much as the key of what is read says: it can be
    predicted with the token (predictive position coupling).

    Parameters
    ----------
    n_names : how many names there are, more than `reach`.
    n_values : how many values.
    reach : how many statements back a name may be assigned; at least two, as the IDs alone say which statement is next
        in a chain that goes through all of them.

    Raises
    ------
    InvalidArgument : by `solve`, for anything but such a program.

    Examples
    --------
    >>> task = VariableAssignment(3)
    >>> task.text(task.solve(task.tokens("a = 1 ; c = 0 ; a = c ; ? a")).tokens)
    'a=1;c=0;a=c;?ac0'
    """

    n_names: int = 5
    n_values: int = 2
    reach: int = 2

    name = "variable assignment"
    sparsity = 3

    def __post_init__(self) -> None:
        check_integer(self.reach, "VariableAssignment", "reach", least=2)
        fix = "Give more names than statements that are reached, so that they can be drawn anew."
        check_integer(self.n_names, "VariableAssignment", "n_names", least=self.reach + 1, fix=fix)
        check_integer(self.n_values, "VariableAssignment", "n_values", least=2)

    @property
    def offsets(self) -> frozenset[tuple[int, ...]]:
        return frozenset((-back, -back, 0) for back in range(1, self.reach + 1))

    @property
    def alphabet(self) -> tuple[str, ...]:
        return (*letters(self.n_names), *digit_names(self.n_values), "=", ";", "?")

    def ways(self, length: int) -> Sequence[int]:
        near = [min(i, self.reach) for i in range(length + 1)]
        assigned = [self.n_names - min(i, self.reach - 1) for i in range(length)]
        right = [self.n_values if i < self.reach else self.reach for i in range(length)]
        return *assigned, *right, near[length]

    def prompts(self, chosen: Integers) -> Integers:
        size, n = len(chosen), chosen.shape[1] // 2
        names, read = np.empty((2, size, n), dtype=np.int64)
        for i in range(n):
            names[:, i] = chosen[:, i]
            for recent in np.sort(names[:, max(0, i - self.reach + 1) : i], axis=1).T:
                names[:, i] += names[:, i] >= recent  # the number of a name among those that are left
            back = 1 + chosen[:, n + i]
            read[:, i] = self.n_names + chosen[:, n + i] if i < self.reach else names[np.arange(size), i - back]
        equals, end, question = (np.full_like(names, sign) for sign in self._signs)
        asked = np.take_along_axis(names, n - 1 - chosen[:, -1:], axis=1)
        statements = np.stack([names, equals, read, end], axis=2).reshape(size, 4 * n)
        return np.concatenate([statements, question[:, :1], asked], axis=1)

    def draw_many(self, length: int, size: int, rng: np.random.Generator) -> Drawn:
        chosen, rows = self.choose(length, size, rng), np.arange(size)
        prompts, n = self.prompts(chosen), 4 * length + 2
        at, done = length - 1 - chosen[:, -1], np.zeros(size, dtype=np.bool_)
        output, path, steps = list[Integers](), list[Integers](), list[NDArray[np.bool_]]()
        while not done.all():
            output.append(prompts[rows, 4 * at + 2])
            path.append(at)
            steps.append(~done)
            done = at < self.reach  # a row that has come to a value stays there
            at = np.where(done, at, at - 1 - chosen[rows, length + at])
        made, reached = np.stack(steps, axis=1), np.stack(path, axis=1)
        positions = n - 1 + np.cumsum(made, axis=1)
        before = alike([*(i // 4 for i in range(4 * length)), length, length], size)
        return Drawn(
            tokens=np.concatenate([prompts, np.stack(output, axis=1)], axis=1),
            ids=np.concatenate([before, reached], axis=1),
            steps=positions,
            n_prompt=n,
            lengths=n + made.sum(axis=1),
            sources=np.stack([4 * reached, 4 * reached + 2, positions - 1], axis=2),
        )

    @property
    def _signs(self) -> tuple[int, int, int]:
        """The tokens "=", ";" and "?"."""
        first = self.n_names + self.n_values
        return first, first + 1, first + 2

    def solve(self, prompt: Tokens) -> Instance:
        names, values = prompt[:-2:4], prompt[2:-2:4]
        if not self._fits(prompt, names, values):
            expected = f"statements such as a = 1 ; with names assigned at most {self.reach} before, '?' and a name"
            fix = "Write for instance solve(tokens('a = 1 ; b = 0 ; ? a'))."
            raise InvalidArgument("VariableAssignment.solve", "prompt", got=shown(prompt), expected=expected, fix=fix)
        n = len(names)
        tokens, ids, steps = [*prompt], [*(i // 4 for i in range(4 * n)), n, n], list[Step]()
        while tokens[-1] < self.n_names:
            at = self._assigned(names, tokens[-1], ids[-1])
            steps.append(Step(len(tokens), (4 * at, 4 * at + 2, len(tokens) - 1)))
            tokens.append(values[at])
            ids.append(at)
        return Instance(
            tokens=tuple(tokens),
            ids=tuple(ids),
            steps=tuple(steps),
            parts=("name", "=", "assigned", ";") * n + ("?", "query") + ("chain",) * len(steps),
        )

    def _assigned(self, names: Tokens, name: int, before: int) -> int:
        """The statement that assigns a name last, of those before a statement that are in reach; -1 if none does."""
        return next((at for at in range(before - 1, max(-1, before - 1 - self.reach), -1) if names[at] == name), -1)

    def _fits(self, prompt: Tokens, names: Tokens, values: Tokens) -> bool:
        """Whether a prompt is a program, of which these are the names and what they are assigned."""
        n, (equals, end, question) = len(names), self._signs
        statements = tuple(
            token for pair in zip(names, values, strict=False) for token in (pair[0], equals, pair[1], end)
        )
        if not n or prompt[:-1] != (*statements, question) or not {*names} <= {*range(self.n_names)}:
            return False
        first, used = min(n, self.reach), (*values, prompt[-1])
        return (
            {*values[:first]} <= {*range(self.n_names, equals)}
            and all(self._assigned(names, used[i], i) >= 0 for i in range(first, n + 1))
            and all(len({*row}) == len(row) for row in (names[i : i + self.reach] for i in range(n)))
        )

    def rule(self, read: Tokens) -> int:
        return read[1]

    def increment(self, read: Tokens, key: Ids) -> int:
        """Back to the statement that is read, as the key of a step says."""
        return int(key[1])
