"""What a command prints, and the files that it writes or leaves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from proofs_check.problem_files import write_text
from proofs_check.spelling import spelled
from theory.errors import InvalidArgument

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """Print, with what the encoding lacks in words: κ on a terminal without Greek is "kappa"."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(spelled(text, encoding), flush=True)


def say_with(show: Callable[[Console], object]) -> None:
    """Print what is shown on a console; rich itself would end the program when the reader of a pipe went away."""
    from proofs_check.terminal import console as standard_output

    console = standard_output()
    with console.capture() as text:
        show(console)
    say(text.get().removesuffix("\n"))


def say_or_write(text: str, path: str | None, command: str) -> None:
    """Write a page to the file of --output, or print it."""
    if path:
        write_text(path, text, f"{command} --output")
    else:
        say(text.removesuffix("\n"))


def tell(text: str) -> None:
    """Print a line of progress on standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def every_digit() -> Iterator[None]:
    """Print exact numbers whatever their length; numbers that are read keep to Python's limit."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


def require_writable(path: str | None, command: str, option: str = "--json") -> None:
    """Refuse a file that was asked for before the work, not after it."""
    if not path:
        return
    file = Path(path)
    if file.is_dir() or not file.parent.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InvalidArgument(
            command,
            option,
            got=repr(path),
            expected="a file that can be written, in an existing folder",
            fix="Choose another path.",
        )


@contextmanager
def every_one() -> Iterator[Callable[..., bool]]:
    """What calls a function, and says whether it was done; the first error is raised when all were called."""
    errors: list[Exception] = []

    def done(work: Callable[..., object], *arguments: object) -> bool:
        try:
            work(*arguments)
        except Exception as error:
            errors.append(error)
            return False
        return True

    yield done
    if errors:
        raise errors[0]


@contextmanager
def no_litter() -> Iterator[None]:
    """Hypothesis keeps files in a folder .hypothesis of the current one; here they go where nobody sees them."""
    name = "HYPOTHESIS_STORAGE_DIRECTORY"
    if name in os.environ or "hypothesis" in sys.modules:
        yield
        return
    with TemporaryDirectory(prefix="lengthgen-", ignore_cleanup_errors=True) as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            del os.environ[name]
