"""The train step of the small transformer beside PyTorch's, eager and compiled, on the same two cores.

    make benchmark-transformer                       in an environment of its own, with PyTorch
    make benchmark-transformer ARGS=--write          and write the tables to benchmarks/transformer.md
    python benchmarks/transformer.py --quick         where PyTorch is installed: the smallest shape, few rounds

A step is forward and backward in float32: 2 layers, 4 heads, ReLU, MLP of 4 d; the loss is at the last token, but all
positions of all layers are computed. In every round the routes take turns, each with one step to warm the caches and
some that are timed. First it is checked that all routes have the same loss and gradient.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from idealized_model.transformer import Batch, Engine, ModelConfig, Parameters
from idealized_model.transformer.config import Array

TOKENS, LAYERS, HEADS, CORES = 32, 2, 4, 2
PAGE = Path(__file__).with_suffix(".md")
TOLERANCE = 5e-5
"""Of losses, and of gradients relative to the largest entry: float32 sums over up to 16,384 tokens."""


class Shape(NamedTuple):
    batch: int
    length: int
    width: int

    @property
    def flops(self) -> int:
        """Of the products that a step needs: backward twice forward, and of attention what the mask leaves."""
        matrices = LAYERS * 24 * self.width**2  # 2 · (3 d² + d² + 4 d² + 4 d²) a token
        attention = LAYERS * 4 * self.width * (self.length + 1) / 2
        return round(3 * self.batch * (self.length * (matrices + attention) + 2 * self.width * TOKENS))


SHAPES = [Shape(128, 64, 64), Shape(128, 64, 128), Shape(64, 256, 64), Shape(64, 256, 128)]


class Step(Protocol):
    def __call__(self) -> float: ...
    def gradient(self) -> Array: ...


class OwnStep:
    """Ours: two Python threads, each with one thread of BLAS."""

    def __init__(self, parameters: Parameters, batch: Batch, *, whole: bool) -> None:
        self.engine = Engine(parameters.config, threads=CORES, whole_last_layer=whole)
        self.parameters, self.batch = parameters, batch

    def __call__(self) -> float:
        loss, self._gradient = self.engine.loss_and_gradient(self.parameters, self.batch)
        return loss

    def gradient(self) -> Array:
        return self._gradient.flat


def torch_step(parameters: Parameters, batch: Batch, *, compiled: bool) -> Step:
    import torch  # here, so that a process that measures our memory does not load it
    from torch_transformer import TorchStep

    torch.set_num_threads(CORES)
    return TorchStep(parameters, batch, compiled=compiled)


ROUTES: dict[str, Callable[[Parameters, Batch], Step]] = {
    "ours": lambda parameters, batch: OwnStep(parameters, batch, whole=True),
    "eager": lambda parameters, batch: torch_step(parameters, batch, compiled=False),
    "compiled": lambda parameters, batch: torch_step(parameters, batch, compiled=True),
    "shortcut": lambda parameters, batch: OwnStep(parameters, batch, whole=False),
}
PYTORCH = ("eager", "compiled")


def problem(shape: Shape) -> tuple[Parameters, Batch]:
    """Parameters away from the initial ones, and random sequences whose last token predicts a random one."""
    rng = np.random.default_rng(0)
    config = ModelConfig(
        n_tokens=TOKENS, width=shape.width, n_layers=LAYERS, n_heads=HEADS, encoding="learned", n_ids=shape.length
    )
    parameters = Parameters.drawn(config, rng)
    parameters.flat += rng.normal(0, 0.05, parameters.flat.shape).astype(np.float32)
    tokens = rng.integers(0, TOKENS, (shape.batch, shape.length))
    ids = np.tile(np.arange(shape.length), (shape.batch, 1))
    last = np.full((shape.batch, 1), shape.length - 1)
    targets = rng.integers(0, TOKENS, (shape.batch, 1))
    return parameters, Batch(tokens, ids, last, targets, np.ones((shape.batch, 1), dtype=np.float32))


# ── What is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


def differences(steps: dict[str, Step]) -> dict[str, tuple[float, float]]:
    """How far every route's loss and gradient are from ours; the gradient relative to its largest entry."""
    own = steps["ours"]()
    gradient = steps["ours"].gradient().copy()
    found = {}
    for name, step in steps.items():
        loss = step()
        off = float(np.abs(step.gradient() - gradient).max() / np.abs(gradient).max())
        found[name] = abs(loss - own) / own, off
        if not max(found[name]) <= TOLERANCE:
            sys.exit(f"{name} computes something else: loss and gradient differ by {found[name]}")
    return found


