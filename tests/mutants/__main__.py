"""Break the code in many small ways, one at a time, and run the tests that execute the broken line.

    python -m tests.mutants                          a sample of all places, reported in tests/mutants/README.md
    python -m tests.mutants theory/programs.py       places of one module, reported on the screen alone
    ... --tests tests/theory theory                  by some of the tests alone

The mutants are Cosmic Ray's: it changes numbers and operators at module level too, where this project keeps the
constants that matter (mutmut changes the bodies of functions only), leaves words alone, and keeps its results in a
file. Which tests run is decided here, by coverage: those of the module's own test file first, then the others that
execute the line, the fast ones first, for at most `LIMIT` seconds of tests.

A mutant is *killed* when a test fails that passes without it, or when the tests hang. A survivor that changes nothing
anyone can see is listed in equivalent.toml with the reason; every other one is a missing test, and the exit status is
1. A run that was stopped goes on; while a module stays as it is its killed mutants are not tried again, and its
survivors are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import random
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
WORK = ROOT / ".mutants"

SCOPE = (
    "theory/**/*.py",
    "idealized_model/**/*.py",
    "proofs_check/claims/*.py",
    "proofs_check/problem.py",
    "proofs_check/tasks/checking.py",
    "proofs_check/tasks/contracts.py",
    "proofs_check/tasks/coupling.py",
    "proofs_check/tasks/hidden.py",
    "proofs_check/tasks/matters.py",
    "proofs_check/tasks/sampling.py",
    "proofs_check/tasks/trial.py",
    "proofs_check/tasks/views.py",
    "proofs_check/verdicts/comparison.py",
)
"""What is mutated when nothing is named."""

LEFT_OUT = ("idealized_model/transformer/jax_engine.py",)
"""It runs only where JAX is installed, and is itself the independent route of another engine."""

SHARE = 0.06
"""Of all places."""

LIMIT = 60.0
"""Seconds that the chosen tests took, together, without a mutant."""

TIMEOUT = 3 * LIMIT + 60
"""Seconds after which the tests of a mutant hang."""

INTERFACE = "tests/test_interface.py"
"""What importing any module makes, and so no line of one that runs later."""

SAME = frozenset({"Eq_Is", "NotEq_IsNot", "Is_Eq", "IsNot_NotEq"})
"""Comparisons that small integers, strings and None cannot tell apart."""


@dataclass(frozen=True)
class Mutant:
    """A place in a file, and one way to change it: an operator of Cosmic Ray, and which of its places this is."""

    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    operator: str
    occurrence: int

    def spec(self, tree: Path) -> Any:
        """As Cosmic Ray writes it."""
        from cosmic_ray.work_item import MutationSpec

        return MutationSpec(tree / self.file, self.operator, self.occurrence, self.start, self.end)

    def name(self) -> str:
        """It changes when the file does."""
        return _digest((ROOT / self.file).read_text(encoding="utf-8"), *astuple(self))


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    file: str
    line: str
    becomes: str
    outcome: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What equivalent.toml knows it by: line numbers change too often."""
        return self.file, self.line, self.becomes


# ── The mutants ──────────────────────────────────────────────────────────────────────────────────────────────────────


def modules(patterns: list[str]) -> list[str]:
    """The files of the scope."""
    found = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(name for name in found if name.endswith(".py") and name not in LEFT_OUT)


