"""An attention-only transformer as the soft head that it is (T14a): scores and values, read off the weights.

One layer of one head, without MLP and norms, has the logits Σ_s α_s (u(x_q) + z(x_s)), where α is the softmax of what q and
s make of each other. That is a head over the pairs {s, q} and the query alone, with a score a(v) and votes u + z for every
view v, which ranks the tokens as the model does. What follows is that arithmetic on views, without an engine.

>>> from idealized_model.transformer import ModelConfig, Parameters
>>> config = ModelConfig(n_tokens=3, width=4, n_layers=1, n_heads=1, encoding="rope", window=2, mlp=False, norm=False)
>>> head = as_head(Parameters.drawn(config, np.random.default_rng(0)))
>>> head.heads
HeadClass(arity=2, window=2, key='relative', anchor='last', at_most=True)
>>> example = Example(tokens=(0, 1, 2), ids=(0, 1, 2), label=0)
>>> bool(np.allclose(head(example), head.logits((0, 1, 2), (0, 1, 2), [2])[0]))
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress
from math import log, sqrt
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idealized_model.transformer.config import Encoding, ModelConfig, Parameters
from idealized_model.transformer.data import Queried
from idealized_model.transformer.encodings import alibi_slopes, sinusoids
from idealized_model.transformer.evaluation import asked, drawn_tests, strictly_largest
from idealized_model.transformer.training import Trainer
from theory.errors import check, check_integer, check_type, within_budget
from theory.exact import over_common_denominator
from theory.examples import Example
from theory.heads import HeadClass, Key, View
from theory.tasks import CountOnes, FullParity, Majority, Planted, PlantedMixture, SumModulo, Task

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

KEYS: dict[Encoding, Key] = {
    "none": "none", "learned": "absolute", "sinusoidal": "absolute", "rope": "relative", "alibi": "relative"
}  # fmt: skip
"""What an encoding shows of the IDs of a pair."""

BLOCK = 2**18
"""Candidate sets that are weighed at once."""

PAIRS = 2**28
"""Candidate sets of one sequence at most."""

PASS = "Pass a sequence as the model reads it."


def class_of_attention(encoding: Encoding, window: int | tuple[int, ...] | None) -> HeadClass:
    """The candidate sets of one layer of one head, and what it sees of them (T14a): pairs with the query, and it alone.

    Examples
    --------
    >>> class_of_attention("rope", 1)
    HeadClass(arity=2, window=1, key='relative', anchor='last', at_most=True)
    """
    return HeadClass(2, window, KEYS[encoding], "last", at_most=True)


@dataclass(frozen=True, eq=False)
class ModelHead:
    """What an attention-only model computes, as a function of how often an example shows every view; see `as_head`.

    With log-length scaling a score is exp(log(n + 1) / c · f(v)), n the number of keys that the query sees, which is that
    of the candidate sets: the model is then one head for every n. Without, `n_visible` plays no part.

    Attributes
    ----------
    parameters : of the model, in float64.

    Examples
    --------
    >>> config = ModelConfig(n_tokens=3, width=4, n_layers=1, n_heads=1, mlp=False, norm=False)
    >>> head = as_head(Parameters.zeros(config))  # every view the same, and no votes
    >>> head.score(View((1, 2), ())), head.votes(View((2,), ())).tolist()
    (0.0, [0.0, 0.0, 0.0])
    """

    parameters: Parameters

    @property
    def config(self) -> ModelConfig:
        """The model."""
        return self.parameters.config

    @property
    def heads(self) -> HeadClass:
        """The class: pairs with the query, and the query alone, in the model's window, with the key of its encoding."""
        return class_of_attention(self.config.encoding, self.config.window)

    def score(self, view: View, n_visible: int = 1) -> float:
        """log a(v): the logit of attention."""
        check_integer(n_visible, "ModelHead.score", "n_visible", least=1, kind=Integral)
        tokens, ids = self._pair(view)
        product, penalty, _ = self._weighed(tokens, ids)
        return float(self._scale(np.array([n_visible]))[0] * product[0] - penalty[0])

    def votes(self, view: View) -> Floats:
        """z_y(v) + u_y(v) for every token y: what a view adds to the logits of y, times its share of the attention."""
        return np.asarray(self._weighed(*self._pair(view))[2][0])

    def as_law(self, view: View, n_visible: int = 1) -> tuple[float, dict[int, Fraction]]:
        """(log A, g) of Definition 4, with A(v) · g_y(v) = a(v) · (votes of y - least vote + 1): the same greedy answers.

        `SparseAttentionHead` takes them as `logit` and `value`.
        """
        votes = [Fraction(float(vote)) for vote in self.votes(view)]
        raised = [vote - min(votes) + 1 for vote in votes]
        total = sum(raised)
        return self.score(view, n_visible) + log(total), {y: vote / total for y, vote in enumerate(raised)}

    def __call__(self, example: Example) -> Floats:
        """The logits of the next token, view by view; cost O(candidates)."""
        counts = self.heads.view_counts(example)
        n_visible = sum(counts.values())
        scores = np.array([self.score(view, n_visible) for view in counts])
        shares = np.exp(scores - scores.max()) * list(counts.values())
        return np.asarray(shares / shares.sum() @ np.array([self.votes(view) for view in counts]))

    def logits(self, tokens: Sequence[int], ids: Sequence[int], queries: Sequence[int]) -> Floats:
        """The logits of the next token at every query of a sequence, (S, tokens).

        Cost: with the key "none" and no window O(length · vocabulary); otherwise O(candidate sets of all queries), in
        blocks, and each distinct view of a block is weighed once.

        Raises
        ------
        InvalidArgument : for tokens and IDs that the model does not have, and queries that are no positions.
        BudgetExceeded : for more than `PAIRS` candidate sets.
        """
        x, p, at = (np.asarray(values, dtype=np.int64) for values in (tokens, ids, queries))
        where = "ModelHead.logits"
        check(len(x) == len(p), where, "ids", got=f"{len(p)} IDs for {len(x)} tokens", expected="one a token", fix=PASS)
        self._check(x, p, where)
        _check_range(at, len(x), where, "queries", "positions")
        if self.heads.sees_ids:
            return np.concatenate([self._of_pairs(x, p, *block) for block in self._blocks(p, at)])
        seen = np.zeros((len(x) + 1, self.config.n_tokens), dtype=np.int64)
        np.cumsum(x[:, None] == np.arange(self.config.n_tokens), axis=0, out=seen[1:])
        return self.of_counts(seen[at + 1], x[at])

    def of_counts(self, counts: Ints, query: Ints) -> Floats:
        """The logits of a model without positions, from how often (S, tokens) what is seen has each token.

        Parameters
        ----------
        query : (S,), the token that asks, which is counted too.
        """
        n, size = self.config.n_tokens, len(query)
        asking = np.unique(query)
        pairs = np.stack([np.tile(np.arange(n), len(asking)), asking.repeat(n)], axis=1)
        product, _, votes = (part.reshape(len(asking), n, *part.shape[1:]) for part in self._weighed(pairs, 0 * pairs))
        own = np.searchsorted(asking, query)
        scores = np.where(counts > 0, self._scale(counts.sum(axis=1))[:, None] * product[own], -np.inf)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True)) * counts
        shares /= shares.sum(axis=1, keepdims=True)
        found = np.empty((size, n))
        for j in range(len(asking)):
            found[own == j] = shares[own == j] @ votes[j]
        return found

    # ── Pairs of positions ───────────────────────────────────────────────────────────────────────────────────────────

    def _blocks(self, ids: Ints, queries: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
        """(queries, all that they see one after the other, where each begins), so many queries at once as fit `BLOCK`."""
        lows, sizes, order = self._runs(ids, queries)
        n_visible = sizes.sum(axis=1)
        where = "as_head: candidate sets of one sequence"
        within_budget(where, size=int(n_visible.sum()), budget=PAIRS, fix="Use shorter sequences, or a window.")
        ends = np.cumsum(n_visible)
        start = 0
        while start < len(queries):
            end = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + BLOCK, "right")))
            low, size = lows[start:end].ravel(), sizes[start:end].ravel()
            first = np.cumsum(size) - size
            places = np.repeat(low - first, size) + np.arange(size.sum())
            begins = np.cumsum(n_visible[start:end]) - n_visible[start:end]
            yield queries[start:end], order[places], begins
            start = end

    def _runs(self, ids: Ints, queries: Ints) -> tuple[Ints, Ints, Ints]:
        """(where each run begins, its length, positions in the order of the runs): what a query sees is one run an ID."""
        n, window = len(ids), self.config.window
        assert not isinstance(window, tuple)  # `as_head` takes no IDs of several coordinates
        if window is None:
            return 0 * queries[:, None], queries[:, None] + 1, np.arange(n)
        low = ids.min()
        order = np.lexsort((np.arange(n), ids))
        places = (ids[order] - low) * n + order  # increasing
        reach = min(window, int(ids.max() - low))
        near = ids[queries][:, None] - low + np.arange(-reach, reach + 1)
        begins = np.searchsorted(places, near * n)
        return begins, np.searchsorted(places, near * n + queries[:, None], "right") - begins, order

    def _of_pairs(self, tokens: Ints, ids: Ints, queries: Ints, seen: Ints, begins: Ints) -> Floats:
        from scipy.sparse import csr_array

        n_visible = np.diff(begins, append=len(seen))
        asks = np.repeat(queries, n_visible)
        columns = [tokens[seen], tokens[asks]]
        if self.heads.key != "none":
            columns += [ids[seen], ids[asks]] if self.heads.key == "absolute" else [0 * seen, ids[asks] - ids[seen]]
        codes, first, which = np.unique(_coded(columns), return_index=True, return_inverse=True)
        views = np.stack(columns, axis=1)[first]
        product, penalty, votes = self._weighed(views[:, :2], views[:, 2:] if views.shape[1] > 2 else 0 * views)
        scores = np.repeat(self._scale(n_visible), n_visible) * product[which] - penalty[which]
        shares = np.exp(scores - np.repeat(np.maximum.reduceat(scores, begins), n_visible))
        shares /= np.repeat(np.add.reduceat(shares, begins), n_visible)
        rows = csr_array((shares, which, [*begins.tolist(), len(seen)]), shape=(len(queries), len(codes)))
        return np.asarray(rows @ votes)

    # ── The weights ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _pair(self, view: View) -> tuple[Ints, Ints]:
        """The tokens and IDs of (what is seen, the query), in one row; IDs that the class does not see are 0."""
        self.heads.check_view(view, "ModelHead", "view")
        key = view.key or (0,) * len(view.tokens)
        pair = np.array([[view.tokens[0], view.tokens[-1]]]), np.array([[key[0], key[-1]]])
        self._check(*pair, "ModelHead")
        return pair

    def _check(self, tokens: Ints, ids: Ints, where: str) -> None:
        _check_range(tokens, self.config.n_tokens, where, "tokens", "tokens of the model")
        if self.config.encoding == "learned":
            _check_range(ids, self.config.n_ids, where, "ids", "IDs of the model")

    def _scale(self, n_visible: Ints) -> Floats:
        scale = (
            np.ones(len(n_visible)) if self.config.log_scale is None else np.log(n_visible + 1) / self.config.log_scale
        )
        return np.asarray(scale / sqrt(self.config.width))

    def _weighed(self, tokens: Ints, ids: Ints) -> tuple[Floats, Floats, Floats]:
        """(q · k, ALiBi's penalty, votes) of rows (what is seen, the query)."""
        config, p, d = self.config, self.parameters, self.config.width
        seen, query = (self._embedded(tokens[:, j], ids[:, j]) for j in (0, 1))
        weight, bias = p["0.qkv.weight"], p["0.qkv.bias"]
        q = query @ weight[:, :d] + bias[:d]
        k, v = np.split(seen @ weight[:, d:] + bias[d:], 2, axis=1)
        apart = ids[:, 1] - ids[:, 0]
        if config.encoding == "rope":  # halves as complex numbers: turning both is turning one by the difference
            turned = np.exp(1j * apart[:, None] / 10000 ** (np.arange(0, d, 2) / d))
            first, second = (z[:, : d // 2] + 1j * z[:, d // 2 :] for z in (q, k))
            product = (first * turned * second.conj()).real.sum(axis=1)
        else:
            product = (q * k).sum(axis=1)
        penalty = alibi_slopes(1)[0] * np.abs(apart) if config.encoding == "alibi" else np.zeros(len(apart))
        output = p["tokens"].T if config.tied else p["head.weight"]
        return product, penalty, (query + v @ p["0.out.weight"] + p["0.out.bias"]) @ output

    def _embedded(self, tokens: Ints, ids: Ints) -> Any:
        x = self.parameters["tokens"][tokens]
        if self.config.encoding == "learned":
            x = x + self.parameters["ids"][ids]
        return x + sinusoids(ids, self.config.width) if self.config.encoding == "sinusoidal" else x


def _check_range(values: Ints, end: int, where: str, argument: str, what: str) -> None:
    least, most = int(values.min(initial=0)), int(values.max(initial=-1))
    got = least if least < 0 else most
    check(least >= 0 and most < end, where, argument, got, expected=f"{what}, in 0..{end - 1}", fix=PASS)


def as_head(parameters: Parameters) -> ModelHead:
    """The soft head that an attention-only model is: what the engine computes, up to the rounding of float64.

    Parameters
    ----------
    parameters : of a model of one layer and one head, without MLP and norms, that predicts tokens alone.

    Raises
    ------
    InvalidArgument : for any other model, which is no such head.

    Examples
    --------
    >>> config = ModelConfig(n_tokens=3, width=4, n_layers=1, n_heads=1, encoding="alibi", mlp=False, norm=False)
    >>> as_head(Parameters.zeros(config)).heads.key
    'relative'

    Source: T14a, after Definition 4 in docs/theory.md.
    """
    where = "as_head"
    check_type(
        parameters, Parameters, where, "parameters", "the Parameters of a model", "For instance trainer.parameters."
    )
    config = parameters.config
    for has, what, fix in (
        (config.mlp, "an MLP", "mlp=False (train: --no-mlp)"),
        (config.norm, "norms", "norm=False (train: --no-norm)"),
        (config.n_coordinates > 1, f"IDs of {config.n_coordinates} coordinates", "plain IDs"),
        (config.n_layers > 1, f"{config.n_layers} layers", "n_layers=1 (train: --layers 1)"),
        (config.n_heads > 1, f"{config.n_heads} heads", "n_heads=1 (train: --heads 1)"),
        (config.n_increments > 0, "an output for ID increments", "n_increments=0 (not the scheme 'predicted')"),
    ):
        expected = "attention alone: one layer of one head, without MLP and norms, that predicts tokens"
        check(not has, where, "parameters", got=f"a model with {what}", expected=expected, fix=f"Train one with {fix}.")
    return ModelHead(Parameters(config, parameters.flat.astype(np.float64)))


# ── What it gets right ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Prediction:
    """What share of the sequences of a length a model gets right, by its head.

    Attributes
    ----------
    length : of the task.
    right : the share; exact of the law of the task where `size` is None.
    size : how many random sequences it is of: those that `evaluate` would draw.

    Examples
    --------
    >>> float(Prediction(length=4, right=Fraction(5, 16), size=None).right)
    0.3125
    """

    length: int
    right: Fraction
    size: int | None


def predicted_accuracy(trainer: Trainer, length: int, *, task: str | Task | None = None, size: int = 128) -> Prediction:
    """The share of sequences of a length that an attention-only model gets right, without running the model.

    Without positions and window an answer follows from counts of tokens. So for parity, majority and sums of bits, and
    planted tasks whose noise is one token, the share is that of the law, summed exactly over counts; only whether a head
    is right at a count is decided in float64. Otherwise the sequences are those of `evaluate`. A tie is wrong.

    Parameters
    ----------
    task : default: that of the training.
    size : random sequences, where counts do not decide.

    Raises
    ------
    InvalidArgument : for a model that is no head (`as_head`), and as `evaluate` does.
    BudgetExceeded : for sequences with more than `PAIRS` candidate sets.

    Examples
    --------
    >>> from idealized_model.transformer import TrainConfig
    >>> config = TrainConfig("majority", mlp=False, norm=False, layers=1, heads=1, width=8, longest=5, steps=3, batch=4)
    >>> trainer = Trainer(config)
    >>> trainer.run()
    >>> prediction = predicted_accuracy(trainer, 1000)
    >>> 0 < prediction.right < 1, prediction.size
    (True, None)

    Cost: O(length) of arithmetic for counts; O(candidate sets) a random sequence.
    """
    where = "predicted_accuracy"
    check_integer(length, where, "length", least=1)
    check_integer(size, where, "size", least=1)
    head = as_head(trainer.parameters)
    own = trainer.task if task is None else asked(trainer, task)
    own.check_length(length, where)
    law = None if head.heads.sees_ids else _counts(own, length)
    if law is not None:
        counts, answers, weights, total = law
        right = strictly_largest(head.of_counts(counts, np.full(len(counts), head.config.n_tokens - 1)), answers)
        return Prediction(length, Fraction(sum(compress(weights, right)), total), None)
    n_right = 0
    for instances, ids in drawn_tests(trainer, own, length, size):
        for instance, its in zip(instances, ids, strict=True):
            at = [step.position for step in instance.steps]
            found = head.logits(instance.tokens, its, [t - 1 for t in at])
            n_right += bool(strictly_largest(found, np.array([instance.tokens[t] for t in at])).all())
    return Prediction(length, Fraction(n_right, size), size)


class _Bits:
    """As many bits as `length`, in any order, with these sums: what a rule that adds them up needs of them."""

    def __init__(self, length: int, sums: Ints) -> None:
        self.length, self.sums = length, sums

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Ints]:
        return iter([self.sums])


def _counts(task: Task, length: int) -> tuple[Ints, Ints, Iterable[int], int] | None:
    """(counts of tokens, answers, weights, their sum) of a length, of a task whose answers follow from the counts."""
    if not isinstance(task, Queried):
        return None
    n_tokens, inner = len(task.alphabet), task.task
    ask = n_tokens - 1  # the last token, and what asks
    if type(inner) in (FullParity, Majority, CountOnes) or (type(inner) is SumModulo and inner.modulus == 2):
        ones = np.arange(length + 1)
        counts = np.zeros((length + 1, n_tokens), dtype=np.int64)
        counts[:, 0], counts[:, 1], counts[:, ask] = length - ones, ones, 1
        of_counts: Any = inner.rule(_Bits(length, ones))  # type: ignore[arg-type]
        return counts, np.asarray(of_counts), _binomials(length), 2**length
    parts = [inner] if type(inner) is Planted else list(inner.parts) if type(inner) is PlantedMixture else []
    constant = [max(part.ensemble.background) == 1 for part in parts]
    if not parts or not all(constant):
        return None
    rows, answers, shares = [], [], []
    for part in parts:
        noise = [length - part.sparsity if p else 0 for p in part.ensemble.background]
        for word, share in part.ensemble.planted.items():
            row = np.bincount(word, minlength=n_tokens)
            row[: len(noise)] += noise
            row[ask] = 1
            rows.append(row)
            answers.append(part.rule(word))
            shares.append(share / len(parts))
    return np.array(rows), np.array(answers), *over_common_denominator(shares)


def _binomials(n: int) -> Iterator[int]:
    """n over k for k = 0, 1, ..., n, one at a time: together they have n² bits."""
    value = 1
    for k in range(n + 1):
        yield value
        value = value * (n - k) // (k + 1)


def _coded(columns: Sequence[Ints]) -> Ints:
    """Rows of integers as one integer each: equal for equal rows, different for different ones."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        low, high = int(column.min()), int(column.max())
        if high - low < len(column):
            codes = codes * (high - low + 1) + (column - low)
        else:  # ranks, so that four columns do not leave the 64-bit integers
            values, ranks = np.unique(column, return_inverse=True)
            codes = codes * len(values) + ranks
    return codes
