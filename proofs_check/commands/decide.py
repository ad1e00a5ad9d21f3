"""`lengthgen decide`: what T1 says of a problem."""

from __future__ import annotations

from argparse import Namespace

from proofs_check.commands.output import every_digit, require_writable, say
from proofs_check.commands.parser import Parser, positive
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_to_dict, read_problem, write_json
from theory import BUDGET, decide


def add_options(parser: Parser) -> None:
    """The problem, and the budget."""
    parser.epilog = "example: lengthgen decide docs/examples/parity.toml"
    add_problem(parser)


def add_problem(parser: Parser) -> None:
    """What is asked about a problem in a file."""
    parser.add_argument("file", help="a problem as .toml or .json; see docs/examples/")
    parser.add_argument("--budget", type=positive, default=BUDGET, help=f"largest enumeration (default {BUDGET:,})")
    parser.add_argument("--json", metavar="FILE", help="write the result")


def run(options: Namespace) -> int:
    """Decide, explain and write the verdict."""
    require_writable(options.json, "decide")
    problem = read_problem(options.file)
    with every_digit():
        verdict = decide(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
        say(verdict.explain())
        if options.json:
            found = Problem(problem.heads, problem.train, problem.test, verdict.counterexample)
            result = {
                "outcome": verdict.outcome,
                "reason": verdict.reason,
                "train_loss": None if verdict.train_loss is None else str(verdict.train_loss),
                "test_loss": None if verdict.test_loss is None else str(verdict.test_loss),
                "problem": problem_to_dict(found),
            }
            write_json(options.json, result, "decide --json")
    return 0
