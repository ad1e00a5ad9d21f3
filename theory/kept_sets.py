"""What a head class tells apart of placements, and the kept sets that lead from one to another.

- What the class cannot tell apart is one *atom* (`atom_of`).
- Permutations of positions (or of clusters) that change neither where a kept set leads nor which sets are candidates
  map kernels to kernels of the same t, and so does averaging over them. So a kernel may be taken to depend on how many
  positions are kept between the planted ones (`_gap_options`), or on how many alike clusters are kept
  (`_part_options`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import comb, prod
from typing import Any, NamedTuple, TypeAlias

from theory.coordinates import Id, Ids, coordinates, joined
from theory.errors import CELLS, HUGE, shown, within_budget
from theory.exact import choose
from theory.heads import HeadClass
from theory.placements import SeenLaw, listed, n_listed
from theory.planted import PlantedLaw

WORK = 16
"""What a step of the search for kept sets counts in a budget, or an entry of the program: beside a pair that is listed,
about as much longer they take."""

NOISE, LAST = -1, -2
"""Marks of a position that holds no planted token; LAST where the anchor keeps it."""

Cluster: TypeAlias = tuple[tuple[Id, int], ...]
"""Positions that share candidate sets, last first: what the class sees of their IDs, and their marks (NOISE, LAST or the
planted coordinate)."""

Atom: TypeAlias = tuple[tuple[Cluster, int], ...]
"""A placement as the class sees it: its clusters, sorted, each with how many are alike. Without candidate sets: ()."""

Option: TypeAlias = tuple[tuple[tuple[Any, Fraction], ...], tuple[Fraction, ...]]
"""A law of kept sets: the training atoms that it leads to, and the share of each demand that survives."""


class Placement(NamedTuple):
    """A test placement as the kernels of a family tell it apart: its name, its probability, options and words for it."""

    name: Any
    p: Fraction
    options: list[Option]
    words: Callable[[], str]


class TooMuch(Exception):
    """The search for kept sets is longer than the budget."""


class Work:
    """Counts the steps of a search, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooMuch


# ── Atoms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def atom_of(heads: HeadClass, marks: Sequence[int], ids: Ids, known: dict[Cluster, Ids] | None = None) -> Atom:
    """What the class sees of a placement; `known` keeps IDs that each cluster had.

    No candidate set reaches over a gap between IDs that is wider than the window, or holds two positions where the
    arity is 1: such clusters share nothing, so that their arrangement plays no part, and neither do clusters without
    candidate sets. Within a cluster the candidates and keys are functions of what `_seen_ids` keeps, and so are those
    of every part of it. So all that a head does on an example is a function of its atom and of the tokens on the
    clusters, whose joint law with the label is a function of the marks.
    """
    clusters: Counter[Cluster] = Counter()
    for group in _groups(heads, ids):
        if heads.n_candidates([ids[i] for i in group]):
            own_ids = tuple(ids[i] for i in reversed(group))
            cluster = tuple(zip(_seen_ids(heads, own_ids), (marks[i] for i in reversed(group)), strict=True))
            clusters[cluster] += 1
            if known is not None:
                known.setdefault(cluster, own_ids)
    return tuple(sorted(clusters.items()))


def _groups(heads: HeadClass, ids: Ids) -> list[list[int]]:
    """The positions of each cluster, in order."""
    last, window = len(ids) - 1, heads.window
    if heads.anchor == "last":
        near = range(len(ids)) if heads.arity > 1 else [last]
        return [[i for i in near if heads.near(ids[i], ids[last])]]
    if heads.arity == 1:
        return [[i] for i in range(len(ids))]
    if window is None:
        return [list(range(len(ids)))]
    if isinstance(ids[0], tuple):
        return _connected(heads, ids)
    assert isinstance(window, int)
    order = sorted(range(len(ids)), key=lambda i: ids[i])
    cuts = [j for j in range(1, len(order)) if ids[order[j]] - ids[order[j - 1]] > window]
    return [sorted(order[a:b]) for a, b in pairwise([0, *cuts, len(order)])]


def _connected(heads: HeadClass, ids: Ids) -> list[list[int]]:
    """The positions that chains of near ones connect, for IDs of several coordinates."""
    groups: list[list[int]] = []
    for i, own in enumerate(ids):
        linked = [group for group in groups if any(heads.near(ids[j], own) for j in group)]
        groups = [group for group in groups if group not in linked]
        groups.append(sorted([i, *(j for group in linked for j in group)]))
    return groups


