"""A protocol carried out: models trained in folders, and what is measured of them as rows of data.

A folder of runs has `tokens/`, the tokens of every corpus, and a folder a cell, `CORPUS/MODEL-LENGTH/SEED` or
`CORPUS/meter`, as `transformer.runs.run_in` leaves it.

Rows are JSON objects, one a line (`transformer.results.Results`). Every one names the `corpus` and its `corpus_digest`, the
`tokenizer` and the `tokens` by their digests, the `model`, its `length` and `seed`, `steps`, `window`, `block_size`, the
final training `loss`, `seconds`, and `versions`. Beside that, lists with an entry a measured token, in the same order for
all rows of a corpus:

- a row of the meter, for some of the tokens from number `start` on: `block` and `position` of the token from which the
  prediction is made, among the held-out blocks; `distance`, of the target, as `Tokens` has it; `entropy`,
  `kl_at_one`, and the meter's `full` loss; `k` and `recency_k`, each a list an epsilon of `epsilons`; `few`, the size of the
  smallest set of at most 3 of the last 16 tokens that suffices at the first epsilon, 0 where none does; `sizes`, and
  `mean_kl`, {path: mean KL at every size};
- a row of a judged model: `before` and `after`, the loss with a context of its training length and of the window; and
  `contexts` with the mean loss at each, `by_context`, and `by_block`, that of every block of which tokens are measured.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idealized_model.language.corpora import load_corpus
from idealized_model.language.damage import Damage
from idealized_model.language.meter import PATHS, SEARCH, Integers, exhaustive, measure_all, sizes
from idealized_model.language.protocol import METER, Cell, Protocol, slug
from idealized_model.language.tokenizer import Tokenizer
from idealized_model.language.tokens import DRAWN, Tokens, split
from idealized_model.transformer.batch import Batch
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.results import SCHEMA, Row
from idealized_model.transformer.runs import run_in, versions
from idealized_model.transformer.training import NUMERICS, Trainer, alone
from theory.errors import check, number_of, shown

CHUNK = 64
"""Tokens of a row of the meter: what is measured at once, and not again after an interrupt."""

FEW, AMONG = 3, 16
"""Sets of up to so many of the last so many tokens are all tried: what the meter misses at least."""

Tick = Callable[[int], None]


# ── Text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tokens_of(protocol: Protocol, corpus: str, runs: str | os.PathLike[str]) -> Tokens:
    """The tokens of a corpus, made once and kept in the folder of the runs.

    Raises
    ------
    InvalidArgument : as `load_corpus` and `split` do, and where the folder cannot be written or holds something else.
    BackendUnavailable : as `load_corpus` does.
    """
    text = load_corpus(corpus)
    name = "-".join(
        [slug(corpus), text.digest, str(protocol.vocabulary), str(protocol.block), *([DRAWN] if text.variant else [])]
    )
    path = Path(runs, "tokens", f"{name}.npz")
    if path.exists():
        tokens = Tokens.load(path)
        own, got = tokens.corpus_digest == text.digest, f"{shown(str(path))}, of another text"
        check(own, "tokens_of", "runs", got=got, expected="the corpus", fix="Remove it: it is made again.")
        return tokens
    tokens = split(text, Tokenizer.train(text.training, protocol.vocabulary), block=protocol.block)
    tokens.save(path)
    return tokens


@lru_cache(maxsize=16)
def _tokens(protocol: Protocol, corpus: str, runs: str) -> Tokens:
    return tokens_of(protocol, corpus, runs)


def measured(tokens: Tokens, n: int, window: int) -> tuple[Integers, Integers]:
    """The (block, position) of n held-out tokens to predict the next one from, each with a whole window before it.

    As many of every block as can be, at places of it that are drawn without replacement, with one seed for all.

    Raises
    ------
    InvalidArgument : where the blocks do not have as many.
    """
    blocks, room = len(tokens.held_out), tokens.block - window
    got = f"{n:,} of {shown(tokens.corpus)}, whose held-out blocks have {number_of(blocks * room, 'token')} to measure"
    fix = "Measure fewer of them, or use a shorter window."
    check(n <= blocks * room, "measured", "tokens", got=got, expected=f"at most {blocks * room:,}", fix=fix)
    rng = np.random.default_rng(0)
    counts = np.full(blocks, n // blocks)
    counts[rng.permutation(blocks)[: n % blocks]] += 1
    at = [np.sort(rng.choice(room, count, replace=False)) + window - 1 for count in counts]
    return np.repeat(np.arange(blocks), counts), np.concatenate(at).astype(np.int64)


def contexts_of(tokens: Tokens, block: Integers, position: Integers, length: int) -> tuple[Integers, Integers]:
    """(n, length) the last tokens up to each position, and (n,) the token behind it."""
    contexts: Integers = tokens.held_out[block[:, None], position[:, None] - length + 1 + np.arange(length)]
    return contexts, tokens.held_out[block, position + 1]


# ── Training ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def folder_of(cell: Cell, runs: str | os.PathLike[str]) -> Path:
    """Where a run is kept."""
    return Path(runs, slug(cell.corpus), cell.path)


def is_done(protocol: Protocol, cell: Cell, runs: str | os.PathLike[str]) -> bool:
    """Whether its folder has a checkpoint of the last step.

    Raises
    ------
    InvalidArgument : when the folder holds another run, or one on another text.
    """
    checkpoint = folder_of(cell, runs) / "checkpoint.npz"
    return checkpoint.exists() and loaded(protocol, cell, runs).step == cell.config.steps


def loaded(protocol: Protocol, cell: Cell, runs: str | os.PathLike[str], threads: int = 1) -> Trainer:
    """The run of a cell, as far as it is trained.

    Raises
    ------
    InvalidArgument : when there is none, or it is another one.
    """
    source = cell.source(_tokens(protocol, cell.corpus, str(runs)))
    return Trainer.load(folder_of(cell, runs) / "checkpoint.npz", cell.config, threads=threads, source=source)


def train(
    protocol: Protocol, cell: Cell, runs: str | os.PathLike[str], *, threads: int = 1, tick: Tick = lambda steps: None
) -> Trainer:
    """Train a model in its folder, or go on where it was interrupted; one that is finished is loaded.

    Parameters
    ----------
    tick : called with the number of steps since the last call.

    Raises
    ------
    InvalidArgument : as `run_in` does.
    Diverged : when the loss is not finite.
    """
    source = cell.source(_tokens(protocol, cell.corpus, str(runs)))
    return run_in(folder_of(cell, runs), cell.config, threads=threads, watch=watching_steps(tick), source=source)


def watching_steps(tick: Tick) -> Callable[[Trainer], None]:
    """What `run_in` calls after a step, to tell of the steps since it was last called; of a resumed run, all before."""
    told = 0

    def watch(trainer: Trainer) -> None:
        nonlocal told
        tick(trainer.step - told)
        told = trainer.step

    return watch


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Job:
    """A row to be measured: of a judged model, or of the meter for the tokens from number `start` on.

    Attributes
    ----------
    key : what its row is found by: a digest of all that it depends on, and the version of the numerics.
    """

    protocol: Protocol
    cell: Cell
    start: int
    key: tuple[str, str]

    @property
    def group(self) -> str:
        """What shares a bar of progress."""
        return self.cell.corpus

    def __str__(self) -> str:
        return f"{self.cell}{f' from token {self.start}' if self.cell.is_meter else ''}"


def jobs(protocol: Protocol, cells: Iterable[Cell], runs: str | os.PathLike[str]) -> list[Job]:
    """The rows of some cells.

    Raises
    ------
    InvalidArgument : as `tokens_of` and `measured` do.
    """
    found = []
    for cell in cells:
        tokens = _tokens(protocol, cell.corpus, str(runs))
        measured(tokens, protocol.tokens, protocol.window)
        what = [
            cell.corpus,
            cell.model,
            cell.config.identity,
            cell.source(tokens).digest,
            protocol.window,
            protocol.tokens,
        ]
        what += [protocol.epsilons, CHUNK, FEW, AMONG, SEARCH] if cell.is_meter else [protocol.contexts]
        for start in range(0, protocol.tokens if cell.is_meter else 1, CHUNK):
            digest = hashlib.sha256(repr([*what, start]).encode()).hexdigest()[:16]
            found.append(Job(protocol, cell, start, (digest, str(NUMERICS))))
    return found


def row_of(job: Job, runs: str | os.PathLike[str], *, threads: int = 1, tick: Tick = lambda tokens: None) -> Row:
    """Measure, and write it down.

    Parameters
    ----------
    tick : called with the number of tokens measured since the last call.

    Raises
    ------
    InvalidArgument : for a cell that was not trained to its end, or differently.
    """
    begun, cell, protocol = process_time(), job.cell, job.protocol
    tokens = _tokens(protocol, cell.corpus, str(runs))
    trainer = loaded(protocol, cell, runs, threads)
    got = f"{cell} after step {trainer.step:,} of {cell.config.steps:,}"
    fix = "Train it first: lengthgen language train."
    check(trainer.step == cell.config.steps, "row_of", "job", got=got, expected="a model that is trained", fix=fix)
    engine = Engine(trainer.model, threads=threads)
    block, position = measured(tokens, protocol.tokens, protocol.window)
    with alone():
        if cell.is_meter:
            part = slice(job.start, job.start + CHUNK)
            found = _metered(engine, trainer, tokens, block[part], position[part], protocol, tick)
        else:
            found = _judged(engine, trainer, tokens, block, position, job, tick)
    return {
        "schema": SCHEMA,
        "digest": job.key[0],
        "code": job.key[1],
        "corpus": cell.corpus,
        "corpus_digest": tokens.corpus_digest,
        "tokenizer": tokens.tokenizer.digest,
        "tokens": tokens.digest,
        "block_size": tokens.block,
        "window": protocol.window,
        "model": cell.model,
        "length": cell.length,
        "seed": cell.seed,
        "encoding": cell.config.encoding,
        "steps": cell.config.steps,
        "loss": round(trainer.loss, 4),
        **({"start": job.start} if cell.is_meter else {}),
        **found,
        "training_seconds": round(trainer.seconds, 1),
        "seconds": round(process_time() - begun, 1),
        "versions": versions(cell.config.engine),
    }


def _metered(
    engine: Engine,
    trainer: Trainer,
    tokens: Tokens,
    block: Integers,
    position: Integers,
    protocol: Protocol,
    tick: Tick,
) -> dict[str, Any]:
    window, epsilons = protocol.window, protocol.epsilons
    contexts, targets = contexts_of(tokens, block, position, window)
    found = []
    for one in measure_all(engine, trainer.parameters, contexts):
        found.append(one)
        tick(1)
    distances = tokens.held_out_distances
    few = [
        exhaustive(engine, trainer.parameters, one, epsilon=epsilons[0], largest=FEW, among=min(AMONG, window))
        for one in contexts
    ]
    return {
        "block": block.tolist(),
        "position": position.tolist(),
        **({} if distances is None else {"distance": distances[block, position + 1].tolist()}),
        "entropy": _rounded(one.entropy for one in found),
        "kl_at_one": _rounded(one.kl_at_one for one in found),
        "full": _rounded(-one.log_probabilities[target] for one, target in zip(found, targets, strict=True)),
        "epsilons": list(epsilons),
        "k": [[one.k(epsilon) for one in found] for epsilon in epsilons],
        "recency_k": [[one.k_of("recency", epsilon) for one in found] for epsilon in epsilons],
        "few": [len(one or ()) for one in few],
        "sizes": list(sizes(window)),
        "mean_kl": {path: _rounded(np.mean([one.kl[path] for one in found], axis=0), 6) for path in PATHS},
    }


def _judged(
    engine: Engine, trainer: Trainer, tokens: Tokens, block: Integers, position: Integers, job: Job, tick: Tick
) -> dict[str, Any]:
    losses = {}
    for length in job.protocol.contexts:
        contexts, targets = contexts_of(tokens, block, position, length)
        ids = np.broadcast_to(np.arange(length), contexts.shape)
        last = np.full((len(block), 1), length - 1)
        batch = Batch(contexts, ids, last, targets[:, None], np.ones((len(block), 1), dtype=np.float32))
        losses[length] = engine.losses(trainer.parameters, batch)[:, 0].astype(np.float64)
        tick(len(block))
    number = np.unique(block, return_inverse=True)[1]
    return {
        "contexts": list(losses),
        "by_context": _rounded(loss.mean() for loss in losses.values()),
        "by_block": [_rounded(np.bincount(number, loss) / np.bincount(number)) for loss in losses.values()],
        "before": _rounded(losses[job.cell.length]),
        "after": _rounded(losses[job.protocol.window]),
    }


def _rounded(values: Iterable[float], digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]


# ── Reading rows ─────────────────────────────────────────────────────────────────────────────────────────────────────


def meter_of(rows: Iterable[Row], corpus: str) -> dict[str, NDArray[Any]]:
    """What the meter says of every measured token of a corpus: the lists of its rows, put together in order.

    `k` and `recency_k` have a row for each of the `epsilons`.

    Raises
    ------
    InvalidArgument : where rows of the meter are missing, or of several meters.

    Examples
    --------
    >>> row = {"corpus": "a", "model": "meter", "start": 0, "tokens": "", "seed": 1, "steps": 2, "window": 9}
    >>> row |= dict.fromkeys(["block", "position", "few"], [0]) | dict.fromkeys(["k", "recency_k"], [[1], [2]])
    >>> row |= dict.fromkeys(["entropy", "kl_at_one", "full"], [0.5]) | {"epsilons": [0.1, 0.2]}
    >>> found = meter_of([row, row | {"start": 1}], "a")
    >>> found["k"].tolist(), found["entropy"].tolist()
    ([[1, 1], [2, 2]], [0.5, 0.5])
    """
    own = sorted(
        (row for row in rows if row["corpus"] == corpus and row["model"] == METER), key=lambda row: row["start"]
    )
    fix = "Measure it: lengthgen language measure."
    check(own, "meter_of", "rows", got=f"none of the meter of {shown(corpus)}", expected="some", fix=fix)
    sizes = np.cumsum([0, *(len(row["block"]) for row in own)])
    kinds = {(row["tokens"], row["seed"], row["steps"], row["window"], *row["epsilons"]) for row in own}
    whole = [row["start"] for row in own] == sizes[:-1].tolist() and len(kinds) == 1
    got = f"some of several meters, or epsilons, of {shown(corpus)}, or with gaps between them"
    check(
        whole, "meter_of", "rows", got=got, expected="all of one meter", fix="Use a file a protocol, and measure all."
    )
    names = [*SINGLE, *(["distance"] if all("distance" in row for row in own) else [])]
    found = {name: np.concatenate([row[name] for row in own]) for name in names}
    found |= {name: np.concatenate([row[name] for row in own], axis=1) for name in ("k", "recency_k")}
    return found | {"epsilons": np.array(own[0]["epsilons"])}


SINGLE = ("block", "position", "entropy", "kl_at_one", "full", "few")
"""Lists of the meter's rows with a number a token."""

