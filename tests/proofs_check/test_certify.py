"""`certify` and its command: what is right on every instance, what fails where, and what was not tried."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress
from scipy.stats import beta

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.data import every_ids
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.evaluation import answers, wrong_steps
from idealized_model.transformer.source import Unknown
from idealized_model.transformer.training import TrainConfig, Trainer
from proofs_check import certify
from proofs_check.certification.certifying import BUDGET
from proofs_check.certification.subjects import Model, find_function, load_run, subject_of
from tests import own_tasks
from tests.processes import LENGTHGEN, started
from tests.proofs_check.test_cli import Out, status_of
from theory.errors import HUGE, InvalidArgument
from theory.tasks import Addition, Copy, CountOnes, Instance, MultiAddition, Sorting, Task, sparse_parity

PREDICTORS = """
import itertools

from theory.tasks import Copy

calls = itertools.count()


def copy(prompt):
    return prompt[:-1]


def named(prompt):
    return "".join(prompt[:-1])


def short(prompt):
    return prompt[:1]


def deep(prompt):
    if len(prompt) > 3:
        raise ValueError("no way")
    return prompt[:-1]


def two(prompt, key):
    return prompt


async def late(prompt):
    return prompt[:-1]


def unsure(prompt):
    return prompt[:-1] if next(calls) < 6 else ()


def interrupted(prompt):
    if next(calls) == 9:
        raise KeyboardInterrupt
    return prompt[:-1]


class Model:
    def __call__(self, prompt):
        return list(prompt[:-1])

    predict = __call__


class Needy:
    def __init__(self, path):
        pass


model = Model()
task = Copy()


class Fewer(Copy):
    def instances(self, length):
        return itertools.islice(super().instances(length), 3)


