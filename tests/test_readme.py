"""The tables of the README and of the page of commands are those of the claim list and of the stored verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from theory.claims import CLAIMS

ROOT = Path(__file__).parents[1]
README, COMMANDS = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/commands.md"))
MOST_WORDS = 1_200
"""That a newcomer reads in a few minutes."""


def table(head: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    first, *others = (f"| {' | '.join(row)} |" for row in (head, *rows))
    return "\n".join([first, align, *others, ""])


def symbol(cell: Any) -> str:
    """✓ with the training length from which it holds, ✗ or ∅."""
    lengths = [decision["certificate"] for decision in cell["decisions"]]
    return {"generalizes": f"✓ {min(filter(None, lengths), default='')}", "fails": "✗", "unrealizable": "∅"}[
        cell["outcome"]
    ]


def test_the_claims_are_those_of_the_list() -> None:
    entries = [(f"[{claim.id}](docs/claims.md#{claim.id.lower()})", claim.title) for claim in CLAIMS]
    half = -(-len(entries) // 2)
    rows = [sum(pair, ()) for pair in zip_longest(entries[:half], entries[half:], fillvalue=("", ""))]
    expected = table(("claim", "about") * 2, "|---|---|---|---|", rows)
    assert expected in README, f"Put this into README.md:\n{expected}"


def test_the_verdicts_are_the_stored_ones() -> None:
    cells = json.loads((ROOT / "docs" / "verdicts.json").read_text(encoding="utf-8"))["cells"]
    schemes = list(dict.fromkeys(cell["scheme"] for cell in cells))
    found = {(cell["task"], cell["scheme"]): symbol(cell) for cell in cells}
    tasks: dict[tuple[str, ...], list[str]] = {}  # those with the same verdicts share a row
    for task in dict.fromkeys(task for task, _ in found):
        tasks.setdefault(tuple(found[task, scheme] for scheme in schemes), []).append(task)
    rows = [("; ".join(names), *symbols) for symbols, names in tasks.items()]
    expected = table(("task", *schemes), "|---|" + ":-:|" * len(schemes), rows)
    assert expected in COMMANDS, f"Put this into docs/commands.md:\n{expected}"


def test_the_front_page_is_short() -> None:
    assert len(README.split()) <= MOST_WORDS
