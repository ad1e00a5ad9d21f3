"""Advice on black boxes, beside what the registry says of the task behind each.

    python benchmarks/advice.py                       all of docs/examples/advice/boxes.py
    python benchmarks/advice.py copied parity         some of them
    python benchmarks/advice.py --write FOLDER        with the modules that are written
    python benchmarks/advice.py --seconds 10          where advice may take less than a minute

A box says nothing of what it reads. A row has the sparsity, growth, IDs and verdict that were found, and the CPU time; a
value that is not that of the task in `theory.tasks` (its sparsity, and its verdict and certificate in docs/verdicts.json) has
that one behind it, after "not", and then the exit status is 1. The time that advice may take is measured in CPU time of the
one thread that there is, so that a busy machine finds no less than an idle one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BOXES = ROOT / "docs" / "examples" / "advice"
SECONDS = 60.0


class Box(NamedTuple):
    """A box, what its prompts are made of (it lists them itself where that is empty), and the task behind it.

    `states` is how many running states the answer follows, where it is dense and there are that few.
    """

    name: str
    alphabet: tuple[int | str, ...]
    task: str
    scheme: str
    states: int | None = None


ALL = (
    Box("maxima", (0, 1), "docs/your-own-task.md", "coupled"),
    Box("running_parity", (0, 1), "parity with scratchpad, token-coupled", "coupled"),
    Box("Addition", (), "addition, reversed", "coupled"),
    Box("AdditionCarried", (), "addition, reversed, carry shown", "coupled"),
    Box("copied", ("a", "b"), "copy", "coupled"),
    Box("turned", ("a", "b"), "reverse", "coupled"),
    Box("Assignment", (), "variable assignment", "predictive"),
    Box("chased", ("a+1", "a+2", "b+1", "b+2"), "pointer chasing", "predictive"),
    Box("parity", (0, 1), "full parity", "none", 2),
    Box("majority", (0, 1), "majority", "none"),
    Box("sum_modulo_3", (0, 1, 2), "sum modulo 3", "none", 3),
    Box("Multiplication", (), "multiplication, plain", "none"),
    Box("MultiplicationCarried", (), "multiplication, carried", "coupled"),
)
"""The tasks that a box is of have the parameters of docs/verdicts.json: bits, digits in base 3, two symbols, three names."""


class Cell(NamedTuple):
    """What was found, and what the registry says."""

    found: object
    known: object

    def __str__(self) -> str:
        return f"{self.found}" if self.found == self.known else f"{self.found} (not {self.known})"


class Row(NamedTuple):
    """What was found of a box, beside its task."""

    box: Box
    sparsity: Cell
    growth: Cell
    ids: str
    verdict: Cell
    states: Cell
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether all is as the registry says, in time."""
        cells = (self.sparsity, self.growth, self.verdict, self.states)
        return self.seconds <= SECONDS and all(cell.found == cell.known for cell in cells)


def row_of(box: Box, allowed: float, folder: Path | None) -> Row:
    """Ask about a box, and write its module where there is a folder and a rule."""
    import boxes

    from proofs_check import advise
    from theory.errors import AssumptionViolated

    source = getattr(boxes, box.name)
    asked = f"lengthgen advise boxes:{box.name}"
    asked += f" --alphabet {','.join(map(str, box.alphabet))}" if box.alphabet else ""
    start = time.process_time()
    advice = advise(
        source if box.alphabet else source(),
        name=f"boxes:{box.name}",
        alphabet=box.alphabet or None,
        seconds=allowed,
        command=asked,
    )
    seconds = time.process_time() - start
    if folder is not None:
        name = f"{box.name.lower()}_task"
        try:
            (folder / f"{name}.py").write_text(advice.module(f"{asked} --write {name}.py"), encoding="utf-8")
        except AssumptionViolated as error:
            print(f"{box.name}: no module: {error}", file=sys.stderr)
    sparsity, outcome = known(box)
    verdict, pad, ids = advice.verdicts.get(box.scheme), advice.scratchpad, advice.ids
    return Row(
        box,
        Cell(advice.sparsity, sparsity),
        Cell(advice.growth, "linear" if sparsity is None else "bounded"),
        " ".join(str(ids[key]) for key in ("kind", "convention", "spread") if ids[key] is not None),
        Cell("not decided" if verdict is None else verdict.text.partition(" (drawn")[0], outcome),
        Cell(None if pad is None else pad.states, box.states),
        seconds,
    )


def known(box: Box) -> tuple[int | None, str]:
    """The sparsity of the task behind a box, and its verdict."""
    from theory.tasks import TASKS

    if box.task not in TASKS:
        return 2, "✓ from 3"  # the running maximum of docs/your-own-task.md, which that page decides
    cells = json.loads((ROOT / "docs" / "verdicts.json").read_text(encoding="utf-8"))["cells"]
    (cell,) = [one for one in cells if (one["task"], one["scheme"]) == (box.task, box.scheme)]
    decision = cell["decisions"][0]
    words = {"generalizes": f"✓ from {decision['certificate']}", "unrealizable": "∅ no head"}
    return TASKS[box.task].sparsity, words.get(cell["outcome"], f"✗ {decision['reason']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The table, as Markdown, a row as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boxes", nargs="*", metavar="BOX", help="some of the boxes")
    parser.add_argument("--write", metavar="FOLDER", type=Path, help="where modules are written")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of CPU that advice may take, about (60)")
    asked = parser.parse_args(arguments)
    unknown = {*asked.boxes} - {box.name for box in ALL}
    if unknown:
        parser.error(f"no box: {', '.join(sorted(unknown))}; there are {', '.join(box.name for box in ALL)}")
    time.monotonic = time.process_time
    sys.path.insert(0, str(BOXES))
    print("| box | k | growth | IDs | verdict | states | CPU s |\n|---|---|---|---|---|---|---|")
    agrees = True
    for box in ALL:
        if asked.boxes and box.name not in asked.boxes:
            continue
        row = row_of(box, asked.seconds, asked.write)
        agrees = agrees and row.agrees
        verdict = f"{box.scheme}: {row.verdict}"
        cells = (f"`{box.name}`", row.sparsity, row.growth, row.ids, verdict, row.states, f"{row.seconds:.0f}")
        print(f"| {' | '.join('-' if str(cell) == 'None' else str(cell) for cell in cells)} |", flush=True)
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
