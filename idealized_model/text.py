"""Files: text of other people, UTF-8 with or without a byte order mark and any line ends; and what replaces a file."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""The longer ones first: UTF-16's is how UTF-32's begins."""


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a file.

    Raises
    ------
    OSError : when it cannot be read.
    UnicodeError : when it is no UTF-8 text; the message says what it is.
    """
    return decode(Path(path).read_bytes())


def decode(content: bytes) -> str:
    r"""The text that these bytes are, without the mark that editors on Windows put first, and with "\n" at line ends.

    Raises
    ------
    UnicodeError : for other encodings, what is cut off in the middle of a character, and what is no text.

    Examples
    --------
    >>> decode(b"\xef\xbb\xbfheads\r\n")
    'heads\n'
    """
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise UnicodeError(f"{name} text; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = len(content) - len(error.object) + error.start  # the object has no mark
        wrong = f"byte 0x{content[offset]:02x} at offset {offset}"
        if error.reason == "unexpected end of data":
            raise UnicodeError(f"cut off in the middle of a character, or not UTF-8 text ({wrong})") from None
        raise UnicodeError(f"not UTF-8 text ({wrong}); save it as UTF-8") from None
    if "\0" in text:
        raise UnicodeError("UTF-16 text, or no text at all (it holds NUL bytes); save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A file to write beside another one, whose place it takes when all went well, and else leaves as it was.

    A reader sees the old file or the whole new one; a link stays a link.
    """
    file = Path(os.path.realpath(path))
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
