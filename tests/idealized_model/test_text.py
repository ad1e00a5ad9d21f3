"""What is read of other people's files, and what is said of those that are not UTF-8."""

from __future__ import annotations

from pathlib import Path

import pytest

from idealized_model.text import decode, read_text

TEXT = "κ = 1\nλ = 2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_and_line_ends_make_no_difference(encoding: str, end: str, tmp_path: Path) -> None:
    content = TEXT.replace("\n", end).encode(encoding)
    assert decode(content) == TEXT
    (tmp_path / "a").write_bytes(content)
    assert read_text(str(tmp_path / "a")) == read_text(tmp_path / "a") == TEXT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16 text; save it as UTF-8"),
        (TEXT.encode("utf-32"), "UTF-32 text; save it as UTF-8"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "UTF-32 text; save it as UTF-8"),
        ("k = 1\n".encode("utf-16-le"), "UTF-16 text, or no text at all (it holds NUL bytes); save it as UTF-8"),
        (
            b"a" + "λ".encode()[:1],
            "cut off in the middle of a character, or not UTF-8 text (byte 0xce at offset 1)",
        ),
        (
            "caf\u00e9".encode("latin-1"),
            "cut off in the middle of a character, or not UTF-8 text (byte 0xe9 at offset 3)",
        ),
        (b"a\xe9b", "not UTF-8 text (byte 0xe9 at offset 1); save it as UTF-8"),
        (b"\xef\xbb\xbfa\xe9b", "not UTF-8 text (byte 0xe9 at offset 4); save it as UTF-8"),
        (b"\xff", "not UTF-8 text (byte 0xff at offset 0); save it as UTF-8"),
    ],
)
def test_what_is_no_utf_8_is_named(content: bytes, message: str) -> None:
    with pytest.raises(UnicodeError) as refused:
        decode(content)
    assert str(refused.value) == message


def test_only_the_first_mark_goes() -> None:
    assert decode(b"\xef\xbb\xbf\xef\xbb\xbfa") == "\ufeffa"
    assert decode(b"") == ""
