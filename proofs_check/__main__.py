"""`python -m proofs_check` and the command lengthgen: the command line, or a diagnosis where it cannot be imported."""

import sys

from proofs_check import program


def main() -> int:
    """Run the command line as the program of this process; returns the exit status."""
    return program.run(_command)


def _command() -> int:
    """The command line; where a package that it needs is missing, say which ones are, and how to install them."""
    try:
        from proofs_check.cli import main as run
    except ModuleNotFoundError as error:
        from proofs_check import doctor

        print(f"lengthgen: {error}", file=sys.stderr)
        status = doctor.main()
        return status if sys.argv[1:2] == ["doctor"] else program.FAILED
    program.end_with_caller()
    return run()


if __name__ == "__main__":
    sys.exit(main())
