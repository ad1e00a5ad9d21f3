"""One coupling for all lengths, in one coordinate or in two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, overload

from theory.dependencies.planes import PlaneRule, plane_rule
from theory.dependencies.rules import Rule, RuleSearch
from theory.dependencies.sets import Convention, check_convention, check_parts
from theory.errors import check, check_integer, check_type
from theory.tasks.base import Instance


@overload
def synthesize_rule(
    instances: Mapping[int, Instance] | Sequence[Instance],
    *,
    cap: int,
    convention: Convention = "token",
    coordinates: Literal[1] = 1,
    offsets: int = 2,
    budget: int = 100_000,
) -> Rule: ...


@overload
def synthesize_rule(
    instances: Mapping[int, Instance] | Sequence[Instance],
    *,
    cap: int,
    convention: Convention = "token",
    coordinates: Literal[2],
    offsets: int = 2,
    budget: int = 100_000,
) -> PlaneRule: ...


def synthesize_rule(
    instances: Mapping[int, Instance] | Sequence[Instance],
    *,
    cap: int,
    convention: Convention = "token",
    coordinates: int = 1,
    offsets: int = 2,
    budget: int = 100_000,
) -> Rule | PlaneRule:
    """One coupling for all lengths: for every part an affine rule, together of the least spread over the instances.

    A rule is ID = slope · i + length_slope · n + offset for the i-th of the n tokens of a part, with slopes in
    {−1, 0, 1} and |offset| <= `offsets`. Since a shift and a reflection change nothing, the first part has offset 0 and
    grows. Of the rules with the least spread under the cap, the one of the least total spread of all sets is taken,
    then the simplest one.

    Parameters
    ----------
    instances : with parts, and at two lengths or more; a mapping from lengths to instances, or a list. Where the sets
        depend on the tokens, give several instances a length.
    cap : the most tokens that may share an ID, at the lengths given; at others call the rule and count.
    convention : what belongs to the set of a step.
    coordinates : of an ID, 1 or 2. In two coordinates a part is one row, or rows as long as another part or its root; its
        rows have an affine rule, and so have the columns within them. The spread is that of the wider coordinate.
    offsets : how large an offset may be.
    budget : nodes that the search may visit.

    Raises
    ------
    InvalidArgument : for instances without parts, or of one length only.
    AssumptionViolated : when no rule of this form keeps the cap.
    BudgetExceeded : when the search finds no rule within the budget.

    Examples
    --------
    >>> from theory.tasks import Reverse
    >>> print(synthesize_rule([next(Reverse(2).instances(n)) for n in (2, 4)], cap=2))
    ID of the i-th of n tokens of a part, i = 0, 1, ..., n - 1
    word: ID = i
    >: ID = -1
    output: ID = n - i - 1

    Running sums of three numbers: a row for every sum, which shares it with the next number.

    >>> from theory.tasks import MultiAddition
    >>> sums = [next(MultiAddition(3, 2).instances(n)) for n in (1, 2)]
    >>> plain, plane = synthesize_rule(sums, cap=2), synthesize_rule(sums, cap=2, coordinates=2)
    >>> plain.spread, plane.spread, [(row.part, row.offset) for row in plane.rows if row.part[0] in "ar"]
    (5, 1, [('a1', 0), ('a2', 0), ('a3', -1), ('r2', -1), ('r3', -2)])

    Cost: pairs of parts · rules² for the tables, then nodes · tokens. Source: this project's; the rules cover the
    couplings of Cho et al. 2024 (arXiv:2405.20671) for addition.
    """
    where = "dependencies.synthesize_rule"
    check_type(instances, (Mapping, Sequence), where, "instances", "instances by length", "For instance {2: a, 3: b}.")
    given = list(instances.values()) if isinstance(instances, Mapping) else list(instances)
    for j, instance in enumerate(given):
        check_parts(instance, where, f"instances[{j}]")
    check_convention(convention, where)
    for name, value, least in (("cap", cap, 1), ("offsets", offsets, 0), ("budget", budget, 1)):
        check_integer(value, where, name, least=least)
    got = f"{len(given)} instances of one length"
    fix = "At a single length a slope in the length cannot be told from an offset."
    several = len({len(instance.tokens) for instance in given}) > 1
    check(several, where, "instances", got=got, expected="instances of two lengths or more", fix=fix)
    check_integer(coordinates, where, "coordinates", least=1, most=2)
    if coordinates == 2:
        return plane_rule(given, cap=cap, convention=convention, offsets=offsets, budget=budget)
    return RuleSearch(given, cap, convention, offsets, budget).run()
