"""Find a claim: one of the theory by its id, anybody's as module:object."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from proofs_check.claims.claim import Claim
from proofs_check.loading import _FILE, _as_module, _module
from theory import claims
from theory.errors import InvalidArgument, TheoryError, shown

INSTALLED = ("<", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))
"""Where the files of Python and of installed packages are; frozen modules have none."""

IDS = tuple(claim.id for claim in claims.CLAIMS)
FORM = f"one of {', '.join(IDS)}, or module:object, or a module with claims"


def find(address: str, folder: str | os.PathLike[str] | None = None) -> Claim:
    """The claim at an address.

    Parameters
    ----------
    address : the id of a claim of the theory, or module:object.
    folder : where modules are looked for first; it stays on `sys.path`.

    Raises
    ------
    InvalidArgument : for no such id, module or object, an error inside the module, what is no claim, and a claim without
        `refute` or any check.

    Examples
    --------
    >>> find("T3").title
    'The transfer bound'
    """
    if address in IDS:
        return _object(f"proofs_check.claims.{address.lower()}:claim", address)
    if folder is not None:
        _look_in(folder)
    module, colon, path = address.partition(":") if isinstance(address, str) else ("", "", "")
    if not colon or _FILE.search(address) or not _dotted(module) or not _dotted(path):
        raise _no_module(address)
    return _object(address, address)


def addresses(specs: Sequence[str], folder: str | os.PathLike[str]) -> list[str]:
    """The address of every claim that is meant, each once.

    Parameters
    ----------
    specs : ids, module:object, or modules, of which every claim is meant; nothing means the claims of the theory.
    folder : where modules are looked for first; it stays on `sys.path`.

    Raises
    ------
    InvalidArgument : as `find`; for a module without claims, and two claims with one id.
    """
    found: dict[str, Claim] = {}
    for spec in specs or IDS:
        for address in [spec] if spec in IDS or ":" in spec else _all_in(spec, folder):
            claim = find(address, folder)
            same = next((other for other in found.values() if other.id.casefold() == claim.id.casefold()), claim)
            if same is not claim:
                raise _refused(
                    f"two claims with the id {claim.id}: {same.address} and {address}", "an id of its own for each",
                    "Rename one of them.",
                )  # fmt: skip
            found.setdefault(claim.address, claim)
    return list(found)


def _all_in(module: str, folder: str | os.PathLike[str]) -> list[str]:
    """The addresses of the claims of a module."""
    _look_in(folder)
    if _FILE.search(module) or not _dotted(module):
        raise _no_module(module)
    own = [f"{module}:{name}" for name, value in vars(_loaded(module)).items() if isinstance(value, Claim)]
    if not own:
        raise _refused(f"{module!r}, a module without a claim", FORM, "Make one there: claim = Claim(...).")
    return own


def _object(spec: str, address: str) -> Claim:
    """The claim that is an object of a module; from then on it knows its address."""
    module, _, path = spec.partition(":")
    found: object = _loaded(module)
    for name in path.split("."):
        if not hasattr(found, name):
            there = [known for known, value in vars(_loaded(module)).items() if isinstance(value, Claim)]
            fix = f"It has {', '.join(there)}." if there else "Check the spelling."
            raise _refused(f"{spec!r}, but {spec.removesuffix(name)[:-1]} has no {name}", FORM, fix)
        found = getattr(found, name)
    if not isinstance(found, Claim):
        got = f"{spec!r}, which is the {type(found).__name__} {shown(found)}"
        raise _refused(got, "a Claim", "Make it with proofs_check.Claim.")
    if found.id in IDS:
        address = found.id
        if not _is_ours(found):
            got = f"{spec!r}, a claim with the id {found.id}"
            raise _refused(got, "an id that the theory does not use", "Rename it.")
    found.check()
    if found.address == found.id:
        found.address = address
    return found


def _is_ours(claim: Claim) -> bool:
    return vars(_loaded(f"proofs_check.claims.{claim.id.lower()}")).get("claim") is claim


def _loaded(name: str) -> ModuleType:
    try:
        return _module(name)
    except InvalidArgument as error:
        if error.__cause__ is None:
            raise _refused(error.got, FORM, error.fix) from None
        got = f"the module {name}, whose import raises {said(error.__cause__)}"
        raise _refused(got, "a module that can be imported", error.fix) from error.__cause__


def said(error: BaseException) -> str:
    """What an error says, and where in the user's own code it was raised."""
    notes = " ".join(getattr(error, "__notes__", [])[:1])
    if isinstance(error, TheoryError):
        return f"{error} ({notes})" if notes else str(error)
    text = " ".join(str(error).split())
    words = type(error).__name__ + (f": {text if len(text) <= 200 else f'{text[:200]}...'}" if text else "")
    frames = extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(INSTALLED)] or frames
    place = [f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}" for frame in theirs[-1:]]
    where = ", ".join(filter(None, [notes, *place]))
    return f"{words} ({where})" if where else words


def _look_in(folder: str | os.PathLike[str]) -> None:
    if os.fspath(folder) not in sys.path:
        sys.path.insert(0, os.fspath(folder))
        importlib.invalidate_caches()


def _no_module(spec: object) -> InvalidArgument:
    if isinstance(spec, str) and _FILE.search(spec):
        return _refused(shown(spec), FORM, _as_module(spec).replace("MyTask", "claim"))
    return _refused(shown(spec), FORM, "Name it in its module, such as mymodule:claim.")


def _dotted(name: str) -> bool:
    return all(map(str.isidentifier, name.split(".")))


def _refused(got: str, expected: str, fix: str) -> InvalidArgument:
    return InvalidArgument("find", "claim", got, expected, fix)
