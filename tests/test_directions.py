"""Which module may import which: every import is read, lazy ones, those for types and those by name too.

Not counted is that importing a module imports the packages that hold it: a package lists its own names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import lengthgen_entry
from proofs_check.claims.finding import IDS

HOME = lengthgen_entry.HOME
DOOR = "lengthgen_entry"

COMMON = [
    f"proofs_check.{name}" for name in ("evidence", "problem", "problem_files", "spelling", "strategies", "terminal")
]
MACHINES = [
    "idealized_model", "idealized_model.language", "idealized_model.text", "idealized_model.transformer",
    "idealized_model.workers",
]  # fmt: skip
LEFT = [DOOR, "theory", *MACHINES, *COMMON]
ROOMS = [
    f"proofs_check.{name}"
    for name in (
        "advice",
        "audit",
        "certification",
        "claims",
        "tasks",
        "theorems",
        "verdicts",
        "work",
        "report",
        "replay",
        "pages",
    )
]

DIRECTIONS: dict[str, list[str]] = {
    DOOR: [],
    "theory": [DOOR],
    "idealized_model": ["theory", "idealized_model.text"],  # the idealised head: nothing of it needs the transformer
    "idealized_model.text": [],
    "idealized_model.workers": [],
    "idealized_model.transformer": ["theory", "idealized_model.text", "idealized_model.workers"],
    "idealized_model.language": ["theory", "idealized_model.text", "idealized_model.transformer"],
    **dict.fromkeys(COMMON, LEFT),
    "proofs_check.certification": LEFT,
    "proofs_check.work": LEFT,
    "proofs_check.theorems": LEFT,
    "proofs_check.claims": [*LEFT, "proofs_check.work", "proofs_check.theorems"],
    "proofs_check.audit": [*LEFT, "proofs_check.work", "proofs_check.theorems", "proofs_check.claims"],
    "proofs_check.tasks": [*LEFT, "proofs_check.work"],
    "proofs_check.verdicts": [*LEFT, "proofs_check.work"],
    "proofs_check.report": [*LEFT, "proofs_check.claims"],
    "proofs_check.replay": [*LEFT, "proofs_check.claims", "proofs_check.theorems"],
    "proofs_check.pages": [*LEFT, "proofs_check.claims", "proofs_check.verdicts", "proofs_check.report"],
    "proofs_check.advice": [*LEFT, "proofs_check.verdicts", "proofs_check.pages"],
    "proofs_check.commands": [*LEFT, *ROOMS],
    "proofs_check.pytest_plugin": [*LEFT, *ROOMS],
    "proofs_check": ROOMS + COMMON,  # its public names
    "figures": [*LEFT, *ROOMS, "proofs_check.commands"],
    # The programs stand above all packages, and nothing of a package imports them.
    "proofs_check.__main__": [DOOR, "proofs_check.commands", "figures"],
    "figures.__main__": [DOOR, "proofs_check.commands", "figures"],
}
"""What a room, which is a package or a module, may import beside itself."""

LOADED = {
    "proofs_check.__main__": "by the command",
    "proofs_check.commands.doctor": "by the command, where the rest of the package is damaged",
    "proofs_check.pytest_plugin": "by pytest",
    "proofs_check.strategies": "by Hypothesis, for a type that a package of ours has told of",
}
"""What the door loads, by name and for other programs: not for the modules that import the door, which is no circle then."""

ANYTHING = {"theory.modules"}
"""What imports modules of users, by names that they give."""

BY_NAME = {
    "proofs_check.certification.subjects": ("functions of users", ""),
    "proofs_check.claims.finding": (
        "a claim of the theory by its id, or of users",
        r"proofs_check\.claims\.t\d+[a-z]?",
    ),
    "proofs_check.advice.reading": ("a generator or a function, of users", ""),
    "proofs_check.work.executors": ("what makes an executor, of users", ""),
    "theory.tasks.finding": ("tasks of users", ""),
}
"""Who lets `theory.modules.imported` import, with what for, and those of our modules that it may be."""


def sources() -> dict[str, str]:
    """Every module of the project with its source."""
    files = [HOME / f"{DOOR}.py", *(path for name in lengthgen_entry.PACKAGES for path in (HOME / name).rglob("*.py"))]
    return {name_of(path.relative_to(HOME)): path.read_text(encoding="utf-8") for path in files}


def name_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str, source: str, known: Mapping[str, str], *, package: bool = False) -> Iterator[str]:
    """The modules that a module imports, anywhere in it."""
    tree, home = ast.parse(source), name if package else name.rpartition(".")[0]
    tables = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), home) if node.level else node.module or ""
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield from (found for found in (inner if inner in known else base,) if found in known)
        elif isinstance(node, ast.Call) and is_import(node.func):
            yield from named(name, node.args[0], tables, known)
    if loose := loads(tree):
        raise AssertionError(f"{name} has {loose[0]}: nobody can tell what that imports")
    if name != "theory.modules" and any(called(node) == "imported" for node in ast.walk(tree)):
        assert name in BY_NAME, f"{name} lets something be imported: nobody can tell what that is"
        pattern = BY_NAME[name][1]
        yield from (other for other in known if pattern and re.fullmatch(pattern, other))


def called(node: ast.AST) -> str:
    """What a name, an attribute or an import is of."""
    match node:
        case ast.Name(id=found) | ast.Attribute(attr=found) | ast.alias(name=found):
            return found
    return ""


def is_import(node: ast.AST) -> bool:
    return called(node) in ("import_module", "__import__")


def loads(tree: ast.AST) -> list[str]:
    """Other ways to the functions that import by name than to call them by their own name."""
    direct = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    other = [node for node in ast.walk(tree) if is_import(node) and not isinstance(node, ast.alias)]
    renamed = [node for node in ast.walk(tree) if isinstance(node, ast.alias) and is_import(node) and node.asname]
    return [*map(ast.unparse, renamed), *(ast.unparse(node) for node in other if id(node) not in direct)]


def named(name: str, argument: ast.expr, tables: Mapping[str, ast.expr], known: Mapping[str, str]) -> Iterator[str]:
    """What an import by name may import: of f"start.{TABLE[key]}" all that the table has, of f"start.{...}" all beneath."""
    if isinstance(argument, ast.Constant):
        yield from {argument.value} & known.keys()
        return
    text = ast.unparse(argument).replace("{__name__}", name)
    start, _, rest = text.removeprefix("f").strip("'\"").partition("{")
    assert (isinstance(argument, ast.JoinedStr) and start.endswith(".")) or name in ANYTHING, (
        f"{name} imports {text}: nobody can tell what that is"
    )
    if table := tables.get(rest.partition("[")[0]):
        yield from {f"{start}{part}" for part in ast.literal_eval(table).values()} & known.keys()
    elif name not in ANYTHING:
        yield from (found for found in known if found.startswith(start) and "__main__" not in found)


def graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Each module with those that it imports."""
    return {
        name: {*imports(name, source, modules, package=any(other.startswith(f"{name}.") for other in modules))} - {name}
        for name, source in modules.items()
    }


