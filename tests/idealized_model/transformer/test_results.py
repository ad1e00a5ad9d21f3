"""Files of rows: whole after a kill, refused when they are something else."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import LATER, Results, Row, read_rows
from theory import InvalidArgument


def row(digest: str, code: str = "1") -> Row:
    return {"schema": 1, "digest": digest, "code": code}


def test_rows_are_appended_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for digest in ("a", "b"):
        with Results(path) as results:
            results.append(row(digest))
            assert json.loads(path.read_text().splitlines()[-1]) == row(digest), "on the disk at once"
    with Results(path) as results:
        assert results.keys == {("a", "1"), ("b", "1")}
        assert results.rows == [row("a"), row("b")] == read_rows(path)


def test_rows_from_before_a_parameter_came_say_what_they_were_made_with(tmp_path: Path) -> None:
    path, older = tmp_path / "results.jsonl", {**row("a"), "config": {"task": "copy", "window": 3}}
    with Results(path) as results:
        results.append(older)
        results.append({**row("b"), "config": {}, "test_offsets": "random"})
    before = path.read_bytes()
    with Results(path) as results:
        assert results.rows == read_rows(path)
    first, second = read_rows(path)
    assert first["config"] == {**LATER, "task": "copy", "window": 3}
    assert (first["test_offsets"], second["test_offsets"]) == ("fixed", "random")
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [1, 5, 20, 40])
def test_a_row_that_a_kill_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "results.jsonl"
    with Results(path) as results:
        results.append(row("a"))
        results.append(row("b"))
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    with pytest.warns(UserWarning, match=r"results\.jsonl: the last row was cut off; its run is done again"):
        results = Results(path)
    with results:
        assert results.rows == [row("a")]
        results.append(row("b"))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"some notes\n", "line 1 is no row of schema 1"),
        (b"some notes without an end", "it holds something else"),
        (b"\x00\xff", "it holds something else"),
        (b"[1, 2]\n", "line 1 is no row"),
        (b'{"schema": 1, "digest": "a", "code": "1"}\n{"schema": 2, "digest": "a", "code": "1"}\n', "line 2 is no row"),
        (b'{"schema": 1, "digest": "a", "code": 1}\n', "line 1 is no row"),
        (b'{"schema": 1, "digest"\n', "line 1 is no row"),
        ('{"schema": 1}\n'.encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        ('{"schema": 1}\n'.encode("utf-16-le"), "UTF-16 text, or no text at all"),
    ],
)
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=rf"results: argument file: got .*notes\.txt': {message}"):
        Results(path)
    assert path.read_bytes() == content
    with pytest.raises(InvalidArgument, match=r"is no row of schema 1|UTF-16|not UTF-8"):
        read_rows(path)


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("rest", [b"", b'{"schema": 1, "dig'])
def test_a_byte_order_mark_is_no_row(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(MARK + json.dumps(row("a")).encode() + b"\r\n" + rest)
    if rest:
        with pytest.raises(InvalidArgument, match="line 2 is cut off"):
            read_rows(path)
    with pytest.warns(UserWarning, match="was cut off") if rest else nullcontext(), Results(path) as results:
        results.append(row("b"))
    assert read_rows(path) == results.rows == [row("a"), row("b")]


def test_a_first_row_that_is_cut_off_after_the_mark_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(MARK + b'{"schema": 1, "dig')
    with pytest.warns(UserWarning, match="was cut off"), Results(path) as results:
        assert results.rows == []


def test_places_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "Is a directory"), (tmp_path / "no" / "such", "No such file or directory")):
        with pytest.raises(InvalidArgument, match=f"': {message};"):
            Results(path)
        with pytest.raises(InvalidArgument, match=f"': {message};"):
            read_rows(path)


def test_a_reason_without_a_number_is_said_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: Any, **options: Any) -> None:
        raise OSError("the tape has come off")

    for name in ("open", "read_bytes"):
        monkeypatch.setattr(Path, name, gone)
    for opens in (Results, read_rows):
        with pytest.raises(InvalidArgument, match="': the tape has come off;"):
            opens(tmp_path / "results.jsonl")


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with Results(tmp_path / "results.jsonl"), pytest.raises(InvalidArgument, match="another process is writing it"):
        Results(tmp_path / "results.jsonl")
    with Results(tmp_path / "results.jsonl") as results:
        assert results.rows == []


def test_a_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with Results(tmp_path / "results.jsonl") as results:
        results.append(row("a"))
    assert read_rows(tmp_path / "results.jsonl") == [row("a")]


class Full:
    """A disk that takes some more bytes, and then none."""

    def __init__(self, file: Any, room: int, error: BaseException) -> None:
        self.file, self.room, self.error = file, room, error

    def write(self, data: bytes) -> int:
        if not self.room:
            raise self.error
        written: int = self.file.write(data[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 20])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_a_row_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, room: int, error: BaseException) -> None:
    path = tmp_path / "results.jsonl"
    with Results(path) as results:
        results.append(row("a"))
        before = path.read_bytes()
        results._file = Full(results._file, room, error)  # type: ignore[assignment]
        with pytest.raises((InvalidArgument, KeyboardInterrupt), match=r"No space left on device|^$"):
            results.append(row("b"))
        assert path.read_bytes() == before
        results._file.room = 10**6
        results.append(row("b"))
    assert read_rows(path) == [row("a"), row("b")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has this device")
def test_a_full_device() -> None:
    results = Results.__new__(Results)
    results.path, results.rows, results.keys = Path("/dev/full"), [], set()
    with Path("/dev/full").open("ab", buffering=0) as file:
        results._file = file
        with pytest.raises(InvalidArgument, match="No space left on device"):
            results.append(row("a"))
    assert results.rows == []


def test_what_cannot_be_read_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"No such file or directory; expected rows of training runs\. Check the path;"
    ):
        read_rows(tmp_path / "none.jsonl")
