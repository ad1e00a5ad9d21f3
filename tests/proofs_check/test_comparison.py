"""Theory beside practice: kinds of cells, what is counted of each, and the page that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.results import Row, read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.commands.main import main
from proofs_check.verdicts import comparison
from proofs_check.verdicts.comparison import Comparison, compare, digits, page, silences, skill, table, tally, theorems
from proofs_check.verdicts.deciding import Cell, Decision
from proofs_check.verdicts.matched import Kept
from theory import HeadClass
from theory.errors import InvalidArgument
from theory.guarantees import Predicted

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "figures" / "data"
FILES = ("schemes", "dense", "coupled", "attention-only", "uncoupled")
MULTIPLES = (1, 2, 4, 10)


def row(task: str, positions: str, right: Mapping[int, int], seed: int = 0, size: int = 100, **changes: Any) -> Row:
    """A run that got so many of 100 sequences right at each multiple of its training length."""
    config = asdict(TrainConfig(task, positions, longest=10, seed=seed, **changes))
    tests = [{"task": task, "length": 10 * f, "size": size, "free_running": n} for f, n in right.items()]
    return {
        "schema": 1, "digest": f"{task} {positions} {seed}", "code": "0", "config": config, "tests": tests,
        "test_offsets": "random",
    }  # fmt: skip


def made_up(
    outcomes: Sequence[str | None], right: Sequence[int], task: str = "copy", *, guaranteed: str | None = None
) -> Comparison:
    """A cell with these outcomes of hard, ranked and soft heads, and one seed."""
    cells = {
        scores: outcome
        and Cell(task, "", "a scope", (Decision(HeadClass(2), outcome, certificate=3, guaranteed=guaranteed),))  # type: ignore[arg-type]
        for scores, outcome in zip(("hard", "ranked", "soft"), outcomes, strict=True)
    }
    shares = {f: (Fraction(n, 100),) for f, n in zip(MULTIPLES, right, strict=True)}
    return Comparison(TrainConfig(task, "coupled"), cells, shares, (right[0] == 100,))  # type: ignore[arg-type]


ALL, NONE, SOME = "generalizes", "unrealizable", "fails"


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([ALL, ALL, ALL], "promise"),
        ([ALL, SOME, SOME], "promise"),
        ([NONE, ALL, SOME], "promise"),
        ([SOME, SOME, ALL], "silence"),  # what T14 promises of all soft heads is T13's too, or the class is another
        ([SOME, SOME, SOME], "silence"),
        ([NONE, NONE, SOME], "silence"),
        ([NONE, NONE, NONE], "no head"),
        ([NONE, None, NONE], "no head"),
        ([NONE, NONE, None], "silence"),  # some soft head may be perfect in training
        ([None, None, None], "silence"),
    ],
)
def test_the_kind_of_a_cell_is_what_the_theory_says_of_its_class(outcomes: list[str | None], kind: str) -> None:
    found = made_up(outcomes, (100, 100, 100, 100))
    assert found.kind == kind
    held = Kept(20, 100, 90, 95, 0, 50, 40, 45)
    assert replace(found, kept=((held,),)).kind == "theorem"


@pytest.mark.parametrize(
    ("outcomes", "right", "fitted", "at_4", "at_10"),
    [
        ([ALL] * 3, (100, 100, 95, 10), True, True, False),
        ([ALL] * 3, (100, 100, 90, 89), True, True, False),
        ([ALL] * 3, (99, 100, 100, 100), False, None, None),  # a promise is about models without an error
        ([SOME] * 3, (90, 100, 90, 100), True, True, True),
        ([SOME] * 3, (89, 100, 90, 100), False, None, None),
        ([NONE] * 3, (90, 0, 89, 0), True, False, False),
    ],
)
def test_cells_are_counted_by_the_skill_of_models_that_fit(
    outcomes: list[str], right: tuple[int, ...], fitted: bool, at_4: bool | None, at_10: bool | None
) -> None:
    found = made_up(outcomes, right)
    assert (found.fitted, found.generalizes(4), found.generalizes(10)) == (fitted, at_4, at_10)
    assert bool(found.why) == (found.kind == "promise" and False in (at_4, at_10))


def test_a_promise_is_kept_or_not_by_the_seeds_that_are_perfect_in_training() -> None:
    rows = [row("copy", "coupled", dict(zip(MULTIPLES, right, strict=True)), seed, window="task")
            for seed, right in enumerate([(100, 100, 100, 80), (99, 0, 0, 0), (100, 100, 90, 90)])]  # fmt: skip
    [found] = compare(reversed(rows))
    assert found.kind == "promise"
    assert found.perfect == (True, False, True)
    assert found.seeds[4] == (1, 0, Fraction(9, 10))
    assert (found.share(4), found.share(4, perfect=True)) == (Fraction(19, 30), Fraction(19, 20))
    assert (found.generalizes(4), found.generalizes(10)) == (True, False)
    assert found.why == (
        "T1 and T13 promise all, 2 of 3 seeds make no error in training, and get 0.85 at 10×. T14 guarantees ✓ from 3."
    )
    line = table([found]).splitlines()[2]
    assert "| copy | coupled, window 1 | 2 × 4 | 2,000 | ✓ from 3 | ✓ from 3 | ✓ from 3 |  | promise | 2 of 3 |" in line
    assert line.endswith("| 0.99 | 0.66 | 0.63 (0.00 to 1.00) | 0.56 |")


@pytest.mark.parametrize(
    ("task", "chance"),
    [
        ("copy", "0"), ("sorting, query-coupled", "0"), ("full parity", "1/2"), ("majority", "1/2"),
        ("sum modulo 3", "1/3"), ("sparse parity, k = 2", "1/2"),
    ],
)  # fmt: skip
def test_guessing_has_no_skill(task: str, chance: str) -> None:
    """The skill is a line from 0 at chance to 1 at all right, exactly."""
    least = Fraction(chance)
    assert [skill(share, task) for share in (least, (1 + least) / 2, Fraction(1))] == [0, Fraction(1, 2), 1]
    assert skill(least + Fraction(9, 10) * (1 - least), task) == Fraction(9, 10)


def test_what_is_compared_is_free_running_on_the_task_that_was_trained() -> None:
    given = row("copy", "coupled", dict.fromkeys(MULTIPLES, 70), window="task")
    for test in given["tests"]:
        test.update(teacher_forced=90, steps_right=80)
    given["tests"] += [{**test, "task": "reverse", "free_running": 10} for test in given["tests"]]
    [found] = compare([given])
    assert found.seeds == dict.fromkeys(MULTIPLES, (Fraction(7, 10),))


def test_the_tally_counts_each_kind_by_itself() -> None:
    cells = [
        made_up([ALL] * 3, (100, 100, 100, 100)),
        made_up([ALL] * 3, (100, 95, 60, 0)),
        made_up([ALL] * 3, (10, 0, 0, 0)),
        made_up([NONE] * 3, (100, 100, 95, 20)),
        made_up([NONE] * 3, (10, 0, 0, 0)),
        made_up([SOME] * 3, (95, 100, 100, 100)),
    ]
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in tally(cells).splitlines()]
    assert lines[0] == ["kind", "cells", "fitted", "generalize at 4×", "at 10×"]
    assert [[*line[:3], *(word.partition(" (")[0] for word in line[3:])] for line in lines[2:]] == [
        ["theorem", "0", "0", "", ""],
        ["promise", "3", "2", "1 of 2", "1 of 2"],
        ["silence", "1", "1", "1 of 1", "1 of 1"],
        ["no head", "2", "1", "1 of 1", "0 of 1"],
    ]
    assert "(0.02 to 1.00)" in "".join(lines[4][3])  # Clopper and Pearson: 1/40, rounded outwards
    assert digits(Fraction(999, 1000)) == "0.99"


def test_a_guaranteed_share_stands_for_the_verdict() -> None:
    assert made_up([SOME] * 3, (1, 1, 1, 1), guaranteed="5/16").word("soft") == "0.31"
    assert made_up([NONE, SOME, None], (1, 1, 1, 1)).word("soft") == "too large"
    assert made_up([NONE, SOME, None], (1, 1, 1, 1)).word("hard") == "∅ no head"


def predicting(right: str, doubtful: str = "0", at: int = 100, task: str = "copy") -> Comparison:
    """A cell of silence with what the max-margin head gets right, and how many of 100 sequences the models do."""
    one = made_up([SOME] * 3, (100, 100, at, at), task, guaranteed="1/16")
    soft = one.cells["soft"]
    assert soft is not None
    decision = replace(soft.decisions[0], predicted=Predicted(Fraction(right), Fraction(doubtful)))
    return replace(one, cells={**one.cells, "soft": replace(soft, decisions=(decision,))})


def test_the_max_margin_head_says_what_it_gets_right_where_theory_is_silent() -> None:
    assert predicting("3/4").prediction == "0.75"
    assert predicting("1/2", "1/3").prediction == "0.50 to 0.83"
    assert [predicting(right).says for right in ("9/10", "89/100")] == ["generalizes", "does not"]
    assert predicting("1/2", "1/2").says == "does not"  # ties are wrong
    assert [predicting(right, task="majority").says for right in ("95/100", "94/100")] == ["generalizes", "does not"]
    silent = made_up([SOME] * 3, (1, 1, 1, 1), guaranteed="1/16")
    assert (silent.prediction, silent.says) == ("too large", "not known")
    for outcomes in ([ALL, SOME, SOME], [NONE] * 3):
        assert made_up(outcomes, (1, 1, 1, 1)).prediction == ""
    assert made_up([SOME, SOME, None], (1, 1, 1, 1)).prediction == ""
    promised = replace(predicting("1"), kept=((Kept(20, 1, 1, 1, 0, 1, 1, 1),),))
    assert (promised.prediction, promised.predicted) == ("", None)
    assert "| 0.06 | 0.75 | silence |" in table([predicting("3/4")])


def test_cells_of_silence_are_counted_by_what_the_max_margin_head_says() -> None:
    cells = [predicting("1"), predicting("1", at=0), predicting("1/2", at=0), made_up([SOME] * 3, (100,) * 4)]
    told = silences([*cells, made_up([ALL] * 3, (100,) * 4)])
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in told.splitlines()]
    assert [[*line[:3], *(word.partition(" (")[0] for word in line[3:])] for line in lines[2:]] == [
        ["generalizes", "2", "2", "1 of 2", "1 of 2"],
        ["does not", "1", "1", "0 of 1", "0 of 1"],
        ["not known", "1", "1", "1 of 1", "1 of 1"],
    ]


def test_cells_differ_in_how_tests_shift_ids_where_heads_see_it() -> None:
    """What old runs count from 0 is not mixed with what newer ones shift."""
    full = dict.fromkeys(MULTIPLES, 100)
    new = row("copy", "coupled", full, window="task")
    old = {
        name: value
        for name, value in row("copy", "coupled", full, seed=1, window="task").items()
        if name != "test_offsets"
    }
    found = compare([new, old, {**old, "config": {**old["config"], "seed": 2}, "test_offsets": "fixed"}])
    assert [one.positions for one in found] == ["coupled, window 1", "coupled, window 1, tests from 0"]
    assert [len(one.perfect) for one in found] == [1, 2]
    [alike] = compare([{**own, "config": {**own["config"], "encoding": "rope"}} for own in (new, old)])
    assert (alike.positions, len(alike.perfect)) == ("coupled, rope, window 1", 2)


def test_theorems_are_told_sequence_by_sequence() -> None:
    one = made_up([ALL] * 3, (100,) * 4)
    runs = tuple(
        tuple(Kept(factor * one.config.longest, 60, 50, 55, broken, 20, 10, 15) for factor in MULTIPLES)
        for broken in (0, 1)
    )
    found = replace(one, kept=runs)
    assert theorems([found, one]).splitlines()[2:] == [
        "| copy | coupled | 1 of 1 | 20 and 30 of 40 | 20 and 30 of 40 | 20 and 30 of 40 | 4 |"
    ]
    assert "Of 400 guaranteed steps in all, 4 are wrong." in page([found], ["rows.jsonl"])


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no rows"):
        compare([])
    with pytest.raises(InvalidArgument, match=r"test lengths \[10, 20\]"):
        compare([row("copy", "none", {1: 1, 2: 1})])


def test_runs_that_do_not_belong_together_are_refused() -> None:
    full = {1: 100, 2: 100, 4: 100, 10: 100}
    one, other = row("copy", "none", full), row("copy", "none", full, seed=1)
    assert len(compare([one, other])[0].seeds[4]) == 2
    assert len(compare([one, {**other, "config": {**other["config"], "log_scale": True}}])) == 2  # two cells
    with pytest.raises(InvalidArgument, match="runs of 'copy' under 'none' with the seed 0 twice"):
        compare([one, row("copy", "none", full)])
    newer = {**row("copy", "none", dict.fromkeys(MULTIPLES, 70), seed=1), "code": "10"}
    assert compare([one, {**other, "code": "9"}, newer])[0].seeds[4] == (Fraction(7, 10),)
    with pytest.raises(InvalidArgument, match="got a row without tests; expected rows of"):
        compare([{name: value for name, value in one.items() if name != "tests"}])


def test_the_last_factor_may_be_missing() -> None:
    [found] = compare([row("copy", "coupled", {1: 100, 2: 100, 4: 95}, window="task")])
    assert (found.generalizes(4), found.generalizes(10)) == (True, None)
    assert table([found]).endswith("| 0.95 (0.95 to 0.95) |  |")


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, output = tmp_path / "rows.jsonl", tmp_path / "page.md"
    rows = [
        row("copy", "coupled", {1: 100, 2: 100, 4: 95, 10: 92}, window="task"),
        row("copy", "none", {1: 100, 2: 9, 4: 0, 10: 0}),
    ]
    results.write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert main(["compare", str(results), "--output", str(output)]) == 0
    text = output.read_text()
    assert text == page(compare(rows), [str(results)])
    assert "| promise | 1 | 1 | 1 of 1 (" in text
    assert "- (nowhere)" in text
    assert main(["compare", str(tmp_path / "none.jsonl")]) == 3
    assert "none.jsonl" in capsys.readouterr().err


def stored_rows() -> list[Row]:
    return [row for file in FILES for row in read_rows(DATA / f"{file}.jsonl")]


def test_the_stored_page_has_the_stored_rows() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    cells = {comparison.cell_of(row) for row in stored_rows()}
    lines = [line for line in text.splitlines() if line.count("|") == 15]
    assert len(lines) == len(cells) + 2
    assert lines[0].startswith("| task | positions | layers × heads | steps |")


def test_no_guaranteed_step_of_a_stored_model_is_wrong() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    assert " guaranteed steps in all, 0 are wrong." in text


@pytest.mark.slow
def test_the_stored_page_is_that_of_the_stored_rows() -> None:
    files = [f"figures/data/{file}.jsonl" for file in FILES]
    assert (ROOT / "docs" / "comparison.md").read_text() == page(compare(stored_rows()), files)