def interleaved(steps: dict[str, Step], *, rounds: int, inner: int) -> dict[str, list[float]]:
    """Seconds of single steps: in every round each route has its turn, and the order moves on."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            steps[name]()
            for _ in range(inner):
                start = time.perf_counter()
                steps[name]()
                seconds[name].append(time.perf_counter() - start)
    return seconds


def matmul_rates(n: int = 2048, runs: int = 10) -> dict[str, float]:
    """Float32 operations a second of a large product on the two cores: NumPy's BLAS and PyTorch's, the best of some runs."""
    import torch

    a = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    b = torch.from_numpy(a)

    def rate(work: Callable[[], object]) -> float:
        work()
        return max(2 * n**3 / seconds for seconds in (timed(work) for _ in range(runs)))

    with threadpool_limits(CORES, user_api="blas"):
        return {"NumPy": rate(lambda: a @ a), "PyTorch": rate(lambda: b @ b)}


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def megabytes() -> float:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def peak_megabytes(route: str, shape: Shape) -> tuple[float, float]:
    """The peak memory of a fresh process with the libraries alone, and after some steps of one route."""
    command = [sys.executable, __file__, "--memory-of", route, *map(str, shape)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    before, after = map(float, done.stdout.split())
    return before, after


def print_memory(route: str, shape: Shape) -> None:
    settle()
    if route in PYTORCH:
        import torch_transformer  # noqa: F401  (PyTorch's own memory counts as before)
    before = megabytes()
    step = ROUTES[route](*problem(shape))
    for _ in range(3):
        step()
    print(before, megabytes())


def settle() -> None:
    """Two cores for everything, and one thread of BLAS for each of ours; PyTorch is told when it is loaded."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    threadpool_limits(1, user_api="blas")


# ── What is written ──────────────────────────────────────────────────────────────────────────────────────────────────


class Result(NamedTuple):
    """Of one shape: seconds and megabytes (before and at the peak) by route."""

    shape: Shape
    seconds: dict[str, list[float]]
    memory: dict[str, tuple[float, float]]
    differences: dict[str, tuple[float, float]]


def machine() -> str:
    import torch

    names = []
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line.partition(": ")[2] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
    blas = " ".join(
        f"{info['internal_api']} {info['version']}" for info in threadpool_info() if info["user_api"] == "blas"
    )
    return (
        f"{CORES} cores of {names[0] if names else platform.processor()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__} with {blas}, "
        f"PyTorch {torch.__version__}"
    )


