"""`python -m proofs_check` and the command lengthgen: the command line, or a diagnosis where it cannot be imported."""

import sys

from lengthgen_entry import CORE, misplaced
from proofs_check import program


def main() -> int:
    """Run the command line as the program of this process; returns the exit status."""
    return program.run(_command)


def _command() -> int:
    """The command line; where it cannot be imported, say what is missing or in its place, and how to mend that."""
    asked = sys.argv[1:2] == ["doctor"]
    if problems := misplaced(*CORE):
        if asked:
            from proofs_check import doctor

            return doctor.main()
        print(f"lengthgen: {problems[0]}", file=sys.stderr)
        return program.BAD_USAGE
    try:
        from proofs_check.cli import main as run
    except ImportError as error:
        from proofs_check import doctor

        print(f"lengthgen: {error}", file=sys.stderr)
        status = doctor.main()
        return status if asked else program.FAILED
    program.end_with_caller()
    return run()


if __name__ == "__main__":
    sys.exit(main())
