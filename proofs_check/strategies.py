"""Hypothesis strategies for the nouns of the theory; they shrink to what a person would write.

They read like Hypothesis' own: bounds are keyword arguments, inclusive, and bounds that cannot be met are refused when a
value is drawn. `st.from_type` knows the types without an import of this module: `PlantedEnsemble`, `Example`, `HardHead`,
`HeadClass`, `PositionScheme`, `Instance` and `Task`.

>>> import hypothesis
>>> from theory.tasks import Reverse
>>> def distinct(instance):
...     return len(set(instance.tokens[:3])) == 3
>>> reverse = Reverse(3)
>>> reverse.text(hypothesis.find(task_instances(reverse), distinct).tokens)
'ab>ba'
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from theory import Example, HardHead, HeadClass, InvalidArgument, PlantedEnsemble, View, positions, support
from theory.coordinates import Ids, joined
from theory.dependencies import graph
from theory.errors import check_type, shown
from theory.examples import Label
from theory.heads import Anchor, Key
from theory.positions import PositionScheme
from theory.support import SupportLaw
from theory.tasks import TASKS, Instance, Step, Task

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T")

KEYS: tuple[Key, ...] = get_args(Key)
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)

LISTED = 10_000
"""Instances of a task without `choices` are drawn by their number up to so many, and beyond at random."""


def _bounds(where: str, what: str, least: int, low: int, high: int | None) -> None:
    """Refuse bounds that no value meets."""
    for name, value in ((f"min_{what}", low), (f"max_{what}", low if high is None else high)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidArgument(
                where, name, got=shown(value), expected=f"an integer >= {least}", fix=f"For instance {name}={least}."
            )
    if high is not None and low > high:
        raise InvalidArgument(
            where,
            f"max_{what}",
            got=f"bounds {low}..{high}",
            expected=f"bounds with min_{what} <= max_{what}",
            fix="Swap them.",
        )


def _some_of(where: str, name: str, given: Sequence[T], known: Sequence[T]) -> None:
    if not given or not set(given) <= set(known):
        raise InvalidArgument(
            where,
            name,
            got=shown(given),
            expected=f"some of {', '.join(map(repr, known))}",
            fix=f"Leave {name} out for all of them.",
        )


# ── Ensembles, examples, schemes ─────────────────────────────────────────────────────────────────────────────────────


@st.composite
def laws_on(draw: DrawFn, items: Sequence[T], *, max_weight: int = 3) -> dict[T, Fraction]:
    """Exact laws with full support on the given items: small integer weights, normalised."""
    weights = draw(st.lists(st.integers(1, max_weight), min_size=len(items), max_size=len(items)))
    return {item: Fraction(weight, sum(weights)) for item, weight in zip(items, weights, strict=True)}


@st.composite
def planted_ensembles(
    draw: DrawFn,
    *,
    min_arity: int = 1,
    max_arity: int = 2,
    min_vocabulary: int = 2,
    max_vocabulary: int = 3,
    max_words: int = 4,
    max_labels: int = 2,
    supports: SearchStrategy[SupportLaw] | None = None,
) -> PlantedEnsemble:
    """Planted ensembles with random planted words, targets, laws and support law.

    Parameters
    ----------
    max_words : how many planted words at most.
    max_labels : how many labels at most; some may belong to no word.
    supports : of the support law; default: `support_laws()`.

    Examples
    --------
    >>> import hypothesis
    >>> dict(hypothesis.find(planted_ensembles(), lambda ensemble: len(set(ensemble.target.values())) == 2).target)
    {(0,): 0, (1,): 1}
    """
    where = "planted_ensembles"
    _bounds(where, "arity", 1, min_arity, max_arity)
    _bounds(where, "vocabulary", 1, min_vocabulary, max_vocabulary)
    _bounds(where, "words", 1, 1, max_words)
    _bounds(where, "labels", 1, 1, max_labels)
    arity = draw(st.integers(min_arity, max_arity))
    vocabulary = draw(st.integers(min_vocabulary, max_vocabulary))
    tokens = st.integers(0, vocabulary - 1)
    most = min(max_words, vocabulary**arity)
    words = draw(st.lists(st.tuples(*[tokens] * arity), min_size=1, max_size=most, unique=True))
    labels = tuple(range(draw(st.integers(1, max_labels))))
    noise = draw(st.lists(tokens, min_size=1, max_size=vocabulary, unique=True))
    background = draw(laws_on(noise))
    target: dict[tuple[int, ...], Label] = {word: draw(st.sampled_from(labels)) for word in words}
    law = draw(support_laws() if supports is None else supports)
    return PlantedEnsemble(
        vocabulary, [background.get(t, 0) for t in range(vocabulary)], draw(laws_on(words)), target, law, labels
    )


def support_laws() -> SearchStrategy[SupportLaw]:
    """Uniform (anchored or not), local and paired support laws; paired ones are undefined at some lengths."""
    return st.one_of(
        st.just(support.uniform()),
        st.builds(support.local, st.integers(1, 2)),
        st.just(support.uniform("last")),
        st.just(support.paired()),
    )


@st.composite
def examples(
    draw: DrawFn,
    *,
    min_length: int = 1,
    max_length: int = 3,
    vocabulary: int = 2,
    n_labels: int = 2,
    ids: SearchStrategy[int] | None = None,
) -> Example:
    """Examples with few tokens, labels and IDs, so that views repeat across them.

    Parameters
    ----------
    vocabulary, n_labels : tokens are 0..vocabulary-1, labels 0..n_labels-1.
    ids : of every position ID, in any order and with repeats; default: 0 or 1.

    Examples
    --------
    >>> import hypothesis
    >>> hypothesis.find(examples(), lambda example: example.length == 2 and example.label)
    Example(tokens=(0, 0), ids=(0, 0), label=1)
    """
    where = "strategies.examples"
    _bounds(where, "length", 1, min_length, max_length)
    for name, value in (("vocabulary", vocabulary), ("n_labels", n_labels)):
        if value < 1:
            raise InvalidArgument(
                where, name, got=shown(value), expected="an integer >= 1", fix="There must be something to draw."
            )
    pairs = st.tuples(st.integers(0, vocabulary - 1), st.integers(0, 1) if ids is None else ids)
    tokens, own = zip(*draw(st.lists(pairs, min_size=min_length, max_size=max_length)), strict=True)
    return Example(tokens, own, draw(st.integers(0, n_labels - 1)))


def position_schemes(*, max_id: int = 6) -> SearchStrategy[PositionScheme]:
    """Every kind of position scheme with small ranges; some are undefined at some lengths.

    Parameters
    ----------
    max_id : the greatest ID of the schemes with a range of their own; an integer >= 2.
    """
    return st.deferred(lambda: _position_schemes(max_id))


def _position_schemes(max_id: int) -> SearchStrategy[PositionScheme]:
    _bounds("position_schemes", "id", 2, 2, max_id)
    last = st.integers(max_id - 2, max_id)
    plain: SearchStrategy[PositionScheme] = st.one_of(
        st.just(positions.absolute()),
        st.builds(positions.random_shift, st.integers(0, 1), st.integers(1, 2)),
        st.builds(positions.random_ordered, st.just(0), last),
        st.builds(positions.chunked_shift, st.just(0), last, st.integers(1, 2)),
    )
    return st.one_of(plain, st.builds(positions.coupled, st.builds(positions.blocks, st.just(2)), plain))


# ── Heads ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def head_classes(
    draw: DrawFn,
    *,
    min_arity: int = 1,
    max_arity: int = 2,
    max_window: int = 2,
    keys: Sequence[Key] = KEYS,
    anchors: Sequence[Anchor] = ANCHORS,
    at_most: bool = False,
) -> HeadClass:
    """Head classes with any window up to `max_window` or none, and any of the keys and anchors.

    With `at_most` also those of arity at most k, which most claims do not speak of.
    """
    where = "head_classes"
    _bounds(where, "arity", 1, min_arity, max_arity)
    _bounds(where, "window", 0, 0, max_window)
    _some_of(where, "keys", keys, KEYS)
    _some_of(where, "anchors", anchors, ANCHORS)
    arity, window = draw(st.integers(min_arity, max_arity)), draw(st.none() | st.integers(0, max_window))
    key, anchor = draw(st.sampled_from(keys)), draw(st.sampled_from(anchors))
    return HeadClass(arity, window, key, anchor, at_most and draw(st.booleans()))


@st.composite
def heads(
    draw: DrawFn,
    classes: SearchStrategy[HeadClass] | HeadClass | None = None,
    *,
    min_views: int = 0,
    max_views: int = 4,
    vocabulary: int = 2,
    max_offset: int = 2,
    n_labels: int = 2,
) -> HardHead:
    """Hard heads: a class, and a few selected views of it, each with a label.

    Parameters
    ----------
    classes : the class, or a strategy for it; default: `head_classes()`.
    min_views, max_views : how many views are selected.
    vocabulary, n_labels : tokens are 0..vocabulary-1, answers 0..n_labels-1.
    max_offset : the greatest distance of two IDs in a view.

    Examples
    --------
    >>> import hypothesis
    >>> pairs = HeadClass(2, 1, "relative")
    >>> head = hypothesis.find(heads(pairs), lambda head: 1 in head.answers.values())
    >>> dict(head.answers)
    {View(tokens=(0, 0), key=(0, 0)): 1}
    """
    where = "heads"
    _bounds(where, "views", 0, min_views, max_views)
    for name, value, least in (("vocabulary", vocabulary, 1), ("n_labels", n_labels, 1), ("max_offset", max_offset, 0)):
        if value < least:
            raise InvalidArgument(
                where, name, got=shown(value), expected=f"an integer >= {least}", fix=f"For instance {name}={least}."
            )
    own = classes if isinstance(classes, HeadClass) else draw(head_classes() if classes is None else classes)
    parts = own.along(own.n_coordinates or 1)
    reach = [min(part.window, max_offset) if isinstance(part.window, int) else max_offset for part in parts]
    sizes = range(1 if own.at_most else own.arity, own.arity + 1)
    most = sum(vocabulary**k for k in sizes)
    if own.key == "none" and min_views > most:
        raise InvalidArgument(
            where,
            "min_views",
            got=shown(min_views),
            expected=f"at most {most}, as many as the class has",
            fix="Raise the vocabulary.",
        )

    def keys(k: int) -> SearchStrategy[Ids]:
        return st.tuples(*(_words(k, most + 1) for most in reach)).map(joined).map(own.key_of)

    views = st.one_of([st.builds(View, _words(k, vocabulary), keys(k)) for k in sizes])
    labels = st.integers(0, n_labels - 1)
    return HardHead(own, draw(st.dictionaries(views, labels, min_size=min_views, max_size=max_views)))


def _words(length: int, size: int) -> SearchStrategy[tuple[int, ...]]:
    """Words over 0..size-1, each a single choice: the shrinker deletes only what takes few of them."""
    return st.integers(0, size**length - 1).map(lambda n: tuple(n // size**i % size for i in range(length))[::-1])


# ── Tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def instances(
    draw: DrawFn,
    *,
    min_length: int = 2,
    max_length: int = 6,
    max_sources: int = 3,
    vocabulary: int = 2,
    ids: SearchStrategy[int] | None = None,
) -> Instance:
    """Reference sequences of no task in particular: any tokens, IDs and dependency sets.

    Parameters
    ----------
    min_length, max_length : of the sequence, prompt and output.
    max_sources : how many tokens a step reads at most.
    vocabulary : tokens are 0..vocabulary-1.
    ids : of every position ID; default: 0..3.

    Examples
    --------
    >>> import hypothesis
    >>> hypothesis.find(instances(), lambda instance: instance.steps[0].sources)
    Instance(tokens=(0, 0), ids=(0, 0), steps=(Step(position=1, sources=(0,)),), given=(), parts=())
    """
    where = "strategies.instances"
    _bounds(where, "length", 2, min_length, max_length)
    _bounds(where, "sources", 0, 0, max_sources)
    _bounds(where, "vocabulary", 1, 1, vocabulary)
    pairs = st.tuples(st.integers(0, vocabulary - 1), st.integers(0, 3) if ids is None else ids)
    back = st.lists(st.integers(0, max_length - 2), max_size=max_sources)  # how far before the token before it
    prompt = draw(st.lists(pairs, min_size=1, max_size=max_length - 1))
    n = len(prompt)
    output = draw(st.lists(st.tuples(pairs, back), min_size=max(1, min_length - n), max_size=max_length - n))
    tokens, own = zip(*prompt, *(pair for pair, _ in output), strict=True)
    steps = (
        Step(position, tuple(dict.fromkeys(position - 1 - i % position for i in distances)))
        for position, (_, distances) in enumerate(output, n)
    )
    return Instance(tokens, own, tuple(steps))


def dependency_graphs(
    *, min_length: int = 2, max_length: int = 6, max_sources: int = 3
) -> SearchStrategy[nx.DiGraph[int]]:
    """Dependency graphs as `theory.dependencies.graph` makes them: nodes are positions, edges go to later positions.

    Parameters
    ----------
    min_length, max_length : of the sequence.
    max_sources : how many edges come into a node at most.

    Examples
    --------
    >>> import hypothesis
    >>> list(hypothesis.find(dependency_graphs(), lambda made: made.in_degree(len(made) - 1) == 2).edges)
    [(0, 2), (1, 2)]
    """
    return instances(min_length=min_length, max_length=max_length, max_sources=max_sources).map(graph)


def tasks(*, max_sparsity: int | None = None) -> SearchStrategy[Task]:
    """The tasks that the toolkit knows, with their usual parameters.

    Parameters
    ----------
    max_sparsity : only those whose dependency sets have at most so many tokens; default: dense ones too.
    """

    def known() -> SearchStrategy[Task]:
        fitting = [
            task
            for task in TASKS.values()
            if max_sparsity is None or (task.sparsity is not None and task.sparsity <= max_sparsity)
        ]
        if not fitting:
            raise InvalidArgument(
                "strategies.tasks",
                "max_sparsity",
                got=shown(max_sparsity),
                expected="an integer >= 1",
                fix="Use 1 for the sparsest.",
            )
        return st.sampled_from(fitting)

    return st.deferred(known)


@st.composite
def task_instances(
    draw: DrawFn, task: Task, *, min_length: int | None = None, max_length: int | None = None
) -> Instance:
    """Instances of a task, whatever their probability: every one of a length can be drawn.

    Parameters
    ----------
    task : any task.
    min_length : the smallest length; default: that of the task.
    max_length : the greatest length; default: three more.

    Examples
    --------
    >>> import hypothesis
    >>> copy = TASKS["copy"]
    >>> copy.text(hypothesis.find(task_instances(copy), lambda instance: 1 in instance.tokens).tokens)
    'b>b'
    """
    where = "task_instances"
    check_type(task, Task, where, "task", "a task", "For instance theory.tasks.Copy(2).")
    low = task.min_length if min_length is None else min_length
    _bounds(where, "length", task.min_length, low, low + 3 if max_length is None else max_length)
    length = draw(st.integers(low, low + 3 if max_length is None else max_length))
    task.check_length(length, where)
    if type(task).choices is not Task.choices:
        return task.solve(tuple(draw(st.sampled_from(list(options))) for options in task.choices(length)))
    number = task.n_instances(length)
    if number <= LISTED:
        return next(islice(task.instances(length), draw(st.integers(0, number - 1)), None))
    return task.sample(length, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
