"""`python -m proofs_check` and the command lengthgen: the command line, or a diagnosis where it cannot be imported."""

import sys

from lengthgen_entry import BAD_USAGE, CORE, misplaced


def main() -> int:
    """Run the command line; where it cannot be imported, say what is missing or in its place, and how to mend that."""
    if problems := misplaced(*CORE):
        if sys.argv[1:2] != ["doctor"]:
            print(f"lengthgen: {problems[0]}", file=sys.stderr)
            return BAD_USAGE
        from proofs_check.doctor import main as run
    else:
        try:
            from proofs_check.cli import main as run
        except ImportError as error:
            from proofs_check.doctor import main as run

            print(f"lengthgen: {error}", file=sys.stderr)
    return run()


if __name__ == "__main__":
    sys.exit(main())