def sample(file: str, share: float, seed: int) -> Iterator[Mutant]:
    """A share of the places of a file, each with one way to change it.

    Whether a place is drawn depends on the seed, its line and where in the line it is, so that changes elsewhere do not
    change the sample.
    """
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = [*ast_nodes(get_ast_from_path(ROOT / file))]
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    ways: defaultdict[tuple[tuple[int, int], tuple[int, int]], list[tuple[str, int]]] = defaultdict(list)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        found = ((node, span) for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (node, span) in enumerate(found):
            if not any(name.endswith(same) for same in SAME) and not _idle(node):
                ways[span].append((name, occurrence))
    repeated = Counter[tuple[str, int]]()
    for start, end in sorted(ways):
        text = lines[start[0] - 1].strip()
        at = text, start[1] - lines[start[0] - 1].index(text)
        repeated[at] += 1
        rng = random.Random(_digest(seed, file, *at, repeated[at]))
        if rng.random() < share:
            yield Mutant(file, start, end, *rng.choice(ways[start, end]))


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _idle(node: Any) -> bool:
    """Whether a node is part of what changes no result: an annotation, a cache, a mark in a signature, or the assertion
    `strict=True`."""
    child, parent = node, node.parent
    if _caches(node) or (node.type == "operator" and parent.type in ("parameters", "param")):
        return True
    if parent.type == "argument" and parent.children[0].get_code().strip() == "strict":
        return True
    while parent is not None:
        if _caches(parent):
            return True
        if parent.type == "annassign" and (child is parent.children[1] or "TypeAlias" in parent.children[1].get_code()):
            return True
        if parent.type in ("param", "tfpdef", "funcdef") and child is getattr(parent, "annotation", None):
            return True
        if parent.type == "tfpdef" and child is parent.children[-1]:
            return True
        child, parent = parent, parent.parent
    return False


def _caches(node: Any) -> bool:
    return node.type == "decorator" and "cache" in node.get_code()


# ── The tests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def copy_tree(to: Path) -> Path:
    """A copy of what git knows of, to be broken."""
    shutil.rmtree(to, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def environment(tree: Path) -> dict[str, str]:
    """Where the packages of a copy are found, by child processes too."""
    return {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}


def measure(tree: Path, tests: list[str], jobs: int) -> dict[str, Any]:
    """{"seconds": {test: seconds}, "lines": {file: {line: tests}}}, by one run of the tests with coverage."""
    import coverage

    config = tree / ".mutants-coverage"
    packages = "".join(f"    {name}\n" for name in ("theory", "idealized_model", "proofs_check"))
    config.write_text(f"[run]\nsource =\n{packages}", encoding="utf-8")
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-p", "no:cacheprovider", "-p", "tests.mutants.durations",
        "--durations-to", "durations.json", "--ignore=tests/test_mutants.py",  # it speaks of the last report
        "--cov", "--cov-config", config.name, "--cov-context=test", "--cov-report=", *tests,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tree, env=environment(tree))
    if done.returncode:
        raise SystemExit("mutants: the tests fail without any mutant; mend them first")
    data = coverage.CoverageData(str(tree / ".coverage"))
    data.read()
    lines = {
        Path(name).relative_to(tree).as_posix(): {
            line: sorted({context.rpartition("|")[0] for context in contexts if context})
            for line, contexts in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    return {"seconds": json.loads((tree / "durations.json").read_text(encoding="utf-8")), "lines": lines}


def tests_of(mutant: Mutant, measured: dict[str, Any]) -> list[list[str]]:
    """The tests to run: of the module's own file, then of others; the fast ones first, within `LIMIT`."""
    by_line: dict[int, list[str]] = {int(line): tests for line, tests in measured["lines"].get(mutant.file, {}).items()}
    hit = {test for line in range(mutant.start[0], mutant.end[0] + 1) for test in by_line.get(line, ())}
    seconds: dict[str, float] = measured["seconds"]
    if not hit:  # executed when the module is imported, so every test of the module sees it
        hit = {test for tests in by_line.values() for test in tests}
        hit |= {test for test in seconds if test.startswith(f"{INTERFACE}::")}
    name, left = Path(mutant.file).stem, LIMIT
    groups: list[list[str]] = [[], []]
    own = {test for test in hit if test.startswith(f"{mutant.file}::") or f"/test_{name}" in test.split("::")[0]}
    for test in sorted(hit & seconds.keys(), key=lambda test: (test not in own, seconds[test])):
        left -= seconds[test]
        if left >= 0:
            groups[test not in own].append(test)
    return [group for group in groups if group]


def attempt(mutant: Mutant, tree: Path, measured: dict[str, Any]) -> Any:
    """Apply a mutant to a copy, run its tests, restore the copy: a result of Cosmic Ray."""
    from attrs import evolve
    from cosmic_ray.mutating import mutate_and_test
    from cosmic_ray.testing import run_tests
    from cosmic_ray.work_item import TestOutcome

    groups = tests_of(mutant, measured)
    found = mutate_and_test([mutant.spec(tree)], command_of(groups, tree), TIMEOUT)
    failed = failure(found.output or "", groups)
    if found.test_outcome == TestOutcome.KILLED and failed:
        outcome, output = run_tests(command_of([[failed]], tree), TIMEOUT)
        if outcome != TestOutcome.SURVIVED:  # that test fails without the mutant, too
            return evolve(found, test_outcome=TestOutcome.INCOMPETENT, output=output)
    return found


def failure(output: str, groups: list[list[str]]) -> str | None:
    """The test that failed, as pytest says at its end; None where the tests hang, or cannot be collected."""
    lines = {line.removeprefix("FAILED ") for line in output.splitlines() if line.startswith("FAILED ")}
    return next(
        (test for group in groups for test in group if any(f"{line} - ".startswith(f"{test} - ") for line in lines)),
        None,
    )


def command_of(groups: list[list[str]], tree: Path) -> str:
    """The command that runs the tests in a copy, one group after the other, up to the first that fails."""
    runs = []
    for number, group in enumerate(groups):
        listed = tree / f".mutants-tests-{number}"
        listed.write_text("\n".join(group), encoding="utf-8")
        runs.append(f"{shlex.quote(sys.executable)} -m pytest -x -q -n0 -p no:cacheprovider @{listed.name}")
    where = shlex.quote(str(tree))
    script = f"cd {where} && export PYTHONPATH={where} && {' && '.join(runs) or 'true'}"
    return f"sh -c {shlex.quote(script)}"


# ── A run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    """Make the sample, or go on with it; report; 1 when a survivor is not explained."""
    words = {"formatter_class": argparse.RawDescriptionHelpFormatter, "description": __doc__}
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", **words)  # type: ignore[arg-type]
    parser.add_argument("files", nargs="*", metavar="FILE", help="modules to mutate, or patterns of them")
    parser.add_argument(
        "--tests", nargs="+", default=[], metavar="TESTS", help="files or folders of tests (default all)"
    )
    parser.add_argument("--share", type=float, default=SHARE, help=f"of all places, from 0 to 1 (default {SHARE})")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time (default: the cores)")
    options = parser.parse_args()
    files = modules(options.files or list(SCOPE))
    if not files:
        parser.error(
            f"no module matches {' '.join(options.files)}; name files as theory/programs.py, from {ROOT.name}/"
        )
    outcomes = run(files, options.tests, options.share, options.seed, options.jobs)
    explained = known()
    missing = [found for found in outcomes if found.outcome != "killed" and found.key not in explained]
    if not options.files and not options.tests:
        drawn = {"commit": commit(), "share": options.share, "seed": options.seed}
        report = {**drawn, "mutants": [asdict(found) for found in outcomes]}
        (HERE / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "README.md").write_text(page(outcomes, explained, **drawn), encoding="utf-8")
    print(summary(outcomes))
    for found in missing:
        print(f"{found.outcome}, unexplained: {found.file}\n    {found.line}\n    {found.becomes}")
    return 1 if missing else 0


def run(files: list[str], tests: list[str], share: float, seed: int, jobs: int) -> list[Outcome]:
    """The outcome of every mutant of the sample."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import TestOutcome, WorkItem

    mutants = {mutant.name(): mutant for file in files for mutant in sample(file, share, seed)}
    WORK.mkdir(exist_ok=True)
    trees = [copy_tree(WORK / f"tree{i}") for i in range(jobs)]
    folders = ("theory", "idealized_model", "proofs_check", "figures", "tests")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in modules([f"{folder}/**/*.py" for folder in folders])]
    stored = WORK / f"measured-{_digest(tests, texts)}.json"
    if not stored.exists():
        print("Running the tests once, to see which of them execute which line ...", flush=True)
        stored.write_text(json.dumps(measure(trees[0], tests, jobs)), encoding="utf-8")
    measured = json.loads(stored.read_text(encoding="utf-8"))
    with use_db(str(WORK / "session.sqlite")) as database:
        listed = {item.job_id for item in database.work_items}
        database.add_work_items(WorkItem.single(n, m.spec(Path())) for n, m in mutants.items() if n not in listed)
        killed = {name for name, result in database.results if result.test_outcome == TestOutcome.KILLED}
        pending = sorted(mutants.keys() - killed)
        free: queue.Queue[Path] = queue.Queue()
        for tree in trees:
            free.put(tree)

        def one(name: str) -> Any:
            tree = free.get()
            try:
                return attempt(mutants[name], tree, measured)
            finally:
                free.put(tree)

        with ThreadPoolExecutor(jobs) as pool:
            running = {pool.submit(one, name): name for name in pending}
            try:
                for count, future in enumerate(as_completed(running), start=1):
                    database.set_result(running[future], future.result())
                    if count % 20 == 0:
                        print(f"{count} of {len(pending)} mutants", flush=True)
            finally:
                pool.shutdown(cancel_futures=True)
        results = dict(database.results)
    for tree in trees:
        shutil.rmtree(tree)
    return [outcome(mutant.file, results[name]) for name, mutant in mutants.items()]


def outcome(file: str, result: Any) -> Outcome:
    """In words, with the line that was changed."""
    lines = (result.diff or "").splitlines()
    before, after = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
        for sign in "-+"
    )
    return Outcome(
        file, before, after, result.test_outcome.value if result.test_outcome else result.worker_outcome.value
    )


def known() -> dict[tuple[str, str, str], str]:
    """The reasons of equivalent.toml."""
    listed = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))["mutant"]
    return {(one["file"], one["line"], one["becomes"]): one["why"] for one in listed}


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def commit() -> str:
    """What is checked out."""
    found = subprocess.run(["git", "rev-parse", "--short=7", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def summary(outcomes: list[Outcome]) -> str:
    """One sentence."""
    killed = sum(found.outcome == "killed" for found in outcomes)
    return f"{killed:,} of {len(outcomes):,} mutants killed ({killed / len(outcomes):.1%})"


def rows(outcomes: list[Outcome]) -> Iterator[str]:
    """Killed and all, by module."""
    everything, killed = Counter(found.file for found in outcomes), Counter[str]()
    killed.update(found.file for found in outcomes if found.outcome == "killed")
    for file in sorted(everything):
        yield f"| `{file}` | {everything[file]} | {killed[file]} |"


def page(
    outcomes: list[Outcome], explained: dict[tuple[str, str, str], str], *, commit: str, share: float, seed: int
) -> str:
    """The report as Markdown."""
    survivors = [found for found in outcomes if found.outcome != "killed"]
    table = [
        f"| `{found.file}` | {_code(found.line)} | {_code(found.becomes)} | {explained.get(found.key, '**a missing test**')} |"
        for found in survivors
    ]
    return f"""# Mutants

<!-- Made by `make mutants`, from report.json and equivalent.toml. -->

{summary(outcomes)}, at commit {commit}; modules that moved since have their present names. Drawn, with seed {seed}, is a
share of {share} of all places that Cosmic Ray's operators change, with one change at each; left out are annotations,
caches, and comparisons with `is` for `==`. A mutant is killed when a test fails that passes without it, or when the tests
hang. The tests of the module's own file run first, then the others that execute the line, the fast ones first, as many as
take {LIMIT:.0f} seconds without a mutant. So the number speaks of this sample and of these tests.

| module | mutants | killed |
|---|--:|--:|
{chr(10).join(rows(outcomes))}

## Survivors

What survives changes nothing that can be seen, for the reason given in [equivalent.toml](equivalent.toml).

| module | line | becomes | why it is no fault |
|---|---|---|---|
{chr(10).join(table)}
"""


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
