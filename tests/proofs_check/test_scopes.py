"""What every check of the theory's claims goes through, and what it finds, against scopes.txt.

A claim that holds says nothing of a constant in a family or a measurement that is not the one it was; this does.
`python -m tests.proofs_check.test_scopes` writes the file anew, after a change that is meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from proofs_check.claims import engines, find
from proofs_check.claims.claim import Claim
from proofs_check.claims.finding import IDS
from proofs_check.claims.recorded import to_data
from proofs_check.evidence import Evidence

SCOPES = Path(__file__).with_name("scopes.txt")


def scopes(claim_id: str) -> Iterator[str]:
    """A line a check."""
    claim = find(claim_id)
    for family in claim.families:
        yield f"{claim_id} family, quick: {listed(family.problems('quick'))}: {family.scope}"
        yield f"{claim_id} family, full: {listed(family.problems('full'), every=5)}: {family.scope}"
        cases, decisive = counted(claim, [*islice(family.problems("quick"), 0, 200, 20)])
        yield f"{claim_id} family, ten problems: {cases:,} cases, {decisive:,} decisive: {family.scope}"
    for mutant, parts in claim.mutants.items():
        yield f"{claim_id} mutant, {', '.join(f'{part} = {told(value)}' for part, value in parts.items())}: {mutant}"
    for sampler in claim.samplers:
        yield f"{claim_id} sampler: {sampler.quick} quick, {sampler.full} full: {sampler.scope}"
    for proof in claim.proofs:
        yield f"{claim_id} {found(engines.prove(claim, proof))}"
    for measurement in claim.measurements:
        yield f"{claim_id} {found(engines.measure(claim, measurement, 'quick', 0, lambda cases: None))}"
    for name, without in claim.necessity.items():
        yield f"{claim_id} without, {listed(without.problems())}: {name}"


def listed(problems: Iterable[Any], every: int = 1) -> str:
    """How many problems there are, and a digest of these, or of one in `every`."""
    digest, number = hashlib.sha256(), 0
    for number, problem in enumerate(problems, start=1):
        if number % every == 0 or number < 20:
            digest.update(json.dumps(to_data(problem)).encode())
    return f"{number:,} problems {digest.hexdigest()[:12]}"


def counted(claim: Claim, problems: Sequence[Any]) -> tuple[int, int]:
    """Cases, and decisive ones, under the hypotheses; nothing refutes the claim on them, or outside."""
    assert [claim.facts(problem, {}) for problem in problems] == [None] * len(problems)
    held = [problem for problem in problems if claim.holds_on(problem)]
    cases = [claim.n_cases(problem) for problem in held]
    return sum(cases), sum(claim.n_decisive(problem, n) for problem, n in zip(held, cases, strict=True))


def told(value: object) -> str:
    """A part in words; of a function its name, of a set its elements in order."""
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(str, value)))}}}"
    return str(getattr(value, "__qualname__", value))


def found(evidence: Evidence) -> str:
    return f"{evidence.engine}: {evidence.kind}, {evidence.instances:,} cases, {evidence.decisive:,} decisive: {evidence.scope}"


LONG = ("T1", "T2", "T3", "T3a", "T4", "T5", "T7", "T8", "T9", "T11", "T12", "T14")
"""Claims of which some check takes seconds."""


@pytest.mark.parametrize("claim_id", [pytest.param(one, marks=pytest.mark.slow if one in LONG else ()) for one in IDS])
def test_every_check_goes_through_what_it_did_and_finds_the_same(claim_id: str) -> None:
    stored = SCOPES.read_text(encoding="utf-8").splitlines()
    assert [line for line in stored if line.startswith(f"{claim_id} ")] == list(scopes(claim_id))


if __name__ == "__main__":
    lines = [line for claim_id in IDS for line in scopes(claim_id)]
    SCOPES.write_text("\n".join(lines) + "\n", encoding="utf-8")
