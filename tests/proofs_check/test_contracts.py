"""check_task: every known task keeps its promises, and every broken one is caught by the contract that should."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from fractions import Fraction
from math import comb
from typing import Any

import pytest

from proofs_check import check_task
from proofs_check.tasks import checking, contracts, hidden
from proofs_check.tasks import sampling as sampler
from proofs_check.tasks.contracts import CONTRACTS, DRAWN, EXAMPLES, RULE
from proofs_check.tasks.hidden import HIDDEN
from proofs_check.tasks.report import Finding, TaskReport
from proofs_check.tasks.trial import Broken, Trial, calling
from tests.proofs_check import broken_tasks as broken
from theory import BudgetExceeded, InvalidArgument
from theory.tasks import TASKS, Addition, Copy, Instance, ScratchpadParity, Sorting, Task, sparse_parity

SAMPLE, LENGTH, MATTERS = "sample agrees with support", "length honoured", "every dependency matters"

CAUGHT_BY: dict[type[Task], str] = {
    broken.MislabelledCarry: RULE,
    broken.ReversedTwice: RULE,
    broken.RaisingRule: RULE,
    broken.HiddenDense: HIDDEN,
    broken.IdleSource: MATTERS,
    broken.IdleNeighbour: MATTERS,
    broken.TooSparse: "sparsity",
    broken.NotDense: "sparsity",
    broken.NotSparse: "sparsity",
    broken.OutsideAlphabet: "well formed",
    broken.Namesakes: "well formed",
    broken.Duplicates: "well formed",
    broken.NoInstances: "well formed",
    broken.RaisingSolve: "well formed",
    broken.OneShot: "deterministic",
    broken.GlobalGenerator: "deterministic",
    broken.Alternating: "deterministic",
    broken.LengthIgnored: LENGTH,
    broken.Miscounted: LENGTH,
    broken.NoShortest: LENGTH,
    broken.TooLong: LENGTH,
    broken.OffByOne: "IDs",
    broken.UncoupledSometimes: "IDs",
    broken.TellingIds: "IDs",
    broken.WrongIncrement: "IDs",
    broken.LongerJumps: "IDs",
    broken.MissingId: "IDs",
    broken.ScoredSeparator: "mask",
    broken.UnscoredOutput: "mask",
    broken.LooksAhead: "mask",
    broken.NeverLast: SAMPLE,
    broken.Biased: SAMPLE,
    broken.OneLetter: SAMPLE,
    broken.RaisingSampler: SAMPLE,
    broken.Misquoted: EXAMPLES,
}

ALSO: dict[type[Task], set[str]] = {
    # A rollout follows the rule, so it fails where the rule does; and what is wrong may depend on anything.
    broken.MislabelledCarry: {HIDDEN, "free running"},
    broken.ReversedTwice: {HIDDEN, "free running"},
    broken.HiddenDense: {RULE, "free running"},
    broken.WrongIncrement: {"free running"},
    broken.OffByOne: {HIDDEN},
    broken.ScoredSeparator: {HIDDEN},
    broken.Alternating: {SAMPLE},
    broken.TooLong: {SAMPLE},
}
"""What else fails, where that cannot be otherwise."""


def checked(task: Task, **changes: Any) -> TaskReport:
    """A quick check."""
    first = task.min_length
    return check_task(task, **{"lengths": (first, first + 1, first + 2), "budget": 1200, "draws": 20} | changes)


def found(contract: str, task: Task, **changes: Any) -> Finding:
    """What a quick check says of one contract, on its own."""
    first = task.min_length
    usual = {
        "lengths": (first, first + 1, first + 2),
        "seed": 0,
        "budget": 1200,
        "draws": 20,
        "level": Fraction(1, 1000),
    }
    options: dict[str, Any] = usual | changes
    tried = Trial(task, options.pop("lengths"), **options)
    return checking.finding_of(tried, contract)


@pytest.mark.parametrize("name", TASKS)
def test_every_known_task_keeps_its_promises(name: str) -> None:
    checked(TASKS[name]).require()


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_a_broken_task_is_caught_by_the_contract_that_should_catch_it(kind: type[Task]) -> None:
    report = checked(kind(), lengths=(1, 2, 3, 4))
    print(report.explain())
    assert CAUGHT_BY[kind] in report.refuted
    assert set(report.refuted) == {CAUGHT_BY[kind], *ALSO.get(kind, ())}


@pytest.mark.parametrize("task", [broken.Good(), broken.OwnInstances(), broken.Weighted()])
def test_right_tasks_hold(task: Task) -> None:
    checked(task).require()


SEEN_IN_DRAWS = [
    broken.MislabelledCarry, broken.HiddenDense, broken.RaisingRule, broken.OutsideAlphabet, broken.RaisingSolve,
    broken.OffByOne, broken.TellingIds, broken.ScoredSeparator, broken.MissingId, broken.NeverLast, broken.TooSparse,
]  # fmt: skip


@pytest.mark.parametrize("kind", SEEN_IN_DRAWS, ids=lambda kind: kind.__name__)
def test_draws_alone_catch_it_too(kind: type[Task]) -> None:
    report = checked(kind(), lengths=(2, 5), budget=1000 if kind is broken.NeverLast else 3, draws=60)
    print(report.explain())
    assert CAUGHT_BY[kind] in report.refuted


def test_a_change_of_one_token_alone_shows_what_is_hidden() -> None:
    """Where what is read follows from most of the prompt, another prompt never leaves it as it was."""
    finding = found(HIDDEN, broken.HiddenLetter(), lengths=(12,), budget=1)
    assert finding.kind == "refuted"
    assert finding.where.startswith("length 12, prompt 'aaaaaaaaaaa")
    assert "the step at position 24" in finding.where


def test_increments_that_grow_are_seen_at_three_lengths() -> None:
    finding = found("IDs", broken.LongerJumps(), lengths=(1, 2, 3))
    assert (finding.where, finding.seen) == ("lengths 1, 2, 3", "increments as large as 1, 2, 3")
    assert found("IDs", broken.LongerJumps(), lengths=(1, 2)).holds
    assert found("IDs", broken.LongerJumps(), lengths=(1, 4, 5)).holds
    drawn = found("IDs", broken.LongerJumps(), lengths=(1, 2, 3), budget=1)
    assert drawn.kind == "inconclusive"
    assert drawn.scope.startswith("increments as large as 1, 2, 3, and still growing: list more lengths")


def test_a_claimed_offset_that_is_never_seen_is_not_supported() -> None:
    finding = found("IDs", broken.UnseenOffset())
    assert finding.kind == "inconclusive"
    assert finding.scope.startswith("no step reads IDs at the claimed offsets (2,): ")


# ── What is counted ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_instance_is_not_compared_with_itself() -> None:
    """Copy, by hand: at length 1 nothing reads the same twice; at length 2 each of 2 · 2 readings comes twice."""
    finding = found(HIDDEN, Copy(), lengths=(1, 2))
    assert (finding.kind, finding.instances, finding.scope) == ("exhausted", 2 + 8, "4 comparisons")


@pytest.mark.parametrize("task", [Copy(), broken.OwnInstances(), ScratchpadParity()], ids=["free", "own", "scratchpad"])
@pytest.mark.parametrize("budget", [1, 1000])
def test_every_comparison_is_one_of_two_instances(task: Task, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs: list[tuple[Instance, Instance]] = []
    for name in ("_check_label", "_check_step"):
        monkeypatch.setattr(hidden, name, lambda trial, length, step, one, other: pairs.append((one, other)))
    finding = found(HIDDEN, task, lengths=(2, 3), budget=budget)
    assert all(one != other for one, other in pairs)
    assert finding.scope == f"{len(pairs):,} comparisons"
    n_steps = sum(len(instance.steps) for length in (2, 3) for instance in task.support(length))
    assert finding.instances == (len(pairs) if budget == 1 else n_steps)


def test_a_step_that_reads_the_whole_prompt_hides_nothing() -> None:
    finding = found(HIDDEN, TASKS["full parity"], lengths=(30,), draws=7)
    assert (finding.kind, finding.instances, finding.scope) == ("supported", 7, "0 comparisons")


def test_drawn_instances_that_never_read_the_same_support_nothing() -> None:
    finding = found(HIDDEN, sparse_parity(2), lengths=(1000,), budget=20_000, draws=1)
    assert finding.kind == "inconclusive"
    assert finding.scope == "at length 1000 no two drawn instances read the same at a step: try shorter lengths"
    finding = found(HIDDEN, sparse_parity(2), lengths=(3, 1000), budget=20_000, draws=1)
    assert finding.kind == "supported"
    assert finding.scope == "0 comparisons, none at length 1000"


def test_what_hypothesis_finds_is_shrunk() -> None:
    finding = found(RULE, broken.RaisingRule(), lengths=(6,), budget=1)
    assert finding.where == "length 6, prompt 'aaaaab>', the step at position 12"
    finding = found(HIDDEN, broken.HiddenDense(), lengths=(5,), budget=1, draws=100)
    assert finding.where == "length 5, prompt '00000s0', the step at position 10"
    assert finding.seen.startswith("reads 's00' here and with the prompt '1")


def test_errors_of_the_task_are_findings_that_name_method_input_and_error() -> None:
    finding = found("well formed", broken.RaisingSolve())
    assert finding.where == "length 2, prompt 'bb>'"
    assert finding.seen == "solve raised ZeroDivisionError: division by zero"
    finding = found("sample agrees with support", broken.RaisingSampler())
    assert finding.seen == "sample raised IndexError: tuple index out of range"


def test_what_instance_refuses_is_charged_to_the_contract_in_question() -> None:
    assert "solve raised InvalidArgument: Instance: argument ids" in found("IDs", broken.MissingId()).seen
    assert "solve raised InvalidArgument: Instance: argument steps" in found("mask", broken.LooksAhead()).seen


# ── The report ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_kinds_say_what_was_listed() -> None:
    full, drawn = checked(broken.Good()), checked(broken.Good(), budget=3)
    assert [finding.contract for finding in full.findings] == [*CONTRACTS]
    assert {finding.contract for finding in full.findings if finding.kind == "supported"} == set(DRAWN)
    assert {finding.kind for finding in drawn.findings if finding.contract != EXAMPLES} == {"supported"}
    assert (full.scope, drawn.scope) == ("all of lengths 1, 2, 3", "all of length 1, draws of lengths 2, 3")


def test_default_lengths() -> None:
    assert check_task(broken.Good()).lengths == (1, 2, 3, 4, 8)


def test_the_same_seed_gives_the_same_report() -> None:
    reports = [checked(TASKS["addition, reversed"], lengths=(1, 3), budget=200, seed=seed) for seed in (1, 1)]
    assert reports[0] == reports[1]
    assert pickle.loads(pickle.dumps(reports[0])) == reports[0]
    assert json.loads(json.dumps(reports[0].to_dict()))["holds"] is True


def test_a_finding_is_frozen_and_neither_true_nor_false() -> None:
    finding = Finding("mask", "exhausted", "1 instance", 1)
    with pytest.raises(FrozenInstanceError):
        finding.kind = "refuted"  # type: ignore[misc]
    with pytest.raises(TypeError, match="look at its kind"):
        bool(finding)


def test_require_raises_one_error_with_the_text() -> None:
    report = checked(broken.NotDense())
    with pytest.raises(AssertionError) as failure:
        report.require()
    assert str(failure.value) == report.explain()
    assert "wanted  larger sets at longer lengths, as the task is declared dense" in report.explain()
    assert report.explain().endswith("11 of 12 contracts hold. Refuted: sparsity.")


@pytest.mark.parametrize("lengths", [(1,), (1, 2, 3, 4)])
def test_a_size_that_is_declared_and_not_seen_is_not_refuted(lengths: tuple[int, ...]) -> None:
    """A longer length may show it; and nothing is certified."""
    report = checked(broken.NotSoSparse(), lengths=lengths)
    assert [finding.contract for finding in report.findings if not finding.holds] == ["sparsity"]
    finding = report["sparsity"]
    assert (finding.kind, report.holds) == ("inconclusive", False)
    assert finding.scope.endswith(", below sparsity = 3: try longer lengths, or declare less")


def test_one_length_may_be_too_few() -> None:
    report = checked(TASKS["full parity"], lengths=(2,))
    assert [finding.contract for finding in report.findings if not finding.holds] == ["sparsity"]
    assert report["sparsity"].kind == "inconclusive"
    assert not report.holds
    assert report.refuted == ()


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"lengths": ()}, "lengths"),
        ({"lengths": (0, 1)}, "lengths"),
        ({"lengths": 3}, "lengths"),
        ({"lengths": ("1",)}, "lengths"),
        ({"budget": 0}, "budget"),
        ({"draws": True}, "draws"),
        ({"seed": -1}, "seed"),
        ({"level": 0.001}, "level"),
        ({"level": 1}, "level"),
    ],
)
def test_malformed_arguments_are_refused(changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_task(broken.Good(), **changes)
    assert (refused.value.where, refused.value.argument) == ("check_task", argument)


def test_a_length_beyond_the_budget_is_refused() -> None:
    with pytest.raises(BudgetExceeded, match=r"check_task: argument budget: .* 2,000 items") as refused:
        check_task(broken.Good(), lengths=(1, 65), budget=1999)
    assert (refused.value.size, refused.value.budget) == (2000, 1999)
    with pytest.raises(BudgetExceeded):
        check_task(broken.Good(), lengths=(10**30,))


def test_long_prompts_are_drawn_by_a_seed() -> None:
    """Token by token they would be more than Hypothesis draws."""
    long = trial(broken.Good(), 3000, budget=10**6)
    assert contracts.mask(long)[:2] == (10, "10 instances")
    assert contracts.rule_agrees(long).cases == 10 * 3000
    with pytest.raises(Broken) as found:
        contracts.rule_agrees(trial(broken.RaisingRule(), 3000, budget=10**6))
    assert found.value.seen == "rule raised KeyError: 1"


def test_one_change_at_a_time_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long prompts some tokens are changed, others of other prompts."""
    changed: list[int] = []
    right = hidden._check_changed

    def watch(trial: Trial, length: int, one: Instance, prompt: tuple[int, ...], steps: tuple[Any, ...]) -> int:
        differ = [i for i, token in enumerate(prompt) if token != one.tokens[i]]
        changed.extend(differ if len(differ) == 1 else ())
        return right(trial, length, one, prompt, steps)

    monkeypatch.setattr(hidden, "_check_changed", watch)
    hidden.no_hidden_dependence(trial(broken.Good(), 300, budget=10**6))
    assert len(changed) <= 10 * hidden.CHANGES
    assert len(set(changed)) > 2 * hidden.CHANGES