class Broken(Copy):
    def solve(self, prompt):
        return {}[prompt]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with functions that predict."""
    own_tasks.put(tmp_path, monkeypatch)
    (tmp_path / "predictors.py").write_text(PREDICTORS, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "predictors", raising=False)
    return tmp_path


def right(prompt: tuple[int, ...]) -> tuple[int, ...]:
    return prompt[:-1]


# ── Functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task", [Copy(3), Sorting(2), Addition(base=3), sparse_parity(2), CountOnes(4)], ids=str)
def test_what_is_right_everywhere_is_tried_on_every_instance(task: Task) -> None:
    lengths = [task.min_length, task.min_length + 2, task.min_length + 1, task.min_length]
    seen: Counter[tuple[int, ...]] = Counter()
    solved: dict[tuple[int, ...], Instance] = {}
    for length in set(lengths):
        solved |= {one.tokens[: one.n_prompt]: one for one in task.support(length)}

    def solver(prompt: tuple[int, ...]) -> tuple[int, ...]:
        seen[prompt] += 1
        return solved[prompt].tokens[len(prompt) :]

    found = certify(solver, task, lengths=lengths)
    assert found.kind == "exhausted"
    assert [tally.length for tally in found.lengths] == sorted(set(lengths))
    for tally in found.lengths:
        n = task.n_instances(tally.length)
        assert (tally.tried, tally.failures, tally.size, tally.how, tally.interval) == (n, 0, n, "exhausted", None)
    assert seen.keys() == solved.keys()
    assert found.smallest is None
    assert found.verdict() == f"exhausted: right on every one of {found.tried:,} sequences."


def forgetful(prompt: tuple[int, ...]) -> tuple[int, ...]:
    """Adds numbers to the base 3, from the lowest digit on, and forgets a carry that comes from a carry."""
    n = (len(prompt) - 2) // 2
    digits, carry = [], 0
    for a, b in zip(prompt[n - 1 :: -1], prompt[2 * n : n : -1], strict=True):
        total = a + b + carry
        digits.append(total % 3)
        carry = int(a + b >= 3)
    return tuple(digits)


def test_failures_are_those_of_a_plain_comparison() -> None:
    """Which, how many, where they begin and on what: all of it counted anew, step by step."""
    task, lengths = Addition(base=3), (1, 2, 3)
    begin: Counter[tuple[Any, ...]] = Counter()
    smallest: dict[tuple[Any, ...], tuple[int, Instance]] = {}
    wrong = dict.fromkeys(lengths, 0)
    for length in lengths:
        for one in task.support(length):
            output = forgetful(one.tokens[: one.n_prompt])
            for j, step in enumerate(one.steps, start=1):
                came = output[step.position - one.n_prompt]
                if came != one.tokens[step.position]:
                    key = (j, tuple(task.alphabet[t] for t in one.read(step)), repr(task.alphabet[came]))
                    begin[key] += 1
                    wrong[length] += 1
                    smallest.setdefault(key, (length, one))
                    break
    found = certify(forgetful, task, lengths=lengths)
    assert found.kind == "refuted"
    assert {tally.length: tally.failures for tally in found.lengths} == wrong
    assert wrong[1] == 0 < wrong[2]
    groups = {(one.smallest.step, one.smallest.read, one.smallest.came): one for one in found.groups}
    assert {key: group.failures for key, group in groups.items()} == begin
    for key, (length, one) in smallest.items():
        group = groups[key].smallest
        assert (group.length, group.tokens, group.ids) == (length, one.tokens, one.ids)
        step = one.steps[key[0] - 1]
        assert (group.position, group.sources) == (step.position, step.sources)
        assert group.expected == task.alphabet[one.tokens[step.position]]
    counts = [group.failures for group in found.groups]
    assert counts == sorted(counts, reverse=True)
    first = min(smallest.values(), key=lambda pair: (pair[0], pair[1].tokens))[1]
    assert found.smallest is not None
    assert found.smallest.tokens == first.tokens
    assert f"wrong on {sum(wrong.values()):,} of {found.tried:,} sequences" in found.verdict()


def test_the_smallest_failure_is_said_in_words() -> None:
    found = certify(lambda prompt: sorted(right(prompt)), "copy", lengths=[3, 2])
    assert found.smallest is not None
    assert found.smallest.words() == (
        "length 2, prompt 'ba>': step 1, at position 3, reads 'b' at 0; expected 'b', came 'a'"
    )
    text = found.explain()
    assert f"Smallest failure: {found.smallest.words()}\n  token b  a  >  b  a\n" in text
    assert "  1     'b'    'b'       'a'   4         length 2: 'ba>'\n" in text
    assert "  3       8          all 8  4      0.5\n" in text
    assert text.startswith("<lambda> on 'copy'\n")


def test_many_places_are_cut_in_the_text_and_counted() -> None:
    found = certify(lambda prompt: [(token + 1) % 9 for token in right(prompt)], Copy(9), lengths=[1, 2])
    assert len(found.groups) == 9
    assert "other place" not in found.explain()
    found = certify(lambda prompt: [(token + 1) % 13 for token in right(prompt)], Copy(13), lengths=[1])
    assert "  and 3 other places: 3 failures\n" in found.explain()
    assert len(found.to_dict()["groups"]) == found.to_dict()["n_groups"] == 13


# ── Outputs of all kinds ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "predict",
    [
        list, lambda word: np.array(word), lambda word: (t for t in word), lambda word: "".join("ab"[t] for t in word),
        lambda word: ["ab"[t] for t in word], lambda word: [np.int8(t) for t in word],
        lambda word: ["ab"[t] if j else t for j, t in enumerate(word)],
    ],
)  # fmt: skip
def test_tokens_may_be_numbers_or_names_in_any_sequence(predict: Callable[[Any], Any]) -> None:
    assert certify(lambda prompt: predict(prompt[:-1]), "copy", lengths=[1, 2, 3]).kind == "exhausted"


def test_prompts_may_have_names() -> None:
    seen: list[Any] = []

    def named(prompt: tuple[str, ...]) -> tuple[str, ...]:
        seen.append(prompt)
        return prompt[:-1]

    assert certify(named, "copy", lengths=[1], tokens="names").kind == "exhausted"
    assert sorted({*seen}) == [("a", ">"), ("b", ">")]


def endless(prompt: Any) -> Any:
    while True:
        yield 0


@pytest.mark.parametrize(
    ("output", "step", "came", "words"),
    [
        (None, None, "returns None, which is no sequence of tokens", "returns None, which is no sequence of tokens"),
        (7, None, "returns a int, which is no sequence of tokens", "returns 7, which is no sequence of tokens"),
        (b"aa", None, "returns a bytes, which is no sequence of tokens", "returns b'aa', which"),
        ({0: 0}, None, "returns a dict, which is no sequence of tokens", "returns {0: 0}, which"),
        ({0}, None, "returns a set, which is no sequence of tokens", r"returns {0}, which"),
        ((), 1, "no token", "came no token (the output ends after 0 of 2)"),
        ((0,), 2, "no token", "came no token (the output ends after 1 of 2)"),
        ((0, 0, 0), None, "returns more tokens", "returns more tokens than 2"),
        (endless(()), None, "returns more tokens", "returns more tokens than 2"),
        ((1, 0, 0), 1, "'b'", "came 'b'"),
        (([0], [0]), 1, "no token", "came no token (the list [0])"),
        ((0, {}), 2, "no token", "came no token (the dict {})"),
        ((False, False), 1, "no token", "came no token (the bool False)"),
        ((0.0, 0.0), 1, "no token", "came no token (the float 0.0)"),
        ((0, 3), 2, "no token", "came no token (3)"),
        ((-1, 0), 1, "no token", "came no token (-1)"),
        (("a", "c"), 2, "no token", "came no token ('c')"),
        ("ab", 2, "'b'", "came 'b'"),
    ],
)  # fmt: skip
def test_what_is_no_output_is_a_failure_that_is_named(output: Any, step: int | None, came: str, words: str) -> None:
    found = certify(lambda prompt: output if prompt == (0, 0, 2) else right(prompt), "copy", lengths=[1, 2, 3])
    assert (found.kind, found.failures) == ("refuted", 1)
    assert found.smallest is not None
    assert (found.smallest.step, found.smallest.came) == (step, came)
    assert found.smallest.words().startswith("length 2, prompt 'aa>': ")
    assert words in found.smallest.words()


@pytest.mark.parametrize("error", [ValueError("no way"), SystemExit(3), RecursionError(), StopIteration(), KeyError(1)])
def test_what_raises_is_a_failure_that_is_named(error: BaseException) -> None:
    def raising(prompt: tuple[int, ...]) -> tuple[int, ...]:
        if len(prompt) > 2:
            raise error
        return right(prompt)

    found = certify(raising, "copy", lengths=[1, 2, 3])
    assert [tally.failures for tally in found.lengths] == [0, 4, 8]
    [group] = found.groups
    assert (group.failures, group.smallest.step, group.smallest.read) == (12, None, ())
    assert group.smallest.came == f"raises {type(error).__name__}"
    assert f"length 2, prompt 'aa>': raises {type(error).__name__}: {error}\n" in found.smallest.words()  # type: ignore[union-attr]
    assert "in raising" in found.explain()


def test_a_full_memory_is_no_failure_of_the_function() -> None:
    def full(prompt: object) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        certify(full, "copy", lengths=[1])


def spin(prompt: tuple[int, ...], least: int = 3) -> Any:
    while len(prompt) > least:
        pass
    return prompt[:-1]


def endless(prompt: tuple[int, ...]) -> Any:
    """Tokens without an end to wait for."""
    while len(prompt) > 3:
        pass
    yield from prompt[:-1]


@pytest.mark.parametrize("predict", [spin, endless])
def test_a_call_without_an_end_is_a_failure_and_the_third_one_ends_the_work(predict: Callable[[Any], Any]) -> None:
    began = time.monotonic()
    found = certify(predict, Copy(2), lengths=[1, 2, 3, 4, 5], seconds=0.2)
    assert time.monotonic() - began < 5
    assert found.kind == "refuted"
    assert [(one.length, one.tried, one.failures, one.how) for one in found.lengths] == [
        (1, 2, 0, "exhausted"),
        (2, 4, 0, "exhausted"),
        (3, 3, 3, "unfinished"),
    ]
    assert "length 3, prompt 'aaa>': does not end within 0.2 seconds" in found.explain()
    assert found.verdict().endswith("wrong on 3 of 9 sequences. 3 calls had no end; the rest was not tried.")
    assert found.to_dict()["stopped"] == "3 calls had no end; the rest was not tried."


def test_where_all_was_tried_nothing_was_stopped() -> None:
    found = certify(lambda prompt: spin(prompt, 1), Copy(3), lengths=[1], seconds=0.15)
    assert (found.stopped, found.lengths[0].how, found.failures) == ("", "exhausted", 3)
    some = certify(lambda prompt: spin(prompt, 1), Copy(2), lengths=[1], seconds=0.15)
    assert (some.stopped, some.lengths[0].how, some.failures) == ("", "exhausted", 2)
    more = certify(lambda prompt: spin(prompt, 1), Copy(3), lengths=[1, 2], seconds=0.15)
    assert more.stopped
    assert [one.how for one in more.lengths] == ["exhausted"]


def test_names_are_offered_where_numbers_raise_everywhere() -> None:
    def table(prompt: tuple[Any, ...]) -> list[str]:
        return [{"a": "a", "b": "b"}[token] for token in prompt[:-1]]

    found = certify(table, "copy", lengths=[1])
    assert found.verdict().endswith("; --tokens names gives it their names.")
    assert certify(table, "copy", lengths=[1], tokens="names").kind == "exhausted"
    assert not certify(lambda prompt: {0: [0]}[prompt[0]], "copy", lengths=[1]).hint


def test_what_a_task_supplies_is_not_compared_but_has_its_place() -> None:
    task = MultiAddition(3, base=2)
    solved = {one.tokens[: one.n_prompt]: one for one in task.support(1)}
    assert all(one.given for one in solved.values())

    def other(prompt: tuple[int, ...]) -> tuple[int, ...]:
        one = solved[prompt]
        return tuple(0 if i in one.given else one.tokens[i] for i in range(len(prompt), len(one.tokens)))

    def without(prompt: tuple[int, ...]) -> tuple[int, ...]:
        one = solved[prompt]
        return tuple(one.tokens[step.position] for step in one.steps)

    assert certify(other, task, lengths=[1]).kind == "exhausted"
    assert certify(without, task, lengths=[1]).failures == len(solved)


# ── What is not tried ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", ["95/100", "999/1000"])
def test_what_cannot_be_listed_is_drawn_with_an_exact_bound(level: str) -> None:
    found = certify(right, "copy", lengths=[2, 20], budget=1000, samples=300, level=level, seed=5)
    assert (found.kind, [tally.how for tally in found.lengths]) == ("supported", ["exhausted", "sampled"])
    listed, drawn = found.lengths
    assert (listed.tried, drawn.tried, drawn.size, drawn.failures) == (4, 300, 2**20, 0)
    numerator, denominator = map(int, level.split("/"))
    high = beta.ppf(1 - (1 - numerator / denominator) / 2, 1, 300)
    assert drawn.interval == pytest.approx((0, high), rel=1e-9)
    assert f"at most {high:.3g} of the law of the task goes wrong, with confidence" in found.verdict()
    assert "about 1,048,576" in found.explain()
    assert certify(right, "copy", lengths=[2], budget=4).kind == "exhausted"
    assert certify(right, "copy", lengths=[2], budget=3, samples=50).kind == "supported"


@pytest.mark.parametrize(
    ("lengths", "budget", "samples", "said"),
    [
        ([2, 3], 3, 8, "Of lengths 2, 3 no fewer were drawn than there are: a budget of 8 lists them all."),
        ([2, 3], 3, 7, "Of length 2 no fewer were drawn than there are: a budget of 4 lists them all."),
        ([2, 3], 4, 7, ""),
        ([1, 2], 4, 50, ""),
    ],
)
def test_more_samples_than_sequences_are_said(lengths: list[int], budget: int, samples: int, said: str) -> None:
    for predict in (right, lambda prompt: (1,)):
        verdict = certify(predict, "copy", lengths=lengths, budget=budget, samples=samples).verdict()
        assert ("no fewer were drawn" in verdict) == bool(said)
        assert said in verdict


def test_a_failure_that_is_drawn_refutes() -> None:
    def half(prompt: tuple[int, ...]) -> Any:
        return right(prompt) if prompt[0] else (1,)

    found = certify(half, "copy", lengths=[30], samples=400)
    [tally] = found.lengths
    assert found.kind == "refuted"
    low, high = tally.interval or (0, 0)
    assert low < tally.failures / 400 < high
    assert abs(tally.failures - 200) < 60
    failing = [group.smallest for group in found.groups]
    assert found.smallest is not None
    assert found.smallest.tokens == min(one.tokens for one in failing)
    again = certify(half, "copy", lengths=[30], samples=400)
    assert again == found
    assert certify(half, "copy", lengths=[30], samples=400, seed=1).groups != found.groups


def test_a_length_with_more_instances_than_can_be_counted_is_drawn() -> None:
    found = certify(right, "copy", lengths=[20_000], samples=2)
    assert found.kind == "supported"
    assert "10^1000 or more" in found.explain()
    assert json.loads(json.dumps(found.to_dict()))["lengths"][0]["size"] == HUGE


@pytest.mark.parametrize("fails", [False, True])
def test_an_interrupt_keeps_what_was_found(fails: bool) -> None:
    calls = iter(range(100))

    def stopped(prompt: tuple[int, ...]) -> tuple[int, ...]:
        if next(calls) == 9:
            raise KeyboardInterrupt
        return () if fails and prompt == (1, 0, 2) else right(prompt)

    found = certify(stopped, "copy", lengths=[1, 2, 3, 4])
    assert found.kind == ("refuted" if fails else "inconclusive")
    assert [(tally.length, tally.tried, tally.how) for tally in found.lengths] == [
        (1, 2, "exhausted"), (2, 4, "exhausted"), (3, 3, "unfinished"),
    ]  # fmt: skip
    assert found.interrupted
    assert found.failures == fails
    assert "Interrupted." in found.verdict()


def test_an_interrupt_while_it_is_asked_again_counts_too() -> None:
    calls = iter(range(100))

    def stopped(prompt: tuple[int, ...]) -> tuple[int, ...]:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return right(prompt)

    found = certify(stopped, "copy", lengths=[1])
    assert (found.kind, found.tried, found.interrupted) == ("inconclusive", 2, True)


def test_what_answers_differently_is_not_certified() -> None:
    calls = iter(range(100))
    found = certify(lambda prompt: right(prompt) if next(calls) < 7 else (), "copy", lengths=[1, 2])
    assert (found.kind, found.failures) == ("inconclusive", 0)
    assert found.unstable == "'aa>': right, then step 1 wrong"
    assert "Asked again, it answers differently: 'aa>': right, then step 1 wrong." in found.verdict()
    calls = iter(range(100))
    found = certify(lambda prompt: () if next(calls) == 3 else right(prompt), "copy", lengths=[1, 2])
    assert (found.kind, found.failures) == ("refuted", 1)  # it was wrong once, though not again
    assert found.unstable == "'ab>': step 1 wrong, then right"


def test_what_is_done_is_told() -> None:
    told: list[tuple[int, int, int]] = []
    certify(right, "copy", lengths=[1, 20], budget=10, samples=3, watch=lambda *now: told.append(now))
    assert told == [(1, 1, 2), (1, 2, 2), (20, 1, 3), (20, 2, 3), (20, 3, 3)]


def test_a_certification_is_not_true_or_false() -> None:
    with pytest.raises(TypeError, match="look at its kind"):
        bool(certify(right, "copy", lengths=[1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": []}, "argument lengths: got none"),
        ({"lengths": 3}, "argument lengths: got the int 3"),
        ({"lengths": [0]}, r"Copy\.certify: argument length: got 0; expected an integer >= 1"),
        ({"lengths": [True]}, r"argument length: got True"),
        ({"budget": -1}, "argument budget: got -1"),
        ({"samples": 0}, "argument samples: got 0"),
        ({"seed": -1}, "argument seed: got -1"),
        ({"level": "2"}, "argument level: got 2; expected a level between 0 and 1"),
        ({"level": "high"}, "argument level"),
        ({"tokens": "name"}, "argument tokens: got 'name'; .* Did you mean 'names'"),
        ({"task": None}, "argument task: got the NoneType None; expected a task, or its name"),
        ({"task": "copi"}, "argument task: got 'copi'; .* Did you mean 'copy'"),
        ({"subject": 3}, "argument subject: got the int 3; expected a function or a Trainer"),
        ({"task": "predictors:Fewer", "lengths": [3]}, r"lists 3 of its 8 instances of length 3; .*lengthgen task"),
        ({"task": "predictors:Broken"}, "argument task: .*KeyError"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    given = {"subject": right, "task": "copy", "lengths": [2], **options}
    with pytest.raises(InvalidArgument, match=message):
        certify(given.pop("subject"), given.pop("task"), **given)


def test_names_must_tell_tokens_apart() -> None:
    class Twice(Copy):
        alphabet = ("a", "a", ">")

    assert certify(right, Twice(), lengths=[1]).kind == "exhausted"
    with pytest.raises(InvalidArgument, match=r"in whose alphabet \['a'\] stand twice; expected names that tell"):
        certify(right, Twice(), lengths=[1], tokens="names")


# ── Functions by their names ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["copy", "Model", "model", "model.predict", "Model.predict"])
def test_a_function_is_found_by_its_name(name: str) -> None:
    if name == "Model.predict":
        with pytest.raises(InvalidArgument, match=r"called as Model\.predict\(self, prompt\)"):
            find_function(f"predictors:{name}")
        return
    assert list(find_function(f"predictors:{name}")((1, 0, 2))) == [1, 0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predictors:copi", "predictors has no copi; .* Did you mean 'copy'"),
        ("predictor:copy", "there is no module predictor; .* Did you mean 'predictors'"),
        ("predictors.py:copy", r"Write predictors:copy, and run from this folder"),
        ("predictors:two", r"called as two\(prompt, key\) \(missing a required argument: 'key'\)"),
        ("predictors:late", "which is async; expected a function that takes a prompt"),
        ("predictors:task", "which is the Copy"),
        ("predictors:PREDICTORS", "predictors has no PREDICTORS"),
        ("predictors:Needy", "a class that raises TypeError without arguments"),
        ("nowhere", "got 'nowhere'; expected the folder of a run, a checkpoint, or module:object"),
        ("predictors:", "got 'predictors:'; expected the folder of a run"),
    ],
)
def test_what_names_no_function_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        subject_of(name, "copy")


# ── Models ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def model(task: str = "copy", positions: str = "coupled", **changes: Any) -> Trainer:
    settings = {"longest": 3, "n_ids": 7, "steps": 3, "batch": 4, "width": 8, "layers": 1, "heads": 2, "warmup": 0}
    return Trainer(TrainConfig(task, positions, **{**settings, **changes}))


Fault = Callable[[Batch, int, int], bool]


def oracle(monkeypatch: pytest.MonkeyPatch, fault: Fault = lambda batch, row, step: False, part: int = 0) -> None:
    """Models that predict every target, and every increment, but where there is a fault in one or the other."""

    def logits(self: Engine, parameters: object, batch: Batch) -> tuple[Any, Any]:
        made = []
        for j, (wanted, n) in enumerate(
            ((batch.targets, self.config.n_tokens), (batch.increments, self.config.n_increments))
        ):
            if wanted is None:
                made.append(None)
                continue
            found = np.eye(n)[wanted]
            for row, step in np.ndindex(*wanted.shape):
                if j == part and fault(batch, row, step):
                    found[row, step] = np.eye(n)[(wanted[row, step] + 1) % n]
            made.append(found)
        return made[0], made[1]

    monkeypatch.setattr(Engine, "logits", logits)


@pytest.mark.parametrize(
    ("task", "positions", "offsets", "scope"),
    [
        ("copy", "coupled", "fixed", "with IDs counted from 0"), ("copy", "coupled", "random", "with IDs from every offset"),
        ("copy", "none", "random", "without IDs"), ("copy", "rope", "random", "with IDs counted from 0"),
        ("copy", "coupled-ordered", "fixed", "with all IDs that a test may have"),
        ("full parity", "random-shift", "random", "with IDs from every offset"),
        ("pointer chasing", "predicted", "fixed", "with IDs counted from 0"),
        ("copy", "pose", "fixed", "with IDs counted from 0"),
    ],
)  # fmt: skip
def test_a_model_is_tried_on_every_instance_with_every_id(
    task: str, positions: str, offsets: Any, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle(monkeypatch)
    trainer = model(task, positions, n_ids=9)
    found = certify(trainer, lengths=[1, 2], offsets=offsets)
    assert (found.kind, found.scope, found.task) == ("exhausted", f"{scope}, after 0 of 3 steps", task)
    how = {"training": False, "shifted": offsets == "random"}
    for tally in found.lengths:
        wanted = [
            (instance.tokens, ids)
            for instance in trainer.task.support(tally.length)
            for ids in every_ids(instance, trainer.config.how, 9, **how)
        ]
        assert tally.tried == len(wanted) == len(set(wanted))
        asked = Model("", trainer.task, trainer, offsets).sequences(tally.length)
        assert [(instance.tokens, ids) for instance, ids in asked] == wanted


def test_an_untrained_model_fails_where_its_steps_are_wrong() -> None:
    trainer = model("reverse")
    found = certify(trainer, lengths=[1, 2, 3])
    for tally in found.lengths:
        subject = Model("", trainer.task, trainer)
        _, wrong = wrong_steps(trainer, subject.sequences(tally.length))
        assert tally.failures == len({row for row, _ in wrong})
    assert found.kind == "refuted"
    first = dict(reversed(wrong))
    at = Counter(step + 1 for step in first.values())
    steps = Counter[int | None]()
    for group in certify(trainer, lengths=[3]).groups:
        steps[group.smallest.step] += group.failures
    assert steps == at


def test_the_first_wrong_step_and_what_it_reads_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copier that takes the second and the third letter for the next one where it is b."""
    oracle(monkeypatch, lambda batch, row, step: step >= 1 and batch.targets[row, step] == 1)
    found = certify(model(), lengths=[1, 2, 3])
    assert [tally.failures for tally in found.lengths] == [0, 2, 6]
    assert [(group.failures, group.smallest.step, group.smallest.read) for group in found.groups] == [
        (6, 2, ("b",)), (2, 3, ("b",)),
    ]  # fmt: skip
    assert found.smallest is not None
    assert found.smallest.words() == (
        "length 2, prompt 'ab>': step 2, at position 4, reads 'b' at 1; expected 'b', came '>'"
    )
    assert found.smallest.ids == (1, 2, 0, 1, 2)


