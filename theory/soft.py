"""T14: which test examples every greedily perfect soft head is right on, decided exactly; and the max-margin head.

A soft head is a head of Definition 4. Its *greedy answer* is the label with strictly the largest mass; a tie, or an
abstention, is wrong. With W(v, y) = A(v) g_y(v) and n_v(e) the number of candidate sets of e with view v, the mass of y
on e is Σ_v n_v(e) W(v, y), so that the head is right on e iff W·ψ > 0 for every ray ψ = n(e) ⊗ (δ_y - δ_y'), y' ≠ y.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.cones import Combination, Cone, Exact, Floats, Ints, products
from theory.errors import (
    AssumptionViolated,
    ExactnessLost,
    InvalidArgument,
    check,
    check_integer,
    check_type,
    shown,
    typed,
    within_budget,
)
from theory.exact import Rational, probabilities, rational
from theory.examples import Example, Label, check_label
from theory.heads import HeadClass, View, check_heads
from theory.set_families import Family, contains_some, distinct, minimal

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_CELLS = 30_000_000
"""Rows times columns that a linear program may have."""

MOST_DENSE = 5_000_000
"""Rows times columns of the quadratic program of a max-margin head."""

DOUBT = 1e-7
"""Margins of a max-margin head up to here are in doubt, relatively to its largest weight."""

MOST_SETS = 2**31
"""Candidate sets that an example may have, so that what is computed with these stays exact."""

_BUG = "this is a bug in theory.soft, please report it with the two laws"

Lack: TypeAlias = Literal["zero", "outside", "abstains"]


@dataclass(frozen=True)
class SoftHead:
    """A soft head, as data: the views that it scores, each with its score A > 0 and its value g, a law on labels.

    Its loss counts greedy answers: 0 where the label of the example has strictly the largest mass, else 1.

    Parameters
    ----------
    heads : the head class.
    answers : {view: (score, {label: share})}, exact.

    Raises
    ------
    InvalidArgument : for a view that the class does not have, a score <= 0, shares that do not sum to 1, floats.

    Examples
    --------
    >>> count = SoftHead(HeadClass(arity=1), {View((0,), ()): (1, {"zeros": 1}), View((1,), ()): (1, {"ones": 1})})
    >>> more_ones, tie = Example((1, 0, 1), (0, 1, 2), "ones"), Example((1, 0), (0, 1), "ones")
    >>> count.answer(more_ones), str(count.loss(more_ones)), count.answer(tie), str(count.loss(tie))
    ('ones', '0', None, '1')

    Source: Definition 4 and T14 in docs/theory.md.
    """

    heads: HeadClass
    answers: Mapping[View, tuple[Rational, Mapping[Label, Rational]]]

    def __post_init__(self) -> None:
        check_heads(self.heads, "SoftHead")
        fix = "For instance {View((1,), ()): (2, {'one': 1})}."
        check_type(self.answers, Mapping, "SoftHead", "answers", "a mapping {view: (score, {label: share})}", fix)
        exact: dict[View, tuple[Fraction, dict[Label, Fraction]]] = {}
        for view, own in self.answers.items():
            self.heads.check_view(view, "SoftHead", "answers")
            argument, expected = f"answers[{shown(tuple(view))}]", "a pair (score, {label: share})"
            is_pair = isinstance(own, tuple) and len(own) == 2 and isinstance(own[1], Mapping)
            check(is_pair, "SoftHead", argument, own, expected=expected, fix=fix)
            score = rational(own[0], "SoftHead", argument)
            check(score > 0, "SoftHead", argument, score, expected="a score > 0", fix="Leave out views of score 0.")
            for label in own[1]:
                check_label(label, "SoftHead", argument)
            shares = zip(own[1], probabilities(list(own[1].values()), "SoftHead", argument), strict=True)
            exact[view] = score, {label: share for label, share in shares if share}
        object.__setattr__(self, "answers", exact)

    def __hash__(self) -> int:
        return hash((self.heads, frozenset((view, own[0], frozenset(own[1].items())) for view, own in self._answers)))

    @property
    def _answers(self) -> Iterator[tuple[View, tuple[Fraction, Mapping[Label, Fraction]]]]:
        return iter(self.answers.items())  # type: ignore[arg-type]  # exact since __post_init__

    def masses(self, example: Example) -> dict[Label, Fraction]:
        """Σ_S A(v_S) g_y(v_S) for every label y for which that is positive; cost O(candidates · k)."""
        counts, masses = self.heads.view_counts(example), defaultdict[Label, Fraction](Fraction)
        for view, (score, shares) in self._answers:
            for label, share in shares.items() if view in counts else ():
                masses[label] += counts[view] * score * share
        return dict(masses)

    def answer(self, example: Example) -> Label | None:
        """The label with strictly the largest mass; None for a tie, and where the head abstains."""
        masses = self.masses(example)
        best = [label for label, mass in masses.items() if mass == max(masses.values())]
        return best[0] if len(best) == 1 else None

    def loss(self, example: Example) -> Fraction:
        """0 where the greedy answer is the label of the example, else 1."""
        masses = self.masses(example)
        own = masses.pop(example.label, Fraction(0))
        return Fraction(own <= max(masses.values(), default=Fraction(0)))


class Term(NamedTuple):
    """A coefficient > 0 of the ray n(e) ⊗ (δ_y - δ_other) of a training example e with label y, by their numbers."""

    example: int
    other: int
    coefficient: Fraction


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
    BudgetExceeded : for a linear program that is larger than the budget.
    ExactnessLost : for one that does not converge to an exact certificate.

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
    kind = _OneLabel if n_labels == 1 else _Cones
    return kind(trained, tested, n_labels, budget)


class Counted(NamedTuple):
    """A law: how often every example has every view, and the labels of its examples."""

    rows: csr_array
    labels: Ints

    @classmethod
    def of(cls, rows: object, labels: object, n_labels: int, where: str, name: str) -> Counted:
        from scipy.sparse import csr_array

        expected = "a scipy.sparse.csr_array of integers, examples x views"
        fix = "Wrap a table of counts as csr_array(np.array(table))."
        if not isinstance(rows, csr_array) or rows.ndim != 2 or not np.issubdtype(rows.dtype, np.integer):
            raise InvalidArgument(where, name, got=typed(rows), expected=expected, fix=fix)
        clean = csr_array(rows.astype(np.int64))
        clean.sum_duplicates()
        clean.eliminate_zeros()
        least, most = int(clean.data.min(initial=0)), max(clean.sum(axis=1).tolist(), default=0)
        check(least >= 0, where, name, got=f"the count {least}", expected="counts >= 0", fix="Count candidate sets.")
        check(
            most < MOST_SETS, where, name, got=f"{most:,} candidate sets of an example",
            expected=f"fewer than {MOST_SETS:,}", fix="Ask for shorter examples.",
        )  # fmt: skip
        numbers, n = np.asarray(labels), clean.shape[0]
        fits = numbers.shape == (n,) and (n == 0 or np.issubdtype(numbers.dtype, np.integer))
        check(
            fits and (n == 0 or 0 <= numbers.min() <= numbers.max() < n_labels), where, f"{name}_labels", labels,
            expected=f"{n} integers in 0..{n_labels - 1}, one an example", fix="Number the labels.",
        )  # fmt: skip
        return cls(clean, numbers.astype(np.int64))

    def entries(self, row: int) -> tuple[Ints, Ints]:
        """The views of an example, and how many candidate sets have each."""
        of = slice(self.rows.indptr[row], self.rows.indptr[row + 1])
        return self.rows.indices[of].astype(np.int64), self.rows.data[of]

    def right(self, weights: Exact) -> NDArray[np.bool_]:
        """Whether the head of an integer W, views x labels, is greedily right on each example, exactly."""
        masses = np.stack([products(self.rows, column) for column in weights.T], axis=1).astype(object)
        at = np.arange(len(self.labels)), self.labels
        own = masses[at]
        masses[at] = 0 if masses.shape[1] == 1 else masses.min(initial=0) - 1
        return np.asarray(own > masses.max(axis=1), dtype=bool)


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
        """
        return (self._reasons[row], None) if row in self._reasons else None

    def head(self, row: int) -> dict[int, tuple[Fraction, dict[int, Fraction]]]:
        """A head {view: (score, {label: share})} that is perfect in training and wrong on the test example.

        Confirmed exactly on both.

        Raises
        ------
        InvalidArgument : for a test example that is guaranteed, or where no head is perfect.
        """
        check(
            row in self._reasons, "SoftGuarantees.head", "row", row, expected="a test example that is not guaranteed",
            fix="Ask for `guaranteed` first.",
        )  # fmt: skip
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
        check(
            self.guaranteed[row], "SoftGuarantees.certificate", "row", row, expected="a guaranteed test example",
            fix="Ask for `guaranteed` first.",
        )  # fmt: skip
        label = int(self._tested.labels[row])
        found = {other: self._terms(row, other) for other in range(self._n_labels) if other != label}
        for other, terms in found.items():
            if self._sum(terms) != _ray(*self._tested.entries(row), label, other):
                raise AssertionError(f"soft_guarantees: the combination for test example {row} is none; {_BUG}")
        return found

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


