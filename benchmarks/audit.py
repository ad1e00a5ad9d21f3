"""How long the audit of one large problem takes: its certificate found in Python, written, and checked by the judge.

    python benchmarks/audit.py                   10^4, 10^5 and 10^6 candidate sets
    python benchmarks/audit.py --most 100000     the smaller ones

Parity of two marked tokens anywhere, without positions: from length 4 the class generalizes, and every test example needs a
training example that it dominates; from length 3 it fails, and the certificate is a head. Times are CPU times, of this process
and of the judge, once it is built (it needs Coq).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from proofs_check.audit import judge  # noqa: E402
from proofs_check.audit.questions import hard, n_cells  # noqa: E402
from proofs_check.problem import Problem  # noqa: E402
from theory import HeadClass, PlantedEnsemble, support  # noqa: E402

LENGTHS = (10, 18, 32)
"""Test lengths; there are about 10^4, 10^5 and 10^6 candidate sets."""


def parity(train: int, test: int) -> Problem:
    """Parity of two marked tokens at two lengths."""
    words = [(a, b) for a in (1, 2) for b in (1, 2)]
    target = {word: sum(word) % 2 for word in words}
    ensemble = PlantedEnsemble(3, [1, 0, 0], dict.fromkeys(words, "1/4"), target, support.uniform())
    return Problem(HeadClass(2), ensemble.at(train), ensemble.at(test))


def main() -> None:
    """A row a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=2 * 10**6, help="candidate sets of the largest problem")
    most = parser.parse_args().most
    judge.program()
    print(f"{'candidate sets':>14}  {'question':<36} {'found':>7} {'checked':>8} {'together':>9}")
    for length in LENGTHS:
        for train in (4, 3):
            problem = parity(train, length)
            size = n_cells(problem)
            if size > most:
                continue
            start = time.process_time()
            question = hard(problem)
            found = time.process_time() - start
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            said = judge.answers(question.text)
            checked = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            assert not question.differences(said), question.differences(said)
            print(
                f"{size:>14,}  {question.kind:<36} {found:>5.1f} s {checked:>6.1f} s {found + checked:>7.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
