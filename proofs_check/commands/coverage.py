"""`lengthgen coverage`: the bounds of T3 and T11 for a problem."""

from __future__ import annotations

from argparse import Namespace
from fractions import Fraction
from math import inf

from proofs_check.commands.decide import add_problem
from proofs_check.commands.output import every_digit, require_writable, say
from proofs_check.commands.parser import Parser
from proofs_check.problem_files import read_problem, write_json
from theory import Factor, coverage, retention
from theory.exact import readable


def add_options(parser: Parser) -> None:
    """The problem, and the budget."""
    parser.epilog = "example: lengthgen coverage docs/examples/parity.toml"
    add_problem(parser)


def run(options: Namespace) -> int:
    """Compute the bounds, say how sharp they are and what they prove, and write them."""
    require_writable(options.json, "coverage")
    problem = read_problem(options.file)
    with every_digit():
        cov = coverage(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
        factor = retention(problem.heads, train=problem.train, test=problem.test, budget=options.budget)
        kappa0 = Factor(cov.kappa0, cov.kappa0_lower, cov.kappa0_family, cov.kappa0_missing)
        lines = (
            ("κ", _equals(cov.kappa), "largest growth of a pattern's expected number of candidates"),
            ("κ0", _equals(cov.kappa0), _sharpness(kappa0, "abstaining at test <= κ0 · abstaining in training")),
            ("N_T", _equals(Fraction(cov.candidates)), "candidate sets in training, at most"),
            ("t", _equals(factor.value), _sharpness(factor, "retention factor")),
        )
        wide = max(len(value) for _, value, _ in lines)
        for name, value, words in lines:
            say(f"{name:<3} {value:<{wide}}    {words}")
        if cov.factor != inf:
            say(f"T3: every hard head has test loss <= {readable(cov.factor, up=True)} · training loss.")
        elif cov.uncovered is not None:
            say("T3 gives no bound: something at test never occurs in training.")
        else:
            say(f"T3 gives no bound: {_no_kernel(kappa0)} proves a κ0.")
        if factor.value != inf:
            say(f"T11: every head has test loss <= {readable(factor.value, up=True)} · training loss.")
        else:
            say(f"T11 gives no bound: {_no_kernel(factor)} proves a t.")
        if cov.uncovered is not None:
            say(f"Not covered in training: candidates with overlap {cov.uncovered.overlap}, key {cov.uncovered.key}.")
        if options.json:
            result = {
                "kappa": str(cov.kappa),
                "kappa0": str(cov.kappa0),
                "kappa0_lower": str(cov.kappa0_lower),
                "kappa0_family": cov.kappa0_family,
                "kappa0_missing": cov.kappa0_missing,
                "candidates": cov.candidates,
                "factor": str(cov.factor),
                "retention": str(factor.value),
                "retention_lower": str(factor.lower),
                "retention_family": factor.family,
                "retention_missing": factor.missing,
                "uncovered": None if cov.uncovered is None else [list(cov.uncovered.overlap), list(cov.uncovered.key)],
            }
            write_json(options.json, result, "coverage --json")
    return 0


def _equals(value: Fraction | float) -> str:
    """ "= p/q", or a decimal rounded up: each of these numbers is a bound from above."""
    if value == inf:
        return "infinite"
    short = readable(value, up=True)
    return f"= {short}" if short == str(value) else f"≈ {short}"


def _sharpness(factor: Factor, what: str) -> str:
    """What a factor is, and how sharp: words about the kernels that were searched, and about no others."""
    if factor.value == inf:
        return f"{_no_kernel(factor)}: {factor.missing}"
    if factor.optimal and (factor.family == "all kept sets" or factor.value == 1):  # no kernel goes below 1
        return f"{what} (optimal)"
    of_family = "" if factor.family == "all kept sets" else f" of {factor.family}"
    if factor.optimal:
        return f"{what} (the least that a kernel{of_family} proves; others were not searched)"
    return f"{what} (at least {readable(factor.lower)} for every kernel{of_family})"


def _no_kernel(factor: Factor) -> str:
    if factor.family == "all kept sets":
        return "no kernel"
    return f"no kernel of {factor.family} (a larger --budget searches more)"
