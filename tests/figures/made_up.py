"""Rows of training runs as a sweep writes them, with numbers that are made up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from figures import store
from figures.language import damage, far, losses, needs, slopes
from idealized_model.language.meter import PATHS, sizes
from idealized_model.transformer import TrainConfig

Row = dict[str, Any]
SIZE = 128


def run(config: TrainConfig, right: dict[int, int], mass: dict[int, float] | None = None) -> Row:
    """A row: so many of `SIZE` sequences right at each length; and the attention of one layer of two heads."""
    tests = [
        {
            "task": config.task, "length": length, "size": SIZE, "steps": SIZE, "steps_right": n, "teacher_forced": n,
            "free_running": n,
        }
        for length, n in right.items()
    ]  # fmt: skip
    attention = [
        {"task": config.task, "length": length, "layers": [[share, share / 2]]}
        for length, share in (mass or {}).items()
    ]
    return {
        "schema": 1, "digest": config.digest, "code": "1", "config": asdict(config), "status": "finished",
        "step": config.steps, "loss": 0.1, "fit": {"length": config.longest, "size": SIZE, "right": SIZE}, "tests": tests,
        "attention": attention, "seconds": 1.0, "versions": {"lengthgen": "0.1.0"},
    }  # fmt: skip


def sparse_parity(arities: Iterable[int] = (2, 4, 6), seeds: int = 3) -> Iterator[Row]:
    """The more bits, the sooner it falls; not at all with log-length scaling."""
    lengths = [32 * 2**i for i in range(5)]
    for sign in ("=", "<="):
        for k in arities:
            for scaled in (False, True):
                for seed in range(seeds):
                    config = TrainConfig(f"sparse parity, k {sign} {k}", longest=32, log_scale=scaled, seed=seed)
                    lost = 0 if scaled else k + seed
                    right = {n: max(SIZE - i * i * lost, SIZE // 2) for i, n in enumerate(lengths)}
                    yield run(config, right, {n: 0.9 / (1 + i * lost / 8) for i, n in enumerate(lengths)})


PLAIN = ("none", "rope", "alibi", "random-shift", "pose", "random-ordered")
COUPLED = ("coupled", "coupled-ordered")
GRID = {
    "parity with scratchpad, query-coupled": (*PLAIN, *COUPLED, "predicted"),
    "parity with scratchpad, token-coupled": COUPLED,
    "addition, reversed, carry shown": (*PLAIN, *COUPLED),
    "copy": (*PLAIN, *COUPLED),
    "pointer chasing": (*PLAIN, *COUPLED, "predicted"),
}
"""{task: the schemes under which it is trained}."""


def schemes(seeds: int = 2) -> Iterator[Row]:
    """The later a scheme stands in the list, the farther it reaches; without positions nothing fits."""
    for task, trained in GRID.items():
        for rank, positions in enumerate(trained):
            for seed in range(seeds):
                config = TrainConfig(task, positions, longest=10, n_ids=400, log_scale=True, seed=seed)
                fall, best = len(trained) - rank + seed, SIZE // 2 if positions == "none" else SIZE
                yield run(config, {n: max(best - fall * (n - 10) // 2, 0) for n in (10, 20, 40, 50, 100)})


def majority(seeds: int = 2) -> Iterator[Row]:
    """Models of attention alone that err on some of the longest tests; one that errs in training; one with an MLP."""
    shape: dict[str, Any] = {"longest": 10, "layers": 1, "heads": 1, "mlp": False, "norm": False}
    configs = [TrainConfig("majority", seed=seed, **shape) for seed in range(seeds + 1)]
    configs.append(TrainConfig("majority", seed=0, **{**shape, "mlp": True, "norm": True}))
    configs.append(TrainConfig("full parity", seed=0, **shape))
    for number, config in enumerate(configs):
        wrong = {10: [], 20: [], 100: [[3 * number, 0], [40, 0], [59, 0]]}
        right = {n: SIZE - len(places) for n, places in wrong.items()}
        every = [{"task": config.task, "length": n, "steps": SIZE, "wrong": places} for n, places in wrong.items()]
        training = {"steps": 2046, "wrong": [[7, 0]] if number == seeds else []}
        yield {**run(config, right), "test_offsets": "random", "every_step": {"training": training, "tests": every}}


def write(path: Path, rows: Iterable[Row]) -> None:
    """One row a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


WINDOW = 256
LENGTHS = (8, 16, 32, 64)
MODELS: dict[str, tuple[int, ...]] = dict.fromkeys(("pose", "rope", "alibi", "none"), LENGTHS)
"""Judged models: {name: training lengths}; "long" is trained at the window."""

CORPORA: dict[str, dict[str, tuple[int, ...]]] = {
    "shakespeare": MODELS, "kjv": MODELS, "shakespeare+copies": {"pose": (8, 32), "rope": (8, 32)},
    "shakespeare+shuffled": {"pose": (8, 32)}, "shakespeare+blocks": {"pose": (8, 32)},
}  # fmt: skip
"""{corpus: its models}, as in the protocols."""


