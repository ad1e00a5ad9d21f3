"""The claims as data."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.cases import named
from theory import InvalidArgument, claims
from theory.claims import CLAIMS, Claim


def test_ids_are_distinct_and_found() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert {"T1", "T2", "T3", "T7"} <= {claim.id for claim in CLAIMS}
    assert all(claims.get(claim.id) is claim for claim in CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
def test_a_claim_says_something(claim: Claim) -> None:
    assert claim.title
    assert claim.title[0].isupper()
    assert len(claim.statement) > 50
    assert claim.statement.endswith(".")
    assert "  " not in claim.statement
    assert claim.tightness.endswith(".")
    assert claim.hypotheses
    assert all(name and words and words != name for name, words in claim.hypotheses.items())


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
def test_a_claim_is_a_frozen_value(claim: Claim) -> None:
    same = dataclasses.replace(claim)
    assert same == claim
    assert hash(same) == hash(claim)
    assert dataclasses.replace(claim, hypotheses={}) != claim
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.id = "T0"  # type: ignore[misc]


@pytest.mark.parametrize("unknown", ["T0", "t1", "", None, 1, ["T1"]], ids=named)
def test_an_unknown_id_is_refused_with_the_known_ones(unknown: Any) -> None:
    message = r"^claims\.get: argument claim_id: got .*; expected one of T1, T2, T3, .*T7.*\. Use one of these ids\."
    with pytest.raises(InvalidArgument, match=message):
        claims.get(unknown)