# ── Several labels ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Piece(NamedTuple):
    """The counts of an example on some views, divided by their greatest common divisor."""

    views: Ints
    counts: Ints
    divisor: int

    @classmethod
    def of(cls, views: Ints, counts: Ints) -> _Piece:
        divisor = int(np.gcd.reduce(counts))
        return cls(views, counts // divisor, divisor)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.views.tobytes(), self.counts.tobytes()


class _Outside(NamedTuple):
    """D with D·ψ >= 0 on every training ray and D·b < 0, b the ray against `other`: views, and for each a row of labels."""

    views: Ints
    direction: Exact
    other: int


class _Block:
    """The training examples on views that they connect; their rays touch no other view.

    Labels that no example here has are alike, so that one stands for all of them, in the last *slot*. As rows of W may be
    shifted, the last slot has weight 0, and rays do not mention it.
    """

    def __init__(
        self, pieces: list[_Piece], labels: list[int], examples: list[int], n_labels: int, budget: int
    ) -> None:
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

    def ray(self, piece: _Piece, s: int, t: int) -> tuple[Ints, Ints]:
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

    def decide(self, piece: _Piece, label: int, other: int) -> Combination | _Outside:
        """Whether the ray of a test example lies in the cone of training: its combination, or what separates it."""
        row = self.known.get((piece.key, label))
        if row is not None:
            return Combination({self.number_of[row, self.slot(other)]: Fraction(1)}, Fraction(1))
        if label not in self.present:
            direction = np.zeros((len(piece.views), self.n_labels), dtype=object)
            direction[:, label] = -piece.counts.astype(object)
            return _Outside(piece.views, direction, other)
        s, t = self.slot(label), self.slot(other)
        columns, entries = self.ray(piece, s, t)
        case = piece.key, s, t
        for head in () if case in self._decided else self._heads:
            if sum(head[columns] * entries) < 0:
                return _Outside(self.views, self.unfolded(head), other)
        if case not in self._decided:
            found = self.cone.separate(self.matrix([(columns, entries)]))
            if not isinstance(found, Combination):
                self._heads.append(found)
                return _Outside(self.views, self.unfolded(found), other)
            self._decided[case] = found
        return self._decided[case]

    def terms(self, combination: Combination, unit: Fraction, other: int) -> Iterator[Term]:
        """The combination in examples as they are, times a unit; `other` is what the label of the last slot may be."""
        for ray, coefficient in combination.rays.items():
            row, t = self.owners[ray]
            label = self.slots[t] if self.slots[t] in self.present or other in self.present else other
            yield Term(self.examples[row], label, unit * coefficient / self.pieces[row].divisor)


class _Cones(SoftGuarantees):
    """With two labels or more: cones, block by block."""

    def __init__(self, trained: Counted, tested: Counted, n_labels: int, budget: int) -> None:
        super().__init__(trained, tested, n_labels)
        self._base = np.zeros((trained.rows.shape[1], n_labels), dtype=object)
        empty = np.flatnonzero(np.diff(trained.rows.indptr) == 0)
        if len(empty):
            self._unrealizable([Term(int(empty[0]), int(trained.labels[empty[0]] == 0), Fraction(1))])
            return
        self._block_of = _connected(trained.rows)
        self._blocks: list[_Block] = []
        for pieces, examples in _distinct(trained, self._block_of):
            labels = [int(trained.labels[example]) for example in examples]
            block = _Block(pieces, labels, examples, n_labels, budget)
            found = block.contradiction() or block.solve()
            if isinstance(found, Combination):
                self._unrealizable([*block.terms(found, Fraction(1), -1)])
                return
            self._base[block.views] = found
            self._blocks.append(block)
        if not trained.right(self._base).all():
            raise AssertionError(f"soft_guarantees: a head is not perfect; {_BUG}")
        self.weights = self._base
        self._directions: dict[int, _Outside] = {}
        known: dict[tuple[bytes, bytes, int], _Outside | Lack | None] = {}
        for row, label in enumerate(tested.labels.tolist()):
            views, counts = tested.entries(row)
            case = views.tobytes(), counts.tobytes(), label
            if case not in known:
                known[case] = self._lack(row) if len(views) else "zero"
            found_here = known[case]
            if found_here is None:
                self.guaranteed[row] = True
            elif isinstance(found_here, _Outside):
                self._reasons[row], self._directions[row] = "outside", found_here
            else:
                self._reasons[row] = found_here

    def _unrealizable(self, terms: list[Term]) -> None:
        total = sum((term.coefficient for term in terms), Fraction(0))
        self.combination = tuple(term._replace(coefficient=term.coefficient / total) for term in terms)
        if self._sum(self.combination):
            raise AssertionError(f"soft_guarantees: a combination of training rays is not 0; {_BUG}")
        self.realizable, self.stuck = False, min(term.example for term in terms)

    def _pieces(self, row: int) -> list[tuple[int, _Piece]]:
        """The views of a test example by blocks, -1 for views that no training example has."""
        views, counts = self._tested.entries(row)
        blocks = self._block_of[views]
        return [(int(b), _Piece.of(views[blocks == b], counts[blocks == b])) for b in distinct(blocks)]

    def _lack(self, row: int) -> _Outside | None:
        """What separates a ray of a test example from the cone; None where all rays lie in it."""
        label = int(self._tested.labels[row])
        for b, piece in self._pieces(row):
            for other in range(self._n_labels):
                if other == label:
                    continue
                if b < 0:
                    direction = np.zeros((len(piece.views), self._n_labels), dtype=object)
                    direction[:, label] = -1
                    return _Outside(piece.views, direction, other)
                found = self._blocks[b].decide(piece, label, other)
                if isinstance(found, _Outside):
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


def _connected(rows: csr_array) -> Ints:
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


def _distinct(law: Counted, block_of: Ints) -> Iterator[tuple[list[_Piece], list[int]]]:
    """Block by block the distinct examples up to multiples, and the first of each."""
    found: defaultdict[int, dict[tuple[tuple[bytes, bytes], int], tuple[_Piece, int]]] = defaultdict(dict)
    for row, label in enumerate(law.labels.tolist()):
        views, counts = law.entries(row)
        piece = _Piece.of(views, counts)
        found[int(block_of[views[0]])].setdefault((piece.key, label), (piece, row))
    for b in sorted(found):
        own = found[b].values()
        yield [piece for piece, _ in own], [row for _, row in own]


# ── The max-margin head ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class MaxMarginHead:
    """The W of least norm with margin 1 in training: a prediction in floats, and no promise.

    The *margin* of a head on an example is the least W·ψ over its rays, divided by its number of candidate sets: softmax
    averages. What gradient descent on a logistic loss tends to, where W is all that is trained, is this W up to a factor.

    Attributes
    ----------
    weights : W, views x labels; every row sums to 0.
    """

    weights: Floats

    def margins(self, rows: csr_array, labels: Sequence[int] | Ints) -> Floats:
        """The margin on every example, a label in 0..|Y|-1 each; 0 where there is no candidate set."""
        law = Counted.of(rows, labels, self.weights.shape[1], "MaxMarginHead", "rows")
        check(
            law.rows.shape[1] == len(self.weights), "MaxMarginHead", "rows", got=f"{law.rows.shape[1]} views",
            expected=f"{len(self.weights)}, as in training", fix="Number the views of both laws together.",
        )  # fmt: skip
        masses = np.asarray(law.rows @ self.weights) / np.maximum(law.rows.sum(axis=1), 1)[:, None]
        at = np.arange(len(law.labels)), law.labels
        own = masses[at]
        masses[at] = -np.inf
        return np.asarray(own - masses.max(axis=1))

    def errs(self, rows: csr_array, labels: Sequence[int] | Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """On which examples its greedy answer is wrong, and of which this is in doubt, being in floats."""
        margins = self.margins(rows, labels)
        return margins <= 0, np.abs(margins) <= DOUBT * np.abs(self.weights).max()


def max_margin(
    train: csr_array, train_labels: Sequence[int] | Ints, n_labels: int, *, budget: int = MOST_DENSE
) -> MaxMarginHead:
    """The soft head min |W|² with W·ψ / (number of candidate sets) >= 1 on every training ray: a heuristic, in floats.

    Parameters
    ----------
    train, train_labels, n_labels : as for `soft_guarantees`; at least two labels.
    budget : rows times columns that the quadratic program may have.

    Returns
    -------
    MaxMarginHead

    Raises
    ------
    InvalidArgument, BudgetExceeded : as `soft_guarantees`, and for a single label.
    AssumptionViolated : where no head is perfect in training.
    ExactnessLost : where the solver leaves a margin below 1.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> head = max_margin(csr_array(np.array([[1, 0], [1, 3]])), [0, 1], 2)
    >>> head.weights.round(6).tolist()
    [[0.5, -0.5], [-0.833333, 0.833333]]
    >>> head.margins(csr_array(np.array([[5, 3], [0, 0]])), [0, 1]).round(6).tolist()
    [0.0, 0.0]

    Cost: non-negative least squares of labels · views equations in as many unknowns as there are distinct rays.
    Source: T14 in docs/theory.md.
    """
    where = "max_margin"
    check_integer(n_labels, where, "n_labels", least=2, fix="With one label there is no margin.")
    law = Counted.of(train, train_labels, n_labels, where, "train")
    n_examples, n_views = law.rows.shape
    within_budget(
        f"{where} (rows x columns)", size=n_examples * (n_labels - 1) * n_views * n_labels, budget=budget,
        fix=f"Here are {n_examples * (n_labels - 1):,} x {n_views * n_labels:,}: ask for shorter lengths.",
    )  # fmt: skip
    if not soft_guarantees(law.rows, law.labels, law.rows[:0], law.labels[:0], n_labels).realizable:
        raise AssumptionViolated(
            where, "train", got="a law on which no soft head is perfect", expected="a realizable one",
            fix="Ask soft_guarantees for `combination`.",
        )  # fmt: skip
    shares = law.rows.toarray() / law.rows.sum(axis=1)[:, None]
    rays = np.zeros((n_examples, n_labels, n_views, n_labels))  # (example, y', view, label)
    for other in range(n_labels):
        rays[np.arange(n_examples), other, :, law.labels] = shares
        rays[:, other, :, other] -= shares
    kept = np.arange(n_labels) != law.labels[:, None]
    weights = _least_norm(np.unique(rays[kept].reshape(-1, n_views * n_labels), axis=0))
    return MaxMarginHead(weights.reshape(n_views, n_labels))


def _least_norm(rays: Floats) -> Floats:
    """The x of least norm with rays · x >= 1, by non-negative least squares (Lawson and Hanson's least distances).

    Solved twice: where |x| is far from 1 the first time scales the second.
    """
    from scipy.optimize import nnls

    scale, x = 1.0, np.zeros(rays.shape[1])
    for _ in range(2):
        matrix = np.vstack([rays.T * scale, np.ones(len(rays))])
        shares, _ = nnls(matrix, np.r_[np.zeros(rays.shape[1]), 1.0], maxiter=30 * sum(matrix.shape))
        rest = matrix @ shares - np.r_[np.zeros(rays.shape[1]), 1.0]
        x = -rest[:-1] / rest[-1] * scale
        scale = float(np.linalg.norm(x))
    least = float((rays @ x).min())
    if not least >= 1 - 1e-6:
        raise ExactnessLost(
            "max_margin", "train", got=f"a quadratic program that did not converge: the least margin is {least}",
            expected="a margin of 1", fix="It stays inconclusive: decide shorter lengths.",
        )  # fmt: skip
    return np.asarray(x)
