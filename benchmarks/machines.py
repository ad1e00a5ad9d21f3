"""How fast the machines are: each against a plain route, in one process, side by side.

    python benchmarks/machines.py            every section but `decide`
    python benchmarks/machines.py --decide   with it: two laws of 10^6 examples
    python benchmarks/machines.py --quick    smaller instances, a few seconds

A time is CPU time, the best of several runs, all on one thread. "plain" is the definition, spelled out in Python; where
it would take hours, it runs on a sample and the table says so. Peak memory is that of a child process that does nothing
else.
"""

from __future__ import annotations

import argparse
import math
import platform
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from idealized_model import HeadSpace, SparseAttentionHead
from idealized_model.counting import evaluate, pattern_counts, prefix_outputs, view_counts
from theory import Example, HeadClass, PlantedEnsemble, View, decide, support
from theory.closures import Cases
from theory.guarantees import guarantees
from theory.incidence import incidence
from theory.set_families import Family

if TYPE_CHECKING:
    from scipy.sparse import csr_array

VOCABULARY, ARITY = 8, 3
Work = Callable[[], object]


class Row(NamedTuple):
    """One line of the table; `other` is the route that it is measured against."""

    what: str
    seconds: float
    other: str = ""
    other_seconds: float = math.nan
    note: str = ""


def timed(work: Work, runs: int = 3) -> float:
    """The least CPU time of some runs; on an idle machine the wall time is the same, for all runs on one thread."""
    spans = []
    for _ in range(runs):
        start = time.process_time()
        work()
        spans.append(time.process_time() - start)
    return min(spans)


def random_tokens(length: int) -> NDArray[np.int64]:
    return np.random.default_rng(length).integers(0, VOCABULARY, size=length)


# What is measured: builders of one call each, so that a child process can run it alone.


def patterns(length: int) -> Work:
    tokens = random_tokens(length)
    return lambda: pattern_counts(tokens, vocabulary=VOCABULARY, arity=ARITY)


def windows(length: int) -> Work:
    tokens, ids = random_tokens(length), np.arange(length)
    return lambda: view_counts(HeadClass(2, 8), tokens, ids)


def exact_head(length: int) -> Work:
    tokens, ids, head = random_tokens(length), np.arange(length), _head()
    return lambda: evaluate(head, tokens, ids)


def prefixes(length: int) -> Work:
    tokens, head = random_tokens(length), _head()
    return lambda: prefix_outputs(head, tokens, vocabulary=VOCABULARY, labels=[0, 1])


def all_heads(n_views: int) -> Work:
    space, cases = _heads(n_views)
    return lambda: space.zero_loss(cases)


def decision(n_examples: int) -> Work:
    train, test = _parities(n_examples, 1), _parities(n_examples, 2)

    def work() -> None:
        verdict = decide(HeadClass(2), train=train, test=test)
        assert verdict.outcome == "generalizes", verdict.explain()

    return work


def guaranteed(n_train: int) -> Work:
    """Ranked heads that see the positions of two tokens, where most of what is decided depends on few of the views."""
    (train, test), heads = _shown_pairs(n_train), HeadClass(2, key="absolute")

    def work() -> None:
        found = guarantees(heads, train=train, test=test, scores="ranked", budget=10**8)
        assert found.share is not None
        assert 0 < found.share < 1

    return work


def _head() -> SparseAttentionHead:
    return SparseAttentionHead(
        HeadClass(ARITY), score=lambda view: 1 + view.tokens[0], value=lambda view: sum(view.tokens) % 2
    )


