"""The audit without extraction: problems as terms of Coq, decided by its kernel; no program is trusted beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from proofs_check.audit.auditing import Compared, Difference
from proofs_check.audit.language import n_coordinates, numbering
from proofs_check.audit.questions import OUTCOMES
from proofs_check.problem import Problem
from proofs_check.theorems.compiling import build, coqc
from theory import Law, decide
from theory.coordinates import coordinates
from theory.examples import Label

NEEDED = "Judge.vo"
"""What is compiled first."""

HEADER = """From Coq Require Import List ZArith.
From LG Require Import Core T1 Check Bridge Judge.
Import ListNotations.
Open Scope Z_scope.
Definition judged : list Z := [
"""


def compare_inside(cases: Iterable[object]) -> Compared:
    """Compare the outcomes and reasons for hard heads with those that Coq computes; where all agree, its kernel checks them.

    Raises
    ------
    BackendUnavailable : without Coq.
    """
    folder, start = build(NEEDED, where="audit"), time.perf_counter()
    given = list(cases)
    asked = [replace(case, scores="hard") for case in given if isinstance(case, Problem)]
    total = Compared(problems=len(asked), passed_over=len(given) - len(asked))
    found = [decide(one.heads, train=one.train, test=one.test) for one in asked]
    codes = [OUTCOMES.index(verdict.reason or verdict.outcome) for verdict in found]
    if asked:
        judged = _judged(asked, codes, folder)
        for problem, code, own in zip(asked, codes, judged, strict=True):
            kind = f"hard, in the kernel: {OUTCOMES[code]}"
            total.counts[kind] += 1
            if code != own:
                total.n_different += 1
                total.differences.append(Difference(kind, problem, {"outcome": (OUTCOMES[code], OUTCOMES[own])}))
    total.seconds = time.perf_counter() - start
    return total


def _judged(problems: Sequence[Problem], codes: Sequence[int], folder: Path) -> list[int]:
    """What Coq computes, and its kernel confirms."""
    source = HEADER + ";\n".join(map(_term, problems)) + "].\n"
    printed = coqc(f"{source}Set Printing Width 100000.\nEval vm_compute in judged.\n", folder, "audit")
    listed = re.search(r"=\s*\[(.*?)\]", printed, re.S)
    judged = [int(word) for word in re.findall(r"-?\d+", listed[1] if listed else "")]
    if judged == list(codes):
        goal = f"Goal judged = {_numbers(codes)}.\nProof. vm_compute. reflexivity. Qed.\n"
        coqc(source + goal, folder, "audit")
    return judged


def _term(problem: Problem) -> str:
    heads, number = problem.heads, numbering(problem.train, problem.test)
    along = heads.along(n_coordinates(problem.train, problem.test))
    windows = ("None" if part.window is None else f"Some {part.window}" for part in along)
    parts = "; ".join(f"({w}, Key{str(part.key).capitalize()})" for w, part in zip(windows, along, strict=True))
    many, anchor = (str(flag).lower() for flag in (heads.at_most, heads.anchor == "last"))
    laws = (_law(law, number) for law in (problem.train, problem.test))
    owner = f"(Heads {many} {heads.arity}%nat {anchor} [{parts}])"
    return f"verdict_code (judge {owner} {_numbers(number.values())} {' '.join(laws)})"


def _law(law: Law, number: dict[Label, int]) -> str:
    columns = ((e, "; ".join(map(_numbers, coordinates(e.ids)))) for e in law.table())
    rows = (f"({_numbers(e.tokens)}, [{ids}], {number[e.label]})" for e, ids in columns)
    return f"[{'; '.join(rows)}]"


def _numbers(values: Iterable[int]) -> str:
    return "[" + "; ".join(f"({value})" if value < 0 else str(value) for value in values) + "]"
