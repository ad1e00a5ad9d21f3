"""The class of heads that a model has, and the theorem about attention-only models beside runs of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from idealized_model.transformer.data import POSITIONS
from idealized_model.transformer.laws import examples_of, sequences_of_tests, sequences_of_training
from idealized_model.transformer.runs import Evaluation, run
from idealized_model.transformer.soft_head import KEYS
from idealized_model.transformer.training import TrainConfig
from proofs_check.verdicts import matched
from proofs_check.verdicts.comparison import compare
from proofs_check.verdicts.deciding import Scheme
from proofs_check.verdicts.matched import Kept, attention_only, class_of, decided, kept, name_of, training_errors
from proofs_check.verdicts.subjects import Subject
from theory import BudgetExceeded, Example, HeadClass, View

ALONE: dict[str, Any] = {"layers": 1, "heads": 1, "mlp": False, "norm": False}


def test_the_class_has_what_attention_sees_of_the_ids() -> None:
    for name, how in POSITIONS.items():
        scheme = class_of(TrainConfig("copy", name))
        assert (scheme.key, scheme.coupled, scheme.increments) == (KEYS[how.encoding], how.coupled, how.predicted)
        assert (scheme.window, scheme.packed, scheme.at_most) == ("none", False, True)
        assert scheme.relabel == ("fixed" if how.encoding == "none" else how.relabel)


@pytest.mark.parametrize(
    ("changes", "key", "window", "relabel", "packed"),
    [
        ({"window": "task"}, "absolute", 1, "shift", False),
        ({"window": 3, "packing": 0.75}, "absolute", 3, "shift", True),
        ({"encoding": "rope"}, "relative", "none", "fixed", False),  # differences stay when all IDs are shifted
        ({"encoding": "none", "window": 1}, "none", 1, "fixed", False),
        ({"positions": "coupled-ordered", "encoding": "alibi"}, "relative", "none", "ordered", False),
        ({"positions": "coupled-ordered", "encoding": "none", "window": 1}, "none", 1, "ordered", False),
        ({"positions": "coupled-ordered", "encoding": "none"}, "none", "none", "fixed", False),
    ],
)
def test_the_class_has_the_window_and_the_training_of_the_run(
    changes: dict[str, Any], key: str, window: object, relabel: str, packed: bool
) -> None:
    config = TrainConfig(**{"task": "copy", "positions": "coupled", **changes})
    own = class_of(config)
    assert (own.key, own.window, own.relabel, own.packed) == (key, window, relabel, packed)
    shifted = relabel == "shift"
    assert own == Scheme(name_of(config), "", key, True, window, relabel, shifted, packed, at_most=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("positions", "encoding", "moved"),
    [
        ("coupled", "scheme", True), ("random-shift", "scheme", True), ("pose", "scheme", True),
        ("pose", "rope", False), ("coupled", "rope", False),  # which see differences alone
        ("coupled-ordered", "scheme", False), ("absolute", "scheme", False), ("none", "scheme", False),
    ],
)  # fmt: skip
def test_how_tests_shift_ids_is_part_of_the_class_where_heads_see_it(
    positions: str, encoding: str, moved: bool
) -> None:
    config = TrainConfig("copy", positions, encoding=encoding)  # type: ignore[arg-type]
    shifted, counted = (class_of(config, shifted=own) for own in (True, False))
    assert (shifted.shifted, counted.shifted) == (moved, False)
    assert counted.name == shifted.name + ", tests from 0" * moved
    assert (shifted == counted) == (not moved)


def test_the_heads_of_a_verdict_may_look_at_fewer_tokens() -> None:
    """As attention may look at its query alone; with IDs in a window of 0 that tells copying nothing."""
    cell = decided(TrainConfig("copy, query-coupled", "coupled", encoding="none", window="task"), "hard")
    assert cell is not None
    assert cell.decisions[0].heads == HeadClass(2, 0, "none", "last", at_most=True)


def test_a_token_that_only_asks_is_one_of_those_that_heads_look_at() -> None:
    cell = decided(TrainConfig("majority", "none", **ALONE), "soft")
    assert cell is not None
    assert cell.decisions[0].heads == HeadClass(2, None, "none", "last", at_most=True)


@pytest.mark.parametrize(
    "changes",
    [{"layers": 2}, {"heads": 2}, {"mlp": True}, {"norm": True}, {"positions": "predicted"}, {"log_scale": True}],
    ids=str,
)
def test_only_attention_alone_lies_in_the_class(changes: dict[str, Any]) -> None:
    assert attention_only(TrainConfig(**{"task": "pointer chasing", "positions": "coupled", **ALONE}))
    assert not attention_only(TrainConfig(**{"task": "pointer chasing", "positions": "coupled", **ALONE, **changes}))


@pytest.mark.slow
def test_heads_have_as_many_tokens_as_the_task_needs_and_two_where_attention_is_alone() -> None:
    task, small = "addition, reversed, carry shown, query-coupled", {"positions": "coupled", "window": "task"}
    full, alone = (decided(TrainConfig(task, **small, **own), "hard") for own in ({}, ALONE))  # type: ignore[arg-type]
    assert full is not None
    assert alone is not None
    assert [cell.decisions[0].heads.arity for cell in (full, alone)] == [3, 2]
    assert full.decisions[0].word == "✓ from 3"
    dense = decided(TrainConfig("majority", "none"), "hard")
    assert dense is not None
    assert dense.decisions[0].heads.arity == 3


@pytest.mark.slow
def test_coupled_ids_in_a_window_are_decided_at_all_training_lengths_of_the_tables() -> None:
    cell = decided(TrainConfig("addition, reversed, carry shown", "coupled", window="task"), "hard")
    assert cell is not None
    assert (cell.decisions[0].word, cell.scope) == ("✓ from 4", "base 2; 1..4 → 1..5 mixed")


@pytest.mark.parametrize(
    ("positions", "scores", "scope"),
    [
        ("coupled", "hard", "1..4 → 1..6"), ("coupled", "soft", "1..3 → 1..5"),
        ("coupled-ordered", "ranked", "1..3 → 1..5"),
        pytest.param("coupled-ordered", "soft", "1..3 → 1..5", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_soft_heads_are_decided_at_shorter_lengths(positions: str, scores: Any, scope: str) -> None:
    cell = decided(TrainConfig("copy, query-coupled", positions), scores)
    assert cell is not None
    assert cell.scope == f"2 symbols; {scope} mixed"


def test_lengths_become_fewer_until_their_laws_are_small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests lose a length first, then training does; the greatest test length is longer than training to the end."""
    tried = list[tuple[list[int], list[int]]]()

    def refuse(subject: Subject, *given: Any, **options: Any) -> None:
        tried.append(([*subject.train], [*subject.test]))
        raise BudgetExceeded("verdict", size=2, budget=1)

    monkeypatch.setattr(matched, "verdict", refuse)
    assert decided(TrainConfig("copy, query-coupled", "coupled-ordered"), "hard") is None
    assert tried == [
        ([1, 2, 3], [1, 2, 3, 4, 5]), ([1, 2, 3], [1, 2, 3, 4]), ([1, 2], [1, 2, 3, 4]), ([1, 2], [1, 2, 3]),
        ([1], [1, 2, 3]), ([1], [1, 2]),
    ]  # fmt: skip


