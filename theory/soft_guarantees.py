"""T14: which test examples every greedily perfect soft head is right on, decided exactly.

With W(v, y) = A(v) g_y(v) and n_v(e) the number of candidate sets of e with view v, the mass of y on e is
Σ_v n_v(e) W(v, y), so that a head is right on e iff W·ψ > 0 for every ray ψ = n(e) ⊗ (δ_y - δ_y'), y' ≠ y.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from numbers import Integral
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.cones import Combination, Exact, Ints
from theory.counted import Counted
from theory.errors import check, check_integer, is_integer, within_budget
from theory.set_families import Family, contains_some, distinct, minimal
from theory.soft_blocks import Block, Outside, Piece, Term, connected, distinct_pieces

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_CELLS = 30_000_000
"""Rows times columns that a linear program may have, and views times labels."""

_BUG = "this is a bug in theory.soft_guarantees, please report it with the two laws"

Lack: TypeAlias = Literal["zero", "outside", "abstains"]


def soft_guarantees(
    train: csr_array,
    train_labels: Sequence[int] | Ints,
    test: csr_array,
    test_labels: Sequence[int] | Ints,
    n_labels: int,
    *,
    budget: int = MOST_CELLS,
) -> SoftGuarantees:
    """Decide for every test example whether all soft heads that are greedily perfect in training are right on it (T14).

    A perfect head exists iff 0 is no convex combination of the rays n(e) ⊗ (δ_y - δ_y') of training. Then a test
    example is guaranteed iff its rays are not 0 and lie in the cone of these. With one label a head is right iff it does
    not abstain: an example is guaranteed iff its views include all views of some training example.

    Parameters
    ----------
    train, test : scipy.sparse.csr_array, examples x views: n_v(e), how many candidate sets of e have the view v.
    train_labels, test_labels : the label of every example, in 0..n_labels - 1.
    n_labels : |Y|.
    budget : rows times columns that a linear program may have.

    Returns
    -------
    SoftGuarantees

    Raises
    ------
    InvalidArgument : for negative counts, matrices that do not fit each other or their labels, no training examples.
    BudgetExceeded : for a linear program that is larger than the budget, and more than `MOST_CELLS` views x labels.
    NotConverged : for one that does not converge to an exact certificate.

    Examples
    --------
    Majority: the views are the tokens 0 and 1, and an example is how often it has each.

    >>> from scipy.sparse import csr_array
    >>> train, labels = csr_array(np.array([[1, 0], [0, 1], [1, 2], [2, 1]])), [0, 1, 1, 0]
    >>> found = soft_guarantees(train, labels, csr_array(np.array([[1, 3], [3, 4]])), [1, 1], 2)
    >>> found.realizable, found.guaranteed.tolist()
    (True, [True, False])
    >>> terms = found.certificate(0)[0]  # what sums to the ray of (1, 3) against label 0: (0, 1) and (1, 2), for instance
    >>> {term.example for term in terms} < {0, 1, 2, 3}, all(term.coefficient > 0 for term in terms)
    (True, True)
    >>> on_train, on_test = found.errs(found.head(1))  # a head that is perfect on the four and wrong on (3, 4)
    >>> found.why(1), on_train.tolist(), on_test.tolist()
    (('outside', None), [False, False, False, False], [False, True])

    Cost: linear programs, one for every ray at test that is new, each on few of the training rays; views that no
    training example connects are separate programs.
    Source: T14 in docs/theory.md.
    """
    where = "soft_guarantees"
    check_integer(n_labels, where, "n_labels", least=1, fix="Give the number of labels.")
    trained = Counted.of(train, train_labels, n_labels, where, "train")
    tested = Counted.of(test, test_labels, n_labels, where, "test")
    check(
        trained.rows.shape[1] == tested.rows.shape[1], where, "test", got=f"{tested.rows.shape[1]} views",
        expected=f"{trained.rows.shape[1]}, as in training", fix="Number the views of both laws together.",
    )  # fmt: skip
    check(trained.rows.shape[0], where, "train", got="no examples", expected="at least one", fix="Pass a law.")
    within_budget(
        f"{where} (views x labels)", size=trained.rows.shape[1] * n_labels, budget=MOST_CELLS,
        fix="Count only labels that occur, and one more.",
    )  # fmt: skip
    kind = _OneLabel if n_labels == 1 else _Cones
    return kind(trained, tested, n_labels, budget)


class SoftGuarantees:
    """What T14 says about every test example, with certificates; examples, views and labels are numbers.

    Attributes
    ----------
    realizable : whether some soft head is greedily perfect on the training examples.
    guaranteed : for every test example, whether every such head is right on it; all False where there is none.
    weights : an integer W, views x labels, that is perfect on the training examples; None where no head is.
    combination : where no head is perfect, a convex combination of training rays that is 0; else (), and with one label.
    stuck : where no head is perfect, the first training example of this combination; with one label, one without views.
    """

    reasons: tuple[Lack, ...] = ("zero", "outside", "abstains")
    realizable: bool = True
    weights: Exact | None = None
    combination: tuple[Term, ...] = ()
    stuck: int | None = None

    def __init__(self, trained: Counted, tested: Counted, n_labels: int) -> None:
        self._trained, self._tested, self._n_labels = trained, tested, n_labels
        self._reasons: dict[int, Lack] = {}
        self.guaranteed = np.zeros(tested.rows.shape[0], dtype=bool)

    def why(self, row: int) -> tuple[Lack, None] | None:
        """Why a test example is not guaranteed; None where it is, or no head is perfect.

        "zero": it has no candidate set, so that every head ties; "outside": one of its rays is outside the cone of
        training; "abstains": with a single label, some perfect head scores all of its views 0.

        Raises
        ------
        InvalidArgument : for what is the place of no test example.
        """
        self._check(row, self._is_row(row), "SoftGuarantees.why", "the place of a test example")
        return (self._reasons[row], None) if row in self._reasons else None

    def head(self, row: int) -> dict[int, tuple[Fraction, dict[int, Fraction]]]:
        """A head {view: (score, {label: share})} that is perfect in training and wrong on the test example.

        Confirmed exactly on both.

        Raises
        ------
        InvalidArgument : for a test example that is guaranteed, or where no head is perfect.
        """
        doubtful = self._is_row(row) and row in self._reasons
        self._check(row, doubtful, "SoftGuarantees.head", "a test example that is not guaranteed")
        weights = self._erring(row)
        if not self._trained.right(weights).all() or self._tested.right(weights)[row]:
            raise AssertionError(f"soft_guarantees: the head against test example {row} is none; {_BUG}")
        head: dict[int, tuple[Fraction, dict[int, Fraction]]] = {}
        for view, own in enumerate(weights.tolist()):
            least = min(own) if self._n_labels > 1 else 0  # a constant more in a row changes no greedy answer
            score = sum(own) - least * len(own)
            if score:
                head[view] = Fraction(score), {y: Fraction(x - least, score) for y, x in enumerate(own) if x > least}
        return head

    def errs(
        self, head: Mapping[int, tuple[Fraction, Mapping[int, Fraction]]]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """On which training and which test examples the greedy answer of such a head is wrong."""
        weights = np.full((self._trained.rows.shape[1], self._n_labels), Fraction(0), dtype=object)
        for view, (score, shares) in head.items():
            for label, share in shares.items():
                weights[view, label] = score * share
        scale = lcm(*(x.denominator for x in weights.flat))
        integers = np.array([[int(x * scale) for x in own] for own in weights], dtype=object).reshape(weights.shape)
        return ~self._trained.right(integers), ~self._tested.right(integers)

    def certificate(self, row: int) -> dict[int, tuple[Term, ...]]:
        """{y': terms} of a guaranteed test example: the terms sum to its ray against y', confirmed exactly.

        With one label there is no y', and {} is what there is to show.

        Raises
        ------
        InvalidArgument : for a test example that is not guaranteed.
        """
        holds = self._is_row(row) and self.guaranteed[row]
        self._check(row, holds, "SoftGuarantees.certificate", "a guaranteed test example")
        label = int(self._tested.labels[row])
        found = {other: self._terms(row, other) for other in range(self._n_labels) if other != label}
        for other, terms in found.items():
            if self._sum(terms) != _ray(*self._tested.entries(row), label, other):
                raise AssertionError(f"soft_guarantees: the combination for test example {row} is none; {_BUG}")
        return found

    def _is_row(self, row: object) -> bool:
        return is_integer(row, 0, len(self.guaranteed) - 1, Integral)

    def _check(self, row: object, ok: object, where: str, expected: str) -> None:
        last = len(self.guaranteed) - 1
        expected = f"{expected}, by its number in 0..{last}"
        check(ok, where, "row", row, expected=expected, fix="Ask for `guaranteed` first.")

    def _sum(self, terms: Sequence[Term]) -> dict[tuple[int, int], Fraction]:
        """Σ coefficient · ray, {(view, label): entry} without zeros."""
        total: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
        for term in terms:
            own = _ray(*self._trained.entries(term.example), int(self._trained.labels[term.example]), term.other)
            for place, entry in own.items():
                total[place] += term.coefficient * entry
        return {place: entry for place, entry in total.items() if entry}

    def _erring(self, row: int) -> Exact:
        raise NotImplementedError

    def _terms(self, row: int, other: int) -> tuple[Term, ...]:
        raise NotImplementedError


def _ray(views: Ints, counts: Ints, label: int, other: int) -> dict[tuple[int, int], Fraction]:
    """n ⊗ (δ_label - δ_other)."""
    pairs = [*zip(views.tolist(), counts.tolist(), strict=True)]
    signed = {(view, label): Fraction(count) for view, count in pairs}
    return signed | {(view, other): Fraction(-count) for view, count in pairs}


# ── One label ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _OneLabel(SoftGuarantees):
    """A head is right where it does not abstain: T1's condition (c), with all views."""

    def __init__(self, trained: Counted, tested: Counted, n_labels: int, budget: int) -> None:
        super().__init__(trained, tested, n_labels)
        empty = np.flatnonzero(np.diff(trained.rows.indptr) == 0)
        if len(empty):
            self.realizable, self.stuck = False, int(empty[0])
            return
        n_views = trained.rows.shape[1]
        sets, shows = (
            Family(law.rows.indptr.astype(np.int64), law.rows.indices.astype(np.int64)) for law in (trained, tested)
        )
        self.weights = np.ones((n_views, 1), dtype=object)
        if len(shows):
            self.guaranteed = contains_some(shows, minimal(sets, n_views), n_views)
        self._reasons = dict.fromkeys(np.flatnonzero(~self.guaranteed).tolist(), "abstains")

    def _erring(self, row: int) -> Exact:
        weights = np.ones((self._trained.rows.shape[1], 1), dtype=object)
        weights[self._tested.entries(row)[0]] = 0
        return weights


# ── Several labels ──────────────────────────────────────────────────────────────────────────────────────────────────


class _Cones(SoftGuarantees):
    """With two labels or more: cones, block by block."""

    def __init__(self, trained: Counted, tested: Counted, n_labels: int, budget: int) -> None:
        super().__init__(trained, tested, n_labels)
        self._base = np.zeros((trained.rows.shape[1], n_labels), dtype=object)
        empty = np.flatnonzero(np.diff(trained.rows.indptr) == 0)
        if len(empty):
            self._unrealizable([Term(int(empty[0]), int(trained.labels[empty[0]] == 0), Fraction(1))])
            return
        self._block_of = connected(trained.rows)
        self._blocks: list[Block] = []
        for pieces, examples in distinct_pieces(trained, self._block_of):
            labels = [int(trained.labels[example]) for example in examples]
            block = Block(pieces, labels, examples, n_labels, budget)
            found = block.contradiction() or block.solve()
            if isinstance(found, Combination):
                self._unrealizable([*block.terms(found, Fraction(1), -1)])
                return
            self._base[block.views] = found
            self._blocks.append(block)
        if not trained.right(self._base).all():
            raise AssertionError(f"soft_guarantees: a head is not perfect; {_BUG}")
        self.weights = self._base
        self._directions: dict[int, Outside] = {}
        known: dict[tuple[bytes, bytes, int], Outside | Lack | None] = {}
        for row, label in enumerate(tested.labels.tolist()):
            views, counts = tested.entries(row)
            case = views.tobytes(), counts.tobytes(), label
            if case not in known:
                known[case] = self._lack(row) if len(views) else "zero"
            found_here = known[case]
            if found_here is None:
                self.guaranteed[row] = True
            elif isinstance(found_here, Outside):
                self._reasons[row], self._directions[row] = "outside", found_here
            else:
                self._reasons[row] = found_here

    def _unrealizable(self, terms: list[Term]) -> None:
        total = sum((term.coefficient for term in terms), Fraction(0))
        self.combination = tuple(term._replace(coefficient=term.coefficient / total) for term in terms)
        if self._sum(self.combination):
            raise AssertionError(f"soft_guarantees: a combination of training rays is not 0; {_BUG}")
        self.realizable, self.stuck = False, min(term.example for term in terms)

    def _pieces(self, row: int) -> list[tuple[int, Piece]]:
        """The views of a test example by blocks, -1 for views that no training example has."""
        views, counts = self._tested.entries(row)
        blocks = self._block_of[views]
        return [(int(b), Piece.of(views[blocks == b], counts[blocks == b])) for b in distinct(blocks)]

    def _lack(self, row: int) -> Outside | None:
        """What separates a ray of a test example from the cone; None where all rays lie in it."""
        label = int(self._tested.labels[row])
        for b, piece in self._pieces(row):
            if b < 0:
                direction = np.zeros((len(piece.views), self._n_labels), dtype=object)
                direction[:, label] = -1
                return Outside(piece.views, direction, int(label == 0))
            block = self._blocks[b]
            for other in block.slots:
                if other != label and isinstance(found := block.decide(piece, label, other), Outside):
                    return found
        return None

    def _erring(self, row: int) -> Exact:
        """The perfect W plus so much of D that the test example is wrong: D takes nothing from any training ray."""
        if row not in self._directions:
            return self._base
        found, label = self._directions[row], int(self._tested.labels[row])
        views, counts = self._tested.entries(row)
        difference = self._base[views, label] - self._base[views, found.other]
        own = sum(counts.astype(object) * difference)
        step = np.zeros_like(self._base)
        step[found.views] = found.direction
        loses = -sum(counts.astype(object) * (step[views, label] - step[views, found.other]))
        return np.asarray(self._base + max(own // loses + 1, 0) * step)

    def _terms(self, row: int, other: int) -> tuple[Term, ...]:
        label, terms = int(self._tested.labels[row]), list[Term]()
        for b, piece in self._pieces(row):
            found = self._blocks[b].decide(piece, label, other)
            assert isinstance(found, Combination)
            terms += self._blocks[b].terms(found, piece.divisor / found.added, other)
        return tuple(terms)
