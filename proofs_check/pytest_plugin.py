"""What `pytest --lengthgen-task mypkg.mymod:MyTask` loads: a test of every contract of a task; and
`pytest --lengthgen-claim mypkg.mymod:claim`: a test of every check of a claim.

`lengthgen_entry` has the option; a test's ID, such as "copy::sparsity", selects it as that of any other test does.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lengthgen_entry import CORE, hidden
from proofs_check.claims.checks import Task as Check
from proofs_check.claims.checks import perform, tasks_of
from proofs_check.claims.finding import addresses
from proofs_check.report import NEEDLESS, SURVIVES, explain
from proofs_check.tasks.checking import check_task, finding_of, trial_of
from proofs_check.tasks.contracts import CONTRACTS
from theory import TheoryError
from theory.errors import did_you_mean
from theory.tasks import find_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs_check.tasks.report import Finding
    from proofs_check.tasks.trial import Trial
    from theory.tasks import Task

_subjects = pytest.StashKey[dict[str, "Task | list[Check]"]]()
_chosen = pytest.StashKey[set[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Find the tasks and claims, and what of them is asked for, so that a bad name is bad usage.

    IDs of these tests are taken out of what pytest looks for among files; with such an ID, no other of them is run.
    """
    folder = config.invocation_params.dir
    subjects: dict[str, Task | list[Check]] = {}
    option = "--lengthgen-task"
    try:
        for spec in config.getoption(option):
            subjects[spec] = find_task(spec, option, folder)
        option = "--lengthgen-claim"
        wanted = config.getoption(option)
        for address in addresses(wanted, folder) if wanted else ():
            subjects[address] = tasks_of([address])
    except TheoryError as error:
        raise pytest.UsageError(str(error) if option in str(error) else f"{option}: {error}") from error
    config.stash[_subjects] = subjects
    selected = {argument: _selected(argument, config) for argument in config.args}
    config.args = [argument for argument in config.args if not selected[argument]]
    config.stash[_chosen] = {test for tests in selected.values() for test in tests}


def _names(subject: Task | list[Check]) -> list[str]:
    """The names of the tests of a task or a claim."""
    return [f"{check.engine}: {check.name}" for check in subject] if isinstance(subject, list) else list(CONTRACTS)


def _selected(argument: str, config: pytest.Config) -> list[tuple[str, str]]:
    """The tests that an argument names as pytest prints them: tasks with contracts, claims with checks."""
    printed, colons, test = argument.partition("::")
    for spec, subject in config.stash[_subjects].items():
        # Away from the root folder of the tests, pytest prints an ID as it prints a path.
        if printed in (spec, os.path.relpath(config.rootpath / spec, config.invocation_params.dir)):
            names = _names(subject)
            if not colons:
                is_file = Path(config.invocation_params.dir, argument).exists()
                return [] if is_file else [(spec, name) for name in names]
            if test not in names:
                known = [f"{spec}::{name}" for name in names]
                advice = did_you_mean(f"{spec}::{test}", known, f"There are {'; '.join(known)}.")
                raise pytest.UsageError(f"{argument}: there is no such test. {advice}")
            return [(spec, test)]
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
    """Add the tests of the tasks and claims, before -k and -m select among all."""
    chosen = config.stash[_chosen]
    for spec, subject in config.stash[_subjects].items():
        tests: Iterator[pytest.Item]
        if isinstance(subject, list):
            tests = ClaimTests.from_parent(session, name=spec, nodeid=spec, checks=subject).collect()
        else:
            tests = TaskTests.from_parent(session, name=spec, nodeid=spec, task=subject).collect()
        items.extend(test for test in tests if not chosen or (spec, test.name) in chosen)


class _Test(pytest.Item):
    """A test whose finding is all that there is to say."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """The finding itself, without a traceback."""
        if isinstance(excinfo.value, _DoesNotHold):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What stands above a failure."""
        assert isinstance(self.parent, ClaimTests | TaskTests)
        return self.path, None, f"{self.parent.name}: {self.name}"


class ClaimTests(pytest.Collector):
    """The tests of one claim."""

    def __init__(self, *, checks: list[Check], **node: Any) -> None:
        super().__init__(**node)
        self.checks = checks

    def collect(self) -> Iterator[pytest.Item]:
        """A test a check."""
        for name, check in zip(_names(self.checks), self.checks, strict=True):
            yield CheckTest.from_parent(self, name=name, check=check)


class CheckTest(_Test):
    """One check of one claim, at the quick profile and seed 0."""

    def __init__(self, *, check: Check, **node: Any) -> None:
        super().__init__(**node)
        self.check = check

    def runtest(self) -> None:
        """Fail with what was found, when the check does not say that the claim holds."""
        found = perform(self.check, "quick", 0, lambda cases: None)
        if found.evidence is not None and found.evidence.kind in ("refuted", "inconclusive"):
            again = f"Check it again: lengthgen check --claim {self.check.claim}"
            raise _DoesNotHold(f"{explain(found.evidence)}\n{again}")
        if found.evidence is None and found.witness is None:
            what = SURVIVES if self.check.engine == "mutant" else NEEDLESS
            raise _DoesNotHold(f"{self.check}: nothing refutes it: {what}")


class TaskTests(pytest.Collector):
    """The tests of one task; they share what was found."""

    def __init__(self, *, task: Task, **node: Any) -> None:
        super().__init__(**node)
        self.task = task
        self._found: dict[str, Finding] = {}

    @cached_property
    def _trial(self) -> Trial:
        return trial_of(self.task, **(check_task.__kwdefaults__ or {}))

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


class ContractTest(_Test):
    """One contract of one task."""

    def runtest(self) -> None:
        """Fail with what was found, when the contract does not hold."""
        assert isinstance(self.parent, TaskTests)
        finding = self.parent.finding(self.name)
        if not finding.holds:
            raise _DoesNotHold(finding.explain())


class _DoesNotHold(AssertionError):
    """Carries a finding."""