def test_a_class_is_no_task() -> None:
    with pytest.raises(InvalidArgument, match="expected a Task"):
        check_task(broken.Good)  # type: ignore[arg-type]


class Unnamed(broken.Good):
    """Its attributes raise."""

    @property
    def name(self) -> str:  # type: ignore[override]
        raise KeyError("name")


def test_attributes_that_raise_are_findings() -> None:
    finding = found("well formed", Unnamed())
    assert (finding.where, finding.seen) == ("the attribute name", "KeyError: 'name'")


def test_a_right_sampler_is_rarely_refuted() -> None:
    options: dict[str, Any] = {"level": Fraction(1, 20), "budget": 300}
    findings = [found("sample agrees with support", broken.Good(), seed=seed, **options) for seed in range(20)]
    assert sum(finding.kind == "refuted" for finding in findings) <= 5  # Binomial(20, 1/20)


def trial(task: Task, *lengths: int, budget: int = 20_000, seed: int = 0, level: Fraction = Fraction(1, 1000)) -> Trial:
    """For one contract alone."""
    return Trial(task, lengths, seed=seed, budget=budget, draws=10, level=level)


def tail(n: int, k: int, *, upper: bool) -> Fraction:
    """The chance of k or more, or of k or fewer, among n draws of one of 16 letters; exact."""
    counts = range(k, n + 1) if upper else range(k + 1)
    return Fraction(sum(comb(n, i) * 15 ** (n - i) for i in counts), 16**n)


