"""Find a task by its name in the registry, or as module:object."""

from __future__ import annotations

import importlib
import os
import re
import sys
from difflib import get_close_matches
from types import ModuleType

from theory.errors import InvalidArgument, of_the_machine, shown
from theory.tasks import TASKS
from theory.tasks.base import Task

FORM = "the name of a known task, or module:object"


def load_task(spec: str, folder: str | os.PathLike[str] | None = None) -> Task:
    """The task that a user means.

    Parameters
    ----------
    spec : a name in `theory.tasks.TASKS`, or module:object, where the object is a task, or a class or function that
        makes one without arguments.
    folder : where modules are looked for first; it stays on `sys.path`.

    Raises
    ------
    InvalidArgument : for no such name, module or object, an error inside the module, and what is no task.

    Examples
    --------
    >>> load_task("copy").name, load_task("theory.tasks:Reverse").name
    ('copy', 'reverse')
    """
    if spec in TASKS:
        return TASKS[spec]
    if _FILE.search(spec):
        raise _refused(repr(spec), FORM, _as_module(spec))
    module_name, colon, path = spec.partition(":")
    if not colon or not all(map(str.isidentifier, [*module_name.split("."), *path.split(".")])):
        raise _refused(repr(spec), FORM, _advice(spec))
    if folder is not None and os.fspath(folder) not in sys.path:
        sys.path.insert(0, os.fspath(folder))
        importlib.invalidate_caches()
    found: object = _module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            there = (
                [known for known, value in vars(found).items() if _is_of(value, module_name)] if name == path else []
            )
            fix = f"It has {', '.join(there)}." if there else "Check the spelling."
            raise _refused(f"{spec!r}, but {spec.removesuffix(name)[:-1]} has no {name}", FORM, fix)
        found = getattr(found, name)
    return _made(spec, found)


def _advice(spec: str) -> str:
    """What was meant by what is neither a known name nor module:object: a name like it, or a module."""
    near = [name for name in TASKS if len(spec) > 2 and spec in name] or get_close_matches(spec, TASKS, cutoff=0.7)
    known = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known tasks: {'; '.join(TASKS)}."
    module = spec.strip(":")
    named = all(map(str.isidentifier, module.split(".")))
    return f"{known} A task of your own is named in its module, such as {module if named else 'mymodule'}:MyTask."


_FILE = re.compile(r"[/\\]|\.pyw?(:|$)")
"""What tells the path of a file from the names of a module and of an object."""


def _as_module(path: str) -> str:
    """What to write for the path of a file, and from which folder."""
    named = re.fullmatch(r"(.*[/\\])?([^/\\:]*)(?::+(.*))?", path)
    folder, file, name = named.groups("") if named else ("", path, "")
    module, steps = (
        re.sub(r"\.pyw?$", "", file),
        [step for step in re.split(r"[/\\]+", folder) if step not in ("", ".")],
    )
    if not module.isidentifier():
        return f"Name a module and an object in it, such as mymodule:MyTask; {file or path!r} cannot be imported."
    task = name if all(map(str.isidentifier, name.split("."))) else "MyTask"
    if not folder.startswith(("/", "\\")) and all(map(str.isidentifier, steps)):
        return f"Write {'.'.join([*steps, module])}:{task}, and run from this folder."
    return f"Write {module}:{task}, and run from the folder {folder}."


def _is_of(value: object, module_name: str) -> bool:
    """Whether a value is a task, or a class of tasks that the module defines."""
    if isinstance(value, type):
        return issubclass(value, Task) and value.__module__ == module_name
    return isinstance(value, Task)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failing(name, error) from error
        fix = "Run from the folder that holds it, or install its package."
        raise _refused(f"{name!r}, but there is no module {error.name}", FORM, fix) from None
    except (Exception, SystemExit) as error:
        if of_the_machine(error):
            raise
        raise _failing(name, error) from error


def _failing(name: str, error: BaseException) -> InvalidArgument:
    got = f"the module {name}, whose import raises {type(error).__name__}: {error}"
    return _refused(got, "a module that can be imported", f"Try: python -c 'import {name}'.")


def _made(spec: str, found: object) -> Task:
    if callable(found) and not isinstance(found, Task):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            if of_the_machine(error):
                raise
            raise _refused(
                f"{spec!r}, which raises {type(error).__name__}: {error}",
                "a task, or what makes one when it is called without arguments",
                "Write a function that returns the task with its parameters.",
            ) from error
    if not isinstance(found, Task):
        got = f"{spec!r}, which is the {type(found).__name__} {shown(found)}"
        raise _refused(got, "a Task", "Derive its class from theory.tasks.Task.")
    return found


def _refused(got: str, expected: str, fix: str) -> InvalidArgument:
    return InvalidArgument("load_task", "spec", got, expected, fix)
