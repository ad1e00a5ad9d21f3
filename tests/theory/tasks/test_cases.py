"""Every task against cases worked out by hand."""

from __future__ import annotations

import importlib

import pytest

from tests.task_cases import CASES, Case
from theory.tasks import TASKS


@pytest.fixture(params=CASES, ids=lambda case: f"{case.task.name}: {case.prompt}")
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


def test_tokens(case: Case) -> None:
    instance = case.instance()
    assert [case.task.alphabet[token] for token in instance.tokens] == [*case.prompt.split(), *case.output.split()]
    assert instance.n_prompt == len(case.prompt.split())


def test_ids(case: Case) -> None:
    assert case.instance().ids == tuple(map(int, case.ids.split()))


def test_dependency_sets(case: Case) -> None:
    assert [",".join(map(str, step.sources)) for step in case.instance().steps] == case.reads.split()


def test_mask(case: Case) -> None:
    assert "".join("#" if scored else "." for scored in case.instance().mask) == case.mask


def test_the_rule_gives_the_output(case: Case) -> None:
    expected = (*case.tokens(case.prompt), *case.tokens(case.output))
    assert case.task.rollout(case.instance()) == expected


def test_text(case: Case) -> None:
    assert case.task.text(case.instance().tokens) == f"{case.prompt}{case.output}".replace(" ", "")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_two_cases(name: str) -> None:
    assert sum(case.task == TASKS[name] for case in CASES) >= 2


@pytest.mark.parametrize("name", TASKS)
def test_every_module_shows_a_worked_example(name: str) -> None:
    """The doctests compare it with the code; this says that there is one."""
    assert ">>> print(task.show(" in (importlib.import_module(type(TASKS[name]).__module__).__doc__ or "")
