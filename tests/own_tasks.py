"""Tasks of one's own, as users have them: in modules in a folder, which is the current one."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "your-own-task.md"

RUNNING_MAXIMUM = "".join(
    example.source for example in doctest.DocTestParser().get_examples(PAGE.read_text(encoding="utf-8"))[:2]
)
"""The module of the task that docs/your-own-task.md writes."""

HELPED = """
from theory.tasks import Copy

import helper
from tool import named


class Helped(Copy):
    name = named("helped")
    symbols = helper.WORDS
"""

BROKEN = '''
"""Tasks that go wrong, each in its way."""

from dataclasses import replace

from mytasks import RunningMaximum
from theory import positions, support
from theory.tasks import sparse_parity

paired = sparse_parity(2, support.paired(), positions.blocks(2))
made = []


def counted():
    made.append(1)
    return RunningMaximum()


class Factory:
    def method(self):
        made.append(1)
        return RunningMaximum()


factory = Factory()


def __getattr__(name):
    if name == "odd":
        raise ValueError("an odd name")
    raise AttributeError(name)


def raising():
    return deeper()


def deeper():
    raise RuntimeError("no way")


class NoSolution(RunningMaximum):
    def solve(self, prompt):
        return {}[len(prompt)]


class NoInstance(RunningMaximum):
    def solve(self, prompt):
        return None


class OddToken(RunningMaximum):
    alphabet = ("0", "1", "2")


class Negative(RunningMaximum):
    def solve(self, prompt):
        instance = super().solve(prompt)
        return replace(instance, tokens=(-1, *instance.tokens[1:]))


class FewIDs(RunningMaximum):
    def solve(self, prompt):
        return replace(super().solve(prompt), ids=(1, 2))


class Huge(RunningMaximum):
    alphabet = (*map(str, range(1000)), ">")
    min_length = 3

    def choices(self, length):
        return [range(1000)] * length + [(1000,)]


class Short(RunningMaximum):
    def n_instances(self, length):
        return 3**length if length <= 3 else 0


class Even(RunningMaximum):
    min_length = 2

    def n_instances(self, length):
        return 0 if length % 2 else 3**length


class Every8(RunningMaximum):
    every = 8

    def n_instances(self, length):
        return 3**length if length % self.every == 1 else 0


class Every9(Every8):
    every = 9


class Never(RunningMaximum):
    def n_instances(self, length):
        return 0


class Late(RunningMaximum):
    def solve(self, prompt):
        if len(prompt) == 4:
            raise KeyError("three digits")
        return super().solve(prompt)


class Steps(RunningMaximum):
    anchor = "none"
'''

TOOL = """
def named(name):
    return name
"""

MODULES = {"mytasks": RUNNING_MAXIMUM, "helper": "WORDS = 2\n", "tool": TOOL, "helped": HELPED, "broken": BROKEN}


def put(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the modules into a folder, and go there; what is imported from it is forgotten afterwards."""
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import the modules anew, as another process would."""
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