def _seen_ids(heads: HeadClass, ids: Ids) -> Ids:
    """The IDs of a cluster, last position first, up to what no head of the class can tell apart.

    Without a window, key order tells the rank of an ID among those before it, and whether it is new. With one, a set is
    a candidate where all its pairs are near, and the keys none and order tell of near pairs alone, two bits a pair here.
    An anchored pair is one with the last position. An entry is a function of the IDs up to it, so that equal tuples have
    equal beginnings. Of several coordinates, each is seen by itself.
    """
    if isinstance(ids[0], tuple):
        columns = coordinates(ids)
        parts = zip(heads.along(len(columns)), columns, strict=True)
        return joined([_seen_ids(part, column) for part, column in parts])
    window = heads.window
    assert not isinstance(window, tuple)
    if heads.key == "absolute":
        return ids
    if heads.key == "relative":
        return tuple(value - ids[0] for value in ids)
    if not heads.sees_ids:
        return (0,) * len(ids)

    def compared(other: int, own: int) -> int:
        return (other > own) - (other < own) + 2 if heads.key == "order" else 1

    if heads.anchor == "last" and heads.arity == 2:
        return tuple(compared(ids[0], own) for own in ids)
    codes: list[int] = []
    if window is None:
        ranked: list[int] = []
        for own in ids:
            rank = bisect_left(ranked, own)
            new = ranked[rank : rank + 1] != [own]
            codes.append(2 * rank + new)
            if new:
                ranked.insert(rank, own)
        return tuple(codes)
    order = sorted((own, i) for i, own in enumerate(ids))
    for i, own in enumerate(ids):
        near = order[bisect_left(order, (own - window, 0)) : bisect_left(order, (own + window + 1, 0))]
        codes.append(sum(compared(other, own) << 2 * (i - 1 - j) for other, j in near if j < i))
    return tuple(codes)


def placed(heads: HeadClass, laws: Sequence[SeenLaw]) -> Iterator[tuple[PlantedLaw, list[int], Ids, Fraction]]:
    """Every placement: its law, marks and IDs, with its probability."""
    for own in laws:
        law = own.law
        placements, total = listed(heads, law)
        for planted, ids, weight in placements:
            coordinate = {position: j for j, position in enumerate(planted)}
            marks = [coordinate.get(i, NOISE) for i in range(law.length)]
            if heads.anchor == "last" and marks[-1] == NOISE:
                marks[-1] = LAST
            yield law, marks, ids, own.p * weight / total


# ── Kept sets ────────────────────────────────────────────────────────────────────────────────────────────────────────


def every_kept_set(
    heads: HeadClass,
    train: Mapping[Atom, Fraction],
    trained: Sequence[SeenLaw],
    tested: Sequence[SeenLaw],
    work: Work,
    retain: bool,
) -> Iterator[Placement]:
    """Every kernel, up to averages that lose nothing."""
    words: dict[Atom, Callable[[], str]] = {}
    known: dict[Cluster, Ids] = {}
    test: defaultdict[Atom, Fraction] = defaultdict(Fraction)
    for law, marks, ids, p in placed(heads, tested):
        atom = atom_of(heads, marks, ids, known)
        test[atom] += p
        if atom not in words:
            words[atom] = partial(_described, heads, law, marks, ids, trained)
    gaps = has_gaps(heads)
    for atom, p in test.items():
        options: list[Option] = []
        if () in train and not (atom and retain):  # keep nothing: no candidate survives, and every head abstains
            options.append(((((), Fraction(1)),), (Fraction(1),)))
        if atom and gaps:
            options += _gap_options(heads, atom, train, work, retain)
        elif atom:
            options += _part_options(heads, atom, known, train, work, retain)
        yield Placement(atom, p, options, words[atom])


def _described(heads: HeadClass, law: PlantedLaw, marks: Sequence[int], ids: Ids, trained: Sequence[SeenLaw]) -> str:
    """A test placement in words."""
    planted = tuple(i for i, mark in enumerate(marks) if mark >= 0)
    own_ids = f" with the IDs {shown(ids)}" if heads.sees_ids else ""
    return f"S* = {shown(planted)} at length {law.length}{too_short(law.length, trained)}{own_ids}"


