"""The meter: how many tokens of a context a prediction needs.

The context's tokens are left out and kept under their own IDs, so the model must have been trained on text with gaps. With
p(S) its next-token law when it sees the tokens at the positions S, the current token always among them, the sparsity of a
prediction at a tolerance ε is

    k = min |S| over all S with KL(p(all) ‖ p(S)) <= ε.

The minimum over all sets is out of reach; `measure` searches along three paths of growing sets and takes the best, an upper
bound. `exhaustive` tries all sets, where these are few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from math import comb
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import Parameters
from idealized_model.transformer.engine import Engine
from theory.errors import check, check_integer, within_budget

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

PATHS = ("forward", "removal", "recency")
"""Forward greedy; by what the removal of a token costs; the last tokens."""

GREEDY = 8
"""Size up to which the forward path takes the best token of all candidates in each step."""

SINGLES, RECENT = 32, 16
"""Candidates of the forward path: the tokens that help most alone, and the last ones."""

LAST, RUNS, RUN = 32, 6, 8
"""The removal path ranks the last tokens, and those of so many of the runs of this length without which most is lost."""

SEARCH = (GREEDY, SINGLES, RECENT, LAST, RUNS, RUN)
"""What a measurement depends on beside the model and the context."""

ROWS = 2**13
"""Sets of tokens that go through the model at once, so that many of them take no more memory."""

CONTEXTS = 64
"""Contexts that are measured together."""


def sizes(window: int) -> tuple[int, ...]:
    """The sizes of sets on a path: all up to 8, then two or three a doubling, and the window.

    Examples
    --------
    >>> sizes(59)
    (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 59)
    """
    grid = [*range(1, 9), *(n << i for i in range(1, window.bit_length()) for n in (5, 6, 8))]
    return (*(n for n in grid if n < window), window)


@dataclass(frozen=True, eq=False)
class Measurement:
    """What the meter found for one context.

    Attributes
    ----------
    kl : {path: KL(p(all) ‖ p(kept)) in nats, at every size of `sizes`}.
    order : {path: positions in the order in which they are kept}, the current token first.
    log_probabilities : of the next token after the whole context.

    Examples
    --------
    >>> kl = {path: np.array([0.7, gap, 0.0]) for path, gap in zip(PATHS, (0.04, 0.2, 0.3))}
    >>> order = {path: np.array([2, 0, 1]) for path in PATHS} | {"recency": np.array([2, 1, 0])}
    >>> found = Measurement(kl, order, np.log([0.5, 0.5]))
    >>> found.k(0.1), found.kept(0.1), found.k_of("recency", 0.1), round(found.entropy, 2)
    (2, (0, 2), 3, 0.69)
    """

    kl: dict[str, Floats]
    order: dict[str, Integers]
    log_probabilities: Floats

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the sets of every path."""
        return sizes(len(self.order["recency"]))

    @cached_property
    def entropy(self) -> float:
        """Of the next token after the whole context, in nats."""
        return float(-(np.exp(self.log_probabilities) * self.log_probabilities).sum())

    @property
    def kl_at_one(self) -> float:
        """KL(p(all) ‖ p(the current token alone))."""
        return float(self.kl["recency"][0])

    def k_of(self, path: str, epsilon: float) -> int:
        """The smallest size at which the set of a path suffices: the whole context does.

        Raises
        ------
        InvalidArgument : for a tolerance that is not > 0.
        """
        fix = "For instance 0.05 nats."
        check(epsilon > 0, "Measurement", "epsilon", epsilon, expected="a number > 0", fix=fix)
        enough = np.append(self.kl[path][:-1] <= epsilon, True)  # the whole does, whatever rounding says
        return self.sizes[int(np.argmax(enough))]

    def k(self, epsilon: float) -> int:
        """The smallest of the three paths: an upper bound of the sparsity.

        Raises
        ------
        InvalidArgument : for a tolerance that is not > 0.
        """
        return min(self.k_of(path, epsilon) for path in PATHS)

    def kept(self, epsilon: float) -> tuple[int, ...]:
        """The positions of a set of that size that suffices.

        Raises
        ------
        InvalidArgument : for a tolerance that is not > 0.
        """
        path = min(PATHS, key=lambda path: self.k_of(path, epsilon))
        return tuple(sorted(self.order[path][: self.k_of(path, epsilon)].tolist()))