OF_ALL = ("corpus", "model", "length", "seed", "steps", "window", "tokens")
OF_METER = (*SINGLE, "start", "epsilons", "k", "recency_k", "sizes", "mean_kl")
OF_JUDGED = ("before", "after", "contexts", "by_context")


def require_measured(rows: Iterable[Row], where: str) -> None:
    """Refuse rows that lack what `row_of` writes.

    Raises
    ------
    InvalidArgument : naming the row and the keys.

    Examples
    --------
    >>> require_measured([dict.fromkeys(["corpus", "length", "seed", "steps", "window", "tokens"])], "f")
    Traceback (most recent call last):
    theory.errors.InvalidArgument: f: argument rows[0]: got no model; expected rows of language measure. Measure again: ...
    """
    for number, row in enumerate(rows):
        own = () if "model" not in row else OF_METER if row["model"] == METER else OF_JUDGED
        missing = [name for name in (*OF_ALL, *own) if name not in row]
        got, fix = f"no {', '.join(missing)}", "Measure again: lengthgen language measure."
        check(not missing, where, f"rows[{number}]", got=got, expected="rows of language measure", fix=fix)


def judged(rows: Iterable[Row]) -> dict[tuple[str, str, int], list[Row]]:
    """{(corpus, model, length): rows of its seeds, in order}.

    Examples
    --------
    >>> rows = [{"corpus": "a", "model": "rope", "length": 8, "seed": seed} for seed in (1, 0)]
    >>> [(key, [row["seed"] for row in found]) for key, found in judged(rows).items()]
    [(('a', 'rope', 8), [0, 1])]
    """
    found: dict[tuple[str, str, int], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.get("seed", 0)):
        if row["model"] != METER:
            found.setdefault((row["corpus"], row["model"], row["length"]), []).append(row)
    return dict(sorted(found.items()))


