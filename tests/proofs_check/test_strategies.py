"""The public strategies: what they draw is valid and within its bounds, and shrinks to what a person would write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import networkx as nx
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from tests.shrinking import FEW, find_any, minimal
from theory import Example, HardHead, HeadClass, InvalidArgument, PlantedEnsemble, View, positions, support
from theory.positions import PositionScheme
from theory.support import Local, Paired, SupportLaw, Uniform
from theory.tasks import TASKS, Addition, Copy, CountOnes, Instance, Reverse, Step, Task, sparse_parity

# ── Simplest values ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_simplest_ensemble_is_one_word_of_one_token() -> None:
    ens = minimal(strategies.planted_ensembles())
    assert ens == PlantedEnsemble(2, [1, 0], {(0,): 1}, {(0,): 0}, support.uniform())


def test_the_simplest_laws_are_uniform() -> None:
    assert minimal(strategies.laws_on(["a", "b", "c"])) == dict.fromkeys("abc", Fraction(1, 3))


def test_the_simplest_support_scheme_and_class() -> None:
    assert minimal(strategies.support_laws()) == support.uniform()
    assert minimal(strategies.position_schemes()) == positions.absolute()
    assert minimal(strategies.head_classes()) == HeadClass(1)


def test_the_simplest_example_head_instance_and_task() -> None:
    assert minimal(strategies.examples()) == Example((0,), (0,), 0)
    assert minimal(strategies.heads()) == HardHead(HeadClass(1), {})
    assert minimal(strategies.instances()) == Instance((0, 0), (0, 0), (Step(1, ()),))
    assert minimal(strategies.tasks()) == next(iter(TASKS.values()))
    assert list(minimal(strategies.dependency_graphs())) == [0, 1]


SIMPLEST: dict[str, tuple[SearchStrategy[Any], Callable[[Any], object], object]] = {
    "an example with the token 1 and the ID 1": (
        strategies.examples(),
        lambda example: 1 in example.tokens and 1 in example.ids,
        Example((1,), (1,), 0),
    ),
    "a head that answers 1": (
        strategies.heads(),
        lambda head: 1 in head.answers.values(),
        HardHead(HeadClass(1), {View((0,), ()): 1}),
    ),
    "a head that tells two tokens apart": (
        strategies.heads(HeadClass(1)),
        lambda head: len(set(head.answers.values())) == 2,
        HardHead(HeadClass(1), {View((0,), ()): 0, View((1,), ()): 1}),
    ),
    "a head on pairs at a distance": (
        strategies.heads(HeadClass(2, None, "relative")),
        lambda head: any(view.key[1] > 0 for view in head.answers),
        HardHead(HeadClass(2, None, "relative"), {View((0, 0), (0, 1)): 0}),
    ),
    "a step that reads two tokens": (
        strategies.instances(),
        lambda instance: len(instance.steps[0].sources) == 2,
        Instance((0, 0, 0), (0, 0, 0), (Step(2, (1, 0)),)),
    ),
    "two steps": (
        strategies.instances(),
        lambda instance: len(instance.steps) == 2,
        Instance((0, 0, 0), (0, 0, 0), (Step(1, ()), Step(2, ()))),
    ),
    "a path through the graph": (
        strategies.dependency_graphs().map(lambda made: sorted(made.edges)),
        lambda edges: {b for _, b in edges} & {a for a, _ in edges},
        [(0, 1), (1, 2)],
    ),
    "a word with two letters": (
        strategies.task_instances(Copy(3)),
        lambda instance: len(set(instance.tokens)) == 3,
        Copy(3).solve((0, 1, 3)),
    ),
    "a carry": (
        strategies.task_instances(Addition(2, carry=True)),
        lambda instance: max(instance.tokens) > 3,
        Addition(2, carry=True).encode(1, 1, length=1),
    ),
    "an odd number of marked ones": (
        strategies.task_instances(sparse_parity(2)),
        lambda instance: instance.tokens[-1] == 4,
        sparse_parity(2).plant((0, 1), (1, 2), ()),
    ),
    "a dense task": (strategies.tasks(), lambda task: task.sparsity is None, Addition(order="plain")),
    "an ensemble with two labels": (
        strategies.planted_ensembles(),
        lambda ensemble: len(set(ensemble.target.values())) == 2,
        PlantedEnsemble(2, [1, 0], {(0,): "1/2", (1,): "1/2"}, {(0,): 0, (1,): 1}, support.uniform()),
    ),
}


@pytest.mark.parametrize("name", SIMPLEST)
def test_what_it_shrinks_to(name: str) -> None:
    strategy, condition, simplest = SIMPLEST[name]
    assert minimal(strategy, lambda value: bool(condition(value))) == simplest


# ── Everything can be drawn ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [Uniform, Local, Paired])
def test_every_support_law_can_be_drawn(kind: type[SupportLaw]) -> None:
    assert isinstance(find_any(strategies.support_laws(), lambda law: isinstance(law, kind)), kind)


@pytest.mark.parametrize("name", ["RandomShift", "RandomOrdered", "ChunkedShift", "Coupled"])
def test_every_scheme_can_be_drawn(name: str) -> None:
    scheme = find_any(strategies.position_schemes(), lambda scheme: type(scheme).__name__ == name)
    assert isinstance(scheme, PositionScheme)


@pytest.mark.parametrize("key", ["none", "order", "relative", "absolute"])
@pytest.mark.parametrize("anchor", ["none", "last"])
@pytest.mark.parametrize("window", [None, 0, 2])
def test_every_head_class_can_be_drawn(key: str, anchor: str, window: int | None) -> None:
    def wanted(heads: HeadClass) -> bool:
        return (heads.key, heads.anchor, heads.window) == (key, anchor, window)

    assert wanted(find_any(strategies.head_classes(), wanted))


def test_arities_at_most_k_are_drawn_on_demand_only() -> None:
    assert find_any(strategies.head_classes(at_most=True), lambda heads: heads.at_most)
    assert find_any(strategies.head_classes(at_most=True), lambda heads: not heads.at_most)
    with pytest.raises(hypothesis.errors.NoSuchExample):
        find_any(strategies.head_classes(), lambda heads: heads.at_most)
    either = HeadClass(2, None, "relative", at_most=True)
    sizes = minimal(strategies.heads(either), lambda head: {len(view.tokens) for view in head.answers} == {1, 2})
    assert set(sizes.answers) == {((0,), (0,)), ((0, 0), (0, 0))}


# ── Bounds and hypotheses ────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@hypothesis.given(
    strategies.planted_ensembles(min_arity=2, max_arity=3, min_vocabulary=3, max_vocabulary=4, max_labels=3)
)
def test_ensembles_keep_their_bounds(ens: PlantedEnsemble) -> None:
    assert 2 <= ens.arity <= 3
    assert 3 <= ens.vocabulary <= 4
    assert len(ens.labels) <= 3
    assert 1 <= len(ens.planted) <= 4
    assert sum(ens.planted.values()) == sum(ens.background) == 1


@FEW
@hypothesis.given(
    strategies.examples(min_length=2, max_length=4, vocabulary=3, n_labels=3, ids=st.integers(-5, 5)),
    strategies.head_classes(min_arity=2, max_arity=3, max_window=1, keys=["order", "relative"], anchors=["last"]),
)
def test_examples_and_classes_keep_their_bounds(example: Example, heads: HeadClass) -> None:
    assert 2 <= example.length <= 4
    assert set(example.tokens) | {example.label} <= {0, 1, 2}
    assert all(-5 <= i <= 5 for i in example.ids)
    assert 2 <= heads.arity <= 3
    assert heads.window in (None, 0, 1)
    assert (heads.key in ("order", "relative"), heads.anchor) == (True, "last")


@FEW
@hypothesis.given(strategies.head_classes(max_arity=3), st.data())
def test_heads_keep_their_class_and_bounds(heads: HeadClass, data: st.DataObject) -> None:
    head = data.draw(strategies.heads(heads, min_views=1, max_views=2, vocabulary=3, max_offset=1, n_labels=1))
    assert head.heads == heads
    assert 1 <= len(head.answers) <= 2
    assert set(head.answers.values()) == {0}
    for view in head.answers:
        assert set(view.tokens) <= {0, 1, 2}
        assert max(view.key, default=0) - min(view.key, default=0) <= (1 if heads.window is None else heads.window)


@FEW
@hypothesis.given(strategies.instances(min_length=3, max_length=5, max_sources=2, vocabulary=3, ids=st.just(7)))
def test_instances_keep_their_bounds(instance: Instance) -> None:
    assert 3 <= len(instance.tokens) <= 5
    assert set(instance.tokens) <= {0, 1, 2}
    assert set(instance.ids) == {7}
    assert all(len(step.sources) <= 2 for step in instance.steps)


@FEW
@hypothesis.given(strategies.dependency_graphs(min_length=3, max_length=5, max_sources=2))
def test_graphs_go_forward(made: nx.DiGraph[int]) -> None:
    assert list(made) == list(range(len(made)))
    assert 3 <= len(made) <= 5
    assert all(a < b for a, b in made.edges)
    assert max(degree for _, degree in made.in_degree) <= 2
    assert set(made.nodes[0]) == {"token", "id", "part"}


@FEW
@hypothesis.given(strategies.tasks(), st.data())
def test_instances_of_a_task_are_in_its_support(task: Task, data: st.DataObject) -> None:
    low = task.min_length
    instance = data.draw(strategies.task_instances(task, max_length=low + 1))
    assert task.rollout(instance) == instance.tokens
    if (n := task.n_instances(low)) <= 100:
        assert data.draw(strategies.task_instances(task, max_length=low)) in list(task.support(low))
        assert n > 0


@hypothesis.given(strategies.tasks(max_sparsity=1))
def test_tasks_keep_their_sparsity(task: Task) -> None:
    assert task.sparsity == 1


def test_every_instance_of_a_task_can_be_drawn() -> None:
    for task in (Copy(2), sparse_parity(2)):
        strategy = strategies.task_instances(task, min_length=2, max_length=2)
        for wanted in task.support(2):
            assert find_any(strategy, lambda instance, wanted=wanted: instance == wanted) == wanted  # type: ignore[misc]


@FEW
@hypothesis.given(strategies.task_instances(sparse_parity(2), min_length=90, max_length=90))
def test_a_long_instance_without_choices_is_drawn_at_random(instance: Instance) -> None:
    assert len(instance.tokens) == 91


REFUSED: dict[str, tuple[SearchStrategy[Any], str]] = {
    "arity": (strategies.planted_ensembles(min_arity=3), r"planted_ensembles: argument max_arity: got bounds 3\.\.2"),
    "vocabulary": (strategies.planted_ensembles(min_vocabulary=4), "argument max_vocabulary: got bounds 4"),
    "no words": (strategies.planted_ensembles(max_words=0), "argument max_words: got 0; expected an integer >= 1"),
    "length": (strategies.examples(min_length=4), r"examples: argument max_length: got bounds 4\.\.3"),
    "no labels": (strategies.examples(n_labels=0), "argument n_labels: got 0"),
    "no tokens": (strategies.examples(vocabulary=0), "argument vocabulary: got 0"),
    "IDs": (strategies.position_schemes(max_id=1), "argument min_id|argument max_id"),
    "class arity": (strategies.head_classes(min_arity=3), "head_classes: argument max_arity"),
    "class window": (strategies.head_classes(max_window=-1), "argument max_window: got -1"),
    "no keys": (strategies.head_classes(keys=[]), "argument keys: got .*expected some of 'none', 'order'"),
    "anchors": (strategies.head_classes(anchors=["first"]), r"argument anchors: got \['first'\]"),  # type: ignore[list-item]
    "views": (strategies.heads(min_views=5), r"heads: argument max_views: got bounds 5\.\.4"),
    "offset": (strategies.heads(max_offset=-1), "argument max_offset: got -1; expected an integer >= 0"),
    "more views than there are": (
        strategies.heads(HeadClass(1), min_views=2, vocabulary=1),
        "argument min_views: got 2",
    ),
    "sequence": (strategies.instances(max_length=1), r"instances: argument max_length: got 1"),
    "graph": (strategies.dependency_graphs(min_length=9), r"argument max_length: got bounds 9\.\.6"),
    "sparsity": (strategies.tasks(max_sparsity=0), "tasks: argument max_sparsity: got 0"),
    "below the task": (strategies.task_instances(Copy(2), min_length=0), "task_instances: argument min_length: got 0"),
    "above the task": (strategies.task_instances(CountOnes(3), min_length=4, max_length=4), "argument length: got 4"),
    "swapped": (strategies.task_instances(Reverse(2), min_length=3, max_length=2), r"got bounds 3\.\.2"),
    "no task": (strategies.task_instances("copy"), "argument task: got the str 'copy'"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drawn_is_refused_when_drawn(name: str) -> None:
    strategy, message = REFUSED[name]
    with pytest.raises(InvalidArgument, match=message):
        find_any(strategy, lambda value: True)


# ── from_type ────────────────────────────────────────────────────────────────────────────────────────────────────────

TYPES = {
    "theory": ["PlantedEnsemble", "Example", "HardHead", "HeadClass"],
    "theory.positions": ["PositionScheme"],
    "theory.tasks": ["Instance", "Task"],
}


def fresh(*lines: str, **variables: str) -> str:
    """What a new interpreter prints."""
    path = os.pathsep.join(filter(None, [str(Path(strategies.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(order: str) -> list[str]:
    """The types' modules, before Hypothesis or after it."""
    theirs = [f"from {module} import {', '.join(names)}" for module, names in TYPES.items()]
    own = ["import hypothesis", "from hypothesis import strategies as st"]
    return [*theirs, *own] if order == "types first" else [*own, *theirs]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["types first", "hypothesis first"])
