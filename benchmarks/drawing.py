"""A training step with its batch drawn as arrays, beside one with instances drawn one by one.

    python benchmarks/drawing.py

One layer, one head, width 64, batches of 64 sequences of lengths up to 10, coupled IDs. In every round both ways take their
turn on the same steps: CPU times of one thread, the medians, in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

from threadpoolctl import threadpool_limits

from idealized_model.transformer import Batch
from idealized_model.transformer.training import TrainConfig, Trainer
from theory.tasks import TASKS, Instance
from theory.tasks.wrapped import Wrapped


class OneByOne(Wrapped):
    """The task within, without arrays."""

    def changed(self, instance: Instance) -> Instance:
        return instance


class Timed(Trainer):
    """A run that counts the time for its batches."""

    drawing = 0.0

    def batch(self, step: int) -> Batch:
        start = time.process_time()
        batch = super().batch(step)
        self.drawing += time.process_time() - start
        return batch


def runs(task: str, steps: int) -> dict[str, Timed]:
    config = TrainConfig(
        task, "coupled", longest=10, batch=64, width=64, layers=1, heads=1, steps=steps, engine="numpy"
    )
    found = {"one by one": Timed(config, threads=1), "arrays": Timed(config, threads=1)}
    found["one by one"].task = OneByOne(found["one by one"].task)
    return found


def measured(task: str, rounds: int, inner: int) -> dict[str, tuple[float, float]]:
    """(milliseconds a step, those of them for drawing) of both ways."""
    both = runs(task, (rounds + 1) * inner)
    whole: dict[str, list[float]] = {name: [] for name in both}
    drawing: dict[str, list[float]] = {name: [] for name in both}
    for turn in range(rounds + 1):
        for name in sorted(both, reverse=bool(turn % 2)):
            run, start = both[name], time.process_time()
            run.drawing = 0.0
            run.run(until=run.step + inner)
            if turn:  # the first round warms the caches
                whole[name].append(1e3 * (time.process_time() - start) / inner)
                drawing[name].append(1e3 * run.drawing / inner)
    return {name: (statistics.median(whole[name]), statistics.median(drawing[name])) for name in both}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=8, help="turns of each way (default: %(default)s)")
    parser.add_argument("--inner", type=int, default=10, help="steps a turn (default: %(default)s)")
    options = parser.parse_args()
    if min(options.rounds, options.inner) < 1:
        parser.error("--rounds and --inner are at least 1")
    threadpool_limits(1, user_api="blas")
    print(f"{'task':38}{'step, one by one':>18}{'(drawing)':>11}{'step, arrays':>14}{'(drawing)':>11}{'ratio':>7}")
    for task in TASKS:
        times = measured(task, options.rounds, options.inner)
        (slow, slow_drawing), (fast, fast_drawing) = times["one by one"], times["arrays"]
        print(
            f"{task:38}{slow:18.2f}{slow_drawing:11.2f}{fast:14.2f}{fast_drawing:11.2f}{fast / slow:7.2f}", flush=True
        )


if __name__ == "__main__":
    main()