def damage_of(rows: Sequence[Row], corpus: str, model: str, length: int, *, epsilon: int = 0) -> Damage:
    """The tokens of a corpus with what the models of a kind lose on them: all seeds.

    Parameters
    ----------
    epsilon : the number of the tolerance in the protocol.

    Raises
    ------
    InvalidArgument : where there are no such rows, they are of other tokens than the meter's, or there are several of a seed.
    """
    found, meter = judged(rows).get((corpus, model, length), []), meter_of(rows, corpus)
    got = f"none of {corpus}/{model}-{length}"
    check(found, "damage_of", "rows", got=got, expected="some", fix="Measure it: lengthgen language measure.")
    seeds = [row["seed"] for row in found]
    once = len(set(seeds)) == len(seeds) and len({row["steps"] for row in found}) == 1
    got, fix = (
        f"several of a seed, or of several trainings, of {corpus}/{model}-{length}",
        "Use a file a protocol and version.",
    )
    check(once, "damage_of", "rows", got=got, expected="one a seed, of one training", fix=fix)
    apart = {(row["tokens"], row["window"], len(row["after"])) for row in found}
    measured_too = {(row["tokens"], row["window"], meter["block"].size) for row in rows if row["corpus"] == corpus}
    got, fix = f"some of {corpus}/{model}-{length} on other tokens than the meter's", "Use a file a protocol."
    check(apart == measured_too, "damage_of", "rows", got=got, expected="the same tokens", fix=fix)
    return Damage(
        block=meter["block"],
        k=meter["k"][epsilon],
        recency_k=meter["recency_k"][epsilon],
        entropy=meter["entropy"],
        kl_at_one=meter["kl_at_one"],
        before=np.array([row["before"] for row in found]),
        after=np.array([row["after"] for row in found]),
    )


