"""The catalogue of claims as a page, docs/claims.md: written from the claim list and a stored report, never by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from proofs_check.claims import find
from proofs_check.claims.claim import Claim
from proofs_check.claims.finding import IDS
from proofs_check.evidence import version
from proofs_check.report import covered, decisive
from theory.errors import InvalidArgument

AGAIN = "Run `lengthgen check --profile full --json docs/full-report.json` again."

OURS = """\
Written by `lengthgen catalogue docs/full-report.json --output docs/claims.md` from the claim list in `theory/claims.py`
and a report of the full profile (`lengthgen check --profile full --json docs/full-report.json`); do not edit it by hand.
The statements with their proofs are in [theory.md](theory.md). """
OWN = "Written by `lengthgen catalogue` from a report of the full profile; do not edit it by hand.\n"

HEADER = """\
# The claims and their evidence

{source}A claim's evidence is of a kind: *proved* (a
machine check of what the scope states, in general), *exhausted* (every instance of a finite scope), *supported* (random
instances, searches that found nothing). *Decisive* are the cases that could have refuted the claim: not, for instance, a
head that loses nothing. Every mutant is a false variant of the statement that the families must refute; draws,
measurements and proofs name the mutants that they refute, or do not let through, as well. Every hypothesis has a witness
that the rest of the statement is false without it.
"""


def page(report: Mapping[str, Any]) -> str:
    """The page for a report.

    Raises
    ------
    InvalidArgument : when the report is not of this version (a claim, its statement, its evidence, a mutant or a
        hypothesis differs), when a claim does not hold in it, and for what is no report.
    """
    try:
        return _page(report)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(
            "catalogue",
            "report",
            got=f"a malformed report ({type(error).__name__}: {error})",
            expected="a report of this version",
            fix="Write it again with `lengthgen check --profile full --json docs/full-report.json`.",
        ) from None


def _page(report: Mapping[str, Any]) -> str:
    entries = {entry["id"]: entry for entry in report["claims"]}
    found = [f"profile {report['profile']}", f"version {report['version']}"]
    found += ["interrupted"] * report["interrupted"] + ["claims twice"] * (len(entries) < len(report["claims"]))
    if found != ["profile full", f"version {version('lengthgen')}"]:
        raise InvalidArgument(
            "catalogue",
            "report",
            got=f"a report with {', '.join(found)}",
            expected=f"a finished full report of version {version('lengthgen')}",
            fix=AGAIN,
        )
    found_claims = _claims(entries)
    source = OURS if any(claim.id in IDS for claim in found_claims) else OWN
    sections = [HEADER.format(source=source), _provenance(report), _summary(entries)]
    for claim in found_claims:
        stale = _stale(claim, entries.get(claim.id))
        if stale is not None:
            raise InvalidArgument(
                "catalogue",
                "report",
                got=f"a report {stale}",
                expected="a full report of this version in which every claim holds",
                fix=AGAIN,
            )
        sections.append(_section(claim, entries[claim.id]))
    return "\n".join(sections)


def _claims(entries: Mapping[str, Mapping[str, Any]]) -> list[Claim]:
    """The claims of the theory, of which a report holds all or none, and one's own."""
    own = [entry["address"] for key, entry in entries.items() if key not in IDS]
    theory = IDS if len(own) < len(entries) or not own else ()
    return [find(address, os.getcwd()) for address in (*theory, *own)]


