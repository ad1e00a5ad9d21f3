"""Coupling one instance: IDs that make its dependency sets narrow, and a proof of how narrow they can be."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, pairwise, product

from theory.coordinates import Id, Ids, lowest, minus
from theory.dependencies.sets import Convention, Sets, sets_of, widest
from theory.errors import check_integer
from theory.tasks.base import Instance

NODES = 50_000
"""Nodes that the search visits unless `budget` says otherwise."""


@dataclass(frozen=True)
class Synthesis:
    """IDs for one instance, with a proven lower bound on the spread of any IDs under the same cap.

    `optimal` says that the two meet; `n_nodes` counts the nodes that the exact search visited.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> found = synthesize(Copy(2).solve((0, 1, 0, 2)), cap=3)
    >>> found.spread, found.lower_bound, found.optimal
    (0, 0, True)
    """

    ids: Ids
    spread: int
    lower_bound: int
    optimal: bool
    n_nodes: int


def lower_bound(
    instance_or_sets: Instance | Sequence[Sequence[int]],
    *,
    cap: int,
    convention: Convention = "token",
    coordinates: int = 1,
) -> int:
    """A spread that no IDs with at most `cap` tokens an ID can beat, by counting.

    Let d(u, v) be the number of sets on the shortest chain from u to v. Under spread w the IDs of u and v differ by at
    most w d(u, v), so a collection U of diameter d lies on d w + 1 IDs, and |U| <= cap (d w + 1). The bound is the best
    over all balls (of radius r about a position, diameter <= 2r; about a set, <= 2r + 1). With c coordinates there are
    (d w + 1)^c IDs.

    Parameters
    ----------
    instance_or_sets : an instance, or sets of positions.
    cap : the most tokens that may share an ID.
    convention : what belongs to the set of a step; for an instance.
    coordinates : of an ID; the spread is that of the widest one.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from theory.tasks import TASKS
    >>> [lower_bound(next(TASKS["addition, plain"].instances(n)), cap=3) for n in (2, 5, 8, 20)]
    [2, 4, 6, 14]
    >>> [lower_bound(next(TASKS["addition, plain"].instances(n)), cap=3, coordinates=2) for n in (2, 5, 8, 20)]
    [1, 2, 2, 3]

    Cost: positions² · diameter / 64, and the sizes of the sets. Source: the density bound on the bandwidth of graphs
    (Chvátal; Chinn, Chvátalová, Dewdney and Gibbs 1982), with a capacity.
    """
    where = "dependencies.lower_bound"
    n_positions, sets = sets_of(instance_or_sets, convention, where)
    check_integer(cap, where, "cap", least=1)
    check_integer(coordinates, where, "coordinates", least=1)
    return max((part.bound(cap, coordinates) for part in _components(n_positions, sets)), default=0)


def synthesize(
    instance_or_sets: Instance | Sequence[Sequence[int]],
    *,
    cap: int,
    convention: Convention = "token",
    coordinates: int = 1,
    budget: int = NODES,
) -> Synthesis:
    """IDs that minimise the largest spread of a dependency set, with at most `cap` tokens an ID.

    Sets that share no position are solved apart. For each spread w from the lower bound on, a search with bounds on
    every ID decides whether w is possible; capacity prunes it, since tokens whose IDs are confined to intervals must
    fit in there. Within the budget the result is optimal; beyond it the best of several fillings (breadth-first orders,
    then local improvement) comes with the bound that was proved. The IDs are checked by a few lines that share nothing
    with the search.

    IDs of several coordinates, whose spread is that of the widest one, are found by a plain search: a position after the
    other, breadth-first, gets an ID within w of those that it shares a set with. Where one coordinate is as narrow, the
    others are constant.

    Parameters
    ----------
    instance_or_sets : an instance, or sets of positions 0, 1, ...
    cap : the most tokens that may share an ID.
    convention : what belongs to the set of a step; for an instance.
    coordinates : of an ID.
    budget : nodes that the search may visit.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> synthesize(Copy(2).solve((0, 1, 1, 2)), cap=2)
    Synthesis(ids=(0, 1, 2, 3, 0, 1, 2), spread=0, lower_bound=0, optimal=True, n_nodes=0)
    >>> synthesize([(0, 1, 2), (2, 3), (3, 4), (4, 0)], cap=1).spread
    2
    >>> synthesize([(0, 1, 2, 3)], cap=1).spread, synthesize([(0, 1, 2, 3)], cap=1, coordinates=2).ids
    (3, ((1, 1), (0, 1), (1, 0), (0, 0)))

    Cost: nodes · (positions + edges), and positions² · sets for the fillings. Source: branch and bound for the
    bandwidth of graphs, with a capacity; the local search and the pruning are this project's.
    """
    where = "dependencies.synthesize"
    n_positions, sets = sets_of(instance_or_sets, convention, where)
    check_integer(cap, where, "cap", least=1)
    check_integer(budget, where, "budget", least=0)
    check_integer(coordinates, where, "coordinates", least=1)
    parts = _components(n_positions, sets)
    if coordinates > 1:
        return _in_space(parts, n_positions, sets, cap, coordinates, budget)
    return _on_a_line(parts, n_positions, sets, cap, budget)


def _on_a_line(parts: Sequence[_Component], n_positions: int, sets: Sets, cap: int, budget: int) -> Synthesis:
    proved, n_nodes = max((part.bound(cap) for part in parts), default=0), 0
    layouts = [part.filling(cap, proved) for part in parts]
    # A part matters only while it is wider than what is proved of another one. The widest is searched first.
    order = sorted(range(len(parts)), key=lambda j: (-parts[j].width(layouts[j]), len(parts[j].members)))
    for j in order:
        layouts[j], lowest, used = parts[j].improve(layouts[j], cap, proved, budget - n_nodes)
        proved, n_nodes = max(proved, lowest), n_nodes + used
    ids = [0] * n_positions
    free = 0
    for part, layout in zip(parts, layouts, strict=True):
        least, most = min(layout), max(layout)
        mirrored = layout[0] + layout[0] > least + most  # the first position gets one of the smaller IDs
        for member, value in zip(part.members, layout, strict=True):
            ids[member] = free + (most - value if mirrored else value - least)
        free += most - least + 1
    found = verified(sets, tuple(ids), cap)
    return Synthesis(tuple(ids), found, proved, found == proved, n_nodes)


def verified(sets: Sets, ids: Ids, cap: int) -> int:
    """The spread of IDs that keep the cap: the trusted check of what a search found."""
    if Counter(ids).most_common(1)[0][1] > cap:
        raise AssertionError(f"more than {cap} tokens share an ID in {ids}")
    columns = zip(*ids, strict=True) if isinstance(ids[0], tuple) else [ids]
    return max((max(own[i] for i in s) - min(own[i] for i in s) for own in columns for s in sets if s), default=0)


def _in_space(
    parts: Sequence[_Component], n_positions: int, sets: Sets, cap: int, coordinates: int, budget: int
) -> Synthesis:
    """`synthesize` in several coordinates: from the bound upwards, until a spread is possible, or the budget is spent."""
    line = _on_a_line(parts, n_positions, sets, cap, 0)
    best = tuple((i, *[0] * (coordinates - 1)) for i in line.ids)
    proved, n_nodes, settled = max((part.bound(cap, coordinates) for part in parts), default=0), 0, True
    for width in range(proved, line.spread):
        layouts = []
        for part in parts:  # half of what is left, so that a spread that cannot be settled leaves some for the next
            layout, used, final = part.search_in_space(width, cap, coordinates, (budget - n_nodes) // 2)
            n_nodes, settled = n_nodes + used, settled and final
            if layout is None:
                break
            layouts.append(layout)
        if len(layouts) == len(parts):
            best = _side_by_side(parts, layouts, n_positions)
            break
        proved += settled
    found = verified(sets, best, cap)
    return Synthesis(best, found, proved, found == proved, n_nodes)


def _side_by_side(parts: Sequence[_Component], layouts: Sequence[Sequence[Id]], n_positions: int) -> Ids:
    """One layout behind the other, along the first coordinate; every coordinate counts from 0."""
    ids: list[Id] = [0] * n_positions
    free = 0
    for part, layout in zip(parts, layouts, strict=True):
        corner = lowest(layout)
        for member, value in zip(part.members, layout, strict=True):
            first, *others = minus(value, corner)
            ids[member] = (free + first, *others)
        free = 1 + max(ids[member][0] for member in part.members)
    return tuple(ids)


@dataclass(frozen=True)
class _Component:
    """Positions that chains of sets connect; inside, they are numbered 0, 1, ... in order."""

    members: tuple[int, ...]
    sets: Sets
    near: tuple[int, ...] = field(init=False)
    """For every position the bit mask of those that share a set with it."""

    def __post_init__(self) -> None:
        near = [0] * len(self.members)
        for positions in self.sets:
            mask = sum(1 << i for i in positions)
            for i in positions:
                near[i] |= mask & ~(1 << i)
        object.__setattr__(self, "near", tuple(near))

    def width(self, ids: Sequence[int]) -> int:
        return widest(self.sets, ids)

    def balls(self) -> list[list[int]]:
        """For every position the masks of what lies within 0, 1, 2, ... sets of it, up to everything."""
        found = []
        for i in range(len(self.members)):
            balls, frontier = [1 << i], 1 << i
            while frontier:
                reached = 0
                for j in _bits(frontier):
                    reached |= self.near[j]
                frontier = reached & ~balls[-1]
                if frontier:
                    balls.append(balls[-1] | frontier)
            found.append(balls)
        return found

    def bound(self, cap: int, coordinates: int = 1) -> int:
        """The bound of `lower_bound`."""
        balls = self.balls()
        diameter = max(map(len, balls)) - 1
        best = _least_width(len(self.members), diameter, cap, coordinates)  # what is that wide counts no better
        for own in balls:
            for r in range(1, (diameter + 1) // 2):
                best = max(best, _least_width(own[r].bit_count(), 2 * r, cap, coordinates))
        for positions in self.sets:
            for r in range(diameter // 2):
                union = 0
                for i in positions:
                    union |= balls[i][r]
                best = max(best, _least_width(union.bit_count(), 2 * r + 1, cap, coordinates))
        return best

    def filling(self, cap: int, enough: int) -> list[int]:
        """A good layout: breadth-first and centred orders, `cap` positions an ID, then local improvement of the best.

        A spread of `enough` or less ends the work.
        """
        size = len(self.members)
        near = [tuple(_bits(mask)) for mask in self.near]
        starts: Iterable[int] = range(size)
        if size > 60:  # the ends of a long part, and some in between
            far = _breadth_first(near, _breadth_first(near, 0)[-1])
            starts = dict.fromkeys((far[0], far[-1], *range(0, size, size // 10)))
        widths: dict[tuple[int, ...], int] = {}
        for start in starts:
            order = _breadth_first(near, start)
            for _ in range(4):  # then every position moves to the middle of those that share a set with it
                layout = [0] * size
                for rank, i in enumerate(order):
                    layout[i] = rank // cap
                widths[tuple(layout)] = self.width(layout)
                if widths[tuple(layout)] <= enough:
                    return layout
                place = {i: rank for rank, i in enumerate(order)}
                ends = [[place[j] for j in (i, *near[i])] for i in range(size)]
                order.sort(key=lambda i: min(ends[i]) + max(ends[i]))
        best = sorted(widths, key=lambda layout: (widths[layout], layout))[:10]
        improved = [self.local_search(list(layout), cap) for layout in best]
        return min(improved, key=lambda layout: (self.width(layout), layout))

    def local_search(self, ids: list[int], cap: int, evaluations: int = 5_000) -> list[int]:
        """Move a position, or swap two, while fewer sets are widest, or as many and the sum of squares falls."""
        of: list[list[int]] = [[] for _ in ids]
        for j, positions in enumerate(self.sets):
            for i in positions:
                of[i].append(j)
        widths = [widest((positions,), ids) for positions in self.sets]

        def better(i: int, value: int, other: int | None) -> bool:
            """Carry the move out, and keep it if it is an improvement."""
            affected = {*of[i], *(of[other] if other is not None else ())}
            old, most = ids[i], max(widths)
            before = _crowd([widths[j] for j in affected], most)
            ids[i] = value
            if other is not None:
                ids[other] = old
            after = {j: widest((self.sets[j],), ids) for j in affected}
            if _crowd(after.values(), most) < before:
                for j, wide in after.items():
                    widths[j] = wide
                return True
            ids[i] = old
            if other is not None:
                ids[other] = value
            return False

        moved = True
        while moved and max(widths, default=0) > 0:
            moved = False
            for i, value in list(self._moves(ids, widths)):
                there = [k for k, own in enumerate(ids) if own == value and k != i]
                for other in (*([None] if len(there) < cap else []), *there):
                    evaluations -= 1
                    if evaluations < 0:
                        return ids
                    if better(i, value, other):
                        moved = True
                        break
                if moved:
                    break
        return ids

    def _moves(self, ids: Sequence[int], widths: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The ends of the widest sets, and IDs further in."""
        for positions, wide in zip(self.sets, widths, strict=True):
            if wide == max(widths):
                low, high = min(ids[i] for i in positions), max(ids[i] for i in positions)
                for i in positions:
                    if ids[i] == low:
                        yield from ((i, value) for value in range(low + 1, high + 1))
                    elif ids[i] == high:
                        yield from ((i, value) for value in range(high - 1, low - 1, -1))

    def improve(self, layout: list[int], cap: int, proved: int, budget: int) -> tuple[list[int], int, int]:
        """Search below a layout: the best one, a lower bound on the spread of all parts, and the nodes visited.

        Half of the budget goes to proofs, from the bound upwards; the rest to better layouts, from the best downwards.
        """
        n_nodes, wide = 0, self.width(layout)
        while wide > proved:  # upwards: every spread that is refuted raises the bound
            found, used, settled = self.search(proved, cap, budget // 2 - n_nodes)
            n_nodes += used
            if found:
                return found, proved, n_nodes
            if not settled:
                break
            proved += 1
        while wide > proved:  # downwards
            found, used, settled = self.search(wide - 1, cap, budget - n_nodes)
            n_nodes += used
            if found:
                layout, wide = found, self.width(found)
            elif settled:
                proved = wide
            else:
                break
        return layout, proved, n_nodes

    def search_in_space(self, width: int, cap: int, coordinates: int, budget: int) -> tuple[list[Id] | None, int, bool]:
        """As `search`, in several coordinates: a position after the other, breadth-first from the first one.

        Shifts change nothing, so the first position stays at 0. The IDs nearest to those given come first.
        """
        near = [tuple(_bits(mask)) for mask in self.near]
        order = _breadth_first(near, 0)
        place = {i: j for j, i in enumerate(order)}
        before = [[j for j in near[i] if place[j] < place[i]] for i in order]
        ids: list[Id] = [None] * len(order)
        ids[0] = (0,) * coordinates
        used, n_nodes, at = Counter[Id](ids[:1]), 0, 1

        def options(at: int) -> Iterator[Id]:
            given = [ids[j] for j in before[at]]
            spans = [range(max(own) - width, min(own) + width + 1) for own in zip(*given, strict=True)]

            def far(id_: Id) -> tuple[int, int, Id]:
                return sum(sum(map(abs, minus(id_, other))) for other in given), sum(map(abs, id_)), id_

            return iter(sorted(product(*spans), key=far))

        stack = [options(1)] if len(order) > 1 else []
        while stack:
            if (id_ := next(stack[-1], None)) is None:
                stack.pop()
                at -= 1
                if stack:
                    used[ids[order[at]]] -= 1
                continue
            if used[id_] >= cap:
                continue
            if n_nodes >= budget:
                return None, n_nodes, False
            n_nodes += 1
            ids[order[at]] = id_
            if at + 1 == len(order):
                return ids, n_nodes, True
            used[id_] += 1
            at += 1
            stack.append(options(at))
        return (ids, n_nodes, True) if len(order) == 1 else (None, n_nodes, True)

    def search(self, width: int, cap: int, budget: int) -> tuple[list[int] | None, int, bool]:
        """A layout of at most this spread, or None; the nodes visited; and whether the answer is final.

        Every position has an interval of IDs. The tightest is split, breadth-first from the middle at a tie; the sets
        carry bounds on; and the intervals must have room for all (`earliest`). Positions in the same sets are
        interchangeable, so their IDs are taken in order.
        """
        size = len(self.members)
        near = [tuple(_bits(mask)) for mask in self.near]
        reach = [_distances(near, i) for i in range(size)]
        middle = min(range(size), key=lambda i: (sum(reach[i]), i))
        rank = {i: j for j, i in enumerate(_breadth_first(near, middle))}
        twins: dict[tuple[bool, int], list[int]] = {}
        for i in range(size):
            twins.setdefault((True, self.near[i] | 1 << i), []).append(i)
            twins.setdefault((False, self.near[i]), []).append(i)
        after = {a: b for group in twins.values() for a, b in pairwise(group)}
        before = {b: a for a, b in after.items()}
        low = [-width * distance for distance in reach[middle]]
        high = [width * distance for distance in reach[middle]]
        alone = [i for i in range(size) if i not in after and i not in before]
        if middle in alone and len(alone) > 1:  # a layout or its mirror image, with interchangeable IDs sorted anew
            low[min((i for i in alone if i != middle), key=rank.__getitem__)] = 0

        def narrow(low: list[int], high: list[int], start: Iterable[int]) -> bool:
            waiting = deque(start)
            while waiting:
                i = waiting.popleft()
                bounds = [(j, low[i] - width, high[i] + width) for j in near[i]]
                if i in after:
                    bounds.append((after[i], low[i], high[after[i]]))
                if i in before:
                    bounds.append((before[i], low[before[i]], high[i]))
                for j, least, most in bounds:
                    if least > low[j] or most < high[j]:
                        low[j], high[j] = max(low[j], least), min(high[j], most)
                        if low[j] > high[j]:
                            return False
                        waiting.append(j)
            return True

        n_nodes = 0
        stack = [(low, high)] if narrow(low, high, range(size)) else []
        while stack:
            if n_nodes >= budget:
                return None, n_nodes, False
            n_nodes += 1
            low, high = stack.pop()
            fitted = earliest(low, high, cap)
            if fitted is None:
                continue
            if self.width(fitted) <= width:
                return fitted, n_nodes, True
            i = min((i for i in range(size) if low[i] < high[i]), key=lambda i: (high[i] - low[i], rank[i]))
            for value in sorted(range(low[i], high[i] + 1), key=lambda value: (-abs(value - fitted[i]), value)):
                child_low, child_high = low.copy(), high.copy()
                child_low[i] = child_high[i] = value
                if narrow(child_low, child_high, (i,)):
                    stack.append((child_low, child_high))
        return None, n_nodes, True


def earliest(low: Sequence[int], high: Sequence[int], cap: int) -> list[int] | None:
    """IDs within intervals, at most `cap` each, by the earliest deadline; None exactly when there are none."""
    order = sorted(range(len(low)), key=low.__getitem__)
    fitted, waiting, at, value = [0] * len(low), list[tuple[int, int]](), 0, 0
    while waiting or at < len(order):
        if not waiting:
            value = low[order[at]]
        while at < len(order) and low[order[at]] <= value:
            heappush(waiting, (high[order[at]], order[at]))
            at += 1
        for _ in range(min(cap, len(waiting))):
            deadline, i = heappop(waiting)
            if deadline < value:
                return None
            fitted[i] = value
        value += 1
    return fitted


def _crowd(widths: Iterable[int], most: int) -> tuple[int, int, int]:
    """How bad some widths are: those beyond `most`, those that attain it, and the sum of squares."""
    given = list(widths)
    return sum(w > most for w in given), given.count(most), sum(w * w for w in given)


def _least_width(size: int, diameter: int, cap: int, coordinates: int = 1) -> int:
    """The least w with size <= cap (diameter · w + 1)^coordinates."""
    if not diameter:
        return 0
    needed = -(-size // cap)
    side = needed if coordinates == 1 else next(side for side in count(1) if side**coordinates >= needed)
    return -(-(side - 1) // diameter)


def _components(n_positions: int, sets: Sets) -> list[_Component]:
    """The connected parts, by their first position; a set inside another one adds nothing."""
    sorted_sets = sorted({frozenset(s) for s in sets if len(s) > 1}, key=lambda s: (-len(s), sorted(s)))
    widest: list[frozenset[int]] = []
    for s in sorted_sets:
        if not any(s <= other for other in widest):
            widest.append(s)
    parent = list(range(n_positions))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for s in widest:
        first, *others = sorted(s)
        for other in others:
            a, b = root(first), root(other)
            parent[max(a, b)] = min(a, b)
    members: dict[int, list[int]] = {}
    for i in range(n_positions):
        members.setdefault(root(i), []).append(i)
    own: dict[int, list[frozenset[int]]] = {}
    for s in widest:
        own.setdefault(root(min(s)), []).append(s)
    parts = []
    for first, positions in members.items():
        number = {i: j for j, i in enumerate(positions)}
        inside = sorted(tuple(sorted(number[i] for i in s)) for s in own.get(first, ()))
        parts.append(_Component(tuple(positions), tuple(inside)))
    return parts


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _breadth_first(near: Sequence[Sequence[int]], start: int) -> list[int]:
    """Breadth-first order, the neighbours of fewest neighbours first (Cuthill and McKee)."""
    order, seen = [start], {start}
    for i in order:
        for j in sorted(near[i], key=lambda j: (len(near[j]), j)):
            if j not in seen:
                seen.add(j)
                order.append(j)
    return order


def _distances(near: Sequence[Sequence[int]], start: int) -> list[int]:
    found = {start: 0}
    order = [start]
    for i in order:
        for j in near[i]:
            if j not in found:
                found[j] = found[i] + 1
                order.append(j)
    return [found[i] for i in range(len(near))]
