"""Theory beside practice: what counts as agreement, and the page that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import pytest

from idealized_model.transformer.data import POSITIONS
from idealized_model.transformer.results import Row, read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.commands.main import main
from proofs_check.verdicts.comparison import SCHEME_OF, Comparison, compare, digits, page, skill, table, tally
from proofs_check.verdicts.deciding import SCHEMES, Cell, Decision, verdict
from proofs_check.verdicts.subjects import subject_of
from theory import HeadClass
from theory.errors import InvalidArgument
from theory.tasks import QueryCoupled

ROOT = Path(__file__).resolve().parents[2]
DATA = [ROOT / "figures" / "data" / name for name in ("schemes.jsonl", "dense.jsonl")]
MULTIPLES = (1, 2, 4, 10)


def row(task: str, positions: str, right: Mapping[int, int], seed: int = 0, size: int = 100) -> Row:
    """A run that got so many of 100 sequences right at each multiple of its training length."""
    config = asdict(TrainConfig(task, positions, longest=10, seed=seed))
    tests = [{"task": task, "length": 10 * f, "size": size, "free_running": n} for f, n in right.items()]
    return {"schema": 1, "digest": f"{task} {positions} {seed}", "code": "0", "config": config, "tests": tests}


def one(task: str, positions: str, *right: int) -> Comparison:
    [found] = compare([row(task, positions, dict(zip(MULTIPLES, right, strict=True)))])
    return found


def made_up(outcomes: Sequence[str], right: Sequence[int], task: str = "copy") -> Comparison:
    """A comparison with these outcomes for arities 1, 2, ..."""
    decisions = tuple(Decision(HeadClass(k + 1), outcome, certificate=3) for k, outcome in enumerate(outcomes))  # type: ignore[arg-type]
    shares = {f: (Fraction(n, 100),) for f, n in zip(MULTIPLES, right, strict=True)}
    return Comparison(task, "coupled", Cell(task, "coupled", "a scope", decisions), shares, "1 × 1")


@pytest.mark.parametrize("positions", SCHEME_OF)
def test_the_verdict_is_that_of_t1_under_what_heads_see(positions: str) -> None:
    cell = one("copy", positions, 100, 50, 0, 0).cell
    again = verdict(subject_of("copy"), SCHEME_OF[positions], mixed=True)
    assert cell == again
    assert cell.scope.endswith(" mixed")  # as in training


def test_heads_see_of_the_positions_what_models_see() -> None:
    """By what each scheme of training does to the IDs, and how its encoding reads them."""
    assert SCHEME_OF.keys() == POSITIONS.keys()
    distances = {"rope", "alibi"}
    for name, trained in POSITIONS.items():
        seen = SCHEME_OF[name]
        assert (seen.coupled, seen.increments) == (trained.coupled, trained.predicted)
        if trained.relabel == "ordered":  # all that stays is the order
            assert (seen.key, seen.window, seen.relabel) == ("order", "none", "fixed")
        elif trained.coupled:  # a vector an ID, from a random offset on: what stays are differences
            assert (seen.key, seen.window, seen.relabel) == ("relative", "held", "fixed")
        elif trained.encoding == "none":
            assert seen.key == "none"
        elif trained.encoding in distances:
            assert (seen.key, seen.window) == ("relative", "trained")
        else:
            assert seen.key == "absolute"
            assert (seen.relabel == "shift") == (trained.relabel != "fixed")
            assert seen.window == ("trained" if seen.relabel == "shift" else "none")
        assert seen == SCHEMES.get(seen.name, seen)  # where a table of verdicts names it, it is that one


@pytest.mark.parametrize(
    ("task", "positions", "right", "observed", "agrees", "why"),
    [
        ("copy", "coupled", (100, 100, 95, 10), "generalize", True, ""),
        ("copy", "coupled", (90, 90, 90, 90), "generalize", True, ""),
        ("copy", "coupled", (100, 100, 60, 10), "in between", False, "never meet in training"),
        ("copy, query-coupled", "coupled-ordered", (100, 99, 50, 10), "fail", False, "get 0.50 right at 4 times"),
        ("copy, query-coupled", "coupled-ordered", (100, 99, 50, 10), "fail", False, "is no hard head"),
        ("copy", "coupled", (40, 10, 0, 0), "fail", None, ""),
        ("copy", "coupled", (89, 90, 90, 90), "generalize", None, ""),
        ("copy", "rope", (100, 50, 30, 0), "fail", True, ""),
        ("copy", "rope", (89, 50, 30, 0), "fail", None, ""),
        # ✗ is no prediction, whatever the models do.
        ("sparse parity, k = 2", "absolute", (100, 100, 98, 0), "generalize", None, ""),
        ("sparse parity, k = 2", "absolute", (100, 50, 50, 50), "fail", None, ""),
        ("copy", "none", (80, 0, 0, 0), "fail", None, ""),
        ("copy", "none", (100, 100, 92, 0), "generalize", False, "several heads"),
        ("copy", "none", (90, 50, 50, 0), "fail", True, ""),
        ("copy", "none", (90, 50, 51, 0), "in between", False, "prefer one key to another"),
        ("full parity", "none", (95, 70, 75, 50), "fail", True, ""),
        ("full parity", "none", (94, 70, 75, 50), "fail", None, ""),
        ("full parity", "none", (100, 70, 76, 50), "in between", False, "averages over all tokens"),
        ("majority", "none", (100, 99, 95, 97), "generalize", False, "averages over all tokens"),
        ("majority", "none", (100, 99, 94, 97), "in between", False, "averages over all tokens"),
    ],
)
def test_agreement_is_about_the_skill_of_models_that_fit(
    task: str, positions: str, right: tuple[int, ...], observed: str, agrees: bool | None, why: str
) -> None:
    found = one(task, positions, *right)
    assert (found.observed(4), found.agrees(4)) == (observed, agrees)
    assert why in found.why
    assert bool(found.why) == (agrees is False)
    word = "yes" if agrees else "**no**" if agrees is False else "says nothing" if found.fitted else "not fitted"
    assert table([found]).endswith(f"| {word} |")


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


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        (["generalizes"], "generalize"), (["unrealizable"], "fail"), (["fails"], None),
        (["unrealizable", "generalizes"], "generalize"), (["fails", "generalizes"], None),
        (["unrealizable", "fails"], None), (["unrealizable", "unrealizable"], "fail"),
    ],
)  # fmt: skip
def test_a_cross_predicts_nothing(outcomes: list[str], says: str | None) -> None:
    found = made_up(outcomes, (100, 100, 100, 100))
    assert found.says == says
    assert found.agrees(4) == (None if says is None else says == "generalize")


def test_seeds_are_the_units() -> None:
    """Means, the lowest and the highest, and how many generalize; a seed with more sequences counts no more."""
    rows = [row("copy", "coupled", {1: 100, 2: 100, 4: n, 10: 0}, seed) for seed, n in enumerate((100, 90, 20))]
    rows.append(row("copy", "coupled", {1: 1000, 2: 1000, 4: 899, 10: 0}, 3, 1000))
    [found] = compare(reversed(rows))
    assert found.seeds[4] == (1, Fraction(9, 10), Fraction(1, 5), Fraction(899, 1000))
    assert found.share(4) == Fraction(2999, 4000)
    line = table([found]).splitlines()[2]
    assert "| 1.00 | 1.00 | 0.74 (0.20 to 1.00) | 0.00 | 2 of 4 (" in line
    # Clopper and Pearson, by their definition: at the ends 2 or more, or 2 or fewer, of 4 have probability 1/40.
    low, high = (float(word) for word in line.split("2 of 4 (")[1].split(")")[0].split(" to "))
    for end, counts in ((low, range(2, 5)), (high, range(3))):
        beyond = [sum(comb(4, n) * p**n * (1 - p) ** (4 - n) for n in counts) for p in (end - 0.01, end, end + 0.01)]
        assert beyond[1] <= 1 / 40 <= max(beyond)  # rounded outwards, and by less than a digit


def test_what_is_compared_is_free_running_on_the_task_that_was_trained() -> None:
    given = row("copy", "coupled", dict.fromkeys(MULTIPLES, 70))
    for test in given["tests"]:
        test.update(teacher_forced=90, steps_right=80)
    given["tests"] += [{**test, "task": "reverse", "free_running": 10} for test in given["tests"]]
    [found] = compare([given])
    assert found.seeds == dict.fromkeys(MULTIPLES, (Fraction(7, 10),))


def test_a_seed_generalizes_by_its_skill() -> None:
    """0.94 of majority, of which guessing gets 1/2, is a skill of 0.88."""
    rows = [row("majority", "none", {1: 100, 2: 100, 4: n, 10: 50}, seed) for seed, n in enumerate((94, 95))]
    assert "| 1 of 2 (" in table(compare(rows))


@pytest.mark.parametrize(("seeds", "least", "median"), [(1, 0.02, "0"), (3, 0.29, "3/4"), (5, 0.47, "15/16")])
def test_the_least_that_seeds_say_is_what_the_page_says(seeds: int, least: float, median: str) -> None:
    rows = [row("copy", "coupled", dict.fromkeys(MULTIPLES, 100), seed) for seed in range(seeds)]
    fewer = [row("copy", "none", dict.fromkeys(MULTIPLES, 100), seed) for seed in range(seeds - 1)]
    text = page(compare([*rows, *fewer]), ["rows.jsonl"])
    assert f"{seeds} of {seeds} ({least:.2f} to 1.00)" in text
    assert f"\neven {seeds} of {seeds} say no more than that it is at least {least:.2f}.\n" in text
    assert f" 1 - 2/2^n ({median} for {seeds}), " in text
    assert least**seeds <= 1 / 40 < (least + 0.01) ** seeds
    assert digits(Fraction(999, 1000)) == "0.99"


def test_the_tally_counts_fitted_models_apart_and_constant_answers_beside() -> None:
    """One cell of each kind, counted by hand at 2, 4 and 10 times the length."""
    cells = [
        made_up(["generalizes"], (100, 100, 100, 100)),
        made_up(["generalizes"], (100, 95, 60, 0)),
        made_up(["generalizes"], (10, 0, 0, 0)),
        made_up(["unrealizable"], (100, 100, 95, 20)),
        made_up(["unrealizable"], (100, 10, 0, 0)),
        *[made_up(["unrealizable"], (10, 0, 0, 0))] * 3,
        made_up(["fails"], (100, 100, 100, 100)),
        made_up(["fails"], (10, 0, 0, 0)),
    ]
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in tally(cells).splitlines()]
    assert lines[0] == ["", "2×", "4×", "10×"]
    assert [line[1:] for line in lines[2:]] == [
        ["2 of 2", "1 of 2", "1 of 2"],  # ✓
        ["1 of 2", "1 of 2", "2 of 2"],  # ∅
        ["3 of 4", "2 of 4", "3 of 4"],
        ["3 of 4", "2 of 4", "1 of 4"],  # "generalize"
        ["1 of 4", "1 of 4", "3 of 4"],  # "fail"
        ["6 of 8", "5 of 8", "6 of 8"],
        ["3 of 8", "2 of 8", "1 of 8"],
        ["5 of 8", "5 of 8", "7 of 8"],
    ]
    text = page(cells, ["rows.jsonl"])
    assert "Fitted are 2 of 3 with a ✓, 2 of 5 with a ∅, 1 of 2 with a ✗." in text
    assert "3 of the 5 that\nagree with T1 at 4 times the length there do not fit" in text


def test_a_query_coupled_task_is_decided_in_its_small_version() -> None:
    small = subject_of("copy, query-coupled").task
    assert isinstance(small, QueryCoupled)
    assert one("copy, query-coupled", "coupled-ordered", 100, 100, 100, 100).agrees(4)
    assert one("copy", "coupled-ordered", 100, 100, 100, 100).why  # token-coupled: no head under an order key


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no rows"):
        compare([])
    with pytest.raises(InvalidArgument, match=r"test lengths \[10, 20\]"):
        compare([row("copy", "none", {1: 1, 2: 1})])


def test_runs_that_do_not_belong_together_are_refused() -> None:
    full = {1: 100, 2: 100, 4: 100, 10: 100}
    one, other = row("copy", "none", full), row("copy", "none", full, seed=1)
    assert len(compare([one, other])[0].seeds[4]) == 2
    with pytest.raises(InvalidArgument, match="runs of 'copy' under 'none' with the seed 0 twice"):
        compare([one, row("copy", "none", full)])
    with pytest.raises(InvalidArgument, match="with other layers, log_scale; expected one run a seed"):
        compare([one, {**other, "config": {**other["config"], "layers": 1, "log_scale": True}}])
    with pytest.raises(InvalidArgument, match="with other the version of the numerics"):
        compare([one, {**other, "code": "1"}])
    with pytest.raises(InvalidArgument, match="got a row without tests; expected rows of"):
        compare([{name: value for name, value in one.items() if name != "tests"}])


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, output = tmp_path / "rows.jsonl", tmp_path / "page.md"
    rows = [row("copy", "coupled", {1: 100, 2: 100, 4: 95, 10: 10}), row("copy", "rope", {1: 100, 2: 9, 4: 0, 10: 0})]
    results.write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert main(["compare", str(results), "--output", str(output)]) == 0
    text = output.read_text()
    assert text == page(compare(rows), [str(results)])
    assert "Fitted are 1 of 1 with a ✓, 1 of 1 with a ∅." in text
    assert "| fitted, ✓ or ∅ | 2 of 2 | 2 of 2 | 1 of 2 |" in text
    assert "- (nowhere)" in text
    assert main(["compare", str(tmp_path / "none.jsonl")]) == 3
    assert "none.jsonl" in capsys.readouterr().err


def stored_rows() -> list[Row]:
    return [row for file in DATA for row in read_rows(file)]


def test_the_stored_page_has_the_stored_rows() -> None:
    text, rows = (ROOT / "docs" / "comparison.md").read_text(), stored_rows()
    pairs = {(row["config"]["task"], row["config"]["positions"]) for row in rows}
    assert sum(text.count(f"| {task} | {positions} |") for task, positions in pairs) == len(pairs)
    copies = [row for row in rows if row["config"]["task"].startswith("copy")]
    assert all(line in text for line in table(compare(copies)).splitlines())


def test_the_other_pages_say_what_the_page_says() -> None:
    text, *pages = ((ROOT / name).read_text() for name in ("docs/comparison.md", "README.md", "docs/experiments.md"))
    rows = [[word.strip() for word in words] for line in text.splitlines() if len(words := line.split("|")) == 6]
    at_4, at_10 = ({words[1]: words[column] for words in rows} for column in (3, 4))
    assert (at_4[""], at_10[""]) == ("4×", "10×")
    unfitted = text.count("| ∅ no head |") - int(at_4["fitted, ∅"].split(" of ")[1])
    said = " ".join(" ".join(pages).split())
    for sentence in (
        f"models of {unfitted} of {text.count('| ∅ no head |')} pairs of task and scheme do not even fit",
        f"generalize in {at_4['fitted, ✓']} pairs with a ✓ and fail in {at_4['fitted, ∅']} with a ∅",
        f"T1 agrees in {at_4['fitted, ✓ or ∅']},",
        f"""would in {at_4['fitted, ✓ or ∅: always "fail"'].split()[0]}; at 10 times""",
        f"at 10 times they generalize in {at_10['fitted, ✓']} with a ✓, and T1 agrees in {at_10['fitted, ✓ or ∅']}, where",
        f"""would in {at_10['fitted, ✓ or ∅: always "fail"'].split()[0]}.""",
    ):
        assert sentence in said


def test_the_numbers_of_the_stored_page_by_plain_counting() -> None:
    """Its own table, read again, with the accuracies of the stored rows; verdicts are those of the table."""
    text = (ROOT / "docs" / "comparison.md").read_text()
    symbols = {
        (words[1].strip(), words[2].strip()): words[4].strip()[0]
        for words in (line.split("|") for line in text.splitlines())
        if len(words) == 12 and words[4].strip()[:1] in tuple("✓∅✗")
    }
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in stored_rows():
        groups.setdefault((row["config"]["task"], row["config"]["positions"]), []).append(row)
    assert symbols.keys() == groups.keys()
    chances = {"full parity": 0.5, "majority": 0.5, "sum modulo 3": 1 / 3}

    def reached(pair: tuple[str, str], factor: int) -> float:
        tests: list[Any] = [test for row in groups[pair] for test in row["tests"] if test["length"] == 10 * factor]
        chance = chances.get(pair[0], 0)
        return (sum(t["free_running"] for t in tests) / sum(t["size"] for t in tests) - chance) / (1 - chance)

    fitted = {pair for pair in groups if reached(pair, 1) >= 0.9}
    for says, of, name in (
        ("✓", fitted, "fitted, ✓"), ("∅", fitted, "fitted, ∅"), ("✓∅", fitted, "fitted, ✓ or ∅"),
        ("✓∅", groups, "all with ✓ or ∅, not fitted ones too"),
    ):  # fmt: skip
        own = [pair for pair in of if symbols[pair] in says]
        agree = [
            sum(reached(p, f) >= 0.9 if symbols[p] == "✓" else reached(p, f) <= 0.5 for p in own) for f in (2, 4, 10)
        ]
        assert f"| {name} | {' | '.join(f'{n} of {len(own)}' for n in agree)} |" in text
        constant = [sum(reached(pair, f) <= 0.5 for pair in own) for f in (2, 4, 10)]
        if "✓∅" in says:
            assert f'| {name}: always "fail" | {" | ".join(f"{n} of {len(own)}" for n in constant)} |' in text


@pytest.mark.slow
def test_the_stored_page_is_that_of_the_stored_rows() -> None:
    files = [str(file.relative_to(ROOT)) for file in DATA]
    assert (ROOT / "docs" / "comparison.md").read_text() == page(compare(stored_rows()), files)