def measure(engine: Engine, parameters: Parameters, context: Integers) -> Measurement:
    """How many tokens of a context the prediction after it needs.

    Three paths of sets that grow by the sizes of `sizes`; the k of each is an upper bound of the sparsity. *forward*: the
    current token, then up to 8 the one among the candidates that lowers KL(p(all) ‖ p(S)) most, then the others by what they
    did last. *removal*: tokens by the KL that leaving them out alone costs. *recency*: the last tokens. Forward search
    overlooks tokens that tell nothing apart; removal overlooks those that have a substitute; each finds the other's.

    In a window of more than 81 tokens, removal ranks the last 32 or more and those of six runs of 8 alone. Where tokens of
    more far runs are needed together the bound is loose: it may be the whole window.

    Parameters
    ----------
    engine, parameters : a model that was trained on text with gaps; its IDs are 0..window-1.
    context : (window,) tokens, the last one is that from which the prediction is made.

    Raises
    ------
    InvalidArgument : for a context that is no row of tokens of the model.

    Examples
    --------
    >>> from idealized_model.transformer import ModelConfig
    >>> config = ModelConfig(n_tokens=5, width=8, n_layers=1, n_heads=2, encoding="rope")
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> found = measure(Engine(config), parameters, np.array([3, 1, 4, 1]))
    >>> found.k(0.1), found.kept(0.1)  # before training all predictions are about the same
    (1, (3,))

    Cost: with a window of 256 about 19,000 tokens through the model, in all.
    """
    return next(measure_all(engine, parameters, np.asarray(context)[None]))


def measure_all(engine: Engine, parameters: Parameters, contexts: Integers) -> Iterator[Measurement]:
    """`measure` of many contexts, (n, window), whose sets go through the model together.

    Raises
    ------
    InvalidArgument : for contexts that are no rows of tokens of the model.

    Examples
    --------
    >>> from idealized_model.transformer import ModelConfig
    >>> config = ModelConfig(n_tokens=5, width=8, n_layers=1, n_heads=2, encoding="rope")
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> contexts = np.random.default_rng(0).integers(0, 5, (3, 20))
    >>> [found.k(0.1) for found in measure_all(Engine(config), parameters, contexts)]
    [1, 1, 1]
    """
    contexts = np.asarray(contexts)
    check_contexts(contexts, engine, "measure")
    for start in range(0, len(contexts), CONTEXTS):
        yield from _Search(engine, parameters, contexts[start : start + CONTEXTS]).measurements()


def check_contexts(contexts: Integers, engine: Engine, where: str) -> None:
    """Refuse what are no rows of tokens of a model.

    Raises
    ------
    InvalidArgument
    """
    is_rows = contexts.ndim == 2 and contexts.size and np.issubdtype(contexts.dtype, np.integer)
    got = f"an array of {contexts.dtype} of shape {contexts.shape}"
    check(is_rows, where, "context", got=got, expected="rows of at least one token", fix="Encode the text first.")
    n = engine.config.n_tokens
    least, most = int(contexts.min()), int(contexts.max())
    fix, got = "Use the tokenizer that the model was trained with.", f"tokens {least}..{most}"
    check(least >= 0 and most < n, where, "context", got=got, expected=f"tokens 0..{n - 1}, as the model has", fix=fix)
    if engine.config.encoding == "learned":
        most, window = engine.config.n_ids, contexts.shape[1]
        fix = "Measure shorter contexts."
        check(window <= most, where, "context", got=f"{window} tokens", expected=f"at most {most}", fix=fix)