def far_of(rows: Sequence[Row], corpus: str, model: str, length: int) -> dict[str, tuple[Damage, Damage]]:
    """{"far" or "other": (lost, regained)}: what far context is worth, in a corpus with copies or names.

    *Far* are the measured tokens that are told by what stood before, further back than the training length but within the
    window. *Lost* is the loss with a context of the training length minus that of the model trained at the window, with all of
    it: of several such models the one with the lowest loss, and where there is none, of all models and the meter. It holds how
    good that one is at all, too, and is below 0 where it is worse: that of *other* tokens says so. *Regained* is the part of it
    that the model itself does not lose with all of the window: each an after minus a before.

    Returns
    -------
    Nothing where the corpus has neither, or the model was trained at the window.

    Raises
    ------
    InvalidArgument : as `damage_of` does.
    """
    meter, models = meter_of(rows, corpus), judged(rows)
    damage = damage_of(rows, corpus, model, length)
    window = models[corpus, model, length][0]["window"]
    if "distance" not in meter or length == window:
        return {}
    whole = {
        (name, at): damage_of(rows, corpus, name, at).after.mean(axis=0, keepdims=True)
        for (of, name, at) in models
        if of == corpus
    }
    long = [after for (_, at), after in whole.items() if at == window]
    best = min(long or [meter["full"][None], *whole.values()], key=np.mean)
    lost = replace(damage, before=np.broadcast_to(best, damage.before.shape), after=damage.before)
    regained = replace(damage, before=damage.after, after=damage.before)
    far = (meter["distance"] > length) & (meter["distance"] <= window)
    groups = {"far": far, "other": ~far}
    return {name: (_part(lost, inside), _part(regained, inside)) for name, inside in groups.items() if inside.any()}


def _part(damage: Damage, inside: NDArray[np.bool_]) -> Damage:
    """Some of the tokens."""
    return replace(damage, **{field.name: getattr(damage, field.name)[..., inside] for field in fields(damage)})
