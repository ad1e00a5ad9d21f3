"""T14's cones, block by block: views that no training example connects are separate linear programs.

A *piece* of an example is its counts on the views of one block, divided by their greatest common divisor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from theory.cones import Combination, Cone, Exact, Ints
from theory.counted import Counted
from theory.errors import within_budget

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Term(NamedTuple):
    """A coefficient > 0 of the ray n(e) ⊗ (δ_y - δ_other) of a training example e with label y, by their numbers."""

    example: int
    other: int
    coefficient: Fraction


class Piece(NamedTuple):
    """The counts of an example on some views, divided by their greatest common divisor."""

    views: Ints
    counts: Ints
    divisor: int

    @classmethod
    def of(cls, views: Ints, counts: Ints) -> Piece:
        divisor = int(np.gcd.reduce(counts))
        return cls(views, counts // divisor, divisor)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.views.tobytes(), self.counts.tobytes()


class Outside(NamedTuple):
    """D with D·ψ >= 0 on every training ray and D·b < 0, b the ray against `other`: views, and for each a row of labels."""

    views: Ints
    direction: Exact
    other: int


class Block:
    """The training examples on views that they connect; their rays touch no other view.

    Labels that no example here has are alike, so that one stands for all of them, in the last *slot*. As rows of W may be
    shifted, the last slot has weight 0, and rays do not mention it.
    """

    def __init__(self, pieces: list[Piece], labels: list[int], examples: list[int], n_labels: int, budget: int) -> None:
        self.views = np.unique(np.concatenate([piece.views for piece in pieces]))
        self.labels, self.examples, self.pieces, self.n_labels = labels, examples, pieces, n_labels
        self.present = sorted(set(labels))
        self.slots = [*self.present, *[y for y in range(n_labels) if y not in self.present][:1]]
        self.known = {(piece.key, label): row for row, (piece, label) in enumerate(zip(pieces, labels, strict=True))}
        self.owners = [
            (row, t) for row in range(len(pieces)) for t in range(len(self.slots)) if t != self.slot(labels[row])
        ]
        self.number_of = {owner: number for number, owner in enumerate(self.owners)}
        self._decided: dict[tuple[tuple[bytes, bytes], int, int], Combination] = {}
        self._heads: list[Exact] = []
        self._budget = budget

    def slot(self, label: int) -> int:
        return self.present.index(label) if label in self.present else len(self.slots) - 1

    def ray(self, piece: Piece, s: int, t: int) -> tuple[Ints, Ints]:
        """Columns and entries of n ⊗ (δ_s - δ_t), without the last slot."""
        at, n = np.searchsorted(self.views, piece.views), len(self.views)
        kept = [(slot, sign) for slot, sign in ((s, 1), (t, -1)) if slot < len(self.slots) - 1]
        return (
            np.concatenate([slot * n + at for slot, _ in kept]),
            np.concatenate([sign * piece.counts for _, sign in kept]),
        )

    def matrix(self, rays: Sequence[tuple[Ints, Ints]]) -> csr_array:
        from scipy.sparse import csr_array

        ends = np.r_[0, np.cumsum([len(columns) for columns, _ in rays])]
        data, indices = np.concatenate([own for _, own in rays]), np.concatenate([columns for columns, _ in rays])
        return csr_array((data, indices, ends), shape=(len(rays), len(self.views) * (len(self.slots) - 1)))

    def contradiction(self) -> Combination | None:
        """Two examples that are alike but for their labels: their two rays cancel."""
        first: dict[tuple[bytes, bytes], int] = {}
        for row, (piece, label) in enumerate(zip(self.pieces, self.labels, strict=True)):
            row_ = first.setdefault(piece.key, row)
            if row_ != row:
                rays = (row_, self.slot(label)), (row, self.slot(self.labels[row_]))
                return Combination({self.number_of[ray]: Fraction(1) for ray in rays}, Fraction(0))
        return None

    def solve(self) -> Exact | Combination:
        """A W that is perfect here, views x labels, or the combination of rays that is 0."""
        n_rows, n_columns = len(self.owners), len(self.views) * (len(self.slots) - 1)
        within_budget(
            "soft_guarantees (rows x columns of a linear program)", size=n_rows * n_columns, budget=self._budget,
            fix=f"Here are {n_rows:,} rows x {n_columns:,} columns: ask for shorter lengths, or a class with fewer views.",
        )  # fmt: skip
        self.cone = Cone(
            self.matrix([self.ray(self.pieces[row], self.slot(self.labels[row]), t) for row, t in self.owners])
        )
        found = self.cone.separate()
        return found if isinstance(found, Combination) else self.unfolded(found)

    def unfolded(self, weights: Exact) -> Exact:
        """views x labels, from the slots."""
        slots = [*weights.reshape(len(self.slots) - 1, len(self.views)), np.zeros(len(self.views), dtype=object)]
        return np.stack([slots[self.slot(label)] for label in range(self.n_labels)], axis=1)

    def decide(self, piece: Piece, label: int, other: int) -> Combination | Outside:
        """Whether the ray of a test example lies in the cone of training: its combination, or what separates it."""
        row = self.known.get((piece.key, label))
        if row is not None:
            return Combination({self.number_of[row, self.slot(other)]: Fraction(1)}, Fraction(1))
        if label not in self.present:
            direction = np.zeros((len(piece.views), self.n_labels), dtype=object)
            direction[:, label] = -piece.counts.astype(object)
            return Outside(piece.views, direction, other)
        s, t = self.slot(label), self.slot(other)
        columns, entries = self.ray(piece, s, t)
        case = piece.key, s, t
        for head in () if case in self._decided else self._heads:
            if sum(head[columns] * entries) < 0:
                return Outside(self.views, self.unfolded(head), other)
        if case not in self._decided:
            found = self.cone.separate(self.matrix([(columns, entries)]))
            if not isinstance(found, Combination):
                self._heads.append(found)
                return Outside(self.views, self.unfolded(found), other)
            self._decided[case] = found
        return self._decided[case]

    def terms(self, combination: Combination, unit: Fraction, other: int) -> Iterator[Term]:
        """The combination in examples as they are, times a unit; `other` is what the label of the last slot may be."""
        for ray, coefficient in combination.rays.items():
            row, t = self.owners[ray]
            label = self.slots[t] if self.slots[t] in self.present or other in self.present else other
            yield Term(self.examples[row], label, unit * coefficient / self.pieces[row].divisor)


def connected(rows: csr_array) -> Ints:
    """For every view the number of its block, by the first of its views; -1 for views without examples."""
    from scipy.sparse import block_array
    from scipy.sparse.csgraph import connected_components

    n_views = rows.shape[1]
    graph: csr_array[np.int64] = block_array([[None, rows], [rows.T, None]], format="csr")
    of = connected_components(graph, directed=False)[1][rows.shape[0] :]
    seen = np.bincount(rows.indices, minlength=n_views) > 0
    blocks = np.full(n_views, -1)
    blocks[seen] = np.unique(of[seen], return_inverse=True)[1]
    return blocks


def distinct_pieces(law: Counted, block_of: Ints) -> Iterator[tuple[list[Piece], list[int]]]:
    """Block by block the distinct examples up to multiples, and the first of each."""
    found: defaultdict[int, dict[tuple[tuple[bytes, bytes], int], tuple[Piece, int]]] = defaultdict(dict)
    for row, label in enumerate(law.labels.tolist()):
        views, counts = law.entries(row)
        piece = Piece.of(views, counts)
        found[int(block_of[views[0]])].setdefault((piece.key, label), (piece, row))
    for b in sorted(found):
        own = found[b].values()
        yield [piece for piece, _ in own], [row for _, row in own]