def test_a_wrong_increment_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle(monkeypatch, lambda batch, row, step: step == 1, part=1)
    trainer = model("pointer chasing", "predicted", n_ids=12)
    found = certify(trainer, lengths=[2])
    assert found.kind == "refuted"
    assert found.smallest is not None
    assert " with the ID increment +" in found.smallest.came
    assert found.smallest.detail.startswith("expected +")
    assert found.failures == sum(len(one.steps) > 1 for one in trainer.task.support(2))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_tie_and_what_is_no_number_predict_nothing(value: float) -> None:
    trainer = model()
    trainer.parameters.flat[...] = value
    found = certify(trainer, lengths=[1])
    assert found.failures == 2
    assert {(group.smallest.came, group.smallest.detail) for group in found.groups} == {
        ("no token", "a tie, or no number")
    }


def test_a_model_has_samples_of_its_own_law(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle(monkeypatch)
    trainer = model(n_ids=40)
    found = certify(trainer, lengths=[2], offsets="random", budget=10, samples=200)
    [tally] = found.lengths
    assert (found.kind, tally.size, tally.tried) == ("supported", 4 * 38, 200)
    drawn = Model("", trainer.task, trainer, "random")
    offsets = {min(drawn.sample(2, np.random.default_rng(i))[1]) for i in range(300)}
    assert offsets == set(range(38))


def test_answers_are_in_the_order_of_the_sequences() -> None:
    trainer = model()
    sequences = [*Model("", trainer.task, trainer).sequences(3)]
    found = [one for batch in answers(trainer, sequences) for one in zip(batch.instances, batch.ids, strict=True)]
    assert found == sequences


def test_a_length_that_needs_more_ids_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    with pytest.raises(InvalidArgument, match="got 7 IDs for a sequence that needs 9"):
        certify(model(), lengths=[1, 8], watch=lambda length, tried, size: told.append(length))
    assert told == []
    with pytest.raises(InvalidArgument, match="argument offsets: got 'all'; expected one of fixed, random"):
        certify(model(), lengths=[1], offsets="all")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^certify: argument task: .* expected a task with the tokens"):
        certify(model(), "full parity", lengths=[1])
    assert certify(model(), "reverse", lengths=[1]).task == "reverse"


def test_a_run_is_found_by_its_folder_or_checkpoint(tmp_path: Path) -> None:
    trainer = model()
    for seed in (0, 1):
        (tmp_path / f"run/seed-{seed}").mkdir(parents=True)
        trainer.save(tmp_path / f"run/seed-{seed}/checkpoint.npz")
    for name in ("run/seed-0", "run/seed-1/checkpoint.npz"):
        assert (load_run(name).parameters.flat == trainer.parameters.flat).all()
        assert isinstance(subject_of(name, None), Model)
    with pytest.raises(
        InvalidArgument,
        match=r"holds 2 runs; expected the folder of one run\. Name one of them: run/seed-0, run/seed-1",
    ):
        load_run("run")
    Path("empty").mkdir()
    with pytest.raises(InvalidArgument, match=r"holds no checkpoint\.npz"):
        load_run("empty")
    Path("text.npz").write_text("no")
    with pytest.raises(InvalidArgument, match="expected a checkpoint of this version"):
        certify("text.npz", lengths=[1])
    with pytest.raises(InvalidArgument, match="got runs/nowhere; expected an existing checkpoint"):
        certify("runs/nowhere", lengths=[1])
    assert certify("run/seed-0", lengths=[1]) == certify("run/seed-0", "copy", lengths=[1])


def test_a_model_of_a_text_is_no_model_of_a_task() -> None:
    trainer = Trainer(TrainConfig("text", steps=3, width=8, layers=1, heads=2), source=Unknown(4, "a text"))
    trainer.save("checkpoint.npz")
    for subject, task in product((trainer, "checkpoint.npz"), (None, "copy")):
        with pytest.raises(
            InvalidArgument, match="argument task: got 'text', which stands for the batches of a source"
        ):
            certify(subject, task, lengths=[1])


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        (["predictors:copy", "copy", "--lengths", "1..4"], 0, "exhausted: right on every one of 30 sequences."),
        (
            ["predictors:named", "copy", "--lengths", "2,3", "--tokens", "names"],
            0,
            "exhausted: right on every one of 12",
        ),
        (["predictors:short", "copy", "--lengths", "1..3"], 1, "refuted: wrong on 12 of 14 sequences."),
        (["predictors:deep", "copy", "--lengths", "1..4"], 1, "refuted: wrong on 24 of 30 sequences."),
        (["predictors:copy", "copy", "--lengths", "30", "--samples", "50"], 2, "supported: right on all 50 sequences"),
        (
            ["predictors:copy", "copy", "--lengths", "2", "--budget", "0", "--samples", "5", "--level", "1/2"],
            2,
            "supported: ",
        ),
        (
            ["predictors:unsure", "copy", "--lengths", "1,2"],
            2,
            "inconclusive: right on all 6 sequences that were tried.",
        ),
        (
            ["predictors:interrupted", "copy", "--lengths", "1..4"],
            2,
            "inconclusive: right on all 9 sequences that were",
        ),
    ],
)
def test_the_command_says_what_it_found(arguments: list[str], status: int, last: str, capsys: Out) -> None:
    assert status_of("certify", *arguments, "--json", "found.json") == status
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith(last)
    data = json.loads(Path("found.json").read_text(encoding="utf-8"))
    assert data["kind"] == last.partition(":")[0]
    assert (data["schema"], data["subject"], data["task"]) == (1, arguments[0], "copy")
    assert (data["smallest"] is None) == (status != 1)
    assert err.splitlines()[0].endswith(("sequences of length 1", "sequences of length 2", "sequences of length 30"))
    if status == 1:
        assert data["smallest"]["words"] in out.replace("\n  ", "\n  ")
        assert sum(group["failures"] for group in data["groups"]) == data["failures"]


