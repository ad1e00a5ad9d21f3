"""`lengthgen export`: sequences of a task, as files for any framework."""

from __future__ import annotations

from argparse import Namespace

from idealized_model.transformer.exporting import FORMATS, export
from idealized_model.transformer.training import TrainConfig
from proofs_check.commands.output import say
from proofs_check.commands.parser import TASK, Parser, interval, natural, number, numbers, positive
from proofs_check.work.progress import counting
from theory.errors import number_of

BATCH = 1024
"""Sequences that share a length, where nothing else is asked for."""


def add_options(parser: Parser) -> None:
    """What is drawn, how much of it, and where it goes."""
    parser.description = (
        "Write sequences of a task for training in any framework: tokens, position IDs, mask, targets, ID increments and "
        "dependency sets, as lines of JSON and as arrays of NumPy (docs/export.md). They are those that `train` draws."
    )
    parser.epilog = (
        "example: lengthgen export copy --positions coupled --lengths 1..10 --size 100000 "
        "--test-lengths 10,20,40 --output data"
    )
    parser.add_argument("task", help=TASK)
    parser.add_argument(
        "--positions",
        metavar="SCHEME",
        default="none",
        help="how positions enter: none, rope, coupled, ... (default none)",
    )
    parser.add_argument("--lengths", type=interval, required=True, metavar="A..B", help="lengths, uniformly drawn")
    parser.add_argument("--size", type=positive, required=True, metavar="N", help="sequences for training")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument(
        "--test-lengths", type=numbers, default=(), metavar="N,N,...", help="lengths of tests (default none)"
    )
    parser.add_argument("--test-size", type=positive, default=128, metavar="N", help="sequences a length (default 128)")
    parser.add_argument("--format", choices=FORMATS, help="one kind of files (default both)")
    parser.add_argument("--ids", type=positive, default=256, metavar="N", help="range of position IDs (default 256)")
    parser.add_argument(
        "--packing", type=number, default=0.0, metavar="X", help="share of batches behind other sequences (default 0)"
    )
    parser.add_argument(
        "--batch", type=positive, default=BATCH, metavar="N", help=f"sequences that share a length (default {BATCH})"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of everything random (default 0)")


def run(options: Namespace) -> int:
    """Write the files, and say what is in them."""
    shortest, longest = options.lengths
    config = TrainConfig(
        options.task,
        options.positions,
        shortest=shortest,
        longest=longest,
        n_ids=options.ids,
        seed=options.seed,
        batch=options.batch,
        packing=options.packing,
    )
    with counting("sequences", options.size + options.test_size * len(options.test_lengths)) as watch:
        made = export(
            config,
            options.output,
            size=options.size,
            test_lengths=options.test_lengths,
            test_size=options.test_size,
            formats=[options.format] if options.format else FORMATS,
            watch=watch,
        )
    for split, held in made["splits"].items():
        files = [name for kind in FORMATS for name in held.get(kind, ())]
        shown = f"{files[0]}, ..., {files[-1]}" if len(files) > 3 else ", ".join(files)
        say(f"{split}: {number_of(held['sequences'], 'sequence')} in {shown}")
    say(f"{options.output}/metadata.json says what they are.")
    return 0
