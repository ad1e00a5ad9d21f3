"""The report of a run: as data (the JSON schema of docs/architecture.md), and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proofs_check.claims import find
from proofs_check.claims.checks import Run
from proofs_check.claims.finding import IDS
from proofs_check.evidence import Evidence, version
from proofs_check.terminal import show
from theory.errors import InvalidArgument, number_of, shown

SCHEMA = 1
PACKAGES = ("numpy", "scipy", "sympy", "hypothesis", "rich")

SURVIVES = "let a family yield a problem that refutes it; a variant that is true is no mutant"
NEEDLESS = "yield a problem without the hypothesis that refutes the rest, or state the claim without it"

Report = dict[str, Any]


def build(run: Run) -> Report:
    """The report as JSON data; it holds everything that the table and `replay` need."""
    addresses = dict.fromkeys(task.claim for task in run.results)
    own = [address for address in addresses if address not in IDS]
    return {
        "schema": SCHEMA,
        "version": version("lengthgen"),
        "seed": run.seed,
        "profile": run.profile,
        "interrupted": run.interrupted,
        **({"redone": run.redone} if run.redone else {}),
        "seconds": round(run.seconds, 3),
        "packages": {name: version(name) for name in PACKAGES},
        "claims": [_claim(run, address) for address in (*IDS, *own) if address in addresses],
    }


def _claim(run: Run, address: str) -> dict[str, Any]:
    claim = find(address)
    results = {task: result for task, result in run.results.items() if task.claim == address}
    evidence = [result.evidence for result in results.values() if result.evidence is not None]
    mutants = {task.name: result for task, result in results.items() if task.engine == "mutant"}
    necessity = {task.name: result for task, result in results.items() if task.engine == "necessity"}
    listed = [item for item in evidence if item.engine == "exhaustive"]
    vacuous = bool(listed) and all(item.decisive == 0 for item in listed)  # then no mutant was put to the test
    out: dict[str, Any] = {
        "id": claim.id,
        "title": claim.title,
        "statement": claim.statement,
        "address": address,
        "hypotheses": claim.hypotheses,
        "tightness": claim.tightness,
        "holds": None,
        "evidence": [
            {
                "kind": item.kind,
                "engine": item.engine,
                "scope": item.scope,
                "instances": item.instances,
                "decisive": item.decisive,
                "seconds": round(item.seconds, 3),
                "witness": item.witness,
                "noticed": list(item.noticed),
                **({"statements": dict(item.statements)} if item.statements else {}),
            }
            for item in evidence
        ],
        "mutants": {
            "refuted": sum(result.witness is not None for result in mutants.values()),
            "total": len(mutants),
            "survivors": [] if vacuous else [name for name, r in mutants.items() if r.finished and r.witness is None],
            "witnesses": {name: result.witness for name, result in mutants.items() if result.witness is not None},
        },
        "necessity": [{"hypothesis": name, "witness": result.witness} for name, result in necessity.items()],
    }
    out["holds"] = _holds(out)
    return out


def _holds(claim: Mapping[str, Any]) -> bool | None:
    kinds = {item["kind"] for item in claim["evidence"]}
    if "refuted" in kinds:
        return False
    unfinished = claim["mutants"]["refuted"] < claim["mutants"]["total"]
    unfinished |= any(entry["witness"] is None for entry in claim["necessity"])
    return None if unfinished or not kinds or "inconclusive" in kinds else True


def exit_status(report: Report) -> int:
    """0 all hold, 1 something refuted or a mutant survived, 2 something inconclusive (or interrupted)."""
    if any(claim["holds"] is False or claim["mutants"]["survivors"] for claim in report["claims"]):
        return 1
    return 0 if all(claim["holds"] for claim in report["claims"]) and not report["interrupted"] else 2


def verdict(report: Report) -> str:
    """The run in one line."""
    parts = []
    for claim in report["claims"]:
        if claim["holds"] is False:
            parts.append(f"{claim['id']} is refuted")
        if claim["mutants"]["survivors"]:
            names = "; ".join(claim["mutants"]["survivors"])
            parts.append(f"mutants of {claim['id']} survive: {names} ({SURVIVES})")
        missing = [entry["hypothesis"] for entry in claim["necessity"] if entry["witness"] is None]
        if missing and not report["interrupted"]:
            parts.append(f"no witness that {claim['id']} needs: {'; '.join(missing)} ({NEEDLESS})")
        if claim["holds"] is None and not claim["mutants"]["survivors"] and not missing:
            parts.append(f"{claim['id']} is inconclusive")
    if report["interrupted"]:
        parts.append("interrupted: the report holds what was covered")
    if parts:
        return "; ".join(parts) + "."
    evidence = [item for claim in report["claims"] for item in claim["evidence"]]
    instances = sum(item["instances"] for item in evidence)
    mutants = sum(claim["mutants"]["total"] for claim in report["claims"])
    hypotheses = sum(len(claim["necessity"]) for claim in report["claims"])
    ids = [claim["id"] for claim in report["claims"]]
    hold = f"All {len(ids)} claims hold" if len(ids) > 1 else f"{ids[0]} holds"
    return (
        f"{hold}: {number_of(instances, 'case')} ({decisive(evidence)} decisive), {number_of(mutants, 'mutant')} refuted, "
        f"{number_of(hypotheses, 'hypothesis')} shown necessary, {report['seconds']:.0f} s."
    )


def print_table(report: Report, console: Console, *, mutants: bool = False) -> None:
    """One table: claim, kind of evidence, scope, cases and how many of them are decisive, seconds; with `mutants` what
    refuted each one as well."""
    table = Table(show_lines=False, pad_edge=False)
    for name in ("claim", "evidence", "scope"):
        table.add_column(name, no_wrap=name != "scope")
    for name in ("cases", "decisive", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    colours = {"refuted": "bold red", "inconclusive": "yellow"}
    for claim in report["claims"]:
        table.add_section()
        first: str = claim["id"]
        for item in claim["evidence"]:
            style = colours.get(item["kind"], "green")
            seconds = f"{item['seconds']:.1f}"
            table.add_row(
                first,
                f"[{style}]{item['kind']}[/]",
                escape(covered(item)),
                f"{item['instances']:,}",
                decisive([item]),
                seconds,
            )
            first = ""
        counts = claim["mutants"]
        table.add_row("", "mutants", f"{counts['refuted']} of {counts['total']} refuted", "", "", "")
        if mutants:
            for name, witness in counts["witnesses"].items():
                table.add_row("", "", escape(f"{name}: {facts(witness)}"), "", "", "")
        found = [entry for entry in claim["necessity"] if entry["witness"] is not None]
        table.add_row(
            "",
            "necessity",
            f"{len(found)} of {len(claim['necessity'])} hypotheses have a witness",
            "",
            "",
            "",
        )
        if mutants:
            for entry in found:
                table.add_row("", "", escape(f"without {entry['hypothesis']}: {facts(entry['witness'])}"), "", "", "")
    show(table, console)
    for line in untried(report):
        console.print(escape(line), soft_wrap=True)
    console.print(escape(verdict(report)), soft_wrap=True)


def untried(report: Report) -> list[str]:
    """What was never put to the test in claims that may hold: that the checks can fail, and what a hypothesis is for."""
    lines = []
    for claim in report["claims"]:
        if claim["holds"] is False:
            continue
        if not claim["mutants"]["total"]:
            lines.append(
                f"{claim['id']} has no mutant, so nothing shows that its checks can fail: claim.mutant(name, part=value)."
            )
        dropped = {entry["hypothesis"] for entry in claim["necessity"]}
        lines += [
            f"{claim['id']} may hold without {name!r}, for all that was shown: yield problems in @claim.without({name!r})."
            for name in claim.get("hypotheses", ())
            if name not in dropped
        ]
    return lines


def decisive(evidence: Iterable[Mapping[str, Any]]) -> str:
    """How many cases of the evidence could have refuted its claim; "–" where a report does not say, as older ones."""
    total = 0
    for item in evidence:
        if item.get("decisive") is None:
            return "–"
        total += item["decisive"]
    return f"{total:,}"


def explain(evidence: Evidence) -> str:
    """A piece of evidence in words, with the problem that refutes the claim, if one does."""
    text = f"{evidence.kind}: {evidence.scope}"
    if evidence.witness is None:
        return text
    return f"{text}\n{indent(evidence.witness['words'], '    ')}\n{facts(evidence.witness)}"


def covered(item: Mapping[str, Any]) -> str:
    """The scope of a piece of evidence, and which mutants the same check refutes as well."""
    noticed = item.get("noticed")
    return f"{item['scope']}; it notices: {', '.join(noticed)}" if noticed else f"{item['scope']}"


def facts(witness: Mapping[str, Any]) -> str:
    """What was seen, in a line."""
    return ", ".join(f"{name} {value}" for name, value in witness["facts"].items())


def witnesses(data: Any, where: str) -> list[dict[str, Any]]:
    """Every witness in a witness file or a report.

    Raises
    ------
    InvalidArgument : when the data is neither, or was written for another schema.
    """
    if not isinstance(data, dict) or not ({"claim", "problem"} <= data.keys() or "claims" in data):
        raise InvalidArgument(
            "replay",
            where,
            got=shown(data),
            expected="a witness or a report written by this program",
            fix="Pass a file that `check` wrote with --json, or one of its witness files.",
        )
    if data.get("schema") != SCHEMA:
        raise InvalidArgument(
            "replay",
            f"{where}: schema",
            got=shown(data.get("schema")),
            expected=f"{SCHEMA}",
            fix="Write it again with this version.",
        )
    if "problem" in data:
        return [data]
    found: list[dict[str, Any]] = []
    try:
        for claim in data["claims"]:
            candidates = [item["witness"] for item in claim["evidence"]]
            candidates += list(claim["mutants"]["witnesses"].values())
            candidates += [entry["witness"] for entry in claim["necessity"]]
            found += [witness for witness in candidates if witness is not None]
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            "replay",
            f"{where}: claims",
            got=f"a malformed report ({type(error).__name__}: {error})",
            expected="the fields evidence, mutants and necessity for every claim",
            fix="Write it again with `check --json`.",
        ) from None
    return found
