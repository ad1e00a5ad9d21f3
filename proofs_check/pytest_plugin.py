"""A plugin of pytest: `--lengthgen-task mypkg.mymod:MyTask` makes a test of every contract of a task.

Light: pytest loads this module in every run, and the packages only when the option is used.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs_check.task_report import TaskReport
    from theory.tasks import Task


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.getgroup("lengthgen").addoption(
        "--lengthgen-task",
        action="append",
        default=[],
        metavar="TASK",
        help="check every contract of a task: module:object, or the name of a known task (repeatable)",
    )


_tasks = pytest.StashKey[dict[str, "Task"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Find the tasks, so that a bad name is bad usage."""
    specs = config.getoption("lengthgen_task")
    if specs:
        from proofs_check.loading import load_task
        from theory import TheoryError

        try:
            config.stash[_tasks] = {spec: load_task(spec, config.invocation_params.dir) for spec in specs}
        except TheoryError as error:
            raise pytest.UsageError(f"--lengthgen-task: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of the tasks, before -k and -m select among all."""
    for spec, task in config.stash.get(_tasks, {}).items():
        items.extend(TaskTests.from_parent(session, name=spec, nodeid=spec, task=task).collect())


class TaskTests(pytest.Collector):
    """The tests of one task; they share its report."""

    def __init__(self, *, task: Task, **node: Any) -> None:
        super().__init__(**node)
        self.task = task

    @cached_property
    def report(self) -> TaskReport:
        """What was found, once a process."""
        from proofs_check.contracts import check_task

        return check_task(self.task)

    def collect(self) -> Iterator[pytest.Item]:
        """A test a contract."""
        from proofs_check.contracts import CONTRACTS

        for contract in CONTRACTS:
            yield ContractTest.from_parent(self, name=contract)


class ContractTest(pytest.Item):
    """One contract of one task."""

    def runtest(self) -> None:
        """Fail with what was found, when the contract does not hold."""
        assert isinstance(self.parent, TaskTests)
        finding = self.parent.report[self.name]
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
