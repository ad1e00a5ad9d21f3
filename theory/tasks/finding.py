"""Find a task by its name, which is written in one way everywhere: in every command, grid, configuration and row.

>>> find_task("sum modulo 5").name, find_task("theory.tasks:Reverse, query-coupled").name
('sum modulo 5', 'reverse, query-coupled')
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from lengthgen_entry import PACKAGES
from theory.errors import InvalidArgument, did_you_mean, shown
from theory.modules import Asked, as_module, fault, imported, is_dotted, is_file, is_users, look_first, member
from theory.positions import blocks
from theory.support import local, paired
from theory.tasks.addition import Addition
from theory.tasks.assignment import VariableAssignment
from theory.tasks.base import Task
from theory.tasks.brackets import ModularArithmetic
from theory.tasks.copy import Copy, Reverse
from theory.tasks.dense import CountOnes, FullParity, Majority, SumModulo
from theory.tasks.even_pairs import EvenPairs
from theory.tasks.long_multiplication import LongMultiplication
from theory.tasks.multi_addition import MultiAddition
from theory.tasks.multiplication import Multiplication
from theory.tasks.parity import ScratchpadParity
from theory.tasks.planted import sparse_parity, sparse_parity_up_to
from theory.tasks.pointers import PointerChasing
from theory.tasks.query_coupled import SUFFIX, QueryCoupled
from theory.tasks.recall import AssociativeRecall, Induction
from theory.tasks.running import CycleNavigation, Dyck, StackManipulation
from theory.tasks.sorting import BucketSort, Sorting

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        sparse_parity(2),
        ScratchpadParity(),
        ScratchpadParity("query"),
        Copy(),
        Reverse(),
        Sorting(),
        Addition(),
        Addition(carry=True),
        Addition(order="plain"),
        Addition(order="plain", carry=True),
        MultiAddition(),
        Multiplication(),
        Multiplication(carried=False),
        PointerChasing(),
        EvenPairs(),
        CycleNavigation(),
        StackManipulation(),
        Dyck(),
        BucketSort(),
        ModularArithmetic(),
        VariableAssignment(),
        AssociativeRecall(),
        Induction(),
        Induction(paired=True),
        FullParity(),
        Majority(),
        SumModulo(),
        CountOnes(),
    )
}
"""Every task by its name, with its usual parameters."""

VARIANTS: dict[str, Task] = {
    "sparse parity, local": replace(sparse_parity(2, local(2)), name="sparse parity, local"),
    "sparse parity, paired": replace(sparse_parity(2, paired(), blocks(2)), name="sparse parity, paired"),
    "long multiplication": LongMultiplication(),
}
"""Tasks beside those: sparse parities whose marked bits lie close together, or half a sequence apart, which have even lengths
alone; and the one task whose IDs are (row, column)."""

FAMILIES: dict[str, tuple[Callable[[int], Task], int]] = {
    "sparse parity, k = N": (sparse_parity, 16),
    "sparse parity, k <= N": (sparse_parity_up_to, 16),
    "addition of N numbers": (MultiAddition, 1000),
    "sum modulo N": (SumModulo, 1000),
}
"""Tasks with a number in their name, by the name with N for it, and the largest number: k bits have 2^k words."""


def find_task(name: str, where: str = "find_task", folder: str | os.PathLike[str] | None = None) -> Task:
    """The task of a name: in `TASKS` or `VARIANTS`, of a family with any number, or module:object for one of one's own.

    The object is a task, or a class or function that makes one without arguments; it makes one once a process. Behind the
    name of a token-coupled task ", query-coupled" moves the ID of each predicted token to its query (`QueryCoupled`).

    Parameters
    ----------
    where : who asks, for the message.
    folder : where modules are looked for first, default: the current folder; it stays on `sys.path`.

    Raises
    ------
    InvalidArgument : for an unknown name, with the closest known one; for no such module or object, for an error inside
        the module or in making the task, with the lines that it comes from; and for what is no task.

    Examples
    --------
    >>> find_task("sparse parity, k = 6").sparsity, find_task("sum modulo 5").name
    (6, 'sum modulo 5')
    >>> find_task("copy, query-coupled").solve((0, 1, 2)).ids
    (0, 1, 0, 1, 2)
    >>> find_task("theory.tasks:Reverse, query-coupled").name
    'reverse, query-coupled'
    """
    base = _base(name, where)
    known = TASKS.get(base) or VARIANTS.get(base) or _of_family(base, where)
    if known is None:
        own = _own(name, where, folder).task
        return own if base == name else QueryCoupled(own)
    return known if base == name else _query_coupled(known)


def sources_of(*names: str) -> dict[str, str]:
    """{name: a digest of its source} of the tasks of one's own among these, as they were when they were made.

    It is that of the file of its module, and of the files in the same folder or package from which that one has names.

    Raises
    ------
    InvalidArgument : as `find_task`.

    Examples
    --------
    >>> sources_of("copy", "theory.tasks:Copy")  # of the toolkit, which has a version
    {}
    """
    digests = {name: _own(name, "sources_of", None).source for name in names if ":" in _base(name, "sources_of")}
    return {name: digest for name, digest in digests.items() if digest}


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────

FORM = "the name of a known task, or module:object"


def _asked(where: str) -> Asked:
    return Asked(where, "task", FORM, "MyTask")


def _base(name: object, where: str) -> str:
    """The name without what wraps the task."""
    if not isinstance(name, str):
        fix = "For instance 'copy', or 'mymodule:MyTask' for a task of your own."
        raise InvalidArgument(where, "task", got=shown(name), expected="the name of a task", fix=fix)
    return name if name in TASKS else name.removesuffix(SUFFIX)


# Made once: the ensembles of a planted task and the offsets of a query-coupled one take time to make.
_query_coupled = lru_cache(QueryCoupled)


@lru_cache
def _of_family(name: str, where: str) -> Task | None:
    pattern, number = re.sub(r"[1-9][0-9]*", "N", name), re.search(r"[1-9][0-9]*", name)
    if pattern not in FAMILIES or number is None:
        return None
    family, largest = FAMILIES[pattern]
    if len(number[0]) > 9 or int(number[0]) > largest:
        raise InvalidArgument(
            where,
            "task",
            got=shown(name),
            expected=f"{pattern!r} with N at most {largest}",
            fix="Use a smaller number.",
        )
    return family(int(number[0]))


def _advice(name: str) -> str:
    """What was meant by what is neither a known name nor module:object: a name like it, with its number, or a module."""
    number = re.search(r"(?<!\d)[1-9][0-9]{0,8}(?!\d)", name)
    known = [*TASKS, *VARIANTS, *(family.replace("N", number[0]) for family in FAMILIES if number)]
    if "coupl" in name or "query" in name:
        known += [f"{one}{SUFFIX}" for one in known if not one.endswith(SUFFIX) and _takes_suffix(one)]
    module = name.strip(":")
    named = all(map(str.isidentifier, module.split(".")))
    if named:  # one word: either all of a name, or part of it
        known = [one for one in known if " " not in one or module.casefold() in one]
    own = f"A task of your own is named in its module, such as {module if named else 'mymodule'}:MyTask."
    near = did_you_mean(name, known, "")
    return f"{near} {own}" if near and named else near or own


def _takes_suffix(name: str) -> bool:
    with suppress(InvalidArgument):
        find_task(f"{name}{SUFFIX}")
        return True
    return False


# ── Tasks of one's own ───────────────────────────────────────────────────────────────────────────────────────────────


class _Own(NamedTuple):
    """A module, what it holds by a name, the task that this is or makes, and the digest of its source."""

    module: ModuleType
    found: object
    task: Task
    source: str


_OWN: dict[tuple[int, ...], _Own] = {}
"""What was found in this process, by the identities of the module and the object (a method is made anew each time that it is
looked up, what it is of is not); a module that is loaded again has others."""


def _own(name: str, where: str, folder: str | os.PathLike[str] | None) -> _Own:
    spec = _base(name, where)
    module_name, colon, path = spec.partition(":")
    if is_file(spec):
        raise _asked(where).refused(repr(name), as_module(spec, "MyTask", name.removeprefix(spec)))
    if not colon or not is_dotted(module_name) or not is_dotted(path):
        names = "; ".join([*TASKS, *VARIANTS, *FAMILIES])
        raise InvalidArgument(
            where, "task", got=shown(name), expected=f"one of {names}; or module:object", fix=_advice(name)
        )
    module = imported(module_name, spec, _asked(where), look_first(folder))
    found = member(module, path, name, _asked(where), _there, *MADE)
    key = id(module), id(getattr(found, "__self__", None)), id(getattr(found, "__func__", found))
    if key not in _OWN:
        task = _made(name, found, where)
        _OWN[key] = _Own(module, found, task, _digest(module, task))
    return _OWN[key]


def _there(found: object, part: str) -> str:
    """What an object has in place of a part that it lacks: names like it, or the tasks of a module."""
    has = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
    tasks = [name for name in has if isinstance(found, ModuleType) and _is_of(getattr(found, name), found.__name__)]
    return did_you_mean(part, has, f"It has {', '.join(tasks)}." if tasks else "Check the spelling.")


def _is_of(value: object, module_name: str) -> bool:
    """Whether a value is a task, or a class of tasks that the module defines."""
    if isinstance(value, type):
        return issubclass(value, Task) and value.__module__ == module_name
    return isinstance(value, Task)


MADE = (
    "Write a function that returns the task with its parameters.",
    "a task, or what makes one when it is called without arguments",
)
"""What to do where the name of a task raises, or what it names, and what was expected."""


def _made(name: str, found: object, where: str) -> Task:
    if callable(found) and not isinstance(found, Task):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise fault(error, _asked(where), f"{name!r}, which", *MADE) from error
    if not isinstance(found, Task):
        got = f"{name!r}, which is the {type(found).__name__} {shown(found)}"
        raise InvalidArgument(where, "task", got=got, expected="a Task", fix="Derive its class from theory.tasks.Task.")
    return found


# ── Their sources ────────────────────────────────────────────────────────────────────────────────────────────────────


def _digest(module: ModuleType, task: Task) -> str:
    top = module.__name__.partition(".")[0]
    home = Path(getattr(sys.modules.get(top), "__file__", None) or ".").resolve().parent
    files: dict[str, bytes] = {}
    names = [module.__name__, *(kind.__module__ for kind in type(task).__mro__)]
    while names:
        name = names.pop()
        file = str(getattr(sys.modules.get(name), "__file__", None) or "")
        package = name.partition(".")[0]
        near = package == top or (is_users(file) and Path(file).resolve().is_relative_to(home))
        if name in files or not file or package in PACKAGES or not near:
            continue
        with suppress(OSError):
            files[name] = Path(file).read_bytes()
            values = list(vars(sys.modules[name]).values())
            names += [value.__name__ for value in values if isinstance(value, ModuleType)]
            names += [of for value in values if isinstance(of := getattr(value, "__module__", None), str)]
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])} ".encode() + files[name])
    return digest.hexdigest()[:16] if files else ""
