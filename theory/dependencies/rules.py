"""Coupling a task: one rule that gives IDs at every length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

from theory.dependencies.coupling import lower_bound, verified
from theory.dependencies.sets import Convention, check_parts, dependency_sets
from theory.errors import AssumptionViolated, BudgetExceeded, InvalidArgument, check_type, shown
from theory.positions import Ids
from theory.tasks.base import Instance, Task


class PartRule(NamedTuple):
    """The IDs of one part: slope · i + length_slope · n + offset for the i-th of its n tokens, i = 0, 1, ...

    Examples
    --------
    >>> print(PartRule("sum", slope=-1, length_slope=1, offset=-1))
    sum: ID = n - i - 1
    """

    part: str
    slope: int
    length_slope: int
    offset: int

    def id(self, index: int, n_tokens: int) -> int:
        """The ID of one token."""
        return self.slope * index + self.length_slope * n_tokens + self.offset

    def __str__(self) -> str:
        terms = [(self.length_slope, "n"), (self.slope, "i"), (self.offset, "")]
        terms.sort(key=lambda term: (not term[1], term[0] < 0))  # what is added comes first, the offset last
        text = ""
        for factor, name in terms:
            if factor:
                sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
                text += sign + (name or str(abs(factor)))
        return f"{self.part}: ID = {text or '0'}"


@dataclass(frozen=True)
class Rule:
    """IDs for instances of any length: one affine rule a part.

    Call it on an instance with parts; `coupling(task)` makes of it a function of the sequence length, for
    `positions.coupled`.

    Examples
    --------
    >>> from theory.dependencies import synthesize_rule
    >>> from theory.tasks import Copy
    >>> task = Copy(2)
    >>> rule = synthesize_rule({n: next(task.support(n)) for n in (2, 3)}, cap=3)
    >>> rule.spread, rule(next(task.instances(4)))
    (0, (0, 1, 2, 3, 0, 0, 1, 2, 3))
    """

    parts: tuple[PartRule, ...]
    cap: int
    convention: Convention
    spread: int
    """The largest spread over the instances that it was made from."""

    def __call__(self, instance: Instance) -> Ids:
        """One ID a position.

        Raises
        ------
        InvalidArgument : for an instance without parts, or with a part that the rule does not know.
        """
        check_parts(instance, "Rule", "instance")
        rules = {rule.part: rule for rule in self.parts}
        sizes = Counter(instance.parts)
        unknown = sorted(set(sizes) - set(rules))
        if unknown:
            got, expected = f"the parts {shown(unknown)}", f"parts among {shown(sorted(rules))}"
            fix = "Make the rule from instances of this task."
            raise InvalidArgument("Rule", "instance", got=got, expected=expected, fix=fix)
        return tuple(rules[part].id(i, sizes[part]) for part, i in indexed_parts(instance))

    def __str__(self) -> str:
        return "\n".join(["ID of the i-th of n tokens of a part, i = 0, 1, ..., n - 1", *map(str, self.parts)])

    def coupling(self, task: Task) -> RuleCoupling:
        """The rule as a coupling: a function of the length of the sequence.

        Examples
        --------
        >>> from theory import positions
        >>> from theory.dependencies import synthesize_rule
        >>> from theory.tasks import Copy
        >>> task = Copy(2)
        >>> rule = synthesize_rule([next(task.instances(n)) for n in (2, 3)], cap=2)
        >>> next(positions.coupled(rule.coupling(task), positions.random_shift(5, 9)).ids(9))
        (5, 6, 7, 8, 4, 5, 6, 7, 8)
        """
        check_type(task, Task, "Rule.coupling", "task", "a Task", "For instance TASKS['copy'].")
        return RuleCoupling(self, task)


@dataclass(frozen=True)
class RuleCoupling:
    """A rule as a function of the sequence length, for a task whose length decides what every position holds.

    Examples
    --------
    >>> from theory.dependencies import synthesize_rule
    >>> from theory.tasks import Copy
    >>> task = Copy(2)
    >>> rule = synthesize_rule({n: next(task.support(n)) for n in (2, 3)}, cap=3)
    >>> rule.coupling(task)(7)  # tokens, of a word of 3
    (0, 1, 2, 0, 0, 1, 2)
    """

    rule: Rule
    task: Task

    def __call__(self, length: int) -> Ids:
        """One ID a position.

        Raises
        ------
        InvalidArgument : for a length that no sequence of the task has.
        """
        sizes = []
        for problem in range(self.task.min_length, max(self.task.min_length, length) + 1):
            instance = next(self.task.instances(problem))
            sizes.append(len(instance.tokens))
            if sizes[-1] == length:
                return self.rule(instance)
            if sizes[-1] > length:
                break
        expected = f"the length of a sequence of {self.task.name}"
        fix = f"The nearest ones that were tried are {shown(sizes[-2:])}."
        raise InvalidArgument("RuleCoupling", "length", got=shown(length), expected=expected, fix=fix)


class RuleSearch:
    """The search behind `synthesize_rule`: tables of the spread between two parts, then depth first over the parts."""

    def __init__(
        self,
        given: list[Instance],
        cap: int,
        convention: Convention,
        offsets: int,
        budget: int,
        indexed: list[list[tuple[str, int]]] | None = None,
        sizes: list[Counter[str]] | None = None,
    ) -> None:
        self.given, self.cap, self.convention, self.offsets, self.budget = given, cap, convention, offsets, budget
        self.n_nodes = 0
        self.sets = [tuple(s for s in dependency_sets(instance, convention) if len(s) > 1) for instance in given]
        self.indexed = indexed or [indexed_parts(instance) for instance in given]
        self.sizes = sizes or [Counter(instance.parts) for instance in given]
        self.names = tuple(dict.fromkeys(part for own in self.indexed for part, _ in own))
        self.gaps = self._gaps()
        coupled = {part for pair in self.gaps for part in pair}
        self.free = [part for part in self.names if part not in coupled]
        self.order = self._connected_order([part for part in self.names if part in coupled])
        self.candidates = {part: self._candidates(part) for part in self.names}
        if self.order:
            first = self.order[0]
            self.candidates[first] = [
                rule for rule in self.candidates[first] if not rule.offset and (rule.slope, rule.length_slope) >= (0, 0)
            ]

    def _gaps(self) -> dict[tuple[str, str], set[tuple[int, int, int, int]]]:
        """For two parts the (i, n_i, j, n_j) of tokens that share a set; it carries all that a spread depends on."""
        gaps: dict[tuple[str, str], set[tuple[int, int, int, int]]] = {}
        for indexed, sizes, sets in zip(self.indexed, self.sizes, self.sets, strict=True):
            for positions in sets:
                for a, b in combinations(positions, 2):
                    (p, i), (q, j) = indexed[a], indexed[b]
                    gaps.setdefault((p, q), set()).add((i, sizes[p], j, sizes[q]))
        return gaps

    def _connected_order(self, parts: list[str]) -> list[str]:
        """The parts so that each shares a set with an earlier one where possible."""
        order: list[str] = []
        for _ in parts:
            rest = [part for part in parts if part not in order]
            linked = [p for p in rest if any((p, q) in self.gaps or (q, p) in self.gaps for q in order)]
            order.append((linked or rest)[0])
        return order

    def _candidates(self, part: str) -> list[PartRule]:
        """Every rule of a part that keeps the cap by itself, the simplest first; none that another one equals."""
        sizes = {size[part] for size in self.sizes}
        slopes = (1, -1, 0) if max(sizes) > 1 else (0,)
        length_slopes = (0, 1, -1) if len(sizes) > 1 else (0,)
        offsets = sorted(range(-self.offsets, self.offsets + 1), key=lambda offset: (abs(offset), offset))
        rules = [PartRule(part, s, m, o) for m, o, s in product(length_slopes, offsets, slopes)]
        return [rule for rule in rules if rule.slope or max(sizes) <= self.cap]

    def run(self) -> Rule:
        lowest = max(lower_bound(given, cap=self.cap, convention=self.convention) for given in self.given)
        highest = 3 * (self.offsets + max(len(instance.tokens) for instance in self.given))
        for width in range(lowest, highest + 1):
            solutions = list(self._coupled_parts(width))
            solutions.sort(key=self.cost)
            for chosen in solutions:
                complete = next(self._extend(chosen, self.free, None), None)
                if complete is not None:
                    return self._rule(complete)
        raise AssumptionViolated(
            "dependencies.synthesize_rule",
            "cap",
            got=f"{self.cap}, under which no rule of this form exists",
            expected="a cap that an affine rule keeps",
            fix=f"Raise cap, or offsets beyond {self.offsets}.",
        )

    def _rule(self, chosen: dict[str, PartRule]) -> Rule:
        parts = tuple(chosen[part] for part in self.names)
        rule = Rule(parts, self.cap, self.convention, 0)
        wide = max(
            verified(sets, rule(instance), self.cap) for instance, sets in zip(self.given, self.sets, strict=True)
        )
        return Rule(parts, self.cap, self.convention, wide)

    def cost(self, chosen: dict[str, PartRule]) -> tuple[int, int, int]:
        """Total spread of all sets, then how complicated the rules are."""
        total = 0
        for indexed, sizes, sets in zip(self.indexed, self.sizes, self.sets, strict=True):
            for positions in sets:
                values = [chosen[part].id(i, sizes[part]) for part, i in (indexed[p] for p in positions)]
                total += max(values) - min(values)
        rules = chosen.values()
        return total, sum(abs(rule.length_slope) for rule in rules), sum(abs(rule.offset) for rule in rules)

    def _coupled_parts(self, width: int) -> Iterator[dict[str, PartRule]]:
        """The rules of the parts that occur in sets, of at most this spread; as far as the budget goes."""
        tables = {pair: self.table(pair, width) for pair in self.gaps}
        found = 0
        try:
            for chosen in self._extend({}, self.order, tables):
                found += 1
                yield chosen
        except BudgetExceeded:
            if not found:
                raise

    def table(self, pair: tuple[str, str], width: int) -> set[tuple[PartRule, PartRule]]:
        """The rules of two parts under which no set is wider, as far as these parts go."""
        p, q = pair
        allowed = set()
        extremes: dict[tuple[int, int, int, int], tuple[int, int]] = {}
        for a, b in product(self.candidates[p], self.candidates[q]):
            if p == q and a != b:
                continue
            key = (a.slope, a.length_slope, b.slope, b.length_slope)
            if key not in extremes:
                gaps = [
                    a.slope * i + a.length_slope * n - b.slope * j - b.length_slope * m
                    for i, n, j, m in self.gaps[pair]
                ]
                extremes[key] = min(gaps), max(gaps)
            least, most = extremes[key]
            shift = a.offset - b.offset
            if -width <= least + shift and most + shift <= width:
                allowed.add((a, b))
        return allowed

    def _extend(
        self,
        chosen: dict[str, PartRule],
        parts: Sequence[str],
        tables: Mapping[tuple[str, str], set[tuple[PartRule, PartRule]]] | None,
    ) -> Iterator[dict[str, PartRule]]:
        """All ways to give the further parts rules that keep the tables and the cap."""
        if not parts:
            yield dict(chosen)
            return
        part, *rest = parts
        for rule in self.candidates[part]:
            self.n_nodes += 1
            if self.n_nodes > self.budget:
                raise BudgetExceeded("dependencies.synthesize_rule", size=self.n_nodes, budget=self.budget)
            trial = {**chosen, part: rule}
            if self.allowed(part, trial, tables or {}) and self._within_cap(trial):
                yield from self._extend(trial, rest, tables)

    def allowed(
        self, part: str, trial: dict[str, PartRule], tables: Mapping[tuple[str, str], set[tuple[PartRule, PartRule]]]
    ) -> bool:
        return all(
            (trial[p], trial[q]) in table
            for (p, q), table in tables.items()
            if part in (p, q) and p in trial and q in trial
        )

    def _within_cap(self, trial: dict[str, PartRule]) -> bool:
        for indexed, sizes in zip(self.indexed, self.sizes, strict=True):
            used = Counter(trial[part].id(i, sizes[part]) for part, i in indexed if part in trial)
            if used and max(used.values()) > self.cap:
                return False
        return True


def indexed_parts(instance: Instance) -> list[tuple[str, int]]:
    """For every position its part, and its index within it."""
    seen: Counter[str] = Counter()
    found = []
    for part in instance.parts:
        found.append((part, seen[part]))
        seen[part] += 1
    return found