def exhaustive(
    engine: Engine,
    parameters: Parameters,
    context: Integers,
    *,
    epsilon: float,
    largest: int = 3,
    among: int | None = None,
    budget: int = 200_000,
) -> tuple[int, ...] | None:
    """A smallest set of tokens that suffices, found by trying all of them; None if none of these sizes does.

    Parameters
    ----------
    engine, parameters, context : as in `measure`.
    epsilon : the tolerance, nats.
    largest : sizes up to this are tried.
    among : how many of the last tokens the sets are taken from; None: all, and then no smaller set exists.
    budget : sets at most.

    Raises
    ------
    InvalidArgument, BudgetExceeded

    Examples
    --------
    >>> from idealized_model.transformer import ModelConfig
    >>> config = ModelConfig(n_tokens=5, width=8, n_layers=1, n_heads=2, encoding="rope")
    >>> parameters = Parameters.drawn(config, np.random.default_rng(0))
    >>> exhaustive(Engine(config), parameters, np.array([3, 1, 4, 1]), epsilon=0.1)
    (3,)

    Cost: C(among - 1, largest - 1) sets.
    """
    where, context = "exhaustive", np.asarray(context)
    check_contexts(context[None], engine, where)
    window = len(context)
    check(epsilon > 0, where, "epsilon", epsilon, expected="a number > 0", fix="For instance 0.05 nats.")
    check_integer(largest, where, "largest", least=1)
    among = window if among is None else among
    check_integer(among, where, "among", least=1, most=window)
    within_budget(where, size=sum(comb(among - 1, size - 1) for size in range(1, largest + 1)), budget=budget)
    search = _Search(engine, parameters, context[None])
    for size in range(1, min(largest, among) + 1):
        others = combinations(range(window - among, window - 1), size - 1)
        while block := [(*some, window - 1) for some in islice(others, ROWS)]:
            kl = search.kl(np.array(block)[None])[0]
            if kl.min() <= epsilon:
                return block[int(np.argmin(kl))]
    return None


