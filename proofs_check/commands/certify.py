"""`lengthgen certify`: a trained model, or any function, on every instance of a task."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack

from proofs_check.certification.certifying import BUDGET, LEVEL, SAMPLES, certify
from proofs_check.commands.output import require_writable, say
from proofs_check.commands.parser import TASK, Parser, lengths, natural, number, positive
from proofs_check.commands.program import HOLDS, INCONCLUSIVE, REFUTED
from proofs_check.problem_files import write_json
from proofs_check.work.progress import counting
from theory.dependencies.sources import CALL_SECONDS

STATUSES = "0 right on every instance, 1 wrong on one, 2 right on all that were tried, and these are not all"


def add_options(parser: Parser) -> None:
    """Who is asked, what, and how much of it."""
    parser.description = (
        "Try a trained model, or any function from prompts to outputs, on every instance of some lengths; where these are "
        "too many, on random ones, with an exact bound. Ctrl-C ends it with what was found."
    )
    parser.epilog = 'example: lengthgen certify mymodule:predict "addition, reversed" --lengths 1..3'
    parser.add_argument(
        "subject",
        help="the folder of a run (or its checkpoint), or module:object, a function from a tuple of tokens to the output",
    )
    parser.add_argument("task", nargs="?", help=f"{TASK}; for a run: that of its training, unless another one is named")
    parser.add_argument(
        "--lengths", type=lengths, required=True, metavar="A..B", help="lengths to try, as A..B or N,N,..."
    )
    parser.add_argument(
        "--tokens", choices=("numbers", "names"), default="numbers",
        help="whether prompts of a function hold numbers of tokens, or their names (default numbers)",
    )  # fmt: skip
    parser.add_argument(
        "--offsets", choices=("fixed", "random"), default="fixed",
        help="of a run: IDs that training shifts are counted from 0, or from every offset (default fixed)",
    )  # fmt: skip
    parser.add_argument(
        "--budget",
        type=natural,
        default=BUDGET,
        metavar="N",
        help=f"most sequences to list of a length (default {BUDGET:,}); of more, --samples are drawn",
    )
    parser.add_argument(
        "--samples",
        type=positive,
        default=SAMPLES,
        metavar="N",
        help=f"sequences to draw where there are more (default {SAMPLES:,})",
    )
    parser.add_argument(
        "--level", default=LEVEL, metavar="P", help=f"confidence of the bound at each length (default {LEVEL})"
    )
    parser.add_argument(
        "--seconds", type=number, default=CALL_SECONDS, metavar="N",
        help=f"so long one call of a function may take (default {CALL_SECONDS:g})",
    )  # fmt: skip
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of everything random (default 0)")
    parser.add_argument("--json", metavar="FILE", help="write the report")


def run(options: Namespace) -> int:
    """Try it, explain what was found and write the report."""
    require_writable(options.json, "certify")
    with ExitStack() as stack:
        found = certify(
            options.subject, options.task, lengths=options.lengths, tokens=options.tokens, offsets=options.offsets,
            budget=options.budget, samples=options.samples, level=options.level,
            seconds=options.seconds, seed=options.seed, watch=_Progress(stack),
        )  # fmt: skip
    say(found.explain())
    if options.json:
        write_json(options.json, found.to_dict(), "certify --json")
    return {"refuted": REFUTED, "exhausted": HOLDS}.get(found.kind, INCONCLUSIVE)


class _Progress:
    """A bar, or lines, for each length."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._length = stack, 0

    def __call__(self, length: int, tried: int, size: int) -> None:
        if length != self._length:
            self._stack.close()
            self._length = length
            self._tell = self._stack.enter_context(counting(f"sequences of length {length}", size))
        self._tell(tried)
