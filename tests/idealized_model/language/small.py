"""A small text and a protocol of it, whose runs take a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def text(n: int = 300) -> str:
    """Lines of a few words in random order."""
    rng = np.random.default_rng(0)
    words = ["when", "shall", "we", "three", "meet", "again", "in", "thunder", "lightning", "or", "rain"]
    return "".join(" ".join(rng.choice(words, 6)) + "\n" for _ in range(n))


def protocol(folder: Path, **changes: Any) -> dict[str, Any]:
    """A protocol of the text, which is written to a file."""
    path = folder / "witches.txt"
    if not path.exists():
        path.write_text(text())
    return {
        "corpora": [str(path)], "vocabulary": 280, "block": 64, "window": 16, "contexts": [4, 16], "tokens": 70,
        "epsilons": [0.05, 0.2], "seeds": 2,
        "defaults": {"width": 16, "layers": 1, "heads": 2, "steps": 6, "warmup": 2, "tokens_per_batch": 64, "tied": True},
        "meter": {"length": 8},
        "models": [
            {"name": "pose", "encoding": "rope", "chunks": True, "lengths": [4]},
            {"name": "alibi", "encoding": "alibi", "lengths": [4, 16]},
        ],
    } | changes  # fmt: skip