def test_laws_with_many_choices_of_ids_are_listed_at_short_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    config, scopes = TrainConfig("copy, query-coupled", "coupled-ordered"), []
    for largest in (100_000, 600, 60, 5):
        monkeypatch.setitem(matched.LARGEST, "hard", largest)
        cell = decided(config, "hard")
        scopes.append(cell and cell.scope.removeprefix("2 symbols; ").removesuffix(" mixed"))
    assert scopes == ["1..3 → 1..5", "1..3 → 1..4", "1..1 → 1..2", None]


# ── By plain enumeration ─────────────────────────────────────────────────────────────────────────────────────────────


def some_head_errs(heads: HeadClass, train: set[Example], test: Example) -> bool:
    """Whether a linear program finds masses W(view, label) that are right on training by a margin of 1 and wrong on a test.

    Straight from what greedy answers are, without cones, certificates or numbered views.
    """
    places: dict[tuple[View, object], int] = {}
    labels = {example.label for example in (*train, test)}

    def lead(example: Example, other: object) -> dict[int, int]:
        """The mass of the label less that of another one, by the entries of W."""
        signs, counts = ((example.label, 1), (other, -1)), heads.view_counts(example)
        return {places.setdefault((view, y), len(places)): n * sign for view, n in counts.items() for y, sign in signs}

    right = [lead(example, other) for example in train for other in labels - {example.label}]
    for wrong in [lead(test, other) for other in labels - {test.label}]:
        rows = [{j: -n for j, n in one.items()} for one in right] + [wrong]
        entries = [(n, i, j) for i, row in enumerate(rows) for j, n in row.items()]
        values, *at = zip(*entries, strict=True)
        matrix = coo_array((values, at), shape=(len(rows), len(places))).tocsr()
        bounds = [*[-1] * len(right), 0]
        if linprog(np.zeros(len(places)), A_ub=matrix, b_ub=bounds, bounds=(None, None)).status == 0:
            return True
    return False