@pytest.mark.parametrize(("k", "upper"), [(100, True), (30, False)])
@pytest.mark.parametrize(("factor", "refuted"), [(Fraction(3, 2), False), (Fraction(5, 2), True)])
def test_a_letter_that_comes_too_often_or_too_seldom(
    k: int, upper: bool, factor: Fraction, refuted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either tail counts, and counts twice: at level 3/2 of it a test of both sides holds, at 5/2 it does not.

    The other letters share the rest evenly, so that they are far from refuting anything. The level is one for 16 tests.
    """
    task, n = Copy(16), 1000
    sampled = trial(task, 1, budget=n, level=16 * factor * tail(n, k, upper=upper))
    others = iter([0] * k + [1 + i % 15 for i in range(n - k)])
    monkeypatch.setattr(sampled, "draw", lambda length, rng: task.solve((next(others), 16)))
    if refuted:
        with pytest.raises(Broken) as found:
            sampler.sampling(sampled)
        assert found.value.where == "length 1, prompt 'a>'"
        assert found.value.seen == f"{k} of 1,000 samples"
    else:
        assert sampler.sampling(sampled).scope.startswith("1,000 samples: 16 exact tests")


@pytest.mark.parametrize(
    ("task", "length", "positions"),
    [
        (broken.OneLetter(), 9, "positions"),
        (broken.OneLetter(), 20, "positions"),  # too long to be listed
        (broken.SameEnds(), 9, "positions 0 and 8"),
    ],
)
def test_beyond_256_instances_pairs_of_tokens_are_tested(task: Task, length: int, positions: str) -> None:
    """Each letter alone comes as often as it should."""
    with pytest.raises(Broken) as found:
        sampler.sampling(trial(task, length, budget=1000))
    assert found.value.where.startswith(f"length {length}, prompt {positions}")


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(broken.Good(), marks=pytest.mark.slow),
        broken.OwnInstances(),
        pytest.param(broken.Weighted(), marks=pytest.mark.slow),
    ],
    ids=["free", "own", "weighted"],
)
def test_a_right_sampler_is_rarely_refuted_by_pairs(task: Task) -> None:
    refuted, sampled = 0, trial(task, 9, budget=600, level=Fraction(1, 20))
    for seed in range(20):
        sampled.seed = seed
        try:
            sampler.sampling(sampled)
        except Broken:
            refuted += 1
    assert refuted <= 5  # Binomial(20, 1/20)


@pytest.mark.parametrize(
    ("task", "length"),
    [(Addition(2), 5), (Sorting(3), 6), (broken.Weighted(), 9), (sparse_parity(2), 20)],
    ids=["addition", "sorting", "weighted", "planted"],
)
def test_the_law_of_what_is_counted_is_that_of_the_instances(task: Task, length: int) -> None:
    """Listed, and by choices."""
    law, places = sampler._law(trial(task, length), length)
    instances = list(task.support(length))
    total = sum(map(task.weight, instances))
    for outcome, probability in law.items():
        assert isinstance(outcome, tuple)
        shown = [instance for instance in instances if all(instance.tokens[i] == token for i, token in outcome)]
        assert probability == Fraction(sum(map(task.weight, shown)), total)
    assert sum(law.values()) == len(places)
    assert 2 < sum(len(place) == 2 for place in places) <= sampler.PAIRS + 1
    if trial(task, length).free:
        assert sampler._law(trial(task, length, budget=1), length) == (law, places)


def test_lengths_of_any_kind_are_refused_in_words() -> None:
    with pytest.raises(InvalidArgument, match="check_task: argument lengths: got 'x'; expected integers >= 1"):
        check_task(Copy(), lengths=[1, 2, "x"])  # type: ignore[list-item]


def test_a_task_that_exits_is_a_finding() -> None:
    class Exits(Copy):
        def solve(self, prompt: tuple[int, ...]) -> Instance:
            raise SystemExit(0)

    report = check_task(Exits(), lengths=(1, 2))
    assert report.refuted
    assert not report.holds


@pytest.mark.parametrize("budget", [1, 20_000])
@pytest.mark.parametrize("times", [1, 1000])
def test_no_memory_is_no_finding_even_if_there_is_some_at_the_next_attempt(times: int, budget: int) -> None:
    class Large(Copy):
        calls = 0

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            self.calls += 1
            if 10 < self.calls <= 10 + times:
                raise MemoryError
            return super().solve(prompt)

    with pytest.raises(MemoryError):
        check_task(Large(), lengths=(5, 6), budget=budget)


def test_frequencies_that_were_not_tested_are_not_supported() -> None:
    task = sparse_parity(2)
    report = check_task(task, lengths=[300, 301], draws=5)
    assert report["sample agrees with support"].kind == "inconclusive"


def test_a_finding_about_a_call_stays_what_it_is() -> None:
    known = Broken("here", "this", "that", owner="mask")
    with pytest.raises(Broken) as met, calling("solve", "elsewhere", owner="IDs"):
        raise known
    assert met.value is known


def test_tokens_are_counted_in_prompts_that_reach_so_far() -> None:
    """Each by its weight; the output does not count."""
    made = [Copy().solve((0, 2)), Copy().solve((0, 1, 2))]
    assert sampler._counts(made, [2, 3], [(0,), (2,)]) == {((0, 0),): 5, ((2, 2),): 3}


def test_pairs_with_too_many_outcomes_are_not_counted() -> None:
    assert sampler._places([range(16), range(16), [0]]) == [(0,), (1,), (2,), (0, 1)]
    assert sampler._places([range(17), range(16), [0]]) == [(0,), (1,), (2,)]
    assert sampler._places([range(32), range(16), [0]]) == [(0,), (1,), (2,)]


def test_prompts_of_one_level_are_of_the_first_four_and_of_the_last() -> None:
    corners = trial(Copy(9), 3).corners(3)
    level = {prompt[0] for prompt in corners if len({*prompt[:3]}) == 1}
    assert level == {0, 1, 2, 3, 8}
    assert {prompt[0] for prompt in trial(Copy(2), 3).corners(3) if len({*prompt[:3]}) == 1} == {0, 1}


def test_a_climb_tries_as_many_prompts_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of a prompt is never larger than another's, so one round goes through every change, or to the limit."""
    monkeypatch.setattr(contracts, "CLIMBS", 5)
    climbing = trial(Copy(9), 30)
    solved: list[object] = []
    solve = climbing.solve
    climbing.seen(30)
    monkeypatch.setattr(climbing, "solve", lambda length, prompt: solved.append(prompt) or solve(length, prompt))
    contracts._largest(climbing, 30, more_than=9)
    assert len(solved) == 5
