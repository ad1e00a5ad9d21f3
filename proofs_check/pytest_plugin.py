"""What `pytest --lengthgen-task mypkg.mymod:MyTask` loads: a test of every contract of a task.

`lengthgen_entry` has the option; a test's ID, such as "copy::sparsity", selects it as that of any other test does.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lengthgen_entry import CORE, hidden
from proofs_check.contracts import CONTRACTS, finding_of, trial_of
from proofs_check.loading import load_task
from theory import TheoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs_check.task_report import Finding
    from proofs_check.trial import Trial
    from theory.tasks import Task

_tasks = pytest.StashKey[dict[str, "Task"]]()
_chosen = pytest.StashKey[set[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Find the tasks, and what of them is asked for, so that a bad name is bad usage.

    IDs of these tests are taken out of what pytest looks for among files; with such an ID, no other of them is run.
    """
    specs = config.getoption("lengthgen_task")
    try:
        config.stash[_tasks] = {spec: load_task(spec, config.invocation_params.dir) for spec in specs}
    except TheoryError as error:
        raise pytest.UsageError(f"--lengthgen-task: {error}") from error
    selected = {argument: _selected(argument, config) for argument in config.args}
    config.args = [argument for argument in config.args if not selected[argument]]
    config.stash[_chosen] = {test for tests in selected.values() for test in tests}


def _selected(argument: str, config: pytest.Config) -> list[tuple[str, str]]:
    """The tests of tasks that an argument names as pytest prints them: tasks with contracts."""
    printed, colons, contract = argument.partition("::")
    for spec in config.stash[_tasks]:
        # Away from the root folder of the tests, pytest prints an ID as it prints a path.
        if printed in (spec, os.path.relpath(config.rootpath / spec, config.invocation_params.dir)):
            if not colons:
                is_file = Path(config.invocation_params.dir, argument).exists()
                return [] if is_file else [(spec, contract) for contract in CONTRACTS]
            if contract not in CONTRACTS:
                near = " or ".join(
                    f"{spec}::{name}" for name in get_close_matches(contract, CONTRACTS, n=1) or CONTRACTS
                )
                raise pytest.UsageError(f"{argument}: there is no such test. Did you mean {near}?")
            return [(spec, contract)]
    return []


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Refuse a file of tests that is imported from a folder with a package of one of our names, which is ours by now."""
    if parent.config.getoption("importmode") == "importlib":  # which puts no folder first
        return
    folder = module_path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    if problems := hidden(*CORE, by=folder):
        raise parent.CollectError(f"--lengthgen-task: {problems[0]}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of the tasks, before -k and -m select among all."""
    chosen = config.stash[_chosen]
    for spec, task in config.stash[_tasks].items():
        tests = TaskTests.from_parent(session, name=spec, nodeid=spec, task=task).collect()
        items.extend(test for test in tests if not chosen or (spec, test.name) in chosen)


class TaskTests(pytest.Collector):
    """The tests of one task; they share what was found."""

    def __init__(self, *, task: Task, **node: Any) -> None:
        super().__init__(**node)
        self.task = task
        self._found: dict[str, Finding] = {}

    @cached_property
    def _trial(self) -> Trial:
        return trial_of(self.task)

    def finding(self, contract: str) -> Finding:
        """What `check_task` finds of a contract: once a process, and nothing of those after it."""
        order = [*CONTRACTS]
        for name in order[: order.index(contract) + 1]:
            if name not in self._found:
                self._found[name] = finding_of(self._trial, name)
        return self._found[contract]

    def collect(self) -> Iterator[pytest.Item]:
        """A test a contract."""
        for contract in CONTRACTS:
            yield ContractTest.from_parent(self, name=contract)


class ContractTest(pytest.Item):
    """One contract of one task."""

    def runtest(self) -> None:
        """Fail with what was found, when the contract does not hold."""
        assert isinstance(self.parent, TaskTests)
        finding = self.parent.finding(self.name)
        if not finding.holds:
            raise _DoesNotHold(finding.explain())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """The finding is all that there is to say."""
        if isinstance(excinfo.value, _DoesNotHold):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What stands above a failure."""
        assert isinstance(self.parent, TaskTests)
        return self.path, None, f"{self.parent.name}: {self.name}"


class _DoesNotHold(AssertionError):
    """Carries a finding."""
