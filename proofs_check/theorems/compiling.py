"""Coq asked about the theorems: the files compiled, each statement printed, with the axioms that it depends on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from proofs_check.theorems.stored import SOURCES, Said, Stored, digest_of_sources, digest_of_statements
from proofs_check.theorems.table import Theorem, theorems
from theory.errors import BackendUnavailable, InvalidArgument

TESTED = "8.16"
INSTALL = f"Install it (Coq {TESTED} is tested; on Debian and Ubuntu): apt install coq"
CLOSED = "Closed under the global context"
MARK = "@@ "


def require_tools(where: str, *tools: str) -> None:
    """Refuse to go on without programs that come with Coq.

    Raises
    ------
    BackendUnavailable : with the line that installs Coq.
    """
    for tool in tools:
        if shutil.which(tool) is None:
            raise BackendUnavailable(where, "Coq", got=f"no program {tool}", expected="Coq with its OCaml", fix=INSTALL)


def build(target: str = "all", *, folder: Path | None = None, where: str = "proofs") -> Path:
    """Let make build a target of the Coq files; returns the folder where it lies.

    A folder that cannot be written, as of an installed package, is copied into the user's cache.

    Raises
    ------
    BackendUnavailable : without coqc or make.
    InvalidArgument : when a file does not compile, or a theorem assumes an axiom.
    """
    there, done = _made(target, folder, where)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[-500:]
        raise InvalidArgument(
            where, "the Coq files", got=f"files that do not build ({said})", expected="theorems without axioms",
            fix=f"See: make -C {there}",
        )  # fmt: skip
    return there


def is_built(target: str, *, where: str = "proofs") -> bool:
    """Whether `build` has nothing to do.

    Raises
    ------
    BackendUnavailable : without coqc or make.
    """
    return _made(target, None, where, "--question")[1].returncode == 0


def _made(target: str, folder: Path | None, where: str, *options: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder where make was asked for a target, and what it said."""
    require_tools(where, "coqc", "make")
    there = _writable(SOURCES if folder is None else folder)
    _drop_stale(there)
    make = ["make", "--no-print-directory", "-C", str(there), *options, target]
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return there, subprocess.run(make, env=clean, capture_output=True, text=True, check=False)


def _drop_stale(folder: Path) -> None:
    """Remove what was compiled from other sources, whatever the times of the files say.

    Coq writes the MD5 of its source at the beginning of each .glob file.
    """
    for source in folder.glob("*.v"):
        noted, compiled = source.with_suffix(".glob"), source.with_suffix(".vo")
        own = f"DIGEST {hashlib.md5(source.read_bytes(), usedforsecurity=False).hexdigest()}"
        if compiled.exists() and not (noted.exists() and noted.read_text(encoding="utf-8").startswith(f"{own}\n")):
            compiled.unlink()


def _writable(folder: Path) -> Path:
    if os.access(folder, os.W_OK):
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lengthgen"
    copy = cache / f"coq-{digest_of_sources(folder)[:16]}"
    shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.vo*", "*.glob", ".*", "judge*"))
    return copy


def ask(folder: Path, asked: Sequence[Theorem] | None = None) -> Stored:
    """What Coq says of theorems in a folder where they are compiled.

    Raises
    ------
    InvalidArgument : for a theorem that is not there.
    """
    names = [theorem.name for theorem in (theorems() if asked is None else asked)]
    files = sorted({name.partition(".")[0] for name in names})
    lines = ["From Coq Require Import List QArith ZArith.", f"From LG Require Import {' '.join(files)}."]
    lines += ["Import ListNotations.", "Open Scope Q_scope.", "Set Printing Width 110.", "Set Printing Depth 1000."]
    for name in names:
        lines += [f'Goal True. idtac "{MARK}{name}". Abort.', f"Print Assumptions LG.{name}.", f"Check @LG.{name}."]
    out = coqc("\n".join(lines) + "\n", folder)
    said = dict(part.split("\n", 1) for part in out.split(MARK)[1:])
    found = {name: _said(name, said[name]) for name in names}
    version = re.search(
        r"version (\S+)", subprocess.run(["coqc", "--version"], capture_output=True, text=True, check=True).stdout
    )
    return Stored(version[1] if version else "?", digest_of_sources(folder), digest_of_statements(found), found)


def coqc(source: str, folder: Path, where: str = "proofs") -> str:
    """What coqc prints on a file that uses the compiled ones of a folder.

    Raises
    ------
    BackendUnavailable : without coqc.
    InvalidArgument : when the file does not compile.
    """
    require_tools(where, "coqc")
    with tempfile.TemporaryDirectory(prefix="lengthgen-") as there:
        file = Path(there) / "Asked.v"
        file.write_text(source, encoding="utf-8")
        command = ["coqc", "-q", "-Q", str(folder), "LG", str(file)]
        done = subprocess.run(command, cwd=there, capture_output=True, text=True, check=False)
    if done.returncode:
        got = f"a file that does not compile ({' '.join((done.stdout + done.stderr).split())[:500]})"
        raise InvalidArgument(
            where, "the Coq files", got=got, expected="the theorems of the table", fix="See docs/proofs.md."
        )
    return done.stdout


def _said(name: str, text: str) -> Said:
    """What was printed of a theorem: the axioms, if any, then its name and statement."""
    short = name.partition(".")[2]
    assumed, colon, statement = re.split(
        rf"^@?(?:LG\.)?(?:\w+\.)*{re.escape(short)}(\s*:)", text, maxsplit=1, flags=re.M
    )
    assert colon
    closed = assumed.strip() == CLOSED
    axioms = (
        () if closed else tuple(re.findall(r"^(\S+)\s*:", assumed.partition("Axioms:")[2], re.M)) or (assumed.strip(),)
    )
    return Said("\n".join(line.rstrip() for line in statement.strip("\n").splitlines()).strip(), axioms)