@pytest.mark.parametrize(
    ("task", "positions", "listed", "trained", "tested", "n_ids", "share"),
    [
        ("majority", "none", 3, 8, 9, 12, "151/256"),
        ("sorting", "rope", 3, 3, 4, 12, "0"),
        ("copy", "pose", 2, 2, 3, 10, "1/6"),  # 9 tokens at length 4, and one ID more
    ],
)
def test_shares_of_cells_are_those_of_plain_enumeration(
    task: str,
    positions: str,
    listed: int,
    trained: int,
    tested: int,
    n_ids: int,
    share: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The laws are those that batches are drawn from, tests counted from 0, and a solver looks for each head by itself."""
    monkeypatch.setattr(matched, "LISTED", listed)
    shortest = 7 if task == "majority" else 1
    config = TrainConfig(task, positions, shortest=shortest, longest=trained, n_ids=n_ids, **ALONE)
    cell = decided(config, "soft", shifted=False)
    assert cell is not None
    [decision] = cell.decisions
    assert decision.witness is not None
    assert (decision.guaranteed, decision.witness[:2]) == (share, (trained, tested))
    sequences = sequences_of_training(config), sequences_of_tests(config, tested)
    train, every = ([e for one, ids in own for e in examples_of(one, ids, config)] for own in sequences)
    test = {e for e in every if e.ids[0] == 0}

    def alike(example: Example) -> tuple[frozenset[tuple[View, int]], object]:
        return frozenset(decision.heads.view_counts(example).items()), example.label

    distinct = {alike(e): e for e in train}.values()
    errs = {key: some_head_errs(decision.heads, {*distinct}, e) for key, e in {alike(e): e for e in test}.items()}
    assert Fraction(sum(not errs[alike(e)] for e in test), len(test)) == Fraction(share)


# ── Theorems ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def windowed() -> dict[str, Any]:
    """A short run that is perfect in training."""
    config = TrainConfig(
        "sorting, query-coupled", "coupled", window="task", longest=2, n_ids=10, steps=400, batch=32, width=16, rate=1e-2,
        warmup=20, decay=0.0, **ALONE,
    )  # fmt: skip
    return run(config, Evaluation((2, 4, 8), size=20, every_step=True))


def test_a_window_of_the_task_guarantees_every_step_and_a_perfect_model_keeps_it(windowed: dict[str, Any]) -> None:
    assert training_errors(windowed) == 0
    for test, length in zip(kept(windowed), (2, 4, 8), strict=True):
        steps = 20 * length
        assert (test.length, test.steps, test.guaranteed, test.right, test.broken) == (length, steps, steps, steps, 0)
        assert (test.sequences, test.guaranteed_sequences, test.right_sequences) == (20, 20, 20)


def test_a_guaranteed_step_that_is_wrong_is_counted_and_a_wrong_one_that_is_not_guaranteed_is_not(
    windowed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = windowed["every_step"]
    wrong = {**noted, "tests": [{**own, "wrong": [[3, 0], [3, 1], [7, 1]]} for own in noted["tests"]]}
    spoiled = {**windowed, "every_step": wrong}
    first = kept(spoiled)[0]
    assert (first.broken, first.right, first.right_sequences) == (3, 37, 18)
    monkeypatch.setattr(matched, "_guaranteed", lambda *given: set())
    first = kept(spoiled)[0]
    assert (first.broken, first.guaranteed, first.guaranteed_sequences, first.right) == (0, 0, 0, 37)


def test_without_a_window_longer_sequences_are_guaranteed_nothing() -> None:
    config = TrainConfig("sorting, query-coupled", "coupled", longest=2, n_ids=10, steps=1, batch=4, width=8, **ALONE)
    row = run(config, Evaluation((2, 4), size=10, every_step=True))
    short, long = kept(row)
    assert (short.guaranteed, short.steps) == (20, 20)  # what training shows is guaranteed
    assert long.guaranteed == 0


def test_a_sequence_is_guaranteed_where_all_its_steps_are() -> None:
    found = matched._kept({"length": 2, "wrong": [[0, 1], [2, 0], [2, 1]]}, [[True, False], [True, True], [True, True]])
    assert found == Kept(2, 6, 5, 3, 2, 3, 2, 1)


def test_the_guarantee_is_that_of_soft_heads() -> None:
    """No hard head counts: majority is guaranteed nothing by T1, and by T14 where ones are many."""
    config = TrainConfig("majority", "none", longest=3, **ALONE)
    ask = {bits: Example((*bits, 4), tuple(range(6)), 2 + (2 * sum(bits) > 5)) for bits in product((0, 1), repeat=5)}
    sure = matched._guaranteed(config, list(ask.values()))
    assert ask[1, 1, 1, 1, 1] in sure
    assert 0 < len(sure) < len(ask)


@pytest.mark.parametrize("offsets", ["random", "fixed"])
def test_the_tests_are_those_of_the_run(offsets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig("sorting", "coupled", longest=2, n_ids=20, steps=1, batch=4, width=8, **ALONE)
    row, asked = run(config, Evaluation((2, 4), size=10, every_step=True, offsets=offsets)), list[Example]()
    monkeypatch.setattr(matched, "_guaranteed", lambda config, examples: asked.extend(examples) or set())
    kept(row)
    assert ({min(example.ids) for example in asked} == {0}) == (offsets == "fixed")


def test_the_theorem_is_about_seeds_that_are_perfect_in_training(windowed: dict[str, Any]) -> None:
    noted, config = windowed["every_step"], windowed["config"]
    spoiled = {
        **windowed,
        "config": {**config, "seed": 1},
        "every_step": {**noted, "training": {**noted["training"], "wrong": [[0, 0]]}},
        "tests": [{**test, "free_running": 4} for test in windowed["tests"]],
    }
    [found] = compare([windowed, spoiled])
    assert (found.kind, found.perfect, len(found.kept)) == ("theorem", (True, False), 1)
    assert found.fitted  # as one seed is
    assert found.generalizes(4)
    [alone] = compare([{**spoiled, "tests": windowed["tests"]}])  # right in all tests, and wrong in training
    assert (alone.perfect, alone.kept, alone.kind) == ((False,), (), "promise")
