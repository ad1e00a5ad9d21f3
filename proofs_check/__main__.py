"""`python -m proofs_check` and the command lengthgen: the command line, or a diagnosis where it cannot be imported."""

import sys


def main() -> int:
    """Run the command line; where a package that it needs is missing, say which ones are, and how to install them."""
    try:
        from proofs_check.cli import main as run
    except ModuleNotFoundError as error:
        from proofs_check import doctor

        print(f"lengthgen: {error}", file=sys.stderr)
        return doctor.main()
    return run()


if __name__ == "__main__":
    sys.exit(main())