def too_short(length: int, trained: Sequence[SeenLaw]) -> str:
    return " (every training length exceeds it)" * all(own.law.length > length for own in trained)


def has_gaps(heads: HeadClass) -> bool:
    """Whether an atom is one cluster, and that the order of planted and other positions."""
    return not heads.sees_ids and heads.arity > 1


def _gaps(atom: Atom) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The marks that every kept set holds, in order, and how many other positions are before, between and after them."""
    cluster, _ = atom[0]
    marks = [mark for _, mark in cluster]
    must = [i for i, mark in enumerate(marks) if mark != NOISE]
    return tuple(marks[i] for i in must), tuple(b - a - 1 for a, b in pairwise([-1, *must, len(marks)]))


def _gap_options(
    heads: HeadClass, atom: Atom, train: Mapping[Atom, Fraction], work: Work, retain: bool
) -> list[Option]:
    """Uniform kept sets with given numbers of positions in the gaps: where a kept set leads is a function of these, and
    permutations within the gaps carry candidates to candidates. One of them survives with probability
    Π_j C(n_j, c_j) / C(m_j, c_j), for n_j of m_j positions kept and c_j of its own in the gap j."""
    must, sizes = _gaps(atom)
    demands = list(_wanted(heads, sizes, work)) if retain else [(0,) * len(sizes)]
    options: list[Option] = []
    for b in filter(None, train):
        same, kept = _gaps(b)
        if same == must and all(n <= m for n, m in zip(kept, sizes, strict=True)):
            work.spend(1 + len(demands))
            options.append((((b, Fraction(1)),), tuple(_survives(sizes, kept, wanted) for wanted in demands)))
        else:
            work.spend(1)
    return options


def _wanted(heads: HeadClass, sizes: Sequence[int], work: Work) -> Iterator[tuple[int, ...]]:
    """How a candidate set of as much noise as there can be spreads over the gaps: the demands that imply the others."""
    noise = most_noise(heads, sum(sizes))
    work.spend(choose(noise + len(sizes) - 1, noise))
    spread: list[tuple[int, ...]] = [()]
    for j, size in enumerate(sizes):
        rest = sum(sizes[j + 1 :])
        spread = [
            (*head, c)
            for head in spread
            for c in range(max(0, noise - sum(head) - rest), min(size, noise - sum(head)) + 1)
        ]
    return iter(spread)


def most_noise(heads: HeadClass, n_noise: int) -> int:
    """How many of the positions that are neither planted nor kept by the anchor a candidate set can hold."""
    return min(heads.arity - (heads.anchor == "last"), n_noise)


def _survives(sizes: Sequence[int], kept: Sequence[int], wanted: Sequence[int]) -> Fraction:
    numerator = prod(comb(n, c) for n, c in zip(kept, wanted, strict=True))
    return Fraction(numerator, prod(comb(m, c) for m, c in zip(sizes, wanted, strict=True)))


def _part_options(
    heads: HeadClass,
    atom: Atom,
    known: Mapping[Cluster, Ids],
    train: Mapping[Atom, Fraction],
    work: Work,
    retain: bool,
) -> list[Option]:
    """Parts of clusters that are clusters of training. Permuting alike clusters changes nothing, so of these only how
    many are cut to which part is chosen; a candidate set survives in as large a share of them as hold it."""
    most: Counter[Cluster] = Counter()  # no more of a kind is of any use
    for b in train:
        for cluster, number in b:
            most[cluster] = max(most[cluster], number)
    parts = [(_parts(heads, cluster, known[cluster], most, work), number) for cluster, number in atom]
    if retain:
        n_parts = 1 + sum(len(own) for own, _ in parts)
        work.spend(n_parts * sum(heads.n_candidates(known[cluster][::-1]) for cluster, _ in atom))
    demands = [
        [frozenset(len(cluster) - 1 - i for i in wanted) for wanted in heads.candidates(known[cluster][::-1])]
        if retain
        else []
        for cluster, _ in atom
    ]
    holds = [[[wanted <= kept for wanted in d] for _, kept in own] for (own, _), d in zip(parts, demands, strict=True)]

    options: list[Option] = []
    stack: list[tuple[Counter[Cluster], tuple[tuple[int, ...], ...]]] = [(Counter(), ())]
    while stack:
        made, chosen = stack.pop()
        if len(chosen) == len(parts):
            b = tuple(sorted((+made).items()))
            if b and b in train:
                work.spend(1 + sum(map(len, demands)))
                serves = [
                    Fraction(sum(n for n, held in zip(counts, holds[j], strict=True) if held[i]), parts[j][1])
                    for j, counts in enumerate(chosen)
                    for i in range(len(demands[j]))
                ]
                options.append((((b, Fraction(1)),), tuple(serves) or (Fraction(1),)))
            continue
        own, number = parts[len(chosen)]
        for counts in _counts(len(own), number):
            work.spend(1)
            total = made.copy()
            for n, (kinds, _) in zip(counts, own, strict=True):
                for kind in kinds if n else ():
                    total[kind] += n
            if all(total[kind] <= most[kind] for kind in total):
                stack.append((total, (*chosen, counts)))
    return options


def _counts(n_parts: int, number: int) -> Iterator[tuple[int, ...]]:
    """How many of `number` clusters are cut to each part; the others are dropped."""
    if number == 1:
        yield (0,) * n_parts
        yield from (tuple(int(i == j) for i in range(n_parts)) for j in range(n_parts))
    elif n_parts == 0:
        yield ()
    else:
        yield from ((n, *rest) for n in range(number + 1) for rest in _counts(n_parts - 1, number - n))


def _parts(
    heads: HeadClass, cluster: Cluster, ids: Ids, kinds: Iterable[Cluster], work: Work
) -> list[tuple[tuple[Cluster, ...], frozenset[int]]]:
    """Every set of places of the cluster that falls into clusters of these kinds, and into which.

    Within a window clusters are intervals of IDs, a gap wider than the window apart; else there is one. Of several
    coordinates, they are apart where no two of their positions are near.
    """
    pieces: list[tuple[Id, Id, Cluster, tuple[int, ...]]] = []  # lowest and highest ID, kind, places
    for kind in kinds:
        for chosen in _embeddings(heads, cluster, ids, kind, work):
            own_ids = [ids[i] for i in chosen]
            pieces.append((min(own_ids), max(own_ids), kind, chosen))
    if heads.anchor == "last" or heads.window is None:
        return [((kind,), frozenset(chosen)) for _, _, kind, chosen in pieces]
    pieces.sort()
    vectors, window = isinstance(ids[0], tuple), heads.window

    def apart(kept: Sequence[int], high: Id, low: Id, chosen: Sequence[int]) -> bool:
        if not vectors:
            return bool(low - high > window)
        work.spend(1 + len(kept) * len(chosen) // CELLS)
        return not any(heads.near(ids[i], ids[j]) for i in kept for j in chosen)

    found: list[tuple[tuple[Cluster, ...], frozenset[int]]] = []
    stack: list[tuple[Id, int, tuple[Cluster, ...], tuple[int, ...]]] = [
        (high, j, (kind,), chosen) for j, (_, high, kind, chosen) in enumerate(pieces)
    ]
    while stack:
        high, at, made, kept = stack.pop()
        work.spend(1)
        found.append((made, frozenset(kept)))
        stack += [
            (further, j, (*made, kind), (*kept, *chosen))
            for j, (low, further, kind, chosen) in enumerate(pieces[at + 1 :], start=at + 1)
            if apart(kept, high, low, chosen)
        ]
    return found


def _embeddings(heads: HeadClass, cluster: Cluster, ids: Ids, kind: Cluster, work: Work) -> Iterator[tuple[int, ...]]:
    """Every set of places of the cluster that is a cluster of the kind by itself; with the anchor the first is kept."""
    at: defaultdict[tuple[Id, int], list[int]] = defaultdict(list)
    with_mark: defaultdict[int, list[int]] = defaultdict(list)
    for place, (seen_id, mark) in enumerate(cluster):
        at[seen_id, mark].append(place)
        with_mark[mark].append(place)
    # Where IDs are seen as relations to those before; vectors, of which some coordinates are, are compared as these.
    related = heads.sees_ids and (heads.key in ("none", "order") or isinstance(ids[0], tuple))
    stack: list[tuple[int, ...]] = [()]
    while stack:
        chosen = stack.pop()
        if len(chosen) == len(kind):
            yield chosen
            continue
        seen_id, mark = kind[len(chosen)]
        if not chosen and heads.anchor == "last":
            fits = [0] if cluster[0] == kind[0] else []
        elif related or (not chosen and heads.key != "absolute"):
            fits = with_mark[mark]
        else:
            fits = at[seen_id + (cluster[chosen[0]][0] - kind[0][0] if chosen else 0), mark]
        for place in fits:
            work.spend(1 + len(chosen) // (1 if related else CELLS))
            if chosen and place <= chosen[-1]:
                continue
            longer = (*chosen, place)
            if not related or _seen_ids(heads, tuple(ids[i] for i in longer))[-1] == seen_id:
                stack.append(longer)


def runs_of_neighbours(
    heads: HeadClass,
    train: Mapping[Atom, Fraction],
    trained: Sequence[SeenLaw],
    tested: Sequence[SeenLaw],
    where: str,
    budget: int,
    retain: bool,
) -> Iterator[Placement]:
    """Kept sets that are runs of neighbouring positions, and where the class sees order alone, uniform kept sets too.

    Raises
    ------
    BudgetExceeded : when these are too many.
    """
    gaps, lengths, size = has_gaps(heads), sorted({own.law.length for own in trained}), 0
    for own in tested:
        n_runs = sum(max(own.law.length - n + 1, 0) for n in lengths)
        n_demands = 1
        if retain:
            k = own.law.ensemble.arity
            n_demands = choose(heads.arity + k, k) if gaps else own.candidates
        size += n_listed(heads, own.law) * (n_runs * (1 + n_demands) + gaps * len(train))
    within_budget(where, size=WORK * size, budget=budget)
    test: defaultdict[tuple[tuple[int, ...], Ids], Fraction] = defaultdict(Fraction)
    words: dict[tuple[tuple[int, ...], Ids], Callable[[], str]] = {}
    for law, marks, ids, p in placed(heads, tested):
        test[tuple(marks), ids] += p
        words[tuple(marks), ids] = partial(_described, heads, law, marks, ids, trained)
    for (seen, ids), p in test.items():
        options: list[Option] = []
        if gaps:
            options = _few_gap_options(heads, atom_of(heads, seen, ids), train, lengths, retain)
        else:
            demands = [set(wanted) for wanted in heads.candidates(ids)] if retain else []
            for n in lengths:
                for start in range(len(ids) - n + 1)[-1 if heads.anchor == "last" else 0 :]:
                    run = range(start, start + n)
                    b = atom_of(heads, seen[start : start + n], ids[start : start + n])
                    if b in train:
                        serves = tuple(Fraction(all(i in run for i in wanted)) for wanted in demands)
                        options.append((((b, Fraction(1)),), serves or (Fraction(1),)))
        yield Placement((seen, ids), p, options, words[seen, ids])


def _few_gap_options(
    heads: HeadClass, atom: Atom, train: Mapping[Atom, Fraction], lengths: Sequence[int], retain: bool
) -> list[Option]:
    """The runs of neighbours among `_gap_options`, averaged as there, and the uniform kept sets of each length."""
    if not atom:
        return [((((), Fraction(1)),), (Fraction(1),))] if () in train else []
    must, sizes = _gaps(atom)
    n_noise, noise = sum(sizes), most_noise(heads, sum(sizes))
    demands = list(_wanted(heads, sizes, Work(HUGE))) if retain else [(0,) * len(sizes)]
    alike = [
        (b, kept)
        for b, (same, kept) in ((b, _gaps(b)) for b in train if b)
        if same == must and all(n <= m for n, m in zip(kept, sizes, strict=True))
    ]
    options: list[Option] = [
        (((b, Fraction(1)),), tuple(_survives(sizes, kept, wanted) for wanted in demands))
        for b, kept in alike
        if kept[1:-1] == sizes[1:-1]
    ]
    for n in lengths:
        n_kept = n - len(must)
        lands = tuple(
            (b, Fraction(prod(map(comb, sizes, kept)), comb(n_noise, n_kept)))
            for b, kept in alike
            if sum(kept) == n_kept
        )
        if sum(p for _, p in lands) == 1:  # else some kept set leads to no training placement
            survives = Fraction(comb(n_kept, noise), comb(n_noise, noise)) if retain else Fraction(1)
            options.append((lands, (survives,) * len(demands)))
    return options