def room_of(module: str) -> str:
    """The room of a module: of those that hold it the smallest."""
    return max((room for room in DIRECTIONS if f"{module}.".startswith(f"{room}.")), key=len)


@cache
def project() -> dict[str, set[str]]:
    """The imports of the project."""
    return graph(sources())


def test_imports_go_from_right_to_left() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in (project() | {DOOR: set()}).items()
        for other in sorted(others)
        if room_of(other) not in (room_of(module), *DIRECTIONS[room_of(module)])
    ]
    assert wrong == []


def test_no_two_modules_import_each_other() -> None:
    try:
        TopologicalSorter(project() | {DOOR: set()}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


def test_the_rooms_have_an_order() -> None:
    TopologicalSorter({room: set(left) - {room} for room, left in DIRECTIONS.items() if room not in COMMON}).prepare()


def test_the_door_loads_what_it_is_there_for_and_imports_nothing_of_ours() -> None:
    assert project()[DOOR] == set(LOADED)
    plain = ast.parse(sources()[DOOR])
    roots = {alias.name for node in ast.walk(plain) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {node.module or "" for node in ast.walk(plain) if isinstance(node, ast.ImportFrom)}
    assert not {root.partition(".")[0] for root in roots} & set(lengthgen_entry.PACKAGES)


def test_every_import_is_seen() -> None:
    modules = {
        "p": "from . import a\ndef __getattr__(name):\n    return import_module(f'{__name__}.{name}')",
        "q": "HOMES = {'b': 'b', 'E': 'e'}\ndef __getattr__(name):\n    return import_module(f'p.{HOMES[name]}')",
        "p.a": "def later():\n    from p import b",
        "p.b": "if TYPE_CHECKING:\n    from p.c import Thing",
        "p.c": "import importlib\ndef later():\n    return importlib.import_module('p.d').main()",
        "p.d": "from .e import it\nimport os, numpy",
        "p.e": "import p.a as first",
        "p.__main__": "import p",
    }
    assert graph(modules) == {
        "p": {"p.a", "p.b", "p.c", "p.d", "p.e"}, "p.a": {"p.b"}, "p.b": {"p.c"}, "p.c": {"p.d"}, "p.d": {"p.e"},
        "p.e": {"p.a"}, "p.__main__": {"p"}, "q": {"p.b", "p.e"},
    }  # fmt: skip
    with pytest.raises(CycleError):
        TopologicalSorter(graph(modules)).prepare()
    with pytest.raises(AssertionError, match="nobody can tell"):
        graph({"p": "import_module(name)"})


@pytest.mark.parametrize(
    "source",
    [
        "from importlib import import_module as load\nload('p')",
        "import importlib as i\nload = i.import_module\nload('p')",
        "from functools import partial\npartial(__import__, 'p')",
        "from theory.modules import imported\nimported('p', 'p', asked, [])",
        "from theory.modules import imported as load\nload('p', 'p', asked, [])",
        "import theory.modules as m\nm.imported('p', 'p', asked, [])",
    ],
)
def test_an_import_under_another_name_is_refused(source: str) -> None:
    with pytest.raises(AssertionError, match="nobody can tell"):
        graph({"p": source})


def test_a_claim_that_is_found_by_its_id_is_seen() -> None:
    """And who imports by name does so still."""
    found = project()["proofs_check.claims.finding"]
    assert {f"proofs_check.claims.{claim.lower()}" for claim in IDS} <= found
    for name in BY_NAME:
        assert "theory.modules" in project()[name]
