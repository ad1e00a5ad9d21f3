"""`python -m figures`: the command line, unless a package of another project hides one of ours."""

import sys

from lengthgen_entry import BAD_USAGE, PACKAGES, misplaced


def main() -> int:
    """Run the command line; returns the exit status."""
    if problems := misplaced(*PACKAGES):
        print(f"figures: {problems[0]}", file=sys.stderr)
        return BAD_USAGE
    try:
        from figures.cli import main as run
    except ImportError as error:
        print(f"figures: {error}. Ask lengthgen doctor.", file=sys.stderr)
        return BAD_USAGE
    return run()


if __name__ == "__main__":
    sys.exit(main())
