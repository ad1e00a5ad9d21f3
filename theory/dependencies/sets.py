"""The dependency sets of an instance: as a graph, by convention, and how wide they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from theory.coordinates import Id, are_ids, width
from theory.errors import check, check_integers, check_one_of, check_type
from theory.tasks.base import Instance

if TYPE_CHECKING:
    import networkx as nx

Convention: TypeAlias = Literal["sources", "token", "query"]
"""What belongs to the set of a step besides its sources: nothing, the predicted position, or the one before it."""

Sets: TypeAlias = tuple[tuple[int, ...], ...]


def graph(instance: Instance) -> nx.DiGraph[int]:
    """The dependency graph: an edge s → t for every step t and every position s that it reads.

    Parameters
    ----------
    instance : nodes are its positions, with the attributes `token`, `id` and `part`; an edge has the attribute `slot`,
        the place of the source in the order in which the rule reads.

    Raises
    ------
    InvalidArgument : for anything but an instance.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> copied = graph(Copy(2).solve((0, 1, 2)))
    >>> list(copied.edges), copied.nodes[4]
    ([(0, 3), (1, 4)], {'token': 1, 'id': 1, 'part': 'output'})

    Cost: tokens + edges. Source: the sets D_t of section 4 of docs/theory.md.
    """
    import networkx as nx

    check_instance(instance, "dependencies.graph", "instance")
    made: nx.DiGraph[int] = nx.DiGraph()
    for i, (token, own) in enumerate(zip(instance.tokens, instance.ids, strict=True)):
        made.add_node(i, token=token, id=own, part=instance.parts[i] if instance.parts else "")
    for position, sources in instance.steps:
        for slot, source in enumerate(sources):
            made.add_edge(source, position, slot=slot)
    return made


def dependency_sets(instance: Instance, convention: Convention = "sources") -> Sets:
    """The set of every step, in order: its sources, with what the convention adds.

    Raises
    ------
    InvalidArgument : for anything but an instance, or an unknown convention.

    Examples
    --------
    >>> from theory.tasks import ScratchpadParity
    >>> instance = ScratchpadParity().solve((1, 0, 2))
    >>> dependency_sets(instance), dependency_sets(instance, "token"), dependency_sets(instance, "query")
    (((0, 2), (1, 3)), ((0, 2, 3), (1, 3, 4)), ((0, 2), (1, 3)))

    Cost: edges. Source: the conventions of Definition 2 in docs/theory.md.
    """
    where = "dependencies.dependency_sets"
    check_instance(instance, where, "instance")
    check_convention(convention, where)
    more = {"sources": (), "token": (0,), "query": (-1,)}[convention]
    return tuple(
        tuple(sorted({*step.sources, *(step.position + offset for offset in more)})) for step in instance.steps
    )


def spread(instance: Instance, convention: Convention = "sources", *, ids: Sequence[Id] | None = None) -> int:
    """The largest spread of a dependency set: max over steps of max p_S − min p_S, in the widest coordinate.

    Parameters
    ----------
    convention : what belongs to a set.
    ids : one ID a position; default: the instance's own. `range(len(instance.tokens))` measures in positions.

    Raises
    ------
    InvalidArgument : for an unknown convention, or IDs that are not one integer a position.

    Examples
    --------
    >>> from theory.tasks import Copy
    >>> instance = Copy(2).solve((0, 1, 1, 2))
    >>> spread(instance, "query"), spread(instance, "query", ids=range(7))
    (1, 3)

    Cost: edges. Source: Definition 3 in docs/theory.md.
    """
    sets = dependency_sets(instance, convention)
    values = instance.ids if ids is None else check_ids(ids, len(instance.tokens), "dependencies.spread")
    return widest(sets, values)


# ── Checks of arguments ──────────────────────────────────────────────────────────────────────────────────────────────


def widest(sets: Iterable[Sequence[int]], ids: Sequence[Id]) -> int:
    return max((width([ids[i] for i in s]) for s in sets), default=0)


def check_instance(value: object, where: str, argument: str) -> None:
    check_type(value, Instance, where, argument, "an Instance", "For instance next(task.instances(3)).")


def check_parts(instance: Instance, where: str, argument: str) -> None:
    check_instance(instance, where, argument)
    got, fix = "an instance without parts", "Let the task set Instance.parts."
    check(instance.parts, where, argument, got=got, expected="one part a position", fix=fix)


def check_convention(value: object, where: str) -> None:
    fix = "Use 'token' to couple outputs with their operands, 'query' for the window of a head."
    check_one_of(value, get_args(Convention), where, "convention", fix)


def check_ids(ids: Sequence[Id], n_positions: int, where: str) -> Sequence[Id]:
    if not (isinstance(ids, list | tuple) and are_ids(tuple(ids))):
        check_integers(ids, where, "ids")
    got = f"{len(ids)} IDs for {n_positions} positions"
    check(len(ids) == n_positions, where, "ids", got=got, expected="one a position", fix="For instance rule(instance).")
    return ids


def sets_of(value: object, convention: Convention, where: str) -> tuple[int, Sets]:
    """The number of positions, and the sets."""
    if isinstance(value, Instance):
        check_convention(convention, where)
        return len(value.tokens), dependency_sets(value, convention)
    argument, expected = "instance_or_sets", "an Instance or a list of sets of positions"
    check_type(value, (list, tuple), where, argument, expected, "[(0, 1), (1, 2)].")
    assert isinstance(value, list | tuple)
    sets = []
    for j, positions in enumerate(value):
        for j, positions in enumerate(value):
            each = f"{argument}[{j}]"
            check_type(positions, (list, tuple, set, frozenset), where, each, "a set of positions", "Write (0, 1).")
            check_integers(list(positions), where, each, least=0)
            sets.append(tuple(sorted(set(positions))))
        expected = "at least one set that is not empty"
        check(any(sets), where, argument, got="no positions", expected=expected, fix="Write [(0, 1)].")
    return 1 + max(s[-1] for s in sets if s), tuple(sets)
