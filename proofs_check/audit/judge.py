"""The judge: a program that is extracted from the proofs, and asked many things at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from proofs_check.theorems.compiling import build, require_tools

PROGRAM = "judge"


@cache
def program() -> Path:
    """The program, built where it is not.

    Raises
    ------
    BackendUnavailable : without Coq or OCaml, saying how to install them.
    InvalidArgument : when the proofs do not compile.
    """
    require_tools("audit", "coqc", "ocamlfind", "ocamlopt", "make")
    return build(PROGRAM, where="audit") / PROGRAM


def answers(requests: Sequence[str]) -> list[str]:
    """What the judge answers, a line each.

    Raises
    ------
    RuntimeError : when it ends early, which is a bug.
    """
    done = subprocess.run([program()], input=f"{len(requests)}\n" + "".join(requests), capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(requests):
        raise RuntimeError(f"the judge answered {len(lines)} of {len(requests)} requests: {done.stderr.strip()[-300:]}")
    return lines
