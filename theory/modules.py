"""Modules of one's own: imported by their names, and what goes wrong in them said with the lines that it comes from."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from lengthgen_entry import HOME, PACKAGES
from theory.errors import InvalidArgument, did_you_mean, of_the_machine

_FILE = re.compile(r"[/\\]|\.pyw?(:|$)")
"""What tells the path of a file from the names of a module and of an object."""

_INSTALLED = tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
_OURS = tuple(HOME / package for package in PACKAGES)


class Asked(NamedTuple):
    """Who asks, for which argument, what is expected, and what an object of a module is called there: for messages."""

    where: str
    argument: str
    form: str
    object: str

    def refused(self, got: str, fix: str, expected: str | None = None) -> InvalidArgument:
        """A message."""
        return InvalidArgument(self.where, self.argument, got=got, expected=expected or self.form, fix=fix)


def is_file(spec: str) -> bool:
    """Whether this is the path of a file, and no name."""
    return _FILE.search(spec) is not None


def is_dotted(name: str) -> bool:
    """Whether this is a name, or names with dots between them."""
    return all(map(str.isidentifier, name.split(".")))


def as_module(path: str, example: str, suffix: str = "") -> str:
    """What to write for the path of a file, and from which folder.

    Examples
    --------
    >>> as_module("lib/mytasks.py", "MyTask"), as_module("/home/me/mytasks.py:Max", "MyTask")
    ('Write lib.mytasks:MyTask, and run from this folder.', 'Write mytasks:Max, and run from the folder /home/me/.')
    """
    named = re.fullmatch(r"(.*[/\\])?([^/\\:]*)(?::+(.*))?", path)
    folder, file, name = named.groups("") if named else ("", path, "")
    module, steps = (
        re.sub(r"\.pyw?$", "", file),
        [step for step in re.split(r"[/\\]+", folder) if step not in ("", ".")],
    )
    if not module.isidentifier():
        return f"Name a module and an object in it, such as mymodule:{example}; {file or path!r} cannot be imported."
    below = not folder.startswith(("/", "\\")) and all(map(str.isidentifier, steps))
    written = f"{'.'.join([*steps, module]) if below else module}:{name if is_dotted(name) else example}{suffix}"
    quoted = f'"{written}"' if suffix else written
    return f"Write {quoted}, and run from {'this folder' if below else f'the folder {folder}'}."


def look_first(folder: str | os.PathLike[str] | None) -> list[str]:
    """Put a folder (None: the current one) first on `sys.path`, unless it is there; returns it, if there is one."""
    try:
        path = os.getcwd() if folder is None else os.fspath(folder)
    except FileNotFoundError:  # the current folder was deleted
        return []
    if path not in sys.path:
        sys.path.insert(0, path)
        importlib.invalidate_caches()
    return [path]


def imported(name: str, spec: str, asked: Asked, folders: list[str], known: Sequence[str] = ()) -> ModuleType:
    """A module, for a spec that names it; `known` is what else may have been meant.

    Raises
    ------
    InvalidArgument : for no such module, with one like it in the folders, and for an error inside it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failing(name, error, asked) from error
        there = [module.name for module in pkgutil.iter_modules(folders)] if "." not in name else []
        fix = did_you_mean(name, [*known, *there], "Run from the folder that holds it, or install its package.")
        raise asked.refused(f"{spec!r}, but there is no module {error.name}", fix) from None
    except (Exception, SystemExit) as error:
        raise _failing(name, error, asked) from error


def _failing(name: str, error: BaseException, asked: Asked) -> BaseException:
    what, expected = f"the module {name}, whose import", "a module that can be imported"
    return fault(error, asked, what, f"Try: python -c 'import {name}'.", expected)


def member(
    module: ModuleType,
    path: str,
    spec: str,
    asked: Asked,
    instead: Callable[[object, str], str],
    fix: str,
    expected: str,
) -> object:
    """What a module has by a name, or by names with dots between them, for a spec that names it.

    Parameters
    ----------
    instead : says, of an object and a name that it lacks, what to write.
    fix, expected : for a name that raises when it is looked up.

    Raises
    ------
    InvalidArgument
    """
    found: object = module
    at = spec.partition(":")[0]
    for separator, part in zip(":" + "." * len(path), path.split("."), strict=False):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise asked.refused(f"{spec!r}, but {at} has no {part}", instead(found, part)) from None
        except Exception as error:
            raise fault(error, asked, f"{spec!r}, which", fix, expected) from error
        at += separator + part
    return found


def fault(error: BaseException, asked: Asked, what: str, fix: str, expected: str | None = None) -> BaseException:
    """What to raise for an error in the code of a user: the error itself where it says nothing of that code."""
    if of_the_machine(error):
        return error
    return asked.refused(f"{what} raises {type(error).__name__}: {error}", fix + lines(error), expected)


def is_users(file: str) -> bool:
    """Whether a file is neither ours, nor Python's, nor of an installed package."""
    if not file or file.startswith("<"):
        return False
    path = Path(file).resolve()
    return not any(path.is_relative_to(folder) for folder in (*_INSTALLED, *_OURS))


def users_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Where in files of the user an error comes from, the innermost last."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_users(frame.filename)]


def lines(error: BaseException) -> str:
    """The last lines of the user that an error comes from, as in a traceback; nothing where it comes from none."""
    text = "".join(traceback.format_list(users_frames(error)[-3:]))
    if isinstance(error, SyntaxError):  # in no frame: the line is not run
        text += "".join(traceback.format_exception_only(error)[:-1])
    return f"\n{text.rstrip()}" if text else ""
