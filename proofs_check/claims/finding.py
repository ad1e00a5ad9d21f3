"""Find a claim: one of the theory by its id, anybody's as module:object."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from proofs_check.claims.claim import Claim
from theory import claims
from theory.errors import InvalidArgument, TheoryError, did_you_mean, shown
from theory.modules import Asked, as_module, imported, is_dotted, is_file, look_first, member, users_frames

IDS = tuple(claim.id for claim in claims.CLAIMS)
FORM = f"one of {', '.join(IDS)}, or module:object, or a module with claims"
ASKED = Asked("find", "claim", FORM, "claim")


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
        return _object(f"proofs_check.claims.{address.lower()}:claim", address, [])
    module, colon, path = address.partition(":") if isinstance(address, str) else ("", "", "")
    if not colon or is_file(address) or not is_dotted(module) or not is_dotted(path):
        raise _no_module(address)
    return _object(address, address, [] if folder is None else look_first(folder))


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
    if is_file(module) or not is_dotted(module):
        raise _no_module(module)
    members = vars(imported(module, module, ASKED, look_first(folder), IDS)).items()
    own = [f"{module}:{name}" for name, value in members if isinstance(value, Claim)]
    if not own:
        raise _refused(f"{module!r}, a module without a claim", FORM, "Make one there: claim = Claim(...).")
    return own


def _object(spec: str, address: str, folders: list[str]) -> Claim:
    """The claim that is an object of a module; from then on it knows its address."""
    name, _, path = spec.partition(":")
    module = imported(name, spec, ASKED, folders)
    fix = f"Try: python -c 'from {name} import {path.partition('.')[0]}'."
    found = member(module, path, spec, ASKED, _there, fix, FORM)
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


def _there(found: object, part: str) -> str:
    """What an object has in place of a part that it lacks: the claims of a module."""
    there = (
        [name for name, value in vars(found).items() if isinstance(value, Claim)]
        if isinstance(found, ModuleType)
        else []
    )
    return did_you_mean(part, there, f"It has {', '.join(there)}." if there else "Check the spelling.")


def _is_ours(claim: Claim) -> bool:
    module = sys.modules.get(f"proofs_check.claims.{claim.id.lower()}")
    return getattr(module, "claim", None) is claim


def said(error: BaseException) -> str:
    """What an error says, and where in the user's own code it was raised."""
    notes = " ".join(getattr(error, "__notes__", [])[:1])
    if isinstance(error, TheoryError):
        return f"{error} ({notes})" if notes else str(error)
    text = " ".join(str(error).split())
    words = type(error).__name__ + (f": {text if len(text) <= 200 else f'{text[:200]}...'}" if text else "")
    theirs = users_frames(error) or extract_tb(error.__traceback__)
    place = [f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}" for frame in theirs[-1:]]
    where = ", ".join(filter(None, [notes, *place]))
    return f"{words} ({where})" if where else words


def _no_module(spec: object) -> InvalidArgument:
    if isinstance(spec, str) and is_file(spec):
        return _refused(shown(spec), FORM, as_module(spec, "claim"))
    return _refused(shown(spec), FORM, did_you_mean(spec, IDS, "Name it in its module, such as mymodule:claim."))


def _refused(got: str, expected: str, fix: str) -> InvalidArgument:
    return ASKED.refused(got, fix, expected)
