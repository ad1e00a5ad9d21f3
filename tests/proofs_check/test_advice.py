"""Advice: what is found about black boxes, what is said about samples, and what is refused."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofs_check import Advice, advise, check_task
from proofs_check.advice import advising
from proofs_check.advice.coupling import (
    Blocks,
    Coupling,
    Located,
    _by_blocks,
    _marks,
    by_steps,
    coupling_of,
    query_coupled,
)
from proofs_check.advice.facts import Opaque, facts_of
from proofs_check.advice.judging import judge, percent, upper_bound
from proofs_check.advice.lines import Commands
from proofs_check.advice.marks import Marked, with_mark
from proofs_check.advice.page import page
from proofs_check.advice.reading import alphabet_of, as_asked, named, pairs_of
from proofs_check.advice.samples import halves, judge_sample, noise_of
from proofs_check.advice.writing import _at, _condition, _line, class_name, module_of
from proofs_check.commands.main import main
from proofs_check.verdicts.deciding import verdict
from proofs_check.verdicts.subjects import Subject, subject_of
from tests.theory.test_planes import Grid
from theory import HeadClass
from theory.dependencies import At, Domain, Source, dependency_sets, infer, lower_bound, spread
from theory.errors import AssumptionViolated, BudgetExceeded, InvalidArgument
from theory.tasks import (
    TASKS,
    Copy,
    FullParity,
    Instance,
    MultiAddition,
    PointerChasing,
    Reverse,
    Step,
    Task,
    VariableAssignment,
)

Out = pytest.CaptureFixture[str]


def copied(prompt: tuple[int, ...]) -> tuple[int, ...]:
    return prompt


def chased(prompt: tuple[int, ...]) -> list[str]:
    """Cells 0..3 name a symbol and a jump of 1 or 2."""
    out, cell = list[str](), 0
    while cell < len(prompt):
        out.append("ab"[prompt[cell] // 2])
        cell += 1 + prompt[cell] % 2
    return out


def generated(length: int, rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    prompt = tuple(int(bit) for bit in rng.integers(0, 2, size=length))
    return prompt, prompt


def copies(size: int, lengths: tuple[int, ...], seed: int = 0) -> list[tuple[Any, Any]]:
    """Examples of words that are repeated after a mark."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(size):
        word = tuple("ab"[int(bit)] for bit in rng.integers(0, 2, size=int(rng.choice(lengths))))
        pairs.append(((*word, ">"), word))
    return pairs


