"""Results: rows of data, one JSON object a line, that a kill at any moment leaves whole."""

from __future__ import annotations

import codecs
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from idealized_model.text import decode
from theory.errors import InvalidArgument, unwritable

SCHEMA = 1
"""Of rows; docs/training.md says what they hold."""

Row: TypeAlias = dict[str, Any]

LATER: dict[str, Any] = {
    "encoding": "scheme",
    "window": "none",
    "packing": 0.0,
    "mlp": True,
    "norm": True,
    "tied": False,
}
"""Parameters of configurations that came after the first rows, with what those were made with."""

CHANGED = "Undo the change of its source, or choose another folder or file: runs of two tasks are not mixed."
"""What to do where there are runs of a task of one's own, and its source is no longer that of the runs."""


class Results:
    """A file of rows to append to, by one process at a time; what was appended survives a kill.

    A last line that a kill cut off is dropped when the file is opened, with a warning. Nothing else is ever changed.

    Attributes
    ----------
    rows : of the file.
    keys : (digest, code version) of each.

    Raises
    ------
    InvalidArgument : for a file that holds something else, cannot be written, or is being written by another process.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with Results(f"{folder}/results.jsonl") as results:
    ...         results.append({"schema": 1, "digest": "0a1b", "code": "1"})
    ...     read_rows(f"{folder}/results.jsonl")
    [{'schema': 1, 'digest': '0a1b', 'code': '1'}]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise _unusable(self.path, error.strerror or str(error)) from None
        try:
            self._lock()
            self.rows = self._read()
        except BaseException:
            self._file.close()
            raise
        self.keys = {(row["digest"], row["code"]) for row in self.rows}

    def append(self, row: Row) -> None:
        """Write a row: it is on the disk when this returns, and a row that could not be written leaves nothing behind.

        Raises
        ------
        InvalidArgument : when it cannot be written, for instance on a full disk.
        """
        line = json.dumps(row, allow_nan=False).encode() + b"\n"
        size = os.fstat(self._file.fileno()).st_size
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except BaseException as error:
            with suppress(OSError):
                self._file.truncate(size)
            if isinstance(error, OSError):
                raise _unusable(self.path, error.strerror or str(error), unwritable(error)) from None
            raise
        self.rows.append(row)
        self.keys.add((row["digest"], row["code"]))

    def __enter__(self) -> Results:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # a system without such locks
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _unusable(self.path, "another process is writing it") from None

    def _read(self) -> list[Row]:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        rows, rest = list(_parsed(content[:whole], self.path)), content[whole:]
        if rest:
            start = b'{"schema": '
            begun = rest.removeprefix(codecs.BOM_UTF8)
            if begun[: len(start)] != start[: len(begun)]:
                raise _unusable(self.path, "it holds something else")
            self._file.truncate(whole)
            warnings.warn(f"{self.path}: the last row was cut off; its run is done again", stacklevel=3)
        return rows


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a file.

    Raises
    ------
    InvalidArgument : for a file that cannot be read, or holds something else.
    """
    try:
        return list(_parsed(Path(path).read_bytes(), path))
    except OSError as error:
        got, fix = (
            f"{str(path)!r}: {error.strerror or error}",
            "Check the path; `lengthgen sweep --results FILE` writes one.",
        )
        raise InvalidArgument("results", "file", got=got, expected="rows of training runs", fix=fix) from None


def require_source(rows: Iterable[Row], source: Mapping[str, str], where: str) -> None:
    """Refuse rows of a task of one's own whose source has changed since.

    Parameters
    ----------
    source : {name: digest of its source} as it is now, of the tasks that matter.

    Raises
    ------
    InvalidArgument : naming the task.
    """
    for row in rows:
        for name, digest in row.get("source", {}).items():
            if source.get(name, digest) != digest:
                got = f"rows of {name!r} from before its source was changed"
                raise InvalidArgument(where, "results", got=got, expected="rows of the task as it is", fix=CHANGED)


def _parsed(content: bytes, path: str | os.PathLike[str]) -> Iterator[Row]:
    try:
        *lines, last = decode(content).split("\n")
    except UnicodeError as error:
        raise _unusable(path, str(error)) from None
    for number, line in enumerate([*lines, last] if last else lines, start=1):
        try:
            row = json.loads(line)
            if "config" in row:
                row["config"] |= {name: value for name, value in LATER.items() if name not in row["config"]}
                row.setdefault("test_offsets", "fixed")
            if row["schema"] != SCHEMA or not isinstance(row["digest"], str) or not isinstance(row["code"], str):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            what = "cut off" if number > len(lines) and line.startswith("{") else f"no row of schema {SCHEMA}"
            raise _unusable(path, f"line {number} is {what}") from None
        yield row


def _unusable(
    path: str | os.PathLike[str], what: str, kind: type[InvalidArgument] = InvalidArgument
) -> InvalidArgument:
    return kind(
        "results",
        "file",
        got=f"{str(path)!r}: {what}",
        expected="rows of training runs, in a file that can be written",
        fix="Choose another file, or free some space; the rows that it holds are kept.",
    )