def _shown_pairs(n_train: int) -> tuple[list[Example], list[Example]]:
    """Distinct examples of length 10, a tenth as many at test: noise of three tokens around two of two others."""
    words = {(a, b): "1/4" for a in (3, 4) for b in (3, 4)}
    noise, target = ["1/3"] * 3 + [0, 0], {word: sum(word) % 2 for word in words}
    law = PlantedEnsemble(vocabulary=5, background=noise, planted=words, target=target, support=support.uniform()).at(
        10
    )
    drawn = (law.sample(np.random.default_rng(seed), n + n // 5) for seed, n in enumerate((n_train, n_train // 10)))
    train, test = (list(dict.fromkeys(examples)) for examples in drawn)
    return train[:n_train], test[: n_train // 10]


def _compressed(matrix: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


def _heads(n_views: int) -> tuple[HeadSpace, list[tuple[frozenset[View], int]]]:
    """All hard heads on `n_views` views and two labels, and 64 distinct view sets; a few heads are perfect on them."""
    views = [View((token,), ()) for token in range(n_views)]
    rng = random.Random(0)
    cases: dict[frozenset[View], int] = {}
    while len(cases) < 64:  # the first six views alone say the label
        label = rng.randrange(2)
        own = rng.sample(views[3 * label : 3 * label + 3], rng.randint(2, 3))
        cases.setdefault(frozenset(own + rng.sample(views[6:], 3)), label)
    return HeadSpace(HeadClass(1), tuple(views), (0, 1)), list(cases.items())


def _parities(n_examples: int, seed: int) -> list[Example]:
    """Distinct examples of length 8: the parity of two marked bits (tokens 6 and 7) among noise (0..5)."""
    rng = np.random.default_rng(seed)
    places = np.array(list(combinations(range(8), 2)))
    rows = np.empty((0, 8), dtype=np.int64)
    while len(rows) < n_examples:
        more = rng.integers(0, 6, size=(n_examples, 8))
        marked = places[rng.integers(0, len(places), size=n_examples)]
        np.put_along_axis(more, marked, rng.integers(6, 8, size=(n_examples, 2)), axis=1)
        rows = np.unique(np.concatenate([rows, more]), axis=0)
    rng.shuffle(rows)
    ids = tuple(range(8))
    return [Example(row, ids, row.count(7) % 2) for row in map(tuple, rows[:n_examples].tolist())]


# What it is measured against.


def recurrence(tokens: NDArray[np.int64]) -> None:
    """The obvious NumPy: token by token, level by level."""
    levels = [np.zeros((VOCABULARY,) * j, dtype=np.int64) for j in range(ARITY + 1)]
    levels[0][()] = 1
    for token in tokens.tolist():
        for j in range(ARITY, 0, -1):
            levels[j][..., token] += levels[j - 1]


def plain_zero_loss(space: HeadSpace, cases: list[tuple[frozenset[View], int]], number: int) -> bool:
    answers = space.head(number).answers
    return all({answers[view] for view in views if view in answers} == {label} for views, label in cases)


def additions_per_second() -> float:
    """In-cache int32 additions of NumPy on this machine: the recurrence needs V^(k-1) + ... + V + 1 of them a token."""
    a, b = np.ones(2**13, dtype=np.int32), np.ones(2**13, dtype=np.int32)

    def work() -> None:
        for _ in range(1000):
            np.add(a, b, out=a)

    return 1000 * len(a) / timed(work, 5)


def updates_per_second() -> float:
    """Histogram updates of NumPy: how many values that lie ready it counts, over the tables of a window."""
    codes = np.random.default_rng(0).integers(0, VOCABULARY**2 * 9, size=2**20)
    return len(codes) / timed(lambda: np.bincount(codes), 5)


def bytes_per_second() -> float:
    """Bytes that one thread writes, more than caches hold."""
    block = np.ones(2**29, dtype=np.uint8)
    return len(block) / timed(lambda: block.fill(0), 5)


def limit_row(what: str, seconds: float, needed: float, rate: float, unit: str) -> Row:
    """The distance from a limit: `needed` units that must happen, at a rate measured on this machine."""
    note = f"{seconds * rate / needed:.1f} times the limit: {needed / 1e6:,.1f}M {unit} at {rate / 1e9:.1f}G/s"
    return Row(what, seconds, "limit", needed / rate, note)


def section_patterns(quick: bool) -> Iterator[Row]:
    tokens = random_tokens(200)
    fast = timed(patterns(200), 20)
    example, words = Example(tuple(tokens.tolist()), tuple(range(200)), 0), tokens.tolist()
    what = "pattern counts, length 200"
    yield Row(what, fast, "plain: HeadClass.view_counts", timed(lambda: HeadClass(ARITY).view_counts(example), 1))
    yield Row(what, fast, "plain: Counter(combinations)", timed(lambda: Counter(combinations(words, ARITY)), 2))
    yield Row(what, fast, "NumPy, token by token", timed(lambda: recurrence(tokens), 5))
    lengths = [10**4, 10**5, 10**6] if quick else [10**4, 10**5, 10**6, 10**7]
    times = [timed(patterns(length), 3) for length in lengths]
    for length, seconds in zip(lengths, times, strict=True):
        # The recurrence is linear too, so long sequences extrapolate from 10^5 tokens.
        n = min(length, 10**5)
        other = timed(lambda n=n: recurrence(random_tokens(n)), 1) * (length / n)  # type: ignore[misc]
        note = "extrapolated from length 10^5" if n < length else ""
        yield Row(
            f"pattern counts, length 10^{round(math.log10(length))}", seconds, "NumPy, token by token", other, note
        )
    slope = np.polyfit(np.log(lengths), np.log(times), 1)[0]
    yield Row("slope of log time over log length", math.nan, note=f"{slope:.2f}")
    needed = 10**6 * sum(VOCABULARY**j for j in range(ARITY))
    yield limit_row("pattern counts, length 10^6", times[2], needed, additions_per_second(), "int32 additions")


def section_heads_on_sequences(quick: bool) -> Iterator[Row]:
    length = 10**5 if quick else 10**6
    name = f"length 10^{round(math.log10(length))}"
    yield Row(f"evaluate, exact, {name}", timed(exact_head(length), 1))
    yield Row(f"prefix_outputs, exact, {name}", timed(prefixes(length), 1), note="an output at every position")


def section_windows(quick: bool) -> Iterator[Row]:
    length = 10**4 if quick else 10**5
    example = Example(tuple(random_tokens(length).tolist()), tuple(range(length)), 0)
    plain = timed(lambda: HeadClass(2, 8).view_counts(example), 1)
    what, seconds = f"window 8, k = 2, length 10^{round(math.log10(length))}", timed(windows(length), 5)
    yield Row(what, seconds, "plain: HeadClass.view_counts", plain)
    yield limit_row(what, seconds, 8 * length, updates_per_second(), "candidate sets counted")


def section_all_heads(quick: bool) -> Iterator[Row]:
    n_views, sample = (12, 2000) if quick else (16, 20_000)
    space, cases = _heads(n_views)
    rng = random.Random(1)
    numbers = [rng.randrange(space.size) for _ in range(sample)]
    perfect = space.zero_loss(cases)
    assert 0 < perfect.sum() < space.size
    assert all(perfect[n] == plain_zero_loss(space, cases, n) for n in [*numbers, *perfect.nonzero()[0][:100].tolist()])
    plain = timed(lambda: [plain_zero_loss(space, cases, n) for n in numbers], 1) * (space.size / sample)
    note = f"extrapolated from {sample:,} random heads; most fail early"
    what, seconds = f"zero loss of all 3^{n_views} heads, 64 cases", timed(all_heads(n_views), 2)
    yield Row(what, seconds, "plain, by head", plain, note)
    yield limit_row(what, seconds, space.size, bytes_per_second(), "bytes of its answer, written once")


def section_decide(quick: bool) -> Iterator[Row]:
    n = 10**4 if quick else 10**6
    heads, sample = HeadClass(2), _parities(10**4, 3)
    plain = timed(lambda: [heads.views(example) for example in sample], 1) * (2 * n / len(sample))
    note = "the views of 2 · 10^4 examples" if quick else "extrapolated from the views of 10^4 examples"
    name = f"decide on 10^{round(math.log10(n))} + 10^{round(math.log10(n))} examples"
    yield Row(name, timed(decision(n), 1), "plain: listing the views alone", plain, note)


def section_guarantees(quick: bool) -> Iterator[Row]:
    n = 10**4 if quick else 10**5
    (train, test), heads = _shown_pairs(n), HeadClass(2, key="absolute")
    seen = incidence(heads, [train, test], budget=10**8)
    sets, labels = Family(*_compressed(seen.matrices[0])), np.array([example.label for example in train])
    cases, asked = Cases(sets, labels, seen.n_views), Family(*_compressed(seen.matrices[1]))
    sample = range(0, len(test), len(test) // 5)
    plain = timed(lambda: [cases.closure(asked.take(np.array([row])).members) for row in sample], 1) / len(sample)
    name = f"guarantees, ranked, 10^{round(math.log10(n))} + 10^{round(math.log10(n // 10))}"
    note = "extrapolated from 5 closures"
    yield Row(name, timed(guaranteed(n), 1), "plain: a closure a test example", plain * len(test), note)


SECTIONS: dict[str, tuple[Callable[[bool], Iterator[Row]], Callable[[bool], Work]]] = {
    "patterns": (section_patterns, lambda quick: patterns(10**6 if quick else 10**7)),
    "heads": (section_heads_on_sequences, lambda quick: prefixes(10**5 if quick else 10**6)),
    "windows": (section_windows, lambda quick: windows(10**4 if quick else 10**5)),
    "enumeration": (section_all_heads, lambda quick: all_heads(12 if quick else 16)),
    "guarantees": (section_guarantees, lambda quick: guaranteed(10**4 if quick else 10**5)),
    "decide": (section_decide, lambda quick: decision(10**4 if quick else 10**6)),
}


def peak_megabytes(work: Work | None = None) -> float:
    """The peak memory of this process so far."""
    if work is not None:
        work()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def child_megabytes(section: str, quick: bool) -> tuple[float, float]:
    """The peak memory of a process that builds the instance, and the peak after the call."""
    command = [sys.executable, __file__, "--memory-of", section, *(["--quick"] if quick else [])]
    before, after = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(before), float(after)


def shown_time(seconds: float) -> str:
    if math.isnan(seconds):
        return ""
    for unit, scale in (("h", 3600.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= 2 * scale or (unit == "s" and seconds >= 0.1):
            return f"{seconds / scale:,.3g} {unit}"
    return f"{seconds * 1e3:.2g} ms"


def shown_row(row: Row) -> str:
    ratio = row.other_seconds / row.seconds
    text = "" if math.isnan(ratio) else f"{ratio:,.0f} x" if ratio >= 10 else f"{ratio:.2g} x"
    columns = f"{row.what:<41}{shown_time(row.seconds):>9}  {row.other:<31}{shown_time(row.other_seconds):>9}{text:>12}"
    return f"{columns}  {row.note}".rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller instances")
    parser.add_argument("--decide", action="store_true", help="also decide on 10^6 examples")
    parser.add_argument("--memory-of", choices=SECTIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        work = SECTIONS[options.memory_of][1](options.quick)
        print(peak_megabytes(), peak_megabytes(work))
        return
    chosen = [name for name in SECTIONS if name != "decide" or options.decide or options.quick]
    # On Linux a child's peak starts at the memory of its parent, so the children run while this process is small.
    peaks = {name: child_megabytes(name, options.quick) for name in chosen}
    print(f"V = {VOCABULARY}, k = {ARITY} unless said; Python {platform.python_version()}, NumPy {np.__version__}")
    print(f"{'what':<41}{'time':>9}  {'against':<31}{'its time':>9}{'ratio':>12}")
    for name in chosen:
        for row in SECTIONS[name][0](options.quick):
            print(shown_row(row), flush=True)
        before, after = peaks[name]
        print(
            f"{'its peak memory':<41}{after:>6.0f} MB  {before:.0f} MB of it with the instance, before the call",
            flush=True,
        )


if __name__ == "__main__":
    main()