SHORT = [1, 2, 3, 4]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few cells for all but the scheme that matters, so that a test takes little time, and time that never ends."""
    monkeypatch.setattr(advising, "FEW_CELLS", 1_000)
    monkeypatch.setattr(advising, "CELLS", 20_000)
    monkeypatch.setattr(advising, "OTHER_CELLS", {"ranked": 300, "soft": 300})
    monkeypatch.setattr(advising, "SECONDS", 600)


@cache
def of_copied() -> Advice:
    """Advice on a copy."""
    return advise(copied, alphabet=(0, 1), lengths=SHORT)


# ── IDs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = {
    "parity with scratchpad, token-coupled": ("coupled", 1),
    "copy": ("coupled", 0),
    "reverse": ("coupled", 0),
    "addition, reversed": ("coupled", 1),
    "addition, reversed, carry shown": ("coupled", 1),
    "multiplication, carried": ("coupled", 1),
    "multiplication, plain": ("none", 11),
    "pointer chasing": ("predicted", 0),
    "full parity": ("none", 9),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_ids_that_suit_a_task(name: str) -> None:
    found = coupling_of(TASKS[name])
    assert (found.kind, found.spread) == KINDS[name]
    if found.kind == "coupled":
        assert found.convention == "token"
        assert found.lower_bound == found.spread  # no coupling of this kind has less


@pytest.mark.parametrize(
    "task", [Copy(2), Reverse(2), TASKS["addition, reversed"], PointerChasing()], ids=lambda t: t.name
)
def test_spreads_and_bounds_are_those_of_the_instances(task: Task) -> None:
    found = coupling_of(task)
    rng = np.random.default_rng(1)
    for length, most in zip(found.lengths, found.spreads, strict=True):
        instance = found.task.sample(length, rng)
        assert found.convention is not None
        assert spread(instance, found.convention) <= most == found.spread
    assert found.lower_bound is not None
    assert found.lower_bound <= found.spread
    instance = found.example()
    cap = max(instance.ids.count(value) for value in instance.ids)
    assert lower_bound(instance, cap=cap, convention=found.convention or "token") <= found.lower_bound


def test_ids_by_steps_bring_sets_together() -> None:
    instance = TASKS["addition, reversed"].sample(4, np.random.default_rng(0))
    for last in (False, True):
        ids = by_steps(instance, last=last)
        wide = [max(ids[i] for i in s) - min(ids[i] for i in s) for s in dependency_sets(instance, "token")]
        assert max(wide) == 1 + last
    assert by_steps(instance) != by_steps(instance, last=True)
    moved = by_steps(instance, query=True)
    n = instance.n_prompt
    assert moved[n - 1 :] == tuple(i + 1 for i in by_steps(instance)[n - 1 :])


class Local(Task):
    """x_1 ... x_n, then sums of the last two tokens, modulo 2."""

    name, alphabet, sparsity = "local", ("0", "1"), 2

    def choices(self, length: int) -> list[tuple[int, ...]]:
        return [(0, 1)] * (length + 1)

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        row = [*prompt]
        for _ in range(len(prompt)):
            row.append((row[-1] + row[-2]) % 2)
        n = len(prompt)
        return Instance(tuple(row), tuple(range(2 * n)), tuple(Step(n + j, (n + j - 2, n + j - 1)) for j in range(n)))

    def rule(self, read: tuple[int, ...]) -> int:
        return sum(read) % 2


def test_what_is_local_needs_positions_alone() -> None:
    found = coupling_of(Local())
    assert (found.kind, found.convention, found.spread) == ("positions", None, 1)
    assert query_coupled(found) is None


def test_of_a_token_coupled_task_there_is_a_query_coupled_one() -> None:
    found = query_coupled(coupling_of(Copy(2)))
    assert isinstance(found, Coupling)
    assert found.convention == "query"
    assert found.spread == 0
    assert found.task.solve((0, 1, 1, 2)).ids == (1, 2, 3, 1, 2, 3, 4)


def test_a_mark_is_added_once_and_shifts_what_is_behind_it() -> None:
    marked = with_mark(Local())
    assert isinstance(marked, Marked)
    assert with_mark(marked) is marked
    assert with_mark(Copy(2)).name == "copy"
    assert not isinstance(with_mark(Copy(2)), Marked)
    assert not isinstance(with_mark(FullParity()), Marked)  # which has no query
    plain, made = Local().solve((0, 1, 1)), marked.solve((0, 1, 1, 2))
    assert made.n_prompt == 4
    for before, after in zip(plain.steps, made.steps, strict=True):
        assert plain.read(before) == made.read(after)
        assert plain.tokens[before.position] == made.tokens[after.position]


class Ending(Local):
    """Prompts that end with a token that may stand before it as well."""

    def choices(self, length: int) -> list[tuple[int, ...]]:
        return [(0, 1)] * length + [(1,)]


def test_a_token_of_the_prompt_is_no_mark() -> None:
    assert isinstance(with_mark(Ending()), Marked)


class Started(PointerChasing):
    """A walk that starts at cell 0 or 1, as the last cell says: no ID of the mark serves both."""

    name = "started"

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        n = len(prompt) - 1
        path = [prompt[n - 1] % 2 if n > 1 else 0]
        while path[-1] < n:
            path.append(path[-1] + self.increment(prompt[path[-1] : path[-1] + 1]))
        row = (*prompt, *(self.rule((prompt[cell],)) for cell in path[:-1]))
        return Instance(
            row, tuple(range(len(row))), tuple(Step(n + 1 + i, (cell,)) for i, cell in enumerate(path[:-1]))
        )


def test_where_a_walk_starts_has_to_be_known() -> None:
    assert coupling_of(PointerChasing()).kind == "predicted"
    assert coupling_of(Started()).kind == "none"


# ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["copy", "reverse", "parity with scratchpad, token-coupled"])
def test_a_coupling_that_is_found_has_the_verdict_of_the_known_one(name: str) -> None:
    known = verdict(subject_of(name), "coupled").decisions[0]
    found = judge(coupling_of(TASKS[name]).task, "coupled")
    assert found is not None
    assert (found.outcome, found.certificate) == (known.outcome, known.certificate)
    assert found.evidence == "exhausted"
    assert max(found.test) > max(found.train)


def test_statements_are_blocks_and_the_key_tells_how_far_to_go_back() -> None:
    """Names and what they are assigned share the ID of their statement, as in the task that is known."""
    known = VariableAssignment(3)
    task = infer(Source.of(known), lengths=[1, 2, 3, 4], samples=200, seconds=600).task("assignment")
    found = coupling_of(task, lengths=[1, 2, 3, 4])
    assert (found.kind, found.convention, found.spread, found.increments) == ("predicted", "query", 2, {})
    assert isinstance(found.task, Located)
    assert found.task.assign == Blocks(task.alphabet.index(";"), 1)
    for instance in known.instances(3):
        assert found.task.solve(instance.tokens[: instance.n_prompt]).ids == instance.ids
    assert check_task(found.task, lengths=(1, 2)).holds
    assert found.task.increment((0, 0, 0), (0, -2, -2)) == -2


@pytest.mark.slow
def test_a_grid_gets_ids_of_two_numbers() -> None:
    """One number a cell fails, as rows are longer at test."""
    found = coupling_of(Grid())
    assert (found.kind, found.convention, found.coordinates, found.spread, found.lower_bound) == (
        "coupled",
        "query",
        2,
        1,
        1,
    )
    assert "a row has m = √(tokens of cell) tokens" in found.why
    verdict_ = judge(found.task, "coupled", cells=300_000)
    assert verdict_ is not None
    assert verdict_.certificate == 3
    assert verdict_.cell.decisions[-1].heads.window == (1, 0)
    assert check_task(found.task, lengths=(2, 3)).holds


@pytest.mark.slow
def test_a_grid_is_found_from_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advising, "CELLS", 3_000_000)

    class Board:
        def prompts(self, length: int) -> Any:
            return product((0, 1), repeat=length**2) if length > 1 else ()

        def solve(self, prompt: tuple[int, ...]) -> list[int]:
            return [above ^ below for above, below in zip(prompt, prompt[round(len(prompt) ** 0.5) :], strict=False)]

    advice = advise(Board(), name="board", seconds=600)
    assert (advice.sparsity, advice.growth) == (2, "bounded")
    assert advice.steps[0]["words"] == "steps j = 0, 1, ...: read position j and position j + √n"
    assert (advice.ids["kind"], advice.ids["convention"], advice.ids["coordinates"]) == ("coupled", "query", 2)
    assert advice.verdicts["coupled"].certificate == 3
    assert advice.verdicts["relative window"].outcome == "fails"
    assert json.loads(json.dumps(advice.to_dict()))["ids"]["example"]["ids"][0] == [0, 0]
    assert "<svg" in page(advice)
    with pytest.raises(AssumptionViolated, match="--write"):
        advice.module()


def test_blocks_that_grow_are_none() -> None:
    """A mark that each prompt has once leaves ever more tokens in one block."""
    instances = [[Copy(2).solve((*word, 2)) for word in product((0, 1), repeat=n)] for n in (1, 2, 3, 4, 5)]
    assert _marks(instances) == [2]
    assert _by_blocks(instances) is None
    assert Blocks(2, 1)(instances[1][0]) is None  # no step reads two
    assert Blocks(0, 0)(Copy(2).solve((0, 1, 0, 2))) == (0, 1, 1, 2, 0, 1, 1)


def test_a_verdict_tries_more_lengths_until_one_is_enough() -> None:
    found = judge(coupling_of(Copy(2)).task, "coupled")
    assert found is not None
    assert (found.train, found.test) == ((1, 2, 3), (1, 2, 3, 4, 5))
    few = judge(coupling_of(Copy(2)).task, "coupled", cells=40)
    assert few is not None
    assert few.outcome == "fails"
    assert few.certificate is None
    assert max(few.train) < 3


def test_what_is_too_large_to_list_is_not_decided() -> None:
    assert judge(MultiAddition(6, 100), "coupled", cells=1000) is None


def test_drawn_test_lengths_come_with_a_bound() -> None:
    found = judge(Copy(2), "coupled", subject=Subject(Copy(2), [3], [3, 7], listed=60))
    assert found is not None
    assert found.outcome == "generalizes"
    assert found.evidence == "supported"
    assert found.at_most is not None
    assert 0.048 < found.at_most < 0.0488  # 1 - (1/20)^(1/60)
    assert found.to_data()["confidence"]["level"] == "19/20"
    assert "4.9 %" in found.text
    two = judge(Copy(2), "coupled", subject=Subject(Copy(2), [3], [3, 7, 8], listed=60))
    assert two is not None
    assert two.at_most == pytest.approx(1 - 0.025 ** (1 / 60))  # two lengths share the 5 %


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 10) == pytest.approx(1 - 0.05 ** (1 / 10))
    assert upper_bound(0, 10, Fraction(99, 100)) == pytest.approx(1 - 0.01 ** (1 / 10))
    assert percent(0.0481) == "4.9 %"


# ── Black boxes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_is_advised_to_couple_ids() -> None:
    advice = of_copied()
    assert (advice.name, advice.kind, advice.sparsity, advice.growth) == ("copied", "solve", 1, "bounded")
    assert (advice.ids["kind"], advice.ids["convention"], advice.ids["coordinates"]) == ("coupled", "token", 1)
    assert advice.verdicts["coupled"].certificate == 3
    assert advice.verdicts["coupled, query"].certificate == 2
    assert advice.verdicts["none"].outcome == "unrealizable"
    assert [line.text.split()[0] for line in advice.advice[:2]] == ["Couple", "Train"]
    assert advice.scratchpad is None
    data = json.loads(json.dumps(advice.to_dict()))
    fields = ("sparsity", "growth", "steps", "ids", "verdicts", "advice", "scratchpad", "evidence")
    assert set(fields) < set(data)
    assert data["verdicts"]["coupled"]["confidence"] == "exact"
    assert data["steps"][0]["data"]["reads"][0]["kind"] == "at"
    assert "1-sparse" in advice.explain()


def test_a_walk_is_advised_to_predict_its_ids() -> None:
    advice = advise(chased, alphabet=(0, 1, 2, 3), lengths=SHORT)
    assert (advice.sparsity, advice.ids["kind"]) == (1, "predicted")
    assert advice.verdicts["predictive"].certificate == 2
    assert "PPC" in advice.advice[0].text
    assert "1: +2" in advice.advice[0].text


def test_a_dense_answer_gets_running_states() -> None:
    advice = advise(lambda prompt: (sum(prompt) % 2,), alphabet=(0, 1), name="parity")
    assert (advice.sparsity, advice.growth, advice.ids["kind"]) == (None, "linear", "none")
    assert advice.scratchpad is not None
    assert (advice.scratchpad.states, advice.scratchpad.sparsity) == (2, 2)
    assert advice.scratchpad.verdict is not None
    assert advice.scratchpad.verdict.certificate == 3
    assert "running states (2 states)" in advice.advice[0].text
    assert check_task(advice.scratchpad.task, lengths=(1, 2)).holds


@pytest.mark.slow
def test_where_there_is_no_small_running_state_that_is_said() -> None:
    advice = advise(lambda prompt: (int(2 * sum(prompt) > len(prompt)),), alphabet=(0, 1), name="majority")
    assert (advice.sparsity, advice.growth, advice.scratchpad) == (None, "linear", None)
    assert "no small fold" in advice.advice[0].text


def test_what_is_random_is_not_called_sparse() -> None:
    def noisy(length: int, rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
        prompt = tuple(int(bit) for bit in rng.integers(0, 2, size=length))
        return prompt, (prompt[0] ^ int(rng.random() < 0.2),)

    advice = advise(noisy, lengths=[1, 2, 3])
    assert advice.sparsity is None
    assert advice.ids["kind"] == "none"
    assert not [one for one in advice.verdicts.values() if one.outcome in ("generalizes", "not refuted")]


@pytest.mark.slow
def test_of_a_generator_nothing_is_exhausted() -> None:
    advice = advise(generated, lengths=[1, 2, 3])
    assert (advice.kind, advice.sparsity, advice.ids["kind"]) == ("generate", 1, "coupled")
    found = advice.verdicts["coupled"]
    assert found.certificate == 3
    assert {one.evidence for one in advice.verdicts.values()} == {"supported"}
    assert found.to_data()["confidence"]["at_most"] == pytest.approx(1 - 0.05 ** (1 / 300))


def test_a_task_of_ours_is_decided_at_its_own_lengths() -> None:
    advice = advise("copy")
    assert (advice.kind, advice.sparsity, advice.growth) == ("task", 1, "bounded")
    assert advice.verdicts["coupled"].scope == subject_of("copy").scope
    assert advice.verdicts["coupled"].certificate == 3
    assert advice.name == "copy"


def test_a_task_without_positions_is_told_so() -> None:
    advice = advise("sparse parity, k = 2")
    assert advice.verdicts["none"].certificate == 4
    assert advice.advice[0].text == "Leave positions out: heads that see none generalize from length 4 on."


# ── Samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ten_examples_give_no_unconditional_verdict(tmp_path: Path) -> None:
    file = tmp_path / "ten.jsonl"
    lines = [json.dumps({"prompt": list(prompt), "output": list(output)}) for prompt, output in copies(10, (2, 3, 4))]
    file.write_text("\n".join(lines), encoding="utf-8")
    advice = advise(str(file))
    assert advice.kind == "pairs"
    assert advice.verdicts
    for found in advice.verdicts.values():
        data = found.to_data()
        assert data["outcome"] in ("not refuted", "fails", "unrealizable")
        assert data["certificate"] is None
        assert data["confidence"]["at_most"] > 0.3
        assert data["evidence"] in ("supported", "refuted")
    assert not [fact for fact in advice.evidence if fact.kind == "exhausted"]
    assert "generalizes" not in json.dumps(advice.to_dict())


def test_more_examples_bound_what_is_not_guaranteed() -> None:
    advice = advise(copies(120, (3, 4, 5, 6)), name="copies")
    found = advice.verdicts["coupled"]
    assert (advice.sparsity, found.outcome) == (1, "not refuted")
    confidence = found.to_data()["confidence"]
    size = confidence["sequences"]
    assert confidence["not_guaranteed"] == 0
    assert confidence["at_most"] == pytest.approx(1 - (0.05 / 4) ** (1 / size))  # four schemes share the 5 %
    assert advice.verdicts["relative window"].outcome != "not refuted"
    assert "More examples" in advice.advice[0].text


def test_the_parts_of_a_sample_go_by_lengths() -> None:
    train, test, words = halves([(1,) * n for n in (1, 1, 2, 3)], size=len)
    assert (len(train), len(test)) == (2, 2)
    assert "1 tokens" in words
    train, test, words = halves([(1,) * n for n in (1, 3, 3, 3)], size=len)
    assert (len(train), len(test)) == (1, 3)
    train, test, words = halves([(1, 2)] * 5, size=len)
    assert (len(train), len(test)) == (3, 2)
    assert "nothing of longer ones" in words


def test_sequences_that_fit_no_rule_count_against() -> None:
    task = Copy(2)
    rng = np.random.default_rng(0)
    train = [task.sample(n, rng) for n in (3, 4) for _ in range(40)]
    test = [task.sample(6, rng) for _ in range(10)]
    heads = HeadClass(2, window=1, key="relative", anchor="last")
    good, bad = (judge_sample("coupled", train, test, heads, misfits=misfits) for misfits in (0, 1))
    assert (good.outcome, good.not_guaranteed, good.size) == ("not refuted", 0, 10)
    assert (bad.outcome, bad.not_guaranteed, bad.size) == ("fails", 1, 11)
    assert bad.at_most == upper_bound(1, 11) > good.at_most


def test_noise_names_the_examples_to_blame() -> None:
    task = coupling_of(Copy(2)).task
    clean = [task.solve((*word, 2)) for word in product((0, 1), repeat=3)] * 2
    wrong = clean[3]
    flipped = Instance((*wrong.tokens[:-1], 1 - wrong.tokens[-1]), wrong.ids, wrong.steps)
    heads = HeadClass(2, window=1, key="relative", anchor="last")
    assert noise_of("coupled", clean, heads).loss.high == 0
    found = noise_of("coupled", [*clean[:3], flipped, *clean[4:]], heads)
    assert found.examples == (3,)
    assert found.blame.smallest
    assert 0 < found.loss.low <= found.loss.high < Fraction(1, 20)
    assert "examples 3" in str(found)


def test_noise_is_reported_with_advice() -> None:
    pairs = [((bit,), (bit,)) for bit in (0, 1) for _ in range(8)] + [((0,), (1,))]
    advice = advise(pairs, noise=True, name="bits")
    assert advice.noise
    data = advice.to_dict()["noise"][0]
    assert data["to_blame"] == {
        "predictions": 1,
        "at_least": 1,
        "smallest": True,
        "examples": data["to_blame"]["examples"],
    }
    assert data["least_loss"] == {"low": "1/17", "high": "1/17", "exact": True}


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

BAD_FILES = [
    ("", "which has no examples"),
    ("\n\n", "which has no examples"),
    ('{"prompt": [1], "output": [1]}\n{"prompt": [1]', "line 2: got no JSON"),
    ('{"prompt": [1], "output": [1]}\n\n[1, 2]', "line 3: got the list"),
    ('{"prompt": [1]}', "line 1: got an object with 'prompt'; expected one with 'output'"),
    ('{"prompt": [1], "output": []}', "line 1, output: got no tokens"),
    ('{"prompt": "ab", "output": "ba"}', "--tokenize chars"),
    ('{"prompt": [1], "output": [1.5]}', "line 1, output: got the token 1.5"),
    ('{"prompt": [true], "output": [1]}', "line 1, prompt: got the token True"),
    ('{"prompt": [[1]], "output": [1]}', "line 1, prompt: got the token [1]"),
    (
        '{"prompt": [1], "output": [1]}\n{"prompt": ["1"], "output": ["1"]}',
        "line 2, prompt: got words; expected numbers",
    ),
    ('{"prompt": 3, "output": [1]}', "line 1, prompt: got the int 3"),
]


@pytest.mark.parametrize(("text", "says"), BAD_FILES)
def test_a_bad_file_is_refused_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument) as refused:
        pairs_of(str(file))
    assert says in str(refused.value)


def test_strings_are_read_as_asked(tmp_path: Path) -> None:
    file = tmp_path / "words.jsonl"
    file.write_text('{"prompt": "a b", "output": "b a", "more": 1}\n', encoding="utf-8")
    assert pairs_of(str(file), "words") == [(("a", "b"), ("b", "a"))]
    assert pairs_of(str(file), "chars") == [(("a", " ", "b"), ("b", " ", "a"))]
    with pytest.raises(InvalidArgument, match="No such file"):
        pairs_of(str(tmp_path / "none.jsonl"))


def test_alphabets_are_read_as_the_function_takes_them() -> None:
    assert alphabet_of("0, 1") == (0, 1)
    assert alphabet_of("a,1") == ("a", "1")

    def fails(prompt: tuple[str, ...]) -> tuple[str, ...]:
        return ("".join(prompt),)

    assert as_asked(fails, (0, 1)) == ("0", "1")
    assert as_asked(copied, (0, 1)) == (0, 1)
    assert as_asked(lambda prompt: 1 / 0, (0, 1)) == (0, 1)


# ── Bad sources ──────────────────────────────────────────────────────────────────────────────────────────────────────


def endless(prompt: tuple[int, ...]) -> tuple[int, ...]:
    while True:
        pass


def raising(prompt: tuple[int, ...]) -> tuple[int, ...]:
    raise RuntimeError("no way")


def unhashable(prompt: tuple[int, ...]) -> list[list[int]]:
    return [[1]]


BAD_SOURCES: list[tuple[Callable[..., Any], str]] = [
    (endless, "without an end"),
    (raising, "RuntimeError: no way"),
    (unhashable, "an int or a string"),
]


@pytest.mark.parametrize(("source", "says"), BAD_SOURCES)
def test_a_source_that_goes_wrong_is_refused(source: Callable[..., Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        advise(source, alphabet=(0, 1), seconds=1)


def test_a_function_that_answers_otherwise_when_asked_again_is_refused() -> None:
    calls = iter(range(10**9))
    with pytest.raises(InvalidArgument, match="again"):
        advise(lambda prompt: (next(calls) % 7 % 2,), alphabet=(0, 1))


def test_a_generator_with_many_tokens_is_refused_with_what_was_seen_of_them() -> None:
    def copied_words(length: int, rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
        word = tuple(rng.integers(0, 10**5, size=length).tolist())
        return word, word

    with pytest.raises(BudgetExceeded, match=r"tokens of a generator.*at most 1,000") as error:
        advise(copied_words, lengths=[1, 2, 3])
    assert error.value.size > 5_000


@pytest.mark.parametrize("text", ["", "0,,1", "a, "])
def test_tokens_of_an_alphabet_have_names(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"--alphabet: got .*expected tokens with commas between"):
        alphabet_of(text)


def test_large_alphabets_are_refused_with_their_size() -> None:
    with pytest.raises(BudgetExceeded, match="100,000"):
        advise(copied, alphabet=range(10**5))


@pytest.mark.parametrize(
    "arguments",
    [{"seconds": 0}, {"seconds": "long"}, {"seed": -1}, {"noise": 1}, {"name": 3}, {"alphabet": None}],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        advise(copied, **{"alphabet": (0, 1), **arguments})


def test_a_function_without_an_alphabet_hears_of_both_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    said = "advise: argument alphabet: got none; expected what a prompt may be. Pass alphabet=('0', '1') if"
    with pytest.raises(InvalidArgument) as refused:
        advise(copied)
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith("On the command line: --alphabet 0,1.")
    assert main(["advise", "tests.proofs_check.test_advice:copied"]) == 3
    assert capsys.readouterr().err == f"lengthgen: {refused.value}\n"


@pytest.mark.parametrize("spec", ["nothing of the kind", "no_such_module:solve", "file.txt", "folder/mine.py:solve"])
def test_names_of_nothing_are_refused(spec: str) -> None:
    with pytest.raises(InvalidArgument, match="advise"):
        named(spec)


# ── Modules ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("made_", "black_boxes")):
            del sys.modules[name]


def running_maximum(prompt: tuple[int, ...]) -> list[int]:
    return [max(prompt[: t + 1]) for t in range(len(prompt))]


WRITTEN: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "made_copy": (copied, (0, 1)),
    "made_maximum": (running_maximum, (0, 1)),
    "made_chase": (chased, (0, 1, 2, 3)),
    "made_states": (lambda prompt: (sum(prompt) % 3,), (0, 1, 2)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one != "made_copy")) for one in WRITTEN]
)
def test_the_module_is_a_task_whose_contracts_hold(name: str, folder: Path) -> None:
    source, alphabet = WRITTEN[name]
    advice = advise(source, alphabet=alphabet, name=name, lengths=SHORT)
    (folder / f"{name}.py").write_text(advice.module("lengthgen advise ..."), encoding="utf-8")
    module = importlib.import_module(name)
    (made,) = [
        value for value in vars(module).values() if getattr(value, "__module__", "") == name and isinstance(value, type)
    ]
    task = made()
    report = check_task(task, lengths=(1, 2, 3))
    assert report.holds, report.explain()
    found = advice.coupling if advice.scratchpad is None else advice.scratchpad.coupling
    assert found is not None
    rng = np.random.default_rng(0)
    for length in (1, 2, 5):  # 5 is longer than what it was found from
        instance = found.task.sample(length, rng)
        assert task.solve(instance.tokens[: instance.n_prompt]) == Instance(
            instance.tokens, instance.ids, instance.steps
        )
    scheme = "predictive" if found.kind == "predicted" else "coupled"
    again = judge(task, scheme)
    known = advice.verdicts.get(scheme) if advice.scratchpad is None else advice.scratchpad.verdict
    assert again is not None
    assert known is not None
    assert again.certificate == known.certificate


def test_where_there_is_no_rule_no_module_is_written() -> None:
    advice = advise(copies(4, (2, 3)), name="four")
    if advice.coupling is None:
        with pytest.raises(AssumptionViolated, match="a source without a rule"):
            module_of(advice)


def test_expressions_of_modules() -> None:
    assert [_at(At(*form)) for form in ((1, 0, -1), (0, 1, 0), (1, -1, -1), (0, 0, 0), (2, 0, 1))] == [
        "n - 1", "j", "n - j - 1", "0", "2 * n + 1",
    ]  # fmt: skip
    assert _at(At(1, 0, 0, 2)) == "(n) // 2"
    assert _condition(Domain(only=0)) == "j == 0"
    assert _condition(Domain(only=-1)) == "j == m - 1"
    assert _condition(Domain(first=1, last=2)) == "j >= 1 and j < m - 2"
    assert _condition(Domain(first=1, period=2, turn=1)) == "j >= 1 and (j - 1) % 2 == 1"
    assert _line({1: 3, 2: 5, 3: 7}, "n") == "2 * n + 1"
    assert _line({2: 1, 4: 2}, "n") == "(n) // 2"
    assert _line({1: 1, 2: 4, 3: 9}, "n") is None
    assert [class_name(name) for name in ("black_boxes:my_solve", "a file.jsonl", "3", "class")] == [
        "MySolve", "AFile", "Task3", "Class",
    ]  # fmt: skip


DECIDES = "lengthgen verdicts made_boxes:Solve --scheme coupled --train-lengths 1..3 --test-lengths 1..5"

OWN_BOXES = """
def solve(prompt):
    return prompt


