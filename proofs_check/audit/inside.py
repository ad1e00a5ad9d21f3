"""The audit without extraction: problems as terms of Coq, decided by its kernel; no program is trusted beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from proofs_check.audit.auditing import Compared, Difference
from proofs_check.audit.language import numbering
from proofs_check.audit.questions import OUTCOMES, is_plain
from proofs_check.problem import Problem
from proofs_check.theorems.compiling import build, coqc
from theory import Law, decide
from theory.examples import Label

HEADER = """From Coq Require Import List ZArith.
From LG Require Import Core T1 Ensemble Bridge.
Import ListNotations.
Open Scope Z_scope.
Definition code cl labels T P : Z := match judge cl labels T P with
  | Unrealizable _ => 0 | Generalizes => 1
  | Fails Unseen _ _ => 2 | Fails Flip _ _ => 3 | Fails Abstains _ _ => 4 end.
Definition judged : list Z := [
"""


def compare_inside(problems: Iterable[Problem]) -> Compared:
    """Compare the outcomes and reasons of the code with those that Coq computes; where all agree, the kernel checks it.

    Raises
    ------
    BackendUnavailable : without Coq.
    """
    folder, start = build("Bridge.vo", where="audit"), time.perf_counter()
    given = list(problems)
    asked = [problem for problem in given if is_plain(problem)]
    total = Compared(problems=len(given), skipped=len(given) - len(asked))
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
    window = "None" if heads.window is None else f"(Some {heads.window})"
    anchor = "true" if heads.anchor == "last" else "false"
    owner = f"(the_class {heads.arity}%nat {window} Key{str(heads.key).capitalize()} {anchor})"
    laws = (_law(law, number) for law in (problem.train, problem.test))
    return f"code {owner} {_numbers(number.values())} {' '.join(laws)}"


def _law(law: Law, number: dict[Label, int]) -> str:
    rows = (f"({_numbers(e.tokens)}, {_numbers(e.ids)}, {number[e.label]})" for e in law.table())
    return f"[{'; '.join(rows)}]"


def _numbers(values: Iterable[int]) -> str:
    return "[" + "; ".join(f"({value})" if value < 0 else str(value) for value in values) + "]"
