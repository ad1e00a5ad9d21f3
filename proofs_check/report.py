"""The report of a run: as data (the JSON schema of docs/architecture.md), and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from rich.console import Console
from rich.table import Table

from proofs_check.runner import Run
from proofs_check.terminal import show
from theory import claims
from theory.errors import InvalidArgument, shown

SCHEMA = 1
PACKAGES = ("numpy", "scipy", "sympy", "hypothesis", "rich")

Report = dict[str, Any]


def build(run: Run) -> Report:
    """The report as JSON data; it holds everything that the table and `replay` need."""
    ids = dict.fromkeys(task.claim for task in run.results)
    return {
        "schema": SCHEMA,
        "version": version("lengthgen"),
        "seed": run.seed,
        "profile": run.profile,
        "interrupted": run.interrupted,
        "seconds": round(run.seconds, 3),
        "packages": {name: version(name) for name in PACKAGES},
        "claims": [_claim(run, claim.id) for claim in claims.CLAIMS if claim.id in ids],
    }


def version(distribution: str) -> str:
    """The installed version of a distribution, or "not installed"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _claim(run: Run, claim_id: str) -> dict[str, Any]:
    claim = claims.get(claim_id)
    results = {task: result for task, result in run.results.items() if task.claim == claim_id}
    evidence = [result.evidence for result in results.values() if result.evidence is not None]
    mutants = {task.name: result for task, result in results.items() if task.engine == "mutant"}
    necessity = {task.name: result for task, result in results.items() if task.engine == "necessity"}
    out: dict[str, Any] = {
        "id": claim.id,
        "title": claim.title,
        "statement": claim.statement,
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
            }
            for item in evidence
        ],
        "mutants": {
            "refuted": sum(result.witness is not None for result in mutants.values()),
            "total": len(mutants),
            "survivors": [name for name, result in mutants.items() if result.finished and result.witness is None],
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
            parts.append(f"mutants of {claim['id']} survive: {'; '.join(claim['mutants']['survivors'])}")
        missing = [entry["hypothesis"] for entry in claim["necessity"] if entry["witness"] is None]
        if missing and not report["interrupted"]:
            parts.append(f"no witness that {claim['id']} needs: {'; '.join(missing)}")
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
        f"{hold}: {instances:,} cases ({decisive(evidence)} decisive), {mutants} mutants refuted, "
        f"{hypotheses} hypotheses shown necessary, {report['seconds']:.0f} s."
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
                _plain(covered(item)),
                f"{item['instances']:,}",
                decisive([item]),
                seconds,
            )
            first = ""
        counts = claim["mutants"]
        table.add_row("", "mutants", f"{counts['refuted']} of {counts['total']} refuted", "", "", "")
        if mutants:
            for name, witness in counts["witnesses"].items():
                table.add_row("", "", _plain(f"{name}: {_facts(witness)}"), "", "", "")
        found = [entry for entry in claim["necessity"] if entry["witness"] is not None]
        table.add_row(
            "", "necessity", f"{len(found)} of {len(claim['necessity'])} hypotheses have a witness", "", "", ""
        )
        if mutants:
            for entry in found:
                table.add_row("", "", _plain(f"without {entry['hypothesis']}: {_facts(entry['witness'])}"), "", "", "")
    show(table, console)
    console.print(_plain(verdict(report)), soft_wrap=True)


def decisive(evidence: Iterable[Mapping[str, Any]]) -> str:
    """How many cases of the evidence could have refuted its claim; "–" where a report does not say, as older ones."""
    total = 0
    for item in evidence:
        if item.get("decisive") is None:
            return "–"
        total += item["decisive"]
    return f"{total:,}"


def covered(item: Mapping[str, Any]) -> str:
    """The scope of a piece of evidence, and which mutants the same check refutes as well."""
    noticed = item.get("noticed")
    return f"{item['scope']}; it notices: {', '.join(noticed)}" if noticed else f"{item['scope']}"


def _facts(witness: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in witness["facts"].items())


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def witnesses(data: Any, where: str) -> list[dict[str, Any]]:
    """Every witness in a witness file or a report.

    Raises
    ------
    InvalidArgument : when the data is neither, or was written for another schema.
    """
    if not isinstance(data, dict) or not ({"claim", "problem"} <= data.keys() or "claims" in data):
        raise InvalidArgument(
            "replay", where, shown(data), "a witness or a report written by this program",
            "Pass a file that `check` wrote with --json, or one of its witness files.",
        )  # fmt: skip
    if data.get("schema") != SCHEMA:
        raise InvalidArgument(
            "replay", f"{where}: schema", shown(data.get("schema")), f"{SCHEMA}", "Write it again with this version."
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
            "replay", f"{where}: claims", f"a malformed report ({type(error).__name__}: {error})",
            "the fields evidence, mutants and necessity for every claim", "Write it again with `check --json`.",
        ) from None  # fmt: skip
    return found
