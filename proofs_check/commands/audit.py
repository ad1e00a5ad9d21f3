"""`lengthgen audit`: what the code says of problems, beside a program that is extracted from proofs in Coq."""

from __future__ import annotations

import json
import os
from argparse import Namespace

from proofs_check.audit.auditing import Compared, audit, chunks, compare, shrunk
from proofs_check.audit.inside import NEEDED, compare_inside
from proofs_check.audit.judge import PROGRAM
from proofs_check.claims import find
from proofs_check.commands.output import require_writable, say, tell
from proofs_check.commands.parser import Parser, natural, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE, REFUTED
from proofs_check.problem import Problem
from proofs_check.problem_files import read_problem, write_json
from proofs_check.theorems.compiling import is_built
from proofs_check.work.progress import watching
from theory.errors import InvalidArgument

STATUSES = "0 no difference, 1 code and judge differ on a problem, which is printed, 2 nothing was put to the judge"

RANDOM = 5000
"""Random problems, where nothing is named."""

INSIDE = 1000
"""As many where Coq itself decides."""


def add_options(parser: Parser) -> None:
    """Which problems, how they are decided, and where the result goes."""
    parser.description = (
        "Compare what the code says of problems with a program that is extracted from proofs in Coq: outcome, reason, "
        "example, exact losses and certificates, one by one. It needs Coq (Debian: apt install coq)."
    )
    parser.epilog = "example: lengthgen audit --random 30000 --seed 1"
    which = parser.add_mutually_exclusive_group()
    which.add_argument("file", nargs="?", help="a problem as .toml or .json; see docs/examples/")
    which.add_argument("--random", type=positive, metavar="N", help=f"so many random problems (default {RANDOM:,})")
    which.add_argument(
        "--claim", metavar="CLAIM", help="the problems of the families of a claim: its id, or module:object"
    )
    parser.add_argument("--seed", type=natural, metavar="N", help="seed of random problems (default 0)")
    parser.add_argument("--jobs", type=positive, help="processes (default: all cores)")
    parser.add_argument(
        "--no-extraction", action="store_true",
        help=f"let Coq itself decide, in its kernel, and trust no extracted program (random: {INSIDE:,} by default)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the result")


def run(options: Namespace) -> int:
    """Compare, and print what was compared and what differs."""
    require_writable(options.json, "audit")
    _refuse_idle(options)
    problem = None if options.file is None else read_problem(options.file)
    if options.claim is not None:
        _require_problems(options.claim)
    if not is_built(NEEDED if options.no_extraction else PROGRAM, where="audit"):
        tell("Coq compiles the proofs of the judge first: about a minute.")
    if options.no_extraction:
        found = _inside(options, problem)
    elif problem is not None:
        found = compare([problem])
    else:
        found = _many(options)
    for difference in found.differences:
        small = shrunk(difference) if not options.no_extraction else difference
        say(f"{small}\n{json.dumps(small.to_dict()['problem'], ensure_ascii=False)}")
    if found.differences:
        say("Each is a problem file: save one as problem.json and run: lengthgen audit problem.json")
    say(found.explain())
    if options.json:
        data = {
            "seed": options.seed or 0, "problems": found.problems, "passed_over": found.passed_over,
            "questions": dict(sorted(found.counts.items())), "different": found.n_different, "interrupted": found.interrupted,
            "seconds": round(found.seconds, 3), "differences": [one.to_dict() for one in found.differences],
        }  # fmt: skip
        write_json(options.json, data, "audit --json")
    if found.n_different:
        return REFUTED
    return INCONCLUSIVE if found.interrupted or not found.counts else HOLDS


def _many(options: Namespace) -> Compared:
    jobs = options.jobs or os.cpu_count() or 1
    parts = chunks(random=options.random or RANDOM, seed=options.seed or 0, claim=options.claim, jobs=jobs)
    with watching(parts) as watch:
        return audit(parts, jobs=jobs, watch=watch)


def _inside(options: Namespace, problem: Problem | None) -> Compared:
    if problem is not None:
        return compare_inside([problem])
    parts = chunks(random=options.random or INSIDE, seed=options.seed or 0, claim=options.claim)
    return compare_inside(case for part in parts for case in part.cases())


def _refuse_idle(options: Namespace) -> None:
    """Refuse an option that would do nothing."""
    one = "one problem, that of the file"
    idle = {
        "--seed": (options.seed, one if options.file else "the problems of a claim" if options.claim else None),
        "--jobs": (
            options.jobs,
            one if options.file else "Coq itself, in one process" if options.no_extraction else None,
        ),
    }
    for name, (value, instead) in idle.items():
        if value is not None and instead is not None:
            raise InvalidArgument("audit", name, got=f"{value} with {instead}", expected="none", fix="Leave it out.")


def _require_problems(claim: str) -> None:
    """Refuse a claim that is about other things than problems of heads and two laws."""
    found = find(claim, os.getcwd())
    if not any(isinstance(one, Problem) for family in found.families for one in family.problems("quick")):
        raise InvalidArgument(
            "audit", "--claim", got=f"{claim}, whose families list no problem of heads and two laws",
            expected="a claim about such problems", fix="Try T1.",
        )  # fmt: skip
