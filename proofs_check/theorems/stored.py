"""What Coq said of the theorems, stored beside their sources: it counts without Coq as long as the sources are the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from idealized_model.text import read_text
from proofs_check.evidence import Evidence
from proofs_check.theorems.table import TABLE, Theorem

SOURCES = Path(__file__).parents[1] / "coq"
"""The folder of the sources and of what is stored; the Coq files know it as LG."""

FILE = "theorems.json"
SCHEMA = 1
REFRESH = "Run: make proofs (it needs Coq: apt install coq)"
VARIANT = "theorem in Coq"
"""What a witness against a theorem is called."""


@dataclass(frozen=True)
class Said:
    """What Coq said of a theorem: its statement as printed, and the axioms that it depends on."""

    statement: str
    axioms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """What Coq said of all theorems.

    Attributes
    ----------
    coq : its version.
    sources : the digest of the sources that it compiled.
    statements : the digest of the printed statements.
    theorems : {name: what it said}.
    """

    coq: str
    sources: str
    statements: str
    theorems: dict[str, Said] = field(default_factory=dict)


def digest_of_sources(folder: Path | None = None) -> str:
    """SHA-256 of the names and the contents of all Coq files."""
    digest = hashlib.sha256()
    for path in sorted((folder or SOURCES).glob("*.v")):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def digest_of_statements(theorems: dict[str, Said]) -> str:
    """SHA-256 of the names, the statements and the axioms of theorems.

    Examples
    --------
    >>> digest_of_statements({"T1.T1_criterion": Said("1 = 1")}) == digest_of_statements({"T1.T1_criterion": Said("1 = 2")})
    False
    """
    data = [[name, said.statement, list(said.axioms)] for name, said in sorted(theorems.items())]
    return hashlib.sha256(json.dumps(data, ensure_ascii=False).encode()).hexdigest()


def read(folder: Path | None = None) -> Stored | None:
    """What is stored in a folder; None where there is nothing, or nothing of this version."""
    try:
        data = json.loads(read_text((folder or SOURCES) / FILE))
        if data["schema"] != SCHEMA:
            return None
        theorems = {
            str(name): Said(str(said["statement"]), tuple(map(str, said["axioms"])))
            for name, said in data["theorems"].items()
        }
        return Stored(str(data["coq"]), str(data["sources"]), str(data["statements"]), theorems)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def to_data(stored: Stored) -> dict[str, Any]:
    """What the file holds."""
    return {"schema": SCHEMA, **asdict(stored)}


def scope_of(claim: str) -> str:
    """The theorems that a claim rests on, by their names.

    Examples
    --------
    >>> scope_of("T8")
    'theorems T8, T8_exact, T8_factor'
    """
    return f"theorems {', '.join(theorem.short for theorem in TABLE[claim].theorems)}"


def in_words(claim: str) -> str:
    """The theorems of a claim, and what they say in turn."""
    return f"{scope_of(claim)}: {'; '.join(theorem.says for theorem in TABLE[claim].theorems)}"


def axioms_of(name: str, folder: Path | None = None) -> dict[str, Any] | None:
    """Facts that refute that a theorem is proved: the axioms that it depends on; None where there are none."""
    stored = read(folder)
    said = None if stored is None else stored.theorems.get(name)
    return {"theorem": name, "axioms": list(said.axioms)} if said is not None and said.axioms else None


def dependent(claim: str, folder: Path | None = None) -> str | None:
    """The first theorem of a claim that depends on an axiom, for the same sources; None where there is none."""
    stored = read(folder)
    if stored is None or doubt(stored, TABLE[claim].theorems, folder) is not None:
        return None
    return next((one.name for one in TABLE[claim].theorems if stored.theorems[one.name].axioms), None)


def doubt(stored: Stored | None, theorems: tuple[Theorem, ...], folder: Path | None = None) -> str | None:
    """Why what is stored does not count; None where it does."""
    if stored is None:
        return "nothing is stored that Coq said of it"
    if stored.sources != digest_of_sources(folder):
        return f"the sources are not those that Coq {stored.coq} compiled"
    if stored.statements != digest_of_statements(stored.theorems):
        return f"the stored statements are not those that Coq {stored.coq} printed"
    missing = [theorem.name for theorem in theorems if theorem.name not in stored.theorems]
    return f"Coq {stored.coq} was not asked about {missing[0]}" if missing else None


def evidence(claim: str, folder: Path | None = None) -> Evidence:
    """What the stored result says of a claim: proved, or inconclusive where it does not count.

    A theorem that depends on an axiom is refuted by `dependent`, with a witness that the caller makes.
    """
    theorems, scope, stored = TABLE[claim].theorems, in_words(claim), read(folder)
    why = doubt(stored, theorems, folder)
    if why is not None or stored is None:
        return Evidence("inconclusive", "coq", f"{scope}. It does not count: {why}. {REFRESH}", 0, 0)
    statements = {theorem.name: stored.theorems[theorem.name].statement for theorem in theorems}
    said = f"{scope}; without axioms, as Coq {stored.coq} said of these very sources (stored result)"
    said += f"; on paper: {TABLE[claim].on_paper}" if TABLE[claim].on_paper else ""
    return Evidence("proved", "coq", said, len(theorems), len(theorems), statements=statements)
