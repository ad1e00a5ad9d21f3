"""`python -m figures`: the command line, unless a package of another project hides one of ours."""

import sys

from lengthgen_entry import BAD_USAGE, PACKAGES, misplaced


def main() -> int:
    """Run the command line as the program of this process; returns the exit status."""
    if problems := misplaced(*PACKAGES):
        print(f"figures: {problems[0]}", file=sys.stderr)
        return BAD_USAGE
    from proofs_check.commands import program

    return program.run(_command, name="figures")


def _command() -> int:
    from figures.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
