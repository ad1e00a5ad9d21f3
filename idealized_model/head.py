"""The sparse functional attention head (Definition 4 in docs/theory.md), evaluated exactly and in float64."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.coordinates import Ids
from theory.errors import ExactnessLost, InvalidArgument, check, check_type, shown, typed
from theory.exact import Rational, as_float, probabilities, rational
from theory.examples import Example, Label, Law, check_label, label_set
from theory.heads import HardHead, HeadClass, View, check_heads
from theory.planted import planted_components

Answer: TypeAlias = Label | Mapping[Any, Rational]
"""What a candidate answers: one label, or a law over labels."""


@dataclass(frozen=True)
class HeadOutput:
    """What a head says on one example: an exact law over labels, or nothing when it abstains.

    Attributes
    ----------
    law : {label: probability}, empty when the head abstains.
    denominator : Σ_S A(v_S); the head abstains when it is 0.

    Examples
    --------
    >>> out = HeadOutput({"a": Fraction(3, 4), "b": Fraction(1, 4)}, denominator=Fraction(4))
    >>> out.loss("a"), out.abstains
    (Fraction(1, 4), False)
    """

    law: Mapping[Label, Fraction]
    denominator: Fraction

    @property
    def abstains(self) -> bool:
        """Whether no candidate set has a positive score."""
        return self.denominator == 0

    def loss(self, label: Label) -> Fraction:
        """The wrong mass 1 - h_label; an abstention loses 1."""
        return 1 - self.law.get(label, Fraction(0))


class SparseAttentionHead:
    """h(x, p) = Σ_S A(v_S) g(v_S) / Σ_S A(v_S), S over the candidate sets of (x, p), v_S the view of S.

    With A = exp(logit) this is softmax attention over k-tuples. A *hard* head has scores 0 or 1 and single labels as
    values; a *normalised soft* head has scores in [0, 1], and 1 on every planted view (`is_normalised`).

    Parameters
    ----------
    heads : the head class, which fixes candidate sets and views.
    score : A, a mapping {view: score} (0 for views that it lacks) or a function of the view; exact and >= 0.
    logit : instead of `score`: log A as floats (-inf for no attention); such heads evaluate in float64 only.
    value : g, a mapping {view: answer} or a function of the view; an answer is a label or a law {label: probability}.

    Raises
    ------
    InvalidArgument : for both or neither of score and logit, a view of the wrong arity, a negative or NaN score.

    Examples
    --------
    >>> heads = HeadClass(arity=1)
    >>> head = SparseAttentionHead(heads, score={View((1,), ()): 1, View((2,), ()): "1/2"},
    ...                            value={View((1,), ()): "one", View((2,), ()): "two"})
    >>> out = head(Example(tokens=(1, 2, 0), ids=(0, 1, 2), label="one"))
    >>> out.law, out.loss("one"), out.abstains
    ({'one': Fraction(2, 3), 'two': Fraction(1, 3)}, Fraction(1, 3), False)

    Cost: O(candidates · k) an example. Source: Definition 4 in docs/theory.md, after arXiv:2502.16792.
    """

    def __init__(
        self,
        heads: HeadClass,
        *,
        score: Mapping[View, Rational] | Callable[[View], Rational] | None = None,
        logit: Mapping[View, float] | Callable[[View], float] | None = None,
        value: Mapping[View, Answer] | Callable[[View], Answer],
    ) -> None:
        where = "SparseAttentionHead"
        check_heads(heads, where)
        got = "both score and logit" if score is not None else "neither score nor logit"
        fix = "Give score (exact) or logit (float64 only)."
        check((score is None) != (logit is None), where, "score", got=got, expected="exactly one of the two", fix=fix)
        self.heads = heads
        self._score, self._logit, self._value = score, logit, value
        for name, given in (("score", score), ("logit", logit), ("value", value)):
            if isinstance(given, Mapping):
                for view in given:
                    heads.check_view(view, where, name)
            elif not (callable(given) or (given is None and name != "value")):
                fix = f"For instance {name}=lambda view: 1, or {name}={{View((1,), ()): 1}}."
                raise InvalidArgument(
                    where, name, got=typed(given), expected="a mapping or a function of the view", fix=fix
                )
        for view in score if isinstance(score, Mapping) else ():
            self.score(view)
        for view in value if isinstance(value, Mapping) else ():
            self.answer(view)

    @classmethod
    def hard(cls, head: HardHead) -> SparseAttentionHead:
        """The attention head that scores 1 on the selected views of a hard head and 0 elsewhere."""
        return cls(head.heads, score=dict.fromkeys(head.answers, 1), value=head.answers)

    def score(self, view: View) -> Fraction:
        """A(view), exactly.

        Raises
        ------
        ExactnessLost : for a head that is given by logits.
        InvalidArgument : for a negative, NaN or float score.
        """
        if self._score is None:
            expected, fix = "exact scores for an exact result", "Give score= instead, or use batch() for float64."
            got = "a head given by float logits"
            raise ExactnessLost("SparseAttentionHead", "logit", got=got, expected=expected, fix=fix)
        raw = self._score.get(view, 0) if isinstance(self._score, Mapping) else self._score(view)
        if isinstance(raw, int | Fraction) and not isinstance(raw, bool) and raw >= 0:  # the usual case, without words
            return Fraction(raw)
        where, argument = "SparseAttentionHead", f"score[{shown(tuple(view))}]"
        expected = "an exact score >= 0"
        fix = "Scores are attention weights before normalisation; use 0 for no attention."
        check(not isinstance(raw, float) or raw == raw, where, argument, got="NaN", expected=expected, fix=fix)
        exact = rational(raw, where, argument)
        check(exact >= 0, where, argument, got=f"the negative score {exact}", expected=expected, fix=fix)
        return exact

    def answer(self, view: View) -> Mapping[Label, Fraction]:
        """g(view) as a law over labels.

        Raises
        ------
        InvalidArgument : when a scored view has no value, or its value is a mapping that is no law.
        """
        if isinstance(self._value, Mapping):
            if view not in self._value:
                got = f"no value for the view {shown(tuple(view))} of positive score"
                fix = "Add it, or score the view 0."
                expected = "a value for every view of positive score"
                raise InvalidArgument("SparseAttentionHead", "value", got=got, expected=expected, fix=fix)
            raw = self._value[view]
        else:
            raw = self._value(view)
        if type(raw) is int:
            return {raw: Fraction(1)}
        where, argument = "SparseAttentionHead", f"value[{shown(tuple(view))}]"
        if not isinstance(raw, Mapping):
            check_label(raw, where, argument)
            return {raw: Fraction(1)}
        for label in raw:
            check_label(label, where, argument)
        law = zip(raw, probabilities(list(raw.values()), where, argument), strict=True)
        return {label: p for label, p in law if p > 0}

    def __call__(self, example: Example) -> HeadOutput:
        """The exact output on one example (its label is not looked at); cost O(candidates · k)."""
        return self.from_counts(self.heads.view_counts(example))

    def from_counts(self, counts: Mapping[View, int]) -> HeadOutput:
        """The exact output on an example whose candidate sets have these views; cost O(distinct views)."""
        total = Fraction(0)
        mass: dict[Label, Fraction] = {}
        for view, count in counts.items():
            weight = self.score(view) * count
            if weight == 0:
                continue
            total += weight
            for label, p in self.answer(view).items():
                mass[label] = mass.get(label, Fraction(0)) + weight * p
        return HeadOutput({label: m / total for label, m in mass.items() if m} if total else {}, total)

    def is_normalised(self, law: Law) -> bool:
        """Whether every score is in [0, 1] and every planted view has score 1, over the views of a planted law.

        Raises
        ------
        AssumptionViolated : when the law is not planted.
        """
        check_type(law, Law, "SparseAttentionHead.is_normalised", "law", "a planted law", "Use PlantedEnsemble.at.")
        views = {view for example in law.support() for view in self.heads.views(example)}
        planted = {
            self.heads.view(example.tokens, example.ids, set_)
            for part, _ in planted_components(law, "SparseAttentionHead.is_normalised", "law")
            for set_, _ in part.support_law.sets(part.length, part.ensemble.arity)
            for example in part.support()
            if set_ in set(self.heads.candidates(example.ids))
            and tuple(example.tokens[i] for i in set_) in part.ensemble.planted
        }
        return all(self.score(v) <= 1 for v in views) and all(self.score(v) == 1 for v in planted)

    def batch(
        self, tokens: NDArray[np.integer], ids: NDArray[np.integer], labels: Sequence[Label]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Outputs in float64, computed in log space: stable at logits of any finite size.

        Parameters
        ----------
        tokens, ids : integer arrays of shape (batch, length); IDs of d coordinates have shape (batch, length, d).
        labels : the labels of the output columns.

        Returns
        -------
        probabilities : (batch, len(labels)); rows of zeros where the head abstains.
        abstains : (batch,) booleans.

        Raises
        ------
        InvalidArgument : for arrays of other shapes, a NaN or +inf logit, or an answer outside `labels`.

        Examples
        --------
        >>> import numpy as np
        >>> heads = HeadClass(arity=1)
        >>> head = SparseAttentionHead(heads, logit=lambda v: 1000.0 * v.tokens[0], value=lambda v: v.tokens[0])
        >>> head.batch(np.array([[0, 1]]), np.array([[0, 1]]), labels=[0, 1])
        (array([[0., 1.]]), array([False]))

        Cost: O(batch · candidates) after one evaluation of score and value per distinct view.
        """
        where = "SparseAttentionHead.batch"
        tokens, ids = _integers(tokens, "tokens"), _integers(ids, "ids")
        got, expected = f"shapes {tokens.shape} and {ids.shape}", "two integer arrays of one shape (batch, length)"
        vectors = ids.ndim == 3 and ids.shape[2] > 1
        alike = tokens.ndim == 2 and tokens.shape == ids.shape[: ids.ndim - vectors] and tokens.shape[1]
        check(alike, where, "tokens", got=got, expected=expected, fix="Stack sequences of one length.")
        column = {label: j for j, label in enumerate(label_set(labels, where))}
        expected, fix = "at least one label, each once", "Give the label of every output column."
        check(len(column) == max(len(labels), 1), where, "labels", labels, expected=expected, fix=fix)
        probabilities = np.zeros((len(tokens), len(labels)))
        abstains = np.zeros(len(tokens), dtype=bool)
        known: dict[View, tuple[float, NDArray[np.float64]]] = {}
        distinct, which = np.unique(ids, axis=0, return_inverse=True)
        for row, sequence_ids in enumerate(distinct.tolist()):
            members = np.flatnonzero(which.reshape(-1) == row)
            own_ids = tuple(map(tuple, sequence_ids)) if vectors else tuple(sequence_ids)
            codes, views = np.zeros((len(members), 0), dtype=np.intp), list[View]()  # (members, sets)
            for part in self.heads.parts(len(own_ids)):
                if sets := list(part.candidates(own_ids)):
                    keys = [part.key_of(tuple(own_ids[i] for i in set_)) for set_ in sets]
                    own_codes, own_views = self._views_of(tokens[members][:, np.array(sets)], keys)
                    codes, views = np.hstack([codes, own_codes + len(views)]), views + own_views
            if not views:
                abstains[members] = True
                continue
            for view in views:
                if view not in known:
                    known[view] = self._log_score(view), self._float_answer(view, column)
            logits = np.array([known[view][0] for view in views])[codes]
            answers = np.array([known[view][1] for view in views])  # (views, labels)
            top = logits.max(axis=1)
            abstains[members] = np.isneginf(top)
            # Scaled by the largest score, every exponent is <= 0; rows that abstain get weights 0.
            with np.errstate(over="ignore"):  # a difference of huge logits may be -inf: weight 0 to float accuracy
                weights = np.exp(logits - np.where(np.isneginf(top), 0.0, top)[:, None])
            scale = weights.sum(axis=1)
            mass = np.stack([(weights * answers[:, j][codes]).sum(axis=1) for j in range(len(labels))], axis=1)
            probabilities[members] = mass / np.where(scale == 0, 1.0, scale)[:, None]
        return probabilities, abstains

    def _views_of(self, chosen: NDArray[np.integer], keys: list[Ids]) -> tuple[NDArray[np.intp], list[View]]:
        """Codes (members, sets) into a list of the distinct views; chosen has shape (members, sets, k)."""
        key_code = {key: j for j, key in enumerate(dict.fromkeys(keys))}
        columns = np.array([key_code[key] for key in keys])
        members, n_sets, k = chosen.shape
        labelled = np.concatenate(
            [chosen, np.broadcast_to(columns[None, :, None], (members, n_sets, 1))], axis=2
        )  # (members, sets, k + 1)
        rows, codes = np.unique(labelled.reshape(-1, k + 1), axis=0, return_inverse=True)
        key_list = list(key_code)
        views = [View(tuple(row[:k]), key_list[row[k]]) for row in rows.tolist()]
        return codes.reshape(members, n_sets), views

    def _log_score(self, view: View) -> float:
        if self._logit is None:
            exact = self.score(view)
            # The log of a ratio of big integers: neither they nor their ratio need fit a float.
            return math.log(exact.numerator) - math.log(exact.denominator) if exact else -np.inf
        logit = self._logit.get(view, -np.inf) if isinstance(self._logit, Mapping) else self._logit(view)
        try:
            finite = isinstance(logit, numbers.Real) and not isinstance(logit, bool) and float(logit) < np.inf
        except OverflowError:  # an integer beyond the floats
            finite = False
        if not finite:
            argument, expected = f"logit[{shown(tuple(view))}]", "a finite float, or -inf for no attention"
            fix = "Correct the logit."
            raise InvalidArgument("SparseAttentionHead.batch", argument, got=shown(logit), expected=expected, fix=fix)
        return float(logit)

    def _float_answer(self, view: View, column: Mapping[Label, int]) -> NDArray[np.float64]:
        out = np.zeros(len(column))
        if self._log_score(view) == -np.inf:
            return out
        for label, p in self.answer(view).items():
            if label not in column:
                where = "SparseAttentionHead.batch"
                got = f"{shown(tuple(column))} without the answer {shown(label)}"
                expected = "every label that the head answers"
                raise InvalidArgument(where, "labels", got=got, expected=expected, fix="Add it to labels.")
            out[column[label]] = as_float(p)
        return out


def _integers(values: NDArray[np.integer], name: str) -> NDArray[np.int64]:
    """An array of 64-bit integers; arrays of another kind and ragged lists are refused."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.array(None)
    if not np.issubdtype(array.dtype, np.integer) or not np.can_cast(array.dtype, np.int64):
        expected = "an array of integers (64 bits at most) of shape (batch, length)"
        fix = "Convert it with np.array(..., dtype=int)."
        raise InvalidArgument("SparseAttentionHead.batch", name, got=typed(values), expected=expected, fix=fix)
    return array.astype(np.int64)
