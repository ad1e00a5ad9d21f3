"""`python -m proofs_check` and the command lengthgen: the command line, or a diagnosis where it cannot be imported.

A program stands above all packages: this module sees `figures`, and no module of a package imports this one.
"""

import sys
from collections.abc import Sequence

from lengthgen_entry import CORE, misplaced
from proofs_check.commands import program


def main() -> int:
    """Run the command line as the program of this process; returns the exit status."""
    if problems := misplaced(*CORE):
        if _asks_the_doctor():
            return program.run(_doctor)
        print(f"lengthgen: {problems[0]}", file=sys.stderr)
        return program.BAD_USAGE
    return program.run(_command)


def _command() -> int:
    """The command line; where a package that it needs is missing, say which ones are, and how to install them."""
    try:
        from proofs_check.commands.main import main as run
    except ModuleNotFoundError as error:
        from proofs_check.commands import doctor

        print(f"lengthgen: {error}", file=sys.stderr)
        status = doctor.main()
        return status if _asks_the_doctor() else program.FAILED
    program.end_with_caller()
    return run(figures=figures)


def figures(arguments: Sequence[str]) -> int:
    """`lengthgen figures`, unless a package of another project hides ours."""
    if problems := misplaced("figures"):
        print(f"lengthgen: {problems[0]}", file=sys.stderr)
        return program.BAD_USAGE
    from figures.cli import main as draw

    return draw(arguments)


def _doctor() -> int:
    from proofs_check.commands import doctor

    return doctor.main()


def _asks_the_doctor() -> bool:
    return sys.argv[1:2] == ["doctor"]


if __name__ == "__main__":
    sys.exit(main())
