"""`lengthgen decide`: what T1 says of a problem, or for ranked and soft heads T13 and T14."""

from __future__ import annotations

from argparse import Namespace
from fractions import Fraction
from typing import get_args

from proofs_check.commands.output import every_digit, require_writable, say
from proofs_check.commands.parser import Parser, lengths, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE
from proofs_check.problem import Problem
from proofs_check.problem_files import problem_to_dict, read_problem, write_json
from proofs_check.spelling import digits
from theory import BUDGET, BudgetExceeded, HardHead, HeadClass, InvalidArgument, Law, decide
from theory.errors import NotConverged
from theory.guarantees import Scores, guarantees_listed
from theory.listed import ListedLaw, list_law
from theory.planted import PlantedLaw
from theory.ranked import RankedHead

TOO_LARGE, OPEN = "too large", "inconclusive"


def add_options(parser: Parser) -> None:
    """The problem, the heads, and the budget."""
    parser.epilog = "example: lengthgen decide docs/examples/parity.toml"
    add_problem(parser)
    add_scores(parser, None, "those of the file")
    parser.add_argument(
        "--curve", type=lengths, metavar="A..B", help="instead, the guaranteed share at each of these test lengths"
    )


def add_scores(parser: Parser, default: str | None, said: str) -> None:
    """Which heads are decided about."""
    what = "hard heads (T1), ranked ones (T13), or all by their greedy answer (soft, T14)"
    parser.add_argument("--scores", choices=get_args(Scores), default=default, help=f"{what}; default: {said}")


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
        if options.curve:
            return _curve(problem, options)
        scores = options.scores or problem.scores
        heads, train, test = problem.heads, problem.train, problem.test
        verdict = decide(heads, train=train, test=test, scores=scores, budget=options.budget)
        say(verdict.explain())
        if verdict.outcome == "fails":
            say(f"Guaranteed: on exactly {verdict.guaranteed} of the test law every head perfect in training is right.")
        if options.json:
            head = verdict.counterexample
            hard = head if isinstance(head, HardHead) else None
            ranked = head if isinstance(head, RankedHead) else None
            found = Problem(heads, train, test, hard, scores, ranked)
            result = {
                "scores": scores,
                "outcome": verdict.outcome,
                "guaranteed": None if verdict.guaranteed is None else str(verdict.guaranteed),
                "reason": verdict.reason,
                "train_loss": None if verdict.train_loss is None else str(verdict.train_loss),
                "test_loss": None if verdict.test_loss is None else str(verdict.test_loss),
                "problem": problem_to_dict(found),
            }
            write_json(options.json, result, "decide --json")
    return HOLDS


def _curve(problem: Problem, options: Namespace) -> int:
    """The guaranteed share for each kind of heads, or for one, at every length; exact, as far as laws can be listed.

    From the first length on at which all laws are too large, longer ones are not tried.
    """
    law = problem.test
    if not isinstance(law, PlantedLaw):
        got, expected = f"a test law of kind {type(law).__name__}", "one planted ensemble, tested at one length"
        raise InvalidArgument("decide", "--curve", got=got, expected=expected, fix="Keep one [[test]] of the ensemble.")
    kinds = get_args(Scores) if options.scores is None else (options.scores,)
    found: dict[str, dict[str, str | None]] = {kind: {} for kind in kinds}
    trained = list_law(problem.train, "decide", "train", options.budget)
    say("  ".join(f"{word:>8}" for word in ("length", *kinds)))
    status = HOLDS
    for length in sorted(set(options.curve)):
        try:
            at = law.ensemble.at(length, positions=law.positions)
        except InvalidArgument:
            words = ["no law"] * len(kinds)
        else:
            shares = [_share(problem.heads, trained, at, kind, options.budget) for kind in kinds]
            for kind, share in zip(kinds, shares, strict=True):
                if share == OPEN:
                    status = INCONCLUSIVE
                elif share != TOO_LARGE:
                    found[kind][str(length)] = None if share is None else str(share)
            words = [
                "∅" if share is None else digits(share) if isinstance(share, Fraction) else share for share in shares
            ]
        say("  ".join(f"{word:>8}" for word in (str(length), *words)))
        if set(words) == {TOO_LARGE}:
            break
    if options.json:
        write_json(options.json, {"curve": found, "problem": problem_to_dict(problem)}, "decide --json")
    return status


def _share(heads: HeadClass, trained: ListedLaw, at: Law, kind: Scores, budget: int) -> Fraction | str | None:
    try:
        return guarantees_listed(heads, trained, list_law(at, "decide", "test", budget), kind, budget, None).share
    except BudgetExceeded:
        return TOO_LARGE
    except NotConverged:
        return OPEN