def test_the_command_certifies_a_run(capsys: Out) -> None:
    train = [
        "--positions",
        "coupled",
        "--train-lengths",
        "1..3",
        "--ids",
        "8",
        "--steps",
        "3",
        "--width",
        "8",
        "--heads",
        "1",
    ]
    assert status_of("train", "copy", *train, "--test-lengths", "2", "--test-size", "2", "--out", "run") == 0
    capsys.readouterr()
    assert status_of("certify", "run/seed-0", "--lengths", "1..2") == 1
    out, _ = capsys.readouterr()
    assert out.startswith("run/seed-0 on 'copy', with IDs counted from 0\n")
    assert status_of("certify", "run/seed-0", "--lengths", "1", "--offsets", "random") == 1
    assert capsys.readouterr().out.startswith("run/seed-0 on 'copy', with IDs from every offset\n")
    assert status_of("certify", "run", "--lengths", "1") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predictors:copy", "copy"], "the following arguments are required: --lengths"),
        (["predictors:copy", "--lengths", "1"], "argument task: got none for the function 'predictors:copy'"),
        (["predictors:copy", "copy", "--lengths", "3..1"], r"expected A..B with A <= B: 1..3"),
        (["predictors:two", "copy", "--lengths", "1"], "which is called as two(prompt, key)"),
        (["predictors:copy", "copy", "--lengths", "1", "--json", "no/where.json"], "argument --json"),
        (["predictors:copy", "copy", "--lengths", "1", "--level", "1"], "argument level: got 1"),
    ],
)
def test_bad_usage_is_status_3(arguments: list[str], message: str, capsys: Out) -> None:
    assert status_of("certify", *arguments) == 3
    assert message in capsys.readouterr().err


def test_progress_in_a_terminal_is_a_bar_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, Any]] = []
    update = Progress.update

    def watched(self: Progress, task: Any, **fields: Any) -> None:
        shown.append((self.tasks[task].description, fields["completed"]))
        update(self, task, **fields)

    monkeypatch.setattr(Progress, "update", watched)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert status_of("certify", "predictors:copy", "copy", "--lengths", "1,2") == 0
    lengths = [("sequences of length 1", n) for n in (1, 2)] + [("sequences of length 2", n) for n in range(1, 5)]
    assert shown == lengths


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_prints_and_writes_what_was_found(folder: Path) -> None:
    (folder / "slow.py").write_text(
        "import time\n\ndef predict(prompt):\n    time.sleep(0.02)\n    return prompt[:-1]\n", encoding="utf-8"
    )
    command = [*LENGTHGEN, "certify", "slow:predict", "copy", "--lengths", "3,14", "--json", "found.json"]
    with started(command, cwd=folder) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[8/8] sequences of length 3")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    data = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    assert (data["kind"], data["interrupted"]) == ("inconclusive", True)
    assert 8 <= data["tried"] < BUDGET
    assert out.splitlines()[-1].endswith("Interrupted.")
