"""The judge: a program that is extracted from the proofs, and asked many things at a time."""

from __future__ import annotations

import subprocess
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


def answers(text: str) -> list[str]:
    """What the judge answers, a line a request.

    Raises
    ------
    RuntimeError : when it does not understand the text, which is a bug.
    """
    done = subprocess.run([program()], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the judge ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout.splitlines()