def test_types_need_no_import_beyond_themselves(order: str) -> None:
    names = ", ".join(name for names in TYPES.values() for name in names)
    printed = fresh(
        *imports(order),
        "import sys",
        "assert 'proofs_check.strategies' not in sys.modules",
        "settings = hypothesis.settings(database=None, derandomize=True)",
        f"for kind in ({names}):",
        "    drawn = hypothesis.find(st.from_type(kind), lambda value: isinstance(value, kind), settings=settings)",
        "    print(kind.__name__, type(drawn).__name__)",
    )
    found = dict(line.split() for line in printed.splitlines())
    assert found == {
        "PlantedEnsemble": "PlantedEnsemble", "Example": "Example", "HardHead": "HardHead", "HeadClass": "HeadClass",
        "PositionScheme": "RandomShift", "Instance": "Instance", "Task": type(next(iter(TASKS.values()))).__name__,
    }  # fmt: skip


def test_hypothesis_imports_nothing_of_ours_and_no_import_is_watched() -> None:
    code = [
        "import sys", "before = list(sys.meta_path)", "import hypothesis, json",
        "print(json.dumps([[name for name in sys.modules if name.partition('.')[0] in "
        "('theory', 'idealized_model', 'proofs_check', 'figures', 'numpy', 'networkx')], sys.meta_path == before]))",
    ]  # fmt: skip
    assert json.loads(fresh(*code)) == [[], True]


@pytest.mark.parametrize(("variables", "ours"), [({}, "True"), ({"HYPOTHESIS_NO_PLUGINS": "1"}, "False")])
def test_hypothesis_without_plugins_knows_nothing(variables: dict[str, str], ours: str) -> None:
    code = [
        "import contextlib, hypothesis, sys, theory", "from hypothesis import strategies as st",
        "with contextlib.suppress(theory.InvalidArgument):",
        "    hypothesis.find(st.from_type(theory.HeadClass), lambda _: True)",
        "print('proofs_check.strategies' in sys.modules)",
    ]  # fmt: skip
    assert fresh(*code, **variables).strip() == ours


@FEW
@hypothesis.given(st.from_type(PlantedEnsemble), st.from_type(PositionScheme), st.from_type(HardHead))  # type: ignore[type-abstract]
def test_annotations_are_enough(ensemble: PlantedEnsemble, scheme: PositionScheme, head: HardHead) -> None:
    assert isinstance(ensemble, PlantedEnsemble)
    assert isinstance(scheme, PositionScheme)
    assert isinstance(head, HardHead)