def odd(prompt):
    return (sum(prompt) % 2,)


def hops(prompt):
    seen, cell = [], 0
    while cell < len(prompt):
        seen.append(prompt[cell])
        cell += prompt[cell]
    return seen
"""


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_and_writes(folder: Path, capsys: Out) -> None:
    (folder / "black_boxes.py").write_text("def solve(prompt):\n    return prompt\n", encoding="utf-8")
    arguments = ["advise", "black_boxes:solve", "--alphabet", "0,1", "--lengths", "1..4"]
    assert main([*arguments, "--json", "a.json", "--html", "a.html", "--write", "made_boxes.py"]) == 0
    shown = capsys.readouterr().out
    assert "1-sparse" in shown
    assert "✓ from 3" in shown
    first, last = [line for line in shown.split("\n") if "$ lengthgen verdicts made_boxes:Solve" in line]
    assert first == last == f"     $ {DECIDES}"
    assert "$ lengthgen advise black_boxes:solve --alphabet 0,1 --lengths 1,2,3,4\n" in shown  # for the other IDs
    data = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert data["ids"]["kind"] == "coupled"
    html = (folder / "a.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert "What to do" in html
    assert "$" not in html.partition("<main")[0].partition("</style>")[2]
    assert main(["task", "made_boxes:Solve", "--lengths", "1,2"]) == 0
    for name, expected in (
        ("made_boxes.py", "a file that is not there yet"),
        ("made-boxes.py", "the name of a module"),
    ):
        assert main([*arguments, "--write", name]) == 3
        assert f"advise: argument --write: got '{name}'" in (said := capsys.readouterr().err)
        assert expected in said


def test_an_output_without_tokens_has_no_end() -> None:
    found = infer(lambda prompt: (7,) * prompt[0], alphabet=(0, 1), lengths=[1, 2, 3])
    assert found.varying
    assert found.open_ended


def test_commands_are_those_that_decide_the_same() -> None:
    """Drawn instances, and those of a generator, are others for the command."""
    commands = Commands("lengthgen advise mine:solve", written="made:Solve")
    ranked = judge(Copy(2), "coupled", scores="ranked", subject=Subject(Copy(2), [2, 3], [2, 3, 5]))
    assert ranked is not None
    assert commands.of(ranked) == (
        "lengthgen verdicts made:Solve --scheme coupled --scores ranked --train-lengths 2..3 --test-lengths 2,3,5"
    )
    assert commands.of(replace(ranked, generated=True)) == commands.asked
    drawn = judge(Copy(2), "coupled", subject=Subject(Copy(2), [2, 3], [2, 3, 8], listed=60))
    assert drawn is not None
    assert commands.of(drawn) == commands.of(None) == commands.asked
    assert commands.of(replace(ranked, name="coupled, query")) == commands.asked
    assert Commands("", written="made:Solve").of(ranked) == ""
    own = Commands("lengthgen advise copy", task="copy")
    assert own.of(ranked, coupling_of(Copy(2))) == own.asked  # with other IDs than those of the task


@pytest.mark.parametrize(
    ("source", "written", "expected"),
    [
        ("black_boxes:solve", "made_again.py", 2),
        pytest.param("black_boxes:hops", "made_hops.py", 2, marks=pytest.mark.slow),
        pytest.param("black_boxes:odd", "made_odd.py", 3, marks=pytest.mark.slow),
        pytest.param("copy", "made_copy.py", 2, marks=pytest.mark.slow),
        ("sparse parity, k = 2", "", 1),
        ("black_boxes:solve", "", 0),
    ],
)
def test_the_command_of_a_line_decides_what_the_line_says(
    source: str, written: str, expected: int, folder: Path, capsys: Out
) -> None:
    (folder / "black_boxes.py").write_text(OWN_BOXES, encoding="utf-8")
    alphabet = ["--alphabet", "1,2" if "hops" in source else "0,1"] if ":" in source else []
    asked = ["advise", source, *alphabet, *(["--lengths", "1..4"] if alphabet else [])]
    asked += ["--write", written] if written else []
    assert main([*asked, "--json", "a.json"]) == 0
    lines = json.loads((folder / "a.json").read_text(encoding="utf-8"))["advice"]
    own = [line for line in lines if line["command"].startswith("lengthgen verdicts")]
    assert len(own) == expected
    for line in own:
        assert main([*shlex.split(line["command"])[1:], "--json", "v.json", "--jobs", "1"]) == 0
        (cell,) = json.loads((folder / "v.json").read_text(encoding="utf-8"))["cells"]
        assert cell["outcome"] == "generalizes"
        evidence = " ".join(line["evidence"].values())
        assert f"✓ from {cell['decisions'][0]['certificate']}" in evidence
        assert cell["scope"] in evidence


def test_bad_usage_is_said_in_a_line(folder: Path, capsys: Out) -> None:
    assert main(["advise", "none.jsonl"]) == 3
    assert "No such file" in capsys.readouterr().err
    assert main(["advise", "copy", "--json", "nowhere/a.json"]) == 3
    assert main(["advise", "boxes_missing:solve"]) == 3


def test_the_page_escapes_what_is_not_ours() -> None:
    html = page(replace(of_copied(), name="<b>mine</b>"))
    assert "<b>mine" not in html
    assert "&lt;b&gt;mine" in html


def test_a_source_without_a_rule_reads_everything() -> None:
    task = Opaque(Source.of(lambda prompt: (sum(prompt) % 2,), alphabet=(0, 1)), "parity", (0, 1))
    assert task.n_instances(3) == 8
    assert [len(step.sources) for instance in task.instances(3) for step in instance.steps] == [3] * 8
    assert task.anchor == "none"
    with pytest.raises(InvalidArgument, match="known tokens"):
        task.made(((0, 7), (1,)))


@pytest.mark.parametrize(
    ("end", "token", "said"),
    [((), 0, True), ((7,), 0, False), ((1,), 0, False), ((0,), 0, True), ((7,), 7, True)],
    ids=["no end", "an end of its own", "one of the prompt", "the same token", "before the end"],
)
def test_outputs_must_say_where_they_end(end: tuple[int, ...], token: int, *, said: bool) -> None:
    def output(prompt: tuple[int, ...]) -> tuple[int, ...]:
        return (token,) * (1 + sum(prompt) % 2) + end

    facts = facts_of(output, name="ends", alphabet=(0, 1), lengths=[1, 2, 3])
    assert any("where outputs end" in fact.what for fact in facts.evidence) == said
    assert not any("where outputs end" in fact.what for fact in facts_of(copied, name="copy", alphabet=(0, 1)).evidence)