def language(corpora: Iterable[str] = CORPORA, *, tokens: int = 120, seeds: int = 2) -> list[Row]:
    """Rows of `lengthgen language measure`: damage rises with k, the more the shorter the training; shuffled text hardly needs
    more than 1; in copies every third token was there 100 before, which who sees it half knows."""
    rows: list[Row] = []
    grid, contexts = np.array(sizes(WINDOW)), [8, 16, 32, 64, 128, WINDOW]
    for number, corpus in enumerate(corpora):
        rng = np.random.default_rng(number)
        need = np.minimum(rng.geometric(0.3, tokens) - 1, 12)
        if "shuffled" in corpus:
            need = (np.arange(tokens) % 50 == 0).astype(int)
        k, recency = grid[need], grid[np.minimum(need + rng.integers(0, 6, tokens), len(grid) - 1)]
        entropy = np.log2(k) + rng.random(tokens)
        distance = np.where(np.arange(tokens) % 3, 0, 100) * ("copies" in corpus)
        common = {
            "schema": 1, "digest": "", "code": "", "corpus": corpus, "tokens": corpus, "window": WINDOW, "steps": 10,
        }  # fmt: skip
        for start, end in ((0, 64), (64, tokens)):
            part = slice(start, end)
            rows.append({
                **common, "model": "meter", "length": WINDOW, "seed": 9, "start": start, "epsilons": [0.05],
                "block": (np.arange(tokens) // 15)[part].tolist(), "position": np.arange(tokens)[part].tolist(),
                "entropy": entropy[part].tolist(), "kl_at_one": (entropy / 2)[part].tolist(),
                "full": entropy[part].tolist(), "few": k[part].tolist(), "k": [k[part].tolist()],
                "recency_k": [recency[part].tolist()], "sizes": grid.tolist(),
                "mean_kl": {p: [s / (n * n) for n in grid[:-1].tolist()] + [0.0] for s, p in enumerate(PATHS, 1 + start)},
                **({"distance": distance[part].tolist()} if distance.any() else {}),
            })  # fmt: skip
        judged = [(model, at) for model, lengths in CORPORA[corpus].items() for at in lengths] + [("long", WINDOW)]
        for (rank, (model, length)), seed in product(enumerate(judged), range(seeds)):
            unseen = (distance > length).astype(float)
            before = 3 + rng.random(tokens) + unseen
            after = before - unseen / 2 + np.log2(k) * 4 / length + rng.normal(0, 0.1, tokens)
            by_context = [3.6 + seed / 20 + rank / 30 * max(np.log2(n / length), -1) for n in contexts]
            rows.append({
                **common, "model": model, "length": length, "seed": seed, "contexts": contexts, "by_context": by_context,
                "before": before.tolist(), "after": (before if model == "long" else after).tolist(),
            })  # fmt: skip
    return rows


DRAWS = 20
"""Behind an interval."""

OF_TEXT: dict[str, tuple[ModuleType, dict[str, int]]] = {
    "sparsity": (needs, {}), "losses": (losses, {}), "damage": (damage, {"draws": DRAWS}), "slopes": (slopes, {"draws": DRAWS}),
    "far": (far, {"draws": DRAWS}),
}  # fmt: skip
"""{figure of natural language: its module, and how few samples are enough here}."""


def numbers(figure: str, rows: list[Row]) -> list[Any]:
    """What a figure of natural language draws of measured rows."""
    module, how = OF_TEXT[figure]
    found: list[Any] = module.numbers(rows, np.random.default_rng(1), **how)
    return found


def save_language(folder: Path) -> None:
    """Store what the figures of natural language draw."""
    measured = language()
    for figure, (module, _) in OF_TEXT.items():
        rows, command = numbers(figure, measured), store.rerun_command(module.PLOT)
        store.save(module.PLOT, store.Stored(rows, command, "0.1.0", 0, 1.0), folder)


def planted(seeds: int = 2) -> list[Row]:
    """Rows of `lengthgen language planted`: one question found in half of the examples; damage that rises with tokens, and less
    with bits.
    """
    names, needed = ["nothing", "one bit", "sum of two"], [1, 2, 3]
    least, last = [[1, 1, 1, 1], [2, 2, 2, 2], [3, 4, 3, 6]], [[1, 1, 1, 1], [9, 20, 33, 40], [12, 30, 41, 59]]
    rows: list[Row] = [{
        "schema": 1, "kind": "meter", "encoding": "rope", "body": 58, "kept": None, "seed": 9, "name": names, "needed": needed,
        "least": least, "found": {"forward": last, "removal": least, "recency": last},
    }]  # fmt: skip
    for (encoding, kept), seed in product((("rope", 16), ("rope", 64), ("none", 32)), range(seeds)):
        bits = [[1], [2], [4], [1, 1], [2, 2], [1, 1, 1, 1]]
        after = [0.01 + (len(own) + 0.1 * own[0]) * sum(own) * (1 + seed) / kept for own in bits]
        rows.append({
            "schema": 1, "kind": "judged", "encoding": encoding, "kept": kept, "seed": seed, "bits": bits,
            "name": [str(own) for own in bits], "needed": [1 + len(own) for own in bits], "before": [0.01] * 6, "after": after,
        })  # fmt: skip
    return rows
