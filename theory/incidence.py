"""How often every example of a law shows every view: the matrices of the criteria that count views."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np

from theory.errors import CELLS, bulk, check_type, within_budget
from theory.examples import BUDGET, Example
from theory.heads import HeadClass, View, by_size, check_coordinates, check_heads
from theory.numbered_views import PLAIN_CELLS, LawViews, Progress, n_cells, number_views
from theory.set_families import Ints, distinct

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Numbered(Protocol):
    """What knows the views by their numbers."""

    def views(self, numbers: Ints) -> list[View]: ...


@dataclass(frozen=True, eq=False)
class Incidence:
    """Laws as matrices: entry n_v(e) = the number of candidate sets of example e that have view v.

    Attributes
    ----------
    matrices : one a law, int64, (its examples in their order, views); no zeros are stored, and indices are sorted.
    n_views : how many views occur in some law; their numbers are 0..n_views-1, by their size and then by their order.
    """

    matrices: tuple[csr_array, ...]
    n_views: int
    _numbered: Numbered

    def views(self, numbers: Sequence[int] | Ints) -> list[View]:
        """The views that have these numbers; cost O(numbers · k)."""
        return self._numbered.views(np.asarray(numbers, dtype=np.int64))


def incidence(
    heads: HeadClass,
    laws: Sequence[Collection[Example]],
    *,
    budget: int = BUDGET,
    progress: Progress | None = None,
) -> Incidence:
    """Count the views of the examples of several laws, under one numbering of the views.

    Parameters
    ----------
    heads : the head class.
    laws : the examples of each law, for instance lists, or tables {example: weight}.
    budget : candidate sets that may be listed per law; those that examples of one length share count once for many.
    progress : called now and then with a stage, how many examples of it are done, and how many there are; not on small
        laws.

    Returns
    -------
    Incidence

    Raises
    ------
    InvalidArgument : for something that is no head class or no example.
    BudgetExceeded : when a law has more candidate sets than the budget.

    Examples
    --------
    >>> found = incidence(HeadClass(arity=1), [[Example((5, 5, 7), (0, 1, 2), "a")], [Example((6, 7), (0, 1), "b")]])
    >>> found.n_views, [view.tokens for view in found.views(range(3))]
    (3, [(5,), (6,), (7,)])
    >>> [matrix.toarray().tolist() for matrix in found.matrices]
    [[[2, 0, 1]], [[0, 1, 1]]]

    Cost: O(candidate sets · k) and sorting them in blocks; a hundred thousand examples with 45 candidate sets each take
    about a second.
    """
    check_heads(heads, "incidence")
    for example in chain.from_iterable(laws):
        check_type(
            example, Example, "incidence", "laws", "collections of Example", "Write Example(tokens, ids, label)."
        )
    check_coordinates(heads, "incidence", *laws)
    size = max((n_cells(heads, law, at_once=CELLS) for law in laws), default=0)
    within_budget("incidence (candidate sets)", size=size * bulk(heads.arity), budget=budget)
    size = max((n_cells(heads, law) for law in laws), default=0)
    if size > PLAIN_CELLS:
        labels = tuple(dict.fromkeys(example.label for example in chain.from_iterable(laws)))
        numbered = number_views(heads, laws, labels)
        if numbered is not None:
            return _of_numbers(numbered, progress or (lambda *_: None))
        within_budget("incidence (views)", size=size * bulk(heads.arity), budget=budget)  # each becomes an object
    return _of_views(heads, laws)


def _of_numbers(laws: Sequence[LawViews], progress: Progress) -> Incidence:
    """From arrays of numbers, block by block."""
    from scipy.sparse import coo_array

    numbering, parts = laws[0].numbering, []
    size = numbering.size
    for law in laws:
        entries = [np.zeros((3, 0), dtype=np.int64)]
        for rows, blocks in law.blocks(partial(progress, "views of examples")):
            for numbers in blocks:
                pairs = np.arange(len(rows)) * size + numbers  # (example, view) as one number
                pairs = np.sort(pairs[numbers < size])
                first = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)])
                which, views = np.divmod(pairs[first], size)
                entries.append(np.stack([rows[which], views, np.diff(first, append=len(pairs))]))
        parts.append(np.concatenate(entries, axis=1))
    occurring = distinct(np.concatenate([distinct(views) for _, views, _ in parts]))
    matrices = []
    for law, (rows, views, counts) in zip(laws, parts, strict=True):
        at = rows, np.searchsorted(occurring, views)
        matrices.append(coo_array((counts, at), shape=(law.n_examples, len(occurring))).tocsr())  # adds what is alike
    if len(occurring) < size:  # so no code is numbered yet: a numbered one occurs
        numbering.restrict(occurring)
    return Incidence(tuple(matrices), len(occurring), numbering)


@dataclass(frozen=True)
class _Listed:
    """Views as objects, in their order."""

    listed: tuple[View, ...]

    def views(self, numbers: Ints) -> list[View]:
        return [self.listed[number] for number in numbers.tolist()]


def _of_views(heads: HeadClass, laws: Sequence[Collection[Example]]) -> Incidence:
    """From views as objects."""
    from scipy.sparse import csr_array

    counted = [[heads.view_counts(example) for example in law] for law in laws]
    listed = tuple(sorted(set(chain.from_iterable(chain.from_iterable(counted))), key=by_size))
    number = {view: j for j, view in enumerate(listed)}
    matrices = []
    for law in counted:
        entries = [sorted((number[view], n) for view, n in counts.items()) for counts in law]
        starts = np.cumsum([0, *map(len, entries)])
        views, counts = np.array([*chain.from_iterable(entries)], dtype=np.int64).reshape(-1, 2).T
        matrices.append(csr_array((counts, views, starts), shape=(len(law), len(listed))))
    return Incidence(tuple(matrices), len(listed), _Listed(listed))