def table(columns: list[str], rows: list[list[str]]) -> str:
    head = ["batch", "length", "d", *columns]
    lines = [head, ["--:" for _ in head], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(results: list[Result], rates: dict[str, float], rounds: int, inner: int) -> str:
    """The tables, with what they were measured on."""
    best, routes = max(rates.values()), ("ours", *PYTORCH)
    times, shares, memory = [], [], []
    for shape, seconds, peaks, _ in results:
        first = [str(number) for number in shape]
        median = {name: statistics.median(own) for name, own in seconds.items()}
        shown = {name: f"{1e3 * median[name]:.1f} ({1e3 * min(own):.1f})" for name, own in seconds.items()}
        ratios = [f"{median['ours'] / median[name]:.2f}" for name in PYTORCH]
        last = [shown["shortcut"], f"{median['shortcut'] / median['ours']:.2f}"]
        times.append([*first, *(shown[name] for name in routes), *ratios, *last])
        share = [f"{shape.flops / median[name] / best:.0%}" for name in routes]
        shares.append([*first, f"{shape.flops / 1e9:.1f}", *share])
        memory.append([*first, *(f"{peaks[name][1]:.0f} ({peaks[name][0]:.0f})" for name in routes)])
    worst = [max(off[kind] for result in results for off in result.differences.values()) for kind in (0, 1)]
    columns = ["ours", "PyTorch, eager", "PyTorch, compiled"]
    with_ratios = [*columns, "ours / eager", "ours / compiled", "ours, shortcut", "shortcut / ours"]
    sgemm = " and ".join(f"{rate / 1e9:.0f} by {name}" for name, rate in rates.items())
    return f"""# The train step beside PyTorch

Compiled elementwise kernels (numba: bias and ReLU, layer norm, softmax sums and slopes) were tried as a further extra: 1.13,
1.12 and 1.08 times as fast as NumPy for the whole step at the first three shapes, on busy cores (the fourth was not measured).
That is less than the 1.2 that would be worth a dependency, so there is none.

Made by `make benchmark-transformer ARGS=--write`; [transformer.py](transformer.py) says what is measured, and how.
{machine()};
{rounds} rounds in which the routes take turns, {inner} steps a turn. All compute the same: their losses differ by at most
{worst[0]:.0e} of the loss, their gradients by at most {worst[1]:.0e} of the largest entry.

Milliseconds a step, median (minimum), and ratios of medians. The shortcut is what training does: the last layer computes
the last token alone.

{table(with_ratios, times)}
Share of the rate of a large float32 matrix product on both cores, {sgemm} in 10⁹ operations a second: the better one
counts. Of a step those operations count that it needs: backward is twice forward, masked attention nothing.

{table(["10⁹ operations", *columns], shares)}
Peak memory in MB of a fresh process that takes three steps, and (before them) with the libraries alone:

{table(columns, memory)}"""


def measured(shape: Shape, memory: dict[str, tuple[float, float]], rounds: int, inner: int) -> Result:
    steps = {name: make(*problem(shape)) for name, make in ROUTES.items()}
    found = differences(steps)
    seconds = interleaved(steps, rounds=rounds, inner=inner)
    medians = ", ".join(f"{name} {1e3 * statistics.median(own):.1f}" for name, own in seconds.items())
    print(f"{tuple(shape)}: {medians} ms", file=sys.stderr, flush=True)
    return Result(shape, seconds, memory, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the smallest shape and two rounds")
    parser.add_argument("--rounds", type=int, default=10, help="turns of every route (default: %(default)s)")
    parser.add_argument("--inner", type=int, default=3, help="timed steps a turn (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write the tables to {PAGE.name} too")
    parser.add_argument("--memory-of", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        route, *numbers = options.memory_of
        print_memory(route, Shape(*map(int, numbers)))
        return
    if min(options.rounds, options.inner) < 1:
        parser.error("--rounds and --inner are at least 1")
    if find_spec("torch") is None:
        parser.error("PyTorch is missing: run make benchmark-transformer, which has an environment with it")
    if hasattr(os, "getloadavg") and (load := os.getloadavg()[0]) > 1:
        print(f"other processes use the cores too (load {load:.1f}): the times will not be comparable", file=sys.stderr)
    shapes, rounds = (SHAPES[:1], 2) if options.quick else (SHAPES, options.rounds)
    # On Linux a child's peak starts at the memory of its parent, so the children run while this process is small.
    peaks = [{name: peak_megabytes(name, shape) for name in ("ours", *PYTORCH)} for shape in shapes]
    settle()
    results = [measured(shape, memory, rounds, options.inner) for shape, memory in zip(shapes, peaks, strict=True)]
    text = page(results, matmul_rates(), rounds, options.inner)
    print(text)
    if options.write:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
