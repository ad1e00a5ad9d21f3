"""`lengthgen proofs`: which theorems in Coq each claim rests on, and whether what Coq said of them still counts."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.output import require_writable, say, say_with, tell
from proofs_check.commands.parser import Parser
from proofs_check.commands.program import HOLDS, INCONCLUSIVE, REFUTED
from proofs_check.problem_files import write_json
from proofs_check.terminal import note
from proofs_check.theorems import stored
from proofs_check.theorems.graph import check_format, draw
from proofs_check.theorems.table import TABLE, theorems
from theory.errors import number_of

STATUSES = "0 all are proved, 1 one depends on an axiom, 2 what is stored does not count"


def add_options(parser: Parser) -> None:
    """What is printed, whether Coq is asked, and where the figure goes."""
    parser.description = (
        "Print what Coq proved of every claim. What it said is stored beside the sources, and counts as long as these are "
        "the same; --compile asks it again."
    )
    parser.epilog = "example: lengthgen proofs --statements"
    parser.add_argument("--statements", action="store_true", help="print every statement as Coq prints it")
    parser.add_argument("--compile", action="store_true", help="let Coq compile the files, and store what it says")
    parser.add_argument("--figure", metavar="FILE", help="draw which file uses which, as SVG or PNG")


def run(options: Namespace) -> int:
    """Print, and before that compile and store, what was asked for."""
    if options.figure:
        check_format(options.figure)
    require_writable(options.figure, "proofs", "--figure")
    if options.compile:
        from proofs_check.theorems.compiling import ask, build

        folder = build()
        found = ask(folder)
        write_json(folder / stored.FILE, stored.to_data(found), "proofs --compile")
        tell(f"Coq {found.coq} was asked about {number_of(len(found.theorems), 'theorem')}: {folder / stored.FILE}")
    known, status = stored.read(), HOLDS
    for claim, row in TABLE.items():
        if not row.theorems:
            _say(f"{claim}: on paper")
            continue
        found_evidence, dependent = stored.evidence(claim), stored.dependent(claim)
        if dependent is not None:
            status = REFUTED
            axioms = ", ".join(known.theorems[dependent].axioms if known else ())
            _say(f"{claim}: refuted: {dependent} depends on {axioms}")
        else:
            status = INCONCLUSIVE if found_evidence.kind == "inconclusive" and status == HOLDS else status
            _say(f"{claim}: {found_evidence.kind}: {found_evidence.scope}")
        if options.statements:
            for name, statement in found_evidence.statements.items():
                say(f"\n{name} :\n{statement}\n")
    if options.figure:
        draw(options.figure)
    if known is not None and status == HOLDS:
        _say(f"{number_of(len(theorems()), 'theorem')}, none of which depends on an axiom (Coq {known.coq}).")
    return status


def _say(text: str) -> None:
    """In lines that a terminal has room for; a statement stays as Coq prints it."""
    say_with(lambda console: note(text, console))