def _stale(claim: Claim, entry: Mapping[str, Any] | None) -> str | None:
    """What a report lacks, or has beyond this version: a claim's wording, checks, mutants and hypotheses must agree."""
    if entry is None:
        return f"without {claim.id}"
    if entry["statement"] != claim.statement:
        return f"with another {claim.id}"
    if entry["holds"] is not True:
        return f"in which {claim.id} does not hold"
    if any(item["kind"] in ("refuted", "inconclusive") or item["instances"] < 1 for item in entry["evidence"]):
        return f"in which some evidence of {claim.id} is missing"
    witnesses = [*entry["mutants"]["witnesses"].values(), *(item["witness"] for item in entry["necessity"])]
    if entry["mutants"]["refuted"] != entry["mutants"]["total"] or None in witnesses:
        return f"in which a mutant or a hypothesis of {claim.id} has no witness"
    planned = [check.scope for check in claim.checks]
    found = [item["scope"] for item in entry["evidence"]]  # what was covered follows the scope
    for scope in planned:
        if not any(text.startswith(scope) for text in found):
            return f"of {claim.id} without the evidence {scope!r}"
    if len(found) != len(planned):
        return f"of {claim.id} with {len(found)} pieces of evidence where {len(planned)} are planned"
    for what, wanted, got in (
        ("mutants", claim.mutants, entry["mutants"]["witnesses"]),
        ("hypotheses", claim.necessity, {item["hypothesis"] for item in entry["necessity"]}),
    ):
        if set(wanted) != set(got):
            return f"of {claim.id} with other {what}"
    return None


def _provenance(report: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    return (
        f"Profile {report['profile']}, seed {report['seed']}, lengthgen {report['version']}, "
        f"{report['seconds']:.0f} s; {packages}.\n"
    )


def _summary(entries: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        "| claim | title | evidence | cases | decisive | mutants refuted | hypotheses shown necessary | s |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for claim in _claims(entries):
        entry = entries.get(claim.id)
        if entry is not None:
            kinds = ", ".join(dict.fromkeys(item["kind"] for item in entry["evidence"]))
            instances = sum(item["instances"] for item in entry["evidence"])
            seconds = sum(item["seconds"] for item in entry["evidence"])
            found = sum(item["witness"] is not None for item in entry["necessity"])
            rows.append(
                f"| [{claim.id}](#{claim.id.lower()}) | {claim.title} | {kinds} | {instances:,} | "
                f"{decisive(entry['evidence'])} | {entry['mutants']['refuted']} of {entry['mutants']['total']} | "
                f"{found} of {len(entry['necessity'])} | {seconds:.0f} |"
            )
    return "\n".join(rows) + "\n"


def _section(claim: Claim, entry: Mapping[str, Any]) -> str:
    witnesses = {item["hypothesis"]: item["witness"] for item in entry["necessity"]}
    title = f"**{_text(claim.title)}.** " if claim.title else ""
    lines = [f"## {claim.id}", "", f"{title}{_text(claim.statement)}", ""]
    lines += [f"*Tightness.* {_text(claim.tightness)}", ""] if claim.tightness else []
    lines += [
        f"Check it: `lengthgen check --claim {claim.address}`",
        "",
        "| hypothesis | what is assumed | without it |",
        "|---|---|---|",
    ]
    lines += [
        f"| {_text(name)} | {_text(what)} | {_facts(witnesses.get(name))} |" for name, what in claim.hypotheses.items()
    ]
    lines += ["", "| evidence | engine | scope | cases | decisive | s |", "|---|---|---|--:|--:|--:|"]
    lines += [
        f"| {item['kind']} | {item['engine']} | {_text(covered(item))} | {item['instances']:,} | {decisive([item])} | "
        f"{item['seconds']:.1f} |"
        for item in entry["evidence"]
    ]
    for item in entry["evidence"]:
        lines += _statements(item)
    lines += ["", "| mutant | refuted by |", "|---|---|"]
    lines += [f"| {_text(name)} | {_facts(witness)} |" for name, witness in entry["mutants"]["witnesses"].items()]
    return "\n".join(lines) + "\n"


def _statements(item: Mapping[str, Any]) -> list[str]:
    """What Coq printed of the theorems, as a block of code."""
    printed = [f"{name} : {statement}" for name, statement in item.get("statements", {}).items()]
    return ["", "```text", "\n\n".join(printed), "```"] if printed else []


def _facts(witness: Mapping[str, Any] | None) -> str:
    if witness is None:
        return "no witness"
    return _text("; ".join(f"{name.replace('_', ' ')} {value}" for name, value in witness["facts"].items()))


def _text(text: str) -> str:
    """Markdown that shows the text as it is, inside a table."""
    return text.replace("|", r"\|").replace("*", r"\*").replace("_", r"\_").replace("<", "&lt;")