class _Search:
    """The three paths of several contexts at once. Letters of the shapes: n contexts, m sets of each, s tokens of each."""

    def __init__(self, engine: Engine, parameters: Parameters, contexts: Integers) -> None:
        self.engine, self.parameters, self.contexts = engine, parameters, contexts
        self.window = contexts.shape[1]
        whole = np.broadcast_to(np.arange(self.window), (len(contexts), 1, self.window))
        logits = self._logits(slice(None), whole)[:, 0].astype(np.float64)
        self.full = logits - _log_sum(logits)[:, None]
        self.law = np.exp(self.full)

    def _logits(self, rows: slice, sets: Integers) -> NDArray[Any]:
        """(n, m, tokens): what the model predicts from sets of positions (n, m, s), each in order."""
        n, m, s = sets.shape
        tokens = self.contexts[rows][np.arange(n)[:, None, None], sets]
        one = np.ones((n * m, 1), dtype=np.int64)
        batch = Batch(tokens.reshape(-1, s), sets.reshape(-1, s), (s - 1) * one, 0 * one, one.astype(np.float32))
        return self.engine.logits(self.parameters, batch)[0].reshape(n, m, -1)

    def kl(self, sets: Integers) -> Floats:
        """KL(p(all) ‖ p(S)), (n, m): Σ p log p - Σ p logit + log Σ exp(logit)."""
        n, m, _ = sets.shape
        out = np.empty((n, m))
        step, wide = max(1, ROWS // m), min(m, ROWS)
        for row in range(0, n, step):
            rows = slice(row, row + step)
            negative = (self.law[rows] * self.full[rows]).sum(axis=1)[:, None]
            for column in range(0, m, wide):
                columns = slice(column, column + wide)
                logits = self._logits(rows, sets[rows, columns])
                cross = (logits @ self.law[rows].astype(logits.dtype)[:, :, None])[:, :, 0]
                out[rows, columns] = negative - cross + _log_sum(logits)
        return np.maximum(out, 0)

    def measurements(self) -> Iterator[Measurement]:
        singles = self._with(np.full((len(self.contexts), 1), self.window - 1), self._others())
        order = {"forward": self._forward(singles), "removal": self._removal(), "recency": self._recency()}
        kl = {path: self._along(order[path]) for path in PATHS}
        for i in range(len(self.contexts)):
            yield Measurement({p: kl[p][i] for p in PATHS}, {p: order[p][i] for p in PATHS}, self.full[i])

    def _others(self) -> Integers:
        """All positions but that of the current token, (n, window - 1)."""
        return np.broadcast_to(np.arange(self.window - 1), (len(self.contexts), self.window - 1))

    def _along(self, order: Integers) -> Floats:
        """The KL of the first tokens of an order, at every size."""
        return np.concatenate([self.kl(np.sort(order[:, None, :s], axis=2)) for s in sizes(self.window)], axis=1)

    def _with(self, chosen: Integers, candidates: Integers) -> Floats:
        """The KL of the chosen positions (n, s) with each of the candidates (n, m)."""
        n, m = candidates.shape
        if not m:
            return np.zeros((n, 0))
        sets = np.concatenate(
            [np.broadcast_to(chosen[:, None], (n, m, chosen.shape[1])), candidates[:, :, None]], axis=2
        )
        return self.kl(np.sort(sets, axis=2))

    def _recency(self) -> Integers:
        return np.broadcast_to(np.arange(self.window)[::-1], self.contexts.shape)

    def _forward(self, singles: Floats) -> Integers:
        """The greedy order: the current token, up to `GREEDY` the best candidate each, then all others by their last KL."""
        n, last = len(self.contexts), self.window - 1
        score = np.concatenate([singles, np.full((n, 1), -1.0)], axis=1)  # the KL with the token, when last looked at
        first = score.copy()
        first[:, max(0, last - RECENT) : last] = 0  # the last ones are candidates anyhow
        pool = np.sort(_lowest(first[:, :last], SINGLES + RECENT), axis=1)
        order = np.full((n, 1), last)
        for size in range(2, min(GREEDY, pool.shape[1] + 1) + 1):
            if size > 2:
                np.put_along_axis(score, pool, self._with(order, pool), axis=1)
            best = _lowest(np.take_along_axis(score, pool, axis=1), 1)
            order = np.concatenate([order, np.take_along_axis(pool, best, axis=1)], axis=1)
            rest = np.ones(pool.shape, dtype=bool)
            np.put_along_axis(rest, best, False, axis=1)
            pool = pool[rest].reshape(n, -1)
        others = np.ones(score.shape, dtype=bool)
        np.put_along_axis(others, order, False, axis=1)
        outside = others.copy()
        np.put_along_axis(outside, pool, False, axis=1)
        keys = np.where(outside, np.inf, score)  # candidates first, then those outside by how they did alone
        ranks = np.lexsort((-np.arange(self.window) + 0 * score, score, keys), axis=1)
        return np.concatenate([order, ranks[np.take_along_axis(others, ranks, axis=1)].reshape(n, -1)], axis=1)

    def _removal(self) -> Integers:
        """The current token, then the ranked ones by what leaving them out of all ranked ones costs, then the last ones."""
        n, last = len(self.contexts), self.window - 1
        ranked = self._ranked()
        m = ranked.shape[1]
        kept = np.concatenate([ranked, np.full((n, 1), last)], axis=1)
        without = np.array([np.delete(np.arange(m + 1), i) for i in range(m)], dtype=np.int64).reshape(m, m)
        cost = self.kl(kept[:, without]) if m else np.zeros((n, 0))
        by_cost = np.take_along_axis(ranked, _lowest(-cost, m), axis=1)
        others = np.ones((n, last), dtype=bool)
        np.put_along_axis(others, ranked, False, axis=1)
        rest = np.broadcast_to(np.arange(last), others.shape)[others].reshape(n, -1)[:, ::-1]
        return np.concatenate([np.full((n, 1), last), by_cost, rest], axis=1)

    def _ranked(self) -> Integers:
        """Positions to rank, in order: all if they are few, else the last ones, and the runs without which most is lost."""
        n, last = len(self.contexts), self.window - 1
        if last <= LAST + RUNS * RUN:
            return self._others()
        recent = -(-(last - LAST) // RUN) * RUN
        runs = np.arange(recent).reshape(-1, RUN)
        without = np.array([np.setdiff1d(np.arange(self.window), run) for run in runs])
        cost = self.kl(np.broadcast_to(without, (n, *without.shape)))
        worst = np.sort(_lowest(-cost, RUNS), axis=1)
        far = runs[worst].reshape(n, -1)
        return np.concatenate([far, np.broadcast_to(np.arange(recent, last), (n, last - recent))], axis=1)


def _lowest(values: Floats, count: int) -> Integers:
    """The columns of the lowest values of every row, the lowest first; of equal ones the last, which is the nearest token."""
    width = values.shape[1]
    order: Integers = width - 1 - np.argsort(values[:, ::-1], axis=1, kind="stable")
    return order[:, :count]


def _log_sum(logits: NDArray[Any]) -> NDArray[Any]:
    """log Σ exp over the last axis; the logits' memory is kept."""
    most = logits.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(logits - most).sum(axis=-1)) + most[..., 0])
