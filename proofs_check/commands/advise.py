"""`lengthgen advise`: what a source depends on, which IDs it needs, and what to do so that it length-generalizes."""

from __future__ import annotations

import shlex
from argparse import Namespace
from keyword import iskeyword
from pathlib import Path

from proofs_check.advice.advising import advise
from proofs_check.advice.outcome import print_advice
from proofs_check.advice.page import page
from proofs_check.advice.reading import alphabet_of, as_asked, named
from proofs_check.advice.writing import class_name
from proofs_check.commands.output import no_litter, require_writable, say_with
from proofs_check.commands.parser import Parser, lengths, natural, number
from proofs_check.problem_files import write_json, write_text
from theory.errors import check

SOURCE = (
    "module:function (a prompt to its output; or a length and a generator to both), a .jsonl file, or a task's name"
)


def add_options(parser: Parser) -> None:
    """The source, what is known of it, and where the advice goes."""
    parser.description = (
        "Say what each predicted token depends on, which position IDs bring that together, which schemes then "
        "length-generalize, and what to do, with evidence. See docs/advise.md."
    )
    parser.epilog = "example: lengthgen advise mymodule:solve --alphabet 0,1 --write mytask.py"
    parser.add_argument("source", metavar="SOURCE", help=SOURCE)
    parser.add_argument(
        "--alphabet", metavar="T,T,...", help="the tokens of prompts, where every word over them is one"
    )
    parser.add_argument("--tokenize", choices=("chars", "words"), help="what the strings of a file are made of")
    parser.add_argument("--lengths", type=lengths, metavar="A..B", help="lengths to learn from (default: from 1 on)")
    parser.add_argument("--ids", metavar="MODULE:FUNCTION", help="IDs to be judged too, from a prompt and its output")
    parser.add_argument("--noise", action="store_true", help="of examples: the least loss, and which ones are to blame")
    parser.add_argument(
        "--seconds", type=number, default=60.0, metavar="N", help="about so long it may take (default 60)"
    )
    parser.add_argument("--seed", type=natural, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--json", metavar="FILE", help="write the advice")
    parser.add_argument("--html", metavar="FILE", help="write it as a page, with the dependency graph")
    parser.add_argument("--write", metavar="FILE.py", help="write a module with a task that has the sets, rule and IDs")


def run(options: Namespace) -> int:
    """Ask, print what was found, and write it."""
    for name in ("json", "html", "write"):
        require_writable(getattr(options, name), "advise", f"--{name}")
    command = _command(options)
    if options.write:
        _check_module(Path(options.write))
    with no_litter():
        source = named(options.source, options.tokenize)
        alphabet = None if options.alphabet is None else as_asked(source, alphabet_of(options.alphabet))
        advice = advise(
            source,
            alphabet=alphabet,
            name=options.source,
            ids=None if options.ids is None else named(options.ids),  # type: ignore[arg-type]
            lengths=options.lengths,
            noise=options.noise,
            seconds=options.seconds,
            seed=options.seed,
            command=command,
            written=_written(options),
        )
    say_with(lambda console: print_advice(advice, console))
    if options.json:
        write_json(options.json, advice.to_dict(), "advise --json")
    if options.html:
        write_text(options.html, page(advice), "advise --html")
    if options.write:
        write_text(options.write, advice.module(command), "advise --write")
    return 0


def _check_module(path: Path) -> None:
    """Refuse a name under which nothing is imported, and a file that is there: it may have been changed by hand."""
    argument, got = "--write", f"{str(path)!r}"
    named = path.suffix == ".py" and path.stem.isidentifier() and not iskeyword(path.stem)
    fix = "Choose a name of letters, digits and underscores."
    check(named, "advise", argument, got=got, expected="the name of a module, such as mytask.py", fix=fix)
    got, fix = f"{got}, which is there", "Choose another name, or remove it first."
    check(not path.exists(), "advise", argument, got=got, expected="a file that is not there yet", fix=fix)


def _written(options: Namespace) -> str:
    """The name of the task that is written, where a command finds it in this folder."""
    path = Path(options.write or "")
    return f"{path.stem}:{class_name(options.source)}" if path.name == str(path) else ""


def _command(options: Namespace) -> str:
    """The command that asks the same."""
    words = ["lengthgen", "advise", options.source]
    for name in ("alphabet", "tokenize", "ids"):
        if getattr(options, name) is not None:
            words += [f"--{name}", getattr(options, name)]
    if options.lengths is not None:
        words += ["--lengths", ",".join(map(str, options.lengths))]
    words += ["--noise"] * options.noise
    words += ["--seed", str(options.seed)] * bool(options.seed)
    return shlex.join(words)
