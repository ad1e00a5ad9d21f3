"""How many sequences a second are exported, and in how much memory.

    python benchmarks/exporting.py                   a million sequences a task and format
    python benchmarks/exporting.py --size 100000

Lengths 1 to 10, coupled IDs from a range of 64, batches of 1024, a fresh process a row: its CPU time, and its peak memory.
A tenth of the sequences is written first, in a process of its own, so that both peaks can be compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from idealized_model.transformer import TrainConfig, export

TASKS = (
    "copy",
    "parity with scratchpad, token-coupled",
    "addition, reversed",
    "pointer chasing",
    "sparse parity, k = 2",
)
FORMATS = {"jsonl": ("jsonl",), "npz": ("npz",), "both": ("jsonl", "npz")}


class Measured(NamedTuple):
    """Seconds of CPU time, peak memory in MB, and bytes written."""

    seconds: float
    memory: float
    written: int


def measured(task: str, formats: tuple[str, ...], size: int) -> Measured:
    with TemporaryDirectory() as home:
        config = TrainConfig(task, "coupled", longest=10, n_ids=64, batch=1024)
        start = time.process_time()
        export(config, f"{home}/data", size=size, formats=formats)
        seconds = time.process_time() - start
        written = sum(path.stat().st_size for path in Path(home, "data").iterdir())
    return Measured(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, written)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=10**6, help="sequences (default: %(default)s)")
    size = parser.parse_args().size
    if size < 10:
        parser.error("--size is at least 10")
    print(f"{'task':40}{'format':>7}{'sequences/s':>13}{'MB written':>12}{'peak MB':>9}{'of a tenth':>12}")
    for task in TASKS:
        for name, formats in FORMATS.items():
            with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                tenth, whole = (pool.apply(measured, (task, formats, n)) for n in (size // 10, size))
            print(
                f"{task:40}{name:>7}{size / whole.seconds:13,.0f}{whole.written / 1e6:12,.0f}{whole.memory:9,.0f}"
                f"{tenth.memory:12,.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
